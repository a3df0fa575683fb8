use std::collections::BTreeMap;

use polars::prelude::*;

use super::*;

fn catalog(tables: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    tables
        .iter()
        .map(|(name, columns)| {
            let columns = columns.iter().map(|column| (*column).to_owned()).collect();
            ((*name).to_owned(), columns)
        })
        .collect()
}

fn answers() -> DataFrame {
    df!(
        "_run" => [0i64, 0, 1, 1, 2, 2, 3],
        "method" => ["a", "a", "a", "a", "a", "a", "b"],
        "exact" => [1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0],
    )
    .unwrap()
}

fn run(sql: &str, tables: &[(&str, DataFrame)]) -> DataFrame {
    let tables = tables
        .iter()
        .map(|(name, table)| ((*name).to_owned(), table.clone()))
        .collect();
    Query::parse(sql).unwrap().run(tables).unwrap()
}

fn printed(table: &DataFrame) -> String {
    let mut lines = vec![table::column_names(table).join(" | ")];
    for row in 0..table.height() {
        let cells: Vec<String> = table
            .columns()
            .iter()
            .map(|column| match column.get(row).unwrap() {
                AnyValue::Float64(number) => format!("{number:.6}"),
                value => value.to_string().replace('"', ""),
            })
            .collect();
        lines.push(cells.join(" | "));
    }
    lines.join("\n")
}

