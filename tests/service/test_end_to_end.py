"""What a shop does with the service, from the first call to the last, through real processes and real networks."""

from __future__ import annotations

import io
import re
import signal
import stat
import threading
from collections.abc import Callable
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from PIL import Image
from real_service import Service, eventually, form, put_product, render, running

JPEG = b"\xff\xd8\xff"
SHOP = "https://shop.example"
READY_WITHIN = 60.0
"""Seconds, on a machine that others may keep busy; alone it takes less than 5."""


def expect_picture(answer: httpx.Response) -> bytes:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Tryon-Verdict"] in ("accepted", "doubtful")
    assert answer.content.startswith(JPEG)
    return answer.content


def test_ready_in_seconds_and_gone_in_order(
    networks: None, card: bytes, shopper: bytes, say: Callable[[str], None]
) -> None:
    with running() as service:
        eventually("the welcome", lambda: "Ready at http://" in service.log.read_text())
        seconds = float(re.findall(r"after ([\d.]+) s", service.log.read_text())[0])
        say(f"ready after {seconds:.1f} s")
        assert seconds < READY_WITHIN
        key, answers = service.key(), []

        def call() -> None:
            with service.http(key) as http:
                answers.append(render(http, shopper=shopper, product=card).status_code)

        threads = [threading.Thread(target=call) for _ in range(2)]
        for thread in threads:
            thread.start()
        with service.http() as http:
            eventually("renders under way", lambda: _running(http) >= 1 + len(threads))
        service.processes[0].send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        assert answers == [200, 200], "calls in flight are finished first"
        assert service.stop() == [0]
        assert not service.socket.exists()
        assert "Traceback" not in service.log.read_text()


