//! Where the rows of a stage's tables come from, through all that it reads.

use std::collections::BTreeSet;

use super::contract::{ArtifactType, Cardinality};
use super::runs::RunsOf;
use super::{DeclaredInput, Pipeline};

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
                is_collapsed |=
                    theirs.is_collapsed || (input.port.cardinality == Cardinality::All && drops);
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
