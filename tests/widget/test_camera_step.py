"""The camera: a figure stands before it, and the browser shows that as what it films."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from open_shop import Visit
from steps import Shopper, expect

from tryon_service.figures import Figure
from tryon_service.perception.skeletons import COCO18

pytestmark = pytest.mark.browser

TRACKS = """() => {
const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
window.tracks = [];
navigator.mediaDevices.getUserMedia = async (wanted) => {
  if (window.trouble) throw new DOMException("", window.trouble);
  const stream = await real(wanted);
  window.tracks.push(...stream.getTracks());
  return stream;
};
}"""
"""Notes down every camera that is turned on; window.trouble is the name of an error to fail with."""
HIDE = """Object.defineProperty(document, "hidden", { get: () => true, configurable: true });
document.dispatchEvent(new Event("visibilitychange"));"""


@pytest.fixture
def at_choice(open_page: Callable[..., Visit]) -> Callable[..., Shopper]:
    """at_choice(permissions=["camera"]): a shopper who has agreed and may choose a photo."""

    def go(**options: object) -> Shopper:
        shopper = Shopper(open_page("/p/star-tee", **options))
        shopper.page.evaluate(TRACKS)
        shopper.open()
        return shopper

    return go


def cameras(shopper: Shopper) -> list[str]:
    """ "live" or "ended", of each that was turned on."""
    return list(shopper.page.evaluate("window.tracks.map((track) => track.readyState)"))


def test_by_the_keyboard_to_a_photo_that_is_not_mirrored(at_choice: Callable[..., Shopper], figure: Figure) -> None:
    shopper = at_choice(permissions=["camera"])
    page = shopper.page
    shopper.tab_to(shopper.say("choose.camera"))
    page.keyboard.press("Enter")
    shopper.at("camera.title")
    expect(shopper.button("camera.take")).to_be_enabled()
    video = shopper.dialog.locator("video")
    expect(shopper.dialog.locator(".outline")).to_be_visible()
    assert video.evaluate("video => new DOMMatrix(getComputedStyle(video).transform).a") == -1, "a mirror"
    assert cameras(shopper) == ["live"]

    shopper.tab_to(shopper.say("camera.seconds", seconds=10))
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(shopper.dialog.get_by_role("radio", name=shopper.say("camera.seconds", seconds=3))).to_be_checked()
    shopper.tab_to(shopper.say("camera.take"))
    page.keyboard.press("Enter")
    expect(shopper.dialog.locator(".digits")).to_have_text("2")
    expect(shopper.dialog.get_by_role("status")).to_have_text("2")
    page.keyboard.press("Enter")
    expect(shopper.dialog.locator(".digits")).to_have_text("")
    expect(shopper.button("camera.take")).to_be_enabled()

    with page.expect_response("**/v1/poses") as waiting:
        page.keyboard.press("Enter")
        shopper.at("pose.title")
    found = waiting.value.json()
    height, width = figure.matte.shape
    assert (found["width"], found["height"]) == (width, height)
    for (name, landmarks), (x, y, _) in zip(COCO18[2:8], found["keypoints_coco18"][2:8], strict=True):
        true_x, true_y = figure.keypoints.xy[landmarks[0]]
        assert np.hypot(x - true_x, y - true_y) < 0.05 * height, name
    assert cameras(shopper) == ["ended"]
    page.keyboard.press("Escape")


def test_a_camera_that_is_denied_or_not_there(at_choice: Callable[..., Shopper], shopper: bytes) -> None:
    one = at_choice()
    one.press("choose.camera")
    one.at("camera.trouble")
    one.sees("camera.denied")
    for error, words in (("NotFoundError", "none"), ("NotReadableError", "busy"), ("OverconstrainedError", "none")):
        one.page.evaluate("error => { window.trouble = error; }", error)
        one.press("camera.again")
        one.sees(f"camera.{words}")
    one.page.evaluate("window.trouble = undefined")
    one.page.context.grant_permissions(["camera"])
    one.press("camera.again")
    one.at("camera.title")
    expect(one.button("camera.take")).to_be_enabled()
    one.page.evaluate(HIDE)
    one.at("camera.paused.title")
    assert cameras(one) == ["ended"], "nothing is filmed in a page that nobody looks at"
    one.find_pose(shopper)


@pytest.mark.parametrize("way_out", ["back", "escape"])
def test_the_camera_goes_off_when_it_is_left(way_out: str, at_choice: Callable[..., Shopper]) -> None:
    shopper = at_choice(permissions=["camera"])
    shopper.press("choose.camera")
    expect(shopper.button("camera.take")).to_be_enabled()
    shopper.press("camera.take")
    expect(shopper.dialog.locator(".digits")).to_have_text("10")
    if way_out == "back":
        shopper.press("dialog.back")
        shopper.at("choose.title")
    else:
        shopper.close()
    assert cameras(shopper) == ["ended"]
