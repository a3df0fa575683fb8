//! Claims judged once more, from the tables that were published beside their verdicts.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::figures::{csv, table};
use crate::pipeline::{Device, HOLES, Inputs, Monitor, Progress, Verdict};
use crate::plan::{JobId, Known, Plan, inputs, runs_read};
use crate::run::{Failure, InProcess, Task};
use crate::stages::registry;
use crate::store::{Digest, Provenance, Store};

/// Hears nothing and stops nothing.
struct Quiet;

impl Monitor for Quiet {
    fn progress(&self, _progress: Progress) {}

    fn cancelled(&self) -> bool {
        false
    }
}

/// The verdict that a claim comes to over the published tables; `None` where they are not all published, or where the claim
/// lacked results that failed. An error says why the tables cannot be judged.
pub fn judge(
    plan: &Plan,
    claim: JobId,
    folder: &Path,
    provenance: &Provenance,
) -> Option<Result<Verdict, String>> {
    let origin = |job: JobId| provenance.jobs.get(&plan.jobs[job].name.to_string());
    let is_whole = |job: JobId| origin(job).is_some_and(|o| !o.artifact.files.contains_key(HOLES));
    if !is_whole(claim) {
        return None;
    }
    let key = origin(claim)?.key;
    let mut tables = BTreeMap::new();
    for job in plan.reads(claim) {
        let mut files = origin(job)?.files.keys();
        let csv = files.find(|file| file.ends_with(".csv"))?;
        tables.insert(plan.jobs[job].name.to_string(), folder.join(csv));
    }
    let known = |job: JobId| match origin(job) {
        Some(origin) => Known::Made(origin.key, &origin.artifact),
        None => Known::Open,
    };
    let runs = runs_read(plan, claim, known)?;
    // The objects of a store are named here and never read: in their place come the published tables.
    let inputs = inputs(plan, claim, &Store::at(folder), &runs, known)?;
    Some(run(plan, claim, key, inputs, &tables))
}

fn run(
    plan: &Plan,
    claim: JobId,
    key: Digest,
    mut inputs: Inputs,
    tables: &BTreeMap<String, std::path::PathBuf>,
) -> Result<Verdict, String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let work = tempfile::tempdir().map_err(|error| said(&error))?;
    for (at, input) in inputs.values_mut().flatten().enumerate() {
        let read = csv::read(&tables[&input.job], None).map_err(|error| said(&error))?;
        let path = work.path().join(format!("{at}.parquet"));
        table::write(&read.table, &path).map_err(|error| said(&error))?;
        input
            .files
            .values_mut()
            .for_each(|file| file.clone_from(&path));
    }
    let (out, checkpoint) = (work.path().join("out"), work.path().join("checkpoint"));
    for folder in [&out, &checkpoint] {
        fs::create_dir(folder).map_err(|error| said(&error))?;
    }
    let instance = plan.instance(claim);
    let task = Task {
        job: plan.jobs[claim].name.to_string(),
        key,
        kind: plan.kind(claim).name.to_string(),
        parameters: instance.parameters.full(),
        inputs,
        outside: BTreeMap::new(),
        holes: Vec::new(),
        earlier: None,
        out: out.clone(),
        checkpoint,
        root: plan.pipeline.root.clone(),
        environment: BTreeMap::new(),
        device: Device::Cpu,
        cores: 1,
        cards: None,
        time: None,
        memory: None,
        log: work.path().join("log"),
        read: BTreeMap::new(),
    };
    let registry = registry();
    let executor = InProcess {
        registry: &registry,
    };
    match executor.run(&task, &Quiet) {
        Ok(()) => {}
        Err(Failure::Failed(_, why)) => return Err(why),
        Err(Failure::Cancelled) => return Err("it was stopped".to_owned()),
    }
    let text = fs::read(out.join(Verdict::FILE)).map_err(|error| said(&error))?;
    serde_json::from_slice(&text).map_err(|error| said(&error))
}
