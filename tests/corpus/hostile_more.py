"""Hostile files beyond tests/corpus/hostile, made when they are needed because they are large or many.

    files = {**committed(), **more()}      # name -> bytes, always the same

None of them shows a person: whatever can be decoded at all has to be refused for that.
"""

from __future__ import annotations

import base64
import io
import json
import struct
import zipfile
import zlib

import numpy as np
from corpus.make_hostile import EOI, FOLDER, SIDE, SOF0, SOS, chunk, inserted, png, riff, saved, segment
from PIL import Image

DEEP = 5000
"""Pixels of a side, the most that a file other than JPEG may have."""
LARGE = 7700
"""Pixels of a side, nearly the most that a JPEG may have."""


def committed() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir())}


def landscape() -> Image.Image:
    """A picture of nobody: sky over a field."""
    picture = Image.new("RGB", (SIDE, SIDE), (150, 190, 230))
    picture.paste((90, 140, 60), (0, SIDE // 2, SIDE, SIDE))
    return picture


def more() -> dict[str, bytes]:
    return {**large(), **unusual(), **polyglots(), **damaged(), **not_photos()}


def large() -> dict[str, bytes]:
    """As much to decode as the limits allow, in few bytes."""
    flat = Image.new("RGB", (LARGE, LARGE), (200, 180, 160))
    return {
        "large_jpeg.jpg": saved(flat, "JPEG", quality=10),
        "large_grey.jpg": saved(flat.convert("L"), "JPEG", quality=10),
        "large_interlaced.png": saved_interlaced(2000),
        "large_1_bit.png": saved(Image.new("1", (DEEP, DEEP)), "PNG"),
        "large_progressive.jpg": saved(flat, "JPEG", quality=10, progressive=True),
        "large_lossless.webp": saved(Image.new("RGBA", (DEEP, DEEP)), "WEBP", lossless=True, method=0),
        "large_sliver.png": _flat_png(60_000, 200, depth=8, colour=0, pixel=b"\x80"),
        "too_large_16_bit.png": _flat_png(DEEP + 1, DEEP, depth=16, colour=6, pixel=bytes(8), rows=1),
    }


def costly() -> dict[str, bytes]:
    """The photos that need the most memory of all that are let in, each as large as its kind may be."""
    clear = (9, 9, 9, 128)
    return {
        "costly_baseline.jpg": saved(Image.new("RGB", (4090, 4090)), "JPEG", quality=10, subsampling=0),
        "costly_progressive.jpg": saved(Image.new("RGB", (4990, 4990)), "JPEG", quality=10, progressive=True),
        "costly_four_inks.jpg": saved(Image.new("CMYK", (3050, 3050)), "JPEG", quality=10, progressive=True),
        "costly_16_bit.png": _flat_png(DEEP, depth=16, colour=6, pixel=bytes(8)),
        "costly_palette.png": saved(Image.new("P", (DEEP, DEEP)), "PNG", transparency=0),
        "costly_lossless.webp": saved(Image.new("RGBA", (4330, 4330), clear), "WEBP", lossless=True, method=0),
        "costly_lossy.webp": saved(Image.new("RGB", (DEEP, DEEP)), "WEBP", quality=10, method=0),
    }


def unusual() -> dict[str, bytes]:
    """Right by the book, and seldom seen."""
    cmyk = landscape().convert("CMYK")
    plain = saved(landscape(), "JPEG", quality=70)
    deep = np.asarray(landscape().convert("L"), np.uint16) * 257
    exif = Image.Exif()
    exif[0x0112] = 8
    wrong = Image.Exif()
    wrong[0x0112] = 99
    return {
        "cmyk.jpg": saved(cmyk, "JPEG"),
        "cmyk_without_adobe.jpg": _without_app14(saved(cmyk, "JPEG")),
        "grey_16_bit.png": saved(Image.fromarray(deep), "PNG"),
        "grey_1_bit.png": saved(landscape().convert("1"), "PNG"),
        "clear.png": saved(Image.new("RGBA", (SIDE, SIDE)), "PNG"),
        "clear.webp": saved(Image.new("RGBA", (SIDE, SIDE)), "WEBP", lossless=True),
        "turned.jpg": saved(landscape(), "JPEG", exif=exif),
        "turned_nowhere.jpg": saved(landscape(), "JPEG", exif=wrong),
        "exif_of_64_kb.jpg": inserted(plain, segment(0xE1, b"Exif\0\0" + bytes(65_000))),
        "comments.jpg": inserted(plain, *[segment(0xFE, b"x" * 60_000)] * 50),
        "two_in_one.jpg": plain + plain,
        "noise_256.png": saved(
            Image.fromarray(np.random.default_rng(2).integers(0, 256, (256, 256, 3), np.uint8)), "PNG"
        ),
    }


def polyglots() -> dict[str, bytes]:
    """Photos that are something else besides, and something else that begins like a photo."""
    plain = saved(landscape(), "JPEG", quality=70)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr(zipfile.ZipInfo("../../evil.txt"), "evil")
    script = b"<script>alert(1)</script>"
    return {
        "photo_and_archive.jpg": plain + archive.getvalue(),
        "photo_and_page.png": png(
            chunk(b"tEXt", b"Comment\0" + script), chunk(b"IDAT", zlib.compress(bytes(SIDE * (3 * SIDE + 1))))
        ),
        "photo_and_script.jpg": inserted(plain, segment(0xFE, b"*/=alert(1);/*")),
        "page_like_a_photo.jpg": b"\xff\xd8\xff\xe0" + script * 20,
        "drawing_like_a_photo.png": b"\x89PNG\r\n\x1a\n<svg xmlns='http://www.w3.org/2000/svg'/>",
        "document_with_photo.pdf": b"%PDF-1.4\n" + plain,
        "archive.jpg": archive.getvalue(),
        "program.jpg": b"\x7fELF\x02\x01\x01" + bytes(200),
        "shell.jpg": b"#!/bin/sh\ntouch /tmp/evil\n",
    }


def damaged() -> dict[str, bytes]:
    """Photos that somebody has worked on."""
    plain = saved(landscape(), "JPEG", quality=70)
    progressive = saved(landscape(), "JPEG", quality=70, progressive=True)
    dice = np.random.default_rng(3)
    at, end = plain.index(SOS) + 14, len(plain) - 2
    flipped = bytearray(plain)
    for place in dice.integers(at, end, 60):
        flipped[place] ^= 0x55
    frame = plain[plain.index(SOF0) : plain.index(SOF0) + 19]
    scans = progressive[progressive.rindex(SOS) : -2] * 5000
    return {
        "flipped_bits.jpg": bytes(flipped),
        "two_frames.jpg": plain[: plain.index(SOF0)] + frame + plain[plain.index(SOF0) :],
        "5000_scans.jpg": progressive[:-2] + scans + EOI,
        "10000_frames.png": png(
            chunk(b"acTL", struct.pack(">II", 10_000, 0)), chunk(b"IDAT", zlib.compress(bytes(SIDE * (3 * SIDE + 1))))
        ),
        "no_webp_in_it.webp": riff((b"JUNK", bytes(100))),
        "webp_size_of_4_gigabytes.webp": b"RIFF\xff\xff\xff\xffWEBPVP8 \xff\xff\xff\xff" + bytes(50),
        "one_byte.jpg": b"\xff",
    }


def not_photos() -> dict[str, bytes]:
    """What people send by mistake, or to see what happens."""
    return {
        "path.jpg": b"file:///etc/hostname",
        "url.jpg": b"http://127.0.0.1:8080/metrics",
        "data_url.jpg": b"data:image/png;base64," + base64.b64encode(saved(landscape(), "PNG")),
        "values.json": json.dumps({"image": [1, 2, 3]}).encode(),
        "photoshop.psd": b"8BPS\0\1" + bytes(200),
        "jpeg_xl.jxl": b"\xff\x0a" + bytes(200),
    }


def saved_interlaced(side: int) -> bytes:
    """An interlaced PNG of one grey; Pillow writes none. Adam7's seven passes are rows like any others."""
    rows = b""
    for x0, y0, dx, dy in (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):
        width, height = -(-(side - x0) // dx), -(-(side - y0) // dy)
        rows += (b"\0" + b"\x80" * width) * height
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 1))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def _flat_png(width: int, height: int = 0, *, depth: int, colour: int, pixel: bytes, rows: int = 0) -> bytes:
    """One colour all over. height: the width where it is 0; rows: how many are really there, all where it is 0."""
    height = height or width
    row, packer = b"\0" + pixel * width, zlib.compressobj(1)
    data = b"".join(packer.compress(row) for _ in range(rows or height)) + packer.flush()
    return png(chunk(b"IDAT", data), width=width, height=height, depth=depth, colour=colour)


def _without_app14(jpeg: bytes) -> bytes:
    at = jpeg.index(b"\xff\xee")
    return jpeg[:at] + jpeg[at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big") :]
