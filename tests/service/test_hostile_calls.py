"""More than a hundred hostile files as every photo that a caller can send: each is refused as the caller's mistake."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import httpx
import pytest
from corpus.hostile_more import committed, costly, more
from real_service import Service, form, memory, render

from tryon_service.errors import CODES, InputError
from tryon_service.imaging.decode import decode

MOST_GROWTH = 200.0
"""MB by which the peak memory of a process of the service may grow over all of it."""


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return {**committed(), **more()}


@pytest.fixture(scope="module")
def hostile(files: dict[str, bytes]) -> dict[str, bytes]:
    """Without the few that are merely odd and show the drawing of a person; see tests/imaging/test_hostile.py."""
    return {name: data for name, data in files.items() if name not in committed() or not _readable(data)}


def _readable(data: bytes) -> bool:
    try:
        decode(data)
    except InputError:
        return False
    return True


def test_there_are_enough(hostile: dict[str, bytes]) -> None:
    assert len(hostile) >= 100
    assert hostile["5000_scans.jpg"] == more()["5000_scans.jpg"], "always the same"


Send = Callable[[bytes], httpx.Response]


def ways(http: httpx.Client, product: str, shopper: bytes) -> list[Send]:
    """Every way to send a photo that isn't kept."""
    return [
        lambda data: render(http, shopper=data, product_id=product),
        lambda data: render(http, shopper=shopper, product=data),
        lambda data: http.post("/v1/poses", files=form(shopper=data)),
    ]


def is_told_so(answer: httpx.Response) -> bool:
    """Whether the answer is a problem document that calls it the caller's mistake."""
    return 400 <= answer.status_code < 500 and CODES[answer.json()["code"]].http == answer.status_code


def send_all(service: Service, sends: Iterable[tuple[str, bytes, Send]], say: Callable[[str], None]) -> None:
    """Nobody answers with anything but a problem document, grows much or has to be replaced."""
    people = {role: service.pids(role) for role in ("engine", "worker", "gateway")}
    before = {pid: memory(pid, "VmHWM") for pids in people.values() for pid in pids}
    answers = [(name, send(data)) for name, data, send in sends]
    assert [(name, answer.status_code, answer.text[:200]) for name, answer in answers if not is_told_so(answer)] == []
    assert people == {role: service.pids(role) for role in people}, "nobody had to be replaced"
    growth = max(memory(pid, "VmHWM") - peak for pid, peak in before.items())
    slowest = max(answers, key=lambda one: one[1].elapsed)
    say(
        f"{len(answers)} hostile photos: peak memory grew by {growth:.0f} MB; "
        f"{slowest[0]} took the longest, {slowest[1].elapsed.total_seconds():.1f} s"
    )
    assert growth < MOST_GROWTH


def test_each_is_the_callers_mistake(
    service: Service,
    http: httpx.Client,
    product: str,
    shopper: bytes,
    hostile: dict[str, bytes],
    say: Callable[[str], None],
) -> None:
    assert render(http, shopper=shopper, product_id=product).status_code == 200  # whatever is loaded late is loaded now
    turns = itertools.cycle(ways(http, product, shopper))
    send_all(service, [(name, data, next(turns)) for name, data in hostile.items()], say)
    assert render(http, shopper=shopper, product_id=product).status_code == 200


@pytest.mark.load
def test_each_in_every_place_is_the_callers_mistake(
    service: Service,
    http: httpx.Client,
    product: str,
    shopper: bytes,
    hostile: dict[str, bytes],
    say: Callable[[str], None],
) -> None:
    everywhere = itertools.product(hostile.items(), ways(http, product, shopper))
    send_all(service, [(name, data, send) for (name, data), send in everywhere], say)


def test_odd_photos_of_somebody_are_no_trouble(
    http: httpx.Client, product: str, files: dict[str, bytes], hostile: dict[str, bytes]
) -> None:
    odd = {name: data for name, data in files.items() if name not in hostile}
    assert odd
    for name, data in odd.items():
        answer = render(http, shopper=data, product_id=product)
        assert answer.status_code == 200 or is_told_so(answer), name


def test_the_largest_that_are_let_in(
    service: Service, http: httpx.Client, product: str, say: Callable[[str], None]
) -> None:
    """Photos as large as the limits allow their kinds to be: the worker bears them and goes on."""
    send = lambda data: render(http, shopper=data, product_id=product)  # noqa: E731 - as in ways()
    send_all(service, [(name, data, send) for name, data in costly().items()], say)


def test_cards_of_hostile_photos(http: httpx.Client, hostile: dict[str, bytes]) -> None:
    """A card of which no photo can be used is not kept."""
    for name in ("grey_16_bit.png", "cmyk.jpg", "turned.jpg", "two_in_one.jpg", "png_cut.png", "archive.jpg"):
        parts = form(photos=hostile[name], rights_confirmed="true", rights_reference="r")
        answer = http.put("/v1/products/hostile", files=parts)
        assert is_told_so(answer), (name, answer.text)
        assert http.get("/v1/products/hostile").status_code == 404
