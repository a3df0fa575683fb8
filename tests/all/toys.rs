//! Toy stages, so that the whole engine is tested in milliseconds; and a bench to run them on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use etude::pipeline::{
    self, ArtifactType, Cardinality, Context, Extension, Kind, Outside, Pipeline, Port, PortSyntax,
    Problem, Progress, Registry, Request, Resources, Stage, Stop,
};
use etude::plan::{Freshness, Plan, assess};
use etude::run::{
    Capacity, Event, Executor, InProcess, Local, Options, Status, Summary, execute, serve,
};
use etude::store::{Digest, Store};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A number out of nothing.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Number {
    /// The number.
    value: i64,
    /// What the number is divided by; whole division, so several numbers give the same result.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    by: i64,
    /// Whether the job fails.
    #[serde(default)]
    fails: bool,
}

fn one() -> i64 {
    1
}

fn leave(job: &Context<'_>, number: i64) -> Result<(), Stop> {
    fs::write(job.out.join("table.parquet"), number.to_string())?;
    Ok(())
}

fn read(input: &pipeline::Input) -> Result<i64, Stop> {
    let text = fs::read_to_string(input.file("table.parquet")?)?;
    Ok(text.parse::<i64>()?)
}

impl Stage for Number {
    const KIND: &'static str = "number";
    const VERSION: u32 = 1;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const PORTS: &'static [Port] = &[];

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        std::thread::sleep(Duration::from_millis(5));
        job.progress(Progress::default())?;
        if self.fails {
            Err(Stop::failed("told to fail"))
        } else {
            leave(job, self.value / self.by)
        }
    }
}

/// Twice a number, or more.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Times {
    #[serde(default = "two")]
    factor: i64,
}

fn two() -> i64 {
    2
}

impl Stage for Times {
    const KIND: &'static str = "times";
    const VERSION: u32 = 1;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const PORTS: &'static [Port] = &[Port {
        name: "of",
        cardinality: Cardinality::One,
        accepts: &[ArtifactType::Table],
        syntax: PortSyntax::One,
        doc: "the number",
    }];

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        leave(job, self.factor * read(job.one("of")?)?)
    }
}

/// The same with another version, as after a change of its code.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTimes {
    #[serde(default = "two")]
    factor: i64,
}

impl Stage for NewTimes {
    const KIND: &'static str = Times::KIND;
    const VERSION: u32 = 2;
    const OUTPUT: ArtifactType = Times::OUTPUT;
    const PORTS: &'static [Port] = Times::PORTS;

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        leave(job, self.factor * read(job.one("of")?)?)
    }
}

/// The sum of all.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sum {}

impl Stage for Sum {
    const KIND: &'static str = "sum";
    const VERSION: u32 = 1;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const PORTS: &'static [Port] = &[Port {
        name: "of",
        cardinality: Cardinality::All,
        accepts: &[ArtifactType::Table],
        syntax: PortSyntax::List,
        doc: "the numbers",
    }];

    fn resources() -> Resources {
        Resources {
            cores: 2,
            ..Resources::default()
        }
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let numbers = job
            .all("of")
            .iter()
            .map(read)
            .collect::<Result<Vec<_>, _>>()?;
        leave(job, numbers.iter().sum())
    }
}

/// A picture of nothing, to have another type.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Picture {}

impl Stage for Picture {
    const KIND: &'static str = "picture";
    const VERSION: u32 = 1;
    const OUTPUT: ArtifactType = ArtifactType::Figure;
    const PORTS: &'static [Port] = Times::PORTS;

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        fs::write(
            job.out.join("figure.svg"),
            read(job.one("of")?)?.to_string(),
        )?;
        Ok(())
    }
}

/// How a first attempt ends.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum End {
    /// It fails.
    Fails,
    /// Its process is killed.
    Dies,
    /// It goes on until it is told to stop, and then needs a moment to save.
    Lasts,
}

/// A number that takes two attempts: the second needs what the first saved.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stubborn {
    value: i64,
    ends: End,
}

impl Stage for Stubborn {
    const KIND: &'static str = "stubborn";
    const VERSION: u32 = 1;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const PORTS: &'static [Port] = &[];

    fn saves(&self) -> bool {
        true
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let saved = job.checkpoint.join("half");
        if let Ok(half) = fs::read_to_string(&saved) {
            return leave(job, 2 * half.parse::<i64>()?);
        }
        let save = || fs::write(&saved, (self.value / 2).to_string());
        if self.ends == End::Lasts {
            fs::write(job.checkpoint.join("begun"), "")?;
            while !job.monitor.cancelled() {
                std::thread::sleep(Duration::from_millis(5));
            }
            std::thread::sleep(Duration::from_millis(100));
            save()?;
            job.monitor.saved(Progress {
                done: 3,
                total: 6,
                unit: "numbers".into(),
                metrics: Vec::new(),
            });
            return Err(Stop::Cancelled);
        }
        save()?;
        if self.ends == End::Dies {
            let me = std::process::id().to_string();
            Command::new("kill").args(["-KILL", &me]).status()?;
            std::thread::sleep(Duration::from_secs(60));
        }
        Err(Stop::failed("it is the first attempt"))
    }
}

