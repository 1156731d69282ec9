"""The recipe "Chinese lyrics with nn.RNN" in PyTorch, on Tang poems: one-hot, tanh-RNN 256, Adam, clipped to 0.01.

    python3 bench/reference/tang.py --epochs 250 --seed 0
"""

import argparse
import json
import pathlib
import time

import torch
from torch.nn.functional import cross_entropy

import d2l

POEMS = pathlib.Path(__file__).resolve().parents[2] / "data" / "chinese" / "tang_poems.txt"
PREFIXES = ("秦", "帝京")


def read_text(characters=10000):
    return POEMS.read_text(encoding="utf-8").replace("\n", " ")[:characters]


def vocabulary_of(text):
    return sorted(set(text))  # by code point, as in charrnn


class Model(d2l.Model):
    def __init__(self, symbols, hidden=256):
        torch.nn.Module.__init__(self)
        self.symbols = symbols
        self.rnn = torch.nn.RNN(symbols, hidden, batch_first=True)  # PyTorch's initial weights
        self.head = torch.nn.Linear(hidden, symbols)


def train(model, ids, epochs, lanes=32, length=35, rate=1e-3, clip=1e-2):
    """Yields the mean loss of each epoch in nats."""
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for _ in range(epochs):
        state, losses = None, []
        for x, y in d2l.sequential(ids, lanes, length, offset=0):
            logits, state = model(x, state)
            state = state.detach()
            loss = cross_entropy(logits.flatten(0, 1), y.flatten())
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            losses.append(loss.item())
        yield sum(losses) / len(losses)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=250)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="time limit, checked after each epoch")
    parser.add_argument("--json", action="store_true", help="print only one JSON object, at the end")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    text = read_text()
    vocabulary = vocabulary_of(text)
    ids = d2l.ids_of(text, vocabulary)
    model, started = Model(len(vocabulary)), time.perf_counter()
    for epoch, loss in enumerate(train(model, ids, arguments.epochs), 1):
        if epoch % 50 == 0 and not arguments.json:
            print(f"epoch {epoch}  perplexity {torch.tensor(loss).exp():.4f}  {time.perf_counter() - started:.0f} s")
            for prefix in PREFIXES:
                print("  " + d2l.predict(model, prefix, vocabulary), flush=True)
        if time.perf_counter() - started > arguments.seconds:
            break
    if arguments.json:
        seconds = time.perf_counter() - started
        steps = sum(1 for _ in d2l.sequential(ids, 32, 35, 0))
        print(json.dumps({"perplexity": torch.tensor(loss).exp().item(), "seconds": seconds,
                          "characters_per_second": epoch * steps * 32 * 35 / seconds}))


if __name__ == "__main__":
    main()
