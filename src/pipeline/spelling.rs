//! What was probably meant by a word that is not known: a slip of the fingers, the beginning of a word, or what other tools
//! call the same thing.

/// Words of more bytes have no spelling that is near, and of more candidates only the first are compared.
const WORD: usize = 100;
const COMPARED: usize = 400;

/// What others call what is called otherwise here. A meaning is offered where it is among what could stand there, the first
/// before those after it.
const WORDS: &[(&[&str], &[&str])] = &[
    // Parameters.
    (&["learning_rate", "learningrate", "base_lr"], &["lr"]),
    (&["wd", "decay"], &["weight_decay"]),
    (
        &[
            "n_layers",
            "num_layers",
            "n_layer",
            "nlayers",
            "depth",
            "num_hidden_layers",
            "blocks",
        ],
        &["layers"],
    ),
    (
        &[
            "d_model",
            "dim",
            "hidden",
            "hidden_size",
            "hidden_dim",
            "n_embd",
            "embed_dim",
            "embedding_dim",
            "embedding",
            "model_dim",
        ],
        &["width"],
    ),
    (
        &["n_heads", "num_heads", "n_head", "num_attention_heads"],
        &["heads"],
    ),
    (&["batch_size", "batchsize", "bs"], &["batch"]),
    (
        &[
            "num_steps",
            "max_steps",
            "n_steps",
            "iterations",
            "iters",
            "num_iterations",
            "updates",
        ],
        &["steps"],
    ),
    (
        &["num_epochs", "n_epochs", "max_epochs", "num_train_epochs"],
        &["epochs"],
    ),
    (
        &[
            "grad_clip",
            "gradient_clip",
            "gradient_clipping",
            "clip_grad",
            "max_grad_norm",
        ],
        &["clip"],
    ),
    (
        &[
            "grad_accum",
            "gradient_accumulation",
            "gradient_accumulation_steps",
            "accumulation",
        ],
        &["accumulate"],
    ),
    (
        &["random_seed", "random_state", "rng_seed", "rng"],
        &["seed"],
    ),
    (
        &["eval_every", "eval_interval", "eval_steps"],
        &["evaluate_every"],
    ),
    (&["early_stopping"], &["patience"]),
    (&["arch", "network", "net"], &["architecture"]),
    (&["criterion", "loss_fn", "loss_function"], &["objective"]),
    (&["optim", "optimiser"], &["optimizer"]),
    (&["scheduler", "lr_scheduler", "lr_schedule"], &["schedule"]),
    (&["warmup_steps", "num_warmup_steps"], &["warmup"]),
    (&["dropout_rate", "drop_rate", "p_drop"], &["dropout"]),
    (
        &[
            "n_train",
            "num_train",
            "train_size",
            "n_samples",
            "num_examples",
        ],
        &["train"],
    ),
    (&["n_test", "num_test", "test_size"], &["test"]),
    (
        &["val", "valid", "n_val", "val_size", "dev"],
        &["validation"],
    ),
    (&["n_nodes", "num_nodes", "vertices"], &["nodes"]),
    (&["length", "path_len"], &["path_length"]),
    (&["beta1", "beta2"], &["betas"]),
    (&["temp"], &["temperature"]),
    // Plots.
    (
        &[
            "scatter",
            "points",
            "dot",
            "dots",
            "scatterplot",
            "circle",
            "marker",
        ],
        &["point"],
    ),
    (
        &["bars", "barplot", "barchart", "column", "hist", "histogram"],
        &["bar"],
    ),
    (&["heatmap", "matrix", "imshow"], &["heat"]),
    (&["lines", "lineplot", "curve"], &["line"]),
    (&["hue", "colour", "colours", "colors"], &["color"]),
    (&["panel", "panels", "small_multiples"], &["facet"]),
    (
        &["log_x", "log_y", "logx", "logy", "xscale", "yscale", "log"],
        &["scale"],
    ),
    (
        &["xlim", "ylim", "x_limits", "y_limits", "limits"],
        &["domain"],
    ),
    (&["yerr", "xerr", "error_bars", "errorbar"], &["error"]),
    (&["hline", "vline", "baseline"], &["reference"]),
    // Kinds.
    (&["training", "fit", "trainer", "learn"], &["train"]),
    (
        &[
            "inference",
            "generate",
            "predict",
            "evaluate",
            "evaluation",
            "eval",
        ],
        &["decode"],
    ),
    (&["sql", "query", "summarize"], &["aggregate"]),
    (&["figure", "chart", "graph"], &["plot"]),
    (
        &[
            "script", "shell", "sh", "bash", "python", "program", "exec", "run", "cmd",
        ],
        &["command"],
    ),
    (&["data", "file", "csv"], &["dataset"]),
    (&["assert", "check", "expect", "test"], &["claim"]),
    // Keys of a pipeline.
    (&["sweep", "sweeps", "matrix", "grid"], &["axes"]),
    (&["description", "desc"], &["about"]),
    (&["import", "extends", "defaults"], &["include"]),
    (
        &[
            "step", "steps", "task", "tasks", "job", "jobs", "rule", "node",
        ],
        &["stage"],
    ),
    (&["skip"], &["exclude"]),
    // How a program is declared.
    (&["cmd", "argv", "run", "script"], &["args"]),
    (&["deps", "dependencies", "input"], &["inputs"]),
    (&["outs", "out", "output"], &["outputs"]),
];

/// The candidate that was probably meant by `word`, if one is near.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > WORD {
        return None;
    }
    let candidates: Vec<&str> = candidates.into_iter().take(COMPARED).collect();
    spelt_like(word, &candidates)
        .or_else(|| called_otherwise(word, &candidates))
        .or_else(|| begun(word, &candidates))
}

