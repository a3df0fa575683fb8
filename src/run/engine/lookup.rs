//! Which jobs have their artifact already, and which have to run.

use std::collections::BTreeSet;
use std::fs;

use super::{Engine, State};
use crate::pipeline::{Cardinality, Cause, HOLES};
use crate::plan::{
    ExternalDigests, Fingerprint, JobId, Known, Reason, holes, reason, runs_read, shows_tables,
};
use crate::run::Status;
use crate::run::job::{Made, Ready};
use crate::store::{Artifact, Digest, Error, Lookup};

impl Engine<'_, '_> {
    /// Looks up every job whose inputs are settled, until none is left.
    pub(super) fn look_up(&mut self) -> Result<(), Error> {
        // Taken once for all of them; where it cannot be, each says so.
        let _hold = self.store.coordination().hold();
        let mut looked = ExternalDigests::new(self.store);
        while let Some(id) = self.open.pop_front() {
            // One may be named twice, and what it reads may have been found damaged since.
            if matches!(self.states[id], State::Waiting) && self.unsettled[id] == 0 {
                self.look_at(id, &mut looked)?;
            }
            if self.stops() {
                break;
            }
        }
        Ok(())
    }

    fn look_at(&mut self, id: JobId, looked: &mut ExternalDigests<'_>) -> Result<(), Error> {
        if let Some(message) = self.lacks(id) {
            self.end_without(id, Status::Skipped, Some((None, message)));
            return Ok(());
        }
        let outside = match looked.outside(self.plan, id) {
            Ok(outside) => outside,
            Err(error) => {
                let why = (Some(Cause::Error), error.to_string());
                self.end_without(id, Status::Failed, Some(why));
                return Ok(());
            }
        };
        let fingerprint = Fingerprint::of(self.plan, id, &outside, |from| self.known(from));
        let fingerprint = fingerprint.expect("everything that it reads is settled");
        let key = fingerprint.key();
        let again = self.options.again.contains(&id) && !self.repeated.contains(&id);
        if !again && let Some(made) = self.display.as_seen(&key) {
            return self.done(id, made, Status::Cached, 0.0);
        }
        let (before, reason) = match self.store.lookup(&key) {
            Lookup::Present(record) if again && self.is_whole(&key, &record.artifact)? => {
                (Some(record), Reason::Again)
            }
            Lookup::Present(record) => {
                if self.is_whole(&key, &record.artifact)? {
                    return self.done(id, Made::from(*record), Status::Cached, 0.0);
                }
                self.warn_of_damage(id);
                (Some(record), Reason::Damaged)
            }
            Lookup::Broken { record, file } => (Some(record), Reason::FileGone(file)),
            Lookup::Released(record) if again || self.releases.is_needed(self.plan, id) => {
                (Some(record), Reason::Released)
            }
            Lookup::Released(record) => {
                self.releases.is_released(id);
                return self.done(id, Made::from(*record), Status::Cached, 0.0);
            }
            Lookup::Absent => {
                let why = reason(
                    self.plan,
                    id,
                    &fingerprint,
                    self.store,
                    &self.display.ledger,
                );
                (None, why)
            }
        };
        let runs = runs_read(self.plan, id, |from| self.known(from));
        self.states[id] = State::Ready(Box::new(Ready {
            runs: runs.expect("its fingerprint is known, and so is all above it"),
            fingerprint,
            outside,
            key,
            reason,
            before,
        }));
        self.queue.push(id);
        Ok(())
    }

    fn known(&self, id: JobId) -> Known<'_> {
        match &self.states[id] {
            State::Done(made) => Known::Made(made.key, &made.artifact),
            State::Over => Known::Hole,
            _ => Known::Open,
        }
    }

    /// Why a job cannot run without what failed. One that takes all of a stage does with what is there, if anything is.
    fn lacks(&self, id: JobId) -> Option<String> {
        let is_over = |from: &&JobId| matches!(self.states[**from], State::Over);
        let stage = &self.plan.pipeline.stages[self.plan.jobs[id].stage];
        for input in &self.plan.jobs[id].inputs {
            let port = stage.inputs.iter().find(|of| of.port.name == input.port);
            let takes_all = port.is_some_and(|of| of.port.cardinality == Cardinality::All);
            let missing = input.jobs.iter().filter(is_over).count();
            if missing > 0 && (!takes_all || missing == input.jobs.len()) {
                let from = input.jobs.iter().find(is_over)?;
                return Some(format!("{} has no result", self.plan.jobs[*from].name));
            }
        }
        None
    }

    /// What a job does without: what failed, and what those it reads did without.
    pub(super) fn holes(&self, id: JobId) -> Vec<String> {
        let mut lines = holes(self.plan, id, |from| self.known(from));
        for from in self.plan.reads(id) {
            if let State::Done(made) = &self.states[from] {
                lines.extend(self.holes_of(made));
            }
        }
        let mut seen = BTreeSet::new();
        lines.retain(|line| seen.insert(line.clone()));
        lines
    }

    /// What an artifact says that it lacks.
    pub(super) fn holes_of(&self, made: &Made) -> Vec<String> {
        self.lines_of(made, HOLES)
    }

    /// The lines of a file that an artifact may have beside its result.
    pub(super) fn lines_of(&self, made: &Made, file: &str) -> Vec<String> {
        let file = made.artifact.files.get(file);
        let text = file.and_then(|file| fs::read(self.store.objects().path(&file.digest)).ok());
        text.and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    fn is_whole(&self, key: &Digest, artifact: &Artifact) -> Result<bool, Error> {
        self.display.is_whole(key, artifact, &self.run.verified)
    }

    /// Tells all that read a job that it is settled.
    pub(super) fn settle(&mut self, id: JobId) {
        for reader in self.plan.readers(id) {
            self.unsettled[reader] -= 1;
            if self.unsettled[reader] == 0 {
                self.open.push_back(reader);
            }
        }
    }

    /// What a job left is damaged or was released: it has to run again, and what would read it waits.
    pub(super) fn make_again(&mut self, id: JobId) {
        debug_assert!(self.states[id].is_settled());
        self.states[id] = State::Waiting;
        self.open.push_back(id);
        let plan = self.plan;
        for reader in plan.readers(id) {
            self.unsettled[reader] += 1;
            if matches!(self.states[reader], State::Ready(_)) {
                self.queue.remove(reader);
                self.states[reader] = State::Waiting;
            } else if shows_tables(plan, reader) && self.releases.comes_back(reader) {
                // What it lacked comes back, and it is looked up once more after that.
                self.make_again(reader);
            }
        }
    }

    pub(super) fn warn_of_damage(&mut self, id: JobId) {
        self.warn(format!(
            "what {} left was damaged in the store; it is set aside and made again",
            self.plan.jobs[id].name
        ));
    }
}
