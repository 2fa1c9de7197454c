"""A slow network, none at all, a server that is gone for a while, a page that is left: nothing hangs, nothing stays."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from flow_states import answered, problem
from open_shop import OpenShop, Visit
from real_service import Service, family
from steps import Shopper, expect, left_on_server

from tryon_service.figures import Figure
from tryon_service.imaging.encode import encode

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Locator

pytestmark = pytest.mark.browser

SLOW = 40_000
"""Bytes a second that leave the page."""
PROMPT = 10.0
"""Seconds for an answer of a service that has nothing else to do."""


@dataclass
class Uploading:
    """shopper: who looks at the progress; devtools: of the page."""

    shopper: Shopper
    devtools: CDPSession

    @property
    def bar(self) -> Locator:
        return self.shopper.dialog.get_by_role("progressbar")

    def network(self, upload: int = -1, *, offline: bool = False) -> None:
        """From now on. upload: bytes a second, -1 for as many as it can."""
        conditions = {"offline": offline, "latency": 20, "downloadThroughput": -1, "uploadThroughput": upload}
        self.devtools.send("Network.emulateNetworkConditions", conditions)


@pytest.fixture(autouse=True)
def nothing_stays(shop: OpenShop) -> Iterator[None]:
    before = left_on_server(shop)
    yield
    assert left_on_server(shop) == before


@pytest.fixture(scope="module")
def grainy(figure: Figure) -> bytes:
    """A photo of some hundred kilobytes, which takes seconds on a slow network."""
    large = cv2.resize(figure.photo, (1200, 1600), interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(1).normal(0, 9, large.shape)
    return encode(np.clip(large + grain, 0, 255).astype(np.uint8), "jpeg")


@pytest.fixture
def uploading(open_page: Callable[..., Visit], grainy: bytes) -> Uploading:
    """A shopper who came from the listing and whose photo is on its slow way."""
    shopper = Shopper(open_page("/"))
    shopper.page.goto(shopper.page.url + "p/star-tee")
    shopper.open()
    uploading = Uploading(shopper, shopper.page.context.new_cdp_session(shopper.page))
    uploading.network(SLOW)
    shopper.choose(grainy)
    shopper.at("upload.title")
    shopper.visit.until("a part of it is sent", lambda: float(uploading.bar.get_attribute("value") or 0) > 0)
    return uploading


def test_progress_is_seen_and_can_be_stopped(uploading: Uploading) -> None:
    shopper, seen = uploading.shopper, set[str | None]()
    shopper.visit.until(
        "three steps of progress",
        lambda: seen.add(uploading.bar.get_attribute("value")) or len(seen - {None}) >= 3,
    )
    expect(shopper.dialog.get_by_text(re.compile(r"^Sending, \d+%$")).first).to_be_visible()
    with shopper.page.expect_event("requestfailed", lambda one: one.url.endswith("/v1/poses")):
        shopper.press("dialog.cancel")
    shopper.at("choose.title")
    assert shopper.visit.details("tryon:error") == []


def test_the_back_button(uploading: Uploading, shop: OpenShop) -> None:
    shopper = uploading.shopper
    shopper.page.go_back()
    shopper.page.wait_for_url(f"{shop.url}/")
    assert shopper.kept.keys() <= {"tryon:consent"}
    uploading.network()
    shopper.page.go_forward()
    expect(shopper.dialog).to_have_count(0)
    shopper.click_card()
    shopper.at("choose.title")


def test_a_page_closed_in_the_middle(uploading: Uploading, shop: OpenShop, shopper: bytes) -> None:
    uploading.shopper.page.close()
    began = time.monotonic()
    with shop.service.http(shop.key) as http:
        assert http.post("/v1/poses", files={"shopper": shopper}).status_code == 200
    assert time.monotonic() - began < PROMPT


def test_a_busy_service_is_asked_again(open_page: Callable[..., Visit], shopper: bytes) -> None:
    one = Shopper(open_page("/p/star-tee"))
    one.open()
    for status, code, title in (
        (429, "overloaded", "failure.busy"),
        (429, "rate_limited", "failure.busy"),
        (504, "deadline_exceeded", "failure.busy"),
        (503, "engine_unavailable", "failure.title"),
        (500, "internal", "failure.title"),
    ):
        with answered(one.page, "**/v1/poses", problem(status, code)):
            one.choose(shopper)
            one.at(title)
            one.sees(f"error.{code}")
            assert one.visit.details("tryon:error")[-1] == {"code": code}
        one.press("dialog.back")
        one.at("choose.title")
    proxy = lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>")  # noqa: E731
    with answered(one.page, "**/v1/poses", proxy):
        one.choose(shopper)
        one.at("failure.title")
        one.sees("error.internal")
    one.press("failure.retry")
    one.at("pose.title")


def test_a_server_that_is_gone_in_the_middle_and_comes_back(
    uploading: Uploading, open_page: Callable[..., Visit], shop: OpenShop
) -> None:
    chosen, late = uploading.shopper, Shopper(open_page("/p/picnic-dress"))
    end(shop.service)
    try:
        chosen.at("failure.offline")
        chosen.sees("error.offline")
        chosen.sees("failure.kept")
        late.click_card()
        expect(late.card.get_by_role("status")).to_have_text(late.say("card.failed"))
    finally:
        shop.service.start("serve")
        shop.service.wait_ready()
    uploading.network(offline=True)
    chosen.press("failure.retry")
    chosen.at("failure.offline")
    uploading.network()
    chosen.press("failure.retry")
    chosen.at("pose.title")
    assert chosen.visit.details("tryon:error") == [{"code": "offline"}] * 2
    late.open()


def end(service: Service) -> None:
    """As by a power cut."""
    for pid in family(service.processes[0].pid):
        with contextlib.suppress(ProcessLookupError):  # it ends with those above it
            os.kill(pid, signal.SIGKILL)
    service.stop()
    service.processes.clear()
