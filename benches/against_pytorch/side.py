"""One PyTorch (or NumPy) side of the comparison: a process that speaks the protocol in run.py's first lines.

    python side.py WHAT SIDE SIZE THREADS     such as: train best small 1
    python side.py facts                      what this PyTorch is, as JSON
    python side.py check                      do the sides compute the same, and learn?
"""

import json
import os
import resource
import sys
import time

import path_star

BATCHES = 32  # different batches, drawn beforehand and gone through in turn


def peak_rss():
    """The most memory this process has held, in bytes."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def batches(size):
    import torch

    path_star.seed(1)
    return torch.from_numpy(path_star.examples(BATCHES * size)).split(size)


def trainer(model, data, compiled):
    """A function that takes n optimizer steps and answers the last loss."""
    import torch

    loss_of = torch.compile(model.loss) if compiled else model.loss
    optimizer, done = model.optimizer(), 0

    def go(steps):
        nonlocal done
        for _ in range(steps):
            loss = loss_of(data[done % len(data)])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            last = loss.item()  # as every training loop that shows its loss
            done += 1
        return last

    return go


def train(side, size):
    import torch
    import transformer

    *shape, batch = transformer.SIZES[size]
    torch.manual_seed(0)
    model = (transformer.Reference if side == "reference" else transformer.Best)(*shape)
    return trainer(model, batches(batch), side == "compiled")


def decode(side, size):
    import torch
    import transformer

    *shape, _ = transformer.SIZES[size]
    torch.manual_seed(0)
    model = (transformer.Reference if side == "reference" else transformer.Best)(*shape).eval()
    data = [batch[:, : path_star.PREFIX].contiguous() for batch in batches(256)[:4]]
    extra = ()
    if side != "reference":
        extra = (model.cache(256),)
    if side == "compiled":
        # One version a place: each then knows its lengths.
        torch._dynamo.config.cache_size_limit = 16
        extra += tuple(torch.compile(part, dynamic=False) for part in (model.prefill, model.step))

    def go(times):
        for time_ in range(times):
            model.decode(data[time_ % len(data)], *extra)

    return go


def generate(side, size):
    path_star.seed(1)

    def go(times):
        for _ in range(times):
            path_star.examples(1000)

    return go


def mamba(side, size):
    import torch
    from mamba import SIZES, Mamba, doubling, loop, unrolled

    layers, width, batch = SIZES[size]
    torch.manual_seed(0)
    scan = {"loop": loop, "unrolled": unrolled, "doubling": doubling, "compiled": unrolled}[side]
    return trainer(Mamba(layers, width, scan), batches(batch), side == "compiled")


WHAT = {"train": train, "decode": decode, "generate": generate, "mamba": mamba}


def serve(go):
    """Answers `go N` until `quit` or the end of input."""
    go(1)  # and run.py asks for one more before it counts
    print("ready", flush=True)
    for line in sys.stdin:
        word, *rest = line.split() or [""]
        if word == "quit":
            return
        if word == "go":
            wall, cpu = time.perf_counter(), time.process_time()
            loss = go(int(rest[0]))
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            print(json.dumps({"seconds": wall, "cpu": cpu, "loss": loss, "peak_rss": peak_rss()}), flush=True)


def facts():
    import numpy
    import torch

    told = {
        "python": sys.version.split()[0],
        "numpy": numpy.__version__,
        "torch": torch.__version__,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "mkl": torch.backends.mkl.is_available(),
        "onednn": torch.backends.mkldnn.is_available(),
        "precision": torch.get_float32_matmul_precision(),
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(told))


def check():
    """Fails where two sides disagree at the same weights or one does not learn."""
    import torch
    import transformer
    from mamba import Mamba, doubling, loop, unrolled

    def same(name, ours, theirs, within):
        apart = max((a - b).abs().max().item() for a, b in zip(ours, theirs))
        print(f"{name}: within {apart:.1e}")
        assert apart <= within, f"{name}: {apart} apart"

    def gradients(model):
        loss = model.loss(data)
        loss.backward()
        return loss.item(), {name: weight.grad for name, weight in model.named_parameters()}

    def learns(name, go):
        first, last = go(1), go(59)
        print(f"{name}: loss {first:.3f} → {last:.3f} in 60 steps")
        assert last < first - 0.1, f"{name} does not learn"

    def lively(model):
        with torch.no_grad():
            for weight in model.parameters():
                weight.add_(0.1 * torch.randn_like(weight))

    torch.manual_seed(0)
    data = batches(64)[0]
    reference, best = transformer.Reference(3, 64, 4), transformer.Best(3, 64, 4)
    lively(reference)
    best.take(reference)
    (a, grad_a), (b, grad_b) = gradients(reference), gradients(best)
    same(f"train: reference {a:.5f}, best {b:.5f}", [torch.tensor(a)], [torch.tensor(b)], 1e-4)
    shared = [name for name in grad_b if name in grad_a and not name.startswith("tokens")]
    same("train: gradients", [grad_a[n] for n in shared], [grad_b[n] for n in shared], 1e-4)
    # The table is both: the reference has it under its name as the head's or the tokens', whichever came first.
    table = grad_a.get("tokens.weight", grad_a.get("head.weight"))
    same("train: gradients of the table", [table], [grad_b["tokens.weight"]], 1e-4)
    prefixes = data[:, : path_star.PREFIX].contiguous()
    answers = reference.decode(prefixes), best.decode(prefixes, best.cache(64))
    share = (answers[0] == answers[1]).float().mean().item()
    print(f"decode: {share:.4f} of {answers[0].numel()} tokens alike")
    assert share > 0.99
    models = [Mamba(2, 64, scan) for scan in (loop, unrolled, doubling)]
    lively(models[0])
    for model in models[1:]:
        model.load_state_dict(models[0].state_dict())
    (a, grad_a), *others = map(gradients, models)
    for name, (b, grad_b) in zip(("unrolled", "doubling"), others):
        same(f"mamba: loop {a:.5f}, {name} {b:.5f}", [torch.tensor(a)], [torch.tensor(b)], 1e-4)
        same(f"mamba: gradients of {name}", grad_a.values(), grad_b.values(), 1e-3)
    for side in ("reference", "best", "compiled"):
        learns(f"train {side}", train(side, "small"))
    for side, scan in (("unrolled", unrolled), ("doubling", doubling)):
        torch.manual_seed(0)
        learns(f"mamba {side}, 2 × 64", trainer(Mamba(2, 64, scan), batches(32), False))
    print("checked")


def main():
    if sys.argv[1] == "facts":
        return facts()
    if sys.argv[1] == "check":
        return check()
    what, side, size, threads = sys.argv[1:]
    if what != "generate":
        import torch

        torch.set_num_threads(int(threads))
        torch.set_num_interop_threads(1)
    serve(WHAT[what](side, size))


if __name__ == "__main__":
    main()
