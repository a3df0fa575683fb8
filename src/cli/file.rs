//! Which pipeline a command line means. FILE may be left out where there is only one; then the first word may be a job.

use std::path::{Path, PathBuf};

use super::{Failure, Source, SourceArgs, SourceOptions};
use crate::pipeline::pipelines_in;

impl SourceArgs {
    /// The pipeline, for a command that takes nothing else.
    pub fn alone(self) -> Result<Source, Failure> {
        let file = match self.file {
            Some(file) => file,
            None => the_only(Path::new(""), None)?,
        };
        Ok(self.options.of(file))
    }

    /// The pipeline and the jobs. What stands in the place of FILE is the first job if it cannot be a file.
    pub fn with_jobs(self, mut jobs: Vec<String>) -> Result<(Source, Vec<String>), Failure> {
        let Some(first) = &self.file else {
            return Ok((self.alone()?, jobs));
        };
        let here = Path::new("");
        let Some(job) = job_in(first) else {
            return Ok((self.alone()?, jobs));
        };
        if !first.is_file() {
            let file = the_only(here, Some(&job))?;
            jobs.insert(0, job);
            return Ok((self.options.of(file), jobs));
        }
        if let [only] = &pipelines_in(here)[..]
            && self.options.has_stage_of(only, &job)
        {
            return Err(Failure::Usage(format!(
                "`{job}` is a file here, and {only} has a stage of this name: write `{only} {job}` for the job, \
                 or `./{job}` for the file",
                only = only.display()
            )));
        }
        Ok((self.alone()?, jobs))
    }

    /// The pipeline and the artifact, which comes last.
    pub fn with_artifact(self, artifact: Option<PathBuf>) -> Result<(Source, PathBuf), Failure> {
        match (self.file, artifact) {
            (Some(file), Some(artifact)) => Ok((self.options.of(file), artifact)),
            (Some(artifact), None) => {
                let file = the_only(Path::new(""), None)?;
                Ok((self.options.of(file), artifact))
            }
            (None, _) => Err(Failure::Usage(
                "which artifact? `etude adopt [FILE] ARTIFACT` takes the file or folder to copy"
                    .into(),
            )),
        }
    }
}

impl SourceOptions {
    fn of(self, file: PathBuf) -> Source {
        Source {
            file,
            options: self,
        }
    }

    /// Whether a pipeline that can be read has the stage of a job.
    fn has_stage_of(&self, file: &Path, job: &str) -> bool {
        let source = Source {
            file: file.to_path_buf(),
            options: self.clone(),
        };
        let stage = stage_of(job);
        source
            .read()
            .is_ok_and(|pipeline| pipeline.stages.iter().any(|s| s.name == stage))
    }
}

/// The stage in the name of a job or of one of its outputs.
fn stage_of(job: &str) -> &str {
    job.split(['[', '.']).next().unwrap_or(job)
}

/// A word as a job, unless it can only be a file: because it ends in `.toml`, has a `/` that is no part of a label, or is not
/// text.
fn job_in(word: &Path) -> Option<String> {
    let text = word.to_str()?;
    let is_path = text
        .split('[')
        .next()
        .is_some_and(|name| name.contains(['/', '\\']));
    (!is_path && !text.ends_with(".toml")).then(|| text.to_string())
}

/// So many pipelines are named in a message.
const NAMED: usize = 20;

/// The only pipeline in a folder and its `pipelines/`. A message says what was taken for a job, if anything was.
fn the_only(folder: &Path, job: Option<&str>) -> Result<PathBuf, Failure> {
    let mut there = pipelines_in(folder);
    if there.len() == 1 {
        return Ok(there.remove(0));
    }
    let taken = job.map_or(String::new(), |job| {
        format!("`{job}` is not a file, so it is read as a job, and FILE is left out. ")
    });
    let names: Vec<String> = there
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let more = match names.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let names = names[..names.len().min(NAMED)].join(", ");
    Err(Failure::Usage(if there.is_empty() {
        format!(
            "{taken}which pipeline? There is none in this folder or its `pipelines/`; name a file, \
             or let `etude init` make a first pipeline"
        )
    } else {
        format!("{taken}which pipeline? There are several, name one: {names}{more}")
    }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_word_is_a_job_unless_it_can_only_be_a_file() {
        for job in [
            "figure",
            "model[seed=0]",
            "model[data=a/b]",
            "arms.shares",
            "",
        ] {
            assert_eq!(job_in(Path::new(job)).as_deref(), Some(job));
        }
        for file in [
            "a.toml",
            "pipelines/a",
            "./figure",
            "pipelines/a[1].toml",
            "a[1].toml",
        ] {
            assert_eq!(job_in(Path::new(file)), None, "{file}");
        }
        assert_eq!(stage_of("model[seed=0.5]"), "model");
        assert_eq!(stage_of("arms.shares"), "arms");
    }

    #[test]
    fn of_no_pipeline_and_of_several_the_message_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let message = |job| match the_only(folder.path(), job) {
            Err(Failure::Usage(message)) => message,
            _ => panic!("it should not be known"),
        };
        assert!(message(None).contains("`etude init`"));
        let write = |name: String| fs::write(folder.path().join(name), "name = 'x'").unwrap();
        write("a0.toml".into());
        assert_eq!(
            the_only(folder.path(), None).ok(),
            Some(folder.path().join("a0.toml"))
        );
        (1..25).for_each(|n| write(format!("a{n}.toml")));
        let said = message(Some("figur"));
        assert!(said.starts_with("`figur` is not a file"), "{said}");
        assert!(said.contains("a0.toml, "), "{said}");
        assert!(said.ends_with(" and 5 more"), "{said}");
    }
}
