//! What a run is among the rows of a stage's tables.
//!
//! A run is a job. Rows of an artifact are of the job that left it, and one job that stands under several labels is one run.
//! Where a stage takes the tables of all jobs of another at once, its rows are no longer told apart by jobs: there a row is of the
//! run that its coordinates name, if the table has a column for each axis that reaches it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a run is among the rows of a stage's tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunsOf {
    /// All rows of one artifact are of one run; these axes tell the runs apart.
    Job {
        /// The axes that the stage fans out over.
        axes: Vec<String>,
    },
    /// The labels in its columns tell the run of a row.
    Labels {
        /// The axes that tell runs apart.
        axes: Vec<String>,
        /// Those among them that are coordinates of the artifact: they need no column of the table.
        given: Vec<String>,
        /// Columns that have the name of an axis and hold something else.
        computed: Vec<String>,
    },
    /// One job made all rows, and what it calls a run is not known.
    Untold,
}

impl RunsOf {
    /// The axes that tell runs apart and that rows with these columns do not name: without them, no row can be told to be of
    /// one run.
    pub fn unnamed(&self, has: impl Fn(&str) -> bool) -> Vec<&str> {
        let Self::Labels {
            axes,
            given,
            computed,
        } = self
        else {
            return Vec::new();
        };
        let unnamed = axes.iter().map(String::as_str);
        let is = |all: &[String], axis: &str| all.iter().any(|own| own == axis);
        let unnamed = unnamed.filter(|axis| !is(given, axis) && (!has(axis) || is(computed, axis)));
        unnamed.collect()
    }
}

/// Which runs the rows of an artifact are of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputRuns {
    /// What a run is.
    pub of: RunsOf,
    /// The number of the job; jobs that are one have the same.
    pub job: usize,
    /// The artifact's own labels on axes that tell runs apart.
    pub given: BTreeMap<String, String>,
    /// Labels on the axes, in their order, under which stands a job that also stands under others: its first ones.
    pub same: Vec<(Vec<String>, Vec<String>)>,
}
