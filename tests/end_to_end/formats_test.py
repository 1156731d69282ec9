"""docs/formats.md lists every field that the tools write, and no others: its tables are compared with the files of small runs."""

import collections
import json
import re
import unittest

import h5py
from safetensors import safe_open
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from charrnn_cli import ROOT, ToolTest

PAGE = ROOT / "docs" / "formats.md"


class Fields:
    """The names of the first column of some tables; those whose row has the word "optional:" need not be written."""

    def __init__(self, page, title, first_column):
        """The tables below the heading `title` whose first column is called so."""
        section = re.search(rf"^### {re.escape(title)}$(.*?)(?=^#|\Z)", page, re.MULTILINE | re.DOTALL)
        if not section:
            raise AssertionError(f"{PAGE} has no heading '### {title}'")
        self.all, self.optional = set(), set()
        is_inside = False
        for line in section[1].splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
            if cells and cells[0] == first_column:
                is_inside = True
            elif not cells:
                is_inside = False
            elif is_inside and not set(cells[0]) <= set("- "):
                names = re.findall(r"`([^`]+)`", cells[0])
                self.all.update(names)
                if any("optional:" in cell for cell in cells[1:]):
                    self.optional.update(names)
        if not self.all:
            raise AssertionError(f"{PAGE} has no table '{first_column}' below '### {title}'")

    def problems(self, what, written):
        """`written`: all names in some files of this format; NAME, WEIGHT and lK of the page stand for any name and number."""
        def pattern(name):
            text = re.sub(r"NAME|WEIGHT", "\0", name)
            text = re.sub(r"(?<=_l)K$", "\1", text)
            return re.compile(re.escape(text).replace("\0", ".+").replace("\1", r"\d+"))

        patterns = {name: pattern(name) for name in self.all}
        # An object or list whose members are on the page need not be there itself.
        outer = {name[:place] for name in self.all for place, letter in enumerate(name) if letter in ".["}
        found = [f"{what}: {name} is written and not on the page" for name in sorted(set(written) - outer)
                 if not any(known.fullmatch(name) for known in patterns.values())]
        return found + [f"{what}: {name} is on the page, not marked optional, and not written"
                        for name in sorted(self.all - self.optional)
                        if not any(patterns[name].fullmatch(other) for other in written)]


def paths_in(value, path=""):
    """{"a": [{"b": 1}]} -> "a", "a[].b": of every member."""
    for name, inner in value.items():
        here = f"{path}.{name}" if path else name
        yield here
        if isinstance(inner, dict):
            yield from paths_in(inner, here)
        elif isinstance(inner, list):
            for entry in inner:
                if isinstance(entry, dict):
                    yield from paths_in(entry, here + "[]")


def json_paths(file):
    return set(paths_in(json.loads(file.read_text(encoding="utf-8"))))


