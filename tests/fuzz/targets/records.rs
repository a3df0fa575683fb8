//! Records, ledgers and snapshots: whatever lies in their places, the store answers and nothing leaves it.
#![no_main]

use std::fs;
use std::path::{Component, Path};

use etude_fuzz::store::{Digest, Lookup, Store};
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
            // Dots within a name lead nowhere; a part that is `.` or `..` does.
            let mut parts = Path::new(name).components();
            assert!(parts.all(|part| matches!(part, Component::Normal(_))), "{name}");
            assert!(store.object(&file.digest).starts_with(&root));
        }
    }
    let ledger = store.ledger("p");
    let snapshot = store.snapshot("p");
    for key in ledger.jobs.values() {
        let _ = snapshot.artifact(&store, key);
    }
});
