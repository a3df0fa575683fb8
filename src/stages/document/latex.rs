//! LaTeX, read as an author writes it: files that are named by commands, and text without comments, commands and lengths.
//!
//! TeX can only be read by TeX. A path that is made by a macro is not seen here, and nothing is said of it before the compile.

use std::ops::Range;

use super::scan::{Reference, Role, Scan};

const TEX: &[&str] = &[".tex"];
/// In the order in which pdfLaTeX, XeLaTeX and LuaLaTeX look for them.
const IMAGES: &[&str] = &[".pdf", ".png", ".jpg", ".jpeg", ".mps", ".jbig2", ".eps"];

/// The commands whose last argument names a file, or several with commas.
const FILES: &[(&str, Role, &[&str])] = &[
    ("input", Role::Text, TEX),
    ("include", Role::Text, TEX),
    ("subfile", Role::Text, TEX),
    ("includegraphics", Role::Image, IMAGES),
    ("includepdf", Role::Image, &[".pdf"]),
    ("bibliography", Role::Data, &[".bib"]),
    ("addbibresource", Role::Data, &[]),
    ("lstinputlisting", Role::Data, &[]),
    ("verbatiminput", Role::Data, &[]),
    ("pgfplotstableread", Role::Data, &[]),
    ("csvreader", Role::Data, &[".csv"]),
    ("usepackage", Role::Package, &[".sty"]),
    ("RequirePackage", Role::Package, &[".sty"]),
    ("documentclass", Role::Package, &[".cls"]),
    ("LoadClass", Role::Package, &[".cls"]),
    ("bibliographystyle", Role::Package, &[".bst"]),
];

/// How many arguments of a command are no text that people read.
fn arguments(command: &str) -> usize {
    if command.to_ascii_lowercase().contains("cite") {
        return 1;
    }
    match command {
        "definecolor" | "newtheorem" => 3,
        "setlength" | "addtolength" | "setcounter" | "addtocounter" | "rule" | "multicolumn"
        | "multirow" | "resizebox" | "fontsize" | "crefname" | "Crefname" => 2,
        "ref" | "eqref" | "autoref" | "cref" | "Cref" | "pageref" | "nameref" | "label"
        | "vspace" | "hspace" | "pagestyle" | "thispagestyle" | "pagenumbering" | "color"
        | "url" | "href" | "nolinkurl" | "cline" | "cmidrule" | "linespread" | "textcolor"
        | "colorbox" | "scalebox" | "raisebox" | "parbox" | "selectlanguage" | "usetikzlibrary"
        | "theoremstyle" | "hypersetup" | "geometry" | "captionsetup" | "sisetup"
        | "pgfplotsset" | "tikzset" | "lstset" | "hyphenation" | "hyperref" | "newcounter"
        | "stepcounter" | "refstepcounter" | "value" | "enlargethispage" | "phantom"
        | "hphantom" | "vphantom" | "tag" | "IfFileExists" | "InputIfFileExists" => 1,
        _ => 0,
    }
}

/// What a compiler reads letter by letter, or what is drawn and not read.
const SKIPPED: &[&str] = &[
    "verbatim",
    "verbatim*",
    "Verbatim",
    "lstlisting",
    "minted",
    "comment",
    "tikzpicture",
    "thebibliography",
    "filecontents",
    "filecontents*",
];
const MATH: &[&str] = &[
    "math",
    "displaymath",
    "equation",
    "align",
    "alignat",
    "flalign",
    "gather",
    "multline",
    "eqnarray",
];
/// The environments with arguments that are no text, and how many.
const ARRANGED: &[(&str, usize)] = &[
    ("tabular", 1),
    ("array", 1),
    ("longtable", 1),
    ("tabularx", 2),
    ("tabular*", 2),
    ("minipage", 1),
    ("wrapfigure", 2),
    ("wraptable", 2),
    ("subfigure", 1),
    ("subtable", 1),
    ("multicols", 1),
    ("adjustbox", 1),
];

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
            "newcommand" | "renewcommand" | "providecommand" | "def" => self.definition(),
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
    fn definition(&mut self) {
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
        if let Some(body) = self.argument() {
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

fn is_math(environment: &str) -> bool {
    MATH.contains(&environment.trim_end_matches('*'))
}

/// Whether a path is one as it stands, and not made by macros.
fn is_plain(path: &str) -> bool {
    !path.contains(['\\', '#', '{', '}', '$', '~', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        let scan = scan(text);
        let references = scan.references.into_iter();
        let shown = references.map(|reference| {
            assert!(
                text[reference.range.clone()].ends_with(&reference.path) || text.contains("import")
            );
            reference.path
        });
        shown.collect()
    }

    fn words(text: &str) -> Vec<String> {
        let scan = scan(text);
        let pieces = scan.pieces.into_iter();
        pieces
            .map(|piece| {
                let mark = if piece.is_math { "$" } else { "" };
                format!("{mark}{}", text[piece.range].trim())
            })
            .collect()
    }

    #[test]
    fn files_are_found_where_commands_name_them() {
        assert_eq!(
            paths(
                r"\documentclass[a4paper]{article}
\usepackage{a, b}
\input{accuracy/table} \input plain % \input{comment}
\includegraphics[width=\linewidth, trim={0 0 0 0}]{bars/figure.pdf}
\bibliography{refs,more}
\includegraphics{\folder/x} \verb|\input{no}|
\begin{verbatim}\input{no}\end{verbatim}
\import{parts/}{one}"
            ),
            [
                "article",
                "a",
                "b",
                "accuracy/table",
                "plain",
                "bars/figure.pdf",
                "refs",
                "more",
                "parts/one"
            ]
        );
        let found = scan(r"\graphicspath{{a/}{b/}}\maketitle \today");
        assert_eq!(found.folders, ["a/", "b/"]);
        assert!(found.today.is_some() && found.title.is_some() && !found.sets_date);
    }

    #[test]
    fn what_people_read_is_text_and_mathematics() {
        assert_eq!(
            words(
                r"\documentclass[11pt]{article} preamble 1
\newcommand{\acc}[1]{0.82}
\begin{document}
It is 0.5\% of $x = 0.7$ \cite[p. 3]{a2} and \textbf{9}. % 8
\vspace{2pt}\begin{tabular}{p{3cm}r} a & 4 \\[2pt] \end{tabular}
\begin{align*} y &= 3.5 \end{align*}
\end{document} 12"
            ),
            [
                "0.82",
                "It is 0.5\\% of",
                "$x = 0.7",
                "and",
                "9",
                ".",
                "a & 4",
                "$y &= 3.5"
            ]
        );
    }

    #[test]
    fn what_is_not_closed_ends_with_the_text() {
        for text in [
            "\\",
            "\\input{",
            "\\verb",
            "\\begin{verbatim}",
            "$x",
            "\\begin",
            "\\def\\a#1",
            "\\input",
        ] {
            scan(text);
        }
    }
}
