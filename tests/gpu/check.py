"""Shared by the parts of launch/gpu_check.sh: commands, runs of charrnn_train and their files, GPUs."""

import json
import math
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]  # of the repository or of a bundle
TIMED_OUT = 124

# B T E H L V dropout. The parts on memory, speed, cuDNN's algorithms and kernels use the same shapes.
SHAPES = {
    "H 512": {"batch": 32, "length": 64, "embedding": 128, "hidden": 512, "layers": 1},
    "H 512, long": {"batch": 64, "length": 128, "embedding": 128, "hidden": 512, "layers": 1},
    "H 1024, L 2": {"batch": 64, "length": 128, "embedding": 128, "hidden": 1024, "layers": 2},
    "gutenberg.yaml": {"batch": 512, "length": 128, "embedding": 128, "hidden": 1024, "layers": 3, "dropout": 0.1},
    "V 6,000": {"batch": 32, "length": 64, "embedding": 256, "hidden": 512, "layers": 1, "vocabulary": 6000},
}
PRECISIONS = ["tf32", "bf16", "fp16"]
PRECISIONS = ["tf32", "bf16", "fp16"]


class Failure(Exception):
    pass


class Skip(Exception):
    pass


def log(text):
    print(text, file=sys.stderr, flush=True)


def say(text):
    print(text, flush=True)


def shortened(text, limit=6000):
    return text if len(text) <= limit else f"{text[: limit // 2]}\n...\n{text[-limit // 2 :]}"


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
        lines = [line for line in (self.out + "\n" + self.errors).splitlines() if line.strip(" -")]
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
        """Runs a command; a Failure if its exit code is not in `codes` (None: any code is accepted)."""
        words = [str(word) for word in words]
        limit = max(1.0, min(seconds, self.left()))
        log(f"+ {' '.join((f'{k}={v}' for k, v in (env or {}).items()))} {' '.join(words)}")
        begin = time.monotonic()
        process = subprocess.Popen(
            words,
            cwd=cwd,
            env={**os.environ, "GTEST_COLOR": "no", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
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
        """Calls `function`; if it fails, records that and returns, so that the next one runs."""
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
        """Writes NAME.yaml and preprocesses its corpus, once."""
        path = self.work / f"{name}.yaml"
        if path.exists():
            return path
        size = self.size
        settings = {
            "corpus": {
                "sources": [str(source)],
                "output": str(self.work / f"corpus-{name}"),
                "shard_size": 510000,
                "split": {"by": "tail", "valid": 0.1, "test": 0},
            },
            "model": {
                "embedding_size": size["embedding"],
                "hidden_size": size["hidden"],
                "layers": 1,
                "dropout": 0.1,
                **model,
            },
            "train": {
                "batch_size": size["batch"],
                "sequence_length": size["length"],
                "steps": self.steps,
                "log_every": 10,
                "precision": "fp32",
                "optimizer": {"name": "adamw", "learning_rate": 0.002},
            },
            "evaluate": {"every": 0},
            "sample": {"every": 0},
            "checkpoint": {"every": 100000, "keep": 10},
            "run": {"output": str(self.work / "run"), "device": self.device, "seed": 3},
        }
        text = json.dumps(settings, indent=1)  # JSON is also YAML
        draft = path.with_suffix(".draft.yaml")
        draft.write_text(text, encoding="utf-8")
        self.tool("charrnn_preprocess", draft)
        path.write_text(text, encoding="utf-8")
        return path

    def shakespeare(self, name="shakespeare", **model):
        return self.config(name, ROOT / "data" / "tiny_shakespeare" / "input.txt", **model)

    def many_characters(self):
        """A text with 6,000 different characters of about equal frequency."""
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
        """Trains in the folder `name` and returns its path."""
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
    """The largest relative difference of two lists of losses."""
    if len(a) != len(b) or not a:
        raise Failure(f"expected equal numbers of losses, found {len(a)} and {len(b)}")
    worst = max(abs(x - y) / abs(y) for x, y in zip(a, b))
    return worst if math.isfinite(worst) else math.inf


def checkpoints(folder):
    return sorted((folder / "checkpoints").glob("step-*.safetensors"))


def tensors(path):
    """The bytes of each tensor of a safetensors file, by name."""
    whole = path.read_bytes()
    length = struct.unpack("<Q", whole[:8])[0]
    header = json.loads(whole[8 : 8 + length])
    data = whole[8 + length :]
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
    """Bytes in use on the GPU that uses most."""
    listed = subprocess.run(
        ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    used = [float(word) * 2**20 for word in listed.stdout.split() if word.replace(".", "").isdigit()]
    return max(used, default=math.nan)


def shape_settings(check, name, precision):
    """Arguments of charrnn_train: a config with a small text, and settings for a step of this shape."""
    shape = SHAPES[name]
    config = check.many_characters() if "vocabulary" in shape else check.shakespeare()
    settings = {
        "model.embedding_size": shape["embedding"],
        "model.hidden_size": shape["hidden"],
        "model.layers": shape["layers"],
        "train.batch_size": shape["batch"],
        "train.sequence_length": shape["length"],
        "train.precision": precision,
        "model.dropout": shape.get("dropout", 0),
        "train.steps": 100000,
        "run.output": check.work / "of_shape",
    }
    shutil.rmtree(check.work / "of_shape", ignore_errors=True)
    return [config, *(word for key, value in settings.items() for word in ("--set", f"{key}={value}"))]


class Background:
    """A training run in the background, to send signals to."""

    def __init__(self, check, words, name, env=None):
        self.check, self.folder = check, check.work / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.words = [str(word) for word in words] + ["--set", f"run.output={self.folder}"]
        log(f"+ {' '.join(self.words)} &")
        self.output = check.work / f"{name}.txt"
        with open(self.output, "w", encoding="utf-8") as output:
            self.process = subprocess.Popen(
                self.words,
                cwd=ROOT,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_for_steps(self):
        metrics = self.folder / "metrics.jsonl"
        while self.process.poll() is None and self.check.left() > 3:
            if metrics.exists() and '"train"' in metrics.read_text(encoding="utf-8", errors="replace"):
                return
            time.sleep(0.05)
        raise Failure(f"expected a first training line, found none; last output: {self.text().strip().splitlines()[-1:]}")

    def ranks(self):
        """Process ids by rank."""
        found = {}
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                arguments = (process / "cmdline").read_bytes()
                if b"charrnn_train\0" not in arguments or str(self.folder).encode() not in arguments:
                    continue
                settings = dict(
                    item.split(b"=", 1) for item in (process / "environ").read_bytes().split(b"\0") if b"=" in item
                )
                if (process / "exe").resolve().name == "charrnn_train":
                    found[int(settings.get(b"OMPI_COMM_WORLD_RANK", b"0"))] = int(process.name)
            except OSError:
                continue
        return found

    def end(self, seconds):
        """The exit code, TIMED_OUT if it does not end, and the seconds."""
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
