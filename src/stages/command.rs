//! `command`: any program as a stage.
//!
//! The program gets what it needs as variables of its environment and as a JSON file; nothing is ever spliced into text. It
//! runs in a group of processes of its own, which ends with the job, whatever ends that.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use polars::prelude::{DataFrame, DataType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::program;
use super::undeclared::undeclared;
use crate::figures::{csv, table};
use crate::pipeline::{
    ArtifactType, Cardinality, ColumnKind, ColumnShape, Columns, Context, Device, HOLES, Input,
    Outside, ParamError, Port, PortSyntax, Progress, Stage, Stop, Surroundings, WARNINGS,
};

/// Runs a program of your own.
///
/// It runs in the project's root and finds all it needs in its environment:
///
/// - `ETUDE_OUT`: an empty folder, where the declared outputs must appear.
/// - `ETUDE_INPUT_<NAME>`: where each input is: its file, or a folder if it has several files. An input of `all` is a folder with
///   one entry for each job.
/// - `ETUDE_PARAM_<NAME>`: each of `params`; lists and tables as JSON.
/// - `ETUDE_SEED`, `ETUDE_CORES`: the seed, and how many threads it may use.
/// - `CUDA_VISIBLE_DEVICES`: the cards that it asked for, with `resources = { gpu = 1 }` or `device = "cuda"`.
/// - `ETUDE_CHECKPOINT`: if it `resumes`, a folder that outlives failed attempts.
/// - `ETUDE_JOB`: a JSON file with all of this, and with the coordinates of the job and its inputs.
///
/// What it prints is kept in the job's log, which `etude log` shows. Of more than 64 MiB, the beginning and the end are kept.
/// Lines such as `etude: progress 0.4` or `etude: progress 40/100 epochs loss=0.3` show its progress. An exit code other than 0 is
/// a failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// The program and its arguments. There is no shell unless you name one.
    #[schemars(length(min = 1))]
    args: Vec<String>,
    /// Files and folders of the project that it reads, its scripts above all, from the project's root: when their contents
    /// change, it runs again. A pattern such as `configs/*.yaml` stands for the files that fit. Of a folder every file counts, hidden ones too, but not what programs leave beside content:
    /// `.git` and its kin, `__pycache__`, `.ipynb_checkpoints`, caches and environments of tools such as `.cache` and
    /// `.venv`, and settings, locks and swap files of editors.
    #[serde(default)]
    files: Vec<String>,
    /// Values for the program, by name; swept as `stage.params.name`.
    #[serde(default)]
    params: BTreeMap<String, Json>,
    /// Variables of your environment that it sees, besides PATH, HOME and a few like them; their values are part of a
    /// result's identity.
    #[serde(default)]
    env: Vec<String>,
    /// Further variables for it, with their values.
    #[serde(default)]
    variables: BTreeMap<String, String>,
    /// A seed for its random numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    /// How it is given tables.
    #[serde(default)]
    tables: Tables,
    /// Whether a new attempt goes on from what one that did not end left in `ETUDE_CHECKPOINT`.
    #[serde(default)]
    resumes: bool,
    /// What it leaves, by name. With one output, others read the stage; with several, `stage.name`.
    #[schemars(length(min = 1))]
    outputs: BTreeMap<String, Declared>,
}

/// Something that a program leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Declared {
    /// Where, below `ETUDE_OUT`.
    path: String,
    /// What: a table (`.csv` with a header, `.jsonl` or `.parquet`), a figure (`.svg`, `.pdf` or `.png`), a model (a folder),
    /// or a file (or folder) that only programs read. In a `.csv` nothing, `NA`, `NULL`, `None` and the like are missing values;
    /// a column of anything but numbers, or of numbers such as `007` that would change, is text, and the log says why.
    #[serde(rename = "type")]
    what: What,
    /// Of a table: its columns by name, each `bool`, `int`, `float` or `text`. The file must have these and no other, and
    /// what reads it is checked before anything runs. An empty cell is a missing value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    columns: Option<BTreeMap<String, ColumnKind>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum What {
    Table,
    Figure,
    Model,
    File,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Tables {
    /// As comma-separated values, which every language reads.
    #[default]
    Csv,
    /// As Parquet, which is smaller and has types.
    Parquet,
}

