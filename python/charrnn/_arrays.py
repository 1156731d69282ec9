"""What callers may pass in place of an array: lists, numpy arrays, torch tensors, texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Union

import numpy as np
import numpy.typing as npt
import torch

from ._errors import InputError

Ids = Union[Sequence[int], "npt.NDArray[np.integer[Any]]", torch.Tensor]


def as_ids(ids: Any) -> npt.NDArray[np.int64]:
    """One row of ids, as an array of int64."""
    array = np.asarray(ids.detach().cpu() if isinstance(ids, torch.Tensor) else ids)
    if array.size == 0 and array.ndim == 1:
        return np.empty(0, np.int64)
    if array.dtype.kind not in "iu":
        raise InputError(f"ids are of type {array.dtype}, expected whole numbers")
    if array.ndim != 1:
        raise InputError(f"ids have the shape {array.shape}, expected one row, (N,): pass one sequence at a time")
    return np.ascontiguousarray(array, dtype=np.int64)


def as_uint32(ids: Any) -> npt.NDArray[np.uint32]:
    """The same as the C++ side takes them."""
    array = as_ids(ids)
    if array.size and (array.min() < 0 or array.max() > 0xFFFFFFFF):
        raise InputError(f"ids lie between {array.min()} and {array.max()}, expected ids of the vocabulary, from 0 on")
    return array.astype(np.uint32)


def check_whole(name: str, value: Any, least: int) -> int:
    """`value` as an int that is at least `least`."""
    try:
        number = value.__index__()
    except AttributeError:
        raise InputError(f"{name} is {value!r}, expected a whole number") from None
    if not least <= number < 1 << 63:
        raise InputError(f"{name} is {value}, expected a whole number from {least} on")
    return int(number)


def check_seed(value: Any) -> int:
    """`value` as a seed."""
    try:
        number = value.__index__()
    except AttributeError:
        raise InputError(f"seed is {value!r}, expected a whole number") from None
    if not 0 <= number < 1 << 64:
        raise InputError(f"seed is {value}, expected a whole number from 0 to 2^64 - 1")
    return int(number)
