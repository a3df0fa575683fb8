//! The modules of a crate and what they name of each other: in imports, and in paths anywhere in their code. Modules and code
//! that are there for tests alone are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::tokens::{Token, tokens, without_tests};

/// A path from the root of the crate: `["store", "ledger", "Ledger"]`. What begins with no module of ours stands below the module
/// that names it.
pub type Name = Vec<String>;

#[derive(Debug, Default)]
pub struct Module {
    /// What it names, but for what it only hands on.
    pub names: BTreeSet<Name>,
    /// What it hands on by `pub use`.
    pub hands_on: BTreeSet<Name>,
    /// What it imports or hands on, by what it is called here.
    imports: BTreeMap<String, Name>,
}

/// The modules of a crate by their names.
#[derive(Debug, Default)]
pub struct Modules(pub BTreeMap<Name, Module>);

impl Modules {
    /// All modules that are reached from the root of a crate.
    pub fn of(root: &Path) -> Self {
        let mut modules = Self::default();
        modules.read(root, root.parent().unwrap(), Name::new());
        modules
    }

    fn read(&mut self, file: &Path, folder: &Path, name: Name) {
        for below in self.add(&fs::read_to_string(file).unwrap(), name) {
            let folder = folder.join(below.last().unwrap());
            let files: [PathBuf; 2] = [folder.with_extension("rs"), folder.join("mod.rs")];
            let file = files.iter().find(|file| file.exists());
            let file = file.unwrap_or_else(|| panic!("there is none of {files:?}"));
            self.read(file, &folder, below);
        }
    }

    /// Adds the modules of a text; returns those that it declares in files of their own.
    pub fn add(&mut self, text: &str, name: Name) -> Vec<Name> {
        let mut reader = Reader {
            tokens: without_tests(&tokens(text)),
            at: 0,
            modules: self,
            declared: Vec::new(),
        };
        reader.module(name);
        reader.declared
    }

    /// The module in which something is defined, whatever modules hand it on.
    pub fn home(&self, name: &[String]) -> &Name {
        let known = |length: &usize| self.0.contains_key(&name[..*length]);
        let length = (0..=name.len()).rev().find(known);
        let length = length.expect("the root is a module");
        let (module, within) = self.0.get_key_value(&name[..length]).expect("just found");
        let Some(target) = name.get(length).and_then(|item| within.imports.get(item)) else {
            return module;
        };
        let whole = [target, &name[length + 1..]].concat();
        if whole.starts_with(&name[..=length]) {
            // It is of another crate that is called the same.
            module
        } else {
            self.home(&whole)
        }
    }
}

struct Reader<'a> {
    tokens: Vec<Token>,
    at: usize,
    modules: &'a mut Modules,
    declared: Vec<Name>,
}

