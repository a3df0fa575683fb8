use proptest::prelude::*;

use super::*;

fn constants(pairs: &[(&str, Value)]) -> BTreeMap<String, Value> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

#[test]
fn the_same_table_gives_the_same_bytes_however_it_is_chunked() {
    let whole = df!("a" => [1i64, 2, 3], "b" => ["x", "y", "z"]).unwrap();
    let mut chunked = whole.slice(0, 1);
    chunked.vstack_mut(&whole.slice(1, 2)).unwrap();
    assert_eq!(to_bytes(&whole).unwrap(), to_bytes(&whole).unwrap());
    assert_eq!(to_bytes(&whole).unwrap(), to_bytes(&chunked).unwrap());
}

#[test]
fn a_table_comes_back_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    let table = df!(
        "text" => [Some("a"), None],
        "number" => [Some(0.5), None],
        "whole" => [1i64, -1],
        "flag" => [true, false],
    )
    .unwrap();
    write(&table, &path).unwrap();
    assert!(read(&path).unwrap().equals_missing(&table));
}

#[test]
fn a_damaged_file_is_an_error_and_not_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    let good = to_bytes(&df!("a" => [1i64, 2, 3], "b" => ["x", "y", "z"]).unwrap()).unwrap();
    assert!(read(&path).is_err());
    for bytes in [
        &b""[..],
        b"PAR1PAR1",
        b"hello",
        &good[..good.len() / 2],
        &good[4..],
    ] {
        std::fs::write(&path, bytes).unwrap();
        assert!(read(&path).is_err());
    }
    for place in (0..good.len()).step_by(7) {
        let mut bytes = good.clone();
        bytes[place] ^= 0xff;
        std::fs::write(&path, bytes).unwrap();
        // Either the flipped byte did not matter or it is an error.
        let _ = read(&path);
    }
}

#[test]
fn constants_come_first_and_types_are_unified() {
    let stacked = stack(vec![
        (
            constants(&[("degree", Value::Int(2)), ("lr", Value::Int(1))]),
            df!("x" => [1i32, 2]).unwrap(),
        ),
        (
            constants(&[
                ("degree", Value::Text("five".into())),
                ("lr", Value::Float(0.5)),
            ]),
            df!("x" => [0.5], "y" => ["only here"]).unwrap(),
        ),
    ])
    .unwrap();
    let expected = df!(
        "degree" => ["2", "2", "five"],
        "lr" => [1.0, 1.0, 0.5],
        "x" => [1.0, 2.0, 0.5],
        "y" => [None, None, Some("only here")],
    )
    .unwrap();
    assert!(stacked.equals_missing(&expected), "{stacked:?}");
}

#[test]
fn an_empty_part_keeps_its_columns() {
    let stacked = stack(vec![(
        constants(&[("seed", Value::Int(0))]),
        df!("x" => Vec::<f64>::new()).unwrap(),
    )])
    .unwrap();
    assert_eq!(column_names(&stacked), ["seed", "x"]);
    assert_eq!(stacked.height(), 0);
}

#[test]
fn a_constant_that_would_hide_a_column_is_refused() {
    let error = stack(vec![(
        constants(&[("x", Value::Int(0))]),
        df!("x" => [1i64]).unwrap(),
    )])
    .unwrap_err();
    assert!(matches!(error, Error::ColumnTwice(name) if name == "x"));
}

#[test]
fn a_missing_column_offers_the_nearest() {
    let table = df!("accuracy" => [1i64], "seed" => [1i64]).unwrap();
    insta::assert_snapshot!(
        column(&table, "acuracy").unwrap_err(),
        @"no column `acuracy`: did you mean `accuracy`? (columns: accuracy, seed)"
    );
}

fn lone(table: DataFrame) -> Part {
    (BTreeMap::new(), table)
}

fn at(seed: i64, table: DataFrame) -> Part {
    (constants(&[("seed", Value::Int(seed))]), table)
}

