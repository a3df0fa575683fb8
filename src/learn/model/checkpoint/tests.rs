//! The fixtures are small models that `transformers` itself wrote and answered for; see `tests/reference/make.py`.

use std::collections::BTreeSet;

use safetensors::SafeTensors;
use serde_json::json;

use super::*;
use crate::learn::model::parameters::{Initial, Specification};
use crate::learn::model::pretrained::{Opened, Pretrained};
use crate::learn::model::transformer::{Activation, Residual};
use crate::learn::model::{Model, State};
use crate::learn::random;

/// Where the models of `transformers` lie, from this file.
fn fixture(name: &str) -> PathBuf {
    let here = Path::new(file!()).parent().unwrap();
    here.join("../../../../tests/fixtures").join(name)
}

fn open(directory: &Path) -> Result<Opened, String> {
    let pretrained = Pretrained {
        path: "x".to_owned(),
        dropout: 0.0,
    };
    pretrained.open(directory).map_err(|e| e.to_string())
}

fn dimensions(opened: &Opened) -> Dimensions {
    Dimensions {
        vocabulary: opened.vocabulary as usize,
        length: opened.length.unwrap_or(64) as usize,
    }
}

fn weights(directory: &Path, dtype: DType) -> Result<Parameters, String> {
    let opened = open(directory)?;
    let read = opened.weights(dimensions(&opened), dtype, &Device::Cpu);
    read.map_err(|e| e.to_string())
}

fn assemble(directory: &Path, dtype: DType) -> Box<dyn Model> {
    let opened = open(directory).unwrap();
    let parameters = weights(directory, dtype).unwrap();
    let architecture = opened.architecture.contract();
    architecture
        .assemble(dimensions(&opened), &parameters)
        .unwrap()
}

/// What `transformers` was asked, (sequences, length), and what it answered, in `f32` and in `f64`.
fn answers(name: &str) -> (Tensor, [Vec<f64>; 2]) {
    let bytes = std::fs::read(fixture(name).join("logits.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let ids = file.tensor("input_ids").unwrap();
    let numbers: Vec<u32> = (ids.data().chunks_exact(8))
        .map(|b| i64::from_le_bytes(b.try_into().unwrap()) as u32)
        .collect();
    let asked = Tensor::from_vec(numbers, ids.shape(), &Device::Cpu).unwrap();
    let short = (file.tensor("logits").unwrap().data().chunks_exact(4))
        .map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap())))
        .collect();
    let long = (file.tensor("logits_f64").unwrap().data().chunks_exact(8))
        .map(|b| f64::from_le_bytes(b.try_into().unwrap()))
        .collect();
    (asked, [short, long])
}

/// The largest difference, as a share of the largest number.
fn apart(ours: &Tensor, theirs: &[f64]) -> f64 {
    let ours = ours.to_dtype(DType::F64).unwrap().flatten_all().unwrap();
    let ours = ours.to_vec1::<f64>().unwrap();
    assert_eq!(ours.len(), theirs.len());
    let largest = theirs.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    let differences = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs());
    differences.fold(0.0f64, f64::max) / largest
}

const FIXTURES: &[&str] = &[
    "gpt2",
    "gpt2_bfloat16",
    "gpt2_float16",
    "gpt_neox",
    "gpt_neox_sequential",
    "mamba",
];

#[test]
fn published_models_answer_as_in_the_library_that_wrote_them() {
    for name in FIXTURES {
        let (asked, [short, long]) = answers(name);
        let (_, length) = asked.dims2().unwrap();
        let said = |dtype| {
            let model = assemble(&fixture(name), dtype);
            let logits = |hidden: Tensor| model.logits(&hidden).unwrap();
            let whole = logits(model.hidden(&asked, length).unwrap());
            let mut state = State::default();
            let mut steps = Vec::new();
            for place in 0..length {
                let token = asked.narrow(1, place, 1).unwrap().contiguous().unwrap();
                steps.push(logits(model.step(&token, &mut state).unwrap()));
            }
            [whole, Tensor::cat(&steps, 1).unwrap()]
        };
        for (dtype, theirs, most) in [(DType::F32, &short, 1e-4), (DType::F64, &long, 1e-10)] {
            for ours in said(dtype) {
                let apart = apart(&ours, theirs);
                println!("{name} {dtype:?}: {apart:.1e}");
                assert!(apart < most, "{name} {dtype:?}: {apart:.1e}");
            }
        }
    }
}

