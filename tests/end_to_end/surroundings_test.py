"""Unusual environments of a run: a second start, file systems that lack features, full disks, a terminal that closes, a
suspended job, files that disappear, files of the user. No work is lost, and files that are not ours are not touched."""

import errno
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

from safetensors.numpy import load_file

from charrnn_cli import BIN, ToolTest, command, environment, lines, losses, overrides, rank_processes

POOR_FILES = os.environ["CHARRNN_POOR_FILES"]
LONG = {"train__steps": 10000000}


def snapshot(folder):
    """Names, contents and times of all files in a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (content, status.st_mtime_ns, status.st_ino)
    return found


class RunningTest(ToolTest):
    def start(self, ranks=0, stdout=subprocess.DEVNULL, prefix=(), env=None, **settings):
        process = subprocess.Popen([*prefix, *command("charrnn_train", self.config, *overrides(**settings), ranks=ranks)],
                                   env=environment(**(env or {})), stdin=subprocess.DEVNULL, stdout=stdout,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        return process

    def wait_until(self, is_so, what, seconds=120):
        end = time.monotonic() + seconds
        while not is_so():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.01)

    def wait_for_step(self, step, folder=None):
        metrics = (folder or self.folder / "run") / "metrics.jsonl"
        self.wait_until(lambda: metrics.exists() and metrics.read_bytes().count(b'"kind":"train"') >= step, f"step {step}")

    def finish(self, process, sent=signal.SIGUSR1, code=75):
        if sent is not None:
            process.send_signal(sent)
        _, errors = process.communicate(timeout=120)
        self.assertEqual(process.returncode, code, errors)
        return errors

    def saved(self, folder=None):
        """The newest checkpoint's step."""
        names = sorted(path.name for path in ((folder or self.folder / "run") / "checkpoints").glob("step-*.safetensors"))
        return int(names[-1][5:-12]) if names else None

    def last_step(self, folder=None):
        return lines(folder or self.folder / "run", "train")[-1]["step"]

    def events(self, folder=None):
        return [line["text"] for line in lines(folder or self.folder / "run", "event")]


class SecondStartTest(RunningTest):
    def test_it_touches_nothing(self):
        folder = self.train(checkpoint__every=4)
        (folder / "abort-report-rank-1.txt").write_text("rank 1 of 2\nstart 00\ncause it is of yesterday\n", encoding="utf-8")
        first = self.start(**LONG, train__log_every=1000000)
        self.wait_until(lambda: "earlier-abort-report-rank-1.txt" in os.listdir(folder), "its start")
        (folder / "checkpoints" / f"step-000000777.safetensors.tmp-{first.pid}").write_text("half", encoding="utf-8")
        report = folder / "abort-report-rank-1.txt"
        report.write_text("rank 1 of 2\nstart 01\ncause as if it were of the first\n", encoding="utf-8")
        os.kill(first.pid, signal.SIGSTOP)  # so that nothing changes by itself
        before = snapshot(folder)
        for ranks in (0, 2):
            self.refuse(2, "another process is training", f"process {first.pid}", ranks=ranks, **LONG)
            self.assertEqual(snapshot(folder), before)
        os.kill(first.pid, signal.SIGCONT)
        self.finish(first)

    def test_a_start_that_is_refused_for_other_reasons_touches_nothing_either(self):
        self.refuse(2, "manifest.json", run__output=self.folder / "new" / "run", corpus__output=self.folder)
        self.assertFalse((self.folder / "new").exists())
        folder = self.train()
        (folder / ".lock").unlink()
        (folder / "abort-report-rank-1.txt").write_text("rank 1 of 2\nstart 00\ncause yesterday\n", encoding="utf-8")
        (folder / "config.yaml.tmp-12").write_text("half", encoding="utf-8")
        before = snapshot(folder)
        self.refuse(2, "model.hidden_size was 48, is 64", model__hidden_size=64)
        self.assertEqual(snapshot(folder), before)


