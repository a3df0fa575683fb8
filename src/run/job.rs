//! One job, in its own thread: the lock of its key, the work, the publication.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::executor::{Executor, Failure, Task};
use super::log::{left_out, note};
use super::{Compare, Event, machine, work_folders};
use crate::pipeline::{
    Cause, Earlier, HOLES, Monitor, Progress, Resources, show_seconds, show_size, show_time,
};
use crate::plan::{Fingerprint, JobId, Known, Outside, Plan, Reason, RunsRead, earlier, inputs};
use crate::store::{
    Artifact, Digest, Error, FileStat, Left, Lock, Lookup, Record, Scratch, Stamp, StartedFrom,
    Store, StoredFile, scan,
};

/// How often a job that waits for another process looks whether it still must.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// A job that can run.
pub(super) struct Ready {
    pub fingerprint: Fingerprint,
    /// What is of one run, for each of its inputs.
    pub runs: Vec<RunsRead>,
    /// The files that its parameters name, as they were when their bytes became part of the fingerprint.
    pub outside: Outside,
    pub key: Digest,
    pub reason: Reason,
    /// The record of an earlier artifact of the same key, to hold the new bytes against.
    pub before: Option<Box<Record>>,
}

/// An artifact that is in the store.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub key: Digest,
    pub artifact: Arc<Artifact>,
}

/// What a job's thread tells the engine.
pub(super) enum Message {
    Event(Box<Event>),
    Ended(JobId, Box<(Outcome, Box<Ready>)>, f64),
}

/// How an attempt ended.
pub(super) enum Outcome {
    Ran(Made),
    /// Another run made it meanwhile.
    Found(Made),
    /// It ran again and gave other bytes; the earlier artifact stands.
    Differs(Made),
    /// What these jobs left is damaged and was set aside.
    Damaged(BTreeMap<JobId, Made>),
    Failed(Cause, String),
    Cancelled,
    StoreFailed(Error),
}

/// One job, in its own thread.
pub(super) struct RunningJob<'a> {
    pub plan: &'a Plan,
    pub store: &'a Store,
    pub executor: &'a dyn Executor,
    pub compare: Compare<'a>,
    pub cancel: &'a AtomicBool,
    /// Set when the run is to end because of another job.
    pub give_up: &'a AtomicBool,
    pub sender: Sender<Message>,
    pub id: JobId,
    pub name: String,
    pub resources: Resources,
    /// The cards it has, where it is known which there are.
    pub cards: Option<Vec<String>>,
    pub inputs: BTreeMap<JobId, Made>,
    /// What it has to do without: jobs that failed and, of those it reads, what they did without.
    pub holes: Vec<String>,
    pub verified: &'a Mutex<BTreeSet<Digest>>,
    pub ready: Box<Ready>,
}

impl Monitor for RunningJob<'_> {
    fn progress(&self, progress: Progress) {
        self.say(Event::JobProgress {
            job: self.name.clone(),
            progress,
        });
    }

    fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed) || self.give_up.load(Ordering::Relaxed)
    }

    fn saved(&self, state: Progress) {
        self.say(Event::JobSaved {
            job: self.name.clone(),
            state: Some(state),
        });
    }

    fn warns(&self, message: &str) {
        note(&self.store.log(&self.ready.key), message);
        self.say(Event::Warning {
            message: format!("{}: {message}", self.name),
        });
    }
}

impl From<Record> for Made {
    fn from(record: Record) -> Self {
        Self {
            key: record.key,
            artifact: Arc::new(record.artifact),
        }
    }
}

