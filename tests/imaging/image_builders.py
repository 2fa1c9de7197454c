"""Small known pictures, files and colour profiles for the imaging tests."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Bytes = NDArray[np.uint8]

ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
DISPLAY_P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
"""XYZ of each primary under D50, rows red, green, blue: the ICC profiles' own numbers."""


def quadrants(width: int = 160, height: int = 200) -> Bytes:
    """Four flat colours, none alike, so every turn and flip shows: red, green / blue, yellow."""
    picture = np.empty((height, width, 3), np.uint8)
    x, y = width // 2, height // 2
    picture[:y, :x], picture[:y, x:] = (200, 30, 40), (30, 170, 60)
    picture[y:, :x], picture[y:, x:] = (40, 50, 190), (220, 210, 50)
    return picture


def smooth(width: int = 160, height: int = 200) -> Bytes:
    """Gentle gradients that survive lossy codecs within a few levels."""
    y, x = np.mgrid[:height, :width]
    channels = (60 + 120 * x / width, 200 - 100 * y / height, 90 + 60 * np.sin(x / 25) * np.cos(y / 30))
    return np.stack(channels, axis=-1).astype(np.uint8)


def file_of(picture: Bytes | Image.Image, image_format: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(file, format=image_format, **options)
    return file.getvalue()


def jpeg_segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def exif_block(orientation: int = 1, artist: str = "", copyright_: str = "") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    if artist:
        exif[0x013B] = artist
    if copyright_:
        exif[0x8298] = copyright_
    return exif.tobytes()


def xmp_packet(description: str, attributes: str = "") -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        f' xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" {attributes}>{description}</rdf:Description>'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()


def _tags_to_profile(space: bytes, pcs: bytes, tags: dict[bytes, bytes]) -> bytes:
    position = 128 + 4 + 12 * len(tags)
    table, bodies = struct.pack(">I", len(tags)), b""
    for name, body in tags.items():
        padded = body + b"\0" * (-len(body) % 4)
        table += name + struct.pack(">II", position + len(bodies), len(body))
        bodies += padded
    head = struct.pack(">I4sI4s4s4s", position + len(bodies), b"none", 0x02400000, b"mntr", space, pcs)
    illuminant = struct.pack(">iii", 0xF6D6, 0x10000, 0xD32D)
    header = head + bytes(12) + b"acsp" + bytes(28) + illuminant + bytes(48)
    return header + table + bodies


def _text(words: bytes) -> bytes:
    return b"desc" + bytes(4) + struct.pack(">I", len(words) + 1) + words + b"\0" + bytes(78)


def matrix_profile(primaries: tuple[tuple[float, float, float], ...], gamma: float = 2.2) -> bytes:
    """An ICC v2 display profile: three primaries and one gamma."""

    def xyz(values: tuple[float, ...]) -> bytes:
        return b"XYZ " + bytes(4) + struct.pack(">iii", *(round(value * 65536) for value in values))

    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    tags = {b"desc": _text(b"made for a test"), b"cprt": b"text" + bytes(4) + b"none\0"}
    tags |= {b"wtpt": xyz((0.9642, 1.0, 0.8249))}
    tags |= {name: xyz(row) for name, row in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)}
    return _tags_to_profile(b"RGB ", b"XYZ ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))


def cmyk_profile() -> bytes:
    """An ICC v2 printer profile (lut8): lightness falls with the sum of the inks, always neutral."""
    inks = np.indices((2, 2, 2, 2)).reshape(4, -1).sum(axis=0)
    lab = np.stack((255 - inks * 60, np.full(16, 128), np.full(16, 128)), axis=-1).astype(np.uint8)
    identity = bytes(range(256))
    matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + identity * 4 + lab.tobytes() + identity * 3
    white = b"XYZ " + bytes(4) + struct.pack(">iii", 0xF6D6, 0x10000, 0xD32D)
    tags = {b"desc": _text(b"inks"), b"cprt": b"text" + bytes(4) + b"none\0", b"wtpt": white, b"A2B0": table}
    return _tags_to_profile(b"CMYK", b"Lab ", tags | {b"A2B1": table})


def grey_profile(gamma: float) -> bytes:
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    white = b"XYZ " + bytes(4) + struct.pack(">iii", 0xF6D6, 0x10000, 0xD32D)
    tags = {b"desc": _text(b"grey"), b"cprt": b"text" + bytes(4) + b"none\0", b"wtpt": white, b"kTRC": curve}
    return _tags_to_profile(b"GRAY", b"XYZ ", tags)


def srgb_of(rgb: tuple[int, int, int], primaries: tuple[tuple[float, float, float], ...], gamma: float) -> Bytes:
    """The colour in sRGB by the textbook: linearise, to XYZ, to linear sRGB, clip, encode (IEC 61966-2-1)."""
    xyz = (np.array(rgb) / 255) ** gamma @ np.array(primaries)
    linear = np.clip(xyz @ np.linalg.inv(np.array(SRGB)), 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(encoded * 255).astype(np.uint8)


def difference(first: Bytes, second: Bytes) -> int:
    """The largest between two pictures, in levels."""
    return int(np.abs(first.astype(int) - second).max())
