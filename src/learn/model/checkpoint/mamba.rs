//! Mamba as `transformers` has it.
//!
//! Its maps are `Linear`s, whose weights lie (to, from); `in_proj` holds the rows of the input above those of the gate,
//! and the convolution lies (channel, 1, tap). It has no longest sequence.

use serde_json::{Value, json};

use super::{Description, Entry, Keys, Layout, Piece};
use crate::learn::model::mamba::Mamba;
use crate::learn::model::{Architecture, Dimensions};

pub(super) fn describe(keys: &mut Keys<'_>) -> Description {
    let width = keys.count("hidden_size");
    let rank = match keys.get("time_step_rank") {
        Some(value) if value != "auto" => Some(keys.count("time_step_rank")),
        _ => None,
    };
    let model = Mamba {
        layers: keys.count("num_hidden_layers"),
        width,
        state: keys.count("state_size"),
        expand: keys.count("expand"),
        convolution: keys.count("conv_kernel"),
        step_rank: rank.filter(|&rank| rank != width.div_ceil(16)),
        epsilon: keys.real("layer_norm_epsilon", 1e-5),
    };
    keys.only("hidden_act", &json!("silu"));
    keys.only("use_bias", &json!(false));
    keys.only("use_conv_bias", &json!(true));
    keys.only("tie_word_embeddings", &json!(true));
    let inner = u64::from(width) * u64::from(model.expand);
    keys.only("intermediate_size", &json!(inner));
    Description {
        architecture: Architecture::Mamba(model),
        vocabulary: keys.count("vocab_size"),
        length: None,
    }
}

pub(super) fn config(model: &Mamba, _: Dimensions) -> Value {
    json!({
        "architectures": ["MambaForCausalLM"],
        "conv_kernel": model.convolution,
        "expand": model.expand,
        "hidden_act": "silu",
        "hidden_size": model.width,
        "initializer_range": 0.02,
        "intermediate_size": model.inner_width(),
        "layer_norm_epsilon": model.epsilon,
        "model_type": "mamba",
        "num_hidden_layers": model.layers,
        "residual_in_fp32": true,
        "state_size": model.state,
        "tie_word_embeddings": true,
        "time_step_rank": model.rank(),
        "use_bias": false,
        "use_conv_bias": true,
    })
}

pub(super) fn layout(model: &Mamba, dimensions: Dimensions) -> Layout {
    let (width, inner, state) = (
        model.width as usize,
        model.inner_width(),
        model.state as usize,
    );
    let (taps, rank) = (model.convolution as usize, model.rank());
    let embedding = "backbone.embeddings.weight";
    let mut entries = vec![
        Entry::plain(embedding, "tokens", &[dimensions.vocabulary, width]),
        Entry::plain("backbone.norm_f.weight", "norm.weight", &[width]),
    ];
    for layer in 0..model.layers {
        let (theirs, ours) = (
            format!("backbone.layers.{layer}"),
            format!("layers.{layer:03}"),
        );
        entries.push(Entry::plain(
            format!("{theirs}.norm.weight"),
            format!("{ours}.norm.weight"),
            &[width],
        ));
        let (theirs, ours) = (format!("{theirs}.mixer"), format!("{ours}.mixer"));
        let half = |part: &str, first: usize| Piece {
            weight: format!("{ours}.{part}.weight"),
            shape: vec![width, inner],
            first: first * width,
            sizes: vec![width, inner],
            strides: vec![1, width],
        };
        entries.push(Entry {
            name: format!("{theirs}.in_proj.weight"),
            shape: vec![2 * inner, width],
            pieces: vec![half("input", 0), half("gate", inner)],
        });
        entries.push(Entry {
            shape: vec![inner, 1, taps],
            ..Entry::transposed(
                format!("{theirs}.conv1d.weight"),
                format!("{ours}.convolution.weight"),
                taps,
                inner,
            )
        });
        for (their_part, our_part, from, to) in [
            ("x_proj", "selection", inner, rank + 2 * state),
            ("dt_proj", "step", rank, inner),
            ("out_proj", "output", inner, width),
        ] {
            entries.push(Entry::transposed(
                format!("{theirs}.{their_part}.weight"),
                format!("{ours}.{our_part}.weight"),
                from,
                to,
            ));
        }
        for (their_part, our_part, shape) in [
            ("conv1d.bias", "convolution.bias", &[inner][..]),
            ("dt_proj.bias", "step.bias", &[inner]),
            ("A_log", "log_rates", &[inner, state]),
            ("D", "skip", &[inner]),
        ] {
            entries.push(Entry::plain(
                format!("{theirs}.{their_part}"),
                format!("{ours}.{our_part}"),
                shape,
            ));
        }
    }
    Layout {
        entries,
        prefix: "backbone.",
        twin: Some(("lm_head.weight".to_owned(), embedding.to_owned())),
        ignored: &[],
    }
}
