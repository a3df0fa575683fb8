//! Path-star graphs from files, in the text of the data that Bachmann & Nagarajan (2024) released.
//!
//! A file has an example a line, edges in any order, the question and the path:
//! `32,3|16,12|3,19|32,34|34,6|6,16|19,47|47,28/32,12=32,34,6,16,12`. All lines must be of one shape G(d, l); it is told
//! by the first. Every line is checked: that its edges are a star with arms of equal length, that its path is that of the
//! graph, that its labels are nodes. Tokens are those of [`super::path_star`], so a dataset that was drawn, written as
//! text and read again has the same tokens.
//!
//! Whoever draws without looking may draw a question twice. Two examples are the same question where they have the same
//! edges and the same goal; one that is in two splits is refused unless the reader was told that it may be.
//!
//! The released data have a file to learn from and one to test with, and none for validation. Where none is given, some
//! questions of the file to learn from are held out: drawn by a seed, never one of the test, and every line of such a
//! question leaves the training split.

use std::collections::HashSet;
use std::path::Path;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::graph::Graph;
use super::path_star::PathStar;
use super::{AT_ONCE, Contract, Dataset, Error, ExampleShape, Examples, MOST_TOKENS, Task};
use crate::learn::random;

/// Path-star graphs that were drawn elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Imported {
    /// Arms that leave the start.
    pub degree: u32,
    /// Nodes from the start to the end of an arm, both counted.
    pub path_length: u32,
    /// Values a node's label can take.
    pub nodes: u32,
    /// Examples to learn from.
    pub train: u64,
    /// Examples to test with.
    pub test: u64,
    /// Examples for validation.
    pub validation: u64,
}

/// Where validation examples come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validation<'a> {
    /// A file of their own.
    File(&'a Path),
    /// So many questions of the file to learn from, drawn by a seed.
    HeldOut {
        /// How many.
        count: u64,
        /// The seed.
        seed: u64,
    },
}

/// Whether a question may be in both splits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Overlap {
    /// It is an error.
    #[default]
    Refuse,
    /// It may.
    Allow,
}

/// The largest file that is read.
const LARGEST: u64 = 1 << 33;

/// The most node values, as for graphs that are drawn.
const MOST_NODES: u32 = 1_000_000;

/// How many wrong lines are told one by one.
const TOLD: usize = 10;

/// How much of a line is shown.
const SHOWN: usize = 60;

impl Imported {
    /// The task that draws graphs like these.
    #[must_use]
    pub fn like(&self) -> PathStar {
        PathStar {
            degree: self.degree,
            path_length: self.path_length,
            nodes: self.nodes,
            train: self.train,
            test: self.test,
            validation: self.validation,
            ..PathStar::default()
        }
    }
}

impl Contract for Imported {
    fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        let (degree, path_length) = (u64::from(self.degree), u64::from(self.path_length));
        // Of the nodes more must be there than of the others, which keeps these small too.
        let needed = (path_length.saturating_sub(1).saturating_mul(degree)).saturating_add(1);
        if degree < 1 || path_length < 2 {
            let why = format!("G({degree},{path_length}) has no path");
            problems.push(("path_length", why));
        }
        if self.nodes > MOST_NODES || u64::from(self.nodes) < needed {
            let why = format!(
                "{} node values are more than {MOST_NODES} or fewer than the {needed} nodes of a graph",
                self.nodes
            );
            problems.push(("nodes", why));
        }
        problems
    }

    fn shape(&self) -> ExampleShape {
        self.like().shape()
    }

    fn generate(&self, _cancel: &dyn Fn() -> bool) -> Result<Dataset, Error> {
        Err(Error::Fixed(ELSEWHERE))
    }

    fn fixed(&self) -> Option<&'static str> {
        Some(ELSEWHERE)
    }

    fn render(&self, prefix: &[u32], target: &[u32]) -> String {
        self.like().render(prefix, target)
    }

    fn has_graphs(&self) -> bool {
        true
    }

    fn graph(&self, prefix: &[u32]) -> Option<Graph> {
        self.like().graph(prefix)
    }
}

