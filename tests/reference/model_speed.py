"""Training steps in PyTorch at its best: nn.LSTM (GRU, RNN), fused Adam, or DDP over gloo; characters/s.

    charrnn_bench model --keep FOLDER
    python3 tests/reference/model_speed.py FOLDER --threads 2
    python3 tests/reference/model_speed.py FOLDER --processes 2      # DDP, one thread and one core each

FOLDER has the first weights and the text (start.safetensors, train-00000.h5), so the same options give the losses of
`charrnn_bench model`. Exit code 77 where PyTorch, h5py or safetensors are not installed.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

try:
    import h5py
    import torch
    from safetensors.torch import load_file
    from torch.nn.functional import cross_entropy, one_hot
except ImportError as problem:
    print(f"model_speed.py: {problem}", file=sys.stderr)
    sys.exit(77)

WARM_UP_STEPS = 3
LAYERS = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn_tanh": torch.nn.RNN}


class Model(torch.nn.Module):
    def __init__(self, options):
        super().__init__()
        self.vocabulary = options.vocabulary
        width = options.vocabulary
        if options.input == "embedding":
            self.embedding = torch.nn.Embedding(options.vocabulary, options.embedding)
            width = options.embedding
        self.rnn = LAYERS[options.cell](width, options.hidden, options.layers)
        self.head = torch.nn.Linear(options.hidden, options.vocabulary)

    def forward(self, ids, state=None):
        """ids (T, B) -> logits (T, B, V), state"""
        x = self.embedding(ids) if hasattr(self, "embedding") else one_hot(ids, self.vocabulary).float()
        output, state = self.rnn(x, state)
        return self.head(output), state


def batches(shard, lanes, length, part, parts):
    """Inputs and targets (T, B / parts) of neighbouring steps, and whether the lanes begin anew; without an end."""
    with h5py.File(shard) as file:
        ids = torch.from_numpy(file["ids"][:].astype("int64"))
    span = (len(ids) - 1) // lanes
    own = slice(part * lanes // parts, (part + 1) * lanes // parts)
    inputs = ids[:lanes * span].view(lanes, span)[own]
    targets = ids[1:1 + lanes * span].view(lanes, span)[own]
    while True:
        for i in range(0, span // length * length, length):
            yield inputs[:, i:i + length].t().contiguous(), targets[:, i:i + length].t().contiguous(), i == 0


def detached(state):
    return tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()


class Training:
    """One process's part of it."""

    def __init__(self, options, rank):
        self.options, self.state = options, None
        folder = pathlib.Path(options.folder)
        self.batches = batches(options.shard or folder / "train-00000.h5", options.batch, options.length, rank,
                               options.processes)
        self.model = Model(options)
        self.model.load_state_dict(load_file(folder / "start.safetensors"))
        if options.processes > 1:
            self.model = torch.nn.parallel.DistributedDataParallel(self.model, gradient_as_bucket_view=True)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=options.rate, fused=True)

    def step(self):
        inputs, targets, is_first = next(self.batches)
        logits, state = self.model(inputs, None if is_first else self.state)
        self.state = detached(state)
        loss = cross_entropy(logits.flatten(0, 1), targets.flatten())
        self.optimizer.zero_grad()
        loss.backward()
        if self.options.clip > 0:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.options.clip)
        self.optimizer.step()
        return loss.detach()

    def seconds(self, steps):
        if self.options.processes > 1:
            torch.distributed.barrier()
        start = time.perf_counter()
        for _ in range(steps):
            self.step()
        if self.options.processes > 1:
            torch.distributed.barrier()
        return time.perf_counter() - start


def peak_bytes():
    """The largest this process has been. (getrusage's value would begin with that of whoever started it.)"""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))


def over_processes(values, options, operation="sum"):
    """Of numbers that each process has."""
    values = torch.tensor(values, dtype=torch.float64)
    if options.processes > 1:
        torch.distributed.all_reduce(values, getattr(torch.distributed.ReduceOp, operation.upper()))
    return values.tolist()


def measure(options, rank):
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    start_bytes = peak_bytes()
    training = Training(options, rank)
    losses = [training.step().item() for _ in range(options.losses)]
    training.seconds(max(0, WARM_UP_STEPS - options.losses))
    one = training.seconds(1)
    peak = peak_bytes()
    steps = int(over_processes([max(1, round(options.seconds / one))], options, "max")[0])
    characters = steps * options.batch * options.length
    rates = [characters / training.seconds(steps) for _ in range(options.rounds)]
    memory = over_processes([start_bytes, peak], options)
    return {"build": f"PyTorch {torch.__version__}", "characters_per_second": statistics.median(rates), "rates": rates,
            "steps_per_round": steps, "start_bytes": memory[0], "peak_bytes": memory[1],
            "losses": [loss / options.processes for loss in over_processes(losses, options)]}


def run_process(rank, options, cores, store, result):
    """One of several: a core and a replica of its own; gradients travel over gloo."""
    os.sched_setaffinity(0, {cores[rank % len(cores)]})
    torch.distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank,
                                         world_size=options.processes)
    measured = measure(options, rank)
    if rank == 0:
        pathlib.Path(result).write_text(json.dumps(measured), encoding="utf-8")
    torch.distributed.destroy_process_group()


def measure_processes(options):
    with tempfile.TemporaryDirectory() as folder:
        store, result = os.path.join(folder, "store"), os.path.join(folder, "result.json")
        # Forked, which is quick: no thread of PyTorch's runs yet.
        torch.multiprocessing.start_processes(
            run_process, (options, sorted(os.sched_getaffinity(0)), store, result), options.processes, start_method="fork")
        return json.loads(pathlib.Path(result).read_text(encoding="utf-8"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="that charrnn_bench model --keep wrote")
    parser.add_argument("--shard", help="the text, in place of the folder's train-00000.h5")
    parser.add_argument("--cell", choices=sorted(LAYERS), default="lstm")
    parser.add_argument("--input", choices=["embedding", "one_hot"], default="embedding")
    for name, default in (("embedding", 128), ("hidden", 512), ("layers", 1), ("vocabulary", 96), ("batch", 32),
                          ("length", 64), ("losses", 5), ("rounds", 5), ("threads", 1), ("processes", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    for name, default in (("rate", 0.002), ("clip", 1.0), ("seconds", 2.0)):
        parser.add_argument(f"--{name}", type=float, default=default)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.batch % options.processes:
        parser.error(f"--batch {options.batch} lanes are not shared equally by {options.processes} processes")
    result = measure_processes(options) if options.processes > 1 else measure(options, 0)
    if options.json:
        print(json.dumps(result))
        return
    print(f"{result['build']}\n{result['characters_per_second']:,.0f} characters/s, {min(result['rates']):,.0f}.."
          f"{max(result['rates']):,.0f} in {options.rounds} rounds of {result['steps_per_round']} steps\n"
          f"{result['peak_bytes'] / 1e6:,.0f} MB at its peak, {result['start_bytes'] / 1e6:,.0f} MB before the model\n"
          f"loss {result['losses'][0]:.4f} to {result['losses'][-1]:.4f} nats in {options.losses} steps")


if __name__ == "__main__":
    main()
