//! What holds for every objective and every way to tell positions: gradients, learning, decoding, bytes.

use candle_core::{Tensor, Var};

use super::optimizer::{Adamw, Optimizer};
use super::schedule::{Constant, Schedule};
use super::*;
use crate::learn::model::transformer::{Positions, Transformer};
use crate::learn::objective::Batch;
use crate::learn::objective::bag_of_words::BagOfWords;
use crate::learn::objective::first_step::FirstStep;
use crate::learn::objective::hybrid::Hybrid;
use crate::learn::objective::masked::Masked;
use crate::learn::objective::multi_token::MultiToken;
use crate::learn::objective::next_token::NextToken;
use crate::learn::objective::reversed::Reversed;
use crate::learn::objective::teacherless::Teacherless;
use crate::learn::objective::token_order::TokenOrder;
use crate::learn::task::path_star::PathStar;
use crate::learn::task::{Contract, Examples};

fn objectives() -> Vec<Objective> {
    vec![
        Objective::NextToken(NextToken {}),
        Objective::Reversed(Reversed {}),
        Objective::Teacherless(Teacherless {}),
        Objective::MultiToken(MultiToken { heads: None }),
        Objective::MultiToken(MultiToken { heads: Some(1) }),
        Objective::TokenOrder(TokenOrder::default()),
        Objective::TokenOrder(TokenOrder {
            window: Some(1),
            weight: 0.5,
        }),
        Objective::BagOfWords(BagOfWords { weight: 0.5 }),
        Objective::Hybrid(Hybrid { weight: 0.3 }),
        Objective::Masked(Masked { rate: None }),
        Objective::Masked(Masked { rate: Some(0.5) }),
        Objective::FirstStep(FirstStep { hint: false }),
        Objective::FirstStep(FirstStep { hint: true }),
    ]
}

/// What decides the layout of a batch that is looked at by itself.
fn draws() -> rand_chacha::ChaCha8Rng {
    random::stream(0, "objective/1")
}

fn data(path_length: u32, train: u64) -> Dataset {
    PathStar {
        degree: 2,
        path_length,
        nodes: 12,
        train,
        test: 40,
        validation: 40,
        seed: 1,
        ..PathStar::default()
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
        ..Transformer::default()
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
        accumulate: 1,
        steps: Some(steps),
        epochs: None,
        online: false,
        evaluate_every: 7,
        evaluate_on: 16,
        stop_at: None,
        patience: None,
        clip: None,
        average: None,
        seed: 0,
    }
}

