"""The door: bytes in, a Header out, or an InputError. Decided from signature and header alone, nothing is decoded.

Loads neither an imaging library nor OpenCV (HEIC's extra aside), so the gateway can ask before it forwards bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec

from tryon_service.errors import InputError
from tryon_service.imaging.containers.formats import read_header
from tryon_service.imaging.containers.header import DamagedFileError, Header, ImageFormat, UnsupportedVariantError


@dataclass(frozen=True)
class Limits:
    """What a photo's file may be. JPEG may be larger because it can be decoded at a fraction of its size.

    jpeg_pixels, other_pixels: width x height; jpeg_bytes, other_bytes: of the file; decoder_bytes: of memory that its
    decoder has to hold besides the picture itself, which by default are enough for 25 megapixels of a progressive JPEG
    with halved colours (4:2:0) and 18 of lossless WebP; frames: pictures in it; smallest_side: pixels of the shorter
    side, below which no person can be made out.
    """

    jpeg_pixels: int = 60_000_000
    other_pixels: int = 25_000_000
    jpeg_bytes: int = 20_000_000
    other_bytes: int = 20_000_000
    decoder_bytes: int = 75_000_000
    frames: int = 1
    smallest_side: int = 128


DEFAULT_LIMITS = Limits()

_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}

_REFUSED_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"%PDF-", "PDF"),
    (b"%!PS", "PostScript (EPS)"),
    (b"\xc5\xd0\xd3\xc6", "PostScript (EPS)"),
    (b"8BPS", "Photoshop"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\1\0", "ICO"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
)
_HELD_WHOLE: dict[ImageFormat, str] = {
    "jpeg": "a progressive JPEG",
    "png": "a PNG",
    "webp": "a lossless, transparent or animated WebP",
    "heic": "a HEIC",
}
"""Names of the kinds whose decoders can't work row by row."""
_ACCEPTED = "JPEG, PNG and WebP are accepted"
_SVG = re.compile(rb"<svg[\s>]", re.IGNORECASE)
_GIF_FRAME = re.compile(rb"!\xf9\x04.{4}\0,", re.DOTALL)


def inspect(data: bytes, field: str = "photo", limits: Limits = DEFAULT_LIMITS) -> Header:
    """Read format, size, frames, orientation and metadata blocks of a photo from its header.

    Raises InputError, with field, with the code not_an_image, unsupported_format, too_many_bytes, too_many_frames,
    too_many_pixels, image_too_small or truncated_image.
    """
    image_format = _format(data, field)
    largest = limits.jpeg_bytes if image_format == "jpeg" else limits.other_bytes
    if len(data) > largest:
        detail = f"It has {len(data) / 1e6:.1f} MB; at most {largest / 1e6:.1f} MB are accepted."
        raise InputError("too_many_bytes", detail, field)
    try:
        header = read_header(data, image_format)
    except DamagedFileError as error:
        raise InputError("truncated_image", str(error), field) from error
    except UnsupportedVariantError as error:
        raise InputError("unsupported_format", f"It is a {error}.", field) from error
    _check_size(header, field, limits)
    return header


def _check_size(header: Header, field: str, limits: Limits) -> None:
    width, height = header.size
    if header.frames > limits.frames:
        raise InputError(
            "too_many_frames", f"It has {header.frames} frames; at most {limits.frames} is accepted.", field
        )
    most = limits.jpeg_pixels if header.format == "jpeg" else limits.other_pixels
    if width * height > most:
        detail = (
            f"It has {width} x {height} = {width * height / 1e6:.1f} megapixels; at most {most / 1e6:.1f} are accepted."
        )
        raise InputError("too_many_pixels", detail, field)
    if header.decoder_bytes > limits.decoder_bytes:
        taken, most_bytes = header.decoder_bytes / 1e6, limits.decoder_bytes / 1e6
        detail = (
            f"It has {width} x {height} pixels as {_HELD_WHOLE[header.format]}, which takes {taken:.1f} MB of memory "
            f"to decode; at most {most_bytes:.1f} MB are given. Save it as an ordinary (baseline) JPEG, or smaller."
        )
        raise InputError("too_many_pixels", detail, field)
    if min(width, height) < limits.smallest_side:
        detail = f"It has {width} x {height} pixels; each side needs at least {limits.smallest_side}."
        raise InputError("image_too_small", detail, field)


def _format(data: bytes, field: str) -> ImageFormat:
    """The format by its signature, from an explicit list. Raises InputError for all others, named where known."""
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp":
        return _heif_family(data, field)
    if not data:
        raise InputError("not_an_image", "It is empty.", field)
    name = _refused_format(data)
    if name == "GIF" and len(frames := _GIF_FRAME.findall(data)) > 1:
        raise InputError("too_many_frames", f"It is a GIF with {len(frames)} frames; {_ACCEPTED}.", field)
    if name:
        raise InputError("unsupported_format", f"It is {name}; {_ACCEPTED}.", field)
    raise InputError("not_an_image", f"It is of no known image format; {_ACCEPTED}.", field)


def _refused_format(data: bytes) -> str:
    """The name of a known format that isn't accepted, "" for anything else."""
    for signature, name in _REFUSED_SIGNATURES:
        if data.startswith(signature):
            return name
    if _SVG.search(data[:4096].replace(b"\0", b"")):  # UTF-16 has a zero in every other byte
        return "SVG"
    return ""


def _heif_family(data: bytes, field: str) -> ImageFormat:
    """HEIC, AVIF and video share one container and differ in the brand."""
    brand = data[8:12]
    if brand in _HEIC_BRANDS and b"avif" not in data[8:64]:
        if find_spec("pillow_heif") is not None:
            return "heic"
        detail = f"It is HEIC, which needs the extra tryon-service[heic]; {_ACCEPTED}."
        raise InputError("unsupported_format", detail, field)
    name = "AVIF" if brand.startswith((b"avi", b"mif1")) else "a video or an unknown relative of HEIC"
    raise InputError("unsupported_format", f"It is {name}; {_ACCEPTED}.", field)
