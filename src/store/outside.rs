//! Files outside the store, which only people change: what lies there, what its bytes are, and whether it is still the same.
//!
//! Reading gigabytes whenever somebody asks what would run is too slow, so the digest of a large file is remembered with
//! the file's size, times and inode. A file is remembered only once it has rested for a while: a clock ticks coarsely, and
//! two edits within one tick would look like one.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Digest, Error, Store, files, sealed};

/// Size, time of change and inode of a file: when they differ, its bytes may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    size: u64,
    /// Seconds and nanoseconds since 1970.
    modified: (i64, i64),
    /// 0 where a system has none.
    inode: u64,
}

impl Stamp {
    /// The stamp of a file, links followed; `None` if there is none.
    pub fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|meta| Self::from(&meta))
    }

    /// Whether it is of another file than one of the same name, and not of one that was written to.
    pub fn is_of_another_file(&self, other: &Self) -> bool {
        self.inode != other.inode
    }
}

impl From<&Metadata> for Stamp {
    fn from(meta: &Metadata) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            Self {
                size: meta.len(),
                modified: (meta.mtime(), meta.mtime_nsec()),
                inode: meta.ino(),
            }
        }
        #[cfg(not(unix))]
        {
            let modified = meta.modified().unwrap_or(UNIX_EPOCH);
            let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
            Stamp {
                size: meta.len(),
                modified: (since.as_secs() as i64, i64::from(since.subsec_nanos())),
                inode: 0,
            }
        }
    }
}

/// How a file looks, links not followed: its stamp, and when its entry last changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Exact {
    stamp: Stamp,
    changed: (i64, i64),
}

impl Exact {
    /// `None` if there is nothing.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let meta = fs::symlink_metadata(path).ok()?;
        Some(Self {
            stamp: Stamp::from(&meta),
            changed: changed(&meta),
        })
    }

    /// Whether it has rested long enough to be believed.
    pub(super) fn has_rested(&self) -> bool {
        is_long_ago(self.changed.max(self.stamp.modified))
    }
}

/// When a file's entry last changed, which no program can set back; where a system does not tell, when its bytes did.
fn changed(meta: &Metadata) -> (i64, i64) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (meta.ctime(), meta.ctime_nsec())
    }
    #[cfg(not(unix))]
    {
        Stamp::from(meta).modified
    }
}

/// A plain file outside the store, as it was when somebody looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStat {
    /// Where it lies.
    pub path: PathBuf,
    /// What tells whether it is still the same.
    pub stamp: Stamp,
    changed: (i64, i64),
}

impl FileStat {
    fn at(path: PathBuf) -> Result<Self, Error> {
        let meta = fs::metadata(&path).map_err(Error::io("read", &path))?;
        // Asked before it is opened: opening a pipe waits for its other end.
        if !meta.is_file() {
            let why = "it is neither a plain file nor a directory".into();
            return Err(Error::Unreadable { path, why });
        }
        let file = File::open(&path).map_err(Error::io("read", &path))?;
        let meta = file.metadata().map_err(Error::io("read", &path))?;
        Ok(Self {
            stamp: Stamp::from(&meta),
            changed: changed(&meta),
            path,
        })
    }
}

/// The plain files at a path, by name below it with `/` between folders; a path that is itself a file has one, `.`.
pub type Survey = BTreeMap<String, FileStat>;

/// So many entries of folders are a mistake: a path that names a home directory, or links that lead to the same folders
/// over and over.
const MOST: usize = 1_000_000;

/// Files and folders that programs put beside content without being asked. What has one of these names is no content.
const NO_CONTENT: [&str; 18] = [
    ".git",
    ".hg",
    ".svn",
    ".jj",
    ".etude",
    "__pycache__",
    ".ipynb_checkpoints",
    ".cache",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".venv",
    ".tox",
    ".nox",
    ".direnv",
    ".idea",
    ".vscode",
    ".DS_Store",
];

