//! Processes that an executor starts.

use std::io::{self, BufRead, BufReader};
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};

use serde::de::DeserializeOwned;

/// Keeps the terminal's signals from a process: Ctrl-C is the engine's to pass on.
pub(super) fn apart(command: &mut Command) {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        command.process_group(0);
    }
}

/// Starts a process that tells something by JSON lines on its output. `told` takes each, and at the end nothing. What it takes
/// orders by, and what else it prints, is the caller's.
pub(super) fn start<T: DeserializeOwned>(
    command: &mut Command,
    told: impl Fn(Option<T>) + Send + 'static,
) -> io::Result<(Child, ChildStdin, ChildStderr)> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let orders = child.stdin.take().expect("stdin was piped");
    let out = child.stdout.take().expect("stdout was piped");
    let errors = child.stderr.take().expect("stderr was piped");
    std::thread::spawn(move || {
        for line in BufReader::new(out).split(b'\n').map_while(Result::ok) {
            // Anything else on this stream was printed by a shell or a library, and is no report.
            if let Ok(report) = serde_json::from_slice(&line) {
                told(Some(report));
            }
        }
        told(None);
    });
    Ok((child, orders, errors))
}
