"""Every state that the widget can be in, one after the other, on a page of a running shop.

for name in flow_states(visit, "en", photo):
    visit.page.screenshot(path=f"{name}.png")

Each yields as soon as the state is there, and keeps it until the next one is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from tests.widget.open_shop import Visit
from tests.widget.steps import Shopper, expect
from tryon_service.imaging.encode import encode

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

POSES, RENDERS, FLOW = "**/v1/poses", "**/v1/renders", "**/flow.js*"
"""Calls of the service."""
DROP_NOTHING = "dispatchEvent(new DragEvent('drop', { dataTransfer: new DataTransfer() }))"
"""As a text dragged here by mistake."""
SEVERAL = [
    {"code": "body_cropped", "photo": "shopper", "part": "left_ankle"},
    {"code": "body_cropped", "photo": "shopper", "part": "right_knee"},
    {"code": "joint_hidden", "photo": "shopper", "part": "left_wrist"},
    {"code": "low_light", "photo": "shopper", "part": ""},
]
OF_PRODUCT = [{"code": "limb_behind_body", "photo": "product", "part": "left_arm"}]
"""Reasons of refusals."""


def flow_states(visit: Visit, language: str, photo: bytes) -> Iterator[str]:
    """On a product's page, from the first click to the picture and the ways out. photo: of a shopper whom the product
    fits."""
    shopper = Shopper(visit, language=language)
    yield from _before(shopper)
    yield from _camera(shopper)
    yield from _refusals(shopper, photo)
    yield from _failures(shopper, photo)
    yield from _to_the_picture(shopper, photo)
    yield from _with_the_picture(shopper)
    yield from _elsewhere(shopper)


def _before(shopper: Shopper) -> Iterator[str]:
    page, notice = shopper.page, shopper.page.locator("try-on-card [part=notice], try-on-card .notice")
    with answered(page, FLOW, lambda route: route.abort()):
        shopper.click_card()
        expect(notice).to_have_text(shopper.say("card.failed"))
        yield "card-failed"
    shopper.click_card()
    shopper.at("consent.title")
    yield "consent"
    shopper.press("consent.agree")
    shopper.at("choose.title")
    yield "choose"
    page.evaluate(DROP_NOTHING)
    expect(page.get_by_role("status").get_by_text(shopper.say("choose.nothing"))).to_be_attached()
    yield "choose-nothing"


def _camera(shopper: Shopper) -> Iterator[str]:
    page = shopper.page
    shopper.press("choose.camera")  # a browser without a window denies what nobody has allowed
    shopper.at("camera.trouble")
    yield "camera-denied"
    page.context.grant_permissions(["camera"])
    shopper.press("camera.again")
    expect(page.get_by_role("button", name=shopper.say("camera.take"))).to_be_enabled()
    expect(page.locator(".outline")).to_be_attached()
    yield "camera"
    shopper.press("camera.take")
    expect(page.locator(".digits")).to_have_text("9")
    yield "camera-countdown"
    shopper.press("camera.stop")
    page.context.clear_permissions()
    shopper.press("dialog.back")
    shopper.at("choose.title")


def _refusals(shopper: Shopper, photo: bytes) -> Iterator[str]:
    page = shopper.page
    shopper.choose(b"%PDF-1.7 ...")
    shopper.at("refusal.title")
    yield "refusal-file"
    shopper.choose(nobody())
    shopper.at("refusal.title")
    yield "refusal-nobody"
    with answered(page, POSES, problem(422, "body_cropped", SEVERAL)):
        shopper.press("dialog.back")
        shopper.choose(photo)
        shopper.at("refusal.title")
        yield "refusal-several"
    shopper.press("dialog.back")


def _failures(shopper: Shopper, photo: bytes) -> Iterator[str]:
    page = shopper.page
    for name, answer, key in (
        ("failure-offline", lambda route: route.abort(), "failure.offline"),
        ("failure-busy", problem(429, "overloaded"), "failure.busy"),
        ("failure-internal", problem(500, "internal"), "failure.title"),
        ("failure-expired", problem(401, "unauthorized"), "failure.expired"),
    ):
        with answered(page, POSES, answer):
            shopper.choose(photo)
            shopper.at(key)
            yield name
        shopper.press("dialog.back")
        shopper.at("choose.title")


def _to_the_picture(shopper: Shopper, photo: bytes) -> Iterator[str]:
    page = shopper.page
    with held(page, POSES):
        shopper.choose(photo)
        expect(page.get_by_role("img", name=shopper.say("upload.photo"))).to_be_visible()
        yield "upload"
    shopper.at("pose.title")
    yield "pose"
    shopper.press("dialog.back")
    with answered(page, POSES, with_doubts):
        shopper.choose(photo)
        shopper.at("pose.title")
        yield "pose-doubts"
    with answered(page, RENDERS, problem(422, "limb_behind_body", OF_PRODUCT)):
        shopper.press("pose.use")
        shopper.at("refusal.title.product")
        yield "refusal-product"
    with held(page, RENDERS):
        shopper.choose(photo)
        shopper.at("pose.title")
        shopper.press("pose.use")
        shopper.at("render.title")
        yield "render"
    shopper.at("result.title")
    shown(page)
    yield "result"


def _with_the_picture(shopper: Shopper) -> Iterator[str]:
    page = shopper.page
    page.get_by_role("button", name=shopper.say("result.zoomIn")).click(click_count=3)
    yield "result-zoomed"
    page.get_by_role("button", name=shopper.say("result.zoomOut")).click(click_count=3)
    white, clear = (shopper.say(f"result.background.{name}") for name in ("#ffffff", "transparent"))
    with answered(page, RENDERS, problem(429, "overloaded")):
        page.get_by_role("radio", name=white, exact=True).check(force=True)
        expect(page.get_by_role("alert")).to_have_text(shopper.say("error.overloaded"))
        yield "result-trouble"
    with answered(page, RENDERS, doubtful):
        page.get_by_role("radio", name=clear, exact=True).check(force=True)
        expect(page.get_by_text(shopper.say("result.doubtful"))).to_be_visible()
        shown(page)
        yield "result-doubtful"
    page.keyboard.press("Escape")
    expect(page.locator("try-on-card .label")).to_be_visible()
    shown(page)
    yield "card-posed"


def _elsewhere(shopper: Shopper) -> Iterator[str]:
    """The listing in the shopper's pose, and the end of it."""
    visit, page, product = shopper.visit, shopper.page, shopper.page.url
    page.goto(urlsplit(product)._replace(path="/").geturl())
    pictures = page.locator("img[data-tryon-product]")
    visit.events.clear()
    for picture in pictures.all():
        picture.scroll_into_view_if_needed()
        settled = picture.get_attribute("data-tryon-product")
        visit.until(f"an answer for {settled}", lambda: settled in answers(visit))  # noqa: B023 - called at once
    yield "listing-posed"
    page.goto(product)
    shopper.click_card()
    shopper.at("result.title")
    shopper.press("result.forget")
    shopper.at("consent.title")
    yield "forgotten"


