"""Lets a PyTorch that was built for CUDA be imported where CUDA's libraries are not installed.

The x86-64 Linux wheel is linked with some gigabytes of libraries of which a CPU needs none. Here each is stood in for by
an empty library of the same name, and their functions by ones that answer 100, CUDA's "no device". The CPU's code is not
touched. Needs cc, nm and readelf.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

LIBRARY = re.compile(r"lib(cu|nv|nccl)")
FUNCTION = re.compile(r"(__)?(cuda|cu[A-Z]|cublas|cudnn|cusparse|cusolver|cufft|cuFile|cupti|nccl|nv)")


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def stand_in(site_packages):
    """Puts the stand-ins beside PyTorch's own libraries, where the loader looks for them."""
    folder = Path(site_packages) / "torch" / "lib"
    needed, wanted, defined = set(), set(), set()
    for library in folder.glob("*.so*"):
        needed.update(re.findall(r"NEEDED.*\[(.*)\]", output("readelf", "-dW", library)))
        for line in output("nm", "-D", library).splitlines():
            *_, kind, name = line.split()
            (wanted if kind == "U" else defined).add(name.split("@")[0])
    missing = sorted(name for name in needed if LIBRARY.match(name) and not (folder / name).exists())
    functions = sorted(name for name in wanted - defined if FUNCTION.match(name))

    def library(name, *arguments):
        subprocess.run(
            ["cc", "-w", "-fno-builtin", "-shared", "-fPIC", "-o", folder / name, f"-Wl,-soname,{name}", *arguments],
            check=True,
        )

    with tempfile.TemporaryDirectory() as scratch:
        source, empty = Path(scratch) / "functions.c", Path(scratch) / "empty.c"
        source.write_text("".join(f"long {name}(void) {{ return 100; }}\n" for name in functions))
        empty.write_text("")
        # All functions in one library that the others need: a library under the name that a versioned function is asked
        # of may not define it without a version.
        library("libno_cuda.so", source)
        for name in missing:
            library(name, empty, "-Wl,--no-as-needed,-rpath,$ORIGIN", f"-L{folder}", "-lno_cuda")


if __name__ == "__main__":
    stand_in(sys.argv[1])
