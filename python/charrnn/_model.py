"""A trained model: texts, surprisals, logits."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence
from typing import Any, Literal, Union, overload

import numpy as np
import numpy.typing as npt
import torch

from . import _native
from ._arrays import as_uint32, check_seed, check_whole
from ._errors import InputError
from ._vocabulary import Vocabulary, utf8

FloatArray = npt.NDArray[np.float32]
Text = Union[str, bytes, Sequence[int], "npt.NDArray[np.integer[Any]]"]  # whose results are numpy arrays


def open_model(run: str | os.PathLike[str], *, weights: str | None = None) -> Model:
    """Opens a trained model, on the CPU.

    ``run`` is a run's folder (its best checkpoint is taken, else the newest) or a checkpoint file.
    ``weights`` is ``"last"``, or ``"average"`` for the running average of the weights (train.average_decay); without it, what
    the run's setting sample.weights has.

    >>> model = charrnn.open("runs/quickstart")
    >>> model.sample("The ", length=40, seed=7)
    """
    return Model(_native.TrainedModel.open(pathlib.Path(os.fspath(run)), weights))


class Model:
    """A trained model, as ``charrnn.open`` gives it. It never changes, and threads may share it."""

    def __init__(self, native: _native.TrainedModel) -> None:
        self._native = native
        self._vocabulary = Vocabulary(native.vocabulary)

    def __repr__(self) -> str:
        return f"<charrnn.Model {self.file} (step {self.step})>"

    @property
    def vocabulary(self) -> Vocabulary:
        """The characters that it knows."""
        return self._vocabulary

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that it was trained with, as nested dicts: ``model.settings["train"]["batch_size"]``.

        An optional setting without a value is the word that a config has for it (``"auto"``, ``"none"``).
        """
        return self._native.settings

    @property
    def step(self) -> int:
        """The steps of training that it had."""
        return self._native.step

    @property
    def file(self) -> pathlib.Path:
        """The checkpoint that it was read from."""
        return self._native.file

    @property
    def has_targets(self) -> bool:
        """Whether it was trained with aligned targets (corpus.targets): it then predicts those, not the next character."""
        return self._native.has_targets

    def clean(self, text: str | bytes) -> str:
        """A text as the model knows text: cleaned as its corpus was (line ends, normalization, alphabet, ...)."""
        return self._native.clean(utf8(text)).decode(errors="replace")

    @overload
    def sample(self, prefix: str | bytes = "", *, length: int | None = None, temperature: float | None = None,
               greedy: bool = False, top_k: int = 0, top_p: float = 1.0, seed: int = 1, unknown: str | None = None,
               count: None = None) -> str: ...

    @overload
    def sample(self, prefix: str | bytes = "", *, length: int | None = None, temperature: float | None = None,
               greedy: bool = False, top_k: int = 0, top_p: float = 1.0, seed: int = 1, unknown: str | None = None,
               count: int) -> list[str]: ...

    def sample(self, prefix: str | bytes = "", *, length: int | None = None, temperature: float | None = None,
               greedy: bool = False, top_k: int = 0, top_p: float = 1.0, seed: int = 1, unknown: str | None = None,
               count: int | None = None) -> str | list[str]:
        """Continues a text; what is returned begins after ``prefix``. Equal arguments give an equal text.

        prefix:      cleaned first, as the corpus was; an empty one starts like a new line
        length:      characters; else the run's sample.length. With aligned targets the text is as long as the prefix
        temperature: logits are divided by it: below 1 safer, above 1 wilder, 0 is greedy. Default 1 (0 with aligned targets)
        greedy:      always the most likely character, as temperature=0
        top_k:       draw among the k most likely characters only; 0: among all
        top_p:       draw among the most likely characters that hold this share of the probability together
        seed:        another seed, another text
        unknown:     what to do with characters of the prefix that the vocabulary lacks: "error", "unk" or "skip";
                     else the run's sample.unknown_characters
        count:       draw this many texts together, and return a list
        """
        if greedy and temperature not in (None, 0):
            raise InputError(f"greedy and temperature={temperature} were both given: expected one of them")
        wanted = 0.0 if greedy else temperature
        if wanted is not None and not 0 <= wanted < float("inf"):
            raise InputError(f"temperature is {temperature}, expected a number from 0 on")
        if not 0 < top_p < float("inf"):
            raise InputError(f"top_p is {top_p}, expected a number above 0")
        texts = self._native.sample(
            utf8(prefix), length=None if length is None else check_whole("length", length, 0), temperature=wanted,
            top_k=check_whole("top_k", top_k, 0), top_p=top_p, seed=check_seed(seed), unknown=unknown,
            count=1 if count is None else check_whole("count", count, 0))
        decoded = [text.decode(errors="replace") for text in texts]
        return decoded[0] if count is None else decoded

    @overload
    def surprisal(self, text: torch.Tensor, *, as_torch: None = None) -> torch.Tensor: ...

    @overload
    def surprisal(self, text: Text, *, as_torch: None = None) -> FloatArray: ...

    @overload
    def surprisal(self, text: Text | torch.Tensor, *, as_torch: Literal[True]) -> torch.Tensor: ...

    @overload
    def surprisal(self, text: Text | torch.Tensor, *, as_torch: Literal[False]) -> FloatArray: ...

    def surprisal(self, text: Text | torch.Tensor, *, as_torch: bool | None = None) -> FloatArray | torch.Tensor:
        """-ln p of each character of a text, given all before it: (N,) of float32, in nats.

        The first is NaN, as nothing precedes it. The mean of the others is the loss that ``charrnn_eval`` prints for such a
        text when it reads it in one lane (evaluate.lanes: 1).

        ``text`` is a text, taken as it is (``clean`` it first if it was not cleaned as the corpus was), or ids. A character
        that the vocabulary lacks is ``<unk>`` if there is one, else an InputError.
        """
        return _returned(self._native.surprisal(self._ids(text)), text, as_torch)

    @overload
    def logits(self, text: torch.Tensor, *, as_torch: None = None) -> torch.Tensor: ...

    @overload
    def logits(self, text: Text, *, as_torch: None = None) -> FloatArray: ...

    @overload
    def logits(self, text: Text | torch.Tensor, *, as_torch: Literal[True]) -> torch.Tensor: ...

    @overload
    def logits(self, text: Text | torch.Tensor, *, as_torch: Literal[False]) -> FloatArray: ...

    def logits(self, text: Text | torch.Tensor, *, as_torch: bool | None = None) -> FloatArray | torch.Tensor:
        """The logits of the next character after each of N characters, from zero state: (N, V) of float32.

        ``text`` is a text or ids, as for ``surprisal``; row i is what the model expects after ids 0 to i. A torch tensor of
        ids gives a torch tensor, anything else a numpy array; ``as_torch`` chooses.
        """
        return _returned(self._native.logits(self._ids(text)), text, as_torch)

    def _ids(self, text: Text | torch.Tensor) -> npt.NDArray[np.uint32]:
        if isinstance(text, (str, bytes)):
            return as_uint32(self.vocabulary.encode(text, "unk" if self.vocabulary.has_unknown else "error"))
        return as_uint32(text)


def _returned(values: npt.NDArray[np.float32], given: Any, as_torch: bool | None) -> FloatArray | torch.Tensor:
    is_torch = isinstance(given, torch.Tensor) if as_torch is None else as_torch
    return torch.from_numpy(values) if is_torch else values
