//! What only papers ask of a table: groups, spanners, pivots, ranks, marks and notes.

use polars::prelude::*;

use super::{rendered, text};
use crate::figures::formats::render;

/// A long table: a row for each method and graph, one of which is missing.
fn long() -> DataFrame {
    df!(
        "family" => ["ours", "baseline", "ours", "baseline", "ours"],
        "method" => ["reversed_2", "next-token", "reversed_2", "next-token", "teacherless"],
        "graph" => ["G(2, 5)", "G(2, 5)", "G(5, 5)", "G(5, 5)", "G(2, 5)"],
        "accuracy" => [0.9812, 0.5012, 0.9731, 0.2013, 0.7512],
        "ci" => [0.0101, 0.0213, 0.0112, 0.0198, 0.0301],
        "low" => [0.96, 0.47, 0.95, 0.18, 0.71],
        "high" => [0.99, 0.52, 0.98, 0.23, 0.78],
        "p" => [Some(0.0004), None, Some(0.03), None, Some(0.2)],
        "loss" => [0.11, 0.7, 0.12, 1.4, 0.3],
    )
    .unwrap()
}

#[test]
fn groups_spanners_ranks_marks_and_notes() {
    let spec = r#"{
        "caption": "Exact match *after* 10^{4} steps, \\beta_{1} = 0.9.", "label": "tab:main", "placement": "t", "wide": true,
        "group": "graph", "notes": ["Mean and 95 % interval; **bold** is best."],
        "columns": ["method",
            { "field": "accuracy", "title": "EM", "span": "Exact match", "error": "ci", "percent": true, "best": "max", "second": true,
              "per": "graph", "significance": { "column": "p", "marks": { "*": 0.05, "†": 0.001 } } },
            { "field": "accuracy", "title": "ends", "span": "Exact match", "low": "low", "high": "high", "digits": 2 },
            { "field": "loss", "best": "min", "second": true }]
    }"#;
    let rendered = rendered(&long(), spec);
    insta::assert_snapshot!(text(&rendered.files, "table.tex"), @r"
    % needs \usepackage{booktabs}
    \begin{table*}[t]
    \centering
    \caption{Exact match \textit{after} 10\textsuperscript{4} steps, $\beta$\textsubscript{1} = 0.9.}
    \label{tab:main}
    \begin{tabular}{lrrr}
    \toprule
     & \multicolumn{2}{c}{Exact match} &  \\
    \cmidrule(lr){2-3}
    method & EM (\%) & ends & loss \\
    \midrule
    \multicolumn{4}{l}{\textit{G(2, 5)}} \\
    reversed\_2 & $\mathbf{98.1 \pm 1.0}$\textsuperscript{\textdagger{}} & $0.98\;[0.96, 0.99]$ & $\mathbf{0.11}$ \\
    next-token & $50.1 \pm 2.1$ & $0.50\;[0.47, 0.52]$ & $0.7$ \\
    teacherless & \underline{$75.1 \pm 3.0$} & $0.75\;[0.71, 0.78]$ & $0.3$ \\
    \midrule
    \multicolumn{4}{l}{\textit{G(5, 5)}} \\
    reversed\_2 & $\mathbf{97.3 \pm 1.1}$\textsuperscript{{*}} & $0.97\;[0.95, 0.98]$ & \underline{$0.12$} \\
    next-token & \underline{$20.1 \pm 2.0$} & $0.20\;[0.18, 0.23]$ & $1.4$ \\
    \bottomrule
    \end{tabular}
    \par\smallskip
    {\footnotesize\raggedright
    Mean and 95 \% interval; \textbf{bold} is best.\par
    {*} \textit{p} \textless{} 0.05, \textdagger{} \textit{p} \textless{} 0.001 (p)\par}
    \end{table*}
    ");
    insta::assert_snapshot!(text(&rendered.files, "table.md"), @r"
    Exact match *after* 10<sup>4</sup> steps, β<sub>1</sub> = 0.9.

    | method      |   Exact match: EM (%) | Exact match: ends |            loss |
    | ----------- | --------------------: | ----------------: | --------------: |
    | *G(2, 5)*   |                       |                   |                 |
    | reversed\_2 |       **98.1 ± 1.0**† | 0.98 [0.96, 0.99] |        **0.11** |
    | next-token  |            50.1 ± 2.1 | 0.50 [0.47, 0.52] |             0.7 |
    | teacherless | <ins>75.1 ± 3.0</ins> | 0.75 [0.71, 0.78] |             0.3 |
    | *G(5, 5)*   |                       |                   |                 |
    | reversed\_2 |      **97.3 ± 1.1**\* | 0.97 [0.95, 0.98] | <ins>0.12</ins> |
    | next-token  | <ins>20.1 ± 2.0</ins> | 0.20 [0.18, 0.23] |             1.4 |

    Mean and 95 % interval; **bold** is best.

    \* *p* \< 0.05, † *p* \< 0.001 (p)
    ");
    insta::assert_snapshot!(text(&rendered.files, "table.csv"), @r#"
    graph,method,Exact match: EM (%),Exact match: EM (%) ±,Exact match: EM (%) p,Exact match: ends,Exact match: ends low,Exact match: ends high,loss
    "G(2, 5)",reversed_2,98.12,1.01,0.0004,0.9812,0.96,0.99,0.11
    "G(2, 5)",next-token,50.12,2.13,,0.5012,0.47,0.52,0.7
    "G(2, 5)",teacherless,75.12,3.01,0.2,0.7512,0.71,0.78,0.3
    "G(5, 5)",reversed_2,97.31,1.12,0.03,0.9731,0.95,0.98,0.12
    "G(5, 5)",next-token,20.13,1.98,,0.2013,0.18,0.23,1.4
    "#);
    assert_eq!(rendered.warnings, Vec::<String>::new());
}

#[test]
fn a_pivot_makes_columns_of_rows_and_tells_holes() {
    let spec = r#"{ "columns": ["method"], "pivot": { "column": "graph",
        "values": [{ "field": "accuracy", "error": "ci", "digits": 2, "best": "max" }, "loss"] } }"#;
    let two = rendered(&long(), spec);
    insta::assert_snapshot!(text(&two.files, "table.tex"), @r"
    % needs \usepackage{booktabs}
    \begin{tabular}{lrrrr}
    \toprule
     & \multicolumn{2}{c}{G(2, 5)} & \multicolumn{2}{c}{G(5, 5)} \\
    \cmidrule(lr){2-3} \cmidrule(lr){4-5}
    method & accuracy & loss & accuracy & loss \\
    \midrule
    reversed\_2 & $\mathbf{0.98 \pm 0.01}$ & $0.11$ & $\mathbf{0.97 \pm 0.01}$ & $0.12$ \\
    next-token & $0.50 \pm 0.02$ & $0.7$ & $0.20 \pm 0.02$ & $1.4$ \\
    teacherless & $0.75 \pm 0.03$ & $0.3$ & -- & -- \\
    \bottomrule
    \end{tabular}
    ");
    insta::assert_snapshot!(text(&two.files, "table.md"), @r"
    | method      | G(2, 5): accuracy | G(2, 5): loss | G(5, 5): accuracy | G(5, 5): loss |
    | ----------- | ----------------: | ------------: | ----------------: | ------------: |
    | reversed\_2 |   **0.98 ± 0.01** |          0.11 |   **0.97 ± 0.01** |          0.12 |
    | next-token  |       0.50 ± 0.02 |           0.7 |       0.20 ± 0.02 |           1.4 |
    | teacherless |       0.75 ± 0.03 |           0.3 |                   |               |
    ");
    insta::assert_snapshot!(text(&two.files, "table.csv"), @r#"
    method,"G(2, 5): accuracy","G(2, 5): accuracy ±","G(2, 5): loss","G(5, 5): accuracy","G(5, 5): accuracy ±","G(5, 5): loss"
    reversed_2,0.9812,0.0101,0.11,0.9731,0.0112,0.12
    next-token,0.5012,0.0213,0.7,0.2013,0.0198,1.4
    teacherless,0.7512,0.0301,0.3,,,
    "#);
    insta::assert_debug_snapshot!(two.warnings, @r#"
    [
        "1 of 6 places has no row: graph = `G(5, 5)` with method = `teacherless`",
        "accuracy at graph = G(5, 5): 1 of 3 values is missing, NaN or infinite and cannot be the best",
    ]
    "#);
    // One value needs no heading of its own.
    let spec = r#"{ "columns": ["method"], "group": "family", "pivot": { "column": "graph", "order": ["G(5, 5)", "G(2, 5)"],
        "values": [{ "field": "accuracy", "percent": true }] } }"#;
    insta::assert_snapshot!(text(&rendered(&long(), spec).files, "table.tex"), @r"
    % needs \usepackage{booktabs}
    \begin{tabular}{lrr}
    \toprule
     & \multicolumn{2}{c}{accuracy (\%)} \\
    \cmidrule(lr){2-3}
    method & G(5, 5) & G(2, 5) \\
    \midrule
    \multicolumn{3}{l}{\textit{ours}} \\
    reversed\_2 & $97.3$ & $98.1$ \\
    teacherless & -- & $75.1$ \\
    \midrule
    \multicolumn{3}{l}{\textit{baseline}} \\
    next-token & $20.1$ & $50.1$ \\
    \bottomrule
    \end{tabular}
    ");
}

#[test]
fn a_pivot_shows_what_its_order_names() {
    let data =
        df!("n" => [1i64, 1, 2], "lr" => [1e-4, 3e-4, 1e-3], "a" => [0.1, 0.2, 0.3]).unwrap();
    let spec = r#"{ "columns": ["n"], "pivot": { "column": "lr", "values": ["a"], "order": ["3e-4", 0.0001, 5] } }"#;
    let rendered = rendered(&data, spec);
    insta::assert_snapshot!(text(&rendered.files, "table.csv"), @r"
    n,3e-4,0.0001,5
    1,0.2,0.1,
    ");
    insta::assert_debug_snapshot!(rendered.warnings, @r#"
    [
        "rows with lr = `0.001` are not shown, because `order` does not name them",
        "`order` names `5`, and no row has lr = `5`",
        "1 of 3 places has no row: lr = `5` with n = `1`",
    ]
    "#);
}

#[test]
fn what_a_table_cannot_show_is_refused() {
    let error = |data: &DataFrame, spec: &str| {
        let spec = serde_json::from_str(spec).unwrap();
        render(data, &spec, &[]).unwrap_err().to_string()
    };
    let pivot = r#"{ "columns": ["family"], "pivot": { "column": "graph", "values": ["loss"] } }"#;
    insta::assert_snapshot!(error(&long(), pivot), @"the pivot has two rows for graph = `G(2, 5)` (family = `ours`): rows 1 and 5 of the table; name in `columns` what tells them apart, or aggregate them before");
    let empty = df!("a" => ["x", "y"], "g" => [Some("u"), None], "v" => [1.0, 2.0]).unwrap();
    let pivot = r#"{ "columns": ["a"], "pivot": { "column": "g", "values": ["v"] } }"#;
    insta::assert_snapshot!(error(&empty, pivot), @"`g` is empty in row 2, so no column of the pivot takes that row; leave it out with a WHERE in the SQL before");
    let ends = r#"{ "columns": [{ "field": "accuracy", "low": "high", "high": "low" }] }"#;
    insta::assert_snapshot!(error(&long(), ends), @"the interval of `accuracy` in row 1 goes from 0.99 to 0.96: its lower end is above its upper end");
    let p = r#"{ "columns": [{ "field": "p", "significance": { "column": "loss" } }] }"#;
    insta::assert_snapshot!(error(&long(), p), @"`loss` holds 1.4 in row 4, which is no p-value: one is between 0 and 1");
}

#[test]
fn second_best_is_the_best_of_what_is_worse() {
    let data = df!("a" => [0.5, 0.9, 0.9, 0.7, f64::NAN], "g" => ["x", "x", "x", "x", "y"], "n" => [1i64, 2, 3, 4, 5]).unwrap();
    let marked = |spec: &str| {
        let markdown = text(&rendered(&data, spec).files, "table.md");
        let lines = markdown.lines().skip(2);
        let marks = lines.map(|line| {
            if line.contains("**") {
                'b'
            } else if line.contains("<ins>") {
                's'
            } else {
                '-'
            }
        });
        marks.collect::<String>()
    };
    assert_eq!(
        marked(r#"{ "columns": ["n", { "field": "a", "best": "max", "second": true }] }"#),
        "-bbs-"
    );
    assert_eq!(
        marked(r#"{ "columns": ["n", { "field": "a", "best": "min", "second": true }] }"#),
        "b--s-"
    );
    assert_eq!(
        marked(
            r#"{ "columns": ["n", { "field": "n", "best": "max", "second": true, "per": "g" }] }"#
        ),
        "--sbb"
    );
}

#[test]
fn what_a_table_lacks_stands_beside_it_and_breaks_no_environment() {
    let holes = ["answers: 4 of 5, without [seed_x=3]".to_owned()];
    let of = |spec: &str, file: &str| {
        let rendered = render(&long(), &serde_json::from_str(spec).unwrap(), &holes).unwrap();
        text(&rendered.files, file)
    };
    let bare = of(r#"{ "columns": ["loss"] }"#, "table.tex");
    assert!(
        !bare.contains("\\begin{table}") && bare.contains("without {[}seed\\_x=3{]})"),
        "{bare}"
    );
    let whole = of(r#"{ "columns": ["loss"], "caption": "A." }"#, "table.tex");
    assert!(
        whole.contains("\\caption{A. (answers: 4 of 5, without {[}seed\\_x=3{]})}"),
        "{whole}"
    );
    let markdown = of(r#"{ "columns": ["loss"] }"#, "table.md");
    assert!(
        markdown.starts_with("(answers: 4 of 5, without [seed\\_x=3])\n"),
        "{markdown}"
    );
}

#[test]
fn a_cell_is_text_and_a_title_is_mark_up() {
    let data = df!("a_{b}" => ["*x*", "漢 α"]).unwrap();
    let rendered = rendered(
        &data,
        r#"{ "columns": [{ "field": "a_{b}", "title": "*t*_{1}" }] }"#,
    );
    insta::assert_snapshot!(text(&rendered.files, "table.tex"), @r"
    % needs \usepackage{booktabs}
    \begin{tabular}{l}
    \toprule
    \textit{t}\textsubscript{1} \\
    \midrule
    {*}x{*} \\
    \texttt{{[}U+6F22{]}} $\alpha$ \\
    \bottomrule
    \end{tabular}
    ");
    insta::assert_snapshot!(text(&rendered.files, "table.md"), @r"
    | *t*<sub>1</sub> |
    | --------------- |
    | \*x\*           |
    | 漢 α             |
    ");
    assert!(
        rendered.warnings[0].starts_with("`a_{b}` in row 2: LaTeX does not set `漢` (U+6F22)"),
        "{:?}",
        rendered.warnings
    );
}
