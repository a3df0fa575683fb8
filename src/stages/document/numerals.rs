//! The numerals in a text that could be results: those that no stage stands behind.
//!
//! Whether a numeral is a result only its author knows. What counts here is a judgement, which `docs/how-to/paper.md` tells.

use std::ops::Range;

use super::format::Format;
use super::scan::Scan;

/// Words behind which a number only tells which one.
const NUMBERED: &[&str] = &[
    "section",
    "sections",
    "sec.",
    "secs.",
    "§",
    "figure",
    "figures",
    "fig.",
    "figs.",
    "table",
    "tables",
    "tab.",
    "equation",
    "equations",
    "eq.",
    "eqs.",
    "appendix",
    "chapter",
    "chapters",
    "part",
    "theorem",
    "lemma",
    "corollary",
    "proposition",
    "definition",
    "algorithm",
    "example",
    "line",
    "lines",
    "page",
    "pages",
    "p.",
    "pp.",
    "step",
    "item",
    "note",
    "version",
    "v",
    "v.",
    "no.",
    "nr.",
    "number",
    "seed",
    "volume",
    "vol.",
    "problem",
    "question",
];

const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Units of a length on paper.
const LENGTHS: &[&str] = &[
    "pt", "bp", "em", "ex", "cm", "mm", "in", "pc", "sp", "px", "fr",
];

/// The numerals of a text that could be results.
pub fn numerals(format: Format, text: &str, scan: &Scan) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for piece in &scan.pieces {
        let mut at = piece.range.start;
        while let Some(offset) = text[at..piece.range.end].find(|c: char| c.is_ascii_digit()) {
            let start = at + offset;
            let mut end = digits(text, start, piece.range.end);
            if is_result(text, &(start..end), piece.is_math) {
                let rest = text[end..].trim_start_matches("\\,");
                let percent = ["\\%", "%"].into_iter().find(|p| rest.starts_with(p));
                // In LaTeX a bare one begins a comment.
                let percent = percent.filter(|p| p.len() == 2 || format != Format::Latex);
                end += percent.map_or(0, |p| text.len() - end - rest.len() + p.len());
                found.push(start..end);
            }
            at = end.min(piece.range.end);
        }
    }
    found.retain(|range| !line(text, range.start).contains(format.mark()));
    found.sort_by_key(|range| range.start);
    found.dedup();
    found
}

/// The line in which a byte lies.
fn line(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |at| at + 1);
    text[start..].lines().next().unwrap_or_default()
}

/// Where a number ends that begins here: digits, with single points, commas and thin spaces between them.
fn digits(text: &str, start: usize, most: usize) -> usize {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| at < most && bytes[at].is_ascii_digit();
    let mut end = start;
    loop {
        let is_inside = end < most && matches!(bytes[end], b'.' | b',') && is_digit(end + 1);
        if is_digit(end) || is_inside {
            end += 1;
        } else if end < most && text[end..].starts_with("\\,") && is_digit(end + 2) {
            end += 2;
        } else {
            return end + exponent(&text[end..most]);
        }
    }
}

/// The length of an exponent, as in `1.2e-3`.
fn exponent(rest: &str) -> usize {
    let Some(after) = rest.strip_prefix(['e', 'E']) else {
        return 0;
    };
    let unsigned = after.trim_start_matches(['-', '+']);
    let sign = after.len() - unsigned.len();
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let ends = !unsigned[digits..].starts_with(char::is_alphanumeric);
    if sign <= 1 && digits > 0 && ends {
        1 + sign + digits
    } else {
        0
    }
}

