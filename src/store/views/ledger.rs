//! What a pipeline's runs left: names to keys, and which files below `outputs/` are etude's own.
//!
//! Several engines may run parts of one pipeline at once. A ledger knows what it was when it was read, so saving it applies
//! only what was changed since to what others have saved meanwhile, under a lock. Nobody loses an entry because another saved
//! later, and what an entry names is safe from garbage collection. Where two replaced one entry, the later stands; what one
//! removed and another replaced stays.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::user::User;
use crate::store::coordination::Coordination;
use crate::store::layout::Layout;
use crate::store::{Digest, Error, files, sealed};

/// Kept for people, views and garbage collection: losing it loses the reasons why a job is stale, and what only it names may
/// be collected; it never loses a result that a run needs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ledger {
    /// The cache key that each job had when it last ran or was found, by the name of the job.
    #[serde(default)]
    pub jobs: BTreeMap<String, Digest>,
    /// The files that etude wrote below `outputs/`, with the digest of their bytes. It replaces only these.
    #[serde(default)]
    pub views: BTreeMap<String, Digest>,
    /// The cache keys that each job had before, the latest first.
    #[serde(default)]
    pub earlier: BTreeMap<String, Vec<Digest>>,
    /// What it was when it was read or saved last.
    #[serde(skip)]
    pub(crate) base: Base,
}

/// The entries of a ledger before they are changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Base {
    jobs: BTreeMap<String, Digest>,
    views: BTreeMap<String, Digest>,
}

/// So many earlier keys of a job are remembered.
const REMEMBERED: usize = 8;

/// Where damaged ledgers are set aside, below the quarantine.
pub(in crate::store) const LOST: &str = "pipelines";

/// The entries of ledgers from before they were sealed.
const UNSEALED: [&str; 2] = ["jobs", "views"];

impl Ledger {
    /// Reads a ledger; one that is not there is empty, and one that cannot be trusted an error.
    pub(in crate::store) fn read(path: &Path) -> Result<Self, Error> {
        Ok(Self::read_if_there(path)?.unwrap_or_default())
    }

    fn read_if_there(path: &Path) -> Result<Option<Self>, Error> {
        match files::read_small(path) {
            Ok(bytes) => sealed::unseal(&bytes, &UNSEALED)
                .map(Some)
                .map_err(|why| Error::damaged(path, why)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(Error::damaged(path, error.to_string()))
            }
            Err(error) => Err(Error::io("read", path)(error)),
        }
    }

    /// What is here now is what later changes are told from.
    fn rebase(&mut self) {
        self.base = Base {
            jobs: self.jobs.clone(),
            views: self.views.clone(),
        };
    }

    fn is_changed(&self) -> bool {
        self.jobs != self.base.jobs || self.views != self.base.views
    }

    /// The views that were placed since it was read.
    pub(in crate::store) fn placed(&self) -> Vec<(String, Digest)> {
        let before = &self.base.views;
        let placed = self
            .views
            .iter()
            .filter(|(view, digest)| before.get(*view) != Some(digest));
        placed
            .map(|(view, digest)| (view.clone(), *digest))
            .collect()
    }

    /// What was read of a view, whatever was changed since.
    pub(in crate::store) fn restore_view(&mut self, view: &str) {
        match self.base.views.get(view) {
            Some(digest) => self.views.insert(view.to_owned(), *digest),
            None => self.views.remove(view),
        };
    }

    /// What was read, without the changes since.
    fn before(&self) -> Self {
        Self {
            jobs: self.base.jobs.clone(),
            views: self.base.views.clone(),
            earlier: self.earlier.clone(),
            base: Base::default(),
        }
    }

    /// A saved ledger with what was changed here.
    fn applied_to(&self, saved: Self) -> Self {
        let mut merged = saved.clone();
        apply(&mut merged.jobs, &self.base.jobs, &self.jobs);
        apply(&mut merged.views, &self.base.views, &self.views);
        merged.earlier = merged.remember(saved);
        merged
    }

