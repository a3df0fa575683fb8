Queries over result tables, written by hand. A query begins with `-- topic: name [flags]`; flags: `refuse=ID` (etude refuses
it by the choice ID), `open=ID` (etude may answer otherwise), `input-order` (the answer depends on the order of the rows).

-- aggregate: mean per method
SELECT method, AVG(score) AS mean FROM t GROUP BY method ORDER BY method
-- aggregate: mean and sd over seeds at the last step
SELECT method, lr, AVG(accuracy) AS mean, STDDEV(accuracy) AS sd, COUNT(accuracy) AS n
FROM runs WHERE step = 400 GROUP BY method, lr ORDER BY method, lr
-- aggregate: standard error
SELECT method, AVG(accuracy) AS mean, STDDEV_SAMP(accuracy) / SQRT(COUNT(accuracy)) AS se
FROM runs WHERE step = 400 GROUP BY method ORDER BY method
-- aggregate: counts of rows, values and distinct values
SELECT COUNT(*) AS n, COUNT(method) AS named, COUNT(DISTINCT method) AS methods, COUNT(DISTINCT score) AS scores FROM t
-- aggregate: all spreads
SELECT method, VARIANCE(accuracy) AS v, VAR_SAMP(accuracy) AS vs, VAR_POP(accuracy) AS vp, STDDEV_POP(accuracy) AS sp
FROM runs GROUP BY method ORDER BY method
-- aggregate: one value has no sample spread
SELECT label, STDDEV(score) AS sd, VAR_POP(score) AS vp FROM u GROUP BY label ORDER BY label
-- aggregate: share solved
SELECT method, AVG(CASE WHEN exact THEN 1 ELSE 0 END) AS share FROM runs WHERE step = 400 GROUP BY method ORDER BY method
-- aggregate: share solved of the known
SELECT method, AVG(CASE WHEN exact THEN 1.0 WHEN NOT exact THEN 0.0 END) AS share FROM runs GROUP BY method ORDER BY method
-- aggregate: share as a quotient of counts
SELECT method, COUNT(CASE WHEN accuracy > 0.6 THEN 1 END) * 1.0 / COUNT(*) AS share FROM runs GROUP BY method ORDER BY method
-- aggregate: percent of sums
SELECT 100.0 * SUM(correct) / SUM(total) AS pct FROM t
-- aggregate: ratio of sums per method
SELECT method, SUM(correct) / SUM(total) AS ratio FROM t GROUP BY method ORDER BY method
-- aggregate: mean of ratios
SELECT method, AVG(correct / NULLIF(total, 0)) AS ratio FROM t GROUP BY method ORDER BY method
-- aggregate: median per method
SELECT method, MEDIAN(accuracy) AS m FROM runs GROUP BY method ORDER BY method
-- aggregate: median of an even number of integers
SELECT MEDIAN(k) AS m FROM t WHERE k <= 4
-- aggregate: quantiles between values
SELECT QUANTILE_CONT(score, 0.25) AS q1, QUANTILE_CONT(score, 0.5) AS q2, QUANTILE_CONT(score, 0.9) AS q9 FROM t
-- aggregate: quantiles at values
SELECT QUANTILE_DISC(score, 0.25) AS q1, QUANTILE_DISC(score, 0.5) AS q2, QUANTILE_DISC(score, 1.0) AS q9 FROM t
-- aggregate: quantile zero is the least
SELECT QUANTILE_CONT(accuracy, 0) AS lo, QUANTILE_CONT(accuracy, 1) AS hi, MIN(accuracy) AS least FROM runs
-- aggregate: interquartile range
SELECT method, QUANTILE_CONT(accuracy, 0.75) - QUANTILE_CONT(accuracy, 0.25) AS iqr FROM runs GROUP BY method ORDER BY method
-- aggregate: quantile of integers
SELECT QUANTILE_CONT(total, 0.3) AS c, QUANTILE_DISC(total, 0.3) AS d FROM t
-- aggregate: correlation
SELECT CORR(k, score) AS r, COVAR_SAMP(k, score) AS cs, COVAR_POP(k, score) AS cp FROM t
-- aggregate: correlation per method
SELECT method, CORR(step, accuracy) AS r FROM runs GROUP BY method ORDER BY method
-- aggregate: correlation of one pair
SELECT CORR(k, score) AS r, COVAR_SAMP(k, score) AS cs, COVAR_POP(k, score) AS cp FROM t WHERE k = 1
-- aggregate: sum and mean of distinct values
SELECT SUM(DISTINCT seed) AS s, AVG(DISTINCT score) AS a, COUNT(DISTINCT seed) AS n FROM t
-- aggregate: most frequent value
SELECT MODE(seed) AS s, MODE("Mixed Case") AS m FROM t WHERE method = 'a'
-- aggregate: product
SELECT PRODUCT(k) AS p FROM t
-- aggregate: all and any
SELECT method, BOOL_AND(flag) AS every, BOOL_OR(flag) AS some FROM t GROUP BY method ORDER BY method
-- aggregate: number of rows that satisfy a condition
SELECT method, COUNT_IF(accuracy > 0.5) AS n FROM runs GROUP BY method ORDER BY method
-- aggregate: number of rows where the condition is unknown
SELECT method, COUNT_IF(score > 0.3) AS n FROM t GROUP BY method ORDER BY method
-- aggregate: best configuration by ARG_MAX
SELECT ARG_MAX(label, score) AS best, ARG_MIN(label, score) AS worst FROM u
-- aggregate: step of the best accuracy
SELECT method, ARG_MAX(step, accuracy) AS at, MAX(accuracy) AS best FROM runs WHERE lr = 0.001 AND seed = 1 GROUP BY method ORDER BY method
-- aggregate: ARG_MAX skips unknown
SELECT ARG_MAX(k, score) AS k FROM t WHERE method = 'a'
-- aggregate: ARG_MAX over holes alone
SELECT ARG_MAX(k, score) AS k FROM t WHERE method = 'c'
-- aggregate: any value
SELECT method, ANY_VALUE(method) AS m, ANY_VALUE(score) AS s FROM t WHERE method IN ('b', 'c') GROUP BY method ORDER BY method
-- aggregate: least and greatest text
SELECT MIN(method) AS lo, MAX(method) AS hi, MIN("Mixed Case") AS mc FROM t
-- aggregate: sum of text is refused
SELECT SUM(method) AS s FROM t
-- aggregate: mean of text is refused
SELECT AVG(method) AS s FROM t
-- aggregate: first and last by step
SELECT method, FIRST(accuracy ORDER BY step) AS f, LAST(accuracy ORDER BY step) AS l
FROM runs WHERE lr = 0.0001 AND seed = 0 GROUP BY method ORDER BY method
-- aggregate: first and last in the order of the rows [input-order]
SELECT method, FIRST(k) AS f, LAST(k) AS l FROM t GROUP BY method ORDER BY method
-- aggregate: nested aggregates are refused
SELECT AVG(MAX(score)) AS x FROM t
-- aggregate: column beside an aggregate is refused
SELECT method, AVG(score) AS a FROM t
-- aggregate: column not grouped is refused
SELECT method, seed, AVG(score) AS a FROM t GROUP BY method
-- aggregate: aggregate in WHERE is refused
SELECT method FROM t WHERE AVG(score) > 0.2 GROUP BY method
-- aggregate: expression of aggregates
SELECT method, MAX(accuracy) - MIN(accuracy) AS span, (MAX(accuracy) + MIN(accuracy)) / 2 AS mid FROM runs GROUP BY method ORDER BY method
-- aggregate: aggregate of an expression
SELECT SUM(correct * 2 + total) AS s, AVG(ABS(correct)) AS a, MAX(total - correct) AS m FROM t
-- aggregate: integers add up to an integer
SELECT SUM(k) AS s, MIN(k) AS lo, MAX(k) AS hi, AVG(k) AS a FROM t
-- aggregate: sum beyond 64 bits
SELECT method, SUM(big) AS s FROM t GROUP BY method
-- aggregate: mean of integers beyond 64 bits
SELECT method, AVG(big) AS a FROM t GROUP BY method ORDER BY method
-- aggregate: sum within 64 bits
SELECT SUM(big) AS s FROM t WHERE method = 'a' AND seed = 0
-- aggregate: mean of booleans
SELECT AVG(flag) AS a, SUM(flag) AS s FROM t
-- aggregate: mean of booleans per group
SELECT method, AVG(exact) AS share FROM runs WHERE step = 400 GROUP BY method ORDER BY method
-- aggregate: greatest and least boolean
SELECT method, MAX(flag) AS hi, MIN(flag) AS lo FROM t GROUP BY method ORDER BY method
-- aggregate: mean of a comparison
SELECT method, AVG(accuracy > 0.5) AS share FROM runs GROUP BY method ORDER BY method
-- aggregate: mean of booleans cast to integers
SELECT AVG(CAST(flag AS INT)) AS a, SUM(flag::INT) AS s FROM t
-- aggregate: spread of booleans
SELECT STDDEV(flag) AS s FROM t

-- filter: counts by condition
SELECT COUNT(*) FILTER (WHERE method = 'a') AS n, AVG(score) FILTER (WHERE method = 'b') AS s FROM t
-- filter: pivot by FILTER
SELECT lr, AVG(accuracy) FILTER (WHERE method = 'base') AS base, AVG(accuracy) FILTER (WHERE method = 'a') AS a
FROM runs WHERE step = 400 GROUP BY lr ORDER BY lr
-- filter: no row left
SELECT COUNT(*) FILTER (WHERE score > 9) AS n, SUM(score) FILTER (WHERE score > 9) AS s, MAX(method) FILTER (WHERE score > 9) AS m FROM t
-- filter: condition may be unknown
SELECT COUNT(*) FILTER (WHERE flag) AS yes, COUNT(*) FILTER (WHERE NOT flag) AS no, COUNT(*) AS n FROM t
-- filter: share by FILTER
SELECT method, COUNT(*) FILTER (WHERE exact) * 1.0 / COUNT(*) AS share FROM runs GROUP BY method ORDER BY method
-- filter: DISTINCT and FILTER
SELECT COUNT(DISTINCT method) FILTER (WHERE score > 0.3) AS n FROM t
-- filter: pivot by CASE
SELECT seed, MAX(CASE WHEN method = 'a' THEN score END) AS a, MAX(CASE WHEN method = 'b' THEN score END) AS b FROM t GROUP BY seed ORDER BY seed

-- group: an unknown key is a group
SELECT method, COUNT(*) AS n, COUNT(score) AS m FROM t GROUP BY method
-- group: by alias
SELECT COALESCE(method, '-') AS g, COUNT(*) AS n FROM t GROUP BY g ORDER BY g
-- group: by position
SELECT method, COUNT(*) AS n FROM t GROUP BY 1 ORDER BY 1
-- group: by two positions
SELECT method, lr, MAX(accuracy) AS best FROM runs GROUP BY 1, 2 ORDER BY 1, 2
-- group: position out of range is refused
SELECT method, COUNT(*) AS n FROM t GROUP BY 3
-- group: by ALL
SELECT method, lr, AVG(accuracy) AS a FROM runs GROUP BY ALL ORDER BY method, lr
-- group: by expression
SELECT seed % 2 AS odd, AVG(score) AS a FROM t GROUP BY seed % 2 ORDER BY odd
-- group: by CASE
SELECT CASE WHEN score > 0.4 THEN 'high' WHEN score IS NULL THEN 'none' ELSE 'low' END AS c, COUNT(*) AS n
FROM t GROUP BY CASE WHEN score > 0.4 THEN 'high' WHEN score IS NULL THEN 'none' ELSE 'low' END ORDER BY c
-- group: by alias of a CASE
SELECT CASE WHEN step < 200 THEN 'early' ELSE 'late' END AS phase, AVG(accuracy) AS a FROM runs GROUP BY phase ORDER BY phase
-- group: expression of a key
SELECT UPPER(method) AS m, COUNT(*) AS n FROM t GROUP BY method ORDER BY m
-- group: bins of steps
SELECT step // 200 * 200 AS bin, COUNT(*) AS n, AVG(accuracy) AS a FROM runs GROUP BY step // 200 * 200 ORDER BY bin
-- group: bins of floats
SELECT FLOOR(accuracy * 5) / 5 AS bin, COUNT(*) AS n FROM runs WHERE accuracy IS NOT NULL GROUP BY bin ORDER BY bin
-- group: by boolean
SELECT exact, COUNT(*) AS n, AVG(accuracy) AS a FROM runs GROUP BY exact ORDER BY exact
-- group: by float
SELECT lr, COUNT(*) AS n FROM runs GROUP BY lr ORDER BY lr
-- group: key that is not selected
SELECT COUNT(*) AS n, SUM(k) AS s FROM t GROUP BY method
-- group: without an aggregate
SELECT method FROM runs GROUP BY method ORDER BY method
-- group: order by an aggregate not selected
SELECT method FROM runs WHERE accuracy IS NOT NULL GROUP BY method ORDER BY AVG(accuracy) DESC
-- group: by a quoted name
SELECT "Mixed Case" AS m, COUNT(*) AS n FROM t GROUP BY "Mixed Case" ORDER BY m
-- group: by both ends of an expression
SELECT method || '-' || seed AS run, SUM(k) AS s FROM t GROUP BY method || '-' || seed ORDER BY run
-- group: rollup
SELECT method, COUNT(*) AS n FROM t WHERE method IS NOT NULL GROUP BY ROLLUP (method) ORDER BY method
-- group: rollup of two keys
SELECT method, lr, COUNT(*) AS n FROM runs GROUP BY ROLLUP (method, lr) ORDER BY method, lr
-- group: cube
SELECT lr, seed, COUNT(*) AS n FROM runs GROUP BY CUBE (lr, seed) ORDER BY lr, seed
-- group: grouping sets
SELECT method, seed, COUNT(*) AS n FROM runs GROUP BY GROUPING SETS ((method), (seed), ()) ORDER BY method, seed

