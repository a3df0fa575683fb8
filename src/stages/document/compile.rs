//! The work of a job: lays the files, compiles, and keeps the PDF with all that it was made of.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use serde_json::json;

use super::Document;
use super::beside::Beside;
use super::date;
use super::engine::{Compile, Engine};
use super::failure::Compiled;
use super::latex_log;
use super::layout::{self, Layout, Source};
use super::references::broken;
use crate::figures::{csv, table};
use crate::pipeline::{Context, Input, Monitor, Progress, Span, Stop};

/// The folder of an artifact with all that the PDF was made of.
const SOURCE: &str = "source";
/// The file of an artifact that says what compiled it. It begins with a dot, so that it is not among what is shown.
const ENGINE: &str = ".engine.json";

/// Compiles a document.
pub fn run(document: &Document, layout: &Layout, job: &Context<'_>) -> Result<(), Stop> {
    // No output can have this name.
    let work = std::path::absolute(job.out)?.join(".work");
    let folder = work.join("document");
    fs::create_dir_all(&folder)?;
    for (laid, own) in &layout.own {
        lay(&own.path, &folder.join(laid))?;
    }
    let beside = lay_inputs(job, &folder)?;
    let sources = layout::sources(layout);
    whole(layout, &sources, &beside, job)?;
    let commands = commands(&folder, &beside);
    let compiled = Compiled {
        layout,
        sources: &sources,
        beside: &beside,
        commands: &commands,
    };
    let (mut notes, used) = match document.engine {
        Engine::None => (Vec::new(), None),
        _ => typeset(document, &compiled, &folder, job)?,
    };
    notes.extend(unused(&beside, used.as_ref()));
    job.warn(&notes)?;
    keep(layout, &beside, used.as_ref(), &folder, job)?;
    fs::remove_dir_all(&work)?;
    Ok(())
}

/// Copies a file to its place, where it cannot be written to.
fn lay(from: &Path, to: &Path) -> Result<(), Stop> {
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    fs::copy(from, to)
        .map_err(|error| Stop::failed(format!("{} cannot be read: {error}", from.display())))?;
    read_only(to)
}

fn read_only(path: &Path) -> Result<(), Stop> {
    let mut permissions = fs::metadata(path)?.permissions();
    permissions.set_readonly(true);
    fs::set_permissions(path, permissions)?;
    Ok(())
}

/// Lays what the stages left.
fn lay_inputs(job: &Context<'_>, folder: &Path) -> Result<Beside, Stop> {
    let mut beside = Beside::default();
    for input in job.all("from") {
        beside.given.insert(input.name.clone());
        let place = layout::folder(&input.name, &input.place);
        for (file, name) in layout::laid(input.artifact, input.files.keys()) {
            let laid = format!("{place}/{name}");
            lay_file(input, file, &folder.join(&laid))?;
            beside.made.insert(laid, input.name.clone());
        }
    }
    Ok(beside)
}

fn lay_file(input: &Input, file: &str, to: &Path) -> Result<(), Stop> {
    let from = input.file(file)?;
    let is_table = file.ends_with(".parquet") && to.extension().is_some_and(|e| e == "csv");
    if !is_table {
        return lay(from, to);
    }
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    csv::write(&table::read(from)?, to)?;
    read_only(to)
}

/// Refuses a document that names files which are not there.
fn whole(
    layout: &Layout,
    sources: &[Source],
    beside: &Beside,
    job: &Context<'_>,
) -> Result<(), Stop> {
    let lines = broken(sources, layout, beside, &[]).into_iter().map(|one| {
        let source = sources.iter().find(|source| source.laid == one.file);
        let text = source.map_or("", |source| source.text.as_str());
        let text = crate::pipeline::Source::new(layout.shown(&one.file), text);
        let (line, column) = Span::new(&text, one.range).line_column();
        let help = one.help.map_or(String::new(), |help| format!("; {help}"));
        format!("\n    {}:{line}:{column}: {}{help}", text.name, one.message)
    });
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        return Ok(());
    }
    let holes = job.holes.iter().map(|hole| format!("\n    {hole}"));
    let holes: String = holes.collect();
    let lacks = if holes.is_empty() {
        ""
    } else {
        "\n  some jobs left nothing"
    };
    Err(Stop::failed(format!(
        "the document names files that are not there{}{lacks}{holes}",
        lines.concat()
    )))
}

/// The commands that files of stages define, each with its stage.
fn commands(folder: &Path, beside: &Beside) -> BTreeMap<String, String> {
    let files = beside
        .made
        .iter()
        .filter(|(file, _)| file.ends_with(".tex"));
    let named = files.flat_map(|(file, stage)| {
        let text = fs::read_to_string(folder.join(file)).unwrap_or_default();
        let names = latex_log::defined(&text).into_iter();
        names.map(|name| (name, stage.clone())).collect::<Vec<_>>()
    });
    named.collect()
}

