//! The documentation: its commands run, its pipelines plan, its links lead somewhere, and its reference is what the code says.
//!
//! How a page says what its blocks are stands in [`page`].

mod links;
mod page;
mod prose;
mod reference;
mod runner;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use page::Page;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README and all pages below `docs/`, by their path from the repository's root.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![PathBuf::from("README.md")];
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}

fn read(path: &Path) -> String {
    let text = fs::read_to_string(root().join(path));
    text.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Checks each page, and tells all that is wrong at once.
fn each_page(check: impl Fn(&Path, &str) -> Vec<String> + Sync) {
    let found: Vec<String> = pages()
        .par_iter()
        .flat_map_iter(|path| {
            let name = path.display();
            let wrong = check(path, &read(path));
            wrong.into_iter().map(move |why| format!("{name}: {why}"))
        })
        .collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
#[cfg(unix)]
fn every_page_does_what_it_says() {
    each_page(|_, text| match Page::parse(text) {
        Ok(page) => runner::run(&page).err().into_iter().collect(),
        Err(why) => vec![why],
    });
}

#[test]
fn links_lead_somewhere() {
    each_page(|path, text| links::broken(root(), path, text));
}

#[test]
fn pictures_have_a_text() {
    each_page(|_, text| links::silent_pictures(text));
}

#[test]
fn the_readme_is_short() {
    let lines = read(Path::new("README.md")).lines().count();
    assert!(lines <= 150, "README.md has {lines} lines; at most 150");
}

#[test]
fn sentences_are_short() {
    for path in ["README.md", "docs/tutorial.md"] {
        let median = prose::median_sentence(&read(Path::new(path)));
        assert!(
            median < 16,
            "{path}: the median sentence has {median} words; less than 16"
        );
    }
}
