"""The perception backends by name. A factory imports its backend when called, so listing names loads nothing heavy."""

from __future__ import annotations

from tryon_service.perception.base import Matter, Parser, PoseEstimator
from tryon_service.registry import Registry

PARSER_NETWORK = "parser"

POSE: Registry[PoseEstimator] = Registry("pose")
MATTER: Registry[Matter] = Registry("matter")
PARSER: Registry[Parser] = Registry("parser")


@POSE.register("blazepose")
def _blazepose() -> PoseEstimator:
    from tryon_service.perception.pose_blazepose import BlazePose

    return BlazePose()


@MATTER.register("guided")
def _guided() -> Matter:
    from tryon_service.perception.matte_guided import GuidedMatter

    return GuidedMatter()


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
