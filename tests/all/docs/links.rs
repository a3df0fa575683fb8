//! Links of a page: to other pages, to their headings, and to files of the repository.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// The links of a page that lead nowhere, each with its line. Links to other places on the web are not followed.
pub fn broken(root: &Path, page: &Path, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    for (line, target) in links(text) {
        if let Err(why) = leads(root, page, text, &target) {
            broken.push(format!("line {line}: the link `{target}` {why}"));
        }
    }
    broken
}

fn leads(root: &Path, page: &Path, text: &str, target: &str) -> Result<(), String> {
    let elsewhere = ["http://", "https://", "mailto:"];
    if elsewhere.iter().any(|start| target.starts_with(start)) {
        return Ok(());
    }
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let path = match path {
        "" => page.to_path_buf(),
        path => resolved(page, path).ok_or("leads out of the repository")?,
    };
    let file = root.join(&path);
    if !file.exists() {
        return Err(format!("leads to {}, which is not there", path.display()));
    }
    if heading.is_empty() {
        return Ok(());
    }
    let other = if path == page {
        text.to_string()
    } else {
        fs::read_to_string(&file).map_err(|error| format!("cannot be read: {error}"))?
    };
    if anchors(&other).iter().any(|anchor| anchor == heading) {
        Ok(())
    } else {
        Err("leads to no heading".into())
    }
}

/// A path from the root, given as seen from a page; nothing if it leads out.
fn resolved(page: &Path, path: &str) -> Option<PathBuf> {
    let mut resolved = page.parent()?.to_path_buf();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => resolved.push(name),
            Component::CurDir => {}
            Component::ParentDir if resolved.pop() => {}
            _ => return None,
        }
    }
    Some(resolved)
}

/// The lines of a page that are no code, from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// What stands between backticks is no link.
fn without_code(line: &str) -> String {
    let outside = line.split('`').step_by(2);
    outside.collect::<Vec<_>>().join("`")
}

/// The targets of links and pictures, each with its line.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    for (number, line) in prose(text) {
        let line = without_code(line);
        let begins = ["](", "src=\"", "href=\""];
        for begin in begins {
            let end = if begin == "](" { ')' } else { '"' };
            for rest in line.split(begin).skip(1) {
                let target = rest.split(end).next().unwrap_or_default();
                // A title may stand behind the target.
                let target = target.split_whitespace().next().unwrap_or_default();
                links.push((number, target.to_string()));
            }
        }
        // `[name]: target` says where `[text][name]` leads.
        if line.starts_with('[')
            && let Some((_, target)) = line.split_once("]: ")
        {
            links.push((number, target.trim().to_string()));
        }
    }
    links
}

/// The pictures of a page that say nothing to a reader who cannot see them, each with its line.
pub fn silent_pictures(text: &str) -> Vec<String> {
    let mut silent = Vec::new();
    for (number, line) in prose(text) {
        let line = without_code(line);
        let markdown = line.split("![").skip(1);
        let markdown = markdown.map(|rest| rest.split(']').next().unwrap_or_default());
        let html = line.split("<img ").skip(1).map(|rest| {
            let tag = rest.split('>').next().unwrap_or_default();
            let alternative = tag.split("alt=\"").nth(1).unwrap_or_default();
            alternative.split('"').next().unwrap_or_default()
        });
        if markdown.chain(html).any(|words| words.trim().is_empty()) {
            silent.push(format!("line {number}: a picture has no text"));
        }
    }
    silent
}

/// The names by which links find the headings of a page.
fn anchors(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for (_, line) in prose(text) {
        let Some(heading) = line.strip_prefix('#') else {
            continue;
        };
        let heading = heading.trim_start_matches('#').trim();
        let is_kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
        let name: String = heading.to_lowercase().chars().filter(is_kept).collect();
        let name = name.replace(' ', "-");
        let same = anchors.iter().filter(|other| {
            let number = other.strip_prefix(&format!("{name}-"));
            **other == name || number.is_some_and(|number| number.parse::<u32>().is_ok())
        });
        match same.count() {
            0 => anchors.push(name),
            n => anchors.push(format!("{name}-{n}")),
        }
    }
    anchors
}

#[test]
fn links_are_found_in_prose_only() {
    let text = "[a](b.md) ![c](d.svg \"e\") `[no](f.md)`\n\n```text\n[no](g.md)\n```\n<img src=\"h.png\">\n[i]: j.md\n";
    let links: Vec<String> = links(text).into_iter().map(|(_, target)| target).collect();
    assert_eq!(links, ["b.md", "d.svg", "h.png", "j.md"]);
}

#[test]
fn a_picture_without_a_text_is_told() {
    for fine in [
        "![a b](c.svg)",
        "<img src=\"a.svg\" alt=\"b\">",
        "`![](a.svg)`",
        "[](a.md)",
    ] {
        assert!(silent_pictures(fine).is_empty(), "{fine}");
    }
    for wrong in [
        "![](c.svg)",
        "![a](b.svg) ![ ](c.svg)",
        "<img src=\"a.svg\">",
        "<img alt=\"\" src=\"a.svg\">",
    ] {
        assert_eq!(
            silent_pictures(wrong),
            ["line 1: a picture has no text"],
            "{wrong}"
        );
    }
}

#[test]
fn headings_have_the_names_that_links_use() {
    let text =
        "# The `etude run` command\n## Exit codes: 0, 1\n## Why?\n## Why?\n```sh\n# no\n```\n";
    assert_eq!(
        anchors(text),
        ["the-etude-run-command", "exit-codes-0-1", "why", "why-1"]
    );
}

#[test]
fn a_link_that_leads_nowhere_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("docs")).unwrap();
    fs::write(folder.path().join("docs/a.md"), "").unwrap();
    fs::write(folder.path().join("docs/b.md"), "# B\n").unwrap();
    fs::write(folder.path().join("c.txt"), "").unwrap();
    let broken = |target: &str| {
        let text = format!("# Here\n\n[x]({target})\n");
        broken(folder.path(), Path::new("docs/a.md"), &text).concat()
    };
    for fine in [
        "b.md",
        "b.md#b",
        "#here",
        "../c.txt",
        "https://a.b/c",
        "mailto:a@b",
    ] {
        assert_eq!(broken(fine), "", "{fine}");
    }
    for wrong in [
        "d.md",
        "b.md#d",
        "#there",
        "../d.txt",
        "../../c.txt",
        "/c.txt",
    ] {
        let told = broken(wrong);
        assert!(told.starts_with("line 3: "), "{wrong}: {told}");
    }
}
