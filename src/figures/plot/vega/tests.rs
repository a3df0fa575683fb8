use std::collections::BTreeSet;

use polars::prelude::*;
use serde_json::{Value, json};

use crate::figures::plot::{Plot, annotated};

fn runs() -> DataFrame {
    df!(
        "step" => [1i64, 2, 1, 2, 1, 2, 1, 2],
        "loss" => [Some(2.0), Some(1.0), Some(4.0), Some(3.0), Some(1.5), None, Some(0.5), Some(0.25)],
        "ci" => [0.1, 0.1, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1],
        "method" => ["a", "a", "b", "b", "a", "a", "b", "b"],
        "task" => ["easy", "easy", "easy", "easy", "hard", "hard", "hard", "hard"],
        "guess" => [1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0],
    )
    .unwrap()
}

fn seeds() -> DataFrame {
    df!(
        "method" => ["a", "a", "b", "b"],
        "loss" => [1.0, 3.0, 2.0, 2.5],
        "size" => [10.0, 20.0, 30.0, 40.0],
        "step" => [1i64, 1, 2, 2],
    )
    .unwrap()
}

/// The specification of a plot of both tables.
fn spec(plot: Value) -> Value {
    let plot: Plot = serde_json::from_value(plot).unwrap();
    let tables = [("runs".to_owned(), runs()), ("seeds".to_owned(), seeds())];
    annotated(&plot, &tables, &[]).unwrap().vega
}

/// Every part of a specification with the name of the data that it draws.
fn units<'s>(
    spec: &'s Value,
    data: Option<&'s str>,
    found: &mut Vec<(&'s Value, Option<&'s str>)>,
) {
    let data = spec.pointer("/data/name").and_then(Value::as_str).or(data);
    found.push((spec, data));
    for inner in ["layer", "concat", "hconcat", "vconcat"] {
        let parts = spec.get(inner).and_then(Value::as_array);
        parts
            .into_iter()
            .flatten()
            .for_each(|part| units(part, data, found));
    }
    if let Some(inner) = spec.get("spec") {
        units(inner, data, found);
    }
}

