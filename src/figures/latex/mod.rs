//! Text as LaTeX sets it: with pdflatex, xelatex and lualatex, whatever characters it holds.
//!
//! [`Writer`] turns text and mark-up into code and keeps what that code needs; [`figure_snippet`] is a figure to `\input`. A
//! character that not all three engines set is written as its number, and the writer tells of it.

mod characters;
mod command;
mod figure;

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization;

use characters::{Characters, Code};

pub(in crate::figures) use command::{name_part, problem, word_part};
pub(in crate::figures) use figure::label_problem;
pub use figure::{FigureText, figure_snippet};

use super::markup::{Level, Piece, pieces};

/// Writes text as LaTeX, and keeps what a document needs for it.
pub(in crate::figures) struct Writer {
    characters: Characters,
    keeps: bool,
    packages: BTreeSet<&'static str>,
    /// The characters that are not set, and where each stands first.
    unknown: BTreeMap<char, String>,
}

/// What has been written, piece by piece; an accent changes the last one.
enum Written {
    Text(String),
    Math(String),
}

impl Writer {
    /// Keeps characters that LaTeX does not know as they are, or writes their numbers instead.
    pub(in crate::figures) fn new(keeps: bool) -> Self {
        Self {
            characters: Characters::read(),
            keeps,
            packages: BTreeSet::new(),
            unknown: BTreeMap::new(),
        }
    }

    /// Notes that the code needs a package.
    pub(in crate::figures) fn needs(&mut self, package: &'static str) {
        self.packages.insert(package);
    }

    /// Text as it is; `place` says where it stands.
    pub(in crate::figures) fn text(&mut self, text: &str, place: &str) -> String {
        let mut written: Vec<Written> = Vec::new();
        let mut chars = text.nfc().peekable();
        while let Some(c) = chars.next() {
            if let Some(code) = ascii(c) {
                written.push(Written::Text(code));
            } else if characters::is_unseen(c) {
                continue;
            } else if let Some(code) = self.characters.get(c) {
                self.packages.extend(code.packages());
                push(&mut written, code);
            } else if self.keeps && !c.is_control() {
                self.unknown.entry(c).or_insert_with(|| place.to_owned());
                written.push(Written::Text(c.to_string()));
            } else {
                // Characters that follow one another share the brackets.
                let mut numbers = vec![number(c)];
                self.unknown.entry(c).or_insert_with(|| place.to_owned());
                while let Some(next) = chars.next_if(|next| self.is_unknown(*next)) {
                    numbers.push(number(next));
                    self.unknown.entry(next).or_insert_with(|| place.to_owned());
                }
                let numbers = numbers.join(" ");
                written.push(Written::Text(format!("\\texttt{{{{[}}{numbers}{{]}}}}")));
            }
        }
        joined(&written)
    }

    fn is_unknown(&self, c: char) -> bool {
        ascii(c).is_none() && !characters::is_unseen(c) && self.characters.get(c).is_none()
    }

    /// Mark-up: what is raised, lowered, slanted and bold.
    pub(in crate::figures) fn markup(&mut self, markup: &str, place: &str) -> String {
        let pieces = pieces(markup);
        pieces
            .iter()
            .map(|piece| self.piece(piece, place))
            .collect()
    }

    fn piece(&mut self, piece: &Piece, place: &str) -> String {
        let text = match piece.level {
            // A minus, as in 10⁻³, and no hyphen.
            Level::Raised | Level::Lowered if is_negative(&piece.text) => {
                piece.text.replacen('-', "−", 1)
            }
            _ => piece.text.clone(),
        };
        let mut code = self.text(&text, place);
        if piece.italic {
            code = format!("\\textit{{{code}}}");
        }
        if piece.bold {
            code = bold(&code);
        }
        match piece.level {
            Level::Line => code,
            Level::Raised => format!("\\textsuperscript{{{code}}}"),
            Level::Lowered => format!("\\textsubscript{{{code}}}"),
        }
    }

