"""The characters that a model knows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from . import _native
from ._arrays import Ids, as_ids
from ._errors import InputError


def utf8(text: str | bytes) -> bytes:
    """A text as the C++ side takes it."""
    if isinstance(text, bytes):
        return text
    if not isinstance(text, str):
        raise InputError(f"expected a text, found {type(text).__name__}")
    try:
        return text.encode()
    except UnicodeEncodeError as problem:
        raise InputError(f"the text cannot be written in UTF-8: {problem}") from None


class Vocabulary:
    """The characters that a model knows, each with an id from 0 to V - 1. ``<unk>``, if there is one, is id 0."""

    def __init__(self, native: _native.Vocabulary) -> None:
        self._native = native

    def __len__(self) -> int:
        """V."""
        return len(self._native)

    def __repr__(self) -> str:
        return f"<charrnn.Vocabulary of {len(self)} {'bytes' if self.unit == 'byte' else 'characters'}>"

    def __eq__(self, other: object) -> bool:
        return self.hash == other.hash if isinstance(other, Vocabulary) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.hash)

    def encode(self, text: str | bytes, unknown: str = "error") -> npt.NDArray[np.int64]:
        """The ids of a text, as int64.

        ``unknown`` is what to do with characters that the vocabulary lacks: ``"error"`` raises InputError, ``"unk"`` gives
        them the id of ``<unk>``, ``"skip"`` leaves them out. The text is normalized as the corpus was (NFC unless its
        settings differ); it is not cleaned otherwise: ``Model.clean`` does that.
        """
        return self._native.encode(utf8(text), unknown)

    def decode(self, ids: Ids) -> str:
        """The text of some ids. ``<unk>`` gives U+FFFD, and so do bytes that are not UTF-8, in a vocabulary of bytes."""
        return self.decode_bytes(ids).decode(errors="replace")

    def decode_bytes(self, ids: Ids) -> bytes:
        """The same as UTF-8, or with a vocabulary of bytes those bytes."""
        return self._native.decode(as_ids(ids))

    @property
    def characters(self) -> list[str]:
        """The text of each id, in the order of the ids."""
        return [self.decode([i]) for i in range(len(self))]

    @property
    def counts(self) -> list[int]:
        """How often each occurs in the corpus, in the order of the ids."""
        return self._native.counts()

    @property
    def unit(self) -> str:
        """What a character is: ``"code_point"`` or ``"byte"``."""
        return self._native.unit

    @property
    def has_unknown(self) -> bool:
        """Whether id 0 is ``<unk>``."""
        return self._native.has_unknown

    @property
    def hash(self) -> str:
        """Equal for vocabularies of the same characters with the same ids."""
        return self._native.hash
