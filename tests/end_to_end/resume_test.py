"""A run that was stopped, or killed at any moment, continues as if nothing had happened: bit for bit on the CPU."""

import os
import random
import signal
import subprocess
import time
import unittest

from safetensors.numpy import load_file

from charrnn_cli import ToolTest, command, environment, lines, losses, overrides


class ResumeTest(ToolTest):
    def setUp(self):
        super().setUp()
        # Shards of 1,000 characters are 4 steps each, so every stop is after the beginning of a new shard.
        self.corpus = self.folder / "short_shards"
        self.succeed("charrnn_preprocess", self.config, corpus__output=self.corpus, corpus__shard_size=1000)
        self.settings = {"train__steps": 10, "corpus__output": self.corpus, "model__dropout": 0.3}

    def final_weights(self, folder, step=10):
        return load_file(folder / "checkpoints" / f"step-{step:09d}.safetensors")

    def assert_equal_runs(self, a, b, step=10):
        self.assertEqual(losses(a), losses(b))
        self.assertEqual(losses(a, "valid"), losses(b, "valid"))
        first, second = self.final_weights(a, step), self.final_weights(b, step)
        self.assertEqual(first.keys(), second.keys())
        for name, tensor in first.items():
            self.assertEqual(tensor.tobytes(), second[name].tobytes(), name)

    def test_six_and_four_steps_are_ten(self):
        # In the second case the rate is halved after steps 2, 4 and 6: before and after the stop.
        drawn = {"train__sequence_length": "[3, 20]", "train__accumulate": 3, "train__loss": "last", "evaluate__every": 2,
                 "train__schedule__name": "plateau", "train__schedule__patience": 0, "train__schedule__threshold": 0.9,
                 "train__schedule__factor": 0.5, "train__average_decay": 0.9, "evaluate__weights": "average"}
        for ranks in (1, 2):
            for kind, more in (("plain", {}), ("drawn", drawn)):
                with self.subTest(ranks=ranks, kind=kind):
                    settings = {**self.settings, **more}
                    whole = self.train(f"whole{kind}{ranks}", ranks=ranks, **settings)
                    parts = self.train(f"parts{kind}{ranks}", ranks=ranks, extra=["--max-steps", 6], **settings)
                    self.assertEqual(len(losses(parts)), 6)
                    self.train(f"parts{kind}{ranks}", ranks=ranks, **settings)
                    self.assertEqual(len(losses(whole)), 10)
                    self.assert_equal_runs(whole, parts)
                    rates = [[line["learning_rate"] for line in lines(run, "train")] for run in (whole, parts)]
                    self.assertEqual(*rates)

    def test_evaluating_and_sampling_change_nothing(self):
        plain = self.train("plain", ranks=2, **self.settings)
        busy = self.train("busy", ranks=2, evaluate__every=3, sample__every=2, checkpoint__every=4, **self.settings)
        self.assertEqual(losses(plain), losses(busy))
        self.assertEqual(len(losses(busy, "valid")), 4, "after steps 3, 6, 9 and at the end")
        a, b = self.final_weights(plain), self.final_weights(busy)
        self.assertEqual({k: v.tobytes() for k, v in a.items()}, {k: v.tobytes() for k, v in b.items()})

    def test_killed_between_two_checkpoints(self):
        settings = {**self.settings, "train__steps": 400, "checkpoint__every": 7, "evaluate__every": 50}
        draw = random.Random(1)
        for ranks in (1, 2):
            with self.subTest(ranks=ranks):
                whole = self.train(f"whole{ranks}", ranks=ranks, **settings)
                killed = self.folder / f"killed{ranks}"
                for target in sorted(draw.sample(range(20, 340), 4)):  # steps after which it is killed
                    self.kill_after(target, self.start(ranks, killed, settings), killed)
                self.train(f"killed{ranks}", ranks=ranks, **settings)
                self.assert_equal_runs(whole, killed, 400)
                steps = [line["step"] for line in lines(killed, "train")]
                self.assertEqual(steps, list(range(1, 401)), "every step has exactly one line")

    def start(self, ranks, folder, settings):
        return subprocess.Popen(
            command("charrnn_train", self.config, *overrides(run__output=folder, **settings), ranks=ranks),
            env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)

    def kill_after(self, target, process, folder):
        deadline = time.monotonic() + 60
        while self.lines_written(folder) < target:
            self.assertIsNone(process.poll(), "it ended before it could be killed")
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.002)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        # mpirun's ranks have their own process groups; they notice its death within a second, and then release the folder.
        for _ in range(100):
            if subprocess.run(["flock", "--nonblock", str(folder / ".lock"), "true"], check=False).returncode == 0:
                return
            time.sleep(0.1)
        self.fail("the ranks outlive mpirun")

    def lines_written(self, folder):
        metrics = folder / "metrics.jsonl"
        return metrics.read_bytes().count(b'"kind":"train"') if metrics.exists() else 0

    def test_other_number_of_ranks_follows_the_curve(self):
        whole = self.train("whole", ranks=1, **self.settings)
        self.train("parts", ranks=4, extra=["--max-steps", 3], **self.settings)
        self.train("parts", ranks=2, extra=["--max-steps", 7], **self.settings)
        parts = self.train("parts", ranks=1, **self.settings)
        for a, b in zip(losses(whole), losses(parts), strict=True):
            self.assertLess(abs(a - b), 1e-5 * a)

    def test_damaged_newest_checkpoint_falls_back(self):
        whole = self.train("whole", **self.settings)
        parts = self.train("parts", extra=["--max-steps", 8], checkpoint__every=3, **self.settings)
        newest = parts / "checkpoints" / "step-000000008.safetensors"
        newest.write_bytes(newest.read_bytes()[:-100])
        done = self.succeed("charrnn_train", self.config, run__output=parts, checkpoint__every=3, **self.settings)
        self.assertIn("damaged", done.stderr)
        self.assertIn("step-000000006.safetensors", done.stderr)
        self.assert_equal_runs(whole, parts)

    def test_an_incomplete_line_of_metrics_is_removed(self):
        parts = self.train("parts", extra=["--max-steps", 6], **self.settings)
        metrics = parts / "metrics.jsonl"
        metrics.write_bytes(metrics.read_bytes()[:-30])
        done = self.succeed("charrnn_train", self.config, run__output=parts, **self.settings)
        self.assertIn("some of its lines are lost", done.stderr)
        self.assertEqual([line["step"] for line in lines(parts, "train")][-4:], [7, 8, 9, 10])

    def test_a_finished_run_is_reported_as_finished(self):
        self.train("run", **self.settings)
        done = self.succeed("charrnn_train", self.config, run__output=self.folder / "run", **self.settings)
        self.assertIn("has finished its 10 steps", done.stdout)
        longer = self.train("run", **{**self.settings, "train__steps": 12})
        self.assertEqual(len(losses(longer)), 12, "more steps continue the run")
        settings = (longer / "config.yaml").read_text(encoding="utf-8")
        self.refuse(2, "is at step 12, past the 5 steps", run__output=longer, **{**self.settings, "train__steps": 5})
        self.assertEqual((longer / "config.yaml").read_text(encoding="utf-8"), settings)

    def test_a_change_of_the_schedule_prints_the_old_and_the_new_rate(self):
        settings = {"train__schedule__name": "linear", "train__optimizer__learning_rate": 0.01}
        self.train(train__steps=10, extra=["--max-steps", 5], **settings)
        same = self.succeed("charrnn_train", self.config, "--max-steps", 6, train__steps=10, **settings)
        self.assertNotIn("learning rate", same.stdout)
        # After 5 of 10 steps the rate is one half, after 6 of 60 it is 90 %; linear ends at train.schedule.final_fraction, 0.
        longer = self.succeed("charrnn_train", self.config, "--max-steps", 7, train__steps=60, **settings,
                              train__schedule__final_fraction=0)
        self.assertRegex(longer.stdout, r"learning rate of step 7: 0\.00[0-9]+ -> 0\.009\n")


