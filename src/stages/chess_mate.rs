//! `chess-mate`: mates in two, from a file of puzzles.

use std::fs;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dataset::file;
use crate::learn::task::chess_mate::{BadRows, ChessMate};
use crate::learn::task::{Contract, VALIDATION};
use crate::pipeline::{
    ArtifactType, Context, Outside, ParamError, Port, Progress, Resources, Stage, Stop,
};

/// Reads mates in two from Lichess puzzles.
///
/// The file is the CSV that Lichess publishes. The question is a position, square by square, and the answer the three moves to
/// the mate. Every row is played; a row that does not mate is named. There are no fresh examples.
///
/// `skipped.txt` of the dataset counts the rows that were left out, and names the first wrong ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Puzzles {
    /// The file with the columns FEN, Moves, Rating and Themes, plain or compressed (.zst); from the project's root, unless
    /// it is absolute. Rows whose themes do not name `mateIn2` are passed over.
    #[schemars(length(min = 1))]
    puzzles: String,
    /// Examples to learn from.
    #[schemars(range(min = 1, max = 50_000_000))]
    train: u64,
    /// Examples to test with; no position is in both splits.
    #[schemars(range(min = 1, max = 50_000_000))]
    test: u64,
    /// Examples that a training looks at while it runs, none of them in the other splits; 0 for none.
    #[serde(default = "validation")]
    #[schemars(range(max = 50_000_000))]
    validation: u64,
    /// The least rating of a puzzle; without it, any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min_rating: Option<u32>,
    /// The greatest rating of a puzzle; without it, any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_rating: Option<u32>,
    /// What to do with a row that cannot be played, or does not mate.
    #[serde(default)]
    bad_rows: BadRows,
    /// Seed of the choice among all mates in two that the file has.
    #[serde(default)]
    seed: u64,
}

fn validation() -> u64 {
    VALIDATION
}

impl Puzzles {
    pub(super) fn task(&self) -> ChessMate {
        ChessMate {
            train: self.train,
            test: self.test,
            validation: self.validation,
            min_rating: self.min_rating,
            max_rating: self.max_rating,
            seed: self.seed,
        }
    }
}

impl Stage for Puzzles {
    const KIND: &'static str = "chess-mate";
    const VERSION: u32 = 2;
    const OUTPUT: ArtifactType = ArtifactType::Dataset;
    const PORTS: &'static [Port] = &[];

    fn resources() -> Resources {
        // Rows are played side by side.
        Resources {
            cores: 4,
            ..Resources::default()
        }
    }

    fn param_errors(&self) -> Vec<ParamError> {
        let problems = self.task().problems().into_iter();
        problems
            .map(|(name, why)| ParamError::new(name, why))
            .collect()
    }

    fn reads(&self) -> Vec<Outside> {
        vec![Outside {
            parameter: "puzzles".into(),
            path: self.puzzles.clone(),
        }]
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let progress = |done| Progress {
            done,
            total: done,
            unit: "examples".into(),
            metrics: Vec::new(),
        };
        job.progress(progress(0))?;
        let cancelled = || job.monitor.cancelled();
        let path = file(job, "puzzles")?;
        let chosen = match self.task().choose(path, self.bad_rows, &cancelled) {
            Err(_) if cancelled() => return Err(Stop::Cancelled),
            chosen => chosen?,
        };
        chosen.dataset.save(job.out)?;
        fs::write(job.out.join("skipped.txt"), chosen.skipped)?;
        job.progress(progress(self.train + self.test + self.validation))
    }
}
