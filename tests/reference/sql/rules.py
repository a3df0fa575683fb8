"""Etude's own rules, said to DuckDB: the syntax tree of a query is rewritten so that DuckDB answers as etude should.

A rule is a function on one node of the tree that `json_serialize_sql` gives. README.md lists the rules.
"""

import copy
import json
import re

MACROS = """
CREATE MACRO is_nan(x) AS (COALESCE(typeof(x) IN ('DOUBLE', 'FLOAT') AND isnan(TRY_CAST(x AS DOUBLE)), false));
CREATE MACRO hole(x) AS (CASE WHEN is_nan(x) THEN NULL ELSE x END);
CREATE MACRO nan_last(x) AS (CASE WHEN x IS NULL THEN NULL ELSE struct_pack(known := NOT is_nan(x), value := x) END);
CREATE MACRO number(x) AS (CASE WHEN typeof(x) = 'BOOLEAN' THEN TRY_CAST(x AS INTEGER) ELSE x END);
"""

# Of these DuckDB loses a NaN, or takes it for the greatest number.
ORDER_AGGREGATES = {"min", "median", "quantile_cont", "quantile_disc", "quantile", "var_pop", "stddev_pop", "product"}
ARG_AGGREGATES = {"arg_max", "arg_min", "max_by", "min_by", "argmax", "argmin"}
NUMBER_AGGREGATES = {"avg", "mean", "sum", "min", "max", "median", "stddev", "stddev_samp", "stddev_pop"}


def call(name, *arguments, like=None):
    """A call of `name`; with `like`, an aggregate or a window with the same filter, partition and frame."""
    node = copy.deepcopy(like) if like else {
        "class": "FUNCTION", "type": "FUNCTION", "schema": "", "filter": None, "catalog": "", "distinct": False,
        "order_bys": {"type": "ORDER_MODIFIER", "orders": []}, "is_operator": False, "export_state": False,
        "is_legacy_function_call": False,
    }
    node.update(alias="", function_name=name, qualified_name={"path": [name]})
    node["arguments"] = [{"name": "", "expression": each} for each in arguments]
    return node


def case(condition, then, otherwise, alias):
    check = {"when_expr": condition, "then_expr": then}
    return {"class": "CASE", "type": "CASE_EXPR", "alias": alias, "case_checks": [check], "else_expr": otherwise}


def arguments(node):
    return [each["expression"] for each in node["arguments"]]


def hole(node):
    if node["class"] == "CONSTANT":
        return node
    alias, node = node.get("alias", ""), dict(node, alias="")
    return dict(call("hole", node), alias=alias)


def nan_unknown(node, _):
    """A comparison with NaN is unknown, as one with NULL."""
    kind, name = node.get("class"), node.get("function_name")
    if kind == "COMPARISON" and "DISTINCT" not in node["type"]:
        node.update(left=hole(node["left"]), right=hole(node["right"]))
    elif kind == "BETWEEN":
        node.update({part: hole(node[part]) for part in ["input", "lower", "upper"]})
    elif kind == "OPERATOR" and node["type"] in ("COMPARE_IN", "COMPARE_NOT_IN"):
        node["children"] = [hole(child) for child in node["children"]]
    elif kind == "SUBQUERY" and node["subquery_type"] == "ANY":
        node["child"] = hole(node["child"])
        inner = node["subquery"]["node"]
        if inner["type"] == "SELECT_NODE" and inner["select_list"][0]["class"] != "STAR":
            inner["select_list"] = [hole(each) for each in inner["select_list"]]
    elif kind == "FUNCTION" and name == "nullif":
        first, second = arguments(node)
        equal = {"class": "COMPARISON", "type": "COMPARE_EQUAL", "alias": "", "left": hole(first), "right": hole(second)}
        null = {"class": "CONSTANT", "type": "VALUE_CONSTANT", "alias": "", "literal": {"kind": "NULL_LITERAL", "text": ""}}
        return case(equal, null, first, node["alias"])
    elif kind == "FUNCTION" and name == "least":
        found = {"class": "CONJUNCTION", "type": "CONJUNCTION_OR", "alias": "",
                 "children": [call("is_nan", each) for each in arguments(node)]}
        return case(found, call("greatest", *arguments(node)), dict(node, alias=""), node["alias"])
    return node


