//! What contradicts itself without a look at the tables.

use super::page::SIDES;
use super::{Channel, Drawn, Legend, Length, Plot, Reference, Venue};
use crate::figures::markup;
use crate::figures::plot::mark::{About, Side, Unit, marks_that_take};
use crate::figures::plot::palette;
use crate::figures::plot::scale::Spread;
use crate::figures::plot::spec::{Level, Panel, ScaleName};

/// Problems, each with the path of the parameter.
type Problems = Vec<(String, String)>;

impl Plot {
    /// What contradicts itself without a look at the tables: the parameter with
    /// its path, and what is wrong with it.
    pub fn problems(&self) -> Vec<(String, String)> {
        self.problems_knowing(&|_, _| None)
    }

    /// The same, where `text` says of a column whether it holds text, as far as that is known. It is given the stage of the table,
    /// if one is named, and the column.
    pub fn problems_knowing(
        &self,
        text: &dyn Fn(Option<&str>, &str) -> Option<bool>,
    ) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        self.page(&mut problems);
        let latex = self
            .latex
            .iter()
            .flat_map(crate::figures::latex::FigureText::problems);
        problems.extend(latex.map(|(name, why)| (format!("latex.{name}"), why)));
        let titles = [("title".to_owned(), &self.title)].into_iter();
        let panels = self.panels.iter().enumerate();
        let panels = panels.map(|(place, panel)| (format!("panels.{place}.title"), &panel.title));
        for (path, title) in titles.chain(panels) {
            let why = title.as_deref().and_then(markup::problem);
            problems.extend(why.map(|why| (path, why)));
        }
        if !self.panels.is_empty() && !self.layers.is_empty() {
            let why =
                "`layers` belong to a panel: write them in each of `panels`, or leave `panels` out";
            problems.push(("layers".to_owned(), why.to_owned()));
        }
        if self.letters.is_some() && self.panels.is_empty() {
            let why = "`letters` name the `panels` of a figure, and there are none";
            problems.push(("letters".to_owned(), why.to_owned()));
        }
        // What is set for one layer must fit its mark; what is set around it is for those that take it.
        for (panel, own) in self.written().into_iter().zip(self.owns()) {
            for ((path, drawn), own) in panel.layers.iter().zip(own) {
                layer(path, &turned(drawn, text), &own, &mut problems);
            }
            facets(&panel, &mut problems);
            references(&panel.path, &panel.reference, &mut problems);
        }
        let mut known = std::collections::BTreeSet::new();
        problems.retain(|problem| known.insert(problem.clone()));
        problems
    }

    /// For each panel and each layer what stands in it alone.
    fn owns(&self) -> Vec<Vec<Drawn>> {
        let of = |own: Drawn, layers: &[super::Layer]| -> Vec<Drawn> {
            if layers.is_empty() {
                vec![own]
            } else {
                layers.iter().map(super::Layer::drawn).collect()
            }
        };
        if self.panels.is_empty() {
            return vec![of(self.drawn(), &self.layers)];
        }
        let panels = self.panels.iter();
        panels.map(|view| of(view.drawn(), &view.layers)).collect()
    }

    fn page(&self, problems: &mut Problems) {
        let mut refuse = |parameter: &str, why: String| {
            problems.push((parameter.to_owned(), why));
        };
        for (name, side) in [("width", self.width), ("height", self.height)] {
            match side.map(|side| (side, side.points(self.venue))) {
                Some((_, Some(points))) if !SIDES.contains(&points) => {
                    refuse(name, format!("`{name}` is between 60 and 4000 points"));
                }
                Some((Length::Column | Length::Page, None)) => {
                    let venues = Venue::NAMES.join(", ");
                    refuse(
                        name,
                        format!(
                            "`{name}` is that of a column or a page, which needs `venue` ({venues})"
                        ),
                    );
                }
                Some((Length::Column | Length::Page, _)) if name == "height" => {
                    refuse(name, "`height` is a length".to_owned());
                }
                _ => {}
            }
        }
        if self
            .font_size
            .is_some_and(|size| !(4.0..=24.0).contains(&size))
        {
            refuse(
                "font_size",
                "`font_size` is between 4 and 24 points".to_owned(),
            );
        }
        if self.columns == Some(0) {
            refuse("columns", "`columns` is at least 1".to_owned());
        }
        if self.legend == Some(Legend::Ends) {
            let lines = self.written();
            let mut layers = lines.iter().flat_map(|panel| &panel.layers);
            let line = |drawn: &Drawn| {
                drawn
                    .mark
                    .is_some_and(|mark| mark.name() == "line" || mark.name() == "step")
            };
            if !layers.any(|(_, drawn)| line(drawn)) {
                let why = "labels at the ends of lines need lines: use the mark `line` or `step`";
                refuse("legend", why.to_owned());
            }
        }
    }
}

