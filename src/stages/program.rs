//! A program that a job runs: watched while it runs, and ended with all that it started, whatever ends the job.
//!
//! A worker can be killed before it has told anybody what it started, and its engine with it. So the first process of a
//! program's group is a guard: a shell that waits for the end of a pipe which the worker alone holds, and then kills its own
//! group. The kernel closes the pipe of whoever dies. While the guard lives, nobody else's group can have that number.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::pipeline::{Context, Progress, Stop};

/// How long a program that was told to end may take to do so.
const GRACE: Duration = Duration::from_secs(20);
/// How often somebody looks whether it should.
const TICK: Duration = Duration::from_millis(20);
/// How long what it printed is waited for when it has ended: something that left its group may hold a stream for ever.
const REST: Duration = Duration::from_secs(2);
/// So many last lines of what a program said are part of the message when it fails.
const LAST: usize = 5;
/// Longer lines are cut.
const WIDE: usize = 500;

/// Runs a program to its end. What it prints goes into the job's log, and lines of progress to whoever watches the job.
///
/// # Errors
/// The program cannot be started, ends with a code other than 0, or is told to stop with its job.
pub fn run(command: &mut Command, job: &Context<'_>) -> Result<(), Stop> {
    let group = Group::new(job.held)?;
    group.ingest(command);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let name = command.get_program().to_string_lossy().into_owned();
    let child = command
        .spawn()
        .map_err(|error| Stop::failed(not_started(&name, job, &error)))?;
    attend(child, group, job, GRACE)
}

fn not_started(name: &str, job: &Context<'_>, error: &io::Error) -> String {
    let place = match (error.kind(), name.contains('/')) {
        (io::ErrorKind::NotFound, true) => format!(
            "; a name with a `/` is taken from the project's root, {}",
            job.root.display()
        ),
        (io::ErrorKind::NotFound, false) => {
            let path = job.environment.get("PATH").cloned().flatten();
            let path = path.unwrap_or_else(|| "nothing".into());
            format!("; it was looked for on PATH, which is {path}")
        }
        (io::ErrorKind::ArgumentListTooLong, _) => {
            "; all arguments, variables and parameters together are too long for this system".into()
        }
        _ => String::new(),
    };
    format!("cannot run `{name}`: {error}{place}")
}

/// The processes that belong to a job; they end with this.
#[cfg(unix)]
struct Group {
    guard: Child,
}

/// What the guard does.
#[cfg(unix)]
const GUARD: &str = "trap '' HUP INT TERM; read -r end; kill -s KILL 0";

#[cfg(unix)]
impl Group {
    /// A group with nobody but its guard in it, which also keeps `held` open: while the group lives, nobody begins anew.
    fn new(held: Option<&File>) -> Result<Self, Stop> {
        use std::os::unix::process::CommandExt;
        let held = match held {
            Some(file) => Stdio::from(file.try_clone()?),
            None => Stdio::null(),
        };
        let guard = Command::new("/bin/sh")
            .args(["-c", GUARD])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(held)
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| Stop::failed(format!("cannot run `/bin/sh`: {error}")))?;
        Ok(Self { guard })
    }

    /// Lets what a command starts be part of it.
    fn ingest(&self, command: &mut Command) {
        use std::os::unix::process::CommandExt;
        if let Ok(id) = i32::try_from(self.guard.id()) {
            command.process_group(id);
        }
    }

    fn send(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.guard);
        // The guard is there until it has been waited for, and so is its group.
        let _ = rustix::process::kill_process_group(id, signal);
    }

    /// Asks all of them to end.
    fn ask(&self, _child: &mut Child) {
        self.send(rustix::process::Signal::TERM);
    }

    /// Ends all of them.
    fn end(&self, _child: &mut Child) {
        self.send(rustix::process::Signal::KILL);
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        self.send(rustix::process::Signal::KILL);
        let _ = self.guard.wait();
    }
}

/// Where there are no groups, the program alone.
#[cfg(not(unix))]
struct Group;

#[cfg(not(unix))]
impl Group {
    fn new(_held: Option<&File>) -> Result<Group, Stop> {
        Ok(Group)
    }

    fn ingest(&self, _command: &mut Command) {}

    fn ask(&self, child: &mut Child) {
        self.end(child);
    }

    fn end(&self, child: &mut Child) {
        // One that has ended needs no killing.
        let _ = child.kill();
    }
}

/// What comes from the streams of a program.
enum Heard {
    Progress(Progress),
    Text(Vec<u8>),
    /// A line that is worth telling if it is among the last.
    Line(String),
}