pub(crate) const ELSEWHERE: &str = "the examples of `dataset` were drawn elsewhere";

/// G(d, l), as the first line has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size {
    degree: usize,
    path_length: usize,
}

impl Size {
    fn edges(self) -> usize {
        self.degree * (self.path_length - 1)
    }

    /// Labels kept of a line: both ends of every edge, and the path, which begins and ends as the question does.
    fn width(self) -> usize {
        2 * self.edges() + self.path_length
    }
}

/// What a thread needs to check a line.
#[derive(Default)]
struct Workspace {
    labels: Vec<u32>,
    edges: Vec<(u32, u32)>,
    children: Vec<u32>,
    bytes: Vec<u8>,
}

/// A line in labels, both ends of every edge and then the path, into `workspace.labels`; and what makes it the question it is.
/// Labels must be below `nodes`.
fn parse(line: &[u8], nodes: u32, workspace: &mut Workspace) -> Result<(Size, u128), String> {
    let Workspace {
        labels,
        edges,
        children,
        bytes,
    } = workspace;
    labels.clear();
    edges.clear();
    let text = |bytes: &[u8]| {
        let more = if bytes.len() > SHOWN { "…" } else { "" };
        let bytes = &bytes[..bytes.len().min(SHOWN)];
        let shown = String::from_utf8_lossy(bytes).replace(char::is_control, "\u{fffd}");
        format!("`{shown}{more}`")
    };
    let label = |word: &[u8]| -> Result<u32, String> {
        let digits = (1..=7).contains(&word.len()) && word.iter().all(u8::is_ascii_digit);
        if !digits || (word.len() > 1 && word[0] == b'0') {
            return Err(format!("{} is no node", text(word)));
        }
        let number = word
            .iter()
            .fold(0, |n, digit| n * 10 + u32::from(digit - b'0'));
        if number < nodes {
            Ok(number)
        } else {
            Err(format!("node {number} is not below {nodes}"))
        }
    };
    let split = |bytes: &[u8], at: u8| bytes.iter().position(|&byte| byte == at);
    let pair = |words: &[u8]| -> Result<(u32, u32), String> {
        let Some(comma) = split(words, b',') else {
            return Err(format!("{} is no pair of nodes", text(words)));
        };
        Ok((label(&words[..comma])?, label(&words[comma + 1..])?))
    };
    let (Some(slash), Some(equals)) = (split(line, b'/'), split(line, b'=')) else {
        return Err(format!(
            "{} is not `edges/start,goal=path`: it has no `/` or no `=`",
            text(line)
        ));
    };
    if equals < slash {
        return Err(format!("in {} `=` stands before `/`", text(line)));
    }
    for edge in line[..slash].split(|&byte| byte == b'|') {
        let (parent, child) = pair(edge)?;
        labels.extend([parent, child]);
        edges.push((parent, child));
    }
    let (start, goal) = pair(&line[slash + 1..equals])?;
    let path = labels.len();
    for word in line[equals + 1..].split(|&byte| byte == b',') {
        labels.push(label(word)?);
    }
    let path = &labels[path..];

    // A child has one parent, the start none, so whoever follows edges from the start comes to an end.
    edges.sort_unstable();
    children.clear();
    children.extend(edges.iter().map(|edge| edge.1));
    children.sort_unstable();
    if let Some(twice) = children.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!(
            "node {} has two parents, so the edges are no star",
            twice[0]
        ));
    }
    if children.binary_search(&start).is_ok() {
        return Err(format!(
            "the start {start} has a parent, so the edges are no star"
        ));
    }
    let first = |node: u32| edges.partition_point(|edge| edge.0 < node);
    let arms = &edges[first(start)..edges.partition_point(|edge| edge.0 <= start)];
    let mut length = None;
    let mut is_reached = false;
    for &(_, child) in arms {
        let is_path = path.len() > 1 && path[0] == start && path[1] == child;
        let (mut node, mut count, mut follows) = (child, 2, is_path);
        loop {
            let next = first(node);
            match edges.get(next) {
                Some(edge) if edge.0 == node => {
                    if edges.get(next + 1).is_some_and(|other| other.0 == node) {
                        return Err(format!(
                            "node {node}, not the start, has two children, so the edges are no star"
                        ));
                    }
                    node = edge.1;
                }
                _ => break,
            }
            follows &= path.get(count) == Some(&node);
            count += 1;
        }
        if *length.get_or_insert(count) != count {
            return Err(format!(
                "the arms have {} and {count} nodes, both ends counted, where all must be equally long",
                length.unwrap_or_default()
            ));
        }
        if node == goal {
            is_reached = true;
            if !follows || path.len() != count {
                return Err(format!(
                    "the path from {start} to {goal} is another in the graph"
                ));
            }
        }
    }
    let Some(path_length) = length else {
        return Err(format!("no edge leaves the start {start}"));
    };
    let size = Size {
        degree: arms.len(),
        path_length,
    };
    if size.edges() != edges.len() {
        return Err(format!(
            "{} of {} edges hang together with the start {start}",
            size.edges(),
            edges.len()
        ));
    }
    if !is_reached {
        return Err(format!("the goal {goal} is not the end of an arm"));
    }
    bytes.clear();
    for (parent, child) in edges.iter().chain([&(start, goal)]) {
        bytes.extend(parent.to_le_bytes());
        bytes.extend(child.to_le_bytes());
    }
    let digest = blake3::hash(bytes);
    let half = digest.as_bytes()[..16]
        .try_into()
        .expect("a digest has 32 bytes");
    Ok((size, u128::from_le_bytes(half)))
}

