use polars::prelude::*;

use super::super::sample::tests::row;
use super::*;
use crate::figures::plot::scale::Spread;
use crate::figures::plot::{Plot, annotated};

const LINEAR: Basis = Basis {
    spread: Spread::Linear,
    whole: false,
    domain: None,
};

fn counted(rows: &[Row], drawn: &Drawn, along: &Basis) -> Vec<(usize, usize, f64, f64)> {
    let rows = Histogram.computed(rows, drawn, along);
    let each = rows.iter().map(|row| {
        let base = row.base.unwrap_or(0.0);
        (row.series, row.x_key, base, row.y.unwrap())
    });
    each.collect()
}

/// Values of two series.
fn rows() -> Vec<Row> {
    let values = [
        (0, 0.0),
        (0, 1.0),
        (1, 1.5),
        (1, 3.5),
        (1, 4.0),
        (0, f64::NAN),
    ];
    let rows = values.iter().enumerate();
    rows.map(|(at, (series, x))| Row {
        x: x.is_finite().then_some(*x),
        ..row(at, *series, 0.0, None)
    })
    .collect()
}

#[test]
fn series_have_the_same_bins_and_may_stand_on_one_another() {
    let mut drawn = Drawn {
        bins: Some(4),
        ..Drawn::default()
    };
    assert_eq!(
        counted(&rows(), &drawn, &LINEAR),
        [
            (0, 0, 0.0, 1.0),
            (0, 1, 0.0, 1.0),
            (1, 1, 0.0, 1.0),
            (1, 3, 0.0, 2.0)
        ]
    );
    drawn.stack = Some(Stack::Sum);
    assert_eq!(
        counted(&rows(), &drawn, &LINEAR),
        [
            (0, 0, 0.0, 1.0),
            (0, 1, 0.0, 1.0),
            (1, 1, 1.0, 2.0),
            (1, 3, 0.0, 2.0)
        ]
    );
    drawn.stack = Some(Stack::Share);
    assert_eq!(
        counted(&rows(), &drawn, &LINEAR),
        [
            (0, 0, 0.0, 1.0),
            (0, 1, 0.0, 0.5),
            (1, 1, 0.5, 1.0),
            (1, 3, 0.0, 1.0)
        ]
    );
    let found = Histogram.computed(&rows(), &drawn, &LINEAR);
    assert_eq!(found[3].x_interval, Some((3.0, 4.0)));
}

#[test]
fn values_outside_the_domain_are_not_counted() {
    let along = Basis {
        domain: Some([1.0, 4.0]),
        ..LINEAR
    };
    let drawn = Drawn {
        bins: Some(3),
        ..Drawn::default()
    };
    let found = counted(&rows(), &drawn, &along);
    assert_eq!(
        found,
        [(0, 0, 0.0, 1.0), (1, 0, 0.0, 1.0), (1, 2, 0.0, 2.0)]
    );
}

#[test]
fn a_row_in_all_panels_counts_once_for_the_bins() {
    let rows: Vec<Row> = (0..3)
        .flat_map(|panel| rows().into_iter().map(move |row| Row { panel, ..row }))
        .collect();
    let many = Histogram.computed(&rows, &Drawn::default(), &LINEAR);
    let one = Histogram.computed(&self::rows(), &Drawn::default(), &LINEAR);
    let first: Vec<Row> = many.into_iter().filter(|row| row.panel == 0).collect();
    assert_eq!(first, one);
}

fn told(json: &str, table: &DataFrame) -> (String, Vec<String>) {
    let plot: Plot = serde_json::from_str(json).unwrap();
    let drawn = annotated(&plot, &[(String::new(), table.clone())], &[]).unwrap();
    (drawn.drawing.svg(), drawn.warnings)
}

