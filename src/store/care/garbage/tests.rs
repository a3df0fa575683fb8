//! What goes, and what stays.

use serde_json::json;

use super::*;
use crate::store::{Adopted, Lookup, Pin, Record, Store};

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
        self.store.ledgers.save("p", &mut self.ledger).unwrap();
    }

    fn is_there(&self, key: &Digest) -> bool {
        matches!(self.store.lookup(key), Lookup::Present(_))
    }

    fn objects(&self) -> usize {
        self.store.objects.list().unwrap().0.len()
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

    let dry = bench.store.care().garbage(&later()).unwrap();
    assert!(bench.is_there(&useless));
    assert_eq!((dry.records, dry.bytes, dry.young), (3, 3, 0));
    let done = bench.store.care().collect(&later()).unwrap();
    assert_eq!(dry, done);
    for key in [named, pinned, adopted.key] {
        assert!(bench.is_there(&key));
    }
    for key in [twin, useless] {
        assert!(matches!(bench.store.lookup(&key), Lookup::Absent));
    }
    assert_eq!(bench.objects(), 3);
    assert_eq!(bench.store.care().collect(&later()).unwrap().going, []);
    // What somebody brought is not what is quick to make again.
    let budget = Policy {
        budget: Some(1),
        ..later()
    };
    bench.store.care().collect(&budget).unwrap();
    assert!(bench.is_there(&adopted.key) && !bench.is_there(&named));
    bench.store.unpin(&pinned).unwrap();
    bench.ledger.jobs.remove("adopted");
    bench.store.ledgers.save("p", &mut bench.ledger).unwrap();
    bench.store.care().collect(&later()).unwrap();
    assert!(!bench.is_there(&pinned) && !bench.is_there(&adopted.key));
}

#[test]
fn what_two_have_made_of_one_pipeline_at_once_stays() {
    let bench = Bench::new();
    let other = Store::at(bench.folder.path());
    let (mut mine, mut yours) = (bench.store.ledgers.of("p"), other.ledgers.of("p"));
    let keys = ["a", "b"].map(|job| bench.publish(job, job.as_bytes()));
    mine.jobs.insert("a".into(), keys[0]);
    yours.jobs.insert("b".into(), keys[1]);
    bench.store.ledgers.save("p", &mut mine).unwrap();
    other.ledgers.save("p", &mut yours).unwrap();
    bench.store.care().collect(&later()).unwrap();
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
    bench.store.care().collect(&policy).unwrap();
    let there: Vec<bool> = keys.iter().map(|key| bench.is_there(key)).collect();
    assert_eq!(there, [false, true, true, true]);
}

#[test]
fn what_is_young_by_any_of_its_times_stays() {
    let bench = Bench::new();
    let mut record = bench.make("job", b"1", 1.0);
    let gone = |policy: &Policy| {
        let garbage = bench.store.care().garbage(policy).unwrap();
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
    let path = bench.store.records.path(&record.key);
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
    let lock = engine.coordination.try_lock(&running).unwrap().unwrap();
    engine.open_checkpoint(&running, &lock, "cpu", []).unwrap();
    let log = engine.log(&running);
    fs::write(&log, "it runs").unwrap();
    let collector = Store::at(bench.folder.path());
    let done = collector.care().collect(&later()).unwrap();
    assert_eq!((done.records, done.running), (2, 2));
    assert!(bench.is_there(&found) && bench.is_there(&made.key));
    assert!(!bench.is_there(&other));
    assert!(engine.checkpoint(&running).exists() && log.exists());
    drop((lock, engine));
    collector.care().collect(&later()).unwrap();
    assert!(!bench.is_there(&found) && !bench.is_there(&made.key));
    assert!(!collector.checkpoint(&running).exists() && !log.exists());
    assert_eq!(bench.objects(), 0);
    assert_eq!(fs::read_dir(collector.objects.root()).unwrap().count(), 0);
    let locks = files::entries(&collector.coordination.folder()).unwrap();
    assert_eq!(locks, [collector.coordination.folder().join("store")]);
    assert_eq!(
        files::entries(&collector.layout.scratches()).unwrap().len(),
        0
    );
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
    let busy = other.care().collect(&later());
    assert!(matches!(busy, Err(Error::Busy(_))), "{busy:?}");
    drop(scratch);
    other.care().collect(&later()).unwrap();
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
        let garbage = bench.store.care().collect(&within(budget)).unwrap();
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
    let ledger = bench.store.ledgers.folder().join("p.json");
    for (path, bytes) in [
        (bench.store.records.path(&key), "{"),
        (ledger.clone(), "{}x"),
        (bench.store.ledgers.folder().join("another.json"), ""),
    ] {
        let before = fs::read(&path).ok();
        fs::write(&path, bytes).unwrap();
        let stopped = bench.store.care().collect(&later());
        assert!(matches!(stopped, Err(Error::Damaged { .. })), "{stopped:?}");
        match before {
            Some(before) => fs::write(&path, before).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
    }
    // Neither does it once a run has written another.
    fs::write(&ledger, "{}x").unwrap();
    bench.name("other", key);
    let stopped = bench.store.care().collect(&later());
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
    let aside = bench.store.layout.quarantine().join("records");
    fs::create_dir_all(&aside).unwrap();
    fs::write(aside.join("x"), "x").unwrap();
    let policy = Policy {
        keep_last: 2,
        ..later()
    };
    bench.store.care().collect(&policy).unwrap();
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
    bench.store.care().collect(&later()).unwrap();
    assert_eq!(bench.store.kept_apart(&key), [first]);
    bench.ledger.jobs.clear();
    bench.store.ledgers.save("p", &mut bench.ledger).unwrap();
    bench.store.care().collect(&later()).unwrap();
    assert!(bench.store.kept_apart(&key).is_empty());
    assert_eq!(bench.objects(), 0);
}

#[test]
fn what_was_submitted_long_ago_goes_and_what_somebody_works_on_stays() {
    let bench = Bench::new();
    let folder = bench.store.submitted();
    let [left, running] = [b"left", b"runs"].map(|key| Digest::of_key(key));
    for key in [&left, &running] {
        fs::create_dir_all(folder.join(key.to_string())).unwrap();
        fs::write(folder.join(key.to_string()).join("task.json"), "{}").unwrap();
    }
    for name in ["arrays/etude-1", "programs/0123", "engines"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    fs::write(folder.join("engines/1.out"), "it ran").unwrap();
    let engine = Store::at(bench.folder.path());
    engine.prepare().unwrap();
    let lock = engine.coordination.try_lock(&running).unwrap();
    let now = Policy {
        now: SystemTime::now(),
        ..later()
    };
    let submitted = |policy: &Policy| {
        let going = bench.store.care().garbage(policy).unwrap().going;
        let going = going.into_iter().filter(|g| g.why == Why::Submitted);
        let paths = going.map(|going| going.path.strip_prefix(&folder).unwrap().to_path_buf());
        paths.collect::<BTreeSet<PathBuf>>()
    };
    assert!(submitted(&now).is_empty());
    let files = |names: &[&str]| names.iter().map(PathBuf::from).collect::<BTreeSet<_>>();
    // Jobs may wait long in a queue.
    assert_eq!(submitted(&later()), files(&["engines/1.out"]));
    let much_later = Policy {
        now: SystemTime::now() + 40 * DAY,
        ..later()
    };
    let left = left.to_string();
    let old = ["arrays/etude-1", "programs/0123", "engines/1.out", &left];
    assert_eq!(submitted(&much_later), files(&old));
    drop(lock);
    assert_eq!(submitted(&much_later).len(), 5);
}
