from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_builders import smooth

from tryon_service.imaging.frames import Letterbox, fit_size

sides = st.integers(1, 4000)
sizes = st.tuples(sides, sides)
small_sizes = st.tuples(st.integers(2, 90), st.integers(2, 90))


@st.composite
def letterboxes(draw: st.DrawFn, size: st.SearchStrategy[tuple[int, int]] = sizes) -> Letterbox:
    source, destination = draw(size), draw(size)
    if draw(st.booleans()):
        return Letterbox(source, destination)
    width, height = source
    x0, y0 = draw(st.integers(-width, width)), draw(st.integers(-height, height))
    return Letterbox(source, destination, (x0, y0, draw(st.integers(1, 2 * width)), draw(st.integers(1, 2 * height))))


def points(seed: int = 0, low: float = -500, high: float = 4500) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, (40, 2))


# --- fit_size -----------------------------------------------------------------------------------------------------


@given(sizes, sizes)
def test_fit_size_is_inside_and_touches(size: tuple[int, int], box: tuple[int, int]) -> None:
    fitted = fit_size(size, box)
    assert all(1 <= side <= limit for side, limit in zip(fitted, box, strict=True))
    assert all(side <= original for side, original in zip(fitted, size, strict=True))
    assert fitted == size or any(side == limit for side, limit in zip(fitted, box, strict=True))
    scales = [side / original for side, original in zip(fitted, size, strict=True)]
    assert 1 in fitted or abs(scales[0] - scales[1]) <= 0.5 / size[0] + 0.5 / size[1] + 1e-9


@pytest.mark.parametrize(
    ("size", "box", "fitted"),
    [
        ((3000, 4000), (1280, 1280), (960, 1280)),
        ((300, 400), (1280, 1280), (300, 400)),
        ((4000, 3), (100, 100), (100, 1)),
        ((768, 1024), (768, 512), (384, 512)),
    ],
)
def test_fit_size_examples(size: tuple[int, int], box: tuple[int, int], fitted: tuple[int, int]) -> None:
    assert fit_size(size, box) == fitted


# --- Identity -----------------------------------------------------------------------------------------------------


@given(small_sizes)
def test_identity(size: tuple[int, int]) -> None:
    box = Letterbox(size, size)
    image = smooth(*size)
    xy = points()
    assert box.content == (0, 0, *size)
    assert (box.image(image) == image).all()
    assert (box.image_back(image) == image).all()
    assert (box.mask(image[:, :, 0]) == image[:, :, 0]).all()
    np.testing.assert_allclose(box.points(xy), xy, atol=1e-9)


def test_results_are_copies() -> None:
    image = smooth()
    box = Letterbox((160, 200), (160, 200))
    box.image(image)[:] = 0
    box.mask(image[:, :, 0])[:] = 0
    assert (image == smooth()).all()


# --- Points -------------------------------------------------------------------------------------------------------


@given(letterboxes())
def test_points_there_and_back(box: Letterbox) -> None:
    xy = points()
    np.testing.assert_allclose(box.points_back(box.points(xy)), xy, atol=1e-6)
    np.testing.assert_allclose(box.points(box.points_back(xy)), xy, atol=1e-6)


@given(st.tuples(st.integers(200, 2000), st.integers(200, 2000)), st.integers(128, 512))
def test_float32_points_keep_a_thousandth_of_a_pixel(size: tuple[int, int], side: int) -> None:
    box = Letterbox(size, (side, side))
    xy = points(high=2000).astype(np.float32)
    there = box.points(xy)
    assert there.dtype == np.float32
    np.testing.assert_allclose(box.points_back(there), xy, atol=1e-3)


@given(letterboxes())
def test_corners_of_the_region_are_corners_of_the_content(box: Letterbox) -> None:
    x, y, width, height = box.region or (0, 0, *box.source)
    left, top, fitted_width, fitted_height = box.content
    corners = np.array([[x - 0.5, y - 0.5], [x + width - 0.5, y + height - 0.5]])
    expected = [[left - 0.5, top - 0.5], [left + fitted_width - 0.5, top + fitted_height - 0.5]]
    np.testing.assert_allclose(box.points(corners), expected, atol=1e-6)
    assert left >= 0
    assert top >= 0
    assert left + fitted_width <= box.destination[0]
    assert top + fitted_height <= box.destination[1]
    assert fitted_width == box.destination[0] or fitted_height == box.destination[1]


def test_pixel_centres() -> None:
    box = Letterbox((100, 50), (200, 200))
    np.testing.assert_allclose(box.points(np.array([[0.0, 0.0], [99.0, 49.0]])), [[0.5, 50.5], [198.5, 148.5]])
    assert box.scale == (2.0, 2.0)


def test_points_of_any_leading_shape() -> None:
    box = Letterbox((100, 50), (200, 200))
    xy = points().reshape(4, 10, 2)
    np.testing.assert_allclose(box.points(xy).reshape(-1, 2), box.points(xy.reshape(-1, 2)))


