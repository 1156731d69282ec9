"""d2l's "RNN from scratch" on The Time Machine, in PyTorch: a tanh-RNN on one-hot characters, SGD, clipped gradients.

    python3 bench/reference/d2l.py --sampling sequential --epochs 500 --seed 0

The names of the weights are charrnn's (rnn.weight_ih_l0, ..., head.bias), so that both can start with the same weights.
"""

import argparse
import json
import math
import pathlib
import random
import re
import time

import torch
from torch.nn.functional import cross_entropy, one_hot

TIME_MACHINE = pathlib.Path(__file__).resolve().parents[2] / "data" / "time_machine" / "timemachine.txt"
SYMBOLS = ["<unk>", " "] + [chr(ord("a") + i) for i in range(26)]  # in charrnn's order: by code point


def read_text(characters=10000):
    """The lines in lower case, joined, with one blank for each sequence of characters that are not letters."""
    lines = TIME_MACHINE.read_text(encoding="utf-8").splitlines()
    return "".join(re.sub("[^A-Za-z]+", " ", line).strip().lower() for line in lines)[:characters]


def ids_of(text, symbols=SYMBOLS):
    return torch.tensor([symbols.index(character) for character in text])


class Model(torch.nn.Module):
    def __init__(self, symbols=len(SYMBOLS), hidden=512, scale=0.01):
        super().__init__()
        self.symbols = symbols
        self.rnn = torch.nn.RNN(symbols, hidden, batch_first=True)
        self.head = torch.nn.Linear(hidden, symbols)
        for name, weight in self.named_parameters():
            if "bias" in name:
                torch.nn.init.zeros_(weight)
            else:
                torch.nn.init.normal_(weight, 0, scale)

    def forward(self, x, state=None):
        """x (B, T) -> logits (B, T, V), state (1, B, H)"""
        output, state = self.rnn(one_hot(x, self.symbols).float(), state)
        return self.head(output), state


def sequential(ids, lanes, length, offset):
    """Consecutive batches are adjacent in the text: (inputs, targets), each (B, T)."""
    span = (len(ids) - offset - 1) // lanes
    inputs = ids[offset:offset + lanes * span].view(lanes, span)
    targets = ids[offset + 1:offset + 1 + lanes * span].view(lanes, span)
    for i in range(0, span // length * length, length):
        yield inputs[:, i:i + length], targets[:, i:i + length]


def shuffled(ids, lanes, length, offset):
    """Windows of text in random order."""
    starts = list(range(offset, offset + (len(ids) - offset - 1) // length * length, length))
    random.shuffle(starts)
    for i in range(0, len(starts) // lanes * lanes, lanes):
        chosen = starts[i:i + lanes]
        yield (torch.stack([ids[s:s + length] for s in chosen]), torch.stack([ids[s + 1:s + 1 + length] for s in chosen]))


def train(model, ids, epochs, sampling="sequential", lanes=32, length=35, rate=1.0, clip=1.0, random_offset=True):
    """Yields perplexity and tokens per second of each epoch."""
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    batches = sequential if sampling == "sequential" else shuffled
    for _ in range(epochs):
        state, loss_sum, count, started = None, 0.0, 0, time.perf_counter()
        for x, y in batches(ids, lanes, length, random.randint(0, length - 1) if random_offset else 0):
            # Gradients end at the beginning of the batch. The state is carried over, unless the windows are shuffled.
            state = state.detach() if state is not None and sampling == "sequential" else None
            logits, state = model(x, state)
            loss = cross_entropy(logits.flatten(0, 1), y.flatten())
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            loss_sum += loss.item() * y.numel()
            count += y.numel()
        yield math.exp(loss_sum / count), count / (time.perf_counter() - started)


@torch.no_grad()
def predict(model, prefix, symbols=SYMBOLS, length=50):
    """The prefix, continued with the likeliest characters."""
    logits, state = model(ids_of(prefix, symbols)[None])
    text = prefix
    for _ in range(length):
        best = logits[0, -1].argmax()
        text += symbols[best]
        logits, state = model(best.view(1, 1), state)
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sampling", choices=["sequential", "random"], default="sequential")
    parser.add_argument("--epochs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="time limit, checked after each epoch")
    parser.add_argument("--json", action="store_true", help="print only one JSON object, at the end")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    random.seed(arguments.seed)
    model, started, speeds = Model(), time.perf_counter(), []
    for epoch, (perplexity, speed) in enumerate(train(model, ids_of(read_text()), arguments.epochs, arguments.sampling), 1):
        speeds.append(speed)
        if epoch % 10 == 0 and not arguments.json:
            print(f"epoch {epoch}  perplexity {perplexity:.3f}  {speed:,.0f} tokens/s  {predict(model, 'time traveller')}",
                  flush=True)
        if time.perf_counter() - started > arguments.seconds:
            break
    seconds = time.perf_counter() - started
    texts = [predict(model, prefix) for prefix in ("time traveller", "traveller")]
    if arguments.json:
        print(json.dumps({"perplexity": perplexity, "seconds": seconds, "texts": texts,
                          "characters_per_second": sorted(speeds)[len(speeds) // 2]}))
    else:
        print("\n".join(texts))


if __name__ == "__main__":
    main()
