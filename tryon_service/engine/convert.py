"""Between the protocol buffers and our own terms; whatever a caller can get wrong about a message is found here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tryon_service.engine.messages import reasons_from
from tryon_service.engine.queue import Priority
from tryon_service.errors import InputError
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.pb.details import to_reason
from tryon_service.products.records import MAX_PHOTOS, PhotoRecord, ProductRecord
from tryon_service.types import ViewName

MAX_SIDE = 4096
"""Pixels that a picture's side may be asked to have."""
MAX_REFERENCE = 200
"""Characters of a consent reference."""
TASK = "repose"
"""Where nothing is said."""
BACKGROUND = re.compile(r"product|shopper|transparent|#[0-9a-fA-F]{6}")
FORMATS = ("jpeg", "webp", "avif", "png")

_VIEWS: dict[ViewName, pb.View] = {
    "front": pb.VIEW_FRONT,
    "three_quarter": pb.VIEW_THREE_QUARTER,
    "side": pb.VIEW_SIDE,
    "back": pb.VIEW_BACK,
}
_VERDICTS = {
    "accepted": pb.VERDICT_STATUS_ACCEPTED,
    "doubtful": pb.VERDICT_STATUS_DOUBTFUL,
    "refused": pb.VERDICT_STATUS_REFUSED,
}
_MIN_VERDICTS = {
    pb.VERDICT_STATUS_UNSPECIFIED: "doubtful",
    pb.VERDICT_STATUS_DOUBTFUL: "doubtful",
    pb.VERDICT_STATUS_ACCEPTED: "accepted",
}
_PRIORITIES: dict[pb.Priority, Priority] = {
    pb.PRIORITY_UNSPECIFIED: "shopper",
    pb.PRIORITY_SHOPPER: "shopper",
    pb.PRIORITY_BATCH: "batch",
}
_OVERLAYS = {
    pb.OVERLAY_KIND_UNSPECIFIED: "pose",
    pb.OVERLAY_KIND_POSE: "pose",
    pb.OVERLAY_KIND_PARSING: "parsing",
    pb.OVERLAY_KIND_LAYERS: "layers",
}


def options_row(options: pb.RenderOptions) -> dict[str, Any]:
    """Options as the worker takes them. Raises InputError naming the field and its limit."""
    if options.task not in ("", TASK):
        raise InputError("unsupported_task", f"{options.task[:40]!r} is not {TASK}.", "task")
    background = options.background or "product"
    if not BACKGROUND.fullmatch(background):
        detail = f"{background[:40]!r} is not product, shopper, transparent or #rrggbb."
        raise InputError("invalid_option", detail, "background")
    if options.format not in ("", *FORMATS):
        raise InputError("invalid_option", f"{options.format[:40]!r} is not one of {', '.join(FORMATS)}.", "format")
    if background == "transparent" and options.format == "jpeg":
        raise InputError("invalid_option", "JPEG has no transparency; use PNG, WebP or AVIF.", "format")
    if options.min_verdict not in _MIN_VERDICTS:
        raise InputError("invalid_option", "It is neither accepted nor doubtful.", "min_verdict")
    return {
        "background": background,
        "size": box_of(options),
        "format": options.format,
        "renderer": options.renderer,
        "min_verdict": _MIN_VERDICTS[options.min_verdict],
        "original_if_refused": options.original_if_refused,
    }


def box_of(wanted: pb.RenderOptions | pb.GetPhotoRequest) -> list[int]:
    """Width and height that a picture has to fit into, pixels; empty for its own size. Raises InputError."""
    for name in ("width", "height"):
        if getattr(wanted, name) > MAX_SIDE:
            raise InputError("invalid_option", f"{getattr(wanted, name)} is more than {MAX_SIDE}.", name)
    return [wanted.width or MAX_SIDE, wanted.height or MAX_SIDE] if wanted.width or wanted.height else []


def priority_of(value: pb.Priority) -> Priority:
    if value not in _PRIORITIES:
        raise InputError("invalid_option", f"{value} is no priority.", "priority")
    return _PRIORITIES[value]


