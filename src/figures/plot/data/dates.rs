//! Dates and times that a table holds as text, read as seconds since 1970 where an axis of times asks for them.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use polars::prelude::{AnyValue, Column, DataFrame};

use crate::figures::plot::spec::{Channel, Plot, ScaleName};
use crate::figures::table::{self, Error};

/// How a date is written without a zone; it is one of UTC.
const TIMES: [&str; 4] = [
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
];

/// The tables with numbers in place of dates, if an axis of times reads text.
pub(in crate::figures::plot) fn dated(
    plot: &Plot,
    tables: &[(String, DataFrame)],
) -> Result<Option<Vec<(String, DataFrame)>>, Error> {
    let mut dated: Option<Vec<(String, DataFrame)>> = None;
    for view in plot.views() {
        for (_, drawn) in &view.layers {
            let sides = [&drawn.x, &drawn.y].into_iter().flatten();
            for side in sides.filter(|side| side.scale() == ScaleName::Time) {
                let from = drawn.from.as_deref();
                let at = tables
                    .iter()
                    .position(|(name, _)| from.is_none_or(|own| own == name));
                let Some(at) = at else { continue };
                for name in columns(side) {
                    let all = dated.as_deref().unwrap_or(tables);
                    let Some(column) = text(&all[at].1, name) else {
                        continue;
                    };
                    let read = seconds(column)?;
                    let all = dated.get_or_insert_with(|| tables.to_vec());
                    all[at].1.with_column(read)?;
                }
            }
        }
    }
    Ok(dated)
}

/// The columns of a channel that hold times.
fn columns(side: &Channel) -> impl Iterator<Item = &String> {
    let ends = [&side.low, &side.high].into_iter().flatten();
    std::iter::once(&side.field)
        .filter(|name| !name.is_empty())
        .chain(ends)
}

/// A column, if it holds text.
fn text<'t>(table: &'t DataFrame, name: &str) -> Option<&'t Column> {
    let column = table::column(table, name).ok()?;
    let is_empty = column.null_count() == column.len();
    (column.dtype().is_string() && !is_empty).then_some(column)
}

/// The dates of a column as seconds since 1970.
fn seconds(column: &Column) -> Result<Column, Error> {
    let mut read: Vec<Option<f64>> = Vec::with_capacity(column.len());
    for row in 0..column.len() {
        let cell = column.get(row)?;
        let written = match &cell {
            AnyValue::String(written) => *written,
            AnyValue::StringOwned(written) => written.as_str(),
            _ => {
                read.push(None);
                continue;
            }
        };
        let time = time(written.trim()).ok_or_else(|| {
            Error::Unsuitable(format!(
                "`{}` has the scale `time`, and row {} holds {written:?}: write dates as 2026-11-28, 2026-11-28T09:30 or \
                 2026-11-28T09:30:00Z, or seconds since 1970 as numbers",
                column.name(),
                row + 1
            ))
        })?;
        read.push(Some(time));
    }
    let name = column.name().clone();
    if read.iter().flatten().all(|time| time.fract() == 0.0) {
        let whole = read.iter().map(|time| time.map(|time| time as i64));
        return Ok(Column::new(name, whole.collect::<Vec<_>>()));
    }
    Ok(Column::new(name, read))
}

/// One date, or a date with a time of the day and perhaps a zone.
fn time(text: &str) -> Option<f64> {
    let seconds = |whole: i64, nanos: u32| whole as f64 + f64::from(nanos) / 1e9;
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(seconds(time.timestamp(), time.timestamp_subsec_nanos()));
    }
    let mut times = TIMES.iter();
    if let Some(time) = times.find_map(|form| NaiveDateTime::parse_from_str(text, form).ok()) {
        let time = time.and_utc();
        return Some(seconds(time.timestamp(), time.timestamp_subsec_nanos()));
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    // A month is its first day.
    let day = day.or_else(|| NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok());
    Some(day?.and_hms_opt(0, 0, 0)?.and_utc().timestamp() as f64)
}

#[cfg(test)]
mod tests {
    use polars::prelude::df;

    use super::*;

    #[test]
    fn dates_are_read_with_and_without_a_zone() {
        let day = 20_785.0 * 86_400.0;
        assert_eq!(time("2026-11-28"), Some(day));
        assert_eq!(time("2026-11-28T09:30"), Some(day + 9.5 * 3600.0));
        assert_eq!(
            time("2026-11-28 09:30:00.5"),
            Some(day + 9.5 * 3600.0 + 0.5)
        );
        assert_eq!(time("2026-11-28T09:30:00+01:00"), Some(day + 8.5 * 3600.0));
        assert_eq!(time("2026-11"), Some(day - 27.0 * 86_400.0));
        assert_eq!(time("28.11.2026"), None);
        assert_eq!(time("2026-02-30"), None);
    }

    #[test]
    fn only_an_axis_of_times_reads_text_as_dates() {
        let table = df!("when" => ["2026-11-28", "2026-11-29"], "loss" => [1.0, 0.5]).unwrap();
        let tables = [(String::new(), table)];
        let plot = |scale: &str| -> Plot {
            serde_json::from_value(serde_json::json!({
                "mark": "line", "x": { "field": "when", "scale": scale }, "y": "loss"
            }))
            .unwrap()
        };
        assert_eq!(dated(&plot("linear"), &tables).unwrap(), None);
        let read = dated(&plot("time"), &tables).unwrap().unwrap();
        assert!(read[0].1.column("when").unwrap().dtype().is_integer());
        let table = df!("when" => ["2026-11-28", "soon"], "loss" => [1.0, 0.5]).unwrap();
        let why = dated(&plot("time"), &[(String::new(), table)]).unwrap_err();
        assert!(why.to_string().contains("row 2 holds \"soon\""), "{why}");
    }
}
