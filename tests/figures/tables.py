"""Writes the tables of the gallery: `python3 tests/figures/tables.py`.

The values are invented, with a fixed seed, and have the shape that such measurements have in papers. Nothing but the standard
library is needed, and the same files come out each time.
"""

import csv
import math
import random
from pathlib import Path

FOLDER = Path(__file__).parent / "tables"


def write(name, header, rows):
    """One table; numbers are rounded to five digits, and None is an empty cell."""

    def cell(value):
        if value is None:
            return ""
        return f"{value:.5g}" if isinstance(value, float) else str(value)

    with open(FOLDER / f"{name}.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(header)
        out.writerows([cell(value) for value in row] for row in rows)


def generator(name):
    """Each table has random numbers of its own, so that a new one changes no other."""
    return random.Random(f"gallery of figures: {name}")


def spaced(low, high, count):
    """Numbers with even ratios."""
    return [low * (high / low) ** (i / (count - 1)) for i in range(count)]


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def whole(x):
    return int(round(x))


def clipped(x, low=0.0, high=1.0):
    return min(high, max(low, x))


def mean(values):
    return sum(values) / len(values)


def deviation(values):
    middle = mean(values)
    return math.sqrt(sum((v - middle) ** 2 for v in values) / (len(values) - 1))


def interval(values):
    """The half width of the 95% confidence interval of a mean, by Student's t."""
    t = {3: 4.303, 5: 2.776, 8: 2.365, 10: 2.262}[len(values)]
    return t * deviation(values) / math.sqrt(len(values))


def grokking():
    r = generator("grokking")
    rows = []
    for step in spaced(10, 1e5, 41):
        x = math.log10(step)
        for split, middle, steep in [("train", 2.35, 6), ("test", 4.45, 7)]:
            accuracy = clipped(sigmoid(steep * (x - middle)) + r.gauss(0, 0.006), 0.01)
            rows.append([whole(step), split, accuracy])
    write("grokking", ["step", "split", "accuracy"], rows)


def scaling():
    r = generator("scaling")
    rows, best = [], {}
    sizes = [("1M", 1e6), ("10M", 1e7), ("100M", 1e8), ("1B", 1e9)]
    for name, parameters in sizes:
        for tokens in spaced(1e8, 1e8 * (parameters / 1e6) ** 0.6 * 300, 18):
            compute = 6 * parameters * tokens
            loss = 1.69 + 406 / parameters**0.34 + 411 / tokens**0.28
            loss *= math.exp(r.gauss(0, 0.004))
            rows.append([name, compute, loss])
            place = round(math.log10(compute) * 2) / 2
            best[place] = min(best.get(place, 99), loss)
    write("scaling", ["size", "flops", "loss"], rows)
    # A straight line on both logarithms, by least squares through the best loss of each half decade.
    xs, ys = list(best), [math.log10(loss) for loss in best.values()]
    slope = sum((x - mean(xs)) * (y - mean(ys)) for x, y in zip(xs, ys))
    slope /= sum((x - mean(xs)) ** 2 for x in xs)
    ends = [min(xs), max(xs)]
    fit = [[10.0**x, 10 ** (mean(ys) + slope * (x - mean(xs)))] for x in ends]
    write("scaling_fit", ["flops", "loss"], fit)


def in_context():
    r = generator("in_context")
    rows = []
    for size, gain, level in [("1.3B", 6, 14), ("13B", 16, 18), ("175B", 36, 24)]:
        for shots in [1, 2, 4, 8, 16, 32, 64]:
            middle = level + gain * math.log2(shots) / 6 * (1.25 - 0.04 * math.log2(shots))
            middle += r.gauss(0, 0.5)
            wide = 2.2 + r.random()
            rows.append([size, shots, middle, middle - 1.2 * wide, middle + 0.9 * wide])
    write("in_context", ["model", "shots", "accuracy", "low", "high"], rows)


def ablation():
    r = generator("ablation")
    parts = [
        ("full model", 71.2),
        ("no data augmentation", 68.9),
        ("no weight decay", 70.3),
        ("no warm-up", 60.4),
        ("post-norm", 52.8),
        ("no dropout", 70.9),
    ]
    rows, summary = [], []
    for part, level in parts:
        scores = [level + r.gauss(0, 1.8) for _ in range(5)]
        rows += [[part, seed, score] for seed, score in enumerate(scores)]
        summary.append([part, mean(scores), interval(scores)])
    write("ablation", ["variant", "seed", "accuracy"], rows)
    write("ablation_means", ["variant", "accuracy", "ci"], summary)


def effects():
    r = generator("effects")
    rows = []
    for task, effect, wide in [
        ("arithmetic", 0.62, 0.18),
        ("code", 0.41, 0.15),
        ("commonsense", 0.08, 0.12),
        ("reading", 0.15, 0.1),
        ("summaries", -0.05, 0.14),
        ("translation", -0.21, 0.13),
        ("all tasks", 0.17, 0.06),
    ]:
        low, high = effect - wide * (1.3 - 0.3 * r.random()), effect + wide
        rows.append([task, effect, low, high, "pooled" if task == "all tasks" else "task"])
    write("effects", ["task", "effect", "low", "high", "kind"], rows)


def attention():
    r = generator("attention")
    words = ["The", "cat", "that", "the", "dogs", "chase", "sleeps", "."]
    rows = []
    for i, query in enumerate(words):
        for j, key in enumerate(words[: i + 1]):
            change = r.gauss(0, 0.05)
            if (i, j) in [(6, 1), (5, 4)]:
                change += 0.42
            if j == i:
                change -= 0.2
            if j == i - 1:
                change -= 0.12
            rows.append([f"{i + 1} {query}", f"{j + 1} {key}", change])
    write("attention", ["query", "key", "change"], rows)


def sweep():
    r = generator("sweep")
    rows = []
    for rate in ["1e-5", "3e-5", "1e-4", "3e-4", "1e-3", "3e-3"]:
        for batch in [16, 32, 64, 128, 256]:
            far = math.log10(float(rate)) + 3.6 - 0.5 * math.log2(batch / 64) / 2
            loss = 2.31 + 0.22 * far**2 + r.gauss(0, 0.01)
            diverged = rate == "3e-3" and batch < 64
            rows.append([rate, batch, None if diverged else loss])
    write("sweep", ["rate", "batch", "loss"], rows)


def calibration():
    r = generator("calibration")
    rows = []
    for model, slope in [("before", 0.72), ("after temperature scaling", 0.98)]:
        for i in range(10):
            confidence = (i + 0.5) / 10
            accuracy = clipped(0.05 * (1 - slope) + slope * confidence + r.gauss(0, 0.012))
            rows.append([model, round(confidence, 2), i / 10 + 0.005, (i + 1) / 10 - 0.005, 0, accuracy])
    write("calibration", ["model", "confidence", "from", "to", "zero", "accuracy"], rows)
    write("diagonal", ["confidence", "accuracy"], [[0, 0], [1, 1]])


def ranks():
    methods = [
        ("Ours", 1.62),
        ("XGBoost", 2.31),
        ("CatBoost", 2.44),
        ("ResNet", 4.02),
        ("FT-Transformer", 3.38),
        ("MLP", 4.71),
        ("kNN", 6.12),
        ("linear", 6.5),
    ]
    # Half of the critical difference of Nemenyi's test: 8 methods, 45 data sets.
    half = 3.031 * math.sqrt(8 * 9 / (6 * 45)) / 2
    rows = [[name, rank, half] for name, rank in sorted(methods, key=lambda pair: pair[1])]
    write("ranks", ["method", "rank", "half"], rows)


def pareto():
    r = generator("pareto")
    models = []
    families = [
        ("ConvNet", [5.3, 7.8, 9.2, 12, 19, 30, 43], 75.2, 3.1),
        ("ResNet", [11.7, 25.6, 44.5, 60.2], 69.8, 3.9),
        ("Transformer", [5.7, 22, 86], 72.2, 2.8),
    ]
    for family, sizes, level, gain in families:
        for i, size in enumerate(sizes):
            accuracy = level + gain * math.log2(size / sizes[0]) * (1 - 0.06 * i)
            name = family if i == len(sizes) - 1 else None
            models.append([family, name, size, accuracy + r.gauss(0, 0.1)])
    write("pareto", ["family", "name", "parameters", "accuracy"], models)
    front, best = [], 0.0
    for _, _, size, accuracy in sorted(models, key=lambda row: row[2]):
        if accuracy > best:
            best = accuracy
            front.append([size, accuracy])
    write("pareto_front", ["parameters", "accuracy"], front)


def scores():
    r = generator("scores")
    rows = []
    for task, level in [("reading", 0.7), ("maths", 0.42), ("code", 0.55)]:
        for model, gain, spread in [("base", 0, 0.07), ("tuned", 0.11, 0.05)]:
            for example in range(40):
                score = level + gain + r.gauss(0, spread)
                if task == "maths" and example % 3 == 0:
                    score -= 0.18
                rows.append([task, model, clipped(score)])
    write("scores", ["task", "model", "score"], rows)


def agents():
    r = generator("agents")
    rows, summary = [], []
    for method, level in [("DQN", 0.62), ("Rainbow", 1.28), ("IQN", 1.36), ("M-IQN", 1.52), ("DrQ", 0.87)]:
        for metric, scale in [("median", 0.82), ("IQM", 1.0), ("mean", 1.6)]:
            runs = [scale * level * math.exp(r.gauss(0, 0.07)) for _ in range(5)]
            rows += [[method, metric, run] for run in runs]
            half = interval(runs) * 0.7
            summary.append([method, metric, mean(runs), mean(runs) - 0.9 * half, mean(runs) + 1.1 * half])
    write("agents", ["method", "metric", "score"], rows)
    write("agents_means", ["method", "metric", "score", "low", "high"], summary)


def activations():
    r = generator("activations")
    rows = []
    for layer in [1, 4, 8, 12]:
        for norm in ["pre-norm", "post-norm"]:
            wide = 0.6 + (0.17 * layer if norm == "post-norm" else 0.03 * layer)
            for _ in range(80):
                rows.append([f"{layer}", norm, r.gauss(0, wide)])
    write("activations", ["layer", "norm", "activation"], rows)


def grid():
    r = generator("grid")
    rows = []
    for architecture, speed in [("transformer", 1.0), ("Mamba", 1.25), ("LSTM", 0.55)]:
        for task, hard in [("copy", 0.6), ("sort", 1.1), ("recall", 1.5), ("parity", 2.4)]:
            for objective, help_ in [("next token", 0), ("multi-token", 0.35)]:
                if architecture == "transformer" and task == "parity":
                    help_ = 0
                for step in range(0, 10001, 625):
                    x = 4.2 * (step / 10000 * speed * 2 - hard + help_)
                    level = 0.02 if step == 0 else sigmoid(x)
                    rows.append([architecture, task, objective, step, clipped(level + r.gauss(0, 0.008))])
    write("grid", ["architecture", "task", "objective", "step", "accuracy"], rows)


def errors():
    rows = []
    parts = ["right", "wrong path", "no such edge", "format"]
    table = {
        "GPT-2": [31, 42, 18, 9],
        "Pythia": [37, 41, 15, 7],
        "Llama": [58, 27, 12, 3],
        "ours": [83, 11, 5, 1],
    }
    for model, counts in table.items():
        rows += [[model, part, count] for part, count in zip(parts, counts)]
    write("errors", ["model", "outcome", "answers"], rows)


def phases():
    r = generator("phases")
    rows = []
    for step in range(0, 60001, 1000):
        loss = 1.9 + 2.6 * math.exp(-step / 4000) + 0.3 * math.exp(-step / 25000)
        if step >= 45000:
            loss -= 0.14 * (1 - math.exp(-(step - 45000) / 4000))
        for seed in range(3):
            rows.append([step, seed, loss + r.gauss(0, 0.02)])
    write("phases", ["step", "seed", "loss"], rows)
    spans = [("warm-up", 0, 4000), ("constant", 4000, 45000), ("decay", 45000, 60000)]
    write(
        "spans",
        ["phase", "start", "end", "middle", "height", "shade"],
        [[name, a, b, (a + b) / 2, 4.8, 0.1 * i] for i, (name, a, b) in enumerate(spans)],
    )


def schedules():
    rows = []
    for step in range(0, 1001, 20):
        warm = min(1.0, step / 100)
        rows.append(["cosine", step, 3e-4 * warm * (0.55 + 0.45 * math.cos(math.pi * step / 1000))])
        rows.append(["warm-up, decay", step, 3e-4 * warm * min(1.0, (1040 - step) / 240)])
        rows.append(["steps", step, 3e-4 * 0.3 ** (step // 300)])
    write("schedules", ["schedule", "step", "rate"], rows)


def descent():
    r = generator("descent")
    rows = []
    for width in range(1, 65, 2):
        near = math.log2(width / 11)
        test = 0.17 + 0.3 / (1 + width / 6) + 0.2 * math.exp(-3.2 * near * near)
        train = max(0.0, 0.62 * math.exp(-width / 4.2) - 0.004)
        rows.append([width, "test", test + r.gauss(0, 0.006)])
        rows.append([width, "train", max(0.0, train + r.gauss(0, 0.003))])
    write("descent", ["width", "split", "error"], rows)


def tickets():
    r = generator("tickets")
    rows = []
    for weights, level in zip([100, 51.3, 26.3, 13.5, 6.9, 3.6, 1.9], [97.8, 98.0, 98.2, 98.3, 98.1, 97.6, 96.4]):
        for start, loss in [("winning ticket", 0.0), ("random", 1.0)]:
            level2 = level - loss * (0.1 + 1.1 * math.log2(100 / weights) ** 1.4 / 6)
            rows.append([weights, start, level2 + r.gauss(0, 0.03), 0.08 + 0.12 * loss + 0.06 * r.random()])
    write("tickets", ["weights", "start", "accuracy", "deviation"], rows)


def emergent():
    r = generator("emergent")
    rows = []
    for task, middle, chance in [("addition", 22.6, 0.05), ("word sense", 23.5, 0.5), ("transliteration", 22.9, 0.0), ("proofs", 23.2, 0.02)]:
        for model, shift in [("A", 0.0), ("B", 0.5)]:
            for x in [19.5, 20.2, 21, 21.6, 22.2, 22.8, 23.3, 23.9]:
                accuracy = chance + (0.75 - chance) * sigmoid(5 * (x - middle - shift)) + r.gauss(0, 0.01)
                rows.append([task, model, 10.0**x, clipped(accuracy), chance])
    write("emergent", ["task", "model", "flops", "accuracy", "chance"], rows)


def optimizers():
    r = generator("optimizers")
    names = ["SGD", "momentum", "Adam", "AdamW", "Adafactor", "Lion", "Shampoo", "SOAP", "Muon", "Sophia", "LAMB", "RMSProp"]
    rows = []
    for i, name in enumerate(names):
        final = 2.55 + 0.085 * ((i * 7) % 12)
        for step in range(0, 5001, 250):
            loss = final + (6.3 - final) * math.exp(-((step / (420 + 25 * i)) ** 0.8))
            rows.append([name, step, math.exp(loss + r.gauss(0, 0.006))])
    write("optimizers", ["optimizer", "step", "perplexity"], rows)


def throughput():
    r = generator("throughput")
    rows = []
    start = 1767225600
    for node in ["node 1", "node 2"]:
        for hour in range(0, 24 * 7, 4):
            seconds = start + hour * 3600
            value = 1.9e5 + 2e4 * math.sin(hour / 24 * 2 * math.pi) + r.gauss(0, 6e3)
            if node == "node 2" and 60 <= hour < 84:
                value = None
            rows.append([node, seconds, value])
    write("throughput", ["node", "time", "tokens"], rows)


def confusion():
    r = generator("confusion")
    names = ["cat", "deer", "dog", "frog", "horse", "ship"]
    rows = []
    for i, true in enumerate(names):
        for j, said in enumerate(names):
            count = 900 + r.randrange(80) if i == j else r.randrange(2, 22)
            if {true, said} == {"cat", "dog"}:
                count = 110 + r.randrange(40)
            rows.append([true, said, count])
    write("confusion", ["true", "predicted", "images"], rows)


def landscape():
    rows = []
    for i in range(21):
        for j in range(21):
            a, b = (i - 10) / 10, (j - 10) / 10
            loss = 0.12 + 2.4 * a * a + 3.8 * b * b + 1.6 * a * b
            loss += 0.35 * math.sin(5 * a) ** 2 * math.cos(4 * b) ** 2
            rows.append([round(a, 2), round(b, 2), loss * loss + 0.05])
    write("landscape", ["alpha", "beta", "loss"], rows)


def embeddings():
    r = generator("embeddings")
    rows = []
    for digit in range(6):
        angle = digit / 6 * 2 * math.pi
        for _ in range(30):
            x, y = 9 * math.cos(angle) + r.gauss(0, 1.9), 9 * math.sin(angle) + r.gauss(0, 1.9)
            rows.append([x, y, f"class {digit}"])
    write("embeddings", ["first", "second", "class"], rows)


def transfer():
    r = generator("transfer")
    rows = []
    for _ in range(60):
        loss = r.uniform(2.0, 3.4)
        score = 82 - 14 * (loss - 2) + r.gauss(0, 2.2)
        rows.append([loss, score, 10 ** (10.9 - 1.3 * (loss - 2) + r.gauss(0, 0.15))])
    write("transfer", ["loss", "score", "tokens"], rows)
    xs, ys = [row[0] for row in rows], [row[1] for row in rows]
    var = sum((x - mean(xs)) ** 2 for x in xs)
    slope = sum((x - mean(xs)) * (y - mean(ys)) for x, y in zip(xs, ys)) / var
    residual = math.sqrt(sum((y - mean(ys) - slope * (x - mean(xs))) ** 2 for x, y in zip(xs, ys)) / 58)
    fit = []
    for i in range(15):
        x = min(xs) + (max(xs) - min(xs)) * i / 14
        y = mean(ys) + slope * (x - mean(xs))
        half = 2.002 * residual * math.sqrt(1 / 60 + (x - mean(xs)) ** 2 / var)
        fit.append([x, y, y - half, y + half])
    write("transfer_fit", ["loss", "score", "low", "high"], fit)


def profiles():
    r = generator("profiles")
    rows = []
    for method, level in [("PPO", 0.6), ("SAC", 0.85), ("TD3", 0.75), ("ours", 1.05)]:
        runs = [max(0.02, r.gauss(level, 0.4)) for _ in range(60)]
        for i in range(41):
            tau = i / 20
            rows.append([method, tau, sum(run > tau for run in runs) / 60])
    write("profiles", ["method", "tau", "share"], rows)


def detection():
    r = generator("detection")
    rows = []
    for score, apart in [("loss", 0.55), ("calibrated loss", 1.1), ("likelihood ratio", 1.7)]:
        members = sorted(r.gauss(apart, 1) for _ in range(300))
        others = sorted(r.gauss(0, 1) for _ in range(300))
        for i in range(0, 61):
            threshold = 4.2 - i * 0.13
            false = sum(v > threshold for v in others) / 300
            true = sum(v > threshold for v in members) / 300
            if false > 0:
                rows.append([score, false, true])
    rows = [list(row) for row in dict.fromkeys(map(tuple, rows))]
    write("detection", ["score", "false_positives", "true_positives"], rows)
    write("chance", ["false_positives", "true_positives"], [[1 / 300, 1 / 300], [1.0, 1.0]])


def costs():
    r = generator("costs")
    rows = []
    for length in [256, 512, 1024, 2048, 4096, 8192]:
        for kernel, factor, power in [("standard", 1.0, 2.0), ("fused", 0.35, 1.85), ("linear", 4.0, 1.0)]:
            seconds = factor * (length / 256) ** power * 0.4
            memory = (0.3 if kernel == "standard" else 0.03) * (length / 256) ** (2 if kernel == "standard" else 1)
            loss = 2.9 - 0.08 * math.log2(length / 256) + (0.09 if kernel == "linear" else 0)
            for metric, value in [("milliseconds", seconds), ("gigabytes", memory), ("validation loss", loss + r.gauss(0, 0.004))]:
                rows.append([kernel, length, metric, value])
    write("costs", ["kernel", "length", "metric", "value"], rows)


def seeds():
    r = generator("seeds")
    rows = []
    for method, level, spread in [("greedy", 61, 0.6), ("nucleus", 63, 2.4), ("beam", 62, 1.0), ("best of 8", 67, 1.6)]:
        rows += [[method, level + r.gauss(0, spread)] for _ in range(24)]
    write("seeds", ["decoding", "score"], rows)


def texts():
    r = generator("texts")
    rows = []
    for split, middle in [("train", 6.0), ("test", 6.6)]:
        rows += [[split, max(8, whole(math.exp(r.gauss(middle, 0.55))))] for _ in range(220)]
    write("texts", ["split", "tokens"], rows)


def mixture():
    rows = []
    for step in range(0, 101, 5):
        web = 70 - 0.35 * step
        code = 10 + 0.2 * step
        maths = 4 + 0.18 * step
        books = 100 - web - code - maths
        rows += [[step, name, round(v, 2)] for name, v in [("web", web), ("books", books), ("code", code), ("maths", maths)]]
    write("mixture", ["step", "source", "tokens"], rows)


def benchmarks():
    r = generator("benchmarks")
    rows = []
    for model, gain in [("BERT", 0.0), ("RoBERTa", 3.2), ("DeBERTa", 4.6)]:
        for task, level in [("MNLI", 84.6), ("QNLI", 90.5), ("SST-2", 93.5), ("CoLA", 58.1), ("RTE", 70.1)]:
            scale = {"CoLA": 2.4, "RTE": 3.2}.get(task, 0.8)
            rows.append([task, model, level + gain * scale + r.gauss(0, 0.2), 0.25 + 0.3 * scale * r.random()])
    write("benchmarks", ["task", "encoder", "score", "ci"], rows)


def changes():
    r = generator("changes")
    rows = []
    for task, change in [("arithmetic", 9.1), ("code", 6.4), ("logic", 3.8), ("reading", 1.2), ("facts", -0.7), ("poetry", -2.9), ("translation", -4.4)]:
        rows.append([task, change + r.gauss(0, 0.1), "better" if change > 0 else "worse"])
    write("changes", ["task", "change", "direction"], rows)


def languages():
    r = generator("languages")
    rows = []
    for language, before, after in [("Yoruba", 21, 44), ("Swahili", 33, 52), ("Hindi", 51, 61), ("German", 68, 71), ("English", 74, 73)]:
        rows += [[language, "before", before + r.gauss(0, 0.3)], [language, "after", after + r.gauss(0, 0.3)]]
    write("languages", ["language", "training", "score"], rows)


def spikes():
    r = generator("spikes")
    rows = []
    for clip in ["no clipping", "clipped at 1"]:
        for step in range(0, 2001, 20):
            norm = 0.6 + 2.5 * math.exp(-step / 150) + abs(r.gauss(0, 0.08))
            if clip == "no clipping" and step in (480, 500, 1220, 1560):
                norm *= 10 ** r.uniform(1.4, 2.6)
            rows.append([clip, step, min(norm, 1.0) if clip != "no clipping" else norm])
    write("spikes", ["run", "step", "norm"], rows)


def releases():
    rows = [
        ["A", 2019.1, 1.1e10, 32.0, "dense"],
        ["B", 2020.4, 1.75e11, 43.9, "dense"],
        ["C", 2021.9, 2.8e11, 60.0, "dense"],
        ["D", 2022.2, 7e10, 67.5, "dense"],
        ["E", 2022.3, 5.4e11, 69.3, "dense"],
        ["F", 2023.1, 6.5e10, 63.4, "dense"],
        ["G", 2023.9, 4.7e10, 70.6, "mixture of experts"],
        ["H", 2024.3, 1.41e11, 77.8, "mixture of experts"],
        ["I", 2024.5, 4.05e11, 87.3, "dense"],
        ["J", 2024.9, 6.71e11, 88.5, "mixture of experts"],
    ]
    write("releases", ["model", "year", "parameters", "score", "kind"], rows)


def memory():
    rows = []
    for method, parts in {
        "full": [14.0, 14.0, 56.0, 9.0],
        "sharded": [14.0, 3.5, 14.0, 9.0],
        "LoRA": [14.0, 0.1, 0.4, 7.0],
        "4-bit LoRA": [3.9, 0.1, 0.4, 7.0],
    }.items():
        rows += [[method, part, v] for part, v in zip(["weights", "gradients", "optimizer", "activations"], parts)]
    write("memory", ["method", "part", "gigabytes"], rows)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for make in [
        grokking, scaling, in_context, ablation, effects, attention, sweep, calibration, ranks, pareto, scores, agents,
        activations, grid, errors, phases, schedules, descent, tickets, emergent, optimizers, throughput, confusion,
        landscape, embeddings, transfer, profiles, detection, costs, seeds, texts, mixture,
        benchmarks, changes, languages, spikes, releases, memory,
    ]:  # fmt: skip
        make()
