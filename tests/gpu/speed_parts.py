"""Parts of launch/gpu_check.sh about speed: compared with PyTorch, cuDNN's algorithms, the kernels of a step."""

import json
import pathlib
import re
import shutil
import sys

from check import (
    PRECISIONS,
    ROOT,
    SHAPES,
    TIMED_OUT,
    Failure,
    Skip,
    head,
    largest_difference,
    log,
    row,
    say,
    shape_settings,
    shortened,
    text_of,
)

# Relative differences of losses in the first steps from the same weights: products are rounded to 11 bits (tf32, fp16) or
# 8 (bf16). With dropout, each program has its own masks.
LOSS_TOLERANCE = {"fp32": 1e-3, "tf32": 5e-3, "bf16": 2e-2, "fp16": 1e-2}
DROPOUT_TOLERANCE = 0.1


def shapes_of(check):
    if check.on_gpu:
        return SHAPES
    small = {"batch": 4, "length": 8, "embedding": 16, "hidden": 32}
    return {name: shape | small | ({"vocabulary": 300} if "vocabulary" in shape else {}) for name, shape in SHAPES.items()}


def bench(check, words, shape, precision, losses_of, seconds=1e-6, rounds=1, env=None):
    """The JSON of charrnn_bench model or model_speed.py; without `seconds`, after as few steps as possible."""
    settings = shape | {
        "device": check.device,
        "precision": precision,
        "losses": losses_of,
        "seconds": seconds,
        "rounds": rounds,
    }
    if not check.on_gpu:
        settings["threads"] = 1
    options = [word for name, value in settings.items() for word in (f"--{name}", value)]
    found = check.run([*words, *options, "--json"], env=env, codes=None, seconds=40)
    name = pathlib.Path(words[0]).name if words[0] != sys.executable else "model_speed.py"
    if found.code == 77:  # a module of Python is missing
        raise Skip(f"{name}: {found.last_line()}")
    try:
        measured = json.loads(found.out.strip().splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        reason = "did not end in time" if found.code == TIMED_OUT else f"ended with code {found.code}: {found.last_line()}"
        raise Failure(f"{name}, {text_of(shape)}, {precision}: {reason}") from None
    if found.code != 0:
        difference = measured.get("largest_difference")
        raise Failure(f"{name}, {text_of(shape)}, {precision}: losses differ by {difference} nats from LibTorch's layers")
    return measured


def ours(check, *keep):
    return [check.bin / "charrnn_bench", "model", "--check", 1, *keep]


def theirs(folder, variant):
    return [sys.executable, ROOT / "bench" / "reference" / "model_speed.py", folder, "--variant", variant]


class Comparison:
    """Rows of the table, and the lines below it."""

    def __init__(self, check):
        self.check, self.missed, self.failed = check, [], []

    def row(self, name, shape, precision, measured):
        """Stores what the programs print in `measured`."""
        folder, budget = self.check.work / "speed", (20, 0.3, 3) if self.check.on_gpu else (5, 0.02, 1)
        shutil.rmtree(folder, ignore_errors=True)
        a = measured["ours"] = bench(self.check, ours(self.check, "--keep", folder), shape, precision, *budget)
        b = measured["theirs"] = bench(self.check, theirs(folder, "best"), shape, precision, *budget)
        ratio = a["characters_per_second"] / b["characters_per_second"]
        must = 1.3 if precision == "fp16" and shape["layers"] > 1 else 1.0
        is_reached = ratio >= must or not self.check.on_gpu
        difference = largest_difference(a["losses"], b["losses"])
        allowed = DROPOUT_TOLERANCE if shape.get("dropout") else LOSS_TOLERANCE[precision]
        if difference > allowed:
            self.failed.append(f"{name}, {precision}: losses differ by {difference:.1e} (allowed {allowed})")
        if not is_reached:
            self.missed.append(f"{name}, {precision}: {ratio:.2f} of {must}")
        row(
            text_of(shape),
            precision,
            f"{a['characters_per_second']:,.0f}",
            f"{1e3 * a['step_seconds']:.2f}",
            "; ".join(
                [f"{variant} {rate:,.0f}" for variant, rate in b["variants"].items()]
                + [text[:60] for text in b["failed"].values()]
            ),
            f"{ratio:.2f}" if is_reached else f"**{ratio:.2f}**",
            must,
            f"{difference:.0e}",
        )


def speed(check):
    columns = [
        "charrnn, characters/s",
        "ms per step",
        "PyTorch, characters/s",
        "times PyTorch's best",
        "target",
        "losses differ by",
    ]
    head("shape", "precision", *columns)
    comparison = Comparison(check)
    with open(check.work / "speed.jsonl", "w", encoding="utf-8") as file:
        for precision in PRECISIONS if check.on_gpu else ["fp32"]:
            for name, shape in shapes_of(check).items():
                measured = {"shape": shape, "precision": precision}
                try:
                    if check.left() < 12:
                        raise Failure("skipped: no time left")
                    comparison.row(name, shape, precision, measured)
                except Failure as problem:
                    comparison.failed.append(str(problem))
                    row(
                        text_of(shape),
                        precision,
                        "**FAILED**" if check.left() >= 12 else problem,
                        *[""] * (len(columns) - 1),
                    )
                file.write(json.dumps(measured) + "\n")
                file.flush()
    say("")
    for problem in comparison.failed:
        check.expect(False, problem)
    if not check.on_gpu:
        say("- speeds are not checked on a CPU")
    elif comparison.missed:
        say(f"- targets missed: {'; '.join(comparison.missed)}")
    else:
        say("- all measured speeds reach their targets")


def start_folder(check, shape):
    """Initial weights and text for PyTorch."""
    folder = check.work / "start"
    shutil.rmtree(folder, ignore_errors=True)
    bench(check, ours(check, "--keep", folder), shape, "fp32", 1)
    return folder


def cudnn(check):
    """The algorithm that was requested from cuDNN, from its log of calls."""
    if not check.on_gpu:
        raise Skip("cuDNN needs a GPU")
    say("Three steps of charrnn_train.")
    head(
        "shape",
        "precision",
        "calls of cudnnSetRNNDescriptor_v8: algorithm, type, sums, math",
        "recurrent kernels by CUPTI: launches",
    )
    for precision in PRECISIONS:
        for name in SHAPES:
            if check.left() < 8:
                row(name, precision, "skipped: no time left", "")
                check.failures += 1
                continue
            path, counts = check.work / "cudnn.log", check.work / "counts"
            for file in (path, counts):
                file.unlink(missing_ok=True)
            try:
                check.tool(
                    "charrnn_train",
                    *shape_settings(check, name, precision),
                    "--max-steps",
                    3,
                    seconds=40,
                    env={"CUDNN_LOGLEVEL_DBG": "3", "CUDNN_LOGDEST_DBG": str(path), **counting(check, counts)},
                )
            except Failure as problem:
                row(name, precision, f"**FAILED** {problem}", "")
                check.failures += 1
                continue
            text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
            algorithms = {}
            for call in re.split(r"function (?=cudnn)", text):
                if call.startswith("cudnnSetRNNDescriptor_v8"):
                    words = re.findall(r"CUDNN_(RNN_ALGO_\w+|DATA_\w+|\w*MATH\w*)", call)
                    algorithms[" ".join(words)] = algorithms.get(" ".join(words), 0) + 1
            recurrent = {
                kernel: count
                for kernel, count in read_counts(counts).items()
                if re.search("(?i)rnn|lstm|gru|persist", kernel)
            }
            row(
                name,
                precision,
                ", ".join(f"{word}: {count}" for word, count in sorted(algorithms.items())) or "not in the log",
                ", ".join(
                    f"{kernel[:70]}: {count}" for kernel, count in sorted(recurrent.items(), key=lambda item: -item[1])[:3]
                )
                or "none with such a name",
            )
            log(f"cuDNN's log of {name}, {precision}: {len(text)} bytes; it has\n{shortened(text, 4000)}")


# ---- the kernels of a step


def counting(check, path):
    counter = check.bin.parent / "lib" / "libkernel_counter.so"
    return {"CUDA_INJECTION64_PATH": str(counter), "KERNEL_COUNTS": str(path)} if counter.exists() else {}


def read_counts(path):
    if not path.exists():
        return {}
    counts = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        count, name = line.split("\t", 1)
        name = re.sub(r"\(.*", "", name.replace("(anonymous namespace)::", ""))
        counts[name] = counts.get(name, 0) + int(count)
    return counts


def per_step(check, words, shape, precision):
    """Launches of each kernel per step, from the difference between 15 steps and 5."""
    counts = []
    for steps in (5, 15):
        path = check.work / f"counts-{steps}"
        path.unlink(missing_ok=True)
        bench(check, words, shape, precision, steps, env=counting(check, path))
        if not path.exists():
            raise Failure(
                "expected counts of kernels, found none: CUPTI or CUDA_INJECTION64_PATH does not work here (see the log)"
            )
        counts.append(read_counts(path))
    names = set(counts[0]) | set(counts[1])
    steps = {name: (counts[1].get(name, 0) - counts[0].get(name, 0)) / 10 for name in names}
    return {name: count for name, count in steps.items() if count > 0}


def is_kernel(name):
    return not name.startswith(("copy, ", "fill", "wait of the host", "records that"))


def step_kernels(check):
    """Counted by CUPTI, for our step and PyTorch's; both read the loss of each step."""
    if not check.on_gpu:
        raise Skip("counting kernels needs a GPU")
    if not counting(check, "x"):
        raise Skip("there is no libkernel_counter.so: this build has no CUPTI")
    head(
        "shape",
        "precision",
        "kernels per step, ours",
        "PyTorch, eager or autocast",
        "copies and fills, ours",
        "PyTorch",
        "waits of the host, ours",
        "PyTorch",
    )
    lists = []
    for name, precision in (("H 512, long", "tf32"), ("H 512, long", "bf16"), ("H 1024, L 2", "fp16")):
        shape = SHAPES[name]
        if check.left() < 15:
            row(name, precision, "skipped: no time left", *[""] * 5)
            check.failures += 1
            continue
        try:
            folder = start_folder(check, shape)
            mine = per_step(check, ours(check), shape, precision)
            other = per_step(check, theirs(folder, "eager" if precision == "tf32" else "autocast"), shape, precision)
        except Failure as problem:
            row(name, precision, f"**FAILED** {problem}", *[""] * 5)
            check.failures += 1
            continue
        sums = []
        for test in (is_kernel, lambda n: n.startswith(("copy, ", "fill")), lambda n: n.startswith("wait of the host")):
            sums += [f"{sum(count for n, count in counts.items() if test(n)):.1f}" for counts in (mine, other)]
        row(name, precision, *sums)
        lists.append((name, precision, mine, other))
    for name, precision, mine, other in lists:
        log(f"all of {name}, {precision}:\nours " + json.dumps(mine, indent=1) + "\nPyTorch " + json.dumps(other, indent=1))
        head(f"{name}, {precision}", "ours", "PyTorch")
        for kernel in sorted(set(mine) | set(other), key=lambda n: -max(mine.get(n, 0), other.get(n, 0)))[:40]:
            row(f"`{kernel[:110]}`", *(f"{counts[kernel]:g}" if kernel in counts else "" for counts in (mine, other)))
    say("")
