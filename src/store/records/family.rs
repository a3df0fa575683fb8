//! Families: jobs that differ only in how long they are, so that a long one can go on from a short one.
//!
//! An entry is an empty file whose name says all, written after the record of its job. It is a hint: one that is missing,
//! damaged or without its record is a lost chance and nothing else.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::store::{Digest, Error, Store};

/// From which shorter job one went on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StartedFrom {
    /// Its cache key.
    pub key: Digest,
    /// How long it was.
    pub length: u64,
    /// Of what: `steps`.
    pub unit: String,
}

impl fmt::Display for StartedFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.length, self.unit)
    }
}

impl Store {
    pub(in crate::store) fn families(&self) -> PathBuf {
        self.layout.root.join("families")
    }

    fn family(&self, family: &Digest) -> PathBuf {
        self.families().join(family.to_string())
    }

    /// Adds a job to a family.
    pub fn join_family(&self, family: &Digest, length: u64, key: &Digest) -> Result<(), Error> {
        self.layout
            .write(&self.family(family).join(format!("{length}-{key}")), b"")
    }

    /// The members of a family, how long each is and its key, the longest first. Whether their artifacts are there shows
    /// when they are looked up.
    pub fn members(&self, family: &Digest) -> Vec<(u64, Digest)> {
        let entries = fs::read_dir(self.family(family));
        let mut members: Vec<(u64, Digest)> = entries
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name();
                let (length, key) = name.to_str()?.split_once('-')?;
                Some((length.parse().ok()?, key.parse().ok()?))
            })
            .collect();
        members.sort_unstable_by(|a, b| b.cmp(a));
        members
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_longest_first_and_what_is_none_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        let family = Digest::of_family(b"family");
        assert!(store.members(&family).is_empty());
        for length in [9, 10, 200] {
            let key = Digest::of_key(format!("{length}").as_bytes());
            store.join_family(&family, length, &key).unwrap();
        }
        for name in [".new-x", "10", "ten-ten", "-", "7-0123"] {
            fs::write(store.family(&family).join(name), "").unwrap();
        }
        let lengths: Vec<u64> = store.members(&family).iter().map(|(n, _)| *n).collect();
        assert_eq!(lengths, [200, 10, 9]);
    }
}
