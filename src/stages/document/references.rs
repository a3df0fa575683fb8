//! The files that a document names, held against those that will lie beside it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use super::beside::Beside;
use super::layout::{Layout, Source, candidates};
use super::scan::{Reference, Role};
use crate::pipeline::{alternatives, nearest};

/// A reference that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The file that holds it, as it is laid.
    pub file: String,
    /// Where in it.
    pub range: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// So many files are named; more are counted.
const NAMED: usize = 6;

/// The references of a document's text that lead to no file, neither of the user's nor of a stage. `stages` are the names of
/// all stages of the pipeline.
pub fn broken(
    sources: &[Source],
    layout: &Layout,
    beside: &Beside,
    stages: &[&str],
) -> Vec<Broken> {
    let folders = sources.iter().flat_map(|source| &source.scan.folders);
    let folders: Vec<String> = folders.cloned().collect();
    let mut all = Vec::new();
    for source in sources {
        for reference in &source.scan.references {
            let folders = if reference.role == Role::Image {
                &folders[..]
            } else {
                &[]
            };
            let paths = candidates(
                source.format,
                &source.laid,
                folders,
                &reference.path,
                reference.extensions,
            );
            let is_laid =
                |path: &String| layout.own.contains_key(path) || beside.made.contains_key(path);
            if paths.iter().any(is_laid) {
                continue;
            }
            let search = Search {
                reference,
                paths: &paths,
                layout,
                beside,
                stages,
                is_latex: !source.format.is_relative(),
            };
            if let Some((message, help)) = search.missing() {
                all.push(Broken {
                    file: source.laid.clone(),
                    range: reference.range.clone(),
                    message,
                    help,
                });
            }
        }
    }
    all
}

/// A reference that no file answers.
struct Search<'a> {
    reference: &'a Reference,
    paths: &'a [String],
    layout: &'a Layout,
    beside: &'a Beside,
    stages: &'a [&'a str],
    is_latex: bool,
}

impl Search<'_> {
    /// What is wrong and what to do; nothing where it may yet be right.
    fn missing(&self) -> Option<(String, Option<String>)> {
        let path = &self.reference.path;
        let first = |path: &String| path.split('/').next().unwrap_or_default().to_string();
        let below = self.paths.iter().filter(|path| path.contains('/'));
        let firsts: BTreeSet<String> = below.map(first).collect();
        if firsts.iter().any(|first| self.beside.open.contains(first)) {
            return None;
        }
        if let Some(stage) = firsts
            .iter()
            .find(|first| self.beside.given.contains(*first))
        {
            let message = format!("the stage `{stage}` makes no file `{path}`");
            return Some((message, Some(self.made_by(stage))));
        }
        if let Some(shown) = self.undeclared() {
            let message = format!(
                "`{shown}` is not declared, so it is not there when the document is compiled"
            );
            return Some((
                message,
                Some(format!("add {} to `files`", toml::Value::from(shown))),
            ));
        }
        if let Some(stage) = firsts
            .iter()
            .find(|first| self.stages.contains(&first.as_str()))
        {
            let message =
                format!("`{path}` is of the stage `{stage}`, which the document does not read");
            return Some((message, Some(format!("add \"{stage}\" to `from`"))));
        }
        // TeX has many files of its own, which it finds by their bare names: packages, texts to `\input`, bibliographies, and
        // some pictures to try with. What looks like a slip in the name of one of the document's is none of them.
        let is_bare = !path.contains('/');
        let near = self.nearest();
        let may_be_tex = match self.reference.role {
            Role::Package => true,
            Role::Text => is_bare && near.is_none(),
            Role::Data => {
                let is_bibliography =
                    path.ends_with(".bib") || self.reference.extensions == [".bib"];
                is_bare && is_bibliography && near.is_none()
            }
            Role::Image => path.starts_with("example-"),
            Role::Part => false,
        };
        if self.is_latex && may_be_tex {
            return None;
        }
        let files = self.layout.own.keys().chain(self.beside.made.keys());
        let message = format!("there is no file `{path}` beside the document");
        let help = near.map(|near| format!("did you mean `{near}`?"));
        let help = help.or_else(|| alternatives("files", path, files.map(String::as_str)));
        Some((message, help))
    }

    /// A file of the project that has the path, though it is not declared.
    fn undeclared(&self) -> Option<String> {
        let main = self.layout.own.get(&self.layout.main)?;
        let folder = main.path.parent()?;
        let there = self.paths.iter().find(|path| folder.join(path).is_file())?;
        let shown = Path::new(&main.shown)
            .parent()
            .map(|above| above.join(there));
        Some(shown?.to_string_lossy().into_owned())
    }

    /// The path that is nearest among all files, written as the reference is: with or without an extension.
    fn nearest(&self) -> Option<String> {
        let files = self.layout.own.keys().chain(self.beside.made.keys());
        self.near(files)
    }

    fn near<'b>(&self, files: impl Iterator<Item = &'b String>) -> Option<String> {
        let extensions = self.reference.extensions;
        let names = files.flat_map(|file| {
            let short = extensions.iter().find_map(|e| file.strip_suffix(e));
            std::iter::once(file.as_str()).chain(short)
        });
        let names: Vec<&str> = names.collect();
        nearest(&self.reference.path, names.iter().copied()).map(str::to_string)
    }

    /// The files of a stage, the nearest first.
    fn made_by(&self, stage: &str) -> String {
        let files = self.beside.made.iter().filter(|(_, by)| *by == stage);
        let files: Vec<&String> = files.map(|(file, _)| file).collect();
        if files.is_empty() {
            return format!("`{stage}` left nothing");
        }
        let near = self.near(files.iter().copied());
        let near = near.map_or(String::new(), |near| format!("did you mean `{near}`? "));
        let names: Vec<String> = files.iter().take(NAMED).map(|f| format!("`{f}`")).collect();
        let more = match files.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{near}it makes {}{more}", names.join(", "))
    }
}
