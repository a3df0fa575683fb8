//! Jobs on a cluster that Slurm runs.
//!
//! Jobs that ask for the same go out as the cells of one array; each cell is this program as it was, told to do the tasks of
//! a file. Whether a job succeeded is what its cell writes down at its end. Slurm is asked only whether a cell is still
//! there: with one question for all of them, the more rarely the longer nothing happens.
//!
//! An array's name is written into the folder of each of its jobs before it is submitted, and is what Slurm is asked for when
//! a submission is not answered. So no job goes out twice, and an engine that comes later takes over what one that died had
//! submitted.
//!
//! Every job that Slurm, a node or another user takes away is submitted again, so often; one that fails by itself is the
//! engine's to try again.

mod array;
mod commands;
mod request;
mod supervisor;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Sender};
use std::thread::{JoinHandle, Scope};
use std::time::Duration;

use super::background::Background;
use super::install::{ARRAYS, ENGINES, install, installed};
use super::spool::Spool;
use super::{Executor, Submission};
use crate::pipeline::Resources;
use crate::plan::{JobId, Plan};
use crate::run::retries::Retries;
use crate::run::{Capacity, Cards};
use crate::store::Digest;
use request::Request;
use supervisor::{Heard, Supervisor};

/// What is to be known of a cluster. None of it is part of a result's identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The partition that jobs go to; without one, the site's default.
    pub partition: Option<String>,
    /// Who pays for them; without one, the site's default.
    pub account: Option<String>,
    /// More options of `sbatch`, as they are.
    pub sbatch: Vec<String>,
    /// Options of `sbatch` for the engine itself, where it is a job too.
    pub engine: Vec<String>,
    /// Variables of the environment that Slurm's commands do not get: those that a job of Slurm has, and that change what they do.
    pub cleared: Vec<String>,
    /// Lines of the script before a job begins, such as `module load cuda`.
    pub setup: Vec<String>,
    /// How cards are asked for: `{n}` stands for how many. Without it jobs get none.
    pub cards: Option<String>,
    /// How many cores a job asks for at the most.
    pub cores: u32,
    /// How many jobs may be under way at once.
    pub jobs: u32,
    /// How many cells an array may have.
    pub array: u32,
    /// How many jobs a cell does, one after the other.
    pub pack: u32,
    /// How often Slurm is asked at the most.
    pub poll: Duration,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            partition: None,
            account: None,
            sbatch: Vec::new(),
            engine: Vec::new(),
            cleared: Vec::new(),
            setup: Vec::new(),
            cards: None,
            cores: u32::MAX,
            jobs: 400,
            array: 1000,
            pack: 1,
            poll: Duration::from_secs(15),
        }
    }
}

/// Jobs on a cluster.
pub struct Slurm {
    cluster: Cluster,
    /// Where the jobs that are under way have their folders.
    folder: PathBuf,
    /// Where jobs run.
    root: PathBuf,
    /// The program that runs here.
    program: PathBuf,
    /// Set where this process is to end and its jobs are not.
    leaves: Arc<AtomicBool>,
    /// The thread that supervises them, once there was a task.
    supervisor: Background<Heard>,
}

impl Slurm {
    /// Jobs run in `root` and have their folders below `folder`, which the whole cluster must see. `program` is this one. A
    /// run that is stopped cancels its jobs, unless `leaves` is set: then they go on, and a later run takes them over.
    pub fn new(
        cluster: Cluster,
        folder: PathBuf,
        root: PathBuf,
        program: PathBuf,
        leaves: Arc<AtomicBool>,
    ) -> Self {
        Self {
            leaves,
            cluster,
            folder,
            root,
            program,
            supervisor: Background::new(|| Heard::Quit),
        }
    }

    /// What a job would ask for.
    pub fn resources(&self, plan: &Plan, job: JobId) -> Resources {
        let capacity = self.capacity(&Capacity {
            cores: 1,
            cores_per_job: 1,
            memory: 0,
            memory_per_job: 0,
            cards: Cards::Unknown,
            jobs: 1,
        });
        Retries::default().resources(plan, &capacity, job)
    }

    /// What would be submitted for jobs that take so much, an array for those that take the same.
    pub fn shown(&self, jobs: impl IntoIterator<Item = Resources>) -> io::Result<Vec<String>> {
        let mut groups: BTreeMap<Request, usize> = BTreeMap::new();
        for resources in jobs {
            *groups.entry(Request::from(&resources)).or_default() += 1;
        }
        let program = installed(&self.program, &self.folder)?;
        let pack = self.cluster.pack.max(1) as usize;
        let arrays = groups.into_iter().map(|(request, jobs)| {
            let array = request::Array {
                name: "etude-NAME",
                cells: jobs.div_ceil(pack).min(self.cluster.array as usize),
                pack,
                request,
                root: &self.root,
                folder: &self.folder.join(ARRAYS).join("etude-NAME"),
                excluded: &[],
            };
            let script = array.script(&self.cluster, &program);
            request::shown(&array.options(&self.cluster), &script)
        });
        Ok(arrays.collect())
    }

    /// Has an engine run as a job of the cluster, with these words after the program. The number of its job, and the file that
    /// takes what it prints, which bears this name.
    pub fn detach(&self, arguments: &[String], name: &str) -> Result<(String, PathBuf), String> {
        let folder = self.folder.join(ENGINES);
        let program = install(&self.program, &self.folder);
        let program = program.and_then(|program| fs::create_dir_all(&folder).map(|()| program));
        let program = program.map_err(|error| {
            let folder = self.folder.display();
            format!("cannot copy this program to {folder}: {error}")
        })?;
        let output = folder.join(format!("{name}.out"));
        let engine = request::Engine {
            arguments,
            root: &self.root,
            output: &output,
        };
        let script = engine.script(&self.cluster, &program);
        let job = commands::sbatch(
            &self.cluster.cleared,
            &engine.options(&self.cluster),
            &script,
        );
        let job = job.map_err(|refused| match refused {
            commands::Refused::Never(why) => why,
            commands::Refused::Unsure(why) => {
                format!("{why}; look with squeue whether it was submitted before you do it again")
            }
        })?;
        Ok((job, output))
    }

    fn supervise(&self) -> (Sender<Heard>, JoinHandle<()>) {
        let (sender, heard) = mpsc::channel();
        let own = Supervisor::new(
            self.cluster.clone(),
            self.folder.clone(),
            self.root.clone(),
            install(&self.program, &self.folder),
            self.leaves.clone(),
        );
        (sender, std::thread::spawn(move || own.run(&heard)))
    }
}

impl Executor for Slurm {
    fn capacity(&self, _: &Capacity) -> Capacity {
        Capacity {
            cores: u32::MAX,
            cores_per_job: self.cluster.cores,
            memory: u64::MAX,
            memory_per_job: u64::MAX,
            cards: match self.cluster.cards {
                Some(_) => Cards::Any,
                None => Cards::Named(Vec::new()),
            },
            jobs: self.cluster.jobs,
        }
    }

    fn has(&self, key: &Digest) -> bool {
        Spool::of(self.folder.join(key.to_string())).exists()
    }

    fn settled(&self, key: &Digest) {
        // What cannot be removed now is collected later.
        let _ = Spool::of(self.folder.join(key.to_string())).remove();
    }

    fn submit<'scope>(&'scope self, _: &'scope Scope<'scope, '_>, submission: Submission) {
        let submitted = Heard::Submitted(Box::new(submission));
        self.supervisor.send(submitted, || self.supervise());
    }
}