/// What others call so, if it is among the candidates.
fn called_otherwise<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let word = plain(word);
    let known = WORDS
        .iter()
        .filter(|(words, _)| words.contains(&word.as_str()));
    let mut meanings = known.flat_map(|(_, meanings)| meanings.iter());
    meanings.find_map(|meaning| candidates.iter().find(|c| *c == meaning).copied())
}

/// The candidate that differs by no more than fingers slip in a word of its length. Other digits are another value, and no
/// slip.
fn spelt_like<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let written = plain(word);
    let length = written.chars().count();
    let near = candidates.iter().filter_map(|candidate| {
        if candidate.len() > WORD {
            return None;
        }
        let slips = slips(length.max(candidate.chars().count()));
        // A letter that the other word has not is a slip: so most are told apart at a glance.
        let lacks = (letters(word) & !letters(candidate)).count_ones() as usize;
        if lacks > slips || !digits(word).eq(digits(candidate)) {
            return None;
        }
        let candidate_written = plain(candidate);
        let by_letters = strsim::damerau_levenshtein(&written, &candidate_written);
        let by_sound = strsim::damerau_levenshtein(&sound(&written), &sound(&candidate_written));
        let distance = by_letters.min(by_sound);
        (distance <= slips).then_some((distance, *candidate))
    });
    let nearest = near.min_by_key(|(distance, _)| *distance)?;
    Some(nearest.1)
}

/// The only candidate that a word is the beginning of.
fn begun<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    const SHORTEST: usize = 3;
    if word.chars().count() < SHORTEST {
        return None;
    }
    let mut begun = candidates.iter().filter(|c| c.starts_with(word));
    let only = begun.next()?;
    begun.next().is_none().then_some(*only)
}

/// So many slips are likely in a word of so many letters: none in two, where one makes another word.
fn slips(letters: usize) -> usize {
    const MOST: usize = 2;
    ((letters + 1) / 4).min(MOST)
}

/// A word in small letters, with one sign for all that join words.
fn plain(word: &str) -> String {
    word.to_lowercase().replace(['-', ' '], "_")
}

/// A sound that is written in two ways, as `graf` for `graph`, is written in one.
fn sound(word: &str) -> String {
    word.replace("ph", "f")
}

fn digits(word: &str) -> impl Iterator<Item = char> {
    word.chars().filter(char::is_ascii_digit)
}

/// The letters of a word, a bit for each or for several.
fn letters(word: &str) -> u64 {
    let bytes = word.bytes().map(|byte| byte.to_ascii_lowercase());
    bytes
        .filter(u8::is_ascii_alphanumeric)
        .fold(0, |all, byte| all | 1 << (byte % 64))
}

/// So many alternatives are named.
const NAMED: usize = 40;

/// Advice for an unknown word: what was probably meant first, then what there is.
pub fn alternatives<'a>(
    what: &str,
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let first: Vec<&str> = candidates.into_iter().take(COMPARED).collect();
    let list = first.iter().take(NAMED).map(|c| format!("`{c}`"));
    let mut list = list.collect::<Vec<_>>().join(", ");
    if first.len() > NAMED {
        list.push_str(", …");
    }
    match (nearest(word, first.iter().copied()), first.is_empty()) {
        (_, true) => Some(format!("there are no {what}")),
        (Some(near), _) if first.len() == 1 => Some(format!("did you mean `{near}`?")),
        (Some(near), _) => Some(format!("did you mean `{near}`? The {what} are {list}")),
        (None, _) => Some(format!("the {what} are {list}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_fingers_is_recognised() {
        let words = ["degree", "path_length", "nodes", "next-token"];
        for (word, meant) in [
            ("degre", "degree"),
            ("dergee", "degree"),
            ("node", "nodes"),
            ("Nodes", "nodes"),
            ("path_lenght", "path_length"),
            ("path-length", "path_length"),
            ("next_tokn", "next-token"),
        ] {
            assert_eq!(nearest(word, words), Some(meant), "{word}");
        }
    }

    #[test]
    fn another_word_is_not_taken_for_a_slip() {
        let words = ["degree", "nodes", "pin", "cores", "seed", "x", "lr", "v1"];
        for word in [
            "colour", "init", "force", "holes", "5", "y", "rl", "v2", "steps", "",
        ] {
            assert_eq!(nearest(word, words), None, "{word}");
        }
        assert_eq!(nearest("5", ["1", "2"]), None);
        assert_eq!(nearest("2e-4", ["1e-4"]), None);
    }

    #[test]
    fn the_beginning_of_only_one_word_stands_for_it() {
        let words = ["architecture", "evaluate_every", "evaluate_on"];
        assert_eq!(nearest("archi", words), Some("architecture"));
        assert_eq!(nearest("evaluate", words), None);
    }

    #[test]
    fn what_others_call_otherwise_is_offered_where_it_can_stand() {
        for (word, among, meant) in [
            ("learning_rate", &["lr", "eps"][..], Some("lr")),
            ("learning_rate", &["layers"], None),
            ("n_layers", &["layers", "width"], Some("layers")),
            ("hidden-size", &["layers", "width"], Some("width")),
            ("scatter", &["line", "bar", "heat", "point"], Some("point")),
            ("violin", &["line", "bar", "heat", "point"], None),
            ("matrix", &["stage", "axes"], Some("axes")),
            ("matrix", &["line", "heat"], Some("heat")),
        ] {
            assert_eq!(nearest(word, among.iter().copied()), meant, "{word}");
        }
    }
}
