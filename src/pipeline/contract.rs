//! The contract of a stage kind: what it declares, what it is given, what it must leave.
//!
//! A kind is one file in `stages/`: a parameter struct that implements [`Stage`]. The [`Registry`] is the roster of kinds;
//! planning and running get it as an argument, so they are tested with toy kinds.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::param_error::ParamError;
use super::parameters;
use super::resources::Resources;
use super::rounded::rounded;
use super::runs::{InputRuns, RunsOf};
use crate::store::Digest;

/// What a job leaves, by type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArtifactType {
    /// Examples to train and test on.
    Dataset,
    /// Trained weights, how to rebuild the model, and its learning curve.
    Model,
    /// What a model answered, example by example.
    Answers,
    /// Rows and columns.
    Table,
    /// A picture.
    Figure,
    /// Whether a claim holds.
    Verdict,
    /// Numbers by name, for the text of a paper.
    Numbers,
    /// A paper, and what it was made of.
    Document,
    /// Anything else: a file or a folder that only programs read.
    File,
}

/// A column that a table has whatever the parameters of its stage are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedColumn {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: ColumnKind,
    /// What it holds, in one line for people.
    pub doc: &'static str,
}

impl FixedColumn {
    /// A column, its type and what it holds.
    pub const fn new(name: &'static str, kind: ColumnKind, doc: &'static str) -> Self {
        Self { name, kind, doc }
    }

    /// The same columns as a stage that reads them sees them.
    pub fn shapes(columns: &[Self]) -> Vec<ColumnShape> {
        let shape = |column: &Self| ColumnShape::new(column.name, column.kind);
        columns.iter().map(shape).collect()
    }
}

/// A table inside an artifact, as SQL sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableOf {
    /// What is added to the stage's name: `model` gives `model` (empty) and `model_positions`.
    pub suffix: &'static str,
    /// The file it lies in, Parquet.
    pub file: &'static str,
    /// Its columns; empty where they depend on the kind or on the stage's parameters.
    pub columns: &'static [FixedColumn],
    /// What a row of it is; empty where that depends on the kind that leaves it.
    pub row: &'static str,
}

/// The learning curve of a model.
const MODEL_TABLES: &[TableOf] = &[
    TableOf {
        suffix: "",
        file: "curve.parquet",
        columns: &[
            FixedColumn::new("step", ColumnKind::Int, "steps trained so far"),
            FixedColumn::new(
                "loss",
                ColumnKind::Float,
                "mean training loss since the row before, in nats",
            ),
            FixedColumn::new(
                "learning_rate",
                ColumnKind::Float,
                "learning rate of this step",
            ),
            FixedColumn::new(
                "exact",
                ColumnKind::Float,
                "exact match: share of validation examples whose whole target is right; empty where the step has no evaluation, which `WHERE exact IS NOT NULL` leaves out",
            ),
        ],
        row: "a step of the training: every tenth, and each with an evaluation",
    },
    TableOf {
        suffix: "_positions",
        file: "positions.parquet",
        columns: &[
            FixedColumn::new("step", ColumnKind::Int, "steps trained so far"),
            FixedColumn::new(
                "position",
                ColumnKind::Int,
                "position in the target, from 1",
            ),
            FixedColumn::new(
                "accuracy",
                ColumnKind::Float,
                "forced accuracy: share of validation examples right at this position, given the true tokens before it",
            ),
        ],
        row: "a position of the target at an evaluation",
    },
];

/// The answers of a model, whole and position by position.
const ANSWERS_TABLES: &[TableOf] = &[
    TableOf {
        suffix: "",
        file: "answers.parquet",
        columns: &[
            FixedColumn::new("example", ColumnKind::Int, "number of the example, from 0"),
            FixedColumn::new(
                "exact",
                ColumnKind::Int,
                "exact match: 1 if the whole target is right, else 0",
            ),
        ],
        row: "an example",
    },
    TableOf {
        suffix: "_positions",
        file: "positions.parquet",
        columns: &[
            FixedColumn::new("example", ColumnKind::Int, "number of the example, from 0"),
            FixedColumn::new(
                "position",
                ColumnKind::Int,
                "position in the target, from 1",
            ),
            FixedColumn::new("target", ColumnKind::Int, "the right token"),
            FixedColumn::new("answer", ColumnKind::Int, "the token that the model gave"),
            FixedColumn::new(
                "correct",
                ColumnKind::Int,
                "1 if the answer is the right token, else 0",
            ),
        ],
        row: "a position in the target of an example",
    },
];