class FormatsTest(ToolTest):
    @classmethod
    def setUpClass(cls):
        cls.page = PAGE.read_text(encoding="utf-8")

    def assert_listed(self, title, first_column, written, what=None):
        problems = Fields(self.page, title, first_column).problems(what or title, set(written))
        self.assertEqual(problems, [], "bring docs/formats.md up to date")

    def runs(self):
        """Every kind of line, moments of each optimizer, an average; a corpus of bytes, one with targets."""
        common = {"evaluate__every": 5, "sample__every": 10, "train__steps": 10}
        yield self.folder / "corpus", self.train("adam", train__average_decay=0.9, train__optimizer__amsgrad="true",
                                                 train__log_every=5, model__layers=2, **common)
        yield self.folder / "corpus", self.train("sgd", model__cell="gru", model__input="one_hot",
                                                 train__optimizer__name="sgd", train__optimizer__momentum=0.9, **common)
        yield self.folder / "corpus", self.train("rmsprop", model__cell="rnn_tanh", model__tied_weights="true",
                                                 model__embedding_size=48, train__optimizer__name="rmsprop", **common)
        # A rate that no training survives gives lines of the kind event.
        diverged = self.train("diverged", code=3, train__optimizer__name="sgd", train__optimizer__learning_rate=1000,
                              train__clip_norm=0, train__steps=400, train__max_skipped_steps=2, model__cell="rnn_relu",
                              model__head="linear", checkpoint__every=1)
        yield self.folder / "corpus", diverged
        self.succeed("charrnn_preprocess", self.config, corpus__unit="byte", corpus__output=self.folder / "bytes",
                     corpus__vocabulary__min_count=20)
        yield self.folder / "bytes", self.train("bytes-run", corpus__output=self.folder / "bytes", corpus__unit="byte",
                                                corpus__vocabulary__min_count=20, **common)

    def test_every_field_is_on_the_page(self):
        kinds = collections.defaultdict(set)
        tags, tensors, metadata, saved = set(), set(), set(), set()
        for corpus, run in self.runs():
            self.assert_corpus_listed(corpus)
            for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
                fields = json.loads(line)
                kinds[fields["kind"]] |= set(fields)
            for file in run.glob("events.out.tfevents.*"):
                events = EventAccumulator(str(file))
                events.Reload()
                tags |= set(events.Tags()["scalars"])
            for file in (run / "checkpoints").glob("*.safetensors"):
                with safe_open(file, "numpy") as checkpoint:
                    tensors |= set(checkpoint.keys())
                    metadata |= set(checkpoint.metadata())
                    for owner, numbers in json.loads(checkpoint.metadata()["saved"]).items():
                        saved |= {f"{owner}.{name}" for name in numbers}
            self.assertEqual((run / "vocabulary.json").read_bytes(), (corpus / "vocabulary.json").read_bytes())
        of_every_line = Fields(self.page, "metrics.jsonl", "field of every line").all
        self.assertEqual(set(kinds), {"train", "valid", "sample", "checkpoint", "event"})
        for kind, written in kinds.items():
            self.assertLessEqual(of_every_line, written, kind)
            self.assert_listed("metrics.jsonl", f"field of `{kind}`", written - of_every_line, kind)
        self.assert_listed("Event files", "tag", tags)
        self.assert_listed("A checkpoint", "tensor", tensors)
        self.assert_listed("A checkpoint", "metadata", metadata)
        self.assert_listed("A checkpoint", "number in `saved`", saved)

    def assert_corpus_listed(self, corpus):
        self.assert_listed("manifest.json", "field", json_paths(corpus / "manifest.json"))
        self.assert_listed("vocabulary.json", "field", json_paths(corpus / "vocabulary.json"))
        for file in corpus.glob("*.h5"):
            with h5py.File(file) as shard:
                self.assert_listed("A shard", "dataset", shard.keys())
                self.assert_listed("A shard", "attribute of the file", shard.attrs.keys())

    def test_fields_of_many_documents_and_of_targets(self):
        texts = self.folder / "texts"
        texts.mkdir()
        for number in range(20):
            words = " ".join(f"word{(number // 2) * 500 + i}" for i in range(400))  # each text twice
            (texts / f"{number:02}.txt").write_text(words, encoding="utf-8")
        (texts / "empty.txt").write_bytes(b"")
        (texts / "lines.jsonl").write_text('{"text": "a line of text"}\nnot JSON\n', encoding="utf-8")
        (texts / "latin.txt").write_bytes("Übermut tut selten gut, sagt die Größe. ".encode("latin-1") * 20)
        many = self.folder / "many"
        self.succeed("charrnn_preprocess", self.config, corpus__sources=f"[{texts}]", corpus__output=many,
                     corpus__on_error="skip", corpus__split__by="auto", corpus__split__test=0.2, corpus__split__valid=0.2,
                     corpus__vocabulary__max_size=20)
        self.assert_corpus_listed(many)
        # So that the optional fields, too, are seen to exist.
        written = json_paths(many / "manifest.json")
        for field in ("copies.first[].copy_in_train", "left_out[].reason", "sources[].lines_left_out", "sources[].confidence",
                      "run_together.first", "unknown.most_frequent[].count", "sources[].split"):
            self.assertIn(field, written)

        (self.folder / "upper.txt").write_text(ROOT.joinpath("data/hello/ohlol.txt").read_text(encoding="utf-8"))
        pairs = self.folder / "pairs"
        self.succeed("charrnn_preprocess", self.config, corpus__sources=f"[{ROOT / 'data/hello/hello.txt'}]",
                     corpus__targets=self.folder / "upper.txt", corpus__output=pairs, corpus__split__valid=0)
        self.assert_corpus_listed(pairs)
        with h5py.File(pairs / "train-00000.h5") as shard:
            self.assertIn("targets", shard)

    def test_a_page_that_is_wrong_is_noticed(self):
        page = "### X\n\n| field | type |\n| --- | --- |\n| `a`, `b.NAME` | |\n| `c[].d` | optional: sometimes |\n\n### Y\n"
        fields = Fields(page, "X", "field")
        self.assertEqual(fields.problems("x", {"a", "b.q"}), [])
        self.assertEqual(fields.problems("x", {"a", "b.q", "c[].d"}), [])
        self.assertEqual(fields.problems("x", {"a", "b.q", "e"}), ["x: e is written and not on the page"])
        self.assertEqual(len(fields.problems("x", {"b.q"})), 1)
        with self.assertRaises(AssertionError):
            Fields(page, "Y", "field")


if __name__ == "__main__":
    unittest.main()
