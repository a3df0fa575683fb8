//! What is drawn: the parameters that a figure, a panel and a layer share, and how the inner ones take them from the outer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::channel::{Amount, Channel};
use crate::figures::plot::mark::{MarkName, Side};

/// How marks at the same place stand on one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stack {
    /// They do not.
    None,
    /// Each begins where the last ends.
    Sum,
    /// The same, with the sum of each place as one.
    Share,
}

/// Declares a struct that has the parameters of what is drawn, beside its own.
macro_rules! drawn {
    ($(#[$about:meta])* pub struct $name:ident { $($own:tt)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            /// How values are drawn.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub mark: Option<MarkName>,
            /// The column along the horizontal axis.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub x: Option<Channel>,
            /// The column along the vertical axis.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub y: Option<Channel>,
            /// One series for each value of this column, with a colour of its own. Points of a column with many numbers are
            /// coloured by the number, with a colour bar.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub color: Option<Channel>,
            /// One series for each value of this column, with points of its own shape. Without it, the shape tells what the colour tells.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub shape: Option<Channel>,
            /// One series for each value of this column, with dashes of its own. Without it, dashes tell what the colour tells.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub dash: Option<Channel>,
            /// The column a heat map colours its cells by.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub value: Option<Channel>,
            /// How large points are: their diameter in points, or a column of numbers, to which their area is in proportion.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub size: Option<Amount>,
            /// How opaque it is, from 0 to 1: a number or a column.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub opacity: Option<Amount>,
            /// The column that a `text` mark writes.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub label: Option<Channel>,
            /// One colour for all, such as `"#888888"`. A `color` beside it still parts the series.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub tint: Option<String>,
            /// Show every row as a point. Rows at the same place of one series are
            /// averaged for the line or the bar whether or not they are shown; where
            /// one of them has no value there is no mean, which the figure says. The
            /// mark `interval` has a point at its value instead. A line of few places
            /// has a point at each; `false` leaves them out.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub points: Option<bool>,
            /// Spread points at the same category at random, always in the same way.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub jitter: Option<bool>,
            /// Spread points at the same category side by side, as little as needed.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub swarm: Option<bool>,
            /// How bars and areas of several series stand at one place: side by side, on one another (`"sum"`), or as shares (`"share"`).
            #[serde(skip_serializing_if = "Option::is_none")]
            pub stack: Option<Stack>,
            /// Whether the categories stand along the vertical axis; left out, they do where `y` holds text and `x` numbers.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub horizontal: Option<bool>,
            /// How many bins a histogram has; as numpy's `auto` has it if left out, and no more than 200.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(range(min = 1, max = 500))]
            pub bins: Option<usize>,
            /// The width of the kernel of a density or a violin; by Scott's rule if left out. In units of the axis: of a
            /// logarithmic one in powers of its base, of one of square roots in roots.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub bandwidth: Option<f64>,
            $($own)*
        }

        impl $name {
            /// The parameters of what is drawn.
            pub(in crate::figures::plot) fn drawn(&self) -> $crate::figures::plot::spec::layer::Drawn {
                $crate::figures::plot::spec::layer::Drawn {
                    mark: self.mark,
                    x: self.x.clone(),
                    y: self.y.clone(),
                    color: self.color.clone(),
                    shape: self.shape.clone(),
                    dash: self.dash.clone(),
                    value: self.value.clone(),
                    size: self.size.clone(),
                    opacity: self.opacity.clone(),
                    label: self.label.clone(),
                    tint: self.tint.clone(),
                    points: self.points,
                    jitter: self.jitter,
                    swarm: self.swarm,
                    stack: self.stack,
                    horizontal: self.horizontal,
                    bins: self.bins,
                    bandwidth: self.bandwidth,
                    from: None,
                }
            }
        }
    };
}
pub(super) use drawn;

drawn! {
    /// One layer of a panel. What it does not say is as in the panel around it.
    pub struct Layer {
        /// The table it draws, one of the stage's `from`; the first if left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub from: Option<String>,
    }
}

/// What is drawn, whoever says it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::figures::plot) struct Drawn {
    pub mark: Option<MarkName>,
    pub x: Option<Channel>,
    pub y: Option<Channel>,
    pub color: Option<Channel>,
    pub shape: Option<Channel>,
    pub dash: Option<Channel>,
    pub value: Option<Channel>,
    pub size: Option<Amount>,
    pub opacity: Option<Amount>,
    pub label: Option<Channel>,
    pub tint: Option<String>,
    pub points: Option<bool>,
    pub jitter: Option<bool>,
    pub swarm: Option<bool>,
    pub stack: Option<Stack>,
    pub horizontal: Option<bool>,
    pub bins: Option<usize>,
    pub bandwidth: Option<f64>,
    /// The table, by the name of its stage.
    pub from: Option<String>,
}

