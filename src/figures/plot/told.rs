//! Looks through what is drawn for what is not, and says so: values, means, intervals and lines to compare with.

use std::collections::BTreeMap;

use polars::prelude::DataFrame;

use super::column::{Along, Intervals};
use super::hole::{Cell, Whereabouts, Why};
use super::mark::{Mark, Outside, Unit, mean};
use super::spec::{Channel, Level, Plot, Reference, ScaleName};
use super::text::plain;
use crate::figures::table::Error;

/// So many places without a mean are told one by one.
const GAPS: usize = 3;

/// What is drawn, to see what is not.
pub(super) struct Shown<'a> {
    pub plot: &'a Plot,
    pub table: &'a DataFrame,
    pub mark: &'a dyn Mark,
    pub x: &'a Along,
    pub y: &'a Along,
    pub value: &'a [Cell],
    pub x_interval: &'a Intervals,
    pub y_interval: &'a Intervals,
    pub panel_of: &'a [usize],
    pub series_of: &'a [usize],
}

/// Whether a number has a place on an axis, and whether that is inside.
fn placed(value: f64, channel: &Channel, named: bool) -> Cell {
    match channel.domain {
        _ if named => Ok(value),
        _ if channel.scale == ScaleName::Log && value == 0.0 => Err(Why::Zero),
        _ if channel.scale == ScaleName::Log && value < 0.0 => Err(Why::BelowZero),
        Some([low, high]) if value < low || value > high => Err(Why::Outside),
        _ => Ok(value),
    }
}

/// Says which domain a line speaks of.
fn of(channel: &Channel) -> impl Fn(String) -> String {
    let domain = channel
        .domain
        .map(|[low, high]| format!("outside the domain {low} to {high}"));
    move |line| match &domain {
        Some(domain) => line.replace("outside the domain", domain),
        None => line,
    }
}

