"""Signed links for <img src>, and what a page gets instead of an API key: `POST /v1/render-urls`,
`GET /v1/products/{id}/render` and `/photo`, and `POST /v1/widget-tokens`."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote

from apiflask import APIBlueprint
from flask import Response, g, request

from tryon_service import __version__
from tryon_service.access import signing, widget_tokens
from tryon_service.errors import AccessError, InputError, TryonError
from tryon_service.gateway.auth import caller, needs, spend
from tryon_service.gateway.pictures import picture_response
from tryon_service.gateway.schemas import (
    MAX_SIDE,
    LinkQuery,
    LinksIn,
    LinksOut,
    PhotoLinkQuery,
    WidgetTokenIn,
    WidgetTokenOut,
)
from tryon_service.gateway.services import services
from tryon_service.pb import tryon_pb2 as pb

HOUSE_POSE = "name:"
"""A pose that begins so is one of ours, and its pictures are no shopper's."""
MIN_VERDICTS = {"accepted": pb.VERDICT_STATUS_ACCEPTED, "doubtful": pb.VERDICT_STATUS_DOUBTFUL}

links = APIBlueprint("links", __name__, url_prefix="/v1", tag="Links")


@links.get("/products/<product_id>/render")
@needs("render", kinds=("signed",))
@links.input(LinkQuery, location="query")
@links.doc(
    summary="The picture behind a signed link",
    description="For <img src>: cacheable, and refused pairs show the original product photo.",
    responses={200: "The picture, or the original photo", 304: "The picture that you have is still the one"},
)
def show(product_id: str, query_data: dict[str, Any]) -> Response:
    product = _linked_product(product_id, query_data)
    etag = _etag(product.digest, *(query_data[name] for name in ("pose", "w", "min_verdict", "fallback")))
    if request.if_none_match.contains_weak(etag):
        return _cacheable(Response(status=304), etag, query_data)
    options = pb.RenderOptions(
        format="jpeg",
        min_verdict=MIN_VERDICTS[query_data["min_verdict"]],
        original_if_refused=query_data["fallback"] == "original",
    )
    if query_data["w"] is not None:
        options.width, options.height = query_data["w"], MAX_SIDE
    wanted = pb.RenderRequest(pose=query_data["pose"], product_id=product_id, options=options)
    return _cacheable(picture_response(services().engine.render(wanted, **_call())), etag, query_data)


@links.get("/products/<product_id>/photo")
@needs("render", kinds=("signed",))
@links.input(PhotoLinkQuery, location="query")
@links.doc(
    summary="The product photo behind a signed link",
    description="The first of the product's photos, upright, and of its metadata the credit alone. For <img src>.",
    responses={200: "The photo", 304: "The photo that you have is still the one"},
)
def show_photo(product_id: str, query_data: dict[str, Any]) -> Response:
    product = _linked_product(product_id, query_data)
    etag = _etag(product.digest, "photo", query_data["w"])
    if request.if_none_match.contains_weak(etag):
        return _cacheable(Response(status=304), etag, query_data)
    wanted = pb.GetPhotoRequest(product_id=product_id, width=query_data["w"] or 0)
    photo = services().engine.get_photo(wanted, **_call())
    return _cacheable(Response(photo.image, content_type="image/jpeg"), etag, query_data)


@links.post("/render-urls")
@needs("render", uses=0)
@links.input(LinksIn)
@links.output(LinksOut)
@links.doc(
    summary="Sign links to pictures of several products in one pose, or to their photos",
    description="Costs a widget token one use a link; links to photos cost none. Links made within a sixth of their "
    "time are the same.",
    security="Bearer",
)
def sign(json_data: dict[str, Any]) -> dict[str, Any]:
    ids = list(dict.fromkeys(json_data["product_ids"]))
    for index, product_id in enumerate(ids):
        caller().require_product(product_id, f"product_ids[{index}]")
    products, unknown = _known(ids)
    if "pose" in json_data:
        spend(len(products))
    expires = signing.expiry(json_data["ttl"], services().access.clock())
    return {
        "expires_at": expires,
        "links": [{"product_id": one.id, "url": _link(one, json_data, expires)} for one in products],
        "unknown_products": unknown,
    }


