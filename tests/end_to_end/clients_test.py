"""Python's own tools open what charrnn writes, and compute the same from it."""

import json
import unittest

import h5py
import numpy
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from charrnn_cli import TIME_MACHINE, ToolTest, lines


class ClientsTest(ToolTest):
    def read_split(self, name):
        ids = []
        for path in sorted((self.folder / "corpus").glob(f"{name}-*.h5")):
            with h5py.File(path) as shard:
                ids.append(shard["ids"][:])
        return numpy.concatenate(ids)

    def test_h5py_reads_the_text_back(self):
        vocabulary = json.loads((self.folder / "corpus" / "vocabulary.json").read_text(encoding="utf-8"))
        characters = [entry["character"] for entry in vocabulary["characters"]]
        ids = numpy.concatenate([self.read_split("train"), self.read_split("valid")])
        self.assertEqual("".join(characters[i] for i in ids), TIME_MACHINE.read_text(encoding="utf-8"))

    def held_out_loss(self, checkpoint, lanes):
        """charrnn_eval's definition, with torch.nn.LSTM: every target once, each lane from zero state."""
        weights = load_file(checkpoint)
        lstm = torch.nn.LSTM(weights["rnn.weight_ih_l0"].shape[1], weights["rnn.weight_hh_l0"].shape[1],
                             num_layers=sum(name.startswith("rnn.weight_ih_l") for name in weights), batch_first=True)
        lstm.load_state_dict({name[4:]: value for name, value in weights.items() if name.startswith("rnn.")})
        ids = torch.from_numpy(self.read_split("valid").astype(numpy.int64))
        total, targets = 0.0, len(ids) - 1
        for k in range(lanes):
            begin, end = k * targets // lanes, (k + 1) * targets // lanes
            embedded = (weights["embedding.weight"][ids[begin:end]] if "embedding.weight" in weights else
                        torch.nn.functional.one_hot(ids[begin:end], lstm.input_size).float())
            with torch.no_grad():
                logits = torch.nn.functional.linear(lstm(embedded[None])[0][0], weights["head.weight"],
                                                    weights["head.bias"])
            total += torch.nn.functional.cross_entropy(logits, ids[begin + 1:end + 1], reduction="sum").item()
        return total / targets

    def test_torch_finds_the_same_loss(self):
        for name, settings in (("embedding", {"model__layers": 2}), ("one_hot", {"model__input": "one_hot"})):
            with self.subTest(input=name):
                run = self.train(name, train__steps=30, **settings)
                checkpoint = run / "checkpoints" / "latest"
                shown = json.loads(self.succeed("charrnn_eval", checkpoint, "--json").stdout)
                self.assertEqual(shown["characters"], len(self.read_split("valid")) - 1)
                self.assertLess(abs(self.held_out_loss(checkpoint, 5) - shown["loss_nats"]), 1e-5)

    def test_names_and_metadata(self):
        run = self.train(train__steps=2)
        with safe_open(run / "checkpoints" / "latest", "pt") as file:
            names = set(file.keys())
            metadata = file.metadata()
        weights = {"embedding.weight", "head.weight", "head.bias"} | {
            f"rnn.{part}_{side}_l0" for part in ("weight", "bias") for side in ("ih", "hh")}
        moments = {f"optimizer.{moment}.{weight}" for moment in ("exp_avg", "exp_avg_sq") for weight in weights}
        self.assertEqual(names, weights | moments | {"state.h", "state.c"})
        self.assertEqual(json.loads(metadata["progress"])["step"], 2)
        self.assertIn("hidden_size: 48", metadata["config"])
        self.assertGreater(len(json.loads(metadata["vocabulary"])["characters"]), 20)

    def test_tensorboard_shows_the_curve(self):
        run = self.train(extra=["--max-steps", 4], train__steps=9, evaluate__every=3)
        self.train(train__steps=9, evaluate__every=3)
        reader = EventAccumulator(str(run)).Reload()
        shown = [(event.step, event.value) for event in reader.Scalars("train/loss_nats")]
        written = [(line["step"], numpy.float32(line["loss_nats"])) for line in lines(run, "train")]
        self.assertEqual(shown, written)
        self.assertEqual([event.step for event in reader.Scalars("valid/bits_per_character")], [3, 6, 9])


if __name__ == "__main__":
    unittest.main()
