"""The parts of launch/gpu_check.sh, each a process: python3 gpu_parts.py PART --work FOLDER [--device cpu] [--seconds N]

What a part finds goes to standard output as Markdown, line by line; commands and what they printed go to standard error.
Exit codes: 0 all as expected, 1 something is not, 77 it cannot run here, for the reason that the last line gives. Only Python's own
library is needed, besides the PyTorch that is measured. With --device cpu the same commands run at small sizes on the CPU, and
NCCL on tests/cuda_stand_in: that shows that the check works, not that a GPU does.
"""

import argparse
import json
import math
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]  # of the repository or of a bundle
TIMED_OUT = 124

# B T E H L V dropout. --dry-run, speed, cuDNN's algorithms and the kernels of a step use the same ones.
SHAPES = {
    "H 512": {"batch": 32, "length": 64, "embedding": 128, "hidden": 512, "layers": 1},
    "H 512, long": {"batch": 64, "length": 128, "embedding": 128, "hidden": 512, "layers": 1},
    "H 1024, L 2": {"batch": 64, "length": 128, "embedding": 128, "hidden": 1024, "layers": 2},
    "gutenberg.yaml": {"batch": 512, "length": 128, "embedding": 128, "hidden": 1024, "layers": 3, "dropout": 0.1},
    "V 6,000": {"batch": 32, "length": 64, "embedding": 256, "hidden": 512, "layers": 1, "vocabulary": 6000},
}
PRECISIONS = ["tf32", "bf16", "fp16"]
VARIANTS = {"fp32": ["eager"], "tf32": ["eager", "graph"], "bf16": ["autocast", "graph"], "fp16": ["autocast", "graph"]}

# What CUDA itself takes on a GPU once cuDNN and cuBLAS are loaded; not part of --dry-run's figure.
CONTEXT_BYTES = 900e6
# cuDNN adds in another order than the CPU; after a few updates of Adam the curves have parted by this much of a loss.
CURVE_TOLERANCE = 5e-3
SPEED_LOSS_TOLERANCE = {"fp32": 1e-3, "tf32": 5e-3, "bf16": 2e-2, "fp16": 1e-2}
EVALUATION_TOLERANCE = 1e-4


class Failure(Exception):
    pass


class Skip(Exception):
    pass


def log(text):
    print(text, file=sys.stderr, flush=True)


def say(text):
    print(text, flush=True)


def shortened(text, limit=6000):
    return text if len(text) <= limit else f"{text[:limit // 2]}\n...\n{text[-limit // 2:]}"


def row(*cells):
    say("| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")


def head(*names):
    say("")
    row(*names)
    row(*("---" for _ in names))


def text_of(shape):
    letters = {"batch": "B", "length": "T", "embedding": "E", "hidden": "H", "layers": "L", "vocabulary": "V"}
    return " ".join(f"{letters.get(name, name)} {value}" for name, value in shape.items())


class Result:
    def __init__(self, code, out, errors, seconds):
        self.code, self.out, self.errors, self.seconds = code, out, errors, seconds

    def last_line(self):
        lines = [line for line in (self.out + "\n" + self.errors).splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("error") or "rror:" in line]
        return ((errors or lines or ["nothing"])[-1])[:300]


