#!/usr/bin/env python3
"""Measures etude against PyTorch (training, decoding, Mamba) and against the released generator, on the CPU.

    python3 benches/against_pytorch/run.py                     everything: hours on two cores
    python3 benches/against_pytorch/run.py --quick --only train --size small
    python3 benches/against_pytorch/run.py --check             do PyTorch's sides agree with each other, and learn?

PyTorch comes into a virtual environment of its own under target/ (about 1.5 GB), or is taken from --venv PATH.

How it is measured. Each side is a process of its own that is set up and warmed up once. Then the sides take turns, round
after round, so that a machine that grows slower or is used by others meets all alike; while one works the others are
stopped, so that no waiting pool of threads takes a core. A turn is as many iterations as fit in --turn seconds, at least
one. Told are medians over the rounds of the time of one iteration; a ratio is taken within each round, and its median,
least and greatest are told. A side whose iteration is longer than three turns sits out after the third round.

The sides. `etude` is `cargo bench --bench sides`; of PyTorch's, the first (`reference`, `loop`) is written as the released
code is, the others as well as PyTorch allows, compiled and not, with glibc's allocator told to keep its memory in large
pages (which helps them by up to a half); the fastest of those is "the best of PyTorch". All compute in float32 and take
the same optimizer steps on the same task: G(2, 5), 50 node values, 31 tokens fed, loss on the 5 target tokens.

| what | an iteration | small | large |
|---|---|---|---|
| train | an optimizer step | 4 layers × 128, 4 heads, batch 128 | 6 × 384, 6 heads, batch 256 |
| decode | 256 sequences decoded greedily | 4 × 128 | 6 × 384 |
| generate | 1000 examples drawn | one size | |
| mamba | an optimizer step | 4 × 128, batch 128 | 6 × 384, batch 64 |
| memory | as train, one round; peaks are compared | | |

The protocol of a side, on standard input and output, a line each:

    (side)   ready                       set up and warm
    (run.py) go N                        do N iterations
    (side)   {"seconds": wall seconds, "cpu": CPU seconds of the process, "loss": the last loss or null,
              "peak_rss": the most memory held so far, in bytes}
    (run.py) quit

etude's side is started as `sides WHAT SIZE`, with RAYON_NUM_THREADS and CANDLE_NUM_THREADS set; PyTorch's as
`side.py WHAT SIDE SIZE THREADS`, with OMP_NUM_THREADS set.
"""

import argparse
import json
import os
import platform
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WHAT = ("train", "decode", "generate", "mamba", "memory")
# The first of each is the reference.
SIDES = {
    "train": ("reference", "best", "compiled"),
    "decode": ("reference", "cached", "compiled"),
    "generate": ("reference",),
    "mamba": ("loop", "unrolled", "doubling", "compiled"),
}
# Its states and their gradients do not fit beside the others at this size, and it is not the fastest at the other.
LEFT_OUT = {("mamba", "large", "doubling")}
KEEP_MEMORY = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=68719476736:glibc.malloc.top_pad=268435456"


class Failed(Exception):
    """A side that does not answer."""


class Side:
    """A process that speaks the protocol."""

    def __init__(self, name, command, environment, patience):
        self.name, self.patience, self.rest = name, patience, b""
        self.errors = tempfile.TemporaryFile()
        self.turns = []  # one answer a round, with the iterations it took
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=environment,
            cwd=ROOT,
            start_new_session=True,  # Ctrl-C is run.py's to handle
        )

    def line(self):
        """The next line it prints, waited for no longer than its patience."""
        end = time.monotonic() + self.patience
        while b"\n" not in self.rest:
            left = end - time.monotonic()
            if left <= 0:
                raise Failed(f"no answer in {self.patience} s")
            if select.select([self.process.stdout], [], [], left)[0]:
                read = os.read(self.process.stdout.fileno(), 65536)
                if not read:
                    raise Failed(f"it ended ({self.process.wait()})\n{self.complaint()}")
                self.rest += read
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode(errors="replace").strip()

    def complaint(self):
        self.errors.seek(0)
        return "\n".join("      " + line for line in self.errors.read().decode(errors="replace").splitlines()[-6:])

    def ready(self):
        while self.line() != "ready":
            pass
        self.signal(signal.SIGSTOP)

    def go(self, iterations):
        self.signal(signal.SIGCONT)
        try:
            self.process.stdin.write(f"go {iterations}\n".encode())
            self.process.stdin.flush()
        except OSError:
            pass  # it has ended: reading tells how
        while not (line := self.line()).startswith("{"):
            pass
        self.signal(signal.SIGSTOP)
        try:
            answer = json.loads(line)
            answer = {key: answer[key] for key in ("seconds", "cpu", "loss", "peak_rss")}
        except (ValueError, KeyError) as error:
            raise Failed(f"`{line}` is no answer: {error}") from error
        return {**answer, "iterations": iterations}

    def signal(self, which):
        try:
            os.killpg(self.process.pid, which)
        except ProcessLookupError:
            pass

    def end(self):
        self.signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.errors.close()

    def each(self, key):
        return [turn[key] / turn["iterations"] for turn in self.turns]


