//! The languages that documents are written in.

use super::scan::Scan;
use super::{latex, quarto, typst};

/// A language that documents are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// LaTeX.
    Latex,
    /// Typst.
    Typst,
    /// Quarto, or Markdown as Pandoc reads it.
    Quarto,
}

impl Format {
    /// The language of a file, by its extension.
    pub fn of(path: &str) -> Option<Self> {
        match path.rsplit_once('.')?.1 {
            "tex" | "ltx" | "sty" | "cls" => Some(Self::Latex),
            "typ" => Some(Self::Typst),
            "qmd" | "md" => Some(Self::Quarto),
            _ => None,
        }
    }

    /// As people call it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Latex => "LaTeX",
            Self::Typst => "Typst",
            Self::Quarto => "Quarto",
        }
    }

    /// What marks a line whose numerals are no results.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Latex => "% no result",
            Self::Typst => "// no result",
            Self::Quarto => "<!-- no result -->",
        }
    }

    /// Whether a path in a file is taken from that file's folder, and not from the main file's.
    pub fn is_relative(self) -> bool {
        self != Self::Latex
    }
    /// Reads a text in this language.
    pub fn scan(self, text: &str) -> Scan {
        match self {
            Self::Latex => latex::scan(text),
            Self::Typst => typst::scan(text),
            Self::Quarto => quarto::scan(text),
        }
    }
}
