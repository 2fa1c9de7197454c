"""CIEDE2000 against its authors' test pairs; colours and textures of drawn garments."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tryon_service.evaluation.fidelity import ciede2000, fidelity
from tryon_service.figures import OUTFITS, Figure, draw_figure
from tryon_service.types import Rendered, UInt8Array

SHARMA = """
50.0000 2.6772 -79.7751 50.0000 0.0000 -82.7485 2.0425
50.0000 3.1571 -77.2803 50.0000 0.0000 -82.7485 2.8615
50.0000 2.8361 -74.0200 50.0000 0.0000 -82.7485 3.4412
50.0000 -1.3802 -84.2814 50.0000 0.0000 -82.7485 1.0000
50.0000 -1.1848 -84.8006 50.0000 0.0000 -82.7485 1.0000
50.0000 -0.9009 -85.5211 50.0000 0.0000 -82.7485 1.0000
50.0000 0.0000 0.0000 50.0000 -1.0000 2.0000 2.3669
50.0000 -1.0000 2.0000 50.0000 0.0000 0.0000 2.3669
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0009 7.1792
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0010 7.1792
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0011 7.2195
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0012 7.2195
50.0000 -0.0010 2.4900 50.0000 0.0009 -2.4900 4.8045
50.0000 -0.0010 2.4900 50.0000 0.0010 -2.4900 4.8045
50.0000 -0.0010 2.4900 50.0000 0.0011 -2.4900 4.7461
50.0000 2.5000 0.0000 50.0000 0.0000 -2.5000 4.3065
50.0000 2.5000 0.0000 73.0000 25.0000 -18.0000 27.1492
50.0000 2.5000 0.0000 61.0000 -5.0000 29.0000 22.8977
50.0000 2.5000 0.0000 56.0000 -27.0000 -3.0000 31.9030
50.0000 2.5000 0.0000 58.0000 24.0000 15.0000 19.4535
50.0000 2.5000 0.0000 50.0000 3.1736 0.5854 1.0000
50.0000 2.5000 0.0000 50.0000 3.2972 0.0000 1.0000
50.0000 2.5000 0.0000 50.0000 1.8634 0.5757 1.0000
50.0000 2.5000 0.0000 50.0000 3.2592 0.3350 1.0000
60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.2630
61.2901 3.7196 -5.3901 61.4292 2.2480 -4.9620 1.8731
35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
22.7233 20.0904 -46.6940 23.0331 14.9730 -42.5619 2.0373
36.4612 47.8580 18.3852 36.2715 50.5065 21.2231 1.4146
90.8027 -2.0831 1.4410 91.1528 -1.6435 0.0447 1.4441
90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381
6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
2.0776 0.0795 -1.1350 0.9033 -0.0636 -0.5514 0.9082
"""
"""Table 1 of Sharma, Wu, Dalal (2005): L, a, b of two colours, and their difference."""


def test_ciede2000_gives_its_authors_figures() -> None:
    table = np.array([[float(word) for word in line.split()] for line in SHARMA.strip().splitlines()])
    assert len(table) == 34
    first, second, wanted = table[:, :3], table[:, 3:6], table[:, 6]
    assert ciede2000(first, second) == pytest.approx(wanted, abs=6e-5)
    assert ciede2000(second, first) == pytest.approx(wanted, abs=6e-5)
    assert ciede2000(first, first) == pytest.approx(0.0)


@pytest.fixture(scope="module")
def figure() -> Figure:
    return draw_figure("standing", OUTFITS["print_tee"], (384, 512))


def as_rendered(figure: Figure, rgb: UInt8Array) -> Rendered:
    return Rendered(rgb, figure.matte, np.ones_like(figure.matte), figure.parsing)


def test_the_same_picture_is_the_same_garment(figure: Figure) -> None:
    found = fidelity(figure.photo, figure.parsing, as_rendered(figure, figure.photo), 1.0)
    assert "upper" in found
    for one in found.values():
        assert one.colour < 0.5
        assert one.texture == pytest.approx(1.0, abs=0.05)


def test_blur_takes_texture_and_a_cast_changes_colour(figure: Figure) -> None:
    blurred = np.asarray(cv2.GaussianBlur(figure.photo, (0, 0), 3.0), np.uint8)
    assert fidelity(figure.photo, figure.parsing, as_rendered(figure, blurred), 1.0)["upper"].texture < 0.7
    warm = np.clip(figure.photo.astype(int) + (40, 0, -40), 0, 255).astype(np.uint8)
    found = fidelity(figure.photo, figure.parsing, as_rendered(figure, warm), 1.0)["upper"]
    assert found.colour > 5
    assert found.texture == pytest.approx(1.0, abs=0.15)


def test_a_smaller_result_keeps_its_texture(figure: Figure) -> None:
    small = draw_figure("standing", OUTFITS["print_tee"], (288, 384))
    shrunk = np.asarray(cv2.resize(figure.photo, (288, 384), interpolation=cv2.INTER_AREA), np.uint8)
    found = fidelity(figure.photo, figure.parsing, as_rendered(small, shrunk), 0.75)
    assert found["upper"].texture == pytest.approx(1.0, abs=0.1)


def test_what_is_completed_does_not_count(figure: Figure) -> None:
    rendered = Rendered(figure.photo, figure.matte, np.zeros_like(figure.matte), figure.parsing)
    assert not fidelity(figure.photo, figure.parsing, rendered, 1.0)
