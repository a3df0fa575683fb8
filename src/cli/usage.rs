//! What is wrong with a command line, and what to write instead.

use std::io::{self, Write};

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Error};

use super::{Cli, stream};
use crate::pipeline::nearest;
use crate::report::{is_plain, visible};

/// The exit code of wrong usage.
const WRONG: u8 = 64;

/// Tells help, the version or what is wrong, and gives the exit code.
pub fn tell(mut error: Error) -> u8 {
    stream::end_when_closed();
    let code = if error.use_stderr() { WRONG } else { 0 };
    let arguments: Vec<String> = std::env::args_os()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    advise(&mut error, &arguments);
    // It repeats arguments as they are. What cannot be printed has nobody to read it.
    let _ = if arguments.iter().all(|argument| is_plain(argument)) {
        error.print()
    } else {
        let text = error.render().to_string();
        write!(io::stderr(), "{}", visible(&text))
    };
    code
}

/// Puts advice that fits in the place of clap's, which also calls words alike that only share letters.
fn advise(error: &mut Error, arguments: &[String]) {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    let mut usage = None;
    let tip = match error.kind() {
        ErrorKind::InvalidSubcommand => command(&text(ContextKind::InvalidSubcommand)),
        ErrorKind::UnknownArgument => {
            let mut root = Cli::command();
            root.build();
            let mut names = arguments.iter().skip(1).map(String::as_str);
            let used = names.find(|name| root.find_subcommand(name).is_some());
            let used = used.unwrap_or("");
            let tip = option(used, &text(ContextKind::InvalidArg));
            // Clap's has the option in it that it takes for similar.
            if let Some(command) = root.find_subcommand_mut(used) {
                usage = Some(command.render_usage());
            }
            tip
        }
        ErrorKind::InvalidValue => {
            let valid = match error.get(ContextKind::ValidValue) {
                Some(ContextValue::Strings(valid)) => valid.clone(),
                _ => Vec::new(),
            };
            value(&text(ContextKind::InvalidValue), &valid)
        }
        _ => return,
    };
    for kind in [
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedArg,
        ContextKind::SuggestedValue,
        ContextKind::Suggested,
    ] {
        error.remove(kind);
    }
    if let Some(usage) = usage {
        error.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
    }
    if let Some(tip) = tip {
        let tips = ContextValue::StyledStrs(vec![StyledStr::from(tip)]);
        error.insert(ContextKind::Suggested, tips);
    }
}

/// What other tools call a command, and what it is called here.
const COMMANDS: &[(&[&str], &str)] = &[
    (
        &[
            "ls", "list", "status", "st", "stat", "show", "diff", "dry-run", "dryrun", "validate",
            "lint",
        ],
        "plan",
    ),
    (&["dag", "viz", "visualize", "draw"], "graph"),
    (
        &[
            "repro",
            "reproduce",
            "exec",
            "execute",
            "start",
            "make",
            "build",
            "train",
        ],
        "run",
    ),
    (
        &["clean", "cleanup", "prune", "purge", "garbage-collect"],
        "gc",
    ),
    (&["logs", "trace", "metrics"], "log"),
    (&["fsck", "doctor"], "verify"),
    (&["stages", "params"], "kinds"),
    (&["export", "release"], "publish"),
];

/// Advice for a command that there is not.
fn command(word: &str) -> Option<String> {
    let meant = COMMANDS
        .iter()
        .find(|(words, _)| words.contains(&word))
        .map(|(_, meant)| *meant);
    let root = Cli::command();
    let known = root.get_subcommands().filter(|known| !known.is_hide_set());
    let names: Vec<&str> = known.map(clap::Command::get_name).collect();
    // What other tools have may have come to this one.
    let meant = meant.or_else(|| nearest(word, names.iter().copied()))?;
    let about = root.find_subcommand(meant)?.get_about()?.to_string();
    Some(format!("did you mean 'etude {meant}'? {about}"))
}

/// What other tools call a run that does nothing.
const DRY: &[&str] = &["--dry-run", "--dryrun", "--dry", "-n", "--just-print"];

/// What other tools call an option, and what to write here. It is offered where the command has the options that it names,
/// or where it names a whole command.
const OPTIONS: &[(&[&str], &str)] = &[
    (
        &["--force", "-f", "-y", "--delete", "--remove"],
        "'--yes' removes what is listed",
    ),
    (
        &[
            "--force",
            "-f",
            "--forceall",
            "-F",
            "--rerun",
            "--always",
            "--no-cache",
            "--fresh",
        ],
        "to run a job although it is cached, write '--again JOB'",
    ),
    (
        DRY,
        "'etude plan FILE' shows what would run, and runs nothing",
    ),
    (
        &["--jobs", "-j", "--threads", "--workers", "--num-workers"],
        "'--cores N' says how many CPU cores are used at most",
    ),
    (
        &["--param", "--params", "-p", "-P", "-D", "-S", "--set-param"],
        "a parameter is set with '--set STAGE.PARAM=VALUE'",
    ),
    (
        &["--filter", "--only", "--select", "--match", "--axis"],
        "labels of an axis are chosen with '--where AXIS=LABEL'; jobs are named after the file",
    ),
    (
        &["--gpu", "--cuda", "--gpus"],
        "to compute on a card, write '--device cuda'",
    ),
    (&["--cpu"], "to compute on the CPU, write '--device cpu'"),
    (
        &["-k", "--continue", "--keep"],
        "'--keep-going' goes on with what does not need a failed job; it is the default",
    ),
    (
        &["--directory", "--workdir", "--cwd", "-C", "--project"],
        "'--root FOLDER' is the project's root",
    ),
    (
        &["--file", "--config", "-c", "--pipeline", "--snakefile"],
        "the pipeline is an argument without an option, e.g. 'etude plan FILE'",
    ),
];

