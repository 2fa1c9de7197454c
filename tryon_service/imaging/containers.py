"""File structure of JPEG, PNG, WebP and HEIC: what a header says, and the file cut down to its pixels.

Plain struct parsing, no imaging library, nothing decoded: cheap and safe to run on anything a stranger sends.
Structure per ITU-T T.81 (JPEG), PNG 3rd edition, RFC 9649 (WebP).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as attribute
from importlib import import_module
from typing import Literal

from tryon_service.imaging import metadata
from tryon_service.types import Size

ImageFormat = Literal["jpeg", "png", "webp", "heic"]

MAX_BLOCKS = 50_000
"""Segments or chunks in one file; real files have tens, and a PNG in minimal IDAT chunks some thousands."""
MAX_SCANS = 64
"""Scans of one JPEG; encoders write 1 to 15, and thousands over a large frame are a known way to burn hours of CPU."""
MAX_PROFILE_BYTES = 4_000_000

SOI, EOI, SOS, APP0, APP1, APP2, APP13, APP14 = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xED, 0xEE
FRAME_MARKERS = {0xC0, 0xC1, 0xC2}
"""Baseline, extended and progressive Huffman: what cameras and programs write."""
OTHER_FRAME_MARKERS = set(range(0xC3, 0xD0)) - {0xC4, 0xC8, 0xCC}
STANDALONE_MARKERS = {0x01, *range(0xD0, 0xD8)}
JPEG_PIXEL_MARKERS = {0xC4, 0xDB, 0xDD, APP0, APP14} | FRAME_MARKERS
PNG_PIXEL_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}

EXIF_HEADER = b"Exif\0\0"
XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
ICC_HEADER = b"ICC_PROFILE\0"
PNG_XMP_KEYWORD = b"XML:com.adobe.xmp"

_NEXT_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")


class DamagedFileError(Exception):
    """The file's structure is broken or ends too early; the text says how, fit for the public."""


class UnsupportedVariantError(Exception):
    """A valid file in a variant that isn't read; the text names it."""


@dataclass(frozen=True)
class Header:
    """What a photo's file says about itself.

    stored: (width, height) of the pixels as stored, before turning upright.
    exif, xmp, iptc, icc: the raw metadata blocks, b"" where absent.
    """

    format: ImageFormat
    stored: Size
    frames: int = 1
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


def read_header(data: bytes, image_format: ImageFormat) -> Header:
    """Raises DamagedFileError or UnsupportedVariantError."""
    readers = {"jpeg": _jpeg_header, "png": _png_header, "webp": _webp_header, "heic": _heic_header}
    try:
        return readers[image_format](data)
    except (struct.error, IndexError) as error:
        raise DamagedFileError("It ends within its header.") from error


def _header(image_format: ImageFormat, stored: Size, frames: int, blocks: dict[str, bytes]) -> Header:
    exif, xmp, iptc, icc = (blocks.get(name, b"") for name in ("exif", "xmp", "iptc", "icc"))
    return Header(image_format, stored, frames, exif, xmp, iptc, icc)


def pixels_only(data: bytes, image_format: ImageFormat) -> bytes:
    """The file, checked to be whole, without metadata, so that a decoder never parses more than pixels.

    JPEG: end marker present; PNG: checksums right. WebP and HEIC return as they are, their decoders need the whole.
    Raises DamagedFileError.
    """
    if image_format == "jpeg":
        return _jpeg_pixels(data)
    if image_format == "png":
        return _png_pixels(data)
    return data


# --- JPEG ---------------------------------------------------------------------------------------------------------


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """(marker, start, body, end) of each segment to the first SOS; start is at its 0xFF, body after the length."""
    position = 2
    for _ in range(MAX_BLOCKS):
        start = data.find(b"\xff", position)
        position = start + 1
        while start >= 0 and data[position] == 0xFF:
            position += 1
        if start < 0 or data[position] == EOI:
            raise DamagedFileError("It ends before its pixels.")
        marker = data[position]
        position += 1
        if marker == 0 or marker in STANDALONE_MARKERS:
            continue
        (length,) = struct.unpack_from(">H", data, position)
        if length < 2 or position + length > len(data):
            raise DamagedFileError("It ends within its header.")
        body, position = position + 2, position + length
        yield marker, start, body, position
        if marker == SOS:
            return
    raise DamagedFileError(f"It has more than {MAX_BLOCKS} segments.")


