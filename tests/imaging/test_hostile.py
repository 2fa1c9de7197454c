"""Every file of tests/corpus/hostile: the code it must lead to, without warnings, much time or much memory."""

from __future__ import annotations

import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest

from tryon_service.errors import InputError
from tryon_service.imaging.decode import decode
from tryon_service.imaging.limits import inspect

HOSTILE = Path(__file__).parents[1] / "corpus" / "hostile"

FINE = ""
EXPECTED = {
    "not_an_image": ["archive.png", "empty.jpg", "noise.jpg", "page.jpg", "zeros.jpg"],
    "unsupported_format": [
        "document.pdf",
        "drawing.svg",
        "entity.svg",
        "film.mp4",
        "jpeg_12_bit.jpg",
        "jpeg_arithmetic.jpg",
        "jpeg_lossless.jpg",
        "picture.avif",
        "picture.bmp",
        "picture.ico",
        "picture.tiff",
        "program.eps",
        "still.gif",
        "utf16.svg",
    ],
    "truncated_image": [
        "jpeg_100_scans.jpg",
        "jpeg_bad_huffman_table.jpg",
        "jpeg_cut_before_scan.jpg",
        "jpeg_cut_in_header.jpg",
        "jpeg_cut_in_scan.jpg",
        "jpeg_cut_with_thumbnail.jpg",
        "jpeg_no_end_marker.jpg",
        "jpeg_no_tables.jpg",
        "jpeg_progressive_cut.jpg",
        "jpeg_signature_only.jpg",
        "jpeg_zero_height.jpg",
        "png_bad_data_checksum.png",
        "png_bad_deflate.png",
        "png_bad_filter.png",
        "png_bad_header_checksum.png",
        "png_chunk_of_4_gigabytes.png",
        "png_cut.png",
        "png_depth_7.png",
        "png_no_end.png",
        "png_no_palette.png",
        "png_no_pixels.png",
        "png_signature_only.png",
        "png_zero_width.png",
        "webp_canvas_lies_a_little.webp",
        "webp_cut.webp",
        "webp_cut_quietly.webp",
        "webp_empty.webp",
        "webp_frame_outside.webp",
        "webp_garbage.webp",
        "webp_header_only.webp",
    ],
    "too_many_pixels": [
        "jpeg_100_megapixels.jpg",
        "jpeg_65535_x_65535.jpg",
        "png_bomb.png",
        "png_largest_size.png",
        "webp_bomb.webp",
        "webp_canvas_lies.webp",
    ],
    "too_many_frames": ["animated.gif", "png_animated.png", "webp_animated.webp"],
    "image_too_small": ["jpeg_sliver.jpg", "jpeg_thumbnail_64.jpg", "png_thumbnail_64.png"],
    # Odd, but a person would see the picture: only what isn't pixels is broken or bloated, and that is never parsed.
    FINE: [
        "jpeg_bad_iptc.jpg",
        "jpeg_bad_profile.jpg",
        "jpeg_billion_laughs.jpg",
        "jpeg_exif_endless.jpg",
        "jpeg_exif_out_of_bounds.jpg",
        "jpeg_fill_bytes.jpg",
        "jpeg_pictures_in_trailer.jpg",
        "jpeg_progressive.jpg",
        "png_animation_of_one.png",
        "png_more_pixels_than_it_says.png",
        "png_profile_bomb.png",
        "png_text_bomb.png",
        "png_xmp_bomb.png",
        # libjpeg fills missing rows with grey and zlib's end mark comes early: indistinguishable here from real flat
        # areas, so the pipeline's own checks must judge. No old memory may show, see below.
        "jpeg_taller_than_its_data.jpg",
        "png_too_few_rows.png",
    ],
}
CASES = sorted((name, code) for code, names in EXPECTED.items() for name in names)


def outcome(data: bytes) -> tuple[str, str]:
    """(code, field) of decoding, "" for a picture."""
    try:
        decode(data, "shopper")
    except InputError as error:
        return error.code, error.field
    return FINE, "shopper"


def test_the_table_names_every_file() -> None:
    assert sorted(path.name for path in HOSTILE.iterdir()) == [name for name, _ in CASES]


@pytest.mark.parametrize(("name", "code"), CASES)
def test_outcome(name: str, code: str, capfd: pytest.CaptureFixture[str]) -> None:
    data = (HOSTILE / name).read_bytes()
    tracemalloc.start()
    start = time.process_time()
    assert outcome(data) == (code, "shopper")
    assert time.process_time() - start < 0.5
    assert tracemalloc.get_traced_memory()[1] < 12_000_000
    tracemalloc.stop()
    assert capfd.readouterr() == ("", ""), "a decoder spoke to the terminal"


@pytest.mark.parametrize(("name", "code"), [case for case in CASES if case[1] not in (FINE, "truncated_image")])
def test_refused_from_the_header_alone(name: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        inspect((HOSTILE / name).read_bytes(), "product[1]")
    assert (caught.value.code, caught.value.field) == (code, "product[1]")


@pytest.mark.parametrize(("name", "value"), [("png_too_few_rows.png", 0), ("jpeg_taller_than_its_data.jpg", 128)])
def test_missing_rows_show_no_old_memory(name: str, value: int) -> None:
    assert (decode((HOSTILE / name).read_bytes()).rgb[-40:] == value).all()


def test_whole_corpus_in_one_process_stays_small() -> None:
    """Peak memory of a process that meets every file, C libraries included."""
    if not Path("/proc/self/status").exists():
        pytest.skip("peak memory is read from /proc")
    script = (
        "import pathlib, re, sys\n"
        "from tryon_service.errors import InputError\n"
        "from tryon_service.imaging.decode import decode\n"
        "peak = lambda: int(re.search(r'VmHWM:\\s+(\\d+) kB', pathlib.Path('/proc/self/status').read_text())[1])\n"
        "before = peak()\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):\n"
        "    try:\n"
        "        decode(path.read_bytes())\n"
        "    except InputError:\n"
        "        pass\n"
        "print(peak() - before)\n"
    )
    command = [sys.executable, "-W", "error", "-c", script, str(HOSTILE)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert run.stderr == ""
    assert int(run.stdout) < 60_000
