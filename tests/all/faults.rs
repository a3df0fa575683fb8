//! A store on disks that fail, fill up, and lose their power, at every operation in turn.
//!
//! The promise: after any fault and one more run, every output is that of a clean run, and no success was ever reported for
//! anything else.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use etude::plan::Plan;
use etude::run::{Event, InProcess, Options, Status, Summary, execute};
use etude::store::{Digest, Disk, Error, Lookup, Policy, RealDisk, Store};

use crate::toys::Bench;

/// What a store does to a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    CreateFolder,
    Create,
    Open,
    Write,
    Sync,
    Protect,
    Rename,
    Link,
    Remove,
    RemoveFolder,
    RemoveAll,
}

const KINDS: [Kind; 11] = [
    Kind::CreateFolder,
    Kind::Create,
    Kind::Open,
    Kind::Write,
    Kind::Sync,
    Kind::Protect,
    Kind::Rename,
    Kind::Link,
    Kind::Remove,
    Kind::RemoveFolder,
    Kind::RemoveAll,
];

/// How an operation goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The disk refuses.
    Refuses,
    /// The disk is full.
    Full,
    /// It is done by half, where it has halves, or done and said to have failed.
    Torn,
    /// The process ends right before it.
    DiesBefore,
    /// The process ends right after it.
    DiesAfter,
}

const FAULTS: [Fault; 5] = [
    Fault::Refuses,
    Fault::Full,
    Fault::Torn,
    Fault::DiesBefore,
    Fault::DiesAfter,
];

/// A disk whose n-th operation of a kind goes wrong.
#[derive(Debug)]
struct Faulty {
    wrong: Option<(Kind, usize, Fault)>,
    seen: Mutex<BTreeMap<Kind, usize>>,
    reached: AtomicBool,
    dead: AtomicBool,
}

impl Faulty {
    fn new(wrong: Option<(Kind, usize, Fault)>) -> Arc<Self> {
        Arc::new(Self {
            wrong,
            seen: Mutex::default(),
            reached: AtomicBool::new(false),
            dead: AtomicBool::new(false),
        })
    }

    fn go<T>(
        &self,
        kind: Kind,
        half: impl FnOnce() -> io::Result<()>,
        whole: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        let broken = || io::Error::from_raw_os_error(5);
        if self.dead.load(Ordering::SeqCst) {
            return Err(broken());
        }
        let n = {
            let mut seen = self.seen.lock().unwrap();
            let n = seen.entry(kind).or_default();
            *n += 1;
            *n - 1
        };
        let Some((_, _, fault)) = self.wrong.filter(|(k, at, _)| (*k, *at) == (kind, n)) else {
            return whole();
        };
        self.reached.store(true, Ordering::SeqCst);
        match fault {
            Fault::Refuses => Err(broken()),
            Fault::Full => Err(io::ErrorKind::StorageFull.into()),
            Fault::Torn => half().and(Err(broken())),
            Fault::DiesBefore | Fault::DiesAfter => {
                self.dead.store(true, Ordering::SeqCst);
                if fault == Fault::DiesAfter {
                    whole()?;
                }
                Err(broken())
            }
        }
    }

    /// An operation without halves: torn, it is done and said to have failed.
    fn plain(&self, kind: Kind, what: impl Fn() -> io::Result<()>) -> io::Result<()> {
        self.go(kind, &what, &what)
    }
}

