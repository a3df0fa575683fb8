//! Calls: functions of a row, aggregates, and functions over windows.

use sqlparser::ast::{
    DuplicateTreatment, Expr as Ast, Function as Call, FunctionArg, FunctionArgExpr,
    FunctionArgumentClause, FunctionArguments, OrderByExpr, Spanned,
};
use sqlparser::tokenizer::Location;

use super::super::aggregate::{self, What};
use super::super::function;
use super::super::kind::Kind;
use super::super::names::function_name;
use super::super::plan::{Aggregate, Expr, Literal, SortKey};
use super::super::window;
use super::Binder;
use super::context::{Context, Typed, UNKNOWN};
use super::schema::Unit;
use crate::figures::spelling;

/// So many columns may tell runs apart.
const UNITS: usize = 8;

/// What stands between the brackets of a call.
#[derive(Default)]
pub(super) struct Args<'q> {
    pub exprs: Vec<&'q Ast>,
    pub is_star: bool,
    pub distinct: bool,
    pub order: &'q [OrderByExpr],
}

impl Binder<'_> {
    pub(super) fn function(&mut self, call: &Call, context: &mut Context<'_>) -> Typed {
        let name = function_name(call);
        let place = call.name.span().start;
        let Some(args) = self.args(call, place) else {
            return UNKNOWN;
        };
        if call.null_treatment.is_some() || !call.within_group.is_empty() {
            self.refuse(place, "IGNORE NULLS, RESPECT NULLS or WITHIN GROUP");
            return UNKNOWN;
        }
        if let Some(over) = &call.over {
            return self.over(&name, &args, call, over, place, context);
        }
        if let Some((what, count)) = aggregate::named(&name) {
            return self.aggregate(
                &name,
                what,
                count,
                &args,
                call.filter.as_deref(),
                place,
                context,
            );
        }
        if window::counts(&name).is_some() {
            self.say(
                place,
                format!("{name} needs OVER (…)"),
                format!("write {name}(…) OVER (ORDER BY …)"),
            );
            return UNKNOWN;
        }
        if let ("if", [when, then, last], None) =
            (name.as_str(), args.exprs.as_slice(), &call.filter)
        {
            return self.choice(when, then, last, context);
        }
        if name == "pi" && args.exprs.is_empty() {
            return (
                Expr::Literal(Literal::Float(std::f64::consts::PI)),
                Kind::Float,
            );
        }
        if let Some(count) = [("if", 3), ("pi", 0)]
            .into_iter()
            .find_map(|(known, count)| (known == name).then_some(count))
        {
            self.wrong_count(&name, args.exprs.len(), count, count, place);
            return UNKNOWN;
        }
        let known = name.starts_with(|c: char| c.is_ascii_lowercase());
        let Some(function) = function::named(&name).filter(|_| known) else {
            self.no_function(&name, place);
            return UNKNOWN;
        };
        if args.distinct || args.is_star || !args.order.is_empty() || call.filter.is_some() {
            self.say(
                place,
                format!("{name} is a function of one row"),
                "it takes plain values",
            );
            return UNKNOWN;
        }
        let (least, most) = function.count;
        if args.exprs.len() < least || args.exprs.len() > most {
            self.wrong_count(&name, args.exprs.len(), least, most, place);
            return UNKNOWN;
        }
        let args = args
            .exprs
            .iter()
            .map(|arg| self.expr(arg, context))
            .collect();
        self.call_of(function, args, place)
    }

    /// `IF(condition, value, other)`.
    fn choice(&mut self, when: &Ast, then: &Ast, last: &Ast, context: &mut Context<'_>) -> Typed {
        let clause = std::mem::replace(&mut context.clause, "IF");
        let condition = self.condition(when, context);
        context.clause = clause;
        let (yes, one) = self.expr(then, context);
        let (no, other) = self.expr(last, context);
        let Some(kind) = one.with(other) else {
            self.say(
                last.span().start,
                format!("this IF gives {one} or {other}"),
                "CAST one of them",
            );
            return UNKNOWN;
        };
        (Expr::Case(vec![(condition, yes)], Box::new(no)), kind)
    }

    pub(super) fn no_function(&mut self, name: &str, place: Location) {
        let all = function::names()
            .chain(aggregate::names())
            .chain(window::names());
        let all: Vec<String> = all.map(str::to_owned).collect();
        let help = match spelling::nearest(name, all.iter().map(String::as_str)) {
            Some(near) => {
                format!("did you mean `{near}`? `etude kinds aggregate` lists all functions")
            }
            None => "`etude kinds aggregate` lists all functions".to_owned(),
        };
        self.say(place, format!("there is no function `{name}`"), help);
    }

    pub(super) fn wrong_count(
        &mut self,
        name: &str,
        n: usize,
        least: usize,
        most: usize,
        place: Location,
    ) {
        let wanted = match (least, most) {
            (0, 0) => "nothing".to_owned(),
            (1, 1) => "one value".to_owned(),
            (a, b) if a == b => format!("{a} values"),
            (1, function::MANY) => "one value or more".to_owned(),
            (a, function::MANY) => format!("{a} values or more"),
            (a, b) => format!("{a} to {b} values"),
        };
        self.say(place, format!("{name} takes {wanted}, not {n}"), "");
    }

    fn args<'q>(&mut self, call: &'q Call, place: Location) -> Option<Args<'q>> {
        let mut args = Args::default();
        let list = match &call.args {
            FunctionArguments::List(list) => list,
            FunctionArguments::None => return Some(args),
            FunctionArguments::Subquery(_) => {
                self.refuse(place, "a query as the only value of a function");
                return None;
            }
        };
        args.distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
        for clause in &list.clauses {
            match clause {
                FunctionArgumentClause::OrderBy(keys) => args.order = keys,
                _ => {
                    self.refuse(place, "this clause of a function");
                    return None;
                }
            }
        }
        for arg in &list.args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => args.exprs.push(expr),
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => args.is_star = true,
                _ => {
                    self.refuse(place, "a value with a name");
                    return None;
                }
            }
        }
        Some(args)
    }

    #[expect(clippy::too_many_arguments, reason = "each is a part of the call")]
    fn aggregate(
        &mut self,
        name: &str,
        what: What,
        count: usize,
        args: &Args<'_>,
        filter: Option<&Ast>,
        place: Location,
        context: &mut Context<'_>,
    ) -> Typed {
        if context.aggregates.is_none() {
            let message = match context.clause {
                "a condition" => format!("{name} looks at many rows, a condition at one"),
                "an aggregate" => format!("{name} stands in another aggregate"),
                clause => format!("{name} looks at many rows, and {clause} at one"),
            };
            let help = match context.clause {
                "WHERE" => "HAVING is a condition on groups",
                "a condition" => "compute it in the table the condition is about",
                _ => "compute it in a subquery",
            };
            self.say(place, message, help);
            return UNKNOWN;
        }
        let Some(aggregate) = self.aggregate_of(name, what, count, args, filter, place, context)
        else {
            return UNKNOWN;
        };
        let kind = aggregate.kind;
        let all = context.aggregates.as_mut().expect("looked at above");
        let at = all
            .iter()
            .position(|known| *known == aggregate)
            .unwrap_or_else(|| {
                all.push(aggregate);
                all.len() - 1
            });
        (Expr::Aggregate(at), kind)
    }

    /// An aggregate over the rows of a relation.
    #[expect(clippy::too_many_arguments, reason = "each is a part of the call")]
    fn aggregate_of(
        &mut self,
        name: &str,
        what: What,
        count: usize,
        args: &Args<'_>,
        filter: Option<&Ast>,
        place: Location,
        context: &Context<'_>,
    ) -> Option<Aggregate> {
        let what = match (what, args.is_star) {
            (What::Count, true) => What::Rows,
            (What::Count, false) if args.exprs.is_empty() => What::Rows,
            (_, true) => {
                self.say(place, format!("{name} takes no `*`"), "name a column");
                return None;
            }
            _ => what,
        };
        let count = if what == What::Rows { 0 } else { count };
        // What tells runs apart may stand behind; of STRING_AGG what stands between may be left out.
        let more = if what.counts_runs() { UNITS } else { 0 };
        let less = usize::from(what == What::Join);
        let n = args.exprs.len();
        if n + less < count || n > count + more {
            self.wrong_count(name, n, count - less, count + more, place);
            return None;
        }
        let mut rows = Context::of_rows(context.schema, "an aggregate");
        let mut values: Vec<Typed> = Vec::new();
        for arg in &args.exprs {
            values.push(self.expr(arg, &mut rows));
        }
        let unit: Vec<Expr> = values
            .split_off(count.min(values.len()))
            .into_iter()
            .map(|(expr, _)| expr)
            .collect();
        let written: Vec<String> = args.exprs.iter().map(ToString::to_string).collect();
        let written = format!("{name}({})", written.join(", "));
        let runs = match (what.counts_runs(), &context.schema.unit) {
            (false, _) => Vec::new(),
            (true, _) if !unit.is_empty() => unit,
            (true, Unit::Runs { column, .. }) => vec![Expr::Column(*column)],
            (true, Unit::Open) => vec![Expr::Unknown],
            (true, Unit::Untold(why)) => {
                let value = args.exprs.first().map(ToString::to_string);
                let names = context.schema.names();
                // Of the columns there are, the likeliest.
                let mut likely = names.iter().filter(|name| Some(*name) != value.as_ref());
                let column = if names.iter().any(|name| name == "seed") {
                    Some("seed".to_owned())
                } else {
                    likely.next().cloned()
                };
                let column = column.unwrap_or_else(|| "run".to_owned());
                let form = match value {
                    Some(value) => format!("{name}({value}, {column})"),
                    None => format!("{name}({column})"),
                };
                self.say(
                    place,
                    format!("{name} does not know what a run is here: {why}"),
                    format!(
                        "say it: {form}, if `{column}` has a value of its own for each run; several columns may stand there"
                    ),
                );
                return None;
            }
        };
        if !unit_is_right(&runs) {
            self.say(
                place,
                format!("{name}: a constant tells no runs apart"),
                "name a column",
            );
            return None;
        }
        let kind = self.kind_of(name, what, &values, place)?;
        let filter = filter.map(|filter| {
            let mut rows = Context::of_rows(context.schema, "FILTER");
            self.condition(filter, &mut rows)
        });
        let order = self.order_of(args.order, &mut rows);
        if args.distinct && (what == What::Rows || what.counts_runs()) {
            self.say(place, format!("{name} takes no DISTINCT here"), "");
            return None;
        }
        if !order.is_empty() && !what.is_ordered() {
            self.say(
                place,
                format!("{name} does not depend on an order"),
                "leave ORDER BY out",
            );
            return None;
        }
        Some(Aggregate {
            what,
            args: values.into_iter().map(|(expr, _)| expr).collect(),
            distinct: args.distinct,
            filter,
            order,
            runs,
            name: if what.is_over_runs() {
                written
            } else {
                String::new()
            },
            kind,
        })
    }

    /// The kind of an aggregate of these values, over a group or a window; told, where it takes no such values.
    pub(super) fn kind_of(
        &mut self,
        name: &str,
        what: What,
        values: &[Typed],
        place: Location,
    ) -> Option<Kind> {
        if let (What::QuantileCont | What::QuantileDisc, Some((level, _))) = (what, values.get(1))
            && !is_level(level)
        {
            self.say(
                place,
                format!("{name} takes a number between 0 and 1 as its second value"),
                "e.g. 0.95",
            );
            return None;
        }
        let kinds: Vec<Kind> = values.iter().map(|(_, kind)| *kind).collect();
        match what.kind(name, &kinds) {
            Ok(kind) => Some(kind),
            Err(why) => {
                self.say(place, why, "CAST makes other values of them");
                None
            }
        }
    }

    pub(super) fn order_of(
        &mut self,
        keys: &[OrderByExpr],
        context: &mut Context<'_>,
    ) -> Vec<SortKey> {
        let mut order = Vec::new();
        for key in keys {
            let (expr, _) = self.expr(&key.expr, context);
            order.extend(self.sort_key(key, expr));
        }
        order
    }
}

/// What tells runs apart is no constant.
fn unit_is_right(unit: &[Expr]) -> bool {
    unit.is_empty() || unit.iter().any(|expr| !matches!(expr, Expr::Literal(_)))
}

/// A constant between 0 and 1.
fn is_level(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(Literal::Int(level)) => (0..=1).contains(level),
        Expr::Literal(Literal::Float(level)) => (0.0..=1.0).contains(level),
        _ => false,
    }
}
