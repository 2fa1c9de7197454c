"""What the worker can do: render, find a pose, look at a product's photo, show it, forget it. One message in, one
answer out.

Photos of stored products come once: their files are held by their sha256 as long as there is room, and a message that
needs one that isn't held any more is answered with MISSING.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tryon_service.analysis import PRODUCT_MAX_SIDE
from tryon_service.choice import view_name
from tryon_service.devices import use_device
from tryon_service.engine.messages import Message
from tryon_service.engine.worker import DONE, MISSING, REFUSED, WorkerSettings
from tryon_service.errors import InputError, RefusedError, TryonError
from tryon_service.evaluation.overlays import overlay
from tryon_service.figures import draw_figure
from tryon_service.imaging.decode import decode
from tryon_service.imaging.encode import encode
from tryon_service.imaging.frames import fit_size
from tryon_service.imaging.limits import inspect
from tryon_service.perception.skeletons import coco18
from tryon_service.pipeline import Pipeline, RenderRequest, shopper_pose
from tryon_service.poses.house import house_pose, names
from tryon_service.poses.pose import Pose
from tryon_service.renderers.base import GENERATED
from tryon_service.report import coco18_rows, reason_row, report
from tryon_service.stopwatch import timed
from tryon_service.types import Credit, Result, Size, UInt8Array

HELD_BYTES = 64 << 20
"""Room for files of stored products' photos."""
REMEMBERED = 10_000
"""Photos of which nothing is to be kept even if a call that waited meanwhile still needs them."""
WARM_UP_SIZE = (192, 256)


