"""What a repair is judged by while learning: pixels, structure, opacity, and leaving alone what is whole.

It is judged as it is shown: changes come through only where renderers/permission.py lets them, so nothing is learned,
and nothing lost, by what a picture would never show.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from tryon_service.renderers.nets.refine_input import ALPHA, ALPHA_EDGE, COLOURS, GREY, LEVELS, REAL, SEAMS

WINDOW, STEP = 7, 2
"""Side of the windows of structural similarity, and the pixels from one to the next: a flat window at every other pixel
costs a tenth of the Gaussian at every pixel and learns the same."""
C1, C2 = 0.02**2, 0.06**2
"""Of Wang et al. (2004), for a data range of 2."""
SOFT = 0.03
"""Four of 255 levels, in units of LEVELS."""
WHOLE, FLAT = 0.95, 0.05
"""From which share of real, opaque pixels, and up to which strength of the map of seams nothing is to be repaired."""


@dataclass(frozen=True)
class Batch:
    """Crops stacked, float32. image, pose: as RefineNet takes them; truth: N x 3 x H x W, the photo over grey in units
    of refine_input.LEVELS; truth_alpha: N x 1 x H x W in [0, 1]; weight: N x 1 x H x W, what a pixel counts, 0 on
    faces; allowed: N x 3 x H x W in [0, 1], how much of a change of colours, closing and opening comes through; trust:
    N, what a crop counts."""

    image: Tensor
    pose: Tensor
    truth: Tensor
    truth_alpha: Tensor
    weight: Tensor
    allowed: Tensor
    trust: Tensor

    @property
    def face(self) -> Tensor:
        """N x 1 x H x W bool: what is left alone."""
        return self.weight <= 0

    @property
    def counts(self) -> Tensor:
        """N x 1 x H x W: weight of pixels times trust in the crop, where anything may change; of mean 1."""
        counts = self.weight * self.trust[:, None, None, None] * (self.allowed[:, :2].amax(1, keepdim=True) > 0)
        return counts / counts.mean().clamp(min=1e-6)


@dataclass(frozen=True)
class Repair:
    """colours: N x 3 x H x W, as far as allowed, over grey; alpha: N x 1 x H x W in [0, 1], their opacity. change:
    N x 3 x H x W, what the network would like to add to colours anywhere; logit: N x 1 x H x W, of its opacity."""

    colours: Tensor
    alpha: Tensor
    change: Tensor
    logit: Tensor


def repaired(batch: Batch, residual: Tensor, blend: Tensor, alpha: Tensor) -> Repair:
    """The network's answers laid over its input, as renderers/repair.py does it.

    Tears are closed as far as the truth closes them, so that what they are filled with is learned from the start;
    whether they close is for alpha_loss. Colours of faces are the truth's: nothing is to be learned on them, also not
    from windows that reach into them.
    """
    before, colours = batch.image[:, ALPHA : ALPHA + 1], batch.image[:, COLOURS]
    change = blend.sigmoid() * residual
    recoloured, closing, _ = torch.split(batch.allowed, 1, dim=1)
    closed = torch.minimum(closing, (batch.truth_alpha - before).clamp(min=0))
    shown = colours + recoloured * change + closed * (colours + change - (GREY / LEVELS - 1))
    logit = torch.logit(before, eps=ALPHA_EDGE) + alpha
    return Repair(torch.where(batch.face, batch.truth, shown), before + closed, change, logit)


def pixel_loss(batch: Batch, repair: Repair) -> Tensor:
    """Weighted mean of |difference|, in units of LEVELS, rounded off below SOFT (Charbonnier). Scalar.

    With a kink at nothing, the many pixels that are right already would hold the network where it begins.
    """
    squared = (repair.colours - batch.truth) ** 2
    return (((squared + SOFT**2).sqrt() - SOFT) * batch.counts).mean()


def structure_loss(batch: Batch, repair: Repair) -> Tensor:
    """1 - weighted mean SSIM (Wang et al. 2004). Scalar in [0, 2]."""
    x, y = repair.colours, batch.truth
    pooled = functional.avg_pool2d(torch.cat([x, y, x * x, y * y, x * y, batch.counts], dim=1), WINDOW, STEP)
    mean_x, mean_y, xx, yy, xy, counts = torch.split(pooled, [3, 3, 3, 3, 3, 1], dim=1)
    spread = xx - mean_x**2 + yy - mean_y**2 + C2
    likeness = (2 * mean_x * mean_y + C1) * (2 * (xy - mean_x * mean_y) + C2)
    ssim = likeness / ((mean_x**2 + mean_y**2 + C1) * spread)
    return ((1 - ssim) * counts).mean()


def alpha_loss(batch: Batch, repair: Repair) -> Tensor:
    """Cross entropy of the opacity plus its difference: weighted mean over where it may change. Scalar."""
    entropy = functional.binary_cross_entropy_with_logits(repair.logit, batch.truth_alpha, reduction="none")
    wrong = entropy + (repair.logit.sigmoid() - batch.truth_alpha).abs()
    counts = batch.weight * batch.trust[:, None, None, None] * batch.allowed[:, 1:].amax(1, keepdim=True)
    return (wrong * counts).sum() / counts.sum().clamp(min=1.0)


def whole(image: Tensor) -> Tensor:
    """N x 1 x H x W bool: real, opaque and away from seams."""
    return (image[:, REAL : REAL + 1] > WHOLE) & (image[:, SEAMS : SEAMS + 1] < FLAT)


def stillness_loss(batch: Batch, repair: Repair) -> Tensor:
    """Mean |change| of colours where nothing is to be repaired, allowed or not, in units of LEVELS. Scalar.

    The change and not the blend: a blend that is held down before the residual is worth anything never comes back.
    """
    return (repair.change.abs() * (whole(batch.image) & ~batch.face)).mean()
