//! The files of a store that others may read, field by field, from the types that read and write them.

use schemars::JsonSchema;

use super::table;
use crate::cli::kinds::blocks;
use crate::cli::schema::{Parameter, parameters};
use crate::pipeline::schema_of;
use crate::store::{Adopted, Ledger, Origin, Pin, Provenance, Record, StartedFrom};

/// A table of fields for each of the types.
pub fn parts() -> [(&'static str, String); 7] {
    [
        ("record", fields::<Record>()),
        ("started-from", fields::<StartedFrom>()),
        ("adopted", fields::<Adopted>()),
        ("ledger", fields::<Ledger>()),
        ("pin", fields::<Pin>()),
        ("provenance", fields::<Provenance>()),
        ("origin", fields::<Origin>()),
    ]
}

fn fields<T: JsonSchema>() -> String {
    let fields = parameters(&schema_of::<T>());
    let row = |field: &Parameter| {
        let takes = if field.takes.is_empty() {
            "any value"
        } else {
            &field.takes
        };
        // What is left out has the value that says nothing.
        let always = if field.default == "required" {
            "always"
        } else {
            "may be left out"
        };
        let meaning = blocks(&field.doc).join(" ");
        [
            format!("`{}`", field.name),
            takes.to_string(),
            always.to_string(),
            meaning,
        ]
    };
    table(
        ["field", "type", "there", "meaning"],
        fields.iter().map(row),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_a_file_say_their_type_and_whether_they_are_always_there() {
        let text = fields::<Record>();
        assert!(
            text.contains("| `key` | string | always | The cache key"),
            "{text}"
        );
        assert!(
            text.contains("| `machine` | string | may be left out |"),
            "{text}"
        );
        let text = fields::<Ledger>();
        assert!(
            text.contains("| `jobs` | table of string | may be left out |"),
            "{text}"
        );
        // What a ledger holds only in memory is no part of its file.
        assert!(!text.contains("base"), "{text}");
    }
}
