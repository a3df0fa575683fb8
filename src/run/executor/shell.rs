//! Words that a shell takes for what they are.

use std::path::Path;

/// A text as one word of a shell.
pub(super) fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,@%+".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A path as one.
pub(super) fn quoted(path: &Path) -> String {
    word(&path.display().to_string())
}
