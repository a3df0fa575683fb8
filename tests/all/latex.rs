//! What a paper includes is set by every TeX engine: a whole document, compiled where one is at hand.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The table of characters that LaTeX sets.
const CHARACTERS: &str = include_str!("../../src/figures/latex/characters.tsv");

fn source(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/latex")
        .join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// Labels that hold every character of the table, those that mean something to LaTeX, and some that no engine sets.
fn labels() -> String {
    let lines = CHARACTERS.lines().filter(|line| !line.starts_with('#'));
    let all: Vec<char> = lines.filter_map(|line| line.chars().next()).collect();
    let mut labels: Vec<String> = all.chunks(24).map(|some| some.iter().collect()).collect();
    let others = [
        "#$%&_{}~^\\ <>|`'\"[]*+-=/@!?.,;:()",
        "[begins with a bracket]",
        "* begins with a star",
        "-- --- '' `` ,, << >> ?` !`",
        "\\alpha $x^2$ %",
        "漢字かな한글 👍🏽 ≋ שלום Привет",
        "e\u{301} n\u{303} β\u{302} \u{301}",
        "tab\there",
    ];
    labels.extend(others.map(str::to_owned));
    let quoted = labels
        .iter()
        .map(|label| format!("\"{}\"\n", label.replace('"', "\"\"")));
    format!("label\n{}", quoted.collect::<String>())
}

/// Whether a program of TeX runs and ends well.
fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    output.is_ok_and(|output| output.status.success())
}

/// The engines that are installed, if the packages of the document are.
fn engines() -> Vec<&'static str> {
    let packages = ["lmodern.sty", "amssymb.sty", "booktabs.sty", "graphicx.sty"];
    if !succeeds("kpsewhich", &packages) {
        return Vec::new();
    }
    let engines = ["pdflatex", "xelatex", "lualatex"];
    let engines = engines.into_iter();
    engines
        .filter(|engine| succeeds(engine, &["--version"]))
        .collect()
}

#[test]
fn every_engine_sets_what_a_paper_includes() {
    let engines = engines();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("etude.toml", "");
    write("characters.csv", &labels());
    for name in ["paper.toml", "paper.tex", "rows.csv"] {
        write(name, &source(name));
    }
    let run = Command::new(env!("CARGO_BIN_EXE_etude"))
        .args(["run", "paper.toml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", said(&run));
    let told = said(&run);
    assert!(
        told.contains("caption: LaTeX does not set `字` (U+5B57), `漢` (U+6F22)"),
        "{told}"
    );
    assert!(told.contains("1 of 6 places has no row"), "{told}");
    if engines.is_empty() {
        println!("no TeX with the packages of the document is at hand: it was not compiled");
    }
    for engine in engines {
        // The second time references are known.
        for _ in 0..2 {
            let set = Command::new(engine)
                .args(["-interaction=nonstopmode", "-halt-on-error", "paper.tex"])
                .current_dir(folder.path())
                .stdin(Stdio::null())
                .output()
                .unwrap();
            assert!(set.status.success(), "{engine}: {}", said(&set));
        }
        let log = fs::read(folder.path().join("paper.log")).unwrap();
        let log = String::from_utf8_lossy(&log);
        for wrong in [
            "Missing character",
            "undefined",
            "Too many unprocessed floats",
        ] {
            assert!(!log.contains(wrong), "{engine}: {wrong}: {log}");
        }
    }
}

#[test]
fn what_a_table_and_numbers_name_is_checked_before_anything_runs() {
    let whole = source("paper.toml");
    let mistakes = [
        (
            "error = \"ci\", digits = 2, best",
            "error = \"cii\", digits = 2, best",
            "there is no column `cii`",
        ),
        (
            "column = \"p_t_holm\"",
            "column = \"p_t_hlom\"",
            "did you mean `p_t_holm`?",
        ),
        (
            "group     = \"graph\"",
            "group     = \"grahp\"",
            "did you mean `graph`?",
        ),
        (
            "by     = [\"method\", \"graph\"]",
            "by     = [\"metod\", \"graph\"]",
            "did you mean `method`?",
        ),
        (
            "low = \"low\", high",
            "low = \"method\", high",
            "the column `method` is text and holds no numbers",
        ),
        (
            "\"tab:grouped\"",
            "\"tab grouped\"",
            "` ` cannot stand in a label",
        ),
        (
            "name = \"acc\"",
            "name = \"acc1\"",
            "`1` cannot stand in the name of a command",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("etude.toml"), "").unwrap();
    fs::write(folder.path().join("characters.csv"), labels()).unwrap();
    fs::write(folder.path().join("rows.csv"), source("rows.csv")).unwrap();
    for (right, wrong, why) in mistakes {
        let pipeline = whole.replace(right, wrong);
        assert_ne!(pipeline, whole, "{right}");
        fs::write(folder.path().join("paper.toml"), pipeline).unwrap();
        let run = Command::new(env!("CARGO_BIN_EXE_etude"))
            .args(["run", "paper.toml"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let told = said(&run);
        assert!(!run.status.success() && told.contains(why), "{why}: {told}");
        assert!(!folder.path().join("outputs/paper").exists(), "{why}");
    }
}