/// The layer with the direction that its columns give it, if that is known.
fn turned(drawn: &Drawn, text: &dyn Fn(Option<&str>, &str) -> Option<bool>) -> Drawn {
    let mut drawn = drawn.clone();
    let may_turn = drawn
        .mark
        .is_some_and(|mark| mark.mark().about().takes.contains(&"horizontal"));
    let from = drawn.from.as_deref();
    let side = |channel: &Option<Channel>| text(from, &channel.as_ref()?.field);
    if may_turn
        && drawn.horizontal.is_none()
        && let (Some(x), Some(y)) = (side(&drawn.x), side(&drawn.y))
    {
        drawn.horizontal = Some(!x && y);
    }
    drawn
}

/// Checks one layer. `own` is what stands in it alone.
fn layer(path: &str, drawn: &Drawn, own: &Drawn, problems: &mut Problems) {
    let mut refuse = |parameter: &str, why: String| {
        problems.push((format!("{path}{parameter}"), why));
    };
    let Some(mark) = drawn.mark else {
        let names = crate::figures::plot::mark::names().join(", ");
        refuse(
            "mark",
            format!("a `mark` says how values are drawn: one of {names}"),
        );
        return;
    };
    let about = mark.mark().about();
    let name = about.name;
    for parameter in own.set() {
        if matches!(parameter, "x" | "y") || about.takes.contains(&parameter) {
            continue;
        }
        let others = marks_that_take(parameter);
        let others = if others.is_empty() {
            String::new()
        } else {
            format!("; it belongs to {}", others.join(", "))
        };
        refuse(
            parameter,
            format!("the mark `{name}` takes no `{parameter}`{others}"),
        );
    }
    for parameter in about.needs {
        if !drawn.channels().iter().any(|(own, _)| own == parameter) {
            refuse(
                parameter,
                format!("the mark `{name}` needs `{parameter}`, a column"),
            );
        }
    }
    sides(about, drawn, &mut refuse);
    for (parameter, why) in mark.mark().problems(drawn) {
        refuse(parameter, why);
    }
    for (parameter, channel) in drawn.channels() {
        if channel.field.is_empty() {
            without_column(about, (parameter, channel), &mut refuse);
        }
        one(about, (drawn, own), (parameter, channel), &mut refuse);
    }
    let column = own.opacity.as_ref().and_then(super::Amount::column);
    if about.unit == Unit::Sample && column.is_some() {
        let why = format!("the mark `{name}` sums up many rows: `opacity` is one number for all");
        refuse("opacity", why);
    }
    if let Some(tint) = own
        .tint
        .as_deref()
        .filter(|tint| palette::written(tint).is_none())
    {
        refuse(
            "tint",
            format!("{tint:?} is not a colour; write one such as \"#d55e00\""),
        );
    }
    let stacks = matches!(drawn.stack, Some(super::Stack::Sum | super::Stack::Share));
    if stacks && drawn.points == Some(true) {
        refuse(
            "points",
            "`points` are single rows, and a `stack` adds them up: leave one of them out"
                .to_owned(),
        );
    }
    let sides = [("x", &drawn.x), ("y", &drawn.y)].into_iter();
    let mut sides = sides.filter_map(|(name, side)| Some((name, side.as_ref()?)));
    if let Some((name, _)) =
        sides.find(|(_, side)| stacks && side.scale().is_log() && about.x != Side::Number)
        && about.unit == Unit::Place
    {
        let reaches = if drawn.horizontal == Some(true) {
            "x"
        } else {
            "y"
        };
        if name == reaches || drawn.horizontal.is_none() && name == "x" && about.x == Side::Category
        {
            refuse(
                &format!("{name}.scale"),
                "a `stack` begins at zero, which a logarithmic axis does not have".to_owned(),
            );
        }
    }
    if own.jitter == Some(true) && own.swarm == Some(true) {
        refuse(
            "swarm",
            "points are spread by `jitter` or by `swarm`, not by both".to_owned(),
        );
    }
    let opacity = own.opacity.as_ref().and_then(super::Amount::number);
    if opacity.is_some_and(|opacity| !(0.0..=1.0).contains(&opacity)) {
        refuse("opacity", "`opacity` is between 0 and 1".to_owned());
    }
    let size = own.size.as_ref().and_then(super::Amount::number);
    if size.is_some_and(|size| !(size > 0.0 && size <= 400.0)) {
        refuse(
            "size",
            "`size` is a diameter of more than 0 and at most 400 points".to_owned(),
        );
    }
    if own.bins.is_some_and(|bins| !(1..=500).contains(&bins)) {
        refuse("bins", "`bins` is between 1 and 500".to_owned());
    }
    if own
        .bandwidth
        .is_some_and(|width| !(width > 0.0 && width.is_finite()))
    {
        refuse("bandwidth", "`bandwidth` is more than 0".to_owned());
    }
}

