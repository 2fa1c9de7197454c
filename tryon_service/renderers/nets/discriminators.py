"""The two judges of PATN and ADGAN: does the picture show this pose, and does it show this person?

Zhu et al., "Progressive Pose Attention Transfer for Person Image Generation" (CVPR 2019), section 3.2, and Men et al.,
"Controllable Person Image Synthesis with Attribute-Decomposed GAN" (CVPR 2020), section 3.2, which took them over.
There is no single verdict at the end: every number of the last map is one, for the squared loss of Mao et al., "Least
Squares Generative Adversarial Networks" (2017). Needs torch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tryon_service.perception.skeletons import COCO18
from tryon_service.renderers.nets.layers import begin

BLOCKS = 3
"""Residual blocks."""
DROPOUT = 0.5
POSE_CHANNELS = len(COCO18)
PERSON_CHANNELS = 3
"""What is judged beside the picture: maps of the target's joints, or a photo of the same person."""


class PairDiscriminator(nn.Module):
    """Judges a picture together with what it is to agree with, which has `beside` channels.

    width: channels at full size; the default is the papers'.
    """

    def __init__(self, beside: int, width: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(3),
            *_normed(nn.Conv2d(3 + beside, width, 7), width),  # [N, D, H, W]
            *_normed(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), 2 * width),  # [N, 2D, H/2, W/2]
            *_normed(nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1), 4 * width),  # [N, 4D, H/4, W/4]
            *(ResidualBlock(4 * width) for _ in range(BLOCKS)),
        )
        begin(self)

    def forward(self, picture: Tensor, other: Tensor) -> Tensor:
        """N x 4D x H/4 x W/4 scores, to be near 1 for real pictures and near 0 for made ones. picture: N x 3 x H x W in
        [-1, 1]; other: N x beside x H x W."""
        scores: Tensor = self.layers(torch.cat([picture, other], dim=1))
        return scores


def pose_discriminator(width: int = 64) -> PairDiscriminator:
    """Shape consistency: forward(picture, maps of the joints it is to show)."""
    return PairDiscriminator(POSE_CHANNELS, width)


def person_discriminator(width: int = 64) -> PairDiscriminator:
    """Appearance consistency: forward(picture, the source photo)."""
    return PairDiscriminator(PERSON_CHANNELS, width)


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions with instance norms, dropout between them, added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(1),
            *_normed(nn.Conv2d(channels, channels, 3), channels),
            nn.Dropout(DROPOUT),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.layers(x)
        return x + answer


def _normed(layer: nn.Module, channels: int) -> tuple[nn.Module, ...]:
    return layer, nn.InstanceNorm2d(channels), nn.ReLU()
