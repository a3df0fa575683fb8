//! Artifacts that are kept whatever becomes of their pipeline.

use std::fs;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::store::{Digest, Error, Lookup, Store, files, sealed};

/// What is said of an artifact that is kept. It is kept by the name of the pin's file, whatever can be read in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pin {
    /// The pipeline in which it was pinned.
    pub pipeline: String,
    /// The name of its job in that pipeline.
    pub job: String,
    /// When, in seconds since 1970.
    pub when: u64,
}

impl Store {
    pub(in crate::store) fn pin_folder(&self) -> PathBuf {
        self.layout.root.join("pins")
    }

    fn pin_path(&self, key: &Digest) -> PathBuf {
        self.pin_folder().join(format!("{key}.json"))
    }

    /// Keeps the artifact of a key. Whether it does: of one that is not there is nothing to keep.
    pub fn pin(&self, key: &Digest, pin: &Pin) -> Result<bool, Error> {
        let _hold = self.coordination.hold()?;
        if !matches!(self.find(key), Lookup::Present(_)) {
            return Ok(false);
        }
        self.layout.write(&self.pin_path(key), &sealed::seal(pin))?;
        Ok(true)
    }

    /// Keeps it no longer.
    pub fn unpin(&self, key: &Digest) -> Result<(), Error> {
        let path = self.pin_path(key);
        self.layout
            .disk
            .remove(&path)
            .map_err(Error::io("remove", &path))?;
        files::sync_folder(&*self.layout.disk, &self.pin_folder())
    }

    /// The keys whose artifacts are kept, by pipeline and job.
    pub fn pins(&self) -> Result<Vec<(Digest, Pin)>, Error> {
        let folder = self.pin_folder();
        let mut pins: Vec<(Digest, Pin)> = Vec::new();
        for path in files::entries(&folder)? {
            let key = path.file_stem().and_then(|stem| stem.to_str());
            if let Some(Ok(key)) = key.map(str::parse::<Digest>) {
                let text = files::read_small(&path).unwrap_or_default();
                pins.push((key, sealed::unseal(&text, &[]).unwrap_or_default()));
            }
        }
        pins.sort_by_cached_key(|(key, pin)| (pin.pipeline.clone(), pin.job.clone(), *key));
        Ok(pins)
    }

    /// Whether the artifact of a key is kept.
    pub fn is_pinned(&self, key: &Digest) -> bool {
        fs::symlink_metadata(self.pin_path(key)).is_ok()
    }
}
