//! SQL text to syntax tree, refusing what is not a pure SELECT, and a tree's
//! text without accidents of spelling.

use std::collections::BTreeMap;

use sqlparser::ast::{
    Expr, Function, Ident, ObjectName, ObjectNamePart, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, Spanned, Statement, TableAlias, TableFactor,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::keywords::ALL_KEYWORDS;
use sqlparser::parser::{Parser, ParserOptions};
use sqlparser::tokenizer::{Location, Token, Tokenizer};

use super::depth;
use super::problem::SqlError;
use super::tree::{self, Tree};
use super::walk::{self, Flow, Look};

/// More text than any query has.
const LONGEST: usize = 4 << 20;

/// What a piece of SQL says, as far as the parser can read it.
fn parsed<T: Send + Sync>(
    text: &str,
    parse: impl FnOnce(&mut Parser<'_>) -> Result<T, SqlError> + Send,
) -> Result<Tree<T>, SqlError> {
    if text.len() > LONGEST {
        let message = format!("this SQL has more than {} MiB", LONGEST >> 20);
        return Err(SqlError::at(start(), message, "write rows into a table"));
    }
    let tokens = Tokenizer::new(&GenericDialect, text).tokenize_with_location();
    let tokens = tokens.map_err(|error| SqlError::from_parser(error.into()))?;
    let is_deep = depth::is_deep(&tokens)?;
    let tree = tree::with_room(is_deep, move || {
        let mut parser = Parser::new(&GenericDialect)
            .with_options(ParserOptions {
                trailing_commas: true,
                ..ParserOptions::default()
            })
            // How deep it is has been looked at.
            .with_recursion_limit(usize::MAX)
            .with_tokens_with_locations(tokens);
        parse(&mut parser)
    });
    Ok(Tree::new(tree?, is_deep))
}

pub(super) fn parse_query(text: &str) -> Result<Tree<Query>, SqlError> {
    parsed(text, one_query)
}

fn one_query(parser: &mut Parser<'_>) -> Result<Query, SqlError> {
    let only = "write exactly one SELECT";
    let mut statements = parser.parse_statements().map_err(SqlError::from_parser)?;
    let statement = match (statements.pop(), statements.pop()) {
        (Some(statement), None) => statement,
        (None, _) => return Err(SqlError::at(start(), "there is no SQL here", only)),
        (Some(second), Some(_)) => {
            return Err(SqlError::at(
                second.span().start,
                "there is more than one statement",
                only,
            ));
        }
    };
    if let Statement::Query(query) = &statement
        && matches!(&*query.body, SetExpr::Values(_))
    {
        return Err(SqlError::at(
            query.body.span().start,
            "anything but SELECT is not allowed here",
            only,
        ));
    }
    let Statement::Query(mut query) = statement else {
        let text = statement.to_string();
        let verb = text
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_uppercase();
        return Err(SqlError::at(
            statement.span().start,
            format!("{verb} is not allowed: a query only reads"),
            only,
        ));
    };
    walk::query(&mut query, &mut Purity)?;
    Ok(*query)
}

pub(super) fn parse_condition(text: &str) -> Result<Tree<Expr>, SqlError> {
    parsed(text, one_condition)
}

fn one_condition(parser: &mut Parser<'_>) -> Result<Expr, SqlError> {
    let mut expr = parser.parse_expr().map_err(SqlError::from_parser)?;
    let next = parser.peek_token();
    if next.token != Token::EOF {
        let help = match next.token {
            Token::RArrow => "at least is written `>=`",
            _ => "write one condition over the columns of a row",
        };
        let message = format!("the condition should end before `{}`", next.token);
        return Err(SqlError::at(next.span.start, message, help));
    }
    walk::expr(&mut expr, &mut RowWise)?;
    Ok(expr)
}

fn start() -> Location {
    Location { line: 1, column: 1 }
}

/// Finds what looks at more than one row.
struct RowWise;

impl Look for RowWise {
    fn query(&mut self, query: &mut Query) -> Flow {
        Flow::Break(SqlError::at(
            query.span().start,
            "a condition looks at one row and cannot ask another query",
            "join or aggregate in the table the condition is about",
        ))
    }
}

/// Finds what would read or write anything but the given tables.
struct Purity;

impl Look for Purity {
    fn query(&mut self, query: &mut Query) -> Flow {
        if let Some(with) = &query.with
            && with.recursive
        {
            return refuse(query.span().start, "WITH RECURSIVE");
        }
        if !query.locks.is_empty() {
            return refuse(query.span().start, "FOR UPDATE or FOR SHARE");
        }
        if !query.pipe_operators.is_empty() {
            return refuse(query.span().start, "|>");
        }
        body(&query.body)
    }

    fn select(&mut self, select: &mut Select) -> Flow {
        match &select.into {
            Some(into) => refuse(into.name.span().start, "INTO"),
            None => Flow::Continue(()),
        }
    }

    fn table(&mut self, factor: &mut TableFactor) -> Flow {
        match factor {
            TableFactor::Table { name, args, .. } => {
                if args.is_some() {
                    refuse(name.span().start, "a function as a table")
                } else if name.0.len() != 1 {
                    refuse(name.span().start, "a table name with a dot")
                } else {
                    Flow::Continue(())
                }
            }
            TableFactor::Derived { .. } | TableFactor::NestedJoin { .. } => Flow::Continue(()),
            other => refuse(other.span().start, "this kind of table"),
        }
    }
}

fn body(body: &SetExpr) -> Flow {
    match body {
        // Inner queries are visited on their own.
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => Flow::Continue(()),
        SetExpr::SetOperation { left, right, .. } => {
            self::body(left)?;
            self::body(right)
        }
        other => refuse(other.span().start, "anything but SELECT"),
    }
}

fn refuse(place: Location, what: &str) -> Flow {
    Flow::Break(SqlError::at(
        place,
        format!("{what} is not allowed here"),
        "a query reads the tables it is given and nothing else",
    ))
}

/// The column an unnamed expression gives: its text without qualifiers, with
/// function names in lower case.
pub(super) fn name_of(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(ident) => ident.value.clone(),
        Expr::CompoundIdentifier(idents) => idents
            .last()
            .map(|ident| ident.value.clone())
            .unwrap_or_default(),
        Expr::Nested(inner) => name_of(inner),
        expr => {
            let mut expr = expr.clone();
            let _ = walk::expr(
                &mut expr,
                &mut Plain {
                    tables: BTreeMap::new(),
                    unqualified: true,
                },
            );
            expr.to_string()
        }
    }
}

/// The text of a query without accidents of spelling; `tables` are the qualifiers to rename.
pub(super) fn plain(mut query: Query, tables: BTreeMap<String, String>) -> String {
    let _ = walk::query(
        &mut query,
        &mut Plain {
            tables,
            unqualified: false,
        },
    );
    query.to_string()
}

pub(super) fn canonical_expr(expr: &Expr) -> String {
    let mut expr = expr.clone();
    let _ = walk::expr(
        &mut expr,
        &mut Plain {
            tables: BTreeMap::new(),
            unqualified: false,
        },
    );
    expr.to_string()
}

/// Takes accidents of spelling out of a tree: needless quotes, letter case of
/// functions, qualifiers of renamed tables.
struct Plain {
    tables: BTreeMap<String, String>,
    unqualified: bool,
}

impl Plain {
    fn ident(ident: &mut Ident) {
        let simple = ident
            .value
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            && !ident.value.starts_with(|c: char| c.is_ascii_digit())
            && !ident.value.is_empty()
            && !ALL_KEYWORDS.contains(&ident.value.to_uppercase().as_str());
        ident.quote_style = if simple { None } else { Some('"') };
    }

    fn qualifier(&self, ident: &mut Ident) {
        if let Some(to) = self.tables.get(&ident.value) {
            ident.value.clone_from(to);
        }
        Self::ident(ident);
    }

    fn name(name: &mut ObjectName) {
        for part in &mut name.0 {
            if let ObjectNamePart::Identifier(ident) = part {
                Self::ident(ident);
            }
        }
    }

    fn alias(alias: &mut TableAlias) {
        alias.explicit = true;
        Self::ident(&mut alias.name);
        for column in &mut alias.columns {
            Self::ident(&mut column.name);
        }
    }

    fn function(function: &mut Function) {
        for part in &mut function.name.0 {
            if let ObjectNamePart::Identifier(ident) = part {
                ident.value = ident.value.to_lowercase();
                ident.quote_style = None;
            }
        }
    }
}

impl Look for Plain {
    fn query(&mut self, query: &mut Query) -> Flow {
        if let Some(with) = &mut query.with {
            for cte in &mut with.cte_tables {
                Self::alias(&mut cte.alias);
                // Before the name AS is the grammar's own, not the alias's.
                cte.alias.explicit = false;
            }
        }
        Flow::Continue(())
    }

    fn select(&mut self, select: &mut Select) -> Flow {
        for item in &mut select.projection {
            match item {
                SelectItem::ExprWithAlias { alias, .. } => Self::ident(alias),
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(name),
                    _,
                ) => {
                    for part in &mut name.0 {
                        if let ObjectNamePart::Identifier(ident) = part {
                            self.qualifier(ident);
                        }
                    }
                }
                _ => {}
            }
        }
        Flow::Continue(())
    }

    fn relation(&mut self, relation: &mut ObjectName) -> Flow {
        Self::name(relation);
        Flow::Continue(())
    }

    fn table(&mut self, factor: &mut TableFactor) -> Flow {
        if let TableFactor::Table {
            alias: Some(alias), ..
        }
        | TableFactor::Derived {
            alias: Some(alias), ..
        }
        | TableFactor::NestedJoin {
            alias: Some(alias), ..
        } = factor
        {
            Self::alias(alias);
        }
        Flow::Continue(())
    }

    fn expr(&mut self, expr: &mut Expr) -> Flow {
        match expr {
            Expr::Identifier(ident) => Self::ident(ident),
            Expr::CompoundIdentifier(idents) => {
                if let Some((first, rest)) = idents.split_first_mut() {
                    self.qualifier(first);
                    rest.iter_mut().for_each(Self::ident);
                }
                if self.unqualified
                    && let Some(last) = idents.pop()
                {
                    *expr = Expr::Identifier(last);
                }
            }
            Expr::Function(function) => Self::function(function),
            _ => {}
        }
        Flow::Continue(())
    }
}
