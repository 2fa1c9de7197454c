"""What the engine answers, as JSON: the same names as in the protocol and in report.json."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from typing import Any, cast

from apiflask import Schema
from apiflask.fields import Dict, Float, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Regexp

from tryon_service.gateway.negotiation import FORMATS
from tryon_service.gateway.pictures import verdict_word
from tryon_service.pb import tryon_pb2 as pb

VERDICTS = ("accepted", "doubtful", "refused")
VIEW_NAMES = ("front", "three_quarter", "side", "back")
DECIMALS = 4
JOINTS = 18
"""Of the COCO-18 skeleton."""
SHA256 = r"^[0-9a-f]{64}$"


def _about(text: str) -> dict[str, str]:
    return {"description": text}


class Reason(Schema):
    """Why a picture is refused or doubtful."""

    code = String(required=True)
    photo = String(required=True, metadata=_about("shopper, product or product[i], counted from 0; may be empty"))
    part = String(required=True, metadata=_about("of the body, or the measure; may be empty"))
    value = Float(required=True, allow_none=True, metadata=_about("the figure measured"))
    limit = Float(required=True, allow_none=True, metadata=_about("the limit that it broke"))


class Choice(Schema):
    """Which of several product photos was used, and why."""

    view = String(required=True, allow_none=True, validate=OneOf(VIEW_NAMES))
    shopper_view = String(required=True, allow_none=True, validate=OneOf(VIEW_NAMES))
    degrees_apart = Float(required=True, metadata=_about("degrees between the torsos about the vertical"))
    movement = Float(required=True, metadata=_about("degrees by which the limbs turn on the mean"))
    missing = List(String(), required=True, metadata=_about("joints that the shopper shows and the photo lacks"))


class Network(Schema):
    name = String(required=True)
    sha256 = String(required=True, validate=Regexp(SHA256))


class Report(Schema):
    """The account of a picture."""

    verdict = String(required=True, validate=OneOf(VERDICTS))
    reasons = List(Nested(Reason), required=True)
    scores = Dict(String(), Float(), required=True, metadata=_about("in [0, 1]; 1 is flawless"))
    target_coco18 = List(
        List(Float(), validate=Length(equal=3)),
        required=True,
        allow_none=True,
        metadata=_about("18 joints in the picture: x, y in pixels and seen, 0 or 1"),
    )
    product_used = Integer(required=True, allow_none=True, metadata=_about("counted from 0"))
    choice = Nested(Choice, required=True, allow_none=True)
    timings_ms = Dict(String(), Float(), required=True)
    renderer = String(required=True)
    networks = List(Nested(Network), required=True)


class Render(Schema):
    """A picture with its report."""

    image = String(required=True, metadata={"contentEncoding": "base64", "contentMediaType": "image/*"})
    content_type = String(required=True, validate=OneOf(tuple(FORMATS.values())))
    width = Integer(required=True)
    height = Integer(required=True)
    report = Nested(Report, required=True)
    consent_reference = String(required=True, metadata=_about("as sent, empty where none was"))


class Pose(Schema):
    """A shopper's pose, and nothing else of the shopper."""

    pose = String(required=True, metadata=_about("a token to use in place of the photo; encrypted"))
    expires_at = Integer(required=True, metadata=_about("seconds since 1970-01-01 UTC"))
    keypoints_coco18 = List(
        List(Float(), validate=Length(equal=3)),
        required=True,
        metadata=_about("18 joints in the photo: x, y in pixels and seen, 0 or 1"),
    )
    view = String(required=True, allow_none=True, validate=OneOf(VIEW_NAMES))
    width = Integer(required=True, metadata=_about("of the upright photo"))
    height = Integer(required=True)


class HousePoses(Schema):
    poses = List(String(), required=True, metadata=_about("names; a call takes one as 'name:' and the name"))


class StoredPhoto(Schema):
    sha256 = String(required=True, validate=Regexp(SHA256))
    bytes = Integer(required=True)
    view = String(required=True, allow_none=True, validate=OneOf(VIEW_NAMES), metadata=_about("as given"))
    seen_view = String(required=True, allow_none=True, validate=OneOf(VIEW_NAMES), metadata=_about("as found"))
    width = Integer(required=True)
    height = Integer(required=True)
    reasons = List(Nested(Reason), required=True, metadata=_about("empty where the photo can be used, else why not"))


