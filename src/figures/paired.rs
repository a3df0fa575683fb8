//! Whether methods differ, tested on what they have in common: for each two of them, the values at the same seeds are paired,
//! and what is tested is that their differences are zero on average.
//!
//! Two tests, because outcomes of training are often bimodal and then far from normal: Student's paired t, and the sign-flip
//! permutation test (Fisher 1935, *The Design of Experiments*, section 21), which assumes only that under the null a
//! difference is as likely to have either sign. Both are two-sided. With several pairs of methods the smallest of many
//! p-values is small by chance; those corrected after Holm (1979, *Scand. J. Statist.* 6) keep the chance of any false alarm
//! among all pairs at what they say.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::table::{self, Error};

/// Tests whether methods differ, seed by seed.
///
/// Each two methods are compared on the seeds that both have: the paired t test and the sign-flip permutation test, both
/// two-sided. Holm's correction is over all pairs of methods. Rows come in the order in which the methods first appear. With
/// fewer than two pairs, or differences that are all the same, the t test says nothing, and its columns are empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Paired {
    /// The columns whose values pair rows, e.g. `["seed"]`. A method has one row at each of their values.
    #[schemars(length(min = 1))]
    pub by: Vec<String>,
    /// The column that names the methods.
    #[schemars(length(min = 1))]
    pub between: String,
    /// The column of numbers that are compared.
    #[schemars(length(min = 1))]
    pub value: String,
    /// How many sign flips are drawn where there are more than 20 pairs; up to 20, all are counted.
    #[serde(default = "draws")]
    #[schemars(range(min = 1, max = 100_000_000))]
    pub draws: u32,
    /// Seed of those draws.
    #[serde(default)]
    pub seed: u64,
}

fn draws() -> u32 {
    100_000
}

/// Up to so many pairs all sign flips are counted: 2²⁰ of them.
const EXACT: usize = 20;

/// So many methods can be told apart in pairs; more are many thousands of tests.
const MOST: usize = 64;

/// Relative to their size, differences that vary less than this are the same: what is left is rounding.
const ROUNDING: f64 = 1e-12;

/// The columns of the table that a comparison gives.
pub const COLUMNS: [&str; 11] = [
    "first",
    "second",
    "pairs",
    "difference",
    "low",
    "high",
    "p_t",
    "p_t_holm",
    "p_flip",
    "p_flip_holm",
    "missing",
];

/// What pairs a row with that of another method: a text for each column of `by`.
type Place = Vec<String>;

/// The values of a method by what pairs them; none where the row has no number. Beside it what makes a row the same as
/// another under other labels, where that is known.
type Values = BTreeMap<Place, (Option<f64>, Option<String>)>;

