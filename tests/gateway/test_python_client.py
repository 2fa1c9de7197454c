"""The Python client and the real gateway understand each other, call by call."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from drawn_engine import REFUSED
from opened import JPEG, PNG, Opened, opened
from PIL import Image

from tryon_service.client import Client, Retries
from tryon_service.errors import AccessError, InputError, RefusedError, TryonError, UnavailableError
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.types import Reason

URL = "http://gateway.example"
QUICK = Retries(tries=3, first_pause=0.001, longest_pause=0.001)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Opened]:
    with opened(tmp_path) as made:
        yield made


@pytest.fixture
def client(gateway: Opened) -> Iterator[Client]:
    with connect(gateway, gateway.key()) as made:
        yield made


def connect(gateway: Opened, key: str) -> Client:
    return Client(URL, key, retries=QUICK, timeout=5.0, transport=httpx.WSGITransport(app=gateway.app.wsgi_app))


def test_a_picture(client: Client, gateway: Opened) -> None:
    trace = "11" * 16
    named = client.with_options(request_id="job-7", traceparent=f"00-{trace}-{'22' * 8}-01")
    picture = named.render(
        shopper=JPEG,
        product=[JPEG, PNG],
        views=["front", "unknown"],
        background="transparent",
        width=300,
        height=400,
        format="webp",
        renderer="warp",
        min_verdict="doubtful",
        priority="batch",
        consent_reference="c-1",
    )
    assert (picture.content_type, picture.width, picture.height) == ("image/webp", 48, 64)
    assert picture.data[8:12] == b"WEBP"
    assert picture.verdict.status == "doubtful"
    assert picture.verdict.reasons == (Reason("low_light", "shopper", "", 0.125),)
    assert picture.consent_reference == "c-1"
    name, request, store, timeout, header = gateway.engine.calls[-1]
    assert (name, store, trace in header) == ("render", "shop", True)
    assert 0 < timeout <= 30.0
    assert request.photo == JPEG
    assert [photo.view for photo in request.photos.photos] == [pb.VIEW_FRONT, pb.VIEW_UNSPECIFIED]
    assert (request.options.width, request.options.height, request.options.background) == (300, 400, "transparent")
    assert request.priority == pb.PRIORITY_BATCH


def test_a_house_pose_and_a_product_that_was_put(client: Client, gateway: Opened) -> None:
    client.put_product("a", [JPEG], rights_reference="r")
    picture = client.render(pose="name:standing", product_id="a")
    assert picture.content_type == "image/jpeg"
    assert gateway.engine.last.pose == "name:standing"
    assert gateway.engine.last.product_id == "a"


def test_a_pose(client: Client, gateway: Opened) -> None:
    pose = client.analyse_pose(PNG, ttl=60, consent_reference="c")
    assert (pose.token, pose.view, pose.expires_at) == ("k1.AAAA", "front", 1_900_000_000)
    assert pose.keypoints_coco18 == ((10.0, 20.0, True),) * 18
    assert gateway.engine.last.ttl_seconds == 60
    client.render(pose=pose.token, product=JPEG)
    assert gateway.engine.last.pose == pose.token


def test_house_poses(client: Client) -> None:
    assert client.house_poses() == ("standing", "walking")


def test_products_come_and_go(client: Client) -> None:
    kept = client.put_product("shirt~1", [JPEG, PNG], rights_reference="contract § 7", views=["front", "back"])
    assert kept == client.get_product("shirt~1")
    assert kept.rights_reference == "contract § 7"
    assert [photo.view for photo in kept.photos] == ["front", "back"]
    assert all(photo.usable for photo in kept.photos)
    client.put_product("another", [JPEG], rights_reference="r")
    assert [product.id for product in client.list_products()] == ["another", "shirt~1"]
    assert client.overlay("shirt~1", 1, "layers").startswith(b"\x89PNG")
    assert Image.open(io.BytesIO(client.photo("shirt~1", 1, width=30))).size == (30, 40)
    assert Image.open(io.BytesIO(client.photo("another"))).size == (48, 64)
    client.delete_product("another")
    with pytest.raises(InputError) as caught:
        client.get_product("another")
    assert (caught.value.code, caught.value.field) == ("unknown_product", "product_id")


def test_links_and_tokens(client: Client, gateway: Opened) -> None:
    client.put_product("a", [JPEG], rights_reference="r")
    links = client.render_urls("name:standing", ["a", "b"], width=200, ttl=600, min_verdict="doubtful", fallback="none")
    assert set(links.urls) == {"a"}
    assert links.unknown_products == ("b",)
    shown = gateway.client.get(links.urls["a"].removeprefix(URL))
    assert (shown.status_code, shown.content_type) == (200, "image/jpeg")
    photos = client.render_urls(None, ["a", "b"], width=30, ttl=600)
    photo = gateway.client.get(photos.urls["a"].removeprefix(URL))
    assert Image.open(io.BytesIO(photo.data)).size == (30, 40)
    assert photos.unknown_products == ("b",)
    token = client.widget_token("https://shop.example", ["a"], uses=3, ttl=60)
    assert token.uses == 3
    everything = client.widget_token("https://shop.example", None)
    assert everything.token != token.token


def test_a_refusal_comes_with_its_reasons(client: Client, gateway: Opened) -> None:
    gateway.engine.failure = REFUSED
    with pytest.raises(RefusedError) as caught:
        client.render(shopper=JPEG, product=JPEG)
    assert caught.value.reasons == REFUSED.reasons
    assert caught.value.retryable is False
    assert any("Request id" in note for note in caught.value.__notes__)
    assert len(gateway.engine.calls) == 1


def test_a_worker_that_is_lost_is_waited_for(client: Client, gateway: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("tryon_service.client.client.time.sleep", pauses.append)
    gateway.engine.failure = UnavailableError("engine_unavailable", "The worker was lost while computing it.")
    with pytest.raises(UnavailableError, match="lost"):
        client.render(pose="name:standing", product=JPEG)
    waited = [pause for pause in pauses if pause]  # the drawn engine takes no time
    assert len(gateway.engine.calls) == len(waited) + 1 == 3
    assert all(pause >= 1.0 for pause in waited), "as the gateway asks"


def test_keys_and_scopes(gateway: Opened) -> None:
    for key, code in (
        ("tk_none_none", "unauthorized"),
        (gateway.access.keys.create("shop", ("render",))[1], "forbidden"),
    ):
        with connect(gateway, key) as client, pytest.raises(AccessError) as caught:
            list(client.list_products())
        assert caught.value.code == code


def test_nonsense_is_named(client: Client) -> None:
    for fields, code, field in (
        ({"shopper": b"no photo", "product": JPEG}, "not_an_image", "shopper"),
        ({"product": JPEG}, "missing_field", "shopper"),
        ({"pose": "name:x", "shopper": JPEG, "product": JPEG}, "invalid_option", "pose"),
        ({"pose": "name:x", "product": JPEG, "width": 9999}, "invalid_option", "width"),
        ({"pose": "name:x", "product_id": "none"}, "unknown_product", "product_id"),
    ):
        with pytest.raises(TryonError) as caught:
            client.render(**fields)  # type: ignore[arg-type]
        assert (caught.value.code, caught.value.field) == (code, field)
