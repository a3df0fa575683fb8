"""Random expressions, conditions, aggregates and windows for `generate.py`.

They are drawn by type, so that nearly all of them run. A `Scope` holds the columns that a query can name.
"""

import random

from tables import TABLES

# Columns left out: their numbers are so large that sums and squares overflow.
LARGE = {("t", "big"), ("wide", "id"), ("wide", "Größe")}
# The columns that tell the rows of a table apart, for windows and limits.
KEYS = {"runs": ["method", "lr", "seed", "step"], "t": ["method", "seed"], "u": ["label"], "n": ["method", "x"],
        "wide": ["select"], "empty": ["method", "seed"]}
COMPARISONS = ["=", "<>", "<", "<=", ">", ">="]
NUMBERS = ("int", "float")


class Column:
    def __init__(self, sql, type_, values):
        self.sql, self.type, self.values = sql, type_, [value for value in values if value is not None]


class Scope:
    """The columns of one table, or of several joined, and the condition that every query over them must carry."""

    def __init__(self, source, columns, keys):
        self.source, self.columns, self.keys = source, columns, keys

    def of(self, *types):
        return [column for column in self.columns if column.type in types]


def quoted(name):
    plain = name.isascii() and name.isidentifier() and name == name.lower() and name not in ("order", "on", "select")
    return name if plain else '"' + name.replace('"', '""') + '"'


def table(name, alias=None):
    prefix = f"{alias}." if alias else ""
    columns = []
    for at, (column, type_) in enumerate(TABLES[name]["columns"]):
        if (name, column) not in LARGE:
            columns.append(Column(prefix + quoted(column), type_, [row[at] for row in TABLES[name]["rows"]]))
    return Scope(name + (f" AS {alias}" if alias else ""), columns, [prefix + quoted(key) for key in KEYS[name]])


