//! `etude columns`: the columns of every table, and where each comes from.

use std::io::{self, Write};

use clap::Args;

use super::{Failure, Source};
use crate::pipeline::{ColumnOf, Origin, Pipeline, Problem, TableColumns, alternatives};

#[derive(Debug, Args)]
pub struct Columns {
    #[command(flatten)]
    source: Source,
    /// Only the tables of these stages
    #[arg(value_name = "STAGE")]
    stages: Vec<String>,
}

impl Columns {
    pub fn run(self) -> Result<u8, Failure> {
        let pipeline = self.source.read()?;
        let names = || pipeline.stages.iter().map(|stage| stage.name.as_str());
        let unknown = self
            .stages
            .iter()
            .filter(|name| !names().any(|n| n == *name));
        let unknown = unknown.map(|name| {
            let problem = Problem::of(format!("there is no stage `{name}`"));
            problem.maybe_help(alternatives("stages", name, names()))
        });
        let unknown: Vec<Problem> = unknown.collect();
        if !unknown.is_empty() {
            return Err(Failure::Problems(unknown));
        }
        let mut texts = Vec::new();
        for (at, stage) in pipeline.stages.iter().enumerate() {
            let is_asked = self.stages.contains(&stage.name);
            if !self.stages.is_empty() && !is_asked {
                continue;
            }
            let outputs = 0..stage.outputs.len();
            let tables: Vec<TableColumns> = outputs
                .flat_map(|output| pipeline.tables(at, output))
                .collect();
            if tables.is_empty() && is_asked {
                texts.push(format!("{}: it leaves no table\n", stage.name));
            }
            texts.extend(tables.iter().map(|table| described(&pipeline, at, table)));
        }
        if texts.is_empty() {
            texts.push("no stage of this pipeline leaves a table\n".to_string());
        }
        // Whoever closed the stream does not want to hear more.
        let _ = write!(io::stdout().lock(), "{}", texts.join("\n"));
        Ok(0)
    }
}

/// A table and its columns, a line each.
fn described(pipeline: &Pipeline, at: usize, table: &TableColumns) -> String {
    let stage = &pipeline.stages[at];
    let mut text = format!("{}  ({} `{}`)\n", table.table, stage.kind.name, stage.name);
    if !table.of.row.is_empty() {
        text.push_str(&format!("  a row is {}\n", table.of.row));
    }
    let mut lines: Vec<[String; 3]> = table
        .columns
        .iter()
        .map(|column| line(column, table.is_known))
        .collect();
    if !table.is_known {
        let unknown = [
            "…".to_string(),
            "the stage itself: known once it has run".to_string(),
            String::new(),
        ];
        lines.insert(0, unknown);
    }
    let width = |n: usize| lines.iter().map(|line| line[n].chars().count()).max();
    let (first, second) = (width(0).unwrap_or(0), width(1).unwrap_or(0));
    for [name, from, holds] in &lines {
        let line = format!("  {name:first$}  {from:second$}  {holds}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn line(column: &ColumnOf, is_known: bool) -> [String; 3] {
    let from = match &column.origin {
        Origin::Own => "the stage itself".to_string(),
        Origin::Axis => "an axis".to_string(),
        Origin::Swept {
            axis,
            parameter,
            by_label: false,
        } => format!("{parameter}, swept by `{axis}`"),
        Origin::Swept {
            axis, parameter, ..
        } => {
            let if_any = if is_known {
                ""
            } else {
                ", if there is such a column"
            };
            format!("{parameter}, swept by `{axis}`, found by the label in `{axis}`{if_any}")
        }
    };
    let holds = column.holds.unwrap_or_default().to_string();
    [column.name.clone(), from, holds]
}