def _jpeg_header(data: bytes) -> Header:
    stored: Size | None = None
    blocks: dict[str, bytes] = {}
    profile: dict[int, bytes] = {}
    photoshop: list[bytes] = []
    for marker, _, begin, end in _jpeg_segments(data):
        body = data[begin:end]
        if marker in FRAME_MARKERS and stored is None:
            stored = _jpeg_frame(body)
        elif marker in OTHER_FRAME_MARKERS:
            raise UnsupportedVariantError("JPEG with lossless, hierarchical or arithmetic coding")
        elif marker == APP1 and body.startswith(EXIF_HEADER):
            blocks.setdefault("exif", body)
        elif marker == APP1 and body.startswith(XMP_HEADER):
            blocks.setdefault("xmp", body[len(XMP_HEADER) :])
        elif marker == APP2 and body.startswith(ICC_HEADER) and len(body) > len(ICC_HEADER) + 2:
            profile.setdefault(body[len(ICC_HEADER)], body[len(ICC_HEADER) + 2 :])
        elif marker == APP13 and body.startswith(metadata.PHOTOSHOP_HEADER):
            photoshop.append(body[len(metadata.PHOTOSHOP_HEADER) :])
    if stored is None:
        raise DamagedFileError("It has no frame header.")
    icc = b"".join(profile[number] for number in sorted(profile))
    blocks |= {"icc": icc if len(icc) <= MAX_PROFILE_BYTES else b"", "iptc": b"".join(photoshop)}
    return _header("jpeg", stored, 1, blocks)


def _jpeg_frame(body: bytes) -> Size:
    precision, height, width, components = struct.unpack_from(">BHHB", body)
    if precision != 8:
        raise UnsupportedVariantError(f"JPEG with {precision} bits a sample")
    if components not in (1, 3, 4):
        raise UnsupportedVariantError(f"JPEG with {components} components")
    if not height or not width:
        raise DamagedFileError(f"Its header gives a size of {width} x {height}.")
    return width, height


def _jpeg_pixels(data: bytes) -> bytes:
    kept = [data[:2]]
    for marker, start, _, end in _jpeg_segments(data):
        if marker in JPEG_PIXEL_MARKERS:
            kept.append(data[start:end])
        elif marker == SOS:
            kept.append(data[start : _jpeg_end(data, end)])
    return b"".join(kept)


def _jpeg_end(data: bytes, position: int) -> int:
    """The position after the end marker, walking the scans from the first one's entropy-coded data at position.

    Walking, not searching from behind: thumbnails and second pictures in trailers have end markers of their own.
    """
    scans = 1
    for _ in range(MAX_BLOCKS):
        found = _NEXT_MARKER.search(data, position)
        if found is None:
            break
        marker = found[1][0]
        position = found.end()
        if marker == EOI:
            return position
        scans += marker == SOS
        if scans > MAX_SCANS:
            raise DamagedFileError(f"It has more than {MAX_SCANS} scans.")
        position += int.from_bytes(data[position : position + 2], "big")
    raise DamagedFileError("It ends before its end marker.")


