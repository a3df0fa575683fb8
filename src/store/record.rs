//! How an artifact came to be.

use std::fs;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Artifact, Digest, StartedFrom};

/// The record of one job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The digest of the fingerprint.
    pub key: Digest,
    /// What the key was made of, readable: kind, version, parameters, inputs.
    pub fingerprint: Value,
    /// What the job left.
    pub artifact: Artifact,
    /// The job's name when it ran; a name is not identity.
    pub job: String,
    /// When it started, seconds since 1970 by that machine's clock; never identity or order.
    pub started: u64,
    /// How long it ran, in seconds.
    pub seconds: f64,
    /// Where it ran, e.g. `cpu` or `cuda`.
    pub device: String,
    /// From which shorter job it went on, if it did. Its bytes are the same as if it had not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_from: Option<StartedFrom>,
    /// Whether its bytes were given back after all that read them were done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub released: bool,
}

impl Record {
    /// Reads a record; one that is missing or damaged is as if it were not there.
    pub(super) fn read(path: &Path) -> Option<Record> {
        let record: Record = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        let text = serde_json::to_vec(&record.fingerprint).expect("a fingerprint is plain data");
        // A record whose key is not the digest of its own fingerprint was edited or damaged.
        let genuine = Digest::of_key(&text) == record.key;
        // Names come from outside too: none may lead out of the folder it is put into.
        let names = record.artifact.files.keys();
        let tame = |name: &String| {
            let mut parts = Path::new(name).components();
            !name.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
        };
        (genuine && names.into_iter().all(tame)).then_some(record)
    }
}
