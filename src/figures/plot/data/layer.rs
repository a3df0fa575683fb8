//! The rows of one layer, with what they look like.

use std::collections::BTreeMap;

use polars::prelude::{Column, DataFrame};

use super::interval::{of_side, places};
use super::{Keys, Tables};
use crate::figures::plot::column::{Along, Intervals, interval_at, is_empty, numbers};
use crate::figures::plot::hole::{Cell, Why};
use crate::figures::plot::mark::{Basis, Mark, Row, Side, Unit};
use crate::figures::plot::palette::{self, Look};
use crate::figures::plot::spec::{Amount, Channel, Drawn, PaletteName, Stack};
use crate::figures::table::{self, Error};

/// From so many different numbers on, points are coloured by a scale and not one by one.
const MANY: usize = 10;

/// One layer of a panel.
pub(in crate::figures::plot) struct Layer<'a> {
    pub drawn: Drawn,
    pub mark: &'static dyn Mark,
    pub table: &'a DataFrame,
    /// Whether its axes are exchanged.
    pub flipped: bool,
    /// Along its own axes: of a horizontal mark `x` is the vertical one.
    pub x: Along,
    pub y: Along,
    /// What these axes are.
    pub bases: [Basis; 2],
    pub x_interval: Intervals,
    pub y_interval: Intervals,
    /// Along which of its own axes it is drawn by the interval and not by the value.
    pub spans: [bool; 2],
    /// What it is coloured by: a heat map's `value`, or a `color` with many numbers.
    pub value: Vec<Cell>,
    /// The panel of every row; none where its table has no such column, and it is in all panels.
    pub panel_of: Option<Vec<usize>>,
    /// The series of every row.
    pub series_of: Vec<usize>,
    /// How each series looks.
    pub looks: Vec<Look>,
    /// The lane of each series in a category, and how many there are.
    pub lanes: (Vec<usize>, usize),
    /// The rows of the table, and as they are drawn.
    pub raw: Vec<Row>,
    pub rows: Vec<Row>,
    /// The text of every row, for marks that write.
    pub labels: Vec<String>,
    /// The largest number that a size stands for.
    pub largest: f64,
}

/// Whether `color` is a scale of numbers and not one colour for each.
pub(in crate::figures::plot) fn by_number(drawn: &Drawn, table: &DataFrame) -> Result<bool, Error> {
    let Some(channel) = &drawn.color else {
        return Ok(false);
    };
    let about = drawn.mark.map(|mark| mark.mark().about());
    let each = about.is_some_and(|about| about.unit == Unit::Row);
    let column = table::column(table, &channel.field)?;
    if !each
        || !column.dtype().is_primitive_numeric()
        || channel.palette == Some(PaletteName::Categorical)
        || channel.order.is_some()
    {
        return Ok(false);
    }
    Ok(column.n_unique()? >= MANY || channel.domain.is_some())
}

/// Which of the two axes stands where, and what the layer's mark needs there.
pub(in crate::figures::plot) struct Sides<'d> {
    /// The channel along which marks stand, and what they need.
    pub x: (Option<&'d Channel>, Side),
    /// The channel along which they reach.
    pub y: (Option<&'d Channel>, Side),
    pub flipped: bool,
}

impl<'d> Sides<'d> {
    pub(in crate::figures::plot) fn of(drawn: &'d Drawn, table: &DataFrame) -> Result<Self, Error> {
        let about = drawn
            .mark
            .ok_or_else(|| Error::Unsuitable("a layer needs a `mark`".to_owned()))?
            .mark()
            .about();
        let (x, y) = (drawn.x.as_ref(), drawn.y.as_ref());
        let flipped = match drawn.horizontal {
            // A mark that computes its other axis stands along the one that is given.
            _ if about.y == Side::Computed => {
                let given =
                    |channel: Option<&Channel>| channel.is_some_and(|c| !c.field.is_empty());
                !given(x) && given(y)
            }
            Some(horizontal) => horizontal,
            None if about.takes.contains(&"horizontal") => {
                let text = |channel: Option<&Channel>| -> Result<Option<bool>, Error> {
                    let Some(channel) = channel else {
                        return Ok(None);
                    };
                    let column = table::column(table, &channel.field)?;
                    let text = !column.dtype().is_primitive_numeric() && !is_empty(column);
                    Ok(Some(text))
                };
                match (text(x)?, text(y)?) {
                    (Some(x), Some(y)) if x != y => y,
                    // Where both are alike, a mark reaches along the axis that has an interval.
                    (Some(_), Some(_)) => {
                        let has = |side: &Option<Channel>| {
                            side.as_ref().is_some_and(Channel::has_interval)
                        };
                        about.intervals == ["y"] && has(&drawn.x) && !has(&drawn.y)
                    }
                    _ => false,
                }
            }
            None => false,
        };
        let (x, y) = if flipped { (y, x) } else { (x, y) };
        Ok(Self {
            x: (x, about.x),
            y: (y, about.y),
            flipped,
        })
    }
}

/// What a layer takes from its panel.
pub(in crate::figures::plot) struct Placed<'d> {
    pub at: (usize, usize),
    pub drawn: &'d Drawn,
    pub x: Along,
    pub y: Along,
    /// What its own two axes are.
    pub bases: [Basis; 2],
    pub panel_of: Option<Vec<usize>>,
    /// How many panels there are.
    pub panels: usize,
}

