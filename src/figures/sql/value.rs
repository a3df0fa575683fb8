//! The values of expressions, one a row.

use std::rc::Rc;

use polars::prelude::*;

use super::function::in_one_piece;
use super::function::{
    Fault, as_kind, bool_column, bools, cast, float_column, int_column, internal, kind_of,
    text_column,
};
use super::kind::Kind;
use super::plan::{Expr, Literal, Subquery};
use super::ranks::Classes;
use super::run::{Rows, Runner};

impl Runner<'_> {
    pub(super) fn subquery(&self, query: &Subquery) -> Result<Rc<Rows>, Fault> {
        let key = Rc::as_ptr(&query.0);
        if let Some(rows) = self.seen.borrow().get(&key) {
            return Ok(rows.clone());
        }
        let rows = Rc::new(self.rows(&query.0)?);
        self.seen.borrow_mut().insert(key, rows.clone());
        Ok(rows)
    }

    pub(super) fn values(&self, exprs: &[(Expr, Kind)], rows: &Rows) -> Result<Vec<Column>, Fault> {
        let values = exprs
            .iter()
            .map(|(expr, kind)| as_kind(&self.value(expr, rows)?, *kind));
        values.collect()
    }

    pub(super) fn truths(&self, condition: &Expr, rows: &Rows) -> Result<Vec<Option<bool>>, Fault> {
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
    pub(super) fn case(
        &self,
        cases: &[(Expr, Expr)],
        last: &Expr,
        rows: &Rows,
    ) -> Result<Column, Fault> {
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

    pub(super) fn is_in(&self, values: &Column, query: &Rows) -> Result<Column, Fault> {
        let theirs = &query.columns[0];
        let kind = kind_of(values)
            .with(kind_of(theirs))
            .unwrap_or(Kind::Unknown);
        let (values, theirs) = (as_kind(values, kind)?, as_kind(theirs, kind)?);
        let n = values.len();
        let mut both = values;
        both.append(&theirs).map_err(internal)?;
        let classes = Classes::of(&in_one_piece(&both))?;
        let there = n..n + query.height;
        let known: std::collections::HashSet<usize> = there
            .clone()
            .filter(|row| classes.is_comparable(*row))
            .map(|row| classes.class(row))
            .collect();
        let open = there.clone().any(|row| !classes.is_comparable(row));
        Ok(bool_column((0..n).map(|row| {
            if query.height == 0 {
                Some(false)
            } else if !classes.is_comparable(row) {
                None
            } else if known.contains(&classes.class(row)) {
                Some(true)
            } else if open {
                None
            } else {
                Some(false)
            }
        })))
    }
}
