//! What the stages lay beside a document.

use std::collections::{BTreeMap, BTreeSet};

use super::layout;
use crate::pipeline::{Given, ParamError};

/// What is laid beside a document, as far as it is known.
#[derive(Debug, Default)]
pub struct Beside {
    /// Every file of a stage by its path, with the name of its stage.
    pub made: BTreeMap<String, String>,
    /// The names of the stages that the document reads.
    pub given: BTreeSet<String>,
    /// Those of them whose files are not known yet.
    pub open: BTreeSet<String>,
}

/// What will lie beside the document, as far as it is known before anything runs.
pub fn expected(given: &[Given]) -> Beside {
    let mut beside = Beside::default();
    for one in given {
        beside.given.insert(one.name.clone());
        let folder = layout::folder(&one.name, &one.place);
        match &one.files {
            None => drop(beside.open.insert(one.name.clone())),
            Some(files) => {
                let laid = layout::laid(one.artifact, files.iter()).into_iter();
                let laid = laid.map(|(_, name)| (format!("{folder}/{name}"), one.name.clone()));
                beside.made.extend(laid);
            }
        }
    }
    beside
}

/// Jobs whose coordinates would be written alike in a path.
pub fn alike(given: &[Given]) -> Vec<ParamError> {
    let mut seen: BTreeMap<String, &Given> = BTreeMap::new();
    let mut errors = Vec::new();
    for one in given {
        let folder = layout::folder(&one.name, &one.place).to_lowercase();
        if seen.insert(folder.clone(), one).is_some() {
            let what = format!(
                "two jobs of `{}` would be laid in one folder, `{folder}`",
                one.name
            );
            let help = "rename a label: in a path, spaces and most signs become `-`";
            errors.push(ParamError::new("from", what).help(help));
        }
    }
    errors
}
