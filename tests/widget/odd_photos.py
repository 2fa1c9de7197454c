"""What people choose by mistake or in a hurry, as files."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image

from tryon_service.figures import OUTFITS, Figure, draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.types import UInt8Array

UPRIGHT_AFTER = 6
"""EXIF's orientation of a picture that has to be turned by a quarter, clockwise."""
GPS, MAKER = 0x8825, 0x010F
"""EXIF's tags of a place and of a camera."""


def phone_photo(figure: Figure, size: tuple[int, int]) -> bytes:
    """The figure as a phone stores it: lying on its side, the turn in the EXIF block, with place and camera. size: of
    the upright picture, pixels."""
    upright = cv2.resize(figure.photo, size, interpolation=cv2.INTER_LINEAR)
    exif = Image.Exif()
    exif[0x0112], exif[MAKER] = UPRIGHT_AFTER, "Phone of Ann"
    exif.get_ifd(GPS).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    file = io.BytesIO()
    Image.fromarray(np.rot90(upright)).save(file, "JPEG", quality=80, exif=exif.tobytes())
    return file.getvalue()


def heic_of(figure: Figure) -> bytes:
    """As a phone takes it. The encoder is an extra; without it the file's beginning alone, which no browser can
    decode either."""
    try:
        import pillow_heif
    except ModuleNotFoundError:
        return b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(2000)
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(figure.photo)).save(file, quality=80)
    return file.getvalue()


def landscape() -> UInt8Array:
    """A sky above hills, and nobody."""
    y, x = np.mgrid[:600, :800]
    hills = 380 + 60 * np.sin(x / 90) + 25 * np.sin(x / 31)
    sky = np.dstack([150 + y / 8, 190 + y / 12, np.full_like(y, 235, float)])
    grass = np.dstack([90 + 10 * np.sin(x / 7), 140 + 12 * np.sin(y / 5), 70 + 0 * y])
    return np.asarray(np.where((y < hills)[..., None], sky, grass), np.uint8)


def childs_drawing() -> UInt8Array:
    """A house, a sun and a stick man."""
    paper = np.full((800, 600, 3), 250, np.uint8)
    cv2.rectangle(paper, (60, 420), (300, 700), (180, 60, 60), 6)
    cv2.line(paper, (60, 420), (180, 290), (180, 60, 60), 6)
    cv2.line(paper, (180, 290), (300, 420), (180, 60, 60), 6)
    cv2.circle(paper, (500, 110), 60, (240, 200, 40), 8)
    cv2.circle(paper, (440, 430), 42, (40, 60, 160), 6)
    for start, end in (((440, 472), (440, 610)), ((440, 520), (370, 480)), ((440, 520), (515, 475)),
                       ((440, 610), (395, 720)), ((440, 610), (490, 720))):  # fmt: skip
        cv2.line(paper, start, end, (40, 60, 160), 6)
    return paper


def crowd() -> UInt8Array:
    """Two of one size."""
    pair = (("standing", "print_tee"), ("hand_on_hip", "sport"))
    return np.hstack([draw_figure(pose, OUTFITS[outfit], (480, 640)).photo for pose, outfit in pair])


def far_away() -> UInt8Array:
    """A small figure on a large ground."""
    ground = np.full((400, 300, 3), (222, 220, 216), np.uint8)
    figure = draw_figure("standing", size=(384, 512)).photo
    ground[150:250, 112:187] = cv2.resize(figure, (75, 100), interpolation=cv2.INTER_AREA)
    return ground


def small(figure: Figure) -> bytes:
    """A preview of the photo."""
    return encode(cv2.resize(figure.photo, (180, 240), interpolation=cv2.INTER_AREA), "jpeg")
