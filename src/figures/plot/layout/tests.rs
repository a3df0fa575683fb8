//! The layout as a pure function: figures are generated, and what must hold of all of them is looked up in their scenes.

use polars::prelude::*;
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::*;
use crate::figures::plot::data::Tables;

/// What a generated figure is made of.
#[derive(Debug, Clone)]
struct Made {
    series: usize,
    panels: usize,
    names: Vec<String>,
    size: f64,
    power: i32,
    mark: &'static str,
    legend: &'static str,
    scale: &'static str,
    layout: &'static str,
    page: (f64, Option<f64>),
    title: bool,
    font_size: f64,
    angle: Option<f64>,
    free: bool,
}

fn made() -> impl Strategy<Value = Made> {
    let what = (
        1usize..13,
        1usize..9,
        prop::collection::vec("[a-z]{1,9}(-[a-z]{1,6})?( [a-z]{2,9}){0,4}", 13),
        -1.0f64..1.0,
        -8i32..12,
        prop::sample::select(vec!["line", "point", "bar"]),
    );
    let how = (
        prop::sample::select(vec!["best", "right", "bottom", "top", "ends", "none"]),
        prop::sample::select(vec!["linear", "log", "symlog", "sqrt"]),
        prop::sample::select(vec!["one", "facet", "grid", "panels"]),
        (150.0f64..600.0, prop::option::of(110.0f64..400.0)),
        any::<bool>(),
        5.0f64..16.0,
        prop::option::of(prop::sample::select(vec![0.0, 45.0, 90.0])),
        any::<bool>(),
    );
    (what, how).prop_map(
        |(
            (series, panels, names, size, power, mark),
            (legend, scale, layout, page, title, font_size, angle, free),
        )| Made {
            series,
            panels,
            names,
            size,
            power,
            mark,
            legend,
            scale,
            layout,
            page,
            title,
            font_size,
            angle,
            free,
        },
    )
}

impl Made {
    fn table(&self) -> DataFrame {
        let mut columns: [Vec<String>; 3] = Default::default();
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for panel in 0..self.panels {
            for series in 0..self.series {
                for step in 0..4 {
                    columns[0].push(format!("{} {panel}", self.names[12]));
                    columns[1].push(self.names[series].clone());
                    columns[2].push(["small", "large"][panel % 2].to_owned());
                    x.push(f64::from(step) * 10f64.powi(self.power));
                    let wave = (f64::from(step) + series as f64 * 0.3 + panel as f64).sin();
                    y.push((wave + self.size) * 10f64.powi(self.power / 2));
                }
            }
        }
        let [panel, series, half] = columns;
        df!("panel" => panel, "series" => series, "half" => half, "x" => x, "a_value" => y).unwrap()
    }

    fn plot(&self) -> Plot {
        // Bars have categories, and only lines have ends.
        let legend = match self.legend {
            "ends" if self.mark != "line" => "best",
            legend => legend,
        };
        let number = self.mark != "bar";
        let x = if number {
            serde_json::json!({ "field": "x", "title": "steps of the training so far", "angle": self.angle })
        } else {
            serde_json::json!({ "field": "panel", "angle": self.angle })
        };
        let mut y = serde_json::json!({ "field": "a_value", "scale": self.scale });
        let mut json = serde_json::json!({
            "mark": self.mark, "x": x, "color": "series", "legend": legend,
            "width": self.page.0, "height": self.page.1, "font_size": self.font_size,
            "reference": [{ "y": 1.0, "label": "a line to compare with" }],
        });
        if self.title {
            json["title"] = "What the figure is about in *one* long line".into();
        }
        match self.layout {
            "facet" => json["facet"] = "panel".into(),
            "grid" => (json["row"], json["column"]) = ("half".into(), "panel".into()),
            "panels" => {
                json.as_object_mut().unwrap().remove("reference");
                json["panels"] = serde_json::json!([
                    { "title": "One of them" }, { "legend": "bottom" }, { "facet": "half" },
                ]);
            }
            _ => {}
        }
        if self.free && self.layout == "facet" {
            y["share"] = false.into();
        }
        json["y"] = y;
        serde_json::from_value(json).unwrap()
    }

