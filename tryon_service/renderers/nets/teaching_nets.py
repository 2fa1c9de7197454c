"""Small networks that draw one person from a pose, 64 x 64 pixels: they show what learning a person by heart is worth.

Chan et al., "Everybody Dance Now" (2019): one person's video is the teacher. The layers are those of Radford et al.,
"Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks" (DCGAN, 2016). The pose
comes as a vector or as a drawing; the vector's network learns from the plain difference, or from Critic as well, whose
slopes and dropout keep it from outrunning so small a generator. Needs torch.
"""

from __future__ import annotations

from torch import Tensor, nn

from tryon_service.renderers.nets.layers import begin

SIDE = 64
"""Width and height of every picture."""
LANDMARKS = (0, *range(11, 17), *range(23, 29))
"""The 13 of BlazePose's landmarks that make a pose vector: nose, shoulders, elbows, wrists, hips, knees, ankles."""
POSE_NUMBERS = 2 * len(LANDMARKS)
WIDTH = 64
"""Channels at half the picture's size."""
SLOPE = 0.2
"""Of LeakyReLU for values below nought, as in DCGAN."""
CRITIC_DROPOUT = 0.25
"""Share of whole channels that the critic does without."""


class VectorToImage(nn.Module):
    """N x 26 numbers: x and y of LANDMARKS in turn -> N x 3 x 64 x 64 in [-1, 1]. DCGAN's generator."""

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
    """N x 3 x 64 x 64: a skeleton drawn in colours, in [-1, 1] -> the person, of the same size and range."""

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
