"""Numbers of the published generators, small and with random weights, to hold ours to; skips where they are absent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "../shared/parity"
TOLERANCE = 1e-4
"""Largest difference of any number."""


def parity(name: str) -> dict[str, Any]:
    """Arrays by name: sd/* weights as published, in/* inputs, mid/* intermediates, out/image."""
    with np.load(found(f"{name}.npz")) as file:
        return dict(file)


def full_shapes(name: str) -> dict[str, list[int]]:
    """Every name and shape of a published file of full size."""
    shapes: dict[str, list[int]] = json.loads(found(f"{name}_full_keys.json").read_text())
    return shapes


def found(file: str) -> Path:
    if not (FOLDER / file).is_file():
        pytest.skip(f"no {file} in ../shared/parity")
    return FOLDER / file
