//! Labels found by value.
//!
//! The text of a label is for people: as the number is written in the file (`1e-7`, `2.0`), or the text itself. Its identity
//! is its value: a number is found by any way of writing it, text letter by letter. Text that reads as a number finds the
//! number, and a number finds text that reads as it, unless several do: that is told.

use std::collections::HashMap;
use std::sync::Arc;

use super::contract::Scalar;
use super::value::{Data, Value};

/// What a search for a label comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The label at this place.
    One(usize),
    /// No label has this value.
    Nothing,
    /// The labels at these places all read so.
    Several(Vec<usize>),
}

/// Labels by their texts and by their values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Index {
    texts: HashMap<Arc<str>, usize>,
    /// By identity; of two with the same, the first.
    values: HashMap<String, usize>,
    /// The numbers as which texts can be read, and as which whole numbers are read where fractions are.
    readings: HashMap<String, Vec<usize>>,
}

impl Index {
    /// Of labels in order, each with its text and the identity of its value (see [`identity`]).
    pub fn new(labels: impl IntoIterator<Item = (Arc<str>, String)>) -> Self {
        let mut index = Self::default();
        for (place, (text, identity)) in labels.into_iter().enumerate() {
            let reading = match identity.strip_prefix(NUMBER) {
                Some(number) => inexact(number),
                None => number_in(&text).map(|number| of_scalar(&number)),
            };
            if let Some(reading) = reading.filter(|reading| *reading != identity) {
                index.readings.entry(reading).or_default().push(place);
            }
            index.values.entry(identity).or_insert(place);
            index.texts.entry(text).or_insert(place);
        }
        index
    }

    /// The place of the label with this text, the first of several.
    pub fn text(&self, text: &str) -> Option<usize> {
        self.texts.get(text).copied()
    }

    /// The place of the label with this identity, the first of several.
    pub fn identity(&self, identity: &str) -> Option<usize> {
        self.values.get(identity).copied()
    }

    /// The label of a plain value.
    pub fn find(&self, value: &Scalar) -> Found {
        if let Some(place) = self.values.get(&of_scalar(value)) {
            return Found::One(*place);
        }
        match value {
            Scalar::Text(text) => match self.text(text) {
                Some(place) => Found::One(place),
                None => match plain_in(text) {
                    Some(Scalar::Text(_)) | None => Found::Nothing,
                    Some(value) => self.find(&value),
                },
            },
            Scalar::Bool(bool) => self
                .text(&bool.to_string())
                .map_or(Found::Nothing, Found::One),
            Scalar::Int(_) | Scalar::Float(_) => {
                match self.readings.get(&of_scalar(value)).map(Vec::as_slice) {
                    None | Some([]) => Found::Nothing,
                    Some([place]) => Found::One(*place),
                    Some(places) => Found::Several(places.to_vec()),
                }
            }
            Scalar::Null => Found::Nothing,
        }
    }

    /// The label of a value as written in a file.
    pub fn find_value(&self, value: &Value) -> Found {
        match &value.data {
            Data::Array(_) | Data::Table(_) | Data::Unreadable => {
                let place = self.identity(&identity(value));
                let place = place.or_else(|| self.text(&value.label()));
                place.map_or(Found::Nothing, Found::One)
            }
            Data::Text(text) => match self.text(text).or_else(|| self.text(&value.label())) {
                Some(place) => Found::One(place),
                None => self.find_written(text),
            },
            _ => self.find(&Scalar::from(&value.to_json())),
        }
    }

    /// The label that a person wrote on the command line: its text, or its value written in another way.
    pub fn find_written(&self, text: &str) -> Found {
        if let Some(place) = self.text(text) {
            return Found::One(place);
        }
        match self.find(&Scalar::Text(text.to_string())) {
            Found::Nothing => {}
            found => return found,
        }
        // A list, a table or text in quotes, with whatever spaces.
        if !text.starts_with(['[', '{', '"', '\'']) {
            return Found::Nothing;
        }
        match super::value::parse_one(text) {
            Some(value) => match value.text() {
                Some(inner) => self.text(inner).map_or(Found::Nothing, Found::One),
                None => self.find_value(&value),
            },
            None => Found::Nothing,
        }
    }
}

const NUMBER: &str = "n:";

/// What makes a value the same as another, however both are written: `1`, `1.0` and `1e0` are one number.
pub fn identity(value: &Value) -> String {
    match &value.data {
        Data::Array(items) => {
            let items: Vec<String> = items.iter().map(identity).collect();
            format!("[{}]", items.join(","))
        }
        Data::Table(entries) => {
            let mut entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{:?}:{}", key.name, identity(value)))
                .collect();
            entries.sort();
            format!("{{{}}}", entries.join(","))
        }
        _ => of_scalar(&Scalar::from(&value.to_json())),
    }
}

impl Scalar {
    /// What makes it the same value as another: numbers are compared as numbers, text letter by letter.
    pub fn identity(&self) -> String {
        of_scalar(self)
    }
}

/// The identity of a plain value.
pub fn of_scalar(value: &Scalar) -> String {
    // Up to here every whole number of this size is an integer.
    const WHOLE: f64 = 9.2e18;
    match value {
        Scalar::Null => "null".to_string(),
        Scalar::Bool(bool) => format!("b:{bool}"),
        Scalar::Int(int) => format!("{NUMBER}{int}"),
        Scalar::Float(float) if float.fract() == 0.0 && float.abs() < WHOLE => {
            format!("{NUMBER}{}", *float as i64)
        }
        Scalar::Float(float) => format!("{NUMBER}{float:?}"),
        Scalar::Text(text) => format!("t:{text:?}"),
    }
}