/// A training from nothing, seen by its progress alone.
fn train(
    dataset: &Dataset,
    settings: &Settings,
    device: &Device,
    observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Trained, Error> {
    super::train(
        dataset,
        settings,
        device,
        &ResumeSources::default(),
        &mut |moment| observe(moment.progress),
    )
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
fn moved(learner: &Learner, batch: &Batch, variable: &Var, place: usize, by: f64) -> f64 {
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
            let batch = learner.batch(&dataset.train, &[0, 1, 2], &mut draws());
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
    let dataset = data(5, 8);
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
        assert!(
            trained
                .curve
                .windows(2)
                .all(|rows| rows[0].step < rows[1].step)
        );
        let floor = floor(&objective);
        let excess = |row: &CurveRow| row.loss - floor;
        assert!(
            excess(trained.curve.last().unwrap()) < excess(&trained.curve[0]) / 5.0,
            "{objective:?}: {:?}",
            trained.curve
        );
        assert_eq!(
            trained.forced.len(),
            5 * trained
                .curve
                .iter()
                .filter(|row| row.exact.is_some())
                .count()
        );
        let forced = accuracy::forced(&trained.learner, &dataset.train, 5).unwrap();
        if matches!(objective, Objective::FirstStep(_)) {
            // Only the second token is taught, so only that can be known.
            assert_eq!(forced[1], 1.0, "{objective:?}: {forced:?}");
            continue;
        }
        assert_eq!(forced, [1.0; 5], "{objective:?}");
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
    }
}

/// The least loss an objective can have on targets of five different tokens: token-order's is no answer but a
/// distribution, whose entropy stays.
fn floor(objective: &Objective) -> f64 {
    let Objective::TokenOrder(TokenOrder { window, weight }) = objective else {
        return 0.0;
    };
    let entropy = |tokens: u32| {
        let masses: Vec<f64> = (0..tokens).map(|d| (-f64::from(d)).exp()).collect();
        let total: f64 = masses.iter().sum();
        let parts = masses
            .iter()
            .map(|mass| -mass / total * (mass / total).ln());
        parts.sum::<f64>()
    };
    let most = window.map_or(5, |window| window + 1);
    weight * (1..=5).map(|left| entropy(most.min(left))).sum::<f64>() / 5.0
}

#[test]
fn the_losses_and_gradients_of_slices_sum_to_those_of_the_batch() {
    let dataset = data(4, 20);
    for objective in objectives() {
        let learner = lively(&objective, Positions::Learned, &dataset);
        let batch = learner.batch(&dataset.train, &[3, 1, 4, 1, 5], &mut draws());
        let whole = learner.loss(&batch).unwrap();
        let gradients = whole.backward().unwrap();
        for cuts in [vec![0, 2, batch.rows], (0..=batch.rows).collect()] {
            let losses: Vec<Tensor> = cuts
                .windows(2)
                .map(|cut| learner.loss(&batch.slice(cut[0]..cut[1])).unwrap())
                .collect();
            let sum: f64 = losses.iter().map(scalar).sum();
            assert!((sum - scalar(&whole)).abs() < 1e-9, "{objective:?}: {sum}");
            let parts: Vec<_> = losses.iter().map(|loss| loss.backward().unwrap()).collect();
            for (name, variable) in learner.parameters().iter() {
                let mut apart = gradients.get(variable).unwrap().clone();
                for part in &parts {
                    apart = (apart - part.get(variable).unwrap()).unwrap();
                }
                let apart = scalar(&apart.abs().unwrap().max_all().unwrap());
                assert!(apart < 1e-9, "{objective:?}: {name} is {apart} apart");
            }
        }
    }
}

#[test]
fn a_loss_is_what_its_formula_says() {
    let dataset = data(4, 20);
    let indices = [0, 7, 2];
    // One seed a name, so every objective here has the same model.
    let loss = |objective: &Objective| {
        let learner = lively(objective, Positions::Learned, &dataset);
        scalar(
            &learner
                .loss(&learner.batch(&dataset.train, &indices, &mut draws()))
                .unwrap(),
        )
    };
    let close = |objective: &Objective, expected: f64| {
        let ours = loss(objective);
        assert!(
            (ours - expected).abs() < 1e-6 * expected,
            "{objective:?}: {ours}, not {expected}"
        );
    };
    /// −ln softmax, (batch, l, vocabulary), and the target, (batch, l), both as taught.
    fn costs(
        objective: &Objective,
        dataset: &Dataset,
        indices: &[usize],
        head: Option<&str>,
    ) -> (Vec<Vec<Vec<f64>>>, Vec<Vec<u32>>) {
        let learner = lively(objective, Positions::Learned, dataset);
        let batch = learner.forced_batch(&dataset.train, indices);
        let hidden = learner.hidden(&batch).unwrap();
        let scores = match head {
            None => learner.model().logits(&hidden).unwrap(),
            Some(name) => {
                let head = learner.parameters().get(name, &[8, 16]).unwrap();
                hidden.broadcast_matmul(&head).unwrap()
            }
        };
        let mut costs = scores.to_vec3::<f64>().unwrap();
        for row in costs.iter_mut().flatten() {
            let total = row.iter().map(|x| x.exp()).sum::<f64>().ln();
            row.iter_mut().for_each(|x| *x = total - *x);
        }
        let labels = batch.labels.chunks_exact(4).map(<[u32]>::to_vec).collect();
        (costs, labels)
    }
    let mean = |objective: &Objective, places: &[usize]| {
        let (costs, labels) = costs(objective, &dataset, &indices, None);
        let of =
            |example: usize, place: usize| costs[example][place][labels[example][place] as usize];
        let all = (0..3).flat_map(|example| places.iter().map(move |&place| (example, place)));
        all.map(|(example, place)| of(example, place)).sum::<f64>() / (3 * places.len()) as f64
    };
    let next = Objective::NextToken(NextToken {});
    let teacherless = Objective::Teacherless(Teacherless {});
    for objective in [&next, &Objective::Reversed(Reversed {}), &teacherless] {
        close(objective, mean(objective, &[0, 1, 2, 3]));
    }
    let (next, teacherless) = (loss(&next), loss(&teacherless));
    close(
        &Objective::Hybrid(Hybrid { weight: 0.3 }),
        0.7 * next + 0.3 * teacherless,
    );
    close(&Objective::Hybrid(Hybrid { weight: 0.0 }), next);
    close(&Objective::Masked(Masked { rate: Some(0.0) }), next);
    close(&Objective::Masked(Masked { rate: Some(1.0) }), teacherless);
    for (hint, place) in [(false, 1), (true, 3)] {
        let objective = Objective::FirstStep(FirstStep { hint });
        close(&objective, mean(&objective, &[place]));
    }

    let order = |window, weight| Objective::TokenOrder(TokenOrder { window, weight });
    let (ranked, labels) = costs(
        &order(None, 1.0),
        &dataset,
        &indices,
        Some("objective.order.weight"),
    );
    for (window, weight) in [(None, 1.0), (None, 0.0), (Some(1), 2.0)] {
        let mut sum = 0.0;
        for (costs, labels) in ranked.iter().zip(&labels) {
            for (place, costs) in costs.iter().enumerate() {
                let last = window.map_or(3, |window: u32| 3.min(place + window as usize));
                let mass = |at: usize| ((place as f64) - (at as f64)).exp();
                let total: f64 = (place..=last).map(mass).sum();
                sum += (place..=last)
                    .map(|at| mass(at) / total * costs[labels[at] as usize])
                    .sum::<f64>();
            }
        }
        close(&order(window, weight), next + weight * sum / 12.0);
    }

    let bag = |weight| Objective::BagOfWords(BagOfWords { weight });
    let learner = lively(&bag(1.0), Positions::Learned, &dataset);
    let batch = learner.forced_batch(&dataset.train, &indices);
    let head = learner.parameters().get("objective.bag.weight", &[8, 16]);
    let hidden = learner.hidden(&batch).unwrap();
    let scores = hidden.broadcast_matmul(&head.unwrap()).unwrap();
    let mut sum = 0.0;
    for (scores, labels) in scores.to_vec3::<f64>().unwrap().iter().zip(&labels) {
        for (place, scores) in scores.iter().enumerate() {
            for (token, score) in scores.iter().enumerate() {
                let comes = labels[place + 1..].contains(&(token as u32));
                sum += (1.0 + if comes { -score } else { *score }.exp()).ln();
            }
        }
    }
    for weight in [1.0, 0.0, 0.25] {
        close(&bag(weight), next + weight * sum / 12.0);
    }
}

#[test]
fn answers_do_not_depend_on_the_heads_of_an_objective() {
    let dataset = data(4, 8);
    let mut with_heads = 0;
    for objective in objectives() {
        let settings = settings(objective, 20);
        let trained = train(&dataset, &settings, &Device::Cpu, &mut quiet).unwrap();
        let learner = &trained.learner;
        let look = || {
            let go = &mut |_, _| ControlFlow::Continue(());
            let answers = decoding::decode(learner, &dataset.test, &Decoding::Greedy, 7, go);
            let forced = accuracy::forced(learner, &dataset.test, 7);
            (answers.unwrap(), forced.unwrap())
        };
        let before = look();
        let heads = learner.parameters().iter();
        let heads: Vec<_> = heads
            .filter(|(name, _)| name.starts_with("objective."))
            .collect();
        for (name, variable) in &heads {
            let count = variable.elem_count();
            let numbers = random::normals(&mut random::stream(9, name), count, 3.0);
            let noise = Tensor::from_vec(numbers, variable.shape(), &Device::Cpu).unwrap();
            variable.set(&noise.to_dtype(DType::F32).unwrap()).unwrap();
        }
        with_heads += usize::from(!heads.is_empty());
        assert_eq!(look(), before, "{:?}", settings.objective);
    }
    assert_eq!(with_heads, 5);
}

#[test]
fn what_is_left_to_chance_is_the_same_again_and_new_at_every_step() {
    let dataset = data(4, 8);
    let masked = Objective::Masked(Masked { rate: Some(0.5) });
    let train = || {
        train(
            &dataset,
            &settings(masked.clone(), 6),
            &Device::Cpu,
            &mut quiet,
        )
        .unwrap()
    };
    assert_eq!(train().curve, train().curve);
    let learner = lively(&masked, Positions::Rotary, &dataset);
    let all: Vec<usize> = (0..8).collect();
    let at = |step: u64| {
        let mut draws = random::stream(0, &format!("objective/{step}"));
        learner.batch(&dataset.train, &all, &mut draws).inputs
    };
    assert_eq!(at(3), at(3));
    assert_ne!(at(3), at(4));
}

#[test]
fn decoding_with_what_was_kept_equals_reading_everything_anew() {
    // Five tokens: over four, taking every token two places further and taking it back would be the same.
    let dataset = data(5, 8);
    for objective in objectives() {
        let learner = &lively(&objective, Positions::Rotary, &dataset);
        let go = &mut |_, _| ControlFlow::Continue(());
        let answers = decoding::decode(learner, &dataset.test, &Decoding::Greedy, 7, go).unwrap();
        // Written again by whole passes: the answer so far stands in the target's place.
        let order = objective.contract().order();
        for (index, (prefix, _)) in dataset.test.iter().enumerate() {
            let answer = &answers.tokens[index * 5..][..5];
            let row = Examples::new(prefix.len(), 5, [prefix, answer].concat()).unwrap();
            let batch = learner.forced_batch(&row, &[0]);
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
            let natural: Vec<u32> = (0..5).map(|place| best[order.taught(place, 5)]).collect();
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
        let others = data(4, 4).train;
        assert!(matches!(
            accuracy::forced(learner, &others, 9),
            Err(decoding::Error::Problems(_))
        ));
    }
}

/// A digest of everything that short trainings leave: by the hand-written pass, and by candle, wide enough for it to split
/// its products among threads.
fn digest() -> String {
    let dataset = data(5, 600);
    let mut hasher = blake3::Hasher::new();
    let mamba = r#"{"kind":"mamba","layers":1,"width":64}"#;
    let dropping = r#"{"kind":"transformer","layers":1,"width":128,"heads":2,"dropout":0.1}"#;
    for architecture in [
        architecture(128, 2, Positions::Learned),
        serde_json::from_str(mamba).unwrap(),
        serde_json::from_str(dropping).unwrap(),
    ] {
        let settings = Settings {
            architecture,
            batch: 64,
            clip: Some(1.0),
            ..settings(Objective::MultiToken(MultiToken { heads: None }), 6)
        };
        let trained = train(&dataset, &settings, &Device::Cpu, &mut quiet).unwrap();
        hasher.update(&bytes(&trained));
    }
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
    // What others read and what we read must be one model.
    assert!(changed("\"width\": 32", "\"width\": 64").contains("different models"));
    assert!(changed("\"hidden_size\": 32", "\"hidden_size\": 64").contains("`hidden_size`"));
    let both = |pairs: &[(&str, u32, u32)]| {
        let mut text = text.clone();
        for (key, from, to) in pairs {
            let from = format!("\"{key}\": {from}");
            assert!(text.contains(&from), "{text}");
            text = text.replace(&from, &format!("\"{key}\": {to}"));
        }
        complain("config.json", text.as_bytes())
    };
    let wide = [
        ("width", 32, 64),
        ("hidden_size", 32, 64),
        ("intermediate_size", 64, 128),
    ];
    assert!(both(&wide).contains("not of [64]"), "{}", both(&wide));
    let deep = |to| both(&[("layers", 2, to), ("num_hidden_layers", 2, to)]);
    assert!(deep(3).contains("is missing"), "{}", deep(3));
    assert!(deep(1).contains("none of its tensors"), "{}", deep(1));
    assert!(complain("objective.safetensors", &weights).contains("lacks weight `objective."));
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
    let text = Settings {
        architecture: serde_json::from_str(r#"{"kind":"pretrained","path":"gpt2"}"#).unwrap(),
        ..settings(Objective::FirstStep(FirstStep { hint: false }), 5)
    };
    assert_eq!(text.problems()[0].0, "objective");
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
    let message = diverged.unwrap_err().to_string();
    assert!(
        message.contains("at step ") && message.contains("the largest gradient is that of `"),
        "{message}"
    );
}

#[test]
fn batches_run_through_whole_epochs_without_a_gap() {
    let mut order = Order::after(0, 5, 0);
    let mut seen = Vec::new();
    while seen.len() < 25 {
        let (epoch, taken) = order.take(3.min(25 - seen.len()));
        seen.extend(taken.iter().map(|&index| (epoch, index)));
    }
    for (epoch, shown) in (0..).zip(seen.chunks(5)) {
        assert!(shown.iter().all(|&(of, _)| of == epoch));
        let mut shown: Vec<usize> = shown.iter().map(|&(_, index)| index).collect();
        shown.sort_unstable();
        assert_eq!(shown, [0, 1, 2, 3, 4]);
    }
    let indices = |part: &[(u64, usize)]| part.iter().map(|&(_, i)| i).collect::<Vec<_>>();
    assert_ne!(indices(&seen[..5]), indices(&seen[5..10]));
    let mut later = Order::after(0, 5, 13);
    assert_eq!(later.take(9).1, indices(&seen[13..15]));
}

/// The bytes of all that a training leaves.
fn bytes(trained: &Trained) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    trained.learner.save(directory.path()).unwrap();
    let mut all = std::fs::read(directory.path().join("model.safetensors")).unwrap();
    all.extend(format!("{:?} {:?}", trained.curve, trained.forced).into_bytes());
    if let Some(state) = &trained.state {
        state.write(directory.path()).unwrap();
        all.extend(std::fs::read(directory.path().join(state::FACTS)).unwrap());
        all.extend(std::fs::read(directory.path().join(state::TENSORS)).unwrap());
    }
    all
}

/// Everything that a state must carry over.
fn busy(steps: u64) -> Settings {
    Settings {
        average: Some(0.9),
        accumulate: 2,
        online: true,
        clip: Some(0.5),
        patience: Some(1000),
        ..settings(Objective::Masked(Masked { rate: None }), steps)
    }
}

#[test]
fn an_interrupted_training_resumes_to_the_same_bytes_wherever_it_was_stopped() {
    let dataset = data(4, 20);
    let falling = Settings {
        schedule: Schedule::Cosine(super::schedule::Falling {
            warmup: 3,
            floor: 0.1,
        }),
        ..settings(Objective::NextToken(NextToken {}), 18)
    };
    let dropping = Settings {
        architecture: Architecture::Transformer(Transformer {
            dropout: 0.2,
            width: 16,
            layers: 1,
            heads: 2,
            ..Transformer::default()
        }),
        ..settings(Objective::Hybrid(Hybrid { weight: 0.3 }), 18)
    };
    for settings in [busy(18), falling, dropping] {
        let whole = train(&dataset, &settings, &Device::Cpu, &mut quiet).unwrap();
        assert_eq!(whole.state.is_some(), settings.schedule.is_endless());
        let whole = bytes(&whole);
        // The observer is called at every step and several times within evaluations.
        let mut calls = 0;
        let _ = train(&dataset, &settings, &Device::Cpu, &mut |_| {
            calls += 1;
            ControlFlow::Continue(())
        });
        assert!(calls > 18);
        for stop in 1..=calls {
            let directory = tempfile::tempdir().unwrap();
            let mut heard = 0;
            let stopped = super::train(
                &dataset,
                &settings,
                &Device::Cpu,
                &ResumeSources::default(),
                &mut |moment| {
                    heard += 1;
                    if heard < stop {
                        return ControlFlow::Continue(());
                    }
                    state::save(&moment.state().unwrap(), directory.path()).unwrap();
                    ControlFlow::Break(())
                },
            );
            assert!(matches!(stopped, Err(Error::Cancelled)));
            let saved = state::checkpoints(directory.path());
            assert_eq!(saved.len(), 1);
            let places = ResumeSources {
                states: saved.iter().map(|path| StateFiles::of(path)).collect(),
                pretrained: None,
            };
            let mut first = None;
            let resumed = super::train(&dataset, &settings, &Device::Cpu, &places, &mut |moment| {
                first.get_or_insert(moment.progress.step);
                ControlFlow::Continue(())
            });
            assert_eq!(bytes(&resumed.unwrap()), whole, "stopped at call {stop}");
            assert!(
                stop < 3 || first.is_none_or(|first| first > 1),
                "it went on"
            );
        }
    }
}

#[test]
fn a_longer_training_goes_on_from_a_shorter_one_to_the_same_bytes() {
    let dataset = data(4, 20);
    let whole = train(&dataset, &busy(25), &Device::Cpu, &mut quiet).unwrap();
    for length in [1, 7, 12, 20, 25] {
        let short = train(&dataset, &busy(length), &Device::Cpu, &mut quiet).unwrap();
        let directory = tempfile::tempdir().unwrap();
        short.state.unwrap().write(directory.path()).unwrap();
        let places = ResumeSources {
            states: vec![StateFiles::of(directory.path())],
            pretrained: None,
        };
        let mut steps = 0;
        let long = super::train(&dataset, &busy(25), &Device::Cpu, &places, &mut |moment| {
            steps += u64::from(moment.progress.step > length);
            ControlFlow::Continue(())
        });
        assert_eq!(bytes(&long.unwrap()), bytes(&whole), "from {length}");
        // A state that lies beyond the end, or belongs to other settings, is no start.
        for other in [
            busy(length.saturating_sub(1).max(1)),
            Settings {
                seed: 1,
                ..busy(25)
            },
        ] {
            let alone = train(&dataset, &other, &Device::Cpu, &mut quiet).unwrap();
            let beside = super::train(&dataset, &other, &Device::Cpu, &places, &mut |_| {
                ControlFlow::Continue(())
            });
            assert_eq!(bytes(&beside.unwrap()), bytes(&alone));
        }
    }
}

#[test]
fn the_newest_whole_checkpoint_is_taken_and_two_are_kept() {
    let dataset = data(4, 20);
    let settings = busy(9);
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("under-way")).unwrap();
    std::fs::write(directory.path().join("notes.txt"), "mine").unwrap();
    let whole = super::train(
        &dataset,
        &settings,
        &Device::Cpu,
        &ResumeSources::default(),
        &mut |moment| {
            state::save(&moment.state().unwrap(), directory.path()).unwrap();
            ControlFlow::Continue(())
        },
    );
    let whole = bytes(&whole.unwrap());
    assert!(directory.path().join("notes.txt").exists());
    let saved = state::checkpoints(directory.path());
    assert_eq!(saved.len(), 2);
    let places = ResumeSources {
        states: saved.iter().map(|path| StateFiles::of(path)).collect(),
        pretrained: None,
    };
    let begins = || {
        let mut first = None;
        let trained = super::train(&dataset, &settings, &Device::Cpu, &places, &mut |moment| {
            first.get_or_insert(moment.progress.step);
            ControlFlow::Continue(())
        });
        let trained = trained.unwrap();
        assert_eq!(bytes(&trained), whole);
        for (why, damaged) in trained.start.unread.iter().zip(&saved) {
            assert!(why.contains(&damaged.display().to_string()), "{why}");
        }
        (
            first.unwrap(),
            trained.start.step,
            trained.start.unread.len(),
        )
    };
    // The last step is done; what is left is the evaluation that ends a training.
    assert_eq!(begins(), (9, 9, 0));
    let good = std::fs::read(saved[0].join(state::TENSORS)).unwrap();
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let facts = std::fs::read_to_string(saved[0].join(state::FACTS)).unwrap();
    let other = facts.replacen("\"counted\":", "\"counted\":1", 1);
    assert_ne!(facts, other);
    std::fs::write(saved[0].join(state::FACTS), other).unwrap();
    assert_eq!(begins(), (9, 8, 1), "the one before, and its next step");
    std::fs::write(saved[0].join(state::FACTS), facts).unwrap();
    for damaged in [flipped, good[..good.len() / 2].to_vec(), Vec::new()] {
        std::fs::write(saved[0].join(state::TENSORS), damaged).unwrap();
        assert_eq!(begins(), (9, 8, 1), "the one before, and its next step");
    }
    std::fs::remove_dir_all(&saved[1]).unwrap();
    assert_eq!(begins(), (1, 0, 2), "none is whole");
}

#[test]
fn a_checkpoint_that_could_not_be_read_makes_room_for_those_that_can() {
    let dataset = data(4, 20);
    let trained = train(&dataset, &busy(3), &Device::Cpu, &mut quiet).unwrap();
    let directory = tempfile::tempdir().unwrap();
    for beyond in ["00000000000000000007", "00000000000000000009"] {
        std::fs::create_dir(directory.path().join(beyond)).unwrap();
    }
    state::save(&trained.state.unwrap(), directory.path()).unwrap();
    let names = state::checkpoints(directory.path());
    assert_eq!(names.len(), 1);
    assert!(names[0].ends_with("00000000000000000003"));
}

#[test]
fn accumulated_batches_are_one_large_batch() {
    let dataset = data(4, 30);
    let run = |batch, accumulate| {
        let settings = Settings {
            batch,
            accumulate,
            ..settings(Objective::NextToken(NextToken {}), 5)
        };
        bytes(&train(&dataset, &settings, &Device::Cpu, &mut quiet).unwrap())
    };
    let (a, b) = (run(12, 1), run(4, 3));
    // The states differ in the settings that they name, which come last.
    assert_eq!(a[..a.len() / 8], b[..b.len() / 8]);
}

#[test]
fn a_training_never_looks_at_the_test() {
    let dataset = data(4, 8);
    let settings = Settings {
        evaluate_every: 5,
        stop_at: Some(0.5),
        patience: Some(2),
        ..settings(Objective::NextToken(NextToken {}), 40)
    };
    let learn = |dataset: &Dataset| {
        let trained = train(dataset, &settings, &Device::Cpu, &mut quiet).unwrap();
        (trained.curve, trained.forced)
    };
    let other = Dataset {
        test: dataset.train.clone(),
        ..dataset.clone()
    };
    assert_eq!(learn(&other), learn(&dataset));
    let other = Dataset {
        validation: dataset.train.clone(),
        ..dataset.clone()
    };
    assert_ne!(learn(&other), learn(&dataset));
}

#[test]
fn what_decides_when_to_stop_needs_validation_examples() {
    let dataset = data(4, 8);
    let blind = Dataset {
        validation: dataset.train.first(0),
        ..dataset
    };
    let plain = Settings {
        evaluate_every: 5,
        ..settings(Objective::NextToken(NextToken {}), 10)
    };
    let trained = train(&blind, &plain, &Device::Cpu, &mut quiet).unwrap();
    assert!(trained.curve.iter().all(|row| row.exact.is_none()));
    assert!(trained.forced.is_empty());
    let stops = Settings {
        stop_at: Some(1.0),
        patience: Some(2),
        ..plain
    };
    let names: Vec<String> = stops
        .fit(&blind)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["stop_at", "patience"]);
}

