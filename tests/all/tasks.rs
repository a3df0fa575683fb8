//! The tasks and what reads them, each in a small pipeline through the engine.

use std::fs;
use std::path::PathBuf;

use etude::figures::table;
use etude::learn::task::Dataset;
use polars::prelude::DataType;

use crate::toys::{Bench, Ran};

fn bench() -> Bench {
    Bench::with(etude::stages::registry())
}

fn view(bench: &Bench, name: &str) -> PathBuf {
    bench.folder.path().join("outputs/toy").join(name)
}

fn dataset(bench: &Bench, stage: &str) -> Dataset {
    Dataset::load(&view(bench, "datasets").join(stage)).unwrap()
}

/// A column of a table's view.
fn column(bench: &Bench, stage: &str, name: &str) -> Vec<i64> {
    let rows = table::read(&view(bench, "tables").join(format!("{stage}.parquet"))).unwrap();
    let column = table::column(&rows, name).unwrap();
    let column = column.cast(&DataType::Int64).unwrap();
    column.i64().unwrap().iter().map(Option::unwrap).collect()
}

/// The bench's folder is another every time.
fn failures(bench: &Bench, ran: &Ran) -> String {
    let folder = bench.folder.path().canonicalize().unwrap();
    ran.failures()
        .join("\n")
        .replace(folder.to_str().unwrap(), "")
}

const MODEL: &str = "
    [stage.model]
    kind         = 'train'
    data         = 'data'
    architecture = { kind = 'transformer', layers = 1, width = 16, heads = 2, positions = 'rotary' }
    objective    = 'next-token'
    batch        = 16
    steps        = 3
";

const IN_WEIGHTS: &str = "
    [stage.data]
    kind        = 'in-weights'
    degree      = 8
    path_length = 4
";

#[test]
fn one_graph_is_learnt_by_heart_and_asked_for_other_leaves() {
    let bench = bench();
    let decode = "
        [stage.answers]
        kind  = 'decode'
        model = 'model'
        data  = 'data'
        [stage.count]
        kind = 'aggregate'
        from = 'answers'
        sql  = 'SELECT COUNT(*) AS asked FROM answers'
    ";
    let pipeline = format!("{IN_WEIGHTS}{MODEL}{decode}");
    let ran = bench.run(&pipeline);
    assert_eq!(ran.failures(), [""; 0]);
    assert_eq!(dataset(&bench, "data").train.len(), 2 * 8 * 3 + 6);
    // Of the two leaves that are not taught, the training looks at one.
    assert_eq!(column(&bench, "count", "asked"), [1]);
    assert_eq!(bench.run(&pipeline).summary.ran, 0);
}

#[test]
fn a_training_on_fresh_examples_of_a_task_that_has_none_says_so_before_its_first_step() {
    let pipeline = format!("{IN_WEIGHTS}{MODEL}    online = true\n");
    let problems = bench().read(&pipeline, &etude::pipeline::Request::default());
    insta::assert_snapshot!(problems.unwrap_err()[0].to_string(), @"there are no fresh examples: the examples of `in-weights` are all that its one graph has; leave `online` out");
}

#[test]
fn what_a_model_says_of_itself_is_judged_string_by_string() {
    let bench = bench();
    let data = "
        [stage.data]
        kind       = 'sibling-discovery'
        parents    = 2
        children   = 3
        train      = 6
        test       = 40
        validation = 0
    ";
    let judged = "
        [stage.said]
        kind     = 'decode'
        model    = 'model'
        data     = 'data'
        decoding = { kind = 'sample', seed = 1 }
        [stage.judged]
        kind    = 'creativity'
        answers = 'said'
        data    = 'data'
        [stage.share]
        kind = 'aggregate'
        from = ['judged', 'said']
        sql  = 'SELECT SUM(creative) AS creative, COUNT(*) AS said FROM judged'
    ";
    let pipeline = format!("{data}{MODEL}{judged}");
    let ran = bench.run(&pipeline);
    assert_eq!(ran.failures(), [""; 0]);
    let of = |name| column(&bench, "judged", name);
    let (coherent, seen, repeated, creative) =
        (of("coherent"), of("seen"), of("repeated"), of("creative"));
    assert_eq!(of("example"), (0..40).collect::<Vec<_>>());
    let flaws = seen.iter().zip(&repeated).map(|(seen, again)| seen + again);
    for ((good, flaws), creative) in coherent.iter().zip(flaws).zip(&creative) {
        assert_eq!(*creative == 1, *good == 1 && flaws == 0);
    }
    // A model that was hardly taught says all sorts of things.
    for column in [&coherent, &repeated] {
        assert!(column.contains(&0), "{column:?}");
    }
    assert_eq!(
        column(&bench, "share", "creative"),
        [creative.iter().sum::<i64>()]
    );

    let other = "
        [stage.other]
        kind       = 'sibling-discovery'
        parents    = 2
        children   = 3
        train      = 6
        test       = 40
        validation = 0
        seed       = 1
    ";
    let pipeline = pipeline.replace(
        "answers = 'said'\n        data    = 'data'",
        "answers = 'said'\n        data    = 'other'",
    );
    let ran = bench.run(&format!("{other}{pipeline}"));
    insta::assert_snapshot!(failures(&bench, &ran), @"the answers are to other examples than those of `data`, or in the tokens of a published model");
}