impl Disk for Faulty {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.plain(Kind::CreateFolder, || RealDisk.create_folder(path))
    }
    fn create(&self, path: &Path) -> io::Result<File> {
        let create = || RealDisk.create(path);
        self.go(Kind::Create, || create().map(|_| ()), create)
    }
    fn open(&self, path: &Path) -> io::Result<File> {
        let open = || RealDisk.open(path);
        self.go(Kind::Open, || open().map(|_| ()), open)
    }
    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<()> {
        self.go(
            Kind::Write,
            || RealDisk.write(file, &bytes[..bytes.len() / 2]),
            || RealDisk.write(file, bytes),
        )
    }
    fn sync(&self, path: &Path) -> io::Result<()> {
        // Nobody takes the power away here.
        self.plain(Kind::Sync, || File::open(path).map(|_| ()))
    }
    fn protect(&self, path: &Path) -> io::Result<()> {
        self.plain(Kind::Protect, || RealDisk.protect(path))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.plain(Kind::Rename, || RealDisk.rename(from, to))
    }
    fn link(&self, target: &Path, at: &Path) -> io::Result<()> {
        self.plain(Kind::Link, || RealDisk.link(target, at))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.plain(Kind::Remove, || RealDisk.remove(path))
    }
    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.plain(Kind::RemoveFolder, || RealDisk.remove_folder(path))
    }
    fn remove_all(&self, path: &Path) -> io::Result<()> {
        let half = || {
            let mut entries: Vec<_> = fs::read_dir(path)?.flatten().map(|e| e.path()).collect();
            entries.sort();
            entries.truncate(entries.len().div_ceil(2));
            entries.iter().try_for_each(|path| {
                if path.is_dir() {
                    fs::remove_dir_all(path)
                } else {
                    fs::remove_file(path)
                }
            })
        };
        self.go(Kind::RemoveAll, half, || RealDisk.remove_all(path))
    }
}

/// A disk that loses its power before its n-th operation, and with it whatever was not synced.
#[derive(Debug)]
struct Frail {
    /// All of the world that it can lose.
    root: PathBuf,
    at: usize,
    count: AtomicUsize,
    dead: AtomicBool,
    safe: Mutex<Safe>,
    /// Another name for each file that was synced, so that its inode is not used again.
    names: tempfile::TempDir,
}

/// What outlasts a power cut: the bytes of inodes, and the entries of folders.
#[derive(Debug, Default)]
struct Safe {
    bytes: BTreeMap<u64, Vec<u8>>,
    folders: BTreeMap<PathBuf, BTreeMap<OsString, Entry>>,
}

#[derive(Debug, Clone)]
enum Entry {
    File(u64),
    Folder,
    Link(PathBuf),
}

/// What else survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// Nothing.
    LosesAll,
    /// Names do, even of files whose bytes do not.
    KeepsNames,
}

#[cfg(unix)]
impl Frail {
    /// All that is there already is safe.
    fn new(root: &Path, at: usize) -> Arc<Self> {
        let frail = Self {
            root: root.to_path_buf(),
            at,
            count: AtomicUsize::new(0),
            dead: AtomicBool::new(false),
            safe: Mutex::default(),
            names: tempfile::tempdir_in(root.parent().unwrap()).unwrap(),
        };
        for path in walk(root) {
            if !path.is_symlink() {
                frail.keep(&path).unwrap();
            }
        }
        frail.keep(root).unwrap();
        Arc::new(frail)
    }

    fn go<T>(&self, what: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let n = self.count.fetch_add(1, Ordering::SeqCst);
        if n >= self.at {
            self.dead.store(true, Ordering::SeqCst);
        }
        if self.dead.load(Ordering::SeqCst) {
            Err(io::Error::from_raw_os_error(5))
        } else {
            what()
        }
    }

    fn keep(&self, path: &Path) -> io::Result<()> {
        let path = std::path::absolute(path)?;
        let mut safe = self.safe.lock().unwrap();
        if path.is_dir() {
            let mut entries = BTreeMap::new();
            for entry in fs::read_dir(&path)? {
                let entry = entry?;
                let kind = entry.file_type()?;
                let what = match (kind.is_dir(), kind.is_symlink()) {
                    (true, _) => Entry::Folder,
                    (_, true) => Entry::Link(fs::read_link(entry.path())?),
                    _ => Entry::File(inode(&entry.path())?),
                };
                entries.insert(entry.file_name(), what);
            }
            safe.folders.insert(path, entries);
        } else {
            let inode = inode(&path)?;
            let _ = fs::hard_link(&path, self.names.path().join(inode.to_string()));
            safe.bytes.insert(inode, fs::read(&path)?);
        }
        Ok(())
    }