class SignalTest(ToolTest):
    def start(self, ranks, folder):
        process = subprocess.Popen(
            command("charrnn_train", self.config, *overrides(run__output=folder, train__steps=100000), ranks=ranks),
            env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        while not (folder / "metrics.jsonl").exists() or len(losses(folder)) < 3:
            self.assertLess(time.monotonic(), deadline, "training does not start")
            time.sleep(0.05)
        return process

    def test_a_long_sample_neither_blocks_a_stop_nor_counts_as_lost(self):
        folder = self.folder / "sampling"
        process = subprocess.Popen(
            command("charrnn_train", self.config, *overrides(
                run__output=folder, train__steps=100000, sample__every=5, sample__length=1000000, model__hidden_size=512,
                comm__timeout_seconds=3), ranks=2),
            env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(6)  # the sample before the first step takes a minute or more, longer than the ranks may wait for each other
        self.assertIsNone(process.poll(), "it is still sampling")
        process.send_signal(signal.SIGUSR1)
        _, errors = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 75, errors)

    def test_stopped_while_fitting(self):
        folder = self.folder / "fitting"
        process = subprocess.Popen(
            command("charrnn_train", self.config, "--fit-seconds", "1000", *overrides(
                run__output=folder, train__steps="none")),
            env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(2)
        process.send_signal(signal.SIGUSR1)
        _, errors = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 75, errors)

    def test_saved_on_request(self):
        # Under mpirun TERM and INT leave no time to save; USR1 does, and is what scripts use.
        for ranks, sent in ((0, signal.SIGUSR1), (0, signal.SIGTERM), (0, signal.SIGINT), (0, signal.SIGUSR2),
                            (2, signal.SIGUSR1)):
            with self.subTest(ranks=ranks, signal=sent.name):
                folder = self.folder / f"run{ranks}-{sent.name}"
                process = self.start(ranks, folder)
                process.send_signal(sent)
                _, errors = process.communicate(timeout=30)
                self.assertEqual(process.returncode, 75, errors)
                self.assertIn("saved", errors)
                steps = len(losses(folder))
                self.assertTrue((folder / "checkpoints" / f"step-{steps:09d}.safetensors").exists())
                again = self.succeed("charrnn_train", self.config, "--max-steps", steps + 2, ranks=ranks,
                                     run__output=folder, train__steps=100000)
                self.assertIn(f"from step {steps:,}", again.stdout)
                self.assertEqual([line["step"] for line in lines(folder, "train")], list(range(1, steps + 3)))


if __name__ == "__main__":
    unittest.main()
