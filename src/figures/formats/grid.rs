//! A table as it is printed, before any format's own marks.

use std::collections::BTreeMap;

use polars::prelude::DataFrame;

use super::cells::{Cell, Interval, Read, printed};
use super::layout::{Layout, Section};
use super::printed::Values;
use super::rank::{holes_told, ranks};
use super::spec::{Column, Significance, TableSpec};
use crate::figures::markup::literal;
use crate::figures::table::{self, Error};

/// One column of cells.
pub(super) struct Shown {
    /// Its heading, as mark-up.
    pub title: String,
    /// What stands over it and its neighbours with the same, as mark-up.
    pub span: Option<String>,
    /// What messages call it.
    pub called: String,
    /// Whether it lines up to the right.
    pub numeric: bool,
    /// Its cells from the top.
    pub cells: Vec<Cell>,
    /// Its values with all their digits.
    pub values: Values,
    /// The numbers that belong to it, with all their digits: what each is, and the numbers.
    pub others: Vec<(&'static str, Values)>,
}

/// A table as it is printed, before any format's own marks.
pub(super) struct Grid<'a> {
    /// What is shown.
    pub spec: &'a TableSpec,
    /// What the table lacks, a line each.
    pub holes: Vec<String>,
    /// The sentences under it, as mark-up.
    pub notes: Vec<String>,
    /// Its columns from the left.
    pub columns: Vec<Shown>,
    /// Its rows, in groups.
    pub sections: Vec<Section>,
    /// How many rows it has.
    pub height: usize,
    /// What to know of it, a line each.
    pub warnings: Vec<String>,
}

