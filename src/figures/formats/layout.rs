//! Where the rows of the data stand in a printed table: in groups, and as columns of a pivot.

use std::collections::BTreeMap;
use std::ops::Range;

use polars::prelude::DataFrame;

use super::printed::{Printed, Values};
use super::rows::{Rows, lone};
use super::spec::{Label, Pivot, TableSpec};
use crate::figures::spelling;
use crate::figures::table::{self, Error};

/// The cells of a pivot that have no row are named up to so many.
const NAMED: usize = 3;

/// Rows that stand together.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Section {
    /// What stands above them.
    pub heading: Option<String>,
    /// Which printed rows they are.
    pub rows: Range<usize>,
}

/// A value of a pivot's column, and the row of the data that each printed row has for it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spread {
    /// The value, as it is printed.
    pub label: String,
    /// A row of the data for each printed row.
    pub rows: Vec<Option<usize>>,
}

/// Which rows of the data make a printed table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// For each printed row, the first row of the data that it is made of.
    pub rows: Vec<usize>,
    /// The groups.
    pub sections: Vec<Section>,
    /// The values of the pivot's column; none without a pivot.
    pub spread: Vec<Spread>,
    /// What to know of it, a line each.
    pub warnings: Vec<String>,
}

type Texts = Vec<Option<String>>;

/// The cells of a column as headings, which differ where the values do.
fn headings(data: &DataFrame, name: &str) -> Result<Vec<String>, Error> {
    let values = Values::of(table::column(data, name)?, false)?;
    let rows = Rows::new(data.height());
    let printed = lone(&values, None, Some(&rows));
    let text = |value: &Printed| match value {
        Printed::Missing => "–".to_owned(),
        value => value.text(),
    };
    Ok(printed.iter().map(text).collect())
}

/// A cell of a column as a message shows it.
fn said(text: &Option<String>) -> String {
    text.as_ref()
        .map_or("nothing".to_owned(), |text| format!("`{text}`"))
}

impl Layout {
    /// The layout of a table whose rows are named by the columns `keys`.
    pub(super) fn new(data: &DataFrame, spec: &TableSpec, keys: &[&str]) -> Result<Self, Error> {
        let texts = |name: &str| table::texts(table::column(data, name)?);
        let mut warnings = Vec::new();
        let group = spec.group.as_deref().map(texts).transpose()?;
        let headings = spec
            .group
            .as_deref()
            .map(|name| headings(data, name))
            .transpose()?;
        let (rows, mut spread) = match &spec.pivot {
            None => ((0..data.height()).collect(), Vec::new()),
            Some(pivot) => {
                let mut names: Vec<&str> = keys.to_vec();
                names.extend(spec.group.as_deref().filter(|name| !keys.contains(name)));
                spread(data, pivot, &names, &mut warnings)?
            }
        };
        let order = order(&rows, group.as_ref());
        for spread in &mut spread {
            spread.rows = order.iter().map(|place| spread.rows[*place]).collect();
        }
        let rows: Vec<usize> = order.into_iter().map(|place| rows[place]).collect();
        let is_shown = spec
            .group
            .as_deref()
            .is_some_and(|name| keys.contains(&name));
        Ok(Self {
            sections: sections(
                &rows,
                group.as_ref(),
                headings.filter(|_| !is_shown).as_ref(),
            ),
            rows,
            spread,
            warnings,
        })
    }
}

/// The places of printed rows, with those of one group together.
fn order(rows: &[usize], group: Option<&Texts>) -> Vec<usize> {
    let mut places: Vec<usize> = (0..rows.len()).collect();
    if let Some(group) = group {
        let mut known: BTreeMap<&Option<String>, usize> = BTreeMap::new();
        for row in rows {
            let next = known.len();
            known.entry(&group[*row]).or_insert(next);
        }
        places.sort_by_key(|place| known[&group[rows[*place]]]);
    }
    places
}

fn sections(rows: &[usize], group: Option<&Texts>, headings: Option<&Vec<String>>) -> Vec<Section> {
    let Some(group) = group else {
        return vec![Section {
            heading: None,
            rows: 0..rows.len(),
        }];
    };
    let mut start = 0;
    let chunks = rows.chunk_by(|one, other| group[*one] == group[*other]);
    let sections = chunks.map(|chunk| {
        let rows = start..start + chunk.len();
        start = rows.end;
        Section {
            heading: headings.map(|headings| headings[chunk[0]].clone()),
            rows,
        }
    });
    sections.collect()
}

