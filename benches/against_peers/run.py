#!/usr/bin/env python3
"""Measures the machinery of etude against DVC and Snakemake: what a workflow of trivial jobs costs besides the jobs.

    python3 benches/against_peers/run.py                       a thousand jobs, all three
    python3 benches/against_peers/run.py --jobs 1000 10000 --only etude snakemake
    python3 benches/against_peers/run.py --jobs 100000 --only etude --no-cold

The peers come from PyPI into a virtual environment under target/, or are taken from --venv PATH; etude is
target/release/etude (`cargo build --release`).

The workflow: N jobs that each copy one common file, and one that reads all N copies. Told is the CPU time (user and system)
of the tool and all it starts, from the kernel's account of ended children, and the tool's largest resident memory. `plan`
is a dry run before anything has run, `cold` the first run, `again` a run with nothing to do: the median of five after the
files have rested for some seconds. The copying itself is /bin/cp for all of them; `cp` tells what N of it take alone.
Tools take turns only from measure to measure: times of one call are from one machine, one after the other.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PEERS = ["dvc==3.67.1", "snakemake==9.27.1"]


def measured(command, folder, env):
    """Runs a command to its end: CPU seconds, wall seconds, peak memory in MiB of the largest process."""
    code = (
        "import json,resource,subprocess,sys,time\n"
        "t=time.time(); done=subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,stderr=subprocess.PIPE)\n"
        "u=resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(json.dumps([u.ru_utime+u.ru_stime,time.time()-t,u.ru_maxrss/1024,done.returncode,done.stderr.decode()[-2000:]]))"
    )
    told = subprocess.run([sys.executable, "-c", code, *command], cwd=folder, env=env, stdout=subprocess.PIPE, check=True)
    cpu, wall, memory, status, errors = json.loads(told.stdout)
    return cpu, wall, memory, status, errors


class Etude:
    name = "etude"

    def __init__(self, venv):
        self.program = str(ROOT / "target/release/etude")

    def write(self, folder, jobs):
        (folder / "etude.toml").write_text("")
        (folder / "p.toml").write_text(
            f"""name = "fan"
[stage.copy]
kind = "command"
args = ["sh", "-c", 'cp in.txt "$ETUDE_OUT/out.txt"']
files = ["in.txt"]
params = {{ n = 0 }}
device = "cpu"
outputs = {{ out = {{ path = "out.txt", type = "file" }} }}
[stage.all]
kind = "command"
args = ["sh", "-c", 'ls "$ETUDE_INPUT_COPIES" | wc -l > "$ETUDE_OUT/count.txt"']
all = {{ copies = "copy" }}
device = "cpu"
outputs = {{ count = {{ path = "count.txt", type = "file" }} }}
[axes]
n = {{ "copy.params.n" = {{ range = [0, {jobs}] }} }}
"""
        )

    def plan(self):
        return [self.program, "plan", "p.toml"]

    def run(self):
        return [self.program, "run", "p.toml"]


class Snakemake:
    name = "snakemake"

    def __init__(self, venv):
        self.program = str(venv / "bin/snakemake")

    def write(self, folder, jobs):
        (folder / "Snakefile").write_text(
            f"""N = range({jobs})
rule all:
    input: "count.txt"
rule copy:
    input: "in.txt"
    output: "out/{{n}}.txt"
    shell: "cp {{input}} {{output}}"
rule count:
    input: expand("out/{{n}}.txt", n=N)
    output: "count.txt"
    shell: "ls out | wc -l > {{output}}"
"""
        )

    def plan(self):
        return [self.program, "--cores", "2", "--dry-run", "--quiet", "all"]

    def run(self):
        return [self.program, "--cores", "2", "--quiet", "all"]


class Dvc:
    name = "dvc"

    def __init__(self, venv):
        self.program = str(venv / "bin/dvc")

    def write(self, folder, jobs):
        (folder / "dvc.yaml").write_text(
            "stages:\n"
            "  copy:\n"
            f"    foreach: {list(range(jobs))}\n"
            "    do:\n"
            "      cmd: cp in.txt out/${item}.txt\n"
            "      deps: [in.txt]\n"
            "      outs: ['out/${item}.txt']\n"
            "  count:\n"
            "    cmd: ls out | wc -l > count.txt\n"
            f"    deps: {[f'out/{n}.txt' for n in range(jobs)]}\n"
            "    outs: [count.txt]\n"
        )
        (folder / "out").mkdir()
        subprocess.run([self.program, "init", "--no-scm", "-q"], cwd=folder, check=True)

    def plan(self):
        # Before anything has run its dry run ends with an error: what a stage reads is not there yet.
        return None

    def run(self):
        return [self.program, "repro", "-q"]


TOOLS = {tool.name: tool for tool in (Etude, Snakemake, Dvc)}


def environment(venv):
    if not (venv / "bin/dvc").exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([venv / "bin/pip", "install", "-q", *PEERS], check=True)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--jobs", type=int, nargs="+", default=[1000])
    options.add_argument("--only", nargs="+", choices=TOOLS, default=list(TOOLS))
    options.add_argument("--venv", type=Path, default=ROOT / "target/peers")
    options.add_argument("--no-cold", action="store_true", help="only the plan")
    chosen = options.parse_args()
    if set(chosen.only) - {"etude"}:
        environment(chosen.venv)
    env = {**os.environ, "PATH": f"{chosen.venv / 'bin'}:{os.environ['PATH']}"}
    print(platform.platform(), platform.processor() or "", os.cpu_count(), "cores")
    print(f"{'jobs':>7} {'tool':10} {'what':6} {'CPU s':>9} {'ms a job':>9} {'wall s':>8} {'MiB':>6}")
    for jobs in chosen.jobs:

        def tell(tool, what, cpu, wall, memory):
            print(f"{jobs:7} {tool:10} {what:6} {cpu:9.3f} {1000 * cpu / jobs:9.3f} {wall:8.2f} {memory:6.0f}", flush=True)

        if not chosen.no_cold:
            with tempfile.TemporaryDirectory() as folder:
                Path(folder, "in.txt").write_text("a line\n")
                before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
                for n in range(jobs):
                    subprocess.run(["cp", "in.txt", f"{n}.txt"], cwd=folder, check=True)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
                tell("cp", "cold", cpu, time.time() - start, 0)
        for name in chosen.only:
            tool = TOOLS[name](chosen.venv)
            folder = Path(tempfile.mkdtemp())
            try:
                (folder / "in.txt").write_text("a line\n")
                tool.write(folder, jobs)

                def one(command, fine=(0,)):
                    cpu, wall, memory, status, errors = measured(command, folder, env)
                    if status not in fine:
                        sys.exit(f"{name} ended with {status}:\n{errors}")
                    return cpu, wall, memory

                if tool.plan():
                    # etude says by 2 that there is work to do.
                    tell(name, "plan", *one(tool.plan(), (0, 2)))
                if chosen.no_cold:
                    continue
                tell(name, "cold", *one(tool.run()))
                time.sleep(5)
                # The first one may note what it sees.
                one(tool.run())
                again = [one(tool.run()) for _ in range(5)]
                tell(name, "again", *(statistics.median(column) for column in zip(*again)))
            finally:
                shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
