//! What holds for every objective and every way to tell positions: gradients, learning, decoding, bytes.

use super::optimizer::{Adamw, Optimizer};
use super::schedule::{Constant, Schedule};
use super::*;
use crate::learn::model::transformer::{Positions, Transformer};
use crate::learn::objective::multi_token::MultiToken;
use crate::learn::objective::next_token::NextToken;
use crate::learn::objective::reversed::Reversed;
use crate::learn::objective::teacherless::Teacherless;
use crate::learn::task::path_star::PathStar;
use crate::learn::task::{Contract, Examples};
use candle_core::{Tensor, Var};

fn objectives() -> Vec<Objective> {
    vec![
        Objective::NextToken(NextToken {}),
        Objective::Reversed(Reversed {}),
        Objective::Teacherless(Teacherless {}),
        Objective::MultiToken(MultiToken { heads: None }),
        Objective::MultiToken(MultiToken { heads: Some(1) }),
    ]
}

fn data(path_length: u32, train: u64) -> Dataset {
    PathStar {
        degree: 2,
        path_length,
        nodes: 12,
        train,
        test: 40,
        seed: 1,
    }
    .generate(&|| false)
    .unwrap()
}

fn architecture(width: u32, layers: u32, positions: Positions) -> Architecture {
    Architecture::Transformer(Transformer {
        layers,
        width,
        heads: 2,
        mlp: 2,
        positions,
    })
}

fn settings(objective: Objective, steps: u64) -> Settings {
    Settings {
        architecture: architecture(32, 2, Positions::Rotary),
        objective,
        optimizer: Optimizer::Adamw(Adamw {
            lr: 3e-3,
            ..Adamw::default()
        }),
        schedule: Schedule::Constant(Constant { warmup: 10 }),
        batch: 8,
        steps: Some(steps),
        epochs: None,
        evaluate_every: None,
        evaluate_on: 16,
        clip: None,
        seed: 0,
    }
}

