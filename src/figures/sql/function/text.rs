//! Text. Lengths and places count characters, the first is 1.

use polars::prelude::*;

use super::{
    Fault, Function, Gives, MANY, Takes, bool_column, cast, int_column, ints, text_column, texts,
};
use crate::figures::sql::kind::Kind;

const TEXT: Gives = Gives::Always(Kind::Text);
const BOOL: Gives = Gives::Always(Kind::Bool);

pub(super) const ROSTER: &[Function] = &[
    Function {
        names: &["||"],
        count: (2, 2),
        takes: Takes::Any,
        gives: TEXT,
        eval: |_, args| {
            let (a, b) = (
                cast(&args[0], Kind::Text, false)?,
                cast(&args[1], Kind::Text, false)?,
            );
            let rows = texts(&a)?.iter().zip(texts(&b)?.iter());
            Ok(text_column(
                rows.map(|(a, b)| Some(format!("{}{}", a?, b?))),
            ))
        },
    },
    Function {
        names: &["concat"],
        count: (1, MANY),
        takes: Takes::Any,
        gives: TEXT,
        eval: |_, args| {
            // Missing values are left out.
            let mut rows = vec![String::new(); args[0].len()];
            for arg in args {
                let arg = cast(arg, Kind::Text, false)?;
                for (row, text) in rows.iter_mut().zip(texts(&arg)?.iter()) {
                    row.push_str(text.unwrap_or_default());
                }
            }
            Ok(text_column(rows.into_iter().map(Some)))
        },
    },
    Function {
        names: &["upper", "ucase"],
        count: (1, 1),
        takes: Takes::Texts,
        gives: TEXT,
        eval: |_, args| map(args, |text| text.to_uppercase()),
    },
    Function {
        names: &["lower", "lcase"],
        count: (1, 1),
        takes: Takes::Texts,
        gives: TEXT,
        eval: |_, args| map(args, |text| text.to_lowercase()),
    },
    Function {
        names: &["trim"],
        count: (1, 2),
        takes: Takes::Texts,
        gives: TEXT,
        eval: |_, args| trimmed(args, true, true),
    },
    Function {
        names: &["ltrim"],
        count: (1, 2),
        takes: Takes::Texts,
        gives: TEXT,
        eval: |_, args| trimmed(args, true, false),
    },
    Function {
        names: &["rtrim"],
        count: (1, 2),
        takes: Takes::Texts,
        gives: TEXT,
        eval: |_, args| trimmed(args, false, true),
    },
    Function {
        names: &["replace"],
        count: (3, 3),
        takes: Takes::Texts,
        gives: TEXT,
        eval: |_, args| {
            let rows = texts(&args[0])?.iter().zip(texts(&args[1])?.iter());
            let rows = rows.zip(texts(&args[2])?.iter());
            Ok(text_column(rows.map(|((text, from), to)| {
                let (text, from, to) = (text?, from?, to?);
                Some(if from.is_empty() {
                    text.to_owned()
                } else {
                    text.replace(from, to)
                })
            })))
        },
    },
    Function {
        names: &["length", "len", "char_length", "character_length"],
        count: (1, 1),
        takes: Takes::Texts,
        gives: Gives::Always(Kind::Int),
        eval: |_, args| {
            let rows = texts(&args[0])?.iter();
            let count = |text: &str| i64::try_from(text.chars().count()).ok();
            Ok(int_column(rows.map(|text| text.and_then(count))))
        },
    },
    Function {
        names: &["substr", "substring"],
        count: (2, 3),
        takes: Takes::TextAndInts,
        gives: TEXT,
        eval: substring,
    },
    Function {
        names: &["left"],
        count: (2, 2),
        takes: Takes::TextAndInts,
        gives: TEXT,
        eval: |_, args| {
            let rows = texts(&args[0])?.iter().zip(ints(&args[1])?.iter());
            Ok(text_column(rows.map(|(text, n)| {
                let (text, n) = (text?, n?);
                let all = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
                let n = if n < 0 { (all + n).max(0) } else { n };
                Some(text.chars().take(usize::try_from(n).unwrap_or(0)).collect())
            })))
        },
    },
    Function {
        names: &["right"],
        count: (2, 2),
        takes: Takes::TextAndInts,
        gives: TEXT,
        eval: |_, args| {
            let rows = texts(&args[0])?.iter().zip(ints(&args[1])?.iter());
            Ok(text_column(rows.map(|(text, n)| {
                let (text, n) = (text?, n?);
                let all = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
                let skip = if n < 0 { n.saturating_neg() } else { all - n };
                let skip = usize::try_from(skip.max(0)).unwrap_or(usize::MAX);
                Some(text.chars().skip(skip).collect())
            })))
        },
    },
    Function {
        names: &["strpos", "instr", "position"],
        count: (2, 2),
        takes: Takes::Texts,
        gives: Gives::Always(Kind::Int),
        eval: |_, args| {
            let rows = texts(&args[0])?.iter().zip(texts(&args[1])?.iter());
            Ok(int_column(rows.map(|(text, part)| {
                let (text, part) = (text?, part?);
                let before = text.find(part).map(|at| text[..at].chars().count() + 1);
                i64::try_from(before.unwrap_or(0)).ok()
            })))
        },
    },
    Function {
        names: &["starts_with"],
        count: (2, 2),
        takes: Takes::Texts,
        gives: BOOL,
        eval: |_, args| test(args, |text, part| text.starts_with(part)),
    },
    Function {
        names: &["ends_with", "suffix"],
        count: (2, 2),
        takes: Takes::Texts,
        gives: BOOL,
        eval: |_, args| test(args, |text, part| text.ends_with(part)),
    },
    Function {
        names: &["contains"],
        count: (2, 2),
        takes: Takes::Texts,
        gives: BOOL,
        eval: |_, args| test(args, |text, part| text.contains(part)),
    },
    Function {
        names: &["LIKE"],
        count: (2, 2),
        takes: Takes::Texts,
        gives: BOOL,
        eval: |_, args| test(args, is_like),
    },
    Function {
        names: &["ILIKE"],
        count: (2, 2),
        takes: Takes::Texts,
        gives: BOOL,
        eval: |_, args| {
            test(args, |text, pattern| {
                is_like(&text.to_lowercase(), &pattern.to_lowercase())
            })
        },
    },
];

