//! The names of lines at their ends, in place of a legend.

use super::panel::Panel;
use crate::figures::plot::data::Key;
use crate::figures::plot::form::{Part, Tells, Unit};
use crate::figures::plot::layout;
use crate::figures::plot::mark::Row;

impl Panel<'_> {
    /// What names the series of a layer at the ends of lines, if anything does.
    pub(super) fn at_ends(&self, at: usize) -> Option<&Key> {
        let key = layout::key_at_ends(self.data, (self.place, at));
        key.filter(|_| layout::ends_are_wanted(self.plot, self.view))
    }

    /// The names of a layer, each at the last place of its line.
    pub(super) fn names(&self, key: &Key, at: usize, rows: &[Row]) -> Unit {
        let name = |row: &Row| {
            let name = key.name_at((self.place, at), row.row);
            name.cloned().unwrap_or_default()
        };
        // Of several lines with one name, that which reaches farthest has it.
        let mut last: Vec<(String, Row)> = Vec::new();
        for row in rows.iter().filter(|row| row.x.is_some() && row.y.is_some()) {
            let own = name(row);
            let same = |(name, one): &&mut (String, Row)| one.panel == row.panel && *name == own;
            match last.iter_mut().find(same) {
                Some((_, one)) if one.x <= row.x => *one = *row,
                Some(_) => {}
                None => last.push((own, *row)),
            }
        }
        let (names, last): (Vec<String>, Vec<Row>) = last.into_iter().unzip();
        Unit::new("text", &last)
            .with("align", "left")
            .with("dx", 5)
            .at("x", Part::X)
            .at("y", Part::Y)
            .tells(&[Tells::Color])
            .writes(names)
    }
}