class Check:
    def __init__(self, options):
        self.device, self.work = options.device, pathlib.Path(options.work).resolve()
        self.on_gpu = self.device == "cuda"
        self.bin = pathlib.Path(os.environ["CHARRNN_BIN"]).resolve()
        self.ends = time.monotonic() + options.seconds
        self.failures = 0
        self.work.mkdir(parents=True, exist_ok=True)
        small = {"embedding": 16, "hidden": 64, "batch": 16, "length": 32}
        self.size = {"embedding": 128, "hidden": 512, "batch": 64, "length": 64} if self.on_gpu else small
        self.steps = 40 if self.on_gpu else 15
        self.stop_at = 25 if self.on_gpu else 8

    # ---- commands

    def left(self):
        return self.ends - time.monotonic()

    def run(self, words, env=None, codes=(0,), seconds=120.0, cwd=ROOT):
        """Runs a command; a Failure if it ends with another code. codes None: any."""
        words = [str(word) for word in words]
        limit = max(1.0, min(seconds, self.left()))
        log(f"+ {' '.join((f'{k}={v}' for k, v in (env or {}).items()))} {' '.join(words)}")
        begin = time.monotonic()
        process = subprocess.Popen(words, cwd=cwd, env={**os.environ, "GTEST_COLOR": "no", **(env or {})},
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                                   start_new_session=True)
        try:
            out, errors = process.communicate(timeout=limit)
            code = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, errors = process.communicate()
            code = TIMED_OUT
        result = Result(code if code >= 0 else 128 - code, out, errors, time.monotonic() - begin)
        log(shortened(out) + shortened(errors) + f"= code {result.code}, {result.seconds:.1f} s")
        if codes is not None and result.code not in codes:
            reason = f"did not end within {limit:.0f} s" if result.code == TIMED_OUT else f"ended with code {result.code}"
            raise Failure(f"`{pathlib.Path(words[0]).name} {' '.join(words[1:])[:200]}` {reason}: {result.last_line()}")
        return result

    def tool(self, name, *arguments, **how):
        return self.run([self.bin / name, *arguments], **how)

    def expect(self, is_right, text):
        say(f"- {text}" if is_right else f"- **FAILED** {text}")
        self.failures += not is_right

    def attempt(self, name, function, *arguments):
        """One of several; the others run if it fails."""
        if self.left() < 5:
            say(f"- {name}: skipped, no time left")
            self.failures += 1
            return
        try:
            function(*arguments)
        except Failure as problem:
            self.expect(False, f"{name}: {problem}")

    # ---- training

    def config(self, name, source, **model):
        """Writes NAME.yaml with its corpus, once."""
        path = self.work / f"{name}.yaml"
        if path.exists():
            return path
        size = self.size
        settings = {
            "corpus": {"sources": [str(source)], "output": str(self.work / f"corpus-{name}"), "shard_size": 510000,
                       "split": {"by": "tail", "valid": 0.1, "test": 0}},
            "model": {"embedding_size": size["embedding"], "hidden_size": size["hidden"], "layers": 1, "dropout": 0.1, **model},
            "train": {"batch_size": size["batch"], "sequence_length": size["length"], "steps": self.steps, "log_every": 10,
                      "precision": "fp32", "optimizer": {"name": "adamw", "learning_rate": 0.002}},
            "evaluate": {"every": 0}, "sample": {"every": 0}, "checkpoint": {"every": 100000, "keep": 10},
            "run": {"output": str(self.work / "run"), "device": self.device, "seed": 3},
        }
        text = json.dumps(settings, indent=1)  # is YAML, too
        draft = path.with_suffix(".draft.yaml")
        draft.write_text(text, encoding="utf-8")
        self.tool("charrnn_preprocess", draft)
        path.write_text(text, encoding="utf-8")
        return path

    def shakespeare(self, name="shakespeare", **model):
        return self.config(name, ROOT / "data" / "tiny_shakespeare" / "input.txt", **model)

    def many_characters(self):
        """A text of 6,000 characters that are about equally frequent."""
        source = self.work / "many_characters.txt"
        if not source.exists():
            step, state, text = 0, 1, []
            while step < 600000:
                state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
                text.append(chr(0x4E00 + (state >> 33) % 6000))
                step += 1
                if step % 60 == 0:
                    text.append("\n")
            source.write_text("".join(text), encoding="utf-8")
        return self.config("many_characters", source)

    def train(self, config, name, *arguments, fresh=True, launcher=(), env=None, codes=(0,), **settings):
        """Trains in the folder NAME and gives it."""
        folder = self.work / name
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
        words = [*launcher, self.bin / "charrnn_train", config, "--set", f"run.output={folder}", *arguments]
        for key, value in settings.items():
            words += ["--set", f"{key.replace('__', '.')}={value}"]
        self.result = self.run(words, env=env, codes=codes)
        return folder


# ---- files of runs


def losses(folder):
    with open(folder / "metrics.jsonl", encoding="utf-8") as file:
        return [line["loss_nats"] for line in map(json.loads, file) if line["kind"] == "train"]


def largest_difference(a, b):
    """Relative, over two lists of losses."""
    if len(a) != len(b) or not a:
        raise Failure(f"expected as many losses, found {len(a)} and {len(b)}")
    worst = max(abs(x - y) / abs(y) for x, y in zip(a, b))
    return worst if math.isfinite(worst) else math.inf


def checkpoints(folder):
    return sorted((folder / "checkpoints").glob("step-*.safetensors"))


def tensors(path):
    """The bytes of each tensor of a safetensors file, by name."""
    whole = path.read_bytes()
    length = struct.unpack("<Q", whole[:8])[0]
    header = json.loads(whole[8:8 + length])
    data = whole[8 + length:]
    return {name: data[slice(*entry["data_offsets"])] for name, entry in header.items() if name != "__metadata__"}


def newest(folder):
    found = checkpoints(folder)
    if not found:
        raise Failure(f"expected a checkpoint in {folder}, found none")
    return found[-1]


# ---- GPUs


def gpu_count():
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        return 0
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines()) if listed.returncode == 0 else 0


def used_bytes():
    """Of all GPUs' memory, the most on one."""
    listed = subprocess.run(["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"], capture_output=True,
                            text=True, timeout=60, check=False)
    used = [float(word) * 2**20 for word in listed.stdout.split() if word.replace(".", "").isdigit()]
    return max(used, default=math.nan)


# ---- the parts


