"""What the generators share: adaptive instance norm, a layer norm over the whole picture, and how weights begin.

Huang and Belongie, "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization" (2017); Ba et al.,
"Layer Normalization" (2016); Radford et al., "Unsupervised Representation Learning with Deep Convolutional Generative
Adversarial Networks" (2016) for the first weights. Needs torch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

EPSILON = 1e-5
"""Keeps the norms from dividing by nothing."""
FIRST_STD = 0.02
"""Standard deviation of the weights that training begins with."""


def adaptive_instance_norm(x: Tensor, bias: Tensor, scale: Tensor) -> Tensor:
    """N x C x H x W with each picture's own mean and variance taken off, then scaled and shifted by N x C numbers.

    The scale is used as it is, not as 1 + scale.
    """
    normal = functional.instance_norm(x, eps=EPSILON)  # [N, C, H, W]
    return normal * scale[:, :, None, None] + bias[:, :, None, None]


class PictureNorm(nn.Module):
    """Layer norm over channels, rows and columns together, with a gain and an offset per channel.

    The deviation is the unbiased one and EPSILON is added to it, not to the variance: weights trained so expect it.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        std, mean = torch.std_mean(x, dim=(1, 2, 3), keepdim=True)  # [N, 1, 1, 1]
        return (x - mean) / (std + EPSILON) * self.gamma[:, None, None] + self.beta[:, None, None]


def begin(net: nn.Module) -> None:
    """First weights: normal with FIRST_STD round 0, round 1 for the gains of batch norms; offsets 0. Frozen weights are
    left as they are."""
    for layer in net.modules():
        own = dict(layer.named_parameters(recurse=False))
        if "weight" not in own or not own["weight"].requires_grad:
            continue
        nn.init.normal_(own["weight"], mean=1.0 if isinstance(layer, nn.BatchNorm2d) else 0.0, std=FIRST_STD)
        if "bias" in own:
            nn.init.zeros_(own["bias"])
