//! The conditions that a WHERE joins with AND, each with its text, to tell later which of them no row meets.

use sqlparser::ast::{BinaryOperator, Expr as Ast};

use super::super::plan::{Expr, Term};

/// More conditions than people write, and longer ones than a message takes, are not told one by one.
const MOST: usize = 16;
const LONGEST: usize = 80;

/// The conditions of a WHERE; the whole as one where they cannot be told alone, and none where they are too long.
pub(super) fn terms(ast: &Ast, condition: &Expr) -> Vec<Term> {
    let is_short = |text: &String| text.chars().count() <= LONGEST;
    let Some(texts) = written(ast).filter(|texts| texts.iter().all(is_short)) else {
        return Vec::new();
    };
    let mut exprs = Vec::new();
    joined(condition, &mut exprs);
    // BETWEEN is one condition as written and two as checked.
    if texts.len() != exprs.len() {
        let (expr, text) = (condition.clone(), ast.to_string());
        let whole = is_short(&text).then_some(Term { expr, text });
        return whole.into_iter().collect();
    }
    let terms = texts.into_iter().zip(exprs);
    terms.map(|(text, expr)| Term { expr, text }).collect()
}

/// The conditions as written, in their order; `None` if there are too many.
fn written(ast: &Ast) -> Option<Vec<String>> {
    let (mut rest, mut last_first) = (ast, Vec::new());
    // The parser hangs each further condition above all before it.
    while let Ast::BinaryOp {
        left,
        op: BinaryOperator::And,
        right,
    } = rest
    {
        last_first.push(right.to_string());
        rest = left;
        if last_first.len() >= MOST {
            return None;
        }
    }
    last_first.push(rest.to_string());
    last_first.reverse();
    Some(last_first)
}

/// The conditions as checked, in their order.
fn joined(condition: &Expr, exprs: &mut Vec<Expr>) {
    match condition {
        Expr::Call(function, args) if function.names[0] == "AND" => {
            args.iter().for_each(|arg| joined(arg, exprs));
        }
        other => exprs.push(other.clone()),
    }
}
