//! Names in a syntax tree: of tables, of what binds them, of functions.

use std::collections::BTreeSet;

use sqlparser::ast::{
    Expr, Function, Ident, ObjectName, ObjectNamePart, Query, TableAlias, TableFactor,
};

use super::walk::{self, Flow, Look};

/// The one identifier of a plain name.
pub(super) fn single(name: &ObjectName) -> Option<&Ident> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(ident)] => Some(ident),
        _ => None,
    }
}

/// The lower-case name of a function.
pub(super) fn function_name(function: &Function) -> String {
    function.name.to_string().to_lowercase().replace('"', "")
}

/// The alias of a table, if it has one.
fn alias_of(factor: &TableFactor) -> Option<&TableAlias> {
    match factor {
        TableFactor::Table { alias, .. }
        | TableFactor::Derived { alias, .. }
        | TableFactor::NestedJoin { alias, .. } => alias.as_ref(),
        _ => None,
    }
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

/// The columns that an expression names.
pub(super) fn columns(expr: &Expr) -> BTreeSet<String> {
    struct Columns(BTreeSet<String>);
    impl Look for Columns {
        fn expr(&mut self, expr: &mut Expr) -> Flow {
            match expr {
                Expr::Identifier(ident) => {
                    self.0.insert(ident.value.clone());
                }
                Expr::CompoundIdentifier(idents) => {
                    self.0
                        .extend(idents.last().map(|ident| ident.value.clone()));
                }
                _ => {}
            }
            Flow::Continue(())
        }
    }
    let mut columns = Columns(BTreeSet::new());
    let _ = walk::expr(&mut expr.clone(), &mut columns);
    columns.0
}

/// The names of the functions that a query calls.
pub(super) fn calls(query: &Query) -> Vec<(String, usize)> {
    struct Calls(Vec<(String, usize)>);
    impl Look for Calls {
        fn expr(&mut self, expr: &mut Expr) -> Flow {
            if let Expr::Function(call) = expr {
                let count = match &call.args {
                    sqlparser::ast::FunctionArguments::List(list) => list.args.len(),
                    _ => 0,
                };
                self.0.push((function_name(call), count));
            }
            Flow::Continue(())
        }
    }
    let mut calls = Calls(Vec::new());
    let _ = walk::query(&mut query.clone(), &mut calls);
    calls.0
}
