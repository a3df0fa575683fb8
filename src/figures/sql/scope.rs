//! Which names a query may use where: the tables it reads, the columns it
//! gives, and the names in it that are certainly unknown.

use std::collections::{BTreeMap, BTreeSet};

use sqlparser::ast::{
    BinaryOperator, ExcludeSelectItem, Expr, GroupByExpr, Ident, JoinConstraint, JoinOperator,
    ObjectName, ObjectNamePart, OrderByKind, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, Spanned, TableAlias, TableFactor, TableWithJoins,
};
use sqlparser::tokenizer::Location;

use super::ast::name_of;
use super::problem::SqlProblem;
use super::walk::{self, Flow, Look};
use crate::figures::spelling;

/// Column names, where they are known.
type Columns = Option<Vec<String>>;

/// One table in a FROM clause.
#[derive(Clone)]
struct Relation {
    name: String,
    columns: Columns,
}

/// The tables a query reads from outside, as written, without those WITH binds.
pub(super) fn tables(query: &Query) -> Vec<Ident> {
    let mut walk = Walk::new(None);
    walk.query(query, &BTreeMap::new(), &[]);
    walk.tables
}

/// Every alias of a table and every name WITH binds, anywhere.
pub(super) fn bound_names(query: &Query) -> BTreeSet<String> {
    struct Bound(BTreeSet<String>);
    impl Look for Bound {
        fn query(&mut self, query: &mut Query) -> Flow {
            for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
                self.0.insert(cte.alias.name.value.clone());
            }
            Flow::Continue(())
        }
        fn table(&mut self, factor: &mut TableFactor) -> Flow {
            if let Some(alias) = alias_of(factor) {
                self.0.insert(alias.name.value.clone());
            }
            Flow::Continue(())
        }
    }
    let mut bound = Bound(BTreeSet::new());
    let _ = walk::query(&mut query.clone(), &mut bound);
    bound.0
}

/// Problems and output columns, given the columns of every table.
pub(super) fn analyse(
    query: &Query,
    catalog: &BTreeMap<String, Vec<String>>,
) -> (Vec<SqlProblem>, Columns) {
    let mut walk = Walk::new(Some(catalog));
    let columns = walk.query(query, &BTreeMap::new(), &[]);
    walk.problems.sort();
    walk.problems.dedup();
    (walk.problems, columns)
}

/// The alias of a table, if it has one.
pub(super) fn alias_of(factor: &TableFactor) -> Option<&TableAlias> {
    match factor {
        TableFactor::Table { alias, .. }
        | TableFactor::Derived { alias, .. }
        | TableFactor::NestedJoin { alias, .. } => alias.as_ref(),
        _ => None,
    }
}

/// The one identifier of a plain name.
pub(super) fn single(name: &ObjectName) -> Option<&Ident> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(ident)] => Some(ident),
        _ => None,
    }
}

/// The condition or the columns a join is made on.
pub(super) fn constraint_of(join: &JoinOperator) -> Option<&JoinConstraint> {
    match join {
        JoinOperator::Join(on)
        | JoinOperator::Inner(on)
        | JoinOperator::Left(on)
        | JoinOperator::LeftOuter(on)
        | JoinOperator::Right(on)
        | JoinOperator::RightOuter(on)
        | JoinOperator::FullOuter(on)
        | JoinOperator::CrossJoin(on)
        | JoinOperator::Semi(on)
        | JoinOperator::LeftSemi(on)
        | JoinOperator::RightSemi(on)
        | JoinOperator::Anti(on)
        | JoinOperator::LeftAnti(on)
        | JoinOperator::RightAnti(on)
        | JoinOperator::StraightJoin(on)
        | JoinOperator::AsOf { constraint: on, .. } => Some(on),
        _ => None,
    }
}

struct Walk<'a> {
    /// Without a catalog nothing is checked.
    catalog: Option<&'a BTreeMap<String, Vec<String>>>,
    tables: Vec<Ident>,
    problems: Vec<SqlProblem>,
}

impl<'a> Walk<'a> {
    fn new(catalog: Option<&'a BTreeMap<String, Vec<String>>>) -> Self {
        Self {
            catalog,
            tables: Vec::new(),
            problems: Vec::new(),
        }
    }

