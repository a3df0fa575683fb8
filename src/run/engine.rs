//! The engine's one loop and all its state. Work is done once an input settles, never by looking at every job again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::Scope;
use std::time::{Duration, Instant};

use super::earlier::{retire, shown};
use super::event::{Ended, Event, Retried, Status, Summary};
use super::executor::Executor;
use super::job::{Made, Message, Outcome, Ready, RunningJob, TICK, verify_once};
use super::order::{Rank, ranks};
use super::{Options, Slots};
use crate::pipeline::{
    ArtifactType, Cardinality, Cause, Device, HOLES, Judged, Keep, Resources, Verdict, WARNINGS,
    show_size,
};
use crate::plan::{
    ExternalDigests, Fingerprint, JobId, Known, Plan, Reason, holes, reason, runs_read,
    shows_tables,
};
use crate::store::{Artifact, Digest, Error, Ledger, Lookup, Snapshot, Store, Views};

/// The state of a job during a run.
enum State {
    /// Something it reads is not settled, or it has yet to be looked up.
    Waiting,
    /// It can run when there is room.
    Ready(Box<Ready>),
    /// It runs.
    Running,
    /// It has its artifact.
    Done(Made),
    /// It ended without one.
    Over,
}

impl State {
    fn is_settled(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Over)
    }
}

/// The views of an artifact.
#[derive(Default)]
struct Shown {
    paths: Vec<PathBuf>,
    /// Those that were not shown before, or with other bytes.
    changed: Vec<PathBuf>,
}

/// What jobs take of the machine: those that take the same wait in one line.
type Need = (u32, u64, u32);

/// What attempts at a job took so far, and what the next may take.
struct Attempts {
    failed: u32,
    resources: Resources,
}

pub(super) struct Engine<'a, 'o> {
    plan: &'a Plan,
    store: &'a Store,
    executor: &'a dyn Executor,
    options: &'a Options<'a>,
    observe: &'o mut dyn FnMut(&Event),
    sender: Sender<Message>,
    states: Vec<State>,
    /// How many of the jobs that a job reads are not settled.
    unsettled: Vec<u32>,
    /// Jobs to look up.
    open: VecDeque<JobId>,
    /// Jobs that became ready and stand in no line yet.
    come: Vec<JobId>,
    lines: BTreeMap<Need, BTreeSet<(Rank, JobId)>>,
    ranks: Option<Vec<Rank>>,
    /// How often the first of all that wait was passed over.
    passed: (JobId, u32),
    running: BTreeMap<JobId, (Resources, Vec<usize>)>,
    slots: Slots,
    attempts: BTreeMap<JobId, Attempts>,
    /// Jobs that ran again as they were told.
    repeated: BTreeSet<JobId>,
    /// Jobs whose records are there without their bytes: released after use, or not restored.
    released: BTreeSet<JobId>,
    /// Those of them that a job needs once more.
    needed: BTreeSet<JobId>,
    /// How many readers each job has that have not been done in this run.
    unread: Vec<u32>,
    /// Jobs that all have read, and that are kept no longer.
    used: BTreeSet<JobId>,
    ledger: Ledger,
    snapshot: Snapshot,
    saved: Instant,
    freed: Instant,
    /// How each job ended; one that is done again after damage ends twice and counts once.
    ends: Vec<Option<Status>>,
    differing: usize,
    /// The views of this run's artifacts.
    shown: BTreeSet<OsString>,
    /// How many views could not be placed.
    unshown: usize,
    /// Objects whose bytes were read and found right during this run.
    verified: &'a Mutex<BTreeSet<Digest>>,
    /// Set when the run is to end because a job failed.
    give_up: &'a AtomicBool,
}

/// How often the first that waits is passed over by others, until room is kept for it.
const PATIENCE: u32 = 8;

/// How often what is used up is released; all records are read for it.
const RELEASE: Duration = Duration::from_secs(60);

/// How often the ledger is saved while jobs run.
const PACE: Duration = Duration::from_secs(1);

