//! Views that are of no last run any more: they are moved away or removed, as far as they are etude's own.

use std::collections::BTreeSet;
use std::path::Path;

use super::place::There;
use super::{EARLIER, Ledger, Retired, Views};
use crate::store::{Error, files};

impl Views<'_> {
    /// Moves a view to where nobody takes it for the result of the last run. One that is etude's no more is left alone.
    pub fn retire(&self, relative: &str, ledger: &mut Ledger) -> Result<Retired, Error> {
        let path = self.folder.join(relative);
        let Some(digest) = ledger.views.get(relative).copied() else {
            return Ok(Retired::Gone);
        };
        let there = self.there(&path)?;
        if matches!(there, There::Nothing) {
            ledger.views.remove(relative);
            return Ok(Retired::Gone);
        }
        let earlier = format!("{EARLIER}/{relative}");
        let theirs = self.in_the_way(&there, Some(&digest), None);
        if let Some(why) = theirs.or_else(|| self.strange_folder(&path)) {
            return Ok(Retired::Left(why));
        }
        if let Err(problem) = self.free(&earlier, &digest, ledger)? {
            let (place, why) = (problem.path.display(), problem.message);
            return Ok(Retired::Left(format!("{place} is in its way: {why}")));
        }
        let (disk, to) = (&*self.store.layout.disk, self.folder.join(&earlier));
        match there {
            // The way to the store is another from there.
            There::Link(_) => {
                let object = self.store.objects.path(&digest);
                self.link(&self.target(&object, files::folder_of(&to)), &to)?;
                disk.remove(&path).map_err(Error::io("remove", &path))?;
            }
            _ => {
                files::create_folders(disk, files::folder_of(&to))?;
                disk.rename(&path, &to).map_err(Error::io("move", &path))?;
            }
        }
        ledger.views.remove(relative);
        ledger.views.insert(earlier, digest);
        Ok(Retired::Moved(to))
    }

    /// Removes all that was moved away with [`Views::retire`], now that everything is of the last run.
    pub fn clear_earlier(&self, ledger: &mut Ledger) {
        let root = self.folder.join(EARLIER);
        if files::is_folder(&root) && self.strange_folder(&root.join("x")).is_none() {
            self.clear(&root, EARLIER, ledger);
        }
    }

    fn clear(&self, folder: &Path, name: &str, ledger: &mut Ledger) {
        for path in files::entries(folder).unwrap_or_default() {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let relative = format!("{name}/{file}");
            if files::is_folder(&path) {
                self.clear(&path, &relative, ledger);
                continue;
            }
            let there = self.there(&path).unwrap_or(There::Nothing);
            let is_ours = self.in_the_way(&there, ledger.views.get(&relative), None);
            if is_ours.is_none() && self.store.layout.disk.remove(&path).is_ok() {
                ledger.views.remove(&relative);
            }
        }
        // One that is not empty holds what is not etude's, and stays.
        let _ = self.store.layout.disk.remove_folder(folder);
    }

    /// Removes the views of the ledger that `keep` does not name; returns how many.
    pub fn prune(&self, ledger: &mut Ledger, keep: impl Fn(&Path) -> bool) -> usize {
        let disk = &*self.store.layout.disk;
        let mut removed = 0;
        let mut touched = BTreeSet::new();
        ledger.views.retain(|relative, digest| {
            let path = self.folder.join(relative);
            if keep(&path) {
                return true;
            }
            let there = self.there(&path).unwrap_or(There::Nothing);
            let theirs = self.in_the_way(&there, Some(digest), None).is_some();
            if matches!(there, There::Nothing) || theirs || self.strange_folder(&path).is_some() {
                return false;
            }
            if disk.remove(&path).is_err() {
                // It stays ours, to be removed another time.
                return true;
            }
            removed += 1;
            touched.extend(path.ancestors().skip(1).map(Path::to_path_buf));
            // Folders go only when empty, so nothing of the user's can go with them.
            for folder in path.ancestors().skip(1).take_while(|a| *a != self.folder) {
                if disk.remove_folder(folder).is_err() {
                    break;
                }
            }
            false
        });
        // The ledger forgets them: none may come back when the power goes.
        let below = touched.iter().filter(|f| f.starts_with(&self.folder));
        for folder in below.filter(|folder| folder.is_dir()) {
            let _ = disk.sync(folder);
        }
        removed
    }

    /// Forgets the copies placed since the ledger was read that another engine has replaced since: what lies there is for the
    /// other's ledger to know.
    pub fn forget_replaced(&self, ledger: &mut Ledger) {
        for (relative, digest) in ledger.placed() {
            let now = self.there(&self.folder.join(&relative));
            if matches!(now, Ok(There::Copy(now)) if now != digest) {
                ledger.restore_view(&relative);
            }
        }
    }
}
