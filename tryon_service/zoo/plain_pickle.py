"""Reading pickles that hold nothing but NumPy arrays in plain containers, as detectron2 publishes its weights.

A pickle is a program, and Python's own reader runs whatever it says. This one knows the handful of names that arrays
are made of and refuses every other, so that no code of the file's runs.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

_ARRAYS = "numpy._core.multiarray", "numpy.core.multiarray"
_reconstruct: Callable[..., Any] = np._core.multiarray._reconstruct  # type: ignore[attr-defined]
_scalar: Callable[..., Any] = np._core.multiarray.scalar  # type: ignore[attr-defined]


def _encode(text: str, encoding: str) -> bytes:
    """How Python 2 and 3 write an array's bytes into old protocols. Other encodings have no business there."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"encodes in {encoding!r}")
    return text.encode("latin1")


_KNOWN: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _encode,
    **{(module, "_reconstruct"): _reconstruct for module in _ARRAYS},
    **{(module, "scalar"): _scalar for module in _ARRAYS},
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of an array")
        return _KNOWN[module, name]


def load_arrays(data: bytes) -> Any:  # noqa: ANN401 - whatever the file holds
    """What a pickle holds: plain containers, texts, numbers and arrays of numbers.

    Raises ValueError for a pickle that is damaged or names anything else.
    """
    try:
        return _Reader(io.BytesIO(data), encoding="latin1").load()
    except Exception as error:  # a damaged pickle raises nearly anything
        raise ValueError(str(error)) from error
