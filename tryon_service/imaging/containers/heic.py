"""Structure of HEIC files."""

from __future__ import annotations

from importlib import import_module

from tryon_service.imaging.containers.header import DamagedFileError, Header

DECODER_BYTES = 3
"""For a pixel: brightness and colour as they are coded, half of it again for what is read ahead."""


def read_header(data: bytes) -> Header:
    """Through pillow-heif, which reads the boxes now and the pixels only when asked."""
    pillow_heif = import_module("pillow_heif")  # an extra
    try:
        file = pillow_heif.HeifFile(data)
        primary = file[file.primary_index]
        names = {"exif": "exif", "xmp": "xmp", "icc": "icc_profile"}
        blocks = {ours: primary.info.get(theirs) or b"" for ours, theirs in names.items()}
        width, height = primary.size
        return Header("heic", (width, height), len(file), width * height * DECODER_BYTES, **blocks)
    except (OSError, ValueError, SyntaxError, RuntimeError, EOFError) as error:
        raise DamagedFileError("Its header can't be read.") from error
