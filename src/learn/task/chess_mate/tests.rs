//! Puzzles by hand: mates in two, and rows that are none.

use super::*;

const HEADER: &str =
    "PuzzleId,FEN,Moves,Rating,RatingDeviation,Popularity,NbPlays,Themes,GameUrl,OpeningTags\n";

/// Two rooks climb a ladder; one climbs and a pawn becomes a queen; black's rooks climb; a pawn that can be taken in
/// passing looks on; a king castles and so mates.
const PUZZLES: [&str; 5] = [
    "a,6k1/8/8/8/8/1R6/R7/6K1 b - - 0 1,g8h8 b3b7 h8g8 a2a8,900,80,95,1,mate mateIn2 short,https://example.org/a,",
    "b,6k1/1P6/2R5/8/8/8/8/6K1 b - - 0 1,g8h8 c6c7 h8g8 b7b8q,1100,80,95,1,mateIn2 promotion,,",
    "c,6K1/8/8/8/8/1r6/r7/6k1 w - - 0 1,g8h8 b3b7 h8g8 a2a8,1300,80,95,1,mateIn2,,",
    "d,7k/3p4/8/4P3/8/1R6/R7/6K1 b - - 0 1,d7d5 b3b7 h8g8 a2a8,1500,80,95,1,mateIn2,,",
    "e,3k4/7p/8/1B3B2/8/6R1/8/R3K3 b Q - 0 1,h7h6 g3g7 h6h5 e1c1,1700,80,95,1,mateIn2,,",
];

/// No mates in two; the first does not even say that it is one.
const WRONG: [&str; 10] = [
    "f,6k1/8/8/8/8/1R6/R7/6K1 b - - 0 1,g8h8 b3b7 h8g8 a2a8,900,80,95,1,mateIn3,,",
    "g,6k1/8/8/8/8/1R6/R7/6K1 b - - 0 1,g8h8 b3b7 h8g8 a2a7,900,80,95,1,mateIn2,,",
    "h,6k1/8/8/8/8/1R6/R7/6K1 b - - 0 1,g8h8 b3b7 h8h7 a2a8,900,80,95,1,mateIn2,,",
    "i,6k1/8/8/8/8/1R6/R7/6K1 b - - 0 1,g8h8 b3b7,900,80,95,1,mateIn2,,",
    "j,6k1/8/8/8/8/1R6/R7/6K1 b - - 0 1,,900,80,95,1,mateIn2,,",
    "k,8/8/8/8/8/1R6/R7/6K1 b - - 0 1,g8h8 b3b7 h8g8 a2a8,900,80,95,1,mateIn2,,",
    "l,9999999999/8,g8h8 b3b7 h8g8 a2a8,900,80,95,1,mateIn2,,",
    "m,6k1/8/8/8/8/1R6/R7/6K1 b - - 0 1,g8h8 b3b7 castles a2a8,900,80,95,1,mateIn2,,",
    "n,\"6k1/8/8/8/8/1R6/R7/6K1 b - - 0 1\",g8h8 b3b7 h8g8 a2a8,900,80,95,1,mateIn2,,",
    "o,6k1/8/8/8/8/1R6/R7/6K1 b - - 0 1,g8h8 b3b7",
];

fn task(train: u64, test: u64) -> ChessMate {
    ChessMate {
        train,
        test,
        validation: 0,
        min_rating: None,
        max_rating: None,
        seed: 0,
    }
}

fn table(rows: &[&str]) -> Vec<u8> {
    format!("{HEADER}{}\n", rows.join("\n")).into_bytes()
}

fn choose(task: &ChessMate, bytes: &[u8], bad_rows: BadRows) -> Result<Chosen, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let chosen = task.choose(file.path(), bad_rows, &|| false);
    let path = file.path().display().to_string();
    chosen.map_err(|why| why.to_string().replace(&path, "puzzles.csv"))
}

