//! The columns that a SELECT gives, and the keys of its order.

use sqlparser::ast::{
    ExcludeSelectItem, Expr as Ast, Ident, OrderByExpr, Select, SelectItem,
    SelectItemQualifiedWildcardKind, Spanned, WildcardAdditionalOptions,
};

use super::super::ast::name_of;
use super::super::kind::Kind;
use super::super::names::single;
use super::super::plan::Expr;
use super::context::Context;
use super::schema::Schema;
use super::{Binder, position};
use crate::figures::spelling;

/// One column of a SELECT.
pub(super) enum Item<'q> {
    /// An expression, and its name.
    Written(String, &'q Ast),
    /// A column that a `*` brings.
    Brought(usize),
}

impl Binder<'_> {
    pub(super) fn items<'q>(
        &mut self,
        select: &'q Select,
        schema: &Schema,
        open: &mut bool,
    ) -> Vec<Item<'q>> {
        let mut items = Vec::new();
        // What is written is known whatever the tables are.
        *open = false;
        for item in &select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) => items.push(Item::Written(name_of(expr), expr)),
                SelectItem::ExprWithAlias { expr, alias } => {
                    items.push(Item::Written(alias.value.clone(), expr));
                }
                SelectItem::Wildcard(options) => {
                    *open |= !schema.is_known();
                    let columns = schema.visible().collect();
                    items.extend(self.brought(columns, schema, options));
                }
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(name),
                    options,
                ) => {
                    let ident = single(name)
                        .cloned()
                        .unwrap_or_else(|| Ident::new(name.to_string()));
                    let table = &ident.value;
                    if !schema.tables().contains(table) {
                        let help = spelling::advice(table, "tables", &schema.tables());
                        self.say(
                            name.span().start,
                            format!("no table `{table}` in this FROM"),
                            help,
                        );
                    }
                    *open |= schema.open.contains(table);
                    let fields = schema.fields.iter().enumerate();
                    let columns = fields
                        .filter(|(_, f)| f.table.as_ref() == Some(table) && f.name.is_some())
                        .map(|(at, _)| at);
                    items.extend(self.brought(columns.collect(), schema, options));
                }
                other => self.refuse(other.span().start, "this form of a column"),
            }
        }
        items
    }

    /// The columns of a `*`, less those that EXCLUDE names.
    pub(super) fn brought<'q>(
        &mut self,
        columns: Vec<usize>,
        schema: &Schema,
        options: &WildcardAdditionalOptions,
    ) -> Vec<Item<'q>> {
        let place = options.wildcard_token.0.span.start;
        let odd = options.opt_ilike.is_some()
            || options.opt_except.is_some()
            || options.opt_replace.is_some()
            || options.opt_rename.is_some();
        if odd {
            self.refuse(place, "what stands behind this `*`");
        }
        let excluded: Vec<&Ident> = match &options.opt_exclude {
            None => Vec::new(),
            Some(ExcludeSelectItem::Single(name)) => single(name).into_iter().collect(),
            Some(ExcludeSelectItem::Multiple(names)) => names.iter().filter_map(single).collect(),
        };
        let named = |at: usize| schema.fields[at].name.as_deref().unwrap_or_default();
        for ident in &excluded {
            if schema.is_known() && !columns.iter().any(|at| named(*at) == ident.value) {
                let help = spelling::advice(&ident.value, "columns", &schema.names());
                self.say(
                    ident.span.start,
                    format!("no column `{}`", ident.value),
                    help,
                );
            }
        }
        let kept = columns.into_iter();
        kept.filter(|at| !excluded.iter().any(|ident| ident.value == named(*at)))
            .map(Item::Brought)
            .collect()
    }

    /// A key of the order: a column of the result by its place or name, or any expression.
    pub(super) fn key(
        &mut self,
        key: &OrderByExpr,
        columns: &[(String, Expr, Kind)],
        is_open: bool,
        context: &mut Context<'_>,
    ) -> (Expr, Kind) {
        if let Some(place) = position(&key.expr) {
            return match place.checked_sub(1).and_then(|at| columns.get(at)) {
                Some((_, expr, kind)) => (expr.clone(), *kind),
                None => {
                    if !is_open {
                        self.no_position(&key.expr, columns.len());
                    }
                    (Expr::Unknown, Kind::Unknown)
                }
            };
        }
        if let Ast::Identifier(ident) = &key.expr
            && let Some((_, expr, kind)) = columns.iter().find(|(name, ..)| *name == ident.value)
        {
            return (expr.clone(), *kind);
        }
        self.expr(&key.expr, context)
    }
}
