//! FROM: tables, subqueries and joins.

use std::rc::Rc;

use sqlparser::ast::{
    self, JoinConstraint, JoinOperator, Spanned, TableAlias, TableFactor, TableWithJoins,
};

use super::super::kind::Kind;
use super::super::names::single;
use super::super::plan::{JoinKind, Relation};
use super::Binder;
use super::fixed::{Fixed, is_fixed};
use super::schema::{Axis, Bound, Field, Runs, Schema, Unit};
use crate::figures::spelling;

impl Binder<'_> {
    /// All that stands in a FROM; `fixed` are the columns that its WHERE holds at one value.
    pub(super) fn from(&mut self, from: &[TableWithJoins], fixed: &[Fixed]) -> Bound {
        let mut all: Option<Bound> = None;
        for table in from {
            let next = self.joined(table, fixed);
            all = Some(match all {
                Some(before) => self.cross(before, next),
                None => next,
            });
        }
        all.unwrap_or_else(|| Bound {
            relation: Rc::new(Relation::One),
            schema: Schema::empty(),
        })
    }

    fn joined(&mut self, table: &TableWithJoins, fixed: &[Fixed]) -> Bound {
        let mut left = self.factor(&table.relation, fixed);
        for join in &table.joins {
            let place = join.relation.span().start;
            let right = self.factor(&join.relation, fixed);
            if join.global {
                self.refuse(place, "GLOBAL");
            }
            left = match &join.join_operator {
                JoinOperator::Join(on) | JoinOperator::Inner(on) => {
                    self.join(left, right, JoinKind::Inner, on, place)
                }
                JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => {
                    self.join(left, right, JoinKind::Left, on, place)
                }
                JoinOperator::Right(on) | JoinOperator::RightOuter(on) => {
                    self.join(left, right, JoinKind::Right, on, place)
                }
                JoinOperator::FullOuter(on) => self.join(left, right, JoinKind::Full, on, place),
                JoinOperator::Semi(on) | JoinOperator::LeftSemi(on) => {
                    self.join(left, right, JoinKind::Semi, on, place)
                }
                JoinOperator::Anti(on) | JoinOperator::LeftAnti(on) => {
                    self.join(left, right, JoinKind::Anti, on, place)
                }
                JoinOperator::CrossJoin(JoinConstraint::None) => self.cross(left, right),
                _ => {
                    self.refuse(place, "this kind of join");
                    left
                }
            };
        }
        left
    }

    fn factor(&mut self, factor: &TableFactor, fixed: &[Fixed]) -> Bound {
        let mut bound = match factor {
            TableFactor::Table { name, alias, .. } => {
                let Some(ident) = single(name) else {
                    self.refuse(factor.span().start, "a table name with a dot");
                    return self.nothing();
                };
                let found = self
                    .bound
                    .iter()
                    .rev()
                    .find(|(known, _)| *known == ident.value);
                let found = found.map(|(_, bound)| bound.clone());
                let bound = match found {
                    Some(bound) => bound,
                    None => self.table(ident),
                };
                let called = alias
                    .as_ref()
                    .map_or(&ident.value, |alias| &alias.name.value);
                let bound = Bound {
                    schema: bound.schema.called(Some(called)),
                    relation: bound.relation,
                };
                match alias {
                    Some(alias) => self.renamed(bound, alias),
                    None => bound,
                }
            }
            TableFactor::Derived {
                lateral,
                subquery,
                alias,
                ..
            } => {
                if *lateral {
                    self.refuse(factor.span().start, "LATERAL");
                }
                let bound = self.query(subquery);
                let called = alias.as_ref().map(|alias| alias.name.value.as_str());
                let bound = Bound {
                    schema: bound.schema.called(called),
                    relation: bound.relation,
                };
                match alias {
                    Some(alias) => self.renamed(bound, alias),
                    None => bound,
                }
            }
            TableFactor::NestedJoin {
                table_with_joins,
                alias,
            } => {
                let bound = self.joined(table_with_joins, fixed);
                if let Some(alias) = alias {
                    self.refuse(alias.name.span.start, "a name for several tables");
                }
                bound
            }
            other => {
                self.refuse(other.span().start, "this kind of table");
                self.nothing()
            }
        };
        bound.schema.fix(|field| is_fixed(fixed, field));
        bound
    }

    fn table(&mut self, ident: &ast::Ident) -> Bound {
        self.read.push(ident.clone());
        let (name, place) = (ident.value.as_str(), ident.span.start);
        let Some(info) = self.catalog.get(name) else {
            let mut known: Vec<String> = self.catalog.keys().cloned().collect();
            known.extend(self.bound.iter().map(|(name, _)| name.clone()));
            let help = spelling::advice(name, "tables", &known);
            self.say(place, format!("no table `{name}`"), help);
            return self.nothing();
        };
        // Of a table whose columns are not known, the coordinates are.
        let columns = info.columns.as_ref().unwrap_or(&info.coordinates);
        let mut fields: Vec<Field> = columns
            .iter()
            .map(|(name, kind)| Field {
                table: None,
                name: Some(name.clone()),
                kind: *kind,
                is_shadowed: false,
                is_own: true,
            })
            .collect();
        let unit = match &info.runs {
            Runs::Untold(why) => Unit::Untold(why.clone()),
            Runs::Open => Unit::Open,
            Runs::Axes(axes) => {
                let axes = axes.iter().map(|axis| Axis {
                    name: axis.clone(),
                    column: columns.iter().position(|(name, _)| name == axis),
                });
                fields.push(Field {
                    table: None,
                    name: None,
                    kind: Kind::Int,
                    is_shadowed: false,
                    is_own: false,
                });
                Unit::Runs {
                    column: fields.len() - 1,
                    axes: axes.collect(),
                }
            }
        };
        Bound {
            relation: Rc::new(Relation::Table {
                name: name.to_owned(),
                columns: columns.iter().map(|(name, _)| name.clone()).collect(),
                runs: matches!(unit, Unit::Runs { .. }),
            }),
            schema: Schema {
                fields,
                open: match &info.columns {
                    Some(_) => Vec::new(),
                    None => vec![name.to_owned()],
                },
                unit,
            },
        }
    }

    /// Gives the columns the names that stand in brackets after an alias.
    pub(super) fn renamed(&mut self, mut bound: Bound, alias: &TableAlias) -> Bound {
        if alias.columns.is_empty() || !bound.schema.is_known() {
            return bound;
        }
        let visible: Vec<usize> = bound.schema.visible().collect();
        if alias.columns.len() > visible.len() {
            let message = format!(
                "{} names for {} columns",
                alias.columns.len(),
                visible.len()
            );
            self.say(alias.name.span.start, message, "");
        }
        for (at, column) in visible.into_iter().zip(&alias.columns) {
            let field = &mut bound.schema.fields[at];
            let name = Some(column.name.value.clone());
            field.is_own &= field.name == name;
            field.name = name;
        }
        bound
    }
}
