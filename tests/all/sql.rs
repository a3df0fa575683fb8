//! SQL held against DuckDB: the same queries over the same tables give the same rows, but where etude says that it chooses otherwise.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use etude::figures::sql::{Catalog, Query, Runs, Table, TableInfo, columns_of};
use polars::prelude::*;
use serde_json::Value as Json;

fn read(name: &str) -> Json {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/reference/sql")
        .join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn number(value: &Json) -> Option<f64> {
    match value {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "inf" => Some(f64::INFINITY),
            "-inf" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

fn tables() -> BTreeMap<String, Table> {
    let tables = read("tables.json");
    let mut all = BTreeMap::new();
    for (name, table) in tables.as_object().unwrap() {
        let rows = table["rows"].as_array().unwrap();
        let columns = table["columns"].as_array().unwrap().iter().enumerate();
        let columns = columns.map(|(at, column)| -> Column {
            let cells = rows.iter().map(|row| &row[at]);
            let name = column[0].as_str().unwrap().into();
            let series = match column[1].as_str().unwrap() {
                "int" => cells
                    .map(Json::as_i64)
                    .collect::<Int64Chunked>()
                    .into_series(),
                "float" => cells.map(number).collect::<Float64Chunked>().into_series(),
                "bool" => cells
                    .map(Json::as_bool)
                    .collect::<BooleanChunked>()
                    .into_series(),
                _ => cells
                    .map(Json::as_str)
                    .collect::<StringChunked>()
                    .into_series(),
            };
            series.with_name(name).into()
        });
        let rows = DataFrame::new(rows.len(), columns.collect()).unwrap();
        all.insert(name.clone(), Table { rows, runs: None });
    }
    all
}

/// A cell as text by which equal ones are found, and its number where it is one.
#[derive(Debug, Clone)]
enum Cell {
    Null,
    Number(f64),
    Text(String),
}

impl Cell {
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => {
                a == b
                    || (a.is_nan() && b.is_nan())
                    || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
                    || (a - b).abs() < 1e-12
            }
            _ => false,
        }
    }

    fn sorts_as(&self) -> String {
        match self {
            Self::Null => "0".into(),
            Self::Number(v) => format!("1{:+.6e}", if *v == 0.0 { 0.0 } else { *v }),
            Self::Text(text) => format!("2{text}"),
        }
    }
}

fn found(table: &DataFrame) -> Vec<Vec<Cell>> {
    let cell = |value: AnyValue<'_>| match value {
        AnyValue::Null => Cell::Null,
        AnyValue::Boolean(v) => Cell::Number(f64::from(u8::from(v))),
        AnyValue::String(v) => Cell::Text(v.to_string()),
        AnyValue::StringOwned(v) => Cell::Text(v.to_string()),
        AnyValue::Int64(v) => Cell::Number(v as f64),
        AnyValue::Float64(v) => Cell::Number(v),
        other => Cell::Text(other.to_string()),
    };
    let rows = (0..table.height()).map(|row| {
        let columns = table.columns().iter();
        columns
            .map(|column| cell(column.get(row).unwrap()))
            .collect()
    });
    rows.collect()
}

fn wanted(rows: &Json, table: Option<&DataFrame>) -> Vec<Vec<Cell>> {
    let is_text = |at: usize| {
        table.is_some_and(|table| {
            table
                .columns()
                .get(at)
                .is_some_and(|c| c.dtype().is_string())
        })
    };
    let cell = |at: usize, value: &Json| match value {
        Json::Null => Cell::Null,
        Json::Bool(v) => Cell::Number(f64::from(u8::from(*v))),
        Json::String(text) if is_text(at) => Cell::Text(text.clone()),
        other => match number(other) {
            Some(number) => Cell::Number(number),
            None => Cell::Text(other.as_str().unwrap_or_default().to_string()),
        },
    };
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| {
        let cells = row.as_array().unwrap().iter().enumerate();
        cells.map(|(at, value)| cell(at, value)).collect()
    })
    .collect()
}

fn same(mut one: Vec<Vec<Cell>>, mut other: Vec<Vec<Cell>>, ordered: bool) -> bool {
    if !ordered {
        for rows in [&mut one, &mut other] {
            rows.sort_by_key(|row| row.iter().map(Cell::sorts_as).collect::<Vec<_>>());
        }
    }
    let rows = |(a, b): (&Vec<Cell>, &Vec<Cell>)| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is(b))
    };
    one.len() == other.len() && one.iter().zip(&other).all(rows)
}

