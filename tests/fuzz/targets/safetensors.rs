//! Weights, datasets and model folders: a file of tensors that may claim anything.
#![no_main]

use std::fs;

use etude_fuzz::learn::model::shard::Shard;
use etude_fuzz::learn::task::Dataset;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = etude_fuzz::folder().join("tensors.safetensors");
    fs::write(&path, bytes).expect("there is room for a file");
    let _ = Dataset::load(&path);
    if let Ok(mut shard) = Shard::open(&path) {
        let names: Vec<String> = shard.tensors().keys().cloned().collect();
        for name in names {
            let _ = shard.read(&name);
        }
    }
});
