"""The trained parser as an ONNX file that says itself what it is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch
from torch import nn

from tryon_service.perception.nets.parser_input import CLASSES, IMAGE_CHANNELS, MEAN, POSE_CHANNELS, POSE_STRIDE, SCALE
from tryon_service.perception.nets.parser_net import ParserNet
from tryon_service.training import checkpoint
from tryon_service.types import Size

OPSET = 18


def export_parser(net: nn.Module, path: Path, size: Size) -> Path:
    """Write the network for crops of size (width, height), any number of them at once; returns the path.

    Inputs "image" and "pose", output "logits", see ParserNet; batch norms are folded into the convolutions. The
    metadata hold classes, size and normalisation, which OnnxParser checks against its own.
    """
    import onnx

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
    model = program.model_proto
    onnx.helper.set_model_props(model, metadata(size))
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(model.SerializeToString())
    os.replace(partial, path)
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
