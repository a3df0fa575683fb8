//! Generators: few words for many values of an axis.
//!
//! `{ range = [from, to], step = 1 }` counts; `{ uniform = [low, high], draws = n, seed = 0 }` and `log_uniform` draw.

use std::collections::HashSet;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::problem::{Problem, Problems, count};
use super::value::{Data, Key, Table, Value};

const GENERATORS: [&str; 3] = ["range", "uniform", "log_uniform"];

/// Whether a table is a generator, whole and nothing else: what makes many values, and not one.
pub fn makes_many(table: &Table) -> bool {
    let has = |name: &str| table.iter().any(|(key, _)| key.name == name);
    let others: &[&str] = match (has("range"), has("uniform") || has("log_uniform")) {
        (true, false) => &["range", "step"],
        (false, true) => &["uniform", "log_uniform", "draws", "seed"],
        _ => return false,
    };
    let bounds = |(key, value): &(Key, Value)| {
        !GENERATORS.contains(&key.name.as_str())
            || matches!(&value.data, Data::Array(items) if items.len() == 2)
    };
    let mut keys = table.iter().map(|(key, _)| key.name.as_str());
    keys.all(|key| others.contains(&key)) && table.iter().all(bounds)
}

/// Whether a table is meant as a generator.
pub fn is_generator(table: &Table) -> bool {
    table
        .iter()
        .any(|(key, _)| GENERATORS.contains(&key.name.as_str()))
}

/// So many values a generator may give.
const MOST: i64 = 1_000_000;

/// Up to here every integer is a number of its own.
const EXACT: f64 = (1u64 << 53) as f64;

/// Two equal generators in one axis would draw the same numbers, which nobody means.
pub fn check(table: &Table, problems: &mut Problems) {
    let mut drawn = Vec::new();
    find_draws(table, &mut drawn);
    let mut seen = HashSet::new();
    for value in drawn {
        let mut json = value.to_json();
        json.sort_all_objects();
        if !seen.insert(json.to_string()) {
            let message = "two equal generators in one axis draw the same numbers";
            let problem = Problem::at(&value.span, message).help("give one of them a `seed`");
            problems.push(problem);
        }
    }
}

fn find_draws<'a>(table: &'a Table, drawn: &mut Vec<&'a Value>) {
    for (_, value) in table {
        match value.table() {
            Some(inner) if is_generator(inner) && value.get("draws").is_some() => drawn.push(value),
            Some(inner) => find_draws(inner, drawn),
            None => {}
        }
    }
}

/// The values of `{ range = [from, to], step = 1 }` (without its end, as in most languages) or of
/// `{ uniform | log_uniform = [low, high], draws = n, seed = 0 }`. Of two integers as bounds, integers are drawn, both bounds
/// among them: `uniform` gives each the same weight; `log_uniform` gives each that of the numbers within a half of it. Draws depend on the bounds and the seed alone, not on
/// names, places or time; more draws keep the earlier ones.
pub fn generate(value: &Value, problems: &mut Problems) -> Option<Vec<Value>> {
    let table = value.table()?;
    let (key, bounds) = table
        .iter()
        .find(|(k, _)| GENERATORS.contains(&k.name.as_str()))?;
    let name = key.name.as_str();
    let other: &[&str] = if name == "range" {
        &["step"]
    } else {
        &["draws", "seed"]
    };
    for (unknown, _) in table {
        if unknown.name != name && !other.contains(&unknown.name.as_str()) {
            let message = format!("`{name}` has no key `{}`", unknown.name);
            let problem = Problem::at(&unknown.span, message).label("unknown");
            problems.push(problem.help(format!("it takes `{}`", other.join("` and `"))));
            return None;
        }
    }
    let numbers = match &bounds.data {
        Data::Array(items) => items.iter().map(number).collect::<Option<Vec<_>>>(),
        _ => None,
    };
    let Some([low, high]) = numbers.as_deref() else {
        let message = format!("`{name}` takes two numbers: {name} = [low, high]");
        problems.push(Problem::at(&bounds.span, message));
        return None;
    };
    let (low, high) = (*low, *high);
    let whole = matches!(&bounds.data, Data::Array(items)
        if items.iter().all(|item| matches!(item.data, Data::Int(_))));
    let mut refuse = |message: String| {
        problems.push(Problem::at(&bounds.span, message));
        None
    };
    if low >= high {
        return refuse(format!("`{name}` must go from low to high"));
    }
    let as_value = |number: f64, whole: bool| Value {
        data: if whole {
            Data::Int(number as i64)
        } else {
            Data::Float(number)
        },
        span: value.span.clone(),
    };
    if name == "range" {
        let step = value.get("step").map_or(Some(1.0), number);
        let Some(step) = step.filter(|step| *step > 0.0) else {
            return refuse("`step` must be a number above 0".into());
        };
        // What is a whisker short of another step is rounding.
        let length = ((high - low) / step - 1e-9).ceil();
        if length > MOST as f64 {
            let (length, most) = (count(length as u128), count(MOST as u128));
            return refuse(format!("`range` has {length} values; at most {most}"));
        }
        if whole && low.abs().max(high.abs()) > EXACT {
            return refuse("`range` must stay within 2^53 of 0, where it is exact".into());
        }
        let whole = whole && step.fract() == 0.0;
        let numbers = (0..length as u64).map(|i| low + i as f64 * step);
        let numbers = numbers.map(|number| {
            if whole {
                as_value(number, true)
            } else {
                as_value(rounded(number), false)
            }
        });
        return Some(numbers.collect());
    }
    let draws = match value.get("draws").map(|draws| &draws.data) {
        Some(Data::Int(draws @ 1..=MOST)) => *draws as usize,
        Some(Data::Int(draws @ 1..)) => {
            let (draws, most) = (count(*draws as u128), count(MOST as u128));
            return refuse(format!("`draws` is {draws}; at most {most}"));
        }
        Some(_) => return refuse("`draws` must be an integer of at least 1".into()),
        None => return refuse(format!("`{name}` needs `draws`: how many values")),
    };
    let seed = match value.get("seed").map(|seed| &seed.data) {
        None => 0,
        Some(Data::Int(seed @ 0..)) => *seed,
        Some(_) => return refuse("`seed` must be an integer of at least 0".into()),
    };
    if name == "log_uniform" && low <= 0.0 {
        return refuse("`log_uniform` needs bounds above 0".into());
    }
    let ends = match &bounds.data {
        Data::Array(items) => match [&items[0].data, &items[1].data] {
            [Data::Int(low), Data::Int(high)] => Some((*low, *high)),
            _ => None,
        },
        _ => None,
    };
    let whole_number = |number: i128| Value {
        data: Data::Int(number as i64),
        span: value.span.clone(),
    };
    let purpose = format!("{name} {low:e} {high:e} {seed}");
    let mut random = ChaCha8Rng::from_seed(blake3::derive_key(
        "etude 2026-11 draws v1",
        purpose.as_bytes(),
    ));
    let draw = |_| {
        let bits = random.next_u64();
        let unit = (bits >> 11) as f64 / (1u64 << 53) as f64;
        match (name, ends) {
            // Every whole number from low to high, both included, has the same weight.
            ("uniform", Some((low, high))) => {
                let length = (i128::from(high) - i128::from(low) + 1) as u128;
                let step = (u128::from(bits) * length) >> 64;
                whole_number(i128::from(low) + step as i128)
            }
            // And here that of what lies within a half of it, on a logarithmic scale.
            (_, Some((first, last))) => {
                let number = log_between(low - 0.5, high + 0.5, unit).round();
                whole_number((number as i128).clamp(first.into(), last.into()))
            }
            ("uniform", None) => as_value(rounded(low + unit * (high - low)), false),
            (_, None) => as_value(rounded(log_between(low, high, unit)), false),
        }
    };
    Some((0..draws).map(draw).collect())
}

