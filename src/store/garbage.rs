//! What nobody needs any more, and its removal.
//!
//! **What is kept.**
//!
//! - The artifacts of the keys that any pipeline's ledger names, and the last few keys that each job had before. Each project
//!   that shares the store has ledgers of its own in it.
//! - What is pinned.
//! - What a running engine has found or made.
//! - What came about, was changed or moved within the grace period.
//!
//! Three times tell of the last: a record's own, and when its file and the file's entry changed. The latest counts, and one in
//! the future counts as now. So a clock that jumps, or another machine's that goes wrong, can keep things and never lose them.
//! A ledger or record that cannot be read stops it all: what it names is not known.
//!
//! An artifact that a job started from is not kept for that: the longer job's bytes are the same as if it had not, and a lost
//! start is a lost chance to be faster.
//!
//! **Over a budget** goes also what only its ledger keeps. What takes the fewest seconds to make again, for each byte that it
//! frees, goes first. What was adopted stays: nothing can make it again.
//!
//! **Why it is safe below running engines.** All is decided and done while the store is held alone (see
//! [`locks`](super::locks)). Whoever publishes holds the store from the moment it takes an object that is there already for granted
//! until a record refers to it, so that none is removed in between. And an engine writes down every key that it has found
//! or made before it lets go of the store (see [`lease`](super::lease)): all that any of its jobs reads or will read, however long it
//! waits for its turn and whatever the ledgers say meanwhile.
//!
//! **Why it is safe to be stopped.** A record goes before its objects, and is gone for good before they go: what is left by then is
//! objects that nobody refers to, which the next collection finds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::ledger::LOST;
use super::{Digest, Error, Ledger, Record, Store, files};

/// What may go.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// What is younger stays.
    pub grace: Duration,
    /// So many keys that a job had before its present one are kept, and the journals of so many runs.
    pub keep_last: usize,
    /// How many bytes the objects may take.
    pub budget: Option<u64>,
    /// What time it is.
    pub now: SystemTime,
    /// How long to wait for those who are at work.
    pub patience: Duration,
}

/// What goes, and what stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Garbage {
    /// What goes, in the order in which it does.
    pub going: Vec<Going>,
    /// The ledgers that say what is kept.
    pub ledgers: Vec<PathBuf>,
    /// How many records stay.
    pub records: usize,
    /// How many bytes of objects stay.
    pub bytes: u64,
    /// How many records and objects stay only because they are young.
    pub young: usize,
    /// How many records stay because an engine that runs has found or made them.
    pub running: usize,
}

/// A file or folder that goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Going {
    /// Where it lies.
    pub path: PathBuf,
    /// How much room it takes.
    pub bytes: u64,
    /// Why it may go.
    pub why: Why,
}

/// Why something may go.
#[derive(Debug, Clone, PartialEq)]
pub enum Why {
    /// The record of a job that no pipeline has any more.
    Unnamed {
        /// The job.
        job: String,
    },
    /// The record of a job that can be made again, to come below the budget.
    Budget {
        /// The job.
        job: String,
        /// How long that would take.
        seconds: f64,
    },
    /// No record refers to it.
    Unreferenced,
    /// The checkpoint of a job that no pipeline has and nobody runs.
    Checkpoint,
    /// It says where an artifact is that has gone.
    Family,
    /// It was left by a job that was submitted long ago and that nobody asked for again.
    Submitted,
    /// The log of a job whose record has gone.
    Log,
    /// The journal of a run long ago.
    Journal,
    /// It was set aside long ago.
    Quarantine,
    /// The lock of a job that nobody runs.
    Lock,
}

/// What collecting has to know.
struct Survey {
    ledgers: Vec<PathBuf>,
    /// The keys that are kept whatever the budget says.
    needed: BTreeSet<Digest>,
    /// The keys that ledgers name.
    named: BTreeSet<Digest>,
    /// The keys of what was adopted.
    adopted: BTreeSet<Digest>,
    /// The keys that engines rely on or work on.
    running: BTreeSet<Digest>,
    idle_locks: Vec<PathBuf>,
    records: Vec<Found>,
    objects: BTreeMap<Digest, u64>,
}

struct Found {
    path: PathBuf,
    record: Record,
    size: u64,
}

