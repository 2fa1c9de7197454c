from __future__ import annotations

import io

import numpy as np
import pytest
from image_builders import quadrants, smooth
from PIL import Image

from tryon_service.errors import InputError
from tryon_service.imaging import metadata
from tryon_service.imaging.decode import decode
from tryon_service.imaging.encode import encode, format_for
from tryon_service.imaging.limits import inspect
from tryon_service.types import Credit

FORMATS = ["jpeg", "png", "webp", "avif"]
MARK = "compositeSynthetic"
CREDIT = Credit('Zoë <Ånn> & "Söhne" 王', "© 2026 Müller ]]> Ltd", "Agence & Cie")


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def xmp_of(data: bytes) -> bytes:
    xmp = opened(data).info.get("xmp", b"")
    return xmp.encode() if isinstance(xmp, str) else xmp


@pytest.mark.parametrize(("format", "tolerance"), [("jpeg", 8), ("png", 0), ("webp", 14), ("avif", 12)])
def test_picture_survives(format: str, tolerance: int) -> None:
    image = opened(encode(smooth(), format))
    assert image.format == format.upper()
    assert np.abs(np.asarray(image.convert("RGB")).astype(int) - smooth()).max() <= tolerance


@pytest.mark.parametrize("format", FORMATS)
def test_mark_and_credit_are_embedded(format: str) -> None:
    data = encode(smooth(), format, credit=CREDIT, mark=MARK)
    xmp = xmp_of(data)
    assert b">http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic<" in xmp
    assert metadata.read_credit(xmp=xmp) == CREDIT


@pytest.mark.parametrize("format", ["jpeg", "png", "webp"])
def test_credit_survives_our_own_decoder(format: str) -> None:
    assert decode(encode(smooth(), format, credit=Credit("Ann", "(c) Ann", "Studio"))).credit == Credit(
        "Ann", "(c) Ann", "Studio"
    )


def test_jpeg_also_carries_iptc_for_older_readers() -> None:
    header = inspect(encode(smooth(), "jpeg", credit=Credit("Zoë", "© Zoë", "Agence"), mark=MARK))
    assert metadata.read_credit(iptc=header.iptc) == Credit("Zoë", "© Zoë", "Agence")


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_else_is_embedded(format: str) -> None:
    assert xmp_of(encode(smooth(), format)) == b""
    info = opened(encode(smooth(), format, credit=CREDIT, mark=MARK)).info
    assert not {"exif", "icc_profile", "comment"} & {key for key, value in info.items() if value}


@pytest.mark.parametrize("format", FORMATS)
def test_same_input_same_bytes(format: str) -> None:
    first, second = (encode(smooth(), format, credit=CREDIT, mark=MARK) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("format", ["png", "webp", "avif"])
def test_transparency(format: str) -> None:
    alpha = np.tile(np.linspace(0, 255, 160).astype(np.uint8), (200, 1))
    image = opened(encode(np.dstack((smooth(), alpha)), format, mark=MARK))
    assert image.mode == "RGBA"
    assert np.abs(np.asarray(image)[:, :, 3].astype(int) - alpha).max() <= 4
    assert b"compositeSynthetic" in xmp_of(encode(np.dstack((smooth(), alpha)), format, mark=MARK))


def test_jpeg_has_no_transparency() -> None:
    with pytest.raises(InputError, match="transparency") as caught:
        encode(np.zeros((200, 200, 4), np.uint8), "jpeg")
    assert (caught.value.code, caught.value.field) == ("invalid_option", "format")


@pytest.mark.parametrize("format", ["jpeg", "avif"])
def test_chroma_is_not_subsampled(format: str) -> None:
    """Red and blue pixel columns: at 4:2:0 both would turn to one violet."""
    stripes = np.zeros((160, 160, 3), np.uint8)
    stripes[:, ::2, 0] = stripes[:, 1::2, 2] = 255
    decoded = np.asarray(opened(encode(stripes, format)).convert("RGB")).astype(int)
    assert np.abs(decoded - stripes).mean() < 25


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif"])
def test_quality_counts(format: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (160, 160, 3), np.uint8)
    assert len(encode(noise, format, quality=30)) < len(encode(noise, format)) < len(encode(noise, format, quality=100))


@pytest.mark.parametrize(("format", "quality", "field"), [("gif", None, "format"), ("jpeg", 0, "quality")])
def test_bad_options(format: str, quality: int | None, field: str) -> None:
    with pytest.raises(InputError) as caught:
        encode(quadrants(), format, quality=quality)
    assert (caught.value.code, caught.value.field) == ("invalid_option", field)


@pytest.mark.parametrize(
    ("suffix", "format"), [(".jpg", "jpeg"), (".JPEG", "jpeg"), (".Png", "png"), (".webp", "webp"), (".avif", "avif")]
)
def test_format_for(suffix: str, format: str) -> None:
    assert format_for(suffix) == format


@pytest.mark.parametrize("suffix", ["", ".gif", "jpg", ".tiff"])
def test_format_for_unknown(suffix: str) -> None:
    with pytest.raises(InputError, match=r"\.webp") as caught:
        format_for(suffix)
    assert (caught.value.code, caught.value.field) == ("invalid_option", "out")
