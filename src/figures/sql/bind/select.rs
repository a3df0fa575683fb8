//! SELECT: what is selected, grouped, filtered and ordered, and in which step each is computed.

use std::rc::Rc;

use sqlparser::ast::{
    Distinct, Expr as Ast, GroupByExpr, NamedWindowDefinition, NamedWindowExpr, OrderByExpr, Query,
    Select, SelectItem, Spanned,
};

use super::super::aggregate::{self, What};
use super::super::ast::name_of;
use super::super::kind::Kind;
use super::super::names::function_name;
use super::super::plan::{Aggregate, Expr, Relation, SortKey};
use super::super::walk::{self, Flow, Look};
use super::context::Context;
use super::fixed::fixed;
use super::item::Item;
use super::schema::{Axis, Bound, Field, Schema, Unit};
use super::terms::terms;
use super::{Binder, position};

impl Binder<'_> {
    pub(super) fn select(
        &mut self,
        select: &Select,
        keys: &[OrderByExpr],
    ) -> (Bound, Vec<SortKey>) {
        self.forms(select);
        let outside = self.named.len();
        for NamedWindowDefinition(name, of) in &select.named_window {
            match of {
                NamedWindowExpr::WindowSpec(spec) => {
                    self.named.push((name.value.clone(), spec.clone()));
                }
                NamedWindowExpr::NamedWindow(other) => {
                    self.refuse(other.span.start, "a window that is another one");
                }
            }
        }
        let found = self.columns(select, keys);
        self.named.truncate(outside);
        found
    }

    fn columns(&mut self, select: &Select, keys: &[OrderByExpr]) -> (Bound, Vec<SortKey>) {
        let held = select.selection.as_ref().map(fixed).unwrap_or_default();
        let from = self.from(&select.from, &held);
        let schema = &from.schema;
        let mut is_open = !schema.is_known();
        let items = self.items(select, schema, &mut is_open);
        let aliases: Vec<(String, &Ast)> = select
            .projection
            .iter()
            .filter_map(|item| match item {
                SelectItem::ExprWithAlias { expr, alias } => Some((alias.value.clone(), expr)),
                _ => None,
            })
            .collect();
        let mut relation = from.relation.clone();
        if let Some(written) = &select.selection {
            let mut context = Context::of_rows(schema, "WHERE").aliased(&aliases);
            let condition = self.condition(written, &mut context);
            let terms = terms(written, &condition);
            relation = Rc::new(Relation::Filter(relation, condition, terms));
        }

        let by_all = matches!(&select.group_by, GroupByExpr::All(_));
        let written: &[Ast] = match &select.group_by {
            GroupByExpr::Expressions(written, modifiers) => {
                if !modifiers.is_empty() {
                    let place = written
                        .first()
                        .map_or(select.span().start, |e| e.span().start);
                    self.refuse(place, "ROLLUP, CUBE or TOTALS");
                }
                written
            }
            GroupByExpr::All(_) => &[],
        };
        let computed = items.iter().filter_map(|item| match item {
            Item::Written(_, expr) => Some(*expr),
            Item::Brought(_) => None,
        });
        let more = select
            .having
            .iter()
            .chain(&select.qualify)
            .chain(keys.iter().map(|key| &key.expr));
        let is_grouped = by_all
            || !written.is_empty()
            || select.having.is_some()
            || computed.chain(more).any(has_aggregate);

        let mut group_keys: Vec<(Expr, Kind)> = Vec::new();
        for key in written {
            if matches!(key, Ast::Rollup(_) | Ast::Cube(_) | Ast::GroupingSets(_)) {
                self.refuse(key.span().start, "ROLLUP, CUBE or GROUPING SETS");
                return (self.nothing(), Vec::new());
            }
            let expr = match position(key) {
                Some(place) => match place.checked_sub(1).and_then(|at| items.get(at)) {
                    Some(Item::Written(_, expr)) => *expr,
                    Some(Item::Brought(at)) => {
                        group_keys.push((Expr::Column(*at), schema.fields[*at].kind));
                        continue;
                    }
                    None => {
                        self.no_position(key, items.len());
                        continue;
                    }
                },
                None => key,
            };
            let mut context = Context::of_rows(schema, "GROUP BY").aliased(&aliases);
            group_keys.push(self.expr(expr, &mut context));
        }
        if by_all {
            for item in &items {
                match item {
                    Item::Written(_, expr) if !has_aggregate(expr) => {
                        group_keys.push(self.expr(expr, &mut Context::of_rows(schema, "GROUP BY")));
                    }
                    Item::Brought(at) => {
                        group_keys.push((Expr::Column(*at), schema.fields[*at].kind));
                    }
                    Item::Written(..) => {}
                }
            }
        }

        let mut context = if is_grouped {
            Context::of_groups(schema, group_keys.clone())
        } else {
            Context::of_rows(schema, "SELECT")
        }
        .aliased(&aliases)
        .windowed();
        let mut columns: Vec<(String, Expr, Kind)> = Vec::new();
        for item in &items {
            let (name, (expr, kind)) = match item {
                Item::Written(name, expr) => (
                    name.clone(),
                    self.expr(expr, &mut context.without_aliases()),
                ),
                Item::Brought(at) => {
                    let field = &schema.fields[*at];
                    let name = field.name.clone().unwrap_or_default();
                    let found =
                        self.field(*at, &name, select.select_token.0.span.start, &mut context);
                    (name, found)
                }
            };
            columns.push((name, expr, kind));
        }
        let having = select.having.as_ref().map(|condition| {
            context.clause = "HAVING";
            self.condition(condition, &mut context)
        });
        let qualify = select.qualify.as_ref().map(|condition| {
            context.clause = "QUALIFY";
            self.condition(condition, &mut context)
        });
        context.clause = "ORDER BY";
        let mut order: Vec<(SortKey, Kind, &OrderByExpr)> = Vec::new();
        for key in keys {
            let (expr, kind) = self.key(key, &columns, is_open, &mut context);
            order.extend(self.sort_key(key, expr).map(|sort| (sort, kind, key)));
        }
        let windows = context.windows.take().unwrap_or_default();
        let mut aggregates = context.aggregates.take().unwrap_or_default();

        // From here on everything has a place: keys, aggregates, the run of a group, windows.
        let mut unit = schema.unit.clone();
        let mut run: Option<Expr> = match &unit {
            Unit::Runs { column, .. } => Some(Expr::Column(*column)),
            _ => None,
        };
        let mut width = schema.fields.len();
        if is_grouped {
            (unit, run) = group_unit(&unit, &group_keys, &mut aggregates);
            width = group_keys.len() + aggregates.len();
            relation = Rc::new(Relation::Group(relation, group_keys.clone(), aggregates));
        }
        let keys_before = group_keys.len();
        let place = |expr: &Expr| match expr {
            Expr::Key(at) => Some(*at),
            Expr::Aggregate(at) => Some(keys_before + at),
            Expr::Window(at) => Some(width + at),
            _ => None,
        };
        if let Some(condition) = having {
            relation = Rc::new(Relation::Filter(
                relation,
                condition.placed(&place),
                Vec::new(),
            ));
        }
        if !windows.is_empty() {
            let windows = windows.into_iter().map(|window| window.placed(&place));
            relation = Rc::new(Relation::Windows(relation, windows.collect()));
        }
        if let Some(condition) = qualify {
            relation = Rc::new(Relation::Filter(
                relation,
                condition.placed(&place),
                Vec::new(),
            ));
        }

        let unit = result_unit(unit, &columns, &group_keys);
        let mut fields: Vec<Field> = Vec::new();
        let mut exprs: Vec<(Expr, Kind)> = Vec::new();
        for ((name, expr, kind), item) in columns.iter().zip(&items) {
            let from = match expr {
                Expr::Key(at) => &group_keys[*at].0,
                expr => expr,
            };
            let is_own = match (from, item) {
                (Expr::Column(at), _) => {
                    let field = &schema.fields[*at];
                    field.is_own && field.name.as_ref() == Some(name)
                }
                // A name that nobody knows yet is a column's if it keeps it.
                (Expr::Unknown, Item::Written(_, ast)) => name_of(ast) == *name,
                _ => false,
            };
            exprs.push((expr.placed(&place), *kind));
            fields.push(Field {
                table: None,
                name: Some(name.clone()),
                kind: *kind,
                is_shadowed: false,
                is_own,
            });
        }
        let visible = exprs.len();
        let mut unit = unit;
        if let (Some(run), Unit::Runs { column, .. }) = (&run, &mut unit) {
            *column = exprs.len();
            exprs.push((run.placed(&place), Kind::Int));
            fields.push(Field {
                table: None,
                name: None,
                kind: Kind::Int,
                is_shadowed: false,
                is_own: false,
            });
        }
        let distinct = match &select.distinct {
            None | Some(Distinct::All) => false,
            Some(Distinct::Distinct) => true,
            Some(Distinct::On(on)) => {
                let place = on.first().map_or(select.span().start, |e| e.span().start);
                self.refuse(place, "DISTINCT ON");
                false
            }
        };
        let mut sorted = Vec::new();
        for (key, kind, written) in order {
            let expr = key.expr.placed(&place);
            let at = match exprs[..visible]
                .iter()
                .position(|(known, _)| *known == expr)
            {
                Some(at) => at,
                None if distinct => {
                    self.say(
                        written.expr.span().start,
                        "with DISTINCT a result is ordered by its own columns",
                        "select what you order by",
                    );
                    continue;
                }
                None => {
                    exprs.push((expr, kind));
                    fields.push(Field {
                        table: None,
                        name: None,
                        kind,
                        is_shadowed: false,
                        is_own: false,
                    });
                    exprs.len() - 1
                }
            };
            sorted.push(SortKey {
                expr: Expr::Column(at),
                ..key
            });
        }
        relation = Rc::new(Relation::Project(relation, exprs));
        if distinct {
            relation = Rc::new(Relation::Distinct(relation, visible));
            unit = distinct_unit(unit);
        }
        let open = if is_open {
            vec![String::new()]
        } else {
            Vec::new()
        };
        let unit = if is_open { Unit::Open } else { unit };
        (
            Bound {
                relation,
                schema: Schema { fields, open, unit },
            },
            sorted,
        )
    }

    /// Refuses what a SELECT may have in other dialects.
    fn forms(&mut self, select: &Select) {
        let place = select.select_token.0.span.start;
        let odd = [
            (select.top.is_some(), "TOP"),
            (select.exclude.is_some(), "EXCLUDE behind all columns"),
            (!select.lateral_views.is_empty(), "LATERAL VIEW"),
            (select.prewhere.is_some(), "PREWHERE"),
            (!select.connect_by.is_empty(), "CONNECT BY"),
            (!select.cluster_by.is_empty(), "CLUSTER BY"),
            (!select.distribute_by.is_empty(), "DISTRIBUTE BY"),
            (!select.sort_by.is_empty(), "SORT BY"),
            (select.value_table_mode.is_some(), "SELECT AS"),
            (select.select_modifiers.is_some(), "a modifier of SELECT"),
        ];
        for (_, what) in odd.iter().filter(|(is, _)| *is) {
            self.refuse(place, what);
        }
    }
}

