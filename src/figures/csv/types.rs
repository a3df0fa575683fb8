//! From a table as text back to the Parquet file that the text was written from.
//!
//! The text does not say all of it: whether a column without values had a type, whether numbers had 32 bits, whether text that
//! reads as a number was one. Whoever writes the text may keep the types beside it. Where nobody did, those are tried that can
//! be meant, until the bytes are right.

use std::collections::BTreeMap;
use std::path::Path;

use polars::prelude::{Column, DataFrame, DataType};

use super::parse::Cell;
use super::{Declared, by_column, cells, rows_of, text_of};
use crate::figures::table::{self, Error};

/// The types of columns by what they are called, by column.
pub type Types = BTreeMap<String, String>;

/// What the types are called that tables of ours have.
const NAMES: [(&str, DataType); 6] = [
    ("none", DataType::Null),
    ("bool", DataType::Boolean),
    ("int", DataType::Int64),
    ("float32", DataType::Float32),
    ("float", DataType::Float64),
    ("text", DataType::String),
];

/// The types of the columns of a table; `None` if it has one that text cannot keep.
pub fn of(table: &DataFrame) -> Option<Types> {
    let columns = table.columns().iter().map(|column| {
        let (name, _) = NAMES.iter().find(|(_, kind)| kind == column.dtype())?;
        Some((column.name().to_string(), (*name).to_string()))
    });
    columns.collect()
}

fn declared(types: &Types) -> Option<Declared> {
    let columns = types.iter().map(|(column, called)| {
        let (_, kind) = NAMES.iter().find(|(name, _)| name == called)?;
        Some((column.clone(), kind.clone()))
    });
    columns.collect()
}

/// So many combinations of types are tried.
const MOST_TRIES: usize = 4096;

