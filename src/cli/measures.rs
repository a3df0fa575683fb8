//! What a job left or was doing, in numbers: the metrics and curves of a training, the rows and columns of a table, a verdict.

use std::fs;
use std::path::Path;

use polars::prelude::DataFrame;

use crate::figures::table;
use crate::pipeline::{Judged, Progress, Verdict, show_count};
use crate::report::sparkline;
use crate::store::{Record, Store, StoredFile};

/// The learning curve that a training leaves.
const CURVE: &str = "curve.parquet";
/// How many columns a curve takes.
const COLUMNS: usize = 40;
/// So many columns of a table are named.
const NAMED: usize = 12;
/// A table of more bytes is not read only to be described.
const LARGEST: u64 = 64 << 20;

/// The values of a metric, in order.
struct Metric {
    name: String,
    values: Vec<f64>,
}

/// What an artifact says of its job.
pub(super) fn of_artifact(record: &Record, store: &Store) -> String {
    let file = |name: &str| record.artifact.files.get(name);
    let curve = file(CURVE).and_then(|file| table::read(&store.objects().path(&file.digest)).ok());
    let mut text = curve.map_or(String::new(), |curve| of_curve(&curve, record));
    let verdict =
        file(Verdict::FILE).and_then(|file| fs::read(store.objects().path(&file.digest)).ok());
    let verdict = verdict.and_then(|json| serde_json::from_slice(&json).ok());
    text.extend(verdict.map(|verdict| of_verdict(&verdict)));
    text
}

/// The metrics of a training that has ended.
fn of_curve(curve: &DataFrame, record: &Record) -> String {
    let numbers = |name: &str| -> Vec<f64> {
        let column = table::column(curve, name).and_then(table::numbers);
        column.unwrap_or_default().into_iter().flatten().collect()
    };
    let Some(steps) = numbers("step").last().copied() else {
        return String::new();
    };
    // One that went on from a shorter one did only the rest in its time.
    let before = match &record.started_from {
        None => Some(0.0),
        Some(from) if from.unit == "steps" => Some(from.length as f64),
        Some(_) => None,
    };
    let rate = before.map(|before| (steps - before) / record.seconds);
    let rate = rate.map_or(String::new(), |rate| at_rate(rate, "steps"));
    let head = format!("trained for {} steps{rate}", show_count(steps as u64));
    let metric = |name: &str, column| Metric {
        name: name.into(),
        values: numbers(column),
    };
    with_metrics(
        &head,
        &[metric("loss", "loss"), metric("exact match", "exact")],
    )
}

/// How far a job without an artifact was, from what it told: moments in seconds, and its progress then.
pub(super) fn of_progress(told: &[(f64, Progress)]) -> String {
    let (Some((begin, first)), Some((end, last))) = (told.first(), told.last()) else {
        return String::new();
    };
    let mut place = show_count(last.done);
    if last.total > 0 {
        place.push_str(&format!(" of {}", show_count(last.total)));
    }
    let rate = last.done.saturating_sub(first.done) as f64 / (end - begin);
    let (unit, rate) = (&last.unit, at_rate(rate, &last.unit));
    let metrics = last.metrics.iter().map(|(name, _)| {
        let all = told.iter().flat_map(|(_, progress)| &progress.metrics);
        let own = all.filter(|(of, _)| of == name);
        Metric {
            name: name.clone(),
            values: own.map(|(_, value)| *value).collect(),
        }
    });
    let metrics: Vec<Metric> = metrics.collect();
    with_metrics(
        &format!("in its last run it reached {place} {unit}{rate}"),
        &metrics,
    )
}

/// ` at 2.5 steps/s`, where there is a rate.
fn at_rate(rate: f64, unit: &str) -> String {
    if rate.is_finite() && rate > 0.0 {
        format!(" at {} {unit}/s", show_number(rate))
    } else {
        String::new()
    }
}

/// A line with the last value of every metric, and a line with the curve of each.
fn with_metrics(head: &str, metrics: &[Metric]) -> String {
    let known = metrics.iter().filter_map(|metric| {
        let (first, last) = (metric.values.first()?, metric.values.last()?);
        Some((metric, show_number(*first), show_number(*last)))
    });
    let known: Vec<_> = known.collect();
    let last = known
        .iter()
        .map(|(metric, _, last)| format!("last {} {last}", metric.name));
    let last: Vec<String> = last.collect();
    let mut text = head.to_string();
    if !last.is_empty() {
        text.push_str(&format!(": {}", last.join(", ")));
    }
    text.push('\n');
    let width = known.iter().map(|(metric, _, _)| metric.name.len()).max();
    let width = width.unwrap_or(0);
    for (metric, first, last) in known
        .iter()
        .filter(|(metric, _, _)| metric.values.len() > 1)
    {
        let (name, curve) = (&metric.name, sparkline(&metric.values, COLUMNS));
        text.push_str(&format!("  {name:width$}  {curve}  {first} → {last}\n"));
    }
    text
}