/// The names of fields in a value.
fn fields<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(entries) => {
            for (name, value) in entries {
                match value.as_str().filter(|_| name == "field") {
                    Some(field) => found.push(field),
                    None => fields(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| fields(value, found)),
        _ => {}
    }
}

/// That every field which is named is in the data, and that every row has every field. Gives how many fields were named.
fn is_whole(spec: &Value) -> usize {
    let datasets = spec["datasets"].as_object().unwrap();
    for (name, rows) in datasets {
        let rows = rows.as_array().unwrap();
        let names = |row: &Value| -> BTreeSet<String> {
            row.as_object().unwrap().keys().cloned().collect()
        };
        let all = names(&rows[0]);
        assert!(rows.iter().all(|row| names(row) == all), "{name}: {rows:?}");
    }
    let mut parts = Vec::new();
    units(spec, None, &mut parts);
    let mut count = 0;
    for (unit, data) in parts {
        let mut named = Vec::new();
        for part in ["encoding", "facet", "transform"] {
            if let Some(part) = unit.get(part) {
                fields(part, &mut named);
            }
        }
        for field in named {
            let data = data.expect("what names a field has data");
            let rows = datasets[data].as_array().unwrap();
            assert!(
                rows[0].get(field).is_some(),
                "`{field}` is not in {data}: {unit}"
            );
            count += 1;
        }
    }
    count
}

#[test]
fn every_field_is_in_the_data_and_every_row_has_every_field() {
    let plots = [
        json!({ "mark": "line", "x": "step", "y": { "field": "loss", "error": "ci" }, "color": "method",
                "facet": "task", "points": true, "reference": [{ "y": "guess", "label": "guess" }] }),
        json!({ "mark": "bar", "x": "method", "y": { "field": "loss", "low": "ci", "high": "guess" }, "color": "task",
                "points": true, "jitter": true }),
        json!({ "mark": "bar", "x": "method", "y": "loss", "color": "task", "stack": "share" }),
        json!({ "mark": "point", "x": "loss", "y": "method", "color": "task", "size": "step",
                "row": "task", "column": "step", "opacity": "ci" }),
        json!({ "mark": "point", "x": "step", "y": "loss", "shape": "method", "color": { "field": "ci", "domain": [0, 1] } }),
        json!({ "mark": "heat", "x": "step", "y": "method", "value": "loss", "facet": { "field": "task", "title": "task" } }),
        json!({ "x": "method", "y": "loss", "layers": [
                { "mark": "bar", "color": "method" },
                { "mark": "point", "from": "seeds", "jitter": true, "tint": "#000000" }] }),
        json!({ "panels": [
                { "mark": "line", "x": "step", "y": { "field": "loss", "share": false }, "dash": "method", "facet": "task" },
                { "from": "seeds", "mark": "point", "x": "size", "y": "loss", "reference": [{ "x": [1, 20], "label": "few" }] }] }),
        json!({ "mark": "line", "x": "step", "y": "loss", "color": "method", "legend": "ends" }),
    ];
    for plot in plots {
        let spec = spec(plot.clone());
        assert!(is_whole(&spec) >= 3, "{plot}");
        assert_eq!(spec, self::spec(plot));
    }
}

#[test]
fn the_data_are_the_means_that_the_figure_shows() {
    let spec = spec(json!({ "mark": "line", "x": "step", "y": "loss", "color": "method" }));
    assert_eq!(
        spec["datasets"]["line"],
        json!([
            { "step": 1, "loss": 1.75, "method": "a" },
            // Where one value is missing there is no mean.
            { "step": 2, "loss": null, "method": "a" },
            { "step": 1, "loss": 2.25, "method": "b" },
            { "step": 2, "loss": 1.625, "method": "b" },
        ])
    );
    let text = spec.to_string();
    assert!(!text.contains("aggregate") && !text.contains("\"mean\""));
}

#[test]
fn a_line_is_a_layer_of_lines_and_points_on_scales_that_they_share() {
    let spec = spec(json!({
        "mark": "line", "x": "step", "y": { "field": "loss", "scale": "log", "title": "*L*_{1} [10^{−3}]" },
        "color": { "field": "method", "title": "method" },
    }));
    assert_eq!(
        spec["$schema"],
        "https://vega.github.io/schema/vega-lite/v5.json"
    );
    assert_eq!(spec["encoding"]["y"]["title"], "L₁ [10⁻³]");
    let scale = &spec["encoding"]["y"]["scale"];
    assert_eq!(
        (&scale["type"], &scale["base"]),
        (&json!("log"), &json!(10))
    );
    let marks: Vec<&Value> = spec["layer"]
        .as_array()
        .unwrap()
        .iter()
        .map(|unit| &unit["mark"]["type"])
        .collect();
    assert_eq!(marks, ["line", "point"]);
    assert_eq!(
        spec["layer"][0]["encoding"]["strokeDash"],
        json!({
            "field": "method", "type": "nominal",
            "scale": { "domain": ["a", "b"], "range": [[1, 0], [5, 2]] },
            "legend": { "title": "method", "symbolOpacity": 1, "symbolType": "stroke", "symbolStrokeWidth": 1.4 },
        })
    );
    assert_eq!(
        spec["layer"][0]["encoding"]["color"]["scale"]["range"],
        json!(["#0072b2", "#d55e00"])
    );
    let differences = spec["usermeta"]["etude"]["differences"].to_string();
    assert!(differences.contains("slanted"), "{differences}");
}

#[test]
fn bars_stand_side_by_side_or_on_one_another() {
    let beside = spec(json!({ "mark": "bar", "x": "method", "y": "loss", "color": "task" }));
    assert_eq!(beside["encoding"]["xOffset"]["field"], "task");
    assert_eq!(beside["encoding"]["y"]["stack"], Value::Null);
    let tables = [("seeds".to_owned(), seeds())];
    let plot =
        json!({ "mark": "bar", "x": "step", "y": "loss", "color": "method", "stack": "sum" });
    let plot: Plot = serde_json::from_value(plot).unwrap();
    let stacked = annotated(&plot, &tables, &[]).unwrap().vega;
    assert_eq!(stacked["encoding"].get("xOffset"), None);
    assert_eq!(stacked["encoding"]["y2"], json!({ "field": "loss begin" }));
    assert_eq!(
        stacked["datasets"]["bar"],
        json!([
            { "step": "1", "loss end": 2, "loss begin": 0, "method": "a" },
            { "step": "2", "loss end": 2.25, "loss begin": 0, "method": "b" },
        ])
    );
}

#[test]
fn facets_have_one_dataset_and_panels_several() {
    let facets = spec(
        json!({ "mark": "line", "x": "step", "y": { "field": "loss", "share": false },
                              "color": "method", "facet": { "field": "task", "title": "task" } }),
    );
    assert_eq!(
        facets["facet"],
        json!({ "field": "task", "type": "nominal", "sort": ["task = easy", "task = hard"], "title": null })
    );
    assert_eq!(facets["resolve"]["scale"]["y"], "independent");
    assert_eq!(facets["columns"], 2);
    let panels = spec(json!({ "title": "both", "panels": [
        { "mark": "line", "x": "step", "y": "loss", "color": "method", "title": "runs" },
        { "from": "seeds", "mark": "point", "x": "size", "y": "loss", "color": "method" }] }));
    assert_eq!(panels["hconcat"][0]["title"]["text"], "a  runs");
    assert_eq!(panels["hconcat"][1]["title"]["text"], "b");
    assert_eq!(panels["resolve"]["scale"]["color"], "shared");
    assert_eq!(panels["hconcat"][1]["data"]["name"], "b point");
    assert!(panels["hconcat"][0]["width"].as_f64().unwrap() > 100.0);
}

#[test]
fn what_cannot_be_said_is_named_and_nothing_is_drawn_where_there_is_nothing() {
    let swarm = spec(json!({ "mark": "point", "x": "method", "y": "loss", "swarm": true }));
    let differences = swarm["usermeta"]["etude"]["differences"].to_string();
    assert!(differences.contains("swarm"), "{differences}");
    let plot: Plot =
        serde_json::from_value(json!({ "mark": "line", "x": "step", "y": "loss" })).unwrap();
    let none = runs().head(Some(0));
    let drawn = annotated(&plot, &[("runs".to_owned(), none)], &[]).unwrap();
    let text = drawn.vega["mark"]["text"].as_str().unwrap();
    assert!(text.starts_with("nothing to draw: "), "{text}");
}

#[test]
fn what_the_ends_of_lines_name_has_no_legend_and_the_rest_has_one() {
    let spec = spec(json!({
        "mark": "line", "x": "step", "y": "loss", "color": "method", "dash": "task", "legend": "ends",
    }));
    let units = spec["layer"].as_array().unwrap();
    let line = &units[0]["encoding"];
    assert_eq!(line["color"]["legend"], Value::Null);
    assert_eq!(line["strokeDash"]["legend"]["symbolType"], "stroke");
    assert_eq!(spec["config"]["legend"]["orient"], "bottom");
    let texts = units.iter().find(|unit| unit["mark"]["type"] == "text");
    let data = texts.unwrap()["data"]["name"].as_str().unwrap();
    let rows = spec["datasets"][data].as_array().unwrap();
    // Of two lines with one name, one has it, at its last place with a value.
    let named: Vec<(&Value, &Value)> = rows
        .iter()
        .map(|row| (&row["method"], &row["step"]))
        .collect();
    assert_eq!(named, [(&json!("a"), &json!(2)), (&json!("b"), &json!(2))]);
}

#[test]
fn the_place_of_a_legend_is_that_in_the_figure() {
    let orient = |legend: &str| {
        let plot = json!({ "mark": "line", "x": "step", "y": "loss", "color": "method", "legend": legend });
        spec(plot)["config"]["legend"]["orient"].clone()
    };
    for place in ["right", "bottom", "top"] {
        assert_eq!(orient(place), place);
    }
    // The lines fall, so the first corner is free.
    assert_eq!(orient("best"), "top-right");
    let own = spec(json!({ "panels": [
        { "mark": "line", "x": "step", "y": "loss", "color": "method", "legend": "bottom" },
        { "mark": "line", "x": "step", "y": "loss", "color": "task", "legend": "none" }] }));
    let legend =
        |panel: usize| own["hconcat"][panel]["layer"][0]["encoding"]["color"]["legend"].clone();
    assert_eq!(legend(0)["orient"], "bottom");
    assert_eq!(legend(1), Value::Null);
}

#[test]
fn the_middle_of_a_palette_is_that_of_the_figure() {
    let scale = |value: Value| {
        let spec = spec(json!({ "mark": "heat", "x": "step", "y": "method", "value": value }));
        spec["layer"][0]["encoding"]["color"]["scale"].clone()
    };
    let given = scale(json!({ "field": "ci", "middle": 0, "domain": [-1, 4] }));
    assert_eq!(
        (&given["domain"], &given["domainMid"]),
        (&json!([-1, 4]), &json!(0))
    );
    let plain = scale(json!({ "field": "ci" }));
    assert_eq!(
        (plain.get("domainMid"), &plain["clamp"]),
        (None, &json!(true))
    );
}
