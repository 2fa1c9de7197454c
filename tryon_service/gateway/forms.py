"""What forms with photos and what queries carry, as checked and as written in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from apiflask.fields import Field, List, String
from apiflask.validators import Length, OneOf, Range, Regexp
from flask import request
from marshmallow import pre_load
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import MultiDict

from tryon_service.errors import InputError
from tryon_service.gateway.intake import MAX_PHOTO, check_photo
from tryon_service.gateway.negotiation import FORMATS
from tryon_service.gateway.schemas import MAX_SIDE, MIN_VERDICTS, POSE, Checked, WholeText, product_id_field
from tryon_service.pb.limits import MAX_CALL, MAX_PHOTOS

MAX_REFERENCE = 200
"""Characters of a reference to a consent or to rights."""
REFERENCE = rf"^[^\u0000-\u001f\u007f]{{1,{MAX_REFERENCE}}}$(?!\n)"
"""No control characters."""
MAX_TTL = 24 * 3600
"""Seconds that a pose token is valid, at most."""
MAX_PAGE = 1000
"""Products in one list."""
MAX_URL = 2048
"""Characters of a photo's address."""

OF_PHOTOS = f"at most {MAX_PHOTO / 1e6:.0f} MB each, and {MAX_CALL / 1e6:.0f} MB the whole call"

TASKS = ("repose",)
VIEWS = ("front", "three_quarter", "side", "back", "unknown")
BACKGROUND = r"^(product|shopper|transparent|#[0-9a-fA-F]{6})$(?!\n)"
RENDERER = r"^[a-z0-9_+-]{1,32}$(?!\n)"
PRIORITIES = ("shopper", "batch")


class Form(Checked):
    """Refuses fields that it doesn't know and fields given twice."""

    class Meta:
        unknown = "raise"

    @pre_load
    def refuse_doubled(self, data: Mapping[str, Any], **_: object) -> Mapping[str, Any]:
        if isinstance(data, MultiDictProxy):
            for name, values in cast(MultiDict[str, Any], data.data).lists():
                if len(values) > 1 and name not in data.multiple_keys:
                    raise InputError("invalid_option", "It is given twice.", name)
        return data


class Photo(Field[bytes]):
    """A file of a form: its bytes, checked to be a photo by how they begin."""

    def _deserialize(self, value: object, attr: str | None, *_: object, **__: object) -> bytes:
        return photo(value, attr or "")


class Photos(List[bytes]):
    """Files of a form under one name; what is wrong with one of them names it as name[i]."""

    def __init__(self, description: str, **options: Any) -> None:  # noqa: ANN401 - the library's own
        super().__init__(Photo(), metadata={"description": description}, **options)

    def _deserialize(self, value: list[object], attr: str | None, *_: object, **__: object) -> list[bytes | None]:
        if len(value) > MAX_PHOTOS:
            raise InputError("invalid_option", f"{len(value)} are given; at most {MAX_PHOTOS} are taken.", attr or "")
        return [photo(one, f"{attr}[{index}]") for index, one in enumerate(value)]


def forget_photos(form: dict[str, Any]) -> None:
    """Once they are in a message for the engine, which has them in its own memory: no call is held twice."""
    cast(MultiDict[str, bytes], request.files).clear()  # of an IntakeRequest
    for name in ("shopper", "product", "photos"):
        form.pop(name, None)


def photo(value: object, field: str) -> bytes:
    """Raises InputError("invalid_option") for a text, and what check_photo raises."""
    if not isinstance(value, bytes):
        raise InputError("invalid_option", "Send it as a file.", field)
    check_photo(value, field)
    return value


def reference_field(of: str, **options: Any) -> String:  # noqa: ANN401 - the library's own
    check = Regexp(REFERENCE, error=f"It is 1 to {MAX_REFERENCE} characters in one line.")
    return String(validate=check, metadata={"description": of, "examples": ["2026-114"]}, **options)


