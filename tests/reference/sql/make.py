"""Makes `tables.json` and `cases.json`: queries over result tables and the rows that DuckDB answers.

    python -m venv VENV
    VENV/bin/pip install -r tests/reference/sql/requirements.txt
    VENV/bin/python tests/reference/sql/make.py

The queries are `queries.sql` (written by hand) and those of `generate.py` (drawn from a fixed seed). Each is run as it
stands, then once more by etude's own rules (`rules.py`); where the two differ, the case carries both answers. Every query
also runs over shuffled tables: one whose answer depends on the order of the rows is refused, or dropped if it was drawn.
The same version of DuckDB gives the same bytes. README.md describes the files.
"""

import argparse
import collections
import decimal
import json
import math
import random
import re
from pathlib import Path

import duckdb

import generate
import rules
from tables import TABLES

HERE = Path(__file__).parent
TYPES = {"text": "VARCHAR", "int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN"}
HEADER = re.compile(r"^-- (\w[\w-]*): (.*?)(?: \[(.*)\])?$")


def connect(shuffle=None):
    """A database with the tables; with `shuffle`, their rows in another order, and with 0 in the reverse one."""
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute(rules.MACROS)
    for name, table in TABLES.items():
        columns = ", ".join(f"{quoted(column)} {TYPES[type_]}" for column, type_ in table["columns"])
        connection.execute(f"CREATE TABLE {name} ({columns})")
        rows = list(table["rows"])
        if shuffle == 0:
            rows.reverse()
        elif shuffle:
            random.Random(shuffle).shuffle(rows)
        if rows:
            marks = ", ".join("?" for _ in table["columns"])
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
    return connection


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


class Answer:
    """What DuckDB says to a query: columns and rows, or an error."""

    def __init__(self, connection, sql, permissive=False):
        connection.execute(f"SET error_on_division_by_zero = {str(not permissive).lower()}")
        self.columns, self.rows, self.error = None, None, None
        try:
            found = connection.execute(sql)
            self.columns = [column[0] for column in found.description]
            self.rows = [[plain(value) for value in row] for row in found.fetchall()]
        except duckdb.Error as error:
            self.error = short(error)

    def same(self, other, ordered):
        if self.error or other.error:
            return bool(self.error) == bool(other.error)
        left, right = (self.rows, other.rows) if ordered else (canonical(self.rows), canonical(other.rows))
        return self.columns == other.columns and len(left) == len(right) and all(map(same_row, left, right))


def plain(value):
    return float(value) if isinstance(value, decimal.Decimal) else value


def short(error):
    """The kind of an error and its first line."""
    text = str(error).splitlines()[0]
    return text if len(text) <= 120 else text[:117] + "..."


def canonical(rows):
    """The rows sorted by value, whatever their types."""
    def key(value):
        if value is None:
            return (3, 0, "")
        if isinstance(value, str):
            return (2, 0, value)
        if isinstance(value, float) and math.isnan(value):
            return (1, 0, "")
        # Floats that differ by rounding alone must not change the order.
        return (0, float(f"{value:.8e}") if isinstance(value, float) else value, "")
    return sorted(rows, key=lambda row: [key(value) for value in row])


def same_row(left, right):
    return len(left) == len(right) and all(map(same_value, left, right))


def same_value(left, right):
    numbers = (int, float)
    if isinstance(left, bool) or isinstance(right, bool) or not (isinstance(left, numbers) and isinstance(right, numbers)):
        return type(left) is type(right) and left == right
    if math.isnan(left) or math.isnan(right):
        return math.isnan(left) and math.isnan(right)
    return left == right or (math.isfinite(left) and math.isclose(left, right, rel_tol=1e-9))


class Reference:
    """The databases: one in the written order, some shuffled."""

    def __init__(self):
        self.connection = connect()
        self.shuffled = [connect(shuffle) for shuffle in range(5)]

    def case(self, topic, name, sql, flags=()):
        """A case, or None where the answer depends on the order of the rows and `input-order` is not among the flags."""
        flags = dict(flag.split("=") if "=" in flag else (flag, "") for flag in flags)
        case = {"name": name, "topic": topic, "sql": sql}
        native = Answer(self.connection, sql)
        etude, choices = self.etude(sql, native)
        if "input-order" in flags:
            case["input_order"] = ordered = True
        else:
            ordered = self.ordered(sql)
            if ordered is None:
                return None
        case["ordered"] = ordered
        if native.error:
            case["error"] = native.error
        else:
            case["columns"], case["rows"] = native.columns, written(native.rows, ordered)
        if "refuse" in flags:
            case["choice"], case["error_etude"] = flags["refuse"], flags["refuse"]
        elif "open" in flags:
            case["choice"] = flags["open"]
        elif etude.columns and len(set(etude.columns)) < len(etude.columns):
            case["choice"], case["error_etude"] = "same-name", "same-name"
        elif overflows(etude):
            case["choice"], case["error_etude"] = "int-overflow", "int-overflow"
        elif not native.same(etude, ordered):
            case["choice"] = ",".join(choices)
            if etude.error:
                case["error_etude"] = etude.error
            else:
                case["columns"] = etude.columns
                case["rows_etude"] = written(etude.rows, ordered)
        return case

    def etude(self, sql, native):
        """The answer by etude's rules, and the rules that made it another one."""
        def ask(chosen):
            try:
                return Answer(self.connection, rules.rewrite(self.connection, sql, chosen), "zero-division" in chosen)
            except duckdb.Error as error:  # the text is no query
                return Answer(self.connection, sql) if native.error else raise_(error)
        every = list(rules.RULES)
        answer = ask(every)
        if answer.error:  # `avg-bool` cannot be said of text
            every.remove("avg-bool")
            answer = ask(every)
        if answer.error and not native.error:
            raise SystemExit(f"the rewritten query fails: {sql}\n  {answer.error}")
        if native.same(answer, True):
            return answer, []
        alone = [rule for rule in every if not native.same(ask([rule]), True)]
        together = [rule for rule in every if not answer.same(ask([each for each in every if each != rule]), True)]
        return answer, [rule for rule in rules.RULES if rule in alone or rule in together]

    def ordered(self, sql):
        """Whether the query fixes the order of its rows; None if it does not even fix the rows."""
        asked = [(sql, False)]
        if not Answer(self.connection, sql, True).error:
            asked.append((rules.floats(sql), True))
        ordered = rules.has_order(self.connection, sql)
        for text, permissive in asked:
            first = Answer(self.connection, text, permissive)
            for connection in self.shuffled:
                other = Answer(connection, text, permissive)
                if not first.same(other, False):
                    return None
                ordered = ordered and first.same(other, True)
        return ordered