/// What a compile told, and which files it read, if its engine says so.
type Typeset = (Vec<String>, Option<BTreeSet<String>>);

/// Compiles, and moves the PDF to its place.
fn typeset(
    document: &Document,
    compiled: &Compiled<'_>,
    folder: &Path,
    job: &Context<'_>,
) -> Result<Typeset, Stop> {
    let format = document
        .format()
        .ok_or_else(|| Stop::failed("the document has no format"))?;
    let found = document.engine.find(format, job.environment);
    let (engine, program) = found.map_err(Stop::failed)?;
    let compile = Compile {
        engine,
        program: &program,
        folder,
        main: &compiled.layout.main,
        arguments: &document.arguments,
        now: document
            .date
            .as_deref()
            .and_then(date::seconds)
            .unwrap_or(0),
    };
    let listener = Listener {
        monitor: job.monitor,
        heard: Mutex::default(),
    };
    let heard = Context {
        monitor: &listener,
        ..*job
    };
    let ended = compile.run(&heard);
    let read = |extension: &str| {
        let bytes = fs::read(folder.join(format!("{}.{extension}", compile.stem())));
        String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
    };
    let log = read("log");
    let version = compile.version(&log, job);
    let line = format!("etude: compiled by {}, {version}\n", engine.program());
    job.monitor.says(line.as_bytes());
    match ended {
        Ok(()) => {}
        Err(Stop::Cancelled) => return Err(Stop::Cancelled),
        Err(Stop::Failed(message)) => {
            let printed = listener.text();
            let why = compiled.explained(&log, &printed).unwrap_or(message);
            return Err(Stop::Failed(why.replace(&*folder.to_string_lossy(), ".")));
        }
    }
    job.progress(Progress::default())?;
    let pdf = folder.join(format!("{}.pdf", compile.stem()));
    if !pdf.is_file() {
        let what = format!("{} ended well, but left no PDF", engine.program());
        return Err(Stop::failed(what));
    }
    fs::rename(&pdf, job.out.join(document.pdf(compile.stem())))?;
    let told = json!({ "engine": engine.program(), "version": version });
    fs::write(job.out.join(ENGINE), serde_json::to_vec_pretty(&told)?)?;
    let warnings = latex_log::warnings(&log);
    let notes = warnings
        .iter()
        .map(|warning| compiled.warned(warning))
        .collect();
    let recorded = read("fls");
    let home = recorded.lines().find_map(|line| line.strip_prefix("PWD "));
    let used = home.map(|home| latex_log::read_files(&recorded, home));
    Ok((notes, used))
}

/// The stages of which the document used nothing, where that is known.
fn unused(beside: &Beside, used: Option<&BTreeSet<String>>) -> Vec<String> {
    let Some(used) = used else { return Vec::new() };
    let in_use: BTreeSet<&String> = used
        .iter()
        .filter_map(|file| beside.made.get(file))
        .collect();
    let idle = beside.given.iter().filter(|stage| !in_use.contains(stage));
    idle.map(|stage| format!("the document uses nothing of the stage `{stage}`"))
        .collect()
}

/// Moves to the artifact what the PDF was made of: all files of the user's and, of the stages' files, those that were read.
fn keep(
    layout: &Layout,
    beside: &Beside,
    used: Option<&BTreeSet<String>>,
    folder: &Path,
    job: &Context<'_>,
) -> Result<(), Stop> {
    let made = beside.made.keys();
    let made = made.filter(|file| used.is_none_or(|used| used.contains(*file)));
    for file in layout.own.keys().chain(made) {
        let to = job.out.join(SOURCE).join(file);
        fs::create_dir_all(to.parent().unwrap_or(&to))?;
        fs::rename(folder.join(file), to)?;
    }
    Ok(())
}

/// Passes on what a program prints, and keeps the end of it.
struct Listener<'a> {
    monitor: &'a dyn Monitor,
    heard: Mutex<Vec<u8>>,
}

/// So many bytes are kept.
const KEPT: usize = 1 << 20;

impl Listener<'_> {
    fn text(&self) -> String {
        let heard = self.heard.lock().unwrap_or_else(|p| p.into_inner());
        String::from_utf8_lossy(&heard).into_owned()
    }
}

impl Monitor for Listener<'_> {
    fn progress(&self, progress: Progress) {
        self.monitor.progress(progress);
    }

    fn cancelled(&self) -> bool {
        self.monitor.cancelled()
    }

    fn saved(&self, state: Progress) {
        self.monitor.saved(state);
    }

    fn says(&self, text: &[u8]) {
        let mut heard = self.heard.lock().unwrap_or_else(|p| p.into_inner());
        heard.extend_from_slice(text);
        let over = heard.len().saturating_sub(KEPT);
        if over > KEPT {
            heard.drain(..over);
        }
        self.monitor.says(text);
    }

    fn warns(&self, message: &str) {
        self.monitor.warns(message);
    }
}
