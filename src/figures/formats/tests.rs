//! What the formats make of tables.

use polars::prelude::*;

use super::*;

fn files(spec: &str) -> Vec<(String, Vec<u8>)> {
    let data = df!(
        "method" => ["next-token", "a|b & 50%_"],
        "accuracy" => [Some(0.5012), Some(0.98)],
        "ci" => [Some(0.0213), None],
        "n" => [5i64, 1],
        "loss" => [Some(-0.00001), None],
    )
    .unwrap();
    rendered(&data, spec).files
}

fn rendered(data: &DataFrame, spec: &str) -> Rendered {
    render(data, &serde_json::from_str(spec).unwrap(), &[]).unwrap()
}

fn text(files: &[(String, Vec<u8>)], name: &str) -> String {
    let (_, bytes) = files.iter().find(|(file, _)| file == name).unwrap();
    String::from_utf8(bytes.clone()).unwrap()
}

const SPEC: &str = r#"{
    "columns": ["method", { "field": "accuracy", "title": "accuracy ↑", "error": "ci", "digits": 2, "best": "max" }, "n", "loss"],
    "caption": "Exact match, 95% interval."
}"#;

#[test]
fn markdown_lines_up_and_escapes_bars() {
    insta::assert_snapshot!(text(&files(SPEC), "table.md"), @r"
    Exact match, 95% interval.

    | method       |  accuracy ↑ |   n |  loss |
    | ------------ | ----------: | --: | ----: |
    | next-token   | 0.50 ± 0.02 |   5 | -1e-5 |
    | a\|b & 50%\_ |    **0.98** |   1 |       |
    ");
}

#[test]
fn csv_keeps_the_interval_in_a_column_of_its_own() {
    insta::assert_snapshot!(text(&files(SPEC), "table.csv"), @r"
    method,accuracy ↑,accuracy ↑ ±,n,loss
    next-token,0.5012,0.0213,5,-1e-5
    a|b & 50%_,0.98,,1,
    ");
}

#[test]
fn latex_is_booktabs_and_escaped() {
    insta::assert_snapshot!(text(&files(SPEC), "table.tex"), @r"
    % needs \usepackage{booktabs}
    \begin{table}
    \centering
    \caption{Exact match, 95\% interval.}
    \begin{tabular}{lrrr}
    \toprule
    method & accuracy $\uparrow$ & n & loss \\
    \midrule
    next-token & $0.50 \pm 0.02$ & $5$ & $-10^{-5}$ \\
    a\textbar{}b \& 50\%\_ & $\mathbf{0.98}$ & $1$ & -- \\
    \bottomrule
    \end{tabular}
    \end{table}
    ");
}

#[test]
fn parquet_holds_the_whole_table() {
    let files = files(SPEC);
    let (_, bytes) = files
        .iter()
        .find(|(file, _)| file == "table.parquet")
        .unwrap();
    assert_eq!(&bytes[..4], b"PAR1");
}

#[test]
fn without_columns_all_are_shown() {
    insta::assert_snapshot!(text(&files("{}"), "table.md"), @r"
    | method       | accuracy |     ci |   n |  loss |
    | ------------ | -------: | -----: | --: | ----: |
    | next-token   |    0.501 | 0.0213 |   5 | -1e-5 |
    | a\|b & 50%\_ |    0.980 |        |   1 |       |
    ");
}

#[test]
fn an_unknown_column_is_an_error_with_advice() {
    let spec: TableSpec = serde_json::from_str(r#"{ "columns": ["acuracy"] }"#).unwrap();
    assert_eq!(spec.columns_read(), Some(vec!["acuracy".to_owned()]));
    let error = render(&df!("accuracy" => [0.5]).unwrap(), &spec, &[]).unwrap_err();
    insta::assert_snapshot!(error, @"no column `acuracy`: did you mean `accuracy`? (columns: accuracy)");
}

#[test]
fn an_unknown_parameter_is_refused() {
    let error =
        serde_json::from_str::<TableSpec>(r#"{ "columns": [{ "field": "a", "tile": "b" }] }"#)
            .unwrap_err();
    assert!(
        error.to_string().contains("unknown field `tile`"),
        "{error}"
    );
}

#[test]
fn the_schema_offers_both_forms_of_a_column() {
    let schema = serde_json::to_string(&schemars::schema_for!(TableSpec)).unwrap();
    assert!(
        schema.contains(r#""type":"string""#) && schema.contains("anyOf"),
        "{schema}"
    );
}

#[test]
fn small_numbers_keep_their_size_in_every_format() {
    let data = df!(
        "lr" => [1e-5, 1e-4, 3e-4, 1e-3],
        "p" => [1.234e-6, 0.04321, 0.5, 1.0],
        "rate" => [1e-9, 0.5, f64::NAN, f64::INFINITY],
        "ci" => [Some(1e-10), Some(0.02), None, None],
    )
    .unwrap();
    let spec = r#"{ "columns": ["lr", "p", { "field": "rate", "error": "ci", "digits": 2, "best": "max" }] }"#;
    let rendered = rendered(&data, spec);
    insta::assert_snapshot!(text(&rendered.files, "table.md"), @r"
    |   lr |      p |             rate |
    | ---: | -----: | ---------------: |
    | 1e-5 | 1.2e-6 | 1.0e-9 ± 1.0e-10 |
    | 1e-4 |  0.043 |  **0.50 ± 0.02** |
    | 3e-4 |  0.500 |              NaN |
    | 1e-3 |  1.000 |              inf |
    ");
    insta::assert_snapshot!(text(&rendered.files, "table.tex"), @r"
    % needs \usepackage{booktabs}
    \begin{tabular}{rrr}
    \toprule
    lr & p & rate \\
    \midrule
    $10^{-5}$ & $1.2 \times 10^{-6}$ & $1.0 \times 10^{-9} \pm 1.0 \times 10^{-10}$ \\
    $10^{-4}$ & $0.043$ & $\mathbf{0.50 \pm 0.02}$ \\
    $3 \times 10^{-4}$ & $0.500$ & NaN \\
    $10^{-3}$ & $1.000$ & $\infty$ \\
    \bottomrule
    \end{tabular}
    ");
    insta::assert_snapshot!(text(&rendered.files, "table.csv"), @r"
    lr,p,rate,rate ±
    1e-5,1.234e-6,1e-9,1e-10
    0.0001,0.04321,0.5,0.02
    0.0003,0.5,NaN,
    0.001,1,inf,
    ");
    assert_eq!(
        rendered.warnings,
        ["rate: 2 of 4 values are missing, NaN or infinite and cannot be the best"]
    );
}

#[test]
fn what_is_missing_is_never_the_best_and_ties_are_all_bold() {
    let data = df!("a" => [Some(f64::NAN), None, Some(0.5), Some(0.5), Some(f64::INFINITY)], "n" => [1i64, 2, 3, 4, 5]).unwrap();
    for best in ["max", "min"] {
        let spec = format!(r#"{{ "columns": ["n", {{ "field": "a", "best": "{best}" }}] }}"#);
        let markdown = text(&rendered(&data, &spec).files, "table.md");
        let bold: Vec<&str> = markdown.lines().filter(|l| l.contains("**")).collect();
        assert_eq!(bold.len(), 2, "{markdown}");
        assert!(bold.iter().all(|line| line.contains("**0.5**")));
    }
}

#[test]
fn csv_reads_back_to_the_same_bits() {
    let doubles = [0.1 + 0.2, 1e-300, -0.0, f64::MAX, 20240101.5];
    let singles = [0.1f32, 1e-30, -0.0, f32::MAX, 0.3];
    let data = df!("d" => doubles, "s" => singles, "n" => [i64::MAX; 5]).unwrap();
    let csv = text(&rendered(&data, r#"{ "digits": 1 }"#).files, "table.csv");
    for (line, (double, single)) in csv.lines().skip(1).zip(doubles.iter().zip(singles)) {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells[0].parse::<f64>().unwrap().to_bits(), double.to_bits());
        assert_eq!(cells[1].parse::<f32>().unwrap().to_bits(), single.to_bits());
        assert_eq!(cells[2], "9223372036854775807");
    }
    assert!(
        csv.contains("0.1,") && !csv.contains("0.10000000149"),
        "{csv}"
    );
}

#[test]
fn csv_tells_nothing_from_empty_text() {
    let data = df!("a" => [Some(""), None, Some("a,\"b\"\n")]).unwrap();
    let csv = text(&rendered(&data, "{}").files, "table.csv");
    assert_eq!(csv, "a\n\"\"\n\"\"\n\"a,\"\"b\"\"\n\"\n");
    let data = df!("a" => [Some(""), None], "n" => [1i64, 2]).unwrap();
    let csv = text(&rendered(&data, "{}").files, "table.csv");
    assert_eq!(csv, "a,n\n\"\",1\n,2\n");
}

#[test]
fn a_table_without_rows_says_so() {
    let data = df!("a" => Vec::<f64>::new()).unwrap();
    assert_eq!(rendered(&data, "{}").warnings, ["the table has no rows"]);
}

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
