//! Runs a page in a folder of its own.
#![cfg(unix)]

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use clap::error::ErrorKind;

use super::page::{Block, Page, Use};
use super::root;
use super::words::command_lines;

/// Does with each block what the page says; the error tells which block is wrong, and why.
pub fn run(page: &Page) -> Result<(), String> {
    let project = Project::new(page.has_pipelines);
    let mut printed = None;
    for block in &page.blocks {
        let done = project.does(block, &mut printed);
        done.map_err(|why| format!("line {}: {why}", block.line))?;
    }
    Ok(())
}

/// The folder of a page, and beside it what is no part of the page.
struct Project {
    folder: tempfile::TempDir,
    beside: tempfile::TempDir,
}

impl Project {
    fn new(has_pipelines: bool) -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
            beside: tempfile::tempdir().unwrap(),
        };
        if has_pipelines {
            copy(
                &root().join("pipelines"),
                &project.folder.path().join("pipelines"),
            );
        }
        project
    }

    /// Does what is done with a block; what the last one that was run printed is kept.
    fn does(&self, block: &Block, printed: &mut Option<String>) -> Result<(), String> {
        let before = printed.take();
        match &block.usage {
            Use::Shown if block.language == "toml" => parse(&block.text).map(drop),
            Use::Shown => Ok(()),
            Use::File(name) => self.write(name, &block.text, false),
            Use::Add(name) => self.write(name, &block.text, true),
            Use::NotRun => parse_command_lines(&block.text),
            Use::Run(code) => {
                *printed = Some(self.shell(&block.text, *code)?);
                Ok(())
            }
            Use::Output => {
                let real = before.ok_or("no block that was run stands before this output")?;
                compare(&block.text, &real)
            }
        }
    }

    fn write(&self, name: &str, text: &str, adds: bool) -> Result<(), String> {
        let path = self.folder.path().join(name);
        if adds && !path.is_file() {
            return Err(format!("there is no {name} to add to"));
        }
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut options = fs::File::options();
        options.create(true).write(true);
        if adds {
            options.append(true);
        } else {
            options.truncate(true);
        }
        let mut file = options.open(&path).unwrap();
        if adds {
            file.write_all(b"\n").unwrap();
        }
        file.write_all(text.as_bytes()).unwrap();
        drop(file);
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            let written = parse(&fs::read_to_string(&path).unwrap())?;
            if written.contains_key("stage") {
                return self.plan(name);
            }
        }
        Ok(())
    }

    /// Whether nothing is wrong with a pipeline.
    fn plan(&self, name: &str) -> Result<(), String> {
        let output = self.command("etude").args(["plan", name]).output().unwrap();
        match output.status.code() {
            // Nothing to do, or something.
            Some(0 | 2) => Ok(()),
            _ => Err(format!("{name} is wrong:\n{}", said(&output))),
        }
    }

    /// Runs a script; what it prints.
    fn shell(&self, script: &str, code: i32) -> Result<String, String> {
        // A failure that is announced must be that of the last command, not of one before it.
        let reached = self.beside.path().join("reached");
        let _ = fs::remove_file(&reached);
        let (before, last) = script.split_at(last_command(script));
        let mark = match code {
            0 => String::new(),
            _ => format!(": > '{}'\n", reached.display()),
        };
        let script = format!("exec 2>&1\n{before}{mark}{last}");
        let output = self
            .command("sh")
            .args(["-e", "-c", &script])
            .output()
            .unwrap();
        if output.status.code() != Some(code) {
            let ended = output.status;
            return Err(format!(
                "it ended with {ended}, not {code}:\n{}",
                said(&output)
            ));
        }
        if code != 0 && !reached.exists() {
            return Err(format!(
                "a command before the last failed:\n{}",
                said(&output)
            ));
        }
        Ok(said(&output))
    }

    /// A program in the page's folder, with an environment that is the same for everyone.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command.env_clear().env("PATH", path());
        command
            .env("HOME", self.beside.path())
            .env("LC_ALL", "C.UTF-8");
        command
    }
}

/// Where programs are, the built `etude` before all others.
fn path() -> OsString {
    let built = Path::new(env!("CARGO_BIN_EXE_etude")).parent().unwrap();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&others);
    std::env::join_paths(std::iter::once(built.to_path_buf()).chain(folders)).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn parse(text: &str) -> Result<toml::Table, String> {
    text.parse()
        .map_err(|error: toml::de::Error| error.to_string())
}

/// Whether etude knows the command lines of a block that is not run.
fn parse_command_lines(text: &str) -> Result<(), String> {
    for words in command_lines(text)? {
        let parsed = etude::cli::command_line().try_get_matches_from(&words);
        if let Err(error) = parsed
            && !matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            )
        {
            return Err(format!("`{}`: {error}", words.join(" ")));
        }
    }
    Ok(())
}

