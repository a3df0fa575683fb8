//! Examples as text, in the tokens of a published vocabulary.
//!
//! A published model knows its own tokens only. So an example is written in the notation of the paper and cut by the
//! model's byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909): the prefix ends with `=`, what follows is the
//! target, separators and all. All examples must come out equally long, as a task's own tokens do; where labels are
//! numbers that the vocabulary cuts in one piece each, they do.
//!
//! A vocabulary lies in `tokenizer.json`, or in `vocab.json` and `merges.txt` as GPT-2 was published. It is checked
//! before the library that encodes is given it: it stops the program at merges that its vocabulary does not have.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::{Map, Value, json};
use tokenizers::{PostProcessorWrapper, Tokenizer};

use super::{Dataset, Examples, Task};

/// The file that holds a vocabulary.
pub const FILE: &str = "tokenizer.json";

/// A published vocabulary.
#[derive(Clone)]
pub struct Encoding {
    tokenizer: Tokenizer,
    /// The token for what it does not know.
    unknown: Option<u32>,
    /// `tokenizer.json`, as it is kept.
    bytes: Vec<u8>,
}

impl std::fmt::Debug for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoding")
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

/// Why there is no encoding.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is no vocabulary.
    #[error("there is no vocabulary: neither `tokenizer.json`, nor `vocab.json` and `merges.txt`")]
    Missing,
    /// The file is not a vocabulary, or none that can be used.
    #[error("{path} is no vocabulary that can be used: {why}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// An example cannot be said in these tokens, or is of another length than the others.
    #[error("in the model's vocabulary, {0}")]
    Examples(String),
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
}

/// The largest file that is read; published ones have a few megabytes.
const LARGEST: u64 = 1 << 28;

/// Examples encoded between two looks at `cancel`.
const CHUNK: usize = 4096;

/// Which tokens of a target's text are the task's own, `own` of them; places from 0. Where each is one token and one separator
/// stands between any two it is every second one; where a vocabulary cuts otherwise, none can be told from another, and it is
/// all.
pub(crate) fn places(own: usize, text: &Examples) -> impl Iterator<Item = usize> + Clone {
    let length = text.target_length();
    let mut between = text
        .iter()
        .flat_map(|(_, target)| target.iter().skip(1).step_by(2));
    let separator = between.next();
    let separated = length + 1 == 2 * own && between.all(|token| Some(token) == separator);
    (0..length).step_by(if separated { 2 } else { 1 })
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let io = |source| Error::Io {
        path: path.into(),
        source,
    };
    let size = std::fs::metadata(path).map_err(io)?.len();
    if size > LARGEST {
        let why = format!("{size} bytes are more than {LARGEST}");
        return Err(Error::Malformed {
            path: path.into(),
            why,
        });
    }
    std::fs::read(path).map_err(io)
}

/// What is wrong with the model of a `tokenizer.json`, which must be a byte-pair encoding that leaves nothing to chance.
fn check(tokenizer: &Value) -> Result<(), String> {
    let model = &tokenizer["model"];
    let kind = &model["type"];
    if !kind.is_null() && kind != "BPE" {
        return Err(format!("its model is {kind}, only \"BPE\" is supported"));
    }
    if model["dropout"].as_f64().is_some_and(|share| share != 0.0) {
        return Err("its merges drop out at random".to_owned());
    }
    for name in ["continuing_subword_prefix", "end_of_word_suffix"] {
        if !model[name].is_null() && model[name] != "" {
            return Err(format!("`{name}` is not supported"));
        }
    }
    check_steps(tokenizer)?;
    let Some(vocabulary) = model["vocab"].as_object() else {
        return Err("its model has no `vocab`".to_owned());
    };
    if let Some((token, number)) = vocabulary
        .iter()
        .find(|(_, number)| number.as_u64().is_none_or(|n| n > u64::from(u32::MAX)))
    {
        return Err(format!("its token {token:?} has number {number}"));
    }
    let Some(merges) = model["merges"].as_array() else {
        return Err("its model has no `merges`".to_owned());
    };
    for merge in merges {
        let pair = match merge {
            Value::String(words) => words.split_once(' '),
            Value::Array(words) => match &words[..] {
                [Value::String(a), Value::String(b)] => Some((a.as_str(), b.as_str())),
                _ => None,
            },
            _ => None,
        };
        let Some((a, b)) = pair else {
            return Err(format!("its merge {merge} is no pair of tokens"));
        };
        for token in [a, b, &format!("{a}{b}")] {
            if !vocabulary.contains_key(token) {
                return Err(format!(
                    "its merge {merge} needs the token {token:?}, which is not in its vocabulary"
                ));
            }
        }
    }
    Ok(())
}

