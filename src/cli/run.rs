//! `etude run`.

use std::io::{self, IsTerminal};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;

use super::executors::Where;
use super::signals::Asked;
use super::{Failure, SourceArgs};
use crate::report::{Closing, Eta, Journal, Lines, Reporter, Terminal};
use crate::run::{Event, Options, execute, retire_stale, this_program};
use crate::store::Views;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  etude run paper.toml
  etude run paper.toml figure 'model[seed=0]'
  etude run paper.toml --profile smoke --set model.steps=300
  etude run paper.toml --where method=reversed,seed=0
  etude run paper.toml --executor slurm
  etude run paper.toml --again 'model[seed=0]'

Exit codes:
  0   all is done and shown
  1   a job failed, a result was not shown, or an error
  3   with --strict, a claim did not come out as expected
  64  wrong usage
  129 the terminal was closed
  130 stopped by Ctrl-C
  143 stopped by SIGTERM")]
pub struct Run {
    #[command(flatten)]
    source: SourceArgs,
    /// Only these jobs and what they need, such as `figure` or `model[seed=0]`; without any, all jobs
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,
    /// Use at most this many CPU cores; without this, all that the machine has
    #[arg(long, value_name = "N")]
    cores: Option<u32>,
    /// Where jobs run; all but `local` take what etude.toml says of them
    #[arg(long, value_enum, default_value = "local", value_name = "WHERE")]
    executor: Where,
    /// With --executor slurm: let the run itself be a job of the cluster, and return
    #[arg(long)]
    detach: bool,
    /// Stop all jobs as soon as one fails
    #[arg(long, conflicts_with = "keep_going")]
    fail_fast: bool,
    /// When a job fails, still run the jobs that do not need it (the default)
    #[arg(long)]
    keep_going: bool,
    /// Run these jobs even if they are cached, to test whether they give the same bytes again
    #[arg(long, value_name = "JOB")]
    again: Vec<String>,
    /// Exit with 3 if a claim does not come out as expected
    #[arg(long)]
    strict: bool,
}

impl Run {
    pub fn run(self) -> Result<u8, Failure> {
        let (source, jobs) = self.source.with_jobs("run", self.jobs)?;
        let plan = source.plan(&jobs)?;
        let project = source.project();
        let store = project.store();
        let views = project.views(&plan.pipeline.shown);
        Views {
            folder: views.clone(),
            store: &store,
        }
        .check(project.root())?;
        store.prepare()?;
        source.warn(&plan.pipeline);
        let program = this_program()
            .map_err(|error| Failure::Message(format!("cannot find this program: {error}")))?;
        if self.detach {
            return self.executor.detach(&project, &store, program, &run_id());
        }
        let asked = Asked::listen()?;
        let executor = self.executor.of(&project, &store, program, &asked)?;
        let again = plan
            .pipeline
            .select(&self.again)
            .map_err(Failure::Problems)?;
        let again = (0..plan.jobs.len()).filter(|id| {
            again
                .iter()
                .any(|selector| selector.matches(&plan.jobs[*id].name))
        });
        let options = Options {
            capacity: project.capacity(self.cores),
            views,
            prune: jobs.is_empty(),
            release: source.request(&project).is_whole() && jobs.is_empty(),
            fail_fast: self.fail_fast,
            again: again.collect(),
            compare: &crate::stages::difference,
            cancel: &asked.stops,
        };
        let id = run_id();
        let face: Box<dyn Reporter> = if io::stderr().is_terminal() {
            Box::new(Terminal::new(Eta::new(&plan, &store)))
        } else {
            Box::new(Lines::new(io::stderr()))
        };
        let mut reporters: Vec<Box<dyn Reporter>> = vec![face];
        match store.only_read() {
            None => {
                let journal = Journal::create(&store.journal(&id));
                let journal = journal.map_err(|error| {
                    Failure::Message(format!("cannot write the journal: {error}"))
                })?;
                reporters.push(Box::new(journal));
            }
            Some(why) => {
                let message = format!(
                    "the store can only be read ({why}): what is cached is used, nothing is noted of this run, and no job can run"
                );
                reporters[0].hear(&Event::Warning { message });
            }
        }
        let mut closing = Closing::new(&plan);
        let summary = execute(&plan, &store, &*executor, &options, &mut |event: &Event| {
            reporters
                .iter_mut()
                .for_each(|reporter| reporter.hear(event));
            closing.hear(event);
        })?;
        if !jobs.is_empty() && asked.code().is_none() {
            let whole = source.plan(&[])?;
            let folder = project.views(&whole.pipeline.shown);
            for message in retire_stale(&whole, &store, &folder)? {
                let warning = Event::Warning { message };
                reporters.iter_mut().for_each(|r| r.hear(&warning));
            }
        }
        let mut out = super::out();
        for line in closing.lines(&plan, &summary) {
            // Whoever closed the stream does not want to hear more.
            let _ = writeln!(out, "{line}");
        }
        if let Some(code) = asked.code() {
            return Ok(code);
        }
        Ok(if !summary.is_success() {
            1
        } else if self.strict && !closing.all_as_expected() {
            3
        } else {
            0
        })
    }
}

/// A name for a run that no other has.
fn run_id() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    format!("{}-{}", now.as_millis(), std::process::id())
}