    /// The comments at the top of a file: what the document that reads it needs.
    pub(in crate::figures) fn preamble(&self) -> String {
        let mut lines = String::new();
        let packages: Vec<&str> = self.packages.iter().copied().collect();
        let packages: Vec<&str> = packages.into_iter().filter(|name| *name != T1).collect();
        if !packages.is_empty() {
            lines.push_str(&format!("% needs \\usepackage{{{}}}\n", packages.join(",")));
        }
        if self.packages.contains(T1) {
            lines.push_str("% needs \\usepackage[T1]{fontenc}, with pdflatex\n");
        }
        if self.keeps && !self.unknown.is_empty() {
            let all: String = self.unknown.keys().collect();
            lines.push_str(&format!(
                "% needs xelatex or lualatex, and a font that has {all}\n"
            ));
        }
        lines
    }

    /// What to know of the characters that LaTeX does not set, a line for each place.
    pub(in crate::figures) fn warnings(&self) -> Vec<String> {
        if self.keeps {
            return Vec::new();
        }
        let mut places: BTreeMap<&str, Vec<char>> = BTreeMap::new();
        for (c, place) in &self.unknown {
            places.entry(place).or_default().push(*c);
        }
        let lines = places.into_iter().map(|(place, unknown)| {
            let shown = unknown.iter().take(NAMED).map(|c| shown(*c));
            let shown = shown.collect::<Vec<_>>().join(", ");
            let more = match unknown.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more characters"),
            };
            format!(
                "{place}: LaTeX does not set {shown}{more} without further packages, so numbers stand there; write other characters, \
                 or set `keep_characters = true` and use xelatex or lualatex with a font that has these"
            )
        });
        lines.collect()
    }
}

/// So many characters that LaTeX does not set are named for a place; more are counted.
const NAMED: usize = 3;

/// A character as a message shows it.
fn shown(c: char) -> String {
    if c.is_control() {
        number(c)
    } else {
        format!("`{c}` ({})", number(c))
    }
}

/// What stands for the encoding of fonts that has more letters.
const T1: &str = "T1";

/// Bold text, with the mathematics in it.
pub(in crate::figures) fn bold(code: &str) -> String {
    if code.contains('$') {
        format!("\\textbf{{\\boldmath {code}}}")
    } else {
        format!("\\textbf{{{code}}}")
    }
}

