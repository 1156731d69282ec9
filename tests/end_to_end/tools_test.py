"""The output of the tools, and the installed tools."""

import json
import math
import os
import re
import resource
import shutil
import subprocess
import unittest

from charrnn_cli import BIN, TIME_MACHINE, ToolTest, command, environment, lines, run


class ToolsTest(ToolTest):
    def test_periods_in_epochs(self):
        # 40 lanes x 140 characters: one step per shard, 29 per epoch.
        folder = self.train(train__batch_size=40, train__sequence_length=140, train__epochs=3, train__steps="none",
                            evaluate__every="1 epochs", sample__every="1.5 epochs", checkpoint__every="0.5 epochs",
                            checkpoint__keep=100, sample__temperatures="[1.0]")
        self.assertEqual([line["epoch"] for line in lines(folder, "valid")], [1, 2, 3])
        epochs = [line["epoch"] for line in lines(folder, "sample")]
        self.assertEqual([epochs[0], epochs[2]], [0, 3])
        self.assertTrue(1.5 <= epochs[1] < 1.55, epochs)
        halves = [line["epoch"] for line in lines(folder, "checkpoint")]
        self.assertEqual(sorted({int(2 * epoch) for epoch in halves}), [1, 2, 3, 4, 5, 6])

    def test_the_average_of_the_weights(self):
        settings = {"train__steps": 40, "train__average_decay": 0.9, "evaluate__every": 40}
        last = self.train("last", **settings)
        average = self.train("average", evaluate__weights="average", sample__weights="average", sample__every=40, **settings)
        self.assertEqual([line["loss_nats"] for line in lines(last, "train")],
                         [line["loss_nats"] for line in lines(average, "train")], "training is the same")
        shown = [json.loads(self.succeed("charrnn_eval", run, "--json", *more).stdout)["loss_nats"]
                 for run, more in ((last, []), (average, []), (last, ["--set", "evaluate.weights=average"]))]
        self.assertEqual(shown[1], lines(average, "valid")[-1]["loss_nats"])
        self.assertEqual(shown[1], shown[2])
        self.assertNotEqual(shown[0], shown[1])
        texts = [self.succeed("charrnn_sample", run, "--greedy", "-n", 40, *more).stdout
                 for run, more in ((last, []), (average, []), (last, ["--average"]))]
        self.assertEqual(texts[1], texts[2])
        self.refuse(2, "train.average_decay", evaluate__weights="average")

    def test_a_profile_at_the_end_and_at_a_stop(self):
        for more in ([], ["--max-steps", 6]):
            done = self.succeed("charrnn_train", self.config, *more, train__profile="true",
                                run__output=self.folder / f"p{len(more)}")
            for part in ("read", "forward", "head and loss", "backward", "exchange", "clip and update", "whole step"):
                self.assertRegex(done.stdout, rf"(?m)^{part} +\d+\.\d+ +\d+\.\d %$")

    @unittest.skipIf(BIN.parent.name in ("asan", "tsan"), "a sanitizer needs additional memory")
    def test_dry_run_estimates_the_memory_of_training(self):
        # Within a tenth of the peak of a run whose memory is large compared with the program's own.
        large = {"model__hidden_size": 512, "train__batch_size": 48, "train__sequence_length": 96, "train__steps": 4,
                 "run__output": self.folder / "large"}
        sizes = self.succeed("charrnn_train", self.config, "--dry-run", **large).stdout
        said = re.search(r"memory per rank +about ([\d,]+) MB", sizes)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        self.succeed("charrnn_train", self.config, **large)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        self.assertGreater(peak, before, "an earlier process was larger: nothing was measured")
        self.assertAlmostEqual(int(said[1].replace(",", "")) / (peak * 1024 / 1e6), 1, delta=0.1)

    def test_text_with_nul_characters(self):
        (self.folder / "posts.jsonl").write_text('{"text": "ab\\u0000cd ab\\u0000cd\\n"}\n' * 300)
        settings = {"corpus__sources": self.folder / "posts.jsonl", "corpus__output": self.folder / "nul"}
        self.succeed("charrnn_preprocess", self.config, **settings)
        run = self.train(train__steps=30, sample__every=30, sample__prefixes='["a"]', **settings)
        (self.folder / "prefix").write_bytes(b"ab\0c")
        written = self.succeed("charrnn_sample", run, "--prefix-file", self.folder / "prefix", "-n", 300).stdout
        self.assertEqual((len(written), written[:4]), (305, "ab\0c"))  # prefix, 300 characters, line end
        both = self.succeed("charrnn_sample", run, "--prefix", "a", "-n", 300, "--count", 2).stdout
        self.assertGreaterEqual(len(both), 604)
        self.assertIn("\0", (run / "samples.txt").read_text() + both)

    def test_prefixes_are_cleaned_as_the_corpus_was(self):
        settings = {"corpus__lower_case": "true", "corpus__output": self.folder / "lower"}
        self.succeed("charrnn_preprocess", self.config, **settings)
        # The recipe comes from the corpus, so the run's config need not have it.
        done = self.succeed("charrnn_train", self.config, train__steps=2, sample__every=2, corpus__output=self.folder / "lower")
        self.assertIn('"The " of sample.prefixes is cleaned as the corpus was (lower_case): "the "', done.stderr)
        self.assertEqual({line["prefix"] for line in lines(self.folder / "run", "sample")}, {"the "})
        run = self.folder / "run"
        done = self.succeed("charrnn_sample", run, "--prefix", "The Time ", "-n", 5)
        self.assertTrue(done.stdout.startswith("the time "))
        self.assertIn('--prefix is cleaned as the corpus was (lower_case): "the time "', done.stderr)
        same = self.succeed("charrnn_sample", run, "--prefix", "the time ", "-n", 5)
        self.assertEqual((same.stdout, same.stderr), (done.stdout, ""))
        (self.folder / "prefix").write_bytes(b"\xef\xbb\xbfThe\r\n")
        shown = self.succeed("charrnn_sample", run, "--prefix-file", self.folder / "prefix", "-n", 1).stdout
        self.assertTrue(shown.startswith("the\n"))
        self.refuse(2, "no 'é' (U+00E9) (character 4", "it has 'e' (U+0065)", "--unknown", tool="charrnn_sample",
                    arguments=[run, "--prefix", "Café"])

    @unittest.skipIf(BIN.parent.name in ("asan", "tsan"), "a sanitizer needs additional memory")
    def test_a_prefix_as_long_as_a_book(self):
        run = self.train(train__steps=1)
        shutil.copy(TIME_MACHINE, self.folder / "prefix")  # 180,000 characters
        peaks = []
        for prefix in ("--prefix=The ", f"--prefix-file={self.folder}/prefix"):
            words = ["/usr/bin/env", "python3", "-c",
                     "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, "
                     "stdout=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)",
                     str(BIN / "charrnn_sample"), str(run), prefix, "-n", "5"]
            peaks.append(int(subprocess.run(words, env=environment(), capture_output=True, text=True, check=True).stdout))
        self.assertLess(peaks[1] - peaks[0], 60_000)  # kB; all its activations would take 290,000

    def test_patience_ends_a_run_that_no_longer_improves(self):
        # With a rate of 0 the loss does not improve after the first value.
        folder = self.train(ranks=2, train__steps=100, train__optimizer__learning_rate=0, evaluate__every=5,
                            evaluate__patience=3)
        self.assertEqual([line["step"] for line in lines(folder, "valid")], [5, 10, 15, 20])
        self.assertEqual(lines(folder, "train")[-1]["step"], 20)
        again = self.succeed("charrnn_train", self.config, train__steps=100, train__optimizer__learning_rate=0,
                             evaluate__every=5, evaluate__patience=3)
        self.assertIn("evaluate.patience", again.stdout)
        self.assertEqual((folder / "checkpoints" / "latest").resolve().name, "step-000000020.safetensors")

    def test_all_tools_in_sequence(self):
        folder = self.train(ranks=2, train__steps=40, evaluate__every=20, sample__every=20, checkpoint__every=10,
                            checkpoint__keep=2)
        self.assertEqual({path.name for path in folder.iterdir()},
                         {"config.yaml", "vocabulary.json", "metrics.jsonl", "samples.txt", "checkpoints",
                          "events.out.tfevents.charrnn.0000000001", ".lock"})
        self.assertEqual(len(list((folder / "checkpoints").glob("step-*"))), 2)
        self.assertEqual((folder / "checkpoints" / "latest").resolve().name, "step-000000040.safetensors")
        for key in ("step", "epoch", "characters", "seconds", "loss_nats", "perplexity", "bits_per_character",
                    "learning_rate", "gradient_norm", "characters_per_second"):
            self.assertIn(key, lines(folder, "train")[0])
        self.assertEqual([line["step"] for line in lines(folder, "sample")], [0, 0, 20, 20, 40, 40])
        samples = (folder / "samples.txt").read_text(encoding="utf-8")
        self.assertEqual(samples.count("--- step"), 6)

        shown = self.succeed("charrnn_eval", folder)
        for word in ("nats", "perplexity", "bits per character", "unigram", "bigram", "valid"):
            self.assertIn(word, shown.stdout)
        value = json.loads(self.succeed("charrnn_eval", folder, "--json").stdout)
        self.assertAlmostEqual(value["loss_nats"], lines(folder, "valid")[-1]["loss_nats"], places=6)

        windows = json.loads(self.succeed("charrnn_eval", folder, "--json", "--mode", "windows", "--window", 8).stdout)
        self.assertEqual((value["mode"], value["window"]), ("carry", None))
        self.assertEqual((windows["mode"], windows["window"]), ("windows", 8))
        self.assertEqual(windows["characters"], value["characters"])
        self.assertNotEqual(windows["loss_nats"], value["loss_nats"])
        self.assertIn("windows of 8", self.succeed("charrnn_eval", folder, "--mode", "windows", "--window", 8).stdout)
        self.refuse(2, "--mode windows", tool="charrnn_eval", arguments=[folder, "--window", 8])

        text = self.succeed("charrnn_sample", folder, "--prefix", "The ", "-n", "30").stdout
        self.assertTrue(text.startswith("The "))
        self.assertEqual(len(text), len("The ") + 30 + 1)
        self.assertEqual(text, self.succeed("charrnn_sample", folder, "--prefix", "The ", "-n", "30").stdout)
        greedy = self.succeed("charrnn_sample", folder, "--prefix", "The ", "-n", "30", "--greedy").stdout
        self.assertEqual(greedy, self.succeed("charrnn_sample", folder, "--prefix", "The ", "-n", "30",
                                              "--temperature", "1e-7").stdout)
        piped = subprocess.run(command("charrnn_sample", folder, "--prefix-file", "-", "-n", "30"), input="The ",
                               env=environment(), capture_output=True, text=True, check=False)
        self.assertEqual(piped.stdout, text)
        several = self.succeed("charrnn_sample", folder, "--prefix", "The ", "-n", "30", "--temperature", "greedy,0.5",
                               "--json").stdout
        several = [json.loads(line) for line in several.splitlines()]
        self.assertEqual([line["temperature"] for line in several], [0, 0.5])
        self.assertEqual("The " + several[0]["text"] + "\n", greedy)

        for path, kind in ((folder, "run"), (folder / "checkpoints" / "latest", "checkpoint"),
                           (self.folder / "corpus", "corpus"), (self.folder / "corpus" / "valid-00000.h5", "shard")):
            self.assertEqual(json.loads(self.succeed("charrnn_inspect", path, "--json").stdout)["kind"], kind)
            self.assertGreater(len(self.succeed("charrnn_inspect", path).stdout), 100)

    def test_evaluated_from_another_folder(self):
        work = self.folder / "work"
        work.mkdir()
        shutil.copy(TIME_MACHINE, work / "text.txt")
        (work / "c.yaml").write_text(self.config.read_text(encoding="utf-8").replace(f"{self.folder}/", "")
                                     .replace(str(TIME_MACHINE), "text.txt").replace("output: run,", "output: runs/a/,"),
                                     encoding="utf-8")
        for tool in ("charrnn_preprocess", "charrnn_train"):
            done = run(tool, "c.yaml", "--set", "train.steps=2", cwd=work)
            self.assertEqual(done.returncode, 0, done.stderr)
        (self.folder / "link").symlink_to(work / "runs")
        for where in (work / "runs" / "a", self.folder / "link" / "a",
                      work / "runs" / "a" / "checkpoints" / "step-000000002.safetensors"):
            self.succeed("charrnn_eval", where)
        # A copy in another folder cannot find its corpus: the message has the path that was tried, and advice.
        shutil.copytree(work / "runs" / "a", self.folder / "copy", symlinks=True)
        self.refuse(2, "expected a preprocessed corpus in corpus (seen from", tool="charrnn_eval",
                    arguments=[self.folder / "copy"])
        self.succeed("charrnn_eval", self.folder / "copy", "--set", f"corpus.output={work}/corpus")

    def test_units_of_a_loss(self):
        # Two bytes for each of the 8 letters, one for the blank and the line end: 8 * 2 + 2 bytes, 10 characters.
        (self.folder / "text.txt").write_text("мама мыло\n" * 700, encoding="utf-8")
        corpus = {"corpus__sources": f"[{self.folder}/text.txt]", "corpus__unit": "byte", "sample__prefixes": "[]",
                  "corpus__output": self.folder / "bytes"}
        self.succeed("charrnn_preprocess", self.config, **corpus)
        folder = self.train("bytes-run", train__steps=4, evaluate__every=4, **corpus)
        value = json.loads(self.succeed("charrnn_eval", folder, "--json").stdout)
        self.assertEqual(value["unit"], "byte")
        self.assertAlmostEqual(value["bits_per_byte"], value["loss_nats"] / math.log(2))
        self.assertAlmostEqual(value["bits_per_character"] / value["bits_per_byte"], 1.8, places=1)
        shown = self.succeed("charrnn_eval", folder).stdout
        self.assertRegex(shown, r"loss  .* nats per byte\n")
        self.assertRegex(shown, r"bits per byte .* \(unigram")
        for kind in ("train", "valid"):
            self.assertIn("bits_per_byte", lines(folder, kind)[-1])
            self.assertNotIn("bits_per_character", lines(folder, kind)[-1])
        # The loss is per character: a byte has 10 / 18 of its bits.
        corpus["corpus__unit"] = "code_point"
        self.succeed("charrnn_preprocess", self.config, "--force", **corpus)
        folder = self.train("characters-run", train__steps=4, **corpus)
        value = json.loads(self.succeed("charrnn_eval", folder, "--json").stdout)
        self.assertAlmostEqual(value["bits_per_byte"] / value["bits_per_character"], 10 / 18, places=2)
        self.assertIsNone(value["bits_per_original_byte"], "the split is the tail of a file")

    def test_share_of_unknown_characters(self):
        # Of "abcab\n" the two most frequent characters are kept, a and b: c and the line end are <unk>, a third of the text.
        (self.folder / "text.txt").write_text("abcab\n" * 1000, encoding="utf-8")
        corpus = {"corpus__sources": f"[{self.folder}/text.txt]", "corpus__vocabulary__max_size": 3,
                  "sample__prefixes": "[]",
                  "corpus__output": self.folder / "small"}
        self.succeed("charrnn_preprocess", self.config, **corpus)
        done = self.succeed("charrnn_train", self.config, train__steps=4, evaluate__every=4, **corpus)
        self.assertIn("<unk> is 33.3 % of the text", done.stdout)
        self.assertRegex(done.stdout, r"valid .*33\.\d % of the targets are <unk>")
        folder = self.folder / "run"
        self.assertAlmostEqual(lines(folder, "valid")[-1]["unknown_share"], 1 / 3, places=2)
        value = json.loads(self.succeed("charrnn_eval", folder, "--json").stdout)
        self.assertAlmostEqual(value["unknown_share"], 1 / 3, places=2)
        self.assertRegex(self.succeed("charrnn_eval", folder).stdout, r"<unk> +33\.\d+ % of the targets")

    def test_settings_without_effect_are_pointed_out(self):
        corpus = {"corpus__output": self.folder / "whole", "corpus__split": "{valid: 0, test: 0}"}
        self.succeed("charrnn_preprocess", self.config, **corpus)
        done = self.succeed("charrnn_train", self.config, train__steps=1, evaluate__every=5, train__optimizer__alpha=0.9,
                            **corpus)
        self.assertIn("evaluate.every has no effect", done.stderr)
        self.assertIn("train.optimizer.alpha has no effect without", done.stderr)
        again = self.succeed("charrnn_train", self.config, train__steps=2, train__start_from="elsewhere", **corpus)
        self.assertIn("no effect, the run has its weights already", again.stdout)

    def test_help_and_version(self):
        for tool in ("preprocess", "train", "eval", "sample", "inspect"):
            self.assertIn("--help", self.succeed(f"charrnn_{tool}", "--help").stdout)
            self.assertIn("charrnn", self.succeed(f"charrnn_{tool}", "--version").stdout)
        self.assertIn("train.batch_size = 32", self.succeed("charrnn_train", "--help-config").stdout)

    def test_dry_run_creates_no_files(self):
        done = self.succeed("charrnn_train", self.config, "--dry-run", ranks=2)
        for word in ("parameters", "memory per rank", "2 ranks", "checkpoint", "lane length", "steps per epoch"):
            self.assertIn(word, done.stdout)
        self.assertFalse((self.folder / "run").exists())

    def test_fit_seconds_fixes_the_steps(self):
        run_folder = self.train("fitted", ranks=2, extra=["--fit-seconds", 4], train__steps="none")
        steps = len(lines(run_folder, "train"))
        config = (run_folder / "config.yaml").read_text(encoding="utf-8")
        self.assertIn(f"steps: {steps}\n", config)
        # The same run without timing, from the saved config.
        again = self.folder / "again"
        self.succeed("charrnn_train", run_folder / "config.yaml", ranks=2, run__output=again)
        self.assertEqual([line["loss_nats"] for line in lines(run_folder, "train")],
                         [line["loss_nats"] for line in lines(again, "train")])

    def test_warns_when_nothing_is_learnt(self):
        done = self.succeed("charrnn_train", self.config, train__steps=1001, train__log_every=100,
                            train__optimizer__learning_rate=1e-9, model__hidden_size=4)
        self.assertEqual(done.stderr.count("is not below the unigram baseline"), 1, done.stderr)

    def test_installed_tools_are_found_by_name(self):
        prefix = self.folder / "prefix with blank"
        subprocess.run(["cmake", "--install", str(BIN.parent), "--prefix", str(prefix)], check=True,
                       stdout=subprocess.DEVNULL)
        env = environment(PATH=f"{prefix / 'bin'}:{os.environ['PATH']}")
        shutil.move(self.folder / "corpus", self.folder / "moved")
        done = subprocess.run(["mpirun", "--oversubscribe", "-np", "2", "charrnn_train", str(self.config), "--set",
                               f"corpus.output={self.folder / 'moved'}", "--max-steps", "3"], env=env, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=100)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(len(lines(self.folder / "run", "train")), 3)

    def test_output_can_be_piped(self):
        folder = self.train(train__steps=2)
        done = run("charrnn_eval", folder, "--json", ranks=2)
        self.assertEqual(json.loads(done.stdout)["step"], 2, "only the result is on standard output")


if __name__ == "__main__":
    unittest.main()