/// A line, as [`read`] checks it: whether it is an example of its own.
///
/// # Errors
/// What is wrong with it.
pub fn check(line: &str) -> Result<(), String> {
    parse(line.as_bytes(), MOST_NODES, &mut Workspace::default()).map(|_| ())
}

/// The lines of a file, in labels.
struct Split {
    size: Size,
    labels: Vec<u32>,
    questions: Vec<u128>,
}

impl Split {
    /// All lines of a file must be of the size of the first, or of `like`, that of another file.
    fn read(
        path: &Path,
        nodes: Option<u32>,
        like: Option<Size>,
        cancel: &dyn Fn() -> bool,
    ) -> Result<Self, Error> {
        let io = |source| Error::Io {
            path: path.to_path_buf(),
            source,
        };
        let unreadable = |why: String| Error::Text {
            path: path.to_path_buf(),
            why,
        };
        let size = std::fs::metadata(path).map_err(io)?.len();
        if size > LARGEST {
            let why = format!("it has {size} bytes, more than {LARGEST}");
            return Err(unreadable(why));
        }
        let bytes = std::fs::read(path).map_err(io)?;
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let lines = || {
            let lines = text.split(|&byte| byte == b'\n');
            lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        };
        let most = nodes.unwrap_or(MOST_NODES);
        let first = lines().next().unwrap_or_default();
        let parsed = parse(first, most, &mut Workspace::default());
        let size = match (like, parsed) {
            (Some(size), _) | (None, Ok((size, _))) => size,
            (None, Err(why)) => return Err(unreadable(format!("line 1: {why}"))),
        };
        let width = size.width();
        // Counted before they are laid out: a file of nothing but ends of lines has more of them than memory holds.
        let count = lines().count();
        let needed = count.saturating_mul(width + size.edges() + 3);
        if needed as u64 > MOST_TOKENS {
            let why = format!("its {count} lines have more than {MOST_TOKENS} tokens");
            return Err(unreadable(why));
        }
        let lines: Vec<&[u8]> = lines().collect();
        let mut labels = vec![0; lines.len() * width];
        let mut questions = vec![0; lines.len()];
        let mut wrong = Vec::new();
        let mut count = 0;
        for (chunk, lines) in lines.chunks(AT_ONCE).enumerate() {
            if cancel() {
                return Err(Error::Cancelled);
            }
            let first = chunk * AT_ONCE;
            let rows = labels[first * width..].par_chunks_exact_mut(width);
            let rows = rows.zip(&mut questions[first..]).zip(lines).enumerate();
            let param_errors = rows.map_init(
                Workspace::default,
                |workspace, (index, ((row, question), line))| {
                    let (found, identity) = match parse(line, most, workspace) {
                        Ok(parsed) => parsed,
                        Err(why) => return Some((first + index, why)),
                    };
                    if found != size {
                        let why = format!(
                            "its graph is G({},{}), where others are G({},{})",
                            found.degree, found.path_length, size.degree, size.path_length
                        );
                        return Some((first + index, why));
                    }
                    row.copy_from_slice(&workspace.labels);
                    *question = identity;
                    None
                },
            );
            let found: Vec<_> = param_errors.flatten_iter().collect();
            count += found.len();
            wrong.extend(found.into_iter().take(TOLD - wrong.len()));
        }
        if count > 0 {
            let mut why: Vec<String> = wrong
                .into_iter()
                .map(|(line, why)| format!("line {}: {why}", line + 1))
                .collect();
            if count > why.len() {
                why.push(format!("and {} more wrong lines", count - why.len()));
            }
            return Err(unreadable(why.join("\n")));
        }
        Ok(Self {
            size,
            labels,
            questions,
        })
    }

