//! A project in a folder of its own, and what the program says in it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

pub struct Project {
    pub folder: tempfile::TempDir,
}

impl Project {
    /// One with these files; an empty `etude.toml` marks its root where none is given.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        project.write("etude.toml", "");
        for (name, text) in files {
            project.write(name, text);
        }
        project
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// What a command prints, its results before its messages, and its exit code.
    pub fn etude(&self, arguments: &[&str]) -> (String, i32) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
        command.args(arguments).current_dir(self.folder.path());
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap();
        let text = [stdout, stderr].concat();
        (String::from_utf8(text).unwrap(), status.code().unwrap())
    }

    /// What a command prints that ends well.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let (text, code) = self.etude(arguments);
        assert_eq!(code, 0, "{arguments:?}: {text}");
        text
    }
}

/// A pipeline of programs that leave their number, so many; before that they do what the script says.
pub fn numbers(script: &str, jobs: usize) -> String {
    let numbers: Vec<String> = (0..jobs).map(|n| n.to_string()).collect();
    format!(
        "[stage.n]\nkind = 'command'\nparams = {{ n = 0 }}\n\
         args = ['sh', '-c', '''{script} echo $ETUDE_PARAM_N > $ETUDE_OUT/out.txt''']\n\
         outputs = {{ out = {{ path = 'out.txt', type = 'file' }} }}\n\
         [axes]\nn = {{ 'n.params.n' = [{}] }}\n",
        numbers.join(", ")
    )
}
