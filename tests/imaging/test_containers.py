from __future__ import annotations

import numpy as np
import pytest
from image_builders import exif_block, file_of, jpeg_segment, quadrants, smooth, with_segments
from PIL import Image

from tryon_service.imaging.containers.formats import pixels_only, read_header
from tryon_service.imaging.containers.header import DamagedFileError
from tryon_service.imaging.decode import decode


@pytest.mark.parametrize(
    ("mode", "options", "expected"),
    [
        ("RGB", {}, 0),
        ("RGB", {"progressive": True, "subsampling": 0}, 160 * 208 * 3 * 2),
        ("RGB", {"progressive": True, "subsampling": 2}, 160 * 208 * 3),
        ("L", {"progressive": True}, 160 * 208 * 2),
        ("CMYK", {"progressive": True, "subsampling": 0}, 160 * 208 * 4 * 2),
    ],
)
def test_coefficients_of_a_jpeg(mode: str, options: dict[str, object], expected: int) -> None:
    """Two bytes a sample, in whole blocks: 200 rows are 25 of them, and 13 of twice their height."""
    data = file_of(Image.fromarray(quadrants(160, 208)).convert(mode), "JPEG", **options)
    assert read_header(data, "jpeg").decoder_bytes == expected


def test_blocks_that_reach_beyond_the_picture_count() -> None:
    header = read_header(file_of(quadrants(161, 201), "JPEG", progressive=True, subsampling=2), "jpeg")
    assert header.decoder_bytes == 176 * 208 * 3


def test_a_baseline_jpeg_in_several_scans_is_held_too() -> None:
    """A first scan of one component of three makes any decoder wait for the others."""
    data = bytearray(file_of(quadrants(160, 208), "JPEG", subsampling=0))
    data[data.index(b"\xff\xda") + 4] = 1
    assert read_header(bytes(data), "jpeg").decoder_bytes == 160 * 208 * 3 * 2


@pytest.mark.parametrize("factors", [b"\x00", b"\x51", b"\x15"])
def test_impossible_sampling_factors(factors: bytes) -> None:
    data = bytearray(file_of(quadrants(), "JPEG"))
    at = data.index(b"\xff\xc0") + 11
    data[at : at + 1] = factors
    with pytest.raises(DamagedFileError, match="sampling factors"):
        read_header(bytes(data), "jpeg")


@pytest.mark.parametrize(
    ("picture", "options", "expected"),
    [
        (quadrants(), {"quality": 80}, 3),
        (quadrants(), {"lossless": True}, 4),
        (np.dstack((quadrants(), quadrants()[:, :, :1])), {"quality": 80}, 4),
    ],
)
def test_second_picture_of_a_webp(picture: np.ndarray, options: dict[str, object], expected: int) -> None:
    assert read_header(file_of(picture, "WEBP", **options), "webp").decoder_bytes == 160 * 200 * expected


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_metadata_never_reaches_the_decoder(image_format: str) -> None:
    options = {"lossless": True} if image_format == "WEBP" else {}
    data = file_of(smooth(), image_format, exif=exif_block(1, artist="Ann Example"), icc_profile=b"x" * 300, **options)
    cut = pixels_only(data, read_header(data, image_format.lower()).format)  # type: ignore[arg-type]
    assert b"Ann Example" in data
    assert b"Ann Example" not in cut
    assert b"x" * 300 not in cut
    assert (decode(cut).rgb == decode(data).rgb).all()


def test_a_webp_without_metadata_is_not_copied() -> None:
    data = file_of(smooth(), "WEBP")
    assert pixels_only(data, "webp") is data


def test_comments_are_cut_out_of_a_jpeg() -> None:
    plain = file_of(smooth(), "JPEG")
    assert pixels_only(with_segments(plain, jpeg_segment(0xFE, b"hello")), "jpeg") == pixels_only(plain, "jpeg")
