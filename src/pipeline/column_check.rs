//! Whether each stage is given the columns that it reads. A column that cannot be known because of another problem is unknown,
//! not absent: nothing is said of it until that problem is solved.

use std::collections::BTreeSet;

use super::Pipeline;
use super::columns::{ColumnOf, ColumnOrigin};
use super::contract::{ColumnShape, TableShape};
use super::param_error::ParamError;
use super::problem::{Problem, Problems};
use super::source::Span;

/// What is known of each stage, by its place in the pipeline.
pub(super) struct KnownStages<'a> {
    /// Of each instance, which variant it is.
    pub variants: &'a [Vec<usize>],
    /// Whether all that the stage reads is known. Of a stage that comes from one where it is not, nothing is checked.
    pub reads_all: &'a [bool],
    /// Whether the columns that axes add to its tables are known.
    pub has_columns: &'a [bool],
}

/// Holds what each stage reads against the columns it will be given. `place` tells where what an error is about stands.
pub(super) fn check_columns(
    pipeline: &mut Pipeline,
    known: &KnownStages<'_>,
    order: &[usize],
    place: impl Fn(usize, usize, &ParamError) -> Span,
    problems: &mut Problems,
) {
    // By stage and output.
    let mut all: Vec<Vec<Vec<TableShape>>> = vec![Vec::new(); pipeline.stages.len()];
    // Whether a stage and all that it comes from read what they name.
    let mut whole = vec![false; pipeline.stages.len()];
    for &at in order {
        let stage = &pipeline.stages[at];
        let mut from = stage.inputs.iter().flat_map(|input| &input.reads);
        whole[at] = known.reads_all[at] && from.all(|from| whole[from.stage]);
        let from = stage.inputs.iter().flat_map(|input| &input.reads);
        let shapes = from.flat_map(|from| all[from.stage][from.output].clone());
        let shapes: Vec<TableShape> = shapes.collect();
        let mut columns = None;
        let mut checked = BTreeSet::new();
        // Of each output that has a name.
        let mut named = vec![None; stage.outputs.len()];
        for (instance, variant) in stage.instances.iter().zip(&known.variants[at]) {
            if !whole[at] || !checked.insert(*variant) {
                continue;
            }
            let is_first = checked.len() == 1;
            for (known, output) in named.iter_mut().zip(&stage.outputs) {
                let name = output.name.as_deref();
                let left = name.and_then(|name| instance.parameters.output_columns(name));
                *known = if is_first {
                    left
                } else {
                    ColumnShape::common(known.take(), left)
                };
            }
            match instance.parameters.columns(&shapes) {
                Ok(left) if is_first => columns = left,
                Ok(left) => columns = ColumnShape::common(columns, left),
                Err(param_errors) => {
                    for param_error in param_errors {
                        let span = place(at, *variant, &param_error);
                        let problem = Problem::at(&span, &param_error.message);
                        problems.push(problem.maybe_help(param_error.help));
                    }
                }
            }
        }
        let first = stage.instances.first();
        let certain = first.and_then(|first| first.parameters.columns(&[]).ok().flatten());
        let certain = certain.into_iter().flatten().map(|column| column.name);
        let certain: Vec<String> = certain.collect();
        pipeline.stages[at].certain = certain;
        for (output, named) in pipeline.stages[at].outputs.iter_mut().zip(named) {
            output.columns = match output.name {
                Some(_) => named,
                None => columns.clone(),
            };
        }
        let outputs = 0..pipeline.stages[at].outputs.len();
        all[at] = outputs
            .map(|output| tables(pipeline, (at, output), known.has_columns[at]))
            .collect();
        for problem in pipeline.collisions(at) {
            problems.push(problem);
        }
    }
}

/// The tables that a stage's artifacts offer, coordinates and swept parameters among their columns.
fn tables(
    pipeline: &Pipeline,
    (stage, output): (usize, usize),
    has_columns: bool,
) -> Vec<TableShape> {
    // Of a stage without instances nothing is known, not even its coordinates.
    let is_known = has_columns && !pipeline.stages[stage].instances.is_empty();
    let tables = pipeline.tables(stage, output).into_iter();
    let shapes = tables.map(|table| {
        let shape = |column: &ColumnOf| ColumnShape::new(column.name.clone(), column.kind);
        let columns = table.columns.iter().map(shape);
        let coordinates = table.columns.iter().filter(|column| match column.origin {
            ColumnOrigin::Own => false,
            ColumnOrigin::Axis => true,
            ColumnOrigin::Swept { by_label, .. } => !by_label,
        });
        TableShape {
            columns: (is_known && table.is_known).then(|| columns.collect()),
            coordinates: coordinates.map(shape).collect(),
            name: table.table,
            runs: table.runs,
        }
    });
    shapes.collect()
}
