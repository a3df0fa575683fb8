//! A table as a plot sees it: rows with numbers or places of categories, by
//! panel, and the axes they share.

use polars::prelude::DataFrame;

use super::column::{Along, Groups, Intervals, along, interval_at, intervals, numbers};
use super::hole::{Cell, Why};
use super::mark::{Mark, Row};
use super::scale::Scale;
use super::spec::{Channel, Level, Plot, ScaleName};
use super::told::Shown;
use crate::figures::table::{self, Error};

/// The most panels and the most series that can be told apart at all.
const MOST_PANELS: usize = 64;
const MOST_SERIES: usize = 40;

/// Everything that is drawn.
pub(super) struct Data {
    /// The horizontal axis.
    pub x: Scale,
    /// The vertical axis.
    pub y: Scale,
    /// The colours of cells.
    pub value: Scale,
    /// The names of the series as mark-up; one without a name if there is no
    /// column for them.
    pub series: Vec<String>,
    /// Whether series stand side by side within a category.
    pub dodge: bool,
    /// The panels.
    pub panels: Vec<PanelData>,
    /// What is not shown, a line each.
    pub untold: Vec<String>,
    /// What to know of the parameters, though the figure lacks nothing.
    pub advice: Vec<String>,
    /// Why there is nothing to draw, if there is nothing.
    pub empty: Option<String>,
}

/// What one panel shows.
pub(super) struct PanelData {
    /// What the panel is about, as mark-up.
    pub heading: Option<String>,
    /// Its rows.
    pub rows: Vec<Row>,
    /// Its lines to compare with, one entry a reference of the plot.
    pub references: Vec<Line>,
}

/// A line to compare with, within one panel.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Line {
    /// From left to right at a height.
    Across(f64),
    /// From bottom to top.
    Upright(f64),
    /// A height of its own at each place along `x`.
    Steps(Vec<(f64, f64)>),
}

