"""Runs the tools as a user does, for the tests in this folder. CHARRNN_BIN is the folder of the tools."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

BIN = pathlib.Path(os.environ["CHARRNN_BIN"])
ROOT = pathlib.Path(__file__).resolve().parents[2]
TIME_MACHINE = ROOT / "data" / "time_machine" / "timemachine.txt"

# Small and quick, with everything that could make a curve depend on ranks or on resuming: dropout, several shards.
CONFIG = """
corpus:
  sources: [{source}]
  output: {folder}/corpus
  split: {{by: tail, valid: 0.05, test: 0}}
  shard_size: 6000
model: {{input: embedding, embedding_size: 12, hidden_size: 48, layers: 1, dropout: 0.1}}
train:
  batch_size: 12
  sequence_length: 20
  steps: 10
  optimizer: {{name: adam, learning_rate: 0.03}}
  clip_norm: 0.5
  log_every: 1
evaluate: {{every: 0, lanes: 5}}
sample: {{every: 0, prefixes: ["The "], length: 20}}
checkpoint: {{every: 1000}}
run: {{output: {folder}/run, seed: 3, device: cpu}}
"""


def environment(**more):
    env = dict(os.environ, **more)
    if os.geteuid() == 0:
        env.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    env["OMPI_MCA_mpi_yield_when_idle"] = "1"
    # Telling OpenMPI's leaks from ours takes ten seconds a start, of which there are hundreds: tests/sanitizers has one.
    env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    return env


def command(tool, *arguments, ranks=0):
    launcher = ["mpirun", "--oversubscribe", "--bind-to", "none", "-np", str(ranks)] if ranks else []
    return launcher + [str(BIN / tool)] + [str(argument) for argument in arguments]


def run(tool, *arguments, ranks=0, cwd=None, timeout=200):
    return subprocess.run(command(tool, *arguments, ranks=ranks), cwd=cwd, env=environment(), timeout=timeout,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")


def rank_processes(folder):
    """Process ids by rank, of the run whose command line contains this folder."""
    found = {}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            arguments = (process / "cmdline").read_bytes().split(b"\0")
            if not arguments[0].endswith(b"charrnn_train") or str(folder).encode() not in b" ".join(arguments):
                continue
            settings = dict(item.split(b"=", 1) for item in (process / "environ").read_bytes().split(b"\0") if b"=" in item)
            found[int(settings[b"OMPI_COMM_WORLD_RANK"])] = int(process.name)
        except (OSError, KeyError):
            continue
    return found


def overrides(**settings):
    """train__steps=5 -> --set train.steps=5"""
    return [word for key, value in settings.items() for word in ("--set", f"{key.replace('__', '.')}={value}")]


def lines(run_folder, kind):
    with open(pathlib.Path(run_folder) / "metrics.jsonl", encoding="utf-8") as file:
        return [line for line in map(json.loads, file) if line["kind"] == kind]


def losses(run_folder, kind="train"):
    return [line["loss_nats"] for line in lines(run_folder, kind)]


class ToolTest(unittest.TestCase):
    """Each test has its own folder with a config and a preprocessed corpus."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="charrnn-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.config = self.folder / "config.yaml"
        self.config.write_text(CONFIG.format(source=TIME_MACHINE, folder=self.folder), encoding="utf-8")
        self.succeed("charrnn_preprocess", self.config)

    def succeed(self, tool, *arguments, ranks=0, code=0, **settings):
        done = run(tool, *arguments, *overrides(**settings), ranks=ranks)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def train(self, name="run", ranks=0, code=0, extra=(), **settings):
        """Trains in a separate run folder and returns its path."""
        output = self.folder / name
        self.succeed("charrnn_train", self.config, *extra, ranks=ranks, code=code,
                     **{"run__output": output, **settings})
        return output

    def refuse(self, code, *words, tool="charrnn_train", arguments=None, ranks=0, **settings):
        """The tool must exit with this code, and its message must contain all these words."""
        arguments = [self.config] if arguments is None else arguments
        done = run(tool, *arguments, *overrides(**settings), ranks=ranks)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        return done
