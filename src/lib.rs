//! Declarative experiment pipelines for papers on machine learning.
//!
//! This page explains how etude works by one small pipeline. It follows the pipeline through the folders of `src/`, in the
//! order in which the data goes through them.
//!
//! # The problem
//!
//! A paper asks: does a model that is trained on next tokens learn to plan? Somebody trains a model with two objectives and two
//! seeds, lets each model answer test questions, averages the answers and draws a figure. Then a reviewer asks for a third
//! seed, a co-author finds a mistake in the decoding, and a title changes. What must run again?
//!
//! # The naive way
//!
//! A script runs everything, every time. That is right and takes days. So people comment out the parts that are done, or test
//! whether a file exists, or compare times as `make` does. All three go wrong in silence. A file exists, but an older version of
//! the code made it. A file is newer, but holds the same bytes. After a month nobody knows which seeds are in the figure.
//!
//! # The idea
//!
//! **Whoever knows everything that a result depends on can give it a name before it exists.** etude writes down what a job
//! depends on: its kind, the version of the code, its parameters and the *contents* of its inputs. This text is the job's
//! fingerprint, and the digest of the text is its cache key. Is there an artifact under that key? Then the job is done. Is there
//! none? Then it must run. Neither times nor names are asked.
//!
//! This needs one condition: a job depends on nothing else. So a stage gets its parameters, the paths of its inputs and an empty
//! folder, and no access to the clock, the environment or the other jobs.
//!
//! # One pipeline through the house
//!
//! ```toml
//! name = "planning"
//!
//! [stage.graphs]
//! kind = "path-star"
//! degree = 2
//! path_length = 4
//! nodes = 16
//! train = 1000
//! test = 100
//!
//! [stage.model]
//! kind = "train"
//! data = "graphs"
//! architecture = { kind = "transformer", layers = 2, width = 32, heads = 2 }
//! objective = "next-token"
//! optimizer = { kind = "adamw", lr = 1e-3 }
//! batch = 32
//! steps = 100
//! seed = 0
//!
//! [stage.answers]
//! kind = "decode"
//! model = "model"
//! data = "graphs"
//!
//! [stage.accuracy]
//! kind = "aggregate"
//! from = "answers"
//! sql = "SELECT method, AVG(exact) AS accuracy, ci95(exact) AS ci FROM answers GROUP BY method"
//!
//! [stage.figure]
//! kind = "plot"
//! from = "accuracy"
//! mark = "bar"
//! x = "method"
//! y = { field = "accuracy", error = "ci" }
//!
//! [axes]
//! method = { next-token = {}, reversed = { model.objective = "reversed" } }
//! seed = { "model.seed" = [0, 1] }
//! ```
//!
//! **[`pipeline`]: from text to a value that cannot be wrong.** The file is read twice. First as it was written, with the place of
//! every value, so that each message can point at it. Then each stage is checked against its kind: unknown parameters, wrong
//! types, columns that no table has, circles. All problems are reported together, and nothing has run yet. What comes out is a
//! [`pipeline::Pipeline`].
//!
//! **[`stages`]: what a kind is.** `path-star`, `train` and the others are one file each, which implements
//! [`pipeline::Stage`]: the struct's fields are the parameters, `PORTS` are the inputs, `run` does the work. A roster in
//! `stages/mod.rs` lists them. This is the only place where machine learning ([`learn`]) and drawing ([`figures`]) meet the rest.
//! Those two know nothing of pipelines.
//!
//! **[`plan`]: from stages to jobs.** A stage fans out over the axes that reach it. No axis changes the graphs, so `graphs` is one
//! job. Both axes change the model: `model` is four jobs, `model[method=reversed, seed=1]` is one of them. `answers` follows the
//! models: four jobs. `accuracy` reads all answers at once: one job. `figure` is one more. The [`plan::Plan`] is a graph of eleven
//! jobs. Each job whose inputs are known has a [`plan::Fingerprint`]:
//!
//! ```text
//! { "format": 1, "kind": "train", "version": …, "parameters": { "batch": 32, "seed": 1, … },
//!   "inputs": { "data": [[{ "artifact": "<digest of the graphs>" }]] } }
//! ```
//!
//! The stage's name is not in it, nor the labels, nor anything about the machine. So renaming a stage runs nothing, and two
//! pipelines that train the same model share it. Because the fingerprint is readable, "why does this run?" has an answer: the
//! difference of two fingerprints.
//!
//! **[`run`]: from jobs to artifacts.** [`run::execute`] starts what is missing, as many jobs at once as the machine has room for.
//! Each job runs in a process of its own and in a private folder, its spool; where, a [`run::Executor`] says. The key of a job depends on the contents of its inputs, so it
//! is known only when they are done. If new graphs come out with the same bytes as before, the models keep their keys, and
//! nothing below runs: the change stops there. The engine prints nothing. It sends [`run::Event`]s.
//!
//! **[`store`]: where artifacts are kept.** What a job left is kept as objects, each under the digest of its bytes. Then a record is
//! written under the job's key: the fingerprint, the digests, the time, the machine. The record comes last. A crash can leave
//! objects that nothing refers to, never a record without its objects. `outputs/planning/` shows figures and tables as links
//! into the store.
//!
//! **[`report`] and [`cli`]: what people see.** The terminal, the journal of a run and the tests read the same events. Only [`cli`] knows
//! the command line, colours and exit codes.
//!
//! # Back to the reviewer
//!
//! A third seed adds the label `2` to an axis. Two models and their answers have new keys. The other jobs have the keys they had,
//! and artifacts under them. `accuracy` reads six answers instead of four, so it runs, and so does the figure. For a new title
//! only the figure has a new fingerprint. No code decided that: it follows from what the keys are made of.
//!
//! # Rules of the house
//!
//! - A folder imports only folders below it. From the top: [`cli`], [`report`], [`run`], [`stages`] and [`plan`], [`pipeline`],
//!   and at the bottom [`learn`], [`figures`] and [`store`], which import nothing of ours.
//! - What people add is one file and one line in a roster: a stage, a task, a model, an objective, a mark, an executor, a command.
//! - The library never prints and reads no environment. Both are for [`cli`].
//! - The same file and seed give the same bytes on the same class of device, with any number of threads.

