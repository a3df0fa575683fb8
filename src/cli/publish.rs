//! `etude publish`: what a run shows, copied to a folder to commit, with where it comes from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;

use super::verify::count;
use super::{Failure, Source, SourceArgs};
use crate::figures::{csv, table};
use crate::pipeline::{ArtifactType, Keep, show_size};
use crate::plan::{Freshness, JobId, Plan, assess};
use crate::store::{
    Artifact, Error, Ledger, Origin, Provenance, Store, ViewProblem, Views, file_name,
};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  etude publish paper.toml
  etude publish paper.toml --outputs results

Exit codes:
  0   all was published
  1   a job has not run, a file was left, or an error
  64  wrong usage")]
pub struct Publish {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    place: Place,
}

/// Where published results lie.
#[derive(Debug, Args)]
pub struct Place {
    /// The folder of all published results, with a subfolder for each pipeline; without this, `outputs/gallery`
    #[arg(long, value_name = "FOLDER")]
    outputs: Option<PathBuf>,
}

impl Place {
    /// The folder of a pipeline's published results.
    pub fn of(&self, source: &Source, pipeline: &str) -> PathBuf {
        let outputs = match &self.outputs {
            Some(folder) => folder.clone(),
            None => source.project().root().join("outputs/gallery"),
        };
        outputs.join(file_name(pipeline))
    }
}

impl Publish {
    pub fn run(self) -> Result<u8, Failure> {
        let source = self.source.alone("publish")?;
        let plan = source.plan(&[])?;
        let project = source.project();
        let store = project.store();
        let states = assess(&plan, &store, &store.ledger(&plan.pipeline.shown))?;
        ready(&plan, &states)?;
        let folder = self.place.of(&source, &plan.pipeline.name);
        let views = Views {
            folder: folder.clone(),
            store: &store,
        };
        if self.place.outputs.is_none() {
            views.check(project.root())?;
        }
        let before = published(&folder)?;
        // What was published before may be replaced, unless somebody changed it.
        let mut ledger = Ledger {
            views: before.map(|before| before.files()).unwrap_or_default(),
            ..Ledger::default()
        };
        let mut provenance = source.provenance(&plan);
        let mut problems = Vec::new();
        let mut told = Told::default();
        for (id, state) in states.iter().enumerate() {
            let record = state.record().expect("all jobs are done");
            let mut origin = Origin::from(record);
            origin.adopted = store.adopted(&record.key).map(|adopted| adopted.note);
            for paper in papers(&plan, &states, id) {
                let shown = put(&paper, &views, &mut ledger)?;
                told.add(&paper, &shown.names);
                for path in shown.names {
                    if let Some(digest) = ledger.views.get(&path) {
                        origin.files.insert(path, *digest);
                    }
                }
                problems.extend(shown.problems);
            }
            let name = plan.jobs[id].name.to_string();
            provenance.jobs.insert(name, origin);
        }
        let files = provenance.files();
        let kept: BTreeSet<PathBuf> = files.keys().map(|file| folder.join(file)).collect();
        let removed = views.prune(&mut ledger, |path| kept.contains(path));
        provenance.write(&folder)?;
        let mut out = super::out();
        let mut say = |line: String| {
            // Whoever closed the stream does not want to hear more.
            let _ = writeln!(out, "{line}");
        };
        for problem in &problems {
            let (path, message) = (problem.path.display(), &problem.message);
            say(format!("left     {path}: {message}"));
        }
        let removed = match removed {
            0 => String::new(),
            n => format!("; {} of before removed", count(n, "file")),
        };
        let (files, folder) = (count(files.len(), "file"), folder.display());
        told.large.into_iter().for_each(&mut say);
        let kinds = told.kinds.iter();
        let kinds = kinds.map(|(kind, many)| count(*many, kind.noun().trim_start_matches("a ")));
        let kinds = kinds.collect::<Vec<_>>().join(", ");
        say(format!("{files} published in {folder}: {kinds}{removed}"));
        if !problems.is_empty() {
            say("what was left as it is was changed by hand or is somebody else's; move it away and publish again".into());
        }
        Ok(u8::from(!problems.is_empty()))
    }
}

