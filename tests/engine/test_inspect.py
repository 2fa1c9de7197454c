"""The calls Inspect and GetPhoto: from a product that was put to a drawing of one of its photos, or the photo itself;
and ListPoses, which asks the same worker."""

from __future__ import annotations

import hashlib
import io
import shutil
import tempfile
from collections.abc import Callable, Iterator
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
    (folder / "poses").mkdir()
    (folder / "poses" / "ours.json").write_text("{}")
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


def photo(client: EngineClient, store: str = "shop", **fields: object) -> pb.GetPhotoResponse:
    return client.get_photo(pb.GetPhotoRequest(**{"product_id": "tee", **fields}), store=store, timeout=60.0)


def failure(
    client: EngineClient, store: str = "shop", call: Callable[..., object] = inspect, **fields: object
) -> TryonError:
    with pytest.raises(TryonError) as caught:
        call(client, store, **fields)
    return caught.value


def test_what_is_not_there(client: EngineClient) -> None:
    for error, code, field in (
        (failure(client, photo=2), "not_found", "photo"),
        (failure(client, kind=9), "invalid_option", "kind"),
        (failure(client, product_id="none"), "unknown_product", "product_id"),
        (failure(client, store="other"), "unknown_product", "product_id"),
        (failure(client, call=photo, photo=2), "not_found", "photo"),
        (failure(client, call=photo, width=4097), "invalid_option", "width"),
        (failure(client, call=photo, height=4097), "invalid_option", "height"),
        (failure(client, call=photo, product_id="../tee"), "invalid_option", "product_id"),
        (failure(client, call=photo, product_id="none"), "unknown_product", "product_id"),
        (failure(client, call=photo, store="other"), "unknown_product", "product_id"),
    ):
        assert isinstance(error, InputError)
        assert (error.code, error.field) == (code, field)


def test_a_photo_that_shows_nobody_says_so(client: EngineClient) -> None:
    error = failure(client, photo=1)
    assert isinstance(error, RefusedError)
    assert (error.code, error.reasons[0].photo) == ("no_model_in_product", "product[1]")


def test_a_photo_has_the_size_of_the_pictures_made_of_it(client: EngineClient) -> None:
    answer = photo(client, width=100)
    shown = Image.open(io.BytesIO(answer.image))
    assert (shown.format, shown.size) == ("JPEG", (answer.width, answer.height))
    options = pb.RenderOptions(width=100)
    wanted = pb.RenderRequest(pose="name:standing", product_id="tee", options=options)
    picture = client.render(wanted, store="shop", timeout=60.0)
    assert (picture.width, picture.height) == shown.size == (100, 133)


def test_a_photo_of_nobody_is_shown_all_the_same(client: EngineClient) -> None:
    shown = Image.open(io.BytesIO(photo(client, photo=1).image))
    assert shown.size == (192, 256)
    assert shown.getpixel((96, 128)) == (200, 200, 200)


def test_the_house_poses_are_ours_and_the_shops(client: EngineClient) -> None:
    names = list(client.list_poses(pb.ListPosesRequest(), store="shop", timeout=60.0).names)
    assert names[0] == "standing"
    assert names[-1] == "ours"
    assert len(set(names)) == len(names) > 10


def test_nothing_is_kept_of_a_photo_that_was_forgotten_meanwhile(pipeline: Pipeline, product_png: bytes) -> None:
    analyst = Analyst()
    tasks = Tasks(analyst, Path("none"))
    sha256 = hashlib.sha256(product_png).hexdigest()
    tasks.answer(Message("forget", {"photos": [sha256]}))
    head = {"sha256": sha256, "field": "product", "view": None, "kind": "pose"}
    for made in (1, 2):
        tasks.answer(Message("inspect", head, (product_png,)))
        assert analyst.made == made
