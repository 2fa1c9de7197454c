"""Both clients against a service made of answers: what is sent, what comes back, and what goes wrong."""

from __future__ import annotations

import asyncio
import base64
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tryon_service.client import AsyncClient, Client, Retries, calls
from tryon_service.errors import CODES, AccessError, InputError, RefusedError, TryonError, UnavailableError, ZooError
from tryon_service.gateway.problems import MEDIA_TYPE, document
from tryon_service.types import Reason

KEY = "tk_abc_secret"
URL = "https://service.example"
QUICK = Retries(first_pause=0.001, longest_pause=0.001)
PRODUCT = {
    "id": "a", "photos": [], "rights_reference": "r", "digest": "0" * 64, "created_at": 1, "updated_at": 2, "new": 3,
}  # fmt: skip
Handler = Callable[[httpx.Request], httpx.Response]


def problem(code: str, status: int | None = None, /, **fields: Any) -> httpx.Response:
    body = {**document(code, request_id="r1"), **fields}
    headers = {"Content-Type": MEDIA_TYPE, "X-Request-Id": "r1"}
    return httpx.Response(status or body["status"], text=json.dumps(body), headers=headers)


def blocking(handler: Handler, **options: Any) -> Client:
    return Client(URL, KEY, retries=QUICK, transport=httpx.MockTransport(handler), **options)


def awaited(handler: Handler, call: Callable[[AsyncClient], Any]) -> Any:
    async def run() -> Any:
        async with AsyncClient(URL, KEY, retries=QUICK, transport=httpx.MockTransport(handler)) as client:
            return await call(client)

    return asyncio.run(run())


def failure(answer: httpx.Response) -> TryonError:
    with blocking(lambda _: answer) as client, pytest.raises(TryonError) as caught:
        client.get_product("a")
    return caught.value


def test_both_clients_have_the_same_calls() -> None:
    names = [name for name, one in inspect.getmembers(calls, inspect.isfunction) if not name.startswith("_")
             and one.__module__ == calls.__name__]  # fmt: skip
    assert len(names) == 11
    for name in names:
        for client in (Client, AsyncClient):
            assert getattr(client, name).__doc__ == getattr(calls, name).__doc__
        assert inspect.iscoroutinefunction(getattr(AsyncClient, name))


def test_what_is_sent(tmp_path: Path) -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=PRODUCT)

    photo = tmp_path / "anna-bikini.jpg"
    photo.write_bytes(b"\xff\xd8\xff jpeg")
    with blocking(handler) as client:
        named = client.with_options(request_id="job-7", traceparent=f"00-{'1' * 32}-{'2' * 16}-01")
        kept = named.put_product("a/b", [photo, b"raw"], rights_reference="§ 7", views=["front", "unknown"])
    assert (kept.id, kept.updated_at) == ("a", 2)
    (request,) = seen
    assert (request.method, request.url.raw_path) == ("PUT", b"/v1/products/a%2Fb")
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["X-Request-Id"] == "job-7"
    assert request.headers["traceparent"].endswith("-01")
    assert request.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    body = request.content
    assert body.count(b'name="photos"; filename="photo"') == 2
    assert b"anna" not in body, "a photo's name may tell who is in it"
    assert body.count(b'name="views"') == 2
    assert "§ 7".encode() in body
    assert b'name="rights_confirmed"' in body


def test_a_form_without_photos_is_still_a_form() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        assert request.headers["Content-Type"].startswith("multipart/form-data")
        assert b"filename" not in request.content
        return problem("no_person")

    with blocking(handler) as client, pytest.raises(TryonError):
        client.render(pose="name:standing", product_id="a")


