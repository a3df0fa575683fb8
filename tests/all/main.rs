//! etude from outside: the language by its diagnostics, the engine by toy stages, the program by running it.

#![allow(
    clippy::exit,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may say what it sees, and fails where it cannot go on"
)]

mod analyses;
mod check;
mod command;
mod dialect;
mod docs;
mod document;
mod engine;
mod executors;
mod faults;
mod figures;
mod fingerprint;
mod gallery;
mod golden;
mod init;
mod killed;
mod labels;
mod language;
mod latex;
mod layers;
mod left_out;
mod machines;
mod pipelines;
mod program;
mod project;
mod restore;
mod running;
mod runs;
mod shown;
mod slips;
mod slurm;
mod sql;
mod store_commands;
mod streams;
mod tables;
mod tasks;
mod toys;
mod upstream;
mod walk;
