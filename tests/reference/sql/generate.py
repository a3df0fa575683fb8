"""Queries drawn at random over the tables, always the same ones: make.py keeps those with one answer.

Expressions are drawn by type, so that nearly all of them run. A `Scope` holds the columns that a query can name.
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


class Draw:
    """Draws expressions, conditions and queries."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def chance(self, share):
        return self.random.random() < share

    def pick(self, things):
        return things[self.random.randrange(len(things))]

    def some(self, things, most):
        return self.random.sample(things, min(len(things), self.random.randint(1, most)))

    # Expressions

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
        kind = self.random.randrange(13)
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
        kind = self.random.randrange(8)
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
            return f"{column.sql} {self.pick(COMPARISONS)} {self.literal(column)}"
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
        kind = self.random.randrange(15)
        if kind == 0:
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
        elif kind == 12 and scope.of("text"):
            call, type_ = f"{self.pick(['MIN', 'MAX'])}({self.column(scope, 'text').sql})", "text"
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

    # Queries

    def source(self):
        """A table or a join."""
        name = self.pick(["runs", "runs", "runs", "t", "t", "t", "u", "n", "n", "wide", "wide", "empty"])
        return table(name)

    def join(self):
        left, right = self.pick([("t", "u"), ("u", "t"), ("runs", "u"), ("t", "t"), ("runs", "runs"), ("t", "runs"),
                                 ("u", "empty"), ("n", "n"), ("t", "n"), ("runs", "t")])
        a, b = table(left, "a"), table(right, "b")
        on = "a.method = b.method"
        shared = [key for key in ("lr", "seed", "step")
                  if all(key in dict(TABLES[name]["columns"]) for name in (left, right))]
        if left == right == "runs":
            kept = self.some(shared, 3)
            on = " AND ".join(f"a.{key} = b.{key}" for key in kept)
            on += f" AND b.method = {self.pick(['$base$', '$a$'])}".replace("$", "'")
            if self.chance(0.3):
                on = " AND ".join(f"a.{key} = b.{key}" for key in shared) + " AND a.method < b.method"
        elif shared and self.chance(0.6):
            on += "".join(f" AND a.{key} = b.{key}" for key in shared)
        if self.chance(0.3):
            on += f" AND {self.condition(self.pick([a, b]), 0)}"
        kind = self.pick(["JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN"])
        sides = a.columns if kind in ("SEMI JOIN", "ANTI JOIN") else a.columns + b.columns
        keys = a.keys if kind in ("SEMI JOIN", "ANTI JOIN") else a.keys + b.keys
        return Scope(f"{a.source} {kind} {b.source} ON {on}", sides, keys)

    def derived(self):
        """A grouped subquery as a source."""
        inner = self.pick([table("runs"), table("runs"), table("t"), table("n")])
        key = self.pick(inner.of("text", "int", "bool"))
        calls = [self.aggregate(inner) for _ in range(2)]
        columns = [Column("g", key.type, key.values)]
        selected = [f"{key.sql} AS g"]
        for at, (call, type_) in enumerate(calls):
            columns.append(Column(f"v{at}", type_, [0.5, 1, 2, 20] if type_ != "text" else ["a", "b"]))
            selected.append(f"{call} AS v{at}")
        where = f" WHERE {self.condition(inner)}" if self.chance(0.4) else ""
        return f"SELECT {', '.join(selected)} FROM {inner.source}{where} GROUP BY {key.sql}", columns

    def where(self, scope, share=0.6):
        return f" WHERE {self.condition(scope)}" if self.chance(share) else ""

    def ordering(self, count, limit=0.3):
        """ORDER BY over all columns of the result, so that the rows stand in one order."""
        if self.chance(0.25):
            return ""
        names = [f"c{at}" for at in range(count)]
        self.random.shuffle(names)
        ends = ["", "", " DESC", " DESC", " NULLS FIRST", " DESC NULLS FIRST", " DESC NULLS LAST"]
        clause = " ORDER BY " + ", ".join(name + self.pick(ends) for name in names)
        if self.chance(limit):
            clause += f" LIMIT {self.random.randint(1, 12)}"
            if self.chance(0.3):
                clause += f" OFFSET {self.random.randint(1, 5)}"
        return clause

    def plain(self, scope, distinct=0.15):
        number = self.random.randint(1, 3)
        expressions = [self.pick([self.number(scope), self.text(scope), self.pick(scope.columns).sql]) for _ in range(number)]
        if self.chance(0.15):
            expressions.append(self.condition(scope))
        head = "SELECT DISTINCT" if self.chance(distinct) else "SELECT"
        return f"{head} {listed(expressions)} FROM {scope.source}{self.where(scope)}", len(expressions)

    def grouped(self, scope):
        keys = [self.pick([column.sql, column.sql, self.text(scope)]) if column.type == "text" else column.sql
                for column in self.some(scope.of("text", "int", "bool") or scope.columns, 2)]
        if self.chance(0.15):
            keys = [f"CASE WHEN {self.condition(scope)} THEN 'yes' ELSE 'no' END"]
        calls = [self.aggregate(scope)[0] for _ in range(self.random.randint(1, 3))]
        if self.chance(0.15):
            calls.append(f"MAX(AVG({self.column(scope, *NUMBERS).sql})) OVER ()")
        by = self.pick([", ".join(keys), ", ".join(str(at + 1) for at in range(len(keys))),
                        ", ".join(f"c{at}" for at in range(len(keys))), "ALL"])
        having = ""
        if self.chance(0.25):
            having = " HAVING " + self.pick(["COUNT(*) > 1", "COUNT(*) >= 2", f"{calls[0]} IS NOT NULL",
                                             f"AVG({self.number(scope, 0)}) > {self.pick(['0.4', '1', '2'])}"])
        expressions = keys + calls
        return f"SELECT {listed(expressions)} FROM {scope.source}{self.where(scope)} GROUP BY {by}{having}", len(expressions)

    def totals(self, scope):
        calls = [self.aggregate(scope)[0] for _ in range(self.random.randint(1, 4))]
        return f"SELECT {listed(calls)} FROM {scope.source}{self.where(scope)}", len(calls)

    def windowed(self, scope):
        expressions = [*scope.keys[:3], *(self.window(scope) for _ in range(self.random.randint(1, 2)))]
        qualify = ""
        if self.chance(0.25):
            order = ", ".join([self.pick(scope.columns).sql + self.pick(["", " DESC"]), *scope.keys])
            partition = self.pick(scope.of("text", "int", "bool") or scope.columns).sql
            qualify = f" QUALIFY ROW_NUMBER() OVER (PARTITION BY {partition} ORDER BY {order}) <= {self.random.randint(1, 2)}"
        return f"SELECT {listed(expressions)} FROM {scope.source}{self.where(scope)}{qualify}", len(expressions)

    def nested(self, scope):
        """Subqueries in the select list and in conditions."""
        other = self.pick([table("t"), table("u"), table("runs"), table("n")])
        kind = self.random.randrange(4)
        column = self.column(scope, *NUMBERS)
        if kind == 0:
            expressions = [self.pick(scope.columns).sql, f"{column.sql} - (SELECT {self.scalar(other)})"]
            return f"SELECT {listed(expressions)} FROM {scope.source}{self.where(scope)}", 2
        expressions = [self.pick(scope.columns).sql for _ in range(2)]
        if kind == 1:
            condition = f"{column.sql} {self.pick(COMPARISONS)} (SELECT {self.scalar(scope)})"
        elif kind == 2 and scope.of("text"):
            name = self.pick(["IN", "IN", "NOT IN"])
            condition = f"{self.column(scope, 'text').sql} {name} (SELECT {self.column(other, 'text').sql} FROM {other.source}{self.where(other)})"
        else:
            condition = f"{self.pick(['EXISTS', 'NOT EXISTS'])} (SELECT 1 FROM {other.source} WHERE {self.condition(other)})"
        if self.chance(0.4):
            condition += f" AND {self.condition(scope, 0)}"
        return f"SELECT {listed(expressions)} FROM {scope.source} WHERE {condition}", 2

    def scalar(self, scope):
        inner = scope.source.split(" ")[0]
        plain = table(inner)
        name = self.pick(["AVG", "MAX", "MIN", "MEDIAN"])
        return f"{name}({self.column(plain, *NUMBERS).sql}) FROM {inner}{self.where(plain, 0.4)}"

    def with_cte(self):
        """A grouped CTE, read alone or joined to its table."""
        inner, columns = self.derived()
        scope = Scope("g", columns, ["g"])
        if self.chance(0.5):
            base = table(self.pick(["t", "runs", "u", "n"]), "b")
            key = columns[0].type
            matching = [column for column in base.columns if column.type == key]
            if matching:
                renamed = [Column(f"g.{column.sql}", column.type, column.values) for column in columns]
                on = f"g.g = {self.pick(matching).sql}"
                scope = Scope(f"{base.source} {self.pick(['JOIN', 'LEFT JOIN'])} g ON {on}", base.columns + renamed, base.keys)
        query, count = self.pick([self.plain, self.grouped, self.totals, self.windowed])(scope)
        return f"WITH g AS ({inner}) {query}", count

    def from_derived(self):
        inner, columns = self.derived()
        return self.pick([self.plain, self.grouped, self.windowed])(Scope(f"({inner}) AS d", columns, ["g"]))

    def combined(self):
        """Set operations over queries of the same types."""
        kind, number = self.pick(["text", "number", "both"]), self.random.randint(2, 3)
        parts = []
        for _ in range(number):
            scope = self.pick([table("t"), table("runs"), table("u"), table("n"), table("wide")])
            text = self.column(scope, "text").sql
            value = self.column(scope, *NUMBERS).sql
            selected = {"text": [text], "number": [value], "both": [text, value]}[kind]
            parts.append(f"SELECT {listed(selected)} FROM {scope.source}{self.where(scope, 0.7)}")
        query = parts[0]
        for part in parts[1:]:
            query += f" {self.pick(['UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT'])} {part}"
        return query, 2 if kind == "both" else 1

    def query(self):
        """(topic, sql)"""
        topic = self.pick(["star", "plain", "group", "group", "group", "totals", "join", "join", "join", "window", "window",
                           "subquery", "cte", "cte", "from", "set"])
        if topic == "star":
            scope = self.source()
            columns = ", ".join(column.sql for column in scope.columns)
            return topic, f"SELECT * FROM {scope.source}{self.where(scope, 1)} ORDER BY {columns} LIMIT {self.random.randint(1, 9)}"
        if topic == "join":
            query, count = self.pick([self.plain, self.plain, self.grouped, self.grouped, self.totals, self.windowed])(self.join())
        elif topic in ("cte", "from", "set"):
            query, count = {"cte": self.with_cte, "from": self.from_derived, "set": self.combined}[topic]()
        else:
            draw = {"plain": self.plain, "group": self.grouped, "totals": self.totals, "window": self.windowed,
                    "subquery": self.nested}[topic]
            query, count = draw(self.source())
        return topic, query + self.ordering(count)


def abs_(value):
    return abs(value) if isinstance(value, (int, float)) else 0


def listed(expressions):
    return ", ".join(f"{expression} AS c{at}" for at, expression in enumerate(expressions))


def queries(seed=20240301, most=20000):
    """(topic, name, sql), without repetition."""
    draw, seen = Draw(seed), set()
    for _ in range(most):
        topic, sql = draw.query()
        if sql not in seen:
            seen.add(sql)
            yield topic, f"generated {len(seen)}", sql
