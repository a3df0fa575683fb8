//! A syntax tree, however deep.
//!
//! A tree is walked over by functions that call themselves, its own `drop` among them. One that may be deep is only looked at,
//! and given up, on a thread with a stack that is large enough for the deepest that [`depth`](super::depth) lets pass.

use std::fmt;
use std::io;
use std::panic;
use std::sync::Arc;
use std::thread;

/// Sizes of stacks, the first that the system grants. What is not used of one takes no memory.
const STACKS: [usize; 3] = [512 << 20, 128 << 20, 32 << 20];

/// Does something with a tree that may be deep.
pub(super) fn with_room<R: Send>(is_deep: bool, work: impl FnOnce() -> R + Send) -> R {
    if !is_deep {
        return work();
    }
    let mut work = Some(work);
    let mut done = None;
    let mut go = || done = work.take().map(|work| work());
    for size in STACKS {
        let ended = thread::scope(|scope| {
            let thread = thread::Builder::new().stack_size(size);
            let thread = thread.spawn_scoped(scope, &mut go)?;
            Ok::<_, io::Error>(thread.join())
        });
        match ended {
            Ok(Ok(())) => break,
            Ok(Err(fault)) => panic::resume_unwind(fault),
            // No memory for such a stack.
            Err(_) => {}
        }
    }
    match done {
        Some(done) => done,
        None => work.take().expect("no thread has done it")(),
    }
}

/// A tree, and whether it may be deep. Copies share it.
#[derive(Clone)]
pub(super) struct Tree<T: Send + Sync>(Arc<Held<T>>);

struct Held<T: Send + Sync> {
    /// There until it is dropped.
    tree: Option<T>,
    is_deep: bool,
}

impl<T: Send + Sync> Tree<T> {
    pub(super) fn new(tree: T, is_deep: bool) -> Self {
        let tree = Some(tree);
        Self(Arc::new(Held { tree, is_deep }))
    }

    /// Looks at it, and gives what comes of that.
    pub(super) fn look<R: Send>(&self, look: impl FnOnce(&T) -> R + Send) -> R {
        let tree = self.0.tree.as_ref().expect("it is taken when dropped");
        with_room(self.0.is_deep, || look(tree))
    }
}

impl<T: Send + Sync> Drop for Held<T> {
    fn drop(&mut self) {
        let tree = self.tree.take();
        with_room(self.is_deep, || drop(tree));
    }
}

impl<T: Send + Sync + PartialEq> PartialEq for Tree<T> {
    fn eq(&self, other: &Self) -> bool {
        self.look(|tree| other.0.tree.as_ref() == Some(tree))
    }
}

impl<T: Send + Sync + fmt::Display> fmt::Debug for Tree<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.look(ToString::to_string))
    }
}
