//! Values that an including file gives to a parameter that an axis sweeps: no job has them. A stage may well give a parameter
//! a value in the file that declares it, which holds where the axis is taken out; but whoever writes it over an included stage
//! means to change something.

use super::axis::{Axis, Point};
use super::problem::Problem;
use super::source::Span;
use super::value::{Data, Value};

/// A stage as far as values that are not used can be told.
pub(super) struct Written<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where its kind is declared.
    pub kind: &'a Span,
    /// Its parameters, each where it was last written.
    pub parameters: &'a Value,
}

/// A warning for each value of a stage that another file than that of its kind gives it, and that an axis of a third place
/// sets for every job. `at` is the place of the stage in the pipeline.
pub(super) fn unused(stage: &Written<'_>, at: usize, axes: &[Axis]) -> Vec<Problem> {
    let mut warnings = Vec::new();
    for axis in axes {
        for (_, path) in axis.sets().filter(|(of, _)| *of == at) {
            let mut keys = path.iter();
            let declared = keys.try_fold(stage.parameters, |here, key| here.get(key));
            let is_over = |span: &Span| {
                let file = &span.source.name;
                *file != stage.kind.source.name && *file != axis.key.span.source.name
            };
            let values = declared.into_iter().flat_map(leaves);
            let Some(value) = values.into_iter().find(|value| is_over(&value.span)) else {
                continue;
            };
            let sets = |point: &Point| point.patch.on(at).iter().any(|a| a.path == *path);
            if !axis.points.iter().all(sets) {
                continue;
            }
            let (name, axis) = (path.join("."), axis.name());
            let message = format!(
                "this value of `{}.{name}` is not used: the axis `{axis}` sets it for every job",
                stage.name
            );
            warnings.push(Problem::at(&value.span, message).help(format!(
                "leave it out, or write the axis `{axis}` again in this file with the values that it should have"
            )));
        }
    }
    warnings
}

/// The values in a value that hold no others.
fn leaves(value: &Value) -> Vec<&Value> {
    match &value.data {
        Data::Table(table) if !table.is_empty() => {
            table.iter().flat_map(|(_, value)| leaves(value)).collect()
        }
        _ => vec![value],
    }
}
