//! By how much two sets of weights differ.

use std::path::Path;

use candle_core::{DType, Device, Tensor};

/// The largest absolute difference between weights of the same name in two files, and the name; in words where they do not
/// have the same names and shapes. `None` if they are equal or cannot be read.
pub fn difference(before: &Path, now: &Path) -> Option<String> {
    let before = candle_core::safetensors::load(before, &Device::Cpu).ok()?;
    let now = candle_core::safetensors::load(now, &Device::Cpu).ok()?;
    let mut names: Vec<&String> = now.keys().collect();
    names.sort();
    let mut largest = (0.0, String::new());
    for name in names {
        let (Some(old), new) = (before.get(name), &now[name]) else {
            return Some(format!("`{name}` is new"));
        };
        if old.shape() != new.shape() {
            return Some(format!("`{name}` has another shape"));
        }
        let by = farthest(old, new).ok()?;
        if by > largest.0 {
            largest = (by, name.clone());
        }
    }
    let (by, name) = largest;
    (by > 0.0).then(|| format!("by {by:.1e} at most, in `{name}`"))
}

fn farthest(old: &Tensor, new: &Tensor) -> candle_core::Result<f64> {
    let (old, new) = (old.to_dtype(DType::F64)?, new.to_dtype(DType::F64)?);
    match old.elem_count() {
        0 => Ok(0.0),
        _ => (old - new)?.abs()?.flatten_all()?.max(0)?.to_scalar(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn the_largest_difference_is_found_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, values: [f32; 3]| {
            let path = folder.path().join(name);
            let same = Tensor::new(&[1f32, 2.0], &Device::Cpu).unwrap();
            let head = Tensor::new(&values, &Device::Cpu).unwrap();
            let tensors = HashMap::from([("same".to_string(), same), ("head".to_string(), head)]);
            candle_core::safetensors::save(&tensors, &path).unwrap();
            path
        };
        let a = write("a", [1.0, 2.0, 3.0]);
        assert_eq!(difference(&a, &write("b", [1.0, 2.0, 3.0])), None);
        let said = difference(&a, &write("c", [1.5, 2.0, 3.25])).unwrap();
        assert_eq!(said, "by 5.0e-1 at most, in `head`");
    }
}
