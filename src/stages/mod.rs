//! The stage kinds: the joint where learning and figures meet the machinery. One file a kind, one line here.

mod aggregate;
mod claim;
mod decode;
mod frames;
mod path_star;
mod plot;
mod table;
mod train;

use crate::pipeline::{Kind, Registry};

/// Every kind that etude has.
pub fn registry() -> Registry {
    Registry::new([
        Kind::of::<crate::learn::task::path_star::PathStar>(),
        Kind::of::<crate::learn::training::Settings>(),
        Kind::of::<decode::Decode>(),
        Kind::of::<aggregate::Aggregate>(),
        Kind::of::<crate::figures::plot::Plot>(),
        Kind::of::<crate::figures::formats::TableSpec>(),
        Kind::of::<claim::Claim>(),
    ])
}
