//! What the journals of earlier runs tell of a job.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::pipeline::Progress;
use crate::run::Event;

/// So many journals are searched, the latest first.
const SEARCHED: usize = 20;
/// A journal of more bytes is not read.
const LARGEST: u64 = 64 << 20;

/// A line of a journal.
#[derive(Deserialize)]
struct Line {
    #[serde(flatten)]
    event: Event,
    at: f64,
}

/// How far a job was in the last run that started it, and when: in seconds since that run began. Empty where no journal in
/// this folder tells.
pub fn last_progress(runs: &Path, job: &str) -> Vec<(f64, Progress)> {
    let entries = fs::read_dir(runs).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    // The name of a journal begins with the time of its run.
    paths.sort_unstable_by(|one, other| other.cmp(one));
    let mut told = paths.iter().take(SEARCHED);
    told.find_map(|path| progress_in(path, job))
        .unwrap_or_default()
}

/// How far a job was in one run; `None` where it did not start there.
fn progress_in(path: &Path, job: &str) -> Option<Vec<(f64, Progress)>> {
    if fs::metadata(path).ok()?.len() > LARGEST {
        return None;
    }
    let text = fs::read_to_string(path).ok()?;
    let written = serde_json::to_string(job).ok()?;
    let mut told = None;
    for line in text.lines().filter(|line| line.contains(&written)) {
        let Ok(Line { event, at }) = serde_json::from_str(line) else {
            continue;
        };
        match event {
            Event::JobStarted { job: of, .. } if of == job => told = Some(Vec::new()),
            Event::JobProgress { job: of, progress } if of == job => {
                told.get_or_insert_default().push((at, progress));
            }
            _ => {}
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Journal, Reporter};
    use crate::store::Digest;

    fn started(job: &str) -> Event {
        Event::JobStarted {
            job: job.into(),
            key: Digest::of_bytes(b""),
            reason: "new".into(),
            started_from: None,
        }
    }

    fn progress(job: &str, done: u64) -> Event {
        Event::JobProgress {
            job: job.into(),
            progress: Progress {
                done,
                total: 10,
                unit: "steps".into(),
                metrics: vec![("loss".into(), 0.5)],
            },
        }
    }

    #[test]
    fn the_last_run_that_started_a_job_tells_how_far_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let runs = [
            ("1000-1", vec![started("a"), progress("a", 1)]),
            ("2000-1", vec![started("a"), progress("a", 2)]),
            ("3000-1", vec![started("b"), progress("b", 3)]),
        ];
        for (name, events) in runs {
            let mut journal = Journal::create(&folder.path().join(name)).unwrap();
            events.iter().for_each(|event| journal.hear(event));
        }
        fs::write(folder.path().join("4000-1"), "no journal, but \"a\"\n").unwrap();
        let done = |job: &str| -> Vec<u64> {
            let told = last_progress(folder.path(), job).into_iter();
            told.map(|(_, progress)| progress.done).collect()
        };
        assert_eq!(done("a"), [2]);
        assert_eq!(done("b"), [3]);
        assert!(done("c").is_empty());
        assert!(last_progress(&folder.path().join("none"), "a").is_empty());
    }
}
