//! A safetensors file: its header is checked before anything is made of it, its tensors are read one at a time.
//!
//! A model may lie in one such file or in several, its shards. The header may say what it likes: nothing is allocated
//! but the header itself, which cannot be longer than the file, until its names and shapes were found to be those that
//! somebody needs.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::tensor::{Dtype, Metadata, TensorInfo};

/// An open file of tensors.
#[derive(Debug)]
pub struct Shard {
    path: PathBuf,
    file: File,
    /// Where the data of the tensors begins.
    first: u64,
    tensors: BTreeMap<String, TensorInfo>,
}

/// Why a file of tensors cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not one of tensors, or holds what cannot be used.
    #[error("{path} is no file of weights: {why}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// The longest header, as safetensors has it.
const LONGEST_HEADER: u64 = 100_000_000;

impl Shard {
    /// Opens a file and checks its header against itself and against the size of the file.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Malformed`] where it is cut short, too long, or contradicts itself.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let io = |source| Error::Io {
            path: path.into(),
            source,
        };
        let malformed = |why: String| Error::Malformed {
            path: path.into(),
            why,
        };
        let mut file = File::open(path).map_err(io)?;
        let size = file.metadata().map_err(io)?.len();
        if size < 8 {
            return Err(malformed(format!("{size} bytes are too few for a header")));
        }
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(io)?;
        let length = u64::from_le_bytes(length);
        if length > LONGEST_HEADER || length > size - 8 {
            return Err(malformed(format!(
                "it has {size} bytes, but its header claims to have {length}"
            )));
        }
        let mut header = vec![0; length as usize];
        file.read_exact(&mut header).map_err(io)?;
        // Reading it checks that the tensors follow each other without gaps, and that no size overflows.
        let header: Metadata =
            serde_json::from_slice(&header).map_err(|e| malformed(format!("its header: {e}")))?;
        let (claimed, data) = (header.data_len() as u64, size - 8 - length);
        if claimed != data {
            return Err(malformed(format!(
                "it has {data} bytes of data, but its header claims {claimed}"
            )));
        }
        let tensors = header.tensors().into_iter();
        Ok(Self {
            path: path.into(),
            file,
            first: 8 + length,
            tensors: tensors.map(|(name, info)| (name, info.clone())).collect(),
        })
    }

    /// Which file it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the header says of each tensor, by name.
    #[must_use]
    pub fn tensors(&self) -> &BTreeMap<String, TensorInfo> {
        &self.tensors
    }

    /// The numbers of a tensor, row-major.
    ///
    /// # Errors
    /// [`Error::Malformed`] where there is no such tensor, its numbers are neither `F32` nor `F16` nor `BF16`, or one of
    /// them is not finite.
    pub fn read(&mut self, name: &str) -> Result<Vec<f32>, Error> {
        let path = &self.path;
        let malformed = |why: String| Error::Malformed {
            path: path.clone(),
            why,
        };
        let Some(info) = self.tensors.get(name) else {
            return Err(malformed(format!("it has no tensor `{name}`")));
        };
        if !is_known(info.dtype) {
            return Err(malformed(format!(
                "`{name}` is of {:?}; F32, F16 and BF16 can be read",
                info.dtype
            )));
        }
        let (start, end) = info.data_offsets;
        let mut bytes = vec![0; end - start];
        let place = SeekFrom::Start(self.first + start as u64);
        let read = self.file.seek(place);
        read.and_then(|_| self.file.read_exact(&mut bytes))
            .map_err(|source| Error::Io {
                path: path.clone(),
                source,
            })?;
        let pair = |b: &[u8]| u16::from_le_bytes(b.try_into().expect("chunks have two bytes"));
        let numbers: Vec<f32> = match info.dtype {
            Dtype::F16 => (bytes.chunks_exact(2))
                .map(|b| f16::from_bits(pair(b)).to_f32())
                .collect(),
            Dtype::BF16 => (bytes.chunks_exact(2))
                .map(|b| bf16::from_bits(pair(b)).to_f32())
                .collect(),
            _ => (bytes.chunks_exact(4))
                .map(|b| f32::from_le_bytes(b.try_into().expect("chunks have four bytes")))
                .collect(),
        };
        if numbers.iter().any(|x| !x.is_finite()) {
            return Err(malformed(format!(
                "`{name}` has a number that is not finite"
            )));
        }
        Ok(numbers)
    }
}

/// The largest file that is read as a whole: descriptions and indices have a few megabytes at most.
const LARGEST: u64 = 1 << 28;

/// Reads a file that is not one of numbers as a whole.
///
/// # Errors
/// The file system's, and [`Error::Malformed`] where it is larger than such a file can be.
pub fn read_small(path: &Path) -> Result<Vec<u8>, Error> {
    let io = |source| Error::Io {
        path: path.into(),
        source,
    };
    let file = File::open(path).map_err(io)?;
    let mut bytes = Vec::new();
    let read = file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(io)?;
    if read as u64 > LARGEST {
        return Err(Error::Malformed {
            path: path.into(),
            why: format!("it has more than {LARGEST} bytes"),
        });
    }
    Ok(bytes)
}

/// Whether numbers of this type can be read.
#[must_use]
pub fn is_known(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16)
}

