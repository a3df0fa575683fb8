//! A compile that failed, in a few lines: which file, which line, what is wrong there and what to do.

use std::collections::{BTreeMap, BTreeSet};

use super::beside::Beside;
use super::latex_log::{self, Warning};
use super::layout::{Layout, Source};
use crate::pipeline::nearest;

/// So many errors are told; more are counted.
const TOLD: usize = 8;

/// Commands of packages that tables and figures of stages use, and others that papers forget.
const PACKAGED: &[(&[&str], &str)] = &[
    (
        &[
            "toprule",
            "midrule",
            "bottomrule",
            "cmidrule",
            "addlinespace",
        ],
        "booktabs",
    ),
    (
        &["includegraphics", "resizebox", "graphicspath"],
        "graphicx",
    ),
    (&["mathbb", "mathfrak", "checkmark", "square"], "amssymb"),
    (&["text", "eqref", "dfrac", "operatorname"], "amsmath"),
    (&["multirow"], "multirow"),
    (&["url", "href", "autoref"], "hyperref"),
    (&["citep", "citet"], "natbib"),
    (&["textcolor", "definecolor"], "xcolor"),
    (&["cref", "Cref"], "cleveref"),
    (&["subcaption", "subcaptionbox"], "subcaption"),
];

/// The errors without those that follow from one before: the same command again, and rows of a table whose rules are not known.
fn causes(errors: Vec<latex_log::Error>) -> Vec<latex_log::Error> {
    let (mut commands, mut packages) = (BTreeSet::new(), BTreeSet::new());
    let mut causes = Vec::new();
    for error in errors {
        let is_new = match &error.undefined {
            Some(command) => match packaged(command) {
                Some(package) => packages.insert(package),
                None => commands.insert(command.clone()),
            },
            None => packages.is_empty() || !error.message.starts_with("Misplaced"),
        };
        if is_new {
            causes.push(error);
        }
    }
    causes
}

/// The package that a command comes from.
fn packaged(command: &str) -> Option<&'static str> {
    let name = command.trim_start_matches('\\');
    let found = PACKAGED.iter().find(|(names, _)| names.contains(&name));
    found.map(|(_, package)| *package)
}

/// What was compiled.
pub struct Compiled<'a> {
    /// The user's files.
    pub layout: &'a Layout,
    /// The user's text.
    pub sources: &'a [Source],
    /// What the stages made.
    pub beside: &'a Beside,
    /// The commands that files of stages define, each with its stage.
    pub commands: &'a BTreeMap<String, String>,
}

