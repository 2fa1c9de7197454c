"""Our own files of weights: safetensors whose header says which network they are of and how it wants to be fed.

The same weights and words give the same bytes. Needs safetensors, and torch where weights are touched.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tryon_service.errors import InputError, ZooError
from tryon_service.zoo.checkpoints import FIELD, checked, refused

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

FORMAT = 1
KEY = "tryon"
"""The one entry of the safetensors metadata, JSON: entries of their own would come in any order."""


@dataclass(frozen=True)
class Header:
    """network: a name in renderers/generators.py; config: sizes that the network is built with; classes: of the parsing
    it reads, in the order of its channels, empty if it reads none; pose_encoding: how poses are shown to it, one of the
    generator's nets; origin: where the weights come from, for people."""

    network: str
    config: Mapping[str, int]
    classes: tuple[str, ...]
    pose_encoding: str
    origin: str


def is_weights_file(path: Path) -> bool:
    """Whether it begins as safetensors do: the header's length, then JSON."""
    try:
        with path.open("rb") as stream:
            return stream.read(9)[8:] == b"{"
    except OSError:
        return False


def write_weights(path: Path, state: Mapping[str, Tensor], header: Header) -> None:
    """Write the file, not atomically: Store.add sees to that. Raises ZooError("storage_unavailable")."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    about = json.dumps({"format": FORMAT, **asdict(header)}, sort_keys=True)
    own = {name: value.detach().clone(memory_format=torch.contiguous_format) for name, value in state.items()}
    try:
        save_file(own, path, {KEY: about})
    except (OSError, SafetensorError) as error:
        raise ZooError("storage_unavailable", f"{path.name} could not be written: {error}.") from error


def read_weights(path: Path) -> tuple[Header, dict[str, Tensor]]:
    """What the file says about itself, and its weights, on the CPU: float32, or uint8 where they are pictures.

    Raises InputError("invalid_option") for a file that isn't there, is cut short, or has another header than ours.
    """
    from safetensors import safe_open

    if not path.is_file():
        raise InputError("invalid_option", f"There is no file {str(path)!r}.", FIELD)
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    except Exception as error:
        logger.debug("%s: %s", path.name, error)
        raise refused(path, "can't be read: it is incomplete or damaged") from error
    return _header(path, metadata), checked(path, state, pictures=True)


def _header(path: Path, metadata: Mapping[str, str]) -> Header:
    try:
        about: dict[str, Any] = json.loads(metadata[KEY])
        found = about.pop("format")
        header = Header(**about | {"classes": tuple(about["classes"])})
        texts = (header.network, header.pose_encoding, header.origin, *header.classes)
        sound = all(isinstance(text, str) for text in texts) and all(type(n) is int for n in header.config.values())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise refused(path, "doesn't say which network it is of") from error
    if found != FORMAT:
        raise refused(path, f"has format {found}, this version reads {FORMAT}")
    if not sound:
        raise refused(path, "says of its network what can't be")
    return header
