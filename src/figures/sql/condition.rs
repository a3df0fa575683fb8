//! A condition over the columns of one row.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;
use sqlparser::ast::Expr;

use super::function::{as_kind, bools};
use super::kind::Kind;
use super::problem::{SqlError, SqlProblem};
use super::run::{Rows, Runner};
use super::tree::Tree;
use super::{ast, bind, columns_of, names};
use crate::figures::table::Error;

/// A boolean SQL expression over a row, such as `ABS(accuracy - 1.0 / degree) < 0.05`.
///
/// Refuses subqueries, windows and functions over many rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    expr: Tree<Expr>,
}

impl Condition {
    /// Reads one condition.
    pub fn parse(text: &str) -> Result<Self, SqlError> {
        let condition = Self {
            expr: ast::parse_condition(text)?,
        };
        // What is wrong whatever the columns are is told at once.
        match condition.problems(None).into_iter().next() {
            Some(problem) => Err(problem),
            None => Ok(condition),
        }
    }

    /// The columns it looks at.
    pub fn columns(&self) -> BTreeSet<String> {
        self.expr.look(names::columns)
    }

    /// Its meaning as text: layout, comments, letter case of keywords and
    /// needless quotes make no difference.
    pub fn canonical(&self) -> String {
        self.expr.look(ast::canonical_expr)
    }

    /// What is wrong with it, given the columns of the table; `None` where they are not known.
    pub fn problems(&self, columns: Option<&[(String, Kind)]>) -> Vec<SqlProblem> {
        self.expr.look(|expr| {
            let checked = bind::check_condition(expr, columns);
            checked.err().unwrap_or_default()
        })
    }

    /// For every row whether it holds; nothing where that depends on a value that is missing or NaN.
    pub fn evaluate(&self, rows: &DataFrame) -> Result<Vec<Option<bool>>, Error> {
        self.expr.look(|expr| evaluate(expr, rows))
    }
}

fn evaluate(expr: &Expr, rows: &DataFrame) -> Result<Vec<Option<bool>>, Error> {
    let known = columns_of(rows);
    let expr = bind::check_condition(expr, Some(&known)).map_err(|problems| {
        let words = problems.iter().map(|p| match p.help.as_str() {
            "" => p.message.clone(),
            help => format!("{}: {help}", p.message),
        });
        Error::Unsuitable(words.collect::<Vec<_>>().join("; "))
    })?;
    let columns = rows.columns().iter().zip(&known);
    let columns = columns.map(|(column, (_, kind))| match kind {
        // Whole numbers of fewer bits are read as all others.
        Kind::Int => Ok(column.cast(&DataType::Int64)?),
        _ => Ok(column.clone()),
    });
    let given = Rows {
        columns: columns.collect::<Result<_, Error>>()?,
        height: rows.height(),
    };
    let tables = BTreeMap::new();
    let value = Runner::new(&tables).value(&expr, &given);
    let value = value.and_then(|value| as_kind(&value, Kind::Bool));
    let value = value.map_err(Error::Unsuitable)?;
    let values = bools(&value).map_err(Error::Unsuitable)?;
    Ok(values.iter().collect())
}
