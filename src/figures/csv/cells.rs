//! What the cells of a column are: missing values, truth values, whole numbers, numbers, or text.
//!
//! The type of a column is the narrowest that holds all its cells without changing any: text whose digits would be lost or
//! altered as a number (`007`, `12e5`, whole numbers of more than 64 bits) stays text, and then the whole column is text.

use polars::prelude::{Column, DataType, Scalar};

use super::parse::{Cell, Form};
use crate::figures::table::is_exact;

/// What stands for a missing value, where it is not in quotes.
const MISSING: [&str; 9] = [
    "", "NA", "N/A", "n/a", "#N/A", "<NA>", "NULL", "null", "None",
];

/// What one cell is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Class {
    Missing,
    /// A missing value beside numbers, text beside text: such a word, or nothing, in quotes.
    Quoted,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Text, and why it is no number, where it looks like one.
    Text(Option<&'static str>),
}

fn class(cell: &Cell<'_>) -> Class {
    let text = match cell.form {
        Form::Text => return Class::Text(None),
        _ => cell.text.trim(),
    };
    if MISSING.contains(&text) {
        return match cell.form {
            Form::Bare => Class::Missing,
            _ => Class::Quoted,
        };
    }
    match flag(text) {
        Some(flag) => Class::Bool(flag),
        None => number(text),
    }
}

/// Whether a bare cell of this text is a missing value.
pub(super) fn is_missing(text: &str) -> bool {
    MISSING.contains(&text)
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// A text as a number, or why it is none.
fn number(text: &str) -> Class {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let first = unsigned.strip_prefix('.').unwrap_or(unsigned);
    let begins = first.starts_with(|c: char| c.is_ascii_digit());
    let Ok(value) = text.parse::<f64>() else {
        return Class::Text(begins.then(|| unlike(unsigned)).flatten());
    };
    if !begins {
        // Only `inf` and `nan` are numbers without a digit.
        return Class::Float(value);
    }
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.find('.') {
        Some(at) => (&mantissa[..at], true),
        None => (mantissa, false),
    };
    if !fraction && whole.len() > 1 && whole.starts_with('0') {
        return Class::Text(Some("a number would lose the zero it begins with"));
    }
    // Programs write 1.2e6 or 1e+06; what has several digits, no point and no sign in its exponent is a hash.
    if exponent.is_some_and(|e| !e.starts_with(['+', '-'])) && !fraction && whole.len() > 1 {
        return Class::Text(Some(
            "it reads like an id; as a number it would be another text",
        ));
    }
    if !fraction && exponent.is_none() {
        return match text.parse::<i64>() {
            Ok(value) => Class::Int(value),
            Err(_) => Class::Text(Some(
                "a whole number of more than 64 bits would lose digits",
            )),
        };
    }
    let is_zero = mantissa.bytes().all(|b| matches!(b, b'0' | b'.'));
    match value {
        value if value.is_infinite() => Class::Text(Some("as a number it would be infinite")),
        0.0 if !is_zero => Class::Text(Some("as a number it would be 0")),
        value => Class::Float(value),
    }
}

/// Why something that begins like a number is none.
fn unlike(text: &str) -> Option<&'static str> {
    let of = |more: &str| {
        let plain = |c: char| c.is_ascii_digit() || more.contains(c);
        text.contains(|c| more.contains(c)) && text.chars().all(plain)
    };
    if text.starts_with("0x") || text.starts_with("0X") {
        Some("hexadecimal digits are not read; write a decimal number")
    } else if text.ends_with('%') {
        Some("percent are not read; write 50% as 0.5")
    } else if of(",.") || of(", ") || of("' ") || of("_.") || of("\u{a0}\u{202f},.") {
        Some("write numbers with a point before the fraction and nothing between thousands")
    } else {
        None
    }
}