/// Whether a name is one of [`NO_CONTENT`], or that of a lock or swap file of an editor or a file system: `.x.swp` (Vim),
/// `.#x` (Emacs), `.~lock.x#` (LibreOffice), `._x` (macOS), `.nfs…`, `.fuse_hidden…`.
fn is_no_content(name: &str) -> bool {
    let Some(hidden) = name.strip_prefix('.') else {
        return NO_CONTENT.contains(&name);
    };
    let swap = hidden.rsplit_once(".sw").is_some_and(|(stem, rest)| {
        let mut rest = rest.chars();
        let letter = rest.next().is_some_and(|c| ('a'..='p').contains(&c));
        !stem.is_empty() && letter && rest.next().is_none()
    });
    let begins = ["#", "_", "nfs0", "fuse_hidden"];
    let locked = hidden.starts_with("~lock.") && hidden.ends_with('#');
    swap || locked || begins.iter().any(|b| hidden.starts_with(b)) || NO_CONTENT.contains(&name)
}

/// What lies at a path. Links are followed, whose target is what will be read. Hidden files count like all others; what is
/// known to be no content is left out, wherever it lies below the path. It is an error if there is nothing, or something that
/// is no plain file. A path at which nothing lies may be a pattern, `figures/*.png`: then it is all files that fit it.
pub fn scan(path: &Path) -> Result<Survey, Error> {
    if let Some((folder, pattern)) = pattern(path) {
        return fitting(path, &folder, &pattern);
    }
    let meta = fs::metadata(path).map_err(Error::io("read", path))?;
    if !meta.is_dir() {
        return Ok(Survey::from([(
            ".".into(),
            FileStat::at(path.to_path_buf())?,
        )]));
    }
    let mut walk = Walk::default();
    walk.folder(path, "")?;
    if walk.files.is_empty() {
        return Err(unreadable(path, "it is a directory without a file"));
    }
    // On a file system of the network, looking at one file after the other is mostly waiting.
    let files = walk.files.into_par_iter();
    files
        .map(|(name, path)| Ok((name, FileStat::at(path)?)))
        .collect()
}

/// The folder above the first part of a path that is a pattern, and the pattern below it; none where a file has that name.
fn pattern(path: &Path) -> Option<(PathBuf, String)> {
    let is_pattern = |part: &std::ffi::OsStr| part.to_string_lossy().contains(['*', '?', '[']);
    if !path.components().any(|part| is_pattern(part.as_os_str())) {
        return None;
    }
    if fs::symlink_metadata(path).is_ok() {
        return None;
    }
    let mut parts = path.components().peekable();
    let mut folder = PathBuf::new();
    while let Some(part) = parts.next_if(|part| !is_pattern(part.as_os_str())) {
        folder.push(part);
    }
    let rest: PathBuf = parts.collect();
    Some((folder, rest.to_str()?.to_string()))
}

/// The files that fit a pattern below a folder. `*` and `?` stand for no `/`, and `**` for folders.
fn fitting(path: &Path, folder: &Path, pattern: &str) -> Result<Survey, Error> {
    let base = glob::Pattern::escape(&folder.to_string_lossy());
    let options = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let found = glob::glob_with(&format!("{base}/{pattern}"), options);
    let found = found.map_err(|error| unreadable(path, format!("it is no pattern: {error}")))?;
    let mut survey = Survey::new();
    for file in found {
        let file = file.map_err(|error| unreadable(error.path(), error.error().to_string()))?;
        let below = file.strip_prefix(folder).unwrap_or(&file);
        let Some(name) = below.to_str() else {
            return Err(unreadable(&file, "its name is no text"));
        };
        if file.is_dir() || name.split('/').any(is_no_content) {
            continue;
        }
        if survey.len() >= MOST {
            return Err(unreadable(path, format!("more than {MOST} files fit it")));
        }
        survey.insert(name.to_string(), FileStat::at(file.clone())?);
    }
    if survey.is_empty() {
        return Err(unreadable(path, "no file fits this pattern"));
    }
    Ok(survey)
}

fn unreadable(path: &Path, why: impl Into<String>) -> Error {
    Error::Unreadable {
        path: path.to_path_buf(),
        why: why.into(),
    }
}

/// A walk over a folder and those in it.
#[derive(Default)]
struct Walk {
    /// What is no folder, by name below the first folder.
    files: Vec<(String, PathBuf)>,
    /// How many entries of folders it has come by.
    entries: usize,
    /// The folders on the way here, by their real paths: a link may lead back to one.
    above: Vec<PathBuf>,
}

