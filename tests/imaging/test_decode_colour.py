from __future__ import annotations

import numpy as np
import pytest
from image_builders import (
    ADOBE_RGB,
    DISPLAY_P3,
    SRGB,
    cmyk_profile,
    difference,
    file_of,
    grey_profile,
    matrix_profile,
    smooth,
    srgb_of,
)
from PIL import Image

from tryon_service.imaging.decode import decode
from tryon_service.types import UInt8Array

COLOURS = [(200, 100, 100), (110, 150, 100), (60, 70, 180), (128, 128, 128), (255, 255, 255), (0, 0, 0)]


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("primaries", [ADOBE_RGB, DISPLAY_P3], ids=["Adobe RGB", "Display P3"])
@pytest.mark.parametrize("colour", COLOURS)
def test_profiles_lead_to_srgb(
    image_format: str, primaries: tuple[tuple[float, float, float], ...], colour: tuple[int, int, int]
) -> None:
    options = {"JPEG": {"quality": 100}, "PNG": {}, "WEBP": {"lossless": True}}[image_format]
    flat = np.full((160, 160, 3), colour, np.uint8)
    data = file_of(flat, image_format, icc_profile=matrix_profile(primaries, 2.2), **options)
    expected = srgb_of(colour, primaries, round(2.2 * 256) / 256)
    assert difference(decode(data).rgb, expected) <= 3
    assert difference(decode(data, max_side=130).rgb, expected) <= 3


def test_srgb_profile_changes_nothing() -> None:
    curve = matrix_profile(SRGB, 2.2)
    data = file_of(smooth(), "PNG", icc_profile=curve)
    assert difference(decode(data).rgb, smooth()) <= 12, "gamma 2.2 is only near sRGB's curve"
    from PIL import ImageCms

    exact = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert (decode(file_of(smooth(), "PNG", icc_profile=exact)).rgb == smooth()).all()


def test_transparency_with_a_profile() -> None:
    rgba = np.dstack((np.full((160, 160, 3), (200, 100, 100), np.uint8), np.zeros((160, 160), np.uint8)))
    rgba[:, 80:, 3] = 255
    rgb = decode(file_of(rgba, "PNG", icc_profile=matrix_profile(ADOBE_RGB))).rgb
    assert (rgb[:, :80] == 255).all()
    assert difference(rgb[:, 80:], srgb_of((200, 100, 100), ADOBE_RGB, 2.2)) <= 3


def test_grey_profile() -> None:
    flat = np.full((160, 160), 100, np.uint8)
    linear = (100 / 255) ** 1.0
    expected = round(255 * (1.055 * linear ** (1 / 2.4) - 0.055))
    rgb = decode(file_of(flat, "JPEG", quality=100, icc_profile=grey_profile(1.0))).rgb
    assert difference(rgb, np.full_like(rgb, expected)) <= 2


@pytest.mark.parametrize("profile", [matrix_profile(ADOBE_RGB), grey_profile(1.8), b"nonsense" * 40])
def test_a_profile_for_another_kind_of_picture_is_ignored(profile: bytes) -> None:
    grey, colour = smooth()[:, :, 0], smooth()
    if profile[16:20] != b"GRAY":
        assert (decode(file_of(grey, "PNG", icc_profile=profile)).rgb == grey[:, :, None]).all()
    if profile[16:20] != b"RGB ":
        assert (decode(file_of(colour, "PNG", icc_profile=profile)).rgb == colour).all()


def cmyk_quadrants() -> Image.Image:
    """Cyan, magenta / yellow, no ink."""
    inks = np.zeros((160, 160, 4), np.uint8)
    inks[:80, :80, 0] = inks[:80, 80:, 1] = inks[80:, :80, 2] = 255
    return Image.fromarray(inks, "CMYK")


def assert_cmyk_quadrants(rgb: UInt8Array) -> None:
    quarter = rgb.shape[0] // 4
    centres = rgb[quarter :: 2 * quarter, quarter :: 2 * quarter][:2, :2]
    assert difference(centres, np.array([[(0, 255, 255), (255, 0, 255)], [(255, 255, 0), (255, 255, 255)]])) <= 4


def test_cmyk_as_adobe_writes_it_inverted() -> None:
    data = file_of(cmyk_quadrants(), "JPEG", quality=95)
    assert b"Adobe" in data
    assert_cmyk_quadrants(decode(data).rgb)
    assert_cmyk_quadrants(decode(data, max_side=130).rgb)


def test_cmyk_without_adobes_marker_is_not_inverted() -> None:
    inverted = Image.fromarray(255 - np.asarray(cmyk_quadrants()), "CMYK")
    data = file_of(inverted, "JPEG", quality=95)
    at = data.index(b"\xff\xee")
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    assert_cmyk_quadrants(decode(data[:at] + data[at + 2 + length :]).rgb)


def test_cmyk_profile_is_used() -> None:
    rgb = decode(file_of(cmyk_quadrants(), "JPEG", quality=95, icc_profile=cmyk_profile())).rgb
    assert difference(rgb[120, 120], np.array((255, 255, 255))) <= 3
    assert np.ptp(rgb[40, 40].astype(int)) <= 3, "one cyan ink is a neutral grey to this profile"
    assert 150 < rgb[40, 40].mean() < 210
