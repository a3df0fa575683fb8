//! Commands without FILE, where it is clear which pipeline is meant, and where it is not.

use std::fs;

use crate::project::Project;

const TINY: &str = "
[stage.graphs]
kind = 'path-star'
degree = 2
path_length = 3
nodes = 8
train = 10
test = 5
validation = 0
[axes]
seed = { 'graphs.seed' = [0, 1] }
";

/// A project whose only pipeline lies in the usual folder.
fn project() -> Project {
    let project = Project::with(&[("ruff.toml", "line-length = 100\n")]);
    fs::create_dir(project.path("pipelines")).unwrap();
    project.write("pipelines/tiny.toml", TINY);
    project
}

#[test]
fn the_only_pipeline_is_meant_by_every_command_that_reads_one() {
    let project = project();
    let job = "graphs[seed=0]";
    let cases: [(&[&str], &str, i32); 12] = [
        (&["plan"], "2 to run", 2),
        (&["plan", job], "1 to run", 2),
        (&["run", job, "--cores", "1"], "1 ran", 0),
        (&["run", "--again", job, "graphs"], "2 ran", 0),
        (&["log", job], "fingerprint", 0),
        (&["graph", "graphs"], "graphs", 0),
        (&["columns"], "no stage of this pipeline leaves a table", 0),
        (&["columns", "graphs"], "it leaves no table", 0),
        (&["pin", job], "1 pinned", 0),
        (&["pin"], "2 pinned", 0),
        (&["unpin"], "2 unpinned", 0),
        (&["check"], "nothing of tiny is published", 1),
    ];
    for (arguments, what, code) in cases {
        let (said, ended) = project.etude(arguments);
        assert!(said.contains(what), "{arguments:?}: {said}");
        assert_eq!(ended, code, "{arguments:?}: {said}");
    }
    project.ok(&["publish"]);
    project.ok(&["check"]);
    project.ok(&["unadopt", "graphs"]);
    // The last word of `adopt` is the artifact.
    for file in [&[][..], &["pipelines/tiny.toml"]] {
        let what = ["nothing.txt", "--as", job, "--note", "mine"];
        let arguments = [&["adopt"], file, &what].concat();
        let (said, code) = project.etude(&arguments);
        assert!(said.contains("has its artifact already"), "{said}");
        assert_eq!(code, 1);
    }
}

#[test]
fn what_is_not_clear_is_wrong_usage_and_the_message_says_what_to_write() {
    let project = project();
    let refused = |arguments: &[&str]| {
        let (said, code) = project.etude(arguments);
        assert_eq!(code, 64, "{arguments:?}: {said}");
        said
    };
    for arguments in [&["log"][..], &["log", "pipelines/tiny.toml"]] {
        assert!(refused(arguments).contains("which job?"));
    }
    let adopt = ["adopt", "--as", "graphs", "--note", "mine"];
    assert!(refused(&adopt).contains("which artifact?"));
    // A file and a stage of one name.
    project.write("graphs", "a file of another sort");
    let said = refused(&["plan", "graphs"]);
    assert!(said.contains("`pipelines/tiny.toml graphs`"), "{said}");
    assert!(said.contains("`./graphs`"), "{said}");
    assert_eq!(
        project.etude(&["plan", "pipelines/tiny.toml", "graphs"]).1,
        2
    );
    let (said, code) = project.etude(&["plan", "./graphs"]);
    assert_eq!(code, 1);
    assert!(said.contains("graphs:1"), "{said}");

    project.write("other.toml", TINY);
    for arguments in [&["run"][..], &["run", "model"], &["publish"], &["pin"]] {
        let said = refused(arguments);
        let names = "several pipelines here: other.toml, pipelines/tiny.toml. ";
        assert!(said.contains(names), "{said}");
        let example = format!("`etude {} other.toml`", arguments[0]);
        assert!(said.contains(&example), "{said}");
    }
    fs::remove_file(project.path("graphs")).unwrap();
    // The example names the pipeline that has the job.
    let graphs = TINY.replace("stage.graphs", "stage.arms");
    project.write("other.toml", &graphs.replace("graphs.seed", "arms.seed"));
    for (command, job) in [
        ("log", "graphs[seed=0]"),
        ("columns", "graphs"),
        ("unpin", "graphs"),
    ] {
        let said = refused(&[command, job]);
        let quoted = if job.contains('[') {
            format!("'{job}'")
        } else {
            job.to_string()
        };
        let example = format!("`etude {command} pipelines/tiny.toml {quoted}`");
        assert!(said.contains(&example), "{said}");
        assert!(!said.contains("no file"), "{said}");
    }
    let said = refused(&["run", "othr"]);
    assert!(said.contains("there is no file `othr`"), "{said}");
    fs::remove_file(project.path("other.toml")).unwrap();
    fs::remove_file(project.path("pipelines/tiny.toml")).unwrap();
    assert!(refused(&["run"]).contains("`etude init`"));
}

#[test]
fn a_first_word_that_is_a_file_or_looks_like_one_is_the_pipeline() {
    let project = project();
    project.write("experiment", TINY);
    let (said, code) = project.etude(&["plan", "experiment", "graphs[seed=1]"]);
    assert!(said.contains("1 to run"), "{said}");
    assert_eq!(code, 2);
    for missing in ["tyni.toml", "pipelines/tyni"] {
        let (said, code) = project.etude(&["plan", missing]);
        assert!(said.contains(&format!("cannot read {missing}")), "{said}");
        assert_eq!(code, 1);
    }
    // Of a file that is not there, those that are there are named.
    for (missing, help) in [
        ("pipelines/tyni.toml", "did you mean `pipelines/tiny.toml`?"),
        ("tiny.toml", "did you mean `pipelines/tiny.toml`?"),
        ("else.toml", "the pipelines here are `pipelines/tiny.toml`"),
    ] {
        let (said, code) = project.etude(&["run", missing]);
        assert!(said.contains("there is no such file"), "{said}");
        assert!(said.contains(help), "{said}");
        assert_eq!(code, 1);
    }
    // A job that is none is told against the stages of the only pipeline.
    let (said, code) = project.etude(&["plan", "grahps"]);
    assert!(said.contains("`graphs`"), "{said}");
    assert_eq!(code, 1);
}
