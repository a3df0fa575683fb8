//! What to do about the problems that `etude check` finds: only of those that there are.

use std::collections::BTreeSet;

/// What to do about problems whose lines begin with one of these words. Those of other words say it themselves.
const REMEDIES: [(&[&str], &str); 3] = [
    (
        &["stale", "fewer", "missing", "left"],
        "`etude run`, then `etude publish`",
    ),
    (
        &["changed"],
        "restore the file, or remove it and run `etude publish`",
    ),
    (
        &["verdict"],
        "look at the claim and its table; `etude run` prints the rows that speak against it",
    ),
];

/// A line for each remedy that one of the problems needs, with the words for which it is.
pub fn remedies(problems: &[String]) -> Vec<String> {
    let words = problems.iter();
    let words = words.filter_map(|line| line.split_whitespace().next());
    let there: BTreeSet<&str> = words.collect();
    let needed = REMEDIES.iter().filter_map(|(words, remedy)| {
        let words = words.iter().copied();
        let words: Vec<&str> = words.filter(|word| there.contains(word)).collect();
        (!words.is_empty()).then(|| format!("to mend {}: {remedy}", words.join(", ")))
    });
    needed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[&str]) -> Vec<String> {
        remedies(
            &lines
                .iter()
                .map(|line| line.to_string())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn only_what_there_is_has_a_remedy_and_each_remedy_is_told_once() {
        assert_eq!(
            told(&["left     a.csv: …", "stale    b: …", "stale    c: …"]),
            ["to mend stale, left: `etude run`, then `etude publish`"]
        );
        assert_eq!(
            told(&["changed  missing.csv: …"]),
            ["to mend changed: restore the file, or remove it and run `etude publish`"]
        );
        assert_eq!(told(&["verdict  a: …", "fewer    seed: …"]).len(), 2);
        assert!(told(&["strange  a.csv: …", "profile  …"]).is_empty());
    }
}
