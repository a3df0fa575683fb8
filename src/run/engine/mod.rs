//! The engine's one loop. Work is done once an input settles, never by looking at every job again.

mod ending;
mod lookup;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender};
use std::thread::Scope;
use std::time::{Duration, Instant};

use super::display::Display;
use super::event::{Event, Status, Summary};
use super::executor::{Executor, Reports, Submission};
use super::job::{Attempt, Job, Made, Message, Pool, Ready, Shared, TICK, Work};
use super::order::{Rank, ranks};
use super::queue::Queue;
use super::release::Releases;
use super::retries::Retries;
use super::{Capacity, Cards, Options};
use crate::pipeline::{Cause, Resources, show_size};
use crate::plan::{JobId, Plan};
use crate::store::{Error, Store};

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

    fn made(&self) -> Option<&Made> {
        match self {
            Self::Done(made) => Some(made),
            _ => None,
        }
    }
}

pub(super) struct Engine<'a, 'o> {
    plan: &'a Plan,
    store: &'a Store,
    executor: &'a dyn Executor,
    options: &'a Options<'a>,
    observe: &'o mut dyn FnMut(&Event),
    run: &'a Shared<'a>,
    sender: Sender<Message>,
    capacity: Capacity,
    states: Vec<State>,
    /// How many of the jobs that a job reads are not settled.
    unsettled: Vec<usize>,
    /// Jobs to look up.
    open: VecDeque<JobId>,
    queue: Queue,
    ranks: Option<Vec<Rank>>,
    retries: Retries,
    releases: Releases,
    display: Display<'a>,
    /// Jobs whose key another process works on.
    busy: Vec<Job>,
    /// When they were tried last.
    tried: Instant,
    /// Jobs that their executor has.
    submitted: BTreeMap<JobId, (Box<Job>, Box<Attempt>)>,
    /// Jobs that ran again as they were told.
    repeated: BTreeSet<JobId>,
    freed: Instant,
    /// How each job ended; one that is done again after damage ends twice and counts once.
    ends: Vec<Option<Status>>,
    differing: usize,
    /// Set when the run is to end because a job failed.
    gives_up: bool,
}

/// How often what is used up is released; all records are read for it.
const RELEASE: Duration = Duration::from_secs(60);

/// The fewest threads that begin and end jobs, and the most.
const THREADS: (u32, u32) = (2, 16);

