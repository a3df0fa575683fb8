use polars::prelude::{Scalar, df};

use super::*;

/// What a file of this text is read as.
fn csv(text: impl AsRef<[u8]>, declared: Option<&Declared>) -> Result<Read, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    fs::write(&path, text).unwrap();
    read(&path, declared).map_err(|error| error.to_string())
}

fn json(text: &str, declared: Option<&Declared>) -> Result<Read, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    fs::write(&path, text).unwrap();
    read_json(&path, declared).map_err(|error| error.to_string())
}

/// The reason alone.
fn reason(read: Result<Read, String>) -> String {
    let error = read.unwrap_err();
    let (_, reason) = error.split_once("readable table: ").unwrap_or(("", &error));
    reason.to_string()
}

fn declared(columns: &[(&str, DataType)]) -> Declared {
    let columns = columns.iter().cloned();
    columns
        .map(|(name, kind)| (name.to_string(), kind))
        .collect()
}

#[test]
fn a_table_is_written_and_read_back_with_its_types_and_gaps() {
    let table = df!(
        "n" => [Some(1i64), None, Some(i64::MIN)],
        "x" => [0.1 + 0.2, 1.0, 1e-300],
        "y" => [f64::NAN, f64::NEG_INFINITY, -0.0],
        "flag" => [true, false, true],
        "text" => [Some("a, \"b\"\nc"), None, Some("3x")],
        "odd" => [" a", "NA", ""],
        "id, \"x\"" => ["007", "\u{feff}", "\r"],
    )
    .unwrap();
    let back = csv(to_bytes(&table).unwrap(), None).unwrap().table;
    assert!(back.equals_missing(&table), "{back}");
    let lone = df!("x" => [None, Some(1i64), None]).unwrap();
    let back = csv(to_bytes(&lone).unwrap(), None).unwrap().table;
    assert!(back.equals_missing(&lone), "{back}");
}

#[test]
fn numbers_of_32_bits_are_written_so_that_they_read_back_to_the_same_bits() {
    let values = [0.1f32, 16_777_217.0, f32::MIN_POSITIVE, 1.0 / 3.0, f32::MAX];
    let bytes = to_bytes(&df!("x" => values).unwrap()).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let back: Vec<f32> = text
        .lines()
        .skip(1)
        .map(|line| line.parse().unwrap())
        .collect();
    assert_eq!(back, values);
}

#[test]
fn what_is_no_table_is_refused_with_its_line() {
    let said = |text: &str| reason(csv(text, None));
    insta::assert_snapshot!(
        [
            "a,b\n1,2\n3\n", "a,b\n1,2,3\n", "", "\n\n", "\na,b\n1,2\n", "a,a\n1,2\n", "a,A \n1,2\nx,\"y",
            "a,b\n1,2\n\n3,4\n", "a,b,\n1,2,\n", "0.1,0.2\n0.3,0.4\n", "0\n1\n", "a;b\n1,5;2,5\n", "a\tb\n1\t2\n",
            "a,b\n1,\"x\"y\n", "# made today\na,b\n1,2\n", "a,b\n1,2\u{0}\n",
        ]
        .map(said)
        .join("\n"),
        @r"
        line 3: 1 cell, and the header has 2 cells
        line 2: 3 cells, and the header has 2 cells
        it is empty; its first line must name the columns
        it is empty; its first line must name the columns
        line 1: it is blank, and must name the columns
        line 1: two columns are called `a`
        line 3: a quote is opened here and never closed
        line 3: it is blank; a row has 2 cells
        line 1: column 3 has no name; name it or leave it out (`index=False` in pandas, `row.names=FALSE` in R)
        line 1: it holds numbers alone, and must name the columns
        line 1: it holds numbers alone, and must name the columns
        line 1: the cells seem to be separated by `;`; write `,` between them, and a point before a fraction
        line 1: the cells seem to be separated by `\t`; write `,` between them, and a point before a fraction
        line 2: text follows a closing quote; a quote within a quoted cell is doubled
        line 2: 2 cells, and the header has 1 cell
        line 2: it holds the character 0; is it text, and UTF-8?
        "
    );
    let latin = reason(csv(b"method,x\nna\xefve,1\n", None));
    insta::assert_snapshot!(latin, @"line 2: the byte 0xef is no UTF-8; write the file as UTF-8");
    let utf16: Vec<u8> = "\u{feff}a,b\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    insta::assert_snapshot!(reason(csv(utf16, None)), @"it is UTF-16; write it as UTF-8");
    let unmarked: Vec<u8> = "a,b\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    insta::assert_snapshot!(reason(csv(unmarked, None)), @"line 1: it holds the character 0; is it text, and UTF-8?");
}

#[test]
fn no_row_vanishes() {
    let height = |text: &str| csv(text, None).unwrap().table.height();
    assert_eq!(height("x\n1\n\n3\n"), 3, "a missing value");
    assert_eq!(height("x\n\n\n3\n"), 3);
    assert_eq!(
        height("x\n1\n\"\"\n"),
        2,
        "pandas writes a missing value so"
    );
    assert_eq!(height("x\n1\n\n\n"), 1, "blank lines at the end are none");
    assert_eq!(height("a,b\r\n1,2\r\n,\r\n\r\n"), 2);
    assert_eq!(height("\u{feff}a,b\n"), 0);
    assert_eq!(height("a,b\n1,2"), 1);
}

