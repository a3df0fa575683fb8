//! An executor that is none of ours: it says what it has, takes tasks, and tells how they go when it likes.
#![cfg(target_os = "linux")]

use std::sync::Mutex;
use std::thread::Scope;

use etude::plan::{Freshness, assess};
use etude::run::{Capacity, Executor, InProcess, Submission};

use crate::toys::Bench;

/// So many jobs are under way at once.
const JOBS: usize = 400;

/// It does nothing until it has all tasks; then it does them one by one.
struct Elsewhere<'a> {
    inner: InProcess<'a>,
    held: Mutex<Vec<Submission>>,
    /// How many threads the process had when all tasks were submitted.
    threads: Mutex<usize>,
}

impl Executor for Elsewhere<'_> {
    fn capacity(&self, allowed: &Capacity) -> Capacity {
        Capacity {
            cores: u32::try_from(JOBS).unwrap(),
            cores_per_job: 1,
            memory: u64::MAX,
            memory_per_job: u64::MAX,
            ..allowed.clone()
        }
    }

    fn submit<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, submission: Submission) {
        let mut held = self.held.lock().unwrap();
        assert!(submission.spool.join("task.json").is_file());
        held.push(submission);
        if held.len() < JOBS {
            return;
        }
        *self.threads.lock().unwrap() = threads();
        let all = std::mem::take(&mut *held);
        scope.spawn(move || {
            for submission in all {
                submission.reports.begun("a machine elsewhere");
                let worked = self.inner.run(&submission.task, &submission.reports);
                submission.reports.ended(worked);
            }
        });
    }
}

fn threads() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Threads:"));
    line.unwrap().trim().parse().unwrap()
}

#[test]
fn jobs_that_run_elsewhere_hold_no_threads_and_their_records_name_their_machine() {
    let bench = Bench::new();
    let values: Vec<String> = (0..JOBS).map(|value| value.to_string()).collect();
    let text = format!(
        "[stage.n]\nkind = 'number'\nvalue = 0\n[axes]\nvalue = {{ 'n.value' = [{}] }}\n",
        values.join(", ")
    );
    let executor = Elsewhere {
        inner: InProcess {
            registry: &bench.registry,
        },
        held: Mutex::default(),
        threads: Mutex::default(),
    };
    let plan = bench.plan(&text);
    let ran = bench.execute_on(&executor, &plan);
    assert_eq!(ran.summary.ran, JOBS, "{:?}", ran.failures());
    // Other tests run beside this one, on few threads each.
    let threads = *executor.threads.lock().unwrap();
    assert!(threads < JOBS / 2, "{threads} threads");
    let store = bench.store();
    let states = assess(&plan, &store, &store.ledgers().of("toy")).unwrap();
    for state in states {
        let Freshness::Fresh(record) = state else {
            panic!("a job is not done")
        };
        assert_eq!(record.machine, "a machine elsewhere");
    }
}
