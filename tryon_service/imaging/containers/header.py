"""What a photo's file says about itself, whatever its format, and what can be wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Literal

from tryon_service.imaging import metadata
from tryon_service.types import Size

ImageFormat = Literal["jpeg", "png", "webp", "heic"]

MAX_BLOCKS = 50_000
"""Segments or chunks in one file; real files have tens, and a PNG in minimal IDAT chunks some thousands."""
MAX_PROFILE_BYTES = 4_000_000
"""Of a colour profile; the largest in use, for printing, have 2 to 3 MB."""


class DamagedFileError(Exception):
    """The file's structure is broken or ends too early; the text says how, fit for the public."""


class UnsupportedVariantError(Exception):
    """A valid file in a variant that isn't read; the text names it."""


@dataclass(frozen=True)
class Header:
    """What a photo's file says about itself.

    stored: (width, height) of the pixels as stored, before turning upright; decoder_bytes: what the decoder has to
    hold at once for the whole picture, besides the picture itself; exif, xmp, iptc, icc: the raw metadata blocks, b""
    where absent.
    """

    format: ImageFormat
    stored: Size
    frames: int = 1
    decoder_bytes: int = 0
    exif: bytes = attribute(default=b"", repr=False)
    xmp: bytes = attribute(default=b"", repr=False)
    iptc: bytes = attribute(default=b"", repr=False)
    icc: bytes = attribute(default=b"", repr=False)

    @property
    def orientation(self) -> int:
        """Exif orientation, 1 to 8. HEIC says its turn elsewhere, and its decoder applies it."""
        return 1 if self.format == "heic" else metadata.orientation(self.exif)

    @property
    def size(self) -> Size:
        """(width, height) of the upright photo."""
        width, height = self.stored
        return (height, width) if self.orientation >= 5 else (width, height)
