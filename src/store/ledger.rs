//! What a pipeline's runs left: names to keys, and which files below `outputs/` are etude's own.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Digest, Error, write_atomically};

/// Kept for people and views only: losing it loses the reasons why a job is stale, never a result.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// The key each job had when it last ran or was found, by job name.
    #[serde(default)]
    pub jobs: BTreeMap<String, Digest>,
    /// The files etude wrote below `outputs/`, with the digest of their bytes. Only these may be replaced.
    #[serde(default)]
    pub views: BTreeMap<String, Digest>,
}

impl Ledger {
    pub(super) fn read(path: &Path) -> Ledger {
        fs::read(path)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(self).expect("a ledger is plain data");
        write_atomically(path, &text)
    }
}
