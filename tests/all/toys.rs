//! Toy stages, so that the whole engine is tested in milliseconds; and a bench to run them on.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use etude::pipeline::{
    self, ArtifactType, Context, Kind, Pipeline, Port, Problem, Progress, Registry, Request,
    Resources, Stage, Stop, Takes,
};
use etude::plan::{Freshness, Plan, assess};
use etude::run::{Capacity, Event, InProcess, Options, Status, Summary, execute};
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
        match self.fails {
            true => Err(Stop::failed("told to fail")),
            false => leave(job, self.value / self.by),
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
        takes: Takes::One,
        accepts: &[ArtifactType::Table],
        many: false,
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
        takes: Takes::All,
        accepts: &[ArtifactType::Table],
        many: true,
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

pub fn registry() -> Registry {
    Registry::new([
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

    pub fn warnings(&self) -> Vec<String> {
        let warnings = self.events.iter().filter_map(|event| match event {
            Event::Warning { message } => Some(message.clone()),
            _ => None,
        });
        warnings.collect()
    }
}

impl Bench {
    pub fn new() -> Bench {
        Bench::with(registry())
    }

    pub fn with(registry: Registry) -> Bench {
        Bench {
            folder: tempfile::tempdir().unwrap(),
            registry,
            capacity: Capacity {
                cores: 2,
                memory: 1 << 40,
                gpus: 0,
            },
            cancel: AtomicBool::new(false),
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
        let pipeline = self.read(text, &Request::default());
        Plan::unroll(
            pipeline.unwrap_or_else(|problems| panic!("{problems:#?}")),
            &[],
        )
    }

    /// Where the one file of a cached job lies in the store.
    pub fn object(&self, text: &str, job: &str) -> PathBuf {
        let (plan, store) = (self.plan(text), self.store());
        let states = assess(&plan, &store, &store.ledger("toy"));
        let Freshness::Fresh(record) = &states[plan.find(job).unwrap()] else {
            panic!("{job} is not cached")
        };
        store.object(&record.artifact.files.values().next().unwrap().digest)
    }

    pub fn run(&self, text: &str) -> Ran {
        self.execute(&self.plan(text))
    }

    pub fn execute(&self, plan: &Plan) -> Ran {
        let mut events = Vec::new();
        let options = Options {
            capacity: self.capacity,
            views: self.folder.path().join("outputs/toy"),
            prune: true,
            cancel: &self.cancel,
        };
        let executor = InProcess {
            registry: &self.registry,
        };
        let summary = execute(plan, &self.store(), &executor, &options, &mut |event| {
            events.push(event.clone());
        });
        Ran {
            summary: summary.unwrap(),
            events,
        }
    }

    /// What the view of a table holds.
    pub fn table(&self, name: &str) -> String {
        let path: PathBuf = self.folder.path().join("outputs/toy/tables").join(name);
        fs::read_to_string(path.with_added_extension("parquet")).unwrap()
    }
}
