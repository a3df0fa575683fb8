//! `command`: any program as a stage.
//!
//! The program gets what it needs as variables of its environment and as a JSON file; nothing is ever spliced into text. It
//! runs in a group of processes of its own, which ends with the job, whatever ends that.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Component, Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::figures::{csv, table};
use crate::pipeline::{
    ArtifactType, Complaint, Context, Device, HOLES, Holds, Input, Outside, Port, Progress, Stage,
    Stop, Takes,
};

/// Runs a program of your own.
///
/// It runs in the project's root. `ETUDE_OUT` names an empty folder, where the declared outputs must appear;
/// `ETUDE_INPUT_<NAME>` where each input lies: its file, or a folder if it has several or if it is one of `all`, which has
/// a folder for each. `ETUDE_PARAM_<NAME>` holds each of `params` (lists and tables as JSON), `ETUDE_SEED` the seed,
/// `ETUDE_CORES` how many threads it may use, `ETUDE_CHECKPOINT` a folder that outlives failed attempts, if it `resumes`.
/// `ETUDE_JOB` names a JSON file with all of that, coordinates included.
///
/// What it prints is kept in the job's log (`etude log`); lines such as `etude: progress 0.4` or
/// `etude: progress 40/100 epochs loss=0.3` show how far it is. An exit code other than 0 is a failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// The program and its arguments. There is no shell unless you name one.
    #[schemars(length(min = 1))]
    args: Vec<String>,
    /// Files and folders of the project that it reads, its scripts above all, from the project's root: when their contents
    /// change, it runs again.
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
    /// or a file (or folder) that only programs read.
    #[serde(rename = "type")]
    what: What,
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

const EVERYTHING: &[ArtifactType] = &[
    ArtifactType::Dataset,
    ArtifactType::Model,
    ArtifactType::Answers,
    ArtifactType::Table,
    ArtifactType::Figure,
    ArtifactType::Verdict,
    ArtifactType::File,
];

/// How long a program that was told to end may take to do so.
const GRACE: Duration = Duration::from_secs(20);
const TICK: Duration = Duration::from_millis(20);
/// So many last lines of what a program printed are part of the message when it fails.
const LAST: usize = 5;
/// Longer lines are cut.
const WIDE: usize = 500;

impl Stage for Command {
    const KIND: &'static str = "command";
    const VERSION: u32 = 1;
    const OUTPUT: ArtifactType = ArtifactType::File;
    const PORTS: &'static [Port] = &[
        Port {
            name: "inputs",
            takes: Takes::One,
            accepts: EVERYTHING,
            holds: Holds::Named,
            doc: "what it reads, one artifact each",
        },
        Port {
            name: "all",
            takes: Takes::All,
            accepts: EVERYTHING,
            holds: Holds::Named,
            doc: "what it reads all of at once",
        },
    ];
    const USES_DEVICE: bool = true;
    const DECLARES_OUTPUTS: bool = true;

    fn complaints(&self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        if self
            .args
            .first()
            .is_some_and(|program| program.trim().is_empty())
        {
            complaints.push(Complaint::new("args", "the program has no name"));
        }
        let nul = |text: &String| text.contains('\0');
        if self.args.iter().any(nul) {
            complaints.push(Complaint::new(
                "args",
                "an argument cannot hold the character 0",
            ));
        }
        for name in self.params.keys() {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
            if !begins || !name.chars().all(plain) {
                let what = format!("`{name}` cannot name a parameter");
                let complaint = Complaint::new(format!("params.{name}"), what);
                complaints.push(complaint.help("a name is a letter, then letters, digits or `_`"));
            }
        }
        let mut seen = BTreeSet::new();
        for name in self.params.keys() {
            if !seen.insert(name.to_ascii_uppercase()) {
                let what = format!("`{name}` differs from another parameter only in case");
                complaints.push(Complaint::new(format!("params.{name}"), what));
            }
        }
        for name in self.env.iter().chain(self.variables.keys()) {
            if name.is_empty() || name.contains(['=', '\0']) || name.starts_with("ETUDE_") {
                let what = format!("`{name}` cannot name a variable");
                complaints.push(Complaint::new("env", what));
            }
        }
        self.outputs_in_order(&mut complaints);
        complaints
    }

    fn environment(&self) -> Vec<String> {
        self.env.clone()
    }

    fn saves(&self) -> bool {
        self.resumes
    }

    /// All: coordinates are in the file that tells a program what it is given.
    fn columns_read(&self) -> Option<BTreeSet<String>> {
        None
    }

    fn reads(&self) -> Vec<Outside> {
        let files = self.files.iter().enumerate();
        let files = files.map(|(at, path)| Outside {
            parameter: format!("files.{at}"),
            path: path.clone(),
        });
        files.collect()
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let desk = Desk::new(job)?;
        self.call(job, &desk)?;
        job.progress(Progress::default())?;
        for (name, declared) in &self.outputs {
            declared.take(&desk.out, &job.out.join(name))?;
        }
        desk.clear(self, job)?;
        Ok(())
    }
}

