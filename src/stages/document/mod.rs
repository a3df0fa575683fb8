//! `document`: a paper of the user's, compiled against what the stages left.
//!
//! The compile happens in a folder of its own, in which lie the user's files and, below a folder for each stage, what the
//! stages made; nothing else is seen. What the document names is held against that before anything runs.

mod beside;
mod compile;
mod date;
mod engine;
mod failure;
mod format;
mod latex;
mod latex_commands;
mod latex_log;
mod layout;
mod numerals;
mod quarto;
mod references;
mod scan;
mod typst;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::pipeline::{
    ArtifactType, Cardinality, Context, Origin, Outside, ParamError, Port, PortSyntax, Source,
    Span, Stage, Stop, Surroundings, files_at,
};
use beside::{alike, expected};
use engine::Engine;
use format::Format;
use layout::Layout;
use references::broken;

/// Compiles a paper in LaTeX, Typst or Quarto.
///
/// It reads the figures, tables and numbers of other stages.
///
/// It is compiled in a folder of its own. There lie your files as they lie beside the main file, and what the stages of
/// `from` left, each below its name: `\input{accuracy/table}`, `\includegraphics{bars/figure}`. A stage with several jobs
/// has a folder for each: `curves/method=reversed,seed=0/figure.pdf`. A table is also there as CSV. Nothing else is seen.
/// A path below these folders at which nothing will lie is an error before anything runs.
///
/// The PDF has no date but `date`, so the same files give the same bytes. If no engine is installed, this stage fails, and
/// all others run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The main file, from the project's root: `.tex`, `.typ`, `.qmd` or `.md`.
    main: String,
    /// Your other files that it reads, from the project's root: bibliographies, styles, pictures, parts of the text. Folders
    /// stand for all that is in them, and `paper/*.bib` for all that fits. When their contents change, it runs again.
    #[serde(default)]
    files: Vec<String>,
    /// What compiles it. Its version is kept in the log and beside the result; it is no part of the result's identity.
    #[serde(default)]
    engine: Engine,
    /// Further arguments for the engine.
    #[serde(default)]
    arguments: Vec<String>,
    /// How the PDF is called; without this, as the main file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    /// The day that the document takes for today, as `2026-05-31`; without this, the first of 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    /// What to do about numerals in the text that could be results and that no stage made.
    #[serde(default)]
    numerals: Numerals,
}

/// What to do about numerals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Numerals {
    /// Nothing.
    #[default]
    Off,
    /// Tell each of them.
    Warn,
    /// Run nothing while there is one.
    Error,
}

/// Arguments that would change where the result lies, or what the compile may do.
const REFUSED: [(&str, &str); 8] = [
    ("shell-escape", "the compile starts no programs"),
    ("enable-write18", "the compile starts no programs"),
    ("output-directory", "write `output` for the name of the PDF"),
    ("outdir", "write `output` for the name of the PDF"),
    ("jobname", "write `output` for the name of the PDF"),
    ("output", "write `output` for the name of the PDF"),
    ("root", "all files lie in one folder"),
    ("execute", "let a stage run the code"),
];

/// So many numerals are told; more are counted.
const NUMERALS: usize = 50;

