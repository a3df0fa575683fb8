//! A page of documentation, as blocks of code with what is to be done with each.
//!
//! The first line of a block says its language, and then what it is for:
//!
//! - `toml file=NAME`: the block is written to the file NAME. A pipeline must plan without a problem.
//! - `toml add=NAME`: the block is added at the end of NAME, which must then plan without a problem.
//! - `python file=NAME`, and so with every language: the block is written to the file NAME.
//! - `sh`: the block is run by `sh -e`, with `etude` on the path, and must end with 0.
//! - `sh fails=N`: the same, but the last command must end with N.
//! - `sh run=no`: the block is shown and not run. Its lines that begin with `etude ` must be command lines that etude knows.
//! - `text output`: what the block before it prints. `…` in a line stands for anything, and a line of only `…` for any lines.
//! - Every other language is shown only; `toml` must still be TOML.
//!
//! A page runs in an empty folder. The line `<!-- run-in: pipelines -->` before the first block puts the repository's
//! `pipelines/` there.

/// What is done with a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Use {
    /// It is shown to the reader.
    Shown,
    /// It becomes a file of this name.
    File(String),
    /// It is added at the end of a file of this name.
    Add(String),
    /// It is run by a shell, and ends with this code.
    Run(i32),
    /// It is a shell's, and is not run.
    NotRun,
    /// It is what the block before it prints.
    Output,
}

/// A block of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The line of the page on which it begins, from 1.
    pub line: usize,
    /// Its language.
    pub language: String,
    /// What is done with it.
    pub usage: Use,
    /// Its text.
    pub text: String,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Whether the repository's pipelines are there when it runs.
    pub has_pipelines: bool,
    /// Its blocks, in order.
    pub blocks: Vec<Block>,
}

/// The line that brings the pipelines, and how each such line begins.
const PIPELINES: &str = "<!-- run-in: pipelines -->";
const RUN_IN: &str = "<!-- run-in:";

impl Page {
    /// Reads a page; the error says what cannot be understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut page = Self {
            has_pipelines: false,
            blocks: Vec::new(),
        };
        let mut lines = (1..).zip(text.lines());
        while let Some((line, text)) = lines.next() {
            let start = text.trim_start();
            if start.starts_with(RUN_IN) {
                if start.trim_end() != PIPELINES || !page.blocks.is_empty() {
                    return Err(format!(
                        "line {line}: only `{PIPELINES}` before the first block"
                    ));
                }
                page.has_pipelines = true;
            }
            if start.starts_with("~~~") {
                return Err(format!("line {line}: a block begins with ```"));
            }
            let ticks = start.len() - start.trim_start_matches('`').len();
            if ticks < 3 {
                continue;
            }
            if ticks > 3 {
                return Err(format!("line {line}: a block begins with three backticks"));
            }
            let (language, usage) =
                usage(&start[ticks..]).map_err(|why| format!("line {line}: {why}"))?;
            let indent = text.len() - start.len();
            let mut inside = Vec::new();
            loop {
                let Some((_, text)) = lines.next() else {
                    return Err(format!("line {line}: the block does not end"));
                };
                if text.trim() == "```" {
                    break;
                }
                // In a list, the block is indented as a whole.
                let blank = text.len() - text.trim_start_matches(' ').len();
                inside.push(&text[blank.min(indent)..]);
            }
            page.blocks.push(Block {
                line,
                language,
                usage,
                text: inside.iter().map(|line| format!("{line}\n")).collect(),
            });
        }
        Ok(page)
    }
}

/// The language of a block, and what is done with it.
fn usage(info: &str) -> Result<(String, Use), String> {
    let mut words = info.split_whitespace();
    let language = words.next().ok_or("the block has no language")?;
    let marks: Vec<&str> = words.collect();
    let usage = match (language, marks.as_slice()) {
        ("sh", []) => Use::Run(0),
        (_, []) => Use::Shown,
        ("sh", ["run=no"]) => Use::NotRun,
        ("text", ["output"]) => Use::Output,
        (_, [mark]) => match mark.split_once('=') {
            Some(("file", name)) => Use::File(file_name(name)?),
            Some(("add", name)) if language == "toml" => Use::Add(file_name(name)?),
            Some(("fails", code)) if language == "sh" => {
                let code = code.parse().ok().filter(|code| (1..256).contains(code));
                Use::Run(code.ok_or_else(|| format!("`{mark}` is no exit code of a failure"))?)
            }
            _ => return Err(format!("`{language} {mark}` means nothing")),
        },
        _ => return Err(format!("`{}` means nothing", info.trim())),
    };
    Ok((language.to_string(), usage))
}

/// The name of a file in the page's folder.
fn file_name(name: &str) -> Result<String, String> {
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    if name.split('/').all(is_plain) {
        Ok(name.to_string())
    } else {
        Err(format!("`{name}` is no file in the page's folder"))
    }
}

#[test]
fn a_block_says_what_is_done_with_it() {
    let uses = |text: &str| -> Vec<Use> {
        let page = Page::parse(text).unwrap();
        page.blocks.into_iter().map(|block| block.usage).collect()
    };
    let block = |info: &str| uses(&format!("```{info}\nx\n```\n")).remove(0);
    assert_eq!(block("toml file=a/b.toml"), Use::File("a/b.toml".into()));
    assert_eq!(block("toml add=a.toml"), Use::Add("a.toml".into()));
    assert_eq!(block("python file=a.py"), Use::File("a.py".into()));
    assert_eq!(block("sh"), Use::Run(0));
    assert_eq!(block("sh fails=2"), Use::Run(2));
    assert_eq!(block("sh run=no"), Use::NotRun);
    assert_eq!(block("text output"), Use::Output);
    assert_eq!(block("text"), Use::Shown);
    assert_eq!(block("json"), Use::Shown);
    for wrong in [
        "",
        "sh run=yes",
        "sh fails=0",
        "sh fails=x",
        "python add=a.py",
        "text input",
        "toml file=../a",
        "toml file=/a",
        "toml file=a.toml add=a.toml",
    ] {
        let page = Page::parse(&format!("```{wrong}\nx\n```\n"));
        assert!(page.is_err(), "{wrong}: {page:?}");
    }
}

#[test]
fn blocks_keep_their_text_their_order_and_their_place() {
    let text =
        "# A\n\n```sh\ntrue\n\nfalse\n```\n\n- item\n\n  ```text output\n  a\n    b\n  ```\n";
    let page = Page::parse(text).unwrap();
    let shown = page
        .blocks
        .iter()
        .map(|block| (block.line, block.text.as_str()));
    let shown: Vec<_> = shown.collect();
    assert_eq!(shown, [(3, "true\n\nfalse\n"), (11, "a\n  b\n")]);
    assert!(!page.has_pipelines);
}

#[test]
fn a_page_that_cannot_be_read_is_a_mistake() {
    assert!(
        Page::parse("<!-- run-in: pipelines -->\n")
            .unwrap()
            .has_pipelines
    );
    for text in [
        "```sh\ntrue\n",
        "~~~sh\ntrue\n~~~\n",
        "````text\n```sh\n````\n",
        "<!-- run-in: elsewhere -->\n",
        "```sh\n```\n<!-- run-in: pipelines -->\n",
    ] {
        assert!(Page::parse(text).is_err(), "{text}");
    }
}