/// Small models of every make, each of its dimensions another number.
fn makes() -> Vec<Architecture> {
    let gpt2 = Transformer {
        layers: 2,
        width: 12,
        heads: 3,
        mlp: 2,
        ..Transformer::default()
    };
    let rotary = Transformer {
        positions: Positions::Rotary,
        ..gpt2.clone()
    };
    let neox = Transformer {
        mlp: 4,
        inner: Some(17),
        rotary_share: 0.5,
        rotary_base: 500.0,
        residual: Residual::Parallel,
        activation: Activation::Gelu,
        epsilon: 1e-3,
        tied: false,
        ..rotary.clone()
    };
    let untied = Transformer {
        tied: false,
        inner: Some(19),
        mlp: 4,
        activation: Activation::Gelu,
        ..gpt2.clone()
    };
    let mamba = Mamba {
        layers: 2,
        width: 12,
        state: 5,
        expand: 3,
        convolution: 4,
        step_rank: Some(7),
        epsilon: 1e-3,
    };
    let transformers = [gpt2, rotary, neox, untied].map(Architecture::Transformer);
    let all = transformers.into_iter().chain([Architecture::Mamba(mamba)]);
    all.collect()
}

const SMALL: Dimensions = Dimensions {
    vocabulary: 9,
    length: 10,
};

fn drawn(specification: &Specification) -> Parameters {
    let mut specification = specification.clone();
    for weight in specification.values_mut() {
        weight.initial = Initial::Normal(0.5);
    }
    Parameters::initialise(&specification, 3, DType::F32, &Device::Cpu).unwrap()
}

#[test]
fn every_number_of_every_weight_has_one_place_in_the_published_layout() {
    for architecture in makes() {
        let specification = architecture.contract().specification(SMALL);
        let layout = layout(&architecture, SMALL).unwrap();
        let mut weights = BTreeSet::new();
        for entry in &layout.entries {
            let mut taken = vec![false; entry.shape.iter().product()];
            for piece in &entry.pieces {
                assert_eq!(specification[&piece.weight].shape, piece.shape, "{piece:?}");
                let mut count = 0;
                piece.walk(&mut |place| {
                    assert!(!std::mem::replace(&mut taken[place], true), "{piece:?}");
                    count += 1;
                });
                assert_eq!(count, piece.count());
                assert!(weights.insert(piece.weight.clone()), "{piece:?}");
            }
            assert!(taken.iter().all(|&taken| taken), "{entry:?}");
        }
        assert!(weights.iter().eq(specification.keys()), "{architecture:?}");
    }
}

