//! The gallery in `tests/figures`: a figure for each thing that the grammar can draw, held by the digest of its drawing.
//!
//! `UPDATE_FIGURES=1 cargo test --test all gallery` writes the digests, the pictures and the page anew. Look at the pictures that
//! change: a digest knows nothing of what looks right.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use etude::figures::csv;
use etude::figures::plot::{Drawn, Plot, annotated};
use toml::{Table, Value};

/// The largest picture in bytes: the page shows all of them.
const LARGEST: usize = 60_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/figures")
}

/// The files of a folder with this ending, by their names without it, in order.
fn names(folder: &Path, ending: &str) -> Vec<String> {
    let files = fs::read_dir(folder).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = files
        .filter_map(|file| Some(file.strip_suffix(ending)?.to_owned()))
        .collect();
    names.sort();
    names
}

/// One figure of the gallery.
struct Figure {
    name: String,
    /// What it shows.
    about: String,
    /// The published type of figure, if it redraws one.
    redraws: Option<String>,
    /// The names of its tables.
    from: Vec<String>,
    /// The parameters as written.
    written: Table,
    plot: Plot,
}

impl Figure {
    fn read(name: &str) -> Self {
        let text = fs::read_to_string(folder().join(format!("{name}.toml"))).unwrap();
        let comments: Vec<&str> = text
            .lines()
            .map_while(|line| line.strip_prefix("# "))
            .collect();
        let about = *comments
            .first()
            .unwrap_or_else(|| panic!("{name}: a comment at the top says what it shows"));
        let redraws = comments.iter().find_map(|line| line.strip_prefix("Type: "));
        let mut written: Table = text.parse().unwrap_or_else(|why| panic!("{name}: {why}"));
        let from = written.remove("from").expect("the names of its tables");
        let plot = Value::Table(written.clone()).try_into();
        Self {
            name: name.to_owned(),
            about: about.to_owned(),
            redraws: redraws.map(str::to_owned),
            from: from.try_into().unwrap(),
            written,
            plot: plot.unwrap_or_else(|why| panic!("{name}: {why}")),
        }
    }

    fn drawn(&self) -> Drawn {
        assert_eq!(self.plot.problems(), [], "{}", self.name);
        let tables = self.from.iter().map(|table| {
            let path = folder().join(format!("tables/{table}.csv"));
            (table.clone(), csv::read(&path, None).unwrap().table)
        });
        let tables: Vec<_> = tables.collect();
        annotated(&self.plot, &tables, &[]).unwrap_or_else(|why| panic!("{}: {why}", self.name))
    }
}

fn figures() -> Vec<Figure> {
    let names = names(&folder(), ".toml");
    names.iter().map(|name| Figure::read(name)).collect()
}

/// What the words of a specification are: each parameter, and each value that is one of a few.
fn words(written: &Table) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for (key, value) in written {
        words.insert(key.clone());
        match value {
            Value::String(text) if CHOICES.iter().any(|(own, _)| own == key) => {
                words.insert(format!("{key} = \"{text}\""));
            }
            Value::Table(table) => words.extend(self::words(table)),
            Value::Array(values) => {
                let tables = values.iter().filter_map(Value::as_table);
                words.extend(tables.flat_map(self::words));
            }
            _ => {}
        }
    }
    words
}

/// The parameters whose values are one of a few, and their types in the schema.
const CHOICES: [(&str, &str); 9] = [
    ("mark", "MarkName"),
    ("scale", "ScaleName"),
    ("format", "FormatName"),
    ("palette", "PaletteName"),
    ("stack", "Stack"),
    ("legend", "Legend"),
    ("theme", "Theme"),
    ("font", "FontName"),
    ("venue", "Venue"),
];

/// What the words of the grammar are, by its schema. Of venues one is enough: they differ in numbers alone.
fn grammar() -> BTreeSet<String> {
    let schema = serde_json::to_value(schemars::schema_for!(Plot)).unwrap();
    let definitions = &schema["$defs"];
    let parameters = |part: &serde_json::Value| -> Vec<String> {
        let properties = part["properties"].as_object();
        properties.map_or_else(Vec::new, |all| all.keys().cloned().collect())
    };
    let mut words: BTreeSet<String> = parameters(&schema).into_iter().collect();
    for definition in definitions.as_object().unwrap().values() {
        words.extend(parameters(definition));
        // A column is its name, or a table of parameters.
        for way in definition["anyOf"].as_array().into_iter().flatten() {
            words.extend(parameters(way));
        }
    }
    for (key, kind) in CHOICES.iter().filter(|(key, _)| *key != "venue") {
        let ways = definitions[kind]["oneOf"].as_array().unwrap();
        let values = ways.iter().filter_map(|way| way["const"].as_str());
        words.extend(values.map(|value| format!("{key} = \"{value}\"")));
    }
    words
}

/// What holds where nothing is written, or belongs to the text around a figure.
const NEED_NO_FIGURE: [&str; 9] = [
    "scale = \"linear\"",
    "stack = \"none\"",
    "legend = \"best\"",
    "theme = \"open\"",
    "font = \"sans\"",
    "from",
    "caption",
    "placement",
    "wide",
];

