//! Rows of different lengths, one after another: what a loss asks of each row of logits.

/// Rows of different lengths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ragged<T> {
    entries: Vec<T>,
    ends: Vec<usize>,
}

impl<T> Ragged<T> {
    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.ends.len()
    }

    /// The entries of all rows.
    #[must_use]
    pub fn entries(&self) -> &[T] {
        &self.entries
    }

    /// Every row, in order; some may be empty.
    pub fn iter(&self) -> impl Iterator<Item = &[T]> {
        let mut first = 0;
        self.ends.iter().map(move |&end| {
            let row = &self.entries[first..end];
            first = end;
            row
        })
    }
}

impl<T, Row: IntoIterator<Item = T>> FromIterator<Row> for Ragged<T> {
    fn from_iter<Rows: IntoIterator<Item = Row>>(rows: Rows) -> Self {
        let (mut entries, mut ends) = (Vec::new(), Vec::new());
        for row in rows {
            entries.extend(row);
            ends.push(entries.len());
        }
        Self { entries, ends }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_were_given() {
        let rows = [vec![1, 2], vec![], vec![3], vec![]];
        let ragged: Ragged<u32> = rows.iter().cloned().collect();
        assert_eq!((ragged.rows(), ragged.entries()), (4, &[1, 2, 3][..]));
        assert!(ragged.iter().eq(rows.iter().map(Vec::as_slice)));
        assert_eq!(Ragged::<u32>::from_iter([[0; 0]; 0]).iter().count(), 0);
    }
}
