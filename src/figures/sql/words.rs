//! The names a query mentions.

use std::collections::BTreeSet;

use sqlparser::ast::{Expr, Query, SelectItem, SetExpr};

use super::walk::{self, Flow, Look};

#[derive(Default)]
struct Words {
    all: BTreeSet<String>,
    star: bool,
}

impl Words {
    fn look_at(&mut self, body: &SetExpr) {
        match body {
            SetExpr::Select(select) => {
                self.star |= select.projection.iter().any(|item| {
                    matches!(
                        item,
                        SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)
                    )
                });
            }
            SetExpr::SetOperation { left, right, .. } => {
                self.look_at(left);
                self.look_at(right);
            }
            _ => {}
        }
    }
}

impl Look for Words {
    fn query(&mut self, query: &mut Query) -> Flow {
        self.look_at(&query.body);
        Flow::Continue(())
    }

    fn expr(&mut self, expr: &mut Expr) -> Flow {
        match expr {
            Expr::Identifier(name) => {
                self.all.insert(name.value.clone());
            }
            Expr::CompoundIdentifier(names) => {
                self.all.extend(names.iter().map(|name| name.value.clone()));
            }
            _ => {}
        }
        Flow::Continue(())
    }
}

/// Names in expressions; none where a `*` among the selected columns reads them all. Joins by common names (`USING`,
/// `NATURAL`) name columns outside expressions, so they count as a `*`.
pub(super) fn of(query: &Query) -> Option<BTreeSet<String>> {
    let mut words = Words::default();
    let _ = walk::query(&mut query.clone(), &mut words);
    let text = query.to_string().to_uppercase();
    let joined = text.contains(" USING") || text.contains("NATURAL ");
    (!words.star && !joined).then_some(words.all)
}