/// Whether an expression has an aggregate outside of the subqueries in it.
fn has_aggregate(expr: &Ast) -> bool {
    struct Found {
        depth: usize,
        any: bool,
    }
    impl Look for Found {
        fn query(&mut self, _: &mut Query) -> Flow {
            self.depth += 1;
            Flow::Continue(())
        }

        fn query_end(&mut self, _: &mut Query) {
            self.depth -= 1;
        }

        fn expr(&mut self, expr: &mut Ast) -> Flow {
            self.any |= self.depth == 0
                && matches!(expr, Ast::Function(call) if call.over.is_none() && aggregate::named(&function_name(call)).is_some());
            Flow::Continue(())
        }
    }
    let mut found = Found {
        depth: 0,
        any: false,
    };
    let _ = walk::expr(&mut expr.clone(), &mut found);
    found.any
}

/// What a run is among groups: each is of one run where its keys tell all axes.
fn group_unit(
    unit: &Unit,
    keys: &[(Expr, Kind)],
    aggregates: &mut Vec<Aggregate>,
) -> (Unit, Option<Expr>) {
    let Unit::Runs { column, axes } = unit else {
        return (unit.clone(), None);
    };
    let is_key = |axis: &&Axis| {
        axis.column
            .is_some_and(|at| keys.iter().any(|(key, _)| *key == Expr::Column(at)))
    };
    let missing: Vec<String> = axes
        .iter()
        .filter(|axis| !is_key(axis))
        .map(|axis| format!("`{}`", axis.name))
        .collect();
    if !missing.is_empty() {
        let why = format!(
            "its rows are groups of runs: GROUP BY leaves out {}",
            missing.join(", ")
        );
        return (Unit::Untold(why), None);
    }
    aggregates.push(Aggregate {
        what: What::Run,
        args: vec![Expr::Column(*column)],
        distinct: false,
        filter: None,
        order: Vec::new(),
        runs: Vec::new(),
        name: String::new(),
        kind: Kind::Int,
    });
    (unit.clone(), Some(Expr::Aggregate(aggregates.len() - 1)))
}

/// What a run is among the rows of the result: the axes stand where they were selected.
fn result_unit(unit: Unit, columns: &[(String, Expr, Kind)], keys: &[(Expr, Kind)]) -> Unit {
    let Unit::Runs { column, axes } = unit else {
        return unit;
    };
    let at = |axis: &Axis| {
        let of_rows = Expr::Column(axis.column?);
        columns.iter().position(|(_, expr, _)| match expr {
            Expr::Key(key) => keys[*key].0 == of_rows,
            expr => *expr == of_rows,
        })
    };
    let axes = axes.iter().map(|axis| Axis {
        name: axis.name.clone(),
        column: at(axis),
    });
    Unit::Runs {
        column,
        axes: axes.collect(),
    }
}

/// What a run is where each row stands once: as before, if the columns tell all axes.
fn distinct_unit(unit: Unit) -> Unit {
    match unit {
        Unit::Runs { axes, column } => match axes.iter().find(|axis| axis.column.is_none()) {
            None => Unit::Runs { axes, column },
            Some(axis) => Unit::Untold(format!("DISTINCT leaves out `{}`", axis.name)),
        },
        other => other,
    }
}