def nan_last(node, select_list):
    """NaN is sorted after all numbers and before NULL, upwards and downwards."""
    if node.get("type") == "DESCENDING" and "null_order" in node and select_list is None:  # of a window or an aggregate
        node["expression"] = call("nan_last", node["expression"])
    if node.get("type") in ("SELECT_NODE", "SET_OPERATION_NODE"):
        return nan_last_query(node)
    return node


def nan_last_query(node):
    """The ORDER BY of a query. DuckDB takes a bare name there for a result column, but in `nan_last(name)` for a column of
    the tables. So an ORDER BY by result columns is moved outside, and other keys have their names replaced."""
    select = node if node["type"] == "SELECT_NODE" else node["children"][0]
    results = {output_name(each): each for each in select.get("select_list", []) if output_name(each)}
    orders = [order for modifier in node["modifiers"] if modifier["type"] == "ORDER_MODIFIER" for order in modifier["orders"]]
    if all(order["type"] != "DESCENDING" for order in orders):
        return node
    outside = True
    for order in orders:
        key = order["expression"]
        if key["class"] == "CONSTANT":
            chosen = select["select_list"][int(key["literal"]["text"]) - 1]
            name = output_name(chosen)
            key = column_ref(name) if name else dict(chosen, alias="")
        order["expression"] = key
        outside = outside and key["class"] == "COLUMN_REF" and len(key["column_names"]) == 1 and output_name(key) in results
    if node["type"] == "SELECT_NODE":
        outside = outside and all(not modifier.get("distinct_on_targets") for modifier in node["modifiers"])
    for order in orders:
        key = order["expression"]
        if not outside and key["class"] == "COLUMN_REF" and len(key["column_names"]) == 1 and output_name(key) in results:
            key = dict(results[output_name(key)], alias="")
        order["expression"] = call("nan_last", key) if order["type"] == "DESCENDING" else key
    return ordered_outside(node) if outside else node


def output_name(node):
    """The name of a result column, where it has one without DuckDB making it up."""
    return node["alias"] or (node["column_names"][-1] if node["class"] == "COLUMN_REF" else "")


def column_ref(name):
    return {"class": "COLUMN_REF", "type": "COLUMN_REF", "alias": "", "column_names": [name]}


def ordered_outside(node):
    """The query as a subquery, its ORDER BY and LIMIT outside."""
    star = {"class": "STAR", "type": "STAR", "alias": "", "relation_name": "", "exclude_list": [], "replace_list": [],
            "columns": False, "expr": None, "qualified_exclude_list": [], "rename_list": []}
    inside = [modifier for modifier in node["modifiers"] if modifier["type"] == "DISTINCT_MODIFIER"]
    outside = [modifier for modifier in node["modifiers"] if modifier["type"] != "DISTINCT_MODIFIER"]
    inner = {"node": dict(node, modifiers=inside), "named_param_map": []}
    source = {"type": "SUBQUERY", "alias": "q", "sample": None, "subquery": inner, "column_name_alias": []}
    return {"type": "SELECT_NODE", "modifiers": outside, "cte_map": {"map": []}, "select_list": [star], "from_table": source,
            "where_clause": None, "group_expressions": [], "group_sets": [], "aggregate_handling": "STANDARD_HANDLING",
            "having": None, "sample": None, "qualify": None}