fn of_verdict(verdict: &Verdict) -> String {
    let word = match verdict.verdict {
        Judged::Reproduced => "reproduced",
        Judged::NotReproduced => "not reproduced",
        Judged::Unknown => "cannot be judged",
    };
    let rows = verdict.rows_in_words();
    format!("verdict: {word} ({rows}): {}\n", verdict.says)
}

/// `2 000 rows; columns: step, loss`, if a file is a table.
pub(super) fn of_file(name: &str, file: &StoredFile, store: &Store) -> Option<String> {
    let is_table = Path::new(name).extension().is_some_and(|e| e == "parquet");
    if !is_table || file.size > LARGEST {
        return None;
    }
    let table = table::read(&store.objects().path(&file.digest)).ok()?;
    let rows = match table.height() {
        1 => "1 row".to_string(),
        rows => format!("{} rows", show_count(rows as u64)),
    };
    let columns = table::column_names(&table);
    let named = columns[..columns.len().min(NAMED)].join(", ");
    let more = match columns.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!("{rows}; columns: {named}{more}"))
}

/// Four significant digits.
fn show_number(value: f64) -> String {
    let size = value.abs();
    if value != 0.0 && !(1e-4..1e6).contains(&size) {
        return format!("{value:.3e}");
    }
    let magnitude = if value == 0.0 {
        0.0
    } else {
        size.log10().floor()
    };
    let decimals = (3.0 - magnitude).max(0.0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use polars::prelude::df;

    use super::*;
    use crate::store::{Artifact, Digest, StartedFrom};

    fn record(started_from: Option<StartedFrom>) -> Record {
        Record {
            key: Digest::of_bytes(b""),
            fingerprint: serde_json::Value::Null,
            artifact: Artifact {
                files: Default::default(),
            },
            job: "model".into(),
            started: 0,
            seconds: 2.0,
            device: "cpu".into(),
            machine: String::new(),
            started_from,
            released: false,
        }
    }

    #[test]
    fn a_training_tells_its_steps_its_rate_its_metrics_and_their_curves() {
        let curve = df!(
            "step" => [1000_i64, 2000, 3000],
            "loss" => [2.5, 1.0, 0.51234],
            "exact" => [None, Some(0.25), Some(0.98)],
        )
        .unwrap();
        assert_eq!(
            of_curve(&curve, &record(None)),
            "trained for 3 000 steps at 1500 steps/s: last loss 0.5123, last exact match 0.98\n\
             \x20 loss         █▂▁  2.5 → 0.5123\n\
             \x20 exact match  ▁█  0.25 → 0.98\n"
        );
        let from = |length, unit: &str| StartedFrom {
            key: Digest::of_bytes(b""),
            length,
            unit: unit.into(),
        };
        let head = |from| of_curve(&curve, &record(Some(from)));
        assert!(head(from(2000, "steps")).starts_with("trained for 3 000 steps at 500 steps/s: "));
        assert!(head(from(2, "epochs")).starts_with("trained for 3 000 steps: "));
        let empty = df!("step" => Vec::<i64>::new(), "loss" => Vec::<f64>::new()).unwrap();
        assert_eq!(of_curve(&empty, &record(None)), "");
    }

    #[test]
    fn a_job_without_an_artifact_tells_how_far_it_was() {
        let at = |seconds: f64, done: u64, loss: f64| {
            let progress = Progress {
                done,
                total: 3000,
                unit: "steps".into(),
                metrics: vec![("loss".into(), loss)],
            };
            (seconds, progress)
        };
        assert_eq!(
            of_progress(&[at(1.0, 200, 2.0), at(6.0, 1200, 1.0)]),
            "in its last run it reached 1 200 of 3 000 steps at 200 steps/s: last loss 1\n\
             \x20 loss  █▁  2 → 1\n"
        );
        assert_eq!(
            of_progress(&[at(1.0, 200, 2.0)]),
            "in its last run it reached 200 of 3 000 steps: last loss 2\n"
        );
        assert_eq!(of_progress(&[]), "");
    }

    #[test]
    fn numbers_have_four_significant_digits() {
        let shown = [
            (0.0, "0"),
            (1.0, "1"),
            (0.038_949_396_547_595_196, "0.03895"),
            (-12.3456, "-12.35"),
            (123_456.7, "123457"),
            (1_500.0, "1500"),
            (2.0e-7, "2.000e-7"),
            (f64::INFINITY, "inf"),
        ];
        for (value, text) in shown {
            assert_eq!(show_number(value), text);
        }
    }
}