impl Stage for Command {
    const KIND: &'static str = "command";
    const VERSION: u32 = 2;
    const OUTPUT: ArtifactType = ArtifactType::File;
    const PORTS: &'static [Port] = &[
        Port {
            name: "inputs",
            cardinality: Cardinality::One,
            accepts: ArtifactType::ALL,
            syntax: PortSyntax::Named,
            doc: "what it reads, one artifact each",
        },
        Port {
            name: "all",
            cardinality: Cardinality::All,
            accepts: ArtifactType::ALL,
            syntax: PortSyntax::Named,
            doc: "what it reads all of at once",
        },
    ];
    const USES_DEVICE: bool = true;
    /// Nobody knows whether a program would use one.
    const TAKES_CARD: bool = false;
    const DECLARES_OUTPUTS: bool = true;
    const ROWS: &'static str = "what the program makes it";

    fn param_errors(&self) -> Vec<ParamError> {
        let mut param_errors = Vec::new();
        if self
            .args
            .first()
            .is_some_and(|program| program.trim().is_empty())
        {
            param_errors.push(ParamError::new("args", "the program has no name"));
        }
        let nul = |text: &String| text.contains('\0');
        if self.args.iter().any(nul) {
            param_errors.push(ParamError::new(
                "args",
                "an argument cannot hold the character 0",
            ));
        }
        for name in self.params.keys() {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
            if !begins || !name.chars().all(plain) {
                let what = format!("`{name}` cannot name a parameter");
                let param_error = ParamError::new(format!("params.{name}"), what);
                param_errors
                    .push(param_error.help("a name is a letter, then letters, digits or `_`"));
            }
        }
        let mut seen = BTreeSet::new();
        for name in self.params.keys() {
            if !seen.insert(name.to_ascii_uppercase()) {
                let what = format!("`{name}` differs from another parameter only in case");
                param_errors.push(ParamError::new(format!("params.{name}"), what));
            }
        }
        let env = self.env.iter().map(|name| (format!("env.{name}"), name));
        let variables = self.variables.keys();
        let variables = variables.map(|name| (format!("variables.{name}"), name));
        for (place, name) in env.chain(variables) {
            if name.is_empty() || name.contains(['=', '\0']) || name.starts_with("ETUDE_") {
                let what = format!("`{}` cannot name a variable", name.escape_debug());
                param_errors.push(ParamError::new(place, what));
            }
        }
        let texts = self.params.iter().filter_map(|(name, value)| {
            let text = value.as_str()?;
            Some((format!("params.{name}"), text))
        });
        let values = self.variables.iter();
        let values = values.map(|(name, value)| (format!("variables.{name}"), value.as_str()));
        for (place, text) in texts.chain(values) {
            if text.contains('\0') {
                param_errors.push(ParamError::new(
                    place,
                    "a variable cannot hold the character 0",
                ));
            }
        }
        self.outputs_in_order(&mut param_errors);
        param_errors
    }

    fn warnings(&self, around: &Surroundings<'_>) -> Vec<ParamError> {
        undeclared(&self.args, &self.files, around.root)
    }

    fn environment(&self) -> Vec<String> {
        self.env.clone()
    }

    fn saves(&self) -> bool {
        self.resumes
    }

    /// A program finds its files by their paths, so those count, and stand beside their contents already; their order
    /// nobody sees.
    fn erase_stage_names(&self, parameters: &mut Json, _names: &BTreeMap<String, String>) {
        if let Some(parameters) = parameters.as_object_mut() {
            parameters.remove("files");
        }
    }

    fn output_columns(&self, output: &str) -> Option<Vec<ColumnShape>> {
        let columns = self.outputs.get(output)?.columns.as_ref()?.iter();
        Some(
            columns
                .map(|(name, kind)| ColumnShape::new(name.as_str(), *kind))
                .collect(),
        )
    }

    /// Of a model or a file nobody knows whether it is a folder.
    fn files(&self, output: Option<&str>) -> Option<Vec<String>> {
        let declared = self.outputs.get(output?)?;
        match declared.what {
            What::Table => Some(vec!["table.parquet".into()]),
            What::Figure => {
                let extension = Path::new(&declared.path).extension()?;
                Some(vec![format!("figure.{}", extension.to_string_lossy())])
            }
            What::Model | What::File => None,
        }
    }

    /// All: coordinates are in the file that tells a program what it is given.
    fn columns_read(&self) -> Option<BTreeSet<String>> {
        None
    }

    fn reads(&self) -> Vec<Outside> {
        let files = self.files.iter().map(|path| Outside {
            parameter: format!("files.{path}"),
            path: path.clone(),
        });
        files.collect()
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let work = WorkFolders::new(job)?;
        self.call(job, &work)
            .map_err(|stop| work.told_by_name(stop))?;
        job.progress(Progress::default())?;
        let mut notes = Vec::new();
        for (name, declared) in &self.outputs {
            declared.take(job, &work.out, &job.out.join(name), &mut notes)?;
        }
        job.warn(&notes)?;
        work.clear(self, job)?;
        Ok(())
    }
}

