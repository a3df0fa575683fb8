//! Text without quotes, which SQL reads as names of columns.

use sqlparser::ast::{BinaryOperator, Expr as Ast, Ident};

use super::super::kind::Kind;
use super::super::problem::QUOTES;
use super::Binder;

impl Binder<'_> {
    /// Advises quotes for a name that is no column and is compared with text. `before` is how many problems there were before
    /// the name was read.
    pub(super) fn advise_quotes(&mut self, ast: &Ast, beside: Kind, before: usize) {
        let Some(ident) = first_name(ast).filter(|_| beside == Kind::Text) else {
            return;
        };
        let message = format!("no column `{}`", ident.value);
        let mut new = self.problems.iter_mut().skip(before);
        if let Some(problem) = new.find(|problem| problem.message == message) {
            problem.help = format!("{QUOTES}: '{}'; {}", ident.value, problem.help);
        }
    }
}

/// The name that an expression is, or the first of a name with hyphens, which is read as a difference.
fn first_name(ast: &Ast) -> Option<&Ident> {
    match ast {
        Ast::Identifier(ident) if ident.quote_style.is_none() => Some(ident),
        Ast::BinaryOp {
            left,
            op: BinaryOperator::Minus,
            ..
        } => first_name(left),
        _ => None,
    }
}