    /// The tokens of its examples, `nodes` values a label can take.
    fn examples(&self, nodes: u32) -> Result<Examples, Error> {
        let (width, edges) = (self.size.width(), self.size.edges());
        let (prefix, target) = (3 * edges + 3, self.size.path_length);
        let mut tokens = vec![0; self.questions.len() * (prefix + target)];
        let rows = tokens.par_chunks_exact_mut(prefix + target);
        let rows = rows.zip(self.labels.par_chunks_exact(width));
        rows.for_each(|(row, labels)| {
            let (pairs, path) = labels.split_at(2 * edges);
            for (to, pair) in row.chunks_exact_mut(3).zip(pairs.chunks_exact(2)) {
                to.copy_from_slice(&[pair[0], pair[1], nodes]); // |
            }
            let (start, goal) = (path[0], path[target - 1]);
            row[prefix - 4..prefix].copy_from_slice(&[nodes + 2, start, goal, nodes + 1]); // / start goal =
            row[prefix..].copy_from_slice(path);
        });
        Examples::new(prefix, target, tokens)
    }

    /// Takes `count` questions out, drawn by `seed` among those that are not `asked`; all lines of such a question go, and
    /// the first of them is the one that is held out. Says how many there are to choose from where these are too few.
    fn hold_out(&mut self, count: u64, seed: u64, asked: &HashSet<u128>) -> Result<Self, u64> {
        let mut found = HashSet::new();
        let lines = (0..self.questions.len()).filter(|&line| {
            let question = self.questions[line];
            !asked.contains(&question) && found.insert(question)
        });
        let mut lines: Vec<usize> = lines.collect();
        // Something must be left to learn from.
        if count > 0 && count >= lines.len() as u64 {
            return Err(lines.len() as u64);
        }
        random::shuffle(&mut random::stream(seed, "dataset/held-out"), &mut lines);
        lines.truncate(count as usize);
        let held: HashSet<u128> = lines.iter().map(|&line| self.questions[line]).collect();
        let held_out = self.of(&lines);
        let rest = (0..self.questions.len()).filter(|&line| !held.contains(&self.questions[line]));
        let rest: Vec<usize> = rest.collect();
        if !held.is_empty() {
            *self = self.of(&rest);
        }
        Ok(held_out)
    }

