//! Begins a job: takes the lock of its key, looks the key up once more, verifies what the job reads and lays out its spool.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::{Handled, Made, Outcome, verify_once};
use crate::pipeline::{Earlier, show_time};
use crate::plan::{JobId, Known, earlier, inputs};
use crate::run::Event;
use crate::run::executor::Task;
use crate::run::log::note;
use crate::store::{Error, Left, Lock, Lookup, Scratch, Stamp, StartedFrom};

/// An attempt at a job, from its begin to its end.
pub(in crate::run) struct Attempt {
    /// Its spool: a private folder with its task and its output.
    pub spool: Scratch,
    pub task: Arc<Task>,
    /// What it reads, as it looked when it began.
    pub read: Vec<(PathBuf, Option<Stamp>)>,
    pub earlier: Option<StartedFrom>,
    pub begun: Instant,
    /// In seconds since 1970.
    pub started: u64,
    /// What machine does its work, once that is known.
    pub machine: Option<String>,
    /// When its work began, in seconds since 1970, and how many seconds it took, where its executor told.
    pub took: Option<(u64, f64)>,
    /// Held until what it left is published and its folders are gone.
    pub _lock: Lock,
}

/// What became of the wish to begin.
pub(super) enum Begun {
    /// Another process works on it.
    Busy,
    Attempt(Box<Attempt>),
    Ended(Outcome),
}

