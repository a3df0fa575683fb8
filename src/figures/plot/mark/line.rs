//! A line through the values of each series, with a band for errors.

use plotters::element::Polygon;
use plotters::series::LineSeries;
use plotters::style::Color;

use super::contract::{Mark, Outside, Panel, Row, Rows, Unit};
use crate::figures::plot::axis::Spot;
use crate::figures::plot::element::{Marker, Page, Stroke, put};
use crate::figures::plot::palette::{Style, style};

/// Up to this many places every value gets a point of its own.
const FEW: usize = 15;

pub(super) struct Line;

impl Mark for Line {
    fn needs_vertical_numbers(&self) -> bool {
        true
    }

    fn unit(&self) -> Unit {
        Unit::Place
    }

    fn outside(&self) -> Outside {
        Outside::Cut
    }

    fn draw(&self, panel: &Panel, rows: &Rows<'_>) {
        let lines = lines(rows);
        // All bands lie under all lines.
        for (place, line) in lines.iter().enumerate() {
            for part in unbroken(line, |row| {
                panel.at(row.x, row.y).is_some() && row.y_interval.is_some()
            }) {
                band(panel, part, &style(place));
            }
        }
        for (place, line) in lines.iter().enumerate() {
            let style = style(place);
            let stroke = stroke(&style);
            for part in unbroken(line, |row| panel.at(row.x, row.y).is_some()) {
                let places = part.iter().filter_map(|row| panel.at(row.x, row.y));
                for element in LineSeries::new(places, stroke.style()) {
                    panel.put(&stroke.dashed(element));
                }
            }
        }
    }

    fn draw_points(&self, panel: &Panel, rows: &Rows<'_>) {
        if rows.points {
            for row in rows.rows {
                if let Some(place) = panel.within(row.x, row.y) {
                    panel.put(&Marker {
                        place,
                        radius: 1.5,
                        style: style(row.series),
                        opacity: 0.45,
                    });
                }
            }
        }
        for (place, line) in lines(rows).iter().enumerate() {
            for part in unbroken(line, |row| panel.at(row.x, row.y).is_some()) {
                // Between two gaps a line has no length.
                if line.len() > FEW && part.len() > 1 {
                    continue;
                }
                for place_of in part.iter().filter_map(|row| panel.within(row.x, row.y)) {
                    panel.put(&Marker {
                        place: place_of,
                        radius: 2.5,
                        style: style(place),
                        opacity: 1.0,
                    });
                }
            }
        }
    }

    fn sample(&self, page: &Page, (x, y): (f64, f64), width: f64, style: &Style) {
        put(page, &stroke(style).along([(x, y), (x + width, y)]));
        let marker = Marker {
            place: (x + width / 2.0, y),
            radius: 2.4,
            style: *style,
            opacity: 1.0,
        };
        put(page, &marker);
    }
}

/// The values of each series from left to right.
fn lines(rows: &Rows<'_>) -> Vec<Vec<Row>> {
    (0..rows.series)
        .map(|series| {
            let mut line = rows.averaged(series);
            line.sort_by(|a, b| a.x.unwrap_or(0.0).total_cmp(&b.x.unwrap_or(0.0)));
            line
        })
        .collect()
}

fn stroke(style: &Style) -> Stroke {
    Stroke {
        color: style.color,
        width: 1.4,
        dash: style.dash,
    }
}

/// The stretches of a line without a gap.
fn unbroken(line: &[Row], whole: impl Fn(&Row) -> bool) -> Vec<&[Row]> {
    line.split(|row| !whole(row))
        .filter(|part| !part.is_empty())
        .collect()
}

fn band(panel: &Panel, part: &[Row], style: &Style) {
    let edge = |upper: bool| {
        part.iter().filter_map(move |row| {
            let (low, high) = row.y_interval?;
            let y = if upper { high } else { low };
            Some((Spot::of(row.x?), Spot::of(y)))
        })
    };
    let outline: Vec<(Spot, Spot)> = edge(true).chain(edge(false).rev()).collect();
    if part.len() == 1 {
        // A band of one place has no width: show its height as a stroke.
        panel.put(&Stroke::new(style.color, 0.9).along(outline));
    } else {
        panel.put(&Polygon::new(outline, style.color.mix(0.18)));
    }
}
