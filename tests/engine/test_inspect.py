"""The call Inspect: from a product that was put to a drawing of one of its photos."""

from __future__ import annotations

import hashlib
import io
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tryon_service.engine.messages import Message
from tryon_service.engine.server import Engine
from tryon_service.engine.tasks import Analyst, Tasks
from tryon_service.engine_client import EngineClient
from tryon_service.errors import InputError, RefusedError, TryonError
from tryon_service.figures import draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.pipeline import Pipeline
from tryon_service.settings import Settings


@pytest.fixture(scope="module")
def client(pipeline: Pipeline) -> Iterator[EngineClient]:
    """Of an engine with one product, whose second photo shows nobody; skips where there are no networks."""
    folder = Path(tempfile.mkdtemp(prefix="tryon-"))
    figure = encode(draw_figure("standing", size=(192, 256)).photo, "png")
    blank = encode(np.full((256, 192, 3), 200, np.uint8), "png")
    with Engine(Settings(data=folder, log_level="error")) as engine:
        assert engine.supervisor.wait_ready(60.0)
        made = EngineClient(engine.address)
        photos = [pb.ProductPhoto(image=figure), pb.ProductPhoto(image=blank)]
        wanted = pb.PutProductRequest(product_id="tee", photos=photos, rights_reference="r")
        made.put_product(wanted, store="shop", timeout=60.0)
        yield made
        made.close()
    shutil.rmtree(folder)


def inspect(client: EngineClient, store: str = "shop", **fields: object) -> pb.InspectResponse:
    return client.inspect(pb.InspectRequest(**{"product_id": "tee", **fields}), store=store, timeout=60.0)


@pytest.mark.parametrize("kind", [pb.OVERLAY_KIND_UNSPECIFIED, *pb.OverlayKind.values()[1:]])
def test_each_kind_is_a_png_of_its_size(client: EngineClient, kind: pb.OverlayKind) -> None:
    answer = inspect(client, kind=kind)
    picture = Image.open(io.BytesIO(answer.image))
    assert (picture.format, picture.size) == ("PNG", (answer.width, answer.height))
    if kind != pb.OVERLAY_KIND_LAYERS:
        assert picture.size == (192, 256)


def failure(client: EngineClient, store: str = "shop", **fields: object) -> TryonError:
    with pytest.raises(TryonError) as caught:
        inspect(client, store, **fields)
    return caught.value


def test_what_is_not_there(client: EngineClient) -> None:
    for error, code, field in (
        (failure(client, photo=2), "not_found", "photo"),
        (failure(client, kind=9), "invalid_option", "kind"),
        (failure(client, product_id="none"), "unknown_product", "product_id"),
        (failure(client, store="other"), "unknown_product", "product_id"),
    ):
        assert isinstance(error, InputError)
        assert (error.code, error.field) == (code, field)


def test_a_photo_that_shows_nobody_says_so(client: EngineClient) -> None:
    error = failure(client, photo=1)
    assert isinstance(error, RefusedError)
    assert (error.code, error.reasons[0].photo) == ("no_model_in_product", "product[1]")


def test_nothing_is_kept_of_a_photo_that_was_forgotten_meanwhile(pipeline: Pipeline, product_png: bytes) -> None:
    analyst = Analyst()
    tasks = Tasks(analyst, Path("none"))
    sha256 = hashlib.sha256(product_png).hexdigest()
    tasks.answer(Message("forget", {"photos": [sha256]}))
    head = {"sha256": sha256, "field": "product", "view": None, "kind": "pose"}
    for made in (1, 2):
        tasks.answer(Message("inspect", head, (product_png,)))
        assert analyst.made == made
