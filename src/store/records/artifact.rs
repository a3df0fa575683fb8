//! What a job leaves.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::store::Digest;

/// One file of an artifact, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoredFile {
    /// Digest of its bytes, which is its name in `objects/`.
    pub digest: Digest,
    /// Size in bytes.
    pub size: u64,
}

/// Named files, kept by content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Artifact {
    /// By path in the artifact, with `/` between folders.
    pub files: BTreeMap<String, StoredFile>,
}

impl Artifact {
    /// The files below a folder of it, named from there.
    pub fn part(&self, folder: &str) -> Self {
        let files = self.files.iter().filter_map(|(name, file)| {
            let inside = name.strip_prefix(folder)?.strip_prefix('/')?;
            Some((inside.to_string(), file.clone()))
        });
        Self {
            files: files.collect(),
        }
    }

    /// The digest of the whole: of its names, sizes and bytes.
    pub fn digest(&self) -> Digest {
        let text = serde_json::to_vec(self).expect("an artifact is plain data");
        Digest::of_artifact(&text)
    }
}
