//! How much memory a worker and all that it started hold.

/// Bytes that a process and its descendants hold; `None` where nobody tells.
///
/// Processes that were forked share pages, of which each is counted as if it were its own. So where that comes to more than
/// `limit`, every page is shared out among those that have it: the kernel takes longer to tell that.
#[cfg(target_os = "linux")]
pub(super) fn held(pid: u32, limit: u64) -> Option<u64> {
    let processes = family(pid);
    let sum = |size: &dyn Fn(u32) -> Option<u64>| {
        let sizes = processes.iter().filter_map(|pid| size(*pid));
        sizes.fold(0u64, u64::saturating_add)
    };
    let mut total = sum(&resident);
    if total > limit {
        total = sum(&|pid| proportional(pid).or_else(|| resident(pid)));
    }
    (total > 0).then_some(total)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn held(_pid: u32, _limit: u64) -> Option<u64> {
    None
}

/// A process and its descendants.
#[cfg(target_os = "linux")]
fn family(pid: u32) -> Vec<u32> {
    let mut family = vec![pid];
    let mut seen = 0;
    while let Some(pid) = family.get(seen) {
        seen += 1;
        // A descendant may have ended meanwhile.
        let threads = std::fs::read_dir(format!("/proc/{pid}/task"));
        for thread in threads.into_iter().flatten().flatten() {
            let children = std::fs::read_to_string(thread.path().join("children"));
            let children = children.unwrap_or_default();
            let children = children.split_whitespace();
            family.extend(children.filter_map(|pid| pid.parse::<u32>().ok()));
        }
    }
    family
}

/// The pages that a process has in memory, in bytes.
#[cfg(target_os = "linux")]
fn resident(pid: u32) -> Option<u64> {
    line(&format!("/proc/{pid}/status"), "VmRSS:")
}

/// The same, but of a page that several processes have only this one's share.
#[cfg(target_os = "linux")]
fn proportional(pid: u32) -> Option<u64> {
    line(&format!("/proc/{pid}/smaps_rollup"), "Pss:")
}

/// The number after a name at the start of a line, in bytes.
#[cfg(target_os = "linux")]
fn line(path: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    struct Ends(Child);

    impl Drop for Ends {
        fn drop(&mut self) {
            let children: Vec<String> = family(self.0.id()).iter().map(u32::to_string).collect();
            let _ = Command::new("kill").arg("-KILL").args(children).status();
            let _ = self.0.wait();
        }
    }

    fn start(script: &str) -> Ends {
        Ends(Command::new("sh").args(["-c", script]).spawn().unwrap())
    }

    fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
        let start = std::time::Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(start.elapsed().as_secs() < 60, "it never came");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    const ALL: u64 = u64::MAX;

    #[test]
    fn the_memory_of_children_counts() {
        let child = start("sleep 60; :");
        let pid = child.0.id();
        // The shell, and what it runs.
        until(|| (family(pid).len() == 2).then_some(()));
        until(|| (held(family(pid)[1], ALL)? < held(pid, ALL)?).then_some(()));
    }

    #[test]
    fn pages_that_forked_processes_share_count_once_where_a_limit_is_passed() {
        let script = "x=$(head -c 20000000 /dev/zero | tr '\\0' x); \
                      for i in 1 2 3 4 5; do (sleep 60; :) & done; wait";
        let parent = start(script);
        let pid = parent.0.id();
        // Six shells with the text, of which five run a program each.
        until(|| (family(pid).len() == 11).then_some(()));
        let apart = until(|| held(pid, ALL).filter(|held| *held > 100_000_000));
        let shared = held(pid, 1 << 20).unwrap();
        assert!(
            (20_000_000..apart / 2).contains(&shared),
            "{shared} {apart}"
        );
        assert_eq!(held(u32::MAX, 0), None);
    }
}