const GRAPHS: &str = "
    [stage.graphs]
    kind        = 'path-star'
    degree      = 2
    path_length = 3
    nodes       = 8
    train       = 60
    test        = 20
    [stage.text]
    kind = 'export'
    data = 'graphs'
";

const READ: &str = "
    [stage.data]
    kind  = 'dataset'
    train = 'text/train.txt'
    test  = 'text/test.txt'
    validation = 'text/validation.txt'
";

#[test]
fn graphs_leave_as_text_and_come_back_as_the_same_tokens() {
    let bench = bench();
    assert_eq!(bench.run(GRAPHS).failures(), [""; 0]);
    let folder = bench.folder.path().join("text");
    fs::create_dir(&folder).unwrap();
    for name in ["train.txt", "test.txt", "validation.txt"] {
        fs::copy(view(&bench, "files/text").join(name), folder.join(name)).unwrap();
    }
    let pipeline = format!("{GRAPHS}{READ}{MODEL}");
    let ran = bench.run(&pipeline);
    assert_eq!(ran.failures(), [""; 0]);
    let (drawn, read) = (dataset(&bench, "graphs"), dataset(&bench, "data"));
    assert_eq!(drawn.splits(), read.splits());
    let sample = |stage: &str| {
        fs::read_to_string(view(&bench, "datasets").join(stage).join("sample.txt")).unwrap()
    };
    assert_eq!(sample("graphs"), sample("data"));

    // Where the files lie does not count, what they hold does.
    fs::rename(&folder, bench.folder.path().join("moved")).unwrap();
    let moved = pipeline.replace("'text/", "'moved/");
    assert_eq!(bench.run(&moved).summary.ran, 0);
    let test = bench.folder.path().join("moved/test.txt");
    let text = fs::read_to_string(&test).unwrap();
    let first = text.lines().next().unwrap();
    fs::write(&test, format!("{text}{first}\n")).unwrap();
    assert_eq!(bench.run(&moved).summary.ran, 2);
    fs::write(&test, format!("{text}{}\n", &first[1..])).unwrap();
    let ran = bench.run(&moved);
    insta::assert_snapshot!(failures(&bench, &ran), @"/moved/test.txt: line 21: `` is no node");
}

