"""Where answers to path-star graphs go wrong: at the choice of the arm, or on the way along it.

A stage of kind `command` runs this (see command.toml). Standard library only. What it is given is in the JSON file that
ETUDE_JOB names; what it leaves are two files in the folder that ETUDE_OUT names: a table and a figure.
"""

import csv
import json
import os
import random
from collections import defaultdict
from pathlib import Path

job = json.loads(Path(os.environ["ETUDE_JOB"]).read_text())
out = Path(os.environ["ETUDE_OUT"])
draws = job["parameters"]["draws"]
random.seed(job["seed"])


def answers():
    """Every answer of every model: how the model was taught, and whether each of its tokens is right."""
    runs = job["inputs"]["answers"]
    for number, run in enumerate(runs):
        right = defaultdict(dict)
        with open(run["files"]["positions.csv"], newline="") as file:
            for row in csv.DictReader(file):
                right[row["example"]][int(row["position"])] = row["correct"] == "1"
        for tokens in right.values():
            yield run["columns"]["method"], [tokens[position] for position in sorted(tokens)]
        print(f"etude: progress {number + 1}/{len(runs)} runs", flush=True)


def interval(values):
    """The mean of zeros and ones with the middle 95 % of its bootstrap draws."""
    mean = sum(values) / len(values)
    means = sorted(sum(random.choices(values, k=len(values))) / len(values) for _ in range(draws))
    return mean, means[int(0.025 * draws)], means[int(0.975 * draws)]


# The first token is the start, which the question names; the second chooses the arm.
chosen, followed = defaultdict(list), defaultdict(list)
for method, tokens in answers():
    chosen[method].append(int(tokens[1]))
    if tokens[1]:
        followed[method].append(int(all(tokens[2:])))

rows = []
for part, shares in [("choice of the arm", chosen), ("rest of the way", followed)]:
    for method in sorted(chosen):
        if shares[method]:
            rows.append((method, part, len(shares[method]), *interval(shares[method])))

with open(out / "arms.csv", "w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["method", "part", "answers", "right", "low", "high"])
    table.writerows(rows)

# A bar a row, to the right, with its interval.
left, width, height = 240, 300, 26
marks = []
for place, (method, part, _, right, low, high) in enumerate(rows):
    y = 12 + place * height
    marks.append(
        f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{method}: {part}</text>'
        f'<rect x="{left}" y="{y}" width="{right * width:.1f}" height="16" fill="#4c78a8"/>'
        f'<line x1="{left + low * width:.1f}" x2="{left + high * width:.1f}" y1="{y + 8}" y2="{y + 8}" stroke="black"/>'
    )
bottom = 12 + len(rows) * height
for tick in (0, 0.5, 1):
    marks.append(f'<text x="{left + tick * width}" y="{bottom + 14}" text-anchor="middle">{tick:g}</text>')
(out / "arms.svg").write_text(
    f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 40}" height="{bottom + 24}" '
    f'font-family="sans-serif" font-size="12">\n' + "\n".join(marks) + "\n</svg>\n"
)