@links.post("/widget-tokens")
@needs("render", kinds=("key",))
@links.input(WidgetTokenIn)
@links.output(WidgetTokenOut, status_code=201)
@links.doc(
    summary="A token for a page, in place of an API key",
    description="Minutes long, for one origin, some products and a number of uses.",
    security="Bearer",
)
def mint(json_data: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    ids = json_data["product_ids"]
    if json_data["all"] == (ids is not None):
        raise InputError("invalid_option", "Give either product_ids or all.", "product_ids")
    token, text = widget_tokens.mint(
        services().access.keyring,
        caller().key_id,
        origin=json_data["origin"],
        products=None if ids is None else tuple(ids),
        uses=json_data["uses"],
        ttl=json_data["ttl"],
        now=services().access.clock(),
    )
    return {"token": text, "expires_at": token.expires, "uses": token.uses}, 201, {"Cache-Control": "no-store"}


def _call() -> dict[str, Any]:
    """What every call of the engine takes."""
    trace = g.trace.header if "trace" in g else request.headers.get("Traceparent", "")
    return {"store": caller().store, "timeout": services().settings.render_timeout, "trace": trace}


def _product(product_id: str) -> pb.Product:
    return services().engine.get_product(pb.GetProductRequest(product_id=product_id), **_call()).product


def _linked_product(product_id: str, query: dict[str, Any]) -> pb.Product:
    """Raises AccessError("invalid_signature") where it isn't any more what the link was made for."""
    product = _product(product_id)
    if signing.version(product.digest) != query["v"]:
        raise AccessError("invalid_signature", "The product has changed since the link was made.")
    return product


def _known(ids: list[str]) -> tuple[list[pb.Product], list[str]]:
    """The products there are, and the ids of none. Raises InputError("unknown_product") where there is none at all."""
    products, unknown = [], []
    for product_id in ids:
        try:
            products.append(_product(product_id))
        except TryonError as error:
            if error.code != "unknown_product":
                raise
            unknown.append(product_id)
    if not products:
        raise InputError("unknown_product", field="product_ids")
    return products, unknown


def _link(product: pb.Product, wanted: dict[str, Any], expires: int) -> str:
    """Absolute; to the photo where no pose is wanted. Says nothing of what is left as it is by default."""
    parameters = {
        signing.VERSION: signing.version(product.digest),
        signing.KEY: caller().key_id,
        signing.EXPIRES: str(expires),
    }
    if "pose" in wanted:
        parameters["pose"] = wanted["pose"]
    if wanted["w"] is not None:
        parameters["w"] = str(wanted["w"])
    if wanted["min_verdict"] != "accepted":
        parameters["min_verdict"] = wanted["min_verdict"]
    if wanted["fallback"] != "original":
        parameters["fallback"] = wanted["fallback"]
    path = f"/v1/products/{product.id}/{'render' if 'pose' in wanted else 'photo'}"
    base = (services().settings.public_url or request.root_url).rstrip("/")
    return f"{base}{quote(path)}?{signing.sign_link(services().access.keyring, path, parameters)}"


def _etag(digest: str, *wanted: object) -> str:
    """Of what goes in, so that it is known without rendering. Weak: the engine may be a version ahead."""
    parts = [__version__, digest, *map(str, wanted)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _cacheable(response: Response, etag: str, query: dict[str, Any]) -> Response:
    """As long as the link lives; in caches that many share only what is made in a house pose."""
    whose = "public" if query.get("pose", "").startswith(HOUSE_POSE) else "private"
    response.headers["Cache-Control"] = f"{whose}, max-age={max(0, query['exp'] - int(services().access.clock()))}"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.set_etag(etag, weak=True)
    return response
