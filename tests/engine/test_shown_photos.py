"""A product's photo as browsers can show it: upright, fitted, in sRGB, and stripped of all metadata but the credit."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tryon_service.engine.messages import Message
from tryon_service.engine.tasks import Analyst, Tasks
from tryon_service.engine.worker import DONE
from tryon_service.errors import InputError
from tryon_service.imaging import metadata
from tryon_service.imaging.encode import encode
from tryon_service.imaging.limits import inspect
from tryon_service.types import Credit, UInt8Array

CREDIT = Credit("Zoë", "© Zoë", "Agence")
RED, BLUE = (200, 30, 40), (40, 50, 190)


def halves(width: int, height: int) -> UInt8Array:
    """Red above blue."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[: height // 2], picture[height // 2 :] = RED, BLUE
    return picture


def turned(picture: UInt8Array) -> bytes:
    """As a phone held sideways stores it: lying, with an orientation, a place and a thumbnail's worth of other tags."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "A phone's maker"
    exif.get_ifd(0x8825)[1] = "N"
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(np.rot90(picture))).save(file, "JPEG", quality=95, exif=exif)
    return file.getvalue()


def shown(data: bytes, *size: int) -> tuple[Image.Image, bytes]:
    """The picture that a browser gets, and its bytes; tells on an answer whose figures are wrong."""
    answer = Tasks(Analyst(), Path("none")).answer(Message("photo", {"field": "product", "size": list(size)}, (data,)))
    assert answer.kind == DONE
    picture = Image.open(io.BytesIO(answer.parts[0]))
    assert picture.format == "JPEG"
    assert picture.size == (answer.head["width"], answer.head["height"])
    return picture, answer.parts[0]


def near(pixel: object, colour: tuple[int, int, int]) -> bool:
    return np.abs(np.subtract(np.asarray(pixel, int), colour)).max() < 12


def test_upright_and_without_metadata() -> None:
    data = turned(halves(300, 400))
    assert inspect(data).orientation == 6
    picture, shown_data = shown(data)
    assert picture.size == (300, 400)
    assert near(picture.getpixel((150, 50)), RED)
    assert near(picture.getpixel((150, 350)), BLUE)
    assert not picture.getexif()
    assert b"maker" not in shown_data
    assert b"Exif" not in shown_data


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((), (300, 400)),
        ((150, 4096), (150, 200)),
        ((4096, 100), (75, 100)),
        ((4096, 4096), (300, 400)),
        ((1, 1), (1, 1)),
    ],
)
def test_fitted_and_never_enlarged(box: tuple[int, ...], expected: tuple[int, int]) -> None:
    assert shown(encode(halves(300, 400), "png"), *box)[0].size == expected


def test_no_larger_than_a_picture_made_of_it() -> None:
    assert shown(encode(halves(3000, 1500), "jpeg"))[0].size == (2048, 1024)


def test_the_credit_stays() -> None:
    header = inspect(shown(encode(halves(300, 400), "jpeg", credit=CREDIT))[1])
    assert metadata.read_credit(header.iptc, header.xmp, header.exif) == CREDIT
    assert b"digitalsourcetype" not in header.xmp, "it is a photo"


def test_transparency_lies_over_white() -> None:
    clear = np.zeros((200, 150, 4), np.uint8)
    assert near(shown(encode(clear, "png"))[0].getpixel((75, 100)), (255, 255, 255))


def test_a_damaged_file_is_named() -> None:
    data = encode(halves(300, 400), "jpeg")
    with pytest.raises(InputError) as caught:
        shown(data[: len(data) // 2])
    assert (caught.value.code, caught.value.field) == ("truncated_image", "product")
