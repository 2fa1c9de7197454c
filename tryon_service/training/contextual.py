"""A likeness of features wherever they lie: Mechrez et al., "The Contextual Loss for Image Transformation with
Non-Aligned Data" (2018).

Cloth of a made picture is to look like cloth of the real one, not lie on it to the pixel. Each feature of one is
compared with each of the other, so memory would grow with the square of the pixels; here it grows with one block of
rows times the pixels, and a block is computed again when its gradient is wanted.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

BANDWIDTH = 0.5
"""h of equation 3."""
NEAREST = 1e-5
"""Keeps equation 2 from dividing by nothing."""
BLOCK = 512
"""Features of the made picture that are compared at a time."""


def contextual_loss(found: Tensor, wanted: Tensor, block: int = BLOCK) -> Tensor:
    """-log of equation 1's likeness, mean over the pictures. Scalar, at least 0.

    found, wanted: N x C x h x w and N x C x h' x w', features of the made pictures and of the real ones. The answer
    doesn't depend on the block.
    """
    likenesses = [likeness(made, real, block) for made, real in zip(found, wanted, strict=True)]
    return -torch.stack(likenesses).clamp(min=NEAREST).log().mean()


def likeness(found: Tensor, wanted: Tensor, block: int = BLOCK) -> Tensor:
    """Equation 1 for one picture, in [0, 1]: how well, on average, the best of the made features fits a real one.
    found: C x h x w; wanted: C x h' x w'."""
    with torch.autocast(found.device.type, enabled=False):
        real = wanted.float().flatten(1)
        middle = real.mean(dim=1, keepdim=True)
        directions = functional.normalize(real - middle, dim=0)  # [C, M]
        rows = functional.normalize(found.float().flatten(1) - middle, dim=0).T  # [N, C]
        best = None
        for start in range(0, len(rows), block):
            some: Tensor = checkpoint(_best, rows[start : start + block], directions, use_reentrant=False)
            best = some if best is None else torch.maximum(best, some)
        assert best is not None
        return best.mean()


def _best(rows: Tensor, directions: Tensor) -> Tensor:
    """M: for each real feature the largest affinity (equations 2 to 4) that one of the made ones, B x C, has to it."""
    distance = (1 - rows @ directions).clamp(min=0)  # [B, M]
    relative = distance / (distance.amin(dim=1, keepdim=True) + NEAREST)
    affinity = ((1 - relative) / BANDWIDTH).softmax(dim=1)
    return affinity.amax(dim=0)
