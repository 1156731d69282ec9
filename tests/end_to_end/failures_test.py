"""Divergence, lost ranks and time limits: a run skips steps, rolls back, reports the cause, saves; it never hangs."""

import json
import os
import signal
import subprocess
import time
import unittest

from safetensors.numpy import load_file

from charrnn_cli import ToolTest, command, environment, lines, losses, overrides, rank_processes


class DivergenceTest(ToolTest):
    SANE = {"train__optimizer__name": "sgd", "train__clip_norm": 0, "model__dropout": 0, "train__steps": 100,
            "train__max_skipped_steps": 3, "checkpoint__every": 2, "checkpoint__keep": 100,
            "train__optimizer__learning_rate": 1}
    # Each step multiplies the weights by 1 - rate * decay: by -99, then by -9, and at a rate of 10 not by -1 or more.
    EXPLODES = {**SANE, "train__optimizer__learning_rate": 1000, "train__optimizer__weight_decay": 0.1}
    ROLLBACK = {**EXPLODES, "train__on_divergence": "rollback", "train__rollback_rate_factor": 0.1}

    def rollbacks(self, folder):
        return [line["text"] for line in lines(folder, "event") if line["text"].startswith("rollback")]

    def start_sanely(self, name="run"):
        return self.train(name, ranks=2, extra=["--max-steps", 10], **self.SANE)

    def test_rollback_continues_with_a_lower_rate(self):
        folder = self.start_sanely()
        self.train(ranks=2, **self.ROLLBACK)
        train = lines(folder, "train")
        self.assertEqual([line["step"] for line in train], list(range(1, 101)), "rolled back, and finished")
        self.assertLess(train[-1]["loss_nats"], 4)
        self.assertAlmostEqual(train[-1]["learning_rate"], 10)
        self.assertIn("rollback 2: resuming from step 8", self.rollbacks(folder)[-1], "10 had led to the second")
        # A second run is the same bit for bit: every decision depends only on the numbers.
        again = self.start_sanely("again")
        self.train("again", ranks=2, **self.ROLLBACK)
        self.assertEqual(losses(folder), losses(again))

    def test_rollbacks_end(self):
        self.start_sanely()
        done = self.refuse(3, "train.max_rollbacks", "diverged", ranks=2,
                           **{**self.ROLLBACK, "train__max_rollbacks": 2, "train__rollback_rate_factor": 1})
        self.assertNotIn("error (rank 1)", done.stderr, "only one rank prints the error")

    def test_a_rollback_survives_a_stop(self):
        folder = self.start_sanely()
        self.train(ranks=2, **{**self.ROLLBACK, "train__steps": 90})
        self.train(ranks=1, **self.ROLLBACK)
        rates = {round(line["learning_rate"], 9) for line in lines(folder, "train")[12:]}
        self.assertEqual(rates, {10.0}, "the lowered rate is kept")

    def test_the_checkpoint_to_roll_back_to_is_kept(self):
        # Every checkpoint of the diverging steps replaces an older one; the last good one is kept.
        self.start_sanely()
        self.train(ranks=2, **{**self.ROLLBACK, "checkpoint__keep": 1, "train__rollback_rate_factor": 0.01})
        self.assertIn("resuming from step 10", self.rollbacks(self.folder / "run")[0])

    def test_without_a_good_checkpoint_there_is_no_rollback(self):
        self.refuse(3, "no rollback", ranks=2, **self.ROLLBACK)


class BatchTest(ToolTest):
    def test_lanes_per_rank_set_the_batch_size_which_the_run_keeps(self):
        folder = self.train(ranks=2, extra=["--max-steps", 5], train__lanes_per_rank=6,
                            train__scale_learning_rate="linear", train__reference_batch_size=4)
        self.assertEqual(losses(folder), losses(self.train("plain", ranks=2, extra=["--max-steps", 5],
                                                           train__optimizer__learning_rate=0.09)))
        self.train(ranks=1, train__lanes_per_rank=6, train__scale_learning_rate="linear", train__reference_batch_size=4)
        self.assertEqual([line["characters"] for line in lines(folder, "train")], [240 * step for step in range(1, 11)])
        self.refuse(2, "reference_batch_size", train__scale_learning_rate="sqrt")

    def test_a_trace_shows_sums_that_begin_during_backward(self):
        folder = self.train(ranks=2, model__layers=3, train__profile="true", comm__gradient_buckets="layer")
        for rank in (0, 1):
            with open(folder / f"trace-rank-{rank}.json", encoding="utf-8") as file:
                events = [event for event in json.load(file)["traceEvents"] if event["ph"] == "X"]
            backward = [event for event in events if event["name"] == "backward"]
            head = [event for event in events if event["name"] == "sum of head"]
            self.assertEqual((len(backward), len(head)), (10, 10))
            for during, sum_of_head in zip(backward, head):
                self.assertLess(during["ts"], sum_of_head["ts"])
                self.assertLess(sum_of_head["ts"], during["ts"] + during["dur"], "before backward ends")


