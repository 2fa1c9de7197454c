"""Structure of PNG files, per PNG 3rd edition."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from tryon_service.imaging import metadata
from tryon_service.imaging.containers.header import MAX_BLOCKS, MAX_PROFILE_BYTES, DamagedFileError, Header

PIXEL_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
XMP_KEYWORD = b"XML:com.adobe.xmp"


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
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


def read_header(data: bytes) -> Header:
    """Raises DamagedFileError, struct.error or IndexError."""
    if data[12:16] != b"IHDR":
        raise DamagedFileError("It doesn't begin with a header chunk.")
    stored = struct.unpack_from(">II", data, 16)
    if not all(stored):
        raise DamagedFileError(f"Its header gives a size of {stored[0]} x {stored[1]}.")
    frames = 1
    blocks: dict[str, bytes] = {}
    pixels_seen = False
    for kind, start, end in _chunks(data):
        if kind == b"IDAT":
            pixels_seen = True
        elif kind == b"acTL" and not pixels_seen:
            (frames,) = struct.unpack_from(">I", data, start + 8)
        elif kind == b"iCCP":
            _, _, packed = data[start + 8 : end - 4].partition(b"\0")
            blocks.setdefault("icc", _inflated(packed[1:], MAX_PROFILE_BYTES))
        elif kind == b"eXIf":
            blocks.setdefault("exif", data[start + 8 : end - 4])
        elif kind == b"iTXt" and data.startswith(XMP_KEYWORD + b"\0", start + 8):
            blocks.setdefault("xmp", _international_text(data[start + 8 : end - 4]))
    if not pixels_seen:
        raise DamagedFileError("It has no pixels.")
    return Header("png", stored, frames, 0, **blocks)


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


def pixels_only(data: bytes) -> bytes:
    """Only the chunks that carry pixels, with right checksums, which Pillow doesn't check for IDAT.

    Raises DamagedFileError.
    """
    kept = [data[:8]]
    for kind, start, end in _chunks(data):
        if kind in PIXEL_CHUNKS:
            chunk = data[start:end]
            if zlib.crc32(memoryview(chunk)[4:-4]) != int.from_bytes(chunk[-4:], "big"):
                raise DamagedFileError(f"The checksum of its {kind.decode()} chunk is wrong.")
            kept.append(chunk)
    return b"".join(kept)
