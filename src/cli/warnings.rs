//! What is not wrong with a pipeline and still not as it should be. It is told before a plan or a run.

use std::path::Path;

use super::check::some;
use super::{Source, err};
use crate::pipeline::{Pipeline, namesakes};

impl Source {
    /// Tells all warnings of a pipeline, a line each with its place.
    pub fn warn(&self, pipeline: &Pipeline) {
        let mut err = err();
        for warning in &pipeline.warnings {
            let place = warning.span.as_ref();
            let place = place.map_or(String::new(), |span| format!("{span:?}: "));
            let help = warning.help.as_ref();
            let help = help.map_or(String::new(), |help| format!("; {help}"));
            // Whoever closed the stream does not want to hear more.
            let _ = writeln!(err, "! {place}{warning}{help}");
        }
        if let Some(warning) = self.same_name(pipeline) {
            let _ = writeln!(err, "! {warning}");
        }
    }

    /// Says which other pipelines of the project show their results in the same folder.
    fn same_name(&self, pipeline: &Pipeline) -> Option<String> {
        let project = self.project();
        let beside = self.file.parent().unwrap_or(Path::new(""));
        let others = namesakes(&self.file, &pipeline.name, &[project.root(), beside]);
        let names: Vec<String> = others.iter().map(|p| p.display().to_string()).collect();
        (!names.is_empty()).then(|| {
            format!(
                "{}: other pipelines have the name `{}` too: {}; all show their results in {} and replace those of \
                 the others; give each its own `name`",
                self.file.display(),
                pipeline.name,
                some(&names),
                project.views(&pipeline.name).display()
            )
        })
    }
}