impl ArtifactType {
    /// Every type there is.
    pub const ALL: &'static [Self] = &[
        Self::Dataset,
        Self::Model,
        Self::Answers,
        Self::Table,
        Self::Figure,
        Self::Verdict,
        Self::Numbers,
        Self::Document,
        Self::File,
    ];

    /// With its article.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Dataset => "a dataset",
            Self::Model => "a model",
            Self::Answers => "answers",
            Self::Table => "a table",
            Self::Figure => "a figure",
            Self::Verdict => "a verdict",
            Self::Numbers => "a number list",
            Self::Document => "a document",
            Self::File => "a file",
        }
    }

    /// The folder of its views below `outputs/<pipeline>/`.
    pub fn section(self) -> &'static str {
        match self {
            Self::Dataset => "datasets",
            Self::Model => "models",
            Self::Answers => "answers",
            Self::Table => "tables",
            Self::Figure => "figures",
            Self::Verdict => "verdicts",
            Self::Numbers => "numbers",
            Self::Document => "documents",
            Self::File => "files",
        }
    }

    /// Whether its views are copies (small, made to be opened) or links.
    pub fn is_copied(self) -> bool {
        matches!(
            self,
            Self::Table | Self::Figure | Self::Verdict | Self::Document | Self::Numbers
        )
    }

    /// The tables in it that SQL can read.
    pub fn tables(self) -> &'static [TableOf] {
        match self {
            Self::Model => MODEL_TABLES,
            Self::Answers => ANSWERS_TABLES,
            Self::Table => &[TableOf {
                suffix: "",
                file: "table.parquet",
                columns: &[],
                row: "",
            }],
            Self::Dataset
            | Self::Figure
            | Self::Verdict
            | Self::Document
            | Self::Numbers
            | Self::File => &[],
        }
    }
}

/// How many artifacts a port takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cardinality {
    /// One: the stage fans out with its input.
    One,
    /// All of them at once: the stage collapses the axes of its input.
    All,
}

/// What may stand at a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortSyntax {
    /// The name of a stage.
    One,
    /// The name of a stage, or a list of them.
    List,
    /// The name of a stage, or a list of them. Each input goes by its stage's name, which is part of the result's identity.
    NamedList,
    /// A table of names of one's own choice, each with the name of a stage; it may be left out.
    Named,
}

/// An input of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    /// Its key in the file.
    pub name: &'static str,
    /// One, or all.
    pub cardinality: Cardinality,
    /// The types it takes.
    pub accepts: &'static [ArtifactType],
    /// What may stand there.
    pub syntax: PortSyntax,
    /// One line for people.
    pub doc: &'static str,
}

/// Which device a job should compute on. Never part of a result's identity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Device {
    /// A CUDA card if there is one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// A CUDA card; an error if there is none.
    Cuda,
}

/// A plain value: a coordinate or a swept parameter as a column of a table.
#[derive(Debug, Clone, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Text(String),
}

impl From<&Json> for Scalar {
    /// Numbers and text as they are; a table is named by its `kind`; anything else becomes its JSON text.
    fn from(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(bool) => Self::Bool(*bool),
            Json::Number(number) => match number.as_i64() {
                Some(int) => Self::Int(int),
                None => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Self::Text(text.clone()),
            Json::Object(table) if table.get("kind").is_some_and(Json::is_string) => {
                Self::from(&table["kind"])
            }
            other => Self::Text(other.to_string()),
        }
    }
}

impl fmt::Display for Scalar {
    /// Nothing, or the value in the shortest way of writing it that is this value and no other.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Bool(bool) => bool.fmt(f),
            Self::Int(int) => int.fmt(f),
            Self::Float(float) => f.write_str(&Json::from(*float).to_string()),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// What the labels in a column of a table mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Labels {
    /// Whether the reader names columns that come with the labels, and not just takes all there are.
    pub named: bool,
    /// Every label of the axis.
    pub all: Vec<Label>,
}

/// A label of an axis, as a table may hold it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Label {
    /// How it is called.
    pub text: String,
    /// Its value.
    pub value: Scalar,
    /// The swept parameters to add beside it; none where they have no one value.
    pub columns: Columns,
}

/// Constant columns of an artifact's tables.
pub type Columns = BTreeMap<String, Scalar>;