/// All numbers up to one; a longer count goes on from a shorter one.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Count {
    to: Until,
    /// The first number.
    #[serde(default = "one")]
    from: i64,
    /// A file where it notes every number that it had to work for.
    work: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Until {
    number: u64,
}

impl Stage for Count {
    const KIND: &'static str = "count";
    const VERSION: u32 = 1;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const PORTS: &'static [Port] = &[];

    fn extends(&self) -> Option<Extension> {
        Some(Extension {
            length: self.to.number,
            unit: "numbers",
            without: &["to.number"],
        })
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let (mut done, mut numbers) = (0, String::new());
        if let Some(earlier) = job.earlier {
            done = earlier.length;
            numbers = fs::read_to_string(&earlier.files["table.parquet"])?;
        }
        let mut work = fs::read_to_string(&self.work).unwrap_or_default();
        for number in done..self.to.number {
            let line = format!("{}\n", self.from + number as i64);
            numbers.push_str(&line);
            work.push_str(&line);
        }
        fs::write(&self.work, work)?;
        fs::write(job.out.join("table.parquet"), numbers)?;
        Ok(())
    }
}

/// What stands in files outside.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    text: Place,
    /// Whether it is changed while the job reads it.
    #[serde(default)]
    changes: bool,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Place {
    path: String,
}

impl Stage for Texts {
    const KIND: &'static str = "texts";
    const VERSION: u32 = 1;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const PORTS: &'static [Port] = &[];

    fn reads(&self) -> Vec<Outside> {
        vec![Outside {
            parameter: "text.path".into(),
            path: self.text.path.clone(),
        }]
    }

    fn saves(&self) -> bool {
        true
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let path = &job.outside["text.path"];
        let mut files = vec![path.clone()];
        if path.is_dir() {
            let entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
            files = entries.iter().map(fs::DirEntry::path).collect();
            files.retain(|file| file.is_file());
            files.sort();
        }
        let texts = files.iter().map(fs::read_to_string);
        let text = texts.collect::<io::Result<Vec<_>>>()?.join(" ");
        fs::write(job.checkpoint.join("read"), &text)?;
        if self.changes {
            fs::write(&files[0], "something else")?;
        }
        fs::write(job.out.join("table.parquet"), text)?;
        Ok(())
    }
}

/// How an attempt that does not succeed ends.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Trouble {
    /// It says that it cannot be done.
    Error,
    /// Its process is killed.
    Crash,
    /// It takes ever more memory.
    Hog,
    /// It never ends.
    Sleep,
}

/// A number that comes only after so many attempts in vain; each notes in its checkpoint that it was there.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flaky {
    value: i64,
    fails: usize,
    how: Trouble,
}

impl Stage for Flaky {
    const KIND: &'static str = "flaky";
    const VERSION: u32 = 1;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const PORTS: &'static [Port] = &[];

    fn saves(&self) -> bool {
        true
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let place = job.checkpoint.join("attempts");
        let before = fs::read(&place).unwrap_or_default();
        if before.len() >= self.fails {
            return leave(job, self.value);
        }
        fs::write(&place, [before, vec![b'x']].concat())?;
        let mut held = Vec::new();
        match self.how {
            Trouble::Error => return Err(Stop::failed("not yet")),
            Trouble::Crash => {
                let me = std::process::id().to_string();
                Command::new("kill").args(["-KILL", &me]).status()?;
            }
            Trouble::Hog => held.resize(200 << 20, 1u8),
            Trouble::Sleep => {}
        }
        while !job.monitor.cancelled() {
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(held);
        Err(Stop::Cancelled)
    }
}

/// Which cards a job sees.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cards {
    #[serde(default)]
    number: i64,
}

impl Stage for Cards {
    const KIND: &'static str = "cards";
    const VERSION: u32 = 1;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const PORTS: &'static [Port] = &[];
    const USES_DEVICE: bool = true;

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        std::thread::sleep(Duration::from_millis(50));
        let cards = std::env::var("CUDA_VISIBLE_DEVICES").unwrap_or("unset".into());
        fs::write(job.out.join("table.parquet"), cards)?;
        Ok(())
    }
}

/// A number, and a line in a file each time that somebody works for it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Noted {
    value: i64,
    #[serde(default)]
    seed: i64,
    /// Where the lines go.
    notes: String,
    /// Whether it gives another number each time.
    #[serde(default)]
    dice: bool,
}

