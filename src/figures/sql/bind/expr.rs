//! Expressions: names become columns, operators and functions are held against the types of what they take.

use std::rc::Rc;

use sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, CeilFloorKind, DataType, Expr as Ast, Query, Spanned,
    TrimWhereField, UnaryOperator, Value,
};
use sqlparser::tokenizer::Location;

use super::super::depth;
use super::super::function::{self, Function};
use super::super::kind::Kind;
use super::super::plan::{Expr, Literal, Subquery};
use super::context::{Context, Typed, UNKNOWN};
use super::{Binder, STEPS};

impl Binder<'_> {
    /// An expression that must be true or false.
    pub(super) fn condition(&mut self, ast: &Ast, context: &mut Context<'_>) -> Expr {
        let clause = context.clause;
        let (expr, kind) = self.expr(ast, context);
        if kind.with(Kind::Bool).is_none() {
            let clause = match clause {
                "a condition" => "this",
                clause => clause,
            };
            self.say(
                ast.span().start,
                format!("{clause} needs a condition and gets {kind}"),
                "compare with something: x > 0",
            );
        }
        expr
    }

    pub(super) fn expr(&mut self, ast: &Ast, context: &mut Context<'_>) -> Typed {
        self.steps += 1;
        if self.steps > STEPS || self.depth > depth::CHAINED {
            self.exhausted.get_or_insert_with(|| start(ast));
            return UNKNOWN;
        }
        self.depth += 1;
        let typed = match self.key_of(ast, context) {
            Some(found) => found,
            None => self.no_key(ast, context),
        };
        self.depth -= 1;
        typed
    }

    /// An expression that is no key of the groups.
    fn no_key(&mut self, ast: &Ast, context: &mut Context<'_>) -> Typed {
        let place = start(ast);
        match ast {
            Ast::Nested(inner) => self.expr(inner, context),
            Ast::Value(value) => self.value(&value.value, place),
            Ast::Identifier(ident) => self.name(None, ident, context),
            Ast::CompoundIdentifier(names) => match names.as_slice() {
                [table, name] => self.name(Some(table), name, context),
                _ => {
                    self.refuse(place, "a name with several dots");
                    UNKNOWN
                }
            },
            Ast::IsNull(inner) => self.of("IS NULL", &[inner], place, context),
            Ast::IsNotNull(inner) => self.of("IS NOT NULL", &[inner], place, context),
            Ast::IsTrue(inner) => self.of("IS TRUE", &[inner], place, context),
            Ast::IsNotTrue(inner) => self.of("IS NOT TRUE", &[inner], place, context),
            Ast::IsFalse(inner) => self.of("IS FALSE", &[inner], place, context),
            Ast::IsNotFalse(inner) => self.of("IS NOT FALSE", &[inner], place, context),
            Ast::IsUnknown(inner) => self.of("IS NULL", &[inner], place, context),
            Ast::IsNotUnknown(inner) => self.of("IS NOT NULL", &[inner], place, context),
            Ast::IsDistinctFrom(a, b) => self.distinct("IS DISTINCT FROM", a, b, context),
            Ast::IsNotDistinctFrom(a, b) => self.distinct("IS NOT DISTINCT FROM", a, b, context),
            Ast::InList {
                expr,
                list,
                negated,
            } => {
                let value = self.expr(expr, context);
                let equal = list.iter().map(|item| {
                    let before = self.problems.len();
                    let other = self.expr(item, context);
                    self.advise_quotes(item, value.1, before);
                    self.call("=", vec![value.clone(), other], start(item))
                });
                let equal = equal.collect();
                let any = self.folded("OR", equal, place);
                let any = any.unwrap_or((Expr::Literal(Literal::Bool(false)), Kind::Bool));
                self.negated(any, *negated, place)
            }
            Ast::InSubquery {
                expr,
                subquery,
                negated,
            } => {
                let (value, kind) = self.expr(expr, context);
                let Some((query, of)) = self.subquery(subquery, 1, context) else {
                    return (Expr::Unknown, Kind::Bool);
                };
                if kind.with(of).is_none() {
                    let message = format!("{kind} cannot be compared with {of}");
                    self.say(place, message, "CAST one of them");
                }
                let found = (Expr::In(Box::new(value), query), Kind::Bool);
                self.negated(found, *negated, place)
            }
            Ast::Exists { subquery, negated } => {
                let Some((query, _)) = self.subquery(subquery, 0, context) else {
                    return (Expr::Unknown, Kind::Bool);
                };
                self.negated((Expr::Exists(query), Kind::Bool), *negated, place)
            }
            Ast::Subquery(query) => match self.subquery(query, 1, context) {
                Some((query, kind)) => (Expr::Scalar(query), kind),
                None => UNKNOWN,
            },
            Ast::Between {
                expr,
                negated,
                low,
                high,
            } => {
                let value = self.expr(expr, context);
                let (low, high) = (self.expr(low, context), self.expr(high, context));
                let above = self.call(">=", vec![value.clone(), low], place);
                let below = self.call("<=", vec![value, high], place);
                let within = self.call("AND", vec![above, below], place);
                self.negated(within, *negated, place)
            }
            Ast::Like {
                negated,
                any: false,
                expr,
                pattern,
                escape_char: None,
            } => {
                let like = self.of("LIKE", &[expr, pattern], place, context);
                self.negated(like, *negated, place)
            }
            Ast::ILike {
                negated,
                any: false,
                expr,
                pattern,
                escape_char: None,
            } => {
                let like = self.of("ILIKE", &[expr, pattern], place, context);
                self.negated(like, *negated, place)
            }
            Ast::BinaryOp {
                op: op @ (BinaryOperator::And | BinaryOperator::Or),
                ..
            } => self.chain(ast, op, context),
            Ast::BinaryOp { left, op, right } => match operator(op) {
                Some(name) => self.of(name, &[left, right], place, context),
                None => {
                    match op {
                        BinaryOperator::BitwiseXor => {
                            self.say(place, "`^` is no operator here", "write POWER(x, 2)");
                        }
                        _ => self.refuse(place, &format!("the operator `{op}`")),
                    }
                    UNKNOWN
                }
            },
            Ast::UnaryOp { op, expr } => match op {
                UnaryOperator::Plus => self.expr(expr, context),
                UnaryOperator::Minus => match self.expr(expr, context) {
                    (Expr::Literal(Literal::Int(v)), kind) => {
                        (Expr::Literal(Literal::Int(-v)), kind)
                    }
                    (Expr::Literal(Literal::Float(v)), kind) => {
                        // The one whole number that has no positive counterpart.
                        if v == 9_223_372_036_854_775_808.0 && is_whole(expr) {
                            (Expr::Literal(Literal::Int(i64::MIN)), Kind::Int)
                        } else {
                            (Expr::Literal(Literal::Float(-v)), kind)
                        }
                    }
                    value => self.call("NEGATE", vec![value], place),
                },
                UnaryOperator::Not => self.of("NOT", &[expr], place, context),
                _ => {
                    self.refuse(place, &format!("the operator `{op}`"));
                    UNKNOWN
                }
            },
            Ast::Cast {
                kind,
                expr,
                data_type,
                format: None,
                array: false,
            } => {
                let (value, _) = self.expr(expr, context);
                let Some(to) = type_of(data_type) else {
                    self.say(
                        place,
                        format!("there is no type {data_type} here"),
                        "the types are BOOLEAN, INTEGER, DOUBLE and TEXT; ROUND(x, 2) rounds",
                    );
                    return UNKNOWN;
                };
                let safe = matches!(kind, CastKind::TryCast | CastKind::SafeCast);
                (Expr::Cast(Box::new(value), to, safe), to)
            }
            Ast::Case {
                operand,
                conditions,
                else_result,
                ..
            } => self.case(
                operand.as_deref(),
                conditions,
                else_result.as_deref(),
                context,
            ),
            Ast::Ceil {
                expr,
                field: CeilFloorKind::DateTimeField(_),
            } if is_plain(ast) => self.of("ceil", &[expr], place, context),
            Ast::Ceil {
                field: CeilFloorKind::Scale(_),
                ..
            } => {
                self.wrong_count("ceil", 2, 1, 1, place);
                UNKNOWN
            }
            Ast::Floor {
                field: CeilFloorKind::Scale(_),
                ..
            } => {
                self.wrong_count("floor", 2, 1, 1, place);
                UNKNOWN
            }
            Ast::Floor {
                expr,
                field: CeilFloorKind::DateTimeField(_),
            } if is_plain(ast) => self.of("floor", &[expr], place, context),
            Ast::Substring {
                expr,
                substring_from: Some(from),
                substring_for,
                ..
            } => {
                let args: Vec<&Ast> = [&**expr, &**from]
                    .into_iter()
                    .chain(substring_for.as_deref())
                    .collect();
                self.of("substr", &args, place, context)
            }
            Ast::Substring {
                substring_from: None,
                ..
            } => {
                self.wrong_count("substr", 1, 2, 3, place);
                UNKNOWN
            }
            Ast::Trim {
                trim_where,
                trim_what,
                expr,
                trim_characters,
            } => {
                let name = match trim_where {
                    Some(TrimWhereField::Leading) => "ltrim",
                    Some(TrimWhereField::Trailing) => "rtrim",
                    _ => "trim",
                };
                let what = trim_what.as_deref().into_iter();
                let what = what.chain(trim_characters.iter().flatten());
                let args: Vec<&Ast> = std::iter::once(&**expr).chain(what).collect();
                if args.len() > 2 {
                    self.wrong_count(name, args.len(), 1, 2, place);
                    return UNKNOWN;
                }
                self.of(name, &args, place, context)
            }
            Ast::Function(call) => self.function(call, context),
            _ => {
                self.refuse(place, "this expression");
                UNKNOWN
            }
        }
    }

    /// Conditions joined by AND or by OR. The parser hangs each further one above all before it, and programs write thousands.
    fn chain(&mut self, ast: &Ast, op: &BinaryOperator, context: &mut Context<'_>) -> Typed {
        let mut terms = Vec::new();
        let mut rest = ast;
        while let Ast::BinaryOp {
            left,
            op: other,
            right,
        } = rest
            && other == op
        {
            terms.push(&**right);
            rest = left;
            // Few of them may be a key of the groups, and others a condition on it.
            if terms.len() == 1 && chained(rest, op) < FEW {
                break;
            }
        }
        terms.push(rest);
        let terms = terms.into_iter().rev();
        let terms = terms.map(|term| self.expr(term, context)).collect();
        let name = operator(op).expect("AND and OR are operators");
        self.folded(name, terms, start(ast))
            .expect("there are at least two")
    }

    /// Truth values joined by AND or by OR, in their order and in few levels.
    fn folded(&mut self, name: &str, mut terms: Vec<Typed>, place: Location) -> Option<Typed> {
        while terms.len() > 1 {
            let mut pairs = terms.into_iter();
            terms = Vec::new();
            while let Some(one) = pairs.next() {
                terms.push(match pairs.next() {
                    Some(other) => self.call(name, vec![one, other], place),
                    None => one,
                });
            }
        }
        terms.pop()
    }

    /// IS [NOT] DISTINCT FROM. The parser takes all that follows for its right side; AND and OR there, outside of brackets, stand
    /// above it.
    fn distinct(
        &mut self,
        name: &str,
        left: &Ast,
        right: &Ast,
        context: &mut Context<'_>,
    ) -> Typed {
        let place = left.span().start;
        match right {
            Ast::BinaryOp {
                left: inner,
                op: op @ (BinaryOperator::And | BinaryOperator::Or),
                right: rest,
            } => {
                let first = self.distinct(name, left, inner, context);
                let rest = self.expr(rest, context);
                let op = if *op == BinaryOperator::And {
                    "AND"
                } else {
                    "OR"
                };
                self.call(op, vec![first, rest], place)
            }
            Ast::BinaryOp { op, .. } if operator(op).is_some_and(is_comparison) => {
                self.say(
                    place,
                    format!("{name} stands beside a comparison"),
                    "put one of them in brackets",
                );
                UNKNOWN
            }
            _ => self.of(name, &[left, right], place, context),
        }
    }

    fn value(&mut self, value: &Value, place: Location) -> Typed {
        match value {
            Value::Null => (Expr::Literal(Literal::Null), Kind::Null),
            Value::Boolean(v) => (Expr::Literal(Literal::Bool(*v)), Kind::Bool),
            Value::SingleQuotedString(text) => {
                (Expr::Literal(Literal::Text(text.clone())), Kind::Text)
            }
            Value::Number(text, _) => {
                let whole = text.parse::<i64>();
                match (whole, text.parse::<f64>()) {
                    (Ok(v), _) => (Expr::Literal(Literal::Int(v)), Kind::Int),
                    (_, Ok(v)) if v.is_finite() => (Expr::Literal(Literal::Float(v)), Kind::Float),
                    _ => {
                        self.say(
                            place,
                            format!("`{text}` is no number that fits 64 bits"),
                            "",
                        );
                        UNKNOWN
                    }
                }
            }
            other => {
                self.refuse(place, &format!("the constant {other}"));
                UNKNOWN
            }
        }
    }

    /// A function or an operator over expressions.
    fn of(
        &mut self,
        name: &str,
        args: &[&Ast],
        place: Location,
        context: &mut Context<'_>,
    ) -> Typed {
        let before = self.problems.len();
        let typed: Vec<Typed> = args.iter().map(|arg| self.expr(arg, context)).collect();
        if let ([left, right], [(_, of_left), (_, of_right)]) = (args, typed.as_slice())
            && (is_comparison(name) || matches!(name, "LIKE" | "ILIKE"))
        {
            self.advise_quotes(left, *of_right, before);
            self.advise_quotes(right, *of_left, before);
        }
        self.call(name, typed, place)
    }

    /// A function or an operator, held against the types it takes.
    pub(super) fn call(&mut self, name: &str, args: Vec<Typed>, place: Location) -> Typed {
        let function = function::named(name).expect("the caller looked it up");
        self.call_of(function, args, place)
    }

    pub(super) fn call_of(
        &mut self,
        function: &'static Function,
        mut args: Vec<Typed>,
        place: Location,
    ) -> Typed {
        // A constant beside a number of 32 bits has as many.
        if args.len() == 2 && args.iter().any(|(_, kind)| *kind == Kind::Single) {
            for (expr, kind) in &mut args {
                if matches!(expr, Expr::Literal(Literal::Float(_) | Literal::Int(_)))
                    && function.takes == function::Takes::Alike
                {
                    *expr = Expr::Cast(Box::new(expr.clone()), Kind::Single, false);
                    *kind = Kind::Single;
                }
            }
        }
        let kinds: Vec<Kind> = args.iter().map(|(_, kind)| *kind).collect();
        let computed = match function.kind(&kinds) {
            Ok(kind) => kind,
            Err(why) => {
                let help = if kinds.contains(&Kind::Bool) {
                    "CAST(x AS INTEGER) makes 0 and 1 of truth values"
                } else {
                    "CAST(x AS DOUBLE) makes numbers of text, CAST(x AS TEXT) text of numbers"
                };
                self.say(place, why, help);
                return (Expr::Unknown, function.result(Kind::Unknown));
            }
        };
        let args = args.into_iter().map(|(expr, _)| expr).collect();
        (Expr::Call(function, args), function.result(computed))
    }

    fn negated(&mut self, value: Typed, negated: bool, place: Location) -> Typed {
        if negated {
            self.call("NOT", vec![value], place)
        } else {
            value
        }
    }

    /// A query inside an expression; with `width`, so many columns.
    fn subquery(
        &mut self,
        query: &Query,
        width: usize,
        context: &Context<'_>,
    ) -> Option<(Subquery, Kind)> {
        self.outer.push(context.schema.clone());
        let bound = self.query(query);
        self.outer.pop();
        let visible: Vec<usize> = bound.schema.visible().collect();
        if !bound.schema.is_known() {
            return None;
        }
        if width > 0 && visible.len() != width {
            let message = format!(
                "a query in the place of a value gives {} columns",
                visible.len()
            );
            self.say(query.span().start, message, "select one column");
            return None;
        }
        let kind = visible
            .first()
            .map_or(Kind::Null, |at| bound.schema.fields[*at].kind);
        let bound = bound.only(&visible);
        Some((Subquery(Rc::clone(&bound.relation)), kind))
    }

    fn case(
        &mut self,
        operand: Option<&Ast>,
        conditions: &[CaseWhen],
        last: Option<&Ast>,
        context: &mut Context<'_>,
    ) -> Typed {
        let operand = operand.map(|operand| self.expr(operand, context));
        let mut kind = Kind::Null;
        let mut cases = Vec::new();
        let mut meet = |binder: &mut Self, ast: &Ast, of: Kind| match kind.with(of) {
            Some(both) => kind = both,
            None => binder.say(
                ast.span().start,
                format!("this CASE gives {kind} above and {of} here"),
                "CAST one of them",
            ),
        };
        for case in conditions {
            let when = match &operand {
                Some(operand) => {
                    let before = self.problems.len();
                    let value = self.expr(&case.condition, context);
                    self.advise_quotes(&case.condition, operand.1, before);
                    self.call(
                        "=",
                        vec![operand.clone(), value],
                        case.condition.span().start,
                    )
                    .0
                }
                None => {
                    let clause = std::mem::replace(&mut context.clause, "WHEN");
                    let when = self.condition(&case.condition, context);
                    context.clause = clause;
                    when
                }
            };
            let (then, of) = self.expr(&case.result, context);
            meet(self, &case.result, of);
            cases.push((when, then));
        }
        let last = match last {
            Some(last) => {
                let (expr, of) = self.expr(last, context);
                meet(self, last, of);
                expr
            }
            None => Expr::Literal(Literal::Null),
        };
        (Expr::Case(cases, Box::new(last)), kind)
    }
}

