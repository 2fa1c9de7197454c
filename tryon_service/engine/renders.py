"""The calls about shoppers: a picture, or a pose as a token, and what poses of ours there are. Nothing of a shopper is
kept; see picture_cache.py for what is kept in house poses."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tryon_service.engine import convert
from tryon_service.engine.calls import Call
from tryon_service.engine.messages import Message, reasons_from
from tryon_service.engine.picture_cache import PictureCache, PictureKey
from tryon_service.engine.supervisor import Supervisor
from tryon_service.engine.worker import MISSING, REFUSED
from tryon_service.errors import InputError, RefusedError
from tryon_service.imaging.limits import inspect
from tryon_service.keyring import Keyring
from tryon_service.observability.metrics import EngineMetrics
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.poses.pose import Pose
from tryon_service.poses.token import MAX_TTL, open_token, seal
from tryon_service.products.base import ProductStore
from tryon_service.products.records import ProductRecord

HOUSE = "name:"
"""What a pose begins with that is one of ours."""


@dataclass(frozen=True)
class _Order:
    """What a render is made of: which shopper, given how, and what is said about all photos alike."""

    shopper: bytes
    head: Mapping[str, Any]

    def message(self, photos: Sequence[Mapping[str, Any]], files: Sequence[bytes]) -> Message:
        """photos: a row for each product photo, see Tasks.render; files: of those that are sent."""
        return Message("render", {**self.head, "photos": photos}, (self.shopper, *files))

    @property
    def house_pose(self) -> str | None:
        """Its name, None where the shopper is a photo or a token."""
        return self.shopper.decode() if self.head["shopper"] == "house" else None


class Renders:
    """Safe between threads."""

    def __init__(
        self,
        supervisor: Supervisor,
        products: ProductStore,
        keyring: Keyring,
        metrics: EngineMetrics,
        pictures: PictureCache,
    ) -> None:
        self._supervisor, self._products, self._keyring = supervisor, products, keyring
        self._metrics, self._pictures = metrics, pictures

    def render(self, call: Call, request: pb.RenderRequest) -> pb.RenderResponse:
        """Raises InputError, RefusedError with every reason, and UnavailableError."""
        convert.check_reference(request.consent_reference)
        call.priority = convert.priority_of(request.priority)
        options = convert.options_row(request.options)
        kind, shopper = self._shopper(call, request)
        order = _Order(shopper, {"options": options, "shopper": kind, "deadline": call.deadline})
        if request.WhichOneof("product") == "product_id":
            return self._from_store(call, order, request.product_id)
        if request.WhichOneof("product") is None:
            raise InputError("missing_field", "Product photos or a product's id are needed.", "product")
        return self._from_photos(call, order, request.photos.photos)

    def analyze_pose(self, call: Call, request: pb.AnalyzePoseRequest) -> pb.AnalyzePoseResponse:
        convert.check_reference(request.consent_reference)
        store, ttl = call.store, request.ttl_seconds or MAX_TTL
        if ttl > MAX_TTL:
            raise InputError("invalid_option", f"{ttl} is more than {MAX_TTL} seconds.", "ttl_seconds")
        inspect(request.photo, "shopper")
        answer = call.ask(self._supervisor, Message("pose", {}, (request.photo,)))
        now = time.time()
        return pb.AnalyzePoseResponse(
            pose=seal(Pose.unpack(answer.parts[0]), self._keyring, store, ttl, now),
            expires_at=int(now) + ttl,
            keypoints_coco18=convert.joints_of(answer.head["joints"]),
            view=convert.view_message(answer.head["view"]),
            width=answer.head["width"],
            height=answer.head["height"],
        )

    def list_poses(self, call: Call, _: pb.ListPosesRequest) -> pb.ListPosesResponse:
        return pb.ListPosesResponse(names=call.ask(self._supervisor, Message("poses", {})).head["names"])

    def _shopper(self, call: Call, request: pb.RenderRequest) -> tuple[str, bytes]:
        """(kind, bytes) as Tasks.render takes them."""
        given = request.WhichOneof("shopper")
        if given is None:
            raise InputError("missing_field", "A photo or a pose is needed.", "shopper")
        if given == "photo":
            inspect(request.photo, "shopper")
            return "photo", request.photo
        if request.pose.startswith(HOUSE):
            return "house", request.pose.removeprefix(HOUSE).encode()
        return "pose", open_token(request.pose, self._keyring, call.store, time.time()).pack()

    def _from_photos(self, call: Call, order: _Order, photos: Sequence[pb.ProductPhoto]) -> pb.RenderResponse:
        convert.check_photos(photos)
        rows = []
        for photo, name in zip(photos, convert.photo_names(len(photos)), strict=True):
            inspect(photo.image, name)
            rows.append({"view": convert.view_of(photo.view, f"{name}.view"), "sent": True, "stored": False})
        answer = call.ask(self._supervisor, order.message(rows, [photo.image for photo in photos]))
        self._computed(answer, len(photos))
        return self._picture(call, answer, range(len(photos)), len(photos))

    def _from_store(self, call: Call, order: _Order, product_id: str) -> pb.RenderResponse:
        began = time.perf_counter()
        record = self._products.get(call.store, product_id)
        places = [place for place, photo in enumerate(record.photos) if not photo.reasons]
        key = self._key(call, order, record)

        def compute() -> Message:
            if key is not None:
                self._metrics.cache("picture", hit=False)
            answer = self._ask(call, order, record, places)
            self._computed(answer, len(places))
            return answer

        def current() -> PictureKey | None:
            return self._key(call, order, self._products.get(call.store, product_id))

        answer, found = self._pictures.answer(key, call, compute, current)
        if found:
            self._metrics.cache("picture", hit=True)
            answer = _found(answer, time.perf_counter() - began)
        return self._picture(call, answer, places, len(record.photos))

    def _key(self, call: Call, order: _Order, record: ProductRecord) -> PictureKey | None:
        """None for a shopper's own pose: what is made of it is not kept."""
        if order.house_pose is None:
            return None
        return self._pictures.key(call.store, record, order.house_pose, order.head["options"])

    def _ask(self, call: Call, order: _Order, record: ProductRecord, places: Sequence[int]) -> Message:
        """Files travel only where the worker hasn't them; what it has it may give up before the call's turn."""
        answer = call.ask(self._supervisor, self._stored(order, record, places, self._supervisor.held))
        if answer.kind == MISSING:
            answer = call.ask(self._supervisor, self._stored(order, record, places, frozenset()))
        return answer

    def _stored(self, order: _Order, record: ProductRecord, places: Sequence[int], held: frozenset[str]) -> Message:
        """places: which of the card's photos can be used; held: sha256 of those whose files aren't sent."""
        rows = [
            {"sha256": photo.sha256, "view": photo.view, "sent": photo.sha256 not in held, "stored": True}
            for photo in (record.photos[place] for place in places)
        ]
        sent = [place for place, row in zip(places, rows, strict=True) if row["sent"]]
        return order.message(rows, [self._products.photo(record, place) for place in sent])

    def _computed(self, answer: Message, photos: int) -> None:
        """Count what the worker has done. photos: that it was asked to look at."""
        self._metrics.steps(answer.head["report"]["timings_ms"])
        for index in range(photos):
            self._metrics.cache("product", hit=index >= answer.head["made"])

    def _picture(self, call: Call, answer: Message, places: Sequence[int], total: int) -> pb.RenderResponse:
        """Raises RefusedError where there is none."""
        row = convert.renumbered(answer.head["report"], places, total)
        call.rendered(row)
        self._metrics.verdict(row["verdict"], [(one["code"], one["photo"]) for one in row["reasons"]])
        if answer.kind == REFUSED:
            raise RefusedError(reasons_from(row["reasons"]))
        return pb.RenderResponse(
            image=answer.parts[0],
            content_type=f"image/{answer.head['format']}",
            width=answer.head["width"],
            height=answer.head["height"],
            report=convert.report_of(row),
        )


def _found(answer: Message, seconds: float) -> Message:
    """An answer that was computed for another call, with the time that this one took."""
    report = {**answer.head["report"], "timings_ms": {"cache": 1000.0 * seconds}}
    return replace(answer, head={**answer.head, "report": report})
