//! `etude check`: whether what was published is still what the pipeline says. It needs no store, only the pipeline and the
//! provenance that lies beside the files: from the digests of what each job left, the keys of all that read it follow. Claims
//! are judged once more from the published tables.
//!
//! It finds what went out of date, was changed by hand or was mixed up. It is no proof against a forger: who rewrites files,
//! provenance and seals together deceives it, and only running the pipeline again tells.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::Args;

use super::judge::judge;
use super::publish::{Place, axes, what_is_published};
use super::remedies::remedies;
use super::verify::count;
use super::{Failure, SourceArgs};
use crate::pipeline::{ArtifactType, DEFAULT_PROFILE, Found, Judged, Verdict};
use crate::plan::{ExternalDigests, Fingerprint, JobId, Known, Plan};
use crate::store::{Digest, Error, Origin, Provenance, Store, read_named};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  etude check paper.toml
  etude check paper.toml --strict

Exit codes:
  0   what was published is as the pipeline says
  1   it is not, nothing is published, or an error
  64  wrong usage")]
pub struct Check {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    place: Place,
    /// Fail also if a result was adopted and not made by a run
    #[arg(long)]
    strict: bool,
}

impl Check {
    pub fn run(self) -> Result<u8, Failure> {
        let source = self.source.alone("check")?;
        let plan = source.plan(&[])?;
        let project = source.project();
        let folder = self.place.of(&source, &plan.pipeline.name);
        let provenance = what_is_published(&folder, &plan.pipeline.name)?;
        let published = Published {
            plan: &plan,
            provenance: &provenance,
            folder: &folder,
            states: states(&plan, &project.store(), &provenance)?,
        };
        let profile = source.options.profile.as_deref();
        let (problems, claims) = published.problems(profile);
        let adopted = published.adopted();
        let mut out = super::out();
        let mut say = |line: String| {
            // Whoever closed the stream does not want to hear more.
            let _ = writeln!(out, "{line}");
        };
        problems.iter().cloned().for_each(&mut say);
        adopted.iter().cloned().for_each(&mut say);
        let what = format!(
            "{} of {} jobs and {} in {}",
            count(provenance.files().len(), "file"),
            plan.jobs.len(),
            count(claims, "claim"),
            folder.display()
        );
        match problems.len() {
            0 if adopted.is_empty() => say(format!("{what}: all are as the pipeline says")),
            0 => say(format!(
                "{what}: all are as the pipeline says, {} adopted and not made by a run",
                match adopted.len() {
                    1 => "1 of them was".to_owned(),
                    n => format!("{n} of them were"),
                }
            )),
            n => {
                say(format!("{what}: {} found", count(n, "problem")));
                remedies(&problems).into_iter().for_each(&mut say);
            }
        }
        let fails = !problems.is_empty() || self.strict && !adopted.is_empty();
        Ok(u8::from(fails))
    }
}

/// What the provenance says of a job.
enum State {
    /// Its artifact was made of what the pipeline says now.
    Stands,
    /// It has no artifact.
    Missing,
    /// Its artifact was made of something else.
    Differs(Vec<String>),
    /// What it reads is missing or was made of something else.
    Follows,
}

/// Recomputes the key of every job from what those that it reads left.
fn states(plan: &Plan, store: &Store, provenance: &Provenance) -> Result<Vec<State>, Error> {
    let mut states: Vec<State> = Vec::with_capacity(plan.jobs.len());
    // Files that parameters name are read, and nothing is remembered of them: there may be no store.
    let mut looked = ExternalDigests::new(store);
    let origins: Vec<_> = plan
        .jobs
        .iter()
        .map(|job| provenance.jobs.get(&job.name.to_string()))
        .collect();
    for id in 0..plan.jobs.len() {
        let known = |from: JobId| match (&states[from], origins[from]) {
            (State::Stands, Some(origin)) => Known::Made(origin.key, &origin.artifact),
            _ => Known::Open,
        };
        let outside = looked.outside(plan, id)?;
        let state = match (origins[id], Fingerprint::of(plan, id, &outside, known)) {
            (None, _) => State::Missing,
            (Some(_), None) => State::Follows,
            (Some(origin), Some(now)) if origin.key == now.key() => State::Stands,
            (Some(origin), Some(now)) => State::Differs(now.differences(&origin.fingerprint)),
        };
        states.push(state);
    }
    Ok(states)
}

/// No verdict is larger, in bytes.
const MOST: u64 = 64 << 20;

/// So many names are told; more are counted.
const NAMED: usize = 3;

struct Published<'a> {
    plan: &'a Plan,
    provenance: &'a Provenance,
    folder: &'a Path,
    states: Vec<State>,
}

