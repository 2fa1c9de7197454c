"""`/v1/products`: the store's product cards, each analysed once and kept."""

from __future__ import annotations

import re
from typing import Any

from apiflask import APIBlueprint
from apiflask.schemas import FileSchema
from flask import Response

from tryon_service.errors import InputError
from tryon_service.gateway.admission import admitted
from tryon_service.gateway.answers import Product, ProductList, product_row
from tryon_service.gateway.auth import needs
from tryon_service.gateway.calls import for_engine
from tryon_service.gateway.forms import ListQuery, PhotoQuery, ProductForm, forget_photos
from tryon_service.gateway.intake import check_photo
from tryon_service.gateway.routes.renders import product_photos
from tryon_service.gateway.schemas import PRODUCT_ID
from tryon_service.gateway.services import services
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.pb.limits import MAX_CALL, MAX_PHOTOS, TOO_LARGE

products = APIBlueprint("products", __name__, url_prefix="/v1", tag="Products")


@products.put("/products/<product_id>")
@needs("products", kinds=("key",))
@admitted
@products.input(ProductForm, location="files", arg_name="form", unknown="raise")
@products.output(Product)
@products.doc(
    summary="Create or replace a product",
    description="Its photos are analysed before this returns; those that can't be used say why.",
    security="Bearer",
)
def put(product_id: str, form: dict[str, Any]) -> tuple[dict[str, Any], int]:
    check_product_id(product_id)
    wanted = _wanted(product_id, form)
    forget_photos(form)
    answer = services().engine.put_product(wanted, **for_engine())
    return product_row(answer.product), 201 if answer.created else 200


@products.get("/products/<product_id>")
@needs("products", kinds=("key",))
@products.output(Product)
@products.doc(summary="What is known of a product", security="Bearer")
def get(product_id: str) -> dict[str, Any]:
    check_product_id(product_id)
    wanted = pb.GetProductRequest(product_id=product_id)
    return product_row(services().engine.get_product(wanted, **for_engine()).product)


@products.get("/products/<product_id>/photos/<int:photo>")
@needs("products", kinds=("key",))
@products.input(PhotoQuery, location="query", arg_name="query", unknown="raise")
@products.output(FileSchema(), content_type="image/jpeg", description="The photo")
@products.doc(
    summary="A product's photo",
    description="Upright, and of its metadata the credit alone. Photos are counted from 0.",
    security="Bearer",
)
def show_photo(product_id: str, photo: int, query: dict[str, Any]) -> Response:
    check_product_id(product_id)
    check_photo_number(photo)
    wanted = pb.GetPhotoRequest(product_id=product_id, photo=photo, width=query["w"])
    shown = services().engine.get_photo(wanted, **for_engine())
    return Response(shown.image, content_type="image/jpeg", headers={"Cache-Control": "private, no-store"})


@products.get("/products")
@needs("products", kinds=("key",))
@products.input(ListQuery, location="query", arg_name="query", unknown="raise")
@products.output(ProductList)
@products.doc(summary="The store's products", security="Bearer")
def list_all(query: dict[str, Any]) -> dict[str, Any]:
    wanted = pb.ListProductsRequest(page_size=query["page_size"], page_token=query.get("page_token", ""))
    found = services().engine.list_products(wanted, **for_engine())
    return {"products": [product_row(one) for one in found.products], "next_page_token": found.next_page_token}


@products.delete("/products/<product_id>")
@needs("products", kinds=("key",))
@products.doc(
    summary="Remove a product",
    description="With its photos, everything found in them, and the pictures made of it.",
    responses={204: "It is gone"},
    security="Bearer",
)
def delete(product_id: str) -> Response:
    check_product_id(product_id)
    services().engine.delete_product(pb.DeleteProductRequest(product_id=product_id), **for_engine())
    return Response(status=204)


def check_product_id(product_id: str) -> None:
    if not re.match(PRODUCT_ID, product_id):
        raise InputError("invalid_option", "An id is 1 to 128 of letters, digits, '.', '_', '~' and '-'.", "product_id")


def check_photo_number(photo: int) -> None:
    """Whether any product may have so many."""
    if photo >= MAX_PHOTOS:
        raise InputError("not_found", f"A product has at most {MAX_PHOTOS} photos, counted from 0.", "photo")


def _wanted(product_id: str, form: dict[str, Any]) -> pb.PutProductRequest:
    """For the engine. Raises TryonError for what no field can say alone."""
    photos = [*form.get("photos", []), *_fetched(form.get("urls", []), form.get("photos", []))]
    if not photos:
        raise InputError("missing_field", "Send at least one photo.", "photos")
    return pb.PutProductRequest(
        product_id=product_id,
        photos=product_photos(photos, form.get("views")),
        rights_reference=form["rights_reference"],
    )


def _fetched(urls: list[str], sent: list[bytes]) -> list[bytes]:
    """The photos behind the URLs. sent: those that came along, which count."""
    before = sum(map(len, sent))
    if len(sent) + len(urls) > MAX_PHOTOS:
        raise InputError("invalid_option", f"A product has at most {MAX_PHOTOS} photos.", "urls")
    photos: list[bytes] = []
    for index, url in enumerate(urls):
        field = f"urls[{index}]"
        photo = services().fetcher.fetch(url, field)
        check_photo(photo, field)
        photos.append(photo)
        if before + sum(map(len, photos)) > MAX_CALL:
            raise InputError("too_many_bytes", TOO_LARGE, field)
    return photos