impl Store {
    /// What would go. It may be another by the time it does.
    pub fn garbage(&self, policy: &Policy) -> Result<Garbage, Error> {
        Ok(self.scan(policy)?.garbage(self, policy))
    }

    /// Removes what may go, and says what that was.
    pub fn collect(&self, policy: &Policy) -> Result<Garbage, Error> {
        self.sweep_scratch();
        let Some(_alone) = self.alone(policy.patience)? else {
            return Err(Error::Busy(self.root.clone()));
        };
        let garbage = self.garbage(policy)?;
        self.remove_garbage(&garbage)?;
        Ok(garbage)
    }

    fn scan(&self, policy: &Policy) -> Result<Survey, Error> {
        let lost = self.quarantine().join(LOST);
        if let Some(path) = files::entries(&lost)?.first() {
            return Err(Error::damaged(
                path,
                "nobody knows which artifacts this ledger named; run all of its pipeline again, then remove the file",
            ));
        }
        let mut scan = Survey {
            ledgers: Vec::new(),
            needed: BTreeSet::new(),
            named: BTreeSet::new(),
            adopted: BTreeSet::new(),
            running: self.leased(None)?,
            idle_locks: Vec::new(),
            records: Vec::new(),
            objects: self.list_objects()?.0,
        };
        for path in files::entries(&self.ledgers())? {
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let ledger = Ledger::read(&path)?;
            scan.named.extend(ledger.jobs.into_values());
            for keys in ledger.earlier.into_values() {
                scan.named.extend(keys.into_iter().take(policy.keep_last));
            }
            scan.ledgers.push(path);
        }
        scan.needed
            .extend(self.pins()?.into_iter().map(|(key, _)| key));
        self.look_at_locks(&mut scan)?;
        for path in self.list_records()? {
            let Some((record, adopted)) = self.read_record(&path)? else {
                continue;
            };
            if adopted.is_some() {
                scan.adopted.insert(record.key);
            }
            scan.records.push(Found {
                size: fs::symlink_metadata(&path).map_or(0, |meta| meta.len()),
                record,
                path,
            });
        }
        Ok(scan)
    }

    fn look_at_locks(&self, scan: &mut Survey) -> Result<(), Error> {
        for path in files::entries(&self.locks())? {
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(Ok(key)) = name.map(str::parse::<Digest>) else {
                continue;
            };
            match files::dead(&path) {
                Some(_) => scan.idle_locks.push(path),
                None => drop(scan.running.insert(key)),
            }
        }
        scan.needed.extend(&scan.running);
        Ok(())
    }

    /// Whether something was changed within the grace period, by the latest of all times that tell.
    fn is_young(&self, path: &Path, policy: &Policy) -> bool {
        let times = fs::symlink_metadata(path).map(|meta| {
            let seconds = |time: SystemTime| {
                time.duration_since(UNIX_EPOCH)
                    .map_or(0, |since| since.as_secs())
            };
            let modified = meta.modified().map_or(0, seconds);
            #[cfg(unix)]
            {
                use std::os::unix::fs::MetadataExt;
                modified.max(meta.ctime().max(0).unsigned_abs())
            }
            #[cfg(not(unix))]
            {
                modified.max(meta.created().map_or(0, seconds))
            }
        });
        // What cannot be asked is not known to be old.
        times.map_or(true, |latest| is_recent(latest, policy))
    }

    fn remove_garbage(&self, garbage: &Garbage) -> Result<(), Error> {
        let is_record =
            |going: &&Going| matches!(going.why, Why::Unnamed { .. } | Why::Budget { .. });
        let (records, rest): (Vec<&Going>, Vec<&Going>) = garbage.going.iter().partition(is_record);
        let mut folders = BTreeSet::new();
        for going in records {
            self.remove_one(going)?;
            folders.insert(files::folder_of(&going.path));
        }
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            files::sync_folder(&*self.disk, folder)?;
        }
        for going in &rest {
            self.remove_one(going)?;
            folders.insert(files::folder_of(&going.path));
        }
        let roots = [
            self.objects(),
            self.records(),
            self.families(),
            self.differing(),
        ];
        for folder in folders {
            if folder
                .parent()
                .is_some_and(|above| roots.iter().any(|root| root == above))
            {
                // Those that are not empty stay.
                let _ = self.disk.remove_folder(folder);
            }
        }
        Ok(())
    }

    fn remove_one(&self, going: &Going) -> Result<(), Error> {
        let path = &going.path;
        let removed = if files::is_folder(path) {
            self.disk.remove_all(path)
        } else {
            self.disk.remove(path)
        };
        match removed {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(Error::io("remove", path)),
        }
    }
}