    /// What is found once the power is back.
    fn cut(&self, cut: Cut) {
        let safe = self.safe.lock().unwrap();
        match cut {
            Cut::LosesAll => {
                for entry in fs::read_dir(&self.root).unwrap() {
                    let path = entry.unwrap().path();
                    if path.is_dir() && !path.is_symlink() {
                        fs::remove_dir_all(path).unwrap();
                    } else {
                        fs::remove_file(path).unwrap();
                    }
                }
                restore(&self.root, &safe);
            }
            Cut::KeepsNames => {
                for path in walk(&self.root) {
                    // What a job saves for its next attempt is for the job to keep safe.
                    let a_jobs = path.parent().unwrap().ends_with("checkpoints");
                    let a_jobs = !a_jobs && path.to_string_lossy().contains("/checkpoints/");
                    if path.is_symlink() || path.is_dir() || a_jobs {
                        continue;
                    }
                    let bytes = safe.bytes.get(&inode(&path).unwrap());
                    let bytes = bytes.cloned().unwrap_or_default();
                    if fs::read(&path).unwrap() != bytes {
                        fs::remove_file(&path).unwrap();
                        fs::write(&path, bytes).unwrap();
                    }
                }
            }
        }
    }
}

#[cfg(unix)]
fn restore(folder: &Path, safe: &Safe) {
    for (name, entry) in safe.folders.get(folder).into_iter().flatten() {
        let path = folder.join(name);
        match entry {
            Entry::File(inode) => {
                let bytes = safe.bytes.get(inode).cloned().unwrap_or_default();
                fs::write(path, bytes).unwrap();
            }
            Entry::Folder => {
                fs::create_dir(&path).unwrap();
                restore(&path, safe);
            }
            Entry::Link(target) => std::os::unix::fs::symlink(target, path).unwrap(),
        }
    }
}

#[cfg(unix)]
fn inode(path: &Path) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    Ok(fs::symlink_metadata(path)?.ino())
}

#[cfg(unix)]
impl Disk for Frail {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.go(|| {
            RealDisk.create_folder(path)?;
            // Another folder that bore this name is not this one.
            let path = std::path::absolute(path)?;
            self.safe.lock().unwrap().folders.remove(&path);
            Ok(())
        })
    }
    fn create(&self, path: &Path) -> io::Result<File> {
        self.go(|| RealDisk.create(path))
    }
    fn open(&self, path: &Path) -> io::Result<File> {
        self.go(|| RealDisk.open(path))
    }
    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<()> {
        self.go(|| RealDisk.write(file, bytes))
    }
    fn sync(&self, path: &Path) -> io::Result<()> {
        self.go(|| self.keep(path))
    }
    fn protect(&self, path: &Path) -> io::Result<()> {
        self.go(|| RealDisk.protect(path))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.go(|| RealDisk.rename(from, to))
    }
    fn link(&self, target: &Path, at: &Path) -> io::Result<()> {
        self.go(|| RealDisk.link(target, at))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.go(|| RealDisk.remove(path))
    }
    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.go(|| RealDisk.remove_folder(path))
    }
    fn remove_all(&self, path: &Path) -> io::Result<()> {
        self.go(|| RealDisk.remove_all(path))
    }
}

/// Everything below a folder; links are not followed.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() && !path.is_symlink() {
            all.extend(walk(&path));
        }
        all.push(path);
    }
    all
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_symlink() {
            #[cfg(unix)]
            std::os::unix::fs::symlink(fs::read_link(&path).unwrap(), to).unwrap();
        } else if path.is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

/// A few jobs of every sort: one that needs another, one that is shown, one of a family, one with a checkpoint.
const PIPELINE: &str = "
    [stage.n]
    kind = 'number'
    value = 21
    [stage.t]
    kind = 'times'
    of = 'n'
    [stage.picture]
    kind = 'picture'
    of = 't'
    [stage.c]
    kind = 'count'
    to = { number = 4 }
    work = '/dev/null'
    [stage.s]
    kind = 'stubborn'
    value = 6
    ends = 'fails'
";

/// The same as it was before: all but one job come out otherwise, and one has gone.
fn before() -> String {
    let text = PIPELINE.replace("value = 21", "value = 20");
    text.replace("number = 4", "number = 3") + "[stage.gone]\nkind = 'picture'\nof = 'n'\n"
}

/// What a run told.
struct Told {
    summary: Result<Summary, Error>,
    events: Vec<Event>,
}

fn run(bench: &Bench, store: &Store, text: &str) -> Told {
    run_plan(bench, store, &bench.plan(text))
}

