//! Text beside each place, inside the panel and, as far as there is room, not over other places or texts.

use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::about::{About, USUAL};
use super::contract::{Drawing, Mark, Sampled};
use super::frame::Frame;
use super::lanes::shift;
use super::row::Row;
use crate::figures::plot::axis::{Axis, Spot};
use crate::figures::plot::canvas::Area;
use crate::figures::plot::element::{INK, Type};
use crate::figures::plot::form::{Part, Tells, Unit as Form};
use crate::figures::plot::palette::Look;
use crate::figures::plot::scene::{Place, Shape};
use crate::figures::plot::text::{self as letters, Font};

/// The air between a place and its text.
const AIR: f64 = 5.0;
/// Half the side of what is kept free around a place.
const DOT: f64 = 2.5;
/// The height of a line in sizes of its letters.
const LINE: f64 = 1.15;
/// The share of a panel's width that a line of text takes at most.
const WIDEST: f64 = 0.9;

pub(super) struct Text;

impl Mark for Text {
    fn about(&self) -> &'static About {
        const ABOUT: About = About {
            name: "text",
            doc: "Writes `label` beside each place, on the side where there is room; a row without a label writes nothing. Its `size` is that of the points it keeps clear of.",
            takes: &["color", "tint", "label", "size", "horizontal"],
            needs: &["label"],
            ..USUAL
        };
        &ABOUT
    }

    fn air(&self, labels: &[String], horizontal: bool, aside: bool) -> f64 {
        // How large the panel becomes is not known yet: about thirty letters wide, and ten lines high.
        let longest = labels.iter().map(|label| label.chars().count()).max();
        match (horizontal, aside) {
            (true, true) => ((longest.unwrap_or(0) + 2) as f64 / 30.0).min(0.5),
            (true, false) => 0.0,
            (false, _) => 0.12,
        }
    }

    fn draw(&self, _: &Frame<'_>, _: &[Row], _: &Drawing<'_>) -> Vec<Shape> {
        Vec::new()
    }

    fn draw_points(
        &self,
        frame: &Frame<'_>,
        rows: &[Row],
        _: &[Row],
        layer: &Drawing<'_>,
    ) -> Vec<Shape> {
        let panel = frame.panel.area;
        let mut texts: Vec<(Dot, Sides, Block, RGBColor)> = Vec::new();
        // Places without a text are kept free as well.
        let mut dots: Vec<Area> = Vec::new();
        for row in rows {
            let Some((x, y)) = frame.within(row.x, row.y) else {
                continue;
            };
            let place = frame.place(x.by(shift(frame, row, layer)), y);
            let dot = Dot {
                place,
                radius: layer.radius(Some(row), DOT).max(DOT),
            };
            dots.push(dot.area());
            let label = layer.labels.get(row.row).filter(|label| !label.is_empty());
            if let Some(label) = label {
                let font = Font {
                    face: layer.face,
                    size: layer.size,
                    bold: false,
                };
                let block = Block::fitting(label, font, &panel);
                texts.push((dot, sides(frame, place), block, layer.color_or(row, INK)));
            }
        }
        let mut taken: Vec<Area> = Vec::new();
        let mut shapes = Vec::new();
        for (dot, sides, block, color) in texts {
            let area = best(&block.around(dot, sides), &panel, &taken, &dots);
            taken.push(inked(&area));
            shapes.extend(block.shapes(&area, color));
        }
        shapes
    }

    fn vega(&self, frame: &Frame<'_>, rows: &[Row], _: &[Row], layer: &Drawing<'_>) -> Vec<Form> {
        let labelled = |row: &&Row| {
            let label = layer.labels.get(row.row);
            label.is_some_and(|label| !label.is_empty())
        };
        let rows: Vec<Row> = rows.iter().filter(labelled).copied().collect();
        let labels = rows
            .iter()
            .map(|row| layer.labels[row.row].clone())
            .collect();
        // On which side there is room Vega-Lite does not know: above a place, and after one that lies.
        let (dx, dy, align) = match (frame.panel.x().named(), frame.panel.y().named()) {
            (true, true) => (0.0, 0.0, "center"),
            (false, true) => (AIR, 0.0, "left"),
            _ => (0.0, -AIR - 1.0, "center"),
        };
        let plain = layer.drawn.color.is_none() && layer.drawn.tint.is_none();
        let form = Form::new("text", &rows)
            .with("align", align)
            .with("dx", dx)
            .with("dy", dy)
            .at("x", Part::X)
            .at("y", Part::Y)
            .tells(&[Tells::Color, Tells::Lane])
            .writes(labels);
        vec![if plain { form.plain(INK) } else { form }]
    }

    fn sample(&self, (x, y): Place, width: f64, look: &Look, layer: &Sampled<'_>) -> Vec<Shape> {
        // Beside the sign of another mark the colour is told already.
        if !layer.alone {
            return Vec::new();
        }
        let set = Type {
            color: look.color,
            ..Type::new(layer.font, HPos::Center, VPos::Center)
        };
        vec![Shape::Text((x + width / 2.0, y), set, "abc".to_owned())]
    }

    fn has_points(&self, _: &[Row], _: &crate::figures::plot::spec::Drawn) -> bool {
        false
    }
}