    fn query(
        &mut self,
        query: &Query,
        bound: &BTreeMap<String, Columns>,
        outer: &[Relation],
    ) -> Columns {
        let mut bound = bound.clone();
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            let columns = self.query(&cte.query, &bound, outer);
            bound.insert(cte.alias.name.value.clone(), renamed(columns, &cte.alias));
        }
        let (columns, relations) = self.body(&query.body, &bound, outer);
        if let Some(order) = &query.order_by
            && let OrderByKind::Expressions(keys) = &order.kind
        {
            for key in keys {
                self.expr(&key.expr, &relations, &columns, &bound, outer);
            }
        }
        columns
    }

    /// The columns of a body and the tables its ORDER BY may also name.
    fn body(
        &mut self,
        body: &SetExpr,
        bound: &BTreeMap<String, Columns>,
        outer: &[Relation],
    ) -> (Columns, Vec<Relation>) {
        match body {
            SetExpr::Select(select) => self.select(select, bound, outer),
            SetExpr::Query(query) => (self.query(query, bound, outer), Vec::new()),
            SetExpr::SetOperation { left, right, .. } => {
                let (columns, mut relations) = self.body(left, bound, outer);
                relations.extend(self.body(right, bound, outer).1);
                (columns, relations)
            }
            _ => (None, vec![unknown()]),
        }
    }

    fn select(
        &mut self,
        select: &Select,
        bound: &BTreeMap<String, Columns>,
        outer: &[Relation],
    ) -> (Columns, Vec<Relation>) {
        let mut relations = Vec::new();
        let mut merged = false;
        for table in &select.from {
            merged |= self.from(table, &mut relations, bound, outer);
        }
        let none = Some(Vec::new());
        let output = outputs(select, &relations, merged);
        // Names the projection gives can be used by what comes after it.
        let given: Columns = Some(
            select
                .projection
                .iter()
                .filter_map(|item| match item {
                    SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
                    SelectItem::UnnamedExpr(expr) => Some(name_of(expr)),
                    _ => None,
                })
                .collect(),
        );
        for item in &select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                    self.expr(expr, &relations, &none, bound, outer);
                }
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(name),
                    _,
                ) => {
                    if let Some(ident) = single(name) {
                        self.qualifier(ident, &relations, outer);
                    }
                }
                _ => {}
            }
        }
        if let Some(condition) = &select.selection {
            self.expr(condition, &relations, &none, bound, outer);
        }
        if let GroupByExpr::Expressions(keys, _) = &select.group_by {
            for key in keys {
                self.expr(key, &relations, &given, bound, outer);
            }
        }
        for condition in select.having.iter().chain(&select.qualify) {
            self.expr(condition, &relations, &given, bound, outer);
        }
        (output, relations)
    }

    /// Adds the tables of one FROM item; true if a join merges columns.
    fn from(
        &mut self,
        from: &TableWithJoins,
        relations: &mut Vec<Relation>,
        bound: &BTreeMap<String, Columns>,
        outer: &[Relation],
    ) -> bool {
        let mut merged = self.factor(&from.relation, relations, bound, outer);
        for join in &from.joins {
            merged |= self.factor(&join.relation, relations, bound, outer);
            match constraint_of(&join.join_operator) {
                Some(JoinConstraint::On(condition)) => {
                    self.expr(condition, relations, &Some(Vec::new()), bound, outer);
                }
                Some(JoinConstraint::Using(names)) => {
                    merged = true;
                    for ident in names.iter().filter_map(single) {
                        self.column(ident, relations, &Some(Vec::new()), &[]);
                    }
                }
                Some(JoinConstraint::Natural) | None => merged = true,
                Some(JoinConstraint::None) => {}
            }
            merged |= matches!(
                join.join_operator,
                JoinOperator::Semi(_)
                    | JoinOperator::LeftSemi(_)
                    | JoinOperator::RightSemi(_)
                    | JoinOperator::Anti(_)
                    | JoinOperator::LeftAnti(_)
                    | JoinOperator::RightAnti(_)
                    | JoinOperator::Right(_)
                    | JoinOperator::RightOuter(_)
            );
        }
        merged
    }

    fn factor(
        &mut self,
        factor: &TableFactor,
        relations: &mut Vec<Relation>,
        bound: &BTreeMap<String, Columns>,
        outer: &[Relation],
    ) -> bool {
        let (name, columns) = match factor {
            TableFactor::Table { name, .. } => {
                let Some(ident) = single(name) else {
                    relations.push(unknown());
                    return false;
                };
                let columns = match bound.get(&ident.value) {
                    Some(columns) => columns.clone(),
                    None => self.table(ident),
                };
                (ident.value.clone(), columns)
            }
            TableFactor::Derived { subquery, .. } => {
                (String::new(), self.query(subquery, bound, outer))
            }
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => {
                self.from(table_with_joins, relations, bound, outer);
                return true;
            }
            _ => (String::new(), None),
        };
        relations.push(match alias_of(factor) {
            Some(alias) => Relation {
                name: alias.name.value.clone(),
                columns: renamed(columns, alias),
            },
            None => Relation { name, columns },
        });
        false
    }

    /// The columns of a table from outside.
    fn table(&mut self, ident: &Ident) -> Columns {
        self.tables.push(ident.clone());
        let catalog = self.catalog?;
        match catalog.get(&ident.value) {
            Some(columns) if columns.is_empty() => None,
            Some(columns) => Some(
                columns
                    .iter()
                    .filter(|column| *column != super::interval::RUN)
                    .cloned()
                    .collect(),
            ),
            None => {
                let known: Vec<String> = catalog.keys().cloned().collect();
                self.problems.push(SqlProblem::at(
                    ident.span.start,
                    format!("no table `{}`", ident.value),
                    spelling::advice(&ident.value, "tables", &known),
                ));
                None
            }
        }
    }

    fn expr(
        &mut self,
        expr: &Expr,
        relations: &[Relation],
        given: &Columns,
        bound: &BTreeMap<String, Columns>,
        outer: &[Relation],
    ) {
        let mut names = Names::default();
        let _ = walk::expr(&mut expr.clone(), &mut names);
        for idents in names.columns {
            match idents.as_slice() {
                [ident] => self.column(ident, relations, given, outer),
                [table, column] => self.qualified(table, column, relations, given, outer),
                _ => {}
            }
        }
        for place in names.compared {
            self.problems.push(SqlProblem::at(
                place,
                "`=` cannot compare with a query",
                "write `IN (SELECT …)`",
            ));
        }
        let inner: Vec<Relation> = relations.iter().chain(outer).cloned().collect();
        for query in names.queries {
            self.query(&query, bound, &inner);
        }
    }

    fn column(
        &mut self,
        ident: &Ident,
        relations: &[Relation],
        given: &Columns,
        outer: &[Relation],
    ) {
        let mut known: Vec<String> = Vec::new();
        for relation in relations.iter().chain(outer) {
            match &relation.columns {
                Some(columns) => known.extend(columns.iter().cloned()),
                None => return,
            }
        }
        match given {
            Some(columns) => known.extend(columns.iter().cloned()),
            None => return,
        }
        if self.catalog.is_none()
            || known.contains(&ident.value)
            || ident.value.eq_ignore_ascii_case("all")
        {
            return;
        }
        self.missing(ident, known);
    }

    fn qualified(
        &mut self,
        table: &Ident,
        column: &Ident,
        relations: &[Relation],
        given: &Columns,
        outer: &[Relation],
    ) {
        if self.catalog.is_none() {
            return;
        }
        let mut all = relations.iter().chain(outer);
        if let Some(relation) = all.find(|relation| relation.name == table.value) {
            if let Some(columns) = &relation.columns
                && !columns.contains(&column.value)
            {
                self.missing(column, columns.clone());
            }
            return;
        }
        // `a.b` can also be field `b` of a column `a`.
        let is_column = given.iter().flatten().any(|name| name == &table.value)
            || relations
                .iter()
                .chain(outer)
                .any(|relation| match &relation.columns {
                    Some(columns) => columns.contains(&table.value),
                    None => true,
                });
        if !is_column {
            self.qualifier(table, relations, outer);
        }
    }

    fn qualifier(&mut self, table: &Ident, relations: &[Relation], outer: &[Relation]) {
        let known: Vec<String> = relations
            .iter()
            .chain(outer)
            .map(|relation| relation.name.clone())
            .filter(|name| !name.is_empty())
            .collect();
        if self.catalog.is_some() && !known.contains(&table.value) {
            self.problems.push(SqlProblem::at(
                table.span.start,
                format!("no table `{}` in this FROM", table.value),
                spelling::advice(&table.value, "tables", &known),
            ));
        }
    }

    fn missing(&mut self, ident: &Ident, known: Vec<String>) {
        let mut seen = BTreeSet::new();
        let known: Vec<String> = known
            .into_iter()
            .filter(|name| seen.insert(name.clone()))
            .collect();
        self.problems.push(SqlProblem::at(
            ident.span.start,
            format!("no column `{}`", ident.value),
            spelling::advice(&ident.value, "columns", &known),
        ));
    }
}

