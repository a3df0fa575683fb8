//! The control group whose memory a process counts to, where Linux has such groups: how much it may hold, and how many of
//! its processes were killed because it, or the machine, had no more.
//!
//! A group lies in others, each a folder with files that tell of it. Both versions of the kernel's interface are read.
//! What cannot be read limits nothing.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// A group and those that it lies in.
pub(super) struct ControlGroup {
    /// Their folders, its own first.
    folders: Vec<PathBuf>,
}

impl ControlGroup {
    /// The group of a process; `None` where there is none, or nobody tells.
    pub fn of(pid: u32) -> Option<Self> {
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        Some(Self {
            folders: folders(&groups, &mounts)?,
        })
    }

    /// How many bytes its processes may hold together: the least of what it and those around it may.
    pub fn limit(&self) -> Option<u64> {
        let files = self.folders.iter().flat_map(|folder| {
            ["memory.max", "memory.limit_in_bytes"].map(|file| folder.join(file))
        });
        // A group without a limit says `max`, which is no number, or a number beyond any machine.
        let limits = files.filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok());
        limits.min()
    }

    /// How many of its processes the system has killed for want of memory.
    pub fn killed(&self) -> Option<u64> {
        let own = self.folders.first()?;
        let files = ["memory.events", "memory.oom_control"];
        let text = files
            .iter()
            .find_map(|file| fs::read_to_string(own.join(file)).ok())?;
        let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        count?.trim().parse().ok()
    }
}

/// The folders of a process's group and of those around it, from `/proc/PID/cgroup` and `/proc/self/mountinfo`.
fn folders(groups: &str, mounts: &str) -> Option<Vec<PathBuf>> {
    // A line is `number:controllers:path`. In the second version there is one group for all, and no controller is named.
    let groups = groups.lines().filter_map(|line| {
        let (_, rest) = line.split_once(':')?;
        rest.split_once(':')
    });
    let groups: Vec<(&str, &str)> = groups.collect();
    let first = |(controllers, _): &&(&str, &str)| controllers.split(',').any(|c| c == "memory");
    let second = |(controllers, _): &&(&str, &str)| controllers.is_empty();
    let (is_first, path) = match groups.iter().find(first) {
        Some((_, path)) => (true, *path),
        None => (false, groups.iter().find(second)?.1),
    };
    let path = Path::new(path);
    let mounts = mounts.lines().filter_map(|line| mount(line, is_first));
    let mounts: Vec<(PathBuf, PathBuf)> = mounts.collect();
    // What is mounted may be a part of the tree; the part that holds the group is the one to look at.
    let inside = mounts.iter().filter(|(root, _)| path.starts_with(root));
    let (root, place) = inside
        .max_by_key(|(root, _)| root.components().count())
        .or_else(|| mounts.first())?;
    let below = path.strip_prefix(root).unwrap_or(Path::new(""));
    // A group outside what this process may see is told with `..`.
    let parts = below.components();
    let is_outside = parts.clone().any(|c| c == Component::ParentDir);
    let mut own = place.clone();
    if !is_outside {
        own.extend(parts);
    }
    let around = own
        .ancestors()
        .take_while(|folder| folder.starts_with(place));
    Some(around.map(Path::to_path_buf).collect())
}

/// Which part of the tree of groups a line of `/proc/self/mountinfo` mounts, and where, if it is of the version asked for
/// and has the memory of groups.
fn mount(line: &str, is_first: bool) -> Option<(PathBuf, PathBuf)> {
    let (place, what) = line.split_once(" - ")?;
    let mut what = what.split(' ');
    let (system, options) = (what.next()?, what.nth(1)?);
    let fits = if is_first {
        system == "cgroup" && options.split(',').any(|option| option == "memory")
    } else {
        system == "cgroup2"
    };
    let mut place = place.split(' ').skip(3);
    let (root, point) = (place.next()?, place.next()?);
    // Spaces in paths are written in octal.
    let path = |text: &str| PathBuf::from(text.replace("\\040", " "));
    fits.then(|| (path(root), path(point)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 27 0:21 / /proc rw,relatime - proc proc rw
35 31 0:31 / /sys/fs/cgroup/memory rw,relatime shared:4 - cgroup cgroup rw,memory
36 31 0:33 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";

    fn found(groups: &str, mounts: &str) -> Vec<String> {
        let folders = folders(groups, mounts).unwrap_or_default();
        let folders = folders.iter().map(|folder| folder.display().to_string());
        folders.collect()
    }

    #[test]
    fn a_group_is_found_with_those_around_it_in_both_versions() {
        let first = "9:name=systemd:/\n4:hugetlb,memory:/a/b\n1:cpu:/c\n0::/\n";
        assert_eq!(
            found(first, MOUNTS),
            [
                "/sys/fs/cgroup/memory/a/b",
                "/sys/fs/cgroup/memory/a",
                "/sys/fs/cgroup/memory"
            ]
        );
        let second = "1:cpu:/c\n0::/user.slice/x.scope\n";
        assert_eq!(
            found(second, MOUNTS),
            [
                "/sys/fs/cgroup/unified/user.slice/x.scope",
                "/sys/fs/cgroup/unified/user.slice",
                "/sys/fs/cgroup/unified"
            ]
        );
        assert!(found("1:cpu:/c\n", MOUNTS).is_empty());
        assert!(found(second, "").is_empty());
        assert!(found("nonsense", "nonsense - cgroup2").is_empty());
    }

    #[test]
    fn only_what_is_mounted_of_the_tree_is_looked_at() {
        let mounted = |root: &str| format!("5 1 0:3 {root} /cg\\040v2 rw - cgroup2 cgroup rw\n");
        let group = "0::/docker/abc/job\n";
        assert_eq!(
            found(group, &mounted("/docker/abc")),
            ["/cg v2/job", "/cg v2"]
        );
        assert_eq!(found(group, &mounted("/other")), ["/cg v2"]);
        assert_eq!(found("0::/../x\n", &mounted("/")), ["/cg v2"]);
    }

    #[test]
    fn the_tightest_limit_counts_and_the_kills_are_those_of_the_group_itself() {
        let folder = tempfile::tempdir().unwrap();
        let outer = folder.path().join("outer");
        let inner = outer.join("inner");
        fs::create_dir_all(&inner).unwrap();
        let group = ControlGroup {
            folders: vec![inner.clone(), outer.clone(), folder.path().to_path_buf()],
        };
        assert_eq!((group.limit(), group.killed()), (None, None));
        fs::write(inner.join("memory.max"), "max\n").unwrap();
        fs::write(outer.join("memory.events"), "oom 9\noom_kill 9\n").unwrap();
        assert_eq!((group.limit(), group.killed()), (None, None));
        fs::write(outer.join("memory.max"), "2000\n").unwrap();
        fs::write(folder.path().join("memory.max"), "3000\n").unwrap();
        fs::write(inner.join("memory.events"), "low 0\noom 3\noom_kill 2\n").unwrap();
        assert_eq!((group.limit(), group.killed()), (Some(2000), Some(2)));
        let first = tempfile::tempdir().unwrap();
        let group = ControlGroup {
            folders: vec![first.path().to_path_buf()],
        };
        fs::write(first.path().join("memory.limit_in_bytes"), "1000\n").unwrap();
        let text = "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n";
        fs::write(first.path().join("memory.oom_control"), text).unwrap();
        assert_eq!((group.limit(), group.killed()), (Some(1000), Some(4)));
    }
}
