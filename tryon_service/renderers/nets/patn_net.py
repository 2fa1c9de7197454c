"""PATN's generator: one image code, carried from pose to pose by attention blocks that the pose code steers.

Zhu et al., "Progressive Pose Attention Transfer for Person Image Generation" (CVPR 2019), section 3.1: two encoders, a
chain of pose-attentional transfer blocks, a decoder. It needs no parsing, and so has no word on single garments. The
norm is instance norm, as trained on DeepFashion. Modules bear the names and numbers of the published weights. Needs
torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tryon_service.perception.skeletons import COCO18
from tryon_service.renderers.nets.layers import begin

JOINTS = len(COCO18)
BLOCKS = 9
"""Pose-attentional transfer blocks."""
DROPOUT = 0.5


@dataclass(frozen=True)
class PatnConfig:
    """width: channels at full size; the default is the paper's. Raises ValueError."""

    width: int = 64

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"sizes must be positive: {self}")

    @classmethod
    def of(cls, shapes: Mapping[str, Sequence[int]]) -> PatnConfig:
        """Read off the shapes of a network's weights; what they don't show keeps its default."""
        width = next(iter(shapes.get("stream1_down.1.weight", ())), 0)
        return cls(width) if width > 0 else cls()


class PatnNet(nn.Module):
    """See the module. Pictures are RGB in [-1, 1]; H and W are multiples of 4, 256 x 176 in the paper."""

    def __init__(self, config: PatnConfig | None = None) -> None:
        super().__init__()
        self.config = config or PatnConfig()
        width = self.config.width
        self.stream1_down = _encoder(3, width)
        self.stream2_down = _encoder(2 * JOINTS, width)
        self.att = nn.ModuleList(TransferBlock(4 * width, first=index == 0) for index in range(BLOCKS))
        self.stream1_up = _decoder(width)
        begin(self)

    def forward(self, image: Tensor, pose_source: Tensor, pose_target: Tensor) -> Tensor:
        """N x 3 x H x W in [-1, 1]: the person of the image in the target pose.

        image: N x 3 x H x W; pose_source, pose_target: N x 18 x H x W maps of joints (retarget/pose_maps.py).
        """
        looks = self.stream1_down(image)  # [N, 4D, H/4, W/4]
        poses = self.stream2_down(torch.cat([pose_source, pose_target], dim=1))  # [N, 4D, H/4, W/4]
        for block in self.att:
            looks, poses = block(looks, poses)  # [N, 4D, H/4, W/4], [N, 8D, H/4, W/4]
        picture: Tensor = self.stream1_up(looks)  # [N, 3, H, W]
        return picture


class TransferBlock(nn.Module):
    """Adds to the image code what the pose code lets through, and tells the pose code what became of it (3.1.2).

    looks: N x C x h x w; poses: as many channels for the first block, 2C for the others. Returns both anew, C and 2C.
    """

    def __init__(self, channels: int, *, first: bool) -> None:
        super().__init__()
        self.conv_block_stream1 = nn.Sequential(*_pair(channels, channels), nn.InstanceNorm2d(channels))
        self.conv_block_stream2 = nn.Sequential(*_pair(channels if first else 2 * channels, channels))

    def forward(self, looks: Tensor, poses: Tensor) -> tuple[Tensor, Tensor]:
        attention = self.conv_block_stream2(poses)  # [N, C, h, w], logits
        looks = looks + self.conv_block_stream1(looks) * attention.sigmoid()  # [N, C, h, w]
        return looks, torch.cat([attention, looks], dim=1)  # [N, 2C, h, w]


def _pair(inputs: int, outputs: int) -> list[nn.Module]:
    """Two 3 x 3 convolutions over mirrored borders, the first with norm, ReLU and dropout behind it."""
    first = [nn.ReflectionPad2d(1), nn.Conv2d(inputs, inputs, 3), nn.InstanceNorm2d(inputs), nn.ReLU()]
    return [*first, nn.Dropout(DROPOUT), nn.ReflectionPad2d(1), nn.Conv2d(inputs, outputs, 3)]


def _encoder(inputs: int, width: int) -> nn.Sequential:
    """N x inputs x H x W -> N x 4D x H/4 x W/4. Only the first convolution has a mirrored border."""
    return nn.Sequential(
        nn.ReflectionPad2d(3),
        *_normed(nn.Conv2d(inputs, width, 7), width),  # [N, D, H, W]
        *_normed(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), 2 * width),  # [N, 2D, H/2, W/2]
        *_normed(nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1), 4 * width),  # [N, 4D, H/4, W/4]
    )


def _decoder(width: int) -> nn.Sequential:
    """N x 4D x h x w -> N x 3 x 4h x 4w in [-1, 1]."""
    return nn.Sequential(
        *_normed(nn.ConvTranspose2d(4 * width, 2 * width, 3, 2, 1, output_padding=1), 2 * width),  # [N, 2D, 2h, 2w]
        *_normed(nn.ConvTranspose2d(2 * width, width, 3, 2, 1, output_padding=1), width),  # [N, D, 4h, 4w]
        nn.ReflectionPad2d(3),
        nn.Conv2d(width, 3, 7),
        nn.Tanh(),
    )


def _normed(layer: nn.Module, channels: int) -> tuple[nn.Module, ...]:
    return layer, nn.InstanceNorm2d(channels), nn.ReLU()
