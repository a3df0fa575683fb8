//! What a pipeline's runs left: names to keys, and which files below `outputs/` are etude's own.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Digest, Error, Store, file_name, files, sealed};

/// Kept for people, views and garbage collection: losing it loses the reasons why a job is stale, and what only it names may
/// be collected; it never loses a result that a run needs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// The key each job had when it last ran or was found, by job name.
    #[serde(default)]
    pub jobs: BTreeMap<String, Digest>,
    /// The files etude wrote below `outputs/`, with the digest of their bytes. Only these may be replaced.
    #[serde(default)]
    pub views: BTreeMap<String, Digest>,
    /// The keys each job had before, the latest first. Saving a ledger keeps them; what is written here by hand is not.
    #[serde(default)]
    pub earlier: BTreeMap<String, Vec<Digest>>,
}

/// So many earlier keys of a job are remembered.
const REMEMBERED: usize = 8;

/// Where damaged ledgers are set aside, below the quarantine.
pub(super) const LOST: &str = "pipelines";

/// The entries of ledgers from before they were sealed.
const UNSEALED: [&str; 2] = ["jobs", "views"];

impl Ledger {
    /// Reads a ledger; one that is not there is empty, and one that cannot be trusted an error.
    pub(super) fn read(path: &Path) -> Result<Ledger, Error> {
        match files::read_small(path) {
            Ok(bytes) => sealed::unseal(&bytes, &UNSEALED).map_err(|why| Error::damaged(path, why)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Ledger::default()),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(Error::damaged(path, error.to_string()))
            }
            Err(error) => Err(Error::io("read", path)(error)),
        }
    }

    /// The keys that jobs had before, given what was saved last: those that are another now, or whose job is gone, are the
    /// latest of them.
    fn remember(&self, saved: Ledger) -> BTreeMap<String, Vec<Digest>> {
        let mut earlier = saved.earlier;
        for (job, key) in saved.jobs {
            let now = self.jobs.get(&job);
            if now != Some(&key) {
                earlier.entry(job).or_default().insert(0, key);
            }
        }
        for (job, keys) in &mut earlier {
            let mut once = Vec::new();
            for key in keys.drain(..) {
                if !once.contains(&key) && self.jobs.get(job) != Some(&key) {
                    once.push(key);
                }
            }
            once.truncate(REMEMBERED);
            *keys = once;
        }
        earlier.retain(|_, keys| !keys.is_empty());
        earlier
    }
}

impl Store {
    /// What the last runs of a pipeline left. One that is damaged is as if it were empty: a run loses nothing by it.
    pub fn ledger(&self, pipeline: &str) -> Ledger {
        Ledger::read(&self.ledger_path(pipeline)).unwrap_or_default()
    }

    /// Replaces the ledger of a pipeline; the keys that its jobs had until now are remembered. One that cannot be read is set
    /// aside, where it keeps garbage collection from taking the new one for the whole truth.
    pub fn save_ledger(&self, pipeline: &str, ledger: &Ledger) -> Result<(), Error> {
        let path = self.ledger_path(pipeline);
        let saved = match Ledger::read(&path) {
            Ok(saved) => saved,
            Err(Error::Damaged { .. }) => {
                self.set_aside(&path, LOST)?;
                Ledger::default()
            }
            Err(error) => return Err(error),
        };
        let ledger = Ledger {
            earlier: ledger.remember(saved.clone()),
            ..ledger.clone()
        };
        match ledger == saved {
            true => Ok(()),
            false => self.put(&path, &sealed::seal(&ledger)),
        }
    }

    pub(super) fn ledgers(&self) -> PathBuf {
        self.root.join("pipelines")
    }

    fn ledger_path(&self, pipeline: &str) -> PathBuf {
        let name = self.name_of_pipeline(pipeline);
        self.ledgers().join(format!("{name}.json"))
    }

    /// The name of a file about a pipeline, without its extension.
    pub(super) fn name_of_pipeline(&self, pipeline: &str) -> String {
        let name = file_name(pipeline);
        match &self.user {
            // Another project's pipeline may have the same name.
            Some(user) => format!("{name}@{}", user.short()),
            None => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_remembers_the_keys_its_jobs_had() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        let key = |n: u32| Digest::of_key(&n.to_le_bytes());
        let mut ledger = Ledger::default();
        for n in [0, 1, 2, 2, 1] {
            ledger.jobs.insert("a".into(), key(n));
            store.save_ledger("p", &ledger).unwrap();
        }
        let saved = store.ledger("p");
        assert_eq!(saved.jobs["a"], key(1));
        assert_eq!(saved.earlier["a"], [key(2), key(0)]);
        ledger.jobs.clear();
        store.save_ledger("p", &ledger).unwrap();
        assert_eq!(store.ledger("p").earlier["a"], [key(1), key(2), key(0)]);
        for n in 10..30 {
            ledger.jobs.insert("a".into(), key(n));
            store.save_ledger("p", &ledger).unwrap();
        }
        assert_eq!(store.ledger("p").earlier["a"].len(), REMEMBERED);
    }

    #[test]
    fn a_ledger_from_before_seals_reads_and_a_damaged_one_is_empty_to_a_run() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        store.prepare().unwrap();
        let path = store.ledger_path("p");
        let key = Digest::of_key(b"x");
        let text = format!(r#"{{ "jobs": {{ "a": "{key}" }}, "views": {{}} }}"#);
        std::fs::write(&path, &text).unwrap();
        assert_eq!(store.ledger("p").jobs["a"], key);
        std::fs::write(&path, &text[..20]).unwrap();
        assert_eq!(store.ledger("p"), Ledger::default());
        assert!(Ledger::read(&path).is_err());
        store.save_ledger("p", &Ledger::default()).unwrap();
        assert!(store.quarantine().join(LOST).join("p.json").exists());
        assert_eq!(Ledger::read(&path).unwrap(), Ledger::default());
    }

    #[test]
    fn projects_that_share_a_store_have_a_ledger_each() {
        let folder = tempfile::tempdir().unwrap();
        let mine = Store::at(folder.path()).used_by(Path::new("/home/me"));
        let yours = Store::at(folder.path()).used_by(Path::new("/home/you"));
        let mut ledger = Ledger::default();
        ledger.jobs.insert("a".into(), Digest::of_key(b"x"));
        mine.save_ledger("p", &ledger).unwrap();
        assert_eq!(yours.ledger("p"), Ledger::default());
        assert_eq!(mine.ledger("p").jobs, ledger.jobs);
    }
}
