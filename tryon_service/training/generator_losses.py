"""What a drawn person is judged by while learning: colours, features, and what two discriminators say.

Men et al., "Controllable Person Image Synthesis with Attribute-Decomposed GAN" (2020), section 3.3, and Zhu et al.,
"Progressive Pose Attention Transfer ..." (2019), section 3.3. Colours of the person and of the white round it are
averaged by themselves: a small person in a wide frame counts as much as a large one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tryon_service.training.contextual import contextual_loss
from tryon_service.training.generator_features import Features
from tryon_service.training.generator_samples import Batch
from tryon_service.training.perceptual import feature_loss

LEAST_AREA = 1.0
"""Pixels; keeps a picture with nobody in it from dividing by nothing."""


def pixel_losses(picture: Tensor, batch: Batch) -> dict[str, Tensor]:
    """Mean |difference| in units of 127.5 levels on the target's person ("inside") and beside it ("outside"), each
    picture by its own areas. Scalars."""
    difference = (picture - batch.target).abs().mean(dim=1, keepdim=True)

    def on(mask: Tensor) -> Tensor:
        return ((difference * mask).sum(dim=(1, 2, 3)) / mask.sum(dim=(1, 2, 3)).clamp(min=LEAST_AREA)).mean()

    return {"inside": on(batch.alpha), "outside": on(1 - batch.alpha)}


def feature_losses(found: Features, wanted: Features, *, contextual: bool) -> dict[str, Tensor]:
    """ "perceptual": features place by place; "contextual": wherever they lie. Scalars."""
    losses = {"perceptual": feature_loss(found.placed, wanted.placed)}
    if contextual:
        pairs = zip(found.anywhere, wanted.anywhere, strict=True)
        losses["contextual"] = torch.stack([contextual_loss(made, real) for made, real in pairs]).sum()
    return losses


def fooling_loss(judges: Sequence[nn.Module], picture: Tensor, others: Sequence[Tensor]) -> Tensor:
    """What the picture wants: to score 1 everywhere, by the mean of the judges. others: what each judges it with."""
    scores = [judge(picture, other).float() for judge, other in zip(judges, others, strict=True)]
    return torch.stack([((score - 1) ** 2).mean() for score in scores]).mean()


def judging_loss(judges: Sequence[nn.Module], real: Tensor, made: Tensor, others: Sequence[Tensor]) -> Tensor:
    """What the judges want: 1 for real pictures and 0 for made ones. Mao et al. (2017), a half of each square."""
    parts = [
        ((judge(real, other).float() - 1) ** 2).mean() / 2 + (judge(made, other).float() ** 2).mean() / 2
        for judge, other in zip(judges, others, strict=True)
    ]
    return torch.stack(parts).mean()
