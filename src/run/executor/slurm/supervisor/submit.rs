//! Jobs go out: those that ask for the same together, as one array.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{RARELY, Supervisor, Waiting};
use crate::pipeline::Cause;
use crate::run::executor::install::ARRAYS;
use crate::run::executor::slurm::array::{Array, Cell, Sending, name};
use crate::run::executor::slurm::commands::{self, Refused};
use crate::run::executor::slurm::request::{Array as Asked, Request};
use crate::run::executor::under_way::UnderWay;

/// How long is waited for more jobs before those that are there go out, since the last one came and since the first did.
const GATHER: (Duration, Duration) = (Duration::from_millis(300), Duration::from_secs(2));

impl Supervisor {
    /// Submits what waits, once no more seems to come.
    pub(super) fn send_out(&mut self) {
        let most = (self.cluster.array.max(1) * self.cluster.pack.max(1)) as usize;
        let is_ready = |waiting: &Waiting| waiting.after.is_none();
        let ready = self.waiting.iter().filter(|w| is_ready(w)).count();
        let has_gathered = self.came.1.elapsed() >= GATHER.0 || self.came.0.elapsed() >= GATHER.1;
        if ready == 0 || !(has_gathered || ready >= most) {
            return;
        }
        let (ready, rest) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(is_ready);
        self.waiting = rest;
        let mut groups: BTreeMap<Request, Vec<UnderWay>> = BTreeMap::new();
        for Waiting { job, .. } in ready {
            let request = Request::from(&job.submission.resources);
            groups.entry(request).or_default().push(job);
        }
        for (request, mut jobs) in groups {
            while !jobs.is_empty() {
                let rest = jobs.split_off(most.min(jobs.len()));
                self.submit(request, jobs);
                jobs = rest;
            }
        }
        self.pause = self.cluster.poll;
        if self.arrays.values().any(|array| array.unsure.is_some()) {
            self.ask_soon();
        }
    }

    /// Submits jobs as one array.
    fn submit(&mut self, request: Request, jobs: Vec<UnderWay>) {
        let name = name(&jobs);
        let folder = self.folder.join(ARRAYS).join(&name);
        let pack = self.cluster.pack.max(1) as usize;
        let mut array = Array::found();
        let mut jobs = jobs.into_iter().peekable();
        while jobs.peek().is_some() {
            let cell = Cell::of(jobs.by_ref().take(pack).collect());
            let number = u32::try_from(array.cells.len()).expect("an array is not that long");
            array.cells.insert(number, cell);
        }
        match array.lay_out(&name, &folder) {
            Ok(alive) => array.alive = Some(alive),
            Err(why) => return array.fail(Cause::Error, &why),
        }
        let program = match &self.program {
            Ok(program) => program,
            Err(error) => {
                let why = format!("cannot copy this program into the store: {error}");
                return array.fail(Cause::Error, &why);
            }
        };
        let asked = Asked {
            name: &name,
            cells: array.cells.len(),
            pack,
            request,
            root: &self.root,
            folder: &folder,
            excluded: &self.excluded,
        };
        array.unsure = Some(Sending {
            options: asked.options(&self.cluster),
            script: asked.script(&self.cluster, program),
            tries: 0,
            next: Instant::now(),
            why: String::new(),
        });
        self.send(name, array);
    }

    /// Gives an array to Slurm. Where that does not answer, it may have it all the same.
    pub(super) fn send(&mut self, name: String, mut array: Array) {
        let Some(sending) = &mut array.unsure else {
            return;
        };
        sending.tries += 1;
        array.sent = Instant::now();
        match commands::sbatch(&self.cluster.cleared, &sending.options, &sending.script) {
            Ok(_) => array.unsure = None,
            Err(Refused::Unsure(why)) => {
                let pause = self.cluster.poll * (1 << sending.tries.min(5));
                sending.next = Instant::now() + pause.min(RARELY);
                let line = format!("a submission is not taken ({why}); it is tried again");
                let is_first = sending.tries == 1;
                sending.why = why;
                if is_first && let Some(job) = array.cells.values().flat_map(|c| &c.jobs).next() {
                    job.submission.reports.announce(&line);
                }
            }
            Err(Refused::Never(why)) if why.contains("job array") && array.cells.len() > 1 => {
                return self.halve(&name, array);
            }
            Err(Refused::Never(why)) => {
                self.forget(&name);
                return array.fail(Cause::Error, &why);
            }
        }
        self.arrays.insert(name, array);
    }

    /// The site takes no arrays of this length.
    pub(super) fn halve(&mut self, name: &str, array: Array) {
        let half = u32::try_from(array.cells.len() / 2).unwrap_or(1);
        self.cluster.array = half.max(1);
        self.forget(name);
        for job in array.cells.into_values().flat_map(|cell| cell.jobs) {
            self.wait(job, None);
        }
    }
}
