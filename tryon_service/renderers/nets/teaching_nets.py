"""Small networks that draw one person from a pose, 64 x 64 pixels: they show what learning a person by heart is worth.

Chan et al., "Everybody Dance Now" (2019): one person's video is the teacher. The layers are those of Radford et al.,
"Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks" (DCGAN, 2016). The pose
comes as a vector or as a drawing; the vector's network learns from the plain difference, or from Critic as well, whose
slopes and dropout keep it from outrunning so small a generator. Needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tryon_service.renderers.nets.generator_input import HALF
from tryon_service.renderers.nets.layers import begin
from tryon_service.renderers.pose_vector import POSE_NUMBERS

SIDE = 64
"""Width and height of every picture."""
WIDTH = 64
"""Channels at half the picture's size."""
SLOPE = 0.2
"""Of LeakyReLU for values below nought, as in DCGAN."""
CRITIC_DROPOUT = 0.25
"""Share of whole channels that the critic does without."""


@dataclass(frozen=True)
class TeachingConfig:
    """width: channels at half the picture's size. Raises ValueError."""

    width: int = WIDTH

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"sizes must be positive: {self}")


@dataclass(frozen=True)
class FramesConfig:
    """frames: how many. Raises ValueError."""

    frames: int

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise ValueError(f"there must be a frame: {self}")


class NearestFrame(nn.Module):
    """N x 26 numbers (renderers/pose_vector.py) -> N x 3 x 64 x 64 in [-1, 1]: of the frames known by heart, the one
    whose pose is nearest. It learns nothing and sets the mark for those that do.

    frames: F x 64 x 64 x 3 uint8; poses: F x 26, theirs.
    """

    frames: Tensor
    poses: Tensor

    def __init__(self, config: FramesConfig) -> None:
        super().__init__()
        self.register_buffer("frames", torch.zeros(config.frames, SIDE, SIDE, 3, dtype=torch.uint8))
        self.register_buffer("poses", torch.zeros(config.frames, POSE_NUMBERS))

    def forward(self, pose: Tensor) -> Tensor:
        # Differences, not products of matrices: the frame's own pose is at a distance of nought exactly.
        nearest = (pose[:, None] - self.poses).square().sum(dim=2).argmin(dim=1)  # [N]
        return self.frames[nearest].permute(0, 3, 1, 2).float() / HALF - 1  # [N, 3, 64, 64]


class VectorToImage(nn.Module):
    """N x 26 numbers (renderers/pose_vector.py) -> N x 3 x 64 x 64 in [-1, 1]. DCGAN's generator."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_normed(nn.ConvTranspose2d(POSE_NUMBERS, 8 * width, 4, bias=False), 8 * width),  # [N, 8D, 4, 4]
            *_doubled(8 * width, 4 * width),  # [N, 4D, 8, 8]
            *_doubled(4 * width, 2 * width),  # [N, 2D, 16, 16]
            *_doubled(2 * width, width),  # [N, D, 32, 32]
            nn.ConvTranspose2d(width, 3, 4, 2, 1, bias=False),  # [N, 3, 64, 64]
            nn.Tanh(),
        )
        begin(self)

    def forward(self, pose: Tensor) -> Tensor:
        picture: Tensor = self.layers(pose[:, :, None, None])
        return picture


class DrawingToImage(nn.Module):
    """N x 3 x 64 x 64 in [-1, 1]: skeletons (renderers/skeleton_drawing.py) -> people, of the same size and range."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_normed(nn.Conv2d(3, width, 4, 2, 1, bias=False), width),  # [N, D, 32, 32]
            *_normed(nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), 2 * width),  # [N, 2D, 16, 16]
            *_normed(nn.Conv2d(2 * width, 4 * width, 4, 2, 1, bias=False), 4 * width),  # [N, 4D, 8, 8]
            *_doubled(4 * width, 2 * width),  # [N, 2D, 16, 16]
            *_doubled(2 * width, width),  # [N, D, 32, 32]
            nn.ConvTranspose2d(width, 3, 4, 2, 1, bias=False),  # [N, 3, 64, 64]
            nn.Tanh(),
        )
        begin(self)

    def forward(self, drawing: Tensor) -> Tensor:
        picture: Tensor = self.layers(drawing)
        return picture


class Critic(nn.Module):
    """N x 3 x 64 x 64 in [-1, 1] -> N x 1 x 4 x 4 logits, one for each patch: is this a real frame?"""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 4, 2, 1, bias=False),  # [N, D, 32, 32]
            *_leaky(),
            nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False),  # [N, 2D, 16, 16]
            nn.BatchNorm2d(2 * width),
            *_leaky(),
            nn.Conv2d(2 * width, 4 * width, 4, 2, 1, bias=False),  # [N, 4D, 8, 8]
            nn.BatchNorm2d(4 * width),
            *_leaky(),
            nn.Conv2d(4 * width, 1, 4, 2, 1, bias=False),  # [N, 1, 4, 4]
        )
        begin(self)

    def forward(self, picture: Tensor) -> Tensor:
        logits: Tensor = self.layers(picture)
        return logits


def _normed(layer: nn.Module, channels: int) -> tuple[nn.Module, ...]:
    return layer, nn.BatchNorm2d(channels), nn.ReLU()


def _doubled(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    """To twice the size."""
    return _normed(nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False), outputs)


def _leaky() -> tuple[nn.Module, ...]:
    return nn.LeakyReLU(SLOPE), nn.Dropout2d(CRITIC_DROPOUT)
