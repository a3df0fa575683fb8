//! Why a command could not do its work, and how that is told.

use std::io::{self, Write};

use miette::{GraphicalReportHandler, GraphicalTheme};
use textwrap::{WordSeparator, WordSplitter};

use super::excerpt::Excerpt;
use super::stream::{Look, end_when_closed};
use crate::pipeline::Problem;
use crate::report::{is_plain, visible};

/// Why a command could not do its work.
pub enum Failure {
    /// The pipeline or what was asked of it is wrong.
    Problems(Vec<Problem>),
    /// The command line leaves open what is meant, in a sentence.
    Usage(String),
    /// Anything else, in a sentence.
    Message(String),
}

impl From<crate::store::Error> for Failure {
    fn from(error: crate::store::Error) -> Self {
        let advice = if error.is_disk_full() {
            "; free some space and run again: what is finished is kept"
        } else {
            ""
        };
        Self::Message(format!("{error}{advice}"))
    }
}

/// So many problems are shown: who mends these will know what to do with the rest.
const SHOWN: usize = 100;

impl Failure {
    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 64,
            Self::Problems(_) | Self::Message(_) => 1,
        }
    }

    /// Tells it on standard error.
    pub fn print(&self) {
        end_when_closed();
        // Who cannot be told cannot be told so either.
        let _ = self.write(&mut io::stderr().lock(), Look::of_stderr());
    }

    fn write(&self, stream: &mut impl Write, look: Look) -> io::Result<()> {
        let problems = match self {
            Self::Usage(message) | Self::Message(message) => {
                return writeln!(stream, "error: {}", visible(message));
            }
            Self::Problems(problems) => problems,
        };
        for problem in problems.iter().take(SHOWN) {
            writeln!(stream, "{}", report(problem, look))?;
        }
        match problems.len() {
            1 => writeln!(stream, "\n1 problem; nothing was run"),
            n if n > SHOWN => writeln!(
                stream,
                "\n{n} problems, the first {SHOWN} are shown; nothing was run"
            ),
            n => writeln!(stream, "\n{n} problems; nothing was run"),
        }
    }
}

/// A problem as a stream shows it: in colours where it shows them, unless the file holds what a terminal would obey.
fn report(problem: &Problem, look: Look) -> String {
    let excerpt = look.cuts.then(|| Excerpt::of(problem, look.width));
    let render = |theme| {
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(look.width)
            // A name is never broken at a hyphen.
            .with_word_separator(WordSeparator::AsciiSpace)
            .with_word_splitter(WordSplitter::NoHyphenation);
        let mut text = String::new();
        let done = match &excerpt {
            Some(excerpt) => handler.render_report(&mut text, excerpt),
            None => handler.render_report(&mut text, problem),
        };
        match done {
            Ok(()) => text.trim_end().to_string(),
            Err(_) => format!("error: {problem}"),
        }
    };
    let plain = render(GraphicalTheme::unicode_nocolor());
    if is_plain(&plain) && look.colours {
        render(GraphicalTheme::unicode())
    } else {
        visible(&plain).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::{Source, Span};

    fn problem() -> Problem {
        let text = format!("x = [{}, wrong, {}]", "1, ".repeat(60), "2, ".repeat(60));
        let at = text.find("wrong").unwrap();
        let source = Source::new("x.toml", text);
        let names = ["path-star", "sibling-discovery", "in-weights", "chess-mate"].repeat(5);
        Problem::at(&Span::new(&source, at..at + 5), "a word that is not known")
            .help(format!("the kinds are `{}`", names.join("`, `")))
    }

    #[test]
    fn a_report_fits_the_terminal_and_breaks_no_name() {
        for width in [60, 80, 160] {
            let look = Look {
                width,
                cuts: true,
                colours: false,
            };
            let text = report(&problem(), look);
            let longest = text.lines().map(|line| line.chars().count()).max();
            assert!(longest <= Some(width), "{text}");
            assert!(text.contains("wrong"), "{text}");
            assert!(is_plain(&text), "{text}");
            let whole = text.matches("`sibling-discovery`").count();
            assert_eq!(whole, 5, "{text}");
        }
    }

    #[test]
    fn colours_are_there_only_where_they_are_asked_for() {
        let look = |colours| Look {
            width: 100,
            cuts: false,
            colours,
        };
        assert!(report(&problem(), look(true)).contains("\x1b["));
        assert!(!report(&problem(), look(false)).contains('\x1b'));
    }
}
