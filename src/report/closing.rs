//! The closing lines of a run: verdicts, what is new of figures and tables, warnings, failures, counts.
//!
//! What is unchanged is counted, not named: whoever runs again after a small change sees what the change did.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::failures;
use super::stopped::Stopped;
use crate::pipeline::{Judged, Verdict, show_seconds};
use crate::plan::Plan;
use crate::run::{Ended, Event, Status, Summary};

/// The end of a run: verdicts, figures, failures with their logs, counts.
#[derive(Debug, Default)]
pub struct Closing {
    /// The place of each job in the order of the stages in the file.
    places: HashMap<String, usize>,
    /// The verdict of each claim, and whether it was there before this run.
    verdicts: Vec<(String, Verdict, bool)>,
    /// The figures and tables that are new, changed, or lack something, each with its job.
    views: Vec<(String, PathBuf)>,
    /// How many figures, tables and claims are unchanged.
    unchanged: [usize; 4],
    failures: Vec<Ended>,
    /// What rests on less than it should, and on how much.
    holes: HashMap<String, Vec<String>>,
    /// What jobs warned of.
    warnings: Vec<(String, Vec<String>)>,
    stopped: Stopped,
}

impl Closing {
    /// Nothing heard yet; what it tells will have the order of the stages in the file.
    pub fn new(plan: &Plan) -> Self {
        let mut jobs: Vec<_> = plan.jobs.iter().collect();
        jobs.sort_by_key(|job| job.stage);
        let names = jobs.into_iter().map(|job| job.name.to_string());
        Self {
            places: names.zip(0..).collect(),
            ..Self::default()
        }
    }

    fn place(&self, job: &str) -> usize {
        self.places.get(job).copied().unwrap_or(usize::MAX)
    }

    /// Gathers what the end will tell.
    pub fn hear(&mut self, event: &Event) {
        self.stopped.hear(event);
        let Event::JobEnded(ended) = event else {
            return;
        };
        let is_whole = ended.holes.is_empty();
        if let Some(verdict) = &ended.verdict {
            let is_before = ended.status == Status::Cached && is_whole && verdict.is_expected();
            self.unchanged[3] += usize::from(is_before);
            let job = ended.job.clone();
            self.verdicts.push((job, verdict.clone(), is_before));
        }
        if !ended.holes.is_empty() {
            self.holes.insert(ended.job.clone(), ended.holes.clone());
        }
        if !ended.warnings.is_empty() {
            let warnings = ended.warnings.clone();
            self.warnings.push((ended.job.clone(), warnings));
        }
        if ended.status == Status::Failed {
            self.failures.push(ended.as_ref().clone());
        }
        let all = one_of_each(&ended.views);
        let named = if is_whole {
            one_of_each(&ended.changed)
        } else {
            all.clone()
        };
        for (at, section) in SECTIONS.iter().enumerate() {
            let others = all.keys().filter(|view| !named.contains_key(*view));
            self.unchanged[at] += others.filter(|(of, _)| of == section).count();
        }
        let named = named.into_values();
        self.views
            .extend(named.map(|path| (ended.job.clone(), path.to_path_buf())));
    }

    /// Whether every claim holds, but those that are known not to.
    pub fn all_as_expected(&self) -> bool {
        let mut verdicts = self.verdicts.iter();
        verdicts.all(|(_, verdict, _)| verdict.is_expected())
    }

    /// On how much less than it should something rests.
    fn lacking(&self, job: &str) -> String {
        let holes = self.holes.get(job);
        holes.map_or(String::new(), |holes| format!("; {}", holes.join("; ")))
    }

    /// The closing lines.
    pub fn lines(&self, plan: &Plan, summary: &Summary) -> Vec<String> {
        let mut lines = self.verdict_lines();
        let mut views: Vec<_> = self.views.iter().collect();
        views.sort_by_key(|(job, _)| self.place(job));
        for (job, path) in views {
            lines.push(format!("→ {}{}", path.display(), self.lacking(job)));
        }
        if summary.ran > 0 || !lines.is_empty() {
            lines.extend(self.unchanged());
        }
        let mut warnings: Vec<_> = self.warnings.iter().collect();
        warnings.sort_by_key(|(job, _)| self.place(job));
        for (job, all) in warnings {
            lines.extend(all.iter().map(|warning| format!("! {job}: {warning}")));
        }
        lines.extend(failures::lines(plan, &self.failures));
        lines.extend(self.stopped.lines());
        lines.extend(counts(summary));
        lines
    }

