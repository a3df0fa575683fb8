//! A table as a plot sees it: rows with numbers or places of categories, by
//! panel, and the axes they share.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::DataFrame;

use super::mark::{Mark, Row};
use super::number;
use super::scale::Scale;
use super::spec::{Channel, Level, Plot};
use super::text::literal;
use crate::figures::table::{self, Error};

/// The most panels and the most series that can be told apart at all.
const MOST_PANELS: usize = 64;
const MOST_SERIES: usize = 40;
/// The most places along an axis of categories.
const MOST_PLACES: usize = 2000;

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

/// One column along an axis.
struct Along {
    /// The value or the place of the category of every row.
    places: Vec<Option<f64>>,
    /// The names of the places, if it is one of categories.
    names: Option<Vec<String>>,
    /// Whether it can only hold whole numbers.
    whole: bool,
}

impl Data {
    /// Takes what `plot` needs from the table.
    pub(super) fn new(plot: &Plot, table: &DataFrame, mark: &dyn Mark) -> Result<Self, Error> {
        for name in plot.columns() {
            table::column(table, &name)?;
        }
        if table.height() == 0 {
            return Err(Error::Empty);
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
        let x_error = optional(table, plot.x.error.as_ref())?;
        let y_error = optional(table, plot.y.error.as_ref())?;
        let value = optional(table, plot.value.as_ref().map(|channel| &channel.field))?;
        let colored = plot.color.as_ref().filter(|_| !mark.colors_by_value());
        let (series_of, series) = groups(table, colored, "series", MOST_SERIES)?;
        let (panel_of, headings) = groups(table, plot.facet.as_ref(), "panels", MOST_PANELS)?;
        let levels = plot
            .reference
            .iter()
            .map(
                |reference| match reference.x.as_ref().or(reference.y.as_ref()) {
                    Some(Level::Field(name)) => numbers(table, name),
                    Some(Level::Number(number)) => Ok(vec![Some(*number); height]),
                    None => Ok(vec![None; height]),
                },
            )
            .collect::<Result<Vec<_>, _>>()?;

        let facet = plot.facet.as_ref();
        let panels: Vec<PanelData> = headings
            .iter()
            .enumerate()
            .map(|(panel, heading)| {
                let inside: Vec<usize> =
                    (0..height).filter(|row| panel_of[*row] == panel).collect();
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
                            let pairs = inside.iter().map(|row| (x.places[*row], level[*row]));
                            line(pairs, reference.x.is_some())
                        })
                        .collect(),
                    rows: inside
                        .iter()
                        .map(|row| Row {
                            x: x.places[*row],
                            y: y.places[*row],
                            x_error: x_error[*row],
                            y_error: y_error[*row],
                            value: value[*row],
                            series: series_of[*row],
                        })
                        .collect(),
                }
            })
            .collect();

        let spread = |places: &[Option<f64>], errors: &[Option<f64>]| -> Vec<f64> {
            places
                .iter()
                .zip(errors)
                .filter_map(|(place, error)| place.map(|place| (place, error.unwrap_or(0.0))))
                .flat_map(|(place, error)| [place - error, place, place + error])
                .collect()
        };
        let referenced = |upright: bool| -> Vec<f64> {
            plot.reference
                .iter()
                .zip(&levels)
                .filter(|(reference, _)| reference.x.is_some() == upright)
                .flat_map(|(_, level)| level.iter().flatten().copied())
                .collect()
        };
        let axis =
            |along: &Along, errors: &[Option<f64>], channel: &Channel, upright, zero| match &along
                .names
            {
                Some(names) => Scale::Category(names.clone()),
                None => {
                    let values = spread(&along.places, errors);
                    let values = values.into_iter().chain(referenced(upright));
                    let scale = Scale::over(values, channel.scale, channel.domain, zero);
                    match along.whole {
                        true => scale.whole(),
                        false => scale,
                    }
                }
            };
        let tinted = plot.value.as_ref().unwrap_or(&plot.y);
        let value = exact_range(&value, tinted);
        let dodge = series.len() > 1
            && plot
                .color
                .as_ref()
                .is_some_and(|color| color.field != plot.x.field);
        Ok(Self {
            x: axis(&x, &x_error, &plot.x, true, false),
            y: axis(&y, &y_error, &plot.y, false, mark.starts_at_zero()),
            value,
            series,
            dodge,
            panels,
        })
    }
}