/// Whether a number is a factor: `2x`, `3.5×`, `10$\times$`.
fn is_factor(after: &str) -> bool {
    let after = after.trim_start_matches(['$', '~', ' ']);
    let rest = after.strip_prefix('x').or(after.strip_prefix('×'));
    let rest = rest.or(after.strip_prefix("\\times"));
    rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

fn is_result(text: &str, range: &Range<usize>, is_math: bool) -> bool {
    let (before, after) = (&text[..range.start], &text[range.end..]);
    let number = &text[range.clone()];
    let last = before.chars().next_back().unwrap_or(' ');
    let next = after.chars().next().unwrap_or(' ');
    // A part of a name: GPT-2, A100, x_1, 3D, 2nd, 12pt.
    let second = before.chars().rev().nth(1).unwrap_or(' ');
    let is_name = last.is_alphanumeric()
        || "_^@#/".contains(last)
        || last == '-' && second.is_alphabetic()
        || last == '{' && "_^".contains(second)
        || next.is_alphabetic() && !is_factor(after)
        || next == '_'
        || next == '-' && after[1..].starts_with(|c: char| c.is_alphabetic());
    if is_name || number.matches('.').count() > 1 {
        return false;
    }
    let after = after
        .trim_start_matches("\\,")
        .trim_start_matches(['~', ' ']);
    let word: String = after.chars().take_while(|c| c.is_alphabetic()).collect();
    // "0.82 in the test" has no inches: there a word follows.
    let is_spaced = next == ' ' || next == '~';
    let goes_on = after[word.len()..].starts_with(' ')
        && after[word.len()..]
            .trim_start()
            .starts_with(char::is_alphabetic);
    let is_preposition = word == "in" && is_spaced && goes_on;
    if LENGTHS.contains(&word.as_str()) && !is_preposition
        || after.starts_with("\\textwidth")
        || after.starts_with("\\linewidth")
    {
        return false;
    }
    let is_percent = after.starts_with('%') || after.starts_with("\\%");
    let before = before.trim_end_matches(['~', ' ']);
    let previous = before
        .rsplit(|c: char| c.is_whitespace() || "~({[".contains(c))
        .next();
    let previous = previous.unwrap_or_default().to_lowercase();
    if NUMBERED.contains(&previous.as_str()) {
        return false;
    }
    if number.contains(['.', 'e', 'E']) || is_percent {
        return true;
    }
    // "2x faster" is a result, and `2x` in a formula a term.
    if !is_math && is_factor(&text[range.end..]) {
        return true;
    }
    if is_math {
        return false;
    }
    let whole: String = number.chars().filter(char::is_ascii_digit).collect();
    let is_year = number.len() == 4 && (number.starts_with("19") || number.starts_with("20"));
    let is_date = MONTHS.contains(&word.to_lowercase().as_str())
        || MONTHS.contains(&previous.trim_end_matches(','));
    // Of a list, or of a citation: (1), 1), [12].
    let is_mark = whole.len() <= 2 && next == ')' || last == '[' && next == ']';
    !(is_year || is_date || is_mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(format: Format, text: &str) -> Vec<&str> {
        let scan = format.scan(text);
        let found = numerals(format, text, &scan).into_iter();
        found.map(|range| &text[range]).collect()
    }

    #[test]
    fn what_could_be_a_result_is_found() {
        let latex = |text| found(Format::Latex, text);
        assert_eq!(
            latex(r"0.82 and 82\% and 82.5\,\% of 1,000 or 1\,000"),
            ["0.82", r"82\%", r"82.5\,\%", "1,000", r"1\,000"]
        );
        assert_eq!(
            latex(r"$0.71 \pm 0.05$, $p < .05$, 3--5 seeds"),
            ["0.71", "0.05", "3", "5"]
        );
        assert_eq!(
            latex(r"2x faster, 3.5$\times$ slower, 1.2e-3 and 3E5"),
            ["2", "3.5", "1.2e-3", "3E5"]
        );
        assert_eq!(latex("a & 0.5 & 7 \\\\"), ["0.5", "7"]);
        assert_eq!(found(Format::Typst, "It is 82% of 0.5"), ["82%", "0.5"]);
        assert_eq!(found(Format::Quarto, "It is 82% of 0.5"), ["82%", "0.5"]);
        assert_eq!(found(Format::Typst, "#let accuracy = 0.82"), ["0.82"]);
    }

    #[test]
    fn names_places_dates_and_lengths_are_no_results() {
        let nothing: [&str; 0] = [];
        for text in [
            "GPT-2 on an A100, 3D, the 2nd, ResNet50",
            "Section 3, Figure~2, Table 1.2, Eq. (4), pp. 12",
            "in 2024, on 3 May 2026 and May 3, 2026",
            r"\vspace{2pt} 12 pt, \cite[p. 3]{a2024} \ref{tab:1}",
            "$x_1 + 2^{10} = n - 1$, where $d = 2$",
            "(1) first, 2) second [12]",
            "version 1.2.3 and v0.4",
            "0.82 % no result",
            "% 0.82",
        ] {
            assert_eq!(found(Format::Latex, text), nothing, "{text}");
        }
        assert_eq!(found(Format::Typst, "is 0.4 // no result"), nothing);
    }
}
