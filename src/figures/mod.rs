//! Tables in, pictures out.
//!
//! [`table`] keeps tables at rest and stacks them, [`sql`] turns tables into
//! one table, [`paired`] tests what differs in it, [`formats`] prints a table for a paper, [`latex`] says how LaTeX
//! writes text, and [`plot`] draws a table.
//! Nothing here knows a pipeline, prints, or looks at the clock, the
//! environment or the fonts of the system: the same table and the same
//! parameters give the same bytes on every machine.

pub mod csv;
mod digits;
pub mod formats;
pub mod latex;
mod markup;
pub mod paired;
mod parquet;
pub mod plot;
mod shorthand;
pub mod spelling;
pub mod sql;
pub mod table;
