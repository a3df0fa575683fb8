//! `ci95(x)` and `runs()`: how their calls are checked, and the interval.

use std::collections::BTreeMap;
use std::sync::Arc;

use polars::prelude::*;
use polars::sql::{FunctionOptions, FunctionRegistry};
use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Spanned};
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::problem::SqlError;
use super::walk::{Flow, Look};

/// A hidden column: which training run a row comes from.
pub const RUN: &str = "_run";
/// The name of the interval function.
pub(super) const CI95: &str = "ci95";
/// The name of the counting function.
pub(super) const RUNS: &str = "runs";

/// Functions that turn many rows into one.
const AGGREGATES: &[&str] = &[
    "any_value",
    "approx_count_distinct",
    "array_agg",
    "avg",
    "bool_and",
    "bool_or",
    "ci95",
    "corr",
    "count",
    "covar",
    "covar_pop",
    "covar_samp",
    "every",
    "first",
    "last",
    "list",
    "max",
    "mean",
    "median",
    "min",
    "mode",
    "product",
    "quantile_cont",
    "quantile_disc",
    "runs",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "stdev",
    "stdev_pop",
    "stdev_samp",
    "string_agg",
    "sum",
    "var",
    "var_pop",
    "var_samp",
    "variance",
];

/// The lower-case name of a function.
pub(super) fn function_name(function: &Function) -> String {
    function.name.to_string().to_lowercase().replace('"', "")
}

/// Whether this call makes one row of many (a window does not).
pub(super) fn is_aggregate(function: &Function) -> bool {
    function.over.is_none() && AGGREGATES.contains(&function_name(function).as_str())
}

/// Checks how `ci95` and `runs` are called.
pub(super) struct Calls;

impl Look for Calls {
    fn expr(&mut self, expr: &mut Expr) -> Flow {
        let Expr::Function(function) = expr else {
            return Flow::Continue(());
        };
        let (wanted, help) = match function_name(function).as_str() {
            CI95 => (
                1,
                "write ci95(x): half the width of the interval of the mean of x",
            ),
            RUNS => (0, "write runs(): the number of runs in the group"),
            _ => return Flow::Continue(()),
        };
        let place = function.name.span().start;
        let plain = match &function.args {
            FunctionArguments::List(list) => {
                list.duplicate_treatment.is_none()
                    && list.clauses.is_empty()
                    && list.args.len() == wanted
                    && list
                        .args
                        .iter()
                        .all(|arg| matches!(arg, FunctionArg::Unnamed(FunctionArgExpr::Expr(_))))
            }
            _ => false,
        };
        if !plain {
            return Flow::Break(SqlError::at(
                place,
                format!(
                    "{} takes {}",
                    function_name(function),
                    if wanted == 1 { "one value" } else { "nothing" }
                ),
                help,
            ));
        }
        if function.over.is_some() || function.filter.is_some() {
            return Flow::Break(SqlError::at(
                place,
                format!("{} takes neither OVER nor FILTER", function_name(function)),
                "use GROUP BY, and WHERE in a subquery",
            ));
        }
        Flow::Continue(())
    }
}

/// The functions the engine has from us.
pub(super) struct Functions;

impl FunctionRegistry for Functions {
    fn register(&mut self, _: &str, _: UserDefinedFunction) -> PolarsResult<()> {
        polars_bail!(InvalidOperation: "functions cannot be added")
    }

    fn get_udf(&self, name: &str) -> PolarsResult<Option<UserDefinedFunction>> {
        if name != CI95 {
            return Ok(None);
        }
        let function = BaseColumnUdf::new(
            |columns: &mut [Column]| ci95(columns),
            |_: &Schema, fields: &[Field]| {
                let name = fields.first().map_or(CI95, |field| field.name().as_str());
                Ok(Field::new(name.into(), DataType::Float64))
            },
        );
        let mut function = UserDefinedFunction::new(CI95.into(), function);
        function.options = FunctionOptions::aggregation();
        Ok(Some(function))
    }

    fn contains(&self, name: &str) -> bool {
        name == CI95
    }
}

/// The registry as the engine takes it.
pub(super) fn registry() -> Arc<dyn FunctionRegistry> {
    Arc::new(Functions)
}

fn ci95(columns: &[Column]) -> PolarsResult<Column> {
    let Some(values) = columns.first() else {
        polars_bail!(InvalidOperation: "ci95 takes one value");
    };
    let kind = values.dtype();
    if !(kind.is_primitive_numeric() || kind.is_bool() || kind.is_null()) {
        polars_bail!(InvalidOperation: "ci95 needs numbers; `{}` holds {}", values.name(), kind);
    }
    let numbers = values.cast(&DataType::Float64)?;
    let runs = match columns.get(1) {
        Some(runs) if runs.len() == numbers.len() => Some(runs.cast(&DataType::Int64)?),
        _ => None,
    };
    let mut samples = Vec::new();
    // Sums over a run in the order of the rows, runs in the order of their
    // numbers: the same bits whatever the number of threads.
    let mut by_run: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
    for (row, number) in numbers.f64()?.iter().enumerate() {
        let Some(number) = number else { continue };
        let run = match &runs {
            Some(runs) => runs.i64()?.get(row),
            None => None,
        };
        match run {
            Some(run) => {
                let (sum, count) = by_run.entry(run).or_default();
                *sum += number;
                *count += 1.0;
            }
            None => samples.push(number),
        }
    }
    samples.extend(by_run.values().map(|(sum, count)| sum / count));
    Ok(Column::new(values.name().clone(), [half_width(&samples)]))
}

/// Half the width of the 95 % Student-t interval of the mean of `samples`.
pub(super) fn half_width(samples: &[f64]) -> Option<f64> {
    let n = samples.len();
    if n < 2 {
        return None;
    }
    let count = n as f64;
    let mean = samples.iter().sum::<f64>() / count;
    let variance = samples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let student = StudentsT::new(0.0, 1.0, count - 1.0).ok()?;
    Some(student.inverse_cdf(0.975) * (variance / count).sqrt())
}
