//! Ends a job: holds what it read against what it began with, takes in what it left and writes its record.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::begin::Attempt;
use super::{Handled, Made, Outcome};
use crate::pipeline::{Cause, HOLES, show_seconds, show_size};
use crate::run::executor::Failure;
use crate::run::log::{left_out, note};
use crate::run::{Event, work_folders};
use crate::store::{Artifact, Digest, Error, Record, Stamp};

impl Handled<'_> {
    /// Publishes what an attempt left. Its checkpoint folder goes, or stays for the next.
    pub(super) fn finish(
        &self,
        attempt: Attempt,
        worked: Result<(), Failure>,
    ) -> Result<Outcome, Error> {
        let (store, key) = (self.run.store, self.ready.key);
        let is_done = worked.is_ok();
        let outcome = self.publish(&attempt, worked)?;
        // What was taken in or refused is not to be had a second time.
        if is_done {
            self.run.executor.settled(&key);
        }
        match outcome {
            // What is still at work in it is left alone.
            _ if !self.saves() || self.run.executor.has(&key) => return Ok(outcome),
            Outcome::Ran(_) => store.discard_checkpoint(&key),
            _ => store.tidy_checkpoint(&key),
        }
        // What is tidied away holds nothing. Some jobs, such as programs, save without a word.
        let is_kept = store.checkpoint(&key).exists();
        if is_kept && matches!(outcome, Outcome::Cancelled) {
            self.say(Event::JobSaved {
                job: self.name.clone(),
                state: None,
            });
        }
        Ok(outcome)
    }

    /// An end without an artifact, which the log tells.
    pub(super) fn failed(&self, message: String) -> Outcome {
        note(&self.log(), &format!("failed: {message}"));
        Outcome::Failed(Cause::Error, message)
    }

    fn publish(&self, attempt: &Attempt, worked: Result<(), Failure>) -> Result<Outcome, Error> {
        let (store, key) = (self.run.store, self.ready.key);
        let (log, task) = (self.log(), &*attempt.task);
        if let Some(bytes) = left_out(&log) {
            let bytes = show_size(bytes);
            self.warns(&format!(
                "it printed more than its log takes; {bytes} in the middle are left out"
            ));
        }
        match worked {
            Ok(()) => {}
            Err(Failure::Cancelled) => {
                note(&log, "cancelled");
                return Ok(Outcome::Cancelled);
            }
            Err(Failure::Failed(cause, message)) => {
                let message = work_folders::without(task, &message);
                note(&log, &format!("failed: {message}"));
                return Ok(Outcome::Failed(cause, message));
            }
        }
        if let Some(file) = self
            .changed_inside(attempt)
            .or_else(|| self.changed_outside())
        {
            // What it left for its next attempt came from the same mixture.
            store.discard_checkpoint(&key);
            let file = file.display();
            return Ok(self.failed(format!("{file} was changed while the job read it")));
        }
        if !self.holes.is_empty() {
            let text = serde_json::to_vec_pretty(&self.holes).expect("lines are plain data");
            let path = task.out.join(HOLES);
            fs::write(&path, text).map_err(Error::io("write", &path))?;
        }
        let artifact = match store.ingest(&attempt.spool) {
            Err(error @ (Error::Empty | Error::NotAFile(_))) => {
                return Ok(self.failed(work_folders::without(task, &error.to_string())));
            }
            taken => taken?,
        };
        let waited = (attempt.started, attempt.begun.elapsed().as_secs_f64());
        let (started, seconds) = attempt.took.unwrap_or(waited);
        let record = Record {
            key,
            fingerprint: self.ready.fingerprint.0.clone(),
            artifact,
            job: self.name.clone(),
            started,
            seconds,
            device: self.device().into(),
            machine: attempt.machine.clone().unwrap_or_default(),
            started_from: attempt.earlier.clone(),
            released: false,
        };
        self.record(record, &log)
    }

    /// Writes the record, unless an earlier artifact of the key stands.
    fn record(&self, record: Record, log: &Path) -> Result<Outcome, Error> {
        let (store, key) = (self.run.store, self.ready.key);
        let is_adopted = store.records().adopted(&key).is_some();
        let differs = self.ready.before.as_deref();
        let differs = differs.filter(|before| before.artifact != record.artifact);
        if let Some(before) = differs {
            // Of two that are whole the one that has been read and shown stands.
            let other = if self.is_again() && !is_adopted {
                &record
            } else {
                before
            };
            let kept = store.keep_apart(other)?;
            self.tell_difference(before, &record.artifact, kept, log);
        }
        // What a run made takes the place of what somebody brought.
        if self.is_again()
            && let Some(before) = &self.ready.before
            && !is_adopted
        {
            let made = Made::from(*before.clone());
            return Ok(match differs {
                None => Outcome::Ran(made),
                Some(_) => Outcome::Differs(made),
            });
        }
        store.commit(&record)?;
        self.join_family();
        note(log, &format!("done in {}", show_seconds(record.seconds)));
        Ok(Outcome::Ran(Made::from(record)))
    }

    /// The same inputs and parameters gave other bytes: says in which file, and by how much where that can be told.
    fn tell_difference(&self, before: &Record, now: &Artifact, kept: bool, log: &Path) {
        let names: BTreeSet<&String> = before
            .artifact
            .files
            .keys()
            .chain(now.files.keys())
            .collect();
        let kind = self.run.plan.kind(self.id);
        let mut lines = Vec::new();
        for name in names {
            match (before.artifact.files.get(name), now.files.get(name)) {
                (Some(old), Some(new)) if old == new => {}
                (Some(old), Some(new)) => {
                    let (old, new) = (
                        self.run.store.objects().path(&old.digest),
                        self.run.store.objects().path(&new.digest),
                    );
                    let how = if old.exists() {
                        (self.run.compare)(kind, name, &old, &new)
                    } else {
                        None
                    };
                    let how = how.map_or(String::new(), |how| format!(" ({how})"));
                    lines.push(format!("`{name}` differs{how}"));
                }
                (Some(_), None) => lines.push(format!("`{name}` is not there any more")),
                (None, _) => lines.push(format!("`{name}` was not there before")),
            }
        }
        let message = format!(
            "{} gave other bytes than before with the same inputs and parameters: {}{}",
            self.name,
            lines.join(", "),
            if kept { "; both are kept" } else { "" }
        );
        note(log, &message);
        self.say(Event::Warning { message });
    }

    /// Lets longer jobs find this one; that they cannot is no reason to fail.
    fn join_family(&self) {
        let instance = self.run.plan.instance(self.id);
        if let Some(extension) = instance.parameters.extends() {
            let family = self.ready.fingerprint.family(&extension);
            let _ = self
                .run
                .store
                .join_family(&family, extension.length, &self.ready.key);
        }
    }

    /// A file of an artifact that was another when the job ended than when it began.
    fn changed_inside(&self, attempt: &Attempt) -> Option<PathBuf> {
        let mut read = attempt.read.iter();
        let changed =
            read.find(|(path, was)| Stamp::of(path) != *was && !self.was_put_again(path, *was));
        changed.map(|(path, _)| path.clone())
    }

    /// Whether an object was replaced by another file with its bytes, as an engine does that makes the same at this moment.
    fn was_put_again(&self, path: &Path, was: Option<Stamp>) -> bool {
        let (Some(was), Some(now)) = (was, Stamp::of(path)) else {
            return false;
        };
        let holds = Digest::of_file(path).map(|(digest, _)| self.run.store.objects().path(&digest));
        now.is_of_another_file(&was) && holds.is_ok_and(|object| object == path)
    }
}
