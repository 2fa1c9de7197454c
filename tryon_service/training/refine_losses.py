"""What a repair is judged by while learning: pixels, structure, opacity, and leaving alone what is whole."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from tryon_service.renderers.nets.refine_input import ALPHA, ALPHA_EDGE, COLOURS, REAL, SEAMS

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
    faces; trust: N, what a crop counts."""

    image: Tensor
    pose: Tensor
    truth: Tensor
    truth_alpha: Tensor
    weight: Tensor
    trust: Tensor

    @property
    def face(self) -> Tensor:
        """N x 1 x H x W bool: what is left alone."""
        return self.weight <= 0

    @property
    def counts(self) -> Tensor:
        """N x 1 x H x W: weight of pixels times trust in the crop, of mean 1."""
        counts = self.weight * self.trust[:, None, None, None]
        return counts / counts.mean().clamp(min=1e-6)


@dataclass(frozen=True)
class Repair:
    """colours: N x 3 x H x W; share: N x 1 x H x W, how much of the residual was taken; logit: N x 1 x H x W, of the
    opacity."""

    colours: Tensor
    share: Tensor
    logit: Tensor

    @property
    def alpha(self) -> Tensor:
        """N x 1 x H x W in [0, 1]."""
        return self.logit.sigmoid()


def repaired(image: Tensor, face: Tensor, residual: Tensor, blend: Tensor, alpha: Tensor) -> Repair:
    """The network's answers laid over its input; faces (N x 1 x H x W bool) keep their colours."""
    share = blend.sigmoid() * ~face
    before = torch.logit(image[:, ALPHA : ALPHA + 1], eps=ALPHA_EDGE)
    return Repair(image[:, COLOURS] + share * residual, share, before + alpha)


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
    """Cross entropy of the opacity plus its mean difference, weighted. Scalar."""
    entropy = functional.binary_cross_entropy_with_logits(repair.logit, batch.truth_alpha, reduction="none")
    return ((entropy + (repair.alpha - batch.truth_alpha).abs()) * batch.counts).mean()


def whole(image: Tensor) -> Tensor:
    """N x 1 x H x W bool: real, opaque and away from seams."""
    return (image[:, REAL : REAL + 1] > WHOLE) & (image[:, SEAMS : SEAMS + 1] < FLAT)


def stillness_loss(batch: Batch, repair: Repair) -> Tensor:
    """Mean |change| of colours where nothing is to be repaired, in units of LEVELS. Scalar.

    The change and not the blend: a blend that is held down before the residual is worth anything never comes back.
    """
    change = (repair.colours - batch.image[:, COLOURS]).abs()
    return (change * (whole(batch.image) & ~batch.face)).mean()
