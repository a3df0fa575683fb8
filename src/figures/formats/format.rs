//! What a table format is.

use polars::prelude::DataFrame;

use super::spec::Grid;
use crate::figures::table::Error;

/// A way to print a table as a file.
pub(super) trait Format: Sync {
    /// The name of the file it makes.
    fn file(&self) -> &'static str;
    /// The bytes of that file. Most formats print the `grid`; a format for
    /// machines takes the `data`.
    fn bytes(&self, grid: &Grid, data: &DataFrame) -> Result<Vec<u8>, Error>;
}
