"""What calls carry and what answers look like, as checked and as written in the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from apiflask import Schema
from apiflask.fields import Boolean, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range, Regexp
from marshmallow import ValidationError, validates_schema

from tryon_service.access import signing, widget_tokens
from tryon_service.errors import InputError

MAX_SIDE = 4096
"""Pixels of a picture's side."""
MAX_LINKS = 100
"""Links made by one call."""
POSE = r"^[A-Za-z0-9._:~-]{1,4096}$(?!\n)"
"""A pose token, or "name:" and the name of a house pose."""
PRODUCT_ID = r"^(?!\.{1,2}$)[A-Za-z0-9._~-]{1,128}$(?!\n)"
"""Not "." and "..", which clients take out of a path before they send it. $ alone would let a line end through."""
DEFAULT_USES = 10
"""Uses of a widget token: one shopper trying a few things."""

MIN_VERDICTS = ("accepted", "doubtful")
FALLBACKS = ("original", "none")
OF_PICTURES = ("min_verdict", "fallback")
"""Of a link, what is said only where there is a pose."""


class Checked(Schema):
    """Says of the first thing wrong which field it is, as an error of ours."""

    def handle_error(self, error: ValidationError, data: object, *, many: bool, **_: object) -> NoReturn:  # noqa: ARG002
        field, text = _first(error.messages)
        raise InputError("missing_field" if text.startswith("Missing data") else "invalid_option", text, field)


class TrueOrFalse(Boolean):
    """Not "yes", "on" or 1 as well."""

    def _deserialize(self, value: object, attr: str | None, data: Mapping[str, Any] | None, **kwargs: object) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return bool(super()._deserialize(value, attr, data, **kwargs))


class Whole(Integer):
    """A whole number as JSON has it: 5 and 5.0, but not "5" and not true."""

    def _validated(self, value: Any) -> int:  # noqa: ANN401 - the library's own
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or value != value // 1:
            raise self.make_error("invalid", input=value)
        return int(value)


class WholeText(Integer):
    """A whole number as forms and queries have it: plain digits."""

    def _validated(self, value: Any) -> int:  # noqa: ANN401 - the library's own
        if not re.fullmatch(r"-?[0-9]{1,18}", str(value)):
            raise self.make_error("invalid", input=value)
        return int(value)


def pose_field(*, required: bool, otherwise: str = "") -> String:
    """otherwise: what is done without a pose."""
    text = "a pose token, or 'name:' and the name of a house pose"
    about = {"description": f"{text}; {otherwise}" if otherwise else text}
    return String(required=required, validate=Regexp(POSE, error=f"It is not {text}."), metadata=about)


def product_id_field() -> String:
    text = "An id is 1 to 128 of letters, digits, '.', '_', '~' and '-'."
    return String(validate=Regexp(PRODUCT_ID, error=text), metadata={"description": "of a product that was put"})


def min_verdict_field() -> String:
    text = "the weakest verdict that gets the picture"
    return String(load_default="accepted", validate=OneOf(MIN_VERDICTS), metadata={"description": text})


def fallback_field() -> String:
    text = "what a refused link shows: the original product photo, or none for a 422"
    return String(load_default="original", validate=OneOf(FALLBACKS), metadata={"description": text})


class PhotoLinkQuery(Checked):
    """What a signed link to a photo carries."""

    w = Integer(load_default=None, validate=Range(1, MAX_SIDE), metadata={"description": "pixels of width, at most"})
    v = String(required=True, metadata={"description": "the start of the product's digest"})
    key = String(required=True, metadata={"description": "id of the API key behind the link"})
    exp = Integer(required=True, metadata={"description": "when the link expires, seconds since 1970"})
    sig = String(required=True, metadata={"description": "signature of all of it"})


class LinkQuery(PhotoLinkQuery):
    """What a signed link to a picture carries."""

    pose = pose_field(required=True)
    min_verdict = min_verdict_field()
    fallback = fallback_field()


class LinksIn(Checked):
    """Which links to sign."""

    pose = pose_field(required=False, otherwise="without it, the links show the product photos themselves")
    product_ids = List(product_id_field(), required=True, validate=Length(1, MAX_LINKS))
    w = Whole(load_default=None, validate=Range(1, MAX_SIDE))
    ttl = Whole(
        load_default=signing.MAX_TTL,
        validate=Range(1, signing.MAX_TTL),
        metadata={"description": "seconds that the links are valid, at most; up to a sixth less"},
    )
    min_verdict = min_verdict_field()
    fallback = fallback_field()

    @validates_schema(pass_original=True)
    def about_pictures(self, data: Mapping[str, Any], original: Mapping[str, Any], **_: object) -> None:
        for name in OF_PICTURES:
            if "pose" not in data and name in original:
                raise ValidationError("It is about pictures in a pose.", name)


class Link(Schema):
    product_id = String(required=True)
    url = String(required=True)


class LinksOut(Schema):
    expires_at = Integer(required=True)
    links = List(Nested(Link), required=True)
    unknown_products = List(String(), required=True, metadata={"description": "ids without a product"})


class WidgetTokenIn(Checked):
    """What a page is to be allowed. Either product_ids or all."""

    origin = String(required=True, metadata={"description": "of the page, as https://shop.example"})
    product_ids = List(product_id_field(), load_default=None, validate=Length(1))
    all = TrueOrFalse(load_default=False, metadata={"description": "every product of the store"})
    uses = Whole(load_default=DEFAULT_USES, validate=Range(1, widget_tokens.MAX_USES))
    ttl = Whole(load_default=widget_tokens.MAX_TTL, validate=Range(1, widget_tokens.MAX_TTL))


class WidgetTokenOut(Schema):
    token = String(required=True)
    expires_at = Integer(required=True)
    uses = Integer(required=True)


def _first(messages: object, path: str = "") -> tuple[str, str]:
    """(field, text) of the first message: {"ids": {2: ["Too long."]}} is ("ids[2]", "Too long.")."""
    if isinstance(messages, Mapping):
        name, below = next(iter(messages.items()))
        if name == "_schema":
            return _first(below, path)
        return _first(below, f"{path}[{name}]" if isinstance(name, int) else f"{path}.{name}".lstrip("."))
    return path, str(messages[0] if isinstance(messages, list) else messages)