def nan_aggregate(node, _):
    """An aggregate over NaN is NaN; a NaN never wins in ARG_MAX and ARG_MIN."""
    if node.get("class") not in ("FUNCTION", "WINDOW"):
        return node
    name = node.get("function_name")
    if name in ORDER_AGGREGATES:
        first = arguments(node)[0]
        plain = dict(node, distinct=False)
        found = call("bool_or", call("is_nan", first), like=plain)
        return case(found, call("max", first, like=plain), dict(node, alias=""), node["alias"])
    if name in ARG_AGGREGATES:
        value, by, *rest = arguments(node)
        return dict(call(name, value, hole(by), *rest, like=node), alias=node["alias"])
    return node


def avg_bool(node, _):
    """An aggregate takes booleans as 0 and 1."""
    if node.get("class") in ("FUNCTION", "WINDOW") and node.get("function_name") in NUMBER_AGGREGATES:
        first, *rest = arguments(node)
        return dict(call(node["function_name"], call("number", first), *rest, like=node), alias=node["alias"])
    return node


def nan_math(node, _):
    """SIGN(NaN) is NaN."""
    if node.get("class") == "FUNCTION" and node.get("function_name") == "sign":
        first = arguments(node)[0]
        return case(call("is_nan", first), first, dict(node, alias=""), node["alias"])
    return node


def count_if(node, _):
    """COUNT_IF of unknown conditions is 0, as COUNT is; DuckDB gives NULL."""
    if node.get("class") in ("FUNCTION", "WINDOW") and node.get("function_name") in ("count_if", "countif"):
        one = {"class": "CONSTANT", "type": "VALUE_CONSTANT", "alias": "", "literal": {"kind": "INTEGER", "text": "1"}}
        null = dict(one, literal={"kind": "NULL_LITERAL", "text": ""})
        counted = case(arguments(node)[0], one, null, "")
        return dict(call("count", counted, like=node), alias=node["alias"])
    return node


TREE_RULES = {"avg-bool": avg_bool, "count-if": count_if, "nan-aggregate": nan_aggregate, "nan-unknown": nan_unknown, "nan-last": nan_last,
              "nan-math": nan_math}
# `decimal` is a rule of the text, `zero-division` a setting of the connection.
RULES = ["decimal", "zero-division", *TREE_RULES]


def walk(node, rule, select_list=None):
    """`rule` on every node, children first. Only a query's own ORDER BY may name a column by its position."""
    if isinstance(node, list):
        return [walk(each, rule, select_list) for each in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") == "SELECT_NODE":
        select_list = node["select_list"]
    elif node.get("type") == "SET_OPERATION_NODE":
        select_list = node["children"][0].get("select_list")
    elif node.get("class"):
        select_list = None
    names = select_list
    node = {key: walk(value, rule, names) for key, value in node.items()}
    return rule(node, select_list)


DECIMAL = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*")|(?<![\w.])(\d+\.\d*|\.\d+)(?![\w.])""")


def floats(sql):
    """A number with a point is a float: DuckDB reads `0.5` as a decimal and `0.5e0` as a float."""
    return DECIMAL.sub(lambda found: found[1] or found[2] + "e0", sql)


def has_order(connection, sql):
    """Whether the query itself, not one of its windows or subqueries, has an ORDER BY."""
    tree = json.loads(connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchone()[0])
    modifiers = [] if tree["error"] else tree["statements"][0]["node"]["modifiers"]
    return any(modifier["type"] == "ORDER_MODIFIER" for modifier in modifiers)


def rewrite(connection, sql, rules):
    """The query as DuckDB must be asked to follow `rules`."""
    if "decimal" in rules:
        sql = floats(sql)
    chosen = [TREE_RULES[rule] for rule in TREE_RULES if rule in rules]
    if not chosen:
        return sql
    tree = json.loads(connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchone()[0])
    if tree["error"]:
        return sql
    for rule in chosen:
        tree = walk(tree, rule)
    return connection.execute("SELECT json_deserialize_sql(?::JSON)", [json.dumps(tree)]).fetchone()[0]
