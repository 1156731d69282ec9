"""A preprocessed corpus: ids as numpy memory maps."""

from __future__ import annotations

import functools
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from . import _native
from ._arrays import Ids
from ._errors import InputError
from ._vocabulary import Vocabulary

IdArray = npt.NDArray[Any]  # of uint8, uint16 or uint32: the smallest that holds the ids


class Corpus:
    """A corpus that charrnn_preprocess made: ``charrnn.Corpus("corpora/shakespeare")``.

    Opening it checks that the manifest, the vocabulary and the shards belong together.

    >>> corpus = charrnn.Corpus("corpora/shakespeare")
    >>> corpus["train"].shards[0][:1000]       # a numpy memory map of ids
    >>> corpus.decode(corpus["train"][500:600])
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._native = _native.CorpusFolder.open(pathlib.Path(os.fspath(folder)))
        self._vocabulary = Vocabulary(self._native.vocabulary)
        self._splits = {split.name: Split(split) for split in self._native.splits}

    def __repr__(self) -> str:
        return f"<charrnn.Corpus {self.path}: {', '.join(f'{name} {len(split):,}' for name, split in self._splits.items())}>"

    def __getitem__(self, split: str) -> Split:
        """The split ``"train"``, ``"valid"`` or ``"test"``."""
        if split in self._splits:
            return self._splits[split]
        self._native.require_split(split)  # raises, with the names there are
        raise InputError(f"there is no split {split}")

    def __contains__(self, split: object) -> bool:
        return split in self._splits

    def __iter__(self) -> Iterator[str]:
        return iter(self._splits)

    @property
    def splits(self) -> dict[str, Split]:
        """The splits by name, train first."""
        return dict(self._splits)

    @property
    def path(self) -> pathlib.Path:
        """Its folder."""
        return self._native.path

    @property
    def vocabulary(self) -> Vocabulary:
        """The characters that its ids stand for."""
        return self._vocabulary

    @functools.cached_property
    def manifest(self) -> dict[str, Any]:
        """manifest.json: what the corpus was made from, and how."""
        with (self.path / "manifest.json").open(encoding="utf-8") as file:
            manifest: dict[str, Any] = json.load(file)
        return manifest

    @property
    def hash(self) -> str:
        """Over the vocabulary and every shard: equal for equal corpora."""
        return self._native.hash

    def decode(self, ids: Ids) -> str:
        """The text of some ids."""
        return self.vocabulary.decode(ids)

    def verify(self) -> None:
        """Reads every shard again and compares it with the manifest. Raises Error if one is damaged."""
        self._native.verify()


class Split:
    """A split of a corpus: ``len`` characters in one or more shards."""

    def __init__(self, native: _native.Split) -> None:
        self._native = native

    def __repr__(self) -> str:
        return f"<charrnn.Split {self.name}: {len(self):,} characters>"

    def __len__(self) -> int:
        """Characters."""
        return self._native.characters

    @property
    def name(self) -> str:
        """``"train"``, ``"valid"`` or ``"test"``."""
        return self._native.name

    @functools.cached_property
    def shards(self) -> list[IdArray]:
        """The ids of each shard, read-only.

        They are memory maps (numpy.memmap) of the HDF5 files, whose datasets are contiguous: nothing is read until it is
        used. A file that another program has stored again in chunks or compressed is read into memory instead.
        """
        return [self._map(number, targets=False) for number in range(self._native.shard_count)]

    @functools.cached_property
    def targets(self) -> list[IdArray] | None:
        """The aligned targets (corpus.targets) of the ids of each shard; None if the corpus has none."""
        if not self._native.has_targets:
            return None
        return [self._map(number, targets=True) for number in range(self._native.shard_count)]

    @functools.cached_property
    def document_starts(self) -> list[npt.NDArray[np.uint64]]:
        """For each shard, where in it documents begin."""
        return [self._native.document_starts(number) for number in range(self._native.shard_count)]

    @overload
    def __getitem__(self, place: int) -> int: ...

    @overload
    def __getitem__(self, place: slice) -> IdArray: ...

    def __getitem__(self, place: int | slice) -> int | IdArray:
        """One id, or the ids of a slice: a view if it lies in one shard, else a copy of the parts, joined."""
        if not isinstance(place, slice):
            index = place + len(self) if place < 0 else place
            if not 0 <= index < len(self):
                raise IndexError(f"place {place} lies outside of the {len(self)} characters of {self.name}")
            return int(self[index : index + 1][0])
        places = range(len(self))[place]
        if not places:
            return self.shards[0][:0]
        first, end = min(places[0], places[-1]), max(places[0], places[-1]) + 1
        parts, before = [], 0
        for shard in self.shards:
            begin, stop = max(first - before, 0), min(end - before, len(shard))
            if begin < stop:
                parts.append(shard[begin:stop])
            before += len(shard)
        joined = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return joined[:: places.step]

    def _map(self, number: int, targets: bool) -> IdArray:
        file, length, id_bytes, of_ids, of_targets = self._native.describe_shard(number)
        offset = of_targets if targets else of_ids
        dtype = np.dtype(f"u{id_bytes}")
        if length == 0 or offset is None:
            ids = self._native.read_shard(number, targets).astype(dtype)
            ids.flags.writeable = False
            return ids
        return np.memmap(file, dtype=dtype, mode="r", offset=offset, shape=(length,))
