"""Wrong input: a clear message, the documented exit code, and no files."""

import shutil
import subprocess
import unittest

from charrnn_cli import ToolTest, command, environment


class WrongInputTest(ToolTest):
    def test_configs(self):
        self.refuse(2, "nowhere.yaml", arguments=["nowhere.yaml"])
        self.refuse(2, "did you mean `train.batch_size`", "--set train.batch_sise=5", train__batch_sise=5)
        self.refuse(2, "model.layers is `two`", "a whole number", model__layers="two")
        self.refuse(2, "train.epochs and train.steps", train__epochs=1, train__steps=10)
        done = self.succeed("charrnn_train", self.config, "--dry-run", train__epochs=1)
        self.assertRegex(done.stderr, r"--set train.epochs=1 replaces train.steps \(.*\), which is now none")
        self.refuse(2, "run.output is missing", run__output="")
        self.config.write_text(self.config.read_text(encoding="utf-8").replace("clip_norm", "clip_nrom"),
                               encoding="utf-8")
        self.refuse(2, "config.yaml:13", "train.clip_nrom", "did you mean `train.clip_norm`")
        self.assertFalse((self.folder / "run").exists(), "refused before anything is created")

    def test_a_mistake_is_reported_once_for_all_ranks(self):
        done = self.refuse(2, "did you mean", ranks=3, train__batch_sise=5)
        self.assertEqual(done.stderr.count("did you mean"), 1, done.stderr)

    def test_other_files_in_place_of_a_checkpoint(self):
        for name, begin, kind in (("weights.pt", b"PK\x03\x04" + bytes(60), "a zip archive, such as a .pt file"),
                                  ("c.yaml", b"corpus:\n  output: a\n", "a text file"),
                                  ("a.h5", b"\x89HDF\r\n\x1a\n" + bytes(60), "an HDF5 file")):
            (self.folder / name).write_bytes(begin)
            self.refuse(1, kind, "expected a checkpoint", tool="charrnn_sample", arguments=[self.folder / name])

    def test_invalid_seeds(self):
        folder = self.train(train__steps=1)
        for seed in ("-1", str(2 ** 64), "1e3", "one"):
            self.refuse(2, "from 0 to 2^64 - 1", tool="charrnn_sample", arguments=[folder, "--seed", seed])
        self.succeed("charrnn_sample", folder, "--prefix", "The ", "-n", "3", "--seed", str(2 ** 64 - 1))

    def test_settings_that_an_evaluation_does_not_read(self):
        folder = self.train(train__steps=1)
        self.refuse(2, "has no effect here", "evaluate.lanes", tool="charrnn_eval", arguments=[folder],
                    model__hidden_size=5)
        self.succeed("charrnn_eval", folder, evaluate__lanes=3)

    def test_a_validation_split_of_one_character(self):
        (self.folder / "text.txt").write_text("The time traveller " * 50, encoding="utf-8")
        corpus = {"corpus__output": self.folder / "short", "corpus__sources": f"[{self.folder}/text.txt]",
                  "corpus__split__valid": 0.001}
        self.succeed("charrnn_preprocess", self.config, **corpus)
        self.refuse(2, "too few to predict one", "evaluate.every=0", evaluate__every=5, **corpus)
        self.assertFalse((self.folder / "run").exists())
        self.succeed("charrnn_train", self.config, "--max-steps", "1", **corpus)

    def test_command_lines(self):
        self.refuse(2, "--help", arguments=["--no-such-option"])
        self.refuse(2, "expected a config", arguments=[])
        self.refuse(2, "does not exist", tool="charrnn_eval", arguments=[self.folder / "nothing"])
        self.refuse(2, "does not exist", tool="charrnn_sample", arguments=[self.folder / "nothing"])
        self.refuse(2, "does not exist", tool="charrnn_inspect", arguments=[self.folder / "nothing"])

    def test_corpora(self):
        self.refuse(2, "nothing.txt", tool="charrnn_preprocess", corpus__sources="[nothing.txt]")
        empty = self.folder / "empty.txt"
        empty.touch()
        self.refuse(2, "empty", tool="charrnn_preprocess", corpus__sources=f"[{empty}]")
        self.refuse(2, "charrnn_preprocess", corpus__output=self.folder / "no_corpus")
        latin = self.folder / "latin.txt"
        latin.write_bytes("caf\u00e9".encode("latin-1") + b" au lait" * 20)
        self.refuse(2, "latin.txt", "UTF-8", "e9", tool="charrnn_preprocess", corpus__sources=f"[{latin}]",
                    corpus__encoding="UTF-8")

    def test_lanes(self):
        self.refuse(2, "too short for one step", "train.batch_size of 293 or less",
                    "train.sequence_length of 19 or less", train__batch_size=300)
        self.refuse(2, "too short", "train.sequence_length of 488 or less", train__sequence_length=6000)
        self.refuse(2, "cannot be shared equally by 5 ranks", "use 10 or 15", "--set train.batch_size=15", ranks=5)
        # The number that the message recommends must work for this number of ranks.
        self.refuse(2, "train.batch_size of 292 or less, a multiple of the 2 ranks", ranks=2, train__batch_size=300)
        self.succeed("charrnn_train", self.config, "--dry-run", ranks=2, train__batch_size=292)

    def test_shards(self):
        corpus = self.folder / "corpus"
        shard = corpus / "train-00003.h5"
        whole = shard.read_bytes()
        for length in (0, 100, len(whole) // 2, len(whole) - 1):
            shard.write_bytes(whole[:length])
            self.refuse(1, "train-00003.h5")
        shard.unlink()
        self.refuse(1, "train-00003.h5")
        other = self.folder / "other"
        self.succeed("charrnn_preprocess", self.config, corpus__output=other, corpus__vocabulary__min_count=50)
        shutil.copy(other / "train-00003.h5", shard)
        self.refuse(1, "train-00003.h5", "vocabulary")

    def test_checkpoints(self):
        run = self.train(checkpoint__every=4)
        for file in (run / "checkpoints").glob("step-*"):
            file.write_bytes(file.read_bytes()[:-1])
        self.refuse(1, "none of the", "can be used", train__steps=20)
        self.refuse(1, "none of the", tool="charrnn_eval", arguments=[run])
        (self.folder / "hello.safetensors").write_bytes(b"hello")
        self.refuse(1, "hello.safetensors", "is damaged", tool="charrnn_sample",
                    arguments=[self.folder / "hello.safetensors"])

    def test_what_is_fixed_in_a_run(self):
        self.train()
        self.refuse(2, "model.hidden_size was 48, is 64", "train.batch_size was 12, is 6", "run.output",
                    model__hidden_size=64, train__batch_size=6, train__steps=20)
        other = self.folder / "other"
        self.succeed("charrnn_preprocess", self.config, corpus__output=other, corpus__vocabulary__min_count=50)
        self.refuse(2, "the vocabulary had hash", corpus__output=other, train__steps=20)
        self.refuse(2, "was trained with", tool="charrnn_eval", arguments=[self.folder / "run"], corpus__output=other)

    def test_two_processes_in_one_run(self):
        import fcntl
        import os
        folder = self.train()
        descriptor = os.open(folder / ".lock", os.O_RDWR)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        self.refuse(2, "another process is training", train__steps=20)
        os.close(descriptor)

    def test_a_prefix_with_unknown_characters(self):
        run = self.train()
        self.refuse(2, "日", "character 5", tool="charrnn_sample", arguments=[run, "--prefix", "The 日"])
        self.refuse(2, "no <unk>", tool="charrnn_sample", arguments=[run, "--prefix", "The 日", "--unknown", "unk"])
        self.succeed("charrnn_sample", run, "--prefix", "The 日", "--unknown", "skip", "-n", "2")

    def test_invalid_numbers(self):
        run = self.train()
        self.refuse(2, "expected a number", tool="charrnn_sample", arguments=[run, "--temperature", "nan"])
        self.refuse(2, "expected a number above 0", arguments=[self.config, "--fit-seconds", "nan"])
        self.refuse(2, "expected a number above 0", tool="charrnn_sample", arguments=[run, "-n", "0"])

    def test_output_that_cannot_be_written(self):
        run = self.train()
        for tool in ("charrnn_eval", "charrnn_sample", "charrnn_inspect"):
            with open("/dev/full", "w", encoding="utf-8") as full:
                done = subprocess.run(command(tool, run), env=environment(), stdout=full, stderr=subprocess.PIPE,
                                      stdin=subprocess.DEVNULL, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 1, tool)
            self.assertIn("standard output", done.stderr)

    def test_corpus_built_again_since_the_run(self):
        run = self.train()
        self.succeed("charrnn_preprocess", self.config, corpus__split__valid=0.1)
        self.refuse(2, "was rebuilt after the run", tool="charrnn_eval", arguments=[run])

    def test_prefixes_of_the_config(self):
        self.refuse(2, "sample.prefixes", "日", sample__prefixes="[The 日]")
        self.refuse(2, "sample.prefixes", arguments=[self.config, "--dry-run"], sample__prefixes="[日]")
        self.assertFalse((self.folder / "run").exists())

    def test_diverged(self):
        done = self.refuse(3, "not finite", "learning_rate", ranks=2, train__optimizer__name="sgd",
                           train__optimizer__learning_rate=1000, train__clip_norm=0, train__steps=2000,
                           model__dropout=0, train__optimizer__weight_decay=10)
        self.assertIn("diverged", done.stderr)


if __name__ == "__main__":
    unittest.main()
