//! Running a query: `ci95` and `runs` are given the hidden column of runs,
//! unnamed expressions their names, and the result a fixed order.

use std::collections::BTreeMap;

use polars::prelude::*;
use polars::sql::SQLContext;
use sqlparser::ast::{
    DuplicateTreatment, ExcludeSelectItem, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, GroupByExpr, Ident, ObjectName, OrderBy, OrderByExpr,
    OrderByKind, OrderByOptions, Query, Select, SelectItem, SetExpr, SetOperator, SetQuantifier,
    TableFactor, TableWithJoins, Value,
};

use super::ast::name_of;
use super::interval::{CI95, RUNS, function_name, is_aggregate, registry};
use super::scope;
use super::walk::{self, Flow, Look};
use crate::figures::table::{self, Error};

pub(super) fn run(query: &Query, tables: BTreeMap<String, DataFrame>) -> Result<DataFrame, Error> {
    let mut query = query.clone();
    let runs: BTreeMap<String, bool> = tables
        .iter()
        .map(|(name, table)| (name.clone(), table.column(super::interval::RUN).is_ok()))
        .collect();
    let catalog: BTreeMap<String, Vec<String>> = tables
        .iter()
        .map(|(name, table)| (name.clone(), table::column_names(table)))
        .collect();
    let width = scope::analyse(&query, &catalog).1.map(|names| names.len());
    let ordered = query.order_by.is_some();
    let limited = query.limit_clause.is_some() || query.fetch.is_some();
    Hidden.query(&mut query, &runs, false);
    if let Some(width) = width
        && (ordered || limited)
    {
        break_ties(&mut query, width);
    }

    let mut context = SQLContext::new().with_function_registry(registry());
    for (name, table) in tables {
        context.register(&name, table.lazy());
    }
    let mut result = context.execute(&query.to_string())?.collect()?;
    let hidden: Vec<String> = table::column_names(&result)
        .into_iter()
        .filter(|name| {
            name == super::interval::RUN || name.starts_with(&format!("{}:", super::interval::RUN))
        })
        .collect();
    for name in hidden {
        result.drop_in_place(&name)?;
    }
    let many = result
        .columns()
        .iter()
        .find(|column| column.dtype().is_nested());
    if let Some(column) = many {
        // The engine counts a key of a group once for each row of it.
        let name = column.name();
        return Err(Error::Unsuitable(format!(
            "`{name}` has several values in one row: beside an aggregate such as COUNT(*) a column stands in one too, e.g. \
             MAX(column), even where the query groups by it"
        )));
    }
    if !ordered && !limited && result.width() > 0 {
        let names = table::column_names(&result);
        result = result.sort(
            names,
            SortMultipleOptions::default()
                .with_maintain_order(true)
                .with_multithreaded(false),
        )?;
    }
    result.rechunk_mut();
    Ok(result)
}

/// Orders by all columns after those the query orders by.
fn break_ties(query: &mut Query, width: usize) {
    let by = OrderByOptions {
        asc: None,
        nulls_first: None,
    };
    let rest = (1..=width).map(|place| OrderByExpr {
        expr: Expr::Value(Value::Number(place.to_string(), false).into()),
        options: by,
        with_fill: None,
    });
    match &mut query.order_by {
        Some(OrderBy {
            kind: OrderByKind::Expressions(keys),
            ..
        }) => {
            let all = keys.len() == 1 && keys[0].expr.to_string().eq_ignore_ascii_case("all");
            if !all {
                keys.extend(rest);
            }
        }
        Some(_) => {}
        None => {
            query.order_by = Some(OrderBy {
                kind: OrderByKind::Expressions(rest.collect()),
                interpolate: None,
            });
        }
    }
}

/// The hidden column, of one table where several are joined.
fn run_column(table: Option<Ident>) -> Expr {
    let run = Ident::new(super::interval::RUN);
    match table {
        Some(table) => Expr::CompoundIdentifier(vec![table, run]),
        None => Expr::Identifier(run),
    }
}

/// What a SELECT gives: the text of each expression and its column.
fn named(select: &Select) -> Vec<(String, String)> {
    select
        .projection
        .iter()
        .filter_map(|item| match item {
            SelectItem::UnnamedExpr(expr) => Some((name_of(expr), name_of(expr))),
            SelectItem::ExprWithAlias { expr, alias } => Some((name_of(expr), alias.value.clone())),
            _ => None,
        })
        .collect()
}

/// Leads the hidden column to where it is needed and keeps it out elsewhere.
struct Hidden;