impl Stage for Noted {
    const KIND: &'static str = "noted";
    const VERSION: u32 = 1;
    const OUTPUT: ArtifactType = ArtifactType::Table;
    const PORTS: &'static [Port] = &[];

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let mut notes = fs::File::options()
            .create(true)
            .append(true)
            .open(&self.notes)?;
        let line = format!("{}/{}\n", self.value, self.seed);
        notes.write_all(line.as_bytes())?;
        let before = fs::read_to_string(&self.notes)?.lines().count() as i64;
        std::thread::sleep(Duration::from_millis(5));
        leave(
            job,
            self.value + self.seed + if self.dice { before } else { 0 },
        )
    }
}

pub fn registry() -> Registry {
    Registry::new([
        Kind::of::<Flaky>(),
        Kind::of::<Cards>(),
        Kind::of::<Noted>(),
        Kind::of::<Stubborn>(),
        Kind::of::<Count>(),
        Kind::of::<Texts>(),
        Kind::of::<Number>(),
        Kind::of::<Times>(),
        Kind::of::<Sum>(),
        Kind::of::<Picture>(),
    ])
}

/// A folder with a store, and runs over it.
pub struct Bench {
    pub folder: tempfile::TempDir,
    pub registry: Registry,
    pub capacity: Capacity,
    pub cancel: AtomicBool,
    pub fail_fast: bool,
    pub again: BTreeSet<usize>,
}

/// What a run did.
pub struct Ran {
    pub summary: Summary,
    pub events: Vec<Event>,
}

impl Ran {
    /// The jobs that ended so, in the order they did.
    pub fn jobs(&self, status: Status) -> Vec<String> {
        let mut jobs = Vec::new();
        for event in &self.events {
            if let Event::JobEnded(ended) = event
                && ended.status == status
            {
                jobs.push(ended.job.clone());
            }
        }
        jobs.sort();
        jobs
    }

    /// The digest of each job's artifact.
    pub fn artifacts(&self) -> BTreeMap<String, Digest> {
        let mut artifacts = BTreeMap::new();
        for event in &self.events {
            if let Event::JobEnded(ended) = event
                && let Some(digest) = ended.artifact
            {
                artifacts.insert(ended.job.clone(), digest);
            }
        }
        artifacts
    }

    /// The most jobs that ran at once.
    pub fn most(&self) -> usize {
        let (mut now, mut most) = (0usize, 0);
        for event in &self.events {
            match event {
                Event::JobStarted { .. } => now += 1,
                Event::JobEnded(ended) if ended.status == Status::Ran => now -= 1,
                _ => {}
            }
            most = most.max(now);
        }
        most
    }

    /// Why each job that began did so, and from what.
    pub fn starts(&self) -> BTreeMap<String, String> {
        let mut starts = BTreeMap::new();
        for event in &self.events {
            if let Event::JobStarted {
                job,
                reason,
                started_from,
                ..
            } = event
            {
                let why = etude::report::show_start(reason, started_from.as_ref());
                starts.insert(job.clone(), why);
            }
        }
        starts
    }

    /// What the jobs that failed said.
    pub fn failures(&self) -> Vec<String> {
        let failures = self.events.iter().filter_map(|event| match event {
            Event::JobEnded(ended) if ended.status == Status::Failed => ended.message.clone(),
            _ => None,
        });
        failures.collect()
    }

    pub fn warnings(&self) -> Vec<String> {
        let warnings = self.events.iter().filter_map(|event| match event {
            Event::Warning { message } => Some(message.clone()),
            _ => None,
        });
        warnings.collect()
    }
}

impl Bench {
    pub fn new() -> Self {
        Self::with(registry())
    }

