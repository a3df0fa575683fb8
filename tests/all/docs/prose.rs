//! How long the sentences of a page are.
//!
//! Code, tables, headings, HTML and pictures are left out. A paragraph and an item of a list end a sentence, and so do `.`, `!`,
//! `?` and `:` before a space. A word is what stands between spaces and has a letter or a digit; code between backticks is one
//! word, and of a link only its text counts.

/// The number of words in the median sentence; of two in the middle, the longer.
pub fn median_sentence(text: &str) -> usize {
    let mut lengths: Vec<usize> = sentences(text)
        .iter()
        .map(|sentence| words(sentence))
        .collect();
    lengths.retain(|length| *length > 0);
    lengths.sort_unstable();
    assert!(!lengths.is_empty(), "a page without a sentence");
    lengths[lengths.len() / 2]
}

fn words(sentence: &str) -> usize {
    let words = sentence.split_whitespace();
    words
        .filter(|word| word.contains(char::is_alphanumeric))
        .count()
}

fn sentences(text: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    for paragraph in paragraphs(text) {
        let mut sentence = String::new();
        for word in plain(&paragraph).split_whitespace() {
            sentence.push_str(word);
            sentence.push(' ');
            let bare = word.trim_end_matches(['"', '\'', ')', '*', '_']);
            let is_short = ["e.g.", "i.e.", "vs.", "cf."].contains(&bare.trim_start_matches('('));
            if bare.ends_with(['.', '!', '?', ':']) && !is_short {
                sentences.push(std::mem::take(&mut sentence));
            }
        }
        sentences.push(sentence);
    }
    sentences
}

/// Paragraphs and items of lists, each on one line.
fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    let mut is_code = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("```") {
            is_code = !is_code;
            paragraphs.push(String::new());
            continue;
        }
        let is_left_out = ["#", "|", "<", "!["]
            .iter()
            .any(|start| line.starts_with(start));
        if is_code || line.is_empty() || is_left_out {
            paragraphs.push(String::new());
            continue;
        }
        let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_numbered = number.len() < line.len() && number.starts_with(". ");
        let item = ["- ", "* ", "> "]
            .iter()
            .find_map(|start| line.strip_prefix(start));
        let item = item.or(is_numbered.then(|| &number[2..]));
        if item.is_some() {
            paragraphs.push(String::new());
        }
        if let Some(last) = paragraphs.last_mut() {
            last.push_str(item.unwrap_or(line));
            last.push(' ');
        }
    }
    paragraphs
}

/// A text with each piece of code as one word, and without the targets of links.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for (at, piece) in text.split('`').enumerate() {
        if at % 2 == 1 {
            plain.push_str("code");
            continue;
        }
        let mut pieces = piece.split("](");
        plain.push_str(pieces.next().unwrap_or_default());
        for rest in pieces {
            plain.push_str(rest.split_once(')').map_or("", |(_, after)| after));
        }
    }
    plain.replace(['[', ']'], "")
}

#[test]
fn sentences_are_counted_as_a_reader_reads_them() {
    let lengths = |text: &str| -> Vec<usize> {
        let lengths = sentences(text).into_iter().map(|sentence| words(&sentence));
        lengths.filter(|length| *length > 0).collect()
    };
    assert_eq!(lengths("One two. Three\nfour five! Six?"), [2, 3, 1]);
    assert_eq!(
        lengths("# Left out\n\nOne two\n\n| a | b |\n\n```sh\nnot this\n```\nthree"),
        [2, 1]
    );
    assert_eq!(lengths("- one two\n- three\n  four\n1. five"), [2, 2, 1]);
    assert_eq!(lengths("Run `etude run a.toml` now. Next."), [3, 1]);
    assert_eq!(
        lengths("See [the two words](a/b.md), e.g. this – here."),
        [7]
    );
    assert_eq!(lengths("It takes 0.5 s, and a file a.toml too."), [9]);
}

#[test]
fn the_median_is_the_sentence_in_the_middle() {
    assert_eq!(median_sentence("One. One two. One two three four five."), 2);
    assert_eq!(median_sentence("One. One two three."), 3);
}
