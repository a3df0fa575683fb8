//! Looks through what is drawn for what is not, and says so: values, means, intervals and lines to compare with.

mod sample;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::column::{Along, Intervals};
use super::data::Layer;
use super::hole::{Cell, Whereabouts, Why};
use super::mark::{Outside, Side, Unit, mean};
use super::spec::{Channel, Level, Reference, ScaleName, Stack};
use super::text::plain;
use crate::figures::table::Error;

/// So many places without a mean are told one by one.
const GAPS: usize = 3;

/// What there is to say of a panel.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// What is not shown, a line each.
    pub untold: Vec<String>,
    /// What to know of the parameters, though nothing lacks.
    pub advice: Vec<String>,
    /// Why nothing is drawn, if nothing is.
    pub empty: Option<String>,
}

/// What is drawn, to see what is not.
pub(super) struct Shown<'a> {
    layer: &'a Layer<'a>,
    /// The columns that part panels and series.
    groups: Vec<&'a str>,
}

/// Whether a number has a place on an axis, and whether that is inside.
fn placed(value: f64, channel: &Channel, named: bool) -> Cell {
    match channel.domain {
        _ if named => Ok(value),
        _ if channel.scale().is_log() && value == 0.0 => Err(Why::Zero),
        _ if channel.scale().is_log() && value < 0.0 => Err(Why::BelowZero),
        _ if channel.scale() == ScaleName::Sqrt && value < 0.0 => Err(Why::BelowRoot),
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

/// What a line speaks of: the values of a column, or the intervals around them.
fn subject(channel: &Channel, intervals: bool) -> (&str, &'static str) {
    match channel.interval().next() {
        Some((_, column)) if intervals => (column.as_str(), "interval"),
        _ => (channel.field.as_str(), "value"),
    }
}

/// By what rows are drawn along an axis: values, or of each interval the part that is nearest to the domain.
fn cells_of<'c>(
    along: &'c Along,
    spans: bool,
    intervals: &Intervals,
    channel: &Channel,
) -> Cow<'c, [Cell]> {
    let (true, Some(intervals)) = (spans, intervals) else {
        return Cow::Borrowed(&along.cells);
    };
    let nearest = |(low, high): (f64, f64)| match channel.domain {
        Some([from, to]) if low <= to && high >= from => low.max(from),
        Some([_, to]) if low > to => low,
        _ => high,
    };
    let cells = intervals.iter().map(|interval| interval.map(nearest));
    Cow::Owned(cells.collect())
}

impl<'a> Shown<'a> {
    /// A layer, where its table is parted into panels by some columns.
    pub(super) fn new(layer: &'a Layer<'a>, facets: &[&'a str]) -> Self {
        let drawn = &layer.drawn;
        let series = [&drawn.color, &drawn.shape, &drawn.dash];
        let series = series.into_iter().flatten().map(|c| c.field.as_str());
        let mut groups: Vec<&str> = facets.iter().copied().chain(series).collect();
        // Numbers along which a mark computes are no groups.
        if layer.x.named || layer.mark.about().unit != Unit::Sample {
            groups.extend(layer.x_channel().map(|channel| channel.field.as_str()));
        }
        if layer.mark.about().unit == Unit::Cell {
            groups.extend(layer.y_channel().map(|channel| channel.field.as_str()));
        }
        Self { layer, groups }
    }

    fn whereabouts(&self) -> Whereabouts<'_> {
        let mut columns: Vec<String> = Vec::new();
        for (_, channel) in self.layer.drawn.channels() {
            columns.push(channel.field.clone());
            columns.extend(channel.interval().map(|(_, column)| column.clone()));
        }
        Whereabouts::new(self.layer.table, &self.groups, &columns)
    }