fn unknown() -> Relation {
    Relation {
        name: String::new(),
        columns: None,
    }
}

/// The names and subqueries of one expression, not those inside the subqueries.
#[derive(Default)]
struct Names {
    depth: usize,
    columns: Vec<Vec<Ident>>,
    queries: Vec<Query>,
    /// Where something is compared with a query by `=`, which polars leaves for `IN`.
    compared: Vec<Location>,
}

impl Look for Names {
    fn query(&mut self, query: &mut Query) -> Flow {
        if self.depth == 0 {
            self.queries.push(query.clone());
        }
        self.depth += 1;
        Flow::Continue(())
    }

    fn query_end(&mut self, _: &mut Query) {
        self.depth -= 1;
    }

    fn expr(&mut self, expr: &mut Expr) -> Flow {
        if self.depth == 0 {
            match expr {
                Expr::Identifier(ident) => self.columns.push(vec![ident.clone()]),
                Expr::CompoundIdentifier(idents) => self.columns.push(idents.clone()),
                Expr::BinaryOp {
                    left,
                    op: BinaryOperator::Eq,
                    right,
                } if [&left, &right].iter().any(|side| is_query(side)) => {
                    self.compared.push(left.span().start);
                }
                _ => {}
            }
        }
        Flow::Continue(())
    }
}

