"""What the service answers, typed. Each is made from the JSON of its answer; names that we don't know are passed over.

Making one raises KeyError, TypeError or ValueError for JSON of another shape.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from tryon_service.types import NetworkId, ProductChoice, Reason, Verdict, VerdictStatus, ViewName

Json = Mapping[str, Any]
Joint = tuple[float, float, bool]
"""x, y in pixels, and whether it is seen."""


@dataclass(frozen=True)
class Report:
    """The account of a picture.

    target_coco18: 18 joints in the picture, None where there was no pose; product_used: which product photo, counted
    from 0, None in a refusal that came before the choice; timings_ms: by step.
    """

    verdict: Verdict
    target_coco18: tuple[Joint, ...] | None
    product_used: int | None
    choice: ProductChoice | None
    timings_ms: Mapping[str, float]
    renderer: str
    networks: tuple[NetworkId, ...]

    @classmethod
    def of(cls, row: Json) -> Self:
        status: VerdictStatus = row["verdict"]
        joints, choice, used = row["target_coco18"], row["choice"], row["product_used"]
        return cls(
            verdict=Verdict(status, reasons_of(row["reasons"]), dict(row["scores"])),
            target_coco18=None if joints is None else _joints(joints),
            product_used=used,
            choice=None if choice is None or used is None else _choice(used, choice),
            timings_ms=dict(row["timings_ms"]),
            renderer=row["renderer"],
            networks=tuple(NetworkId(network["name"], network["sha256"]) for network in row["networks"]),
        )


@dataclass(frozen=True)
class Picture:
    """A picture and how it came about. data: the file's bytes; width, height: pixels."""

    data: bytes
    content_type: str
    width: int
    height: int
    report: Report
    consent_reference: str = ""

    @property
    def verdict(self) -> Verdict:
        """Accepted or doubtful, with the reasons for doubt and the scores."""
        return self.report.verdict

    @classmethod
    def of(cls, row: Json) -> Self:
        data = base64.b64decode(row["image"], validate=True)
        return cls(
            data=data,
            content_type=row["content_type"],
            width=row["width"],
            height=row["height"],
            report=Report.of(row["report"]),
            consent_reference=row["consent_reference"],
        )


@dataclass(frozen=True)
class ShopperPose:
    """A shopper's pose, and nothing else of the shopper.

    token: to use in place of the photo until expires_at (seconds since 1970 UTC); keypoints_coco18: in pixels of the
    upright photo, which is width x height; view: None where it isn't known.
    """

    token: str
    expires_at: int
    keypoints_coco18: tuple[Joint, ...]
    view: ViewName | None
    width: int
    height: int

    @classmethod
    def of(cls, row: Json) -> Self:
        return cls(
            token=row["pose"],
            expires_at=row["expires_at"],
            keypoints_coco18=_joints(row["keypoints_coco18"]),
            view=row["view"],
            width=row["width"],
            height=row["height"],
        )


@dataclass(frozen=True)
class StoredPhoto:
    """A product's photo as it is kept. sha256, bytes: of the file; view, seen_view: as given and as found, None where
    unknown; reasons: empty where the photo can be used, else why not."""

    sha256: str
    bytes: int
    view: ViewName | None
    seen_view: ViewName | None
    width: int
    height: int
    reasons: tuple[Reason, ...]

    @property
    def usable(self) -> bool:
        return not self.reasons

    @classmethod
    def of(cls, row: Json) -> Self:
        names = ("sha256", "bytes", "view", "seen_view", "width", "height")
        return cls(**{name: row[name] for name in names}, reasons=reasons_of(row["reasons"]))


@dataclass(frozen=True)
class Product:
    """A product card as it is kept. digest: hex sha256 that changes with the photos and their views; created_at,
    updated_at: seconds since 1970 UTC."""

    id: str
    photos: tuple[StoredPhoto, ...]
    rights_reference: str
    digest: str
    created_at: int
    updated_at: int

    @classmethod
    def of(cls, row: Json) -> Self:
        names = ("id", "rights_reference", "digest", "created_at", "updated_at")
        photos = tuple(StoredPhoto.of(photo) for photo in row["photos"])
        return cls(**{name: row[name] for name in names}, photos=photos)


@dataclass(frozen=True)
class ProductPage:
    """A part of the list. next_page_token: where the next one begins, empty at the end."""

    products: tuple[Product, ...]
    next_page_token: str

    @classmethod
    def of(cls, row: Json) -> Self:
        return cls(tuple(Product.of(product) for product in row["products"]), row["next_page_token"])


@dataclass(frozen=True)
class RenderUrls:
    """Signed links to pictures. urls: by product id, valid until expires_at (seconds since 1970 UTC);
    unknown_products: ids without a product."""

    urls: Mapping[str, str]
    expires_at: int
    unknown_products: tuple[str, ...]

    @classmethod
    def of(cls, row: Json) -> Self:
        urls = {link["product_id"]: link["url"] for link in row["links"]}
        return cls(urls, row["expires_at"], tuple(row["unknown_products"]))


@dataclass(frozen=True)
class WidgetToken:
    """What a page shows instead of an API key, until expires_at (seconds since 1970 UTC) and so many uses."""

    token: str
    expires_at: int
    uses: int

    @classmethod
    def of(cls, row: Json) -> Self:
        return cls(row["token"], row["expires_at"], row["uses"])


def reasons_of(rows: Sequence[Json]) -> tuple[Reason, ...]:
    names = ("code", "photo", "part", "value", "limit")
    return tuple(Reason(**{name: row[name] for name in names}) for row in rows)


def _joints(rows: Sequence[Sequence[float]]) -> tuple[Joint, ...]:
    return tuple((float(x), float(y), bool(seen)) for x, y, seen in rows)


def _choice(used: int, row: Json) -> ProductChoice:
    names = ("view", "shopper_view", "degrees_apart", "movement")
    return ProductChoice(index=used, **{name: row[name] for name in names}, missing=tuple(row["missing"]))
