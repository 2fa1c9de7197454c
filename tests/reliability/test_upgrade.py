"""The service of today, started on the data of the first release that could be run: what that kept is served.

python -m pytest -n 0 -m soak tests/reliability/test_upgrade.py
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from real_service import FIRST_START, ROOT, Service, form, render

from tryon_service.errors import ZooError
from tryon_service.zoo.store import Store

OLDER = ROOT / "tests/products/older_store"
SECRETS = "old:b2YgdGhlIHRlc3RzIGFuZCBubyBzZWNyZXQgYXQgYWxs"
"""Spells "of the tests and no secret at all"."""
POSES = ("name:contrapposto", "name:standing")


@pytest.fixture
def upgraded() -> Iterator[Service]:
    try:
        Store().manifest  # noqa: B018
    except ZooError as error:
        pytest.skip(f"no networks, nothing was upgraded: {error}")
    folder = Path(tempfile.mkdtemp(prefix="tryon-"))  # short enough for a socket's path
    service = Service(folder, TRYON_SECRETS=SECRETS)
    shutil.copytree(OLDER / "data", service.data)
    for path in [service.data, *service.data.rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)
    try:
        service.start("serve")
        service.wait_ready(FIRST_START)
        yield service
    finally:
        service.stop()
        shutil.rmtree(folder)


@pytest.mark.soak
def test_what_the_first_release_kept_is_served(upgraded: Service) -> None:
    expected: dict[str, Any] = json.loads((OLDER / "expected.json").read_text())
    for store, key in expected["keys"].items():
        with upgraded.http(key) as http, upgraded.http(upgraded.key(store=f"new-{store}")) as fresh:
            told = http.get("/v1/products").json()["products"]
            assert len(told) == len(expected["products"][store])
            for product, then in zip(told, expected["products"][store], strict=True):
                assert {name: product[name] for name in then} == then, "ids, digests, times and what was seen"
                put_again(fresh, then)
                assert shown(http, then["id"]) == shown(fresh, then["id"]), "as if it had been put today"
    assert not list((upgraded.data / "products").glob("index.db.v*")), "there was nothing to change"


def put_again(fresh: httpx.Client, product: dict[str, Any]) -> None:
    """The same photos and views, into a store that today's code made."""
    photos = [photo_file(photo["sha256"]).read_bytes() for photo in product["photos"]]
    parts = form(photos=photos, rights_confirmed="true", rights_reference=product["rights_reference"])
    views = [("views", (None, photo["view"].encode())) for photo in product["photos"] if photo["view"]]
    answer = fresh.put(f"/v1/products/{product['id']}", files=[*parts, *views])
    assert answer.status_code == 201, answer.text
    assert answer.json()["digest"] == product["digest"]


def photo_file(sha256: str) -> Path:
    return OLDER / "data/products/photos" / sha256[:2] / sha256


def shown(http: httpx.Client, product_id: str) -> list[tuple[bytes, str]]:
    """Pictures of a product, its photo, and the ETag of a signed link to it."""
    answers = [render(http, pose=pose, product_id=product_id) for pose in POSES]
    answers.append(http.get(f"/v1/products/{product_id}/photos/0"))
    link = http.post("/v1/render-urls", json={"product_ids": [product_id], "pose": POSES[0], "w": 200}).json()
    answers.append(httpx.get(http.base_url.join("/v1" + link["links"][0]["url"].partition("/v1")[2]), timeout=30.0))
    assert [answer.status_code for answer in answers] == [200] * 4, [answer.text[:300] for answer in answers]
    return [(answer.content, answer.headers.get("ETag", "")) for answer in answers]