-- having: count
SELECT method, COUNT(*) AS n FROM t GROUP BY method HAVING COUNT(*) > 1 ORDER BY method
-- having: mean
SELECT method FROM t GROUP BY method HAVING AVG(score) > 0.3 ORDER BY method
-- having: alias of an aggregate
SELECT method, AVG(accuracy) AS a FROM runs GROUP BY method HAVING a > 0.4 ORDER BY method
-- having: condition on a key
SELECT method, seed, COUNT(*) AS n FROM t GROUP BY method, seed HAVING seed = 0 ORDER BY method
-- having: without groups
SELECT COUNT(*) AS n FROM t HAVING COUNT(*) > 100
-- having: two conditions
SELECT method, lr FROM runs GROUP BY method, lr HAVING COUNT(accuracy) >= 13 AND MAX(accuracy) > 0.5 ORDER BY method, lr
-- having: all seeds solved
SELECT method, lr FROM runs WHERE step = 400 GROUP BY method, lr HAVING BOOL_AND(exact) ORDER BY method, lr
-- having: against a scalar subquery
SELECT method, AVG(score) AS a FROM t GROUP BY method HAVING AVG(score) > (SELECT AVG(score) FROM t) ORDER BY method

-- null: not equal drops unknown
SELECT k FROM t WHERE method <> 'a' ORDER BY k
-- null: NOT of an unknown
SELECT k FROM t WHERE NOT (method = 'a') ORDER BY k
-- null: unknown or true
SELECT k FROM t WHERE method = 'a' OR score > 0.3 ORDER BY k
-- null: unknown and false
SELECT COUNT(*) AS n FROM t WHERE NOT (score > 0.3 AND seed > 5)
-- null: IN with NULL in the list
SELECT k FROM t WHERE method IN ('a', NULL) ORDER BY k
-- null: NOT IN over unknown values
SELECT method, seed FROM t WHERE k NOT IN (1, 2) ORDER BY method, seed
-- null: NOT IN with NULL in the list
SELECT k FROM t WHERE method NOT IN ('a', NULL)
-- null: NOT IN a subquery with NULL
SELECT label FROM u WHERE method NOT IN (SELECT method FROM t)
-- null: NOT IN a subquery without NULL
SELECT label FROM u WHERE method NOT IN (SELECT method FROM t WHERE method IS NOT NULL)
-- null: equals NULL
SELECT k FROM t WHERE method = NULL
-- null: IS NULL and IS NOT NULL
SELECT COUNT(*) FILTER (WHERE score IS NULL) AS holes, COUNT(*) FILTER (WHERE score IS NOT NULL) AS known FROM t
-- null: IS DISTINCT FROM
SELECT k FROM t WHERE method IS DISTINCT FROM 'a' ORDER BY k
-- null: IS NOT DISTINCT FROM NULL
SELECT k FROM t WHERE method IS NOT DISTINCT FROM NULL ORDER BY k
-- null: IS TRUE, IS FALSE, IS NOT TRUE
SELECT k, flag IS TRUE AS t, flag IS FALSE AS f, flag IS NOT TRUE AS nt, flag IS NOT FALSE AS nf FROM t ORDER BY k
-- null: COALESCE
SELECT k, COALESCE(method, 'none') AS m, COALESCE(score, 0) AS s, COALESCE(score, k, -1) AS r FROM t ORDER BY k
-- null: COALESCE of unknowns alone
SELECT COALESCE(NULL, score) AS s FROM t WHERE method = 'c'
-- null: NULLIF
SELECT k, correct / NULLIF(total, 0) AS r, NULLIF(method, 'a') AS m FROM t ORDER BY k
-- null: IFNULL
SELECT k, IFNULL(score, 0.0) AS s FROM t ORDER BY k
-- null: GREATEST and LEAST skip NULL
SELECT k, GREATEST(k, seed) AS hi, LEAST(k, seed, 2) AS lo, GREATEST(score, NULL) AS g FROM t ORDER BY k, seed
-- null: arithmetic with NULL
SELECT k, k + NULL AS a, score * 2 AS b, -score AS c, ABS(score) AS d FROM t ORDER BY k
-- null: group of NULL alone
SELECT method, SUM(score) AS s, AVG(score) AS a, MIN(score) AS lo, MAX(score) AS hi, MEDIAN(score) AS m, STDDEV(score) AS sd, COUNT(score) AS n
FROM t WHERE method = 'c' GROUP BY method
-- null: conditions of three values
SELECT k, score > 0.4 AS c, NOT score > 0.4 AS n, score > 0.4 AND flag AS both, score > 0.4 OR flag AS either FROM t ORDER BY k
-- null: BETWEEN with an unknown bound
SELECT k FROM t WHERE k BETWEEN 2 AND NULL
-- null: NOT BETWEEN with an unknown bound
SELECT k FROM t WHERE k NOT BETWEEN 4 AND NULL ORDER BY k
-- null: joins never match NULL
SELECT COUNT(*) AS n FROM t AS x JOIN t AS y ON x.method = y.method
-- null: sum of no rows
SELECT SUM(k) AS s, COUNT(*) AS n, AVG(k) AS a, MAX(method) AS m, STRING_AGG(method, ',') AS t FROM t WHERE method = 'zzz'
-- null: no rows, no groups
SELECT method, COUNT(*) AS n FROM t WHERE method = 'zzz' GROUP BY method
-- null: NULL literal as a column
SELECT k, NULL AS nothing FROM t WHERE k < 3 ORDER BY k
-- null: CASE WHEN NULL
SELECT k, CASE method WHEN 'a' THEN 1 WHEN NULL THEN 2 ELSE 3 END AS c FROM t ORDER BY k, seed

-- empty: star of a table without rows
SELECT * FROM empty
-- empty: aggregates of no rows
SELECT COUNT(*) AS n, SUM(seed) AS s, AVG(score) AS a, MIN(method) AS m, MAX(score) AS x, STDDEV(score) AS sd FROM empty
-- empty: groups of no rows
SELECT method, AVG(score) AS a FROM empty GROUP BY method
-- empty: more aggregates of no rows
SELECT BOOL_AND(flag) AS a, BOOL_OR(flag) AS o, MEDIAN(score) AS m, STRING_AGG(method, ',') AS s, COUNT(DISTINCT method) AS d FROM empty
-- empty: inner join
SELECT t.k, empty.score FROM t JOIN empty ON t.method = empty.method
-- empty: left join keeps the left side
SELECT t.k, empty.score AS s FROM t LEFT JOIN empty ON t.method = empty.method ORDER BY t.k
-- empty: full join
SELECT u.label, empty.seed FROM empty FULL JOIN u ON u.method = empty.method ORDER BY u.label
-- empty: cross join
SELECT t.k FROM t CROSS JOIN empty
-- empty: window
SELECT method, ROW_NUMBER() OVER (ORDER BY score) AS r FROM empty
-- empty: union with rows
SELECT method FROM empty UNION ALL SELECT method FROM u ORDER BY method
-- empty: IN an empty subquery
SELECT k FROM t WHERE method IN (SELECT method FROM empty)
-- empty: NOT IN an empty subquery
SELECT k FROM t WHERE method NOT IN (SELECT method FROM empty) ORDER BY k
-- empty: scalar subquery without a row
SELECT k, (SELECT score FROM empty) AS s FROM t WHERE k < 3 ORDER BY k
-- empty: EXISTS
SELECT label FROM u WHERE EXISTS (SELECT 1 FROM empty)
-- empty: NOT EXISTS
SELECT label FROM u WHERE NOT EXISTS (SELECT 1 FROM empty) ORDER BY label
-- empty: except nothing
SELECT method FROM u EXCEPT SELECT method FROM empty ORDER BY method
-- empty: text and number functions
SELECT UPPER(method) AS m, seed + 1 AS s, ROUND(score, 2) AS r FROM empty
-- empty: limit
SELECT method FROM empty ORDER BY score LIMIT 3

