"""The tables that the queries read. Every value is written here or drawn from a fixed seed."""

import random

NAN, INF = float("nan"), float("inf")

# One result table as an author writes it, with holes in most columns and integers whose sum leaves 64 bits.
T = {
    "columns": [("method", "text"), ("seed", "int"), ("score", "float"), ("k", "int"), ("big", "int"), ("flag", "bool"),
                ("Mixed Case", "text"), ("total", "int"), ("correct", "int")],
    "rows": [
        ["a", 0, 0.5, 1, 2**62, True, "x", 10, 5],
        ["a", 1, 0.7, 2, 2**62, False, "y", 0, 0],
        ["a", 2, None, 3, 2**62, True, "x", 4, 4],
        ["b", 0, 0.2, 4, 1, True, None, 10, 9],
        ["b", 1, 0.2, 5, 2, None, "z", 3, 1],
        [None, 0, 0.9, 6, 3, False, "z", 7, -7],
        [None, 1, 0.4, None, 4, True, "x", 8, 3],
        ["c", 0, None, 7, 5, False, "y", -9, 2],
    ],
}

# A small table to join with: one method twice, one that no other table has.
U = {
    "columns": [("method", "text"), ("label", "text"), ("score", "float")],
    "rows": [["a", "Alpha", 1.5], ["b", "Beta", 2.5], ["d", "Delta", 3.5], ["a", "Again", 4.5]],
}

# NaN and infinities, alone and beside numbers.
N = {
    "columns": [("method", "text"), ("x", "float")],
    "rows": [["p", 1.0], ["p", NAN], ["p", 3.0], ["q", INF], ["q", 2.0], ["r", NAN], ["s", -INF], ["s", INF], ["w", 4.0]],
}

EMPTY = {"columns": [("method", "text"), ("seed", "int"), ("score", "float"), ("flag", "bool")], "rows": []}

# Names that must be quoted, and values that are easily damaged on the way.
WIDE = {
    "columns": [("id", "int"), ("Run Name", "text"), ("order", "int"), ("a.b", "float"), ('say "hi"', "text"),
                ("Größe", "float"), ("Top-1 (%)", "float"), ("on", "bool"), ("note", "text"), ("select", "int")],
    "rows": [
        [2**53, "run 1", 3, 0.0, 'it\'s "ok"', 1.5, 71.25, True, "", 1],
        [2**53 + 1, "Run 1", 1, -0.0, "it's", 2.25, 70.5, False, "ünïcode", 2],
        [2**53 + 2, "RUN 1", 2, 5e-324, "", -1.5, None, None, "日本語", 3],
        [2**63 - 1, "run_2", 5, 1e-300, None, 1e308, 0.0, True, "naïve café", 4],
        [-(2**63), "run%2", 4, 2.2250738585072014e-308, "a,b", None, 100.0, False, None, 5],
        [0, "", 7, 1e-17, "line\nbreak", 0.1, 99.9, True, " padded ", 6],
        [-1, None, 6, None, "tab\there", 1e-5, 50.0, None, "NaN", 7],
        [7, "zeta", None, 1.0, "NULL", 123456789.125, 33.3, False, "🙂 ok", 8],
    ],
}


def runs():
    """Four methods, two learning rates, three seeds, five steps: as a training script leaves it, with holes."""
    draw = random.Random(20240229)
    rows = []
    for at, method in enumerate(["base", "a", "b", "c"]):
        for lr in [0.0001, 0.001]:
            for seed in range(3):
                for step in [0, 100, 200, 300, 400]:
                    loss = round(2.3 / (1 + step / (150 + 40 * at)) * (1 + 0.2 * draw.random()), 4)
                    accuracy = round(min(1.0, 0.1 + step / 500 * (0.6 + 0.1 * at) + 0.1 * draw.random()), 3)
                    exact = accuracy > 0.7
                    if method == "c" and lr == 0.001 and seed == 2 and step >= 300:
                        loss, accuracy, exact = NAN, 0.1, False  # this run diverged
                    if draw.random() < 0.06:
                        loss = None
                    if draw.random() < 0.06:
                        accuracy, exact = None, None
                    rows.append([method, lr, seed, step, loss, accuracy, exact])
    columns = [("method", "text"), ("lr", "float"), ("seed", "int"), ("step", "int"), ("loss", "float"),
               ("accuracy", "float"), ("exact", "bool")]
    return {"columns": columns, "rows": rows}


TABLES = {"t": T, "u": U, "n": N, "runs": runs(), "empty": EMPTY, "wide": WIDE}
