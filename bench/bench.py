"""Runs charrnn_bench and PyTorch in turns for bench/bench.sh, and fills in the tables of docs/benchmarks.md."""

import argparse
import collections
import fnmatch
import json
import os
import pathlib
import re
import shutil
import statistics
import sys
import time

import pages
import ranks
import scaling
import shakespeare as tiny_shakespeare
from commands import output_of
from pages import Failure, plural

PAGE = pages.ROOT / "docs" / "benchmarks.md"
RUNS = pathlib.Path("runs/benchmarks")
REFERENCE = "bench/reference"
CORES = sorted(os.sched_getaffinity(0))[:2]  # everything on the CPU runs on these
THREADS = len(CORES)

LOSSES = 50             # number of losses that are compared with PyTorch's
LOSS_TOLERANCE = 1e-3   # of the loss
CHANCE = 0.9            # settings of PyTorch slower than this part of the best ones are measured only once
WEAK_SCALING = 1.85     # target for two ranks, times the speed of one rank
EXCHANGE_SHARE = 0.05   # of a step: exchange, clip and update together

# Targets: `must` times PyTorch's speed, `share` of the speed of sgemm, `memory` relative to PyTorch's peak; None: no target.
Training = collections.namedtuple("Training", "title options must share memory ddp", defaults=(None, None, False))


def options(**given):
    return [word for name, value in given.items() for word in (f"--{name}", str(value))]


TRAINING = {
    "lstm-512": Training("LSTM, E 128, H 512, L 1, B 32, T 64", options(embedding=128, hidden=512, batch=32), 1.4, 0.70,
                         ddp=True),
    "lstm-wide": Training("LSTM, E 512, H 512, L 1, B 64, T 64", options(embedding=512, hidden=512, batch=64), 1.9, 0.70),
    "lstm-deep": Training("LSTM, E 512, H 512, L 2, B 64, T 64",
                          options(embedding=512, hidden=512, layers=2, batch=64), 1.4, 0.80, ddp=True),
    "lstm-1024": Training("LSTM, E 128, H 1024, L 2, B 64, T 64",
                          options(embedding=128, hidden=1024, layers=2, batch=64), 1.1, 0.80),
    "rnn": Training("tanh-RNN, one-hot, V 28, H 512, B 32, T 35",
                    options(cell="rnn_tanh", input="one_hot", vocabulary=28, hidden=512, batch=32, length=35), 1.5),
    "chinese": Training("LSTM, V 6,000, E 256, H 512, L 1, B 32, T 64",
                        options(vocabulary=6000, embedding=256, hidden=512, batch=32), 1.3, memory=0.5),
}
# On a GPU, in each of these precisions, compared with PyTorch's best in the same precision: eager, autocast or a CUDA graph.
PRECISIONS = ["tf32", "bf16", "fp16"]
# Relative: both round, in different orders; to 8 bits in bf16, to 11 in the others.
GPU_LOSS_TOLERANCE = {"tf32": 2e-3, "bf16": 5e-3, "fp16": 2e-3}
PUBLISHED = 67_212  # tokens/s of d2l's "concise" RNN on its GPU
GpuTraining = collections.namedtuple("GpuTraining", "title options published", defaults=(None,))
GPU_TRAINING = {
    "gpu-small": GpuTraining("LSTM, E 128, H 512, L 1, B 32, T 64", options(hidden=512, batch=32)),
    "gpu-512": GpuTraining("LSTM, E 128, H 512, L 1, B 64, T 128", options(hidden=512, batch=64, length=128)),
    "gpu-1024": GpuTraining("LSTM, E 128, H 1024, L 2, B 64, T 128",
                            options(hidden=1024, layers=2, batch=64, length=128)),
    "gpu-gutenberg": GpuTraining("LSTM of gutenberg.yaml: V 256, E 128, H 1024, L 3, dropout 0.1, B 512, T 128",
                                 options(vocabulary=256, hidden=1024, layers=3, dropout=0.1, batch=512, length=128)),
    "gpu-chinese": GpuTraining("LSTM, V 6,000, E 256, H 512, L 1, B 32, T 64",
                               options(vocabulary=6000, embedding=256, hidden=512, batch=32)),
    "gpu-d2l": GpuTraining("d2l's tanh-RNN, one-hot, V 28, H 512, B 32, T 35, SGD",
                           options(cell="rnn_tanh", input="one_hot", vocabulary=28, hidden=512, batch=32, length=35,
                                   optimizer="sgd", rate=1), PUBLISHED),
}


