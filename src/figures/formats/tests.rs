//! What the formats make of tables.

mod paper;

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
