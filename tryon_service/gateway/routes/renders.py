"""`POST /v1/renders`: a product in a shopper's pose."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response, jsonify, request

from tryon_service.errors import InputError
from tryon_service.gateway.admission import admitted
from tryon_service.gateway.answers import Render, render_row, view_value
from tryon_service.gateway.auth import caller, needs
from tryon_service.gateway.calls import for_engine
from tryon_service.gateway.forms import TASKS, RenderForm, forget_photos
from tryon_service.gateway.negotiation import negotiate
from tryon_service.gateway.pictures import add_report_headers, picture_response
from tryon_service.gateway.services import services
from tryon_service.pb import tryon_pb2 as pb

MIN_VERDICTS = {"accepted": pb.VERDICT_STATUS_ACCEPTED, "doubtful": pb.VERDICT_STATUS_DOUBTFUL}
PRIORITIES = {"shopper": pb.PRIORITY_SHOPPER, "batch": pb.PRIORITY_BATCH}

renders = APIBlueprint("renders", __name__, url_prefix="/v1", tag="Renders")


@renders.post("/renders")
@needs("render")
@admitted
@renders.input(RenderForm, location="files", arg_name="form", unknown="raise")
@renders.output(Render)
@renders.doc(
    summary="A product in a shopper's pose",
    description="The same call gives the same bytes. A pair of which no honest picture can be made is answered with a "
    "422 that says what is wrong with which photo.",
    security="Bearer",
)
def render(form: dict[str, Any]) -> Response:
    wanted = _wanted(form)
    forget_photos(form)
    answer = negotiate(request.accept_mimetypes, form.get("format"), transparent=form["background"] == "transparent")
    wanted.options.format = answer.format
    rendered = services().engine.render(wanted, **for_engine())
    if answer.json:
        response = jsonify(render_row(rendered, wanted.consent_reference))
        add_report_headers(response, rendered.report)
    else:
        response = picture_response(rendered)
    response.vary.update(("Accept", "Authorization"))
    response.headers["Cache-Control"] = "no-store"
    return response


def _wanted(form: dict[str, Any]) -> pb.RenderRequest:
    """For the engine. Raises TryonError for what no field can say alone."""
    if form["task"] not in TASKS:
        raise InputError("unsupported_task", f"Supported are: {', '.join(TASKS)}.", "task")
    one_of(form, "shopper", "pose")
    one_of(form, "product", "product_id")
    caller().require_product(form.get("product_id"))
    options = pb.RenderOptions(
        task=form["task"],
        background=form["background"],
        width=form.get("width", 0),
        height=form.get("height", 0),
        renderer=form.get("renderer", ""),
        min_verdict=MIN_VERDICTS[form["min_verdict"]],
    )
    wanted = pb.RenderRequest(
        options=options,
        priority=PRIORITIES[form["priority"]],
        consent_reference=form.get("consent_reference", ""),
        **({"photo": form["shopper"]} if "shopper" in form else {"pose": form["pose"]}),
    )
    if "product" in form:
        wanted.photos.photos.extend(product_photos(form["product"], form.get("views")))
        return wanted
    if "views" in form:
        raise InputError("invalid_option", "Views belong to photos; a product has its own.", "views")
    wanted.product_id = form["product_id"]
    return wanted


def one_of(form: dict[str, Any], first: str, second: str) -> None:
    """Raises InputError("missing_field" or "invalid_option") unless exactly one of the two is given."""
    given = [name for name in (first, second) if name in form]
    if not given:
        raise InputError("missing_field", f"Give {first} or {second}.", first)
    if len(given) > 1:
        raise InputError("invalid_option", f"Give either {first} or {second}, not both.", second)


def product_photos(photos: list[bytes], views: list[str] | None) -> list[pb.ProductPhoto]:
    """Photos with their views. Raises InputError("invalid_option") unless there are as many."""
    if views and len(views) != len(photos):
        raise InputError("invalid_option", f"There are {len(views)} views of {len(photos)} photos.", "views")
    names = views or ["unknown"] * len(photos)
    return [pb.ProductPhoto(image=photo, view=view_value(name)) for photo, name in zip(photos, names, strict=True)]
