"""The calls about product cards: what is in their photos is found out before they are kept."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from tryon_service.engine import convert
from tryon_service.engine.calls import Call
from tryon_service.engine.messages import Message, reasons_from
from tryon_service.engine.picture_cache import PictureCache
from tryon_service.engine.supervisor import Supervisor
from tryon_service.errors import InputError, RefusedError, UnavailableError
from tryon_service.imaging.limits import inspect
from tryon_service.observability.metrics import EngineMetrics
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.products.base import Change, ProductStore
from tryon_service.products.records import PhotoRecord, ProductRecord, photo_record


class Cards:
    """Safe between threads."""

    def __init__(
        self, supervisor: Supervisor, products: ProductStore, metrics: EngineMetrics, pictures: PictureCache
    ) -> None:
        self._supervisor, self._products, self._metrics = supervisor, products, metrics
        self._pictures = pictures

    def put(self, call: Call, request: pb.PutProductRequest) -> pb.PutProductResponse:
        """A photo that can't be used is kept with its reasons; if none can, RefusedError has them all.

        Each photo waits for the worker on its own, so that a card of eight doesn't hold up the shoppers. Raises
        InputError for a file that is no usable image, whatever the others are.
        """
        store = call.store
        call.priority = "batch"
        convert.check_photos(request.photos)
        names = convert.photo_names(len(request.photos))
        given = [
            photo_record(photo.image, convert.view_of(photo.view, f"{name}.view"))
            for photo, name in zip(request.photos, names, strict=True)
        ]
        record = ProductRecord(request.product_id, tuple(given), request.rights_reference)
        for photo, name in zip(request.photos, names, strict=True):
            inspect(photo.image, name)
        images = [photo.image for photo in request.photos]
        found = tuple(
            self._look(call, image, photo, name) for image, photo, name in zip(images, given, names, strict=True)
        )
        if all(photo.reasons for photo in found):
            raise RefusedError([reason for photo in found for reason in photo.reasons])
        change = self._products.put(store, replace(record, photos=found), images)
        self._pictures.forget(store, record.id, change.record)
        self._forget(call, change)
        return pb.PutProductResponse(product=convert.product_of(change.record), created=change.created)

    def get(self, call: Call, request: pb.GetProductRequest) -> pb.GetProductResponse:
        return pb.GetProductResponse(product=convert.product_of(self._products.get(call.store, request.product_id)))

    def list(self, call: Call, request: pb.ListProductsRequest) -> pb.ListProductsResponse:
        records, following = self._products.list(call.store, request.page_size, request.page_token)
        products = [convert.product_of(record) for record in records]
        return pb.ListProductsResponse(products=products, next_page_token=following)

    def delete(self, call: Call, request: pb.DeleteProductRequest) -> pb.DeleteProductResponse:
        try:
            change = self._products.delete(call.store, request.product_id)
        finally:  # even where it fails: it may be half done, or done by another engine
            self._pictures.forget(call.store, request.product_id)
        self._forget(call, change)
        return pb.DeleteProductResponse()

    def inspect(self, call: Call, request: pb.InspectRequest) -> pb.InspectResponse:
        """What is seen in a photo, drawn. Raises RefusedError for one that can't be used."""
        call.priority = "batch"
        kind = convert.kind_of(request.kind)
        photo, name, file = self._stored(call, request)
        head = {"sha256": photo.sha256, "field": name, "view": photo.view, "kind": kind}
        answer = call.ask(self._supervisor, Message("inspect", head, (file,)))
        return pb.InspectResponse(image=answer.parts[0], width=answer.head["width"], height=answer.head["height"])

    def photo(self, call: Call, request: pb.GetPhotoRequest) -> pb.GetPhotoResponse:
        """A photo as browsers can show it, whether or not it can be used for pictures."""
        box = convert.box_of(request)
        _, name, file = self._stored(call, request)
        answer = call.ask(self._supervisor, Message("photo", {"field": name, "size": box}, (file,)))
        return pb.GetPhotoResponse(image=answer.parts[0], width=answer.head["width"], height=answer.head["height"])

    def _stored(self, call: Call, wanted: pb.InspectRequest | pb.GetPhotoRequest) -> tuple[PhotoRecord, str, bytes]:
        """What is known of it, how errors call it, and its file. Raises InputError("not_found")."""
        record = self._products.get(call.store, wanted.product_id)
        total = len(record.photos)
        if wanted.photo >= total:
            raise InputError("not_found", f"The product has {total} photos, counted from 0.", "photo")
        name = convert.photo_names(total)[wanted.photo]
        return record.photos[wanted.photo], name, self._products.photo(record, wanted.photo)

    def _look(self, call: Call, image: bytes, photo: PhotoRecord, name: str) -> PhotoRecord:
        """The photo's record with what the worker finds in it."""
        head = {"sha256": photo.sha256, "field": name, "view": photo.view}
        answer = call.ask(self._supervisor, Message("look", head, (image,)))
        self._metrics.cache("product", hit=not answer.head["made"])
        return replace(
            photo,
            seen_view=answer.head["seen_view"],
            width=answer.head["width"],
            height=answer.head["height"],
            reasons=reasons_from(answer.head["reasons"]),
        )

    def _forget(self, call: Call, change: Change) -> None:
        """The worker gives up what it made of photos that no product has any more, before the call is answered.

        Should it take too long, the call has been done all the same, and so will this be.
        """
        if change.unused:
            with contextlib.suppress(UnavailableError):
                call.wait(self._supervisor.forget(change.unused))
