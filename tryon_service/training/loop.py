"""What every training loop here needs: the learning rate's course, the moving average, an end that loses nothing."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from torch import nn

_WARMUP = 0.05
"""Share of the run in which the learning rate rises."""


def one_cycle(share: float) -> float:
    """Share of the peak learning rate: a short linear rise, then half a cosine. Smith and Topin (2018)."""
    if share < _WARMUP:
        return 0.04 + 0.96 * share / _WARMUP
    return 0.005 + 0.995 * 0.5 * (1 + math.cos(math.pi * (share - _WARMUP) / (1 - _WARMUP)))


def level_then_down(share: float, start: float) -> float:
    """Share of the first learning rate: all of it until the share `start` of the run, then a line down to nothing."""
    return 1.0 if share <= start else max((1 - share) / (1 - start), 0.0)


def decayed(net: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameter groups for the optimiser: convolutions are decayed, norms and biases are not."""
    kernels = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim <= 1]
    return [{"params": kernels, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


@torch.no_grad()
def average(ema: nn.Module, net: nn.Module, decay: float, step: int) -> None:
    """Moves the average towards the network, faster in the beginning. step: batches done, from 1."""
    decay = min(decay, (1 + step) / (10 + step))
    for kept, new in zip(ema.state_dict().values(), net.state_dict().values(), strict=True):
        if kept.dtype.is_floating_point:
            kept.lerp_(new, 1 - decay)
        else:
            kept.copy_(new)


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM ends the run as Ctrl-C does. Elsewhere than in the main thread signals are left alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
