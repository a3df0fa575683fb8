//! The whole table with all its digits, for the next program.

use polars::prelude::DataFrame;

use super::format::Format;
use super::grid::Grid;
use crate::figures::table::{self, Error};

/// `table.parquet`.
pub(super) struct Parquet;

impl Format for Parquet {
    fn file(&self) -> &'static str {
        "table.parquet"
    }

    fn bytes(&self, _: &Grid<'_>, data: &DataFrame, _: &mut Vec<String>) -> Result<Vec<u8>, Error> {
        table::to_bytes(data)
    }
}
