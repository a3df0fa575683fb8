"""Reads the results of the first pipeline with etude's module, and holds them against the files that etude wrote."""

import csv
import json
from pathlib import Path

import etude

RUN, PUBLISHED = Path("outputs/starter"), Path("outputs/gallery/starter")


def rows(path):
    """The numbers of a table that etude wrote as text."""
    with path.open(newline="", encoding="utf-8") as file:
        return [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]


final = etude.table(RUN, "final")
assert final.column_names == ["lr", "loss", "ci", "seeds"], final.column_names
assert final.num_rows == 3
# Parquet of the run, and CSV of what was published.
assert final.equals(etude.table(PUBLISHED, "final"))
assert [list(row.values()) for row in final.to_pylist()] == rows(PUBLISHED / "tables/final.csv")
curve = etude.table(RUN, "models/model[lr=3e-4,seed=1]/curve")
assert curve.column("step").to_pylist()[-1] == 200

records = etude.records(RUN)
assert records == etude.records(PUBLISHED)
jobs = json.loads((PUBLISHED / "provenance.json").read_text("utf-8"))["jobs"]
assert [record["job"] for record in records] == sorted(jobs)
assert all(record["key"] == jobs[record["job"]]["key"] for record in records)
models = [record for record in records if record["stage"] == "model"]
assert len(models) == 9
assert all(float(model["coordinates"]["lr"]) == model["parameters"]["optimizer"]["lr"] for model in models)
assert all("model.safetensors" in model["files"] and model["seconds"] > 0 for model in models)

for read, name in [(etude.table, "fina"), (etude.table, "")]:
    try:
        read(RUN, name)
    except LookupError as error:
        assert "tables/final" in str(error), error
    else:
        raise AssertionError(f"there is no table {name!r}")
print(f"read {final.num_rows} rows and {len(records)} records")