impl Data {
    /// Takes what `plot` needs from the table.
    pub(super) fn new(plot: &Plot, table: &DataFrame, mark: &dyn Mark) -> Result<Self, Error> {
        for name in plot.columns() {
            table::column(table, &name)?;
        }
        if let Some((_, why)) = plot.problems().into_iter().next() {
            return Err(Error::Unsuitable(why));
        }
        let height = table.height();
        let x = along(table, &plot.x, mark.needs_categories())?;
        let y = along(table, &plot.y, mark.needs_vertical_categories())?;
        if mark.needs_vertical_numbers() && y.names.is_some() {
            numbers(table, &plot.y.field)?;
        }
        let x_interval = intervals(table, &plot.x, &x)?;
        let y_interval = intervals(table, &plot.y, &y)?;
        let value = match &plot.value {
            Some(channel) => numbers(table, &channel.field)?,
            None => vec![Err(Why::Missing); height],
        };
        let colored = plot.color.as_ref().filter(|_| !mark.colors_by_value());
        let series = Groups::new(table, colored, "series", MOST_SERIES)?;
        let panel = Groups::new(table, plot.facet.as_ref(), "panels", MOST_PANELS)?;
        let levels = plot
            .reference
            .iter()
            .map(
                |reference| match reference.x.as_ref().or(reference.y.as_ref()) {
                    Some(Level::Field(name)) => numbers(table, name),
                    Some(Level::Number(number)) => Ok(vec![Ok(*number); height]),
                    None => Ok(vec![Err(Why::Missing); height]),
                },
            )
            .collect::<Result<Vec<_>, _>>()?;

        let facet = plot.facet.as_ref();
        let panels: Vec<PanelData> = panel
            .names
            .iter()
            .enumerate()
            .map(|(place, heading)| {
                let inside: Vec<usize> = (0..height)
                    .filter(|row| panel.of_row[*row] == place)
                    .collect();
                PanelData {
                    heading: facet.map(|channel| match &channel.title {
                        Some(title) => format!("{title} = {heading}"),
                        None => heading.clone(),
                    }),
                    references: plot
                        .reference
                        .iter()
                        .zip(&levels)
                        .map(|(reference, level)| {
                            let pairs = inside
                                .iter()
                                .map(|row| (x.cells[*row].ok(), level[*row].ok()));
                            line(pairs, reference.x.is_some())
                        })
                        .collect(),
                    rows: inside
                        .iter()
                        .map(|row| Row {
                            x: x.cells[*row].ok(),
                            y: y.cells[*row].ok(),
                            x_key: x.keys[*row],
                            x_interval: interval_at(&x_interval, *row),
                            y_interval: interval_at(&y_interval, *row),
                            value: value[*row].ok(),
                            series: series.of_row[*row],
                        })
                        .collect(),
                }
            })
            .collect();

        let referenced = |upright: bool| -> Vec<f64> {
            plot.reference
                .iter()
                .zip(&levels)
                .filter(|(reference, _)| reference.x.is_some() == upright)
                .flat_map(|(_, level)| level.iter().flatten().copied())
                .collect()
        };
        let axis = |along: &Along, intervals: &Intervals, channel: &Channel, upright, zero| {
            if let Some(names) = &along.names {
                return Scale::Category(names.clone());
            }
            let values = spread(&along.cells, intervals);
            let values = values.into_iter().chain(referenced(upright));
            let scale = Scale::over(values, channel.scale, channel.domain, zero);
            if along.whole { scale.whole() } else { scale }
        };
        let shown = Shown {
            plot,
            table,
            mark,
            x: &x,
            y: &y,
            value: &value,
            y_interval: &y_interval,
            x_interval: &x_interval,
            panel_of: &panel.of_row,
            series_of: &series.of_row,
        };
        let (mut untold, empty) = shown.told()?;
        for (reference, level) in plot.reference.iter().zip(&levels) {
            untold.extend(shown.reference(reference, level)?);
        }
        let unknown = [
            (Some(&plot.x), &x.unknown),
            (Some(&plot.y), &y.unknown),
            (plot.color.as_ref(), &series.unknown),
            (plot.facet.as_ref(), &panel.unknown),
        ];
        let advice = unknown
            .into_iter()
            .filter(|(_, unknown)| height > 0 && !unknown.is_empty())
            .filter_map(|(channel, unknown)| {
                let field = &channel?.field;
                let names = unknown.iter().map(|name| format!("`{name}`"));
                let names = names.collect::<Vec<_>>().join(", ");
                Some(format!(
                    "the `order` of `{field}` names {names}, which no row holds"
                ))
            })
            .collect();
        let tinted = plot.value.as_ref().unwrap_or(&plot.y);
        let dodge = series.names.len() > 1
            && plot
                .color
                .as_ref()
                .is_some_and(|color| color.field != plot.x.field);
        Ok(Self {
            x: axis(&x, &x_interval, &plot.x, true, false),
            y: axis(&y, &y_interval, &plot.y, false, mark.starts_at_zero()),
            value: exact_range(&value, tinted),
            series: series.names,
            dodge,
            panels,
            untold,
            advice,
            empty,
        })
    }
}

/// All that an axis has to hold: values, and the ends of their intervals.
fn spread(cells: &[Cell], intervals: &Intervals) -> Vec<f64> {
    let known = cells.iter().enumerate();
    known
        .filter_map(|(row, cell)| Some((row, cell.ok()?)))
        .flat_map(|(row, value)| {
            let (low, high) = interval_at(intervals, row).unwrap_or((value, value));
            [low, value, high]
        })
        .collect()
}

/// What a reference is in one panel: one line if its level is the same
/// everywhere, else a level a place.
fn line(pairs: impl Iterator<Item = (Option<f64>, Option<f64>)>, upright: bool) -> Line {
    let mut steps: Vec<(f64, f64)> = Vec::new();
    for (x, level) in pairs {
        if let (Some(x), Some(level)) = (x, level)
            && !steps.contains(&(x, level))
        {
            steps.push((x, level));
        }
    }
    steps.sort_by(|a, b| a.0.total_cmp(&b.0));
    let first = steps.first().map_or(f64::NAN, |(_, level)| *level);
    let same = steps.iter().all(|(_, level)| *level == first);
    match (upright, same) {
        (true, _) => Line::Upright(first),
        (false, true) => Line::Across(first),
        (false, false) => Line::Steps(steps),
    }
}

/// The range of colours: that of the values, without air.
fn exact_range(values: &[Cell], channel: &Channel) -> Scale {
    let log = channel.scale == ScaleName::Log;
    let (low, high) = values
        .iter()
        .flatten()
        .filter(|value| !log || **value > 0.0)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(*value), high.max(*value))
        });
    let domain = match channel.domain {
        Some(domain) => Some(domain),
        None if low < high => Some([low, high]),
        None => None,
    };
    Scale::over(
        values.iter().flatten().copied(),
        channel.scale,
        domain,
        false,
    )
}
