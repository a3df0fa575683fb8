//! Parquet files read as the types that tables have.
//!
//! polars compiles every operation for every type it knows. Narrow whole numbers, numbers of 16 bits, dates, points in time
//! and decimals are left out of it here: the file's own plain values are read, and what they mean is put back afterwards.
//! Narrow numbers become wider ones, and dates, points in time and decimals become text, digit for digit.

use std::fs::File;
use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, TimeDelta};
use polars::prelude::*;
use polars_io::parquet::read::{ParallelStrategy, ParquetReader};
use polars_parquet::parquet::metadata::{FileMetadata, SchemaDescriptor};
use polars_parquet::parquet::schema::types::{ParquetType, PhysicalType};
use polars_parquet::read::infer_schema;

/// The table in a file.
pub(super) fn read(file: File) -> Result<DataFrame, String> {
    let mut reader = ParquetReader::new(file).read_parallel(ParallelStrategy::None);
    let metadata = reader.get_metadata().map_err(|error| error.to_string())?;
    let schema = infer_schema(metadata).map_err(|error| error.to_string())?;
    let mut meanings = Vec::new();
    for field in schema.iter_values() {
        let meaning = match meaning(metadata, &field.name, &field.dtype) {
            Ok(meaning) => meaning,
            Err(noun) => {
                return Err(format!(
                    "the column `{}` holds {noun}; write it as text, or as numbers of 32 or 64 bits",
                    field.name
                ));
            }
        };
        if let Some(meaning) = meaning {
            meanings.push((field.name.clone(), meaning));
        }
    }
    if !meanings.is_empty() {
        let metadata = unmarked(metadata, |name| meanings.iter().any(|(own, _)| own == name));
        reader.set_metadata(Arc::new(metadata));
    }
    let mut table = reader.finish().map_err(|error| error.to_string())?;
    for (name, meaning) in meanings {
        let column = table.column(&name).map_err(|error| error.to_string())?;
        let column = meaning.column(column).map_err(|error| error.to_string())?;
        table
            .with_column(column)
            .map_err(|error| error.to_string())?;
    }
    Ok(table)
}

/// The same file without what its marked columns mean: their plain values are read.
fn unmarked(metadata: &FileMetadata, marked: impl Fn(&PlSmallStr) -> bool) -> FileMetadata {
    let mut metadata = metadata.clone();
    let fields = metadata.schema_descr.fields().iter();
    let fields = fields.map(|field| match field {
        ParquetType::PrimitiveType(own) if marked(&own.field_info.name) => {
            let mut plain = own.clone();
            plain.logical_type = None;
            plain.converted_type = None;
            ParquetType::PrimitiveType(plain)
        }
        other => other.clone(),
    });
    let fields: Vec<ParquetType> = fields.collect();
    let name = PlSmallStr::from(metadata.schema_descr.name());
    metadata.schema_descr = SchemaDescriptor::new(name, fields);
    // Another schema stands in a note of the writer's and would go before.
    metadata.key_value_metadata = None;
    metadata
}

/// What the plain values of a column mean.
enum Meaning {
    /// Whole numbers of fewer than 32 bits.
    Narrow,
    /// Numbers of 16 bits.
    Half,
    /// Days since 1970.
    Date,
    /// Seconds since 1970 times this.
    Time(ArrowTimeUnit),
    /// Numbers with so many digits after the point.
    Decimal(usize),
}

