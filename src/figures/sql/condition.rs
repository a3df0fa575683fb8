//! A condition over the columns of one row.

use std::collections::BTreeSet;

use polars::prelude::*;
use polars::sql::SQLContext;
use sqlparser::ast::{Expr, Query, Spanned};

use super::ast;
use super::interval::{function_name, is_aggregate};
use super::problem::SqlError;
use super::scope;
use super::walk::{self, Flow, Look};
use crate::figures::table::{self, Error};

/// A boolean SQL expression over a row, such as `ABS(accuracy - 1.0 / degree) < 0.05`.
///
/// Refuses subqueries, windows and functions over many rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    expr: Expr,
}

impl Condition {
    /// Reads one condition.
    pub fn parse(text: &str) -> Result<Self, SqlError> {
        let mut expr = ast::parse_condition(text)?;
        walk::expr(&mut expr, &mut RowWise)?;
        Ok(Self { expr })
    }

    /// The columns it looks at.
    pub fn columns(&self) -> BTreeSet<String> {
        scope::columns_of(&self.expr)
            .into_iter()
            .filter_map(|mut idents| idents.pop())
            .map(|ident| ident.value)
            .collect()
    }

    /// Its meaning as text: layout, comments, letter case of keywords and
    /// needless quotes make no difference.
    pub fn canonical(&self) -> String {
        ast::canonical_expr(&self.expr)
    }

    /// For every row whether it holds; nothing where a value is missing.
    pub fn evaluate(&self, rows: &DataFrame) -> Result<Vec<Option<bool>>, Error> {
        for name in self.columns() {
            table::column(rows, &name)?;
        }
        let height = rows.height();
        let mut context = SQLContext::new();
        context.register("rows", rows.clone().lazy());
        let result = context
            .execute(&format!("SELECT ({}) AS holds FROM rows", self.expr))?
            .collect()?;
        let holds = result.column("holds")?;
        if !(holds.dtype().is_bool() || holds.dtype().is_null()) {
            return Err(Error::Unsuitable(format!(
                "`{}` is not a condition: it gives {}",
                self.expr,
                holds.dtype()
            )));
        }
        let holds = holds.cast(&DataType::Boolean)?;
        let values: Vec<Option<bool>> = holds.bool()?.iter().collect();
        // A condition that looks at no column gives one value for all rows.
        if values.len() != height {
            return Ok(vec![values.first().copied().flatten(); height]);
        }
        Ok(values)
    }
}

struct RowWise;

impl Look for RowWise {
    fn query(&mut self, query: &mut Query) -> Flow {
        Flow::Break(SqlError::at(
            query.span().start,
            "a condition looks at one row and cannot ask another query",
            "join or aggregate in the table the condition is about",
        ))
    }

    fn expr(&mut self, expr: &mut Expr) -> Flow {
        match expr {
            Expr::Function(function) if function.over.is_some() || is_aggregate(function) => {
                Flow::Break(SqlError::at(
                    function.name.span().start,
                    format!(
                        "{} looks at many rows, a condition at one",
                        function_name(function)
                    ),
                    "compute it in the table the condition is about",
                ))
            }
            Expr::Identifier(ident) if ident.value == super::interval::RUN => {
                Flow::Break(SqlError::at(
                    ident.span.start,
                    format!("`{}` is hidden and cannot be named", super::interval::RUN),
                    "",
                ))
            }
            _ => Flow::Continue(()),
        }
    }
}
