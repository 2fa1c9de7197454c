"""What stands in for the pipeline: photos are words, and each is treated as its word says.

Named in a module of its own because workers are spawned and import it.
"""

from __future__ import annotations

import hashlib
import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np

from tryon_service.batch.worker import Plan
from tryon_service.errors import InputError, RefusedError, ZooError
from tryon_service.renderers.base import RendererInfo
from tryon_service.request import RenderRequest
from tryon_service.types import NetworkId, ProductChoice, Reason, Result, Verdict

NETWORKS = (NetworkId("painter", "ab" * 32),)
LOG = "log"
"""File beside the photos with a line for every picture that was begun."""


class FakeRenderer:
    info = RendererInfo("warp", "compositeSynthetic")


class FakePipeline:
    """Pictures are 8 x 8 pixels that follow from the photo and the pose."""

    def __init__(self, plan: Plan) -> None:
        self.log = Path(plan.photos) / LOG

    def networks(self, _renderer: str) -> tuple[NetworkId, ...]:
        return NETWORKS

    def renderer(self, _name: str) -> FakeRenderer:
        return FakeRenderer()

    def analyse_product(self, data: bytes, name: str, **_options: object) -> Any:
        if not data:
            raise InputError("not_an_image", "It is empty.", name)
        word = data.split()[0].decode()
        if word == "flat":
            raise RefusedError([Reason("no_model_in_product", name)])
        if word == "bug":
            raise ZeroDivisionError
        return data

    def render(self, request: RenderRequest) -> Result:
        data: Any = request.products[0]
        with self.log.open("a") as log:
            log.write(f"{data.decode()}\n")
        word = data.split()[0].decode()
        if word == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "once" and self.log.read_text().count("once") == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "hang":
            threading.Event().wait()
        status = word if word in ("doubtful", "refused") else "accepted"
        reasons = () if status == "accepted" else (Reason("blurred", "product"),)
        seed = hashlib.sha256(data + request.shopper.pack()).digest()  # type: ignore[union-attr]
        picture = np.frombuffer(seed * 6, np.uint8).reshape(8, 8, 3)
        return Result(
            picture=picture if status != "refused" else None,
            verdict=Verdict(status, reasons, {"coverage": 0.123456}),  # type: ignore[arg-type]
            target=None,
            product_used=0,
            timings_ms={},
            renderer="warp",
            networks=NETWORKS,
            choice=ProductChoice(0, "front", "front", 0.0, 0.0, ()),
        )


def open_fake(plan: Plan) -> Any:
    return FakePipeline(plan)


def open_nothing(_plan: Plan) -> Any:
    raise ZooError("network_missing", "There is none.", "painter")


def die_at_once(_plan: Plan) -> Any:
    os._exit(1)