    /// The scene, unless the page is too small for it.
    fn scene(&self) -> Option<Scene> {
        let tables = [(String::new(), self.table())];
        let plot = self.plot();
        let data = Data::new(&plot, &Tables(&tables)).unwrap();
        if data.empty.is_some() {
            return None;
        }
        let notes = vec!["step = 100 of 200, which is not the last".to_owned()];
        compose(&plot, &data, &notes).ok()
    }
}

/// The corners of a text, turned as it is.
fn corners(place: Place, set: &super::super::element::Type, text: &str) -> [Place; 4] {
    let area = set.area(place, text);
    // The letters themselves: the room above and below them is air.
    let size = set.font.size;
    let (top, bottom) = match set.anchor.v_pos {
        plotters::style::text_anchor::VPos::Top => (place.1 + 0.1 * size, place.1 + 1.05 * size),
        plotters::style::text_anchor::VPos::Center => {
            (place.1 - 0.38 * size, place.1 + 0.56 * size)
        }
        plotters::style::text_anchor::VPos::Bottom => (place.1 - 0.74 * size, place.1 + 0.2 * size),
    };
    let (sin, cos) = set.turn.to_radians().sin_cos();
    let flat = [
        (area.left, top),
        (area.right, top),
        (area.right, bottom),
        (area.left, bottom),
    ];
    flat.map(|(x, y)| {
        let (dx, dy) = (x - place.0, y - place.1);
        (place.0 + dx * cos - dy * sin, place.1 + dx * sin + dy * cos)
    })
}

/// Whether two turned rectangles overlap by more than a hair: no side of either parts them.
fn overlap(a: &[Place; 4], b: &[Place; 4]) -> bool {
    let sides = [a, b]
        .into_iter()
        .flat_map(|one| [(one[0], one[1]), (one[1], one[2])]);
    sides.into_iter().all(|(from, to)| {
        let length = (to.0 - from.0).hypot(to.1 - from.1).max(1e-9);
        let normal = ((from.1 - to.1) / length, (to.0 - from.0) / length);
        let span = |one: &[Place; 4]| {
            let along = one.map(|(x, y)| x * normal.0 + y * normal.1);
            let low = along.into_iter().fold(f64::INFINITY, f64::min);
            (low, along.into_iter().fold(f64::NEG_INFINITY, f64::max))
        };
        let ((a, b), (c, d)) = (span(a), span(b));
        b.min(d) - a.max(c) > 0.3
    })
}

/// All texts of a scene with their corners.
fn texts(scene: &Scene) -> Vec<(String, [Place; 4])> {
    let shapes = scene.groups.iter().flat_map(|group| &group.shapes);
    let texts = shapes.filter_map(|shape| match shape {
        Shape::Text(place, set, text) => Some((text.clone(), corners(*place, set, text))),
        _ => None,
    });
    texts.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, ..ProptestConfig::default() })]

    #[test]
    fn no_text_lies_over_another_and_all_lie_on_the_page(made in made()) {
        let Some(scene) = made.scene() else { return Ok(()) };
        let texts = texts(&scene);
        for (place, (text, own)) in texts.iter().enumerate() {
            for (x, y) in own {
                let inside = (-0.5..=scene.width + 0.5).contains(x) && (-0.5..=scene.height + 0.5).contains(y);
                prop_assert!(inside, "{text:?} at {x} {y} of {} {}", scene.width, scene.height);
            }
            for (other, area) in &texts[..place] {
                prop_assert!(!overlap(own, area), "{text:?} over {other:?}: {own:?} {area:?}");
            }
        }
    }

    #[test]
    fn panels_in_line_begin_and_end_together(made in made()) {
        let tables = [(String::new(), made.table())];
        let plot = made.plot();
        let data = Data::new(&plot, &Tables(&tables)).unwrap();
        if data.empty.is_some() {
            return Ok(());
        }
        let figure = Figure::new(&plot, &data, &[]);
        let page = figure.size();
        let room = Area { left: EDGE, top: EDGE, right: page.0 - EDGE, bottom: page.1 - EDGE };
        let Ok(laid) = grid::lay_out(&figure, &room, page) else { return Ok(()) };
        for one in &laid {
            for other in &laid {
                if one.whole.top == other.whole.top {
                    prop_assert_eq!(one.inner.top, other.inner.top);
                    prop_assert_eq!(one.inner.bottom, other.inner.bottom);
                }
                if one.whole.left == other.whole.left {
                    prop_assert_eq!(one.inner.left, other.inner.left);
                    prop_assert_eq!(one.inner.right, other.inner.right);
                }
            }
            let areas: Vec<Area> = one.panels.iter().map(|panel| panel.area).collect();
            for area in &areas {
                prop_assert!((area.width() - areas[0].width()).abs() < 1e-6);
                prop_assert!((area.height() - areas[0].height()).abs() < 1e-6);
                prop_assert!(area.left >= one.inner.left - 1e-6 && area.right <= one.inner.right + 1e-6);
            }
        }
    }
}