fn map(args: &[Column], of: impl Fn(&str) -> String) -> Result<Column, Fault> {
    Ok(text_column(texts(&args[0])?.iter().map(|v| v.map(&of))))
}

fn test(args: &[Column], of: impl Fn(&str, &str) -> bool) -> Result<Column, Fault> {
    let rows = texts(&args[0])?.iter().zip(texts(&args[1])?.iter());
    Ok(bool_column(rows.map(|(a, b)| Some(of(a?, b?)))))
}

fn trimmed(args: &[Column], start: bool, end: bool) -> Result<Column, Fault> {
    let what: Vec<Option<Vec<char>>> = match args.get(1) {
        Some(what) => {
            let what = texts(what)?.iter();
            what.map(|v| v.map(|v| v.chars().collect())).collect()
        }
        None => vec![Some(vec![' ']); args[0].len()],
    };
    let rows = texts(&args[0])?.iter().zip(what);
    Ok(text_column(rows.map(|(text, what)| {
        let (mut text, what) = (text?, what?);
        if start {
            text = text.trim_start_matches(what.as_slice());
        }
        if end {
            text = text.trim_end_matches(what.as_slice());
        }
        Some(text.to_owned())
    })))
}

/// From a place on, so many characters; a place below 0 counts from the end.
fn substring(_: Kind, args: &[Column]) -> Result<Column, Fault> {
    let lengths: Vec<Option<i64>> = match args.get(2) {
        Some(lengths) => ints(lengths)?.iter().collect(),
        None => vec![Some(i64::MAX); args[0].len()],
    };
    if lengths.iter().flatten().any(|length| *length < 0) {
        return Err("`substr` takes a length of 0 or more".to_owned());
    }
    let rows = texts(&args[0])?.iter().zip(ints(&args[1])?.iter());
    Ok(text_column(rows.zip(lengths).map(
        |((text, from), length)| {
            let (text, from, length) = (text?, from?, length?);
            let all = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
            let from = if from < 0 {
                all.saturating_add(from) + 1
            } else {
                from
            };
            let to = from.saturating_add(length).max(1);
            let from = from.max(1);
            let (skip, take) = (from - 1, (to - from).max(0));
            let [skip, take] = [skip, take].map(|n| usize::try_from(n).unwrap_or(usize::MAX));
            Some(text.chars().skip(skip).take(take).collect())
        },
    )))
}

/// Whether a text has the form of a pattern: `%` stands for any characters, `_` for one.
fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) =
        (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut in_pattern) = (0, 0);
    // Where the last `%` stands, and how much of the text it covers.
    let mut last: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(in_pattern) {
            Some('%') => {
                last = Some((in_pattern, at));
                in_pattern += 1;
            }
            Some(c) if *c == '_' || *c == text[at] => {
                at += 1;
                in_pattern += 1;
            }
            _ => match last {
                Some((percent, covered)) => {
                    last = Some((percent, covered + 1));
                    at = covered + 1;
                    in_pattern = percent + 1;
                }
                None => return false,
            },
        }
    }
    pattern[in_pattern..].iter().all(|c| *c == '%')
}
