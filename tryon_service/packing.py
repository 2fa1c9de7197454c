"""A tree of dataclasses and arrays to bytes and back, exactly and without pickle: reading runs no code of the file's.

A file is a JSON description of the tree, then the arrays as they lie in memory. An array that is zero around one
rectangle, as a cut-out layer is, keeps only the rectangle.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tryon_service.types import UInt8Array

_PACKAGE = __name__.partition(".")[0]
_ALIGNMENT = 64
_HEADER = struct.Struct("<Q")
_LARGEST = 1 << 30
"""Bytes of one array when it is whole: the largest photo there may be, four channels of 32 bits."""
_DTYPES = frozenset(np.dtype(code).str for code in "?bBhHiIlLqQefd")
"""Arrays of truth values and numbers, as this machine has them; others could hold references."""
_SEQUENCES: Mapping[str, type] = {"tuple": tuple, "list": list, "set": set, "frozenset": frozenset}


_NONSENSE = (
    struct.error, ValueError, TypeError, LookupError, AttributeError, ImportError, RecursionError, OverflowError,
)  # fmt: skip
"""What reading raises where bytes are no tree."""


class PackingError(ValueError):
    """A value that can't be packed, or bytes that no value was packed into."""


def pack(value: object) -> list[bytes | memoryview]:
    """The bytes of a tree, in pieces to be written one after the other.

    Trees are made of this package's dataclasses and enums, mappings, tuples, lists, sets, arrays of numbers, plain
    numbers, strings and None. An array found in several places is kept once. Raises PackingError for anything else.
    """
    writer = _Writer()
    tree = json.dumps(writer.described(value)).encode()
    start = _aligned(_HEADER.size + len(tree))
    pieces: list[bytes | memoryview] = [_HEADER.pack(len(tree)), tree, bytes(start - _HEADER.size - len(tree))]
    for array in writer.arrays:
        pieces += [array.reshape(-1).view(np.uint8).data, bytes(_aligned(array.nbytes) - array.nbytes)]
    return pieces


def unpack(data: NDArray[np.uint8]) -> Any:  # noqa: ANN401 - as many types as there are dataclasses
    """The tree that was packed into N bytes; its arrays are views of data where they were kept whole.

    Mappings come back as dicts. Raises PackingError if the bytes are not a packed tree of this package's classes.
    """
    try:
        (length,) = _HEADER.unpack(bytes(data[: _HEADER.size]))
        end = _HEADER.size + length
        if _aligned(end) > len(data):
            raise PackingError("it is cut short")
        return _Reader(data[_aligned(end) :]).restored(json.loads(bytes(data[_HEADER.size : end])))
    except PackingError:
        raise
    except _NONSENSE as error:
        raise PackingError(f"no packed tree: {error}") from error