class Analyst(Pipeline):
    """A Pipeline that says how many analyses it had to make. Not shared between threads."""

    made = 0

    def _analyse(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on as they come
        self.made += 1
        return super()._analyse(*args, **kwargs)


class Held:
    """Files by sha256, the least recently used given up first. limit: bytes."""

    def __init__(self, limit: int = HELD_BYTES) -> None:
        self._limit = limit
        self._files: OrderedDict[str, bytes] = OrderedDict()

    def put(self, sha256: str, data: bytes) -> None:
        self._files[sha256] = data
        self._files.move_to_end(sha256)
        while self._files and sum(len(file) for file in self._files.values()) > self._limit:
            self._files.popitem(last=False)

    def get(self, sha256: str) -> bytes | None:
        if sha256 in self._files:
            self._files.move_to_end(sha256)
        return self._files.get(sha256)

    def drop(self, sha256: str) -> None:
        self._files.pop(sha256, None)

    def names(self) -> list[str]:
        return list(self._files)


@dataclass(frozen=True)
class _Picture:
    """An answer's picture and how to label it."""

    data: bytes
    size: Size
    format: str


class Tasks:
    """Answers messages by their kind; raises TryonError, or anything at all for what is our own fault."""

    def __init__(self, pipeline: Analyst, poses: Path) -> None:
        """poses: the folder of house poses that the shop has added."""
        self._pipeline, self._poses = pipeline, poses
        self._held = Held()
        self._gone: deque[str] = deque(maxlen=REMEMBERED)
        self._shoppers: Mapping[str, Callable[[bytes], bytes | Pose]] = {
            "photo": lambda data: data,
            "pose": Pose.unpack,
            "house": lambda name: house_pose(name.decode(), poses),
        }
        self._kinds: Mapping[str, Callable[[Message], Message]] = {
            "render": self.render,
            "pose": self.pose,
            "poses": self.poses,
            "look": self.look,
            "photo": self.photo,
            "inspect": self.inspect,
            "forget": self.forget,
        }

    @classmethod
    def warm(cls, settings: WorkerSettings) -> Tasks:
        """With every network loaded and a drawn figure rendered. Raises TryonError if that fails."""
        use_device(settings.device)
        pipeline = Analyst(
            pose=settings.pose,
            matter=settings.matter,
            parser=settings.parser,
            renderer=settings.renderer,
            cache_bytes=settings.cache_bytes,
            cache_folder=settings.cache_folder,
            cache_folder_bytes=settings.cache_folder_bytes,
        )
        figure = encode(draw_figure("standing", size=WARM_UP_SIZE).photo, "png")
        digest = hashlib.sha256(figure).hexdigest()
        pipeline.forget_product(digest)  # the networks are to run, whatever is in the folder
        result = pipeline.render(RenderRequest(figure, (figure,)))
        pipeline.forget_product(digest)
        # The drawn figure is nobody whom a generator has learned to draw: of those it is enough that all steps worked.
        drawn_anew = pipeline.renderer(settings.renderer).info.mark == GENERATED and "judge" in result.timings_ms
        if result.picture is None and not drawn_anew:
            raise TryonError("internal", f"The warm-up render is refused: {result.verdict.reasons[0].code}.")
        return cls(pipeline, settings.poses)

    def answer(self, message: Message) -> Message:
        """head of every answer: damaged, how many kept analyses were found damaged so far."""
        answer = self._kinds[message.kind](message)
        return replace(answer, head={**answer.head, "damaged": self._pipeline.damaged_entries})

    def render(self, message: Message) -> Message:
        """head: shopper ("photo", "pose" packed, or "house" pose by name), photos [{sha256, view, sent, stored}],
        options, deadline; parts: the shopper's, then the photos sent. Answers the picture with its report, or MISSING.
        """
        head = message.head
        files = self._files(head["photos"], message.parts[1:])
        if files is None:
            return Message(MISSING, {"held": self._held.names()})
        options = dict(head["options"])
        fallback = options.pop("original_if_refused")
        wanted = options.pop("format") or ("png" if options["background"] == "transparent" else "jpeg")
        request = RenderRequest(
            shopper=self._shoppers[head["shopper"]](message.parts[0]),
            products=files,
            views=tuple(photo["view"] for photo in head["photos"]),
            size=tuple(options.pop("size")) or None,
            deadline=head["deadline"],
            **options,
        )
        before = self._pipeline.made
        try:
            result = self._pipeline.render(request)
        finally:
            self._forget(photo["sha256"] for photo in head["photos"] if photo.get("sha256") in self._gone)
        timings = dict(result.timings_ms)
        with timed(timings, "encode"):
            picture = self._picture(result, wanted) or (fallback and _original(result, request, wanted))
        row = {**report(result), "timings_ms": timings}
        answer = {"held": self._held.names(), "report": row, "made": self._pipeline.made - before}
        if not picture:
            return Message(REFUSED, answer)
        size = {"width": picture.size[0], "height": picture.size[1], "format": picture.format}
        return Message(DONE, {**answer, **size}, (picture.data,))

    def pose(self, message: Message) -> Message:
        """parts: the shopper's photo. Answers the packed pose; head: keypoints of the photo, view, width, height."""
        person = self._pipeline.analyse_pose(message.parts[0])
        pose = shopper_pose(person)
        joints = coco18(person.keypoints.moved(person.photo.reduction))
        width, height = person.photo.size
        row = {"joints": coco18_rows(joints), "view": view_name(person.keypoints), "width": width, "height": height}
        return Message(DONE, row, (pose.pack(),))

    def poses(self, _: Message) -> Message:
        """Answers the names of the house poses."""
        return Message(DONE, {"names": names(self._poses)})

    def look(self, message: Message) -> Message:
        """parts: a product's photo; head: sha256, field, view. Answers what is seen in it, and why it can't be used.

        Raises InputError for a file that is no usable image.
        """
        data, field = message.parts[0], message.head["field"]
        if message.head["sha256"] in self._gone:
            self._gone.remove(message.head["sha256"])
        width, height = inspect(data, field).size
        before = self._pipeline.made
        view, reasons = None, []
        try:
            product = self._pipeline.analyse_product(data, field, view=message.head["view"])
            view = view_name(product.person.keypoints)
        except RefusedError as error:
            reasons = [reason_row(reason) for reason in error.reasons]
        row = {"seen_view": view, "width": width, "height": height, "reasons": reasons}
        return Message(DONE, {**row, "made": self._pipeline.made - before})

    def photo(self, message: Message) -> Message:
        """parts: a product's photo; head: field, size (that it fits into, empty for its own). Answers it as JPEG."""
        shown = _shown(message.parts[0], message.head["field"], tuple(message.head["size"]) or None, "jpeg")
        return Message(DONE, {"width": shown.size[0], "height": shown.size[1]}, (shown.data,))

    def inspect(self, message: Message) -> Message:
        """parts: a product's photo; head: sha256, field, view, kind. Answers the overlay of this kind as PNG."""
        head = message.head
        try:
            product = self._pipeline.analyse_product(message.parts[0], head["field"], view=head["view"])
        finally:
            self._forget({head["sha256"]} & {*self._gone})
        drawn = overlay(product.appearance, head["kind"])
        size = {"width": drawn.shape[1], "height": drawn.shape[0]}
        return Message(DONE, size, (encode(drawn, "png"),))

    def forget(self, message: Message) -> Message:
        """head: photos, sha256 of which nothing is to be kept."""
        self._gone.extend(message.head["photos"])
        self._forget(message.head["photos"])
        return Message(DONE, {"held": self._held.names()})

    def _forget(self, photos: Iterable[str]) -> None:
        for sha256 in photos:
            self._held.drop(sha256)
            self._pipeline.forget_product(sha256)

    def _files(self, photos: list[Mapping[str, Any]], sent: tuple[bytes, ...]) -> tuple[bytes, ...] | None:
        """Every photo's file, in order; None if one neither came nor is held."""
        files, parts = [], iter(sent)
        for photo in photos:
            data = next(parts) if photo["sent"] else self._held.get(photo["sha256"])
            if data is None:
                return None
            if photo["sent"] and photo["stored"]:
                self._held.put(photo["sha256"], data)
            files.append(data)
        return tuple(files)

    def _picture(self, result: Result, wanted: str) -> _Picture | None:
        if result.picture is None:
            return None
        mark = self._pipeline.renderer(result.renderer).info.mark
        return _encoded(result.picture, wanted, result.credit, mark)


def _original(result: Result, request: RenderRequest, wanted: str) -> _Picture:
    """The product photo itself."""
    data = request.products[max(result.product_used, 0)]
    if not isinstance(data, bytes):
        raise InputError("missing_field", "The photo itself is needed.", "product")
    return _shown(data, "product", request.size, wanted)


def _shown(data: bytes, field: str, box: Size | None, wanted: str) -> _Picture:
    """A product photo as it is, in the size and format asked for, no larger than a render would be. Raises InputError,
    with field, for a file that can't be decoded."""
    photo = decode(data, field, max_side=PRODUCT_MAX_SIDE)
    own = photo.rgb.shape[1], photo.rgb.shape[0]
    size = fit_size(own, box or own)
    small = cv2.resize(photo.rgb, size, interpolation=cv2.INTER_AREA) if size != own else photo.rgb
    return _encoded(np.asarray(small, np.uint8), wanted, photo.credit, "")


def _encoded(picture: UInt8Array, wanted: str, credit: Credit, mark: str) -> _Picture:
    data = encode(picture, wanted, credit=credit, mark=mark)
    return _Picture(data, (picture.shape[1], picture.shape[0]), wanted)
