//! `etude graph`.

use clap::{Args, ValueEnum};

use super::{Failure, SourceArgs, out};
use crate::report::graph;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  etude graph paper.toml
  etude graph paper.toml --format svg > stages.svg

Exit codes:
  0   the graph was printed
  1   an error
  64  wrong usage")]
pub struct Graph {
    #[command(flatten)]
    source: SourceArgs,
    /// Only these jobs and what they need, such as `figure` or `model[seed=0]`; without any, all jobs
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,
    /// The format of the output
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// One line for each stage
    Text,
    /// The language of Graphviz
    Dot,
    /// An SVG picture
    Svg,
}

impl Graph {
    pub fn run(self) -> Result<u8, Failure> {
        let (source, jobs) = self.source.with_jobs("graph", self.jobs)?;
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
