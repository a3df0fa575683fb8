//! The canonical text of a query: the same for all ways to write it.

use std::collections::{BTreeMap, BTreeSet};

use sqlparser::ast::{ObjectName, ObjectNamePart, Query};

use super::walk::{self, Flow, Look};
use super::{ast, bind, names};

/// The text, with the tables it reads renamed.
pub(super) fn canonical(query: &Query, rename: &BTreeMap<String, String>) -> String {
    let mut query = query.clone();
    // A name that is also an alias somewhere is left alone as a qualifier; as a
    // table it is renamed with its qualifier bound to the alias anyway.
    let tables = bind::tables(&query);
    let aliases = names::bound_names(&query);
    let mut places = BTreeSet::new();
    for table in &tables {
        places.insert((table.span.start.line, table.span.start.column));
    }
    let _ = walk::query(&mut query, &mut Rename { rename, places });
    let qualifiers = rename
        .iter()
        .filter(|(name, _)| {
            !aliases.contains(*name) && tables.iter().any(|table| &table.value == *name)
        })
        .map(|(name, to)| (name.clone(), to.clone()))
        .collect();
    ast::plain(query, qualifiers)
}

/// Renames tables where they are read, and nowhere else.
struct Rename<'a> {
    rename: &'a BTreeMap<String, String>,
    places: BTreeSet<(u64, u64)>,
}

impl Look for Rename<'_> {
    fn relation(&mut self, relation: &mut ObjectName) -> Flow {
        for part in &mut relation.0 {
            if let ObjectNamePart::Identifier(ident) = part
                && self
                    .places
                    .contains(&(ident.span.start.line, ident.span.start.column))
                && let Some(to) = self.rename.get(&ident.value)
            {
                ident.value.clone_from(to);
                ident.quote_style = Some('"');
            }
        }
        Flow::Continue(())
    }
}