impl Source {
    /// What is known of a publication before its jobs.
    fn provenance(&self, plan: &Plan) -> Provenance {
        Provenance {
            pipeline: plan.pipeline.name.clone(),
            etude: env!("CARGO_PKG_VERSION").into(),
            profile: self.options.profile.clone(),
            set: self.options.set.clone(),
            axes: axes(plan),
            jobs: BTreeMap::new(),
        }
    }
}

/// The labels of each axis on which a plan has jobs, in the order of the plan.
pub fn axes(plan: &Plan) -> BTreeMap<String, Vec<String>> {
    let mut axes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut known = BTreeSet::new();
    for job in &plan.jobs {
        for (axis, label) in job.name.coordinates.0.iter() {
            if known.insert((axis.clone(), label.clone())) {
                let labels = axes.entry(axis.to_string()).or_default();
                labels.push(label.to_string());
            }
        }
    }
    axes
}

/// Refuses what is not finished: nobody could tell afterwards what it was made of.
fn ready(plan: &Plan, states: &[Freshness]) -> Result<(), Failure> {
    let mut open = plan.jobs.iter().zip(states);
    let all = open
        .clone()
        .filter(|(_, state)| state.record().is_none())
        .count();
    match open.find(|(_, state)| state.record().is_none()) {
        None => Ok(()),
        Some((job, _)) => Err(Failure::Message(format!(
            "nothing is published: {} not done, {} first; `etude run` the pipeline, and exclude what cannot be done",
            match all {
                1 => "1 job is".to_string(),
                n => format!("{n} jobs are"),
            },
            job.name
        ))),
    }
}

/// What people read and papers take, by its extension.
const READ: &[&str] = &["svg", "pdf", "md", "csv", "tex", "json"];

/// Larger files are told of, in bytes: a repository keeps every version of them.
const LARGE: u64 = 10 << 20;

/// What there is to say of all that was published.
#[derive(Default)]
struct Told {
    /// How many outputs there are of each type.
    kinds: BTreeMap<ArtifactType, usize>,
    /// The large files, a line each.
    large: Vec<String>,
}

impl Told {
    fn add(&mut self, paper: &Paper, names: &[String]) {
        *self.kinds.entry(paper.kind).or_default() += 1;
        let shown = paper.files.files.iter();
        let shown = shown.filter(|(name, _)| !name.starts_with('.'));
        for (name, (_, stored)) in names.iter().zip(shown) {
            if stored.size > LARGE {
                let size = show_size(stored.size);
                self.large.push(format!(
                    "large    {name}: {size}; Git keeps every version of it, and many hosts refuse files of 100 MB"
                ));
            }
        }
    }
}

/// Whether a file that is shown has one of some extensions.
fn has_extension(file: &str, extensions: &[&str]) -> bool {
    let extension = Path::new(file).extension().and_then(|e| e.to_str());
    !file.starts_with('.') && extension.is_some_and(|e| extensions.contains(&e))
}

/// One output of a job that is small enough to commit and made to be read.
struct Paper {
    kind: ArtifactType,
    name: String,
    /// Only the files that are published.
    files: Artifact,
}