/// What SQL may say that etude's does not: such queries are refused before they run, each with its place.
const NOT_TAKEN: &str = include_str!("../reference/sql/not-taken.txt");

#[test]
fn every_query_gives_what_duckdb_gives_or_what_etude_chooses_or_is_refused() {
    let tables = tables();
    let cases = read("cases.json");
    let mut differences = Vec::new();
    let mut refused = Vec::new();
    let mut equal = 0;
    for case in cases.as_array().unwrap() {
        let (name, sql) = (
            case["name"].as_str().unwrap(),
            case["sql"].as_str().unwrap(),
        );
        let is_open = !case["choice"].is_null()
            && case["rows_etude"].is_null()
            && case["error_etude"].is_null();
        let result = Query::parse(sql)
            .map_err(|problem| problem.to_string())
            .and_then(|query| {
                query
                    .run(tables.clone(), &BTreeMap::new())
                    .map(|(rows, _)| rows)
                    .map_err(|e| e.to_string())
            });
        let is_refused = !case["error_etude"].is_null()
            || (case["rows_etude"].is_null() && !case["error"].is_null());
        let rows = match &case["rows_etude"] {
            Json::Null => &case["rows"],
            rows => rows,
        };
        match result {
            _ if is_open => {}
            Ok(_) if is_refused => {
                differences.push(format!("{name}: answered, and is to be refused\n  {sql}"));
            }
            Err(_) if is_refused => equal += 1,
            Err(why) => refused.push((name, format!("{name}: {why}\n  {sql}"))),
            Ok(result) => {
                let ordered = case["ordered"].as_bool().unwrap_or(false);
                let names: Vec<&str> = case["columns"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|c| c.as_str().unwrap())
                    .collect();
                let (ours, theirs) = (found(&result), wanted(rows, Some(&result)));
                if result.width() != names.len() || !same(ours.clone(), theirs.clone(), ordered) {
                    differences.push(format!(
                        "{name}\n  {sql}\n  etude  {ours:?}\n  wanted {theirs:?}"
                    ));
                } else {
                    equal += 1;
                }
            }
        }
    }
    let known: Vec<&str> = NOT_TAKEN
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .collect();
    let new: Vec<&String> = refused
        .iter()
        .filter(|(name, _)| !known.contains(name))
        .map(|(_, text)| text)
        .collect();
    let answered: Vec<&&str> = known
        .iter()
        .filter(|known| !refused.iter().any(|(name, _)| name == *known))
        .collect();
    assert!(
        differences.is_empty() && new.is_empty() && answered.is_empty(),
        "{equal} equal\n\n{} differ:\n{}\n\n{} refused:\n{}\n\nanswered, though listed: {answered:?}",
        differences.len(),
        differences.join("\n"),
        new.len(),
        new.iter()
            .map(|s| s.as_str())
            .collect::<Vec<_>>()
            .join("\n"),
    );
    assert!(equal > 1000, "{equal}");
}

#[test]
fn whatever_form_is_not_taken_is_refused_before_anything_runs() {
    let catalog: Catalog = tables()
        .into_iter()
        .map(|(name, table)| {
            let runs = Runs::Untold("they are given".into());
            (
                name,
                TableInfo {
                    columns: Some(columns_of(&table.rows)),
                    coordinates: Vec::new(),
                    runs,
                },
            )
        })
        .collect();
    let cases = read("cases.json");
    let mut refused = 0;
    for case in cases.as_array().unwrap() {
        let (name, sql) = (
            case["name"].as_str().unwrap(),
            case["sql"].as_str().unwrap(),
        );
        if !NOT_TAKEN.lines().any(|line| line == name) {
            continue;
        }
        let problems = match Query::parse(sql) {
            Ok(query) => query.check(&catalog).expect_err(name),
            Err(problem) => vec![problem],
        };
        assert!(
            problems
                .iter()
                .all(|p| p.line >= 1 && p.column >= 1 && !p.message.is_empty()),
            "{name}"
        );
        refused += 1;
    }
    assert!(refused > 20, "{refused}");
}
