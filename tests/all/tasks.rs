//! The tasks and what reads them, each in a small pipeline through the engine.

use std::fs;
use std::path::PathBuf;

use etude::figures::table;
use etude::learn::task::Dataset;
use polars::prelude::DataType;

use crate::toys::{Bench, Ran};

fn bench() -> Bench {
    Bench::with(etude::stages::registry())
}

fn view(bench: &Bench, name: &str) -> PathBuf {
    bench.folder.path().join("outputs/toy").join(name)
}

fn dataset(bench: &Bench, stage: &str) -> Dataset {
    Dataset::load(&view(bench, "datasets").join(stage)).unwrap()
}

/// A column of a table's view.
fn column(bench: &Bench, stage: &str, name: &str) -> Vec<i64> {
    let rows = table::read(&view(bench, "tables").join(format!("{stage}.parquet"))).unwrap();
    let column = table::column(&rows, name).unwrap();
    let column = column.cast(&DataType::Int64).unwrap();
    column.i64().unwrap().iter().map(Option::unwrap).collect()
}

/// The bench's folder is another every time.
fn failures(bench: &Bench, ran: &Ran) -> String {
    let folder = bench.folder.path().canonicalize().unwrap();
    ran.failures()
        .join("\n")
        .replace(folder.to_str().unwrap(), "")
}

const MODEL: &str = "
    [stage.model]
    kind         = 'train'
    data         = 'data'
    architecture = { kind = 'transformer', layers = 1, width = 16, heads = 2, positions = 'rotary' }
    objective    = 'next-token'
    batch        = 16
    steps        = 3
";

const IN_WEIGHTS: &str = "
    [stage.data]
    kind        = 'in-weights'
    degree      = 8
    path_length = 4
";

#[test]
fn one_graph_is_learnt_by_heart_and_asked_for_other_leaves() {
    let bench = bench();
    let decode = "
        [stage.answers]
        kind  = 'decode'
        model = 'model'
        data  = 'data'
        [stage.count]
        kind = 'aggregate'
        from = 'answers'
        sql  = 'SELECT COUNT(*) AS asked FROM answers'
    ";
    let pipeline = format!("{IN_WEIGHTS}{MODEL}{decode}");
    let ran = bench.run(&pipeline);
    assert_eq!(ran.failures(), [""; 0]);
    assert_eq!(dataset(&bench, "data").train.len(), 2 * 8 * 3 + 6);
    assert_eq!(column(&bench, "count", "asked"), [2]);
    assert_eq!(bench.run(&pipeline).summary.ran, 0);
}

#[test]
fn a_training_on_fresh_examples_of_a_task_that_has_none_says_so_before_its_first_step() {
    let bench = bench();
    let ran = bench.run(&format!("{IN_WEIGHTS}{MODEL}    online = true\n"));
    insta::assert_snapshot!(failures(&bench, &ran), @"the training is impossible: online: there are no fresh examples: the examples of `in-weights` are all that its one graph has; leave `online` out");
}

#[test]
fn what_a_model_says_of_itself_is_judged_string_by_string() {
    let bench = bench();
    let data = "
        [stage.data]
        kind     = 'sibling-discovery'
        parents  = 2
        children = 3
        train    = 6
        test     = 40
    ";
    let judged = "
        [stage.said]
        kind     = 'decode'
        model    = 'model'
        data     = 'data'
        decoding = { kind = 'sample', seed = 1 }
        [stage.judged]
        kind    = 'creativity'
        answers = 'said'
        data    = 'data'
        [stage.share]
        kind = 'aggregate'
        from = ['judged', 'said']
        sql  = 'SELECT SUM(creative) AS creative, COUNT(*) AS said FROM judged'
    ";
    let pipeline = format!("{data}{MODEL}{judged}");
    let ran = bench.run(&pipeline);
    assert_eq!(ran.failures(), [""; 0]);
    let of = |name| column(&bench, "judged", name);
    let (coherent, seen, repeated, creative) =
        (of("coherent"), of("seen"), of("repeated"), of("creative"));
    assert_eq!(of("example"), (0..40).collect::<Vec<_>>());
    for row in 0..40 {
        let good = coherent[row] == 1 && seen[row] == 0 && repeated[row] == 0;
        assert_eq!(creative[row], i64::from(good));
    }
    // A model that was hardly taught says all sorts of things.
    for column in [&coherent, &repeated] {
        assert!(column.contains(&0), "{column:?}");
    }
    assert_eq!(
        column(&bench, "share", "creative"),
        [creative.iter().sum::<i64>()]
    );

    let other = "
        [stage.other]
        kind     = 'sibling-discovery'
        parents  = 2
        children = 3
        train    = 6
        test     = 40
        seed     = 1
    ";
    let pipeline = pipeline.replace(
        "answers = 'said'\n        data    = 'data'",
        "answers = 'said'\n        data    = 'other'",
    );
    let ran = bench.run(&format!("{other}{pipeline}"));
    insta::assert_snapshot!(failures(&bench, &ran), @"the answers are to other examples than those of `data`, or in the tokens of a published model");
    let ran = bench.run(&format!("{IN_WEIGHTS}{MODEL}{judged}"));
    insta::assert_snapshot!(failures(&bench, &ran), @"every question of this dataset has one right answer, so there is nothing to discover; judge `exact` of the answers, or use the data of `sibling-discovery`");
}

const GRAPHS: &str = "
    [stage.graphs]
    kind        = 'path-star'
    degree      = 2
    path_length = 3
    nodes       = 8
    train       = 60
    test        = 20
    [stage.text]
    kind = 'export'
    data = 'graphs'
";

const READ: &str = "
    [stage.data]
    kind  = 'dataset'
    train = 'text/train.txt'
    test  = 'text/test.txt'
";

#[test]
fn graphs_leave_as_text_and_come_back_as_the_same_tokens() {
    let bench = bench();
    assert_eq!(bench.run(GRAPHS).failures(), [""; 0]);
    let folder = bench.folder.path().join("text");
    fs::create_dir(&folder).unwrap();
    for name in ["train.txt", "test.txt"] {
        fs::copy(view(&bench, "files/text").join(name), folder.join(name)).unwrap();
    }
    let pipeline = format!("{GRAPHS}{READ}{MODEL}");
    let ran = bench.run(&pipeline);
    assert_eq!(ran.failures(), [""; 0]);
    let (drawn, read) = (dataset(&bench, "graphs"), dataset(&bench, "data"));
    assert_eq!((drawn.train, drawn.test), (read.train, read.test));
    let sample = |stage: &str| {
        fs::read_to_string(view(&bench, "datasets").join(stage).join("sample.txt")).unwrap()
    };
    assert_eq!(sample("graphs"), sample("data"));

    // Where the files lie does not count, what they hold does.
    fs::rename(&folder, bench.folder.path().join("moved")).unwrap();
    let moved = pipeline.replace("'text/", "'moved/");
    assert_eq!(bench.run(&moved).summary.ran, 0);
    let test = bench.folder.path().join("moved/test.txt");
    let text = fs::read_to_string(&test).unwrap();
    let first = text.lines().next().unwrap();
    fs::write(&test, format!("{text}{first}\n")).unwrap();
    assert_eq!(bench.run(&moved).summary.ran, 2);
    fs::write(&test, format!("{text}{}\n", &first[1..])).unwrap();
    let ran = bench.run(&moved);
    insta::assert_snapshot!(failures(&bench, &ran), @"/moved/test.txt: line 21: `` is no node");
}
