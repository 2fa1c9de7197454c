"""Checkpoints: everything a run needs to go on, written whole or not at all.

They say what they are about, and are taken up by a run about the very same only: the parser answers with its CLASSES
and the repairing network reads them; a generator's also know its data (training/generator_run.py).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from tryon_service.errors import InputError
from tryon_service.perception.nets.parser_input import CLASSES

FORMAT = 1
PARSER_CLASSES: Mapping[str, Any] = MappingProxyType({"classes": list(CLASSES)})
"""What checkpoints of the parser and of the repairing network are about."""


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


def save(path: Path, state: Mapping[str, Any], about: Mapping[str, Any] = PARSER_CLASSES) -> None:
    """Write to a temporary file beside it, flush to disk, rename. state: with the averaged weights as "ema"."""
    partial = path.with_name(path.name + ".part")
    with partial.open("wb") as file:
        torch.save({"format": FORMAT, **about, **state}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def load(path: Path, net: nn.Module, about: Mapping[str, Any] = PARSER_CLASSES) -> dict[str, Any]:
    """A checkpoint made by save, checked against the network before anything is taken from it.

    Raises InputError("invalid_option") if it can't be read, or naming what differs: format, architecture, or an entry
    of about.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        found, weights = state["format"], state["ema"]
        others = {name: state[name] for name in about}
    except Exception as error:
        raise InputError(
            "invalid_option", f"{path.name} can't be read as a checkpoint: {error}.", "checkpoint"
        ) from error
    if found != FORMAT:
        raise InputError(
            "invalid_option", f"{path.name} has format {found}, this version reads {FORMAT}.", "checkpoint"
        )
    for name, wanted in about.items():
        if others[name] != wanted:
            raise InputError(
                "invalid_option", f"{path.name} has other {name}: {_between(others[name], wanted)}.", "checkpoint"
            )
    if difference := _difference(weights, describe(net)):
        raise InputError("invalid_option", f"{path.name} is of another architecture: {difference}.", "checkpoint")
    return state


def _between(found: Any, wanted: Any) -> str:  # noqa: ANN401 - any plain value
    """In words how two values differ."""
    if isinstance(found, list) and isinstance(wanted, list):
        return ", ".join(sorted(set(found) ^ set(wanted)) or ["their order"])
    return f"{found}, not {wanted}"


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