class Product(Schema):
    id = String(required=True)
    photos = List(Nested(StoredPhoto), required=True)
    rights_reference = String(required=True)
    digest = String(required=True, validate=Regexp(SHA256), metadata=_about("changes with the photos and their views"))
    created_at = Integer(required=True, metadata=_about("seconds since 1970-01-01 UTC"))
    updated_at = Integer(required=True)


class ListedProduct(Product):
    """As when asked for alone."""  # a name of its own: the document's maker stumbles over one in two places


class ProductList(Schema):
    products = List(Nested(ListedProduct), required=True, metadata=_about("in the order of their ids"))
    next_page_token = String(required=True, metadata=_about("empty at the end"))


class Health(Schema):
    status = String(required=True, validate=OneOf(("alive", "ready")))


def render_row(rendered: pb.RenderResponse, consent_reference: str) -> dict[str, Any]:
    return {
        "image": base64.b64encode(rendered.image).decode(),
        "content_type": rendered.content_type,
        "width": rendered.width,
        "height": rendered.height,
        "report": report_row(rendered.report),
        "consent_reference": consent_reference,
    }


def report_row(report: pb.Report) -> dict[str, Any]:
    choice = report.choice
    return {
        "verdict": verdict_word(report.verdict),
        "reasons": [reason_row(reason) for reason in report.reasons],
        "scores": dict(report.scores),
        "target_coco18": joint_rows(report.target_coco18) or None,
        "product_used": report.product_used if report.HasField("product_used") else None,
        "choice": {
            "view": view_name(choice.view),
            "shopper_view": view_name(choice.shopper_view),
            "degrees_apart": choice.degrees_apart,
            "movement": choice.movement,
            "missing": list(choice.missing),
        }
        if report.HasField("choice")
        else None,
        "timings_ms": dict(report.timings_ms),
        "renderer": report.renderer,
        "networks": [{"name": network.name, "sha256": network.sha256} for network in report.networks],
    }


def pose_row(pose: pb.AnalyzePoseResponse) -> dict[str, Any]:
    return {
        "pose": pose.pose,
        "expires_at": pose.expires_at,
        "keypoints_coco18": joint_rows(pose.keypoints_coco18),
        "view": view_name(pose.view),
        "width": pose.width,
        "height": pose.height,
    }


def product_row(product: pb.Product) -> dict[str, Any]:
    return {
        "id": product.id,
        "photos": [
            {
                "sha256": photo.sha256,
                "bytes": photo.bytes,
                "view": view_name(photo.view),
                "seen_view": view_name(photo.seen_view),
                "width": photo.width,
                "height": photo.height,
                "reasons": [reason_row(reason) for reason in photo.reasons],
            }
            for photo in product.photos
        ],
        "rights_reference": product.rights_reference,
        "digest": product.digest,
        "created_at": product.created_at,
        "updated_at": product.updated_at,
    }


def reason_row(reason: pb.Reason) -> dict[str, Any]:
    return {
        "code": reason.code,
        "photo": reason.photo,
        "part": reason.part,
        "value": _figure(reason.value) if reason.HasField("value") else None,
        "limit": _figure(reason.limit) if reason.HasField("limit") else None,
    }


def joint_rows(joints: Iterable[pb.Joint]) -> list[list[float]]:
    """x, y (two decimals) and seen (0 or 1) of each."""
    return [[round(joint.x, 2), round(joint.y, 2), int(joint.seen)] for joint in joints]


def view_name(view: pb.View) -> str | None:
    """ "front", "three_quarter", "side" or "back"; None where it isn't known."""
    return None if view == pb.VIEW_UNSPECIFIED else pb.View.Name(view).removeprefix("VIEW_").lower()


def view_value(name: str) -> pb.View:
    """The inverse; "unknown" for what isn't known."""
    return pb.VIEW_UNSPECIFIED if name == "unknown" else cast(pb.View, pb.View.Value(f"VIEW_{name.upper()}"))


def _figure(value: float) -> float | None:
    return round(value, DECIMALS) if math.isfinite(value) else None
