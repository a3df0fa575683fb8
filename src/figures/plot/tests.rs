use polars::prelude::*;
use resvg::usvg;

use super::*;

fn accuracies() -> DataFrame {
    df!(
        "graph" => ["G(2,5)", "G(2,5)", "G(5,5)", "G(5,5)", "G(10,5)", "G(10,5)"],
        "method" => ["next-token", "reversed", "next-token", "reversed", "next-token", "reversed"],
        "degree" => [2i64, 2, 5, 5, 10, 10],
        "accuracy" => [Some(0.502), Some(0.998), Some(0.205), Some(0.99), Some(0.1), None],
        "ci" => [Some(0.01), Some(0.002), Some(0.02), Some(0.004), None, None],
    )
    .unwrap()
}

fn named(mark: &str) -> MarkName {
    MarkName::named(mark).unwrap()
}

/// One table, whatever its stage is called.
fn alone(table: &DataFrame) -> Vec<(String, DataFrame)> {
    vec![(String::new(), table.clone())]
}

fn plot(json: &str) -> Plot {
    serde_json::from_str(json).unwrap()
}

fn every_mark() -> Vec<Plot> {
    [
        r#"{ "mark": "step", "x": "degree", "y": { "field": "accuracy", "error": "ci" }, "color": "method" }"#,
        r#"{ "mark": "area", "x": "degree", "y": "accuracy", "color": "method", "stack": "sum" }"#,
        r#"{ "mark": "box", "x": "method", "y": "accuracy", "points": true }"#,
        r#"{ "mark": "violin", "x": "method", "y": "accuracy" }"#,
        r#"{ "mark": "histogram", "x": "accuracy", "color": "method" }"#,
        r#"{ "mark": "density", "x": "accuracy" }"#,
        r#"{ "mark": "text", "x": "degree", "y": "accuracy", "label": "method" }"#,
        r#"{ "x": "graph", "color": "method", "layers": [{ "mark": "bar", "y": "accuracy" }, { "mark": "interval", "y": { "field": "accuracy", "error": "ci" } }] }"#,
        r#"{ "color": "method", "panels": [{ "mark": "line", "x": "degree", "y": "accuracy" }, { "mark": "bar", "x": "accuracy", "y": "graph" }] }"#,
        r#"{ "mark": "line", "x": { "field": "degree", "scale": "log" }, "y": { "field": "accuracy", "error": "ci" }, "color": "method", "title": "*G*_{d,5} & <10^{2}>" }"#,
        r#"{ "mark": "bar", "x": "graph", "y": { "field": "accuracy", "error": "ci" }, "color": "method", "reference": [{ "y": 0.5, "label": "chance" }] }"#,
        r#"{ "mark": "heat", "x": "degree", "y": "method", "value": "accuracy" }"#,
        r#"{ "mark": "point", "x": "degree", "y": "accuracy", "facet": "method", "legend": "bottom" }"#,
    ]
    .into_iter()
    .map(plot)
    .collect()
}

#[test]
fn every_mark_draws_and_always_the_same_bytes() {
    for plot in every_mark() {
        let drawing = draw(&plot, &accuracies()).unwrap();
        let again = draw(&plot, &accuracies()).unwrap();
        assert_eq!(drawing.svg(), again.svg());
        usvg::Tree::from_str(&drawing.svg(), &usvg::Options::default()).unwrap();
        let (png, pdf) = (drawing.png(1.0).unwrap(), drawing.pdf().unwrap());
        assert_eq!(&png[1..4], b"PNG");
        assert_eq!(&pdf[..5], b"%PDF-");
        assert_eq!(png, again.png(1.0).unwrap());
        assert_eq!(pdf, again.pdf().unwrap());
    }
}

#[test]
fn a_page_is_exactly_as_large_as_the_figure() {
    let mut plot = every_mark().remove(0);
    (plot.width, plot.height) = (Some(Length::Points(200.0)), Some(Length::Points(150.0)));
    let pdf = draw(&plot, &accuracies()).unwrap().pdf().unwrap();
    let text = String::from_utf8_lossy(&pdf);
    assert!(text.contains("/MediaBox[0 0 200 150]"), "{text}");
}