/// The point that a text belongs to.
#[derive(Debug, Clone, Copy)]
struct Dot {
    place: Place,
    radius: f64,
}

impl Dot {
    fn area(self) -> Area {
        let (x, y) = self.place;
        Area {
            left: x - self.radius,
            right: x + self.radius,
            top: y - self.radius,
            bottom: y + self.radius,
        }
    }
}

/// On which sides of a place a text may stand.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Sides {
    /// On the place itself, the middle of a cell.
    Middle,
    /// Above and below; below first where that is away from zero.
    Upright {
        down: bool,
    },
    /// At the left and the right; at the left first where that is away from zero.
    Across {
        left: bool,
    },
    All,
}

/// The sides of a place, by what the axes hold: a text at the end of a bar is best outside it.
fn sides(frame: &Frame<'_>, (x, y): Place) -> Sides {
    let (panel, spot) = (frame.panel, |axis: &Axis| {
        let (low, high) = axis.scale.ends();
        let zero = if axis.scale.is_log() {
            low
        } else {
            0f64.clamp(low, high)
        };
        Spot::of(zero)
    });
    let (x_axis, y_axis) = (panel.x(), panel.y());
    let zero = panel.place(spot(x_axis), spot(y_axis));
    match (x_axis.named(), y_axis.named()) {
        (true, true) => Sides::Middle,
        (true, false) => Sides::Upright { down: y > zero.1 },
        (false, true) => Sides::Across { left: x < zero.0 },
        (false, false) => Sides::All,
    }
}

/// Lines of text of one size.
struct Block {
    lines: Vec<String>,
    font: Font,
    wide: f64,
    high: f64,
}

impl Block {
    /// The text in lines that fit into a panel, in smaller letters where its words are too wide.
    fn fitting(label: &str, font: Font, panel: &Area) -> Self {
        let most = (panel.width() * WIDEST, panel.height());
        let at = |size: f64| {
            let font = font.at(size);
            let lines = letters::wrapped(label, font, most.0);
            let widths = lines.iter().map(|line| letters::width(line, font));
            Self {
                wide: widths.fold(0.0, f64::max),
                high: lines.len() as f64 * size * LINE,
                lines,
                font,
            }
        };
        let mut block = at(font.size);
        let mut size = font.size;
        while (block.wide > most.0 || block.high > most.1) && size > 0.5 {
            size *= 0.9;
            block = at(size);
        }
        block
    }

    /// Where it could stand around a place, the best first, each with what it costs to take it.
    fn around(&self, dot: Dot, sides: Sides) -> Vec<(Area, f64)> {
        let (x, y) = dot.place;
        let at = |(across, down): (f64, f64)| {
            let (left, top) = (x + across - self.wide / 2.0, y + down - self.high / 2.0);
            Area {
                left,
                top,
                right: left + self.wide,
                bottom: top + self.high,
            }
        };
        // Beside a larger point it stands as far off as beside a usual one.
        let more = dot.radius - DOT;
        let aside = self.wide / 2.0 + AIR + more;
        let up = self.high / 2.0 + AIR * 0.6 + more;
        let tries: &[(f64, f64)] = match sides {
            Sides::Middle => &[(0.0, 0.0)],
            Sides::Upright { down: false } => &[(0.0, -1.0), (0.0, 1.0)],
            Sides::Upright { down: true } => &[(0.0, 1.0), (0.0, -1.0)],
            Sides::Across { left: false } => &[(1.0, 0.0), (-1.0, 0.0), (0.0, -1.0), (0.0, 1.0)],
            Sides::Across { left: true } => &[(-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0)],
            Sides::All => &[
                (0.0, -1.0),
                (1.0, 0.0),
                (-1.0, 0.0),
                (0.0, 1.0),
                (1.0, -1.0),
                (-1.0, -1.0),
                (1.0, 1.0),
                (-1.0, 1.0),
            ],
        };
        // A text on the other side may lie in a bar: better to move it a little.
        let step = if sides == Sides::All { 0.0 } else { 15.0 };
        let tries = tries.iter().enumerate();
        tries
            .map(|(order, (across, down))| (at((across * aside, down * up)), order as f64 * step))
            .collect()
    }

