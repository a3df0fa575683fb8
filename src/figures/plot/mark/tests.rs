//! Marks as figures show them: alone, over one another, and with values that they cannot show.

use polars::prelude::{DataFrame, df};

use crate::figures::plot::{Drawn, Plot, annotated};

/// The figure of some tables, by the names of their stages.
fn drawn(json: &str, tables: &[(&str, &DataFrame)]) -> Drawn {
    let plot: Plot = serde_json::from_str(json).unwrap();
    assert_eq!(plot.problems(), [], "{json}");
    let tables = tables
        .iter()
        .map(|(name, table)| ((*name).to_owned(), (*table).clone()));
    annotated(&plot, &tables.collect::<Vec<_>>(), &[]).unwrap()
}

fn svg(json: &str, table: &DataFrame) -> String {
    drawn(json, &[("t", table)]).drawing.svg()
}

fn warnings(json: &str, table: &DataFrame) -> Vec<String> {
    drawn(json, &[("t", table)]).warnings
}

/// Why a figure is refused before or after its table is known.
fn refused(json: &str, table: &DataFrame) -> String {
    let plot: Plot = serde_json::from_str(json).unwrap();
    match plot.problems().into_iter().next() {
        Some((parameter, why)) => format!("{parameter}: {why}"),
        None => {
            let tables = [("t".to_owned(), table.clone())];
            annotated(&plot, &tables, &[]).unwrap_err().to_string()
        }
    }
}

/// The places that the paths of one colour go through, path by path.
fn paths(svg: &str, attribute: &str) -> Vec<Vec<(f64, f64)>> {
    let lines = svg.lines().filter(|line| line.contains(attribute));
    let path = |line: &str| -> Option<Vec<(f64, f64)>> {
        let data = line.split_once(" d=\"")?.1.split_once('"')?.0;
        let places = data.trim_end_matches('Z').split(['M', 'L']).skip(1);
        places
            .map(|place| {
                let (x, y) = place.split_once(' ')?;
                Some((x.parse().ok()?, y.parse().ok()?))
            })
            .collect()
    };
    lines.filter_map(path).collect()
}

/// The labels of a figure.
fn texts(svg: &str) -> Vec<String> {
    let texts = svg.split("<text ").skip(1);
    texts
        .filter_map(|text| Some(text.split_once('>')?.1.split_once('<')?.0.to_owned()))
        .collect()
}

#[test]
fn a_step_keeps_its_value_and_so_does_its_band() {
    let table =
        df!("x" => [0.0, 1.0, 3.0], "y" => [1.0, 2.0, 3.0], "ci" => [0.1, 0.1, 0.1]).unwrap();
    let json =
        r#"{ "mark": "step", "x": "x", "y": { "field": "y", "error": "ci" }, "legend": "none" }"#;
    let svg = svg(json, &table);
    let line = &paths(&svg, "stroke=\"#0072b2\"")[0];
    assert_eq!(line.len(), 5);
    // Level to the next place, then upright.
    assert!(line[0].1 == line[1].1 && line[1].0 == line[2].0, "{line:?}");
    assert!(line[2].1 == line[3].1 && line[3].0 == line[4].0, "{line:?}");
    assert_eq!(paths(&svg, "fill=\"#0072b2\" fill-opacity")[0].len(), 10);
}

#[test]
fn areas_on_one_another_begin_where_the_last_ends() {
    let table = df!(
        "x" => [0i64, 1, 2, 0, 2],
        "y" => [1.0, 1.0, 1.0, 1.0, 3.0],
        "s" => ["a", "a", "a", "b", "b"],
    )
    .unwrap();
    let json =
        r#"{ "mark": "area", "x": "x", "y": "y", "color": "s", "stack": "sum", "legend": "none" }"#;
    let drawn = svg(json, &table);
    let (a, b) = (
        &paths(&drawn, "fill=\"#0072b2\"")[0],
        &paths(&drawn, "fill=\"#d55e00\"")[0],
    );
    // The second has no row at 1: there it passes half way between its rows.
    assert_eq!((a.len(), b.len()), (6, 6));
    for (top, bottom) in a[..3].iter().zip(b[3..].iter().rev()) {
        assert_eq!(top, bottom);
    }
    let high = |place: usize| a[place].1 - b[place].1;
    assert!((high(1) - 2.0 * high(0)).abs() < 0.05, "{a:?} {b:?}");
    assert!((high(2) - 3.0 * high(0)).abs() < 0.05, "{a:?} {b:?}");
}