impl<'a> Layer<'a> {
    pub(in crate::figures::plot) fn new(
        placed: Placed<'_>,
        tables: &Tables<'a>,
        keys: &Keys,
    ) -> Result<Self, Error> {
        let drawn = placed.drawn;
        let table = tables.named(drawn.from.as_deref())?;
        let sides = Sides::of(drawn, table)?;
        let mark = drawn
            .mark
            .expect("the sides of a layer without a mark are refused")
            .mark();
        let height = table.height();
        if let Some(why) = mark.refuses(drawn, [placed.x.named, placed.y.named]) {
            return Err(Error::Unsuitable(why));
        }
        let series = Series::new(placed.at, height, drawn, keys);
        let together = match mark.about().unit {
            Unit::Place => places(placed.panel_of.as_deref(), &series.of_row, &placed.x.keys),
            _ => Vec::new(),
        };
        let x_interval = of_side(table, mark, ("x", sides.x.0), &placed.x, &[])?;
        let y_interval = of_side(table, mark, ("y", sides.y.0), &placed.y, &together)?;
        let colored = match &drawn.color {
            Some(channel) if by_number(drawn, table)? => Some(channel),
            _ => None,
        };
        let value = match drawn.value.as_ref().or(colored) {
            Some(channel) => numbers(table, &channel.field)?,
            None => vec![Err(Why::Missing); height],
        };
        let amounts = |amount: &Option<Amount>| match amount.as_ref().and_then(Amount::column) {
            Some(channel) => numbers(table, &channel.field).map(Some),
            None => Ok(None),
        };
        let (size, opacity) = (amounts(&drawn.size)?, amounts(&drawn.opacity)?);
        let labels = match &drawn.label {
            Some(channel) => written(table::column(table, &channel.field)?, channel)?,
            None => Vec::new(),
        };
        let largest = size.iter().flatten().flatten().copied().fold(0.0, f64::max);
        let known = |cells: &Option<Vec<Cell>>, row: usize| cells.as_ref()?[row].ok();
        let mut raw = Vec::new();
        for row in 0..height {
            let panels = match &placed.panel_of {
                Some(of_row) => of_row[row]..of_row[row] + 1,
                None => 0..placed.panels,
            };
            for panel in panels {
                raw.push(Row {
                    row,
                    panel,
                    series: series.of_row[row],
                    x: placed.x.cells.get(row).and_then(|cell| cell.ok()),
                    y: placed.y.cells.get(row).and_then(|cell| cell.ok()),
                    x_key: placed.x.keys.get(row).copied().unwrap_or_default(),
                    x_interval: interval_at(&x_interval, row),
                    y_interval: interval_at(&y_interval, row),
                    base: None,
                    value: value[row].ok(),
                    size: known(&size, row),
                    opacity: known(&opacity, row),
                });
            }
        }
        if drawn.stack == Some(Stack::Share)
            && let Some(row) = raw.iter().find(|row| row.y.is_some_and(|y| y < 0.0))
        {
            return Err(Error::Unsuitable(format!(
                "`stack = \"share\"` divides by a sum, and `{}` is {} in row {}: values below 0 have no shares; use \
                 `stack = \"sum\"`",
                sides.y.0.map_or("", |channel| &channel.field),
                row.y.unwrap_or_default(),
                row.row + 1
            )));
        }
        let rows = mark.computed(&raw, drawn, &placed.bases[0]);
        let lanes = series.lanes(sides.x.0, drawn);
        Ok(Self {
            drawn: drawn.clone(),
            mark,
            table,
            flipped: sides.flipped,
            x: placed.x,
            y: placed.y,
            bases: placed.bases,
            x_interval,
            y_interval,
            spans: mark.spans(drawn),
            value,
            panel_of: placed.panel_of,
            series_of: series.of_row,
            looks: series.looks,
            lanes,
            raw,
            rows,
            labels,
            largest,
        })
    }

    /// The channel along which its marks stand.
    pub(in crate::figures::plot) fn x_channel(&self) -> Option<&Channel> {
        if self.flipped {
            self.drawn.y.as_ref()
        } else {
            self.drawn.x.as_ref()
        }
    }

    /// The channel along which they reach.
    pub(in crate::figures::plot) fn y_channel(&self) -> Option<&Channel> {
        if self.flipped {
            self.drawn.x.as_ref()
        } else {
            self.drawn.y.as_ref()
        }
    }

    /// Whether a row has what it is drawn by along both of its own axes: the value, or the interval.
    pub(in crate::figures::plot) fn is_placed(&self, row: &Row) -> bool {
        let about = self.mark.about();
        let x = (about.x, self.x_channel(), row.x, row.x_interval);
        let y = (about.y, self.y_channel(), row.y, row.y_interval);
        [x, y]
            .into_iter()
            .zip(self.spans)
            .all(|((side, channel, value, interval), spans)| match side {
                Side::Computed => true,
                Side::Optional if channel.is_none() => true,
                _ if spans => interval.is_some(),
                _ => value.is_some(),
            })
    }

