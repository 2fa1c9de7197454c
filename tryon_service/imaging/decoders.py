"""The decoder of each format, and what it leaves in memory handed out in strips.

A large picture is never copied whole: it is cut into strips, and what is done to single pixels is done to each strip.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import cast

import cv2
import numpy as np
from PIL import Image, ImageChops
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from tryon_service.imaging.containers.header import DamagedFileError, Header
from tryon_service.types import Size, UInt8Array

STRIP_ROWS = 256
"""Enough to make the steps between strips cheap, little enough to make a strip small."""


@dataclass(frozen=True)
class Decoded:
    """A picture as its decoder left it in memory.

    size: (width, height); cut: its rows from the first to before the second as a picture of any of Pillow's modes.
    """

    size: Size
    cut: Callable[[int, int], Image.Image]

    @property
    def bands(self) -> int:
        """How many bands the strips have."""
        return len(_eight_bit(self.cut(0, 1)).getbands())

    def strips(self) -> Iterator[tuple[slice, Image.Image]]:
        """All rows from the top, and what they show as L, RGB or CMYK, 8-bit and with transparency laid over white."""
        height = self.size[1]
        for top in range(0, height, STRIP_ROWS):
            rows = slice(top, min(top + STRIP_ROWS, height))
            yield rows, _eight_bit(self.cut(rows.start, rows.stop))


def decoded(data: bytes, header: Header, target: Size) -> Decoded:
    """The picture in a file that was cut down to its pixels; JPEG already at a half, a quarter or an eighth where that
    still covers the target, (width, height).

    Raises DamagedFileError, and whatever the decoder does.
    """
    if header.format == "webp":
        return _webp(data, header)
    if header.format == "heic":
        return _heic(data, header)
    with io.BytesIO(data) as file:
        image = JpegImageFile(file) if header.format == "jpeg" else PngImageFile(file)
        _check_size(image.size, header)
        if header.format == "jpeg":
            image.draft(None, target)
        image.load()
    width = image.width
    return Decoded(image.size, lambda top, bottom: image.crop((0, top, width, bottom)))


def _webp(data: bytes, header: Header) -> Decoded:
    """OpenCV's decoder: Pillow's holds the picture four times, as if every file were an animation."""
    loud = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # it would tell the terminal of damage
    try:
        pixels = cast(UInt8Array | None, cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))
    finally:
        cv2.utils.logging.setLogLevel(loud)
    if pixels is None:
        raise DamagedFileError("Its pixels can't be decoded.")
    _check_size(pixels.shape[1::-1], header)
    order = cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    return Decoded(header.stored, lambda top, bottom: Image.fromarray(cv2.cvtColor(pixels[top:bottom], order)))


def _heic(data: bytes, header: Header) -> Decoded:
    """Without Pillow's copy of what pillow-heif has decoded."""
    file = import_module("pillow_heif").HeifFile(data, convert_hdr_to_8bit=True, remove_stride=False)  # an extra
    image = file[file.primary_index]
    pixels = np.asarray(image)
    _check_size(image.size, header)
    return Decoded(
        header.stored, lambda top, bottom: Image.fromarray(pixels[top:bottom, : header.stored[0]], image.mode)
    )


def _check_size(size: tuple[int, ...], header: Header) -> None:
    if size != header.stored:
        raise DamagedFileError(f"It says {header.stored} pixels in one place and {size} in another.")


def _eight_bit(image: Image.Image) -> Image.Image:
    """Any of Pillow's modes to L, RGB or CMYK of 8 bits, transparency laid over white."""
    if image.mode == "CMYK" and "adobe" not in image.info:
        # Pillow always undoes the inversion that Adobe's marker announces; without the marker there was none.
        return ImageChops.invert(image)
    if image.mode.startswith("I"):
        samples = np.asarray(image, np.float32)
        image = Image.fromarray(np.rint(samples * (255 / 65535)).clip(0, 255).astype(np.uint8))
    if "transparency" in image.info or image.mode == "PA":
        image = image.convert("RGBA")
    if image.mode in ("LA", "RGBA"):
        canvas = Image.new(image.mode.removesuffix("A"), image.size, "white")
        canvas.paste(image, mask=image)
        return canvas
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")
