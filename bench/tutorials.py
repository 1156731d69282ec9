"""Runs the recipes of configs/tutorials for bench/tutorials.sh, and fills in the tables of docs/tutorials.md."""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time

import pages
from commands import output_of
from pages import ROOT, Failure

PAGE = ROOT / "docs" / "tutorials.md"
RUNS = pathlib.Path("runs/tutorials")
THREADS = min(2, len(os.sched_getaffinity(0)))

# Limits of each recipe, in full and with --quick.
Budget = collections.namedtuple("Budget", "full quick")
SECONDS = Budget(None, 12)           # per run, of charrnn and of PyTorch; None: to its end
D2L_SEEDS = Budget(5, 1)
D2L_TORCH_SEEDS = Budget(1, 1)
EXERCISE_SECONDS = Budget(None, 5)
ANDERSEN_SECONDS = Budget(600, 15)
ANDERSEN_TORCH_SECONDS = Budget(60, 5)
HELLO_SEEDS = Budget(1000, 10)
KARPATHY_SECONDS = Budget(600, 20)

WELL_BELOW = 0.9  # times the bigram baseline, for Andersen


def clock(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def json_lines(file):
    """What a run has written so far, without the last line, which may be incomplete."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError:
        return []
    return [json.loads(line) for line in text.split("\n")[:-1]]


class Stage:
    """Runs commands one after another and shows each command, its time and its progress."""

    def __init__(self):
        self.is_terminal = sys.stdout.isatty()

    def say(self, text):
        print(text, flush=True)

    def command(self, label, words, allowed=(0,), how_far=lambda: ""):
        """Returns what the command printed, its exit code and its seconds. A code that is not `allowed` is a Failure."""
        log = ROOT / RUNS / "last-output.txt"
        log.parent.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        next_line = started + 30
        with open(log, "w+", encoding="utf-8", errors="replace") as output:
            process = subprocess.Popen([str(word) for word in words], cwd=ROOT, stdin=subprocess.DEVNULL,
                                       stdout=output, stderr=subprocess.STDOUT)
            try:
                while True:
                    try:
                        process.wait(0.5)
                        break
                    except subprocess.TimeoutExpired:
                        pass
                    now = time.monotonic()
                    if self.is_terminal:
                        print(f"\r\033[K  {label}  {clock(now - started)}  {how_far()}", end="", flush=True)
                    elif now > next_line:
                        self.say(f"  {label}  {clock(now - started)}  {how_far()}")
                        next_line = now + 30
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait()
            output.seek(0)
            printed = output.read()
        if self.is_terminal:
            print("\r\033[K", end="")
        if process.returncode not in allowed:
            last = "\n".join("    " + line for line in printed.strip().split("\n")[-15:])
            raise Failure(f"{label} ended with code {process.returncode}:\n{last}\n  the command was\n"
                          f"    {' '.join(str(word) for word in words)}")
        return printed, process.returncode, time.monotonic() - started


class Run:
    """A finished run of charrnn_train."""

    def __init__(self, folder, code, seconds):
        self.folder, self.code, self.seconds = folder, code, seconds
        metrics = json_lines(ROOT / folder / "metrics.jsonl")
        self.train = [line for line in metrics if line["kind"] == "train"]
        self.samples = [line for line in metrics if line["kind"] == "sample"]
        self.events = [line["text"] for line in metrics if line["kind"] == "event"]
        if not self.train and code == 0:
            raise Failure(f"expected training lines in metrics.jsonl of {folder}, found none: was the budget too short?")

    @property
    def perplexity(self):
        last = self.train[-1]["perplexity"] if self.train and self.code == 0 else None
        return last if last is not None else float("inf")

    @property
    def speed(self):
        return statistics.median(line["characters_per_second"] for line in self.train) if self.train else 0.0

    def sample(self, number=-1):
        return "" if not self.samples else self.samples[number]["prefix"] + self.samples[number]["text"]


def number(value, digits=2):
    if value == float("inf"):
        return "diverged"
    return f"{value:,.{digits}f}" if value < 1e6 else f"{value:.1e}"


class Tutorials:
    def __init__(self, stage, quick):
        self.stage, self.quick = stage, quick
        self.tables = {"recipes": {}, "exercises": {}, "sharpened": {}, "texts": {}}  # rows by their first cell
        self.missed = []
        self.has_torch = subprocess.run([sys.executable, "-c", "import torch, h5py, safetensors"], capture_output=True,
                                        check=False).returncode == 0
        if not self.has_torch:
            stage.say("PyTorch is not installed here (launch/install.sh --tests installs it): its column is empty")

    def of(self, budget):
        return budget.quick if self.quick else budget.full

    def row(self, table, *cells):
        self.tables[table][pages.cell(cells[0])] = pages.row(*cells)

    def judge(self, name, is_reached, text):
        """A run in full must reach its target."""
        if self.quick:
            return text + " (short budget)"
        if not is_reached:
            self.missed.append(f"{name}: {text}")
        return text if is_reached else text + " (missed)"

    # ---- the tools

    def preprocess(self, config, *settings):
        words = ["charrnn_preprocess", f"configs/tutorials/{config}.yaml"] + [w for s in settings for w in ("--set", s)]
        self.stage.command(f"preprocessing for {config}", words)

    def train(self, config, name=None, settings=(), seconds=None, allowed=(0,), label=None):
        """A new run in runs/tutorials/`name`."""
        folder = RUNS / (name or config)
        shutil.rmtree(ROOT / folder, ignore_errors=True)
        words = ["charrnn_train", f"configs/tutorials/{config}.yaml"]
        for setting in (f"run.output={folder}", f"run.threads={THREADS}", "run.device=cpu", "run.progress=plain", *settings):
            words += ["--set", setting]
        if seconds is not None:
            words += ["--max-seconds", seconds]
        label = label or name or config

        def how_far():
            lines = [line for line in json_lines(ROOT / folder / "metrics.jsonl") if line["kind"] == "train"]
            if not lines or lines[-1]["perplexity"] is None:
                return ""
            return f"epoch {lines[-1]['epoch']:.0f}  perplexity {lines[-1]['perplexity']:.2f}"

        _, code, took = self.stage.command(label, words, allowed, how_far)
        run = Run(folder, code, took)
        self.stage.say(f"  {label}: perplexity {number(run.perplexity)}, {took:.0f} s, {run.speed:,.0f} characters/s")
        for event in run.events:
            self.stage.say(f"    message: {event}")
            if config in label:  # the recipe itself, not an exercise
                self.missed.append(f"{label}: message: {event}")
        return run

    def evaluate(self, run):
        printed, _, _ = self.stage.command(f"evaluating {run.folder}", ["charrnn_eval", run.folder, "--json"])
        return json.loads(printed[printed.index("{"):])

    def torch(self, label, recipe, *arguments, seconds=None):
        """The results of the PyTorch original in bench/reference, or None without PyTorch."""
        if not self.has_torch:
            return None
        words = [sys.executable, f"bench/reference/{recipe}.py", *arguments, "--threads", THREADS, "--json"]
        if seconds is not None:
            words += ["--seconds", seconds]
        printed, _, _ = self.stage.command(f"PyTorch, {label}", words)
        result = json.loads(printed.strip().split("\n")[-1])
        shown = f"perplexity {number(result['perplexity'])}, " if "perplexity" in result else ""
        self.stage.say(f"  PyTorch, {label}: {shown}{result['seconds']:.0f} s, "
                       f"{result['characters_per_second']:,.0f} characters/s")
        return result

    @staticmethod
    def compared(speed, theirs):
        """Our speed, also as a multiple of PyTorch's."""
        if not theirs:
            return f"{speed:,.0f}"
        return f"{speed:,.0f} (PyTorch {theirs:,.0f}: {speed / theirs:.2f} times)"

    # ---- the recipes

    def d2l(self):
        for config, published, mark in (("d2l_sequential", "1.0 at 67,212 tokens/s on a GPU", 1.10),
                                        ("d2l_random", "1.5 at 65,222 tokens/s on a GPU", 1.50)):
            self.preprocess(config)
            runs, theirs = [], []
            for i in range(self.of(D2L_SEEDS)):  # in turns with PyTorch, so that the machine's load is the same for both
                runs.append(self.train(config, f"{config}_{i + 1}", [f"run.seed={i + 1}"], self.of(SECONDS),
                                       label=f"{config}, seed {i + 1}"))
                if i < self.of(D2L_TORCH_SEEDS) and self.has_torch:
                    theirs.append(self.torch(f"{config}, seed {i}", "d2l", "--sampling", config.split("_")[1],
                                             "--seed", i, seconds=self.of(SECONDS)))
            values = [run.perplexity for run in runs]
            reached = statistics.median(values)
            each = ", ".join(number(value) for value in sorted(values))
            text = self.judge(config, reached <= mark, f"{number(reached)}" + (f" ({each})" if len(values) > 1 else ""))
            self.row("recipes", config, f"perplexity {published}",
                     ", ".join(number(result["perplexity"]) for result in theirs) or "–",
                     f"{mark:.2f}, median of 5 seeds", text, f"{statistics.median(run.seconds for run in runs):.0f}",
                     self.compared(statistics.median(run.speed for run in runs),
                                 statistics.median(result["characters_per_second"] for result in theirs) if theirs else None))
            self.row("texts", config, f"{runs[0].sample(-2)} / {runs[0].sample()}")

    def tang(self):
        self.preprocess("tang_poems")
        run = self.train("tang_poems", seconds=self.of(SECONDS))
        theirs = self.torch("tang_poems", "tang", seconds=self.of(SECONDS))
        self.row("recipes", "tang_poems", "lyrics under copyright: no published number",
                 f"{theirs['perplexity']:.3f}, {theirs['seconds']:.0f} s" if theirs else "–", "1.10 after 250 epochs",
                 self.judge("tang_poems", run.perplexity <= 1.10, number(run.perplexity, 3)), f"{run.seconds:.0f}",
                 self.compared(run.speed, theirs and theirs["characters_per_second"]))
        self.row("texts", "tang_poems", f"{run.sample(-2)} / {run.sample()}")

    def andersen(self):
        seconds = self.of(ANDERSEN_SECONDS)
        self.preprocess("andersen")
        theirs = self.torch("andersen", "andersen", "corpora/tutorials/andersen", "--steps", 1000000,
                            seconds=self.of(ANDERSEN_TORCH_SECONDS))
        reached = {}
        for config, must in (("andersen", f"below {WELL_BELOW} of the bigram baseline"), ("andersen_lanes", "lower still")):
            run = self.train(config, seconds=seconds)
            value = self.evaluate(run)
            bits = reached[config] = value["bits_per_character"]
            bigram = value["bigram_bits"]
            is_reached = bits < WELL_BELOW * bigram if config == "andersen" else bits < reached["andersen"]
            speed = run.train[-1]["characters"] / run.train[-1]["seconds"]
            self.row("recipes", config, "about 300 epochs, an hour on a GPU" if config == "andersen" else "–", "–", must,
                     self.judge(config, is_reached, f"{bits:.3f} bits/char held out (bigram {bigram:.3f})"),
                     f"{run.seconds:.0f}",
                     self.compared(speed, theirs and config == "andersen" and theirs["characters_per_second"]))
            self.row("texts", config, run.sample(-2))

    def hello_seed(self, config, seed):
        """The loss and the prediction of epoch 15, both from before its step."""
        folder = RUNS / f"{config}_seeds" / str(seed)
        words = ["charrnn_train", f"configs/tutorials/{config}.yaml", "--set", f"run.output={folder}", "--set",
                 f"run.seed={seed}", "--set", "run.threads=1", "--set", "run.device=cpu"]
        output_of(words)
        run = Run(folder, 0, 0)
        return run.train[-1]["loss_nats"], run.samples[-2]["text"] == "ohlol"

    def hello(self):
        for config, published, right, loss in (
                ("hello_one_hot", "loss 0.439 (cell by hand: sum 2.568), ohlol", 0.67, 0.492),
                ("hello_embedding", "loss 0.025, ohlol", 1.0, 0.018)):
            self.preprocess(config)
            run = self.train(config)
            for line in run.samples:
                self.stage.say(f"    after epoch {line['epoch']:2.0f}: {line['text']}")
            seeds = self.of(HELLO_SEEDS)
            folder = ROOT / RUNS / f"{config}_seeds"
            shutil.rmtree(folder, ignore_errors=True)
            started, ends = time.monotonic(), []
            with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
                try:
                    for i, end in enumerate(pool.map(lambda seed, c=config: self.hello_seed(c, seed), range(1, seeds + 1)), 1):
                        ends.append(end)
                        if i % 100 == 0:
                            self.stage.say(f"  {config}: {i} of {seeds} seeds, {clock(time.monotonic() - started)}")
                except BaseException:
                    pool.shutdown(cancel_futures=True)
                    raise
            took = time.monotonic() - started
            shutil.rmtree(folder, ignore_errors=True)
            share = sum(is_right for _, is_right in ends) / seeds
            median = statistics.median(value for value, _ in ends)
            is_reached = abs(share - right) <= 0.05 and abs(median - loss) <= 0.15 * loss
            self.row("recipes", config, published, f"60 seeds: ohlol in {right:.0%}, median loss {loss}",
                     "within 5 points and 15 %",
                     self.judge(config, is_reached, f"{seeds} seeds: ohlol in {share:.1%}, median loss {median:.3f}"),
                     f"{took / seeds * THREADS:.1f} a run", "–")
            self.row("texts", config, " ".join(line["text"] for line in run.samples))
            self.stage.say(f"  {config}: ohlol in {share:.1%} of {seeds} seeds, median loss {median:.3f}, {took:.0f} s")

    def karpathy(self):
        self.preprocess("karpathy")
        run = self.train("karpathy", seconds=self.of(KARPATHY_SECONDS))
        value = self.evaluate(run)
        self.row("recipes", "karpathy", "–", "–", "below the bigram baseline",
                 self.judge("karpathy", value["bits_per_character"] < value["bigram_bits"],
                            f"{value['bits_per_character']:.3f} bits/char held out (bigram {value['bigram_bits']:.3f}) "
                            f"after epoch {run.train[-1]['epoch']:.1f} of 50"),
                 f"{run.seconds:.0f}", f"{run.speed:,.0f}")
        self.row("texts", "karpathy", run.sample(-2))

    # ---- d2l's exercises

    EXERCISES = (
        ("the recipe as it stands", []),
        ("an embedding in place of one-hot", ["model.input=embedding", "model.embedding_size=28"]),
        ("no clipping", ["train.clip_norm=0"]),
        ("ReLU in place of tanh", ["model.cell=rnn_relu"]),
        ("another book", ["corpus.sources=[data/andersen/1597-0.txt]", "corpus.output=corpora/tutorials/d2l_andersen"]),
        ("T as long as a lane: no detaching within an epoch", ["train.sequence_length=312"]),
        ("a smaller model", ["model.hidden_size=128"]),
        ("a larger model", ["model.hidden_size=1024"]),
    )

    def exercises(self):
        self.preprocess("d2l_sequential")
        for i, (name, settings) in enumerate(self.EXERCISES):
            if any(setting.startswith("corpus.") for setting in settings):
                self.preprocess("d2l_sequential", *settings)
            run = self.train("d2l_sequential", f"exercise_{i}", settings, self.of(EXERCISE_SECONDS), allowed=(0, 3), label=name)
            short = " (short budget)" if self.quick else ""
            epoch = run.train[-1]["epoch"] if run.train else 0
            self.row("exercises", name, number(run.perplexity) + short, f"{epoch:.0f}", f"{run.seconds:.0f}",
                     f"{run.speed:,.0f}", "; ".join(run.events) or "–")
        self.preprocess("d2l_random")
        self.sharpened(self.train("d2l_random", "exercise_sampling", [], self.of(EXERCISE_SECONDS), label="for sampling"))

    def sharpened(self, run):
        """Sampling from q(x) ~ p(x) ** alpha is sampling at temperature 1 / alpha."""
        book = (ROOT / "data/time_machine/timemachine.txt").read_text(encoding="utf-8").splitlines()
        known = set("".join(re.sub("[^A-Za-z]+", " ", line).strip().lower() for line in book)[:10000].split())
        for alpha in ("1", "2", "4", "greedy"):
            how = ["--greedy"] if alpha == "greedy" else ["--temperature", 1 / float(alpha)]
            printed, _, _ = self.stage.command(f"sampling, exponent {alpha}",
                                               ["charrnn_sample", run.folder, "--prefix", "time traveller", "-n", 3000, *how])
            words = printed.split()[2:-1]
            share = sum(word in known for word in words) / max(1, len(words))
            self.row("sharpened", alpha, " ".join(str(word) for word in how), f"{share:.0%}", f"{len(set(words))}",
                     printed.strip()[:80])

    # ---- the tables

    HEADS = {
        "recipes": ["recipe", "published", "PyTorch on this machine", "target", "reached", "seconds", "characters/s"],
        "exercises": ["exercise", "perplexity", "after epoch", "seconds", "characters/s", "charrnn's messages"],
        "sharpened": ["exponent", "option of charrnn_sample", "words that are in the text",
                      "distinct words in 3,000 characters", "beginning"],
        "texts": ["recipe", "sample at the end"],
    }

    def shown(self):
        return "\n\n".join("\n".join([*pages.head(self.HEADS[table]), *rows.values()])
                           for table, rows in self.tables.items() if rows)

    def write(self):
        """Writes the tables; rows of recipes that were not run are kept."""
        for table, rows in self.tables.items():
            pages.replace_table(PAGE, "bench/tutorials.sh", table, self.HEADS[table], rows.values())
        text = re.sub("<!-- machine -->.*", lambda _: f"<!-- machine --> {self.machine()}",
                      PAGE.read_text(encoding="utf-8"))
        PAGE.write_text(text, encoding="utf-8")
        self.stage.say(f"wrote the tables to {PAGE.relative_to(ROOT)}")

    def machine(self):
        return (f"{THREADS} threads, {pages.machine()}; last written at commit {pages.commit()} by "
                f"`bench/tutorials.sh{' --quick' if self.quick else ''}`.")


RECIPES = ("hello", "d2l", "tang", "exercises", "andersen", "karpathy")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--only", action="append", choices=RECIPES)
    arguments = parser.parse_args()
    for tool in ("charrnn_preprocess", "charrnn_train", "charrnn_eval", "charrnn_sample"):
        if shutil.which(tool) is None:
            raise Failure(f"{tool} is not on the PATH: start bench/tutorials.sh without --no-build, to build it")
    writes = pages.may_write(arguments.write, arguments.quick)
    stage = Stage()
    tutorials = Tutorials(stage, arguments.quick)
    started = time.monotonic()
    for name in RECIPES:
        if arguments.only and name not in arguments.only:
            continue
        stage.say(f"\n== {name}  (at {clock(time.monotonic() - started)})")
        getattr(tutorials, name)()
        if writes:
            tutorials.write()
    stage.say("\n" + tutorials.shown() + "\n")
    stage.say(f"{clock(time.monotonic() - started)} in total")
    if tutorials.missed:
        raise Failure("targets missed, or messages:\n  " + "\n  ".join(tutorials.missed))


if __name__ == "__main__":
    try:
        main()
    except Failure as problem:
        sys.exit(f"tutorials: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
