//! The bytes that each kind leaves. Where one of these fails, the kind gives other bytes than before for the same
//! parameters and inputs: raise its `VERSION`, or find out why.
//!
//! Figures, tables and graphs are the same on every machine. What a training leaves depends on the order in which a machine
//! adds, so its digests are those of processors with AVX2 and FMA and without AVX-512.

use std::fs;
use std::path::Path;

use etude::pipeline::{self, Request};
use etude::plan::Plan;

use crate::toys::Bench;

fn smoke() -> pipeline::Pipeline {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/smoke.toml");
    let request = Request {
        keep: vec!["seed=0".into()],
        ..Request::default()
    };
    pipeline::read(&file, &request, &etude::stages::registry()).unwrap()
}

fn digests(stages: &[&str]) -> String {
    let bench = Bench::with(etude::stages::registry());
    let ran = bench.execute(&Plan::unroll(smoke(), &[]));
    assert_eq!(ran.summary.failed, 0);
    let artifacts = ran.artifacts();
    let wanted = artifacts.iter().filter(|(job, _)| {
        let stage = job.split('[').next().unwrap();
        stages.contains(&stage)
    });
    let lines = wanted.map(|(job, digest)| format!("{job} {digest}"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_kind_leaves_the_bytes_it_always_left() {
    insta::assert_snapshot!(digests(&["graphs"]), @"graphs 3a367ecdd2cda13645e5839d368c1449144bb79818efe499ae2db1585eda93b2");
    #[cfg(target_arch = "x86_64")]
    {
        let same = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && !is_x86_feature_detected!("avx512f");
        if same {
            let all = [
                "model", "answers", "curve", "accuracy", "learning", "figure", "table", "trained",
            ];
            insta::assert_snapshot!(digests(&all), @"");
        }
    }
}

#[test]
fn every_pipeline_in_the_folder_plans() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "toml") {
            let pipeline = pipeline::read(&path, &Request::default(), &etude::stages::registry());
            let pipeline = pipeline.unwrap_or_else(|problems| panic!("{path:?}: {problems:#?}"));
            assert_eq!(pipeline.name, path.file_stem().unwrap().to_string_lossy());
            assert!(!Plan::unroll(pipeline, &[]).jobs.is_empty());
            count += 1;
        }
    }
    assert!(count >= 2);
}
