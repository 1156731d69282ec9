"""Kills (SIGKILL) or stops (SIGSTOP) one rank at a random moment, again and again, and resumes each time: no endless wait,
no checkpoint lost, always the same final weights. Not part of the test suite, because it takes minutes:

    . launch/env.sh
    CHARRNN_BIN=build/release/bin python tests/end_to_end/kill_loop.py [ROUNDS] [SEED]
"""

import os
import random
import signal
import subprocess
import sys
import time

from safetensors.numpy import load_file

from charrnn_cli import ROOT, ToolTest, command, environment, overrides, rank_processes

STEPS = 1500
TIMEOUT_SECONDS = 3
SETTINGS = {"train__steps": STEPS, "train__log_every": 100, "checkpoint__every": 25,
            "comm__timeout_seconds": TIMEOUT_SECONDS}


class KillLoop(ToolTest):
    def launch(self, folder):
        arguments = command("charrnn_train", self.config, *overrides(run__output=folder, **SETTINGS))
        return subprocess.Popen([ROOT / "launch" / "run", "-np", "2", *arguments], env=environment(),
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def weights(self, folder):
        file = folder / "checkpoints" / f"step-{STEPS:09d}.safetensors"
        return {name: tensor.tobytes() for name, tensor in load_file(file).items()}

    def round(self, folder, sent, draw):
        """Returns how the interrupted start ended."""
        process = self.launch(folder)
        ranks = {}
        while len(ranks) < 2:
            time.sleep(0.01)
            ranks = rank_processes(folder)
        time.sleep(draw.uniform(0, 4))
        lost = ranks[draw.randrange(2)]
        try:
            os.kill(lost, sent)
        except ProcessLookupError:
            pass
        begin = time.monotonic()
        process.communicate(timeout=TIMEOUT_SECONDS + 25)
        seconds = time.monotonic() - begin
        latest = folder / "checkpoints" / "latest"
        kept = latest.readlink().name if latest.is_symlink() else "none"
        restart = self.launch(folder)
        _, errors = restart.communicate(timeout=120)
        assert restart.returncode == 0, errors
        return f"code {process.returncode} after {seconds:.1f} s, checkpoint {kept}"

    def run_loop(self, rounds, seed):
        self.setUp()
        draw = random.Random(seed)
        whole = self.folder / "whole"
        assert self.launch(whole).wait() == 0
        expected = self.weights(whole)
        for sent in (signal.SIGKILL, signal.SIGSTOP):
            for number in range(1, rounds + 1):
                folder = self.folder / f"{sent.name}{number}"
                ended = self.round(folder, sent, draw)
                equal = self.weights(folder) == expected
                print(f"{sent.name} {number}: {ended}; final weights {'equal' if equal else 'DIFFERENT'}", flush=True)
                if not equal:
                    sys.exit(1)
        self.doCleanups()


if __name__ == "__main__":
    KillLoop().run_loop(int(sys.argv[1]) if len(sys.argv) > 1 else 20, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
