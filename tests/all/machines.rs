//! Jobs on several machines: relays of this one, and a real sshd on the loopback where there is one.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::project::{Project, numbers as pipeline};

fn project(pipeline: &str, settings: &str) -> Project {
    let project = Project::with(&[("p.toml", pipeline)]);
    project.write("etude.toml", settings);
    project
}

fn start(project: &Project) -> Child {
    start_on("ssh", project)
}

fn start_on(executor: &str, project: &Project) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
    command.args(["run", "p.toml", "--executor", executor]);
    command.current_dir(project.folder.path());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn run(project: &Project) -> (String, i32) {
    ended(start(project))
}

fn ended(run: Child) -> (String, i32) {
    let Output {
        status,
        stdout,
        stderr,
    } = run.wait_with_output().unwrap();
    let text = String::from_utf8([stderr, stdout].concat()).unwrap();
    (text, status.code().unwrap())
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The processes that run in a project's folder and have this in their command line.
fn processes(project: &Project, what: &str) -> Vec<String> {
    let folder = fs::canonicalize(project.folder.path()).unwrap();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let is_one = |path: &PathBuf| {
        let words = fs::read(path.join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).replace('\0', " ");
        words.contains(what) && fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd == folder)
    };
    let paths = entries.map(|entry| entry.path()).filter(is_one);
    let names = paths.map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
    names.collect()
}

/// The table that the numbers' files are, whoever made them.
fn numbers(project: &Project, jobs: usize) {
    let left = fs::read_dir(project.path("outputs/p/files")).unwrap();
    let texts = left.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let mut texts: Vec<String> = texts.collect();
    texts.sort_unstable();
    let mut expected: Vec<String> = (0..jobs).map(|n| format!("{n}\n")).collect();
    expected.sort_unstable();
    assert_eq!(texts, expected);
}

const TWO: &str = "[machines.one]\ncores = 2\n[machines.two]\ncores = 1\n";

#[test]
fn jobs_go_to_every_machine_that_has_room() {
    // Each waits until three are at work at once.
    let script =
        "touch at-$ETUDE_PARAM_N; while [ $(ls at-* | wc -l) -lt 3 ]; do sleep 0.05; done;";
    let project = project(&pipeline(script, 5), TWO);
    let (text, code) = run(&project);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("5 ran"), "{text}");
    numbers(&project, 5);
    assert_eq!(processes(&project, "worker"), [] as [String; 0]);
}

#[test]
fn a_machine_that_is_not_reached_leaves_its_jobs_to_others_and_fails_those_that_no_other_can_do() {
    let away = "[machines.away]\nhost = 'nowhere.invalid'\ncores = 8\n";
    let project = project(
        &pipeline("", 3),
        &format!("{away}[machines.here]\ncores = 1\n"),
    );
    let (text, code) = run(&project);
    assert_eq!(code, 0, "{text}");
    numbers(&project, 3);
    project.write("etude.toml", away);
    project.write("p.toml", &pipeline(":;", 2));
    let (text, code) = run(&project);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("away cannot be reached: ssh: "), "{text}");
}

#[test]
fn what_no_machine_has_is_told_and_what_is_wrong_in_the_settings_with_its_place() {
    let large = pipeline("", 1).replacen("params", "resources = { gpu = 1 }\nparams", 1);
    let project = project(&large, TWO);
    let (text, code) = run(&project);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("it asks for a card, and there are 0"),
        "{text}"
    );
    project.write("etude.toml", "[machines.gpu]\nhost = '-oProxyCommand=x'\n");
    let (text, _) = run(&project);
    assert!(
        text.contains("etude.toml:2:8") && text.contains("needs `cores`"),
        "{text}"
    );
    project.write("etude.toml", "");
    let (text, _) = run(&project);
    assert!(text.contains("[machines.gpu1]"), "{text}");
}

#[test]
fn a_run_that_is_stopped_ends_all_that_its_machines_do() {
    let project = project(&pipeline("touch at-$ETUDE_PARAM_N; sleep 100;", 3), TWO);
    let run = start(&project);
    wait_for("all are at work", || {
        (0..3).all(|n| project.path(&format!("at-{n}")).exists())
    });
    Command::new("kill")
        .args(["-INT", &run.id().to_string()])
        .status()
        .unwrap();
    let (text, code) = ended(run);
    assert_eq!(code, 130, "{text}");
    wait_for("nothing is left", || processes(&project, "").is_empty());
}

#[test]
fn a_machine_that_is_lost_while_it_works_is_not_waited_for() {
    let script = "touch at-$ETUDE_PARAM_N-$$; while [ ! -e go ]; do sleep 0.05; done;";
    let project = project(&pipeline(script, 3), TWO);
    let run = start(&project);
    let begun = || {
        let entries = fs::read_dir(project.folder.path()).unwrap().flatten();
        entries
            .filter(|e| e.file_name().to_string_lossy().starts_with("at-"))
            .count()
    };
    wait_for("all are at work", || begun() == 3);
    for relay in processes(&project, "--relay") {
        Command::new("kill")
            .args(["-KILL", &relay])
            .status()
            .unwrap();
    }
    project.write("go", "");
    let (text, code) = ended(run);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("the connection to one ended"), "{text}");
    assert_eq!(begun(), 6, "each began twice");
    numbers(&project, 3);
}

