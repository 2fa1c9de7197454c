from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec

import pytest
from image_builders import exif_block, file_of, jpeg_segment, quadrants, with_segments
from PIL import Image

from tryon_service.errors import InputError
from tryon_service.imaging import limits
from tryon_service.imaging.containers.header import Header
from tryon_service.imaging.limits import Limits, inspect

HEIC_START = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


def code_of(data: bytes, bounds: Limits = limits.DEFAULT_LIMITS) -> str:
    with pytest.raises(InputError) as caught:
        inspect(data, "product[2]", bounds)
    assert caught.value.field == "product[2]"
    assert caught.value.detail
    return caught.value.code


@pytest.mark.parametrize(
    ("image_format", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"quality": 50}),
        ("WEBP", {"quality": 50, "exif": exif_block(1)}),
    ],
)
def test_header_of_each_format(image_format: str, options: dict[str, object]) -> None:
    header = inspect(file_of(quadrants(160, 201), image_format, **options))
    assert (header.format, header.size, header.frames, header.orientation) == (
        image_format.lower(),
        (160, 201),
        1,
        1,
    )


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_size_is_that_of_the_upright_photo(image_format: str, orientation: int) -> None:
    header = inspect(file_of(quadrants(160, 201), image_format, exif=exif_block(orientation)))
    assert header.orientation == orientation
    assert header.stored == (160, 201)
    assert header.size == ((201, 160) if orientation >= 5 else (160, 201))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("value", "expected"), [(6, 6), (0, 1), (9, 1), (65535, 1)])
def test_orientation_in_both_byte_orders(order: str, value: int, expected: int) -> None:
    start = b"II*\0" if order == "<" else b"MM\0*"
    tiff = start + struct.pack(order + "IHHHIHHI", 8, 1, 0x0112, 3, 1, value, 0, 0)
    photo = with_segments(file_of(quadrants(), "JPEG"), jpeg_segment(0xE1, b"Exif\0\0" + tiff))
    assert inspect(photo).orientation == expected


@pytest.mark.parametrize(
    ("bounds", "code"),
    [
        (Limits(jpeg_pixels=160 * 200 - 1), "too_many_pixels"),
        (Limits(jpeg_bytes=1000), "too_many_bytes"),
        (Limits(smallest_side=161), "image_too_small"),
    ],
)
def test_bounds_are_the_callers(bounds: Limits, code: str) -> None:
    assert code_of(file_of(quadrants(), "JPEG"), bounds) == code


def test_bounds_are_inclusive() -> None:
    data = file_of(quadrants(), "JPEG")
    exact = Limits(jpeg_pixels=160 * 200, jpeg_bytes=len(data), smallest_side=160)
    assert inspect(data, limits=exact).size == (160, 200)


def test_jpeg_has_bounds_of_its_own() -> None:
    bounds = Limits(other_pixels=1000, other_bytes=1)
    assert inspect(file_of(quadrants(), "JPEG"), limits=bounds).format == "jpeg"
    assert code_of(file_of(quadrants(), "PNG"), bounds) == "too_many_bytes"
    assert code_of(file_of(quadrants(), "PNG"), Limits(other_pixels=1000)) == "too_many_pixels"


def test_default_bounds() -> None:
    bounds = Limits()
    assert (bounds.jpeg_pixels, bounds.other_pixels, bounds.jpeg_bytes, bounds.other_bytes) == (
        60_000_000,
        25_000_000,
        20_000_000,
        20_000_000,
    )
    assert code_of(file_of(quadrants(), "JPEG") + bytes(20_000_000)) == "too_many_bytes"
    assert code_of(file_of(Image.new("1", (5001, 5000)), "PNG")) == "too_many_pixels"
    assert inspect(file_of(Image.new("1", (5000, 5000)), "PNG")).size == (5000, 5000)
    assert code_of(file_of(quadrants(64, 64), "JPEG")) == "image_too_small"


def test_what_takes_the_decoder_too_much_memory_is_refused_with_advice() -> None:
    data = file_of(quadrants(), "JPEG", progressive=True)
    taken = inspect(data).decoder_bytes
    assert inspect(data, limits=Limits(decoder_bytes=taken)).decoder_bytes == taken
    with pytest.raises(InputError, match=r"160 x 200 pixels as a progressive JPEG.*Save it as an ordinary") as caught:
        inspect(data, "shopper", Limits(decoder_bytes=taken - 1))
    assert (caught.value.code, caught.value.field) == ("too_many_pixels", "shopper")


def resized(jpeg: bytes, width: int, height: int) -> bytes:
    """The same file claiming another size: only its header is read here."""
    at = max(jpeg.find(b"\xff\xc0"), jpeg.find(b"\xff\xc2")) + 5
    return jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :]


@pytest.mark.parametrize(
    ("size", "options", "let_in"),
    [
        ((8165, 6124), {}, True),
        ((6000, 4000), {"progressive": True}, True),
        ((4032, 3024), {"progressive": True, "subsampling": 0}, True),
        ((7700, 7700), {"progressive": True}, False),
        ((6000, 4000), {"progressive": True, "subsampling": 0}, False),
    ],
)
def test_jpegs_of_phones_and_programs(size: tuple[int, int], options: dict[str, object], let_in: bool) -> None:
    data = resized(file_of(quadrants(), "JPEG", **options), *size)
    if let_in:
        assert inspect(data).size == size
    else:
        assert code_of(data) == "too_many_pixels"


def test_webps_of_programs() -> None:
    assert inspect(file_of(Image.new("RGBA", (4000, 4000)), "WEBP", lossless=True, method=0)).size == (4000, 4000)
    assert inspect(file_of(Image.new("RGB", (5000, 5000)), "WEBP", method=0)).size == (5000, 5000)
    assert code_of(file_of(Image.new("RGBA", (5000, 5000)), "WEBP", lossless=True, method=0)) == "too_many_pixels"


def test_gif_frames() -> None:
    still, other = Image.fromarray(quadrants()).quantize(16), Image.fromarray(quadrants()[::-1]).quantize(16)
    assert code_of(file_of(still, "GIF")) == "unsupported_format"
    assert code_of(file_of(still, "GIF", save_all=True, append_images=[other], duration=50)) == "too_many_frames"


def test_heic_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_: str) -> ModuleSpec | None:
        return None

    finder: Callable[[str], ModuleSpec | None] = absent
    monkeypatch.setattr(limits, "find_spec", finder)
    with pytest.raises(InputError, match=r"tryon-service\[heic\]") as caught:
        inspect(HEIC_START)
    assert caught.value.code == "unsupported_format"


def test_damaged_heic() -> None:
    pytest.importorskip("pillow_heif", reason="the heic extra is not installed")
    assert code_of(HEIC_START + bytes(200)) == "truncated_image"


def test_gateway_can_inspect_without_imaging_libraries() -> None:
    script = (
        "import sys\n"
        "from tryon_service.imaging.limits import inspect\n"
        "inspect(sys.stdin.buffer.read())\n"
        "assert not {'cv2', 'torch', 'PIL', 'scipy'} & set(sys.modules)\n"
    )
    photo = file_of(quadrants(), "JPEG", exif=exif_block(6))
    subprocess.run([sys.executable, "-c", script], input=photo, check=True, timeout=60)


def test_headers_do_not_print_metadata() -> None:
    assert "Ann" not in repr(Header("jpeg", (200, 200), exif=exif_block(1, artist="Ann")))
