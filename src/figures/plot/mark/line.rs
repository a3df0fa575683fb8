//! A line through the values of each series, with a band for errors.

use plotters::element::Polygon;
use plotters::series::LineSeries;
use plotters::style::Color;

use super::contract::{Mark, Panel, Row, Rows};
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

    fn draw(&self, panel: &Panel, rows: &Rows<'_>) {
        let series: Vec<Vec<Row>> = (0..rows.series)
            .map(|series| {
                let mut line = rows.averaged(series);
                line.sort_by(|a, b| a.x.unwrap_or(0.0).total_cmp(&b.x.unwrap_or(0.0)));
                line
            })
            .collect();
        // All bands lie under all lines.
        for (place, line) in series.iter().enumerate() {
            for part in unbroken(line, |row| {
                panel.at(row.x, row.y).is_some() && row.y_error.is_some()
            }) {
                band(panel, part, &style(place));
            }
        }
        if rows.points {
            for row in rows.rows {
                if let Some(place) = panel.at(row.x, row.y) {
                    panel.put(&Marker {
                        place,
                        radius: 1.5,
                        style: style(row.series),
                        opacity: 0.45,
                    });
                }
            }
        }
        for (place, line) in series.iter().enumerate() {
            let style = style(place);
            let stroke = stroke(&style);
            for part in unbroken(line, |row| panel.at(row.x, row.y).is_some()) {
                let places: Vec<(Spot, Spot)> = part
                    .iter()
                    .filter_map(|row| panel.at(row.x, row.y))
                    .collect();
                for element in LineSeries::new(places.iter().copied(), stroke.style()) {
                    panel.put(&stroke.dashed(element));
                }
                if line.len() <= FEW || places.len() == 1 {
                    for place in places {
                        panel.put(&Marker {
                            place,
                            radius: 2.5,
                            style,
                            opacity: 1.0,
                        });
                    }
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
    let edge = |sign: f64| {
        part.iter().filter_map(move |row| {
            let y = row.y? + sign * row.y_error?;
            Some((Spot::of(row.x?), Spot::of(y)))
        })
    };
    let outline: Vec<(Spot, Spot)> = edge(1.0).chain(edge(-1.0).rev()).collect();
    if part.len() == 1 {
        // A band of one place has no width: show its height as a stroke.
        panel.put(&Stroke::new(style.color, 0.9).along(outline));
    } else {
        panel.put(&Polygon::new(outline, style.color.mix(0.18)));
    }
}