#[test]
fn a_channel_is_a_name_or_a_table() {
    let short = plot(r#"{ "mark": "line", "x": "degree", "y": "accuracy" }"#);
    let long =
        plot(r#"{ "mark": "line", "x": { "field": "degree" }, "y": { "field": "accuracy" } }"#);
    assert_eq!(short, long);
    assert_eq!(short, Plot::new(named("line"), "degree", "accuracy"));
    let again: Plot = serde_json::from_str(&serde_json::to_string(&short).unwrap()).unwrap();
    assert_eq!(short, again);
    let schema = serde_json::to_value(schemars::schema_for!(Plot)).unwrap();
    assert_eq!(schema["$defs"]["Channel"]["anyOf"][0]["type"], "string");
}

#[test]
fn unknown_parameters_are_refused() {
    for json in [
        r#"{ "mark": "line", "x": "a", "y": "b", "colour": "c" }"#,
        r#"{ "mark": "line", "x": { "field": "a", "log": true }, "y": "b" }"#,
        r#"{ "mark": "pie", "x": "a", "y": "b" }"#,
        r#"{ "mark": "line", "x": 3, "y": "b" }"#,
    ] {
        assert!(serde_json::from_str::<Plot>(json).is_err(), "{json}");
    }
}

#[test]
fn all_columns_a_plot_needs_are_known_before_there_is_a_table() {
    let plot = plot(
        r#"{ "mark": "bar", "x": "graph", "y": { "field": "accuracy", "error": "ci" }, "color": "method", "facet": "seed", "reference": [{ "y": "chance" }, { "y": 1 }] }"#,
    );
    assert_eq!(
        plot.fields(),
        ["graph", "accuracy", "ci", "method", "seed", "chance"]
    );
}

#[test]
fn what_cannot_be_drawn_says_why() {
    let refused = |json: &str, table: &DataFrame| draw(&plot(json), table).unwrap_err().to_string();
    let table = accuracies();
    let errors = [
        refused(
            r#"{ "mark": "bar", "x": "grpah", "y": "accuracy" }"#,
            &table,
        ),
        refused(r#"{ "mark": "bar", "x": "graph", "y": "method" }"#, &table),
        refused(r#"{ "mark": "heat", "x": "graph", "y": "method" }"#, &table),
        refused(
            r#"{ "mark": "line", "x": "degree", "y": "accuracy", "value": "ci" }"#,
            &table,
        ),
        refused(
            r#"{ "mark": "line", "x": "degree", "y": "accuracy", "reference": [{ "label": "?" }] }"#,
            &table,
        ),
        refused(
            r#"{ "mark": "line", "x": "degree", "y": { "field": "accuracy", "scale": "log", "domain": [0, 1] } }"#,
            &table,
        ),
        refused(
            r#"{ "mark": "line", "x": "degree", "y": "accuracy", "width": 1e9 }"#,
            &table,
        ),
        refused(
            r#"{ "mark": "bar", "x": "graph", "y": "accuracy", "facet": "degree", "width": 80, "height": 60 }"#,
            &table,
        ),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r"
    no column `grpah`: did you mean `graph`? (columns: graph, method, degree, accuracy, ci)
    `method` should hold numbers; it holds text
    the mark `heat` needs `value`, a column
    the mark `line` takes no `value`; it belongs to heat
    a reference line has either `x` or `y`
    the `domain` of a logarithmic axis is above zero
    `width` is between 60 and 4000 points
    the title of the vertical axis does not fit: 80 × 60 points are too little; `height = 247` would do
    ");
}

#[test]
fn odd_values_are_gaps_and_never_a_crash() {
    let columns = [
        vec![None, None],
        vec![Some(f64::NAN), Some(f64::INFINITY)],
        vec![Some(0.0), Some(-1.0)],
        vec![Some(1e300), Some(-1e300)],
        vec![Some(1e-300), None],
    ];
    for x in &columns {
        for y in &columns {
            let table = df!("x" => x, "y" => y, "e" => x).unwrap();
            for mark in ["line", "bar", "heat", "point"] {
                for scale in ["linear", "log"] {
                    let (error, value) = if mark == "heat" {
                        ("", r#", "value": "e""#)
                    } else {
                        (r#", "error": "e""#, "")
                    };
                    // Bars stand at categories, and so do both sides of a heat map.
                    let of_x = if matches!(mark, "bar" | "heat") {
                        "linear"
                    } else {
                        scale
                    };
                    let of_y = if mark == "heat" { "linear" } else { scale };
                    let points = if matches!(mark, "line" | "bar") {
                        r#", "points": true"#
                    } else {
                        ""
                    };
                    let json = format!(
                        r#"{{ "mark": "{mark}", "x": {{ "field": "x", "scale": "{of_x}" }}, "y": {{ "field": "y", "scale": "{of_y}"{error} }}{points}{value} }}"#
                    );
                    let svg = draw(&plot(&json), &table).unwrap().svg();
                    // Only words may say so, never a coordinate.
                    let tags: Vec<&str> =
                        svg.split('<').filter_map(|t| t.split('>').next()).collect();
                    let bad = |tag: &&&str| tag.contains("NaN") || tag.contains("inf");
                    assert_eq!(tags.iter().find(bad), None, "{json} {table:?}");
                }
            }
        }
    }
}

#[test]
fn negative_numbers_have_a_real_minus_sign() {
    let table = df!("x" => [-2.0, 2.0], "y" => [-1.0, 1.0]).unwrap();
    let svg = draw(&Plot::new(named("point"), "x", "y"), &table)
        .unwrap()
        .svg();
    assert!(svg.contains(">\u{2212}1") && !svg.contains(">-1"));
}

#[test]
fn a_legend_over_the_data_moves_aside() {
    // Bars as high as the panel leave no corner free.
    let table =
        df!("x" => ["a", "a", "b", "b"], "y" => [1.0; 4], "s" => ["one", "two", "one", "two"])
            .unwrap();
    let mut plot = Plot::new(named("bar"), "x", "y");
    plot.color = Some(Channel::named("s"));
    let best = draw(&plot, &table).unwrap();
    plot.legend = Some(Legend::Right);
    assert_eq!(best.svg(), draw(&plot, &table).unwrap().svg());
}

#[test]
fn contradictions_are_known_before_there_is_a_table() {
    let problems = |json: &str| -> Vec<String> {
        plot(json)
            .problems()
            .into_iter()
            .map(|(parameter, why)| format!("{parameter}: {why}"))
            .collect()
    };
    for plot in every_mark() {
        assert_eq!(plot.problems(), []);
    }
    let found = [
        problems(
            r#"{ "mark": "heat", "x": "a", "y": { "field": "b", "error": "c" }, "width": 0 }"#,
        ),
        problems(
            r#"{ "mark": "line", "x": { "field": "a", "error": "c" }, "y": { "field": "b", "scale": "log", "domain": [0, 1] }, "reference": [{ "y": 1 }, { "x": 1, "y": 2 }] }"#,
        ),
        problems(
            r#"{ "mark": "line", "x": { "field": "a", "low": "l", "high": "h" }, "y": { "field": "b", "low": "l" } }"#,
        ),
        problems(
            r#"{ "mark": "bar", "x": "a", "y": { "field": "b", "error": "e", "low": "l", "high": "h" } }"#,
        ),
        problems(r#"{ "mark": "bar", "x": "a", "y": { "field": "b", "high": "h" } }"#),
        problems(
            r#"{ "mark": "point", "x": { "field": "a", "domain": [2, 1] }, "y": "b", "color": { "field": "c", "error": "d", "domain": [0, 1] }, "value": { "field": "c", "order": [] } }"#,
        ),
    ];
    insta::assert_snapshot!(found.concat().join("\n"), @r"
    width: `width` is between 60 and 4000 points
    value: the mark `heat` needs `value`, a column
    y.error: this mark draws no intervals around `y`
    x.error: this mark draws no intervals around `x`
    y.domain: the `domain` of a logarithmic axis is above zero
    reference.1: a reference line has either `x` or `y`
    x.low: this mark draws no intervals around `x`
    y.low: `low` needs `high`: both ends of the interval
    y.error: an interval is either `error`, its half width, or `low` and `high`, its ends
    y.high: `high` needs `low`: both ends of the interval
    value: the mark `point` takes no `value`; it belongs to heat
    x.domain: `domain` is [lowest, highest]
    color.error: this mark draws no intervals around `color`
    value.order: `value` is a number and has no other order
    ");
}

/// The labels in a picture, in the order they are written.
fn texts(json: &str) -> Vec<String> {
    texts_of(&draw(&plot(json), &accuracies()).unwrap().svg())
}

fn texts_of(svg: &str) -> Vec<String> {
    let texts = svg.split("<text ").skip(1);
    texts
        .filter_map(|text| Some(text.split_once('>')?.1.split_once('<')?.0.to_owned()))
        .collect()
}

#[test]
fn named_values_come_first_and_the_others_in_the_order_of_the_table() {
    let in_order = |shown: &[String], wanted: &[&str]| {
        let places: Vec<usize> = wanted
            .iter()
            .filter_map(|name| shown.iter().position(|text| text == name))
            .collect();
        assert_eq!(places.len(), wanted.len(), "{shown:?}");
        assert!(places.is_sorted(), "{wanted:?} {shown:?}");
    };
    let shown = texts(
        r#"{ "mark": "heat", "x": { "field": "degree", "order": ["10", "7"] }, "y": { "field": "method", "order": ["reversed"] }, "value": "accuracy" }"#,
    );
    in_order(&shown, &["10", "2", "5"]);
    in_order(&shown, &["reversed", "next-token"]);
    assert!(!shown.contains(&"7".to_owned()));
    let shown = texts(
        r#"{ "mark": "point", "x": "degree", "y": "accuracy", "facet": { "field": "graph", "order": ["G(10,5)"] }, "color": { "field": "method", "order": ["reversed", "next-token"] } }"#,
    );
    in_order(&shown, &["G(10,5)", "G(2,5)", "G(5,5)"]);
    in_order(&shown, &["reversed", "next-token"]);
    let numbers =
        plot(r#"{ "mark": "line", "x": { "field": "degree", "order": ["2"] }, "y": "accuracy" }"#);
    assert!(draw(&numbers, &accuracies()).is_err());
}

#[test]
fn a_line_that_leaves_its_panel_keeps_its_slope() {
    let table = df!("x" => [0.0, 10.0], "y" => [0.0, 100.0]).unwrap();
    let json = r#"{ "mark": "line", "x": "x", "y": { "field": "y", "domain": [0, 1] } }"#;
    let svg = draw(&plot(json), &table).unwrap().svg();
    let line = svg
        .lines()
        .find(|line| line.contains("stroke=\"#0072b2\""))
        .unwrap();
    // Fifty heights of the panel above the page, where the scale ends.
    let end = line.split(['L', '"']).nth(2).unwrap();
    let (_, y) = end.split_once(' ').unwrap();
    assert!(y.parse::<f64>().unwrap() < -5000.0, "{line}");
}

/// What a figure does not show, which stands in it.
fn told(json: &str, table: &DataFrame) -> Vec<String> {
    lines(json, table).0
}

/// The lines on a figure of what it does not show, and the advice beside it.
fn lines(json: &str, table: &DataFrame) -> (Vec<String>, Vec<String>) {
    let drawn = annotated(&plot(json), &alone(table), &[]).unwrap();
    // They may stand on several lines.
    let face = texts_of(&drawn.drawing.svg()).join(" ");
    let face = face.replace(super::text::TIED, " ");
    drawn.warnings.into_iter().partition(|warning| {
        let words = warning
            .trim_start_matches("there is ")
            .replace('&', "&amp;");
        face.contains(&words)
    })
}

#[test]
fn numbers_that_look_alike_are_series_panels_and_bars_of_their_own() {
    let seeds = [20240101i64, 20240102, 20240103];
    let table = df!("seed" => seeds, "x" => [1, 1, 1], "y" => [1.0, 2.0, 3.0]).unwrap();
    for json in [
        r#"{ "mark": "bar", "x": "seed", "y": "y" }"#,
        r#"{ "mark": "bar", "x": "x", "y": "y", "color": "seed" }"#,
        r#"{ "mark": "line", "x": "x", "y": "y", "facet": "seed" }"#,
        r#"{ "mark": "heat", "x": "seed", "y": "x", "value": "y" }"#,
        r#"{ "mark": "point", "x": "x", "y": "y", "color": "seed" }"#,
    ] {
        let drawn = annotated(&plot(json), &alone(&table), &[]).unwrap();
        let shown = texts_of(&drawn.drawing.svg());
        for seed in seeds {
            assert!(shown.contains(&seed.to_string()), "{json} {shown:?}");
        }
        assert!(drawn.warnings.is_empty(), "{:?}", drawn.warnings);
    }
    let bars = draw(&Plot::new(named("bar"), "seed", "y"), &table).unwrap();
    let bars = bars.svg().matches("fill=\"#0072b2\"").count();
    assert_eq!(bars, 3);
}

#[test]
fn long_names_are_never_cut() {
    let names: Vec<String> = (0..4)
        .map(|n| format!("a very long name of a method with the number {n}"))
        .collect();
    let table = df!("x" => [1, 2, 3, 4], "y" => [1.0, 2.0, 3.0, 4.0], "s" => names).unwrap();
    let json = r#"{ "mark": "point", "x": "x", "y": "y", "color": "s", "width": 234 }"#;
    let shown = texts_of(&draw(&plot(json), &table).unwrap().svg());
    let shown = shown.join(" ");
    for name in table.column("s").unwrap().str().unwrap().iter().flatten() {
        assert!(shown.contains(name), "{name}: {shown}");
    }
}

#[test]
fn a_legend_that_is_too_high_makes_the_figure_higher_or_is_refused() {
    let series: Vec<String> = (0..30).map(|n| format!("s{n}")).collect();
    let table = df!("x" => vec![1i64; 30], "y" => vec![1.0; 30], "s" => series).unwrap();
    let mut wanted = Plot::new(named("point"), "x", "y");
    wanted.color = Some(Channel::named("s"));
    assert!(
        annotated(&wanted, &alone(&table), &[])
            .unwrap()
            .warnings
            .is_empty()
    );
    wanted.height = Some(Length::Points(120.0));
    let error = draw(&wanted, &table).unwrap_err();
    insta::assert_snapshot!(error, @"the legend is too high: 360 × 120 points are too little; `height = 126` would do");
    wanted.height = Some(Length::Points(126.0));
    assert!(draw(&wanted, &table).is_ok());
}

#[test]
fn few_categories_are_all_named_even_where_they_have_to_slant() {
    let rates = [1e-5, 3.1622776601683795e-5, 1e-4, 3e-4, 1e-3, 3e-3];
    let table = df!("lr" => rates, "y" => [1.0; 6]).unwrap();
    let json = r#"{ "mark": "bar", "x": "lr", "y": "y", "width": 150 }"#;
    let svg = draw(&plot(json), &table).unwrap().svg();
    assert_eq!(svg.matches("rotate(-35").count(), 6, "{svg}");
}

#[test]
fn a_column_of_nothing_is_no_text() {
    let table = df!("x" => ["a", "b"], "y" => [None::<&str>, None]).unwrap();
    for mark in ["bar", "line", "point"] {
        let json = format!(r#"{{ "mark": "{mark}", "x": "x", "y": "y" }}"#);
        let warnings = annotated(&plot(&json), &alone(&table), &[])
            .unwrap()
            .warnings;
        assert!(
            warnings[0].starts_with("there is nothing to draw"),
            "{warnings:?}"
        );
    }
}

#[test]
fn what_has_no_place_is_told_with_its_reason_and_its_place() {
    let table = df!(
        "n" => [1i64, 2, 3, 4, 5, 6, 7],
        "error" => [0.5, 0.05, 0.0, 0.001, f64::NAN, f64::INFINITY, 0.002],
    )
    .unwrap();
    for mark in ["point", "line", "bar"] {
        let json = format!(
            r#"{{ "mark": "{mark}", "x": "n", "y": {{ "field": "error", "scale": "log" }} }}"#
        );
        assert_eq!(
            told(&json, &table),
            [
                "error: 3 of 7 values are not shown: 1 NaN (n = 5), 1 infinite (n = 6), 1 is 0 on a log scale (n = 3)"
            ]
        );
    }
    let linear = told(r#"{ "mark": "point", "x": "n", "y": "error" }"#, &table);
    assert_eq!(
        linear,
        ["error: 2 of 7 values are not shown: 1 NaN (n = 5), 1 infinite (n = 6)"]
    );
    let across = told(
        r#"{ "mark": "point", "x": { "field": "error", "scale": "log" }, "y": "n" }"#,
        &table,
    );
    assert_eq!(across.len(), 1);
    assert!(across[0].starts_with("error: 3 of 7 values are not shown"));
}

#[test]
fn a_mean_of_which_one_value_is_missing_is_a_gap_and_told() {
    let table = df!(
        "method" => ["old", "old", "new", "new", "old", "old", "new", "new"],
        "seed" => [0i64, 1, 0, 1, 0, 1, 0, 1],
        "step" => [1i64, 1, 1, 1, 2, 2, 2, 2],
        "accuracy" => [0.6, 0.6, 0.9, 0.1, 0.6, 0.6, 0.9, f64::NAN],
    )
    .unwrap();
    let line = r#"{ "mark": "line", "x": "step", "y": "accuracy", "color": "method" }"#;
    let gap = "accuracy: no mean at method = new, step = 2: 1 of 2 values is NaN (seed = 1)";
    assert_eq!(told(line, &table), [gap]);
    // A bar fewer, and the known values can still be seen as points.
    let bars = |table: &DataFrame, points: bool| {
        let json =
            format!(r#"{{ "mark": "bar", "x": "method", "y": "accuracy", "points": {points} }}"#);
        let svg = draw(&plot(&json), table).unwrap().svg();
        let circles = svg.matches("<circle").count();
        (svg.matches("fill=\"#0072b2\"").count(), circles / 2)
    };
    assert_eq!(bars(&table, false), (1, 0));
    assert_eq!(bars(&table, true), (1, 7));
    let null = df!(
        "method" => ["old", "old", "new", "new"],
        "accuracy" => [Some(0.6), Some(0.6), Some(0.9), None],
    )
    .unwrap();
    assert_eq!(bars(&null, false), (1, 0));
    assert_eq!(
        told(
            r#"{ "mark": "bar", "x": "method", "y": "accuracy" }"#,
            &null
        ),
        ["accuracy: no mean at method = new: 1 of 2 values is missing"]
    );
    let heat = r#"{ "mark": "heat", "x": "step", "y": "method", "value": "accuracy" }"#;
    assert_eq!(
        told(heat, &table),
        ["accuracy: no mean at method = new, step = 2: 1 of 2 values is NaN (seed = 1)"]
    );
}

#[test]
fn a_line_breaks_where_a_value_is_missing() {
    let parts = |y: [Option<f64>; 4]| {
        let table = df!("x" => [1i64, 2, 3, 4], "y" => y).unwrap();
        let svg = draw(&Plot::new(named("line"), "x", "y"), &table).unwrap();
        svg.svg().matches("stroke=\"#0072b2\"").count()
    };
    assert_eq!(parts([Some(1.0), Some(2.0), Some(3.0), Some(4.0)]), 1);
    assert_eq!(parts([Some(1.0), Some(2.0), None, Some(4.0)]), 1);
    // The point after the gap stands alone.
    let table =
        df!("x" => [1i64, 2, 3, 4, 5], "y" => [Some(1.0), Some(2.0), None, Some(4.0), Some(5.0)])
            .unwrap();
    let svg = draw(&Plot::new(named("line"), "x", "y"), &table).unwrap();
    assert_eq!(svg.svg().matches("stroke=\"#0072b2\"").count(), 2);
}

#[test]
fn bars_end_at_the_edge_of_a_domain_and_the_figure_says_so() {
    let table = df!("x" => ["a", "b", "c"], "y" => [0.5, 1.5, -0.5]).unwrap();
    let json = r#"{ "mark": "bar", "x": "x", "y": { "field": "y", "domain": [0, 1] } }"#;
    assert_eq!(
        told(json, &table),
        ["y: 2 of 3 values are cut off: 2 outside the domain 0 to 1 (x = b; x = c)"]
    );
    // No bar reaches out of the panel: the highest begins where the axis ends.
    let svg = draw(&plot(json), &table).unwrap().svg();
    let heights: Vec<f64> = svg
        .lines()
        .filter(|line| line.contains("fill=\"#0072b2\""))
        .flat_map(|line| line.split(['M', 'L', 'Z', '"']))
        .filter_map(|part| part.split_once(' ')?.1.parse().ok())
        .collect();
    assert!(
        !heights.is_empty() && heights.iter().all(|y| *y > 5.0),
        "{heights:?}"
    );
    let points = r#"{ "mark": "point", "x": "x", "y": { "field": "y", "domain": [0, 1] } }"#;
    assert_eq!(
        told(points, &table),
        ["y: 2 of 3 values are not shown: 2 outside the domain 0 to 1 (x = b; x = c)"]
    );
    assert_eq!(
        draw(&plot(points), &table)
            .unwrap()
            .svg()
            .matches("<circle")
            .count(),
        2
    );
}

#[test]
fn a_figure_without_anything_to_draw_says_so_on_its_face() {
    let table = accuracies();
    let empty = table.head(Some(0));
    for plot in every_mark() {
        let drawn = annotated(&plot, &alone(&empty), &[]).unwrap();
        let shown = texts_of(&drawn.drawing.svg());
        let says = "nothing to draw: the table has no rows";
        assert!(shown.iter().any(|text| text == says), "{shown:?}");
        assert_eq!(
            drawn.warnings,
            ["there is nothing to draw: the table has no rows"]
        );
        drawn.drawing.png(1.0).unwrap();
    }
    let nothing = df!("x" => ["a", "b"], "y" => [None::<f64>, None]).unwrap();
    assert_eq!(
        told(r#"{ "mark": "bar", "x": "x", "y": "y" }"#, &nothing),
        ["there is nothing to draw: y: 2 of 2 values are not shown: 2 missing (x = a; x = b)"]
    );
}

#[test]
fn an_interval_may_be_wider_above_than_below() {
    let table = df!(
        "n" => [1i64, 2],
        "share" => [0.5, 0.9],
        "lo" => [0.3, 0.6],
        "hi" => [0.6, 1.0],
        "half" => [0.1, 0.1],
    )
    .unwrap();
    for mark in ["line", "bar", "point"] {
        let json = format!(
            r#"{{ "mark": "{mark}", "x": "n", "y": {{ "field": "share", "low": "lo", "high": "hi" }} }}"#
        );
        let plot = plot(&json);
        assert_eq!(plot.fields(), ["n", "share", "lo", "hi"]);
        let svg = draw(&plot, &table).unwrap().svg();
        let half = json.replace(r#""low": "lo", "high": "hi""#, r#""error": "half""#);
        let other = draw(&self::plot(&half), &table).unwrap().svg();
        assert_ne!(svg, other);
    }
    // The same ends give the same picture, however they are written.
    let table = df!("n" => [1i64, 2], "y" => [0.5, 0.75], "e" => [0.25, 0.125], "lo" => [0.25, 0.625], "hi" => [0.75, 0.875]).unwrap();
    let ends = r#"{ "mark": "bar", "x": "n", "y": { "field": "y", "low": "lo", "high": "hi" } }"#;
    let half = r#"{ "mark": "bar", "x": "n", "y": { "field": "y", "error": "e" } }"#;
    assert_eq!(
        draw(&plot(ends), &table).unwrap(),
        draw(&plot(half), &table).unwrap()
    );
    let inverted =
        df!("n" => [1i64, 2], "y" => [0.5, 0.75], "lo" => [0.6, 0.5], "hi" => [0.4, 0.9]).unwrap();
    assert_eq!(
        told(ends, &inverted),
        ["lo: 1 of 2 intervals is not shown: 1 is not an interval (n = 1)"]
    );
}

#[test]
fn an_interval_that_is_missing_is_told() {
    let table = accuracies();
    let json = r#"{ "mark": "bar", "x": "graph", "y": { "field": "accuracy", "error": "ci" }, "color": "method" }"#;
    assert_eq!(
        told(json, &table),
        [
            "accuracy: 1 of 6 values is not shown: 1 missing (graph = G(10,5), method = reversed)",
            "ci: 1 of 5 intervals is not shown: 1 missing (graph = G(10,5), method = next-token)",
        ]
    );
    let averaged = r#"{ "mark": "bar", "x": "method", "y": { "field": "degree", "error": "ci" } }"#;
    assert_eq!(
        told(averaged, &table),
        ["ci: no interval where rows are averaged that have different ones (2 of 2)"]
    );
}

#[test]
fn many_lines_are_cut_and_counted_and_stay_within_the_figure() {
    let rows = 40;
    let x: Vec<i64> = (0..rows).map(|row| row / 2).collect();
    let y: Vec<f64> = (0..rows)
        .map(|row| if row % 2 == 0 { 1.0 } else { f64::NAN })
        .collect();
    let table = df!("x" => x, "y" => y).unwrap();
    let json =
        r#"{ "mark": "line", "points": true, "x": "x", "y": "y", "width": 120, "height": 150 }"#;
    let drawn = annotated(
        &plot(json),
        &alone(&table),
        &["a: 1 of 2, without [seed=3]".to_owned()],
    )
    .unwrap();
    assert_eq!(
        drawn.warnings,
        [
            "y: no mean at x = 0: 1 of 2 values is NaN",
            "y: no mean at x = 1: 1 of 2 values is NaN",
            "y: no mean at x = 2: 1 of 2 values is NaN",
            "y: no mean at 17 more places",
        ]
    );
    let shown = texts_of(&drawn.drawing.svg());
    assert!(
        shown.iter().any(|text| text.contains("seed=3")),
        "{shown:?}"
    );
    let note = text::Font {
        face: text::Face::Sans,
        size: 7.5,
        bold: false,
    };
    for text in shown {
        assert!(
            super::text::width(&text::literal(&text), note) <= 120.0,
            "{text}"
        );
    }
}

#[test]
fn a_missing_category_is_told_on_an_axis_and_shown_as_a_series() {
    let table = df!("m" => [Some("a"), None, Some("b")], "y" => [1.0, 2.0, 3.0]).unwrap();
    assert_eq!(
        told(r#"{ "mark": "bar", "x": "m", "y": "y" }"#, &table),
        ["m: 1 of 3 values is not shown: 1 missing"]
    );
    let series = r#"{ "mark": "point", "x": "y", "y": "y", "color": "m" }"#;
    assert!(told(series, &table).is_empty());
    let shown = texts_of(&draw(&plot(series), &table).unwrap().svg());
    assert!(shown.contains(&"none".to_owned()), "{shown:?}");
}

#[test]
fn an_order_that_names_what_is_not_there_is_warned_of() {
    let json = r#"{ "mark": "bar", "x": { "field": "graph", "order": ["G(5,5)", "G(7,5)"] }, "y": "degree" }"#;
    let (told, advice) = lines(json, &accuracies());
    assert!(told.is_empty(), "{told:?}");
    assert_eq!(
        advice,
        [
            "degree: each bar is a mean over rows with different `method`; give `method` to `color` or `facet`, or average by SQL",
            "the `order` of `graph` names `G(7,5)`, which no row holds",
        ]
    );
}

#[test]
fn a_line_to_compare_with_that_has_no_place_is_told() {
    let json = r#"{ "mark": "point", "x": "degree", "y": { "field": "degree", "domain": [0, 20] }, "reference": [{ "y": 50, "label": "ceiling" }, { "y": "ci" }] }"#;
    assert_eq!(
        told(json, &accuracies()),
        [
            "ceiling: the line at 50 is not shown: it is outside the domain",
            "ci: 2 of 6 levels are not shown: 2 missing (degree = 10, graph = G(10,5), method = next-token; degree = 10, graph = G(10,5), method = reversed)",
        ]
    );
}

#[test]
fn a_scale_where_a_mark_has_categories_is_refused() {
    for (json, parameter) in [
        (
            r#"{ "mark": "bar", "x": { "field": "x", "scale": "log" }, "y": "y" }"#,
            "x.scale",
        ),
        (
            r#"{ "mark": "bar", "x": { "field": "x", "domain": [1, 2] }, "y": "y" }"#,
            "x.domain",
        ),
        (
            r#"{ "mark": "heat", "x": "x", "y": { "field": "y", "scale": "log" }, "value": "v" }"#,
            "y.scale",
        ),
    ] {
        // Which way bars stand is known with what the columns hold.
        let is_text = |_: Option<&str>, column: &str| Some(column == "x");
        let problems = plot(json).problems_knowing(&is_text);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].0, parameter);
    }
    let table = df!("x" => ["a", "b"], "y" => [1.0, 2.0]).unwrap();
    let lying = r#"{ "mark": "bar", "x": { "field": "y", "domain": [0, 3] }, "y": "x" }"#;
    assert!(draw(&plot(lying), &table).is_ok());
    let upright = r#"{ "mark": "bar", "x": { "field": "x", "domain": [0, 3] }, "y": "y" }"#;
    let error = draw(&plot(upright), &table).unwrap_err().to_string();
    assert!(
        error.contains("takes each value here for a category"),
        "{error}"
    );
    let bars = r#"{ "mark": "bar", "x": "x", "y": { "field": "y", "scale": "log" } }"#;
    assert!(plot(bars).problems().is_empty());
}

#[test]
fn an_interval_that_leaves_a_domain_is_told() {
    let table = df!("m" => ["a", "b", "c"], "y" => [0.5, 0.9, 0.2], "ci" => [0.1, 0.2, 0.1]);
    let json =
        r#"{ "mark": "bar", "x": "m", "y": { "field": "y", "error": "ci", "domain": [0, 1] } }"#;
    assert_eq!(
        told(json, &table.unwrap()),
        ["ci: 1 of 3 intervals is cut off: 1 outside the domain 0 to 1 (m = b)"]
    );
    let table = df!("x" => [1, 2], "y" => [1.0, 2.0], "ci" => [1.5, 0.5]).unwrap();
    let json =
        r#"{ "mark": "line", "x": "x", "y": { "field": "y", "error": "ci", "scale": "log" } }"#;
    assert_eq!(
        told(json, &table),
        ["ci: 1 of 2 intervals is cut off: 1 is below 0 on a log scale (x = 1)"]
    );
}
