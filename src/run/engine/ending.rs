//! What follows when a job ends.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Engine, State};
use crate::pipeline::{ArtifactType, Cause, Judged, Keep, Resources, Verdict, WARNINGS};
use crate::plan::JobId;
use crate::run::display::Shown;
use crate::run::event::{Ended, Event, Retried, Status};
use crate::run::job::{Job, Made, Outcome};
use crate::store::Error;

/// Why a job ended without an artifact: what kind of end it was, and what there is to say.
type Why = (Option<Cause>, String);

impl Engine<'_, '_> {
    pub(super) fn ended(&mut self, job: Job, outcome: Outcome) -> Result<(), Error> {
        let id = job.id;
        let seconds = job.took.unwrap_or(job.start.elapsed().as_secs_f64());
        let resources = self.queue.end(id);
        self.states[id] = State::Waiting;
        match outcome {
            Outcome::Ran(made) => {
                self.repeated.insert(id);
                self.done(id, made, Status::Ran, seconds)?;
            }
            Outcome::Differs(made) => {
                self.repeated.insert(id);
                self.differing += 1;
                self.done(id, made, Status::Ran, seconds)?;
            }
            Outcome::Found(made) => self.done(id, made, Status::Cached, seconds)?,
            Outcome::Failed(cause, message) => {
                self.failed(job, resources, (cause, message), seconds);
            }
            Outcome::Cancelled => self.over(id, Status::Cancelled, None, None, seconds),
            Outcome::StoreFailed(error) => {
                let why = (Some(Cause::Error), error.to_string());
                self.over(id, Status::Failed, Some(why), None, seconds);
                if error.is_disk_full() {
                    return Err(error);
                }
            }
            Outcome::Damaged(producers) => {
                // Its inputs will settle again, and it with them.
                self.open.push_back(id);
                for (from, judged) in producers {
                    // Another reader may have told of it before.
                    let same = matches!(&self.states[from], State::Done(made)
                        if Arc::ptr_eq(&made.artifact, &judged.artifact));
                    if same {
                        self.warn_of_damage(from);
                        self.make_again(from);
                    }
                }
            }
        }
        Ok(())
    }

    /// An attempt failed: there is another, or the job has failed.
    fn failed(
        &mut self,
        job: Job,
        taken: Resources,
        (cause, message): (Cause, String),
        seconds: f64,
    ) {
        let id = job.id;
        let again = if self.stops() {
            None
        } else {
            let (plan, capacity) = (self.plan, &self.capacity);
            self.retries.again(plan, capacity, (id, cause), &taken)
        };
        match again {
            Some((attempt, of)) => {
                self.tell(&Event::JobRetried(Retried {
                    job: job.name,
                    cause,
                    message,
                    attempt,
                    of,
                }));
                self.states[id] = State::Ready(job.ready);
                self.queue.push(id);
            }
            None => {
                let log = Some(self.store.log(&job.ready.key));
                self.over(
                    id,
                    Status::Failed,
                    Some((Some(cause), message)),
                    log,
                    seconds,
                );
            }
        }
    }

    /// A job ends that never began.
    pub(super) fn end_without(&mut self, id: JobId, status: Status, why: Option<Why>) {
        self.over(id, status, why, None, 0.0);
    }

    fn over(
        &mut self,
        id: JobId,
        status: Status,
        why: Option<Why>,
        log: Option<PathBuf>,
        seconds: f64,
    ) {
        self.states[id] = State::Over;
        self.ends[id] = Some(status);
        let job = self.name(id);
        let (cause, message) = why.unzip();
        let cause = cause.flatten();
        self.tell(&Event::JobEnded(Box::new(Ended {
            cause,
            message,
            log,
            ..Ended::new(job, status, seconds)
        })));
        self.gives_up |= status == Status::Failed && self.options.fail_fast;
        self.settle(id);
    }

    /// A job has its artifact.
    pub(super) fn done(
        &mut self,
        id: JobId,
        made: Made,
        status: Status,
        seconds: f64,
    ) -> Result<(), Error> {
        let name = self.name(id);
        let has_run = status == Status::Ran;
        if self.ends[id].is_none() {
            self.releases.has_read(self.plan, id);
        }
        self.ends[id] = Some(status);
        if has_run {
            self.releases.comes_back(id);
        }
        self.states[id] = State::Done(made.clone());
        self.settle(id);
        // What goes again after use is not shown, nor what is not there.
        let shown = match self.plan.instance(id).keep {
            Keep::Always if self.releases.is_there(id) => self.display.show(id, &made)?,
            _ => Shown::default(),
        };
        shown.warnings.into_iter().for_each(|line| self.warn(line));
        let mut outputs = self.plan.outputs(id).iter();
        let is_verdict = outputs.any(|output| output.artifact == ArtifactType::Verdict);
        let verdict = is_verdict.then(|| self.verdict(&name, &made));
        self.tell(&Event::JobEnded(Box::new(Ended {
            log: has_run.then(|| self.store.log(&made.key)),
            artifact: Some(made.artifact.digest()),
            views: shown.paths,
            changed: shown.changed,
            holes: self.holes_of(&made),
            warnings: self.lines_of(&made, WARNINGS),
            verdict,
            ..Ended::new(name.clone(), status, seconds)
        })));
        self.display.done(name, made.key, has_run)
    }

    /// The verdict that a job left; one that cannot be read cannot be judged.
    fn verdict(&self, name: &str, made: &Made) -> Verdict {
        let file = made.artifact.files.get(Verdict::FILE);
        let text = file.and_then(|file| fs::read(self.store.objects().path(&file.digest)).ok());
        let verdict = text.and_then(|text| serde_json::from_slice(&text).ok());
        verdict.unwrap_or_else(|| Verdict {
            says: format!("the verdict of {name} is not in the store, or cannot be read"),
            verdict: Judged::Unknown,
            rows: 0,
            held: 0,
            unknown: 0,
            source: None,
            expected: None,
            note: None,
            against: Vec::new(),
            missing: Vec::new(),
        })
    }
}