def _running(http: httpx.Client) -> float:
    """Calls being answered, this one included."""
    found = re.search(r"^tryon_http_requests_running(?:\{.*\})? ([\d.e+]+)$", http.get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_a_picture_of_two_photos(http: httpx.Client, shopper: bytes, card: bytes) -> None:
    answer = render(http, shopper=shopper, product=card)
    picture = expect_picture(answer)
    assert answer.headers["Tryon-Product-Used"] == "0"
    assert "total;dur=" in answer.headers["Server-Timing"]
    assert render(http, shopper=shopper, product=card).content == picture, "the same call gives the same bytes"


def test_two_real_photos(http: httpx.Client, real_pair: tuple[bytes, bytes]) -> None:
    """Whatever the verdict is, it is a picture or says why there is none."""
    answer = render(http, shopper=real_pair[0], product=real_pair[1])
    if answer.status_code == 422:
        assert answer.json()["reasons"]
        assert all(reason["photo"] in ("shopper", "product") for reason in answer.json()["reasons"])
    else:
        expect_picture(answer)


def test_products_come_and_go(http: httpx.Client, card: bytes, shopper: bytes) -> None:
    created = put_product(http, "come-and-go", card)
    assert created.status_code == 201
    assert put_product(http, "come-and-go", card).status_code == 200
    kept = http.get("/v1/products/come-and-go").json()
    assert (kept["digest"], kept["photos"][0]["reasons"]) == (created.json()["digest"], [])
    assert "come-and-go" in [one["id"] for one in http.get("/v1/products").json()["products"]]
    expect_picture(render(http, shopper=shopper, product_id="come-and-go"))
    assert http.delete("/v1/products/come-and-go").status_code == 204
    for answer in (http.get("/v1/products/come-and-go"), render(http, shopper=shopper, product_id="come-and-go")):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_product")


def test_a_pose_token_gives_the_bytes_of_the_photo(http: httpx.Client, product: str, shopper: bytes) -> None:
    pose = http.post("/v1/poses", files=form(shopper=shopper)).json()
    assert len(pose["keypoints_coco18"]) == 18
    of_photo = expect_picture(render(http, shopper=shopper, product_id=product))
    assert expect_picture(render(http, pose=pose["pose"], product_id=product)) == of_photo
    forged = pose["pose"][:-4] + ("AAAA" if not pose["pose"].endswith("AAAA") else "BBBB")
    assert render(http, pose=forged, product_id=product).json()["code"] == "invalid_pose"


def test_a_pose_token_is_its_stores_alone(service: Service, http: httpx.Client, shopper: bytes, card: bytes) -> None:
    token = http.post("/v1/poses", files=form(shopper=shopper)).json()["pose"]
    with service.http(service.key(store="another")) as foreign:
        answer = render(foreign, pose=token, product=card)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_pose")


def test_house_poses(http: httpx.Client, product: str) -> None:
    pictures = {
        expect_picture(render(http, pose=f"name:{name}", product_id=product)) for name in ("standing", "contrapposto")
    }
    assert len(pictures) == 2
    assert render(http, pose="name:nobodys", product_id=product).status_code == 400


def test_signed_links(service: Service, http: httpx.Client, product: str) -> None:
    asked = {"pose": "name:standing", "product_ids": [product], "w": 300}
    url = http.post("/v1/render-urls", json=asked).json()["links"][0]["url"]
    with service.http() as anybody:
        shown = anybody.get(url)
        expect_picture(shown)
        again = anybody.get(url, headers={"If-None-Match": shown.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        for changed in (url.replace("w=300", "w=301"), url.replace("standing", "arms_out"), url[:-3]):
            assert anybody.get(changed).status_code == 403
    assert "sig=" not in service.log.read_text()


def test_photos_of_a_product(service: Service, http: httpx.Client, product: str) -> None:
    """The photo and the picture are of one size, so that a page can lay one over the other."""
    token = http.post("/v1/widget-tokens", json={"origin": SHOP, "product_ids": [product]}).json()["token"]
    with service.http(token) as page:
        page.headers["Origin"] = SHOP
        asked = {"product_ids": [product], "w": 300}
        photo, picture = (
            page.post("/v1/render-urls", json={**asked, **pose}).json()["links"][0]["url"]
            for pose in ({}, {"pose": "name:standing"})
        )
    with service.http() as anybody:
        shown = anybody.get(photo)
        assert (shown.status_code, shown.headers["Content-Type"]) == (200, "image/jpeg")
        assert _size(shown.content) == _size(expect_picture(anybody.get(picture))) == (300, 400)
        assert anybody.get(photo.replace("/photo", "/render")).status_code == 403
    assert http.get(f"/v1/products/{product}/photos/0", params={"w": 300}).content == shown.content
    assert "standing" in http.get("/v1/poses").json()["poses"]


def _size(picture: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(picture)).size


def test_widget_tokens(service: Service, http: httpx.Client, product: str, card: bytes) -> None:
    asked = {"origin": SHOP, "product_ids": [product], "uses": 2}
    token = http.post("/v1/widget-tokens", json=asked).json()["token"]
    with service.http(token) as page:
        page.headers["Origin"] = SHOP
        assert render(page, pose="name:standing", product=card).status_code == 403, "of another product"
        assert page.get("/v1/products").status_code == 403
        page.headers["Origin"] = "https://elsewhere.example"
        assert render(page, pose="name:standing", product_id=product).status_code == 403
        page.headers["Origin"] = SHOP
        codes = [render(page, pose="name:standing", product_id=product) for _ in range(3)]
    assert codes[0].status_code == 200
    assert (codes[-1].status_code, codes[-1].json()["code"]) == (403, "token_spent")


def test_nobody_without_a_key(service: Service, shopper: bytes, card: bytes) -> None:
    for key in ("", "tryon_none_none"):
        with service.http(key) as stranger:
            answer = render(stranger, shopper=shopper, product=card)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


def test_the_engine_through_reflection_alone(service: Service, card: bytes) -> None:
    """As grpcurl does it: nothing is known beforehand but the socket."""
    assert stat.S_IMODE(service.socket.parent.stat().st_mode) == 0o700
    options = [("grpc.default_authority", "localhost")]
    with grpc.insecure_channel(f"unix:{service.socket}", options) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        names = _reflect(stub, list_services="").list_services_response.service
        assert {"tryon.v1.TryOn", "grpc.health.v1.Health"} <= {one.name for one in names}
        pool = descriptor_pool.DescriptorPool()
        _learn(stub, pool, _reflect(stub, file_containing_symbol="tryon.v1.TryOn"))
        method = pool.FindServiceByName("tryon.v1.TryOn").FindMethodByName("Render")
        asked = message_factory.GetMessageClass(method.input_type)(pose="name:standing")
        asked.photos.photos.add().image = card
        call = channel.unary_unary(
            "/tryon.v1.TryOn/Render",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
        )
        answer = call(asked, timeout=30.0, metadata=(("tryon-store", "shop"),))
        assert answer.image.startswith(JPEG)
        assert answer.width > 0
        with pytest.raises(grpc.RpcError) as caught:
            call(type(asked)(), timeout=30.0, metadata=(("tryon-store", "shop"),))
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT  # type: ignore[attr-defined]


def _reflect(stub: Any, **question: str) -> Any:
    asked = reflection_pb2.ServerReflectionRequest(**question)
    return next(iter(stub.ServerReflectionInfo(iter([asked]), timeout=10.0)))


def _learn(stub: Any, pool: descriptor_pool.DescriptorPool, answer: Any) -> None:
    """Add the files of an answer to the pool, and before them those that they import."""
    files = [
        descriptor_pb2.FileDescriptorProto.FromString(one)
        for one in answer.file_descriptor_response.file_descriptor_proto
    ]
    for file in files:
        for needed in file.dependency:
            if needed not in {one.name for one in files}:
                _learn(stub, pool, _reflect(stub, file_by_filename=needed))
    for file in reversed(files):
        pool.Add(file)