/// What is wrong with what happens to a text before its model sees it: only steps that published byte-pair encodings have,
/// none of which lets a text grow beyond a space in front.
fn check_steps(tokenizer: &Value) -> Result<(), String> {
    let normalizer = &tokenizer["normalizer"];
    let known = ["NFC", "NFD", "NFKC", "NFKD"];
    if !normalizer.is_null() && !known.iter().any(|kind| normalizer["type"] == *kind) {
        let kind = &normalizer["type"];
        return Err(format!(
            "its normalizer is {kind}, only {known:?} are supported"
        ));
    }
    let before = &tokenizer["pre_tokenizer"];
    let steps = match before["pretokenizers"].as_array() {
        Some(steps) if before["type"] == "Sequence" => &steps[..],
        _ if before.is_null() => &[],
        _ => std::slice::from_ref(before),
    };
    let known = ["ByteLevel", "Digits", "Split"];
    for step in steps {
        if !known.iter().any(|kind| step["type"] == *kind) {
            let kind = &step["type"];
            return Err(format!(
                "its pre-tokenizer is {kind}, only {known:?} are supported"
            ));
        }
    }
    if steps
        .iter()
        .filter(|step| step["type"] == "ByteLevel")
        .count()
        > 1
    {
        return Err("its pre-tokenizer turns text into bytes twice".to_owned());
    }
    Ok(())
}

/// The `tokenizer.json` of a vocabulary as GPT-2 was published.
fn of_gpt2(vocabulary: &[u8], merges: &[u8]) -> Result<Value, String> {
    let vocabulary: Map<String, Value> =
        serde_json::from_slice(vocabulary).map_err(|e| e.to_string())?;
    let merges = std::str::from_utf8(merges).map_err(|e| e.to_string())?;
    let merges: Vec<&str> = merges
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("#version"))
        .collect();
    let level = json!({
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true,
    });
    Ok(json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [],
        "normalizer": null,
        "pre_tokenizer": level,
        "post_processor": level,
        "decoder": level,
        "model": {"type": "BPE", "vocab": vocabulary, "merges": merges},
    }))
}

impl Encoding {
    /// Reads the vocabulary among the files of a directory, by name.
    ///
    /// # Errors
    /// [`Error::Missing`] where there is none, [`Error::Malformed`] where it is not a byte-pair encoding.
    pub fn read(files: &BTreeMap<String, PathBuf>) -> Result<Self, Error> {
        let (path, bytes) = match (
            files.get(FILE),
            files.get("vocab.json"),
            files.get("merges.txt"),
        ) {
            (Some(path), _, _) => (path, read(path)?),
            (None, Some(path), Some(merges)) => {
                let made = of_gpt2(&read(path)?, &read(merges)?);
                let malformed = |why| Error::Malformed {
                    path: path.clone(),
                    why,
                };
                let made = made.map_err(malformed)?;
                let text = serde_json::to_string_pretty(&made);
                (path, text.expect("JSON can be written").into_bytes())
            }
            _ => return Err(Error::Missing),
        };
        Self::from_bytes(bytes).map_err(|why| Error::Malformed {
            path: path.clone(),
            why,
        })
    }

