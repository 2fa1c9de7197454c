"""gRPC calls of the engine as the wire brings them, up to the worker's queue, and errors on their way back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast

from google.protobuf.message import DecodeError

from tests.corpus.make_hostile import drawing, saved
from tests.fuzz.oracles import affordable, outcome
from tryon_service.engine import convert
from tryon_service.engine.calls import Call
from tryon_service.engine.cards import Cards
from tryon_service.engine.messages import Message
from tryon_service.engine.picture_cache import PictureCache
from tryon_service.engine.renders import Renders
from tryon_service.errors import CODES, InputError, TryonError, UnavailableError
from tryon_service.imaging.limits import inspect
from tryon_service.keyring import Key, Keyring
from tryon_service.observability.metrics import EngineMetrics
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.pb.details import from_detail, to_detail
from tryon_service.products.records import ProductRecord, check_product_id, photo_record

REFUSALS = (
    "not_an_image", "unsupported_format", "truncated_image", "too_many_bytes", "too_many_frames", "too_many_pixels",
    "image_too_small", "missing_field", "invalid_option", "unknown_product", "invalid_pose", "expired_pose",
    "unsupported_task", "not_found", "overloaded",
)  # fmt: skip
"""Codes that a call may be answered with before any work is done."""
SECONDS, MEGABYTES = 2.0, 48.0
PHOTO = saved(drawing(), "JPEG", quality=30)
WORDS = (
    b"name:standing", b"product_id", b"transparent", b"#ff00ff", b"jpeg", b"repose", b"known", b"\xff\xd8\xff",
)  # fmt: skip


@dataclass
class _Supervisor:
    """Takes nothing on, and keeps what it was given."""

    given: list[Message] = field(default_factory=list)
    held: frozenset[str] = frozenset()

    def submit(self, message: Message, **_: object) -> Future[Message]:
        self.given.append(message)
        raise UnavailableError("overloaded")

    def forget(self, _: object) -> Future[Message]:
        raise UnavailableError("overloaded")


class _Products:
    """One product, "known"."""

    record = ProductRecord("known", (photo_record(PHOTO),), "contract 7")

    def get(self, store: str, product_id: str) -> ProductRecord:
        check_product_id(product_id)
        if product_id != self.record.id:
            raise InputError("unknown_product", field="product_id")
        return self.record

    def photo(self, *_: object) -> bytes:
        return PHOTO

    def list(self, store: str, page_size: int, page_token: str) -> tuple[list[ProductRecord], str]:
        return [self.record], ""

    def delete(self, store: str, product_id: str) -> None:
        self.get(store, product_id)
        raise UnavailableError("overloaded")


class _Call:
    """Of a store, with time left, and with somebody who waits."""

    store, deadline, priority = "shop", 1e12, "shopper"

    def ask(self, supervisor: _Supervisor, message: Message) -> Message:
        return supervisor.submit(message).result()

    def wait(self, future: Future[Message]) -> Message:
        return future.result()


Answer = Callable[[Renders, Cards, Call, Any], object]
RPCS: dict[str, tuple[type[Any], Answer]] = {
    "Render": (pb.RenderRequest, lambda renders, _, call, sent: renders.render(call, sent)),
    "AnalyzePose": (pb.AnalyzePoseRequest, lambda renders, _, call, sent: renders.analyze_pose(call, sent)),
    "ListPoses": (pb.ListPosesRequest, lambda renders, _, call, sent: renders.list_poses(call, sent)),
    "PutProduct": (pb.PutProductRequest, lambda _, cards, call, sent: cards.put(call, sent)),
    "GetProduct": (pb.GetProductRequest, lambda _, cards, call, sent: cards.get(call, sent)),
    "ListProducts": (pb.ListProductsRequest, lambda _, cards, call, sent: cards.list(call, sent)),
    "DeleteProduct": (pb.DeleteProductRequest, lambda _, cards, call, sent: cards.delete(call, sent)),
    "GetPhoto": (pb.GetPhotoRequest, lambda _, cards, call, sent: cards.photo(call, sent)),
    "Inspect": (pb.InspectRequest, lambda _, cards, call, sent: cards.inspect(call, sent)),
}
"""Every call of the protocol."""


def seeds() -> Iterator[bytes]:
    options = pb.RenderOptions(task="repose", background="#ff00ff", format="png", width=300, renderer="warp")
    photos = pb.ProductPhotos(photos=[pb.ProductPhoto(image=PHOTO, view=pb.VIEW_BACK)])
    yield _as(0, pb.RenderRequest(photo=PHOTO, photos=photos, options=options))
    yield _as(0, pb.RenderRequest(pose="name:standing", product_id="known", options=options))
    yield _as(1, pb.AnalyzePoseRequest(photo=PHOTO, ttl_seconds=60, consent_reference="r"))
    yield _as(3, pb.PutProductRequest(product_id="a", photos=photos.photos, rights_reference="r"))
    yield _as(5, pb.ListProductsRequest(page_size=10, page_token="a"))
    for number in (4, 6):
        yield _as(number, pb.GetProductRequest(product_id="known"))
    yield _as(7, pb.GetPhotoRequest(product_id="known", photo=0, width=100))
    yield _as(8, pb.InspectRequest(product_id="known", kind=pb.OVERLAY_KIND_POSE))
    yield _as(9, to_detail(InputError("invalid_option", "too much", "size")))


def _as(number: int, message: Any) -> bytes:
    return bytes([number]) + message.SerializeToString()


def check(data: bytes) -> None:
    """The first byte says what the rest is: one of the calls, or an error's detail."""
    number, body = (data[0] if data else 0) % (len(RPCS) + 1), data[1:]
    if number == len(RPCS):
        _check_error(body)
        return
    kind, answer = list(RPCS.values())[number]
    try:
        request = kind.FromString(body)
    except DecodeError:
        return
    supervisor = _Supervisor()
    renders, cards = _desks(supervisor)
    call = cast(Call, _Call())
    with affordable(SECONDS, MEGABYTES):
        outcome(lambda: answer(renders, cards, call, request), *REFUSALS)
    for message in supervisor.given:
        _check_message(message)


@cache
def _parts() -> tuple[Keyring, EngineMetrics, PictureCache]:
    return Keyring((Key("k1", bytes(32)),)), EngineMetrics(), PictureCache(0, Path("none"))


def _desks(supervisor: _Supervisor) -> tuple[Renders, Cards]:
    keyring, metrics, pictures = _parts()
    given: Any = supervisor, _Products()
    return Renders(*given, keyring, metrics, pictures), Cards(*given, metrics, pictures)


def _check_message(message: Message) -> None:
    """The worker gets photos that passed the door, and options within their limits."""
    poses = message.kind == "render" and message.head["shopper"] != "photo"
    for part in message.parts[1:] if poses else message.parts:
        inspect(part)
    options = message.head.get("options")
    if options is not None:
        assert convert.BACKGROUND.fullmatch(options["background"])
        assert options["format"] in ("", *convert.FORMATS)
        assert all(0 < side <= convert.MAX_SIDE for side in options["size"])
        assert options["min_verdict"] in ("doubtful", "accepted")


def _check_error(data: bytes) -> None:
    error = from_detail(data)
    assert isinstance(error, TryonError)
    assert error.code in CODES
    again = from_detail(to_detail(error).SerializeToString())
    assert (again.code, again.detail) == (error.code, error.detail)
