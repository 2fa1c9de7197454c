"""Writes tests/corpus/hostile: small drawn pictures, then broken, bloated, disguised or merely odd in one way each.

Run from anywhere: python tests/corpus/make_hostile.py. The files are committed, so that tests don't depend on an
encoder's version; tests/imaging/test_hostile.py says what each must lead to.
"""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

FOLDER = Path(__file__).parent / "hostile"
SIDE = 144

SOF0, SOS, DHT, EOI = b"\xff\xc0", b"\xff\xda", b"\xff\xc4", b"\xff\xd9"


def drawing(width: int = SIDE, height: int = SIDE) -> Image.Image:
    """A figure of flat colours, so that files stay small."""
    picture = Image.new("RGB", (width, height), (225, 230, 235))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((0.4 * width, 0.08 * height, 0.6 * width, 0.3 * height), fill=(200, 150, 120))
    draw.rectangle((0.3 * width, 0.3 * height, 0.7 * width, 0.65 * height), fill=(180, 40, 60))
    draw.rectangle((0.35 * width, 0.65 * height, 0.65 * width, 0.97 * height), fill=(40, 60, 110))
    return picture


def saved(picture: Image.Image, image_format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, format=image_format, **options)
    return file.getvalue()


# --- JPEG ---------------------------------------------------------------------------------------------------------


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def with_frame(jpeg: bytes, width: int, height: int) -> bytes:
    """The same file claiming another size."""
    at = jpeg.index(SOF0) + 5
    return jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :]


def with_frame_marker(jpeg: bytes, marker: int) -> bytes:
    at = jpeg.index(SOF0) + 1
    return jpeg[:at] + bytes([marker]) + jpeg[at + 1 :]


def inserted(jpeg: bytes, *segments: bytes) -> bytes:
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def jpegs() -> dict[str, bytes]:
    plain = saved(drawing(), "JPEG", quality=70)
    progressive = saved(drawing(), "JPEG", quality=70, progressive=True)
    thumbnail = saved(drawing(32, 32), "JPEG")
    last_scan = progressive[progressive.rindex(SOS) : -2]
    frame, huffman = plain.index(SOF0), plain.index(DHT)
    laughs = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    xmp = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">{laughs}]><x>&a9;</x>'.encode()
    return {
        "jpeg_cut_in_scan.jpg": plain[: len(plain) * 4 // 5],
        "jpeg_cut_in_header.jpg": plain[: frame + 6],
        "jpeg_cut_before_scan.jpg": plain[: plain.index(SOS)],
        "jpeg_signature_only.jpg": plain[:3],
        "jpeg_no_end_marker.jpg": plain[:-2],
        "jpeg_progressive_cut.jpg": progressive[: len(progressive) * 3 // 4],
        "jpeg_cut_with_thumbnail.jpg": inserted(plain, segment(0xE1, b"Exif\0\0" + thumbnail))[:-200],
        "jpeg_bad_huffman_table.jpg": plain[: huffman + 5] + b"\xff" * 16 + plain[huffman + 21 :],
        "jpeg_no_tables.jpg": plain[:2] + plain[frame : frame + 19] + plain[plain.index(SOS) :],
        "jpeg_zero_height.jpg": with_frame(plain, SIDE, 0),
        "jpeg_100_scans.jpg": progressive[:-2] + last_scan * 100 + EOI,
        "jpeg_100_megapixels.jpg": with_frame(plain, 10_000, 10_000),
        "jpeg_65535_x_65535.jpg": with_frame(plain, 65_535, 65_535),
        "jpeg_taller_than_its_data.jpg": with_frame(plain, SIDE, 6000),
        "jpeg_12_bit.jpg": plain[: frame + 4] + b"\x0c" + plain[frame + 5 :],
        "jpeg_lossless.jpg": with_frame_marker(plain, 0xC3),
        "jpeg_arithmetic.jpg": with_frame_marker(plain, 0xC9),
        "jpeg_thumbnail_64.jpg": saved(drawing(64, 64), "JPEG"),
        "jpeg_sliver.jpg": saved(drawing(2000, 16), "JPEG"),
        "jpeg_progressive.jpg": progressive,
        "jpeg_billion_laughs.jpg": inserted(plain, segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp)),
        "jpeg_exif_out_of_bounds.jpg": inserted(plain, segment(0xE1, b"Exif\0\0II*\0" + b"\xff" * 40)),
        "jpeg_exif_endless.jpg": inserted(
            plain, segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\0\x03\0\0\0\x01\0\x63\0\0" * 900)
        ),
        "jpeg_bad_profile.jpg": inserted(plain, segment(0xE2, b"ICC_PROFILE\0\1\1" + b"\xaa" * 200)),
        "jpeg_bad_iptc.jpg": inserted(
            plain, segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\xff\xff\xff\xff\x1c\x02\x50\xff\xff\xff")
        ),
        "jpeg_pictures_in_trailer.jpg": plain + thumbnail + bytes(500),
        "jpeg_fill_bytes.jpg": plain[:frame] + b"\xff" * 300 + plain[frame:],
    }


# --- PNG ----------------------------------------------------------------------------------------------------------


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*middle: bytes, width: int = SIDE, height: int = SIDE, depth: int = 8, colour: int = 2) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(middle) + chunk(b"IEND", b"")


