//! Plain data that carries the digest of its own text, so that one that was changed by so much as a bit is known for it.
//!
//! A sealed file is JSON whose last entry is `"check"`. It stands at the end and looks always the same, so that the text
//! before it can be held against it byte by byte before anything is parsed.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Digest;

const BEFORE: &str = ",\n  \"check\": \"";
const AFTER: &str = "\"\n}";
const DIGITS: usize = 64;

/// The text of plain data that has entries, sealed.
pub fn seal<T: Serialize>(data: &T) -> Vec<u8> {
    let text = serde_json::to_string_pretty(data).expect("plain data");
    let open = text.strip_suffix("\n}").expect("an object with entries");
    let check = Digest::of_sealed(open.as_bytes());
    format!("{open}{BEFORE}{check}{AFTER}").into_bytes()
}

/// Reads what was sealed. One that bears no seal is from before there were seals, and then has none but these entries; with
/// an empty list there is none such. The error says what is wrong.
pub fn unseal<T: DeserializeOwned>(bytes: &[u8], unsealed: &[&str]) -> Result<T, String> {
    let not = |error: serde_json::Error| format!("it is not what it should be: {error}");
    if let Some((open, check)) = split(bytes) {
        if Digest::of_sealed(open).to_string().as_bytes() != check {
            return Err("its text is not the one that was written".into());
        }
        let text = [open, b"\n}"].concat();
        return serde_json::from_slice(&text).map_err(not);
    }
    let data: Value = serde_json::from_slice(bytes).map_err(not)?;
    let entries = data.as_object().ok_or("it is not a table")?;
    let strange = entries.keys().find(|key| !unsealed.contains(&key.as_str()));
    match strange {
        Some(key) => Err(format!("its seal is broken (`{key}`)")),
        None if unsealed.is_empty() => Err("it bears no seal".into()),
        None => serde_json::from_slice(bytes).map_err(not),
    }
}

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = bytes.strip_suffix(AFTER.as_bytes())?;
    let (rest, check) = rest.split_at_checked(rest.len().checked_sub(DIGITS)?)?;
    Some((rest.strip_suffix(BEFORE.as_bytes())?, check))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    type Data = BTreeMap<String, f64>;

    #[test]
    fn what_is_sealed_reads_back_and_not_once_a_bit_is_another() {
        let data = Data::from([("a".to_string(), 0.1), ("b".to_string(), 2.0)]);
        let text = seal(&data);
        assert_eq!(unseal::<Data>(&text, &["a"]).unwrap(), data);
        let plain: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(plain["b"], 2.0);
        for at in 0..text.len() * 8 {
            let mut other = text.clone();
            other[at / 8] ^= 1 << (at % 8);
            let read = unseal::<Data>(&other, &["a", "b"]);
            assert!(read.is_err(), "bit {at}: {read:?}");
        }
        for cut in 0..text.len() {
            assert!(unseal::<Data>(&text[..cut], &["a", "b"]).is_err());
        }
        let longer = [&text[..], b"\n"].concat();
        assert!(unseal::<Data>(&longer, &["a", "b"]).is_err());
    }

    #[test]
    fn what_bears_no_seal_is_read_only_where_it_may_be_older_than_seals() {
        let text = br#"{ "a": 1.0 }"#;
        assert_eq!(unseal::<Data>(text, &["a"]).unwrap()["a"], 1.0);
        assert!(unseal::<Data>(text, &["b"]).is_err());
        assert!(unseal::<Data>(text, &[]).is_err());
        assert!(unseal::<Data>(b"{}", &[]).is_err());
    }
}
