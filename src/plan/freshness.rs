//! Whether a job must run, and why.

use std::collections::HashMap;
use std::fmt;

use super::{ExternalDigests, Fingerprint, JobId, Known, Plan};
use crate::pipeline::{ArtifactType, Keep, Output};
use crate::store::{Digest, Error, Ledger, Lookup, Record, Snapshot, StartedFrom, Store};

/// The state of a job before a run.
#[derive(Debug, Clone)]
pub enum Freshness {
    /// Its artifact is in the store.
    Fresh(Box<Record>),
    /// Its record is there without its bytes, which were released after use or not restored. Nothing needs them now.
    Released(Box<Record>),
    /// It must run.
    Stale {
        /// Its cache key.
        key: Digest,
        /// Why.
        reason: Reason,
        /// From which shorter job it can go on, unless that turns out to be damaged or made on another device.
        earlier: Option<StartedFrom>,
    },
    /// Whether it must run shows once these have run: they may come out the same.
    Follows(Vec<JobId>),
}

/// Why a job must run.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// Nothing of this name ran here before.
    New,
    /// Something it depends on is another than when it last ran.
    Changed(Vec<String>),
    /// Its record is there, but this file of its artifact is not.
    FileGone(String),
    /// What it left is damaged.
    Damaged,
    /// Its record is there without its bytes, and a job or a person needs them.
    Released,
    /// It ran before, but its record is gone.
    RecordGone,
    /// It was asked for, though its artifact is there.
    Again,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str("new"),
            Self::Changed(lines) => f.write_str(&lines.join("; ")),
            Self::FileGone(file) => write!(f, "`{file}` is missing from the store"),
            Self::Damaged => f.write_str("what it left was damaged in the store"),
            Self::Released => {
                f.write_str("its bytes were released or not restored, and are needed")
            }
            Self::Again => f.write_str("asked for once more"),
            Self::RecordGone => f.write_str("its record is missing from the store"),
        }
    }
}

/// Looks at every job of a plan; reads records and the files that parameters name, changes no result, works on a store that
/// does not exist. An error is a file that a parameter names and that cannot be read.
pub fn assess(plan: &Plan, store: &Store, ledger: &Ledger) -> Result<Vec<Freshness>, Error> {
    assess_by(
        plan,
        store,
        ledger,
        &store.snapshots().of(&plan.pipeline.shown),
    )
}

/// [`assess`], by what the last run saw of the store, for whoever needs that too.
pub fn assess_by(
    plan: &Plan,
    store: &Store,
    ledger: &Ledger,
    snapshot: &Snapshot,
) -> Result<Vec<Freshness>, Error> {
    let mut states: Vec<Freshness> = Vec::with_capacity(plan.jobs.len());
    let mut looked = ExternalDigests::new(store);
    let mut bytes = Bytes {
        store,
        snapshot,
        read: HashMap::new(),
    };
    for id in 0..plan.jobs.len() {
        let known = |from: JobId| Known::from(states[from].record());
        let outside = looked.outside(plan, id)?;
        states.push(match Fingerprint::of(plan, id, &outside, known) {
            Some(fingerprint) => look_up(plan, id, &fingerprint, &mut bytes, ledger)?,
            None => {
                let reads = plan.reads(id);
                let open = reads.filter(|from| states[*from].record().is_none());
                let mut open: Vec<JobId> = open.collect();
                open.sort_unstable();
                Freshness::Follows(open)
            }
        });
    }
    // Whoever must run needs what it reads, and so on upwards. What is made again may be all that something else lacked.
    while make_needed(plan, &mut states) {}
    Ok(states)
}

/// Marks what has to be made again of the artifacts that are known without their bytes. Whether there was any.
fn make_needed(plan: &Plan, states: &mut [Freshness]) -> bool {
    let mut any = false;
    for id in (0..states.len()).rev() {
        let Freshness::Released(record) = &states[id] else {
            continue;
        };
        let runs = |reader: JobId| states[reader].record().is_none();
        let is_there = |from: JobId| !matches!(states[from], Freshness::Released(_));
        if plan.readers(id).any(runs) || shows_tables(plan, id) && plan.reads(id).all(is_there) {
            states[id] = Freshness::Stale {
                key: record.key,
                reason: Reason::Released,
                earlier: None,
            };
            any = true;
        }
    }
    any
}

