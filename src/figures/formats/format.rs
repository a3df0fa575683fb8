//! What a table format is.

use polars::prelude::DataFrame;

use super::grid::Grid;
use crate::figures::table::Error;

/// A way to print a table as a file.
pub(super) trait Format: Sync {
    /// The name of the file it makes.
    fn file(&self) -> &'static str;
    /// The bytes of that file. Most formats print the `grid`; a format for
    /// machines takes the `data`. What the format cannot show is added to `warnings`.
    fn bytes(
        &self,
        grid: &Grid<'_>,
        data: &DataFrame,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<u8>, Error>;
}