#[test]
fn a_training_stops_at_its_target_and_when_patience_ends() {
    let dataset = data(4, 8);
    let settings = |stop_at, patience| Settings {
        stop_at,
        patience,
        evaluate_every: 10,
        ..settings(Objective::NextToken(NextToken {}), 400)
    };
    let learn = |settings: &Settings| {
        let dataset = Dataset {
            validation: dataset.train.clone(),
            ..dataset.clone()
        };
        train(&dataset, settings, &Device::Cpu, &mut quiet).unwrap()
    };
    let trained = learn(&settings(Some(1.0), None));
    let last = trained.curve.last().unwrap();
    assert!(last.step < 400 && last.exact == Some(1.0), "{last:?}");
    let earlier = trained.curve.iter().filter_map(|row| row.exact);
    assert!(earlier.filter(|&exact| exact >= 1.0).count() == 1);

    let trained = train(&dataset, &settings(None, Some(3)), &Device::Cpu, &mut quiet).unwrap();
    let exact: Vec<f64> = trained.curve.iter().filter_map(|row| row.exact).collect();
    assert!(exact.len() < 40);
    let best = exact.iter().copied().fold(0.0, f64::max);
    let first = exact.iter().position(|&x| x == best).unwrap();
    assert_eq!(exact.len() - 1 - first, 3, "{exact:?}");
}