#[test]
fn the_axis_of_counts_has_a_title_and_may_be_set() {
    let table = df!("x" => [1.0, 2.0, 2.5, 9.0, 4.0], "k" => ["a", "a", "a", "b", "b"]).unwrap();
    let (svg, warnings) = told(r#"{ "mark": "histogram", "x": "x" }"#, &table);
    assert!(
        svg.contains(">count<") && warnings.is_empty(),
        "{warnings:?}"
    );
    let (svg, _) = told(
        r#"{ "mark": "histogram", "y": "x", "stack": "share", "color": "k" }"#,
        &table,
    );
    assert!(svg.contains(">share<"));
    let json = r#"{ "mark": "histogram", "x": { "field": "x", "scale": "log" },
        "y": { "title": "runs", "domain": [0, 1] }, "bins": 2 }"#;
    let (svg, warnings) = told(json, &table);
    assert!(svg.contains(">runs<") && !svg.contains(">count<"));
    assert_eq!(
        warnings,
        ["count: cut off at the end of the domain 0 to 1; the highest is 3"]
    );
}

#[test]
fn true_and_false_have_a_bin_each() {
    let table = df!("x" => [true, false, true]).unwrap();
    let (svg, warnings) = told(r#"{ "mark": "histogram", "x": "x" }"#, &table);
    assert!(warnings.is_empty(), "{warnings:?}");
    for label in [">0<", ">1<", ">2<"] {
        assert!(svg.contains(label), "{label}: {svg}");
    }
    assert!(!svg.contains(">false<"));
}

#[test]
fn what_is_not_counted_is_told() {
    let table = df!("x" => [Some(1.0), None, Some(f64::INFINITY), Some(0.0), Some(-1.0), Some(f64::NAN), Some(70.0)]).unwrap();
    let json =
        r#"{ "mark": "histogram", "x": { "field": "x", "scale": "log", "domain": [0.5, 50] } }"#;
    let (_, warnings) = told(json, &table);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    for part in [
        "6 of 7 values are not shown",
        "1 missing",
        "1 NaN",
        "1 infinite",
        "1 is 0 on a log scale",
        "1 is below 0 on a log scale",
        "1 outside the domain 0.5 to 50",
    ] {
        assert!(warnings[0].contains(part), "{part}: {warnings:?}");
    }
    let (_, warnings) = told(r#"{ "mark": "histogram", "x": "x" }"#, &table.slice(1, 1));
    assert!(
        warnings[0].starts_with("there is nothing to draw"),
        "{warnings:?}"
    );
}

#[test]
fn contradictions_are_known_before_there_is_a_table() {
    let problems = |json: &str| -> Vec<String> {
        let plot: Plot = serde_json::from_str(json).unwrap();
        plot.problems().into_iter().map(|(path, _)| path).collect()
    };
    assert_eq!(
        problems(r#"{ "mark": "histogram", "x": "a", "y": "b" }"#),
        ["y"]
    );
    assert_eq!(
        problems(r#"{ "mark": "histogram", "y": { "title": "n" } }"#),
        ["x"]
    );
    assert_eq!(
        problems(r#"{ "mark": "bar", "x": "a", "y": { "title": "n" } }"#),
        ["y"]
    );
    assert_eq!(
        problems(r#"{ "mark": "histogram", "x": "a", "y": { "order": ["b"] } }"#),
        ["y.order"]
    );
    assert_eq!(
        problems(r#"{ "mark": "histogram", "x": "a", "color": { "title": "n" } }"#),
        ["color"]
    );
    assert_eq!(
        problems(r#"{ "mark": "histogram", "x": "a", "opacity": "b" }"#),
        ["opacity"]
    );
    assert_eq!(
        problems(r#"{ "mark": "histogram", "x": { "field": "a", "error": "e" } }"#),
        ["x.error"]
    );
    assert_eq!(
        problems(r#"{ "mark": "histogram", "x": "a", "facet": { "title": "n" } }"#),
        ["facet"]
    );
    assert!(problems(r#"{ "mark": "histogram", "x": "a", "y": { "scale": "log" } }"#).is_empty());
}
