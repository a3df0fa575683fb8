//! The text of examples: lines of graphs, and graphs of every size that a line may speak of.
#![no_main]

use etude_fuzz::learn::task::path_star::PathStar;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let task: PathStar = serde_json::from_value(serde_json::json!({
        "degree": 2, "path_length": 3, "nodes": 9, "train": 1, "test": 1
    }))
    .expect("these are parameters of the task");
    for line in text.lines() {
        let _ = task.parse(line);
    }
});