    pub fn with(registry: Registry) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            registry,
            capacity: Capacity {
                cores: 2,
                cores_per_job: u32::MAX,
                memory: 1 << 40,
                memory_per_job: 1 << 40,
                cards: etude::run::Cards::Unknown,
                jobs: u32::MAX,
            },
            cancel: AtomicBool::new(false),
            fail_fast: false,
            again: BTreeSet::new(),
        }
    }

    pub fn store(&self) -> Store {
        Store::at(&self.folder.path().join("outputs/.etude"))
    }

    pub fn read(&self, text: &str, request: &Request) -> Result<Pipeline, Vec<Problem>> {
        let file = self.folder.path().join("toy.toml");
        fs::write(&file, text).unwrap();
        pipeline::read(&file, request, &self.registry)
    }

    pub fn plan(&self, text: &str) -> Plan {
        let request = Request {
            root: self.folder.path().to_path_buf(),
            ..Request::default()
        };
        let pipeline = self.read(text, &request);
        Plan::unroll(
            pipeline.unwrap_or_else(|problems| panic!("{problems:#?}")),
            &[],
        )
    }

    /// Where the one file of a cached job lies in the store.
    pub fn object(&self, text: &str, job: &str) -> PathBuf {
        let (plan, store) = (self.plan(text), self.store());
        let states = assess(&plan, &store, &store.ledgers().of("toy")).unwrap();
        let Freshness::Fresh(record) = &states[plan.find(job).unwrap()] else {
            panic!("{job} is not cached")
        };
        store
            .objects()
            .path(&record.artifact.files.values().next().unwrap().digest)
    }

    pub fn run(&self, text: &str) -> Ran {
        self.execute(&self.plan(text))
    }

    pub fn execute(&self, plan: &Plan) -> Ran {
        let executor = InProcess {
            registry: &self.registry,
        };
        self.execute_on(&executor, plan)
    }

    pub fn execute_on(&self, executor: &dyn Executor, plan: &Plan) -> Ran {
        let mut events = Vec::new();
        let options = Options {
            capacity: self.capacity.clone(),
            views: self.folder.path().join("outputs/toy"),
            prune: true,
            release: true,
            fail_fast: self.fail_fast,
            again: self.again.clone(),
            compare: &|kind, name, _, _| Some(format!("as {} sees `{name}`", kind.name)),
            cancel: &self.cancel,
        };
        let summary = execute(plan, &self.store(), executor, &options, &mut |event| {
            events.push(event.clone());
        });
        Ran {
            summary: summary.unwrap(),
            events,
        }
    }

    /// The checkpoint folders that are there, and what stands beside them.
    pub fn checkpoints(&self) -> Vec<PathBuf> {
        let folder = self.folder.path().join("outputs/.etude/v1/checkpoints");
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths
    }

    /// What the view of a table holds.
    pub fn table(&self, name: &str) -> String {
        let path: PathBuf = self.folder.path().join("outputs/toy/tables").join(name);
        fs::read_to_string(path.with_added_extension("parquet")).unwrap()
    }
}

/// An argument that makes this very program do what the named test does, and nothing else.
fn only(test: &str) -> Vec<String> {
    [test, "--exact", "--ignored", "--nocapture"]
        .map(String::from)
        .to_vec()
}

/// Worker processes that know the toy stages.
pub fn workers() -> Local {
    let program = std::env::current_exe().unwrap();
    Local::new(program, only("toys::as_a_worker"))
}

#[test]
#[ignore = "this is no test: it is what the worker processes of the tests do"]
fn as_a_worker() {
    // What the harness has printed stands on a line of its own.
    println!();
    let orders = io::BufReader::new(io::stdin());
    serve(&registry(), orders, io::stdout(), || std::process::exit(1));
}

const FOLDER: &str = "ETUDE_TEST_FOLDER";

/// After so many events the engine of [`as_an_engine`] kills itself.
pub const KILL_AT: &str = "ETUDE_TEST_KILL_AT";

/// An engine in a process of its own, which runs the pipeline that was last read on this bench.
pub fn engine(bench: &Bench) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(only("toys::as_an_engine"));
    command.env(FOLDER, bench.folder.path());
    command.stdout(Stdio::null());
    command
}

#[test]
#[ignore = "this is no test: it is what the engine processes of the tests do"]
fn as_an_engine() {
    let folder = std::env::var(FOLDER).unwrap();
    let folder = Path::new(&folder);
    let pipeline = pipeline::read(&folder.join("toy.toml"), &Request::default(), &registry());
    let options = Options {
        capacity: Capacity {
            cores: 1,
            cores_per_job: u32::MAX,
            memory: 1 << 40,
            memory_per_job: 1 << 40,
            cards: etude::run::Cards::Unknown,
            jobs: u32::MAX,
        },
        views: folder.join("outputs/toy"),
        prune: true,
        release: true,
        fail_fast: false,
        again: BTreeSet::new(),
        compare: &|_, _, _, _| None,
        cancel: &AtomicBool::new(false),
    };
    let store = Store::at(&folder.join("outputs/.etude"));
    let plan = Plan::unroll(pipeline.unwrap(), &[]);
    let kill_at = std::env::var(KILL_AT).ok();
    let kill_at = kill_at.map(|text| text.parse::<usize>().unwrap());
    let mut events = 0;
    let observe = &mut |_: &Event| {
        events += 1;
        if Some(events) == kill_at {
            let me = std::process::id().to_string();
            Command::new("kill").args(["-KILL", &me]).status().unwrap();
            std::thread::sleep(Duration::from_secs(60));
        }
    };
    execute(&plan, &store, &workers(), &options, observe).unwrap();
}
