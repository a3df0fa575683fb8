//! One SELECT over tables, checked before it runs and the same on every run.
//!
//! A [`Query`] is exactly one SELECT statement (common table expressions, joins, subqueries and set operations included);
//! what would change or read anything but the given tables is refused. The text is parsed by sqlparser, checked against the
//! columns and types of the tables ([`Query::check`]) and computed here, over polars' columns. What an operator means is
//! written in this folder and nowhere else, and held against what DuckDB answers (`tests/reference/sql`).
//!
//! **Missing values.** NULL is a value that is not there, NaN a number that is none. A comparison with either is unknown. NULL
//! and NaN are last in an order, from low to high and from high to low. Aggregates leave NULL out; NaN makes them NaN.
//!
//! **Numbers.** Dividing two whole numbers gives a fraction, `//` cuts the fraction off. A whole number that does not fit 64 bits is an
//! error. Truth values count as 0 and 1. A number is never compared with text. A constant beside a number of 32 bits has 32;
//! FLOAT and REAL in a CAST have 64.
//!
//! **Runs.** Some functions count *runs*, not rows: [`Table::runs`] tells which run a row is of.
//!
//! - `ci95(x)`: half the width of the 95 % Student-t interval of the mean of `x` over runs. Rows of one run within a group are
//!   averaged first. Fewer than two runs: NULL.
//! - `runs()`: how many runs a group has.
//! - `wilson95_low(x)`, `wilson95_high(x)`, `clopper_pearson95_low(x)`, `clopper_pearson95_high(x)`: the ends of the 95 %
//!   interval of a share of runs, where `x` is 0 or 1 a run.
//!
//! - `run_mean(x)`: the mean of the runs' means, which is the middle of the interval; AVG gives each row the same weight.
//!
//! Each takes the unit behind its value, `ci95(x, seed)` or `ci95(x, method, seed)`: rows that agree on it are one run. Without it the run follows the rows
//! through subqueries and joins, and through GROUP BY where the keys tell the runs apart. Where nothing tells what a run is, the
//! query is refused.
//!
//! **Names and order.** Names are case-sensitive. An unnamed expression is named by its own text, with function names in lower
//! case: `SELECT AVG(t.x)` gives `avg(x)`. A result without ORDER BY is sorted by all its columns, from the left; ties of an
//! ORDER BY are broken the same way.

mod aggregate;
mod ast;
mod bind;
mod canonical;
mod compute;
mod condition;
mod depth;
mod function;
mod hyphen;
mod interval;
mod join;
mod kind;
mod names;
mod plan;
mod problem;
mod ranks;
mod run;
mod tree;
mod value;
mod walk;
mod window;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::{Column, DataFrame};

pub use bind::{Catalog, Runs, TableInfo};
pub use condition::Condition;
pub use hyphen::hyphens_told;
pub use kind::Kind;
pub use plan::ResultColumn;
pub use problem::{SqlError, SqlProblem};
pub use run::{RunIds, Table};

use crate::figures::table::{self, Error};

/// The names of the functions that can be called, in lower case.
#[derive(Debug, Clone, PartialEq)]
pub struct Functions {
    /// Aggregates that count runs, not rows.
    pub over_runs: Vec<&'static str>,
    /// Aggregates of rows.
    pub aggregates: Vec<&'static str>,
    /// What stands over a window and is no aggregate.
    pub windows: Vec<&'static str>,
    /// Functions of the values of one row.
    pub of_a_row: Vec<&'static str>,
}

impl Functions {
    /// All that there are.
    #[must_use]
    pub fn all() -> Self {
        let counts_runs =
            |name: &&str| aggregate::named(name).is_some_and(|(what, _)| what.counts_runs());
        let (over_runs, aggregates) = aggregate::names().partition(counts_runs);
        Self {
            over_runs,
            aggregates,
            windows: window::names().collect(),
            of_a_row: function::names().collect(),
        }
    }
}

/// One SELECT statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    statement: tree::Tree<sqlparser::ast::Query>,
}

impl Query {
    /// Reads exactly one SELECT statement.
    pub fn parse(text: &str) -> Result<Self, SqlError> {
        let statement = ast::parse_query(text)?;
        Ok(Self { statement })
    }

    /// The tables it reads; names bound by WITH are not among them.
    pub fn tables(&self) -> BTreeSet<String> {
        let tables = self.statement.look(bind::tables).into_iter();
        tables.map(|ident| ident.value).collect()
    }

