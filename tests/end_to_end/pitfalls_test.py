"""Common mistakes of beginners: each config in pitfalls/ triggers exactly one warning, and a healthy run none."""

import pathlib
import shutil
import tempfile
import unittest

from charrnn_cli import ROOT, lines, overrides, run

# Words that only the warning about this pitfall contains.
PITFALLS = {
    "nothing_learnt": "not below the unigram baseline",
    "one_character": "a sample repeats a single character",
    "exploding": "exploding gradients",
    "rate_too_high": "learning rate is far too high",
    "memorised": "has memorised its text",
    "one_character_back": "train.sequence_length is 1",
}


class PitfallsTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="charrnn-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def lines_of(self, config, code, **settings):
        """The pitfalls that a run of this config reports, in order, and its output."""
        output = self.folder / config.stem
        settings = overrides(corpus__output=self.folder / f"{config.stem}-corpus", run__output=output, run__device="cpu",
                             run__threads=1, **settings)
        self.assertEqual(run("charrnn_preprocess", config, *settings, cwd=ROOT).returncode, 0)
        done = run("charrnn_train", config, *settings, cwd=ROOT)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        texts = [line["text"] for line in lines(output, "event")]
        for text in texts:
            self.assertIn(text, done.stderr)
        return [name for text in texts for name, words in PITFALLS.items() if words in text]

    def test_each_config_triggers_exactly_its_warning(self):
        configs = sorted((ROOT / "tests" / "end_to_end" / "pitfalls").glob("*.yaml"))
        self.assertEqual({config.stem for config in configs}, set(PITFALLS))
        for config in configs:
            with self.subTest(config=config.name):
                self.assertEqual(self.lines_of(config, 3 if config.stem == "exploding" else 0), [config.stem])

    def test_a_healthy_run_triggers_none(self):
        found = self.lines_of(ROOT / "configs" / "quickstart.yaml", 0, train__epochs="none", train__steps=1100,
                              model__hidden_size=64, train__sequence_length=32, evaluate__every=550,
                              sample__every=550, sample__temperatures="[greedy]", sample__length=50)
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main()
