"""Every call of the API, built and not yet sent: the one place that knows paths, fields and what answers look like.

`Client` and `AsyncClient` both take their methods from here. Each function's arguments are the fields of its call, and
None leaves a field to the service's default. Photos are bytes or the path of a file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote

import httpx

from tryon_service.client.results import Picture, Product, ProductPage, RenderUrls, ShopperPose, WidgetToken
from tryon_service.errors import InputError
from tryon_service.types import ViewName

T = TypeVar("T")

Photo = bytes | os.PathLike[str]
View = ViewName | Literal["unknown"]
OverlayKind = Literal["pose", "parsing", "layers"]
MinVerdict = Literal["accepted", "doubtful"]
PictureFormat = Literal["jpeg", "webp", "avif", "png"]

Part = tuple[str, tuple[str | None, bytes | str, str]]
"""Of a form: its name, and file name (None for a text), content and media type."""


@dataclass(frozen=True)
class Call(Generic[T]):
    """repeatable: sent twice it does no more than once; parts: of a form; read: the answer's meaning, raising KeyError,
    TypeError or ValueError for another answer; done: the error that a repeated call gets if the first, whose answer was
    lost, had been done."""

    method: str
    path: str
    read: Callable[[httpx.Response], T]
    repeatable: bool = True
    query: Mapping[str, str | int] | None = None
    json: Mapping[str, Any] | None = None
    parts: Sequence[Part] | None = None
    accept: str = "application/json"
    done: str = ""


def render(
    *,
    shopper: Photo | None = None,
    pose: str | None = None,
    product: Photo | Sequence[Photo] | None = None,
    product_id: str | None = None,
    views: Sequence[View] | None = None,
    background: str | None = None,
    width: int | None = None,
    height: int | None = None,
    format: PictureFormat | None = None,
    renderer: str | None = None,
    min_verdict: MinVerdict | None = None,
    priority: Literal["shopper", "batch"] | None = None,
    consent_reference: str | None = None,
) -> Call[Picture]:
    """A product in a shopper's pose. The same call gives the same bytes.

    shopper or pose: the photo, or a pose token or "name:" and the name of a house pose. product or product_id: one to
    eight photos of one card, with views if they are known, or a product that was put. background: "product",
    "shopper", "transparent" or "#rrggbb". width, height: pixels that the picture fits into. min_verdict: the weakest
    verdict that still gets a picture. priority: "batch" where nobody waits.

    Raises RefusedError with every reason where no honest picture can be made, and InputError for what is unusable.
    """
    products = () if product is None else (product,) if isinstance(product, bytes | os.PathLike) else product
    names = ["product"] if len(products) == 1 else [f"product[{index}]" for index in range(len(products))]
    fields = {
        "pose": pose,
        "product_id": product_id,
        "views": views,
        "background": background,
        "width": width,
        "height": height,
        "format": format,
        "renderer": renderer,
        "min_verdict": min_verdict,
        "priority": priority,
        "consent_reference": consent_reference,
    }
    parts = [
        *_texts(fields),
        *([] if shopper is None else [_file("shopper", shopper, "shopper")]),
        *(_file("product", one, name) for one, name in zip(products, names, strict=True)),
    ]
    return Call("POST", "/v1/renders", lambda answer: Picture.of(answer.json()), parts=parts)


def analyse_pose(shopper: Photo, *, ttl: int | None = None, consent_reference: str | None = None) -> Call[ShopperPose]:
    """A shopper's pose as a token to use in place of the photo, which the service has forgotten when this returns.

    ttl: seconds that the token is valid, at most a day. Raises RefusedError for a photo that is no good.
    """
    parts = [*_texts({"ttl": ttl, "consent_reference": consent_reference}), _file("shopper", shopper, "shopper")]
    return Call("POST", "/v1/poses", lambda answer: ShopperPose.of(answer.json()), repeatable=False, parts=parts)


def house_poses() -> Call[tuple[str, ...]]:
    """Names of poses that belong to nobody; a call takes one as pose="name:standing"."""
    return Call("GET", "/v1/poses", lambda answer: tuple(str(name) for name in answer.json()["poses"]))


def put_product(
    product_id: str,
    photos: Sequence[Photo] = (),
    *,
    rights_reference: str,
    urls: Sequence[str] | None = None,
    views: Sequence[View] | None = None,
) -> Call[Product]:
    """Create or replace a product of one to eight photos; those that can't be used say why in the answer.

    Calling this confirms that the model agreed to be re-posed; rights_reference: where that is written. urls: photos
    that the service fetches, after those sent along; views: of both, in this order. Raises RefusedError if none of the
    photos can be used.
    """
    fields = {"urls": urls, "views": views, "rights_confirmed": "true", "rights_reference": rights_reference}
    files = [_file("photos", photo, f"photos[{index}]") for index, photo in enumerate(photos)]
    return Call("PUT", _product(product_id), lambda answer: Product.of(answer.json()), parts=[*_texts(fields), *files])


def get_product(product_id: str) -> Call[Product]:
    """What is known of a product. Raises InputError("unknown_product")."""
    return Call("GET", _product(product_id), lambda answer: Product.of(answer.json()))


def delete_product(product_id: str) -> Call[None]:
    """Remove a product with everything found in its photos. Raises InputError("unknown_product")."""
    return Call("DELETE", _product(product_id), lambda _: None, done="unknown_product")


def product_page(*, page_size: int | None = None, page_token: str | None = None) -> Call[ProductPage]:
    """A part of the list of products, by id. page_size: 1 to 1000; page_token: from the part before."""
    query = _given({"page_size": page_size, "page_token": page_token})
    return Call("GET", "/v1/products", lambda answer: ProductPage.of(answer.json()), query=query)


def photo(product_id: str, photo: int = 0, *, width: int | None = None) -> Call[bytes]:
    """A product's photo, upright, as JPEG. photo: counted from 0; width: pixels at most."""
    path = f"{_product(product_id)}/photos/{photo}"
    return Call("GET", path, _file_of("image/jpeg"), query=_given({"w": width}), accept="image/jpeg")


