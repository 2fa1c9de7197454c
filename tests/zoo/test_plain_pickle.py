"""Pickles of arrays are read, and nothing else in one runs."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from tryon_service.zoo.plain_pickle import load_arrays

ARRAYS = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "n": np.array(7), "flags": np.array([True, False])}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_come_back(protocol: int) -> None:
    kept = {"model": ARRAYS, "__author__": "us", "steps": [1, 2.5, np.float64(3)]}
    if protocol == 5:
        with pytest.raises(ValueError, match="_frombuffer"):
            load_arrays(pickle.dumps(kept, protocol=protocol))
        return
    found = load_arrays(pickle.dumps(kept, protocol=protocol))
    assert found["__author__"] == "us"
    assert found["steps"] == [1, 2.5, 3]
    for name, array in ARRAYS.items():
        assert np.array_equal(found["model"][name], array)


class Runs:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return os.mkdir, (str(self.path),)


def test_code_never_runs(tmp_path: Path) -> None:
    data = pickle.dumps({"model": {"w": Runs(tmp_path / "made")}})
    with pytest.raises(ValueError, match="mkdir is no part of an array"):
        load_arrays(data)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("kept", [OrderedDict(a=1), Path("x"), {1: pickle.loads}], ids=["class", "path", "function"])
def test_other_things_are_refused(kept: object) -> None:
    with pytest.raises(ValueError, match="no part of an array"):
        load_arrays(pickle.dumps(kept))


@pytest.mark.parametrize("cut", [0, 1, 20, -1])
def test_what_is_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(ValueError, match=r".*"):
        load_arrays(pickle.dumps({"model": ARRAYS}, protocol=2)[:cut])