/// Whether a channel names a column.
fn has_column(channel: &Option<Channel>) -> bool {
    channel
        .as_ref()
        .is_some_and(|channel| !channel.field.is_empty())
}

/// Checks a channel without a column: only an axis that the mark computes is one.
fn without_column(
    about: &About,
    (name, channel): (&str, &Channel),
    refuse: &mut impl FnMut(&str, String),
) {
    let is_axis = matches!(name, "x" | "y");
    if about.y != Side::Computed || !is_axis {
        // That an axis lacks its column is said of the axis.
        if !is_axis {
            refuse(name, format!("`{name}` needs `field`, a column"));
        }
    } else if channel.order.is_some() {
        let why = format!(
            "the mark `{}` computes `{name}`, which holds numbers",
            about.name
        );
        refuse(&format!("{name}.order"), why);
    }
}

/// Checks which of `x` and `y` are given.
fn sides(about: &About, drawn: &Drawn, refuse: &mut impl FnMut(&str, String)) {
    let name = about.name;
    let (x, y) = (has_column(&drawn.x), has_column(&drawn.y));
    match (about.y, x, y) {
        (Side::Computed, true, true) => {
            refuse(
                "y",
                format!("the mark `{name}` computes one of its axes: give `x` or `y`"),
            );
        }
        (Side::Computed, false, false) => {
            refuse(
                "x",
                format!("the mark `{name}` needs `x` or `y`, a column of numbers"),
            );
        }
        (Side::Computed, ..) => {}
        (_, false, false) if about.x == Side::Optional && about.y == Side::Optional => {
            refuse(
                "x",
                format!("the mark `{name}` needs `x` or `y`, a column, or both"),
            );
        }
        _ => {
            for (parameter, side, given) in [("x", about.x, x), ("y", about.y, y)] {
                if side != Side::Optional && !given {
                    refuse(
                        parameter,
                        format!("the mark `{name}` needs `{parameter}`, a column"),
                    );
                }
            }
        }
    }
}

