"""charrnn_bench and bench/bench.py: results are checked and wrong ones are shown. Times are never asserted."""

import argparse
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree
from contextlib import redirect_stdout
from unittest import mock

import torch

from charrnn_cli import BIN, ROOT, environment, run

sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "bench" / "reference")]
import bench  # noqa: E402
import data  # noqa: E402
import model_speed  # noqa: E402
import pages  # noqa: E402
import picture  # noqa: E402
import ranks as rank_cases  # noqa: E402
import scaling  # noqa: E402
import shakespeare  # noqa: E402

# Sizes that all differ, and the shortest possible rounds.
SHAPE = {"embedding": 5, "hidden": 7, "layers": 2, "vocabulary": 11, "batch": 6, "length": 3}
SHORT = ["--rounds", 1, "--seconds", 0.01]


def words(options):
    return [word for name, value in options.items() for word in (f"--{name}", value)]


class ToolTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="charrnn-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def bench(self, *arguments, ranks=0, code=0):
        done = run("charrnn_bench", *arguments, ranks=ranks)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def json(self, *arguments, ranks=0, code=0):
        return json.loads(self.bench(*arguments, "--json", ranks=ranks, code=code).stdout)


class ModelTest(ToolTest):
    def torch_losses(self, options, count, kind=model_speed.Training):
        defaults = {"folder": self.folder, "shard": None, "cell": "lstm", "input": "embedding", "processes": 1,
                    "rate": 0.002, "clip": 1.0, "device": "cpu", "precision": "fp32", "dropout": 0.0, "optimizer": "adam"}
        torch.set_num_threads(1)
        training = kind(argparse.Namespace(**defaults | options), 0)
        return [training.step().item() for _ in range(count)]

    def test_the_losses_are_pytorchs(self):
        # 110 steps: a random text has 100, then it begins again, and the lanes start from zero state.
        for other in ({}, {"cell": "gru", "layers": 1}, {"cell": "rnn_tanh", "input": "one_hot"}):
            for ranks in (0, 2):
                with self.subTest(ranks=ranks, **other):
                    options = SHAPE | other | {"rate": 0.02}
                    report = self.json("model", *words(options), *SHORT, "--losses", 110, "--keep", self.folder,
                                       ranks=ranks)
                    self.assertTrue(report["right"])
                    self.assertEqual(report["ranks"], ranks or 1)
                    theirs = self.torch_losses(options, 110)
                    self.assertLess(bench.difference(report["losses"], theirs), 1e-5)
                    self.assertLess(sum(theirs[-20:]), 0.98 * sum(theirs[:20]), "there is something to learn")

    def test_precisions(self):
        exact = self.json("model", *words(SHAPE), *SHORT, "--losses", 8, "--keep", self.folder)["losses"]
        # LibTorch's LSTM has no fp16 on the CPU in Python.
        for precision, cell in (("bf16", "lstm"), ("fp16", "gru"), ("tf32", "lstm")):
            with self.subTest(precision=precision):
                options = SHAPE | {"cell": cell}
                report = self.json("model", *words(options), *SHORT, "--losses", 8, "--precision", precision, "--keep",
                                   self.folder)
                self.assertTrue(report["right"])
                self.assertEqual((report["precision"], report["device"]), (precision, "cpu"))
                theirs = self.torch_losses(options | {"precision": precision}, 8)
                self.assertLess(bench.difference(report["losses"], theirs), bench.GPU_LOSS_TOLERANCE[precision])
                if precision == "bf16":
                    self.assertNotEqual(report["losses"], exact)
        done = self.bench("model", *words(SHAPE), *SHORT, "--losses", 8, "--check", 8, "--precision", "bf16", "--tolerance",
                          1e-6, code=1)
        self.assertIn("do NOT agree with those of LibTorch's layers: WRONG in fp32", done.stdout)

    def test_dropout(self):
        # The layers of LibTorch that losses are compared with have the same masks.
        plain = self.json("model", *words(SHAPE), *SHORT)
        dropped = self.json("model", *words(SHAPE), *SHORT, "--dropout", 0.4)
        self.assertTrue(dropped["right"])
        self.assertNotEqual(plain["losses"], dropped["losses"])
        self.bench("model", *words(SHAPE), *SHORT, "--keep", self.folder)
        self.assertNotEqual(self.torch_losses(SHAPE, 3), self.torch_losses(SHAPE | {"dropout": 0.4}, 3))

    def test_the_step_of_a_graph_is_the_same(self):
        # The tensors keep their memory; on the CPU the step runs without a graph. 110: beyond the end of the text. Without
        # autocast's cache, gradients of rounded weights are added in fp32 on the CPU.
        for other, tolerance in (({}, 0), ({"cell": "gru", "optimizer": "sgd"}, 0), ({"cell": "gru", "precision": "bf16"}, 5e-3),
                                 ({"cell": "rnn_tanh", "precision": "fp16"}, 2e-3)):
            with self.subTest(**other):
                self.bench("model", *words(SHAPE), "--cell", other.get("cell", "lstm"), *SHORT, "--keep", self.folder)
                eager, graph = (self.torch_losses(SHAPE | other, 110, kind)
                                for kind in (model_speed.Training, model_speed.GraphTraining))
                self.assertLessEqual(bench.difference(graph, eager), tolerance)

    def test_variants_of_pytorch(self):
        self.bench("model", *words(SHAPE), *SHORT, "--keep", self.folder)
        script = [sys.executable, ROOT / "bench/reference/model_speed.py", self.folder, *words(SHAPE), *SHORT, "--json"]
        for more, variant in ((("--precision", "bf16", "--variant", "best"), "autocast"), (("--variant", "graph"), "graph")):
            done = subprocess.run([str(word) for word in [*script, *more]], env=environment(), capture_output=True, text=True,
                                  check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            report = json.loads(done.stdout)
            self.assertEqual((report["variant"], list(report["variants"]), report["failed"]), (variant, [variant], {}))
        if not torch.cuda.is_available():
            done = subprocess.run([str(word) for word in [*script, "--device", "cuda"]], env=environment(),
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 77, done.stderr)

    def test_two_processes_of_pytorch_are_one(self):
        self.bench("model", *words(SHAPE), *SHORT, "--keep", self.folder)
        script = [sys.executable, ROOT / "bench/reference/model_speed.py", self.folder, *words(SHAPE), *SHORT, "--json",
                  "--losses", 8, "--processes", 2]
        done = subprocess.run([str(word) for word in script], env=environment(), capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLess(bench.difference(json.loads(done.stdout)["losses"], self.torch_losses(SHAPE, 8)), 1e-5)

    def test_what_it_counts(self):
        report = self.json("model", *words(SHAPE), *SHORT)
        model = scaling.Model(vocabulary=11, embedding=5, hidden=7, layers=2)
        self.assertEqual(report["parameters"], scaling.parameters(model))
        self.assertEqual(report["layer_flop"] + report["head_flop"], scaling.flop(model))
        self.assertGreater(report["peak_bytes"], report["start_bytes"])
        self.assertLessEqual({"exchange", "clip and update"}, set(report["part_seconds"]))
        gates = {"lstm": 4, "gru": 3, "rnn_tanh": 1}
        for cell, count in gates.items():  # one layer: only its recurrent product, 6 G H H
            report = self.json("model", *words(SHAPE | {"layers": 1, "cell": cell}), *SHORT)
            self.assertEqual(report["layer_flop"], 6 * count * 7 * 7)

    def test_the_users_own_corpus(self):
        text = self.folder / "text.txt"
        text.write_text("she sells sea shells on the sea shore " * 50, encoding="utf-8")
        config = self.folder / "config.yaml"
        config.write_text(f"corpus: {{sources: [{text}], output: {self.folder}/corpus}}\n", encoding="utf-8")
        self.assertEqual(run("charrnn_preprocess", config).returncode, 0)
        report = self.json("model", *words(SHAPE), *SHORT, "--corpus", self.folder / "corpus", "--keep", self.folder)
        self.assertIn("V 10", report["model"])  # its letters and the blank
        options = SHAPE | {"vocabulary": 10, "shard": self.folder / "corpus/train-00000.h5"}
        self.assertLess(bench.difference(report["losses"], self.torch_losses(options, 5)), 1e-5)

    def test_a_wrong_answer_is_code_1(self):
        # Two orders of addition do not agree bit for bit in each of forty steps.
        done = self.bench("model", *words(SHAPE), *SHORT, "--losses", 40, "--check", 40, "--tolerance", 0, code=1)
        self.assertIn("do NOT agree with those of LibTorch's layers: WRONG", done.stdout)

    def test_mistakes_are_code_2(self):
        self.assertIn("--cell", self.bench("model", "--cell", "nonsense", code=2).stderr)
        self.assertIn("--precision", self.bench("model", "--precision", "int8", code=2).stderr)
        self.assertIn("--dropout", self.bench("model", "--dropout", 1, code=2).stderr)
        self.assertIn("use 32 or 34", self.bench("model", "--batch", 33, "--hidden", 7, ranks=2, code=2).stderr)


class RanksTest(ToolTest):
    def test_sums_are_right(self):
        for ranks in (0, 1, 2, 3, 9):  # above 8 ranks bf16 rounds
            with self.subTest(ranks=ranks):
                report = self.json("comm", "--rounds", 1, "--most", 1 << 16, ranks=ranks)
                self.assertTrue(report["right"])
                self.assertEqual(report["ranks"], ranks or 1)
                self.assertEqual([(case["type"], case["bytes"]) for case in report["cases"]],
                                 [(kind, 1 << bits) for kind in ("fp32", "bf16", "fp16") for bits in (10, 12, 14, 16)])

    @unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "two ranks of one core each need two cores")
    def test_scaling(self):
        report = self.scaling()
        self.assertEqual([(case["ranks"], case["work"], case["batch"]) for case in report["cases"]],
                         [(1, "weak", 6), (2, "weak", 12), (2, "strong", 6)])
        self.assertEqual(report["cases"][0]["ratios"], [1])
        self.assertEqual(report["parameters"], 983)  # tests/end_to_end/scaling_test.py has the sum

    @unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "two ranks of one core each need two cores")
    def test_the_message_of_mpirun_is_shown(self):
        with self.assertRaisesRegex(pages.Failure, "(?s)ended with code .* mpirun .*--batch 3 .*use 2 or 4"):
            self.scaling(batch=3)

    def scaling(self, batch=6):
        """ranks.py's report of one and two ranks."""
        options = [*words({name: value for name, value in SHAPE.items() if name != "batch"}), "--seconds", 0.01]
        with redirect_stdout(io.StringIO()):
            return rank_cases.measure(options, 1, (1, 2), batch, environment(PATH=f"{BIN}:{os.environ['PATH']}"))


