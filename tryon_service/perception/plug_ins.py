"""The networks that plug-in backends may use, and under what licence. None of them comes with the package: their makers
publish the files, and the operator brings one in (plug_in_files.py). Importing this file needs no backend."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from tryon_service.errors import InputError
from tryon_service.types import Size
from tryon_service.zoo.manifest import Normalisation

if TYPE_CHECKING:
    from torch import Tensor, nn

IMAGENET = Normalisation((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
DIS_LEVELS = Normalisation((127.5,) * 3, (255.0,) * 3)
CAFFE_LEVELS = Normalisation((123.675, 116.28, 103.53), (1.0,) * 3)

DETECTRON2_COMMIT = "e0ec4e189d438848521aee7926f9900e114229f5"
"""The one that is built wherever detectron2 is: it has no releases on the package index."""
_DETECTRON2 = f"git+https://github.com/facebookresearch/detectron2@{DETECTRON2_COMMIT}"
BUILD_DETECTRON2 = f"pip install --no-build-isolation '{_DETECTRON2}'"
BUILD_DENSEPOSE = f"pip install --no-build-isolation '{_DETECTRON2}#subdirectory=projects/DensePose'"
"""Both want torch, a torchvision that fits it, setuptools < 81, a C++ compiler and, for a GPU, CUDA's nvcc."""


@dataclass(frozen=True)
class PlugIn:
    """A network that a backend may use.

    needs: the Python packages it takes, by import name; install: how they are had; file: its makers' name for it;
    digest: "md5:..." or "sha256:...", or the beginning of one, by which their file is known, empty where they publish
    none; licence: of their file, and commercial_use what it says of that; input_size: (width, height) in pixels;
    build: gives the network without weights, for torch; empty for ONNX, which is kept as it is; unused: see FixUps.
    """

    task: str
    needs: tuple[str, ...]
    install: str
    file: str
    digest: str
    licence: str
    commercial_use: bool
    input_size: Size
    normalisation: Normalisation
    build: Callable[[Mapping[str, Tensor]], nn.Module] | None = None
    unused: Mapping[str, str] = field(default_factory=dict)


def plug_in(name: str) -> PlugIn:
    """Raises InputError("invalid_option") for a network that isn't allowed, naming those that are."""
    if name not in PLUG_INS:
        raise InputError("invalid_option", f"{name!r} is not one of {', '.join(PLUG_INS)}.", "network")
    return PLUG_INS[name]


def missing_packages(found: PlugIn) -> tuple[str, ...]:
    """Those packages that aren't installed; nothing is imported."""
    return tuple(package for package in found.needs if importlib.util.find_spec(package) is None)


def _sam(state: Mapping[str, Tensor]) -> nn.Module:
    from tryon_service.perception.matte_sam import build_sam

    return build_sam(state)


def _keypoint_rcnn(_: Mapping[str, Tensor]) -> nn.Module:
    from tryon_service.perception.detectron import KEYPOINT_RCNN, build

    return build(KEYPOINT_RCNN)


def _densepose(_: Mapping[str, Tensor]) -> nn.Module:
    from tryon_service.perception.detectron import DENSEPOSE, build

    return build(DENSEPOSE)


def _cut_out(file: str, md5: str, licence: str, side: int, levels: Normalisation, *, commercial_use: bool) -> PlugIn:
    """A network of rembg's; md5: as rembg 2.0.86 has it."""
    return PlugIn(
        task="cutting out",
        needs=("rembg",),
        install="pip install 'tryon-service[rembg]'",
        file=file,
        digest=f"md5:{md5}",
        licence=licence,
        commercial_use=commercial_use,
        input_size=(side, side),
        normalisation=levels,
    )


_APACHE, _BY_SA = "Apache-2.0", "CC-BY-SA-3.0"
_DERIVED = {"levels and anchors": r"^(pixel_(mean|std)|proposal_generator\.anchor_generator\..*)$"}

PLUG_INS: Mapping[str, PlugIn] = MappingProxyType(
    {
        "u2net_human_seg": _cut_out(
            "u2net_human_seg.onnx", "c09ddc2e0104f800e3e1bb4652583d1f", _APACHE, 320, IMAGENET, commercial_use=True
        ),
        "u2net": _cut_out(
            "u2net.onnx", "60024c5c889badc19c04ad937298a77b", _APACHE, 320, IMAGENET, commercial_use=True
        ),
        "u2netp": _cut_out(
            "u2netp.onnx", "8e83ca70e441ab06c318d82300c84806", _APACHE, 320, IMAGENET, commercial_use=True
        ),
        # Its code and weights are under Apache-2.0, the photos of DIS5K that it learnt from for research only.
        "isnet-general-use": _cut_out(
            "isnet-general-use.onnx",
            "fc16ebd8b0c10d971d3513d564d01e29",
            _APACHE,
            1024,
            DIS_LEVELS,
            commercial_use=False,
        ),
        "birefnet-portrait": _cut_out(
            "BiRefNet-portrait-epoch_150.onnx",
            "c3a64a6abf20250d090cd055f12a3b67",
            "MIT",
            1024,
            IMAGENET,
            commercial_use=True,
        ),
        "sam": PlugIn(
            task="masks by prompts",
            needs=("torch", "safetensors", "torchvision", "segment_anything"),
            install="pip install 'tryon-service[sam]'",
            file="sam_vit_b_01ec64.pth",
            digest="sha256:01ec64",
            licence=_APACHE,
            commercial_use=True,
            input_size=(1024, 1024),
            normalisation=IMAGENET,
            build=_sam,
        ),
        "keypoint-rcnn": PlugIn(
            task="pose keypoints",
            needs=("torch", "safetensors", "torchvision", "detectron2"),
            install=f"pip install 'tryon-service[neural]' torchvision, then {BUILD_DETECTRON2}",
            file="COCO-Keypoints/keypoint_rcnn_R_50_FPN_3x, model_final_a6e10b.pkl",
            digest="",
            licence=_BY_SA,
            commercial_use=True,
            input_size=(1333, 800),
            normalisation=CAFFE_LEVELS,
            build=_keypoint_rcnn,
            unused=_DERIVED,
        ),
        # Its weights are under CC-BY-SA-3.0, the annotations that it learnt from under CC-BY-NC-2.0.
        "densepose": PlugIn(
            task="surface maps",
            needs=("torch", "safetensors", "torchvision", "detectron2", "densepose"),
            install=f"pip install 'tryon-service[neural]' torchvision, then {BUILD_DETECTRON2} and {BUILD_DENSEPOSE}",
            file="densepose_rcnn_R_50_FPN_s1x, model_final_162be9.pkl",
            digest="",
            licence=_BY_SA,
            commercial_use=False,
            input_size=(1333, 800),
            normalisation=CAFFE_LEVELS,
            build=_densepose,
            unused=_DERIVED,
        ),
    }
)
"""By the name of the zoo's entry."""
CUT_OUTS = tuple(name for name, found in PLUG_INS.items() if found.needs == ("rembg",))
"""Those that rembg runs; its own default, whose licence forbids commercial use, isn't among them."""