/// A column as numbers, or an error if it holds text.
fn numbers(table: &DataFrame, name: &str) -> Result<Vec<Option<f64>>, Error> {
    let column = table::column(table, name)?;
    let kind = column.dtype();
    if !(kind.is_primitive_numeric() || kind.is_bool() || kind.is_null()) {
        return Err(Error::Unsuitable(format!(
            "`{name}` should hold numbers; it holds {kind}"
        )));
    }
    table::numbers(column)
}

fn optional(table: &DataFrame, name: Option<&String>) -> Result<Vec<Option<f64>>, Error> {
    match name {
        Some(name) => numbers(table, name),
        None => Ok(vec![None; table.height()]),
    }
}

fn along(table: &DataFrame, channel: &Channel, category: bool) -> Result<Along, Error> {
    let column = table::column(table, &channel.field)?;
    let kind = column.dtype();
    if (kind.is_primitive_numeric() || kind.is_null()) && !category {
        if channel.order.is_some() {
            return Err(Error::Unsuitable(format!(
                "`{}` holds numbers, which have an order: `order` is for categories",
                channel.field
            )));
        }
        return Ok(Along {
            places: table::numbers(column)?,
            names: None,
            whole: column.dtype().is_integer(),
        });
    }
    let (places, names) = places(
        &names_of(table, &channel.field)?,
        &order_of(table, channel)?,
    );
    if names.len() > MOST_PLACES {
        return Err(Error::Unsuitable(format!(
            "`{}` has {} different values: too many to stand side by side",
            channel.field,
            names.len()
        )));
    }
    Ok(Along {
        places: places
            .into_iter()
            .map(|place| place.map(|place| place as f64))
            .collect(),
        names: Some(names),
        whole: false,
    })
}

/// The values of a column as people read them, as mark-up.
fn names_of(table: &DataFrame, field: &str) -> Result<Vec<Option<String>>, Error> {
    let column = table::column(table, field)?;
    if column.dtype().is_primitive_numeric() {
        return Ok(table::numbers(column)?
            .into_iter()
            .map(|number| number.map(number::lone))
            .collect());
    }
    Ok(table::texts(column)?
        .into_iter()
        .map(|text| text.map(|text| literal(&text)))
        .collect())
}

/// The names of the channel's `order` in the form of [`names_of`].
fn order_of(table: &DataFrame, channel: &Channel) -> Result<Vec<String>, Error> {
    let numeric = table::column(table, &channel.field)?
        .dtype()
        .is_primitive_numeric();
    let name = |text: &String| match text.parse() {
        Ok(value) if numeric => number::lone(value),
        _ => literal(text),
    };
    Ok(channel.order.iter().flatten().map(name).collect())
}

/// Numbers the different names: first those in `order`, then the others as
/// they appear. What is ordered but not there takes no place.
fn places(names: &[Option<String>], order: &[String]) -> (Vec<Option<usize>>, Vec<String>) {
    let present: BTreeSet<&String> = names.iter().flatten().collect();
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    let mut found = Vec::new();
    let ordered = order.iter().filter(|name| present.contains(name));
    for name in ordered.chain(names.iter().flatten()) {
        known.entry(name).or_insert_with(|| {
            found.push(name.clone());
            found.len() - 1
        });
    }
    let place = |name: &Option<String>| known.get(name.as_ref()?.as_str()).copied();
    (names.iter().map(place).collect(), found)
}

/// The group of every row and the names of the groups; one group if there is no
/// column. A missing value makes a group of its own.
fn groups(
    table: &DataFrame,
    channel: Option<&Channel>,
    noun: &str,
    most: usize,
) -> Result<(Vec<usize>, Vec<String>), Error> {
    let Some(channel) = channel else {
        return Ok((vec![0; table.height()], vec![String::new()]));
    };
    let names: Vec<Option<String>> = names_of(table, &channel.field)?
        .into_iter()
        .map(|name| Some(name.unwrap_or_else(|| "none".to_owned())))
        .collect();
    let (places, names) = places(&names, &order_of(table, channel)?);
    if names.len() > most {
        return Err(Error::Unsuitable(format!(
            "`{}` would make {} {noun}; {most} are the most",
            channel.field,
            names.len()
        )));
    }
    Ok((
        places.into_iter().map(Option::unwrap_or_default).collect(),
        names,
    ))
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
fn exact_range(values: &[Option<f64>], channel: &Channel) -> Scale {
    let log = channel.scale == super::spec::ScaleName::Log;
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
