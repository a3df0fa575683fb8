//! `etude columns`: the columns of every table, and where each comes from; what its rows are, and what a run is among them.

use clap::Args;

use super::{Failure, SourceArgs, out};
use crate::pipeline::{
    ColumnKind, ColumnOf, ColumnOrigin, Pipeline, Problem, RunsOf, TableColumns, alternatives,
};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  etude columns paper.toml
  etude columns paper.toml accuracy

Exit codes:
  0   the columns were printed
  1   an error
  64  wrong usage")]
pub struct Columns {
    #[command(flatten)]
    source: SourceArgs,
    /// Only the tables of these stages; without any, of all
    #[arg(value_name = "STAGE")]
    stages: Vec<String>,
}

impl Columns {
    pub fn run(self) -> Result<u8, Failure> {
        let (source, stages) = self.source.with_jobs("columns", self.stages)?;
        let pipeline = source.read()?;
        let names = || pipeline.stages.iter().map(|stage| stage.name.as_str());
        let unknown = stages.iter().filter(|name| !names().any(|n| n == *name));
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
            let is_asked = stages.contains(&stage.name);
            if !stages.is_empty() && !is_asked {
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
        let _ = write!(out(), "{}", texts.join("\n"));
        Ok(0)
    }
}

/// A table and its columns, a line each.
fn described(pipeline: &Pipeline, at: usize, table: &TableColumns) -> String {
    let stage = &pipeline.stages[at];
    let mut text = format!("{}  ({} `{}`)\n", table.table, stage.kind.name, stage.name);
    if !table.row.is_empty() {
        text.push_str(&format!("  a row is {}\n", table.row));
    }
    text.push_str(&format!("  {}\n", run(table)));
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

/// What a run is among the rows of a table.
fn run(table: &TableColumns) -> String {
    const SAY: &str = "say which columns tell runs apart, as `ci95(x, seed)` does";
    let list = |names: &[&str]| {
        let names = names.iter().map(|name| format!("`{name}`"));
        names.collect::<Vec<_>>().join(", ")
    };
    let axes = |axes: &[String]| list(&axes.iter().map(String::as_str).collect::<Vec<_>>());
    match &table.runs {
        RunsOf::Job { axes: all } if all.is_empty() => {
            "a run is the one job that leaves the table".to_string()
        }
        RunsOf::Job { axes: all } => format!("a run is a job, one at each of {}", axes(all)),
        RunsOf::Untold => format!("a run is not known: one job makes all rows; {SAY}"),
        RunsOf::Labels { axes: all, .. } => {
            let has = |axis: &str| table.columns.iter().any(|column| column.name == axis);
            let told = format!("a run is told by the labels in {}", axes(all));
            match (table.runs.unnamed(has).as_slice(), table.is_known) {
                ([], _) => told,
                (missing, true) => {
                    let missing = list(missing);
                    format!("a run is not known: there is no column {missing}; {SAY}")
                }
                (missing, false) => {
                    let missing = list(missing);
                    format!("{told}, if the table has {missing}; otherwise {SAY}")
                }
            }
        }
    }
}

fn line(column: &ColumnOf, is_known: bool) -> [String; 3] {
    let from = match &column.origin {
        ColumnOrigin::Own => "the stage itself".to_string(),
        ColumnOrigin::Axis => "an axis".to_string(),
        ColumnOrigin::Swept {
            axis,
            parameter,
            by_label: false,
        } => format!("{parameter}, swept by `{axis}`"),
        ColumnOrigin::Swept {
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
    let holds = column.kind.map_or("", ColumnKind::noun).to_string();
    [column.name.clone(), from, holds]
}