    /// The verdicts that are new, or not as expected, or that lack something.
    fn verdict_lines(&self) -> Vec<String> {
        let told = self.verdicts.iter().filter(|(_, _, is_before)| !is_before);
        let mut told: Vec<_> = told.collect();
        told.sort_by_key(|(job, _, _)| self.place(job));
        let mut lines = Vec::new();
        for (job, verdict, _) in told {
            let (mark, word) = match (verdict.verdict, verdict.is_expected()) {
                (Judged::Reproduced, true) => ("✓", "reproduced"),
                (Judged::Reproduced, false) => ("✓", "reproduced, which was not expected"),
                (Judged::NotReproduced, true) => ("✗", "not reproduced, as expected"),
                (Judged::NotReproduced, false) => ("✗", "not reproduced"),
                (Judged::Unknown, _) => ("?", "cannot be judged"),
            };
            let (rows, says) = (verdict.rows_in_words(), &verdict.says);
            let lacking = self.lacking(job);
            lines.push(format!("{mark} {word} ({rows}{lacking}): {says}"));
            lines.extend(verdict.note.iter().map(|note| format!("    note: {note}")));
            let against = verdict.against_in_words();
            lines.extend(against.map(|row| format!("    against: {row}")));
            // Jobs that failed stand in the line above already.
            let holes = self.holes.get(job).map_or(&[][..], Vec::as_slice);
            let missing = verdict
                .missing_in_words()
                .filter(|why| !holes.contains(why));
            lines.extend(missing.map(|why| format!("    without a value: {why}")));
        }
        lines
    }

    /// How much is unchanged: `unchanged: 2 figures, 1 table`.
    fn unchanged(&self) -> Option<String> {
        let counts = self
            .unchanged
            .iter()
            .zip(["figure", "table", "document", "claim"]);
        let counts = counts.filter(|(count, _)| **count > 0);
        let counts: Vec<String> = counts
            .map(|(count, what)| format!("{count} {what}{}", if *count == 1 { "" } else { "s" }))
            .collect();
        (!counts.is_empty()).then(|| format!("unchanged: {}", counts.join(", ")))
    }
}

/// The sections whose views are named.
const SECTIONS: [&str; 3] = ["figures", "tables", "documents"];

/// The formats that stand for a figure or a table that is shown in several.
const PREFERRED: [&str; 2] = ["svg", "md"];

fn name_of(folder: Option<&Path>) -> Option<&OsStr> {
    folder.and_then(Path::file_name)
}

/// One file of each figure, each table and each document, by section and name: of a document its PDF, or, where it has none,
/// none. Tables that are only Parquet are read by other stages, not by people.
fn one_of_each(views: &[PathBuf]) -> BTreeMap<(&str, &str), &Path> {
    let mut one: BTreeMap<(&str, &str), &Path> = BTreeMap::new();
    for path in views {
        let folder = path.parent();
        let is_document = name_of(folder.and_then(Path::parent)) == Some("documents".as_ref())
            && path.extension() == Some("pdf".as_ref());
        // What a document was made of may lie in folders of any name.
        let is_source = |above: &Path| {
            let place = above.parent().and_then(Path::parent);
            above.ends_with("source") && name_of(place) == Some("documents".as_ref())
        };
        if path.ancestors().any(is_source) {
            continue;
        }
        let (section, name) = if is_document {
            (name_of(folder.and_then(Path::parent)), name_of(folder))
        } else {
            (name_of(folder), path.file_stem())
        };
        let section = SECTIONS.iter().find(|of| section == Some((**of).as_ref()));
        let name = name.and_then(|name| name.to_str());
        let extension = path.to_str().and_then(crate::store::extension);
        let (Some(section), Some(name), Some(extension)) = (section, name, extension) else {
            continue;
        };
        // A specification is for an editor, and lies beside its figure.
        if extension == "parquet" || extension == "vl.json" {
            continue;
        }
        let shown = one.entry((*section, name)).or_insert(path);
        if PREFERRED.contains(&extension) {
            *shown = path;
        }
    }
    one
}