#[test]
fn the_average_of_the_weights_is_what_is_kept_and_examined() {
    let dataset = data(4, 8);
    let plain = settings(Objective::NextToken(NextToken {}), 2);
    let averaged = Settings {
        average: Some(0.25),
        ..plain.clone()
    };
    let numbers = |trained: &Trained| -> Vec<Vec<f32>> {
        let weights = trained.learner.parameters().iter();
        weights
            .map(|(_, v)| v.flatten_all().unwrap().to_vec1().unwrap())
            .collect()
    };
    let at = |steps| {
        let settings = Settings {
            steps: Some(steps),
            ..plain.clone()
        };
        numbers(&train(&dataset, &settings, &Device::Cpu, &mut quiet).unwrap())
    };
    let card = Card::new(
        plain.architecture.clone(),
        plain.objective.clone(),
        &dataset,
    );
    let fresh = Learner::new(card, 0, DType::F32, &Device::Cpu).unwrap();
    let (one, two) = (at(1), at(2));
    let ours = numbers(&train(&dataset, &averaged, &Device::Cpu, &mut quiet).unwrap());
    for (place, (_, variable)) in fresh.parameters().iter().enumerate() {
        let start: Vec<f32> = variable.flatten_all().unwrap().to_vec1().unwrap();
        for (i, &ours) in ours[place].iter().enumerate() {
            let first = 0.25 * start[i] + 0.75 * one[place][i];
            let expected = 0.25 * first + 0.75 * two[place][i];
            assert!((ours - expected).abs() < 1e-6);
        }
    }
}