/// Compares each two methods of a table. Rows of one method with the same of `units` are one result under several labels,
/// and two such results are one pair; what there is to say of that stands beside the table.
///
/// # Errors
/// Columns that are missing, hold no numbers or no two methods, or more than 64 methods. A row that names no method or not
/// what pairs it. A method with two rows at the same place.
pub fn compare(
    data: &DataFrame,
    paired: &Paired,
    units: &[Option<String>],
) -> Result<(DataFrame, Vec<String>), Error> {
    let methods = methods(data, paired, units)?;
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    for (n, (first, ours)) in methods.iter().enumerate() {
        for (second, theirs) in &methods[n + 1..] {
            let mut seen = BTreeSet::new();
            let mut again = 0;
            let common = ours.iter().filter_map(|(place, (value, unit))| {
                let (other, their_unit) = theirs.get(place)?;
                let difference = (*value)? - (*other)?;
                let is_new = match (unit, their_unit) {
                    (Some(unit), Some(other)) => seen.insert((unit, other)),
                    _ => true,
                };
                again += usize::from(!is_new);
                is_new.then_some(difference)
            });
            let differences: Vec<f64> = common.collect();
            if again > 0 {
                notes.push(format!(
                    "{first} and {second}: {} pairs of labels are {} of results, because one job stands under several labels",
                    differences.len() + again,
                    differences.len()
                ));
            }
            let stream = rows.len() as u64;
            let row = (
                (first, second),
                Test::of(&differences, paired, stream),
                missing(&paired.by, (first, ours), (second, theirs)),
            );
            rows.push(row);
        }
    }
    let of = |number: fn(&Test) -> Option<f64>| -> Vec<Option<f64>> {
        rows.iter().map(|(_, test, _)| number(test)).collect()
    };
    let (p_t, p_flip) = (of(|test| test.p_t), of(|test| test.p_flip));
    let pairs = rows.iter().map(|(_, test, _)| test.pairs as i64);
    let names = rows.iter().map(|(names, ..)| names);
    let columns = [
        Column::new(
            COLUMNS[0].into(),
            names.clone().map(|n| n.0.as_str()).collect::<Vec<_>>(),
        ),
        Column::new(
            COLUMNS[1].into(),
            names.map(|n| n.1.as_str()).collect::<Vec<_>>(),
        ),
        Column::new(COLUMNS[2].into(), pairs.collect::<Vec<_>>()),
        Column::new(COLUMNS[3].into(), of(|test| test.difference)),
        Column::new(COLUMNS[4].into(), of(|test| Some(test.interval?.0))),
        Column::new(COLUMNS[5].into(), of(|test| Some(test.interval?.1))),
        Column::new(COLUMNS[6].into(), &p_t),
        Column::new(COLUMNS[7].into(), holm(&p_t)),
        Column::new(COLUMNS[8].into(), &p_flip),
        Column::new(COLUMNS[9].into(), holm(&p_flip)),
        Column::new(
            COLUMNS[10].into(),
            rows.iter()
                .map(|(.., missing)| missing.as_deref())
                .collect::<Vec<_>>(),
        ),
    ];
    Ok((DataFrame::new_infer_height(columns.into())?, notes))
}

/// The methods in the order in which they first appear, with their values.
fn methods(
    data: &DataFrame,
    paired: &Paired,
    units: &[Option<String>],
) -> Result<Vec<(String, Values)>, Error> {
    let unsuitable = |why: String| Err(Error::Unsuitable(why));
    let names = names(data, &paired.between)?;
    let by = paired.by.iter().map(|column| self::names(data, column));
    let by = by.collect::<Result<Vec<_>, _>>()?;
    let values = table::column(data, &paired.value)?;
    if values.dtype() == &DataType::String {
        let texts = table::texts(values)?;
        let text = texts
            .iter()
            .flatten()
            .find(|text| text.trim().parse::<f64>().is_err());
        return unsuitable(format!(
            "the column `{}` is text and holds no numbers{}",
            paired.value,
            text.map_or(String::new(), |text| format!(": `{text}`"))
        ));
    }
    let values = table::numbers(values)?;
    if data.height() > 0 && values.iter().all(Option::is_none) {
        return unsuitable(format!("the column `{}` holds no numbers", paired.value));
    }
    let mut methods: Vec<(String, Values)> = Vec::new();
    let mut places = BTreeMap::new();
    for (row, (name, value)) in names.into_iter().zip(values).enumerate() {
        let at = *places.entry(name.clone()).or_insert(methods.len());
        if at == methods.len() {
            methods.push((name.clone(), Values::new()));
        }
        let place: Place = by.iter().map(|texts| texts[row].clone()).collect();
        let words = in_words(&paired.by, &place);
        let unit = units.get(row).cloned().flatten();
        if methods[at].1.insert(place, (value, unit)).is_some() {
            return unsuitable(format!(
                "`{name}` has two rows at {words}; average them first, or add to `by` the column in which they differ"
            ));
        }
    }
    match methods.len() {
        0 | 1 => unsuitable(format!(
            "the column `{}` names {}; there is nothing to compare",
            paired.between,
            if methods.is_empty() {
                "no method: the table has no rows"
            } else {
                "one method"
            }
        )),
        n if n > MOST => unsuitable(format!(
            "the column `{}` names {n} methods; up to {MOST} can be compared in pairs",
            paired.between
        )),
        _ => Ok(methods),
    }
}