def almost_equal(rows):
    """Whether a column holds two floats that rounding alone tells apart: their order is an accident of the summation."""
    for column in zip(*rows):
        floats = sorted({value for value in column if isinstance(value, float) and math.isfinite(value)})
        if any(math.isclose(left, right, rel_tol=1e-9) for left, right in zip(floats, floats[1:])):
            return True
    return False


def raise_(error):
    raise error


def overflows(answer):
    return bool(answer.rows) and any(
        isinstance(value, int) and not -(2**63) <= value < 2**63 for row in answer.rows for value in row)


def written(rows, ordered):
    """Rows as JSON takes them: NaN and infinities as text."""
    def value(each):
        if isinstance(each, float) and not math.isfinite(each):
            return "NaN" if math.isnan(each) else "inf" if each > 0 else "-inf"
        if each is not None and not isinstance(each, (bool, int, float, str)):
            raise SystemExit(f"a value of another type: {each!r}")
        return each
    return [[value(each) for each in row] for row in (rows if ordered else canonical(rows))]


def handwritten():
    """(topic, name, sql, flags) of each query in queries.sql."""
    header, lines = None, []
    for line in [*(HERE / "queries.sql").read_text(encoding="utf-8").splitlines(), "-- end: end"]:
        found = HEADER.match(line)
        if not found:
            lines.append(line)
            continue
        if header:
            topic, name, flags = header
            yield topic, name, "\n".join(lines).strip().rstrip(";"), (flags or "").split()
        header, lines = found.groups(), []


def line_by_line(things):
    return "[\n" + ",\n".join(json.dumps(thing, ensure_ascii=False) for thing in things) + "\n]\n"


def main():
    arguments = argparse.ArgumentParser(description="Makes tables.json and cases.json.")
    arguments.add_argument("--count", type=int, default=520, help="how many generated queries to keep")
    arguments.add_argument("--errors", action="store_true", help="list the written queries that DuckDB refuses")
    chosen = arguments.parse_args()

    tables = {name: {"columns": [list(column) for column in table["columns"]], "rows": written(table["rows"], True)}
              for name, table in TABLES.items()}
    text = ",\n".join(f"{json.dumps(name)}: {json.dumps(table, ensure_ascii=False)}" for name, table in tables.items())
    (HERE / "tables.json").write_text("{\n" + text + "\n}\n", encoding="utf-8")

    reference, cases, faults = Reference(), [], []
    for topic, name, sql, flags in handwritten():
        case = reference.case(topic, f"{topic}: {name}", sql, flags)
        if case is None:
            faults.append(f"the answer depends on the order of the rows: {topic}: {name}: {sql}")
        elif chosen.errors and "error" in case:
            print(f"{name}: {case['error']} ({case.get('choice', 'no choice')})")
        cases.append(case)
    for name, number in collections.Counter(case["name"] for case in cases if case).items():
        if number > 1:
            faults.append(f"{number} queries have the name {name}")
    if faults:
        raise SystemExit("\n".join(faults))
    by_hand, empty = len(cases), 0

    for topic, name, sql in generate.queries():
        if len(cases) - by_hand == chosen.count:
            break
        case = reference.case(topic, name, sql)
        if not case or "error" in case or len(case["rows"]) > 40 or almost_equal(case["rows"]):
            continue
        if not case["rows"]:
            empty += 1
            if empty % 6:  # a few queries without rows are enough
                continue
        cases.append(case)
    (HERE / "cases.json").write_text(line_by_line(cases), encoding="utf-8")

    print(f"{by_hand} written and {len(cases) - by_hand} generated queries")
    print("topics:", dict(sorted(collections.Counter(case["topic"] for case in cases).items())))
    print("choices:", dict(sorted(collections.Counter(case["choice"] for case in cases if "choice" in case).items())))
    print("errors:", sum("error" in case for case in cases), "ordered:", sum(case["ordered"] for case in cases))


if __name__ == "__main__":
    main()
