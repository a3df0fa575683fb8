//! Mate in two: a chess position, and the three half-moves that force the king.
//!
//! The examples are puzzles of the open database of Lichess, <https://database.lichess.org/#puzzles>, a CSV file, plain or
//! compressed by Zstandard, with the columns `FEN`, `Moves`, `Rating` and `Themes`, whatever stands beside them. Of its
//! rows those count whose themes name `mateIn2`. A row's first move is the opponent's: played on the board of its FEN, it
//! gives the position of the example. The rest is the answer: our move, the reply, and our move that mates.
//!
//! | part | tokens | is |
//! |---|---|---|
//! | board | 64 | square by square as in a FEN: a8 … h8, a7 … h1; a piece, or `.` |
//! | side to move | 1 | `w` or `b` |
//! | castling | 4 | the rights to `K`, `Q`, `k` and `q`, each or `.` |
//! | en passant | 1 | the square where a pawn can be taken in passing, or `.` |
//! | end of the prefix | 1 | `=` |
//! | target | 3 × 3 | of each move the square it leaves, the square it goes to, and what a pawn becomes, or `$` |
//!
//! So the prefix has 71 tokens and the target 9. A move that promotes nothing, which are nearly all, ends in `$`, which is
//! predicted too: a third of the target tokens are nearly free, and dilute the loss. A king that castles goes two squares,
//! as in UCI.
//!
//! Tokens: `.` is 0, the pieces `PNBRQKpnbrqk` are 1 to 12, `w` 13, `b` 14, the squares a1, b1, … h8 15 to 78, `=` 79 and
//! `$`, the mask, 80. A pawn becomes one of `nbrq`, whoever moves.
//!
//! Every row is played: both sides' moves must be legal, and the last must mate. Rows where that is not so are named. A
//! position that an earlier row has is left out, so that the splits share none.

use std::collections::HashSet;
use std::fmt::Write;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use cozy_chess::{Board, Color, File, Move, Piece, Rank, Square, util};
use csv::{ByteRecord, ReaderBuilder};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Contract, Dataset, Error, ExampleShape, Examples, Task};
use crate::learn::random;

/// Mates in two, and how they were chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChessMate {
    /// Examples to learn from.
    #[schemars(range(min = 1, max = 50_000_000))]
    pub train: u64,
    /// Examples to test with; no position is in both splits.
    #[schemars(range(min = 1, max = 50_000_000))]
    pub test: u64,
    /// Examples that a training looks at while it runs.
    #[serde(default = "super::validation")]
    #[schemars(range(max = 50_000_000))]
    pub validation: u64,
    /// The least rating of a puzzle; without it, any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_rating: Option<u32>,
    /// The greatest rating of a puzzle; without it, any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rating: Option<u32>,
    /// Seed of the choice of the puzzles.
    #[serde(default)]
    pub seed: u64,
}

/// What happens where a row is wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BadRows {
    /// The file is refused.
    #[default]
    Refuse,
    /// The row is left out.
    Skip,
}

/// Examples out of a file, and what was left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// The examples.
    pub dataset: Dataset,
    /// How many rows were left out and why, the first wrong ones by their lines; for people.
    pub skipped: String,
}

/// Tokens of a prefix and of a target.
const PREFIX: usize = 71;
const TARGET: usize = 9;

const WHITE: u8 = 13;
const SQUARES: u8 = 15;
const EQUALS: u8 = 79;
const MASK: u8 = 80;
const PIECES: &[u8] = b"PNBRQKpnbrqk";

/// An example in as little memory as it takes: there are many more in a file than are chosen.
type Row = [u8; PREFIX + TARGET];

/// The most puzzles that are kept in memory, 80 bytes each.
const MOST: usize = 50_000_000;

/// The longest line that is read; those of the database have a few hundred bytes.
const LONGEST: usize = 1 << 14;

/// Rows that are played between two looks at whether to stop.
const AT_ONCE: usize = 1 << 12;

/// How many wrong rows are told one by one.
const TOLD: usize = 10;

