//! The commands of Slurm, and what they print.
//!
//! Only options and fields are used that Slurm had in 2017, and neither JSON nor accounting. Sites print banners around
//! answers, so what is not understood is passed over.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::run::executor::child;
use crate::run::executor::spool::Place;

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a command did not do what it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    /// It may have done it all the same, or may do it the next time.
    Unsure(String),
    /// It never will.
    Never(String),
}

/// What Slurm knows of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// Its job: `123_4`.
    pub id: String,
    pub state: State,
    /// Where it runs or ran; empty before.
    pub host: String,
    /// Slurm's word for why it waits.
    pub reason: String,
}

impl Seen {
    /// Why it waits, where no waiting helps: somebody has to do something.
    pub fn waits_for_somebody(&self) -> Option<&str> {
        const SOMEBODY: [&str; 8] = [
            "PartitionTimeLimit",
            "PartitionNodeLimit",
            "PartitionDown",
            "JobHeldUser",
            "JobHeldAdmin",
            "BadConstraints",
            "InvalidQOS",
            "InvalidAccount",
        ];
        let waits = self.state == State::Alive && SOMEBODY.contains(&self.reason.as_str());
        waits.then_some(self.reason.as_str())
    }

    /// Whether it ended in a way for which its node may be to blame.
    pub fn is_of_its_node(&self) -> bool {
        match &self.state {
            State::Lost(word) => word != "PREEMPTED",
            _ => false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// It waits or runs, or is about to do so again.
    Alive,
    /// It could not be started, and waits for ever.
    Stuck,
    OutOfTime,
    OutOfMemory,
    Cancelled,
    /// The machine failed or was needed by others: by Slurm's word for it.
    Lost(String),
    /// Its process ended: by Slurm's word for how.
    Ended(String),
}

/// All cells that Slurm knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Queue(BTreeMap<Place, Seen>);

impl Queue {
    pub fn get(&self, place: &Place) -> Option<&Seen> {
        self.0.get(place)
    }

    /// Whether it knows any cell of an array.
    pub fn has(&self, array: &str) -> bool {
        self.0.keys().any(|place| place.array == array)
    }
}

/// Submits a script; the number of its job.
pub(super) fn sbatch(
    cleared: &[String],
    options: &[String],
    script: &str,
) -> Result<String, Refused> {
    let mut command = command("sbatch", cleared);
    command.args(options);
    let out = run(command, script)?;
    let id = job_id(&out);
    id.ok_or_else(|| Refused::Unsure(format!("sbatch tells no number: {}", out.trim())))
}

/// The last line that is a number, with or without the name of a cluster.
fn job_id(out: &str) -> Option<String> {
    out.lines().rev().find_map(|line| {
        let id = line.trim().split(';').next()?;
        let is_number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| id.to_owned())
    })
}

/// Asks for all jobs of this user at once.
pub(super) fn squeue(cleared: &[String]) -> Result<Queue, Refused> {
    let mut command = command("squeue", cleared);
    let user = rustix::process::getuid().as_raw().to_string();
    command.args(["-u", &user, "-h", "-r", "-t", "all", "-o", "%i|%j|%T|%N|%r"]);
    Ok(parse(&run(command, "")?))
}

fn parse(out: &str) -> Queue {
    let cells = out.lines().filter_map(|line| {
        let fields: Vec<&str> = line.trim().split('|').collect();
        let [id, array, state, host, reason] = fields[..] else {
            return None;
        };
        let (_, cell) = id.split_once('_')?;
        let place = Place {
            array: array.to_owned(),
            cell: cell.parse().ok()?,
        };
        let seen = Seen {
            id: id.to_owned(),
            state: state_of(state, reason),
            host: host.to_owned(),
            reason: reason.to_owned(),
        };
        Some((place, seen))
    });
    Queue(cells.collect())
}

fn state_of(word: &str, reason: &str) -> State {
    // Some add by whom: `CANCELLED by 1000`.
    let word = word.split_whitespace().next().unwrap_or_default();
    match word {
        "TIMEOUT" | "DEADLINE" => State::OutOfTime,
        "OUT_OF_MEMORY" => State::OutOfMemory,
        "CANCELLED" | "REVOKED" => State::Cancelled,
        "NODE_FAIL" | "BOOT_FAIL" | "PREEMPTED" => State::Lost(word.to_owned()),
        "COMPLETED" | "FAILED" => State::Ended(word.to_owned()),
        // Nobody starts such a job again but by hand.
        _ if reason.contains("launch failed") => State::Stuck,
        _ => State::Alive,
    }
}

/// Cancels cells by their jobs.
pub(super) fn scancel(cleared: &[String], ids: &[String]) -> Result<(), Refused> {
    // A command line has an end, and what is gone needs no word.
    for some in ids.chunks(200) {
        let mut command = command("scancel", cleared);
        command.args(some);
        run(command, "")?;
    }
    Ok(())
}

fn command(name: &str, cleared: &[String]) -> Command {
    let mut command = Command::new(name);
    for variable in cleared {
        command.env_remove(variable);
    }
    command
}

/// Runs a command to its end, and no longer than one may take; what it printed.
fn run(mut command: Command, input: &str) -> Result<String, Refused> {
    let name = command.get_program().display().to_string();
    // Half a submission helps nobody.
    child::apart(&mut command);
    let started = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut process = started.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Refused::Never(format!(
            "there is no `{name}` here; run where Slurm's commands are, as on a login node"
        )),
        _ => Refused::Unsure(format!("cannot run {name}: {error}")),
    })?;
    let mut stdin = process.stdin.take().expect("it was piped");
    let input = input.to_owned();
    std::thread::spawn(move || {
        // One that does not read it says so at its end.
        let _ = stdin.write_all(input.as_bytes());
    });
    let reader = |mut from: Box<dyn Read + Send>| {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = from.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        })
    };
    let out = reader(Box::new(process.stdout.take().expect("it was piped")));
    let err = reader(Box::new(process.stderr.take().expect("it was piped")));
    let start = Instant::now();
    let status = loop {
        match process.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if start.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
            }
            _ => {
                let _ = process.kill();
                let _ = process.wait();
                let seconds = PATIENCE.as_secs();
                return Err(Refused::Unsure(format!(
                    "{name} did not answer within {seconds} s"
                )));
            }
        }
    };
    let text = |thread: std::thread::JoinHandle<String>| thread.join().unwrap_or_default();
    let (out, err) = (text(out), text(err));
    if status.success() {
        return Ok(out);
    }
    let said = match err.trim() {
        "" => out.trim().to_owned(),
        said => said.to_owned(),
    };
    let message = format!("{name}: {said}");
    Err(if is_passing(&said) {
        Refused::Unsure(message)
    } else {
        Refused::Never(message)
    })
}