def versions(check):
    head("what", "is")
    manifest = ROOT / "manifest"
    if manifest.exists():
        row("bundle", manifest.read_text(encoding="utf-8").strip().replace("\n", ", "))
    row("charrnn", check.tool("charrnn_train", "--version").out.strip())
    if check.on_gpu:
        fields = "name,driver_version,memory.total,compute_cap,clocks.max.sm"
        row("GPUs", check.run(["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader"]).out.strip())
    row("processors", f"{len(os.sched_getaffinity(0))}, {machine()}")
    row("kernel, C library", f"{os.uname().release}, {' '.join(os.confstr('CS_GNU_LIBC_VERSION').split())}")
    code = ("import sys, torch; print(sys.version.split()[0], torch.__version__, 'CUDA', torch.version.cuda, 'cuDNN', "
            "torch.backends.cudnn.version(), 'NCCL', torch.cuda.nccl.version() if torch.cuda.is_available() else '-')")
    found = check.run([sys.executable, "-c", code], codes=None)
    row("Python, PyTorch", found.out.strip() or f"cannot be imported: {found.last_line()}")
    say("")
    files = sorted(check.bin.glob("charrnn_*")) + sorted((check.bin.parent / "lib").glob("libcharrnn_*.so"))
    for file in files:
        found = check.run(["ldd", "-r", file], codes=None)
        missing = [line.strip() for line in (found.out + found.errors).splitlines()
                   if "not found" in line or "undefined symbol" in line]
        if missing:
            check.expect(False, f"`ldd -r {file.name}`: {len(missing)} missing, first: `{missing[0][:200]}`")
    check.expect(bool(files), f"`ldd -r` of {len(files)} tools and modules")


def machine():
    try:
        model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.M)
    except OSError:
        model = None
    return model[1].strip() if model else "unknown processor"


def curve(check):
    """configs/quickstart.yaml as it stands, but for its length."""
    steps = 60
    config = ROOT / "configs" / "quickstart.yaml"
    common = {"corpus__output": check.work / "corpus-quickstart", "train__log_every": 10, "sample__every": 0,
              "evaluate__every": 0, **({} if check.on_gpu else {"model__hidden_size": 64})}
    check.tool("charrnn_preprocess", config, "--set", f"corpus.output={common['corpus__output']}")
    begin = time.monotonic()
    here = check.train(config, "quickstart", "--max-steps", steps, train__precision="fp32", run__device=check.device, **common)
    seconds = time.monotonic() - begin
    warnings = [line for line in check.result.errors.splitlines() if "Warning" in line]
    check.expect(not warnings, f"{len(warnings)} lines with `Warning` on standard error"
                 + (f", first: `{warnings[0][:200]}`" if warnings else ""))
    # On a CPU LibTorch's own layers are the other program.
    other = {} if check.on_gpu else {"model__kernel": "reference"}
    cpu = check.train(config, "quickstart-cpu", "--max-steps", steps, train__precision="fp32", run__device="cpu", **common, **other)
    head("step", f"loss on {check.device}", "loss on the CPU")
    for i, (a, b) in enumerate(zip(losses(here), losses(cpu))):
        row(10 * (i + 1), f"{a:.5f}", f"{b:.5f}")
    say("")
    difference = largest_difference(losses(here), losses(cpu))
    check.expect(difference <= CURVE_TOLERANCE, f"fp32: losses of {steps} steps differ by {difference:.1e} at most "
                 f"(allowed {CURVE_TOLERANCE}); {seconds:.1f} s with start")
    if check.on_gpu:
        default = check.train(config, "quickstart-default", "--max-steps", steps, run__device=check.device, **common)
        difference = largest_difference(losses(default), losses(cpu))
        said = [line.strip() for line in (check.result.out + check.result.errors).splitlines() if "precision" in line]
        check.expect(difference <= 2 * CURVE_TOLERANCE, f"the config's own precision: {difference:.1e} at most; it printed: "
                     f"`{(said or ['nothing about precision'])[0][:120]}`")


def kernels(check):
    """gpu_kernels_test and gpu_training_test: what is computed on a GPU beside the same on the CPU."""
    for name in ("gpu_kernels_test", "gpu_training_test"):
        found = check.run([check.bin / name], codes=None, seconds=100)
        if not check.on_gpu:
            if "SKIPPED" not in found.out:
                raise Skip(found.last_line())
            continue
        passed, failed = (re.findall(rf"\[ +{word} +\] (\w+\.\w+)", found.out) for word in ("OK", "FAILED"))
        check.expect(found.code == 0 and bool(passed),
                     f"{name}: {len(passed)} passed, {len(set(failed))} failed, code {found.code}")
        for test in sorted(set(failed)):
            say(f"  - {test}")
    if not check.on_gpu:
        raise Skip("they need a GPU; they started and said so")


def restart_case(check, name, config, settings):
    """A run, and the same continued from a checkpoint in its middle: the same numbers to the last bit."""
    whole = check.train(config, f"{name}-whole", checkpoint__every=check.stop_at, **settings)
    parts = check.work / f"{name}-parts"
    shutil.rmtree(parts, ignore_errors=True)
    shutil.copytree(whole, parts, symlinks=True)
    last = newest(parts)
    last.unlink()
    before = newest(parts)
    check.train(config, parts.name, fresh=False, checkpoint__every=check.stop_at, **settings)
    # Of the whole run's steps, those after the checkpoint were made again.
    if f"{check.stop_at}" not in before.name or newest(parts).name != last.name:
        raise Failure(f"expected to continue from step {check.stop_at} to {last.name}, found {before.name} and {newest(parts).name}")
    a, b = tensors(newest(whole)), tensors(newest(parts))
    differ = [key for key in a if a[key] != b.get(key)]
    same_losses = losses(whole) == losses(parts)
    check.expect(a.keys() == b.keys() and not differ and same_losses,
                 f"{name}: {len(a)} tensors of step {check.steps}, {len(differ)} differ"
                 + (f" ({', '.join(differ[:4])})" if differ else "") + ("" if same_losses else ", losses differ"))
    for folder in (whole, parts):
        shutil.rmtree(folder, ignore_errors=True)


