//! `etude kinds`: what the code's own documentation says of every kind.

use clap::Args;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

use super::schema::{Parameter, own, parameters, same_keys};
use super::{Failure, out};
use crate::pipeline::{
    ArtifactType, Cardinality, Kind, Port, PortSyntax, Problem, Registry, TableOf, alternatives,
    show_size,
};
use crate::stages::registry;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  etude kinds
  etude kinds train

Exit codes:
  0   the kinds were printed
  1   there is no kind of this name
  64  wrong usage")]
pub struct Kinds {
    /// The kind to describe; without this, a list of all kinds
    #[arg(value_name = "KIND")]
    kind: Option<String>,
}

impl Kinds {
    pub fn run(self) -> Result<u8, Failure> {
        let registry = registry();
        let width = width();
        let text = match &self.kind {
            None => overview(&registry, width),
            Some(name) => match registry.get(name) {
                Some(kind) => describe(kind, width),
                None => return Err(unknown(name, &registry)),
            },
        };
        // Whoever closed the stream does not want to hear more.
        let _ = write!(out(), "{text}");
        Ok(0)
    }
}

fn unknown(name: &str, registry: &Registry) -> Failure {
    let names = registry.iter().map(|kind| kind.name);
    let problem = Problem::of(format!("there is no kind `{name}`"));
    Failure::Problems(vec![problem.maybe_help(alternatives("kinds", name, names))])
}

/// How wide a line may be: as wide as the terminal, but no wider than is easy to read.
fn width() -> usize {
    let asked = std::env::var("COLUMNS").ok();
    let asked = asked.and_then(|text| text.parse().ok());
    asked.unwrap_or_else(textwrap::termwidth).clamp(40, 100)
}

/// What a kind is for, in the order in which a pipeline uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// It makes or reads a dataset.
    Data,
    /// It trains a model or lets it answer.
    Model,
    /// It looks into a model or at its answers.
    Analysis,
    /// It computes with tables, or prints them.
    Table,
    /// It draws a figure, judges a claim or names numbers for a text.
    Result,
    /// It runs a program, or writes files for one.
    Program,
}

impl Purpose {
    /// The purpose of a kind, from what it reads and leaves.
    pub fn of(kind: &Kind) -> Self {
        let reads_tables = kind
            .ports
            .iter()
            .any(|port| port.accepts.contains(&ArtifactType::Table));
        match kind.output {
            _ if kind.declares_outputs => Self::Program,
            ArtifactType::Dataset => Self::Data,
            ArtifactType::Model | ArtifactType::Answers => Self::Model,
            ArtifactType::Table if reads_tables => Self::Table,
            ArtifactType::Table => Self::Analysis,
            ArtifactType::Figure
            | ArtifactType::Verdict
            | ArtifactType::Document
            | ArtifactType::Numbers => Self::Result,
            ArtifactType::File => Self::Program,
        }
    }

    /// The heading of its kinds.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Data => "Make or read a dataset",
            Self::Model => "Train a model and let it answer",
            Self::Analysis => "Look into a model or at its answers",
            Self::Table => "Compute with tables and print them",
            Self::Result => "Draw figures, judge claims and name numbers for a text",
            Self::Program => "Run your own programs and write files for them",
        }
    }
}

/// All kinds by purpose, each group by name.
pub fn grouped(registry: &Registry) -> Vec<(Purpose, Vec<&Kind>)> {
    let mut kinds: Vec<&Kind> = registry.iter().collect();
    kinds.sort_by_key(|kind| Purpose::of(kind));
    let groups = kinds.chunk_by(|one, other| Purpose::of(one) == Purpose::of(other));
    groups
        .map(|group| (Purpose::of(group[0]), group.to_vec()))
        .collect()
}

/// A line for each kind: its name, what it leaves and what it does.
fn overview(registry: &Registry, width: usize) -> String {
    let longest = |of: fn(&Kind) -> usize| registry.iter().map(of).max().unwrap_or(0);
    let name = longest(|kind| kind.name.len());
    let leaves = longest(|kind| leaves(kind).len());
    let mut text = String::new();
    for (purpose, kinds) in grouped(registry) {
        text.push_str(&format!("{}\n", purpose.heading()));
        for kind in kinds {
            let head = format!("  {:name$}  {:leaves$}  ", kind.name, self::leaves(kind));
            let rest = " ".repeat(head.len());
            let options = options(width)
                .initial_indent(&head)
                .subsequent_indent(&rest);
            text.push_str(&textwrap::fill(first_sentence(kind.doc()), options));
            text.push('\n');
        }
        text.push('\n');
    }
    text.push_str("`etude kinds KIND` shows all parameters of a kind.\n");
    text
}