impl<'a, 'o> Engine<'a, 'o> {
    pub fn new(
        plan: &'a Plan,
        store: &'a Store,
        executor: &'a dyn Executor,
        options: &'a Options<'a>,
        observe: &'o mut dyn FnMut(&Event),
        sender: Sender<Message>,
        (verified, give_up): (&'a Mutex<BTreeSet<Digest>>, &'a AtomicBool),
    ) -> Self {
        let count = |edges: usize| u32::try_from(edges).expect("a plan has fewer jobs than that");
        let jobs = 0..plan.jobs.len();
        Engine {
            plan,
            store,
            executor,
            options,
            observe,
            sender,
            states: jobs.clone().map(|_| State::Waiting).collect(),
            unsettled: jobs
                .clone()
                .map(|id| count(plan.reads(id).count()))
                .collect(),
            unread: jobs
                .clone()
                .map(|id| count(plan.readers(id).count()))
                .collect(),
            open: VecDeque::new(),
            come: Vec::new(),
            lines: BTreeMap::new(),
            ranks: None,
            passed: (0, 0),
            running: BTreeMap::new(),
            slots: Slots::of(&options.capacity),
            attempts: BTreeMap::new(),
            repeated: BTreeSet::new(),
            released: BTreeSet::new(),
            needed: BTreeSet::new(),
            used: BTreeSet::new(),
            ledger: store.ledger(&plan.pipeline.shown),
            snapshot: store.snapshot(&plan.pipeline.shown),
            saved: Instant::now(),
            freed: Instant::now(),
            ends: vec![None; plan.jobs.len()],
            differing: 0,
            shown: BTreeSet::new(),
            unshown: 0,
            verified,
            give_up,
        }
    }