class DataTest(ToolTest):
    def test_it_counts_characters(self):
        text = self.folder / "text.txt"
        text.write_text("\ufeff" + "jabłko 詞 🍎\n" * 200, encoding="utf-8")  # each often enough for the vocabulary
        report = self.json("data", text, "--rounds", 1)
        self.assertTrue(report["right"])
        self.assertEqual((report["characters"], report["expected_characters"]), (2201, 2201))
        self.assertIn("expected a text file", self.bench("data", self.folder / "nothing.txt", code=2).stderr)

    def test_a_wrong_count_is_shown(self):
        text = self.folder / "text.txt"
        text.write_text("four", encoding="utf-8")
        iconv, other = (data.Case(name, text, 4) for name in ("iconv", "other"))
        iconv.add(1, 1, 4)
        other.add(0.5, 0.5, 3)
        self.assertTrue(iconv.row(iconv).endswith("| 1.00x | right |"))
        self.assertTrue(other.row(iconv).endswith("| 2.00x | WRONG: 3, not 4 |"))

    def test_a_repeated_text_ends_with_a_whole_character(self):
        self.assertEqual([data.beginning("a詞b".encode(), most) for most in range(7)],
                         [text.encode() for text in ("", "a", "a", "a", "a詞", "a詞b", "a詞b")])


