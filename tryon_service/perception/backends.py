"""The perception backends by name. A factory imports its backend when called, so listing names loads nothing heavy."""

from __future__ import annotations

from collections.abc import Callable

from tryon_service.perception.base import Matter, Parser, PoseEstimator, SurfaceMapper
from tryon_service.registry import Registry

PARSER_NETWORK = "parser"

POSE: Registry[PoseEstimator] = Registry("pose")
MATTER: Registry[Matter] = Registry("matter")
PARSER: Registry[Parser] = Registry("parser")
SURFACE: Registry[SurfaceMapper] = Registry("surface")

CUT_OUTS = {
    "rembg": "u2net_human_seg",
    "rembg-u2net": "u2net",
    "rembg-u2netp": "u2netp",
    "rembg-isnet": "isnet-general-use",
    "rembg-birefnet": "birefnet-portrait",
}
"""The zoo's network behind each name of a matter that rembg runs."""


@POSE.register("blazepose")
def _blazepose() -> PoseEstimator:
    from tryon_service.perception.pose_blazepose import BlazePose

    return BlazePose()


@POSE.register("keypoint-rcnn")
def _keypoint_rcnn() -> PoseEstimator:
    from tryon_service.perception.pose_keypoint_rcnn import KeypointRcnn

    return KeypointRcnn()


@MATTER.register("guided")
def _guided() -> Matter:
    from tryon_service.perception.matte_guided import GuidedMatter

    return GuidedMatter()


def _cut_out(network: str) -> Callable[[], Matter]:
    def make() -> Matter:
        from tryon_service.perception.matte_rembg import RembgMatter

        return RembgMatter(network)

    return make


for _name, _network_name in CUT_OUTS.items():
    MATTER.register(_name)(_cut_out(_network_name))


@MATTER.register("sam")
def _sam() -> Matter:
    from tryon_service.perception.matte_sam import SamMatter

    return SamMatter()


@PARSER.register("network")
def _network() -> Parser:
    from tryon_service.perception.parse_onnx import OnnxParser
    from tryon_service.zoo.store import Store

    store = Store()
    path = store.path(PARSER_NETWORK)
    return OnnxParser(path, [store.manifest.network(PARSER_NETWORK).id])


@PARSER.register("skeleton")
def _skeleton() -> Parser:
    from tryon_service.perception.parse_skeleton import SkeletonParser

    return SkeletonParser()


@SURFACE.register("densepose")
def _densepose() -> SurfaceMapper:
    from tryon_service.perception.surface_densepose import DensePose

    return DensePose()
