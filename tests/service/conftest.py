"""One running service for all of these tests, with a key, a product and two people in it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from real_service import Service, put_product, running

from tryon_service.errors import ZooError
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.zoo.store import Store

SIZE = (384, 512)
PRODUCT_ID = "print-tee"


@pytest.fixture(scope="session")
def networks() -> None:
    """Skips where there are none: nothing could be served."""
    try:
        Store().manifest  # noqa: B018
    except ZooError as error:
        pytest.skip(f"no networks: {error}")


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Put a figure on the terminal, also where output is captured."""

    def write(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{text}\n")

    return write


@pytest.fixture(scope="session")
def card() -> bytes:
    """A product photo."""
    return encode(draw_figure("standing", OUTFITS["print_tee"], SIZE).photo, "jpeg")


@pytest.fixture(scope="session")
def shopper() -> bytes:
    """Somebody else, with a hand on the hip."""
    return encode(draw_figure("hand_on_hip", OUTFITS["striped_long"], SIZE, seed=1).photo, "jpeg")


@pytest.fixture(scope="session")
def started(networks: None) -> Iterator[Service]:
    with running() as service:
        yield service


@pytest.fixture
def service(started: Service) -> Service:
    """Ready, whatever the test before did to it."""
    started.wait_ready()
    return started


@pytest.fixture(scope="session")
def key(started: Service) -> str:
    return started.key()


@pytest.fixture
def http(service: Service, key: str) -> Iterator[httpx.Client]:
    with service.http(key) as client:
        yield client


@pytest.fixture
def product(http: httpx.Client, card: bytes) -> str:
    """Id of a product that is there."""
    put_product(http, PRODUCT_ID, card)
    return PRODUCT_ID


@pytest.fixture(scope="session")
def real_pair() -> tuple[bytes, bytes]:
    """(shopper, product): two real photos; skips where there are none."""
    folder = Path(__file__).parents[2] / "../shared/data"
    files = folder / "ccp/photos/0613.jpg", folder / "store/photos/mh13_front.jpg"
    if not all(file.is_file() for file in files):
        pytest.skip("no real photos in ../shared/data")
    return files[0].read_bytes(), files[1].read_bytes()