#[test]
fn puzzles_become_positions_and_mates_and_what_was_left_out_is_kept() {
    let bench = bench();
    let rows = [
        "PuzzleId,FEN,Moves,Rating,RatingDeviation,Popularity,NbPlays,Themes,GameUrl,OpeningTags",
        "a,6k1/8/8/8/8/1R6/R7/6K1 b - - 0 1,g8h8 b3b7 h8g8 a2a8,900,80,95,1,mate mateIn2 short,,",
        "b,6k1/1P6/2R5/8/8/8/8/6K1 b - - 0 1,g8h8 c6c7 h8g8 b7b8q,1100,80,95,1,mateIn2,,",
        "c,6k1/8/8/8/8/1R6/R7/6K1 b - - 0 1,g8h8 b3b7 h8g8 a2a7,900,80,95,1,mateIn2,,",
        "d,6K1/8/8/8/8/1r6/r7/6k1 w - - 0 1,g8h8 b3b7 h8g8 a2a8,1300,80,95,1,mateIn2,,",
    ];
    fs::write(bench.folder.path().join("puzzles.csv"), rows.join("\n")).unwrap();
    let data = "
        [stage.data]
        kind     = 'chess-mate'
        puzzles  = 'puzzles.csv'
        train    = 2
        test     = 1
        validation = 0
    ";
    let ran = bench.run(data);
    insta::assert_snapshot!(failures(&bench, &ran), @r#"
    /puzzles.csv: line 4: its last move does not mate
    `bad_rows = "skip"` leaves such rows out
    "#);
    let pipeline = format!("{data}    bad_rows = 'skip'\n{MODEL}");
    assert_eq!(bench.run(&pipeline).failures(), [""; 0]);
    let skipped = view(&bench, "datasets/data/skipped.txt");
    insta::assert_snapshot!(fs::read_to_string(skipped).unwrap(), @"
    4 rows of mates in two: 1 wrong, 0 of a position that an earlier row has, 3 to choose from
    line 4: its last move does not mate
    ");
}

#[test]
fn what_cannot_be_is_said_of_each_kind_before_anything_runs() {
    let problems = |stage: &str| {
        let read = bench().read(stage, &etude::pipeline::Request::default());
        let said = read
            .unwrap_err()
            .into_iter()
            .map(|problem| problem.to_string());
        said.collect::<Vec<_>>().join("\n")
    };
    let said = [
        problems("[stage.a]\nkind = 'in-weights'\ndegree = 2\npath_length = 3\ntaught = 0.1"),
        problems(
            "[stage.a]\nkind = 'sibling-discovery'\nparents = 1\nchildren = 2\ntrain = 2\ntest = 1",
        ),
        problems(
            "[stage.a]\nkind = 'sibling-discovery'\nparents = 2\nchildren = 3\ntrain = 5\ntest = 4",
        ),
        problems(
            "[stage.a]\nkind = 'dataset'\ntrain = 'a'\ntest = 'b'\nvalidation = 'c'\nheld_out = 3",
        ),
        problems("[stage.a]\nkind = 'dataset'\ntrain = ''\ntest = 't'\noverlap = 'maybe'"),
        problems(
            "[stage.a]\nkind = 'chess-mate'\npuzzles = 'p'\ntrain = 1\ntest = 1\nmin_rating = 9\nmax_rating = 8",
        ),
    ];
    insta::assert_snapshot!(said.join("\n"), @"
    0.1 of 2 leaves are 0: at least 1 must be taught, and at least 1 left for the test
    1 parents of 2 children have 1 × 2 × 1 = 2 strings, so learning from 2 leaves none to discover; use at most 1
    2 parents of 3 children have 2 × 3 × 2 = 12 strings, so 512 for validation beside 5 to learn from leave none to test with; use at most 6
    `validation` names a file, so nothing is held out; leave `held_out` or `validation` out
    `train` must not be empty
    `overlap` cannot be `maybe`
    no rating is at least 9 and at most 8
    ");
}

/// The bytes that each kind leaves for the same parameters and files; see `golden`.
#[test]
fn every_task_leaves_the_bytes_it_always_left() {
    let bench = bench();
    let line = |goal: &str| format!("1,2|2,3|1,4|4,5/1,{goal}\n");
    fs::write(bench.folder.path().join("train.txt"), line("3=1,2,3")).unwrap();
    fs::write(bench.folder.path().join("test.txt"), line("5=1,4,5")).unwrap();
    let other = "1,2|2,3|1,5|5,4/1,4=1,5,4\n";
    fs::write(bench.folder.path().join("validation.txt"), other).unwrap();
    let pipeline = "
        [stage.in-weights]
        kind        = 'in-weights'
        degree      = 8
        path_length = 4
        [stage.siblings]
        kind     = 'sibling-discovery'
        parents  = 4
        children = 5
        train    = 20
        test     = 70
        validation = 10
        [stage.read]
        kind  = 'dataset'
        train = 'train.txt'
        test  = 'test.txt'
        validation = 'validation.txt'
        [stage.text]
        kind = 'export'
        data = 'siblings'
    ";
    let artifacts = bench.run(pipeline).artifacts().into_iter();
    let lines = artifacts.map(|(job, digest)| format!("{job} {digest}"));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @"
    in-weights b47b0d3d4f91b020ac869305eaf0553d14954db1bac182ce782893615341d693
    read 995019eb3485b156d703288a5c31339168aa1c2eac7a356f867e421339880e21
    siblings b13798a1fdddf0af03313aa452138a27a06b3c8a604678ee0d75332e1f603664
    text 18d5588b9df74c1d3b6c38798bac08a2fb1db56893c34fda69b2cca9fc43d752
    ");
}