impl Command {
    /// Paths of outputs lie below the folder they are written to, and none in another.
    fn outputs_in_order(&self, complaints: &mut Vec<Complaint>) {
        let mut before: Vec<(&String, PathBuf)> = Vec::new();
        for (name, declared) in &self.outputs {
            let mut complain = |what: String| {
                let parameter = format!("outputs.{name}.path");
                complaints.push(Complaint::new(parameter, what));
            };
            let path = Path::new(&declared.path);
            let inside = |part: Component<'_>| matches!(part, Component::Normal(_));
            let control = declared.path.chars().any(char::is_control);
            if declared.path.is_empty() || control || !path.components().all(inside) {
                complain(format!(
                    "`{}` does not lie in the folder for outputs",
                    declared.path.escape_debug()
                ));
                continue;
            }
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
    fn call(&self, job: &Context<'_>, desk: &Desk) -> Result<(), Stop> {
        let [program, arguments @ ..] = self.args.as_slice() else {
            return Err(Stop::failed("there is no program to run"));
        };
        let mut command = std::process::Command::new(program);
        command
            .args(arguments)
            .current_dir(job.root)
            .env_clear()
            .envs(self.variables(job, desk)?)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().map_err(|error| {
            let root = job.root.display();
            let hint = match error.kind() {
                std::io::ErrorKind::NotFound => {
                    "; it is looked for on PATH, or from the project's root if its name holds a `/`"
                }
                _ => "",
            };
            Stop::failed(format!("cannot run `{program}` in {root}: {error}{hint}"))
        })?;
        attend(child, job)
    }

    /// Everything the program is told, as variables; the file with the same is written on the way.
    fn variables(
        &self,
        job: &Context<'_>,
        desk: &Desk,
    ) -> Result<BTreeMap<OsString, OsString>, Stop> {
        let mut all: BTreeMap<OsString, OsString> = BTreeMap::new();
        for name in ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"] {
            all.insert(name.into(), job.cores.to_string().into());
        }
        all.insert("CUDA_VISIBLE_DEVICES".into(), job.cards.join(",").into());
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
            "out": desk.out,
            "cores": job.cores,
            "device": job.device,
            "outputs": self.outputs,
            "holes": job.holes,
            "inputs": {},
        });
        all.insert("ETUDE_OUT".into(), desk.out.clone().into());
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
            all.insert("ETUDE_CHECKPOINT".into(), job.checkpoint.into());
            told["checkpoint"] = json!(job.checkpoint);
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
            let folder = desk.inputs.join(&input.name);
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
        for input in job.all("all") {
            let list = lists.entry(&input.name).or_default();
            let folder = desk.inputs.join(&input.name).join(list.len().to_string());
            let (path, files) = self.offer(input, &folder)?;
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
            all.insert(variable.into(), desk.inputs.join(name).into());
        }
        let text = serde_json::to_vec_pretty(&told)?;
        fs::write(&desk.told, text)?;
        all.insert("ETUDE_JOB".into(), desk.told.clone().into());
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
            if name == HOLES {
                continue;
            }
            let as_text = self.tables == Tables::Csv && name.ends_with(".parquet");
            let name = match as_text {
                true => name.replace(".parquet", ".csv"),
                false => name.clone(),
            };
            let to = folder.join(&name);
            fs::create_dir_all(to.parent().unwrap_or(folder))?;
            match as_text {
                true => csv::write(&table::read(path)?, &to)?,
                false => link(path, &to)?,
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

#[cfg(unix)]
fn link(path: &Path, to: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(path, to)
}

#[cfg(not(unix))]
fn link(path: &Path, to: &Path) -> std::io::Result<()> {
    fs::copy(path, to).map(drop)
}

/// The folders that a program works with, beside what becomes the artifact.
struct Desk {
    root: PathBuf,
    out: PathBuf,
    inputs: PathBuf,
    told: PathBuf,
}

impl Desk {
    fn new(job: &Context<'_>) -> Result<Desk, Stop> {
        // No output can have this name.
        let root = std::path::absolute(job.out)?.join(".desk");
        let desk = Desk {
            out: root.join("out"),
            inputs: root.join("inputs"),
            told: root.join("job.json"),
            root,
        };
        fs::create_dir_all(&desk.out)?;
        fs::create_dir_all(&desk.inputs)?;
        Ok(desk)
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
            What::Table => "a table",
            What::Figure => "a figure",
            What::Model => "a model",
            What::File => "a file",
        }
    }
}

impl Declared {
    /// Moves what the program left to its place in the artifact.
    fn take(&self, out: &Path, to: &Path) -> Result<(), Stop> {
        let from = out.join(&self.path);
        let Ok(meta) = fs::symlink_metadata(&from) else {
            let what = format!("the program ended well, but left no `{}`", self.path);
            return Err(Stop::failed(format!("{what} in ETUDE_OUT")));
        };
        let is_link = |path: &Path| fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink());
        let mut ancestors = from.ancestors().take_while(|path| *path != out);
        if ancestors.any(is_link) {
            let what = format!(
                "`{}` is a link; outputs must be files of their own",
                self.path
            );
            return Err(Stop::failed(what));
        }
        let wants_folder = self.what == What::Model;
        if wants_folder != meta.is_dir() && self.what != What::File {
            let noun = if wants_folder { "a folder" } else { "a file" };
            let what = format!(
                "`{}` should be {noun}, as {} is",
                self.path,
                self.what.noun()
            );
            return Err(Stop::failed(what));
        }
        if meta.is_dir() {
            fs::rename(&from, to)?;
            return Ok(());
        }
        fs::create_dir_all(to)?;
        let extension = from.extension().unwrap_or_default().to_string_lossy();
        match (self.what, extension.as_ref()) {
            (What::Table, "csv") => table::write(&csv::read(&from)?, &to.join("table.parquet"))?,
            (What::Table, "jsonl") => {
                table::write(&csv::read_json(&from)?, &to.join("table.parquet"))?;
            }
            (What::Table, _) => {
                // Whatever wrote it, the same rows are the same bytes.
                table::write(&table::read(&from)?, &to.join("table.parquet"))?;
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

/// What comes from the streams of a program.
enum Heard {
    Progress(Progress),
    Text(Vec<u8>),
    /// A line that may be worth telling if it was among the last.
    Line(String),
}

/// Waits for a program, hears what it prints, and ends it with all it started when the job is to stop.
fn attend(mut child: Child, job: &Context<'_>) -> Result<(), Stop> {
    let group = child.id();
    job.monitor.group(group, true);
    let (sender, heard) = mpsc::channel();
    let streams = [
        child
            .stdout
            .take()
            .map(|out| Box::new(out) as Box<dyn Read + Send>),
        child
            .stderr
            .take()
            .map(|out| Box::new(out) as Box<dyn Read + Send>),
    ];
    for (at, stream) in streams.into_iter().enumerate() {
        let (Some(stream), sender) = (stream, sender.clone()) else {
            continue;
        };
        std::thread::spawn(move || listen(stream, at == 0, &sender));
    }
    drop(sender);
    let mut last: VecDeque<String> = VecDeque::new();
    let mut hear = |heard: Heard| match heard {
        Heard::Progress(progress) => job.monitor.progress(progress),
        Heard::Text(text) => job.monitor.says(&text),
        Heard::Line(line) => {
            last.push_back(line);
            if last.len() > LAST {
                last.pop_front();
            }
        }
    };
    let mut told: Option<Instant> = None;
    let status = loop {
        match heard.recv_timeout(TICK) {
            Ok(one) => hear(one),
            // Both streams are closed, and nothing but waiting is left.
            Err(mpsc::RecvTimeoutError::Disconnected) if told.is_none() => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(_) => {}
        }
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if told.is_none() && job.monitor.cancelled() {
            told = Some(Instant::now());
            end(group, false);
        }
        if told.is_some_and(|told| told.elapsed() > GRACE) {
            end(group, true);
        }
    };
    // What it started and left behind has nobody to work for.
    end(group, true);
    job.monitor.group(group, false);
    let ended = Instant::now();
    // A stream that something far away still holds open is not waited for.
    while ended.elapsed() < Duration::from_secs(2) {
        match heard.recv_timeout(TICK) {
            Ok(one) => hear(one),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
    }
    if told.is_some() {
        return Err(Stop::Cancelled);
    }
    if status.success() {
        return Ok(());
    }
    let mut message = format!("the program ended with {status}");
    for line in &last {
        message.push_str(&format!("\n    {line}"));
    }
    Err(Stop::failed(message))
}

/// Asks a group of processes to end, or makes it.
fn end(group: u32, at_once: bool) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process_group};
        let signal = if at_once { Signal::KILL } else { Signal::TERM };
        if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
            // One that is gone needs no signal.
            let _ = kill_process_group(group, signal);
        }
    }
    #[cfg(not(unix))]
    let _ = (group, at_once);
}

/// Passes on what a stream brings, in pieces of bounded size; lines of progress are taken out of it.
fn listen(stream: impl Read, is_out: bool, sender: &mpsc::Sender<Heard>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        let piece = (&mut stream).take(1 << 16).read_until(b'\n', &mut line);
        if !matches!(piece, Ok(1..)) {
            return;
        }
        let text = String::from_utf8_lossy(&line);
        let heard = match progress(&text) {
            Some(progress) if is_out => sender.send(Heard::Progress(progress)),
            _ => {
                let text: String = text.trim_end().chars().take(WIDE).collect();
                let told = match is_out || text.is_empty() {
                    true => Ok(()),
                    false => sender.send(Heard::Line(text)),
                };
                told.and_then(|()| sender.send(Heard::Text(line)))
            }
        };
        if heard.is_err() {
            return;
        }
    }
}