@unittest.skipIf(BIN.parent.name in ("asan", "tsan"), "a sanitizer must be preloaded first")
class FileSystemTest(RunningTest):
    def poor(self, lacks):
        return {"LD_PRELOAD": POOR_FILES, "CHARRNN_POOR_FILE_SYSTEM": lacks}

    def test_without_links_fsync_and_rename_over_files(self):
        whole = self.train("whole", train__steps=12)
        poor = self.poor("symlink,fsync,rename")
        for steps in (6, 12):
            self.finish(self.start(env=poor, checkpoint__every=2, checkpoint__keep=1, evaluate__every=6, train__steps=steps),
                        sent=None, code=0)
        run = self.folder / "run"
        self.assertEqual(losses(run), losses(whole))
        self.assertEqual((run / "checkpoints" / "latest").read_text(encoding="utf-8"), "step-000000012.safetensors\n")
        names = sorted(path.name for path in (run / "checkpoints").iterdir())
        self.assertEqual(names, ["best", "latest", "step-000000012.safetensors"], "nothing is left over")
        shown = json.loads(self.succeed("charrnn_inspect", run, "--json").stdout)
        self.assertEqual((shown["latest"], shown["best"]), ("step-000000012.safetensors",) * 2)
        self.succeed("charrnn_inspect", run / "checkpoints" / "latest")
        self.succeed("charrnn_sample", run, "--prefix", "The ", "-n", 5)
        self.succeed("charrnn_sample", run / "checkpoints" / "best", "--prefix", "The ", "-n", 5)

    def test_without_locks_there_is_a_warning_with_advice(self):
        process = self.start(env=self.poor("lock"))
        self.assertIn("cannot lock files (No locks available)", self.finish(process, sent=None, code=0))

    def full(self, number):
        return (self.folder / "run.errno").write_text(f"{number}\n", encoding="utf-8")

    def test_a_full_disk_does_not_end_the_run(self):
        """Lines are kept until there is space, and every step has exactly one line."""
        env = {"LD_PRELOAD": POOR_FILES, "CHARRNN_FAILING_DISK": self.folder / "run"}
        process = self.start(env=env, **LONG, checkpoint__every=5, sample__every=7)
        self.wait_for_step(6)
        self.full(errno.ENOSPC)
        said = [process.stderr.readline()]  # a save in progress has ended before
        before = self.saved()
        said += [process.stderr.readline() for _ in range(3)]  # in any order
        kinds = ("is full: the run continues", r"step \d+ could not be saved: .*No space left on device.*tries again")
        for kind in kinds:
            self.assertTrue(any(re.search(kind, line) for line in said), said)
        for line in said:
            self.assertRegex(line, "|".join(kinds))
        self.assertEqual(self.saved(), before, "the saved checkpoint is kept")
        load_file(self.folder / "run" / "checkpoints" / "latest")
        (self.folder / "run.errno").unlink()
        self.wait_for_step(self.last_step() + 20)
        self.finish(process)
        steps = [line["step"] for line in lines(self.folder / "run", "train")]
        self.assertEqual(steps, list(range(1, steps[-1] + 1)))
        self.assertEqual(self.saved(), steps[-1])
        self.assertTrue(any("has space again" in text for text in self.events()))
        recorded = {line["file"] for line in lines(self.folder / "run", "checkpoint")}
        self.assertNotIn(f"step-{steps[-1] // 5 * 5 + 5:09d}.safetensors", recorded)

    def test_a_full_disk_at_the_end_is_an_error(self):
        env = {"LD_PRELOAD": POOR_FILES, "CHARRNN_FAILING_DISK": self.folder / "run"}
        process = self.start(env=env, ranks=2, **LONG, checkpoint__every=5)
        self.wait_for_step(6)
        self.full(errno.EDQUOT)
        said = process.stderr.readline()
        errors = said + self.finish(process, code=1)
        self.assertIn("is full: the run continues", errors)
        self.assertIn("Disk quota exceeded", errors)
        load_file(self.folder / "run" / "checkpoints" / "latest")
        (self.folder / "run.errno").unlink()
        self.succeed("charrnn_train", self.config, train__steps=self.saved() + 2)

    def test_a_disk_that_fails_stops_the_run_after_a_save(self):
        """Only metrics.jsonl has EIO; the checkpoint can be written."""
        env = {"LD_PRELOAD": POOR_FILES, "CHARRNN_FAILING_DISK": self.folder / "run" / "metrics.jsonl"}
        process = self.start(env=env, ranks=2, **LONG)
        self.wait_for_step(6)
        (self.folder / "run" / "metrics.jsonl.errno").write_text(f"{errno.EIO}\n", encoding="utf-8")
        errors = self.finish(process, sent=None, code=1)
        self.assertIn("Input/output error: the run saves and stops", errors)
        self.assertGreaterEqual(self.saved(), self.last_step())