-- nan: aggregates
SELECT method, COUNT(x) AS n, SUM(x) AS s, AVG(x) AS a FROM n GROUP BY method ORDER BY method
-- nan: least and greatest
SELECT method, MIN(x) AS lo, MAX(x) AS hi FROM n GROUP BY method ORDER BY method
-- nan: median and quantiles
SELECT method, MEDIAN(x) AS m, QUANTILE_CONT(x, 0.25) AS q, QUANTILE_DISC(x, 0.25) AS d FROM n WHERE method <> 's' GROUP BY method ORDER BY method
-- nan: spread
SELECT method, STDDEV(x) AS sd, VARIANCE(x) AS v FROM n WHERE method IN ('p', 'r', 'w') GROUP BY method ORDER BY method
-- nan: greater than
SELECT method, x FROM n WHERE x > 1.5 ORDER BY method, x
-- nan: less than
SELECT method, x FROM n WHERE x < 1.5 ORDER BY method, x
-- nan: equals itself
SELECT method, x FROM n WHERE x = x ORDER BY method, x
-- nan: differs from itself
SELECT method, x FROM n WHERE x <> x
-- nan: differs from a number
SELECT method, x FROM n WHERE x <> 2 ORDER BY method, x
-- nan: between
SELECT method, x FROM n WHERE x BETWEEN 0 AND 10 ORDER BY method, x
-- nan: not between
SELECT method, x FROM n WHERE x NOT BETWEEN 0 AND 10 ORDER BY method, x
-- nan: not greater
SELECT method, x FROM n WHERE NOT (x > 2) ORDER BY method, x
-- nan: in a list
SELECT method, x FROM n WHERE x IN (1, 3) ORDER BY x
-- nan: not in a list
SELECT method, x FROM n WHERE x NOT IN (1, 3) ORDER BY method, x
-- nan: in a subquery
SELECT method, x FROM n WHERE x IN (SELECT x FROM n WHERE method = 'p') ORDER BY x
-- nan: not in a subquery
SELECT method, x FROM n WHERE x NOT IN (SELECT x FROM n WHERE method = 'p')
-- nan: ascending
SELECT method, x FROM n WHERE x IS NOT NULL ORDER BY x, method
-- nan: descending
SELECT method, x FROM n ORDER BY x DESC, method
-- nan: best two
SELECT method, x FROM n WHERE method IN ('p', 'w') ORDER BY x DESC LIMIT 2
-- nan: nulls first, descending
SELECT k, score / NULLIF(seed, 2) AS r FROM t ORDER BY r DESC NULLS FIRST, k
-- nan: loss, worst first
SELECT method, seed, step, loss FROM runs WHERE method = 'c' AND lr = 0.001 ORDER BY loss DESC, seed, step
-- nan: loss, nulls first
SELECT seed, step, loss FROM runs WHERE method = 'c' AND lr = 0.001 ORDER BY loss NULLS FIRST, seed, step
-- nan: counted in a CASE
SELECT SUM(CASE WHEN x > 2.5 THEN 1 ELSE 0 END) AS solved FROM n
-- nan: CASE with two sides
SELECT method, CASE WHEN x > 2 THEN 'high' WHEN x <= 2 THEN 'low' ELSE 'hole' END AS side FROM n ORDER BY method, side
-- nan: COALESCE keeps it
SELECT method, COALESCE(x, 0) AS x FROM n WHERE method IN ('p', 'r') ORDER BY method, x
-- nan: is not NULL
SELECT x FROM n WHERE x IS NULL
-- nan: ISNAN
SELECT method, ISNAN(x) AS i FROM n ORDER BY method, i
-- nan: ISINF and ISFINITE
SELECT method, ISINF(x) AS i, ISFINITE(x) AS f FROM n ORDER BY method, i, f
-- nan: dropped by ISNAN
SELECT method, MIN(x) AS lo, MEDIAN(x) AS m FROM n WHERE NOT ISNAN(x) GROUP BY method ORDER BY method
-- nan: dropped by FILTER
SELECT method, MAX(x) FILTER (WHERE NOT ISNAN(x)) AS hi FROM n GROUP BY method ORDER BY method
-- nan: arithmetic
SELECT method, x + 1 AS a, x * 0 AS z, ROUND(x, 1) AS r, ABS(x) AS b, FLOOR(x) AS f FROM n WHERE method IN ('p', 'q', 's') ORDER BY method, x
-- nan: sign
SELECT method, SIGN(x) AS s FROM n WHERE method IN ('p', 's') ORDER BY method, x
-- nan: distinct values
SELECT DISTINCT x FROM n ORDER BY x
-- nan: counted once
SELECT COUNT(DISTINCT x) AS d, COUNT(x) AS n FROM n
-- nan: a group
SELECT x, COUNT(*) AS n FROM n GROUP BY x ORDER BY x
-- nan: joined on
SELECT x.method AS a, y.method AS b FROM n AS x JOIN n AS y ON x.x = y.x ORDER BY a, b, x.x
-- nan: joined on a bound
SELECT x.method AS a, y.method AS b FROM n AS x JOIN n AS y ON x.x > y.x WHERE y.method = 'w' ORDER BY a, b
-- nan: left join
SELECT a.method, b.method AS other FROM n AS a LEFT JOIN n AS b ON a.x = b.x AND b.method <> a.method ORDER BY a.method, other, a.x
-- nan: greatest and least
SELECT method, GREATEST(x, 2.0) AS hi, LEAST(x, 2.0) AS lo FROM n ORDER BY method, x
-- nan: nullif
SELECT method, NULLIF(x, x) AS a, NULLIF(x, 2) AS b FROM n ORDER BY method, x
-- nan: rank
SELECT method, x, RANK() OVER (ORDER BY x DESC) AS r FROM n ORDER BY r, method
-- nan: best row per group
SELECT method, x FROM n QUALIFY ROW_NUMBER() OVER (PARTITION BY method ORDER BY x DESC) = 1 ORDER BY method
-- nan: window minimum
SELECT seed, step, MIN(loss) OVER (PARTITION BY seed ORDER BY step) AS best FROM runs WHERE method = 'c' AND lr = 0.001 ORDER BY seed, step
-- nan: window mean
SELECT seed, step, AVG(loss) OVER (PARTITION BY seed ORDER BY step ROWS 1 PRECEDING) AS smooth FROM runs WHERE method = 'c' AND lr = 0.001 ORDER BY seed, step
-- nan: ARG_MAX
SELECT method, ARG_MAX(step, loss) AS at FROM runs WHERE lr = 0.001 AND seed = 2 AND step <= 300 GROUP BY method ORDER BY method
-- nan: ARG_MIN
SELECT method, ARG_MIN(step, loss) AS at FROM runs WHERE lr = 0.001 AND seed = 2 GROUP BY method ORDER BY method
-- nan: having
SELECT method FROM n GROUP BY method HAVING AVG(x) > 0 ORDER BY method
-- nan: having, negated
SELECT method FROM n GROUP BY method HAVING NOT AVG(x) <= 0 ORDER BY method
-- nan: best group
SELECT method, AVG(loss) AS a FROM runs WHERE lr = 0.001 GROUP BY method ORDER BY a DESC
-- nan: worst loss over all runs
SELECT MAX(loss) AS hi, MIN(loss) AS lo, MEDIAN(loss) AS m, AVG(loss) AS a FROM runs
-- nan: IS DISTINCT FROM itself
SELECT COUNT(*) AS n FROM n WHERE x IS NOT DISTINCT FROM x
-- nan: union removes duplicates
SELECT x FROM n WHERE method = 'p' UNION SELECT x FROM n WHERE method = 'r' ORDER BY x
-- nan: except
SELECT x FROM n EXCEPT SELECT x FROM n WHERE method = 'r' ORDER BY x
-- nan: infinite minus infinite
SELECT method, SUM(x) AS s, MAX(x) - MIN(x) AS d FROM n WHERE method = 's' GROUP BY method
-- nan: from a division
SELECT k, correct / total AS r FROM t WHERE method = 'a' ORDER BY k
-- nan: from a division, compared
SELECT k, correct / total AS r FROM t WHERE correct / total > 0.8 ORDER BY k
-- nan: from a division, averaged
SELECT method, AVG(correct / total) AS r FROM t GROUP BY method ORDER BY method
-- nan: text of NaN to a float
SELECT CAST('NaN' AS DOUBLE) AS a, CAST('inf' AS DOUBLE) AS b, CAST('-inf' AS DOUBLE) AS c
-- nan: no integer
SELECT CAST(x AS INT) AS i FROM n WHERE method = 'r'
-- nan: tried as an integer
SELECT TRY_CAST(x AS INT) AS i FROM n WHERE method IN ('r', 'w') ORDER BY i

-- math: true division of integers
SELECT 7 / 2 AS a, -7 / 2 AS b, 1 / 3 AS c
-- math: integer division and remainder
SELECT 7 // 2 AS a, -7 // 2 AS b, 7 % 3 AS c, -7 % 3 AS d, 7 % -3 AS e
-- math: remainder of floats
SELECT 7.5 % 2 AS a, -7.5 % 2 AS b, score % 0.5 AS c FROM t WHERE k = 6
-- math: division by zero
SELECT 1 / 0 AS a, -1 / 0 AS b, 1.0 / 0.0 AS c
-- math: zero by zero
SELECT 0 / 0 AS a, 0.0 / 0 AS b
-- math: integer division by zero
SELECT k, correct // total AS q, correct % total AS r FROM t ORDER BY k
-- math: integer division of columns
SELECT k, correct // 2 AS d, correct % 4 AS m FROM t ORDER BY k
-- math: division by a zero seed
SELECT k, 1 / seed AS r FROM t ORDER BY k, seed
-- math: rounding halves
SELECT ROUND(2.5, 0) AS a, ROUND(-2.5, 0) AS b, ROUND(0.125, 2) AS c, ROUND(3.5) AS d
-- math: rounding to places
SELECT k, ROUND(score / 3, 2) AS r, ROUND(score * 100) AS p FROM t ORDER BY k
-- math: rounding to tens
SELECT ROUND(1234.5, -2) AS a, ROUND(1284, -2) AS b
-- math: floor and ceiling
SELECT FLOOR(2.7) AS a, CEIL(2.1) AS b, FLOOR(-2.1) AS c, CEIL(-2.7) AS d, CEILING(1.5) AS e, TRUNC(-2.7) AS f
-- math: roots and powers
SELECT SQRT(16) AS a, POWER(2, 10) AS b, POW(2.0, -1) AS c, 2 ** 3 AS d, CBRT(27) AS e
-- math: logarithms
SELECT LN(1) AS a, LN(EXP(2)) AS b, LOG(100) AS c, LOG10(1000) AS d, LOG2(8) AS e, EXP(0) AS f
-- math: logarithm to a base
SELECT LOG(2, 8) AS a
-- math: logarithm of the learning rate
SELECT DISTINCT lr, ROUND(LOG10(lr), 6) AS l FROM runs ORDER BY lr
-- math: outside the domain
SELECT SQRT(-1) AS a, LN(-1) AS b, LN(0) AS c, LOG10(0) AS d, LOG2(-4) AS e
-- math: sign and absolute value
SELECT k, SIGN(correct) AS s, ABS(correct) AS a, SIGN(score) AS f FROM t ORDER BY k
-- math: order of operations
SELECT 2 + 3 * 4 AS a, (2 + 3) * 4 AS b, -2 * 3 AS c, 10 - 4 - 3 AS d, 2 * 3 % 4 AS e, 8 / 4 / 2 AS f
-- math: unary minus and plus
SELECT -k AS a, +k AS b, - -k AS c FROM t WHERE k = 3
-- math: minus before a power
SELECT -2 ** 2 AS a, 2 ** -1 AS b
-- math: literals
SELECT 1e-4 AS a, 1E3 AS b, .5 AS c, 5. AS d, 1_000 AS e
-- math: sums of decimals
SELECT 0.1 + 0.2 AS a, 0.1 + 0.2 = 0.3 AS b
-- math: exact large integers
SELECT big + 1 AS b, big - 1 AS c FROM t WHERE k = 1
-- math: product beyond 64 bits
SELECT big * 4 AS s FROM t WHERE k = 1
-- math: sum beyond 64 bits
SELECT big + big AS s FROM t WHERE k = 1
-- math: int and float
SELECT k, k * 0.5 AS h, k + score AS s, k - 1 AS p FROM t ORDER BY k
-- math: pi and trigonometry
SELECT PI() AS p, SIN(0) AS s, COS(0) AS c, TAN(0) AS t, ATAN(1) * 4 AS q
-- math: relative error
SELECT k, ABS(score - 0.5) / 0.5 AS rel FROM t ORDER BY k
-- math: perplexity
SELECT method, ROUND(EXP(AVG(loss)), 4) AS ppl FROM runs WHERE step = 400 AND method <> 'c' GROUP BY method ORDER BY method
-- math: overflow of a float
SELECT EXP(1000) AS a, 1e308 * 10 AS b, -1e308 * 10 AS c
-- math: greatest of several
SELECT GREATEST(1, 2.5, 2) AS a, LEAST(3, 2, 4) AS b, GREATEST('a', 'b') AS c
-- math: typo of a function
SELECT AVERAGE(score) AS a FROM t
-- math: another typo of a function
SELECT SQR(score) AS a FROM t
-- math: too many arguments
SELECT SQRT(score, 2) AS a FROM t
-- math: minus of text
SELECT -method AS m FROM t
-- math: text times a number
SELECT method * 2 AS m FROM t
-- math: integer and power of itself
SELECT k, k * k AS sq, POWER(k, 2) AS p, SQRT(k * k) AS r FROM t ORDER BY k

-- case: searched
SELECT k, CASE WHEN score > 0.6 THEN 'good' WHEN score > 0.3 THEN 'fair' ELSE 'poor' END AS c FROM t ORDER BY k, seed
-- case: without ELSE
SELECT SUM(CASE WHEN method = 'a' THEN 1 END) AS n, COUNT(CASE WHEN method = 'zzz' THEN 1 END) AS z, AVG(CASE WHEN method = 'a' THEN score END) AS a FROM t
-- case: simple form
SELECT k, CASE method WHEN 'a' THEN 'ours' WHEN 'b' THEN 'theirs' ELSE 'other' END AS who FROM t ORDER BY k, seed
-- case: integer and float branches
SELECT k, CASE WHEN k > 3 THEN 1 ELSE 0.5 END AS c FROM t WHERE k IS NOT NULL ORDER BY k
-- case: nested
SELECT k, CASE WHEN flag THEN CASE WHEN score IS NULL THEN 'flag, no score' ELSE 'both' END ELSE 'no flag' END AS c FROM t ORDER BY k, seed
-- case: in ORDER BY
SELECT method, seed FROM t WHERE method IS NOT NULL ORDER BY CASE method WHEN 'b' THEN 0 ELSE 1 END, method, seed
-- case: branches not reached
SELECT k, CASE WHEN total = 0 THEN 0 ELSE correct / total END AS r FROM t ORDER BY k
-- case: in a product
SELECT SUM(score * CASE WHEN method = 'a' THEN 1 ELSE -1 END) AS d FROM t
-- case: text and number branches
SELECT k, CASE WHEN k > 3 THEN 'many' ELSE k END AS c FROM t
-- case: boolean result
SELECT k, CASE WHEN score > 0.5 THEN TRUE ELSE FALSE END AS c FROM t ORDER BY k, seed
-- case: IF
SELECT k, IF(score > 0.5, 'yes', 'no') AS c FROM t ORDER BY k, seed