fn problems(sql: &str) -> String {
    let catalog = catalog(&[
        ("answers", &["method", "exact", "degree", "seed"]),
        ("graphs", &["degree", "nodes"]),
        ("anything", &[]),
    ]);
    Query::parse(sql)
        .unwrap()
        .problems(&catalog)
        .into_iter()
        .map(|problem| format!("{problem}; {}", problem.help))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_interval_is_over_runs_and_not_over_rows() {
    // Means of runs: 0.5, 1, 0; s = 0.5, n = 3, t(2) = 4.302653.
    let result = run(
        "SELECT method, AVG(exact) AS accuracy, ci95(exact) AS ci, runs() AS n FROM answers GROUP BY method",
        &[("answers", answers())],
    );
    insta::assert_snapshot!(printed(&result), @r"
    method | accuracy | ci | n
    a | 0.500000 | 1.242069 | 3
    b | 1.000000 | null | 1
    ");
}

#[test]
fn a_column_of_lists_is_refused() {
    let table = df!("g" => [1i64, 1, 2], "x" => [2i64, 2, 4]).unwrap();
    let sql = "SELECT g, 1.0 * COUNT(*) / x AS share FROM t GROUP BY g, x";
    let tables = [("t".to_owned(), table)].into();
    let error = Query::parse(sql)
        .unwrap()
        .run(tables)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("`share` has several values in one row"),
        "{error}"
    );
}

#[test]
fn without_runs_every_row_is_a_sample() {
    // 1, 2, 4: mean 7/3, s² = 7/3, half width 4.302653·√(7/9).
    let table = df!("x" => [1.0, 2.0, 4.0]).unwrap();
    let result = run(
        "SELECT ci95(x), runs(), ci95(x) * 2 AS w FROM t",
        &[("t", table)],
    );
    insta::assert_snapshot!(printed(&result), @r"
    ci95(x) | runs() | w
    3.794583 | 3 | 7.589166
    ");
}

#[test]
fn two_samples_give_the_textbook_interval() {
    // s/√n = 0.5 and t(1) = 12.706204736.
    let width = interval::half_width(&[0.0, 1.0]).unwrap();
    assert!((width - 6.353_102_368_087_346).abs() < 1e-6, "{width}");
    assert_eq!(interval::half_width(&[1.0]), None);
}

#[test]
fn runs_follow_the_rows_through_subqueries() {
    let expected = "method | ci\na | 1.242069\nb | null";
    for sql in [
        "WITH kept AS (SELECT method, exact FROM answers WHERE exact >= 0) SELECT method, ci95(exact) AS ci FROM kept GROUP BY method",
        "SELECT method, ci95(exact) AS ci FROM (SELECT * FROM answers) AS kept GROUP BY method",
        "SELECT k.method, ci95(k.exact) AS ci FROM answers AS k GROUP BY k.method",
        "WITH both AS (SELECT method, exact FROM answers UNION ALL SELECT method, exact FROM answers) SELECT method, ci95(exact) AS ci FROM both GROUP BY method",
    ] {
        assert_eq!(
            printed(&run(sql, &[("answers", answers())])),
            expected,
            "{sql}"
        );
    }
}

#[test]
fn runs_survive_a_join() {
    let names = df!("method" => ["a", "b"], "label" => ["A", "B"], "_run" => [7i64, 8]).unwrap();
    let result = run(
        "SELECT label, ci95(exact) AS ci FROM answers JOIN names USING (method) GROUP BY label",
        &[("answers", answers()), ("names", names)],
    );
    assert_eq!(printed(&result), "label | ci\nA | 1.242069\nB | null");
}

#[test]
fn the_hidden_column_stays_hidden() {
    for sql in [
        "SELECT * FROM answers",
        "SELECT DISTINCT * FROM answers",
        "SELECT a.* FROM answers AS a",
        "SELECT * FROM answers AS a JOIN answers AS b USING (method)",
        "SELECT * FROM answers UNION ALL SELECT method, exact FROM answers",
        "SELECT * FROM answers ORDER BY exact LIMIT 3",
    ] {
        let result = run(sql, &[("answers", answers())]);
        assert!(
            table::column_names(&result)
                .iter()
                .all(|name| !name.contains("_run")),
            "{sql}: {result:?}"
        );
    }
    let distinct = run("SELECT DISTINCT * FROM answers", &[("answers", answers())]);
    assert_eq!(distinct.height(), 3);
    assert!(Query::parse("SELECT _run FROM answers").is_err());
}

#[test]
fn a_result_is_ordered_also_where_the_query_leaves_it_open() {
    let table =
        df!("k" => ["b", "a", "b", "a"], "x" => [Some(2i64), Some(1), None, Some(0)]).unwrap();
    let tables = [("t", table)];
    insta::assert_snapshot!(printed(&run("SELECT k, x FROM t", &tables)), @r"
    k | x
    a | 0
    a | 1
    b | null
    b | 2
    ");
    insta::assert_snapshot!(printed(&run("SELECT x, k FROM t ORDER BY k DESC", &tables)), @r"
    x | k
    2 | b
    null | b
    0 | a
    1 | a
    ");
    insta::assert_snapshot!(printed(&run("SELECT k, x FROM t LIMIT 2", &tables)), @r"
    k | x
    a | 0
    a | 1
    ");
    insta::assert_snapshot!(
        printed(&run("SELECT k, SUM(x) AS s FROM t GROUP BY k ORDER BY SUM(x) DESC", &tables)),
        @r"
    k | s
    b | 2
    a | 1
    "
    );
}

#[test]
fn division_of_whole_numbers_gives_a_fraction() {
    let table = df!("a" => [1i64], "b" => [2i64]).unwrap();
    let result = run(
        "SELECT a / b AS q, 1 / b AS r, b // 2 AS whole FROM t",
        &[("t", table)],
    );
    assert_eq!(printed(&result), "q | r | whole\n0.500000 | 0.500000 | 1");
}

#[test]
fn unnamed_expressions_are_named_by_their_text() {
    let query =
        Query::parse("SELECT Method, AVG(t.Exact), MAX(exact), 1 + 2 FROM t GROUP BY Method")
            .unwrap();
    assert_eq!(
        query.output_columns(&BTreeMap::new()).unwrap(),
        ["Method", "avg(\"Exact\")", "max(exact)", "1 + 2"]
    );
    let result = run(
        "SELECT method, avg(t.exact), COUNT(*) FROM t GROUP BY method",
        &[("t", answers())],
    );
    assert_eq!(
        table::column_names(&result),
        ["method", "avg(exact)", "count(*)"]
    );
}

#[test]
fn output_columns_are_those_the_run_gives() {
    let tables = [
        ("answers", answers()),
        ("names", df!("method" => ["a"], "label" => ["A"]).unwrap()),
    ];
    let catalog: BTreeMap<String, Vec<String>> = tables
        .iter()
        .map(|(name, table)| ((*name).to_owned(), table::column_names(table)))
        .collect();
    for sql in [
        "SELECT * FROM answers",
        "SELECT method, AVG(exact), COUNT(*) AS n FROM answers GROUP BY method",
        "SELECT * EXCLUDE (exact) FROM answers",
        "WITH a AS (SELECT method AS m FROM answers) SELECT m, m = 'a' FROM a",
        "SELECT n.*, a.exact FROM answers AS a JOIN names AS n ON a.method = n.method",
        "SELECT exact + 1, CASE WHEN exact > 0 THEN 'x' ELSE 'y' END FROM answers",
        "SELECT method FROM answers UNION SELECT label FROM names",
        "SELECT method, exact - AVG(exact) OVER (PARTITION BY method) FROM answers",
    ] {
        let query = Query::parse(sql).unwrap();
        assert!(query.problems(&catalog).is_empty(), "{sql}");
        let result = run(sql, &tables);
        assert_eq!(
            query.output_columns(&catalog).unwrap(),
            table::column_names(&result),
            "{sql}"
        );
    }
}

#[test]
fn unknown_names_are_found_with_their_place_and_the_nearest_spelling() {
    insta::assert_snapshot!(problems("SELECT method,\n  AVG(exakt) FROM answers GROUP BY method"), @"no column `exakt` (line 2, column 7); did you mean `exact`? (columns: method, exact, degree, seed)");
    insta::assert_snapshot!(problems("SELECT * FROM answer"), @"no table `answer` (line 1, column 15); did you mean `answers`? (tables: answers, anything, graphs)");
    insta::assert_snapshot!(problems("SELECT a.nodes FROM answers a JOIN graphs g ON a.degree = g.dgree"), @r"
    no column `nodes` (line 1, column 10); columns: method, exact, degree, seed
    no column `dgree` (line 1, column 61); did you mean `degree`? (columns: degree, nodes)
    ");
    insta::assert_snapshot!(problems("WITH c AS (SELECT degree AS d FROM graphs) SELECT nodes FROM c"), @"no column `nodes` (line 1, column 51); columns: d");
    insta::assert_snapshot!(problems("SELECT b.seed FROM answers a"), @"no table `b` in this FROM (line 1, column 8); did you mean `a`? (tables: a)");
}

#[test]
fn a_comparison_that_cannot_run_is_found_before_it_does() {
    let sql = |is: &str| {
        format!("SELECT method\nFROM answers WHERE exact {is} (SELECT MAX(exact) FROM answers)")
    };
    let said = "`=` cannot compare with a query (line 2, column 20); write `IN (SELECT …)`";
    assert_eq!(problems(&sql("=")), said);
    assert_eq!(problems(&sql("IN")), "");
    assert_eq!(run(&sql("IN"), &[("answers", answers())]).width(), 1);
    let query = Query::parse(&sql("=")).unwrap();
    let tables = BTreeMap::from([("answers".to_owned(), answers())]);
    assert!(
        query.run(tables).is_err(),
        "nothing needs to be said any more"
    );
}

#[test]
fn right_queries_have_no_problems() {
    for sql in [
        "SELECT method, AVG(exact) AS acc FROM answers GROUP BY method HAVING acc > 0.5 ORDER BY acc",
        "SELECT whatever, AVG(x) FROM anything GROUP BY whatever",
        "SELECT a.x, degree FROM anything a JOIN graphs USING (degree)",
        "SELECT x.d FROM (SELECT degree AS d FROM graphs) AS x",
        "SELECT method FROM answers WHERE degree IN (SELECT degree FROM graphs WHERE nodes > exact)",
        "SELECT degree AS d, COUNT(*) FROM graphs GROUP BY d ORDER BY ALL",
        "SELECT method, ROW_NUMBER() OVER (PARTITION BY method ORDER BY exact) AS i FROM answers QUALIFY i = 1",
        "SELECT method FROM answers UNION ALL SELECT 'x' AS method ORDER BY method",
        "WITH answers AS (SELECT 1 AS one) SELECT one FROM answers",
    ] {
        assert_eq!(problems(sql), "", "{sql}");
    }
}

#[test]
fn what_is_not_one_select_is_refused() {
    let refused: Vec<String> = [
        "",
        "SELEC a FROM t",
        "DROP TABLE t",
        "INSERT INTO t VALUES (1)",
        "SELECT 1; SELECT 2",
        "SELECT * FROM read_csv('x.csv')",
        "SELECT a INTO b FROM t",
        "SELECT a FROM model-answers",
        "SELECT a,\n FROM (SELECT b FROM t",
        "VALUES (1)",
        "SELECT ci95(a, b) FROM t",
        "SELECT ci95(a) OVER (PARTITION BY b) FROM t",
        "SELECT runs(a) FROM t",
    ]
    .iter()
    .map(|sql| Query::parse(sql).unwrap_err().to_string())
    .collect();
    insta::assert_snapshot!(refused.join("\n"), @r"
    there is no SQL here (line 1, column 1)
    Expected: an SQL statement, found: SELEC (line 1, column 1)
    DROP is not allowed: a query only reads (line 1, column 1)
    INSERT is not allowed: a query only reads (line 1, column 1)
    there is more than one statement (line 1, column 11)
    a function as a table is not allowed here (line 1, column 15)
    INTO is not allowed here (line 1, column 15)
    Expected: end of statement, found: - (line 1, column 20)
    Expected: ), found: FROM (line 2, column 17)
    anything but SELECT is not allowed here (line 1, column 8)
    ci95 takes one value (line 1, column 8)
    ci95 takes neither OVER nor FILTER (line 1, column 8)
    runs takes nothing (line 1, column 8)
    ");
}

#[test]
fn tables_are_those_from_outside() {
    let query = Query::parse(
        "WITH a AS (SELECT * FROM x), b AS (SELECT * FROM a) SELECT * FROM b JOIN y USING (i) WHERE i IN (SELECT i FROM z)",
    )
    .unwrap();
    assert_eq!(
        query.tables().into_iter().collect::<Vec<_>>(),
        ["x", "y", "z"]
    );
}

#[test]
fn the_canonical_text_forgets_spelling_and_the_names_of_tables() {
    let rename = |from: &str| BTreeMap::from([(from.to_owned(), "input-0".to_owned())]);
    let one = Query::parse("SELECT model.x, avg(y) AS a FROM model GROUP BY model.x").unwrap();
    let two =
        Query::parse("select net.\"x\", -- the degree\n AVG(y) as \"a\"\nfrom net\ngroup by net.x")
            .unwrap();
    assert_eq!(
        one.canonical(&rename("model")),
        two.canonical(&rename("net"))
    );
    insta::assert_snapshot!(one.canonical(&rename("model")), @r#"SELECT "input-0".x, avg(y) AS a FROM "input-0" GROUP BY "input-0".x"#);
    let other = Query::parse("SELECT model.x, avg(y) AS b FROM model GROUP BY model.x").unwrap();
    assert_ne!(
        one.canonical(&rename("model")),
        other.canonical(&rename("model"))
    );
    let shadowed =
        Query::parse("WITH model AS (SELECT 1 AS x FROM t) SELECT model.x FROM model").unwrap();
    insta::assert_snapshot!(shadowed.canonical(&rename("model")), @"WITH model AS (SELECT 1 AS x FROM t) SELECT model.x FROM model");
}

#[test]
fn a_condition_is_judged_row_by_row() {
    let rows = df!(
        "method" => ["next-token", "reversed", "next-token"],
        "accuracy" => [Some(0.51), Some(0.99), None],
        "degree" => [2i64, 2, 2],
    )
    .unwrap();
    let holds = |text: &str| Condition::parse(text).unwrap().evaluate(&rows).unwrap();
    assert_eq!(
        holds("ABS(accuracy - 1.0 / degree) < 0.05"),
        [Some(true), Some(false), None]
    );
    assert_eq!(
        holds("ABS(accuracy - 1 / degree) < 0.05"),
        [Some(true), Some(false), None]
    );
    assert_eq!(
        holds("method = 'next-token'"),
        [Some(true), Some(false), Some(true)]
    );
    assert_eq!(holds("TRUE"), [Some(true); 3]);
    let condition = Condition::parse("abs( accuracy -1/degree )<0.05 /* near */").unwrap();
    insta::assert_snapshot!(condition.canonical(), @"abs(accuracy - 1 / degree) < 0.05");
    assert_eq!(
        condition.columns().into_iter().collect::<Vec<_>>(),
        ["accuracy", "degree"]
    );
}

#[test]
fn what_is_no_condition_is_refused() {
    let rows = df!("accuracy" => [0.5]).unwrap();
    assert!(Condition::parse("accuracy >").is_err());
    assert!(Condition::parse("accuracy > 1 extra").is_err());
    assert!(Condition::parse("accuracy > AVG(accuracy)").is_err());
    assert!(Condition::parse("accuracy > (SELECT 1)").is_err());
    let error = Condition::parse("accuracy + 1")
        .unwrap()
        .evaluate(&rows)
        .unwrap_err();
    insta::assert_snapshot!(error, @"`accuracy + 1` is not a condition: it gives f64");
    let error = Condition::parse("acuracy > 1")
        .unwrap()
        .evaluate(&rows)
        .unwrap_err();
    insta::assert_snapshot!(error, @"no column `acuracy`: did you mean `accuracy`? (columns: accuracy)");
}
