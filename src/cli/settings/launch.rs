//! `[launch]` in `etude.toml`: a command that brings jobs to other machines.

use super::reader::{Key, Reader, Value};
use crate::run::Template;

/// Reads the table over what is known already.
pub fn read(reader: &mut Reader<'_>, key: &Key<'_>, value: &Value<'_>, template: &mut Template) {
    for (key, value) in reader.table(key, value) {
        match key.get_ref().as_ref() {
            "command" => {
                let words = reader.texts(key, value).unwrap_or_default();
                if words.iter().any(|word| word.contains("{spec}")) {
                    template.command = words;
                } else {
                    let what = "`command` is a list of words, one of which has `{spec}` for the job's file, such as \
                                `[\"srun\", \"{program}\", \"worker\", \"--cell\", \"{spec}\"]`";
                    reader.wrong(value, what.into());
                }
            }
            "jobs" => {
                let jobs = reader.number(key, value, 1, 100_000);
                template.jobs = jobs.unwrap_or(template.jobs);
            }
            _ => reader.unknown("[launch]", key, &["command", "jobs"]),
        }
    }
}
