//! Set operations and VALUES.

use std::rc::Rc;

use sqlparser::ast::{self, SetExpr, SetOperator, SetQuantifier, Spanned};

use super::super::kind::Kind;
use super::super::plan::{Relation, SetKind};
use super::Binder;
use super::context::Context;
use super::schema::{self, Bound, Field, Schema, Unit};

impl Binder<'_> {
    pub(super) fn constants(&mut self, values: &ast::Values) -> Bound {
        let schema = Schema::empty();
        let width = values.rows.first().map_or(0, |row| row.len());
        let mut kinds = vec![Kind::Null; width];
        let mut rows = Vec::new();
        for row in &values.rows {
            if row.len() != width {
                let place = row
                    .first()
                    .map_or(values.span().start, |expr| expr.span().start);
                self.say(place, "the rows of VALUES have different lengths", "");
                return self.nothing();
            }
            let mut exprs = Vec::new();
            for (expr, kind) in row.iter().zip(&mut kinds) {
                let mut context = Context::of_rows(&schema, "VALUES");
                let (bound, of) = self.expr(expr, &mut context);
                match kind.with(of) {
                    Some(both) => *kind = both,
                    None => self.say(
                        expr.span().start,
                        format!("this column holds {kind} and {of}"),
                        "",
                    ),
                }
                exprs.push(bound);
            }
            rows.push(exprs);
        }
        let fields = kinds.iter().enumerate().map(|(at, kind)| Field {
            table: None,
            name: Some(format!("col{at}")),
            kind: *kind,
            is_shadowed: false,
            is_own: false,
        });
        Bound {
            schema: Schema {
                fields: fields.collect(),
                open: Vec::new(),
                unit: Unit::Untold("they are constants".to_owned()),
            },
            relation: Rc::new(Relation::Values(rows, kinds)),
        }
    }

    pub(super) fn set(
        &mut self,
        op: SetOperator,
        quantifier: SetQuantifier,
        left: &SetExpr,
        right: &SetExpr,
    ) -> Bound {
        let place = right.span().start;
        let all = match quantifier {
            SetQuantifier::All => true,
            SetQuantifier::Distinct | SetQuantifier::None => false,
            _ => {
                self.refuse(place, "BY NAME");
                false
            }
        };
        let kind = match (op, all) {
            (SetOperator::Union, true) => SetKind::UnionAll,
            (SetOperator::Union, false) => SetKind::Union,
            (SetOperator::Intersect, false) => SetKind::Intersect,
            (SetOperator::Except | SetOperator::Minus, false) => SetKind::Except,
            (op, true) => {
                self.refuse(place, &format!("{op} ALL"));
                return self.nothing();
            }
        };
        let (left, _) = self.body(left, &[]);
        let (right, _) = self.body(right, &[]);
        if !left.schema.is_known() || !right.schema.is_known() {
            return self.nothing();
        }
        let (ours, theirs): (Vec<usize>, Vec<usize>) = (
            left.schema.visible().collect(),
            right.schema.visible().collect(),
        );
        if ours.len() != theirs.len() {
            let message = format!("{} columns above and {} below", ours.len(), theirs.len());
            self.say(
                place,
                message,
                "both sides of a set operation have the same columns",
            );
            return self.nothing();
        }
        let mut fields = Vec::new();
        for (one, other) in ours.iter().zip(&theirs) {
            let (one, other) = (&left.schema.fields[*one], &right.schema.fields[*other]);
            let name = one.name.clone().unwrap_or_default();
            let both = one.kind.with(other.kind).unwrap_or_else(|| {
                let message = format!(
                    "the column `{name}` holds {} above and {} below",
                    one.kind, other.kind
                );
                self.say(place, message, "CAST one of them");
                Kind::Unknown
            });
            fields.push(Field {
                table: None,
                name: Some(name),
                kind: both,
                is_shadowed: false,
                is_own: one.is_own && other.is_own && one.name == other.name,
            });
        }
        // Only laying rows under one another keeps them apart by run, where both sides mean the same by it.
        let mut unit = Unit::Untold("its rows come from two queries".to_owned());
        let (mut ours, mut theirs) = (ours, theirs);
        if let (
            SetKind::UnionAll,
            Unit::Runs { column: one, axes },
            Unit::Runs {
                column: other,
                axes: other_axes,
            },
        ) = (kind, &left.schema.unit, &right.schema.unit)
        {
            let at = |axes: &[schema::Axis], columns: &[usize]| -> Vec<(String, Option<usize>)> {
                let place = |axis: &schema::Axis| {
                    let column = axis.column?;
                    columns.iter().position(|c| *c == column)
                };
                axes.iter()
                    .map(|axis| (axis.name.clone(), place(axis)))
                    .collect()
            };
            let (axes, other_axes) = (at(axes, &ours), at(other_axes, &theirs));
            if axes == other_axes {
                fields.push(Field {
                    table: None,
                    name: None,
                    kind: Kind::Int,
                    is_shadowed: false,
                    is_own: false,
                });
                unit = Unit::Runs {
                    column: fields.len() - 1,
                    axes: axes
                        .into_iter()
                        .map(|(name, column)| schema::Axis { name, column })
                        .collect(),
                };
                ours.push(*one);
                theirs.push(*other);
            }
        }
        let kinds = fields.iter().map(|field| field.kind).collect();
        let (left, right) = (left.only(&ours), right.only(&theirs));
        Bound {
            relation: Rc::new(Relation::Set(left.relation, right.relation, kind, kinds)),
            schema: Schema {
                fields,
                open: Vec::new(),
                unit,
            },
        }
    }
}
