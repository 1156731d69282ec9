"""Speed of sampling in PyTorch in characters/s, one character at a time, for one stream and for a batch of streams.

    python3 bench/reference/sample_speed.py --streams 1,64 --threads 2
    python3 bench/reference/sample_speed.py --layers-as cells      # nn.LSTMCell, stepped by hand, instead of nn.LSTM

The same model, options and rows as `charrnn_bench sample`. Exit code 77 if PyTorch is not installed.
"""

import argparse
import json
import statistics
import sys
import time

try:
    import torch
except ImportError:
    print("sample_speed.py: no PyTorch in this Python", file=sys.stderr)
    sys.exit(77)


class Model(torch.nn.Module):
    def __init__(self, vocabulary, embedding, hidden, layers):
        super().__init__()
        self.embedding = torch.nn.Embedding(vocabulary, embedding)
        self.rnn = torch.nn.LSTM(embedding, hidden, layers, batch_first=True)
        self.head = torch.nn.Linear(hidden, vocabulary)

    def forward(self, ids, state=None):
        """ids (B, 1) -> logits (B, V), state"""
        output, state = self.rnn(self.embedding(ids), state)
        return self.head(output[:, -1]), state


class ModelOfCells(torch.nn.Module):
    """The same model, made of cells."""

    def __init__(self, vocabulary, embedding, hidden, layers):
        super().__init__()
        self.embedding = torch.nn.Embedding(vocabulary, embedding)
        self.cells = torch.nn.ModuleList([torch.nn.LSTMCell(hidden if layer else embedding, hidden) for layer in range(layers)])
        self.head = torch.nn.Linear(hidden, vocabulary)

    def forward(self, ids, state=None):
        x, after = self.embedding(ids[:, 0]), []
        for cell, before in zip(self.cells, state or [None] * len(self.cells)):
            after.append(cell(x, before))
            x = after[-1][0]
        return self.head(x), after


MODELS = {"lstm": Model, "cells": ModelOfCells}


@torch.inference_mode()
def rate(model, streams, seconds):
    ids = torch.zeros(streams, 1, dtype=torch.int64)
    logits, state = model(ids)
    drawn = 0
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        ids = torch.multinomial(torch.softmax(logits, 1), 1)
        logits, state = model(ids, state)
        drawn += streams
    return drawn / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("embedding", 64), ("hidden", 512), ("layers", 2), ("vocabulary", 96), ("rounds", 5),
                          ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--layers-as", choices=sorted(MODELS), default="lstm")
    parser.add_argument("--streams", default="1,64")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    make = MODELS[options.layers_as]
    model = make(options.vocabulary, options.embedding, options.hidden, options.layers).eval()
    rates = {int(streams): [] for streams in options.streams.split(",")}
    for _ in range(options.rounds):
        for streams, found in rates.items():
            found.append(rate(model, streams, options.seconds))
    cases = [{"streams": streams, "characters_per_second": statistics.median(found), "rates": found}
             for streams, found in rates.items()]
    if options.json:
        print(json.dumps({"build": f"PyTorch {torch.__version__}", "cases": cases}))
        return
    print(f"PyTorch {torch.__version__}\n\n{'streams':>8} {'characters/s':>14}  min..max")
    for case in cases:
        print(f"{case['streams']:8} {case['characters_per_second']:14.0f}  {min(case['rates']):.0f}.."
              f"{max(case['rates']):.0f}")


if __name__ == "__main__":
    main()
