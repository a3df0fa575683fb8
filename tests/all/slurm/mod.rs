//! Jobs on a cluster: what goes wrong there is played by a Slurm that is none, and what a real one does is tried on one of two
//! nodes where Debian's is installed.
#![cfg(target_os = "linux")]

mod real;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::project::{Project, numbers as pipeline};

/// A project, and a cluster that is none.
struct Fake {
    project: Project,
    state: tempfile::TempDir,
}

impl Fake {
    fn new(pipeline: &str) -> Self {
        let project = Project::with(&[("p.toml", pipeline)]);
        project.write("etude.toml", "[slurm]\npoll = '1 s'\n");
        let state = tempfile::tempdir().unwrap();
        let bin = state.path().join("bin");
        fs::create_dir(&bin).unwrap();
        let fake = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slurm/fake.sh");
        for name in ["sbatch", "squeue", "scancel"] {
            symlink(&fake, bin.join(name)).unwrap();
        }
        Self { project, state }
    }

    /// Makes it fail in some way.
    fn fault(&self, name: &str, text: &str) {
        fs::write(self.state.path().join(name), text).unwrap();
    }

    fn mend(&self, name: &str) {
        fs::remove_file(self.state.path().join(name)).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let bin = self.state.path().join("bin");
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
        command
            .args(arguments)
            .current_dir(self.project.folder.path());
        command.env("PATH", path).env("FAKE", self.state.path());
        // As inside an allocation.
        command
            .env("SLURM_JOB_ID", "1")
            .env("SBATCH_PARTITION", "x");
        command
    }

    fn run(&self) -> (String, i32) {
        let output = self
            .command(&["run", "p.toml", "--executor", "slurm"])
            .output();
        let Output {
            status,
            stdout,
            stderr,
        } = output.unwrap();
        let text = String::from_utf8([stderr, stdout].concat()).unwrap();
        (text, status.code().unwrap())
    }

    fn ok(&self) -> String {
        let (text, code) = self.run();
        assert_eq!(code, 0, "{text}\n{}", self.calls());
        text
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.state.path().join("calls")).unwrap_or_default()
    }

    fn count(&self, name: &str) -> usize {
        let calls = self.calls();
        calls.lines().filter(|line| line.starts_with(name)).count()
    }

    fn start(&self) -> Child {
        let mut command = self.command(&["run", "p.toml", "--executor", "slurm"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    fn submitted(&self) -> Vec<PathBuf> {
        under_way(&self.project)
    }

    /// Digests of all that a run in a project of its own leaves, on this machine.
    fn same_as_local(&self) {
        let local = Project::with(&[("p.toml", &self.project.read("p.toml"))]);
        local.ok(&["run", "p.toml"]);
        assert_eq!(left(&local), left(&self.project));
    }
}

/// The folders of the jobs that are under way.
fn under_way(project: &Project) -> Vec<PathBuf> {
    let below = |folder: PathBuf| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path())
    };
    let keys = below(project.path("outputs/.etude/v1/submitted"));
    let folders = keys.flat_map(below);
    folders
        .filter(|folder| folder.join("task.json").exists())
        .collect()
}

/// All shown files, with their bytes.
fn left(project: &Project) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = project.path("outputs/p");
    let mut left = Vec::new();
    let mut open = vec![folder.clone()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else {
            let name = path.strip_prefix(&folder).unwrap().to_path_buf();
            left.push((name, fs::read(&path).unwrap()));
        }
    }
    left.sort();
    assert!(!left.is_empty());
    left
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_run_on_a_cluster_leaves_the_same_bytes_in_one_array() {
    let fake = Fake::new(&pipeline("", 5));
    fake.fault("banner", "");
    let text = fake.ok();
    assert!(text.contains("5 ran"), "{text}");
    assert_eq!(fake.count("sbatch"), 1);
    assert!(fake.calls().contains("--array=0-4"), "{}", fake.calls());
    assert_eq!(fake.submitted(), [] as [PathBuf; 0]);
    let environment = fs::read_to_string(fake.state.path().join("environment")).unwrap();
    assert_eq!(environment, "", "the caller's own is not passed on");
    fake.same_as_local();
    let text = fake.ok();
    assert!(
        text.contains("5 cached") && fake.count("sbatch") == 1,
        "{text}"
    );
}