fn run_plan(bench: &Bench, store: &Store, plan: &Plan) -> Told {
    let executor = InProcess {
        registry: &bench.registry,
    };
    let options = Options {
        capacity: bench.capacity.clone(),
        views: bench.folder.path().join("outputs/toy"),
        prune: true,
        release: true,
        fail_fast: false,
        again: Default::default(),
        compare: &|_, _, _, _| None,
        cancel: &bench.cancel,
    };
    let mut events = Vec::new();
    let summary = execute(plan, store, &executor, &options, &mut |event| {
        events.push(event.clone());
    });
    Told { summary, events }
}

impl Told {
    /// The artifacts of the jobs that are said to have one.
    fn artifacts(&self) -> BTreeMap<String, Digest> {
        let mut artifacts = BTreeMap::new();
        for event in &self.events {
            if let Event::JobEnded(ended) = event
                && matches!(ended.status, Status::Ran | Status::Cached)
            {
                artifacts.insert(ended.job.clone(), ended.artifact.unwrap());
            }
        }
        artifacts
    }
}

/// A bench on which jobs run one after another.
fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.capacity.cores = 1;
    // There are thousands of them, and none is about how long a disk takes.
    if let Ok(folder) = tempfile::tempdir_in("/dev/shm") {
        bench.folder = folder;
    }
    bench
}

fn store_of(bench: &Bench, disk: Arc<dyn Disk>) -> Store {
    Store::on(&bench.folder.path().join("outputs/.etude"), disk)
}

/// A store that is right about its disk, and does not wait for it.
fn sound(bench: &Bench) -> Store {
    store_of(bench, Faulty::new(None))
}

/// What is shown to people: every file among the views with its bytes.
fn views(bench: &Bench) -> BTreeMap<PathBuf, Vec<u8>> {
    let root = bench.folder.path().join("outputs/toy");
    let files = walk(&root).into_iter().filter(|path| !path.is_dir());
    files
        .map(|path| {
            let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
            (path.strip_prefix(&root).unwrap().to_path_buf(), bytes)
        })
        .collect()
}

/// The artifacts that the store has, whole and right; what is wrong with the others.
fn kept(store: &Store) -> (BTreeSet<Digest>, Vec<String>) {
    let mut kept = BTreeSet::new();
    let mut wrong = Vec::new();
    let root = store.root().join("records");
    for path in walk(&root).into_iter().filter(|path| path.is_file()) {
        let name = path.strip_prefix(&root).unwrap().with_extension("");
        let key = name.to_string_lossy().replace('/', "").parse::<Digest>();
        let Ok(key) = key else {
            wrong.push(format!("{name:?} is no record"));
            continue;
        };
        let Lookup::Present(record) = store.lookup(&key) else {
            wrong.push(format!("{:?}", store.lookup(&key)));
            continue;
        };
        let mut files = record.artifact.files.values();
        if files.all(|file| store.objects().verify(file).unwrap()) {
            kept.insert(record.artifact.digest());
        } else {
            wrong.push(format!("{} is damaged", record.job));
        }
    }
    (kept, wrong)
}

/// What nobody needs any more.
fn litter(bench: &Bench) -> Vec<PathBuf> {
    let all = walk(&bench.folder.path().join("outputs")).into_iter();
    let useless = |path: &PathBuf| {
        let text = path.to_string_lossy();
        let draft = text.contains(".new-");
        draft || text.contains("/v1/scratch/") || text.contains("/v1/checkpoints/")
    };
    all.filter(useless).collect()
}

/// What a clean run leaves, and where every run that goes wrong begins.
struct Clean {
    start: Bench,
    artifacts: BTreeMap<String, Digest>,
    views: BTreeMap<PathBuf, Vec<u8>>,
}

impl Clean {
    /// `started`: whether the pipeline has run before, when it was another.
    fn new(started: bool) -> Self {
        let start = bench();
        // The first attempt at one job always fails.
        let first = if started {
            before()
        } else {
            PIPELINE.replace("ends = 'fails'", "ends = 'lasts'")
        };
        if started {
            run(&start, &sound(&start), &first);
        }
        let clean = bench();
        copy(start.folder.path(), clean.folder.path());
        run(&clean, &sound(&clean), PIPELINE);
        let told = run(&clean, &sound(&clean), PIPELINE);
        assert!(told.summary.unwrap().is_complete());
        Self {
            start,
            artifacts: Told {
                summary: Ok(Summary::default()),
                events: told.events,
            }
            .artifacts(),
            views: views(&clean),
        }
    }

