//! How wide text with mark-up is in the letters of a figure, and where it is broken.

use std::sync::Once;

use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};

pub(super) use crate::figures::markup::{Level, Piece, literal, pieces, plain};

/// The letters of a figure. They are compiled in; the fonts of the system are never asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Face {
    /// DejaVu Sans.
    #[default]
    Sans,
    /// DejaVu Serif.
    Serif,
}

impl Face {
    /// What an SVG calls it; browsers without it take the next.
    pub(super) fn family(self) -> &'static str {
        match self {
            Self::Sans => "DejaVu Sans, Verdana, sans-serif",
            Self::Serif => "DejaVu Serif, Georgia, serif",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Sans => "etude sans",
            Self::Serif => "etude serif",
        }
    }
}

/// How text is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Font {
    pub face: Face,
    /// In points.
    pub size: f64,
    pub bold: bool,
}

impl Font {
    /// The same at another size.
    pub(super) fn at(self, size: f64) -> Self {
        Self { size, ..self }
    }

    /// The same in bold.
    pub(super) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }
}

/// Height of the face over its em: the metrics are scaled by the former.
const HEIGHT_PER_EM: f64 = 2384.0 / 2048.0;
/// Size of raised and lowered text.
const SMALL: f64 = 0.7;

/// The size a piece is set in.
pub(super) fn piece_size(piece: &Piece, size: f64) -> f64 {
    match piece.level {
        Level::Line => size,
        Level::Raised | Level::Lowered => size * SMALL,
    }
}

/// How wide mark-up is, in points.
pub(super) fn width(markup: &str, font: Font) -> f64 {
    pieces(markup)
        .iter()
        .map(|piece| {
            let set = Font {
                bold: font.bold || piece.bold,
                ..font
            };
            advance(&piece.text, piece.italic, set) * piece_size(piece, font.size)
        })
        .sum()
}

/// plotters has no style for bold and italic at once, and no text is set in its fourth.
const BOLD_ITALIC: FontStyle = FontStyle::Italic;

/// All faces that are compiled in, each with its style: what text is measured in, and what PNG and PDF are set in.
pub(super) fn faces() -> [(Face, FontStyle, &'static [u8]); 8] {
    [
        (Face::Sans, FontStyle::Normal, dejavu::sans::regular()),
        (Face::Sans, FontStyle::Oblique, dejavu::sans::oblique()),
        (Face::Sans, FontStyle::Bold, dejavu::sans::bold()),
        (Face::Sans, BOLD_ITALIC, dejavu::sans::bold_oblique()),
        (Face::Serif, FontStyle::Normal, dejavu::serif::regular()),
        (Face::Serif, FontStyle::Oblique, dejavu::serif::italic()),
        (Face::Serif, FontStyle::Bold, dejavu::serif::bold()),
        (Face::Serif, BOLD_ITALIC, dejavu::serif::bold_italic()),
    ]
}

/// The face at a size, in units of the backend.
pub(super) fn font(face: Face, size: f64, bold: bool, italic: bool) -> FontDesc<'static> {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        for (face, style, bytes) in faces() {
            // The bytes are compiled in, so a face that cannot be read is a broken
            // build; measuring then falls back to an estimate.
            let _ = register_font(face.name(), style, bytes);
        }
    });
    let style = match (bold, italic) {
        (true, true) => BOLD_ITALIC,
        (true, false) => FontStyle::Bold,
        (false, true) => FontStyle::Oblique,
        (false, false) => FontStyle::Normal,
    };
    FontDesc::new(FontFamily::Name(face.name()), size, style)
}

/// The advance of text at one point.
fn advance(text: &str, italic: bool, set: Font) -> f64 {
    let em = 1000.0;
    font(set.face, em * HEIGHT_PER_EM, set.bold, italic)
        .layout_box(text)
        .map_or(0.6 * text.chars().count() as f64, |(_, (right, _))| {
            f64::from(right) / em
        })
}

/// Breaks mark-up at spaces into lines no wider than `room`. A word that is wider is broken after its hyphens, underscores and
/// slashes; what has none stays as it is.
pub(super) fn wrapped(markup: &str, font: Font, room: f64) -> Vec<String> {
    let mut lines: Vec<Vec<Piece>> = Vec::new();
    for word in words(markup) {
        let parts = if width(&joined(&word), font) > room {
            parts(&word)
        } else {
            vec![word]
        };
        for (place, part) in parts.into_iter().enumerate() {
            if let Some(line) = lines.last_mut() {
                let mut longer = line.clone();
                if place == 0 {
                    longer.push(Piece {
                        text: " ".to_owned(),
                        ..Piece::default()
                    });
                }
                longer.extend(part.iter().cloned());
                if width(&joined(&longer), font) <= room {
                    *line = longer;
                    continue;
                }
            }
            lines.push(part);
        }
    }
    lines.iter().map(|line| joined(line)).collect()
}

