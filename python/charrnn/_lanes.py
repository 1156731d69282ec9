"""The batches that the trainer reads, as a dataset of torch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch.utils.data import IterableDataset, get_worker_info

from . import _native
from ._arrays import check_seed, check_whole
from ._corpus import Corpus
from ._errors import InputError

Position = tuple[int, int, int]


class Batch(NamedTuple):
    """What one step reads of B lanes: T characters each, and their targets."""

    inputs: torch.Tensor
    """(B, T) of int64."""
    targets: torch.Tensor
    """(B, T) of int64: the character after each of ``inputs``, or its aligned target (corpus.targets)."""
    fresh: torch.Tensor
    """(B,) of bool: lanes whose state is zero before this step. In the others the state of the step before continues."""


class Lanes(IterableDataset[Batch]):
    """The batches that charrnn_train reads with these settings, in the same order.

    A split is cut into B lanes, rows of a batch that each read their own stretch of text; the state of a lane continues from
    batch to batch, except the lanes that ``fresh`` marks. Arguments are called as the settings (docs/running.md). It never
    ends unless ``steps`` or ``epochs`` is given.

    >>> lanes = charrnn.Lanes("corpora/shakespeare", batch_size=32, sequence_length=64, epochs=1)
    >>> for inputs, targets, fresh in torch.utils.data.DataLoader(lanes, batch_size=None):
    ...     ...

    A thread of C++ reads ahead, so workers would gain nothing: DataLoader(num_workers=0), its default, is the only value
    that is allowed.

    corpus:          a Corpus or its folder
    batch_size:      B, lanes of all parts together
    sequence_length: T, characters of a step; (10, 40) draws it for each step between 10 and 40
    sampling:        "sequential", or "random" for windows in a drawn order
    random_offset:   each epoch starts each shard at a drawn character
    reset_state:     "shard": lanes start from zero state at each shard; "document": also at the start of each document
    seed:            of what is drawn (run.seed)
    split:           "train", "valid" or "test"
    part, parts:     only part number ``part`` (from 0) of ``parts`` equal ones of the lanes, as rank ``part`` reads
    steps, epochs:   the end, for each iteration; one of them or neither
    start:           begin here, at a ``position`` of other lanes with equal arguments, instead of at the start
    """

    def __init__(self, corpus: Corpus | str | os.PathLike[str], *, batch_size: int = 32,
                 sequence_length: int | Sequence[int] = 64, sampling: str = "sequential", random_offset: bool = True,
                 reset_state: str = "shard", seed: int = 1, split: str = "train", part: int = 0, parts: int = 1,
                 steps: int | None = None, epochs: float | None = None, start: Sequence[int] = (0, 0, 0)) -> None:
        super().__init__()
        self.corpus = corpus if isinstance(corpus, Corpus) else Corpus(corpus)
        self._split = self.corpus[split]._native
        self._parts = check_whole("parts", parts, 1)
        self._part = check_whole("part", part, 0)
        if self._part >= self._parts or self._parts >= 1 << 31:
            raise InputError(f"part {part} of {parts}: expected a number from 0 to {parts - 1}")
        self._options = _native.LaneOptions(
            batch_size=check_whole("batch_size", batch_size, 1), sequence_length=_range(sequence_length), sampling=sampling,
            random_offset=bool(random_offset), reset_state=reset_state, seed=check_seed(seed))
        if steps is not None and epochs is not None:
            raise InputError("steps and epochs were both given: expected one of them")
        if epochs is not None and not 0 < epochs < 1e12:
            raise InputError(f"epochs is {epochs}, expected a number above 0")
        self._steps = None if steps is None else check_whole("steps", steps, 0)
        if epochs is not None:
            self._steps = _native.steps_for(self._split, self._options, float(epochs))
        if len(start) != 3:
            raise InputError(f"start is {start!r}, expected a position: (epoch, place, done)")
        self._start = self._position = (check_whole("start", start[0], 0), check_whole("start", start[1], 0),
                                        check_whole("start", start[2], 0))
        self._open()  # what cannot work is reported now, not at the first batch

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], corpus: Corpus | str | os.PathLike[str] | None = None, *,
                      part: int = 0, parts: int = 1, **others: Any) -> Lanes:
        """The lanes of a run, by its settings (``Model.settings``), for rank ``part`` of ``parts``.

        ``corpus`` is that of the settings (corpus.output) if it is not given. Other arguments are those of ``Lanes``, and win
        over the settings.
        """
        train = settings["train"]
        per_rank = train["lanes_per_rank"]
        arguments = {
            "batch_size": per_rank * parts if isinstance(per_rank, int) else train["batch_size"],
            "sequence_length": train["sequence_length"],
            "sampling": train["sampling"],
            "random_offset": train["random_offset"],
            "reset_state": train["reset_state"],
            "seed": settings["run"]["seed"],
            **others,
        }
        return cls(settings["corpus"]["output"] if corpus is None else corpus, part=part, parts=parts, **arguments)

    def __iter__(self) -> Iterator[Batch]:
        if get_worker_info() is not None:
            raise InputError("charrnn.Lanes cannot be read by workers of a DataLoader, as each would read all of it: "
                             "expected num_workers=0. Its own thread reads ahead")
        return self._batches()

    def __len__(self) -> int:
        """Batches of one iteration."""
        if self._steps is None:
            raise TypeError("these lanes never end: give Lanes steps or epochs")
        return self._steps

    @property
    def position(self) -> Position:
        """Where the latest iteration would read on: (epoch, place in the order of shards, what was read of the shard)."""
        return self._position

    def _open(self) -> _native.Lanes:
        return _native.Lanes(self._split, self._options, self._part, self._parts, self._start)

    def _batches(self) -> Iterator[Batch]:
        lanes = self._open()
        self._position = self._start
        done = 0
        while self._steps is None or done < self._steps:
            inputs, targets, fresh = lanes.next()
            self._position = lanes.position
            done += 1
            yield Batch(torch.from_numpy(inputs), torch.from_numpy(targets), torch.from_numpy(fresh))


def _range(length: int | Sequence[int]) -> tuple[int, int]:
    ends = list(length) if isinstance(length, (list, tuple)) else [length, length]
    if len(ends) != 2:
        raise InputError(f"sequence_length is {length!r}, expected a number or two")
    smallest, largest = (check_whole("sequence_length", end, 1) for end in ends)
    if smallest > largest:
        raise InputError(f"sequence_length is {length!r}, expected the smaller number first")
    return smallest, largest