#[test]
fn most_generated_figures_have_room() {
    // The properties above would hold of figures that are all refused.
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let figures = (0..80).map(|_| made().new_tree(&mut runner).unwrap().current());
    let drawn = figures.filter(|made| made.scene().is_some()).count();
    assert!(drawn >= 40, "{drawn} of 80");
}

#[test]
fn texts_that_lie_over_one_another_are_found() {
    let font = Fonts::new(&Plot::default()).tick;
    let set = |turn| super::super::element::Type {
        turn,
        ..super::super::element::Type::centred(font)
    };
    let at = |x, y, turn| corners((x, y), &set(turn), "some words");
    assert!(overlap(&at(50.0, 50.0, 0.0), &at(60.0, 53.0, 0.0)));
    assert!(!overlap(&at(50.0, 50.0, 0.0), &at(50.0, 61.0, 0.0)));
    assert!(overlap(&at(50.0, 50.0, 0.0), &at(50.0, 50.0, -90.0)));
    assert!(!overlap(&at(50.0, 50.0, -90.0), &at(61.0, 50.0, -90.0)));
}

/// A figure of lines of four series with these names, as wide as a column.
fn lines(names: [&str; 4], more: &serde_json::Value) -> Result<Scene, Error> {
    let series: Vec<&str> = names.iter().flat_map(|name| [*name; 3]).collect();
    let x: Vec<f64> = (0..12).map(|row| f64::from(row % 3)).collect();
    let y: Vec<f64> = (0..12).map(|row| f64::from(row / 3)).collect();
    let tables = [(
        String::new(),
        df!("x" => x, "y" => y, "s" => series).unwrap(),
    )];
    let mut json = serde_json::json!({
        "mark": "line", "x": "x", "y": "y", "color": "s", "width": 234,
    });
    json.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let plot: Plot = serde_json::from_value(json).unwrap();
    let data = Data::new(&plot, &Tables(&tables)).unwrap();
    compose(&plot, &data, &[])
}

fn words(scene: &Scene) -> Vec<String> {
    texts(scene).into_iter().map(|(text, _)| text).collect()
}

#[test]
fn a_series_outside_the_domain_is_said_not_to_be_shown() {
    for legend in ["best", "right", "bottom", "ends"] {
        let y = serde_json::json!({ "field": "y", "domain": [-0.5, 2.5] });
        let more = serde_json::json!({ "legend": legend, "y": y });
        let shown = words(&lines(["one", "two", "three", "four"], &more).unwrap()).join(" ");
        assert!(shown.contains("four (not shown)"), "{legend}: {shown}");
        assert_eq!(shown.matches("(not shown)").count(), 1, "{legend}: {shown}");
    }
}

#[test]
fn only_a_given_height_is_refused_for_a_high_legend() {
    let names = ["some", "name", "or", "other"];
    let more = |height: Option<f64>| serde_json::json!({ "legend": "right", "font_size": 24, "width": 360, "height": height });
    assert!(lines(names, &more(None)).unwrap().height > 150.0);
    let refused = lines(names, &more(Some(100.0))).unwrap_err().to_string();
    assert!(refused.contains("`height = "), "{refused}");
}

#[test]
fn long_names_take_more_lines_and_none_is_lost() {
    let names = [
        "teacherless training with a name of many words",
        "next-token prediction, the baseline",
        "reversed",
        "multi-token",
    ];
    for legend in ["best", "right", "bottom", "top", "ends"] {
        let more = serde_json::json!({ "legend": legend, "width": 300 });
        let shown = words(&lines(names, &more).unwrap()).join(" ");
        for word in names.iter().flat_map(|name| name.split(' ')) {
            assert!(shown.contains(word), "{legend}: {word} in {shown}");
        }
    }
}
