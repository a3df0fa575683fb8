//! Running a query that has been checked: relations become columns, step by step.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use polars::prelude::*;

use super::aggregate::What;
use super::function::{
    Fault, as_kind, bool_column, bools, cast, float_column, int_column, internal, kind_of,
    text_column,
};
use super::kind::Kind;
use super::plan::{
    Aggregate, Expr, JoinKind, Literal, Over, Relation, SetKind, SortKey, Subquery, Window,
};
use super::ranks::{Classes, Ranks, groups, keys};
use super::window::Given;

/// So many pairs of rows are looked at once where a join has no equal columns.
const PAIRS: usize = 1 << 20;

/// Rows, column by column.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    /// The columns.
    pub columns: Vec<Column>,
    /// How many rows there are.
    pub height: usize,
}

/// A table from outside, with the run of each row where that is known.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its rows.
    pub rows: DataFrame,
    /// Which run each row is of: equal numbers are one run.
    pub runs: Option<Vec<i64>>,
}

/// Runs relations over tables.
pub(super) struct Runner<'a> {
    tables: &'a BTreeMap<String, Table>,
    /// What queries inside expressions gave: each runs once.
    seen: std::cell::RefCell<HashMap<*const Relation, Rc<Rows>>>,
}

impl Rows {
    fn take(&self, rows: &[Option<usize>]) -> Result<Self, Fault> {
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

    fn only(&self, rows: impl IntoIterator<Item = usize>) -> Result<Self, Fault> {
        self.take(&rows.into_iter().map(Some).collect::<Vec<_>>())
    }

    fn beside(mut self, other: Self) -> Self {
        self.columns.extend(other.columns);
        self
    }
}

impl<'a> Runner<'a> {
    pub(super) fn new(tables: &'a BTreeMap<String, Table>) -> Self {
        Self {
            tables,
            seen: std::cell::RefCell::default(),
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
            Relation::Filter(from, condition) => {
                let rows = self.rows(from)?;
                let keep = self.truths(condition, &rows)?;
                rows.only((0..rows.height).filter(|row| keep[*row] == Some(true)))?
            }
            Relation::Project(from, columns) => {
                let rows = self.rows(from)?;
                Rows {
                    columns: self.values(columns, &rows)?,
                    height: rows.height,
                }
            }
            Relation::Group(from, keys, aggregates) => {
                self.group(&self.rows(from)?, keys, aggregates)?
            }
            Relation::Windows(from, windows) => {
                let mut rows = self.rows(from)?;
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
            } => self.join(
                &self.rows(left)?,
                &self.rows(right)?,
                *kind,
                equal,
                on.as_ref(),
            )?,
            Relation::Distinct(from, width) => {
                let rows = self.rows(from)?;
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
                let rows = self.rows(from)?;
                let order = self.order(keys, &rows)?;
                let mut places: Vec<usize> = (0..rows.height).collect();
                places.sort_by(|a, b| order.compare(*a, *b));
                rows.only(places)?
            }
            Relation::Limit(from, skip, take) => {
                let rows = self.rows(from)?;
                let left = (*skip).min(rows.height)..rows.height;
                rows.only(left.take(take.unwrap_or(usize::MAX)))?
            }
            Relation::Set(left, right, kind, kinds) => {
                self.set(self.rows(left)?, self.rows(right)?, *kind, kinds)?
            }
        })
    }

