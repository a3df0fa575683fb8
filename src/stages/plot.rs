//! `plot`: a table in, a figure out, as SVG, PDF and PNG from one drawing.

use std::collections::BTreeSet;
use std::fs;

use super::frames;
use crate::figures::plot::{Drawn, Level, Metadata, Plot, annotated};
use crate::pipeline::{
    ArtifactType, Cardinality, ColumnShape, Context, ParamError, Port, PortSyntax, Stage, Stop,
    TableShape,
};

/// Pixels to a point: 288 to an inch.
const PNG_SCALE: f64 = 4.0;

/// The columns that each parameter names.
fn uses(plot: &Plot) -> Vec<(String, String)> {
    let channels = [
        ("x", Some(&plot.x)),
        ("y", Some(&plot.y)),
        ("color", plot.color.as_ref()),
        ("facet", plot.facet.as_ref()),
        ("value", plot.value.as_ref()),
    ];
    let mut uses = Vec::new();
    for (name, channel) in channels {
        let Some(channel) = channel else { continue };
        uses.push((format!("{name}.field"), channel.field.clone()));
        let ends = channel.interval();
        uses.extend(ends.map(|(end, column)| (format!("{name}.{end}"), column.clone())));
    }
    for reference in &plot.reference {
        for level in [&reference.x, &reference.y].into_iter().flatten() {
            if let Level::Field(column) = level {
                uses.push(("reference".to_string(), column.clone()));
            }
        }
    }
    uses
}

impl Stage for Plot {
    const KIND: &'static str = "plot";
    const VERSION: u32 = 4;
    const OUTPUT: ArtifactType = ArtifactType::Figure;
    const PORTS: &'static [Port] = &[Port {
        name: "from",
        cardinality: Cardinality::One,
        accepts: &[ArtifactType::Table],
        syntax: PortSyntax::One,
        doc: "the table to draw",
    }];

    fn param_errors(&self) -> Vec<ParamError> {
        let problems = self.problems().into_iter();
        problems
            .map(|(name, why)| ParamError::new(name, why))
            .collect()
    }

    fn columns(&self, inputs: &[TableShape]) -> Result<Option<Vec<ColumnShape>>, Vec<ParamError>> {
        let uses = uses(self);
        let needed = uses
            .iter()
            .map(|(parameter, column)| (parameter.as_str(), column.as_str()));
        let param_errors = frames::missing_columns(needed, inputs);
        if param_errors.is_empty() {
            Ok(None)
        } else {
            Err(param_errors)
        }
    }

    fn files(&self, _output: Option<&str>) -> Option<Vec<String>> {
        let formats = ["svg", "pdf", "png"].into_iter();
        Some(formats.map(|format| format!("figure.{format}")).collect())
    }

    fn columns_read(&self) -> Option<BTreeSet<String>> {
        Some(self.columns().into_iter().collect())
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let rows = frames::stacked(&[job.one("from")?], "table.parquet")?;
        let Drawn { drawing, warnings } = annotated(self, &rows, job.holes)?;
        job.warn(&warnings)?;
        let drawing = drawing.with_metadata(Metadata {
            creator: format!("etude ({} {})", Self::KIND, Self::VERSION),
            key: job.key.to_string(),
        });
        fs::write(job.out.join("figure.svg"), drawing.svg())?;
        fs::write(job.out.join("figure.pdf"), drawing.pdf()?)?;
        fs::write(job.out.join("figure.png"), drawing.png(PNG_SCALE)?)?;
        Ok(())
    }
}
