//! Which of the known names was probably meant.

/// The known name nearest to `written`, if one is near enough to offer.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = written.to_lowercase();
    known
        .into_iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&lower, &name.to_lowercase()),
                name,
            )
        })
        .filter(|(distance, name)| {
            *distance <= 1 + name.chars().count().min(lower.chars().count()) / 4
        })
        .min_by_key(|(distance, name)| (*distance, name.to_string()))
        .map(|(_, name)| name)
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
    }

    #[test]
    fn a_name_that_is_near_nothing_gets_only_the_list() {
        let known = vec!["graph".to_owned(), "seed".to_owned()];
        assert_eq!(advice("zzz", "columns", &known), "columns: graph, seed");
    }
}
