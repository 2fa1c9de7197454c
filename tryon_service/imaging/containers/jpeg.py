"""Structure of JPEG files, per ITU-T T.81."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from tryon_service.imaging import metadata
from tryon_service.imaging.containers.header import (
    MAX_BLOCKS,
    MAX_PROFILE_BYTES,
    DamagedFileError,
    Header,
    UnsupportedVariantError,
)
from tryon_service.types import Size

MAX_SCANS = 64
"""Scans of one JPEG; encoders write 1 to 15, and thousands over a large frame are a known way to burn hours of CPU."""

EOI, SOS, APP0, APP1, APP2, APP13, APP14 = 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xED, 0xEE
PROGRESSIVE = 0xC2
FRAME_MARKERS = {0xC0, 0xC1, PROGRESSIVE}
"""Baseline, extended and progressive Huffman: what cameras and programs write."""
OTHER_FRAME_MARKERS = set(range(0xC3, 0xD0)) - {0xC4, 0xC8, 0xCC}
STANDALONE_MARKERS = {0x01, *range(0xD0, 0xD8)}
PIXEL_MARKERS = {0xC4, 0xDB, 0xDD, APP0, APP14} | FRAME_MARKERS

EXIF_HEADER = b"Exif\0\0"
XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
ICC_HEADER = b"ICC_PROFILE\0"

BLOCK = 8
"""Samples of a block's side."""
COEFFICIENT_BYTES = 2
"""Of one coefficient in memory; there is one for each sample."""

_NEXT_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")


@dataclass(frozen=True)
class _Frame:
    """stored: (width, height) in pixels; sampling: (horizontal, vertical) factors, 1 to 4, of each component."""

    stored: Size
    sampling: tuple[tuple[int, int], ...]
    progressive: bool

    @property
    def coefficient_bytes(self) -> int:
        """Of the whole picture, which a decoder has to hold where a block's coefficients come in several scans."""
        widest, highest = (max(factors) for factors in zip(*self.sampling, strict=True))
        columns, rows = -(-self.stored[0] // (BLOCK * widest)), -(-self.stored[1] // (BLOCK * highest))
        blocks: int = columns * rows * sum(across * down for across, down in self.sampling)
        return blocks * BLOCK * BLOCK * COEFFICIENT_BYTES


def _segments(data: bytes) -> Iterator[tuple[int, int, int, int]]:
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


def read_header(data: bytes) -> Header:
    """Raises DamagedFileError, UnsupportedVariantError, struct.error or IndexError."""
    frame: _Frame | None = None
    scans_whole = False
    blocks: dict[str, bytes] = {}
    profile: dict[int, bytes] = {}
    photoshop: list[bytes] = []
    for marker, _, begin, end in _segments(data):
        body = data[begin:end]
        if marker in FRAME_MARKERS and frame is None:
            frame = _frame(marker, body)
        elif marker in OTHER_FRAME_MARKERS:
            raise UnsupportedVariantError("JPEG with lossless, hierarchical or arithmetic coding")
        elif marker == SOS:
            scans_whole = frame is not None and body[0] == len(frame.sampling)
        elif marker == APP1 and body.startswith(EXIF_HEADER):
            blocks.setdefault("exif", body)
        elif marker == APP1 and body.startswith(XMP_HEADER):
            blocks.setdefault("xmp", body[len(XMP_HEADER) :])
        elif marker == APP2 and body.startswith(ICC_HEADER) and len(body) > len(ICC_HEADER) + 2:
            profile.setdefault(body[len(ICC_HEADER)], body[len(ICC_HEADER) + 2 :])
        elif marker == APP13 and body.startswith(metadata.PHOTOSHOP_HEADER):
            photoshop.append(body[len(metadata.PHOTOSHOP_HEADER) :])
    if frame is None:
        raise DamagedFileError("It has no frame header.")
    icc = b"".join(profile[number] for number in sorted(profile))
    blocks |= {"icc": icc if len(icc) <= MAX_PROFILE_BYTES else b"", "iptc": b"".join(photoshop)}
    in_one_scan = scans_whole and not frame.progressive
    return Header("jpeg", frame.stored, 1, 0 if in_one_scan else frame.coefficient_bytes, **blocks)


def _frame(marker: int, body: bytes) -> _Frame:
    precision, height, width, components = struct.unpack_from(">BHHB", body)
    if precision != 8:
        raise UnsupportedVariantError(f"JPEG with {precision} bits a sample")
    if components not in (1, 3, 4):
        raise UnsupportedVariantError(f"JPEG with {components} components")
    if not height or not width:
        raise DamagedFileError(f"Its header gives a size of {width} x {height}.")
    sampling = tuple((body[at] >> 4, body[at] & 15) for at in range(7, 7 + 3 * components, 3))
    if not all(1 <= factor <= 4 for factors in sampling for factor in factors):
        raise DamagedFileError("Its header gives impossible sampling factors.")
    return _Frame((width, height), sampling, marker == PROGRESSIVE)


def pixels_only(data: bytes) -> bytes:
    """Only the tables and scans that make up the picture, to the end marker. Raises DamagedFileError."""
    kept = [data[:2]]
    for marker, start, _, end in _segments(data):
        if marker in PIXEL_MARKERS:
            kept.append(data[start:end])
        elif marker == SOS:
            kept.append(data[start : _end(data, end)])
    return b"".join(kept)


def _end(data: bytes, position: int) -> int:
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
