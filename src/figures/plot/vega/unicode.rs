//! Mark-up as plain text: raised and lowered letters as the characters that Unicode has for them.

use crate::figures::plot::text::{Level, Piece, pieces};

/// Letters on the line, and raised.
const RAISED: &str = "0⁰1¹2²3³4⁴5⁵6⁶7⁷8⁸9⁹+⁺−⁻-⁻=⁼(⁽)⁾aᵃbᵇcᶜdᵈeᵉfᶠgᵍhʰiⁱjʲkᵏlˡmᵐnⁿoᵒpᵖrʳsˢtᵗuᵘvᵛwʷxˣyʸzᶻ\
                      AᴬBᴮDᴰEᴱGᴳHᴴIᴵJᴶKᴷLᴸMᴹNᴺOᴼPᴾRᴿTᵀUᵁVⱽWᵂβᵝγᵞδᵟθᶿφᵠχᵡ  ";
/// Letters on the line, and lowered.
const LOWERED: &str =
    "0₀1₁2₂3₃4₄5₅6₆7₇8₈9₉+₊−₋-₋=₌(₍)₎aₐeₑhₕiᵢjⱼkₖlₗmₘnₙoₒpₚrᵣsₛtₜuᵤvᵥxₓβᵦγᵧρᵨφᵩχᵪ  ";

/// The text of mark-up. What Unicode cannot raise or lower stands on the line after `^` or `_`, and slanted letters are upright.
pub(super) fn unicode(markup: &str) -> String {
    pieces(markup).iter().map(shown).collect()
}

/// What is lost of mark-up as plain text.
pub(super) fn lost(markup: &str) -> Option<&'static str> {
    let pieces = pieces(markup);
    if pieces
        .iter()
        .any(|piece| other_letters(piece) == Some(None))
    {
        Some("letters that Unicode cannot raise or lower stand on the line")
    } else if pieces.iter().any(|piece| piece.italic) {
        Some("slanted letters are upright")
    } else {
        None
    }
}

/// A raised or lowered piece in letters of its own; nothing inside if there are none.
fn other_letters(piece: &Piece) -> Option<Option<String>> {
    let pairs = match piece.level {
        Level::Line => return None,
        Level::Raised => RAISED,
        Level::Lowered => LOWERED,
    };
    let pairs: Vec<char> = pairs.chars().collect();
    let other = |c: char| {
        let mut pairs = pairs.chunks_exact(2);
        pairs.find(|pair| pair[0] == c).map(|pair| pair[1])
    };
    Some(piece.text.chars().map(other).collect())
}

fn shown(piece: &Piece) -> String {
    let sign = if piece.level == Level::Raised {
        '^'
    } else {
        '_'
    };
    match other_letters(piece) {
        None => piece.text.clone(),
        Some(Some(letters)) => letters,
        Some(None) if piece.text.chars().count() == 1 => format!("{sign}{}", piece.text),
        Some(None) => format!("{sign}({})", piece.text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raised_and_lowered_letters_are_those_of_unicode_where_it_has_them() {
        let shown = |markup: &str| unicode(markup);
        assert_eq!(shown("10^{−3} s^{-1}"), "10⁻³ s⁻¹");
        assert_eq!(shown("*p*_{max}"), "pₘₐₓ");
        assert_eq!(shown("x^{Q} y_{test set}"), "x^Q yₜₑₛₜ ₛₑₜ");
        assert_eq!(shown("a_{bd}"), "a_(bd)");
        assert_eq!(shown(r"snake\_case"), "snake_case");
        assert_eq!(RAISED.chars().count() % 2, 0);
        assert_eq!(LOWERED.chars().count() % 2, 0);
    }

    #[test]
    fn what_is_lost_is_said() {
        assert!(lost("a_{bd}").is_some_and(|why| why.contains("Unicode")));
        assert!(lost("*p*").is_some_and(|why| why.contains("slanted")));
        assert_eq!(lost("10^{−3}"), None);
    }
}
