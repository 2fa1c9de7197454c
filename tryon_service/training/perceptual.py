"""A likeness that looks at features, not pixels: Johnson et al., "Perceptual Losses" (2016).

The features are those of our own human parser, read from its ONNX file: it has seen this kind of photo, and no rights
but ours hang on it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tryon_service.errors import ZooError
from tryon_service.perception.nets.parser_input import MEAN, SCALE
from tryon_service.perception.nets.parser_net import ParserNet
from tryon_service.renderers.nets.refine_input import LEVELS

STAGES = 2
"""Stages of the encoder that are looked at, beside its first convolution: down to an eighth of the size. Deeper ones
know what garment it is, which a repair leaves as it was."""
_FOLDED = "weight_bias"
"""How the exporter ends the name of a bias that a folded batch norm left behind."""


def parser_from_onnx(path: Path) -> ParserNet:
    """The parser with an ONNX file's weights, frozen; its logits are the file's.

    The export folds most batch norms into the convolutions before them: those become the identity plus the bias.
    Raises ZooError("network_mismatch") if the file is of another architecture.
    """
    import onnx
    from onnx import numpy_helper

    net = ParserNet()
    graph = onnx.load(path).graph
    found = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}
    modules = dict(net.named_modules())
    state = net.state_dict()
    for name, value in found.items():
        if name.endswith(_FOLDED):
            norm = _after(name.removesuffix(f".{_FOLDED}"))
            module: Any = modules.get(norm)
            if isinstance(module, nn.BatchNorm2d):
                ones = torch.ones_like(value)
                state |= {f"{norm}.weight": ones, f"{norm}.bias": value}
                state |= {f"{norm}.running_mean": 0 * ones, f"{norm}.running_var": ones - module.eps}
        elif name in state:
            state[name] = value
    missing = [
        name for name, module in modules.items() if isinstance(module, nn.Conv2d) and f"{name}.weight" not in found
    ]
    try:
        net.load_state_dict(state)
    except RuntimeError as error:
        raise ZooError("network_mismatch", f"{path.name} is of another architecture: {error}", "parser") from error
    if missing:
        raise ZooError("network_mismatch", f"{path.name} lacks {', '.join(missing[:4])}.", "parser")
    return net.eval().requires_grad_(False)


def _after(name: str) -> str:
    """The next module of the same sequence: "to_half.0" -> "to_half.1"."""
    sequence, _, index = name.rpartition(".")
    return f"{sequence}.{int(index) + 1}" if index.isdigit() else name


class Features(nn.Module):
    """Features of the parser's encoder at a half, a quarter and an eighth of the size."""

    def __init__(self, parser: ParserNet) -> None:
        super().__init__()
        self.parser = parser

    def forward(self, colours: Tensor, alpha: Tensor, pose: Tensor) -> list[Tensor]:
        """colours: N x 3 x H x W in units of refine_input.LEVELS; alpha: N x 1 x H x W in [0, 1]; pose: N x 16 x H/4 x
        W/4 of parser_input.pose_tensor."""
        rgb = (colours * LEVELS + (LEVELS - MEAN)) / SCALE
        parser = self.parser
        found = [parser.to_half(torch.cat([rgb, alpha * 2 - 1], dim=1))]
        x = parser.join(torch.cat([parser.to_quarter(found[0]), pose], dim=1))
        for stage in parser.stages[:STAGES]:
            x = stage(x)
            found.append(x)
        return found


def feature_loss(found: list[Tensor], wanted: list[Tensor]) -> Tensor:
    """Mean over the levels of |found - wanted| by the mean of |wanted|, so that every level has a say. Scalar."""
    parts = [
        functional.l1_loss(a.float(), b.float()) / b.detach().float().abs().mean().clamp(min=1e-3)
        for a, b in zip(found, wanted, strict=True)
    ]
    return torch.stack(parts).mean()