def png_rows(picture: Image.Image, rows: int | None = None) -> bytes:
    """Unfiltered scan lines, as many as asked."""
    pixels = np.asarray(picture)[:rows]
    return b"".join(b"\0" + row.tobytes() for row in pixels)


def pngs() -> dict[str, bytes]:
    rows = png_rows(drawing())
    idat = chunk(b"IDAT", zlib.compress(rows, 9))
    plain = png(idat)
    zeros = zlib.compress(bytes(30_000_000), 9)
    frame_control = struct.pack(">IIIIIHHBB", 0, SIDE, SIDE, 0, 0, 1, 10, 0, 0)
    second = struct.pack(">IIIIIHHBB", 1, SIDE, SIDE, 0, 0, 1, 10, 0, 0)
    frame_data = chunk(b"fdAT", struct.pack(">I", 2) + zlib.compress(rows, 9))
    at = plain.index(b"IDAT")
    return {
        "png_bomb.png": png(chunk(b"IDAT", zlib.compress(bytes(100_000), 9)), width=60_000, height=60_000),
        "png_largest_size.png": png(idat, width=2**31 - 1, height=2**31 - 1),
        "png_more_pixels_than_it_says.png": png(chunk(b"IDAT", zeros)),
        "png_text_bomb.png": png(chunk(b"zTXt", b"Comment\0\0" + zeros), idat),
        "png_xmp_bomb.png": png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zeros), idat),
        "png_profile_bomb.png": png(chunk(b"iCCP", b"profile\0\0" + zeros), idat),
        "png_bad_header_checksum.png": plain[:29] + b"\0\0\0\0" + plain[33:],
        "png_bad_data_checksum.png": plain[: at + 60] + bytes([plain[at + 60] ^ 1]) + plain[at + 61 :],
        "png_bad_deflate.png": png(chunk(b"IDAT", b"\x78\xda" + b"\xff" * 200)),
        "png_too_few_rows.png": png(chunk(b"IDAT", zlib.compress(png_rows(drawing(), SIDE // 2), 9))),
        "png_bad_filter.png": png(chunk(b"IDAT", zlib.compress(b"\x09" + rows[1:], 9))),
        "png_cut.png": plain[: len(plain) // 2],
        "png_no_end.png": plain[:-12],
        "png_no_pixels.png": png(),
        "png_signature_only.png": plain[:8],
        "png_chunk_of_4_gigabytes.png": plain[:33] + b"\xff\xff\xff\xfftEXt" + plain[33:],
        "png_zero_width.png": png(idat, width=0),
        "png_depth_7.png": png(idat, depth=7),
        "png_no_palette.png": png(idat, colour=3),
        "png_animated.png": png(
            chunk(b"acTL", struct.pack(">II", 2, 0)),
            chunk(b"fcTL", frame_control),
            idat,
            chunk(b"fcTL", second),
            frame_data,
        ),
        "png_animation_of_one.png": png(chunk(b"acTL", struct.pack(">II", 1, 0)), chunk(b"fcTL", frame_control), idat),
        "png_thumbnail_64.png": saved(drawing(64, 64), "PNG"),
    }


# --- WebP ---------------------------------------------------------------------------------------------------------


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def canvas(width: int, height: int, flags: int = 0) -> tuple[bytes, bytes]:
    return b"VP8X", struct.pack("<I", flags) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


def webps() -> dict[str, bytes]:
    plain = saved(drawing(), "WEBP", quality=50)
    bitstream = plain[20:]
    huge = bitstream[:6] + struct.pack("<HH", 16_000, 16_000) + bitstream[10:]
    frames = [drawing(), drawing().transpose(Image.Transpose.FLIP_TOP_BOTTOM)]
    return {
        "webp_animated.webp": saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], quality=50),
        "webp_cut.webp": plain[: len(plain) // 2],
        "webp_cut_quietly.webp": riff((b"VP8 ", bitstream[: len(bitstream) // 2])),
        "webp_header_only.webp": plain[:16],
        "webp_empty.webp": riff(),
        "webp_bomb.webp": riff(canvas(2**24, 2**24), (b"VP8 ", bitstream)),
        "webp_canvas_lies.webp": riff(canvas(SIDE, SIDE), (b"VP8 ", huge)),
        "webp_canvas_lies_a_little.webp": riff(canvas(SIDE + 56, SIDE + 56), (b"VP8 ", bitstream)),
        "webp_frame_outside.webp": riff(
            canvas(SIDE, SIDE, flags=2),
            (b"ANIM", bytes(6)),
            (b"ANMF", b"\xff\xff\0" + bytes(13) + b"VP8 " + struct.pack("<I", len(bitstream)) + bitstream),
        ),
        "webp_garbage.webp": riff((b"VP8 ", b"\x10\x02\0\x9d\x01\x2a\x90\0\x90\0" + bytes(range(256)))),
    }


# --- Everything else ----------------------------------------------------------------------------------------------


def others() -> dict[str, bytes]:
    palette = drawing().quantize(8)
    turned = palette.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    small = drawing(48, 48)
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="400" height="400"><circle cx="9" cy="9" r="9"/></svg>'
    entity = b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/hostname">]>\n'
    return {
        "still.gif": saved(palette, "GIF"),
        "animated.gif": saved(palette, "GIF", save_all=True, append_images=[turned], duration=100),
        "drawing.svg": svg,
        "entity.svg": entity + svg,
        "utf16.svg": svg.decode().encode("utf-16"),
        "program.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 400 400\n(/etc/hostname) (r) file\n",
        "document.pdf": b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n",
        "picture.tiff": saved(small, "TIFF", compression="tiff_lzw"),
        "picture.bmp": saved(small.convert("L"), "BMP"),
        "picture.ico": saved(small, "ICO"),
        "picture.avif": saved(drawing(), "AVIF"),
        "film.mp4": b"\0\0\0\x18ftypisom\0\0\2\0isomiso2\0\0\0\x08free",
        "empty.jpg": b"",
        "zeros.jpg": bytes(1000),
        "noise.jpg": np.random.default_rng(1).integers(0, 256, 1000, np.uint8).tobytes(),
        "page.jpg": b"<!DOCTYPE html><html><body>404 Not Found</body></html>\n",
        "archive.png": b"PK\x05\x06" + bytes(18),
    }


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for stale in FOLDER.iterdir():
        stale.unlink()
    for name, data in {**jpegs(), **pngs(), **webps(), **others()}.items():
        (FOLDER / name).write_bytes(data)


if __name__ == "__main__":
    main()
