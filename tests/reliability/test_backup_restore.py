"""A shop's products are backed up from a running service, lost with everything else, and brought back, all under load:
ids, digests, times, photos, pictures, ETags and signed links are the same.

    python -m pytest -n 0 -m soak tests/reliability/test_backup_restore.py -k short    # 8 products
    python -m pytest -n 0 -m soak tests/reliability/test_backup_restore.py -k long     # 100 products
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from real_service import FIRST_START, ROOT, Service, form, put_product, render

from tryon_service.errors import ZooError
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.zoo.store import Store

SIZE = (288, 384)
POSE = "name:contrapposto"
CALLERS = 2


@pytest.fixture(scope="module", autouse=True)
def _networks() -> None:
    try:
        Store().manifest  # noqa: B018
    except ZooError as error:
        pytest.skip(f"no networks, nothing was backed up or restored: {error}")


def card(number: int) -> bytes:
    """A photo that no other product has."""
    outfit = OUTFITS[list(OUTFITS)[number % len(OUTFITS)]]
    return encode(draw_figure("standing", outfit, SIZE, seed=number).photo, "jpeg")


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="tryon-"))  # short enough for a socket's path
    yield path
    shutil.rmtree(path)


@contextmanager
def serving(folder: Path) -> Iterator[Service]:
    """`tryon serve` on what is in the folder; it ends in order."""
    service = Service(folder)
    try:
        service.start("serve")
        service.wait_ready(FIRST_START)
        yield service
    finally:
        codes = service.stop()
    assert codes == [0]


@contextmanager
def load(service: Service, key: str, *calls: Callable[[httpx.Client], httpx.Response]) -> Iterator[Counter[int]]:
    """Callers who make these calls again and again for the length of the block; how often which status came."""
    stop, statuses = threading.Event(), Counter[int]()

    def call_on(call: Callable[[httpx.Client], httpx.Response]) -> None:
        with service.http(key) as http:
            while not stop.is_set():
                statuses[call(http).status_code] += 1

    threads = [threading.Thread(target=call_on, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    try:
        yield statuses
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def tryon(service: Service, *words: str | Path) -> str:
    """What the command says. It runs beside the service, as an operator would run it."""
    command = [sys.executable, "-m", "tryon_service", "products", *map(str, words)]
    done = subprocess.run(command, env=service.environ, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass(frozen=True)
class Shown:
    """All that anybody can see of a shop. links: (path, ETag, body) of signed links by product."""

    products: list[object]
    photos: dict[str, bytes]
    pictures: dict[str, bytes]
    links: dict[str, tuple[str, str, bytes]]


def look(http: httpx.Client, paths: dict[str, str] | None = None) -> Shown:
    """paths: of links that were signed before; None signs them."""
    products: list[dict[str, object]] = []
    token = ""
    while not products or token:
        page = http.get("/v1/products", params={"page_size": "30", **({"page_token": token} if token else {})}).json()
        products += page["products"]
        token = page["next_page_token"]
    ids = [str(product["id"]) for product in products]
    if paths is None:
        answers = [
            http.post("/v1/render-urls", json={"product_ids": [one], "pose": POSE, "w": 200}).json() for one in ids
        ]
        paths = {
            one: "/v1" + answer["links"][0]["url"].partition("/v1")[2] for one, answer in zip(ids, answers, strict=True)
        }
    pictures = {one: got(render(http, pose=POSE, product_id=one)).content for one in ids}
    links = {}
    with httpx.Client(base_url=http.base_url, timeout=http.timeout) as browser:  # a link needs no key
        for one, path in paths.items():
            answer = got(browser.get(path))
            links[one] = path, answer.headers["ETag"], answer.content
            assert browser.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    photos = {one: got(http.get(f"/v1/products/{one}/photos/0")).content for one in ids}
    return Shown(products, photos, pictures, links)  # type: ignore[arg-type]


def got(answer: httpx.Response) -> httpx.Response:
    assert answer.status_code == 200, answer.text
    return answer


def fill(service: Service, key: str, products: int) -> None:
    """Every fourth has a second photo, which the next one has as well, and every fifth is changed later."""
    with service.http(key) as http:
        for number in range(products):
            photos = [card(number), card(number + 1)] if number % 4 == 0 else [card(number)]
            put_product(http, f"card-{number:03}", *photos)
        time.sleep(1.1)  # times are kept in whole seconds, and some are to differ
        for number in range(0, products, 5):
            put_product(http, f"card-{number:03}", card(number))


@pytest.mark.soak
@pytest.mark.parametrize("products", [pytest.param(8, id="short"), pytest.param(100, id="long")])
def test_backup_wipe_and_restore_under_load(folder: Path, products: int) -> None:
    backup, secrets = folder / "backup.zip", folder / "secrets.json"
    shopper = encode(draw_figure("hand_on_hip", OUTFITS["striped_long"], SIZE, seed=1).photo, "jpeg")
    loose = card(products + 7)
    with serving(folder) as service:
        key, other = service.key(), service.key(store="busy")
        fill(service, key, products)
        with service.http(key) as http:
            before = look(http)
            pose = http.post("/v1/poses", files=form(shopper=shopper)).json()["pose"]

        def rendering(http: httpx.Client) -> httpx.Response:
            return render(http, pose=pose, product_id="card-001")

        def changing(http: httpx.Client) -> httpx.Response:  # of another shop, and of a photo that goes each time
            put_product(http, "now-and-then", loose)
            return http.delete("/v1/products/now-and-then")

        with load(service, key, rendering) as good, load(service, other, changing) as changes:
            said = tryon(service, "backup", backup, "--secrets", secrets)
            tryon(service, "verify", backup)
    assert f"{products} product" in said or f"{products + 1} products" in said, said
    assert set(good) == {200}
    assert set(changes) == {204}
    shutil.rmtree(service.data)  # products, keys, secrets, analyses: everything

    with serving(folder) as service:
        new = service.key(store="other")
        with load(service, new, *[lambda http: render(http, shopper=shopper, product=loose)] * CALLERS) as meanwhile:
            tryon(service, "restore", backup, "--secrets", secrets)
        assert set(meanwhile) == {200}
    with (
        serving(folder) as service,
        load(service, new, lambda http: render(http, shopper=shopper, product=loose)) as later,
        service.http(key) as http,
    ):
        after = look(http, {one: path for one, (path, _, _) in before.links.items()})
    assert set(later) == {200}
    assert after.products == before.products
    assert len(before.products) == products
    assert after.photos == before.photos
    assert [one for one in before.pictures if after.pictures[one] != before.pictures[one]] == []
    assert after.links == before.links
