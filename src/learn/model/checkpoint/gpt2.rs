//! GPT-2 as `transformers` has it: a [`Transformer`] with learned positions.
//!
//! Its maps are `Conv1D`s, whose weights lie as ours do, (from, to); `c_attn` holds query, key and value side by side.

use serde_json::{Value, json};

use super::{Description, Entry, Keys, Layout, Piece};
use crate::learn::model::transformer::{Activation, Positions, Transformer};
use crate::learn::model::{Architecture, Dimensions};

/// What an activation is called there; the first name of each is written.
pub(super) const ACTIVATIONS: &[(&str, Activation)] = &[
    ("gelu_new", Activation::GeluTanh),
    ("gelu", Activation::Gelu),
    ("gelu_pytorch_tanh", Activation::GeluTanh),
    ("gelu_fast", Activation::GeluTanh),
];

/// The name of an activation there.
pub(super) fn activation(ours: Activation) -> &'static str {
    ACTIVATIONS
        .iter()
        .find(|(_, theirs)| *theirs == ours)
        .map_or("", |(name, _)| name)
}

/// The width of an MLP as `mlp` and `inner` have it.
pub(super) fn mlp(width: u32, inner: u32) -> (u32, Option<u32>) {
    match inner.checked_div(width) {
        Some(times @ 1..=16) if times * width == inner => (times, None),
        _ => (Transformer::default().mlp, Some(inner)),
    }
}

pub(super) fn describe(keys: &mut Keys<'_>) -> Description {
    let width = keys.count("n_embd");
    let inner = match keys.get("n_inner") {
        Some(_) => keys.count("n_inner"),
        None => width.saturating_mul(4),
    };
    let (mlp, inner) = mlp(width, inner);
    let model = Transformer {
        layers: keys.count("n_layer"),
        width,
        heads: keys.count("n_head"),
        mlp,
        inner,
        positions: Positions::Learned,
        activation: keys.choice("activation_function", "gelu_new", ACTIVATIONS),
        epsilon: keys.real("layer_norm_epsilon", 1e-5),
        tied: keys.flag("tie_word_embeddings", true),
        ..Transformer::default()
    };
    keys.only("scale_attn_weights", &json!(true));
    for name in [
        "scale_attn_by_inverse_layer_idx",
        "reorder_and_upcast_attn",
        "add_cross_attention",
    ] {
        keys.only(name, &json!(false));
    }
    Description {
        architecture: Architecture::Transformer(model),
        vocabulary: keys.count("vocab_size"),
        length: Some(keys.count("n_positions")),
    }
}

pub(super) fn config(model: &Transformer, dimensions: Dimensions) -> Value {
    json!({
        "activation_function": activation(model.activation),
        "architectures": ["GPT2LMHeadModel"],
        "attn_pdrop": model.dropout,
        "embd_pdrop": model.dropout,
        "initializer_range": 0.02,
        "layer_norm_epsilon": model.epsilon,
        "model_type": "gpt2",
        "n_embd": model.width,
        "n_head": model.heads,
        "n_inner": model.inner_width(),
        "n_layer": model.layers,
        "n_positions": dimensions.length,
        "reorder_and_upcast_attn": false,
        "resid_pdrop": model.dropout,
        "scale_attn_by_inverse_layer_idx": false,
        "scale_attn_weights": true,
        "tie_word_embeddings": model.tied,
    })
}

pub(super) fn layout(model: &Transformer, dimensions: Dimensions) -> Layout {
    let (width, inner) = (model.width as usize, model.inner_width());
    let table = [dimensions.vocabulary, width];
    let mut entries = vec![
        Entry::plain("transformer.wte.weight", "tokens", &table),
        Entry::plain(
            "transformer.wpe.weight",
            "positions",
            &[dimensions.length, width],
        ),
    ];
    let mut both = |theirs: &str, ours: &str, shape: &[usize]| {
        let to = &shape[shape.len() - 1..];
        for (part, shape) in [("weight", shape), ("bias", to)] {
            entries.push(Entry::plain(
                format!("transformer.{theirs}.{part}"),
                format!("{ours}.{part}"),
                shape,
            ));
        }
    };
    both("ln_f", "norm", &[width]);
    for layer in 0..model.layers {
        let (theirs, ours) = (format!("h.{layer}"), format!("layers.{layer:03}"));
        both(
            &format!("{theirs}.ln_1"),
            &format!("{ours}.attention.norm"),
            &[width],
        );
        both(
            &format!("{theirs}.attn.c_proj"),
            &format!("{ours}.attention.output"),
            &[width, width],
        );
        both(
            &format!("{theirs}.ln_2"),
            &format!("{ours}.mlp.norm"),
            &[width],
        );
        both(
            &format!("{theirs}.mlp.c_fc"),
            &format!("{ours}.mlp.inner"),
            &[width, inner],
        );
        both(
            &format!("{theirs}.mlp.c_proj"),
            &format!("{ours}.mlp.output"),
            &[inner, width],
        );
    }
    for layer in 0..model.layers {
        let name = format!("transformer.h.{layer}.attn.c_attn");
        let piece = |part: &str, first: usize, shape: &[usize]| Piece {
            weight: format!("layers.{layer:03}.attention.{part}"),
            shape: shape.to_vec(),
            first,
            sizes: shape.to_vec(),
            strides: [3 * width, 1][2 - shape.len()..].to_vec(),
        };
        entries.push(Entry {
            name: format!("{name}.weight"),
            shape: vec![width, 3 * width],
            pieces: vec![
                piece("query.weight", 0, &[width, width]),
                piece("key_value.weight", width, &[width, 2 * width]),
            ],
        });
        entries.push(Entry {
            name: format!("{name}.bias"),
            shape: vec![3 * width],
            pieces: vec![
                piece("query.bias", 0, &[width]),
                piece("key_value.bias", width, &[2 * width]),
            ],
        });
    }
    let head = "lm_head.weight";
    if !model.tied {
        entries.push(Entry::plain(head, "head", &table));
    }
    Layout {
        entries,
        prefix: "transformer.",
        twin: (model.tied).then(|| (head.to_owned(), "transformer.wte.weight".to_owned())),
        // Old files hold the causal mask of every layer.
        ignored: &[".attn.bias", ".attn.masked_bias"],
    }
}