def answers(visit: Visit) -> set[object]:
    """Products that the listing has shown in the pose, or has been refused."""
    return {one["product"] for name in ("tryon:rendered", "tryon:refused") for one in visit.details(name)}


def nobody() -> bytes:
    """A photo of nothing, as a JPEG."""
    shades = np.linspace(90, 190, 640, dtype=np.uint8)
    return encode(np.dstack([np.tile(shades, (480, 1))] * 3), "jpeg")


def shown(page: Page) -> None:
    """Wait for the pictures in the dialog and on the card to be decoded; one replaced meanwhile doesn't count."""
    page.evaluate(
        """Promise.all([...document.querySelectorAll("try-on-card")].flatMap((card) => [
          ...card.querySelectorAll("img"), ...card.shadowRoot.querySelectorAll("img"),
        ]).map((img) => img.decode().catch(() => 0)))"""
    )


@contextmanager
def answered(page: Page, calls: str, answer: Any) -> Iterator[None]:
    """Calls get this answer."""
    page.route(calls, answer)
    try:
        yield
    finally:
        page.unroute(calls, answer)


@contextmanager
def held(page: Page, calls: str) -> Iterator[None]:
    """Calls get no answer until the end."""
    from playwright.sync_api import Error

    waiting: list[Route] = []
    with answered(page, calls, lambda route: waiting.append(route)):  # noqa: PLW0108 - the driver marks its handlers
        yield
        for route in waiting:
            with suppress(Error):  # the page doesn't wait for it any more
                route.continue_()


def problem(status: int, code: str, reasons: Sequence[Mapping[str, object]] = ()) -> Any:
    """An answer as the service's problem documents are."""
    body = json.dumps({"code": code, "status": status, "retryable": status != 422, "reasons": reasons})
    headers = {"Access-Control-Allow-Origin": "*", "Content-Type": "application/problem+json"}
    return lambda route: route.fulfill(status=status, headers=headers, body=body)


def with_doubts(route: Route) -> None:
    """The service's own answer, with a foot that it had to guess, of somebody turned to the side."""
    answer = route.fetch()
    found = answer.json()
    found["view"] = "side"
    found["keypoints_coco18"][10][2] = 0
    route.fulfill(response=answer, json=found)


def doubtful(route: Route) -> None:
    """The service's own picture, as one that it doubts."""
    from playwright.sync_api import Error

    answer = route.fetch()
    with suppress(Error):  # one that comes when the state has been left was let through
        route.fulfill(response=answer, headers={**answer.headers, "tryon-verdict": "doubtful"})
