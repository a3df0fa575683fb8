//! A real pipeline, with training in it, killed at many moments of its run: after each, one more run ends where a run that
//! nobody disturbed does.
#![cfg(unix)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use etude::store::Store;

const SMOKE: &str = include_str!("../../pipelines/smoke.toml");

/// How many moments, spread evenly over a run.
const MOMENTS: u32 = 200;

fn etude(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_etude"));
    command.args(["run", "p.toml"]).current_dir(folder);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// The digest of every artifact, from the journal of the last run.
fn digests(folder: &Path) -> BTreeMap<String, String> {
    let runs = fs::read_dir(folder.join("outputs/.etude/v1/runs")).unwrap();
    let journals = runs.map(|run| run.unwrap().path());
    let newest = journals.max_by_key(|path| fs::metadata(path).unwrap().modified().unwrap());
    let text = fs::read_to_string(newest.unwrap()).unwrap();
    let mut digests = BTreeMap::new();
    for line in text.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        if let (Some(job), Some(digest)) = (event["job"].as_str(), event["artifact"].as_str()) {
            digests.insert(job.to_string(), digest.to_string());
        }
    }
    digests
}

/// What lies among the private folders of jobs: these folders, the files that say whose they are, files half written.
fn scratch(folder: &Path) -> BTreeSet<OsString> {
    let entries = fs::read_dir(folder.join("outputs/.etude/v1/scratch"));
    let entries = entries.into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name()).collect()
}

/// Lets the next engine sweep until nothing is left. What belongs to somebody who lives would stay for ever.
fn sweep(folder: &Path) {
    let start = Instant::now();
    while !scratch(folder).is_empty() {
        Store::at(&folder.join("outputs/.etude")).prepare().unwrap();
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "{:?} stays",
            scratch(folder)
        );
    }
}

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("etude.toml"), "").unwrap();
    fs::write(folder.path().join("p.toml"), SMOKE).unwrap();
    folder
}

#[test]
fn a_run_killed_at_any_of_two_hundred_moments_is_completed_by_the_next() {
    let folder = project();
    let start = Instant::now();
    assert!(etude(folder.path()).status().unwrap().success());
    let whole = start.elapsed();
    let clean = digests(folder.path());
    assert_eq!(clean.len(), 19);
    let figure = fs::read(folder.path().join("outputs/smoke/figures/figure.svg")).unwrap();
    assert_eq!(scratch(folder.path()), BTreeSet::new());
    let (mut cut_off, mut swept) = (0, 0);
    for moment in 0..MOMENTS {
        let folder = project();
        let mut engine = etude(folder.path()).spawn().unwrap();
        std::thread::sleep(
            whole * moment / MOMENTS + Duration::from_micros(u64::from(moment) * 37 % 500),
        );
        cut_off += u32::from(engine.try_wait().unwrap().is_none());
        engine.kill().unwrap();
        engine.wait().unwrap();
        let left = scratch(folder.path());
        let again = etude(folder.path()).status().unwrap();
        assert!(again.success(), "after a kill at moment {moment}");
        assert_eq!(
            digests(folder.path()),
            clean,
            "after a kill at moment {moment}"
        );
        let shown = fs::read(folder.path().join("outputs/smoke/figures/figure.svg")).unwrap();
        assert!(
            shown == figure,
            "another figure after a kill at moment {moment}"
        );
        // A worker of the dead engine may live a moment longer than it, and write into its folder once that was swept.
        let still = scratch(folder.path());
        assert!(
            still.is_subset(&left),
            "the run after a kill at moment {moment} left {still:?}, where there was {left:?}"
        );
        swept += u32::from(!left.is_empty() && still.is_empty());
        sweep(folder.path());
    }
    assert!(cut_off > MOMENTS / 2, "only {cut_off} runs were cut off");
    assert!(
        swept > MOMENTS / 4,
        "after only {swept} of {MOMENTS} kills the next run swept what the dead one left"
    );
}