/// One artifact given to a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Its name in SQL: the stage's, with `_` for `-`.
    pub table: String,
    /// The job that left it. Only for messages: it is no part of a result's identity, and must not reach a result.
    pub job: String,
    /// What the stage that reads it calls it, at a port of names; else nothing.
    pub name: String,
    /// Its place on the axes that the stage which reads it does not fan out over: axis and label, at a port of names.
    #[serde(default)]
    pub place: Vec<(String, String)>,
    /// What it is.
    pub artifact: ArtifactType,
    /// Its files, by name inside the artifact.
    pub files: BTreeMap<String, PathBuf>,
    /// Coordinates and swept parameters, for every row of its tables.
    pub columns: Columns,
    /// How the numbers among the columns are called in names of folders: as the labels.
    #[serde(default)]
    pub texts: BTreeMap<String, String>,
    /// Swept parameters by the label in a column of the table: column, labels, and what to add beside each.
    pub labels: BTreeMap<String, Labels>,
    /// Which runs its rows are of, for a stage that counts runs.
    pub runs: Option<InputRuns>,
}

impl Input {
    /// The path of a file of the artifact.
    pub fn file(&self, name: &str) -> Result<&Path, Stop> {
        match self.files.get(name) {
            Some(path) => Ok(path),
            None => Err(Stop::failed(format!(
                "the input `{}` has no file `{name}`",
                self.table
            ))),
        }
    }
}

/// The artifacts of each port, in the order the file names their stages.
pub type Inputs = BTreeMap<String, Vec<Input>>;

/// What a job says while it runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// How much is done.
    pub done: u64,
    /// Of how much; 0 where nobody knows.
    pub total: u64,
    /// Of what: `steps`, `examples`.
    pub unit: String,
    /// Named numbers of the moment, e.g. `loss`.
    pub metrics: Vec<(String, f64)>,
}

/// Hears a job's progress and tells it to stop.
pub trait Monitor: Sync {
    /// Takes note.
    fn progress(&self, progress: Progress);
    /// Whether the job should stop.
    fn cancelled(&self) -> bool;
    /// Notes that the job has saved its state: its next attempt goes on from there.
    fn saved(&self, _state: Progress) {}
    /// Takes what a program of the job printed into the job's log.
    fn says(&self, _text: &[u8]) {}
    /// Warns of how the job goes: told in this run and written into the log. It is no part of the artifact; for that, see
    /// [`Context::warn`].
    fn warns(&self, _message: &str) {}
}

/// Why a job ended without an artifact.
#[derive(Debug)]
pub enum Stop {
    /// It was told to stop.
    Cancelled,
    /// It failed, for this reason.
    Failed(String),
}

impl Stop {
    /// A failure in words.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }
}

impl<E: std::error::Error> From<E> for Stop {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            let text = inner.to_string();
            // Many errors already print their source.
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            source = inner.source();
        }
        Self::Failed(message)
    }
}

/// What a shorter job of the same family left; see [`Stage::extends`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Earlier {
    /// How long that job was, in its kind's unit.
    pub length: u64,
    /// Its files, by name inside the artifact.
    pub files: BTreeMap<String, PathBuf>,
}

/// Everything a job is given: no store, plan, clock or environment.
pub struct Context<'a> {
    /// The job's cache key, for what names its own origin, such as a figure. An artifact that other stages read should not hold
    /// it: two that say the same would differ, and every stage behind them would run.
    pub key: &'a Digest,
    /// The artifacts to read.
    pub inputs: &'a Inputs,
    /// The files and directories that its parameters name, absolute, by parameter; see [`Stage::reads`].
    pub outside: &'a BTreeMap<String, PathBuf>,
    /// What a shorter job of the same family left, where there is one. A gift: the result must be the same bytes without it.
    pub earlier: Option<&'a Earlier>,
    /// What the tables it reads lack because jobs failed, a line each: `answers: 4 of 5, without [seed=3]`. A kind that shows
    /// something to people shows this too.
    pub holes: &'a [String],
    /// An empty folder for what the job leaves.
    pub out: &'a Path,
    /// A folder for what makes the next attempt shorter. Only kinds that save have it. It is this job's alone and outlives an
    /// attempt that failed, was stopped or was killed; what the last one left is still there, perhaps half written. No part of
    /// the artifact, and gone once that is in the store. Nobody but the job checks what lies in it.
    pub checkpoint: &'a Path,
    /// While some process has this open, no other attempt at the job begins: a job hands it on to the processes it starts.
    /// `None` where there is no such folder, or the file system cannot lock one.
    pub held: Option<&'a File>,
    /// The project's root, absolute.
    pub root: &'a Path,
    /// The variables of the environment that it named (see [`Stage::environment`]) and those of [`BASE_ENVIRONMENT`].
    pub environment: &'a BTreeMap<String, Option<String>>,
    /// How many threads it may compute with.
    pub cores: u32,
    /// The CUDA cards that are its own, as the driver is told of them; `None` where nobody knows which there are.
    pub cards: Option<&'a [String]>,
    /// Where to compute.
    pub device: Device,
    /// Hears progress, tells of cancellation.
    pub monitor: &'a dyn Monitor,
}