fn quiet(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// A learner in `f64` with weights large enough for every gradient to matter.
fn lively(objective: &Objective, positions: Positions, dataset: &Dataset) -> Learner {
    let card = Card::new(architecture(8, 2, positions), objective.clone(), dataset);
    let learner = Learner::new(card, 0, DType::F64, &Device::Cpu).unwrap();
    for (name, variable) in learner.parameters().iter() {
        let count = variable.elem_count();
        let numbers = random::normals(&mut random::stream(1, name), count, 0.4);
        let noise = Tensor::from_vec(numbers, variable.shape(), &Device::Cpu).unwrap();
        variable
            .set(&(variable.as_detached_tensor() + noise).unwrap())
            .unwrap();
    }
    learner
}

fn scalar(tensor: &Tensor) -> f64 {
    tensor.to_scalar::<f64>().unwrap()
}

/// The loss with one number of one weight moved by `by`.
fn moved(
    learner: &Learner,
    batch: &crate::learn::objective::Batch,
    variable: &Var,
    place: usize,
    by: f64,
) -> f64 {
    let before = variable.as_detached_tensor().copy().unwrap();
    let mut numbers = before.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    numbers[place] += by;
    variable
        .set(&Tensor::from_vec(numbers, before.shape(), &Device::Cpu).unwrap())
        .unwrap();
    let loss = scalar(&learner.loss(batch).unwrap());
    variable.set(&before).unwrap();
    loss
}

#[test]
fn gradients_reach_every_weight_and_equal_the_slope_of_the_loss() {
    let dataset = data(4, 20);
    for objective in objectives() {
        for positions in [Positions::Learned, Positions::Rotary] {
            let learner = lively(&objective, positions, &dataset);
            let batch = learner.batch(&dataset.train, &[0, 1, 2]);
            let gradients = learner.loss(&batch).unwrap().backward().unwrap();
            for (name, variable) in learner.parameters().iter() {
                let gradient = gradients
                    .get(variable)
                    .unwrap_or_else(|| panic!("{objective:?}: {name} gets no gradient"));
                let gradient = gradient.flatten_all().unwrap().to_vec1::<f64>().unwrap();
                let (place, largest) =
                    gradient.iter().enumerate().fold((0, 0.0), |best, (i, g)| {
                        if g.abs() > best.1 { (i, g.abs()) } else { best }
                    });
                // A bias of the keys moves every score of a query alike, so only the values' half has one.
                assert!(
                    largest > 1e-6,
                    "{objective:?}, {positions:?}: {name} gets nothing"
                );
                for place in [place, gradient.len() / 2, gradient.len() - 1] {
                    let slope = (moved(&learner, &batch, variable, place, 1e-5)
                        - moved(&learner, &batch, variable, place, -1e-5))
                        / 2e-5;
                    let apart = (slope - gradient[place]).abs();
                    assert!(
                        apart < 1e-7 + 1e-5 * slope.abs(),
                        "{objective:?}, {positions:?}: {name}[{place}] {slope} {}",
                        gradient[place]
                    );
                }
            }
        }
    }
}

#[test]
fn every_objective_learns_one_batch_by_heart() {
    let dataset = data(4, 8);
    for objective in objectives() {
        let trained = train(
            &dataset,
            &settings(objective.clone(), 150),
            &Device::Cpu,
            &mut quiet,
        )
        .unwrap();
        let go = &mut |_, _| ControlFlow::Continue(());
        let answers =
            decoding::decode(&trained.learner, &dataset.train, &Decoding::Greedy, 3, go).unwrap();
        assert_eq!(
            answers.exact_match(),
            1.0,
            "{objective:?}: {:?}",
            answers.token_accuracy()
        );
        let truth: Vec<u32> = dataset
            .train
            .iter()
            .flat_map(|(_, target)| target.to_vec())
            .collect();
        assert_eq!(answers.tokens, truth);
        assert!(
            trained
                .curve
                .windows(2)
                .all(|rows| rows[0].step < rows[1].step)
        );
        assert!(trained.curve.last().unwrap().loss < trained.curve[0].loss / 5.0);
        assert_eq!(
            trained.forced.len(),
            4 * trained
                .curve
                .iter()
                .filter(|row| row.exact.is_some())
                .count()
        );
        assert_eq!(
            accuracy::forced(&trained.learner, &dataset.train, 5).unwrap(),
            [1.0; 4]
        );
    }
}

#[test]
fn decoding_with_what_was_kept_equals_reading_everything_anew() {
    let dataset = data(4, 8);
    for objective in objectives() {
        let trained = train(
            &dataset,
            &settings(objective.clone(), 5),
            &Device::Cpu,
            &mut quiet,
        )
        .unwrap();
        let learner = &trained.learner;
        let go = &mut |_, _| ControlFlow::Continue(());
        let answers = decoding::decode(learner, &dataset.test, &Decoding::Greedy, 7, go).unwrap();
        // Written again by whole passes: the answer so far stands in the target's place.
        let order = objective.contract().order();
        for (index, (prefix, _)) in dataset.test.iter().enumerate() {
            let answer = &answers.tokens[index * 4..][..4];
            let row = Examples::new(prefix.len(), 4, [prefix, answer].concat()).unwrap();
            let batch = learner.batch(&row, &[0]);
            let logits = learner
                .model()
                .logits(&learner.hidden(&batch).unwrap())
                .unwrap();
            let best = logits
                .argmax(2)
                .unwrap()
                .flatten_all()
                .unwrap()
                .to_vec1::<u32>()
                .unwrap();
            let natural: Vec<u32> = (0..4).map(|place| best[order.natural(place, 4)]).collect();
            assert_eq!(natural, answer, "{objective:?}");
        }
        let sample = Decoding::Sample(decoding::Sample {
            temperature: 1.0,
            top_k: Some(5),
            seed: 2,
        });
        let draw = |batch| {
            decoding::decode(learner, &dataset.test, &sample, batch, &mut |_, _| {
                ControlFlow::Continue(())
            })
            .unwrap()
        };
        assert_eq!(draw(40).tokens, draw(40).tokens);
        assert_ne!(draw(40).tokens, answers.tokens);
        let stopped = decoding::decode(learner, &dataset.test, &sample, 9, &mut |_, _| {
            ControlFlow::Break(())
        });
        assert!(matches!(stopped, Err(decoding::Error::Cancelled)));
        let others = data(5, 4).train;
        assert!(matches!(
            accuracy::forced(learner, &others, 9),
            Err(decoding::Error::Problems(_))
        ));
    }
}

/// A digest of everything a short training leaves, wide enough for candle to split its products among threads.
fn digest() -> String {
    let dataset = data(5, 600);
    let settings = Settings {
        architecture: architecture(128, 2, Positions::Learned),
        batch: 64,
        clip: Some(1.0),
        ..settings(Objective::MultiToken(MultiToken { heads: None }), 6)
    };
    let trained = train(&dataset, &settings, &Device::Cpu, &mut quiet).unwrap();
    let directory = tempfile::tempdir().unwrap();
    trained.learner.save(directory.path()).unwrap();
    let weights = std::fs::read(directory.path().join("model.safetensors")).unwrap();
    let mut hasher = blake3::Hasher::new();
    hasher.update(&weights);
    hasher.update(format!("{:?} {:?}", trained.curve, trained.forced).as_bytes());
    hasher.finalize().to_hex().to_string()
}

const PART: &str = "prints_the_digest_of_a_training_for_the_test_of_threads";

/// Candle counts its threads once in a process, so each count needs a process of its own.
#[test]
#[ignore = "started by the test of threads"]
fn prints_the_digest_of_a_training_for_the_test_of_threads() {
    println!("digest {}", digest());
}

#[test]
fn the_number_of_threads_does_not_change_a_byte() {
    let with = |threads: &str| {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--nocapture", PART])
            .env("RAYON_NUM_THREADS", threads)
            .env("CANDLE_NUM_THREADS", threads)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let place = text.find("digest ").unwrap_or_else(|| panic!("{text}"));
        text[place..place + 71].to_owned()
    };
    let one = with("1");
    assert_eq!(one, with("2"));
    assert_eq!(one, with("3"));
}

#[test]
fn a_learner_comes_back_as_it_was_written_and_a_broken_one_is_refused() {
    let dataset = data(4, 8);
    let objective = Objective::MultiToken(MultiToken { heads: Some(2) });
    let trained = train(&dataset, &settings(objective, 3), &Device::Cpu, &mut quiet).unwrap();
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    trained.learner.save(one.path()).unwrap();
    let again = Learner::load(one.path(), &Device::Cpu).unwrap();
    assert_eq!(again.card(), trained.learner.card());
    again.save(two.path()).unwrap();
    let read = |name: &str| std::fs::read(one.path().join(name)).unwrap();
    let (config, weights) = (read("config.json"), read("model.safetensors"));
    assert_eq!(
        config,
        std::fs::read(two.path().join("config.json")).unwrap()
    );
    assert_eq!(
        weights,
        std::fs::read(two.path().join("model.safetensors")).unwrap()
    );

    let complain = |name: &str, bytes: &[u8]| {
        std::fs::write(one.path().join("config.json"), &config).unwrap();
        std::fs::write(one.path().join("model.safetensors"), &weights).unwrap();
        std::fs::write(one.path().join(name), bytes).unwrap();
        Learner::load(one.path(), &Device::Cpu)
            .unwrap_err()
            .to_string()
    };
    for length in (0..weights.len()).step_by(weights.len() / 50) {
        complain("model.safetensors", &weights[..length]);
    }
    let mut bad = weights.clone();
    let last = bad.len();
    bad[last - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(complain("model.safetensors", &bad).contains("not finite"));
    let text = String::from_utf8(config.clone()).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        complain("config.json", text.replace(from, to).as_bytes())
    };
    assert!(changed("\"width\": 32", "\"width\": 64").contains("not F32 of"));
    assert!(changed("\"layers\": 2", "\"layers\": 3").contains("lacks weight"));
    assert!(changed("\"layers\": 2", "\"layers\": 1").contains("too many"));
    assert!(changed("\"layers\": 2", "\"layers\": 4000000000").contains("not from 1 to 256"));
    assert!(changed("\"heads\": 2,", "\"heads\": 0,").contains("architecture.heads"));
    assert!(
        changed(
            "\"prefix_length\": 21",
            "\"prefix_length\": 18446744073709551615"
        )
        .contains("prefix_length")
    );
    assert!(changed("\"prefix_length\": 21", "\"prefix_length\": 0").contains("prefix_length"));
    assert!(changed("\"target_length\": 4", "\"target_length\": 0").contains("target_length"));
    assert!(changed("\"vocabulary\": 16", "\"vocabulary\": 4000000000").contains("vocabulary"));
    assert!(changed("\"mask\": 15", "\"mask\": 99").contains("mask"));
    assert!(
        changed("\"kind\": \"transformer\"", "\"kind\": \"perceptron\"").contains("perceptron")
    );
}

#[test]
fn settings_that_contradict_themselves_are_named() {
    let objective = || Objective::NextToken(NextToken {});
    assert!(settings(objective(), 5).problems().is_empty());
    let none = Settings {
        steps: None,
        ..settings(objective(), 5)
    };
    assert_eq!(none.problems()[0].0, "steps");
    let both = Settings {
        epochs: Some(1),
        ..settings(objective(), 5)
    };
    assert_eq!(both.problems()[0].0, "epochs");
    let odd = Settings {
        optimizer: Optimizer::Adamw(Adamw {
            lr: f64::NAN,
            betas: [1.0, 0.9],
            ..Adamw::default()
        }),
        architecture: architecture(33, 1, Positions::Learned),
        batch: 0,
        clip: Some(0.0),
        ..settings(objective(), 0)
    };
    let names: Vec<String> = odd.problems().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "architecture.heads",
            "optimizer.lr",
            "optimizer.betas[0]",
            "batch",
            "steps",
            "clip"
        ]
    );
    let far = settings(Objective::MultiToken(MultiToken { heads: Some(4) }), 5);
    assert!(far.problems().is_empty());
    let refused = train(&data(4, 8), &far, &Device::Cpu, &mut quiet)
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("objective.heads: 4 heads ahead reach past targets of 4 tokens"),
        "{refused}"
    );
    let epochs = Settings {
        steps: None,
        epochs: Some(3),
        ..settings(objective(), 5)
    };
    assert_eq!(epochs.steps_over(10), 4);
    let short: Settings = serde_json::from_str(
        r#"{"architecture":{"kind":"transformer"},"objective":{"kind":"reversed"},"epochs":2}"#,
    )
    .unwrap();
    assert_eq!(
        (short.batch, short.evaluate_on, short.optimizer.lr()),
        (256, 512, 5e-4)
    );
    assert!(short.problems().is_empty());
}

