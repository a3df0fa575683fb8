//! Jobs by a command of the user's: whatever brings a command line to a machine that sees the store.
//!
//! Each job is one command, made from a template. Somewhere it starts this program with the job's file, and it ends when the
//! job has. Whether the job succeeded is what it wrote down at its end, and never what the command says.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::Scope;
use std::time::{Duration, Instant};

use super::background::Background;
use super::cell::{Cell, printed};
use super::install::{ARRAYS, install};
use super::spool::Spool;
use super::under_way::{Lost, UnderWay};
use super::{Executor, Failure, Submission, child};
use crate::pipeline::{Cause, Resources};
use crate::run::{Capacity, Cards};
use crate::store::Digest;

/// How jobs are launched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The words of the command. `{spec}` stands for the job's file, `{program}` for this program, `{cores}` and `{cards}` for
    /// how many, `{memory}` for MiB and `{time}` for minutes. A word with one of the last two is left out for a job that has
    /// no such limit.
    pub command: Vec<String>,
    /// How many jobs may be under way at once.
    pub jobs: u32,
}

impl Default for Template {
    fn default() -> Self {
        Self {
            command: Vec::new(),
            jobs: 16,
        }
    }
}

impl Template {
    fn words(&self, program: &Path, spec: &Path, resources: &Resources) -> Vec<String> {
        let memory = resources
            .limited
            .then(|| resources.memory.div_ceil(1 << 20));
        let time = resources.time.map(|seconds| seconds.div_ceil(60));
        let values = [
            ("{spec}", Some(spec.display().to_string())),
            ("{program}", Some(program.display().to_string())),
            ("{cores}", Some(resources.cores.to_string())),
            ("{cards}", Some(resources.gpu.to_string())),
            ("{memory}", memory.map(|mib| mib.to_string())),
            ("{time}", time.map(|minutes| minutes.to_string())),
        ];
        let word = |template: &String| {
            let mut word = template.clone();
            for (name, value) in &values {
                if word.contains(name) {
                    word = word.replace(name, value.as_ref()?);
                }
            }
            Some(word)
        };
        self.command.iter().filter_map(word).collect()
    }
}

/// Jobs by a command.
pub struct Launch {
    template: Template,
    folder: PathBuf,
    root: PathBuf,
    program: PathBuf,
    supervisor: Background<Heard>,
}

impl Launch {
    /// Commands run in `root`. Jobs have their folders below `folder`, where a copy of `program`, which is this one, is put too.
    pub fn new(template: Template, folder: PathBuf, root: PathBuf, program: PathBuf) -> Self {
        Self {
            template,
            folder,
            root,
            program,
            supervisor: Background::new(|| Heard::Quit),
        }
    }
}

impl Executor for Launch {
    fn capacity(&self, _: &Capacity) -> Capacity {
        Capacity {
            cores: u32::MAX,
            cores_per_job: u32::MAX,
            memory: u64::MAX,
            memory_per_job: u64::MAX,
            cards: if self.template.command.iter().any(|w| w.contains("{cards}")) {
                Cards::Any
            } else {
                Cards::Named(Vec::new())
            },
            jobs: self.template.jobs,
        }
    }

    fn settled(&self, key: &Digest) {
        // What cannot be removed now is collected later.
        let _ = Spool::of(self.folder.join(key.to_string())).remove();
    }

    fn submit<'scope>(&'scope self, _: &'scope Scope<'scope, '_>, submission: Submission) {
        let submitted = Heard::Submitted(Box::new(submission));
        self.supervisor.send(submitted, || {
            let (sender, heard) = mpsc::channel();
            let own = Supervisor {
                template: self.template.clone(),
                folder: self.folder.clone(),
                root: self.root.clone(),
                program: install(&self.program, &self.folder),
                launched: BTreeMap::new(),
                ending: Vec::new(),
                next: 0,
            };
            (sender, std::thread::spawn(move || own.run(&heard)))
        });
    }
}

enum Heard {
    Submitted(Box<Submission>),
    Quit,
}

/// How often is looked at what jobs have written.
const LOOK: Duration = Duration::from_millis(500);
/// What a job wrote last may take so long to be seen here.
const SEEN: Duration = Duration::from_secs(5);
/// How long a command that was told to end may take.
const GRACE: Duration = Duration::from_secs(60);

struct Supervisor {
    template: Template,
    folder: PathBuf,
    root: PathBuf,
    program: io::Result<PathBuf>,
    launched: BTreeMap<u64, Launched>,
    /// Commands that are about to end.
    ending: Vec<Ending>,
    next: u64,
}

struct Launched {
    job: UnderWay,
    command: Child,
    output: PathBuf,
    /// Held while this engine lives.
    _alive: File,
    ended: Option<(Instant, String)>,
    told: Option<Instant>,
}

impl Supervisor {
    fn run(mut self, heard: &Receiver<Heard>) {
        loop {
            match heard.recv_timeout(LOOK) {
                Ok(Heard::Submitted(submission)) => {
                    let mut job = UnderWay::new(*submission, &self.folder);
                    if job.was_done() {
                        job.look();
                    } else {
                        self.launch(job);
                    }
                    continue;
                }
                Ok(Heard::Quit) | Err(RecvTimeoutError::Disconnected) => return self.ends(),
                Err(RecvTimeoutError::Timeout) => {}
            }
            for (number, mut own) in std::mem::take(&mut self.launched) {
                if own.job.look() {
                    self.forget(own);
                } else if let Some(lost) = own.look() {
                    let is_again = own.job.lost(&lost);
                    let job = self.forget(own);
                    if is_again {
                        self.launch(job);
                    }
                } else {
                    self.launched.insert(number, own);
                }
            }
            self.ending.retain_mut(Ending::is_open);
        }
    }