impl Context<'_> {
    /// Reports progress; `Err(Stop::Cancelled)` when the job should stop.
    pub fn progress(&self, progress: Progress) -> Result<(), Stop> {
        self.monitor.progress(progress);
        if self.monitor.cancelled() {
            Err(Stop::Cancelled)
        } else {
            Ok(())
        }
    }

    /// Warns of the result, a line each: told at the end of every run that shows it. It stops nothing. A later call replaces
    /// what an earlier one said.
    pub fn warn(&self, lines: &[String]) -> Result<(), Stop> {
        if !lines.is_empty() {
            let text = serde_json::to_vec_pretty(lines).expect("lines are plain data");
            fs::write(self.out.join(WARNINGS), text)?;
        }
        Ok(())
    }

    /// The artifacts of a port.
    pub fn all(&self, port: &str) -> &[Input] {
        self.inputs.get(port).map_or(&[], Vec::as_slice)
    }

    /// The one artifact of a port that takes one.
    pub fn one(&self, port: &str) -> Result<&Input, Stop> {
        match self.all(port) {
            [input] => Ok(input),
            inputs => Err(Stop::failed(format!(
                "the port `{port}` takes one artifact and was given {}",
                inputs.len()
            ))),
        }
    }
}

/// Variables of the environment that every program needs to find its way on a machine; no part of a result's identity.
pub const BASE_ENVIRONMENT: [&str; 7] = [
    "PATH",
    "HOME",
    "USER",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "SYSTEMROOT",
    "VIRTUAL_ENV",
];

/// The file of an artifact that says what it lacks, a JSON list of lines; only those that lack something have it.
/// Its name begins with a dot, so that it is not among what is shown.
pub const HOLES: &str = ".holes.json";

/// The file of an artifact that says what its stage warned of, a JSON list of lines; only those that were warned of have it.
/// It lies beside the result, so that a run that finds the artifact in the store warns again.
pub const WARNINGS: &str = ".warnings.json";

/// A table that a stage will read, as far as it is known before anything runs.
#[derive(Debug, Clone, PartialEq)]
pub struct TableShape {
    /// Its name in SQL.
    pub name: String,
    /// Its columns; `None` where they are not known.
    pub columns: Option<Vec<ColumnShape>>,
    /// The coordinates and swept parameters among them, which are known in any case.
    pub coordinates: Vec<ColumnShape>,
    /// What a run is among its rows.
    pub runs: RunsOf,
}

impl TableShape {
    /// The names of its columns; `None` where they are not known.
    pub fn names(&self) -> Option<Vec<String>> {
        let columns = self.columns.as_ref()?.iter();
        Some(columns.map(|column| column.name.clone()).collect())
    }
}

/// A column of such a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnShape {
    /// Its name.
    pub name: String,
    /// Its type; `None` where it is known only after the run.
    pub kind: Option<ColumnKind>,
    /// Whether it is made of other columns: then its name says nothing of the axis of that name.
    pub is_computed: bool,
}

impl ColumnShape {
    /// A column.
    pub fn new(name: impl Into<String>, kind: impl Into<Option<ColumnKind>>) -> Self {
        Self {
            name: name.into(),
            kind: kind.into(),
            is_computed: false,
        }
    }

    /// What is known of the columns of a table that one job may leave so and another otherwise: nothing if they differ in
    /// their names, and nothing of a type in which they differ.
    pub fn common(one: Option<Vec<Self>>, other: Option<Vec<Self>>) -> Option<Vec<Self>> {
        let (mut one, other) = (one?, other?);
        let names = one.iter().zip(&other);
        if one.len() != other.len() || names.into_iter().any(|(a, b)| a.name != b.name) {
            return None;
        }
        for (column, other) in one.iter_mut().zip(&other) {
            column.kind = column.kind.filter(|kind| Some(*kind) == other.kind);
            column.is_computed |= other.is_computed;
        }
        Some(one)
    }
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnKind {
    /// `true` or `false`.
    Bool,
    /// Whole numbers.
    Int,
    /// Numbers.
    Float,
    /// Text.
    Text,
}

impl ColumnKind {
    /// The type of a value; none of `null`.
    pub fn of(value: &Scalar) -> Option<Self> {
        match value {
            Scalar::Null => None,
            Scalar::Bool(_) => Some(Self::Bool),
            Scalar::Int(_) => Some(Self::Int),
            Scalar::Float(_) => Some(Self::Float),
            Scalar::Text(_) => Some(Self::Text),
        }
    }