/// Checks one column.
fn one(
    about: &About,
    (drawn, own): (&Drawn, &Drawn),
    (name, channel): (&str, &Channel),
    refuse: &mut impl FnMut(&str, String),
) {
    let side = match name {
        "x" => Some(about.x),
        "y" => Some(about.y),
        _ => None,
    };
    // Which axis a mark stands along may depend on the table.
    let may_flip = about.takes.contains(&"horizontal");
    let swapped = match (side, name) {
        (Some(_), "x") if drawn.horizontal == Some(true) => Some(about.y),
        (Some(_), "y") if drawn.horizontal == Some(true) => Some(about.x),
        _ => side,
    };
    let known = !may_flip || drawn.horizontal.is_some();
    if known
        && swapped == Some(Side::Category)
        && (channel.domain.is_some() || channel.scale() != ScaleName::Linear)
    {
        let what = if channel.domain.is_some() {
            "domain"
        } else {
            "scale"
        };
        refuse(&format!("{name}.{what}"), CATEGORIES.to_owned());
        return;
    }
    let groups = matches!(name, "color" | "shape" | "dash" | "label")
        && !(name == "color" && channel.palette != Some(super::PaletteName::Categorical));
    if let Some([low, high]) = channel.domain {
        let parameter = format!("{name}.domain");
        if groups {
            refuse(
                &parameter,
                "`domain` belongs to numbers, not to groups".to_owned(),
            );
        } else if !(low.is_finite() && high.is_finite() && low < high) {
            refuse(&parameter, "`domain` is [lowest, highest]".to_owned());
        } else if channel.scale().is_log() && low < 1e-300 {
            refuse(
                &parameter,
                "the `domain` of a logarithmic axis is above zero".to_owned(),
            );
        } else if channel.scale() == ScaleName::Sqrt && low < 0.0 {
            refuse(
                &parameter,
                "the `domain` of an axis of square roots is not below zero".to_owned(),
            );
        }
    }
    if let Some(why) = channel.title.as_deref().and_then(markup::problem) {
        refuse(&format!("{name}.title"), why);
    }
    interval(about, (drawn, own), (name, channel), refuse);
    if channel.order.is_some() && matches!(name, "value" | "size" | "opacity") {
        refuse(
            &format!("{name}.order"),
            format!("`{name}` is a number and has no other order"),
        );
    }
    if channel.share.is_some() && side.is_none() {
        refuse(
            &format!("{name}.share"),
            "`share` belongs to `x` and `y`".to_owned(),
        );
    }
    if (channel.palette.is_some() || channel.middle.is_some()) && !matches!(name, "color" | "value")
    {
        let what = if channel.palette.is_some() {
            "palette"
        } else {
            "middle"
        };
        refuse(
            &format!("{name}.{what}"),
            format!("`{what}` belongs to `color` and `value`"),
        );
    }
    without_effect(name, channel, refuse);
    if let Some(why) = off_middle(channel) {
        refuse(&format!("{name}.middle"), why);
    }
    if channel
        .angle
        .is_some_and(|angle| !(0.0..=90.0).contains(&angle))
    {
        refuse(
            &format!("{name}.angle"),
            "`angle` is between 0 and 90 degrees".to_owned(),
        );
    }
    let ticks = channel.ticks.as_ref();
    if ticks.is_some_and(|ticks| ticks.is_empty() || ticks.iter().any(|tick| !tick.is_finite())) {
        refuse(
            &format!("{name}.ticks"),
            "`ticks` is a list of numbers".to_owned(),
        );
    }
}

/// What may be said of a column and means nothing for such a channel: it tells rows apart, or gives a number that no axis shows.
fn unused(name: &str) -> &'static [&'static str] {
    match name {
        "color" | "value" => &["reverse", "angle"],
        "shape" | "dash" => &["scale", "reverse", "format", "ticks", "angle"],
        "label" => &["title", "scale", "order", "reverse", "ticks", "angle"],
        "size" => &["scale", "domain", "reverse", "ticks", "angle"],
        "opacity" => &[
            "title", "scale", "domain", "reverse", "format", "ticks", "angle",
        ],
        "facet" | "row" | "column" => &[
            "scale", "reverse", "format", "ticks", "angle", "share", "palette", "middle",
        ],
        _ => &[],
    }
}

/// Refuses what has no effect.
fn without_effect(name: &str, channel: &Channel, refuse: &mut impl FnMut(&str, String)) {
    let unused = unused(name);
    for parameter in channel.given().filter(|given| unused.contains(given)) {
        refuse(
            &format!("{name}.{parameter}"),
            format!("`{parameter}` has no effect on `{name}`: leave it out"),
        );
    }
}

/// Why an axis has no numbers.
pub(in crate::figures::plot) const CATEGORIES: &str =
    "this mark takes each value here for a category; lines and points have numbers along an axis";

