"""The loss curve does not depend on the number of ranks, and neither does a validation value."""

import json
import unittest

from charrnn_cli import ToolTest, losses, lines

STEPS = 50
# The largest relative difference allowed. What is seen is 2e-7, the order of summation in float; a mistake in the
# exchange shows at 1e-3 and above.
TOLERANCE = 1e-5


class RanksTest(ToolTest):
    def assert_same_curve(self, **settings):
        curves = {}
        for ranks in (1, 2, 4):
            folder = self.train(f"np{ranks}", ranks=ranks, train__steps=STEPS, evaluate__every=25, **settings)
            curves[ranks] = losses(folder)
            self.assertEqual(len(curves[ranks]), STEPS)
            self.valid[ranks] = losses(folder, "valid")
        for ranks in (2, 4):
            for a, b in zip(curves[1] + self.valid[1], curves[ranks] + self.valid[ranks], strict=True):
                self.assertLess(abs(a - b), TOLERANCE * a, f"{ranks} ranks")
        shown = json.loads(self.succeed("charrnn_eval", self.folder / "np1", "--json").stdout)
        self.assertLess(lines(self.folder / "np4", "train")[-1]["bits_per_character"], shown["unigram_bits"],
                        "it learnt something")
        # 12 lanes x 20 characters of shards of 6,000: a border of shards about every 24 steps.
        self.assertGreater(json.loads(self.succeed("charrnn_inspect", self.folder / "np2", "--json").stdout)
                           ["checkpoint"]["position"]["place"], 0)

    def setUp(self):
        super().setUp()
        self.valid = {}

    def test_adam_with_clipping(self):
        self.assert_same_curve(train__clip_norm=0.2)
        norms = [line["gradient_norm"] for line in lines(self.folder / "np1", "train")]
        self.assertGreater(sum(norm > 0.2 for norm in norms), 10, "clipping was active")

    def test_plain_sgd_without_clipping(self):
        # Unlike Adam and clipping, SGD does not forgive a gradient that is W times too large.
        self.assert_same_curve(train__clip_norm=0, train__optimizer__name="sgd", train__optimizer__learning_rate=1.0)

    def test_random_sampling(self):
        self.assert_same_curve(train__sampling="random")

    def test_lanes_of_unequal_length_count_by_characters(self):
        # 8,948 targets in 5 lanes, dealt to 2 ranks as 3 and 2: a mean of the ranks' means would be another value.
        folder = self.train(train__steps=20)
        values = [json.loads(self.succeed("charrnn_eval", folder, "--json", ranks=ranks).stdout) for ranks in (1, 2, 3, 7)]
        for value in values:
            self.assertEqual(value["characters"], values[0]["characters"])
            self.assertLess(abs(value["loss_nats"] - values[0]["loss_nats"]), 1e-6)


if __name__ == "__main__":
    unittest.main()
