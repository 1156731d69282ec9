"""Speed of training steps in PyTorch at its best, in characters/s: nn.LSTM (GRU, RNN) and fused Adam; on a GPU also as a
CUDA graph.

    charrnn_bench model --keep FOLDER
    python3 bench/reference/model_speed.py FOLDER --threads 2
    python3 bench/reference/model_speed.py FOLDER --processes 2      # DDP over gloo, one thread and one core each
    python3 bench/reference/model_speed.py FOLDER --device cuda --precision bf16 --variant best

FOLDER has the initial weights and the text (start.safetensors, train-00000.h5), so with the same options the losses are
those of `charrnn_bench model` (not with dropout, where the masks differ). Exit code 77 if PyTorch, h5py or safetensors
is not installed, or if --device cuda finds no GPU.

--variant: "eager" calls operations one by one; in bf16 and fp16 this is "autocast", with a GradScaler for fp16.
"graph" captures the whole step after three eager steps and replays it; on the CPU it runs the same step without a graph,
for tests. "best" measures both and reports the faster one.
"""

import argparse
import contextlib
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
HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}
VARIANTS = ["eager", "autocast", "graph", "best"]
LAYERS = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn_tanh": torch.nn.RNN}


class Model(torch.nn.Module):
    def __init__(self, options):
        super().__init__()
        self.vocabulary = options.vocabulary
        width = options.vocabulary
        if options.input == "embedding":
            self.embedding = torch.nn.Embedding(options.vocabulary, options.embedding)
            width = options.embedding
        between = options.dropout if options.layers > 1 else 0
        self.rnn = LAYERS[options.cell](width, options.hidden, options.layers, dropout=between)
        self.dropout = torch.nn.Dropout(options.dropout)  # on the last layer's output, as in charrnn
        self.head = torch.nn.Linear(options.hidden, options.vocabulary)

    def forward(self, ids, state=None):
        """ids (T, B) -> logits (T, B, V), state"""
        x = self.embedding(ids) if hasattr(self, "embedding") else one_hot(ids, self.vocabulary).float()
        output, state = self.rnn(x, state)
        return self.head(self.dropout(output)), state


def batches(shard, lanes, length, part, parts, device):
    """Yields inputs and targets (T, B / parts) of consecutive steps, and whether the lanes begin again; endless."""
    with h5py.File(shard) as file:
        ids = torch.from_numpy(file["ids"][:].astype("int64"))
    ids = ids.to(device)  # the whole text, so that a batch is only a copy on the device
    span = (len(ids) - 1) // lanes
    own = slice(part * lanes // parts, (part + 1) * lanes // parts)
    inputs = ids[:lanes * span].view(lanes, span)[own]
    targets = ids[1:1 + lanes * span].view(lanes, span)[own]
    while True:
        for i in range(0, span // length * length, length):
            yield inputs[:, i:i + length].t().contiguous(), targets[:, i:i + length].t().contiguous(), i == 0


def detached(state):
    return tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()


def parts_of(state):
    return state if isinstance(state, tuple) else (state,)


def set_precision(precision):
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision != "fp32"  # the default; without it, bf16 would not use tensor cores either


class Training:
    """One process's part of training, operation by operation."""

    def __init__(self, options, rank):
        self.options, self.state, self.device = options, None, torch.device(options.device)
        folder = pathlib.Path(options.folder)
        self.batches = batches(options.shard or folder / "train-00000.h5", options.batch, options.length, rank,
                               options.processes, self.device)
        self.model = Model(options)
        self.model.load_state_dict(load_file(folder / "start.safetensors"))
        self.model.to(self.device)
        if options.processes > 1:
            self.model = torch.nn.parallel.DistributedDataParallel(self.model, gradient_as_bucket_view=True)
        self.optimizer = self.make_optimizer()
        self.scaler = torch.amp.GradScaler(self.device.type) if options.precision == "fp16" else None

    def make_optimizer(self):
        kinds = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}
        graph = {"capturable": True} if self.device.type == "cuda" and self.options.optimizer == "adam" else {}
        return kinds[self.options.optimizer](self.model.parameters(), lr=self.options.rate, fused=True, **graph)

    def autocast(self, **arguments):
        if self.options.precision not in HALVES:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, HALVES[self.options.precision], **arguments)

    def learn(self, inputs, targets, state, **autocast):
        """Forward, backward and update. Returns the loss and the state for the next step."""
        with self.autocast(**autocast):
            logits, state = self.model(inputs, state)
            loss = cross_entropy(logits.flatten(0, 1), targets.flatten())
        self.optimizer.zero_grad()
        (self.scaler.scale(loss) if self.scaler else loss).backward()
        if self.options.clip > 0:
            if self.scaler:
                self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.options.clip)
        if self.scaler:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        else:
            self.optimizer.step()
        return loss.detach(), detached(state)

    def step(self):
        inputs, targets, is_first = next(self.batches)
        loss, self.state = self.learn(inputs, targets, None if is_first else self.state)
        return loss

    def wait(self):
        if self.options.processes > 1:
            torch.distributed.barrier()
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def seconds(self, steps):
        self.wait()
        start = time.perf_counter()
        for _ in range(steps):
            self.step()
        self.wait()
        return time.perf_counter() - start


