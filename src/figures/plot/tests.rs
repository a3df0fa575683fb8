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

fn plot(json: &str) -> Plot {
    serde_json::from_str(json).unwrap()
}

fn every_mark() -> Vec<Plot> {
    [
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
    (plot.width, plot.height) = (Some(200.0), Some(150.0));
    let pdf = draw(&plot, &accuracies()).unwrap().pdf().unwrap();
    let text = String::from_utf8_lossy(&pdf);
    assert!(text.contains("/MediaBox [0 0 200 150]"), "{}", &text[..600]);
}

#[test]
fn a_channel_is_a_name_or_a_table() {
    let short = plot(r#"{ "mark": "line", "x": "degree", "y": "accuracy" }"#);
    let long =
        plot(r#"{ "mark": "line", "x": { "field": "degree" }, "y": { "field": "accuracy" } }"#);
    assert_eq!(short, long);
    assert_eq!(short, Plot::new(MarkName::Line, "degree", "accuracy"));
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
        plot.columns(),
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
            r#"{ "mark": "bar", "x": "graph", "y": "accuracy", "facet": "degree", "width": 80 }"#,
            &table,
        ),
        refused(
            r#"{ "mark": "bar", "x": "graph", "y": "accuracy" }"#,
            &table.head(Some(0)),
        ),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r"
    no column `grpah`: did you mean `graph`? (columns: graph, method, degree, accuracy, ci)
    `method` should hold numbers; it holds str
    a heat map needs `value`: the column its cells are coloured by
    `value` belongs to a heat map; other marks take `y` and `color`
    a reference line has either `x` or `y`
    the `domain` of a logarithmic axis is above zero
    `width` is between 60 and 4000 points
    80 × 230 points are too little for 3 panel(s) with their labels: raise `width` or `height`
    the table is empty: there is nothing to draw
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
                    let json = format!(
                        r#"{{ "mark": "{mark}", "x": {{ "field": "x", "scale": "{scale}" }}, "y": {{ "field": "y", "scale": "{scale}"{error} }}, "points": true{value} }}"#
                    );
                    let svg = draw(&plot(&json), &table).unwrap().svg();
                    assert!(
                        !svg.contains("NaN") && !svg.contains("inf"),
                        "{json} {table:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn negative_numbers_have_a_real_minus_sign() {
    let table = df!("x" => [-2.0, 2.0], "y" => [-1.0, 1.0]).unwrap();
    let svg = draw(&Plot::new(MarkName::Point, "x", "y"), &table)
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
    let mut plot = Plot::new(MarkName::Bar, "x", "y");
    plot.color = Some(Channel::named("s"));
    let best = draw(&plot, &table).unwrap();
    plot.legend = Legend::Right;
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
            r#"{ "mark": "point", "x": { "field": "a", "domain": [2, 1] }, "y": "b", "color": { "field": "c", "error": "d", "domain": [0, 1] }, "value": { "field": "c", "order": [] } }"#,
        ),
    ];
    insta::assert_snapshot!(found.concat().join("\n"), @r"
    width: `width` is between 60 and 4000 points
    value: a heat map needs `value`: the column its cells are coloured by
    y.error: this mark draws no intervals around `y`
    reference.1: a reference line has either `x` or `y`
    x.error: this mark draws no intervals around `x`
    y.domain: the `domain` of a logarithmic axis is above zero
    value: `value` belongs to a heat map; other marks take `y` and `color`
    x.domain: `domain` is [lowest, highest]
    color.domain: `domain` belongs to numbers, not to groups
    color.error: this mark draws no intervals around `color`
    value.order: `value` is a number and has no other order
    ");
}

/// The labels in a picture, in the order they are written.
fn texts(json: &str) -> Vec<String> {
    let svg = draw(&plot(json), &accuracies()).unwrap().svg();
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