    pub fn run<'scope>(
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
        let first = (0..self.states.len()).filter(|id| self.unsettled[*id] == 0);
        self.open = first.collect();
        loop {
            if fatal.is_none() && !self.stops() {
                if let Err(error) = self.look_up() {
                    fatal = Some(error);
                    continue;
                }
                if self.launch(scope) {
                    continue;
                }
            }
            if self.running.is_empty() {
                break;
            }
            if self.freed.elapsed() > RELEASE {
                self.freed = Instant::now();
                self.release();
            }
            match receiver.recv_timeout(TICK) {
                Ok(Message::Event(event)) => self.tell(&event),
                Ok(Message::Ended(id, ended, seconds)) => {
                    let (outcome, ready) = *ended;
                    if let Err(error) = self.ended(id, outcome, ready, seconds) {
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
        self.release();
        let mut summary = Summary::default();
        self.ends
            .iter()
            .flatten()
            .for_each(|status| summary.count(*status));
        summary.differing = self.differing;
        summary.seconds = start.elapsed().as_secs_f64();
        if fatal.is_none() && self.options.prune && summary.is_complete() {
            let shown = &self.shown;
            let views = self.views();
            views.clear_earlier(&mut self.ledger);
            views.prune(&mut self.ledger, |path| shown.contains(path.as_os_str()));
            let plan = self.plan;
            self.ledger.jobs.retain(|job, _| plan.find(job).is_some());
        } else {
            self.snapshot.keep_the_rest();
        }
        self.retire();
        summary.unshown = self.unshown;
        let saved = self.save_ledger();
        let name = &self.plan.pipeline.shown;
        let saved = saved.and(self.store.save_snapshot(name, &self.snapshot));
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

    fn warn(&mut self, message: String) {
        self.tell(&Event::Warning { message });
    }

    /// Whether nothing more is to start.
    fn stops(&self) -> bool {
        self.options.cancel.load(Ordering::Relaxed) || self.give_up.load(Ordering::Relaxed)
    }

    fn name(&self, id: JobId) -> String {
        self.plan.jobs[id].name.to_string()
    }

    fn views(&self) -> Views<'a> {
        Views {
            folder: self.options.views.clone(),
            store: self.store,
        }
    }

    fn save_ledger(&mut self) -> Result<(), Error> {
        self.views().forget_replaced(&mut self.ledger);
        self.store
            .save_ledger(&self.plan.pipeline.shown, &mut self.ledger)
    }

    /// Looks up every job whose inputs are settled, until none is left.
    fn look_up(&mut self) -> Result<(), Error> {
        // Taken once for all of them; where it cannot be, each says so.
        let _hold = self.store.hold();
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
            self.over(id, Status::Skipped, Some((None, message)), None, 0.0);
            return Ok(());
        }
        let outside = match looked.outside(self.plan, id) {
            Ok(outside) => outside,
            Err(error) => {
                self.over(
                    id,
                    Status::Failed,
                    Some((Some(Cause::Error), error.to_string())),
                    None,
                    0.0,
                );
                return Ok(());
            }
        };
        let fingerprint = Fingerprint::of(self.plan, id, &outside, |from| self.known(from));
        let fingerprint = fingerprint.expect("everything that it reads is settled");
        let key = fingerprint.key();
        let again = self.options.again.contains(&id) && !self.repeated.contains(&id);
        if !again && let Some(artifact) = self.snapshot.artifact(self.store, &key) {
            return self.done(id, Made { key, artifact }, Status::Cached, 0.0);
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
            Lookup::Released(record) if again || self.is_needed(id) => {
                (Some(record), Reason::Released)
            }
            Lookup::Released(record) => {
                self.released.insert(id);
                return self.done(id, Made::from(*record), Status::Cached, 0.0);
            }
            Lookup::Absent => {
                let why = reason(self.plan, id, &fingerprint, self.store, &self.ledger);
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
        self.come.push(id);
        Ok(())
    }

    /// Whether an artifact that is known without its bytes is made again.
    fn is_needed(&self, id: JobId) -> bool {
        let is_there = |from: JobId| !self.released.contains(&from);
        self.needed.contains(&id)
            || shows_tables(self.plan, id) && self.plan.reads(id).all(is_there)
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
    fn holes(&self, id: JobId) -> Vec<String> {
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
    fn holes_of(&self, made: &Made) -> Vec<String> {
        self.lines_of(made, HOLES)
    }

    /// The lines of a file that an artifact may have beside its result.
    fn lines_of(&self, made: &Made, file: &str) -> Vec<String> {
        let file = made.artifact.files.get(file);
        let text = file.and_then(|file| fs::read(self.store.object(&file.digest)).ok());
        text.and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    /// Whether an artifact has the bytes it should have. Those that may have changed since they were last read are read.
    fn is_whole(&self, key: &Digest, artifact: &Artifact) -> Result<bool, Error> {
        let mut whole = true;
        // Each is looked at, so that all that are damaged are set aside.
        for file in self.snapshot.unsure(self.store, key, artifact) {
            whole &= verify_once(self.store, file, self.verified)?;
        }
        Ok(whole)
    }

    /// Tells all that read a job that it is settled.
    fn settle(&mut self, id: JobId) {
        for reader in self.plan.readers(id) {
            self.unsettled[reader] -= 1;
            if self.unsettled[reader] == 0 {
                self.open.push_back(reader);
            }
        }
    }

    /// What a job left is damaged or was released: it has to run again, and what would read it waits.
    fn make_again(&mut self, id: JobId) {
        debug_assert!(self.states[id].is_settled());
        self.states[id] = State::Waiting;
        self.open.push_back(id);
        let plan = self.plan;
        for reader in plan.readers(id) {
            self.unsettled[reader] += 1;
            if matches!(self.states[reader], State::Ready(_)) {
                self.leave_line(reader);
                self.states[reader] = State::Waiting;
            } else if shows_tables(plan, reader) && self.released.remove(&reader) {
                // What it lacked comes back, and it is looked up once more after that.
                self.make_again(reader);
            }
        }
    }

    /// Gives back the bytes of what all have read, as its stage declares; what cannot be released now is so the next time.
    fn release(&mut self) {
        let made = |id: &JobId| match &self.states[*id] {
            State::Done(made) => Some((made.key, *id)),
            _ => None,
        };
        let used: BTreeMap<Digest, JobId> = self.used.iter().filter_map(made).collect();
        if used.is_empty() {
            return;
        }
        let keys: Vec<Digest> = used.keys().copied().collect();
        match self.store.release(&keys) {
            Ok(released) => {
                for id in released.iter().map(|key| used[key]) {
                    self.used.remove(&id);
                    self.released.insert(id);
                }
            }
            Err(error) => self.warn(format!("what is used up could not be released: {error}")),
        }
    }

    /// Notes that a job has read what it reads, the first time that it is done.
    fn has_read(&mut self, id: JobId) {
        if self.ends[id].is_some() {
            return;
        }
        for from in self.plan.reads(id) {
            self.unread[from] -= 1;
            let kept = self.plan.instance(from).keep == Keep::Always;
            // A plan that is narrowed does not know all readers.
            if self.unread[from] == 0
                && !kept
                && self.options.release
                && !self.released.contains(&from)
            {
                self.used.insert(from);
            }
        }
    }

    fn warn_of_damage(&mut self, id: JobId) {
        self.warn(format!(
            "what {} left was damaged in the store; it is set aside and made again",
            self.plan.jobs[id].name
        ));
    }

    /// What a job takes: never more cores than there are nor an estimate of more memory, and a card where it would use one.
    fn resources(&self, id: JobId) -> Resources {
        let instance = self.plan.instance(id);
        let grown = self.attempts.get(&id).map(|attempts| attempts.resources);
        let mut resources = grown.unwrap_or(instance.resources);
        let capacity = &self.options.capacity;
        resources.cores = resources.cores.min(capacity.cores).max(1);
        // What is a mere estimate keeps no job from a small machine.
        if !resources.limited {
            resources.memory = resources.memory.min(capacity.memory);
        }
        let kind = self.plan.kind(id);
        let wants_card = match instance.device {
            Device::Auto => kind.takes_card,
            Device::Cuda => kind.uses_device,
            Device::Cpu => false,
        };
        if wants_card && !capacity.cards().is_empty() {
            resources.gpu = resources.gpu.max(1);
        }
        resources
    }

    fn need(&self, id: JobId) -> Need {
        let resources = self.resources(id);
        (resources.cores, resources.memory, resources.gpu)
    }

    fn leave_line(&mut self, id: JobId) {
        let need = self.need(id);
        let rank = self.ranks.as_ref().map(|ranks| ranks[id]);
        if let (Some(rank), Some(line)) = (rank, self.lines.get_mut(&need)) {
            line.remove(&(rank, id));
        }
        self.come.retain(|come| *come != id);
    }

    /// Puts jobs that became ready into the line of those that take the same. Whether one ended right here, because it never
    /// will fit.
    fn stand_in_line(&mut self) -> bool {
        let mut refused = false;
        if !self.come.is_empty() && self.ranks.is_none() {
            let is_done = |id: JobId| matches!(self.states[id], State::Done(_));
            self.ranks = Some(ranks(self.plan, is_done));
        }
        for id in std::mem::take(&mut self.come) {
            let need = self.resources(id);
            let capacity = &self.options.capacity;
            let cards = capacity.cards().len();
            if need.memory > capacity.memory || need.gpu as usize > cards {
                let mut message = format!(
                    "it asks for {} of memory and {} cards; this machine offers {} and {}",
                    show_size(need.memory),
                    need.gpu,
                    show_size(capacity.memory),
                    cards
                );
                if need.memory > capacity.memory {
                    message.push_str("; `[machine] memory` in etude.toml says how much there is, and `resources` of the stage what it takes");
                }
                if need.gpu as usize > cards {
                    message.push_str("; `[machine] cards` in etude.toml says which there are");
                }
                refused = true;
                self.over(
                    id,
                    Status::Failed,
                    Some((Some(Cause::Error), message)),
                    None,
                    0.0,
                );
                continue;
            }
            let rank = self
                .ranks
                .as_ref()
                .map_or(Rank::default(), |ranks| ranks[id]);
            self.lines
                .entry((need.cores, need.memory, need.gpu))
                .or_default()
                .insert((rank, id));
        }
        refused
    }

    /// Starts jobs while there is room, the first in order before all others; one that does not fit lets others pass, but
    /// not for ever. Whether something ended right here.
    fn launch<'scope>(&mut self, scope: &'scope Scope<'scope, '_>) -> bool
    where
        'a: 'scope,
    {
        let mut refused = self.stand_in_line();
        loop {
            let heads = self.lines.iter();
            let heads = heads.filter_map(|(need, line)| Some((*line.first()?, *need)));
            let mut heads: Vec<((Rank, JobId), Need)> = heads.collect();
            heads.sort_unstable();
            let fits = heads.iter().find(|(_, need)| self.slots.fits(*need));
            let (Some((first, _)), Some((next, need))) = (heads.first(), fits) else {
                return refused;
            };
            if first != next {
                if self.passed.0 != first.1 {
                    self.passed = (first.1, 0);
                }
                if self.passed.1 >= PATIENCE {
                    return refused;
                }
                self.passed.1 += 1;
            }
            let (next, need) = (*next, *need);
            self.lines.get_mut(&need).map(|line| line.remove(&next));
            refused |= self.start(scope, next.1);
        }
    }

    /// Starts a job, unless something it reads has to be made again first.
    fn start<'scope>(&mut self, scope: &'scope Scope<'scope, '_>, id: JobId) -> bool
    where
        'a: 'scope,
    {
        let gone: Vec<JobId> = self
            .plan
            .reads(id)
            .filter(|from| self.released.contains(from))
            .collect();
        if !gone.is_empty() {
            self.states[id] = State::Waiting;
            for from in gone {
                self.needed.insert(from);
                // One of them may wait already, for another of them.
                if self.released.remove(&from) {
                    self.make_again(from);
                }
            }
            return true;
        }
        let resources = self.resources(id);
        let cards = self.slots.take(&resources);
        let names = self.options.capacity.cards.as_ref();
        let names = names.map(|all| cards.iter().map(|at| all[*at].clone()).collect());
        let State::Ready(ready) = std::mem::replace(&mut self.states[id], State::Over) else {
            unreachable!("only jobs that are ready stand in line");
        };
        self.states[id] = State::Running;
        self.running.insert(id, (resources, cards));
        let inputs = self
            .plan
            .reads(id)
            .filter_map(|from| match &self.states[from] {
                State::Done(made) => Some((from, made.clone())),
                _ => None,
            });
        let job = RunningJob {
            plan: self.plan,
            store: self.store,
            executor: self.executor,
            compare: self.options.compare,
            cancel: self.options.cancel,
            give_up: self.give_up,
            sender: self.sender.clone(),
            id,
            name: self.name(id),
            resources,
            cards: names,
            inputs: inputs.collect(),
            holes: self.holes(id),
            verified: self.verified,
            ready,
        };
        scope.spawn(move || job.run());
        false
    }

    fn ended(
        &mut self,
        id: JobId,
        outcome: Outcome,
        ready: Box<Ready>,
        seconds: f64,
    ) -> Result<(), Error> {
        let taken = self.running.remove(&id);
        let (resources, cards) = taken.expect("only a running job ends");
        self.slots.give_back(&resources, &cards);
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
            Outcome::Failed(cause, message) if self.tries_again(id, cause, &resources) => {
                let failed = self.attempts[&id].failed;
                self.tell(&Event::JobRetried(Retried {
                    job: self.name(id),
                    cause,
                    message,
                    attempt: failed + 1,
                    of: self.plan.instance(id).retry.max + 1,
                }));
                self.states[id] = State::Ready(ready);
                self.come.push(id);
            }
            Outcome::Failed(cause, message) => {
                let log = Some(self.store.log(&ready.key));
                self.over(
                    id,
                    Status::Failed,
                    Some((Some(cause), message)),
                    log,
                    seconds,
                );
            }
            Outcome::Cancelled => self.over(id, Status::Cancelled, None, None, seconds),
            Outcome::StoreFailed(error) => {
                let message = Some((Some(Cause::Error), error.to_string()));
                self.over(id, Status::Failed, message, None, seconds);
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

    /// Whether there is another attempt after one that ended so; if there is, what it may take.
    fn tries_again(&mut self, id: JobId, cause: Cause, taken: &Resources) -> bool {
        let retry = self.plan.instance(id).retry.clone();
        let failed = self.attempts.get(&id).map_or(0, |attempts| attempts.failed);
        if failed >= retry.max || !retry.on.contains(&cause) || self.stops() {
            return false;
        }
        let mut resources = *taken;
        match cause {
            Cause::Oom => {
                let grown = (resources.memory as f64 * retry.grow.memory) as u64;
                resources.memory = grown.min(self.options.capacity.memory);
            }
            Cause::Time => {
                let grown = |time: u64| (time as f64 * retry.grow.time) as u64;
                resources.time = resources.time.map(grown);
            }
            Cause::Crash | Cause::Error => {}
        }
        let failed = failed + 1;
        self.attempts.insert(id, Attempts { failed, resources });
        true
    }

    fn over(
        &mut self,
        id: JobId,
        status: Status,
        why: Option<(Option<Cause>, String)>,
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
        if status == Status::Failed && self.options.fail_fast {
            self.give_up.store(true, Ordering::Relaxed);
        }
        self.settle(id);
    }

    fn done(&mut self, id: JobId, made: Made, status: Status, seconds: f64) -> Result<(), Error> {
        let name = self.name(id);
        self.has_read(id);
        self.ends[id] = Some(status);
        if status == Status::Ran {
            self.released.remove(&id);
        }
        self.states[id] = State::Done(made.clone());
        self.settle(id);
        // What goes again after use is not shown, nor what is not there.
        let is_there = !self.released.contains(&id);
        let shown = match self.plan.instance(id).keep {
            Keep::Always if is_there => self.show(id, &made)?,
            _ => Shown::default(),
        };
        let mut outputs = self.plan.outputs(id).iter();
        let verdict = outputs.any(|output| output.artifact == ArtifactType::Verdict);
        let verdict = verdict.then(|| self.verdict(&name, &made));
        let paths = shown.paths.iter();
        let paths = paths.map(|path| path.clone().into_os_string());
        self.shown.extend(paths);
        self.tell(&Event::JobEnded(Box::new(Ended {
            log: (status == Status::Ran).then(|| self.store.log(&made.key)),
            artifact: Some(made.artifact.digest()),
            views: shown.paths,
            changed: shown.changed,
            holes: self.holes_of(&made),
            warnings: self.lines_of(&made, WARNINGS),
            verdict,
            ..Ended::new(name.clone(), status, seconds)
        })));
        self.ledger.jobs.insert(name, made.key);
        if status == Status::Ran && self.saved.elapsed() > PACE {
            self.save_ledger()?;
            self.saved = Instant::now();
        }
        Ok(())
    }

    /// Shows an artifact to people; without a view it is there all the same.
    fn show(&mut self, id: JobId, made: &Made) -> Result<Shown, Error> {
        let views = self.views();
        let parts = self.plan.parts(id, &made.artifact);
        let names = parts
            .iter()
            .flat_map(|(section, name, part)| Views::names(section, name, part));
        let names: Vec<String> = names.collect();
        let seen = self
            .snapshot
            .views(&made.key, &made.artifact, &views.folder, &names);
        if let Some(paths) = seen {
            self.snapshot.stands(&made.key);
            let changed = Vec::new();
            return Ok(Shown { paths, changed });
        }
        let before: Vec<Option<Digest>> = names
            .iter()
            .map(|name| self.ledger.views.get(name).copied())
            .collect();
        let (mut shown, mut whole) = (Vec::new(), true);
        let outputs = self.plan.outputs(id);
        for ((section, called, part), output) in parts.iter().zip(outputs) {
            let copied = output.artifact.is_copied();
            match views.show(section, called, part, copied, &mut self.ledger) {
                Err(error) if error.is_disk_full() => return Err(error),
                Err(error) => {
                    whole = false;
                    self.unshown += part.files.len();
                    self.warn(format!("{called} cannot be shown: {error}"));
                }
                Ok((paths, problems)) => {
                    whole &= problems.is_empty();
                    self.unshown += problems.len();
                    shown.extend(paths);
                    for problem in problems {
                        let (path, message) = (problem.path.display(), problem.message);
                        self.warn(format!("{path} is left as it is: {message}"));
                    }
                }
            }
        }
        if whole {
            self.snapshot
                .note(self.store, &made.key, &made.artifact, &views.folder, &shown);
        }
        let names = names.iter().zip(before);
        let changed =
            names.filter(|(name, before)| self.ledger.views.get(*name) != before.as_ref());
        let changed = changed.map(|(name, _)| views.folder.join(name));
        Ok(Shown {
            changed: changed.collect(),
            paths: shown,
        })
    }

    /// Moves away what is shown of jobs that failed, or that lack what failed. Of those that were not come to, nobody knows
    /// whether they would be another.
    fn retire(&mut self) {
        let ended = |how: &'static [Status]| {
            let ends = self.ends.iter().enumerate();
            ends.filter(move |(_, end)| end.is_some_and(|end| how.contains(&end)))
                .map(|(id, _)| id)
        };
        let failed: Vec<JobId> = ended(&[Status::Failed, Status::Skipped]).collect();
        let is_shown = |id: &JobId| !shown(self.plan, *id, &self.ledger).is_empty();
        let open = ended(&[Status::Cancelled]).filter(is_shown).count();
        let views = self.views();
        let lines = retire(self.plan, failed.into_iter(), &views, &mut self.ledger);
        lines.into_iter().for_each(|line| self.warn(line));
        if open > 0 {
            self.warn(format!(
                "what is shown of {} not done may be of an earlier run; `etude plan` tells",
                match open {
                    1 => "1 job that was".to_owned(),
                    n => format!("{n} jobs that were"),
                }
            ));
        }
    }

    /// The verdict that a job left; one that cannot be read cannot be judged.
    fn verdict(&self, name: &str, made: &Made) -> Verdict {
        let file = made.artifact.files.get(Verdict::FILE);
        let text = file.and_then(|file| fs::read(self.store.object(&file.digest)).ok());
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
