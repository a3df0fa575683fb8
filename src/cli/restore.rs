//! `etude restore`: what was published goes back into a store, so that figures can be drawn anew without training.
//!
//! Every published job gets its record back. The bytes of its artifact are taken from the published files: those that are files
//! of the artifact, and tables, which are written anew from their numbers in CSV. Only bytes whose digest is the recorded one are
//! taken. An artifact that cannot be had whole is known without its bytes, as one that was released after use.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use clap::Args;

use super::publish::{PARQUET, Place, what_is_published};
use super::{Failure, SourceArgs};
use crate::figures::csv::types;
use crate::store::{
    Adopted, Digest, Error, Lookup, Origin, Provenance, Record, Store, StoredFile, read_named,
};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  etude restore paper.toml
  etude restore paper.toml --outputs results

Exit codes:
  0   all that is published is in the store
  1   something was left, nothing is published, or an error
  64  wrong usage")]
pub struct Restore {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    place: Place,
}

/// How long the locks of jobs are waited for that somebody else works on.
const PATIENCE: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_millis(50);

impl Restore {
    pub fn run(self) -> Result<u8, Failure> {
        let source = self.source.alone("restore")?;
        let pipeline = source.read()?;
        let folder = self.place.of(&source, &pipeline.name);
        let provenance = what_is_published(&folder, &pipeline.name)?;
        let store = source.project().store();
        store.prepare()?;
        if let Some(why) = store.only_read() {
            return Err(Failure::Message(format!(
                "nothing is restored: the store can only be read ({why})"
            )));
        }
        let published = Published {
            folder: &folder,
            provenance: &provenance,
            store: &store,
        };
        let tally = published.restore_all()?;
        let mut ledger = store.ledgers().of(&pipeline.shown);
        for (job, origin) in &provenance.jobs {
            // Where a job ran here, its ledger says what it was last.
            ledger.jobs.entry(job.clone()).or_insert(origin.key);
        }
        store.ledgers().save(&pipeline.shown, &mut ledger)?;
        let mut lines = tally.lines(&folder);
        let theirs = (&provenance.profile, &provenance.set);
        if theirs != (&source.options.profile, &source.options.set) {
            lines.push(format!(
                "published with {}; give the same to `etude plan` and `etude run`",
                options(&provenance)
            ));
        }
        let mut out = super::out();
        for line in lines {
            // Whoever closed the stream does not want to hear more.
            let _ = writeln!(out, "{line}");
        }
        Ok(u8::from(!tally.left.is_empty()))
    }
}

/// The options with which something was published, in words.
fn options(provenance: &Provenance) -> String {
    let profile = provenance.profile.iter();
    let profile = profile.map(|profile| format!("`--profile {profile}`"));
    let set = provenance.set.iter().map(|set| format!("`--set {set}`"));
    let options: Vec<String> = profile.chain(set).collect();
    match options.as_slice() {
        [] => "no `--profile` and no `--set`".to_string(),
        options => options.join(" "),
    }
}

/// What became of a published job.
enum Restored {
    /// Its record and all its bytes are in the store.
    Whole,
    /// Its record is in the store.
    Known,
    /// It was in the store.
    There,
    /// The store has another artifact under its key.
    Differs,
    /// Somebody else works on it.
    Busy,
}

/// What became of all of them.
#[derive(Default)]
struct Tally {
    whole: usize,
    known: usize,
    there: usize,
    /// What could not be taken, and why, a line each.
    left: Vec<String>,
}

impl Tally {
    fn add(&mut self, job: &str, restored: &Restored) {
        match restored {
            Restored::Whole => self.whole += 1,
            Restored::Known => self.known += 1,
            Restored::There => self.there += 1,
            Restored::Differs => self.left.push(format!(
                "left     {job}: it left other bytes here, which stay; what was made of the published ones is not reached from them"
            )),
            Restored::Busy => self.left.push(format!("left     {job}: somebody runs it now")),
        }
    }

