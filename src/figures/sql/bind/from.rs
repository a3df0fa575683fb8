//! FROM: tables, subqueries and joins.

use std::rc::Rc;

use sqlparser::ast::{
    self, BinaryOperator, Expr as Ast, JoinConstraint, JoinOperator, Spanned, TableAlias,
    TableFactor, TableWithJoins,
};
use sqlparser::tokenizer::Location;

use super::super::function;
use super::super::kind::Kind;
use super::super::names::single;
use super::super::plan::{Expr, JoinKind, Relation};
use super::Binder;
use super::expr::Context;
use super::schema::{Axis, Bound, Field, Found, Runs, Schema, Unit};
use crate::figures::spelling;

/// A column that a condition holds at one value: its table where it is told, and its name.
pub(super) type Fixed = (Option<String>, String);

/// The columns that a condition holds at one value each.
pub(super) fn fixed(condition: &Ast) -> Vec<Fixed> {
    let mut all = Vec::new();
    for part in conjuncts(condition) {
        let Ast::BinaryOp {
            left,
            op: BinaryOperator::Eq,
            right,
        } = part
        else {
            continue;
        };
        for (column, value) in [(left, right), (right, left)] {
            if !matches!(&**value, Ast::Value(_)) {
                continue;
            }
            match &**column {
                Ast::Identifier(name) => all.push((None, name.value.clone())),
                Ast::CompoundIdentifier(names) => {
                    if let [table, name] = names.as_slice() {
                        all.push((Some(table.value.clone()), name.value.clone()));
                    }
                }
                _ => {}
            }
        }
    }
    all
}

fn is_fixed(fixed: &[Fixed], field: &Field) -> bool {
    fixed.iter().any(|(table, name)| {
        field.name.as_ref() == Some(name) && (table.is_none() || *table == field.table)
    })
}

/// The parts of a condition that must all be true.
fn conjuncts(condition: &Ast) -> Vec<&Ast> {
    match condition {
        Ast::BinaryOp {
            left,
            op: BinaryOperator::And,
            right,
        } => {
            let mut all = conjuncts(left);
            all.extend(conjuncts(right));
            all
        }
        Ast::Nested(inner) => conjuncts(inner),
        other => vec![other],
    }
}

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
        let Some(columns) = &info.columns else {
            return Bound {
                relation: Rc::new(Relation::One),
                schema: Schema {
                    fields: Vec::new(),
                    open: vec![name.to_owned()],
                    unit: Unit::Open,
                },
            };
        };
        let mut fields: Vec<Field> = columns
            .iter()
            .map(|(name, kind)| Field {
                table: None,
                name: Some(name.clone()),
                kind: *kind,
                is_shadowed: false,
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
                open: Vec::new(),
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
            bound.schema.fields[at].name = Some(column.name.value.clone());
        }
        bound
    }

    fn cross(&mut self, left: Bound, right: Bound) -> Bound {
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

    fn join(
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
        match merged.is_empty() {
            true => joined,
            false => merge(&joined, &merged, n, kind),
        }
    }

    /// The column of one side of a join that USING names.
    fn side(&mut self, schema: &Schema, ident: &ast::Ident, side: &str) -> Option<usize> {
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
        match merged
            .iter()
            .any(|(ours, theirs)| *ours == at || theirs + n == at)
        {
            true if at < n => now.map(|now| now - 1),
            true => {
                let (ours, _) = merged.iter().find(|(_, theirs)| theirs + n == at)?;
                moved[*ours].map(|now| now - 1)
            }
            false => now,
        }
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
                    let (own, other, others) = match of_left {
                        true => (*l, *r, theirs_axes),
                        false => (*r, *l, ours_axes),
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
