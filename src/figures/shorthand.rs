//! Parameters written as a column's name or, with more to say, as a table.

use std::fmt;
use std::marker::PhantomData;

use schemars::Schema;
use serde::Deserializer;
use serde::de::{Error, MapAccess, Visitor, value::MapAccessDeserializer};

/// What a bare column name stands for.
pub(in crate::figures) trait Shorthand: Sized {
    /// The parameters when only the column is named.
    fn of_field(field: String) -> Self;
    /// The parameters when they are written as a table.
    fn of_table<'de, D: Deserializer<'de>>(table: D) -> Result<Self, D::Error>;
}

/// Reads a string or a table; what is unknown in the table is still refused.
pub(in crate::figures) fn deserialize<'de, T: Shorthand, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    struct Either<T>(PhantomData<T>);
    impl<'de, T: Shorthand> Visitor<'de> for Either<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the name of a column, or a table with `field`")
        }
        fn visit_str<E: Error>(self, field: &str) -> Result<T, E> {
            Ok(T::of_field(field.to_owned()))
        }
        fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<T, M::Error> {
            T::of_table(MapAccessDeserializer::new(map))
        }
    }
    deserializer.deserialize_any(Either(PhantomData))
}

/// Adds the string form to the schema of the table form.
pub(in crate::figures) fn or_a_name(schema: &mut Schema) {
    let table = schema.clone();
    let description = table.get("description").cloned();
    *schema = schemars::json_schema!({
        "anyOf": [
            { "type": "string", "description": "The name of a column." },
            table,
        ]
    });
    if let Some(description) = description {
        schema.insert("description".to_owned(), description);
    }
}

/// Gives a type with `#[serde(remote = "Self")]` and a `field` its two forms.
macro_rules! string_or_table {
    ($kind:ident) => {
        impl $crate::figures::shorthand::Shorthand for $kind {
            fn of_field(field: String) -> Self {
                $kind::named(field)
            }
            fn of_table<'de, D: serde::Deserializer<'de>>(table: D) -> Result<Self, D::Error> {
                $kind::deserialize(table)
            }
        }
        impl<'de> serde::Deserialize<'de> for $kind {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::figures::shorthand::deserialize(deserializer)
            }
        }
        impl serde::Serialize for $kind {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $kind::serialize(self, serializer)
            }
        }
    };
}
pub(in crate::figures) use string_or_table;