    /// The keys that jobs had before, given what was saved last: those that are another now, or whose job is gone, are the
    /// latest of them.
    fn remember(&self, saved: Self) -> BTreeMap<String, Vec<Digest>> {
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

/// Does to saved entries what was done to `base` to become `now`. What was removed here goes only if nobody has replaced it.
fn apply(
    saved: &mut BTreeMap<String, Digest>,
    base: &BTreeMap<String, Digest>,
    now: &BTreeMap<String, Digest>,
) {
    for (name, digest) in now {
        if base.get(name) != Some(digest) {
            saved.insert(name.clone(), *digest);
        }
    }
    saved.retain(|name, digest| now.contains_key(name) || base.get(name) != Some(digest));
}

/// The ledgers of a store.
#[derive(Debug, Clone)]
pub struct Ledgers {
    pub(in crate::store) layout: Layout,
    pub(in crate::store) coordination: Coordination,
    /// The project that uses the store, where it is not the only one.
    pub(in crate::store) user: User,
}

impl Ledgers {
    /// What the last runs of a pipeline left. One that is damaged is as if it were empty: a run loses nothing by it.
    pub fn of(&self, pipeline: &str) -> Ledger {
        let mut ledger = Ledger::read(&self.path(pipeline)).unwrap_or_default();
        ledger.rebase();
        ledger
    }

    /// Saves what was changed in the ledger of a pipeline since it was read or saved last; all else stays as others have left
    /// it. The keys that its jobs had until now are remembered. One that cannot be read is set aside, where it keeps garbage
    /// collection from taking the new one for the whole truth.
    pub fn save(&self, pipeline: &str, ledger: &mut Ledger) -> Result<(), Error> {
        if self.layout.only_read().is_some() {
            // That nothing is noted was told when the run began.
            return Ok(());
        }
        let path = self.path(pipeline);
        // A store that can only be read serves whoever changes nothing.
        if !ledger.is_changed() && matches!(Ledger::read_if_there(&path), Ok(Some(_))) {
            return Ok(());
        }
        let _lock = self.coordination.lock_ledgers()?;
        let there = match Ledger::read_if_there(&path) {
            Err(Error::Damaged { .. }) => {
                self.layout.quarantine_as(&path, LOST)?;
                None
            }
            read => read?,
        };
        // Of one that was lost, what was read of it is still known.
        let saved = there.clone().unwrap_or_else(|| ledger.before());
        let merged = ledger.applied_to(saved);
        if merged != there.unwrap_or_default() {
            self.layout.write(&path, &sealed::seal(&merged))?;
        }
        ledger.rebase();
        Ok(())
    }

    pub(in crate::store) fn folder(&self) -> PathBuf {
        self.layout.root.join("pipelines")
    }

    fn path(&self, pipeline: &str) -> PathBuf {
        let name = self.user.name_of(pipeline);
        self.folder().join(format!("{name}.json"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;

    use super::*;
    use crate::store::{Disk, Store};

    #[test]
    fn a_ledger_remembers_the_keys_its_jobs_had() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        let mut ledger = Ledger::default();
        for n in [0, 1, 2, 2, 1] {
            ledger.jobs.insert("a".into(), key(n));
            store.ledgers.save("p", &mut ledger).unwrap();
        }
        let saved = store.ledgers.of("p");
        assert_eq!(saved.jobs["a"], key(1));
        assert_eq!(saved.earlier["a"], [key(2), key(0)]);
        ledger.jobs.clear();
        store.ledgers.save("p", &mut ledger).unwrap();
        assert_eq!(store.ledgers.of("p").earlier["a"], [key(1), key(2), key(0)]);
        for n in 10..30 {
            ledger.jobs.insert("a".into(), key(n));
            store.ledgers.save("p", &mut ledger).unwrap();
        }
        assert_eq!(store.ledgers.of("p").earlier["a"].len(), REMEMBERED);
    }

    #[test]
    fn a_ledger_from_before_seals_reads_and_a_damaged_one_is_empty_to_a_run() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        store.prepare().unwrap();
        let path = store.ledgers.path("p");
        let key = Digest::of_key(b"x");
        let text = format!(r#"{{ "jobs": {{ "a": "{key}" }}, "views": {{}} }}"#);
        std::fs::write(&path, &text).unwrap();
        assert_eq!(store.ledgers.of("p").jobs["a"], key);
        std::fs::write(&path, &text[..20]).unwrap();
        assert_eq!(store.ledgers.of("p"), Ledger::default());
        assert!(Ledger::read(&path).is_err());
        store.ledgers.save("p", &mut Ledger::default()).unwrap();
        assert!(store.layout.quarantine().join(LOST).join("p.json").exists());
        assert_eq!(Ledger::read(&path).unwrap(), Ledger::default());
    }

    #[test]
    fn projects_that_share_a_store_have_a_ledger_each() {
        let folder = tempfile::tempdir().unwrap();
        let mine = Store::at(folder.path()).used_by(Path::new("/home/me"));
        let yours = Store::at(folder.path()).used_by(Path::new("/home/you"));
        let mut ledger = Ledger::default();
        ledger.jobs.insert("a".into(), Digest::of_key(b"x"));
        mine.ledgers.save("p", &mut ledger).unwrap();
        assert_eq!(yours.ledgers.of("p"), Ledger::default());
        assert_eq!(mine.ledgers.of("p").jobs, ledger.jobs);
    }

    fn two() -> (tempfile::TempDir, Store, Store) {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (Store::at(folder.path()), Store::at(folder.path()));
        (folder, one, other)
    }

    fn key(n: u32) -> Digest {
        Digest::of_key(&n.to_le_bytes())
    }

    #[test]
    fn two_who_save_at_once_keep_what_the_other_has_saved() {
        let (_folder, one, other) = two();
        let (mut mine, mut yours) = (one.ledgers.of("p"), other.ledgers.of("p"));
        mine.jobs.insert("a".into(), key(1));
        mine.views.insert("a.svg".into(), key(2));
        yours.jobs.insert("b".into(), key(3));
        yours.views.insert("b.svg".into(), key(4));
        one.ledgers.save("p", &mut mine).unwrap();
        other.ledgers.save("p", &mut yours).unwrap();
        mine.jobs.insert("c".into(), key(5));
        one.ledgers.save("p", &mut mine).unwrap();
        let saved = one.ledgers.of("p");
        let entry = |name: &str, n| (name.to_string(), key(n));
        let jobs = [entry("a", 1), entry("b", 3), entry("c", 5)];
        assert_eq!(saved.jobs, BTreeMap::from(jobs));
        let views = [entry("a.svg", 2), entry("b.svg", 4)];
        assert_eq!(saved.views, BTreeMap::from(views));
        assert!(saved.earlier.is_empty());
    }

    #[test]
    fn only_what_was_changed_since_the_last_save_is_saved() {
        let (_folder, one, other) = two();
        let mut mine = one.ledgers.of("p");
        mine.jobs.insert("a".into(), key(1));
        one.ledgers.save("p", &mut mine).unwrap();
        let mut yours = other.ledgers.of("p");
        yours.jobs.insert("a".into(), key(2));
        other.ledgers.save("p", &mut yours).unwrap();
        mine.jobs.insert("b".into(), key(3));
        one.ledgers.save("p", &mut mine).unwrap();
        assert_eq!(one.ledgers.of("p").jobs["a"], key(2));
        // Where both replace one, the other key is remembered.
        mine.jobs.insert("a".into(), key(4));
        one.ledgers.save("p", &mut mine).unwrap();
        let saved = one.ledgers.of("p");
        assert_eq!(saved.jobs["a"], key(4));
        assert_eq!(saved.earlier["a"], [key(2), key(1)]);
    }

    #[test]
    fn what_is_removed_goes_unless_another_has_added_or_replaced_it() {
        let (_folder, one, other) = two();
        let mut start = Ledger::default();
        for (n, name) in (0..).zip(["kept", "pruned", "replaced"]) {
            start.jobs.insert(name.into(), key(n));
            start.views.insert(name.into(), key(n));
        }
        one.ledgers.save("p", &mut start).unwrap();
        let (mut mine, mut yours) = (one.ledgers.of("p"), other.ledgers.of("p"));
        for entries in [&mut yours.jobs, &mut yours.views] {
            entries.insert("replaced".into(), key(10));
            entries.insert("added".into(), key(11));
        }
        other.ledgers.save("p", &mut yours).unwrap();
        mine.jobs.retain(|job, _| job == "kept");
        mine.views.retain(|view, _| view == "kept");
        one.ledgers.save("p", &mut mine).unwrap();
        let saved = one.ledgers.of("p");
        let left = [("kept", 0), ("replaced", 10), ("added", 11)];
        let left = BTreeMap::from(left.map(|(name, n)| (name.to_string(), key(n))));
        assert_eq!((&saved.jobs, &saved.views), (&left, &left));
        assert_eq!(saved.earlier["pruned"], [key(1)]);
        assert_eq!(saved.earlier["replaced"], [key(2)]);
        assert_eq!(saved.earlier.len(), 2);
    }

    #[test]
    fn a_ledger_lost_since_it_was_read_is_saved_whole() {
        let (_folder, one, _) = two();
        let path = one.ledgers.path("p");
        let mut ledger = Ledger::default();
        for (n, lose) in [(1, None), (2, Some("")), (3, Some("{}x"))] {
            match lose {
                None => {}
                Some("") => std::fs::remove_file(&path).unwrap(),
                Some(text) => std::fs::write(&path, text).unwrap(),
            }
            ledger.jobs.insert(n.to_string(), key(n));
            one.ledgers.save("p", &mut ledger).unwrap();
        }
        assert_eq!(one.ledgers.of("p").jobs, ledger.jobs);
        assert_eq!(ledger.jobs.len(), 3);
    }

    /// A disk on which nobody may open a file to write.
    #[derive(Debug)]
    struct Denied;

    impl Disk for Denied {
        fn open(&self, _: &Path) -> io::Result<File> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }

    #[test]
    fn a_ledger_that_was_not_changed_is_not_written() {
        let (folder, one, _) = two();
        let mut ledger = Ledger::default();
        ledger.jobs.insert("a".into(), key(1));
        one.ledgers.save("p", &mut ledger).unwrap();
        let store = Store::on(folder.path(), Arc::new(Denied));
        let mut same = store.ledgers.of("p");
        same.jobs.insert("a".into(), key(1));
        store.ledgers.save("p", &mut same).unwrap();
        same.jobs.insert("a".into(), key(2));
        assert!(store.ledgers.save("p", &mut same).is_err());
    }

    #[test]
    fn many_who_save_at_the_same_moment_lose_nothing() {
        const EACH: u32 = 16;
        let folder = tempfile::tempdir().unwrap();
        let saver = |first: u32| {
            let store = Store::at(folder.path());
            let mut ledger = store.ledgers.of("p");
            for n in first..first + EACH {
                ledger.jobs.insert(n.to_string(), key(n));
                store.ledgers.save("p", &mut ledger).unwrap();
            }
        };
        std::thread::scope(|scope| {
            for saved in 0..4 {
                scope.spawn(move || saver(saved * EACH));
            }
        });
        let saved = Store::at(folder.path()).ledgers.of("p");
        assert_eq!(saved.jobs.len(), 4 * EACH as usize);
    }
}
