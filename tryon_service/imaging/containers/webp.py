"""Structure of WebP files, per RFC 9649."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from tryon_service.imaging.containers.header import MAX_BLOCKS, DamagedFileError, Header
from tryon_service.types import Size

EXTENDED, LOSSY, LOSSLESS, ALPHA, ANIMATION, FRAME = b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"
PIXEL_CHUNKS = {EXTENDED, LOSSY, LOSSLESS, ALPHA, ANIMATION, FRAME}
METADATA_CHUNKS = {b"EXIF": "exif", b"XMP ": "xmp", b"ICCP": "icc"}
METADATA_FLAGS = 0x2C
"""In an extended file's first byte: it has a profile, Exif, XMP."""

OPAQUE_BYTES, CLEAR_BYTES, ANIMATED_BYTES = 3, 4, 12
"""For a pixel, besides the picture itself. A decoder holds it twice, in three colours where it is lossy and opaque and
in four otherwise, and of an animation, even of one frame, two canvases more."""


def read_header(data: bytes) -> Header:
    """Raises DamagedFileError, struct.error or IndexError."""
    sizes: list[Size] = []
    frames = 0
    pixel_bytes = OPAQUE_BYTES
    blocks: dict[str, bytes] = {}
    for kind, begin, end in _chunks(data):
        if kind in (EXTENDED, LOSSY, LOSSLESS):
            sizes.append(_size(kind, data[begin : begin + 10]))
        if kind in (LOSSLESS, ALPHA):
            pixel_bytes = max(pixel_bytes, CLEAR_BYTES)
        elif kind == FRAME:
            frames, pixel_bytes = frames + 1, ANIMATED_BYTES
        elif kind in METADATA_CHUNKS:
            blocks.setdefault(METADATA_CHUNKS[kind], data[begin:end])
    if not sizes:
        raise DamagedFileError("It has no pixels.")
    # The canvas comes first; a bitstream that claims another size is the decoder's to refuse, but never gets past us
    # with more pixels than were counted.
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return Header("webp", (width, height), max(frames, 1), width * height * pixel_bytes, **blocks)


def pixels_only(data: bytes) -> bytes:
    """Only the chunks that carry pixels; the file itself where it has no others. Raises DamagedFileError."""
    chunks = list(_chunks(data))
    if all(kind in PIXEL_CHUNKS for kind, _, _ in chunks):
        return data
    kept = [data[begin - 8 : end + (end - begin) % 2] for kind, begin, end in chunks if kind in PIXEL_CHUNKS]
    if kept and kept[0].startswith(EXTENDED):
        kept[0] = kept[0][:8] + bytes([kept[0][8] & ~METADATA_FLAGS]) + kept[0][9:]
    return b"RIFF" + struct.pack("<I", 4 + sum(map(len, kept))) + b"WEBP" + b"".join(kept)


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(kind, begin, end) of each chunk's body."""
    (length,) = struct.unpack_from("<I", data, 4)
    if 8 + length > len(data):
        raise DamagedFileError(f"It has {len(data)} of {8 + length} bytes.")
    start, end = 12, 8 + length
    for _ in range(MAX_BLOCKS):
        if start + 8 > end:
            return
        kind, size = struct.unpack_from("<4sI", data, start)
        begin = start + 8
        if begin + size > end:
            raise DamagedFileError("It ends within a chunk.")
        yield kind, begin, begin + size
        start = begin + size + size % 2


def _size(kind: bytes, body: bytes) -> Size:
    if kind == EXTENDED:
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == LOSSLESS:
        (bits,) = struct.unpack_from("<I", body, 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", body, 6)
    return width & 0x3FFF, height & 0x3FFF
