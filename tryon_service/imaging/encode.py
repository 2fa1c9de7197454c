"""A picture to bytes: JPEG, PNG, WebP or AVIF with credit and AI mark, and no other metadata."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from PIL import Image, features
from PIL.PngImagePlugin import PngInfo

from tryon_service.errors import InputError
from tryon_service.imaging import metadata
from tryon_service.types import Credit, UInt8Array

OutputFormat = Literal["jpeg", "png", "webp", "avif"]


@dataclass(frozen=True)
class _Encoder:
    """quality: Pillow's 0 to 100 scale of that format, None where lossless; options: further save options."""

    quality: int | None
    alpha: bool = True
    options: MappingProxyType[str, Any] = field(default_factory=lambda: MappingProxyType({}))


# Chroma is never subsampled where the format lets us choose: thin saturated prints and seams are what the picture is
# for, and 4:2:0 visibly bleeds red on blue for some 15 % of the bytes. WebP has no such choice; its sharp YUV
# conversion is the next best. One AVIF thread, so that the bytes don't depend on the machine.
_ENCODERS: dict[str, _Encoder] = {
    "jpeg": _Encoder(90, alpha=False, options=MappingProxyType({"subsampling": "4:4:4"})),
    "png": _Encoder(None, options=MappingProxyType({"compress_level": 4})),
    "webp": _Encoder(88, options=MappingProxyType({"method": 4, "use_sharp_yuv": True})),
    "avif": _Encoder(80, options=MappingProxyType({"speed": 8, "subsampling": "4:4:4", "max_threads": 1})),
}
_NO_CREDIT = Credit()
_SUFFIXES: dict[str, OutputFormat] = {
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".png": "png",
    ".webp": "webp",
    ".avif": "avif",
}


def format_for(path_suffix: str) -> OutputFormat:
    """The output format of a file name's suffix (".jpg", any case).

    Raises InputError("invalid_option") with field "out".
    """
    if path_suffix.lower() not in _SUFFIXES:
        raise InputError("invalid_option", f"{path_suffix!r} is not one of {', '.join(_SUFFIXES)}.", "out")
    return _SUFFIXES[path_suffix.lower()]


def encode(
    picture: UInt8Array, format: str, *, credit: Credit = _NO_CREDIT, mark: str = "", quality: int | None = None
) -> bytes:
    """Encode an H x W x 3 or, with transparency, H x W x 4 uint8 sRGB picture; the same input gives the same bytes.

    format: "jpeg", "png", "webp" or "avif". mark: name of an IPTC digital source type, such as "compositeSynthetic".
    quality: 1 to 100, without effect on PNG. Raises InputError("invalid_option") for an unknown format or quality and
    for transparency in JPEG.
    """
    encoder = _checked(picture, format, quality)
    file = io.BytesIO()
    options = dict(encoder.options)
    if encoder.quality is not None:
        options["quality"] = quality or encoder.quality
    options |= _metadata_options(format, credit, mark)
    Image.fromarray(picture).save(file, format=format.upper(), **options)
    return file.getvalue()


def _checked(picture: UInt8Array, format: str, quality: int | None) -> _Encoder:
    encoder = _ENCODERS.get(format)
    if encoder is None:
        raise InputError("invalid_option", f"{format!r} is not one of {', '.join(_ENCODERS)}.", "format")
    if format in ("webp", "avif") and not features.check(format):
        raise InputError("invalid_option", f"The installed Pillow can't write {format}.", "format")
    if quality is not None and not 1 <= quality <= 100:
        raise InputError("invalid_option", f"{quality} is not between 1 and 100.", "quality")
    if picture.shape[2] == 4 and not encoder.alpha:
        raise InputError("invalid_option", "JPEG has no transparency; use PNG, WebP or AVIF.", "format")
    return encoder


def _metadata_options(format: str, credit: Credit, mark: str) -> dict[str, Any]:
    """Pillow's save options that embed the XMP packet, and in JPEG also the IPTC block that older readers look for."""
    xmp = metadata.write_xmp(credit, mark)
    options: dict[str, Any] = {}
    if xmp and format == "png":
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode())
    elif xmp:
        options["xmp"] = xmp
    iptc = metadata.write_iptc(credit)
    if iptc and format == "jpeg":
        options["extra"] = b"\xff\xed" + struct.pack(">H", len(iptc) + 2) + iptc
    return options
