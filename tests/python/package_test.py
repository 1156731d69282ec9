"""The package charrnn: what it gives is what the tools give, and what other people's programs compute from the same files."""

import concurrent.futures
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch, and for the tools: all is small here, and other tests run meanwhile

import h5py
import numpy
import torch
from safetensors.torch import load_file

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "end_to_end"))
import charrnn

from charrnn_cli import CONFIG, ROOT, TIME_MACHINE, lines, overrides, run


def succeed(tool, *arguments, **settings):
    done = run(tool, *arguments, *overrides(**settings))
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def in_python(code, *arguments, **more):
    """Another process with this package."""
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, **more)


class PackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="charrnn-python-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.config = cls.folder / "config.yaml"
        cls.config.write_text(CONFIG.format(source=TIME_MACHINE, folder=cls.folder), encoding="utf-8")
        succeed("charrnn_preprocess", cls.config)
        cls.run_folder = cls.train("run", train__steps=60, model__layers=2)
        cls.model = charrnn.open(cls.run_folder)
        cls.corpus = charrnn.Corpus(cls.folder / "corpus")

    @classmethod
    def train(cls, name, **settings):
        succeed("charrnn_train", cls.config, **{"run__output": cls.folder / name, **settings})
        return cls.folder / name

    @classmethod
    def derived_corpus(cls, name, **settings):
        succeed("charrnn_preprocess", cls.config, **{"corpus__output": cls.folder / name, **settings})
        return charrnn.Corpus(cls.folder / name)

    def refused(self, *words):
        return self.assertRaisesRegex(charrnn.InputError, "(?s)" + ".*".join(words))