def _aligned(length: int) -> int:
    return -(-length // _ALIGNMENT) * _ALIGNMENT


class _Writer:
    """arrays: contiguous, in the order of their places in the file."""

    def __init__(self) -> None:
        self.arrays: list[NDArray[Any]] = []
        self._known: dict[int, tuple[NDArray[Any], dict[str, Any]]] = {}
        self._end = 0

    def described(self, value: object) -> Any:  # noqa: ANN401 - JSON
        """JSON for a value; lists in it start with what they are."""
        if isinstance(value, Enum):
            return ["enum", _name(type(value)), self.described(value.value)]
        if value is None or type(value) in (bool, int, float, str):
            return value
        if isinstance(value, np.ndarray | np.generic):
            return ["array", self._placed(np.asarray(value)), isinstance(value, np.generic)]
        if is_dataclass(value) and not isinstance(value, type):
            kept = {entry.name: self.described(getattr(value, entry.name)) for entry in fields(value) if entry.init}
            return ["dataclass", _name(type(value)), kept]
        if isinstance(value, Mapping):
            return ["mapping", [[self.described(key), self.described(item)] for key, item in value.items()]]
        for name, kind in _SEQUENCES.items():
            if type(value) is kind:
                return [name, [self.described(item) for item in value]]  # type: ignore[attr-defined]
        raise PackingError(f"a {type(value).__qualname__} can't be packed")

    def _placed(self, array: NDArray[Any]) -> dict[str, Any]:
        if array.dtype.str not in _DTYPES:
            raise PackingError(f"an array of {array.dtype} can't be packed")
        if id(array) not in self._known:
            box = _nonzero_box(array)
            kept = np.ascontiguousarray(array if box is None else array[box[0] : box[1], box[2] : box[3]])
            index = len(self.arrays)
            description = {"index": index, "dtype": array.dtype.str, "shape": array.shape, "at": self._end, "box": box}
            # The array itself is held on to, so that no other can get its id.
            self._known[id(array)] = array, description
            self.arrays.append(kept)
            self._end += _aligned(kept.nbytes)
        return self._known[id(array)][1]


class _Reader:
    """data: the file's bytes from the first array on."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        self._data = data
        self._known: dict[int, NDArray[Any]] = {}

    def restored(self, tree: Any) -> Any:  # noqa: ANN401 - JSON
        if not isinstance(tree, list):
            return tree
        kind, rest = tree[0], tree[1:]
        if kind == "array":
            array = self._array(**rest[0])
            return array[()] if rest[1] else array
        if kind == "dataclass":
            return _class(rest[0])(**{name: self.restored(item) for name, item in rest[1].items()})
        if kind == "enum":
            return _class(rest[0])(self.restored(rest[1]))
        if kind == "mapping":
            return {self.restored(key): self.restored(item) for key, item in rest[0]}
        return _SEQUENCES[kind](self.restored(item) for item in rest[0])

    def _array(self, index: int, dtype: str, shape: list[int], at: int, box: list[int] | None) -> NDArray[Any]:
        if index not in self._known:
            if dtype not in _DTYPES:  # NumPy would take far more for the name of a type, and parse it
                raise PackingError(f"an array of {dtype}")
            kind = np.dtype(dtype)
            if math.prod(shape) * kind.itemsize > _LARGEST:
                raise PackingError(f"an array of {shape}")
            kept = shape if box is None else [box[1] - box[0], box[3] - box[2], *shape[2:]]
            length = int(np.prod(kept, dtype=np.int64)) * kind.itemsize
            array = self._data[at : at + length].view(kind).reshape(kept)
            if box is not None:
                whole = np.zeros(shape, kind)
                whole[box[0] : box[1], box[2] : box[3]] = array
                array = whole
            self._known[index] = array
        return self._known[index]


def _nonzero_box(array: NDArray[Any]) -> tuple[int, int, int, int] | None:
    """(top, bottom, left, right) of the pixels whose bytes aren't all zero; None if that saves little."""
    if array.ndim < 2 or array.nbytes < 1 << 16 or array.shape[1] == 0:
        return None
    pixels: UInt8Array = np.ascontiguousarray(array).reshape(*array.shape[:2], -1).view(np.uint8)
    rows = np.flatnonzero(pixels.any(axis=(1, 2)))
    if not len(rows):
        return 0, 0, 0, 0
    columns = np.flatnonzero(pixels[rows[0] : rows[-1] + 1].any(axis=(0, 2)))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    saved = 1 - (bottom - top) * (right - left) / (array.shape[0] * array.shape[1])
    return (top, bottom, left, right) if saved > 0.1 else None


def _name(kind: type) -> str:
    """How a class is called in a file. Raises PackingError for a class that reading wouldn't accept."""
    name = f"{kind.__module__}:{kind.__qualname__}"
    if _class(name) is not kind:
        raise PackingError(f"{name} is not a class of this package")
    return name


def _class(name: str) -> type:
    """A dataclass or enum of this package. Raises PackingError for any other name."""
    module, _, attribute = name.partition(":")
    if module.partition(".")[0] == _PACKAGE:
        found = getattr(import_module(module), attribute, None)
        if isinstance(found, type) and (is_dataclass(found) or issubclass(found, Enum)):
            return found
    raise PackingError(f"{name} is not a class of this package")
