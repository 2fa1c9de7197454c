"""How a generator begins: from nothing, from weights that are there already, and what its frozen VGG knows."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from tryon_service.errors import InputError
from tryon_service.renderers.generators import GENERATORS
from tryon_service.renderers.nets.adgan_net import (
    ADAPTIVE,
    AdaptiveBlock,
    AdganConfig,
    AdganNet,
    ResidualBlock,
    TextureEncoder,
)
from tryon_service.renderers.nets.patn_net import TransferBlock
from tryon_service.training.generator_recipe import GeneratorRecipe
from tryon_service.zoo.checkpoints import load_strictly, refused, shapes
from tryon_service.zoo.weights_file import Header, read_weights

logger = logging.getLogger(__name__)

BLOCKS = (AdaptiveBlock, ResidualBlock, TextureEncoder, TransferBlock)
"""Layers whose inner answers take most of the memory."""
LAST = 0.3
"""Of the first weights of the layer that gives the AdaIN layers their numbers: most of a number is its offset."""


def first_network(
    name: str, recipe: GeneratorRecipe, vgg: Mapping[str, Tensor] | None = None, start: Path | None = None
) -> tuple[nn.Module, str]:
    """The network that training begins with, and in words where its weights come from.

    vgg: weights of a VGG19 (generator_features.read_vgg) for ADGAN's frozen branch. start: a file of weights to go on
    from. Raises InputError("invalid_option") for sizes that can't be and weights that don't fit.
    """
    config, network = GENERATORS[name].nets[recipe.pose_encoding]()
    try:
        net = network(config(**recipe.sizes))
    except (TypeError, ValueError) as error:
        raise InputError("invalid_option", f"sizes: {error}.", "recipe") from error
    words = []
    if start is not None:
        header, state = read_weights(start)
        _check_start(start, header, name, recipe.pose_encoding)
        load_strictly(net, state, start)
        words.append(f"begun from {start.name} ({header.origin})")
    if isinstance(net, AdganNet):
        if start is None:
            _begin(net)
        if vgg is not None:
            _know(net, vgg)
            words.append("its VGG branch is the VGG19 that was given")
        elif start is None:
            logger.warning("Without a VGG19 (--vgg), ADGAN's frozen branch stays random, which costs likeness.")
            words.append("its VGG branch is random")
    return net, "; ".join(words)


def _check_start(path: Path, header: Header, name: str, pose_encoding: str) -> None:
    if header.network != name:
        raise refused(path, f"holds weights of {header.network}, not of {name}")
    if header.pose_encoding != pose_encoding:
        raise refused(path, f"was trained on poses in the encoding {header.pose_encoding}, not {pose_encoding}")


def _begin(net: AdganNet) -> None:
    """First weights from which the code is heard at once.

    The paper's, normal with 0.02 everywhere, shrink it at every layer on its way to the AdaIN layers, the more the
    narrower the network. So that way begins with He et al., "Delving Deep into Rectifiers" (2015), the scales of the
    AdaIN layers round 1 as in any instance norm, and the rest as strong as at the paper's width. Of eight drawn pairs
    at width 8 the difference on the person is 0.27 after 100 steps, instead of 0.39.
    """
    for layer in (*net.enc_content.modules(), *net.dec.modules()):
        if isinstance(layer, nn.Conv2d):
            layer.weight.data *= math.sqrt(AdganConfig.width / net.config.width)
    for layer in (*net.enc_style.modules(), *net.fc.modules(), *net.mlp.modules()):
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    last: Any = net.mlp.model[-1]
    last.fc.weight.data *= LAST
    last.fc.bias.data.view(ADAPTIVE, 2, -1)[:, 1] = 1  # offsets come before scales


def _know(net: AdganNet, vgg: Mapping[str, Tensor]) -> None:
    """Give ADGAN's frozen branch its weights. Raises InputError("invalid_option") for a VGG of another width."""
    branch = net.enc_style.vgg
    own = branch.state_dict()
    found = {key: vgg[f"features.{key}"] for key in own}
    if shapes(found) != shapes(own):
        detail = f"its width isn't that of the network, {net.config.width}; give the recipe's sizes that width."
        raise InputError("invalid_option", f"The VGG can't be ADGAN's branch: {detail}", "vgg")
    branch.load_state_dict(found)


def remember_less(net: nn.Module) -> None:
    """Blocks keep what came in only and compute their inside again for the gradient. Copies of the network made before
    this are not concerned."""
    for module in net.modules():
        if isinstance(module, BLOCKS):
            module.forward = partial(checkpoint, module.forward, use_reentrant=False)  # type: ignore[method-assign]