#[test]
fn what_the_file_and_the_settings_say_is_asked_for_and_nothing_else() {
    let pipeline = format!(
        "[stage.m]\nkind = 'command'\nargs = ['sh', '-c', 'echo m > $ETUDE_OUT/out.txt']\n\
         outputs = {{ out = {{ path = 'out.txt', type = 'file' }} }}\n\
         resources = {{ cores = 3, memory = '1 GiB', time = '10 min' }}\n{}",
        pipeline("", 4)
    );
    let fake = Fake::new(&pipeline);
    let settings = "[slurm]\npoll = '1 s'\npack = 2\npartition = 'long'\nsbatch = ['--qos=q']\nsetup = ['export A=b']\n";
    fake.project.write("etude.toml", settings);
    fake.ok();
    let calls = fake.calls();
    let sent: Vec<&str> = calls.lines().filter(|l| l.starts_with("sbatch")).collect();
    assert_eq!(sent.len(), 2, "{calls}");
    let ends = |end: &str| sent.iter().any(|line| line.ends_with(end));
    assert!(
        ends("--ntasks=1 --cpus-per-task=1 --partition=long --qos=q"),
        "{calls}"
    );
    assert!(
        ends("--cpus-per-task=3 --mem=1280M --time=23 --partition=long --qos=q"),
        "{calls}"
    );
    assert!(
        sent.iter().any(|line| line.contains("--array=0-1 ")),
        "{calls}"
    );
    let script = fs::read_to_string(fake.state.path().join("script.101")).unwrap();
    assert!(
        script.starts_with("#!/bin/bash\nexport A=b\nexec /"),
        "{script}"
    );
}

#[test]
fn a_submission_that_is_not_answered_is_not_repeated_and_one_that_is_refused_is() {
    for (fault, calls) in [("unanswered", 1), ("refuse", 2)] {
        let fake = Fake::new(&pipeline("", 3));
        fake.fault(fault, "");
        let text = fake.ok();
        assert!(text.contains("3 ran"), "{text}");
        assert_eq!(fake.count("sbatch"), calls, "{}", fake.calls());
    }
}

#[test]
fn arrays_become_as_short_as_the_site_wants_them() {
    let fake = Fake::new(&pipeline("", 9));
    fake.fault("longest", "3");
    fake.ok();
    let jobs = fs::read_dir(fake.state.path().join("jobs"))
        .unwrap()
        .count();
    assert_eq!(jobs, 9);
}

#[test]
fn an_answer_that_never_comes_ends_the_run_with_what_was_said() {
    let fake = Fake::new(&pipeline("", 2));
    let settings = "[slurm]\npoll = '1 s'\nsbatch = ['--nonsense']\n";
    fake.project.write("etude.toml", settings);
    let (text, code) = fake.run();
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("unrecognized option '--nonsense'"), "{text}");
    assert_eq!(fake.count("sbatch"), 1);
    assert_eq!(fake.submitted(), [] as [PathBuf; 0]);
}

#[test]
fn a_controller_that_is_away_is_waited_for() {
    let fake = Fake::new(&pipeline("sleep 1;", 2));
    fake.fault("away", "");
    let run = fake.start();
    wait_for("it was asked", || fake.count("squeue") > 1);
    fake.mend("away");
    let output = run.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    assert_eq!(fake.count("sbatch"), 1);
}

#[test]
fn cells_that_slurm_knows_no_more_are_submitted_again() {
    let fake = Fake::new(&pipeline("", 2));
    fake.fault("forget", "");
    let run = fake.start();
    wait_for("it was submitted", || fake.count("sbatch") > 0);
    wait_for("it is forgotten", || {
        fake.state.path().join("jobs/101_1/forgotten").exists()
    });
    fake.mend("forget");
    let output = run.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("Slurm knows its job no more"), "{text}");
    assert!(fake.count("sbatch") >= 2);
    fake.same_as_local();
}

#[test]
fn an_engine_that_comes_later_takes_over_what_one_that_was_killed_had_submitted() {
    let fake = Fake::new(&pipeline("while [ ! -e go ]; do sleep 0.1; done;", 3));
    let mut run = fake.start();
    let pids = || fs::read_dir(fake.state.path().join("jobs")).map_or(0, Iterator::count);
    wait_for("it is under way", || {
        pids() == 3 && fake.submitted().len() == 3
    });
    run.kill().unwrap();
    run.wait().unwrap();
    let second = fake.start();
    wait_for("it was asked", || fake.count("squeue") > 1);
    fake.project.write("go", "");
    let output = second.wait_with_output().unwrap();
    let text = String::from_utf8([output.stderr, output.stdout].concat()).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("3 ran"), "{text}");
    assert_eq!(fake.count("sbatch"), 1, "{}", fake.calls());
}