fn is_recent(latest: u64, policy: &Policy) -> bool {
    let now = policy.now.duration_since(UNIX_EPOCH).unwrap_or_default();
    now < Duration::from_secs(latest).saturating_add(policy.grace)
}

impl Survey {
    fn garbage(self, store: &Store, policy: &Policy) -> Garbage {
        let mut garbage = Garbage {
            ledgers: self.ledgers.clone(),
            ..Garbage::default()
        };
        let young = |found: &Found| {
            let ended = found
                .record
                .started
                .saturating_add(found.record.seconds as u64);
            is_recent(ended, policy) || store.is_young(&found.path, policy)
        };
        let mut young_keys: BTreeSet<Digest> = BTreeSet::new();
        for found in self.records.iter().filter(|found| young(found)) {
            young_keys.insert(found.record.key);
        }
        let mut kept: Vec<&Found> = Vec::new();
        for found in &self.records {
            let key = &found.record.key;
            let runs = self.running.contains(key);
            let named = self.needed.contains(key) || self.named.contains(key);
            if runs || named || young_keys.contains(key) {
                garbage.running += usize::from(runs);
                garbage.young += usize::from(!runs && !named);
                kept.push(found);
            } else {
                let job = found.record.job.clone();
                garbage.going.push(found.going(Why::Unnamed { job }));
            }
        }

        // How many of the kept records refer to each object.
        let mut referrers: BTreeMap<Digest, usize> = BTreeMap::new();
        for found in &kept {
            found
                .objects()
                .for_each(|(digest, _)| *referrers.entry(digest).or_default() += 1);
        }
        let stays = |digest: &Digest| store.is_young(&store.object(digest), policy);
        let mut bytes = 0;
        for (digest, size) in &self.objects {
            if referrers.contains_key(digest) {
                bytes += size;
            } else if stays(digest) {
                garbage.young += 1;
                bytes += size;
            }
        }
        if let Some(budget) = policy.budget {
            let may_go = |found: &&Found| {
                let key = &found.record.key;
                // Nothing can make again what somebody brought.
                !(self.needed.contains(key)
                    || self.adopted.contains(key)
                    || young_keys.contains(key))
            };
            let (order, stay): (Vec<&Found>, Vec<&Found>) = kept.into_iter().partition(may_go);
            let order = cheapest_first(order, &referrers);
            let mut gone = 0;
            while bytes > budget && gone < order.len() {
                for (digest, size) in order[gone].objects() {
                    let count = referrers.entry(digest).or_default();
                    *count = count.saturating_sub(1);
                    // What stays for its youth frees nothing yet.
                    if *count == 0 && !stays(&digest) {
                        bytes -= size.min(bytes);
                    }
                }
                gone += 1;
            }
            referrers.retain(|_, count| *count > 0);
            for found in &order[..gone] {
                let (job, seconds) = (found.record.job.clone(), found.record.seconds);
                garbage
                    .going
                    .push(found.going(Why::Budget { job, seconds }));
            }
            kept = [&stay[..], &order[gone..]].concat();
        }
        for (digest, size) in &self.objects {
            if !referrers.contains_key(digest) && !stays(digest) {
                garbage.going.push(Going {
                    path: store.object(digest),
                    bytes: *size,
                    why: Why::Unreferenced,
                });
            }
        }
        garbage.records = kept.len();
        garbage.bytes = bytes;
        let kept: BTreeSet<Digest> = kept.iter().map(|found| found.record.key).collect();
        self.rest(store, policy, &kept, &mut garbage);
        garbage
    }

