from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tryon_service.cache import ByteLru, nbytes


@dataclass(frozen=True)
class Box:
    a: np.ndarray
    b: dict[str, np.ndarray]


def test_nbytes_counts_each_array_once() -> None:
    array = np.zeros(100, np.uint8)
    assert nbytes(Box(array, {"x": array, "y": np.zeros(50, np.uint8)})) == 150
    assert nbytes([array, "text", 3]) == 100


def test_the_least_recently_used_goes_first() -> None:
    cache = ByteLru[np.ndarray](250)
    for name in "ab":
        cache.put(name, np.zeros(100, np.uint8))
    assert cache.get("a") is not None
    cache.put("c", np.zeros(100, np.uint8))
    assert cache.get("b") is None
    assert cache.get("a") is not None
    assert cache.get("c") is not None


def test_what_is_larger_than_the_cache_is_not_kept() -> None:
    cache = ByteLru[np.ndarray](10)
    cache.put("a", np.zeros(100, np.uint8))
    assert cache.get("a") is None