    /// Every name it mentions, of columns, tables and aliases alike: a column that is not among them is not read. None
    /// where a `*` reads them all.
    pub fn words(&self) -> Option<BTreeSet<String>> {
        self.statement.look(words::of)
    }

    /// Whether it counts runs without saying what a run is.
    pub fn counts_runs(&self) -> bool {
        self.statement
            .look(names::calls)
            .iter()
            .any(|(name, count)| {
                aggregate::named(name)
                    .is_some_and(|(what, own)| what.counts_runs() && *count <= own)
            })
    }

    /// The columns of its result, where they follow from the tables; else all that is wrong with it.
    pub fn check(&self, catalog: &Catalog) -> Result<Option<Vec<ResultColumn>>, Vec<SqlProblem>> {
        let check = |query: &_| bind::check(query, catalog).map(|checked| checked.columns);
        self.statement.look(check)
    }

    /// The text of its meaning: equal for queries that differ in layout,
    /// comments, letter case of keywords or needless quotes, with the tables it
    /// reads renamed by `rename`.
    pub fn canonical(&self, rename: &BTreeMap<String, String>) -> String {
        let canonical = |query: &_| canonical::canonical(query, rename);
        self.statement.look(canonical)
    }

    /// Runs it over the tables, by name. `runs` tells, where a table has runs, by which columns they are told apart. Beside the
    /// result stands what there is to say of it, e.g. that runs without a value were left out of an interval.
    ///
    /// # Errors
    /// [`Error::Unsuitable`] where the tables are not those that the query needs, or where a value cannot be computed.
    pub fn run(
        &self,
        tables: BTreeMap<String, Table>,
        runs: &BTreeMap<String, Runs>,
    ) -> Result<(DataFrame, Vec<String>), Error> {
        self.statement.look(|query| run_over(query, &tables, runs))
    }
}

fn run_over(
    query: &sqlparser::ast::Query,
    tables: &BTreeMap<String, Table>,
    runs: &BTreeMap<String, Runs>,
) -> Result<(DataFrame, Vec<String>), Error> {
    let catalog = tables.iter().map(|(name, table)| {
        let columns = table.rows.columns().iter().map(|column| {
            let kind = Kind::of(column.dtype()).unwrap_or(Kind::Unknown);
            (column.name().to_string(), kind)
        });
        let told = runs.get(name).cloned();
        let none = || Runs::Untold(format!("nothing tells which rows of `{name}` are one run"));
        let info = TableInfo {
            columns: Some(columns.collect()),
            coordinates: Vec::new(),
            runs: told.unwrap_or_else(none),
        };
        (name.clone(), info)
    });
    let catalog: Catalog = catalog.collect();
    let checked = bind::check(query, &catalog).map_err(|problems| {
        let lines = problems.iter().map(|p| match p.help.as_str() {
            "" => p.to_string(),
            help => format!("{p}: {help}"),
        });
        Error::Unsuitable(lines.collect::<Vec<_>>().join("\n"))
    })?;
    let runner = run::Runner::new(tables);
    let rows = runner
        .rows(&checked.relation)
        .and_then(|rows| {
            if checked.is_ordered {
                Ok(rows)
            } else {
                run::by_all_columns(&rows)
            }
        })
        .map_err(Error::Unsuitable)?;
    let known = checked.columns.unwrap_or_default().into_iter();
    let columns = rows.columns.into_iter().zip(known);
    let columns = columns.map(|(column, known)| {
        let column = function::as_kind(&column, known.kind).map_err(Error::Unsuitable)?;
        Ok(column.with_name(known.name.as_str().into()))
    });
    let columns: Vec<Column> = columns.collect::<Result<_, Error>>()?;
    let mut result = DataFrame::new(rows.height, columns)?;
    result.rechunk_mut();
    let has_rows = result.height() > 0;
    Ok((result, runner.notes(has_rows)))
}

/// The columns of a table, with their types.
pub fn columns_of(table: &DataFrame) -> Vec<(String, Kind)> {
    let names = table::column_names(table).into_iter();
    names
        .zip(table.columns())
        .map(|(name, column)| (name, Kind::of(column.dtype()).unwrap_or(Kind::Unknown)))
        .collect()
}

#[cfg(test)]
mod tests;
