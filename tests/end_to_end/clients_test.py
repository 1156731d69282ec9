"""Python libraries open the files that charrnn writes, and compute the same numbers from them."""

import json
import subprocess
import time
import unittest

import h5py
import numpy
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from charrnn_cli import TIME_MACHINE, ToolTest, command, environment, lines, losses


class ClientsTest(ToolTest):
    def read_split(self, name):
        ids = []
        for path in sorted(getattr(self, "folder_of_corpus", self.folder / "corpus").glob(f"{name}-*.h5")):
            with h5py.File(path) as shard:
                ids.append(shard["ids"][:])
        return numpy.concatenate(ids)

    def test_h5py_reads_the_text_back(self):
        vocabulary = json.loads((self.folder / "corpus" / "vocabulary.json").read_text(encoding="utf-8"))
        characters = [entry["character"] for entry in vocabulary["characters"]]
        ids = numpy.concatenate([self.read_split("train"), self.read_split("valid")])
        self.assertEqual("".join(characters[i] for i in ids), TIME_MACHINE.read_text(encoding="utf-8"))

    def test_weights_that_python_averaged_can_be_used(self):
        run = self.train(train__steps=20, checkpoint__every=10)
        files = [run / "checkpoints" / f"step-{step:09d}.safetensors" for step in (10, 20)]
        first, last = map(load_file, files)
        with safe_open(files[1], "pt") as file:
            metadata = file.metadata()
        mean = {name: (first[name] + last[name]) / 2 for name in last}
        save_file(mean, self.folder / "mean.safetensors", metadata=metadata)
        shown = self.succeed("charrnn_eval", self.folder / "mean.safetensors", "--json")
        self.assertIn("changed by another program", shown.stderr)
        self.assertLess(abs(self.held_out_loss("lstm", self.folder / "mean.safetensors", 5) -
                            json.loads(shown.stdout)["loss_nats"]), 1e-5)
        self.assertIn("changed by another program",
                      self.succeed("charrnn_inspect", self.folder / "mean.safetensors").stdout)
        half = {name: value.half() if value.is_floating_point() else value for name, value in mean.items()}
        save_file(half, self.folder / "half.safetensors", metadata=metadata)
        self.succeed("charrnn_sample", self.folder / "half.safetensors", "--prefix", "The ", "-n", "5")
        # Training continues from it, too; a checkpoint that Python wrote again without a change is the same.
        save_file(mean, files[1], metadata=metadata)
        resumed = self.succeed("charrnn_train", self.config, train__steps=22)
        self.assertIn("changed by another program", resumed.stderr)
        again = run / "checkpoints" / "step-000000022.safetensors"
        with safe_open(again, "pt") as file:
            metadata = file.metadata()
        save_file(load_file(again), again, metadata=metadata)
        self.assertEqual(self.succeed("charrnn_sample", run, "--prefix", "The ", "-n", "5").stderr, "")
        # An edited checkpoint that cannot be used is kept when the run writes that step again.
        save_file(mean, again)
        edited = again.read_bytes()
        resumed = self.succeed("charrnn_train", self.config, train__steps=22)
        self.assertIn("the old file is now in", resumed.stderr)
        self.assertEqual((run / "discarded" / again.name).read_bytes(), edited)
        mean["head.bias"][0] = float("nan")
        save_file(mean, self.folder / "nan.safetensors", metadata=metadata)
        self.refuse(1, "head.bias", "not finite", tool="charrnn_sample",
                    arguments=[self.folder / "nan.safetensors", "--prefix", "The "])

    def held_out_loss(self, cell, checkpoint, lanes):
        """The loss as charrnn_eval defines it, with torch.nn: every target once, each lane from zero state."""
        weights = load_file(checkpoint)
        rnn = self.torch_model(cell, weights, sum(name.startswith("rnn.weight_ih_l") for name in weights))
        ids = torch.from_numpy(self.read_split("valid").astype(numpy.int64))
        total, targets = 0.0, len(ids) - 1
        for k in range(lanes):
            begin, end = k * targets // lanes, (k + 1) * targets // lanes
            embedded = (weights["embedding.weight"][ids[begin:end]] if "embedding.weight" in weights else
                        torch.nn.functional.one_hot(ids[begin:end], rnn.input_size).float())
            with torch.no_grad():
                logits = torch.nn.functional.linear(rnn(embedded[None])[0][0], weights["head.weight"],
                                                    weights["head.bias"])
            total += torch.nn.functional.cross_entropy(logits, ids[begin + 1:end + 1], reduction="sum").item()
        return total / targets

    def test_torch_finds_the_same_loss(self):
        kinds = [(cell, settings) for cell in ("lstm", "gru", "rnn_tanh", "rnn_relu")
                 for settings in ({"model__layers": 2}, {"model__input": "one_hot"})]
        for number, (cell, settings) in enumerate(kinds):
            with self.subTest(cell=cell, **settings):
                run = self.train(f"run{number}", train__steps=30, train__optimizer__learning_rate=0.01, model__cell=cell,
                                 **settings)
                checkpoint = run / "checkpoints" / "latest"
                shown = json.loads(self.succeed("charrnn_eval", checkpoint, "--json").stdout)
                self.assertEqual(shown["characters"], len(self.read_split("valid")) - 1)
                self.assertLess(abs(self.held_out_loss(cell, checkpoint, 5) - shown["loss_nats"]), 1e-5)

    def torch_model(self, cell, weights, layers):
        kind, more = {"lstm": (torch.nn.LSTM, {}), "gru": (torch.nn.GRU, {}), "rnn_tanh": (torch.nn.RNN, {}),
                      "rnn_relu": (torch.nn.RNN, {"nonlinearity": "relu"})}[cell]
        rnn = kind(weights["rnn.weight_ih_l0"].shape[1], weights["rnn.weight_hh_l0"].shape[1], num_layers=layers,
                   batch_first=True, **more)
        rnn.load_state_dict({name[4:]: value for name, value in weights.items() if name.startswith("rnn.")})
        return rnn

    def torch_losses(self, cell, weights, layers, steps, rate, clip, lanes=12, length=20):
        """Truncated back-propagation over one shard, as usually written in PyTorch."""
        rnn = self.torch_model(cell, weights, layers)
        others = {name: value.clone().requires_grad_(True) for name, value in weights.items()
                  if name.split(".")[0] in ("embedding", "head")}
        parameters = list(rnn.parameters()) + list(others.values())
        optimizer = torch.optim.Adam(parameters, lr=rate)
        ids = torch.from_numpy(self.read_split("train").astype(numpy.int64))
        span = (len(ids) - 1) // lanes
        state, losses_seen = None, []
        for step in range(steps):
            places = torch.arange(lanes)[:, None] * span + step * length + torch.arange(length)
            x = (others["embedding.weight"][ids[places]] if "embedding.weight" in others else
                 torch.nn.functional.one_hot(ids[places], rnn.input_size).float())
            output, state = rnn(x, state)
            if "head.bias" in others:
                output = torch.nn.functional.linear(output, others.get("head.weight", others.get("embedding.weight")),
                                                    others["head.bias"])
            loss = torch.nn.functional.cross_entropy(output.flatten(0, 1), ids[places + 1].flatten())
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, clip)
            optimizer.step()
            state = tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
            losses_seen.append(loss.item())
        return losses_seen

    def test_every_cell_trains_as_in_torch(self):
        corpus = self.folder / "one_shard"
        self.succeed("charrnn_preprocess", self.config, corpus__output=corpus, corpus__shard_size=1000000)
        characters = len(json.loads((corpus / "vocabulary.json").read_text(encoding="utf-8"))["characters"])
        self.folder_of_corpus = corpus
        cases = [(cell, layers, {}) for cell in ("lstm", "gru", "rnn_tanh", "rnn_relu") for layers in (1, 2)]
        cases += [("gru", 1, {"model__input": "one_hot"}),
                  ("lstm", 2, {"model__tied_weights": "true", "model__embedding_size": 48}),
                  ("rnn_tanh", 1, {"model__head": "none", "model__input": "one_hot", "model__hidden_size": characters})]
        for number, (cell, layers, more) in enumerate(cases):
            with self.subTest(cell=cell, layers=layers, more=more):
                settings = {"corpus__output": corpus, "model__cell": cell, "model__layers": layers, "model__dropout": 0,
                            "train__random_offset": "false", "train__optimizer__learning_rate": 0.01, **more}
                first = self.train(f"first{number}", train__steps=1, **settings)
                weights = {name: value for name, value in load_file(first / "checkpoints" / "latest").items()
                           if name.split(".")[0] in ("embedding", "rnn", "head")}
                run = self.train(f"run{number}", train__steps=15, train__start_from=first, **settings)
                for ours, theirs in zip(losses(run), self.torch_losses(cell, weights, layers, 15, 0.01, 0.5), strict=True):
                    self.assertLess(abs(ours - theirs), 1e-5)
                # Stopped and resumed, evaluated and sampled like any other.
                parts = self.train(f"parts{number}", train__steps=15, train__start_from=first, extra=["--max-steps", 7],
                                   ranks=2, **settings)
                self.train(f"parts{number}", train__steps=15, train__start_from=first, ranks=2, **settings)
                self.assertLess(max(abs(a - b) for a, b in zip(losses(run), losses(parts), strict=True)), 1e-5)
                json.loads(self.succeed("charrnn_eval", run, "--json").stdout)
                self.assertEqual(len(self.succeed("charrnn_sample", run, "--prefix", "The ", "-n", 30).stdout) == 4 + 30 + 1,
                                 True)

    def test_schedules_are_torchs(self):
        schedulers = torch.optim.lr_scheduler

        def rates(make):
            optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.03)
            warm_up = schedulers.LinearLR(optimizer, start_factor=1 / 5, total_iters=4)
            schedule = schedulers.SequentialLR(optimizer, [warm_up, make(optimizer)], milestones=[5])
            seen = []
            for _ in range(50):
                seen.append(optimizer.param_groups[0]["lr"])
                optimizer.step()
                schedule.step()
            return seen
        for name, more, make in (
                ("constant", {}, lambda o: schedulers.ConstantLR(o, factor=1)),
                ("inverse_sqrt", {}, lambda o: schedulers.LambdaLR(o, lambda step: (5 / (5 + step)) ** 0.5)),
                ("step", {"step_size": 6, "factor": 0.3}, lambda o: schedulers.StepLR(o, 6, gamma=0.3)),
                ("linear", {"final_fraction": 0.1},
                 lambda o: schedulers.LinearLR(o, start_factor=1, end_factor=0.1, total_iters=45)),
                ("cosine", {"final_fraction": 0.1},
                 lambda o: schedulers.CosineAnnealingLR(o, T_max=45, eta_min=0.003))):
            with self.subTest(schedule=name):
                run = self.train(name, train__steps=50, train__schedule__name=name, train__schedule__warmup_steps=5,
                                 **{f"train__schedule__{key}": value for key, value in more.items()})
                ours = [line["learning_rate"] for line in lines(run, "train")]
                for a, b in zip(ours, rates(make), strict=True):
                    self.assertAlmostEqual(a, b, 12)

    def test_plateau_is_torchs(self):
        more = {"factor": 0.5, "patience": 1, "threshold": 0.01, "cooldown": 1, "final_fraction": 0.05}
        run = self.train(train__steps=50, evaluate__every=1, train__optimizer__learning_rate=0.1,
                         train__schedule__name="plateau",
                         **{f"train__schedule__{key}": value for key, value in more.items()})
        optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1, threshold=0.01, cooldown=1,
                                                              min_lr=0.005)
        rates = []
        for value in losses(run, "valid"):
            rates.append(optimizer.param_groups[0]["lr"])
            schedule.step(value)
        self.assertLess(rates[-1], 0.05, "the rate was cut more than once")
        for ours, theirs in zip(lines(run, "train"), rates, strict=True):
            self.assertAlmostEqual(ours["learning_rate"], theirs, 12)

    def test_names_and_metadata(self):
        run = self.train(train__steps=2)
        with safe_open(run / "checkpoints" / "latest", "pt") as file:
            names = set(file.keys())
            metadata = file.metadata()
        weights = {"embedding.weight", "head.weight", "head.bias"} | {
            f"rnn.{part}_{side}_l0" for part in ("weight", "bias") for side in ("ih", "hh")}
        moments = {f"optimizer.{moment}.{weight}" for moment in ("exp_avg", "exp_avg_sq") for weight in weights}
        self.assertEqual(names, weights | moments | {"state.h", "state.c"})
        self.assertEqual(int(metadata["step"]), 2)
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

    def test_an_open_tensorboard_shows_the_curve_after_a_kill(self):
        """Its reader never reads a file again: after a kill, it must be informed which values are lost."""
        arguments = ["--set", "train.steps=100000", "--set", "checkpoint.every=4"]
        process = subprocess.Popen(command("charrnn_train", self.config, *arguments), env=environment(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        metrics = self.folder / "run" / "metrics.jsonl"
        end = time.monotonic() + 30
        while not metrics.exists() or '"step":11,' not in metrics.read_text(encoding="utf-8"):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)
        process.kill()
        process.wait()
        reader = EventAccumulator(str(self.folder / "run")).Reload()
        last = reader.Scalars("train/loss_nats")[-1].step
        self.succeed("charrnn_train", self.config, *arguments, "--max-steps", last + 20, train__log_every=3)
        for _ in range(3):  # each reads one file
            reader.Reload()
        shown = [(event.step, event.value) for event in reader.Scalars("train/loss_nats")]
        written = [(line["step"], numpy.float32(line["loss_nats"])) for line in lines(self.folder / "run", "train")]
        self.assertEqual(shown, written)
        self.assertLess(len(shown), last + 20, "expected fewer lines than steps")


if __name__ == "__main__":
    unittest.main()
