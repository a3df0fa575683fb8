//! `etude init`: a first pipeline that runs in seconds, and what its project needs. Nothing that is there is replaced.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, out};
use crate::pipeline::pipelines_in;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  etude init
  etude init my-paper

Exit codes:
  0   all is there; what was made or kept is printed
  1   an error
  64  wrong usage")]
pub struct Init {
    /// The folder of the project, made if it is not there; without this, the current folder
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

const STARTER: &str = include_str!("init/starter.toml");
const SETTINGS: &str = include_str!("init/etude.toml");

/// What git leaves out: all that can be made again, but not what is published.
const IGNORED: [&str; 2] = ["/outputs/*", "!/outputs/gallery/"];

/// Lines with which git leaves out all of `outputs/`.
const ALL_IGNORED: [&str; 4] = ["outputs", "outputs/", "/outputs", "/outputs/"];

/// What became of a file.
enum Done {
    Made(&'static str),
    Added(&'static str),
    Kept(&'static str),
}

impl Init {
    pub fn run(self) -> Result<u8, Failure> {
        let folder = &self.folder.unwrap_or_default();
        let files = [
            (folder.join("etude.toml"), settings as fn(&Path) -> _),
            (folder.join(".gitignore"), ignored),
        ];
        let mut out = out();
        let mut say = |path: &Path, done: Done| {
            let (word, what) = match done {
                Done::Made(what) => ("made ", what),
                Done::Added(what) => ("added", what),
                Done::Kept(what) => ("kept ", what),
            };
            // Whoever closed the stream does not want to hear more.
            let _ = writeln!(out, "{word}  {}: {what}", path.display());
        };
        for (path, write) in files {
            say(&path, write(&path).map_err(|error| failed(&path, &error))?);
        }
        let there = pipelines_in(folder);
        for path in &there {
            say(
                path,
                Done::Kept("with a pipeline here, no first one is made"),
            );
        }
        if there.is_empty() {
            let path = folder.join("pipelines/starter.toml");
            say(
                &path,
                starter(&path).map_err(|error| failed(&path, &error))?,
            );
        }
        let _ = writeln!(out, "\n{}", next(folder, &pipelines_in(folder)));
        Ok(0)
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::Message(format!(
        "cannot make {}: {error}; what was made before it stays, and `etude init` may be repeated",
        path.display()
    ))
}

fn settings(path: &Path) -> io::Result<Done> {
    Ok(if make(path, SETTINGS)? {
        Done::Made("the settings of this project, all with a comment")
    } else {
        Done::Kept("it was here")
    })
}

fn starter(path: &Path) -> io::Result<Done> {
    Ok(if make(path, STARTER)? {
        Done::Made("a first pipeline, with a comment on each part")
    } else {
        Done::Kept("it was here, but it is no pipeline")
    })
}

/// Sees to it that git leaves out what can be made again; of a file that is there, no line is changed.
fn ignored(path: &Path) -> io::Result<Done> {
    let text = match fs::read(path) {
        // What is not text in it is none of the lines that are looked for.
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let lines = format!(
                "# Results can be made again. What is published is kept in git.\n{}",
                lines(&IGNORED)
            );
            make(path, &lines)?;
            return Ok(Done::Made(
                "keeps results out of git, but not outputs/gallery/",
            ));
        }
        Err(error) => return Err(error),
    };
    let has = |line: &&str| text.lines().any(|there| there.trim_end() == *line);
    if ALL_IGNORED.iter().any(has) {
        return Ok(Done::Kept(
            "it keeps all of outputs/ out of git, also outputs/gallery/, where `etude publish` copies what is to be in git",
        ));
    }
    let missing: Vec<&str> = IGNORED.into_iter().filter(|line| !has(line)).collect();
    if missing.is_empty() {
        return Ok(Done::Kept("it keeps results out of git"));
    }
    let end = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let mut file = File::options().append(true).open(path)?;
    file.write_all(format!("{end}{}", lines(&missing)).as_bytes())?;
    Ok(Done::Added(
        "lines that keep results out of git, but not outputs/gallery/",
    ))
}

fn lines(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Makes a file and the folders above it. Whether it did: one that is there stays as it is.
fn make(path: &Path, text: &str) -> io::Result<bool> {
    if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
        fs::create_dir_all(folder)?;
    }
    let mut file = match File::create_new(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        file => file?,
    };
    if let Err(error) = file.write_all(text.as_bytes()) {
        // Half a file would be kept the next time.
        let _ = fs::remove_file(path);
        return Err(error);
    }
    Ok(true)
}

/// What to do now.
fn next(folder: &Path, pipelines: &[PathBuf]) -> String {
    let place = match folder.display().to_string() {
        here if here.is_empty() || here == "." => String::new(),
        there => format!(", in the folder {there}"),
    };
    match pipelines {
        [_] => format!("next{place}: `etude run`; `etude plan` shows what it would do"),
        [] => format!("next{place}: write a pipeline; `etude kinds` shows what its stages can be"),
        _ => format!("next{place}: `etude run FILE`, with one of the pipelines"),
    }
}