/// Checks the interval of a column.
fn interval(
    about: &About,
    (drawn, own): (&Drawn, &Drawn),
    (name, channel): (&str, &Channel),
    refuse: &mut impl FnMut(&str, String),
) {
    let side = matches!(name, "x" | "y");
    let drawn_there = side && about.draws_interval(name, drawn.horizontal);
    // What the outer says of an axis is for the marks that draw it.
    let own = match name {
        "x" => own.x.as_ref(),
        "y" => own.y.as_ref(),
        _ => Some(channel),
    };
    let is_own = own.is_some_and(Channel::has_interval);
    if let Some((parameter, _)) = channel.interval().next()
        && !drawn_there
        && is_own
    {
        let why = format!("this mark draws no intervals around `{name}`");
        refuse(&format!("{name}.{parameter}"), why);
    } else if channel.error.is_some() && (channel.low.is_some() || channel.high.is_some()) {
        let why = "an interval is either `error`, its half width, or `low` and `high`, its ends";
        refuse(&format!("{name}.error"), why.to_owned());
    } else if channel.low.is_some() != channel.high.is_some() {
        let (there, other) = match channel.low {
            Some(_) => ("low", "high"),
            None => ("high", "low"),
        };
        let why = format!("`{there}` needs `{other}`: both ends of the interval");
        refuse(&format!("{name}.{there}"), why);
    }
}

fn facets(panel: &Panel, problems: &mut Problems) {
    let mut refuse = |parameter: &str, why: String| {
        problems.push((format!("{}{parameter}", panel.path), why));
    };
    if panel.facet.is_some() && (panel.row.is_some() || panel.column.is_some()) {
        refuse(
            "facet",
            "panels are in reading order by `facet`, or in a grid by `row` and `column`".to_owned(),
        );
    }
    for (name, channel) in [
        ("facet", &panel.facet),
        ("row", &panel.row),
        ("column", &panel.column),
    ] {
        let Some(channel) = channel else { continue };
        if channel.field.is_empty() {
            refuse(name, format!("`{name}` needs `field`, a column"));
        }
        if channel.domain.is_some() {
            refuse(
                &format!("{name}.domain"),
                "`domain` belongs to numbers, not to groups".to_owned(),
            );
        }
        without_effect(name, channel, &mut refuse);
        if let Some((end, _)) = channel.interval().next() {
            refuse(
                &format!("{name}.{end}"),
                format!("this mark draws no intervals around `{name}`"),
            );
        }
    }
}

fn references(path: &str, references: &[Reference], problems: &mut Problems) {
    for (place, reference) in references.iter().enumerate() {
        let mut refuse = |why: &str| {
            problems.push((format!("{path}reference.{place}"), why.to_owned()));
        };
        if let Some(why) = reference.label.as_deref().and_then(markup::problem) {
            refuse(&why);
        }
        if reference.x.is_some() == reference.y.is_some() {
            refuse("a reference line has either `x` or `y`");
        }
        for level in [&reference.x, &reference.y].into_iter().flatten() {
            let finite = match level {
                Level::Number(number) => number.is_finite(),
                Level::Band([low, high]) => low.is_finite() && high.is_finite() && low < high,
                Level::Field(_) => true,
            };
            if !finite {
                refuse("a line is at a number, and a band from [lowest, highest]");
            }
        }
    }
}

/// Why a value cannot be in the middle of the palette.
fn off_middle(channel: &Channel) -> Option<String> {
    let middle = channel.middle?;
    if channel
        .palette
        .is_some_and(|own| own != super::PaletteName::Diverging)
    {
        return Some("`middle` belongs to the palette `diverging`".to_owned());
    }
    if !middle.is_finite() {
        return Some("`middle` is a finite number".to_owned());
    }
    if Spread::of(channel.scale(), || 1.0).even(middle).is_none() {
        return Some(format!(
            "`middle` is {middle}, which has no place on this `scale`"
        ));
    }
    let [low, high] = channel.domain.filter(|[low, high]| low < high)?;
    (!(low..=high).contains(&middle)).then(|| {
        format!("`middle` is {middle} and lies outside the `domain` {low} to {high}: widen the `domain`, or choose a `middle` in it")
    })
}
