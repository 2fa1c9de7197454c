"""The device that torch's networks of this process run on: the CPU, unless it was told otherwise before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tryon_service.errors import InputError
from tryon_service.types import Float32Array

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

CPU = "cpu"
_chosen = CPU


def use_device(name: str) -> None:
    """name: "cpu", or as torch calls it: "cuda", "cuda:1". Raises InputError("invalid_option") naming TRYON_DEVICE for
    one that isn't there, or without the extra neural."""
    global _chosen  # noqa: PLW0603 - one device for all networks of a process, as it has one set of them
    if name != CPU:
        try:
            import torch

            torch.zeros(1, device=name).cpu()
        except ImportError:
            detail = f"TRYON_DEVICE: {name!r} needs the extra neural: pip install 'tryon-service[neural]'."
            raise InputError("invalid_option", detail, "device") from None
        except (RuntimeError, AssertionError, NotImplementedError) as error:
            why = str(error).splitlines()[0].rstrip(".")
            raise InputError("invalid_option", f"TRYON_DEVICE: {name!r} can't be used: {why}.", "device") from None
    _chosen = name


def device() -> str:
    return _chosen


def one_each(*arrays: NDArray[Any]) -> list[Tensor]:
    """Every array as a batch of one, on the device."""
    import torch

    return [torch.from_numpy(array[np.newaxis]).to(_chosen) for array in arrays]


def first_of(batch: Tensor) -> Float32Array:
    """The first of a batch, from wherever it is."""
    return np.asarray(batch[0].cpu().numpy(), np.float32)
