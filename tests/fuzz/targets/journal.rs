//! Lines of a journal: read back, and what could be read is written as it was.
#![no_main]

use etude_fuzz::run::Event;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for line in text.lines() {
        if let Ok(event) = serde_json::from_str::<Event>(line) {
            let again = serde_json::to_string(&event).expect("an event is plain data");
            assert_eq!(serde_json::from_str::<Event>(&again).ok(), Some(event));
        }
    }
});
