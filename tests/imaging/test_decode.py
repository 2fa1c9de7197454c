from __future__ import annotations

import contextlib
import hashlib
import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_builders import (
    ADOBE_RGB,
    DISPLAY_P3,
    SRGB,
    cmyk_profile,
    exif_block,
    file_of,
    grey_profile,
    jpeg_segment,
    matrix_profile,
    quadrants,
    smooth,
    srgb_of,
    with_segments,
)
from PIL import Image, ImageOps

from tryon_service.errors import InputError
from tryon_service.imaging.decode import decode
from tryon_service.types import Credit, UInt8Array

PHOTOS = Path(__file__).parents[3] / "shared" / "data" / "ccp" / "photos"


def difference(first: UInt8Array, second: UInt8Array) -> int:
    return int(np.abs(first.astype(int) - second).max())


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


# --- Colour -------------------------------------------------------------------------------------------------------

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


def test_60_megapixels_stay_under_500_megabytes() -> None:
    """A progressive 4:4:4 JPEG, the hungriest kind, in a fresh process.

    /proc's high-water mark, not getrusage's, which a child starts with its parent's.
    """
    if not Path("/proc/self/status").exists():
        pytest.skip("peak memory is read from /proc")
    script = (
        "import pathlib, re, sys\n"
        "from tryon_service.imaging.decode import decode\n"
        "photo = decode(sys.stdin.buffer.read(), max_side=1280)\n"
        "assert photo.size == (8940, 6705) and photo.rgb.shape == (960, 1280, 3)\n"
        "print(re.search(r'VmHWM:\\s+(\\d+) kB', pathlib.Path('/proc/self/status').read_text())[1])\n"
    )
    data = file_of(np.full((6705, 8940, 3), 90, np.uint8), "JPEG", progressive=True, subsampling=0)
    run = subprocess.run([sys.executable, "-c", script], input=data, capture_output=True, check=True, timeout=60)
    assert int(run.stdout) < 500_000


# --- Errors and metadata ------------------------------------------------------------------------------------------


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