impl<'a> Grid<'a> {
    /// Chooses, rounds and arranges what is shown.
    pub(super) fn new(
        data: &DataFrame,
        spec: &'a TableSpec,
        holes: &[String],
    ) -> Result<Self, Error> {
        let all: Vec<Column> = all_columns(data, spec);
        let keys = spec.columns.as_ref().unwrap_or(&all);
        let mut warnings = Vec::new();
        let mut holes = holes.to_vec();
        if data.height() == 0 {
            warnings.push("the table has no rows".to_owned());
            holes.push("the table has no rows".to_owned());
        }
        let fields: Vec<&str> = keys.iter().map(|column| column.field.as_str()).collect();
        let layout = Layout::new(data, spec, &fields)?;
        warnings.extend(layout.warnings.iter().cloned());
        let values = spec.pivot.iter().flat_map(|pivot| &pivot.values);
        let reads = keys
            .iter()
            .chain(values)
            .map(|column| Read::new(data, column));
        let reads: Vec<Read<'_>> = reads.collect::<Result<_, _>>()?;
        // Headings tell rows apart too.
        let headings = spec
            .group
            .iter()
            .chain(spec.pivot.iter().map(|pivot| &pivot.column));
        let headings = headings.map(|name| Values::of(table::column(data, name)?, false));
        let headings: Vec<Values> = headings.collect::<Result<_, _>>()?;
        let cells = printed(&reads, spec.digits, data.height(), &headings);
        let mut grid = Self {
            spec,
            holes,
            notes: spec.notes.clone(),
            columns: Vec::new(),
            height: layout.rows.len(),
            sections: layout.sections,
            warnings,
        };
        grid.notes.extend(mark_notes(&reads));
        let all: Vec<(&Read<'_>, &Vec<Cell>)> = reads.iter().zip(&cells).collect();
        let (keys, values) = all.split_at(keys.len());
        for (read, cells) in keys {
            let rows: Vec<Option<usize>> = layout.rows.iter().copied().map(Some).collect();
            let column = read.column;
            let shown = shown(
                read,
                cells,
                &rows,
                groups(data, spec, column, &layout.rows)?,
            );
            grid.add(column, shown);
        }
        for spread in &layout.spread {
            for (read, cells) in values {
                let column = read.column;
                let per = groups(data, spec, column, &layout.rows)?;
                let label = literal(&spread.label);
                let pivot = spec
                    .pivot
                    .as_ref()
                    .map_or("", |pivot| pivot.column.as_str());
                let mut shown = shown(read, cells, &spread.rows, per);
                shown.called = format!("{} at {pivot} = {}", column.field, spread.label);
                (shown.title, shown.span) = match values.len() {
                    // One value needs a heading of its own only where that says more than its name.
                    1 => {
                        let says_more = column.title.is_some() || column.percent;
                        (label, says_more.then(|| column.heading()))
                    }
                    _ => (column.heading(), Some(label)),
                };
                grid.add(column, shown);
            }
        }
        Ok(grid)
    }

    fn add(&mut self, column: &Column, shown: Shown) {
        let told = holes_told(column, &shown.called, &shown.values);
        self.warnings.extend(told);
        self.columns.push(shown);
    }

    /// The spanners over the columns: what each says, and how many columns it spans.
    pub(super) fn spanners(&self) -> Vec<(Option<&str>, usize)> {
        let chunks = self
            .columns
            .chunk_by(|one, other| one.span.is_some() && one.span == other.span);
        chunks
            .map(|chunk| (chunk[0].span.as_deref(), chunk.len()))
            .collect()
    }

    /// The heading of a column in a format that knows no spanners, as mark-up.
    pub(super) fn whole_title(&self, column: &Shown) -> String {
        match &column.span {
            Some(span) => format!("{span}: {}", column.title),
            None => column.title.clone(),
        }
    }
}

/// The columns that are shown where the parameters name none.
fn all_columns(data: &DataFrame, spec: &TableSpec) -> Vec<Column> {
    let mut others: Vec<&String> = Vec::new();
    if let Some(pivot) = &spec.pivot {
        others.push(&pivot.column);
        for column in &pivot.values {
            others.push(&column.field);
            others.extend(column.interval().map(|(_, name)| name));
            others.extend(column.significance.iter().map(|p| &p.column));
        }
    }
    let names = table::column_names(data).into_iter();
    names
        .filter(|name| !others.contains(&name))
        .map(Column::named)
        .collect()
}

/// The cells of some rows of a column.
fn shown(read: &Read<'_>, cells: &[Cell], rows: &[Option<usize>], groups: Vec<usize>) -> Shown {
    let values = read.values.of_rows(rows);
    let ranks = ranks(read.column, &values, &groups);
    let cells = rows.iter().zip(ranks).map(|(row, rank)| Cell {
        rank,
        ..row.map_or_else(Cell::missing, |row| cells[row].clone())
    });
    let mut others = Vec::new();
    match &read.interval {
        Interval::None => {}
        Interval::Half(error) => others.push(("±", error.of_rows(rows))),
        Interval::Ends(low, high) => {
            others.push(("low", low.of_rows(rows)));
            others.push(("high", high.of_rows(rows)));
        }
    }
    others.extend(read.p.iter().map(|(_, p)| ("p", p.of_rows(rows))));
    Shown {
        title: read.column.heading(),
        span: read.column.span.clone(),
        called: read.column.field.clone(),
        numeric: values.numeric,
        cells: cells.collect(),
        values,
        others,
    }
}

/// Which rows compete for the best value of a column: a number for each printed row.
fn groups(
    data: &DataFrame,
    spec: &TableSpec,
    column: &Column,
    rows: &[usize],
) -> Result<Vec<usize>, Error> {
    // A column of a pivot holds one value of the pivot's column alone.
    let spread = spec.pivot.as_ref().map(|pivot| &pivot.column);
    let Some(per) = column.per.as_ref().filter(|per| Some(*per) != spread) else {
        return Ok(vec![0; rows.len()]);
    };
    let texts = table::texts(table::column(data, per)?)?;
    let mut known: BTreeMap<&Option<String>, usize> = BTreeMap::new();
    let groups = rows.iter().map(|row| {
        let next = known.len();
        *known.entry(&texts[*row]).or_insert(next)
    });
    Ok(groups.collect())
}

/// What the marks of p-values mean: a note for each way of marking.
fn mark_notes(reads: &[Read<'_>]) -> Vec<String> {
    let mut told: Vec<&Significance> = Vec::new();
    let mut notes = Vec::new();
    for (significance, _) in reads.iter().filter_map(|read| read.p.as_ref()) {
        if told.contains(significance) {
            continue;
        }
        told.push(significance);
        let mut marks: Vec<(&String, &f64)> = significance.marks.iter().collect();
        marks.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        let marks = marks
            .iter()
            .map(|(mark, below)| format!("{} *p* < {below}", literal(mark)));
        let marks: Vec<String> = marks.collect();
        notes.push(format!(
            "{} ({})",
            marks.join(", "),
            literal(&significance.column)
        ));
    }
    notes
}
