//! Checking a query against the tables it reads: every name, type and form, before a row is read.
//!
//! What is checked becomes a [`Relation`]. What is wrong becomes a problem with its place, and checking goes on, so that all
//! problems are told at once. Where the columns of a table are not known, what depends on them stays open until they are.

mod call;
mod context;
mod expr;
mod fixed;
mod from;
mod item;
mod join;
mod name;
mod over;
mod quotes;
mod schema;
mod select;
mod set;
mod terms;

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use sqlparser::ast::{
    self, Expr as Ast, LimitClause, OrderByExpr, OrderByKind, SetExpr, Spanned, Value,
};
use sqlparser::tokenizer::Location;

use self::schema::{Bound, Field, Schema, Unit};
pub use self::schema::{Runs, TableInfo};
use super::kind::Kind;
use super::plan::{Expr, Relation, ResultColumn, SortKey};
use super::problem::SqlProblem;

/// Tables by name.
pub type Catalog = BTreeMap<String, TableInfo>;

/// A query that has been checked.
pub(super) struct Checked {
    /// What to run.
    pub relation: Rc<Relation>,
    /// The columns of its result; `None` where they are not known.
    pub columns: Option<Vec<ResultColumn>>,
    /// Whether it has an order of its own.
    pub is_ordered: bool,
}

/// Checks a query.
pub(super) fn check(query: &ast::Query, catalog: &Catalog) -> Result<Checked, Vec<SqlProblem>> {
    let mut binder = Binder::new(catalog);
    let bound = binder.query(query);
    let visible: Vec<usize> = bound.schema.visible().collect();
    let names = bound.schema.names();
    let mut known = HashSet::new();
    for (at, name) in names.iter().enumerate() {
        if !known.insert(name) {
            binder.say(
                place_of_item(&query.body, at),
                format!("two columns of the result are called `{name}`"),
                "name one of them with AS, or leave it out",
            );
        }
    }
    if let Some(at) = bound
        .schema
        .fields
        .iter()
        .position(|f| f.name.as_deref() == Some(""))
    {
        binder.say(
            place_of_item(&query.body, at),
            "a column needs a name",
            "name it with AS",
        );
    }
    if bound.schema.is_known() && visible.is_empty() {
        binder.say(query.span().start, "the result has no column", "select one");
    }
    let bound = bound.only(&visible);
    binder.done()?;
    Ok(Checked {
        columns: bound.schema.is_known().then(|| {
            let fields = bound.schema.fields.iter();
            let columns = fields.map(|field| ResultColumn {
                name: field.name.clone().unwrap_or_default(),
                kind: field.kind,
                is_computed: !field.is_own,
            });
            columns.collect()
        }),
        is_ordered: query.order_by.is_some() || query.limit_clause.is_some(),
        relation: bound.relation,
    })
}

/// The tables that a query reads from outside, where they are read; not those that WITH binds.
pub(super) fn tables(query: &ast::Query) -> Vec<ast::Ident> {
    let catalog = Catalog::new();
    let mut binder = Binder::new(&catalog);
    binder.query(query);
    binder.read
}

/// Checks a condition over the columns of one table.
pub(super) fn check_condition(
    condition: &Ast,
    columns: Option<&[(String, Kind)]>,
) -> Result<Expr, Vec<SqlProblem>> {
    let catalog = Catalog::new();
    let mut binder = Binder::new(&catalog);
    let fields = columns.into_iter().flatten().map(|(name, kind)| Field {
        table: None,
        name: Some(name.clone()),
        kind: *kind,
        is_shadowed: false,
        is_own: false,
    });
    let schema = Schema {
        fields: fields.collect(),
        open: if columns.is_some() {
            Vec::new()
        } else {
            vec![String::new()]
        },
        unit: Unit::Untold("a condition looks at one row".to_owned()),
    };
    let expr = binder.condition(
        condition,
        &mut context::Context::of_rows(&schema, "a condition"),
    );
    binder.done()?;
    Ok(expr)
}

/// Where the column of a result stands in its SELECT.
fn place_of_item(body: &SetExpr, at: usize) -> Location {
    match body {
        SetExpr::Select(select) => {
            let item = select.projection.get(at).or(select.projection.last());
            item.map_or(body.span().start, |item| item.span().start)
        }
        SetExpr::SetOperation { left, .. } => place_of_item(left, at),
        other => other.span().start,
    }
}

