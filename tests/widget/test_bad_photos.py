"""Photos that won't do: each is told so in words that help, another one is a click away, and nothing of it stays."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import odd_photos
import pytest
from open_shop import OpenShop, Visit
from PIL import Image
from steps import Shopper, expect, left_on_server

from tryon_service.figures import Figure
from tryon_service.imaging.encode import encode

pytestmark = pytest.mark.browser

UPLOADS = """() => {
const send = XMLHttpRequest.prototype.send;
XMLHttpRequest.prototype.send = function (form) {
  const reader = new FileReader();
  reader.onload = () => noteUpload(reader.result.split(",")[1]);
  reader.readAsDataURL(form.get("shopper"));
  send.call(this, form);
};
}"""
"""Tells what leaves the page."""


@pytest.fixture(autouse=True)
def nothing_stays(shop: OpenShop) -> Iterator[None]:
    """Neither a refused photo nor a pose leaves a file or a product on the server."""
    before = left_on_server(shop)
    yield
    assert left_on_server(shop) == before


@pytest.fixture
def at_choice(open_page: Callable[..., Visit]) -> Shopper:
    shopper = Shopper(open_page("/p/star-tee"))
    shopper.open()
    return shopper


def test_what_is_no_photo_is_refused_before_it_is_sent(
    at_choice: Shopper, figure: Figure, shopper: bytes, tmp_path: Path
) -> None:
    files: list[tuple[str, bytes, str, dict[str, object]]] = [
        ("empty.jpg", b"", "empty", {}),
        ("letter.jpg", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(3000), "format", {"format": "PDF"}),
        ("dance.jpg", b"GIF89a" + bytes(3000), "format", {"format": "GIF"}),
        ("film.jpg", b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(3000), "format", {"format": "MP4"}),
        ("notes.jpg", b"milk, bread, and a new shirt", "not_an_image", {}),
        ("IMG_0001.heic", odd_photos.heic_of(figure), "heic", {}),
        ("preview.jpg", odd_photos.small(figure), "image_too_small", {}),
        ("broken.jpg", b"\xff\xd8\xff\xe0" + bytes(300), "truncated_image", {}),
        ("scan.jpg", shopper + bytes(25_000_001 - len(shopper)), "too_many_bytes", {"limit": 25}),
    ]
    for name, data, code, values in files:
        (tmp_path / name).write_bytes(data)
        at_choice.choose(tmp_path / name)
        at_choice.sees(f"refusal.{code}", **values)
        at_choice.at("refusal.title")
        expect(at_choice.button("refusal.another")).to_be_visible()
        assert at_choice.visit.details("tryon:refused")[-1] == {"product": "star-tee", "codes": [code]}
    assert [url for url in at_choice.visit.requests if url.endswith("/v1/poses")] == []
    at_choice.find_pose(shopper)
    assert at_choice.visit.complaints == []


def test_who_cannot_be_made_out_is_told_why(at_choice: Shopper, shopper: bytes) -> None:
    photos = {
        "no_person": [odd_photos.landscape(), odd_photos.childs_drawing()],
        "several_people": [odd_photos.crowd()],
        "person_too_small": [odd_photos.far_away()],
    }
    for code, pictures in photos.items():
        for picture in pictures:
            at_choice.choose(encode(picture, "jpeg"))
            at_choice.sees(f"refusal.{code}")
            at_choice.at("refusal.title")
            assert at_choice.visit.details("tryon:refused")[-1] == {"product": "star-tee", "codes": [code]}
            at_choice.press("dialog.back")
            at_choice.at("choose.title")
    at_choice.find_pose(shopper)


def test_a_phone_photo_of_40_megapixels_is_sent_small_upright_and_without_its_metadata(
    open_page: Callable[..., Visit], figure: Figure
) -> None:
    photo = odd_photos.phone_photo(figure, (5480, 7308))
    assert b"Phone of Ann" in photo
    shopper = Shopper(open_page("/p/star-tee"))
    sent: list[bytes] = []
    shopper.page.expose_function("noteUpload", lambda text: sent.append(base64.b64decode(text)))
    shopper.page.evaluate(UPLOADS)
    shopper.open()
    with shopper.page.expect_response("**/v1/poses") as waiting:
        shopper.find_pose(photo)
    (upload,) = sent
    picture = Image.open(io.BytesIO(upload))
    assert picture.format == "JPEG"
    assert picture.size == (1200, 1600)
    assert b"Exif" not in upload
    assert picture.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "icc_profile"}
    nose, *_ = json.loads(waiting.value.body())["keypoints_coco18"]
    scale = 1600 / figure.matte.shape[0]
    assert nose[:2] == pytest.approx(figure.keypoints.xy[0] * scale, abs=0.04 * 1600)
