//! What a command does when nobody reads what it prints.
#![cfg(unix)]

use std::process::{Command, Output, Stdio};

use crate::project::Project;

const PIPELINE: &str = "
[stage.made]
kind = 'command'
args = ['sh', '-c', 'echo done > \"$ETUDE_OUT/x.txt\"']
outputs.x = { path = 'x.txt', type = 'file' }
";

/// What is left of a command whose standard output or standard error is a pipe that nobody reads.
fn unread(project: &Project, arguments: &[&str], errors: bool) -> Output {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
    command.args(arguments).current_dir(project.folder.path());
    if errors {
        command.stdout(Stdio::piped()).stderr(writer);
    } else {
        command.stdout(writer).stderr(Stdio::piped());
    }
    command.output().unwrap()
}

#[test]
fn a_closed_pipe_ends_what_only_shows_something_quietly() {
    let project = Project::with(&[("p.toml", PIPELINE), ("bad.toml", "a = 1\nb = 2\n")]);
    for (arguments, errors) in [
        (&["kinds"][..], false),
        (&["plan", "p.toml"], false),
        (&["graph", "p.toml"], false),
        (&["columns", "p.toml"], false),
        (&["--help"], false),
        (&["run", "--help"], false),
        (&["--version"], false),
        (&["plan", "bad.toml"], true),
        (&["run", "bad.toml"], true),
        (&["log", "p.toml", "nothing"], true),
        (&["frobnicate"], true),
        (&["run", "\x1b[2J", "--frobnicate"], true),
    ] {
        let output = unread(&project, arguments, errors);
        let text = [output.stdout, output.stderr].concat();
        assert_eq!(output.status.code(), Some(141), "{arguments:?}");
        assert_eq!(String::from_utf8(text).unwrap(), "", "{arguments:?}");
    }
}

#[test]
fn a_closed_pipe_ends_no_run() {
    let project = Project::with(&[("p.toml", PIPELINE)]);
    for errors in [false, true] {
        let output = unread(&project, &["run", "p.toml"], errors);
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(output.status.code(), Some(0), "{text}");
        assert!(!text.contains("panicked"), "{text}");
        let (text, code) = project.etude(&["plan", "p.toml"]);
        assert_eq!(code, 0, "{text}");
    }
}
