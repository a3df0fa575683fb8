//! What a run is among the rows of a stage's tables.
//!
//! A run is a job. Rows of an artifact are of the job that left it, and one job that stands under several labels is one run.
//! Where a stage takes the tables of all jobs of another at once, its rows are no longer told apart by jobs: there a row is of the
//! run that its coordinates name, if the table has a column for each axis that reaches it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{ArtifactType, DeclaredInput, Pipeline, Takes};

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
        let RunsOf::Labels {
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

/// Where the rows of a stage's tables come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lineage {
    /// The axes that tell its runs apart, in the order of the pipeline.
    pub axes: Vec<String>,
    /// Whether a stage on the way took several jobs at once.
    pub is_collapsed: bool,
    /// The stages whose jobs are the runs, by place.
    pub stages: BTreeSet<usize>,
}

impl Pipeline {
    /// Where the rows of a stage's tables come from.
    pub fn lineage(&self, stage: usize) -> Lineage {
        let declared = &self.stages[stage];
        let mut axes: BTreeSet<String> = declared.axes.iter().cloned().collect();
        let mut stages = BTreeSet::new();
        let mut is_collapsed = false;
        for input in &declared.inputs {
            for from in &input.reads {
                let theirs = self.lineage(from.stage);
                let read = &self.stages[from.stage].axes;
                let drops = read.iter().any(|axis| !declared.axes.contains(axis));
                is_collapsed |= theirs.is_collapsed || (input.port.takes == Takes::All && drops);
                axes.extend(theirs.axes);
                stages.extend(theirs.stages);
            }
        }
        // What reads tables may hand their rows on; all other rows are of the job that left them.
        let reads_tables =
            |input: &DeclaredInput| input.port.accepts.contains(&ArtifactType::Table);
        is_collapsed &= declared.inputs.iter().any(reads_tables);
        if !is_collapsed {
            axes = declared.axes.iter().cloned().collect();
            stages = BTreeSet::from([stage]);
        }
        let all = self.axes.iter().map(|axis| axis.name());
        Lineage {
            axes: all
                .filter(|axis| axes.contains(*axis))
                .map(str::to_owned)
                .collect(),
            is_collapsed,
            stages,
        }
    }

    /// What a run is among the rows of a stage's tables.
    pub fn runs_of(&self, stage: usize) -> RunsOf {
        let lineage = self.lineage(stage);
        let declared = &self.stages[stage];
        match (lineage.is_collapsed, lineage.axes.is_empty()) {
            (true, _) => RunsOf::Labels {
                given: declared.axes.clone(),
                computed: declared
                    .outputs
                    .iter()
                    .flat_map(|output| output.columns.iter().flatten())
                    .filter(|column| column.is_computed && lineage.axes.contains(&column.name))
                    .map(|column| column.name.clone())
                    .collect(),
                axes: lineage.axes,
            },
            (false, true) if declared.kind.declares_outputs => RunsOf::Untold,
            (false, _) => RunsOf::Job { axes: lineage.axes },
        }
    }
}