    /// What it is coloured by, where that is a scale of numbers.
    pub(in crate::figures::plot) fn value_channel(&self) -> Option<&Channel> {
        if self.drawn.value.is_some() {
            return self.drawn.value.as_ref();
        }
        let color = self.drawn.color.as_ref()?;
        by_number(&self.drawn, self.table)
            .unwrap_or_default()
            .then_some(color)
    }
}

/// The series of a layer: one for each combination of colour, shape and dash.
struct Series {
    of_row: Vec<usize>,
    looks: Vec<Look>,
    /// The groups of `color`, `shape` and `dash` of each series.
    combined: Vec<[usize; 3]>,
}

impl Series {
    fn new(at: (usize, usize), height: usize, drawn: &Drawn, keys: &Keys) -> Self {
        let key = |parameter| keys.of(parameter, at);
        let (color, shape, dash) = (key("color"), key("shape"), key("dash"));
        let groups = |key: Option<&super::Key>| -> Vec<usize> {
            key.and_then(|key| key.of_rows(at))
                .map_or_else(|| vec![0; height], <[usize]>::to_vec)
        };
        let all = [groups(color), groups(shape), groups(dash)];
        let combination = |row: usize| [all[0][row], all[1][row], all[2][row]];
        let mut places: BTreeMap<[usize; 3], usize> =
            (0..height).map(|row| (combination(row), 0)).collect();
        // Series of one column alone are all its groups, whether or not this layer has rows of each.
        if shape.is_none() && dash.is_none() {
            let count = color.map_or(1, |key| key.names().len().max(1));
            places.extend((0..count).map(|group| ([group, 0, 0], 0)));
        }
        let combined: Vec<[usize; 3]> = places.keys().copied().collect();
        for (place, group) in places.values_mut().enumerate() {
            *group = place;
        }
        let tint = drawn.tint.as_deref().and_then(palette::written);
        let looks = combined.iter().map(|[c, s, d]| {
            let count = color.map_or(1, |key| key.names().len());
            let palette = color.map_or(PaletteName::Categorical, super::Key::palette);
            // Without columns of their own, shape and dash tell what the colour tells.
            let alone = shape.is_none() && dash.is_none();
            Look {
                color: tint.unwrap_or_else(|| palette::color(palette, *c, count)),
                shape: palette::shape(if shape.is_some() || !alone {
                    *s
                } else if tint.is_some() {
                    // One look for all is meant.
                    0
                } else {
                    *c
                }),
                dash: palette::dash(if dash.is_some() || !alone { *d } else { *c }),
            }
        });
        Self {
            of_row: (0..height).map(|row| places[&combination(row)]).collect(),
            looks: looks.collect(),
            combined,
        }
    }

    /// Where series stand within a category: side by side, unless they are what the categories are.
    fn lanes(&self, x: Option<&Channel>, drawn: &Drawn) -> (Vec<usize>, usize) {
        let stacks = !matches!(drawn.stack, None | Some(Stack::None));
        let x = x.map(|channel| &channel.field);
        let parts = [&drawn.color, &drawn.shape, &drawn.dash];
        // Only what differs from the categories parts them.
        let apart: Vec<bool> = parts
            .iter()
            .map(|channel| channel.is_some() && channel.as_ref().map(|c| &c.field) != x)
            .collect();
        if stacks || !apart.contains(&true) {
            return (vec![0; self.looks.len()], 1);
        }
        let mut lanes: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        let key = |groups: &[usize; 3]| -> Vec<usize> {
            let own = groups.iter().zip(&apart).filter(|(_, apart)| **apart);
            own.map(|(group, _)| *group).collect()
        };
        for groups in &self.combined {
            lanes.insert(key(groups), 0);
        }
        for (place, lane) in lanes.values_mut().enumerate() {
            *lane = place;
        }
        let of_series = self.combined.iter().map(|groups| lanes[&key(groups)]);
        (of_series.collect(), lanes.len())
    }
}

/// The texts of a column, as mark-up.
fn written(column: &Column, channel: &Channel) -> Result<Vec<String>, Error> {
    use crate::figures::plot::{number, text};
    if column.dtype().is_float() || channel.format.is_some() {
        let values: Vec<Option<f64>> = table::numbers(column)?;
        let known: Vec<f64> = values.iter().flatten().copied().collect();
        let mut texts = match channel.format {
            Some(_) => number::labels(&known, channel.format, true).texts,
            None => number::alike(&known).into_iter().next().unwrap_or_default(),
        }
        .into_iter();
        return Ok(values
            .iter()
            .map(|value| match value {
                Some(_) => texts.next().unwrap_or_default(),
                None => String::new(),
            })
            .collect());
    }
    let texts = table::texts(column)?.into_iter();
    Ok(texts
        .map(|text| text.map_or_else(String::new, |text| text::literal(&text)))
        .collect())
}
