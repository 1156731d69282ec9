"""The configs of configs/tutorials, compared with the recipes' PyTorch originals in bench/reference: the same numbers from
the same weights."""

import concurrent.futures
import json
import math
import pathlib
import random
import re
import shutil
import sys
import tempfile
import unittest

import torch

from charrnn_cli import ROOT, lines, losses, overrides, run

sys.path.insert(0, str(ROOT / "bench" / "reference"))
import andersen
import d2l
import hello
import start_file
import tang

CONFIGS = sorted((ROOT / "configs" / "tutorials").glob("*.yaml"))


class TutorialsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        torch.set_num_threads(1)
        cls.corpora = pathlib.Path(tempfile.mkdtemp(prefix="charrnn-tutorials-"))
        cls.addClassCleanup(shutil.rmtree, cls.corpora, ignore_errors=True)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="charrnn-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def succeed(self, tool, name, *arguments, **settings):
        done = run(tool, ROOT / "configs" / "tutorials" / f"{name}.yaml", *arguments, *overrides(**settings), cwd=ROOT)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def corpus(self, name):
        """Preprocesses the corpora once for all tests of this class."""
        output = self.corpora / name
        if not output.exists():
            self.succeed("charrnn_preprocess", name, corpus__output=output)
        return output

    def train(self, name, to="run", **settings):
        """Returns the run's folder and the output."""
        output = self.folder / to
        shown = self.succeed("charrnn_train", name, corpus__output=self.corpus(name), run__output=output,
                             run__device="cpu", run__threads=1, **settings)
        self.assertEqual(lines(output, "event"), [], "it reports no pitfall")
        return output, shown

    def shape(self, name):
        """A checkpoint of a run of one epoch, whose weights start_file replaces."""
        steps = {"train__epochs": 1, "checkpoint__every": 0, "sample__every": 0}
        if name.startswith("andersen"):
            steps.update(train__epochs="none", train__steps=1)
        return self.train(name, "shape", **steps)[0] / "checkpoints" / "latest"

    def start_of(self, name, model):
        start = self.folder / "start.safetensors"
        start_file.write(start, self.shape(name), model.state_dict())
        return start

    def text_of(self, corpus):
        vocabulary = json.loads((corpus / "vocabulary.json").read_text(encoding="utf-8"))["characters"]
        return "".join(vocabulary[i]["character"] for i in andersen.read_ids(corpus).tolist()), len(vocabulary)

    def assert_close(self, ours, theirs, tolerance):
        self.assertEqual(len(ours), len(theirs))
        for i, (a, b) in enumerate(zip(ours, theirs)):
            self.assertLess(abs(a - b), tolerance, f"value {i}: {a} here, {b} in PyTorch")

    def test_no_recipe_is_reported_as_a_pitfall(self):
        # More than a thousand steps, with smaller layers.
        for name, settings in (("d2l_sequential", {"train__epochs": 140}), ("d2l_random", {"train__epochs": 140}),
                               ("tang_poems", {"train__epochs": 140}), ("andersen_lanes", {"train__steps": 1200}),
                               ("karpathy", {"train__steps": 1200, "train__sequence_length": 20})):
            with self.subTest(config=name):
                if "train__steps" in settings:
                    settings["train__epochs"] = "none"
                self.train(name, name, model__hidden_size=48, train__log_every=50, sample__every=600, **settings)

    def test_every_config_can_start(self):
        self.assertEqual({path.stem for path in CONFIGS},
                         {"andersen", "andersen_lanes", "d2l_random", "d2l_sequential", "hello_embedding",
                          "hello_one_hot", "karpathy", "tang_poems"})
        for path in CONFIGS:
            with self.subTest(config=path.stem):
                shown = self.succeed("charrnn_train", path.stem, "--dry-run", corpus__output=self.corpus(path.stem),
                                     run__output=self.folder / path.stem)
                for words in ("parameters", "memory per rank", "steps per epoch"):
                    self.assertIn(words, shown)

    # ---- d2l and the poems: the same text, the same loss of each epoch, the same greedy text

    def test_d2l_with_consecutive_steps(self):
        text = d2l.read_text()
        self.assertEqual(self.text_of(self.corpus("d2l_sequential")), (text, 28))
        torch.manual_seed(1)
        model = d2l.Model()
        start = self.start_of("d2l_sequential", model)
        folder, shown = self.train("d2l_sequential", train__start_from=start, train__random_offset="false",
                                   train__epochs=6, train__log_every="1 epochs", sample__every="3 epochs")
        theirs = [math.log(perplexity) for perplexity, _ in d2l.train(model, d2l.ids_of(text), 6, random_offset=False)]
        self.assert_close(losses(folder), theirs, 1e-4)
        samples = lines(folder, "sample")
        self.assertEqual([(line["step"], line["prefix"], line["temperature"]) for line in samples],
                         [(step, prefix, 0) for step in (0, 24, 48) for prefix in ("time traveller", "traveller")])
        for line in samples[-2:]:
            self.assertEqual(line["prefix"] + line["text"], d2l.predict(model, line["prefix"]))
        self.assertIn(f"time traveller{samples[-2]['text']}", shown)

    def test_d2l_with_shuffled_windows(self):
        # As many lanes as windows: one step reads all windows, in any order.
        text = d2l.read_text()
        windows = (len(text) - 1) // 35
        torch.manual_seed(2)
        random.seed(2)
        model = d2l.Model()
        start = self.start_of("d2l_random", model)
        folder, _ = self.train("d2l_random", train__start_from=start, train__random_offset="false",
                               train__batch_size=windows, train__epochs=6, train__log_every=1)
        theirs = [math.log(perplexity) for perplexity, _ in
                  d2l.train(model, d2l.ids_of(text), 6, "random", lanes=windows, random_offset=False)]
        self.assert_close(losses(folder), theirs, 1e-4)

    def test_tang_poems(self):
        text = tang.read_text()
        self.assertEqual(self.text_of(self.corpus("tang_poems")), (text, 1741))
        vocabulary = tang.vocabulary_of(text)
        torch.manual_seed(3)
        model = tang.Model(len(vocabulary))
        start = self.start_of("tang_poems", model)
        folder, _ = self.train("tang_poems", train__start_from=start, train__epochs=4, train__log_every="1 epochs",
                               sample__every="2 epochs")
        ids = d2l.ids_of(text, vocabulary)
        self.assert_close(losses(folder), list(tang.train(model, ids, 4)), 1e-4)
        for line in lines(folder, "sample")[-2:]:
            self.assertIn(line["prefix"], tang.PREFIXES)
            self.assertEqual(line["prefix"] + line["text"], d2l.predict(model, line["prefix"], vocabulary))

    # ---- Andersen: one lane, random lengths, the loss of the last character

    def test_andersen_is_the_original(self):
        corpus = self.corpus("andersen")
        text, symbols = self.text_of(corpus)
        self.assertTrue(text.isascii())
        torch.manual_seed(4)
        model = andersen.Model(symbols)
        start = self.start_of("andersen", model)
        folder, _ = self.train("andersen", train__start_from=start, train__epochs="none", train__steps=200,
                               train__log_every=1, evaluate__every=0)
        read = [0] + [line["characters"] for line in lines(folder, "train")]
        lengths = [after - before for before, after in zip(read, read[1:])]
        self.assertEqual(len(lengths), 200)
        self.assertTrue(all(10 <= length <= 40 for length in lengths), lengths)
        self.assertGreater(len(set(lengths)), 25, "nearly all of 31 lengths occur in 200 steps")
        self.assert_close(losses(folder), list(andersen.train(model, andersen.read_ids(corpus), lengths)), 1e-4)

    # ---- hello -> ohlol: PyTorch's initial weights of sixty seeds

    def hello_start(self, like, name, seed):
        start = self.folder / f"{name}-{seed}.safetensors"
        start_file.write(start, like, hello.make(name, seed).weights())
        return start

    def check_hello(self, config, *names):
        """The models `names` have the same weights for the same seed; compares one run of ours with each."""
        like = self.shape(config)
        starts = [self.hello_start(like, names[0], seed) for seed in range(60)]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            runs = list(pool.map(lambda start: self.train(config, start.stem, train__start_from=start), starts))
        right = 0
        for seed, (folder, shown) in enumerate(runs):
            texts = [line["text"] for line in lines(folder, "sample")]
            self.assertEqual(len(texts), 16, "before the first step, and after each")
            for name in names:
                with self.subTest(model=name, seed=seed):
                    model = hello.make(name, seed)
                    theirs, predictions = hello.train(model)
                    characters = 5 if model.reduction == "sum" else 1
                    self.assert_close(losses(folder), [loss / characters for loss in theirs], 1e-5)
                    self.assertEqual(texts[:-1], predictions)
            self.assertEqual(re.findall("hello -> (....?.?)\n", shown), texts)
            right += texts[14] == "ohlol"
        return right / len(runs)

    def test_hello_one_hot(self):
        self.assertEqual(round(self.check_hello("hello_one_hot", "cell", "one_hot"), 2), 0.67)

    def test_hello_embedding(self):
        self.assertEqual(self.check_hello("hello_embedding", "embedding"), 1)


if __name__ == "__main__":
    unittest.main()