/// What a kind leaves, in a word or two.
fn leaves(kind: &Kind) -> &'static str {
    if kind.declares_outputs {
        "its outputs"
    } else {
        kind.output.noun()
    }
}

/// The first sentence of a documentation text.
pub fn first_sentence(doc: &str) -> &str {
    let first = doc.split("\n\n").next().unwrap_or(doc);
    first.find(". ").map_or(first, |end| &first[..=end])
}

/// All that there is to say of a kind.
fn describe(kind: &Kind, width: usize) -> String {
    let leaves = if kind.declares_outputs {
        "what its `outputs` declare"
    } else {
        kind.output.noun()
    };
    let mut text = format!("{} → {leaves} (version {})\n", kind.name, kind.version);
    text.push_str(&wrapped(kind.doc(), 2, width));
    if !kind.ports.is_empty() {
        text.push_str("  inputs\n");
    }
    for port in kind.ports {
        text.push_str(&wrapped(
            &format!("{}: {}", port.name, takes(port)),
            4,
            width,
        ));
        text.push_str(&wrapped(port.doc, 6, width));
    }
    let own = parameters(&kind.schema);
    if !own.is_empty() {
        text.push_str("  parameters\n");
    }
    push_parameters(&mut text, &own, &[], 4, width);
    for table in tables(kind) {
        push_table(&mut text, kind, table, width);
    }
    text.push_str(&wrapped(&resources(kind), 2, width));
    if kind.uses_device {
        text.push_str("  device: auto (default), cpu, cuda\n");
    }
    text
}

/// What a port takes, in words.
pub fn takes(port: &Port) -> String {
    let nouns: Vec<_> = port
        .accepts
        .iter()
        .map(|accepted| accepted.noun())
        .collect();
    let accepts = if port.accepts == ArtifactType::ALL {
        "anything".to_string()
    } else {
        nouns.join(" or ")
    };
    let named = match port.syntax {
        PortSyntax::Named => " under each name",
        PortSyntax::One | PortSyntax::List | PortSyntax::NamedList => "",
    };
    let takes = match port.cardinality {
        Cardinality::One => "one job",
        Cardinality::All => "all jobs",
    };
    format!("{takes}{named}; {accepts}")
}

/// What a job of a kind takes of the machine unless the file says otherwise.
pub fn resources(kind: &Kind) -> String {
    let (cores, memory) = (kind.resources.cores, show_size(kind.resources.memory));
    let noun = if cores == 1 { "core" } else { "cores" };
    format!("default resources: {cores} {noun}, {memory}")
}

/// The tables that a kind leaves.
pub fn tables(kind: &Kind) -> &'static [TableOf] {
    if kind.declares_outputs {
        ArtifactType::Table.tables()
    } else {
        kind.output.tables()
    }
}

/// A table that a kind leaves: what its rows are, and its columns where they are known.
fn push_table(text: &mut String, kind: &Kind, table: &TableOf, width: usize) {
    let name = match table.suffix {
        "" => "table".to_string(),
        suffix => format!("table `…{suffix}`"),
    };
    let row = format!("{name}, a row of which is {}", kind.row(table));
    text.push_str(&wrapped(&row, 2, width));
    for column in kind.columns_of(table) {
        let line = format!("{}: {}; {}", column.name, column.kind.noun(), column.doc);
        text.push_str(&wrapped(&line, 4, width));
    }
}