    fn lines(&self, folder: &Path) -> Vec<String> {
        let mut lines = self.left.clone();
        let parts = [
            (self.whole, "restored whole"),
            (self.known, "known without their bytes"),
            (self.there, "in the store already"),
        ];
        let parts = parts.iter().filter(|(n, _)| *n > 0);
        let parts: Vec<String> = parts.map(|(n, what)| format!("{n} {what}")).collect();
        let parts = match parts.as_slice() {
            [] => "none restored".to_string(),
            parts => parts.join(", "),
        };
        lines.push(format!("jobs published in {}: {parts}", folder.display()));
        if self.known > 0 {
            lines.push(
                "a run makes bytes again only where a job or a figure needs them; `etude plan` tells which"
                    .to_string(),
            );
        }
        lines
    }
}

/// A folder of published results, and the store they go back into.
struct Published<'a> {
    folder: &'a Path,
    provenance: &'a Provenance,
    store: &'a Store,
}

/// Where the bytes of a file of an artifact come from.
enum Bytes<'a> {
    /// These are they.
    Are(&'a [u8]),
    /// The numbers of one of the published tables.
    Numbers,
    /// The object that the store has.
    Stored(PathBuf),
}

impl Published<'_> {
    /// Restores every job. Those that somebody works on are tried again, as long as others come free.
    fn restore_all(&self) -> Result<Tally, Failure> {
        let mut tally = Tally::default();
        let mut open: Vec<(&String, &Origin)> = self.provenance.jobs.iter().collect();
        let mut last = Instant::now();
        loop {
            let mut busy = Vec::new();
            for (job, origin) in open {
                match self.restore(job, origin, &mut tally.left)? {
                    Restored::Busy => busy.push((job, origin)),
                    restored => {
                        last = Instant::now();
                        tally.add(job, &restored);
                    }
                }
            }
            open = busy;
            if open.is_empty() || last.elapsed() > PATIENCE {
                break;
            }
            thread::sleep(TICK);
        }
        for (job, _) in open {
            tally.add(job, &Restored::Busy);
        }
        Ok(tally)
    }

    /// Restores one job, unless the store has more of it.
    fn restore(
        &self,
        job: &str,
        origin: &Origin,
        left: &mut Vec<String>,
    ) -> Result<Restored, Failure> {
        let store = self.store;
        let Some(_lock) = store.coordination().try_lock(&origin.key)? else {
            return Ok(Restored::Busy);
        };
        let (before, is_whole) = match store.lookup(&origin.key) {
            Lookup::Absent => (None, false),
            Lookup::Present(record) => (Some(*record), true),
            Lookup::Broken { record, .. } | Lookup::Released(record) => (Some(*record), false),
        };
        match &before {
            Some(before) if before.artifact != origin.artifact => return Ok(Restored::Differs),
            Some(_) if is_whole => return Ok(Restored::There),
            _ => {}
        }
        let adopted = match before {
            Some(_) => store.records().adopted(&origin.key),
            None => self.adopted(origin),
        };
        let is_new = before.is_none();
        // What the store says of a job that ran here stays.
        let record = before.unwrap_or_else(|| origin.record(job));
        let scratch = store.scratch()?;
        let is_filled = self.fill(job, origin, &scratch.out(), left)?;
        if is_filled && store.ingest(&scratch)? == origin.artifact {
            let record = Record {
                released: false,
                ..record
            };
            match &adopted {
                Some(adopted) => store.commit_adopted(&record, adopted)?,
                None => store.commit(&record)?,
            }
            return Ok(Restored::Whole);
        }
        if !is_new {
            return Ok(Restored::There);
        }
        store.commit_released(&record, adopted.as_ref())?;
        Ok(Restored::Known)
    }

    /// That an artifact was adopted, if it was. Of where its bytes came from, only this publication is known.
    fn adopted(&self, origin: &Origin) -> Option<Adopted> {
        let note = origin.adopted.clone()?;
        let from = std::path::absolute(self.folder);
        Some(Adopted {
            from: from.unwrap_or_else(|_| self.folder.to_path_buf()),
            note,
            when: origin.started,
        })
    }

    /// Puts the files of an artifact into a folder. Whether all could be had; what is wrong with published files is `left`.
    fn fill(
        &self,
        job: &str,
        origin: &Origin,
        out: &Path,
        left: &mut Vec<String>,
    ) -> Result<bool, Failure> {
        let mut there: BTreeMap<Digest, Vec<u8>> = BTreeMap::new();
        let mut numbers: Vec<&str> = Vec::new();
        for (file, digest) in &origin.files {
            match self.read(file, digest) {
                Ok(bytes) => drop(there.insert(*digest, bytes)),
                Err(line) => {
                    left.push(line);
                    continue;
                }
            }
            let mut own = origin.artifact.files.values();
            if file.ends_with(".csv") && !own.any(|own| own.digest == *digest) {
                numbers.push(file);
            }
        }
        let mut sources = Vec::new();
        for (name, stored) in &origin.artifact.files {
            let note = origin.notes.get(name).map(String::as_bytes);
            let note = note.filter(|note| Digest::of_bytes(note) == stored.digest);
            let bytes = there.get(&stored.digest).map(Vec::as_slice).or(note);
            let source = match bytes {
                Some(bytes) => Bytes::Are(bytes),
                None if self.store.objects().is_sound(stored)? => {
                    Bytes::Stored(self.store.objects().path(&stored.digest))
                }
                None if name.ends_with(PARQUET) && !numbers.is_empty() => Bytes::Numbers,
                None => return Ok(false),
            };
            sources.push((name, stored, source));
        }
        for (name, stored, source) in sources {
            let path = out.join(name);
            create_above(&path)?;
            match source {
                Bytes::Are(bytes) => fs::write(&path, bytes).map_err(failed("write", &path))?,
                Bytes::Stored(object) => {
                    fs::copy(&object, &path).map_err(failed("write", &path))?;
                }
                Bytes::Numbers => match self.table(origin, stored, &numbers) {
                    Ok(bytes) => fs::write(&path, bytes).map_err(failed("write", &path))?,
                    Err(why) => {
                        left.push(format!("left     {job}: {why}"));
                        return Ok(false);
                    }
                },
            }
        }
        Ok(true)
    }

    /// A published file, or the line that says what is wrong with it.
    fn read(&self, file: &str, digest: &Digest) -> Result<Vec<u8>, String> {
        match read_named(&self.folder.join(file), MOST) {
            Ok(bytes) if Digest::of_bytes(&bytes) == *digest => Ok(bytes),
            Ok(_) => Err(format!(
                "changed  {file}: its bytes are not those published; take the committed file and restore again"
            )),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(format!(
                "missing  {file}: it was published and is not there; take the committed file and restore again"
            )),
            Err(error) => Err(format!("left     {file}: it cannot be read: {error}")),
        }
    }

    /// The bytes of a table, written anew from one of the published texts; else why they cannot be had.
    fn table(
        &self,
        origin: &Origin,
        stored: &StoredFile,
        numbers: &[&str],
    ) -> Result<Vec<u8>, String> {
        let is_right = |bytes: &[u8]| Digest::of_bytes(bytes) == stored.digest;
        for file in numbers {
            let known = origin.columns.get(*file);
            let bytes = types::to_parquet(&self.folder.join(file), known, is_right);
            if let Some(bytes) = bytes.map_err(|error| error.to_string())? {
                return Ok(bytes);
            }
        }
        let (files, version) = (numbers.join(", "), &self.provenance.etude);
        Err(format!(
            "from {files} its bytes cannot be written: they are of another program, or of another version of etude ({version}, this is {})",
            env!("CARGO_PKG_VERSION")
        ))
    }
}

/// No published file is larger, in bytes.
const MOST: u64 = 4 << 30;

fn create_above(path: &Path) -> Result<(), Error> {
    let above = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(above).map_err(failed("create", above))
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Io {
        action,
        path,
        source,
    }
}
