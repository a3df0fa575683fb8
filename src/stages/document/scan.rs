//! What a stage must understand of a document's text: the files that it names, and the words that people read.

use std::ops::Range;

/// What a document wants of a file that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Text of the document itself, which names files in turn.
    Text,
    /// The same, but a part of its own, as a chapter is: never one of the engine's files.
    Part,
    /// A picture.
    Image,
    /// Anything else that it reads: a bibliography, numbers, a listing.
    Data,
    /// A package, a class or a style, which may also come with the engine.
    Package,
}

/// A file that a document names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// What for.
    pub role: Role,
    /// The path as written.
    pub path: String,
    /// Where.
    pub range: Range<usize>,
    /// The extensions that may be left out, with their points.
    pub extensions: &'static [&'static str],
}

/// A piece of text that people read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Where.
    pub range: Range<usize>,
    /// Whether it is mathematics.
    pub is_math: bool,
}

/// What a file of a document holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// The files that it names.
    pub references: Vec<Reference>,
    /// The folders in which it looks for pictures.
    pub folders: Vec<String>,
    /// What people read.
    pub pieces: Vec<Piece>,
    /// Where it prints the day of the compilation.
    pub today: Option<Range<usize>>,
    /// Where it prints a title, which has that day unless a date is set.
    pub title: Option<Range<usize>>,
    /// Whether it sets a date.
    pub sets_date: bool,
}

impl Scan {
    /// Adds a piece unless it is nothing but space.
    pub fn piece(&mut self, text: &str, range: Range<usize>, is_math: bool) {
        if !text[range.clone()].trim().is_empty() {
            self.pieces.push(Piece { range, is_math });
        }
    }
}