/// The number this far from low to high, both on a logarithmic scale.
fn log_between(low: f64, high: f64, unit: f64) -> f64 {
    (low.ln() + unit * (high.ln() - low.ln())).exp()
}

fn number(value: &Value) -> Option<f64> {
    match value.data {
        Data::Int(int) => Some(int as f64),
        Data::Float(float) => Some(float),
        _ => None,
    }
}

/// To six significant digits, so that a label can be read.
fn rounded(number: f64) -> f64 {
    format!("{number:.5e}").parse().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::source::Source;
    use crate::pipeline::value::parse;

    /// How often each whole number is drawn.
    fn drawn(generator: &str, draws: usize) -> Vec<(i64, usize)> {
        let text = format!("x = {{ {generator}, draws = {draws} }}");
        let mut problems = Problems::default();
        let value = parse(&Source::new("x", text), &mut problems);
        let drawn = generate(value.get("x").unwrap(), &mut problems).unwrap();
        let mut counts = std::collections::BTreeMap::new();
        for value in drawn {
            let Data::Int(int) = value.data else {
                panic!("{value:?} is no integer")
            };
            *counts.entry(int).or_insert(0) += 1;
        }
        counts.into_iter().collect()
    }

    /// Pearson's statistic of counts against expected shares.
    fn chi_square(counts: &[(i64, usize)], shares: &[f64]) -> f64 {
        let all: usize = counts.iter().map(|(_, count)| count).sum();
        let terms = counts.iter().zip(shares).map(|((_, count), share)| {
            let expected = share * all as f64;
            (*count as f64 - expected).powi(2) / expected
        });
        terms.sum()
    }

    #[test]
    fn whole_numbers_are_drawn_with_equal_weight_ends_included() {
        let counts = drawn("uniform = [0, 3]", 6000);
        assert_eq!(
            counts.iter().map(|(k, _)| *k).collect::<Vec<_>>(),
            [0, 1, 2, 3]
        );
        // Three degrees of freedom: 16.3 is exceeded once in a thousand; with half weights at the ends it would be above 600.
        assert!(chi_square(&counts, &[0.25; 4]) < 16.3, "{counts:?}");
        let counts = drawn("uniform = [-2, -1]", 2000);
        assert!(chi_square(&counts, &[0.5; 2]) < 10.8, "{counts:?}");
        let counts = drawn("uniform = [-4611686018427387904, 4611686018427387904]", 100);
        assert_eq!(counts.len(), 100);
    }

    #[test]
    fn whole_numbers_on_a_logarithmic_scale_have_the_weight_of_what_is_nearest() {
        let share = |k: f64| ((k + 0.5) / (k - 0.5)).ln() / (4.5f64 / 0.5).ln();
        let counts = drawn("log_uniform = [1, 4]", 6000);
        assert_eq!(
            counts.iter().map(|(k, _)| *k).collect::<Vec<_>>(),
            [1, 2, 3, 4]
        );
        let shares = [1.0, 2.0, 3.0, 4.0].map(share);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(chi_square(&counts, &shares) < 16.3, "{counts:?}");
    }
}