/// The parameters of a table; what the `outer` one has as well is only named.
fn push_parameters(
    text: &mut String,
    all: &[Parameter],
    outer: &[Parameter],
    indent: usize,
    width: usize,
) {
    let (own, same) = own(all, outer);
    let within = if outer.is_empty() { all } else { outer };
    for (at, parameter) in own.iter().enumerate() {
        let Parameter {
            name,
            takes,
            default,
            ..
        } = parameter;
        let head = format!("{name}: {takes}, {default}");
        text.push_str(&wrapped(&head, indent, width));
        text.push_str(&wrapped(&parameter.doc, indent + 2, width));
        for choice in &parameter.choices {
            let head = format!("{}: {}", choice.name, choice.doc);
            text.push_str(&wrapped(&head, indent + 2, width));
            push_parameters(text, &choice.inner, within, indent + 4, width);
        }
        let earlier = own[..at].iter().copied();
        match same_keys(parameter, earlier.chain(outer)) {
            Some(other) => {
                let same = format!("The same keys as `{}`.", other.name);
                text.push_str(&wrapped(&same, indent + 2, width));
            }
            None => push_parameters(text, &parameter.inner, within, indent + 2, width),
        }
    }
    if !same.is_empty() {
        let names: Vec<&str> = same.iter().map(|p| p.name.as_str()).collect();
        let line = format!("as above: {}", names.join(", "));
        text.push_str(&wrapped(&line, indent, width));
    }
}

/// The paragraphs and list items of a documentation text, each as one line.
pub fn blocks(doc: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    for paragraph in doc.split("\n\n") {
        let mut is_new = true;
        for line in paragraph.lines() {
            match blocks.last_mut() {
                Some(block) if !is_new && !line.starts_with("- ") => {
                    block.push(' ');
                    block.push_str(line.trim());
                }
                _ => blocks.push(line.trim().to_string()),
            }
            is_new = false;
        }
    }
    blocks
}

/// Documentation in lines of a width, indented. Words are never broken: names have hyphens.
fn wrapped(doc: &str, indent: usize, width: usize) -> String {
    let mut text = String::new();
    for block in blocks(doc) {
        let first = " ".repeat(indent);
        let hanging = if block.starts_with("- ") { 2 } else { 0 };
        let rest = " ".repeat(indent + hanging);
        let options = options(width)
            .initial_indent(&first)
            .subsequent_indent(&rest);
        text.push_str(&textwrap::fill(&block, options));
        text.push('\n');
    }
    text
}

fn options<'a>(width: usize) -> Options<'a> {
    Options::new(width)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overview_has_a_line_for_each_kind_in_80_columns() {
        let registry = registry();
        let text = overview(&registry, 80);
        for kind in registry.iter() {
            let start = format!("  {} ", kind.name);
            let lines: Vec<&str> = text
                .lines()
                .filter(|line| line.starts_with(&start))
                .collect();
            let [line] = lines[..] else {
                panic!("{}: {lines:?}", kind.name);
            };
            let sentence = first_sentence(kind.doc());
            assert!(
                line.ends_with(sentence) && sentence.ends_with('.'),
                "{line}"
            );
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn no_name_is_broken_at_a_hyphen_at_any_width() {
        let registry = registry();
        for width in [40, 60, 80, 160] {
            let kinds = registry.iter().map(|kind| describe(kind, width));
            for text in kinds.chain([overview(&registry, width)]) {
                let broken = text.lines().find(|line| {
                    let before = line.trim_end().strip_suffix('-');
                    before.is_some_and(|before| before.ends_with(char::is_alphanumeric))
                });
                assert_eq!(broken, None, "at {width} columns");
            }
        }
    }

    #[test]
    fn paragraphs_and_list_items_are_lines_of_their_own() {
        let doc = "One\ntwo.\n\n- three\n  four\n- five\n\nsix";
        assert_eq!(blocks(doc), ["One two.", "- three four", "- five", "six"]);
        assert_eq!(
            wrapped(doc, 2, 10),
            "  One two.\n  - three\n    four\n  - five\n  six\n"
        );
    }

    #[test]
    fn a_kind_says_what_its_rows_and_columns_are() {
        let registry = registry();
        let text = describe(registry.get("walk").unwrap(), 80);
        assert!(
            text.contains("  table, a row of which is an answer\n"),
            "{text}"
        );
        assert!(text.contains("\n    edge_share: numbers; share of its steps that are edges\n"));
        let text = describe(registry.get("train").unwrap(), 80);
        assert!(
            text.contains("  table `…_positions`, a row of which is"),
            "{text}"
        );
        let text = describe(registry.get("plot").unwrap(), 80);
        assert!(text.contains("      The same keys as `x`.\n"), "{text}");
    }
}
