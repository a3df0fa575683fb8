//! The log of a job: what it and its programs print.
//!
//! A log takes 64 MiB at most. Of one that would be longer the first 32 MiB are kept and at least the last 16; a line
//! between them says how much is left out. The engine and a worker both write into a log, each a whole piece at a time.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// How much of the beginning is always kept.
const HEAD: u64 = 32 << 20;
/// How long what follows may become before it is cut to its last half.
const TAIL: u64 = 32 << 20;

/// A log to write into.
pub(super) struct Log {
    file: File,
    head: u64,
    tail: u64,
}

impl Log {
    /// A log, which need not exist, to add to.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut options = File::options();
        let file = options.create(true).read(true).append(true).open(path)?;
        Ok(Self {
            file,
            head: HEAD,
            tail: TAIL,
        })
    }

    /// Adds what was printed; a log that cannot be written stops nothing.
    pub fn add(&self, text: &[u8]) {
        let _ = self.append(text);
    }

    fn append(&self, text: &[u8]) -> io::Result<()> {
        (&self.file).write_all(text)?;
        if self.length()? <= self.head + self.tail {
            return Ok(());
        }
        // No two cut at once; what another adds meanwhile may be lost.
        let _ = self.file.lock();
        let cut = self.cut();
        let _ = self.file.unlock();
        cut
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Leaves out all between the beginning and the last half of what follows it, unless another just has.
    fn cut(&self) -> io::Result<()> {
        let length = self.length()?;
        if length <= self.head + self.tail {
            return Ok(());
        }
        let before = gap(&self.file, self.head)?.unwrap_or_default();
        let mut from = length - self.tail / 2;
        let mut file = &self.file;
        file.seek(SeekFrom::Start(from))?;
        let mut last = Vec::new();
        file.read_to_end(&mut last)?;
        // It begins with a line, if it has another.
        let line = last.iter().position(|byte| *byte == b'\n');
        let line = line.map_or(0, |end| end + 1);
        if line < last.len() {
            last.drain(..line);
            from += line as u64;
        }
        let left_out = before.left_out + (from - self.head - before.length);
        self.file.set_len(self.head)?;
        file.write_all(format!("{OPENS}{left_out}{CLOSES}").as_bytes())?;
        file.write_all(&last)
    }
}

const OPENS: &str = "\netude: ";
const CLOSES: &str =
    " bytes are left out here: of a log over 64 MiB only the beginning and the end are kept\n";

/// The line that says how much is left out.
#[derive(Debug, Default, PartialEq)]
struct Gap {
    left_out: u64,
    length: u64,
}

/// The line that stands behind the beginning of a log, if something is left out there.
fn gap(mut file: &File, head: u64) -> io::Result<Option<Gap>> {
    file.seek(SeekFrom::Start(head))?;
    let mut line = Vec::new();
    file.take((OPENS.len() + 20 + CLOSES.len()) as u64)
        .read_to_end(&mut line)?;
    let line = String::from_utf8_lossy(&line);
    let number = line.strip_prefix(OPENS).and_then(|rest| {
        let (number, _) = rest.split_once(CLOSES)?;
        number.parse::<u64>().ok()
    });
    Ok(number.map(|left_out| Gap {
        left_out,
        length: (OPENS.len() + left_out.to_string().len() + CLOSES.len()) as u64,
    }))
}

/// Adds a line to a log.
pub(super) fn note(path: &Path, line: &str) {
    if let Ok(log) = Log::open(path) {
        log.add(format!("{line}\n").as_bytes());
    }
}

/// How many bytes of a log are left out, if any are.
pub(super) fn left_out(path: &Path) -> Option<u64> {
    let gap = gap(&File::open(path).ok()?, HEAD).ok()??;
    Some(gap.left_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(path: &Path, head: u64, tail: u64) -> Log {
        let log = Log::open(path).unwrap();
        Log { head, tail, ..log }
    }

    #[test]
    fn a_long_log_keeps_its_beginning_and_its_end_and_says_what_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        // Two processes write in turn.
        let logs = [small(&path, 1000, 1000), small(&path, 1000, 1000)];
        let mut all = String::new();
        for n in 0..2000 {
            let line = format!("line {n}\n");
            logs[n % 2].add(line.as_bytes());
            all.push_str(&line);
        }
        let kept = std::fs::read_to_string(&path).unwrap();
        assert!(kept.len() <= 2000, "{}", kept.len());
        assert_eq!(kept[..1000], all[..1000]);
        let gap = gap(&logs[0].file, 1000).unwrap().unwrap();
        let last = &kept[1000 + gap.length as usize..];
        assert!(last.len() >= 400 && last.starts_with("line "), "{last}");
        assert!(all.ends_with(last));
        assert_eq!(gap.left_out as usize, all.len() - 1000 - last.len());
    }

    #[test]
    fn a_log_without_lines_is_cut_too_and_a_short_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let log = small(&path, 1000, 1000);
        for _ in 0..20 {
            log.add(&[b'x'; 100]);
        }
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 2000);
        assert_eq!(gap(&log.file, 1000).unwrap(), None);
        log.add(&[b'x'; 7000]);
        let found = gap(&log.file, 1000).unwrap().unwrap();
        assert_eq!(found.left_out, 9000 - 1000 - 500);
        assert_eq!(
            left_out(&path),
            None,
            "it is shorter than the beginning of a log"
        );
    }
}
