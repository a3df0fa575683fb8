//! Records, ledgers, snapshots and publications: whatever lies in their places, the store answers and nothing leaves it.
#![no_main]

use std::fs;
use std::path::{Component, Path};

use etude_fuzz::store::{Digest, Lookup, Provenance, Store};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let folder = etude_fuzz::folder();
    let store = Store::at(folder);
    let root = folder.join("v1");
    // The first bytes may be a fingerprint, so that some records have the key that their place says.
    let text = String::from_utf8_lossy(bytes);
    let key = match serde_json::from_slice::<serde_json::Value>(bytes) {
        Ok(record) => Digest::of_key(record["fingerprint"].to_string().as_bytes()),
        Err(_) => Digest::of_key(b"any"),
    };
    let record = text.replacen("KEY", &key.to_string(), 1);
    let name = key.to_string();
    let place = root.join("records").join(&name[..2]).join(format!("{}.json", &name[2..]));
    for place in [place, root.join("pipelines/p.json"), root.join("snapshots/p.jsonl")] {
        fs::create_dir_all(place.parent().expect("it has a folder")).expect("there is room");
        fs::write(place, &record).expect("there is room");
    }
    if let Lookup::Present(record) | Lookup::Broken { record, .. } = store.lookup(&key) {
        for (name, file) in &record.artifact.files {
            assert_stays_inside(name);
            assert!(store.objects().path(&file.digest).starts_with(&root));
        }
    }
    // One that bears a seal, so that more than the seal is looked at.
    if let Ok(provenance) = serde_json::from_str::<Provenance>(&record) {
        provenance.write(folder).expect("there is room");
    } else {
        fs::write(folder.join(Provenance::FILE), &record).expect("there is room");
    }
    if let Ok(Some(provenance)) = Provenance::read(folder) {
        for origin in provenance.jobs.values() {
            origin.files.keys().chain(origin.artifact.files.keys()).for_each(assert_stays_inside);
        }
    }
    let ledger = store.ledgers().of("p");
    let snapshot = store.snapshots().of("p");
    for key in ledger.jobs.values() {
        let _ = snapshot.artifact(&store, key);
    }
});

/// Dots within a name lead nowhere; a part that is `.` or `..` does.
fn assert_stays_inside(name: impl AsRef<str>) {
    let mut parts = Path::new(name.as_ref()).components();
    assert!(parts.all(|part| matches!(part, Component::Normal(_))), "{}", name.as_ref());
}