class TimeLimitTest(ToolTest):
    def squeue(self, script):
        path = self.folder / "bin"
        path.mkdir(exist_ok=True)
        (path / "squeue").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (path / "squeue").chmod(0o755)
        return environment(PATH=f"{path}:{os.environ['PATH']}", SLURM_JOB_ID="5")

    def start(self, env):
        arguments = overrides(run__stop_before_limit=30, train__steps=1000000, train__log_every=1000)
        return subprocess.run(command("charrnn_train", self.config, *arguments, ranks=2), env=env, timeout=120,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def test_saves_before_the_limit_and_asks_again(self):
        # The first three answers leave 2 s each, as if the limit had been extended; the fourth leaves none.
        asked = self.folder / "asked"
        done = self.start(self.squeue(
            f"echo x >> {asked}; n=$(wc -l < {asked}); [ $n -le 3 ] && s=32 || s=00; echo 0:$s"))
        self.assertEqual(done.returncode, 75, done.stderr)
        self.assertIn("before the job's time limit", done.stderr)
        self.assertEqual(len(asked.read_text(encoding="utf-8").split()), 4, "a changed limit is respected")
        self.assertTrue((self.folder / "run" / "checkpoints" / "latest").exists())

    def test_a_squeue_that_fails_is_reported_and_changes_nothing(self):
        env = self.squeue("echo slurm_load_jobs error: Invalid job id; exit 1")
        done = subprocess.run(command("charrnn_train", self.config, *overrides(run__stop_before_limit=30), ranks=2),
                              env=env, timeout=120, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Invalid job id", done.stderr)


class LongWorkTest(ToolTest):
    """Work of one rank that takes longer than comm.timeout_seconds does not end a healthy run."""

    def test_an_evaluation_of_one_rank_alone(self):
        # One lane: rank 1 has nothing to read. Reading 9,000 characters in sequence takes more than half a second.
        self.train(ranks=2, train__steps=2, evaluate__every=1, evaluate__lanes=1, comm__timeout_seconds=0.4,
                   model__hidden_size=512)

    def test_samples_and_checkpoints(self):
        self.train(ranks=3, train__steps=2, sample__every=1, sample__length=400000, comm__timeout_seconds=0.5)

    def test_a_slow_squeue(self):
        path = self.folder / "bin"
        path.mkdir()
        (path / "squeue").write_text("#!/bin/sh\nsleep 4; echo UNLIMITED\n", encoding="utf-8")
        (path / "squeue").chmod(0o755)
        arguments = overrides(run__stop_before_limit=30, comm__timeout_seconds=1)
        done = subprocess.run(command("charrnn_train", self.config, *arguments, ranks=2), timeout=120,
                              env=environment(PATH=f"{path}:{os.environ['PATH']}", SLURM_JOB_ID="5"),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_signal_puts_off_samples_and_evaluation(self):
        settings = {"train__steps": 4, "sample__every": 2, "sample__length": 500000, "evaluate__every": 2,
                    "sample__temperatures": "[1.0]"}
        whole = self.train("whole", ranks=2, **settings)
        arguments = overrides(run__output=self.folder / "parts", **settings)
        process = subprocess.Popen(command("charrnn_train", self.config, *arguments, ranks=2), env=environment(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        metrics = self.folder / "parts" / "metrics.jsonl"
        end = time.monotonic() + 60
        while time.monotonic() < end and not (metrics.exists() and '"step":2' in metrics.read_text(encoding="utf-8")):
            time.sleep(0.01)
        process.send_signal(signal.SIGUSR1)  # while it evaluates or samples after step 2, or a little later
        _, errors = process.communicate(timeout=60)
        self.assertIn(process.returncode, (75, 0), errors)
        self.train("parts", ranks=2, **settings)
        for kind, value in (("sample", "text"), ("valid", "loss_nats"), ("train", "loss_nats")):
            self.assertEqual([(line["step"], line[value]) for line in lines(whole, kind)],
                             [(line["step"], line[value]) for line in lines(self.folder / "parts", kind)], kind)


class WatchedTest(ToolTest):
    """What the ranks send each other while they train."""

    def start(self, **settings):
        process = subprocess.Popen(command("charrnn_train", self.config, *overrides(**settings), ranks=2),
                                   env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        latest = self.folder / "run" / "checkpoints" / "latest"
        end = time.monotonic() + 60
        while not latest.exists() and time.monotonic() < end:
            time.sleep(0.05)
        return process

    def flip_a_bit(self, process_id, needle):
        """Flips a bit of `needle`, 100 bytes of weights, in each part of the process's memory that contains it."""
        flipped = 0
        with open(f"/proc/{process_id}/maps", encoding="utf-8") as maps, open(f"/proc/{process_id}/mem", "r+b", 0) as memory:
            for line in maps:
                span, rights, *_ = line.split()
                begin, end = (int(place, 16) for place in span.split("-"))
                if not rights.startswith("rw") or end - begin > 1 << 28:
                    continue
                try:
                    memory.seek(begin)
                    found = memory.read(end - begin).find(needle)
                except OSError:
                    continue
                if found >= 0:
                    memory.seek(begin + found)
                    memory.write(bytes([needle[0] ^ 1]))
                    flipped += 1
        return flipped

    def test_a_flipped_bit_stops_the_run_and_the_rank_is_reported(self):
        # A rate of 0, so that the weights stay those of the checkpoint.
        process = self.start(train__steps=1000000, train__log_every=1000, checkpoint__every=10, comm__check_replicas_every=20,
                             train__optimizer__learning_rate=0)
        weights = load_file(self.folder / "run" / "checkpoints" / "latest")
        needle = weights["rnn.weight_hh_l0"].tobytes()[400:500]
        self.assertGreater(self.flip_a_bit(rank_processes(self.folder)[1], needle), 0)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, errors)
        self.assertRegex(errors, r"expected equal weights on all ranks after step \d+, found different ones on .*rank 1 \(host ")

    def test_a_slow_rank_is_reported(self):
        process = self.start(train__steps=1000000, train__log_every=10, checkpoint__every=10, model__hidden_size=256)
        slow = rank_processes(self.folder)[1]
        end = time.monotonic() + 60
        metrics = self.folder / "run" / "metrics.jsonl"
        while time.monotonic() < end and "rank 1 (host" not in metrics.read_text(encoding="utf-8"):
            os.kill(slow, signal.SIGSTOP)
            time.sleep(0.06)
            os.kill(slow, signal.SIGCONT)
            time.sleep(0.02)
        process.send_signal(signal.SIGUSR1)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 75, errors)
        self.assertIn("all ranks wait for it", errors)
        slowest = [line["slowest_rank"] for line in lines(self.folder / "run", "train")]
        self.assertGreater(slowest.count(1), slowest.count(0), "the spread is in metrics.jsonl")

    def test_ranks_and_their_places_are_shown(self):
        shown = self.succeed("charrnn_train", self.config, ranks=2).stdout
        self.assertRegex(shown, r"rank +host +device +cores\n0 +\S+ +cpu +[0-9]\S*( .*)?\n1 +\S+ +cpu +[0-9]")

    def test_no_reports_remain_after_a_clean_stop(self):
        process = self.start(train__steps=1000000, train__log_every=1000, checkpoint__every=10)
        ranks = rank_processes(self.folder)
        os.kill(ranks[0], signal.SIGSTOP)
        for rank in ranks.values():
            os.kill(rank, signal.SIGTERM)
        time.sleep(1.5)  # the other rank waits, has received TERM, and writes a report
        os.kill(ranks[0], signal.SIGCONT)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 75, errors)
        self.assertEqual([path.name for path in (self.folder / "run").glob("*-rank-*")], [])


class LostRankTest(ToolTest):
    """One rank is killed or stopped; at most the steps since the last checkpoint are lost."""

    SETTINGS = {"train__steps": 3000, "train__log_every": 100, "checkpoint__every": 20, "comm__timeout_seconds": 3}

    def lose(self, rank, sent):
        process = subprocess.Popen(command("charrnn_train", self.config, *overrides(**self.SETTINGS), ranks=2),
                                   env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        latest = self.folder / "run" / "checkpoints" / "latest"
        latest.unlink(missing_ok=True)
        end = time.monotonic() + 60
        while not latest.exists() and time.monotonic() < end:
            time.sleep(0.05)
        lost = rank_processes(self.folder)[rank]  # both ranks are there once one has saved
        os.kill(lost, sent)
        try:
            _, errors = process.communicate(timeout=30)
        finally:
            try:
                os.kill(lost, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return process.returncode, errors

    def test_a_stopped_rank_is_reported(self):
        for rank in (0, 1):
            with self.subTest(rank=rank):
                code, errors = self.lose(rank, signal.SIGSTOP)
                self.assertEqual(code, 4, errors)
                first = next(line for line in errors.splitlines() if line.startswith("error"))
                self.assertRegex(first, rf"rank {rank} \(host .*\) did not reach .* step \d+\) within")
                report = (self.folder / "run" / f"abort-report-rank-{1 - rank}.txt").read_text(encoding="utf-8")
                self.assertIn("did not reach", report)
                self.assertGreater(report.count("\noperation "), 10)
                self.assertLessEqual(report.count("\noperation "), 64)

    def test_a_rank_that_is_killed_loses_nothing_that_was_saved(self):
        settings = {**self.SETTINGS, "train__steps": 400}
        whole = self.train("whole", ranks=2, **settings)
        code, errors = self.lose(1, signal.SIGKILL)
        self.assertEqual(code, 137, errors)
        self.assertTrue((self.folder / "run" / "last-operations-rank-0.txt").exists(), "the report of the other rank")
        self.train(ranks=2, **settings)
        a, b = (load_file(folder / "checkpoints" / "step-000000400.safetensors") for folder in (whole, self.folder / "run"))
        self.assertEqual({k: v.tobytes() for k, v in a.items()}, {k: v.tobytes() for k, v in b.items()})


if __name__ == "__main__":
    unittest.main()
