//! The parts of etude that read what comes from outside.

#[path = "../../src/learn/mod.rs"]
pub mod learn;
#[path = "../../src/pipeline/mod.rs"]
pub mod pipeline;
#[path = "../../src/plan/mod.rs"]
pub mod plan;
#[path = "../../src/run/mod.rs"]
pub mod run;
#[path = "../../src/store/mod.rs"]
pub mod store;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A folder of this process, removed with the machine's other temporary files.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| tempfile::tempdir().expect("there is room for a folder").keep())
}