def environment(threads, **more):
    """What a side sees: this environment, the threads, and none of what slows NumPy and PyTorch."""
    kept = {key: value for key, value in os.environ.items() if key not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "CANDLE_NUM_THREADS")
    kept |= {name: str(threads) for name in names}
    # No bytecode in the source tree, compiled kernels beside the build, no pool of compilers left waiting.
    kept |= {
        "PYTHONDONTWRITEBYTECODE": "1",
        "TORCHINDUCTOR_CACHE_DIR": str(ROOT / "target" / "pytorch-kernels"),
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
    }
    return kept | more


def pytorch(venv):
    """The interpreter of a virtual environment with PyTorch in it; made where it is missing."""
    python = venv / "bin" / "python"

    def imports():
        tried = [python, "-c", "import numpy, torch; torch.ones(2, 2) @ torch.ones(2, 2)"]
        return subprocess.run(tried, capture_output=True, env=environment(1)).returncode == 0

    def install(*words):
        subprocess.run([python, "-m", "pip", "install", "--quiet", *words], check=True)

    if not python.exists():
        print(f"making {venv}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    if imports():
        return python
    install("--no-deps", "-r", HERE / "requirements.txt")
    if not imports() and all(map(shutil.which, ("cc", "nm", "readelf"))):
        where = "import sysconfig; print(sysconfig.get_path('purelib'))"
        packages = subprocess.run([python, "-c", where], capture_output=True, text=True, check=True).stdout.strip()
        subprocess.run([sys.executable, "-B", HERE / "without_cuda.py", packages])
    if not imports():
        install("-r", HERE / "requirements.txt")  # with all of CUDA, then
    if not imports():
        raise SystemExit(f"PyTorch does not load in {venv}; try it by hand, or give another with --venv")
    return python


def etude():
    """Builds etude's sides and answers the program, or none."""
    command = ["cargo", "bench", "--bench", "sides", "--no-run", "--message-format=json"]
    try:
        built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    except OSError as error:
        print(f"etude's sides are left out: cargo: {error}")
        return None
    for line in built.stdout.splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if told.get("reason") == "compiler-artifact" and told["target"]["name"] == "sides" and told.get("executable"):
            return Path(told["executable"])
    print("etude's sides are left out: they did not build")
    return None


def machine(python):
    """What the numbers depend on, one line each."""
    cpu, flags = platform.processor() or platform.machine(), ""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                cpu = value.strip()
            if key.strip() == "flags":
                flags = " ".join(flag for flag in value.split() if flag in ("avx2", "fma", "avx512f", "avx512_bf16", "amx_tile"))
    except OSError:
        pass
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    lines = [f"processor: {cpu} ({flags}), {os.cpu_count()} cores, {memory:.0f} GiB; load before: {os.getloadavg()[0]:.1f}"]
    told = subprocess.run(
        [python, HERE / "side.py", "facts"], capture_output=True, text=True, env=environment(os.cpu_count())
    )
    if told.returncode == 0:
        facts = json.loads(told.stdout)
        lines.append(
            "PyTorch {torch}, which uses {capability} (MKL {mkl}, oneDNN {onednn}, float32 products: {precision}), "
            "NumPy {numpy}, Python {python}".format(**facts)
        )
    if shutil.which("rustc"):
        lines.append(subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.strip())
    return lines


def measure(what, size, threads, python, ours, options):
    """Runs one comparison and prints its table; answers what was measured, for --json."""
    subject = "train" if what == "memory" else what
    rounds = 1 if what == "memory" else options.rounds
    told = f"{what}, {size}, {threads} thread{'s' * (threads > 1)}"
    print(f"\n{told}", flush=True)
    sides, notes, interrupted = [], [], False

    def without(side, why):
        notes.append(f"{side.name} is left out: {why}")
        sides.remove(side)
        side.end()

    try:
        starts = [("etude", [ours, subject, size], environment(threads))] if ours else []
        for name in SIDES[subject]:
            if (subject, size, name) not in LEFT_OUT:
                # The reference as it is, the others with all that helps them.
                more = {} if name == SIDES[subject][0] else {"GLIBC_TUNABLES": KEEP_MEMORY}
                command = [python, HERE / "side.py", subject, name, size, threads]
                starts.append((name, command, environment(threads, **more)))
        for start in starts:  # one at a time, so that peaks of setting up do not add up
            side = Side(*start, options.patience)
            sides.append(side)
            try:
                side.ready()
                side.iterations = max(1, round(options.turn / max(side.go(1)["seconds"], 1e-6)))
            except Failed as why:
                without(side, why)
        for round_ in range(rounds):
            for side in list(sides):
                slow = side.turns and side.each("seconds")[0] > 3 * options.turn
                if slow and round_ >= 3:
                    continue
                try:
                    side.turns.append(side.go(side.iterations))
                except Failed as why:
                    without(side, why)
            if sys.stderr.isatty():
                print(f"\r{round_ + 1} of {rounds} rounds", end="\r", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        interrupted = True
        notes.append("interrupted: what follows is from the rounds until then")
    finally:
        for side in sides:
            side.end()
    sides = [side for side in sides if side.turns]
    for note in notes:
        print(f"    {note}")
    if sides:
        table(subject, sides, by_memory=what == "memory")
    measured = {"what": what, "size": size, "threads": threads, "notes": notes}
    measured["sides"] = {side.name: side.turns for side in sides}
    return measured, interrupted


def table(subject, sides, by_memory):
    """One line a side: medians, and how many times its time (or memory) is that of the first."""
    first = sides[0]
    decides = "peak" if by_memory else "seconds"
    values = {
        side.name: {"seconds": side.each("seconds"), "cpu": side.each("cpu"), "peak": [turn["peak_rss"] for turn in side.turns]}
        for side in sides
    }
    medians = {name: statistics.median(value[decides]) for name, value in values.items()}
    candidates = [name for name in medians if name in SIDES[subject][1:]]
    best = min(candidates, key=medians.get, default=None)

    def ratio(side, key):
        ratios = [theirs / first_s for theirs, first_s in zip(values[side.name][key], values[first.name][key])]
        return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"

    print(f"    {'':<11}{'one iteration':>20}{'':>8}{'peak':>8}{'':>8}     {f'{first.name} = 1':<26}")
    columns = f"{'wall s':>10}{'CPU s':>10}{'rounds':>8}{'MiB':>8}{'loss':>8}"
    print(f"    {'side':<11}{columns}     {'wall':<26}{'CPU':<26}{'peak' if by_memory else ''}")
    for side in sides:
        wall, cpu = (statistics.median(values[side.name][key]) for key in ("seconds", "cpu"))
        loss = side.turns[-1]["loss"]
        peak = side.turns[-1]["peak_rss"] / 2**20
        print(
            f"    {side.name:<11}{wall:>10.4f}{cpu:>10.4f}{len(side.turns):>8}{peak:>8.0f}{'' if loss is None else f'{loss:.3f}':>8}"
            f"     {ratio(side, 'seconds'):<26}{ratio(side, 'cpu'):<26}{ratio(side, 'peak') if by_memory else ''}"
            f"{'  the best of PyTorch' if side.name == best else ''}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", choices=WHAT, action="append", help="what to measure; may be given again (default: all)")
    parser.add_argument("--size", choices=("small", "large", "all"), default="all")
    parser.add_argument("--threads", choices=("1", "2", "both"), default="both")
    parser.add_argument("--rounds", type=int, help="rounds of turns (default: 7)")
    parser.add_argument("--turn", type=float, help="seconds a turn should last (default: 5)")
    parser.add_argument("--quick", action="store_true", help="2 rounds of turns of a second: does it run?")
    parser.add_argument("--patience", type=float, default=1800, help="seconds to wait for an answer of a side")
    parser.add_argument("--venv", type=Path, default=ROOT / "target" / "pytorch-venv", help="where PyTorch is, or is to be")
    parser.add_argument("--ours", type=Path, help="etude's sides, already built (default: cargo builds them)")
    parser.add_argument("--json", type=Path, help="a file for every turn's numbers")
    parser.add_argument("--check", action="store_true", help="only hold PyTorch's sides against each other")
    options = parser.parse_args()
    options.rounds = max(1, options.rounds or (2 if options.quick else 7))
    options.turn = options.turn or (1 if options.quick else 5)
    python = pytorch(options.venv.absolute())
    if options.check:
        raise SystemExit(subprocess.run([python, HERE / "side.py", "check"], env=environment(os.cpu_count())).returncode)
    ours = options.ours.absolute() if options.ours else etude()
    facts = machine(python)
    print("\n".join(facts))
    everything = []
    for what in options.only or WHAT:
        sizes = ("small", "large") if options.size == "all" else (options.size,)
        for size in ("small",) if what == "generate" else sizes:
            for threads in (1, 2) if options.threads == "both" else (int(options.threads),):
                measured, interrupted = measure(what, size, threads, python, ours, options)
                everything.append(measured)
                if options.json:
                    options.json.write_text(json.dumps({"machine": facts, "measured": everything}, indent=1) + "\n")
                if interrupted:
                    raise SystemExit(130)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # sides are ended, as after Ctrl-C
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit(130)
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"{' '.join(map(str, error.cmd))} failed")