impl Stage for Document {
    const KIND: &'static str = "document";
    const VERSION: u32 = 1;
    const OUTPUT: ArtifactType = ArtifactType::Document;
    const PORTS: &'static [Port] = &[Port {
        name: "from",
        cardinality: Cardinality::All,
        accepts: &[
            ArtifactType::Figure,
            ArtifactType::Table,
            ArtifactType::Numbers,
            ArtifactType::Verdict,
            ArtifactType::File,
        ],
        syntax: PortSyntax::NamedList,
        doc: "the figures, tables and numbers that it shows",
    }];

    fn param_errors(&self) -> Vec<ParamError> {
        let mut errors = Vec::new();
        match self.format() {
            None => {
                let what = format!("`{}` is no document that can be compiled", self.main);
                let help = "a document ends in `.tex`, `.typ`, `.qmd` or `.md`";
                errors.push(ParamError::new("main", what).help(help));
            }
            Some(format) => {
                let fits = matches!(self.engine, Engine::Auto | Engine::None)
                    || Engine::of(format).contains(&self.engine);
                if !fits {
                    let what = format!(
                        "{} does not compile {}",
                        self.engine.program(),
                        format.noun()
                    );
                    let can: Vec<String> = Engine::of(format)
                        .iter()
                        .map(|e| format!("`{}`", e.program()))
                        .collect();
                    let help = format!("{} is compiled by {}", format.noun(), can.join(", "));
                    errors.push(ParamError::new("engine", what).help(help));
                }
            }
        }
        if let Some(output) = &self.output {
            let stem = output.strip_suffix(".pdf").unwrap_or_default();
            let is_name =
                !stem.is_empty() && !output.starts_with('.') && !output.contains(['/', '\\']);
            if !is_name || output.chars().any(char::is_control) {
                let what = format!("`{}` cannot name the PDF", output.escape_debug());
                errors.push(
                    ParamError::new("output", what)
                        .help("a name without folders that ends in `.pdf`"),
                );
            }
        }
        if let Some(date) = &self.date
            && date::seconds(date).is_none()
        {
            let what = format!("`{date}` is no date");
            errors.push(
                ParamError::new("date", what)
                    .help("write year, month and day, as 2026-05-31; from 1970 on"),
            );
        }
        for argument in &self.arguments {
            let name = argument
                .trim_start_matches('-')
                .split('=')
                .next()
                .unwrap_or_default();
            let refused = REFUSED.iter().find(|(refused, _)| *refused == name);
            let why = match refused {
                Some((_, why)) if argument.starts_with('-') => (*why).to_string(),
                _ if argument.contains('\0') => "it holds the character 0".to_string(),
                _ => continue,
            };
            let what = format!(
                "the argument `{}` is not passed on",
                argument.escape_debug()
            );
            errors.push(ParamError::new(format!("arguments.{argument}"), what).help(why));
        }
        errors
    }

    /// The main file's path is part of the identity, as are those of `files`; what only warns is none.
    fn erase_stage_names(&self, parameters: &mut Json, _names: &BTreeMap<String, String>) {
        if let Some(parameters) = parameters.as_object_mut() {
            parameters.remove("files");
            parameters.remove("numerals");
            parameters.insert("document".into(), self.main.clone().into());
        }
    }

    /// All: the folders of jobs are called by their coordinates.
    fn columns_read(&self) -> Option<BTreeSet<String>> {
        None
    }

    fn reads(&self) -> Vec<Outside> {
        let main = Outside {
            parameter: "main".into(),
            path: self.main.clone(),
        };
        let files = self.files.iter().map(|path| Outside {
            parameter: format!("files.{path}"),
            path: path.clone(),
        });
        std::iter::once(main).chain(files).collect()
    }

    fn warnings(&self, around: &Surroundings<'_>) -> Vec<ParamError> {
        let mut warnings = Vec::new();
        if self.engine != Engine::None
            && let Some(format) = self.format()
            && let Err(why) = self.engine.find(format, around.environment)
        {
            let help = "the stages before it run, and this one fails";
            warnings.push(ParamError::new("main", why).help(help));
        }
        let at = |path: &String| Some(around.root.join(path));
        // What is wrong with the files is told elsewhere.
        let Ok(layout) = self.layout(around.root, at(&self.main), &at) else {
            return warnings;
        };
        let sources = layout::sources(&layout);
        warnings.extend(self.undated(&layout, &sources));
        if self.numerals == Numerals::Warn {
            warnings.extend(numerals_of(&layout, &sources));
        }
        warnings
    }

    fn check_origins(&self, here: &dyn Origin) -> Vec<ParamError> {
        let at = |path: &String| {
            here.outside(&format!("files.{path}"))
                .map(Path::to_path_buf)
        };
        let main = here.outside("main").map(Path::to_path_buf);
        // The root is above the main file, but for one that is told by an absolute path.
        let root = main
            .as_deref()
            .map(|main| above(main, &self.main))
            .unwrap_or_default();
        let layout = match self.layout(&root, main, &at) {
            Ok(layout) => layout,
            Err(None) => return Vec::new(),
            Err(Some(why)) => return vec![ParamError::new("files", why)],
        };
        let given = here.given("from");
        let mut errors = alike(&given);
        let beside = expected(&given);
        for (path, stage) in &beside.made {
            if let Some(own) = layout.own.get(path) {
                let what = format!(
                    "`{}` would lie where a file of the stage `{stage}` does",
                    own.shown
                );
                errors.push(
                    ParamError::new("files", what).help("call the file otherwise, or move it"),
                );
            }
        }
        let sources = layout::sources(&layout);
        for one in broken(&sources, &layout, &beside, &here.stages()) {
            let Some(source) = sources.iter().find(|source| source.laid == one.file) else {
                continue;
            };
            let error = ParamError::new("main", one.message);
            let mut error = error.within(span(&layout, source, one.range));
            error.help = one.help;
            errors.push(error);
        }
        if self.numerals == Numerals::Error {
            errors.extend(numerals_of(&layout, &sources));
        }
        errors
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let at = |path: &String| job.outside.get(&format!("files.{path}")).cloned();
        let main = job.outside.get("main").cloned();
        let layout = self.layout(job.root, main, &at).map_err(|why| {
            Stop::failed(why.unwrap_or_else(|| "a file of the document cannot be read".to_string()))
        })?;
        compile::run(self, &layout, job)
    }
}