#[test]
fn nothing_stands_on_an_unknown_value_and_the_figure_says_so() {
    let table = df!(
        "x" => [0i64, 1, 2, 0, 1, 2],
        "y" => [Some(1.0), None, Some(1.0), Some(1.0), Some(2.0), Some(3.0)],
        "s" => ["a", "a", "a", "b", "b", "b"],
    )
    .unwrap();
    for (stack, why) in [
        ("sum", "the stack has an unknown value"),
        ("share", "the sum of the stack is 0 or unknown"),
    ] {
        let json = format!(
            r#"{{ "mark": "area", "x": "x", "y": "y", "color": "s", "stack": "{stack}" }}"#
        );
        assert_eq!(
            warnings(&json, &table),
            [
                "y: 1 of 6 values is not shown: 1 missing (x = 1, s = a)".to_owned(),
                format!("y: 1 of 6 values is not shown: {why}"),
            ]
        );
    }
    let over = r#"{ "mark": "area", "x": "x", "y": "y", "color": "s" }"#;
    assert_eq!(warnings(over, &table).len(), 1);
}

#[test]
fn a_band_needs_its_ends_and_not_its_value() {
    let table = df!(
        "x" => [0i64, 1, 2, 3],
        "y" => [None, Some(100.0), None, None],
        "low" => [Some(1.0), Some(1.0), Some(1.5), None],
        "high" => [2.0, 3.0, 2.5, 2.0],
    )
    .unwrap();
    let json =
        r#"{ "mark": "band", "x": "x", "y": { "field": "y", "low": "low", "high": "high" } }"#;
    assert_eq!(
        warnings(json, &table),
        ["low: 1 of 4 intervals is not shown: 1 missing (x = 3)"]
    );
    let svg = svg(json, &table);
    assert_eq!(paths(&svg, "fill=\"#0072b2\"")[0].len(), 6);
    // The value is not drawn, so the axis does not reach to it.
    assert!(
        !texts(&svg).contains(&"100".to_owned()),
        "{:?}",
        texts(&svg)
    );
    assert_eq!(
        refused(r#"{ "mark": "band", "x": "x", "y": "y" }"#, &table),
        "y: the mark `band` needs an interval around `y`: `error`, or `low` and `high`"
    );
}

#[test]
fn a_rule_goes_through_the_panel_or_as_far_as_its_interval() {
    let table = df!(
        "at" => [1.0, 2.0], "y" => [1.0, 2.0], "low" => [0.0, 1.0], "high" => [1.0, 4.0],
        "name" => ["a", "b"],
    )
    .unwrap();
    let rules = |json: &str| -> Vec<(f64, f64)> {
        let svg = svg(json, &table);
        let lines = paths(&svg, "stroke=\"#123456\"").into_iter();
        lines
            .map(|line| (line[1].0 - line[0].0, line[0].1 - line[1].1))
            .collect()
    };
    let upright = rules(r##"{ "mark": "rule", "x": "at", "tint": "#123456" }"##);
    assert_eq!(upright.len(), 2);
    assert!(
        upright
            .iter()
            .all(|(wide, high)| *wide == 0.0 && *high > 100.0)
    );
    assert_eq!(upright[0], upright[1]);
    let across = rules(r##"{ "mark": "rule", "y": "at", "tint": "#123456" }"##);
    assert!(
        across
            .iter()
            .all(|(wide, high)| *wide > 200.0 && *high == 0.0)
    );
    let part = rules(
        r##"{ "mark": "rule", "x": "at", "y": { "field": "y", "low": "low", "high": "high" }, "tint": "#123456" }"##,
    );
    assert!((part[1].1 - 3.0 * part[0].1).abs() < 0.1, "{part:?}");
    let named = rules(r##"{ "mark": "rule", "x": "name", "y": "y", "tint": "#123456" }"##);
    assert!(
        named
            .iter()
            .all(|(wide, high)| *wide > 50.0 && *high == 0.0)
    );
    let both = refused(r#"{ "mark": "rule", "x": "at", "y": "y" }"#, &table);
    assert!(both.contains("has no length"), "{both}");
    for (json, parameter) in [
        (r#"{ "mark": "rule" }"#, "x: "),
        (
            r#"{ "mark": "rule", "x": { "field": "at", "error": "y" } }"#,
            "x: a rule from one end of the interval of `x`",
        ),
    ] {
        let why = refused(json, &table);
        assert!(why.starts_with(parameter), "{why}");
    }
}

#[test]
fn an_axis_without_a_column_has_no_numbers() {
    let table = df!("at" => [10.0, 20.0]).unwrap();
    let shown = texts(&svg(r#"{ "mark": "rule", "x": "at" }"#, &table));
    assert!(shown.contains(&"20".to_owned()) && shown.contains(&"at".to_owned()));
    assert!(
        !shown.iter().any(|text| text.starts_with("0.")),
        "{shown:?}"
    );
}

#[test]
fn a_rule_outside_the_domain_is_told() {
    let table = df!("at" => [1.0, 20.0], "n" => ["a", "b"]).unwrap();
    let json = r#"{ "mark": "rule", "x": { "field": "at", "domain": [0, 10] } }"#;
    assert_eq!(
        warnings(json, &table),
        ["at: 1 of 2 values is not shown: 1 outside the domain 0 to 10 (n = b)"]
    );
}

#[test]
fn a_rectangle_fills_its_intervals_and_the_panel_where_it_has_none() {
    let curve = df!("step" => [0.0, 10.0], "loss" => [1.0, 0.0]).unwrap();
    let phases = df!("start" => [2.0, 50.0], "end" => [4.0, 60.0], "phase" => ["a", "b"]).unwrap();
    let tables = [("curve", &curve), ("phases", &phases)];
    let json = r##"{ "x": { "field": "step", "domain": [0, 10] }, "y": "loss", "layers": [
        { "mark": "rect", "from": "phases", "x": { "field": "start", "low": "start", "high": "end" }, "tint": "#123456" },
        { "mark": "line" } ] }"##;
    let figure = drawn(json, &tables);
    let svg = figure.drawing.svg();
    // The other lies outside the domain, which is told.
    let rects = paths(&svg, "fill=\"#123456\"");
    assert_eq!(rects.len(), 1, "{svg}");
    let xs = rects[0].iter().map(|place| place.0);
    let ys = rects[0].iter().map(|place| place.1);
    let span = |values: Vec<f64>| {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        values.iter().copied().fold(f64::NEG_INFINITY, f64::max) - low
    };
    let (wide, high) = (span(xs.collect()), span(ys.collect()));
    assert!(wide > 40.0 && wide < 80.0 && high > 150.0, "{wide} {high}");
    assert_eq!(
        figure.warnings,
        ["start: 1 of 2 intervals is not shown: 1 outside the domain 0 to 10 (phase = b)"]
    );
    // The axis is called as the figure says, not as its first layer.
    let shown = texts(&svg);
    assert!(shown.contains(&"step".to_owned()) && !shown.contains(&"start".to_owned()));
    let thin = refused(r#"{ "mark": "rect", "x": "step" }"#, &curve);
    assert!(thin.contains("needs an interval of `x`"), "{thin}");
}

#[test]
fn intervals_stand_side_by_side_and_lie_where_the_number_is() {
    let table = df!(
        "m" => ["a", "a"], "s" => ["one", "two"], "y" => [1.0, 2.0],
        "low" => [0.5, 1.5], "high" => [2.0, 2.1],
    )
    .unwrap();
    let place = |json: &str, color: &str| {
        let svg = svg(json, &table);
        let paths = paths(&svg, &format!("stroke=\"{color}\""));
        assert_eq!(paths.len(), 3, "a line and two caps: {svg}");
        (paths[0][0], paths[0][1])
    };
    let json = r#"{ "mark": "interval", "x": "m", "y": { "field": "y", "low": "low", "high": "high" }, "color": "s", "legend": "none" }"#;
    let (one, two) = (place(json, "#0072b2"), place(json, "#d55e00"));
    assert!(one.0.0 == one.1.0 && two.0.0 > one.0.0 + 10.0);
    let (long, short) = (one.0.1 - one.1.1, two.0.1 - two.1.1);
    assert!((long * 0.6 - short * 1.5).abs() < 0.1, "{long} {short}");
    let json = r#"{ "mark": "interval", "y": "m", "x": { "field": "y", "low": "low", "high": "high" }, "color": "s", "legend": "none" }"#;
    let (one, two) = (place(json, "#0072b2"), place(json, "#d55e00"));
    assert!(one.0.1 == one.1.1 && two.0.1 > one.0.1 + 10.0);
    let none = refused(r#"{ "mark": "interval", "x": "m", "y": "y" }"#, &table);
    assert!(
        none.starts_with("y: the mark `interval` needs an interval"),
        "{none}"
    );
    // Where both axes hold numbers, it goes along the one that has the interval.
    let json = r#"{ "mark": "interval", "y": "low", "x": { "field": "y", "low": "low", "high": "high" } }"#;
    let lines = paths(&svg(json, &table), "stroke=\"#222222\"");
    assert!(
        lines
            .iter()
            .any(|line| line[0].1 == line[1].1 && line[1].0 - line[0].0 > 50.0)
    );
}

#[test]
fn an_interval_shows_its_value_only_as_a_point() {
    let table = df!(
        "m" => ["a", "b"], "y" => [Some(1.0), None], "low" => [0.5, 1.5], "high" => [2.0, 2.1],
    )
    .unwrap();
    let json = |points: bool| {
        format!(
            r#"{{ "mark": "interval", "x": "m", "y": {{ "field": "y", "low": "low", "high": "high" }}, "points": {points} }}"#
        )
    };
    assert!(warnings(&json(false), &table).is_empty());
    assert_eq!(
        warnings(&json(true), &table),
        ["y: 1 of 2 values is not shown: 1 missing (m = b)"]
    );
    let circles = |points| svg(&json(points), &table).matches("<circle").count();
    assert!(circles(false) == 0 && circles(true) > 0);
}

#[test]
fn texts_are_inside_the_panel_and_rows_without_one_write_nothing() {
    let table = df!(
        "x" => [0.0, 1.0, 0.5],
        "y" => [0.0, 1.0, 0.5],
        "name" => [Some("the first of them"), Some("the last_of *them*"), None],
    )
    .unwrap();
    let json = r#"{ "mark": "text", "x": { "field": "x", "domain": [0, 1] }, "y": { "field": "y", "domain": [0, 1] }, "label": "name", "width": 200 }"#;
    let svg = svg(json, &table);
    for text in ["the first of them", "the last_of *them*"] {
        assert!(texts(&svg).contains(&text.to_owned()), "{:?}", texts(&svg));
    }
    assert!(warnings(json, &table).is_empty());
    let none = refused(r#"{ "mark": "text", "x": "x", "y": "y" }"#, &table);
    assert!(none.starts_with("label: "), "{none}");
}

#[test]
fn bars_intervals_and_points_of_two_tables_share_their_places() {
    let means = df!("m" => ["a", "b"], "y" => [1.0, 2.0], "ci" => [0.2, 0.3]).unwrap();
    let seeds = df!("m" => ["a", "a", "b", "b"], "y" => [0.9, 1.1, 1.8, 2.2]).unwrap();
    let json = r##"{ "x": "m", "y": "y", "layers": [
        { "mark": "bar" },
        { "mark": "point", "from": "seeds", "jitter": true, "tint": "#123456" },
        { "mark": "interval", "y": { "field": "y", "error": "ci" } } ] }"##;
    let figure = drawn(json, &[("means", &means), ("seeds", &seeds)]);
    assert!(figure.warnings.is_empty(), "{:?}", figure.warnings);
    let svg = figure.drawing.svg();
    let bars = paths(&svg, "fill=\"#0072b2\"");
    let caps = paths(&svg, "stroke=\"#ffffff\"");
    assert_eq!((bars.len(), caps.len()), (2, 6));
    assert_eq!(svg.matches("fill=\"#123456\"").count(), 4);
    let middle = |bar: &[(f64, f64)]| {
        let xs = bar.iter().map(|place| place.0);
        (xs.clone().fold(f64::INFINITY, f64::min) + xs.fold(0.0, f64::max)) / 2.0
    };
    assert!((middle(&bars[0]) - caps[0][0].0).abs() < 0.02);
    assert!((middle(&bars[1]) - caps[3][0].0).abs() < 0.02);
}

#[test]
fn the_mean_of_seeds_keeps_the_interval_that_all_rows_have() {
    let table = df!(
        "m" => ["a", "a", "b", "b"], "seed" => [0i64, 1, 0, 1],
        "y" => [1.0, 1.4, 2.0, 2.5], "ci" => [0.2, 0.2, 0.3, 9.0],
    )
    .unwrap();
    let json =
        r#"{ "mark": "bar", "x": "m", "y": { "field": "y", "error": "ci" }, "points": true }"#;
    assert_eq!(
        warnings(json, &table),
        ["ci: no interval where rows are averaged that have different ones (1 of 2)"]
    );
    // The interval that is not drawn does not stretch the axis.
    let shown = texts(&svg(json, &table));
    assert!(shown.contains(&"2.5".to_owned()) && !shown.contains(&"5".to_owned()));
    let same = table.head(Some(2));
    assert!(warnings(json, &same).is_empty());
    let alone = df!("m" => ["a"], "y" => [1.2], "ci" => [0.2]).unwrap();
    let caps = |table: &DataFrame| {
        let json = r#"{ "mark": "bar", "x": "m", "y": { "field": "y", "error": "ci", "domain": [0, 2] } }"#;
        let svg = svg(json, table);
        let lines = paths(&svg, "stroke=\"#222222\"").into_iter();
        // The axes and their ticks are of the same colour, but of another width.
        lines.filter(|line| line.len() == 2).collect::<Vec<_>>()
    };
    assert_eq!(caps(&same), caps(&alone));
}

#[test]
fn an_outer_interval_is_for_the_layers_that_draw_it() {
    let table = df!("x" => [0i64, 1], "y" => [1.0, 2.0], "ci" => [0.2, 0.3]).unwrap();
    let json = r#"{ "x": "x", "y": { "field": "y", "error": "ci" }, "layers": [
        { "mark": "line" }, { "mark": "text", "label": "y" } ] }"#;
    assert!(warnings(json, &table).is_empty());
    let own = r#"{ "mark": "text", "label": "y", "x": "x", "y": { "field": "y", "error": "ci" } }"#;
    let why = refused(own, &table);
    assert!(
        why.starts_with("y.error: this mark draws no intervals"),
        "{why}"
    );
}

#[test]
fn a_short_line_has_points_unless_they_are_not_wanted() {
    let table =
        df!("x" => [1, 2, 3, 4, 5], "y" => [Some(1.0), Some(2.0), None, Some(2.5), None]).unwrap();
    let circles = |points: &str| {
        let json = format!("{{\"mark\":\"line\",\"x\":\"x\",\"y\":\"y\"{points}}}");
        // Each point has a light rim.
        svg(&json, &table).matches("<circle").count() / 2
    };
    assert_eq!(circles(""), 3);
    // The value between two gaps has no line.
    assert_eq!(circles(",\"points\":false"), 1);
}

#[test]
fn shares_and_means_of_whole_numbers_have_ticks_between_them() {
    let table = df!("x" => ["a", "a"], "y" => [1, 3], "kind" => ["up", "down"]).unwrap();
    let labels = |stack: &str| {
        let json = format!(
            "{{\"mark\":\"bar\",\"x\":\"x\",\"y\":\"y\",\"color\":\"kind\",\"stack\":\"{stack}\"}}"
        );
        texts(&svg(&json, &table))
    };
    assert!(labels("share").contains(&"0.2".to_owned()));
    assert!(!labels("sum").iter().any(|label| label.contains('.')));
    let rows = df!("x" => ["a", "a"], "y" => [0, 1]).unwrap();
    let mean = svg("{\"mark\":\"bar\",\"x\":\"x\",\"y\":\"y\"}", &rows);
    assert!(texts(&mean).iter().any(|label| label.contains('.')));
}

#[test]
fn shares_fill_their_axis() {
    let table = df!("x" => ["a", "a"], "y" => [1, 3], "kind" => ["up", "down"]).unwrap();
    let top = |stack: &str| {
        let json = format!(
            "{{\"mark\":\"bar\",\"x\":\"x\",\"y\":\"y\",\"color\":\"kind\",\"stack\":\"{stack}\",\"legend\":\"none\"}}"
        );
        let bars = paths(&svg(&json, &table), "fill=\"#d55e00\"");
        bars[0].iter().map(|(_, y)| *y).fold(f64::MAX, f64::min)
    };
    // What stands on top of the bars of a sum has some air above it.
    assert!(
        top("share") + 5.0 < top("sum"),
        "{} {}",
        top("share"),
        top("sum")
    );
}