/// What checks a query.
struct Binder<'a> {
    catalog: &'a Catalog,
    problems: Vec<SqlProblem>,
    /// What WITH binds, the last first found.
    bound: Vec<(String, Bound)>,
    /// The queries around the one that is checked.
    outer: Vec<Schema>,
    /// The tables it reads from outside, where they are read.
    read: Vec<ast::Ident>,
    /// The windows that the SELECT names.
    named: Vec<(String, ast::WindowSpec)>,
    /// How many expressions it is in, and how many it has come by.
    depth: usize,
    steps: usize,
    /// Where it gave up because there are too many.
    exhausted: Option<Location>,
}

/// So many expressions are looked at: a name that SELECT gives is all that it stands for wherever it is used, and where rows are
/// grouped, each part of an expression may be a key.
const STEPS: usize = 500_000;

impl<'a> Binder<'a> {
    fn new(catalog: &'a Catalog) -> Self {
        Self {
            catalog,
            problems: Vec::new(),
            bound: Vec::new(),
            outer: Vec::new(),
            read: Vec::new(),
            named: Vec::new(),
            depth: 0,
            steps: 0,
            exhausted: None,
        }
    }

    fn done(mut self) -> Result<(), Vec<SqlProblem>> {
        if let Some(place) = self.exhausted {
            self.say(
                place,
                "the expressions of this query are too large",
                "compute parts of them in a subquery, or in a query that WITH names",
            );
        }
        self.problems.sort();
        self.problems.dedup();
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(self.problems)
        }
    }

    fn say(&mut self, place: Location, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(SqlProblem::at(place, message, help));
    }

    fn refuse(&mut self, place: Location, what: &str) {
        self.say(
            place,
            format!("{what} is not among the SQL that etude reads"),
            "`etude kinds aggregate` lists what is",
        );
    }

    fn query(&mut self, query: &ast::Query) -> Bound {
        let outside = self.bound.len();
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            let inner = self.query(&cte.query);
            let inner = self.renamed(inner, &cte.alias);
            self.bound.push((cte.alias.name.value.clone(), inner));
        }
        if let Some(fetch) = &query.fetch {
            let place = query.body.span().end;
            let _ = fetch;
            self.refuse(place, "FETCH");
        }
        let keys: &[OrderByExpr] = match &query.order_by {
            None => &[],
            Some(order) => match &order.kind {
                // By all columns, from the left: what follows anyway.
                OrderByKind::Expressions(keys) => match keys.as_slice() {
                    [key] if is_all(key) => &[],
                    keys => keys,
                },
                OrderByKind::All(options) => {
                    if options.asc == Some(false) || options.nulls_first.is_some() {
                        self.refuse(query.body.span().end, "ORDER BY ALL with an order");
                    }
                    &[]
                }
            },
        };
        let (skip, take) = self.limits(query);
        let (bound, keys) = self.body(&query.body, keys);
        self.bound.truncate(outside);
        let mut bound = bound;
        if query.order_by.is_some() || skip > 0 || take.is_some() {
            let visible: Vec<usize> = bound.schema.visible().collect();
            let rest = visible.iter().map(|at| SortKey {
                expr: Expr::Column(*at),
                descending: false,
                nulls_first: false,
            });
            let keys = keys.into_iter().chain(rest).collect();
            bound.relation = Rc::new(Relation::Sort(bound.relation, keys));
            if skip > 0 || take.is_some() {
                bound.relation = Rc::new(Relation::Limit(bound.relation, skip, take));
            }
        }
        bound
    }

    fn limits(&mut self, query: &ast::Query) -> (usize, Option<usize>) {
        let (limit, offset) = match &query.limit_clause {
            None => (None, None),
            Some(LimitClause::LimitOffset {
                limit,
                offset,
                limit_by,
            }) => {
                if let Some(by) = limit_by.first() {
                    self.refuse(by.span().start, "LIMIT BY");
                }
                (limit.as_ref(), offset.as_ref().map(|offset| &offset.value))
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => (Some(limit), Some(offset)),
        };
        let mut number = |expr: &Ast| match expr {
            Ast::Value(value) => match &value.value {
                Value::Number(text, _) => text.parse::<usize>().ok(),
                _ => None,
            }
            .or_else(|| {
                self.say(
                    expr.span().start,
                    "LIMIT and OFFSET take a whole number",
                    "",
                );
                None
            }),
            other => {
                self.say(
                    other.span().start,
                    "LIMIT and OFFSET take a whole number",
                    "",
                );
                None
            }
        };
        let take = limit.and_then(&mut number);
        let skip = offset.and_then(&mut number);
        (skip.unwrap_or(0), take)
    }

    /// A body and its order; hidden columns may stand behind those of the result.
    fn body(&mut self, body: &SetExpr, keys: &[OrderByExpr]) -> (Bound, Vec<SortKey>) {
        match body {
            SetExpr::Select(select) => self.select(select, keys),
            SetExpr::Query(query) => {
                let bound = self.query(query);
                let keys = self.order_of_result(&bound, keys);
                (bound, keys)
            }
            SetExpr::SetOperation {
                op,
                set_quantifier,
                left,
                right,
            } => {
                let bound = self.set(*op, *set_quantifier, left, right);
                let keys = self.order_of_result(&bound, keys);
                (bound, keys)
            }
            SetExpr::Values(values) => {
                let bound = self.constants(values);
                let keys = self.order_of_result(&bound, keys);
                (bound, keys)
            }
            other => {
                self.refuse(other.span().start, "anything but SELECT");
                (self.nothing(), Vec::new())
            }
        }
    }

    /// In the place of something that was refused: nothing is known of it.
    fn nothing(&self) -> Bound {
        Bound {
            relation: Rc::new(Relation::One),
            schema: Schema {
                open: vec![String::new()],
                unit: Unit::Open,
                ..Schema::empty()
            },
        }
    }

    /// The keys of an ORDER BY over a whole result.
    fn order_of_result(&mut self, bound: &Bound, keys: &[OrderByExpr]) -> Vec<SortKey> {
        let visible: Vec<usize> = bound.schema.visible().collect();
        let mut sorted = Vec::new();
        for key in keys {
            let expr = match position(&key.expr) {
                Some(place) => match place.checked_sub(1).and_then(|at| visible.get(at)) {
                    Some(at) => Expr::Column(*at),
                    None if !bound.schema.is_known() => Expr::Unknown,
                    None => {
                        self.no_position(&key.expr, visible.len());
                        continue;
                    }
                },
                None => {
                    let mut context = context::Context::of_rows(&bound.schema, "ORDER BY");
                    self.expr(&key.expr, &mut context).0
                }
            };
            sorted.extend(self.sort_key(key, expr));
        }
        sorted
    }

    fn no_position(&mut self, expr: &Ast, width: usize) {
        self.say(
            expr.span().start,
            format!("there is no column {expr}: the result has {width}"),
            "",
        );
    }

    fn sort_key(&mut self, key: &OrderByExpr, expr: Expr) -> Option<SortKey> {
        if key.with_fill.is_some() {
            self.refuse(key.expr.span().start, "WITH FILL");
            return None;
        }
        let is_constant = match &key.expr {
            Ast::Value(_) => position(&key.expr).is_none(),
            Ast::UnaryOp { expr, .. } => matches!(**expr, Ast::Value(_)),
            _ => false,
        };
        if is_constant {
            self.say(
                key.expr.span().start,
                format!("{} is a constant and orders nothing", key.expr),
                "a name stands in double quotes or in none",
            );
            return None;
        }
        Some(SortKey {
            expr,
            descending: key.options.asc == Some(false),
            nulls_first: key.options.nulls_first == Some(true),
        })
    }
}

/// `ALL` as the only key of an order.
fn is_all(key: &OrderByExpr) -> bool {
    let plain = key.options.asc.is_none() && key.options.nulls_first.is_none();
    plain
        && matches!(&key.expr, Ast::Identifier(ident) if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("all"))
}

/// The place of a column that a whole number names.
fn position(expr: &Ast) -> Option<usize> {
    match expr {
        Ast::Value(value) => match &value.value {
            Value::Number(text, _) => text.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}
