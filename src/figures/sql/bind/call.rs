//! Calls: functions of a row, aggregates, and functions over windows.

use sqlparser::ast::{
    DuplicateTreatment, Expr as Ast, Function as Call, FunctionArg, FunctionArgExpr,
    FunctionArgumentClause, FunctionArguments, OrderByExpr, Spanned, WindowFrame, WindowFrameBound,
    WindowFrameUnits, WindowType,
};
use sqlparser::tokenizer::Location;

use super::super::aggregate::{self, What};
use super::super::function;
use super::super::kind::Kind;
use super::super::names::function_name;
use super::super::plan::{Aggregate, Expr, Frame, Literal, Over, SortKey, Window};
use super::super::window;
use super::Binder;
use super::expr::{Context, Typed};
use super::schema::Unit;
use crate::figures::spelling;

const UNKNOWN: Typed = (Expr::Unknown, Kind::Unknown);

/// What stands between the brackets of a call.
#[derive(Default)]
struct Args<'q> {
    exprs: Vec<&'q Ast>,
    is_star: bool,
    distinct: bool,
    order: &'q [OrderByExpr],
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

    fn no_function(&mut self, name: &str, place: Location) {
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

    fn wrong_count(&mut self, name: &str, n: usize, least: usize, most: usize, place: Location) {
        let wanted = match (least, most) {
            (0, 0) => "nothing".to_owned(),
            (1, 1) => "one value".to_owned(),
            (a, b) if a == b => format!("{a} values"),
            (a, b) if b < 100 => format!("{a} to {b} values"),
            (a, _) => format!("{a} values or more"),
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
        // The unit of runs may stand behind; of STRING_AGG what stands between may be left out.
        let more = usize::from(what.counts_runs());
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
        let unit = match n > count {
            true => values.pop(),
            false => None,
        };
        let run = match (what.counts_runs(), unit, &context.schema.unit) {
            (false, ..) => None,
            (true, Some((unit, _)), _) => Some(unit),
            (true, None, Unit::Runs { column, .. }) => Some(Expr::Column(*column)),
            (true, None, Unit::Open) => Some(Expr::Unknown),
            (true, None, Unit::Untold(why)) => {
                let form = match what {
                    What::Runs => "runs(seed)".to_owned(),
                    _ => {
                        let value = args
                            .exprs
                            .first()
                            .map_or("x".to_owned(), ToString::to_string);
                        format!("{name}({value}, seed)")
                    }
                };
                self.say(
                    place,
                    format!("{name} does not know what a run is here: {why}"),
                    format!("say it: {form}, where `seed` is a column with a value of its own for each run"),
                );
                return None;
            }
        };
        let kinds: Vec<Kind> = values.iter().map(|(_, kind)| *kind).collect();
        let kind = match what.kind(name, &kinds) {
            Ok(kind) => kind,
            Err(why) => {
                self.say(place, why, "CAST makes other values of them");
                return None;
            }
        };
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
            run,
            kind,
        })
    }

    fn order_of(&mut self, keys: &[OrderByExpr], context: &mut Context<'_>) -> Vec<SortKey> {
        let mut order = Vec::new();
        for key in keys {
            let (expr, _) = self.expr(&key.expr, context);
            order.extend(self.sort_key(key, expr));
        }
        order
    }

    fn over(
        &mut self,
        name: &str,
        args: &Args<'_>,
        call: &Call,
        over: &WindowType,
        place: Location,
        context: &mut Context<'_>,
    ) -> Typed {
        let Some(mut windows) = context.windows.take() else {
            let message = match context.clause {
                "a condition" => format!("{name} looks at many rows, a condition at one"),
                clause => format!("{name} OVER (…) cannot stand in {clause}"),
            };
            self.say(
                place,
                message,
                "compute it in a subquery, or filter with QUALIFY",
            );
            return UNKNOWN;
        };
        let clause = std::mem::replace(&mut context.clause, "a window");
        let window = self.window(name, args, call, over, place, context);
        context.clause = clause;
        let found = match window {
            Some(window) => {
                let kind = window.kind;
                let at = windows
                    .iter()
                    .position(|known| *known == window)
                    .unwrap_or_else(|| {
                        windows.push(window);
                        windows.len() - 1
                    });
                (Expr::Window(at), kind)
            }
            None => UNKNOWN,
        };
        context.windows = Some(windows);
        found
    }

    fn window(
        &mut self,
        name: &str,
        args: &Args<'_>,
        call: &Call,
        over: &WindowType,
        place: Location,
        context: &mut Context<'_>,
    ) -> Option<Window> {
        let named;
        let spec = match over {
            WindowType::WindowSpec(spec) => spec,
            WindowType::NamedWindow(name) => {
                let windows = self.named.iter().rev();
                let mut found = windows.filter(|(known, _)| *known == name.value);
                let Some((_, spec)) = found.next() else {
                    self.say(
                        name.span.start,
                        format!("there is no window `{}`", name.value),
                        "define it: WINDOW w AS (…)",
                    );
                    return None;
                };
                named = spec.clone();
                &named
            }
        };
        if spec.window_name.is_some() {
            self.refuse(place, "a window with a name");
        }
        let mut partition = Vec::new();
        for expr in &spec.partition_by {
            partition.push(self.expr(expr, context).0);
        }
        let order = self.order_of(&spec.order_by, context);
        let frame = self.frame(spec.window_frame.as_ref(), !order.is_empty(), place)?;
        let n = args.exprs.len();
        if let Some((what, count)) = aggregate::named(name) {
            if !window::takes(what) {
                self.say(
                    place,
                    format!("{name} takes neither OVER nor FILTER"),
                    "use GROUP BY, and WHERE in a subquery",
                );
                return None;
            }
            // What it takes is computed after grouping, so that AVG(AVG(x)) OVER () is the mean of the groups' means.
            let what = match (what, args.is_star || n == 0) {
                (What::Count, true) => What::Rows,
                (what, _) => what,
            };
            let count = if what == What::Rows { 0 } else { count };
            let less = usize::from(what == What::Join);
            if n + less < count || n > count {
                self.wrong_count(name, n, count - less, count, place);
                return None;
            }
            let values: Vec<Typed> = args
                .exprs
                .iter()
                .map(|arg| self.expr(arg, context))
                .collect();
            let kinds: Vec<Kind> = values.iter().map(|(_, kind)| *kind).collect();
            let kind = match what.kind(name, &kinds) {
                Ok(kind) => kind,
                Err(why) => {
                    self.say(place, why, "CAST makes other values of them");
                    return None;
                }
            };
            if !args.order.is_empty() {
                self.refuse(place, "ORDER BY inside of a function over a window");
                return None;
            }
            let filter = call
                .filter
                .as_deref()
                .map(|filter| self.condition(filter, context));
            let aggregate = Aggregate {
                what,
                args: values.into_iter().map(|(expr, _)| expr).collect(),
                distinct: args.distinct,
                filter,
                order: Vec::new(),
                run: None,
                kind,
            };
            return Some(Window {
                what: Over::Aggregate(aggregate),
                partition,
                order,
                frame,
                kind,
            });
        }
        let Some((least, most)) = window::counts(name) else {
            match function::named(name) {
                Some(_) => self.say(
                    place,
                    format!("{name} is a function of one row: it takes no OVER"),
                    "",
                ),
                None => self.no_function(name, place),
            }
            return None;
        };
        if args.distinct || args.is_star || call.filter.is_some() {
            self.say(
                place,
                format!("{name} takes neither DISTINCT, `*` nor FILTER"),
                "",
            );
            return None;
        }
        if n < least || n > most {
            self.wrong_count(name, n, least, most, place);
            return None;
        }
        let values: Vec<Typed> = args
            .exprs
            .iter()
            .map(|arg| self.expr(arg, context))
            .collect();
        let first = values.first().map_or(Kind::Null, |(_, kind)| *kind);
        let expr = |at: usize, other: Literal| {
            values
                .get(at)
                .map_or(Expr::Literal(other), |(expr, _)| expr.clone())
        };
        if order.is_empty() && !matches!(name, "first_value" | "last_value" | "nth_value") {
            self.say(
                place,
                format!("{name} needs an order"),
                format!("write {name}(…) OVER (ORDER BY …)"),
            );
            return None;
        }
        let number = |binder: &mut Self, at: usize| {
            if let Some((_, kind)) = values.get(at)
                && kind.with(Kind::Int) != Some(Kind::Int)
                && *kind != Kind::Unknown
            {
                binder.say(
                    place,
                    format!("{name} counts in whole numbers, not in {kind}"),
                    "",
                );
            }
        };
        let (what, kind) = match name {
            "row_number" => (Over::RowNumber, Kind::Int),
            "rank" => (Over::Rank, Kind::Int),
            "dense_rank" => (Over::DenseRank, Kind::Int),
            "percent_rank" => (Over::PercentRank, Kind::Float),
            "cume_dist" => (Over::CumeDist, Kind::Float),
            "ntile" => {
                number(self, 0);
                (Over::Ntile(expr(0, Literal::Null)), Kind::Int)
            }
            "lag" | "lead" => {
                number(self, 1);
                let last = values.get(2).map_or(Kind::Null, |(_, kind)| *kind);
                let Some(kind) = first.with(last) else {
                    self.say(
                        place,
                        format!("{name} gives {first}, and {last} at the end"),
                        "",
                    );
                    return None;
                };
                let value = Expr::Cast(Box::new(expr(0, Literal::Null)), kind, false);
                let value = if kind == first {
                    expr(0, Literal::Null)
                } else {
                    value
                };
                let (offset, last) = (expr(1, Literal::Int(1)), expr(2, Literal::Null));
                (Over::Neighbour(name == "lag", value, offset, last), kind)
            }
            "first_value" => (Over::First(expr(0, Literal::Null)), first),
            "last_value" => (Over::Last(expr(0, Literal::Null)), first),
            _ => {
                number(self, 1);
                (
                    Over::Nth(expr(0, Literal::Null), expr(1, Literal::Null)),
                    first,
                )
            }
        };
        Some(Window {
            what,
            partition,
            order,
            frame,
            kind,
        })
    }

    /// The frame: without one, from the beginning to the last row equal to this one in the order.
    fn frame(
        &mut self,
        frame: Option<&WindowFrame>,
        has_order: bool,
        place: Location,
    ) -> Option<Frame> {
        let Some(frame) = frame else {
            return Some(Frame {
                by_value: true,
                from: None,
                to: has_order.then_some(0),
            });
        };
        let by_value = match frame.units {
            WindowFrameUnits::Rows => false,
            WindowFrameUnits::Range => true,
            WindowFrameUnits::Groups => {
                self.refuse(place, "GROUPS in a window");
                return None;
            }
        };
        let mut bound = |bound: &WindowFrameBound, is_start: bool| -> Result<Option<i64>, ()> {
            let (offset, sign) = match bound {
                WindowFrameBound::CurrentRow => return Ok(Some(0)),
                WindowFrameBound::Preceding(None) if is_start => return Ok(None),
                WindowFrameBound::Following(None) if !is_start => return Ok(None),
                WindowFrameBound::Preceding(Some(n)) => (n, -1),
                WindowFrameBound::Following(Some(n)) => (n, 1),
                _ => {
                    self.say(place, "this window has no rows", "");
                    return Err(());
                }
            };
            if by_value {
                self.refuse(place, "RANGE with a number in a window");
                return Err(());
            }
            match super::position(offset).and_then(|n| i64::try_from(n).ok()) {
                Some(n) => Ok(Some(sign * n)),
                None => {
                    self.say(offset.span().start, "a window counts in whole numbers", "");
                    Err(())
                }
            }
        };
        let from = bound(&frame.start_bound, true).ok()?;
        let to = match &frame.end_bound {
            Some(end) => bound(end, false).ok()?,
            None => Some(0),
        };
        Some(Frame { by_value, from, to })
    }
}