class ModelTest(PackageTest):
    def sampled(self, *arguments):
        shown = succeed("charrnn_sample", self.run_folder, "--json", *arguments).stdout
        return [json.loads(line)["text"] for line in shown.splitlines()]

    def test_samples_are_those_of_charrnn_sample(self):
        cases = [({"length": 50, "seed": 5}, ["-n", 50, "--seed", 5]),
                 ({}, []),
                 ({"length": 30, "greedy": True}, ["-n", 30, "--greedy"]),
                 ({"length": 60, "temperature": 0.7, "top_k": 5, "top_p": 0.9, "seed": 2**64 - 1},
                  ["-n", 60, "--temperature", 0.7, "--top-k", 5, "--top-p", 0.9, "--seed", 2**64 - 1])]
        for given, arguments in cases:
            with self.subTest(**given):
                self.assertEqual([self.model.sample("The ", **given)], self.sampled("--prefix", "The ", *arguments))
        several = self.model.sample("An ", length=20, count=70)
        self.assertEqual(several, self.sampled("--prefix", "An ", "-n", 20, "--count", 70))
        self.assertGreater(len(set(several)), 60)
        self.assertEqual(self.model.sample("An ", length=20, count=0), [])

    def test_what_cannot_be_sampled(self):
        for given, words in (({"prefix": "漢"}, ["漢"]), ({"temperature": -1}, ["temperature", "-1"]),
                             ({"temperature": float("nan")}, ["temperature"]), ({"top_p": 0}, ["top_p"]),
                             ({"length": 1.5}, ["length", "1.5"]), ({"length": -1}, ["length"]), ({"seed": -1}, ["seed"]),
                             ({"unknown": "maybe"}, ["unknown", "maybe"]), ({"top_k": -1}, ["top_k"]),
                             ({"greedy": True, "temperature": 0.5}, ["greedy"]), ({"prefix": "\ud800"}, ["UTF-8"]),
                             ({"prefix": b"\xff"}, ["UTF-8"]), ({"prefix": 5}, ["text"])):
            with self.subTest(**given), self.refused(*words):
                self.model.sample(**given)
        self.assertEqual(len(self.model.sample("漢a", unknown="skip", length=5)), 5)

    def test_logits_are_those_of_torch(self):
        weights = load_file(self.model.file)
        rnn = torch.nn.LSTM(12, 48, num_layers=2, batch_first=True)
        rnn.load_state_dict({name[4:]: value for name, value in weights.items() if name.startswith("rnn.")})
        text = self.corpus.decode(self.corpus["valid"][:1300])  # more than are read at once
        ids = torch.from_numpy(self.model.vocabulary.encode(text))
        with torch.no_grad():
            x = rnn(weights["embedding.weight"][ids][None])[0][0]
            expected = torch.nn.functional.linear(x, weights["head.weight"], weights["head.bias"])
        logits = self.model.logits(ids)
        self.assertEqual((logits.dtype, tuple(logits.shape)), (torch.float32, (1300, len(self.model.vocabulary))))
        torch.testing.assert_close(logits, expected, rtol=0, atol=1e-4)  # sums in another order
        self.assertIsInstance(self.model.logits(text), numpy.ndarray)
        for same in (text, text.encode(), ids.numpy(), ids.tolist(), ids.int().numpy()):
            numpy.testing.assert_array_equal(self.model.logits(same, as_torch=False), logits.numpy())
        nats = self.model.surprisal(text)
        self.assertEqual((nats.dtype, nats.shape), (numpy.float32, (1300,)))
        self.assertTrue(numpy.isnan(nats[0]))
        torch.testing.assert_close(torch.from_numpy(nats[1:]),
                                   torch.nn.functional.cross_entropy(expected[:-1], ids[1:], reduction="none"),
                                   rtol=0, atol=1e-4)
        torch.testing.assert_close(self.model.surprisal(ids), torch.from_numpy(nats), rtol=0, atol=0, equal_nan=True)
        self.assertIsInstance(self.model.surprisal(text, as_torch=True), torch.Tensor)
        self.assertEqual(self.model.logits([]).shape, (0, len(self.model.vocabulary)))
        self.assertEqual(self.model.surprisal("").shape, (0,))

    def test_surprisal_is_the_loss_of_charrnn_eval(self):
        shown = json.loads(succeed("charrnn_eval", self.run_folder, "--json", evaluate__lanes=1).stdout)
        nats = self.model.surprisal(self.corpus["valid"][:])
        self.assertEqual(shown["characters"], len(nats) - 1)
        self.assertAlmostEqual(float(nats[1:].astype(numpy.float64).mean()), shown["loss_nats"], delta=1e-6)  # floats of 3
        with self.refused("漢"):
            self.model.surprisal("漢")
        for wrong, word in (([len(self.model.vocabulary)], "below"), ([-1], "-1"), ([[1, 2]], "shape"), ([0.5], "whole")):
            with self.subTest(ids=wrong), self.refused(word):
                self.model.surprisal(wrong)

    def test_what_a_model_is(self):
        self.assertEqual(self.model.step, 60)
        self.assertEqual(self.model.file.name, "step-000000060.safetensors")
        self.assertEqual(charrnn.open(self.model.file).sample("a", length=9), self.model.sample("a", length=9))
        settings = self.model.settings
        self.assertEqual(settings["model"]["cell"], "lstm")
        self.assertEqual(settings["model"]["dropout"], 0.1)
        self.assertEqual(settings["train"]["sequence_length"], 20)
        self.assertEqual(settings["train"]["optimizer"]["learning_rate"], 0.03)
        self.assertIs(settings["train"]["random_offset"], True)
        self.assertEqual(settings["train"]["epochs"], "none")
        self.assertEqual(settings["sample"]["prefixes"], ["The "])
        self.assertEqual(settings["sample"]["temperatures"], [0.5, 1])
        self.assertEqual(settings["corpus"]["sources"], [{"path": str(TIME_MACHINE), "encoding": None, "json_field": None}])
        self.assertEqual(settings["corpus"]["output"], str(self.folder / "corpus"))
        self.assertEqual(self.model.clean("a\r\nb"), "a\nb")
        self.assertEqual(self.model.vocabulary, self.corpus.vocabulary)
        with self.refused("weights", "mean"):
            charrnn.open(self.run_folder, weights="mean")

    def test_the_average_of_the_weights(self):
        averaged = self.train("average", train__steps=20, train__average_decay=0.9)
        shown = succeed("charrnn_sample", averaged, "--json", "--average", "-n", 30).stdout
        self.assertEqual(charrnn.open(averaged, weights="average").sample("The ", length=30), json.loads(shown)["text"])
        self.assertNotEqual(charrnn.open(averaged).sample("The ", length=30), json.loads(shown)["text"])

    def test_bytes_and_unknown_characters(self):
        source = self.folder / "umlauts.txt"
        source.write_text("Größe, Maße, süß.\n" * 400 + "Ω\n", encoding="utf-8")
        common = {"corpus__sources": source, "train__steps": 30, "sample__prefixes": "[]"}
        for unit, more in (("byte", {}), ("code_point", {"corpus__vocabulary__min_count": 2})):
            with self.subTest(unit=unit):
                settings = {"corpus__output": self.folder / f"corpus-{unit}", "corpus__unit": unit, **more}
                succeed("charrnn_preprocess", self.config, corpus__sources=source, **settings)
                model = charrnn.open(self.train(f"run-{unit}", **settings, **common))
                vocabulary = model.vocabulary
                self.assertEqual(vocabulary.unit, unit)
                self.assertEqual(vocabulary.decode(vocabulary.encode("Größe")), "Größe")
                self.assertEqual(len(vocabulary.encode("Größe")), 7 if unit == "byte" else 5)
                self.assertEqual(vocabulary.has_unknown, unit == "code_point")
                self.assertEqual(len(vocabulary.characters), len(vocabulary))
                text = source.read_bytes() if unit == "byte" else source.read_text("utf-8")
                self.assertEqual(sum(vocabulary.counts), len(text))
                if unit == "byte":
                    self.assertEqual(model.surprisal("ö").shape, (2,))
                    self.assertEqual(vocabulary.decode_bytes(vocabulary.encode("ö")[:1]), "ö".encode()[:1])
                    self.assertEqual(vocabulary.decode(vocabulary.encode("ö")[:1]), "\ufffd")
                else:
                    numpy.testing.assert_array_equal(model.surprisal("süΩx"),
                                                     model.surprisal([*vocabulary.encode("sü"), 0, 0]))
                    self.assertEqual(vocabulary.decode(vocabulary.encode("Ω", "unk")), "\ufffd")

    def test_errors(self):
        with self.refused("nowhere"):
            charrnn.open(self.folder / "nowhere")
        damaged = self.folder / "damaged.safetensors"
        damaged.write_bytes(self.model.file.read_bytes()[:-100])
        with self.assertRaisesRegex(charrnn.Error, "damaged") as caught:
            charrnn.open(damaged)
        self.assertNotIsInstance(caught.exception, charrnn.InputError)
        self.assertTrue(issubclass(charrnn.InputError, ValueError) and issubclass(charrnn.Error, RuntimeError))
        with self.refused("id 999", "place 1"):
            self.model.vocabulary.decode([0, 999])

    def test_another_torch_is_refused(self):
        done = in_python("import torch; torch.__version__ = '1.2.3+cpu'; import charrnn")
        self.assertIn("and this is torch 1.2.3+cpu: build it again", done.communicate()[1])

    def test_ctrl_c_ends_long_work(self):
        for work in ("model.sample('The ', length=10**9)", "model.sample('The ' * 10**7)", "model.logits('The ' * 10**5)",
                     "model.surprisal('The ' * 10**7)"):
            with self.subTest(work=work):
                code = ("import sys, charrnn; model = charrnn.open(sys.argv[1]); print('ready', flush=True)\n"
                        f"try:\n  {work}\nexcept KeyboardInterrupt:\n  print('interrupted')")
                process = in_python(code, self.run_folder)
                self.addCleanup(process.kill)
                self.assertEqual(process.stdout.readline(), "ready\n")
                time.sleep(0.3)
                begin = time.monotonic()
                process.send_signal(signal.SIGINT)
                self.assertEqual(process.communicate(timeout=60), ("interrupted\n", ""))
                self.assertLess(time.monotonic() - begin, 30)  # uninterrupted, they take minutes

    def test_threads_share_a_model(self):
        counted, is_done = 0, threading.Event()

        def count():
            nonlocal counted
            while not is_done.wait(0.001):
                counted += 1

        counter = threading.Thread(target=count)
        counter.start()
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            texts = list(pool.map(lambda seed: self.model.sample("The ", length=3000, seed=seed), (1, 2, 1)))
        is_done.set()
        counter.join()
        self.assertEqual(texts[0], texts[2])
        self.assertNotEqual(texts[0], texts[1])
        self.assertGreater(counted, 5, "the other thread never ran: the work kept the GIL")