# --- PNG ----------------------------------------------------------------------------------------------------------


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(type, start, end) of each chunk to IEND; start is at the length, end after the checksum."""
    start = 8
    for _ in range(MAX_BLOCKS):
        if start + 12 > len(data):
            raise DamagedFileError("It ends before its end chunk.")
        length, kind = struct.unpack_from(">I4s", data, start)
        end = start + 12 + length
        if end > len(data):
            raise DamagedFileError("It ends before its end chunk.")
        yield kind, start, end
        if kind == b"IEND":
            return
        start = end
    raise DamagedFileError(f"It has more than {MAX_BLOCKS} chunks.")


def _png_header(data: bytes) -> Header:
    if data[12:16] != b"IHDR":
        raise DamagedFileError("It doesn't begin with a header chunk.")
    stored = struct.unpack_from(">II", data, 16)
    if not all(stored):
        raise DamagedFileError(f"Its header gives a size of {stored[0]} x {stored[1]}.")
    frames = 1
    blocks: dict[str, bytes] = {}
    pixels_seen = False
    for kind, start, end in _png_chunks(data):
        if kind == b"IDAT":
            pixels_seen = True
        elif kind == b"acTL" and not pixels_seen:
            (frames,) = struct.unpack_from(">I", data, start + 8)
        elif kind == b"iCCP":
            _, _, packed = data[start + 8 : end - 4].partition(b"\0")
            blocks.setdefault("icc", _inflated(packed[1:], MAX_PROFILE_BYTES))
        elif kind == b"eXIf":
            blocks.setdefault("exif", data[start + 8 : end - 4])
        elif kind == b"iTXt" and data.startswith(PNG_XMP_KEYWORD + b"\0", start + 8):
            blocks.setdefault("xmp", _international_text(data[start + 8 : end - 4]))
    if not pixels_seen:
        raise DamagedFileError("It has no pixels.")
    return _header("png", stored, frames, blocks)


def _international_text(body: bytes) -> bytes:
    """The text of an iTXt chunk: keyword, 0, compressed?, method, language, 0, translated keyword, 0, text."""
    _, _, rest = body.partition(b"\0")
    text = rest[2:].split(b"\0", 2)[-1]
    return _inflated(text, metadata.MAX_BLOCK_BYTES) if rest[:1] == b"\1" else text


def _inflated(packed: bytes, limit: int) -> bytes:
    """Never allocates more than limit; b"" when more is in it or it is damaged."""
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(packed, limit)
    except zlib.error:
        return b""
    return plain if inflater.eof else b""


def _png_pixels(data: bytes) -> bytes:
    """Only the chunks that carry pixels, with right checksums, which Pillow doesn't check for IDAT."""
    kept = [data[:8]]
    for kind, start, end in _png_chunks(data):
        if kind in PNG_PIXEL_CHUNKS:
            chunk = data[start:end]
            if zlib.crc32(memoryview(chunk)[4:-4]) != int.from_bytes(chunk[-4:], "big"):
                raise DamagedFileError(f"The checksum of its {kind.decode()} chunk is wrong.")
            kept.append(chunk)
    return b"".join(kept)


# --- WebP ---------------------------------------------------------------------------------------------------------


def _webp_header(data: bytes) -> Header:
    (length,) = struct.unpack_from("<I", data, 4)
    if 8 + length > len(data):
        raise DamagedFileError(f"It has {len(data)} of {8 + length} bytes.")
    sizes: list[Size] = []
    frames = 0
    blocks: dict[str, bytes] = {}
    names = {b"EXIF": "exif", b"XMP ": "xmp", b"ICCP": "icc"}
    start, end = 12, 8 + length
    for _ in range(MAX_BLOCKS):
        if start + 8 > end:
            break
        kind, size = struct.unpack_from("<4sI", data, start)
        body = start + 8
        if body + size > end:
            raise DamagedFileError("It ends within a chunk.")
        if kind in (b"VP8X", b"VP8 ", b"VP8L"):
            sizes.append(_webp_size(kind, data[body : body + 10]))
        elif kind == b"ANMF":
            frames += 1
        elif kind in names:
            blocks.setdefault(names[kind], data[body : body + size])
        start = body + size + size % 2
    if not sizes:
        raise DamagedFileError("It has no pixels.")
    # The canvas comes first; a bitstream that claims another size is the decoder's to refuse, but never gets past us
    # with more pixels than were counted.
    stored = max(sizes, key=lambda size: size[0] * size[1])
    return _header("webp", stored, max(frames, 1), blocks)


def _webp_size(kind: bytes, body: bytes) -> Size:
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", body, 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", body, 6)
    return width & 0x3FFF, height & 0x3FFF


# --- HEIC ---------------------------------------------------------------------------------------------------------


def _heic_header(data: bytes) -> Header:
    """Through pillow-heif, which reads the boxes now and the pixels only when asked."""
    pillow_heif = import_module("pillow_heif")  # an extra
    try:
        file = pillow_heif.HeifFile(data)
        primary = file[file.primary_index]
        names = {"exif": "exif", "xmp": "xmp", "icc": "icc_profile"}
        blocks = {ours: primary.info.get(theirs) or b"" for ours, theirs in names.items()}
        return _header("heic", primary.size, len(file), blocks)
    except (OSError, ValueError, SyntaxError, RuntimeError, EOFError) as error:
        raise DamagedFileError("Its header can't be read.") from error