impl Command {
    /// Paths of outputs lie below the folder they are written to, and none in another.
    fn outputs_in_order(&self, param_errors: &mut Vec<ParamError>) {
        let mut before: Vec<(&String, PathBuf)> = Vec::new();
        for (name, declared) in &self.outputs {
            for column in declared.columns.iter().flat_map(BTreeMap::keys) {
                let what = match declared.what {
                    What::Table if column.is_empty() => "a column has no name".to_string(),
                    What::Table if column.trim() == column => continue,
                    What::Table => format!("spaces stand around the name of the column `{column}`"),
                    other => format!("{} has no columns", other.noun()),
                };
                let parameter = format!("outputs.{name}.columns");
                param_errors.push(ParamError::new(parameter, what));
                break;
            }
            let path = Path::new(&declared.path);
            let inside = |part: Component<'_>| matches!(part, Component::Normal(_));
            let control = declared.path.chars().any(char::is_control);
            if declared.path.is_empty() || control || !path.components().all(inside) {
                let what = format!(
                    "`{}` does not lie in the folder for outputs",
                    declared.path.escape_debug()
                );
                let help = "a path is taken from ETUDE_OUT, and leads nowhere else";
                param_errors.push(ParamError::new(format!("outputs.{name}.path"), what).help(help));
                continue;
            }
            let mut complain = |what: String| {
                let parameter = format!("outputs.{name}.path");
                param_errors.push(ParamError::new(parameter, what));
            };
            let extension = path.extension().unwrap_or_default().to_string_lossy();
            let known: &[&str] = match declared.what {
                What::Table => &["csv", "jsonl", "parquet"],
                What::Figure => &["svg", "pdf", "png"],
                What::Model | What::File => &[],
            };
            if !known.is_empty() && !known.contains(&extension.as_ref()) {
                let (noun, known) = (declared.what.noun(), known.join("`, `."));
                complain(format!("{noun} is a file that ends in `.{known}`"));
            }
            let path: PathBuf = path.components().collect();
            if let Some((other, _)) = before
                .iter()
                .find(|(_, other)| other.starts_with(&path) || path.starts_with(other))
            {
                complain(format!(
                    "the outputs `{other}` and `{name}` lie in each other"
                ));
            }
            before.push((name, path));
        }
    }

    /// Runs the program to its end.
    fn call(&self, job: &Context<'_>, work: &WorkFolders) -> Result<(), Stop> {
        let [program, arguments @ ..] = self.args.as_slice() else {
            return Err(Stop::failed("there is no program to run"));
        };
        let mut command = std::process::Command::new(program);
        command
            .args(arguments)
            .current_dir(job.root)
            .env_clear()
            .envs(self.variables(job, work)?);
        program::run(&mut command, job)
    }

