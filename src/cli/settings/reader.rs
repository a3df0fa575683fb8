//! Reads values of `etude.toml`, and tells what is wrong with them with its place.

use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use crate::pipeline::{Problem, Problems, Source, Span, alternatives};

/// Which CUDA cards jobs may have.
#[derive(Debug, Clone, PartialEq)]
pub enum CardsSetting {
    /// So many, the first of those that there are.
    Count(u32),
    /// These, each by its index or its identifier.
    Named(Vec<String>),
}

/// A table of `etude.toml` being read.
pub struct Reader<'a> {
    pub source: &'a Arc<Source>,
    pub problems: &'a mut Problems,
}

pub type Key<'t> = Spanned<std::borrow::Cow<'t, str>>;
pub type Value<'t> = Spanned<DeValue<'t>>;

impl Reader<'_> {
    pub fn unknown(&mut self, what: &str, key: &Key<'_>, keys: &[&str]) {
        let name = key.get_ref();
        let span = Span::new(self.source, key.span());
        let problem = Problem::at(&span, format!("{what} has no key `{name}`"))
            .label("unknown")
            .maybe_help(alternatives("keys", name, keys.iter().copied()));
        self.problems.push(problem);
    }

    pub fn wrong(&mut self, value: &Value<'_>, message: String) {
        let span = Span::new(self.source, value.span());
        self.problems.push(Problem::at(&span, message));
    }

    pub fn table<'v, 't>(
        &mut self,
        key: &Key<'_>,
        value: &'v Value<'t>,
    ) -> Vec<(&'v Key<'t>, &'v Value<'t>)> {
        match value.get_ref() {
            DeValue::Table(table) => table.iter().collect(),
            _ => {
                self.wrong(value, format!("`{}` must be a table", key.get_ref()));
                Vec::new()
            }
        }
    }

    pub fn text<T>(
        &mut self,
        key: &Key<'_>,
        value: &Value<'_>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let read = match value.get_ref() {
            DeValue::String(text) => read(text),
            _ => Err(format!("`{}` must be a string", key.get_ref())),
        };
        read.map_err(|message| self.wrong(value, message)).ok()
    }

    /// A list of texts.
    pub fn texts(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<Vec<String>> {
        let texts = match value.get_ref() {
            DeValue::Array(list) => list.iter().map(|value| match value.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                _ => None,
            }),
            _ => {
                self.wrong(
                    value,
                    format!("`{}` must be a list of strings", key.get_ref()),
                );
                return None;
            }
        };
        let texts: Option<Vec<String>> = texts.collect();
        if texts.is_none() {
            self.wrong(
                value,
                format!("`{}` must be a list of strings", key.get_ref()),
            );
        }
        texts
    }

    /// A number of cards, or a list of their names.
    pub fn cards(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<CardsSetting> {
        let list = match value.get_ref() {
            DeValue::Array(list) => list,
            DeValue::Integer(_) => {
                return self.number(key, value, 0, 4096).map(CardsSetting::Count);
            }
            _ => {
                let what = "`cards` must be a number of cards, or a list of their names";
                self.wrong(value, what.into());
                return None;
            }
        };
        let mut names = Vec::new();
        for value in list.iter() {
            let name = match value.get_ref() {
                DeValue::String(name) => name.trim().to_string(),
                DeValue::Integer(int) if int.radix() == 10 => int.as_str().to_string(),
                _ => String::new(),
            };
            if !is_card(&name) {
                let what = "a card is named by its index, or as `nvidia-smi -L` names it: `GPU-…`";
                self.wrong(value, what.into());
            } else if names.contains(&name) {
                self.wrong(value, format!("the card `{name}` is named twice"));
            } else {
                names.push(name);
            }
        }
        Some(CardsSetting::Named(names))
    }

    pub fn number(
        &mut self,
        key: &Key<'_>,
        value: &Value<'_>,
        least: u32,
        most: u32,
    ) -> Option<u32> {
        let number = match value.get_ref() {
            DeValue::Integer(int) => u32::from_str_radix(int.as_str(), int.radix()).ok(),
            _ => None,
        };
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let message = format!(
                "`{}` must be an integer from {least} to {most}",
                key.get_ref()
            );
            self.wrong(value, message);
        }
        number
    }
}

const TIMES: [(&str, u64); 4] = [("s", 1), ("min", 60), ("h", 3600), ("d", 86400)];

/// Seconds from text such as `1 d`.
pub fn parse_time(text: &str) -> Result<Duration, String> {
    let names: Vec<_> = TIMES.iter().map(|(name, _)| *name).collect();
    let wrong = || format!("`{text}` is not a number and a unit ({})", names.join(", "));
    let end = text
        .trim()
        .find(|c: char| !(c.is_ascii_digit() || c == '.'));
    let (number, unit) = text.trim().split_at(end.ok_or_else(wrong)?);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let (_, factor) = TIMES
        .iter()
        .find(|(name, _)| *name == unit.trim())
        .ok_or_else(wrong)?;
    Duration::try_from_secs_f64(number * *factor as f64).map_err(|_| wrong())
}

/// Whether this can name a card: its index, or the identifier that `nvidia-smi -L` tells.
pub fn is_card(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-/_".contains(c);
    let is_index = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let has_identifier = name.starts_with("GPU-") || name.starts_with("MIG-");
    is_index || (has_identifier && name.chars().all(plain))
}
