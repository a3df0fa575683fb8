//! A query that has been checked: relations and expressions over numbered columns.

use std::rc::Rc;

use super::aggregate::Aggregate;
use super::function::Function;
use super::kind::Kind;
use super::window::Window;

/// An expression over the columns of one relation.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    /// A column, by its place.
    Column(usize),
    /// A key of the GROUP BY; becomes a column once all is known.
    Key(usize),
    /// The result of an aggregate; becomes a column once all is known.
    Aggregate(usize),
    /// The result of a window; becomes a column once all is known.
    Window(usize),
    /// A constant.
    Literal(Literal),
    /// A function or an operator.
    Call(&'static Function, Vec<Expr>),
    /// The value of the first condition that is true, else the last expression.
    Case(Vec<(Expr, Expr)>, Box<Expr>),
    /// A value as another type; with `true`, NULL where that fails.
    Cast(Box<Expr>, Kind, bool),
    /// Whether a value is among those of a query.
    In(Box<Expr>, Subquery),
    /// The one value of a query.
    Scalar(Subquery),
    /// Whether a query has a row.
    Exists(Subquery),
    /// Something that was refused, or that cannot be known before the query runs.
    Unknown,
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    /// NULL.
    Null,
    /// TRUE or FALSE.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// Text.
    Text(String),
}

/// A query inside an expression. It does not depend on the row.
#[derive(Debug, Clone)]
pub(super) struct Subquery(pub Rc<Relation>);

impl PartialEq for Subquery {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Expr {
    /// The same expression with other places for what it reads.
    pub(super) fn placed(&self, place: &impl Fn(&Self) -> Option<usize>) -> Self {
        if let Some(at) = place(self) {
            return Self::Column(at);
        }
        match self {
            Self::Call(function, args) => {
                let args = args.iter().map(|arg| arg.placed(place));
                Self::Call(function, args.collect())
            }
            Self::Case(cases, last) => {
                let cases = cases.iter();
                let cases = cases.map(|(when, then)| (when.placed(place), then.placed(place)));
                Self::Case(cases.collect(), Box::new(last.placed(place)))
            }
            Self::Cast(expr, kind, safe) => Self::Cast(Box::new(expr.placed(place)), *kind, *safe),
            Self::In(expr, query) => Self::In(Box::new(expr.placed(place)), query.clone()),
            other => other.clone(),
        }
    }

    /// Whether it reads something for which `is` holds.
    pub(super) fn reads(&self, is: &impl Fn(&Self) -> bool) -> bool {
        is(self)
            || match self {
                Self::Call(_, args) => args.iter().any(|arg| arg.reads(is)),
                Self::Case(cases, last) => {
                    last.reads(is) || cases.iter().any(|(a, b)| a.reads(is) || b.reads(is))
                }
                Self::Cast(expr, ..) | Self::In(expr, _) => expr.reads(is),
                _ => false,
            }
    }
}

/// One key of an ORDER BY.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SortKey {
    /// What it orders by.
    pub expr: Expr,
    /// From high to low.
    pub descending: bool,
    /// NULL before everything else; NaN never is.
    pub nulls_first: bool,
}

/// How two relations are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JoinKind {
    /// Pairs that match.
    Inner,
    /// And the rows of the left without a match.
    Left,
    /// And the rows of the right without a match.
    Right,
    /// And both.
    Full,
    /// The rows of the left that have a match.
    Semi,
    /// The rows of the left that have none.
    Anti,
}

/// What two relations under one another give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SetKind {
    /// The rows of both.
    UnionAll,
    /// The rows of both, each once.
    Union,
    /// The rows that both have, each once.
    Intersect,
    /// The rows of the first that the second lacks, each once.
    Except,
}

/// Rows and numbered columns.
#[derive(Debug)]
pub(super) enum Relation {
    /// A table from outside: its name, the places of columns to read, and whether the run of each row stands behind them.
    Table {
        /// The table's name.
        name: String,
        /// The columns to read.
        columns: Vec<String>,
        /// Whether the run of each row is the last column.
        runs: bool,
    },
    /// One row without columns.
    One,
    /// Rows of constants, each column with its type.
    Values(Vec<Vec<Expr>>, Vec<Kind>),
    /// The rows for which a condition is true.
    Filter(Rc<Relation>, Expr),
    /// Other columns, each with its type.
    Project(Rc<Relation>, Vec<(Expr, Kind)>),
    /// A row a group: its keys, then its aggregates.
    Group(Rc<Relation>, Vec<(Expr, Kind)>, Vec<Aggregate>),
    /// The same rows with a column more for each window.
    Windows(Rc<Relation>, Vec<Window>),
    /// Two relations side by side; `on` sees the columns of both.
    Join {
        /// The left one.
        left: Rc<Relation>,
        /// The right one.
        right: Rc<Relation>,
        /// Which rows stay.
        kind: JoinKind,
        /// Pairs of expressions, of the left and of the right, that must be equal.
        equal: Vec<(Expr, Expr)>,
        /// What must be true beside that.
        on: Option<Expr>,
    },
    /// Each row once, as told by the first so many columns.
    Distinct(Rc<Relation>, usize),
    /// The rows in order.
    Sort(Rc<Relation>, Vec<SortKey>),
    /// Some rows from a place on.
    Limit(Rc<Relation>, usize, Option<usize>),
    /// Two relations under one another; the types of the columns.
    Set(Rc<Relation>, Rc<Relation>, SetKind, Vec<Kind>),
}
