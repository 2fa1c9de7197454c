"""Losses of the parser: weighted cross entropy, and soft dice, which small classes need."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from tryon_service.perception.nets.parser_input import CLASSES
from tryon_service.training.dataset import IGNORE, Sample


def class_weights(samples: Sequence[Sample]) -> Tensor:
    """13 float32 in [1, 2]: rare classes weigh more. The background weighs no less than what borders on it, or the
    person would grow at every edge."""
    counts = np.zeros(256, np.int64)
    for sample in samples:
        counts += np.bincount(sample.classes.ravel(), minlength=256)
    share = np.maximum(counts[: len(CLASSES)], 1) / max(int(counts[: len(CLASSES)].sum()), 1)
    weights = np.clip((0.03 / share) ** 0.3, 1.0, 2.0)
    return torch.tensor(weights, dtype=torch.float32)


def parsing_loss(logits: Tensor, classes: Tensor, weights: Tensor, dice_weight: float) -> Tensor:
    """logits: N x C x H/2 x W/2; classes: N x H x W int64 with IGNORE. Scalar.

    Cross entropy at full size, so that edges are learned to the pixel; dice at the logits' own size, over the batch.
    """
    full = functional.interpolate(logits, size=classes.shape[1:], mode="bilinear", align_corners=False)
    entropy = functional.cross_entropy(full, classes, weights, ignore_index=IGNORE)
    return entropy + dice_weight * dice_loss(logits, classes[:, ::2, ::2])


def dice_loss(logits: Tensor, classes: Tensor) -> Tensor:
    """1 - mean over the classes present of 2 |P and T| / (|P| + |T|), P the probabilities. Milletari et al. (2016)."""
    valid = (classes != IGNORE).unsqueeze(1)
    probability = logits.softmax(dim=1) * valid
    target = functional.one_hot(classes.clamp(max=logits.shape[1] - 1), logits.shape[1]).permute(0, 3, 1, 2) * valid
    dims = (0, 2, 3)
    shared = (probability * target).sum(dims)
    total = probability.sum(dims) + target.sum(dims)
    present = target.sum(dims) > 0
    return 1 - ((2 * shared + 1) / (total + 1))[present].mean()