#[test]
fn a_training_stops_when_asked_and_says_when_it_diverges() {
    let dataset = data(4, 8);
    let mut steps = 0;
    let stopped = train(
        &dataset,
        &settings(Objective::NextToken(NextToken {}), 50),
        &Device::Cpu,
        &mut |progress| {
            steps = progress.step;
            if progress.step == 4 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        },
    );
    assert!(matches!(stopped, Err(Error::Cancelled)));
    assert_eq!(steps, 4);
    let wild = Settings {
        optimizer: Optimizer::Adamw(Adamw {
            lr: 10.0,
            eps: 1e-30,
            weight_decay: 10.0,
            ..Adamw::default()
        }),
        schedule: Schedule::Constant(Constant { warmup: 0 }),
        ..settings(Objective::NextToken(NextToken {}), 300)
    };
    let diverged = train(&dataset, &wild, &Device::Cpu, &mut quiet);
    assert!(
        matches!(diverged, Err(Error::Diverged { .. })),
        "{diverged:?}"
    );
}

#[test]
fn batches_run_through_whole_epochs_without_a_gap() {
    let mut order = Order::new(0, 5);
    let seen: Vec<usize> = (0..5).flat_map(|_| order.take(3)).collect();
    for epoch in seen.chunks(5) {
        let mut epoch = epoch.to_vec();
        epoch.sort_unstable();
        assert_eq!(epoch, [0, 1, 2, 3, 4]);
    }
    assert_ne!(seen[..5], seen[5..10]);
}