impl Walk {
    fn folder(&mut self, folder: &Path, within: &str) -> Result<(), Error> {
        let real = fs::canonicalize(folder).map_err(Error::io("read", folder))?;
        if self.above.contains(&real) {
            return Err(unreadable(folder, "it leads back into itself"));
        }
        self.above.push(real);
        for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
            let entry = entry.map_err(Error::io("read", folder))?;
            let path = entry.path();
            // Two names that are no text could look the same.
            let Some(name) = entry.file_name().to_str().map(str::to_string) else {
                return Err(unreadable(&path, "its name is no text"));
            };
            if is_no_content(&name) {
                continue;
            }
            self.entries += 1;
            if self.entries > MOST {
                let why = format!(
                    "with what lies above it, it holds more than {MOST} files and folders; name a smaller folder, or pack them \
                     into one file"
                );
                return Err(unreadable(folder, why));
            }
            let kind = entry.file_type().map_err(Error::io("read", &path))?;
            let is_folder = if kind.is_symlink() {
                fs::metadata(&path)
                    .map_err(Error::io("read", &path))?
                    .is_dir()
            } else {
                kind.is_dir()
            };
            let name = format!("{within}{name}");
            if is_folder {
                self.folder(&path, &format!("{name}/"))?;
            } else {
                self.files.push((name, path));
            }
        }
        self.above.pop();
        Ok(())
    }
}

/// A file whose digest is remembered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Known {
    path: PathBuf,
    stamp: Stamp,
    changed: (i64, i64),
    digest: Digest,
}

impl Known {
    fn is(&self, seen: &FileStat) -> bool {
        (&self.path, self.stamp, self.changed) == (&seen.path, seen.stamp, seen.changed)
    }
}

/// Smaller files are read every time.
const LARGE: u64 = 1 << 20;

/// How long a file must have rested before its digest is remembered; the coarsest clocks of file systems tick every 2 s.
const RESTED: Duration = Duration::from_secs(3);

fn has_rested(seen: &FileStat) -> bool {
    is_long_ago(seen.changed.max(seen.stamp.modified))
}

fn is_long_ago((seconds, _): (i64, i64)) -> bool {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    // One that was changed in the future says nothing of when it will be next.
    u64::try_from(seconds).is_ok_and(|then| now > Duration::from_secs(then) + RESTED)
}

impl Store {
    /// The digest of a file's bytes, as they were when it was seen or later: whoever relies on it looks afterwards whether
    /// the file still has its stamp.
    pub fn digest_outside(&self, seen: &FileStat) -> Result<Digest, Error> {
        let read = || Digest::of_file(&seen.path).map_err(Error::io("read", &seen.path));
        if seen.stamp.size < LARGE {
            return Ok(read()?.0);
        }
        let memory = |known: Known| {
            let mut all = self.known.lock().unwrap_or_else(|p| p.into_inner());
            all.insert(known.path.clone(), known);
        };
        let remembered = {
            let all = self.known.lock().unwrap_or_else(|p| p.into_inner());
            all.get(&seen.path).cloned()
        };
        if let Some(known) = remembered.filter(|known| known.is(seen)) {
            return Ok(known.digest);
        }
        let place = self.known_path(&seen.path);
        let written = files::read_small(&place).ok();
        let written = written.and_then(|text| sealed::unseal::<Known>(&text, &[]).ok());
        if let Some(known) = written.filter(|known| known.is(seen)) {
            let digest = known.digest;
            memory(known);
            return Ok(digest);
        }
        let (digest, _) = read()?;
        let same = FileStat::at(seen.path.clone()).is_ok_and(|now| now == *seen);
        if same && has_rested(seen) {
            let known = Known {
                path: seen.path.clone(),
                stamp: seen.stamp,
                changed: seen.changed,
                digest,
            };
            // Looking at a plan creates no store, and what cannot be remembered is read again.
            if self.layout.root.is_dir() {
                let _ = self.layout.write(&place, &sealed::seal(&known));
            }
            memory(known);
        }
        Ok(digest)
    }

