//! Executes a plan: every job that must run, as many at once as the machine has room for, and says what happens.
//!
//! The engine is one loop that owns all state. A running job is a thread that takes the lock of the job's key, looks the key
//! up once more (another run may have been faster), verifies what the job reads, lets an executor do the work in a private
//! folder and publishes the result. Failures stay with the job they belong to.
//!
//! Two things make work shorter and are never asked what the result is: the checkpoint folder of a job, where it finds what
//! an attempt that did not end left, and the artifact of a shorter job of the same family, from which it may go on.

mod event;
mod executor;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::Scope;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub use event::{Ended, Event, Status, Summary};
pub use executor::{Executor, Failure, InProcess, Local, Task, serve};

use crate::pipeline::{
    ArtifactType, Device, Earlier, Monitor, Progress, Resources, Verdict, show_size,
};
use crate::plan::{Fingerprint, JobId, Outside, Plan, Reason, earlier, inputs, outside, reason};
use crate::store::{
    Artifact, Digest, Error, Ledger, Left, Lock, Lookup, Record, Scratch, Stamp, StartedFrom,
    Store, Views, survey,
};

/// What the machine has to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// CPU cores.
    pub cores: u32,
    /// Memory in bytes.
    pub memory: u64,
    /// CUDA cards.
    pub gpus: u32,
}

/// How to run.
pub struct Options<'a> {
    /// What the machine has to give.
    pub capacity: Capacity,
    /// Where readable views go: `outputs/<pipeline>`.
    pub views: PathBuf,
    /// Whether views of jobs that the pipeline no longer has are removed; right where the plan is all of it.
    pub prune: bool,
    /// Set from outside to stop the run cleanly.
    pub cancel: &'a AtomicBool,
}

/// Runs a plan to its end and tells `observe` everything on the way. An error means that the store itself failed; failing
/// jobs are part of the summary.
pub fn execute(
    plan: &Plan,
    store: &Store,
    executor: &dyn Executor,
    options: &Options<'_>,
    observe: &mut dyn FnMut(&Event),
) -> Result<Summary, Error> {
    store.prepare()?;
    let (sender, receiver) = mpsc::channel();
    let verified = Mutex::default();
    let mut engine = Engine {
        plan,
        store,
        executor,
        options,
        observe,
        sender,
        states: plan.jobs.iter().map(|_| State::Waiting).collect(),
        free: options.capacity,
        ledger: store.ledger(&plan.pipeline.name),
        saved: Instant::now(),
        ends: vec![None; plan.jobs.len()],
        shown: BTreeSet::new(),
        verified: &verified,
    };
    std::thread::scope(|scope| engine.run(scope, &receiver))
}

/// The state of a job during a run.
enum State {
    /// Something it reads is not done.
    Waiting,
    /// It can run when there is room.
    Ready(Box<Ready>),
    /// It runs under this key, with these resources taken.
    Running(Resources, Digest),
    /// It has its artifact.
    Done(Box<Record>),
    /// It ended without one.
    Over,
}

struct Ready {
    fingerprint: Fingerprint,
    /// The files that its parameters name, as they were when their bytes became part of the fingerprint.
    outside: Outside,
    key: Digest,
    reason: Reason,
    /// The record whose artifact is not whole, to hold the new bytes against.
    before: Option<Box<Record>>,
}

/// What a job's thread tells the engine.
enum Message {
    Event(Box<Event>),
    Ended(JobId, Box<Outcome>, f64),
}

enum Outcome {
    Ran(Box<Record>),
    /// Another run made it meanwhile.
    Found(Box<Record>),
    /// What these jobs left is damaged and was set aside.
    Damaged(BTreeMap<JobId, Record>),
    Failed(String),
    Cancelled,
    StoreFailed(Error),
}

struct Engine<'a, 'o> {
    plan: &'a Plan,
    store: &'a Store,
    executor: &'a dyn Executor,
    options: &'a Options<'a>,
    observe: &'o mut dyn FnMut(&Event),
    sender: Sender<Message>,
    states: Vec<State>,
    free: Capacity,
    ledger: Ledger,
    saved: Instant,
    /// How each job ended; one that is done again after damage ends twice and counts once.
    ends: Vec<Option<Status>>,
    /// The views of this run's artifacts.
    shown: BTreeSet<PathBuf>,
    /// Objects whose bytes were read and found right during this run.
    verified: &'a Mutex<BTreeSet<Digest>>,
}