/// Whether what a command says passes by itself: the controller is busy or away, or a limit on how much may wait is reached.
fn is_passing(said: &str) -> bool {
    let said = said.to_lowercase();
    // No waiting makes a job shorter.
    if said.contains("requested time limit") || said.contains("time limit is invalid") {
        return false;
    }
    let passing = [
        "timed out",
        "unable to contact",
        "temporarily",
        "try again",
        "socket",
        "connection",
        "communication",
        "zero bytes",
        "limit",
        "not responding",
        "slurmctld",
        "slow",
    ];
    said.is_empty() || passing.iter().any(|word| said.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_among_banners() {
        assert_eq!(job_id("12\n").as_deref(), Some("12"));
        let out = "Welcome to cluster 7!\n  99 nodes\n4711;big\n\nSee you\n";
        assert_eq!(job_id(out).as_deref(), Some("4711"));
        assert_eq!(job_id("Submitted\n"), None);
    }

    #[test]
    fn cells_are_found_among_other_jobs_and_banners() {
        let out = "** maintenance on Monday **\n\
                   7_0|etude-a|RUNNING|n1|None\n\
                   7_11|etude-a|PENDING||Resources\n\
                   8|other|RUNNING|n2|None\n\
                   7_2|etude-a|CANCELLED by 1000|n1|None\n\
                   7_3|etude-a|NODE_FAIL|n1|None\n\
                   7_4|etude-a|REQUEUE_HOLD|n1|None\n\
                   7_5|etude-a|PENDING||launch failed requeued held\n\
                   7_6|etude-a|PENDING||PartitionTimeLimit\n";
        let queue = parse(out);
        let of = |cell| {
            let array = "etude-a".to_owned();
            queue
                .get(&Place { array, cell })
                .map(|seen| seen.state.clone())
        };
        assert_eq!(of(0), Some(State::Alive));
        assert_eq!(of(11), Some(State::Alive));
        assert_eq!(of(2), Some(State::Cancelled));
        assert_eq!(of(3), Some(State::Lost("NODE_FAIL".into())));
        assert_eq!(of(4), Some(State::Alive));
        assert_eq!(of(5), Some(State::Stuck));
        assert_eq!(of(1), None);
        assert!(queue.has("etude-a") && !queue.has("other"));
        let waits = |cell| {
            let array = "etude-a".to_owned();
            let seen = queue.get(&Place { array, cell })?;
            seen.waits_for_somebody().map(str::to_owned)
        };
        assert_eq!(waits(11), None);
        assert_eq!(waits(6).as_deref(), Some("PartitionTimeLimit"));
    }

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        assert!(is_passing(
            "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation"
        ));
        assert!(is_passing(
            "Unable to contact slurm controller (connect failure)"
        ));
        assert!(is_passing(
            "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"
        ));
        assert!(!is_passing(
            "Batch job submission failed: Requested time limit is invalid (missing or exceeds some limit)"
        ));
        assert!(!is_passing(
            "sbatch: error: invalid partition specified: gpux"
        ));
        assert!(!is_passing("sbatch: unrecognized option '--foo'"));
    }
}
