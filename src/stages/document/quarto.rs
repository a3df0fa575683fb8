//! Quarto and Markdown, read as an author writes them: files that are named, and prose without code, attributes and keys.

use std::ops::Range;

use super::latex;
use super::scan::{Reference, Role, Scan};

/// The keys of the header whose values name files.
const KEYS: &[(&str, Role)] = &[
    ("bibliography:", Role::Data),
    ("csl:", Role::Data),
    ("template:", Role::Data),
    ("include-in-header:", Role::Data),
];

/// Reads a text.
pub fn scan(text: &str) -> Scan {
    let mut scan = Scan::default();
    let mut at = header(text, &mut scan);
    let mut fence: Option<String> = None;
    let mut display = false;
    let mut in_comment = false;
    for line in text[at..].split_inclusive('\n') {
        let start = at;
        at += line.len();
        let mark = line.trim_start();
        if let Some(end) = &fence {
            if mark.starts_with(end.as_str()) {
                fence = None;
            }
            continue;
        }
        let ticks = mark.len() - mark.trim_start_matches(['`', '~']).len();
        if ticks >= 3 {
            fence = Some(mark[..ticks].to_string());
            continue;
        }
        let item = mark.find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
        let is_item = item > 0 && mark[item..].starts_with(['.', ')']);
        let begin = line.len() - mark.len() + if is_item { item + 1 } else { 0 };
        let mut line = Line {
            text,
            at: start + begin,
            end: at,
            scan: &mut scan,
            display,
            in_comment,
        };
        line.read();
        (display, in_comment) = (line.display, line.in_comment);
    }
    // LaTeX may stand anywhere in a document for PDF.
    let inner = latex::scan(text);
    let wanted = inner.references.into_iter();
    scan.references
        .extend(wanted.filter(|r| matches!(r.role, Role::Image | Role::Text)));
    scan.references
        .sort_by_key(|reference| reference.range.start);
    scan
}

/// Reads the header; where the text begins.
fn header(text: &str, scan: &mut Scan) -> usize {
    let mut at = 0;
    for (n, line) in text.split_inclusive('\n').enumerate() {
        let start = at;
        at += line.len();
        if n == 0 {
            if line.trim_end() != "---" {
                return 0;
            }
            continue;
        }
        if matches!(line.trim_end(), "---" | "...") {
            return at;
        }
        let key = line.trim_start();
        if let Some(value) = key.strip_prefix("date:") {
            scan.sets_date = true;
            if matches!(
                value.trim().trim_matches('"'),
                "today" | "now" | "last-modified"
            ) {
                scan.today = Some(start..start + line.trim_end().len());
            }
        }
        let Some((name, role)) = KEYS.iter().find(|(name, _)| key.starts_with(name)) else {
            continue;
        };
        let mut from = start + line.len() - key.len() + name.len();
        for path in text[from..at].split(',') {
            let trimmed = path.trim_matches(|c: char| c.is_whitespace() || "[]\"'".contains(c));
            if let Some(inside) = path.find(trimmed).filter(|_| !trimmed.is_empty()) {
                let range = from + inside..from + inside + trimmed.len();
                reference(scan, *role, trimmed, range);
            }
            from += path.len() + 1;
        }
    }
    at
}

fn reference(scan: &mut Scan, role: Role, path: &str, range: Range<usize>) {
    if !path.contains("://") && !path.starts_with('#') {
        scan.references.push(Reference {
            role,
            path: path.to_string(),
            range,
            extensions: &[],
        });
    }
}

struct Line<'a, 's> {
    text: &'a str,
    at: usize,
    end: usize,
    scan: &'s mut Scan,
    display: bool,
    in_comment: bool,
}

