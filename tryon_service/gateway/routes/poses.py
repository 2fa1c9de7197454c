"""`POST /v1/poses`: a shopper's pose as a token, to be used in place of the photo. `GET /v1/poses`: the house poses."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint

from tryon_service.gateway.admission import admitted
from tryon_service.gateway.answers import HousePoses, Pose, pose_row
from tryon_service.gateway.auth import needs
from tryon_service.gateway.calls import for_engine
from tryon_service.gateway.forms import PoseForm, forget_photos
from tryon_service.gateway.services import services
from tryon_service.pb import tryon_pb2 as pb

poses = APIBlueprint("poses", __name__, url_prefix="/v1", tag="Poses")


@poses.post("/poses")
@needs("render")
@admitted
@poses.input(PoseForm, location="files", arg_name="form", unknown="raise")
@poses.output(Pose)
@poses.doc(
    summary="A shopper's pose as a token",
    description="The token holds directions of the limbs, proportions and the view, encrypted, and nothing else. The "
    "photo is gone when the call returns.",
    security="Bearer",
)
def analyse(form: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    wanted = pb.AnalyzePoseRequest(
        photo=form["shopper"], ttl_seconds=form["ttl"], consent_reference=form.get("consent_reference", "")
    )
    forget_photos(form)
    found = services().engine.analyze_pose(wanted, **for_engine())
    return pose_row(found), 200, {"Cache-Control": "no-store"}


@poses.get("/poses")
@needs("render", uses=0)
@poses.output(HousePoses)
@poses.doc(
    summary="The house poses",
    description="Poses that belong to nobody, for cards and for trying a product out. Costs a widget token no use.",
    security="Bearer",
)
def list_all() -> dict[str, Any]:
    return {"poses": list(services().engine.list_poses(pb.ListPosesRequest(), **for_engine()).names)}
