//! Running a query that has been checked: relations become columns, step by step.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use polars::prelude::*;

use super::aggregate::What;
use super::compute::told;
use super::function::in_one_piece;
use super::function::{Fault, as_kind, int_column, internal};
use super::kind::Kind;
use super::plan::{Aggregate, Expr, Over, Relation, SortKey, Subquery, Term, Window};
use super::ranks::{Classes, Ranks, groups, keys};
use super::window::Given;

/// Rows, column by column.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    /// The columns.
    pub columns: Vec<Column>,
    /// How many rows there are.
    pub height: usize,
}

/// The run of each row; a row of no run has none.
pub type RunIds = Vec<Option<i64>>;

/// A table from outside, with the run of each row where that is known.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its rows.
    pub rows: DataFrame,
    /// Which run each row is of: equal numbers are one run.
    pub runs: Option<RunIds>,
}

/// Runs relations over tables.
pub(super) struct Runner<'a> {
    pub(super) tables: &'a BTreeMap<String, Table>,
    /// What queries gave that are inside of expressions or read several times: each runs once.
    pub(super) seen: std::cell::RefCell<HashMap<*const Relation, Rc<Rows>>>,
    /// What there is to say of the values.
    notes: std::cell::RefCell<BTreeSet<String>>,
    /// What the last WHERE that kept no row asks for in vain.
    unmet: std::cell::RefCell<Option<String>>,
}

impl Rows {
    pub(super) fn take(&self, rows: &[Option<usize>]) -> Result<Self, Fault> {
        let index: IdxCa = rows
            .iter()
            .map(|row| row.map(|row| row as IdxSize))
            .collect();
        let columns = self
            .columns
            .iter()
            .map(|c| c.take(&index).map_err(internal));
        Ok(Self {
            columns: columns.collect::<Result<_, Fault>>()?,
            height: rows.len(),
        })
    }

    pub(super) fn only(&self, rows: impl IntoIterator<Item = usize>) -> Result<Self, Fault> {
        self.take(&rows.into_iter().map(Some).collect::<Vec<_>>())
    }

    pub(super) fn beside(mut self, other: Self) -> Self {
        self.columns.extend(other.columns);
        self
    }
}

impl<'a> Runner<'a> {
    pub(super) fn new(tables: &'a BTreeMap<String, Table>) -> Self {
        Self {
            tables,
            seen: std::cell::RefCell::default(),
            notes: std::cell::RefCell::default(),
            unmet: std::cell::RefCell::default(),
        }
    }

    /// What there was to say of the values, and of why the result has no row if it has none.
    pub(super) fn notes(self, has_rows: bool) -> Vec<String> {
        let unmet = self.unmet.into_inner().filter(|_| !has_rows);
        self.notes.into_inner().into_iter().chain(unmet).collect()
    }

    /// The first of the conditions of a WHERE that no row meets.
    fn unmet(&self, terms: &[Term], rows: &Rows) -> Result<Option<String>, Fault> {
        for term in terms {
            if !self.truths(&term.expr, rows)?.contains(&Some(true)) {
                return Ok(Some(format!(
                    "WHERE keeps no row: no row meets `{}`",
                    term.text
                )));
            }
        }
        let are_told = !terms.is_empty();
        Ok(are_told.then(|| "WHERE keeps no row: no row meets all its conditions".to_owned()))
    }

    /// The rows of a relation that another reads. Those of one that several read, such as what WITH names, are computed once.
    fn of(&self, from: &Rc<Relation>) -> Result<Rows, Fault> {
        match Rc::strong_count(from) {
            1 => self.rows(from),
            _ => Ok((*self.subquery(&Subquery(Rc::clone(from)))?).clone()),
        }
    }