impl Hidden {
    /// Rewrites a query; with `keep` its result carries the runs if it can.
    /// True if it does.
    fn query(&self, query: &mut Query, bound: &BTreeMap<String, bool>, keep: bool) -> bool {
        let mut bound = bound.clone();
        if let Some(with) = &mut query.with {
            for cte in &mut with.cte_tables {
                // A list of column names after the name counts the columns.
                let keep = cte.alias.columns.is_empty();
                let carries = self.query(&mut cte.query, &bound, keep);
                bound.insert(cte.alias.name.value.clone(), carries);
            }
        }
        let chosen = match &*query.body {
            SetExpr::Select(select) => named(select),
            _ => Vec::new(),
        };
        let (inside, carries) = self.body(&mut query.body, &bound, keep);
        if let Some(OrderBy {
            kind: OrderByKind::Expressions(keys),
            ..
        }) = &mut query.order_by
        {
            for key in keys {
                // The engine orders an aggregated result by its columns only.
                let name = name_of(&key.expr);
                match chosen.iter().find(|(expr, _)| *expr == name) {
                    Some((_, alias))
                        if matches!(key.expr, Expr::Function(_) | Expr::BinaryOp { .. }) =>
                    {
                        key.expr = Expr::Identifier(Ident::with_quote('"', alias));
                    }
                    _ => self.expr(&mut key.expr, &bound, inside.as_ref()),
                }
            }
        }
        carries
    }

    /// Whether the rows inside have a run, and whether the result has.
    fn body(
        &self,
        body: &mut SetExpr,
        bound: &BTreeMap<String, bool>,
        keep: bool,
    ) -> (Option<Expr>, bool) {
        match body {
            SetExpr::Select(select) => self.select(select, bound, keep),
            SetExpr::Query(query) => {
                let carries = self.query(query, bound, keep);
                (carries.then(|| run_column(None)), carries)
            }
            SetExpr::SetOperation {
                op,
                set_quantifier,
                left,
                right,
            } => {
                // Only laying tables under one another keeps rows apart by run,
                // and only if both sides have runs.
                let keep = keep
                    && *op == SetOperator::Union
                    && *set_quantifier == SetQuantifier::All
                    && self.body(&mut left.clone(), bound, true).1
                    && self.body(&mut right.clone(), bound, true).1;
                self.body(left, bound, keep);
                self.body(right, bound, keep);
                (keep.then(|| run_column(None)), keep)
            }
            _ => (None, false),
        }
    }

    fn select(
        &self,
        select: &mut Select,
        bound: &BTreeMap<String, bool>,
        keep: bool,
    ) -> (Option<Expr>, bool) {
        let mut tables = Vec::new();
        for table in &mut select.from {
            self.from(table, bound, &mut tables);
        }
        let joined = tables.len() > 1;
        let inside = tables
            .into_iter()
            .find(|(_, carries)| *carries)
            .map(|(name, _)| run_column(name.filter(|_| joined)));
        let grouped = match &select.group_by {
            GroupByExpr::All(_) => true,
            GroupByExpr::Expressions(keys, _) => !keys.is_empty(),
        };
        let mut aggregates = grouped || select.having.is_some() || select.distinct.is_some();
        let mut star = false;
        let mut qualified_star = false;
        for item in &mut select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                    aggregates |= has_aggregate(expr);
                }
                SelectItem::Wildcard(_) => star = true,
                SelectItem::QualifiedWildcard(..) => qualified_star = true,
                SelectItem::ExprWithAliases { .. } => {}
            }
        }
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) = item
                && !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
            {
                *item = SelectItem::ExprWithAlias {
                    alias: Ident::with_quote('"', name_of(expr)),
                    expr: expr.clone(),
                };
            }
            match item {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                    self.expr(expr, bound, inside.as_ref());
                }
                _ => {}
            }
        }
        if let Some(condition) = &mut select.selection {
            self.expr(condition, bound, inside.as_ref());
        }
        if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
            for key in keys {
                self.expr(key, bound, inside.as_ref());
            }
        }
        if let Some(condition) = &mut select.having {
            self.expr(condition, bound, inside.as_ref());
        }
        if let Some(condition) = &mut select.qualify {
            self.expr(condition, bound, inside.as_ref());
        }
        let carries = keep && inside.is_some() && !aggregates;
        if carries && !star && !qualified_star {
            select
                .projection
                .extend(inside.clone().map(|expr| SelectItem::ExprWithAlias {
                    expr,
                    alias: Ident::new(super::interval::RUN),
                }));
        }
        if star && inside.is_some() && !carries {
            for item in &mut select.projection {
                if let SelectItem::Wildcard(options) = item {
                    exclude_run(&mut options.opt_exclude);
                }
            }
        }
        (inside, carries)
    }

    /// Adds the tables of one FROM item: their names, and whether their rows
    /// have a run.
    fn from(
        &self,
        from: &mut TableWithJoins,
        bound: &BTreeMap<String, bool>,
        tables: &mut Vec<(Option<Ident>, bool)>,
    ) {
        self.factor(&mut from.relation, bound, tables);
        for join in &mut from.joins {
            self.factor(&mut join.relation, bound, tables);
        }
    }

    fn factor(
        &self,
        factor: &mut TableFactor,
        bound: &BTreeMap<String, bool>,
        tables: &mut Vec<(Option<Ident>, bool)>,
    ) {
        let alias = scope::alias_of(factor).map(|alias| alias.name.clone());
        match factor {
            TableFactor::Table { name, .. } => {
                let own = scope::single(name).cloned();
                let carries = own
                    .as_ref()
                    .and_then(|ident| bound.get(&ident.value).copied())
                    .unwrap_or(false);
                tables.push((alias.or(own), carries));
            }
            TableFactor::Derived {
                subquery,
                alias: columns,
                ..
            } => {
                let keep = columns
                    .as_ref()
                    .is_none_or(|alias| alias.columns.is_empty());
                let carries = self.query(subquery, bound, keep);
                tables.push((alias, carries));
            }
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => self.from(table_with_joins, bound, tables),
            _ => tables.push((alias, false)),
        }
    }

    fn expr(&self, expr: &mut Expr, bound: &BTreeMap<String, bool>, inside: Option<&Expr>) {
        let mut calls = Calls {
            bound,
            inside,
            depth: 0,
        };
        let _ = walk::expr(expr, &mut calls);
    }
}

