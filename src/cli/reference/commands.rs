//! All commands, from what their `--help` prints.

use clap::{Arg, Command};

use super::table;
use crate::cli::command_line;

/// A section for each command.
pub fn text() -> String {
    let mut root = command_line();
    // Only then does a command know how it is called in full.
    root.build();
    let commands = root.get_subcommands_mut();
    let shown = commands.filter(|command| !command.is_hide_set() && command.get_name() != "help");
    shown.map(section).collect::<Vec<_>>().join("\n")
}

fn section(command: &mut Command) -> String {
    let usage = command.render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage);
    let about = command.get_about().map(ToString::to_string);
    let mut text = format!(
        "## etude {}\n\n{}.\n\n```text\n{usage}\n```\n",
        command.get_name(),
        about.unwrap_or_default()
    );
    let is_own =
        |arg: &&Arg| !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str());
    let rows: Vec<_> = command.get_arguments().filter(is_own).map(row).collect();
    if !rows.is_empty() {
        text.push('\n');
        text.push_str(&table(["argument", "meaning"], rows));
    }
    let after = command.get_after_help().map(ToString::to_string);
    for block in after.unwrap_or_default().split("\n\n") {
        let (head, lines) = block.split_once('\n').unwrap_or((block, ""));
        let lines: Vec<&str> = lines.lines().map(str::trim).collect();
        text.push_str(&match head {
            "Examples:" => format!("\n```sh run=no\n{}\n```\n", lines.join("\n")),
            "Exit codes:" => {
                let codes = lines.iter().filter_map(|line| line.split_once(' '));
                let rows = codes.map(|(code, why)| [code.to_string(), why.trim().to_string()]);
                format!("\n{}", table(["exit code", "meaning"], rows))
            }
            _ => format!("\n{}\n", block.trim()),
        });
    }
    text
}

fn row(arg: &Arg) -> [String; 2] {
    let help = arg.get_help().map(ToString::to_string);
    let mut help = help.unwrap_or_default();
    let takes_values = arg.get_action().takes_values();
    let values = arg.get_possible_values();
    if takes_values && !values.is_empty() {
        let values = values.iter().map(|value| match value.get_help() {
            Some(help) => format!("`{}` ({help})", value.get_name()),
            None => format!("`{}`", value.get_name()),
        });
        help = format!("{help}: {}", values.collect::<Vec<_>>().join(", "));
    }
    if let Some(default) = arg.get_default_values().last().filter(|_| takes_values) {
        let default = default.to_string_lossy();
        help = format!("{help}; `{default}` by default");
    }
    [format!("`{arg}`"), help]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All commands that a user sees, the program itself among them.
    fn commands() -> Vec<Command> {
        let root = command_line();
        let shown = root.get_subcommands().filter(|c| !c.is_hide_set());
        let mut commands: Vec<Command> = shown.cloned().collect();
        commands.push(root);
        commands
    }

    #[test]
    fn each_command_has_examples_and_exit_codes_that_fit_60_columns() {
        for command in commands() {
            let name = command.get_name();
            let after = command.get_after_help().map(ToString::to_string);
            let after = after.unwrap_or_default();
            assert!(after.contains("Examples:\n  etude "), "{name}: {after}");
            assert!(after.contains("Exit codes:\n  0 "), "{name}: {after}");
            let wide = after.lines().find(|line| line.chars().count() > 60);
            assert_eq!(wide, None, "{name}");
        }
    }

    #[test]
    fn no_word_is_broken_in_the_help_of_a_command_at_any_width() {
        for width in [60, 80, 160] {
            for command in commands() {
                let name = command.get_name().to_string();
                let text = command.term_width(width).render_long_help().to_string();
                let broken = text.lines().find(|line| {
                    let before = line.trim_end().strip_suffix('-');
                    before.is_some_and(|before| before.ends_with(char::is_alphanumeric))
                });
                assert_eq!(broken, None, "{name} at {width} columns");
                let wide = text
                    .lines()
                    .find(|line| line.chars().count() > width && !line.starts_with("Usage"));
                assert_eq!(wide, None, "{name} at {width} columns");
            }
        }
    }

    #[test]
    fn a_section_has_the_usage_the_options_the_examples_and_the_exit_codes() {
        let text = text();
        let begin = text.find("## etude gc\n").unwrap();
        let section = &text[begin..];
        assert!(
            section.contains("```text\netude gc [OPTIONS]\n```\n"),
            "{section}"
        );
        assert!(
            section.contains("| `--budget <SIZE>` | The most space"),
            "{section}"
        );
        assert!(
            section.contains("```sh run=no\netude gc\netude gc --yes\n"),
            "{section}"
        );
        assert!(section.contains("| 64 | wrong usage |\n"), "{section}");
        assert!(
            text.contains("`svg` (An SVG picture); `text` by default |\n"),
            "{text}"
        );
    }
}