const TICK: Duration = Duration::from_millis(100);

impl<'a> Engine<'a, '_> {
    fn run<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        receiver: &Receiver<Message>,
    ) -> Result<Summary, Error>
    where
        'a: 'scope,
    {
        let start = Instant::now();
        self.tell(&Event::RunStarted {
            pipeline: self.plan.pipeline.name.clone(),
            jobs: self.plan.jobs.len(),
        });
        let mut fatal = None;
        loop {
            if fatal.is_none() && !self.cancelled() {
                if let Err(error) = self.advance() {
                    fatal = Some(error);
                    continue;
                }
                if self.launch(scope) {
                    continue;
                }
            }
            if !self
                .states
                .iter()
                .any(|state| matches!(state, State::Running(..)))
            {
                break;
            }
            match receiver.recv_timeout(TICK) {
                Ok(Message::Event(event)) => self.tell(&event),
                Ok(Message::Ended(id, outcome, seconds)) => {
                    if let Err(error) = self.ended(id, *outcome, seconds) {
                        // What runs is let finish: its work is worth keeping.
                        fatal = fatal.or(Some(error));
                    }
                }
                Err(_) => {}
            }
        }
        for id in 0..self.states.len() {
            if matches!(self.states[id], State::Waiting | State::Ready(_)) {
                self.over(id, Status::Cancelled, None, None, 0.0);
            }
        }
        let mut summary = Summary::default();
        self.ends
            .iter()
            .flatten()
            .for_each(|status| summary.count(*status));
        summary.seconds = start.elapsed().as_secs_f64();
        if fatal.is_none() && self.options.prune && summary.is_complete() {
            let views = Views {
                folder: self.options.views.clone(),
                store: self.store,
            };
            let shown = &self.shown;
            views.prune(&mut self.ledger, |path| shown.contains(path));
        }
        let saved = self
            .store
            .save_ledger(&self.plan.pipeline.name, &self.ledger);
        self.tell(&Event::RunEnded(summary.clone()));
        if let Some(error) = fatal {
            return Err(error);
        }
        saved?;
        Ok(summary)
    }

    fn tell(&mut self, event: &Event) {
        (self.observe)(event);
    }

    fn cancelled(&self) -> bool {
        self.options.cancel.load(Ordering::Relaxed)
    }

    fn name(&self, id: JobId) -> String {
        self.plan.jobs[id].name.to_string()
    }

    /// Looks up every job whose inputs are known by now, until nothing more becomes known.
    fn advance(&mut self) -> Result<(), Error> {
        while self.look_up()? {}
        Ok(())
    }

    /// One pass over the jobs; whether another may find more.
    fn look_up(&mut self) -> Result<bool, Error> {
        let mut again = false;
        for id in 0..self.states.len() {
            if !matches!(self.states[id], State::Waiting) {
                continue;
            }
            let broken = self
                .plan
                .reads(id)
                .find(|from| matches!(self.states[*from], State::Over));
            if let Some(from) = broken {
                let message = format!("{} has no result", self.plan.jobs[from].name);
                self.over(id, Status::Skipped, Some(message), None, 0.0);
                continue;
            }
            if self
                .plan
                .reads(id)
                .any(|from| self.artifact(from).is_none())
            {
                continue;
            }
            let outside = match outside(self.plan, id, self.store) {
                Ok(outside) => outside,
                Err(error) => {
                    self.over(id, Status::Failed, Some(error.to_string()), None, 0.0);
                    again = true;
                    continue;
                }
            };
            let artifact = |from| self.artifact(from);
            let Some(fingerprint) = Fingerprint::of(self.plan, id, &outside, artifact) else {
                continue;
            };
            let key = fingerprint.key();
            let (before, reason) = match self.store.lookup(&key) {
                Lookup::Present(record) => {
                    if self.is_whole(id, &record)? {
                        self.done(id, record, Status::Cached, 0.0)?;
                    } else {
                        self.make_again(id);
                    }
                    again = true;
                    continue;
                }
                Lookup::Broken { record, file } => (Some(record), Reason::FileGone(file)),
                Lookup::Absent => {
                    let why = reason(self.plan, id, &fingerprint, self.store, &self.ledger);
                    (None, why)
                }
            };
            self.states[id] = State::Ready(Box::new(Ready {
                fingerprint,
                outside,
                key,
                reason,
                before,
            }));
        }
        Ok(again)
    }

    /// Whether what will be shown to people has the bytes it should have. What only jobs read is verified when they do.
    fn is_whole(&self, id: JobId, record: &Record) -> Result<bool, Error> {
        let mut whole = true;
        let outputs = self.plan.outputs(id).iter();
        for output in outputs.filter(|output| output.artifact.is_copied()) {
            for file in output.part(&record.artifact).files.values() {
                whole &= self.store.verify(file)?;
            }
        }
        Ok(whole)
    }

    fn artifact(&self, id: JobId) -> Option<&Artifact> {
        match &self.states[id] {
            State::Done(record) => Some(&record.artifact),
            _ => None,
        }
    }

    /// What a job takes: never more cores than there are, and a card where it would use one.
    fn resources(&self, id: JobId) -> Resources {
        let instance = self.plan.instance(id);
        let mut resources = instance.resources;
        resources.cores = resources.cores.min(self.options.capacity.cores).max(1);
        let wants_card = self.plan.kind(id).uses_device && instance.device != Device::Cpu;
        if wants_card && self.options.capacity.gpus > 0 {
            resources.gpu = resources.gpu.max(1);
        }
        resources
    }

    /// Starts jobs while there is room; a job that does not fit holds back none that does. Whether one ended right here,
    /// because it never will fit.
    fn launch<'scope>(&mut self, scope: &'scope Scope<'scope, '_>) -> bool
    where
        'a: 'scope,
    {
        let mut refused = false;
        for id in 0..self.states.len() {
            if !matches!(self.states[id], State::Ready(_)) {
                continue;
            }
            let need = self.resources(id);
            let capacity = self.options.capacity;
            if need.memory > capacity.memory || need.gpu > capacity.gpus {
                let message = format!(
                    "it asks for {} of memory and {} cards; this machine offers {} and {}",
                    show_size(need.memory),
                    need.gpu,
                    show_size(capacity.memory),
                    capacity.gpus
                );
                refused = true;
                self.over(id, Status::Failed, Some(message), None, 0.0);
                continue;
            }
            let fits = need.cores <= self.free.cores
                && need.memory <= self.free.memory
                && need.gpu <= self.free.gpus;
            if !fits {
                continue;
            }
            self.free.cores -= need.cores;
            self.free.memory -= need.memory;
            self.free.gpus -= need.gpu;
            let State::Ready(ready) = std::mem::replace(&mut self.states[id], State::Over) else {
                unreachable!("checked above");
            };
            self.states[id] = State::Running(need, ready.key);
            let job = RunningJob {
                plan: self.plan,
                store: self.store,
                executor: self.executor,
                cancel: self.options.cancel,
                sender: self.sender.clone(),
                id,
                name: self.name(id),
                resources: need,
                inputs: self
                    .plan
                    .reads(id)
                    .filter_map(|from| match &self.states[from] {
                        State::Done(record) => Some((from, (**record).clone())),
                        _ => None,
                    })
                    .collect(),
                verified: self.verified,
                ready,
            };
            scope.spawn(move || job.run());
        }
        refused
    }

    fn ended(&mut self, id: JobId, outcome: Outcome, seconds: f64) -> Result<(), Error> {
        let State::Running(taken, key) = self.states[id] else {
            unreachable!("only a running job ends");
        };
        self.free.cores += taken.cores;
        self.free.memory += taken.memory;
        self.free.gpus += taken.gpu;
        match outcome {
            Outcome::Ran(record) => self.done(id, record, Status::Ran, seconds)?,
            Outcome::Found(record) => self.done(id, record, Status::Cached, seconds)?,
            Outcome::Failed(message) => {
                let log = Some(self.store.log(&key));
                self.over(id, Status::Failed, Some(message), log, seconds);
            }
            Outcome::Cancelled => self.over(id, Status::Cancelled, None, None, seconds),
            Outcome::StoreFailed(error) => {
                let message = error.to_string();
                self.over(id, Status::Failed, Some(message), None, seconds);
                if error.is_disk_full() {
                    return Err(error);
                }
            }
            Outcome::Damaged(producers) => {
                for (from, judged) in producers {
                    // Another reader may have told of it before.
                    let same =
                        matches!(&self.states[from], State::Done(record) if **record == judged);
                    if same {
                        self.make_again(from);
                    }
                }
                self.states[id] = State::Waiting;
            }
        }
        Ok(())
    }

    /// What a job left is damaged: it has to run again, and what would read it waits.
    fn make_again(&mut self, id: JobId) {
        let message = format!(
            "what {} left was damaged in the store; it is set aside and made again",
            self.plan.jobs[id].name
        );
        self.tell(&Event::Warning { message });
        self.states[id] = State::Waiting;
        for reader in self.plan.readers(id).collect::<Vec<_>>() {
            if matches!(self.states[reader], State::Ready(_)) {
                self.states[reader] = State::Waiting;
            }
        }
    }

    fn over(
        &mut self,
        id: JobId,
        status: Status,
        message: Option<String>,
        log: Option<PathBuf>,
        seconds: f64,
    ) {
        self.states[id] = State::Over;
        self.ends[id] = Some(status);
        let job = self.name(id);
        self.tell(&Event::JobEnded(Ended {
            job,
            status,
            seconds,
            message,
            log,
            artifact: None,
            views: Vec::new(),
            verdict: None,
        }));
    }

    fn done(
        &mut self,
        id: JobId,
        record: Box<Record>,
        status: Status,
        seconds: f64,
    ) -> Result<(), Error> {
        let name = self.name(id);
        self.ends[id] = Some(status);
        self.states[id] = State::Done(record.clone());
        let views = Views {
            folder: self.options.views.clone(),
            store: self.store,
        };
        let (mut shown, mut problems) = (Vec::new(), Vec::new());
        let mut verdict = None;
        for (n, output) in self.plan.outputs(id).iter().enumerate() {
            let part = output.part(&record.artifact);
            let name = self.plan.output_name(id, n);
            let section = output.artifact.section();
            let copied = output.artifact.is_copied();
            match views.show(section, &name, &part, copied, &mut self.ledger) {
                Err(error) if error.is_disk_full() => return Err(error),
                // Without a view the artifact is there all the same.
                Err(error) => {
                    let message = format!("{name} cannot be shown: {error}");
                    self.tell(&Event::Warning { message });
                }
                Ok((paths, left)) => {
                    shown.extend(paths);
                    problems.extend(left);
                }
            }
            if output.artifact == ArtifactType::Verdict {
                verdict = Some(self.verdict(&name, &part));
            }
        }
        for problem in problems {
            let message = format!(
                "{} is left as it is: {}",
                problem.path.display(),
                problem.message
            );
            self.tell(&Event::Warning { message });
        }
        self.shown.extend(shown.iter().cloned());
        self.tell(&Event::JobEnded(Ended {
            job: name.clone(),
            status,
            seconds,
            message: None,
            log: (status == Status::Ran).then(|| self.store.log(&record.key)),
            artifact: Some(record.artifact.digest()),
            views: shown,
            verdict,
        }));
        self.ledger.jobs.insert(name, record.key);
        if status == Status::Ran && self.saved.elapsed() > Duration::from_secs(1) {
            self.store
                .save_ledger(&self.plan.pipeline.name, &self.ledger)?;
            self.saved = Instant::now();
        }
        Ok(())
    }

    /// The verdict that a job left; one that cannot be read does not hold.
    fn verdict(&self, name: &str, artifact: &Artifact) -> Verdict {
        let file = artifact.files.get(Verdict::FILE);
        let text = file.and_then(|file| fs::read(self.store.object(&file.digest)).ok());
        let verdict = text.and_then(|text| serde_json::from_slice(&text).ok());
        verdict.unwrap_or_else(|| Verdict {
            says: format!("the verdict of {name} cannot be read"),
            holds: false,
            rows: 0,
            held: 0,
            source: None,
            against: Vec::new(),
        })
    }
}

