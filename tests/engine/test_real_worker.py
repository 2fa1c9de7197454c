"""The engine as it runs: the real pipeline in the worker, on drawn figures."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tryon_service.engine.server import Engine
from tryon_service.engine_client import EngineClient
from tryon_service.errors import InputError, RefusedError, TryonError, UnavailableError
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.pipeline import Pipeline, RenderRequest
from tryon_service.poses import house
from tryon_service.settings import Settings

STORE = "shop"


@pytest.fixture(scope="module")
def engine(pipeline: Pipeline) -> Iterator[Engine]:
    """One for all; `pipeline` skips where there are no networks."""
    folder = Path(tempfile.mkdtemp(prefix="tryon-"))
    with Engine(Settings(data=folder, log_level="error")) as started:
        assert started.supervisor.wait_ready(60.0)
        yield started
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def client(engine: Engine) -> Iterator[EngineClient]:
    made = EngineClient(engine.address)
    yield made
    made.close()


@pytest.fixture(scope="module")
def blank_png() -> bytes:
    return encode(np.full((400, 300, 3), 200, np.uint8), "png")


@pytest.fixture(scope="module")
def product(client: EngineClient, product_png: bytes) -> pb.Product:
    return put(client, "tee", product_png).product


def put(client: EngineClient, product_id: str, *images: bytes) -> pb.PutProductResponse:
    photos = [pb.ProductPhoto(image=image) for image in images]
    request = pb.PutProductRequest(product_id=product_id, photos=photos, rights_reference="contract 7")
    return client.put_product(request, store=STORE, timeout=60.0)


def render(client: EngineClient, store: str = STORE, **fields: object) -> pb.RenderResponse:
    return client.render(pb.RenderRequest(**fields), store=store, timeout=60.0)


def kept(engine: Engine) -> list[str]:
    return [path.name for path in (engine._settings.data / "cache").glob("*.analysis")]


def test_photo_token_product_and_bytes_give_the_same_picture(
    client: EngineClient, pipeline: Pipeline, product: pb.Product, product_png: bytes, shopper_png: bytes
) -> None:
    by_id = render(client, photo=shopper_png, product_id="tee")
    in_process = pipeline.render(RenderRequest(shopper_png, (product_png,)))
    assert in_process.picture is not None
    mark = pipeline.renderer("").info.mark
    assert by_id.image == encode(in_process.picture, "jpeg", credit=in_process.credit, mark=mark)
    photos = pb.ProductPhotos(photos=[pb.ProductPhoto(image=product_png)])
    assert render(client, photo=shopper_png, photos=photos).image == by_id.image
    pose = client.analyze_pose(pb.AnalyzePoseRequest(photo=shopper_png), store=STORE, timeout=60.0)
    from_token = render(client, pose=pose.pose, product_id="tee")
    assert from_token.image == by_id.image
    assert from_token.report.scores == by_id.report.scores
    assert (by_id.width, by_id.height, by_id.content_type) == (384, 512, "image/jpeg")
    assert (pose.width, pose.height, pose.view, len(pose.keypoints_coco18)) == (384, 512, pb.VIEW_FRONT, 18)
    assert pose.expires_at == pytest.approx(time.time() + 86400, abs=60)


def test_a_picture_found_again_is_the_one_that_is_computed(
    client: EngineClient, pipeline: Pipeline, product: pb.Product, product_png: bytes
) -> None:
    first, found = (render(client, pose="name:walking", product_id="tee") for _ in range(2))
    assert ("cache" in first.report.timings_ms, set(found.report.timings_ms)) == (False, {"cache"})
    computed = pipeline.render(RenderRequest(house.house_pose("walking"), (product_png,)))
    mark = pipeline.renderer("").info.mark
    assert found.image == first.image == encode(computed.picture, "jpeg", credit=computed.credit, mark=mark)


def test_a_token_is_worth_nothing_to_another_store(
    client: EngineClient, product: pb.Product, shopper_png: bytes
) -> None:
    pose = client.analyze_pose(pb.AnalyzePoseRequest(photo=shopper_png), store="other", timeout=60.0)
    with pytest.raises(InputError) as caught:
        render(client, pose=pose.pose, product_id="tee")
    assert caught.value.code == "invalid_pose"
    with pytest.raises(InputError) as caught:
        render(client, store="other", pose=pose.pose, product_id="tee")
    assert caught.value.code == "unknown_product"


@pytest.mark.parametrize(
    ("options", "kind", "size"),
    [
        (pb.RenderOptions(width=192), "jpeg", (192, 256)),
        (pb.RenderOptions(height=128, format="webp"), "webp", (96, 128)),
        (pb.RenderOptions(background="transparent"), "png", (384, 512)),
        (pb.RenderOptions(background="#336699", format="avif"), "avif", (384, 512)),
    ],
)
def test_size_and_format(
    client: EngineClient, product: pb.Product, options: pb.RenderOptions, kind: str, size: tuple[int, int]
) -> None:
    answer = render(client, pose="name:standing", product_id="tee", options=options)
    picture = Image.open(io.BytesIO(answer.image))
    assert (picture.format or "").lower() == kind
    assert answer.content_type == f"image/{kind}"
    assert picture.size == (answer.width, answer.height) == size


def test_a_refused_pair_can_show_the_original(
    client: EngineClient, product: pb.Product, product_png: bytes, blank_png: bytes
) -> None:
    with pytest.raises(RefusedError) as caught:
        render(client, photo=blank_png, product_id="tee")
    assert [reason.code for reason in caught.value.reasons] == ["no_person"]
    options = pb.RenderOptions(original_if_refused=True, width=192, format="png")
    answer = render(client, photo=blank_png, product_id="tee", options=options)
    assert answer.report.verdict == pb.VERDICT_STATUS_REFUSED
    shown = np.asarray(Image.open(io.BytesIO(answer.image)), np.float32)
    original = np.asarray(Image.open(io.BytesIO(product_png)).resize((192, 256), Image.Resampling.BOX), np.float32)
    assert np.abs(shown - original).max() <= 1.0


def test_a_card_keeps_what_was_found_in_its_photos(
    client: EngineClient, product_png: bytes, blank_png: bytes, shopper_png: bytes
) -> None:
    made = put(client, "card", blank_png, product_png)
    assert made.created
    assert [[reason.code for reason in photo.reasons] for photo in made.product.photos] == [["no_model_in_product"], []]
    assert made.product.photos[0].reasons[0].photo == "product[0]"
    assert [photo.seen_view for photo in made.product.photos] == [pb.VIEW_UNSPECIFIED, pb.VIEW_FRONT]
    assert [(photo.width, photo.height) for photo in made.product.photos] == [(300, 400), (384, 512)]
    assert render(client, photo=shopper_png, product_id="card").report.product_used == 1
    again = put(client, "card", blank_png, product_png)
    assert not again.created
    assert again.product == made.product
    listed = client.list_products(pb.ListProductsRequest(page_size=1), store=STORE, timeout=60.0)
    assert [one.id for one in listed.products] == ["card"]
    assert (
        client.get_product(pb.GetProductRequest(product_id="card"), store=STORE, timeout=60.0).product == made.product
    )


def test_a_card_without_any_usable_photo_is_refused(client: EngineClient, blank_png: bytes) -> None:
    with pytest.raises(RefusedError) as caught:
        put(client, "blank", blank_png)
    assert caught.value.code == "no_model_in_product"
    with pytest.raises(InputError) as unknown:
        client.get_product(pb.GetProductRequest(product_id="blank"), store=STORE, timeout=60.0)
    assert unknown.value.code == "unknown_product"


def test_a_deleted_card_leaves_no_analysis(engine: Engine, client: EngineClient) -> None:
    image = encode(draw_figure("standing", OUTFITS["striped_long"], (384, 512), seed=5).photo, "png")
    before = kept(engine)
    put(client, "gone", image)
    put(client, "twin", image)
    assert len(kept(engine)) == len(before) + 1
    client.delete_product(pb.DeleteProductRequest(product_id="gone"), store=STORE, timeout=60.0)
    assert len(kept(engine)) == len(before) + 1, "the twin still has the photo"
    client.delete_product(pb.DeleteProductRequest(product_id="twin"), store=STORE, timeout=60.0)
    assert sorted(kept(engine)) == sorted(before)
    with pytest.raises(InputError):
        render(client, pose="name:standing", product_id="gone")


BAD: tuple[tuple[str, dict[str, object], str, str], ...] = (
    ("no shopper", {"product_id": "tee"}, "missing_field", "shopper"),
    ("no product", {"pose": "name:standing"}, "missing_field", "product"),
    ("no photos", {"pose": "name:standing", "photos": pb.ProductPhotos()}, "missing_field", "product"),
    ("no image", {"photo": b"hello", "product_id": "tee"}, "not_an_image", "shopper"),
    ("unknown product", {"pose": "name:standing", "product_id": "none"}, "unknown_product", "product_id"),
    ("impossible id", {"pose": "name:standing", "product_id": "a/b"}, "invalid_option", "product_id"),
    ("unknown house pose", {"pose": "name:flying", "product_id": "tee"}, "invalid_pose", "pose"),
    ("no token", {"pose": "abc", "product_id": "tee"}, "invalid_pose", "pose"),
    (
        "long reference",
        {"pose": "x", "product_id": "tee", "consent_reference": "x" * 201},
        "invalid_option",
        "consent_reference",
    ),
    (
        "background of a pose",
        {"pose": "name:standing", "product_id": "tee", "options": pb.RenderOptions(background="shopper")},
        "invalid_option",
        "background",
    ),
    (
        "renderer",
        {"pose": "name:standing", "product_id": "tee", "options": pb.RenderOptions(renderer="magic")},
        "invalid_option",
        "renderer",
    ),
)


@pytest.mark.parametrize(("fields", "code", "field"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_calls_name_the_field(
    client: EngineClient, product: pb.Product, fields: dict[str, object], code: str, field: str
) -> None:
    with pytest.raises(InputError) as caught:
        render(client, **fields)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_bad_products_name_the_field(client: EngineClient, product_png: bytes) -> None:
    photo = pb.ProductPhoto(image=product_png)
    cases = [
        (pb.PutProductRequest(product_id="p", rights_reference="r"), "missing_field", "product"),
        (pb.PutProductRequest(product_id="p", photos=[photo]), "missing_field", "rights_reference"),
        (pb.PutProductRequest(product_id="p", photos=[photo] * 9, rights_reference="r"), "invalid_option", "product"),
        (pb.PutProductRequest(product_id="", photos=[photo], rights_reference="r"), "invalid_option", "product_id"),
        (
            pb.PutProductRequest(product_id="p", photos=[photo, pb.ProductPhoto(image=b"x")], rights_reference="r"),
            "not_an_image",
            "product[1]",
        ),
    ]
    for request, code, field in cases:
        with pytest.raises(InputError) as caught:
            client.put_product(request, store=STORE, timeout=60.0)
        assert (caught.value.code, caught.value.field) == (code, field)
    with pytest.raises(InputError) as caught:
        client.analyze_pose(pb.AnalyzePoseRequest(photo=product_png, ttl_seconds=86401), store=STORE, timeout=60.0)
    assert caught.value.field == "ttl_seconds"


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[1] / "corpus" / "hostile").iterdir()), ids=lambda p: p.name
)
def test_hostile_files_are_refused_and_harm_nothing(
    engine: Engine, client: EngineClient, product: pb.Product, path: Path
) -> None:
    pid = engine.supervisor.worker_pid
    with pytest.raises(TryonError) as caught:
        render(client, photo=path.read_bytes(), product_id="tee")
    assert not caught.value.retryable
    assert engine.supervisor.worker_pid == pid


def test_a_kill_in_the_middle_of_a_render_costs_that_one(
    engine: Engine, client: EngineClient, product: pb.Product, shopper_png: bytes
) -> None:
    """The long form with twenty kills is in test_supervisor with a worker that starts faster."""
    expected = render(client, photo=shopper_png, product_id="tee").image
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(render, client, photo=shopper_png, product_id="tee") for _ in range(4)]
        while running(engine) == 0:
            time.sleep(0.005)
        os.kill(engine.supervisor.worker_pid, signal.SIGKILL)
        errors = [error for error in (call.exception(60.0) for call in calls) if error is not None]
    assert len(errors) == 1
    assert isinstance(errors[0], UnavailableError)
    assert (errors[0].code, errors[0].retryable) == ("engine_unavailable", True)
    assert all(call.result().image == expected for call in calls if call.exception() is None)


def running(engine: Engine) -> int:
    """Calls that are neither waiting nor answered."""
    return engine._calls._running - len(engine._queue)


def test_nothing_of_a_shopper_is_kept(
    engine: Engine, client: EngineClient, product: pb.Product, caplog: pytest.LogCaptureFixture
) -> None:
    marked = encode(draw_figure("hand_on_hip", OUTFITS["striped_long"], (200, 300), seed=77).photo, "jpeg")
    pose = client.analyze_pose(pb.AnalyzePoseRequest(photo=marked), store=STORE, timeout=60.0).pose
    render(client, photo=marked, product_id="tee", options=pb.RenderOptions(background="shopper"))
    render(client, pose=pose, product_id="tee")
    assert {key.pose[0] for key in engine._pictures._kept._items} <= {*house.names()}
    piece = marked[len(marked) // 2 :][:64]
    for path in engine._settings.data.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert piece not in data
            assert pose.encode() not in data
    assert not re.search(re.escape(pose), caplog.text)