    /// Waits for commands whose jobs have ended: they may have something left to tidy up.
    fn ends(mut self) {
        while !self.ending.is_empty() {
            self.ending.retain_mut(Ending::is_open);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Lets go of a job; its command may take a moment longer.
    fn forget(&mut self, own: Launched) -> UnderWay {
        if let Some(folder) = own.output.parent() {
            // What cannot be removed now is collected later.
            let _ = fs::remove_dir_all(folder);
        }
        self.ending.push(Ending {
            command: own.command,
            since: Instant::now(),
        });
        own.job
    }

    fn launch(&mut self, mut job: UnderWay) {
        match self.start(&mut job) {
            Ok((command, alive, output)) => {
                let launched = Launched {
                    job,
                    command,
                    output,
                    _alive: alive,
                    ended: None,
                    told: None,
                };
                self.launched.insert(self.next, launched);
                self.next += 1;
            }
            Err(why) => job.over(Err(Failure::Failed(Cause::Error, why))),
        }
    }

    fn start(&self, job: &mut UnderWay) -> Result<(Child, File, PathBuf), String> {
        let said = |error: &dyn std::fmt::Display| error.to_string();
        let program = self.program.as_ref();
        let program = program.map_err(|error| format!("this program cannot be copied: {error}"))?;
        let name = format!("launch-{}-{}", std::process::id(), self.next);
        let folder = self.folder.join(ARRAYS).join(&name);
        fs::create_dir_all(&folder).map_err(|error| said(&error))?;
        let alive = File::create(folder.join("alive")).map_err(|error| said(&error))?;
        // Where nothing can be locked, the job finds it unlocked, and says so.
        let _ = alive.try_lock();
        job.lay_out().map_err(|error| said(&error))?;
        job.assign(&name, 0).map_err(|error| said(&error))?;
        let spec = folder.join("0.json");
        let cell = Cell {
            tasks: vec![job.spool.folder().to_path_buf()],
            alive: folder.join("alive"),
        };
        cell.write(&spec).map_err(|error| said(&error))?;
        let words = self
            .template
            .words(program, &spec, &job.submission.resources);
        let Some((first, rest)) = words.split_first() else {
            return Err("`command` under [launch] in etude.toml has no words".into());
        };
        let output = folder.join("out");
        let out = File::create(&output).map_err(|error| said(&error))?;
        let errors = out.try_clone().map_err(|error| said(&error))?;
        let mut command = Command::new(first);
        command
            .args(rest)
            .current_dir(&self.root)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(errors);
        child::apart(&mut command);
        let child = command.spawn();
        let child = child.map_err(|error| format!("cannot run `{first}`: {error}"))?;
        Ok((child, alive, output))
    }
}

impl Launched {
    /// What became of it, once its command has ended and nothing more is to be seen of it.
    fn look(&mut self) -> Option<Lost> {
        if let Ok(Some(status)) = self.command.try_wait()
            && self.ended.is_none()
        {
            self.ended = Some((Instant::now(), status.to_string()));
        }
        if let Some((since, status)) = &self.ended {
            let message = format!(
                "its command ended with {status}, and the job did not say how it ended{}",
                printed(&self.output)
            );
            let is_certain = since.elapsed() >= SEEN;
            return is_certain.then_some(Lost::Failed(Cause::Crash, message));
        }
        if self.job.is_cancelled() {
            if self.told.is_none() {
                self.ask_to_end();
            }
            let told = *self.told.get_or_insert_with(Instant::now);
            if told.elapsed() >= GRACE {
                let _ = self.command.kill();
            }
        }
        None
    }

    fn ask_to_end(&self) {
        #[cfg(unix)]
        {
            use rustix::process::{Pid, Signal, kill_process_group};
            let pid = i32::try_from(self.command.id())
                .ok()
                .and_then(Pid::from_raw);
            if let Some(pid) = pid {
                // One that is gone needs no signal.
                let _ = kill_process_group(pid, Signal::TERM);
            }
        }
    }
}

/// A command whose job has ended.
struct Ending {
    command: Child,
    since: Instant,
}

impl Ending {
    fn is_open(&mut self) -> bool {
        if self.since.elapsed() >= GRACE {
            let _ = self.command.kill();
        }
        matches!(self.command.try_wait(), Ok(None))
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        // It holds nothing worth waiting for.
        let _ = self.command.kill();
        let _ = self.command.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_for_what_a_job_does_not_limit_is_left_out() {
        let words = [
            "run",
            "--cpus={cores}",
            "--mem={memory}",
            "--min={time}",
            "{program} --cell {spec}",
        ];
        let template = Template {
            command: words.map(str::to_owned).to_vec(),
            jobs: 1,
        };
        let mut resources = Resources {
            cores: 2,
            ..Resources::default()
        };
        let shown = |resources: &Resources| {
            let words = template.words(Path::new("/p"), Path::new("/s"), resources);
            words.join("|")
        };
        assert_eq!(shown(&resources), "run|--cpus=2|/p --cell /s");
        resources.limited = true;
        resources.memory = 1 << 30;
        resources.time = Some(90);
        assert_eq!(
            shown(&resources),
            "run|--cpus=2|--mem=1024|--min=2|/p --cell /s"
        );
    }
}