    /// Everything the program is told, as variables; the file with the same is written on the way.
    fn variables(
        &self,
        job: &Context<'_>,
        work: &WorkFolders,
    ) -> Result<BTreeMap<OsString, OsString>, Stop> {
        let mut all: BTreeMap<OsString, OsString> = BTreeMap::new();
        for name in ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"] {
            all.insert(name.into(), job.cores.to_string().into());
        }
        // A folder among `files` must not change because something in it is imported.
        all.insert("PYTHONDONTWRITEBYTECODE".into(), "1".into());
        // It sees the cards that are its own, and without any none.
        if let Some(cards) = job.cards {
            all.insert("CUDA_VISIBLE_DEVICES".into(), cards.join(",").into());
        }
        for (name, value) in job.environment {
            if let Some(value) = value {
                all.insert(name.into(), value.into());
            }
        }
        for (name, value) in &self.variables {
            all.insert(name.into(), value.into());
        }
        let mut told = json!({
            "parameters": self.params,
            "seed": self.seed,
            "out": work.out,
            "cores": job.cores,
            "device": job.device,
            "outputs": self.outputs,
            "holes": job.holes,
            "inputs": {},
        });
        all.insert("ETUDE_OUT".into(), work.out.clone().into());
        all.insert("ETUDE_CORES".into(), job.cores.to_string().into());
        let device = match job.device {
            Device::Auto => "auto",
            Device::Cpu => "cpu",
            Device::Cuda => "cuda",
        };
        all.insert("ETUDE_DEVICE".into(), device.into());
        if let Some(seed) = self.seed {
            all.insert("ETUDE_SEED".into(), seed.to_string().into());
        }
        if self.resumes {
            let checkpoint = absolute(job.checkpoint)?;
            told["checkpoint"] = json!(checkpoint);
            all.insert("ETUDE_CHECKPOINT".into(), checkpoint.into());
        }
        for (name, value) in &self.params {
            let text = match value {
                Json::String(text) => text.clone(),
                other => other.to_string(),
            };
            let name = format!("ETUDE_PARAM_{}", name.to_ascii_uppercase());
            all.insert(name.into(), text.into());
        }
        for input in job.all("inputs") {
            let folder = work.inputs.join(&input.name);
            let (path, files) = self.offer(input, &folder)?;
            told["inputs"][&input.name] = json!({
                "path": path,
                "type": input.artifact,
                "files": files,
                "columns": input.columns,
            });
            let name = format!("ETUDE_INPUT_{}", input.name.to_ascii_uppercase());
            all.insert(name.into(), path.into());
        }
        let mut lists: BTreeMap<&str, Vec<Json>> = BTreeMap::new();
        let mut folders = BTreeSet::new();
        for input in job.all("all") {
            let list = lists.entry(&input.name).or_default();
            let mut folder = format!(
                "{}/{}",
                input.name,
                coordinates(&input.columns, &input.texts)
            );
            // Some file systems do not tell small letters from large ones.
            if !folders.insert(folder.to_lowercase()) {
                folder.push_str(&format!("~{}", list.len()));
            }
            let (path, files) = self.offer(input, &work.inputs.join(folder))?;
            list.push(json!({
                "path": path,
                "type": input.artifact,
                "files": files,
                "columns": input.columns,
            }));
        }
        for (name, list) in lists {
            told["inputs"][name] = json!(list);
            let variable = format!("ETUDE_INPUT_{}", name.to_ascii_uppercase());
            all.insert(variable.into(), work.inputs.join(name).into());
        }
        let text = serde_json::to_vec_pretty(&told)?;
        fs::write(&work.told, text)?;
        all.insert("ETUDE_JOB".into(), work.told.clone().into());
        Ok(all)
    }

    /// Lays an input before the program: links to its files, tables as text. Where it lies, and all its files by name.
    fn offer(
        &self,
        input: &Input,
        folder: &Path,
    ) -> Result<(PathBuf, BTreeMap<String, PathBuf>), Stop> {
        let mut files = BTreeMap::new();
        for (name, path) in &input.files {
            if name == HOLES || name == WARNINGS {
                continue;
            }
            let mut tables = input.artifact.tables().iter();
            let is_table = tables.any(|table| table.file == name);
            let stem = name
                .strip_suffix(".parquet")
                .filter(|_| is_table && self.tables == Tables::Csv);
            let name = match stem {
                Some(stem) => format!("{stem}.csv"),
                None => name.clone(),
            };
            let to = folder.join(&name);
            fs::create_dir_all(to.parent().unwrap_or(folder))?;
            match stem {
                Some(_) => csv::write(&table::read(path)?, &to)?,
                None => link(&absolute(path)?, &to)?,
            }
            files.insert(name, to);
        }
        let place = match files.values().next() {
            Some(only) if files.len() == 1 => only.clone(),
            _ => folder.to_path_buf(),
        };
        Ok((place, files))
    }
}

