//! Command lines as a shell takes them apart, as far as documentation needs it.

/// The words of each line that begins with `etude `, up to what the shell keeps for itself: comments, pipes, redirections.
/// The error says which line cannot be taken apart.
pub fn command_lines(text: &str) -> Result<Vec<Vec<String>>, String> {
    // A backslash at the end of a line joins it with the next.
    let text = text.replace("\\\n", " ");
    let lines = text.lines().map(str::trim);
    let ours = lines.filter(|line| *line == "etude" || line.starts_with("etude "));
    let split = |line: &str| words(line).ok_or_else(|| format!("a quote does not end: {line}"));
    ours.map(split).collect()
}

fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        end if end == letter => break,
                        '\\' if letter == '"' => word.push(letters.next()?),
                        inside => word.push(inside),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(letters.next()?),
            '|' | '>' | '<' | ';' | '&' => break,
            '#' if word.is_none() => break,
            ' ' | '\t' => words.extend(word.take()),
            plain => word.get_or_insert_default().push(plain),
        }
    }
    words.extend(word);
    Some(words)
}

#[test]
fn words_are_what_a_shell_makes_of_them() {
    let words = |text: &str| command_lines(text).unwrap().concat();
    assert_eq!(words("etude run a.toml # b"), ["etude", "run", "a.toml"]);
    assert_eq!(
        words("etude log 'a b' \"c\\\"d\" e\\ f"),
        ["etude", "log", "a b", "c\"d", "e f"]
    );
    assert_eq!(
        words("etude graph a.toml > b.svg"),
        ["etude", "graph", "a.toml"]
    );
    assert_eq!(
        words("etude plan a.toml | head"),
        ["etude", "plan", "a.toml"]
    );
    assert_eq!(
        words("etude gc --budget='20 GB' a#b"),
        ["etude", "gc", "--budget=20 GB", "a#b"]
    );
    assert_eq!(words("etude run \\\n  a.toml"), ["etude", "run", "a.toml"]);
    assert_eq!(words("git add .\netudes\n"), Vec::<String>::new());
    assert!(command_lines("etude log 'a").is_err());
}
