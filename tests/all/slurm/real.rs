//! A real Slurm of two nodes on this machine: Debian's slurm-wlm 22.05, started by `tests/slurm/cluster.sh`.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{left, under_way};
use crate::project::Project;

struct Cluster {
    folder: tempfile::TempDir,
    /// The first of three ports.
    port: u16,
}

fn tell(what: &str) {
    // Tests say it where their output is shown.
    let _ = writeln!(std::io::stderr(), "slurm: {what}");
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slurm/cluster.sh")
}

/// Three ports in a row that nobody listens on.
fn ports() -> u16 {
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let from = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let mut all = (from..from + 3_000).step_by(3);
    all.find(|port| (0..3).all(|more| is_free(port + more)))
        .unwrap()
}

impl Cluster {
    /// One that is up; nothing where there is no Slurm, or this is not root.
    fn start() -> Option<Self> {
        let has = |program: &str| {
            let folders = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin";
            folders
                .split(':')
                .any(|folder| Path::new(folder).join(program).exists())
        };
        let is_root = rustix::process::getuid().is_root();
        if !(is_root && ["slurmctld", "slurmd", "munged"].into_iter().all(has)) {
            tell("it is not installed, or this is not root: a real cluster is not tried");
            return None;
        }
        let cluster = Self {
            folder: tempfile::tempdir().unwrap(),
            port: ports(),
        };
        let status = cluster.script("start").status().unwrap();
        if !status.success() {
            // What keeps its daemons from running here is no fault of a job.
            tell("its daemons do not start here: a real cluster is not tried");
            return None;
        }
        Some(cluster)
    }

    fn script(&self, verb: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg(script()).arg(verb).arg(self.folder.path());
        command.env("BASE_PORT", self.port.to_string());
        command.stdout(Stdio::null());
        command
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("SLURM_CONF", self.folder.path().join("slurm.conf"));
        command
    }