class CorpusTest(PackageTest):
    def h5py_ids(self, corpus, split, dataset="ids"):
        found = []
        for path in sorted(corpus.path.glob(f"{split}-*.h5")):
            with h5py.File(path) as shard:
                found.append(shard[dataset][:])
        return found

    def test_ids_are_memory_maps(self):
        self.assertEqual(list(self.corpus), ["train", "valid"])
        for name in self.corpus:
            split = self.corpus[name]
            expected = self.h5py_ids(self.corpus, name)
            self.assertEqual(len(split.shards), len(expected))
            for ids, other in zip(split.shards, expected):
                self.assertIsInstance(ids, numpy.memmap)
                self.assertEqual(ids.dtype, numpy.uint8)
                numpy.testing.assert_array_equal(ids, other)
                with self.assertRaises(ValueError):
                    ids[0] = 1
            self.assertIsNone(split.targets)
        self.assertGreater(len(self.corpus["train"].shards), 3)
        text = TIME_MACHINE.read_text(encoding="utf-8")
        self.assertEqual(self.corpus.decode(self.corpus["train"][:]) + self.corpus.decode(self.corpus["valid"][:]), text)

    def test_slices(self):
        train = self.corpus["train"]
        whole = numpy.concatenate(train.shards)
        self.assertEqual(len(train), len(whole))
        edge = len(train.shards[0])
        self.assertIsInstance(train[10:20], numpy.memmap)
        for place in (slice(10, 20), slice(edge - 3, edge + 3), slice(None), slice(5, 2 * edge + 7, 1000), slice(-4, None),
                      slice(30, 10, -7), slice(None, None, -999), slice(8, 8), slice(10**9, None), slice(20, 10)):
            with self.subTest(place=place):
                numpy.testing.assert_array_equal(train[place], whole[place])
        for place in (0, edge - 1, edge, -1, numpy.int64(3)):
            self.assertEqual(train[place], whole[place])
        for place in (len(train), -len(train) - 1):
            with self.assertRaises(IndexError):
                train[place]

    def test_wide_ids_targets_and_documents(self):
        source = self.folder / "wide.txt"
        source.write_text("".join(chr(0x4e00 + i % 300) for i in range(7000)), encoding="utf-8")
        target = self.folder / "wide-targets.txt"
        target.write_text("".join(chr(0x4e00 + (i * 7) % 300) for i in range(7000)), encoding="utf-8")
        corpus = self.derived_corpus("wide", corpus__sources=source, corpus__targets=target, corpus__shard_size=3000)
        self.assertEqual(corpus["train"].shards[0].dtype, numpy.uint16)
        for dataset, shards in (("ids", corpus["train"].shards), ("targets", corpus["train"].targets)):
            for ids, expected in zip(shards, self.h5py_ids(corpus, "train", dataset), strict=True):
                numpy.testing.assert_array_equal(ids, expected)
        self.assertEqual([starts.tolist() for starts in corpus["train"].document_starts], [[0], [], []])
        inputs, targets, _ = next(iter(charrnn.Lanes(corpus, batch_size=2, sequence_length=5)))
        for character, its_target in zip(corpus.decode(inputs.flatten()), corpus.decode(targets.flatten()), strict=True):
            self.assertEqual((ord(character) - 0x4e00) * 7 % 300, ord(its_target) - 0x4e00)

    def test_a_shard_that_was_compressed(self):
        corpus = self.derived_corpus("compressed")
        expected = numpy.array(corpus["train"][:])
        for path in corpus.path.glob("train-*.h5"):
            with h5py.File(path, "r+") as shard:
                ids = shard["ids"][:]
                del shard["ids"]
                shard.create_dataset("ids", data=ids, compression="gzip")
        again = charrnn.Corpus(corpus.path)
        self.assertNotIsInstance(again["train"].shards[0], numpy.memmap)
        self.assertEqual(again["train"].shards[0].dtype, numpy.uint8)
        numpy.testing.assert_array_equal(again["train"][:], expected)
        again.verify()

    def test_manifest_and_errors(self):
        self.assertEqual(self.corpus.manifest["vocabulary_hash"], self.corpus.vocabulary.hash)
        self.corpus.verify()
        with self.refused("no split test", "train, valid"):
            self.corpus["test"]
        with self.refused("nowhere"):
            charrnn.Corpus(self.folder / "nowhere")
        damaged = self.derived_corpus("damaged")
        path = next(damaged.path.glob("valid-*.h5"))
        with h5py.File(path, "r+") as shard:
            shard["ids"][7] = (shard["ids"][7] + 1) % 20
        with self.assertRaisesRegex(charrnn.Error, "damaged"):
            charrnn.Corpus(damaged.path).verify()
        path.unlink()
        with self.assertRaisesRegex(charrnn.Error, "not exist|missing"):
            charrnn.Corpus(damaged.path)