impl Contract for ChessMate {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        for (name, count) in [("train", self.train), ("test", self.test)] {
            if !(1..=MOST as u64).contains(&count) {
                let why = format!("{count} examples are not from 1 to {MOST}");
                problems.push((name, why));
            }
        }
        if self.validation > MOST as u64 {
            let why = format!("{} examples are more than {MOST}", self.validation);
            problems.push(("validation", why));
        }
        if let (Some(least), Some(most)) = (self.min_rating, self.max_rating)
            && least > most
        {
            let why = format!("no rating is at least {least} and at most {most}");
            problems.push(("min_rating", why));
        }
        problems
    }

    fn shape(&self) -> ExampleShape {
        ExampleShape {
            vocabulary: u32::from(MASK) + 1,
            mask: u32::from(MASK),
            prefix_length: PREFIX,
            target_length: TARGET,
        }
    }

    fn generate(&self, _cancel: &dyn Fn() -> bool) -> Result<Dataset, Error> {
        Err(Error::Fixed(ELSEWHERE))
    }

    fn fixed(&self) -> Option<&'static str> {
        Some(ELSEWHERE)
    }

    fn render(&self, prefix: &[u32], target: &[u32]) -> String {
        let mut text = String::new();
        for (place, &token) in prefix.iter().enumerate() {
            match place {
                8 | 16 | 24 | 32 | 40 | 48 | 56 => text.push('/'),
                64 | 65 | 69 => text.push(' '),
                _ => {}
            }
            text.push_str(&word(token));
        }
        for (place, &token) in target.iter().enumerate() {
            if place % 3 == 0 && place > 0 {
                text.push(' ');
            }
            text.push_str(&word(token));
        }
        text
    }
}

const ELSEWHERE: &str = "the examples of `chess-mate` are all that are in its file";

fn word(token: u32) -> String {
    let square = token.wrapping_sub(u32::from(SQUARES));
    if let Some(square) = Square::try_index(square as usize) {
        return square.to_string();
    }
    match token {
        0 => ".".to_owned(),
        1..=12 => char::from(PIECES[token as usize - 1]).to_string(),
        13 => "w".to_owned(),
        14 => "b".to_owned(),
        79 => "=".to_owned(),
        80 => "$".to_owned(),
        _ => "?".to_owned(),
    }
}

fn piece(piece: Piece, color: Color) -> u8 {
    1 + piece as u8 + 6 * u8::from(color == Color::Black)
}

fn square(square: Square) -> u8 {
    SQUARES + square as u8
}

