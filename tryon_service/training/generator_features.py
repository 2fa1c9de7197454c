"""The networks whose features pictures are compared by: our parser's encoder, or a VGG19 that the user has.

The parser has seen this kind of photo and comes with the package. The papers' losses are those of a VGG19 trained on
ImageNet; its weights are the user's to supply, as is what they may be used for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from tryon_service.perception.backends import PARSER_NETWORK
from tryon_service.renderers.nets.adgan_net import vgg19
from tryon_service.training import perceptual
from tryon_service.training.perceptual import parser_from_onnx
from tryon_service.zoo.checkpoints import FixUps, fix_up, load_strictly, read_checkpoint, shapes
from tryon_service.zoo.store import Store

PLACED = (3,)
"""Of the VGG's layers the one compared place by place: conv1_2, behind its ReLU, as ADGAN and PATN do it."""
ANYWHERE = (13, 22)
"""Those compared wherever they lie: conv3_2 and conv4_2, behind their ReLUs."""
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures in [0, 1], which this VGG expects to be taken off and divided by."""
FIXUPS = FixUps(
    unused={
        "weights of the classifier": r"^classifier\.",
        "weights behind conv4_2": r"^features\.(23|25|28|30|32|34)\.(weight|bias)$",
    }
)


@dataclass(frozen=True)
class Features:
    """placed: N x C x h x w each, to be compared place by place; anywhere: the same, wherever they lie."""

    placed: list[Tensor]
    anywhere: list[Tensor]


class FeatureNetwork(nn.Module, ABC):
    """A frozen network that pictures are looked at with. origin: which, for people."""

    origin: str

    @abstractmethod
    def forward(self, picture: Tensor, alpha: Tensor, joints: Tensor) -> Features:
        """picture: N x 3 x H x W in [-1, 1]; alpha, joints: as in generator_samples.Batch."""


class ParserFeatures(FeatureNetwork):
    """The encoder of a parser: at a half, a quarter and an eighth of the size; the last two anywhere."""

    def __init__(self, path: Path | None = None) -> None:
        super().__init__()
        self.encoder = perceptual.Features(parser_from_onnx(path or Store().path(PARSER_NETWORK)))
        self.origin = "the parser's encoder"

    def forward(self, picture: Tensor, alpha: Tensor, joints: Tensor) -> Features:
        found = self.encoder(picture, alpha, joints)
        return Features(found, found[1:])


class VggFeatures(FeatureNetwork):
    """A VGG19 of torchvision's layout, of any width."""

    def __init__(self, state: Mapping[str, Tensor], path: Path) -> None:
        """state, path: as read_vgg gives them. Raises InputError("invalid_option")."""
        super().__init__()
        width = shapes(state)["features.0.weight"][0] if "features.0.weight" in state else 64
        self.features = vgg19(width, whole=True)[: ANYWHERE[-1] + 1]
        load_strictly(self, state, path)
        self.origin = f"the VGG19 in {path.name}"
        self.requires_grad_(requires_grad=False).eval()

    def forward(self, picture: Tensor, alpha: Tensor, joints: Tensor) -> Features:  # noqa: ARG002 - it sees pictures
        mean, std = (torch.tensor(values, device=picture.device)[:, None, None] for values in (MEAN, STD))
        x = ((picture + 1) / 2 - mean) / std
        answers: dict[int, Tensor] = {}
        for index, layer in enumerate(self.features.children()):
            x = layer(x)
            answers[index] = x
        return Features([answers[index] for index in PLACED], [answers[index] for index in ANYWHERE])


def read_vgg(path: Path) -> dict[str, Tensor]:
    """The weights of a VGG19 up to conv4_2, as "features.0.weight" and so on. Raises InputError("invalid_option") for a
    file that can't be read; VggFeatures checks that they are all there."""
    state = read_checkpoint(path)
    expected = vgg19(1, whole=True)[: ANYWHERE[-1] + 1].state_dict()
    return fix_up(state, [f"features.{name}" for name in expected], FIXUPS)[0]
