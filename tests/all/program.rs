//! The program, as a user runs it.

use std::fs;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use etude::figures::table;

/// A project in a folder of its own.
struct Project {
    folder: tempfile::TempDir,
}

const SMOKE: &str = include_str!("../../pipelines/smoke.toml");

impl Project {
    fn new(pipeline: &str) -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::write(project.path("etude.toml"), "").unwrap();
        project.write(pipeline);
        project
    }

    fn write(&self, pipeline: &str) {
        fs::write(self.path("p.toml"), pipeline).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
        command.args(arguments).current_dir(self.folder.path());
        command
    }

    fn etude(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn run(&self) -> String {
        let output = self.etude(&["run", "p.toml"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success(),
            "{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        text
    }
}

/// The lines of a plan, with a space where there are several.
fn planned(project: &Project) -> Vec<String> {
    let text = String::from_utf8(project.etude(&["plan", "p.toml"]).stdout).unwrap();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(words).collect()
}

#[test]
fn a_plan_is_a_line_a_stage_with_counts_and_reasons() {
    let project = Project::new(SMOKE);
    assert_eq!(
        planned(&project),
        [
            "graphs 1 to run new",
            "model 6 to run new, after graphs",
            "answers 6 to run new, after graphs and model",
            "curve 1 to run new, after model",
            "accuracy 1 to run new, after answers",
            "learning 1 to run new, after curve",
            "figure 1 to run new, after accuracy",
            "table 1 to run new, after accuracy",
            "trained 1 to run new, after curve",
            "19 to run, 0 cached",
        ]
    );
    project.run();
    assert_eq!(planned(&project), ["nothing to do: all 19 jobs are cached"]);
    let edited = SMOKE.replace("lr = 3e-3", "lr = 1e-3");
    project.write(&edited.replace("\"model.seed\" = [0, 1]", "\"model.seed\" = [0, 1, 2]"));
    let lines = planned(&project);
    assert_eq!(
        lines[..3],
        [
            "model 9 to run 6: optimizer.lr: 0.003 → 0.001",
            "3: new",
            "answers 3 to run, 6 may run 6: if the results of model change",
        ]
    );
    assert_eq!(lines[3], "3: new, after model");
    let counts = "12 to run, 12 to run if what they read changes, 1 cached";
    assert!(lines.iter().any(|line| line == counts), "{lines:?}");
}

#[test]
fn a_changed_query_is_told_with_what_changed_in_it() {
    let project = Project::new(SMOKE);
    project.run();
    project.write(&SMOKE.replace("ci95(exact) AS ci", "ci95(1 - exact) AS ci"));
    let lines = planned(&project);
    let changed = &lines[0];
    assert!(
        changed.starts_with("accuracy 1 to run sql: … "),
        "{lines:?}"
    );
    assert!(changed.contains("ci95(1 - exact)"), "{changed}");
}

fn last(text: &str) -> String {
    let line = text.lines().last().unwrap_or_default();
    line.split(" in ").next().unwrap().to_string()
}

#[test]
fn a_pipeline_runs_is_cached_and_re_runs_only_what_an_edit_touches() {
    let project = Project::new(SMOKE);
    let code = |arguments: &[&str]| project.etude(arguments).status.code();
    assert_eq!(code(&["plan", "p.toml"]), Some(2));
    assert!(
        !project.path("outputs").exists(),
        "a plan leaves nothing behind"
    );
    let first = project.run();
    assert_eq!(last(&first), "19 ran");
    assert!(first.contains("✓ reproduced (3 of 3 rows)"), "{first}");
    assert!(
        first.contains("outputs/smoke/figures/figure.svg"),
        "{first}"
    );
    assert_eq!(code(&["plan", "p.toml"]), Some(0));
    assert_eq!(last(&project.run()), "19 cached");

    project.write(&SMOKE.replace("title = \"exact match\"", "title = \"exact\""));
    let second = project.run();
    assert_eq!(last(&second), "1 ran, 18 cached");
    let named: Vec<&str> = second.lines().collect();
    assert_eq!(
        named[..named.len() - 1],
        [
            "→ outputs/smoke/figures/figure.svg",
            "unchanged: 1 figure, 1 table, 1 claim"
        ]
    );

    project.write(&format!(
        "# a comment\n{}",
        SMOKE
            .replace("stage.answers]", "stage.replies]")
            .replace("from = \"answers\"", "from = \"replies\"")
            .replace("FROM answers", "FROM replies")
    ));
    assert_eq!(last(&project.run()), "19 cached");

    project.write(&SMOKE.replace("\"model.seed\" = [0, 1]", "\"model.seed\" = [0, 1, 2]"));
    let ran = project.run();
    // Three trainings and three decodings, and what reads them as far as it comes out another.
    let (count, _) = last(&ran)
        .split_once(" ran, ")
        .map(|(a, b)| (a.to_string(), b.to_string()))
        .unwrap();
    assert!((8..=12).contains(&count.parse().unwrap()), "{ran}");
    for method in ["next-token", "reversed", "teacherless"] {
        assert!(
            project
                .path(&format!(
                    "outputs/smoke/models/model[method={method}, seed=2]"
                ))
                .exists()
        );
    }
    assert!(project.path("outputs/smoke/tables/table.md").exists());
    let log = |job: &str| {
        let output = project.etude(&["log", "p.toml", job]);
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let model = log("model[method=reversed,seed=2]");
    let line = |start: &str| model.lines().find(|line| line.starts_with(start));
    assert!(line("started ").unwrap().ends_with(" UTC"), "{model}");
    let trained = line("trained for 40 steps at ").unwrap();
    assert!(trained.contains(": last loss "), "{trained}");
    let curve = line("  loss ").unwrap();
    assert!(curve.contains('█') && curve.contains(" → "), "{curve}");
    let answers = log("answers[method=reversed,seed=2]");
    assert!(answers.contains(" rows; columns: "), "{answers}");
    assert!(log("trained").contains("\nverdict: reproduced (3 of 3 rows): "));
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let digests = |arguments: &[&str]| {
        let project = Project::new(SMOKE);
        let all = [&["run", "p.toml"], arguments].concat();
        let output = project.etude(&all);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let runs = project.path("outputs/.etude/v1/runs");
        let journal = fs::read_dir(runs).unwrap().next().unwrap().unwrap().path();
        let text = fs::read_to_string(journal).unwrap();
        let mut digests: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .filter(|event| event["event"] == "job-ended")
            .map(|event| format!("{} {}", event["job"], event["artifact"]))
            .collect();
        digests.sort();
        digests
    };
    let one = digests(&["--cores", "1"]);
    let two = digests(&[
        "--cores",
        "2",
        "--set",
        "model.resources.cores=2",
        "--set",
        "graphs.resources.cores=2",
    ]);
    assert_eq!(one.len(), 19);
    assert_eq!(one, two);
}

#[test]
fn mistakes_are_shown_with_file_line_and_caret_and_nothing_runs() {
    let project = Project::new(&SMOKE.replace("degree      = 2", "degre       = 2"));
    let output = project.etude(&["run", "p.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!project.path("outputs").exists());
    insta::assert_snapshot!(String::from_utf8(output.stderr).unwrap(), @r#"
      × `path-star` has no parameter `degre`
       ╭─[p.toml:6:1]
     5 │ kind        = "path-star"
     6 │ degre       = 2
       · ──┬──
       ·   ╰── unknown
     7 │ path_length = 3
       ╰────
      help: did you mean `degree`? The keys are `degree`, `path_length`, `nodes`, `train`, `test`,
            `validation`, `seed`, `edges`, `direction`, `question`, `query`, `labels`, `spread`,
            `per`, `resources`, `retry`, `keep`

    1 problem; nothing was run
    "#);
}

#[test]
fn a_kind_describes_itself_in_full() {
    let project = Project::new(SMOKE);
    let command = &mut project.command(&["kinds", "decode"]);
    let output = command.env("COLUMNS", "60").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for line in [
        "decode → answers (version 3)",
        "    model: one job; a model",
        "      the model that answers",
        "    decoding: greedy | sample, default { kind = \"greedy\" }",
        "        temperature: number from 0 to 1000, default 1.0",
        "    examples: integer from 1, optional",
        "  table, a row of which is an example",
        "  default resources: 1 core, 1 GB",
        "  device: auto (default), cpu, cuda",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}: {text}");
    }
    let wide = text.lines().find(|line| line.chars().count() > 60);
    assert_eq!(wide, None);
}

#[test]
fn all_kinds_are_listed_a_line_each_and_an_unknown_one_gets_a_suggestion() {
    let project = Project::new(SMOKE);
    let command = &mut project.command(&["kinds"]);
    let output = command.env("COLUMNS", "80").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for kind in etude::stages::registry().iter() {
        let start = format!("  {} ", kind.name);
        let lines = text.lines().filter(|line| line.starts_with(&start));
        assert_eq!(lines.count(), 1, "{}: {text}", kind.name);
    }
    assert!(text.lines().count() < 40, "{text}");
    let output = project.etude(&["kinds", "trian"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.contains("did you mean `train`?"), "{errors}");
}

#[test]
fn the_graph_is_text_dot_or_a_picture() {
    let project = Project::new(SMOKE);
    let graph = |format| {
        let output = project.etude(&["graph", "p.toml", "--format", format]);
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(graph("text").contains("model     train      6 jobs (method, seed)  ← graphs"));
    assert!(graph("dot").starts_with("digraph {"));
    let svg = graph("svg");
    assert!(
        svg.contains("<svg") && svg.contains("6 jobs (method, seed)"),
        "{svg}"
    );
    assert_eq!(svg, graph("svg"));
}

/// The processes that a process started, by what Linux tells.
#[cfg(target_os = "linux")]
fn children(parent: u32) -> Vec<u32> {
    // Workers are started from other threads of the engine.
    let tasks = fs::read_dir(format!("/proc/{parent}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|p| p.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(target_os = "linux")]
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
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(target_os = "linux")]
fn signal(pid: u32, name: &str) {
    let done = Command::new("kill")
        .args([name, &pid.to_string()])
        .status()
        .unwrap();
    assert!(done.success());
}

#[cfg(target_os = "linux")]
fn alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

/// A training that lasts until it is stopped.
#[cfg(target_os = "linux")]
fn long() -> String {
    SMOKE.replace("steps         = 40", "steps         = 2_000_000")
}

/// The one job of the long training.
#[cfg(target_os = "linux")]
const LONG: [&str; 3] = ["model[method=reversed,seed=0]", "--cores", "1"];

/// A run in the background, which ends with its test whatever comes of it.
#[cfg(target_os = "linux")]
struct Background(std::process::Child);

#[cfg(target_os = "linux")]
impl Background {
    fn start(project: &Project, pipeline: &str, arguments: &[&str]) -> Self {
        project.write(pipeline);
        let mut command = project.command(&[&["run", "p.toml"], arguments].concat());
        let command = command.stdout(Stdio::piped()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    fn id(&self) -> u32 {
        self.0.id()
    }

    /// What it printed, and its exit code.
    fn end(&mut self) -> (String, Option<i32>) {
        let mut out = String::new();
        let mut stream = self.0.stdout.take().unwrap();
        stream.read_to_string(&mut out).unwrap();
        (out, self.0.wait().unwrap().code())
    }
}

#[cfg(target_os = "linux")]
impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until the named job tells of progress.
#[cfg(target_os = "linux")]
fn until_training(project: &Project) {
    let runs = project.path("outputs/.etude/v1/runs");
    wait_for("a training", || {
        let mut journals = fs::read_dir(&runs).ok()?.flatten();
        journals
            .any(|j| fs::read_to_string(j.path()).is_ok_and(|t| t.contains("\"steps\"")))
            .then_some(())
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_worker_that_dies_fails_its_job_alone() {
    let project = Project::new(SMOKE);
    let text = SMOKE.to_string()
        + "\n[[override]]\nwhen = { method = \"next-token\", seed = 0 }\nset = { model.steps = 2_000_000 }\n";
    let mut engine = Background::start(&project, &text, &[]);
    // The other five trainings and their answers end, the long one goes on alone.
    let models = project.path("outputs/smoke/answers");
    wait_for("the other jobs", || {
        (fs::read_dir(&models).ok()?.count() == 5).then_some(())
    });
    // Whichever of them has the long job; the others are idle by now.
    let workers = children(engine.id());
    let workers: Vec<String> = workers.iter().map(u32::to_string).collect();
    // All at once, or one that idles is given the next job before it dies.
    let killed = Command::new("kill").arg("-KILL").args(&workers).status();
    assert!(killed.unwrap().success());
    let (out, code) = engine.end();
    assert_eq!(code, Some(1), "{out}");
    assert!(
        out.contains("model[method=next-token, seed=0] failed: its worker died of signal 9"),
        "{out}"
    );
    assert!(out.contains("log: outputs/.etude/v1/logs/"), "{out}");
    assert!(
        last(&out).starts_with("17 ran, 1 failed, 1 skipped"),
        "{out}"
    );
    let lacking = "answers: 5 of 6, without [method=next-token, seed=0]";
    let read = |path: &str| fs::read_to_string(project.path(path)).unwrap();
    assert!(out.contains(&format!("figure.svg; {lacking}")), "{out}");
    assert!(read("outputs/smoke/figures/figure.svg").contains(lacking));
    assert!(read("outputs/smoke/tables/table.md").contains(lacking));
    project.write(SMOKE);
    assert_eq!(last(&project.run()), "8 ran, 11 cached");
    assert!(!read("outputs/smoke/figures/figure.svg").contains(lacking));
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_and_a_request_to_end_stop_cleanly_and_the_next_run_goes_on() {
    for (how, expected) in [("-INT", 130), ("-TERM", 143)] {
        let project = Project::new(SMOKE);
        let mut engine = Background::start(&project, &long(), &LONG);
        until_training(&project);
        signal(engine.id(), how);
        let (out, code) = engine.end();
        assert_eq!(code, Some(expected), "{out}");
        assert!(last(&out).starts_with("1 ran, 1 not done"), "{out}");
        let place = format!("– {} saved at step ", LONG[0].replace(',', ", "));
        let saved = out.lines().find(|line| line.starts_with(&place));
        let saved = saved.unwrap_or_else(|| panic!("{out}"));
        assert!(
            saved.ends_with(" of 2 000 000; run again to go on"),
            "{out}"
        );
        let scratch = fs::read_dir(project.path("outputs/.etude/v1/scratch")).unwrap();
        assert_eq!(scratch.count(), 0);
        project.write(SMOKE);
        assert_eq!(last(&project.run()), "18 ran, 1 cached");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_worker_that_was_stopped_when_its_engine_died_does_not_hold_up_the_next_run() {
    let project = Project::new(SMOKE);
    let mut engine = Background::start(&project, &long(), &LONG);
    until_training(&project);
    let workers = children(engine.id());
    workers.iter().for_each(|worker| signal(*worker, "-STOP"));
    signal(engine.id(), "-KILL");
    engine.end();
    // The same job: it waits for whoever still works at it.
    let mut next = Background::start(&project, &long(), &LONG);
    let runs = project.path("outputs/.etude/v1/runs");
    wait_for("the next run", || {
        (fs::read_dir(&runs).ok()?.count() == 2).then_some(())
    });
    for worker in workers {
        wait_for("the end of the worker", || (!alive(worker)).then_some(()));
    }
    signal(next.id(), "-TERM");
    assert_eq!(next.end().1, Some(143));
}

/// One training of so many steps, and the digest of what it leaves once it is done.
#[cfg(target_os = "linux")]
fn trained(project: &Project, steps: &str) -> String {
    let text = SMOKE.replace("steps         = 40", &format!("steps         = {steps}"));
    project.write(&text);
    let output = project.etude(&[&["run", "p.toml"], &LONG[..]].concat());
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{out}");
    let runs = fs::read_dir(project.path("outputs/.etude/v1/runs")).unwrap();
    let runs = runs.map(|run| run.unwrap().path());
    let newest = runs.max_by_key(|run| fs::metadata(run).unwrap().modified().unwrap());
    let text = fs::read_to_string(newest.unwrap()).unwrap();
    let ended = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let wanted = |event: &serde_json::Value| {
        event["event"] == "job-ended" && event["job"] == "model[method=reversed, seed=0]"
    };
    let digests = ended.filter(wanted);
    let mut digests = digests.filter_map(|event| event["artifact"].as_str().map(str::to_owned));
    digests.next_back().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_stopped_training_goes_on_to_the_bytes_of_one_that_never_was() {
    const STEPS: &str = "8_000";
    let whole = trained(&Project::new(SMOKE), STEPS);
    let project = Project::new(SMOKE);
    let text = SMOKE.replace("steps         = 40", &format!("steps         = {STEPS}"));
    let mut engine = Background::start(&project, &text, &LONG);
    until_training(&project);
    signal(engine.id(), "-INT");
    let (out, code) = engine.end();
    assert_eq!(code, Some(130), "{out}");
    let saved = || fs::read_dir(project.path("outputs/.etude/v1/checkpoints")).unwrap();
    assert!(saved().count() > 0, "it saved when it was told to stop");
    let resumed = trained(&project, STEPS);
    assert_eq!(resumed, whole);
    assert_eq!(saved().count(), 0, "what is done needs no checkpoint");
    let log = project.etude(&["log", "p.toml", LONG[0]]);
    let log = String::from_utf8(log.stdout).unwrap();
    assert!(
        log.contains("finds what an attempt before it saved"),
        "{log}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_training_that_cannot_use_what_it_saved_says_so() {
    let project = Project::new(SMOKE);
    let mut engine = Background::start(&project, &long(), &LONG);
    until_training(&project);
    signal(engine.id(), "-INT");
    let (out, code) = engine.end();
    assert_eq!(code, Some(130), "{out}");
    let mut damaged = Vec::new();
    for folder in fs::read_dir(project.path("outputs/.etude/v1/checkpoints")).unwrap() {
        let folder = folder.unwrap().path();
        for saved in fs::read_dir(folder).into_iter().flatten().flatten() {
            let numbers = saved.path().join("state.safetensors");
            if numbers.exists() {
                fs::write(&numbers, "not these").unwrap();
                damaged.push(saved.file_name().to_string_lossy().into_owned());
            }
        }
    }
    assert!(!damaged.is_empty());
    let mut command = project.command(&[&["run", "p.toml"][..], &LONG].concat());
    let mut engine = command
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let warning = "! model[method=reversed, seed=0]: what was saved cannot be used: ";
    let mut lines = std::io::BufReader::new(engine.stderr.take().unwrap()).lines();
    // That it runs, and the warning; later lines tell how far it is.
    let mut first = lines.by_ref().map_while(Result::ok).take(4);
    let told = first.find(|line| line.starts_with(warning));
    signal(engine.id(), "-INT");
    lines.for_each(drop);
    engine.wait().unwrap();
    let told = told.unwrap();
    assert!(damaged.iter().any(|step| told.contains(step)), "{told}");
    assert!(
        told.ends_with("; the training starts with its first step"),
        "{told}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_longer_training_goes_on_from_a_shorter_one() {
    let whole = trained(&Project::new(SMOKE), "900");
    let project = Project::new(SMOKE);
    trained(&project, "500");
    let log = || {
        let output = project.etude(&["log", "p.toml", LONG[0]]);
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(trained(&project, "900"), whole);
    assert!(log().contains("starts from 500 steps"), "{}", log());
    let shorter = trained(&Project::new(SMOKE), "300");
    assert_eq!(trained(&project, "300"), shorter);
    assert!(!log().contains("starts from"), "{}", log());
}

#[test]
fn a_training_begins_with_a_published_model_wherever_it_lies() {
    let published = |path: &str| {
        SMOKE.replace(
            "{ kind = \"transformer\", layers = 1, width = 16, heads = 2, positions = \"rotary\" }",
            &format!("{{ kind = \"pretrained\", path = \"{path}\" }}"),
        )
    };
    let project = Project::new(&published("published"));
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/gpt2");
    let output = project.etude(&["run", "p.toml"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("there is nothing at `published`"), "{text}");
    fs::create_dir(project.path("published")).unwrap();
    for entry in fs::read_dir(fixture).unwrap() {
        let path = entry.unwrap().path();
        let to = project.path("published").join(path.file_name().unwrap());
        fs::copy(&path, to).unwrap();
    }
    // The fixture's vocabulary has no `$`, which hides a token; GPT-2's has. Its token for a space is of no use here.
    let vocabulary = project.path("published/tokenizer.json");
    let text = fs::read_to_string(&vocabulary).unwrap();
    fs::write(&vocabulary, text.replace("\"Ġ\"", "\"$\"")).unwrap();
    assert_eq!(last(&project.run()), "19 ran");
    let model = project.path("outputs/smoke/models/model[method=reversed, seed=1]");
    for file in ["config.json", "model.safetensors", "tokenizer.json"] {
        assert!(model.join(file).exists(), "{file}");
    }
    // Positions are nodes of the path, not the commas between them.
    let answers = "outputs/smoke/answers/answers[method=reversed, seed=1]/positions.parquet";
    let answers = table::read(&project.path(answers)).unwrap();
    let positions = table::numbers(table::column(&answers, "position").unwrap()).unwrap();
    let positions: Vec<Option<f64>> = positions.into_iter().take(4).collect();
    assert_eq!(positions, [Some(1.0), Some(2.0), Some(3.0), Some(1.0)]);
    fs::rename(project.path("published"), project.path("moved")).unwrap();
    project.write(&published("moved"));
    assert_eq!(last(&project.run()), "19 cached");
}

#[cfg(target_os = "linux")]
#[test]
fn a_job_that_runs_longer_than_its_limit_fails_and_says_so() {
    let project = Project::new(&long());
    let limit = "model.resources.time='1 s'";
    let output = project.etude(&[
        "run",
        "p.toml",
        "model[method=reversed,seed=0]",
        "--set",
        limit,
    ]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("it ran longer than its limit of 1 s"),
        "{text}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn workers_die_with_their_engine_and_the_next_run_goes_on() {
    let project = Project::new(SMOKE);
    let mut engine = Background::start(&project, &long(), &LONG);
    until_training(&project);
    let workers = children(engine.id());
    assert!(!workers.is_empty());
    signal(engine.id(), "-KILL");
    engine.end();
    wait_for("the end of the workers", || {
        (!workers.iter().any(|pid| alive(*pid))).then_some(())
    });
    project.write(SMOKE);
    assert_eq!(last(&project.run()), "18 ran, 1 cached");
    let scratch = fs::read_dir(project.path("outputs/.etude/v1/scratch")).unwrap();
    assert_eq!(
        scratch.count(),
        0,
        "the next run sweeps what the dead one left"
    );
}

#[test]
fn outputs_lie_at_the_projects_root_wherever_it_is_run_from() {
    let project = Project::new(SMOKE);
    fs::create_dir(project.path("inner")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_etude"))
        .args(["run", "../p.toml", "graphs"])
        .current_dir(project.path("inner"))
        .output()
        .unwrap();
    assert!(output.status.success());
    assert!(Path::new(&project.path("outputs/smoke/datasets/graphs/sample.txt")).exists());
}
