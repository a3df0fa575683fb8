//! What a LaTeX engine says in its log: errors with file and line, as `-file-line-error` writes them, and what is undefined.

use std::collections::BTreeSet;

/// An error of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The file, as it is laid.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, in the engine's words.
    pub message: String,
    /// The command that is not defined, if that is what is wrong.
    pub undefined: Option<String>,
}

/// The errors in a log, in its order, each once.
pub fn errors(log: &str) -> Vec<Error> {
    let mut found: Vec<Error> = Vec::new();
    let mut lines = log.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((file, number, message)) = place(line) else {
            continue;
        };
        let mut error = Error {
            file: file.trim_start_matches("./").to_string(),
            line: number,
            message: message.trim_end_matches('.').to_string(),
            undefined: None,
        };
        while let Some(more) = lines.next_if(|next| goes_on(message, next)) {
            error.message.push(' ');
            let more = more.trim_start_matches(|c| c != ')' && c != ' ');
            error
                .message
                .push_str(more.trim_start_matches(')').trim().trim_end_matches('.'));
        }
        if message.starts_with("Undefined control sequence") {
            error.undefined = lines.peek().and_then(|context| last_command(context));
        }
        // What follows from another is not told beside it.
        if message.contains("==> Fatal error") || message.starts_with("Emergency stop") {
            if found.is_empty() {
                found.push(error);
            }
        } else if !found.contains(&error) {
            found.push(error);
        }
    }
    found
}

/// Whether a line belongs to the message before it: LaTeX indents it, and packages begin it with their name in brackets.
fn goes_on(message: &str, line: &str) -> bool {
    let package = message
        .strip_prefix("Package ")
        .and_then(|rest| rest.split(' ').next());
    let is_indented = message.starts_with("LaTeX Error") && line.starts_with("   ");
    let is_named = package.is_some_and(|name| line.starts_with(&format!("({name}) ")));
    (is_indented || is_named) && !line.trim().is_empty()
}

/// `file:12: message`.
fn place(line: &str) -> Option<(&str, usize, &str)> {
    for (at, _) in line.match_indices(':') {
        let (file, rest) = (&line[..at], &line[at + 1..]);
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && rest[digits..].starts_with(": ") {
            let is_file = file.contains('.') && !file.contains(['(', ')', '<']);
            let number = rest[..digits].parse().ok()?;
            return is_file.then_some((file, number, &rest[digits + 2..]));
        }
    }
    None
}

/// The last command of a line, up to which the engine has read.
fn last_command(line: &str) -> Option<String> {
    let at = line.trim_end().rfind('\\')?;
    let letters = line[at + 1..].bytes();
    let letters = letters
        .take_while(|b| b.is_ascii_alphabetic() || *b == b'@')
        .count();
    (letters > 0).then(|| line[at..=at + letters].to_string())
}

/// Something that an engine warns of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// What, in a few words.
    pub what: String,
    /// Of which label, key or character.
    pub name: String,
    /// The line, where it is told.
    pub line: Option<usize>,
}

/// What a log says of undefined references and citations, of labels that are set twice, and of characters that no font has.
pub fn warnings(log: &str) -> Vec<Warning> {
    let mut found = BTreeSet::new();
    for line in log.lines() {
        let quoted = |rest: &str| rest.split_once('\'').map(|(name, _)| name.to_string());
        let number = line
            .rsplit_once("on input line ")
            .and_then(|(_, rest)| rest.trim_end_matches('.').parse().ok());
        let told = if let Some((_, rest)) = line.split_once("Warning: Reference `") {
            quoted(rest).map(|name| ("undefined reference", name))
        } else if let Some((_, rest)) = line.split_once("Warning: Citation `") {
            quoted(rest).map(|name| ("undefined citation", name))
        } else if let Some((_, rest)) = line.split_once("Warning: Citation '") {
            quoted(rest).map(|name| ("undefined citation", name))
        } else if let Some((_, rest)) = line.split_once("Warning: Label `") {
            quoted(rest).map(|name| ("a label that is set twice", name))
        } else if let Some(rest) = line.strip_prefix("Missing character: There is no ") {
            let name = rest.split_whitespace().next();
            name.map(|name| ("a character that the font does not have", name.to_string()))
        } else {
            None
        };
        if let Some((what, name)) = told {
            found.insert(Warning {
                what: what.to_string(),
                name,
                line: number,
            });
        }
    }
    found.into_iter().collect()
}

