//! Standard output and standard error: what happens when they are closed, how wide they are, and whether they show colours.

use std::io::{self, IsTerminal};

/// What a shell reports of a program that wrote to a pipe nobody reads: 128 and the number of the signal.
#[cfg(unix)]
const CLOSED: i32 = 128 + signal_hook::consts::SIGPIPE;

/// From now on, writing to a pipe that nobody reads ends the program, quietly. Only for when nothing is left to do but to
/// show something: whoever works goes on without a reader.
pub fn end_when_closed() {
    #[cfg(unix)]
    {
        let always = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
        // Without the signal, what cannot be written is left out, and the exit code is another one.
        let _ = signal_hook::flag::register_conditional_shutdown(
            signal_hook::consts::SIGPIPE,
            CLOSED,
            always,
        );
    }
}

/// How a report of a problem looks on a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// In how many columns.
    pub width: usize,
    /// Whether lines of a file that are wider are cut, so that places in them stay visible.
    pub cuts: bool,
    /// Whether there are colours.
    pub colours: bool,
}

/// The width where there is no terminal, and the least and the most of one.
const WIDTH: usize = 100;
const NARROWEST: usize = 60;
const WIDEST: usize = 160;

impl Look {
    /// That of standard error.
    pub fn of_stderr() -> Self {
        let stderr = io::stderr();
        let columns = stderr.is_terminal().then(|| columns(&stderr)).flatten();
        let variable = |name: &str| std::env::var_os(name)?.into_string().ok();
        Self {
            width: width(columns),
            cuts: columns.is_some(),
            colours: shows_colours(stderr.is_terminal(), variable),
        }
    }
}

/// In how many columns a report is written.
fn width(columns: Option<usize>) -> usize {
    columns.map_or(WIDTH, |columns| columns.clamp(NARROWEST, WIDEST))
}

/// How many columns a terminal has; nothing where it does not know.
#[cfg(unix)]
fn columns(terminal: &io::Stderr) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(terminal).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

#[cfg(not(unix))]
fn columns(_: &io::Stderr) -> Option<usize> {
    None
}

/// Whether a stream shows colours, by the variables that programs agree on: `NO_COLOR` forbids them, `CLICOLOR_FORCE` asks
/// for them everywhere, `CLICOLOR=0` and `TERM=dumb` decline them on a terminal.
fn shows_colours(is_terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    let is = |name: &str, word: &str| variable(name).as_deref() == Some(word);
    if is_set("NO_COLOR") {
        return false;
    }
    if is_set("CLICOLOR_FORCE") && !is("CLICOLOR_FORCE", "0") {
        return true;
    }
    is_terminal && !is("CLICOLOR", "0") && !is("TERM", "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_as_wide_as_the_terminal_within_reason() {
        let widths = [None, Some(20), Some(72), Some(400)].map(width);
        assert_eq!(widths, [100, 60, 72, 160]);
    }

    #[test]
    fn colours_are_shown_where_the_environment_lets_a_terminal_show_them() {
        let shows = |is_terminal, set: &[(&str, &str)]| {
            shows_colours(is_terminal, |name| {
                let found = set.iter().find(|(other, _)| *other == name)?;
                Some(found.1.to_string())
            })
        };
        assert!(shows(true, &[]));
        assert!(shows(true, &[("TERM", "xterm"), ("NO_COLOR", "")]));
        assert!(!shows(false, &[]));
        assert!(!shows(true, &[("NO_COLOR", "1")]));
        assert!(!shows(true, &[("CLICOLOR", "0")]));
        assert!(!shows(true, &[("TERM", "dumb")]));
        assert!(shows(false, &[("CLICOLOR_FORCE", "1")]));
        assert!(!shows(false, &[("CLICOLOR_FORCE", "0")]));
        assert!(!shows(true, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    }
}
