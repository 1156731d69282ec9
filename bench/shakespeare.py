"""Tiny Shakespeare with the configs of configs/tiny_shakespeare, for bench/bench.sh: their losses and curves."""

import collections
import json
import pathlib
import shutil
import subprocess

import pages
from commands import output_of
from pages import Failure

CONFIGS = pathlib.Path("configs/tiny_shakespeare")
RUNS = pathlib.Path("runs/tiny_shakespeare")
PICTURE = pages.ROOT / "docs" / "tiny_shakespeare.svg"

# Targets: nats per character on the last tenth of the text, after at most this many seconds of training.
Mark = collections.namedtuple("Mark", "nats seconds source")
MARKS = {
    "20_seconds": Mark(1.8857, 20, "nanoGPT's recipe for a CPU after 65 s"),
    "300_seconds": Mark(1.4697, 300, "nanoGPT's published best, on an A100"),
    "600_seconds": Mark(1.43, 600, "a PyTorch LSTM of 2 x 512 at its end"),
}
WINDOW = 256  # nanoGPT's context

Point = collections.namedtuple("Point", "seconds nats")
HEAD = ["config", "nats, state carried", "target", "training, s", "limit, s", "characters", "characters/s",
        f"nats, windows of {WINDOW} from zero state", "source of the target", "commit"]


def curves(metrics):
    """Points of the training loss and of the held-out loss, by seconds of training only; and the number of characters.

    The speed in a train line excludes evaluations and checkpoints, so the seconds are computed from it.
    """
    train, valid, seconds, characters, step = [], [], 0.0, 0, 0
    for line in metrics:
        if line["kind"] == "train":
            seconds += (line["characters"] - characters) / line["characters_per_second"]
            characters, step = line["characters"], line["step"]
            train.append(Point(seconds, line["loss_nats"]))
        elif line["kind"] == "valid":
            if line["step"] != step:
                raise Failure(f"the held-out loss of step {line['step']} has no training line of the same step, the last is "
                              f"{step}: evaluate.every must be a multiple of train.log_every")
            valid.append(Point(seconds, line["loss_nats"]))
    return train, valid, characters


def run(words):
    print("  + " + " ".join(str(word) for word in words), flush=True)
    return output_of(words)


def train(name, quick):
    """Trains with the config; returns its two curves, the number of characters and the loss in windows."""
    config, folder = CONFIGS / f"{name}.yaml", RUNS / name
    shutil.rmtree(pages.ROOT / folder, ignore_errors=True)
    run(["charrnn_preprocess", config])
    few = ["--set", "train.steps=60", "--set", "train.log_every=20", "--set", "evaluate.every=60"] if quick else []
    run(["charrnn_train", config, *few])
    lines = (pages.ROOT / folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    latest = sorted((pages.ROOT / folder / "checkpoints").glob("step-*.safetensors"))[-1]
    windows = json.loads(run(["charrnn_eval", latest, "--split", "valid", "--mode", "windows", "--window", WINDOW, "--json"]))
    return *curves([json.loads(line) for line in lines]), windows["loss_nats"]


def draw(found):
    """Plots the losses of all runs over the seconds, and the targets, with gnuplot."""
    if shutil.which("gnuplot") is None:
        raise Failure("gnuplot is not on the PATH: run launch/install.sh --tests")
    blocks, plots = [], []
    for number, (name, (train_curve, valid, *_)) in enumerate(found.items(), start=1):
        for what, points, style in (("held out", valid, "linespoints pt 7 ps 0.5 lw 2"),
                                    ("training, with dropout", train_curve, "lines dt 2")):
            label = f"{name.replace('_', ' ')}: {what}"
            rows = "\n".join(f"{point.seconds} {point.nats}" for point in points)
            blocks.append(f"$data{len(blocks)} << EOD\n{rows}\nEOD")
            plots.append(f'$data{len(blocks) - 1} with {style} lc {number} title "{label}"')
    for mark in MARKS.values():
        plots.append(f'{mark.nats} with lines lc rgb "gray" dt 3 title "{mark.nats}: {mark.source}"')
    script = "\n".join([
        *blocks, 'set terminal svg size 860,700 background rgb "white" font "sans,12"', f'set output "{PICTURE}"',
        'set xlabel "seconds of training (logarithmic)"', 'set ylabel "nats per character"', "set logscale x",
        "set xrange [2:800]", "set yrange [1.2:2.6]", "set key below vertical maxcols 1", "set grid",
        "plot " + ", \\\n  ".join(plots)])
    done = subprocess.run(["gnuplot"], input=script, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise Failure(f"gnuplot ended with code {done.returncode}: {done.stderr.strip()}")


def rows(found, judge, commit):
    """Rows of the table; `judge(what, is_reached, text)` marks missed targets."""
    table = []
    for name, (_, valid, characters, windows) in found.items():
        mark, last = MARKS[name], valid[-1]
        table.append(pages.row(
            f"{CONFIGS}/{name}.yaml", judge(f"{name}, nats", last.nats <= mark.nats, f"{last.nats:.4f}"), mark.nats,
            judge(f"{name}, seconds", last.seconds <= mark.seconds, f"{last.seconds:.1f}"), mark.seconds, f"{characters:,}",
            f"{characters / last.seconds:,.0f}", f"{windows:.4f}", mark.source, commit))
    return table
