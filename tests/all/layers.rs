//! The order of the house, read from what its files name.

mod modules;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use modules::{Modules, Name};

/// What each folder may import of ours; nothing else.
const MAY: &[(&str, &[&str])] = &[
    ("learn", &[]),
    ("figures", &[]),
    ("store", &[]),
    ("pipeline", &["store"]),
    ("plan", &["pipeline", "store"]),
    ("stages", &["learn", "figures", "pipeline"]),
    ("run", &["plan", "pipeline", "store"]),
    ("report", &["run", "plan", "pipeline", "store"]),
    (
        "cli",
        &[
            "report", "run", "stages", "plan", "pipeline", "learn", "figures", "store",
        ],
    ),
];

/// The modules that import each other still, and why. None is added: what two modules need of each other goes into a third.
const CIRCLES: &[[&str; 2]] = &[
    // What is known of a job is defined beside the fingerprint, which counts runs, and runs ask what is known of jobs.
    ["plan::fingerprint", "plan::runs"],
];

fn house() -> Modules {
    let modules = Modules::of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs"));
    for (folder, _) in MAY {
        let is_there = modules.0.contains_key(&vec![folder.to_string()]);
        assert!(is_there, "there is no folder {folder}");
    }
    modules
}

/// What modules name that is no folder of theirs to name.
fn out_of_order(modules: &Modules) -> Vec<String> {
    let may: BTreeMap<&str, &[&str]> = MAY.iter().copied().collect();
    let mut wrong = Vec::new();
    for (name, module) in &modules.0 {
        let Some(folder) = name.first() else { continue };
        let Some(allowed) = may.get(folder.as_str()) else {
            wrong.push(format!("{folder} is a folder without a place"));
            continue;
        };
        for path in module.names.union(&module.hands_on) {
            let Some(other) = path.first().filter(|other| *other != folder) else {
                continue;
            };
            if may.contains_key(other.as_str()) && !allowed.contains(&other.as_str()) {
                wrong.push(format!("{} names {}", name.join("::"), path.join("::")));
            }
        }
    }
    wrong
}

/// Which modules need which others. A module and those inside it are one whole: it may hold their contract and their roster.
fn needs(modules: &Modules) -> BTreeMap<&Name, BTreeSet<&Name>> {
    let mut needs = BTreeMap::new();
    for (name, module) in &modules.0 {
        let homes = module.names.iter().map(|path| modules.home(path));
        let others = homes.filter(|home| !home.starts_with(name) && !name.starts_with(home));
        needs.insert(name, others.collect());
    }
    needs
}

/// The modules that need each other, in circles of whatever length: each with all that are in one with it.
fn circles(modules: &Modules) -> BTreeSet<Vec<String>> {
    let needs = needs(modules);
    let reached = |from: &Name| {
        let mut reached: BTreeSet<&Name> = BTreeSet::new();
        let mut open: Vec<&Name> = needs[from].iter().copied().collect();
        while let Some(next) = open.pop() {
            if reached.insert(next) {
                open.extend(&needs[next]);
            }
        }
        reached
    };
    let reached: BTreeMap<&Name, BTreeSet<&Name>> =
        needs.keys().map(|name| (*name, reached(name))).collect();
    let mut circles = BTreeSet::new();
    for (name, others) in &reached {
        if others.contains(name) {
            let back = others
                .iter()
                .filter(|other| reached[**other].contains(name));
            circles.insert(back.map(|other| other.join("::")).collect());
        }
    }
    circles
}

#[test]
fn a_folder_imports_only_folders_below_it() {
    assert_eq!(out_of_order(&house()), Vec::<String>::new());
}

#[test]
fn no_modules_import_each_other() {
    let known = CIRCLES
        .iter()
        .map(|circle| circle.map(str::to_string).to_vec());
    assert_eq!(circles(&house()), known.collect());
}

#[test]
fn the_library_below_the_face_reads_no_environment() {
    const READS: &[&str] = &[
        "var",
        "var_os",
        "vars",
        "vars_os",
        "home_dir",
        "set_var",
        "remove_var",
    ];
    for (name, module) in &house().0 {
        for path in module.names.union(&module.hands_on) {
            let reads = matches!(&path[..], [.., env, what] if env == "env" && READS.contains(&what.as_str()));
            let is_face = name
                .first()
                .is_some_and(|folder| folder == "cli" || folder == "report");
            assert!(
                !reads || is_face,
                "{} reads the environment",
                name.join("::")
            );
        }
    }
}

/// The modules of these texts.
fn modules(texts: &[(&str, &str)]) -> Modules {
    let mut modules = Modules::default();
    for (name, text) in texts {
        let name = name.split("::").filter(|part| !part.is_empty());
        modules.add(text, name.map(str::to_string).collect());
    }
    modules
}

#[test]
fn imports_out_of_order_are_found_however_they_are_written() {
    for text in [
        "use crate::run::Plan;",
        "use crate::{store::Store, run::{self, Plan}};",
        "use super::super::run;",
        "pub use super::super::run::Plan;",
        "fn f() { crate::run::g() }",
        "#[cfg(test)] mod tests; fn f() -> super::super::run::G {}",
        "fn f() { assert!(crate::run::g()) }",
    ] {
        let modules = modules(&[("store", ""), ("store::view", text)]);
        let found = out_of_order(&modules);
        assert!(
            !found.is_empty() && found.iter().all(|wrong| wrong.contains("run")),
            "{text}"
        );
    }
    for text in [
        "use crate::store::Store;",
        "use super::view;",
        "#[cfg(test)] mod tests { use crate::run::Plan; }",
        "//! [`crate::run::Plan`]",
        "const A: &str = \"crate::run::b\";",
        "use other::run::Plan;",
    ] {
        let modules = modules(&[("store", ""), ("store::view", text)]);
        assert_eq!(out_of_order(&modules), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn circles_are_found_of_any_length_and_through_names_that_are_handed_on() {
    let circles = |texts: &[(&str, &str)]| circles(&modules(texts)).into_iter().collect::<Vec<_>>();
    let root = ("", "");
    let found = circles(&[
        root,
        ("a", "use super::{b::{B, C}, d};"),
        ("b", "fn f() { crate::a::g() }"),
    ]);
    assert_eq!(found, [["a", "b"]]);
    let house = (
        "s",
        "mod a; mod b; mod c; pub use a::A; pub use b::B; struct S;",
    );
    let found = circles(&[
        root,
        house,
        ("s::a", "use super::{B, S};"),
        ("s::b", "use super::c::C;"),
        ("s::c", "use crate::s::A;"),
    ]);
    assert_eq!(found, [["s::a", "s::b", "s::c"]]);
    let found = circles(&[
        root,
        house,
        ("s::a", "use super::{B, S};"),
        ("s::b", "use super::S;"),
        ("s::c", "use super::a::A;"),
    ]);
    assert!(found.is_empty(), "{found:?}");
    // A module and another that both are inside a third.
    let found = circles(&[
        root,
        ("s", "mod a; mod t;"),
        ("s::a", "use super::t::T;"),
        ("s::t", "use super::a::A;"),
    ]);
    assert_eq!(found, [["s::a", "s::t"]]);
}