def restart(check):
    say(f"{text_of(check.size)} L 1, dropout 0.1, log_every 10: {check.steps} steps, and continued from step {check.stop_at}.\n")
    cases = [(precision, check.shakespeare, {"train__precision": precision}) for precision in ("fp32", "tf32", "bf16", "fp16")]
    cases += [("V 6,000", check.many_characters, {}), ("GRU", lambda: check.shakespeare("gru", cell="gru"), {}),
              ("V 6,000 in bf16", check.many_characters, {"train__precision": "bf16"}),
              ("two layers in fp16", lambda: check.shakespeare("deep", layers=2), {"train__precision": "fp16"})]
    for name, config, settings in cases if check.on_gpu else [cases[0], *cases[3:6]]:
        check.attempt(name, lambda n=name, c=config, s=settings: restart_case(check, n.replace(" ", "_").replace(",", ""), c(), s))


def resident_bytes(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return next((int(line.split()[1]) * 1024.0 for line in file if line.startswith("VmHWM:")), 0.0)
    except OSError:
        return 0.0


def memory(check):
    """--dry-run's estimate beside what is seen. For a CPU, of a process's own memory."""
    head("shape", "precision", "estimated MB", "seen MB", "CUDA and libraries, allowed MB")
    cases = [("H 1024, L 2", "fp32"), ("gutenberg.yaml", "tf32"), ("V 6,000", "bf16")] if check.on_gpu else [("H 512", "fp32")]
    failed = []
    for name, precision in cases:
        if check.left() < 8:
            row(name, precision, "skipped: no time left", "", "")
            continue
        shape = SHAPES[name]
        config = check.many_characters() if "vocabulary" in shape else check.shakespeare()
        # On a small text of gutenberg's lanes.
        settings = {"model.embedding_size": shape["embedding"], "model.hidden_size": shape["hidden"], "model.layers": shape["layers"],
                    "train.batch_size": shape["batch"], "train.sequence_length": shape["length"], "train.precision": precision,
                    "model.dropout": shape.get("dropout", 0), "train.steps": 100000, "run.output": check.work / "memory"}
        words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        shutil.rmtree(check.work / "memory", ignore_errors=True)
        sizes = check.tool("charrnn_train", config, "--dry-run", *words).out
        found = re.search(r"memory per rank +about ([0-9,]+) MB", sizes)
        if not found:
            raise Failure("expected 'memory per rank about N MB' in what --dry-run prints")
        estimate = 1e6 * int(found[1].replace(",", ""))
        before = used_bytes() if check.on_gpu else 0.0
        log(f"+ charrnn_train {config} {' '.join(words)} --max-seconds 4")
        with open(check.work / "memory.txt", "w", encoding="utf-8") as output:
            process = subprocess.Popen([str(check.bin / "charrnn_train"), str(config), "--max-seconds", "4", *map(str, words)],
                                       stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
            most = 0.0
            while process.poll() is None:
                most = max(most, used_bytes() - before if check.on_gpu else resident_bytes(process.pid))
                if check.left() < 2:
                    process.kill()
                time.sleep(0.1)
        allowed = CONTEXT_BYTES if check.on_gpu else 600e6
        is_right = process.returncode == 0 and 0 < most < 1.1 * estimate + allowed
        row(name, precision, f"{estimate / 1e6:,.0f}", f"{most / 1e6:,.0f}" if is_right else f"**{most / 1e6:,.0f}, FAILED**", f"{allowed / 1e6:,.0f}")
        if not is_right:
            text = (check.work / "memory.txt").read_text(encoding="utf-8", errors="replace")
            log(shortened(text))
            failed.append(f"{name}, code {process.returncode}")
    say("")
    check.expect(not failed, "memory stays within 1.1 times the estimate and what CUDA takes" + (f": {'; '.join(failed)}" if failed else ""))


def devices(check):
    """A run that begins on the CPU, continues here and ends on the CPU."""
    config = check.shakespeare()
    mixed = check.work / "mixed"
    for i, (device, stop) in enumerate((("cpu", 10), (check.device, 20), ("cpu", 30))):
        check.train(config, "mixed", "--max-steps", stop, fresh=i == 0, run__device=device, train__steps=30)
    whole = check.train(config, "whole-cpu", run__device="cpu", train__steps=30)
    difference = largest_difference(losses(mixed), losses(whole))
    check.expect(difference <= CURVE_TOLERANCE, f"10 steps on the CPU, 10 on {check.device}, 10 on the CPU: losses differ from those "
                 f"of a run on the CPU by {difference:.1e} at most (allowed {CURVE_TOLERANCE})")


def evaluation(check):
    folder = check.train(check.shakespeare(), "evaluated", train__steps=20)
    values = {}
    for device in (check.device, "cpu"):
        begin = time.monotonic()
        result = json.loads(check.tool("charrnn_eval", folder, "--json", "--set", f"run.device={device}").out)
        values[device] = result["loss_nats"]
        say(f"- on {device}: {result['loss_nats']:.6f} nats over {result['characters']:,} characters, {time.monotonic() - begin:.1f} s "
            "with start")
    difference = largest_difference([values[check.device]], [values["cpu"]])
    check.expect(difference <= EVALUATION_TOLERANCE, f"they differ by {difference:.1e} of it (allowed {EVALUATION_TOLERANCE})")


class Background:
    """A training that goes on while the part does something to it."""

    def __init__(self, check, words, name, env=None):
        self.check, self.folder = check, check.work / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.words = [str(word) for word in words] + ["--set", f"run.output={self.folder}"]
        log(f"+ {' '.join(self.words)} &")
        self.output = check.work / f"{name}.txt"
        with open(self.output, "w", encoding="utf-8") as output:
            self.process = subprocess.Popen(self.words, cwd=ROOT, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                                            stdout=output, stderr=subprocess.STDOUT, start_new_session=True)

    def wait_for_steps(self):
        metrics = self.folder / "metrics.jsonl"
        while self.process.poll() is None and self.check.left() > 3:
            if metrics.exists() and '"train"' in metrics.read_text(encoding="utf-8", errors="replace"):
                return
            time.sleep(0.05)
        raise Failure(f"expected a first line of losses: {self.text().strip().splitlines()[-1:]}")

    def ranks(self):
        """Process ids by rank."""
        found = {}
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                arguments = (process / "cmdline").read_bytes()
                if b"charrnn_train\0" not in arguments or str(self.folder).encode() not in arguments:
                    continue
                settings = dict(item.split(b"=", 1) for item in (process / "environ").read_bytes().split(b"\0") if b"=" in item)
                if (process / "exe").resolve().name == "charrnn_train":
                    found[int(settings.get(b"OMPI_COMM_WORLD_RANK", b"0"))] = int(process.name)
            except OSError:
                continue
        return found

    def end(self, seconds):
        """The code, and how long it took; TIMED_OUT if it does not end."""
        begin = time.monotonic()
        try:
            code = self.process.wait(max(1.0, min(seconds, self.check.left())))
        except subprocess.TimeoutExpired:
            self.kill()
            code = TIMED_OUT
        log(shortened(self.text()) + f"= code {code}")
        return code, time.monotonic() - begin

    def kill(self):
        for pid in self.ranks().values():
            os.kill(pid, signal.SIGKILL)
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def text(self):
        return self.output.read_text(encoding="utf-8", errors="replace")


def usr1(check):
    config = check.shakespeare()
    background = Background(check, [check.bin / "charrnn_train", config, "--set", "train.steps=1000000"], "usr1")
    try:
        background.wait_for_steps()
        background.process.send_signal(signal.SIGUSR1)
        code, seconds = background.end(20)
    finally:
        background.kill()
    check.expect(code == 75, f"USR1: code {code} (expected 75) after {seconds:.1f} s")
    step = int(re.search(r"step-(\d+)", newest(background.folder).name)[1])
    check.train(config, "usr1", "--max-steps", step + 10, fresh=False, train__steps=1000000)
    again = int(re.search(r"step-(\d+)", newest(background.folder).name)[1])
    check.expect(again == step + 10, f"saved at step {step}, continued to {again}")


def nccl1(check):
    """Real NCCL, a group of one."""
    if not check.on_gpu:
        raise Skip("one rank over NCCL needs a GPU: tests/cuda_stand_in does not train")
    config = check.shakespeare()
    solo = check.train(config, "solo", train__steps=20)
    begin = time.monotonic()
    nccl = check.train(config, "nccl1", train__steps=20, comm__backend="nccl", env={"NCCL_DEBUG": "VERSION"})
    said = re.search(r"NCCL version \S+", check.result.out + check.result.errors)
    check.expect(losses(solo) == losses(nccl), f"one rank over NCCL ({said[0] if said else 'version not printed'}): the same losses as without, "
                 f"{time.monotonic() - begin:.1f} s")


# One GPU for both ranks: NCCL refuses that unless it takes them for two hosts.
SHARING = {"NCCL_NET": "Socket", "NCCL_SOCKET_IFNAME": "lo", "NCCL_IB_DISABLE": "1", "NCCL_MNNVL_ENABLE": "0",
           "NCCL_NVLS_ENABLE": "0", "CHARRNN_SHARE_GPU": "1"}
AS_OTHER_HOST = ["sh", "-c", 'export NCCL_HOSTID=r$OMPI_COMM_WORLD_RANK; exec "$@"', "sh"]


class Pair:
    """Starts two ranks: on two GPUs, or both on one; without a GPU training on the CPU, NCCL on the stand-in's one GPU."""

    def __init__(self, check):
        self.check, self.stand_in = check, None
        self.shares = gpu_count() < 2
        self.env = {"OMPI_MCA_mpi_yield_when_idle": "1", **(SHARING if self.shares else {})}
        if os.geteuid() == 0:
            self.env.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        if not check.on_gpu:
            for path in (check.bin / "with_stand_in", check.bin.parent / "tests" / "cuda_stand_in" / "with_stand_in"):
                if path.exists():
                    self.stand_in = path

    def words(self):
        return ["mpirun", "--oversubscribe", "--bind-to", "none", "-np", "2", *(AS_OTHER_HOST if self.shares else [])]

    def program(self, name, *arguments, codes=(0,)):
        """A test program on NCCL, the real one or the stand-in's."""
        words = [*self.words(), *([self.stand_in] if self.stand_in else []), self.check.bin / name, *arguments]
        return self.check.run(words, env={**self.env, **({"FAKE_CUDA_GPUS": "1"} if self.stand_in else {})}, codes=codes, seconds=60)


def nccl2_programs(check, pair):
    if not check.on_gpu and not pair.stand_in:
        say("- the communicator's tests: skipped, neither a GPU nor tests/cuda_stand_in here")
        return

    def ranks():
        found = pair.program("comm_ranks_test", "--ranks=2", "--gpus", codes=None)
        passed = re.findall(r"\[  PASSED  \] (\d+) tests", found.out)
        check.expect(found.code == 0 and len(passed) == 2, f"comm_ranks_test over NCCL: {'/'.join(passed) or 'none'} passed, code {found.code}"
                     + ("" if found.code == 0 else f": {found.last_line()}"))

    def failure(way, codes, text):
        folder = check.work / "failures"
        shutil.rmtree(folder, ignore_errors=True)
        found = pair.program("comm_failures", way, folder, "cuda", codes=None)
        reports = sorted(path.name for path in folder.glob("*.txt")) if folder.exists() else []
        is_right = found.code in codes and text in found.out + found.errors
        check.expect(is_right, f"comm_failures {way}: code {found.code} (expected {' or '.join(map(str, codes))}) after {found.seconds:.1f} s, "
                     f"reports: {', '.join(reports) or 'none'}" + ("" if is_right else f"; expected '{text}': {found.last_line()}"))

    check.attempt("comm_ranks_test", ranks)
    check.attempt("comm_failures", failure, "nothing", (0,), "2 ranks, nccl")
    check.attempt("comm_failures", failure, "stay-away", (4,), "within comm.timeout_seconds")
    check.attempt("comm_failures", failure, "killed", (137,), "")


def nccl2(check):
    """Two ranks: the sums of NCCL, in training and in the communicator's own tests."""
    pair = Pair(check)
    where = ("the CPU, over MPI; the communicator's tests on tests/cuda_stand_in" if not check.on_gpu
             else "one GPU, over NCCL's sockets" if pair.shares else f"{gpu_count()} GPUs")
    say(f"Two ranks on {where}.\n")
    config = check.shakespeare()
    steps = 20
    curves = {}

    def train(name, settings, allowed):
        folder = check.train(config, f"pair-{name}", launcher=pair.words(), env=pair.env, train__steps=steps, **settings)
        curves[name] = losses(folder)
        difference = largest_difference(curves[name], curves["one"])
        check.expect(difference <= allowed, f"training, {name}: losses differ from those of one rank by {difference:.1e} (allowed {allowed}), "
                     f"{check.result.seconds:.1f} s")

    def alone():
        curves["one"] = losses(check.train(config, "pair-one", train__steps=steps))

    check.attempt("one rank", alone)
    if "one" not in curves:
        raise Failure("without the losses of one rank there is nothing to compare")
    check.attempt("default", train, "default", {}, 1e-3)
    check.attempt("layer buckets", train, "layer", {"comm__gradient_buckets": "layer"}, 1e-3)
    check.expect(curves.get("default") == curves.get("layer"), "whole and layer buckets: a sum of two is the same in any order")
    check.attempt("bf16 sums", train, "bf16", {"comm__gradient_type": "bf16"}, 0.05)
    check.attempt("fp16 sums", train, "fp16", {"comm__gradient_type": "fp16"}, 0.05)
    nccl2_programs(check, pair)
    for name, number, codes in (("killed", signal.SIGKILL, (137, 4)), ("stopped", signal.SIGSTOP, (4,))):
        check.attempt(f"a {name} rank", lost_rank, check, pair, config, name, number, codes)


def lost_rank(check, pair, config, name, number, codes):
    words = [*pair.words(), check.bin / "charrnn_train", config, "--set", "train.steps=1000000", "--set", "comm.timeout_seconds=4"]
    background = Background(check, words, f"pair-{name}", env=pair.env)
    try:
        background.wait_for_steps()
        ranks = background.ranks()
        if 1 not in ranks:
            raise Failure(f"expected a process of rank 1, found ranks {sorted(ranks)}")
        os.kill(ranks[1], number)
        code, seconds = background.end(25)
    finally:
        background.kill()
    reports = sorted(path.name for path in background.folder.glob("*-rank-*.txt"))
    check.expect(code in codes, f"rank 1 {name} in training: code {code} (expected {' or '.join(map(str, codes))}) after {seconds:.1f} s, "
                 f"reports: {', '.join(reports) or 'none'}")


# ---- speed


def bench_options(shape):
    return [word for name, value in shape.items() for word in (f"--{name}", value)]


def shapes_of(check):
    if check.on_gpu:
        return SHAPES
    small = {"batch": 4, "length": 8, "embedding": 16, "hidden": 32}
    return {name: {**shape, **small, **({"vocabulary": 300} if "vocabulary" in shape else {})} for name, shape in SHAPES.items()}


def bench(check, program, folder, shape, precision, losses_of=20, seconds=0.3, rounds=3, variant=None, env=None):
    """What charrnn_bench or PyTorch prints as JSON."""
    common = [*bench_options(shape), "--device", check.device, "--precision", precision, "--losses", losses_of, "--seconds", seconds,
              "--rounds", rounds, "--json"]
    if program == "ours":
        words = [check.bin / "charrnn_bench", "model", *common, "--check", 1, *(["--keep", folder] if folder else [])]
    else:
        words = [sys.executable, ROOT / "tests" / "reference" / "model_speed.py", folder, *common, "--variant", variant]
    found = check.run(words, env=env, codes=None, seconds=40)
    try:
        measured = json.loads(found.out.strip().splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        reason = "did not end in time" if found.code == TIMED_OUT else f"ended with code {found.code}: {found.last_line()}"
        raise Failure(f"`{pathlib.Path(words[0]).name} {' '.join(map(str, words[1:]))}` {reason}") from None
    if found.code != 0:
        raise Failure(f"its losses are {measured.get('largest_difference')} nats off those of LibTorch's layers (code {found.code})")
    return measured


def speed(check):
    head("shape", "precision", "charrnn, characters/s", "ms a step", "PyTorch, characters/s", "times its best", "must reach", "losses differ by")
    missed, failed, skipped = [], [], 0
    measured = open(check.work.parent / "speed.jsonl", "w", encoding="utf-8") if check.work.parent.is_dir() else None
    for precision in PRECISIONS if check.on_gpu else ["fp32"]:
        for name, shape in shapes_of(check).items():
            if check.left() < 12:
                row(text_of(shape), precision, "skipped: no time left", "", "", "", "", "")
                skipped += 1
                continue
            folder = check.work / "speed"
            shutil.rmtree(folder, ignore_errors=True)
            ours, theirs, problems = None, {}, []
            try:
                ours = bench(check, "ours", folder, shape, precision)
            except Failure as problem:
                problems.append(str(problem))
            for variant in VARIANTS[precision] if ours else []:
                try:
                    theirs[variant] = bench(check, "theirs", folder, shape, precision, variant=variant)
                except Failure as problem:
                    problems.append(f"{variant}: {problem}")
            if measured:
                measured.write(json.dumps({"shape": shape, "precision": precision, "ours": ours, "theirs": theirs}) + "\n")
                measured.flush()
            if problems:
                failed += problems
            if not ours or not theirs:
                row(text_of(shape), precision, f"{ours['characters_per_second']:,.0f}" if ours else "**FAILED**", "", "**FAILED**", "", "", "")
                continue
            best = max(result["characters_per_second"] for result in theirs.values())
            ratio = ours["characters_per_second"] / best
            must = 1.3 if precision == "fp16" and shape["layers"] > 1 else 1.0
            # With dropout each has its own masks.
            difference = max(largest_difference(ours["losses"], result["losses"]) for result in theirs.values())
            allowed = SPEED_LOSS_TOLERANCE[precision] * (10 if shape.get("dropout") else 1)
            if difference > allowed:
                failed.append(f"{name}, {precision}: losses differ by {difference:.1e}, allowed {allowed}")
            if ratio < must and check.on_gpu:
                missed.append(f"{name}, {precision}: {ratio:.2f} of {must}")
            row(text_of(shape), precision, f"{ours['characters_per_second']:,.0f}",
                f"{1e3 * shape['batch'] * shape['length'] / ours['characters_per_second']:.2f}",
                "; ".join(f"{variant} {result['characters_per_second']:,.0f}" for variant, result in theirs.items()),
                f"{ratio:.2f}" if ratio >= must or not check.on_gpu else f"**{ratio:.2f}**", must, f"{difference:.0e}")
    if measured:
        measured.close()
    say("")
    for problem in failed:
        check.expect(False, problem)
    say(f"- {len(missed)} below what they must reach: {'; '.join(missed)}" if missed else "- none of the measured is below what it must reach"
        if check.on_gpu else "- on a CPU speeds are not judged")
    check.failures += skipped > 0


def start_folder(check, shape):
    """First weights and text for PyTorch's side."""
    folder = check.work / "start"
    shutil.rmtree(folder, ignore_errors=True)
    bench(check, "ours", folder, shape, "fp32", losses_of=1, seconds=1e-6, rounds=1)
    return folder


def cudnn(check):
    """The algorithm that cuDNN was asked for, by its own log of calls."""
    if not check.on_gpu:
        raise Skip("cuDNN needs a GPU")
    head("shape", "precision", "cuDNN's algorithm: calls of cudnnSetRNNDescriptor_v8", "recurrent kernels by CUPTI: launches")
    for precision in PRECISIONS:
        for name, shape in SHAPES.items():
            if check.left() < 8:
                row(name, precision, "skipped: no time left", "")
                check.failures = 1
                continue
            path, counts = check.work / "cudnn.log", check.work / "counts"
            for file in (path, counts):
                file.unlink(missing_ok=True)
            try:
                bench(check, "ours", None, shape, precision, losses_of=2, seconds=1e-6, rounds=1,
                      env={"CUDNN_LOGLEVEL_DBG": "3", "CUDNN_LOGDEST_DBG": str(path), **counting(check, counts)})
            except Failure as problem:
                row(name, precision, f"**FAILED** {problem}", "")
                check.failures += 1
                continue
            text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
            algorithms = {}
            for word in re.findall(r"CUDNN_RNN_ALGO_\w+", text):
                algorithms[word] = algorithms.get(word, 0) + 1
            recurrent = {kernel: count for kernel, count in read_counts(counts).items() if re.search("(?i)rnn|lstm|gru|persist", kernel)}
            row(name, precision, ", ".join(f"{word}: {count}" for word, count in sorted(algorithms.items())) or "not in the log",
                ", ".join(f"{kernel[:70]}: {count}" for kernel, count in sorted(recurrent.items(), key=lambda item: -item[1])[:3]) or "none by such a name")
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


def per_step(check, run):
    """Of each kernel how many a step: the difference between 15 steps and 5. RUN(losses_of, environment)."""
    counts = []
    for steps in (5, 15):
        path = check.work / f"counts-{steps}"
        path.unlink(missing_ok=True)
        run(steps, counting(check, path))
        if not path.exists():
            raise Failure("expected counts of kernels, found none: CUPTI or CUDA_INJECTION64_PATH does not work here (see the log)")
        counts.append(read_counts(path))
    names = set(counts[0]) | set(counts[1])
    steps = {name: (counts[1].get(name, 0) - counts[0].get(name, 0)) / 10 for name in names}
    return {name: count for name, count in steps.items() if count > 0}


def is_kernel(name):
    return not name.startswith(("copy, ", "fill", "wait of the host", "records that"))


def step_kernels(check):
    """By CUPTI, for our step and PyTorch's; the loss of each step is read, in both."""
    if not check.on_gpu:
        raise Skip("kernels need a GPU")
    if not counting(check, "x"):
        raise Skip("libkernel_counter.so is not there: this build has no CUPTI")
    head("shape", "precision", "kernels a step, ours", "PyTorch, eager or autocast", "copies and fills, ours", "PyTorch", "waits of the host, ours",
         "PyTorch")
    lists = []
    for name, precision in (("H 512, long", "tf32"), ("H 512, long", "bf16"), ("H 1024, L 2", "fp16")):
        shape = SHAPES[name]
        if check.left() < 15:
            row(name, precision, "skipped: no time left", *[""] * 5)
            check.failures = 1
            continue
        try:
            folder = start_folder(check, shape)
            ours = per_step(check, lambda steps, env: bench(check, "ours", None, shape, precision, losses_of=steps, seconds=1e-6, rounds=1, env=env))
            theirs = per_step(check, lambda steps, env: bench(check, "theirs", folder, shape, precision, losses_of=steps, seconds=1e-6, rounds=1,
                                                              variant=VARIANTS[precision][0], env=env))
        except Failure as problem:
            row(name, precision, f"**FAILED** {problem}", *[""] * 5)
            check.failures += 1
            continue
        sums = []
        for test in (is_kernel, lambda n: n.startswith(("copy, ", "fill")), lambda n: n.startswith("wait of the host")):
            sums += [f"{sum(count for n, count in counts.items() if test(n)):.1f}" for counts in (ours, theirs)]
        row(name, precision, *sums)
        lists.append((name, precision, ours, theirs))
    for name, precision, ours, theirs in lists:
        log(f"all of {name}, {precision}:\nours " + json.dumps(ours, indent=1) + "\nPyTorch " + json.dumps(theirs, indent=1))
        head(f"{name}, {precision}", "ours", "PyTorch")
        for kernel in sorted(set(ours) | set(theirs), key=lambda n: -max(ours.get(n, 0), theirs.get(n, 0)))[:40]:
            row(f"`{kernel[:110]}`", *(f"{counts[kernel]:g}" if kernel in counts else "" for counts in (ours, theirs)))
    say("")


PARTS = {function.__name__: function for function in (versions, curve, kernels, restart, memory, devices, evaluation, usr1, nccl1, nccl2,
                                                      speed, cudnn, step_kernels)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--work", required=True, help="folder for corpora, runs and files in between")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--seconds", type=float, default=600.0, help="that the part has")
    options = parser.parse_args()
    if options.device == "cuda" and gpu_count() == 0:
        print("skipped: it needs a GPU, nvidia-smi -L lists none")
        sys.exit(77)
    check = Check(options)
    try:
        PARTS[options.part](check)
    except Skip as reason:
        say(f"- skipped: {reason}")
        sys.exit(77)
    except Failure as problem:
        check.expect(False, str(problem))
    except Exception as problem:  # the report has it, the next part runs
        check.expect(False, f"{type(problem).__name__}: {problem}")
        raise
    sys.exit(1 if check.failures else 0)


if __name__ == "__main__":
    main()