def gpu_mark(case, precision):
    """The target, times PyTorch's best. cuDNN has a persistent kernel for fp16, which nn.LSTM does not use with several
    layers."""
    has_layers = "--layers" in case.options and int(case.options[case.options.index("--layers") + 1]) > 1
    return 1.3 if precision == "fp16" and has_layers else 1.0


SAMPLING = {1: 6.0, 64: 2.0}  # streams: target, times nn.LSTM's speed
CASES = {"cpu": [*TRAINING, "sample", "ranks", "shakespeare"], "cuda": list(GPU_TRAINING)}

Budget = collections.namedtuple("Budget", "rounds seconds losses sizes")
FULL = Budget(5, 2.0, LOSSES, [])
QUICK = Budget(1, 0.3, 3, ["--most", str(1 << 20)])
FEW_LOSSES = 3  # if they have been compared already


def number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def spread(values, shown=number):
    """The median and, after more than one round, the least and the largest value."""
    middle = shown(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({shown(min(values))}..{shown(max(values))})"


def times(value):
    return f"{value:.2f}"


def difference(ours, theirs):
    """The largest relative difference of the losses that both have."""
    return max(abs(a - b) / b for a, b in zip(ours, theirs, strict=False))


class Way:
    """One program with one choice of settings, and the results of its rounds."""

    def __init__(self, name, words, first=(), later=()):
        """Every command is `words`, then `first` in the first round and `later` in the others."""
        self.name, self.words, self.first, self.later, self.rounds = name, words, list(first), list(later), []

    def cases(self):
        """The speed in each round, for each case (such as 64 streams)."""
        return list(zip(*([case["characters_per_second"] for case in result.get("cases", [result])]
                          for result in self.rounds), strict=True))

    def rates(self, place=0):
        return self.cases()[place]

    def text(self, place=0):
        return f"{spread(self.rates(place))} with {self.name}"


def has_chance(way, rivals):
    """Whether `way` may be the best of `rivals` in one of their cases, judging by the first round."""
    best = [max(first[0] for first in case) for case in zip(*(rival.cases() for rival in rivals), strict=True)]
    return any(rates[0] >= CHANCE * fastest for rates, fastest in zip(way.cases(), best, strict=True))


def best_of(ways, place=0):
    """The fastest of the ways that ran in every round."""
    most = max(len(way.rounds) for way in ways)
    return max((way for way in ways if len(way.rounds) == most), key=lambda way: statistics.median(way.rates(place)))


def ratios(ours, theirs, place=0):
    return [a / b for a, b in zip(ours.rates(place), theirs.rates(place), strict=True)]


class Bench:
    def __init__(self, budget, judges, device="cpu"):
        self.budget, self.judges, self.device = budget, judges, device
        self.missed = []
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("OMP_", "MKL_", "KMP_", "GOMP_"))}

    # ---- running

    def run(self, words):
        """Returns the JSON that a command prints."""
        return json.loads(output_of(words, self.environment))

    def turn(self, way):
        """One more round of `way`, in a new process."""
        words = [*way.words, "--rounds", 1, "--json", *(way.later if way.rounds else way.first)]
        if not way.rounds:
            print("  + " + " ".join(str(word) for word in words), flush=True)
        way.rounds.append(self.run(words))
        print(f"  {way.name}: " + " and ".join(number(rates[-1]) for rates in way.cases()) + " characters/s", flush=True)

    def in_turns(self, ours, *groups):
        """Rounds of `ours` and of PyTorch's ways in turns; after the first round only those ways that may be the best of
        their group."""
        for _ in range(self.budget.rounds):
            for way in [ours, *(way for group in groups for way in group)]:
                self.turn(way)
            if len(ours.rounds) == 1:
                groups = [[way for way in group if has_chance(way, group)] for group in groups]

    def judge(self, what, is_reached, text):
        if is_reached or not self.judges:
            return text
        self.missed.append(f"{what}: {text}")
        return f"**{text}, missed**"

    def commit(self):
        return pages.commit() + ("" if self.judges else ", one short round")

    # ---- cases

    def training(self, name):
        case = TRAINING[name]
        folder = RUNS / name
        shutil.rmtree(pages.ROOT / folder, ignore_errors=True)
        seconds = ["--seconds", self.budget.seconds]
        many, few = ["--losses", self.budget.losses], ["--losses", FEW_LOSSES]
        ours = Way(f"charrnn, {plural(THREADS, 'thread')}",
                   ["charrnn_bench", "model", *case.options, *seconds, "--device", "cpu", "--threads", THREADS],
                   [*many, "--keep", folder], [*few, "--check", 1])
        script = ["python3", f"{REFERENCE}/model_speed.py", folder, *case.options, *seconds]
        theirs = [Way(plural(threads, "thread"), [*script, "--threads", threads], many if threads == THREADS else few, few)
                  for threads in range(THREADS, 0, -1)]
        if case.ddp and THREADS > 1:
            theirs.append(Way(f"DDP of {THREADS} processes", [*script, "--processes", THREADS], few, few))
        self.in_turns(ours, theirs)
        self.write("training", [self.training_row(name, case, ours, theirs)])
        shutil.rmtree(pages.ROOT / folder, ignore_errors=True)

    def training_row(self, name, case, ours, theirs):
        best = best_of(theirs)
        speeds = ratios(ours, best)
        shares = [result["share_of_sgemm"] for result in ours.rounds]
        share = statistics.median(shares)
        differences = [difference(ours.rounds[0]["losses"], way.rounds[0]["losses"]) for way in theirs]
        peaks = [max(result["peak_bytes"] for result in way.rounds) / 1e6 for way in (ours, best)]
        starts = [way.rounds[0]["start_bytes"] / 1e6 for way in (ours, best)]
        memory = f"{peaks[0]:,.0f} of {peaks[1]:,.0f} (before the model {starts[0]:,.0f} and {starts[1]:,.0f})"
        return pages.row(
            case.title, spread(ours.rates()), best.text(), "; ".join(way.text() for way in theirs if way is not best) or "–",
            self.judge(f"{name}, times PyTorch", statistics.median(speeds) >= case.must, spread(speeds, times)), case.must,
            self.judge(f"{name}, share of sgemm", case.share is None or share >= case.share,
                       spread(shares, pages.percent)),
            "–" if case.share is None else pages.percent(case.share),
            self.judge(f"{name}, memory", case.memory is None or peaks[0] <= case.memory * peaks[1], memory),
            self.judge(f"{name}, losses", max(differences) <= LOSS_TOLERANCE,
                       f"{len(ours.rounds[0]['losses'])}, to {max(differences):.0e}"), self.commit())

    def gpu_training(self, name):
        case = GPU_TRAINING[name]
        folder = RUNS / name
        rows = []
        for precision in PRECISIONS:
            shutil.rmtree(pages.ROOT / folder, ignore_errors=True)
            common = [*case.options, "--seconds", self.budget.seconds, "--device", self.device, "--precision", precision]
            many, few = ["--losses", self.budget.losses], ["--losses", FEW_LOSSES]
            ours = Way(f"charrnn, {precision}", ["charrnn_bench", "model", *common], [*many, "--keep", folder],
                       [*few, "--check", 1])
            theirs = Way(f"PyTorch, {precision}",
                         ["python3", f"{REFERENCE}/model_speed.py", folder, *common, "--variant", "best"], many, few)
            self.in_turns(ours, [theirs])
            rows.append(self.gpu_row(name, case, precision, ours, theirs))
        self.write("gpus", rows)
        shutil.rmtree(pages.ROOT / folder, ignore_errors=True)

    def gpu_row(self, name, case, precision, ours, theirs):
        speeds, must = ratios(ours, theirs), gpu_mark(case, precision)
        losses = "other masks"
        if "--dropout" not in case.options:
            largest = difference(ours.rounds[0]["losses"], theirs.rounds[0]["losses"])
            losses = self.judge(f"{name}, {precision}, losses", largest <= GPU_LOSS_TOLERANCE[precision],
                                f"{len(ours.rounds[0]['losses'])}, to {largest:.0e}")
        variants = theirs.rounds[0]["variants"]
        otherwise = [f"{number(rate)} {variant}" for variant, rate in variants.items()
                     if variant != theirs.rounds[0]["variant"]]
        otherwise += [f"{variant} fails: {reason}" for variant, reason in theirs.rounds[0]["failed"].items()]
        published = "–" if case.published is None else (
            f"{case.published:,} ({times(statistics.median(ours.rates()) / case.published)} times)")
        return pages.row(
            f"{case.title}, {precision}", spread(ours.rates()), f"{spread(theirs.rates())} {theirs.rounds[0]['variant']}",
            "; ".join(otherwise) or "–",
            self.judge(f"{name}, {precision}, times PyTorch", statistics.median(speeds) >= must, spread(speeds, times)), must,
            losses, published, theirs.rounds[0]["device"], self.commit())

    def sample(self):
        seconds = ["--seconds", round(self.budget.seconds / 3, 3), "--streams", ",".join(str(streams) for streams in SAMPLING)]
        ours = Way(f"charrnn, {plural(THREADS, 'thread')}", ["charrnn_bench", "sample", *seconds, "--threads", THREADS])
        script = ["python3", f"{REFERENCE}/sample_speed.py", *seconds]
        lstm, cells = ([Way(plural(threads, "thread"), [*script, "--threads", threads, "--layers-as", kind])
                        for threads in range(THREADS, 0, -1)] for kind in ("lstm", "cells"))
        self.in_turns(ours, lstm, cells)
        rows = []
        for place, (streams, must) in enumerate(SAMPLING.items()):
            best, of_cells = best_of(lstm, place), best_of(cells, place)
            speeds = ratios(ours, best, place)
            rows.append(pages.row(
                streams, spread(ours.rates(place)), best.text(place),
                self.judge(f"sampling, {streams} streams, times nn.LSTM", statistics.median(speeds) >= must,
                           spread(speeds, times)), must,
                of_cells.text(place), spread(ratios(ours, of_cells, place), times), self.commit()))
        self.write("sampling", rows)

    def ranks(self):
        if THREADS < 2:
            print("  skipped: two ranks of one core each need two cores")
            return
        seconds = ["--seconds", round(self.budget.seconds * 2 / 3, 3)]
        sums = ["mpirun", "--map-by", "core", "--bind-to", "core", "-np", 2, "charrnn_bench", "comm", "--device", "cpu",
                *self.budget.sizes, "--rounds", self.budget.rounds, "--json"]
        measured = {"machine": pages.machine(), "commit": pages.commit(),
                    "scaling": ranks.measure(seconds, self.budget.rounds, environment=self.environment)}
        print("  + " + " ".join(str(word) for word in sums), flush=True)
        measured["comm"] = self.run(sums)
        scaling.MEASURED.parent.mkdir(parents=True, exist_ok=True)
        scaling.MEASURED.write_text(json.dumps(measured), encoding="utf-8")
        self.write("ranks", [self.ranks_row(case) for case in measured["scaling"]["cases"]])
        sizes = sorted({case["bytes"] for case in measured["comm"]["cases"]})
        self.write("sums", [self.sums_row([case for case in measured["comm"]["cases"] if case["bytes"] == size])
                            for size in sizes])
        if self.writes:
            scaling.write_page(measured)

    def ranks_row(self, case):
        share = (case["exchange_seconds"] + case["update_seconds"]) / case["step_seconds"]
        is_weak = case["ranks"] > 1 and case["work"] == "weak"
        name = f"{plural(case['ranks'], 'rank')}, B {case['batch']}, {case['work']}"
        return pages.row(
            name, spread(case["rates"]),
            self.judge(f"{name}, times one rank", not is_weak or case["ratio"] >= WEAK_SCALING, spread(case["ratios"], times)),
            WEAK_SCALING if is_weak else "–", pages.percent(case["exchange_seconds"] / case["step_seconds"], 1),
            pages.percent(case["update_seconds"] / case["step_seconds"], 1),
            self.judge(f"{name}, exchange and update", not is_weak or share < EXCHANGE_SHARE, pages.percent(share, 1)),
            pages.percent(EXCHANGE_SHARE) if is_weak else "–", self.commit())

    def sums_row(self, cases):
        """The row of one size, for all types."""
        return pages.row(f"{cases[0]['bytes'] >> 10:,}",
                         *(cell for case in cases for cell in (spread([1e6 * seconds for seconds in case["rounds"]]),
                                                               number(case["bytes_per_second"] / 1e6))), self.commit())

    def shakespeare(self):
        found = {name: tiny_shakespeare.train(name, quick=not self.judges) for name in tiny_shakespeare.MARKS}
        self.write("shakespeare", tiny_shakespeare.rows(found, self.judge, self.commit()))
        if self.writes:
            tiny_shakespeare.draw(found)

    # ---- the page

    HEADS = {
        "shakespeare": tiny_shakespeare.HEAD,
        "training": ["model", "charrnn, characters/s", "PyTorch's best", "PyTorch, other settings", "times PyTorch", "target",
                     "share of sgemm", "target", "peak MB, of PyTorch's", "losses compared", "commit"],
        "gpus": ["model", "charrnn, characters/s", "PyTorch's best", "PyTorch, other settings", "times PyTorch", "target",
                 "losses compared", "published", "GPU", "commit"],
        "sampling": ["streams", "charrnn, characters/s", "nn.LSTM", "times nn.LSTM", "target", "nn.LSTMCell",
                     "times nn.LSTMCell", "commit"],
        "ranks": ["ranks, one core each", "characters/s", "times one rank", "target", "exchange", "clip and update",
                  "both", "limit", "commit"],
        "sums": ["KiB", "fp32, us", "MB/s", "bf16, us", "MB/s", "fp16, us", "MB/s", "commit"],
    }
    writes = True

    def write(self, table, rows):
        print("\n" + "\n".join([pages.row(*self.HEADS[table]), *rows]) + "\n", flush=True)
        if self.writes:
            pages.replace_table(PAGE, "bench/bench.sh", table, self.HEADS[table], rows)

    def write_machine(self, command):
        text = re.sub("<!-- machine -->.*", lambda _: f"<!-- machine --> {pages.machine()}, {THREADS} cores; last: `{command}` "
                      f"at commit {pages.commit()}.", PAGE.read_text(encoding="utf-8"))
        PAGE.write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--device", choices=sorted(CASES), default="cpu")
    parser.add_argument("--only", action="append", default=[])
    arguments = parser.parse_args()
    cases = CASES[arguments.device]
    chosen = [name for name in cases
              if not arguments.only or any(fnmatch.fnmatch(name, pattern) for pattern in arguments.only)]
    if not chosen:
        raise Failure(f"--only {' '.join(arguments.only)}: expected one of {', '.join(cases)}")
    for tool, remedy in (("charrnn_bench", "start bench/bench.sh without --no-build, which builds it"),
                         ("mpirun", "run launch/install.sh")):
        if shutil.which(tool) is None:
            raise Failure(f"{tool} is not on the PATH: {remedy}")
    if arguments.device == "cpu":
        os.sched_setaffinity(0, CORES)
    budget = QUICK if arguments.quick else FULL
    bench = Bench(budget._replace(rounds=arguments.rounds or budget.rounds), judges=not arguments.quick,
                  device=arguments.device)
    bench.writes = pages.may_write(arguments.write, arguments.quick)
    started = time.monotonic()
    for name in chosen:
        print(f"== {name}  (at {time.monotonic() - started:.0f} s)", flush=True)
        if name in GPU_TRAINING:
            bench.gpu_training(name)
        elif name in TRAINING:
            bench.training(name)
        else:
            getattr(bench, name)()
    if bench.writes:
        bench.write_machine(" ".join(["bench/bench.sh", *sys.argv[1:]]))
    print(f"{time.monotonic() - started:.0f} s in total")
    if bench.missed:
        raise Failure("targets missed:\n  " + "\n  ".join(bench.missed))


if __name__ == "__main__":
    try:
        main()
    except Failure as problem:
        sys.exit(f"bench: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
