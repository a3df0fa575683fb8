//! A paper as a stage: what is checked before anything runs, what the engine sees, and what is left.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Output};

use etude::pipeline::{Request, read};

use crate::project::Project;

/// A program that makes a figure, a table of it, and a document of both.
const PIPELINE: &str = r#"
name = 'p'
[stage.bars]
kind = 'command'
args = ['sh', '-c', 'echo picture > "$ETUDE_OUT/bars.pdf"']
outputs = { bars = { path = 'bars.pdf', type = 'figure' } }
[stage.rows]
kind = 'command'
args = ['sh', '-c', 'printf "method,accuracy\nours,0.5\n" > "$ETUDE_OUT/rows.csv"']
outputs = { rows = { path = 'rows.csv', type = 'table', columns = { method = 'text', accuracy = 'float' } } }
[stage.accuracy]
kind = 'table'
from = 'rows'
[stage.paper]
kind = 'document'
main = 'paper/main.tex'
files = ['paper/*.bib']
from = ['bars', 'accuracy']
engine = 'pdflatex'
"#;

const MAIN: &str = r"\documentclass{article}
\begin{document}
\input{accuracy/table}
\includegraphics{bars/figure}
\bibliography{refs}
\end{document}
";

/// Prints what it sees, and makes a PDF of the document and the figure. A line of the document that begins with `log:` is
/// written into the log and ends it with a failure.
const ENGINE: &str = r#"#!/bin/sh
for main; do :; done
stem=${main%.tex}
echo "sees $(ls | tr '\n' ' ')"
echo "epoch $SOURCE_DATE_EPOCH, shell $shell_escape, secret '$SECRET'"
printf 'This is fakeTeX, Version 7 (preloaded format=fake)\n' > "$stem.log"
printf 'PWD %s\nINPUT %s\nINPUT ./bars/figure.pdf\n' "$PWD" "$main" > "$stem.fls"
cat "$main" bars/figure.pdf > "$stem.pdf"
sed -n 's/^log://p' "$main" >> "$stem.log"
! grep -q '^log:\./' "$main"
"#;

struct Paper {
    project: Project,
    bin: tempfile::TempDir,
}

impl Paper {
    fn new(main: &str) -> Self {
        let paper = Self {
            project: Project::with(&[("p.toml", PIPELINE)]),
            bin: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(paper.path("paper")).unwrap();
        paper.write("paper/main.tex", main);
        paper.write("paper/refs.bib", "");
        // Where the tools of a shell are, an engine may be too.
        for tool in ["sh", "sed", "grep", "cat", "ls", "tr"] {
            let found = ["/usr/bin", "/bin"].map(|place| PathBuf::from(place).join(tool));
            if let Some(path) = found.iter().find(|path| path.exists()) {
                symlink(path, paper.bin.path().join(tool)).unwrap();
            }
        }
        let engine = paper.bin.path().join("pdflatex");
        fs::write(&engine, ENGINE).unwrap();
        fs::set_permissions(&engine, fs::Permissions::from_mode(0o755)).unwrap();
        paper
    }

    fn path(&self, name: &str) -> PathBuf {
        self.project.path(name)
    }

    fn write(&self, name: &str, text: &str) {
        self.project.write(name, text);
    }

    /// What a command prints and its exit code, where of all engines only the one of this test is installed.
    fn etude(&self, arguments: &[&str]) -> (String, i32) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
        command.args(arguments).current_dir(self.path(""));
        command.env("PATH", self.bin.path()).env("SECRET", "x");
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap();
        let text = [stdout, stderr].concat();
        (String::from_utf8(text).unwrap(), status.code().unwrap())
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let (text, code) = self.etude(arguments);
        assert_eq!(code, 0, "{arguments:?}: {text}");
        text
    }

    /// What a run says that ends with 1.
    fn fails(&self) -> String {
        let (text, code) = self.etude(&["run", "p.toml"]);
        assert_eq!(code, 1, "{text}");
        text
    }

