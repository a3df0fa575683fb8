//! Which of the known names was probably meant.

/// What others call what is called otherwise here: functions of SQL.
const WORDS: &[(&[&str], &str)] = &[
    (&["average"], "avg"),
    (&["std", "stdev", "sd"], "stddev"),
    (&["var"], "variance"),
    (
        &["percentile", "quantile", "percentile_cont"],
        "quantile_cont",
    ),
    (&["ci", "conf_int", "confidence_interval"], "ci95"),
    (&["iif", "case_when"], "if"),
    (&["nvl"], "coalesce"),
    (&["group_concat", "listagg"], "string_agg"),
    (&["argmax"], "arg_max"),
    (&["argmin"], "arg_min"),
    (&["n_runs", "num_runs"], "runs"),
];

/// The known name that was probably meant by `written`, if one is near: what others call it, or a slip of the fingers.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = written.to_lowercase();
    let word = WORDS
        .iter()
        .find(|(words, _)| words.contains(&lower.as_str()));
    let meaning = word.map(|(_, meaning)| *meaning);
    let near = known.into_iter().filter_map(|name| {
        let other = name.to_lowercase();
        if Some(other.as_str()) == meaning {
            return Some((0, name));
        }
        let longest = lower.chars().count().max(other.chars().count());
        // Other digits are another name, and no slip.
        let distance = strsim::damerau_levenshtein(&lower, &other);
        let is_near = distance <= slips(longest) && digits(&lower).eq(digits(&other));
        is_near.then_some((distance, name))
    });
    let nearest = near.min_by_key(|(distance, name)| (*distance, name.to_string()))?;
    Some(nearest.1)
}

/// So many slips are likely in a word of so many letters: none in two, where one makes another word.
fn slips(letters: usize) -> usize {
    const MOST: usize = 2;
    ((letters + 1) / 4).min(MOST)
}

fn digits(word: &str) -> impl Iterator<Item = char> {
    word.chars().filter(char::is_ascii_digit)
}

/// One sentence of advice: the nearest name if there is one, and all there are.
pub fn advice(written: &str, noun: &str, known: &[String]) -> String {
    let list = if known.is_empty() {
        format!("there are no {noun}")
    } else {
        format!("{noun}: {}", known.join(", "))
    };
    match nearest(written, known.iter().map(String::as_str)) {
        Some(name) => format!("did you mean `{name}`? ({list})"),
        None => list,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swapped_letter_is_still_recognised() {
        assert_eq!(nearest("accuarcy", ["accuracy", "seed"]), Some("accuracy"));
        assert_eq!(nearest("ACCURACY", ["accuracy", "seed"]), Some("accuracy"));
    }

    #[test]
    fn another_name_is_not_taken_for_a_slip() {
        for (written, known) in [
            ("mean", "median"),
            ("b", "a"),
            ("log2", "log10"),
            ("sum", "min"),
        ] {
            assert_eq!(nearest(written, [known]), None, "{written}");
        }
    }

    #[test]
    fn functions_of_other_tools_lead_to_ours() {
        let known = ["avg", "median", "stddev", "count"];
        assert_eq!(nearest("average", known), Some("avg"));
        assert_eq!(nearest("STD", known), Some("stddev"));
        assert_eq!(nearest("len", known), None);
    }

    #[test]
    fn a_name_that_is_near_nothing_gets_only_the_list() {
        let known = vec!["graph".to_owned(), "seed".to_owned()];
        assert_eq!(advice("zzz", "columns", &known), "columns: graph, seed");
    }
}
