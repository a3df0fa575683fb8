//! Typst, read as an author writes it: files that are named by functions, and markup without code, labels and comments.

use std::ops::Range;

use super::scan::{Reference, Role, Scan};

/// The functions whose first argument names a file.
const FILES: &[(&str, Role)] = &[
    ("image", Role::Image),
    ("bibliography", Role::Data),
    ("read", Role::Data),
    ("csv", Role::Data),
    ("json", Role::Data),
    ("yaml", Role::Data),
    ("toml", Role::Data),
    ("xml", Role::Data),
    ("cbor", Role::Data),
    ("plugin", Role::Data),
];

/// Words that begin a statement, which ends with its line.
const STATEMENTS: &[&str] = &[
    "let", "set", "show", "import", "include", "if", "for", "while", "return", "context",
];

/// Reads a text.
pub fn scan(text: &str) -> Scan {
    let mut reader = Reader {
        text,
        at: 0,
        scan: Scan::default(),
        depth: 0,
    };
    while reader.at < text.len() {
        reader.markup();
        // A bracket that nothing opens is text.
        reader.at += 1;
    }
    reader.scan
}

/// Nobody nests deeper.
const DEEPEST: usize = 200;

struct Reader<'a> {
    text: &'a str,
    at: usize,
    scan: Scan,
    depth: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_past(&mut self, end: &str) {
        self.at += self
            .rest()
            .find(end)
            .map_or(self.rest().len(), |at| at + end.len());
    }

    /// Passes over one character.
    fn step(&mut self) {
        self.at += self.rest().chars().next().map_or(1, char::len_utf8);
    }

    fn comment(&mut self) -> bool {
        if self.rest().starts_with("//") && !self.text[..self.at].ends_with(':') {
            self.skip_past("\n");
            return true;
        }
        if !self.rest().starts_with("/*") {
            return false;
        }
        let mut depth = 0usize;
        while self.at < self.text.len() {
            if self.rest().starts_with("/*") {
                depth += 1;
                self.at += 2;
            } else if self.rest().starts_with("*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    break;
                }
            } else {
                self.step();
            }
        }
        true
    }

    fn raw(&mut self) {
        let ticks = self.rest().bytes().take_while(|b| *b == b'`').count();
        self.at += ticks;
        if ticks != 2 {
            self.skip_past(&"`".repeat(ticks));
        }
    }

    /// Reads markup up to a `]`, or to the end.
    fn markup(&mut self) {
        self.depth += 1;
        let mut start = self.at;
        while let Some(c) = self.rest().chars().next() {
            let before = self.at;
            match c {
                ']' => break,
                '/' if self.comment() => {}
                '`' => self.raw(),
                '$' => self.math(),
                '\\' => {
                    self.step();
                    self.step();
                    continue;
                }
                '[' if self.depth < DEEPEST => {
                    self.step();
                    self.scan.piece(self.text, start..before, false);
                    self.markup();
                    self.step();
                    start = self.at.min(self.text.len());
                    continue;
                }
                '#' => {
                    self.step();
                    self.code();
                }
                '<' => {
                    let label = self.rest()[1..]
                        .find(|c: char| !(c.is_alphanumeric() || "-_:.".contains(c)));
                    match label {
                        Some(end) if end > 0 && self.rest()[1 + end..].starts_with('>') => {
                            self.at += end + 2;
                        }
                        _ => self.step(),
                    }
                }
                '@' => {
                    self.step();
                    let name = self
                        .rest()
                        .find(|c: char| !(c.is_alphanumeric() || "-_:.".contains(c)));
                    self.at += name.unwrap_or(self.rest().len());
                }
                _ => {
                    self.step();
                    continue;
                }
            }
            self.scan.piece(self.text, start..before, false);
            start = self.at.min(self.text.len());
        }
        self.scan
            .piece(self.text, start..self.at.min(self.text.len()), false);
        self.depth -= 1;
    }

    fn math(&mut self) {
        self.at += 1;
        let start = self.at;
        while let Some(c) = self.rest().chars().next() {
            match c {
                '$' => break,
                '\\' => self.step(),
                _ => {}
            }
            self.step();
        }
        let end = self.at.min(self.text.len());
        self.scan.piece(self.text, start..end, true);
        self.at += 1;
    }

    /// Reads what stands behind a `#` in markup.
    fn code(&mut self) {
        let word = self.word();
        if STATEMENTS.contains(&word.as_str()) {
            self.statement(&word);
            return;
        }
        self.called(&word);
        loop {
            match self.rest().chars().next() {
                Some('(' | '{') => self.group(),
                Some('[') if self.depth < DEEPEST => {
                    self.step();
                    self.markup();
                    self.step();
                }
                Some('"') if word.is_empty() => drop(self.string()),
                Some('.') if self.rest()[1..].starts_with(|c: char| c.is_alphabetic()) => {
                    self.step();
                    let word = self.word();
                    self.called(&word);
                }
                _ => return,
            }
        }
    }

    fn word(&mut self) -> String {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'));
        let word = rest[..end.unwrap_or(rest.len())].to_string();
        self.at += word.len();
        word
    }

    /// Looks whether a word calls a function that reads a file.
    fn called(&mut self, word: &str) {
        if word == "today" && self.text[..self.at].ends_with("datetime.today") {
            let place = self.at - word.len()..self.at;
            self.scan.today = self.scan.today.take().or(Some(place));
        }
        let Some((_, role)) = FILES.iter().find(|(name, _)| *name == word) else {
            return;
        };
        let space = self.rest().strip_prefix('(').map(str::trim_start);
        if let Some(rest) = space.filter(|rest| rest.starts_with('"')) {
            self.at = self.text.len() - rest.len();
            let at = self.at;
            self.file(*role);
            // The bracket counts, so that what follows is read as its inside.
            if self.at > at {
                self.inside(')');
            }
        }
    }

    /// Takes the string that comes next for the path of a file.
    fn file(&mut self, role: Role) {
        let Some(range) = self.string() else { return };
        let path = self.text[range.clone()].to_string();
        if !path.contains('\\') && !path.starts_with('@') {
            self.scan.references.push(Reference {
                role,
                path,
                range,
                extensions: &[],
            });
        }
    }

    fn string(&mut self) -> Option<Range<usize>> {
        if !self.rest().starts_with('"') {
            return None;
        }
        self.at += 1;
        let start = self.at;
        while let Some(c) = self.rest().chars().next() {
            match c {
                '"' => break,
                '\\' => self.step(),
                _ => {}
            }
            self.step();
        }
        let end = self.at.min(self.text.len());
        self.at += 1;
        Some(start..end)
    }

    /// A statement, to the end of its line.
    fn statement(&mut self, word: &str) {
        let is_definition = word == "let";
        if word == "import" || word == "include" {
            let rest = self.rest().trim_start_matches(' ');
            if rest.starts_with('"') {
                self.at = self.text.len() - rest.len();
                self.file(Role::Text);
            }
        }
        while let Some(c) = self.rest().chars().next() {
            match c {
                '\n' | ';' | ']' => return,
                // A number that an author gives a name is text: it stands where the name does.
                '=' if is_definition => {
                    self.step();
                    let space = self.rest().len() - self.rest().trim_start_matches(' ').len();
                    self.at += space;
                    let rest = self.rest();
                    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'));
                    let end = self.at + end.unwrap_or(rest.len());
                    if !self.text[end..].starts_with(|c: char| c.is_alphabetic()) {
                        self.scan.piece(self.text, self.at..end, false);
                    }
                }
                _ => self.token(c),
            }
        }
    }

    fn token(&mut self, c: char) {
        match c {
            '(' | '{' => self.group(),
            '[' if self.depth < DEEPEST => {
                self.step();
                self.markup();
                self.step();
            }
            '"' => drop(self.string()),
            '`' => self.raw(),
            '$' => self.math(),
            '/' if self.comment() => {}
            c if c.is_alphabetic() || c == '_' => {
                let word = self.word();
                match word.as_str() {
                    "import" | "include" => {
                        let rest = self.rest().trim_start_matches(' ');
                        if rest.starts_with('"') {
                            self.at = self.text.len() - rest.len();
                            self.file(Role::Text);
                        }
                    }
                    word => self.called(word),
                }
            }
            _ => self.step(),
        }
    }

    fn group(&mut self) {
        let close = if self.rest().starts_with('(') {
            ')'
        } else {
            '}'
        };
        self.step();
        self.inside(close);
    }

    /// Code up to a closing bracket, which is passed over.
    fn inside(&mut self, close: char) {
        self.depth += 1;
        while let Some(c) = self.rest().chars().next() {
            if c == close || self.depth > DEEPEST {
                self.step();
                break;
            }
            self.token(c);
        }
        self.depth -= 1;
    }
}

#[cfg(test)]
mod tests;