    /// The whole of a message, whatever the width of a terminal did to it.
    fn says(text: &str, words: &str) {
        let plain = |text: &str| {
            let words = text.split(|c: char| c.is_whitespace() || c == '│');
            words
                .filter(|word| !word.is_empty())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert!(
            plain(text).contains(&plain(words)),
            "no “{words}” in: {text}"
        );
    }
}

#[test]
fn a_document_is_compiled_against_what_the_stages_left_and_nothing_else() {
    let paper = Paper::new(MAIN);
    paper.write("paper/not-declared.txt", "");
    paper.ok(&["run", "p.toml"]);
    let folder = paper.path("outputs/p/documents/paper");
    let pdf = fs::read_to_string(folder.join("main.pdf")).unwrap();
    assert_eq!(pdf, format!("{MAIN}picture\n"));
    let log = paper.ok(&["log", "p.toml", "paper"]);
    assert!(
        log.contains("sees accuracy bars main.tex refs.bib "),
        "{log}"
    );
    assert!(log.contains("epoch 0, shell f, secret ''"), "{log}");
    assert!(
        log.contains("compiled by pdflatex, fakeTeX, Version 7"),
        "{log}"
    );
    // Beside the PDF lies what it was made of: the user's files, and those of the stages' that were read.
    let source = folder.join("source");
    assert!(source.join("main.tex").exists() && source.join("refs.bib").exists());
    assert!(source.join("bars/figure.pdf").exists());
    assert!(!source.join("accuracy/table.md").exists());
}

#[test]
fn a_stage_of_which_nothing_is_used_is_told() {
    let paper = Paper::new(MAIN);
    let text = paper.ok(&["run", "p.toml"]);
    Paper::says(&text, "the document uses nothing of the stage `accuracy`");
}

#[test]
fn the_text_and_its_files_are_what_a_document_depends_on() {
    let paper = Paper::new(MAIN);
    let runs = |arguments: &[&str]| {
        let text = paper.ok(&[&["run", "p.toml"], arguments].concat());
        text.lines().any(|line| line.starts_with("✓ paper"))
    };
    assert!(runs(&[]));
    assert!(!runs(&[]), "nothing has changed");
    paper.write(
        "p.toml",
        &PIPELINE.replace("engine", "numerals = 'warn'\nengine"),
    );
    assert!(!runs(&[]), "a warning changes no byte");
    paper.write("paper/refs.bib", "@book{a}");
    assert!(runs(&[]), "a file has changed");
    paper.write("paper/main.tex", &format!("{MAIN}% more"));
    assert!(runs(&[]), "the text has changed");
    paper.write("p.toml", &PIPELINE.replace("echo picture", "echo another"));
    assert!(runs(&[]), "a figure has changed");
}

#[test]
fn what_leads_nowhere_is_told_before_anything_runs_with_its_place_in_the_text() {
    let main = MAIN
        .replace("accuracy/table", "accuracy/tabel")
        .replace("bars/figure", "rows/figure")
        .replace("refs", "more");
    let paper = Paper::new(&main);
    paper.write("paper/more.bib", "");
    paper.write("p.toml", &PIPELINE.replace("paper/*.bib", "paper/refs.bib"));
    let text = paper.fails();
    assert!(!paper.path("outputs").exists(), "nothing ran: {text}");
    Paper::says(&text, "the stage `accuracy` makes no file `accuracy/tabel`");
    Paper::says(&text, "did you mean `accuracy/table`?");
    Paper::says(
        &text,
        "`rows/figure` is of the stage `rows`, which the document does not read",
    );
    Paper::says(&text, "add \"rows\" to `from`");
    Paper::says(&text, "`paper/more.bib` is not declared");
    for place in ["main.tex:3:8", "main.tex:4:18", "main.tex:5:15"] {
        assert!(text.contains(place), "{place} is not in: {text}");
    }
}

#[test]
fn an_error_of_the_engine_is_told_with_file_line_and_what_was_meant() {
    let errors = "log:./main.tex:3: Undefined control sequence.\nlog:l.3 It is \\accRevresed\n\
                  log:./accuracy/table.tex:2: Misplaced \\noalign.\n";
    let paper = Paper::new(&format!("{MAIN}{errors}"));
    let numbers = r#"[stage.numbers]
kind = 'command'
args = ['sh', '-c', 'cat numbers.tex > "$ETUDE_OUT/numbers.tex"']
files = ['numbers.tex']
outputs = { numbers = { path = 'numbers.tex', type = 'file' } }
[stage.paper]"#;
    let pipeline = PIPELINE.replace("[stage.paper]", numbers);
    let pipeline = pipeline.replace("['bars', 'accuracy']", "['bars', 'accuracy', 'numbers']");
    paper.write("p.toml", &pipeline);
    paper.write("numbers.tex", "\\newcommand{\\accReversed}{0.5}\n");
    let text = paper.fails();
    Paper::says(&text, "the document does not compile");
    Paper::says(
        &text,
        "paper/main.tex:3: `\\accRevresed` is not defined; did you mean `\\accReversed` of the stage `numbers`?",
    );
    Paper::says(
        &text,
        "accuracy/table.tex:2: Misplaced \\noalign (the stage `accuracy` made this file)",
    );
}

#[test]
fn undefined_references_are_warned_of_in_every_run_that_shows_the_document() {
    let warned = "See \\ref{fig:x}.\nlog:LaTeX Warning: Reference `fig:x' on page 1 undefined on input line 3.\n";
    let main = MAIN.replace("\\input", &format!("{warned}\\input"));
    let paper = Paper::new(&main);
    for _ in 0..2 {
        let text = paper.ok(&["run", "p.toml"]);
        Paper::says(&text, "paper/main.tex:3: undefined reference: fig:x");
    }
}

#[test]
fn without_an_engine_the_stages_before_a_document_run_and_it_fails() {
    let paper = Paper::new(MAIN);
    paper.write("p.toml", &PIPELINE.replace("pdflatex", "tectonic"));
    let (text, _) = paper.etude(&["plan", "p.toml"]);
    Paper::says(
        &text,
        "no program to compile LaTeX is installed: `tectonic` was looked for on PATH",
    );
    Paper::says(&text, "the stages before it run, and this one fails");
    let text = paper.fails();
    assert!(paper.path("outputs/p/figures/bars.pdf").exists(), "{text}");
    // Laid in one folder, it can be compiled elsewhere.
    paper.ok(&["run", "p.toml", "--set", "paper.engine=none"]);
    let shown = fs::read_dir(paper.path("outputs")).unwrap();
    let shown = shown.map(|entry| entry.unwrap().path().join("documents/paper/source"));
    let source = shown.into_iter().find(|path| path.exists()).unwrap();
    for file in [
        "main.tex",
        "refs.bib",
        "bars/figure.pdf",
        "accuracy/table.tex",
        "accuracy/table.csv",
    ] {
        assert!(source.join(file).exists(), "{file}");
    }
}

#[test]
fn numerals_that_no_stage_made_are_told_or_refused() {
    let paper = Paper::new(&MAIN.replace("\\input", "It is 0.82 in Section 3.\n\\input"));
    let with = |what: &str| {
        paper.write(
            "p.toml",
            &PIPELINE.replace("engine", &format!("numerals = '{what}'\nengine")),
        );
    };
    with("error");
    let text = paper.fails();
    Paper::says(&text, "no stage stands behind the number 0.82");
    assert!(text.contains("main.tex:3:7"), "{text}");
    assert!(!paper.path("outputs").exists());
    with("warn");
    let text = paper.ok(&["run", "p.toml"]);
    Paper::says(&text, "no stage stands behind the number 0.82");
    with("off");
    let (text, _) = paper.etude(&["plan", "p.toml"]);
    assert!(!text.contains("stands behind"), "{text}");
}

#[test]
fn a_document_is_published_with_all_that_it_was_made_of() {
    let paper = Paper::new(MAIN);
    paper.ok(&["run", "p.toml"]);
    let text = paper.ok(&["publish", "p.toml"]);
    assert!(
        text.contains(": 2 tables (.csv, .md, .tex), 1 figure (.pdf), 1 document\n"),
        "{text}"
    );
    let folder = paper.path("outputs/gallery/p");
    for file in [
        "documents/paper/main.pdf",
        "documents/paper/source/main.tex",
        "documents/paper/source/bars/figure.pdf",
        "figures/bars.pdf",
        "tables/accuracy.tex",
    ] {
        assert!(folder.join(file).is_file(), "{file}");
    }
    fs::remove_dir_all(paper.path("outputs/.etude")).unwrap();
    paper.ok(&["check", "p.toml"]);
    fs::write(folder.join("documents/paper/main.pdf"), "another").unwrap();
    let (text, code) = paper.etude(&["check", "p.toml"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("changed  documents/paper/main.pdf"), "{text}");
}

#[test]
fn jobs_of_one_stage_have_folders_of_their_coordinates() {
    let main = MAIN.replace("bars/figure", "bars/shape=a/figure");
    let paper = Paper::new(&main);
    let pipeline = PIPELINE.replace(
        "args = ['sh', '-c', 'echo picture",
        "params = { shape = 'a' }\nargs = ['sh', '-c', 'echo picture",
    );
    let axes = "[axes]\nshape = { 'bars.params.shape' = ['a', 'b'] }\n";
    paper.write(
        "p.toml",
        &format!("{pipeline}{axes}").replace("'pdflatex'", "'none'"),
    );
    paper.ok(&["run", "p.toml"]);
    let source = paper.path("outputs/p/documents/paper/source");
    assert!(source.join("bars/shape=a/figure.pdf").is_file());
    assert!(source.join("bars/shape=b/figure.pdf").is_file());
    paper.write("paper/main.tex", MAIN);
    let text = paper.fails();
    Paper::says(&text, "the stage `bars` makes no file `bars/figure`");
}

/// Files that a kind says it leaves are held against those that it left: a document is checked against the former.
#[test]
fn a_stage_leaves_the_files_that_it_says() {
    let pipeline = "
name = 'p'
[stage.rows]
kind = 'command'
args = ['sh', '-c', 'printf \"method,seed,accuracy\\na,0,0.5\\na,1,0.6\\nb,0,0.7\\nb,1,0.9\\n\" > \"$ETUDE_OUT/rows.csv\"']
outputs = { rows = { path = 'rows.csv', type = 'table', columns = { method = 'text', seed = 'int', accuracy = 'float' } } }
[stage.means]
kind = 'aggregate'
from = 'rows'
sql = 'SELECT method, AVG(accuracy) AS accuracy FROM rows GROUP BY method'
[stage.bars]
kind = 'plot'
from = 'means'
mark = 'bar'
x = 'method'
y = 'accuracy'
[stage.printed]
kind = 'table'
from = 'means'
[stage.high]
kind = 'claim'
from = 'means'
says = 'All are high.'
holds = 'accuracy > 0.1'
";
    let project = Project::with(&[("p.toml", pipeline)]);
    project.ok(&["run", "p.toml"]);
    let request = Request {
        root: project.folder.path().to_path_buf(),
        ..Request::default()
    };
    let registry = etude::stages::registry();
    let read = read(&project.path("p.toml"), &request, &registry).unwrap();
    for stage in &read.stages {
        let output = &stage.outputs[0];
        let files = stage.instances[0].parameters.files(output.name.as_deref());
        let files = files.unwrap_or_else(|| panic!("{} says nothing", stage.name));
        let extension = |name: &str| name.rsplit('.').next().unwrap_or_default().to_string();
        let mut said: Vec<String> = files.iter().map(|name| extension(name)).collect();
        let folder = project.path("outputs/p").join(output.artifact.section());
        let entries = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        let names = entries.map(|name| name.to_string_lossy().into_owned());
        let own = names.filter(|name| name.starts_with(&format!("{}.", stage.name)));
        let mut left: Vec<String> = own.map(|name| extension(&name)).collect();
        said.sort();
        left.sort();
        assert_eq!(said, left, "{}", stage.name);
    }
}

/// A real LaTeX, where there is one.
#[test]
fn the_same_files_give_the_same_pdf() {
    let is_there = Command::new("pdflatex").arg("--version").output();
    if !is_there.is_ok_and(|output| output.status.success()) {
        println!("skipped: there is no pdflatex");
        return;
    }
    let main = "\\documentclass{article}\n\\title{T}\n\\begin{document}\n\\maketitle\n\\input{numbers/numbers}\
                \\label{a}\\ref{a}\n\\end{document}\n";
    let pipeline = "
name = 'p'
[stage.numbers]
kind = 'command'
args = ['sh', '-c', 'echo one > \"$ETUDE_OUT/numbers.tex\"']
outputs = { numbers = { path = 'numbers.tex', type = 'file' } }
[stage.paper]
kind = 'document'
main = 'main.tex'
from = ['numbers']
engine = 'pdflatex'
date = '2026-05-31'
";
    let pdf = || {
        let project = Project::with(&[("p.toml", pipeline), ("main.tex", main)]);
        project.ok(&["run", "p.toml"]);
        fs::read(project.path("outputs/p/documents/paper/main.pdf")).unwrap()
    };
    let first = pdf();
    assert!(first.starts_with(b"%PDF"));
    assert_eq!(first, pdf());
}