    /// A line for each column of which something is not shown, and why nothing is drawn if nothing is.
    pub(super) fn told(&self) -> Result<(Vec<String>, Option<String>), Error> {
        let layer = self.layer;
        let about = layer.mark.about();
        let height = layer.table.height();
        if height == 0 {
            return Ok((Vec::new(), Some("the table has no rows".to_owned())));
        }
        let places = self.whereabouts();
        let mut lines = Vec::new();

        // Rows that have no place.
        let mut rows: Vec<usize> = (0..height).collect();
        let heat = about.unit == Unit::Cell;
        let [spans_x, spans_y] = layer.spans;
        let mut sides: Vec<(&Along, &Channel, Cow<'_, [Cell]>)> = Vec::new();
        sides.extend(layer.x_channel().map(|channel| {
            let cells = cells_of(&layer.x, spans_x, &layer.x_interval, channel);
            (&layer.x, channel, cells)
        }));
        let reaches = layer.y_channel().filter(|_| about.y != Side::Computed);
        if heat {
            let cells = Cow::Borrowed(layer.y.cells.as_slice());
            sides.extend(reaches.map(|channel| (&layer.y, channel, cells)));
        }
        for (along, channel, cells) in sides {
            if along.cells.is_empty() {
                continue;
            }
            let total = rows.len();
            let mut lost = Vec::new();
            let mut cut = Vec::new();
            rows.retain(|row| {
                let cell = cells[*row];
                match cell.and_then(|value| placed(value, channel, along.named)) {
                    Err(Why::Outside) if about.outside == Outside::Cut => {
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
            let what = subject(channel, spans_x && !heat);
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
        let (cells, channel, named) = match (&layer.drawn.value, reaches) {
            (Some(channel), _) if heat => (Cow::Borrowed(layer.value.as_slice()), channel, false),
            (_, Some(channel)) if !layer.y.cells.is_empty() => {
                let cells = cells_of(&layer.y, spans_y, &layer.y_interval, channel);
                (cells, channel, layer.y.named)
            }
            // A mark that computes how far it reaches shows every row that has a place.
            _ => {
                let (told, shown) = self.samples_told(&places, &rows)?;
                lines.extend(told);
                lines.extend(self.computed_told());
                let empty = rows.is_empty() || !shown;
                let says = || lines.first().cloned();
                let why = empty.then(|| says().unwrap_or_else(|| "no value can be shown".into()));
                if why.as_ref() == lines.first() && lines.len() == 1 {
                    lines.clear();
                }
                return Ok((lines, why));
            }
        };
        let mut holes: Vec<(usize, Why)> = Vec::new();
        let mut gaps: Vec<Vec<usize>> = Vec::new();
        let mut shown_units: Vec<Vec<usize>> = Vec::new();
        let (mut total, mut unfounded) = (0, 0);
        let unknown = self.stacked_on_unknown();
        for group in self.units(&rows) {
            let values: Result<Vec<f64>, Why> = group.iter().map(|row| cells[*row]).collect();
            match (values, group.as_slice()) {
                (Err(why), [row]) => holes.push((*row, why)),
                (Err(why), [row, ..]) if spans_y => holes.push((*row, why)),
                (Err(_), _) => {
                    gaps.push(group);
                    continue;
                }
                (Ok(values), _) => {
                    // Rows of one interval have one value here.
                    let value = if spans_y { values[0] } else { mean(&values) };
                    let place = placed(value, channel, named);
                    holes.extend(place.err().map(|why| (group[0], why)));
                    let shown = match place {
                        Ok(_) => true,
                        Err(why) => why == Why::Outside && about.outside != Outside::Hidden,
                    };
                    if shown && unknown.contains(&group[0]) {
                        unfounded += 1;
                    } else if shown {
                        shown_units.push(group);
                    }
                }
            }
            total += 1;
        }
        let mut points = 0;
        if layer.mark.shows_rows(&layer.drawn) && about.unit == Unit::Place {
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
            .partition(|(_, why)| *why == Why::Outside && about.outside != Outside::Hidden);
        let what = subject(channel, spans_y);
        lines.extend(
            places
                .not_shown(what, total, &lost, "not shown")?
                .map(of(channel)),
        );
        let how = match about.outside {
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
        if unfounded > 0 {
            let are = if unfounded == 1 { "is" } else { "are" };
            lines.push(format!(
                "{field}: {unfounded} of {total} values {are} not shown: {}",
                match layer.drawn.stack {
                    Some(Stack::Share) => "the sum of the stack is 0 or unknown",
                    _ => "the stack has an unknown value",
                }
            ));
        }
        lines.extend(self.absent_cells(field));
        lines.extend(self.intervals_told(&places, &shown_units)?);
        lines.extend(self.samples_told(&places, &rows)?.0);

        let drawn = total - lost.len() - unfounded + points;
        let empty = (drawn == 0).then(|| match lines.as_slice() {
            [line] => line.clone(),
            _ => "no value can be shown".to_owned(),
        });
        if empty.as_ref() == lines.first() && lines.len() == 1 {
            lines.clear();
        }
        Ok((lines, empty))
    }

    /// The rows that a mark does not show, as they would stand on an unknown value.
    fn stacked_on_unknown(&self) -> BTreeSet<usize> {
        let layer = self.layer;
        if !matches!(layer.drawn.stack, Some(Stack::Sum | Stack::Share)) {
            return BTreeSet::new();
        }
        // A row with another key is one between two of the table.
        let rows = layer.rows.iter().filter(|row| row.y.is_none());
        rows.filter(|row| layer.x.keys.get(row.row) == Some(&row.x_key))
            .map(|row| row.row)
            .collect()
    }

    /// The rows that make one mark each: single rows, or those at one place.
    fn units(&self, rows: &[usize]) -> impl Iterator<Item = Vec<usize>> + use<> {
        let mut known: BTreeMap<(usize, usize, usize, usize), usize> = BTreeMap::new();
        let mut units: Vec<Vec<usize>> = Vec::new();
        for row in rows {
            let panel = self
                .layer
                .panel_of
                .as_ref()
                .map_or(0, |of_row| of_row[*row]);
            let series = self.layer.series_of[*row];
            let key = match self.layer.mark.about().unit {
                Unit::Row | Unit::Sample => (*row, 0, 0, 0),
                Unit::Place => (panel, series, self.layer.x.keys[*row], 0),
                Unit::Cell => (panel, 0, self.layer.x.keys[*row], self.layer.y.keys[*row]),
            };
            let place = *known.entry(key).or_insert_with(|| {
                units.push(Vec::new());
                units.len() - 1
            });
            units[place].push(*row);
        }
        units.into_iter()
    }

    /// The cells of a heat map of which the table has no row.
    fn absent_cells(&self, field: &str) -> Option<String> {
        let layer = self.layer;
        if layer.mark.about().unit != Unit::Cell {
            return None;
        }
        let mut known: BTreeSet<(usize, usize, usize)> = BTreeSet::new();
        for row in &layer.raw {
            if let (Some(x), Some(y)) = (row.x, row.y) {
                known.insert((row.panel, x as usize, y as usize));
            }
        }
        let most = |of: fn(&(usize, usize, usize)) -> usize| known.iter().map(of).max();
        let total =
            (most(|cell| cell.0)? + 1) * (most(|cell| cell.1)? + 1) * (most(|cell| cell.2)? + 1);
        let absent = total - known.len();
        let have = if absent == 1 { "has" } else { "have" };
        (absent > 0).then(|| format!("{field}: {absent} of {total} cells {have} no row"))
    }

    /// That rows with different text are averaged, which is more often forgotten than meant.
    pub(super) fn averaged_over(&self) -> Result<Option<String>, Error> {
        let layer = self.layer;
        if layer.mark.about().unit != Unit::Place || layer.drawn.points == Some(true) {
            return Ok(None);
        }
        let drawn: BTreeSet<&str> = layer
            .drawn
            .channels()
            .iter()
            .map(|(_, c)| c.field.as_str())
            .collect();
        let rows: Vec<usize> = (0..layer.table.height()).collect();
        let several: Vec<Vec<usize>> = self.units(&rows).filter(|unit| unit.len() > 1).collect();
        for column in layer.table.columns() {
            let name = column.name().as_str();
            let known = drawn.contains(name) || self.groups.contains(&name);
            if known || !column.dtype().is_string() {
                continue;
            }
            for unit in &several {
                let first = column.get(unit[0])?;
                for row in &unit[1..] {
                    if column.get(*row)? != first {
                        let (mark, field) = (
                            layer.mark.about().name,
                            layer.y_channel().map_or("", |c| &c.field),
                        );
                        return Ok(Some(format!(
                            "{field}: each {mark} is a mean over rows with different `{name}`; give `{name}` to `color` or `facet`, or average by SQL"
                        )));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Intervals that are missing around values and means which are shown.
    fn intervals_told(
        &self,
        places: &Whereabouts<'_>,
        shown: &[Vec<usize>],
    ) -> Result<Vec<String>, Error> {
        let mut lines = Vec::new();
        let layer = self.layer;
        let sides = [
            (layer.x_channel(), &layer.x_interval, layer.spans[0]),
            (layer.y_channel(), &layer.y_interval, layer.spans[1]),
        ];
        for (channel, intervals, spans) in sides {
            let (Some(channel), Some(intervals), false) = (channel, intervals, spans) else {
                continue;
            };
            let missing = |unit: &Vec<usize>| Some((unit[0], intervals[unit[0]].err()?));
            let lost: Vec<(usize, Why)> = shown.iter().filter_map(missing).collect();
            let (different, lost): (Vec<_>, Vec<_>) = lost
                .into_iter()
                .partition(|(_, why)| *why == Why::Different);
            let what = subject(channel, true);
            lines.extend(places.not_shown(what, shown.len(), &lost, "not shown")?);
            // One of two ends has no place on the axis: the interval ends at the edge.
            let cut = |unit: &Vec<usize>| {
                let (low, high) = intervals[unit[0]].ok()?;
                let ends = placed(low, channel, false).and(placed(high, channel, false));
                Some((unit[0], ends.err()?))
            };
            let cut: Vec<(usize, Why)> = shown.iter().filter_map(cut).collect();
            let line = places.not_shown(what, shown.len(), &cut, "cut off")?;
            lines.extend(line.map(of(channel)));
            if !different.is_empty() {
                lines.push(format!(
                    "{}: no interval where rows are averaged that have different ones ({} of {})",
                    what.0,
                    different.len(),
                    shown.len()
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
        // A horizontal layer has its axes exchanged.
        let across = reference.x.is_some() != self.layer.flipped;
        let (along, channel) = if across {
            (&self.layer.x, self.layer.x_channel())
        } else {
            (&self.layer.y, self.layer.y_channel())
        };
        let none = Channel::default();
        let channel = channel.unwrap_or(&none);
        let holes: Vec<(usize, Why)> = levels
            .iter()
            .enumerate()
            .filter_map(|(row, level)| {
                let placed = level.and_then(|v| placed(v, channel, along.named));
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
            Some(Level::Band(ends)) => ends[0],
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