/// What became of all jobs, a line.
fn counts(summary: &Summary) -> Vec<String> {
    let mut lines = Vec::new();
    if summary.differing > 0 {
        lines.push(format!(
            "≠ {} jobs gave other bytes than before with the same inputs and parameters",
            summary.differing
        ));
    }
    if summary.unshown > 0 {
        let files = match summary.unshown {
            1 => "1 file of this run is not shown: something else lies in its place, or nothing can be written there".to_owned(),
            n => format!("{n} files of this run are not shown: something else lies in their places, or nothing can be written there"),
        };
        lines.push(format!("✗ {files}; the warnings above name them"));
    }
    let counts = [
        (summary.ran, "ran"),
        (summary.cached, "cached"),
        (summary.failed, "failed"),
        (summary.skipped, "skipped"),
        (summary.cancelled, "not done"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let counts = if counts.is_empty() {
        "no jobs".to_string()
    } else {
        counts.join(", ")
    };
    lines.push(format!("{counts} in {}", show_seconds(summary.seconds)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closing(ended: &[Ended]) -> Closing {
        let mut closing = Closing::default();
        for ended in ended {
            closing.hear(&Event::JobEnded(Box::new(ended.clone())));
        }
        closing
    }

    fn ended(job: &str, status: Status, views: &[&str], changed: &[&str]) -> Ended {
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect();
        Ended {
            views: paths(views),
            changed: paths(changed),
            ..Ended::new(job.into(), status, 0.0)
        }
    }

    fn told(closing: &Closing) -> Vec<String> {
        let views = closing.views.iter();
        let mut told: Vec<String> = views.map(|(_, path)| path.display().to_string()).collect();
        told.extend(closing.unchanged());
        told
    }

    #[test]
    fn what_is_new_is_named_once_whatever_its_formats_and_the_rest_is_counted() {
        let figure = ["o/figures/f.pdf", "o/figures/f.svg", "o/figures/f.vl.json"];
        let same = ["o/figures/g.pdf", "o/figures/g.svg"];
        let pages = ["o/figures/h.pdf"];
        let table = ["o/tables/t.csv", "o/tables/t.md", "o/tables/t.parquet"];
        let rows = ["o/tables/rows.parquet"];
        let model = ["o/models/m/config.json"];
        let paper = [
            "o/documents/p/main.pdf",
            "o/documents/p/source/main.tex",
            "o/documents/p/source/figures/a.pdf",
        ];
        let closing = closing(&[
            ended("f", Status::Ran, &figure, &figure),
            // It ran and came out the same.
            ended("g", Status::Ran, &same, &[]),
            ended("h", Status::Ran, &pages, &pages),
            ended("t", Status::Cached, &table, &[]),
            ended("m", Status::Ran, &model, &model),
            ended("rows", Status::Ran, &rows, &rows),
            ended("p", Status::Ran, &paper, &paper),
            ended("q", Status::Cached, &paper, &[]),
        ]);
        assert_eq!(
            told(&closing),
            [
                "o/figures/f.svg",
                "o/figures/h.pdf",
                "o/documents/p/main.pdf",
                "unchanged: 1 figure, 1 table, 1 document"
            ]
        );
    }

    #[test]
    fn what_lacks_something_is_named_though_it_is_unchanged() {
        let views = ["o/figures/f.svg"];
        let lacking = Ended {
            holes: vec!["model: 4 of 5".into()],
            ..ended("f", Status::Cached, &views, &[])
        };
        assert_eq!(told(&closing(&[lacking])), ["o/figures/f.svg"]);
    }

    #[test]
    fn a_claim_that_was_there_is_counted_unless_it_is_not_as_expected() {
        let claim = |says: &str, verdict, status| Ended {
            verdict: Some(Verdict {
                says: says.into(),
                verdict,
                rows: 1,
                held: 1,
                unknown: 0,
                source: None,
                expected: None,
                note: None,
                against: Vec::new(),
                missing: Vec::new(),
            }),
            ..ended(says, status, &[], &[])
        };
        let closing = closing(&[
            claim("Old.", Judged::Reproduced, Status::Cached),
            claim("Wrong.", Judged::NotReproduced, Status::Cached),
            claim("New.", Judged::Reproduced, Status::Ran),
        ]);
        let lines = closing.verdict_lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].ends_with(": Wrong.") && lines[1].ends_with(": New."));
        assert_eq!(told(&closing), ["unchanged: 1 claim"]);
        assert!(!closing.all_as_expected());
    }
}
