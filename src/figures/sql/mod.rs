//! One SELECT over tables, checked before it runs and the same on every run.
//!
//! A [`Query`] is exactly one SELECT statement (common table expressions,
//! joins, subqueries and unions included); everything that would change or
//! read something outside the given tables is refused. Two functions are ours:
//!
//! - `ci95(x)`: half the width of the 95 % Student-t confidence interval of the
//!   mean of `x` over *runs*. A table may carry the hidden whole-number column
//!   `_run`, one value a training run: rows of one run within a group are
//!   averaged first. Without it each row is a sample. Fewer than two: NULL.
//! - `runs()`: how many runs (or, without `_run`, rows) a group has.
//!
//! `_run` is hidden: it follows the rows through subqueries that do not
//! aggregate, cannot be named, and is never in a result.
//!
//! Dividing two whole numbers gives a fraction: `1 / 2` is `0.5`; `//` divides
//! and rounds down. An unnamed expression is named by its own text, with
//! function names in lower case: `SELECT AVG(t.x)` gives `avg(x)`.
//!
//! A result without ORDER BY is sorted by all its columns, left to right,
//! nulls first; ties of an ORDER BY are broken the same way, nulls last.

mod ast;
mod canonical;
mod condition;
mod interval;
mod problem;
mod run;
mod scope;
mod walk;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::DataFrame;

pub use condition::Condition;
pub use interval::RUN;
pub use problem::{SqlError, SqlProblem};

use crate::figures::table;

/// One SELECT statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    statement: sqlparser::ast::Query,
}

impl Query {
    /// Reads exactly one SELECT statement.
    pub fn parse(text: &str) -> Result<Self, SqlError> {
        let mut statement = ast::parse_query(text)?;
        walk::query(&mut statement, &mut interval::Calls)?;
        Ok(Self { statement })
    }

    /// The tables it reads; names bound by WITH are not among them.
    pub fn tables(&self) -> BTreeSet<String> {
        scope::tables(&self.statement)
            .into_iter()
            .map(|ident| ident.value)
            .collect()
    }

    /// Every name it mentions, of columns, tables and aliases alike: a column that is not among them is not read. None
    /// where a `*` reads them all.
    pub fn words(&self) -> Option<BTreeSet<String>> {
        words::of(&self.statement)
    }

    /// What is wrong with it, given the columns of every table there is.
    ///
    /// A table with an empty list of columns is one whose columns are not
    /// known; nothing is said about those. Reports only what is certainly
    /// wrong: unknown tables and unknown columns.
    pub fn problems(&self, catalog: &BTreeMap<String, Vec<String>>) -> Vec<SqlProblem> {
        scope::analyse(&self.statement, catalog).0
    }

    /// The columns of its result, where they follow from the catalog.
    pub fn output_columns(&self, catalog: &BTreeMap<String, Vec<String>>) -> Option<Vec<String>> {
        scope::analyse(&self.statement, catalog).1
    }

    /// The text of its meaning: equal for queries that differ in layout,
    /// comments, letter case of keywords or needless quotes, with the tables it
    /// reads renamed by `rename`.
    pub fn canonical(&self, rename: &BTreeMap<String, String>) -> String {
        canonical::canonical(&self.statement, rename)
    }

    /// Runs it over the tables, by name.
    pub fn run(&self, tables: BTreeMap<String, DataFrame>) -> Result<DataFrame, table::Error> {
        run::run(&self.statement, tables)
    }
}

#[cfg(test)]
mod tests;
