//! Text with a little mark-up, as titles, captions, spanners and notes have it.
//!
//! `^{…}` raises, `_{…}` lowers, `*…*` slants, `**…**` is bold, and the name of a Greek letter after a backslash is that letter:
//! `\alpha`. A backslash before another character keeps it as it is. What is not closed is taken literally.

/// Whether a piece of text is raised or lowered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::figures) enum Level {
    #[default]
    Line,
    Raised,
    Lowered,
}

/// Text of one look.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::figures) struct Piece {
    pub text: String,
    pub level: Level,
    pub italic: bool,
    pub bold: bool,
}

impl Piece {
    fn looks_like(&self, other: &Self) -> bool {
        (self.level, self.italic, self.bold) == (other.level, other.italic, other.bold)
    }
}

/// The Greek letters by the names that LaTeX gives them.
const GREEK: &[(&str, char)] = &[
    ("alpha", 'α'),
    ("beta", 'β'),
    ("gamma", 'γ'),
    ("delta", 'δ'),
    ("epsilon", 'ϵ'),
    ("varepsilon", 'ε'),
    ("zeta", 'ζ'),
    ("eta", 'η'),
    ("theta", 'θ'),
    ("vartheta", 'ϑ'),
    ("iota", 'ι'),
    ("kappa", 'κ'),
    ("lambda", 'λ'),
    ("mu", 'μ'),
    ("nu", 'ν'),
    ("xi", 'ξ'),
    ("pi", 'π'),
    ("varpi", 'ϖ'),
    ("rho", 'ρ'),
    ("varrho", 'ϱ'),
    ("sigma", 'σ'),
    ("varsigma", 'ς'),
    ("tau", 'τ'),
    ("upsilon", 'υ'),
    ("phi", 'ϕ'),
    ("varphi", 'φ'),
    ("chi", 'χ'),
    ("psi", 'ψ'),
    ("omega", 'ω'),
    ("Gamma", 'Γ'),
    ("Delta", 'Δ'),
    ("Theta", 'Θ'),
    ("Lambda", 'Λ'),
    ("Xi", 'Ξ'),
    ("Pi", 'Π'),
    ("Sigma", 'Σ'),
    ("Upsilon", 'Υ'),
    ("Phi", 'Φ'),
    ("Psi", 'Ψ'),
    ("Omega", 'Ω'),
];

/// Splits mark-up into pieces of one look each.
pub(in crate::figures) fn pieces(markup: &str) -> Vec<Piece> {
    let chars: Vec<char> = markup.chars().collect();
    let mut pieces: Vec<Piece> = Vec::new();
    let mut look = Piece::default();
    let mut push = |c: char, look: &Piece| match pieces.last_mut() {
        Some(last) if last.looks_like(look) => last.text.push(c),
        _ => pieces.push(Piece {
            text: c.to_string(),
            ..look.clone()
        }),
    };
    let mut place = 0;
    while place < chars.len() {
        let rest = &chars[place..];
        match rest {
            ['\\', name @ ..] if let Some((letters, letter)) = greek(name) => {
                push(letter, &look);
                place += 1 + letters;
            }
            ['\\', c, ..] => {
                push(*c, &look);
                place += 2;
            }
            [mark @ ('^' | '_'), '{', inside @ ..]
                if look.level == Level::Line && inside.contains(&'}') =>
            {
                look.level = if *mark == '^' {
                    Level::Raised
                } else {
                    Level::Lowered
                };
                place += 2;
            }
            ['}', ..] if look.level != Level::Line => {
                look.level = Level::Line;
                place += 1;
            }
            ['*', '*', inside @ ..]
                if look.bold || (begins_bold(inside) && closes_bold(inside)) =>
            {
                look.bold = !look.bold;
                place += 2;
            }
            ['*', inside @ ..] if look.italic || (begins(inside) && inside.contains(&'*')) => {
                look.italic = !look.italic;
                place += 1;
            }
            [c, ..] => {
                push(*c, &look);
                place += 1;
            }
            [] => break,
        }
    }
    pieces
}

/// Whether text can stand after the mark that opens it.
fn begins(inside: &[char]) -> bool {
    let first = inside.first();
    first.is_some_and(|c| !c.is_whitespace() && *c != '*')
}

/// The same for bold text, which may be slanted from its beginning.
fn begins_bold(inside: &[char]) -> bool {
    match inside {
        ['*', slanted @ ..] => begins(slanted),
        _ => begins(inside),
    }
}