impl RunningJob<'_> {
    fn say(&self, event: Event) {
        // The engine listens until every job's thread has ended.
        let _ = self.sender.send(Message::Event(Box::new(event)));
    }

    /// Does the job and tells the engine how it ended.
    pub fn run(self) {
        let start = Instant::now();
        // Whatever happens here, the engine must hear that the job has ended.
        let work = std::panic::AssertUnwindSafe(|| self.work());
        let outcome = match std::panic::catch_unwind(work) {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => Outcome::StoreFailed(error),
            Err(_) => {
                let message = "this is a bug of etude: its engine panicked";
                Outcome::Failed(Cause::Crash, message.into())
            }
        };
        let seconds = start.elapsed().as_secs_f64();
        let ended = Message::Ended(self.id, Box::new((outcome, self.ready)), seconds);
        let _ = self.sender.send(ended);
    }

    fn work(&self) -> Result<Outcome, Error> {
        let key = self.ready.key;
        let mut told = false;
        let lock = loop {
            if let Some(lock) = self.store.try_lock(&key)? {
                break lock;
            }
            if !told {
                told = true;
                self.say(Event::JobWaiting {
                    job: self.name.clone(),
                });
            }
            if self.cancelled() {
                return Ok(Outcome::Cancelled);
            }
            std::thread::sleep(TICK);
        };
        if !self.is_again()
            && let Lookup::Present(record) = self.store.lookup(&key)
        {
            return Ok(Outcome::Found(Made::from(*record)));
        }
        let earlier = self.earlier();
        self.say(Event::JobStarted {
            job: self.name.clone(),
            key,
            reason: self.ready.reason.to_string(),
            started_from: earlier.as_ref().map(|(from, _)| from.clone()),
        });
        let damaged = self.damaged_inputs()?;
        if !damaged.is_empty() {
            return Ok(Outcome::Damaged(damaged));
        }
        // A worker whose engine was killed may still be at work for a moment.
        while self.saves() && self.store.is_checkpoint_held(&key) {
            if !told {
                told = true;
                self.say(Event::JobWaiting {
                    job: self.name.clone(),
                });
            }
            if self.cancelled() {
                return Ok(Outcome::Cancelled);
            }
            std::thread::sleep(TICK);
        }
        let outcome = self.attempt(&lock, earlier.as_ref())?;
        match outcome {
            _ if !self.saves() => {}
            Outcome::Ran(_) => self.store.discard_checkpoint(&key),
            _ => self.store.tidy_checkpoint(&key),
        }
        // What is tidied away holds nothing. Some jobs, such as programs, save without a word.
        let is_kept = self.saves() && self.store.checkpoint(&key).exists();
        if is_kept && matches!(outcome, Outcome::Cancelled) {
            self.say(Event::JobSaved {
                job: self.name.clone(),
                state: None,
            });
        }
        Ok(outcome)
    }

    fn saves(&self) -> bool {
        self.plan.instance(self.id).parameters.saves()
    }

    /// Whether the job runs though its artifact is there.
    fn is_again(&self) -> bool {
        self.ready.reason == Reason::Again
    }

    /// Does the work and publishes what comes of it. The checkpoint folder stays as the job leaves it.
    fn attempt(
        &self,
        lock: &Lock,
        earlier: Option<&(StartedFrom, Earlier)>,
    ) -> Result<Outcome, Error> {
        let key = self.ready.key;
        let log = self.store.log(&key);
        let failed = |message: String| {
            note(&log, &format!("failed: {message}"));
            Ok(Outcome::Failed(Cause::Error, message))
        };
        let scratch = self.store.scratch()?;
        let begun = Instant::now();
        let started = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let task = self.task(&scratch, earlier.map(|(_, earlier)| earlier));
        self.open_log(&task, started)?;
        if let Some(file) = self.changed_outside() {
            let file = file.display();
            return failed(format!("{file} was changed while the job waited"));
        }
        let before = stamps(&task);
        match self.open_checkpoint(lock, &before)? {
            Left::Nothing => {}
            Left::Saved => note(&log, "finds what an attempt before it saved"),
            left @ (Left::Discarded | Left::Damaged) => {
                let why = match left {
                    Left::Damaged => "is damaged: what it was made from cannot be read",
                    _ => "came from files that have changed, or from another device",
                };
                self.warns(&format!(
                    "what an attempt before this saved {why}; it starts anew"
                ));
            }
        }
        if let Some((from, _)) = earlier {
            note(&log, &format!("starts from {from}: {}", from.key));
        }
        let ran = self.executor.run(&task, &log, self);
        if let Some(bytes) = left_out(&log) {
            let bytes = show_size(bytes);
            self.warns(&format!(
                "it printed more than its log takes; {bytes} in the middle are left out"
            ));
        }
        match ran {
            Ok(()) => {}
            Err(Failure::Cancelled) => {
                note(&log, "cancelled");
                return Ok(Outcome::Cancelled);
            }
            Err(Failure::Failed(cause, message)) => {
                let message = work_folders::without(&task, &message);
                note(&log, &format!("failed: {message}"));
                return Ok(Outcome::Failed(cause, message));
            }
        }
        let changed = before
            .into_iter()
            .find(|(path, was)| Stamp::of(path) != *was && !self.was_put_again(path, *was));
        if let Some(file) = changed
            .map(|(path, _)| path)
            .or_else(|| self.changed_outside())
        {
            // What it left for its next attempt came from the same mixture.
            self.store.discard_checkpoint(&key);
            let file = file.display();
            return failed(format!("{file} was changed while the job read it"));
        }
        if !self.holes.is_empty() {
            let text = serde_json::to_vec_pretty(&self.holes).expect("lines are plain data");
            let path = task.out.join(HOLES);
            fs::write(&path, text).map_err(|source| Error::Io {
                action: "write",
                path,
                source,
            })?;
        }
        let artifact = match self.store.ingest(&scratch) {
            Err(error @ (Error::Empty | Error::NotAFile(_))) => {
                return failed(work_folders::without(&task, &error.to_string()));
            }
            taken => taken?,
        };
        let record = Record {
            key,
            fingerprint: self.ready.fingerprint.0.clone(),
            artifact,
            job: self.name.clone(),
            started,
            seconds: begun.elapsed().as_secs_f64(),
            device: self.device().into(),
            machine: machine::describe().into(),
            started_from: earlier.map(|(from, _)| from.clone()),
            released: false,
        };
        let is_adopted = self.store.adopted(&key).is_some();
        let differs = self.ready.before.as_deref();
        let differs = differs.filter(|before| before.artifact != record.artifact);
        if let Some(before) = differs {
            // Of two that are whole the one that has been read and shown stands.
            let other = if self.is_again() && !is_adopted {
                &record
            } else {
                before
            };
            let kept = self.store.keep_apart(other)?;
            self.tell_difference(before, &record.artifact, kept, &log);
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
        self.store.commit(&record)?;
        self.join_family();
        note(&log, &format!("done in {}", show_seconds(record.seconds)));
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
        let kind = self.plan.kind(self.id);
        let mut lines = Vec::new();
        for name in names {
            match (before.artifact.files.get(name), now.files.get(name)) {
                (Some(old), Some(new)) if old == new => {}
                (Some(old), Some(new)) => {
                    let (old, new) = (
                        self.store.object(&old.digest),
                        self.store.object(&new.digest),
                    );
                    let how = if old.exists() {
                        (self.compare)(kind, name, &old, &new)
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

    fn task(&self, scratch: &Scratch, earlier: Option<&Earlier>) -> Task {
        let instance = self.plan.instance(self.id);
        let known = |from| match self.inputs.get(&from) {
            Some(made) => Known::Made(made.key, made.artifact.as_ref()),
            None => Known::Hole,
        };
        Task {
            job: self.name.clone(),
            key: self.ready.key,
            kind: self.plan.kind(self.id).name.to_string(),
            parameters: instance.parameters.full(),
            inputs: inputs(self.plan, self.id, self.store, &self.ready.runs, known)
                .expect("a job runs when its inputs are known"),
            outside: instance.outside.clone(),
            holes: self.holes.clone(),
            earlier: earlier.cloned(),
            out: scratch.out(),
            checkpoint: self.store.checkpoint(&self.ready.key),
            root: self.plan.pipeline.root.clone(),
            environment: {
                let mut all = self.plan.pipeline.surroundings.clone();
                all.extend(instance.environment.clone());
                all
            },
            device: instance.device,
            cores: self.resources.cores,
            cards: self.cards.clone(),
            time: self.resources.time,
            memory: self.resources.limited.then_some(self.resources.memory),
        }
    }

    /// Where it computes, as its record says.
    fn device(&self) -> &'static str {
        match self.resources.gpu {
            0 => "cpu",
            _ => "cuda",
        }
    }

    /// The longest shorter job of its family that is whole and was made on such a device: only there are the bytes the same.
    /// What is damaged is set aside, and costs no more than the chance.
    fn earlier(&self) -> Option<(StartedFrom, Earlier)> {
        let all = earlier(self.plan, self.id, &self.ready.fingerprint, self.store);
        for (from, record) in all.filter(|(_, record)| record.device == self.device()) {
            let files = &record.artifact.files;
            if files
                .values()
                .all(|file| matches!(self.store.verify(file), Ok(true)))
            {
                let files = files
                    .iter()
                    .map(|(name, file)| (name.clone(), self.store.object(&file.digest)));
                let earlier = Earlier {
                    length: from.length,
                    files: files.collect(),
                };
                return Some((from, earlier));
            }
            let message = format!(
                "what {} left was damaged in the store; {} does not start from it",
                record.job, self.name
            );
            self.say(Event::Warning { message });
        }
        None
    }

    /// Lets longer jobs find this one; that they cannot is no reason to fail.
    fn join_family(&self) {
        let instance = self.plan.instance(self.id);
        if let Some(extension) = instance.parameters.extends() {
            let family = self.ready.fingerprint.family(&extension);
            let _ = self
                .store
                .join_family(&family, extension.length, &self.ready.key);
        }
    }

    /// Whether an object was replaced by another file with its bytes, as an engine does that makes the same at this moment.
    fn was_put_again(&self, path: &Path, was: Option<Stamp>) -> bool {
        let (Some(was), Some(now)) = (was, Stamp::of(path)) else {
            return false;
        };
        let holds = Digest::of_file(path).map(|(digest, _)| self.store.object(&digest));
        now.is_of_another_file(&was) && holds.is_ok_and(|object| object == path)
    }

    fn open_checkpoint(
        &self,
        lock: &Lock,
        stamps: &[(PathBuf, Option<Stamp>)],
    ) -> Result<Left, Error> {
        if !self.saves() {
            return Ok(Left::Nothing);
        }
        let inputs = stamps.iter();
        let inputs = inputs.filter_map(|(path, stamp)| Some((path.as_path(), (*stamp)?)));
        let outside = self.ready.outside.values().flat_map(|files| files.values());
        let outside = outside.map(|(seen, _)| (seen.path.as_path(), seen.stamp));
        let key = &self.ready.key;
        self.store
            .open_checkpoint(key, lock, self.device(), inputs.chain(outside))
    }

    /// A file that its parameters name and that is no longer what it was when it became part of the fingerprint.
    fn changed_outside(&self) -> Option<PathBuf> {
        let instance = self.plan.instance(self.id);
        for (parameter, before) in &self.ready.outside {
            let path = &instance.outside[parameter];
            let Ok(now) = scan(path) else {
                return Some(path.clone());
            };
            let come = now.iter().find(|(name, _)| !before.contains_key(*name));
            if let Some((_, seen)) = come {
                return Some(seen.path.clone());
            }
            let same = |name: &String, (seen, digest): &(FileStat, Digest)| {
                let now = now.get(name);
                now.is_some_and(|now| self.store.is_unchanged(seen, digest, now))
            };
            let other = before.iter().find(|(name, was)| !same(name, was));
            if let Some((_, (seen, _))) = other {
                return Some(seen.path.clone());
            }
        }
        None
    }

    /// The jobs whose artifacts are not what their records say; their bad objects are set aside.
    fn damaged_inputs(&self) -> Result<BTreeMap<JobId, Made>, Error> {
        let mut damaged = BTreeMap::new();
        for (id, made) in &self.inputs {
            for file in made.artifact.files.values() {
                if !verify_once(self.store, file, self.verified)? {
                    damaged.insert(*id, made.clone());
                }
            }
        }
        Ok(damaged)
    }

    fn open_log(&self, task: &Task, started: u64) -> Result<(), Error> {
        let parameters = serde_json::to_string(&task.parameters).expect("plain data");
        let text = format!(
            "job {}\nkey {}\nkind {}\nparameters {parameters}\nstarted {}\n",
            self.name,
            self.ready.key,
            task.kind,
            show_time(started)
        );
        self.store.start_log(&self.ready.key, &text)
    }
}

/// Whether an object has the bytes it should have; one that was read and found right during this run is not read again.
pub(super) fn verify_once(
    store: &Store,
    file: &StoredFile,
    verified: &Mutex<BTreeSet<Digest>>,
) -> Result<bool, Error> {
    let verified = || verified.lock().unwrap_or_else(|p| p.into_inner());
    if verified().contains(&file.digest) {
        return Ok(true);
    }
    let is_right = store.verify(file)?;
    if is_right {
        verified().insert(file.digest);
    }
    Ok(is_right)
}

/// The stamp of every file of an artifact that a task reads.
fn stamps(task: &Task) -> Vec<(PathBuf, Option<Stamp>)> {
    let inputs = task.inputs.values().flatten();
    let files = inputs.flat_map(|input| input.files.values());
    let earlier = task.earlier.iter();
    let files = files.chain(earlier.flat_map(|earlier| earlier.files.values()));
    files.map(|path| (path.clone(), Stamp::of(path))).collect()
}