/// A column of the narrowest type that holds its cells, and what there is to say of that: which cell made text of a column
/// of numbers. `lines` has the line of each cell.
pub(super) fn typed(name: &str, cells: &[&Cell<'_>], lines: &[usize]) -> (Column, Option<String>) {
    let classes: Vec<Class> = cells.iter().map(|cell| class(cell)).collect();
    let first = |is: &dyn Fn(&Class) -> bool| classes.iter().position(is);
    let text = first(&|class| matches!(class, Class::Text(_)));
    let flag = first(&|class| matches!(class, Class::Bool(_)));
    let float = first(&|class| matches!(class, Class::Float(_)));
    let int = first(&|class| matches!(class, Class::Int(_)));
    let long = first(&|class| matches!(class, Class::Int(int) if !is_exact(*int)));
    let of = name.into();
    match (text, flag, float, int) {
        (None, None, None, None) => {
            let mut words = classes.iter().zip(cells);
            if !words.any(|(class, cell)| *class == Class::Quoted && !cell.text.is_empty()) {
                let nothing = Scalar::null(DataType::Null);
                return (Column::new_scalar(of, nothing, cells.len()), None);
            }
        }
        (None, Some(_), None, None) => {
            let values = classes.iter().map(|class| match class {
                Class::Bool(flag) => Some(*flag),
                _ => None,
            });
            return (Column::new(of, values.collect::<Vec<_>>()), None);
        }
        (None, None, None, Some(_)) => {
            let values = classes.iter().map(|class| match class {
                Class::Int(int) => Some(*int),
                _ => None,
            });
            return (Column::new(of, values.collect::<Vec<_>>()), None);
        }
        (None, None, Some(_), _) if long.is_none() => {
            let values = classes.iter().map(|class| match class {
                Class::Int(int) => Some(*int as f64),
                Class::Float(float) => Some(*float),
                _ => None,
            });
            return (Column::new(of, values.collect::<Vec<_>>()), None);
        }
        _ => {}
    }
    let number = int.or(float);
    let because = match (text, flag) {
        (Some(at), _) => match classes[at] {
            Class::Text(Some(why)) => Some((at, why)),
            _ => number.map(|_| (at, "it is no number")),
        },
        (None, Some(at)) => Some((at, "it is no number")),
        (None, None) => long.map(|at| {
            (
                at,
                "the column has fractions, among which its digits would be lost",
            )
        }),
    };
    let note = because.map(|(at, why)| {
        let (cell, line) = (&cells[at].text, lines[at]);
        format!("the column `{name}` is text because of `{cell}` in line {line}: {why}")
    });
    let word = || {
        let mut words = classes.iter().zip(cells).enumerate();
        let (at, _) = words
            .find(|(_, (class, cell))| **class == Class::Missing && !cell.text.trim().is_empty())?;
        let (cell, line) = (&cells[at].text, lines[at]);
        Some(format!(
            "in the column `{name}`, which is text, `{cell}` in line {line} is read as a missing value; put it in quotes if it is text"
        ))
    };
    (texts(name, &classes, cells), note.or_else(word))
}

fn texts(name: &str, classes: &[Class], cells: &[&Cell<'_>]) -> Column {
    let texts = classes.iter().zip(cells);
    let texts = texts.map(|(class, cell)| (*class != Class::Missing).then_some(&*cell.text));
    Column::new(name.into(), texts.collect::<Vec<_>>())
}

/// A column of the type that was declared; else the place of the first cell that does not fit.
pub(super) fn declared(name: &str, kind: &DataType, cells: &[&Cell<'_>]) -> Result<Column, usize> {
    fn all<T>(
        cells: &[&Cell<'_>],
        value: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<Option<T>>, usize> {
        let values = cells.iter().enumerate().map(|(at, cell)| {
            let text = cell.text.trim();
            if MISSING.contains(&text) && cell.form != Form::Text {
                Ok(None)
            } else {
                value(text).map(Some).ok_or(at)
            }
        });
        values.collect()
    }
    let has_digits = |text: &str| text.contains(|c: char| c.is_ascii_digit());
    Ok(match kind {
        DataType::Null => {
            all(cells, |_| None::<bool>)?;
            Column::new_scalar(name.into(), Scalar::null(DataType::Null), cells.len())
        }
        DataType::Boolean => Column::new(name.into(), all(cells, flag)?),
        DataType::Int64 => Column::new(name.into(), all(cells, whole)?),
        DataType::Float32 => {
            let value = |text: &str| {
                let value: f32 = text.parse().ok()?;
                (!(value.is_infinite() && has_digits(text))).then_some(value)
            };
            Column::new(name.into(), all(cells, value)?)
        }
        DataType::Float64 => {
            let value = |text: &str| {
                let value: f64 = text.parse().ok()?;
                (!(value.is_infinite() && has_digits(text))).then_some(value)
            };
            Column::new(name.into(), all(cells, value)?)
        }
        _ => {
            let texts = cells.iter();
            let texts = texts.map(|cell| (**cell != Cell::NOTHING).then_some(&*cell.text));
            Column::new(name.into(), texts.collect::<Vec<_>>())
        }
    })
}

/// A whole number; `1.0`, which is what is left of one beside missing values, is one too.
fn whole(text: &str) -> Option<i64> {
    let plain = text
        .trim_end_matches('0')
        .strip_suffix('.')
        .filter(|_| text.contains('.'));
    plain.unwrap_or(text).parse().ok()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn read(cells: &[&str]) -> (Column, Option<String>) {
        let cells: Vec<Cell<'_>> = cells
            .iter()
            .map(|text| match text.strip_prefix('"') {
                Some(text) => Cell {
                    text: Cow::Borrowed(text),
                    form: Form::Quoted,
                },
                None => Cell {
                    text: Cow::Borrowed(text),
                    form: Form::Bare,
                },
            })
            .collect();
        let lines: Vec<usize> = (2..).take(cells.len()).collect();
        typed("x", &cells.iter().collect::<Vec<_>>(), &lines)
    }

    fn kind(cells: &[&str]) -> DataType {
        read(cells).0.dtype().clone()
    }

    #[test]
    fn a_column_has_the_narrowest_type_that_keeps_every_cell() {
        for cells in [
            &["3", "-4", "+5"][..],
            &["9223372036854775807"],
            &["0", "-0"],
            &[" 1 ", "2"],
        ] {
            assert_eq!(kind(cells), DataType::Int64, "{cells:?}");
        }
        for cells in [
            &["0.5", "1"][..],
            &["1e-4"],
            &["nan", "3"],
            &["-inf", "Infinity"],
            &[".5", "5."],
            &["1.0"],
            &["0e5", "0.0"],
            &["9007199254740992", "0.5"],
        ] {
            assert_eq!(kind(cells), DataType::Float64, "{cells:?}");
        }
        for cells in [&["TRUE", "false"][..], &["True", "NA"]] {
            assert_eq!(kind(cells), DataType::Boolean, "{cells:?}");
        }
        for cells in [
            &["T"][..],
            &["F", "T"],
            &["a"],
            &["2026-01-05"],
            &["\"NA"],
            &["-"],
            &["."],
        ] {
            assert_eq!(kind(cells), DataType::String, "{cells:?}");
            assert_eq!(read(cells).1, None, "{cells:?}");
        }
    }

    #[test]
    fn what_would_change_as_a_number_makes_its_column_text_and_is_told() {
        for cells in [
            &["007", "7"][..],
            &["7", "0042"],
            &["1", "00"],
            &["12e5678", "5"],
            &["120e4", "12e5"],
            &["1e-999"],
            &["9223372036854775808"],
            &["12345678901234567", "0.5"],
            &["-0012", "3"],
            &["1,234"],
            &["1_000"],
            &["0x10"],
            &["50%"],
            &["1 000"],
            &["1,5"],
            &["1.234,5"],
            &["0.5", "-"],
            &["0.5", "T"],
            &["true", "1"],
            &["3", "n.a."],
            &["1", "1.2.3"],
        ] {
            let (column, note) = read(cells);
            assert_eq!(column.dtype(), &DataType::String, "{cells:?}");
            assert!(note.is_some(), "{cells:?}");
            let texts = column.str().unwrap();
            let texts: Vec<&str> = texts.iter().flatten().collect();
            assert_eq!(texts, cells, "not one digit is another");
        }
        let (_, note) = read(&["7", "007"]);
        insta::assert_snapshot!(note.unwrap(), @"the column `x` is text because of `007` in line 3: a number would lose the zero it begins with");
    }

    #[test]
    fn missing_values_take_no_part_in_a_column_s_type() {
        for missing in [
            "", "NA", "N/A", "n/a", "#N/A", "<NA>", "NULL", "null", "None", " NA ",
        ] {
            let (column, _) = read(&["0.5", missing, "0.7"]);
            assert_eq!(column.dtype(), &DataType::Float64, "{missing}");
            assert_eq!(column.null_count(), 1, "{missing}");
            let (column, _) = read(&["a", missing]);
            assert_eq!(column.null_count(), 1, "{missing}");
            assert_eq!(kind(&[missing, missing]), DataType::Null, "{missing}");
        }
        assert_eq!(kind(&[]), DataType::Null);
        assert_eq!(kind(&["\"", ""]), DataType::Null);
        // In quotes a word is one, unless it stands among numbers.
        assert_eq!(read(&["\"NA", "a"]).0.null_count(), 0);
        assert_eq!(read(&["\"NA", "3"]).0.null_count(), 1);
        assert_eq!(read(&["\"", "a", ""]).0.null_count(), 1);
    }
}