/// An sshd of this test alone, on the loopback.
struct Sshd {
    folder: tempfile::TempDir,
    port: u16,
    server: Child,
}

impl Sshd {
    /// One that answers; nothing where there is none.
    fn start() -> Option<Self> {
        let program = ["/usr/sbin/sshd", "/usr/bin/sshd"];
        let program = program.into_iter().find(|path| Path::new(path).exists())?;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        for key in ["host", "key"] {
            let keygen = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f", &at(key)])
                .status();
            assert!(keygen.unwrap().success());
        }
        fs::copy(at("key.pub"), at("authorized")).unwrap();
        // Where it may not be made, it is there.
        let _ = fs::create_dir_all("/run/sshd");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
             PermitRootLogin yes\nPasswordAuthentication no\nPidFile none\n",
            at("host"),
            at("authorized")
        );
        fs::write(at("config"), config).unwrap();
        let server = Command::new(program)
            .args(["-D", "-e", "-f", &at("config")])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for("it listens", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Some(Self {
            folder,
            port,
            server,
        })
    }

    fn machine(&self, name: &str, cores: u32) -> String {
        let key = self.folder.path().join("key");
        format!(
            "[machines.{name}]\nhost = '127.0.0.1'\ncores = {cores}\nssh = ['-p', '{}', '-i', '{}', '-o', 'StrictHostKeyChecking=no', \
             '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR', '-F', '/dev/null']\n",
            self.port,
            key.display()
        )
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn over_a_real_ssh_outputs_are_those_of_this_machine() {
    use std::io::Write;
    let Some(sshd) = Sshd::start() else {
        let _ = writeln!(std::io::stderr(), "ssh: there is no sshd: it is not tried");
        return;
    };
    let settings = sshd.machine("one", 1) + &sshd.machine("two", 2);
    let smoke = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/smoke.toml");
    let smoke = fs::read_to_string(smoke).unwrap();
    let project = project(&smoke, &settings);
    let (text, code) = run(&project);
    assert_eq!(code, 0, "{text}");
    let local = Project::with(&[("p.toml", &smoke)]);
    local.ok(&["run", "p.toml"]);
    let left = |project: &Project| {
        let figures = fs::read_dir(project.path("outputs/smoke/figures")).unwrap();
        let figures = figures.map(|entry| entry.unwrap().path());
        let mut left: Vec<_> = figures
            .map(|path| {
                (
                    path.file_name().unwrap().to_owned(),
                    fs::read(path).unwrap(),
                )
            })
            .collect();
        left.sort();
        left
    };
    let expected = left(&local);
    assert!(!expected.is_empty());
    assert_eq!(left(&project), expected);
}

#[test]
fn a_command_of_ones_own_launches_jobs_and_what_it_says_of_them_does_not_count() {
    let launch = |script: &str| format!("[launch]\njobs = 2\ncommand = ['sh', '-c', '{script}']\n");
    // It fails, though its job does not.
    let settings = launch("{program} worker --cell {spec}; exit 7");
    let project = project(&pipeline("", 3), &settings);
    let (text, code) = ended(start_on("launch", &project));
    assert_eq!(code, 0, "{text}");
    numbers(&project, 3);
    project.write("p.toml", &pipeline(":;", 1));
    project.write(
        "etude.toml",
        &launch("echo no machine is free; exit 3; {spec}"),
    );
    let (text, code) = ended(start_on("launch", &project));
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("its command ended with exit status: 3"),
        "{text}"
    );
    assert!(text.contains("it printed: no machine is free"), "{text}");
    project.write("etude.toml", "[launch]\ncommand = ['sky']\n");
    let (text, _) = ended(start_on("launch", &project));
    assert!(
        text.contains("etude.toml:2:11") && text.contains("{spec}"),
        "{text}"
    );
}

#[test]
fn a_launched_job_is_told_to_stop_with_its_run() {
    let settings = "[launch]\ncommand = ['{program}', 'worker', '--cell', '{spec}']\n";
    let project = project(
        &pipeline("touch at-$ETUDE_PARAM_N; sleep 100;", 1),
        settings,
    );
    let run = start_on("launch", &project);
    wait_for("it is at work", || project.path("at-0").exists());
    Command::new("kill")
        .args(["-INT", &run.id().to_string()])
        .status()
        .unwrap();
    let (text, code) = ended(run);
    assert_eq!(code, 130, "{text}");
    wait_for("nothing is left", || processes(&project, "").is_empty());
}