    fn table(&self, name: &str, columns: &[String], runs: bool) -> Result<Rows, Fault> {
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
                _ => values.rechunk_column(),
            });
        }
        if runs {
            let ids = table.runs.iter().flatten().copied();
            read.push(int_column(ids.map(Some)));
        }
        Ok(Rows {
            columns: read,
            height: table.rows.height(),
        })
    }

    fn subquery(&self, query: &Subquery) -> Result<Rc<Rows>, Fault> {
        let key = Rc::as_ptr(&query.0);
        if let Some(rows) = self.seen.borrow().get(&key) {
            return Ok(rows.clone());
        }
        let rows = Rc::new(self.rows(&query.0)?);
        self.seen.borrow_mut().insert(key, rows.clone());
        Ok(rows)
    }

    fn values(&self, exprs: &[(Expr, Kind)], rows: &Rows) -> Result<Vec<Column>, Fault> {
        let values = exprs
            .iter()
            .map(|(expr, kind)| as_kind(&self.value(expr, rows)?, *kind));
        values.collect()
    }

    fn truths(&self, condition: &Expr, rows: &Rows) -> Result<Vec<Option<bool>>, Fault> {
        let values = as_kind(&self.value(condition, rows)?, Kind::Bool)?;
        Ok(bools(&values)?.iter().collect())
    }

    /// The values of an expression, one a row.
    pub(super) fn value(&self, expr: &Expr, rows: &Rows) -> Result<Column, Fault> {
        let all = |value: Column| -> Result<Column, Fault> {
            let first: IdxCa = (0..rows.height).map(|_| Some(0)).collect();
            value.take(&first).map_err(internal)
        };
        match expr {
            Expr::Column(at) => Ok(rows.columns[*at].clone()),
            Expr::Literal(literal) => all(match literal {
                Literal::Null => Column::full_null("".into(), 1, &DataType::Null),
                Literal::Bool(v) => bool_column([Some(*v)].into_iter()),
                Literal::Int(v) => int_column([Some(*v)].into_iter()),
                Literal::Float(v) => float_column([Some(*v)].into_iter()),
                Literal::Text(v) => text_column([Some(v.clone())].into_iter()),
            }),
            Expr::Call(function, args) => {
                let args = args.iter().map(|arg| self.value(arg, rows));
                function.call(&args.collect::<Result<Vec<_>, Fault>>()?)
            }
            Expr::Case(cases, last) => self.case(cases, last, rows),
            Expr::Cast(expr, kind, safe) => cast(&self.value(expr, rows)?, *kind, *safe),
            Expr::In(expr, query) => self.is_in(&self.value(expr, rows)?, &*self.subquery(query)?),
            Expr::Exists(query) => {
                let any = self.subquery(query)?.height > 0;
                all(bool_column([Some(any)].into_iter()))
            }
            Expr::Scalar(query) => {
                let found = self.subquery(query)?;
                match found.height {
                    0 => all(Column::full_null("".into(), 1, found.columns[0].dtype())),
                    1 => all(found.columns[0].clone()),
                    n => Err(format!("a query in the place of one value gives {n} rows")),
                }
            }
            Expr::Key(_) | Expr::Aggregate(_) | Expr::Window(_) | Expr::Unknown => {
                Err("this is a bug of etude: an expression was not resolved".to_owned())
            }
        }
    }

    /// Each row takes the value of its first case that is true; only those rows compute it.
    fn case(&self, cases: &[(Expr, Expr)], last: &Expr, rows: &Rows) -> Result<Column, Fault> {
        let mut open: Vec<usize> = (0..rows.height).collect();
        let mut parts: Vec<(Vec<usize>, Column)> = Vec::new();
        for (when, then) in cases {
            let here = rows.only(open.iter().copied())?;
            let truths = self.truths(when, &here)?;
            let (yes, no): (Vec<_>, Vec<_>) = open
                .into_iter()
                .zip(truths)
                .partition(|(_, truth)| *truth == Some(true));
            let of = |rows: Vec<(usize, Option<bool>)>| -> Vec<usize> {
                rows.into_iter().map(|(row, _)| row).collect()
            };
            let yes = of(yes);
            let value = self.value(then, &rows.only(yes.iter().copied())?)?;
            parts.push((yes, value));
            open = of(no);
        }
        let value = self.value(last, &rows.only(open.iter().copied())?)?;
        parts.push((open, value));
        let kind = parts.iter().fold(Kind::Null, |kind, (_, values)| {
            kind.with(kind_of(values)).unwrap_or(Kind::Unknown)
        });
        let mut all = Column::full_null("".into(), 0, &kind.storage());
        let mut place = vec![0; rows.height];
        let mut next = 0;
        for (rows, values) in parts {
            all.append(&as_kind(&values, kind)?).map_err(internal)?;
            for row in rows {
                place[row] = next;
                next += 1;
            }
        }
        let place: IdxCa = place.into_iter().map(|row| Some(row as IdxSize)).collect();
        all.take(&place).map_err(internal)
    }

    fn is_in(&self, values: &Column, query: &Rows) -> Result<Column, Fault> {
        let theirs = &query.columns[0];
        let kind = kind_of(values)
            .with(kind_of(theirs))
            .unwrap_or(Kind::Unknown);
        let (values, theirs) = (as_kind(values, kind)?, as_kind(theirs, kind)?);
        let n = values.len();
        let mut both = values;
        both.append(&theirs).map_err(internal)?;
        let classes = Classes::of(&both.rechunk_column())?;
        let there = n..n + query.height;
        let known: std::collections::HashSet<usize> = there
            .clone()
            .filter(|row| classes.is_comparable(*row))
            .map(|row| classes.class(row))
            .collect();
        let open = there.clone().any(|row| !classes.is_comparable(row));
        Ok(bool_column((0..n).map(
            |row| match classes.is_comparable(row) {
                _ if query.height == 0 => Some(false),
                false => None,
                true if known.contains(&classes.class(row)) => Some(true),
                true if open => None,
                true => Some(false),
            },
        )))
    }

    fn group(
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
        let groups = match by.is_empty() {
            true => vec![(0..rows.height).collect()],
            false => groups(&keys, count),
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

    fn aggregate(
        &self,
        call: &Aggregate,
        rows: &Rows,
        groups: &[Vec<usize>],
    ) -> Result<Column, Fault> {
        let args = call.args.iter().map(|arg| self.value(arg, rows));
        let args: Vec<Column> = args.collect::<Result<_, Fault>>()?;
        let run = match &call.run {
            Some(run) => Some(self.value(run, rows)?),
            None => None,
        };
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
        let result = call.what.over(&args, run.as_ref(), call.kind, groups)?;
        match call.what {
            What::Run => Ok(result),
            _ => as_kind(&result, call.kind),
        }
    }

    fn order(&self, keys: &[SortKey], rows: &Rows) -> Result<Order, Fault> {
        let keys = keys.iter().map(|key| {
            let ranks = Ranks::of(&self.value(&key.expr, rows)?)?;
            Ok((ranks, key.descending, key.nulls_first))
        });
        Ok(Order(keys.collect::<Result<_, Fault>>()?))
    }

    fn window(&self, window: &Window, rows: &Rows) -> Result<Column, Fault> {
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

    fn join(
        &self,
        left: &Rows,
        right: &Rows,
        kind: JoinKind,
        equal: &[(Expr, Expr)],
        on: Option<&Expr>,
    ) -> Result<Rows, Fault> {
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        let mut keep = |candidates: Vec<(usize, usize)>| -> Result<(), Fault> {
            let Some(on) = on else {
                pairs.extend(candidates);
                return Ok(());
            };
            let both = left
                .only(candidates.iter().map(|pair| pair.0))?
                .beside(right.only(candidates.iter().map(|pair| pair.1))?);
            let truths = self.truths(on, &both)?;
            let kept = candidates.into_iter().zip(truths);
            pairs.extend(
                kept.filter(|(_, truth)| *truth == Some(true))
                    .map(|(pair, _)| pair),
            );
            Ok(())
        };
        if equal.is_empty() {
            let at_once = (PAIRS / right.height.max(1)).max(1);
            for from in (0..left.height).step_by(at_once) {
                let some = from..(from + at_once).min(left.height);
                keep(
                    some.flat_map(|l| (0..right.height).map(move |r| (l, r)))
                        .collect(),
                )?;
            }
        } else {
            let mut columns = Vec::new();
            for (ours, theirs) in equal {
                let (ours, theirs) = (self.value(ours, left)?, self.value(theirs, right)?);
                let kind = kind_of(&ours)
                    .with(kind_of(&theirs))
                    .unwrap_or(Kind::Unknown);
                let mut both = as_kind(&ours, kind)?;
                both.append(&as_kind(&theirs, kind)?).map_err(internal)?;
                columns.push(Classes::of(&both.rechunk_column())?);
            }
            let (keys, _) = keys(&columns, left.height + right.height);
            let comparable = |row: usize| columns.iter().all(|classes| classes.is_comparable(row));
            let mut there: HashMap<usize, Vec<usize>> = HashMap::new();
            for row in (0..right.height).filter(|row| comparable(left.height + row)) {
                there.entry(keys[left.height + row]).or_default().push(row);
            }
            let mut candidates = Vec::new();
            for l in (0..left.height).filter(|row| comparable(*row)) {
                candidates.extend(there.get(&keys[l]).into_iter().flatten().map(|r| (l, *r)));
                if candidates.len() >= PAIRS {
                    keep(std::mem::take(&mut candidates))?;
                }
            }
            keep(candidates)?;
        }
        let mut has_left = vec![false; left.height];
        let mut has_right = vec![false; right.height];
        for (l, r) in &pairs {
            has_left[*l] = true;
            has_right[*r] = true;
        }
        match kind {
            JoinKind::Semi => return left.only((0..left.height).filter(|row| has_left[*row])),
            JoinKind::Anti => return left.only((0..left.height).filter(|row| !has_left[*row])),
            _ => {}
        }
        let mut of: Vec<(Option<usize>, Option<usize>)> =
            pairs.into_iter().map(|(l, r)| (Some(l), Some(r))).collect();
        if matches!(kind, JoinKind::Left | JoinKind::Full) {
            of.extend(
                (0..left.height)
                    .filter(|row| !has_left[*row])
                    .map(|row| (Some(row), None)),
            );
            // The rows of the left in their order.
            of.sort_by_key(|(l, _)| *l);
        }
        if matches!(kind, JoinKind::Right | JoinKind::Full) {
            of.extend(
                (0..right.height)
                    .filter(|row| !has_right[*row])
                    .map(|row| (None, Some(row))),
            );
        }
        let (l, r): (Vec<_>, Vec<_>) = of.into_iter().unzip();
        Ok(left.take(&l)?.beside(right.take(&r)?))
    }

    fn set(&self, left: Rows, right: Rows, kind: SetKind, kinds: &[Kind]) -> Result<Rows, Fault> {
        let n = left.height;
        let mut columns = Vec::with_capacity(kinds.len());
        for ((ours, theirs), kind) in left.columns.iter().zip(&right.columns).zip(kinds) {
            let mut both = as_kind(ours, *kind)?;
            both.append(&as_kind(theirs, *kind)?).map_err(internal)?;
            columns.push(both.rechunk_column());
        }
        let all = Rows {
            columns,
            height: n + right.height,
        };
        if kind == SetKind::UnionAll {
            return Ok(all);
        }
        let classes = all.columns.iter().map(Classes::of);
        let classes: Vec<Classes> = classes.collect::<Result<_, Fault>>()?;
        let (keys, count) = keys(&classes, all.height);
        let groups = groups(&keys, count);
        let kept = groups.iter().filter(|rows| {
            let (ours, theirs) = (rows[0] < n, rows.last().is_some_and(|row| *row >= n));
            match kind {
                SetKind::Intersect => ours && theirs,
                SetKind::Except => ours && !theirs,
                _ => true,
            }
        });
        all.only(kept.map(|rows| rows[0]))
    }
}

/// The order of rows by several keys: values, then NaN, then missing ones, from low to high and from high to low alike.
struct Order(Vec<(Ranks, bool, bool)>);

impl Order {
    fn compare(&self, a: usize, b: usize) -> Ordering {
        for (ranks, descending, nulls_first) in &self.0 {
            let place = |row: usize| match ranks.is_known(row) {
                false if *nulls_first => 0,
                false => 3,
                true if ranks.is_nan(row) => 2,
                true => 1,
            };
            let order = place(a).cmp(&place(b)).then_with(|| match descending {
                true => ranks.compare(b, a),
                false => ranks.compare(a, b),
            });
            if order.is_ne() {
                return order;
            }
        }
        Ordering::Equal
    }
}

/// A column in one piece.
trait Rechunk {
    fn rechunk_column(&self) -> Column;
}

impl Rechunk for Column {
    fn rechunk_column(&self) -> Column {
        self.as_materialized_series().rechunk().into()
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
