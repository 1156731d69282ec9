#!/usr/bin/env python3
"""The programs in examples, built as a user would, and what they print.

usage: examples_test.py installed | subdirectory

CHARRNN_BUILD is the build folder; what is built here stays in its folder `examples`, so that a second time is quick.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BIN = pathlib.Path(os.environ["CHARRNN_BIN"])
BUILD = pathlib.Path(os.environ["CHARRNN_BUILD"])
ROOT = pathlib.Path(__file__).resolve().parents[2]

PROGRAMS = ("continue_prefix", "own_schedule")

CONFIG = """
corpus:
  sources: [{root}/data/time_machine/timemachine.txt]
  output: {folder}/corpus
  max_characters: 30000
  lower_case: true
  split: {{by: tail, valid: 0.05, test: 0}}
model: {{hidden_size: 16}}
train: {{steps: 5, batch_size: 4, sequence_length: 16}}
run: {{output: {folder}/run, device: cpu}}
"""


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))}: code {done.returncode}\n{done.stdout[-8000:]}{done.stderr[-8000:]}")
    return done.stdout


def build(way):
    """Builds the examples and returns their folder."""
    folder = BUILD / "examples" / way
    source = folder / "source"  # a copy: nothing of charrnn is found by accident
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(ROOT / "examples", source)
    if way == "installed":
        prefix = folder / "prefix with blank"
        shutil.rmtree(prefix, ignore_errors=True)
        run("cmake", "--install", BUILD, "--prefix", prefix, "--component", "development")
        settings = [f"-DCMAKE_PREFIX_PATH={prefix}"]
    else:
        # The flags that charrnn itself was built with, so that ccache knows most files.
        settings = [f"-DCHARRNN_SOURCE={ROOT}", "-DCHARRNN_WERROR=ON"]
    env = dict(os.environ)
    if shutil.which("ccache"):
        env["CMAKE_CXX_COMPILER_LAUNCHER"] = "ccache"
        env["CCACHE_IGNOREOPTIONS"] = "-include"  # as in cmake/CharrnnOptions.cmake, with which results are shared
        env["CCACHE_SLOPPINESS"] = "pch_defines,time_macros,include_file_mtime,include_file_ctime"
    run("cmake", "-S", source, "-B", folder / "build", "-G", "Ninja",
        f"-DCMAKE_BUILD_TYPE={os.environ['CHARRNN_BUILD_TYPE']}", *settings, env=env)
    for program in PROGRAMS:  # compiled each time, so that warnings are seen
        shutil.rmtree(folder / "build" / "CMakeFiles" / f"{program}.dir", ignore_errors=True)
    output = run("cmake", "--build", folder / "build", "-j", "2", "--target", *PROGRAMS, env=env)
    if "warning:" in output:
        raise AssertionError(f"a user of charrnn's headers gets warnings:\n{output}")
    return folder / "build"


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.programs = build(WAY)
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="charrnn-examples-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        config = cls.folder / "config.yaml"
        config.write_text(CONFIG.format(root=ROOT, folder=cls.folder), encoding="utf-8")
        run(BIN / "charrnn_preprocess", config)
        cls.model = cls.folder / "own.safetensors"
        cls.steps = run(cls.programs / "own_schedule", cls.folder / "corpus", cls.model)

    def test_the_rate_is_that_of_the_schedule(self):
        found = [tuple(map(float, line)) for line in
                 re.findall(r"step \d+  rate ([\d.]+)  loss ([\d.]+) nats", self.steps)]
        self.assertEqual(len(found), 60, self.steps)
        for step, (rate, _) in enumerate(found):
            self.assertAlmostEqual(rate, 0.02 * min(step + 1, 60 - step) / 30, places=6)
        self.assertLess(found[-1][1], found[0][1] - 0.5)

    def test_a_continuation_is_that_of_charrnn_sample(self):
        for seed in ("1", "7"):
            text = run(self.programs / "continue_prefix", self.model, "The Time", seed)
            self.assertTrue(text.startswith("the time"), text)  # cleaned as the corpus was
            self.assertEqual(text, run(BIN / "charrnn_sample", self.model, "--prefix", "The Time", "-n", "200",
                                       "--seed", seed))
        self.assertNotEqual(text, run(self.programs / "continue_prefix", self.model, "The Time", "1"))

    def test_an_error_has_its_kind(self):
        for arguments in ([self.folder / "nowhere", "the"], [self.model, "\u4e16"]):
            done = subprocess.run([self.programs / "continue_prefix", *arguments], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertTrue(done.stderr.startswith("continue_prefix: "), done.stderr)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in ("installed", "subdirectory"):
        sys.exit(__doc__)
    WAY = sys.argv.pop()
    unittest.main()