/// Writes tensors of `f32` in the given order, each as `numbers` gives it, row-major; one at a time is in memory. The
/// same tensors give the same bytes, and other programs read them.
///
/// # Errors
/// The file system's, and those of `numbers`.
///
/// # Panics
/// `numbers` gives another count than the shape says.
pub fn write<E: From<Error>>(
    path: &Path,
    shapes: &[(String, Vec<usize>)],
    mut numbers: impl FnMut(&str) -> Result<Vec<f32>, E>,
) -> Result<(), E> {
    let io = |source| Error::Io {
        path: path.into(),
        source,
    };
    let malformed = |why: String| Error::Malformed {
        path: path.into(),
        why,
    };
    let mut end = 0;
    let infos = shapes.iter().map(|(name, shape)| {
        let start = end;
        end += 4 * shape.iter().product::<usize>();
        let info = TensorInfo {
            dtype: Dtype::F32,
            shape: shape.clone(),
            data_offsets: (start, end),
        };
        (name.clone(), info)
    });
    // Others refuse a file that does not say so. One key only: the map's order would otherwise reach the bytes.
    let says = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let header =
        Metadata::new(Some(says), infos.collect()).map_err(|e| malformed(e.to_string()))?;
    let mut header = serde_json::to_vec(&header).map_err(|e| malformed(e.to_string()))?;
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut file = BufWriter::new(File::create(path).map_err(io)?);
    file.write_all(&(header.len() as u64).to_le_bytes())
        .and_then(|()| file.write_all(&header))
        .map_err(io)?;
    for (name, shape) in shapes {
        let numbers = numbers(name)?;
        assert_eq!(numbers.len(), shape.iter().product::<usize>(), "{name}");
        for chunk in numbers.chunks(4096) {
            let bytes: Vec<u8> = chunk.iter().flat_map(|x| x.to_le_bytes()).collect();
            file.write_all(&bytes).map_err(io)?;
        }
    }
    Ok(file.flush().map_err(io)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes() -> Vec<(String, Vec<usize>)> {
        vec![("b".to_owned(), vec![2, 3]), ("a".to_owned(), vec![1])]
    }

    fn numbers(name: &str) -> Result<Vec<f32>, Error> {
        Ok(match name {
            "b" => vec![1.0, -2.5, 3.0, 0.0, 5.0, 6.0],
            _ => vec![7.0],
        })
    }

    #[test]
    fn a_file_comes_back_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.safetensors");
        write(&path, &shapes(), numbers).unwrap();
        let mut shard = Shard::open(&path).unwrap();
        assert_eq!(shard.tensors()["b"].shape, [2, 3]);
        assert_eq!(shard.read("b").unwrap(), numbers("b").unwrap());
        assert_eq!(shard.read("a").unwrap(), [7.0]);
        assert!(shard.read("c").is_err());
        // Aligned, and readable by the library itself.
        let bytes = std::fs::read(&path).unwrap();
        let read = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(read.tensor("a").unwrap().data(), 7.0f32.to_le_bytes());
        assert_eq!(u64::from_le_bytes(bytes[..8].try_into().unwrap()) % 8, 0);
    }

    #[test]
    fn half_precision_is_read_as_it_is_meant() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.safetensors");
        let file = |dtype: &str, data: &[u8]| {
            let end = data.len();
            let header =
                format!(r#"{{"x":{{"dtype":"{dtype}","shape":[2],"data_offsets":[0,{end}]}}}}"#);
            let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
            bytes.extend_from_slice(header.as_bytes());
            bytes.extend_from_slice(data);
            std::fs::write(&path, bytes).unwrap();
            Shard::open(&path).unwrap().read("x")
        };
        assert_eq!(file("F16", &[0, 0x3e, 0, 0xc0]).unwrap(), [1.5, -2.0]);
        assert_eq!(file("BF16", &[0xc0, 0x3f, 0, 0xc0]).unwrap(), [1.5, -2.0]);
        let error = file("F16", &[0, 0x7c, 0, 0]).unwrap_err().to_string();
        assert!(
            error.contains("`x` has a number that is not finite"),
            "{error}"
        );
        let error = file("I16", &[0, 0, 0, 0]).unwrap_err().to_string();
        assert!(error.contains("F32, F16 and BF16 can be read"), "{error}");
    }

    #[test]
    fn a_broken_header_is_an_error_and_allocates_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.safetensors");
        write(&path, &shapes(), numbers).unwrap();
        let good = std::fs::read(&path).unwrap();
        let complain = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            Shard::open(&path).unwrap_err().to_string()
        };
        for length in 0..good.len() {
            complain(&good[..length]);
        }
        complain(&[&good[..], &[0]].concat());
        for length in [good.len() as u64, 99_999_999, u64::MAX] {
            let mut long = good.clone();
            long[..8].copy_from_slice(&length.to_le_bytes());
            let error = complain(&long);
            assert!(error.contains("its header claims to have"), "{error}");
        }
        let text = String::from_utf8_lossy(&good).into_owned();
        for (from, to) in [
            ("[2,3]", "[3,3]"),
            ("[2,3]", "[9999999999,9999999999]"),
            ("[0,24]", "[0,28]"),
            ("[0,24]", "[4,28]"),
            ("F32", "F33"),
        ] {
            let header = text[8..].split("}}").next().unwrap().replacen(from, to, 1) + "}}";
            let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
            bytes.extend_from_slice(header.as_bytes());
            bytes.extend_from_slice(&good[good.len() - 28..]);
            complain(&bytes);
        }
        assert!(Shard::open(&directory.path().join("none")).is_err());
    }
}