    fn bench(&self) -> Bench {
        let bench = bench();
        copy(self.start.folder.path(), bench.folder.path());
        bench
    }

    /// Whether what a faulty run said is true, and one more heals all it left.
    fn heals(&self, bench: &Bench, told: &Told, what: &str) {
        let (there, _) = kept(&sound(bench));
        for (job, artifact) in told.artifacts() {
            assert!(
                there.contains(&artifact),
                "{what}: {job} is said to be there"
            );
            assert_eq!(artifact, self.artifacts[&job], "{what}: {job}");
        }
        let mut healed = run(bench, &sound(bench), PIPELINE);
        if healed.artifacts().len() < self.artifacts.len() && !healed.artifacts().contains_key("s")
        {
            // Its first attempt came to nothing and so there was no second: that is the job's own way.
            healed = run(bench, &sound(bench), PIPELINE);
        }
        assert_eq!(
            healed.artifacts(),
            self.artifacts,
            "{what}: {:?}",
            healed.events
        );
        assert_eq!(views(bench), self.views, "{what}");
        assert_eq!(kept(&sound(bench)).1, Vec::<String>::new(), "{what}");
        assert_eq!(litter(bench), Vec::<PathBuf>::new(), "{what}");
    }
}

/// Lets the n-th operation of every kind go wrong in every way, for every n that a run reaches; how many that were.
fn every_fault(started: bool) -> usize {
    let clean = Clean::new(started);
    let mut tried = 0;
    for kind in KINDS {
        for fault in FAULTS {
            for n in 0.. {
                let bench = clean.bench();
                let disk = Faulty::new(Some((kind, n, fault)));
                let told = run(&bench, &store_of(&bench, disk.clone()), PIPELINE);
                if !disk.reached.load(Ordering::SeqCst) {
                    break;
                }
                tried += 1;
                clean.heals(&bench, &told, &format!("{fault:?} at {kind:?} {n}"));
            }
        }
    }
    tried
}

#[test]
fn whatever_operation_fails_one_more_run_leaves_what_a_clean_one_does() {
    assert!(every_fault(false) > 500);
}

#[test]
fn whatever_operation_fails_over_what_an_earlier_run_left_one_more_heals_it() {
    assert!(every_fault(true) > 500);
}

#[cfg(unix)]
#[test]
fn whenever_the_power_goes_what_was_reported_stays_and_one_more_run_heals_the_rest() {
    for started in [false, true] {
        let clean = Clean::new(started);
        for cut in [Cut::LosesAll, Cut::KeepsNames] {
            for n in 0.. {
                let bench = clean.bench();
                let disk = Frail::new(bench.folder.path(), n);
                let told = run(&bench, &store_of(&bench, disk.clone()), PIPELINE);
                disk.cut(cut);
                let what = format!("{cut:?} before {n}");
                clean.heals(&bench, &told, &what);
                if !disk.dead.load(Ordering::SeqCst) {
                    assert!(n > 100, "{n}");
                    break;
                }
            }
        }
    }
}

/// How a file of a store is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    Flipped,
    Truncated,
    Emptied,
    Extended,
    Deleted,
    Folder,
    Link,
}

const DAMAGES: [Damage; 7] = [
    Damage::Flipped,
    Damage::Truncated,
    Damage::Emptied,
    Damage::Extended,
    Damage::Deleted,
    Damage::Folder,
    Damage::Link,
];

/// Damages a file, and leaves its mode and the time of its change as they were.
#[cfg(unix)]
fn corrupt(path: &Path, damage: Damage, elsewhere: &Path) {
    let meta = fs::metadata(path).unwrap();
    let mut bytes = fs::read(path).unwrap();
    match damage {
        Damage::Flipped => {
            let at = bytes.len() / 2;
            bytes[at] ^= 1;
        }
        Damage::Truncated => bytes.truncate(bytes.len() - 1),
        Damage::Emptied => bytes.clear(),
        Damage::Extended => bytes.push(b' '),
        _ => {}
    }
    fs::remove_file(path).unwrap();
    match damage {
        Damage::Deleted => {}
        Damage::Folder => {
            fs::create_dir(path).unwrap();
            fs::write(path.join("file"), bytes).unwrap();
        }
        // The right bytes, but not the store's own.
        Damage::Link => {
            fs::write(elsewhere, bytes).unwrap();
            std::os::unix::fs::symlink(elsewhere, path).unwrap();
        }
        _ => {
            fs::write(path, bytes).unwrap();
            let file = File::options().append(true).open(path).unwrap();
            file.set_modified(meta.modified().unwrap()).unwrap();
            fs::set_permissions(path, meta.permissions()).unwrap();
        }
    }
}

