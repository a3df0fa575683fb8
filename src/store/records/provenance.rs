//! Where the files of a published folder come from, kept beside them: what a clean clone, without a store, needs to tell
//! whether they are still what the pipeline says.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::store::{Artifact, Digest, Error, Record, files, sealed};

/// All that is kept of the jobs of a pipeline when its results are published. The same store and the same pipeline give the
/// same text, so that it can be committed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Provenance {
    /// The name of the pipeline.
    pub pipeline: String,
    /// The version of etude that published it.
    pub etude: String,
    /// The profile of the run, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The texts of `--set`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
    /// The labels of each axis that have jobs.
    pub axes: BTreeMap<String, Vec<String>>,
    /// Where the artifact of each job comes from, by the name of the job. Unpublished artifacts are listed too: they are needed to compute keys.
    pub jobs: BTreeMap<String, Origin>,
}

/// Where an artifact came from, and what of it was published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// Its cache key.
    pub key: Digest,
    /// What the key is computed from.
    pub fingerprint: Value,
    /// Its files, published or not, each with `digest` and `size`.
    pub artifact: Artifact,
    /// The device it ran on, such as `cpu`.
    pub device: String,
    /// The machine it ran on, if known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub machine: String,
    /// When it started, in seconds since 1970.
    pub started: u64,
    /// How long it ran, in seconds.
    pub seconds: f64,
    /// The text of `--note`, if the artifact was adopted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<String>,
    /// Its published files, by path in the folder, with the digest of their bytes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, Digest>,
    /// The column types of those of its published files that hold a Parquet file as CSV, by path and column: `bool`, `int`,
    /// `float`, `float32`, `text`, or `none` for a column without a type.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, BTreeMap<String, String>>,
    /// The text of its small files that tell what it lacks or warns of, by name in the artifact; they are not published.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, String>,
}

impl Origin {
    /// The record of its job, as it was.
    pub fn record(&self, job: &str) -> Record {
        Record {
            key: self.key,
            fingerprint: self.fingerprint.clone(),
            artifact: self.artifact.clone(),
            job: job.to_string(),
            started: self.started,
            seconds: self.seconds,
            device: self.device.clone(),
            machine: self.machine.clone(),
            started_from: None,
            released: false,
        }
    }
}

impl From<&Record> for Origin {
    fn from(record: &Record) -> Self {
        Self {
            key: record.key,
            fingerprint: record.fingerprint.clone(),
            artifact: record.artifact.clone(),
            device: record.device.clone(),
            machine: record.machine.clone(),
            started: record.started,
            seconds: record.seconds,
            adopted: None,
            files: BTreeMap::new(),
            columns: BTreeMap::new(),
            notes: BTreeMap::new(),
        }
    }
}

impl Provenance {
    /// The name of its file.
    pub const FILE: &'static str = "provenance.json";

    /// Reads that of a folder; `None` if there is none, and an error if there is one that cannot be trusted.
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(Self::FILE);
        let bytes = match files::read_small(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(Error::damaged(&path, error.to_string()));
            }
            Err(error) => return Err(Error::io("read", &path)(error)),
        };
        let provenance: Self =
            sealed::unseal(&bytes, &[]).map_err(|why| Error::damaged(&path, why))?;
        for (job, origin) in &provenance.jobs {
            let text = serde_json::to_vec(&origin.fingerprint).expect("it was JSON");
            if Digest::of_key(&text) != origin.key {
                let why = format!("the key of {job} is not the digest of its fingerprint");
                return Err(Error::damaged(&path, why));
            }
            if let Err(why) = super::record::check_names(origin.artifact.files.keys()) {
                return Err(Error::damaged(&path, format!("{job}: {why}")));
            }
            if let Some(file) = origin.files.keys().find(|file| !is_inside(file)) {
                return Err(Error::damaged(&path, format!("{file:?} leads out of it")));
            }
        }
        Ok(Some(provenance))
    }

    /// Writes it into a folder.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        files::write_atomically(&folder.join(Self::FILE), &sealed::seal(self))
    }

    /// The published files of all jobs, with the digest of their bytes.
    pub fn files(&self) -> BTreeMap<String, Digest> {
        let files = self.jobs.values().flat_map(|origin| &origin.files);
        files
            .map(|(file, digest)| (file.clone(), *digest))
            .collect()
    }
}

/// Whether a path names something below where it starts.
fn is_inside(path: &str) -> bool {
    let tame = |part: &str| !part.is_empty() && part != "." && part != "..";
    path.split('/').all(tame) && !path.contains(['\\', '\0'])
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;
    use crate::store::StoredFile;

    fn provenance(file: &str) -> Provenance {
        let fingerprint = json!({ "kind": "toy" });
        let key = Digest::of_key(&serde_json::to_vec(&fingerprint).unwrap());
        let stored = StoredFile {
            digest: Digest::of_bytes(b"x"),
            size: 1,
        };
        let origin = Origin {
            key,
            fingerprint,
            artifact: Artifact {
                files: [("figure.svg".to_string(), stored)].into(),
            },
            device: "cpu".into(),
            machine: String::new(),
            started: 7,
            seconds: 0.5,
            adopted: None,
            files: [(file.to_string(), Digest::of_bytes(b"x"))].into(),
            columns: BTreeMap::new(),
            notes: BTreeMap::new(),
        };
        Provenance {
            pipeline: "p".into(),
            etude: "0.1.0".into(),
            profile: None,
            set: Vec::new(),
            axes: BTreeMap::new(),
            jobs: [("toy".to_string(), origin)].into(),
        }
    }

    #[test]
    fn what_was_written_reads_back_and_not_once_it_was_changed_by_hand() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Provenance::read(folder.path()).unwrap(), None);
        let written = provenance("figures/a.svg");
        written.write(folder.path()).unwrap();
        assert_eq!(Provenance::read(folder.path()).unwrap(), Some(written));
        let path = folder.path().join(Provenance::FILE);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"cpu\"", "\"gpu\"")).unwrap();
        let said = Provenance::read(folder.path()).unwrap_err().to_string();
        assert!(said.contains("provenance.json is damaged"), "{said}");
    }

    #[test]
    fn one_from_before_column_types_reads() {
        let folder = tempfile::tempdir().unwrap();
        let written = provenance("figures/a.svg");
        written.write(folder.path()).unwrap();
        let text = fs::read_to_string(folder.path().join(Provenance::FILE)).unwrap();
        assert!(
            !text.contains("columns") && !text.contains("notes"),
            "{text}"
        );
        assert_eq!(Provenance::read(folder.path()).unwrap(), Some(written));
    }

    #[test]
    fn files_that_lead_out_and_keys_of_something_else_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["../a", "/a", "a//b", "a\\b", ""] {
            provenance(file).write(folder.path()).unwrap();
            assert!(Provenance::read(folder.path()).is_err(), "{file}");
        }
        let mut odd = provenance("a");
        let files = &mut odd.jobs.get_mut("toy").unwrap().artifact.files;
        let stored = files.remove("figure.svg").unwrap();
        files.insert("../figure.svg".into(), stored);
        odd.write(folder.path()).unwrap();
        let said = Provenance::read(folder.path()).unwrap_err().to_string();
        assert!(said.contains("cannot be the name of a file"), "{said}");
        let mut other = provenance("a");
        other.jobs.get_mut("toy").unwrap().key = Digest::of_key(b"other");
        other.write(folder.path()).unwrap();
        let said = Provenance::read(folder.path()).unwrap_err().to_string();
        assert!(said.contains("the key of toy"), "{said}");
    }
}