/// What a column names in each row.
fn names(data: &DataFrame, column: &str) -> Result<Vec<String>, Error> {
    let texts = table::texts(table::column(data, column)?)?;
    let texts = texts.into_iter().enumerate().map(|(row, text)| {
        text.filter(|text| text != "NaN").ok_or_else(|| {
            Error::Unsuitable(format!(
                "the column `{column}` has no value in row {}; leave such rows out, or say what they are",
                row + 1
            ))
        })
    });
    texts.collect()
}

/// A place as `column = value, …`.
fn in_words(by: &[String], place: &Place) -> String {
    let words = by.iter().zip(place);
    let words = words.map(|(column, text)| format!("{column} = {text}"));
    words.collect::<Vec<_>>().join(", ")
}

/// At which places one of two methods has no number, or both have none.
fn missing(by: &[String], first: (&String, &Values), second: (&String, &Values)) -> Option<String> {
    let all: BTreeSet<&Place> = first.1.keys().chain(second.1.keys()).collect();
    let lacks = |(name, values): (&String, &Values)| {
        let lacking = all
            .iter()
            .filter(|place| values.get(**place).is_none_or(|(value, _)| value.is_none()));
        let places: Vec<String> = lacking.map(|place| in_words(by, place)).collect();
        (!places.is_empty()).then(|| format!("{name}: {}", places.join("; ")))
    };
    let both: Vec<String> = [lacks(first), lacks(second)]
        .into_iter()
        .flatten()
        .collect();
    (!both.is_empty()).then(|| both.join(" | "))
}

/// What the differences of two methods tell.
#[derive(Debug, Clone, PartialEq)]
struct Test {
    pairs: usize,
    difference: Option<f64>,
    interval: Option<(f64, f64)>,
    p_t: Option<f64>,
    p_flip: Option<f64>,
}

impl Test {
    fn of(differences: &[f64], paired: &Paired, stream: u64) -> Self {
        let count = differences.len() as f64;
        let mean = differences.iter().sum::<f64>() / count;
        let largest = differences
            .iter()
            .fold(0.0, |most: f64, d| most.max(d.abs()));
        let squares = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>();
        let deviation = (squares / (count - 1.0)).sqrt();
        // Without a spread, or with one pair, there is nothing to hold the mean against.
        let student =
            (deviation > ROUNDING * largest).then(|| StudentsT::new(0.0, 1.0, count - 1.0));
        let student = student.and_then(Result::ok);
        let error = deviation / count.sqrt();
        Self {
            pairs: differences.len(),
            difference: (!differences.is_empty()).then_some(mean),
            interval: student.as_ref().map(|student| {
                let half = student.inverse_cdf(0.975) * error;
                (mean - half, mean + half)
            }),
            p_t: student.map(|student| (2.0 * student.sf((mean / error).abs())).min(1.0)),
            p_flip: match differences.len() {
                0 => None,
                n if n <= EXACT => Some(flip_all(differences)),
                _ => Some(flip_some(differences, paired, stream)),
            },
        }
    }
}

/// A sum of differences that counts as at least as large as what was observed, rounding allowed for.
fn as_large(differences: &[f64]) -> f64 {
    let sizes = differences.iter().map(|d| d.abs()).sum::<f64>();
    differences.iter().sum::<f64>().abs() - ROUNDING * sizes
}

