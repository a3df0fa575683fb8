//! The thread that works for an executor: it starts with the first task, and ends with the executor.

use std::sync::Mutex;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

/// A thread that takes messages, once there was one.
#[derive(Debug)]
pub(super) struct Background<M> {
    thread: Mutex<Option<(Sender<M>, JoinHandle<()>)>>,
    quit: fn() -> M,
}

impl<M> Background<M> {
    /// One that ends when it gets the message that `quit` makes.
    pub(super) fn new(quit: fn() -> M) -> Self {
        Self {
            thread: Mutex::new(None),
            quit,
        }
    }

    /// Sends it a message; `start` starts it for the first.
    pub(super) fn send(&self, message: M, start: impl FnOnce() -> (Sender<M>, JoinHandle<()>)) {
        let mut thread = self.thread.lock().unwrap_or_else(|p| p.into_inner());
        let (sender, _) = thread.get_or_insert_with(start);
        // Where the thread is gone, the reports of its tasks tell that they are.
        let _ = sender.send(message);
    }
}

impl<M> Drop for Background<M> {
    fn drop(&mut self) {
        let mut thread = self.thread.lock().unwrap_or_else(|p| p.into_inner());
        if let Some((sender, thread)) = thread.take() {
            let _ = sender.send((self.quit)());
            let _ = thread.join();
        }
    }
}