/// The Unicode number of a character, as it is called.
fn number(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

fn is_negative(text: &str) -> bool {
    let digits = text.strip_prefix('-');
    digits.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// The code of a character of ASCII and of what separates words.
fn ascii(c: char) -> Option<String> {
    Some(match c {
        '&' | '%' | '$' | '#' | '_' | '{' | '}' => format!("\\{c}"),
        '\\' => "\\textbackslash{}".to_owned(),
        '~' => "\\textasciitilde{}".to_owned(),
        '^' => "\\textasciicircum{}".to_owned(),
        '<' => "\\textless{}".to_owned(),
        '>' => "\\textgreater{}".to_owned(),
        '|' => "\\textbar{}".to_owned(),
        '`' => "\\textasciigrave{}".to_owned(),
        // Some languages of babel give `"` a meaning.
        '"' => "\\symbol{34}".to_owned(),
        // At the beginning of a row these would belong to the end of the row before.
        '[' | ']' | '*' => format!("{{{c}}}"),
        ' ' | '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => " ".to_owned(),
        c if c.is_ascii() && !c.is_control() => c.to_string(),
        _ => return None,
    })
}

/// Adds a character, or an accent to the last one.
fn push(written: &mut Vec<Written>, code: Code) {
    let accented = match (written.last(), code) {
        (Some(Written::Text(base)), Code { text, .. }) if text.contains('#') => {
            Some(Written::Text(text.replace('#', base)))
        }
        (Some(Written::Math(base)), Code { math, .. }) if math.contains('#') => {
            Some(Written::Math(math.replace('#', base)))
        }
        _ => None,
    };
    if let Some(accented) = accented {
        written.pop();
        written.push(accented);
    } else if code.text.is_empty() {
        written.push(Written::Math(code.math.replace('#', "{}")));
    } else {
        written.push(Written::Text(code.text.replace('#', "")));
    }
}

/// All that has been written; mathematics that follows mathematics shares its dollars.
fn joined(written: &[Written]) -> String {
    let mut code = String::new();
    let mut is_math = false;
    for piece in written {
        match piece {
            Written::Text(text) => {
                if is_math {
                    code.push('$');
                }
                if merge(&code, text) {
                    code.push_str("{}");
                }
                code.push_str(text);
            }
            Written::Math(math) => {
                code.push(if is_math { ' ' } else { '$' });
                code.push_str(math);
            }
        }
        is_math = matches!(piece, Written::Math(_));
    }
    if is_math {
        code.push('$');
    }
    code
}

/// Whether the end of one text and the beginning of the next would become another character.
fn merge(before: &str, next: &str) -> bool {
    match (before.chars().last(), next.chars().next()) {
        (Some(one @ ('-' | '\'' | ',' | '`')), Some(other)) => one == other,
        (Some('?' | '!'), Some('`')) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(markup: &str) -> String {
        Writer::new(false).markup(markup, "a title")
    }

    #[test]
    fn characters_are_written_as_every_engine_sets_them() {
        insta::assert_snapshot!(code("α-net₁ ≤ √2 → ∞"), @r"$\alpha$-net\textsubscript{1} $\leq$ $\surd$2 $\rightarrow$ $\infty$");
        insta::assert_snapshot!(code("Ünïcode “x” – 5 €"), @r#"\"{U}n\"{\i}code ``x'' -- 5 \texteuro{}"#);
        insta::assert_snapshot!(code("αβ"), @r"$\alpha \beta$");
        // Accents of their own belong to the letter before.
        insta::assert_snapshot!(code("x\u{304} β\u{302}"), @r"\={x} $\hat{\beta}$");
    }

    #[test]
    fn what_means_something_to_latex_is_text() {
        insta::assert_snapshot!(code(r"50%_a & $x \\alpha ~{} [1]"), @r"50\%\_a \& \$x \textbackslash{}alpha \textasciitilde{}\{\} {[}1{]}");
        insta::assert_snapshot!(code("a--b ''c'' | <d>"), @r"a-{}-b '{}'c'{}' \textbar{} \textless{}d\textgreater{}");
        insta::assert_snapshot!(code("–- ?‘ ’’"), @r"--{}- ?{}` '{}'");
        insta::assert_snapshot!(Writer::new(false).text("a_{b} *c*", ""), @r"a\_\{b\} {*}c{*}");
    }

    #[test]
    fn mark_up_has_commands() {
        insta::assert_snapshot!(code("*p*_{Holm} **10^{-3}** **α**"), @r"\textit{p}\textsubscript{Holm} \textbf{10}\textsuperscript{\textbf{\boldmath $-$3}} \textbf{\boldmath $\alpha$}");
    }

    #[test]
    fn a_character_that_is_not_set_is_its_number_and_told() {
        let mut writer = Writer::new(false);
        insta::assert_snapshot!(writer.text("a 漢字!", "`label` in row 2"), @r"a \texttt{{[}U+6F22 U+5B57{]}}!");
        let warnings = writer.warnings();
        assert_eq!(warnings.len(), 1);
        let told = "`label` in row 2: LaTeX does not set `字` (U+5B57), `漢` (U+6F22) without";
        assert!(warnings[0].starts_with(told), "{warnings:?}");
        let mut writer = Writer::new(true);
        assert_eq!(writer.text("漢\u{7}", ""), "漢\\texttt{{[}U+0007{]}}");
        assert_eq!(writer.warnings(), Vec::<String>::new());
    }

    #[test]
    fn what_the_code_needs_is_known() {
        let mut writer = Writer::new(false);
        writer.needs("booktabs");
        writer.text("ℝ ą", "");
        insta::assert_snapshot!(writer.preamble(), @r"
        % needs \usepackage{amssymb,booktabs}
        % needs \usepackage[T1]{fontenc}, with pdflatex
        ");
    }
}