/// The share of all sign flips whose sum is at least as large as that of the differences as they are. Flipping all signs
/// changes no size, so the first keeps its own.
fn flip_all(differences: &[f64]) -> f64 {
    let least = as_large(differences);
    let flips = 1_u64 << (differences.len() - 1);
    let large = (0..flips).filter(|flip| flipped(differences, flip << 1).abs() >= least);
    large.count() as f64 / flips as f64
}

/// The same of flips drawn at random; the differences as they are count as one of them (Phipson & Smyth 2010), so that no
/// p-value is 0.
fn flip_some(differences: &[f64], paired: &Paired, stream: u64) -> f64 {
    let least = as_large(differences);
    let mut key = [0; 32];
    key[..8].copy_from_slice(&paired.seed.to_le_bytes());
    let mut random = ChaCha8Rng::from_seed(key);
    random.set_stream(stream);
    let mut large = 0_u64;
    for _ in 0..paired.draws {
        let parts = differences.chunks(64);
        let sum: f64 = parts.map(|part| flipped(part, random.next_u64())).sum();
        large += u64::from(sum.abs() >= least);
    }
    (1 + large) as f64 / (1.0 + f64::from(paired.draws))
}

/// The sum of up to 64 differences, those whose bit is set with the other sign.
fn flipped(differences: &[f64], flip: u64) -> f64 {
    let signed = differences.iter().enumerate();
    signed
        .map(|(place, d)| if flip >> place & 1 == 1 { -d } else { *d })
        .sum()
}

