//! The parts of the reference pages that the code knows: commands, kinds, tables, functions, and the files of a store.
//!
//! A page below `docs/reference/` holds each part between two comments: `<!-- generated: NAME -->` and
//! `<!-- end of NAME -->`. A test compares them with what is made here, and writes them anew if `UPDATE_DOCS=1` is set.

mod commands;
mod kinds;
mod store;
mod tables;

/// A part of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name in the comments around it.
    pub name: &'static str,
    /// Its text in Markdown.
    pub text: String,
}

/// All parts.
#[must_use]
pub fn parts() -> Vec<Part> {
    let own = [
        ("commands", commands::text()),
        ("kinds", kinds::text()),
        ("tables", tables::text()),
        ("functions", tables::functions()),
    ];
    let parts = own.into_iter().chain(store::parts());
    parts.map(|(name, text)| Part { name, text }).collect()
}

/// A table in Markdown.
fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let line = |cells: &[String]| {
        // A bar would end the cell, in code too.
        let cells = cells.iter().map(|cell| cell.replace('|', "\\|"));
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let mut text = line(&head.map(str::to_string));
    text.push_str(&format!("|{}\n", "---|".repeat(N)));
    for row in rows {
        text.push_str(&line(&row));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_part_has_a_name_of_its_own_and_says_something() {
        let parts = parts();
        let names: BTreeSet<&str> = parts.iter().map(|part| part.name).collect();
        assert_eq!(names.len(), parts.len());
        for part in &parts {
            assert!(part.text.lines().count() > 3, "{}", part.name);
            assert!(part.text.ends_with('\n'), "{}", part.name);
        }
    }

    #[test]
    fn a_bar_does_not_end_a_cell() {
        let rows = [["a | b".to_string(), "c".to_string()]];
        assert_eq!(
            table(["one", "two"], rows),
            "| one | two |\n|---|---|\n| a \\| b | c |\n"
        );
    }
}
