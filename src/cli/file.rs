//! Which pipeline a command line means. FILE may be left out where there is only one; then the first word may be a job.

use std::path::{Path, PathBuf};

use super::{Failure, Source, SourceArgs, SourceOptions};
use crate::pipeline::{Problem, alternatives, pipelines_in};

impl SourceArgs {
    /// The pipeline, for a command that takes nothing else.
    pub fn alone(self, command: &str) -> Result<Source, Failure> {
        let file = match self.file {
            Some(file) => file,
            None => self.options.the_only(command, None)?,
        };
        Ok(self.options.of(file))
    }

    /// The pipeline and the jobs. What stands in the place of FILE is the first job if it cannot be a file.
    pub fn with_jobs(
        self,
        command: &str,
        mut jobs: Vec<String>,
    ) -> Result<(Source, Vec<String>), Failure> {
        let Some(first) = &self.file else {
            return Ok((self.alone(command)?, jobs));
        };
        let Some(job) = job_in(first) else {
            return Ok((self.alone(command)?, jobs));
        };
        if !first.is_file() {
            let file = self.options.the_only(command, Some(&job))?;
            jobs.insert(0, job);
            return Ok((self.options.of(file), jobs));
        }
        if let [only] = &pipelines_in(Path::new(""))[..]
            && self.options.has_stage_of(only, &job)
        {
            return Err(Failure::Usage(format!(
                "`{job}` is a file here, and {only} has a stage of this name: write `{only} {job}` for the job, \
                 or `./{job}` for the file",
                only = only.display()
            )));
        }
        Ok((self.alone(command)?, jobs))
    }

    /// The pipeline and the artifact, which comes last.
    pub fn with_artifact(self, artifact: Option<PathBuf>) -> Result<(Source, PathBuf), Failure> {
        match (self.file, artifact) {
            (Some(file), Some(artifact)) => Ok((self.options.of(file), artifact)),
            (Some(artifact), None) => {
                let file = self.options.the_only("adopt", None)?;
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

    /// The only pipeline in this folder and its `pipelines/`, for a command whose first word, if any, is no file.
    fn the_only(&self, command: &str, word: Option<&str>) -> Result<PathBuf, Failure> {
        let mut there = pipelines_in(Path::new(""));
        if there.len() == 1 {
            return Ok(there.remove(0));
        }
        let has_job = |file: &&PathBuf| word.is_some_and(|word| self.has_stage_of(file, word));
        let of_job = there.iter().find(has_job).map(PathBuf::as_path);
        Err(Failure::Usage(unclear(&there, of_job, command, word)))
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

impl Source {
    /// Refuses a file that is not there, and names the pipelines that are.
    pub fn is_there(&self) -> Result<(), Failure> {
        if self.file.exists() {
            return Ok(());
        }
        let there = pipelines_in(Path::new(""));
        let elsewhere = there
            .iter()
            .find(|path| path.file_name() == self.file.file_name());
        let written = self.file.display().to_string();
        let help = match elsewhere {
            Some(path) => Some(format!("did you mean `{}`?", path.display())),
            None => {
                let names: Vec<String> = there.iter().map(|p| p.display().to_string()).collect();
                alternatives("pipelines here", &written, names.iter().map(String::as_str))
            }
        };
        let problem = Problem::of(format!("cannot read {written}: there is no such file"));
        Err(Failure::Problems(vec![problem.maybe_help(help)]))
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

/// Says that no pipeline or several could be meant, and what to write. The example names a pipeline that has the job.
fn unclear(there: &[PathBuf], of_job: Option<&Path>, command: &str, word: Option<&str>) -> String {
    // A word that names no stage may be meant as a file.
    let no_file = match (word, of_job) {
        (Some(word), None) => format!("there is no file `{word}`, and "),
        _ => String::new(),
    };
    let Some(first) = there.first() else {
        return format!(
            "{no_file}there is no pipeline in this folder or its `pipelines/`; name a file, \
             or let `etude init` make a first pipeline"
        );
    };
    let paths = there.iter().take(NAMED);
    let names: Vec<String> = paths.map(|path| path.display().to_string()).collect();
    let more = match there.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let file = shell_word(&of_job.unwrap_or(first).display().to_string());
    let job = word.filter(|_| of_job.is_some());
    let job = job.map_or(String::new(), |job| format!(" {}", shell_word(job)));
    format!(
        "{no_file}there are several pipelines here: {}{more}. Write which one is meant, as in \
         `etude {command} {file}{job}`",
        names.join(", ")
    )
}

/// A word as a shell reads it: in single quotes where it has a character with a meaning of its own.
fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./=,:@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_string()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
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
    fn of_no_pipeline_and_of_several_the_message_says_what_to_write() {
        let said = unclear(&[], None, "run", None);
        assert!(
            said.starts_with("there is no pipeline in this folder"),
            "{said}"
        );
        assert!(said.contains("`etude init`"), "{said}");
        let there: Vec<PathBuf> = (0..25).map(|n| format!("a{n}.toml").into()).collect();
        let said = unclear(&there, None, "check", None);
        assert!(
            said.starts_with("there are several pipelines here: a0.toml, "),
            "{said}"
        );
        assert!(said.contains(" and 5 more. "), "{said}");
        assert!(said.ends_with("`etude check a0.toml`"), "{said}");
        let said = unclear(&there, Some(&there[3]), "log", Some("model[seed=0]"));
        assert!(said.starts_with("there are several"), "{said}");
        assert!(
            said.ends_with("`etude log a3.toml 'model[seed=0]'`"),
            "{said}"
        );
        let said = unclear(&there, None, "run", Some("figur"));
        assert!(said.starts_with("there is no file `figur`, and "), "{said}");
        assert!(said.ends_with("`etude run a0.toml`"), "{said}");
    }

    #[test]
    fn a_word_of_an_example_can_be_given_to_a_shell_as_it_stands() {
        for plain in ["figure", "pipelines/a-b.toml", "arms.shares"] {
            assert_eq!(shell_word(plain), plain);
        }
        assert_eq!(shell_word("model[seed=0]"), "'model[seed=0]'");
        assert_eq!(shell_word("a b.toml"), "'a b.toml'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
