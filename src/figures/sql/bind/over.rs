//! Functions over windows: their partitions, orders and frames.

use sqlparser::ast::{
    Function as Call, Spanned, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowType,
};
use sqlparser::tokenizer::Location;

use super::super::aggregate::{self, What};
use super::super::function;
use super::super::kind::Kind;
use super::super::plan::{Aggregate, Expr, Frame, Literal, Over, Window};
use super::super::window;
use super::Binder;
use super::call::Args;
use super::context::{Context, Typed, UNKNOWN};

impl Binder<'_> {
    pub(super) fn over(
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

    pub(super) fn window(
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
                self.say(place, format!("{name} takes no OVER"), "use GROUP BY");
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
            let kind = self.kind_of(name, what, &values, place)?;
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
                runs: Vec::new(),
                name: String::new(),
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
                if matches!(&values[0].0, Expr::Literal(Literal::Int(n)) if *n < 1) {
                    self.say(place, "ntile takes a number above 0", "");
                }
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
    pub(super) fn frame(
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
