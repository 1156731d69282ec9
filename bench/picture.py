#!/usr/bin/env python3
"""Draws docs/quickstart.svg, the picture of the README: the learning curve of a run, and texts it wrote on the way.

usage: bench/picture.py [RUN [FILE]]
  (nothing)  trains as launch/quickstart.sh does, in runs/picture, with a fixed number of steps and more frequent samples;
             then draws that run to docs/quickstart.svg. A finished run is not trained again
  RUN        a run's folder; nothing is trained
  FILE       the picture, docs/quickstart.svg by default

Needs the tools and gnuplot: launch/install.sh --tests, launch/build.sh --tools, then . launch/env.sh
"""

import collections
import json
import math
import pathlib
import struct
import subprocess
import sys
import textwrap
from xml.sax.saxutils import escape

from commands import output_of
from pages import ROOT, Failure

CONFIG = "configs/quickstart.yaml"
RUN = ROOT / "runs" / "picture"
PICTURE = ROOT / "docs" / "quickstart.svg"
STEPS = 2000  # four epochs, as in the config; launch/quickstart.sh fits the number to the time
SETTINGS = {"run.output": "runs/picture", "run.device": "cpu", "train.steps": STEPS, "evaluate.every": 100, "sample.every": 50}
TEMPERATURE = 0.5  # of the texts that are shown, if the run has such samples

WIDTH, HEIGHT = 840, 450
FONT = "DejaVu Sans,Verdana,sans-serif"
MONOSPACE = "DejaVu Sans Mono,Consolas,monospace"
TEXT_LEFT, TEXT_TOP, LINE_HEIGHT = 0.585, 28, 15.5  # share of the width; pixels
TEXT_COLUMNS, TEXT_LINES = 46, 7

Run = collections.namedtuple("Run", "train valid samples unigram bigram")  # losses in nats, by step
Sample = collections.namedtuple("Sample", "step prefix text")


def run_of(metrics, baselines):
    """From the lines of metrics.jsonl and the baselines of a checkpoint, in bits."""
    losses = {kind: [(line["step"], line["loss_nats"]) for line in metrics if line["kind"] == kind and line["loss_nats"]]
              for kind in ("train", "valid")}
    samples = [line for line in metrics if line["kind"] == "sample" and line["step"] > 0]
    if not losses["train"] or not losses["valid"] or not samples:
        raise Failure("expected a run with losses in training, validation values and samples, found "
                      f"{len(losses['train'])}, {len(losses['valid'])} and {len(samples)}")
    first = samples[0]
    shown = [line for line in samples if line["temperature"] == TEMPERATURE] or samples
    shown = [line for line in shown if line["prefix"] == first["prefix"]]
    return Run(losses["train"], losses["valid"], three([Sample(line["step"], line["prefix"], line["text"]) for line in shown]),
               *(baselines[name] * math.log(2) for name in ("unigram_bits", "bigram_bits")))


def three(samples):
    """The first, the last, and the one halfway between them on a logarithmic axis."""
    first, last = samples[0], samples[-1]
    middle = min(samples, key=lambda sample: abs(math.log(sample.step ** 2 / (first.step * last.step))))
    return sorted({sample.step: sample for sample in (first, middle, last)}.values())


def read_run(folder):
    checkpoints = sorted((folder / "checkpoints").glob("step-*.safetensors"))
    metrics = folder / "metrics.jsonl"
    if not checkpoints or not metrics.exists():
        raise Failure(f"expected a run's folder with metrics.jsonl and checkpoints, found none in {folder}")
    with checkpoints[-1].open("rb") as file:  # safetensors: the length of the header, the header as JSON
        metadata = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))["__metadata__"]
    lines = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
    return run_of(lines, json.loads(metadata["baselines"])), metadata["build"]