/// The identity of a whole number after it went through a column of fractions, where that is another.
fn inexact(number: &str) -> Option<String> {
    // Shorter ones are exact.
    const EXACT: usize = 15;
    if number.len() <= EXACT {
        return None;
    }
    let int: i64 = number.parse().ok()?;
    Some(of_scalar(&Scalar::Float(int as f64)))
}

/// The number that a text is, if it is one as people and programs write them.
pub fn number_in(text: &str) -> Option<Scalar> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let begins = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if !begins || text.len() > 400 || text.ends_with('_') {
        return None;
    }
    let plain = text.replace('_', "");
    for (mark, base) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = plain.strip_prefix(mark) {
            return i64::from_str_radix(digits, base).ok().map(Scalar::Int);
        }
    }
    if let Ok(int) = plain.parse::<i64>() {
        return Some(Scalar::Int(int));
    }
    let float: f64 = plain.parse().ok()?;
    float.is_finite().then_some(Scalar::Float(float))
}

/// The number or truth value that a text is.
fn plain_in(text: &str) -> Option<Scalar> {
    match text {
        // Python's way of writing them too.
        "true" | "True" | "TRUE" => Some(Scalar::Bool(true)),
        "false" | "False" | "FALSE" => Some(Scalar::Bool(false)),
        _ => number_in(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(labels: &[(&str, Scalar)]) -> Index {
        let labels = labels.iter();
        Index::new(labels.map(|(text, value)| (Arc::from(*text), of_scalar(value))))
    }

    fn text(text: &str) -> Scalar {
        Scalar::Text(text.into())
    }

    #[test]
    fn a_number_is_found_by_any_way_of_writing_it() {
        let decay = index(&[
            ("0", Scalar::Int(0)),
            ("1e-4", Scalar::Float(1e-4)),
            ("1.0", Scalar::Float(1.0)),
        ]);
        for written in ["1e-4", "0.0001", "1E-4", "+0.000_1", "1.0e-04", ".0001"] {
            assert_eq!(decay.find_written(written), Found::One(1), "{written}");
        }
        for one in [Scalar::Int(1), Scalar::Float(1.0), text("1"), text("1e0")] {
            assert_eq!(decay.find(&one), Found::One(2), "{one:?}");
        }
        assert_eq!(decay.find(&Scalar::Float(-0.0)), Found::One(0));
        for none in [
            Scalar::Float(f64::NAN),
            Scalar::Null,
            text("nan"),
            text("one"),
            text(""),
        ] {
            assert_eq!(decay.find(&none), Found::Nothing, "{none:?}");
        }
    }

    #[test]
    fn text_is_found_letter_by_letter_and_by_a_number_only_if_one_reads_so() {
        let versions = index(&[
            ("1.1", text("1.1")),
            ("1.10", text("1.10")),
            ("2.0", text("2.0")),
        ]);
        assert_eq!(versions.find(&text("1.10")), Found::One(1));
        assert_eq!(versions.find(&text("1.100")), Found::Several(vec![0, 1]));
        assert_eq!(versions.find(&Scalar::Int(2)), Found::One(2));
        assert_eq!(versions.find(&text("Two")), Found::Nothing);
    }

    #[test]
    fn whole_numbers_beyond_what_fractions_hold_are_found_or_told_apart_in_vain() {
        let big = 1i64 << 53;
        let seeds = index(&[
            ("a", Scalar::Int(big + 1)),
            ("b", Scalar::Int(7)),
            ("c", Scalar::Int(big + 3)),
            ("d", Scalar::Int(big + 5)),
        ]);
        assert_eq!(seeds.find(&Scalar::Int(big + 1)), Found::One(0));
        assert_eq!(seeds.find(&Scalar::Float(big as f64)), Found::One(0));
        let between = Scalar::Float((big + 4) as f64);
        assert_eq!(seeds.find(&between), Found::Several(vec![2, 3]));
    }

    #[test]
    fn truth_values_are_found_as_python_writes_them_and_lists_with_any_spaces() {
        let flags = index(&[("true", Scalar::Bool(true)), ("false", Scalar::Bool(false))]);
        assert_eq!(flags.find(&text("True")), Found::One(0));
        assert_eq!(flags.find_written("false"), Found::One(1));
        let list = super::super::value::parse_one("[64, 1e-3]").unwrap();
        let widths = Index::new([(Arc::from(list.label()), identity(&list))]);
        for written in ["64-0.001", "[64,0.001]", "[ 64.0, 1e-3 ]"] {
            assert_eq!(widths.find_written(written), Found::One(0), "{written}");
        }
        let table = super::super::value::parse_one("{ kind = 'adam', lr = 1e-3 }").unwrap();
        let optimizers = Index::new([(Arc::from(table.label()), identity(&table))]);
        let other = "{lr=0.001,kind=\"adam\"}";
        assert_eq!(optimizers.find_written(other), Found::One(0));
        assert_eq!(optimizers.find_written("adam lr=0.001"), Found::One(0));
        assert_eq!(optimizers.find_written("{lr=0.001"), Found::Nothing);
    }
}