# What the programs would print, for tests of the page.
OURS = {"characters_per_second": 300.0, "share_of_sgemm": 0.5, "peak_bytes": 4e8, "start_bytes": 1e8, "losses": [2.0, 1.0]}
THEIRS = {"characters_per_second": 200.0, "peak_bytes": 6e8, "start_bytes": 5e8, "losses": [2.0, 1.0]}


class ShakespeareTest(unittest.TestCase):
    def test_seconds_are_those_of_training_alone(self):
        def train(step, characters, speed, loss):
            return {"kind": "train", "step": step, "characters": characters, "characters_per_second": speed, "loss_nats": loss}

        metrics = [train(5, 1000, 500, 3.0), train(10, 2000, 250, 2.5), {"kind": "valid", "step": 10, "loss_nats": 2.6},
                   {"kind": "checkpoint", "step": 10}]
        self.assertEqual(shakespeare.curves(metrics), ([(2, 3.0), (6, 2.5)], [(6, 2.6)], 2000))
        with self.assertRaisesRegex(pages.Failure, "multiple of train.log_every"):
            shakespeare.curves([*metrics, {"kind": "valid", "step": 12, "loss_nats": 2.6}])


class PictureTest(unittest.TestCase):
    LINES = [{"kind": "sample", "step": 0, "prefix": "A", "temperature": 0.5, "text": "before the first step"},
             *({"kind": kind, "step": step, "loss_nats": 10 / step}
               for step in (5, 10, 20, 40) for kind in ("train", "valid")),
             *({"kind": "sample", "step": step, "prefix": prefix, "temperature": temperature,
                "text": f" step {step}, it's\n\n`date` $x \\n {{a}}_b"}
               for step in (10, 20, 40) for prefix in ("\n\nA:", "B:") for temperature in (0.5, 1.0))]
    BASELINES = {"unigram_bits": 4.0, "bigram_bits": 3.0}

    def test_what_is_drawn(self):
        run = picture.run_of(self.LINES, self.BASELINES)
        self.assertEqual(run.train, [(5, 2.0), (10, 1.0), (20, 0.5), (40, 0.25)])
        self.assertEqual([(sample.step, sample.prefix) for sample in run.samples],
                         [(10, "\n\nA:"), (20, "\n\nA:"), (40, "\n\nA:")])
        self.assertAlmostEqual(run.unigram, 2.772588722)  # ln 16
        self.assertEqual(len(picture.three([*run.samples[:1], *run.samples[-1:]])), 2)
        with self.assertRaisesRegex(pages.Failure, "samples, found 4, 4 and 0"):
            picture.run_of([line for line in self.LINES if line["kind"] != "sample"], self.BASELINES)

    def test_texts_are_drawn_as_they_are(self):
        with tempfile.TemporaryDirectory() as folder:
            output = pathlib.Path(folder) / "it's.svg"
            picture.draw(picture.run_of(self.LINES, self.BASELINES), "charrnn 1 <a>", output)
            drawn = xml.etree.ElementTree.parse(output)
        texts = ["".join(element.itertext()) for element in drawn.iter() if element.tag.endswith("}text")]
        self.assertIn("A: step 20, it's", texts)
        self.assertIn("`date` $x \\n {a}_b", texts)
        self.assertIn("2.77  letter frequencies alone (unigram)", texts)


class PageTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.page = pathlib.Path(folder.name) / "page.md"
        self.page.write_text("before\n<!-- training: bench/bench.sh -->\n| model | x |\n| --- | --- |\n| another | 1 |\n"
                             "<!-- end of training -->\nafter\n", encoding="utf-8")
        self.enterContext(mock.patch.object(bench, "PAGE", self.page))
        self.enterContext(mock.patch.object(bench, "THREADS", 2))
        self.commands = []

    def training(self, ours=None, theirs=None, judges=True, rounds=1, name="lstm-512"):
        """The row of the page, from what the programs print: `theirs` has PyTorch's results by a part of the command."""
        made = bench.Bench(bench.FULL._replace(rounds=rounds), judges=judges)

        def run_nothing(command):
            line = " ".join(str(word) for word in command)
            self.commands.append(line)
            if line.startswith("charrnn_bench"):
                return OURS | (ours or {})
            return THEIRS | next((result for part, result in (theirs or {}).items() if part in line), {})

        made.run = run_nothing
        with redirect_stdout(io.StringIO()):
            made.training(name)
        self.missed = made.missed
        return [line for line in self.page.read_text(encoding="utf-8").split("\n") if line.startswith("| LSTM")][0].split(" | ")

    def test_rows_of_other_cases_are_kept(self):
        self.training()
        self.training()
        text = self.page.read_text(encoding="utf-8")
        self.assertEqual(text.count("| another | 1 |\n"), 1)
        self.assertEqual(text.count("| LSTM, E 128"), 1)
        self.assertTrue(text.startswith("before\n") and text.endswith("after\n"))

    def test_a_missed_target_is_bold(self):
        row = self.training()
        self.assertEqual(row[4:6], ["1.50", "1.4"])
        self.assertEqual(row[6:8], ["**50 %, missed**", "70 %"])
        self.assertEqual(self.missed, ["lstm-512, share of sgemm: 50 %"])
        row = self.training({"characters_per_second": 270.0, "share_of_sgemm": 0.71})
        self.assertEqual(row[4:8], ["**1.35, missed**", "1.4", "71 %", "70 %"])

    def test_losses_that_differ_are_missed(self):
        row = self.training(theirs={"--threads 2": {"losses": [2.0, 1.01]}})
        self.assertEqual(row[9], "**2, to 1e-02, missed**")
        self.assertEqual(self.training()[9], "2, to 0e+00")

    def test_memory(self):
        self.training(name="chinese")
        self.assertIn("chinese, memory: 400 of 600 (before the model 100 and 500)", self.missed)
        self.training({"peak_bytes": 2.9e8}, name="chinese")
        self.assertEqual(self.missed, [])

    def test_a_quick_run_judges_nothing(self):
        row = self.training(judges=False)
        self.assertEqual(row[6], "50 %")
        self.assertIn("one short round", row[10])
        self.assertEqual(self.missed, [])

    def gpu_rows(self, ours=None, theirs=None, name="gpu-1024"):
        made = bench.Bench(bench.FULL._replace(rounds=1), judges=True, device="cuda")
        found = {"variant": "graph", "variants": {"graph": 200.0, "eager": 150.0}, "failed": {}, "device": "NVIDIA H100"}

        def run_nothing(command):
            self.commands.append(" ".join(str(word) for word in command))
            return OURS | (ours or {}) if command[0] == "charrnn_bench" else THEIRS | found | (theirs or {})

        made.run = run_nothing
        self.page.write_text("<!-- gpus: bench/bench.sh -->\n| model |\n| --- |\n<!-- end of gpus -->\n", encoding="utf-8")
        with redirect_stdout(io.StringIO()):
            made.gpu_training(name)
        self.missed = made.missed
        return [line.split(" | ") for line in self.page.read_text(encoding="utf-8").split("\n") if ", fp16" in line
                or ", tf32" in line or ", bf16" in line]

    def test_gpus(self):
        rows = self.gpu_rows({"characters_per_second": 240.0})
        self.assertEqual([row[0].rsplit(" ", 1)[1] for row in rows], ["tf32", "bf16", "fp16"])
        self.assertEqual(rows[0][1:9], ["240", "200 graph", "150 eager", "1.20", "1.0", "2, to 0e+00", "–", "NVIDIA H100"])
        self.assertEqual(self.missed, ["gpu-1024, fp16, times PyTorch: 1.20"], "two layers in fp16: 1.3 times")
        self.assertTrue(all("--device cuda" in line for line in self.commands))
        self.assertEqual(len(self.commands), 6)
        self.gpu_rows({"losses": [2.0, 1.003]}, name="gpu-small")
        self.assertEqual(self.missed, [f"gpu-small, {kind}, losses: 2, to 3e-03" for kind in ("tf32", "fp16")])
        rows = self.gpu_rows({"losses": [2.0, 1.5]}, {"failed": {"graph": "out of memory"}}, name="gpu-gutenberg")
        self.assertEqual(rows[0][6], "other masks")
        self.assertIn("graph fails: out of memory", rows[0][3])
        rows = self.gpu_rows({"characters_per_second": 134424.0}, name="gpu-d2l")
        self.assertEqual(rows[0][7], "67,212 (2.00 times)")

    def test_gpu_cases_run(self):
        # On the CPU instead of a GPU, in one precision, with tiny sizes.
        small = bench.GpuTraining("small", bench.options(**SHAPE))
        made = bench.Bench(bench.QUICK._replace(seconds=0.01), judges=False, device="cpu")
        made.environment |= environment(PATH=f"{BIN}:{os.environ['PATH']}")
        self.page.write_text("<!-- gpus: bench/bench.sh -->\n<!-- end of gpus -->\n", encoding="utf-8")
        with (mock.patch.object(bench, "PRECISIONS", ["bf16"]), mock.patch.dict(bench.GPU_TRAINING, {"gpu-small": small}),
              redirect_stdout(io.StringIO())):
            made.gpu_training("gpu-small")
        row = self.page.read_text(encoding="utf-8").split("\n")[3].split(" | ")
        self.assertEqual(row[0], "| small, bf16")
        self.assertRegex(row[6], r"3, to \de-0\d")

    def test_pytorch_at_its_best(self):
        fast = {"characters_per_second": 250.0}
        row = self.training(theirs={"--threads 1": fast}, rounds=3)
        self.assertTrue(row[2].endswith("with 1 thread"), row[2])
        self.assertEqual(row[4], "**1.20 (1.20..1.20), missed**")
        self.assertIn("2 threads", row[3])
        # In turns; after the first round, without those that are much slower than the best.
        kinds = [next(kind for kind in ("charrnn_bench", "--threads 2", "--threads 1", "--processes 2") if kind in line)
                 for line in self.commands]
        self.assertEqual(kinds, ["charrnn_bench", "--threads 2", "--threads 1", "--processes 2"]
                         + ["charrnn_bench", "--threads 1"] * 2)
        self.assertTrue(all(f"--losses {bench.LOSSES}" in line for line in self.commands[:2]))
        self.assertTrue(all(f"--losses {bench.FEW_LOSSES}" in line for line in self.commands[2:]))

    def test_tables_are_of_a_commit(self):
        for changed, asked, quick, expected in (([], True, True, True), ([], False, False, True), ([], False, True, False),
                                                (["src/a.cpp"], False, False, False), (["src/a.cpp"], False, True, False)):
            with self.subTest(changed=changed, asked=asked, quick=quick), redirect_stdout(io.StringIO()) as shown:
                with mock.patch.object(pages, "changed_files", lambda changed=changed: changed):
                    self.assertEqual(pages.may_write(asked, quick), expected)
                    self.assertEqual(pages.commit().endswith("*"), bool(changed))
                self.assertEqual("src/a.cpp" in shown.getvalue(), bool(changed) and not quick)
        with (mock.patch.object(pages, "changed_files", lambda: ["src/a.cpp", "b"]),
              self.assertRaisesRegex(pages.Failure, r"found 2 changed files \(src/a.cpp, b\): commit or stash them")):
            pages.may_write(True, True)
        measured = self.page.parent / "ranks.json"
        measured.write_text('{"commit": "1234567*"}', encoding="utf-8")
        with mock.patch.object(scaling, "MEASURED", measured), self.assertRaisesRegex(pages.Failure, "found 1234567"):
            scaling.main()

    def test_a_page_without_the_table(self):
        self.page.write_text("nothing\n", encoding="utf-8")
        with self.assertRaisesRegex(pages.Failure, "expected the lines '<!-- training: bench/bench.sh -->'"):
            self.training()

    def test_the_pages_have_all_tables(self):
        # Writing no new rows leaves the tables unchanged.
        text = (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8")
        for table in bench.Bench.HEADS:
            self.assertEqual(text.count(f"<!-- {table}: bench/bench.sh -->\n"), 1, table)
            self.assertEqual(text.count(f"<!-- end of {table} -->"), 1, table)
        copy = self.page.parent / "scaling.md"
        shutil.copy(ROOT / "docs/scaling.md", copy)
        measured = {"machine": "here",
                    "scaling": {"parameters": 1000, "cases": [
                        {"ranks": ranks, "work": "weak", "batch": 8 * ranks, "step_seconds": 1.0, "update_seconds": 0.1,
                         "exchange_seconds": 0.0, "ratio": 1.9} for ranks in (1, 2)]},
                    "comm": {"ranks": 2, "cases": [{"type": "fp32", "bytes": size, "seconds": size / 1e6}
                                                   for size in (1024, 65536)]}}
        with mock.patch.object(scaling, "PAGE", copy):
            scaling.write_page(measured)
        text = copy.read_text(encoding="utf-8")
        self.assertIn("| sum of 64 KiB, ms | 65.5 | 65.5 |", text)
        # 4,000 bytes in 4 ms, in addition to a second of work that does not change
        self.assertIn("| weak scaling: times the speed of one rank | 1.99 | 1.90 |", text)


if __name__ == "__main__":
    unittest.main()
