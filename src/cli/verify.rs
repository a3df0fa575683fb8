//! `etude verify`.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use clap::Args;

use super::project::Project;
use super::{Failure, out};
use crate::pipeline::show_size;
use crate::store::{Audit, Store, What};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  etude verify
  etude verify --repair

Exit codes:
  0   nothing is damaged, or all was repaired
  1   something is damaged, or an error
  64  wrong usage")]
pub struct Verify {
    /// Move damaged files to quarantine, so that their jobs run again, and remove leftover files
    #[arg(long)]
    repair: bool,
    /// The root of the project, which holds `outputs/`
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
}

impl Verify {
    pub fn run(self) -> Result<u8, Failure> {
        let project = Project::here(self.root.as_deref());
        project.check()?;
        let store = there(&project)?;
        let audit = store.care().audit(&progress())?;
        let mut out = out();
        let mut say = |line: String| {
            // Whoever closed the stream does not want to hear more.
            let _ = writeln!(out, "{line}");
        };
        lines(&audit, store.root()).into_iter().for_each(&mut say);
        let wrong = audit.findings.iter().filter(|f| f.is_wrong()).count();
        let read = format!(
            "{} ({}) and {} were read",
            count(audit.objects, "object"),
            show_size(audit.bytes),
            count(audit.records, "record")
        );
        let idle = audit.findings.len() == wrong;
        match (wrong, self.repair) {
            (0, false) => say(format!("{read}: all are as they should be")),
            (n, false) => {
                say(format!("{read}: {} found", count(n, "fault")));
                say("`etude verify --repair` sets them aside; a run makes them again".into());
            }
            (0, true) if idle => say(format!("{read}: there is nothing to repair")),
            (_, true) => {
                let repaired = store.care().repair(&audit)?;
                for path in &repaired.aside {
                    say(format!("set aside   {}", path.display()));
                }
                for path in &repaired.left {
                    let name = inside(path, store.root());
                    say(format!(
                        "left        {name}: somebody works on it, or has mended it"
                    ));
                }
                let (aside, removed) = (repaired.aside.len(), repaired.removed);
                say(format!(
                    "{read}: {aside} set aside, {} removed",
                    count(removed, "leftover")
                ));
                if aside > 0 {
                    say("a run of their pipelines makes them again".into());
                }
                return Ok(u8::from(!repaired.left.is_empty()));
            }
        }
        Ok(u8::from(wrong > 0))
    }
}

/// The store of a project, which has to be there.
pub fn there(project: &Project) -> Result<Store, Failure> {
    let store = project.store();
    if store.root().is_dir() {
        Ok(store)
    } else {
        Err(Failure::Message(format!(
            "there is no store at {}; a run makes it, `store` in etude.toml says where, and --root where the project is",
            store.root().display()
        )))
    }
}

/// So many of something.
pub fn count(n: usize, noun: &str) -> String {
    match n {
        1 => format!("1 {noun}"),
        n => format!("{n} {noun}s"),
    }
}

/// A path as it stands in the store.
pub fn inside(path: &Path, root: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}

fn lines(audit: &Audit, root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut unused, mut bytes) = (0, 0);
    for finding in &audit.findings {
        let path = inside(&finding.path, root);
        lines.push(match &finding.what {
            What::Object(why) | What::Record(why) | What::Ledger(why) => {
                format!("damaged     {path}: {why}")
            }
            What::Incomplete { job, file } => {
                format!("incomplete  {path}: `{file}` of {job} is missing or damaged")
            }
            What::Leftover(what) => format!("left over   {path}: {what}"),
            What::Unreferenced(size) => {
                (unused, bytes) = (unused + 1, bytes + size);
                continue;
            }
        });
    }
    if unused > 0 {
        lines.push(format!(
            "unused      {} ({}) that no record refers to; `etude gc` finds what may go",
            count(unused, "object"),
            show_size(bytes)
        ));
    }
    lines
}

/// Says how far it is where somebody watches, once it has taken a while.
fn progress() -> impl Fn(u64, u64) + Sync {
    let watched = io::stderr().is_terminal();
    let last = Mutex::new(Instant::now());
    move |done, total| {
        let mut last = last.lock().unwrap_or_else(|p| p.into_inner());
        if watched && last.elapsed() > Duration::from_secs(1) {
            *last = Instant::now();
            let share = done as f64 / total.max(1) as f64 * 100.0;
            let _ = write!(
                io::stderr(),
                "\r{share:.0} % of {} read\x1b[K\r",
                show_size(total)
            );
        }
    }
}