/// What a column's plain values mean; none where polars reads it itself, and an error with a noun where no table can hold it.
fn meaning(
    metadata: &FileMetadata,
    name: &PlSmallStr,
    kind: &ArrowDataType,
) -> Result<Option<Meaning>, String> {
    use ArrowDataType::*;
    let physical = metadata.schema_descr.fields().iter().find_map(|field| {
        let ParquetType::PrimitiveType(own) = field else {
            return None;
        };
        (own.field_info.name == *name).then_some(own.physical_type)
    });
    Ok(match kind {
        Null | Boolean | Int32 | UInt32 | Int64 | UInt64 | Float32 | Float64 | Utf8 | LargeUtf8
        | Utf8View => None,
        Int8 | UInt8 | Int16 | UInt16 => Some(Meaning::Narrow),
        Float16 => Some(Meaning::Half),
        Date32 => Some(Meaning::Date),
        Timestamp(_, None) if physical == Some(PhysicalType::Int96) => {
            return Err("points in time of 96 bits".to_owned());
        }
        Timestamp(unit, None) => Some(Meaning::Time(*unit)),
        Decimal(_, scale) => Some(Meaning::Decimal(*scale)),
        Int128 | UInt128 => return Err("whole numbers of 128 bits".to_owned()),
        Date64 => return Err("dates".to_owned()),
        Timestamp(..) => return Err("points in time of some zone".to_owned()),
        Time32(_) | Time64(_) | Duration(_) | Interval(_) => return Err("times".to_owned()),
        Binary | LargeBinary | BinaryView | FixedSizeBinary(_) => return Err("bytes".to_owned()),
        List(_) | LargeList(_) | FixedSizeList(..) => return Err("lists".to_owned()),
        Struct(_) | Map(..) | Union(_) => return Err("records".to_owned()),
        Dictionary(..) => return Err("categories".to_owned()),
        Decimal32(..) | Decimal64(..) | Decimal256(..) => return Err("decimals".to_owned()),
        other => return Err(format!("values of the type {other:?}")),
    })
}

impl Meaning {
    /// The column with what its plain values mean.
    fn column(&self, plain: &Column) -> PolarsResult<Column> {
        let name = plain.name().clone();
        Ok(match self {
            Self::Narrow => plain.cast(&DataType::Int64)?,
            Self::Half => {
                let halves = plain.binary()?.iter();
                let singles = halves.map(|bytes| {
                    let bytes = <[u8; 2]>::try_from(bytes?).ok()?;
                    Some(half::f16::from_le_bytes(bytes).to_f32())
                });
                Column::new(name, singles.collect::<Vec<Option<f32>>>())
            }
            Self::Date => texts(plain, |days| Some(date(days)?.to_string()))?,
            Self::Time(unit) => texts(plain, |value| time(value, *unit))?,
            Self::Decimal(scale) => {
                let numbers: Vec<Option<i128>> = match plain.dtype() {
                    DataType::Binary => plain.binary()?.iter().map(|b| whole(b?)).collect(),
                    _ => {
                        let plain = plain.cast(&DataType::Int64)?;
                        plain.i64()?.iter().map(|n| n.map(i128::from)).collect()
                    }
                };
                let texts = numbers.into_iter();
                let texts = texts.map(|number| number.map(|number| decimal(number, *scale)));
                Column::new(name, texts.collect::<Vec<Option<String>>>())
            }
        })
    }
}

/// Whole numbers as text; an error where one has none.
fn texts(plain: &Column, text: impl Fn(i64) -> Option<String>) -> PolarsResult<Column> {
    let numbers = plain.cast(&DataType::Int64)?;
    let mut texts = Vec::with_capacity(numbers.len());
    for number in numbers.i64()?.iter() {
        texts.push(match number {
            None => None,
            Some(number) => Some(text(number).ok_or_else(|| {
                PolarsError::ComputeError(
                    format!(
                        "the column `{}` has a date that no calendar has",
                        plain.name()
                    )
                    .into(),
                )
            })?),
        });
    }
    Ok(Column::new(plain.name().clone(), texts))
}

fn date(days: i64) -> Option<NaiveDate> {
    let start = NaiveDate::from_ymd_opt(1970, 1, 1)?;
    let by = Days::new(days.unsigned_abs());
    if days < 0 {
        start.checked_sub_days(by)
    } else {
        start.checked_add_days(by)
    }
}

