"""Writes a checkpoint of charrnn with other weights, for train.start_from, to start a run with PyTorch's weights."""

import ctypes
import ctypes.util
import json
import pathlib
import struct

from safetensors import safe_open
from safetensors.torch import save


class _Hash128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


def _digest(header, data):
    """The digest as in charrnn: XXH3 over the header, without the digest, and then over all numbers."""
    xxhash = ctypes.CDLL(ctypes.util.find_library("xxhash"))
    xxhash.XXH3_128bits.restype = _Hash128
    xxhash.XXH3_128bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    text = header + data
    value = xxhash.XXH3_128bits(text, len(text))
    return f"{value.high:016x}{value.low:016x}"


def _dump(header):
    return json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def write(path, like, weights):
    """Writes `path`: the metadata of `like`, a checkpoint of a run of the same shape, and `weights` under charrnn's names."""
    with safe_open(like, "pt") as file:
        metadata = {key: value for key, value in file.metadata().items() if key != "digest"}
        expected = {name: file.get_slice(name).get_shape() for name in file.keys()  # noqa: SIM118 (not a dict)
                    if name.split(".")[0] in ("embedding", "rnn", "head")}
    given = {name: list(value.shape) for name, value in weights.items()}
    if given != expected:
        raise ValueError(f"{like} has weights of the shapes {expected}, found {given}")
    whole = save({name: value.detach().contiguous() for name, value in weights.items()})
    length = struct.unpack("<Q", whole[:8])[0]
    header, data = json.loads(whole[8:8 + length]), whole[8 + length:]
    header["__metadata__"] = metadata
    metadata["digest"] = _digest(_dump(header), data)
    text = _dump(header)
    text += b" " * (-len(text) % 8)
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)
