//! Names in expressions: columns, keys of groups, and what a SELECT calls them.

use sqlparser::ast::{Expr as Ast, Ident};
use sqlparser::tokenizer::Location;

use super::super::plan::Expr;
use super::super::problem::QUOTES;
use super::Binder;
use super::context::{Context, Typed, UNKNOWN};
use super::schema::{Found, Schema, TableInfo};
use crate::figures::spelling;

impl Binder<'_> {
    /// The key of the groups that an expression is.
    pub(super) fn key_of(&mut self, ast: &Ast, context: &mut Context<'_>) -> Option<Typed> {
        let keys = context.keys.as_ref().filter(|keys| !keys.is_empty())?;
        if matches!(ast, Ast::Value(_)) {
            return None;
        }
        let before = self.problems.len();
        let mut rows = Context::of_rows(context.schema, context.clause).aliased(context.aliases);
        let (expr, _) = self.expr(ast, &mut rows);
        let is_right = self.problems.len() == before;
        self.problems.truncate(before);
        if !is_right || expr == Expr::Unknown {
            return None;
        }
        let at = keys.iter().position(|(key, _)| *key == expr)?;
        Some((Expr::Key(at), keys[at].1))
    }

    pub(super) fn name(
        &mut self,
        table: Option<&Ident>,
        ident: &Ident,
        context: &mut Context<'_>,
    ) -> Typed {
        let schema = context.schema;
        let found = match table {
            Some(table) => schema.find_of(&table.value, &ident.value),
            None => schema.find(&ident.value),
        };
        let aliases = context.aliases.iter();
        let mut aliases = aliases.filter(|(name, _)| table.is_none() && *name == ident.value);
        let alias = aliases.next().map(|(_, ast)| *ast);
        match found {
            Found::Field(at) => {
                // A column that is neither key nor aggregate can still be a name that SELECT gives.
                match alias {
                    Some(ast) if context.keys.is_some() => {
                        self.expr(ast, &mut context.without_aliases())
                    }
                    _ => self.field(at, &ident.value, ident.span.start, context),
                }
            }
            Found::Open => match alias {
                Some(ast) => self.expr(ast, &mut context.without_aliases()),
                None => UNKNOWN,
            },
            Found::Several(tables) => {
                let forms: Vec<String> = tables
                    .iter()
                    .map(|table| format!("{table}.{}", ident.value))
                    .collect();
                self.say(
                    ident.span.start,
                    format!("`{}` is a column of several tables", ident.value),
                    format!("write {}", forms.join(" or ")),
                );
                UNKNOWN
            }
            Found::Missing => {
                if let Some(ast) = alias {
                    return self.expr(ast, &mut context.without_aliases());
                }
                self.missing(table, ident, context);
                UNKNOWN
            }
        }
    }

    pub(super) fn missing(&mut self, table: Option<&Ident>, ident: &Ident, context: &Context<'_>) {
        let schema = context.schema;
        let around = self.outer.iter().rev().any(|outer| match table {
            Some(table) => matches!(outer.find_of(&table.value, &ident.value), Found::Field(_)),
            None => matches!(outer.find(&ident.value), Found::Field(_)),
        });
        let full = match table {
            Some(table) => format!("{}.{}", table.value, ident.value),
            None => ident.value.clone(),
        };
        if around {
            self.say(
                table.unwrap_or(ident).span.start,
                format!("a query inside an expression cannot read `{full}` of the query around it"),
                "join the two tables instead",
            );
            return;
        }
        if let Some(table) = table
            && !schema.tables().contains(&table.value)
        {
            let help = spelling::advice(&table.value, "tables", &schema.tables());
            let message = format!("no table `{}` in this FROM", table.value);
            self.say(table.span.start, message, help);
            return;
        }
        let known: Vec<String> = match table {
            Some(table) => {
                let fields = schema.fields.iter();
                let of = fields.filter(|field| field.table.as_ref() == Some(&table.value));
                of.filter_map(|field| field.name.clone()).collect()
            }
            None => {
                let mut names: Vec<String> = Vec::new();
                let aliases = context.aliases.iter().map(|(name, _)| name.clone());
                for name in schema.names().into_iter().chain(aliases) {
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
                names
            }
        };
        let list = spelling::advice(&ident.value, "columns", &known);
        if let Some(other) = self.table_with(&ident.value, schema) {
            let is_in = format!("is in the table `{other}`");
            // All that was meant of one table is one slip.
            if !self.problems.iter().any(|told| told.help.contains(&is_in)) {
                let (message, column) = (format!("no column `{}`", ident.value), &ident.value);
                self.say(
                    ident.span.start,
                    message,
                    format!("`{column}` {is_in}; {list}"),
                );
            }
            return;
        }
        let help = match ident.quote_style {
            Some('"') => format!("{list}; {QUOTES}"),
            _ => list,
        };
        self.say(
            ident.span.start,
            format!("no column `{}`", ident.value),
            help,
        );
    }

    /// A table that is not in this FROM and has a column that none in it has.
    fn table_with(&self, column: &str, schema: &Schema) -> Option<String> {
        let mut here = schema.fields.iter();
        if here.any(|field| field.name.as_deref() == Some(column)) {
            return None;
        }
        let has = |info: &TableInfo| {
            let columns = info.columns.iter().flatten();
            let mut columns = columns.chain(&info.coordinates);
            columns.any(|(name, _)| name == column)
        };
        let mut tables = self.catalog.iter();
        let found = tables.find(|(_, info)| has(info));
        found.map(|(name, _)| name.clone())
    }

    /// A column; where rows are grouped it must be a key.
    pub(super) fn field(
        &mut self,
        at: usize,
        name: &str,
        place: Location,
        context: &mut Context<'_>,
    ) -> Typed {
        let kind = context.schema.fields[at].kind;
        let Some(keys) = &context.keys else {
            return (Expr::Column(at), kind);
        };
        match keys.iter().position(|(key, _)| *key == Expr::Column(at)) {
            Some(key) => (Expr::Key(key), kind),
            None => {
                self.say(
                    place,
                    format!("`{name}` has many values in a group"),
                    format!("add it to GROUP BY, or say which: MAX({name}), AVG({name}), …"),
                );
                UNKNOWN
            }
        }
    }
}
