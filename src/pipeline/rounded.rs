//! Numbers in what a verdict says of a row: four significant digits are enough to read, and the artifact keeps them all.

/// A row as `column = value, …` with its fractions in four significant digits; whole numbers stay as they are. A column that
/// repeats another, as `model_lr` does `lr`, is left out.
pub fn rounded(row: &str) -> String {
    let pairs: Vec<&str> = row.split(", ").collect();
    let columns: Vec<(&str, &str)> = pairs.iter().filter_map(|p| p.rsplit_once(" = ")).collect();
    let repeats = |(column, value): (&str, &str)| {
        let mut others = columns.iter();
        others.any(|(other, theirs)| *theirs == value && is_longer_name(column, other))
    };
    let pairs = pairs
        .iter()
        .filter_map(|pair| match pair.rsplit_once(" = ") {
            Some(known) if repeats(known) => None,
            Some((column, value)) => Some(format!("{column} = {}", rounded_value(value))),
            None => Some((*pair).to_string()),
        });
    pairs.collect::<Vec<_>>().join(", ")
}

/// Whether a name is another with its stage before it.
fn is_longer_name(name: &str, other: &str) -> bool {
    let stage = name.strip_suffix(other);
    stage.is_some_and(|stage| stage.len() > 1 && stage.ends_with('_'))
}

fn rounded_value(value: &str) -> String {
    match value.parse::<f64>() {
        Ok(number) if number.is_finite() && is_long_fraction(value) => in_four_digits(number),
        _ => value.to_string(),
    }
}

/// Whether a number is written with a point or a power of ten and more than four significant digits.
fn is_long_fraction(value: &str) -> bool {
    let mantissa = value.split('e').next().unwrap_or(value);
    let digits = mantissa.chars().filter(char::is_ascii_digit);
    let significant = digits.skip_while(|digit| *digit == '0').count();
    value.contains(['.', 'e']) && significant > 4
}

fn in_four_digits(number: f64) -> String {
    let number: f64 = format!("{number:.3e}")
        .parse()
        .expect("a number in digits is a number");
    // What is far from one is read more easily with its power of ten.
    let is_plain = number == 0.0 || (1e-4..1e15).contains(&number.abs());
    if is_plain {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_that_repeats_another_is_left_out() {
        assert_eq!(
            rounded("model_objective = reversed, objective = reversed, x = 0.4"),
            "objective = reversed, x = 0.4"
        );
        for row in [
            "model_lr = 0.1, lr = 0.2",
            "a = 1, b = 1",
            "subject = x, object = x",
            "_x = 1, x = 1",
        ] {
            assert_eq!(rounded(row), row);
        }
    }

    #[test]
    fn fractions_have_four_digits_and_all_else_stays() {
        let short = "version = 1.10, x = 2.0, p = 1e-7";
        assert_eq!(rounded(short), short);
        assert_eq!(
            rounded("loss = 0.038949396547595196, seed = 1234567, method = next-token"),
            "loss = 0.03895, seed = 1234567, method = next-token"
        );
        assert_eq!(
            rounded("lr = 1e-7, x = -12345.678, y = null"),
            "lr = 1e-7, x = -12350, y = null"
        );
        assert_eq!(
            rounded("p = 3.14159265e-12, q = NaN, r = 0.5"),
            "p = 3.142e-12, q = NaN, r = 0.5"
        );
        assert_eq!(
            rounded("a[seed=0.123456] failed"),
            "a[seed=0.123456] failed"
        );
    }
}
