"""The human parser's network: a U-Net of bottleneck blocks, joint and bone maps joined in at a quarter of the size.

After Ronneberger et al., "U-Net" (2015) and He et al., "Deep Residual Learning" (2015). Plain 3 x 3 convolutions: on a
CPU they train faster than depthwise ones of the same strength. Needs torch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from tryon_service.perception.nets.parser_input import CLASSES, IMAGE_CHANNELS, POSE_CHANNELS

WIDTHS = (24, 64, 112, 192, 256)
"""Channels at a half, a quarter, ... a 32nd of the crop's size."""
DEPTHS = (2, 3, 5, 3)
"""Blocks at a quarter, ... a 32nd."""
DECODER = (32, 48, 80, 112)
"""Channels of the decoder at a half, ... a 16th."""


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU; the size is kept or, rounded up, divided by the stride."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class Bottleneck(nn.Module):
    """A residual block: narrow to half the channels, look around, widen again."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        last = nn.BatchNorm2d(channels)
        nn.init.zeros_(last.weight)
        self.body = nn.Sequential(
            conv(channels, channels // 2, 1),
            conv(channels // 2, channels // 2, 3),
            nn.Conv2d(channels // 2, channels, 1, bias=False),
            last,
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.body(x))


class Context(nn.Module):
    """Adds a word on the whole picture to every place: dress or skirt and upper is decided far from the pixel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = nn.Sequential(
            nn.Conv2d(channels, channels, 1), nn.ReLU(inplace=True), nn.Conv2d(channels, channels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.mix(x.mean((2, 3), keepdim=True))
        return x + mixed


class Up(nn.Module):
    """Doubles the size and joins what the encoder knew there."""

    def __init__(self, deep: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.deep = nn.Conv2d(deep, outputs, 1, bias=False)
        self.skip = nn.Conv2d(skip, outputs, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.look = conv(outputs, outputs)

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        up = functional.interpolate(self.deep(deep), size=skip.shape[2:], mode="bilinear", align_corners=False)
        looked: Tensor = self.look(functional.relu(self.norm(up + self.skip(skip))))
        return looked


class ParserNet(nn.Module):
    """image: N x 4 x H x W, pose: N x 16 x H/4 x W/4 (parser_input.py) -> N x 13 x H/2 x W/2 logits as in CLASSES."""

    def __init__(
        self,
        widths: Sequence[int] = WIDTHS,
        depths: Sequence[int] = DEPTHS,
        decoder: Sequence[int] = DECODER,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.to_half = conv(IMAGE_CHANNELS, widths[0], 3, 2)
        self.to_quarter = conv(widths[0], widths[1], 3, 2)
        self.join = conv(widths[1] + POSE_CHANNELS, widths[1], 1)
        stages = []
        for index, (width, depth) in enumerate(zip(widths[1:], depths, strict=True)):
            down = [conv(widths[index], width, 3, 2)] if index else []  # the first is at a quarter already
            stages.append(nn.Sequential(*down, *(Bottleneck(width) for _ in range(depth))))
        self.stages = nn.ModuleList(stages)
        self.context = Context(widths[-1])
        deep = (*decoder[1:], widths[-1])
        self.ups = nn.ModuleList(Up(d, s, o) for d, s, o in zip(deep, widths[:-1], decoder, strict=True))
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(decoder[0], len(CLASSES), 1)

    def forward(self, image: Tensor, pose: Tensor) -> Tensor:
        features = [self.to_half(image)]
        x = self.join(torch.cat([self.to_quarter(features[0]), pose], dim=1))
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        x = self.dropout(self.context(features.pop()))
        for up, skip in zip(reversed(self.ups), reversed(features), strict=True):
            x = up(x, skip)
        logits: Tensor = self.head(x)
        return logits
