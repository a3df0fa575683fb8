//! The values of one series at one category, which a box or a violin sums up.

use std::collections::BTreeMap;

use plotters::style::{RGBAColor, RGBColor};

use super::contract::{Drawing, Lack};
use super::frame::{Frame, marker};
use super::lanes::Lanes;
use super::row::Row;
use super::spread::{aside, spread};
use super::statistics::{Quartiles, quantile};
use crate::figures::plot::axis::Spot;
use crate::figures::plot::element::{INK, Stroke};
use crate::figures::plot::form::{Part, Tells, Unit as Form, hex as color};
use crate::figures::plot::palette::{Look, Shape as Sign};
use crate::figures::plot::scale::Spread;
use crate::figures::plot::scene::{Place, Shape};

/// The fewest values that quartiles say something of: with fewer, the five numbers of a box are more than the sample has
/// (Krzywinski and Altman 2014, "Visualizing samples with box plots").
pub(super) const ENOUGH: usize = 5;

/// What is told of a sample with fewer.
pub(super) const FEW: Lack = Lack {
    why: "fewer than 5 values, shown as points with their median",
    shown: true,
};

/// One sample.
pub(super) struct Sample {
    /// The place of its category.
    pub x: f64,
    pub series: usize,
    /// Its rows in the order of their values.
    pub rows: Vec<Row>,
    /// Their values on a line where the axis has even steps.
    pub even: Vec<f64>,
}

impl Sample {
    /// Whether it is too small to be summed up.
    pub(super) fn is_small(&self) -> bool {
        self.even.len() < ENOUGH
    }
}

/// The samples of the rows of a panel, of the values that have a place.
pub(super) fn samples(rows: &[Row], spread: Spread) -> Vec<Sample> {
    let mut found: BTreeMap<(usize, usize), Vec<(f64, Row)>> = BTreeMap::new();
    for row in rows {
        if let (Some(_), Some(even)) = (row.x, row.y.and_then(|y| spread.even(y))) {
            let sample = found.entry((row.x_key, row.series)).or_default();
            sample.push((even, *row));
        }
    }
    let samples = found.into_iter().map(|((_, series), mut values)| {
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        let x = values.first().and_then(|(_, row)| row.x);
        let (even, rows) = values.into_iter().unzip();
        Sample {
            x: x.unwrap_or_default(),
            series,
            rows,
            even,
        }
    });
    samples.collect()
}

/// Where samples are drawn: the panel with the lanes of its categories.
pub(super) struct Ground<'f> {
    pub frame: &'f Frame<'f>,
    pub lanes: Lanes,
    pub spread: Spread,
}

impl<'f> Ground<'f> {
    pub(super) fn new(frame: &'f Frame<'f>, layer: &Drawing<'_>) -> Option<Self> {
        Some(Self {
            frame,
            lanes: Lanes::new(frame, layer)?,
            spread: frame.y().scale.spread,
        })
    }

    /// The middle of the lane of a sample.
    pub(super) fn middle(&self, sample: &Sample, layer: &Drawing<'_>) -> Spot {
        let lane = layer.lanes.0.get(sample.series).copied();
        Spot::of(sample.x).by(self.lanes.shift(lane.unwrap_or_default()))
    }

    /// A place so many points beside the middle, at a value on the even line.
    pub(super) fn place(&self, x: Spot, beside: f64, even: f64) -> Place {
        let y = Spot::of(self.spread.value(even));
        self.frame.place(x.by(beside), y)
    }

    /// A line across the lane at a value.
    pub(super) fn across(&self, x: Spot, half: f64, even: f64, stroke: Stroke) -> Shape {
        let ends = [-half, half].map(|beside| self.place(x, beside, even));
        Shape::Line(ends.to_vec(), stroke)
    }

    /// A line along the lane from one value to another.
    pub(super) fn along(&self, x: Spot, ends: (f64, f64), stroke: Stroke) -> Shape {
        let ends = [ends.0, ends.1].map(|even| self.place(x, 0.0, even));
        Shape::Line(ends.to_vec(), stroke)
    }