    /// Some of its lines.
    fn of(&self, lines: &[usize]) -> Self {
        let width = self.size.width();
        let labels = lines
            .iter()
            .flat_map(|line| &self.labels[line * width..][..width]);
        Self {
            size: self.size,
            labels: labels.copied().collect(),
            questions: lines.iter().map(|&line| self.questions[line]).collect(),
        }
    }

    /// An error where a question of it, read from `path`, is in `other` as well.
    fn shares_none(&self, path: &Path, other: &Self, file: &Path) -> Result<(), Error> {
        let known: HashSet<u128> = other.questions.iter().copied().collect();
        let shared = self.questions.iter().enumerate();
        let shared: Vec<usize> = shared
            .filter(|(_, question)| known.contains(question))
            .map(|(line, _)| line + 1)
            .collect();
        let Some(first) = shared.first() else {
            return Ok(());
        };
        let why = format!(
            "{} of its {} questions are in {} as well, the first of them in line {first}; `overlap = \"allow\"` takes them \
             nevertheless",
            shared.len(),
            self.questions.len(),
            file.display(),
        );
        let path = path.to_path_buf();
        Err(Error::Text { path, why })
    }

    fn most(&self) -> u32 {
        self.labels.par_iter().copied().max().unwrap_or(0)
    }
}