class Expressions:
    """Draws expressions and conditions over the columns of a scope."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def chance(self, share):
        return self.random.random() < share

    def pick(self, things):
        return things[self.random.randrange(len(things))]

    def some(self, things, most):
        return self.random.sample(things, min(len(things), self.random.randint(1, most)))

    def column(self, scope, *types):
        return self.pick(scope.of(*types) or scope.columns)

    def literal(self, column):
        """A value of the column as SQL writes it, so that conditions are neither always nor never true."""
        values = [value for value in column.values if value == value and abs_(value) < 1e15]
        if not values:
            return {"text": "'a'", "bool": "TRUE"}.get(column.type, "1")
        value = self.pick(values)
        if isinstance(value, bool):
            return str(value).upper()
        if isinstance(value, str):
            return "'" + value.replace("'", "''") + "'"
        return repr(value)

    def number(self, scope, depth=2):
        if not scope.of(*NUMBERS):
            return str(self.random.randint(0, 5))
        column = self.column(scope, *NUMBERS)
        if depth == 0 or self.chance(0.3):
            return column.sql
        inner = self.number(scope, depth - 1)
        kind = self.random.randrange(15)
        if kind == 13:
            return f"CAST({column.sql} AS DOUBLE) {self.pick(['+', '*', '/'])} {self.pick(['2', '3', '0.25'])}"
        if kind == 14:
            return f"IF({self.condition(scope, 0)}, {column.sql}, NULL)"
        if kind == 0:
            return f"{column.sql} {self.pick(['+', '-', '*'])} {self.pick(['1', '2', '0.5', '10'])}"
        if kind == 1:
            return f"({inner} {self.pick(['+', '-'])} {column.sql})"
        if kind == 2:
            return f"{inner} / NULLIF({column.sql}, 0)"
        if kind == 3:
            return f"ABS({inner})"
        if kind == 4:
            return f"COALESCE({inner}, {self.pick(['0', '-1', '0.5'])})"
        if kind == 5:
            return f"CASE WHEN {self.condition(scope, 0)} THEN {column.sql} ELSE {self.pick(['0', '1.5', inner])} END"
        if kind == 6:
            return f"{self.pick(['GREATEST', 'LEAST'])}({inner}, {column.sql})"
        if kind == 7:
            return f"SQRT(ABS({inner}))"
        if kind == 8:
            return f"-({inner})"
        if kind == 9 and scope.of("int"):
            return f"{self.column(scope, 'int').sql} {self.pick(['%', '//'])} {self.pick(['2', '3', '100'])}"
        if kind == 10 and scope.of("text"):
            return f"LENGTH({self.column(scope, 'text').sql})"
        if kind == 11:
            return f"{self.pick(['FLOOR', 'CEIL'])}({inner})"
        return f"NULLIF({column.sql}, {self.literal(column)})"

    def text(self, scope):
        if not scope.of("text"):
            return "'none'"
        column = self.column(scope, "text")
        kind = self.random.randrange(10)
        if kind == 8 and scope.of("int"):
            return f"CAST({self.column(scope, 'int').sql} AS VARCHAR)"
        if kind == 9:
            return f"REPLACE({column.sql}, 'a', '{self.pick(['', 'A', 'aa'])}')"
        if kind == 0:
            return f"{self.pick(['UPPER', 'LOWER'])}({column.sql})"
        if kind == 1 and scope.of("int"):
            return f"{column.sql} || '-' || {self.column(scope, 'int').sql}"
        if kind == 2:
            return f"COALESCE({column.sql}, 'none')"
        if kind == 3:
            return f"SUBSTR({column.sql}, {self.random.randint(1, 3)}, {self.random.randint(1, 3)})"
        if kind == 4:
            return f"CASE WHEN {self.condition(scope, 0)} THEN 'yes' ELSE 'no' END"
        if kind == 5:
            return f"CONCAT({column.sql}, '/', {self.column(scope, 'int', 'text').sql})"
        return column.sql

    def condition(self, scope, depth=1):
        kind = self.random.randrange(13 if depth else 9)
        column = self.column(scope, "int", "float", "text")
        if column.type not in ("int", "float", "text"):
            return f"{column.sql} IS NOT NULL"
        if kind <= 2:
            comparison = self.pick(COMPARISONS) if self.chance(0.9) else self.pick(["IS DISTINCT FROM", "IS NOT DISTINCT FROM"])
            return f"{column.sql} {comparison} {self.literal(column)}"
        if kind == 3:
            values = ", ".join(dict.fromkeys(self.literal(column) for _ in range(self.random.randint(1, 3))))
            return f"{column.sql} {self.pick(['IN', 'NOT IN'])} ({values})"
        if kind == 4:
            lo, hi = sorted([self.literal(column), self.literal(column)])
            return f"{column.sql} {self.pick(['BETWEEN', 'NOT BETWEEN'])} {lo} AND {hi}"
        if kind == 5:
            return f"{self.pick(scope.columns).sql} IS {self.pick(['NULL', 'NOT NULL', 'NOT NULL'])}"
        if kind == 6 and scope.of("text"):
            pattern = self.pick(["a%", "%a%", "_", "%e", "b%", "%1"])
            return f"{self.column(scope, 'text').sql} {self.pick(['LIKE', 'NOT LIKE', 'ILIKE'])} '{pattern}'"
        if kind == 7 and scope.of("bool"):
            return self.pick(["{}", "NOT {}", "{} IS TRUE", "{} IS NOT TRUE"]).format(self.column(scope, "bool").sql)
        if kind == 8 and len(scope.of(*NUMBERS)) > 1:
            return f"{self.number(scope, 1)} {self.pick(COMPARISONS)} {self.column(scope, *NUMBERS).sql}"
        if kind in (9, 10) and depth:
            return f"{self.condition(scope, 0)} {self.pick(['AND', 'OR'])} {self.condition(scope, 0)}"
        if kind == 11:
            return f"NOT ({self.condition(scope, depth - 1)})"
        if kind == 12:
            return f"({self.condition(scope, 0)} OR {self.condition(scope, 0)}) AND {self.condition(scope, 0)}"
        return f"{column.sql} {self.pick(COMPARISONS)} {self.literal(column)}"

    def aggregate(self, scope):
        """An aggregate and the type of its value."""
        number = self.number(scope, 1)
        distinct = "DISTINCT " if self.chance(0.15) else ""
        kind = self.random.randrange(20)
        texts = scope.of("text")
        if kind == 15 and texts:
            text = self.pick(texts).sql
            call, type_ = f"STRING_AGG({distinct}{text}, ',' ORDER BY {text}{self.pick(['', ' DESC'])})", "text"
        elif kind == 16 and texts:
            call, type_ = f"{self.pick(['ARG_MAX', 'ARG_MIN'])}({self.pick(texts).sql}, {number})", "text"
        elif kind == 17:
            call, type_ = f"{self.pick(['CORR', 'COVAR_SAMP', 'COVAR_POP'])}({number}, {self.number(scope, 0)})", "float"
        elif kind == 18:
            return f"{self.pick(['BOOL_AND', 'BOOL_OR'])}({self.condition(scope)})", "bool"
        elif kind == 19:
            call, type_ = f"MODE({self.pick(scope.columns).sql})", "mode"
        elif kind == 0:
            call, type_ = "COUNT(*)", "int"
        elif kind == 1:
            call, type_ = f"COUNT({distinct}{self.pick(scope.columns).sql})", "int"
        elif kind <= 4:
            call, type_ = f"AVG({distinct}{number})", "float"
        elif kind <= 6:
            call, type_ = f"SUM({distinct}{number})", "float"
        elif kind <= 8:
            call, type_ = f"{self.pick(['MIN', 'MAX'])}({number})", "float"
        elif kind == 9:
            call, type_ = f"MEDIAN({number})", "float"
        elif kind == 10:
            name = self.pick(["QUANTILE_CONT", "QUANTILE_DISC"])
            call, type_ = f"{name}({number}, {self.pick(['0.1', '0.25', '0.5', '0.9'])})", "float"
        elif kind == 11:
            call, type_ = f"{self.pick(['STDDEV', 'VAR_SAMP', 'STDDEV_POP', 'VARIANCE'])}({number})", "float"
        elif kind == 12 and texts:
            call, type_ = f"{self.pick(['MIN', 'MAX'])}({self.pick(texts).sql})", "text"
        elif kind == 13:
            return f"SUM(CASE WHEN {self.condition(scope)} THEN 1 ELSE 0 END)", "int"
        else:
            return f"COUNT_IF({self.condition(scope)})", "int"
        if self.chance(0.15):
            call += f" FILTER (WHERE {self.condition(scope)})"
        return call, type_

    def window(self, scope):
        """A window function whose order tells all rows apart, unless ties share their value."""
        partition = ""
        groups = scope.of("text", "bool", "int")
        if groups and self.chance(0.75):
            partition = f"PARTITION BY {self.pick(groups).sql}"
        keys = [key + self.pick(["", " DESC"]) for key in scope.keys]
        first = self.pick(scope.columns).sql + self.pick(["", " DESC", " DESC", " NULLS FIRST"])
        tied = f"ORDER BY {first}"
        total = "ORDER BY " + ", ".join([first, *keys])
        number = self.number(scope, 1)
        aggregate = self.pick(["AVG", "SUM", "MIN", "MAX", "COUNT"])
        frame = self.pick(["", "ROWS BETWEEN 1 PRECEDING AND CURRENT ROW", "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
                           "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING", "ROWS 2 PRECEDING",
                           "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING"])
        kind = self.random.randrange(9)
        call, parts = {
            0: ("ROW_NUMBER()", [partition, total]),
            1: (self.pick(["RANK()", "DENSE_RANK()"]), [partition, tied]),
            2: (f"{aggregate}({number})", [partition]),
            3: (f"{aggregate}({number})", [partition, tied]),
            4: (f"{aggregate}({number})", [partition, total, frame]),
            5: (f"{self.pick(['LAG', 'LEAD'])}({number})", [partition, total]),
            6: (f"{self.pick(['FIRST_VALUE', 'LAST_VALUE'])}({number})", [partition, total, frame]),
            7: (self.pick(["PERCENT_RANK()", "CUME_DIST()"]), [partition, tied]),
            8: (f"NTILE({self.random.randint(2, 4)})", [partition, total]),
        }[kind]
        return f"{call} OVER ({' '.join(part for part in parts if part)})"


def abs_(value):
    return abs(value) if isinstance(value, (int, float)) else 0