/// So many conditions in a row may be a key of the groups.
const FEW: usize = 16;

/// How many times an operator stands in a row at the left edge of an expression.
fn chained(ast: &Ast, op: &BinaryOperator) -> usize {
    let mut count = 0;
    let mut rest = ast;
    while let Ast::BinaryOp {
        left, op: other, ..
    } = rest
        && other == op
    {
        count += 1;
        rest = left;
    }
    count
}

/// Where an expression starts. Of many operators in a row it is where the first value does.
fn start(ast: &Ast) -> Location {
    let mut first = ast;
    while let Ast::BinaryOp { left, .. } = first {
        first = left;
    }
    first.span().start
}

/// CEIL and FLOOR without TO.
fn is_plain(ast: &Ast) -> bool {
    !ast.to_string().to_uppercase().contains(" TO ")
}

fn is_whole(ast: &Ast) -> bool {
    match ast {
        Ast::Value(value) => {
            matches!(&value.value, Value::Number(text, _) if text.chars().all(|c| c.is_ascii_digit()))
        }
        Ast::Nested(inner) => is_whole(inner),
        _ => false,
    }
}

fn is_comparison(name: &str) -> bool {
    matches!(name, "=" | "<>" | "<" | "<=" | ">" | ">=")
}

fn operator(op: &BinaryOperator) -> Option<&'static str> {
    Some(match op {
        BinaryOperator::Plus => "+",
        BinaryOperator::Minus => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        BinaryOperator::Modulo => "%",
        BinaryOperator::DuckIntegerDivide | BinaryOperator::MyIntegerDivide => "//",
        BinaryOperator::StringConcat => "||",
        BinaryOperator::Eq => "=",
        BinaryOperator::NotEq => "<>",
        BinaryOperator::Lt => "<",
        BinaryOperator::LtEq => "<=",
        BinaryOperator::Gt => ">",
        BinaryOperator::GtEq => ">=",
        BinaryOperator::And => "AND",
        BinaryOperator::Or => "OR",
        _ => return None,
    })
}

/// The type that a name of one means. Numbers with a fraction have 64 bits whatever they are called.
fn type_of(data_type: &DataType) -> Option<Kind> {
    let name = data_type.to_string().to_uppercase();
    Some(match name.as_str() {
        "BOOL" | "BOOLEAN" => Kind::Bool,
        "TINYINT" | "SMALLINT" | "INT" | "INTEGER" | "BIGINT" | "INT2" | "INT4" | "INT8"
        | "INT64" => Kind::Int,
        "FLOAT" | "REAL" | "DOUBLE" | "DOUBLE PRECISION" | "FLOAT4" | "FLOAT8" | "FLOAT64"
        | "DECIMAL" | "NUMERIC" => Kind::Float,
        "TEXT" | "VARCHAR" | "STRING" | "CHAR VARYING" | "CHARACTER VARYING" => Kind::Text,
        _ => return None,
    })
}