    /// The type of a column with all these values: numbers make a column of numbers, other mixtures one of text. None where
    /// no value has a type.
    pub fn of_all<'a>(values: impl IntoIterator<Item = &'a Scalar>) -> Option<Self> {
        let kinds = values.into_iter().filter_map(Self::of);
        kinds.reduce(|one, other| match (one, other) {
            (one, other) if one == other => one,
            (Self::Int | Self::Float, Self::Int | Self::Float) => Self::Float,
            _ => Self::Text,
        })
    }

    /// Whether a column of this type can hold, in some writing, all values of a column of another.
    pub fn can_say(self, other: Self) -> bool {
        use ColumnKind::{Bool, Float, Int, Text};
        match (self, other) {
            (Text, _) | (Bool, Bool) => true,
            (Int | Float, Int | Float) => true,
            (Bool | Int | Float, _) => false,
        }
    }

    /// As people call it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Int => "whole numbers",
            Self::Float => "numbers",
            Self::Text => "text",
        }
    }
}

/// Whether a claim holds; what [`ArtifactType::Verdict`] keeps as JSON in the file [`Verdict::FILE`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The claim in words.
    pub says: String,
    /// What came of it.
    #[serde(alias = "holds")]
    pub verdict: Judged,
    /// How many rows it speaks of.
    pub rows: usize,
    /// How many of them it holds on.
    pub held: usize,
    /// On how many rows a value is missing that would tell.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unknown: usize,
    /// Where the claim comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Whether it is expected to hold; it is unless somebody said that it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<bool>,
    /// What there is to say of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The first rows on which it does not hold, as text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub against: Vec<String>,
    /// Why it cannot be told: the first rows on which a value is missing, as text, and the jobs that left nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// What came of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub enum Judged {
    /// It holds on every row it speaks of, and speaks of at least one; no value and no job is missing.
    #[serde(rename = "reproduced")]
    Reproduced,
    /// On some row it does not hold.
    #[serde(rename = "not reproduced")]
    NotReproduced,
    /// Nothing speaks against it, and something is missing that could.
    #[serde(rename = "cannot be judged")]
    Unknown,
}

impl Judged {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::NotReproduced => "not reproduced",
            Self::Unknown => "cannot be judged",
        }
    }
}

/// An outcome as it is written, now and before there were three.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    PortSyntax(bool),
    Word(Word),
}

#[derive(Deserialize)]
enum Word {
    #[serde(rename = "reproduced")]
    Reproduced,
    #[serde(rename = "not reproduced")]
    NotReproduced,
    #[serde(rename = "cannot be judged")]
    Unknown,
}

impl From<Written> for Judged {
    fn from(written: Written) -> Self {
        match written {
            Written::PortSyntax(true) | Written::Word(Word::Reproduced) => Self::Reproduced,
            Written::PortSyntax(false) | Written::Word(Word::NotReproduced) => Self::NotReproduced,
            Written::Word(Word::Unknown) => Self::Unknown,
        }
    }
}

impl Verdict {
    /// The file's name inside the artifact.
    pub const FILE: &'static str = "verdict.json";

    /// Whether it came out as expected; one that cannot be judged never did.
    pub fn is_expected(&self) -> bool {
        match self.verdict {
            Judged::Reproduced => self.expected.unwrap_or(true),
            Judged::NotReproduced => !self.expected.unwrap_or(true),
            Judged::Unknown => false,
        }
    }

    /// The first rows on which it does not hold, for people.
    pub fn against_in_words(&self) -> impl Iterator<Item = String> {
        self.against.iter().map(|row| rounded(row))
    }

    /// Why it cannot be told, for people.
    pub fn missing_in_words(&self) -> impl Iterator<Item = String> {
        self.missing.iter().map(|row| rounded(row))
    }

    /// On how many of its rows it holds, in words.
    pub fn rows_in_words(&self) -> String {
        let rows = match (self.rows, self.unknown) {
            (0, 0) => "it speaks of no row".to_string(),
            (0, _) => "no row is known to be one it speaks of".to_string(),
            (rows, _) => format!("{} of {rows} rows", self.held),
        };
        match self.unknown {
            0 => rows,
            1 => format!("{rows}, 1 row without a value"),
            n => format!("{rows}, {n} rows without a value"),
        }
    }
}

/// How long a job is among those that differ in nothing else: its family. See [`Stage::extends`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension {
    /// How long this job is.
    pub length: u64,
    /// Of what: `steps`, `epochs`. Jobs that count in different units are of different families.
    pub unit: &'static str,
    /// The parameters in which members of the family may differ, dots between keys: at least the one that says how long.
    pub without: &'static [&'static str],
}

