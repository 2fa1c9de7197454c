"""The repairing network: a small U-Net that says where a render is to be repainted, with what, and where it ends.

After Ronneberger et al., "U-Net" (2015) and He et al., "Deep Residual Learning" (2015); all of its work is done at half
the size and below, and the last step deals out four pixels at a time: Shi et al., "Real-Time Single Image ...
Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network" (2016). Holes begin filled with the colours
round them, as in Gortler et al., "The Lumigraph" (1996), and it learns what is wrong with that. Needs torch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from tryon_service.perception.nets.parser_net import Up, conv
from tryon_service.renderers.nets.refine_input import (
    ALPHA,
    ALPHA_EDGE,
    CLASS,
    COLOURS,
    GREY,
    IMAGE_CHANNELS,
    LEVELS,
    POSE_CHANNELS,
    REAL,
)

WIDTHS = (24, 48, 96, 160)
"""Channels at a half, a quarter, an eighth and a 16th of the crop's size."""
DEPTHS = (1, 1, 2, 3)
"""Residual blocks there."""
DECODER = (24, 48, 96)
"""Channels of the decoder at a half, a quarter and an eighth."""
OUTPUTS = [3, 1, 1]
"""Channels of residual, blend and alpha."""
HALVINGS = 4
"""Halvings by which the colours round a hole reach into it: up to 16 pixels."""
SHY = -2.0
"""Where the blend begins on real pixels, a logit: little is taken, but enough to find out what it is worth."""
DECIDED = 4
"""Power of the odds by which growth is taken to be surer than it is: what closes shows its colour, the rest no haze."""
LEAST_SHARE = 1e-4
"""Blends stay this far from nothing and all, a hundredth of a level."""
_FINE = CLASS.start
"""Image planes that the last step sees again at full size: all but the one-hot classes."""


class Residual(nn.Module):
    """Two 3 x 3 convolutions added to what came in. They train faster on a CPU than bottlenecks of the same cost."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        last = nn.BatchNorm2d(channels)
        nn.init.zeros_(last.weight)
        self.body = nn.Sequential(conv(channels, channels), nn.Conv2d(channels, channels, 3, 1, 1, bias=False), last)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.body(x))


class RefineNet(nn.Module):
    """image: N x IMAGE_CHANNELS x H x W, pose: N x POSE_CHANNELS x H/4 x W/4 (refine_input.planes); H and W multiples
    of 16. Returns, at the image's size,

    residual: N x 3 in [-1, 1], in units of refine_input.HALVINGS; blend: N x 1, a logit, how much of it is taken:
    colours = image[:, :3] + sigmoid(blend) * residual; alpha: N x 1, a change of the logit of the opacity that came in.
    """

    def __init__(
        self, widths: Sequence[int] = WIDTHS, depths: Sequence[int] = DEPTHS, decoder: Sequence[int] = DECODER
    ) -> None:
        super().__init__()
        self.to_half = nn.Sequential(conv(IMAGE_CHANNELS, widths[0], 3, 2), *_blocks(widths[0], depths[0]))
        self.to_quarter = conv(widths[0], widths[1], 3, 2)
        self.join = conv(widths[1] + POSE_CHANNELS, widths[1], 1)
        stages = [nn.Sequential(*_blocks(widths[1], depths[1]))]
        for before, width, depth in zip(widths[1:], widths[2:], depths[2:], strict=False):
            stages.append(nn.Sequential(conv(before, width, 3, 2), *_blocks(width, depth)))
        self.stages = nn.ModuleList(stages)
        deep = (*decoder[1:], widths[-1])
        self.ups = nn.ModuleList(Up(d, s, o) for d, s, o in zip(deep, widths[:-1], decoder, strict=True))
        self.fine = conv(decoder[0] + 4 * _FINE, decoder[0])
        self.head = nn.Conv2d(decoder[0], 4 * sum(OUTPUTS), 1)
        # Begins by leaving everything as it is, with holes filled.
        nn.init.normal_(self.head.weight, std=1e-3)
        self.head.bias = nn.Parameter(torch.zeros(4 * sum(OUTPUTS)))

    def forward(self, image: Tensor, pose: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features = [self.to_half(image)]
        x = self.join(torch.cat([self.to_quarter(features[0]), pose], dim=1))
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        features.pop()
        for up, skip in zip(reversed(self.ups), reversed(features), strict=True):
            x = up(x, skip)
        x = self.fine(torch.cat([x, functional.pixel_unshuffle(image[:, :_FINE], 2)], dim=1))
        residual, blend, alpha = torch.split(functional.pixel_shuffle(self.head(x), 2), OUTPUTS, dim=1)
        opacity = image[:, ALPHA : ALPHA + 1]
        missing = (1 - opacity) * surroundings(image[:, COLOURS], opacity)
        blend = _share_logit(blend.float(), alpha.float(), opacity, image[:, REAL : REAL + 1])
        return (missing + residual.float().tanh()).clamp(-1, 1), blend, alpha.float()


def _share_logit(blend: Tensor, alpha: Tensor, opacity: Tensor, real: Tensor) -> Tensor:
    """The logit of how much of the residual is taken. Where there is something, it is the network's word, which begins
    shy on what is real; where something comes to be that wasn't there, it is as much as comes.

    A word of its own for holes would be learned from the empty ground round the person, which is far larger: it goes to
    nothing at once and never comes back. Opacity has a loss of its own, which it isn't to be distracted from.
    """
    before = opacity.clamp(ALPHA_EDGE, 1 - ALPHA_EDGE)
    after = (torch.log(before / (1 - before)) + alpha.detach()).sigmoid()
    growth = ((after - before) / (1 - before)).clamp(min=0) ** DECIDED
    growth = growth / (growth + (1 - after).div(1 - before).clamp(max=1) ** DECIDED)
    word = opacity * (blend + SHY * real).sigmoid()
    share = (word + (1 - word) * growth).clamp(LEAST_SHARE, 1 - LEAST_SHARE)
    return torch.log(share / (1 - share))


def surroundings(colours: Tensor, alpha: Tensor) -> Tensor:
    """N x 3 x H x W: at each pixel the mean colour of what is opaque round it, of the nearest where there is some.

    colours: N x 3 x H x W over grey; alpha: N x 1 x H x W. Pull-push: means over ever larger blocks, each level filled
    from the next coarser one.
    """
    # GREY is half a level from nought, enough to show once divided by next to nothing.
    pyramid = [torch.cat([colours - (1 - alpha) * (GREY / LEVELS - 1), alpha], dim=1)]
    for _ in range(HALVINGS):
        pyramid.append(functional.avg_pool2d(pyramid[-1], 2))
    found = colours
    for level in reversed(range(1, HALVINGS + 1)):
        sums, share = torch.split(pyramid[level], [3, 1], dim=1)
        mean = sums / share.clamp(min=1e-3)
        if level < HALVINGS:
            # Blocks that are half opaque know their own colour.
            known = (2 * share).clamp(max=1)
            mean = found + known * (mean - found)
        found = functional.interpolate(mean, scale_factor=2.0, mode="bilinear", align_corners=False)
    return found


def _blocks(channels: int, count: int) -> list[nn.Module]:
    return [Residual(channels) for _ in range(count)]
