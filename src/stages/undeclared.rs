//! Files that a program's arguments name and its stage does not declare: when they change, nothing runs again.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use crate::pipeline::ParamError;

/// What is to say of each. Only what lies in the project and is there counts, so that words that look like a path do not.
pub(super) fn undeclared(args: &[String], files: &[String], root: &Path) -> Vec<ParamError> {
    let root = normal(root);
    let files: Vec<PathBuf> = files.iter().map(|file| normal(&root.join(file))).collect();
    let mut found = Vec::new();
    let mut told = BTreeSet::new();
    for (at, arg) in args.iter().enumerate() {
        // A program without a folder is looked for in PATH.
        let words = if at == 0 && !arg.contains('/') {
            Vec::new()
        } else {
            words(arg)
        };
        for word in words {
            let path = normal(&root.join(word));
            let is_declared = files.iter().any(|file| path.starts_with(file));
            if let Ok(inside) = path.strip_prefix(&root)
                && !is_declared
                && path.is_file()
                && told.insert(inside.to_path_buf())
            {
                found.push(param_error(arg, word, inside, files.is_empty()));
            }
        }
    }
    found
}

fn param_error(arg: &str, word: &str, inside: &Path, alone: bool) -> ParamError {
    let what = format!("the program is given the file `{word}`, which the stage does not declare");
    let path = toml::Value::from(inside.display().to_string());
    let help = if inside.starts_with("outputs") {
        "if a stage made it, read that stage: inputs = { x = \"the-stage\" }; \
                 ETUDE_INPUT_X is where it lies then"
            .to_string()
    } else {
        let write = if alone {
            format!("write files = [{path}]")
        } else {
            format!("add {path} to `files`")
        };
        format!("{write}: when it changes, the stage runs again then, and now it does not")
    };
    ParamError::new(format!("args.{arg}"), what).help(help)
}

/// An argument, and the words of one that is a line for a shell or sets an option (`--config=a.yaml`); but not where a shell
/// is to write.
fn words(arg: &str) -> Vec<&str> {
    let mut words = vec![arg];
    let mut written = false;
    let ends = |c: char| c.is_whitespace() || "=;|&()<>\"'`".contains(c);
    for part in arg.split_inclusive(ends) {
        let word = part.trim_end_matches(ends);
        if !word.is_empty() && !written {
            words.push(word);
        }
        written = if part.ends_with('>') {
            true
        } else {
            written && word.is_empty()
        };
    }
    words.sort_unstable();
    words.dedup();
    words
}

/// A path without `.` and `..`; links are not looked at.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_project_that_arguments_name_are_to_be_declared() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("project");
        std::fs::create_dir_all(root.join("src")).unwrap();
        std::fs::create_dir_all(root.join("outputs")).unwrap();
        std::fs::write(folder.path().join("other.py"), "").unwrap();
        for name in ["train.py", "a.yaml", "src/a.py", "python3", "outputs/t.csv"] {
            std::fs::write(root.join(name), "").unwrap();
        }
        let told = |args: &[&str], files: &[&str]| {
            let text = |all: &[&str]| all.iter().map(|s| s.to_string()).collect::<Vec<_>>();
            let told = undeclared(&text(args), &text(files), &root);
            let told = told.into_iter().map(|c| c.help.unwrap());
            told.map(|help| help.split(':').next().unwrap().to_string())
                .collect::<Vec<_>>()
        };
        let write = |name: &str| vec![format!("write files = [\"{name}\"]")];
        assert_eq!(told(&["python3", "train.py"], &[]), write("train.py"));
        assert_eq!(told(&["./train.py", "x"], &[]), write("train.py"));
        assert_eq!(told(&["p", "--config=a.yaml"], &[]), write("a.yaml"));
        assert_eq!(
            told(&["sh", "-c", "python3 train.py >a.yaml"], &[]),
            [
                "write files = [\"python3\"]",
                "write files = [\"train.py\"]"
            ]
        );
        assert_eq!(told(&["./train.py", "train.py"], &[]), write("train.py"));
        let absolute = root.join("train.py").display().to_string();
        assert_eq!(told(&["p", &absolute], &[]), write("train.py"));
        assert_eq!(
            told(&["p", "train.py"], &["a.yaml"]),
            ["add \"train.py\" to `files`"]
        );
        assert_eq!(
            told(&["p", "outputs/t.csv"], &[]),
            ["if a stage made it, read that stage"]
        );
        let nothing: [&str; 0] = [];
        assert_eq!(told(&["p", "./src/a.py"], &["src"]), nothing);
        assert_eq!(told(&["p", "train.py"], &["./train.py"]), nothing);
        assert_eq!(
            told(&["p", "../other.py", "src", "none.py", ""], &[]),
            nothing
        );
    }
}