impl<'a, 'o> Engine<'a, 'o> {
    pub fn new(
        run: &'a Shared<'a>,
        executor: &'a dyn Executor,
        options: &'a Options<'a>,
        observe: &'o mut dyn FnMut(&Event),
        sender: Sender<Message>,
    ) -> Self {
        let (plan, store) = (run.plan, run.store);
        let capacity = executor.capacity(&options.capacity);
        let jobs = 0..plan.jobs.len();
        Engine {
            plan,
            store,
            executor,
            options,
            observe,
            run,
            sender,
            states: jobs.clone().map(|_| State::Waiting).collect(),
            unsettled: jobs.map(|id| plan.reads(id).count()).collect(),
            open: VecDeque::new(),
            queue: Queue::new(&capacity),
            ranks: None,
            retries: Retries::default(),
            releases: Releases::new(plan, options.release),
            display: Display::new(plan, store, &options.views),
            busy: Vec::new(),
            tried: Instant::now(),
            submitted: BTreeMap::new(),
            repeated: BTreeSet::new(),
            freed: Instant::now(),
            ends: vec![None; plan.jobs.len()],
            differing: 0,
            gives_up: false,
            capacity,
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
        let threads = self.capacity.cores.clamp(THREADS.0, THREADS.1);
        let pool = Pool::start(scope, threads as usize, self.run, &self.sender);
        let mut fatal = None;
        let first = (0..self.states.len()).filter(|id| self.unsettled[*id] == 0);
        self.open = first.collect();
        loop {
            if fatal.is_none() && !self.stops() {
                if let Err(error) = self.look_up() {
                    fatal = Some(error);
                    continue;
                }
                if self.launch(&pool) {
                    continue;
                }
            }
            if self.queue.is_idle() {
                break;
            }
            if self.freed.elapsed() > RELEASE {
                self.freed = Instant::now();
                self.give_back();
            }
            if self.tried.elapsed() >= TICK {
                self.tried = Instant::now();
                let busy = std::mem::take(&mut self.busy).into_iter();
                busy.for_each(|job| pool.give(Work::Begin(Box::new(job))));
            }
            if let Ok(message) = receiver.recv_timeout(TICK)
                && let Err(error) = self.hear(scope, &pool, message)
            {
                // What runs is let finish: its work is worth keeping.
                fatal = fatal.or(Some(error));
            }
        }
        for id in 0..self.states.len() {
            if matches!(self.states[id], State::Waiting | State::Ready(_)) {
                self.end_without(id, Status::Cancelled, None);
            }
        }
        self.give_back();
        let mut summary = Summary::default();
        let ends = self.ends.iter().flatten();
        ends.for_each(|status| summary.count(*status));
        summary.differing = self.differing;
        summary.seconds = start.elapsed().as_secs_f64();
        if fatal.is_none() && self.options.prune && summary.is_complete() {
            self.display.prune();
        } else {
            self.display.keep_the_rest();
        }
        let lines = self.display.retire(&self.ends);
        lines.into_iter().for_each(|line| self.warn(line));
        summary.unshown = self.display.unshown;
        let saved = self.display.save();
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

    /// Whether nothing more is to start; then what runs is told to stop.
    fn stops(&self) -> bool {
        let stops = self.gives_up || self.options.cancel.load(Ordering::Relaxed);
        if stops {
            self.run.stop.store(true, Ordering::Relaxed);
        }
        stops
    }

    fn name(&self, id: JobId) -> String {
        self.plan.jobs[id].name.to_string()
    }

    fn give_back(&mut self) {
        let states = &self.states;
        let made = |id: JobId| states[id].made();
        if let Err(error) = self.releases.give_back(self.store, made) {
            self.warn(format!("what is used up could not be released: {error}"));
        }
    }

    fn resources(&self, id: JobId) -> Resources {
        self.retries.resources(self.plan, &self.capacity, id)
    }

    /// Lets jobs that became ready wait for room. Whether one ended right here, because it never will have any.
    fn enqueue(&mut self) -> bool {
        let new = self.queue.take_new();
        if !new.is_empty() && self.ranks.is_none() {
            let is_done = |id: JobId| matches!(self.states[id], State::Done(_));
            self.ranks = Some(ranks(self.plan, is_done));
        }
        let mut refused = false;
        for id in new {
            let need = self.resources(id);
            if let Some(message) = self.exceeds(&need) {
                refused = true;
                self.end_without(id, Status::Failed, Some((Some(Cause::Error), message)));
                continue;
            }
            let ranks = self.ranks.as_ref();
            let rank = ranks.map_or(Rank::default(), |ranks| ranks[id]);
            self.queue.wait(id, &need, rank);
        }
        refused
    }

    /// What a job asks for that is not there.
    fn exceeds(&self, need: &Resources) -> Option<String> {
        let capacity = &self.capacity;
        let cards = capacity.cards.named().len();
        let memory = capacity.memory.min(capacity.memory_per_job);
        let has_cards = capacity.cards == Cards::Any || need.gpu as usize <= cards;
        if need.memory <= memory && has_cards {
            return None;
        }
        let mut lacks = Vec::new();
        if need.memory > memory {
            lacks.push(format!(
                "it asks for {} of memory, and there are {}; `memory` under [machine] in etude.toml says how much there is, and \
                 `resources` of the stage what it takes",
                show_size(need.memory),
                show_size(memory)
            ));
        }
        if !has_cards {
            let asked = match need.gpu {
                1 => "a card".to_owned(),
                n => format!("{n} cards"),
            };
            lacks.push(format!(
                "it asks for {asked}, and there are {cards}; `cards` in etude.toml says which there are, under [machine] or what \
                 the executor is told"
            ));
        }
        let message = lacks.join("; ");
        Some(message)
    }

    /// Begins jobs while there is room. Whether something ended right here.
    fn launch(&mut self, pool: &Pool) -> bool {
        let mut changed = self.enqueue();
        while let Some(id) = self.queue.next() {
            changed |= self.start(pool, id);
        }
        changed
    }

    /// Begins a job, unless something it reads has to be made again first.
    fn start(&mut self, pool: &Pool, id: JobId) -> bool {
        let gone = self.releases.need_for(self.plan, id);
        if !gone.is_empty() {
            self.states[id] = State::Waiting;
            for from in gone {
                // One of them may wait already, for another of them.
                if self.releases.comes_back(from) {
                    self.make_again(from);
                }
            }
            return true;
        }
        let resources = self.resources(id);
        let cards = self.queue.start(id, resources);
        let names = match &self.capacity.cards {
            Cards::Unknown => None,
            Cards::Named(all) => Some(cards.iter().map(|at| all[*at].clone()).collect()),
            // Where it has any, who does its work knows which.
            Cards::Any => (resources.gpu == 0).then(Vec::new),
        };
        let state = std::mem::replace(&mut self.states[id], State::Running);
        let State::Ready(ready) = state else {
            unreachable!("only jobs that are ready wait for room");
        };
        let inputs = self.plan.reads(id);
        let inputs = inputs.filter_map(|from| Some((from, self.states[from].made()?.clone())));
        pool.give(Work::Begin(Box::new(Job {
            id,
            name: self.name(id),
            resources,
            cards: names,
            inputs: inputs.collect(),
            holes: self.holes(id),
            ready,
            start: Instant::now(),
            took: None,
            is_told: false,
        })));
        false
    }

    fn hear<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        pool: &Pool,
        message: Message,
    ) -> Result<(), Error>
    where
        'a: 'scope,
    {
        match message {
            Message::Event(event) => self.tell(&event),
            Message::Busy(mut job) => {
                if !std::mem::replace(&mut job.is_told, true) {
                    let job = job.name.clone();
                    self.tell(&Event::JobWaiting { job });
                }
                self.busy.push(*job);
            }
            Message::Begun(job, attempt) => {
                let (log, stop) = (attempt.task.log.clone(), self.run.stop.clone());
                let (id, name) = (job.id, job.name.clone());
                let submission = Submission {
                    task: attempt.task.clone(),
                    resources: job.resources,
                    spool: attempt.spool.folder().to_path_buf(),
                    reports: Reports::new((id, name), log, self.sender.clone(), stop),
                };
                self.submitted.insert(id, (job, attempt));
                self.executor.submit(scope, submission);
            }
            Message::Placed(id, machine) => {
                if let Some((_, attempt)) = self.submitted.get_mut(&id) {
                    attempt.machine = Some(machine);
                }
            }
            Message::Took(id, started, seconds) => {
                if let Some((job, attempt)) = self.submitted.get_mut(&id) {
                    attempt.took = Some((started, seconds));
                    job.took = Some(seconds);
                }
            }
            Message::Worked(id, how) => {
                if let Some((job, attempt)) = self.submitted.remove(&id) {
                    pool.give(Work::Finish(job, attempt, how));
                }
            }
            Message::Ended(job, outcome) => return self.ended(*job, *outcome),
        }
        Ok(())
    }
}