#[test]
fn dropout_falls_on_training_only_and_is_new_at_every_step() {
    let dataset = data(4, 8);
    let card = |dropout| {
        let architecture = Architecture::Transformer(Transformer {
            layers: 2,
            width: 16,
            heads: 2,
            dropout,
            ..Transformer::default()
        });
        Card::new(architecture, Objective::NextToken(NextToken {}), &dataset)
    };
    let learner = |dropout| Learner::new(card(dropout), 0, DType::F64, &Device::Cpu).unwrap();
    let (plain, dropping) = (learner(0.0), learner(0.5));
    let batch = plain.forced_batch(&dataset.train, &[0, 1, 2]);
    let noise = |step: u64| crate::learn::model::dropout::DropoutRng::new(0, &format!("{step}"));
    let taught =
        |learner: &Learner, step| scalar(&learner.taught_loss(&batch, &noise(step)).unwrap());
    let loss = scalar(&plain.loss(&batch).unwrap());
    assert_eq!(scalar(&dropping.loss(&batch).unwrap()), loss);
    assert_eq!(taught(&plain, 1), loss);
    assert_ne!(taught(&dropping, 1), loss);
    assert_ne!(taught(&dropping, 1), taught(&dropping, 2));
    assert_eq!(taught(&dropping, 1), taught(&dropping, 1));
}

