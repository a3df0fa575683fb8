//! Where two long texts differ, such as queries: the first line in which they do, and of it the words around.

/// A text of more characters is not shown whole.
const LONG: usize = 60;
/// So many characters of a difference are shown on each side.
const SHOWN: usize = 50;

/// Whether a text is too long to be shown whole.
pub(super) fn is_long(text: &str) -> bool {
    text.contains('\n') || text.chars().nth(LONG).is_some()
}

/// What differs first between two texts: `sql, line 3: … AVG(loss) AS … → … MAX(loss) AS …`.
pub(super) fn text_difference(path: &str, before: &str, after: &str) -> String {
    let same = before.lines().zip(after.lines());
    let at = same.take_while(|(old, new)| old == new).count();
    let has_lines = before.lines().count().max(after.lines().count()) > 1;
    let place = if has_lines {
        format!("{path}, line {}", at + 1)
    } else {
        path.to_string()
    };
    match (before.lines().nth(at), after.lines().nth(at)) {
        (Some(old), Some(new)) => {
            let (old, new) = around_difference(old, new);
            if old == new {
                format!("{place}: only spaces changed")
            } else {
                format!("{place}: {old} → {new}")
            }
        }
        (Some(old), None) => format!("{place}: {} is gone", shortened(old)),
        (None, Some(new)) => format!("{place}: {} is new", shortened(new)),
        (None, None) => format!("{path}: only line breaks changed"),
    }
}

/// Of two lines the words that differ first and last and all between them, with a word on either side.
fn around_difference(old: &str, new: &str) -> (String, String) {
    let (old, new): (Vec<&str>, Vec<&str>) = (words(old), words(new));
    let start = common(old.iter(), new.iter());
    let rest = old.len().min(new.len()) - start;
    let end = common(old.iter().rev(), new.iter().rev()).min(rest);
    let (from, kept) = (start.saturating_sub(1), end.saturating_sub(1));
    let excerpt = |words: &[&str]| {
        let until = words.len() - kept;
        let opens = if from > 0 { "… " } else { "" };
        let closes = if kept > 0 { " …" } else { "" };
        let text = words[from..until].join(" ");
        format!("{opens}{}{closes}", shortened(&text))
    };
    (excerpt(&old), excerpt(&new))
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// How many words both begin with.
fn common<'a>(
    one: impl Iterator<Item = &'a &'a str>,
    other: impl Iterator<Item = &'a &'a str>,
) -> usize {
    one.zip(other).take_while(|(a, b)| a == b).count()
}

fn shortened(text: &str) -> String {
    let text = text.trim();
    if text.chars().nth(SHOWN).is_none() {
        return text.to_string();
    }
    let start: String = text.chars().take(SHOWN - 1).collect();
    format!("{start}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_differs_is_told_with_the_words_around() {
        let before = "SELECT method,\n  AVG(loss) AS loss, MAX(step) AS step\nFROM model";
        let after = before.replace("AVG(loss) AS", "MAX(loss) AS");
        assert_eq!(
            text_difference("sql", before, &after),
            "sql, line 2: AVG(loss) AS … → MAX(loss) AS …"
        );
        let longer = format!("{before}\nWHERE step > 10");
        assert_eq!(
            text_difference("sql", before, &longer),
            "sql, line 4: WHERE step > 10 is new"
        );
        assert_eq!(
            text_difference("sql", &longer, before),
            "sql, line 4: WHERE step > 10 is gone"
        );
        assert_eq!(
            text_difference("sql", before, &before.replace('\n', "\r\n")),
            "sql: only line breaks changed"
        );
    }

    #[test]
    fn of_one_long_line_the_difference_is_told_and_nothing_else() {
        let query = "SELECT \"method\", avg(exact) AS accuracy FROM \"$0\" WHERE step > 10 GROUP BY \"method\"";
        let told = |after: &str| text_difference("sql", query, after);
        assert_eq!(
            told(&query.replace("avg(exact)", "max(exact)")),
            "sql: … \"method\", avg(exact) AS … → … \"method\", max(exact) AS …"
        );
        assert_eq!(
            told(&query.replace(" WHERE step > 10", "")),
            "sql: … \"$0\" WHERE step > 10 GROUP … → … \"$0\" GROUP …"
        );
        assert_eq!(
            told(&format!("{query} LIMIT 3")),
            "sql: … \"method\" → … \"method\" LIMIT 3"
        );
    }

    #[test]
    fn other_spaces_are_told_as_such() {
        let (before, after) = ("SELECT  step\nFROM t", "SELECT step\nFROM t");
        assert_eq!(
            text_difference("sql", before, after),
            "sql, line 1: only spaces changed"
        );
    }

    #[test]
    fn texts_of_one_endless_word_or_of_none_are_told_in_few_characters() {
        for (before, after) in [
            ("é".repeat(500), "é".repeat(501)),
            ("a a a a".repeat(40), "a a".repeat(40)),
            (String::new(), "x ".repeat(200)),
            (" ".repeat(80), " ".repeat(90)),
        ] {
            for (old, new) in [(&before, &after), (&after, &before)] {
                let told = text_difference("text", old, new);
                assert!(told.chars().count() <= 2 * SHOWN + 30, "{told}");
            }
        }
    }
}
