use std::collections::BTreeMap;

use polars::prelude::*;

use super::*;

fn runs_by(axes: &[&str]) -> Runs {
    Runs::Axes(axes.iter().map(ToString::to_string).collect())
}

/// Tables that a query may read: of the first the jobs are runs by seed, the second is one job's.
fn catalog() -> Catalog {
    let table = |columns: &[(&str, Kind)], runs: Runs| TableInfo {
        columns: Some(
            columns
                .iter()
                .map(|(name, kind)| ((*name).to_owned(), *kind))
                .collect(),
        ),
        coordinates: Vec::new(),
        runs,
    };
    let answers = [
        ("method", Kind::Text),
        ("exact", Kind::Int),
        ("degree", Kind::Int),
        ("seed", Kind::Int),
    ];
    let graphs = [("degree", Kind::Int), ("nodes", Kind::Int)];
    let untold = Runs::Untold("one job made all rows of `graphs`".to_owned());
    let open = TableInfo {
        columns: None,
        coordinates: Vec::new(),
        runs: Runs::Open,
    };
    BTreeMap::from([
        (
            "answers".to_owned(),
            table(&answers, runs_by(&["method", "seed"])),
        ),
        ("graphs".to_owned(), table(&graphs, untold)),
        ("anything".to_owned(), open),
    ])
}

fn answers() -> Table {
    Table {
        rows: df!(
            "method" => ["a", "a", "a", "a", "a", "a", "b"],
            "seed" => [0i64, 0, 1, 1, 2, 2, 0],
            "exact" => [1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0],
        )
        .unwrap(),
        runs: ids(&[0, 0, 1, 1, 2, 2, 3]),
    }
}

fn ids(runs: &[i64]) -> Option<Vec<Option<i64>>> {
    Some(runs.iter().copied().map(Some).collect())
}

fn plain(rows: DataFrame) -> Table {
    Table { rows, runs: None }
}

fn try_run(sql: &str, tables: &[(&str, Table)]) -> Result<DataFrame, String> {
    let all = tables
        .iter()
        .map(|(name, table)| ((*name).to_owned(), table.clone()));
    let runs = tables.iter().filter(|(_, table)| table.runs.is_some());
    let runs = runs.map(|(name, _)| ((*name).to_owned(), runs_by(&["method", "seed"])));
    let query = Query::parse(sql).map_err(|problem| problem.to_string())?;
    query
        .run(all.collect(), &runs.collect())
        .map(|(rows, _)| rows)
        .map_err(|error| error.to_string())
}