/// What of a job's artifact is published: figures as SVG and PDF, printed tables as text and LaTeX, verdicts, documents with
/// what they were made of, and as CSV the numbers that these were made of, or that nothing was made of. Of other files those
/// that a document or nothing is made of; nothing that only programs read.
fn papers(plan: &Plan, states: &[Freshness], id: JobId) -> Vec<Paper> {
    let artifact = |id: JobId| {
        let record = states[id].record().expect("all jobs are done");
        &record.artifact
    };
    let is_read = |reader: JobId| {
        let mut files = artifact(reader).files.keys();
        files.any(|file| has_extension(file, READ))
    };
    let mut readers = plan.readers(id).peekable();
    let is_behind = readers.peek().is_none() || readers.any(is_read);
    let artifact = artifact(id);
    let outputs = plan.outputs(id);
    let shown = outputs.iter().zip(plan.parts(id, artifact));
    let is_end = readers_are_documents(plan, id);
    let shown = shown.filter(|(output, _)| match output.artifact {
        ArtifactType::File => is_end,
        kind => kind.is_copied(),
    });
    let shown = shown.filter(|_| plan.instance(id).keep == Keep::Always);
    let papers = shown.map(|(output, (_, name, files))| {
        let chosen = |extensions: &[&str]| {
            let files = files.files.iter();
            let files = files.filter(|(name, _)| has_extension(name, extensions));
            Artifact {
                files: files.map(|(name, f)| (name.clone(), f.clone())).collect(),
            }
        };
        let is_whole = matches!(output.artifact, ArtifactType::Document | ArtifactType::File);
        let mut files = if is_whole {
            let visible = files
                .files
                .iter()
                .filter(|(name, _)| !name.starts_with('.'));
            Artifact {
                files: visible.map(|(name, f)| (name.clone(), f.clone())).collect(),
            }
        } else {
            chosen(READ)
        };
        if files.files.is_empty() && is_behind && !is_whole {
            files = chosen(&["png", "parquet"]);
        }
        Paper {
            kind: output.artifact,
            name,
            files,
        }
    });
    papers
        .filter(|paper| !paper.files.files.is_empty())
        .collect()
}

/// Whether nothing reads a job but documents.
fn readers_are_documents(plan: &Plan, id: JobId) -> bool {
    let mut readers = plan.readers(id);
    readers.all(|reader| {
        let mut outputs = plan.outputs(reader).iter();
        outputs.any(|output| output.artifact == ArtifactType::Document)
    })
}

/// The files of a paper by path from the folder, and those that could not be put there.
struct Put {
    names: Vec<String>,
    problems: Vec<ViewProblem>,
}

fn put(paper: &Paper, views: &Views<'_>, ledger: &mut Ledger) -> Result<Put, Failure> {
    let mut names = Views::names(paper.kind.section(), &paper.name, &paper.files);
    let is_parquet = |name: &String| name.ends_with(".parquet");
    if paper.kind == ArtifactType::File || !names.iter().all(is_parquet) {
        let (_, problems) = views.show(
            paper.kind.section(),
            &paper.name,
            &paper.files,
            true,
            ledger,
        )?;
        return Ok(Put { names, problems });
    }
    // The numbers behind a figure: text, so that people and `git diff` can read them.
    let mut problems = Vec::new();
    for (name, stored) in names.iter_mut().zip(paper.files.files.values()) {
        *name = format!("{}.csv", name.trim_end_matches(".parquet"));
        let bytes = numbers(views.store, stored)?;
        problems.extend(views.write(name, &bytes, ledger)?.err());
    }
    Ok(Put { names, problems })
}

fn numbers(store: &Store, stored: &crate::store::StoredFile) -> Result<Vec<u8>, Failure> {
    // Read once for its digest: a published file is what its job left.
    store.read(stored)?;
    let table = table::read(&store.object(&stored.digest));
    let bytes = table.and_then(|table| csv::to_bytes(&table));
    bytes.map_err(|error| Failure::Message(error.to_string()))
}

/// What was published in a folder before, if anything was.
pub(super) fn published(folder: &Path) -> Result<Option<Provenance>, Failure> {
    match Provenance::read(folder) {
        Err(error @ Error::Damaged { .. }) => Err(Failure::Message(format!(
            "{error}; take the one that was committed, or remove it and `etude publish` again"
        ))),
        read => Ok(read?),
    }
}