impl<'a> Line<'a, '_> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..self.end).unwrap_or_default()
    }

    fn read(&mut self) {
        let mut start = self.at;
        while let Some(c) = self.rest().chars().next() {
            let rest = self.rest();
            let before = self.at;
            let math = self.display;
            let passed = if self.in_comment {
                let end = rest.find("-->");
                self.in_comment = end.is_none();
                end.map_or(rest.len(), |at| at + 3)
            } else if rest.starts_with("<!--") {
                self.in_comment = true;
                4
            } else if rest.starts_with("$$") {
                self.display = !self.display;
                2
            } else {
                self.passed(c, rest)
            };
            if passed == 0 {
                self.at += c.len_utf8();
                continue;
            }
            self.scan.piece(self.text, start..before, math);
            self.at = (before + passed).min(self.end);
            start = self.at;
        }
        let end = self.at.min(self.end);
        self.scan
            .piece(self.text, start.min(end)..end, self.display);
    }

    /// How much here is no prose: code, mathematics, paths, keys, attributes.
    fn passed(&mut self, c: char, rest: &str) -> usize {
        let until = |end: &str| rest[1..].find(end).map(|at| at + 1 + end.len());
        match c {
            '`' => until("`").unwrap_or(0),
            '$' if !self.display => {
                let Some(end) = until("$") else { return 0 };
                let inner = self.at + 1..self.at + end - 1;
                self.scan.piece(self.text, inner, true);
                end
            }
            '{' if rest.starts_with("{{<") => {
                let end = rest.find(">}}").map_or(rest.len(), |at| at + 3);
                let mut words = rest[..end].split_whitespace().skip(1);
                if words.next() == Some("include")
                    && let Some(path) = words.next()
                {
                    let at = self.at + rest.find(path).unwrap_or(0);
                    reference(self.scan, Role::Text, path, at..at + path.len());
                }
                end
            }
            '{' => until("}").unwrap_or(0),
            '!' if rest.starts_with("![") => {
                let Some(at) = rest.find("](") else { return 0 };
                let Some(end) = rest[at..].find(')') else {
                    return 0;
                };
                let inner = &rest[at + 2..at + end];
                let path = inner.split_whitespace().next().unwrap_or_default();
                let path = path.trim_matches(['<', '>']);
                let from = self.at + at + 2 + inner.find(path).unwrap_or(0);
                reference(self.scan, Role::Image, path, from..from + path.len());
                // The text of a figure is its caption.
                self.scan.piece(self.text, self.at + 2..self.at + at, false);
                at + end + 1
            }
            ']' if rest.starts_with("](") => until(")").unwrap_or(0),
            '@' => {
                let name = rest[1..].find(|c: char| !(c.is_alphanumeric() || "-_:.".contains(c)));
                name.map_or(rest.len(), |end| end + 1)
            }
            '\\' => {
                let letters = rest[1..]
                    .bytes()
                    .take_while(u8::is_ascii_alphabetic)
                    .count();
                if letters == 0 {
                    return 0;
                }
                let group = rest[1 + letters..].starts_with(['{', '[']);
                let end = rest.find('}').map_or(rest.len(), |at| at + 1);
                if group { end } else { 1 + letters }
            }
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "---\ntitle: Paper 7\nbibliography: [refs.bib, more.bib]\ndate: today\n---\n
# Results 1\n
It is 0.5% of $x = 0.7$ and `0.9`, see @fig-1 [@k2 p. 3].
<!-- 11 --> ![Bars of 0.4](bars/figure.svg){width=80%}
{{< include parts/a.qmd >}} [link 6](https://a.b/12)
1. first\n
```{python}
x = 0.8
```
\\includegraphics{accuracy/figure}
$$ y = 3.5 $$
";

    #[test]
    fn files_are_found_where_they_are_named() {
        let scan = scan(TEXT);
        let paths: Vec<&str> = scan.references.iter().map(|r| r.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "refs.bib",
                "more.bib",
                "bars/figure.svg",
                "parts/a.qmd",
                "accuracy/figure"
            ]
        );
        for reference in &scan.references {
            assert_eq!(TEXT[reference.range.clone()], reference.path);
        }
        assert!(scan.today.is_some());
    }

    #[test]
    fn what_people_read_is_prose_and_mathematics() {
        let scan = scan(TEXT);
        let words = scan.pieces.iter().map(|piece| {
            let mark = if piece.is_math { "$" } else { "" };
            format!("{mark}{}", TEXT[piece.range.clone()].trim())
        });
        let words: Vec<String> = words.collect();
        assert_eq!(
            words,
            [
                "# Results 1",
                "$x = 0.7",
                "It is 0.5% of",
                "and",
                ", see",
                "[",
                "p. 3].",
                "Bars of 0.4",
                "[link 6",
                "first",
                "$y = 3.5"
            ]
        );
    }

    #[test]
    fn what_is_not_closed_ends_with_the_text() {
        for text in [
            "---",
            "---\nbibliography:",
            "```",
            "$x",
            "![a](",
            "{{<",
            "@",
            "\\",
            "<!--",
            "é`",
        ] {
            scan(text);
        }
    }
}