#![cfg_attr(
    test,
    allow(
        clippy::print_stdout,
        clippy::print_stderr,
        clippy::unwrap_used,
        reason = "a test may say what it sees, and fails where it cannot go on"
    )
)]

pub mod cli;
pub mod figures;
pub mod learn;
pub mod pipeline;
pub mod plan;
pub mod report;
pub mod run;
pub mod stages;
pub mod store;

#[cfg(test)]
mod tests {
    use crate::plan::Plan;

    #[test]
    fn the_pipeline_of_this_page_has_the_jobs_that_the_page_counts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("planning.toml");
        let lines = include_str!("lib.rs").lines();
        let block = lines
            .skip_while(|line| *line != "//! ```toml")
            .skip(1)
            .take_while(|line| *line != "//! ```");
        let text: Vec<&str> = block
            .map(|line| line.trim_start_matches("//!").trim_start())
            .collect();
        std::fs::write(&file, text.join("\n")).unwrap();
        let request = crate::pipeline::Request {
            root: folder.path().to_path_buf(),
            ..Default::default()
        };
        let pipeline = crate::pipeline::read(&file, &request, &crate::stages::registry()).unwrap();
        let plan = Plan::unroll(pipeline, &[]);
        let of = |stage: &str| {
            let names = plan.jobs.iter().map(|job| job.name.to_string());
            names
                .filter(|name| name.split('[').next() == Some(stage))
                .count()
        };
        let stages = ["graphs", "model", "answers", "accuracy", "figure"];
        assert_eq!(stages.map(of), [1, 4, 4, 1, 1]);
        assert!(plan.find("model[method=reversed, seed=1]").is_some());
    }
}
