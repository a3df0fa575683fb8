//! `[machines.NAME]` in `etude.toml`: machines that jobs may run on, reached by ssh.

use super::reader::{CardsSetting, Key, Reader, Value};
use crate::pipeline::parse_size;
use crate::run::Machine;

const KEYS: [&str; 5] = ["host", "ssh", "cores", "memory", "cards"];

/// Reads the table over what is known already: a machine of the same name takes the other's place.
pub fn read(
    reader: &mut Reader<'_>,
    key: &Key<'_>,
    value: &Value<'_>,
    machines: &mut Vec<Machine>,
) {
    for (name, value) in reader.table(key, value) {
        let mut machine = Machine {
            name: name.get_ref().to_string(),
            host: None,
            ssh: Vec::new(),
            cores: 0,
            memory: u64::MAX,
            cards: Vec::new(),
        };
        for (key, value) in reader.table(name, value) {
            match key.get_ref().as_ref() {
                "host" => machine.host = reader.text(key, value, host),
                "ssh" => machine.ssh = reader.texts(key, value).unwrap_or_default(),
                "cores" => machine.cores = reader.number(key, value, 1, 4096).unwrap_or(1),
                "memory" => {
                    let memory = reader.text(key, value, parse_size);
                    machine.memory = memory.unwrap_or(machine.memory);
                }
                "cards" => {
                    machine.cards = match reader.cards(key, value) {
                        Some(CardsSetting::Count(count)) => {
                            (0..count).map(|at| at.to_string()).collect()
                        }
                        Some(CardsSetting::Named(names)) => names,
                        None => Vec::new(),
                    };
                }
                _ => reader.unknown("a machine", key, &KEYS),
            }
        }
        if machine.cores == 0 {
            let name = &machine.name;
            reader.wrong(
                value,
                format!("`{name}` needs `cores`, how many jobs may use of it"),
            );
        }
        machines.retain(|other| other.name != machine.name);
        machines.push(machine);
    }
}

/// A host as ssh takes it, which must not look like one of its options.
fn host(text: &str) -> Result<String, String> {
    if text.is_empty() || text.starts_with('-') || text.contains(char::is_whitespace) {
        return Err("`host` is a name that ssh knows, such as `gpu1` or `me@gpu1`".into());
    }
    Ok(text.into())
}