#[test]
fn what_is_written_is_described_and_read_back() {
    for architecture in makes() {
        let specification = architecture.contract().specification(SMALL);
        let parameters = drawn(&specification);
        let map = config(&architecture, SMALL).unwrap();
        let described = describe(&Value::Object(map)).unwrap();
        assert!(same(&described.architecture, &architecture));
        assert_eq!(described.vocabulary, 9);
        assert!(described.length.is_none_or(|length| length == 10));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(WEIGHTS);
        let layout = layout(&architecture, SMALL).unwrap();
        write(&path, &layout, &parameters).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let found = files(directory.path()).unwrap();
        let again = read(&found, &layout, DType::F32, &Device::Cpu).unwrap();
        assert_eq!(again.iter().len(), parameters.iter().len());
        for (name, _) in parameters.iter() {
            let numbers = |parameters: &Parameters| parameters.numbers(name).unwrap();
            assert_eq!(numbers(&again), numbers(&parameters), "{name}");
        }
        write(&path, &layout, &again).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
    // Ours is what the library itself wrote, tensor by tensor.
    for name in ["gpt2", "gpt_neox", "mamba"] {
        let (directory, opened) = (tempfile::tempdir().unwrap(), open(&fixture(name)).unwrap());
        let path = directory.path().join(WEIGHTS);
        let layout = layout(&opened.architecture, dimensions(&opened)).unwrap();
        write(
            &path,
            &layout,
            &weights(&fixture(name), DType::F32).unwrap(),
        )
        .unwrap();
        let (mut ours, mut theirs) = (
            Shard::open(&path).unwrap(),
            Shard::open(&fixture(name).join(WEIGHTS)).unwrap(),
        );
        let names: Vec<String> = theirs.tensors().keys().cloned().collect();
        assert!(ours.tensors().keys().eq(names.iter()));
        for name in names {
            assert_eq!(ours.tensors()[&name].shape, theirs.tensors()[&name].shape);
            assert_eq!(ours.read(&name).unwrap(), theirs.read(&name).unwrap());
        }
    }
}

/// Tensors of a file: name, shape and numbers.
type Tensors = Vec<(String, Vec<usize>, Vec<f32>)>;

/// A copy of a fixture whose tensors were changed.
fn changed(name: &str, change: impl FnOnce(&mut Tensors)) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for file in [CONFIG, WEIGHTS] {
        std::fs::copy(fixture(name).join(file), directory.path().join(file)).unwrap();
    }
    let path = directory.path().join(WEIGHTS);
    let mut shard = Shard::open(&path).unwrap();
    let named = shard.tensors().clone();
    let mut tensors: Tensors = named
        .into_iter()
        .map(|(name, info)| {
            let numbers = shard.read(&name).unwrap();
            (name, info.shape, numbers)
        })
        .collect();
    change(&mut tensors);
    let shapes: Vec<(String, Vec<usize>)> = tensors
        .iter()
        .map(|(name, shape, _)| (name.clone(), shape.clone()))
        .collect();
    shard::write::<shard::Error>(&path, &shapes, |name| {
        let tensor = tensors.iter().find(|(other, ..)| other == name);
        Ok(tensor.unwrap().2.clone())
    })
    .unwrap();
    directory
}

#[test]
fn tensors_that_are_missing_extra_or_misshapen_are_named_in_one_error() {
    let directory = changed("gpt2", |tensors| {
        tensors.retain(|(name, ..)| name != "transformer.ln_f.bias");
        tensors.push(("transformer.h.7.ln_1.bias".to_owned(), vec![1], vec![0.0]));
        let odd = tensors
            .iter_mut()
            .find(|(name, ..)| name.ends_with("wpe.weight"));
        odd.unwrap().1 = vec![32, 24];
    });
    let error = weights(directory.path(), DType::F32).unwrap_err();
    for part in [
        "`transformer.ln_f.bias` is missing",
        "`transformer.h.7.ln_1.bias` is none of its tensors",
        "`transformer.wpe.weight` is of [32, 24], not of [24, 32]",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let directory = changed("gpt_neox", |tensors| {
        tensors.retain(|(name, ..)| name.starts_with("embed"));
    });
    let error = weights(directory.path(), DType::F32).unwrap_err();
    assert!(error.contains("; and 17 more"), "{error}");
    assert_eq!(error.matches("is missing").count(), 10);
    let directory = changed("mamba", |tensors| tensors[3].2[0] = f32::NAN);
    let error = weights(directory.path(), DType::F32).unwrap_err();
    assert!(error.contains("not finite"), "{error}");
}

#[test]
fn what_old_files_store_beside_the_weights_is_passed_over() {
    let directory = changed("gpt2", |tensors| {
        for end in ["bias", "masked_bias"] {
            let name = format!("transformer.h.1.attn.{end}");
            tensors.push((name, vec![1, 2], vec![1.0, f32::NAN]));
        }
    });
    assert!(weights(directory.path(), DType::F32).is_ok());
    let directory = changed("gpt_neox", |tensors| {
        for end in ["bias", "masked_bias", "rotary_emb.inv_freq"] {
            let name = format!("gpt_neox.layers.0.attention.{end}");
            tensors.push((name, vec![1], vec![1.0]));
        }
    });
    assert!(weights(directory.path(), DType::F32).is_ok());
}

#[test]
fn a_tied_head_may_be_stored_where_it_is_the_table() {
    let with_head = |by: f32| {
        changed("gpt2", |tensors| {
            let table = tensors
                .iter()
                .find(|(name, ..)| name.ends_with("wte.weight"));
            let (_, shape, mut numbers) = table.unwrap().clone();
            numbers[7] += by;
            tensors.push(("lm_head.weight".to_owned(), shape, numbers));
        })
    };
    assert!(weights(with_head(0.0).path(), DType::F32).is_ok());
    let error = weights(with_head(0.5).path(), DType::F32).unwrap_err();
    assert!(error.contains("its config ties them"), "{error}");
    let untied = with_head(0.5);
    edit(untied.path(), |config| {
        config["tie_word_embeddings"] = json!(false);
    });
    let read = weights(untied.path(), DType::F32).unwrap();
    assert_ne!(
        read.numbers("head").unwrap(),
        read.numbers("tokens").unwrap()
    );
}

/// Changes the `config.json` of a directory.
fn edit(directory: &Path, change: impl FnOnce(&mut Value)) {
    let path = directory.join(CONFIG);
    let mut config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut config);
    std::fs::write(&path, config.to_string()).unwrap();
}