def test_every_attempt_is_the_same_call_whole() -> None:
    seen: list[tuple[str | None, int]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append((request.headers.get("X-Request-Id"), len(request.content)))
        if len(seen) < 3:
            raise httpx.ReadError("reset", request=request)
        return httpx.Response(200, json=PRODUCT)

    with blocking(handler) as client:
        client.with_options(request_id="one").put_product("a", [b"x" * 999], rights_reference="r")
    assert len(seen) == 3
    assert len(set(seen)) == 1
    assert seen[0][1] > 999
    seen.clear()
    awaited(handler, lambda client: client.put_product("a", [b"x" * 999], rights_reference="r"))
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("unknown_product", InputError),
        ("unauthorized", AccessError),
        ("forbidden", AccessError),
        ("token_spent", AccessError),
        ("engine_unavailable", UnavailableError),
        ("storage_full", UnavailableError),
        ("internal", UnavailableError),
        ("network_missing", ZooError),
    ],
)
def test_problems_become_our_errors(code: str, kind: type[TryonError]) -> None:
    error = failure(problem(code, detail="What exactly.", field="product"))
    assert type(error) is kind
    assert (error.code, error.detail, error.field) == (code, "What exactly.", "product")
    assert error.retryable == CODES[code].retryable
    assert error.__notes__ == ["Request id: r1"]


def test_a_refusal_has_every_reason() -> None:
    reasons = [
        {"code": "body_cropped", "photo": "shopper", "part": "left_ankle", "value": None, "limit": None},
        {"code": "blurred", "photo": "product[1]", "part": "", "value": 0.7, "limit": 0.55},
    ]
    error = failure(problem("body_cropped", reasons=reasons))
    assert isinstance(error, RefusedError)
    assert error.reasons == (
        Reason("body_cropped", "shopper", "left_ankle"), Reason("blurred", "product[1]", "", 0.7, 0.55),
    )  # fmt: skip
    assert not error.retryable


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (httpx.Response(502, text="<h1>Bad gateway</h1>"), "engine_unavailable"),
        (httpx.Response(504), "deadline_exceeded"),
        (httpx.Response(500, text="oops"), "internal"),
        (httpx.Response(404, text="nginx"), "not_found"),
        (httpx.Response(418), "invalid_option"),
        (problem("internal", 422, code="too_purple", detail="A new refusal."), "invalid_option"),
        (problem("internal", 422, code=7), "invalid_option"),
        (problem("no_person", reasons=[{"code": "too_purple"}]), "no_person"),
        (problem("no_person", reasons="many"), "no_person"),
        (httpx.Response(422, text="[]", headers={"Content-Type": MEDIA_TYPE}), "invalid_option"),
        (httpx.Response(500, text="{", headers={"Content-Type": MEDIA_TYPE}), "internal"),
        (httpx.Response(301, headers={"Location": "https://elsewhere.example/"}), "invalid_option"),
        (httpx.Response(200, text="Log in to the hotel's network"), "internal"),
        (httpx.Response(200, json={"id": "a"}), "internal"),
        (httpx.Response(200, json=[1]), "internal"),
    ],
)
def test_answers_of_others_are_errors_of_ours(answer: httpx.Response, code: str) -> None:
    assert failure(answer).code == code


def test_what_a_new_code_says_is_not_lost() -> None:
    error = failure(problem("internal", 422, code="too_purple", detail="It is purple."))
    assert "It is purple." in error.detail
    assert "too_purple" in error.detail


def test_a_picture_with_its_report() -> None:
    report = {
        "verdict": "doubtful",
        "reasons": [{"code": "low_light", "photo": "shopper", "part": "", "value": 9.0, "limit": 14.0}],
        "scores": {"coverage": 0.9},
        "target_coco18": [[1.5, 2.0, 1], [0.0, 0.0, 0]],
        "product_used": 1,
        "choice": {"view": "front", "shopper_view": None, "degrees_apart": 3.0, "movement": 2.0,
                   "missing": ["left_hip"]},
        "timings_ms": {"render": 12.5},
        "renderer": "warp",
        "networks": [{"name": "pose", "sha256": "ab" * 32}],
    }  # fmt: skip
    body = {"image": base64.b64encode(b"picture").decode(), "content_type": "image/png", "width": 3, "height": 4,
            "report": report, "consent_reference": "c-1"}  # fmt: skip
    with blocking(lambda _: httpx.Response(200, json=body)) as client:
        picture = client.render(shopper=b"s", product=[b"a", b"b"], format="png")
    assert (picture.data, picture.content_type, picture.width, picture.height) == (b"picture", "image/png", 3, 4)
    assert picture.verdict.status == "doubtful"
    assert picture.verdict.reasons == (Reason("low_light", "shopper", "", 9.0, 14.0),)
    assert picture.report.target_coco18 == ((1.5, 2.0, True), (0.0, 0.0, False))
    assert picture.report.choice is not None
    assert (picture.report.choice.index, picture.report.choice.missing) == (1, ("left_hip",))
    assert picture.report.networks[0].sha256 == "ab" * 32
    assert picture.consent_reference == "c-1"