impl Compiled<'_> {
    /// The errors in the log of a LaTeX engine, or among what another program printed; none where neither tells any.
    pub fn explained(&self, log: &str, printed: &str) -> Option<String> {
        let mut lines: Vec<String> = causes(latex_log::errors(log))
            .iter()
            .map(|e| self.latex(e))
            .collect();
        if lines.is_empty() {
            let told = printed.lines().filter_map(|line| self.printed(line));
            told.for_each(|line| {
                if !lines.contains(&line) {
                    lines.push(line);
                }
            });
        }
        if lines.is_empty() {
            return None;
        }
        let more = lines.len().saturating_sub(TOLD);
        lines.truncate(TOLD);
        let lines: String = lines.iter().map(|line| format!("\n    {line}")).collect();
        let more = match more {
            0 => String::new(),
            more => format!("\n    and {more} more, which the log shows"),
        };
        Some(format!("the document does not compile{lines}{more}"))
    }

    /// A file as people know it, and where it comes from if it is none of theirs.
    fn place(&self, file: &str) -> (String, String) {
        let by = self
            .beside
            .made
            .get(file)
            .filter(|_| !self.layout.own.contains_key(file));
        let by = by.map_or(String::new(), |stage| {
            format!(" (the stage `{stage}` made this file)")
        });
        (self.layout.shown(file).to_string(), by)
    }

    fn latex(&self, error: &latex_log::Error) -> String {
        let (file, by) = self.place(&error.file);
        let message = match &error.undefined {
            Some(command) => self.undefined(command),
            None => {
                let what = error.message.trim_start_matches("LaTeX Error: ");
                let is_missing = what.starts_with("File `") && what.ends_with("not found");
                let help = if is_missing {
                    "; install it with your TeX, or add it to `files`"
                } else {
                    ""
                };
                format!("{what}{help}")
            }
        };
        format!("{file}:{}: {message}{by}", error.line)
    }

    /// A command that nothing defines: what was meant, if a stage makes something like it.
    fn undefined(&self, command: &str) -> String {
        let names = self
            .commands
            .keys()
            .map(|name| name.trim_start_matches('\\'));
        let name = command.trim_start_matches('\\');
        if let Some(package) = packaged(command) {
            return format!("`{command}` needs `\\usepackage{{{package}}}`");
        }
        match nearest(name, names) {
            Some(near) => {
                let near = format!("\\{near}");
                let stage = &self.commands[&near];
                format!("`{command}` is not defined; did you mean `{near}` of the stage `{stage}`?")
            }
            None if self.commands.is_empty() => format!("`{command}` is not defined"),
            None => format!(
                "`{command}` is not defined; no stage that the document reads makes it, nor one like it"
            ),
        }
    }

    /// A line such as `main.typ:3:5: error: unknown variable: x` or `error: main.tex:3: …`.
    fn printed(&self, line: &str) -> Option<String> {
        let (place, message) = match line.strip_prefix("error: ") {
            Some(rest) => {
                let (place, message) = rest.split_once(": ").unwrap_or(("", rest));
                let is_place = place.contains(':') && !place.contains(' ');
                if is_place {
                    (place, message)
                } else {
                    ("", rest)
                }
            }
            None => line.split_once(": error: ")?,
        };
        let message = message.trim();
        let Some((file, position)) = place.split_once(':') else {
            return Some(message.to_string());
        };
        let (file, by) = self.place(file.trim_start_matches("./"));
        Some(format!("{file}:{position}: {message}{by}"))
    }

    /// A warning with the place of what it is about, where the text tells.
    pub fn warned(&self, warning: &Warning) -> String {
        let Warning { what, name, line } = warning;
        let holds = |source: &&Source| {
            let text = line.and_then(|line| source.text.lines().nth(line.saturating_sub(1)));
            text.is_some_and(|text| text.contains(name.as_str()))
        };
        match (line, self.sources.iter().find(holds)) {
            (Some(line), Some(source)) => {
                format!("{}:{line}: {what}: {name}", self.layout.shown(&source.laid))
            }
            _ => format!("{what}: {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_file_as_its_author_knows_it_and_what_was_meant() {
        let mut layout = Layout::default();
        let own = super::super::layout::Own {
            path: "/p/paper/main.tex".into(),
            shown: "paper/main.tex".into(),
        };
        layout.own.insert("main.tex".into(), own);
        let mut beside = Beside::default();
        beside
            .made
            .insert("accuracy/table.tex".into(), "accuracy".into());
        let commands = [("\\accReversed".to_string(), "numbers".to_string())].into();
        let compiled = Compiled {
            layout: &layout,
            sources: &[],
            beside: &beside,
            commands: &commands,
        };
        let log = "./main.tex:7: Undefined control sequence.\nl.7 It is \\accRevresed\n\
                   ./accuracy/table.tex:2: Misplaced \\noalign.\n\
                   ./main.tex:9: LaTeX Error: File `none.sty' not found.\n";
        assert_eq!(
            compiled.explained(log, "").unwrap(),
            "the document does not compile\
             \n    paper/main.tex:7: `\\accRevresed` is not defined; did you mean `\\accReversed` of the stage `numbers`?\
             \n    accuracy/table.tex:2: Misplaced \\noalign (the stage `accuracy` made this file)\
             \n    paper/main.tex:9: File `none.sty' not found; install it with your TeX, or add it to `files`"
        );
        let rules = "./accuracy/table.tex:2: Undefined control sequence.\nl.2 \\toprule\n\
                     ./accuracy/table.tex:2: Misplaced \\noalign.\n\
                     ./accuracy/table.tex:4: Undefined control sequence.\nl.4 \\midrule\n";
        assert_eq!(
            compiled.explained(rules, "").unwrap(),
            "the document does not compile\
             \n    accuracy/table.tex:2: `\\toprule` needs `\\usepackage{booktabs}` (the stage `accuracy` made this file)"
        );
        let printed =
            "main.tex:3:5: error: unknown variable: x\nerror: main.tex:4: no\nerror: failed";
        assert_eq!(
            compiled.explained("", printed).unwrap(),
            "the document does not compile\
             \n    paper/main.tex:3:5: unknown variable: x\
             \n    paper/main.tex:4: no\
             \n    failed"
        );
        assert_eq!(compiled.explained("", "all is well"), None);
    }
}
