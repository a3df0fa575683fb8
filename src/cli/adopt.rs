//! `etude adopt`: what somebody already has becomes the artifact of a job. `etude unadopt` takes that back.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;

use super::{Failure, SourceArgs};
use crate::learn::task;
use crate::pipeline::{ArtifactType, Verdict, show_size};
use crate::plan::{ExternalDigests, Fingerprint, Freshness, JobId, Known, Plan, assess};
use crate::store::{Adopted, FileStat, Lookup, Record, Stamp, scan};

#[derive(Debug, Args)]
#[command(
    override_usage = "etude adopt [OPTIONS] --as <JOB> --note <TEXT> [FILE] <ARTIFACT>",
    after_help = "\
Examples:
  etude adopt paper.toml old/ --as model --note cluster
  etude adopt paper.toml t.parquet --as scores --note Ann

Exit codes:
  0   the artifact was adopted
  1   it cannot be the artifact of this job, or an error
  64  wrong usage"
)]
pub struct Adopt {
    #[command(flatten)]
    source: SourceArgs,
    /// The file or folder to use as the job's artifact; it is copied
    #[arg(value_name = "ARTIFACT")]
    path: Option<PathBuf>,
    /// The job, such as `model[method=reversed,seed=0]`
    #[arg(long = "as", value_name = "JOB")]
    job: String,
    /// Where the artifact comes from, for people who read the results
    #[arg(long, value_name = "TEXT")]
    note: String,
}

impl Adopt {
    pub fn run(self) -> Result<u8, Failure> {
        let (source, path) = self.source.with_artifact(self.path)?;
        let plan = source.plan(std::slice::from_ref(&self.job))?;
        let id = one(&plan, &self.job)?;
        let name = plan.jobs[id].name.to_string();
        let store = source.project().store();
        let states = assess(&plan, &store, &store.ledgers().of(&plan.pipeline.shown))?;
        match &states[id] {
            Freshness::Released(_) => {
                return Err(Failure::Message(format!(
                    "{name} is known, and its bytes were released after use or not restored; `etude run --again '{name}'` makes them again"
                )));
            }
            Freshness::Stale { .. } => {}
            Freshness::Fresh(record) => {
                return Err(Failure::Message(format!(
                    "{name} has its artifact already ({}); another of the same key would not be its own",
                    record.key.short()
                )));
            }
            Freshness::Follows(after) => {
                let names = after.iter().map(|id| plan.jobs[*id].name.to_string());
                return Err(Failure::Message(format!(
                    "what {name} depends on is not known yet: run {} first",
                    names.collect::<Vec<_>>().join(", ")
                )));
            }
        }
        if plan.kind(id).declares_outputs {
            return Err(Failure::Message(format!(
                "{name} declares what it leaves itself; nothing can be adopted in its place"
            )));
        }
        let files = arranged(plan.kind(id).output, &path).map_err(|why| {
            Failure::Message(format!(
                "{} cannot be the artifact of {name}: {why}",
                path.display()
            ))
        })?;

        store.prepare()?;
        let outside = ExternalDigests::new(&store).outside(&plan, id)?;
        let artifact = |from: JobId| match &states[from] {
            Freshness::Fresh(record) => Known::Made(record.key, &record.artifact),
            _ => Known::Open,
        };
        let fingerprint = Fingerprint::of(&plan, id, &outside, artifact);
        let fingerprint = fingerprint.expect("all that a stale job reads is there");
        let key = fingerprint.key();
        let Some(_lock) = store.coordination().try_lock(&key)? else {
            return Err(Failure::Message(format!("{name} is running now")));
        };
        if let Lookup::Present(_) = store.lookup(&key) {
            return Err(Failure::Message(format!(
                "{name} has got its artifact meanwhile"
            )));
        }
        let scratch = store.scratch()?;
        for (file, seen) in &files {
            copy(seen, &scratch.out().join(file))?;
        }
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let record = Record {
            key,
            fingerprint: fingerprint.0,
            artifact: store.ingest(&scratch)?,
            job: name.clone(),
            started: now,
            seconds: 0.0,
            device: "elsewhere".into(),
            machine: String::new(),
            started_from: None,
            released: false,
        };
        let adopted = Adopted {
            from: std::path::absolute(&path).unwrap_or(path),
            note: self.note,
            when: now,
        };
        store.commit_adopted(&record, &adopted)?;
        let mut ledger = store.ledgers().of(&plan.pipeline.shown);
        ledger.jobs.insert(name.clone(), key);
        store.ledgers().save(&plan.pipeline.shown, &mut ledger)?;
        let size = record.artifact.files.values().map(|file| file.size).sum();
        let mut out = super::out();
        // Whoever closed the stream does not want to hear more.
        let _ = writeln!(
            out,
            "adopted {name} ({}): {} files, {}; a run shows it and goes on from it",
            key.short(),
            record.artifact.files.len(),
            show_size(size)
        );
        Ok(0)
    }
}