#[test]
fn a_run_that_is_stopped_cancels_its_own_jobs_and_no_others() {
    let fake = Fake::new(&pipeline("sleep 100;", 2));
    let mut run = fake.start();
    let pids = || {
        let jobs = fs::read_dir(fake.state.path().join("jobs"));
        let jobs = jobs.into_iter().flatten().flatten();
        jobs.filter(|job| job.path().join("pid").exists()).count()
    };
    wait_for("it is under way", || pids() == 2);
    let pid = run.id().to_string();
    Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(130));
    assert_eq!(fake.count("scancel"), 1, "{}", fake.calls());
    let cancelled = fake.calls();
    let cancelled = cancelled
        .lines()
        .find(|l| l.starts_with("scancel"))
        .unwrap();
    assert_eq!(cancelled, "scancel 101_0 101_1");
    assert_eq!(fake.submitted(), [] as [PathBuf; 0]);
}

#[test]
fn a_cell_that_is_cancelled_by_somebody_or_dies_says_what_became_of_it() {
    let fake = Fake::new(&pipeline("touch begun; sleep 100;", 1));
    let run = fake.start();
    let pid = fake.state.path().join("jobs/101_0/pid");
    wait_for("it has begun", || fake.project.path("begun").exists());
    let cell = fs::read_to_string(&pid).unwrap();
    Command::new("pkill")
        .args(["-KILL", "-P", cell.trim()])
        .status()
        .unwrap();
    let output = run.wait_with_output().unwrap();
    let text = String::from_utf8([output.stderr, output.stdout].concat()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("its Slurm job 101_0 ended (FAILED)"),
        "{text}"
    );
}

#[test]
fn a_run_that_is_told_to_end_leaves_its_jobs_to_the_next() {
    let fake = Fake::new(&pipeline("while [ ! -e go ]; do sleep 0.1; done;", 2));
    let run = fake.start();
    let jobs = || fs::read_dir(fake.state.path().join("jobs")).map_or(0, Iterator::count);
    wait_for("it is under way", || {
        jobs() == 2 && fake.submitted().len() == 2
    });
    let pid = run.id().to_string();
    Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    let output = run.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(143), "{text}");
    assert!(text.contains("2 jobs go on in Slurm"), "{text}");
    assert_eq!(fake.count("scancel"), 0);
    fake.project.write("go", "");
    let text = fake.ok();
    assert!(text.contains("2 ran"), "{text}");
    assert_eq!(fake.count("sbatch"), 1, "{}", fake.calls());
}

/// What the commands of the cluster that is none do, called by somebody else.
fn by_hand(fake: &Fake, name: &str, argument: &str) {
    let mut command = Command::new(fake.state.path().join("bin").join(name));
    command.arg(argument).env("FAKE", fake.state.path());
    assert!(command.status().unwrap().success());
}

#[test]
fn a_job_that_somebody_cancels_fails_and_is_not_submitted_again() {
    let fake = Fake::new(&pipeline("touch begun; sleep 100;", 1));
    let run = fake.start();
    wait_for("it has begun", || fake.project.path("begun").exists());
    by_hand(&fake, "scancel", "101_0");
    let output = run.wait_with_output().unwrap();
    let text = String::from_utf8([output.stderr, output.stdout].concat()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("its Slurm job 101_0 was cancelled from outside"),
        "{text}"
    );
    assert_eq!(fake.count("sbatch"), 1);
}

#[test]
fn a_job_whose_time_is_nearly_over_goes_on_in_another_and_no_node_is_blamed() {
    let script = "if [ ! -e second ]; then touch second begun; sleep 100; fi;";
    let fake = Fake::new(&pipeline(script, 1));
    let run = fake.start();
    wait_for("it has begun", || fake.project.path("begun").exists());
    let cell = fs::read_to_string(fake.state.path().join("jobs/101_0/pid")).unwrap();
    let pkill = Command::new("pkill")
        .args(["-USR1", "-P", cell.trim()])
        .status();
    assert!(pkill.unwrap().success());
    let output = run.wait_with_output().unwrap();
    let text = String::from_utf8([output.stderr, output.stdout].concat()).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("its time on the cluster was over"), "{text}");
    assert!(!text.contains("lost on the node"), "{text}");
    assert_eq!(fake.count("sbatch"), 2);
}

#[test]
fn options_by_which_jobs_are_found_cannot_be_set_otherwise() {
    let fake = Fake::new(&pipeline("", 1));
    for option in [
        "--array=1-2",
        "-Jother",
        "--job=x",
        "-M",
        "--clusters=a",
        "qos",
    ] {
        let settings = format!("[slurm]\nsbatch = ['{option}']\n");
        fake.project.write("etude.toml", &settings);
        let (text, code) = fake.run();
        assert_eq!(code, 1, "{text}");
        assert!(text.contains("etude.toml:2:10"), "{option}: {text}");
    }
    assert_eq!(fake.count("sbatch"), 0);
}
