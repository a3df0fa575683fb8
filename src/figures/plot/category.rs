//! The categories of a column: which rows hold the same value, and a name for each that no other has.
//!
//! Two rows are in one category if their values are equal in the type of the column, never because they look alike. The name
//! of a number has as few digits as tell it apart from the others.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::{AnyValue, Column};

use super::text::literal;
use crate::figures::digits::{Digits, Number};
use crate::figures::spelling;
use crate::figures::table::Error;

/// Significant digits of a number that needs no more to be told apart.
const FEW: usize = 4;
/// A number with up to so many digits is written with all of them.
const WRITTEN: usize = 6;

/// A value by which rows are told apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// The bits of a number with a fraction; both zeros are one.
    Float(u64),
    /// Text, and everything else by its text.
    Text(String),
    /// No number.
    Nan,
    /// Nothing known.
    Null,
}

impl Key {
    /// The value of one cell.
    pub(super) fn of(cell: &AnyValue<'_>) -> Self {
        match (cell, Number::of(cell)) {
            (AnyValue::Null, _) => Self::Null,
            (AnyValue::Boolean(value), _) => Self::Bool(*value),
            (AnyValue::String(text), _) => Self::Text((*text).to_owned()),
            (AnyValue::StringOwned(text), _) => Self::Text(text.to_string()),
            (_, Some(Number::Int(value))) => Self::Int(value),
            (_, Some(number)) => Self::of_float(number.value()),
            (cell, None) => Self::Text(cell.to_string()),
        }
    }

    fn of_float(value: f64) -> Self {
        if value.is_nan() {
            Self::Nan
        } else {
            // Adding zero makes a positive zero of a negative one.
            Self::Float((value + 0.0).to_bits())
        }
    }

    /// The value that `text` stands for in a column of such values, however it is written.
    fn read(text: &str, like: &Self) -> Self {
        let trimmed = text.trim();
        match like {
            Self::Int(_) => match (trimmed.parse(), trimmed.parse::<f64>()) {
                (Ok(value), _) => Self::Int(value),
                (_, Ok(value)) if value.fract() == 0.0 && value.abs() < 1e18 => {
                    Self::Int(value as i128)
                }
                _ => Self::Text(text.to_owned()),
            },
            Self::Float(_) => trimmed
                .parse()
                .map_or_else(|_| Self::Text(text.to_owned()), Self::of_float),
            Self::Bool(_) => trimmed
                .parse()
                .map_or_else(|_| Self::Text(text.to_owned()), Self::Bool),
            Self::Text(_) | Self::Nan | Self::Null => Self::Text(text.to_owned()),
        }
    }

    /// Whether it is a value at all.
    pub(super) fn is_known(&self) -> bool {
        !matches!(self, Self::Nan | Self::Null)
    }
}

/// The categories of one column or several that share them.
pub(super) struct Categories {
    /// The place of the category of every row, for each column.
    pub of_row: Vec<Vec<Option<usize>>>,
    /// The names of the categories, as mark-up.
    pub names: Vec<String>,
    /// What `order` names and no row holds, unless it names all that rows hold.
    pub unknown: Vec<Unknown>,
}

/// What an order names and no row holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unknown {
    /// As it is written.
    pub name: String,
    /// What was probably meant.
    pub near: Option<String>,
}