    /// All that is neither record nor object.
    fn rest(&self, store: &Store, policy: &Policy, kept: &BTreeSet<Digest>, garbage: &mut Garbage) {
        let list = |folder: PathBuf| files::entries(&folder).unwrap_or_default();
        let old = |path: &PathBuf| !store.is_young(path, policy);
        let mut go = |path: PathBuf, why: Why| {
            let bytes = size_of(&path);
            garbage.going.push(Going { path, bytes, why });
        };
        let mut at_work = self.running.clone();
        for key in store.checkpointed() {
            let paths = store.checkpoint_paths(&key);
            let inside = list(store.checkpoint(&key));
            let wanted = self.needed.contains(&key) || self.named.contains(&key);
            if wanted || !paths.iter().chain(&inside).all(old) {
                at_work.insert(key);
                continue;
            }
            paths.into_iter().for_each(|path| go(path, Why::Checkpoint));
        }
        for family in list(store.families()) {
            for path in list(family) {
                let name = path.file_name().and_then(|name| name.to_str());
                let key = name.and_then(|name| name.split_once('-')?.1.parse().ok());
                if key.is_some_and(|key: Digest| !kept.contains(&key)) {
                    go(path, Why::Family);
                }
            }
        }
        let submitted = list(store.submitted()).into_iter();
        let submitted = submitted.flat_map(|path| match path.file_name() {
            Some(name) if name == "programs" || name == "arrays" || name == "engines" => list(path),
            _ => vec![path],
        });
        for path in submitted {
            let name = path.file_name().and_then(|name| name.to_str());
            let key = name.and_then(|name| name.parse::<Digest>().ok());
            let runs = key.is_some_and(|key| self.running.contains(&key));
            if !runs && old(&path) && list(path.clone()).iter().all(old) {
                go(path, Why::Submitted);
            }
        }
        for path in list(store.root.join("logs")) {
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let key = stem.and_then(|stem| stem.parse().ok());
            let used = |key: Digest| kept.contains(&key) || at_work.contains(&key);
            if old(&path) && key.is_some_and(|key| !used(key)) {
                go(path, Why::Log);
            }
        }
        let mut journals = list(store.root.join("runs"));
        let time = |path: &PathBuf| fs::metadata(path).and_then(|meta| meta.modified()).ok();
        journals.sort_by_key(|path| (time(path), path.clone()));
        journals.truncate(journals.len().saturating_sub(policy.keep_last));
        for path in journals.into_iter().filter(old) {
            go(path, Why::Journal);
        }
        let quarantine = store.quarantine();
        let folders = ["objects", "records", "folders"].map(|name| quarantine.join(name));
        let aside = list(quarantine)
            .into_iter()
            .filter(|path| !path.ends_with(LOST));
        let aside = aside.filter(|path| !folders.contains(path));
        let within = folders.iter().flat_map(|folder| list(folder.clone()));
        for path in aside.chain(within).filter(old) {
            go(path, Why::Quarantine);
        }
        for path in &self.idle_locks {
            go(path.clone(), Why::Lock);
        }
    }
}

/// Records by how many seconds each byte that they free takes to make again. Equal bytes of several jobs count for each by its
/// share.
fn cheapest_first<'a>(
    records: Vec<&'a Found>,
    referrers: &BTreeMap<Digest, usize>,
) -> Vec<&'a Found> {
    let price = |found: &Found| {
        let share = |(digest, size): (Digest, u64)| size as f64 / referrers[&digest] as f64;
        found.record.seconds / found.objects().map(share).sum::<f64>().max(1.0)
    };
    let priced = records.into_iter().map(|found| (price(found), found));
    let mut priced: Vec<(f64, &Found)> = priced.collect();
    priced.sort_by(|(a, one), (b, other)| a.total_cmp(b).then_with(|| one.path.cmp(&other.path)));
    priced.into_iter().map(|(_, found)| found).collect()
}

impl Found {
    fn objects(&self) -> impl Iterator<Item = (Digest, u64)> {
        let files = self.record.artifact.files.values();
        let once: BTreeMap<Digest, u64> = files.map(|file| (file.digest, file.size)).collect();
        once.into_iter()
    }

    fn going(&self, why: Why) -> Going {
        Going {
            path: self.path.clone(),
            bytes: self.size,
            why,
        }
    }
}