class LanesTest(PackageTest):
    def lanes(self, **settings):
        return charrnn.Lanes(self.corpus, **{"batch_size": 12, "sequence_length": 20, "seed": 3, **settings})

    def test_the_trainer_reads_these_batches(self):
        """With a learning rate of 0, torch.nn finds the trainer's loss of each step from the batches."""
        documents = self.folder / "documents"
        documents.mkdir()
        text = TIME_MACHINE.read_text(encoding="utf-8")
        for number in range(20):
            (documents / f"{number:02}.txt").write_text(text[number * 1500 : (number + 1) * 1500], encoding="utf-8")
        corpus = self.derived_corpus("corpus-of-documents", corpus__sources=f"{documents}/*.txt")
        cases = [{}, {"train__sampling": "random"}, {"train__sequence_length": "[10, 40]"},
                 {"train__reset_state": "document", "corpus__output": corpus.path}]
        for number, settings in enumerate(cases):
            with self.subTest(**settings):
                steps = 60  # past the end of two shards
                folder = self.train(f"still{number}", **{"model__dropout": 0, "train__optimizer__learning_rate": 0,
                                                         "train__steps": steps, **settings})
                model = charrnn.open(folder)
                weights = load_file(model.file)
                rnn = torch.nn.LSTM(12, 48, batch_first=True)
                rnn.load_state_dict({name[4:]: value for name, value in weights.items() if name.startswith("rnn.")})
                state = (torch.zeros(1, 12, 48), torch.zeros(1, 12, 48))
                losses, resets = [], 0
                for inputs, targets, fresh in charrnn.Lanes.from_settings(model.settings, steps=steps):
                    resets += 0 < int(fresh.sum()) < 12
                    state = tuple(part * ~fresh[None, :, None] for part in state)
                    with torch.no_grad():
                        x, state = rnn(weights["embedding.weight"][inputs], state)
                        logits = torch.nn.functional.linear(x, weights["head.weight"], weights["head.bias"])
                    losses.append(torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten()).item())
                expected = [line["loss_nats"] for line in lines(folder, "train")]
                self.assertEqual(len(losses), steps)
                numpy.testing.assert_allclose(losses, expected, rtol=0, atol=1e-5)  # sums in another order
                self.assertGreater(numpy.ptp(expected), 1e-3, "all batches look alike: nothing was compared")
                self.assertEqual(resets > 0, "train__reset_state" in settings)

    def test_parts_are_the_lanes_of_ranks(self):
        whole = list(self.lanes(steps=30))
        parts = [list(self.lanes(steps=30, part=part, parts=3)) for part in range(3)]
        for batch, *shares in zip(whole, *parts):
            for name in ("inputs", "targets", "fresh"):
                self.assertTrue(torch.equal(getattr(batch, name), torch.cat([getattr(share, name) for share in shares])))
        with self.refused("12", "5"):
            self.lanes(parts=5)
        with self.refused("part 3 of 3"):
            self.lanes(part=3, parts=3)

    def test_inputs_and_targets(self):
        text = self.corpus.decode(self.corpus["train"][:])
        batch = next(iter(self.lanes(random_offset=False)))
        self.assertEqual((batch.inputs.dtype, batch.inputs.shape, batch.targets.shape), (torch.int64, (12, 20), (12, 20)))
        self.assertTrue(torch.equal(batch.inputs[:, 1:], batch.targets[:, :-1]))
        for lane in range(12):
            self.assertIn(self.corpus.decode(torch.cat([batch.inputs[lane, :1], batch.targets[lane]])), text)
        self.assertTrue(batch.fresh.all())

    def test_epochs_steps_and_positions(self):
        lanes = self.lanes(epochs=2)
        batches = list(lanes)
        self.assertEqual(len(batches), len(lanes))
        self.assertEqual(lanes.position[0], 2)
        part = self.lanes(steps=50)
        first = list(part)
        rest = list(self.lanes(start=part.position, steps=len(batches) - 50))
        for batch, expected in zip(first + rest, batches, strict=True):
            self.assertTrue(torch.equal(batch.inputs, expected.inputs))
        self.assertTrue(torch.equal(next(iter(part)).inputs, batches[0].inputs), "each iteration begins at the start")
        with self.assertRaises(TypeError):
            len(self.lanes())
        others = list(self.lanes(steps=5, seed=4))
        self.assertFalse(all(torch.equal(a.inputs, b.inputs) for a, b in zip(others, batches)))

    def test_data_loader(self):
        lanes = self.lanes(steps=10)
        for batch, expected in zip(torch.utils.data.DataLoader(lanes, batch_size=None), lanes, strict=True):
            self.assertIsInstance(batch, charrnn.Batch)
            self.assertTrue(torch.equal(batch.targets, expected.targets))
        with self.assertRaisesRegex(charrnn.InputError, "num_workers=0"):
            next(iter(torch.utils.data.DataLoader(lanes, batch_size=None, num_workers=1)))

    def test_what_cannot_be_read(self):
        for given, words in (({"batch_size": 10**6}, ["batch_size"]), ({"batch_size": 0}, ["batch_size", "0"]),
                             ({"sampling": "shuffled"}, ["sampling", "sequential or random"]),
                             ({"sequence_length": [40, 10]}, ["smaller"]), ({"sequence_length": 2.5}, ["2.5"]),
                             ({"steps": 3, "epochs": 1}, ["one of them"]), ({"split": "test"}, ["no split test"])):
            with self.subTest(**given), self.refused(*words):
                self.lanes(**given)
        with self.assertRaisesRegex(charrnn.Error, "position"):
            self.lanes(start=(0, 0, 7))

    def test_a_forked_process_is_refused_and_does_not_hang(self):
        code = ("import os, sys, charrnn\n"
                "batches = iter(charrnn.Lanes(sys.argv[1], batch_size=2, sequence_length=5))\n"
                "next(batches)\n"
                "child = os.fork()\n"
                "if child == 0:\n"
                "  try:\n    next(batches)\n"
                "  except charrnn.InputError as problem:\n    print('refused:', problem, flush=True)\n"
                "  del batches\n  os._exit(7)\n"
                "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))")
        process = in_python(code, self.corpus.path)
        self.addCleanup(process.kill)
        out, errors = process.communicate(timeout=60)
        self.assertRegex(out, r"refused: these lanes were opened in another process.*\n7\n", errors)