#[test]
fn a_part_without_values_has_no_say_in_a_column_s_type() {
    let nothing = |height| {
        let column = Column::new_scalar("x".into(), Scalar::null(DataType::Null), height);
        DataFrame::new(height, vec![column]).unwrap()
    };
    for (parts, kind) in [
        (
            vec![nothing(2), df!("x" => [9i64]).unwrap()],
            DataType::Int64,
        ),
        (
            vec![df!("x" => [0.5]).unwrap(), nothing(0)],
            DataType::Float64,
        ),
        (
            vec![nothing(1), df!("x" => ["a"]).unwrap(), nothing(1)],
            DataType::String,
        ),
        (
            vec![nothing(1), df!("x" => [true]).unwrap()],
            DataType::Boolean,
        ),
        (
            vec![nothing(1), df!("x" => [0.5f32]).unwrap()],
            DataType::Float32,
        ),
        (vec![nothing(1), nothing(0)], DataType::Null),
    ] {
        let stacked = stack(parts.into_iter().map(lone).collect()).unwrap();
        assert_eq!(stacked.column("x").unwrap().dtype(), &kind);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        write(&stacked, &path).unwrap();
        assert!(read(&path).unwrap().equals_missing(&stacked));
    }
}

#[test]
fn a_column_of_two_types_is_text_and_it_is_told_with_both_parts_and_a_value_of_each() {
    let noted = |one: DataFrame, other: DataFrame| {
        let parts = vec![at(0, one), at(1, other)];
        let (table, notes) = stack_of(parts, &[], &BTreeSet::new()).unwrap();
        let texts = texts(table.column("x").unwrap()).unwrap();
        let texts = texts.into_iter().map(Option::unwrap_or_default);
        format!(
            "{}: {}",
            texts.collect::<Vec<_>>().join(" "),
            notes.join("; ")
        )
    };
    insta::assert_snapshot!(noted(df!("x" => [0.5]).unwrap(), df!("x" => [None, Some("oom")]).unwrap()), @"0.5  oom: the column `x` is text, because it holds numbers (`0.5`) in part 1 and text (`oom`) in part 2; write it alike everywhere, or declare its type in the `columns` of the output");
    insta::assert_snapshot!(noted(df!("x" => ["a"]).unwrap(), df!("x" => [true]).unwrap()), @"a true: the column `x` is text, because it holds text (`a`) in part 1 and true or false (`true`) in part 2; write it alike everywhere, or declare its type in the `columns` of the output");
    let said = |one: DataFrame, other: DataFrame| {
        stack(vec![at(0, one), at(1, other)])
            .unwrap_err()
            .to_string()
    };
    insta::assert_snapshot!(said(df!("x" => [i64::MAX - 1]).unwrap(), df!("x" => [0.5]).unwrap()), @"the column `x` holds 9223372036854775806 in part 1 and fractions in another part; among fractions its digits would be lost: write it as text everywhere");
    let huge = df!("x" => [u64::MAX]).unwrap();
    let text = plain(&huge).unwrap();
    let text = texts(text.column("x").unwrap()).unwrap();
    assert_eq!(text, [Some(u64::MAX.to_string())]);
    insta::assert_snapshot!(stack(vec![lone(huge)]).unwrap_err(), @"the column `x` has values that do not fit i64; write them as text");
}

#[test]
fn numbers_of_32_bits_stay_such_unless_others_stand_beside_them() {
    let narrow = df!("x" => [0.1f32, f32::MIN_POSITIVE]).unwrap();
    let stacked = stack(vec![lone(narrow.clone()), lone(narrow.clone())]).unwrap();
    assert_eq!(stacked.column("x").unwrap().dtype(), &DataType::Float32);
    let stacked = stack(vec![lone(narrow), lone(df!("x" => [0.1f64]).unwrap())]).unwrap();
    let values = numbers(stacked.column("x").unwrap()).unwrap();
    assert_eq!(values[0], Some(f64::from(0.1f32)), "widening is exact");
    assert_eq!(values[2], Some(0.1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_bytes_crash_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        let mut framed = b"PAR1".to_vec();
        framed.extend(bytes);
        framed.extend(b"PAR1");
        std::fs::write(&path, framed).unwrap();
        prop_assert!(read(&path).is_err());
    }
}
