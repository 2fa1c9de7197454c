"""A patch discriminator at two sizes, its hinge losses and feature matching.

Wang et al., "High-Resolution Image Synthesis ... with Conditional GANs" (pix2pixHD, 2018); hinge: Lim and Ye,
"Geometric GAN" (2017); spectral norm, which keeps it from outrunning the generator: Miyato et al. (2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

WIDTHS = (32, 64, 128)
"""Channels at a half, a quarter and an eighth of the picture's size."""
SCALES = 2
"""The picture, and the picture at half the size."""
CHANNELS = 4
"""Colours and opacity."""

Answers = list[list[Tensor]]
"""Per scale: the features of each layer, and last the patches' scores."""


class PatchDiscriminator(nn.Module):
    """N x 4 x H x W: colours and opacity -> Answers. Each score judges a patch of about 50 pixels."""

    def __init__(self, widths: Sequence[int] = WIDTHS, scales: int = SCALES) -> None:
        super().__init__()
        self.scales = nn.ModuleList(_layers(widths) for _ in range(scales))

    def forward(self, picture: Tensor) -> Answers:
        answers = []
        for index, layers in enumerate(self.scales):
            x = functional.avg_pool2d(picture, 2**index) if index else picture
            features = []
            for layer in cast(nn.ModuleList, layers):
                x = layer(x)
                features.append(x)
            answers.append(features)
        return answers


def _layers(widths: Sequence[int]) -> nn.ModuleList:
    layers: list[nn.Module] = []
    before = CHANNELS
    for width in widths:
        layers.append(nn.Sequential(spectral_norm(nn.Conv2d(before, width, 4, 2, 1)), nn.LeakyReLU(0.2)))
        before = width
    layers.append(spectral_norm(nn.Conv2d(before, 1, 3, 1, 1)))
    return nn.ModuleList(layers)


def discriminator_loss(real: Answers, fake: Answers) -> Tensor:
    """Hinge: scores of real pictures above 1, of made ones below -1. Scalar."""
    parts = [
        functional.relu(1 - r[-1].float()).mean() + functional.relu(1 + f[-1].float()).mean()
        for r, f in zip(real, fake, strict=True)
    ]
    return torch.stack(parts).mean()


def generator_loss(fake: Answers) -> Tensor:
    """What a made picture wants: to score high. Scalar."""
    return torch.stack([-answers[-1].float().mean() for answers in fake]).mean()


def matching_loss(real: Answers, fake: Answers) -> Tensor:
    """Mean difference of the discriminator's features, by their size. Scalar."""
    parts = [
        functional.l1_loss(f.float(), r.detach().float()) / r.detach().float().abs().mean().clamp(min=1e-3)
        for reals, fakes in zip(real, fake, strict=True)
        for r, f in zip(reals[:-1], fakes[:-1], strict=True)
    ]
    return torch.stack(parts).mean()