/// The program runs in another folder than its worker, and so do links.
fn absolute(path: &Path) -> std::io::Result<PathBuf> {
    std::path::absolute(path)
}

/// Coordinates as the name of a folder: `method=a,seed=0`, each value as its label is called.
fn coordinates(columns: &Columns, texts: &BTreeMap<String, String>) -> String {
    const LONGEST: usize = 150;
    let pairs = columns.iter().map(|(name, value)| match texts.get(name) {
        Some(text) => format!("{name}={text}"),
        None => format!("{name}={value}"),
    });
    let mut name = String::new();
    for c in pairs.collect::<Vec<_>>().join(",").chars() {
        match c {
            c if c.is_alphanumeric() || "=,._+-()".contains(c) => name.push(c),
            c => name.push_str(&format!("%{:02X}", u32::from(c))),
        }
        if name.len() > LONGEST {
            name.push('~');
            break;
        }
    }
    if name.is_empty() {
        "0".to_string()
    } else {
        name
    }
}

#[cfg(unix)]
fn link(path: &Path, to: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(path, to)
}

#[cfg(not(unix))]
fn link(path: &Path, to: &Path) -> std::io::Result<()> {
    fs::copy(path, to).map(drop)
}

/// The folders that a program works with, beside what becomes the artifact.
struct WorkFolders {
    root: PathBuf,
    out: PathBuf,
    inputs: PathBuf,
    told: PathBuf,
}

impl WorkFolders {
    fn new(job: &Context<'_>) -> Result<Self, Stop> {
        // No output can have this name.
        let root = absolute(job.out)?.join(".work");
        let work = Self {
            out: root.join("out"),
            inputs: root.join("inputs"),
            told: root.join("job.json"),
            root,
        };
        fs::create_dir_all(&work.out)?;
        fs::create_dir_all(&work.inputs)?;
        Ok(work)
    }

    /// A failure in which the folders are called what the program knows them by, and not by paths that are gone soon.
    fn told_by_name(&self, stop: Stop) -> Stop {
        let Stop::Failed(message) = stop else {
            return stop;
        };
        let names = [
            (&self.out, "ETUDE_OUT"),
            (&self.inputs, "inputs"),
            (&self.told, "ETUDE_JOB"),
        ];
        let message = names.iter().fold(message, |message, (path, name)| {
            let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
            let message = message.replace(&*real.to_string_lossy(), name);
            message.replace(&*path.to_string_lossy(), name)
        });
        Stop::Failed(message)
    }

    /// Removes the folders, and says what was left there and not declared.
    fn clear(self, command: &Command, job: &Context<'_>) -> Result<(), Stop> {
        for entry in fs::read_dir(&self.out)? {
            let name = entry?.file_name();
            let name = name.to_string_lossy();
            let declared = command.outputs.values().any(|declared| {
                let first = Path::new(&declared.path).components().next();
                first.is_some_and(|first| first.as_os_str() == name.as_ref())
            });
            if !declared {
                let line = format!("etude: `{name}` is not among the outputs and was dropped\n");
                job.monitor.says(line.as_bytes());
            }
        }
        fs::remove_dir_all(&self.root)?;
        Ok(())
    }
}

