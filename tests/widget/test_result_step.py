"""The picture in the dialog: compared, enlarged, on another background, taken along."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from flow_states import answered, problem
from open_shop import Visit
from steps import Shopper, expect

from tryon_service.imaging.decode import decode

pytestmark = pytest.mark.browser

PRODUCT = "star-tee"
SHARING = """navigator.canShare = ({ files }) => files.length === 1;
navigator.share = async ({ files, text }) => { window.shared = { name: files[0].name, size: files[0].size, text }; };"""
CORNER = """(image) => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  return [...context.getImageData(2, 2, 1, 1).data];
}"""
"""Red, green, blue and opacity of a picture near its corner."""


@pytest.fixture
def shopper_at_result(open_page: Callable[..., Visit], kept_pose: str) -> Shopper:
    """With the pose kept before, so that the click leads to the picture."""
    shopper = Shopper(open_page(f"/p/{PRODUCT}", kept_pose, reduced_motion="reduce"))
    shopper.page.add_init_script(SHARING)
    shopper.page.reload()
    shopper.click_card()
    shopper.at("result.title")
    return shopper


def seen(shopper: Shopper) -> np.ndarray:
    """The pair of pictures as it is on the screen, without the labels at its top and the edges."""
    shopper.page.mouse.move(1, 1)
    shopper.page.evaluate("new Promise(requestAnimationFrame)")
    pair = shopper.dialog.locator(".pair")
    pixels = cv2.imdecode(np.frombuffer(pair.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    height, width = pixels.shape[:2]
    return pixels[height // 5 : height * 2 // 5, width // 10 : width * 9 // 10].astype(int)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Mean difference, 0 to 255."""
    return float(np.abs(one - other).mean())


def test_the_slider_moves_by_keys_and_by_pointer(shopper_at_result: Shopper) -> None:
    shopper = shopper_at_result
    slider = shopper.dialog.get_by_role("slider", name=shopper.say("result.slider"))
    expect(shopper.dialog.locator(".before img")).to_be_visible()
    start = int(slider.input_value())
    shopper.tab_to(shopper.say("result.slider"))
    shopper.page.keyboard.press("ArrowRight")
    expect(slider).to_have_value(str(start + 1))
    expect(slider).to_have_attribute("aria-valuetext", shopper.say("result.value", percent=start + 1))

    shopper.page.keyboard.press("End")
    expect(slider).to_have_value("100")
    shop_photo = seen(shopper)
    shopper.page.keyboard.press("Home")
    expect(slider).to_have_value("0")
    in_pose = seen(shopper)
    assert apart(shop_photo, in_pose) > 2, "the two sides are different pictures"

    box = shopper.dialog.locator(".pair").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] * 0.7
    shopper.page.mouse.move(box["x"] + 2, middle)
    shopper.page.mouse.down()
    shopper.page.mouse.move(box["x"] + box["width"] / 2, middle, steps=5)
    shopper.page.mouse.up()
    assert int(slider.input_value()) == pytest.approx(50, abs=1)
    both = seen(shopper)
    third = both.shape[1] // 3
    assert apart(both[:, :third], shop_photo[:, :third]) < 0.5
    assert apart(both[:, -third:], in_pose[:, -third:]) < 0.5


def test_the_picture_is_enlarged_and_moved(shopper_at_result: Shopper) -> None:
    shopper = shopper_at_result
    image = shopper.dialog.locator(".after img")
    pair = shopper.dialog.locator(".pair").bounding_box()
    zoom_in, zoom_out = shopper.button("result.zoomIn"), shopper.button("result.zoomOut")
    width = lambda: image.bounding_box()["width"]  # type: ignore[index] # noqa: E731
    assert width() == pytest.approx(pair["width"], abs=1)  # type: ignore[index]
    expect(zoom_out).to_have_attribute("aria-disabled", "true")

    zoom_in.click()
    once = width()
    assert once > 1.3 * pair["width"]  # type: ignore[index]
    shopper.page.keyboard.press("+")
    assert width() > 1.3 * once
    left = image.bounding_box()["x"]  # type: ignore[index]
    shopper.page.keyboard.press("Shift+ArrowRight")
    assert image.bounding_box()["x"] < left  # type: ignore[index]
    for _ in range(9):
        shopper.page.keyboard.press("+")
    expect(zoom_in).to_have_attribute("aria-disabled", "true")
    shopper.page.keyboard.press("0")
    assert width() == pytest.approx(pair["width"], abs=1)  # type: ignore[index]
    shopper.dialog.locator(".pair").dblclick()
    assert width() > 2 * pair["width"]  # type: ignore[index]


def test_another_background_is_made_once(shopper_at_result: Shopper) -> None:
    shopper = shopper_at_result
    renders: list[str] = []
    shopper.page.on("request", lambda one: one.url.endswith("/v1/renders") and renders.append(one.url))
    image = shopper.dialog.locator(".after img")

    def choose(name: str) -> list[int]:
        before = image.get_attribute("src")
        shopper.dialog.get_by_role("radio", name=shopper.say(f"result.background.{name}"), exact=True).check(force=True)
        shopper.visit.until(f"background {name}", lambda: image.get_attribute("src") != before)
        image.evaluate("image => image.decode()")
        return list(image.evaluate(CORNER))

    assert image.evaluate(CORNER)[3] == 255
    assert min(choose("#ffffff")) >= 253
    assert choose("transparent")[3] == 0
    assert len(renders) == 2
    assert choose("product")[3] == 255
    assert len(renders) == 2, "the first picture is still there"

    with answered(shopper.page, "**/v1/renders", problem(429, "overloaded")):
        warm = shopper.dialog.get_by_role("radio", name=shopper.say("result.background.#f2efe9"))
        warm.check(force=True)
        expect(shopper.dialog.get_by_role("alert")).to_have_text(shopper.say("error.overloaded"))
    own = shopper.dialog.get_by_role("radio", name=shopper.say("result.background.product"))
    expect(own).to_be_checked()
    warm.check(force=True)
    expect(shopper.dialog.get_by_role("alert")).to_have_count(0)


def test_what_is_taken_along_says_that_software_made_it(shopper_at_result: Shopper) -> None:
    shopper = shopper_at_result
    shopper.sees("result.label")
    with shopper.page.expect_download() as waiting:
        shopper.dialog.get_by_role("link", name=shopper.say("result.download")).click()
    saved = waiting.value
    assert saved.suggested_filename.startswith(f"{PRODUCT}-ai-tryon.")
    data = saved.path().read_bytes()
    height, width = decode(data, max_side=4000).rgb.shape[:2]
    assert (width, height) == (768, 1024), "as large as the shop's photo"

    shopper.press("result.share")
    shopper.visit.until("the picture is shared", lambda: shopper.page.evaluate("window.shared"))
    shared = shopper.page.evaluate("window.shared")
    assert shared["name"] == saved.suggested_filename
    assert shared["size"] == len(data)
    assert shared["text"] == f"Star tee. {shopper.say('result.label')}."