/// The parts of a word that may stand on lines of their own.
fn parts(word: &[Piece]) -> Vec<Vec<Piece>> {
    let mut parts: Vec<Vec<Piece>> = vec![Vec::new()];
    for piece in word {
        let mut rest = piece.text.as_str();
        while !rest.is_empty() {
            let end = rest
                .find(['-', '_', '/'])
                .filter(|_| piece.level == Level::Line)
                .map_or(rest.len(), |at| at + 1);
            let (text, after) = rest.split_at(end);
            if let Some(last) = parts.last_mut() {
                last.push(Piece {
                    text: text.to_owned(),
                    ..piece.clone()
                });
            }
            if text.ends_with(['-', '_', '/']) && piece.level == Level::Line {
                parts.push(Vec::new());
            }
            rest = after;
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Whether a line may be broken there.
fn breaks(c: char) -> bool {
    c.is_whitespace() && c != TIED
}

/// A space at which no line is broken.
pub(super) const TIED: char = '\u{a0}';

/// The words of mark-up, each in its pieces.
fn words(markup: &str) -> Vec<Vec<Piece>> {
    let mut words: Vec<Vec<Piece>> = Vec::new();
    let mut word: Vec<Piece> = Vec::new();
    for piece in pieces(markup) {
        for (place, part) in piece.text.split(breaks).enumerate() {
            if place > 0 && !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            if !part.is_empty() {
                word.push(Piece {
                    text: part.to_owned(),
                    ..piece.clone()
                });
            }
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// The mark-up of pieces.
fn joined(pieces: &[Piece]) -> String {
    let one = |piece: &Piece| {
        let text = literal(&piece.text);
        let text = if piece.italic {
            format!("*{text}*")
        } else {
            text
        };
        let text = if piece.bold {
            format!("**{text}**")
        } else {
            text
        };
        match piece.level {
            Level::Line => text,
            Level::Raised => format!("^{{{text}}}"),
            Level::Lowered => format!("_{{{text}}}"),
        }
    };
    pieces.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(size: f64) -> Font {
        Font {
            face: Face::Sans,
            size,
            bold: false,
        }
    }

    #[test]
    fn widths_are_those_of_the_face() {
        // A digit of DejaVu Sans is 1303 of 2048 units wide.
        assert!((width("00", at(10.0)) - 20.0 * 1303.0 / 2048.0).abs() < 0.05);
    }

    #[test]
    fn words_that_are_too_wide_break_after_hyphens() {
        let lines = |room: f64| wrapped("next-token *multi_token*", at(10.0), room);
        assert_eq!(lines(500.0).len(), 1);
        let narrow: Vec<String> = lines(40.0).iter().map(|line| plain(line)).collect();
        assert_eq!(narrow, ["next-", "token", "multi_", "token"]);
        assert_eq!(wrapped("indivisible", at(10.0), 5.0), ["indivisible"]);
    }

    #[test]
    fn every_face_measures_by_itself() {
        let of = |face, bold| {
            width(
                "Wide",
                Font {
                    face,
                    size: 10.0,
                    bold,
                },
            )
        };
        let widths = [
            of(Face::Sans, false),
            of(Face::Sans, true),
            of(Face::Serif, false),
            of(Face::Serif, true),
        ];
        for (place, one) in widths.iter().enumerate() {
            assert!(
                widths[..place]
                    .iter()
                    .all(|other| (other - one).abs() > 0.1)
            );
        }
    }

    #[test]
    fn lines_break_at_spaces_and_keep_their_mark_up() {
        let lines = wrapped("one *two three* x_{4} five", at(10.0), 55.0);
        assert!(lines.len() > 1);
        let together: Vec<String> = lines.iter().map(|line| plain(line)).collect();
        assert_eq!(together.join(" "), "one two three x4 five");
        assert!(lines.iter().all(|line| width(line, at(10.0)) <= 55.0));
        assert!(lines.concat().contains("*three*"), "{lines:?}");
    }
}