def overlay(product_id: str, photo: int, kind: OverlayKind) -> Call[bytes]:
    """What the service sees in a product's photo, drawn over it, as PNG; for the scope admin.

    photo: counted from 0; kind: the skeleton, the parts of body and clothes, or the layers it is cut into. Raises
    RefusedError for a photo that can't be used.
    """
    path = f"{_product(product_id)}/overlays/{photo}"
    return Call("GET", path, _file_of("image/png"), query={"kind": kind}, accept="image/png")


def render_urls(
    pose: str | None,
    product_ids: Sequence[str],
    *,
    width: int | None = None,
    ttl: int | None = None,
    min_verdict: MinVerdict | None = None,
    fallback: Literal["original", "none"] | None = None,
) -> Call[RenderUrls]:
    """Signed links, for <img src>, to pictures of several products in one pose, or to their photos.

    pose: a token, "name:" and a house pose, or None for the photos as they are; width: pixels at most; ttl: seconds, an
    hour at most; fallback: what a refused link shows. Raises InputError("unknown_product") if there is none of the
    products.
    """
    fields = {"pose": pose, "w": width, "ttl": ttl, "min_verdict": min_verdict, "fallback": fallback}
    body = {"product_ids": list(product_ids), **_given(fields)}
    return Call("POST", "/v1/render-urls", lambda answer: RenderUrls.of(answer.json()), repeatable=False, json=body)


def widget_token(
    origin: str, product_ids: Sequence[str] | None, *, uses: int | None = None, ttl: int | None = None
) -> Call[WidgetToken]:
    """What a page at this origin ("https://shop.example") shows instead of an API key.

    product_ids: those it may use, None for every product of the store; ttl: seconds.
    """
    products = {"all": True} if product_ids is None else {"product_ids": list(product_ids)}
    body = {"origin": origin, **products, **_given({"uses": uses, "ttl": ttl})}
    return Call("POST", "/v1/widget-tokens", lambda answer: WidgetToken.of(answer.json()), repeatable=False, json=body)


def _file_of(media_type: str) -> Callable[[httpx.Response], bytes]:
    def read(answer: httpx.Response) -> bytes:
        if answer.headers.get("Content-Type") != media_type:
            raise ValueError(f"not {media_type}")
        return answer.content

    return read


def _product(product_id: str) -> str:
    if product_id in ("", ".", ".."):  # they would name another address
        raise InputError("invalid_option", f"{product_id!r} is no product's id.", "product_id")
    return f"/v1/products/{quote(product_id, safe='')}"


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _texts(fields: Mapping[str, object]) -> list[Part]:
    """A part for each value of each field that is given."""
    texts: list[Part] = []
    for name, value in _given(fields).items():
        values = [value] if isinstance(value, str | int) else value
        texts += [(name, (None, str(one), "text/plain; charset=utf-8")) for one in values]
    return texts


def _file(name: str, photo: Photo, field: str) -> Part:
    """Its own file name stays here: it may tell who is in the photo. Raises InputError with field."""
    if not isinstance(photo, bytes | os.PathLike):  # a text may be a path or an address: which is meant isn't guessed
        raise InputError("invalid_option", "A photo is bytes or the path of a file.", field)
    try:
        data = photo if isinstance(photo, bytes) else Path(photo).read_bytes()
    except OSError as error:
        raise InputError("invalid_option", f"The photo can't be read: {error.strerror}.", field) from error
    return name, ("photo", data, "application/octet-stream")
