//! Joins: what they are made on, and what a run is among their rows.

use std::rc::Rc;

use sqlparser::ast::{self, JoinConstraint};
use sqlparser::tokenizer::Location;

use super::super::function;
use super::super::kind::Kind;
use super::super::names::single;
use super::super::plan::{Expr, JoinKind, Relation};
use super::Binder;
use super::context::Context;
use super::fixed::{conjuncts, fixed};
use super::schema::{Axis, Bound, Field, Found, Schema, Unit};
use crate::figures::spelling;

impl Binder<'_> {
    pub(super) fn cross(&mut self, left: Bound, right: Bound) -> Bound {
        let unit = unit_of_join(&left.schema, &right.schema, &[], JoinKind::Inner);
        let schema = beside(&left.schema, &right.schema, unit);
        Bound {
            relation: Rc::new(Relation::Join {
                left: left.relation,
                right: right.relation,
                kind: JoinKind::Inner,
                equal: Vec::new(),
                on: None,
            }),
            schema,
        }
    }

    pub(super) fn join(
        &mut self,
        left: Bound,
        mut right: Bound,
        kind: JoinKind,
        on: &JoinConstraint,
        place: Location,
    ) -> Bound {
        let mut left = left;
        if let JoinConstraint::On(condition) = on {
            let held = fixed(condition);
            let qualified = |field: &Field| {
                held.iter().any(|(table, name)| {
                    table.is_some() && *table == field.table && field.name.as_ref() == Some(name)
                })
            };
            if matches!(kind, JoinKind::Inner | JoinKind::Left) {
                right.schema.fix(qualified);
            }
            if kind == JoinKind::Inner {
                left.schema.fix(qualified);
            }
        }
        let n = left.schema.fields.len();
        let mut both = beside(&left.schema, &right.schema, Unit::Open);
        let mut equal: Vec<(Expr, Expr)> = Vec::new();
        let mut rest: Vec<Expr> = Vec::new();
        let mut merged: Vec<(usize, usize)> = Vec::new();
        match on {
            JoinConstraint::On(condition) => {
                for part in conjuncts(condition) {
                    let bound = self.condition(part, &mut Context::of_rows(&both, "ON"));
                    match sides(&bound, n) {
                        Some(pair) => equal.push(pair),
                        None => rest.push(bound),
                    }
                }
            }
            JoinConstraint::Using(names) => {
                for name in names {
                    let Some(ident) = single(name) else {
                        self.refuse(place, "a name with a dot in USING");
                        continue;
                    };
                    let ours = self.side(&left.schema, ident, "left");
                    let theirs = self.side(&right.schema, ident, "right");
                    if let (Some(ours), Some(theirs)) = (ours, theirs) {
                        merged.push((ours, theirs));
                    }
                }
            }
            JoinConstraint::Natural => {
                let theirs = right.schema.names();
                for at in left.schema.visible().collect::<Vec<_>>() {
                    let name = left.schema.fields[at].name.clone().unwrap_or_default();
                    if theirs.contains(&name)
                        && let Found::Field(other) = right.schema.find(&name)
                    {
                        merged.push((at, other));
                    }
                }
                if merged.is_empty() && both.is_known() {
                    self.say(
                        place,
                        "the tables have no column in common",
                        "join them ON a condition",
                    );
                }
            }
            JoinConstraint::None => {
                self.say(
                    place,
                    "this join has no condition",
                    "write ON …, USING (…), or CROSS JOIN",
                );
            }
        }
        for (ours, theirs) in &merged {
            let (one, other) = (&left.schema.fields[*ours], &right.schema.fields[*theirs]);
            if one.kind.with(other.kind).is_none() {
                let name = one.name.clone().unwrap_or_default();
                let message = format!(
                    "`{name}` holds {} on one side and {} on the other",
                    one.kind, other.kind
                );
                self.say(place, message, "CAST one of them in a subquery");
            }
            equal.push((Expr::Column(*ours), Expr::Column(*theirs)));
        }
        let pairs: Vec<(usize, usize)> = equal
            .iter()
            .filter_map(|pair| match pair {
                (Expr::Column(ours), Expr::Column(theirs)) => Some((*ours, *theirs)),
                _ => None,
            })
            .collect();
        both.unit = unit_of_join(&left.schema, &right.schema, &pairs, kind);
        let on = rest.into_iter().reduce(|one, other| {
            let and = function::named("AND").expect("it is in the roster");
            Expr::Call(and, vec![one, other])
        });
        let relation = Rc::new(Relation::Join {
            left: left.relation.clone(),
            right: right.relation,
            kind,
            equal,
            on,
        });
        if matches!(kind, JoinKind::Semi | JoinKind::Anti) {
            return Bound {
                relation,
                schema: left.schema,
            };
        }
        let joined = Bound {
            relation,
            schema: both,
        };
        if merged.is_empty() {
            joined
        } else {
            merge(&joined, &merged, n, kind)
        }
    }

    /// The column of one side of a join that USING names.
    pub(super) fn side(
        &mut self,
        schema: &Schema,
        ident: &ast::Ident,
        side: &str,
    ) -> Option<usize> {
        match schema.find(&ident.value) {
            Found::Field(at) => Some(at),
            Found::Open => None,
            Found::Several(_) => {
                let message = format!(
                    "several tables on the {side} have a column `{}`",
                    ident.value
                );
                self.say(ident.span.start, message, "join ON a condition");
                None
            }
            Found::Missing => {
                let help = spelling::advice(&ident.value, "columns", &schema.names());
                let message = format!("no column `{}` on the {side} of the join", ident.value);
                self.say(ident.span.start, message, help);
                None
            }
        }
    }
}

