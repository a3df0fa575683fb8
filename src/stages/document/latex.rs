//! LaTeX, read as an author writes it: files that are named by commands, and text without comments, commands and lengths.
//!
//! TeX can only be read by TeX. A path that is made by a macro is not seen here, and nothing is said of it before the compile.

use std::ops::Range;

use super::latex_commands::{ARRANGED, FILES, SKIPPED, TEX, arguments, is_math};
use super::scan::{Reference, Role, Scan};

/// Reads a text.
pub fn scan(text: &str) -> Scan {
    let mut reader = Reader {
        text,
        at: 0,
        scan: Scan::default(),
        math: 0,
        dollar: false,
        // A file that is included has no preamble.
        in_body: !text.contains("\\begin{document}") && !text.contains("\\documentclass"),
        start: 0,
    };
    reader.read(text.len());
    reader.scan
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    scan: Scan,
    math: usize,
    dollar: bool,
    in_body: bool,
    /// Where the piece of text begins that is being read.
    start: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// Ends the piece of text here.
    fn flush(&mut self) {
        if self.in_body && self.start < self.at {
            let is_math = self.math > 0 || self.dollar;
            self.scan.piece(self.text, self.start..self.at, is_math);
        }
        self.start = self.at;
    }

    fn skip(&mut self, bytes: usize) {
        self.at = (self.at + bytes).min(self.text.len());
        self.start = self.at;
    }

    /// Goes on behind the next occurrence of a text, or at the end.
    fn skip_past(&mut self, end: &str) {
        let bytes = self
            .rest()
            .find(end)
            .map_or(self.rest().len(), |at| at + end.len());
        self.skip(bytes);
    }

    fn read(&mut self, end: usize) {
        self.start = self.at;
        while self.at < end {
            match self.text.as_bytes()[self.at] {
                b'%' => {
                    self.flush();
                    self.skip_past("\n");
                }
                b'\\' => {
                    if !self.command() {
                        return;
                    }
                }
                b'$' => {
                    self.flush();
                    self.dollar = !self.dollar;
                    let bytes = if self.rest().starts_with("$$") { 2 } else { 1 };
                    self.skip(bytes);
                }
                b'{' | b'}' => {
                    self.flush();
                    self.skip(1);
                }
                _ => self.at += 1,
            }
        }
        self.at = self.at.min(end);
        self.flush();
    }

    /// Reads a command; false where the document ends.
    fn command(&mut self) -> bool {
        let rest = &self.rest()[1..];
        let letters = rest
            .bytes()
            .take_while(|b| b.is_ascii_alphabetic() || *b == b'@');
        let name = rest[..letters.count()].to_string();
        if name.is_empty() {
            self.symbol();
            return true;
        }
        let is_file = FILES.iter().find(|(command, ..)| *command == name);
        self.flush();
        self.skip(1 + name.len());
        if self.rest().starts_with('*') {
            self.skip(1);
        }
        match name.as_str() {
            "begin" => self.begin(),
            "end" => {
                let name = self.argument().map(|range| self.text[range].to_string());
                let name = name.unwrap_or_default();
                if is_math(&name) {
                    self.math = self.math.saturating_sub(1);
                }
                return name != "document";
            }
            "verb" | "lstinline" => {
                if let Some(mark) = self.rest().chars().next() {
                    self.skip(mark.len_utf8());
                    self.skip_past(&mark.to_string());
                }
            }
            "iffalse" => self.skip_past("\\fi"),
            "today" => self.scan.today = self.scan.today.take().or(Some(self.before(&name))),
            "maketitle" => self.scan.title = self.scan.title.take().or(Some(self.before(&name))),
            "date" => self.scan.sets_date = true,
            "graphicspath" => self.folders(),
            "import" | "subimport" | "includefrom" | "subincludefrom" => self.import(),
            "newcommand" | "providecommand" | "def" => self.definition(true),
            // Mostly a setting of a class: `\renewcommand{\topfraction}{0.9}`.
            "renewcommand" => self.definition(false),
            _ => match is_file {
                Some((_, role, extensions)) => self.files(*role, extensions),
                None => {
                    self.options();
                    for _ in 0..arguments(&name) {
                        self.argument();
                        self.options();
                    }
                }
            },
        }
        self.start = self.at;
        true
    }

    /// The place of a command that has just been read.
    fn before(&self, name: &str) -> Range<usize> {
        self.at - name.len() - 1..self.at
    }

    /// A backslash with something that is no letter.
    fn symbol(&mut self) {
        let Some(symbol) = self.rest()[1..].chars().next() else {
            self.at += 1;
            return;
        };
        match symbol {
            // They are text as they stand.
            '%' | '&' | '#' | '_' | ',' => self.at += 2,
            '(' | '[' => {
                self.flush();
                self.math += 1;
                self.skip(2);
            }
            ')' | ']' => {
                self.flush();
                self.math = self.math.saturating_sub(1);
                self.skip(2);
            }
            _ => {
                self.flush();
                self.skip(1 + symbol.len_utf8());
                if symbol == '\\' {
                    self.options();
                }
            }
        }
    }

    fn begin(&mut self) {
        let Some(name) = self.argument().map(|range| self.text[range].to_string()) else {
            return;
        };
        if name == "document" {
            self.in_body = true;
        }
        if SKIPPED.contains(&name.as_str()) {
            self.skip_past(&format!("\\end{{{name}}}"));
            return;
        }
        self.options();
        if is_math(&name) {
            self.math += 1;
        }
        let arranged = ARRANGED.iter().find(|(known, _)| *known == name);
        for _ in 0..arranged.map_or(0, |(_, count)| *count) {
            self.argument();
        }
    }

    /// A command of the author's: what it stands for is text, wherever it is defined.
    fn definition(&mut self, is_text: bool) {
        if self.rest().trim_start().starts_with('\\') {
            let rest = self.rest();
            let space = rest.len() - rest.trim_start().len();
            let name = rest[space + 1..].bytes();
            let name = name.take_while(u8::is_ascii_alphabetic).count();
            self.skip(space + 1 + name);
            let parameters = self.rest().find('{').filter(|at| {
                let between = &self.rest()[..*at];
                between.bytes().all(|b| b == b'#' || b.is_ascii_digit())
            });
            self.skip(parameters.unwrap_or(0));
        } else {
            self.argument();
        }
        self.options();
        if let Some(body) = self.argument().filter(|_| is_text) {
            let (at, in_body) = (self.at, self.in_body);
            (self.at, self.in_body) = (body.start, true);
            self.read(body.end);
            (self.at, self.in_body) = (at, in_body);
        }
    }

    fn folders(&mut self) {
        let Some(list) = self.argument() else { return };
        let inner = &self.text[list];
        let folders = inner.split(['{', '}']).map(str::trim);
        let folders = folders.filter(|folder| !folder.is_empty() && is_plain(folder));
        self.scan.folders.extend(folders.map(str::to_string));
    }

    fn import(&mut self) {
        let (Some(folder), Some(file)) = (self.argument(), self.argument()) else {
            return;
        };
        let path = format!(
            "{}/{}",
            self.text[folder].trim_end_matches('/'),
            &self.text[file.clone()]
        );
        self.reference(Role::Text, TEX, path, file);
    }

    fn files(&mut self, role: Role, extensions: &'static [&'static str]) {
        self.options();
        let range = match self.argument() {
            Some(range) => range,
            // `\input file` as in plain TeX.
            None if role == Role::Text => {
                let rest = self.rest();
                let space = rest.len() - rest.trim_start_matches(' ').len();
                let word = rest[space..].find(|c: char| c.is_whitespace() || "{}\\%".contains(c));
                let word = word.unwrap_or(rest.len() - space);
                let range = self.at + space..self.at + space + word;
                self.skip(space + word);
                range
            }
            None => return,
        };
        let mut start = range.start;
        for path in self.text[range].split(',') {
            let space = path.len() - path.trim_start().len();
            let path = path.trim();
            let here = start + space..start + space + path.len();
            start = here.end.max(start) + 1;
            let path = path.trim_matches('"').to_string();
            self.reference(role, extensions, path, here.clone());
            start = start.max(here.end + 1);
        }
    }

    fn reference(
        &mut self,
        role: Role,
        extensions: &'static [&'static str],
        path: String,
        range: Range<usize>,
    ) {
        if !path.is_empty() && is_plain(&path) {
            self.scan.references.push(Reference {
                role,
                path,
                range,
                extensions,
            });
        }
    }

    /// Passes over `[…]`, as often as it stands there.
    fn options(&mut self) {
        while let Some(range) = self.group('[', ']') {
            self.skip(range.end + 1 - self.at);
        }
    }

    /// The inside of `{…}`, passed over.
    fn argument(&mut self) -> Option<Range<usize>> {
        let range = self.group('{', '}')?;
        self.skip(range.end + 1 - self.at);
        Some(range)
    }

    /// The inside of a group that comes next, if one does.
    fn group(&self, open: char, close: char) -> Option<Range<usize>> {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        let start = self.at + rest.len() - trimmed.len();
        // An empty line ends a paragraph, and with it a command.
        if !trimmed.starts_with(open) || self.text[self.at..start].matches('\n').count() > 1 {
            return None;
        }
        let (mut depth, mut braces, mut escaped) = (0usize, 0usize, false);
        for (at, c) in trimmed.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                c if c == open && (open == '{' || braces == 0) => depth += 1,
                c if c == close && (open == '{' || braces == 0) => {
                    depth -= 1;
                    if depth == 0 {
                        return Some(start + 1..start + at);
                    }
                }
                '{' => braces += 1,
                '}' => braces = braces.checked_sub(1)?,
                _ => {}
            }
        }
        None
    }
}

/// Whether a path is one as it stands, and not made by macros.
fn is_plain(path: &str) -> bool {
    !path.contains(['\\', '#', '{', '}', '$', '~', '\n'])
}

#[cfg(test)]
mod tests;
