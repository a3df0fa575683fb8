//! Names of commands: made of labels, and checked against those that TeX and LaTeX have.

/// Commands that a paper cannot define again.
const COMMANDS: &str = include_str!("commands.txt");

/// What is wrong with the name of a command, if anything.
pub(in crate::figures) fn problem(name: &str) -> Option<String> {
    if let Some(c) = name.chars().find(|c| !c.is_ascii_alphabetic()) {
        return Some(format!(
            "`{c}` cannot stand in the name of a command, which has the letters a to z and A to Z alone"
        ));
    }
    if name.is_empty() {
        return Some("the name of a command has at least one letter".to_owned());
    }
    if name.starts_with("end") {
        return Some(format!(
            "LaTeX lets no command begin with `end`, as `\\{name}` does"
        ));
    }
    is_taken(name).then(|| format!("`\\{name}` is a command of TeX, LaTeX or a package"))
}

fn is_taken(name: &str) -> bool {
    let mut lines = COMMANDS.lines().filter(|line| !line.starts_with('#'));
    lines.any(|line| line.split_whitespace().any(|command| command == name))
}

/// The part of a name that a text makes: its words with capitals, digits spelled out. `next-token` makes `NextToken`, `G(2, 5)`
/// makes `GTwoFive`. The character that cannot be spelled, if there is one.
pub(in crate::figures) fn name_part(text: &str) -> Result<String, char> {
    let chars: Vec<char> = text.chars().collect();
    let mut name = String::new();
    let mut is_new = true;
    for (at, c) in chars.iter().enumerate() {
        let is_digit = |at: usize| chars.get(at).is_some_and(char::is_ascii_digit);
        let after_digit = at > 0 && is_digit(at - 1);
        // After a letter or a digit a hyphen joins words, but for the exponent in 1e-4.
        let is_sign = at == 0
            || !chars[at - 1].is_ascii_alphanumeric()
            || (chars[at - 1] == 'e' && at > 1 && is_digit(at - 2));
        match c {
            'a'..='z' if is_new => {
                name.push(c.to_ascii_uppercase());
                is_new = false;
            }
            'a'..='z' | 'A'..='Z' => {
                name.push(*c);
                is_new = false;
            }
            '0'..='9' => {
                name.push_str(digit(*c));
                is_new = true;
            }
            '.' if after_digit && is_digit(at + 1) => name.push_str("Point"),
            '-' | '−' if is_digit(at + 1) && is_sign => {
                name.push_str("Minus");
                is_new = true;
            }
            '%' => {
                name.push_str("Percent");
                is_new = true;
            }
            c if c.is_ascii() => is_new = true,
            c => return Err(*c),
        }
    }
    Ok(name)
}

/// The same, with a small letter at the beginning.
pub(in crate::figures) fn word_part(text: &str) -> Result<String, char> {
    let name = name_part(text)?;
    let mut chars = name.chars();
    Ok(chars.next().map_or(String::new(), |first| {
        first.to_ascii_lowercase().to_string() + chars.as_str()
    }))
}

fn digit(c: char) -> &'static str {
    match c {
        '0' => "Zero",
        '1' => "One",
        '2' => "Two",
        '3' => "Three",
        '4' => "Four",
        '5' => "Five",
        '6' => "Six",
        '7' => "Seven",
        '8' => "Eight",
        _ => "Nine",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_make_names() {
        for (text, name) in [
            ("reversed", "Reversed"),
            ("next-token", "NextToken"),
            ("multi token_3", "MultiTokenThree"),
            ("G(2, 5)", "GTwoFive"),
            ("1e-4", "OneEMinusFour"),
            ("1e4", "OneEFour"),
            ("0.5", "ZeroPointFive"),
            ("-2", "MinusTwo"),
            ("3-4", "ThreeFour"),
            ("GPT-2 XL", "GPTTwoXL"),
            ("", ""),
        ] {
            assert_eq!(name_part(text).as_deref(), Ok(name), "{text}");
        }
        assert_eq!(name_part("α-net"), Err('α'));
        assert_eq!(word_part("exact_match").as_deref(), Ok("exactMatch"));
    }

    #[test]
    fn names_that_latex_has_are_refused() {
        for name in [
            "textbf",
            "relax",
            "pm",
            "alpha",
            "hsize",
            "endAccuracy",
            "acc1",
            "",
            "citep",
            "Re",
        ] {
            assert!(problem(name).is_some(), "{name}");
        }
        for name in ["accReversed", "accuracy", "loss"] {
            assert_eq!(problem(name), None);
        }
    }
}