fn closes_bold(inside: &[char]) -> bool {
    inside.windows(2).any(|two| two == ['*', '*'])
}

/// The Greek letter whose name stands there alone, and how many letters the name has.
/// What of a text is meant as mark-up and is none, if anything: a command of LaTeX, or math between dollars.
pub(in crate::figures) fn problem(markup: &str) -> Option<String> {
    const KNOWN: &str = "`^{…}` raises, `_{…}` lowers, `*…*` slants, `**…**` is bold, `\\alpha` is a Greek letter, and other \
         characters are written as they are, such as ∞, ≤ and ±";
    let chars: Vec<char> = markup.chars().collect();
    let mut place = 0;
    while place < chars.len() {
        if chars[place] == '\\' {
            let rest = &chars[place + 1..];
            let letters = rest.iter().take_while(|c| c.is_ascii_alphabetic()).count();
            if letters > 1 && greek(rest).is_none() {
                let name: String = rest[..letters].iter().collect();
                return Some(format!("`\\{name}` is no mark-up: {KNOWN}"));
            }
            place += 1;
        }
        place += 1;
    }
    let math = markup
        .split('$')
        .nth(1)
        .filter(|_| markup.matches('$').count() > 1);
    let math = math.filter(|inside| inside.contains(['\\', '^', '_', '{', '=']));
    math.map(|inside| format!("`${inside}$` is no mark-up: {KNOWN}"))
}

fn greek(text: &[char]) -> Option<(usize, char)> {
    let letters = text.iter().take_while(|c| c.is_ascii_alphabetic());
    let name: String = letters.collect();
    let (name, letter) = GREEK.iter().find(|(known, _)| *known == name)?;
    Some((name.len(), *letter))
}

/// Mark-up that shows `text` as it is.
pub(in crate::figures) fn literal(text: &str) -> String {
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
pub(in crate::figures) fn plain(markup: &str) -> String {
    pieces(markup).into_iter().map(|piece| piece.text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(markup: &str) -> Vec<String> {
        let pieces = pieces(markup);
        let shown = pieces.iter().map(|piece| {
            let look = [(piece.italic, "italic "), (piece.bold, "bold ")];
            let look = look
                .iter()
                .filter(|(is_so, _)| *is_so)
                .map(|(_, name)| *name);
            format!(
                "{}{:?} {}",
                look.collect::<String>(),
                piece.level,
                piece.text
            )
        });
        shown.collect()
    }

    #[test]
    fn marks_split_text_into_pieces() {
        assert_eq!(
            shown("*p* = 10^{-3} x_{ij}"),
            [
                "italic Line p",
                "Line  = 10",
                "Raised -3",
                "Line  x",
                "Lowered ij"
            ]
        );
        assert_eq!(
            shown("**a *b* c** d"),
            [
                "bold Line a ",
                "italic bold Line b",
                "bold Line  c",
                "Line  d"
            ]
        );
        assert_eq!(shown("***a*** b"), ["italic bold Line a", "Line  b"]);
    }

    #[test]
    fn what_is_meant_as_mark_up_and_is_none_is_named() {
        for fine in [
            "\\alpha_{1}",
            "costs $5 or $6",
            "\\*a\\*",
            "a^2 + b",
            "50 \\% of it",
        ] {
            assert_eq!(problem(fine), None, "{fine}");
        }
        for (wrong, named) in [
            ("\\infty", "`\\infty`"),
            ("as in \\cite{x}", "`\\cite`"),
            ("$x_1 = 2$", "`$x_1 = 2$`"),
        ] {
            assert!(problem(wrong).unwrap().starts_with(named), "{wrong}");
        }
    }

    #[test]
    fn greek_letters_have_names() {
        assert_eq!(plain("\\alpha_{1} \\beta\\Omega"), "α1 βΩ");
        // Only whole names; the backslash still keeps another character as it is.
        assert_eq!(plain("\\alphabet \\*x\\*"), "alphabet *x*");
    }

    #[test]
    fn what_is_not_closed_is_literal() {
        for text in [
            "a ^{b",
            "2 * 3",
            "snake_case",
            "*",
            "**",
            "a}",
            "f^2",
            "**a",
            "2 ** 3",
        ] {
            assert_eq!(plain(text), text);
        }
    }

    #[test]
    fn literal_text_survives_the_mark_up() {
        for text in ["a_{b}", "*x*", "**x**", "back\\slash", "\\alpha", "10^{3}"] {
            assert_eq!(plain(&literal(text)), text);
        }
    }
}
