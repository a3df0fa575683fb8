"""Reads the results of etude in Python.

    import etude

    etude.table("outputs/starter", "final").to_pandas()      # or polars.from_arrow(…)
    etude.records("outputs/starter")[0]["parameters"]

Both functions take the folder of a run (`outputs/NAME`) or of what was published (`outputs/gallery/NAME`).
"""

import json
import re
import tomllib
from pathlib import Path
from urllib.parse import unquote

__all__ = ["records", "table"]


def table(folder, name):
    """The table of a stage or of one of its jobs, as a `pyarrow.Table`.

    `name` is what `etude columns` calls the table, or the path of its file without the extension:
    "final", "arms.shares", "curve[method=reversed, seed=0]", "models/model[seed=0]/curve".
    Parquet keeps the types of columns; where only a CSV file is there, they are read from its text.
    """
    try:
        from pyarrow import csv, parquet
    except ImportError as error:
        raise ImportError("etude.table needs the package pyarrow; install it with `pip install pyarrow`") from error
    folder = _folder(folder)
    found = {}
    # Parquet comes last and replaces CSV of the same name.
    for path in [*sorted(folder.rglob("*.csv")), *sorted(folder.rglob("*.parquet"))]:
        section, *parts = path.relative_to(folder).with_name(path.name.removesuffix(path.suffix)).parts
        if section != "earlier":
            found[unquote("/".join([section, *parts]))] = path
    # A space after a comma may be left out, as on the command line.
    wanted, *names = (re.sub(r",\s*", ",", text) for text in [str(name), *found])
    paths = [path for known, path in zip(names, found.values()) if wanted in (known, known.partition("/")[2])]
    if len(paths) != 1:
        problem = "more than one table" if paths else "no table"
        raise LookupError(f"{folder} has {problem} `{name}`; its tables are: {', '.join(found) or 'none'}")
    if paths[0].suffix == ".parquet":
        # Opened as a file: a path with `=` in it would be taken for partitions.
        with paths[0].open("rb") as file:
            return parquet.read_table(file)
    empty = csv.ConvertOptions(null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False)
    return csv.read_csv(paths[0], convert_options=empty)


def records(folder):
    """How each job came to be, as a list with a dict for each job, sorted by name.

    `job`, `stage`, `coordinates` (labels by axis) and `kind` say what it is; `parameters`, `key` and `fingerprint` what
    it was made of; `files` what it left (digest and size by name); `started` (seconds since 1970), `seconds`, `device`
    and `machine` how it ran. What was adopted has `adopted`, too.
    """
    folder = _folder(folder)
    published = folder / "provenance.json"
    jobs = json.loads(published.read_text("utf-8"))["jobs"] if published.exists() else _stored(folder)
    return [_record(job, jobs[job]) for job in sorted(jobs)]


def _folder(folder):
    folder = Path(folder).absolute()
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder; `etude run` makes outputs/NAME, with the pipeline's name")
    return folder


def _stored(folder):
    """The records of a run, by job, from the store of its project."""
    root = folder.parent.parent
    settings = root / "etude.toml"
    store = tomllib.loads(settings.read_text("utf-8")).get("store") if settings.exists() else None
    store = root / (store or "outputs/.etude") / "v1"
    # A store outside its project serves several, and the names of their ledgers end in a digest.
    ledger = re.compile(re.escape(folder.name) + "(@[0-9a-f]{8})?[.]json")
    paths = [path for path in sorted(store.glob("pipelines/*.json")) if ledger.fullmatch(path.name)]
    if len(paths) != 1:
        problem = "several projects have records" if paths else "there are no records"
        raise LookupError(f"{problem} of {folder} in {store}; `etude publish` it and read outputs/gallery/{folder.name}")
    jobs = json.loads(paths[0].read_text("utf-8"))["jobs"]
    files = {job: store / "records" / key[:2] / f"{key[2:]}.json" for job, key in jobs.items()}
    # What `etude gc` removed has no record any more.
    return {job: json.loads(path.read_text("utf-8")) for job, path in files.items() if path.exists()}


def _record(job, record):
    stage, _, inside = job.removesuffix("]").partition("[")
    # A label may hold a comma; what follows one is a coordinate if it begins with an axis.
    pairs = re.split(r", (?=[\w-]+=)", inside) if inside else []
    made_of = record["fingerprint"]
    named = {"job": job, "stage": stage, "coordinates": dict(pair.split("=", 1) for pair in pairs)}
    named |= {"kind": made_of["kind"], "parameters": made_of["parameters"], "files": record["artifact"]}
    kept = ("key", "fingerprint", "started", "seconds", "device", "machine", "adopted")
    return named | {name: record[name] for name in kept if name in record}
