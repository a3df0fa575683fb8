//! Which program this process runs.
//!
//! A program can be replaced while a run goes on. A worker that is started from its path is then another one, and its results
//! would stand under the fingerprints of this. So a worker is started from the very file that the engine runs, where the
//! system names it. It also has to tell its engine which file it runs itself.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The file that a process runs, whatever lies at its path by now.
const OWN: &str = "/proc/self/exe";

/// What starts this very program once more.
///
/// # Errors
/// The system does not tell where the program lies.
pub fn this_program() -> io::Result<PathBuf> {
    if Path::new(OWN).exists() {
        Ok(OWN.into())
    } else {
        std::env::current_exe()
    }
}

/// A command that starts a program.
pub(super) fn start(program: &Path) -> Command {
    let mut command = Command::new(program);
    #[cfg(unix)]
    if program == Path::new(OWN) {
        use std::os::unix::process::CommandExt;
        // Lists of processes show it by its name.
        command.arg0(env!("CARGO_PKG_NAME"));
    }
    command
}

/// A digest of what tells the file that this process runs from every other: where it lies on which disk, how long it is
/// and when it was written. Nothing is read of it, for every worker would have to.
pub(super) fn identity() -> &'static str {
    static IDENTITY: OnceLock<String> = OnceLock::new();
    IDENTITY.get_or_init(|| {
        let program = this_program().and_then(fs::metadata);
        program.map_or_else(|_| "unknown".into(), |metadata| digest(&metadata))
    })
}

fn digest(metadata: &Metadata) -> String {
    #[cfg(unix)]
    let place = {
        use std::os::unix::fs::MetadataExt;
        (metadata.dev(), metadata.ino())
    };
    #[cfg(not(unix))]
    let place = ();
    let told = format!(
        "{place:?} {} {:?}",
        metadata.len(),
        metadata.modified().ok()
    );
    blake3::hash(told.as_bytes()).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_takes_the_place_of_another_has_another_identity() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        let of = |path: &Path| digest(&fs::metadata(path).unwrap());
        fs::write(&path, "one").unwrap();
        let (first, open) = (of(&path), fs::File::open(&path).unwrap());
        assert_eq!(of(&path), first);
        let other = folder.path().join("other");
        fs::write(&other, "two").unwrap();
        fs::rename(&other, &path).unwrap();
        assert_ne!(of(&path), first);
        assert_eq!(digest(&open.metadata().unwrap()), first);
        assert_eq!(identity(), identity());
        assert_ne!(identity(), "unknown");
    }
}
