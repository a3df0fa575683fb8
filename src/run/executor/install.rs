//! What stands below the folder of submitted jobs beside them: copies of this program, arrays, and what engines print.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The folder of copies of this program.
const PROGRAMS: &str = "programs";
/// The folder of arrays: what each cell is to do, and what it prints.
pub(super) const ARRAYS: &str = "arrays";
/// The folder of what engines print that are jobs themselves.
pub(super) const ENGINES: &str = "engines";

/// The digest of a program's bytes.
pub fn digest_of(program: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    io::copy(&mut fs::File::open(program)?, &mut hasher)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// Where the copy of the program lies or will lie.
pub(super) fn installed(program: &Path, folder: &Path) -> io::Result<PathBuf> {
    let digest = digest_of(program)?;
    Ok(folder.join(PROGRAMS).join(&digest[..16]).join("etude"))
}

/// Puts a copy of the program where every node finds it, under the digest of its bytes: by the time a job begins, another may
/// have been built in its place.
pub(super) fn install(program: &Path, folder: &Path) -> io::Result<PathBuf> {
    let path = installed(program, folder)?;
    if let Ok(copy) = fs::File::open(&path) {
        // By that it is known to be in use; a store that cannot be written to has no jobs.
        let _ = copy.set_modified(SystemTime::now());
        return Ok(path);
    }
    let folder = path.parent().unwrap_or(folder);
    fs::create_dir_all(folder)?;
    let copy = tempfile::Builder::new()
        .prefix(".new-")
        .tempfile_in(folder)?;
    fs::copy(program, copy.path())?;
    // It runs from a copy that nobody writes to any more.
    copy.into_temp_path().persist(&path)?;
    Ok(path)
}
