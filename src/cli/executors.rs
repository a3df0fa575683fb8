//! Where jobs run: what the command line and `etude.toml` say of it, as an executor.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::ValueEnum;

use super::Failure;
use super::project::Project;
use super::signals::Asked;
use crate::run::{Executor, Launch, Local, Machines, Slurm};
use crate::store::Store;

/// Where jobs run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Where {
    /// In worker processes on this machine
    Local,
    /// On the machines of [machines] in etude.toml, by ssh
    Ssh,
    /// On a cluster
    Slurm,
    /// By the command of [launch] in etude.toml
    Launch,
}

impl Where {
    /// As it is to be had here.
    pub fn of(
        self,
        project: &Project,
        store: &Store,
        program: PathBuf,
        asked: &Asked,
    ) -> Result<Box<dyn Executor>, Failure> {
        raise_file_limit();
        Ok(match self {
            Self::Local => Box::new(Local::new(program, vec!["worker".into()])),
            Self::Ssh => Box::new(machines(project, store, program)?),
            Self::Slurm => {
                let leaves = asked.leaves.clone();
                Box::new(cluster(project, store, program, leaves)?)
            }
            Self::Launch => Box::new(launch(project, store, program)?),
        })
    }

    /// Submits this very command, but for that it is to be detached.
    pub fn detach(
        self,
        project: &Project,
        store: &Store,
        program: PathBuf,
        name: &str,
    ) -> Result<u8, Failure> {
        if self != Self::Slurm {
            let what = "--detach needs --executor slurm: a run on this machine ends with its terminal, or use nohup";
            return Err(Failure::Usage(what.into()));
        }
        let words = std::env::args_os().skip(1);
        let words = words.filter(|word| word != "--detach");
        let words: Result<Vec<String>, _> = words.map(|word| word.into_string()).collect();
        let words = words.map_err(|word| {
            Failure::Message(format!(
                "{word:?} is not text (UTF-8), and cannot be handed on"
            ))
        })?;
        let executor = cluster(project, store, program, Arc::default())?;
        let detached = executor.detach(&words, name);
        let (job, output) = detached.map_err(Failure::Message)?;
        let mut out = super::out();
        let output = output.display();
        let lines = format!(
            "the run is Slurm's job {job}; what it prints goes to {output}\n\
             `etude run` here takes over what comes of it; `scancel --batch --signal=INT {job}` ends it and all its jobs"
        );
        // Whoever closed the stream does not want to hear more.
        let _ = writeln!(out, "{lines}");
        Ok(0)
    }
}

/// Every job that is under way holds two files open, and a shell allows a thousand unless it is asked for more.
fn raise_file_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        // Where it stays, a job that cannot open its files says so.
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: maximum,
                maximum,
            },
        );
    }
}

/// The cluster as an executor. Once `leaves` is set, a run that is stopped leaves its jobs to the next.
pub fn cluster(
    project: &Project,
    store: &Store,
    program: PathBuf,
    leaves: Arc<AtomicBool>,
) -> Result<Slurm, Failure> {
    let (root, folder) = project.elsewhere(store)?;
    let mut cluster = project.settings().cluster.clone();
    cluster.cleared = cleared();
    Ok(Slurm::new(cluster, folder, root, program, leaves))
}

/// The variables that Slurm's commands do not get, as inside an allocation; those that say where the cluster is stay.
fn cleared() -> Vec<String> {
    const CLEARED: [&str; 4] = ["SLURM_", "SBATCH_", "SRUN_", "SALLOC_"];
    const KEPT: [&str; 3] = ["SLURM_CONF", "SLURM_JWT", "SLURM_CONF_SERVER"];
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let is_cleared = |name: &String| CLEARED.iter().any(|prefix| name.starts_with(prefix));
    names
        .filter(|name| is_cleared(name) && !KEPT.contains(&name.as_str()))
        .collect()
}

/// The machines as an executor.
fn machines(project: &Project, store: &Store, program: PathBuf) -> Result<Machines, Failure> {
    let machines = project.settings().machines.clone();
    if machines.is_empty() {
        let what = "there are no machines: write them into etude.toml, such as\n\n[machines.gpu1]\nhost  = \"gpu1\"\ncores = 16\ncards = 2\n";
        return Err(Failure::Message(what.into()));
    }
    let (root, folder) = project.elsewhere(store)?;
    Ok(Machines::new(machines, folder, root, program))
}

/// The command as an executor.
fn launch(project: &Project, store: &Store, program: PathBuf) -> Result<Launch, Failure> {
    let template = project.settings().launch.clone();
    if template.command.is_empty() {
        let what = "there is no command: write it into etude.toml, such as\n\n[launch]\n\
                    command = [\"srun\", \"--cpus-per-task={cores}\", \"{program}\", \"worker\", \"--cell\", \"{spec}\"]\njobs    = 16\n";
        return Err(Failure::Message(what.into()));
    }
    let (root, folder) = project.elsewhere(store)?;
    Ok(Launch::new(template, folder, root, program))
}
