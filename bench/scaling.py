"""Estimates the time of a step on larger machines, and fills in the tables of docs/scaling.md.

    bench/bench.sh --only ranks           # measures this machine and fills in the tables
    python3 bench/scaling.py              # fills them in from the last measurement

Measured: a step on one and two ranks of one core each, and sums over two ranks. Numbers of other machines are assumptions.
"""

import collections
import json
import sys

import pages

PAGE = pages.ROOT / "docs" / "scaling.md"
MEASURED = pages.ROOT / "runs" / "benchmarks" / "ranks.json"

# One direction: seconds of the shortest message, bytes/s.
Link = collections.namedtuple("Link", "latency bandwidth")
Model = collections.namedtuple("Model", "vocabulary embedding hidden layers")
# A part of the gradients that is summed at once: its bytes, and the share of backward that computes it.
Bucket = collections.namedtuple("Bucket", "bytes share")
# `ranks` per node; `flop` and `memory` (bytes) per second and rank.
Machine = collections.namedtuple("Machine", "name nodes ranks flop memory inside between")
Way = collections.namedtuple("Way", "name lanes bytes_each buckets")
Step = collections.namedtuple("Step", "compute sums exposed update seconds")

UPDATE_BYTES = 28  # per parameter: Adam reads weight, gradient and two moments, and writes all except the gradient
BACKWARD = 2 / 3   # share of a step's products
LENGTH = 128       # T
MODEL = Model(vocabulary=256, embedding=128, hidden=1024, layers=3)  # configs/gutenberg.yaml

NVLINK = Link(5e-6, 300e9)
MACHINES = [
    Machine("8 GPUs, NVLink", 1, 8, 15e12, 2.4e12, NVLINK, None),
    Machine("16 nodes of 8 GPUs, 400 Gb", 16, 8, 15e12, 2.4e12, NVLINK, Link(10e-6, 45e9)),
    Machine("64 nodes of 1 GPU, 25 Gb", 64, 1, 15e12, 2.4e12, None, Link(30e-6, 2.8e9)),
]
WAYS = [
    Way("one sum of fp32", 64, 4, False),
    Way("layer buckets", 64, 4, True),
    Way("bf16 gradients", 64, 2, False),
    Way("bf16 and buckets", 64, 2, True),
    Way("four times the lanes", 256, 4, False),
    Way("all three", 256, 2, True),
]


# ---- formulas

def ring(size, ranks, link):
    """Seconds to add `size` bytes over p `ranks`: 2 (p - 1) messages of 1 / p of them from each rank to the next, first to
    add, then to share the sums. No method sends fewer bytes (Patarasuk and Yuan 2009; Thakur, Rabenseifner and Gropp
    2005, with p - 1 instead of log2 p for the latency)."""
    return 2 * (ranks - 1) * (link.latency + size / ranks / link.bandwidth) if ranks > 1 else 0.0


def hierarchical(size, nodes, ranks, inside, between):
    """The same over `nodes` of `ranks` each: after a ring inside every node, each of its ranks has the sum of 1 / `ranks` of
    the bytes. Rings between the nodes, one for each rank of a node, sharing its link, add those. Then the ring inside
    shares them."""
    seconds = ring(size, ranks, inside)
    if nodes > 1:
        seconds += ring(size / ranks, nodes, Link(between.latency, between.bandwidth / ranks))
    return seconds


def exposed(buckets, backward, seconds_of):
    """Seconds from the end of backward to the end of the last sum, if buckets are summed one after another, each as soon as
    backward has computed it. `seconds_of` returns the seconds of a sum from its bytes."""
    made = summed = 0.0
    for bucket in buckets:
        made += bucket.share * backward
        summed = max(made, summed) + seconds_of(bucket.bytes)
    return summed - backward


# ---- a model's numbers

def layer_parameters(model):
    """Parameters of each LSTM layer, the lowest first."""
    widths = [model.embedding] + [model.hidden] * (model.layers - 1)
    return [4 * model.hidden * (width + model.hidden + 2) for width in widths]


def head_parameters(model):
    return model.vocabulary * (model.hidden + 1)


def parameters(model):
    return model.vocabulary * model.embedding + sum(layer_parameters(model)) + head_parameters(model)


def products(model):
    """Multiply-adds of forward for one character: of the head, then of the layers, the top layer first. The input product of
    the lowest layer is a table lookup."""
    layers = [4 * model.hidden * model.hidden] + [8 * model.hidden * model.hidden] * (model.layers - 1)
    return [model.vocabulary * model.hidden] + layers[::-1]


def flop(model):
    """Operations for one character in training: a multiply-add is two, and backward needs twice as many as forward."""
    return 6 * sum(products(model))


def buckets(model, bytes_each):
    """Buckets in the order in which backward computes them. The embedding is in the bucket of the lowest layer."""
    sizes = [head_parameters(model)] + layer_parameters(model)[::-1]
    sizes[-1] += model.vocabulary * model.embedding
    whole = sum(products(model))
    return [Bucket(size * bytes_each, part / whole) for size, part in zip(sizes, products(model))]


# ---- a step

