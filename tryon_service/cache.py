"""A bounded memory of what was computed: least recently used out first, the bound in bytes of arrays."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


class ByteLru(Generic[T]):
    """A cache that forgets the least recently used when the arrays held exceed `limit` bytes. Safe between threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: OrderedDict[object, tuple[T, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: object) -> T | None:
        with self._lock:
            if key not in self._items:
                return None
            self._items.move_to_end(key)
            return self._items[key][0]

    def put(self, key: object, value: T) -> None:
        with self._lock:
            self._items[key] = (value, nbytes(value))
            self._items.move_to_end(key)
            while self._items and sum(size for _, size in self._items.values()) > self._limit:
                self._items.popitem(last=False)

    def drop(self, unwanted: Callable[[Any], bool]) -> None:
        """Forget every entry with such a key."""
        with self._lock:
            for key in [key for key in self._items if unwanted(key)]:
                del self._items[key]


def nbytes(value: object) -> int:
    """Bytes of all distinct arrays reachable through dataclasses, mappings, lists and tuples."""
    return sum({id(array): array.nbytes for array in arrays(value)}.values())


def arrays(value: object) -> Iterator[NDArray[Any]]:
    """Every array reachable through dataclasses, mappings, lists and tuples, in their order; some may come twice."""
    if isinstance(value, np.ndarray):
        yield value
    elif is_dataclass(value):
        for entry in fields(value):
            yield from arrays(getattr(value, entry.name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from arrays(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from arrays(item)