/// Advice for an option that a command has not.
fn option(used: &str, word: &str) -> Option<String> {
    let root = Cli::command();
    let command = root.find_subcommand(used).unwrap_or(&root);
    let known = command.get_arguments().filter(|known| !known.is_hide_set());
    let known: Vec<String> = known
        .filter_map(|known| Some(format!("--{}", known.get_long()?)))
        .collect();
    let applies = |tip: &str| {
        let named = named(tip);
        named.iter().all(|word| known.iter().any(|k| k == word))
    };
    if used == "gc" && DRY.contains(&word) {
        return Some("without '--yes', it only says what it would remove".to_string());
    }
    let meant = OPTIONS
        .iter()
        .find(|(words, tip)| words.contains(&word) && applies(tip));
    if let Some((_, tip)) = meant {
        return Some(tip.to_string());
    }
    let near = word.starts_with("--").then(|| {
        let names = known.iter().map(|name| &name[2..]);
        nearest(&word[2..], names)
    });
    near.flatten()
        .map(|near| format!("did you mean '--{near}'?"))
}

/// The options that a tip names.
fn named(tip: &str) -> Vec<&str> {
    let words = tip.split([' ', '\'']);
    words.filter(|word| word.starts_with("--")).collect()
}

/// Advice for a value that is none of those that an option takes.
fn value(word: &str, valid: &[String]) -> Option<String> {
    let meant = match word.to_lowercase().as_str() {
        "gpu" => "cuda",
        word => nearest(word, valid.iter().map(String::as_str))?,
    };
    let meant = valid.iter().find(|valid| *valid == meant)?;
    Some(format!("did you mean '{meant}'?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_of_advice_names_what_there_is() {
        let root = Cli::command();
        for (_, meant) in COMMANDS {
            assert!(root.find_subcommand(meant).is_some(), "{meant}");
        }
        let all: Vec<String> = root
            .get_subcommands()
            .flat_map(clap::Command::get_arguments)
            .filter_map(|known| Some(format!("--{}", known.get_long()?)))
            .collect();
        for (_, tip) in OPTIONS {
            for name in named(tip) {
                assert!(all.iter().any(|known| known == name), "{name}");
            }
        }
    }

    #[test]
    fn words_of_other_tools_and_slips_of_the_fingers_lead_to_what_is_meant() {
        let tip = |text: Option<String>| text.unwrap_or_default();
        for (word, meant) in [
            ("status", "plan"),
            ("dag", "graph"),
            ("repro", "run"),
            ("clean", "gc"),
            ("grpah", "graph"),
            ("publsh", "publish"),
        ] {
            let tip = tip(command(word));
            assert!(tip.contains(&format!("'etude {meant}'")), "{word}: {tip}");
        }
        for (used, word, meant) in [
            ("run", "--force", "--again"),
            ("run", "--dry-run", "etude plan"),
            ("run", "-n", "etude plan"),
            ("gc", "-n", "only says"),
            ("gc", "--force", "--yes"),
            ("run", "-j", "--cores"),
            ("plan", "--param", "--set"),
            ("run", "--were", "--where"),
            ("plan", "--profle", "--profile"),
        ] {
            let tip = tip(option(used, word));
            assert!(tip.contains(meant), "{used} {word}: {tip}");
        }
        let devices = ["auto", "cpu", "cuda"].map(String::from);
        assert_eq!(tip(value("gpu", &devices)), "did you mean 'cuda'?");
        assert_eq!(tip(value("cdua", &devices)), "did you mean 'cuda'?");
    }

    #[test]
    fn what_is_near_to_nothing_gets_no_advice() {
        for word in ["xyz", "frobnicate", "snakemake"] {
            assert_eq!(command(word), None);
        }
        // It is no command of every version, and never `pin`.
        assert!(!command("init").unwrap_or_default().contains("'etude pin'"));
        assert_eq!(option("plan", "--force"), None);
        assert_eq!(option("run", "--frobnicate"), None);
        assert_eq!(option("kinds", "--jobs"), None);
    }

    #[test]
    fn advice_of_clap_that_only_shares_letters_is_not_told() {
        use clap::Parser;
        let told = |arguments: &[&str]| {
            let mut error = Cli::try_parse_from(arguments).unwrap_err();
            let arguments: Vec<String> = arguments.iter().map(|a| a.to_string()).collect();
            advise(&mut error, &arguments);
            error.render().to_string()
        };
        let text = told(&["etude", "run", "x.toml", "--force"]);
        assert!(
            text.contains("tip: to run a job although it is cached"),
            "{text}"
        );
        assert!(!text.contains("similar"), "{text}");
        assert!(!text.contains("--cores"), "{text}");
        assert!(text.contains("Usage: etude run"), "{text}");
        let text = told(&["etude", "frobnicate"]);
        assert!(!text.contains("tip"), "{text}");
        let text = told(&["etude", "plan", "x.toml", "--device", "gpu"]);
        assert!(text.contains("did you mean 'cuda'?"), "{text}");
    }
}
