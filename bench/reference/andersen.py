"""The recipe "char-rnn in PyTorch" on Andersen's tales: one LSTM layer on one-hot characters, one lane, and only the loss
of the last character of each step. Steps have random lengths of 10 to 40 characters.

    python3 bench/reference/andersen.py corpora/tutorials/andersen --steps 1000
    python3 bench/reference/andersen.py CORPUS --weights runs/NAME/checkpoints/latest --lengths lengths.txt
"""

import argparse
import json
import pathlib
import random
import time

import h5py
import numpy
import torch
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy, one_hot


def read_ids(corpus, split="train"):
    """The text as ids, as charrnn_preprocess transliterated and numbered it."""
    shards = sorted(pathlib.Path(corpus).glob(f"{split}-*.h5"))
    return torch.from_numpy(numpy.concatenate([h5py.File(shard)["ids"][:] for shard in shards]).astype(numpy.int64))


class Model(torch.nn.Module):
    def __init__(self, symbols, hidden=256):
        super().__init__()
        self.symbols = symbols
        self.rnn = torch.nn.LSTM(symbols, hidden, batch_first=True)
        self.head = torch.nn.Linear(hidden, symbols)

    def forward(self, x, state=None):
        """x (1, T) -> logits (1, V) of the character after the last one, state"""
        output, state = self.rnn(one_hot(x, self.symbols).float(), state)
        return self.head(output[:, -1]), state


def train(model, ids, lengths, rate=1e-3):
    """Yields the loss of each step. If a step is longer than the rest of the text, the text begins again."""
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, amsgrad=True)
    place, state = 0, None
    for length in lengths:
        if place + length >= len(ids):
            place, state = 0, None
        x, y = ids[None, place:place + length], ids[None, place + length]
        place += length
        logits, state = model(x, state)
        state = tuple(part.detach() for part in state)
        loss = cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()


def weights_in(file):
    """The weights in a checkpoint, without the optimiser's moments and the state."""
    return {name: value for name, value in load_file(file).items() if name.startswith(("rnn.", "head."))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", help="folder that charrnn_preprocess wrote")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--lengths", help="file with the length of each step, one per line (default: random)")
    parser.add_argument("--weights", help="safetensors file with the initial weights, under charrnn's names")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="time limit, checked after each step")
    parser.add_argument("--every", type=int, default=100, help="number of steps that a printed loss is averaged over")
    parser.add_argument("--json", action="store_true", help="print only one JSON object, at the end")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    random.seed(arguments.seed)
    ids = read_ids(arguments.corpus)
    lengths = [random.randint(10, 40) for _ in range(arguments.steps)]
    if arguments.lengths:
        lengths = [int(line) for line in pathlib.Path(arguments.lengths).read_text(encoding="utf-8").split()]
    model = Model(int(ids.max()) + 1)
    if arguments.weights:
        model.load_state_dict(weights_in(arguments.weights))
    window, started = [], time.perf_counter()
    for step, loss in enumerate(train(model, ids, lengths), 1):
        window.append(loss)
        if step % arguments.every == 0 and not arguments.json:
            speed = sum(lengths[:step]) / (time.perf_counter() - started)
            print(f"step {step}  loss {sum(window) / len(window):.6f} nats  {speed:,.0f} characters/s", flush=True)
            window = []
        if time.perf_counter() - started > arguments.seconds:
            break
    if arguments.json:
        seconds = time.perf_counter() - started
        print(json.dumps({"seconds": seconds, "characters_per_second": sum(lengths[:step]) / seconds}))


if __name__ == "__main__":
    main()
