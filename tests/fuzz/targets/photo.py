"""Photos from strangers: the gateway's look, the header, the decoder and what is taken from metadata."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator

from tests.corpus import make_hostile
from tests.fuzz.oracles import affordable, outcome
from tryon_service.gateway.intake import check_photo
from tryon_service.imaging.containers.formats import pixels_only, read_header
from tryon_service.imaging.decode import decode
from tryon_service.imaging.frames import fit_size
from tryon_service.imaging.limits import Limits, inspect

LIMITS = Limits(
    jpeg_pixels=2_000_000,
    other_pixels=1_000_000,
    jpeg_bytes=200_000,
    other_bytes=100_000,
    decoder_bytes=4_000_000,
    smallest_side=16,
)
"""Small, so that a run tries much and a decoder that goes beyond them stands out."""
MAX_SIDE = 200
SECONDS, MEGABYTES = 3.0, 48.0
"""Of CPU and of memory for one photo within the limits: several times what the largest of them takes."""
CODES = (
    "not_an_image", "unsupported_format", "truncated_image", "too_many_bytes", "too_many_frames", "too_many_pixels",
    "image_too_small",
)  # fmt: skip
WORDS = (
    b"\xff\xd8\xff", b"\xff\xc0", b"\xff\xc2", b"\xff\xc4", b"\xff\xda", b"\xff\xdb", b"\xff\xdd", b"\xff\xe1",
    b"\xff\xe2", b"\xff\xed", b"\xff\xee", b"\xff\xd9", b"Exif\0\0", b"ICC_PROFILE\0", b"Adobe", b"Photoshop 3.0\0",
    b"\x89PNG\r\n\x1a\n", b"IHDR", b"IDAT", b"IEND", b"PLTE", b"tRNS", b"acTL", b"iCCP", b"iTXt", b"zTXt", b"eXIf",
    b"RIFF", b"WEBP", b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"XMP ", b"ftypheic",
    b"ftypmif1", b"ftypavif", b"<svg ", b"GIF89a",
)  # fmt: skip


def seeds() -> Iterator[bytes]:
    for path in sorted(make_hostile.FOLDER.iterdir()):
        if path.stat().st_size < 8_000:
            yield path.read_bytes()
    for kind in ("JPEG", "PNG", "WEBP"):
        yield make_hostile.saved(make_hostile.drawing(40, 56), kind)


def check(data: bytes) -> None:
    _check(data)
    if data.startswith(b"\x89PNG"):
        _check(with_right_checksums(data))  # else few changes would come past them


def _check(data: bytes) -> None:
    header = outcome(lambda: inspect(data, "shopper", LIMITS), *CODES)
    with affordable(SECONDS, MEGABYTES):
        photo = outcome(lambda: decode(data, "shopper", MAX_SIDE, LIMITS), *CODES)
    if header is None:
        assert photo is None, "what the header rules out is never decoded"
        return
    outcome(lambda: check_photo(data, "shopper"), *() if data else ("missing_field",))  # the gateway refuses no more
    if photo is None:
        return
    assert photo.size == header.size
    assert photo.digest == hashlib.sha256(data).hexdigest()
    assert photo.rgb.shape[1::-1] == fit_size(header.size, (MAX_SIDE, MAX_SIDE))
    if header.format != "heic":
        bare = read_header(pixels_only(data, header.format), header.format)
        assert (bare.exif, bare.xmp, bare.iptc, bare.icc) == (b"",) * 4, "metadata reaches no decoder"


def with_right_checksums(data: bytes) -> bytes:
    """A PNG whose chunks have the checksums that belong to them."""
    out, at = [data[:8]], 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if at + 12 + length > len(data):
            break
        body = data[at + 4 : at + 8 + length]
        out.append(data[at : at + 4] + body + struct.pack(">I", zlib.crc32(body)))
        at += 12 + length
    return b"".join((*out, data[at:]))
