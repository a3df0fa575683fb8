//! A terminal that does not echo `^C`. The echo moves the cursor to the next line, which the live lines do not know of: one of
//! them would stay on the screen.

use std::io;

use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

/// Control characters are not echoed until this is dropped.
pub(super) struct QuietControls(Option<Termios>);

impl QuietControls {
    /// Of the terminal on standard input. Where there is none, or another process has it, nothing happens.
    pub(super) fn new() -> Self {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut quiet = before.clone();
            quiet.local_modes.remove(LocalModes::ECHOCTL);
            set(&quiet);
        }
        Self(before)
    }
}

impl Drop for QuietControls {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            set(before);
        }
    }
}

/// Only in the foreground: the kernel stops a process in the background that changes its terminal.
fn set(modes: &Termios) {
    let stdin = io::stdin();
    if tcgetpgrp(&stdin).is_ok_and(|group| group == getpgrp()) {
        // A terminal that refuses shows `^C`, and nothing else goes wrong.
        let _ = tcsetattr(&stdin, OptionalActions::Now, modes);
    }
}