impl Reader<'_> {
    fn word(&self, at: usize) -> Option<&str> {
        self.tokens.get(at)?.word()
    }

    fn is(&self, at: usize, mark: char) -> bool {
        self.tokens.get(at) == Some(&Token::Mark(mark))
    }

    /// Whether `::` stands at a place.
    fn is_joint(&self, at: usize) -> bool {
        self.is(at, ':') && self.is(at + 1, ':')
    }

    /// Reads a module up to the brace that closes it, or the end.
    fn module(&mut self, name: Name) {
        let mut module = Module::default();
        let mut depth = 0;
        while self.at < self.tokens.len() {
            let at = self.at;
            self.at += 1;
            match self.tokens[at] {
                Token::Mark('{') => depth += 1,
                Token::Mark('}') if depth == 0 => break,
                Token::Mark('}') => depth -= 1,
                _ => {}
            }
            match (self.word(at), self.word(at + 1)) {
                (Some("mod"), Some(below)) => {
                    let below = [&name[..], &[below.to_string()]].concat();
                    if self.is(at + 2, ';') {
                        self.declared.push(below);
                    } else if self.is(at + 2, '{') {
                        self.at += 2;
                        self.module(below);
                    }
                }
                (Some("use"), _) => {
                    let public =
                        at > 0 && (self.word(at - 1) == Some("pub") || self.is(at - 1, ')'));
                    for (path, alias) in self.tree(&Name::new()) {
                        let path = absolute(&name, &path);
                        module.imports.insert(alias, path.clone());
                        if public {
                            module.hands_on.insert(path)
                        } else {
                            module.names.insert(path)
                        };
                    }
                }
                (Some(_), _) if self.is_joint(at + 1) && !(at > 1 && self.is_joint(at - 2)) => {
                    self.at = at;
                    let paths = self.tree(&Name::new()).into_iter();
                    let paths = paths.map(|(path, _)| absolute(&name, &path));
                    module.names.extend(paths);
                }
                _ => {}
            }
        }
        self.modules.0.insert(name, module);
    }

    /// The paths that go on from `before`, each with the name that it brings: one in code, all of a tree of imports.
    fn tree(&mut self, before: &Name) -> Vec<(Name, String)> {
        let mut path = before.clone();
        while let Some(word) = self.word(self.at).map(str::to_string) {
            path.push(word);
            self.at += 1;
            if self.is_joint(self.at) {
                self.at += 2;
                continue;
            }
            let mut named = path.iter().rev().filter(|word| *word != "self");
            let mut alias = named.next().cloned().unwrap_or_default();
            if self.word(self.at) == Some("as") {
                alias = self.word(self.at + 1).unwrap_or_default().to_string();
                self.at += 2;
            }
            return vec![(path, alias)];
        }
        if !self.is(self.at, '{') {
            // `*`, or what a type is given.
            self.at += usize::from(self.is(self.at, '*'));
            return vec![(path, String::new())];
        }
        let mut paths = Vec::new();
        while self.at < self.tokens.len() && !self.is(self.at, '}') {
            // Past the brace, or the comma.
            self.at += 1;
            if !self.is(self.at, '}') {
                paths.extend(self.tree(&path));
            }
        }
        self.at += 1;
        paths
    }
}

/// A path as a module writes it, from the root of the crate.
fn absolute(module: &Name, path: &Name) -> Name {
    let mut whole = module.clone();
    for word in path {
        match word.as_str() {
            "crate" => whole.clear(),
            "super" => drop(whole.pop()),
            "self" => {}
            _ => whole.push(word.clone()),
        }
    }
    whole
}

fn named(text: &str, name: &[&str]) -> Vec<String> {
    let mut modules = Modules::default();
    let name: Name = name.iter().map(|part| part.to_string()).collect();
    modules.add(text, name.clone());
    let names = modules.0[&name].names.iter();
    names.map(|path| path.join("::")).collect()
}

#[test]
fn imports_are_read_as_trees() {
    let text = "
        use crate::a::B;
        use super::{c::{self, D as E}, super::f::*, G,};
        use {self::h::I, std::fmt};
        pub use j::K;
        fn l() { use super::m; }
    ";
    let names = [
        "a::B",
        "f",
        "x::G",
        "x::c",
        "x::c::D",
        "x::m",
        "x::y::h::I",
        "x::y::std::fmt",
    ];
    assert_eq!(named(text, &["x", "y"]), names);
}

#[test]
fn paths_in_code_are_read_wherever_they_stand() {
    let text = "
        #[cfg(test)]
        mod tests;
        fn a(b: &crate::c::D) -> <super::E as F>::G {
            let h = i!(\"{}\", super::super::j(k));
            self::l::<M>(h).n(Vec::<o::P>::new())
        }
        mod inner {
            fn q() -> super::r::S {}
        }
        impl T for crate::u::V {}
    ";
    let names = [
        "c::D",
        "j",
        "u::V",
        "x::E",
        "x::y::Vec",
        "x::y::l",
        "x::y::o::P",
    ];
    assert_eq!(named(text, &["x", "y"]), names);
}

#[test]
fn a_name_is_of_the_module_that_defines_it() {
    let mut modules = Modules::default();
    let name = |path: &str| path.split("::").map(str::to_string).collect::<Name>();
    modules.add(
        "pub use serde::serde; pub use b::{C, d as e}; fn f() {} mod b;",
        name("a"),
    );
    modules.add("use super::super::g::H as C;", name("a::b"));
    modules.add("", name("g"));
    modules.add("", Name::new());
    let home = |path: &str| modules.home(&name(path)).join("::");
    for (path, module) in [
        ("a::f", "a"),
        ("a::C::D", "g"),
        ("a::e", "a::b"),
        ("a::b::x", "a::b"),
        ("a::serde", "a"),
        ("nothing", ""),
    ] {
        assert_eq!(home(path), module, "{path}");
    }
}