#[cfg(unix)]
#[test]
fn whatever_is_damaged_an_audit_finds_it_and_one_more_run_heals_it() {
    let clean = Clean::new(true);
    let start = clean.bench();
    run(&start, &sound(&start), PIPELINE);
    let root = sound(&start).root().to_path_buf();
    let files = [root.join("objects"), root.join("records")];
    let mut files: Vec<PathBuf> = files.iter().flat_map(|root| walk(root)).collect();
    files.retain(|path| path.is_file());
    assert!(files.len() > 12, "{files:?}");
    // What the pipeline was before is no part of what it is now.
    let used: BTreeSet<PathBuf> = {
        let told = run(&start, &sound(&start), PIPELINE);
        assert!(told.summary.unwrap().cached == 5);
        let bench = bench();
        for _ in 0..2 {
            run(&bench, &sound(&bench), PIPELINE);
        }
        let own = sound(&bench).root().to_path_buf();
        let own = walk(&own).into_iter().filter(|path| path.is_file());
        own.map(|path| {
            path.strip_prefix(sound(&bench).root())
                .unwrap()
                .to_path_buf()
        })
        .collect()
    };
    for path in files {
        let inside = path.strip_prefix(&root).unwrap();
        for damage in DAMAGES {
            let bench = bench();
            copy(start.folder.path(), bench.folder.path());
            let store = sound(&bench);
            let elsewhere = tempfile::tempdir_in(bench.folder.path().parent().unwrap()).unwrap();
            let link = elsewhere.path().join("mine");
            corrupt(&store.root().join(inside), damage, &link);
            let what = format!("{damage:?} {}", inside.display());
            let wrong = || {
                let audit = store.care().audit(&|_, _| {}).unwrap();
                audit.findings.into_iter().filter(|f| f.is_wrong()).count()
            };
            // A record that is gone is a job that has not run, and its objects are referred to by nobody.
            let gone = damage == Damage::Deleted && inside.starts_with("records");
            assert!(gone || wrong() > 0, "{what}");
            let told = run(&bench, &sound(&bench), PIPELINE);
            if told.artifacts().len() < 5 {
                // Its first attempt fails; then it is like any other.
                run(&bench, &sound(&bench), PIPELINE);
            }
            let healed = run(&bench, &sound(&bench), PIPELINE);
            assert_eq!(healed.artifacts(), clean.artifacts, "{what}");
            assert_eq!(views(&bench), clean.views, "{what}");
            if damage == Damage::Link {
                assert!(link.exists(), "{what}: what is not the store's stays");
            }
            if used.contains(inside) {
                assert_eq!(wrong(), 0, "{what}");
            }
            let audit = store.care().audit(&|_, _| {}).unwrap();
            store.care().repair(&audit).unwrap();
            assert_eq!(wrong(), 0, "{what}");
            assert_eq!(views(&bench), clean.views, "{what}");
        }
    }
}

#[test]
fn whatever_the_clocks_say_nothing_runs_again_and_nothing_is_lost() {
    let clean = Clean::new(true);
    let bench = clean.bench();
    run(&bench, &sound(&bench), PIPELINE);
    let day = Duration::from_secs(86400);
    for then in [
        SystemTime::UNIX_EPOCH,
        SystemTime::now() - 10_000 * day,
        SystemTime::now() + 10_000 * day,
    ] {
        for path in walk(bench.folder.path()) {
            if path.is_file() && !path.is_symlink() {
                File::open(&path).unwrap().set_modified(then).unwrap();
            }
        }
        let again = run(&bench, &sound(&bench), PIPELINE);
        assert_eq!(
            again.summary.as_ref().unwrap().cached,
            5,
            "{:?}",
            again.events
        );
        assert_eq!(again.artifacts(), clean.artifacts);
        assert_eq!(views(&bench), clean.views);
        for now in [SystemTime::UNIX_EPOCH, SystemTime::now() + 20_000 * day] {
            sound(&bench).care().collect(&policy(now)).unwrap();
            let again = run(&bench, &sound(&bench), PIPELINE);
            assert_eq!(again.summary.unwrap().cached, 5);
        }
    }
}