class EndsTest(RunningTest):
    def test_signals_that_stop_and_those_that_were_ignored_before(self):
        """A terminal that closes, nohup, background commands of a shell, a limit of processor time."""
        for option, sent, ends in (("--default-signal=HUP", signal.SIGHUP, True), ("--ignore-signal=HUP", signal.SIGHUP, False),
                                   ("--ignore-signal=INT", signal.SIGINT, False),
                                   ("--default-signal=XCPU", signal.SIGXCPU, True)):
            with self.subTest(option=option):
                folder = self.folder / option
                process = self.start(prefix=["env", option], run__output=folder, **LONG)
                self.wait_for_step(3, folder)
                process.send_signal(sent)
                if not ends:
                    self.wait_for_step(self.last_step(folder) + 20, folder)
                errors = self.finish(process, sent=None if ends else signal.SIGTERM)
                self.assertIn(sent.name if ends else "SIGTERM", errors)
                self.assertEqual(self.saved(folder), self.last_step(folder))

    def test_output_without_a_reader(self):
        """A reader that exits (| head), a full disk, and a file that the shell has closed."""
        reader, writer = os.pipe()
        os.close(reader)
        full = os.open("/dev/full", os.O_WRONLY)
        whole = self.train("whole")
        for name, stdout, prefix, reason in (("pipe", writer, [], "Broken pipe"), ("full", full, [], "No space left"),
                                             ("closed", None, ["sh", "-c", 'exec "$@" >&-', "sh"], "Bad file descriptor")):
            with self.subTest(output=name):
                folder = self.folder / name
                process = self.start(prefix=["env", "--default-signal=PIPE", *prefix], stdout=stdout, run__output=folder)
                errors = self.finish(process, sent=None, code=0)
                self.assertIn(f"standard output cannot be written ({reason}", errors)
                self.assertEqual(len([text for text in self.events(folder) if "standard output" in text]), 1)
                self.assertEqual(losses(folder), losses(whole), "and nothing was printed into metrics.jsonl")
        process = subprocess.Popen(["env", "--default-signal=PIPE", *command("charrnn_train", self.config)], stdout=writer,
                                   stderr=writer, env=environment(), stdin=subprocess.DEVNULL)
        self.assertEqual(process.wait(timeout=120), 0)
        self.assertTrue(any("standard error" in text for text in self.events()))
        done = subprocess.run(["env", "--default-signal=PIPE", *command("charrnn_preprocess", self.config, "--force", *overrides(
            corpus__output=self.folder / "again"))], stdout=writer, stderr=subprocess.PIPE, env=environment(), text=True,
            stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("is complete", done.stderr)
        done = subprocess.run(["env", "--default-signal=PIPE", *command("charrnn_sample", whole)], stdout=writer,
                              stderr=subprocess.PIPE, env=environment(), text=True, stdin=subprocess.DEVNULL, check=False)
        self.assertEqual((done.returncode, done.stderr), (-signal.SIGPIPE, ""), "a filter ends quietly")

    def test_a_reader_of_the_output_that_does_not_read(self):
        """As with an mpirun stopped by Ctrl-Z: its ranks continue, and their output pipe is full."""
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        process = self.start(stdout=writer, train__steps=200)  # 20 kB of lines
        os.close(writer)
        self.assertIn("accepted nothing", self.finish(process, sent=None, code=0))
        self.assertEqual(self.last_step(), 200)

    def test_a_suspended_job_loses_no_rank(self):
        """The job is stopped for longer than comm.timeout_seconds and 2 s of grace, while rank 1 waits for rank 0's samples."""
        process = self.start(ranks=2, **LONG, comm__timeout_seconds=1, sample__every=100000, sample__length=1000000,
                             model__hidden_size=512)
        self.wait_until((self.folder / "run" / "metrics.jsonl").exists, "the first samples")
        ranks = rank_processes(self.folder)
        self.assertEqual(len(ranks), 2)
        time.sleep(0.7)
        for sent, pause in ((signal.SIGSTOP, 3.5), (signal.SIGCONT, 1)):
            for rank in ranks.values():
                os.kill(rank, sent)
            time.sleep(pause)
        self.assertIsNone(process.poll(), "a rank was reported as lost")
        self.finish(process)


class VanishedTest(RunningTest):
    def test_checkpoints_that_were_purged(self):
        folder = self.train(checkpoint__every=5)
        shutil.rmtree(folder / "checkpoints")
        before = snapshot(folder)
        self.refuse(2, "records checkpoints, the last of step 10", "run.output", train__steps=20)
        self.assertEqual(snapshot(folder), before)
        (folder / "metrics.jsonl").rename(folder / "metrics-of-the-first.jsonl")
        self.train()

    def test_a_run_that_is_killed_before_it_saves_starts_again(self):
        process = self.start(**LONG)
        self.wait_for_step(5)
        self.finish(process, sent=signal.SIGKILL, code=-9)
        killed = (self.folder / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        self.train()
        kept = (self.folder / "run" / "discarded" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        self.assertEqual(kept, killed)
        self.assertEqual([line["step"] for line in lines(self.folder / "run", "train")], list(range(1, 11)))

    def test_killed_between_a_checkpoint_and_the_line_about_it(self):
        folder = self.train(extra=["--max-steps", 4])
        whole = (folder / "metrics.jsonl").read_bytes()
        *others, last = whole.splitlines(keepends=True)
        self.assertEqual(json.loads(last)["kind"], "checkpoint")
        (folder / "metrics.jsonl").write_bytes(b"".join(others))
        done = self.succeed("charrnn_train", self.config)
        self.assertNotIn("lost", done.stderr)
        self.assertTrue((folder / "metrics.jsonl").read_bytes().startswith(whole))

    def test_the_newest_of_several_checkpoints_is_gone(self):
        folder = self.train(checkpoint__every=4, evaluate__every=4)
        (folder / "checkpoints" / "step-000000010.safetensors").unlink()
        done = self.succeed("charrnn_train", self.config)
        for words in ("records a checkpoint of step 10", "is of step 8", "the best checkpoint"):
            self.assertIn(words, done.stderr)

    def test_the_folder_is_deleted_or_renamed_during_the_run(self):
        for name, vanish in (("deleted", shutil.rmtree), ("renamed", lambda folder: folder.rename(f"{folder}.old")),
                             ("unlocked", lambda folder: (folder / ".lock").unlink())):
            with self.subTest(name):
                folder = self.folder / name
                process = self.start(run__output=folder, **LONG)
                self.wait_for_step(5, folder)
                os.kill(process.pid, signal.SIGSTOP)
                vanish(folder)
                os.kill(process.pid, signal.SIGCONT)
                errors = self.finish(process)
                self.assertEqual("was deleted, renamed or replaced" in errors, name != "unlocked", errors)
                self.assertTrue((folder / ".lock").exists())
                steps = [line["step"] for line in lines(folder, "train")]
                self.assertEqual(steps, list(range(1, steps[-1] + 1)), "metrics.jsonl is complete")
                done = self.succeed("charrnn_train", self.config, run__output=folder, train__steps=steps[-1] + 1)
                self.assertIn(f"from step {steps[-1]:,}", done.stdout)


class UsersFilesTest(RunningTest):
    def test_a_config_in_the_folder_of_the_run(self):
        folder = self.folder / "run"
        folder.mkdir()
        (folder / "config.yaml").write_text("# mine\n" + self.config.read_text(encoding="utf-8"), encoding="utf-8")
        (folder / "ideas.tmp-monday.txt").write_text("keep", encoding="utf-8")
        before = snapshot(folder)
        self.refuse(2, "config.yaml", "was not written by charrnn", "--set run.output", arguments=[folder / "config.yaml"])
        self.assertEqual(snapshot(folder), before)
        (folder / "config.yaml").rename(folder / "mine.yaml")
        self.succeed("charrnn_train", folder / "mine.yaml")
        self.assertTrue((folder / "ideas.tmp-monday.txt").exists())
        # A config that charrnn wrote may be used as input, and may still be overwritten.
        self.succeed("charrnn_train", folder / "config.yaml", "--set", "train.steps=12")


class TextTest(RunningTest):
    def test_samples_of_bytes_are_a_text_file(self):
        source = self.folder / "bytes.txt"
        source.write_text("мама мыла раму\n" * 300, encoding="utf-8")
        settings = {"corpus__sources": f"[{source}]", "corpus__output": self.folder / "bytes", "corpus__unit": "byte"}
        self.succeed("charrnn_preprocess", self.config, **settings)
        folder = self.train(**settings, train__steps=2, sample__every=1, sample__prefixes='["мама "]', sample__length=200)
        text = (folder / "samples.txt").read_bytes().decode("utf-8")
        self.assertIn("\ufffd", text, "an untrained model of bytes writes invalid UTF-8")


if __name__ == "__main__":
    unittest.main()
