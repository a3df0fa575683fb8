//! How much memory a worker and all it started hold, and whether the system killed somebody for want of it.

/// Resident bytes of a process and its descendants; `None` where nobody tells.
#[cfg(target_os = "linux")]
pub(super) fn resident(pid: u32) -> Option<u64> {
    let mut total = 0u64;
    let mut open = vec![pid];
    while let Some(pid) = open.pop() {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
        let Ok(status) = status else {
            // A descendant may have ended meanwhile.
            continue;
        };
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
        total = total.saturating_add(kib.unwrap_or(0).saturating_mul(1024));
        let threads = std::fs::read_dir(format!("/proc/{pid}/task"));
        for thread in threads.into_iter().flatten().flatten() {
            let children = std::fs::read_to_string(thread.path().join("children"));
            let children = children.unwrap_or_default();
            open.extend(
                children
                    .split_whitespace()
                    .filter_map(|pid| pid.parse::<u32>().ok()),
            );
        }
    }
    (total > 0).then_some(total)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn resident(_pid: u32) -> Option<u64> {
    None
}

/// How many processes the system has killed for want of memory since it was started.
pub(super) fn killed_for_memory() -> u64 {
    let text = std::fs::read_to_string("/proc/vmstat").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    line.and_then(|count| count.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_children_counts() {
        let me = resident(std::process::id()).unwrap();
        assert!(me > 1 << 20);
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let start = std::time::Instant::now();
        let pid = std::process::id();
        let own = || resident(child.id()).unwrap_or(0);
        while own() == 0 && start.elapsed().as_secs() < 10 {}
        let (alone, all) = (own(), resident(pid).unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(alone > 0 && all > alone, "{alone} {all}");
    }
}