impl Handled<'_> {
    pub(super) fn begin(&self) -> Result<Begun, Error> {
        let (store, key) = (self.run.store, self.ready.key);
        if self.is_stopped() {
            return Ok(Begun::Ended(Outcome::Cancelled));
        }
        let Some(lock) = store.coordination().try_lock(&key)? else {
            return Ok(Begun::Busy);
        };
        if !self.is_again()
            && let Lookup::Present(record) = store.lookup(&key)
        {
            self.run.executor.settled(&key);
            return Ok(Begun::Ended(Outcome::Found(Made::from(*record))));
        }
        // A worker whose engine was killed may still be at work for a moment; one that this executor knows goes on.
        let is_known = self.run.executor.has(&key);
        if self.saves() && !is_known && store.is_checkpoint_held(&key) {
            return Ok(Begun::Busy);
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
            return Ok(Begun::Ended(Outcome::Damaged(damaged)));
        }
        self.attempt(lock, earlier)
    }

    /// Lays out the spool, the log and the checkpoint folder.
    fn attempt(&self, lock: Lock, earlier: Option<(StartedFrom, Earlier)>) -> Result<Begun, Error> {
        let log = self.log();
        let spool = self.run.store.scratch()?;
        let begun = Instant::now();
        let started = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let (from, earlier) = earlier.unzip();
        let mut task = self.task(&spool, earlier.as_ref());
        self.open_log(&task, started)?;
        if let Some(file) = self.changed_outside() {
            let file = file.display();
            return Ok(Begun::Ended(
                self.failed(format!("{file} was changed while the job waited")),
            ));
        }
        let read = stamps(&task);
        let basis = self.basis(&read);
        task.read = basis
            .iter()
            .map(|(path, stamp)| (absolute(path), *stamp))
            .collect();
        match self.open_checkpoint(&lock, &basis)? {
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
        task.write(spool.folder())?;
        if let Some(from) = &from {
            note(&log, &format!("starts from {from}: {}", from.key));
        }
        Ok(Begun::Attempt(Box::new(Attempt {
            spool,
            task: Arc::new(task),
            read,
            earlier: from,
            begun,
            started,
            machine: None,
            took: None,
            _lock: lock,
        })))
    }

    fn task(&self, scratch: &Scratch, earlier: Option<&Earlier>) -> Task {
        let instance = self.run.plan.instance(self.id);
        let known = |from| match self.inputs.get(&from) {
            Some(made) => Known::Made(made.key, made.artifact.as_ref()),
            None => Known::Hole,
        };
        Task {
            job: self.name.clone(),
            key: self.ready.key,
            kind: self.run.plan.kind(self.id).name.to_string(),
            parameters: instance.parameters.full(),
            inputs: inputs(
                self.run.plan,
                self.id,
                self.run.store,
                &self.ready.runs,
                known,
            )
            .expect("a job runs when its inputs are known"),
            outside: instance.outside.clone(),
            holes: self.holes.clone(),
            earlier: earlier.cloned(),
            out: scratch.out(),
            checkpoint: self.run.store.checkpoint(&self.ready.key),
            root: self.run.plan.pipeline.root.clone(),
            environment: {
                let mut all = self.run.plan.pipeline.surroundings.clone();
                all.extend(instance.environment.clone());
                all
            },
            device: instance.device,
            cores: self.resources.cores,
            cards: self.cards.clone(),
            time: self.resources.time,
            memory: self.resources.limited.then_some(self.resources.memory),
            log: self.log(),
            read: BTreeMap::new(),
        }
    }

    /// The longest shorter job of its family that is whole and was made on such a device: only there are the bytes the same.
    /// What is damaged is set aside, and costs no more than the chance.
    fn earlier(&self) -> Option<(StartedFrom, Earlier)> {
        let all = earlier(
            self.run.plan,
            self.id,
            &self.ready.fingerprint,
            self.run.store,
        );
        for (from, record) in all.filter(|(_, record)| record.device == self.device()) {
            let files = &record.artifact.files;
            if files
                .values()
                .all(|file| matches!(self.run.store.objects().verify(file), Ok(true)))
            {
                let files = files.iter().map(|(name, file)| {
                    (name.clone(), self.run.store.objects().path(&file.digest))
                });
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

    /// All that it reads, of the store and of elsewhere.
    fn basis(&self, stamps: &[(PathBuf, Option<Stamp>)]) -> BTreeMap<PathBuf, Stamp> {
        let inputs = stamps.iter();
        let inputs = inputs.filter_map(|(path, stamp)| Some((path.clone(), (*stamp)?)));
        let outside = self.ready.outside.values().flat_map(|files| files.values());
        let outside = outside.map(|(seen, _)| (seen.path.clone(), seen.stamp));
        inputs.chain(outside).collect()
    }

    fn open_checkpoint(&self, lock: &Lock, read: &BTreeMap<PathBuf, Stamp>) -> Result<Left, Error> {
        if !self.saves() {
            return Ok(Left::Nothing);
        }
        // What is at work in it is left alone.
        if self.run.executor.has(&self.ready.key) {
            let path = self.run.store.checkpoint(&self.ready.key);
            fs::create_dir_all(&path).map_err(Error::io("create", &path))?;
            return Ok(Left::Nothing);
        }
        let read = read.iter();
        let read = read.map(|(path, stamp)| (path.as_path(), *stamp));
        let key = &self.ready.key;
        self.run
            .store
            .open_checkpoint(key, lock, self.device(), read)
    }

    /// The jobs whose artifacts are not what their records say; their bad objects are set aside.
    fn damaged_inputs(&self) -> Result<BTreeMap<JobId, Made>, Error> {
        let mut damaged = BTreeMap::new();
        for (id, made) in &self.inputs {
            for file in made.artifact.files.values() {
                if !verify_once(self.run.store, file, &self.run.verified)? {
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
        self.run.store.start_log(&self.ready.key, &text)
    }
}

/// A path that is the same from whatever folder an engine is started in.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// The stamp of every file of an artifact that a task reads.
fn stamps(task: &Task) -> Vec<(PathBuf, Option<Stamp>)> {
    let inputs = task.inputs.values().flatten();
    let files = inputs.flat_map(|input| input.files.values());
    let earlier = task.earlier.iter();
    let files = files.chain(earlier.flat_map(|earlier| earlier.files.values()));
    files.map(|path| (path.clone(), Stamp::of(path))).collect()
}
