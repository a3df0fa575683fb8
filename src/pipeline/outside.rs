//! The files of the user's that a parameter names, as a stage lists them.

use std::path::{Path, PathBuf};

use crate::store::scan;

/// The files at a path that a parameter names, in order: the file itself, all below a folder, or those that fit a pattern.
/// They are the very files whose contents are part of a result's identity.
///
/// # Errors
/// There is none, or one cannot be read.
pub fn files_at(path: &Path) -> Result<Vec<PathBuf>, String> {
    let found = scan(path).map_err(|error| error.to_string())?;
    Ok(found.into_values().map(|seen| seen.path).collect())
}
