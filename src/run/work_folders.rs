//! Messages without the private folders of a job: nobody has chosen them, and they are gone when the message is read.

use std::path::Path;

use super::executor::Task;

/// A message in which the folders of a task are called what they are. What lies in its output folder goes by its own name.
pub fn without(task: &Task, message: &str) -> String {
    let message = replaced(message, &task.out, "the job's output folder");
    replaced(&message, &task.checkpoint, "the job's checkpoint folder")
}

/// A text in which a folder is called otherwise, and what lies in it goes by its path from there.
fn replaced(text: &str, folder: &Path, called: &str) -> String {
    let mut folders = vec![folder.to_path_buf()];
    folders.extend(std::path::absolute(folder));
    folders.extend(std::fs::canonicalize(folder));
    folders.sort_by_key(|folder| std::cmp::Reverse(folder.as_os_str().len()));
    folders.dedup();
    let mut text = text.to_string();
    for folder in folders.iter().filter_map(|folder| folder.to_str()) {
        if folder.len() > 1 {
            text = text
                .replace(&format!("{folder}/"), "")
                .replace(folder, called);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_by_what_it_is_and_a_file_in_it_by_its_name() {
        let folder = Path::new("/nowhere/scratch/12-ab/out");
        let shown = |text: &str| replaced(text, folder, "the job's output folder");
        assert_eq!(
            shown("cannot write /nowhere/scratch/12-ab/out/model/table.parquet: disk full"),
            "cannot write model/table.parquet: disk full"
        );
        assert_eq!(
            shown("cannot list '/nowhere/scratch/12-ab/out'"),
            "cannot list 'the job's output folder'"
        );
        assert_eq!(shown("/nowhere/else"), "/nowhere/else");
    }
}