    /// The rows of a relation.
    pub(super) fn rows(&self, relation: &Relation) -> Result<Rows, Fault> {
        Ok(match relation {
            Relation::Table {
                name,
                columns,
                runs,
            } => self.table(name, columns, *runs)?,
            Relation::One => Rows {
                columns: Vec::new(),
                height: 1,
            },
            Relation::Values(rows, kinds) => {
                let one = Rows {
                    columns: Vec::new(),
                    height: 1,
                };
                let mut columns: Vec<Column> = kinds
                    .iter()
                    .map(|kind| Column::full_null("".into(), 0, &kind.storage()))
                    .collect();
                for row in rows {
                    for ((expr, kind), column) in row.iter().zip(kinds).zip(&mut columns) {
                        let value = as_kind(&self.value(expr, &one)?, *kind)?;
                        column.append(&value).map_err(internal)?;
                    }
                }
                Rows {
                    columns,
                    height: rows.len(),
                }
            }
            Relation::Filter(from, condition, terms) => {
                let rows = self.of(from)?;
                let keep = self.truths(condition, &rows)?;
                let kept = rows.only((0..rows.height).filter(|row| keep[*row] == Some(true)))?;
                if kept.height == 0 && rows.height > 0 {
                    let unmet = self.unmet(terms, &rows)?;
                    *self.unmet.borrow_mut() = unmet;
                }
                kept
            }
            Relation::Project(from, columns) => {
                let rows = self.of(from)?;
                Rows {
                    columns: self.values(columns, &rows)?,
                    height: rows.height,
                }
            }
            Relation::Group(from, keys, aggregates) => {
                self.group(&self.of(from)?, keys, aggregates)?
            }
            Relation::Windows(from, windows) => {
                let mut rows = self.of(from)?;
                let before = rows.clone();
                for window in windows {
                    rows.columns.push(self.window(window, &before)?);
                }
                rows
            }
            Relation::Join {
                left,
                right,
                kind,
                equal,
                on,
            } => self.join(&self.of(left)?, &self.of(right)?, *kind, equal, on.as_ref())?,
            Relation::Distinct(from, width) => {
                let rows = self.of(from)?;
                let classes = rows.columns[..*width].iter().map(Classes::of);
                let classes: Vec<Classes> = classes.collect::<Result<_, Fault>>()?;
                let (keys, count) = keys(&classes, rows.height);
                rows.only(
                    groups(&keys, count)
                        .iter()
                        .filter_map(|rows| rows.first().copied()),
                )?
            }
            Relation::Sort(from, keys) => {
                let rows = self.of(from)?;
                let order = self.order(keys, &rows)?;
                let mut places: Vec<usize> = (0..rows.height).collect();
                places.sort_by(|a, b| order.compare(*a, *b));
                rows.only(places)?
            }
            Relation::Limit(from, skip, take) => {
                let rows = self.of(from)?;
                let left = (*skip).min(rows.height)..rows.height;
                rows.only(left.take(take.unwrap_or(usize::MAX)))?
            }
            Relation::Set(left, right, kind, kinds) => {
                self.set(self.of(left)?, self.of(right)?, *kind, kinds)?
            }
        })
    }

    pub(super) fn table(&self, name: &str, columns: &[String], runs: bool) -> Result<Rows, Fault> {
        let Some(table) = self.tables.get(name) else {
            return Err(format!("there is no table `{name}`"));
        };
        let mut read = Vec::with_capacity(columns.len());
        for name in columns {
            let values = table.rows.column(name).map_err(internal)?;
            let Some(kind) = Kind::of(values.dtype()) else {
                return Err(format!(
                    "the column `{name}` holds values of the type {}, which SQL here does not read; write numbers, text or truth values",
                    values.dtype()
                ));
            };
            read.push(match kind {
                Kind::Int => values.cast(&DataType::Int64).map_err(internal)?,
                _ => in_one_piece(values),
            });
        }
        if runs {
            let ids = table.runs.iter().flatten().copied();
            read.push(int_column(ids));
        }
        Ok(Rows {
            columns: read,
            height: table.rows.height(),
        })
    }

    pub(super) fn group(
        &self,
        rows: &Rows,
        by: &[(Expr, Kind)],
        aggregates: &[Aggregate],
    ) -> Result<Rows, Fault> {
        let mut columns = self.values(by, rows)?;
        let classes = columns.iter().map(Classes::of);
        let classes: Vec<Classes> = classes.collect::<Result<_, Fault>>()?;
        let (keys, count) = keys(&classes, rows.height);
        // Without keys all rows are one group, even if there are none.
        let groups = if by.is_empty() {
            vec![(0..rows.height).collect()]
        } else {
            groups(&keys, count)
        };
        let firsts: Vec<Option<usize>> = groups.iter().map(|rows| rows.first().copied()).collect();
        let firsts: IdxCa = firsts
            .into_iter()
            .map(|row| row.map(|row| row as IdxSize))
            .collect();
        for column in &mut columns {
            *column = column.take(&firsts).map_err(internal)?;
        }
        for aggregate in aggregates {
            columns.push(self.aggregate(aggregate, rows, &groups)?);
        }
        Ok(Rows {
            columns,
            height: groups.len(),
        })
    }

    pub(super) fn aggregate(
        &self,
        call: &Aggregate,
        rows: &Rows,
        groups: &[Vec<usize>],
    ) -> Result<Column, Fault> {
        let args = call.args.iter().map(|arg| self.value(arg, rows));
        let args: Vec<Column> = args.collect::<Result<_, Fault>>()?;
        let runs = self.runs(&call.runs, rows)?;
        let mut changed: Option<Vec<Vec<usize>>> = None;
        if let Some(filter) = &call.filter {
            let counts = self.truths(filter, rows)?;
            let groups = groups.iter();
            changed = Some(
                groups
                    .map(|rows| {
                        rows.iter()
                            .copied()
                            .filter(|row| counts[*row] == Some(true))
                            .collect()
                    })
                    .collect(),
            );
        }
        if !call.order.is_empty() {
            let order = self.order(&call.order, rows)?;
            let mut sorted = changed.unwrap_or_else(|| groups.to_vec());
            for rows in &mut sorted {
                rows.sort_by(|a, b| order.compare(*a, *b));
            }
            changed = Some(sorted);
        }
        if call.distinct {
            let classes = Classes::of(&args[0])?;
            let mut once = changed.unwrap_or_else(|| groups.to_vec());
            for rows in &mut once {
                let mut seen = std::collections::HashSet::new();
                rows.retain(|row| classes.is_known(*row) && seen.insert(classes.class(*row)));
            }
            changed = Some(once);
        }
        let groups = changed.as_deref().unwrap_or(groups);
        if let (true, Some(runs)) = (call.what.is_over_runs(), &runs) {
            let weighs = call.what == What::Interval;
            let notes = told(&call.name, weighs, &args[0], runs, groups)?;
            self.notes.borrow_mut().extend(notes);
        }
        let result = call.what.over(&args, runs.as_ref(), call.kind, groups)?;
        match call.what {
            What::Run => Ok(result),
            _ => as_kind(&result, call.kind),
        }
    }

