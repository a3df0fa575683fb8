//! A query that has been checked: relations and expressions over numbered columns.

use std::rc::Rc;

use super::aggregate::What;
use super::function::Function;
use super::kind::Kind;

/// A column of the result of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// Whether it is computed: then its name says nothing of the columns of the tables.
    pub is_computed: bool,
}

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
    Call(&'static Function, Vec<Self>),
    /// The value of the first condition that is true, else the last expression.
    Case(Vec<(Self, Self)>, Box<Self>),
    /// A value as another type; with `true`, NULL where that fails.
    Cast(Box<Self>, Kind, bool),
    /// Whether a value is among those of a query.
    In(Box<Self>, Subquery),
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

/// One of the conditions that a WHERE joins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Term {
    /// The condition.
    pub expr: Expr,
    /// As it was written.
    pub text: String,
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

/// A call of an aggregate. What it takes are columns of the rows that are grouped.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Aggregate {
    /// Which one.
    pub what: What,
    /// Its values.
    pub args: Vec<Expr>,
    /// Each value counts once.
    pub distinct: bool,
    /// Which rows count.
    pub filter: Option<Expr>,
    /// The order of the rows, where it matters and is told.
    pub order: Vec<SortKey>,
    /// What tells runs apart, for those that count runs: rows that agree on all of it are of one run.
    pub runs: Vec<Expr>,
    /// How it is written, for messages.
    pub name: String,
    /// The type of the result.
    pub kind: Kind,
}

/// A call of a function over a window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Window {
    /// What is computed.
    pub what: Over,
    /// Rows with equal values here are one partition.
    pub partition: Vec<Expr>,
    /// The order within a partition.
    pub order: Vec<SortKey>,
    /// Which rows an aggregate sees.
    pub frame: Frame,
    /// The type of the result.
    pub kind: Kind,
}

/// What is computed over a window.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Over {
    /// The number of the row.
    RowNumber,
    /// The rank, equal rows alike, with gaps.
    Rank,
    /// The rank without gaps.
    DenseRank,
    /// The rank between 0 and 1.
    PercentRank,
    /// The share of rows up to this one.
    CumeDist,
    /// The number of the bucket, of so many.
    Ntile(Expr),
    /// The value so many rows before (`true`) or after, else a last one.
    Neighbour(bool, Expr, Expr, Expr),
    /// The first value of the frame.
    First(Expr),
    /// The last value of the frame.
    Last(Expr),
    /// The n-th value of the frame.
    Nth(Expr, Expr),
    /// An aggregate over the frame.
    Aggregate(Aggregate),
}

/// Which rows of a partition a row sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    /// Whether rows that are equal in the order count as one.
    pub by_value: bool,
    /// Where it begins, in rows from this one; `None` for the beginning.
    pub from: Option<i64>,
    /// Where it ends; `None` for the end.
    pub to: Option<i64>,
}

impl Window {
    /// The same window with other places for what it reads.
    pub(super) fn placed(self, place: &impl Fn(&Expr) -> Option<usize>) -> Self {
        let of = |expr: Expr| expr.placed(place);
        let sorted = |order: Vec<SortKey>| -> Vec<SortKey> {
            let keys = order.into_iter();
            keys.map(|key| SortKey {
                expr: of(key.expr),
                ..key
            })
            .collect()
        };
        let what = match self.what {
            Over::Ntile(a) => Over::Ntile(of(a)),
            Over::First(a) => Over::First(of(a)),
            Over::Last(a) => Over::Last(of(a)),
            Over::Nth(a, b) => Over::Nth(of(a), of(b)),
            Over::Neighbour(before, a, b, c) => Over::Neighbour(before, of(a), of(b), of(c)),
            Over::Aggregate(call) => Over::Aggregate(Aggregate {
                args: call.args.into_iter().map(of).collect(),
                filter: call.filter.map(of),
                ..call
            }),
            other => other,
        };
        Self {
            what,
            partition: self.partition.into_iter().map(of).collect(),
            order: sorted(self.order),
            ..self
        }
    }
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
    /// The rows for which a condition is true; and the conditions that it joins, if it is that of a WHERE.
    Filter(Rc<Self>, Expr, Vec<Term>),
    /// Other columns, each with its type.
    Project(Rc<Self>, Vec<(Expr, Kind)>),
    /// A row a group: its keys, then its aggregates.
    Group(Rc<Self>, Vec<(Expr, Kind)>, Vec<Aggregate>),
    /// The same rows with a column more for each window.
    Windows(Rc<Self>, Vec<Window>),
    /// Two relations side by side; `on` sees the columns of both.
    Join {
        /// The left one.
        left: Rc<Self>,
        /// The right one.
        right: Rc<Self>,
        /// Which rows stay.
        kind: JoinKind,
        /// Pairs of expressions, of the left and of the right, that must be equal.
        equal: Vec<(Expr, Expr)>,
        /// What must be true beside that.
        on: Option<Expr>,
    },
    /// Each row once, as told by the first so many columns.
    Distinct(Rc<Self>, usize),
    /// The rows in order.
    Sort(Rc<Self>, Vec<SortKey>),
    /// Some rows from a place on.
    Limit(Rc<Self>, usize, Option<usize>),
    /// Two relations under one another; the types of the columns.
    Set(Rc<Self>, Rc<Self>, SetKind, Vec<Kind>),
}
