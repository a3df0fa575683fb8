//! What the last run of a pipeline saw of the store, so that a run with nothing to do need not read it all again.
//!
//! An entry holds the artifact of a cache key, and how the record, the objects and the views looked when they were last
//! read: size, times, inode. While all of that stands, the bytes do. A file is believed only once it has rested for a
//! while, because clocks tick coarsely; whoever overwrites an object and sets its times back has changed its entry's own
//! time, which nobody can set. What a job reads is verified all the same. Losing a snapshot costs time and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::user::User;
use crate::store::layout::Layout;
use crate::store::outside::Exact;
use crate::store::{Artifact, Digest, Error, Store, StoredFile};

/// What was seen, by cache key.
#[derive(Debug, Default)]
pub struct Snapshot {
    before: BTreeMap<Digest, Entry>,
    now: BTreeMap<Digest, Entry>,
    changed: bool,
}

/// One cache key as it was last seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Entry {
    #[serde(serialize_with = "share", deserialize_with = "shared")]
    artifact: Arc<Artifact>,
    record: Exact,
    /// In the order of the artifact's files.
    objects: Vec<Exact>,
    /// The views, below the pipeline's folder; none while they are not known.
    views: Vec<(String, Exact)>,
}

fn share<S: Serializer>(artifact: &Arc<Artifact>, serializer: S) -> Result<S::Ok, S::Error> {
    artifact.as_ref().serialize(serializer)
}

fn shared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Artifact>, D::Error> {
    Artifact::deserialize(deserializer).map(Arc::new)
}

impl Snapshot {
    /// The artifact of a key, if its record and objects are as they were. As with a lookup, it stays from then on.
    pub fn artifact(&self, store: &Store, key: &Digest) -> Option<Arc<Artifact>> {
        let entry = self.before.get(key)?;
        let hold = store.coordination.hold().ok()?;
        if Exact::of(&store.records.path(key)) != Some(entry.record) {
            return None;
        }
        let files = entry.artifact.files.values().zip(&entry.objects);
        for (file, exact) in files {
            if Exact::of(&store.objects.path(&file.digest)) != Some(*exact) {
                return None;
            }
        }
        if let Some(lease) = store.coordination.lease() {
            lease.keep(key, &hold);
        }
        Some(entry.artifact.clone())
    }

    /// The files of an artifact whose objects are not known to hold what they held when they were last read.
    pub fn unsure<'a>(
        &self,
        store: &Store,
        key: &Digest,
        artifact: &'a Artifact,
    ) -> Vec<&'a StoredFile> {
        let entry = self.before.get(key);
        let entry = entry.filter(|entry| *entry.artifact == *artifact);
        let files = artifact.files.values().enumerate();
        let unsure = files.filter(|(at, file)| {
            let seen = entry.map(|entry| entry.objects[*at]);
            seen.is_none() || Exact::of(&store.objects.path(&file.digest)) != seen
        });
        unsure.map(|(_, file)| file).collect()
    }

    /// Keeps all that was seen before and not looked at now: of a run that was about a part, or did not end, the next needs
    /// the rest.
    pub fn keep_the_rest(&mut self) {
        let before = std::mem::take(&mut self.before);
        for (key, entry) in before {
            self.now.entry(key).or_insert(entry);
        }
    }

    /// The views of a key below `folder`, if they are of this artifact, as they were, and as they should be called.
    pub fn views(
        &self,
        key: &Digest,
        artifact: &Artifact,
        folder: &Path,
        names: &[String],
    ) -> Option<Vec<PathBuf>> {
        let entry = self.before.get(key)?;
        // A job that ran again may have left other bytes under its key.
        if *entry.artifact != *artifact || entry.views.len() != names.len() {
            return None;
        }
        let mut paths = Vec::with_capacity(names.len());
        for ((name, exact), wanted) in entry.views.iter().zip(names) {
            let path = folder.join(name);
            if name != wanted || Exact::of(&path) != Some(*exact) {
                return None;
            }
            paths.push(path);
        }
        Some(paths)
    }

    /// Keeps what was seen of a key before.
    pub fn stands(&mut self, key: &Digest) {
        if let Some(entry) = self.before.remove(key) {
            self.now.insert(*key, entry);
        }
    }

    /// Notes how a key looks now that its bytes were verified, as far as it has rested.
    pub fn note(
        &mut self,
        store: &Store,
        key: &Digest,
        artifact: &Arc<Artifact>,
        folder: &Path,
        views: &[PathBuf],
    ) {
        let rested = |path: &Path| Exact::of(path).filter(Exact::has_rested);
        let entry = || {
            let files = artifact.files.values();
            let objects = files.map(|file| rested(&store.objects.path(&file.digest)));
            let views = views.iter().map(|path| {
                let name = path.strip_prefix(folder).ok()?.to_str()?;
                Some((name.to_string(), rested(path)?))
            });
            Some(Entry {
                artifact: artifact.clone(),
                record: rested(&store.records.path(key))?,
                objects: objects.collect::<Option<_>>()?,
                views: views.collect::<Option<_>>()?,
            })
        };
        if let Some(entry) = entry() {
            self.changed = true;
            self.now.insert(*key, entry);
        }
    }
}

/// The snapshots of a store.
#[derive(Debug, Clone)]
pub struct Snapshots {
    pub(in crate::store) layout: Layout,
    /// The project that uses the store, where it is not the only one.
    pub(in crate::store) user: User,
}

impl Snapshots {
    fn path(&self, pipeline: &str) -> PathBuf {
        let name = self.user.name_of(pipeline);
        self.layout
            .root
            .join("snapshots")
            .join(format!("{name}.jsonl"))
    }

    /// What the last run of a pipeline saw.
    pub fn of(&self, pipeline: &str) -> Snapshot {
        let bytes = fs::read(self.path(pipeline)).unwrap_or_default();
        let mut before = BTreeMap::new();
        let lines = serde_json::Deserializer::from_slice(&bytes).into_iter::<(Digest, Entry)>();
        // What cannot be read is looked up anew.
        for (key, entry) in lines.map_while(Result::ok) {
            if entry.objects.len() == entry.artifact.files.len() {
                before.insert(key, entry);
            }
        }
        Snapshot {
            before,
            ..Snapshot::default()
        }
    }

    /// Replaces it by what this run saw, if that is anything else.
    pub fn save(&self, pipeline: &str, snapshot: &Snapshot) -> Result<(), Error> {
        if !snapshot.changed && snapshot.before.is_empty() || self.layout.only_read().is_some() {
            return Ok(());
        }
        let mut text = Vec::new();
        for entry in &snapshot.now {
            serde_json::to_writer(&mut text, &entry).expect("a snapshot is plain data");
            let _ = text.write_all(b"\n");
        }
        self.layout.write_unsynced(&self.path(pipeline), &text)
    }
}