impl Shown<'_> {
    fn whereabouts(&self) -> Whereabouts<'_> {
        let plot = self.plot;
        let mut groups: Vec<&str> = [&plot.facet, &plot.color]
            .into_iter()
            .flatten()
            .map(|channel| channel.field.as_str())
            .collect();
        groups.push(&plot.x.field);
        if self.mark.colors_by_value() {
            groups.push(&plot.y.field);
        }
        Whereabouts::new(self.table, &groups, &plot.columns())
    }

    /// A line for each column of which something is not shown, and why nothing is drawn if nothing is.
    pub(super) fn told(&self) -> Result<(Vec<String>, Option<String>), Error> {
        let height = self.table.height();
        if height == 0 {
            return Ok((Vec::new(), Some("the table has no rows".to_owned())));
        }
        let plot = self.plot;
        let places = self.whereabouts();
        let mut lines = Vec::new();

        // Rows that have no place.
        let mut rows: Vec<usize> = (0..height).collect();
        let sides: &[(&Along, &Channel)] = if self.mark.colors_by_value() {
            &[(self.x, &plot.x), (self.y, &plot.y)]
        } else {
            &[(self.x, &plot.x)]
        };
        for (along, channel) in sides {
            let total = rows.len();
            let mut lost = Vec::new();
            let mut cut = Vec::new();
            rows.retain(|row| {
                let cell = along.cells[*row];
                match cell.and_then(|value| placed(value, channel, along.names.is_some())) {
                    Err(Why::Outside) if self.mark.outside() == Outside::Cut => {
                        cut.push((*row, Why::Outside));
                        true
                    }
                    Err(why) => {
                        lost.push((*row, why));
                        false
                    }
                    Ok(_) => true,
                }
            });
            let what = (channel.field.as_str(), "value");
            lines.extend(
                places
                    .not_shown(what, total, &lost, "not shown")?
                    .map(of(channel)),
            );
            lines.extend(
                places
                    .not_shown(what, total, &cut, "cut off")?
                    .map(of(channel)),
            );
        }

        // Values, and means of several.
        let heat = self.mark.colors_by_value();
        let (cells, channel, named) = match &plot.value {
            Some(channel) if heat => (self.value, channel, false),
            _ => (self.y.cells.as_slice(), &plot.y, self.y.names.is_some()),
        };
        let mut holes: Vec<(usize, Why)> = Vec::new();
        let mut gaps: Vec<Vec<usize>> = Vec::new();
        let mut alone: Vec<usize> = Vec::new();
        let (mut total, mut averaged) = (0, 0);
        for group in self.units(&rows) {
            let values: Result<Vec<f64>, Why> = group.iter().map(|row| cells[*row]).collect();
            match (values, group.as_slice()) {
                (Err(why), [row]) => holes.push((*row, why)),
                (Err(_), _) => {
                    gaps.push(group);
                    continue;
                }
                (Ok(values), _) => {
                    let mean = mean(&values);
                    let place = placed(mean, channel, named);
                    holes.extend(place.err().map(|why| (group[0], why)));
                    let shown = match place {
                        Ok(_) => true,
                        Err(why) => why == Why::Outside && self.mark.outside() != Outside::Hidden,
                    };
                    match group.as_slice() {
                        _ if !shown => {}
                        [row] => alone.push(*row),
                        _ => averaged += 1,
                    }
                }
            }
            total += 1;
        }
        let mut points = 0;
        if plot.points && self.mark.unit() == Unit::Place {
            let (mut outside, mut count) = (Vec::new(), 0);
            for group in self.units(&rows).filter(|group| group.len() > 1) {
                for row in group {
                    let Ok(value) = cells[row] else { continue };
                    count += 1;
                    match placed(value, channel, named) {
                        Err(why) => outside.push((row, why)),
                        Ok(_) => points += 1,
                    }
                }
            }
            let what = (channel.field.as_str(), "point");
            lines.extend(
                places
                    .not_shown(what, count, &outside, "not shown")?
                    .map(of(channel)),
            );
        }
        let (cut, lost): (Vec<_>, Vec<_>) = holes
            .into_iter()
            .partition(|(_, why)| *why == Why::Outside && self.mark.outside() != Outside::Hidden);
        let what = (channel.field.as_str(), "value");
        lines.extend(
            places
                .not_shown(what, total, &lost, "not shown")?
                .map(of(channel)),
        );
        let how = match self.mark.outside() {
            Outside::Coloured => "shown in the last colour",
            _ => "cut off",
        };
        lines.extend(places.not_shown(what, total, &cut, how)?.map(of(channel)));
        let field = &channel.field;
        for group in gaps.iter().take(GAPS) {
            let cells: Vec<Cell> = group.iter().map(|row| cells[*row]).collect();
            lines.push(places.no_mean(field, group, &cells)?);
        }
        if let more @ 1.. = gaps.len().saturating_sub(GAPS) {
            let plural = if more == 1 { "" } else { "s" };
            lines.push(format!("{field}: no mean at {more} more place{plural}"));
        }
        lines.extend(self.intervals_told(&places, &alone, averaged)?);

        let drawn = total - lost.len() + points;
        let empty = (drawn == 0).then(|| match lines.as_slice() {
            [line] => line.clone(),
            _ => "no value can be shown".to_owned(),
        });
        if empty.as_ref() == lines.first() && lines.len() == 1 {
            lines.clear();
        }
        Ok((lines, empty))
    }

    /// The rows that make one mark each: single rows, or those at one place.
    fn units(&self, rows: &[usize]) -> impl Iterator<Item = Vec<usize>> + use<> {
        let mut known: BTreeMap<(usize, usize, usize, usize), usize> = BTreeMap::new();
        let mut units: Vec<Vec<usize>> = Vec::new();
        for row in rows {
            let (panel, series) = (self.panel_of[*row], self.series_of[*row]);
            let key = match self.mark.unit() {
                Unit::Row => (*row, 0, 0, 0),
                Unit::Place => (panel, series, self.x.keys[*row], 0),
                Unit::Cell => (panel, 0, self.x.keys[*row], self.y.keys[*row]),
            };
            let place = *known.entry(key).or_insert_with(|| {
                units.push(Vec::new());
                units.len() - 1
            });
            units[place].push(*row);
        }
        units.into_iter()
    }

    /// Intervals that are missing around values which are shown.
    fn intervals_told(
        &self,
        places: &Whereabouts<'_>,
        alone: &[usize],
        averaged: usize,
    ) -> Result<Vec<String>, Error> {
        let mut lines = Vec::new();
        let sides = [
            (&self.plot.x, self.x_interval),
            (&self.plot.y, self.y_interval),
        ];
        for (channel, intervals) in sides {
            let names = [&channel.error, &channel.low, &channel.high];
            let name = names.into_iter().flatten().next();
            let (Some(intervals), Some(name)) = (intervals, name) else {
                continue;
            };
            let lost: Vec<(usize, Why)> = alone
                .iter()
                .filter_map(|row| Some((*row, intervals[*row].err()?)))
                .collect();
            let what = (name.as_str(), "interval");
            lines.extend(places.not_shown(what, alone.len(), &lost, "not shown")?);
            if averaged > 0 {
                lines.push(format!(
                    "{name}: no interval where rows are averaged ({averaged} of {})",
                    averaged + alone.len()
                ));
            }
        }
        Ok(lines)
    }

    /// What a line to compare with does not show.
    pub(super) fn reference(
        &self,
        reference: &Reference,
        levels: &[Cell],
    ) -> Result<Option<String>, Error> {
        if levels.is_empty() {
            return Ok(None);
        }
        let (along, channel) = if reference.x.is_some() {
            (self.x, &self.plot.x)
        } else {
            (self.y, &self.plot.y)
        };
        let holes: Vec<(usize, Why)> = levels
            .iter()
            .enumerate()
            .filter_map(|(row, level)| {
                let placed = level.and_then(|v| placed(v, channel, along.names.is_some()));
                Some((row, placed.err()?))
            })
            .collect();
        let one = match reference.x.as_ref().or(reference.y.as_ref()) {
            Some(Level::Field(name)) => {
                let what = (name.as_str(), "level");
                return self
                    .whereabouts()
                    .not_shown(what, levels.len(), &holes, "not shown");
            }
            Some(Level::Number(number)) => *number,
            None => return Ok(None),
        };
        Ok(holes.first().map(|(_, why)| {
            let label = reference.label.as_deref().map(plain);
            let label = label.unwrap_or_else(|| "reference".to_owned());
            let why = match why {
                Why::Outside => "outside the domain",
                Why::Zero | Why::BelowZero => "not above 0 on a log scale",
                _ => "not a number",
            };
            format!("{label}: the line at {one} is not shown: it is {why}")
        }))
    }
}
