from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_builders import (
    difference,
    exif_block,
    file_of,
    jpeg_segment,
    quadrants,
    smooth,
    with_segments,
)
from PIL import Image, ImageOps

from tryon_service.errors import InputError
from tryon_service.imaging.decode import decode
from tryon_service.types import Credit

PHOTOS = Path(__file__).parents[3] / "shared" / "data" / "ccp" / "photos"


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_cut_anywhere_is_an_error_of_ours(image_format: str) -> None:
    data = file_of(quadrants(), image_format, exif=exif_block(6), progressive=True)
    for length in range(0, len(data), max(1, len(data) // 150)):
        with pytest.raises(InputError) as caught:
            decode(data[:length], "shopper")
        assert caught.value.field == "shopper"
        expected = {"truncated_image"} if length >= 12 else {"truncated_image", "not_an_image"}
        assert caught.value.code in expected


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    image_format=st.sampled_from(["JPEG", "PNG", "WEBP"]),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=20),
    max_side=st.sampled_from([None, 100]),
)
def test_damage_gives_a_picture_or_an_error_of_ours(
    image_format: str, changes: list[tuple[float, int]], max_side: int | None
) -> None:
    data = bytearray(file_of(smooth(), image_format, exif=exif_block(3, artist="Ann")))
    for place, value in changes:
        data[int(place**2 * len(data))] = value
    with contextlib.suppress(InputError):
        assert decode(bytes(data), "shopper", max_side).rgb.ndim == 3


def test_a_multi_picture_jpeg_is_its_first_picture() -> None:
    """Phones append depth and gain maps behind the photo, announced by an MPF block."""
    mpf = jpeg_segment(0xE2, b"MPF\0II*\0" + bytes(60))
    data = with_segments(file_of(smooth(), "JPEG", quality=95), mpf) + file_of(quadrants(), "JPEG")
    assert difference(decode(data).rgb, smooth()) <= 6


def test_credit_is_read() -> None:
    data = file_of(smooth(), "JPEG", exif=exif_block(1, artist="Ann Example", copyright_="(c) Ann"))
    assert decode(data).credit == Credit("Ann Example", "(c) Ann", "")


def test_heic() -> None:
    heif = pytest.importorskip("pillow_heif", reason="the heic extra is not installed")
    file = io.BytesIO()
    heif.from_pillow(Image.fromarray(smooth(160, 208))).save(file, quality=95, exif=exif_block(1, artist="Ann"))
    photo = decode(file.getvalue())
    assert photo.size == (160, 208)
    assert np.abs(photo.rgb.astype(int) - smooth(160, 208)).mean() < 3
    assert photo.credit.creator == "Ann"
    with pytest.raises(InputError) as caught:
        decode(file.getvalue()[:-300])
    assert caught.value.code == "truncated_image"


def test_real_photos() -> None:
    if not PHOTOS.is_dir():
        pytest.skip("no photos in ../shared/data")
    for path in sorted(PHOTOS.iterdir())[:20]:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            truth = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
            plain = not image.info.get("icc_profile")
        photo = decode(data)
        assert photo.rgb.shape == truth.shape
        if plain:
            assert (photo.rgb == truth).all()