fn policy(now: SystemTime) -> Policy {
    Policy {
        grace: Duration::from_secs(86400),
        keep_last: 0,
        budget: None,
        now,
        patience: Duration::from_secs(60),
    }
}

/// When all that is there now is old.
fn later() -> SystemTime {
    SystemTime::now() + Duration::from_secs(10 * 86400)
}

#[test]
fn a_collection_that_fails_anywhere_leaves_no_record_without_its_objects() {
    let clean = Clean::new(true);
    let start = clean.bench();
    run(&start, &sound(&start), PIPELINE);
    let mut tried = 0;
    for kind in [Kind::Open, Kind::Sync, Kind::Remove, Kind::RemoveAll] {
        for fault in FAULTS {
            for n in 0.. {
                let bench = bench();
                copy(start.folder.path(), bench.folder.path());
                let disk = Faulty::new(Some((kind, n, fault)));
                let faulty = store_of(&bench, disk.clone());
                let done = faulty.care().collect(&policy(later()));
                if !disk.reached.load(Ordering::SeqCst) {
                    assert!(done.unwrap().going.len() > 10);
                    break;
                }
                tried += 1;
                let what = format!("{fault:?} at {kind:?} {n}");
                assert_eq!(kept(&sound(&bench)).1, Vec::<String>::new(), "{what}");
                sound(&bench).care().collect(&policy(later())).unwrap();
                let audit = sound(&bench).care().audit(&|_, _| {}).unwrap();
                assert_eq!(audit.findings, [], "{what}");
                let again = run(&bench, &sound(&bench), PIPELINE);
                assert_eq!(again.summary.unwrap().cached, 5, "{what}");
            }
        }
    }
    assert!(tried > 50, "{tried}");
}

#[cfg(unix)]
#[test]
fn a_collection_that_loses_its_power_leaves_no_record_without_its_objects() {
    let clean = Clean::new(true);
    let start = clean.bench();
    run(&start, &sound(&start), PIPELINE);
    for n in 0.. {
        let bench = bench();
        copy(start.folder.path(), bench.folder.path());
        let disk = Frail::new(bench.folder.path(), n);
        let frail = store_of(&bench, disk.clone());
        let _ = frail.care().collect(&policy(later()));
        drop(frail);
        // The worst: removed objects stay removed, and removed records come back unless that was synced.
        let root = sound(&bench).root().join("objects");
        for path in walk(&root)
            .into_iter()
            .chain([root])
            .filter(|path| path.is_dir())
        {
            disk.keep(&path).unwrap();
        }
        disk.cut(Cut::LosesAll);
        assert_eq!(kept(&sound(&bench)).1, Vec::<String>::new(), "before {n}");
        if !disk.dead.load(Ordering::SeqCst) {
            break;
        }
    }
}

#[test]
fn engines_and_collections_at_once_leave_a_store_in_order() {
    let bench = Bench::new();
    let text = |by: i64| {
        format!(
            "[stage.n]\nkind = 'number'\nvalue = 0\nby = {by}\n[stage.t]\nkind = 'times'\nof = 'n'\n\
             [stage.all]\nkind = 'sum'\nof = 't'\n[axes]\nv = {{ 'n.value' = [1, 2, 3, 4, 5, 6] }}"
        )
    };
    // Divided by other numbers the same bytes come out again and again.
    let plans: Vec<_> = (1..5).map(|by| bench.plan(&text(by))).collect();
    let busy = AtomicBool::new(true);
    bench.store().prepare().unwrap();
    std::thread::scope(|scope| {
        let engines: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    for plan in plans.iter().cycle().take(12) {
                        let ran = bench.execute(plan);
                        assert!(ran.summary.is_complete(), "{:?}", ran.failures());
                    }
                })
            })
            .collect();
        let collector = scope.spawn(|| {
            let mut times = 0;
            while busy.load(Ordering::SeqCst) {
                bench.store().care().collect(&policy(later())).unwrap();
                let audit = bench.store().care().audit(&|_, _| {}).unwrap();
                let wrong = audit.findings.into_iter().filter(|f| f.is_wrong());
                assert_eq!(wrong.collect::<Vec<_>>(), []);
                times += 1;
                std::thread::sleep(Duration::from_millis(30));
            }
            times
        });
        let ended: Vec<_> = engines.into_iter().map(|engine| engine.join()).collect();
        busy.store(false, Ordering::SeqCst);
        assert!(collector.join().unwrap() > 3);
        assert!(ended.iter().all(Result::is_ok));
    });
    assert_eq!(kept(&bench.store()).1, Vec::<String>::new());
    bench.execute(&plans[0]);
    assert_eq!(bench.table("all"), "42");
}

