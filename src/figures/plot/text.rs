//! Text with a little mark-up, and how wide it is in DejaVu Sans.

use std::sync::Once;

use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};

/// The face everything is set in; browsers without it take the next.
pub(super) const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

/// Height of the face over its em: the metrics are scaled by the former.
const HEIGHT_PER_EM: f64 = 2384.0 / 2048.0;
/// Size of raised and lowered text.
const SMALL: f64 = 0.7;

/// Whether a piece of text is raised or lowered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Line,
    Raised,
    Lowered,
}

/// Text of one look.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    pub text: String,
    pub level: Level,
    pub italic: bool,
}

/// Splits mark-up: `^{…}` raises, `_{…}` lowers, `*…*` slants, `\` keeps the
/// next character as it is. What is not closed is taken literally.
pub(super) fn pieces(markup: &str) -> Vec<Piece> {
    let chars: Vec<char> = markup.chars().collect();
    let mut pieces: Vec<Piece> = Vec::new();
    let mut level = Level::Line;
    let mut italic = false;
    let mut push = |c: char, level: Level, italic: bool| match pieces.last_mut() {
        Some(last) if last.level == level && last.italic == italic => last.text.push(c),
        _ => pieces.push(Piece {
            text: c.to_string(),
            level,
            italic,
        }),
    };
    let mut place = 0;
    while place < chars.len() {
        let rest = &chars[place..];
        match rest {
            ['\\', c, ..] => {
                push(*c, level, italic);
                place += 2;
            }
            [mark @ ('^' | '_'), '{', inside @ ..]
                if level == Level::Line && inside.contains(&'}') =>
            {
                level = if *mark == '^' {
                    Level::Raised
                } else {
                    Level::Lowered
                };
                place += 2;
            }
            ['}', ..] if level != Level::Line => {
                level = Level::Line;
                place += 1;
            }
            ['*', inside @ ..]
                if italic
                    || (inside.contains(&'*')
                        && inside
                            .first()
                            .is_some_and(|c| !c.is_whitespace() && *c != '*')) =>
            {
                italic = !italic;
                place += 1;
            }
            [c, ..] => {
                push(*c, level, italic);
                place += 1;
            }
            [] => break,
        }
    }
    pieces
}

/// Mark-up that shows `text` as it is.
pub(super) fn literal(text: &str) -> String {
    let mut markup = String::new();
    for c in text.chars() {
        if matches!(c, '\\' | '^' | '_' | '*' | '}') {
            markup.push('\\');
        }
        markup.push(c);
    }
    markup
}

/// The text without its mark-up.
pub(super) fn plain(markup: &str) -> String {
    pieces(markup).into_iter().map(|piece| piece.text).collect()
}

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
        .map(|piece| advance(&piece.text, piece.italic, bold) * piece_size(piece, size))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_split_text_into_pieces() {
        let shown: Vec<String> = pieces("*p* = 10^{-3} x_{ij}")
            .iter()
            .map(|piece| format!("{:?}/{}/{}", piece.level, piece.italic, piece.text))
            .collect();
        assert_eq!(
            shown,
            [
                "Line/true/p",
                "Line/false/ = 10",
                "Raised/false/-3",
                "Line/false/ x",
                "Lowered/false/ij"
            ]
        );
    }

    #[test]
    fn what_is_not_closed_is_literal() {
        for text in ["a ^{b", "2 * 3", "snake_case", "*", "**", "a}", "f^2"] {
            assert_eq!(plain(text), text);
        }
    }

    #[test]
    fn literal_text_survives_the_mark_up() {
        for text in ["a_{b}", "*x*", "back\\slash", "10^{3}"] {
            assert_eq!(plain(&literal(text)), text);
        }
    }

    #[test]
    fn widths_are_those_of_the_face() {
        // A digit of DejaVu Sans is 1303 of 2048 units wide.
        assert!((width("00", 10.0, false) - 20.0 * 1303.0 / 2048.0).abs() < 0.05);
    }
}