/// The bytes of the Parquet file that a table was written from; `None` if no types make them right.
///
/// # Errors
/// Those of [`super::read`].
pub fn to_parquet(
    path: &Path,
    known: Option<&Types>,
    is_right: impl Fn(&[u8]) -> bool,
) -> Result<Option<Vec<u8>>, Error> {
    let text = text_of(path)?;
    let (names, rows) = rows_of(path, &text)?;
    let lines: Vec<usize> = rows.iter().map(|row| row.line).collect();
    let known = known.and_then(declared);
    let columns = names.iter().zip(by_column(&rows));
    let columns = columns.map(|(name, cells)| {
        let columns = match known.as_ref().and_then(|known| known.get(name)) {
            Some(kind) => cells::declared(name, kind, &cells)
                .ok()
                .into_iter()
                .collect(),
            None => candidates(name, &cells, &lines),
        };
        with_other_nan(columns)
    });
    let columns: Vec<Vec<Column>> = columns.collect();
    let counts: Vec<usize> = columns.iter().map(Vec::len).collect();
    for chosen in combinations(counts) {
        let chosen = columns.iter().zip(chosen);
        let chosen = chosen.map(|(columns, at)| columns[at].clone());
        let table = DataFrame::new(rows.len(), chosen.collect())?;
        let bytes = table::to_bytes(&table)?;
        if is_right(&bytes) {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

/// A column as its cells read, and with the other types that they may have been written from, the likeliest first. Numbers
/// with fractions are written with a point, so whole numbers were whole.
fn candidates(name: &str, cells: &[&Cell<'_>], lines: &[usize]) -> Vec<Column> {
    let (read, _) = cells::typed(name, cells, lines);
    let others: &[DataType] = match read.dtype() {
        DataType::Null => &[
            DataType::String,
            DataType::Float64,
            DataType::Int64,
            DataType::Boolean,
            DataType::Float32,
        ],
        DataType::Float64 => &[DataType::Float32, DataType::String],
        DataType::Int64 | DataType::Boolean => &[DataType::String],
        _ => &[],
    };
    let others = others.iter();
    let others = others.filter_map(|kind| cells::declared(name, kind, cells).ok());
    std::iter::once(read).chain(others).collect()
}

/// Columns, and those with NaN once more with the sign that a division of zero by zero gives it on some machines. Text does
/// not tell the two apart.
fn with_other_nan(columns: Vec<Column>) -> Vec<Column> {
    let flipped = columns.iter().filter_map(|column| {
        let name = column.name().clone();
        match column.dtype() {
            DataType::Float64 => {
                let values = column.f64().ok()?;
                let has_nan = values.iter().flatten().any(f64::is_nan);
                let flip = |value: f64| if value.is_nan() { -value } else { value };
                let flipped = values.iter().map(|value| value.map(flip));
                has_nan.then(|| Column::new(name, flipped.collect::<Vec<_>>()))
            }
            DataType::Float32 => {
                let values = column.f32().ok()?;
                let has_nan = values.iter().flatten().any(f32::is_nan);
                let flip = |value: f32| if value.is_nan() { -value } else { value };
                let flipped = values.iter().map(|value| value.map(flip));
                has_nan.then(|| Column::new(name, flipped.collect::<Vec<_>>()))
            }
            _ => None,
        }
    });
    let flipped: Vec<Column> = flipped.collect();
    columns.into_iter().chain(flipped).collect()
}

/// One choice for each column, by place: first the first of all, then those that differ from it in few columns. Where there are
/// too many, the last choices of columns are left out.
fn combinations(mut counts: Vec<usize>) -> Vec<Vec<usize>> {
    let all = |counts: &[usize]| counts.iter().copied().fold(1, usize::saturating_mul);
    while all(&counts) > MOST_TRIES {
        if let Some(most) = counts.iter_mut().max() {
            *most -= 1;
        }
    }
    let mut chosen = vec![Vec::with_capacity(counts.len())];
    for count in counts {
        let longer = chosen.iter().flat_map(|start: &Vec<usize>| {
            (0..count).map(|next| start.iter().copied().chain([next]).collect())
        });
        chosen = longer.collect();
    }
    chosen.sort_by_key(|choice| choice.iter().filter(|at| **at > 0).count());
    chosen
}

#[cfg(test)]
mod tests {
    use polars::df;

    use super::*;
    use crate::figures::csv;

    fn restored(table: &DataFrame, known: Option<&Types>) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        csv::write(table, &path).unwrap();
        let bytes = table::to_bytes(table).unwrap();
        let found = to_parquet(&path, known, |other| other == bytes).unwrap();
        found.is_some_and(|found| found == bytes)
    }

    fn tables() -> Vec<DataFrame> {
        vec![
            df!["seed" => [0_i64, 1], "share" => [1.0, 0.1], "name" => ["a", "b, c"]].unwrap(),
            df!["label" => ["0", "1"], "single" => [0.1_f32, 2.0], "ok" => [true, false]].unwrap(),
            df!["text" => [None::<&str>, None], "number" => [None::<f64>, None], "n" => [1_i64, 2]]
                .unwrap(),
            df!["whole" => [None, Some(3_i64)], "words" => ["true", "false"], "some" => ["", "NA"]]
                .unwrap(),
            df!["nan" => [f64::NAN, 1.0], "other" => [-f64::NAN, f64::INFINITY]].unwrap(),
            df!["none" => Vec::<f64>::new(), "at" => Vec::<String>::new()].unwrap(),
        ]
    }

    #[test]
    fn a_table_is_written_back_to_the_bytes_that_its_text_came_from() {
        for table in tables() {
            assert!(restored(&table, None), "{table}");
            let known = of(&table).unwrap();
            assert!(restored(&table, Some(&known)), "{table}");
        }
    }

    #[test]
    fn types_that_are_known_are_not_tried_and_unknown_ones_are() {
        let table = df!["share" => [0.5, 1.0]].unwrap();
        let other = Types::from([("share".to_string(), "float32".to_string())]);
        assert!(!restored(&table, Some(&other)));
        let strange = Types::from([("share".to_string(), "date".to_string())]);
        assert!(restored(&table, Some(&strange)));
        let bytes = df!["raw" => [b"ab".as_slice()]].unwrap();
        assert_eq!(of(&bytes), None);
    }

    #[test]
    fn few_changes_come_first_and_too_many_choices_are_cut() {
        let all = combinations(vec![2, 1, 3]);
        assert_eq!(all[0], [0, 0, 0]);
        assert_eq!(all.len(), 6);
        assert_eq!(all[5].iter().filter(|at| **at > 0).count(), 2);
        let many = combinations(vec![6; 30]);
        assert!((2..=MOST_TRIES).contains(&many.len()));
        assert!(combinations(vec![2, 0]).is_empty());
        assert_eq!(combinations(Vec::new()), [Vec::<usize>::new()]);
    }
}