/// The files that an engine read below its folder, from the `.fls` that it records.
pub fn read_files(recorded: &str, folder: &str) -> BTreeSet<String> {
    let inputs = recorded
        .lines()
        .filter_map(|line| line.strip_prefix("INPUT "));
    let names = inputs.filter_map(|path| match path.strip_prefix(folder) {
        Some(below) => Some(below.trim_start_matches('/')),
        None => (!path.starts_with('/')).then(|| path.trim_start_matches("./")),
    });
    names.map(str::to_string).collect()
}

/// The commands that a file of LaTeX defines.
pub fn defined(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for command in [
        "\\newcommand",
        "\\providecommand",
        "\\renewcommand",
        "\\def",
        "\\gdef",
    ] {
        for (at, _) in text.match_indices(command) {
            let rest = text[at + command.len()..].trim_start_matches(['*', '{', ' ']);
            let Some(rest) = rest.strip_prefix('\\') else {
                continue;
            };
            let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
            if letters > 0 {
                names.push(format!("\\{}", &rest[..letters]));
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
This is pdfTeX, Version 3.141592653-2.6-1.40.24 (TeX Live 2022/Debian) (preloaded format=pdflatex)
(./main.tex
./main.tex:7: Undefined control sequence.
l.7 It is \\accRevresed
                      {} here.
./parts/one.tex:3: Undefined control sequence.
<argument> \\foo 
                
l.3 \\textbf{\\foo}
./main.tex:9: LaTeX Error: File `none.sty' not found.
./main.tex:9: Emergency stop.
./main.tex:10: LaTeX Error: Unicode character α (U+03B1)
               not set up for use with LaTeX.

./main.tex:11: Package foo Error: One thing
(foo)                and another.
LaTeX Warning: Reference `fig:x' on page 1 undefined on input line 12.
Package natbib Warning: Citation `a' on page 1 undefined on input line 13.
LaTeX Warning: Citation 'b' on page 1 undefined on input line 14.
Missing character: There is no α (U+03B1) in font cmr10!
at 12:30: nothing
";

    #[test]
    fn errors_have_their_file_and_line() {
        let errors = errors(LOG);
        let told = errors.iter().map(|e| {
            let undefined = e.undefined.as_deref().unwrap_or_default();
            format!("{}:{}: {} {undefined}", e.file, e.line, e.message)
        });
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                "main.tex:7: Undefined control sequence \\accRevresed",
                "parts/one.tex:3: Undefined control sequence \\foo",
                "main.tex:9: LaTeX Error: File `none.sty' not found ",
                "main.tex:10: LaTeX Error: Unicode character α (U+03B1) not set up for use with LaTeX ",
                "main.tex:11: Package foo Error: One thing and another ",
            ]
        );
    }

    #[test]
    fn warnings_are_of_what_a_reader_would_miss() {
        let told = warnings(LOG).into_iter();
        let told: Vec<String> = told
            .map(|w| format!("{} {} {:?}", w.what, w.name, w.line))
            .collect();
        assert_eq!(
            told,
            [
                "a character that the font does not have α None",
                "undefined citation a Some(13)",
                "undefined citation b Some(14)",
                "undefined reference fig:x Some(12)",
            ]
        );
    }

    #[test]
    fn what_was_read_and_what_is_defined() {
        let recorded = "PWD /w/d\nINPUT /usr/share/a.sty\nINPUT main.tex\nINPUT ./a/table.tex\nINPUT /w/d/b.png\nOUTPUT main.log";
        let read: Vec<String> = read_files(recorded, "/w/d").into_iter().collect();
        assert_eq!(read, ["a/table.tex", "b.png", "main.tex"]);
        assert_eq!(
            defined("\\newcommand{\\a}{1}\n\\providecommand*\\b{2} \\def\\c{3} \\newcommand{x}"),
            ["\\a", "\\b", "\\c"]
        );
    }
}
