//! What may go of what was found, and what stays.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::{Garbage, Going, Policy, Why};
use crate::store::care::Care;
use crate::store::views::ledger::LOST;
use crate::store::{Digest, Record, files};

/// What collecting has to know.
pub(super) struct Survey {
    pub ledgers: Vec<PathBuf>,
    /// The keys that are kept whatever the budget says.
    pub needed: BTreeSet<Digest>,
    /// The keys that ledgers name.
    pub named: BTreeSet<Digest>,
    /// The keys of what was adopted.
    pub adopted: BTreeSet<Digest>,
    /// The keys that engines rely on or work on.
    pub running: BTreeSet<Digest>,
    pub idle_locks: Vec<PathBuf>,
    pub records: Vec<Found>,
    pub objects: BTreeMap<Digest, u64>,
}

pub(super) struct Found {
    pub path: PathBuf,
    pub record: Record,
    pub size: u64,
}

pub(super) fn is_recent(latest: u64, policy: &Policy) -> bool {
    let now = policy.now.duration_since(UNIX_EPOCH).unwrap_or_default();
    now < Duration::from_secs(latest).saturating_add(policy.grace)
}

impl Survey {
    pub fn garbage(self, care: Care<'_>, policy: &Policy) -> Garbage {
        let store = care.store;
        let mut garbage = Garbage {
            ledgers: self.ledgers.clone(),
            ..Garbage::default()
        };
        let young = |found: &Found| {
            let ended = found
                .record
                .started
                .saturating_add(found.record.seconds as u64);
            is_recent(ended, policy) || care.is_young(&found.path, policy)
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
        let stays = |digest: &Digest| care.is_young(&store.objects.path(digest), policy);
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
                    path: store.objects.path(digest),
                    bytes: *size,
                    why: Why::Unreferenced,
                });
            }
        }
        garbage.records = kept.len();
        garbage.bytes = bytes;
        let kept: BTreeSet<Digest> = kept.iter().map(|found| found.record.key).collect();
        self.rest(care, policy, &kept, &mut garbage);
        garbage
    }

    /// All that is neither record nor object.
    fn rest(
        &self,
        care: Care<'_>,
        policy: &Policy,
        kept: &BTreeSet<Digest>,
        garbage: &mut Garbage,
    ) {
        let store = care.store;
        let list = |folder: PathBuf| files::entries(&folder).unwrap_or_default();
        let old = |path: &PathBuf| !care.is_young(path, policy);
        let mut go = |path: PathBuf, why: Why| {
            let bytes = size_of(&path);
            garbage.going.push(Going { path, bytes, why });
        };
        let mut at_work = self.running.clone();
        // What is queued may begin or go on at any time.
        let queued = list(store.submitted()).into_iter();
        let queued = queued.filter_map(|path| path.file_name()?.to_str()?.parse::<Digest>().ok());
        at_work.extend(queued);
        for key in store.checkpointed() {
            let paths = store.checkpoint_paths(&key);
            let inside = list(store.checkpoint(&key));
            let wanted =
                self.needed.contains(&key) || self.named.contains(&key) || at_work.contains(&key);
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
        // Jobs may wait in a queue for weeks, also those that no engine waits for.
        let waits = Policy {
            grace: policy.grace.max(QUEUED),
            ..policy.clone()
        };
        for path in list(store.submitted()) {
            let (paths, policy) = match path.file_name().and_then(|name| name.to_str()) {
                Some("engines") => (list(path), policy),
                Some("programs" | "arrays") => (list(path), &waits),
                Some(name) if name.starts_with('.') => (vec![path], policy),
                _ => (vec![path], &waits),
            };
            for path in paths {
                let name = path.file_name().and_then(|name| name.to_str());
                let key = name.and_then(|name| name.parse::<Digest>().ok());
                let runs = key.is_some_and(|key| self.running.contains(&key));
                let mut all = list(path.clone()).into_iter().chain([path.clone()]);
                if !runs && all.all(|path| !care.is_young(&path, policy)) {
                    go(path, Why::Submitted);
                }
            }
        }
        for path in list(store.layout.root.join("logs")) {
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let key = stem.and_then(|stem| stem.parse().ok());
            let used = |key: Digest| kept.contains(&key) || at_work.contains(&key);
            if old(&path) && key.is_some_and(|key| !used(key)) {
                go(path, Why::Log);
            }
        }
        let mut journals = list(store.layout.root.join("runs"));
        let time = |path: &PathBuf| fs::metadata(path).and_then(|meta| meta.modified()).ok();
        journals.sort_by_key(|path| (time(path), path.clone()));
        journals.truncate(journals.len().saturating_sub(policy.keep_last));
        for path in journals.into_iter().filter(old) {
            go(path, Why::Journal);
        }
        let quarantine = store.layout.quarantine();
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

/// How long stays what was submitted and nobody has asked for since.
const QUEUED: Duration = Duration::from_secs(30 * 86_400);

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
