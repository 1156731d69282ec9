"""hello -> ohlol in PyTorch: three models learn to map each character of `hello`. Fifteen epochs of one step.

    python3 bench/reference/hello.py                 # statistics over 60 seeds
    python3 bench/reference/hello.py --seed 0        # one seed: the losses and predictions of each model
"""

import argparse
import statistics

import torch
from torch.nn.functional import cross_entropy, one_hot

SYMBOLS = "ehlo"
INPUT = torch.tensor([SYMBOLS.index(character) for character in "hello"])
TARGET = torch.tensor([SYMBOLS.index(character) for character in "ohlol"])


class CellByHand(torch.nn.Module):
    """The cell's output, which is also its next state, is used as the logits. The loss is a sum over the five characters."""
    rate = 0.1
    reduction = "sum"

    def __init__(self):
        super().__init__()
        self.cell = torch.nn.RNNCell(4, 4)

    def forward(self):
        state, logits = torch.zeros(1, 4), []
        for character in one_hot(INPUT, 4).float():
            state = self.cell(character[None], state)
            logits.append(state)
        return torch.cat(logits)

    def weights(self):
        """The weights under charrnn's names: the cell is a layer that is stepped by hand."""
        return {f"rnn.{name[5:]}_l0": value for name, value in self.state_dict().items()}


class OneHot(torch.nn.Module):
    """The same in one call, with the mean instead of the sum."""
    rate = 0.1
    reduction = "mean"

    def __init__(self):
        super().__init__()
        self.rnn = torch.nn.RNN(4, 4, batch_first=True)

    def forward(self):
        return self.rnn(one_hot(INPUT, 4).float()[None])[0][0]

    def weights(self):
        return self.state_dict()


class Embedding(torch.nn.Module):
    rate = 0.05
    reduction = "mean"

    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(4, 10)
        self.rnn = torch.nn.RNN(10, 8, num_layers=2, batch_first=True)
        self.head = torch.nn.Linear(8, 4)

    def forward(self):
        return self.head(self.rnn(self.embedding(INPUT)[None])[0][0])

    def weights(self):
        return self.state_dict()


MODELS = {"cell": CellByHand, "one_hot": OneHot, "embedding": Embedding}


def make(name, seed):
    torch.manual_seed(seed)
    return MODELS[name]()


def train(model, epochs=15):
    """The loss and the prediction of each epoch, before its update."""
    optimizer = torch.optim.Adam(model.parameters(), lr=model.rate)
    losses, predictions = [], []
    for _ in range(epochs):
        logits = model()
        loss = cross_entropy(logits, TARGET, reduction=model.reduction)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        predictions.append("".join(SYMBOLS[best] for best in logits.argmax(dim=1)))
    return losses, predictions


def statistic(name, seeds=60):
    """How often the last prediction is right, and the median of the last losses."""
    runs = [train(make(name, seed)) for seed in range(seeds)]
    return (sum(predictions[-1] == "ohlol" for _, predictions in runs) / seeds,
            statistics.median(losses[-1] for losses, _ in runs))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name in MODELS:
        if arguments.seed is None:
            right, loss = statistic(name)
            print(f"{name:9}  ohlol at epoch 15: {right:.0%} of 60 seeds, median loss {loss:.3f}")
        else:
            for epoch, (loss, text) in enumerate(zip(*train(make(name, arguments.seed))), 1):
                print(f"{name:9}  epoch {epoch:2}  loss {loss:.4f}  {text}")


if __name__ == "__main__":
    main()
