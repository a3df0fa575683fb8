"""Lets `transformers` read what etude saves: the same logits, and the same tensors when it saves them again.

    VENV/bin/python tests/reference/roundtrip.py

from the root of the repository, with the environment of `make.py`. It runs the test that writes learners of every make
(`cargo test`, or the test program given by `--program`), reads each with `AutoModelForCausalLM.from_pretrained`, compares,
saves it again and compares the tensors by name, shape and number. It ends with 1 where anything differs.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import transformers
from safetensors.torch import load_file

WRITES = "writes_learners_for_the_library_that_reads_them"
MOST = 1e-5  # of the largest logit, in float32


@torch.no_grad()
def compare(folder, again):
    """What differs between a learner's folder and what the library makes of it, in words."""
    model, notes = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True
    )
    wrong = [f"{what}: {sorted(names)}" for what, names in notes.items() if names]
    told = load_file(folder / "logits.safetensors")
    logits = model.eval()(told["input_ids"].long()).logits
    apart = ((logits - told["logits"]).abs().max() / told["logits"].abs().max()).item()
    if apart > MOST:
        wrong.append(f"logits are {apart:.1e} apart")
    model.save_pretrained(again, safe_serialization=True)
    ours, theirs = load_file(folder / "model.safetensors"), load_file(again / "model.safetensors")
    if ours.keys() != theirs.keys():
        wrong.append(f"tensors differ: {sorted(ours.keys() ^ theirs.keys())}")
    else:
        wrong += [f"{name} changed" for name in ours if not torch.equal(ours[name], theirs[name])]
    if "etude" not in model.config.to_dict():
        wrong.append("the key `etude` is lost")
    return apart, wrong


def main():
    parser = argparse.ArgumentParser(description="Lets transformers read what etude saves.")
    parser.add_argument("--program", help="the test program; without it, cargo builds one")
    program = parser.parse_args().program
    command = [program] if program else ["cargo", "test", "--release", "--lib", "--"]
    failed = False
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        subprocess.run(
            [*command, "--ignored", WRITES], check=True, env={**os.environ, "ETUDE_ROUNDTRIP": str(place)}
        )
        folders = sorted(path for path in place.iterdir() if path.is_dir())
        if not folders:
            sys.exit("no learner was written")
        for folder in folders:
            apart, wrong = compare(folder, place / "again" / folder.name)
            print(f"{folder.name}: logits {apart:.1e} apart" + "".join(f"; {what}" for what in wrong))
            failed = failed or bool(wrong)
    sys.exit(failed)


if __name__ == "__main__":
    main()
