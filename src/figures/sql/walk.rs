//! One walk over a syntax tree for all that look at it.
//!
//! sqlparser compiles a walk anew for each type of visitor, some thousand functions each; behind a `dyn` one is enough.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, ObjectName, Query, Select, TableFactor, VisitMut, VisitorMut};

use super::problem::SqlError;

/// Whether a walk goes on, or ends with what it found wrong.
pub(super) type Flow = ControlFlow<SqlError>;

/// What looks at a tree on its way down, and may change it.
pub(super) trait Look {
    /// A query, before its parts.
    fn query(&mut self, _: &mut Query) -> Flow {
        Flow::Continue(())
    }

    /// A query, after its parts.
    fn query_end(&mut self, _: &mut Query) {}

    /// A SELECT, before its parts.
    fn select(&mut self, _: &mut Select) -> Flow {
        Flow::Continue(())
    }

    /// The name of a table.
    fn relation(&mut self, _: &mut ObjectName) -> Flow {
        Flow::Continue(())
    }

    /// A table, a subquery or a join in brackets.
    fn table(&mut self, _: &mut TableFactor) -> Flow {
        Flow::Continue(())
    }

    /// An expression, before its parts.
    fn expr(&mut self, _: &mut Expr) -> Flow {
        Flow::Continue(())
    }
}

struct Walk<'a>(&'a mut dyn Look);

impl VisitorMut for Walk<'_> {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &mut Query) -> Flow {
        self.0.query(query)
    }

    fn post_visit_query(&mut self, query: &mut Query) -> Flow {
        self.0.query_end(query);
        Flow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> Flow {
        self.0.select(select)
    }

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> Flow {
        self.0.relation(relation)
    }

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> Flow {
        self.0.table(table)
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        self.0.expr(expr)
    }
}

/// Walks over a query; what breaks the walk is the error.
pub(super) fn query(tree: &mut Query, look: &mut dyn Look) -> Result<(), SqlError> {
    ended(VisitMut::visit(tree, &mut Walk(look)))
}

/// Walks over an expression; what breaks the walk is the error.
pub(super) fn expr(tree: &mut Expr, look: &mut dyn Look) -> Result<(), SqlError> {
    ended(VisitMut::visit(tree, &mut Walk(look)))
}

fn ended(flow: Flow) -> Result<(), SqlError> {
    match flow {
        Flow::Continue(()) => Ok(()),
        Flow::Break(problem) => Err(problem),
    }
}
