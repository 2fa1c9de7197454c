"""Which kind of answer a caller wants: the picture itself in one of four formats, or JSON that holds it."""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.datastructures import MIMEAccept

from tryon_service.errors import InputError

JSON = "application/json"
FORMATS = {"jpeg": "image/jpeg", "webp": "image/webp", "avif": "image/avif", "png": "image/png"}
"""By name, in our order of preference: where the caller has none, the quickest to make and widest understood."""
OPAQUE = frozenset({"jpeg"})
"""Formats without transparency."""


@dataclass(frozen=True)
class Answer:
    """format: of the picture, a key of FORMATS; json: it is to be wrapped in a report."""

    format: str
    json: bool


def negotiate(accept: MIMEAccept, wanted: str | None, *, transparent: bool) -> Answer:
    """The answer that the caller likes best, ours first among equals. wanted: a format asked for by name, or None.

    Parameters other than q don't matter. Raises InputError("not_acceptable"), or "invalid_option" for a format that
    can't hold what is asked for.
    """
    if wanted in OPAQUE and transparent:
        raise InputError("invalid_option", "A transparent background needs webp, avif or png.", "format")
    able = [name for name in FORMATS if not (transparent and name in OPAQUE)]
    # png where transparent: it is lossless, and every program opens it
    default = wanted or ("png" if transparent else able[0])
    order = [default] if wanted else [default, *(name for name in able if name != default)]
    offers = {FORMATS[name]: Answer(name, json=False) for name in order} | {JSON: Answer(default, json=True)}
    qualities = _without_parameters(accept)
    best = max(offers, key=lambda kind: _quality(qualities, kind))  # the first of equals
    if _quality(qualities, best) <= 0:
        raise InputError("not_acceptable", f"Offered are {', '.join(offers)}.", "Accept")
    return offers[best]


def _without_parameters(accept: MIMEAccept) -> MIMEAccept:
    return MIMEAccept([(kind.partition(";")[0].strip(), quality) for kind, quality in accept])


def _quality(accept: MIMEAccept, kind: str) -> float:
    """In [0, 1]; without a header everything is welcome."""
    return accept.quality(kind) if len(accept) else 1.0
