//! What LaTeX sets for the characters beyond ASCII, from a table that was compiled with every engine.

use std::collections::BTreeMap;

/// The table; its first lines say where it comes from.
const TABLE: &str = include_str!("characters.tsv");

/// The code of a character; of the two one may be empty. `#` stands for the character before an accent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Code {
    /// In text.
    pub text: &'static str,
    /// In mathematics.
    pub math: &'static str,
    needs: &'static str,
}

impl Code {
    /// The packages that the code needs.
    pub(super) fn packages(self) -> impl Iterator<Item = &'static str> {
        self.needs.split(',').filter(|name| !name.is_empty())
    }
}

/// The code of each character.
pub(super) struct Characters(BTreeMap<char, Code>);

impl Characters {
    /// Reads the table.
    pub(super) fn read() -> Self {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
        Self(lines.filter_map(line).collect())
    }

    /// The code of a character, where all engines set it.
    pub(super) fn get(&self, c: char) -> Option<Code> {
        self.0.get(&c).copied()
    }
}

fn line(line: &'static str) -> Option<(char, Code)> {
    let mut fields = line.split('\t');
    let c = fields.next()?.chars().next()?;
    let code = Code {
        text: fields.next()?,
        math: fields.next()?,
        needs: fields.next()?,
    };
    Some((c, code))
}

/// Whether a character shows nothing: it joins its neighbours, or chooses their form.
pub(super) fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{fe0e}' | '\u{fe0f}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#')).count();
        let characters = Characters::read();
        assert_eq!(characters.0.len(), lines);
        for code in characters.0.values() {
            assert!(!(code.text.is_empty() && code.math.is_empty()), "{code:?}");
            for package in code.packages() {
                assert!(["amsmath", "amssymb", "T1"].contains(&package), "{package}");
            }
        }
    }

    #[test]
    fn what_papers_write_is_there() {
        let characters = Characters::read();
        let all = "αβγδεζηθικλμνξοπρςστυφχψωΓΔΘΛΞΠΣΦΨΩ₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻₊₋ⁿᵢ←→↑↓↔⇒⇔↦≤≥≈≠≡∼∝≪≫∈∉⊂⊆±×÷·∘√∞∂∇∑∏∫∀∃∅\
                   ℝℕℤℚℂ𝔼ℒ𝒩†‡§¶–—…“”‘’«»€£°‰™©®éèêëçñöüäåøßłżőšč✓✗★■□●○△▲½¼";
        let missing: String = all
            .chars()
            .filter(|c| characters.get(*c).is_none())
            .collect();
        assert_eq!(missing, "");
    }
}
