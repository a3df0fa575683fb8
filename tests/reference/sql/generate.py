"""Queries drawn at random over the tables, always the same ones: make.py keeps those with one answer."""

from expressions import COMPARISONS, NUMBERS, Column, Expressions, Scope, table
from tables import TABLES


class Draw(Expressions):
    """Draws queries."""

    def source(self):
        """A table or a join."""
        name = self.pick(["runs", "runs", "runs", "t", "t", "t", "u", "n", "n", "wide", "wide", "empty"])
        return table(name)

    def join(self):
        """Two or three tables."""
        if self.chance(0.3):
            return self.other_join()
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

    def other_join(self):
        """USING, a comma, CROSS JOIN, NATURAL JOIN, and three tables."""
        kind = self.random.randrange(5)
        if kind == 0:
            left, right = self.pick([("t", "u"), ("runs", "u"), ("n", "u"), ("t", "n"), ("t", "empty")])
            a, b = table(left, "a"), table(right, "b")
            join = self.pick(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
            key = Column("method", "text", ["a", "b", "c"])
            columns = [key] + [column for column in a.columns + b.columns if not column.sql.endswith(".method")]
            return Scope(f"{a.source} {join} {b.source} USING (method)", columns, ["method", *a.keys, *b.keys])
        if kind == 1:
            a, b = table("t", "a"), table(self.pick(["u", "t"]), "b")
            return Scope(f"{a.source}, {b.source}", a.columns + b.columns, a.keys + b.keys)
        if kind == 2:
            a, b = table(self.pick(["u", "n"]), "a"), table("u", "b")
            return Scope(f"{a.source} CROSS JOIN {b.source}", a.columns + b.columns, a.keys + b.keys)
        if kind == 3:
            a = table("t")
            inner = f"(SELECT method, MAX({self.pick(['accuracy', 'loss', 'step'])}) AS top FROM runs GROUP BY method) AS r"
            columns = [*a.columns, Column("top", "float", [0.5, 0.8, 1, 400])]
            return Scope(f"t NATURAL {self.pick(['JOIN', 'LEFT JOIN'])} {inner}", columns, a.keys)
        a, b, c = table("t", "a"), table("u", "b"), table(self.pick(["n", "runs"]), "c")
        joins = [self.pick(["JOIN", "LEFT JOIN"]) for _ in range(2)]
        on = self.pick(["a.method = c.method", "b.method = c.method", "a.score < c.x" if c.source.startswith("n ") else "a.seed = c.seed AND c.step = 400"])
        source = f"{a.source} {joins[0]} {b.source} ON a.method = b.method {joins[1]} {c.source} ON {on}"
        return Scope(source, a.columns + b.columns + c.columns, a.keys + b.keys + c.keys)

    def derived(self):
        """A grouped subquery as a source."""
        inner = self.pick([table("runs"), table("runs"), table("t"), table("n")])
        key = self.pick(inner.of("text", "int", "bool"))
        calls = []
        while len(calls) < 2:
            call, type_ = self.aggregate(inner)
            if type_ != "mode":
                calls.append((call, type_))
        values = {"text": ["a", "b"], "bool": [True, False], "int": [0, 1, 2, 5], "float": [0.5, 1, 2, 20]}
        columns = [Column("g", key.type, key.values)]
        selected = [f"{key.sql} AS g"]
        for at, (call, type_) in enumerate(calls):
            columns.append(Column(f"v{at}", type_, values[type_]))
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
