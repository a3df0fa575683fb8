//! `etude graph`.

use clap::{Args, ValueEnum};

use super::{Failure, SourceArgs, out};
use crate::report::graph;

#[derive(Debug, Args)]
pub struct Graph {
    #[command(flatten)]
    source: SourceArgs,
    /// Only these jobs and what they need: `figure`, `model[method=reversed,seed=0]`
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,
    /// How to write it
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// A line a stage
    Text,
    /// For Graphviz
    Dot,
    /// A picture
    Svg,
}

impl Graph {
    pub fn run(self) -> Result<u8, Failure> {
        let (source, jobs) = self.source.with_jobs(self.jobs)?;
        let plan = source.plan(&jobs)?;
        let text = match self.format {
            Format::Text => graph::text(&plan),
            Format::Dot => graph::dot(&plan),
            Format::Svg => graph::svg(&plan),
        };
        // Whoever closed the stream does not want to hear more.
        let _ = write!(out(), "{text}");
        Ok(0)
    }
}