impl Drawn {
    /// This, with what it does not say as in what is around it.
    pub(super) fn inside(self, outer: &Self) -> Self {
        let outer = outer.clone();
        // An axis is one for all layers: its column may be another, its looks are shared.
        let side = |own: Option<Channel>, outer: Option<Channel>| match (own, outer) {
            (Some(own), Some(outer)) => Some(own.completed(&outer)),
            (own, outer) => own.or(outer),
        };
        let mark = self.mark.or(outer.mark);
        // A mark that needs one axis alone has only the one that is said of it, if one is.
        let about = mark.map(|mark| mark.mark().about());
        let leaves = |own: &Option<Channel>, other: &Option<Channel>, side: Option<Side>| {
            own.is_none() && other.is_some() && side == Some(Side::Optional)
        };
        let no_x = leaves(&self.x, &self.y, about.map(|about| about.x));
        let no_y = leaves(&self.y, &self.x, about.map(|about| about.y));
        Self {
            mark,
            x: side(self.x, outer.x.filter(|_| !no_x)),
            y: side(self.y, outer.y.filter(|_| !no_y)),
            color: self.color.or(outer.color),
            shape: self.shape.or(outer.shape),
            dash: self.dash.or(outer.dash),
            value: self.value.or(outer.value),
            size: self.size.or(outer.size),
            opacity: self.opacity.or(outer.opacity),
            label: self.label.or(outer.label),
            tint: self.tint.or(outer.tint),
            points: self.points.or(outer.points),
            jitter: self.jitter.or(outer.jitter),
            swarm: self.swarm.or(outer.swarm),
            stack: self.stack.or(outer.stack),
            horizontal: self.horizontal.or(outer.horizontal),
            bins: self.bins.or(outer.bins),
            bandwidth: self.bandwidth.or(outer.bandwidth),
            from: self.from.or(outer.from),
        }
    }

    /// Its columns, each with the name of the parameter.
    pub(in crate::figures::plot) fn channels(&self) -> Vec<(&'static str, &Channel)> {
        let amounts = [("size", &self.size), ("opacity", &self.opacity)];
        let amounts = amounts
            .into_iter()
            .filter_map(|(name, amount)| Some((name, amount.as_ref()?.column()?)));
        [
            ("x", &self.x),
            ("y", &self.y),
            ("color", &self.color),
            ("shape", &self.shape),
            ("dash", &self.dash),
            ("value", &self.value),
            ("label", &self.label),
        ]
        .into_iter()
        .filter_map(|(name, channel)| Some((name, channel.as_ref()?)))
        .chain(amounts)
        .collect()
    }

    /// Leaves out what its mark does not take.
    pub(super) fn keep_taken(&mut self) {
        let Some(mark) = self.mark else { return };
        let takes = mark.mark().about().takes;
        let lost = |name: &str| !takes.contains(&name);
        let channels = [
            ("color", &mut self.color),
            ("shape", &mut self.shape),
            ("dash", &mut self.dash),
            ("value", &mut self.value),
            ("label", &mut self.label),
        ];
        for (name, channel) in channels {
            if lost(name) {
                *channel = None;
            }
        }
        for (name, amount) in [("size", &mut self.size), ("opacity", &mut self.opacity)] {
            if lost(name) {
                *amount = None;
            }
        }
        let flags = [
            ("points", &mut self.points),
            ("jitter", &mut self.jitter),
            ("swarm", &mut self.swarm),
            ("horizontal", &mut self.horizontal),
        ];
        for (name, flag) in flags {
            if lost(name) {
                *flag = None;
            }
        }
        if lost("tint") {
            self.tint = None;
        }
        if lost("stack") {
            self.stack = None;
        }
        if lost("bins") {
            self.bins = None;
        }
        if lost("bandwidth") {
            self.bandwidth = None;
        }
        // Intervals that the outer says of an axis are for the marks that draw them.
        let about = mark.mark().about();
        let drawn = ["x", "y"].map(|name| about.draws_interval(name, self.horizontal));
        for (side, drawn) in [&mut self.x, &mut self.y].into_iter().zip(drawn) {
            if let (Some(side), false) = (side, drawn) {
                (side.error, side.low, side.high) = (None, None, None);
            }
        }
    }

    /// The parameters it sets, by name: what a mark has to take.
    pub(super) fn set(&self) -> Vec<&'static str> {
        let options = [
            ("tint", self.tint.is_some()),
            ("points", self.points.is_some()),
            ("jitter", self.jitter.is_some()),
            ("swarm", self.swarm.is_some()),
            ("stack", self.stack.is_some()),
            ("horizontal", self.horizontal.is_some()),
            ("bins", self.bins.is_some()),
            ("bandwidth", self.bandwidth.is_some()),
            ("size", self.size.is_some()),
            ("opacity", self.opacity.is_some()),
        ];
        let options = options.into_iter().filter(|(_, set)| *set);
        let mut names: Vec<&'static str> = self.channels().into_iter().map(|(n, _)| n).collect();
        names.extend(options.map(|(name, _)| name));
        names.sort_unstable();
        names.dedup();
        names
    }
}