impl Document {
    fn format(&self) -> Option<Format> {
        let is_package = self.main.ends_with(".sty") || self.main.ends_with(".cls");
        Format::of(&self.main).filter(|_| !is_package)
    }

    /// How the PDF is called.
    fn pdf(&self, stem: &str) -> String {
        self.output.clone().unwrap_or_else(|| format!("{stem}.pdf"))
    }

    /// Where the user's files are laid; `at` finds each of `files`. Nothing where one is not there, which is told elsewhere.
    fn layout(
        &self,
        root: &Path,
        main: Option<PathBuf>,
        at: &dyn Fn(&String) -> Option<PathBuf>,
    ) -> Result<Layout, Option<String>> {
        let main = main.ok_or(None)?;
        let mut files = Vec::new();
        for path in &self.files {
            let path = at(path).ok_or(None)?;
            files.extend(files_at(&path).map_err(|_| None)?);
        }
        Layout::new(root, &main, &files).map_err(Some)
    }

    /// Whether the document shows the day of its compilation, which is none that an author would expect.
    fn undated(&self, layout: &Layout, sources: &[layout::Source]) -> Option<ParamError> {
        if self.date.is_some() {
            return None;
        }
        let sets_date = sources.iter().any(|source| source.scan.sets_date);
        let (source, range) = sources.iter().find_map(|source| {
            let title = source.scan.title.clone().filter(|_| !sets_date);
            Some((source, source.scan.today.clone().or(title)?))
        })?;
        let what = "the document shows today's date, and that is 1 January 1970 here: the same files give the same PDF";
        let help = "set `date` of the stage, as date = \"2026-05-31\", or write the date into the document";
        Some(
            ParamError::new("main", what)
                .help(help)
                .within(span(layout, source, range)),
        )
    }
}

/// The root below which a path that was written leads to a file.
fn above(file: &Path, written: &str) -> PathBuf {
    let written = layout::normal(Path::new(written));
    let parts = written.components().count();
    match layout::normal(file).ancestors().nth(parts) {
        Some(root) if written.is_relative() => root.to_path_buf(),
        _ => file.parent().unwrap_or(file).to_path_buf(),
    }
}

/// A place in a file of the user's.
fn span(layout: &Layout, source: &layout::Source, range: std::ops::Range<usize>) -> Span {
    let text = Source::new(layout.shown(&source.laid), source.text.as_str());
    Span::new(&text, range)
}

/// The numerals that could be results, a place each.
fn numerals_of(layout: &Layout, sources: &[layout::Source]) -> Vec<ParamError> {
    let mut errors = Vec::new();
    let mut all = 0;
    for source in sources {
        for range in numerals::numerals(source.format, &source.text, &source.scan) {
            all += 1;
            if all > NUMERALS {
                continue;
            }
            let what = format!(
                "no stage stands behind the number {}",
                &source.text[range.clone()]
            );
            let help = format!(
                "take it from a table of numbers; if it is no result, end its line with `{}`",
                source.format.mark()
            );
            let error = ParamError::new("main", what).help(help);
            errors.push(error.within(span(layout, source, range)));
        }
    }
    if all > NUMERALS {
        let what = format!(
            "{} more numbers in the document have no stage behind them",
            all - NUMERALS
        );
        errors.push(ParamError::new("numerals", what));
    }
    errors
}
