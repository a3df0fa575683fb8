//! What is known of the columns of a relation while a query is checked: names, types, and what a run is.

use std::rc::Rc;

use super::super::kind::Kind;
use super::super::plan::{Expr, Relation};

/// A table that a query may read, as far as it is known before it runs.
#[derive(Debug, Clone, PartialEq)]
pub struct TableInfo {
    /// Its columns; `None` where they are not known.
    pub columns: Option<Vec<(String, Kind)>>,
    /// Columns that it has in any case.
    pub coordinates: Vec<(String, Kind)>,
    /// What a run is among its rows.
    pub runs: Runs,
}

/// What a run is among the rows of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runs {
    /// Rows that agree on these columns are of one run. A column that is not among those of the table is told otherwise: by
    /// the job that a row comes from.
    Axes(Vec<String>),
    /// Nothing tells what a run is, for this reason.
    Untold(String),
    /// Nobody knows before the query runs.
    Open,
}

/// A column of a relation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    /// The table it is of, by the name it has in the query.
    pub table: Option<String>,
    /// Its name; hidden columns have none.
    pub name: Option<String>,
    /// Its type.
    pub kind: Kind,
    /// Whether only its qualified name means it: another column stands for both sides of a join.
    pub is_shadowed: bool,
    /// Whether it is a column of a table under its own name, and nothing computed.
    pub is_own: bool,
}

/// A column that, with others, tells runs apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Axis {
    pub name: String,
    /// Where it stands; `None` where the relation does not have it.
    pub column: Option<usize>,
}

/// What a run is among the rows of a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unit {
    /// A hidden column tells it; rows that agree on the axes are of one run.
    Runs { column: usize, axes: Vec<Axis> },
    /// Nothing tells it, for this reason.
    Untold(String),
    /// Nobody knows yet.
    Open,
}

/// The columns of a relation.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    /// In the order in which they lie.
    pub fields: Vec<Field>,
    /// The tables among it whose columns are not known.
    pub open: Vec<String>,
    /// What a run is.
    pub unit: Unit,
}

/// A relation that has been checked.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    pub relation: Rc<Relation>,
    pub schema: Schema,
}

/// What a name in a query means.
pub(super) enum Found {
    Field(usize),
    /// Several tables have it: these.
    Several(Vec<String>),
    /// It may be one of a table whose columns are not known.
    Open,
    Missing,
}

impl Unit {
    /// The same unit with columns at other places.
    pub(super) fn moved(&self, to: impl Fn(usize) -> Option<usize>) -> Self {
        match self {
            Self::Runs { column, axes } => match to(*column) {
                Some(column) => Self::Runs {
                    column,
                    axes: axes
                        .iter()
                        .map(|axis| Axis {
                            name: axis.name.clone(),
                            column: axis.column.and_then(&to),
                        })
                        .collect(),
                },
                None => Self::Untold("its rows were mixed".to_owned()),
            },
            other => other.clone(),
        }
    }
}

impl Schema {
    /// No columns.
    pub(super) fn empty() -> Self {
        Self {
            fields: Vec::new(),
            open: Vec::new(),
            unit: Unit::Untold("there is no table".to_owned()),
        }
    }

    /// Whether all columns are known.
    pub(super) fn is_known(&self) -> bool {
        self.open.is_empty()
    }

    /// The columns that `*` means.
    pub(super) fn visible(&self) -> impl Iterator<Item = usize> {
        let fields = self.fields.iter().enumerate();
        fields
            .filter(|(_, field)| field.name.is_some() && !field.is_shadowed)
            .map(|(at, _)| at)
    }

    /// The names of the columns that `*` means.
    pub(super) fn names(&self) -> Vec<String> {
        let names = self.visible().filter_map(|at| self.fields[at].name.clone());
        names.collect()
    }

    /// The column of this name.
    pub(super) fn find(&self, name: &str) -> Found {
        let named: Vec<usize> = self
            .visible()
            .filter(|at| self.fields[*at].name.as_deref() == Some(name))
            .collect();
        match named.as_slice() {
            [at] => Found::Field(*at),
            [] if self.is_known() => Found::Missing,
            [] => Found::Open,
            several => Found::Several(
                several
                    .iter()
                    .filter_map(|at| self.fields[*at].table.clone())
                    .collect(),
            ),
        }
    }

    /// The column of this name of a table.
    pub(super) fn find_of(&self, table: &str, name: &str) -> Found {
        let mut named = self.fields.iter().enumerate().filter(|(_, field)| {
            field.table.as_deref() == Some(table) && field.name.as_deref() == Some(name)
        });
        match (named.next(), named.next()) {
            (Some((at, _)), None) => Found::Field(at),
            (Some(_), Some(_)) => Found::Several(vec![table.to_owned()]),
            _ if self.open.iter().any(|open| open == table) => Found::Open,
            _ => Found::Missing,
        }
    }

    /// The names of the tables.
    pub(super) fn tables(&self) -> Vec<String> {
        let mut tables: Vec<String> = Vec::new();
        let named = self.fields.iter().filter_map(|field| field.table.clone());
        for table in named.chain(self.open.iter().cloned()) {
            if !table.is_empty() && !tables.contains(&table) {
                tables.push(table);
            }
        }
        tables
    }

    /// The same columns as those of a table of this name.
    pub(super) fn called(mut self, table: Option<&str>) -> Self {
        for field in &mut self.fields {
            field.table = table.map(str::to_owned);
            field.is_shadowed = false;
        }
        if !self.open.is_empty() {
            self.open = vec![table.unwrap_or_default().to_owned()];
        }
        self
    }

    /// Forgets axes that have one value alone: runs are told apart by the others.
    pub(super) fn fix(&mut self, is_fixed: impl Fn(&Field) -> bool) {
        if let Unit::Runs { axes, .. } = &mut self.unit {
            let fields = &self.fields;
            axes.retain(|axis| axis.column.is_none_or(|at| !is_fixed(&fields[at])));
        }
    }
}

impl Bound {
    /// Keeps these columns, in this order.
    pub(super) fn only(&self, columns: &[usize]) -> Self {
        let exprs = columns.iter();
        let exprs = exprs.map(|at| (Expr::Column(*at), self.schema.fields[*at].kind));
        Self {
            relation: Rc::new(Relation::Project(self.relation.clone(), exprs.collect())),
            schema: Schema {
                fields: columns
                    .iter()
                    .map(|at| self.schema.fields[*at].clone())
                    .collect(),
                open: self.schema.open.clone(),
                unit: self
                    .schema
                    .unit
                    .moved(|at| columns.iter().position(|column| *column == at)),
            },
        }
    }
}