-- cast: text to numbers
SELECT CAST('12' AS INT) AS a, CAST('1.5' AS DOUBLE) AS b, '1e3'::DOUBLE AS c, CAST(' 7 ' AS INTEGER) AS d
-- cast: float to integer
SELECT CAST(2.7 AS INT) AS a, CAST(-2.7 AS INT) AS b, CAST(2.2 AS BIGINT) AS c
-- cast: half to integer
SELECT CAST(2.5 AS INT) AS a, CAST(3.5 AS INT) AS b, CAST(-2.5 AS INT) AS c
-- cast: no number in the text
SELECT CAST(method AS INT) AS a FROM t
-- cast: tried
SELECT k, TRY_CAST(method AS INT) AS a, TRY_CAST('5' AS INT) AS b FROM t ORDER BY k
-- cast: integer to text
SELECT CAST(k AS VARCHAR) AS a, k::TEXT AS b FROM t WHERE k = 4
-- cast: booleans
SELECT TRUE::INT AS a, FALSE::INT AS b, CAST(1 AS BOOLEAN) AS c, CAST(0 AS BOOL) AS d, 'true'::BOOLEAN AS e
-- cast: boolean to text
SELECT k, flag::VARCHAR AS f FROM t ORDER BY k, seed
-- cast: float to text [open=float-text]
SELECT 0.5::DOUBLE::VARCHAR AS a, 1.0::DOUBLE::VARCHAR AS b, 1e-5::VARCHAR AS c, 1e20::VARCHAR AS d
-- cast: integer to float
SELECT k::DOUBLE / 2 AS a, CAST(k AS FLOAT) AS b FROM t WHERE k IN (1, 4) ORDER BY k
-- cast: unknown type
SELECT CAST(k AS NUMBER9) AS a FROM t
-- cast: out of range
SELECT CAST(1e30 AS BIGINT) AS a
-- cast: out of range, tried
SELECT TRY_CAST(1e30 AS BIGINT) AS a, TRY_CAST('abc' AS DOUBLE) AS b
-- cast: seed as a label
SELECT method || '/' || CAST(seed AS VARCHAR) AS run FROM t WHERE method = 'a' ORDER BY run

-- text: concatenation
SELECT k, method || '-' || seed AS m FROM t ORDER BY k, seed
-- text: CONCAT skips NULL
SELECT k, CONCAT(method, '/', seed) AS s FROM t ORDER BY k, seed
-- text: CONCAT_WS
SELECT k, CONCAT_WS('/', method, "Mixed Case", seed) AS s FROM t ORDER BY k, seed
-- text: upper, lower, length
SELECT "Run Name", UPPER("Run Name") AS u, LOWER("Run Name") AS l, LENGTH("Run Name") AS n FROM wide ORDER BY "order", id
-- text: length of unicode
SELECT note, LENGTH(note) AS n FROM wide ORDER BY id
-- text: upper of unicode
SELECT UPPER(note) AS u, LOWER(UPPER(note)) AS l FROM wide WHERE id > 1000 ORDER BY id
-- text: parts
SELECT SUBSTR('hello', 2, 3) AS a, SUBSTRING('hello', 2) AS b, LEFT('hello', 2) AS c, RIGHT('hello', 2) AS d, SUBSTR('hello', -2) AS e
-- text: part of unicode
SELECT SUBSTR(note, 1, 2) AS s FROM wide ORDER BY id
-- text: part beyond the end
SELECT SUBSTR('abc', 5) AS a, SUBSTR('abc', 2, 100) AS b, SUBSTR('abc', 0, 2) AS c
-- text: SUBSTRING FROM FOR
SELECT SUBSTRING('hello' FROM 2 FOR 3) AS a
-- text: replace and trim
SELECT REPLACE('a-b-c', '-', '_') AS a, TRIM('  x ') AS b, LTRIM('  x ') AS c, RTRIM('  x ') AS d, TRIM(note) AS e FROM wide WHERE id = 0
-- text: LIKE
SELECT label FROM u WHERE label LIKE 'A%' ORDER BY label
-- text: LIKE with one place
SELECT label FROM u WHERE label LIKE '_e_a' ORDER BY label
-- text: NOT LIKE
SELECT label FROM u WHERE label NOT LIKE '%a' ORDER BY label
-- text: LIKE minds case
SELECT label FROM u WHERE label LIKE 'a%'
-- text: ILIKE
SELECT label FROM u WHERE label ILIKE 'a%' ORDER BY label
-- text: LIKE with signs of regular expressions
SELECT "Run Name" AS r FROM wide WHERE "Run Name" LIKE 'run.1' OR "Run Name" LIKE 'run_1' ORDER BY r
-- text: LIKE with ESCAPE
SELECT "Run Name" AS r FROM wide WHERE "Run Name" LIKE 'run\%%' ESCAPE '\' OR "Run Name" LIKE 'run!_2' ESCAPE '!' ORDER BY r
-- text: LIKE of NULL
SELECT k FROM t WHERE "Mixed Case" NOT LIKE 'x%' ORDER BY k
-- text: STRING_AGG in order
SELECT method, STRING_AGG("Mixed Case", ',' ORDER BY "Mixed Case") AS s FROM t GROUP BY method ORDER BY method
-- text: STRING_AGG by another column
SELECT method, STRING_AGG("Mixed Case", '' ORDER BY seed DESC) AS s FROM t GROUP BY method ORDER BY method
-- text: STRING_AGG of distinct values
SELECT STRING_AGG(DISTINCT "Mixed Case", ', ' ORDER BY "Mixed Case") AS s FROM t
-- text: STRING_AGG in the order of the rows [input-order]
SELECT method, STRING_AGG("Mixed Case", ',') AS s FROM t GROUP BY method ORDER BY method
-- text: STRING_AGG of numbers
SELECT method, STRING_AGG(seed, ' ' ORDER BY seed) AS seeds FROM t GROUP BY method ORDER BY method
-- text: GROUP_CONCAT
SELECT GROUP_CONCAT(label, ';' ORDER BY label) AS s FROM u
-- text: comparison of text
SELECT label FROM u WHERE label > 'Alpha' ORDER BY label
-- text: BETWEEN
SELECT label FROM u WHERE label BETWEEN 'Al' AND 'C' ORDER BY label
-- text: order is by code points
SELECT "Run Name" AS r FROM wide ORDER BY r, id
-- text: unicode in order
SELECT note FROM wide ORDER BY note
-- text: quotes in a literal
SELECT id FROM wide WHERE "say ""hi""" = 'it''s'
-- text: empty is not NULL
SELECT id FROM wide WHERE note = ''
-- text: empty is not NULL, counted
SELECT COUNT(*) AS n, COUNT(note) AS c, COUNT(*) FILTER (WHERE note = '') AS e FROM wide
-- text: the word NULL is text
SELECT id, "say ""hi""" IS NULL AS n FROM wide WHERE "say ""hi""" = 'NULL'
-- text: the word NaN is text
SELECT id, note FROM wide WHERE note = 'NaN'
-- text: starts and contains
SELECT label, STARTS_WITH(label, 'A') AS s, CONTAINS(label, 'lt') AS c, STRPOS(label, 'a') AS p FROM u ORDER BY label
-- text: number compared with text [refuse=text-number]
SELECT k FROM t WHERE seed = '1'
-- text: text compared with a number [refuse=text-number]
SELECT k FROM t WHERE method = 1
-- text: text column compared with a number column [refuse=text-number]
SELECT k FROM t WHERE method > seed
-- text: number in a list of text [refuse=text-number]
SELECT k FROM t WHERE seed IN ('0', '1')
-- text: float compared with text [refuse=text-number]
SELECT COUNT(*) AS n FROM runs WHERE lr = '0.001'
-- text: number joined with text [refuse=text-number]
SELECT COUNT(*) AS n FROM t JOIN u ON t.seed = u.label
-- text: number between text [refuse=text-number]
SELECT k FROM t WHERE seed BETWEEN '0' AND '1'
-- text: reverse, repeat, pad
SELECT REVERSE('abc') AS a, REPEAT('ab', 2) AS b, LPAD('7', 3, '0') AS c, RPAD('ab', 4, '.') AS d
-- text: regular expressions
SELECT label, REGEXP_MATCHES(label, '^A.*a') AS m, REGEXP_REPLACE(label, '[aeiou]', '_', 'g') AS r FROM u ORDER BY label
-- text: part of a path
SELECT SPLIT_PART('run/a/seed0', '/', 2) AS m

-- order: descending with ties broken
SELECT k, score FROM t ORDER BY score DESC, k
-- order: NULL is last upwards
SELECT k, score FROM t ORDER BY score, k
-- order: nulls first
SELECT k, score FROM t ORDER BY score NULLS FIRST, k
-- order: nulls first, descending
SELECT k, score FROM t ORDER BY score DESC NULLS FIRST, k
-- order: nulls last
SELECT k, method FROM t ORDER BY method DESC NULLS LAST, k
-- order: by position
SELECT score, k FROM t ORDER BY 1 DESC, 2
-- order: position out of range is refused
SELECT k FROM t ORDER BY 2
-- order: by alias
SELECT k, -k AS minus FROM t WHERE k IS NOT NULL ORDER BY minus
-- order: by expression
SELECT method, seed FROM t ORDER BY -seed, method
-- order: by a column not selected
SELECT score FROM t WHERE k IS NOT NULL ORDER BY k DESC
-- order: by ALL
SELECT method, seed, k FROM t ORDER BY ALL
-- order: alias hides a column
SELECT -k AS k FROM t WHERE k IS NOT NULL ORDER BY k
-- order: by boolean
SELECT flag, k FROM t ORDER BY flag, k
-- order: by an aggregate
SELECT method, COUNT(*) AS n FROM t GROUP BY method ORDER BY COUNT(*) DESC, method
-- order: a column that is not there
SELECT k FROM t ORDER BY nothing
-- order: quoted name
SELECT k FROM t ORDER BY "Mixed Case" DESC, k

-- limit: best three
SELECT k, score FROM t ORDER BY score DESC, k LIMIT 3
-- limit: with offset
SELECT k FROM t ORDER BY k LIMIT 2 OFFSET 2
-- limit: offset alone
SELECT k FROM t ORDER BY k OFFSET 5
-- limit: nothing
SELECT k FROM t LIMIT 0
-- limit: more than there is
SELECT k FROM t ORDER BY k LIMIT 100
-- limit: offset beyond the end
SELECT k FROM t ORDER BY k LIMIT 5 OFFSET 50
-- limit: negative is refused
SELECT k FROM t LIMIT -1
-- limit: the first rows as they stand [input-order]
SELECT k FROM t LIMIT 2
-- limit: in a subquery
SELECT AVG(score) AS a FROM (SELECT score FROM t WHERE score IS NOT NULL ORDER BY score DESC, k LIMIT 3) AS top

-- distinct: two columns
SELECT DISTINCT method, flag FROM t ORDER BY method, flag
-- distinct: NULL once
SELECT DISTINCT method FROM t ORDER BY method
-- distinct: of an expression
SELECT DISTINCT step // 200 AS s FROM runs ORDER BY s
-- distinct: number of pairs
SELECT COUNT(*) AS n FROM (SELECT DISTINCT method, lr FROM runs) AS p
-- distinct: on a key
SELECT DISTINCT ON (method) method, seed, score FROM t WHERE method IS NOT NULL ORDER BY method, seed DESC

-- star: of a table
SELECT * FROM u ORDER BY label
-- star: without a column
SELECT * EXCLUDE (score) FROM u ORDER BY label
-- star: without several columns
SELECT * EXCLUDE (big, flag, "Mixed Case", total, correct) FROM t ORDER BY k
-- star: excluded column that is not there
SELECT * EXCLUDE (nothing) FROM u
-- star: with a replaced column
SELECT * REPLACE (ROUND(score) AS score) FROM u ORDER BY label
-- star: beside a column
SELECT *, score * 2 AS twice FROM u ORDER BY label
-- star: of one side of a join
SELECT u.*, t.k FROM t JOIN u ON t.method = u.method ORDER BY t.k, u.label
-- star: of both sides repeats names
SELECT * FROM t JOIN u ON t.method = u.method
-- star: of both sides with USING repeats score
SELECT * FROM t JOIN u USING (method)
-- star: of a join with EXCLUDE
SELECT t.* EXCLUDE (score, big, flag, total, correct, "Mixed Case"), u.label FROM t JOIN u USING (method) ORDER BY k, label
-- star: of a CTE
WITH best AS (SELECT method, MAX(score) AS top FROM t GROUP BY method) SELECT * FROM best ORDER BY method
-- star: awkward names
SELECT * FROM wide ORDER BY "select"
-- star: two columns of one name
SELECT score, score FROM t
-- star: two columns of one alias
SELECT score AS s, k AS s FROM t
-- star: alias of the same name as a column
SELECT k AS score FROM t ORDER BY k

