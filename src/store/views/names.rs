//! What views are called, and where links lead.

use std::path::{Component, Path, PathBuf};

use crate::store::{Artifact, Digest, StoredFile};

/// Whether a link leads to what can only be an object of a store: `…/objects/ab/cdef…`. The store may be another than the one
/// in use now, and gone.
pub(super) fn is_object(target: &Path) -> bool {
    let mut parts = target.iter().rev().map(|part| part.to_str().unwrap_or(""));
    let (name, shard, folder) = (parts.next(), parts.next(), parts.next());
    let digest = format!("{}{}", shard.unwrap_or(""), name.unwrap_or(""));
    folder == Some("objects")
        && shard.is_some_and(|shard| shard.len() == 2)
        && digest.parse::<Digest>().is_ok()
}

/// The files of an artifact that are shown: all but those whose name begins with a dot.
pub(super) fn visible(artifact: &Artifact) -> impl Iterator<Item = (&String, &StoredFile)> {
    let files = artifact.files.iter();
    files.filter(|(name, _)| !name.starts_with('.'))
}

/// Extensions of two parts.
pub(super) const DOUBLE: [&str; 1] = ["vl.json"];

/// The extension of a file; of a Vega-Lite specification it has two parts.
pub fn extension(file: &str) -> Option<&str> {
    let has = |extension: &&&str| {
        let stem = file.strip_suffix(**extension);
        stem.is_some_and(|stem| stem.ends_with('.') && !stem.ends_with("/.") && stem.len() > 1)
    };
    let double = DOUBLE.iter().find(has).copied();
    double.or_else(|| Path::new(file).extension()?.to_str())
}

/// Whether the files of an artifact differ by extension alone.
pub(super) fn flat(artifact: &Artifact) -> bool {
    let stem = |file: &'_ String| {
        let extension = extension(file).map_or(0, |extension| extension.len() + 1);
        file[..file.len() - extension].to_owned()
    };
    let mut stems: Vec<String> = visible(artifact).map(|(file, _)| stem(file)).collect();
    stems.dedup();
    stems.len() == 1
}

/// A path from the root of the file system, without `..`; links are not looked at.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in std::path::absolute(path)
        .unwrap_or_else(|_| path.to_path_buf())
        .components()
    {
        match part {
            Component::ParentDir => drop(whole.pop()),
            part => whole.push(part),
        }
    }
    whole
}

/// `path` as seen from `folder`, so that links survive when the project moves.
pub(super) fn relative_to(path: &Path, folder: &Path) -> PathBuf {
    let shared = path
        .components()
        .zip(folder.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = folder.components().skip(shared).map(|_| "..");
    up.map(PathBuf::from)
        .chain([path.components().skip(shared).collect()])
        .collect()
}

/// A name as one safe file name: no separators, no control characters, no leading dot, at most 200 bytes; different names
/// stay different.
pub fn file_name(name: &str) -> String {
    let mut safe = String::new();
    for (i, c) in name.chars().enumerate() {
        match c {
            '/' | '\\' | '%' | ':' | '\0' => safe.push_str(&format!("%{:02X}", c as u32)),
            c if c.is_control() => safe.push_str(&format!("%{:02X}", c as u32)),
            '.' if i == 0 => safe.push_str("%2E"),
            c => safe.push(c),
        }
    }
    if safe.len() > 200 {
        let digest = Digest::of_bytes(name.as_bytes()).short();
        let cut = (0..=180).rev().find(|i| safe.is_char_boundary(*i));
        safe.truncate(cut.expect("0 is a boundary"));
        safe = format!("{safe}~{digest}");
    }
    safe
}
