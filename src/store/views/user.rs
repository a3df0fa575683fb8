//! Whose ledgers and snapshots these are.

use std::path::Path;

use super::names::file_name;
use crate::store::Digest;

/// The project that uses a store, where it is not the only one.
#[derive(Debug, Clone, Default)]
pub(in crate::store) struct User(Option<Digest>);

impl User {
    /// The project in this folder, one of several.
    pub fn one_of_several(project: &Path) -> Self {
        let path = project.as_os_str().as_encoded_bytes();
        Self(Some(Digest::of_bytes(path)))
    }

    /// Whether others use the store too.
    pub fn is_shared(&self) -> bool {
        self.0.is_some()
    }

    /// The name of a file about a pipeline, without its extension. Another project's pipeline may have the same name.
    pub fn name_of(&self, pipeline: &str) -> String {
        let name = file_name(pipeline);
        match &self.0 {
            Some(user) => format!("{name}@{}", user.short()),
            None => name,
        }
    }
}
