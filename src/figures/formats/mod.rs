//! A table as files for people and machines: one file a format, all listed in
//! [`render`]'s roster.

mod csv;
mod format;
mod latex;
mod markdown;
mod parquet;
mod spec;

use polars::prelude::DataFrame;

pub use spec::{Best, Column, TableSpec};

use crate::figures::table::Error;

const ROSTER: &[&dyn format::Format] = &[
    &markdown::Markdown,
    &csv::Csv,
    &latex::Latex,
    &parquet::Parquet,
];

/// The files a table gives: their names and their bytes.
pub fn render(data: &DataFrame, spec: &TableSpec) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let grid = spec::Grid::new(data, spec)?;
    ROSTER
        .iter()
        .map(|format| Ok((format.file().to_owned(), format.bytes(&grid, data)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use polars::prelude::*;

    fn files(spec: &str) -> Vec<(String, Vec<u8>)> {
        let data = df!(
            "method" => ["next-token", "a|b & 50%_"],
            "accuracy" => [Some(0.5012), Some(0.98)],
            "ci" => [Some(0.0213), None],
            "n" => [5i64, 1],
            "loss" => [Some(-0.00001), None],
        )
        .unwrap();
        render(&data, &serde_json::from_str(spec).unwrap()).unwrap()
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
        | next-token   | 0.50 ± 0.02 |   5 | 0.000 |
        | a\|b & 50%\_ |    **0.98** |   1 |       |
        ");
    }

    #[test]
    fn csv_keeps_the_interval_in_a_column_of_its_own() {
        insta::assert_snapshot!(text(&files(SPEC), "table.csv"), @r"
        method,accuracy ↑,accuracy ↑ ±,n,loss
        next-token,0.50,0.02,5,0.000
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
        next-token & $0.50 \pm 0.02$ & $5$ & $0.000$ \\
        a|b \& 50\%\_ & $\mathbf{0.98}$ & $1$ & -- \\
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
        insta::assert_snapshot!(text(&files("{}"), "table.csv"), @r"
        method,accuracy,ci,n,loss
        next-token,0.501,0.021,5,0.000
        a|b & 50%_,0.980,,1,
        ");
    }

    #[test]
    fn an_unknown_column_is_an_error_with_advice() {
        let spec: TableSpec = serde_json::from_str(r#"{ "columns": ["acuracy"] }"#).unwrap();
        assert_eq!(spec.columns(), ["acuracy"]);
        let error = render(&df!("accuracy" => [0.5]).unwrap(), &spec).unwrap_err();
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
}
