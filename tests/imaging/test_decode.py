from __future__ import annotations

import hashlib
import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from image_builders import (
    DISPLAY_P3,
    difference,
    exif_block,
    file_of,
    matrix_profile,
    quadrants,
    smooth,
)
from PIL import Image, ImageOps

from tryon_service.imaging.decode import decode
from tryon_service.types import Credit

PHOTOS = Path(__file__).parents[3] / "shared" / "data" / "ccp" / "photos"


@pytest.mark.parametrize(
    ("image_format", "options", "tolerance"),
    [
        ("PNG", {}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("WEBP", {"quality": 95}, 12),
        ("JPEG", {"quality": 95}, 6),
        ("JPEG", {"quality": 95, "progressive": True}, 6),
    ],
)
def test_pixels_of_each_format(image_format: str, options: dict[str, object], tolerance: int) -> None:
    data = file_of(smooth(), image_format, **options)
    photo = decode(data)
    assert photo.rgb.dtype == np.uint8
    assert photo.rgb.flags.c_contiguous
    assert photo.rgb.flags.writeable
    assert photo.size == (160, 200)
    assert photo.digest == hashlib.sha256(data).hexdigest()
    assert photo.credit == Credit()
    assert difference(photo.rgb, smooth()) <= tolerance


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_undone(image_format: str, orientation: int) -> None:
    options = {"lossless": True} if image_format == "WEBP" else {}
    data = file_of(quadrants(160, 208), image_format, exif=exif_block(orientation), **options)
    photo = decode(data)
    with Image.open(io.BytesIO(data)) as image:
        truth = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert photo.rgb.shape == truth.shape
    assert photo.size == (truth.shape[1], truth.shape[0])
    assert difference(photo.rgb, truth) <= 1


# --- Modes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("image_format", ["PNG", "WEBP"])
def test_transparency_is_laid_over_white(image_format: str) -> None:
    rgba = np.dstack((smooth(), np.tile(np.linspace(0, 255, 160).astype(np.uint8), (200, 1))))
    options = {"lossless": True, "exact": True} if image_format == "WEBP" else {}
    share = rgba[:, :, 3:] / 255
    expected = np.rint(rgba[:, :, :3] * share + 255 * (1 - share)).astype(np.uint8)
    assert difference(decode(file_of(rgba, image_format, **options)).rgb, expected) <= 1


def test_transparent_pixels_do_not_tint_their_neighbours_when_reduced() -> None:
    rgba = np.zeros((400, 400, 4), np.uint8)
    rgba[:, ::2] = (250, 250, 250, 255)
    assert decode(file_of(rgba, "PNG"), max_side=200).rgb.min() >= 250


def test_grey_with_and_without_alpha() -> None:
    grey = smooth()[:, :, 0]
    assert (decode(file_of(grey, "PNG")).rgb == grey[:, :, None]).all()
    assert difference(decode(file_of(grey, "JPEG", quality=95)).rgb, np.dstack([grey] * 3)) <= 4
    half = Image.merge("LA", (Image.fromarray(grey), Image.new("L", (160, 200), 0)))
    assert (decode(file_of(half, "PNG")).rgb == 255).all()


def test_one_bit() -> None:
    picture = Image.fromarray(smooth()[:, :, 0] > 120)
    assert set(np.unique(decode(file_of(picture, "PNG")).rgb)) == {0, 255}


@pytest.mark.parametrize("transparent", [False, True])
def test_palette(transparent: bool) -> None:
    picture = Image.fromarray(quadrants()).quantize(4)
    expected = np.asarray(picture.convert("RGB")).copy()
    if transparent:
        index = int(np.asarray(picture)[0, 0])
        expected[:100, :80] = 255
        data = file_of(picture, "PNG", transparency=index)
    else:
        data = file_of(picture, "PNG")
    assert (decode(data).rgb == expected).all()


def test_one_colour_declared_transparent() -> None:
    data = file_of(Image.fromarray(quadrants()), "PNG", transparency=(200, 30, 40))
    expected = quadrants()
    expected[:100, :80] = 255
    assert (decode(data).rgb == expected).all()


@pytest.mark.parametrize(("channels", "colour"), [(1, 0), (3, 2), (4, 6), (2, 4)])
def test_sixteen_bit_png(channels: int, colour: int) -> None:
    samples = np.repeat(np.linspace(0, 65535, 160 * 200).reshape(200, 160, 1), channels, axis=2).astype(">u2")
    if channels in (2, 4):
        samples[:, :, -1] = 65535
    rows = b"".join(b"\0" + row.tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", 160, 200, 16, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    assert difference(decode(data).rgb, np.rint(samples[:, :, :1] / 257).astype(np.uint8)) <= 1


# --- Reduction ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("max_side", [200, 333, 640, 1000])
def test_reduced_equals_full_then_averaged(image_format: str, max_side: int) -> None:
    data = file_of(smooth(900, 1200), image_format, exif=exif_block(6), quality=95)
    photo = decode(data, max_side=max_side)
    size = (max_side, round(900 * max_side / 1200))
    assert photo.rgb.shape == (size[1], size[0], 3)
    assert photo.size == (1200, 900)
    assert photo.reduction == pytest.approx(1200 / max_side)
    expected = cv2.resize(decode(data).rgb, size, interpolation=cv2.INTER_AREA)
    assert np.abs(photo.rgb.astype(int) - expected).mean() < 1.0


def test_never_enlarged() -> None:
    photo = decode(file_of(smooth(), "JPEG"), max_side=5000)
    assert photo.rgb.shape == (200, 160, 3)


def test_reduction_keeps_its_place() -> None:
    """The centre of mass of a white disc must land where the pixel-centre convention says."""
    picture = np.zeros((1200, 900, 3), np.uint8)
    cv2.circle(picture, (333, 777), 100, (255, 255, 255), -1)
    photo = decode(file_of(picture, "JPEG", quality=95), max_side=290)
    y, x = np.indices(photo.rgb.shape[:2])
    weight = photo.rgb[:, :, 0].astype(float)
    assert (x * weight).sum() / weight.sum() == pytest.approx((333 + 0.5) * photo.rgb.shape[1] / 900 - 0.5, abs=0.1)
    assert (y * weight).sum() / weight.sum() == pytest.approx((777 + 0.5) * photo.rgb.shape[0] / 1200 - 0.5, abs=0.1)


def test_same_bytes_same_pixels() -> None:
    data = file_of(smooth(900, 1200), "JPEG", icc_profile=matrix_profile(DISPLAY_P3))
    assert (decode(data, max_side=500).rgb == decode(data, max_side=500).rgb).all()