/// The printed rows of a pivot, and the values of its column.
fn spread(
    data: &DataFrame,
    pivot: &Pivot,
    names: &[&str],
    warnings: &mut Vec<String>,
) -> Result<(Vec<usize>, Vec<Spread>), Error> {
    let of = table::texts(table::column(data, &pivot.column)?)?;
    let keys = names
        .iter()
        .map(|name| table::texts(table::column(data, name)?));
    let keys: Vec<Texts> = keys.collect::<Result<_, _>>()?;
    let key =
        |row: usize| -> Vec<&Option<String>> { keys.iter().map(|texts| &texts[row]).collect() };
    let called = |row: usize| {
        let parts = names.iter().zip(key(row));
        let parts: Vec<String> = parts
            .map(|(name, text)| format!("{name} = {}", said(text)))
            .collect();
        parts.join(", ")
    };
    if let Some(row) = of.iter().position(Option::is_none) {
        return Err(Error::Unsuitable(format!(
            "`{}` is empty in row {}, so no column of the pivot takes that row; leave it out with a WHERE in the SQL before",
            pivot.column,
            row + 1
        )));
    }
    let titles = headings(data, &pivot.column)?;
    let labels = labels(&of, &titles, pivot, warnings);
    let mut rows: Vec<usize> = Vec::new();
    let mut places: BTreeMap<Vec<&Option<String>>, usize> = BTreeMap::new();
    let mut found: BTreeMap<(usize, &str), usize> = BTreeMap::new();
    for (row, label) in of.iter().flatten().enumerate() {
        if !labels.iter().any(|(shown, _)| shown == label) {
            continue;
        }
        let place = *places.entry(key(row)).or_insert_with(|| {
            rows.push(row);
            rows.len() - 1
        });
        if let Some(other) = found.insert((place, label), row) {
            let keys = if names.is_empty() {
                "nothing names rows".to_owned()
            } else {
                called(row)
            };
            return Err(Error::Unsuitable(format!(
                "the pivot has two rows for {} = `{label}` ({keys}): rows {} and {} of the table; name in `columns` what tells \
                 them apart, or aggregate them before",
                pivot.column,
                other + 1,
                row + 1
            )));
        }
    }
    let spread: Vec<Spread> = labels
        .iter()
        .map(|(label, title)| Spread {
            rows: (0..rows.len())
                .map(|place| found.get(&(place, label.as_str())).copied())
                .collect(),
            label: title.clone(),
        })
        .collect();
    let mut holes = Vec::new();
    for spread in &spread {
        let missing = spread
            .rows
            .iter()
            .zip(&rows)
            .filter(|(row, _)| row.is_none());
        holes.extend(missing.map(|(_, first)| {
            let at = format!("{} = `{}`", pivot.column, spread.label);
            match called(*first) {
                keys if keys.is_empty() => at,
                keys => format!("{at} with {keys}"),
            }
        }));
    }
    if !holes.is_empty() {
        let all = spread.len() * rows.len();
        let more = match holes.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let have = if holes.len() == 1 { "has" } else { "have" };
        warnings.push(format!(
            "{} of {all} places {have} no row: {}{more}",
            holes.len(),
            holes[..holes.len().min(NAMED)].join("; ")
        ));
    }
    Ok((rows, spread))
}

/// The values of a pivot's column that are shown, in order, each with its heading.
fn labels(
    of: &Texts,
    titles: &[String],
    pivot: &Pivot,
    warnings: &mut Vec<String>,
) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for (label, title) in of.iter().flatten().zip(titles) {
        if !all.iter().any(|(known, _)| known == label) {
            all.push((label.clone(), title.clone()));
        }
    }
    let Some(order) = &pivot.order else {
        return all;
    };
    let left: Vec<String> = all
        .iter()
        .filter(|(label, _)| !order.iter().any(|wanted| wanted.is(label)))
        .map(|(_, title)| format!("`{title}`"))
        .collect();
    if !left.is_empty() {
        warnings.push(format!(
            "rows with {} = {} are not shown, because `order` does not name them",
            pivot.column,
            left.join(", ")
        ));
    }
    for wanted in order {
        if !all.iter().any(|(label, _)| wanted.is(label)) {
            let wanted = wanted.to_string();
            let near = spelling::nearest(&wanted, all.iter().map(|(label, _)| label.as_str()));
            let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            warnings.push(format!(
                "`order` names `{wanted}`, and no row has {} = `{wanted}`{near}",
                pivot.column
            ));
        }
    }
    // A value without rows keeps its place: its cells are missing, which is told.
    let wanted = order.iter().map(|wanted| {
        let known = all.iter().find(|(label, _)| wanted.is(label));
        let (label, title) = known
            .cloned()
            .unwrap_or_else(|| (wanted.to_string(), wanted.to_string()));
        match wanted {
            Label::Text(text) => (label, text.clone()),
            _ => (label, title),
        }
    });
    wanted.collect()
}