    /// The median of a sample that is too small for more.
    pub(super) fn small(&self, sample: &Sample, layer: &Drawing<'_>) -> Option<Shape> {
        let median = quantile(&sample.even, 0.5)?;
        let x = self.middle(sample, layer);
        let half = (self.lanes.wide / 2.0).min(9.0);
        Some(self.across(x, half, median, Stroke::new(INK, 1.4)))
    }
}

/// The rows of samples that the panel shows one by one, as points in the colours of their series.
pub(super) fn points(frame: &Frame<'_>, rows: &[Row], layer: &Drawing<'_>) -> Vec<Shape> {
    let radius = 1.9;
    spread(frame, rows, layer, radius)
        .into_iter()
        .map(|(place, row)| {
            // Lanes tell series apart; the legend shows no shapes.
            let look = Look {
                shape: Sign::Circle,
                ..layer.looks[row.series]
            };
            marker(place, radius, &look, layer.opacity(None, 0.85))
        })
        .collect()
}

/// The values of a sample beyond its whiskers; all of a small one.
pub(super) fn alone(sample: &Sample) -> Vec<Row> {
    if sample.is_small() {
        return sample.rows.clone();
    }
    let Some(quartiles) = Quartiles::of(&sample.even) else {
        return Vec::new();
    };
    let rows = sample.rows.iter().zip(&sample.even);
    let rows = rows.filter(|(_, even)| quartiles.is_outlier(**even));
    rows.map(|(row, _)| *row).collect()
}

/// The samples of all panels, each with its panel.
pub(super) fn of_panels(rows: &[Row], spread: Spread) -> Vec<Sample> {
    let mut panels: BTreeMap<usize, Vec<Row>> = BTreeMap::new();
    for row in rows {
        panels.entry(row.panel).or_default().push(*row);
    }
    let panels = panels.into_values();
    panels.flat_map(|rows| samples(&rows, spread)).collect()
}

/// One row for what a sample is summed up by: the value at `y`, and the ends of an interval.
pub(super) fn summed(
    sample: &Sample,
    spread: Spread,
    value: f64,
    (low, high): (f64, f64),
) -> Option<Row> {
    Some(Row {
        y: Some(spread.value(value)),
        y_interval: Some((spread.value(low), spread.value(high))),
        opacity: None,
        ..*sample.rows.first()?
    })
}

/// Lines across the lanes at the medians, which in Vega-Lite are short bars without height.
pub(super) fn median_form(rows: &[Row], wide: f64) -> Form {
    Form::new("tick", rows)
        .with("thickness", 1.4)
        .with("opacity", 1)
        .with("size", wide)
        .with("color", color(INK))
        .at("x", Part::X)
        .at("y", Part::Y)
        .called(&[(Part::Y, "median")])
        .tells(&[Tells::Lane])
}

/// Points at some rows.
pub(super) fn points_form(frame: &Frame<'_>, rows: &[Row], layer: &Drawing<'_>) -> Form {
    let form = Form::new("point", rows)
        .with("filled", true)
        .at("x", Part::X)
        .at("y", Part::Y)
        .aside(aside(frame, rows, layer));
    if layer.drawn.points == Some(true) {
        let form = form.with("size", 9).with("color", color(INK));
        form.with("opacity", 0.6)
    } else {
        let form = form.with("size", 14.5).with("shape", "circle");
        form.with("opacity", 0.85).tells(&[Tells::Color])
    }
}

