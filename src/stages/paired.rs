//! `paired`: a table in, paired tests between its methods out.

use std::collections::BTreeSet;

use super::frames;
use crate::figures::paired::{COLUMNS, Paired, compare};
use crate::figures::table;
use crate::pipeline::{
    ArtifactType, ColumnKind, ColumnShape, Complaint, Context, Holds, Port, Stage, Stop,
    TableShape, Takes,
};

/// Which parameter names which column.
fn uses(paired: &Paired) -> Vec<(&'static str, &str)> {
    let by = paired.by.iter().map(|column| ("by", column.as_str()));
    let others = [
        ("between", paired.between.as_str()),
        ("value", paired.value.as_str()),
    ];
    by.chain(others).collect()
}

impl Stage for Paired {
    const KIND: &'static str = "paired";
    const VERSION: u32 = 2;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const ROWS: &'static str = "a comparison of two methods";
    const PORTS: &'static [Port] = &[Port {
        name: "from",
        takes: Takes::One,
        accepts: &[ArtifactType::Table],
        holds: Holds::One,
        doc: "the table with a row for each method and seed",
    }];

    fn complaints(&self) -> Vec<Complaint> {
        let mut seen = BTreeSet::new();
        let uses = uses(self).into_iter();
        uses.filter(|(_, column)| !seen.insert(*column))
            .map(|(parameter, column)| {
                let why = format!("the column `{column}` is named twice");
                Complaint::new(parameter, why)
                    .help("methods, what pairs their rows, and the value are columns of their own")
            })
            .collect()
    }

    fn columns(&self, inputs: &[TableShape]) -> Result<Option<Vec<ColumnShape>>, Vec<Complaint>> {
        let mut complaints = frames::missing_columns(uses(self), inputs);
        complaints.extend(frames::text_columns(
            [("value", self.value.as_str())],
            inputs,
        ));
        match complaints.is_empty() {
            true => {
                use ColumnKind::{Float, Int, Text};
                Ok(Some(ColumnShape::list(
                    COLUMNS,
                    [
                        Text, Text, Int, Float, Float, Float, Float, Float, Float, Float, Text,
                    ],
                )))
            }
            false => Err(complaints),
        }
    }

    fn columns_read(&self) -> Option<BTreeSet<String>> {
        let uses = uses(self).into_iter();
        Some(uses.map(|(_, column)| column.to_string()).collect())
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let rows = frames::stacked(&[job.one("from")?], "table.parquet")?;
        let result = compare(&rows, self)?;
        table::write(&result, &job.out.join("table.parquet"))?;
        Ok(())
    }
}
