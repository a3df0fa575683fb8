//! The marks there are, one file each.

mod bar;
mod contract;
mod heat;
mod line;
mod point;

pub(super) use contract::{Mark, Outside, Panel, Row, Rows, Unit, mean};

use super::spec::MarkName;

/// The mark of that name.
pub(super) fn of(name: MarkName) -> &'static dyn Mark {
    match name {
        MarkName::Line => &line::Line,
        MarkName::Bar => &bar::Bar,
        MarkName::Heat => &heat::Heat,
        MarkName::Point => &point::Point,
    }
}
