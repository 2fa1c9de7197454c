"""`GET /v1/products/{id}/overlays/{photo}`: what the service sees in a product's photo, for those who look after it."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from apiflask.fields import String
from apiflask.schemas import FileSchema
from apiflask.validators import OneOf
from flask import Response

from tryon_service.gateway.auth import needs
from tryon_service.gateway.calls import for_engine
from tryon_service.gateway.forms import Form
from tryon_service.gateway.routes.products import check_photo_number, check_product_id
from tryon_service.gateway.services import services
from tryon_service.pb import tryon_pb2 as pb

KINDS = {"pose": pb.OVERLAY_KIND_POSE, "parsing": pb.OVERLAY_KIND_PARSING, "layers": pb.OVERLAY_KIND_LAYERS}

overlays = APIBlueprint("overlays", __name__, url_prefix="/v1", tag="Products")


class OverlayQuery(Form):
    """What to draw."""

    kind = String(
        load_default="pose",
        validate=OneOf(tuple(KINDS)),
        metadata={"description": "the skeleton, the parts of body and clothes, or the layers the photo is cut into"},
    )


@overlays.get("/products/<product_id>/overlays/<int:photo>")
@needs("admin", kinds=("key",))
@overlays.input(OverlayQuery, location="query", arg_name="query", unknown="raise")
@overlays.output(FileSchema(), content_type="image/png", description="The drawing")
@overlays.doc(
    summary="What is seen in a product's photo",
    description="Drawn over the photo, which is counted from 0. Needs a key with the scope admin.",
    security="Bearer",
)
def show(product_id: str, photo: int, query: dict[str, Any]) -> Response:
    check_product_id(product_id)
    check_photo_number(photo)
    wanted = pb.InspectRequest(product_id=product_id, photo=photo, kind=KINDS[query["kind"]])
    drawn = services().engine.inspect(wanted, **for_engine())
    return Response(drawn.image, content_type="image/png", headers={"Cache-Control": "private, no-store"})