-- names: case matters [refuse=case-sensitive]
SELECT METHOD AS m FROM t
-- names: case matters in a table [refuse=case-sensitive]
SELECT k FROM T
-- names: case matters in WHERE [refuse=case-sensitive]
SELECT k FROM t WHERE Seed = 0
-- names: keywords in any case
select k from t where k Is Not null order By k
-- names: functions in any case
SELECT avg(score) AS a, Max(k) AS m FROM t
-- names: typo of a column
SELECT methd FROM t
-- names: typo of a table
SELECT method FROM tt
-- names: typo of a qualified column
SELECT t.methd FROM t
-- names: unknown qualifier
SELECT x.method FROM t
-- names: ambiguous column
SELECT score FROM t JOIN u ON t.method = u.method
-- names: alias in WHERE
SELECT k, score * 2 AS twice FROM t WHERE twice > 1 ORDER BY k
-- names: alias beside itself
SELECT k * 2 AS twice, twice + 1 AS more FROM t WHERE k = 2
-- names: quoted
SELECT "Run Name", "order", "a.b", "say ""hi""", "Größe", "Top-1 (%)", "on", "select" FROM wide WHERE "select" = 1
-- names: quoted alias
SELECT k AS "the k", score AS "Score (%)" FROM t WHERE k = 1
-- names: qualified and quoted
SELECT w."Größe" AS g FROM wide AS w WHERE w."Top-1 (%)" > 60 ORDER BY g
-- names: table alias without AS
SELECT x.k FROM t x WHERE x.k < 3 ORDER BY x.k
-- names: table name after an alias
SELECT t.k FROM t AS x
-- names: alias without AS
SELECT k number FROM t WHERE k = 1
-- names: comments
SELECT k -- the key
FROM t /* all
rows */ WHERE k = 1
-- names: aggregate of a quoted name
SELECT MAX("Top-1 (%)") AS best, AVG("Größe") AS g FROM wide WHERE "Größe" < 1000

-- values: a table in the query
SELECT * FROM (VALUES (1, 'x'), (2, 'y')) AS v(a, b) ORDER BY a
-- values: joined with results
SELECT v.name, t.k FROM (VALUES ('a', 'Ours'), ('b', 'Theirs')) AS v(method, name) JOIN t USING (method) ORDER BY t.k
-- values: with NULL
SELECT a, b FROM (VALUES (1, NULL), (NULL, 2.5)) AS v(a, b) ORDER BY a
-- values: rows of different length
SELECT * FROM (VALUES (1, 2), (3)) AS v(a, b)
-- values: without a table
SELECT 1 AS a, 'x' AS b, 2.5 AS c, TRUE AS d
-- values: large integers stay exact
SELECT id, id + 0 AS same, id = 9007199254740993 AS odd FROM wide WHERE id > 1000 ORDER BY id
-- values: integers near 2^53 differ
SELECT COUNT(DISTINCT id) AS n, MAX(id) AS hi, MIN(id) AS lo FROM wide
-- values: integer found among large ones
SELECT "select" AS s FROM wide WHERE id IN (9007199254740993, 9223372036854775807) ORDER BY s
-- values: joined on large integers
SELECT a."select" AS x, b."select" AS y FROM wide AS a JOIN wide AS b ON a.id = b.id + 1 ORDER BY x
-- values: integer beyond 64 bits
SELECT id + 1 AS n FROM wide WHERE id = 9223372036854775807
-- values: very small floats
SELECT "select" AS s, "a.b" AS v, "a.b" > 0 AS more FROM wide ORDER BY s
-- values: negative zero equals zero
SELECT "select" AS s FROM wide WHERE "a.b" = 0 ORDER BY s
-- values: very small floats in order
SELECT "select" AS s FROM wide WHERE "a.b" > 0 ORDER BY "a.b"
-- values: a learning rate by any way of writing
SELECT COUNT(*) AS a FROM runs WHERE lr = 1e-4 OR lr = .001
-- values: integer written as a float
SELECT COUNT(*) AS n FROM runs WHERE seed = 1.0 AND step IN (100.0, 2e2)

-- join: inner
SELECT t.method, t.seed, u.label FROM t JOIN u ON t.method = u.method ORDER BY t.method, t.seed, u.label
-- join: left
SELECT t.method, t.seed, u.label FROM t LEFT JOIN u ON t.method = u.method ORDER BY t.method, t.seed, u.label
-- join: right
SELECT t.k, u.label FROM t RIGHT JOIN u ON t.method = u.method ORDER BY u.label, t.k
-- join: full
SELECT t.method AS m, u.method AS w, u.label, t.k FROM t FULL JOIN u ON t.method = u.method ORDER BY m, w, u.label, t.k
-- join: outer keywords
SELECT COUNT(*) AS n FROM t FULL OUTER JOIN u ON t.method = u.method
-- join: counted per left row
SELECT t.method, COUNT(u.label) AS n FROM t LEFT JOIN u ON t.method = u.method GROUP BY t.method ORDER BY t.method
-- join: no partner
SELECT t.k FROM t LEFT JOIN u ON t.method = u.method WHERE u.label IS NULL ORDER BY t.k
-- join: condition on the right side in ON
SELECT t.k, u.label FROM t LEFT JOIN u ON t.method = u.method AND u.score > 2 ORDER BY t.k, u.label
-- join: condition on the left side in ON
SELECT t.k, u.label FROM t LEFT JOIN u ON t.method = u.method AND t.score > 0.4 ORDER BY t.k, u.label
-- join: condition on the right side in WHERE
SELECT t.k, u.label FROM t LEFT JOIN u ON t.method = u.method WHERE u.score > 2 ORDER BY t.k, u.label
-- join: constant in ON
SELECT t.k, u.label FROM t JOIN u ON t.method = u.method AND t.score > 0.4 ORDER BY t.k, u.label
-- join: improvement over the baseline
SELECT a.method, a.lr, a.seed, a.accuracy - b.accuracy AS gain
FROM runs AS a JOIN runs AS b ON a.lr = b.lr AND a.seed = b.seed AND a.step = b.step AND b.method = 'base'
WHERE a.step = 400 AND a.method <> 'base' ORDER BY a.method, a.lr, a.seed
-- join: mean improvement over the baseline
SELECT a.method, AVG(a.accuracy - b.accuracy) AS gain, COUNT(*) AS n
FROM runs AS a LEFT JOIN runs AS b ON b.method = 'base' AND a.lr = b.lr AND a.seed = b.seed AND a.step = b.step
GROUP BY a.method ORDER BY a.method
-- join: baseline row as a constant
SELECT a.k, a.score - b.score AS d FROM t AS a LEFT JOIN t AS b ON b.method = 'b' AND b.seed = 0 ORDER BY a.k, a.seed
-- join: pairs of seeds
SELECT x.k AS a, y.k AS b FROM t AS x JOIN t AS y ON x.method = y.method AND x.seed < y.seed ORDER BY a, b
-- join: two methods side by side
SELECT x.seed, x.score AS a, y.score AS b FROM t AS x JOIN t AS y ON x.seed = y.seed WHERE x.method = 'a' AND y.method = 'b' ORDER BY x.seed
-- join: USING
SELECT method, t.score AS a, u.score AS b FROM t JOIN u USING (method) ORDER BY t.k, u.label
-- join: USING in a left join keeps the left key
SELECT method, t.k, u.label FROM t LEFT JOIN u USING (method) ORDER BY t.k, t.seed, u.label
-- join: USING in a full join merges the key
SELECT method, t.k, u.label FROM t FULL JOIN u USING (method) ORDER BY method, t.k, u.label
-- join: USING in a right join
SELECT method, t.k, u.label FROM t RIGHT JOIN u USING (method) ORDER BY method, t.k, u.label
-- join: USING two columns
SELECT a.method, a.seed, a.score, b.accuracy FROM t AS a JOIN runs AS b USING (method, seed) WHERE b.step = 400 AND b.lr = 0.001 ORDER BY a.method, a.seed
-- join: USING a column that one side lacks
SELECT k FROM t JOIN u USING (seed)
-- join: NATURAL
SELECT method, label, k FROM (SELECT method, label FROM u) AS v NATURAL JOIN (SELECT method, k FROM t) AS w ORDER BY method, label, k
-- join: NATURAL on two columns
SELECT COUNT(*) AS n FROM t NATURAL JOIN (SELECT method, seed FROM runs WHERE step = 0) AS r
-- join: cross
SELECT t.k, u.label FROM t CROSS JOIN u WHERE t.k = 1 ORDER BY u.label
-- join: comma
SELECT t.k, u.label FROM t, u WHERE t.method = u.method ORDER BY t.k, u.label
-- join: comma of three tables
SELECT COUNT(*) AS n FROM t, u, n WHERE t.method = u.method AND n.method = 'p'
-- join: semi
SELECT k FROM t SEMI JOIN u ON t.method = u.method ORDER BY k
-- join: semi with USING
SELECT label FROM u SEMI JOIN t USING (method) ORDER BY label
-- join: anti
SELECT label FROM u ANTI JOIN t ON t.method = u.method ORDER BY label
-- join: anti keeps unknown keys
SELECT k FROM t ANTI JOIN u USING (method) ORDER BY k
-- join: three tables
SELECT t.k, u.label, n.x FROM t JOIN u ON t.method = u.method JOIN n ON n.method = 'w' WHERE t.seed = 0 ORDER BY t.k, u.label
-- join: three tables, left
SELECT u.label, t.k, r.accuracy FROM u LEFT JOIN t ON t.method = u.method AND t.seed = 0
LEFT JOIN runs AS r ON r.method = u.method AND r.seed = 0 AND r.step = 400 AND r.lr = 0.001 ORDER BY u.label
-- join: range condition
SELECT t.k, v.bin FROM t LEFT JOIN (VALUES (0.0, 0.3, 'low'), (0.3, 0.6, 'mid'), (0.6, 1.0, 'high')) AS v(lo, hi, bin)
ON t.score >= v.lo AND t.score < v.hi ORDER BY t.k, v.bin
-- join: earlier steps
SELECT a.step, COUNT(b.step) AS earlier FROM runs AS a LEFT JOIN runs AS b
ON a.method = b.method AND a.lr = b.lr AND a.seed = b.seed AND b.step < a.step
WHERE a.method = 'a' AND a.lr = 0.001 AND a.seed = 0 GROUP BY a.step ORDER BY a.step
-- join: inequality alone
SELECT COUNT(*) AS n FROM t JOIN u ON t.score < u.score
-- join: not equal
SELECT a.label AS x, b.label AS y FROM u AS a JOIN u AS b ON a.method = b.method AND a.label <> b.label ORDER BY x, y
-- join: OR in the condition
SELECT t.k, u.label FROM t JOIN u ON t.method = u.method OR t.k = 6 ORDER BY t.k, u.label
-- join: expression in the condition
SELECT a.k AS x, b.k AS y FROM t AS a JOIN t AS b ON a.k + 1 = b.k ORDER BY x
-- join: function in the condition
SELECT u.label, v.n FROM u JOIN (VALUES ('ALPHA', 1), ('BETA', 2)) AS v(name, n) ON UPPER(u.label) = v.name ORDER BY u.label
-- join: int key and float key
SELECT t.k, v.x FROM t JOIN (VALUES (1.0, 'one'), (2.5, 'no'), (3.0, 'three')) AS v(key, x) ON t.k = v.key ORDER BY t.k
-- join: on NULL is nothing
SELECT COUNT(*) AS n FROM t JOIN u ON NULL
-- join: on TRUE is a cross join
SELECT COUNT(*) AS n FROM t JOIN u ON TRUE
-- join: IS NOT DISTINCT FROM matches NULL
SELECT COUNT(*) AS n FROM t AS x JOIN t AS y ON x.method IS NOT DISTINCT FROM y.method
-- join: last step by MAX
SELECT r.method, r.lr, r.seed, r.accuracy FROM runs AS r
JOIN (SELECT method, lr, seed, MAX(step) AS last FROM runs WHERE accuracy IS NOT NULL GROUP BY method, lr, seed) AS m
ON r.method = m.method AND r.lr = m.lr AND r.seed = m.seed AND r.step = m.last ORDER BY r.method, r.lr, r.seed
-- join: best row per group by its maximum
SELECT t.method, t.seed, t.score FROM t JOIN (SELECT method, MAX(score) AS best FROM t GROUP BY method) AS b
ON t.method = b.method AND t.score = b.best ORDER BY t.method, t.seed
-- join: aggregate over a join
SELECT u.label, AVG(r.accuracy) AS a, MAX(r.step) AS last FROM runs AS r JOIN u ON r.method = u.method GROUP BY u.label ORDER BY u.label
-- join: same table name twice is refused
SELECT k FROM t JOIN t ON TRUE
-- join: without ON is refused
SELECT t.k FROM t JOIN u
-- join: left join of subqueries
SELECT a.method, a.n, b.m FROM (SELECT method, COUNT(*) AS n FROM runs GROUP BY method) AS a
LEFT JOIN (SELECT method, MAX(score) AS m FROM t GROUP BY method) AS b ON a.method = b.method ORDER BY a.method
-- join: full join of aggregates
SELECT COALESCE(a.method, b.method) AS m, a.n, b.best FROM (SELECT method, COUNT(*) AS n FROM t GROUP BY method) AS a
FULL JOIN (SELECT method, MAX(score) AS best FROM u GROUP BY method) AS b ON a.method = b.method ORDER BY m
-- join: ratio to the baseline of the same seed
SELECT a.method, a.seed, a.loss / b.loss AS ratio FROM runs AS a JOIN runs AS b USING (lr, seed, step)
WHERE b.method = 'base' AND a.method = 'a' AND a.step = 400 AND a.lr = 0.001 ORDER BY a.seed