#[test]
fn every_mark_and_every_parameter_has_a_figure() {
    let shown: BTreeSet<String> = figures()
        .iter()
        .flat_map(|figure| words(&figure.written))
        .collect();
    let wanted = grammar();
    assert!(wanted.contains("mark = \"line\"") && wanted.contains("domain"));
    let missing: Vec<&String> = wanted
        .iter()
        .filter(|word| !shown.contains(*word) && !NEED_NO_FIGURE.contains(&word.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "no figure shows {missing:?}; write one in tests/figures"
    );
}

#[test]
fn every_table_is_drawn() {
    let drawn: BTreeSet<String> = figures().into_iter().flat_map(|one| one.from).collect();
    let there = names(&folder().join("tables"), ".csv");
    assert_eq!(there, drawn.into_iter().collect::<Vec<_>>());
}

/// The line of a figure among the digests: what was drawn, and what the figure says that it lacks.
fn line(figure: &Figure, drawn: &Drawn) -> String {
    let digest = blake3::hash(drawn.drawing.svg().as_bytes());
    let warnings = drawn.warnings.iter().map(|text| format!("    {text}\n"));
    format!("{} {digest}\n{}", figure.name, warnings.collect::<String>())
}

#[test]
fn every_figure_is_drawn_as_it_was() {
    let writes = std::env::var_os("UPDATE_FIGURES").is_some_and(|value| value == "1");
    let figures = figures();
    let mut digests = String::new();
    let mut files: BTreeMap<PathBuf, String> = BTreeMap::new();
    for figure in &figures {
        let drawn = figure.drawn();
        let svg = drawn.drawing.svg();
        assert!(svg.len() <= LARGEST, "{}: {}", figure.name, svg.len());
        digests += &line(figure, &drawn);
        files.insert(folder().join(format!("pictures/{}.svg", figure.name)), svg);
    }
    files.insert(folder().join("digests.txt"), digests);
    files.insert(folder().join("README.md"), page(&figures));
    let is_stale =
        |(path, text): &(&PathBuf, &String)| fs::read_to_string(path).ok().as_ref() != Some(*text);
    let stale: Vec<(&PathBuf, &String)> = files.iter().filter(is_stale).collect();
    if writes {
        for (path, text) in stale {
            fs::write(path, text).unwrap();
        }
    } else {
        let stale: Vec<&PathBuf> = stale.iter().map(|(path, _)| *path).collect();
        assert!(
            stale.is_empty(),
            "{stale:#?} are not what is drawn; look at the pictures that \
             UPDATE_FIGURES=1 cargo test --test all gallery writes anew"
        );
    }
    let pictures = names(&folder().join("pictures"), ".svg");
    let expected: Vec<&String> = figures.iter().map(|figure| &figure.name).collect();
    assert!(pictures.iter().eq(expected), "pictures without a figure");
}

const HEAD: &str = "# Figures

Each picture is drawn from the file and the small tables named beside it. The parameters stand as in a stage of kind `plot`:

```toml
[stage.figure]
kind = \"plot\"
from = [\"grokking\"]
mark = \"line\"
x = { field = \"step\", scale = \"log\" }
y = \"accuracy\"
color = \"split\"
```

A layer or a panel is `[[stage.figure.layers]]` or `[[stage.figure.panels]]` there. [`tables.py`](tables.py) makes the tables;
their values are invented.
";

/// The page: every figure with its picture, and where each word of the grammar is used.
fn page(figures: &[Figure]) -> String {
    let mut page = HEAD.to_owned();
    page += "\n## Where each thing is written\n\n| write | in |\n|---|---|\n";
    let mut used: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for figure in figures {
        for word in words(&figure.written) {
            used.entry(word).or_default().push(&figure.name);
        }
    }
    // What most figures have needs no list.
    const MOST: usize = 9;
    let is_listed = |word: &str| CHOICES.iter().any(|(key, _)| *key == word);
    let rare = used.iter().filter(|(_, names)| names.len() <= MOST);
    for (word, names) in rare.filter(|(word, _)| !is_listed(word)) {
        let number = |name: &&str| {
            let number = name.split('-').next().unwrap_or(name);
            format!("[{number}](#{name})")
        };
        let links: Vec<String> = names.iter().map(number).collect();
        page += &format!("| `{word}` | {} |\n", links.join(", "));
    }
    for figure in figures {
        let Figure { name, about, .. } = figure;
        let tables = figure.from.iter();
        let tables = tables.map(|table| format!("[{table}](tables/{table}.csv)"));
        let tables: Vec<String> = tables.collect();
        page += &format!(
            "\n## {name}\n\n{about}{}\n\n![{name}](pictures/{name}.svg)\n\n[{name}.toml]({name}.toml), from {}.\n",
            match &figure.redraws {
                Some(paper) => format!(" As in {paper}"),
                None => String::new(),
            },
            tables.join(" and ")
        );
    }
    page
}
