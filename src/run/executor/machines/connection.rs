//! One connection to a machine, with the relay at its other end.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command};
use std::sync::{Arc, Mutex};

use super::Machine;
use crate::run::executor::child;
use crate::run::executor::relay::{FromRelay, ToRelay};
use crate::run::executor::shell::quoted;

/// It ends when this is dropped, and with it all that runs at its other end.
pub(super) struct Connection {
    child: Child,
    orders: ChildStdin,
    /// The last lines that `ssh` or the machine printed of what is wrong.
    said: Arc<Mutex<String>>,
}

/// So many bytes of what a machine prints are kept for a message.
const KEPT: usize = 2000;

impl Connection {
    /// Starts a relay. `told` takes what it tells, and at its end nothing.
    pub(super) fn open(
        machine: &Machine,
        root: &Path,
        program: &Path,
        told: impl Fn(Option<FromRelay>) + Send + 'static,
    ) -> io::Result<Self> {
        let mut command = match &machine.host {
            None => {
                let mut command = Command::new(program);
                command.args(["worker", "--relay"]).current_dir(root);
                command
            }
            Some(host) => {
                let mut command = Command::new("ssh");
                // It asks for no password, and notices within a minute that the other side is gone.
                for option in [
                    "BatchMode=yes",
                    "ConnectTimeout=20",
                    "ServerAliveInterval=15",
                    "ServerAliveCountMax=3",
                ] {
                    command.args(["-o", option]);
                }
                command.args(&machine.ssh);
                let (root, program) = (quoted(root), quoted(program));
                let line = format!("cd {root} && exec {program} worker --relay");
                command.args(["--", host, &line]);
                command
            }
        };
        child::apart(&mut command);
        let (child, orders, errors) = child::start(&mut command, told)?;
        let said = Arc::new(Mutex::new(String::new()));
        let sink = said.clone();
        std::thread::spawn(move || keep(errors, &sink));
        Ok(Self {
            child,
            orders,
            said,
        })
    }

    pub(super) fn tell(&mut self, order: &ToRelay) -> io::Result<()> {
        let line = serde_json::to_string(order).expect("an order is plain data");
        writeln!(self.orders, "{line}")?;
        self.orders.flush()
    }

    /// How it ended.
    pub(super) fn describe_end(&mut self) -> String {
        let _ = self.child.kill();
        let status = self.child.wait();
        let said = self.said.lock().unwrap_or_else(|p| p.into_inner());
        let lines: Vec<&str> = said
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .collect();
        match (lines.as_slice(), status) {
            ([], Ok(status)) => status.to_string(),
            ([], Err(error)) => error.to_string(),
            (lines, _) => lines[lines.len().saturating_sub(3)..].join(" / "),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // It holds nothing worth waiting for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keep(mut from: impl Read, said: &Mutex<String>) {
    let mut buffer = [0; 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let mut said = said.lock().unwrap_or_else(|p| p.into_inner());
        said.push_str(&String::from_utf8_lossy(&buffer[..read]));
        let extra = said.len().saturating_sub(KEPT);
        let cut = (extra..said.len()).find(|at| said.is_char_boundary(*at));
        said.drain(..cut.unwrap_or(0));
    }
}