#[test]
fn a_header_alone_gives_columns_without_a_type() {
    let table = csv("a,b\n", None).unwrap().table;
    assert_eq!(column_names(&table), ["a", "b"]);
    let dtypes: Vec<_> = table.columns().iter().map(|c| c.dtype().clone()).collect();
    assert_eq!(dtypes, [DataType::Null, DataType::Null]);
    let none = Column::new_scalar("x".into(), Scalar::null(DataType::Null), 2);
    let missing = csv("x,y\nNA,1\n,2\n", None).unwrap().table;
    assert_eq!(missing.column("x").unwrap().dtype(), none.dtype());
    assert_eq!(missing.height(), 2);
}

#[test]
fn names_of_columns_lose_the_spaces_around_them_and_text_keeps_its_own() {
    let table = csv("method, x\n a, 0.5\nb , 0.7 \n", None).unwrap().table;
    let wanted = df!("method" => [" a", "b "], "x" => [0.5, 0.7]).unwrap();
    assert!(table.equals_missing(&wanted), "{table}");
}

#[test]
fn what_made_text_of_numbers_is_told_with_its_line() {
    let notes = csv("a,b,c,d\n1,0.5,x,1\n2,\"1,234\",y,\n3,50%,z,oom\n", None)
        .unwrap()
        .notes;
    insta::assert_snapshot!(notes.join("\n"), @"
    the column `b` is text because of `1,234` in line 3: write numbers with a point before the fraction and nothing between thousands
    the column `d` is text because of `oom` in line 4: it is no number
    ");
}

#[test]
fn declared_types_hold_for_every_value() {
    let columns = declared(&[
        ("step", DataType::Int64),
        ("loss", DataType::Float64),
        ("name", DataType::String),
        ("ok", DataType::Boolean),
    ]);
    let columns = Some(&columns);
    let read = csv(
        "loss,step,name,ok\n3,3,007,TRUE\nnan,,NA,\n,4,,false\n",
        columns,
    )
    .unwrap();
    let wanted = df!(
        "loss" => [Some(3.0), Some(f64::NAN), None],
        "step" => [Some(3i64), None, Some(4)],
        "name" => [Some("007"), Some("NA"), None],
        "ok" => [Some(true), None, Some(false)],
    );
    assert!(
        read.table.equals_missing(&wanted.unwrap()),
        "{}",
        read.table
    );
    let empty = csv("step,loss,name,ok\n", columns).unwrap().table;
    assert_eq!(empty.column("loss").unwrap().dtype(), &DataType::Float64);
    let said = |text: &str| reason(csv(text, columns));
    insta::assert_snapshot!(
        [
            "step,loss,name,ok\n1,2,a,true\n1.5,2,a,true\n", "step,loss,name,ok\n1,1e999,a,true\n",
            "step,loss,name,ok\n1,2,a,1\n", "step,loss,name,ok\n9223372036854775808,2,a,true\n",
            "step,los,name,ok\n", "step,loss,name,ok,more\n",
        ]
        .map(said)
        .join("\n"),
        @"
        line 3: `1.5` in the column `step`, which is declared as whole numbers (64 bits)
        line 2: `1e999` in the column `loss`, which is declared as numbers
        line 2: `1` in the column `ok`, which is declared as true or false
        line 2: `9223372036854775808` in the column `step`, which is declared as whole numbers (64 bits)
        the column `loss` is declared and not there; did you mean `los`? (its columns: step, los, name, ok)
        the column `more` is not among those declared; declared columns: loss, name, ok, step
        "
    );
}

#[test]
fn lines_of_json_are_rows_and_text_stays_text() {
    let read = json("{\"a\": 1, \"b\": \"2\"}\n\n{\"a\": 2.5}\n", None).unwrap();
    let wanted = df!("a" => [1.0, 2.5], "b" => [Some("2"), None]).unwrap();
    assert!(read.table.equals_missing(&wanted), "{}", read.table);
    let read = json("{\"a\": 1}\n{\"a\": \"NA\"}\n", None).unwrap();
    assert_eq!(read.table.column("a").unwrap().dtype(), &DataType::String);
    assert_eq!(read.notes.len(), 1);
    let said = |text: &str| reason(json(text, None));
    insta::assert_snapshot!(
        ["{\"a\": 1}\n{\"a\": [1]}\n", "{\"a\": NaN}\n", "[1]\n", "{\"\": 1}\n"].map(said).join("\n"),
        @"
        line 2: `a` is no plain value
        line 1: expected value at line 1 column 7; JSON has no NaN and no Infinity: write null
        line 1: invalid type: sequence, expected a map at line 1 column 0
        line 1: a key has no name
        "
    );
    let columns = declared(&[("a", DataType::Float64), ("b", DataType::Boolean)]);
    let read = json("{\"a\": 1}\n", Some(&columns)).unwrap();
    let wanted = df!("a" => [1.0], "b" => [None::<bool>]).unwrap();
    assert!(read.table.equals_missing(&wanted), "{}", read.table);
    assert!(json("{\"a\": 1, \"c\": 1}\n", Some(&columns)).is_err());
    assert!(json("{\"a\": true}\n", Some(&columns)).is_err());
}

#[test]
fn a_table_with_types_of_its_own_is_held_against_those_declared() {
    let path = Path::new("t.parquet");
    let table = df!("a" => [1i64], "b" => ["x"]).unwrap();
    let columns = declared(&[("a", DataType::Float64), ("b", DataType::String)]);
    let given = with_declared(path, table.clone(), &columns).unwrap();
    assert_eq!(given.column("a").unwrap().dtype(), &DataType::Float64);
    let columns = declared(&[("a", DataType::Float64), ("b", DataType::Int64)]);
    insta::assert_snapshot!(with_declared(path, table, &columns).unwrap_err(), @"t.parquet is not a readable table: the column `b` is declared as whole numbers (64 bits) and holds text");
}
