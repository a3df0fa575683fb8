//! The digest of bytes: BLAKE3, 256 bits, domain-separated, written as 64 hexadecimal digits.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

// The contexts are part of the format: a digest of one domain is never one of another.
const OBJECT: &str = "etude 2026-11 object v1";
const KEY: &str = "etude 2026-11 cache key v1";
const ARTIFACT: &str = "etude 2026-11 artifact v1";
const FAMILY: &str = "etude 2026-11 family v1";
const SEAL: &str = "etude 2026-11 seal v1";

/// A hash of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of a file's bytes, and how many they are.
    pub fn of_file(path: &Path) -> io::Result<(Self, u64)> {
        let mut file = File::open(path)?;
        let mut hasher = blake3::Hasher::new_derive_key(OBJECT);
        // Most files are small, and so is what is cleared for them; one byte more than there is shows the end.
        let length = file.metadata()?.len().saturating_add(1);
        let mut buffer = vec![0; length.clamp(1 << 10, 1 << 20) as usize];
        let mut size = 0;
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
            size += read as u64;
        }
        Ok((Self(hasher.finalize().into()), size))
    }

    /// The digest of bytes that are or could be a stored file.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(blake3::derive_key(OBJECT, bytes))
    }

    /// A cache key: the digest of a fingerprint in canonical form.
    pub fn of_key(bytes: &[u8]) -> Self {
        Self(blake3::derive_key(KEY, bytes))
    }

    /// The name of a family: the digest of what the fingerprints of its members share.
    pub fn of_family(bytes: &[u8]) -> Self {
        Self(blake3::derive_key(FAMILY, bytes))
    }

    pub(super) fn of_artifact(bytes: &[u8]) -> Self {
        Self(blake3::derive_key(ARTIFACT, bytes))
    }

    pub(super) fn of_sealed(bytes: &[u8]) -> Self {
        Self(blake3::derive_key(SEAL, bytes))
    }

    /// The first eight digits, for people.
    pub fn short(&self) -> String {
        self.to_string()[..8].to_string()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.short())
    }
}

/// Text that is not 64 hexadecimal digits.
#[derive(Debug, thiserror::Error)]
#[error("not a digest: it should be 64 hexadecimal digits")]
pub struct ParseDigestError;

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, ParseDigestError> {
        let hash = blake3::Hash::from_hex(text).map_err(|_| ParseDigestError)?;
        Ok(Self(hash.into()))
    }
}

impl JsonSchema for Digest {
    fn schema_name() -> Cow<'static, str> {
        "Digest".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back_and_domains_differ() {
        let digest = Digest::of_bytes(b"x");
        assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        assert_ne!(digest, Digest::of_key(b"x"));
        assert!("12".parse::<Digest>().is_err());
    }

    #[test]
    fn a_files_digest_is_that_of_its_bytes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"hello").unwrap();
        let (digest, size) = Digest::of_file(file.path()).unwrap();
        assert_eq!((digest, size), (Digest::of_bytes(b"hello"), 5));
    }
}
