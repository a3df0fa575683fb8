//! `table`: a table in, the same table for people out, as Markdown, CSV, LaTeX and Parquet.

use std::collections::BTreeSet;
use std::fs;

use super::frames;
use crate::figures::formats::{Rendered, TableSpec, file_names, render};
use crate::pipeline::{
    ArtifactType, Cardinality, ColumnShape, Context, ParamError, Port, PortSyntax, Stage, Stop,
    TableShape,
};

impl Stage for TableSpec {
    const KIND: &'static str = "table";
    const VERSION: u32 = 2;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const ROWS: &'static str = "a row of the table that it prints";
    const PORTS: &'static [Port] = &[Port {
        name: "from",
        cardinality: Cardinality::One,
        accepts: &[ArtifactType::Table],
        syntax: PortSyntax::One,
        doc: "the table to print",
    }];

    fn columns(&self, inputs: &[TableShape]) -> Result<Option<Vec<ColumnShape>>, Vec<ParamError>> {
        let needed = self.columns();
        let needed = needed.iter().map(|column| ("columns", column.as_str()));
        let param_errors = frames::missing_columns(needed, inputs);
        if param_errors.is_empty() {
            Ok(inputs.first().and_then(|shape| shape.columns.clone()))
        } else {
            Err(param_errors)
        }
    }

    fn files(&self, _output: Option<&str>) -> Option<Vec<String>> {
        Some(file_names().map(str::to_string).collect())
    }

    fn columns_read(&self) -> Option<BTreeSet<String>> {
        let columns = self.columns();
        (!columns.is_empty()).then(|| columns.into_iter().collect())
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let rows = frames::stacked(&[job.one("from")?], "table.parquet")?;
        let mut table = self.clone();
        let mut notes = job.holes.to_vec();
        if rows.height() == 0 {
            notes.push("the table has no rows".to_string());
        }
        if !notes.is_empty() {
            let mut caption = table.caption.take().unwrap_or_default();
            if !caption.is_empty() {
                caption.push(' ');
            }
            table.caption = Some(format!("{caption}({})", notes.join("; ")));
        }
        let Rendered { files, warnings } = render(&rows, &table)?;
        for (name, bytes) in files {
            fs::write(job.out.join(name), bytes)?;
        }
        job.warn(&warnings)?;
        Ok(())
    }
}