/// A file or directory outside the store that a parameter names. See [`Stage::reads`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// The parameter, dots between keys: `architecture.path`; what stands in a list goes by its text: `files.score.py`.
    pub parameter: String,
    /// The path as written: from the project's root, unless it is absolute.
    pub path: String,
}

/// What one job leaves to a stage that reads it, as far as it is known before anything runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The name of the stage, and of the output where it has several.
    pub name: String,
    /// See [`Input::place`].
    pub place: Vec<(String, String)>,
    /// What it is.
    pub artifact: ArtifactType,
    /// The names of its files, where they are known; see [`Stage::files`].
    pub files: Option<Vec<String>>,
}

/// A stage at its coordinates, and the way to those that it reads: what is known of it before anything runs. See
/// [`Stage::check_origins`].
pub trait Origin {
    /// Its name in the file.
    fn name(&self) -> &str;
    /// Its parameters, in the type of its kind; see [`Stage`].
    fn parameters(&self) -> &dyn Any;
    /// The file or directory that one of its parameters names, absolute; see [`Stage::reads`].
    fn outside(&self, parameter: &str) -> Option<&Path>;
    /// What stands at a port that takes one artifact; `None` where that is not known.
    fn at(&self, port: &str) -> Option<Box<dyn Origin + '_>>;
    /// What it reads at a port, all jobs of all stages that the file names there.
    fn given(&self, port: &str) -> Vec<Given>;
    /// The names of all stages of the pipeline.
    fn stages(&self) -> Vec<&str>;
}

impl dyn Origin + '_ {
    /// Its parameters, where it is of the kind `S`.
    pub fn of<S: Stage>(&self) -> Option<&S> {
        self.parameters().downcast_ref()
    }
}

/// What a stage can know of the machine before anything runs.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The project's root, absolute.
    pub root: &'a Path,
    /// Those variables of [`BASE_ENVIRONMENT`] that are set.
    pub environment: &'a BTreeMap<String, Option<String>>,
}

/// A kind of stage. Its parameters are the fields of the implementing struct; their documentation, defaults and bounds
/// (`#[schemars(range(…))]`) are what `etude kinds` prints and what a file is checked against. The struct's own
/// documentation describes the kind.
pub trait Stage: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// Its name in a file.
    const KIND: &'static str;
    /// Raised whenever the same parameters and inputs give other bytes.
    const VERSION: u32;
    /// What a job leaves.
    const OUTPUT: ArtifactType;
    /// Its inputs.
    const PORTS: &'static [Port];
    /// Whether it computes on a device, so that `device` means something.
    const USES_DEVICE: bool = false;
    /// Whether a job takes a card where there is one and the file does not say on which device to compute. One of another
    /// kind has a card only where the file asks for it.
    const TAKES_CARD: bool = Self::USES_DEVICE;
    /// Whether a stage itself declares in `outputs` what it leaves, each by a name and with a `type`; what a job leaves then
    /// has a folder of that name for each. With several, `stage.name` is what others read.
    const DECLARES_OUTPUTS: bool = false;
    /// What a row of the table that it leaves is, where the type of artifact alone does not say: `an answer`.
    const ROWS: &'static str = "";
    /// The columns of the table that it leaves, where they are the same for all parameters and the type of artifact alone does
    /// not say.
    const COLUMNS: &'static [FixedColumn] = &[];

    /// What a job takes unless the file says otherwise.
    fn resources() -> Resources {
        Resources::default()
    }

    /// What is wrong with the parameters beyond type and range.
    fn param_errors(&self) -> Vec<ParamError> {
        Vec::new()
    }

    /// Checks the columns it will read; returns the columns of the table it leaves, if it leaves one and they are known.
    fn columns(&self, _inputs: &[TableShape]) -> Result<Option<Vec<ColumnShape>>, Vec<ParamError>> {
        let columns = Some(Self::COLUMNS).filter(|columns| !columns.is_empty());
        Ok(columns.map(FixedColumn::shapes))
    }

    /// The columns of the table that is one of the outputs which a stage declares, if they are known.
    fn output_columns(&self, _output: &str) -> Option<Vec<ColumnShape>> {
        None
    }

    /// The names of the files that it leaves, where its parameters tell; of one of its outputs, if it declares what it
    /// leaves. What is not shown, such as [`WARNINGS`], is not among them.
    fn files(&self, _output: Option<&str>) -> Option<Vec<String>> {
        None
    }

    /// What is wrong between it and the stages that it reads, `here` being where it stands: all that follows from
    /// parameters alone. What only the artifacts show is for [`Stage::run`] to say.
    fn check_origins(&self, _here: &dyn Origin) -> Vec<ParamError> {
        Vec::new()
    }

    /// Which coordinates and swept parameters it reads as columns of its inputs' tables; `None` for all, none unless a
    /// kind says so. What it does not read it is not given, and is no part of its identity.
    fn columns_read(&self) -> Option<BTreeSet<String>> {
        Some(BTreeSet::new())
    }

    /// Whether it counts runs, so that which jobs are one run is part of its identity.
    fn counts_runs(&self) -> bool {
        false
    }

    /// Rewrites the canonical parameters so that the names of stages are not in them; `names` gives the neutral name of
    /// each table.
    fn erase_stage_names(&self, _parameters: &mut Json, _names: &BTreeMap<String, String>) {}

    /// Whether a job can go on from what a shorter one left, and how long it is. A kind that says so promises that the
    /// result is the same bytes whether it did ([`Context::earlier`]) or not.
    fn extends(&self) -> Option<Extension> {
        None
    }

    /// Whether an attempt saves what makes the next one shorter; only then has it a [`Context::checkpoint`] to write into.
    fn saves(&self) -> bool {
        false
    }

    /// The variables of the environment whose values are part of a result's identity.
    fn environment(&self) -> Vec<String> {
        Vec::new()
    }

    /// What should be said of the parameters before anything runs though nothing is wrong with them.
    fn warnings(&self, _around: &Surroundings<'_>) -> Vec<ParamError> {
        Vec::new()
    }

    /// The files and directories that the parameters name. They may lie anywhere, but only to be read. Of a directory all
    /// that lies in it counts, links followed, but not what programs leave beside content, such as `.git`; a kind must not
    /// read that.
    /// What counts is content: the parameter itself is no part of a result's identity, and a kind must not let the path
    /// reach its result. A job finds them in [`Context::outside`].
    fn reads(&self) -> Vec<Outside> {
        Vec::new()
    }

    /// Does the work.
    fn run(&self, job: &Context<'_>) -> Result<(), Stop>;
}