fn exclude_run(exclude: &mut Option<ExcludeSelectItem>) {
    let run = ObjectName::from(vec![Ident::new(super::interval::RUN)]);
    *exclude = Some(ExcludeSelectItem::Multiple(match exclude.take() {
        None => vec![run],
        Some(ExcludeSelectItem::Single(name)) => vec![name, run],
        Some(ExcludeSelectItem::Multiple(names)) => names.into_iter().chain([run]).collect(),
    }));
}

fn has_aggregate(expr: &mut Expr) -> bool {
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

        fn expr(&mut self, expr: &mut Expr) -> Flow {
            self.any |= self.depth == 0
                && matches!(expr, Expr::Function(function) if is_aggregate(function));
            Flow::Continue(())
        }
    }
    let mut found = Found {
        depth: 0,
        any: false,
    };
    let _ = walk::expr(expr, &mut found);
    found.any
}

/// Rewrites the calls of one expression, and its subqueries on their own.
struct Calls<'a> {
    bound: &'a BTreeMap<String, bool>,
    inside: Option<&'a Expr>,
    depth: usize,
}

impl Look for Calls<'_> {
    fn query(&mut self, query: &mut Query) -> Flow {
        if self.depth == 0 {
            Hidden.query(query, self.bound, false);
        }
        self.depth += 1;
        Flow::Continue(())
    }

    fn query_end(&mut self, _: &mut Query) {
        self.depth -= 1;
    }

    fn expr(&mut self, expr: &mut Expr) -> Flow {
        if self.depth == 0
            && let Expr::Function(function) = expr
        {
            match function_name(function).as_str() {
                CI95 => {
                    if let FunctionArguments::List(list) = &mut function.args
                        && list.args.len() == 1
                        && let Some(run) = self.inside
                    {
                        let run = FunctionArgExpr::Expr(run.clone());
                        list.args.push(FunctionArg::Unnamed(run));
                    }
                }
                RUNS => count(function, self.inside),
                _ => {}
            }
        }
        Flow::Continue(())
    }
}

/// `runs()` as a call the engine has.
fn count(function: &mut Function, inside: Option<&Expr>) {
    let (distinct, arg) = match inside {
        Some(run) => (
            Some(DuplicateTreatment::Distinct),
            FunctionArgExpr::Expr(run.clone()),
        ),
        None => (None, FunctionArgExpr::Wildcard),
    };
    function.name = ObjectName::from(vec![Ident::new("COUNT")]);
    function.args = FunctionArguments::List(FunctionArgumentList {
        duplicate_treatment: distinct,
        args: vec![FunctionArg::Unnamed(arg)],
        clauses: Vec::new(),
    });
}