/// A colour as if it lay on white, so that the grid does not shine through it.
pub(super) fn light(color: RGBColor, share: f64, opacity: f64) -> RGBAColor {
    let on_white = |part: u8| (255.0 - (255.0 - f64::from(part)) * share).round() as u8;
    RGBAColor(
        on_white(color.0),
        on_white(color.1),
        on_white(color.2),
        opacity,
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::figures::plot::axis::Axis;
    use crate::figures::plot::canvas::Area;
    use crate::figures::plot::mark::{Mark, Panel};
    use crate::figures::plot::palette;
    use crate::figures::plot::scale::{Holds, Scale};
    use crate::figures::plot::spec::{Channel, Drawn};
    use crate::figures::plot::text::{Face, Font};

    /// A row with nothing but its place.
    pub(in super::super) fn row(at: usize, series: usize, x: f64, y: Option<f64>) -> Row {
        Row {
            row: at,
            panel: 0,
            series,
            x: Some(x),
            y,
            x_key: x as usize,
            x_interval: None,
            y_interval: None,
            base: None,
            value: None,
            size: None,
            opacity: None,
        }
    }

    /// What a mark draws of values at the first of two categories: in a panel of 200 × 100 points, from the left end of an
    /// axis from 0 to 100 if it is horizontal, else from the bottom.
    pub(in super::super) fn drawn(
        mark: &dyn Mark,
        values: &[f64],
        (horizontal, domain): (bool, [f64; 2]),
        layer: &Drawn,
    ) -> (Vec<Shape>, Vec<Shape>) {
        let font = Font {
            face: Face::Sans,
            size: 8.0,
            bold: false,
        };
        let area = Area {
            left: 0.0,
            top: 0.0,
            right: 200.0,
            bottom: 100.0,
        };
        let names = vec!["a".to_owned(), "b".to_owned()];
        let names = Scale::category(names, &Channel::named("x"));
        let channel = Channel {
            domain: Some(domain),
            ..Channel::named("y")
        };
        let numbers = Scale::over([].into_iter(), &channel, Holds::default());
        let (x, y) = if horizontal {
            (numbers, names)
        } else {
            (names, numbers)
        };
        let x = Axis::horizontal(&x, 200.0, font);
        let y = Axis::vertical(&y, 100.0, 400.0, font);
        let panel = Panel::new(area, &x, &y);
        let frame = Frame {
            panel: &panel,
            flipped: horizontal,
        };
        let look = Look {
            color: palette::color(crate::figures::plot::spec::PaletteName::Categorical, 0, 1),
            shape: Sign::Circle,
            dash: "",
        };
        let drawing = Drawing {
            drawn: layer,
            looks: &[look],
            lanes: (&[0], 1),
            labels: &[],
            value: None,
            largest: 0.0,
            face: Face::Sans,
            size: 8.0,
        };
        let rows = values.iter().enumerate();
        let rows: Vec<Row> = rows.map(|(at, y)| row(at, 0, 0.0, Some(*y))).collect();
        let shapes = mark.draw(&frame, &rows, &drawing);
        let points = mark.draw_points(&frame, &rows, &rows, &drawing);
        (shapes, points)
    }

    /// The places of points.
    pub(in super::super) fn places(points: &[Shape]) -> Vec<Place> {
        let places = points.iter().filter_map(|shape| match shape {
            Shape::Marker(marker) => Some(marker.place),
            _ => None,
        });
        places.collect()
    }

    #[test]
    fn samples_are_the_values_of_one_series_at_one_place() {
        let rows = [
            row(0, 1, 0.0, Some(100.0)),
            row(1, 0, 0.0, Some(0.0)),
            row(2, 1, 0.0, Some(10.0)),
            row(3, 1, 1.0, None),
            row(4, 0, 1.0, Some(1.0)),
        ];
        let found = samples(&rows, Spread::Log(10.0));
        let even: Vec<_> = found.iter().map(|s| (s.x, s.series, &s.even[..])).collect();
        assert_eq!(even, [(0.0, 1, &[1.0, 2.0][..]), (1.0, 0, &[0.0][..])]);
        let order: Vec<usize> = found[0].rows.iter().map(|row| row.row).collect();
        assert_eq!(order, [2, 0]);
    }
}
