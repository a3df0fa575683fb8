//! Properties of the cache key: what must change it, and what must not.

use std::collections::BTreeMap;

use etude::pipeline::Kind;
use etude::plan::Fingerprint;
use etude::run::Status;
use etude::store::Digest;
use proptest::prelude::*;
use serde_json::json;

use crate::toys::{Bench, NewTimes, Number, Picture, Sum};

/// A pipeline, and the ways to write it that mean the same.
#[derive(Debug, Clone)]
struct Written {
    values: Vec<i64>,
    factor: i64,
    by: i64,
    names: [String; 3],
    axis: String,
    reversed: bool,
    variants: bool,
    comment: String,
    explicit: bool,
}

fn written() -> impl Strategy<Value = Written> {
    let name = "[a-z][a-z0-9_-]{0,6}";
    (
        prop::collection::btree_set(0..50i64, 1..4),
        2..5i64,
        1..4i64,
        (name, name, name).prop_filter("three names", |(a, b, c)| {
            let [a, b, c] = [a, b, c].map(|n| n.replace('-', "_"));
            a != b && b != c && a != c
        }),
        "[a-z]{1,6}",
        any::<(bool, bool, bool)>(),
        "[ a-z]{0,12}",
    )
        .prop_map(
            |(values, factor, by, names, axis, (reversed, variants, explicit), comment)| Written {
                values: values.into_iter().collect(),
                factor,
                by,
                names: [names.0, names.1, names.2],
                axis,
                reversed,
                variants,
                comment,
                explicit,
            },
        )
}

impl Written {
    fn text(&self) -> String {
        let [n, t, s] = &self.names;
        let mut number = vec![
            "kind = 'number'".to_string(),
            "value = 0".to_string(),
            format!("by = {}", self.by),
        ];
        if self.explicit {
            number.push("fails = false".into());
        }
        let mut times = [
            "kind = 'times'".to_string(),
            format!("of = '{n}'"),
            format!("factor = {}", self.factor),
        ];
        if self.reversed {
            number.reverse();
            times.reverse();
        }
        let comment = &self.comment;
        let mut stages = [
            format!("[stage.{n}]\n{}", number.join("\n")),
            format!("[stage.{t}] #{comment}\n{}", times.join("\n\n")),
            format!("[stage.{s}]\nkind = 'sum'\nof = '{t}'"),
        ];
        let mut order = self.values.clone();
        if self.reversed {
            stages.reverse();
            order.reverse();
        }
        let axis = if self.variants {
            let variants = order
                .iter()
                .map(|v| format!("'label {v}' = {{ {n}.value = {v} }}"));
            variants.collect::<Vec<_>>().join(", ")
        } else {
            format!("'{n}.value' = {order:?}")
        };
        format!(
            "{}\n[axes]\n{} = {{ {axis} }}\n#{comment}",
            stages.join("\n"),
            self.axis
        )
    }
}

/// How many different keys ran; a key that is there is found, not run.
fn runs(bench: &Bench, written: &Written) -> usize {
    bench.run(&written.text()).summary.ran
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn renaming_reordering_comments_and_labels_keep_every_key(a in written(), b in written()) {
        let bench = Bench::new();
        runs(&bench, &a);
        let other = Written {
            values: a.values.clone(),
            factor: a.factor,
            by: a.by,
            ..b
        };
        prop_assert_eq!(runs(&bench, &other), 0);
    }

    #[test]
    fn any_parameter_gives_another_key(a in written(), which in 0..3usize) {
        let bench = Bench::new();
        runs(&bench, &a);
        let mut other = a.clone();
        let expected = match which {
            0 => { other.by += 10; "number" }
            1 => { other.factor += 10; "times" }
            _ => { other.values.push(77); "number" }
        };
        let ran = bench.run(&other.text()).jobs(Status::Ran);
        let stage = if expected == "number" { &a.names[0] } else { &a.names[1] };
        let prefix = format!("{stage}[");
        prop_assert!(ran.iter().any(|job| job.starts_with(&prefix)), "{:?}", ran);
    }
}

#[test]
fn another_version_of_a_kind_gives_another_key() {
    let text = "
        [stage.n]
        kind = 'number'
        value = 3
        [stage.t]
        kind = 'times'
        of = 'n'
    ";
    let mut bench = Bench::new();
    bench.run(text);
    bench.registry = etude::pipeline::Registry::new([
        Kind::of::<Number>(),
        Kind::of::<NewTimes>(),
        Kind::of::<Sum>(),
        Kind::of::<Picture>(),
    ]);
    let ran = bench.run(text);
    assert_eq!(ran.jobs(Status::Ran), ["t"]);
    let started: BTreeMap<String, String> = ran
        .events
        .iter()
        .filter_map(|event| match event {
            etude::run::Event::JobStarted { job, reason, .. } => {
                Some((job.clone(), reason.clone()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(started["t"], "version: 1 → 2");
}

#[test]
fn another_input_gives_another_key() {
    let bench = Bench::new();
    let text = "
        [stage.n]
        kind = 'number'
        value = 3
        [stage.m]
        kind = 'number'
        value = 4
        [stage.t]
        kind = 'times'
        of = 'n'
    ";
    bench.run(text);
    assert_eq!(
        bench
            .run(&text.replace("of = 'n'", "of = 'm'"))
            .jobs(Status::Ran),
        ["t"]
    );
}

#[test]
fn the_key_of_a_fingerprint_stays_what_it_was() {
    // Were this to change, every cache in the world would be cold: raise the store's format instead.
    let key = Digest::of_key(br#"{"kind":"toy"}"#);
    insta::assert_snapshot!(key, @"e925513f73214e9f5e54ca6e301d3882b564631157c15411358ad73717db507f");
}

#[test]
fn a_change_of_inputs_names_the_port_and_how_many_changed() {
    let with = |names: &[&str]| json!({ "inputs": { "from": [names] } });
    let said = |before: &[&str], after: &[&str]| {
        let lines = Fingerprint(with(after)).differences(&with(before));
        lines.join("; ")
    };
    let told = [
        said(&["a"], &["b"]),
        said(&["a", "b"], &["a", "c"]),
        said(&["a"], &["a", "b"]),
        said(&["a"], &["a", "b", "c"]),
        said(&["a", "b"], &["a"]),
        said(&["a", "b", "c"], &["a"]),
    ];
    insta::assert_snapshot!(told.join("\n"), @"
    `from`: the input changed
    `from`: 1 of 2 inputs changed
    `from`: 1 new input
    `from`: 2 new inputs
    `from`: 1 input is gone
    `from`: 2 inputs are gone
    ");
}
