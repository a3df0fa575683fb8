//! etude: declarative experiment pipelines for papers on machine learning.
//!
//! A pipeline file becomes figures on this road:
//!
//! ```text
//! pipelines/x.toml → pipeline::Pipeline → plan::Plan → run::execute → store::Store → figures, report
//!                    (as written, valid)  (each job, its key, why)  (events out)  (artifact + record)
//! ```
//!
//! [`pipeline`] is the language and the contract of a stage; [`stages`] holds one file a stage kind, where the wings
//! [`learn`] and [`figures`] meet the machinery; [`plan`] unrolls a pipeline into jobs; [`run`] executes them over a [`store`];
//! [`report`] reads the events of a run and [`cli`] is the face. A folder imports only folders below it.

#![cfg_attr(
    test,
    allow(
        clippy::print_stdout,
        clippy::print_stderr,
        clippy::unwrap_used,
        reason = "a test may say what it sees, and fails where it cannot go on"
    )
)]

#[allow(clippy::print_stderr, reason = "the face speaks to people")]
pub mod cli;
pub mod figures;
pub mod learn;
pub mod pipeline;
pub mod plan;
pub mod report;
pub mod run;
pub mod stages;
pub mod store;
