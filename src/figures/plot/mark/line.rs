//! A line through the values of each series, with a band for errors.

use super::contract::{Mark, Panel, Row, Rows, ink_along};
use crate::figures::plot::canvas::{Canvas, Stroke};
use crate::figures::plot::palette::{Style, style};

/// Up to this many places every value gets a point of its own.
const FEW: usize = 15;

pub(super) struct Line;

impl Mark for Line {
    fn needs_vertical_numbers(&self) -> bool {
        true
    }

    fn draw(&self, canvas: &mut Canvas, panel: &Panel<'_>, rows: &Rows<'_>) {
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
                band(canvas, panel, part, &style(place));
            }
        }
        if rows.points {
            for row in rows.rows {
                if let Some(at) = panel.at(row.x, row.y) {
                    canvas.point(at, 1.5, &style(row.series), 0.45);
                    canvas.ink(at);
                }
            }
        }
        for (place, line) in series.iter().enumerate() {
            let style = style(place);
            for part in unbroken(line, |row| panel.at(row.x, row.y).is_some()) {
                let points: Vec<(f64, f64)> = part
                    .iter()
                    .filter_map(|row| panel.at(row.x, row.y))
                    .collect();
                canvas.line(
                    &points,
                    Stroke {
                        color: style.color,
                        width: 1.4,
                        dash: style.dash,
                    },
                );
                for pair in points.windows(2) {
                    ink_along(canvas, pair[0], pair[1]);
                }
                if line.len() <= FEW || points.len() == 1 {
                    for at in points {
                        canvas.point(at, 2.5, &style, 1.0);
                        canvas.ink(at);
                    }
                }
            }
        }
    }

    fn sample(&self, canvas: &mut Canvas, (x, y): (f64, f64), width: f64, style: &Style) {
        canvas.line(
            &[(x, y), (x + width, y)],
            Stroke {
                color: style.color,
                width: 1.4,
                dash: style.dash,
            },
        );
        canvas.point((x + width / 2.0, y), 2.4, style, 1.0);
    }
}

/// The stretches of a line without a gap.
fn unbroken(line: &[Row], whole: impl Fn(&Row) -> bool) -> Vec<&[Row]> {
    line.split(|row| !whole(row))
        .filter(|part| !part.is_empty())
        .collect()
}

fn band(canvas: &mut Canvas, panel: &Panel<'_>, part: &[Row], style: &Style) {
    let edge = |sign: f64| -> Vec<(f64, f64)> {
        part.iter()
            .filter_map(|row| {
                let x = panel.across(row.x?)?;
                let y = panel
                    .up(row.y? + sign * row.y_error?)
                    .unwrap_or(panel.area.bottom);
                Some((x, y))
            })
            .collect()
    };
    let mut outline = edge(1.0);
    let mut under = edge(-1.0);
    for pair in outline.windows(2).chain(under.windows(2)) {
        ink_along(canvas, pair[0], pair[1]);
    }
    if let ([(x, high)], [(_, low)]) = (outline.as_slice(), under.as_slice()) {
        // A band of one place has no width: show its height as a stroke.
        let (x, high, low) = (*x, *high, *low);
        canvas.line(&[(x, low), (x, high)], Stroke::new(style.color, 0.9));
        return;
    }
    under.reverse();
    outline.append(&mut under);
    canvas.polygon(&outline, style.color, 0.18);
}
