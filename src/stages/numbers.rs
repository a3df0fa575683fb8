//! `numbers`: a table in, its numbers as commands for the text of a paper out.

use std::collections::BTreeSet;
use std::fs;

use super::frames;
use super::table::{column_errors, param_error};
use crate::figures::formats::{Numbers, Rendered, render_numbers};
use crate::pipeline::{
    ArtifactType, Cardinality, ColumnShape, Context, ParamError, Port, PortSyntax, Stage, Stop,
    TableShape,
};

impl Stage for Numbers {
    const KIND: &'static str = "numbers";
    const VERSION: u32 = 1;
    const OUTPUT: ArtifactType = ArtifactType::Numbers;
    const PORTS: &'static [Port] = &[Port {
        name: "from",
        cardinality: Cardinality::One,
        accepts: &[ArtifactType::Table],
        syntax: PortSyntax::One,
        doc: "the table whose numbers are named",
    }];

    fn param_errors(&self) -> Vec<ParamError> {
        self.problems().into_iter().map(param_error).collect()
    }

    fn columns(&self, inputs: &[TableShape]) -> Result<Option<Vec<ColumnShape>>, Vec<ParamError>> {
        let errors = column_errors(&self.uses(), &self.numeric_uses(), inputs);
        if errors.is_empty() {
            Ok(None)
        } else {
            Err(errors)
        }
    }

    fn files(&self, _output: Option<&str>) -> Option<Vec<String>> {
        Some(vec!["numbers.tex".into(), "numbers.json".into()])
    }

    fn columns_read(&self) -> Option<BTreeSet<String>> {
        Some(self.uses().into_iter().map(|(_, column)| column).collect())
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let rows = frames::stacked(&[job.one("from")?], "table.parquet")?;
        let Rendered { files, warnings } = render_numbers(&rows, self, job.holes)?;
        for (name, bytes) in files {
            fs::write(job.out.join(name), bytes)?;
        }
        job.warn(&warnings)?;
        Ok(())
    }
}