/// The room that a file takes, or all that is in a folder.
fn size_of(path: &Path) -> u64 {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => {
            let entries = files::entries(path).unwrap_or_default();
            entries.iter().map(|path| size_of(path)).sum()
        }
        Ok(meta) => meta.len(),
        Err(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Adopted, Lookup, Pin};
    use super::*;

    struct Bench {
        folder: tempfile::TempDir,
        store: Store,
        ledger: Ledger,
    }

    const DAY: Duration = Duration::from_secs(86400);

    /// Days later, so that all that is there now is old.
    fn later() -> Policy {
        Policy {
            grace: DAY,
            keep_last: 0,
            budget: None,
            now: SystemTime::now() + 10 * DAY,
            patience: Duration::ZERO,
        }
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::at(folder.path());
            store.prepare().unwrap();
            // It is no engine, and relies on nothing.
            let store = Store::at(folder.path());
            Self {
                folder,
                store,
                ledger: Ledger::default(),
            }
        }

        fn make(&self, job: &str, bytes: &[u8], seconds: f64) -> Record {
            let fingerprint = json!({ "kind": job });
            let scratch = self.store.scratch().unwrap();
            fs::write(scratch.out().join("file"), bytes).unwrap();
            Record {
                key: Digest::of_key(&serde_json::to_vec(&fingerprint).unwrap()),
                fingerprint,
                artifact: self.store.ingest(&scratch).unwrap(),
                job: job.into(),
                started: 0,
                seconds,
                device: "cpu".into(),
                machine: String::new(),
                started_from: None,
                released: false,
            }
        }

        fn publish(&self, job: &str, bytes: &[u8]) -> Digest {
            let record = self.make(job, bytes, 1.0);
            self.store.commit(&record).unwrap();
            record.key
        }

        fn name(&mut self, job: &str, key: Digest) {
            self.ledger.jobs.insert(job.into(), key);
            self.store.save_ledger("p", &mut self.ledger).unwrap();
        }

        fn is_there(&self, key: &Digest) -> bool {
            matches!(self.store.lookup(key), Lookup::Present(_))
        }

        fn objects(&self) -> usize {
            self.store.list_objects().unwrap().0.len()
        }
    }

    #[test]
    fn what_a_ledger_or_a_pin_names_stays_also_if_it_was_adopted_and_all_else_goes() {
        let mut bench = Bench::new();
        let named = bench.publish("named", b"1");
        bench.name("named", named);
        let pinned = bench.publish("pinned", b"2");
        assert!(bench.store.pin(&pinned, &Pin::default()).unwrap());
        let adopted = bench.make("adopted", b"3", 1.0);
        let from = Adopted {
            from: "x".into(),
            note: "y".into(),
            when: 0,
        };
        bench.store.commit_adopted(&adopted, &from).unwrap();
        bench.name("adopted", adopted.key);
        // Of the same bytes as one that stays.
        let twin = bench.publish("twin", b"1");
        let useless = bench.publish("useless", b"4");
        bench.make("nothing refers to it", b"5", 1.0);
        assert_eq!(bench.objects(), 5);

        let dry = bench.store.garbage(&later()).unwrap();
        assert!(bench.is_there(&useless));
        assert_eq!((dry.records, dry.bytes, dry.young), (3, 3, 0));
        let done = bench.store.collect(&later()).unwrap();
        assert_eq!(dry, done);
        for key in [named, pinned, adopted.key] {
            assert!(bench.is_there(&key));
        }
        for key in [twin, useless] {
            assert!(matches!(bench.store.lookup(&key), Lookup::Absent));
        }
        assert_eq!(bench.objects(), 3);
        assert_eq!(bench.store.collect(&later()).unwrap().going, []);
        // What somebody brought is not what is quick to make again.
        let budget = Policy {
            budget: Some(1),
            ..later()
        };
        bench.store.collect(&budget).unwrap();
        assert!(bench.is_there(&adopted.key) && !bench.is_there(&named));
        bench.store.unpin(&pinned).unwrap();
        bench.ledger.jobs.remove("adopted");
        bench.store.save_ledger("p", &mut bench.ledger).unwrap();
        bench.store.collect(&later()).unwrap();
        assert!(!bench.is_there(&pinned) && !bench.is_there(&adopted.key));
    }

    #[test]
    fn what_two_have_made_of_one_pipeline_at_once_stays() {
        let bench = Bench::new();
        let other = Store::at(bench.folder.path());
        let (mut mine, mut yours) = (bench.store.ledger("p"), other.ledger("p"));
        let keys = ["a", "b"].map(|job| bench.publish(job, job.as_bytes()));
        mine.jobs.insert("a".into(), keys[0]);
        yours.jobs.insert("b".into(), keys[1]);
        bench.store.save_ledger("p", &mut mine).unwrap();
        other.save_ledger("p", &mut yours).unwrap();
        bench.store.collect(&later()).unwrap();
        assert!(keys.iter().all(|key| bench.is_there(key)));
    }

    #[test]
    fn what_a_job_was_before_stays_as_often_as_is_asked_for() {
        let mut bench = Bench::new();
        let keys: Vec<Digest> = (0..4u8)
            .map(|n| bench.publish(&format!("{n}"), &[n]))
            .collect();
        for key in &keys {
            bench.name("job", *key);
        }
        let policy = Policy {
            keep_last: 2,
            ..later()
        };
        bench.store.collect(&policy).unwrap();
        let there: Vec<bool> = keys.iter().map(|key| bench.is_there(key)).collect();
        assert_eq!(there, [false, true, true, true]);
    }

    #[test]
    fn what_is_young_by_any_of_its_times_stays() {
        let bench = Bench::new();
        let mut record = bench.make("job", b"1", 1.0);
        let gone = |policy: &Policy| {
            let garbage = bench.store.garbage(policy).unwrap();
            garbage
                .going
                .iter()
                .filter(|going| going.why != Why::Lock)
                .count()
        };
        let now = Policy {
            now: SystemTime::now(),
            ..later()
        };
        bench.store.commit(&record).unwrap();
        assert_eq!((gone(&now), gone(&later())), (0, 2));
        // The clock was wrong when it was made, by much; or it is now.
        record.started = u64::MAX;
        bench.store.commit(&record).unwrap();
        assert_eq!(gone(&later()), 0);
        record.started = 0;
        bench.store.commit(&record).unwrap();
        let past = Policy {
            now: UNIX_EPOCH,
            ..later()
        };
        assert_eq!((gone(&past), gone(&later())), (0, 2));
        let path = bench.store.record_path(&record.key);
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(later().now).unwrap();
        assert_eq!(gone(&later()), 0);
        // Set back as far as one likes, the entry's own time tells.
        file.set_modified(UNIX_EPOCH).unwrap();
        assert_eq!((gone(&now), gone(&later())), (0, 2));
    }

    #[test]
    fn what_a_running_engine_has_found_or_made_stays_until_it_ends() {
        let bench = Bench::new();
        let (found, other) = (bench.publish("found", b"1"), bench.publish("other", b"2"));
        let engine = Store::at(bench.folder.path());
        engine.prepare().unwrap();
        assert!(matches!(engine.lookup(&found), Lookup::Present(_)));
        let made = bench.make("made", b"3", 1.0);
        engine.commit(&made).unwrap();
        let running = Digest::of_key(b"running");
        let lock = engine.try_lock(&running).unwrap().unwrap();
        engine.open_checkpoint(&running, &lock, "cpu", []).unwrap();
        let log = engine.log(&running);
        fs::write(&log, "it runs").unwrap();
        let collector = Store::at(bench.folder.path());
        let done = collector.collect(&later()).unwrap();
        assert_eq!((done.records, done.running), (2, 2));
        assert!(bench.is_there(&found) && bench.is_there(&made.key));
        assert!(!bench.is_there(&other));
        assert!(engine.checkpoint(&running).exists() && log.exists());
        drop((lock, engine));
        collector.collect(&later()).unwrap();
        assert!(!bench.is_there(&found) && !bench.is_there(&made.key));
        assert!(!collector.checkpoint(&running).exists() && !log.exists());
        assert_eq!(bench.objects(), 0);
        assert_eq!(fs::read_dir(collector.objects()).unwrap().count(), 0);
        let locks = files::entries(&collector.locks()).unwrap();
        assert_eq!(locks, [collector.locks().join("store")]);
        assert_eq!(files::entries(&collector.scratches()).unwrap().len(), 0);
    }

    #[test]
    fn nothing_goes_between_taking_in_and_committing() {
        let bench = Bench::new();
        bench.publish("before", b"1");
        let scratch = bench.store.scratch().unwrap();
        fs::write(scratch.out().join("file"), b"1").unwrap();
        // The object is there already, of a job that goes.
        let artifact = bench.store.ingest(&scratch).unwrap();
        let other = Store::at(bench.folder.path());
        let busy = other.collect(&later());
        assert!(matches!(busy, Err(Error::Busy(_))), "{busy:?}");
        drop(scratch);
        other.collect(&later()).unwrap();
        let mut record = bench.make("late", b"2", 1.0);
        record.artifact = artifact;
        assert!(matches!(
            bench.store.commit(&record),
            Err(Error::Gone { .. })
        ));
    }

    #[test]
    fn over_a_budget_goes_first_what_is_quickest_to_make_again_for_its_size() {
        let mut bench = Bench::new();
        let mut keys = Vec::new();
        for (job, size, seconds) in [
            ("slow", 1000, 5000.0),
            ("quick", 1000, 1.0),
            ("large", 9000, 90.0),
            ("pinned", 1000, 0.0),
        ] {
            let record = bench.make(job, &vec![job.len() as u8; size], seconds);
            bench.store.commit(&record).unwrap();
            bench.name(job, record.key);
            keys.push(record.key);
        }
        bench.store.pin(&keys[3], &Pin::default()).unwrap();
        let within = |budget: u64| Policy {
            budget: Some(budget),
            ..later()
        };
        let left = |budget: u64| {
            let garbage = bench.store.collect(&within(budget)).unwrap();
            let there: Vec<bool> = keys.iter().map(|key| bench.is_there(key)).collect();
            (garbage.bytes, there)
        };
        assert_eq!(left(12_000), (12_000, vec![true; 4]));
        assert_eq!(left(11_999), (11_000, vec![true, false, true, true]));
        assert_eq!(left(10_999), (2_000, vec![true, false, false, true]));
        assert_eq!(left(0), (1_000, vec![false, false, false, true]));
    }

    #[test]
    fn what_cannot_be_read_stops_it_all() {
        let mut bench = Bench::new();
        let key = bench.publish("job", b"1");
        let ledger = bench.store.ledgers().join("p.json");
        for (path, bytes) in [
            (bench.store.record_path(&key), "{"),
            (ledger.clone(), "{}x"),
            (bench.store.ledgers().join("another.json"), ""),
        ] {
            let before = fs::read(&path).ok();
            fs::write(&path, bytes).unwrap();
            let stopped = bench.store.collect(&later());
            assert!(matches!(stopped, Err(Error::Damaged { .. })), "{stopped:?}");
            match before {
                Some(before) => fs::write(&path, before).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
        }
        // Neither does it once a run has written another.
        fs::write(&ledger, "{}x").unwrap();
        bench.name("other", key);
        let stopped = bench.store.collect(&later());
        assert!(matches!(stopped, Err(Error::Damaged { .. })), "{stopped:?}");
    }

    #[test]
    fn entries_of_families_logs_journals_and_what_was_set_aside_go_with_their_time() {
        let mut bench = Bench::new();
        let (stays, goes) = (bench.publish("stays", b"1"), bench.publish("goes", b"2"));
        bench.name("stays", stays);
        let family = Digest::of_family(b"f");
        for (length, key) in [(1, &stays), (2, &goes)] {
            bench.store.join_family(&family, length, key).unwrap();
            fs::write(bench.store.log(key), "log").unwrap();
        }
        for run in ["1", "2", "3"] {
            fs::write(bench.store.journal(run), "journal").unwrap();
        }
        let aside = bench.store.quarantine().join("records");
        fs::create_dir_all(&aside).unwrap();
        fs::write(aside.join("x"), "x").unwrap();
        let policy = Policy {
            keep_last: 2,
            ..later()
        };
        bench.store.collect(&policy).unwrap();
        assert_eq!(bench.store.members(&family), [(1, stays)]);
        assert!(bench.store.log(&stays).exists() && !bench.store.log(&goes).exists());
        let runs = ["1", "2", "3"].map(|run| bench.store.journal(run).exists());
        assert_eq!(runs, [false, true, true]);
        assert!(!aside.join("x").exists());
    }

    #[test]
    fn artifacts_that_were_kept_apart_go_with_their_key() {
        let mut bench = Bench::new();
        let first = bench.make("job", b"1", 1.0);
        bench.store.commit(&first).unwrap();
        bench.store.keep_apart(&first).unwrap();
        let key = bench.publish("job", b"2");
        bench.name("job", key);
        bench.store.collect(&later()).unwrap();
        assert_eq!(bench.store.kept_apart(&key), [first]);
        bench.ledger.jobs.clear();
        bench.store.save_ledger("p", &mut bench.ledger).unwrap();
        bench.store.collect(&later()).unwrap();
        assert!(bench.store.kept_apart(&key).is_empty());
        assert_eq!(bench.objects(), 0);
    }
}
