//! `etude publish`: what a run shows, copied to a folder to commit, with where it comes from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;

use super::verify::count;
use super::{Failure, Source, SourceArgs};
use crate::figures::csv::types::{self, Types};
use crate::figures::{csv, table};
use crate::pipeline::{ArtifactType, HOLES, Keep, WARNINGS, show_size};
use crate::plan::{Freshness, JobId, Plan, Reason, assess};
use crate::store::{
    Artifact, Digest, Error, Ledger, Lookup, Objects, Origin, Provenance, Record, Store,
    StoredFile, ViewProblem, Views, extension, file_name,
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
        let mut states = assess(&plan, &store, &store.ledgers().of(&plan.pipeline.shown))?;
        for state in &mut states {
            accept_known(state, &store);
        }
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
        let kept = kept(&plan, &states, before.as_ref(), &folder)?;
        // What was published before may be replaced, unless somebody changed it.
        let mut ledger = Ledger {
            views: before.as_ref().map(Provenance::files).unwrap_or_default(),
            ..Ledger::default()
        };
        let mut provenance = source.provenance(&plan);
        let mut problems = Vec::new();
        let mut told = Told::default();
        for (id, state) in states.iter().enumerate() {
            let record = state.record().expect("all jobs are done");
            let mut origin = Origin::from(record);
            origin.adopted = store
                .records()
                .adopted(&record.key)
                .map(|adopted| adopted.note);
            let papers = papers(&plan, &states, id);
            for paper in &papers {
                told.add(paper, &paper.names());
            }
            if let Some(kept) = kept.get(&id) {
                let names = papers.iter().flat_map(Paper::names);
                origin.files = names
                    .map(|name| (name.clone(), kept.files[&name]))
                    .collect();
                origin.columns.clone_from(&kept.columns);
                origin.notes.clone_from(&kept.notes);
            } else if !papers.is_empty() {
                origin.notes = notes(&store, &record.artifact)?;
                for paper in papers {
                    let shown = put(&paper, &views, &mut ledger)?;
                    for path in paper.names() {
                        if let Some(digest) = ledger.views.get(&path) {
                            origin.files.insert(path, *digest);
                        }
                    }
                    origin.columns.extend(shown.columns);
                    problems.extend(shown.problems);
                }
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
        let kinds = told.kinds();
        told.large.into_iter().for_each(&mut say);
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
    /// How many outputs there are of each type, and what their files end in.
    kinds: BTreeMap<ArtifactType, (usize, BTreeSet<String>)>,
    /// The large files, a line each.
    large: Vec<String>,
}

impl Told {
    /// How much there is of what, and in which formats: `2 figures (.pdf, .svg, .tex)`.
    fn kinds(&self) -> String {
        let kinds = self.kinds.iter().map(|(kind, (many, extensions))| {
            let noun = kind.noun();
            let many = count(*many, noun.trim_start_matches("a "));
            let extensions: Vec<&str> = extensions.iter().map(String::as_str).collect();
            match (kind, extensions.as_slice()) {
                // A document may bring the files of a whole folder.
                (ArtifactType::Document, _) | (_, []) => many,
                _ => format!("{many} ({})", extensions.join(", ")),
            }
        });
        kinds.collect::<Vec<_>>().join(", ")
    }

    fn add(&mut self, paper: &Paper, names: &[String]) {
        let (many, extensions) = self.kinds.entry(paper.kind).or_default();
        *many += 1;
        let ends = names.iter().filter_map(|name| extension(name));
        extensions.extend(ends.map(|end| format!(".{end}")));
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

/// An artifact that is known without its bytes may be published all the same, where its files are published already.
fn accept_known(state: &mut Freshness, store: &Store) {
    if let Freshness::Stale {
        key,
        reason: Reason::Released,
        ..
    } = state
        && let Lookup::Released(record) = store.lookup(key)
    {
        *state = Freshness::Released(record);
    }
}

/// Of the jobs that are known without their bytes and have something to publish: what was published of them before. Refuses
/// them where that is not there any more.
fn kept<'a>(
    plan: &Plan,
    states: &[Freshness],
    before: Option<&'a Provenance>,
    folder: &Path,
) -> Result<BTreeMap<JobId, &'a Origin>, Failure> {
    let mut kept = BTreeMap::new();
    for (id, state) in states.iter().enumerate() {
        let Freshness::Released(record) = state else {
            continue;
        };
        let papers = papers(plan, states, id);
        let mut names = papers.iter().flat_map(Paper::names).peekable();
        if names.peek().is_none() {
            continue;
        }
        let is_same = |origin: &&Origin| is_of(origin, record);
        let origin = before.and_then(|before| before.jobs.values().find(is_same));
        let is_there = |name: &String| {
            let digest = origin.and_then(|origin| origin.files.get(name));
            let there = Digest::of_file(&folder.join(name));
            digest.is_some_and(|digest| there.is_ok_and(|(there, _)| there == *digest))
        };
        match (origin, names.find(|name| !is_there(name))) {
            (Some(origin), None) => drop(kept.insert(id, origin)),
            (_, lacking) => {
                let (job, lacking) = (&plan.jobs[id].name, lacking.unwrap_or_default());
                return Err(Failure::Message(format!(
                    "nothing is published: the bytes of {job} are not in the store, and {} is not what was published of it; \
                     `etude run --again '{job}'` makes them again, with all that it needs",
                    folder.join(lacking).display()
                )));
            }
        }
    }
    Ok(kept)
}

/// Whether something was published of the artifact of a record.
fn is_of(origin: &Origin, record: &Record) -> bool {
    origin.key == record.key && origin.artifact == record.artifact
}

/// The files of an artifact that tell what it lacks and warns of.
fn notes(store: &Store, artifact: &Artifact) -> Result<BTreeMap<String, String>, Failure> {
    let mut notes = BTreeMap::new();
    for name in [HOLES, WARNINGS] {
        if let Some(stored) = artifact.files.get(name)
            && let Ok(text) = String::from_utf8(store.objects().get(stored)?)
        {
            notes.insert(name.to_string(), text);
        }
    }
    Ok(notes)
}

/// Whether a file that is shown has one of some extensions.
fn has_extension(file: &str, extensions: &[&str]) -> bool {
    !file.starts_with('.') && extension(file).is_some_and(|e| extensions.contains(&e))
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

impl Paper {
    /// Whether it is the numbers behind a figure: they are published as text, so that people and `git diff` can read them.
    fn is_numbers(&self) -> bool {
        let mut files = self.files.files.keys();
        self.kind != ArtifactType::File && files.all(|file| file.ends_with(PARQUET))
    }

    /// Its published files by path from the folder, in the order of its files.
    fn names(&self) -> Vec<String> {
        let mut names = Views::names(self.kind.section(), &self.name, &self.files);
        if self.is_numbers() {
            for name in &mut names {
                *name = format!("{}.csv", name.trim_end_matches(PARQUET));
            }
        }
        names
    }
}

/// How the names of files end that hold a table.
pub(super) const PARQUET: &str = ".parquet";

/// What there is to say of a paper once it was put into the folder.
struct Put {
    /// The types of the columns of its numbers.
    columns: BTreeMap<String, Types>,
    problems: Vec<ViewProblem>,
}

fn put(paper: &Paper, views: &Views<'_>, ledger: &mut Ledger) -> Result<Put, Failure> {
    let mut put = Put {
        columns: BTreeMap::new(),
        problems: Vec::new(),
    };
    if !paper.is_numbers() {
        let section = paper.kind.section();
        let (_, problems) = views.show(section, &paper.name, &paper.files, true, ledger)?;
        return Ok(Put { problems, ..put });
    }
    for (name, stored) in paper.names().iter().zip(paper.files.files.values()) {
        let (bytes, columns) = numbers(views.store, stored)?;
        match views.write(name, &bytes, ledger)? {
            Err(problem) => put.problems.push(problem),
            Ok(_) => put
                .columns
                .extend(columns.map(|columns| (name.clone(), columns))),
        }
    }
    Ok(put)
}

/// A table as text, and the types of its columns.
fn numbers(store: &Store, stored: &StoredFile) -> Result<(Vec<u8>, Option<Types>), Failure> {
    // Read once for its digest: a published file is what its job left.
    store.objects().get(stored)?;
    let failed = |error: table::Error| Failure::Message(error.to_string());
    let table = table::read(&store.objects().path(&stored.digest)).map_err(failed)?;
    let bytes = csv::to_bytes(&table).map_err(failed)?;
    Ok((bytes, types::of(&table)))
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

/// The same for a command that needs it.
pub(super) fn what_is_published(folder: &Path, pipeline: &str) -> Result<Provenance, Failure> {
    published(folder)?.ok_or_else(|| {
        Failure::Message(format!(
            "nothing of {pipeline} is published: there is no {}; `etude publish` writes it once all is run",
            folder.join(Provenance::FILE).display()
        ))
    })
}