fn run(sql: &str, tables: &[(&str, Table)]) -> DataFrame {
    try_run(sql, tables).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

fn printed(table: &DataFrame) -> String {
    let mut lines = vec![table::column_names(table).join(" | ")];
    for row in 0..table.height() {
        let cells = table
            .columns()
            .iter()
            .map(|column| match column.get(row).unwrap() {
                AnyValue::Float64(number) => format!("{number:.6}"),
                value => value.to_string().replace('"', ""),
            });
        lines.push(cells.collect::<Vec<_>>().join(" | "));
    }
    lines.join("\n")
}

fn problems(sql: &str) -> String {
    let problems = match Query::parse(sql) {
        Ok(query) => query.check(&catalog()).err().unwrap_or_default(),
        Err(problem) => vec![problem],
    };
    let lines = problems
        .into_iter()
        .map(|problem| match problem.help.as_str() {
            "" => problem.to_string(),
            help => format!("{problem}; {help}"),
        });
    lines.collect::<Vec<_>>().join("\n")
}

const THREE_RUNS: &str = "method | ci\na | 1.242069\nb | null";

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
fn a_job_that_stands_under_several_labels_is_one_run() {
    let mut table = answers();
    // The second seed's job is the first one's.
    table.runs = ids(&[0, 0, 0, 0, 2, 2, 3]);
    let result = run(
        "SELECT method, ci95(exact) AS ci, runs() AS n FROM answers GROUP BY method",
        &[("answers", table)],
    );
    // Means of runs: 3/4, 0; half the width 12.7062 · 0.375.
    assert_eq!(
        printed(&result),
        "method | ci | n\na | 4.764827 | 2\nb | null | 1"
    );
}

#[test]
fn a_unit_can_be_said() {
    let table = plain(
        df!("g" => ["x", "x", "x", "x"], "fold" => [1i64, 1, 2, 2], "y" => [0.0, 2.0, 4.0, 6.0])
            .unwrap(),
    );
    let result = run(
        "SELECT g, ci95(y, fold) AS ci, runs(fold) AS n, ci95(y, y) AS rows FROM t GROUP BY g",
        &[("t", table)],
    );
    // Means 1 and 5: half the width 12.7062 · 2; of four rows 3.182446 · √(20/3)/2.
    assert_eq!(
        printed(&result),
        "g | ci | n | rows\nx | 25.412409 | 2 | 4.108521"
    );
}

#[test]
fn runs_follow_the_rows_through_subqueries_and_joins() {
    for sql in [
        "WITH kept AS (SELECT method, exact FROM answers WHERE exact >= 0) SELECT method, ci95(exact) AS ci FROM kept GROUP BY method",
        "SELECT method, ci95(exact) AS ci FROM (SELECT * FROM answers) AS kept GROUP BY method",
        "SELECT k.method, ci95(k.exact) AS ci FROM answers AS k GROUP BY k.method",
        "WITH both AS (SELECT method, seed, exact FROM answers UNION ALL SELECT method, seed, exact FROM answers) SELECT method, ci95(exact) AS ci FROM both GROUP BY method",
        "SELECT method, ci95(e) AS ci FROM (SELECT method AS method, seed AS s, AVG(exact) AS e FROM answers GROUP BY method, seed) GROUP BY method",
        "SELECT method, ci95(exact) AS ci FROM (SELECT DISTINCT method, seed, e AS exact FROM (SELECT method, seed, AVG(exact) AS e FROM answers GROUP BY method, seed)) GROUP BY method",
        "SELECT a.method, ci95(a.exact) AS ci FROM answers AS a JOIN (SELECT method, seed, MAX(exact) AS top FROM answers GROUP BY method, seed) AS b ON a.method = b.method AND a.seed = b.seed GROUP BY a.method",
        "SELECT method, ci95(exact) AS ci FROM answers JOIN (SELECT method, MAX(exact) AS top FROM answers GROUP BY method) AS best USING (method) GROUP BY method",
        "SELECT method, ci95(exact) AS ci FROM answers LEFT JOIN names USING (method) GROUP BY method",
    ] {
        let names = plain(df!("method" => ["a", "b"], "label" => ["A", "B"]).unwrap());
        let tables = [("answers", answers()), ("names", names)];
        assert_eq!(printed(&run(sql, &tables)), THREE_RUNS, "{sql}");
    }
    // Runs of one method, as WHERE says: the seed alone tells them apart.
    let one = "SELECT ci95(e) AS ci FROM (SELECT seed, AVG(exact) AS e FROM answers WHERE method = 'a' GROUP BY seed)";
    assert_eq!(
        printed(&run(one, &[("answers", answers())])),
        "ci\n1.242069"
    );
    // Of the left one row a run, of the right one method: each pair is of one seed.
    let gain = "SELECT ci95(a.e - b.e) AS ci, runs() AS n FROM s AS a JOIN s AS b ON a.seed = b.seed AND b.method = 'b' WHERE a.method = 'a'";
    let rows = df!("method" => ["a", "a", "b", "b"], "seed" => [0i64, 1, 0, 1], "e" => [1.0, 3.0, 0.0, 1.0]).unwrap();
    let table = Table {
        rows,
        runs: ids(&[0, 1, 2, 3]),
    };
    assert_eq!(printed(&run(gain, &[("s", table)])), "ci | n\n6.353102 | 2");
}

#[test]
fn where_nothing_tells_what_a_run_is_it_must_be_said() {
    insta::assert_snapshot!(problems("SELECT ci95(nodes) FROM graphs"), @"ci95 does not know what a run is here: one job made all rows of `graphs` (line 1, column 8); say it: ci95(nodes, degree), if `degree` has a value of its own for each run; several columns may stand there");
    insta::assert_snapshot!(problems("SELECT runs() FROM (SELECT method, AVG(exact) AS e FROM answers GROUP BY method)"), @"runs does not know what a run is here: its rows are groups of runs: GROUP BY leaves out `seed` (line 1, column 8); say it: runs(method), if `method` has a value of its own for each run; several columns may stand there");
    insta::assert_snapshot!(problems("SELECT ci95(a.exact) FROM answers AS a JOIN answers AS b ON a.seed < b.seed"), @"ci95 does not know what a run is here: a row of this join is of several runs at once (line 1, column 8); say it: ci95(a.exact, seed), if `seed` has a value of its own for each run; several columns may stand there");
    insta::assert_snapshot!(problems("SELECT ci95(exact) FROM (SELECT exact FROM answers UNION SELECT exact FROM answers)"), @"ci95 does not know what a run is here: its rows come from two queries (line 1, column 8); say it: ci95(exact, run), if `run` has a value of its own for each run; several columns may stand there");
    assert_eq!(
        problems("SELECT ci95(nodes, degree), runs(degree) FROM graphs"),
        ""
    );
    assert_eq!(problems("SELECT ci95(x), runs() FROM anything"), "");
}

#[test]
fn shares_of_runs_have_intervals_within_0_and_1() {
    let rows =
        df!("method" => ["a"; 5], "seed" => [0i64, 1, 2, 3, 4], "solved" => [true; 5]).unwrap();
    let table = Table {
        rows,
        runs: ids(&[0, 1, 2, 3, 4]),
    };
    let tables = [("t", table)];
    let sql = "SELECT clopper_pearson95_low(solved) AS a, clopper_pearson95_high(solved) AS b, wilson95_low(solved) AS c, wilson95_high(solved) AS d FROM t";
    assert_eq!(
        printed(&run(sql, &tables)),
        "a | b | c | d\n0.478176 | 1.000000 | 0.565518 | 1.000000"
    );
    let wrong = try_run("SELECT wilson95_low(seed) FROM t", &tables).unwrap_err();
    assert!(
        wrong.contains("takes 0 or 1 a run, and here a run has 2"),
        "{wrong}"
    );
}

#[test]
fn a_table_may_have_a_column_of_any_name() {
    let table = plain(df!("_run" => [1i64, 2], "Mixed Case" => ["x", "y"]).unwrap());
    let result = run("SELECT _run, \"Mixed Case\" FROM t", &[("t", table)]);
    assert_eq!(printed(&result), "_run | Mixed Case\n1 | x\n2 | y");
    for sql in [
        "SELECT * FROM answers",
        "SELECT DISTINCT * FROM answers",
        "SELECT a.* FROM answers AS a",
        "SELECT * FROM answers ORDER BY exact LIMIT 3",
    ] {
        let result = run(sql, &[("answers", answers())]);
        assert_eq!(
            table::column_names(&result),
            ["method", "seed", "exact"],
            "{sql}"
        );
    }
}

#[test]
fn nan_never_wins_and_is_told() {
    let table = plain(
        df!("k" => ["a", "b", "c", "d"], "x" => [Some(0.5), Some(f64::NAN), Some(0.9), None])
            .unwrap(),
    );
    let tables = [("t", table)];
    for (sql, wanted) in [
        ("SELECT k FROM t ORDER BY x DESC LIMIT 1", "k\nc"),
        ("SELECT k FROM t ORDER BY x", "k\na\nc\nb\nd"),
        ("SELECT k FROM t ORDER BY x DESC", "k\nc\na\nb\nd"),
        ("SELECT k FROM t WHERE x > 0.1", "k\na\nc"),
        ("SELECT k FROM t WHERE NOT x > 0.6", "k\na"),
        ("SELECT k FROM t WHERE x = x", "k\na\nc"),
        ("SELECT k FROM t WHERE ISNAN(x)", "k\nb"),
        (
            "SELECT MAX(x) AS a, MIN(x) AS b, AVG(x) AS c, MEDIAN(x) AS d, STDDEV(x) AS e, COUNT(x) AS f FROM t",
            "a | b | c | d | e | f\nNaN | NaN | NaN | NaN | NaN | 3",
        ),
        ("SELECT ARG_MAX(k, x) AS best FROM t", "best\nc"),
        (
            "SELECT GREATEST(x, 0.6) AS g FROM t ORDER BY k",
            "g\n0.600000\nNaN\n0.900000\n0.600000",
        ),
        (
            "SELECT k FROM t QUALIFY ROW_NUMBER() OVER (ORDER BY x DESC) = 1",
            "k\nc",
        ),
        (
            "SELECT SUM(CASE WHEN x > 0.6 THEN 1 ELSE 0 END) AS solved FROM t",
            "solved\n1",
        ),
        ("SELECT ci95(x, k) AS ci FROM t", "ci\nNaN"),
    ] {
        assert_eq!(printed(&run(sql, &tables)), wanted, "{sql}");
    }
}

#[test]
fn whole_numbers_do_not_wrap() {
    let table = plain(df!("x" => [5_000_000_000_000_000_000i64; 2]).unwrap());
    let tables = [("t", table)];
    let error = try_run("SELECT SUM(x) AS s FROM t", &tables).unwrap_err();
    assert!(
        error.contains("SUM is 10000000000000000000, which does not fit 64 bits"),
        "{error}"
    );
    let error = try_run("SELECT x * 2 AS s FROM t", &tables).unwrap_err();
    assert!(
        error.contains("the result of `*` does not fit 64 bits"),
        "{error}"
    );
    let sum = run(
        "SELECT SUM(CAST(x AS DOUBLE)) AS s, AVG(x) AS a FROM t",
        &tables,
    );
    assert_eq!(printed(&sql_first(&sum)), "s\n10000000000000000000.000000");
}

fn sql_first(table: &DataFrame) -> DataFrame {
    let first = table::column_names(table)[0].clone();
    DataFrame::new(table.height(), vec![table.column(&first).unwrap().clone()]).unwrap()
}

#[test]
fn a_result_is_ordered_also_where_the_query_leaves_it_open() {
    let table = plain(
        df!("k" => ["b", "a", "b", "a"], "x" => [Some(2i64), Some(1), None, Some(0)]).unwrap(),
    );
    let tables = [("t", table)];
    insta::assert_snapshot!(printed(&run("SELECT k, x FROM t", &tables)), @r"
    k | x
    a | 0
    a | 1
    b | 2
    b | null
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
    let table = plain(df!("a" => [1i64], "b" => [2i64]).unwrap());
    let result = run(
        "SELECT a / b AS q, 1 / b AS r, b // 2 AS whole FROM t",
        &[("t", table)],
    );
    assert_eq!(printed(&result), "q | r | whole\n0.500000 | 0.500000 | 1");
}

#[test]
fn unnamed_expressions_are_named_by_their_text() {
    let result = run(
        "SELECT method, avg(t.exact), COUNT(*), 1 + 2 FROM t GROUP BY method",
        &[("t", answers())],
    );
    assert_eq!(
        table::column_names(&result),
        ["method", "avg(exact)", "count(*)", "1 + 2"]
    );
}

#[test]
fn what_is_known_before_the_run_is_what_the_run_gives() {
    let names = plain(df!("method" => ["a"], "label" => ["A"]).unwrap());
    let tables = [("answers", answers()), ("names", names)];
    let catalog: Catalog = tables
        .iter()
        .map(|(name, table)| {
            let info = TableInfo {
                columns: Some(columns_of(&table.rows)),
                coordinates: Vec::new(),
                runs: runs_by(&["method", "seed"]),
            };
            ((*name).to_owned(), info)
        })
        .collect();
    for sql in [
        "SELECT * FROM answers",
        "SELECT method, AVG(exact), COUNT(*) AS n FROM answers GROUP BY method",
        "SELECT * EXCLUDE (exact) FROM answers",
        "WITH a AS (SELECT method AS m FROM answers) SELECT m, m = 'a' FROM a",
        "SELECT n.*, a.exact FROM answers AS a JOIN names AS n ON a.method = n.method",
        "SELECT * FROM answers JOIN names USING (method)",
        "SELECT exact + 1, CASE WHEN exact > 0 THEN 'x' ELSE 'y' END FROM answers",
        "SELECT method FROM answers UNION SELECT label FROM names",
        "SELECT method, exact - AVG(exact) OVER (PARTITION BY method) FROM answers",
        "SELECT SUM(seed) AS s, MAX(method) AS m, ci95(exact) AS c, runs() AS r, NULL AS n, exact > 0 AS b FROM answers GROUP BY b",
    ] {
        let query = Query::parse(sql).unwrap();
        let known = query.check(&catalog).unwrap().unwrap();
        let known = known.into_iter().map(|column| (column.name, column.kind));
        let known: Vec<_> = known.collect();
        assert_eq!(known, columns_of(&run(sql, &tables)), "{sql}");
    }
}

#[test]
fn what_is_wrong_is_found_before_the_run_with_its_place_and_a_remedy() {
    insta::assert_snapshot!(problems("SELECT method,\n  AVG(exakt) FROM answers GROUP BY method"), @"no column `exakt` (line 2, column 7); did you mean `exact`? (columns: method, exact, degree, seed)");
    insta::assert_snapshot!(problems("SELECT * FROM answer"), @"no table `answer` (line 1, column 15); did you mean `answers`? (tables: answers, anything, graphs)");
    insta::assert_snapshot!(problems("SELECT a.nodes FROM answers a JOIN graphs g ON a.degree = g.dgree"), @r"
    no column `nodes` (line 1, column 10); columns: method, exact, degree, seed
    no column `dgree` (line 1, column 61); did you mean `degree`? (columns: degree, nodes)
    ");
    insta::assert_snapshot!(problems("WITH c AS (SELECT degree AS d FROM graphs) SELECT nodes FROM c"), @"no column `nodes` (line 1, column 51); `nodes` is in the table `graphs`; columns: d");
    insta::assert_snapshot!(problems("SELECT b.seed FROM answers a"), @"no table `b` in this FROM (line 1, column 8); tables: a");
    insta::assert_snapshot!(problems("SELECT AVGG(exact) AS v, STDEV_POP(exact) AS s, PERCENTILE_95(exact) AS p FROM anything"), @r#"
    there is no function `avgg` (line 1, column 8); did you mean `avg`? `etude kinds aggregate` lists all functions
    there is no function `stdev_pop` (line 1, column 26); did you mean `stddev_pop`? `etude kinds aggregate` lists all functions
    there is no function `percentile_95` (line 1, column 49); `etude kinds aggregate` lists all functions
    "#);
    insta::assert_snapshot!(problems("SELECT method, exact FROM answers GROUP BY method"), @"`exact` has many values in a group (line 1, column 16); add it to GROUP BY, or say which: MAX(exact), AVG(exact), …");
    insta::assert_snapshot!(problems("SELECT method FROM answers WHERE AVG(exact) > 1 AND seed = '1' AND method > 2"), @r#"
    avg looks at many rows, and WHERE at one (line 1, column 34); HAVING is a condition on groups
    whole numbers cannot be compared with text (line 1, column 53); CAST(x AS DOUBLE) makes numbers of text, CAST(x AS TEXT) text of numbers
    text cannot be compared with whole numbers (line 1, column 68); CAST(x AS DOUBLE) makes numbers of text, CAST(x AS TEXT) text of numbers
    "#);
    insta::assert_snapshot!(problems("SELECT SUM(method), ABS(method), ROUND(exact, 1, 2), RANK() FROM answers"), @r#"
    `sum` takes numbers, not text (line 1, column 8); CAST makes other values of them
    `method` has many values in a group (line 1, column 25); add it to GROUP BY, or say which: MAX(method), AVG(method), …
    round takes 1 to 2 values, not 3 (line 1, column 34)
    rank needs OVER (…) (line 1, column 54); write rank(…) OVER (ORDER BY …)
    "#);
    insta::assert_snapshot!(problems("SELECT exact, exact FROM answers WHERE exact"), @r#"
    two columns of the result are called `exact` (line 1, column 15); name one of them with AS, or leave it out
    WHERE needs a condition and gets whole numbers (line 1, column 40); compare with something: x > 0
    "#);
    insta::assert_snapshot!(problems("SELECT degree FROM answers JOIN graphs ON TRUE"), @"`degree` is a column of several tables (line 1, column 8); write answers.degree or graphs.degree");
    insta::assert_snapshot!(problems("SELECT method FROM answers WHERE EXISTS (SELECT 1 FROM graphs WHERE graphs.degree = answers.degree)"), @"a query inside an expression cannot read `answers.degree` of the query around it (line 1, column 85); join the two tables instead");
    insta::assert_snapshot!(problems("SELECT method FROM answers GROUP BY ROLLUP(method)"), @"ROLLUP, CUBE or GROUPING SETS is not among the SQL that etude reads (line 1, column 44); `etude kinds aggregate` lists what is");
    insta::assert_snapshot!(problems("SELECT METHOD, CAST(exact AS DATE) FROM answers"), @r#"
    no column `METHOD` (line 1, column 8); did you mean `method`? (columns: method, exact, degree, seed)
    there is no type DATE here (line 1, column 21); the types are BOOLEAN, INTEGER, DOUBLE and TEXT; ROUND(x, 2) rounds
    "#);
}

#[test]
fn a_column_of_another_table_is_told_with_that_table_and_once() {
    let told = problems("SELECT exact, seed, AVG(nodes) AS n FROM graphs GROUP BY exact, seed");
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(
        told.contains(" is in the table `answers`; columns: degree, nodes"),
        "{told}"
    );
    // A table that is in this FROM by another name is not told of.
    let told = problems("SELECT g.exact FROM answers a JOIN graphs g USING (degree)");
    assert!(!told.contains("is in the table"), "{told}");
    // What is in no table is told beside it.
    let told = problems("SELECT exact, seeds FROM graphs");
    assert_eq!(told.lines().count(), 2, "{told}");
    assert!(told.contains("no column `seeds`"), "{told}");
}

#[test]
fn a_name_that_is_compared_with_text_is_advised_quotes() {
    for condition in [
        "method = reversed",
        "reversed <> method",
        "seed = 1 AND method = reversed",
        "method IN ('a', reversed)",
        "method LIKE reversed",
        "CASE method WHEN reversed THEN TRUE END",
    ] {
        let sql = format!("SELECT exact FROM answers WHERE {condition}");
        let told = problems(&sql);
        assert!(told.starts_with("no column `reversed`"), "{told}");
        assert!(
            told.contains("; text stands in single quotes: 'reversed'; columns: "),
            "{told}"
        );
    }
    for condition in [
        "seed = reversed",
        "method = answers.reversed",
        "method IS NULL OR reversed",
    ] {
        let told = problems(&format!("SELECT exact FROM answers WHERE {condition}"));
        assert!(told.contains("no column `reversed`"), "{told}");
        assert!(!told.contains("single quotes"), "{told}");
    }
}

#[test]
fn right_queries_have_no_problems() {
    for sql in [
        "SELECT method, AVG(exact) AS acc FROM answers GROUP BY method HAVING acc > 0.5 ORDER BY acc",
        "SELECT whatever, AVG(x) FROM anything GROUP BY whatever",
        "SELECT a.x, degree FROM anything a JOIN graphs USING (degree)",
        "SELECT x.d FROM (SELECT degree AS d FROM graphs) AS x",
        "SELECT method FROM answers WHERE degree IN (SELECT degree FROM graphs WHERE nodes > 3)",
        "SELECT exact FROM answers WHERE exact > (SELECT AVG(exact) FROM answers)",
        "SELECT degree AS d, COUNT(*) FROM graphs GROUP BY d ORDER BY ALL",
        "SELECT method, ROW_NUMBER() OVER (PARTITION BY method ORDER BY exact) AS i FROM answers QUALIFY i = 1",
        "SELECT method FROM answers UNION ALL SELECT 'x' AS method ORDER BY method",
        "WITH answers AS (SELECT 1 AS one) SELECT one FROM answers",
        "SELECT exact, STDDEV_POP(exact) OVER () AS s, RANK() OVER (ORDER BY exact) AS r FROM answers",
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
    ]
    .iter()
    .map(|sql| Query::parse(sql).unwrap_err().to_string())
    .collect();
    insta::assert_snapshot!(refused.join("\n"), @r"
    there is no SQL here (line 1, column 1)
    expected an SQL statement, found `SELEC` (line 1, column 1)
    DROP is not allowed: a query only reads (line 1, column 1)
    INSERT is not allowed: a query only reads (line 1, column 1)
    there is more than one statement (line 1, column 11)
    a function as a table is not allowed here (line 1, column 15)
    INTO is not allowed here (line 1, column 15)
    expected the end of the SQL, found `-` (line 1, column 20)
    expected ), found `FROM` (line 2, column 17)
    anything but SELECT is not allowed here (line 1, column 8)
    ");
    insta::assert_snapshot!(problems("SELECT ci95(exact) OVER (PARTITION BY seed), AVG(exact, seed), runs(MAX(seed)), MAX(*) FROM answers"), @r#"
    ci95 takes no OVER (line 1, column 8); use GROUP BY
    `seed` has many values in a group (line 1, column 39); add it to GROUP BY, or say which: MAX(seed), AVG(seed), …
    avg takes one value, not 2 (line 1, column 46)
    max stands in another aggregate (line 1, column 69); compute it in a subquery
    max takes no `*` (line 1, column 81); name a column
    "#);
}

#[test]
fn tables_are_those_from_outside() {
    let tables = |sql: &str| {
        let tables = Query::parse(sql).unwrap().tables();
        tables.into_iter().collect::<Vec<_>>()
    };
    let sql = "WITH a AS (SELECT * FROM x), b AS (SELECT * FROM a) SELECT * FROM b JOIN y USING (i) WHERE i IN (SELECT i FROM z)";
    assert_eq!(tables(sql), ["x", "y", "z"]);
    assert_eq!(tables("WITH t AS (SELECT * FROM t) SELECT * FROM t"), ["t"]);
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
        "method" => ["next-token", "reversed", "next-token", "next-token"],
        "accuracy" => [Some(0.51), Some(0.99), None, Some(f64::NAN)],
        "degree" => [2i64, 2, 2, 2],
    )
    .unwrap();
    let holds = |text: &str| Condition::parse(text).unwrap().evaluate(&rows).unwrap();
    let near = [Some(true), Some(false), None, None];
    assert_eq!(holds("ABS(accuracy - 1.0 / degree) < 0.05"), near);
    assert_eq!(holds("ABS(accuracy - 1 / degree) < 0.05"), near);
    assert_eq!(
        holds("method = 'next-token'"),
        [Some(true), Some(false), Some(true), Some(true)]
    );
    assert_eq!(holds("TRUE"), [Some(true); 4]);
    assert_eq!(
        holds("accuracy > 0.9"),
        [Some(false), Some(true), None, None]
    );
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
    for wrong in [
        "accuracy >",
        "accuracy > 1 extra",
        "accuracy > AVG(accuracy)",
        "accuracy > (SELECT 1)",
        "RANK() OVER (ORDER BY accuracy) = 1",
        "ABSS(accuracy) > 1",
        "1 + 1",
    ] {
        assert!(Condition::parse(wrong).is_err(), "{wrong}");
    }
    let said = |text: &str| {
        let problems = Condition::parse(text)
            .unwrap()
            .problems(Some(&columns_of(&rows)));
        let lines = problems.iter().map(|p| format!("{p}; {}", p.help));
        lines.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(said("accuracy + 1"), @"this needs a condition and gets numbers (line 1, column 1); compare with something: x > 0");
    insta::assert_snapshot!(said("acuracy > 1 AND accuracy > 'x'"), @r#"
    no column `acuracy` (line 1, column 1); did you mean `accuracy`? (columns: accuracy)
    numbers cannot be compared with text (line 1, column 17); CAST(x AS DOUBLE) makes numbers of text, CAST(x AS TEXT) text of numbers
    "#);
    let error = Condition::parse("acuracy > 1")
        .unwrap()
        .evaluate(&rows)
        .unwrap_err();
    insta::assert_snapshot!(error, @"no column `acuracy`: did you mean `accuracy`? (columns: accuracy)");
}

#[test]
fn a_column_that_is_computed_is_known_from_one_that_is_handed_on() {
    let computed = |sql: &str| {
        let columns = Query::parse(sql).unwrap().check(&catalog()).unwrap();
        let columns = columns.into_iter().flatten();
        let computed = columns.filter(|column| column.is_computed);
        let mut names: Vec<String> = computed.map(|column| column.name).collect();
        names.sort();
        names.join(" ")
    };
    for (sql, names) in [
        (
            "SELECT method, seed, AVG(exact) AS e FROM answers GROUP BY method, seed",
            "e",
        ),
        (
            "SELECT method, runs() AS seed FROM answers GROUP BY method",
            "seed",
        ),
        ("SELECT degree AS seed, method FROM answers", "seed"),
        (
            "SELECT MAX(seed) AS seed, 0 AS method FROM answers",
            "method seed",
        ),
        (
            "SELECT seed FROM (SELECT exact AS seed FROM answers)",
            "seed",
        ),
        ("SELECT * FROM answers JOIN graphs USING (degree)", ""),
        ("SELECT a.seed, whatever FROM anything AS a", ""),
        ("SELECT whatever + 1 AS whatever FROM anything", "whatever"),
    ] {
        assert_eq!(computed(sql), names, "{sql}");
    }
}

#[test]
fn what_an_interval_leaves_out_and_how_it_weighs_is_told() {
    let rows = df!(
        "seed" => [Some(0i64), Some(1), Some(1), Some(2), None],
        "x" => [Some(1.0), Some(2.0), Some(4.0), None, Some(9.0)],
    )
    .unwrap();
    let query = Query::parse(
        "SELECT AVG(x) AS a, run_mean(x, seed) AS m, ci95(x, seed) AS ci, runs(seed) AS n FROM t",
    )
    .unwrap();
    let tables = BTreeMap::from([("t".to_owned(), plain(rows))]);
    let (result, notes) = query.run(tables, &BTreeMap::new()).unwrap();
    // Means of runs: 1 and 3.
    assert_eq!(
        printed(&result),
        "a | m | ci | n\n4.000000 | 2.000000 | 12.706205 | 3"
    );
    insta::assert_snapshot!(notes.join("\n"), @r#"
    ci95(x, seed): 1 of 3 runs has no value and is left out
    ci95(x, seed): 1 of the rows are of no run, for what tells it is missing there, and are left out
    ci95(x, seed): runs have 1 to 2 values; AVG weighs values and the interval runs, whose mean is run_mean
    run_mean(x, seed): 1 of 3 runs has no value and is left out
    run_mean(x, seed): 1 of the rows are of no run, for what tells it is missing there, and are left out
    "#);
}

#[test]
fn runs_without_a_value_are_counted_once_and_not_in_every_group() {
    let rows = df!(
        "step" => [1i64, 1, 2, 2, 3, 3],
        "seed" => [0i64, 1, 0, 1, 0, 1],
        "x" => [None, None, None, None, Some(1.0), Some(2.0)],
    )
    .unwrap();
    let query = Query::parse("SELECT step, ci95(x, seed) AS ci FROM t GROUP BY step").unwrap();
    let tables = BTreeMap::from([("t".to_owned(), plain(rows))]);
    let (_, notes) = query.run(tables, &BTreeMap::new()).unwrap();
    assert_eq!(
        notes,
        [
            "ci95(x, seed): 2 of 2 runs have no value in 2 of 3 groups and are left out there; WHERE … IS NOT NULL leaves groups without any value out of the result"
        ]
    );
}

#[test]
fn a_share_tells_of_runs_without_a_value() {
    let rows = df!("seed" => [0i64, 1, 2], "ok" => [Some(1i64), Some(1), None]).unwrap();
    let query = Query::parse(
        "SELECT clopper_pearson95_low(ok, seed) AS low, wilson95_high(ok, seed) AS high FROM t",
    );
    let tables = BTreeMap::from([("t".to_owned(), plain(rows))]);
    let (_, notes) = query.unwrap().run(tables, &BTreeMap::new()).unwrap();
    insta::assert_snapshot!(notes.join("\n"), @r"
    clopper_pearson95_low(ok, seed): 1 of 3 runs has no value and is left out
    wilson95_high(ok, seed): 1 of 3 runs has no value and is left out
    ");
}

#[test]
fn of_a_result_without_rows_the_condition_that_no_row_meets_is_told() {
    let notes = |sql: &str| {
        let query = Query::parse(sql).unwrap();
        let tables = BTreeMap::from([("t".to_owned(), plain(answers().rows))]);
        query.run(tables, &BTreeMap::new()).unwrap().1
    };
    for (condition, told) in [
        ("seed = 400", "no row meets `seed = 400`"),
        (
            "method = 'a' AND (seed = 400 OR seed = 500)",
            "no row meets `(seed = 400 OR seed = 500)`",
        ),
        (
            "exact = 1 AND seed > 2 AND method = 'a'",
            "no row meets `seed > 2`",
        ),
        (
            "method = 'b' AND seed = 1",
            "no row meets all its conditions",
        ),
        (
            "seed BETWEEN 7 AND 9 AND exact = 1",
            "no row meets `seed BETWEEN 7 AND 9 AND exact = 1`",
        ),
    ] {
        let sql =
            format!("SELECT method, AVG(exact) AS a FROM t WHERE {condition} GROUP BY method");
        assert_eq!(notes(&sql), [format!("WHERE keeps no row: {told}")]);
    }
    for sql in [
        "SELECT COUNT(*) AS n FROM t WHERE seed = 400",
        "SELECT seed FROM t WHERE NOT EXISTS (SELECT 1 FROM t WHERE seed = 400)",
        "SELECT seed FROM t WHERE seed = 1",
    ] {
        assert!(notes(sql).is_empty(), "{sql}");
    }
    let many = vec!["seed = 400"; 3_000].join(" AND ");
    assert!(notes(&format!("SELECT seed FROM t WHERE {many}")).is_empty());
}

#[test]
fn several_columns_may_tell_runs_apart() {
    let rows =
        df!("m" => ["a", "a", "b", "b"], "s" => [0i64, 1, 0, 1], "x" => [1.0, 2.0, 3.0, 6.0])
            .unwrap();
    let sql = "SELECT runs(m, s) AS n, ci95(x, m, s) AS ci, run_mean(x, m) AS mean FROM t";
    // s = 2.160247, n = 4, t(3) = 3.182446.
    assert_eq!(
        printed(&run(sql, &[("t", plain(rows))])),
        "n | ci | mean\n4 | 3.437435 | 3.000000"
    );
}

#[test]
fn of_a_table_whose_columns_are_not_known_the_coordinates_are() {
    let info = TableInfo {
        columns: None,
        coordinates: vec![
            ("method".to_owned(), Kind::Text),
            ("seed".to_owned(), Kind::Int),
        ],
        runs: runs_by(&["method", "seed"]),
    };
    let single = TableInfo {
        columns: None,
        coordinates: Vec::new(),
        runs: Runs::Untold("one job made all rows of `one`".to_owned()),
    };
    let catalog = BTreeMap::from([("t".to_owned(), info), ("one".to_owned(), single)]);
    let said = |sql: &str| {
        let problems = Query::parse(sql)
            .unwrap()
            .check(&catalog)
            .err()
            .unwrap_or_default();
        let lines = problems.iter().map(|p| format!("{p}; {}", p.help));
        lines.collect::<Vec<_>>().join("\n")
    };
    for right in [
        "SELECT method, ci95(x) AS ci, runs() AS n FROM t GROUP BY method",
        "SELECT method, ci95(e) AS ci FROM (SELECT method, seed, AVG(x) AS e FROM t GROUP BY method, seed) GROUP BY method",
        "SELECT ci95(x, fold) AS ci FROM one",
        "SELECT * FROM t WHERE anything = 1",
    ] {
        assert_eq!(said(right), "", "{right}");
    }
    insta::assert_snapshot!(said("SELECT ci95(e) AS ci FROM (SELECT method, AVG(x) AS e FROM t GROUP BY method)"), @"ci95 does not know what a run is here: its rows are groups of runs: GROUP BY leaves out `seed` (line 1, column 8); say it: ci95(e, method), if `method` has a value of its own for each run; several columns may stand there");
    insta::assert_snapshot!(said("SELECT ci95(x) AS ci FROM one"), @"ci95 does not know what a run is here: one job made all rows of `one` (line 1, column 8); say it: ci95(x, run), if `run` has a value of its own for each run; several columns may stand there");
    insta::assert_snapshot!(said("SELECT x FROM t WHERE seed = '1'"), @"whole numbers cannot be compared with text (line 1, column 23); CAST(x AS DOUBLE) makes numbers of text, CAST(x AS TEXT) text of numbers");
}

#[test]
fn a_constant_orders_nothing() {
    insta::assert_snapshot!(problems("SELECT method FROM answers ORDER BY 'exact' DESC LIMIT 1"), @"'exact' is a constant and orders nothing (line 1, column 37); a name stands in double quotes or in none");
    insta::assert_snapshot!(problems("SELECT DISTINCT method FROM answers ORDER BY 'exact', seed"), @r"
    'exact' is a constant and orders nothing (line 1, column 46); a name stands in double quotes or in none
    with DISTINCT a result is ordered by its own columns (line 1, column 55); select what you order by
    ");
    assert_eq!(
        problems("SELECT method, 'x' AS c FROM answers ORDER BY 2, c, 1"),
        ""
    );
    insta::assert_snapshot!(problems("SELECT QUANTILE_CONT(exact, 95) AS q, ci95(exact, 5) AS c, RANK() OVER (ORDER BY 1.5) AS r FROM answers"), @r#"
    quantile_cont takes a number between 0 and 1 as its second value (line 1, column 8); e.g. 0.95
    ci95: a constant tells no runs apart (line 1, column 39); name a column
    rank needs an order (line 1, column 60); write rank(…) OVER (ORDER BY …)
    1.5 is a constant and orders nothing (line 1, column 82); a name stands in double quotes or in none
    "#);
}

#[test]
fn a_quantile_over_a_window_takes_a_level_too() {
    assert_eq!(
        problems("SELECT QUANTILE_CONT(exact, 0.95) OVER () AS q FROM answers"),
        ""
    );
    insta::assert_snapshot!(problems("SELECT QUANTILE_CONT(exact, 95) OVER () AS q FROM answers"), @"quantile_cont takes a number between 0 and 1 as its second value (line 1, column 8); e.g. 0.95");
}

/// Text of so many parts.
fn parts(n: usize, between: &str, part: impl Fn(usize) -> String) -> String {
    (0..n).map(part).collect::<Vec<_>>().join(between)
}

#[test]
fn what_programs_write_is_answered_however_long_it_is() {
    let table = || plain(df!("x" => [1i64, 2_999, 20_000]).unwrap());
    let ran = |sql: &str| printed(&run(sql, &[("t", table())]));
    let ors = parts(3_000, " OR ", |n| format!("x = {n}"));
    assert_eq!(ran(&format!("SELECT x FROM t WHERE {ors}")), "x\n1\n2999");
    let grouped = format!("SELECT x, COUNT(*) AS n FROM t GROUP BY x HAVING {ors}");
    assert_eq!(ran(&grouped), "x | n\n1 | 1\n2999 | 1");
    let ands = parts(3_000, " AND ", |n| format!("x <> {n}"));
    assert_eq!(ran(&format!("SELECT x FROM t WHERE {ands}")), "x\n20000");
    let list = parts(10_000, ", ", |n| n.to_string());
    let listed = format!("SELECT x FROM t WHERE x IN ({list})");
    assert_eq!(ran(&listed), "x\n1\n2999");
    let others = format!("SELECT x FROM t WHERE x NOT IN ({list}, NULL)");
    assert_eq!(ran(&others), "x");
    let unions = parts(1_000, " UNION ALL ", |n| format!("SELECT {n} AS a"));
    let summed = ran(&format!("SELECT SUM(a) AS s FROM ({unions}) AS u"));
    assert_eq!(summed, "s\n499500");
    let sum = parts(3_000, " + ", |_| "x".to_owned());
    assert_eq!(
        ran(&format!("SELECT {sum} AS s FROM t WHERE x = 1")),
        "s\n3000"
    );
    let cases = parts(100, "", |n| format!("CASE WHEN x = {n} THEN {n} ELSE "));
    let case = format!("SELECT {cases} -1 {} AS c FROM t", "END ".repeat(100));
    assert_eq!(ran(&case), "c\n-1\n-1\n1");
    let inner = parts(100, "", |_| "(SELECT x FROM ".to_owned());
    let outer = parts(100, "", |_| ") AS s".to_owned());
    assert_eq!(
        ran(&format!("SELECT x FROM {inner} t {outer}")),
        "x\n1\n2999\n20000"
    );
    let condition = Condition::parse(&ors).unwrap();
    let held = condition.evaluate(&table().rows).unwrap();
    assert_eq!(held, [Some(true), Some(true), Some(false)]);
    // Whatever else is done with it.
    let query = Query::parse(&grouped).unwrap();
    assert_eq!(query.clone(), query);
    assert!(query.canonical(&BTreeMap::new()).len() > 20_000);
    assert!(query.words().unwrap().contains("x"));
    assert!(format!("{query:?}").contains("HAVING"));
    assert!(condition.canonical().len() > 20_000);
}

#[test]
fn what_no_query_needs_is_refused_with_its_place() {
    for n in [1_000, 100_000] {
        let brackets = format!("{}x{}", "(".repeat(n), ")".repeat(n));
        let said = problems(&format!("SELECT {brackets} FROM anything"));
        assert!(said.contains("more than 200 brackets"), "{said}");
        assert!(said.contains("(line 1, column 208)"), "{said}");
        let said = Condition::parse(&brackets).unwrap_err().to_string();
        assert!(said.contains("more than 200 brackets"), "{said}");
    }
    let said = problems(&parts(10_000, " UNION ALL ", |_| {
        "SELECT 1 AS a".to_owned()
    }));
    assert!(said.contains("more than 5000 operators"), "{said}");
    // The parser would try each of these in two ways.
    let wrong = format!("SELECT {} x ! ! {}", "CAST(".repeat(60), ")".repeat(60));
    let said = problems(&wrong);
    assert!(said.contains("more than 16 NOT"), "{said}");
    let said = problems(&format!("SELECT 1 AS a {}", " ".repeat(5 << 20)));
    assert!(said.contains("more than 4 MiB"), "{said}");
    let sum = parts(4_000, " + ", |_| "degree".to_owned());
    let grouped = format!("SELECT {sum} AS s FROM graphs GROUP BY degree");
    let said = problems(&grouped);
    assert!(said.contains("too large"), "{said}");
}

#[test]
fn a_query_that_several_read_is_computed_once() {
    let twice = parts(40, ", ", |n| {
        format!(
            "c{} AS (SELECT a.x FROM c{n} AS a JOIN c{n} AS b ON a.x = b.x)",
            n + 1
        )
    });
    let sql = format!("WITH c0 AS (SELECT 1 AS x), {twice} SELECT x FROM c40");
    assert_eq!(printed(&run(&sql, &[])), "x\n1");
}

#[test]
fn a_function_takes_as_many_values_as_it_takes() {
    let any = ["coalesce", "ifnull", "greatest", "least", "concat"];
    let none = ["count", "pi"];
    let all = function::names()
        .chain(aggregate::names())
        .chain(["if", "pi"]);
    let twelve = ["degree"; 12].join(", ");
    for name in all {
        let told = |values: &str| problems(&format!("SELECT {name}({values}) AS x FROM graphs"));
        let (few, many) = (told(""), told(&twelve));
        assert_eq!(few.is_empty(), none.contains(&name), "{name}: {few}");
        assert_eq!(many.is_empty(), any.contains(&name), "{name}: {many}");
        assert!(few.is_empty() || few.contains("(line 1, column "), "{few}");
        assert!(
            many.is_empty() || many.contains("(line 1, column "),
            "{many}"
        );
    }
    for name in super::window::names() {
        let said = problems(&format!(
            "SELECT {name}({twelve}) OVER (ORDER BY degree) AS x FROM graphs"
        ));
        assert!(said.contains(", not 12 (line 1, column 8)"), "{said}");
    }
    insta::assert_snapshot!(problems("SELECT GREATEST() AS a, PI(1) AS b, SUBSTR(method) AS c, CEIL(exact, 1) AS d FROM answers"), @r"
    greatest takes one value or more, not 0 (line 1, column 8)
    pi takes nothing, not 1 (line 1, column 25)
    substr takes 2 to 3 values, not 1 (line 1, column 44)
    ceil takes one value, not 2 (line 1, column 63)
    ");
    let many = parts(2_000, ", ", |_| "degree".to_owned());
    assert_eq!(
        problems(&format!("SELECT GREATEST({many}) AS g FROM graphs")),
        ""
    );
}