def kind_of(value: pb.OverlayKind) -> str:
    """Raises InputError("invalid_option")."""
    if value not in _OVERLAYS:
        raise InputError("invalid_option", f"{value} is no kind of overlay.", "kind")
    return _OVERLAYS[value]


def view_of(value: pb.View, field: str) -> ViewName | None:
    """None for unspecified. Raises InputError("invalid_option")."""
    if value == pb.VIEW_UNSPECIFIED:
        return None
    for name, known in _VIEWS.items():
        if value == known:
            return name
    raise InputError("invalid_option", f"{value} is no view.", field)


def photo_names(count: int) -> list[str]:
    """How a call's product photos are called in errors and reasons."""
    return ["product"] if count == 1 else [f"product[{index}]" for index in range(count)]


def check_photos(photos: Sequence[pb.ProductPhoto]) -> None:
    """Raises InputError for too few or too many."""
    if not photos:
        raise InputError("missing_field", "At least one product photo is needed.", "product")
    if len(photos) > MAX_PHOTOS:
        detail = f"{len(photos)} photos were given; at most {MAX_PHOTOS} are taken."
        raise InputError("invalid_option", detail, "product")


def check_reference(reference: str) -> None:
    if len(reference) > MAX_REFERENCE:
        detail = f"It has {len(reference)} characters; at most {MAX_REFERENCE} are taken."
        raise InputError("invalid_option", detail, "consent_reference")


def renumbered(row: Mapping[str, Any], places: Sequence[int], total: int) -> dict[str, Any]:
    """A report about some of a card's photos as one about the whole card.

    places: where on the card, of `total` photos, each of those lies that the worker was given.
    """

    def renamed(photo: str) -> str:
        found = re.fullmatch(r"product(?:\[(\d+)\])?", photo)
        if found is None or total == 1:
            return photo
        return f"product[{places[int(found[1] or 0)]}]"

    used = row["product_used"]
    reasons = [{**reason, "photo": renamed(reason["photo"])} for reason in row["reasons"]]
    return {**row, "reasons": reasons, "product_used": None if used is None else places[used]}


def report_of(row: Mapping[str, Any]) -> pb.Report:
    """A report's row (tryon_service.report) as a message."""
    choice = row["choice"]
    report = pb.Report(
        verdict=_VERDICTS[row["verdict"]],
        reasons=[to_reason(reason) for reason in reasons_from(row["reasons"])],
        scores=row["scores"],
        target_coco18=joints_of(row["target_coco18"] or []),
        product_used=row["product_used"],
        timings_ms=row["timings_ms"],
        renderer=row["renderer"],
        networks=[pb.Network(name=network["name"], sha256=network["sha256"]) for network in row["networks"]],
    )
    if choice is not None:
        views = {name: _VIEWS[choice[name]] for name in ("view", "shopper_view")}
        report.choice.CopyFrom(pb.Choice(**{**choice, **views}))
    return report


def joints_of(rows: Sequence[tuple[float, float, int]]) -> list[pb.Joint]:
    return [pb.Joint(x=x, y=y, seen=bool(seen)) for x, y, seen in rows]


def view_message(view: ViewName | None) -> pb.View:
    return pb.VIEW_UNSPECIFIED if view is None else _VIEWS[view]


def product_of(record: ProductRecord) -> pb.Product:
    return pb.Product(
        id=record.id,
        photos=[_stored_photo(photo) for photo in record.photos],
        rights_reference=record.rights_reference,
        digest=record.digest,
        created_at=record.created_at,
        updated_at=record.updated_at,
    )


def _stored_photo(photo: PhotoRecord) -> pb.StoredPhoto:
    return pb.StoredPhoto(
        sha256=photo.sha256,
        bytes=photo.bytes,
        view=view_message(photo.view),
        seen_view=view_message(photo.seen_view),
        width=photo.width,
        height=photo.height,
        reasons=[to_reason(reason) for reason in photo.reasons],
    )