/// p-values corrected for being many: the k-th smallest of m times m − k + 1, and never below one before it.
fn holm(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> = values
        .iter()
        .enumerate()
        .filter_map(|(place, value)| Some((place, (*value)?)))
        .collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut corrected = vec![None; values.len()];
    let (many, mut least) = (order.len(), 0.0_f64);
    for (rank, (place, value)) in order.into_iter().enumerate() {
        least = least.max((value * (many - rank) as f64).min(1.0));
        corrected[place] = Some(least);
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paired() -> Paired {
        Paired {
            by: vec!["seed".into()],
            between: "method".into(),
            value: "accuracy".into(),
            draws: draws(),
            seed: 0,
        }
    }

    fn near(number: Option<f64>, expected: f64) {
        let number = number.unwrap();
        assert!(
            (number - expected).abs() < 1e-5,
            "{number} is not {expected}"
        );
    }

    #[test]
    fn three_differences_give_what_a_hand_computes() {
        // Mean 2, deviation 1, t = 2·√3 with 2 degrees of freedom, whose distribution has a closed form; of the four flips
        // that keep the first sign, 6, 2, 0 and −4, one is as large as 6.
        let test = Test::of(&[1.0, 2.0, 3.0], &paired(), 0);
        near(test.difference, 2.0);
        near(test.p_t, 0.0741799);
        near(test.interval.map(|i| i.0), 2.0 - 2.484138);
        near(test.interval.map(|i| i.1), 2.0 + 2.484138);
        assert_eq!((test.pairs, test.p_flip), (3, Some(0.25)));
        // Signs change the mean: 0, so that every flip is as large.
        assert_eq!(Test::of(&[1.0, 2.0, -3.0], &paired(), 0).p_flip, Some(1.0));
    }

    #[test]
    fn five_differences_give_the_published_p_value() {
        // t = 3·√2 with 4 degrees of freedom.
        let test = Test::of(&[5.0, 1.0, 4.0, 2.0, 3.0], &paired(), 0);
        near(test.p_t, 0.0132356);
        assert_eq!(test.p_flip, Some(1.0 / 16.0));
    }

    #[test]
    fn without_a_spread_or_with_one_pair_t_tells_nothing() {
        for differences in [&[0.1 + 0.2, 0.3, 0.3][..], &[0.4], &[0.0, 0.0]] {
            let test = Test::of(differences, &paired(), 0);
            assert_eq!((test.p_t, test.interval), (None, None), "{differences:?}");
            assert!(test.p_flip.is_some());
        }
        assert_eq!(Test::of(&[0.3, 0.3, 0.3], &paired(), 0).p_flip, Some(0.25));
        assert_eq!(Test::of(&[0.0, 0.0], &paired(), 0).p_flip, Some(1.0));
        let none = Test::of(&[], &paired(), 0);
        assert_eq!((none.difference, none.p_flip), (None, None));
    }

    #[test]
    fn many_pairs_are_drawn_from_and_agree_with_counting_all() {
        let differences: Vec<f64> = (0..20).map(|i| f64::from(i * 7 % 11) - 4.0).collect();
        let all = flip_all(&differences);
        let drawn = flip_some(&differences, &paired(), 0);
        // Six standard errors of a share of 100 000 draws.
        let room = 6.0 * (all * (1.0 - all) / 1e5).sqrt();
        assert!((all - drawn).abs() < room, "{all} {drawn}");
        assert_eq!(drawn, flip_some(&differences, &paired(), 0));
        let other = Paired {
            seed: 1,
            ..paired()
        };
        assert_ne!(drawn, flip_some(&differences, &other, 0));
        let far = vec![1.0; 70];
        assert_eq!(flip_some(&far, &paired(), 0), 1.0 / 100_001.0);
    }

    #[test]
    fn holm_corrects_the_smallest_the_most_and_keeps_the_order() {
        let corrected = holm(&[Some(0.01), Some(0.04), None, Some(0.03), Some(0.8)]);
        let expected = [0.04, 0.09, 0.09, 0.8];
        let there = corrected.iter().flatten();
        for (number, expected) in there.zip(expected) {
            near(Some(*number), expected);
        }
        assert_eq!(corrected[2], None);
        assert_eq!(holm(&[Some(0.7), Some(0.6)]), [Some(1.0), Some(1.0)]);
    }

    #[test]
    fn methods_are_paired_by_seed_and_what_one_lacks_is_named() {
        let data = df!(
            "seed" => [0i64, 1, 2, 2, 1, 0, 3],
            "method" => ["b", "b", "b", "a", "a", "a", "b"],
            "accuracy" => [Some(2.0), Some(4.0), Some(6.0), Some(3.0), Some(2.0), Some(1.0), Some(9.0)],
        )
        .unwrap();
        let (result, _) = compare(&data, &paired(), &[]).unwrap();
        assert_eq!(table::column_names(&result), COLUMNS);
        let text = |name: &str| table::texts(table::column(&result, name).unwrap()).unwrap();
        assert_eq!(text("first"), [Some("b".into())]);
        assert_eq!(text("second"), [Some("a".into())]);
        assert_eq!(text("pairs"), [Some("3".into())]);
        assert_eq!(text("missing"), [Some("a: seed = 3".into())]);
        let number = |name: &str| table::numbers(table::column(&result, name).unwrap()).unwrap()[0];
        near(number("difference"), 2.0);
        near(number("p_flip"), 0.25);
        near(number("p_t_holm"), 0.0741799);
    }

    #[test]
    fn one_result_under_several_labels_is_one_pair() {
        let data = df!(
            "seed" => [0i64, 1, 2, 0, 1, 2],
            "method" => ["a", "a", "a", "b", "b", "b"],
            "accuracy" => [0.5, 0.5, 0.7, 0.6, 0.6, 0.9],
        )
        .unwrap();
        let units = ["1", "1", "2", "3", "3", "4"].map(|unit| Some(unit.to_string()));
        let (result, notes) = compare(&data, &paired(), &units).unwrap();
        let pairs = table::numbers(table::column(&result, "pairs").unwrap()).unwrap();
        assert_eq!(pairs, [Some(2.0)]);
        assert_eq!(
            notes,
            [
                "a and b: 3 pairs of labels are 2 of results, because one job stands under several labels"
            ]
        );
    }

    #[test]
    fn what_cannot_be_paired_is_refused_with_what_to_do() {
        let said = |data: DataFrame| compare(&data, &paired(), &[]).unwrap_err().to_string();
        let twice = df!("seed" => [0i64, 0], "method" => ["a", "a"], "accuracy" => [1.0, 2.0]);
        insta::assert_snapshot!(said(twice.unwrap()), @"`a` has two rows at seed = 0; average them first, or add to `by` the column in which they differ");
        let alone = df!("seed" => [0i64, 1], "method" => ["a", "a"], "accuracy" => [1.0, 2.0]);
        insta::assert_snapshot!(said(alone.unwrap()), @"the column `method` names one method; there is nothing to compare");
        let words = df!("seed" => [0i64, 1], "method" => ["a", "b"], "accuracy" => ["x", "y"]);
        insta::assert_snapshot!(said(words.unwrap()), @"the column `accuracy` is text and holds no numbers: `x`");
        let mixed = df!("seed" => [0i64, 0], "method" => ["a", "b"], "accuracy" => ["1", "oom"]);
        insta::assert_snapshot!(said(mixed.unwrap()), @"the column `accuracy` is text and holds no numbers: `oom`");
        let nothing =
            df!("seed" => [0i64, 0], "method" => ["a", "b"], "accuracy" => [None::<f64>, None]);
        insta::assert_snapshot!(said(nothing.unwrap()), @"the column `accuracy` holds no numbers");
        let nameless =
            df!("seed" => [0i64, 0], "method" => [Some("a"), None], "accuracy" => [1.0, 2.0]);
        insta::assert_snapshot!(said(nameless.unwrap()), @"the column `method` has no value in row 2; leave such rows out, or say what they are");
        let unpaired =
            df!("seed" => [Some(0i64), None], "method" => ["a", "b"], "accuracy" => [1.0, 2.0]);
        insta::assert_snapshot!(said(unpaired.unwrap()), @"the column `seed` has no value in row 2; leave such rows out, or say what they are");
        let empty = df!("seed" => Vec::<i64>::new(), "method" => Vec::<&str>::new(), "accuracy" => Vec::<f64>::new());
        insta::assert_snapshot!(said(empty.unwrap()), @"the column `method` names no method: the table has no rows; there is nothing to compare");
        // A row without a number is a row.
        let twice = df!("seed" => [0i64, 0], "method" => ["a", "a"], "accuracy" => [f64::NAN, 2.0]);
        assert!(said(twice.unwrap()).contains("two rows at seed = 0"));
    }

    #[test]
    fn a_pair_without_a_number_is_left_out_and_named_even_where_both_lack_it() {
        let data = df!(
            "seed" => [0i64, 1, 2, 0, 1, 2],
            "method" => ["a", "a", "a", "b", "b", "b"],
            "accuracy" => [Some(1.0), Some(f64::NAN), None, Some(2.0), Some(f64::INFINITY), Some(3.0)],
        )
        .unwrap();
        let (result, _) = compare(&data, &paired(), &[]).unwrap();
        let text =
            |name: &str| table::texts(table::column(&result, name).unwrap()).unwrap()[0].clone();
        assert_eq!(text("pairs").as_deref(), Some("1"));
        assert_eq!(
            text("missing").as_deref(),
            Some("a: seed = 1; seed = 2 | b: seed = 1")
        );
    }

    #[test]
    fn what_pairs_rows_is_compared_column_by_column() {
        let both = Paired {
            by: vec!["p".into(), "q".into()],
            ..paired()
        };
        let data = df!(
            "p" => ["1, q = 2", "1"],
            "q" => ["3", "2, q = 3"],
            "method" => ["a", "b"],
            "accuracy" => [1.0, 2.0],
        )
        .unwrap();
        let (pairs, _) = compare(&data, &both, &[]).unwrap();
        let pairs = table::numbers(pairs.column("pairs").unwrap()).unwrap();
        assert_eq!(pairs, [Some(0.0)]);
    }
}
