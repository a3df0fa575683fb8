//! The conditions that a WHERE joins with AND, each with its text, to tell later which of them no row meets.

use sqlparser::ast::{BinaryOperator, Expr as Ast};

use super::super::plan::{Expr, Term};

/// More conditions than people write, and longer ones than a message takes, are not told one by one.
const MOST: usize = 16;
const LONGEST: usize = 80;

/// The conditions of a WHERE; the whole as one where they cannot be told alone, and none where they are too long.
pub(super) fn terms(ast: &Ast, condition: &Expr) -> Vec<Term> {
    let (mut texts, mut exprs) = (Vec::new(), Vec::new());
    written(ast, &mut texts);
    joined(condition, &mut exprs);
    if texts.len() > MOST {
        return Vec::new();
    }
    // BETWEEN is one condition as written and two as checked.
    if texts.len() != exprs.len() {
        (texts, exprs) = (vec![ast.to_string()], vec![condition.clone()]);
    }
    let terms = texts.into_iter().zip(exprs);
    let terms = terms.map(|(text, expr)| Term { expr, text });
    let terms: Vec<Term> = terms.collect();
    if terms.iter().any(|term| term.text.chars().count() > LONGEST) {
        return Vec::new();
    }
    terms
}

/// The conditions as written, in their order.
fn written(ast: &Ast, texts: &mut Vec<String>) {
    let mut rest = ast;
    let mut last_first = Vec::new();
    // The parser hangs each further condition above all before it.
    while let Ast::BinaryOp {
        left,
        op: BinaryOperator::And,
        right,
    } = rest
    {
        last_first.push(right.to_string());
        rest = left;
        if last_first.len() > MOST {
            break;
        }
    }
    last_first.push(rest.to_string());
    texts.extend(last_first.into_iter().rev());
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