class MetricsTest(PackageTest):
    def test_lines_become_rows(self):
        frame = charrnn.metrics(self.run_folder)
        written = [json.loads(line) for line in (self.run_folder / "metrics.jsonl").read_text("utf-8").splitlines()]
        self.assertEqual(frame["kind"].tolist(), [line["kind"] for line in written])
        train = charrnn.metrics(self.run_folder / "metrics.jsonl", "train")
        expected = lines(self.run_folder, "train")
        self.assertEqual(list(train.columns), list(expected[0]))
        self.assertEqual(train["loss_nats"].tolist(), [line["loss_nats"] for line in expected])
        self.assertEqual(len(charrnn.metrics(self.run_folder, "nothing")), 0)

    def test_what_is_no_run(self):
        with self.refused("cannot be read"):
            charrnn.metrics(self.folder / "nowhere")
        file = self.folder / "metrics.jsonl"
        file.write_text('{"kind":"train","step":1}\n{"kind":"train","st', encoding="utf-8")
        self.assertEqual(charrnn.metrics(file)["step"].tolist(), [1])
        file.write_text('{"kind":"train","step":1}\nstep 2\n', encoding="utf-8")
        with self.assertRaisesRegex(charrnn.Error, "line 2"):
            charrnn.metrics(file)

    def test_without_pandas(self):
        done = in_python("import sys; sys.modules['pandas'] = None; import charrnn; charrnn.metrics(sys.argv[1])",
                         self.run_folder)
        self.assertIn("charrnn.metrics needs pandas: pip install pandas", done.communicate()[1])


class NotebookTest(PackageTest):
    def test_its_cells_run(self):
        """In a folder with a run as launch/quickstart.sh makes it, but small."""
        folder = self.folder / "notebook"
        folder.mkdir()
        (folder / "runs").mkdir()
        (folder / "corpora").mkdir()
        (folder / "runs" / "quickstart").symlink_to(self.run_folder)
        (folder / "corpora" / "tiny_shakespeare").symlink_to(self.corpus.path)
        notebook = json.loads((ROOT / "python" / "examples" / "quickstart.ipynb").read_text(encoding="utf-8"))
        cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
        self.assertGreater(len(cells), 4)
        for cell in notebook["cells"]:
            self.assertEqual(cell.get("outputs", []), [], "outputs are not kept: clear them")
        process = in_python("\n".join(cells), cwd=folder, env=dict(os.environ, CHARRNN_FOLDER=str(folder)))
        out, errors = process.communicate(timeout=300)
        self.assertEqual(process.returncode, 0, out + errors)
        self.assertIn("bits per character", out)


if __name__ == "__main__":
    unittest.main()
