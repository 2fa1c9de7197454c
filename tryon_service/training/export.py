"""Trained networks as files that say themselves what they are: ONNX, or weights for the zoo."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tryon_service.perception.nets.parser_input import CLASSES, IMAGE_CHANNELS, MEAN, POSE_CHANNELS, POSE_STRIDE, SCALE
from tryon_service.perception.nets.parser_net import ParserNet
from tryon_service.renderers.nets import refine_input
from tryon_service.training import checkpoint
from tryon_service.types import Size
from tryon_service.zoo.weights_file import Header, write_weights

OPSET = 18


def export_parser(net: nn.Module, path: Path, size: Size) -> Path:
    """Write the network for crops of size (width, height), any number of them at once; returns the path.

    Inputs "image" and "pose", output "logits", see ParserNet; batch norms are folded into the convolutions. The
    metadata hold classes, size and normalisation, which OnnxParser checks against its own.
    """
    net = net.cpu().eval()
    width, height = size
    image = torch.zeros(2, IMAGE_CHANNELS, height, width)
    pose = torch.zeros(2, POSE_CHANNELS, height // POSE_STRIDE, width // POSE_STRIDE)
    batch = torch.export.Dim("batch", min=1)
    program = torch.onnx.export(
        net,
        (image, pose),
        input_names=["image", "pose"],
        output_names=["logits"],
        opset_version=OPSET,
        dynamic_shapes=({0: batch}, {0: batch}),
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    return _written(program.model_proto, path, metadata(size))


def export_refine(net: nn.Module, path: Path) -> Path:
    """Write the repairing network for one crop at a time of any size in multiples of 16; returns the path.

    Inputs "image" and "pose", outputs "residual", "blend" and "alpha", see RefineNet. The metadata hold the classes and
    the working height.
    """
    net = net.cpu().eval()
    # Any numbers do, as long as the two differ: a size seen twice would be taken for one.
    image, pose = torch.zeros(1, refine_input.IMAGE_CHANNELS, 64, 48), torch.zeros(1, POSE_CHANNELS, 16, 12)
    height, width = (torch.export.Dim(name, min=1, max=256) for name in ("height", "width"))
    program = torch.onnx.export(
        net,
        (image, pose),
        input_names=["image", "pose"],
        output_names=["residual", "blend", "alpha"],
        opset_version=OPSET,
        dynamic_shapes=({2: 16 * height, 3: 16 * width}, {2: 4 * height, 3: 4 * width}),
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    return _written(program.model_proto, path, refine_metadata())


def _written(model: Any, path: Path, about: dict[str, str]) -> Path:  # noqa: ANN401 - onnx has no types
    """The model with its metadata, on disk whole or not at all."""
    import onnx

    onnx.helper.set_model_props(model, about)
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(model.SerializeToString())
    os.replace(partial, path)
    return path


def export_weights(net: nn.Module, path: Path, header: Header) -> Path:
    """Write a generator as a file that `tryon zoo import` takes, whole or not at all; returns the path. Raises
    ZooError("storage_unavailable")."""
    partial = path.with_name(path.name + ".part")
    try:
        write_weights(partial, {name: value.cpu() for name, value in net.state_dict().items()}, header)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def export_checkpoint(source: Path, path: Path, size: Size) -> Path:
    """export_parser for the averaged weights of a checkpoint. Raises InputError, see checkpoint.load."""
    net = ParserNet()
    net.load_state_dict(checkpoint.load(source, net)["ema"])
    return export_parser(net, path, size)


def metadata(size: Size) -> dict[str, str]:
    """What the file says about itself."""
    return {
        "network": "tryon-parser",
        "classes": json.dumps(list(CLASSES)),
        "width": str(size[0]),
        "height": str(size[1]),
        "mean": str(MEAN),
        "scale": str(SCALE),
    }


def refine_metadata() -> dict[str, str]:
    """The same of the repairing network."""
    return {"network": "tryon-refine", "classes": json.dumps(list(CLASSES)), "working": str(refine_input.WORKING)}