impl What {
    fn noun(self) -> &'static str {
        match self {
            Self::Table => "a table",
            Self::Figure => "a figure",
            Self::Model => "a model",
            Self::File => "a file",
        }
    }
}

impl Declared {
    /// The types of its columns, as tables have them.
    fn types(&self) -> Option<csv::Declared> {
        let columns = self.columns.as_ref()?.iter();
        let types = columns.map(|(name, kind)| {
            let kind = match kind {
                ColumnKind::Bool => DataType::Boolean,
                ColumnKind::Int => DataType::Int64,
                ColumnKind::Float => DataType::Float64,
                ColumnKind::Text => DataType::String,
            };
            (name.clone(), kind)
        });
        Some(types.collect())
    }

    /// The table in a file, with the types that are declared, if any are.
    fn rows(
        &self,
        job: &Context<'_>,
        from: &Path,
        extension: &str,
        notes: &mut Vec<String>,
    ) -> Result<DataFrame, table::Error> {
        let types = self.types();
        let read = match extension {
            "csv" => csv::read(from, types.as_ref())?,
            "jsonl" => csv::read_json(from, types.as_ref())?,
            _ => {
                let rows = table::plain(&table::read(from)?)?;
                let rows = match &types {
                    Some(types) => csv::with_declared(from, rows, types)?,
                    None => rows,
                };
                csv::Read {
                    table: rows,
                    notes: Vec::new(),
                }
            }
        };
        for note in read.notes {
            let line = format!("in `{}`, {note}", self.path);
            job.monitor.says(format!("etude: {line}\n").as_bytes());
            notes.push(line);
        }
        Ok(read.table)
    }

    /// Moves what the program left to its place in the artifact.
    fn take(
        &self,
        job: &Context<'_>,
        out: &Path,
        to: &Path,
        notes: &mut Vec<String>,
    ) -> Result<(), Stop> {
        let refused = |why: &str| Stop::failed(format!("`{}` in ETUDE_OUT {why}", self.path));
        let from = out.join(&self.path);
        let Ok(meta) = fs::symlink_metadata(&from) else {
            let what = format!("the program ended well, but left no `{}`", self.path);
            return Err(Stop::failed(format!("{what} in ETUDE_OUT; {}", there(out))));
        };
        let is_link = |path: &Path| fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink());
        let mut ancestors = from.ancestors().take_while(|path| *path != out);
        if is_link(out) || ancestors.any(is_link) {
            return Err(refused("is a link; outputs must be files of their own"));
        }
        if meta.is_dir() {
            if matches!(self.what, What::Table | What::Figure) {
                return Err(refused(&format!(
                    "is a folder, and {} is a file",
                    self.what.noun()
                )));
            }
            if !settle(&from, out)? {
                return Err(refused("is a folder without a file"));
            }
            fs::rename(&from, to)?;
            return Ok(());
        }
        if self.what == What::Model {
            return Err(refused("is no folder, and a model is one"));
        }
        settle(&from, out)?;
        fs::create_dir_all(to)?;
        let extension = from.extension().unwrap_or_default().to_string_lossy();
        let table = to.join("table.parquet");
        match (self.what, extension.as_ref()) {
            (What::Table, extension) => {
                let refused = |error: table::Error| match error {
                    table::Error::NotATable { reason, .. } => {
                        refused(&format!("is not a readable table: {reason}"))
                    }
                    other => refused(&format!("cannot be taken: {other}")),
                };
                let rows = self.rows(job, &from, extension, notes).map_err(refused)?;
                // Whatever wrote it, the same rows are the same bytes.
                table::write(&rows, &table)?;
            }
            (What::Figure, extension) => fs::rename(&from, to.join(format!("figure.{extension}")))?,
            _ => {
                let name = from.file_name().unwrap_or_default();
                fs::rename(&from, to.join(name))?;
            }
        }
        Ok(())
    }
}

