//! The stage kinds: the joint where learning and figures meet the machinery. One file a kind, one line here.

mod aggregate;
mod attention;
mod chess_mate;
mod claim;
mod command;
mod creativity;
mod dataset;
mod decode;
mod document;
mod export;
mod frames;
mod numbers;
mod paired;
mod plot;
mod probe;
mod program;
mod runs;
mod table;
mod task;
mod train;
mod undeclared;
mod upstream;
mod walk;

use std::path::Path;

use crate::figures::table as tables;
use crate::learn::difference as weights;
use crate::pipeline::{Kind, Registry};

/// Every kind that etude has.
pub fn registry() -> Registry {
    Registry::new([
        Kind::of::<crate::learn::task::path_star::PathStar>(),
        Kind::of::<crate::learn::task::in_weights::InWeights>(),
        Kind::of::<crate::learn::task::sibling_discovery::SiblingDiscovery>(),
        Kind::of::<chess_mate::Puzzles>(),
        Kind::of::<dataset::Files>(),
        Kind::of::<export::Export>(),
        Kind::of::<crate::learn::training::Settings>(),
        Kind::of::<decode::Decode>(),
        Kind::of::<walk::WalkOf>(),
        Kind::of::<creativity::Creativity>(),
        Kind::of::<probe::Probe>(),
        Kind::of::<attention::Attention>(),
        Kind::of::<aggregate::Aggregate>(),
        Kind::of::<crate::figures::paired::Paired>(),
        Kind::of::<crate::figures::plot::Plot>(),
        Kind::of::<crate::figures::formats::TableSpec>(),
        Kind::of::<crate::figures::formats::Numbers>(),
        Kind::of::<claim::Claim>(),
        Kind::of::<document::Document>(),
        Kind::of::<command::Command>(),
    ])
}

/// By how much two files of one name differ that jobs of one kind left: for tables and weights, the largest difference of a number.
pub fn difference(_kind: &Kind, name: &str, before: &Path, now: &Path) -> Option<String> {
    match Path::new(name).extension()?.to_str()? {
        "parquet" => tables::difference(&tables::read(before).ok()?, &tables::read(now).ok()?),
        "safetensors" => weights::difference(before, now),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::ArtifactType;

    #[test]
    fn every_kind_that_leaves_a_table_says_what_its_rows_are() {
        for kind in registry().iter() {
            let tables = if kind.declares_outputs {
                ArtifactType::Table.tables()
            } else {
                kind.output.tables()
            };
            for table in tables {
                let row = kind.row(table);
                assert!(!row.is_empty(), "{} {:?}", kind.name, table.suffix);
            }
            // Where the type of artifact says it, a kind must not say something else.
            assert!(kind.rows.is_empty() || tables.iter().all(|t| t.row.is_empty()));
        }
    }
}
