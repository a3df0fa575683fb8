//! `[slurm]` in `etude.toml`: what is to be known of a cluster.

use std::time::Duration;

use super::reader::{Key, Reader, Value, parse_time};
use crate::run::Cluster;

const KEYS: [&str; 11] = [
    "cores",
    "engine",
    "partition",
    "account",
    "sbatch",
    "setup",
    "cards",
    "jobs",
    "array",
    "pack",
    "poll",
];

/// Reads the table over what is known already.
pub fn read(reader: &mut Reader<'_>, key: &Key<'_>, value: &Value<'_>, cluster: &mut Cluster) {
    for (key, value) in reader.table(key, value) {
        match key.get_ref().as_ref() {
            "partition" => cluster.partition = reader.text(key, value, word),
            "account" => cluster.account = reader.text(key, value, word),
            "sbatch" => set(&mut cluster.sbatch, options(reader, key, value)),
            "engine" => set(&mut cluster.engine, options(reader, key, value)),
            "setup" => set(&mut cluster.setup, reader.texts(key, value)),
            "cards" => cluster.cards = reader.text(key, value, cards),
            "cores" => set(&mut cluster.cores, reader.number(key, value, 1, 4096)),
            "jobs" => set(&mut cluster.jobs, reader.number(key, value, 1, 100_000)),
            "array" => set(&mut cluster.array, reader.number(key, value, 1, 100_000)),
            "pack" => set(&mut cluster.pack, reader.number(key, value, 1, 10_000)),
            "poll" => set(&mut cluster.poll, reader.text(key, value, pause)),
            _ => reader.unknown("[slurm]", key, &KEYS),
        }
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn word(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Err("it is a name, without spaces".into());
    }
    Ok(text.into())
}

/// Options of `sbatch` that are not etude's own to set.
fn options(reader: &mut Reader<'_>, key: &Key<'_>, value: &Value<'_>) -> Option<Vec<String>> {
    const OWN: [&str; 8] = [
        "--clusters",
        "--array",
        "--job-name",
        "--output",
        "--chdir",
        "--parsable",
        "--open-mode",
        "--wrap",
    ];
    const OWN_SHORT: [&str; 5] = ["-a", "-J", "-o", "-D", "-M"];
    let options = reader.texts(key, value)?;
    for option in &options {
        let name = option.split('=').next().unwrap_or_default();
        let wrong = if !option.starts_with('-') {
            format!("`{option}` is no option; write each as one word: `--qos=long`")
        } else if is_own(name, &OWN, &OWN_SHORT) {
            format!("`{name}` is not to be set: etude finds its jobs by what it sets itself")
        } else {
            continue;
        };
        reader.wrong(value, wrong);
        return None;
    }
    Some(options)
}

/// Whether an option is one of these; `sbatch` takes long ones shortened, and values right behind short ones.
fn is_own(name: &str, long: &[&str], short: &[&str]) -> bool {
    let is_long = |own: &&str| name.len() > 3 && own.starts_with(name);
    let is_short = |own: &&str| !name.starts_with("--") && name.starts_with(*own);
    long.iter().any(is_long) || short.iter().any(is_short)
}

fn cards(text: &str) -> Result<String, String> {
    if text.starts_with('-') && text.contains("{n}") {
        return Ok(text.into());
    }
    Err("`cards` is the option by which cards are asked for, with `{n}` for how many, such as `--gres=gpu:{n}`".into())
}

fn pause(text: &str) -> Result<Duration, String> {
    let pause = parse_time(text)?;
    if pause < Duration::from_secs(1) {
        return Err("Slurm may be asked once a second at the most; every 15 s is polite".into());
    }
    Ok(pause)
}
