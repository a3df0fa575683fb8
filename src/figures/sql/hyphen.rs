//! Names with a hyphen, which SQL reads as differences: one problem for each, and what to write.

use super::problem::{QUOTES, SqlProblem};

/// Tells of a missing name that is part of a name with hyphens once, with what to write; the rest of that name is not told.
pub fn hyphens_told(text: &str, problems: Vec<SqlProblem>) -> Vec<SqlProblem> {
    let mut told: Vec<SqlProblem> = Vec::new();
    // What was told last: its line, and where it ends.
    let mut last = (0, 0);
    for mut problem in problems {
        if problem.line == last.0 && problem.column < last.1 {
            continue;
        }
        let is_missing =
            problem.message.starts_with("no column") || problem.message.starts_with("no table");
        if let Some(name) = name_at(text, problem.line, problem.column).filter(|_| is_missing) {
            let stage = name.split('.').next().unwrap_or(&name);
            problem.message = format!("`{name}` is read as a difference");
            problem.help = if problem.help.starts_with(QUOTES) {
                format!("{QUOTES}: '{name}'")
            } else {
                format!(
                    "a stage `{stage}` is the table `{}` in SQL; a column with a hyphen stands in double quotes: \"{stage}\"",
                    stage.replace('-', "_")
                )
            };
            last = (problem.line, problem.column + name.chars().count());
        }
        told.push(problem);
    }
    told
}

/// The name at a place, if it has a hyphen without spaces around it.
fn name_at(text: &str, line: usize, column: usize) -> Option<String> {
    let line = text.lines().nth(line - 1)?;
    let rest = line.chars().skip(column - 1);
    let name: String = rest
        .take_while(|c| c.is_alphanumeric() || "_-.".contains(*c))
        .collect();
    let mut parts = name.split('-');
    let is_word = |part: &str| part.starts_with(|c: char| c.is_alphabetic() || c == '_');
    (name.contains('-') && parts.all(is_word)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(column: usize, message: &str) -> SqlProblem {
        SqlProblem {
            line: 2,
            column,
            message: message.to_owned(),
            help: String::new(),
        }
    }

    #[test]
    fn a_name_with_a_hyphen_is_told_once_with_what_to_write() {
        let text = "SELECT\n AVG(my-curve.exact), a - b, x-1 FROM t";
        let problems = vec![
            problem(6, "no column `my`"),
            problem(9, "no table `curve` in this FROM"),
            problem(23, "no column `a`"),
            problem(30, "no column `x`"),
        ];
        let told = hyphens_told(text, problems);
        let messages: Vec<&str> = told.iter().map(|p| p.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "`my-curve.exact` is read as a difference",
                "no column `a`",
                "no column `x`"
            ]
        );
        assert!(told[0].help.contains("`my_curve`"), "{}", told[0].help);
    }

    #[test]
    fn a_text_with_a_hyphen_and_without_quotes_is_advised_single_quotes() {
        let mut meant_as_text = problem(11, "no column `next`");
        meant_as_text.help = format!("{QUOTES}: 'next'; columns: method");
        let told = hyphens_told("SELECT\n method = next-token", vec![meant_as_text]);
        assert_eq!(told[0].message, "`next-token` is read as a difference");
        assert_eq!(told[0].help, "text stands in single quotes: 'next-token'");
    }
}