/// The columns of both sides.
fn beside(left: &Schema, right: &Schema, unit: Unit) -> Schema {
    let fields = left.fields.iter().chain(&right.fields);
    let open = left.open.iter().chain(&right.open);
    Schema {
        fields: fields.cloned().collect(),
        open: open.cloned().collect(),
        unit,
    }
}

/// The two sides of an equality, where one reads the left alone and the other the right.
fn sides(condition: &Expr, n: usize) -> Option<(Expr, Expr)> {
    let Expr::Call(function, args) = condition else {
        return None;
    };
    let [one, other] = args.as_slice() else {
        return None;
    };
    if function.names[0] != "=" {
        return None;
    }
    let of_left = |expr: &Expr| matches!(expr, Expr::Column(at) if *at < n);
    let of_right = |expr: &Expr| matches!(expr, Expr::Column(at) if *at >= n);
    let open = |expr: &Expr| *expr == Expr::Unknown;
    let only_left =
        |expr: &Expr| expr.reads(&of_left) && !expr.reads(&of_right) && !expr.reads(&open);
    let only_right =
        |expr: &Expr| expr.reads(&of_right) && !expr.reads(&of_left) && !expr.reads(&open);
    let placed = |expr: &Expr| {
        expr.placed(&|expr| match expr {
            Expr::Column(at) => Some(at - n),
            _ => None,
        })
    };
    if only_left(one) && only_right(other) {
        Some((one.clone(), placed(other)))
    } else if only_right(one) && only_left(other) {
        Some((other.clone(), placed(one)))
    } else {
        None
    }
}

/// One column for both sides of those that USING names; the sides keep their qualified names.
fn merge(joined: &Bound, merged: &[(usize, usize)], n: usize, kind: JoinKind) -> Bound {
    let schema = &joined.schema;
    let coalesce = function::named("coalesce").expect("it is in the roster");
    let mut fields = Vec::new();
    let mut exprs = Vec::new();
    // Where each old column is now.
    let mut moved = vec![None; schema.fields.len()];
    for (at, field) in schema.fields.iter().enumerate() {
        let ours = merged.iter().find(|(ours, _)| *ours == at);
        let is_theirs = merged.iter().any(|(_, theirs)| theirs + n == at);
        if let Some((_, theirs)) = ours {
            let other = &schema.fields[theirs + n];
            let both = field.kind.with(other.kind).unwrap_or(Kind::Unknown);
            let sides = vec![Expr::Column(at), Expr::Column(theirs + n)];
            let value = match kind {
                JoinKind::Right | JoinKind::Full => Expr::Call(coalesce, sides),
                _ => Expr::Column(at),
            };
            exprs.push((value, both));
            fields.push(Field {
                table: None,
                name: field.name.clone(),
                kind: both,
                is_shadowed: false,
                is_own: field.is_own && other.is_own,
            });
        }
        let is_shadowed = field.is_shadowed || ours.is_some() || is_theirs;
        moved[at] = Some(fields.len());
        exprs.push((Expr::Column(at), field.kind));
        fields.push(Field {
            is_shadowed,
            ..field.clone()
        });
    }
    // An axis that was merged is the column that stands for both.
    let unit = schema.unit.moved(|at| {
        let now: Option<usize> = moved[at];
        let mut pairs = merged.iter();
        let pair = pairs.find(|(ours, theirs)| *ours == at || theirs + n == at);
        let Some((ours, _)) = pair else {
            return now;
        };
        let merged = if at < n { now } else { moved[*ours] };
        merged.map(|now| now - 1)
    });
    Bound {
        relation: Rc::new(Relation::Project(joined.relation.clone(), exprs)),
        schema: Schema {
            fields,
            open: schema.open.clone(),
            unit,
        },
    }
}

/// What a run is among the rows of a join: where one side's run follows from the other's, the other's.
fn unit_of_join(left: &Schema, right: &Schema, equal: &[(usize, usize)], kind: JoinKind) -> Unit {
    let n = left.fields.len();
    let ours = left.unit.clone();
    let theirs = right.unit.moved(|at| Some(at + n));
    match (&left.unit, &right.unit) {
        (Unit::Open, _) | (_, Unit::Open) => Unit::Open,
        (Unit::Runs { .. }, Unit::Untold(_)) => match kind {
            JoinKind::Right | JoinKind::Full => outer(),
            _ => ours,
        },
        (Unit::Untold(_), Unit::Runs { .. }) => match kind {
            JoinKind::Left | JoinKind::Full => outer(),
            _ => theirs,
        },
        (Unit::Untold(why), Unit::Untold(_)) => Unit::Untold(why.clone()),
        (
            Unit::Runs {
                axes: ours_axes, ..
            },
            Unit::Runs {
                axes: theirs_axes, ..
            },
        ) => {
            let follows = |axis: &Axis, of_left: bool| {
                equal.iter().any(|(l, r)| {
                    let (own, other, others) = if of_left {
                        (*l, *r, theirs_axes)
                    } else {
                        (*r, *l, ours_axes)
                    };
                    axis.column == Some(own)
                        && others
                            .iter()
                            .any(|o| o.name == axis.name && o.column == Some(other))
                })
            };
            let left_follows = ours_axes.iter().all(|axis| follows(axis, true));
            let right_follows = theirs_axes.iter().all(|axis| follows(axis, false));
            match kind {
                JoinKind::Semi | JoinKind::Anti => ours,
                JoinKind::Full => outer(),
                _ if right_follows && kind != JoinKind::Right => ours,
                _ if left_follows && kind != JoinKind::Left => theirs,
                _ => Unit::Untold("a row of this join is of several runs at once".to_owned()),
            }
        }
    }
}

fn outer() -> Unit {
    Unit::Untold("the join has rows that are of no run".to_owned())
}
