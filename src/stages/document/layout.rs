//! Where files lie while a document is compiled: the user's own as they lie beside the main file, and of each stage all files
//! below a folder of its name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::format::Format;
use super::scan::{Role, Scan};
use crate::pipeline::{ArtifactType, HOLES, WARNINGS};

/// A file of the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// Where it lies in the project.
    pub path: PathBuf,
    /// The same from the project's root, as people write it.
    pub shown: String,
}

/// The user's files by the paths at which they are laid.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// The main file.
    pub main: String,
    /// All, the main file too.
    pub own: BTreeMap<String, Own>,
}

impl Layout {
    /// Lays the main file at the top. What lies in its folder keeps its place beside it; what lies elsewhere in the project
    /// has its path from the root; and anything else its name alone.
    ///
    /// # Errors
    /// Two files would lie in one place.
    pub fn new(root: &Path, main: &Path, files: &[PathBuf]) -> Result<Self, String> {
        let (root, main) = (normal(root), normal(main));
        let folder = main.parent().unwrap_or(&root).to_path_buf();
        let mut layout = Self {
            main: text(main.file_name().map(Path::new).unwrap_or(&main)),
            own: BTreeMap::new(),
        };
        for path in std::iter::once(&main).chain(files) {
            let path = normal(path);
            let inside = path
                .strip_prefix(&folder)
                .or_else(|_| path.strip_prefix(&root));
            let name = path.file_name().map(Path::new);
            let laid = text(inside.ok().or(name).unwrap_or(&path));
            let shown = text(path.strip_prefix(&root).unwrap_or(&path));
            if let Some(other) = layout.own.get(&laid).filter(|other| other.path != path) {
                return Err(format!(
                    "`{shown}` and `{}` would both be laid at `{laid}`",
                    other.shown
                ));
            }
            layout.own.insert(laid, Own { path, shown });
        }
        Ok(layout)
    }

    /// A file as its author knows it.
    pub fn shown<'a>(&'a self, laid: &'a str) -> &'a str {
        self.own.get(laid).map_or(laid, |own| &own.shown)
    }
}

/// A path as text, with `/` between its parts.
fn text(path: &Path) -> String {
    let parts = path
        .components()
        .map(|part| part.as_os_str().to_string_lossy());
    parts.collect::<Vec<_>>().join("/").replacen("//", "/", 1)
}

/// A path without `.` and `..`; links are not looked at.
pub fn normal(path: &Path) -> PathBuf {
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

/// The folder of what one job left: the stage's name, and below it the coordinates where the stage has several jobs.
pub fn folder(name: &str, place: &[(String, String)]) -> String {
    if place.is_empty() {
        return name.to_string();
    }
    // What a document can write in a path without escaping it.
    let plain = |c: char| {
        if c.is_alphanumeric() || ".+_=".contains(c) {
            c
        } else {
            '-'
        }
    };
    let pairs = place.iter();
    let pairs = pairs.map(|(axis, label)| format!("{axis}={label}").chars().map(plain).collect());
    format!("{name}/{}", pairs.collect::<Vec<String>>().join(","))
}

/// The names under which the files of an artifact are laid. A table is laid as CSV, which documents can read.
pub fn laid<'a>(
    artifact: ArtifactType,
    files: impl Iterator<Item = &'a String>,
) -> Vec<(&'a String, String)> {
    let files: Vec<&String> = files
        .filter(|file| *file != HOLES && *file != WARNINGS)
        .collect();
    let all: BTreeSet<&String> = files.iter().copied().collect();
    let mut laid = Vec::new();
    for file in files {
        let mut tables = artifact.tables().iter();
        let stem = file.strip_suffix(".parquet");
        match stem.filter(|_| tables.any(|table| table.file == file)) {
            None => laid.push((file, file.clone())),
            Some(stem) => {
                let name = format!("{stem}.csv");
                if !all.contains(&name) {
                    laid.push((file, name));
                }
            }
        }
    }
    laid
}

/// A file of the document's own text.
#[derive(Debug, Clone)]
pub struct Source {
    /// Where it is laid.
    pub laid: String,
    /// Its language.
    pub format: Format,
    /// Its text.
    pub text: String,
    /// What it holds.
    pub scan: Scan,
}

