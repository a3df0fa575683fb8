//! What kind of machine this is and what it has: told with results, never asked what a result is.

use std::fs;
use std::sync::OnceLock;

use super::control_group::ControlGroup;

/// How much memory there is for what this process starts, in bytes: the machine's, or what its control group may hold of
/// it. `None` where nobody tells. (Of the processor's cores, the standard library knows what the group may use.)
pub fn memory() -> Option<u64> {
    let there = fs::read_to_string("/proc/meminfo").ok();
    let there = there.as_deref().and_then(total);
    let limit = ControlGroup::of(std::process::id()).and_then(|group| group.limit());
    there.into_iter().chain(limit).min()
}

/// How many CUDA cards the driver tells of: no library is needed to ask it.
pub fn cards() -> usize {
    let is_any = |_: &str| true;
    match entries("/proc/driver/nvidia/gpus", is_any) {
        // In a container, the devices alone may be there.
        0 => entries("/dev", is_card),
        count => count,
    }
}

fn entries(folder: &str, counts: impl Fn(&str) -> bool) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name());
    names
        .filter(|name| name.to_str().is_some_and(&counts))
        .count()
}

/// Whether a device is a card, and none of the others that its driver has.
fn is_card(device: &str) -> bool {
    let number = device.strip_prefix("nvidia");
    number.is_some_and(|n| !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()))
}

/// All memory in bytes, from `/proc/meminfo`, which counts in units of 1024 bytes and calls them kB.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The processor, how many cores there are, and the widest of its vectors that decide how sums are rounded by libraries,
/// e.g. `AMD EPYC 9B14, x86_64 with avx512f, 2 cores`.
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
    fn memory_is_what_linux_tells_in_units_of_1024_bytes() {
        let text = "MemTotal:       24684084 kB\nMemFree:        20176008 kB\n";
        assert_eq!(total(text), Some(24_684_084 * 1024));
        assert_eq!(total("MemFree: 5 kB\n"), None);
        assert_eq!(total("MemTotal: many kB\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_some_memory_and_not_all_there_could_be() {
        let there = memory().unwrap();
        assert!((64 << 20..1 << 50).contains(&there), "{there}");
    }

    #[test]
    fn cards_are_counted_by_their_devices() {
        assert!(is_card("nvidia0") && is_card("nvidia12"));
        for other in ["nvidia", "nvidiactl", "nvidia-uvm", "nvidia0x", "sda1"] {
            assert!(!is_card(other), "{other}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        assert_eq!(entries(path, is_card), 0);
        for name in ["nvidia0", "nvidia1", "nvidiactl"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(entries(path, is_card), 2);
        assert_eq!(entries("/no/such/folder", |_| true), 0);
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