    fn shapes(&self, area: &Area, color: RGBColor) -> Vec<Shape> {
        let set = Type {
            color,
            ..Type::new(self.font, HPos::Center, VPos::Center)
        };
        let middle = (area.left + area.right) / 2.0;
        let line = self.font.size * LINE;
        let lines = self.lines.iter().enumerate();
        let lines = lines.map(|(at, text)| {
            let y = area.top + (at as f64 + 0.5) * line;
            Shape::Text((middle, y), set, text.clone())
        });
        lines.collect()
    }
}

/// That of some areas which hides least and is moved least to lie in the panel; the first of equal ones.
fn best(tries: &[(Area, f64)], panel: &Area, taken: &[Area], dots: &[Area]) -> Area {
    let mut found: Option<(f64, Area)> = None;
    for (area, own) in tries {
        let moved = inside(area, panel);
        let ink = inked(&moved);
        let texts = taken.iter().filter(|other| other.overlaps(&ink)).count();
        let covered = dots.iter().filter(|dot| dot.overlaps(&ink)).count();
        let by = (moved.left - area.left).abs() + (moved.top - area.top).abs();
        // Two texts over one another cannot be read.
        let cost = own + texts as f64 * 1000.0 + covered as f64 * 10.0 + by;
        if found.as_ref().is_none_or(|(least, _)| cost < *least) {
            found = Some((cost, moved));
        }
    }
    found.map_or(*panel, |(_, area)| area)
}

/// The area of a text without the air above and below its letters.
fn inked(area: &Area) -> Area {
    const SPARE: f64 = 1.4;
    Area {
        top: area.top + SPARE,
        bottom: area.bottom - SPARE,
        ..*area
    }
}

/// An area moved so that it lies in a panel.
fn inside(area: &Area, panel: &Area) -> Area {
    let by = |low: f64, high: f64, from: f64, to: f64| {
        if low < from {
            from - low
        } else {
            (to - high).min(0.0)
        }
    };
    let across = by(area.left, area.right, panel.left + 1.0, panel.right - 1.0);
    let down = by(area.top, area.bottom, panel.top, panel.bottom - 1.0);
    Area {
        left: area.left + across,
        right: area.right + across,
        top: area.top + down,
        bottom: area.bottom + down,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::plot::text::Face;

    const PANEL: Area = Area {
        left: 0.0,
        top: 0.0,
        right: 100.0,
        bottom: 60.0,
    };

    fn dot(place: Place) -> Dot {
        Dot { place, radius: DOT }
    }

    fn block(label: &str) -> Block {
        let font = Font {
            face: Face::Sans,
            size: 8.0,
            bold: false,
        };
        Block::fitting(label, font, &PANEL)
    }

    #[test]
    fn a_text_keeps_inside_the_panel_wherever_its_place_is() {
        for label in ["a", "several words that need more lines", &"w".repeat(80)] {
            let block = block(label);
            for place in [(0.0, 0.0), (100.0, 60.0), (50.0, 0.0), (99.0, 30.0)] {
                let area = best(&block.around(dot(place), Sides::All), &PANEL, &[], &[]);
                let is_inside = area.left >= 0.0
                    && area.right <= 100.0
                    && area.top >= -1e-9
                    && area.bottom <= 60.0;
                assert!(is_inside, "{label} {place:?} {area:?}");
            }
            assert_eq!(
                block.lines.concat().replace(' ', "").len(),
                label.replace(' ', "").len()
            );
        }
    }

    #[test]
    fn texts_of_one_place_do_not_lie_over_one_another() {
        let block = block("label");
        let mut taken = Vec::new();
        for _ in 0..4 {
            let area = best(
                &block.around(dot((50.0, 30.0)), Sides::All),
                &PANEL,
                &taken,
                &[],
            );
            let is_free = !taken.iter().any(|other| inked(&area).overlaps(other));
            assert!(is_free, "{taken:?}");
            taken.push(inked(&area));
        }
    }

    #[test]
    fn a_text_keeps_clear_of_a_large_point() {
        let large = Dot {
            place: (50.0, 30.0),
            radius: 9.0,
        };
        let area = best(
            &block("A").around(large, Sides::All),
            &PANEL,
            &[],
            &[large.area()],
        );
        assert!(!inked(&area).overlaps(&large.area()), "{area:?}");
        let usual = best(
            &block("A").around(dot(large.place), Sides::All),
            &PANEL,
            &[],
            &[],
        );
        assert!(inked(&usual).overlaps(&large.area()), "{usual:?}");
    }
}