/// What lies in a folder, in words.
fn there(out: &Path) -> String {
    const MOST: usize = 5;
    let entries = fs::read_dir(out).into_iter().flatten().flatten();
    let names = entries.map(|entry| format!("`{}`", entry.file_name().to_string_lossy()));
    let mut names: Vec<String> = names.collect();
    names.sort();
    let more = names.len().saturating_sub(MOST);
    names.truncate(MOST);
    match (names.is_empty(), more) {
        (true, _) => "there is nothing".to_string(),
        (_, 0) => format!("there is {}", names.join(", ")),
        (_, more) => format!("there is {} and {more} more", names.join(", ")),
    }
}

/// Holds that a file, or all below a folder, is the program's own and nothing but files; whether there is one. A file that
/// has another name elsewhere is copied: the store will take its rights to write away, and that is for no other name.
fn settle(path: &Path, out: &Path) -> Result<bool, Stop> {
    let meta = fs::symlink_metadata(path)?;
    if meta.is_dir() {
        let mut some = false;
        let unreadable = |error| {
            let name = path.strip_prefix(out).unwrap_or(path).display();
            Stop::failed(format!("`{name}` in ETUDE_OUT cannot be read: {error}"))
        };
        for entry in fs::read_dir(path).map_err(unreadable)? {
            some |= settle(&entry?.path(), out)?;
        }
        return Ok(some);
    }
    if !meta.is_file() {
        let name = path.strip_prefix(out).unwrap_or(path).display();
        let what = if meta.is_symlink() {
            "a link; outputs must be files of their own"
        } else {
            "neither a file nor a folder"
        };
        return Err(Stop::failed(format!("`{name}` in ETUDE_OUT is {what}")));
    }
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(&meta) > 1 {
        let copy = out.with_file_name("copy");
        fs::copy(path, &copy)?;
        fs::rename(&copy, path)?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn param_errors(json: Json) -> Vec<String> {
        let mut whole =
            json!({ "args": ["true"], "outputs": { "x": { "path": "x", "type": "file" } } });
        for (key, value) in json.as_object().unwrap() {
            whole[key] = value.clone();
        }
        let command: Command = serde_json::from_value(whole).unwrap();
        let param_errors = command.param_errors().into_iter();
        param_errors
            .map(|c| format!("{}: {}", c.parameter, c.message))
            .collect()
    }

    #[test]
    fn outputs_lie_in_their_folder_each_in_a_place_of_its_own() {
        assert_eq!(param_errors(json!({})), Vec::<String>::new());
        for path in ["../x", "/x", "a/../b", "", ".", "a\u{7}b"] {
            let said =
                param_errors(json!({ "outputs": { "x": { "path": path, "type": "file" } } }));
            assert_eq!(said.len(), 1, "{path:?}: {said:?}");
        }
        let said = param_errors(json!({ "outputs": {
            "a": { "path": "m", "type": "model" },
            "b": { "path": "m/log.txt", "type": "file" },
            "c": { "path": "t.txt", "type": "table" },
        } }));
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(
            said[0].contains("`a` and `b` lie in each other"),
            "{said:?}"
        );
        assert!(said[1].contains("ends in `.csv`"), "{said:?}");
    }

    #[test]
    fn names_become_variables_and_must_be_fit_for_that() {
        assert_eq!(param_errors(json!({ "params": { "a b": 1 } })).len(), 1);
        assert_eq!(
            param_errors(json!({ "params": { "a": 1, "A": 1 } })).len(),
            1
        );
        assert_eq!(
            param_errors(json!({ "env": ["A=B", "ETUDE_OUT"] })).len(),
            2
        );
        assert_eq!(param_errors(json!({ "args": [" "] })).len(), 1);
    }
}