const FOLDER: &str = "ETUDE_TEST_FULL_DISK";

#[cfg(target_os = "linux")]
#[test]
fn on_a_disk_that_is_full_nothing_half_written_is_seen_and_one_more_run_heals_it() {
    let folder = tempfile::tempdir().unwrap();
    // A small file system of its own, in a name space where that needs no rights.
    let script = "mount -t tmpfs -o size=2m none \"$1\" && echo mounted && shift && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", script, "sh"]);
    command.arg(folder.path());
    command.arg(std::env::current_exe().unwrap());
    let test = "faults::fills_a_disk";
    command.args([test, "--exact", "--ignored", "--nocapture"]);
    let output = command.env(FOLDER, folder.path()).output();
    let mounted = |output: &Output| output.stdout.starts_with(b"mounted");
    match output {
        Ok(output) if mounted(&output) => {
            let text = [output.stdout, output.stderr].concat();
            let text = String::from_utf8_lossy(&text);
            assert!(output.status.success(), "{text}");
            assert!(text.contains("1 passed"), "{text}");
        }
        _ => skipped("nobody lets this process mount a small file system"),
    }
}

#[test]
#[ignore = "this is no test: it is what the test of a full disk does on one"]
fn fills_a_disk() {
    let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
    let clean = Clean::new(true);
    let mut full = 0;
    for free in (0..).step_by(4096) {
        let mut bench = bench();
        bench.folder = tempfile::tempdir_in(&folder).unwrap();
        copy(clean.start.folder.path(), bench.folder.path());
        let plan = bench.plan(PIPELINE);
        let filler = folder.join("filler");
        let mut file = File::create(&filler).unwrap();
        let block = [1; 4096];
        let mut size = 0;
        while file.write_all(&block).is_ok() {
            size += 4096;
        }
        file.set_len(size - free.min(size)).unwrap();
        let told = run_plan(&bench, &bench.store(), &plan);
        drop(file);
        fs::remove_file(&filler).unwrap();
        let complete = match &told.summary {
            Err(error) => {
                assert!(error.is_disk_full(), "{error}");
                full += 1;
                false
            }
            Ok(summary) => summary.is_complete(),
        };
        assert_eq!(kept(&sound(&bench)).1, Vec::<String>::new(), "{free} free");
        clean.heals(&bench, &told, &format!("{free} free"));
        if complete {
            break;
        }
    }
    assert!(full > 3, "{full}");
}

/// Says that a test could not do its work, to a stream that the harness does not keep to itself.
pub fn skipped(why: &str) {
    let _ = writeln!(io::stderr(), "skipped: {why}");
}

/// A disk that nobody may write to.
#[derive(Debug)]
struct OnlyRead;

impl Disk for OnlyRead {
    fn create_folder(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn create(&self, _: &Path) -> io::Result<File> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn open(&self, _: &Path) -> io::Result<File> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

#[test]
fn a_store_that_can_only_be_read_serves_a_run_in_which_all_is_cached() {
    let bench = bench();
    run(&bench, &sound(&bench), PIPELINE);
    run(&bench, &sound(&bench), PIPELINE);
    let store = store_of(&bench, Arc::new(OnlyRead));
    let summary = run(&bench, &store, PIPELINE).summary.unwrap();
    assert!(summary.is_success(), "{summary:?}");
    assert_eq!(summary.ran, 0);
    let other = format!("{PIPELINE}\n[stage.more]\nkind = 'number'\nvalue = 77\n");
    let summary = run(&bench, &store, &other).summary.unwrap();
    assert_eq!((summary.failed, summary.ran), (1, 0), "{summary:?}");
}