/// Whether a job makes figures, tables and verdicts from tables alone. If their bytes are not there, they are made again once
/// those of the tables are, for whoever looks at them: that takes no training. A program may do anything, so one that leaves
/// more than figures does not count.
pub fn shows_tables(plan: &Plan, id: JobId) -> bool {
    let is_program = plan.kind(id).declares_outputs;
    let is_shown = |output: &Output| match output.artifact {
        ArtifactType::Figure => true,
        other => other.is_copied() && !is_program,
    };
    let inputs = &plan.jobs[id].inputs;
    let mut read = inputs
        .iter()
        .map(|input| plan.pipeline.stages[input.stage].outputs[input.output].artifact);
    plan.instance(id).keep == Keep::Always
        && !inputs.is_empty()
        && plan.outputs(id).iter().all(is_shown)
        && read.all(ArtifactType::is_copied)
}

impl Freshness {
    /// The record of an artifact that is there, or was until it was used.
    pub fn record(&self) -> Option<&Record> {
        match self {
            Self::Fresh(record) | Self::Released(record) => Some(record),
            _ => None,
        }
    }
}

/// What is known of the bytes of objects.
struct Bytes<'a> {
    store: &'a Store,
    snapshot: &'a Snapshot,
    read: HashMap<Digest, bool>,
}

impl Bytes<'_> {
    /// Whether all objects of an artifact hold what they should. Those are read that may have changed since they last were.
    fn are_right(&mut self, record: &Record) -> Result<bool, Error> {
        let files = self
            .snapshot
            .unsure(self.store, &record.key, &record.artifact);
        for file in files {
            let right = match self.read.get(&file.digest) {
                Some(right) => *right,
                None => self.store.objects().is_sound(file)?,
            };
            self.read.insert(file.digest, right);
            if !right {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn look_up(
    plan: &Plan,
    id: JobId,
    fingerprint: &Fingerprint,
    bytes: &mut Bytes<'_>,
    ledger: &Ledger,
) -> Result<Freshness, Error> {
    let (key, store) = (fingerprint.key(), bytes.store);
    let reason = match store.lookup(&key) {
        Lookup::Present(record) if bytes.are_right(&record)? => {
            return Ok(Freshness::Fresh(record));
        }
        Lookup::Present(_) => Reason::Damaged,
        Lookup::Released(record) => return Ok(Freshness::Released(record)),
        Lookup::Broken { file, .. } => Reason::FileGone(file),
        Lookup::Absent => reason(plan, id, fingerprint, store, ledger),
    };
    let mut earlier = earlier(plan, id, fingerprint, store);
    Ok(Freshness::Stale {
        key,
        reason,
        earlier: earlier.next().map(|(from, _)| from),
    })
}

/// The shorter jobs of a job's family whose artifacts are there, the longest first; none where its kind knows no families.
pub fn earlier<'a>(
    plan: &Plan,
    id: JobId,
    fingerprint: &Fingerprint,
    store: &'a Store,
) -> impl Iterator<Item = (StartedFrom, Box<Record>)> + use<'a> {
    let extension = plan.instance(id).parameters.extends();
    let family = extension.map(|extension| (extension, fingerprint.family(&extension)));
    family.into_iter().flat_map(move |(extension, family)| {
        let members = store.members(&family).into_iter();
        let shorter = members.filter(move |(length, _)| *length < extension.length);
        shorter.filter_map(move |(length, key)| {
            let Lookup::Present(record) = store.lookup(&key) else {
                return None;
            };
            // An entry is only a name; whether it is of the family the record says.
            let theirs = Fingerprint(record.fingerprint.clone()).family(&extension);
            let from = StartedFrom {
                key,
                length,
                unit: extension.unit.to_string(),
            };
            (theirs == family).then_some((from, record))
        })
    })
}

/// Why no artifact of this key is there: what differs from the fingerprint of the job that last bore this name.
pub fn reason(
    plan: &Plan,
    id: JobId,
    fingerprint: &Fingerprint,
    store: &Store,
    ledger: &Ledger,
) -> Reason {
    let Some(last) = ledger.jobs.get(&plan.jobs[id].name.to_string()) else {
        return Reason::New;
    };
    match store.lookup(last) {
        _ if *last == fingerprint.key() => Reason::RecordGone,
        Lookup::Present(record) | Lookup::Broken { record, .. } | Lookup::Released(record) => {
            Reason::Changed(fingerprint.differences(&record.fingerprint))
        }
        Lookup::Absent => Reason::New,
    }
}
