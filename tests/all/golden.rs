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
            insta::assert_snapshot!(digests(&all), @"
            accuracy 833788506c1575e8c655faac6a6db04c1c03f7302eb881d929a4800808f2fa3a
            answers[method=next-token, seed=0] 7952ba6a4218017a6ba7779e2a8cbb360323f24dec552a6a5a35f41c1476f8b5
            answers[method=reversed, seed=0] d10f71473cc24bc9f8774f178a1d8c203e36a1a95bd959ffa386334d46aaec04
            answers[method=teacherless, seed=0] 667f4f4e45d186af9c569be3f4d22b6cfddfa2d4cb653077f204b998641e4814
            curve 3fe1934967547fac4e4944a564ab1dc88981c322049dca1efada76b2f365605a
            figure 5c2c220e2382f5281ae21168145e2ddcbd53524c36deacab6b43e8f69281ff9f
            learning 96f51a3517ea676bd32e856076391726585ea799bd2d2f71f7ad0697cae1d929
            model[method=next-token, seed=0] 9a63ddb485b0e0756bcd9d03a5e64e47628dfba19bdddc811ce28b5f2bfc6686
            model[method=reversed, seed=0] 6e08b916bbafa9ce9831055831c949b9f8e8dfa588f84f75f79601ded383fce2
            model[method=teacherless, seed=0] a5dc05ff78d18bc6b2a0ea6231a209a89fdecbf01ed143eabd7d4cca7b0d7839
            table 436ec41423b7fcc14ec6991b396f45d25bd378b8f41025cf945eca937d8a0a31
            trained b2e034b78555e9fba6cda1854f57c899c9a2a03ab53c3711253a098750301e5c
            ");
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
