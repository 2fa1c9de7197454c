"""Running networks of detectron2: built by its own configuration, weights from the zoo, detections as plain arrays.

It has no releases on the package index: it is built from one commit, perception/plug_ins.py says which and how.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tryon_service.devices import device
from tryon_service.perception.plug_in_files import load_weights
from tryon_service.types import Float32Array, UInt8Array

if TYPE_CHECKING:
    from torch import nn

KEYPOINT_RCNN, DENSEPOSE = "keypoint-rcnn", "densepose"
MIN_SCORE = 0.5
"""Detections below are left out, as in the drawings that detectron2 publishes."""
_KEYPOINTS_CONFIG = "COCO-Keypoints/keypoint_rcnn_R_50_FPN_3x.yaml"
# densepose_rcnn_R_50_FPN_s1x: what differs from detectron2's defaults. Its YAML files don't come with the package.
_DENSEPOSE_CONFIG = {
    "VERSION": 2,
    "MODEL": {
        "META_ARCHITECTURE": "GeneralizedRCNN",
        "BACKBONE": {"NAME": "build_resnet_fpn_backbone"},
        "RESNETS": {"DEPTH": 50, "OUT_FEATURES": ["res2", "res3", "res4", "res5"]},
        "FPN": {"IN_FEATURES": ["res2", "res3", "res4", "res5"]},
        "ANCHOR_GENERATOR": {"SIZES": [[32], [64], [128], [256], [512]], "ASPECT_RATIOS": [[0.5, 1.0, 2.0]]},
        "RPN": {
            "IN_FEATURES": ["p2", "p3", "p4", "p5", "p6"],
            "PRE_NMS_TOPK_TEST": 1000,
            "POST_NMS_TOPK_TEST": 1000,
        },
        "DENSEPOSE_ON": True,
        "ROI_HEADS": {"NAME": "DensePoseROIHeads", "IN_FEATURES": ["p2", "p3", "p4", "p5"], "NUM_CLASSES": 1},
        "ROI_BOX_HEAD": {
            "NAME": "FastRCNNConvFCHead",
            "NUM_FC": 2,
            "POOLER_RESOLUTION": 7,
            "POOLER_SAMPLING_RATIO": 2,
            "POOLER_TYPE": "ROIAlign",
        },
        "ROI_DENSEPOSE_HEAD": {"NAME": "DensePoseV1ConvXHead", "POOLER_TYPE": "ROIAlign"},
    },
}


@dataclass(frozen=True)
class Detection:
    """Somebody found. Coordinates count from the picture's top-left corner, so that its first pixel's middle is at
    (0.5, 0.5).

    box: left, top, right, bottom; score: in [0, 1]; keypoints: 17 x 3 float32 of x, y and score, in COCO's order;
    parts: h x w uint8 charts of the surface, uv: h x w x 2 float32, with their top-left pixel where the box's whole
    pixels begin. Empty where the network has none.
    """

    box: Float32Array
    score: float
    keypoints: Float32Array
    parts: UInt8Array
    uv: Float32Array


class Detector:
    """A network and how it wants pictures; safe to call from several threads. Opened at the first picture."""

    def __init__(self, name: str, path: Path) -> None:
        """name: KEYPOINT_RCNN or DENSEPOSE; path: of its weights, checked."""
        self._name, self._path = name, path
        self._lock = threading.Lock()
        self._net: Any = None

    def find(self, rgb: UInt8Array) -> list[Detection]:
        """Everybody in an H x W x 3 picture, surest first. Raises ZooError("network_mismatch") for a foreign file."""
        import torch

        with self._lock:
            if self._net is None:
                net = build(self._name)
                load_weights(net, self._name, self._path)
                self._net = net.to(device())
            net = self._net
        with torch.inference_mode():
            (answer,) = net([as_input(rgb, config(self._name))])
        return detections(answer["instances"])


def config(name: str) -> Any:  # noqa: ANN401 - detectron2's CfgNode
    """detectron2's configuration of a network, for this process's device, without a place to fetch weights from."""
    from detectron2 import model_zoo
    from detectron2.config import CfgNode, get_cfg

    if name == KEYPOINT_RCNN:
        made = model_zoo.get_config(_KEYPOINTS_CONFIG)
    else:
        from densepose import add_densepose_config

        made = get_cfg()
        add_densepose_config(made)
        made.merge_from_other_cfg(CfgNode(_DENSEPOSE_CONFIG))
    made.defrost()
    made.MODEL.WEIGHTS = ""
    made.MODEL.DEVICE = device()
    made.MODEL.ROI_HEADS.SCORE_THRESH_TEST = MIN_SCORE
    return made


def build(name: str) -> nn.Module:
    """The network with random weights."""
    from detectron2.modeling import build_model

    return build_model(config(name)).eval()  # type: ignore[no-any-return]


def as_input(rgb: UInt8Array, settings: Any) -> dict[str, Any]:  # noqa: ANN401 - CfgNode
    """A picture as the network wants it: its channels' order, resized by its shorter side, and its true size."""
    import torch
    from detectron2.data.transforms import ResizeShortestEdge

    image = rgb if settings.INPUT.FORMAT == "RGB" else rgb[..., ::-1]
    side = settings.INPUT.MIN_SIZE_TEST
    resize = ResizeShortestEdge([side, side], settings.INPUT.MAX_SIZE_TEST).get_transform(image)
    small = np.ascontiguousarray(resize.apply_image(np.ascontiguousarray(image)).transpose(2, 0, 1), np.float32)
    return {"image": torch.from_numpy(small), "height": rgb.shape[0], "width": rgb.shape[1]}


def detections(instances: Any) -> list[Detection]:  # noqa: ANN401 - detectron2's Instances
    """detectron2's Instances of one picture as plain arrays, surest first."""
    boxes = np.asarray(instances.pred_boxes.tensor.cpu().numpy(), np.float32)
    scores = np.asarray(instances.scores.cpu().numpy(), np.float32)
    points = np.zeros((len(scores), 0, 3), np.float32)
    if instances.has("pred_keypoints"):
        points = np.asarray(instances.pred_keypoints.cpu().numpy(), np.float32)
    surfaces = _surfaces(instances) if instances.has("pred_densepose") else [_NO_SURFACE] * len(scores)
    found = [
        Detection(boxes[index], float(scores[index]), points[index], *surfaces[index])
        for index in np.argsort(-scores, kind="stable")
    ]
    return [one for one in found if np.isfinite(one.box).all() and np.isfinite(one.keypoints).all()]


def _surfaces(instances: Any) -> list[tuple[UInt8Array, Float32Array]]:  # noqa: ANN401 - Instances
    """Charts and places on them in every box, by DensePose's own converter."""
    from densepose.converters import ToChartResultConverter

    found = []
    for index in range(len(instances)):
        result = ToChartResultConverter.convert(instances.pred_densepose[index], instances.pred_boxes[index])
        uv = np.asarray(result.uv.cpu().numpy(), np.float32).transpose(1, 2, 0)
        found.append((result.labels.cpu().numpy().astype(np.uint8), np.ascontiguousarray(uv)))
    return found


_NO_SURFACE = (np.zeros((0, 0), np.uint8), np.zeros((0, 0, 2), np.float32))