/// A point in time with all the digits that its unit has.
fn time(value: i64, unit: ArrowTimeUnit) -> Option<String> {
    let (parts, format) = match unit {
        ArrowTimeUnit::Second => (1, "%F %T"),
        ArrowTimeUnit::Millisecond => (1_000, "%F %T%.3f"),
        ArrowTimeUnit::Microsecond => (1_000_000, "%F %T%.6f"),
        ArrowTimeUnit::Nanosecond => (1_000_000_000, "%F %T%.9f"),
    };
    let seconds = DateTime::from_timestamp(value.div_euclid(parts), 0)?;
    let rest = value.rem_euclid(parts) * (1_000_000_000 / parts);
    let time = seconds.checked_add_signed(TimeDelta::nanoseconds(rest))?;
    Some(time.format(format).to_string())
}

/// A whole number as Parquet writes those of any length: its bytes from the largest on, in two's complement.
fn whole(bytes: &[u8]) -> Option<i128> {
    let negative = bytes.first()? & 0x80 != 0;
    let fill = if negative { 0xff } else { 0 };
    let (extra, bytes) = bytes.split_at(bytes.len().saturating_sub(16));
    if extra.iter().any(|byte| *byte != fill) {
        return None;
    }
    let mut all = [fill; 16];
    all[16 - bytes.len()..].copy_from_slice(bytes);
    Some(i128::from_be_bytes(all))
}

/// A whole number with its last digits after a point.
fn decimal(number: i128, scale: usize) -> String {
    let sign = if number < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, rest) = digits.split_at(digits.len() - scale);
    match rest {
        "" => format!("{sign}{whole}"),
        rest => format!("{sign}{whole}.{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::figures::table::{plain, texts};

    /// Written by pyarrow; tests/fixtures/parquet/write.py has the values.
    #[test]
    fn every_type_that_a_table_can_hold_is_read_digit_for_digit() {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/parquet/types.parquet");
        let table = plain(&read(File::open(path).unwrap()).unwrap()).unwrap();
        let shown: Vec<String> = table
            .columns()
            .iter()
            .map(|column| {
                let cells = texts(column).unwrap().into_iter();
                let cells = cells.map(|cell| cell.unwrap_or_else(|| "NULL".to_owned()));
                let cells: Vec<String> = cells.collect();
                format!(
                    "{} {}: {}",
                    column.name(),
                    column.dtype(),
                    cells.join(" | ")
                )
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @"
        i8 i64: -128 | 127 | NULL
        u8 i64: 0 | 255 | NULL
        i16 i64: -32768 | 32767 | NULL
        u16 i64: 0 | 65535 | NULL
        i32 i64: -2147483648 | 2147483647 | NULL
        u32 i64: 0 | 4294967295 | NULL
        i64 i64: -9223372036854775808 | 9223372036854775807 | NULL
        u64 str: 0 | 18446744073709551615 | NULL
        f16 f32: 0.099975586 | 65504 | NULL
        f32 f32: 0.1 | -0.001 | NULL
        f64 f64: 0.1 | -0.001 | NULL
        flag bool: true | false | NULL
        text str: a | α | NULL
        date str: 1969-12-31 | 2026-11-28 | NULL
        ms str: 1969-12-31 23:59:59.999 | 2026-11-28 01:02:03.456 | NULL
        us str: 1969-12-31 23:59:59.999000 | 2026-11-28 01:02:03.456000 | NULL
        ns str: 1969-12-31 23:59:59.999000000 | 2026-11-28 01:02:03.456000000 | NULL
        short str: -1.50 | 999.99 | NULL
        long str: 0.001 | -123456789012.345 | NULL
        longest str: -0.0000000001 | 1234567890123456789012345678.0000000000 | NULL
        ");
    }

    #[test]
    fn decimals_keep_their_zeros_and_their_sign() {
        assert_eq!(decimal(150, 2), "1.50");
        assert_eq!(decimal(-5, 3), "-0.005");
        assert_eq!(decimal(7, 0), "7");
        assert_eq!(whole(&[0xff, 0xfe]), Some(-2));
        assert_eq!(whole(&[0; 20]), Some(0));
        assert_eq!(whole(&[1; 20]), None);
    }
}
