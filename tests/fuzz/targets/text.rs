//! Lines of a text file of examples: one that is taken is a graph whose path is the one that was asked for.
#![no_main]

use etude_fuzz::learn::task::imported::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for line in text.split('\n') {
        if check(line).is_err() {
            continue;
        }
        let (graph, rest) = line.split_once('/').expect("it has a question");
        let (question, path) = rest.split_once('=').expect("it has a path");
        let path: Vec<&str> = path.split(',').collect();
        assert_eq!(question, format!("{},{}", path[0], path[path.len() - 1]));
        for step in path.windows(2) {
            let edge = step.join(",");
            assert!(graph.split('|').any(|other| other == edge), "{line}: {edge}");
        }
    }
});