/// The parameters of one instance, of a kind that only the registry knows.
pub trait Parameters: Send + Sync {
    /// See [`Stage::errors`].
    fn param_errors(&self) -> Vec<ParamError>;
    /// See [`Stage::columns`].
    fn columns(&self, inputs: &[TableShape]) -> Result<Option<Vec<ColumnShape>>, Vec<ParamError>>;
    /// See [`Stage::output_columns`].
    fn output_columns(&self, output: &str) -> Option<Vec<ColumnShape>>;
    /// See [`Stage::files`].
    fn files(&self, output: Option<&str>) -> Option<Vec<String>>;
    /// See [`Stage::check_origins`].
    fn check_origins(&self, here: &dyn Origin) -> Vec<ParamError>;
    /// See [`Stage::warnings`].
    fn warnings(&self, around: &Surroundings<'_>) -> Vec<ParamError>;
    /// The parameters in the type of their kind.
    fn stage(&self) -> &dyn Any;
    /// See [`Stage::columns_read`].
    fn columns_read(&self) -> Option<BTreeSet<String>>;
    /// See [`Stage::counts_runs`].
    fn counts_runs(&self) -> bool;
    /// The parameters in canonical form: those at their default left out, keys sorted, tables named neutrally.
    fn canonical(&self, names: &BTreeMap<String, String>) -> Json;
    /// All parameters, defaults included.
    fn full(&self) -> Json;
    /// See [`Stage::extends`].
    fn extends(&self) -> Option<Extension>;
    /// See [`Stage::saves`].
    fn saves(&self) -> bool;
    /// See [`Stage::environment`].
    fn environment(&self) -> Vec<String>;
    /// See [`Stage::reads`].
    fn reads(&self) -> Vec<Outside>;
    /// See [`Stage::run`].
    fn run(&self, job: &Context<'_>) -> Result<(), Stop>;
}

struct Typed<S> {
    stage: S,
    schema: Arc<Json>,
}

impl<S: Stage> Parameters for Typed<S> {
    fn param_errors(&self) -> Vec<ParamError> {
        self.stage.param_errors()
    }

    fn columns(&self, inputs: &[TableShape]) -> Result<Option<Vec<ColumnShape>>, Vec<ParamError>> {
        self.stage.columns(inputs)
    }

    fn output_columns(&self, output: &str) -> Option<Vec<ColumnShape>> {
        self.stage.output_columns(output)
    }

    fn files(&self, output: Option<&str>) -> Option<Vec<String>> {
        self.stage.files(output)
    }

    fn check_origins(&self, here: &dyn Origin) -> Vec<ParamError> {
        self.stage.check_origins(here)
    }

    fn warnings(&self, around: &Surroundings<'_>) -> Vec<ParamError> {
        self.stage.warnings(around)
    }

    fn stage(&self) -> &dyn Any {
        &self.stage
    }

    fn columns_read(&self) -> Option<BTreeSet<String>> {
        self.stage.columns_read()
    }

    fn counts_runs(&self) -> bool {
        self.stage.counts_runs()
    }

    fn canonical(&self, names: &BTreeMap<String, String>) -> Json {
        let mut parameters = parameters::without_defaults(&self.schema, self.full());
        self.stage.erase_stage_names(&mut parameters, names);
        parameters.sort_all_objects();
        parameters
    }

    fn full(&self) -> Json {
        let written = serde_json::to_value(&self.stage).expect("parameters are plain data");
        parameters::with_defaults(&self.schema, written)
    }

    fn extends(&self) -> Option<Extension> {
        self.stage.extends()
    }

    fn saves(&self) -> bool {
        self.stage.saves()
    }

    fn environment(&self) -> Vec<String> {
        self.stage.environment()
    }

    fn reads(&self) -> Vec<Outside> {
        self.stage.reads()
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        self.stage.run(job)
    }
}

/// Parameters from JSON and the schema they were checked against.
type Parse = fn(&Json, Arc<Json>) -> Result<Arc<dyn Parameters>, serde_json::Error>;

/// A kind, with its parameter type erased.
#[derive(Clone)]
pub struct Kind {
    /// Its name in a file.
    pub name: &'static str,
    /// See [`Stage::VERSION`].
    pub version: u32,
    /// What a job leaves.
    pub output: ArtifactType,
    /// Its inputs.
    pub ports: &'static [Port],
    /// Whether `device` means something.
    pub uses_device: bool,
    /// See [`Stage::TAKES_CARD`].
    pub takes_card: bool,
    /// See [`Stage::DECLARES_OUTPUTS`].
    pub declares_outputs: bool,
    /// See [`Stage::ROWS`].
    pub rows: &'static str,
    /// See [`Stage::COLUMNS`].
    pub columns: &'static [FixedColumn],
    /// What a job takes unless the file says otherwise.
    pub resources: Resources,
    /// The JSON schema of its parameters.
    pub schema: Arc<Json>,
    parse: Parse,
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Kind {
    /// Erases a kind's type.
    pub fn of<S: Stage>() -> Self {
        Self {
            name: S::KIND,
            version: S::VERSION,
            output: S::OUTPUT,
            ports: S::PORTS,
            uses_device: S::USES_DEVICE,
            takes_card: S::TAKES_CARD,
            declares_outputs: S::DECLARES_OUTPUTS,
            rows: S::ROWS,
            columns: S::COLUMNS,
            resources: S::resources(),
            schema: Arc::new(schema_of::<S>()),
            parse: |json, schema| {
                let stage = S::deserialize(json)?;
                Ok(Arc::new(Typed { stage, schema }))
            },
        }
    }

    /// Parameters from a value that was checked against the schema.
    pub fn parse(&self, json: &Json) -> Result<Arc<dyn Parameters>, serde_json::Error> {
        (self.parse)(json, self.schema.clone())
    }

    /// What a row is of one of the tables that it leaves; nothing where nobody said.
    pub fn row(&self, table: &TableOf) -> &'static str {
        match table.row {
            "" => self.rows,
            row => row,
        }
    }

    /// The columns of one of the tables that it leaves; none where they depend on its parameters.
    pub fn columns_of(&self, table: &TableOf) -> &'static [FixedColumn] {
        if table.columns.is_empty() {
            self.columns
        } else {
            table.columns
        }
    }

    /// What it is, from the code's own documentation.
    pub fn doc(&self) -> &str {
        self.schema["description"].as_str().unwrap_or_default()
    }
}

/// The JSON schema of a parameter type, with nothing referred to elsewhere.
pub(crate) fn schema_of<T: JsonSchema>() -> Json {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    SchemaGenerator::new(settings)
        .into_root_schema_for::<T>()
        .to_value()
}

/// The kinds there are, by name.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    kinds: BTreeMap<&'static str, Kind>,
}

impl Registry {
    /// A roster of kinds.
    pub fn new(kinds: impl IntoIterator<Item = Kind>) -> Self {
        let kinds = kinds.into_iter().map(|kind| (kind.name, kind));
        Self {
            kinds: kinds.collect(),
        }
    }

    /// The kind of this name.
    pub fn get(&self, name: &str) -> Option<&Kind> {
        self.kinds.get(name)
    }

    /// All kinds, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.values()
    }
}