def step(model, machine, way):
    compute = way.lanes * LENGTH * flop(model) / machine.flop
    update = parameters(model) * UPDATE_BYTES / machine.memory

    def seconds_of(size):
        return hierarchical(size, machine.nodes, machine.ranks, machine.inside, machine.between)

    parts = buckets(model, way.bytes_each)
    if way.buckets:
        sums = sum(seconds_of(bucket.bytes) for bucket in parts)
        visible = exposed(parts, BACKWARD * compute, seconds_of)
    else:
        sums = visible = seconds_of(sum(bucket.bytes for bucket in parts))
    return Step(compute, sums, visible, update, compute + visible + update)


# ---- the tables

def ms(seconds):
    return f"{seconds * 1e3:.3g}"


def machine_rows():
    rows = []
    for machine in MACHINES:
        for link, where in ((machine.inside, "inside"), (machine.between, "between nodes")):
            if link:
                rows.append(pages.row(f"{machine.name}: {where}", f"{link.latency * 1e6:g} us, {link.bandwidth / 1e9:g} GB/s"))
    rows.append(pages.row("a GPU", f"{MACHINES[0].flop / 1e12:g} TFLOP/s in fp32 training of this model, "
                                   f"{MACHINES[0].memory / 1e12:g} TB/s of memory"))
    rows.append(pages.row("update", f"{UPDATE_BYTES} bytes of memory traffic a parameter"))
    return rows


def step_rows():
    rows = []
    for machine in MACHINES:
        for way in WAYS:
            found = step(MODEL, machine, way)
            alone = found.compute + found.update
            rows.append(pages.row(f"{machine.name}: {way.name}", machine.nodes * machine.ranks, way.lanes, ms(found.compute),
                                  ms(found.sums), ms(found.exposed), ms(found.update),
                                  pages.percent((found.exposed + found.update) / found.seconds, 1),
                                  pages.percent(alone / found.seconds)))
    return rows


def fit(short, long, ranks):
    """The link with which a ring takes as long as these two measured sums, each (bytes, seconds)."""
    messages = 2 * (ranks - 1)
    bandwidth = (long[0] - short[0]) / ranks / ((long[1] - short[1]) / messages)
    return Link(max(0.0, short[1] / messages - short[0] / ranks / bandwidth), bandwidth)


def here_rows(measured):
    """The formula compared with measurements on two ranks."""
    scaling, comm = measured["scaling"], measured["comm"]
    sums = [(case["bytes"], case["seconds"]) for case in comm["cases"] if case["type"] == "fp32"]
    link, size = fit(sums[0], sums[-1], comm["ranks"]), 4 * scaling["parameters"]
    one = scaling["cases"][0]
    predicted = ring(size, comm["ranks"], link)
    rows = [pages.row("link, fitted to the shortest and the longest sum",
                      f"{link.latency * 1e6:.3g} us, {link.bandwidth / 1e9:.3g} GB/s", "")]
    rows += [pages.row(f"sum of {count >> 10:,} KiB, ms", ms(ring(count, comm["ranks"], link)), ms(seconds))
             for count, seconds in sums]
    for case in scaling["cases"]:
        if case["ranks"] != comm["ranks"]:
            continue
        rows.append(pages.row(f"{case['work']} scaling: the sum of {size / 1e6:.1f} MB in a step, ms", ms(predicted),
                              ms(case["exchange_seconds"])))
        share = case["batch"] / one["batch"] / case["ranks"] * one["ranks"]  # relative to the work of one rank alone
        compute = (one["step_seconds"] - one["update_seconds"]) * share
        seconds = compute + one["update_seconds"] + predicted
        rate = case["batch"] / one["batch"] * one["step_seconds"] / seconds
        rows.append(pages.row(f"{case['work']} scaling: times the speed of one rank", f"{rate:.2f}", f"{case['ratio']:.2f}"))
    return rows


def write_page(measured):
    pages.replace_table(PAGE, "bench/scaling.py", "assumed", ["assumed", "value"], machine_rows(), keep=False)
    pages.replace_table(PAGE, "bench/scaling.py", "steps",
                        ["machine", "ranks", "lanes per rank", "compute, ms", "sums, ms", "exposed sums, ms",
                         "clip and update, ms", "share of exposed sums and update", "speed, of ideal"], step_rows(), keep=False)
    pages.replace_table(PAGE, "bench/scaling.py", "here",
                        [f"{measured['machine']}, two ranks of one core", "formula", "measured"], here_rows(measured), keep=False)


def main():
    if not MEASURED.exists():
        raise pages.Failure(f"expected measurements in {MEASURED.relative_to(pages.ROOT)}, found none: "
                            "run bench/bench.sh --only ranks")
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    if measured["commit"].endswith("*"):
        raise pages.Failure(f"expected measurements of a checkout without changes, found {measured['commit']} in {MEASURED}: "
                            "commit or stash the changes, then run bench/bench.sh --only ranks")
    write_page(measured)
    print(f"wrote the tables to {PAGE.relative_to(pages.ROOT)}")


if __name__ == "__main__":
    try:
        main()
    except pages.Failure as problem:
        sys.exit(f"scaling: {problem}")