    /// The run of each row: rows that agree on all of these are of one, and where one is missing, of none.
    fn runs(&self, unit: &[Expr], rows: &Rows) -> Result<Option<Column>, Fault> {
        if let [] | [_] = unit {
            let run = unit.first().map(|run| self.value(run, rows));
            return run.transpose();
        }
        let classes = unit.iter().map(|run| Classes::of(&self.value(run, rows)?));
        let classes: Vec<Classes> = classes.collect::<Result<_, Fault>>()?;
        let (keys, _) = keys(&classes, rows.height);
        let runs = keys.into_iter().enumerate().map(|(row, key)| {
            let is_known = classes.iter().all(|classes| classes.is_known(row));
            i64::try_from(key).ok().filter(|_| is_known)
        });
        Ok(Some(int_column(runs)))
    }

    fn order(&self, keys: &[SortKey], rows: &Rows) -> Result<Order, Fault> {
        let keys = keys.iter().map(|key| {
            let ranks = Ranks::of(&self.value(&key.expr, rows)?)?;
            Ok((ranks, key.descending, key.nulls_first))
        });
        Ok(Order(keys.collect::<Result<_, Fault>>()?))
    }

    pub(super) fn window(&self, window: &Window, rows: &Rows) -> Result<Column, Fault> {
        let partition = window.partition.iter();
        let partition = partition.map(|expr| Classes::of(&self.value(expr, rows)?));
        let partition: Vec<Classes> = partition.collect::<Result<_, Fault>>()?;
        let (keys, count) = keys(&partition, rows.height);
        let mut partitions = groups(&keys, count);
        let order = self.order(&window.order, rows)?;
        for rows in &mut partitions {
            rows.sort_by(|a, b| order.compare(*a, *b));
        }
        let mut exprs: Vec<&Expr> = Vec::new();
        let mut filter = None;
        match &window.what {
            Over::Ntile(a) | Over::First(a) | Over::Last(a) => exprs.push(a),
            Over::Nth(a, b) => exprs.extend([a, b]),
            Over::Neighbour(_, a, b, c) => exprs.extend([a, b, c]),
            Over::Aggregate(aggregate) => {
                exprs.extend(&aggregate.args);
                filter = aggregate.filter.as_ref();
            }
            _ => {}
        }
        let args = exprs.into_iter().map(|expr| self.value(expr, rows));
        let args: Vec<Column> = args.collect::<Result<_, Fault>>()?;
        let counts: Option<Vec<bool>> = match filter {
            Some(filter) => {
                let truths = self.truths(filter, rows)?.into_iter();
                Some(truths.map(|truth| truth == Some(true)).collect())
            }
            None => None,
        };
        window.over(&Given {
            args: &args,
            counts: counts.as_deref(),
            partitions: &partitions,
            // Without an order all rows of a partition are equal.
            peers: &|a, b| order.compare(a, b).is_eq(),
            height: rows.height,
        })
    }
}

/// The order of rows by several keys: values, then NaN, then missing ones, from low to high and from high to low alike.
struct Order(Vec<(Ranks, bool, bool)>);

impl Order {
    fn compare(&self, a: usize, b: usize) -> Ordering {
        for (ranks, descending, nulls_first) in &self.0 {
            let place = |row: usize| {
                if !ranks.is_known(row) {
                    if *nulls_first { 0 } else { 3 }
                } else if ranks.is_nan(row) {
                    2
                } else {
                    1
                }
            };
            let order = place(a).cmp(&place(b)).then_with(|| {
                if *descending {
                    ranks.compare(b, a)
                } else {
                    ranks.compare(a, b)
                }
            });
            if order.is_ne() {
                return order;
            }
        }
        Ordering::Equal
    }
}

/// The order of a whole result by all of its columns, from the left.
pub(super) fn by_all_columns(rows: &Rows) -> Result<Rows, Fault> {
    let ranks = rows
        .columns
        .iter()
        .map(|column| Ok((Ranks::of(column)?, false, false)));
    let order = Order(ranks.collect::<Result<_, Fault>>()?);
    let mut places: Vec<usize> = (0..rows.height).collect();
    places.sort_by(|a, b| order.compare(*a, *b));
    rows.only(places)
}