    /// Whether a file that was seen with these bytes still has them. Its entry may change without its bytes, by a `chmod` or
    /// another link; and its bytes without their time, which programs set back. Then it is read again.
    pub fn is_unchanged(&self, before: &FileStat, digest: &Digest, now: &FileStat) -> bool {
        let same_bytes = || self.digest_outside(now).is_ok_and(|now| now == *digest);
        before.stamp == now.stamp && (before.changed == now.changed || same_bytes())
    }

    fn known_path(&self, path: &Path) -> PathBuf {
        let name = Digest::of_bytes(path.as_os_str().as_encoded_bytes());
        self.layout
            .root
            .join("outside")
            .join(format!("{name}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(path: &Path, seconds: u64) {
        let then = SystemTime::now() - Duration::from_secs(seconds);
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(then).unwrap();
    }

    #[test]
    fn a_survey_has_every_file_below_hidden_ones_too_and_follows_links() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("m/inner")).unwrap();
        fs::create_dir_all(at("m/.conf")).unwrap();
        fs::write(at("m/a"), "a").unwrap();
        fs::write(at("m/.env"), "e").unwrap();
        fs::write(at("m/.conf/c"), "c").unwrap();
        fs::write(at("m/inner/b"), "b").unwrap();
        let mut names = vec![".conf/c", ".env", "a", "inner/b"];
        #[cfg(unix)]
        {
            fs::write(at("blob"), "d").unwrap();
            std::os::unix::fs::symlink(at("blob"), at("m/link")).unwrap();
            names.push("link");
        }
        let found = scan(&at("m")).unwrap();
        assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), names);
        let one = scan(&at("m/.env")).unwrap();
        assert_eq!(one.keys().collect::<Vec<_>>(), ["."]);
    }

    #[test]
    fn a_pattern_stands_for_the_files_that_fit_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("a/b")).unwrap();
        for name in ["x.bib", "y.bib", "z.tex", ".h.bib", "a/x.bib", "a/b/y.bib"] {
            fs::write(at(name), name).unwrap();
        }
        let names = |pattern: &str| {
            let found = scan(&at(pattern)).unwrap();
            found.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(names("*.bib"), ["x.bib", "y.bib"]);
        assert_eq!(names("a/*.bib"), ["x.bib"]);
        assert_eq!(names("a/**/*.bib"), ["b/y.bib", "x.bib"]);
        assert_eq!(names("[xz].*"), ["x.bib", "z.tex"]);
        let said = scan(&at("*.png")).unwrap_err().to_string();
        assert!(said.contains("no file fits this pattern"), "{said}");
        // A file of that very name is itself.
        fs::write(at("*.bib"), "").unwrap();
        assert_eq!(names("*.bib"), ["."]);
    }

    #[test]
    fn what_programs_leave_beside_content_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in [".git", "inner/__pycache__", "inner/.ipynb_checkpoints"] {
            fs::create_dir_all(at(name)).unwrap();
            fs::write(at(name).join("x"), "x").unwrap();
        }
        for name in ["a.py", "a.swp", ".swp", ".gitignore", ".env.swap"] {
            fs::write(at(name), "x").unwrap();
        }
        for name in [".a.py.swp", ".DS_Store", "._a.py", ".~lock.a.ods#"] {
            fs::write(at(name), "x").unwrap();
        }
        // A lock of Emacs is a link that leads nowhere.
        #[cfg(unix)]
        std::os::unix::fs::symlink("me@here.1:2", at(".#a.py")).unwrap();
        let found = scan(folder.path()).unwrap();
        let names: Vec<&str> = found.keys().map(String::as_str).collect();
        assert_eq!(names, [".env.swap", ".gitignore", ".swp", "a.py", "a.swp"]);
    }

    #[test]
    fn a_folder_may_hold_many_files() {
        let folder = tempfile::tempdir().unwrap();
        for n in 0..10_500 {
            File::create(folder.path().join(n.to_string())).unwrap();
        }
        assert_eq!(scan(folder.path()).unwrap().len(), 10_500);
    }

    #[test]
    fn a_file_whose_time_was_set_back_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(&folder.path().join("store"));
        let path = folder.path().join("data");
        let seen = || scan(&path).unwrap().remove(".").unwrap();
        fs::write(&path, "1").unwrap();
        age(&path, 100);
        let (before, digest) = (seen(), Digest::of_bytes(b"1"));
        assert!(store.is_unchanged(&before, &digest, &seen()));
        std::thread::sleep(Duration::from_millis(20));
        let set_back = |text: &str| {
            let then = fs::metadata(&path).unwrap().modified().unwrap();
            let mut file = File::options().write(true).open(&path).unwrap();
            std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
            file.set_modified(then).unwrap();
        };
        set_back("2");
        assert_eq!(seen().stamp, before.stamp);
        assert_eq!(
            store.is_unchanged(&before, &digest, &seen()),
            cfg!(not(unix))
        );
        // Another entry, but the same bytes.
        set_back("1");
        assert!(store.is_unchanged(&before, &digest, &seen()));
    }

    #[test]
    fn what_cannot_be_read_whole_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(scan(&folder.path().join("none")).is_err());
        let said = scan(folder.path()).unwrap_err().to_string();
        assert!(said.contains("a directory without a file"), "{said}");
        #[cfg(unix)]
        {
            fs::write(folder.path().join("a"), "a").unwrap();
            let link = folder.path().join("round");
            std::os::unix::fs::symlink(folder.path(), &link).unwrap();
            let said = scan(folder.path()).unwrap_err().to_string();
            assert!(said.contains("leads back into itself"), "{said}");
            fs::remove_file(&link).unwrap();
            std::os::unix::fs::symlink("nowhere", &link).unwrap();
            assert!(scan(folder.path()).is_err());
            let socket = folder.path().join("socket");
            let _listens = std::os::unix::net::UnixListener::bind(&socket).unwrap();
            fs::remove_file(&link).unwrap();
            let said = scan(folder.path()).unwrap_err().to_string();
            assert!(said.contains("neither a plain file"), "{said}");
        }
    }

    #[test]
    fn the_digest_of_a_large_file_is_remembered_once_it_has_rested_and_until_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(&folder.path().join("store"));
        let path = folder.path().join("weights");
        let seen = || scan(&path).unwrap().remove(".").unwrap();
        let remembered = |store: &Store| store.known_path(&path).exists();
        let mut bytes = vec![0; LARGE as usize];
        fs::write(&path, &bytes).unwrap();
        let first = store.digest_outside(&seen()).unwrap();
        assert_eq!(first, Digest::of_bytes(&bytes));
        assert!(store.known.lock().unwrap().is_empty(), "it has not rested");
        let mut rested = seen();
        // The time of an entry's change cannot be set back, so the test says that it was.
        rested.changed.0 -= 100;
        age(&path, 100);
        assert!(!has_rested(&seen()));
        rested.stamp = seen().stamp;
        assert!(has_rested(&rested));

        let known = Known {
            path: path.clone(),
            stamp: seen().stamp,
            changed: seen().changed,
            digest: Digest::of_bytes(b"remembered"),
        };
        store.prepare().unwrap();
        let place = store.known_path(&path);
        store.layout.write(&place, &sealed::seal(&known)).unwrap();
        assert!(remembered(&store));
        assert_eq!(store.digest_outside(&seen()).unwrap(), known.digest);
        // The same size and the same time of change, but other bytes: the entry tells.
        let then = fs::metadata(&path).unwrap().modified().unwrap();
        std::thread::sleep(Duration::from_millis(20));
        bytes[7] = 1;
        fs::write(&path, &bytes).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(then).unwrap();
        assert_eq!(
            store.digest_outside(&seen()).unwrap(),
            Digest::of_bytes(&bytes)
        );
    }

    #[test]
    fn a_store_that_is_not_there_is_not_created_by_looking() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(&folder.path().join("store"));
        let path = folder.path().join("weights");
        fs::write(&path, vec![1; LARGE as usize]).unwrap();
        let mut seen = scan(&path).unwrap().remove(".").unwrap();
        seen.changed.0 -= 100;
        store.digest_outside(&seen).unwrap();
        assert!(!folder.path().join("store").exists());
    }
}
