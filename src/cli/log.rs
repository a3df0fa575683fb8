//! `etude log JOB`.

use std::fs;
use std::io::{self, Write};

use clap::Args;

use super::{Failure, Source};
use crate::pipeline::show_size;
use crate::plan::{Freshness, Plan, assess};
use crate::report::show_seconds;
use crate::store::{Digest, Ledger, Record, Store};

#[derive(Debug, Args)]
pub struct Log {
    #[command(flatten)]
    source: Source,
    /// Which jobs: `model`, `model[method=reversed,seed=0]`
    #[arg(value_name = "JOB", required = true)]
    jobs: Vec<String>,
}

impl Log {
    pub fn run(self) -> Result<u8, Failure> {
        let pipeline = self.source.read()?;
        let selectors = pipeline.select(&self.jobs).map_err(Failure::Problems)?;
        let plan = Plan::unroll(pipeline, &[]);
        let project = self.source.project();
        let store = project.store();
        let ledger = store.ledger(&plan.pipeline.name);
        let states = assess(&plan, &store, &ledger)?;
        let mut out = io::stdout().lock();
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
    match state {
        Freshness::Fresh(record) => {
            text.push_str(&about(record));
            text.push_str(&said(store, &record.key));
        }
        Freshness::Released(record) => {
            text.push_str(
                "released after use: its bytes are made again where something needs them\n",
            );
            text.push_str(&about(record));
            text.push_str(&said(store, &record.key));
        }
        Freshness::Stale { key, reason, .. } => {
            text.push_str(&format!("has no artifact: {reason}\n"));
            text.push_str(&said(store, key));
        }
        Freshness::Follows(_) => text.push_str("has no artifact: what it reads must run first\n"),
    }
    if let Some(last) = ledger.jobs.get(job)
        && !matches!(state, Freshness::Fresh(record) if record.key == *last)
    {
        text.push_str(&format!("when it last ran, as {}:\n", last.short()));
        text.push_str(&said(store, last));
    }
    text
}

fn about(record: &Record) -> String {
    let mut text = format!(
        "key {}, ran as {} in {} on {}\n",
        record.key,
        record.job,
        show_seconds(record.seconds),
        record.device
    );
    if let Some(from) = &record.started_from {
        text.push_str(&format!("started from {from}: {}\n", from.key));
    }
    for (name, file) in &record.artifact.files {
        let size = show_size(file.size);
        text.push_str(&format!("  {name}  {size}  {}\n", file.digest.short()));
    }
    let fingerprint = serde_json::to_string_pretty(&record.fingerprint).expect("plain data");
    text.push_str(&format!("fingerprint {fingerprint}\n"));
    text
}

fn said(store: &Store, key: &Digest) -> String {
    let path = store.log(key);
    match fs::read_to_string(&path) {
        Ok(log) => format!("log {}\n{log}", path.display()),
        Err(_) => String::new(),
    }
}