-- window: last step per run
SELECT method, lr, seed, step, accuracy FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY method, lr, seed ORDER BY step DESC) AS r FROM runs WHERE accuracy IS NOT NULL
) AS w WHERE r = 1 ORDER BY method, lr, seed
-- window: last step per run by QUALIFY
SELECT method, lr, seed, step, accuracy FROM runs WHERE accuracy IS NOT NULL
QUALIFY ROW_NUMBER() OVER (PARTITION BY method, lr, seed ORDER BY step DESC) = 1 ORDER BY method, lr, seed
-- window: best learning rate per method
SELECT method, lr, a FROM (SELECT method, lr, AVG(accuracy) AS a FROM runs WHERE step = 400 GROUP BY method, lr) AS m
QUALIFY RANK() OVER (PARTITION BY method ORDER BY a DESC) = 1 ORDER BY method
-- window: QUALIFY by an alias
SELECT k, ROW_NUMBER() OVER (ORDER BY k DESC) AS r FROM t WHERE k IS NOT NULL QUALIFY r <= 2 ORDER BY k
-- window: rows per partition
SELECT method, seed, COUNT(*) OVER (PARTITION BY method) AS n FROM t ORDER BY method, seed
-- window: order by the partition
SELECT method, seed, COUNT(*) OVER (PARTITION BY method ORDER BY method) AS n FROM t ORDER BY method, seed
-- window: running sum
SELECT k, SUM(k) OVER (ORDER BY k DESC) AS c FROM t WHERE k IS NOT NULL ORDER BY k
-- window: running sum with ties
SELECT seed, k, SUM(k) OVER (ORDER BY seed) AS c FROM t WHERE k IS NOT NULL ORDER BY seed, k
-- window: running mean
SELECT method, seed, AVG(score) OVER (PARTITION BY method ORDER BY seed) AS c FROM t ORDER BY method, seed
-- window: running best
SELECT method, seed, step, MAX(accuracy) OVER (PARTITION BY method, lr, seed ORDER BY step) AS best
FROM runs WHERE lr = 0.0001 AND seed < 1 ORDER BY method, step
-- window: running count
SELECT seed, step, COUNT(accuracy) OVER (PARTITION BY seed ORDER BY step) AS known FROM runs WHERE method = 'b' AND lr = 0.001 ORDER BY seed, step
-- window: difference from the mean
SELECT method, seed, score - AVG(score) OVER (PARTITION BY method) AS d FROM t ORDER BY method, seed
-- window: standard score
SELECT method, seed, (accuracy - AVG(accuracy) OVER (PARTITION BY method)) / STDDEV(accuracy) OVER (PARTITION BY method) AS z
FROM runs WHERE step = 400 AND lr = 0.001 ORDER BY method, seed
-- window: share of the total
SELECT k, k * 1.0 / SUM(k) OVER () AS share FROM t WHERE k IS NOT NULL ORDER BY k
-- window: row number
SELECT method, seed, ROW_NUMBER() OVER (PARTITION BY method ORDER BY seed DESC) AS r FROM t ORDER BY method, seed
-- window: the three ranks
SELECT k, RANK() OVER (ORDER BY score DESC) AS r, DENSE_RANK() OVER (ORDER BY score DESC) AS d, ROW_NUMBER() OVER (ORDER BY score DESC, k) AS n
FROM t ORDER BY k
-- window: relative ranks
SELECT k, PERCENT_RANK() OVER (ORDER BY score) AS p, CUME_DIST() OVER (ORDER BY score) AS c FROM t WHERE score IS NOT NULL ORDER BY k
-- window: quartiles
SELECT k, NTILE(4) OVER (ORDER BY k) AS q, NTILE(3) OVER (ORDER BY k) AS t FROM t WHERE k IS NOT NULL ORDER BY k
-- window: more tiles than rows
SELECT label, NTILE(9) OVER (ORDER BY label) AS q FROM u ORDER BY label
-- window: step before and after
SELECT step, accuracy, LAG(accuracy) OVER (ORDER BY step) AS before, LEAD(accuracy) OVER (ORDER BY step) AS after
FROM runs WHERE method = 'a' AND lr = 0.001 AND seed = 0 ORDER BY step
-- window: LAG by two with a default
SELECT k, LAG(k, 2, 0) OVER (ORDER BY k) AS l, LEAD(k, 2, -1) OVER (ORDER BY k) AS d FROM t WHERE k IS NOT NULL ORDER BY k
-- window: improvement per step
SELECT seed, step, accuracy - LAG(accuracy) OVER (PARTITION BY seed ORDER BY step) AS d FROM runs WHERE method = 'a' AND lr = 0.0001 ORDER BY seed, step
-- window: first and last of the frame
SELECT k, FIRST_VALUE(k) OVER (ORDER BY k) AS f, LAST_VALUE(k) OVER (ORDER BY k) AS l FROM t WHERE k IS NOT NULL ORDER BY k
-- window: last of the whole partition
SELECT method, k, LAST_VALUE(score) OVER (PARTITION BY method ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS l
FROM t WHERE k IS NOT NULL ORDER BY k
-- window: last known value
SELECT seed, step, LAST_VALUE(accuracy IGNORE NULLS) OVER (PARTITION BY seed ORDER BY step) AS a FROM runs WHERE method = 'c' AND lr = 0.0001 ORDER BY seed, step
-- window: second value
SELECT k, NTH_VALUE(k, 2) OVER (ORDER BY k) AS v FROM t WHERE k IS NOT NULL ORDER BY k
-- window: relative to the first step
SELECT seed, step, loss / FIRST_VALUE(loss) OVER (PARTITION BY seed ORDER BY step) AS r FROM runs WHERE method = 'b' AND lr = 0.001 ORDER BY seed, step
-- window: moving mean
SELECT k, AVG(k) OVER (ORDER BY k ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS m FROM t WHERE k IS NOT NULL ORDER BY k
-- window: centred moving mean
SELECT step, AVG(loss) OVER (ORDER BY step ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS m FROM runs WHERE method = 'base' AND lr = 0.001 AND seed = 2 ORDER BY step
-- window: frame that only looks forward
SELECT k, SUM(k) OVER (ORDER BY k ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING) AS s, COUNT(*) OVER (ORDER BY k ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING) AS n
FROM t WHERE k IS NOT NULL ORDER BY k
-- window: frame that only looks back
SELECT k, MAX(k) OVER (ORDER BY k ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING) AS m FROM t WHERE k IS NOT NULL ORDER BY k
-- window: frame from here to the end
SELECT k, MIN(score) OVER (ORDER BY k ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS m FROM t WHERE k IS NOT NULL ORDER BY k
-- window: short form of a frame
SELECT k, SUM(k) OVER (ORDER BY k ROWS UNBOUNDED PRECEDING) AS a, SUM(k) OVER (ORDER BY k ROWS 2 PRECEDING) AS b FROM t WHERE k IS NOT NULL ORDER BY k
-- window: rows frame with ties
SELECT seed, k, SUM(k) OVER (ORDER BY seed, k ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS s FROM t WHERE k IS NOT NULL ORDER BY seed, k
-- window: range frame with ties
SELECT seed, k, SUM(k) OVER (ORDER BY seed RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS s FROM t WHERE k IS NOT NULL ORDER BY seed, k
-- window: range frame of the peers to the end
SELECT seed, k, COUNT(*) OVER (ORDER BY seed RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS n FROM t ORDER BY seed, k
-- window: range frame by distance
SELECT step, AVG(loss) OVER (ORDER BY step RANGE BETWEEN 100 PRECEDING AND 100 FOLLOWING) AS m FROM runs WHERE method = 'a' AND lr = 0.001 AND seed = 1 ORDER BY step
-- window: over an aggregate
SELECT method, AVG(score) AS a, AVG(AVG(score)) OVER () AS g FROM t GROUP BY method ORDER BY method
-- window: best of the means
SELECT method, AVG(accuracy) AS a, MAX(AVG(accuracy)) OVER () AS best FROM runs GROUP BY method ORDER BY method
-- window: gap to the best mean
SELECT method, lr, MAX(AVG(accuracy)) OVER (PARTITION BY lr) - AVG(accuracy) AS gap FROM runs WHERE step = 400 GROUP BY method, lr ORDER BY lr, method
-- window: rank of the means
SELECT method, ROW_NUMBER() OVER (ORDER BY AVG(score) DESC) AS r FROM t WHERE score IS NOT NULL GROUP BY method ORDER BY r
-- window: share of all rows
SELECT method, COUNT(*) AS n, COUNT(*) * 100.0 / SUM(COUNT(*)) OVER () AS pct FROM t GROUP BY method ORDER BY method
-- window: with a filter
SELECT method, seed, COUNT(*) FILTER (WHERE score > 0.3) OVER (PARTITION BY method) AS n FROM t ORDER BY method, seed
-- window: NULL keys are one partition
SELECT method, seed, SUM(k) OVER (PARTITION BY method) AS s FROM t ORDER BY method, seed
-- window: NULL is ranked last
SELECT k, score, RANK() OVER (ORDER BY score) AS up, RANK() OVER (ORDER BY score DESC) AS down FROM t ORDER BY k
-- window: nulls first
SELECT k, RANK() OVER (ORDER BY score NULLS FIRST) AS r FROM t ORDER BY k
-- window: two windows of different order
SELECT k, ROW_NUMBER() OVER (ORDER BY k) AS up, ROW_NUMBER() OVER (ORDER BY k DESC) AS down FROM t WHERE k IS NOT NULL ORDER BY k
-- window: by an expression
SELECT k, SUM(k) OVER (PARTITION BY seed % 2 ORDER BY -k) AS s FROM t WHERE k IS NOT NULL ORDER BY k
-- window: named
SELECT k, SUM(k) OVER w AS s, COUNT(*) OVER w AS n FROM t WHERE k IS NOT NULL WINDOW w AS (PARTITION BY seed ORDER BY k) ORDER BY k
-- window: median
SELECT method, seed, MEDIAN(accuracy) OVER (PARTITION BY method) AS m FROM runs WHERE step = 400 AND lr = 0.001 ORDER BY method, seed
-- window: spread
SELECT method, seed, STDDEV(accuracy) OVER (PARTITION BY method) AS sd FROM runs WHERE step = 400 AND lr = 0.001 ORDER BY method, seed
-- window: least and greatest text
SELECT label, MIN(label) OVER (PARTITION BY method) AS lo, MAX(label) OVER (PARTITION BY method) AS hi FROM u ORDER BY label
-- window: in WHERE is refused
SELECT k FROM t WHERE ROW_NUMBER() OVER (ORDER BY k) = 1
-- window: rank without OVER is refused
SELECT RANK() AS r FROM t
-- window: in ORDER BY
SELECT method, seed FROM t WHERE score IS NOT NULL ORDER BY AVG(score) OVER (PARTITION BY method) DESC, method, seed
-- window: in a CASE
SELECT method, seed, CASE WHEN score = MAX(score) OVER (PARTITION BY method) THEN 'best' ELSE '' END AS mark FROM t ORDER BY method, seed
-- window: before LIMIT
SELECT k, COUNT(*) OVER () AS n FROM t ORDER BY k LIMIT 2
-- window: before DISTINCT
SELECT DISTINCT method, COUNT(*) OVER (PARTITION BY method) AS n FROM t ORDER BY method
-- window: after WHERE
SELECT k, COUNT(*) OVER () AS n FROM t WHERE k > 4 ORDER BY k
-- window: booleans
SELECT method, seed, BOOL_OR(flag) OVER (PARTITION BY method) AS some FROM t ORDER BY method, seed
-- window: first step that solves
SELECT method, lr, seed, step FROM runs WHERE accuracy > 0.5
QUALIFY ROW_NUMBER() OVER (PARTITION BY method, lr, seed ORDER BY step) = 1 ORDER BY method, lr, seed
-- window: running text
SELECT label, STRING_AGG(label, '+') OVER (ORDER BY label) AS s FROM u ORDER BY label

-- set: union
SELECT method FROM t UNION SELECT method FROM u ORDER BY method
-- set: union of all
SELECT method FROM t UNION ALL SELECT method FROM u ORDER BY method
-- set: except
SELECT method FROM t EXCEPT SELECT method FROM u ORDER BY method
-- set: intersect
SELECT method FROM t INTERSECT SELECT method FROM u ORDER BY method
-- set: except keeps NULL apart
SELECT method FROM t WHERE method IS NULL EXCEPT SELECT method FROM t WHERE seed = 1
-- set: except and intersect with duplicates
SELECT method FROM t EXCEPT ALL SELECT method FROM u ORDER BY method
-- set: intersect with duplicates
SELECT method FROM t INTERSECT ALL SELECT method FROM u ORDER BY method
-- set: names of the first query
SELECT method AS a, seed AS b FROM t WHERE k = 1 UNION ALL SELECT label, 9 FROM u WHERE label = 'Beta' ORDER BY b
-- set: integer and float columns
SELECT k AS v FROM t WHERE k = 1 UNION ALL SELECT score FROM u WHERE label = 'Alpha' ORDER BY v
-- set: different numbers of columns
SELECT method, seed FROM t UNION SELECT method FROM u
-- set: intersect binds tighter
SELECT 1 AS a UNION SELECT 2 INTERSECT SELECT 2 ORDER BY a
-- set: from left to right
SELECT method FROM t EXCEPT SELECT 'a' EXCEPT SELECT 'b' ORDER BY method
-- set: parentheses
(SELECT method FROM t EXCEPT SELECT method FROM u) UNION ALL (SELECT label FROM u WHERE score > 3) ORDER BY method
-- set: limit of the whole
SELECT k FROM t UNION ALL SELECT seed FROM t ORDER BY k DESC LIMIT 3
-- set: limit of a part
(SELECT k FROM t ORDER BY k LIMIT 1) UNION ALL (SELECT k FROM t ORDER BY k DESC LIMIT 1) ORDER BY k
-- set: in a subquery
SELECT COUNT(*) AS n FROM (SELECT method FROM t UNION SELECT method FROM runs) AS m
-- set: a total row
SELECT method, COUNT(*) AS n FROM u GROUP BY method UNION ALL SELECT 'all', COUNT(*) FROM u ORDER BY n, method
-- set: by name
SELECT method, score FROM u UNION ALL BY NAME SELECT score, method FROM t WHERE k = 1 ORDER BY score
-- set: NULL column takes the other type
SELECT NULL AS v UNION ALL SELECT score FROM u ORDER BY v

-- subquery: scalar
SELECT k, score - (SELECT AVG(score) FROM t) AS d FROM t ORDER BY k, seed
-- subquery: scalar in WHERE
SELECT k FROM t WHERE score > (SELECT AVG(score) FROM t) ORDER BY k
-- subquery: the best row
SELECT label FROM u WHERE score = (SELECT MAX(score) FROM u)
-- subquery: more than one row is refused
SELECT k, (SELECT score FROM u) AS s FROM t
-- subquery: two columns are refused
SELECT k, (SELECT score, label FROM u LIMIT 1) AS s FROM t
-- subquery: IN
SELECT k FROM t WHERE method IN (SELECT method FROM u) ORDER BY k
-- subquery: NOT IN
SELECT method, label FROM u WHERE method NOT IN (SELECT method FROM runs) ORDER BY label
-- subquery: IN with a condition
SELECT k FROM t WHERE method IN (SELECT method FROM u WHERE score > 2) ORDER BY k
-- subquery: IN two columns
SELECT k FROM t WHERE (method, seed) IN (SELECT method, seed FROM runs WHERE accuracy > 0.7) ORDER BY k
-- subquery: IN the best methods
SELECT method, COUNT(*) AS n FROM runs WHERE method IN (SELECT method FROM runs GROUP BY method HAVING MAX(accuracy) > 0.85) GROUP BY method ORDER BY method
-- subquery: EXISTS
SELECT k FROM t WHERE EXISTS (SELECT 1 FROM u WHERE score > 4) ORDER BY k
-- subquery: NOT EXISTS
SELECT k FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE score > 4)
-- subquery: EXISTS that looks outside [refuse=correlated]
SELECT k FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.method = t.method) ORDER BY k
-- subquery: NOT EXISTS that looks outside [refuse=correlated]
SELECT label FROM u WHERE NOT EXISTS (SELECT 1 FROM t WHERE t.method = u.method) ORDER BY label
-- subquery: scalar that looks outside [refuse=correlated]
SELECT k, (SELECT MAX(x.score) FROM t AS x WHERE x.method = t.method) AS best FROM t ORDER BY k
-- subquery: IN that looks outside [refuse=correlated]
SELECT k FROM t WHERE seed IN (SELECT r.seed FROM runs AS r WHERE r.method = t.method) ORDER BY k
-- subquery: in FROM
SELECT AVG(a) AS m FROM (SELECT method, AVG(score) AS a FROM t GROUP BY method) AS g
-- subquery: in FROM without a name
SELECT MAX(n) AS m FROM (SELECT COUNT(*) AS n FROM t GROUP BY method)
-- subquery: two deep
SELECT MAX(m) AS best FROM (SELECT lr, AVG(a) AS m FROM (SELECT method, lr, AVG(accuracy) AS a FROM runs GROUP BY method, lr) AS x GROUP BY lr) AS y
-- subquery: mean over seeds, then best over learning rates
SELECT method, MAX(mean) AS best FROM (SELECT method, lr, AVG(accuracy) AS mean FROM runs WHERE step = 400 GROUP BY method, lr) AS m GROUP BY method ORDER BY method
-- subquery: in CASE
SELECT k, CASE WHEN score > (SELECT MEDIAN(score) FROM t) THEN 'above' ELSE 'below' END AS c FROM t WHERE score IS NOT NULL ORDER BY k
-- subquery: in LIMIT order
SELECT method FROM (SELECT method, MAX(accuracy) AS m FROM runs GROUP BY method ORDER BY m DESC LIMIT 2) AS top ORDER BY method
-- subquery: aliases of its columns
SELECT x.a, x.b FROM (SELECT method, COUNT(*) FROM u GROUP BY method) AS x(a, b) ORDER BY x.a
-- subquery: compared with ANY
SELECT k FROM t WHERE k > ANY (SELECT seed FROM t) ORDER BY k
-- subquery: compared with ALL
SELECT label FROM u WHERE score >= ALL (SELECT score FROM u)
-- subquery: inner column stays inside
SELECT label FROM (SELECT method FROM u) AS x

-- cte: distance from the mean of the method
WITH g AS (SELECT method, AVG(score) AS a FROM t GROUP BY method)
SELECT t.method, t.seed, t.score - g.a AS d FROM t JOIN g ON t.method = g.method ORDER BY t.method, t.seed
-- cte: one reads another
WITH g AS (SELECT method, AVG(score) AS a FROM t GROUP BY method), h AS (SELECT MAX(a) AS best FROM g)
SELECT g.method, g.a, h.best FROM g CROSS JOIN h ORDER BY g.method
-- cte: last accuracy, mean and spread over seeds
WITH last AS (
  SELECT method, lr, seed, accuracy FROM runs WHERE accuracy IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (PARTITION BY method, lr, seed ORDER BY step DESC) = 1
)
SELECT method, lr, AVG(accuracy) AS mean, STDDEV(accuracy) AS sd, COUNT(*) AS n FROM last GROUP BY method, lr ORDER BY method, lr
-- cte: best learning rate, then gain over the baseline
WITH mean AS (SELECT method, lr, AVG(accuracy) AS a FROM runs WHERE step = 400 GROUP BY method, lr),
best AS (SELECT method, MAX(a) AS a FROM mean GROUP BY method)
SELECT x.method, x.a - b.a AS gain FROM best AS x JOIN best AS b ON b.method = 'base' ORDER BY x.method
-- cte: used twice
WITH g AS (SELECT method, MAX(k) AS m FROM t GROUP BY method) SELECT a.method AS x, b.method AS y FROM g AS a JOIN g AS b ON a.m < b.m ORDER BY x, y
-- cte: hides a table
WITH u AS (SELECT 'new' AS label) SELECT label FROM u
-- cte: names its columns
WITH g(m, n) AS (SELECT method, COUNT(*) FROM t GROUP BY method) SELECT m, n FROM g ORDER BY m
-- cte: inside a subquery
SELECT MAX(n) AS n FROM (WITH g AS (SELECT method, COUNT(*) AS n FROM t GROUP BY method) SELECT n FROM g) AS x
-- cte: inside a CTE
WITH a AS (WITH b AS (SELECT k FROM t WHERE k > 4) SELECT k * 2 AS d FROM b) SELECT SUM(d) AS s FROM a
-- cte: not read
WITH g AS (SELECT nothing FROM t) SELECT label FROM u ORDER BY label
-- cte: read before it stands
WITH a AS (SELECT * FROM b), b AS (SELECT 1 AS x) SELECT x FROM a
-- cte: with union
WITH m AS (SELECT method FROM t UNION SELECT method FROM runs) SELECT COUNT(*) AS n, COUNT(method) AS k FROM m
-- cte: recursive
WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 4) SELECT i FROM s ORDER BY i
-- cte: share solved within a budget of steps
WITH first AS (SELECT method, lr, seed, MIN(step) AS at FROM runs WHERE exact GROUP BY method, lr, seed),
every AS (SELECT DISTINCT method, lr, seed FROM runs)
SELECT every.method, COUNT(first.at) AS solved, COUNT(*) AS n, COUNT(first.at) * 1.0 / COUNT(*) AS share
FROM every LEFT JOIN first USING (method, lr, seed) GROUP BY every.method ORDER BY every.method
-- cte: scalar subquery over a CTE
WITH g AS (SELECT method, AVG(accuracy) AS a FROM runs GROUP BY method) SELECT method, a - (SELECT MAX(a) FROM g) AS gap FROM g ORDER BY method
-- cte: 95 % interval
WITH g AS (SELECT method, AVG(accuracy) AS m, 1.96 * STDDEV(accuracy) / SQRT(COUNT(accuracy)) AS ci FROM runs WHERE step = 400 GROUP BY method)
SELECT method, m - ci AS lo, m + ci AS hi FROM g ORDER BY method

-- where: comparisons of every kind
SELECT k, k = 3 AS eq, k <> 3 AS ne, k != 3 AS ne2, k < 3 AS lt, k <= 3 AS le, k > 3 AS gt, k >= 3 AS ge, k == 3 AS eq2 FROM t ORDER BY k
-- where: a boolean column
SELECT k FROM t WHERE flag ORDER BY k
-- where: NOT a boolean column
SELECT k FROM t WHERE NOT flag ORDER BY k
-- where: a boolean compared
SELECT k FROM t WHERE flag = FALSE ORDER BY k
-- where: AND before OR
SELECT k FROM t WHERE method = 'b' OR method = 'a' AND seed = 0 ORDER BY k
-- where: NOT before AND
SELECT k FROM t WHERE NOT method = 'a' AND seed = 0 ORDER BY k
-- where: BETWEEN
SELECT k FROM t WHERE score BETWEEN 0.2 AND 0.5 ORDER BY k
-- where: NOT BETWEEN
SELECT k FROM t WHERE score NOT BETWEEN 0.2 AND 0.5 ORDER BY k
-- where: BETWEEN the wrong way round
SELECT k FROM t WHERE score BETWEEN 0.5 AND 0.2
-- where: IN numbers
SELECT method, seed, step FROM runs WHERE step IN (0, 400) AND seed = 2 AND lr = 1e-3 ORDER BY method, step
-- where: nothing is true
SELECT k FROM t WHERE FALSE
-- where: a number is no condition [open=condition-type]
SELECT k FROM t WHERE seed ORDER BY k
-- where: text is no condition
SELECT k FROM t WHERE method
-- where: integer and float are compared by value
SELECT k FROM t WHERE k = 3.0 OR k > 5.5 ORDER BY k
-- where: large integer against a float
SELECT "select" AS s FROM wide WHERE id > 9.1e15 ORDER BY s
-- where: on an expression
SELECT k FROM t WHERE (correct + 1) * 2 > total ORDER BY k
-- where: chained comparison
SELECT k FROM t WHERE 1 < k AND k < 4 ORDER BY k
-- syntax: missing FROM
SELECT method WHERE method = 'a'
-- syntax: missing comma
SELECT method seed score FROM t
-- syntax: open parenthesis
SELECT AVG(score FROM t
-- syntax: open quote
SELECT k FROM t WHERE method = 'a
-- syntax: two statements [refuse=one-query]
SELECT 1 AS a; SELECT 2 AS b
-- syntax: nothing selected
SELECT FROM t
-- syntax: trailing comma [open=trailing-comma]
SELECT method, seed, FROM t WHERE k = 1
-- syntax: GROUP before WHERE
SELECT method FROM t GROUP BY method WHERE seed = 0

-- paper: mean and spread as a cell of a table
SELECT method, ROUND(AVG(accuracy) * 100, 1) AS mean, ROUND(STDDEV(accuracy) * 100, 1) AS sd FROM runs WHERE step = 400 GROUP BY method ORDER BY mean DESC
-- paper: mean and spread as text [open=float-text]
SELECT method, ROUND(AVG(accuracy) * 100, 1) || ' ± ' || ROUND(STDDEV(accuracy) * 100, 1) AS cell FROM runs WHERE step = 400 GROUP BY method ORDER BY method
-- paper: geometric mean
SELECT method, EXP(AVG(LN(loss))) AS g FROM runs WHERE step = 400 AND method <> 'c' GROUP BY method ORDER BY method
-- paper: geometric mean with a hole
SELECT method, EXP(AVG(LN(loss))) AS g FROM runs WHERE step = 400 GROUP BY method ORDER BY method
-- paper: harmonic mean
SELECT COUNT(score) / SUM(1 / score) AS h FROM t WHERE score > 0
-- paper: weighted mean
SELECT method, SUM(score * total) / SUM(total) AS w FROM t WHERE score IS NOT NULL GROUP BY method ORDER BY method
-- paper: median absolute deviation
WITH m AS (SELECT method, MEDIAN(accuracy) AS med FROM runs WHERE step = 200 GROUP BY method)
SELECT r.method, MEDIAN(ABS(r.accuracy - m.med)) AS mad FROM runs AS r JOIN m USING (method) WHERE r.step = 200 GROUP BY r.method ORDER BY r.method
-- paper: area under the learning curve
WITH d AS (
  SELECT method, lr, seed, step - LAG(step) OVER w AS width, (accuracy + LAG(accuracy) OVER w) / 2 AS height
  FROM runs WHERE accuracy IS NOT NULL WINDOW w AS (PARTITION BY method, lr, seed ORDER BY step)
)
SELECT method, lr, seed, SUM(width * height) AS area FROM d GROUP BY method, lr, seed ORDER BY method, lr, seed
-- paper: steps to a threshold
SELECT method, lr, seed, MIN(step) AS steps FROM runs WHERE accuracy >= 0.5 GROUP BY method, lr, seed ORDER BY method, lr, seed
-- paper: median steps to a threshold, never counted as a hole
WITH grid AS (SELECT DISTINCT method, lr, seed FROM runs), hit AS (
  SELECT method, lr, seed, MIN(step) AS steps FROM runs WHERE accuracy >= 0.7 GROUP BY method, lr, seed)
SELECT grid.method, MEDIAN(hit.steps) AS steps, COUNT(*) - COUNT(hit.steps) AS never FROM grid LEFT JOIN hit USING (method, lr, seed)
GROUP BY grid.method ORDER BY grid.method
-- paper: speed-up over the baseline
WITH hit AS (SELECT method, AVG(first) AS steps FROM (
  SELECT method, lr, seed, MIN(step) AS first FROM runs WHERE accuracy >= 0.5 GROUP BY method, lr, seed) AS f GROUP BY method)
SELECT a.method, b.steps / a.steps AS speedup FROM hit AS a CROSS JOIN hit AS b WHERE b.method = 'base' ORDER BY a.method
-- paper: seeds that beat the baseline
SELECT a.method, SUM(CASE WHEN a.accuracy > b.accuracy THEN 1 ELSE 0 END) AS wins, COUNT(*) AS n
FROM runs AS a JOIN runs AS b ON a.lr = b.lr AND a.seed = b.seed AND a.step = b.step AND b.method = 'base'
WHERE a.method <> 'base' AND a.step > 0 GROUP BY a.method ORDER BY a.method
-- paper: win, tie, loss
SELECT CASE WHEN a.score > b.score THEN 'win' WHEN a.score = b.score THEN 'tie' WHEN a.score < b.score THEN 'loss' ELSE 'unknown' END AS outcome, COUNT(*) AS n
FROM t AS a CROSS JOIN t AS b WHERE a.seed = b.seed GROUP BY outcome ORDER BY outcome
-- paper: paired t statistic
WITH d AS (SELECT a.accuracy - b.accuracy AS diff FROM runs AS a JOIN runs AS b USING (lr, seed, step) WHERE a.method = 'b' AND b.method = 'base' AND step = 400)
SELECT AVG(diff) / (STDDEV(diff) / SQRT(COUNT(diff))) AS t, COUNT(diff) AS n FROM d
-- paper: effect size
WITH s AS (SELECT method, AVG(accuracy) AS m, VARIANCE(accuracy) AS v FROM runs WHERE step = 400 GROUP BY method)
SELECT a.method, (a.m - b.m) / SQRT((a.v + b.v) / 2) AS d FROM s AS a JOIN s AS b ON b.method = 'base' WHERE a.method <> 'base' ORDER BY a.method
-- paper: mean rank over learning rates
WITH m AS (SELECT method, lr, AVG(accuracy) AS a FROM runs WHERE step = 400 GROUP BY method, lr),
r AS (SELECT method, lr, RANK() OVER (PARTITION BY lr ORDER BY a DESC) AS place FROM m)
SELECT method, AVG(place) AS rank FROM r GROUP BY method ORDER BY rank, method
-- paper: best of three seeds
SELECT method, lr, MAX(accuracy) AS best, MIN(accuracy) AS worst FROM runs WHERE step = 400 GROUP BY method, lr ORDER BY best DESC, method
-- paper: early stopping
SELECT method, lr, seed, step, loss FROM runs WHERE NOT ISNAN(loss)
QUALIFY RANK() OVER (PARTITION BY method, lr, seed ORDER BY loss) = 1 ORDER BY method, lr, seed
-- paper: runs that diverged
SELECT method, lr, COUNT(*) FILTER (WHERE ISNAN(loss)) AS nans, BOOL_OR(ISNAN(loss)) AS diverged FROM runs GROUP BY method, lr ORDER BY method, lr
-- paper: without the runs that diverged
WITH bad AS (SELECT DISTINCT method, lr, seed FROM runs WHERE ISNAN(loss))
SELECT r.method, r.lr, AVG(r.loss) AS loss FROM runs AS r ANTI JOIN bad USING (method, lr, seed) WHERE r.step = 400 GROUP BY r.method, r.lr ORDER BY r.method, r.lr
-- paper: what is missing from the grid
SELECT g.method, g.lr, g.seed, g.step FROM (
  SELECT m.method, l.lr, s.seed, p.step FROM (SELECT DISTINCT method FROM runs) AS m CROSS JOIN (SELECT DISTINCT lr FROM runs) AS l
  CROSS JOIN (SELECT DISTINCT seed FROM runs) AS s CROSS JOIN (SELECT DISTINCT step FROM runs) AS p) AS g
ANTI JOIN (SELECT * FROM runs WHERE loss IS NOT NULL) AS r ON g.method = r.method AND g.lr = r.lr AND g.seed = r.seed AND g.step = r.step
ORDER BY g.method, g.lr, g.seed, g.step
-- paper: rows that stand twice
SELECT method, COUNT(*) AS n FROM u GROUP BY method HAVING COUNT(*) > 1
-- paper: top two per group
SELECT method, seed, accuracy FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY method ORDER BY accuracy DESC, seed, lr) AS r FROM runs WHERE step = 300) AS x
WHERE r <= 2 AND accuracy IS NOT NULL ORDER BY method, r
-- paper: scaled to the range
SELECT method, seed, (score - MIN(score) OVER ()) / (MAX(score) OVER () - MIN(score) OVER ()) AS scaled FROM t ORDER BY method, seed
-- paper: scaled within a group of one value
SELECT method, seed, (score - MIN(score) OVER (PARTITION BY method)) / (MAX(score) OVER (PARTITION BY method) - MIN(score) OVER (PARTITION BY method)) AS scaled
FROM t ORDER BY method, seed
-- paper: change in percent
SELECT step, ROUND(100 * (loss - LAG(loss) OVER (ORDER BY step)) / LAG(loss) OVER (ORDER BY step), 1) AS pct FROM runs WHERE method = 'base' AND lr = 0.001 AND seed = 1 ORDER BY step
-- paper: labels of learning rates
SELECT CASE lr WHEN 1e-4 THEN 'low' WHEN 0.001 THEN 'high' END AS rate, COUNT(*) AS n FROM runs GROUP BY rate ORDER BY rate
-- paper: difference between learning rates
SELECT method, MAX(CASE WHEN lr = 1e-3 THEN a END) - MAX(CASE WHEN lr = 1e-4 THEN a END) AS d
FROM (SELECT method, lr, AVG(accuracy) AS a FROM runs WHERE step = 400 GROUP BY method, lr) AS m GROUP BY method ORDER BY method
-- paper: one column per seed
SELECT method, MAX(accuracy) FILTER (WHERE seed = 0) AS s0, MAX(accuracy) FILTER (WHERE seed = 1) AS s1, MAX(accuracy) FILTER (WHERE seed = 2) AS s2
FROM runs WHERE step = 400 AND lr = 0.001 GROUP BY method ORDER BY method
-- paper: seeds on one line
SELECT method, STRING_AGG(DISTINCT seed::VARCHAR, ',' ORDER BY seed::VARCHAR) AS seeds FROM runs GROUP BY method ORDER BY method
-- paper: log-log slope
SELECT method, COVAR_POP(LN(step), LN(loss)) / VAR_POP(LN(step)) AS slope FROM runs WHERE step > 0 AND loss IS NOT NULL AND method <> 'c' GROUP BY method ORDER BY method
-- paper: slope of a line
SELECT method, REGR_SLOPE(accuracy, step) AS slope, REGR_INTERCEPT(accuracy, step) AS at0 FROM runs WHERE accuracy IS NOT NULL GROUP BY method ORDER BY method
-- paper: fraction within a tolerance of the best
SELECT AVG(CASE WHEN score >= (SELECT MAX(score) FROM t) - 0.4 THEN 1.0 ELSE 0.0 END) AS share FROM t WHERE score IS NOT NULL
-- paper: bold the best
SELECT method, a, CASE WHEN a = MAX(a) OVER () THEN '**' ELSE '' END AS mark FROM (SELECT method, MAX(accuracy) AS a FROM runs GROUP BY method) AS m ORDER BY method
-- paper: several tables beneath each other
SELECT 'runs' AS source, method, COUNT(*) AS n FROM runs GROUP BY method UNION ALL SELECT 't', method, COUNT(*) FROM t GROUP BY method ORDER BY source, method
-- paper: ablation against the full method
WITH m AS (SELECT method, AVG(accuracy) AS a FROM runs WHERE step = 400 GROUP BY method)
SELECT method, a, a - (SELECT a FROM m WHERE method = 'c') AS delta FROM m ORDER BY delta DESC, method
-- paper: baseline that does not exist
SELECT a.method, a.score - b.score AS d FROM t AS a LEFT JOIN t AS b ON b.method = 'nobody' AND a.seed = b.seed WHERE a.k < 3 ORDER BY a.k
-- paper: pairs of a list
SELECT k FROM t WHERE (method, seed) IN (('a', 0), ('b', 1)) ORDER BY k
-- paper: share of correct answers, pooled and averaged
SELECT SUM(correct) * 1.0 / SUM(total) AS pooled, AVG(correct * 1.0 / total) AS averaged FROM t WHERE total > 0
-- paper: histogram with shares
SELECT CAST(FLOOR(accuracy * 10) AS INT) AS bin, COUNT(*) AS n, COUNT(*) / SUM(COUNT(*)) OVER () AS share FROM runs WHERE accuracy IS NOT NULL GROUP BY bin ORDER BY bin
-- paper: cumulative share
SELECT method, n, SUM(n) OVER (ORDER BY n DESC, method) * 1.0 / SUM(n) OVER () AS share FROM (SELECT method, COUNT(*) AS n FROM t GROUP BY method) AS c ORDER BY n DESC, method
-- paper: confidence interval as a condition
SELECT a.method FROM (SELECT method, AVG(accuracy) AS m, STDDEV(accuracy) / SQRT(COUNT(accuracy)) AS se FROM runs WHERE step = 400 GROUP BY method) AS a
JOIN (SELECT AVG(accuracy) AS m FROM runs WHERE step = 400 AND method = 'base') AS b ON a.m - 2 * a.se > b.m ORDER BY a.method