class GraphTraining(Training):
    """The step as one CUDA graph, whose tensors keep their memory. On the CPU, the same step without a graph."""

    def __init__(self, options, rank):
        super().__init__(options, rank)
        shape = (options.length, options.batch // options.processes)
        self.inputs, self.targets = (torch.zeros(shape, dtype=torch.int64, device=self.device) for _ in range(2))
        zeros = [torch.zeros(options.layers, shape[1], options.hidden, device=self.device)
                 for _ in range(2 if options.cell == "lstm" else 1)]
        self.static_state = tuple(zeros) if options.cell == "lstm" else zeros[0]
        self.loss = torch.zeros((), device=self.device)
        self.done, self.graph = 0, None
        self.stream = torch.cuda.Stream() if self.device.type == "cuda" else None

    def body(self):
        # Without autocast's cache of rounded weights, which would outlive the capture.
        loss, state = self.learn(self.inputs, self.targets, self.static_state, cache_enabled=False)
        for kept, new in zip(parts_of(self.static_state), parts_of(state), strict=True):
            kept.copy_(new)
        self.loss.copy_(loss)

    def capture(self):
        self.optimizer.zero_grad(set_to_none=True)  # the graph allocates its own gradients
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, stream=self.stream):
            self.body()

    def step(self):
        inputs, targets, is_first = next(self.batches)
        self.inputs.copy_(inputs)
        self.targets.copy_(targets)
        if is_first:
            for part in parts_of(self.static_state):
                part.zero_()
        if self.stream is None:
            self.body()
        elif self.done < WARM_UP_STEPS:  # on the capturing stream, as PyTorch's notes on graphs require
            self.stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self.stream):
                self.body()
            torch.cuda.current_stream().wait_stream(self.stream)
        else:
            if self.graph is None:
                self.capture()
            self.graph.replay()
        self.done += 1
        return self.loss


def peak_bytes():
    """Peak memory of this process. (getrusage's value would include that of the process that started it.)"""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))


def over_processes(values, options, operation="sum"):
    """Reduces the numbers over the processes."""
    values = torch.tensor(values, dtype=torch.float64)
    if options.processes > 1:
        torch.distributed.all_reduce(values, getattr(torch.distributed.ReduceOp, operation.upper()))
    return values.tolist()


def measure_variant(kind, options, rank, start_bytes):
    if options.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    training = kind(options, rank)
    losses = [training.step().clone() for _ in range(options.losses)]
    losses = [loss.item() for loss in losses]
    training.seconds(max(0, WARM_UP_STEPS + 1 - options.losses))
    probe = 10 if options.device == "cuda" else 1
    one = training.seconds(probe) / probe
    peak = peak_bytes()
    steps = int(over_processes([max(1, round(options.seconds / one))], options, "max")[0])
    characters = steps * options.batch * options.length
    rates = [characters / training.seconds(steps) for _ in range(options.rounds)]
    memory = over_processes([start_bytes, peak], options)
    result = {"characters_per_second": statistics.median(rates), "rates": rates, "steps_per_round": steps,
              "start_bytes": memory[0], "peak_bytes": memory[1],
              "losses": [loss / options.processes for loss in over_processes(losses, options)]}
    if options.device == "cuda":
        result["gpu_peak_bytes"] = torch.cuda.max_memory_allocated()
    return result


