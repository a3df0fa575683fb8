//! The bytes that each kind leaves. Where one of these fails, the kind gives other bytes than before for the same
//! parameters and inputs: raise its `VERSION`, or find out why.
//!
//! Figures, tables and graphs are the same on every machine. What a training leaves goes, for a small part, through candle's
//! matrix products, whose order of adding is that of the processor: its digests are those of x86-64 with AVX2 and FMA.

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
    insta::assert_snapshot!(digests(&["graphs"]), @"graphs 5481505257ddc3067aefa05bbac90edbfef8b8abe1b9e8b12b79564b97ab675f");
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            let all = [
                "model", "answers", "curve", "accuracy", "learning", "figure", "table", "trained",
            ];
            insta::assert_snapshot!(digests(&all), @"
            accuracy 0d1b2509a6375fc4ecff65ec3a092e157008862d50aa9280b69692da4ea9d601
            answers[method=next-token, seed=0] 3d0f5e535a33e734f0f7b520d7c957cdb999f115203ff283f73985f5c3699036
            answers[method=reversed, seed=0] 3d0f5e535a33e734f0f7b520d7c957cdb999f115203ff283f73985f5c3699036
            answers[method=teacherless, seed=0] 3d0f5e535a33e734f0f7b520d7c957cdb999f115203ff283f73985f5c3699036
            curve 15814f492b4247956570778c424b52f05a4c21799907989b9eeb1b912a293aa6
            figure 2ecfa1e69d0a0ae042042b2cc2927e25b64fc1a6a8de5243e17e36eecd25db77
            learning 35a1bce134d45e8dc18ef095b943970b9bda217f05cd800add112061ea030620
            model[method=next-token, seed=0] bbabc78f151648e2724760cd9f9c61d14efedaa7a9cca4349323cb208910f96d
            model[method=reversed, seed=0] 9e3be2ec8357a858dd3232df54c205c7f067c4aa957e1f1dd3d069f40632fa26
            model[method=teacherless, seed=0] fe5083a92f9fae727895c164019a9b9fe6515c3247a4c1e0d80d1ef275c11071
            table 25c299011feaf646ee54144a288279958bb1bebb536572ae5affac2daa91e462
            trained 8ef143428d895861bafd6c07d1bf16707c4291e8810dc895785df2a7361a4a24
            ");
        }
    }
}
