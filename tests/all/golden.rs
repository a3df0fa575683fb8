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
    insta::assert_snapshot!(digests(&["graphs"]), @"graphs 2ee2ffdb73884b4e050167b70e61adff87753b546133cbe9218d3bb5c22b1d48");
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            let all = [
                "model", "answers", "curve", "accuracy", "learning", "figure", "table", "trained",
            ];
            insta::assert_snapshot!(digests(&all), @"
            accuracy 833788506c1575e8c655faac6a6db04c1c03f7302eb881d929a4800808f2fa3a
            answers[method=next-token, seed=0] 3d0f5e535a33e734f0f7b520d7c957cdb999f115203ff283f73985f5c3699036
            answers[method=reversed, seed=0] 3d0f5e535a33e734f0f7b520d7c957cdb999f115203ff283f73985f5c3699036
            answers[method=teacherless, seed=0] 3d0f5e535a33e734f0f7b520d7c957cdb999f115203ff283f73985f5c3699036
            curve 15814f492b4247956570778c424b52f05a4c21799907989b9eeb1b912a293aa6
            figure 5c2c220e2382f5281ae21168145e2ddcbd53524c36deacab6b43e8f69281ff9f
            learning 886161b3771c55d699a63f88a0fbac69280e353faa759c9e61d478f323747c9c
            model[method=next-token, seed=0] fd5e1aa7b8e8723ba5f56b10c1fc5fb725997d3e25c5379cfb7ddd9606ac610c
            model[method=reversed, seed=0] a018ac0d0df329fc93accb687955a0db185a1710b2ede01165803cc6df017069
            model[method=teacherless, seed=0] 1e714c3b2bebb0941f4444117d0ae3fae71f9652ccd13b7484607b875ed44cb9
            table 436ec41423b7fcc14ec6991b396f45d25bd378b8f41025cf945eca937d8a0a31
            trained 8ef143428d895861bafd6c07d1bf16707c4291e8810dc895785df2a7361a4a24
            ");
        }
    }
}
