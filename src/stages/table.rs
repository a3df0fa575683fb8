//! `table`: a table in, the same table for people out, as Markdown, CSV, LaTeX and Parquet.

use std::collections::BTreeSet;
use std::fs;

use super::frames;
use crate::figures::formats::{Problem, Rendered, TableSpec, file_names, render};
use crate::pipeline::{
    ArtifactType, Cardinality, ColumnShape, Context, ParamError, Port, PortSyntax, Stage, Stop,
    TableShape,
};

/// A problem of the parameters of something printed.
pub(super) fn param_error(problem: Problem) -> ParamError {
    ParamError::new(problem.parameter, problem.message).help(problem.help)
}

/// Complains about the columns that are not there, and about those that hold text instead of numbers.
pub(super) fn column_errors(
    uses: &[(String, String)],
    numeric: &[(String, String)],
    inputs: &[TableShape],
) -> Vec<ParamError> {
    let mut errors = frames::missing_columns(uses.iter().map(named), inputs);
    errors.extend(frames::text_columns(numeric.iter().map(named), inputs));
    errors
}

/// The parameter and the column of a use.
fn named((parameter, column): &(String, String)) -> (&str, &str) {
    (parameter, column)
}

impl Stage for TableSpec {
    const KIND: &'static str = "table";
    const VERSION: u32 = 3;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const ROWS: &'static str = "a row of the table that it prints";
    const PORTS: &'static [Port] = &[Port {
        name: "from",
        cardinality: Cardinality::One,
        accepts: &[ArtifactType::Table],
        syntax: PortSyntax::One,
        doc: "the table to print",
    }];

    fn param_errors(&self) -> Vec<ParamError> {
        self.problems().into_iter().map(param_error).collect()
    }

    fn columns(&self, inputs: &[TableShape]) -> Result<Option<Vec<ColumnShape>>, Vec<ParamError>> {
        let errors = column_errors(&self.uses(), &self.numeric_uses(), inputs);
        if errors.is_empty() {
            Ok(inputs.first().and_then(|shape| shape.columns.clone()))
        } else {
            Err(errors)
        }
    }

    fn files(&self, _output: Option<&str>) -> Option<Vec<String>> {
        Some(file_names().map(str::to_string).collect())
    }

    fn columns_read(&self) -> Option<BTreeSet<String>> {
        self.columns_read()
            .map(|columns| columns.into_iter().collect())
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let rows = frames::stacked(&[job.one("from")?], "table.parquet")?;
        let Rendered { files, warnings } = render(&rows, self, job.holes)?;
        for (name, bytes) in files {
            fs::write(job.out.join(name), bytes)?;
        }
        job.warn(&warnings)?;
        Ok(())
    }
}
