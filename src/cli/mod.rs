//! The face: one file a command; the only folder that knows clap, colours and exit codes.

mod adopt;
mod check;
mod columns;
mod excerpt;
mod executors;
mod failure;
mod file;
mod gc;
mod graph;
mod init;
mod judge;
mod kinds;
mod log;
mod measures;
mod pin;
mod plan;
mod project;
mod publish;
pub mod reference;
mod remedies;
mod restore;
mod run;
mod schema;
mod settings;
mod signals;
mod stream;
mod usage;
mod verify;
mod warnings;
mod worker;

use std::io::{self, StderrLock, StdoutLock};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::pipeline::{self, Device, Problem};
use crate::report::Out;
use failure::Failure;
use project::Project;

/// The command line. The help of each command says what its exit codes mean.
#[derive(Debug, Parser)]
#[command(
    name = "etude",
    version,
    about = "Declarative experiment pipelines for machine-learning papers",
    long_about = None,
    propagate_version = true,
    after_help = AFTER_HELP
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  etude plan paper.toml     # which jobs would run, and why
  etude run paper.toml      # run them and show the figures
  etude kinds               # what a stage can do
  etude help run            # the options of a command

Exit codes:
  0    all is well
  1    an error, or what the help of the command says
  64   wrong usage
  141  the reader of the output is gone";

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a project with a first pipeline
    Init(init::Init),
    /// Run a pipeline and show its figures
    Run(run::Run),
    /// Show which jobs would run, and why
    Plan(plan::Plan),
    /// Show the stages and their inputs
    Graph(graph::Graph),
    /// Show the columns of each table
    Columns(columns::Columns),
    /// List the kinds of stages, or describe one
    Kinds(kinds::Kinds),
    /// Show the log, artifact and fingerprint of jobs
    Log(log::Log),
    /// Use a file that you already have as the artifact of a job
    Adopt(adopt::Adopt),
    /// Undo an adoption, so that the job runs
    Unadopt(adopt::Unadopt),
    /// Copy results and their provenance to a folder to commit
    Publish(publish::Publish),
    /// Take published results back into the store, to draw figures anew
    Restore(restore::Restore),
    /// Test whether published results are up to date; needs no store
    Check(check::Check),
    /// Protect artifacts from `etude gc`
    Pin(pin::Pin),
    /// Protect artifacts no longer
    Unpin(pin::Unpin),
    /// Read the whole store and report what is damaged
    Verify(verify::Verify),
    /// Remove artifacts that no pipeline needs
    Gc(gc::Gc),
    #[command(hide = true)]
    Worker(worker::Worker),
}

/// The command line: all commands with their options and help texts.
#[must_use]
pub fn command_line() -> clap::Command {
    Cli::command()
}

impl Command {
    /// Whether it does nothing but show something, and so has nothing to do for nobody.
    fn only_shows(&self) -> bool {
        matches!(
            self,
            Self::Plan(_)
                | Self::Graph(_)
                | Self::Columns(_)
                | Self::Kinds(_)
                | Self::Log(_)
                | Self::Check(_)
        )
    }
}

/// Parses the command line, does what it says, and gives the exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(usage::tell(error)),
    };
    if cli.command.only_shows() {
        stream::end_when_closed();
    }
    let done = match cli.command {
        Command::Init(command) => command.run(),
        Command::Run(command) => command.run(),
        Command::Plan(command) => command.run(),
        Command::Graph(command) => command.run(),
        Command::Columns(command) => command.run(),
        Command::Kinds(command) => command.run(),
        Command::Log(command) => command.run(),
        Command::Adopt(command) => command.run(),
        Command::Unadopt(command) => command.run(),
        Command::Publish(command) => command.run(),
        Command::Restore(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Pin(command) => command.run(),
        Command::Unpin(command) => command.run(),
        Command::Verify(command) => command.run(),
        Command::Gc(command) => command.run(),
        Command::Worker(command) => command.run(),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.code())
        }
    }
}

/// Standard output, for people: everything that commands print goes there.
fn out() -> Out<StdoutLock<'static>> {
    Out::new(io::stdout().lock())
}

/// Standard error, likewise.
fn err() -> Out<StderrLock<'static>> {
    Out::new(io::stderr().lock())
}

/// What every command that reads a pipeline takes.
#[derive(Debug, Args)]
struct SourceArgs {
    /// The pipeline file; may be left out if this folder and its `pipelines/` have only one pipeline
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    options: SourceOptions,
}

/// How the pipeline is read.
#[derive(Debug, Clone, Args)]
struct SourceOptions {
    /// Apply this profile of the file; without this, the profile `default` if there is one
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Set a parameter that no axis sweeps; this comes last, after axes, overrides and profile
    #[arg(long, value_name = "STAGE.PARAM=VALUE")]
    set: Vec<String>,
    /// Keep only these labels of the axes, such as `method=reversed,seed=0`
    #[arg(long = "where", value_name = "AXIS=LABEL,…")]
    keep: Vec<String>,
    /// Compute on this device, whatever the file says
    #[arg(long, value_enum)]
    device: Option<DeviceName>,
    /// The root of the project, which holds `outputs/`
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DeviceName {
    Auto,
    Cpu,
    Cuda,
}

/// The pipeline that a command is about.
#[derive(Debug)]
struct Source {
    file: PathBuf,
    options: SourceOptions,
}

impl Source {
    /// Reads and checks the pipeline, and what its project says.
    fn read(&self) -> Result<pipeline::Pipeline, Failure> {
        self.is_there()?;
        let project = self.project();
        project.check()?;
        let request = self.request(&project);
        pipeline::read(&self.file, &request, &crate::stages::registry()).map_err(Failure::Problems)
    }

    /// The project of the pipeline.
    fn project(&self) -> Project {
        Project::of(&self.file, self.options.root.as_deref())
    }

    /// What the command line adds to the file.
    fn request(&self, project: &Project) -> pipeline::Request {
        pipeline::Request {
            profile: self.options.profile.clone(),
            set: self.options.set.clone(),
            keep: self.options.keep.clone(),
            device: self.options.device.map(|device| match device {
                DeviceName::Auto => Device::Auto,
                DeviceName::Cpu => Device::Cpu,
                DeviceName::Cuda => Device::Cuda,
            }),
            root: project.root().to_path_buf(),
            // What is no text can be no part of an identity that people read.
            environment: std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
        }
    }

    /// Reads the pipeline and unrolls it, narrowed to the jobs that are asked for.
    fn plan(&self, jobs: &[String]) -> Result<crate::plan::Plan, Failure> {
        let pipeline = self.read()?;
        let selectors = pipeline.select(jobs).map_err(Failure::Problems)?;
        let plan = crate::plan::Plan::unroll(pipeline, &selectors);
        if plan.jobs.is_empty() {
            let problem = Problem::of("no job is left")
                .help("excludes, the profile's `keep` and --where leave nothing of this pipeline");
            return Err(Failure::Problems(vec![problem]));
        }
        Ok(plan)
    }
}