impl Unknown {
    fn new(name: &str, present: &BTreeSet<&Key>) -> Self {
        let texts = present.iter().filter_map(|key| match key {
            Key::Text(text) => Some(text.as_str()),
            _ => None,
        });
        Self {
            name: name.to_owned(),
            near: spelling::nearest(name, texts).map(str::to_owned),
        }
    }
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`", self.name)?;
        match &self.near {
            Some(near) => write!(f, " (did you mean `{near}`?)"),
            None => Ok(()),
        }
    }
}

impl Categories {
    /// Numbers the different values: first those in `order`, then the others as they appear. What is ordered but not there
    /// takes no place. Rows without a value have no category, or with `missing` one of their own, which comes last.
    pub(super) fn new(columns: &[&Column], order: &[String], missing: bool) -> Result<Self, Error> {
        let mut keys: Vec<Vec<Key>> = Vec::with_capacity(columns.len());
        let mut numbers: BTreeMap<Key, Number> = BTreeMap::new();
        // A whole number in one column is the same as a number with a fraction in another.
        let floats = columns.iter().any(|column| column.dtype().is_float());
        for column in columns {
            let mut own = Vec::with_capacity(column.len());
            for row in 0..column.len() {
                let cell = column.get(row)?;
                let key = match Key::of(&cell) {
                    Key::Int(value) if floats && (value as f64) as i128 == value => {
                        Key::of_float(value as f64)
                    }
                    key => key,
                };
                if let Some(number) = Number::of(&cell).filter(|_| key.is_known()) {
                    // A float of 32 bits keeps its own, shorter text.
                    let number = match number {
                        Number::Double(value) => Number::Double(value + 0.0),
                        Number::Single(value) => Number::Single(value + 0.0),
                        int => int,
                    };
                    numbers.entry(key.clone()).or_insert(number);
                }
                own.push(key);
            }
            keys.push(own);
        }
        let all = || keys.iter().flatten();
        let mut places: BTreeMap<&Key, usize> = BTreeMap::new();
        let mut found: Vec<&Key> = Vec::new();
        let mut unknown = Vec::new();
        let present: BTreeSet<&Key> = all().collect();
        let like = all().find(|key| key.is_known());
        for text in order {
            let key = like.map(|like| Key::read(text, like));
            match key.as_ref().and_then(|key| present.get(key)) {
                Some(key) => {
                    places.entry(key).or_insert_with(|| {
                        found.push(key);
                        found.len() - 1
                    });
                }
                None => unknown.push(Unknown::new(text, &present)),
            }
        }
        // An order that names all there is may name more: it is one for other tables too.
        let mut known = present.iter().filter(|key| key.is_known());
        if known.all(|key| places.contains_key(*key)) {
            unknown.clear();
        }
        let last = [Key::Nan, Key::Null];
        let last = last.iter().filter(|key| missing && present.contains(key));
        for key in all().filter(|key| key.is_known()).chain(last) {
            places.entry(key).or_insert_with(|| {
                found.push(key);
                found.len() - 1
            });
        }
        let names = names(&found, &numbers);
        let of_row = keys
            .iter()
            .map(|keys| keys.iter().map(|key| places.get(key).copied()).collect())
            .collect();
        Ok(Self {
            of_row,
            names,
            unknown,
        })
    }
}

/// A name for each value that no other has, as mark-up.
fn names(keys: &[&Key], numbers: &BTreeMap<Key, Number>) -> Vec<String> {
    // How many digits of a number are shown: all of them if nothing.
    let mut digits: Vec<Option<usize>> = keys
        .iter()
        .map(|key| {
            let exact = numbers.get(*key)?.digits()?;
            let whole = exact.exponent >= 0 && exact.count() <= exact.exponent as usize + 1;
            (!whole && exact.count() > WRITTEN).then_some(FEW)
        })
        .collect();
    // Beside 10^{−5} stands 10^{−3}, not 0.001.
    let exact = numbers.values().filter_map(|number| number.digits());
    let tiny = exact
        .filter(|digits| digits.digits != "0")
        .any(|digits| digits.exponent < -4);
    loop {
        let names: Vec<String> = keys
            .iter()
            .zip(&digits)
            .map(|(key, digits)| name(key, numbers.get(*key).copied(), *digits, tiny))
            .collect();
        let mut count: BTreeMap<&String, usize> = BTreeMap::new();
        for name in &names {
            *count.entry(name).or_default() += 1;
        }
        let mut lengthened = false;
        for (name, digits) in names.iter().zip(&mut digits) {
            if let Some(few) = digits.filter(|_| count[name] > 1) {
                *digits = (few < 16).then_some(few + 1);
                lengthened = true;
            }
        }
        if !lengthened {
            return apart(keys, names);
        }
    }
}

/// Text may look alike and still differ, in its spaces or by standing for something else; then it is put in quotes.
fn apart(keys: &[&Key], names: Vec<String>) -> Vec<String> {
    let look = |name: &str| name.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for name in &names {
        *count.entry(look(name)).or_default() += 1;
    }
    let quoted = |(key, name): (&&Key, String)| match key {
        Key::Text(text) if look(&name).is_empty() || count[&look(&name)] > 1 => {
            literal(&format!("{text:?}"))
        }
        _ => name,
    };
    keys.iter().zip(names).map(quoted).collect()
}

fn name(key: &Key, number: Option<Number>, digits: Option<usize>, tiny: bool) -> String {
    match (key, number) {
        (Key::Bool(value), _) => value.to_string(),
        (Key::Text(text), _) => literal(text),
        (Key::Nan, _) => "NaN".to_owned(),
        (Key::Null, _) => "none".to_owned(),
        (_, Some(number)) => {
            let shown = match digits {
                Some(digits) => Digits::rounded(number.value(), digits).map(Digits::trimmed),
                None => number.digits(),
            };
            shown.map_or_else(|| infinite(number.value()), |digits| markup(&digits, tiny))
        }
        (Key::Int(value), None) => value.to_string(),
        (Key::Float(bits), None) => f64::from_bits(*bits).to_string(),
    }
}

fn infinite(value: f64) -> String {
    let sign = if value < 0.0 { "\u{2212}" } else { "" };
    format!("{sign}\u{221e}")
}

/// A number as mark-up: `10^{−5}`, `1.5×10^{6}`, `−0.25`.
///
/// Beside `tiny` numbers small ones have a power of ten too.
fn markup(digits: &Digits, tiny: bool) -> String {
    let small = tiny && digits.exponent <= -3 && digits.digits != "0";
    if !(small || digits.wants_power()) {
        return digits.decimal().replace('-', "\u{2212}");
    }
    let power = format!("10^{{{}}}", digits.exponent);
    let text = match digits.mantissa().as_str() {
        "1" => power,
        "-1" => format!("-{power}"),
        mantissa => format!("{mantissa}×{power}"),
    };
    text.replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use polars::prelude::*;

    use super::super::text::plain;
    use super::*;

    fn named(column: impl Into<polars::prelude::Column>) -> Vec<String> {
        let column = column.into();
        Categories::new(&[&column], &[], true).unwrap().names
    }

    #[test]
    fn numbers_that_differ_have_names_that_differ() {
        let seeds = Series::new("s".into(), [20240101i64, 20240102, 20240103]);
        assert_eq!(named(seeds), ["20240101", "20240102", "20240103"]);
        let close = Series::new("s".into(), [0.1 + 0.2, 0.3]);
        assert_eq!(named(close), ["0.30000000000000004", "0.3"]);
        let thirds = Series::new("s".into(), [1.0 / 3.0, 2.0 / 3.0]);
        assert_eq!(named(thirds), ["0.3333", "0.6667"]);
        let near = Series::new("s".into(), [0.123456789, 0.123456799]);
        assert_eq!(named(near), ["0.12345679", "0.1234568"]);
        let rates = Series::new("s".into(), [1e-5, 1e-4, 3e-4, 1.5e6, -2.0]);
        assert_eq!(
            named(rates),
            ["10^{−5}", "10^{−4}", "3×10^{−4}", "1.5×10^{6}", "−2"]
        );
        let single = Series::new("s".into(), [0.1f32, 0.2]);
        assert_eq!(named(single), ["0.1", "0.2"]);
    }

    #[test]
    fn text_that_looks_alike_is_put_in_quotes() {
        let texts = Series::new("s".into(), ["a", "a ", "", "none"]);
        let shown: Vec<String> = named(texts).iter().map(|name| plain(name)).collect();
        assert_eq!(shown, ["\"a\"", "\"a \"", "\"\"", "none"]);
        let missing = Series::new("s".into(), [Some("none"), None]);
        let shown: Vec<String> = named(missing).iter().map(|name| plain(name)).collect();
        assert_eq!(shown, ["\"none\"", "none"]);
    }

    #[test]
    fn an_order_finds_a_number_however_it_is_written() {
        let order = ["1e-4".to_owned(), "1".to_owned(), "7".to_owned()];
        let column = Series::new("s".into(), [1.0, 0.0001, f64::NAN]).into();
        let categories = Categories::new(&[&column], &order, true).unwrap();
        assert_eq!(categories.names, ["0.0001", "1", "NaN"]);
        assert_eq!(categories.of_row[0], [Some(1), Some(0), Some(2)]);
        assert!(categories.unknown.is_empty(), "all that is there is named");
        let whole = Series::new("s".into(), [2i64, 1]).into();
        let order = ["1.0".to_owned()];
        let categories = Categories::new(&[&whole], &order, false).unwrap();
        assert_eq!(categories.names, ["1", "2"]);
    }

    #[test]
    fn a_slip_in_an_order_is_told_with_what_was_meant() {
        let column = Series::new("s".into(), ["reversed", "standard"]).into();
        let order = ["revresed".to_owned()];
        let categories = Categories::new(&[&column], &order, false).unwrap();
        let told = categories.unknown[0].to_string();
        assert_eq!(told, "`revresed` (did you mean `reversed`?)");
        let order = ["standard", "other"].map(str::to_owned);
        let categories = Categories::new(&[&column], &order, false).unwrap();
        assert_eq!(categories.unknown[0].to_string(), "`other`");
    }

    #[test]
    fn a_missing_value_is_a_category_only_where_that_is_asked_for() {
        let column = Series::new("s".into(), [Some("a"), None]).into();
        let without = Categories::new(&[&column], &[], false).unwrap();
        assert_eq!(without.of_row[0], [Some(0), None]);
        let with = Categories::new(&[&column], &[], true).unwrap();
        assert_eq!(with.of_row[0], [Some(0), Some(1)]);
    }
}
