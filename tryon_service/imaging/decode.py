"""Bytes to a Photo: checked at the door, verified whole, turned upright, brought to sRGB, stripped of metadata.

The decoder sees a copy of the file without metadata (containers.formats.pixels_only), so no Exif, MPF or text parser
but our own runs on a stranger's bytes, and decoders are called by name, so no other format can be reached.
"""

from __future__ import annotations

import hashlib
import struct

import cv2
import numpy as np

from tryon_service.errors import InputError
from tryon_service.imaging import metadata
from tryon_service.imaging.containers.formats import pixels_only
from tryon_service.imaging.containers.header import DamagedFileError
from tryon_service.imaging.decoders import Decoded, decoded
from tryon_service.imaging.frames import fit_size
from tryon_service.imaging.limits import DEFAULT_LIMITS, Limits, inspect
from tryon_service.imaging.profiles import to_srgb
from tryon_service.types import Photo, Size, UInt8Array

_DECODER_ERRORS = (
    OSError, SyntaxError, ValueError, RuntimeError, EOFError, LookupError, TypeError, struct.error, cv2.error,
)  # fmt: skip
"""What decoders are known to raise on damaged files."""


def decode(data: bytes, field: str = "photo", max_side: int | None = None, limits: Limits = DEFAULT_LIMITS) -> Photo:
    """Decode a photo, reduced to max_side pixels on its longer side if it is larger (JPEG already while decoding).

    Transparent pixels are laid over white; 16-bit samples become 8-bit; a colour profile that can't be used is ignored.
    Deterministic. Raises InputError, with field, as limits.inspect does, and truncated_image for damaged pixel data.
    """
    header = inspect(data, field, limits)
    target = fit_size(header.stored, (max_side, max_side)) if max_side else header.stored
    try:
        stored = _reduced(decoded(pixels_only(data, header.format), header, target), target)
        stored = to_srgb(stored, header.icc)
    except DamagedFileError as error:
        raise InputError("truncated_image", str(error), field) from error
    except _DECODER_ERRORS as error:
        raise InputError("truncated_image", "Its pixels can't be decoded.", field) from error
    return Photo(
        rgb=_upright(stored, header.orientation),
        size=header.size,
        digest=hashlib.sha256(data).hexdigest(),
        credit=metadata.read_credit(header.iptc, header.xmp, header.exif),
    )


def _reduced(picture: Decoded, target: Size) -> UInt8Array:
    """H x W x 1, 3 or 4 of the target size, each pixel the average of the area it covers.

    One band at a time, whose average is the same: the bands together would take as much memory again as the picture.
    """
    width, height = picture.size
    bands = picture.bands
    reduced = np.empty((target[1], target[0], bands), np.uint8)
    if target == picture.size:
        for rows, strip in picture.strips():
            reduced[rows] = np.asarray(strip).reshape(-1, width, bands)
        return reduced
    plane = np.empty((height, width), np.uint8)
    for band in range(bands):
        for rows, strip in picture.strips():
            plane[rows] = np.asarray(strip.getchannel(band))
        reduced[:, :, band] = cv2.resize(plane, target, interpolation=cv2.INTER_AREA)
    return reduced


def _upright(stored: UInt8Array, orientation: int) -> UInt8Array:
    """Undo what Exif's orientation says: 5 to 8 are transposed, and each is then flipped along x, y, both or none."""
    picture = stored.transpose(1, 0, 2) if orientation >= 5 else stored
    if orientation in (2, 3, 6, 7):
        picture = picture[:, ::-1]
    if orientation in (3, 4, 7, 8):
        picture = picture[::-1]
    return np.ascontiguousarray(picture)
