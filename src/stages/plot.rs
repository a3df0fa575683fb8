//! `plot`: a table in, a figure out, as SVG, PDF and PNG from one drawing, and as a Vega-Lite specification.

use std::collections::BTreeSet;
use std::fs;

use super::frames;
use crate::figures::latex::figure_snippet;
use crate::figures::plot::{Drawn, Metadata, Plot, annotated};
use crate::figures::spelling;
use crate::pipeline::{
    ArtifactType, Cardinality, ColumnKind, ColumnShape, Context, ParamError, Port, PortSyntax,
    Stage, Stop, TableShape,
};

/// Pixels to a point: 288 to an inch.
const PNG_SCALE: f64 = 4.0;

/// What a stage is called among the tables of a job.
fn table_name(stage: &str) -> String {
    stage.replace(['-', '.'], "_")
}

impl Stage for Plot {
    const KIND: &'static str = "plot";
    const VERSION: u32 = 4;
    const OUTPUT: ArtifactType = ArtifactType::Figure;
    const PORTS: &'static [Port] = &[Port {
        name: "from",
        cardinality: Cardinality::One,
        accepts: &[ArtifactType::Table],
        syntax: PortSyntax::List,
        doc: "the tables to draw; layers and panels say which, the first if they do not",
    }];

    fn param_errors(&self) -> Vec<ParamError> {
        let problems = self.problems().into_iter();
        problems
            .map(|(name, why)| ParamError::new(name, why))
            .collect()
    }

    fn columns(&self, inputs: &[TableShape]) -> Result<Option<Vec<ColumnShape>>, Vec<ParamError>> {
        let mut param_errors = Vec::new();
        let names: Vec<String> = inputs.iter().map(|shape| shape.name.clone()).collect();
        for (parameter, from, column) in self.uses() {
            let shape = match &from {
                None => inputs.first(),
                Some(from) => inputs.iter().find(|shape| shape.name == table_name(from)),
            };
            match shape {
                Some(shape) => param_errors.extend(frames::missing_columns(
                    [(parameter.as_str(), column.as_str())],
                    std::slice::from_ref(shape),
                )),
                None => {
                    let from = from.unwrap_or_default();
                    let path = parameter.rsplit_once('.').map_or("", |(path, _)| path);
                    let path = path
                        .rsplit_once('.')
                        .map_or(String::new(), |(path, _)| format!("{path}."));
                    let advice = spelling::advice(&from, "tables", &names);
                    let why = format!(
                        "the stage does not read `{from}`: {advice}; name it in the stage's `from` too"
                    );
                    let error = ParamError::new(format!("{path}from"), why);
                    if !param_errors.contains(&error) {
                        param_errors.push(error);
                    }
                }
            }
        }
        let is_text = |from: Option<&str>, column: &str| {
            let named =
                |shape: &&TableShape| from.is_none_or(|from| shape.name == table_name(from));
            let columns = inputs.iter().find(named)?.columns.as_ref()?;
            let column = columns.iter().find(|own| own.name == column)?;
            Some(column.kind? == ColumnKind::Text)
        };
        let problems = self.problems_knowing(&is_text).into_iter();
        param_errors.extend(problems.map(|(name, why)| ParamError::new(name, why)));
        if param_errors.is_empty() {
            Ok(None)
        } else {
            Err(param_errors)
        }
    }

    fn files(&self, _output: Option<&str>) -> Option<Vec<String>> {
        let formats = ["svg", "pdf", "png", "tex", "vl.json"].into_iter();
        Some(formats.map(|format| format!("figure.{format}")).collect())
    }

    fn columns_read(&self) -> Option<BTreeSet<String>> {
        Some(self.fields().into_iter().collect())
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let mut tables = Vec::new();
        for input in job.all("from") {
            let rows = frames::stacked(&[input], "table.parquet")?;
            tables.push((input.table.clone(), rows));
        }
        let plot = self.with_tables(table_name);
        let Drawn {
            drawing,
            vega,
            width,
            mut warnings,
        } = annotated(&plot, &tables, job.holes)?;
        let text = self.latex.clone().unwrap_or_default();
        let (code, told) = figure_snippet(&text, width);
        warnings.extend(told);
        job.warn(&warnings)?;
        fs::write(job.out.join("figure.tex"), code)?;
        let drawing = drawing.with_metadata(Metadata {
            creator: format!("etude ({} {})", Self::KIND, Self::VERSION),
            key: job.key.to_string(),
        });
        fs::write(job.out.join("figure.svg"), drawing.svg())?;
        fs::write(job.out.join("figure.pdf"), drawing.pdf()?)?;
        fs::write(job.out.join("figure.png"), drawing.png(PNG_SCALE)?)?;
        fs::write(job.out.join("figure.vl.json"), format!("{vega:#}\n"))?;
        Ok(())
    }
}
