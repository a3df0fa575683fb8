//! `etude log JOB`.

use std::fs;

use clap::Args;

use super::{Failure, SourceArgs, measures, out};
use crate::pipeline::{show_seconds, show_size, show_time};
use crate::plan::{Freshness, Plan, assess};
use crate::report::last_progress;
use crate::store::{Digest, Ledger, Record, Store};

#[derive(Debug, Args)]
#[command(
    override_usage = "etude log [OPTIONS] [FILE] <JOB>...",
    after_help = "\
Examples:
  etude log paper.toml 'model[seed=0]'
  etude log paper.toml answers

Exit codes:
  0   the logs were printed
  1   an error
  64  wrong usage"
)]
pub struct Log {
    #[command(flatten)]
    source: SourceArgs,
    /// The jobs to show, such as `model` or `model[seed=0]`
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,
}

impl Log {
    pub fn run(self) -> Result<u8, Failure> {
        let (source, jobs) = self.source.with_jobs("log", self.jobs)?;
        if jobs.is_empty() {
            return Err(Failure::Usage(
                "which job? `etude log [FILE] JOB…` needs at least one; `etude plan --all` lists them".into(),
            ));
        }
        let pipeline = source.read()?;
        let selectors = pipeline.select(&jobs).map_err(Failure::Problems)?;
        let plan = Plan::unroll(pipeline, &[]);
        let project = source.project();
        let store = project.store();
        let ledger = store.ledgers().of(&plan.pipeline.shown);
        let states = assess(&plan, &store, &ledger)?;
        let mut out = out();
        for (job, state) in plan.jobs.iter().zip(&states) {
            if selectors.iter().any(|selector| selector.matches(&job.name)) {
                let text = describe(&job.name.to_string(), state, &store, &ledger);
                // Whoever closed the stream does not want to hear more.
                let _ = writeln!(out, "{text}");
            }
        }
        Ok(0)
    }
}

fn describe(job: &str, state: &Freshness, store: &Store, ledger: &Ledger) -> String {
    let mut text = format!("── {job}\n");
    let is_missing = match state {
        Freshness::Fresh(record) => {
            text.push_str(&about(record, store));
            text.push_str(&printed(store, &record.key));
            false
        }
        Freshness::Released(record) => {
            text.push_str(
                "its bytes were released after use or not restored; they are made again when a job needs them\n",
            );
            text.push_str(&about(record, store));
            text.push_str(&printed(store, &record.key));
            false
        }
        Freshness::Stale { reason, .. } => {
            text.push_str(&format!("has no artifact: {reason}\n"));
            true
        }
        Freshness::Follows(_) => {
            text.push_str("has no artifact: the jobs that it reads must run first\n");
            true
        }
    };
    if is_missing {
        let told = last_progress(&store.journals(), job);
        text.push_str(&measures::of_progress(&told));
    }
    if let Freshness::Stale { key, .. } = state {
        text.push_str(&printed(store, key));
    }
    if let Some(last) = ledger.jobs.get(job)
        && !matches!(state, Freshness::Fresh(record) if record.key == *last)
    {
        text.push_str(&format!("its last run had the key {}:\n", last.short()));
        text.push_str(&printed(store, last));
    }
    text
}

fn about(record: &Record, store: &Store) -> String {
    let (key, job) = (record.key, &record.job);
    let mut text = match store.records().adopted(&key) {
        Some(adopted) => format!(
            "key {key}, adopted as {job}, not made by a run: {}\ncopied from {} on {}\n",
            adopted.note,
            adopted.from.display(),
            show_time(adopted.when)
        ),
        None => {
            let (took, device) = (show_seconds(record.seconds), &record.device);
            let machine = match record.machine.as_str() {
                "" => String::new(),
                machine => format!(" ({machine})"),
            };
            let started = show_time(record.started);
            format!("key {key}, ran as {job} in {took} on {device}{machine}\nstarted {started}\n")
        }
    };
    if store.is_pinned(&key) {
        text.push_str("pinned: it is kept whatever becomes of the pipeline\n");
    }
    for other in store.kept_apart(&key) {
        let other = other.artifact.digest().short();
        text.push_str(&format!(
            "another run of it left other bytes, which are kept: {other}\n"
        ));
    }
    if let Some(from) = &record.started_from {
        text.push_str(&format!("started from {from}: {}\n", from.key));
    }
    text.push_str(&measures::of_artifact(record, store));
    for (name, file) in &record.artifact.files {
        let (size, digest) = (show_size(file.size), file.digest.short());
        let holds = measures::of_file(name, file, store);
        let holds = holds.map_or(String::new(), |holds| format!("  {holds}"));
        text.push_str(&format!("  {name}  {size}  {digest}{holds}\n"));
    }
    let fingerprint = serde_json::to_string_pretty(&record.fingerprint).expect("plain data");
    text.push_str(&format!("fingerprint {fingerprint}\n"));
    text
}

/// What a job and its programs printed.
fn printed(store: &Store, key: &Digest) -> String {
    let path = store.log(key);
    // What programs print need not be text.
    match fs::read(&path).map(|log| String::from_utf8_lossy(&log).into_owned()) {
        Ok(log) => format!("log {}\n{log}", path.display()),
        Err(_) => String::new(),
    }
}
