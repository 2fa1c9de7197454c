"""More than a hundred hostile files as every photo that a caller can send: each is refused as the caller's mistake."""

from __future__ import annotations

import httpx
import pytest
from corpus.hostile_more import committed, more
from real_service import Service, form, memory, render

from tryon_service.errors import CODES

MOST_GROWTH = 200.0
"""MB by which the peak memory of a process of the service may grow over all of it."""


@pytest.fixture(scope="module")
def hostile() -> dict[str, bytes]:
    return {**committed(), **more()}


def test_there_are_enough(hostile: dict[str, bytes]) -> None:
    assert len(hostile) >= 100
    assert hostile["5000_scans.jpg"] == more()["5000_scans.jpg"], "always the same"


def test_every_one_is_a_mistake_of_the_callers(
    service: Service, http: httpx.Client, product: str, shopper: bytes, hostile: dict[str, bytes],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert render(http, shopper=shopper, product_id=product).status_code == 200  # whatever is loaded late is loaded now
    people = {role: service.pids(role) for role in ("engine", "worker", "gateway")}
    before = {pid: memory(pid, "VmHWM") for pids in people.values() for pid in pids}
    wrong = []
    for name, data in hostile.items():
        for answer in (
            render(http, shopper=data, product_id=product),
            render(http, shopper=shopper, product=data),
            http.post("/v1/poses", files=form(shopper=data)),
        ):
            problem = answer.json() if answer.status_code != 200 else {}
            if not (400 <= answer.status_code < 500) or CODES[problem["code"]].http != answer.status_code:
                wrong.append((name, answer.request.url.path, answer.status_code, problem.get("code")))
    assert wrong == []
    assert people == {role: service.pids(role) for role in people}, "nobody had to be replaced"
    growth = max(memory(pid, "VmHWM") - peak for pid, peak in before.items())
    with capsys.disabled():
        print(f"\n{len(hostile)} hostile files: peak memory grew by {growth:.0f} MB")
    assert growth < MOST_GROWTH
    assert render(http, shopper=shopper, product_id=product).status_code == 200


def test_cards_of_hostile_photos(http: httpx.Client, hostile: dict[str, bytes]) -> None:
    """A photo that can be read is kept with the reasons why it can't be used, and no picture is ever made of it."""
    odd = [data for name, data in hostile.items() if name.startswith(("png_", "cmyk", "turned", "two_in"))]
    for data in odd:
        parts = form(photos=data, rights_confirmed="true", rights_reference="r")
        answer = http.put("/v1/products/hostile", files=parts)
        if answer.status_code in (200, 201):
            assert [reason["code"] for reason in answer.json()["photos"][0]["reasons"]]
            assert render(http, pose="name:standing", product_id="hostile").status_code == 422
            assert http.delete("/v1/products/hostile").status_code == 204
        else:
            assert 400 <= answer.status_code < 500
            assert http.get("/v1/products/hostile").status_code == 404
