//! Any program as a stage: what it is given, what it may leave, and that it ends with its job.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

/// A project in a folder whose own name is a trial for whoever splices paths into text.
struct Project {
    _above: tempfile::TempDir,
    folder: PathBuf,
}

impl Project {
    fn new(pipeline: &str) -> Self {
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("a 'b' $(c) \"d\"");
        fs::create_dir(&folder).unwrap();
        let project = Self {
            _above: above,
            folder,
        };
        project.file("etude.toml", "");
        project.write(pipeline);
        project
    }

    fn write(&self, pipeline: &str) {
        self.file("p.toml", pipeline);
    }

    fn file(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The command, in an environment with nothing in it but where programs are.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
        command.args(arguments).current_dir(&self.folder);
        command.env_clear().env("PATH", path_variable());
        command
    }

    fn etude(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs the pipeline; how many jobs ran and how many were cached.
    fn run(&self) -> String {
        let output = self.etude(&["run", "p.toml"]);
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}{errors}");
        counts(&text)
    }

    /// Runs a pipeline that fails; what it says at the end.
    fn fails(&self, pipeline: &str) -> String {
        self.write(pipeline);
        let output = self.etude(&["run", "p.toml"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{text}");
        text
    }

    /// What is wrong with a pipeline, of which nothing is run.
    fn problems(&self, pipeline: &str) -> String {
        self.write(pipeline);
        let output = self.etude(&["run", "p.toml"]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    }

    fn log(&self, job: &str) -> String {
        let output = self.etude(&["log", "p.toml", job]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Everything in the journals of all runs.
    fn events(&self) -> Vec<Json> {
        let runs = fs::read_dir(self.path("outputs/.etude/v1/runs"));
        let texts = runs.into_iter().flatten().flatten();
        let texts = texts.map(|run| fs::read_to_string(run.path()).unwrap());
        let mut events = Vec::new();
        for text in texts {
            // The last line of a journal that is being written may be half of one.
            events.extend(text.lines().filter_map(|l| serde_json::from_str(l).ok()));
        }
        events
    }

    /// What a stage of one job left, a file that is shown as it is.
    fn left(&self, stage: &str) -> Vec<u8> {
        let folder = self.path("outputs/p/files");
        let entries = fs::read_dir(folder).unwrap().flatten();
        let mut paths = entries.map(|entry| entry.path());
        let path = paths.find(|path| path.file_stem().unwrap() == stage);
        fs::read(path.unwrap()).unwrap()
    }
}

fn path_variable() -> String {
    std::env::var("PATH").unwrap()
}

fn counts(text: &str) -> String {
    let line = text.lines().last().unwrap_or_default();
    line.split(" in ").next().unwrap().to_string()
}

/// A stage that is a shell script, TOML-literal, which leaves the file `out.txt`.
fn shell(name: &str, script: &str, more: &str) -> String {
    format!(
        "[stage.{name}]\nkind = 'command'\nargs = ['sh', '-c', '''{script}''']\n\
         outputs = {{ out = {{ path = 'out.txt', type = 'file' }} }}\n{more}\n"
    )
}

#[test]
fn an_object_that_another_engine_puts_again_while_a_job_reads_it_has_not_changed() {
    // What an engine does that makes the same bytes at this moment: a new file under the old name.
    let again = "for object in outputs/.etude/v1/objects/*/*; do cp \"$object\" again; mv -f again \"$object\"; done; \
         cat \"$ETUDE_INPUT_TEXT\" > \"$ETUDE_OUT/out.txt\"";
    let written = "for object in outputs/.etude/v1/objects/*/*; do \
         chmod +w \"$object\"; cat \"$object\" > again; cat again > \"$object\"; done; echo > \"$ETUDE_OUT/out.txt\"";
    let project = Project::new(&format!(
        "{}{}",
        shell("text", "echo text > \"$ETUDE_OUT/out.txt\"", ""),
        shell("reader", again, "inputs = { text = 'text' }"),
    ));
    assert_eq!(project.run(), "2 ran");
    assert_eq!(project.left("reader"), b"text\n");
    let said = project.fails(&format!(
        "{}{}",
        shell("text", "echo text > \"$ETUDE_OUT/out.txt\"", ""),
        shell("reader", written, "inputs = { text = 'text' }"),
    ));
    assert!(said.contains("was changed while the job read it"), "{said}");
}

#[test]
fn a_program_sees_the_cards_that_it_asked_for_and_no_other() {
    // What a job takes of the machine is no part of its identity; its script is.
    let tells = |name: &str, more: &str| {
        let script = "echo \"${CUDA_VISIBLE_DEVICES-unset}\" > \"$ETUDE_OUT/out.txt\"";
        shell(name, &format!("{script} # {name}"), more)
    };
    let project = Project::new(&format!(
        "{}{}{}",
        tells("none", ""),
        tells("two", "resources = { gpu = 2 }"),
        tells("device", "device = 'cuda'\ninputs = { after = 'two' }"),
    ));
    project.file("etude.toml", "[machine]\ncards = ['3', 'GPU-5', 7]\n");
    assert_eq!(project.run(), "3 ran");
    assert_eq!(project.left("none"), b"\n");
    assert_eq!(project.left("two"), b"3,GPU-5\n");
    assert_eq!(project.left("device"), b"3\n");
}

#[test]
fn cards_are_known_from_the_environment_and_too_few_are_told() {
    // A program that is built for cards asks the driver, whatever the environment says.
    if cfg!(feature = "cuda") {
        return;
    }
    let script = "echo \"${CUDA_VISIBLE_DEVICES-unset}\" > \"$ETUDE_OUT/out.txt\"";
    let asks = |gpu: u32| {
        let resources = format!("resources = {{ gpu = {gpu} }}");
        shell("asks", &format!("{script} # asks"), &resources)
    };
    let project = Project::new(&format!("{}{}", shell("none", script, ""), asks(1)));
    let run = |named: Option<&str>| {
        fs::remove_dir_all(project.path("outputs")).ok();
        let mut command = project.command(&["run", "p.toml"]);
        if let Some(named) = named {
            command.env("CUDA_VISIBLE_DEVICES", named);
        }
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert_eq!(counts(&run(Some("4,2"))), "2 ran");
    assert_eq!(project.left("none"), b"\n");
    assert_eq!(project.left("asks"), b"4\n");
    project.write(&asks(3));
    let text = run(Some("4,2"));
    assert!(
        text.contains("it asks for 3 cards, and there are "),
        "{text}"
    );
    assert!(
        text.contains(" are 2; `cards` in etude.toml says which"),
        "{text}"
    );
    if !Path::new("/proc/driver/nvidia").exists() && !Path::new("/dev/nvidia0").exists() {
        project.write(&shell("none", script, ""));
        assert_eq!(counts(&run(None)), "1 ran");
        assert_eq!(project.left("none"), b"unset\n", "nobody knows of any card");
    }
}

/// A stage that is a shell script and leaves these outputs.
fn leaving(name: &str, script: &str, outputs: &str) -> String {
    format!(
        "[stage.{name}]\nkind = 'command'\nargs = ['sh', '-c', '''{script}''']\n\
         outputs = {{ {outputs} }}\n"
    )
}

fn has_python() -> bool {
    let python = Command::new("python3").arg("--version").output();
    python.is_ok_and(|python| python.status.success())
}

#[test]
fn a_program_runs_is_cached_and_runs_again_when_its_script_changes() {
    let project = Project::new(&format!(
        "[stage.greeting]\nkind = 'command'\nargs = ['sh', 'greet.sh', 'you']\nfiles = ['greet.sh']\n\
         outputs = {{ text = {{ path = 'text.txt', type = 'file' }} }}\n{}",
        shell(
            "loud",
            "tr a-z A-Z < \"$ETUDE_INPUT_TEXT\" > \"$ETUDE_OUT/out.txt\"",
            "inputs = { text = 'greeting' }"
        )
    ));
    project.file("greet.sh", "echo hello $1 > \"$ETUDE_OUT/text.txt\"\n");
    assert_eq!(project.run(), "2 ran");
    assert_eq!(project.left("loud"), b"HELLO YOU\n");
    assert_eq!(project.run(), "2 cached");
    project.file(
        "greet.sh",
        "# other text, the same result\necho hello $1 > \"$ETUDE_OUT/text.txt\"\n",
    );
    let plan = |more: &[&str]| {
        let arguments = [&["plan", "p.toml"], more].concat();
        String::from_utf8(project.etude(&arguments).stdout).unwrap()
    };
    let counts = "1 to run, 1 to run if what they read changes, 0 cached";
    let lines = |more: &[&str]| {
        plan(more)
            .lines()
            .take(3)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        lines(&[]),
        [
            "greeting  1 to run   files.greet.sh: the file changed",
            "loud      1 may run  if the results of greeting change",
            counts
        ]
    );
    assert_eq!(
        lines(&["--all"]),
        [
            "runs     greeting: files.greet.sh: the file changed",
            "may run  loud: if the results of greeting change",
            counts
        ]
    );
    assert_eq!(project.run(), "1 ran, 1 cached");
    project.file("greet.sh", "echo good day $1 > \"$ETUDE_OUT/text.txt\"\n");
    assert_eq!(project.run(), "2 ran");
    assert_eq!(project.left("loud"), b"GOOD DAY YOU\n");
}

#[test]
fn a_variable_counts_where_it_is_declared_and_is_not_seen_elsewhere() {
    let script = "echo \"${SEEN-unset} ${UNSEEN-unset} $FIXED\" > \"$ETUDE_OUT/out.txt\"";
    let more = "env = ['SEEN']\nvariables = { FIXED = 'a $HOME b' }";
    let project = Project::new(&shell("a", script, more));
    let run = |seen: Option<&str>, unseen: &str| {
        let mut command = project.command(&["run", "p.toml"]);
        command.env("UNSEEN", unseen);
        if let Some(seen) = seen {
            command.env("SEEN", seen);
        }
        let output = command.output().unwrap();
        (
            counts(&String::from_utf8(output.stdout).unwrap()),
            String::from_utf8(project.left("a")).unwrap(),
        )
    };
    let ran = |text: &str| ("1 ran".to_string(), format!("{text} unset a $HOME b\n"));
    let cached = |text: &str| ("1 cached".to_string(), format!("{text} unset a $HOME b\n"));
    assert_eq!(run(Some("my secret"), "x"), ran("my secret"));
    assert_eq!(run(Some("my secret"), "y"), cached("my secret"));
    assert_eq!(run(Some(""), "y"), ran(""));
    assert_eq!(run(None, "y"), ran("unset"));
    assert_eq!(run(Some("my secret"), "y"), cached("my secret"));
    // Records are shared; what a variable holds may be nobody's business.
    let mut open = vec![project.path("outputs/.etude/v1/records")];
    let mut records = 0;
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else {
            records += 1;
            assert!(!fs::read_to_string(path).unwrap().contains("my secret"));
        }
    }
    assert_eq!(records, 3);
}

#[test]
fn what_a_program_is_given_arrives_as_it_was_written() {
    let odd = "it's \"q\" $(touch here) `touch here` ${HOME} %s \\n\n\ttwo lines ; é";
    let project = Project::new("");
    let script = "printf '%s|%s' \"$1\" \"$ETUDE_PARAM_TEXT\" > \"$ETUDE_OUT/out.txt\"";
    let args = toml_list(&["sh", "-c", script, "me", odd]);
    let text = toml_text(odd);
    project.write(&format!(
        "[stage.a]\nkind = 'command'\nargs = {args}\nparams = {{ text = {text}, list = [1, 2.5, 'x'], table = {{ y = true }}, number = 1e-3, on = false }}\n\
         seed = 7\noutputs = {{ out = {{ path = 'out.txt', type = 'file' }} }}\n{}",
        leaving(
            "b",
            "printf '%s\\n' \"$ETUDE_INPUT_GIVEN\" > \"$ETUDE_OUT/path\"; cat \"$ETUDE_INPUT_GIVEN\" > \"$ETUDE_OUT/bytes\"",
            "path = { path = 'path', type = 'file' }, bytes = { path = 'bytes', type = 'file' }"
        ) + "inputs = { given = 'a' }\n"
            + &shell("c", "env > \"$ETUDE_OUT/out.txt\"", "params = { list = [1, 2.5, 'x'], table = { y = true }, number = 1e-3, on = false, n = 4 }\nseed = 7")
            + &shell("d", "cat \"$ETUDE_JOB\" > \"$ETUDE_OUT/out.txt\"", "params = { text = 'x', list = [1] }\ninputs = { given = 'a' }\nresources = { cores = 1 }")
    ));
    assert_eq!(project.run(), "4 ran");
    assert_eq!(
        String::from_utf8(project.left("a")).unwrap(),
        format!("{odd}|{odd}")
    );
    let entries: BTreeSet<_> = fs::read_dir(&project.folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(
        entries,
        BTreeSet::from(["etude.toml", "outputs", "p.toml"].map(String::from))
    );
    let bytes = fs::read_dir(project.path("outputs/p/files")).unwrap();
    let bytes: Vec<_> = bytes.map(|e| e.unwrap().path()).collect();
    let shown = |name: &str| {
        let path = bytes.iter().find(|p| p.file_name().unwrap() == name);
        fs::read(path.unwrap_or_else(|| panic!("{bytes:?}"))).unwrap()
    };
    assert_eq!(shown("b.bytes"), format!("{odd}|{odd}").as_bytes());
    // Links have readable names.
    assert!(
        String::from_utf8(shown("b.path"))
            .unwrap()
            .ends_with("given/out.txt\n")
    );

    let variables = String::from_utf8(project.left("c")).unwrap();
    for line in [
        "ETUDE_PARAM_LIST=[1,2.5,\"x\"]",
        "ETUDE_PARAM_TABLE={\"y\":true}",
        "ETUDE_PARAM_NUMBER=0.001",
        "ETUDE_PARAM_ON=false",
        "ETUDE_PARAM_N=4",
        "ETUDE_SEED=7",
    ] {
        assert!(
            variables.lines().any(|other| other == line),
            "{line}: {variables}"
        );
    }
    let told: Json = serde_json::from_slice(&project.left("d")).unwrap();
    assert_eq!(told["parameters"], json!({ "text": "x", "list": [1] }));
    assert_eq!(told["cores"], json!(1));
    assert_eq!(told["inputs"]["given"]["type"], json!("file"));
    assert_eq!(
        told["outputs"]["out"],
        json!({ "path": "out.txt", "type": "file" })
    );
    // The name of a stage is no part of its result, so nothing may depend on it.
    assert!(!told.to_string().contains("\"a\""), "{told}");
}

fn toml_text(text: &str) -> String {
    // JSON's strings are TOML's.
    serde_json::to_string(text).unwrap()
}

fn toml_list(items: &[&str]) -> String {
    let items: Vec<_> = items.iter().map(|item| toml_text(item)).collect();
    format!("[{}]", items.join(", "))
}

#[test]
fn a_stage_fans_out_with_its_inputs_and_takes_all_at_once() {
    let project = Project::new(&format!(
        "{}{}{}[axes]\nn = {{ 'number.params.n' = [1, 2, 3] }}\nway = {{ 'up/down' = {{ double.params.by = 10 }}, 'a b' = {{ double.params.by = 20 }} }}\n",
        leaving(
            "number",
            "echo \"n\n$ETUDE_PARAM_N\" > \"$ETUDE_OUT/n.csv\"",
            "n = { path = 'n.csv', type = 'table' }"
        ) + "params = { n = 0 }\n",
        shell(
            "double",
            "echo $(($(tail -n 1 \"$ETUDE_INPUT_OF\") * ETUDE_PARAM_BY)) > \"$ETUDE_OUT/out.txt\"",
            "inputs = { of = 'number' }\nparams = { by = 0 }"
        ),
        leaving(
            "sum",
            "cd \"$ETUDE_INPUT_ALL\"; for f in */out.txt; do echo \"$f $(cat \"$f\")\"; done > \"$ETUDE_OUT/list\"; cat \"$ETUDE_JOB\" > \"$ETUDE_OUT/job\"",
            "list = { path = 'list', type = 'file' }, job = { path = 'job', type = 'file' }"
        ) + "all = { all = 'double', raw = 'number' }\n",
    ));
    assert_eq!(project.run(), "10 ran");
    insta::assert_snapshot!(project.read("outputs/p/files/sum.list"), @r"
    by=10,n=1,way=up%2Fdown/out.txt 10
    by=10,n=2,way=up%2Fdown/out.txt 20
    by=10,n=3,way=up%2Fdown/out.txt 30
    by=20,n=1,way=a%20b/out.txt 20
    by=20,n=2,way=a%20b/out.txt 40
    by=20,n=3,way=a%20b/out.txt 60
    ");
    let told: Json = serde_json::from_str(&project.read("outputs/p/files/sum.job")).unwrap();
    let all = told["inputs"]["all"].as_array().unwrap();
    assert_eq!(all.len(), 6);
    assert_eq!(
        all[0]["columns"],
        json!({ "by": 10, "n": 1, "way": "up/down" })
    );
    assert!(
        all.iter()
            .all(|one| Path::new(one["path"].as_str().unwrap()).is_absolute())
    );
    let raw = told["inputs"]["raw"].as_array().unwrap();
    let names: Vec<_> = raw
        .iter()
        .map(|one| one["files"].as_object().unwrap())
        .collect();
    assert!(
        names.iter().all(|files| files.keys().eq(["table.csv"])),
        "{raw:?}"
    );
    // A fourth number: one of each more, and the rest is there.
    let text = project.read("p.toml");
    project.write(&text.replace("[1, 2, 3]", "[1, 2, 3, 4]"));
    assert_eq!(project.run(), "4 ran, 9 cached");
}

#[test]
fn each_output_is_read_for_itself() {
    let script = "cp a.txt \"$ETUDE_OUT/a\"; cp b.txt \"$ETUDE_OUT/b\"";
    let outputs = "a = { path = 'a', type = 'file' }, b = { path = 'b', type = 'file' }";
    let project = Project::new(&format!(
        "{}files = ['a.txt', 'b.txt']\n{}{}",
        leaving("both", script, outputs),
        shell(
            "of-a",
            "cat \"$ETUDE_INPUT_X\" > \"$ETUDE_OUT/out.txt\"",
            "inputs = { x = 'both.a' }"
        ),
        shell(
            "of-b",
            "cat \"$ETUDE_INPUT_X\" > \"$ETUDE_OUT/out.txt\"",
            "inputs = { x = 'both.b' }"
        ),
    ));
    project.file("a.txt", "1");
    project.file("b.txt", "2");
    assert_eq!(project.run(), "3 ran");
    assert_eq!(
        (project.left("of-a"), project.left("of-b")),
        (b"1".to_vec(), b"2".to_vec())
    );
    project.file("b.txt", "3");
    assert_eq!(project.run(), "2 ran, 1 cached");
    assert_eq!(
        (project.left("of-a"), project.left("of-b")),
        (b"1".to_vec(), b"3".to_vec())
    );
}

#[test]
fn tables_come_as_text_or_parquet_and_go_on_as_tables() {
    let rows = "label,n,share,ok,gap\\n007x,1,0.1,true,\\n\"a, \"\"b\"\"\",2,1e-3,false,\\n";
    let project = Project::new(&format!(
        "{}{}{}\n[stage.sums]\nkind = 'aggregate'\nfrom = ['made', 'lines.rows']\nsql = '''\n\
         SELECT SUM(made.n) AS n, SUM(made.share) AS share, MAX(lines_rows.m) AS m FROM made CROSS JOIN lines_rows'''\n\
         [stage.right]\nkind = 'claim'\nfrom = 'sums'\nsays = 'Sums are right.'\nholds = 'n = 6 AND ABS(share - 0.202) < 0.000001 AND m = 2.5'\n",
        leaving(
            "made",
            &format!("printf '{rows}' > \"$ETUDE_OUT/t.csv\""),
            "t = { path = 't.csv', type = 'table' }"
        ),
        leaving(
            "lines",
            "printf '{\"m\": 1}\\n{\"m\": 2.5, \"t\": \"x\"}\\n' > \"$ETUDE_OUT/t.jsonl\"; echo '<svg/>' > \"$ETUDE_OUT/f.svg\"",
            "rows = { path = 't.jsonl', type = 'table' }, fig = { path = 'f.svg', type = 'figure' }"
        ),
        shell(
            "again",
            "cat \"$ETUDE_INPUT_T\" > \"$ETUDE_OUT/out.txt\"",
            "inputs = { t = 'made' }"
        ) + &leaving(
            "copied",
            "cp \"$ETUDE_INPUT_T\" \"$ETUDE_OUT/t.parquet\"",
            "t = { path = 't.parquet', type = 'table' }"
        ) + "tables = 'parquet'\ninputs = { t = 'made' }\n",
    ));
    let closing = String::from_utf8(project.etude(&["run", "p.toml"]).stdout).unwrap();
    assert_eq!(counts(&closing), "6 ran");
    assert!(
        closing.contains("✓ reproduced (1 of 1 rows): Sums are right."),
        "{closing}"
    );
    insta::assert_snapshot!(String::from_utf8(project.left("again")).unwrap(), @r#"
    label,n,share,ok,gap
    007x,1,0.1,true,
    "a, ""b""",2,0.001,false,
    "#);
    assert_eq!(project.read("outputs/p/figures/lines.fig.svg"), "<svg/>\n");
    let bytes = |name: &str| fs::read(project.path("outputs/p/tables").join(name)).unwrap();
    assert_eq!(bytes("copied.parquet"), bytes("made.parquet"));
    // Where nothing runs there is nothing to say of what is as before.
    let again = String::from_utf8(project.etude(&["run", "p.toml"]).stdout).unwrap();
    assert_eq!(again.lines().count(), 1, "{again}");
    assert_eq!(counts(&again), "6 cached");
}

#[test]
fn a_failure_names_no_private_folder() {
    let project = Project::new("");
    let given = shell("given", "echo 1 > \"$ETUDE_OUT/out.txt\"", "");
    let script = "echo \"no $ETUDE_OUT/gone.txt; no $ETUDE_INPUT_GIVEN\" >&2; exit 1";
    let text = project.fails(&(given + &shell("a", script, "inputs = { given = 'given' }")));
    assert!(
        text.contains("no ETUDE_OUT/gone.txt; no inputs/given"),
        "{text}"
    );
    assert!(
        !text.contains("scratch") && !text.contains(".work"),
        "{text}"
    );
}

#[test]
fn what_goes_wrong_is_told_with_its_reason() {
    let project = Project::new("");
    let fails = |script: &str, outputs: &str| {
        let text = project.fails(&leaving("a", script, outputs));
        let mut said: Vec<_> = text
            .lines()
            .filter(|line| !line.contains("log: "))
            .collect();
        said.pop();
        said.join("\n")
    };
    let file = "x = { path = 'x', type = 'file' }";
    let table = "x = { path = 'x.csv', type = 'table' }";
    insta::assert_snapshot!(fails("for i in 1 2 3 4 5 6 7; do echo line $i >&2; done; printf '\\033[2Jred\\n' >&2; exit 3", file), @r"
    ✗ a failed: the program ended with exit code 3
        line 4
        line 5
        line 6
        line 7
        [2Jred
    ");
    insta::assert_snapshot!(fails("kill -9 $$", file), @"✗ a failed: the program was killed by signal 9");
    insta::assert_snapshot!(fails("touch \"$ETUDE_OUT/y\"", file), @"✗ a failed: the program ended well, but left no `x` in ETUDE_OUT; there is `y`");
    insta::assert_snapshot!(fails(":", file), @"✗ a failed: the program ended well, but left no `x` in ETUDE_OUT; there is nothing");
    insta::assert_snapshot!(fails("ln -s /etc/hostname \"$ETUDE_OUT/x\"", file), @"✗ a failed: `x` in ETUDE_OUT is a link; outputs must be files of their own");
    insta::assert_snapshot!(fails("mkdir \"$ETUDE_OUT/x\"; ln -s / \"$ETUDE_OUT/x/y\"", file), @"✗ a failed: `x/y` in ETUDE_OUT is a link; outputs must be files of their own");
    insta::assert_snapshot!(fails("mkdir \"$ETUDE_OUT/x\"", file), @"✗ a failed: `x` in ETUDE_OUT is a folder without a file");
    insta::assert_snapshot!(fails("mkfifo \"$ETUDE_OUT/x.csv\"", table), @"✗ a failed: `x.csv` in ETUDE_OUT is neither a file nor a folder");
    insta::assert_snapshot!(fails("mkdir \"$ETUDE_OUT/x.csv\"", table), @"✗ a failed: `x.csv` in ETUDE_OUT is a folder, and a table is a file");
    insta::assert_snapshot!(fails("touch \"$ETUDE_OUT/x\"", "x = { path = 'x', type = 'model' }"), @"✗ a failed: `x` in ETUDE_OUT is no folder, and a model is one");
    insta::assert_snapshot!(fails("ln -s \"$PWD\" \"$ETUDE_OUT/d\"", "x = { path = 'd/p.toml', type = 'file' }"), @"✗ a failed: `d/p.toml` in ETUDE_OUT is a link; outputs must be files of their own");
    let text = fails("printf 'a,b\\n1,2\\n3\\n' > \"$ETUDE_OUT/x.csv\"", table);
    assert!(text.contains("line 3: 1 cell"), "{text}");
    for (program, looked) in [
        ("no-such-program", "it was looked for on PATH, which is /"),
        ("./no/such", "taken from the project's root, "),
    ] {
        let text = project.fails(&format!(
            "[stage.a]\nkind = 'command'\nargs = ['{program}']\noutputs = {{ {file} }}\n"
        ));
        assert!(
            text.contains(&format!("cannot run `{program}`: ")),
            "{text}"
        );
        assert!(text.contains(looked), "{text}");
    }
}

#[test]
fn what_is_not_declared_is_dropped_and_said() {
    let script = "touch \"$ETUDE_OUT/x\" \"$ETUDE_OUT/more\"; ln -s /etc \"$ETUDE_OUT/link\"; mkdir \"$ETUDE_OUT/d\"; echo 1 > \"$ETUDE_OUT/d/e\"";
    let project = Project::new(&leaving("a", script, "x = { path = 'x', type = 'file' }"));
    assert_eq!(project.run(), "1 ran");
    let log = project.log("a");
    for name in ["more", "link", "d"] {
        assert!(
            log.contains(&format!(
                "`{name}` is not among the outputs and was dropped"
            )),
            "{log}"
        );
    }
    assert!(Path::new("/etc").is_dir());
    let scratch = fs::read_dir(project.path("outputs/.etude/v1/scratch")).unwrap();
    assert_eq!(scratch.count(), 0);
}

#[test]
fn a_file_that_a_program_links_into_its_outputs_stays_the_users_own() {
    let project = Project::new(&leaving(
        "a",
        "ln mine \"$ETUDE_OUT/x\"",
        "x = { path = 'x', type = 'file' }",
    ));
    project.file("mine", "mine");
    assert_eq!(project.run(), "1 ran");
    let meta = fs::metadata(project.path("mine")).unwrap();
    assert_eq!(
        (meta.nlink(), meta.permissions().mode() & 0o200),
        (1, 0o200)
    );
    project.file("mine", "changed");
    assert_eq!(project.left("a"), b"mine");
}

#[test]
fn mistakes_are_found_before_anything_runs() {
    let project = Project::new("");
    project.file("mine.csv", "mine");
    project.file("here", "");
    let text = project.problems(
        "[stage.a]\nkind = 'command'\nargs = ['touch', 'ran']\n\
         outputs.x = { path = '../mine.csv', type = 'table' }\n\
         outputs.y = { path = '/tmp/y', type = 'file' }\n\
         outputs.z = { path = 'd', type = 'model' }\n\
         outputs.w = { path = 'd/e.csv', type = 'table' }\n\
         outputs.v = { path = 'f.gif', type = 'figure' }\n\
         inputs = { Model = 'b', m = 'b.p', k = 'b.nothing', l = 'nowhere' }\nall = { m = 'b.q', n = ['b'], o = 'b' }\n\
         files = ['here', 'gone.py']\nparams = { good = 1, 'not-good' = 2 }\n\
         [stage.b]\nkind = 'command'\nargs = ['true']\noutputs = { p = { path = 'p', type = 'file' }, q = { path = 'q', type = 'file' } }\n\
         [stage.c]\nkind = 'claim'\nsays = 'x'\nholds = 'x = 1'\nfrom = 'b.q'\n\
         [stage.d]\nkind = 'claim'\nsays = 'x'\nholds = 'x = 1'\nfrom = 'b'\n\
         [axes]\nw = { v1 = { b.outputs.p.path = 'r' }, v2 = {} }\n",
    );
    insta::assert_snapshot!(text, @r"
      × `../mine.csv` does not lie in the folder for outputs
       ╭─[p.toml:4:22]
     3 │ args = ['touch', 'ran']
     4 │ outputs.x = { path = '../mine.csv', type = 'table' }
       ·                      ──────┬──────
       ·                            ╰── here
     5 │ outputs.y = { path = '/tmp/y', type = 'file' }
       ╰────
      help: a path is taken from ETUDE_OUT, and leads nowhere else
      × `/tmp/y` does not lie in the folder for outputs
       ╭─[p.toml:5:22]
     4 │ outputs.x = { path = '../mine.csv', type = 'table' }
     5 │ outputs.y = { path = '/tmp/y', type = 'file' }
       ·                      ────┬───
       ·                          ╰── here
     6 │ outputs.z = { path = 'd', type = 'model' }
       ╰────
      help: a path is taken from ETUDE_OUT, and leads nowhere else
      × the outputs `w` and `z` lie in each other
       ╭─[p.toml:6:22]
     5 │ outputs.y = { path = '/tmp/y', type = 'file' }
     6 │ outputs.z = { path = 'd', type = 'model' }
       ·                      ─┬─
       ·                       ╰── here
     7 │ outputs.w = { path = 'd/e.csv', type = 'table' }
       ╰────
      × a figure is a file that ends in `.svg`, `.pdf`, `.png`
       ╭─[p.toml:8:22]
     7 │ outputs.w = { path = 'd/e.csv', type = 'table' }
     8 │ outputs.v = { path = 'f.gif', type = 'figure' }
       ·                      ───┬───
       ·                         ╰── here
     9 │ inputs = { Model = 'b', m = 'b.p', k = 'b.nothing', l = 'nowhere' }
       ╰────
      × `Model` cannot name an input
        ╭─[p.toml:9:12]
      8 │ outputs.v = { path = 'f.gif', type = 'figure' }
      9 │ inputs = { Model = 'b', m = 'b.p', k = 'b.nothing', l = 'nowhere' }
        ·            ──┬──
        ·              ╰── here
     10 │ all = { m = 'b.q', n = ['b'], o = 'b' }
        ╰────
      help: a name is a small letter, then small letters, digits or `_`: it becomes part of a
            variable's name
      × `b` leaves several things; say which
        ╭─[p.toml:9:20]
      8 │ outputs.v = { path = 'f.gif', type = 'figure' }
      9 │ inputs = { Model = 'b', m = 'b.p', k = 'b.nothing', l = 'nowhere' }
        ·                    ─┬─
        ·                     ╰── here
     10 │ all = { m = 'b.q', n = ['b'], o = 'b' }
        ╰────
      help: it leaves `b.p`, `b.q`
      × `b` leaves nothing of the name `nothing`
        ╭─[p.toml:9:40]
      8 │ outputs.v = { path = 'f.gif', type = 'figure' }
      9 │ inputs = { Model = 'b', m = 'b.p', k = 'b.nothing', l = 'nowhere' }
        ·                                        ─────┬─────
        ·                                             ╰── here
     10 │ all = { m = 'b.q', n = ['b'], o = 'b' }
        ╰────
      help: the outputs are `b.p`, `b.q`
      × there is no stage `nowhere`
        ╭─[p.toml:9:57]
      8 │ outputs.v = { path = 'f.gif', type = 'figure' }
      9 │ inputs = { Model = 'b', m = 'b.p', k = 'b.nothing', l = 'nowhere' }
        ·                                                         ────┬────
        ·                                                             ╰── no such stage
     10 │ all = { m = 'b.q', n = ['b'], o = 'b' }
        ╰────
      help: the stages are `a`, `b`, `c`, `d`
      × there are two inputs `m`
        ╭─[p.toml:10:9]
      9 │ inputs = { Model = 'b', m = 'b.p', k = 'b.nothing', l = 'nowhere' }
     10 │ all = { m = 'b.q', n = ['b'], o = 'b' }
        ·         ┬
        ·         ╰── here
     11 │ files = ['here', 'gone.py']
        ╰────
      help: rename one of them
      × `all` must name a stage, not hold a list
        ╭─[p.toml:10:24]
      9 │ inputs = { Model = 'b', m = 'b.p', k = 'b.nothing', l = 'nowhere' }
     10 │ all = { m = 'b.q', n = ['b'], o = 'b' }
        ·                        ──┬──
        ·                          ╰── here
     11 │ files = ['here', 'gone.py']
        ╰────
      × `b` leaves several things; say which
        ╭─[p.toml:10:35]
      9 │ inputs = { Model = 'b', m = 'b.p', k = 'b.nothing', l = 'nowhere' }
     10 │ all = { m = 'b.q', n = ['b'], o = 'b' }
        ·                                   ─┬─
        ·                                    ╰── here
     11 │ files = ['here', 'gone.py']
        ╰────
      help: it leaves `b.p`, `b.q`
      × `not-good` cannot name a parameter
        ╭─[p.toml:12:35]
     11 │ files = ['here', 'gone.py']
     12 │ params = { good = 1, 'not-good' = 2 }
        ·                                   ┬
        ·                                   ╰── here
     13 │ [stage.b]
        ╰────
      help: a name is a letter, then letters, digits or `_`
      × `claim.from` needs a table; `b.q` gives a file
        ╭─[p.toml:21:8]
     20 │ holds = 'x = 1'
     21 │ from = 'b.q'
        ·        ──┬──
        ·          ╰── a file
     22 │ [stage.d]
        ╰────
      × `b` leaves several things; say which
        ╭─[p.toml:26:8]
     25 │ holds = 'x = 1'
     26 │ from = 'b'
        ·        ─┬─
        ·         ╰── here
     27 │ [axes]
        ╰────
      help: it leaves `b.p`, `b.q`
      × `b.outputs.p.path` cannot be patched: it is not a parameter
        ╭─[p.toml:28:26]
     27 │ [axes]
     28 │ w = { v1 = { b.outputs.p.path = 'r' }, v2 = {} }
        ·                          ──┬─
        ·                            ╰── here
        ╰────
      help: declare another stage instead

    15 problems; nothing was run
    ");
    let text = project.problems(
        "[stage.a]\nkind = 'command'\nargs = ['touch', 'ran']\noutputs = { x = { path = 'x', type = 'file' } }\nfiles = ['here', 'gone.py']\n",
    );
    insta::assert_snapshot!(text, @r"
      × there is nothing at `gone.py`
       ╭─[p.toml:5:18]
     4 │ outputs = { x = { path = 'x', type = 'file' } }
     5 │ files = ['here', 'gone.py']
       ·                  ────┬────
       ·                      ╰── here
       ╰────
      help: a path is taken from the project's root, unless it is absolute

    1 problem; nothing was run
    ");
    assert_eq!(project.read("mine.csv"), "mine");
    assert!(!project.path("ran").exists() && !project.path("outputs").exists());
}

#[test]
fn all_that_a_program_prints_is_in_its_log_and_progress_is_told() {
    let script = "echo etude: progress 40/100 epochs loss=0.3; head -c 300000 /dev/zero | tr '\\0' x; echo; \
                  printf 'bad \\377 text\\n'; head -c 200000 /dev/zero | tr '\\0' y >&2; echo etude: progress 0.75; \
                  echo etude: progress nonsense; echo the last line; echo > \"$ETUDE_OUT/x\"";
    let project = Project::new(&leaving("a", script, "x = { path = 'x', type = 'file' }"));
    for _ in 0..5 {
        fs::remove_dir_all(project.path("outputs")).ok();
        assert_eq!(project.run(), "1 ran");
        let log = project.log("a");
        assert_eq!(log.matches('x').count() / 1000, 300);
        assert_eq!(log.matches('y').count() / 1000, 200);
        // The two streams are copied side by side: pieces of one may come between the lines of the other.
        let printed = log.replace('y', "");
        assert!(
            printed.contains("bad \u{fffd} text\n"),
            "invalid text is kept"
        );
        assert!(printed.contains("etude: progress nonsense\nthe last line\n"));
        let told: Vec<_> = project
            .events()
            .into_iter()
            .filter(|event| event["event"] == "job-progress")
            .map(|event| event["progress"].clone())
            .collect();
        // What follows at once may go untold.
        assert_eq!(told[0]["done"], json!(40), "{told:?}");
        assert_eq!(
            (&told[0]["total"], &told[0]["unit"]),
            (&json!(100), &json!("epochs"))
        );
        assert_eq!(told[0]["metrics"], json!([["loss", 0.3]]));
    }
}

#[test]
fn of_a_log_that_is_too_long_the_beginning_and_the_end_are_kept_and_it_is_told() {
    let script = "echo the first line; head -c 90000000 /dev/zero | tr '\\0' x; echo; echo the last line; \
                  echo > \"$ETUDE_OUT/x\"";
    let project = Project::new(&leaving("a", script, "x = { path = 'x', type = 'file' }"));
    assert_eq!(project.run(), "1 ran");
    let logs = fs::read_dir(project.path("outputs/.etude/v1/logs")).unwrap();
    let log = logs.flatten().next().unwrap().path();
    let text = fs::read(log).unwrap();
    assert!(
        (48 << 20..=(64 << 20) + 1000).contains(&text.len()),
        "{}",
        text.len()
    );
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("\nthe first line\n") && text.contains("\nthe last line\n"));
    assert_eq!(text.matches(" bytes are left out here: ").count(), 1);
    let events = project.events();
    let warnings = events.iter().filter(|event| event["event"] == "warning");
    let warnings: Vec<_> = warnings
        .map(|event| event["message"].as_str().unwrap())
        .collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with("a: it printed more than its log takes; "),
        "{warnings:?}"
    );
}

#[cfg(target_os = "linux")]
mod processes {
    use super::*;

    fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "{what} never came"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn alive(pid: u32) -> bool {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        !stat.is_empty() && !stat.contains(") Z ")
    }

    fn kill(signal: &str, pids: &[u32]) {
        let pids = pids.iter().map(u32::to_string);
        let done = Command::new("kill")
            .arg(signal)
            .args(pids)
            .status()
            .unwrap();
        assert!(done.success());
    }

    fn children(parent: u32) -> Vec<u32> {
        let tasks = fs::read_dir(format!("/proc/{parent}/task"))
            .into_iter()
            .flatten()
            .flatten();
        let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
        let lists: Vec<String> = lists.collect();
        let words = lists.iter().flat_map(|list| list.split_whitespace());
        words.filter_map(|pid| pid.parse().ok()).collect()
    }

    /// A run in the background, which ends with its test whatever comes of it.
    struct Background(Child);

    impl Background {
        fn start(project: &Project) -> Self {
            let mut command = project.command(&["run", "p.toml"]);
            Self(
                command
                    .stdout(Stdio::piped())
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap(),
            )
        }

        fn end(&mut self) -> (String, Option<i32>) {
            let mut out = String::new();
            self.0
                .stdout
                .take()
                .unwrap()
                .read_to_string(&mut out)
                .unwrap();
            (out, self.0.wait().unwrap().code())
        }
    }

    impl Drop for Background {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    /// A program with a child and a grandchild, of which the latter will hear of no request to end; they last until somebody
    /// ends them. It writes who they are, and on a request to end what it has got.
    const FAMILY: &str = "trap 'echo saved > \"$ETUDE_CHECKPOINT/state\"; exit 0' TERM; \
        if [ -e \"$ETUDE_CHECKPOINT/state\" ]; then cp \"$ETUDE_CHECKPOINT/state\" \"$ETUDE_OUT/out.txt\"; exit 0; fi; \
        sh -c 'trap \"\" TERM; sleep 1000 & echo $$ $! > family.new; wait; sleep 1000' & \
        while [ ! -s family.new ]; do sleep 0.01; done; echo $$ $! >> family.new; mv family.new family; wait; wait";

    fn family(project: &Project) -> Vec<u32> {
        let pids: Vec<u32> = wait_for("the family", || {
            let text = fs::read_to_string(project.path("family")).ok()?;
            Some(
                text.split_whitespace()
                    .map(|pid| pid.parse().unwrap())
                    .collect(),
            )
        });
        assert_eq!(pids.len(), 4);
        assert!(pids.iter().all(|pid| alive(*pid)));
        pids
    }

    fn all_end(pids: &[u32]) {
        for pid in pids {
            wait_for("the end of the family", || (!alive(*pid)).then_some(()));
        }
    }

    fn stopped_by(signals: &[&str], expected: i32) {
        let project = Project::new(&shell("a", FAMILY, "resumes = true"));
        let mut engine = Background::start(&project);
        let pids = family(&project);
        for signal in signals {
            kill(signal, &[engine.0.id()]);
        }
        let (out, code) = engine.end();
        assert_eq!(code, Some(expected), "{out}");
        // When the engine has ended nobody is left, not only soon.
        assert!(pids.iter().all(|pid| !alive(*pid)));
        assert_eq!(project.run(), "1 ran");
        assert_eq!(
            project.left("a"),
            b"saved\n",
            "it went on from what it saved"
        );
    }

    #[test]
    fn a_stopped_run_asks_a_program_to_end_and_ends_what_it_started() {
        stopped_by(&["-TERM"], 143);
    }

    #[test]
    fn a_closed_terminal_stops_a_run_as_a_request_to_end_does_however_often_it_says_so() {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = u64::from_str_radix(ignored.unwrap().trim(), 16).unwrap();
        // What ignores the signal itself starts nothing that does not.
        if ignored & 1 == 0 {
            stopped_by(&["-HUP", "-HUP"], 129);
        }
    }

    #[test]
    fn a_run_that_was_started_to_outlive_its_terminal_does() {
        let script =
            "echo > begun; while [ ! -e go ]; do sleep 0.01; done; echo > \"$ETUDE_OUT/out.txt\"";
        let project = Project::new(&shell("a", script, ""));
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' HUP; exec \"$0\" run p.toml"]);
        command
            .arg(env!("CARGO_BIN_EXE_etude"))
            .current_dir(&project.folder);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut engine = Background(command.spawn().unwrap());
        wait_for("the program", || {
            project.path("begun").exists().then_some(())
        });
        kill("-HUP", &[engine.0.id()]);
        project.file("go", "");
        let (out, code) = engine.end();
        assert_eq!(code, Some(0), "{out}");
    }

    #[test]
    fn a_program_ends_with_its_worker_and_its_engine_however_they_are_killed() {
        for who in ["engine", "worker", "both", "engine of a stopped worker"] {
            let project = Project::new(&shell("a", FAMILY, ""));
            let mut engine = Background::start(&project);
            let pids = family(&project);
            let workers = children(engine.0.id());
            assert_eq!(workers.len(), 1);
            let mut everybody = pids.clone();
            everybody.extend(children(workers[0]));
            match who {
                "engine" => kill("-KILL", &[engine.0.id()]),
                "worker" => kill("-KILL", &workers),
                "engine of a stopped worker" => {
                    kill("-STOP", &workers);
                    kill("-KILL", &[engine.0.id()]);
                }
                // Neither can do anything for the other.
                _ => kill("-KILL", &[&workers[..], &[engine.0.id()]].concat()),
            }
            all_end(&everybody);
            let (out, code) = engine.end();
            if who == "worker" {
                assert_eq!(code, Some(1), "{out}");
                assert!(out.contains("its worker died of signal 9"), "{out}");
            }
        }
    }

    #[test]
    fn a_limit_of_time_does_not_count_while_the_engine_is_stopped() {
        let script =
            "echo > begun; while [ ! -e go ]; do sleep 0.01; done; echo > \"$ETUDE_OUT/out.txt\"";
        let project = Project::new(&shell("a", script, "resources = { time = '5 s' }"));
        let mut engine = Background::start(&project);
        wait_for("the program", || {
            project.path("begun").exists().then_some(())
        });
        kill("-STOP", &[engine.0.id()]);
        std::thread::sleep(Duration::from_secs(6));
        kill("-CONT", &[engine.0.id()]);
        // An engine that counted all of it would end the job now.
        std::thread::sleep(Duration::from_millis(500));
        project.file("go", "");
        let (out, code) = engine.end();
        assert_eq!(code, Some(0), "{out}");
    }

    #[test]
    fn a_run_goes_on_with_the_program_that_it_was_started_with() {
        let wait =
            "echo > begun; while [ ! -e go ]; do sleep 0.01; done; echo a > \"$ETUDE_OUT/out.txt\"";
        let project = Project::new(&format!(
            "{}{}",
            shell("a", wait, ""),
            // It has more cores, and so a worker of its own.
            shell(
                "b",
                "echo b > \"$ETUDE_OUT/out.txt\"",
                "inputs = { a = 'a' }\nresources = { cores = 2 }"
            )
        ));
        let copy = project.path("etude copy");
        let copied = Command::new("cp")
            .arg(env!("CARGO_BIN_EXE_etude"))
            .arg(&copy)
            .status();
        assert!(copied.unwrap().success());
        let mut command = Command::new(&copy);
        command.args(["run", "p.toml"]).current_dir(&project.folder);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut engine = Background(command.spawn().unwrap());
        wait_for("the program", || {
            project.path("begun").exists().then_some(())
        });
        fs::remove_file(&copy).unwrap();
        project.file("etude copy", "#!/bin/sh\nexit 3\n");
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
        project.file("go", "");
        let (out, code) = engine.end();
        assert_eq!(code, Some(0), "{out}");
        assert_eq!(project.left("b"), b"b\n");
    }

    #[test]
    fn what_a_program_leaves_running_ends_with_it() {
        let script = "sleep 1000 & echo $! > left; echo > \"$ETUDE_OUT/out.txt\"";
        let project = Project::new(&shell("a", script, ""));
        assert_eq!(project.run(), "1 ran");
        let pid: u32 = project.read("left").trim().parse().unwrap();
        assert!(!alive(pid));
    }

    #[test]
    fn while_a_program_of_a_killed_worker_lives_no_other_attempt_begins() {
        // The guard keeps hold of the checkpoint folder for as long as there is a group.
        let project = Project::new(&shell("a", FAMILY, "resumes = true"));
        let engine = Background::start(&project);
        let pids = family(&project);
        let worker = children(engine.0.id())[0];
        let guard = children(worker)
            .into_iter()
            .find(|pid| !pids.contains(pid))
            .unwrap();
        kill("-STOP", &[guard]);
        kill("-KILL", &[worker, engine.0.id()]);
        wait_for("the end of the worker", || (!alive(worker)).then_some(()));
        let mut next = Background::start(&project);
        fs::remove_file(project.path("family")).unwrap();
        let begins = |project: &Project| {
            let text = project
                .events()
                .iter()
                .filter(|e| e["event"] == "job-started")
                .count();
            (text == 2).then_some(())
        };
        wait_for("the next run", || begins(&project));
        assert!(!project.path("family").exists());
        kill("-CONT", &[guard]);
        all_end(&pids);
        let others = family(&project);
        kill("-TERM", &[next.0.id()]);
        assert_eq!(next.end().1, Some(143));
        all_end(&others);
    }
}

#[test]
fn a_file_that_is_overwritten_while_it_is_read_is_noticed_though_its_time_is_set_back() {
    let project = Project::new("");
    project.file("data", "1");
    let script = "sleep 0.1; touch -r data then; printf 2 > data; touch -r then data; \
                  cp data \"$ETUDE_OUT/out.txt\"";
    let said = project.fails(&shell("a", script, "files = ['data']"));
    assert!(
        said.contains("data was changed while the job read it"),
        "{said}"
    );
    // Its entry changes, its bytes do not.
    let script = "sleep 0.1; chmod 600 data; cp data \"$ETUDE_OUT/out.txt\"";
    project.write(&shell("a", script, "files = ['data']"));
    assert_eq!(project.run(), "1 ran");
}

#[test]
fn hidden_files_of_a_folder_count_and_what_programs_leave_there_does_not() {
    let script = "cat train/.env > \"$ETUDE_OUT/out.txt\"";
    let project = Project::new(&shell("a", script, "files = ['train']"));
    fs::create_dir_all(project.path("train/.git")).unwrap();
    project.file("train/.env", "0.1");
    assert_eq!(project.run(), "1 ran");
    project.file("train/.git/index", "x");
    project.file("train/.main.py.swp", "x");
    assert_eq!(project.run(), "1 cached");
    project.file("train/.env", "0.5");
    assert_eq!(project.run(), "1 ran");
    assert_eq!(project.left("a"), b"0.5");
}

#[test]
fn a_folder_of_very_many_files_is_one_entry_of_a_fingerprint() {
    let script = "ls data | wc -l > \"$ETUDE_OUT/out.txt\"";
    let project = Project::new(&shell("a", script, "files = ['data']"));
    fs::create_dir(project.path("data")).unwrap();
    for n in 0..10_001 {
        project.file(&format!("data/{n}"), "x");
    }
    assert_eq!(project.run(), "1 ran");
    assert_eq!(
        String::from_utf8(project.left("a")).unwrap().trim(),
        "10001"
    );
    let plan = || String::from_utf8(project.etude(&["plan", "p.toml"]).stdout).unwrap();
    let said = plan();
    assert!(said.contains("nothing to do"), "{said}");
    project.file("data/7", "y");
    let said = plan();
    assert!(
        said.contains("files.data: `all 10001 files` changed"),
        "{said}"
    );
    assert_eq!(project.run(), "1 ran");
}

#[test]
fn what_a_terminal_would_obey_is_written_out() {
    let script = "printf '\\033[2Jprinted\\n'; touch \"$ETUDE_OUT/out.txt\"";
    let stage = |p: &str| shell("a", script, &format!("params = {{ p = \"{p}\" }}"));
    let project = Project::new(&stage("plain"));
    project.run();
    assert!(project.log("a").contains("\n\\x1b[2Jprinted\n"));
    project.write(&stage("\\u001b[31mred"));
    let plan = String::from_utf8(project.etude(&["plan", "p.toml"]).stdout).unwrap();
    assert!(plan.contains("\\x1b[31mred"), "{plan}");
    let run = project.etude(&["run", "p.toml"]).stderr;
    assert!(String::from_utf8(run).unwrap().contains("\\x1b[31mred"));
    // Also what is wrong with a file, or with how etude was called.
    let said = project.problems(&stage("\x1b[31mred"));
    assert!(said.contains("\\x1b[31mred"), "{said}");
    for arguments in [["plan", "\x1b[2J.toml"], ["plan", "--\x1b[2J"]] {
        let said = String::from_utf8(project.etude(&arguments).stderr).unwrap();
        assert!(!said.is_empty() && !said.contains('\x1b'), "{said}");
    }
    for arguments in [["log", "p.toml", "a"], ["plan", "p.toml", "--all"]] {
        let output = project.etude(&arguments);
        assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b));
    }
}

#[test]
fn a_plan_warns_of_a_file_among_the_arguments_that_is_not_declared() {
    let project = Project::new(
        "[stage.a]\nkind = 'command'\nargs = ['sh', 'train.sh', '--config=a.yaml']\n\
         outputs = { x = { path = 'x', type = 'file' } }\n",
    );
    project.file("train.sh", "cp a.yaml $ETUDE_OUT/x\n");
    project.file("a.yaml", "1");
    let said = || String::from_utf8(project.etude(&["plan", "p.toml"]).stderr).unwrap();
    insta::assert_snapshot!(said(), @r#"
    ! p.toml:3:15: the program is given the file `train.sh`, which the stage does not declare; write files = ["train.sh"]: when it changes, the stage runs again then, and now it does not
    ! p.toml:3:27: the program is given the file `a.yaml`, which the stage does not declare; write files = ["a.yaml"]: when it changes, the stage runs again then, and now it does not
    "#);
    let text = project.read("p.toml");
    project.write(&format!("{text}files = ['train.sh', 'a.yaml']\n"));
    assert_eq!(said(), "");
}

#[test]
fn what_python_writes_beside_its_modules_changes_nothing() {
    if !has_python() {
        return;
    }
    let project = Project::new(
        "[stage.a]\nkind = 'command'\nargs = ['python3', 'code/main.py']\nfiles = ['code']\n\
         outputs = { x = { path = 'x', type = 'file' } }\n",
    );
    fs::create_dir(project.path("code")).unwrap();
    project.file("code/helper.py", "VALUE = 'v'\n");
    project.file(
        "code/main.py",
        "import os, helper\nopen(os.path.join(os.environ['ETUDE_OUT'], 'x'), 'w').write(helper.VALUE)\n",
    );
    assert_eq!(project.run(), "1 ran");
    assert_eq!(project.run(), "1 cached");
}

#[test]
fn the_kind_describes_itself() {
    let project = Project::new("");
    let output = project.etude(&["kinds", "command"]);
    let text = String::from_utf8(output.stdout).unwrap();
    for line in [
        "command → what its `outputs` declare (version 2)",
        "  - `ETUDE_OUT`: an empty folder, where the declared outputs must appear.",
        "    all: all jobs under each name; anything",
        "    args: list of string, required",
        "    tables: csv | parquet, default \"csv\"",
        "      columns: table of bool | int | float | text, optional",
        "  table, a row of which is what the program makes it",
        "  default resources: 1 core, 500 MB",
        "  device: auto (default), cpu, cuda",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}: {text}");
    }
}
