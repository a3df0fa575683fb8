//! What kind of machine this is: told with results, never asked what a result is.

use std::fs;
use std::sync::OnceLock;

/// The processor, how many cores there are, and the widest of its vectors that decide how sums are rounded by libraries, e.g.
/// `AMD EPYC 9B14, x86_64 with avx512f, 2 cores`.
pub(super) fn describe() -> &'static str {
    static MACHINE: OnceLock<String> = OnceLock::new();
    MACHINE.get_or_init(|| {
        let name = fs::read_to_string("/proc/cpuinfo").ok();
        let name = name.as_deref().and_then(processor).map(str::to_owned);
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        let cores = match cores {
            1 => "1 core".to_owned(),
            n => format!("{n} cores"),
        };
        let kind = match vectors() {
            Some(vectors) => format!("{} with {vectors}", std::env::consts::ARCH),
            None => std::env::consts::ARCH.to_owned(),
        };
        let parts = name.into_iter().chain([kind, cores]);
        parts.collect::<Vec<_>>().join(", ")
    })
}

/// The processor's name, as Linux tells it of the first core.
fn processor(cpuinfo: &str) -> Option<&str> {
    let names = cpuinfo.lines().filter_map(|line| line.split_once(':'));
    let mut names = names.filter(|(what, _)| what.trim() == "model name");
    let name = names.next()?.1.trim();
    (!name.is_empty()).then_some(name)
}

#[cfg(target_arch = "x86_64")]
fn vectors() -> Option<&'static str> {
    if std::is_x86_feature_detected!("avx512f") {
        Some("avx512f")
    } else if std::is_x86_feature_detected!("avx2") {
        Some("avx2")
    } else {
        None
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn vectors() -> Option<&'static str> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_is_named_as_linux_names_it() {
        let text = "processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD EPYC 9B14\nstepping: 1\nmodel name\t: other\n";
        assert_eq!(processor(text), Some("AMD EPYC 9B14"));
        assert_eq!(processor("processor: 0\nmodel name:\n"), None);
        assert_eq!(processor(""), None);
    }

    #[test]
    fn a_machine_is_told_in_one_line() {
        let told = describe();
        assert!(
            told.contains(std::env::consts::ARCH) && !told.contains('\n'),
            "{told}"
        );
        assert!(told.ends_with("core") || told.ends_with("cores"), "{told}");
    }
}