/// One job, in its own thread.
struct RunningJob<'a> {
    plan: &'a Plan,
    store: &'a Store,
    executor: &'a dyn Executor,
    cancel: &'a AtomicBool,
    sender: Sender<Message>,
    id: JobId,
    name: String,
    resources: Resources,
    inputs: BTreeMap<JobId, Record>,
    verified: &'a Mutex<BTreeSet<Digest>>,
    ready: Box<Ready>,
}

impl Monitor for RunningJob<'_> {
    fn progress(&self, progress: Progress) {
        self.say(Event::JobProgress {
            job: self.name.clone(),
            progress,
        });
    }

    fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }
}

impl RunningJob<'_> {
    fn say(&self, event: Event) {
        // The engine listens until every job's thread has ended.
        let _ = self.sender.send(Message::Event(Box::new(event)));
    }

    fn run(self) {
        let start = Instant::now();
        // Whatever happens here, the engine must hear that the job has ended.
        let work = std::panic::AssertUnwindSafe(|| self.work());
        let outcome = match std::panic::catch_unwind(work) {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => Outcome::StoreFailed(error),
            Err(_) => Outcome::Failed("this is a bug of etude: its engine panicked".into()),
        };
        let seconds = start.elapsed().as_secs_f64();
        let _ = self
            .sender
            .send(Message::Ended(self.id, Box::new(outcome), seconds));
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
        if let Lookup::Present(record) = self.store.lookup(&key) {
            return Ok(Outcome::Found(record));
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
        while self.store.is_checkpoint_held(&key) {
            if self.cancelled() {
                return Ok(Outcome::Cancelled);
            }
            std::thread::sleep(TICK);
        }
        let outcome = self.attempt(&lock, earlier.as_ref())?;
        match outcome {
            Outcome::Ran(_) => self.store.discard_checkpoint(&key),
            _ => self.store.tidy_checkpoint(&key),
        }
        Ok(outcome)
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
            Ok(Outcome::Failed(message))
        };
        let scratch = self.store.scratch()?;
        let begun = Instant::now();
        let started = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let task = self.task(&scratch, earlier.map(|(_, earlier)| earlier));
        self.open_log(&log, &task, started)?;
        if let Some(file) = self.changed_outside() {
            let file = file.display();
            return failed(format!("{file} was changed while the job waited"));
        }
        let before = stamps(&task);
        match self.open_checkpoint(lock, &before)? {
            Left::Nothing => {}
            Left::Saved => note(&log, "finds what an attempt before it saved"),
            Left::Discarded => {
                let message = format!(
                    "what an attempt at {} saved came from files that have changed, or from another device; it starts anew",
                    self.name
                );
                note(&log, &message);
                self.say(Event::Warning { message });
            }
        }
        if let Some((from, _)) = earlier {
            note(&log, &format!("starts from {from}: {}", from.key));
        }
        match self.executor.run(&task, &log, self) {
            Ok(()) => {}
            Err(Failure::Cancelled) => {
                note(&log, "cancelled");
                return Ok(Outcome::Cancelled);
            }
            Err(Failure::Failed(message)) => return failed(message),
        }
        let changed = before
            .into_iter()
            .find(|(path, was)| Stamp::of(path) != *was);
        if let Some(file) = changed
            .map(|(path, _)| path)
            .or_else(|| self.changed_outside())
        {
            // What it left for its next attempt came from the same mixture.
            self.store.discard_checkpoint(&key);
            let file = file.display();
            return failed(format!("{file} was changed while the job read it"));
        }
        let artifact = match self.store.take_in(&scratch) {
            Err(error @ (Error::Empty | Error::NotAFile(_))) => return failed(error.to_string()),
            taken => taken?,
        };
        if let Some(before) = &self.ready.before
            && before.artifact != artifact
        {
            self.say(Event::Warning {
                message: format!(
                    "{} gave other bytes than when it last ran with the same inputs and parameters",
                    self.name
                ),
            });
        }
        let record = Record {
            key,
            fingerprint: self.ready.fingerprint.0.clone(),
            artifact,
            job: self.name.clone(),
            started,
            seconds: begun.elapsed().as_secs_f64(),
            device: self.device().into(),
            started_from: earlier.map(|(from, _)| from.clone()),
        };
        self.store.commit(&record)?;
        self.join_family();
        note(&log, &format!("done in {:.1} s", record.seconds));
        Ok(Outcome::Ran(Box::new(record)))
    }

    fn task(&self, scratch: &Scratch, earlier: Option<&Earlier>) -> Task {
        let instance = self.plan.instance(self.id);
        let artifact = |from| {
            self.inputs
                .get(&from)
                .map(|record: &Record| &record.artifact)
        };
        let variables = instance.environment.iter();
        let set = variables.filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
        Task {
            job: self.name.clone(),
            kind: self.plan.kind(self.id).name.to_string(),
            parameters: (*instance.full).clone(),
            inputs: inputs(self.plan, self.id, self.store, artifact)
                .expect("a job runs when its inputs are known"),
            outside: instance.outside.clone(),
            environment: set.collect(),
            root: self.plan.pipeline.root.clone(),
            earlier: earlier.cloned(),
            out: scratch.out(),
            checkpoint: self.store.checkpoint(&self.ready.key),
            device: match self.plan.kind(self.id).uses_device {
                true => instance.device,
                // Not its own choice: what it computes with is what it asked for.
                false if self.resources.gpu > 0 => Device::Cuda,
                false => Device::Cpu,
            },
            cores: self.resources.cores,
            time: self.resources.time,
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

    fn open_checkpoint(
        &self,
        lock: &Lock,
        stamps: &[(PathBuf, Option<Stamp>)],
    ) -> Result<Left, Error> {
        let inputs = stamps.iter();
        let inputs = inputs.filter_map(|(path, stamp)| Some((path.as_path(), (*stamp)?)));
        let outside = self.ready.outside.values().flat_map(BTreeMap::values);
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
            let Ok(now) = survey(path) else {
                return Some(path.clone());
            };
            let come = now.iter().find(|(name, _)| !before.contains_key(*name));
            if let Some((_, seen)) = come {
                return Some(seen.path.clone());
            }
            let other = before
                .iter()
                .find(|(name, (seen, _))| now.get(*name).is_none_or(|now| now.stamp != seen.stamp));
            if let Some((_, (seen, _))) = other {
                return Some(seen.path.clone());
            }
        }
        None
    }

    /// The jobs whose artifacts are not what their records say; their bad objects are set aside.
    fn damaged_inputs(&self) -> Result<BTreeMap<JobId, Record>, Error> {
        let mut damaged = BTreeMap::new();
        for (id, record) in &self.inputs {
            for file in record.artifact.files.values() {
                let known = |set: &Mutex<BTreeSet<Digest>>| {
                    set.lock()
                        .unwrap_or_else(|p| p.into_inner())
                        .contains(&file.digest)
                };
                if known(self.verified) {
                    continue;
                }
                if self.store.verify(file)? {
                    let mut verified = self.verified.lock().unwrap_or_else(|p| p.into_inner());
                    verified.insert(file.digest);
                } else {
                    damaged.insert(*id, record.clone());
                }
            }
        }
        Ok(damaged)
    }

    fn open_log(&self, log: &Path, task: &Task, started: u64) -> Result<(), Error> {
        let parameters = serde_json::to_string(&task.parameters).expect("plain data");
        let text = format!(
            "job {}\nkey {}\nkind {}\nparameters {parameters}\nstarted {started} (seconds since 1970)\n",
            self.name, self.ready.key, task.kind
        );
        crate::store::write_atomically(log, text.as_bytes())
    }
}

/// The stamp of every file of an artifact that a task reads.
fn stamps(task: &Task) -> Vec<(PathBuf, Option<Stamp>)> {
    let inputs = task.inputs.values().flatten();
    let files = inputs.flat_map(|input| input.files.values());
    let earlier = task.earlier.iter();
    let files = files.chain(earlier.flat_map(|earlier| earlier.files.values()));
    files.map(|path| (path.clone(), Stamp::of(path))).collect()
}

/// Adds a line to a log; a log that cannot be written stops nothing.
fn note(log: &Path, line: &str) {
    if let Ok(mut file) = fs::File::options().append(true).open(log) {
        let _ = writeln!(file, "{line}");
    }
}