def pages(request: httpx.Request) -> httpx.Response:
    token = request.url.params.get("page_token", "")
    assert request.url.params["page_size"] == "500"
    page = {"": ("a", "2"), "2": ("b", "3"), "3": ("c", "")}[token]
    return httpx.Response(200, json={"products": [{**PRODUCT, "id": page[0]}], "next_page_token": page[1]})


def test_lists_go_on_over_pages() -> None:
    with blocking(pages) as client:
        assert [product.id for product in client.list_products()] == ["a", "b", "c"]

    async def ids(client: AsyncClient) -> list[str]:
        return [product.id async for product in client.list_products()]

    assert awaited(pages, ids) == ["a", "b", "c"]


def test_async_calls_run_beside_each_other() -> None:
    async def handler(request: httpx.Request) -> httpx.Response:
        running.append(request.url.path)
        await everyone.wait() if len(running) < 3 else everyone.set()
        return httpx.Response(200, json=PRODUCT)

    async def run() -> None:
        async with AsyncClient(URL, KEY, transport=httpx.MockTransport(handler)) as client:
            await asyncio.wait_for(asyncio.gather(*(client.get_product(name) for name in "abc")), 5.0)

    running: list[str] = []
    everyone = asyncio.Event()
    asyncio.run(run())
    assert sorted(running) == ["/v1/products/a", "/v1/products/b", "/v1/products/c"]


def test_a_closed_client_says_so() -> None:
    client = blocking(pages)
    other = client.with_options(request_id="x")
    client.close()
    for closed in (client, other):
        with pytest.raises(InputError, match="closed") as caught:
            closed.get_product("a")
        assert (caught.value.code, caught.value.field) == ("invalid_option", "client")

    async def run() -> None:
        waiting = AsyncClient(URL, KEY)
        await waiting.close()
        with pytest.raises(InputError, match="closed"):
            await waiting.get_product("a")

    asyncio.run(run())


@pytest.mark.parametrize(
    "url", ["", "service.example", "ftp://service.example", "http://", "http://u:p@x", "http://x?a=1"]
)
def test_what_is_no_url_of_a_service(url: str) -> None:
    with pytest.raises(InputError) as caught:
        Client(url, KEY)
    assert caught.value.field == "base_url"


@pytest.mark.parametrize("key", ["", "two words", "line\nend", "schlüssel"])
def test_what_is_no_key_is_not_repeated(key: str) -> None:
    with pytest.raises(InputError) as caught:
        Client(URL, key)
    assert caught.value.field == "api_key"
    assert not key or key not in str(caught.value)


def test_nothing_of_a_caller_becomes_another_header_or_address() -> None:
    with blocking(pages) as client:
        with pytest.raises(InputError) as caught:
            client.with_options(request_id="a\r\nX-Admin: 1")
        assert caught.value.field == "request_id"
        for name in ("", ".", ".."):
            with pytest.raises(InputError) as caught:
                client.delete_product(name)
            assert caught.value.field == "product_id"


def test_photos_that_are_none(tmp_path: Path) -> None:
    with blocking(pages) as client:
        for given, says in (
            (tmp_path / "none.jpg", "No such file"),
            ("none.jpg", "bytes or the path"),
            (3, "bytes or"),
        ):
            with pytest.raises(InputError, match=says) as caught:
                client.render(shopper=b"x", product=[b"y", given])  # type: ignore[list-item]
            assert caught.value.field == "product[1]"


def test_a_service_that_is_not_there() -> None:
    with Client("http://127.0.0.1:9", KEY, retries=QUICK) as client, pytest.raises(UnavailableError) as caught:
        client.get_product("a")
    assert caught.value.code == "engine_unavailable"
    assert "ConnectError" in caught.value.detail
    assert KEY not in repr(caught.value)