/// Waits for a program, hears what it prints, and ends it with all it started when the job is to stop.
fn attend(mut child: Child, group: Group, job: &Context<'_>, grace: Duration) -> Result<(), Stop> {
    // What is printed faster than it is kept waits in the program, not here.
    let (sender, heard) = mpsc::sync_channel(64);
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|out| Box::new(out) as _),
        child.stderr.take().map(|errors| Box::new(errors) as _),
    ];
    for (at, stream) in streams.into_iter().enumerate() {
        let (Some(stream), sender) = (stream, sender.clone()) else {
            continue;
        };
        std::thread::spawn(move || listen(stream, at == 0, &sender));
    }
    drop(sender);
    let mut last: VecDeque<String> = VecDeque::new();
    let mut hear = |heard: Heard| match heard {
        Heard::Progress(progress) => job.monitor.progress(progress),
        Heard::Text(text) => job.monitor.says(&text),
        Heard::Line(line) => {
            last.push_back(line);
            if last.len() > LAST {
                last.pop_front();
            }
        }
    };
    let mut told: Option<Instant> = None;
    let status = loop {
        match heard.recv_timeout(TICK) {
            Ok(one) => hear(one),
            // Both streams are closed, and nothing but its end is left to wait for.
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(Duration::from_millis(1)),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if told.is_none() && job.monitor.cancelled() {
            told = Some(Instant::now());
            group.ask(&mut child);
        }
        if told.is_some_and(|told| told.elapsed() > grace) {
            group.end(&mut child);
            break child.wait()?;
        }
    };
    // What it started and left behind has nobody to work for.
    drop(group);
    let ended = Instant::now();
    while let Some(rest) = REST.checked_sub(ended.elapsed()) {
        match heard.recv_timeout(rest) {
            Ok(one) => hear(one),
            Err(_) => break,
        }
    }
    match (told, status.success()) {
        (Some(_), _) => Err(Stop::Cancelled),
        (None, true) => Ok(()),
        (None, false) => {
            let lines = last.iter().map(|line| format!("\n    {line}"));
            let lines: String = lines.collect();
            Err(Stop::failed(format!("{}{lines}", in_words(status))))
        }
    }
}

/// How a program ended that did not end well.
fn in_words(status: ExitStatus) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            return format!("the program was killed by signal {signal}");
        }
    }
    match status.code() {
        Some(code) => format!("the program ended with exit code {code}"),
        None => format!("the program ended with {status}"),
    }
}

/// Passes on what a stream brings, in pieces of bounded size; lines of progress are taken out of it.
fn listen(stream: impl Read, is_out: bool, sender: &mpsc::SyncSender<Heard>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        let piece = (&mut stream).take(1 << 16).read_until(b'\n', &mut line);
        if !matches!(piece, Ok(1..)) {
            return;
        }
        let text = String::from_utf8_lossy(&line);
        let heard = match progress(&text) {
            Some(progress) if is_out => sender.send(Heard::Progress(progress)),
            _ => {
                // On a terminal, control characters would do something.
                let shown = text.trim_end().chars().filter(|c| !c.is_control());
                let shown: String = shown.take(WIDE).collect();
                let told = if is_out || shown.is_empty() {
                    Ok(())
                } else {
                    sender.send(Heard::Line(shown))
                };
                told.and_then(|()| sender.send(Heard::Text(line)))
            }
        };
        if heard.is_err() {
            return;
        }
    }
}

/// How far a program says it is: `etude: progress 0.4`, `etude: progress 40/100 epochs loss=0.3`.
fn progress(line: &str) -> Option<Progress> {
    let mut words = line.strip_prefix("etude: progress ")?.split_whitespace();
    let amount = words.next()?;
    let (done, total) = match amount.split_once('/') {
        Some((done, total)) => (done.parse().ok()?, total.parse().ok()?),
        None => {
            let share: f64 = amount.parse().ok()?;
            if !(0.0..=1.0).contains(&share) {
                return None;
            }
            ((share * 1000.0).round() as u64, 1000)
        }
    };
    let mut progress = Progress {
        done,
        total,
        unit: if amount.contains('/') {
            "steps".to_string()
        } else {
            "‰".to_string()
        },
        metrics: Vec::new(),
    };
    for word in words {
        match word.split_once('=') {
            Some((name, value)) => progress
                .metrics
                .push((name.to_string(), value.parse().ok()?)),
            None => progress.unit = word.to_string(),
        }
    }
    Some(progress)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_progress_is_a_share_or_a_count_and_may_have_metrics() {
        let told = |line: &str| progress(line).map(|p| (p.done, p.total, p.unit, p.metrics));
        assert_eq!(
            told("etude: progress 0.4\n"),
            Some((400, 1000, "‰".into(), vec![]))
        );
        let loss = vec![("loss".to_string(), 0.5)];
        assert_eq!(
            told("etude: progress 4/10 epochs loss=0.5"),
            Some((4, 10, "epochs".into(), loss))
        );
        for line in [
            "etude: progress",
            "etude: progress 2",
            "etude: progress x/3",
            "progress 0.4",
        ] {
            assert_eq!(told(line), None, "{line}");
        }
    }
}