def kinds_of(options):
    """The classes to measure, by name of the variant."""
    eager = "autocast" if options.precision in HALVES else "eager"
    kinds = {}
    if options.variant != "graph":
        kinds[eager] = Training
    if options.variant == "graph" or (options.variant == "best" and options.device == "cuda"):
        kinds["graph"] = GraphTraining
    return kinds


def measure(options, rank):
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    set_precision(options.precision)
    start_bytes = peak_bytes()
    results, failed = {}, {}
    for name, kind in kinds_of(options).items():
        try:
            results[name] = measure_variant(kind, options, rank, start_bytes)
        except RuntimeError as problem:  # PyTorch does not support it, or out of memory
            if options.variant != "best":
                raise
            failed[name] = str(problem).split("\n")[0]
    if not results:
        raise RuntimeError("; ".join(f"{name}: {problem}" for name, problem in failed.items()))
    best = max(results, key=lambda name: results[name]["characters_per_second"])
    device = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"
    return {"build": f"PyTorch {torch.__version__}", "device": device, "precision": options.precision, "variant": best,
            **results[best], "variants": {name: result["characters_per_second"] for name, result in results.items()},
            "failed": failed}


def run_process(rank, options, cores, store, result):
    """One of several processes, each with its own core and replica; gloo sums the gradients."""
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
        # Fork is quick, and safe here because no thread of PyTorch runs yet.
        torch.multiprocessing.start_processes(
            run_process, (options, sorted(os.sched_getaffinity(0)), store, result), options.processes, start_method="fork")
        return json.loads(pathlib.Path(result).read_text(encoding="utf-8"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="folder that charrnn_bench model --keep wrote")
    parser.add_argument("--shard", help="shard to train on (default: train-00000.h5 in the folder)")
    parser.add_argument("--cell", choices=sorted(LAYERS), default="lstm")
    parser.add_argument("--input", choices=["embedding", "one_hot"], default="embedding")
    for name, default in (("embedding", 128), ("hidden", 512), ("layers", 1), ("vocabulary", 96), ("batch", 32),
                          ("length", 64), ("losses", 5), ("rounds", 5), ("threads", 1), ("processes", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=["fp32", "tf32", *HALVES], default="fp32")
    parser.add_argument("--variant", choices=VARIANTS, default="eager")
    parser.add_argument("--optimizer", choices=["adam", "sgd"], default="adam")
    for name, default in (("rate", 0.002), ("clip", 1.0), ("seconds", 2.0), ("dropout", 0.0)):
        parser.add_argument(f"--{name}", type=float, default=default)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.batch % options.processes:
        parser.error(f"--batch: expected a multiple of {options.processes} processes, found {options.batch}")
    if options.processes > 1 and (options.device == "cuda" or options.variant in ("graph", "best")):
        parser.error("--processes needs --device cpu and --variant eager or autocast")
    if options.device == "cuda" and not torch.cuda.is_available():
        print("model_speed.py: --device cuda, but PyTorch finds no GPU", file=sys.stderr)
        sys.exit(77)
    result = measure_processes(options) if options.processes > 1 else measure(options, 0)
    if options.json:
        print(json.dumps(result))
        return
    print(f"{result['build']}, {result['device']}, {result['variant']} in {result['precision']}\n"
          f"{result['characters_per_second']:,.0f} characters/s, {min(result['rates']):,.0f}.."
          f"{max(result['rates']):,.0f} in {options.rounds} rounds of {result['steps_per_round']} steps\n"
          f"peak memory {result['peak_bytes'] / 1e6:,.0f} MB, {result['start_bytes'] / 1e6:,.0f} MB before the model\n"
          f"loss {result['losses'][0]:.4f} to {result['losses'][-1]:.4f} nats in {options.losses} steps")


if __name__ == "__main__":
    main()
