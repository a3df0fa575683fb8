//! Which rows of a table are told apart by the columns printed so far.

use std::collections::BTreeMap;

use super::printed::{Printed, Values};
use crate::figures::digits::Number;

/// The rows so far: which are alike in every column that tells rows apart.
pub(super) struct Rows {
    groups: Vec<usize>,
}

impl Rows {
    /// No column is known yet: all rows are alike.
    pub(super) fn new(height: usize) -> Self {
        Self {
            groups: vec![0; height],
        }
    }

    /// Tells rows apart by one more column.
    pub(super) fn apart_by(&mut self, cells: &[Printed]) {
        let mut known: BTreeMap<(usize, String), usize> = BTreeMap::new();
        for (group, cell) in self.groups.iter_mut().zip(cells) {
            let next = known.len();
            *group = *known.entry((*group, cell.text())).or_insert(next);
        }
    }

    /// Whether two rows that are alike so far would be alike in these cells though their values differ.
    pub(super) fn merge(&self, values: &Values, cells: &[Printed]) -> bool {
        let mut known: BTreeMap<(usize, String), Number> = BTreeMap::new();
        let mut rows = self.groups.iter().zip(cells).zip(&values.numbers);
        rows.any(|((group, cell), number)| {
            let Some(number) = number.filter(|number| !number.value().is_nan()) else {
                return false;
            };
            let first = known.entry((*group, cell.text())).or_insert(number);
            first.value() != number.value()
        })
    }
}
