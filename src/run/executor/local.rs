//! Jobs in worker processes on this machine, so that one that crashes takes nothing else with it.
//!
//! A worker is this very program, told to serve. It computes with as many threads as its job has cores, is used again for
//! the next job of that size, and ends with the engine: its orders come through a pipe that the kernel closes.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::worker::{Order, Report};
use super::{Executor, Failure, Task};
use crate::pipeline::Monitor;

/// How long a job that was told to stop may take to do so: long enough to save a large checkpoint on a slow disk.
const GRACE: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(50);

/// Worker processes on this machine.
pub struct Local {
    program: PathBuf,
    arguments: Vec<String>,
    idle: Mutex<Vec<Worker>>,
}

struct Worker {
    cores: u32,
    child: Child,
    orders: ChildStdin,
    reports: Receiver<Report>,
    /// Where what the worker prints goes: the log of its current job.
    log: Arc<Mutex<Option<File>>>,
}

impl Local {
    /// Workers started as `program arguments…`.
    pub fn new(program: PathBuf, arguments: Vec<String>) -> Local {
        Local {
            program,
            arguments,
            idle: Mutex::new(Vec::new()),
        }
    }

    fn take(&self, cores: u32) -> std::io::Result<Worker> {
        let mut idle = self.idle.lock().unwrap_or_else(|p| p.into_inner());
        idle.retain_mut(|worker| matches!(worker.child.try_wait(), Ok(None)));
        match idle.iter().position(|worker| worker.cores == cores) {
            Some(at) => Ok(idle.swap_remove(at)),
            None => {
                drop(idle);
                self.start(cores)
            }
        }
    }

    fn start(&self, cores: u32) -> std::io::Result<Worker> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        // Every library that computes with threads has its own word for how many.
        for variable in [
            "RAYON_NUM_THREADS",
            "CANDLE_NUM_THREADS",
            "POLARS_MAX_THREADS",
            "OMP_NUM_THREADS",
        ] {
            command.env(variable, cores.to_string());
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take().expect("stdin was piped");
        let out = child.stdout.take().expect("stdout was piped");
        let errors = child.stderr.take().expect("stderr was piped");
        let log = Arc::new(Mutex::new(None));
        let (sender, reports) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).split(b'\n').map_while(Result::ok) {
                // Anything else on this stream was printed by a library, and is no report.
                if let Ok(report) = serde_json::from_slice(&line)
                    && sender.send(report).is_err()
                {
                    return;
                }
            }
        });
        let sink = log.clone();
        std::thread::spawn(move || copy(errors, &sink));
        Ok(Worker {
            cores,
            child,
            orders,
            reports,
            log,
        })
    }
}

fn copy(mut from: impl Read, log: &Mutex<Option<File>>) {
    let mut buffer = [0; 8192];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let mut log = log.lock().unwrap_or_else(|p| p.into_inner());
        if let Some(file) = log.as_mut() {
            // A log that cannot be written must not stop the job.
            let _ = file.write_all(&buffer[..read]);
        }
    }
}

impl Executor for Local {
    fn run(&self, task: &Task, log: &Path, monitor: &dyn Monitor) -> Result<(), Failure> {
        let failed =
            |what: &str, error: std::io::Error| Failure::Failed(format!("{what}: {error}"));
        let mut worker = self
            .take(task.cores)
            .map_err(|error| failed("cannot start a worker", error))?;
        let file = File::options().create(true).append(true).open(log);
        let file = file.map_err(|error| failed("cannot write the log", error))?;
        *worker.log.lock().unwrap_or_else(|p| p.into_inner()) = Some(file);
        let order = Order::Run {
            task: Box::new(task.clone()),
            log: log.to_path_buf(),
        };
        if let Err(error) = worker.tell(&order) {
            worker.end();
            return Err(failed("the worker does not listen", error));
        }
        match worker.listen(task, monitor) {
            Heard::Report(report) => {
                *worker.log.lock().unwrap_or_else(|p| p.into_inner()) = None;
                let mut idle = self.idle.lock().unwrap_or_else(|p| p.into_inner());
                idle.push(worker);
                match report {
                    Report::Cancelled => Err(Failure::Cancelled),
                    Report::Failed(message) => Err(Failure::Failed(message)),
                    Report::Done | Report::Progress(_) => Ok(()),
                }
            }
            Heard::Failure(failure) => {
                worker.end();
                Err(failure)
            }
            Heard::Death => {
                // One that closed its stream and lives on is of no use either.
                drop(worker.orders);
                let _ = worker.child.kill();
                let status = worker.child.wait();
                Err(Failure::Failed(obituary(status)))
            }
        }
    }
}

enum Heard {
    /// The task ended and the worker lives.
    Report(Report),
    /// The task must end and the worker with it.
    Failure(Failure),
    /// The worker died.
    Death,
}

impl Worker {
    fn tell(&mut self, order: &Order) -> std::io::Result<()> {
        let line = serde_json::to_string(order).expect("an order is plain data");
        writeln!(self.orders, "{line}")?;
        self.orders.flush()
    }

    fn listen(&mut self, task: &Task, monitor: &dyn Monitor) -> Heard {
        let start = Instant::now();
        let limit = task.time.map(Duration::from_secs);
        let mut told: Option<Instant> = None;
        let mut late = false;
        loop {
            match self.reports.recv_timeout(TICK) {
                Ok(Report::Progress(progress)) => monitor.progress(progress),
                Ok(Report::Cancelled) if late => return Heard::Failure(overtime(task)),
                Ok(report) => return Heard::Report(report),
                Err(RecvTimeoutError::Disconnected) => return Heard::Death,
                Err(RecvTimeoutError::Timeout) => {}
            }
            late |= limit.is_some_and(|limit| start.elapsed() >= limit);
            if told.is_none() && (late || monitor.cancelled()) {
                told = Some(Instant::now());
                if self.tell(&Order::Cancel).is_err() {
                    return Heard::Death;
                }
            }
            if told.is_some_and(|told| told.elapsed() >= GRACE) {
                let failure = match late {
                    true => overtime(task),
                    false => Failure::Cancelled,
                };
                return Heard::Failure(failure);
            }
        }
    }

    fn end(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn overtime(task: &Task) -> Failure {
    let limit = task.time.unwrap_or_default();
    Failure::Failed(format!(
        "it ran longer than its limit of {limit} s; `resources = {{ time = … }}` sets another"
    ))
}

fn obituary(status: std::io::Result<ExitStatus>) -> String {
    let Ok(status) = status else {
        return "its worker vanished".into();
    };
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            let hint = match signal {
                9 => " (killed: by hand, or because memory ran out)",
                6 => " (aborted)",
                11 => " (a bad memory access)",
                _ => "",
            };
            return format!("its worker died of signal {signal}{hint}");
        }
    }
    format!("its worker ended early with {status}")
}

impl Drop for Local {
    fn drop(&mut self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(|p| p.into_inner()));
        for mut worker in idle {
            // Closing its orders ends a worker by itself; it holds nothing worth waiting for.
            drop(worker.orders);
            let _ = worker.child.kill();
            let _ = worker.child.wait();
        }
    }
}