def train():
    settings = [word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")]
    for words in (["charrnn_preprocess", CONFIG], ["launch/run", "-np", 2, "charrnn_train", CONFIG, *settings]):
        print("+ " + " ".join(str(word) for word in words), flush=True)
        output_of(words)


def quote(text):
    """A string of gnuplot: in single quotes nothing is expanded or run."""
    return "'" + "".join(letter if letter.isprintable() else "\N{MIDDLE DOT}" for letter in text).replace("'", "''") + "'"


def text_lines(sample):
    """What fits, line by line, empty lines at the ends left out. The last line is cut where the sample ends."""
    wrapped = [part for line in (sample.prefix + sample.text).strip("\n").split("\n")
               for part in textwrap.wrap(line, TEXT_COLUMNS, subsequent_indent="  ") or [""]]
    return wrapped[:TEXT_LINES]


def labels(run):
    """The texts, each under a heading with its step, next to the curve."""
    commands = []
    loss_at = dict(run.train)

    def label(line, words, style):
        y = HEIGHT - TEXT_TOP - LINE_HEIGHT * line
        place = f"at screen {TEXT_LEFT}, screen {y / HEIGHT:.4f} left noenhanced"
        commands.append(f"set label {quote(words)} {place} {style}")

    line = 0.0
    for number, sample in enumerate(run.samples, start=1):
        loss = f", training loss {loss_at[sample.step]:.2f}" if sample.step in loss_at else ""
        label(line, f"{number}  Step {sample.step:,}{loss}", f'font "{FONT},12" tc rgb "#b03a00"')
        for text in text_lines(sample):
            line += 1
            label(line, text, f'font "{MONOSPACE},11.5" tc rgb "#202020"')
        line += 1.75
    return commands


def script(run, output):
    last_step = max(step for step, _ in run.train)
    first_step = min(run.train[0][0], run.samples[0].step)
    top = max(loss for _, loss in [*run.train, *run.valid, (0, run.unigram)])
    bottom = min(loss for _, loss in [*run.train, *run.valid])
    loss_at = dict(run.valid) | dict(run.train)
    marked = [(number, sample.step, loss_at[sample.step]) for number, sample in enumerate(run.samples, start=1)
              if sample.step in loss_at]

    def block(name, rows):
        return f"${name} << EOD\n" + "\n".join(" ".join(str(cell) for cell in row) for row in rows) + "\nEOD"

    baselines = [command for name, nats in (("letter frequencies alone (unigram)", run.unigram),
                                            ("from the previous letter (bigram)", run.bigram)) for command in (
        f'set arrow from {first_step}, {nats} to {last_step}, {nats} nohead dt 2 lc rgb "#808080"',
        f'set label {quote(f"{nats:.2f}  {name}")} at {last_step}, {nats} right offset 0, 0.6 tc rgb "#606060"')]
    return "\n".join([
        block("train", run.train), block("valid", run.valid), block("marked", marked),
        f'set terminal svg size {WIDTH},{HEIGHT} background rgb "white" font "{FONT},12"', f"set output {quote(str(output))}",
        "set lmargin at screen 0.085", "set rmargin at screen 0.55", "set bmargin at screen 0.12", "set tmargin at screen 0.97",
        'set xlabel "training step (logarithmic)"', 'set ylabel "loss, nats per character"', "set logscale x",
        f"set xrange [{first_step}:{last_step}]", f"set yrange [{bottom - 0.3}:{top + 0.25}]",
        f"set xtics add ({last_step})", 'set format x "%.0f"', 'set grid lc rgb "#e4e4e4"', "set border 3", "set tics nomirror",
        "set key bottom left reverse Left samplen 2", *baselines, *labels(run),
        'plot $train with lines lw 2 lc rgb "#6fa8dc" title "training text", \\',
        '  $valid with lines lw 2.5 lc rgb "#0b3d91" title "held-out text", \\',
        '  $marked using 2:3 with points pt 7 ps 0.6 lc rgb "#b03a00" notitle, \\',
        '  $marked using 2:3:1 with labels offset -0.7, -0.9 tc rgb "#b03a00" notitle'])


def draw(run, build, output):
    try:
        done = subprocess.run(["gnuplot"], input=script(run, output), text=True, capture_output=True, check=False)
    except FileNotFoundError:
        raise Failure("gnuplot is not on the PATH: run launch/install.sh --tests") from None
    if done.returncode != 0:
        raise Failure(f"gnuplot ended with code {done.returncode}: {done.stderr.strip()}")
    picture = output.read_text(encoding="utf-8")
    words = f"Loss over {max(step for step, _ in run.train):,} training steps, and texts of the model; {build}"
    output.write_text(picture.replace("<title>Gnuplot</title>", f"<title>{escape(words)}</title>"), encoding="utf-8")


def main():
    arguments = sys.argv[1:]
    if len(arguments) > 2 or any(word.startswith("-") for word in arguments):
        sys.exit(__doc__)
    try:
        if not arguments:
            train()
        run, build = read_run(pathlib.Path(arguments[0]) if arguments else RUN)
        output = pathlib.Path(arguments[1]) if len(arguments) > 1 else PICTURE
        if output == PICTURE and build.endswith("-dirty"):
            raise Failure(f"the run was made by {build}, a build with uncommitted changes: commit them, build again, delete "
                          f"{RUN.relative_to(ROOT)}, and try again")
        draw(run, build, output)
    except Failure as problem:
        sys.exit(f"picture: {problem}")
    print(f"{output}: {len(run.train)} losses in training, {len(run.valid)} validation values, "
          f"last {run.valid[-1][1]:.4f} nats; {build}")


if __name__ == "__main__":
    main()
