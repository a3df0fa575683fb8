//! How an artifact came to be.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::store::{Artifact, Digest, Error, StartedFrom, files, sealed};

/// The record of one job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// The cache key: the digest of the fingerprint.
    pub key: Digest,
    /// What the key is computed from: kind, version, parameters and inputs.
    pub fingerprint: Value,
    /// The files that the job left, by path, each with `digest` and `size`.
    pub artifact: Artifact,
    /// The name of the job when it ran. It is not part of the key.
    pub job: String,
    /// When it started, in seconds since 1970. It is not part of the key.
    pub started: u64,
    /// How long it ran, in seconds.
    pub seconds: f64,
    /// The device it ran on: `cpu`, `cuda`, or `elsewhere` for an adopted artifact.
    pub device: String,
    /// The machine it ran on, if known. It is not part of the key.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub machine: String,
    /// The shorter job that it continued, if any. The bytes are the same as without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_from: Option<StartedFrom>,
    /// Whether it stands without its objects: removed after all readers were done (`keep = "until-used"`), or not restored.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub released: bool,
}

/// Where an artifact came from that no job made: somebody said that it is what the job would leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Adopted {
    /// The file or folder that it was copied from.
    pub from: PathBuf,
    /// The text of `--note`.
    pub note: String,
    /// When, in seconds since 1970.
    pub when: u64,
}

/// All that stands in the file of a record. Whether an artifact was adopted is asked of the store, and by nothing that
/// decides what runs.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(flatten)]
    record: &'a Record,
    #[serde(skip_serializing_if = "Option::is_none")]
    adopted: Option<&'a Adopted>,
}

#[derive(Deserialize)]
struct Provenance {
    #[serde(default)]
    adopted: Option<Adopted>,
}

/// The entries of records from before they were sealed.
const UNSEALED: [&str; 8] = [
    "key",
    "fingerprint",
    "artifact",
    "job",
    "started",
    "seconds",
    "device",
    "started_from",
];

impl Record {
    /// The text of its file.
    pub(in crate::store) fn text(&self, adopted: Option<&Adopted>) -> Vec<u8> {
        sealed::seal(&Written {
            record: self,
            adopted,
        })
    }

    /// Reads a record; `None` if there is none, and an error if there is one that cannot be trusted.
    pub(in crate::store) fn read(path: &Path) -> Result<Option<(Self, Option<Adopted>)>, Error> {
        let bytes = match files::read_small(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(Error::damaged(path, error.to_string()));
            }
            Err(error) => return Err(Error::io("read", path)(error)),
        };
        let record = Self::parse(&bytes).map_err(|why| Error::damaged(path, why))?;
        Ok(Some(record))
    }

    fn parse(bytes: &[u8]) -> Result<(Self, Option<Adopted>), String> {
        let record: Self = sealed::unseal(bytes, &UNSEALED)?;
        let Provenance { adopted } = sealed::unseal(bytes, &UNSEALED)?;
        let text = serde_json::to_vec(&record.fingerprint).expect("a fingerprint is plain data");
        if Digest::of_key(&text) != record.key {
            return Err("its key is not the digest of its fingerprint".into());
        }
        check_names(record.artifact.files.keys())?;
        Ok((record, adopted))
    }
}

/// Whether names can be those of an artifact's files on any file system: none leads out of the folder they are put into, and
/// no two of them need the same place. The error names the first that cannot.
pub(in crate::store) fn check_names<'a>(
    names: impl Iterator<Item = &'a String>,
) -> Result<(), String> {
    let mut taken = BTreeMap::new();
    let mut count = 0;
    for name in names {
        count += 1;
        let tame = name
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..");
        if !tame || name.contains(['\\', '\0']) {
            return Err(format!(
                "{name:?} cannot be the name of a file in an artifact"
            ));
        }
        // Some file systems do not tell A from a.
        if let Some(other) = taken.insert(name.to_lowercase(), name) {
            return Err(format!("{other:?} and {name:?} differ only in case"));
        }
    }
    let folders = taken.keys().flat_map(|name| {
        let ends = name.match_indices('/').map(|(end, _)| end);
        ends.map(|end| name[..end].to_string())
    });
    for folder in folders {
        if let Some(name) = taken.get(&folder) {
            return Err(format!("{name:?} is both a file and a folder"));
        }
    }
    match count {
        0 => Err("its artifact has no file".into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(names: &[&str]) -> Vec<u8> {
        let fingerprint = json!({ "kind": "toy" });
        let text = serde_json::to_vec(&fingerprint).unwrap();
        let file = json!({ "digest": Digest::of_bytes(b"x"), "size": 1 });
        let files: serde_json::Map<_, _> = names
            .iter()
            .map(|n| (n.to_string(), file.clone()))
            .collect();
        let record = json!({
            "key": Digest::of_key(&text), "fingerprint": fingerprint, "artifact": files, "job": "toy",
            "started": 0, "seconds": 0.1, "device": "cpu"
        });
        serde_json::to_vec(&record).unwrap()
    }

    #[test]
    fn a_record_from_before_seals_and_adoption_reads() {
        let (read, adopted) = Record::parse(&record(&["a", "b/c"])).unwrap();
        assert_eq!(adopted, None);
        assert_eq!(
            Record::parse(&read.text(None)).unwrap(),
            (read.clone(), None)
        );
        let adopted = Adopted {
            from: "/elsewhere".into(),
            note: "from the cluster".into(),
            when: 7,
        };
        let text = read.text(Some(&adopted));
        assert_eq!(Record::parse(&text).unwrap(), (read, Some(adopted)));
    }

    #[test]
    fn names_that_lead_out_or_collide_are_refused() {
        for names in [
            &["../a"][..],
            &["a/../../b"],
            &["/etc/passwd"],
            &["a//b"],
            &["./a"],
            &["a/"],
            &[""],
            &["a\\b"],
            &["a\0b"],
            &["a", "A"],
            &["a", "a/b"],
            &["A", "a/b/c"],
            &["a/b", "a/b/c"],
            &[],
        ] {
            assert!(Record::parse(&record(names)).is_err(), "{names:?}");
        }
        assert!(Record::parse(&record(&["a.b", "a/b", "a-b", "a..", "..a/.b"])).is_ok());
    }

    #[test]
    fn deep_or_strange_text_is_no_record_and_nothing_else_happens() {
        let deep = format!("{}{}", "[".repeat(1 << 20), "]".repeat(1 << 20));
        let text = String::from_utf8(record(&["a"])).unwrap();
        let digest = Digest::of_bytes(b"x").to_string();
        for strange in [
            deep.clone(),
            text.replace("\"toy\"", &deep),
            text.replace(&digest, "zz"),
            text.replace(&digest, ""),
            text.replace("0.1", "1e999"),
            text.replace("\"size\":1", "\"size\":-1"),
            String::new(),
        ] {
            assert!(Record::parse(strange.as_bytes()).is_err());
        }
    }
}
