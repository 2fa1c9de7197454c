"""Any accepted format by its name: its header, and the file cut down to its pixels.

Plain struct parsing, no imaging library (HEIC's extra aside), nothing decoded: cheap and safe to run on anything a
stranger sends.
"""

from __future__ import annotations

import struct

from tryon_service.imaging.containers import heic, jpeg, png, webp
from tryon_service.imaging.containers.header import DamagedFileError, Header, ImageFormat


def read_header(data: bytes, image_format: ImageFormat) -> Header:
    """Raises DamagedFileError or UnsupportedVariantError."""
    readers = {"jpeg": jpeg.read_header, "png": png.read_header, "webp": webp.read_header, "heic": heic.read_header}
    try:
        return readers[image_format](data)
    except (struct.error, IndexError) as error:
        raise DamagedFileError("It ends within its header.") from error


def pixels_only(data: bytes, image_format: ImageFormat) -> bytes:
    """The file, checked to be whole, without metadata, so that a decoder never parses more than pixels.

    JPEG: end marker present; PNG: checksums right. HEIC returns as it is, its decoder needs the whole.
    Raises DamagedFileError.
    """
    cutters = {"jpeg": jpeg.pixels_only, "png": png.pixels_only, "webp": webp.pixels_only}
    return cutters[image_format](data) if image_format in cutters else data
