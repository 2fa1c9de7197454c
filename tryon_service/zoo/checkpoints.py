"""Weights from files that others made: opened without running code, mended where it is known how, else refused by name.

Such a file is a mapping from names to tensors, as torch saves it. Nothing is skipped in silence: what is not the
network's, and not in the list of what may be left out, stops the loading. Needs torch where weights are touched.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tryon_service.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn

logger = logging.getLogger(__name__)

FIELD = "checkpoint"
"""What errors here are about."""
LISTED = 8
"""Names of each fault that a message lists; the log, that of --verbose, has them all."""
PREFIXES = ("module.", "model.")
"""What wrappers of networks (DataParallel, and classes that hold a network) put before every name."""
STATISTICS = r"\.(running_mean|running_var|num_batches_tracked)$"
"""Names of what norms once kept count of. They may be left out where the network keeps none."""


@dataclass(frozen=True)
class FixUps:
    """What may be different about a published file. unused: what may be left out, and the names it goes by, a pattern
    each; names that the network has are never left out. prefixes: taken off if every name has them."""

    unused: Mapping[str, str]
    prefixes: tuple[str, ...] = PREFIXES


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Names and tensors, float32 on the CPU.

    Raises InputError("invalid_option") for a file that isn't there, is cut short or holds anything but finite weights.
    """
    import torch

    if not path.is_file():
        raise InputError("invalid_option", f"There is no file {str(path)!r}.", FIELD)
    try:
        # weights_only: anything but plain data and tensors would be code to run, and is refused.
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # torch's own words advise to switch the safety off, so they are for developers only.
        logger.debug("%s: %s", path.name, error)
        raise refused(path, "can't be read: it is incomplete, or holds something other than weights") from error
    return checked(path, found)


def checked(path: Path, found: object, *, pictures: bool = False) -> dict[str, Tensor]:
    """What a file was found to hold, if that is finite weights by name, as float32. pictures: uint8 may be among them
    and stays what it is. Raises InputError."""
    import torch

    if not isinstance(found, Mapping) or not found:
        raise refused(path, f"holds no weights but {_kind(found)}")
    state = {}
    for name, value in found.items():
        if pictures and isinstance(value, torch.Tensor) and value.dtype == torch.uint8:
            state[name] = value
            continue
        if not isinstance(name, str) or not _is_weight(name, value):
            raise refused(path, f"holds {_kind(value)} under the name {str(name)[:80]!r}, where a weight should be")
        state[name] = value.detach().float()
        if not state[name].isfinite().all():
            raise refused(path, f"holds numbers that are not finite in {name}")
    return state


def _is_weight(name: str, value: object) -> bool:
    """A plain tensor of floating numbers; only counts may be whole ones."""
    import torch

    if not isinstance(value, torch.Tensor) or value.layout != torch.strided or value.device.type != "cpu":
        return False
    return value.is_floating_point() or (not value.is_quantized and bool(re.search(STATISTICS, name)))


def fix_up(
    state: Mapping[str, Tensor], expected: Collection[str], fixups: FixUps
) -> tuple[dict[str, Tensor], list[str]]:
    """The weights under the network's own names, and in words what was done for that. expected: the network's names."""
    done = []
    for prefix in fixups.prefixes:
        if all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): value for name, value in state.items()}
            done.append(f"prefix {prefix!r} taken off")
    for what, pattern in fixups.unused.items():
        unused = [name for name in state if name not in expected and re.search(pattern, name)]
        if unused:
            state = {name: value for name, value in state.items() if name not in unused}
            done.append(f"{len(unused)} {what} left out")
    return dict(state), done


def load_strictly(net: nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    """Put the weights in; the network keeps the very tensors. It may lie on torch's device "meta" until then.

    Raises InputError("invalid_option") naming what is missing, unknown or of another shape.
    """
    import torch

    own = net.state_dict()
    if fault := difference(shapes(state), shapes(own)):
        raise refused(path, f"doesn't fit the network: {fault}")
    if mixed := [name for name in own if (own[name].dtype == torch.uint8) != (state[name].dtype == torch.uint8)]:
        raise refused(path, f"doesn't fit the network: weights where pictures should be, or pictures: {_listed(mixed)}")
    net.load_state_dict(dict(state), strict=True, assign=True)


def shapes(state: Mapping[str, Tensor]) -> dict[str, list[int]]:
    """By name."""
    return {name: list(value.shape) for name, value in state.items()}


def difference(found: Mapping[str, Sequence[int]], expected: Mapping[str, Sequence[int]]) -> str:
    """In words which weights are missing, unknown or of another shape; empty if none are."""
    faults = {
        "missing": [name for name in expected if name not in found],
        "unknown": [name for name in found if name not in expected],
        "of another shape": [
            f"{name} ({list(found[name])}, not {list(shape)})"
            for name, shape in expected.items()
            if name in found and list(found[name]) != list(shape)
        ],
    }
    faults = {fault: names for fault, names in faults.items() if names}
    for fault, names in faults.items():
        logger.info("%s: %s", fault, ", ".join(names))
    return "; ".join(f"{fault}: {_listed(names)}" for fault, names in faults.items())


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def refused(path: Path, what: str) -> InputError:
    return InputError("invalid_option", f"{path.name} {what}.", FIELD)


def _kind(value: object) -> str:
    if isinstance(value, Mapping):
        return "an empty mapping" if not value else "a mapping"
    return f"a {type(value).__name__}"