def choice_field(description: str, choices: tuple[str, ...]) -> String:
    return String(validate=OneOf(choices), metadata={"description": description})


def views_field(of: str) -> List[str]:
    description = f"which side of the body each of {of} shows, in the same order; all of them or none"
    return List(
        String(validate=OneOf(VIEWS)),
        validate=Length(1, MAX_PHOTOS),
        metadata={"description": description},
    )


def consent_field() -> String:
    return reference_field("the store's own reference to the shopper's consent; it is not kept")


class RenderForm(Form):
    """Which person, which product, and how the picture is to be."""

    shopper = Photo(metadata={"description": "the shopper's photo: this or pose"})
    pose = String(
        validate=Regexp(POSE, error="It is no pose token and no name of a house pose."),
        metadata={
            "description": "a pose token, or 'name:' and the name of a house pose",
            "examples": ["name:standing"],
        },
    )
    product = Photos(
        f"one to eight photos of one product card, the one that suits best is used: these or product_id; {OF_PHOTOS}"
    )
    product_id = product_id_field()
    views = views_field("the product photos")
    task = String(load_default="repose", metadata={"description": "repose is all there is", "enum": TASKS})
    background = String(
        load_default="product",
        validate=Regexp(BACKGROUND, error="It is not product, shopper, transparent or #rrggbb."),
        metadata={"description": "product, shopper, transparent or #rrggbb"},
    )
    width = WholeText(
        validate=Range(1, MAX_SIDE),
        metadata={"description": "pixels; the picture fits inside and is never enlarged"},
    )
    height = WholeText(validate=Range(1, MAX_SIDE), metadata={"description": "pixels, as width"})
    format = choice_field("of the picture; default: what Accept likes best", tuple(FORMATS))
    renderer = String(
        validate=Regexp(RENDERER, error="It is no renderer's name."),
        metadata={"description": "default: the service's own", "examples": ["warp"]},
    )
    min_verdict = String(
        load_default="doubtful",
        validate=OneOf(MIN_VERDICTS),
        metadata={"description": "the weakest verdict that still gets a picture"},
    )
    priority = String(
        load_default="shopper",
        validate=OneOf(PRIORITIES),
        metadata={"description": "batch: nobody waits for it"},
    )
    consent_reference = consent_field()


class PoseForm(Form):
    """Whose pose, and for how long."""

    shopper = Photo(required=True, metadata={"description": "the shopper's photo; it is gone when the call returns"})
    ttl = WholeText(
        load_default=MAX_TTL, validate=Range(1, MAX_TTL), metadata={"description": "seconds that the token is valid"}
    )
    consent_reference = consent_field()


class ProductForm(Form):
    """A product card's photos, sent along or fetched, and the right to use them."""

    photos = Photos(f"one to eight photos, in the card's order; {OF_PHOTOS}")
    urls = List(
        String(validate=Length(1, MAX_URL)),
        validate=Length(1, MAX_PHOTOS),
        metadata={
            "description": "photos to fetch, after those sent along, and as large at most; only where the service "
            "allows their hosts"
        },
    )
    views = views_field("the photos, then the urls,")
    rights_confirmed = String(
        required=True,
        validate=OneOf(("true",), error="Nothing is kept unless the model agreed to be re-posed: true."),
        metadata={"description": "true: the model agreed to be re-posed"},
    )
    rights_reference = reference_field("where that is written", required=True)


class PhotoQuery(Form):
    """How large a photo is to be."""

    w = WholeText(load_default=0, validate=Range(1, MAX_SIDE), metadata={"description": "pixels of width, at most"})


class ListQuery(Form):
    """Which part of the list."""

    page_size = WholeText(
        load_default=100, validate=Range(1, MAX_PAGE), metadata={"description": "products in the answer, at most"}
    )
    page_token = String(
        validate=Length(1, 1024),
        metadata={"description": "next_page_token of the answer before"},
    )
