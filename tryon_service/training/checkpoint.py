"""Checkpoints: everything a run needs to go on, written whole or not at all.

Every network here speaks of people in the parser's CLASSES: the parser answers with them, the repairing network reads
them. A checkpoint of other classes is refused for both.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tryon_service.errors import InputError
from tryon_service.perception.nets.parser_input import CLASSES

FORMAT = 1


@dataclass
class Progress:
    """Where a run is. epoch: epochs done; step: batches done; seconds: spent training; history: one row an epoch."""

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    best: float = -1.0
    history: list[dict[str, float]] = field(default_factory=list)


def describe(net: nn.Module) -> dict[str, list[int]]:
    """The architecture as names and shapes of every weight."""
    return {name: list(value.shape) for name, value in net.state_dict().items()}


def save(path: Path, state: Mapping[str, Any]) -> None:
    """Write to a temporary file beside it, flush to disk, rename."""
    partial = path.with_name(path.name + ".part")
    with partial.open("wb") as file:
        torch.save({"format": FORMAT, "classes": list(CLASSES), **state}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def load(path: Path, net: nn.Module) -> dict[str, Any]:
    """A checkpoint made by save, checked against the network before anything is taken from it.

    Raises InputError("invalid_option") if it can't be read, or naming what differs: format, classes or architecture.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        found, classes, weights = state["format"], state["classes"], state["ema"]
    except Exception as error:
        raise InputError(
            "invalid_option", f"{path.name} can't be read as a checkpoint: {error}.", "checkpoint"
        ) from error
    if found != FORMAT:
        raise InputError(
            "invalid_option", f"{path.name} has format {found}, this version reads {FORMAT}.", "checkpoint"
        )
    if classes != list(CLASSES):
        differ = sorted(set(classes) ^ set(CLASSES)) or ["their order"]
        raise InputError("invalid_option", f"{path.name} has other classes: {', '.join(differ)}.", "checkpoint")
    if difference := _difference(weights, describe(net)):
        raise InputError("invalid_option", f"{path.name} is of another architecture: {difference}.", "checkpoint")
    return state


def _difference(weights: Mapping[str, Tensor], expected: Mapping[str, list[int]]) -> str:
    """The first few weights missing, unknown or of another shape; empty if none."""
    faults = [f"{name} is missing" for name in expected if name not in weights]
    faults += [f"{name} is unknown" for name in weights if name not in expected]
    faults += [
        f"{name} is {list(weights[name].shape)}, not {shape}"
        for name, shape in expected.items()
        if name in weights and list(weights[name].shape) != shape
    ]
    more = f", and {len(faults) - 4} more" if len(faults) > 4 else ""
    return ", ".join(faults[:4]) + more