impl Published<'_> {
    /// All that is not as the pipeline says, a line each, and how many claims there are.
    fn problems(&self, profile: Option<&str>) -> (Vec<String>, usize) {
        let mut lines = Vec::new();
        // Where none is asked for, it is the profile of that name that is laid, if there is one.
        let profiles = [self.provenance.profile.as_deref(), profile];
        let [theirs, profile] = profiles.map(|profile| profile.unwrap_or(DEFAULT_PROFILE));
        if theirs != profile {
            lines.push(format!(
                "profile  published with the profile {theirs}, checked with {profile}; give --profile, or publish what is meant"
            ));
        }
        self.labels(&mut lines);
        let mut claims = 0;
        for (id, state) in self.states.iter().enumerate() {
            let job = self.plan.jobs[id].name.to_string();
            let outputs = self.plan.outputs(id);
            let verdicts = outputs
                .iter()
                .filter(|o| o.artifact == ArtifactType::Verdict);
            claims += verdicts.count();
            let origin = self.provenance.jobs.get(&job);
            match state {
                State::Missing if self.is_final(id) => {
                    lines.push(format!("missing  {job}: it was never published"));
                }
                State::Differs(_) | State::Follows
                    if origin.is_some_and(|o| !o.files.is_empty()) =>
                {
                    lines.push(format!("stale    {job}: {}", self.why(id)));
                }
                // Of others those tell that were made of them.
                _ => {}
            }
            if let Some(origin) = origin {
                for (file, digest) in &origin.files {
                    lines.extend(self.file(file, digest, origin));
                    if file.starts_with(ArtifactType::Verdict.section()) {
                        lines.extend(self.verdict(id, &job, file));
                    }
                }
            }
        }
        let gone = self.provenance.jobs.iter();
        let gone = gone.filter(|(job, _)| self.plan.find(job).is_none());
        for (file, job) in gone.flat_map(|(job, o)| o.files.keys().map(move |file| (file, job))) {
            lines.push(format!(
                "left     {file}: the pipeline has no job {job} any more"
            ));
        }
        self.strays(&mut lines);
        (lines, claims)
    }

    /// Whether something is published of a job for its own sake, not for that of another.
    fn is_final(&self, id: JobId) -> bool {
        let mut outputs = self.plan.outputs(id).iter();
        outputs.any(|output| match output.artifact {
            ArtifactType::Table | ArtifactType::File => self.plan.readers(id).next().is_none(),
            kind => kind.is_copied(),
        })
    }

    /// Axes on which the pipeline declares other labels than those that were published: fewer seeds, say.
    fn labels(&self, lines: &mut Vec<String>) {
        for (axis, declared) in axes(self.plan) {
            let published = self.provenance.axes.get(&axis).into_iter().flatten();
            let places = self.plan.pipeline.axis(&axis);
            // By value: a number may have been written otherwise when it was published.
            let there: BTreeSet<usize> = published
                .filter_map(|label| match places?.find_written(label) {
                    Found::One(place) => Some(place),
                    _ => None,
                })
                .collect();
            let is_there = |label: &String| {
                places
                    .and_then(|axis| axis.place(label))
                    .is_some_and(|p| there.contains(&p))
            };
            let lacking: Vec<&str> = declared
                .iter()
                .filter(|label| !is_there(label))
                .map(String::as_str)
                .collect();
            if !lacking.is_empty() {
                lines.push(format!(
                    "fewer    {axis}: {} of {} published, without {}",
                    declared.len() - lacking.len(),
                    declared.len(),
                    some(&lacking)
                ));
            }
        }
    }

    /// What has changed above a job, or in itself.
    fn why(&self, id: JobId) -> String {
        let (mut seen, mut open, mut roots) = (BTreeSet::new(), vec![id], BTreeSet::new());
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            match &self.states[id] {
                State::Stands => {}
                State::Missing | State::Differs(_) => drop(roots.insert(id)),
                State::Follows => open.extend(self.plan.reads(id)),
            }
        }
        let name = |id: &JobId| self.plan.jobs[*id].name.to_string();
        let (missing, changed): (Vec<JobId>, Vec<JobId>) = roots
            .into_iter()
            .partition(|id| matches!(self.states[*id], State::Missing));
        let mut parts = Vec::new();
        if let [first, ..] = changed.as_slice() {
            let what = match &self.states[*first] {
                State::Differs(lines) if !lines.is_empty() => lines.join("; "),
                _ => "its key is another".to_string(),
            };
            parts.push(match changed.as_slice() {
                [only] if *only == id => what,
                all => {
                    let names: Vec<String> = all.iter().map(name).collect();
                    let of = match all {
                        [_] => what,
                        _ => format!("the first: {what}"),
                    };
                    format!("older than {} ({of})", some(&names))
                }
            });
        }
        if !missing.is_empty() {
            let names: Vec<String> = missing.iter().map(name).collect();
            parts.push(format!("made without {}", some(&names)));
        }
        parts.join("; ")
    }

    /// What was adopted and not made by a run, a line each.
    fn adopted(&self) -> Vec<String> {
        let jobs = self.plan.jobs.iter().map(|job| job.name.to_string());
        let adopted = jobs.filter_map(|job| {
            let note = self.provenance.jobs.get(&job)?.adopted.as_ref()?;
            Some(format!("adopted  {job}: no run made it: {note}"))
        });
        adopted.collect()
    }

    /// A verdict to which the published tables do not lead.
    fn judged_again(&self, id: JobId, job: &str, file: &str, there: &Verdict) -> Option<String> {
        let line = |why: String| Some(format!("verdict  {job}: {file} {why}"));
        match judge(self.plan, id, self.folder, self.provenance)? {
            Err(why) => line(format!(
                "cannot be held against the published tables: {why}"
            )),
            Ok(now) => {
                let told = |v: &Verdict| (v.verdict, v.rows, v.held, v.unknown);
                let differs = told(&now) != told(there);
                differs.then(|| {
                    line(format!(
                        "says {} ({}), but the published tables say {} ({})",
                        there.verdict.word(),
                        there.rows_in_words(),
                        now.verdict.word(),
                        now.rows_in_words()
                    ))
                })?
            }
        }
    }

    /// What is wrong with the bytes of a file.
    fn file(&self, file: &str, digest: &Digest, origin: &Origin) -> Option<String> {
        let mut left = origin.artifact.files.iter();
        let is_of_job = left.any(|(name, left)| {
            // The numbers behind a figure are published as text.
            left.digest == *digest || name.ends_with(".parquet") && file.ends_with(".csv")
        });
        if !is_of_job {
            return Some(format!(
                "changed  {file}: its bytes are not those that its job left"
            ));
        }
        let path = self.folder.join(file);
        if !path.is_file() {
            return Some(format!(
                "missing  {file}: it was published and is not there"
            ));
        }
        match Digest::of_file(&path) {
            Ok((there, _)) if there == *digest => None,
            Ok(_) => Some(format!(
                "changed  {file}: its bytes are not those published"
            )),
            Err(error) => Some(format!("changed  {file}: it cannot be read: {error}")),
        }
    }

    /// What is wrong with a verdict: it is another than the pipeline expects, or than the published tables lead to.
    fn verdict(&self, id: JobId, job: &str, file: &str) -> Vec<String> {
        // One that is not there or is another has been told of.
        let Ok(text) = read_named(&self.folder.join(file), MOST) else {
            return Vec::new();
        };
        let Ok(verdict) = serde_json::from_slice::<Verdict>(&text) else {
            return vec![format!("verdict  {job}: {file} is none")];
        };
        let mut lines: Vec<String> = self.unexpected(job, &verdict).into_iter().collect();
        if matches!(self.states[id], State::Stands) {
            lines.extend(self.judged_again(id, job, file, &verdict));
        }
        lines
    }

    /// A verdict other than the pipeline expects.
    fn unexpected(&self, job: &str, verdict: &Verdict) -> Option<String> {
        let held = verdict.rows_in_words();
        match (verdict.is_expected(), verdict.verdict) {
            (true, _) => None,
            (false, Judged::Unknown) => {
                let missing: Vec<String> = verdict.missing_in_words().collect();
                let missing = if missing.is_empty() {
                    String::new()
                } else {
                    format!(" (without a value: {})", some(&missing))
                };
                Some(format!(
                    "verdict  {job}: cannot be judged ({held}): {}{missing}",
                    verdict.says
                ))
            }
            (false, Judged::NotReproduced) => Some(format!(
                "verdict  {job}: not reproduced ({held}): {}; where that is known, say `expected = false` and why in `note`",
                verdict.says
            )),
            (false, Judged::Reproduced) => Some(format!(
                "verdict  {job}: reproduced ({held}), but the pipeline says `expected = false`: {}",
                verdict.says
            )),
        }
    }

    /// Figures, tables and other files that nobody published.
    fn strays(&self, lines: &mut Vec<String>) {
        let known = self.provenance.files();
        let published = |kind: &&ArtifactType| kind.is_copied() || **kind == ArtifactType::File;
        for kind in ArtifactType::ALL.iter().filter(published) {
            let mut found = BTreeSet::new();
            below(
                &self.folder.join(kind.section()),
                kind.section(),
                &mut found,
            );
            let strays = found.into_iter().filter(|file| !known.contains_key(file));
            lines.extend(strays.map(|file| {
                format!("strange  {file}: no job of the pipeline made it; remove it, or keep it elsewhere")
            }));
        }
    }
}

/// The files below a folder by path, links not followed.
fn below(folder: &Path, name: &str, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => below(&entry.path(), &name, found),
            _ => drop(found.insert(name)),
        }
    }
}

/// Some of many names.
pub fn some<S: AsRef<str>>(names: &[S]) -> String {
    let first: Vec<&str> = names.iter().take(NAMED).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(NAMED) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