/// The beginning of what a file says, fit for a screen.
fn shown(text: &str, length: usize) -> String {
    let shown = text.chars().take(length);
    shown
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// Plays a move in UCI; gives it as written, where the king that castles goes two squares.
fn play(board: &mut Board, text: &str) -> Result<Move, String> {
    let written: Result<Move, _> = text.parse();
    let written = written.ok().filter(|written| written.to_string() == text);
    let moved = util::parse_uci_move(board, text).ok();
    match (written, moved) {
        (Some(written), Some(moved)) if board.try_play(moved).is_ok() => Ok(written),
        (Some(_), _) => Err(format!("the move `{text}` is not legal there")),
        (None, _) => Err(format!("`{}` is no move", shown(text, 20))),
    }
}

/// Whether there is a legal move, and one that takes in passing.
fn moves(board: &Board, passing: Option<Square>) -> (bool, bool) {
    let pawns = board.pieces(Piece::Pawn);
    let (mut any, mut takes) = (false, false);
    board.generate_moves(|moves| {
        any = true;
        takes |= passing.is_some_and(|to| pawns.has(moves.from) && moves.to.has(to));
        false
    });
    (any, takes)
}

/// The tokens of a puzzle.
fn example(fen: &str, written: &str) -> Result<Row, String> {
    let mut board = Board::from_fen(fen, false)
        .map_err(|why| format!("`{}` is no position: {why}", shown(fen, 100)))?;
    let written: Vec<&str> = written.split_ascii_whitespace().collect();
    let [first, answer @ ..] = &written[..] else {
        return Err("it has no moves".to_owned());
    };
    if answer.len() != 3 {
        let why = "moves, where a mate in two has 4: the opponent's, ours, the reply, and the mate";
        return Err(format!("it has {} {why}", written.len()));
    }
    play(&mut board, first)?;
    let mut row = [0; PREFIX + TARGET];
    for (place, to) in row[..64].iter_mut().enumerate() {
        let at = Square::new(File::index(place % 8), Rank::index(7 - place / 8));
        if let (Some(kind), Some(color)) = (board.piece_on(at), board.color_on(at)) {
            *to = piece(kind, color);
        }
    }
    let side = board.side_to_move();
    row[64] = WHITE + u8::from(side == Color::Black);
    for (place, color) in [(65, Color::White), (67, Color::Black)] {
        let rights = board.castle_rights(color);
        if rights.short.is_some() {
            row[place] = piece(Piece::King, color);
        }
        if rights.long.is_some() {
            row[place + 1] = piece(Piece::Queen, color);
        }
    }
    let passing = board.en_passant();
    let passing = passing.map(|file| Square::new(file, Rank::Sixth.relative_to(side)));
    if let (Some(to), (_, true)) = (passing, moves(&board, passing)) {
        row[69] = square(to);
    }
    row[70] = EQUALS;
    for (text, to) in answer.iter().zip(row[PREFIX..].chunks_exact_mut(3)) {
        let written = play(&mut board, text)?;
        let becomes = written.promotion.map(|kind| piece(kind, Color::Black));
        to.copy_from_slice(&[
            square(written.from),
            square(written.to),
            becomes.unwrap_or(MASK),
        ]);
    }
    match (moves(&board, None).0, board.checkers().is_empty()) {
        (false, false) => Ok(row),
        _ => Err("its last move does not mate".to_owned()),
    }
}

/// Ends with an error where a line is longer than any row can be, whatever a file holds.
struct Lines<R> {
    inner: R,
    since: usize,
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        for line in buffer[..count].split_inclusive(|&byte| byte == b'\n') {
            self.since += line.len();
            if self.since > LONGEST {
                let why = format!("a line is longer than {LONGEST} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
            if line.ends_with(b"\n") {
                self.since = 0;
            }
        }
        Ok(count)
    }
}

/// Where the columns stand.
struct Columns {
    fen: usize,
    moves: usize,
    rating: usize,
    themes: usize,
}

impl Columns {
    fn of(header: &ByteRecord) -> Result<Self, String> {
        let names: Vec<_> = header.iter().map(String::from_utf8_lossy).collect();
        let find = |wanted: &str| {
            let place = names.iter().position(|name| name == wanted);
            place.ok_or_else(|| {
                let names = names.join("`, `");
                let names: String = shown(&names, 300);
                format!("it has no column `{wanted}`; its columns are `{names}`")
            })
        };
        Ok(Self {
            fen: find("FEN")?,
            moves: find("Moves")?,
            rating: find("Rating")?,
            themes: find("Themes")?,
        })
    }
}

/// What is known of a file's rows.
#[derive(Default)]
struct Rows {
    /// Mates in two, all different, in the order of the file.
    mates: Vec<Row>,
    positions: HashSet<[u8; 16]>,
    /// Rows of mates in two, all of them; those of another rating are none.
    count: u64,
    repeated: u64,
    wrong: u64,
    told: Vec<String>,
}

impl ChessMate {
    /// What a record is: nothing that is asked for, or an example, or wrong.
    fn record(&self, columns: &Columns, record: &ByteRecord) -> Option<Result<Row, String>> {
        let cell = |place: usize| record.get(place).unwrap_or_default();
        let mut themes = cell(columns.themes).split(u8::is_ascii_whitespace);
        if !themes.any(|theme| theme == b"mateIn2") {
            // A row that is cut short may have lost its themes.
            let short = record.get(columns.themes).is_none();
            return short.then(|| Err(format!("it has {} cells, too few", record.len())));
        }
        let text = |place: usize| {
            std::str::from_utf8(cell(place)).map_err(|_| "it is not UTF-8".to_owned())
        };
        if self.min_rating.is_some() || self.max_rating.is_some() {
            let rating = text(columns.rating).map(str::parse::<u32>);
            let Ok(Ok(rating)) = rating else {
                return Some(Err("its rating is no whole number".to_owned()));
            };
            let least = self.min_rating.unwrap_or(0);
            if !(least..=self.max_rating.unwrap_or(u32::MAX)).contains(&rating) {
                return None;
            }
        }
        let parts = text(columns.fen).and_then(|fen| Ok((fen, text(columns.moves)?)));
        Some(parts.and_then(|(fen, moves)| example(fen, moves)))
    }

    fn rows(
        &self,
        input: impl Read,
        cancel: &dyn Fn() -> bool,
        wrong: &dyn Fn(String) -> Error,
    ) -> Result<Rows, Error> {
        // Without quoting a line is a row, so that one quote cannot swallow a file.
        let mut reader = ReaderBuilder::new()
            .quoting(false)
            .flexible(true)
            .from_reader(Lines {
                inner: input,
                since: 0,
            });
        let header = reader
            .byte_headers()
            .map_err(|why| wrong(why.to_string()))?;
        let columns = Columns::of(header).map_err(wrong)?;
        let mut rows = Rows::default();
        let mut records = vec![ByteRecord::new(); AT_ONCE];
        loop {
            if cancel() {
                return Err(Error::Cancelled);
            }
            let mut count = 0;
            while count < AT_ONCE {
                let more = reader.read_byte_record(&mut records[count]);
                if !more.map_err(|why| wrong(why.to_string()))? {
                    break;
                }
                count += 1;
            }
            if count == 0 {
                return Ok(rows);
            }
            let played: Vec<_> = records[..count]
                .par_iter()
                .map(|record| self.record(&columns, record))
                .collect();
            for (record, played) in records.iter().zip(played) {
                let Some(played) = played else { continue };
                rows.count += 1;
                match played {
                    Ok(row) => {
                        let position = blake3::hash(&row[..PREFIX]);
                        let half = position.as_bytes()[..16].try_into();
                        if !rows.positions.insert(half.expect("a digest has 32 bytes")) {
                            rows.repeated += 1;
                        } else if rows.mates.len() == MOST {
                            let why = format!("it has more than {MOST} mates in two");
                            return Err(wrong(why));
                        } else {
                            rows.mates.push(row);
                        }
                    }
                    Err(why) => {
                        rows.wrong += 1;
                        if rows.told.len() < TOLD {
                            let line = record.position().map_or(0, csv::Position::line);
                            rows.told.push(format!("line {line}: {why}"));
                        }
                    }
                }
            }
        }
    }

    /// Chooses examples from a file of puzzles. `cancel` is asked often.
    ///
    /// # Errors
    /// [`Error::Parameters`] where [`Contract::problems`] finds any; [`Error::Io`]; [`Error::Text`] where the file is no
    /// table of puzzles, has too few of them, or has wrong rows and `bad_rows` does not skip them.
    pub fn choose(
        &self,
        path: &Path,
        bad_rows: BadRows,
        cancel: &dyn Fn() -> bool,
    ) -> Result<Chosen, Error> {
        super::possible(self)?;
        let io = |source| Error::Io {
            path: path.to_path_buf(),
            source,
        };
        let wrong = |why| Error::Text {
            path: path.to_path_buf(),
            why,
        };
        let mut file = BufReader::new(std::fs::File::open(path).map_err(io)?);
        let is_compressed = file.fill_buf().map_err(io)?.starts_with(&ZSTANDARD);
        let rows = if is_compressed {
            let plain = zstd::Decoder::with_buffer(file).map_err(io)?;
            self.rows(plain, cancel, &wrong)?
        } else {
            self.rows(file, cancel, &wrong)?
        };
        let mut skipped = format!(
            "{} rows of mates in two: {} wrong, {} of a position that an earlier row has, {} to choose from\n",
            rows.count,
            rows.wrong,
            rows.repeated,
            rows.mates.len()
        );
        let more = rows.wrong - rows.told.len() as u64;
        let mut told = rows.told.join("\n");
        if more > 0 {
            let _ = write!(told, "\nand {more} more wrong rows");
        }
        if rows.wrong > 0 {
            let _ = writeln!(skipped, "{told}");
            if bad_rows == BadRows::Refuse {
                let why = format!("{told}\n`bad_rows = \"skip\"` leaves such rows out");
                return Err(wrong(why));
            }
        }
        let (train, test) = (self.train as usize, self.test as usize);
        let count = train + test + self.validation as usize;
        if rows.mates.len() < count {
            let why = format!(
                "it has {} different mates in two of the ratings asked for, too few for {train} to learn from, {test} to test \
                 with and {} for validation",
                rows.mates.len(),
                self.validation
            );
            return Err(wrong(why));
        }
        let mut stream = random::stream(self.seed, "chess-mate/choice");
        let all = u32::try_from(rows.mates.len()).expect("they are fewer than 2^32");
        let chosen = random::distinct(&mut stream, all, count);
        let examples = |numbers: &[u32]| {
            let rows = numbers.iter().map(|&number| &rows.mates[number as usize]);
            let tokens = rows.flatten().map(|&token| u32::from(token)).collect();
            Examples::new(PREFIX, TARGET, tokens)
        };
        // The test first: it stays what it is when more is learnt from. The validation last: it changes neither.
        let (asked, rest) = chosen.split_at(test);
        let (learnt, looked_at) = rest.split_at(train);
        let splits = [examples(learnt)?, examples(asked)?, examples(looked_at)?];
        Ok(Chosen {
            dataset: Dataset::of(Task::ChessMate(self.clone()), splits),
            skipped,
        })
    }
}

/// How a file begins that Zstandard compressed.
const ZSTANDARD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

#[cfg(test)]
mod tests;