/// The main file and all of the user's that it names as parts of its text, and they in turn. What cannot be read is left out:
/// the compile will tell.
pub fn sources(layout: &Layout) -> Vec<Source> {
    let mut sources: Vec<Source> = Vec::new();
    let mut open = vec![layout.main.clone()];
    let mut seen = BTreeSet::new();
    while let Some(laid) = open.pop() {
        if !seen.insert(laid.clone()) {
            continue;
        }
        let (Some(own), Some(format)) = (layout.own.get(&laid), Format::of(&laid)) else {
            continue;
        };
        let Ok(bytes) = std::fs::read(&own.path) else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let scan = format.scan(&text);
        let named = scan.references.iter();
        let named = named.filter(|r| matches!(r.role, Role::Text | Role::Part | Role::Package));
        for reference in named {
            let paths = candidates(format, &laid, &[], &reference.path, reference.extensions);
            open.extend(
                paths
                    .into_iter()
                    .filter(|path| layout.own.contains_key(path)),
            );
        }
        sources.push(Source {
            laid,
            format,
            text,
            scan,
        });
    }
    sources.sort_by_key(|source| (source.laid != layout.main, source.laid.clone()));
    sources
}

/// The paths that a path in a file can mean, in the order in which they are tried.
pub fn candidates(
    format: Format,
    file: &str,
    folders: &[String],
    path: &str,
    extensions: &[&str],
) -> Vec<String> {
    let here = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut bases = vec![String::new()];
    if format.is_relative() && !path.starts_with('/') {
        bases = vec![format!("{here}/")];
    }
    bases.extend(
        folders
            .iter()
            .map(|folder| format!("{}/", folder.trim_end_matches('/'))),
    );
    let mut all = Vec::new();
    for base in bases {
        let whole = text(&normal(Path::new(&format!("{base}{path}"))));
        let whole = whole.trim_start_matches('/').to_string();
        all.push(whole.clone());
        all.extend(
            extensions
                .iter()
                .map(|extension| format!("{whole}{extension}")),
        );
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beside_the_main_file_keeps_its_place() {
        let path = |name: &str| PathBuf::from(format!("/project/{name}"));
        let files = [
            path("paper/refs.bib"),
            path("paper/a/b.tex"),
            path("shared/x.sty"),
            "/else/y.png".into(),
        ];
        let layout = Layout::new(&path(""), &path("paper/main.tex"), &files).unwrap();
        let laid: Vec<&str> = layout.own.keys().map(String::as_str).collect();
        assert_eq!(
            laid,
            ["a/b.tex", "main.tex", "refs.bib", "shared/x.sty", "y.png"]
        );
        assert_eq!(layout.shown("refs.bib"), "paper/refs.bib");
        let twice = [path("shared/x.sty"), path("paper/shared/x.sty")];
        let said = Layout::new(&path(""), &path("paper/main.tex"), &twice).unwrap_err();
        assert!(said.contains("both be laid at `shared/x.sty`"), "{said}");
    }

    #[test]
    fn a_stage_with_several_jobs_has_their_coordinates_in_its_folders() {
        let place = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs
                .iter()
                .map(|(a, b)| (a.to_string(), b.to_string()))
                .collect()
        };
        assert_eq!(folder("curves", &[]), "curves");
        assert_eq!(
            folder("curves", &place(&[("method", "a b%"), ("seed", "0")])),
            "curves/method=a-b-,seed=0"
        );
    }

    #[test]
    fn a_path_means_a_file_with_or_without_its_extension() {
        assert_eq!(
            candidates(Format::Latex, "a/b.tex", &["img/".into()], "./x", &[".pdf"]),
            ["x", "x.pdf", "img/x", "img/x.pdf"]
        );
        assert_eq!(
            candidates(Format::Typst, "a/b.typ", &[], "../x.svg", &[]),
            ["x.svg"]
        );
        assert_eq!(
            candidates(Format::Typst, "a/b.typ", &[], "/x.svg", &[]),
            ["x.svg"]
        );
    }
}
