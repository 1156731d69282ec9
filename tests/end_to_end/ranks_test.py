"""Neither the loss curve nor a validation loss depends on the number of ranks."""

import json
import subprocess
import unittest

from charrnn_cli import TIME_MACHINE, ToolTest, command, environment, lines, losses, overrides

STEPS = 50
# The largest relative difference allowed. Typical is 2e-7, from the order of summation in float; a mistake in the exchange
# causes 1e-3 and more.
TOLERANCE = 1e-5


class RanksTest(ToolTest):
    def assert_same_curve(self, **settings):
        curves = {}
        for ranks in (1, 2, 4):
            folder = self.train(f"np{ranks}", ranks=ranks, train__steps=STEPS, **{"evaluate__every": 25, **settings})
            curves[ranks] = losses(folder)
            self.assertEqual(len(curves[ranks]), STEPS)
            self.valid[ranks] = losses(folder, "valid")
        for ranks in (2, 4):
            for a, b in zip(curves[1] + self.valid[1], curves[ranks] + self.valid[ranks], strict=True):
                self.assertLess(abs(a - b), TOLERANCE * a, f"{ranks} ranks")
        shown = json.loads(self.succeed("charrnn_eval", self.folder / "np1", "--json").stdout)
        self.assertLess(lines(self.folder / "np4", "train")[-1]["bits_per_character"], shown["unigram_bits"],
                        "it learnt something")
        # 12 lanes x 20 characters, shards of 6,000: the next shard begins about every 24 steps.
        self.assertGreater(json.loads(self.succeed("charrnn_inspect", self.folder / "np2", "--json").stdout)
                           ["checkpoint"]["position"]["place"], 0)

    def setUp(self):
        super().setUp()
        self.valid = {}

    def test_adam_with_clipping(self):
        self.assert_same_curve(train__clip_norm=0.2)
        norms = [line["gradient_norm"] for line in lines(self.folder / "np1", "train")]
        self.assertGreater(sum(norm > 0.2 for norm in norms), 10, "clipping was active")

    def test_losses_read_rarely_and_a_stop_between(self):
        # Each line of the curve is complete at its step, even though log_every 5 is not a multiple of read_every.
        settings = {"train__steps": 20, "train__log_every": 5, "checkpoint__every": 20}
        often = self.train("often", ranks=2, **settings)
        seldom = self.train("seldom", ranks=2, train__read_every=3, extra=["--max-steps", 7], **settings)
        self.train("seldom", ranks=2, train__read_every=3, **settings)
        self.assertEqual([line["step"] for line in lines(seldom, "train")], [5, 10, 15, 20])
        for a, b in zip(losses(often), losses(seldom), strict=True):
            self.assertLess(abs(a - b), 1e-12 * a, "the same sums, added in other groups")

    def test_fp16_in_the_model_and_between_the_ranks(self):
        # If gradients were scaled for the exchange as well, the loss scale would make fp16 overflow.
        halves = {"train__steps": 20, "train__precision": "fp16", "comm__gradient_type": "fp16"}
        folder = self.train("halves", ranks=2, comm__gradient_buckets="layer", train__accumulate=2, **halves)
        whole = self.train("whole", ranks=2, train__steps=20)
        self.assertEqual(lines(folder, "train")[-1]["skipped_steps"], 0)
        for a, b in zip(losses(whole), losses(folder), strict=True):
            self.assertLess(abs(a - b), 1e-2 * a, "11 bits in each product")

    def test_plain_sgd_without_clipping(self):
        # Unlike Adam and clipping, SGD does not hide a gradient that is W times too large.
        self.assert_same_curve(train__clip_norm=0, train__optimizer__name="sgd", train__optimizer__learning_rate=1.0)

    def test_two_hundred_steps_and_a_run_that_changes_its_ranks(self):
        # 24 lanes for 1, 2, 3, 4 and 8 ranks; two shards of 85,000 characters are 177 steps each.
        corpus = self.folder / "two_shards"
        self.succeed("charrnn_preprocess", self.config, corpus__output=corpus, corpus__shard_size=90000)
        settings = {"corpus__output": corpus, "train__batch_size": 24, "train__steps": 200, "train__clip_norm": 0.2,
                    "train__optimizer__learning_rate": 0.01}
        curves = {ranks: losses(self.train(f"w{ranks}", ranks=ranks, **settings)) for ranks in (1, 2, 3, 4, 8)}
        for ranks, until in ((4, 60), (2, 110), (1, 150), (8, 200)):
            folder = self.train("elastic", ranks=ranks, extra=["--max-steps", until], **settings)
        curves["4, 2, 1, 8"] = losses(folder)
        for ranks, curve in curves.items():
            self.assertEqual(len(curve), 200)
            for a, b in zip(curves[1], curve):
                self.assertLess(abs(a - b), TOLERANCE * a, f"{ranks} ranks")
        norms = [line["gradient_norm"] for line in lines(folder, "train")]
        self.assertGreater(sum(norm > 0.2 for norm in norms), 20, "clipping was active")
        self.assertLess(curves[1][-1], 0.8 * curves[1][0], "it learnt something")

    def test_lanes_that_start_afresh_with_each_document(self):
        text = TIME_MACHINE.read_text(encoding="utf-8")[:40000]
        for k in range(40):
            (self.folder / f"part{k:02d}.txt").write_text(text[k * 1000:(k + 1) * 1000], encoding="utf-8")
        corpus = self.folder / "documents"
        self.succeed("charrnn_preprocess", self.config, corpus__output=corpus, corpus__split__by="tail",
                     corpus__sources=f"[{self.folder}/part*.txt]")
        settings = {"corpus__output": corpus, "train__reset_state": "document"}
        self.assert_same_curve(**settings)
        carried = losses(self.train("carried", train__steps=STEPS, corpus__output=corpus))
        self.assertNotEqual(losses(self.folder / "np1"), carried)
        # Stopped on 4 ranks, resumed with 2 at exactly the same character.
        self.train("elastic", ranks=4, extra=["--max-steps", 17], train__steps=STEPS, **settings)
        elastic = losses(self.train("elastic", ranks=2, train__steps=STEPS, **settings))
        for a, b in zip(losses(self.folder / "np1"), elastic, strict=True):
            self.assertLess(abs(a - b), TOLERANCE * a)

    def test_ranks_with_other_settings_or_another_corpus_are_refused(self):
        other = self.folder / "other"
        self.succeed("charrnn_preprocess", self.config, corpus__output=other, corpus__lower_case="true")
        for settings, words in (({"train__optimizer__learning_rate": 0.5},
                                 ["train.optimizer.learning_rate is 0.5, on rank 0 0.03"]),
                                ({"model__hidden_size": 64, "run__seed": 4},
                                 ["model.hidden_size is 64, on rank 0 48", "run.seed is 4, on rank 0 3"]),
                                ({"corpus__output": other}, ["the hash of the corpus is", "the hash of its vocabulary is"])):
            with self.subTest(**settings):
                one = command("charrnn_train", self.config)
                two = command("charrnn_train", self.config, *overrides(**settings))
                done = subprocess.run(["mpirun", "--oversubscribe", "--bind-to", "none", "-np", "1", *one,
                                       ":", "-np", "1", *two], env=environment(), timeout=60, stdin=subprocess.DEVNULL,
                                      capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 2, done.stderr)
                for word in ["expected the same on all ranks", "(rank 1)", *words]:
                    self.assertIn(word, done.stderr)
                self.assertFalse((self.folder / "run" / "metrics.jsonl").exists())

    def test_random_sampling(self):
        self.assert_same_curve(train__sampling="random")

    def test_drawn_lengths_groups_plateau_and_separate_targets(self):
        text = TIME_MACHINE.read_text(encoding="utf-8")[:60000]
        (self.folder / "text.txt").write_text(text, encoding="utf-8")
        (self.folder / "targets.txt").write_text(text.swapcase(), encoding="utf-8")
        corpus = self.folder / "aligned"
        aligned = {"corpus__output": corpus, "corpus__sources": f"[{self.folder}/text.txt]",
                   "corpus__targets": self.folder / "targets.txt"}
        self.succeed("charrnn_preprocess", self.config, **aligned)
        settings = {**aligned, "train__sequence_length": "[5, 40]", "train__accumulate": 3, "evaluate__every": 10,
                    "comm__gradient_buckets": "layer", "train__optimizer__name": "sgd", "train__clip_norm": 0,
                    "train__optimizer__learning_rate": 1.0, "train__schedule__name": "plateau",
                    "train__schedule__patience": 0, "train__schedule__threshold": 0.9, "train__schedule__factor": 0.5}
        self.assert_same_curve(**settings)
        rates = [line["learning_rate"] for line in lines(self.folder / "np1", "train")]
        self.assertEqual((rates[0], rates[-1]), (1.0, 0.125), "no value is a tenth of the one before")
        # Stopped on 4 ranks in the middle of a shard, resumed with 2.
        self.train("elastic", ranks=4, extra=["--max-steps", 17], train__steps=STEPS, **settings)
        elastic = losses(self.train("elastic", ranks=2, train__steps=STEPS, **settings))
        for a, b in zip(losses(self.folder / "np1"), elastic, strict=True):
            self.assertLess(abs(a - b), TOLERANCE * a)

    def test_lanes_of_unequal_length_count_by_characters(self):
        # 8,948 targets in 5 lanes, 3 and 2 on the 2 ranks: the mean of the ranks' means would be different.
        folder = self.train(train__steps=20)
        values = [json.loads(self.succeed("charrnn_eval", folder, "--json", ranks=ranks).stdout) for ranks in (1, 2, 3, 7)]
        for value in values:
            self.assertEqual(value["characters"], values[0]["characters"])
            self.assertLess(abs(value["loss_nats"] - values[0]["loss_nats"]), 1e-6)


if __name__ == "__main__":
    unittest.main()
