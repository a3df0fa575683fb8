//! The care of a store: reading all of it, removing what nobody needs, and giving back what is used up.

mod audit;
mod garbage;
mod release;

use super::Store;
pub use audit::{Audit, Finding, Repaired, What};
pub use garbage::{Garbage, Going, Policy, Why};

/// What can be done to a store as a whole.
#[derive(Debug, Clone, Copy)]
pub struct Care<'a> {
    pub(super) store: &'a Store,
}
