"""What the tools print, and that they work once installed."""

import json
import os
import re
import resource
import shutil
import subprocess
import unittest

from charrnn_cli import BIN, ToolTest, environment, lines, run


class ToolsTest(ToolTest):
    def test_periods_in_epochs(self):
        # 40 lanes x 140 characters: one step of each shard, 29 an epoch.
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

    @unittest.skipIf(BIN.parent.name in ("asan", "tsan"), "a sanitizer takes memory of its own")
    def test_dry_run_says_what_training_takes(self):
        # Within a tenth of the peak of a run that is large beside the program itself.
        large = {"model__hidden_size": 512, "train__batch_size": 48, "train__sequence_length": 96, "train__steps": 4,
                 "run__output": self.folder / "large"}
        sizes = self.succeed("charrnn_train", self.config, "--dry-run", **large).stdout
        said = re.search(r"memory per rank +about ([\d,]+) MB", sizes)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        self.succeed("charrnn_train", self.config, **large)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        self.assertGreater(peak, before, "an earlier process was larger: nothing was measured")
        self.assertAlmostEqual(int(said[1].replace(",", "")) / (peak * 1024 / 1e6), 1, delta=0.1)

    def test_patience_ends_a_run_that_no_longer_gains(self):
        # A rate of 0 gains nothing after the first value.
        folder = self.train(ranks=2, train__steps=100, train__optimizer__learning_rate=0, evaluate__every=5,
                            evaluate__patience=3)
        self.assertEqual([line["step"] for line in lines(folder, "valid")], [5, 10, 15, 20])
        self.assertEqual(lines(folder, "train")[-1]["step"], 20)
        again = self.succeed("charrnn_train", self.config, train__steps=100, train__optimizer__learning_rate=0,
                             evaluate__every=5, evaluate__patience=3)
        self.assertIn("evaluate.patience", again.stdout)
        self.assertEqual((folder / "checkpoints" / "latest").resolve().name, "step-000000020.safetensors")

    def test_whole_way(self):
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
        several = self.succeed("charrnn_sample", folder, "--prefix", "The ", "-n", "30", "--temperature", "greedy,0.5",
                               "--json").stdout
        several = [json.loads(line) for line in several.splitlines()]
        self.assertEqual([line["temperature"] for line in several], [0, 0.5])
        self.assertEqual("The " + several[0]["text"] + "\n", greedy)

        for path, kind in ((folder, "run"), (folder / "checkpoints" / "latest", "checkpoint"),
                           (self.folder / "corpus", "corpus"), (self.folder / "corpus" / "valid-00000.h5", "shard")):
            self.assertEqual(json.loads(self.succeed("charrnn_inspect", path, "--json").stdout)["kind"], kind)
            self.assertGreater(len(self.succeed("charrnn_inspect", path).stdout), 100)

    def test_help_and_version(self):
        for tool in ("preprocess", "train", "eval", "sample", "inspect"):
            self.assertIn("--help", self.succeed(f"charrnn_{tool}", "--help").stdout)
            self.assertIn("charrnn", self.succeed(f"charrnn_{tool}", "--version").stdout)
        self.assertIn("train.batch_size = 32", self.succeed("charrnn_train", "--help-config").stdout)

    def test_dry_run_makes_nothing(self):
        done = self.succeed("charrnn_train", self.config, "--dry-run", ranks=2)
        for word in ("parameters", "memory per rank", "2 ranks", "checkpoint", "lane length", "steps per epoch"):
            self.assertIn(word, done.stdout)
        self.assertFalse((self.folder / "run").exists())

    def test_fit_seconds_fixes_the_steps(self):
        run_folder = self.train("fitted", ranks=2, extra=["--fit-seconds", 4], train__steps="none")
        steps = len(lines(run_folder, "train"))
        config = (run_folder / "config.yaml").read_text(encoding="utf-8")
        self.assertIn(f"steps: {steps}\n", config)
        # The same run without timing, from the config that was saved.
        again = self.folder / "again"
        self.succeed("charrnn_train", run_folder / "config.yaml", ranks=2, run__output=again)
        self.assertEqual([line["loss_nats"] for line in lines(run_folder, "train")],
                         [line["loss_nats"] for line in lines(again, "train")])

    def test_warns_when_nothing_is_learnt(self):
        done = self.succeed("charrnn_train", self.config, train__steps=1001, train__log_every=100,
                            train__optimizer__learning_rate=1e-9, model__hidden_size=4)
        self.assertEqual(done.stderr.count("is not below the unigram mark"), 1, done.stderr)

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
        self.assertEqual(json.loads(done.stdout)["step"], 2, "standard output holds the result alone")


if __name__ == "__main__":
    unittest.main()