    fn from_bytes(bytes: Vec<u8>) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
        check(&value)?;
        let mut tokenizer = Tokenizer::from_bytes(&bytes).map_err(|e| e.to_string())?;
        // Nothing is padded, cut or added, and the places of tokens are those of the text.
        tokenizer
            .with_padding(None)
            .with_post_processor(None::<PostProcessorWrapper>)
            .with_truncation(None)
            .map_err(|e| e.to_string())?;
        let unknown = value["model"]["unk_token"].as_str();
        Ok(Self {
            unknown: unknown.and_then(|token| tokenizer.token_to_id(token)),
            tokenizer,
            bytes,
        })
    }

    /// The contents of its `tokenizer.json`.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The tokens of a text, and where each ends in it, in bytes.
    fn cut(&self, text: &str) -> Result<Vec<(u32, usize)>, String> {
        let encoded = self.tokenizer.encode(text, false);
        let encoded = encoded.map_err(|e| e.to_string())?;
        let mut place = 0;
        let mut tokens = Vec::with_capacity(encoded.len());
        for (&token, &(start, end)) in encoded.get_ids().iter().zip(encoded.get_offsets()) {
            if start > place || Some(token) == self.unknown {
                break;
            }
            place = end;
            tokens.push((token, end));
        }
        match text.get(place..) {
            Some("") => Ok(tokens),
            rest => Err(format!(
                "there is no token for {:?}",
                rest.unwrap_or(text).chars().next().unwrap_or_default()
            )),
        }
    }

    /// The tokens of a text.
    ///
    /// # Errors
    /// A sentence, where a part of it is in no token.
    pub fn tokens(&self, text: &str) -> Result<Vec<u32>, String> {
        let cut = self.cut(text)?;
        Ok(cut.into_iter().map(|(token, _)| token).collect())
    }

    /// The tokens of an example's text: of its prefix, up to and including the first `=`, and of its target.
    fn example(&self, text: &str) -> Result<(Vec<u32>, usize), String> {
        let Some(equals) = text.find('=') else {
            return Err("it has no `=` to end its prefix".to_owned());
        };
        let cut = self.cut(text)?;
        let prefix = cut.partition_point(|&(_, end)| end <= equals + 1);
        if prefix == 0 || cut[prefix - 1].1 != equals + 1 {
            return Err("one token holds its `=` and what follows it".to_owned());
        }
        Ok((cut.into_iter().map(|(token, _)| token).collect(), prefix))
    }

    /// Examples of a task in these tokens, `length` long each (prefix, target) where that is known. `cancel` is asked
    /// often.
    ///
    /// # Errors
    /// [`Error::Examples`] where one cannot be said, or is of another length; [`Error::Cancelled`] once `cancel` says so.
    pub fn examples(
        &self,
        task: &Task,
        examples: &Examples,
        mut length: Option<(usize, usize)>,
        cancel: &mut dyn FnMut() -> bool,
    ) -> Result<Examples, Error> {
        let mut tokens = Vec::new();
        let all: Vec<(&[u32], &[u32])> = examples.iter().collect();
        for (chunk, rows) in all.chunks(CHUNK).enumerate() {
            if cancel() {
                return Err(Error::Cancelled);
            }
            let encoded: Vec<_> = rows
                .par_iter()
                .map(|(prefix, target)| {
                    let text = task.contract().render(prefix, target);
                    (self.example(&text), text)
                })
                .collect();
            for (place, (encoded, text)) in encoded.into_iter().enumerate() {
                let index = chunk * CHUNK + place;
                let wrong =
                    |why: String| Error::Examples(format!("example {index}, `{text}`: {why}"));
                let (row, prefix) = encoded.map_err(wrong)?;
                let found = (prefix, row.len() - prefix);
                let expected = *length.get_or_insert(found);
                if found != expected || found.1 == 0 {
                    return Err(wrong(format!(
                        "it has {} + {} tokens where others have {} + {}; all must be equally long, which labels of \
                         one token each are",
                        found.0, found.1, expected.0, expected.1
                    )));
                }
                tokens.extend(row);
            }
        }
        let (prefix, target) = length.unwrap_or((1, 1));
        Examples::new(prefix, target, tokens).map_err(|e| Error::Examples(e.to_string()))
    }

    /// A dataset in these tokens, `vocabulary` of them.
    ///
    /// # Errors
    /// As [`Encoding::examples`], and where `$` is not one token, or a token is outside the vocabulary.
    pub fn dataset(
        &self,
        dataset: &Dataset,
        vocabulary: u32,
        cancel: &mut dyn FnMut() -> bool,
    ) -> Result<Dataset, Error> {
        let mask = self.mask()?;
        let train = self.examples(&dataset.task, &dataset.train, None, cancel)?;
        let length = (!train.is_empty()).then(|| (train.prefix_length(), train.target_length()));
        let test = self.examples(&dataset.task, &dataset.test, length, cancel)?;
        let validation = self.examples(&dataset.task, &dataset.validation, length, cancel)?;
        let of = if train.is_empty() { &test } else { &train };
        let (prefix_length, target_length) = (of.prefix_length(), of.target_length());
        let splits = [&train, &test, &validation];
        let all = splits.iter().flat_map(|split| split.tokens());
        if let Some(token) = all
            .chain([&mask])
            .copied()
            .find(|&token| token >= vocabulary)
        {
            return Err(Error::Examples(format!(
                "there is a token {token}, but the model knows {vocabulary} only"
            )));
        }
        Ok(Dataset {
            task: dataset.task.clone(),
            vocabulary,
            mask,
            prefix_length,
            target_length,
            train,
            test,
            validation,
        })
    }

    /// The token that hides another, that of `$`.
    ///
    /// # Errors
    /// [`Error::Examples`] where `$` is not one token.
    pub fn mask(&self) -> Result<u32, Error> {
        match self.tokens("$").map_err(Error::Examples)?[..] {
            [mask] => Ok(mask),
            ref tokens => {
                let why = format!("`$`, which hides a token, is {} tokens", tokens.len());
                Err(Error::Examples(why))
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::learn::task::Contract;
    use crate::learn::task::path_star::PathStar;

    /// A vocabulary of digits and signs, and pairs of digits where `pairs`.
    pub(crate) fn vocabulary(pairs: bool) -> Vec<u8> {
        let mut vocabulary: Vec<String> = "$,/=|0123456789".chars().map(String::from).collect();
        let mut merges = Vec::new();
        if pairs {
            for number in 10..100 {
                vocabulary.push(number.to_string());
                merges.push(format!("{} {}", number / 10, number % 10));
            }
        }
        let numbered = (0..).zip(vocabulary).map(|(i, token)| (token, json!(i)));
        let vocabulary: Map<String, Value> = numbered.collect();
        let made = of_gpt2(
            &serde_json::to_vec(&vocabulary).unwrap(),
            merges.join("\n").as_bytes(),
        );
        serde_json::to_vec(&made.unwrap()).unwrap()
    }

    fn data(nodes: u32) -> Dataset {
        let task = PathStar {
            degree: 2,
            path_length: 4,
            nodes,
            train: 50,
            test: 20,
            validation: 10,
            seed: 5,
            ..PathStar::default()
        };
        task.generate(&|| false).unwrap()
    }

    #[test]
    fn what_stands_between_tokens_of_a_task_is_none_of_them() {
        let places = |own: usize, targets: &[[u32; 5]]| -> Vec<usize> {
            let rows = targets
                .iter()
                .flat_map(|target| [&[1], &target[..]].concat());
            let text = Examples::new(1, 5, rows.collect()).unwrap();
            super::places(own, &text).collect()
        };
        assert_eq!(places(3, &[[5, 9, 6, 9, 7], [7, 9, 9, 9, 5]]), [0, 2, 4]);
        // Words of several tokens, a number of them that is right by chance, and tokens that are the task's own.
        assert_eq!(places(3, &[[5, 9, 6, 9, 7], [7, 9, 5, 8, 5]]).len(), 5);
        assert_eq!(places(2, &[[5, 9, 6, 9, 7]]).len(), 5);
        assert_eq!(places(5, &[[5, 9, 6, 9, 7]]).len(), 5);
    }

    #[test]
    fn examples_come_out_in_the_tokens_of_their_text() {
        let encoding = Encoding::from_bytes(vocabulary(false)).unwrap();
        let dataset = data(9);
        let encoded = encoding.dataset(&dataset, 15, &mut || false).unwrap();
        // Six edges of three tokens with bars between them, and `/3,1=`; a path of four nodes has three commas.
        assert_eq!((encoded.prefix_length, encoded.target_length), (28, 7));
        assert_eq!((encoded.train.len(), encoded.test.len()), (50, 20));
        assert_eq!(encoded.validation.len(), 10);
        assert_eq!(encoded.mask, encoding.tokens("$").unwrap()[0]);
        for (ours, theirs) in dataset.test.iter().zip(encoded.test.iter()) {
            let text = dataset.task.contract().render(ours.0, ours.1);
            let tokens = [theirs.0, theirs.1].concat();
            assert_eq!(encoding.tokens(&text).unwrap(), tokens);
            let prefix = encoding.tokenizer.decode(theirs.0, false).unwrap();
            assert!(prefix.ends_with('=') && text.starts_with(&prefix));
        }
        let few = encoding.dataset(&dataset, 12, &mut || false).unwrap_err();
        assert!(few.to_string().contains("knows 12 only"), "{few}");
        let stopped = encoding.dataset(&dataset, 15, &mut || true);
        assert!(matches!(stopped, Err(Error::Cancelled)));
    }

    #[test]
    fn examples_of_other_lengths_are_refused_by_name() {
        let encoding = Encoding::from_bytes(vocabulary(false)).unwrap();
        let error = encoding.dataset(&data(30), 15, &mut || false).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("example ") && error.contains("where others have"),
            "{error}"
        );
        // Labels of one token each, whether of one digit or of two.
        let encoding = Encoding::from_bytes(vocabulary(true)).unwrap();
        assert_eq!(encoding.tokens("12,345").unwrap().len(), 4);
        assert!(encoding.dataset(&data(99), 105, &mut || false).is_ok());
    }

    #[test]
    fn what_has_no_token_is_refused_and_not_left_out() {
        let encoding = Encoding::from_bytes(vocabulary(false)).unwrap();
        let error = encoding.tokens("1,2;3").unwrap_err();
        assert!(error.contains("no token for ';'"), "{error}");
        assert!(encoding.tokens("").unwrap().is_empty());
        assert!(encoding.example("1,2").unwrap_err().contains("no `=`"));
        let text = String::from_utf8(vocabulary(false)).unwrap();
        let dollar = Encoding::from_bytes(text.replace("\"$\"", "\"%\"").into_bytes()).unwrap();
        assert!(dollar.mask().unwrap_err().to_string().contains("'$'"));
    }

    #[test]
    fn broken_vocabularies_are_errors() {
        let text = String::from_utf8(vocabulary(true)).unwrap();
        let complain = |from: &str, to: &str| {
            assert!(text.contains(from), "{text}");
            Encoding::from_bytes(text.replacen(from, to, 1).into_bytes()).unwrap_err()
        };
        assert!(complain("\"BPE\"", "\"Unigram\"").contains("Unigram"));
        let normalizer = r#""normalizer":{"type":"Precompiled","precompiled_charsmap":"AAAAAA=="}"#;
        assert!(complain("\"normalizer\":null", normalizer).contains("Precompiled"));
        let grows = r#""pre_tokenizer":{"type":"Metaspace"},"unused":"#;
        assert!(complain("\"pre_tokenizer\":", grows).contains("Metaspace"));
        assert!(complain("\"1 0\"", "\"1 x\"").contains("needs the token \"x\""));
        assert!(complain("\"1 0\"", "\"10 10\"").contains("needs the token \"1010\""));
        assert!(complain("\"1 0\"", "\"10\"").contains("no pair"));
        assert!(complain("\"merges\"", "\"marges\"").contains("no `merges`"));
        assert!(complain("\"vocab\"", "\"vacob\"").contains("no `vocab`"));
        assert!(complain("\"BPE\"", "\"BPE\",\"dropout\":0.5").contains("at random"));
        assert!(
            complain("\"BPE\"", "\"BPE\",\"continuing_subword_prefix\":\"##\"")
                .contains("not supported")
        );
        for length in (0..text.len()).step_by(97) {
            assert!(Encoding::from_bytes(text.as_bytes()[..length].to_vec()).is_err());
        }
        assert!(matches!(
            Encoding::read(&BTreeMap::new()),
            Err(Error::Missing)
        ));
    }

    /// Where the models of `transformers` lie, from this file.
    fn fixture(name: &str) -> PathBuf {
        let here = Path::new(file!()).parent().unwrap();
        here.join("../../../tests/fixtures/gpt2").join(name)
    }

    #[test]
    fn texts_are_cut_as_in_the_library_that_made_the_vocabulary() {
        let encoding = Encoding::from_bytes(std::fs::read(fixture(FILE)).unwrap()).unwrap();
        let text = std::fs::read(fixture("encodings.json")).unwrap();
        let rows: Vec<Value> = serde_json::from_slice(&text).unwrap();
        assert!(rows.len() > 3);
        for row in rows {
            let text = row["text"].as_str().unwrap();
            let expected: Vec<u32> = serde_json::from_value(row["ids"].clone()).unwrap();
            assert_eq!(encoding.tokens(text).unwrap(), expected, "{text:?}");
        }
    }

    #[test]
    fn the_two_files_of_gpt_2_are_the_same_vocabulary() {
        let whole: Value = serde_json::from_slice(&std::fs::read(fixture(FILE)).unwrap()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("vocab.json"), whole["model"]["vocab"].to_string()).unwrap();
        let merges = whole["model"]["merges"].as_array().unwrap();
        let lines = merges.iter().map(|merge| match merge {
            Value::String(line) => line.clone(),
            pair => format!(
                "{} {}",
                pair[0].as_str().unwrap(),
                pair[1].as_str().unwrap()
            ),
        });
        let lines: Vec<String> = ["#version: 0.2".to_owned()]
            .into_iter()
            .chain(lines)
            .collect();
        std::fs::write(path("merges.txt"), lines.join("\n")).unwrap();
        let files = ["vocab.json", "merges.txt"].map(|name| (name.to_owned(), path(name)));
        let two = Encoding::read(&BTreeMap::from(files)).unwrap();
        let one = Encoding::read(&BTreeMap::from([(FILE.to_owned(), fixture(FILE))])).unwrap();
        let text = "32,3|16,12|3,19/32,12=32,34,6 345";
        assert_eq!(two.tokens(text), one.tokens(text));
        // What is kept of the two is one file, which is read like any other.
        let again = Encoding::from_bytes(two.bytes().to_vec()).unwrap();
        assert_eq!(again.tokens(text), one.tokens(text));
        assert_eq!(again.bytes(), two.bytes());
    }

    #[test]
    fn broken_vocabularies_never_stop_the_program() {
        let good = std::fs::read(fixture(FILE)).unwrap();
        let mut draws = crate::learn::random::stream(1, "broken vocabularies");
        let mut draw =
            |bound: usize| crate::learn::random::below(&mut draws, bound as u64) as usize;
        let mut read = 0;
        for _ in 0..1500 {
            let mut bad = good.clone();
            for _ in 0..1 + draw(3) {
                let place = draw(bad.len());
                bad[place] = match draw(3) {
                    0 => bad[draw(good.len())],
                    1 => b"0123456789\",[]{}: "[draw(18)],
                    _ => draw(256) as u8,
                };
            }
            if let Ok(encoding) = Encoding::from_bytes(bad) {
                read += 1;
                let _ = encoding.tokens("32,3|16,12/32,12=32,34 <|endoftext|>$");
            }
        }
        assert!(read > 0);
    }
}