#[test]
fn a_config_that_asks_for_what_is_not_supported_is_refused_by_name() {
    let complain = |name: &str, key: &str, value: Value| {
        let text = std::fs::read(fixture(name).join(CONFIG)).unwrap();
        let mut config: Value = serde_json::from_slice(&text).unwrap();
        config[key] = value;
        let problems = describe(&config).unwrap_err();
        let said: Vec<String> = problems
            .iter()
            .map(|(name, why)| format!("{name}: {why}"))
            .collect();
        said.join("; ")
    };
    let expected = [
        (
            "gpt2",
            "model_type",
            json!("llama"),
            "`llama` is not one of",
        ),
        (
            "gpt2",
            "activation_function",
            json!("relu"),
            "`relu` is not supported; `gelu_new`",
        ),
        ("gpt2", "scale_attn_weights", json!(false), "only true"),
        (
            "gpt2",
            "scale_attn_by_inverse_layer_idx",
            json!(true),
            "scale_attn_by_inverse_layer_idx: true",
        ),
        ("gpt2", "reorder_and_upcast_attn", json!(true), "only false"),
        ("gpt2", "add_cross_attention", json!(true), "only false"),
        ("gpt2", "n_embd", json!(-3), "-3 is not a whole number"),
        ("gpt2", "n_embd", Value::Null, "n_embd: it is missing"),
        ("gpt2", "n_head", json!(5), "heads: 5 heads do not divide"),
        (
            "gpt2",
            "n_layer",
            json!(4_000_000_000u32),
            "layers: 4000000000 is not from 1 to 256",
        ),
        (
            "gpt2",
            "n_layer",
            json!(5_000_000_000u64),
            "not a whole number",
        ),
        ("gpt2", "n_inner", json!(4_000_000_000u32), "inner"),
        ("gpt2", "layer_norm_epsilon", json!(0.0), "epsilon"),
        (
            "gpt2",
            "tie_word_embeddings",
            json!("no"),
            "neither true nor false",
        ),
        (
            "gpt_neox",
            "rope_scaling",
            json!({"type": "linear", "factor": 2.0}),
            "rope_scaling",
        ),
        (
            "gpt_neox",
            "rope_parameters",
            json!({"rope_type": "yarn"}),
            "rope_parameters.rope_type",
        ),
        ("gpt_neox", "attention_bias", json!(false), "only true"),
        ("gpt_neox", "rotary_pct", json!(0.2), "rotary_share"),
        (
            "gpt_neox",
            "hidden_act",
            json!("silu"),
            "`silu` is not supported",
        ),
        ("mamba", "hidden_act", json!("gelu"), "hidden_act"),
        ("mamba", "state_size", json!(4_000_000_000u32), "state"),
    ];
    for (name, key, value, part) in expected {
        let said = complain(name, key, value);
        assert!(said.contains(part), "{name} {key}: {said}");
    }
    // As newer versions of the library write it.
    let text = std::fs::read(fixture("gpt_neox").join(CONFIG)).unwrap();
    let mut config: Value = serde_json::from_slice(&text).unwrap();
    let old = describe(&config).unwrap();
    let map = config.as_object_mut().unwrap();
    for key in [
        "rotary_pct",
        "rotary_emb_base",
        "rope_theta",
        "partial_rotary_factor",
    ] {
        map.remove(key);
    }
    let rope =
        json!({"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.25});
    map.insert("rope_parameters".to_owned(), rope);
    assert_eq!(describe(&config).unwrap(), old);
    for text in ["[]", "3", "null", "{}"] {
        assert!(describe(&serde_json::from_str(text).unwrap()).is_err());
    }
}

#[test]
fn an_index_names_only_files_beside_it() {
    let directory = tempfile::tempdir().unwrap();
    for (name, path) in files(&fixture("gpt2_float16")).unwrap() {
        std::fs::copy(path, directory.path().join(name)).unwrap();
    }
    let path = directory.path().join(INDEX);
    let good = std::fs::read_to_string(&path).unwrap();
    let complain = |text: &str| {
        std::fs::write(&path, text).unwrap();
        weights(directory.path(), DType::F32).unwrap_err()
    };
    let first = "model-00001-of-00003.safetensors";
    for other in ["../x.safetensors", "/etc/passwd", "", "none.safetensors"] {
        let error = complain(&good.replace(first, other));
        assert!(error.contains("which is no file beside it"), "{error}");
    }
    let error = complain(&good.replace(first, "model-00002-of-00003.safetensors"));
    assert!(error.contains("it says that `transformer"), "{error}");
    assert!(complain(&good.replace("weight_map", "wait_map")).contains("weight_map"));
    assert!(complain("{").contains(INDEX));
    std::fs::write(&path, &good).unwrap();
    assert!(weights(directory.path(), DType::F32).is_ok());
    std::fs::remove_file(directory.path().join(first)).unwrap();
    assert!(complain(&good).contains(first));
    std::fs::remove_file(&path).unwrap();
    let error = weights(directory.path(), DType::F32).unwrap_err();
    assert!(error.contains("there is neither this file nor"), "{error}");
    std::fs::remove_file(directory.path().join(CONFIG)).unwrap();
    assert!(open(directory.path()).unwrap_err().contains(CONFIG));
}

#[test]
fn broken_files_never_stop_the_program() {
    let mut draws = random::stream(1, "broken files");
    let mut draw = |bound: usize| random::below(&mut draws, bound as u64) as usize;
    for name in FIXTURES {
        let directory = tempfile::tempdir().unwrap();
        for (file, path) in files(&fixture(name)).unwrap() {
            std::fs::copy(path, directory.path().join(file)).unwrap();
        }
        for (file, path) in files(directory.path()).unwrap() {
            if !file.starts_with("model") && file != CONFIG {
                continue;
            }
            let good = std::fs::read(&path).unwrap();
            for _ in 0..60 {
                let mut bad = good.clone();
                // Most of what can be broken lies at the front.
                let reach = bad.len().min(4000);
                for _ in 0..1 + draw(3) {
                    bad[draw(reach)] = draw(256) as u8;
                }
                if draw(4) == 0 {
                    bad.truncate(draw(good.len()));
                }
                std::fs::write(&path, bad).unwrap();
                let _ = weights(directory.path(), DType::F32);
            }
            std::fs::write(&path, good).unwrap();
        }
        assert!(weights(directory.path(), DType::F32).is_ok());
    }
}
