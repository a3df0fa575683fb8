//! What is printed for people, with the characters written out that a terminal would obey.
//!
//! Labels, notes, messages and what programs print may hold anything. An escape sequence among them could clear the screen,
//! or say what nobody said.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};

/// A stream for people, to `write!` to. Everything that commands print goes through one.
pub struct Out<W>(W);

impl<W: Write> Out<W> {
    /// One to this stream.
    pub fn new(stream: W) -> Self {
        Self(stream)
    }

    /// What `write!` and `writeln!` call.
    pub fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> io::Result<()> {
        self.0.write_all(visible(&text.to_string()).as_bytes())
    }
}

/// Text in which control characters are written out (`\x1b`), but line breaks and tabs; likewise those that turn the direction
/// of what follows.
pub fn visible(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let mut seen = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\r' => seen.push_str("\\r"),
            c if is_obeyed(c) && c.is_ascii() => seen.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if is_obeyed(c) => seen.extend(c.escape_unicode()),
            c => seen.push(c),
        }
    }
    Cow::Owned(seen)
}

/// Whether a terminal would obey nothing in a text.
pub fn is_plain(text: &str) -> bool {
    !text.chars().any(is_obeyed)
}

fn is_obeyed(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        c => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        assert_eq!(visible("α\tb\n"), "α\tb\n");
        assert_eq!(visible("\x1b[2J\x07\r"), "\\x1b[2J\\x07\\r");
        assert_eq!(visible("\u{9b}31m\u{202e}x"), "\\u{9b}31m\\u{202e}x");
        let mut out = Out::new(Vec::new());
        writeln!(out, "\x1b]0;title\x07").unwrap();
        assert_eq!(out.0, b"\\x1b]0;title\\x07\n");
    }
}