fn is_query(expr: &Expr) -> bool {
    match expr {
        Expr::Subquery(_) => true,
        Expr::Nested(inner) => is_query(inner),
        _ => false,
    }
}

/// The columns an expression names, outside of subqueries.
pub(super) fn columns_of(expr: &Expr) -> Vec<Vec<Ident>> {
    let mut names = Names::default();
    let _ = walk::expr(&mut expr.clone(), &mut names);
    names.columns
}

fn renamed(columns: Columns, alias: &TableAlias) -> Columns {
    if alias.columns.is_empty() {
        return columns;
    }
    let names: Vec<String> = alias
        .columns
        .iter()
        .map(|column| column.name.value.clone())
        .collect();
    columns.map(|columns| {
        let rest = columns.into_iter().skip(names.len());
        names.iter().cloned().chain(rest).collect()
    })
}

fn outputs(select: &Select, relations: &[Relation], merged: bool) -> Columns {
    let mut output = Vec::new();
    for item in &select.projection {
        match item {
            SelectItem::UnnamedExpr(expr) => output.push(name_of(expr)),
            SelectItem::ExprWithAlias { alias, .. } => output.push(alias.value.clone()),
            SelectItem::ExprWithAliases { .. } => return None,
            SelectItem::Wildcard(options) => {
                if merged
                    || options.opt_ilike.is_some()
                    || options.opt_except.is_some()
                    || options.opt_replace.is_some()
                    || options.opt_rename.is_some()
                    || options.opt_alias.is_some()
                {
                    return None;
                }
                let excluded: Vec<&str> = match &options.opt_exclude {
                    None => Vec::new(),
                    Some(ExcludeSelectItem::Single(name)) => vec![&single(name)?.value],
                    Some(ExcludeSelectItem::Multiple(names)) => names
                        .iter()
                        .map(|name| single(name).map(|ident| ident.value.as_str()))
                        .collect::<Option<_>>()?,
                };
                for relation in relations {
                    for column in relation.columns.as_ref()? {
                        if !excluded.contains(&column.as_str()) {
                            output.push(column.clone());
                        }
                    }
                }
            }
            SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(name),
                options,
            ) => {
                if *options != Default::default() {
                    return None;
                }
                let name = &single(name)?.value;
                let relation = relations.iter().find(|relation| &relation.name == name)?;
                output.extend(relation.columns.as_ref()?.iter().cloned());
            }
            SelectItem::QualifiedWildcard(..) => return None,
        }
    }
    // Columns of the same name get a suffix from the engine: say nothing.
    let distinct: BTreeSet<&String> = output.iter().collect();
    (distinct.len() == output.len()).then_some(output)
}