/// Reads a dataset from a file for each split. `nodes` is how many values a label can take; without it, the largest label
/// of all files and one. `cancel` is asked now and then.
///
/// # Errors
/// - [`Error::Io`] where a file cannot be read.
/// - [`Error::Text`] where lines are wrong: it names file and line of the first ten and counts the others.
/// - [`Error::Text`] too where a question is in two splits, or too few are there to hold some out.
/// - [`Error::Parameters`] where `nodes` is out of range.
pub fn read(
    train: &Path,
    test: &Path,
    validation: Validation<'_>,
    nodes: Option<u32>,
    overlap: Overlap,
    cancel: &dyn Fn() -> bool,
) -> Result<Dataset, Error> {
    if let Some(nodes) = nodes.filter(|nodes| *nodes > MOST_NODES) {
        let why = format!("{nodes} node values are more than {MOST_NODES}");
        return Err(Error::Parameters(vec![("nodes".to_owned(), why)]));
    }
    let mut learnt = Split::read(train, nodes, None, cancel)?;
    let asked = Split::read(test, nodes, Some(learnt.size), cancel)?;
    if overlap == Overlap::Refuse {
        asked.shares_none(test, &learnt, train)?;
    }
    let looked_at = match validation {
        Validation::File(path) => {
            let looked_at = Split::read(path, nodes, Some(learnt.size), cancel)?;
            if overlap == Overlap::Refuse {
                looked_at.shares_none(path, &learnt, train)?;
                looked_at.shares_none(path, &asked, test)?;
            }
            looked_at
        }
        Validation::HeldOut { count, seed } => {
            let tested = asked.questions.iter().copied().collect();
            let held_out = learnt.hold_out(count, seed, &tested);
            held_out.map_err(|there_are| Error::Text {
                path: train.to_path_buf(),
                why: format!(
                    "of its {there_are} different questions that are not in the test, {count} held out for validation leave \
                     none to learn from; use a `held_out` of at most {}, or a file for `validation`",
                    there_are.saturating_sub(1)
                ),
            })?
        }
    };
    let splits = [&learnt, &asked, &looked_at];
    let most = splits.iter().map(|split| split.most()).max();
    let nodes = nodes.unwrap_or(most.unwrap_or(0) + 1);
    let task = Imported {
        degree: learnt.size.degree as u32,
        path_length: learnt.size.path_length as u32,
        nodes,
        train: learnt.questions.len() as u64,
        test: asked.questions.len() as u64,
        validation: looked_at.questions.len() as u64,
    };
    let [learnt, asked, looked_at] = splits.map(|split| split.examples(nodes));
    Ok(Dataset::of(
        Task::Imported(task),
        [learnt?, asked?, looked_at?],
    ))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::path::PathBuf;

    use super::*;

    const LINE: &str = "32,3|16,12|3,19|32,34|34,6|6,16|19,47|47,28/32,12=32,34,6,16,12";
    const OTHER: &str = "32,3|16,12|3,19|32,34|34,6|6,16|19,47|47,28/32,28=32,3,19,47,28";

    struct Files(tempfile::TempDir);

    impl Files {
        fn new(train: &str, test: &str) -> Self {
            let files = Self(tempfile::tempdir().unwrap());
            std::fs::write(files.path("train.txt"), train).unwrap();
            std::fs::write(files.path("test.txt"), test).unwrap();
            files
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn read(&self, nodes: Option<u32>, overlap: Overlap) -> Result<Dataset, Error> {
            self.read_with(Validation::HeldOut { count: 0, seed: 0 }, nodes, overlap)
        }

        fn read_with(
            &self,
            validation: Validation<'_>,
            nodes: Option<u32>,
            overlap: Overlap,
        ) -> Result<Dataset, Error> {
            let (train, test) = (self.path("train.txt"), self.path("test.txt"));
            read(&train, &test, validation, nodes, overlap, &|| false)
        }

        fn said(&self) -> String {
            let said = self.read(None, Overlap::Refuse).unwrap_err().to_string();
            said.replace(self.0.path().to_str().unwrap(), "")
        }
    }

    fn text(examples: &Examples, task: &dyn Contract) -> String {
        examples
            .iter()
            .fold(String::new(), |mut text, (prefix, target)| {
                writeln!(text, "{}", task.render(prefix, target)).unwrap();
                text
            })
    }

    #[test]
    fn what_was_drawn_and_written_as_text_is_read_as_the_same_tokens() {
        for (degree, path_length) in [(2, 5), (3, 2), (1, 4), (5, 3)] {
            let task = PathStar {
                degree,
                path_length,
                nodes: 40,
                train: 300,
                test: 50,
                validation: 30,
                seed: 3,
                ..PathStar::default()
            };
            let drawn = task.generate(&|| false).unwrap();
            let files = Files::new(&text(&drawn.train, &task), &text(&drawn.test, &task));
            let read = files.read(Some(40), Overlap::Refuse).unwrap();
            assert_eq!((&read.train, &read.test), (&drawn.train, &drawn.test));
            let Task::Imported(imported) = &read.task else {
                panic!("{:?}", read.task)
            };
            assert_eq!(
                (imported.degree, imported.path_length),
                (degree, path_length)
            );
            let validation = files.path("validation.txt");
            std::fs::write(&validation, text(&drawn.validation, &task)).unwrap();
            let all = files.read_with(Validation::File(&validation), None, Overlap::Refuse);
            assert_eq!(all.unwrap().validation, drawn.validation);
            // 350 graphs of 40 labels leave out none.
            assert_eq!(files.read(None, Overlap::Refuse).unwrap(), read);
            let directory = tempfile::tempdir().unwrap();
            read.save(directory.path()).unwrap();
            assert_eq!(Dataset::load(directory.path()).unwrap(), read);
            assert_eq!(text(&read.test, imported), text(&drawn.test, &task));
        }
    }

    #[test]
    fn every_way_in_which_a_line_can_be_wrong_is_said() {
        let wrong = [
            "",
            "hello",
            "1,2=1,2/1,2",
            "1,2|/1,2=1,2",
            "1;2/1,2=1,2",
            "1,+2/1,2=1,2",
            "1,02/1,2=1,2",
            "1,1000000/1,2=1,2",
            "1,99999999999999999999/1,2=1,2",
            "1,2|3,2/1,2=1,2",
            "1,2|2,1/1,2=1,2",
            "1,2|2,3|2,4/1,3=1,2,3",
            "1,2|2,3|1,4/1,3=1,2,3",
            "1,2|3,4|4,3/1,2=1,2",
            "1,2|3,4/1,2=1,2",
            "1,2|2,3|1,4|4,5/1,4=1,4",
            "1,2|2,3|1,4|4,5/1,9=1,2,3",
            "1,2|2,3|1,4|4,5/1,3=1,4,3",
            "1,2|2,3|1,4|4,5/1,3=1,2,3,4",
            "1,2|2,3|1,4|4,5/1,3=1,2",
            "1,2|2,3|1,4|4,5/1,3=",
            "1,2/3,2=3,2",
            "1,2,3/1,2=1,2",
            "\u{1b}[1m",
            &"1".repeat(5000),
        ];
        let said: Vec<String> = wrong.iter().map(|line| check(line).unwrap_err()).collect();
        insta::assert_snapshot!(said.join("\n"), @"
        `` is not `edges/start,goal=path`: it has no `/` or no `=`
        `hello` is not `edges/start,goal=path`: it has no `/` or no `=`
        in `1,2=1,2/1,2` `=` stands before `/`
        `` is no pair of nodes
        `1;2` is no pair of nodes
        `+2` is no node
        `02` is no node
        node 1000000 is not below 1000000
        `99999999999999999999` is no node
        node 2 has two parents, so the edges are no star
        the start 1 has a parent, so the edges are no star
        node 2, not the start, has two children, so the edges are no star
        the arms have 3 and 2 nodes, both ends counted, where all must be equally long
        1 of 3 edges hang together with the start 1
        1 of 2 edges hang together with the start 1
        the goal 4 is not the end of an arm
        the goal 9 is not the end of an arm
        the path from 1 to 3 is another in the graph
        the path from 1 to 3 is another in the graph
        the path from 1 to 3 is another in the graph
        `` is no node
        no edge leaves the start 3
        `2,3` is no node
        `�[1m` is not `edges/start,goal=path`: it has no `/` or no `=`
        `111111111111111111111111111111111111111111111111111111111111…` is not `edges/start,goal=path`: it has no `/` or no `=`
        ");
        assert_eq!(check(LINE), Ok(()));
    }

    #[test]
    fn wrong_lines_are_named_by_file_and_line_and_the_others_counted() {
        let mut train = format!("{LINE}\r\n{OTHER}\n1,2|2,3|1,4|4,5/1,3=1,2,3\n");
        for _ in 0..12 {
            train.push_str("what\n");
        }
        insta::assert_snapshot!(Files::new(&train, OTHER).said(), @"
        /train.txt: line 3: its graph is G(2,3), where others are G(2,5)
        line 4: `what` is not `edges/start,goal=path`: it has no `/` or no `=`
        line 5: `what` is not `edges/start,goal=path`: it has no `/` or no `=`
        line 6: `what` is not `edges/start,goal=path`: it has no `/` or no `=`
        line 7: `what` is not `edges/start,goal=path`: it has no `/` or no `=`
        line 8: `what` is not `edges/start,goal=path`: it has no `/` or no `=`
        line 9: `what` is not `edges/start,goal=path`: it has no `/` or no `=`
        line 10: `what` is not `edges/start,goal=path`: it has no `/` or no `=`
        line 11: `what` is not `edges/start,goal=path`: it has no `/` or no `=`
        line 12: `what` is not `edges/start,goal=path`: it has no `/` or no `=`
        and 3 more wrong lines
        ");
        insta::assert_snapshot!(Files::new("", OTHER).said(), @"/train.txt: line 1: `` is not `edges/start,goal=path`: it has no `/` or no `=`");
        insta::assert_snapshot!(Files::new(&format!("{LINE}\n"), "1,2/1,2=1,2").said(), @"/test.txt: line 1: its graph is G(1,2), where others are G(2,5)");
        insta::assert_snapshot!(Files::new(LINE, &format!("{LINE}\n{OTHER}\n")).said(), @r#"/test.txt: 1 of its 2 questions are in /train.txt as well, the first of them in line 1; `overlap = "allow"` takes them nevertheless"#);
        let files = Files::new(LINE, &format!("{LINE}\n{OTHER}\n"));
        let read = files.read(None, Overlap::Allow).unwrap();
        assert_eq!((read.test.len(), read.vocabulary), (2, 48 + 4));
        let said = files
            .read(Some(40), Overlap::Allow)
            .unwrap_err()
            .to_string();
        assert!(said.contains("line 1: node 47 is not below 40"), "{said}");
        std::fs::remove_file(files.path("test.txt")).unwrap();
        assert!(matches!(
            files.read(None, Overlap::Allow),
            Err(Error::Io { .. })
        ));
    }

    /// Questions of G(1,2), one for each pair of labels, as lines.
    fn pairs(numbers: std::ops::Range<u32>) -> String {
        numbers.fold(String::new(), |mut text, n| {
            writeln!(text, "{n},100/{n},100={n},100").unwrap();
            text
        })
    }

    #[test]
    fn questions_that_are_held_out_leave_the_training_with_all_their_lines_and_are_none_of_the_test()
     {
        // Every question twice, and some of them in the test.
        let twice = pairs(0..20) + &pairs(0..20);
        let files = Files::new(&twice, &pairs(0..5));
        let with = |count, seed| {
            let held_out = Validation::HeldOut { count, seed };
            files.read_with(held_out, None, Overlap::Allow)
        };
        let dataset = with(6, 1).unwrap();
        assert_eq!(
            (dataset.train.len(), dataset.validation.len()),
            (40 - 12, 6)
        );
        let prefixes = |split: &Examples| -> HashSet<Vec<u32>> {
            split.iter().map(|(prefix, _)| prefix.to_vec()).collect()
        };
        let held = prefixes(&dataset.validation);
        assert_eq!(held.len(), 6);
        assert!(held.is_disjoint(&prefixes(&dataset.train)));
        assert!(held.is_disjoint(&prefixes(&dataset.test)));
        assert_eq!(with(6, 1).unwrap(), dataset);
        assert_ne!(with(6, 2).unwrap().validation, dataset.validation);
        assert_eq!(with(0, 1).unwrap().train.len(), 40);
        let said = with(15, 1).unwrap_err().to_string();
        assert!(
            said.contains("of its 15 different questions that are not in the test, 15 held out"),
            "{said}"
        );
    }

    #[test]
    fn a_file_for_validation_shares_no_question_with_the_others() {
        let files = Files::new(&pairs(0..9), &pairs(10..14));
        let path = files.path("validation.txt");
        let read = |text: String, overlap| {
            std::fs::write(&path, text).unwrap();
            let read = files.read_with(Validation::File(&path), None, overlap);
            read.map_err(|why| why.to_string())
        };
        let good = read(pairs(20..23), Overlap::Refuse).unwrap();
        assert_eq!((good.train.len(), good.validation.len()), (9, 3));
        for (shared, file) in [(8..10, "train.txt"), (9..11, "test.txt")] {
            let said = read(pairs(shared.clone()), Overlap::Refuse).unwrap_err();
            assert!(
                said.contains("1 of its 2 questions") && said.contains(file),
                "{said}"
            );
            assert!(read(pairs(shared), Overlap::Allow).is_ok());
        }
        let said = read(LINE.to_owned(), Overlap::Refuse).unwrap_err();
        assert!(
            said.contains("validation.txt: line 1: its graph is G(2,5)"),
            "{said}"
        );
    }

    #[test]
    fn the_same_question_in_another_order_of_its_edges_is_the_same() {
        let turned = "16,12|32,3|47,28|3,19|34,6|32,34|6,16|19,47/32,12=32,34,6,16,12";
        assert!(
            Files::new(LINE, turned)
                .said()
                .contains("1 of its 1 questions")
        );
        assert!(Files::new(LINE, OTHER).read(None, Overlap::Refuse).is_ok());
    }
}
