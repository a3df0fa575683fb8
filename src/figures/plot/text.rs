//! How wide text with mark-up is in DejaVu Sans, and where it is cut and broken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Once;

use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};

pub(super) use crate::figures::markup::{Level, Piece, literal, pieces, plain};

/// The face everything is set in; browsers without it take the next.
pub(super) const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

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

/// How wide mark-up is when set at `size` points.
pub(super) fn width(markup: &str, size: f64, bold: bool) -> f64 {
    pieces(markup)
        .iter()
        .map(|piece| {
            let bold = bold || piece.bold;
            advance(&piece.text, piece.italic, bold) * piece_size(piece, size)
        })
        .sum()
}

/// The face at a size, in units of the backend.
pub(super) fn font(size: f64, bold: bool, italic: bool) -> FontDesc<'static> {
    const NAME: &str = "etude figures";
    static FACES: Once = Once::new();
    FACES.call_once(|| {
        // The bytes are compiled in, so a face that cannot be read is a broken
        // build; measuring then falls back to an estimate.
        let _ = register_font(NAME, FontStyle::Normal, dejavu::sans::regular());
        let _ = register_font(NAME, FontStyle::Oblique, dejavu::sans::oblique());
        let _ = register_font(NAME, FontStyle::Bold, dejavu::sans::bold());
    });
    let style = match (bold, italic) {
        (true, _) => FontStyle::Bold,
        (false, true) => FontStyle::Oblique,
        (false, false) => FontStyle::Normal,
    };
    FontDesc::new(FontFamily::Name(NAME), size, style)
}

/// The advance of text at one point.
fn advance(text: &str, italic: bool, bold: bool) -> f64 {
    let em = 1000.0;
    font(em * HEIGHT_PER_EM, bold, italic)
        .layout_box(text)
        .map_or(0.6 * text.chars().count() as f64, |(_, (right, _))| {
            f64::from(right) / em
        })
}

/// Cuts text that is wider than `room`, marking the cut.
pub(super) fn fitted(markup: &str, size: f64, room: f64) -> String {
    if width(markup, size, false) <= room {
        return markup.to_owned();
    }
    let mut text = plain(markup);
    while text.pop().is_some() {
        let cut = format!("{}…", literal(text.trim_end()));
        if width(&cut, size, false) <= room {
            return cut;
        }
    }
    "…".to_owned()
}

/// Cuts texts that are wider than `room`, so that those which differ still do.
pub(super) fn fitted_apart(markups: &[&str], size: f64, room: f64) -> Vec<String> {
    let mut texts: Vec<String> = markups
        .iter()
        .map(|markup| fitted(markup, size, room))
        .collect();
    // The end tells more than the beginning, where the beginnings are the same.
    for tail in [0.5, 0.75, 1.0] {
        let twins = twins(markups, &texts);
        if twins.is_empty() {
            return texts;
        }
        for place in twins {
            texts[place] = cut_inside(markups[place], size, room, tail);
        }
    }
    let mut number = 0;
    for place in twins(markups, &texts) {
        number += 1;
        let end = format!(" ({number})");
        let left = room - width(&end, size, false);
        texts[place] = format!("{}{end}", fitted(markups[place], size, left));
    }
    texts
}

/// The texts that another looks like, though it was cut from something else.
fn twins(markups: &[&str], texts: &[String]) -> Vec<usize> {
    let mut known: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (markup, text) in markups.iter().zip(texts) {
        known.entry(text).or_default().insert(markup);
    }
    (0..texts.len())
        .filter(|place| known[texts[*place].as_str()].len() > 1)
        .collect()
}

/// Cuts text inside, so that `tail` of what is kept is its end.
fn cut_inside(markup: &str, size: f64, room: f64, tail: f64) -> String {
    if width(markup, size, false) <= room {
        return markup.to_owned();
    }
    let all: Vec<char> = plain(markup).chars().collect();
    for kept in (1..all.len()).rev() {
        let end = ((kept as f64 * tail).ceil() as usize).min(kept);
        let (head, rest) = (&all[..kept - end], &all[all.len() - end..]);
        let head: String = head.iter().collect();
        let rest: String = rest.iter().collect();
        let cut = format!(
            "{}…{}",
            literal(head.trim_end()),
            literal(rest.trim_start())
        );
        if width(&cut, size, false) <= room {
            return cut;
        }
    }
    "…".to_owned()
}

/// Breaks mark-up at spaces into lines no wider than `room`; a word that is wider is cut.
pub(super) fn wrapped(markup: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines: Vec<Vec<Piece>> = Vec::new();
    for word in words(markup) {
        if let Some(line) = lines.last_mut() {
            let mut longer = line.clone();
            longer.push(Piece {
                text: " ".to_owned(),
                ..Piece::default()
            });
            longer.extend(word.iter().cloned());
            if width(&joined(&longer), size, false) <= room {
                *line = longer;
                continue;
            }
        }
        lines.push(word);
    }
    lines
        .iter()
        .map(|line| fitted(&joined(line), size, room))
        .collect()
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

    #[test]
    fn widths_are_those_of_the_face() {
        // A digit of DejaVu Sans is 1303 of 2048 units wide.
        assert!((width("00", 10.0, false) - 20.0 * 1303.0 / 2048.0).abs() < 0.05);
    }

    #[test]
    fn texts_that_differ_only_at_the_end_still_differ_when_they_are_cut() {
        let long: Vec<String> = (0..4)
            .map(|n| format!("a very long name of a method, number {n}"))
            .collect();
        let long: Vec<&str> = long.iter().map(String::as_str).collect();
        let cut = fitted_apart(&long, 8.0, 90.0);
        let different: BTreeSet<&String> = cut.iter().collect();
        assert_eq!(different.len(), 4, "{cut:?}");
        assert!(cut.iter().all(|text| width(text, 8.0, false) <= 90.0));
        // What is the same text stays the same.
        let same = fitted_apart(&[long[0], long[0]], 8.0, 90.0);
        assert_eq!(same[0], same[1]);
        // Where they differ in the middle, nothing but a number tells them apart.
        let middle = [
            "xxxxxxxxxxxxxxxxxxxxaxxxxxxxxxxxxxxxxxxxx",
            "xxxxxxxxxxxxxxxxxxxxbxxxxxxxxxxxxxxxxxxxx",
        ];
        let cut = fitted_apart(&middle, 8.0, 50.0);
        assert_ne!(cut[0], cut[1]);
    }

    #[test]
    fn lines_break_at_spaces_and_keep_their_mark_up() {
        let lines = wrapped("one *two three* x_{4} five", 10.0, 55.0);
        assert!(lines.len() > 1);
        let together: Vec<String> = lines.iter().map(|line| plain(line)).collect();
        assert_eq!(together.join(" "), "one two three x4 five");
        assert!(lines.iter().all(|line| width(line, 10.0, false) <= 55.0));
        assert!(lines.concat().contains("*three*"), "{lines:?}");
    }
}