#[test]
fn a_training_begins_with_a_published_model_and_learns_in_its_vocabulary() {
    use crate::learn::model::pretrained::Pretrained;
    use crate::learn::task::text;
    let dataset = PathStar {
        degree: 2,
        path_length: 4,
        nodes: 10,
        train: 8,
        test: 12,
        validation: 12,
        seed: 1,
        ..PathStar::default()
    }
    .generate(&|| false)
    .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let wide = Dataset {
        vocabulary: 15,
        ..dataset.clone()
    };
    let card = Card {
        context: Some(40),
        ..Card::new(
            architecture(32, 2, Positions::Rotary),
            Objective::NextToken(NextToken {}),
            &wide,
        )
    };
    let first = Learner::new(card, 5, DType::F32, &Device::Cpu).unwrap();
    first.save(directory.path()).unwrap();
    std::fs::write(
        directory.path().join(text::FILE),
        text::tests::vocabulary(false),
    )
    .unwrap();
    let pretrained = Architecture::Pretrained(Pretrained {
        path: "nowhere".to_owned(),
        dropout: 0.0,
    });
    let places = ResumeSources {
        pretrained: Some(directory.path()),
        ..ResumeSources::default()
    };
    for online in [false, true] {
        let settings = Settings {
            architecture: pretrained.clone(),
            online,
            ..settings(Objective::MultiToken(MultiToken { heads: Some(1) }), 300)
        };
        assert!(settings.fit(&dataset).is_empty());
        let go = &mut |_: &StepReport<'_>| ControlFlow::Continue(());
        let trained = super::train(&dataset, &settings, &Device::Cpu, &places, go).unwrap();
        // Positions are those of the path: commas are none.
        let positions: Vec<u32> = trained.forced.iter().map(|row| row.position).collect();
        assert_eq!(&positions[..5], [1, 2, 3, 4, 1]);
        let kept = tempfile::tempdir().unwrap();
        trained.learner.save(kept.path()).unwrap();
        let learner = Learner::load(kept.path(), &Device::Cpu).unwrap();
        assert_eq!(
            learner.card().architecture,
            architecture(32, 2, Positions::Rotary)
        );
        let examples = learner
            .reads(&dataset, &dataset.train, &mut || false)
            .unwrap();
        let go = &mut |_, _| ControlFlow::Continue(());
        let answers = decoding::decode(&learner, &examples, &Decoding::Greedy, 3, go).unwrap();
        // Fresh examples are not learnt by heart, but how they are written is: every second token is a comma.
        if online {
            let commas = answers.token_accuracy();
            assert!([1, 3, 5].iter().all(|&place| commas[place] == 1.0));
        } else {
            assert_eq!(answers.exact_match(), 1.0);
        }
    }
    let elsewhere = Settings {
        architecture: pretrained,
        ..settings(Objective::NextToken(NextToken {}), 1)
    };
    let lost = train(&dataset, &elsewhere, &Device::Cpu, &mut quiet).unwrap_err();
    assert!(lost.to_string().contains("nowhere"), "{lost}");
}

