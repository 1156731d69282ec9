"""Runs on real GPUs: the curve is that of the CPU, a run goes on bit for bit, memory stays within what --dry-run says,
NCCL between two. Exit code 77 where the hardware for a test is not there."""

import re
import subprocess
import sys
import threading
import time
import unittest

from safetensors.numpy import load_file

from charrnn_cli import ToolTest, command, environment, losses, overrides

# What CUDA itself takes on a GPU once cuDNN and cuBLAS are loaded; not part of --dry-run's figure.
CONTEXT_BYTES = 700e6


def gpu_count():
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        return 0
    return listed.stdout.count("GPU ") if listed.returncode == 0 else 0


class GpuTest(ToolTest):
    SETTINGS = {"train__steps": 30, "run__device": "cuda"}

    def test_curve(self):
        """cuDNN adds in another order than the CPU: 30 steps of a small model part by less than a thousandth."""
        cpu = losses(self.train("cpu", train__steps=30))
        gpu = losses(self.train("gpu", **self.SETTINGS))
        for a, b in zip(cpu, gpu, strict=True):
            self.assertLess(abs(a - b), 1e-3 * a)

    def test_restart(self):
        whole = self.train("whole", **self.SETTINGS)
        self.train("parts", extra=["--max-steps", 13], **self.SETTINGS)
        parts = self.train("parts", **self.SETTINGS)
        self.assertEqual(losses(whole), losses(parts))
        a, b = (load_file(folder / "checkpoints" / "step-000000030.safetensors") for folder in (whole, parts))
        self.assertEqual({k: v.tobytes() for k, v in a.items()}, {k: v.tobytes() for k, v in b.items()})

    def test_memory(self):
        settings = {"run__device": "cuda", "train__steps": 60, "model__hidden_size": 1024, "model__layers": 2,
                    "train__batch_size": 96, "train__sequence_length": 50}
        sizes = self.succeed("charrnn_train", self.config, "--dry-run", **settings).stdout
        estimate = 1e6 * int(re.search(r"memory per rank +about ([0-9,]+) MB", sizes).group(1).replace(",", ""))
        process = subprocess.Popen(command("charrnn_train", self.config, *overrides(**settings)), env=environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        most = [0.0]

        def watch():
            while process.poll() is None:
                used = subprocess.run(["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"],
                                      capture_output=True, text=True, timeout=60, check=False).stdout.split()
                most[0] = max([most[0]] + [float(megabytes) * 2**20 for megabytes in used])
                time.sleep(0.2)

        watcher = threading.Thread(target=watch)
        watcher.start()
        _, errors = process.communicate(timeout=300)
        watcher.join()
        self.assertEqual(process.returncode, 0, errors)
        print(f"memory: estimated {estimate / 1e6:.0f} MB, seen {most[0] / 1e6:.0f} MB with CUDA's own")
        self.assertLess(most[0], 1.1 * estimate + CONTEXT_BYTES)

    def test_nccl(self):
        one = losses(self.train("one", **self.SETTINGS))
        two = self.train("two", ranks=2, **self.SETTINGS)
        layers = self.train("layers", ranks=2, comm__gradient_buckets="layer", **self.SETTINGS)
        halves = self.train("halves", ranks=2, comm__gradient_type="bf16", **self.SETTINGS)
        for a, b in zip(one, losses(two), strict=True):
            self.assertLess(abs(a - b), 1e-4 * a)
        self.assertEqual(losses(two), losses(layers), "a sum of two is the same in any order")
        for a, b in zip(one, losses(halves), strict=True):
            self.assertLess(abs(a - b), 0.05 * a)
        if gpu_count() < 3:
            self.refuse(2, "ranks 0 and", "same one", ranks=gpu_count() + 1, run__device="cuda",
                        train__batch_size=12 * (gpu_count() + 1))


if __name__ == "__main__":
    NAME = sys.argv[1]
    NEEDED = 2 if NAME == "nccl" else 1
    if gpu_count() < NEEDED:
        print(f"skipped: it needs {NEEDED} GPU{'s' if NEEDED > 1 else ''}, here {'are' if gpu_count() != 1 else 'is'} {gpu_count()}")
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], f"GpuTest.test_{NAME}"])
