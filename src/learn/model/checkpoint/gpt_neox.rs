//! GPT-NeoX and Pythia as `transformers` has them: a [`Transformer`] with rotary positions.
//!
//! Its maps are `Linear`s, whose weights lie (to, from); `query_key_value` holds, for one head after another, the rows
//! of its query, its key and its value.

use serde_json::{Value, json};

use super::gpt2::{ACTIVATIONS, activation, mlp};
use super::{Description, Entry, Keys, Layout, Piece};
use crate::learn::model::transformer::{Positions, Residual, Transformer};
use crate::learn::model::{Architecture, Dimensions};

pub(super) fn describe(keys: &mut Keys<'_>) -> Description {
    let width = keys.count("hidden_size");
    let (mlp, inner) = mlp(width, keys.count("intermediate_size"));
    let (mut rotary_share, mut rotary_base) = (
        keys.real("rotary_pct", 0.25),
        keys.real("rotary_emb_base", 10_000.0),
    );
    // What newer versions of the library write in the place of the two.
    let rope = keys.get("rope_parameters").cloned();
    match rope.as_ref().map(|rope| (rope, rope.as_object())) {
        None => {}
        Some((_, Some(map))) => {
            let mut inner = Keys {
                map,
                problems: Vec::new(),
            };
            inner.only("rope_type", &json!("default"));
            rotary_share = inner.real("partial_rotary_factor", rotary_share);
            rotary_base = inner.real("rope_theta", rotary_base);
            let problems = inner.problems.into_iter();
            keys.problems
                .extend(problems.map(|(name, why)| (format!("rope_parameters.{name}"), why)));
        }
        Some((value, None)) => {
            keys.complain("rope_parameters", format!("{value} is not a table"));
        }
    }
    let residual = if keys.flag("use_parallel_residual", true) {
        Residual::Parallel
    } else {
        Residual::Sequential
    };
    let model = Transformer {
        layers: keys.count("num_hidden_layers"),
        width,
        heads: keys.count("num_attention_heads"),
        mlp,
        inner,
        positions: Positions::Rotary,
        rotary_share,
        rotary_base,
        residual,
        activation: keys.choice("hidden_act", "gelu", ACTIVATIONS),
        epsilon: keys.real("layer_norm_eps", 1e-5),
        tied: keys.flag("tie_word_embeddings", false),
        dropout: 0.0,
    };
    keys.only("attention_bias", &json!(true));
    if let Some(scaling) = keys.get("rope_scaling").cloned() {
        let plain = ["rope_type", "type"].map(|name| scaling.get(name) == Some(&json!("default")));
        if plain == [false, false] {
            let why = format!("{scaling} is not supported, only null");
            keys.complain("rope_scaling", why);
        }
    }
    Description {
        architecture: Architecture::Transformer(model),
        vocabulary: keys.count("vocab_size"),
        length: Some(keys.count("max_position_embeddings")),
    }
}

pub(super) fn config(model: &Transformer, dimensions: Dimensions) -> Value {
    json!({
        "architectures": ["GPTNeoXForCausalLM"],
        "attention_bias": true,
        "attention_dropout": model.dropout,
        "hidden_act": activation(model.activation),
        "hidden_dropout": model.dropout,
        "hidden_size": model.width,
        "initializer_range": 0.02,
        "intermediate_size": model.inner_width(),
        "layer_norm_eps": model.epsilon,
        "max_position_embeddings": dimensions.length,
        "model_type": "gpt_neox",
        "num_attention_heads": model.heads,
        "num_hidden_layers": model.layers,
        "rope_scaling": null,
        "rotary_emb_base": model.rotary_base,
        "rotary_pct": model.rotary_share,
        "tie_word_embeddings": model.tied,
        "use_parallel_residual": model.residual == Residual::Parallel,
    })
}

pub(super) fn layout(model: &Transformer, dimensions: Dimensions) -> Layout {
    let (width, inner) = (model.width as usize, model.inner_width());
    let heads = model.heads as usize;
    let head = width / heads;
    let table = [dimensions.vocabulary, width];
    let embedding = "gpt_neox.embed_in.weight";
    let mut entries = vec![Entry::plain(embedding, "tokens", &table)];
    let mut norm = |theirs: &str, ours: &str| {
        for part in ["weight", "bias"] {
            entries.push(Entry::plain(
                format!("gpt_neox.{theirs}.{part}"),
                format!("{ours}.{part}"),
                &[width],
            ));
        }
    };
    norm("final_layer_norm", "norm");
    for layer in 0..model.layers {
        let (theirs, ours) = (format!("layers.{layer}"), format!("layers.{layer:03}"));
        norm(
            &format!("{theirs}.input_layernorm"),
            &format!("{ours}.attention.norm"),
        );
        norm(
            &format!("{theirs}.post_attention_layernorm"),
            &format!("{ours}.mlp.norm"),
        );
    }
    for layer in 0..model.layers {
        let (theirs, ours) = (
            format!("gpt_neox.layers.{layer}"),
            format!("layers.{layer:03}"),
        );
        for (their_part, our_part, from, to) in [
            ("attention.dense", "attention.output", width, width),
            ("mlp.dense_h_to_4h", "mlp.inner", width, inner),
            ("mlp.dense_4h_to_h", "mlp.output", inner, width),
        ] {
            let (theirs, ours) = (
                format!("{theirs}.{their_part}"),
                format!("{ours}.{our_part}"),
            );
            entries.push(Entry::transposed(
                format!("{theirs}.weight"),
                format!("{ours}.weight"),
                from,
                to,
            ));
            entries.push(Entry::plain(
                format!("{theirs}.bias"),
                format!("{ours}.bias"),
                &[to],
            ));
        }
        // Row (head, part, c) of theirs is our column (head, c) of the queries, or (part, head, c) of keys and values.
        let piece = |weight: &str, shape: &[usize], first: usize, parts: usize, across: bool| {
            let row = if across { width } else { 1 };
            let mut piece = Piece {
                weight: format!("{ours}.attention.{weight}"),
                shape: shape.to_vec(),
                first: first * head * row,
                sizes: vec![parts, heads, head],
                strides: vec![head * row, 3 * head * row, row],
            };
            if across {
                piece.sizes.insert(0, width);
                piece.strides.insert(0, 1);
            }
            piece
        };
        let name = format!("{theirs}.attention.query_key_value");
        entries.push(Entry {
            name: format!("{name}.weight"),
            shape: vec![3 * width, width],
            pieces: vec![
                piece("query.weight", &[width, width], 0, 1, true),
                piece("key_value.weight", &[width, 2 * width], 1, 2, true),
            ],
        });
        entries.push(Entry {
            name: format!("{name}.bias"),
            shape: vec![3 * width],
            pieces: vec![
                piece("query.bias", &[width], 0, 1, false),
                piece("key_value.bias", &[2 * width], 1, 2, false),
            ],
        });
    }
    let out = "embed_out.weight";
    if !model.tied {
        entries.push(Entry::plain(out, "head", &table));
    }
    Layout {
        entries,
        prefix: "gpt_neox.",
        twin: (model.tied).then(|| (out.to_owned(), embedding.to_owned())),
        // Old files hold the causal mask and the rates of the angles of every layer.
        ignored: &[
            ".attention.bias",
            ".attention.masked_bias",
            "rotary_emb.inv_freq",
        ],
    }
}