#[test]
fn weight_decay_spares_biases_norms_and_the_rates_of_mamba() {
    let dataset = data(4, 8);
    let mamba = r#"{"kind":"mamba","layers":1,"width":16}"#;
    for architecture in [
        architecture(16, 1, Positions::Learned),
        serde_json::from_str(mamba).unwrap(),
    ] {
        let card = Card::new(architecture, Objective::NextToken(NextToken {}), &dataset);
        let learner = Learner::new(card, 0, DType::F32, &Device::Cpu).unwrap();
        let decays = learner.decays();
        for ((name, _), decays) in learner.parameters().iter().zip(decays) {
            let spared = ["bias", "norm.weight", "log_rates", "skip"];
            let spared = spared.iter().any(|end| name.ends_with(end));
            assert_eq!(decays, !spared, "{name}");
        }
    }
}

/// Of every make, small.
#[cfg(feature = "cuda")]
fn makes() -> Vec<Architecture> {
    let other = |text| serde_json::from_str(text).unwrap();
    vec![
        architecture(32, 2, Positions::Rotary),
        architecture(32, 2, Positions::Learned),
        other(r#"{"kind":"transformer","layers":1,"width":32,"heads":2,"dropout":0.1}"#),
        other(r#"{"kind":"mamba","layers":2,"width":16}"#),
    ]
}

#[cfg(feature = "cuda")]
#[test]
#[ignore = "needs an NVIDIA card"]
fn a_card_learns_what_the_processor_learns_and_the_same_bytes_again() {
    let card = crate::learn::device::DeviceChoice::Cuda.open().unwrap();
    let dataset = data(4, 200);
    let of_makes = makes().into_iter().map(|architecture| Settings {
        architecture,
        ..settings(Objective::NextToken(NextToken {}), 20)
    });
    let of_objectives = objectives()
        .into_iter()
        .map(|objective| settings(objective, 20));
    let all = of_makes.chain(of_objectives).chain([busy(20)]);
    for settings in all {
        let says = format!("{:?} by {:?}", settings.architecture, settings.objective);
        let here = train(&dataset, &settings, &Device::Cpu, &mut quiet).unwrap();
        let there = train(&dataset, &settings, &card, &mut quiet).unwrap();
        // Dropout is drawn for the rows of a micro-batch, which on a card is the whole batch.
        if !says.contains("dropout: 0.1") {
            for (here, there) in here.curve.iter().zip(&there.curve) {
                let apart = (here.loss - there.loss).abs();
                assert!(apart < 1e-3 * here.loss, "{says}: {here:?}, {there:?}");
            }
        }
        let again = train(&dataset, &settings, &card, &mut quiet).unwrap();
        assert!(bytes(&there) == bytes(&again), "{says}: other bytes again");
    }
}

#[cfg(feature = "cuda")]
#[test]
#[ignore = "needs an NVIDIA card"]
fn a_training_on_a_card_resumes_to_the_same_bytes() {
    let card = crate::learn::device::DeviceChoice::Cuda.open().unwrap();
    let dataset = data(4, 20);
    for settings in [busy(18), settings(Objective::Reversed(Reversed {}), 18)] {
        let whole = bytes(&train(&dataset, &settings, &card, &mut quiet).unwrap());
        for stop in [1, 6, 11] {
            let directory = tempfile::tempdir().unwrap();
            let mut save = |moment: &StepReport<'_>| {
                if moment.progress.step < stop {
                    return ControlFlow::Continue(());
                }
                state::save(&moment.state().unwrap(), directory.path()).unwrap();
                ControlFlow::Break(())
            };
            let stopped = super::train(
                &dataset,
                &settings,
                &card,
                &ResumeSources::default(),
                &mut save,
            );
            assert!(matches!(stopped, Err(Error::Cancelled)));
            let saved = state::checkpoints(directory.path());
            let places = ResumeSources {
                states: saved.iter().map(|path| StateFiles::of(path)).collect(),
                pretrained: None,
            };
            let resumed = super::train(&dataset, &settings, &card, &places, &mut |moment| {
                quiet(moment.progress)
            });
            assert!(bytes(&resumed.unwrap()) == whole, "stopped at step {stop}");
        }
    }
}
