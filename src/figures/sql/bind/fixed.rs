//! The columns that a condition holds at one value each: they do not tell runs apart.

use sqlparser::ast::{BinaryOperator, Expr as Ast};

use super::schema::Field;

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

pub(super) fn is_fixed(fixed: &[Fixed], field: &Field) -> bool {
    fixed.iter().any(|(table, name)| {
        field.name.as_ref() == Some(name) && (table.is_none() || *table == field.table)
    })
}

/// The parts of a condition that must all be true.
pub(super) fn conjuncts(condition: &Ast) -> Vec<&Ast> {
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