/// Where the last command of a script begins.
fn last_command(script: &str) -> usize {
    let mut begins = 0;
    let (mut at, mut goes_on) = (0, false);
    for line in script.split_inclusive('\n') {
        let text = line.trim();
        if !text.is_empty() && !text.starts_with('#') && !goes_on {
            begins = at;
        }
        goes_on = text.ends_with('\\');
        at += line.len();
    }
    begins
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// Whether an output is what the page says.
fn compare(wanted: &str, real: &str) -> Result<(), String> {
    let lines = |text: &str| -> Vec<String> {
        let lines = text.trim_end().lines();
        lines.map(|line| line.trim_end().to_string()).collect()
    };
    let is_same = matches(&lines(wanted), &lines(real));
    is_same.then_some(()).ok_or_else(|| {
        format!("it prints something else:\n--- the page\n{wanted}--- the program\n{real}")
    })
}

/// Whether lines are as wanted, where a line of only `…` stands for any lines.
fn matches(wanted: &[String], real: &[String]) -> bool {
    match wanted {
        [] => real.is_empty(),
        [first, rest @ ..] if first == "…" => (0..=real.len()).any(|n| matches(rest, &real[n..])),
        [first, rest @ ..] => match real {
            [line, others @ ..] => line_matches(first, line) && matches(rest, others),
            [] => false,
        },
    }
}

/// Whether a line is as wanted, where `…` stands for any text.
fn line_matches(wanted: &str, real: &str) -> bool {
    let Some((before, after)) = wanted.split_once('…') else {
        return wanted == real;
    };
    real.strip_prefix(before).is_some_and(|rest| {
        let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
        ends.into_iter().any(|at| line_matches(after, &rest[at..]))
    })
}

#[test]
fn an_output_is_held_line_by_line() {
    let same = |wanted: &str, real: &str| compare(wanted, real).is_ok();
    assert!(same("a\nb\n", "a\nb\n"));
    assert!(!same("a\n", "a\nb\n"));
    assert!(!same("a\nb\n", "a\n"));
    assert!(same("…\nb\n", "a\nc\nb\n"));
    assert!(same("…\nb\n", "b\n"));
    assert!(same("a\n…\n", "a\n"));
    assert!(!same("a\n…\n", "b\n"));
    assert!(same("19 ran in … s, … all\n", "19 ran in 1.5 s, in all\n"));
    assert!(!same("19 ran in … min\n", "19 ran in 1.5 s\n"));
}

#[test]
fn the_last_command_of_a_script_is_found() {
    let last = |script: &str| script[last_command(script)..].to_string();
    assert_eq!(last("true\nfalse\n"), "false\n");
    assert_eq!(
        last("true\nfalse \\\n  a\n# why\n\n"),
        "false \\\n  a\n# why\n\n"
    );
    assert_eq!(last("false\n"), "false\n");
}

#[test]
fn what_a_page_says_of_its_blocks_is_held() {
    let wrong = |text: &str| run(&Page::parse(text).unwrap()).err().unwrap_or_default();
    let pipeline = "```toml file=p.toml\n[stage.a]\nkind = 'path-star'\ndegree = 2\npath_length = 3\n\
                    nodes = 8\ntrain = 10\ntest = 10\n```\n";
    assert_eq!(wrong(pipeline), "");
    assert!(wrong(&pipeline.replace("degree", "degre")).contains("p.toml is wrong"));
    let adds =
        format!("{pipeline}```toml add=p.toml\n[stage.b]\nkind = 'export'\ndata = 'a'\n```\n");
    assert_eq!(wrong(&adds), "");
    assert!(wrong(&adds.replace("data = 'a'", "data = 'c'")).contains("line 10: p.toml is wrong"));
    assert!(wrong("```toml add=p.toml\n```\n").contains("no p.toml to add to"));
    assert!(wrong("```toml\n[a\n```\n").starts_with("line 1"));
    let shell = "```text file=a.txt\nb\n```\n```sh\ncat a.txt\necho c >&2\n```\n```text output\nb\nc\n```\n";
    assert_eq!(wrong(shell), "");
    assert!(wrong(&shell.replace("output\nb", "output\nd")).contains("line 8: it prints"));
    assert!(wrong("```text output\nb\n```\n").contains("no block that was run"));
    assert!(wrong("```sh\nfalse\ntrue\n```\n").contains("not 0"));
    assert_eq!(wrong("```sh fails=1\ntrue\nfalse\n```\n"), "");
    assert!(wrong("```sh fails=1\nfalse\ntrue\n```\n").contains("before the last"));
    assert!(wrong("```sh fails=2\nfalse\n```\n").contains("not 2"));
    assert_eq!(
        wrong("```sh\netude --version\n```\n```text output\netude …\n```\n"),
        ""
    );
    assert_eq!(
        wrong("```sh run=no\netude run a.toml --strict\ngit push\n```\n"),
        ""
    );
    assert!(wrong("```sh run=no\netude run a.toml --no-such\n```\n").contains("--no-such"));
    assert!(wrong("```sh\nls pipelines\n```\n").contains("not 0"));
    assert_eq!(
        wrong("<!-- run-in: pipelines -->\n```sh\nls pipelines/smoke.toml\n```\n"),
        ""
    );
}