/// The job that is meant, which has to be one.
fn one(plan: &Plan, job: &String) -> Result<JobId, Failure> {
    let selectors = plan.pipeline.select(std::slice::from_ref(job));
    let selectors = selectors.map_err(Failure::Problems)?;
    let selected = |id: &JobId| selectors.iter().any(|s| s.matches(&plan.jobs[*id].name));
    let ids: Vec<JobId> = (0..plan.jobs.len()).filter(selected).collect();
    match ids[..] {
        [id] => Ok(id),
        _ => {
            let names = ids.iter().map(|id| format!("`{}`", plan.jobs[*id].name));
            Err(Failure::Message(format!(
                "`{job}` is {} jobs, and an artifact is of one: {}",
                ids.len(),
                names.collect::<Vec<_>>().join(", ")
            )))
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  etude unadopt paper.toml 'model[seed=0]'
  etude unadopt paper.toml

Exit codes:
  0   done; how many is printed
  1   an error
  64  wrong usage")]
pub struct Unadopt {
    #[command(flatten)]
    source: SourceArgs,
    /// Only these jobs, such as `model[seed=0]`; without any, all jobs
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,
}

impl Unadopt {
    pub fn run(self) -> Result<u8, Failure> {
        let (source, jobs) = self.source.with_jobs("unadopt", self.jobs)?;
        let pipeline = source.read()?;
        let selectors = pipeline.select(&jobs).map_err(Failure::Problems)?;
        let plan = Plan::unroll(pipeline, &[]);
        let store = source.project().store();
        let states = assess(&plan, &store, &store.ledgers().of(&plan.pipeline.shown))?;
        let mut out = super::out();
        let mut count = 0;
        for (job, state) in plan.jobs.iter().zip(&states) {
            let asked = selectors.is_empty() || selectors.iter().any(|s| s.matches(&job.name));
            if let Some(record) = state.record().filter(|_| asked)
                && store.unadopt(&record.key)?
            {
                count += 1;
                // Whoever closed the stream does not want to hear more.
                let _ = writeln!(out, "unadopted {} ({})", job.name, record.key.short());
            }
        }
        let _ = writeln!(out, "{count} unadopted; a run makes them itself");
        Ok(0)
    }
}

/// The files that an artifact of a type must have.
fn needed(output: ArtifactType) -> &'static [&'static str] {
    match output {
        ArtifactType::Dataset => &[task::FILE],
        ArtifactType::Model => &["model.safetensors", "config.json"],
        ArtifactType::Answers => &["answers.parquet"],
        ArtifactType::Table => &["table.parquet"],
        ArtifactType::Figure | ArtifactType::Document | ArtifactType::File => &[],
        ArtifactType::Verdict => &[Verdict::FILE],
        ArtifactType::Numbers => &["numbers.tex", "numbers.json"],
    }
}

/// The files at a path under the names they have in an artifact of a type; or why they cannot be one.
fn arranged(output: ArtifactType, path: &Path) -> Result<BTreeMap<String, FileStat>, String> {
    let mut files = scan(path).map_err(|error| error.to_string())?;
    let (noun, needed) = (output.noun(), needed(output));
    if let Some(seen) = files.remove(".") {
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        let name = match needed {
            [] => format!("figure.{extension}"),
            [name] => name.to_string(),
            several => {
                let several = several.join("` and `");
                return Err(format!("{noun} is a directory with `{several}`"));
            }
        };
        if Path::new(&name).extension() != path.extension() {
            return Err(format!("{noun} is kept as `{name}`"));
        }
        files.insert(name, seen);
    }
    let drawn = ["figure.svg", "figure.pdf", "figure.png"];
    if needed.is_empty() && !drawn.iter().any(|name| files.contains_key(*name)) {
        return Err(format!("{noun} has one of `{}`", drawn.join("`, `")));
    }
    for name in needed {
        if !files.contains_key(*name) {
            return Err(format!("{noun} has a file `{name}`, and it has none"));
        }
    }
    // Of what else lies there nobody says what it is.
    let checked = |name: &&String| needed.is_empty() || needed.contains(&name.as_str());
    for name in files.keys().filter(checked) {
        let seen = &files[name];
        let broken = |error: io::Error| format!("`{name}` cannot be read: {error}");
        if let Some(why) = look_at(&seen.path).map_err(broken)? {
            return Err(format!("`{name}` {why}"));
        }
    }
    Ok(files)
}

/// What shows at first sight that a file is not what its extension says.
fn look_at(path: &Path) -> io::Result<Option<&'static str>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut start = [0; 8];
    let enough = size >= 8;
    if enough {
        file.read_exact(&mut start)?;
    }
    let extension = path.extension().unwrap_or_default();
    Ok(match extension.to_str().unwrap_or_default() {
        "parquet" => {
            let mut end = [0; 4];
            if enough {
                file.seek(SeekFrom::End(-4))?;
                file.read_exact(&mut end)?;
            }
            let whole = start.starts_with(b"PAR1") && end == *b"PAR1";
            (!whole).then_some("is not a Parquet file, or not a whole one")
        }
        "safetensors" => {
            // The length of the header, then the header.
            let header = u64::from_le_bytes(start);
            let whole = enough && header.checked_add(8).is_some_and(|end| end <= size);
            (!whole).then_some("is not a safetensors file, or not a whole one")
        }
        "json" => {
            const MOST: u64 = 64 << 20;
            let text = fs::read(path).ok().filter(|_| size <= MOST);
            let json =
                text.and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok());
            json.is_none().then_some("is not JSON")
        }
        _ => None,
    })
}

/// Copies a file whole: what changes meanwhile is refused.
fn copy(seen: &FileStat, to: &Path) -> Result<(), Failure> {
    let failed = |error: io::Error| {
        let advice = match error.kind() {
            io::ErrorKind::StorageFull => "; free some space and adopt again",
            _ => "",
        };
        Failure::Message(format!(
            "cannot copy {}: {error}{advice}",
            seen.path.display()
        ))
    };
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = File::create_new(to).map_err(failed)?;
    io::copy(&mut File::open(&seen.path).map_err(failed)?, &mut file).map_err(failed)?;
    if Stamp::of(&seen.path) == Some(seen.stamp) {
        Ok(())
    } else {
        Err(Failure::Message(format!(
            "{} was changed while it was copied",
            seen.path.display()
        )))
    }
}