    fn says(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.command(program).args(arguments).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{program} {arguments:?}: {text}{errors}"
        );
        text
    }

    /// The jobs that wait or run: number, state and node.
    fn jobs(&self) -> Vec<(String, String, String)> {
        let text = self.says("squeue", &["-h", "-r", "-o", "%i %T %N"]);
        let jobs = text.lines().map(|line| {
            let mut words = line.split(' ').map(str::to_owned);
            let mut next = || words.next().unwrap_or_default();
            (next(), next(), next())
        });
        jobs.collect()
    }

    fn run(&self, project: &Project) -> Child {
        let mut command = self.command(env!("CARGO_BIN_EXE_etude"));
        command.args(["run", "p.toml", "--executor", "slurm"]);
        command.current_dir(project.folder.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    fn wait_for(&self, what: &str, is_so: impl Fn() -> bool) {
        let start = Instant::now();
        while !is_so() {
            let jobs = self.jobs();
            assert!(
                start.elapsed() < Duration::from_secs(90),
                "{what}: {jobs:?}"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// A job that runs and its node, once both trainings are well under way.
    fn wait_for_training(&self, project: &Project) -> (String, String) {
        let trains = || {
            let has = |path: PathBuf, text: &str| {
                fs::read_to_string(path).is_ok_and(|all| all.contains(text))
            };
            let training = under_way(project).into_iter().filter(|folder| {
                has(folder.join("task.json"), "\"kind\":\"train\"")
                    && has(folder.join("events"), "\"progress\"")
            });
            training.count() == 2
        };
        self.wait_for("both train", trains);
        let running = |job: &(String, String, String)| job.1 == "RUNNING";
        let job = self.jobs().into_iter().find(running).expect("it runs");
        (job.0, job.2)
    }

    /// The processes of the jobs of a node.
    fn processes(&self, node: &str) -> Vec<String> {
        let conf = self.folder.path().join("slurm.conf");
        let wanted = [
            format!("SLURM_CONF={}", conf.display()),
            format!("SLURMD_NODENAME={node}"),
        ];
        let has = |path: &Path| {
            let all = fs::read(path.join("environ")).unwrap_or_default();
            let all: Vec<&[u8]> = all.split(|byte| *byte == 0).collect();
            wanted.iter().all(|one| all.contains(&one.as_bytes()))
        };
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let paths = entries.map(|entry| entry.path()).filter(|path| has(path));
        let names = paths.map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
        names.collect()
    }

    fn pid(&self, file: &str) -> String {
        let text = fs::read_to_string(self.folder.path().join(file)).unwrap();
        text.trim().to_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.script("stop").status();
    }
}

/// The process above another, where that is what Slurm starts for each job.
fn parent(pid: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let above = status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:"))?
        .trim();
    let name = fs::read_to_string(format!("/proc/{above}/comm")).ok()?;
    name.starts_with("slurmstepd").then(|| above.to_owned())
}

fn kill(signal: &str, pid: &str) {
    Command::new("kill").args([signal, pid]).status().unwrap();
}

fn ends(mut run: Child) -> (String, Option<i32>) {
    let mut text = String::new();
    run.stderr
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    run.stdout
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    (text, run.wait().unwrap().code())
}

fn ok(run: Child) -> String {
    let (text, code) = ends(run);
    assert_eq!(code, Some(0), "{text}");
    text
}

/// Two trainings and what they answer, from graphs, with a table of both; it takes some seconds.
const TRAINING: &str = r#"
[stage.graphs]
kind = "path-star"
degree = 2
path_length = 4
nodes = 30
train = 2000
test = 200

[stage.model]
kind = "train"
data = "graphs"
architecture = { kind = "transformer", layers = 2, width = 64, heads = 2, positions = "rotary" }
objective = "next-token"
optimizer = { kind = "adamw", lr = 1e-3 }
batch = 32
steps = 1500
seed = 0

[stage.answers]
kind = "decode"
model = "model"
data = "graphs"

[stage.shares]
kind = "aggregate"
from = "answers"
sql = "SELECT seed, AVG(exact) AS share FROM answers GROUP BY seed"

[stage.table]
kind = "table"
from = "shares"

[axes]
seed = { "model.seed" = [0, 1] }
"#;

fn project() -> Project {
    let project = Project::with(&[("p.toml", TRAINING)]);
    project.write("etude.toml", "[slurm]\npoll = '1 s'\n");
    project
}

#[test]
fn whatever_befalls_a_cluster_the_outputs_are_those_of_this_machine() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let local = project();
    local.ok(&["run", "p.toml"]);
    let expected = left(&local);

    for (what, befalls) in [
        ("nothing", (|_, _, run| ok(run)) as Befalls),
        ("a requeue", requeue),
        ("preemption", preemption),
        ("a node that dies", dead_node),
        ("a controller that restarts", restart),
        ("a killed engine", killed_engine),
        ("a job cancelled by hand", cancelled_by_hand),
    ] {
        let project = project();
        let run = cluster.run(&project);
        let text = befalls(&cluster, &project, run);
        assert_eq!(left(&project), expected, "{what}: {text}");
        assert_eq!(under_way(&project), [] as [PathBuf; 0], "{what}");
        cluster.wait_for("no job is left", || cluster.jobs().is_empty());
    }
}

type Befalls = fn(&Cluster, &Project, Child) -> String;

fn requeue(cluster: &Cluster, project: &Project, run: Child) -> String {
    let (job, _) = cluster.wait_for_training(project);
    cluster.says("scontrol", &["requeue", &job]);
    ok(run)
}

/// Jobs of a partition that comes first take all of both nodes for a while.
fn preemption(cluster: &Cluster, project: &Project, run: Child) -> String {
    cluster.wait_for_training(project);
    let urgent = [
        "--parsable",
        "-p",
        "urgent",
        "-N2",
        "--exclusive",
        "--output=/dev/null",
        "--wrap=sleep 3",
    ];
    cluster.says("sbatch", &urgent);
    ok(run)
}

/// The daemon of a node is killed, and then all processes of its jobs at once: nothing is left that could say how they ended.
fn dead_node(cluster: &Cluster, project: &Project, run: Child) -> String {
    let (_, node) = cluster.wait_for_training(project);
    kill("-KILL", &cluster.pid(&format!("{node}/slurmd.pid")));
    let mut dead: Vec<String> = cluster.processes(&node);
    let above: Vec<String> = dead.iter().filter_map(|pid| parent(pid)).collect();
    dead.extend(above);
    Command::new("kill")
        .arg("-KILL")
        .args(&dead)
        .status()
        .unwrap();
    let text = ok(run);
    let daemon = cluster
        .command("slurmd")
        .args(["-N", &node])
        .status()
        .unwrap();
    assert!(daemon.success());
    let idle = || cluster.says("sinfo", &["-h", "-N", "-p", "main", "-o", "%T"]) == "idle\nidle\n";
    cluster.wait_for("both nodes are there again", idle);
    text
}

fn restart(cluster: &Cluster, project: &Project, run: Child) -> String {
    cluster.wait_for_training(project);
    // It writes down what it knows before it ends.
    kill("-TERM", &cluster.pid("slurmctld.pid"));
    std::thread::sleep(Duration::from_secs(3));
    assert!(cluster.command("slurmctld").status().unwrap().success());
    ok(run)
}

fn killed_engine(cluster: &Cluster, project: &Project, mut run: Child) -> String {
    cluster.wait_for_training(project);
    run.kill().unwrap();
    run.wait().unwrap();
    let text = ok(cluster.run(project));
    let logs = fs::read_dir(project.path("outputs/.etude/v1/logs")).unwrap();
    let logs = logs.map(|log| fs::read_to_string(log.unwrap().path()).unwrap());
    let taken = logs.filter(|log| log.contains("goes on where an earlier run had submitted it"));
    assert_eq!(taken.count(), 2, "both trainings were taken over");
    text
}

fn cancelled_by_hand(cluster: &Cluster, project: &Project, run: Child) -> String {
    let (job, _) = cluster.wait_for_training(project);
    cluster.says("scancel", &[&job]);
    let (text, code) = ends(run);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("was cancelled from outside"), "{text}");
    text + &ok(cluster.run(project))
}
