"""Plug-in backends that fit into a test: small networks with known or random weights, brought into a zoo as anybody's,
and what detectron2's predictor returns, as its documentation and source describe it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tryon_service.perception.detectron import Detection
from tryon_service.perception.plug_in_files import import_plug_in
from tryon_service.perception.pose_keypoint_rcnn import COCO17
from tryon_service.types import BoolArray, Keypoints, UInt8Array
from tryon_service.zoo.store import Store

DARK, LIGHT = 40, 215


def two_tones(person: BoolArray, seed: int = 0) -> UInt8Array:
    """H x W x 3: dark where the person is, light elsewhere, with a little noise."""
    noise = np.random.default_rng(seed).integers(-8, 9, (*person.shape, 3))
    return np.asarray(np.where(person[..., np.newaxis], DARK, LIGHT) + noise, np.uint8)


def write_darkness(path: Path, side: int = 320, gain: float = -0.6) -> Path:
    """An ONNX network of U2-Net's inputs and outputs that takes the dark for the subject. gain 0: a blank answer."""
    onnx = pytest.importorskip("onnx", reason="small networks are written with onnx (the extra `dev`)")
    from onnx import TensorProto, helper

    weights = helper.make_tensor("w", TensorProto.FLOAT, [1, 3, 1, 1], [gain] * 3)
    nodes = [helper.make_node("Conv", ["input.1", "w"], ["level"]), helper.make_node("Sigmoid", ["level"], ["d0"])]
    shown = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [1, 3, side, side])
    said = helper.make_tensor_value_info("d0", TensorProto.FLOAT, [1, 1, side, side])
    graph = helper.make_graph(nodes, "darkness", [shown], [said], [weights])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def bring_in_cut_outs(folder: Path, *names: str, gain: float = -0.6) -> Store:
    """A zoo whose networks for rembg all find the dark."""
    store = Store(folder / "zoo")
    for name in names:
        side = 1024 if name in {"isnet-general-use", "birefnet-portrait"} else 320
        import_plug_in(name, write_darkness(folder / f"{name}.onnx", side, gain), store)
    return store


def fit_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    """What segment-anything takes from torchvision, where none is installed that fits torch: resizing by Pillow is what
    torchvision itself does with such pictures; the boxes' functions are for masks without prompts, which we never ask
    for."""
    import PIL.Image

    def resize(image: Any, size: tuple[int, int]) -> Any:
        return image.resize(size[::-1], PIL.Image.Resampling.BILINEAR)

    def never(*_: object) -> None:
        raise AssertionError("masks without prompts are never asked for")

    members = {
        "torchvision": {},
        "torchvision.ops": {},
        "torchvision.ops.boxes": {"batched_nms": never, "box_area": never},
        "torchvision.transforms": {},
        "torchvision.transforms.functional": {"resize": resize, "to_pil_image": PIL.Image.fromarray},
    }
    for name, values in members.items():
        module = ModuleType(name)
        module.__spec__ = SimpleNamespace(name=name)  # type: ignore[assignment]
        vars(module).update(values)
        monkeypatch.setitem(sys.modules, name, module)


def bring_in_sam(folder: Path, blocks: int = 2) -> Store:
    """A zoo with a Segment Anything of 32 channels and random weights."""
    import torch
    from segment_anything.build_sam import _build_sam

    torch.manual_seed(0)
    net = _build_sam(32, blocks, 2, [blocks - 1] if blocks > 2 else [])
    torch.save(net.state_dict(), folder / "sam.pth")
    store = Store(folder / "zoo")
    import_plug_in("sam", folder / "sam.pth", store, licence="ours")
    return store


def detected(keypoints: Keypoints, person: BoolArray, score: float = 0.99) -> Detection:
    """What a sure network would find of this person (H x W): COCO's joints, charts by thirds of the height."""
    rows, columns = np.flatnonzero(person.any(axis=1)), np.flatnonzero(person.any(axis=0))
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)
    joints = list(COCO17)
    points = np.hstack([keypoints.xy[joints] + 0.5, np.where(keypoints.seen[joints], 0.6, 0.01)[:, np.newaxis]])
    window = person[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = window.shape
    charts = 1 + 3 * np.arange(height)[:, np.newaxis] // height
    parts = np.where(window, charts, 0).astype(np.uint8)
    v, u = np.meshgrid(np.linspace(0, 1, height), np.linspace(0, 1, width), indexing="ij")
    uv = np.where(window[..., np.newaxis], np.dstack([u, v]), 0).astype(np.float32)
    return Detection(box, score, points.astype(np.float32), parts, uv)


@dataclass
class SeesDark:
    """Stands in for a network of detectron2: whoever is dark, in this pose where the dark lies."""

    keypoints: Keypoints
    person: BoolArray

    def find(self, rgb: UInt8Array) -> list[Detection]:
        dark = rgb.mean(axis=2) < 128
        if dark.mean() < 0.01:
            return []
        rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
        own_rows, own_columns = np.flatnonzero(self.person.any(axis=1)), np.flatnonzero(self.person.any(axis=0))
        scale = (rows[-1] - rows[0] + 1) / (own_rows[-1] - own_rows[0] + 1)
        corner = np.array([own_columns[0], own_rows[0]]) * scale
        offset = (float(columns[0] - corner[0]), float(rows[0] - corner[1]))
        return [detected(self.keypoints.moved(scale, offset), dark)]


class Instances:
    """What detectron2 answers, by its documentation ("Use Models", model output format) and its source: fields as torch
    tensors, boxes behind `.tensor`, `has` and indexing."""

    def __init__(self, **fields: Any) -> None:
        self._fields = fields

    def __len__(self) -> int:
        return len(self._fields["scores"])

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_fields"][name]
        except KeyError:
            raise AttributeError(name) from None

    def has(self, name: str) -> bool:
        return name in self._fields


def instances(boxes: Any, scores: Any, **fields: Any) -> Instances:
    import torch

    tensors = {name: torch.as_tensor(value, dtype=torch.float32) for name, value in fields.items()}
    pred_boxes = SimpleNamespace(tensor=torch.as_tensor(boxes, dtype=torch.float32).reshape(-1, 4))
    return Instances(pred_boxes=pred_boxes, scores=torch.as_tensor(scores, dtype=torch.float32), **tensors)


def answer_of_a_calm_network(name: str, rgb: UInt8Array) -> tuple[int, list[Detection]]:
    """The real network's answer, read, and how many weights it has. Weights are random; the last layers are 0, since
    without training what reaches them has no bounds: the anchors come back as people, each with a score of one half."""
    import torch
    from detectron2.modeling import build_model

    from tryon_service.perception.detectron import as_input, config, detections

    settings = config(name)
    settings.MODEL.ROI_HEADS.SCORE_THRESH_TEST = 0.1
    settings.MODEL.RPN.POST_NMS_TOPK_TEST, settings.TEST.DETECTIONS_PER_IMAGE = 10, 3
    settings.INPUT.MIN_SIZE_TEST = 128
    torch.manual_seed(0)
    net = build_model(settings).eval()
    last = ("cls_score", "bbox_pred", "objectness_logits", "anchor_deltas", "_lowres")
    with torch.inference_mode():
        for path, weights in net.named_parameters():
            if path.rpartition(".")[0].endswith(last):
                weights.zero_()
        (answer,) = net([as_input(rgb, settings)])
    return sum(weights.numel() for weights in net.parameters()), detections(answer["instances"])