fn sample(chosen: &Chosen) -> String {
    let dataset = &chosen.dataset;
    let all = dataset.test.iter().chain(dataset.train.iter());
    let lines = all.map(|(prefix, target)| dataset.task.contract().render(prefix, target));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_text_of_an_example_stays_what_it_was() {
    let chosen = choose(&task(4, 1), &table(&PUZZLES), BadRows::Refuse).unwrap();
    insta::assert_snapshot!(sample(&chosen), @"
    .......k/.P....../..R...../......../......../......../......../......K. w .... .=c6c7$ h8g8$ b7b8q
    ...k..../......../.......p/.B...B../......../......R./......../R...K... w .Q.. .=g3g7$ h6h5$ e1c1$
    .......K/......../......../......../......../.r....../r......./......k. b .... .=b3b7$ h8g8$ a2a8$
    .......k/......../......../...pP.../......../.R....../R......./......K. w .... d6=b3b7$ h8g8$ a2a8$
    .......k/......../......../......../......../.R....../R......./......K. w .... .=b3b7$ h8g8$ a2a8$
    ");
    insta::assert_snapshot!(chosen.skipped, @"5 rows of mates in two: 0 wrong, 0 of a position that an earlier row has, 5 to choose from");
}

#[test]
fn examples_for_validation_change_neither_training_nor_test() {
    let with = |validation| {
        let task = ChessMate {
            validation,
            ..task(2, 1)
        };
        choose(&task, &table(&PUZZLES), BadRows::Refuse)
    };
    let (none, some) = (with(0).unwrap().dataset, with(2).unwrap().dataset);
    assert_eq!((&none.train, &none.test), (&some.train, &some.test));
    let positions = some
        .splits()
        .map(|(_, split)| split.iter().map(|(prefix, _)| prefix));
    let different: HashSet<&[u32]> = positions.into_iter().flatten().collect();
    assert_eq!(different.len(), 5, "no position is in two splits");
    let why = with(3).unwrap_err();
    assert!(why.contains("1 to test with and 3 for validation"), "{why}");
}

#[test]
fn every_example_played_from_its_tokens_alone_ends_in_mate() {
    let chosen = choose(&task(4, 1), &table(&PUZZLES), BadRows::Refuse).unwrap();
    for line in sample(&chosen).lines() {
        let (position, answer) = line.split_once('=').unwrap();
        let parts: Vec<&str> = position.split(' ').collect();
        let castling = parts[2].replace('.', "");
        let castling = if castling.is_empty() { "-" } else { &castling };
        let passing = if parts[3] == "." { "-" } else { parts[3] };
        let squares = parts[0].replace('.', "1");
        let fen = format!("{squares} {} {castling} {passing} 0 1", parts[1]);
        let mut board = Board::from_fen(&fen, false).unwrap();
        for text in answer.split(' ') {
            let moved = util::parse_uci_move(&board, text.trim_end_matches('$')).unwrap();
            assert_ne!(board.status(), cozy_chess::GameStatus::Won);
            board.play(moved);
        }
        assert_eq!(board.status(), cozy_chess::GameStatus::Won, "{line}");
    }
}

#[test]
fn wrong_rows_are_named_by_line_or_left_out_and_counted() {
    let rows = [&WRONG[..], &PUZZLES[..3], &PUZZLES[..1]].concat();
    insta::assert_snapshot!(choose(&task(2, 1), &table(&rows), BadRows::Refuse).unwrap_err(), @r#"
    puzzles.csv: line 3: its last move does not mate
    line 4: the move `h8h7` is not legal there
    line 5: it has 2 moves, where a mate in two has 4: the opponent's, ours, the reply, and the mate
    line 6: it has no moves
    line 7: `8/8/8/8/8/1R6/R7/6K1 b - - 0 1` is no position: The board is invalid.
    line 8: `9999999999/8` is no position: The board is invalid.
    line 9: `castles` is no move
    line 10: `"6k1/8/8/8/8/1R6/R7/6K1 b - - 0 1"` is no position: The board is invalid.
    line 11: it has 3 cells, too few
    `bad_rows = "skip"` leaves such rows out
    "#);
    let chosen = choose(&task(2, 1), &table(&rows), BadRows::Skip).unwrap();
    assert_eq!(
        (chosen.dataset.train.len(), chosen.dataset.test.len()),
        (2, 1)
    );
    let many = [&WRONG[1..], &WRONG[1..], &PUZZLES[..3]].concat();
    let chosen = choose(&task(2, 1), &table(&many), BadRows::Skip).unwrap();
    let skipped: Vec<&str> = chosen.skipped.lines().collect();
    assert_eq!(skipped.len(), 1 + TOLD + 1);
    insta::assert_snapshot!(skipped[0], @"21 rows of mates in two: 18 wrong, 0 of a position that an earlier row has, 3 to choose from");
    insta::assert_snapshot!(skipped[TOLD + 1], @"and 8 more wrong rows");
}

#[test]
fn a_file_that_is_no_table_of_puzzles_says_what_it_is() {
    let said = |bytes: &[u8]| choose(&task(2, 1), bytes, BadRows::Skip).unwrap_err();
    let mut long = table(&PUZZLES);
    long.extend(vec![b'x'; LONGEST + 1]);
    let endless = zstd::encode_all(&vec![b'x'; 1 << 24][..], 1).unwrap();
    let mut cut = zstd::encode_all(&table(&PUZZLES)[..], 1).unwrap();
    cut.truncate(cut.len() / 2);
    let rated = ChessMate {
        min_rating: Some(1200),
        ..task(3, 1)
    };
    let said = [
        said(b""),
        said(b"a,b,c\n1,2,3\n"),
        said(b"\xff\x1b[1m\n"),
        said(&long),
        said(&endless),
        said(&cut),
        said(&table(&PUZZLES[..2])),
        choose(&rated, &table(&PUZZLES), BadRows::Skip).unwrap_err(),
    ];
    insta::assert_snapshot!(said.join("\n"), @"
    puzzles.csv: it has no column `FEN`; its columns are ``
    puzzles.csv: it has no column `FEN`; its columns are `a`, `b`, `c`
    puzzles.csv: it has no column `FEN`; its columns are `��[1m`
    puzzles.csv: a line is longer than 16384 bytes
    puzzles.csv: a line is longer than 16384 bytes
    puzzles.csv: incomplete frame
    puzzles.csv: it has 2 different mates in two of the ratings asked for, too few for 2 to learn from, 1 to test with and 0 for validation
    puzzles.csv: it has 3 different mates in two of the ratings asked for, too few for 3 to learn from, 1 to test with and 0 for validation
    ");
}

#[test]
fn a_file_of_many_rows_is_read_to_its_end_and_repeated_positions_are_left_out() {
    let mut rows = [PUZZLES[0], WRONG[0]].repeat(AT_ONCE);
    rows.extend(&PUZZLES[1..]);
    let chosen = choose(&task(4, 1), &table(&rows), BadRows::Refuse).unwrap();
    insta::assert_snapshot!(chosen.skipped, @"4100 rows of mates in two: 0 wrong, 4095 of a position that an earlier row has, 5 to choose from");
    let few = choose(&task(4, 1), &table(&PUZZLES), BadRows::Refuse).unwrap();
    assert_eq!(chosen.dataset, few.dataset);
}

#[test]
fn a_compressed_file_gives_the_same_examples_whatever_the_number_of_threads() {
    let plain = table(&PUZZLES);
    let packed = zstd::encode_all(&plain[..], 3).unwrap();
    let with = |threads, bytes: &[u8]| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        pool.install(|| choose(&task(3, 2), bytes, BadRows::Refuse).unwrap())
    };
    assert_eq!(with(1, &plain), with(3, &packed));
    let other = ChessMate {
        seed: 1,
        ..task(3, 2)
    };
    let other = choose(&other, &plain, BadRows::Refuse).unwrap();
    assert_ne!(sample(&other), sample(&with(1, &plain)));
}

#[test]
fn a_dataset_of_mates_comes_back_as_it_was_written() {
    let chosen = choose(&task(3, 2), &table(&PUZZLES), BadRows::Refuse).unwrap();
    let directory = tempfile::tempdir().unwrap();
    chosen.dataset.save(directory.path()).unwrap();
    assert_eq!(Dataset::load(directory.path()).unwrap(), chosen.dataset);
    assert!(matches!(chosen.dataset.fresh(1), Err(Error::Fixed(_))));
}

#[test]
fn impossible_parameters_are_named_with_their_numbers() {
    let task = ChessMate {
        min_rating: Some(2000),
        max_rating: Some(1000),
        ..task(0, 50_000_001)
    };
    let problems = task.problems().into_iter();
    let said: Vec<String> = problems
        .map(|(name, why)| format!("{name}: {why}"))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @"
    train: 0 examples are not from 1 to 50000000
    test: 50000001 examples are not from 1 to 50000000
    min_rating: no rating is at least 2000 and at most 1000
    ");
}