/// How far a program says it is: `etude: progress 0.4`, `etude: progress 40/100 epochs loss=0.3`.
fn progress(line: &str) -> Option<Progress> {
    let mut words = line.strip_prefix("etude: progress ")?.split_whitespace();
    let amount = words.next()?;
    let (done, total) = match amount.split_once('/') {
        Some((done, total)) => (done.parse().ok()?, total.parse().ok()?),
        None => {
            let share: f64 = amount.parse().ok()?;
            if !(0.0..=1.0).contains(&share) {
                return None;
            }
            ((share * 1000.0).round() as u64, 1000)
        }
    };
    let mut progress = Progress {
        done,
        total,
        unit: match amount.contains('/') {
            true => "steps".to_string(),
            false => "‰".to_string(),
        },
        metrics: Vec::new(),
    };
    for word in words {
        match word.split_once('=') {
            Some((name, value)) => progress
                .metrics
                .push((name.to_string(), value.parse().ok()?)),
            None => progress.unit = word.to_string(),
        }
    }
    Some(progress)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(json: Json) -> Vec<String> {
        let mut whole =
            json!({ "args": ["true"], "outputs": { "x": { "path": "x", "type": "file" } } });
        for (key, value) in json.as_object().unwrap() {
            whole[key] = value.clone();
        }
        let command: Command = serde_json::from_value(whole).unwrap();
        let complaints = command.complaints().into_iter();
        complaints
            .map(|c| format!("{}: {}", c.parameter, c.message))
            .collect()
    }

    #[test]
    fn outputs_lie_in_their_folder_each_in_a_place_of_its_own() {
        assert_eq!(complaints(json!({})), Vec::<String>::new());
        for path in ["../x", "/x", "a/../b", "", ".", "a\u{7}b"] {
            let said = complaints(json!({ "outputs": { "x": { "path": path, "type": "file" } } }));
            assert_eq!(said.len(), 1, "{path:?}: {said:?}");
        }
        let said = complaints(json!({ "outputs": {
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
        assert_eq!(complaints(json!({ "params": { "a b": 1 } })).len(), 1);
        assert_eq!(complaints(json!({ "params": { "a": 1, "A": 1 } })).len(), 1);
        assert_eq!(complaints(json!({ "env": ["A=B", "ETUDE_OUT"] })).len(), 2);
        assert_eq!(complaints(json!({ "args": [" "] })).len(), 1);
    }

    #[test]
    fn a_line_of_progress_is_a_share_or_a_count_and_may_have_metrics() {
        let told = |line: &str| progress(line).map(|p| (p.done, p.total, p.unit, p.metrics));
        assert_eq!(
            told("etude: progress 0.4\n"),
            Some((400, 1000, "‰".into(), vec![]))
        );
        let loss = vec![("loss".to_string(), 0.5)];
        assert_eq!(
            told("etude: progress 4/10 epochs loss=0.5"),
            Some((4, 10, "epochs".into(), loss))
        );
        for line in [
            "etude: progress",
            "etude: progress 2",
            "etude: progress x/3",
            "progress 0.4",
        ] {
            assert_eq!(told(line), None, "{line}");
        }
    }
}