# --- Images and masks ---------------------------------------------------------------------------------------------


def spot(size: tuple[int, int], x: float, y: float, sigma: float = 6.0) -> np.ndarray:
    rows, columns = np.indices((size[1], size[0]))
    return (255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))).astype(np.float32)


def centre(picture: np.ndarray) -> np.ndarray:
    rows, columns = np.indices(picture.shape)
    return np.array([(columns * picture).sum(), (rows * picture).sum()]) / picture.sum()


@pytest.mark.parametrize(
    "box",
    [
        Letterbox((300, 200), (128, 128)),
        Letterbox((300, 200), (700, 900)),
        Letterbox((300, 200), (256, 256), (60, 20, 170, 150)),
        Letterbox((300, 200), (224, 224), (-50, -80, 330, 330)),
        Letterbox((300, 200), (97, 131), (31, 12, 211, 173)),
    ],
)
def test_pictures_go_where_points_go(box: Letterbox) -> None:
    place = np.array([143.3, 88.8])
    picture = spot(box.source, *place)
    np.testing.assert_allclose(centre(box.image(picture)), box.points(place), atol=0.05)
    np.testing.assert_allclose(centre(box.mask(picture / 255)), box.points(place), atol=0.05)
    back = spot(box.destination, *box.points(place), 5.0)
    np.testing.assert_allclose(centre(box.image_back(back)), place, atol=0.1)


@settings(max_examples=40, deadline=None)
@given(letterboxes(st.tuples(st.integers(60, 300), st.integers(60, 300))))
def test_picture_there_and_back_is_close_where_enlarged(box: Letterbox) -> None:
    image = smooth(*box.source)
    back = box.image_back(box.image(image))
    assert back.shape == image.shape
    x, y, width, height = box.region or (0, 0, *box.source)
    inside = np.zeros(image.shape[:2], bool)
    inside[max(y + 3, 3) : max(y + height - 3, 0), max(x + 3, 3) : max(x + width - 3, 0)] = True
    inside[-3:] = inside[:, -3:] = False
    if min(box.scale) >= 1 and inside.any():
        assert np.abs(back.astype(int) - image)[inside].max() <= 4
    outside = np.ones(image.shape[:2], bool)
    outside[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)] = False
    assert (back[outside] == 0).all()


@given(letterboxes(small_sizes))
def test_shapes_types_and_labels(box: Letterbox) -> None:
    width, height = box.source
    labels = np.random.default_rng(1).choice(np.array([0, 7, 200], np.uint8), (height, width))
    there = box.mask(labels)
    assert there.shape == (box.destination[1], box.destination[0])
    assert there.dtype == np.uint8
    assert set(np.unique(there)) <= {0, 7, 200}
    assert box.mask_back(there).shape == labels.shape
    assert box.mask(labels > 0).dtype == np.bool_
    share = box.mask((labels > 0).astype(np.float32))
    assert share.dtype == np.float32
    assert share.min() >= 0
    assert share.max() <= 1 + 1e-5
    for channels in (1, 4):
        picture = np.zeros((height, width, channels), np.uint8)
        assert box.image(picture, fill=9).shape == (box.destination[1], box.destination[0], channels)


def test_labels_there_and_back_when_enlarged_by_a_whole_number() -> None:
    labels = np.random.default_rng(2).integers(0, 15, (40, 30)).astype(np.uint8)
    box = Letterbox((30, 40), (90, 130))
    assert (box.mask_back(box.mask(labels)) == labels).all()


def test_padding_is_filled_and_centred() -> None:
    box = Letterbox((100, 50), (64, 64))
    image = box.image(np.full((50, 100, 3), 200, np.uint8), fill=7)
    assert box.content == (0, 16, 64, 32)
    assert (image[:16] == 7).all()
    assert (image[48:] == 7).all()
    assert (image[16:48] == 200).all()


def test_a_region_beside_the_picture_is_all_fill() -> None:
    box = Letterbox((100, 50), (64, 64), (500, 500, 10, 10))
    assert (box.image(np.full((50, 100, 3), 200, np.uint8), fill=7) == 7).all()


def test_shrinking_averages_and_does_not_alias() -> None:
    stripes = np.zeros((300, 300), np.float32)
    stripes[:, ::3] = 1
    assert Letterbox((300, 300), (100, 100)).mask(stripes) == pytest.approx(1 / 3, abs=1e-4)


def test_same_as_cv2_on_the_content() -> None:
    image = smooth(300, 200)
    expected = cv2.resize(image, (120, 80), interpolation=cv2.INTER_AREA)
    assert (Letterbox((300, 200), (120, 100)).image(image)[10:90] == expected).all()


def test_wrong_sizes_are_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="without pixels"):
        Letterbox((100, 50), (0, 64))
    with pytest.raises(ValueError, match="in a frame of 100 x 50"):
        Letterbox((100, 50), (64, 64)).image(np.zeros((100, 50, 3), np.uint8))
