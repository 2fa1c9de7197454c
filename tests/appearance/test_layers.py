"""Layers: where they lie in the photo, their alpha at cuts, and how a body cut by the photo's edge goes on."""

from __future__ import annotations

import numpy as np
import pytest
from undressing import SIZE, drawn, on_photo, person_from, taken_apart

from tryon_service.appearance.attributes import Pieces
from tryon_service.appearance.decompose import decompose
from tryon_service.appearance.layers import _shaded_alike, build_layer
from tryon_service.appearance.subject import Subject
from tryon_service.figures import crop
from tryon_service.retarget.rig import ARMS
from tryon_service.types import Layer, Part

NOTHING = (0, 0, 0, 0)


@pytest.fixture(scope="module")
def subject() -> Subject:
    return Subject.of(drawn("standing", "print_tee").person)


def shirt(subject: Subject, **changes: object) -> Layer:
    shown = (subject.parsing == Part.UPPER) & (subject.matte > 0.5)
    pieces = Pieces(shown, np.zeros_like(shown), shown)
    options = {"feathered": False, "beyond": NOTHING} | changes
    layer = build_layer("upper", "trunk", subject, pieces, **options)  # type: ignore[arg-type]
    assert layer is not None
    return layer


def test_a_layer_is_cut_to_what_it_holds_and_knows_where_that_was(subject: Subject) -> None:
    layer, photo = shirt(subject), drawn("standing", "print_tee").figure
    rows, columns = np.nonzero(photo.parsing == Part.UPPER)
    (x, y), (height, width) = layer.origin, layer.parts.shape
    assert x <= columns.min() < columns.max() < x + width
    assert y <= rows.min() < rows.max() < y + height
    assert width < np.ptp(columns) + 40
    assert height < np.ptp(rows) + 40
    real = on_photo(layer, layer.real) > 0
    off = np.abs(on_photo(layer, layer.rgba)[..., :3].astype(int) - photo.photo)[real & (photo.matte > 0.99)]
    assert off.max() <= 2, "inside the person a layer has the photo's own colours"


def test_the_parts_and_marks_are_the_photos(subject: Subject) -> None:
    layer, parsing = shirt(subject), drawn("standing", "print_tee").figure.parsing
    real = on_photo(layer, layer.real) > 0
    assert set(np.unique(layer.real)) <= {0, 255}
    np.testing.assert_array_equal(on_photo(layer, layer.parts)[real], parsing[real])
    assert (layer.parts == Part.UPPER).all(), "continued beyond its edge, for resampling"


def test_colours_go_on_beyond_alphas_edge(subject: Subject) -> None:
    layer = shirt(subject)
    clear = layer.rgba[..., 3] == 0
    cloth = np.median(layer.rgba[layer.real > 0][:, :3], axis=0)
    assert clear.any()
    assert np.abs(np.median(layer.rgba[clear][:, :3], axis=0) - cloth).max() < 40, "not the grey of the studio"


def test_cuts_are_closed_or_feathered_or_fading(subject: Subject) -> None:
    person = subject.matte > 0.99
    cut = (subject.parsing == Part.UPPER) & person
    cut[1:] &= subject.parsing[:-1] == Part.TORSO_SKIN  # the shirt's upper edge at the neck
    cut = np.pad(cut, ((subject.window[0].start or 0, 0), (subject.window[1].start or 0, 0)))
    everywhere = np.ones(subject.matte.shape, bool)
    alphas = []
    for layer in (shirt(subject), shirt(subject, feathered=True), shirt(subject, feathered=True, fading=everywhere)):
        alpha = on_photo(layer, layer.rgba)[..., 3].astype(float) / 255
        at = cut[: alpha.shape[0], : alpha.shape[1]]
        alphas.append(alpha[: at.shape[0], : at.shape[1]][at].mean())
    closed, feathered, fading = alphas
    assert closed > 0.98
    assert 0.4 < feathered < 0.95
    assert fading < feathered


def test_nothing_to_see_is_no_layer(subject: Subject) -> None:
    nothing = np.zeros(subject.matte.shape, bool)
    hidden = nothing.copy()
    hidden[100:120, 50:80] = True
    for pieces in (Pieces(nothing, nothing, nothing), Pieces(nothing, hidden, nothing)):
        assert build_layer("upper", "trunk", subject, pieces, feathered=False, beyond=NOTHING) is None


@pytest.mark.parametrize(
    ("edge", "box"),
    [
        ("bottom", (0, 0, SIZE[0], 250)),
        ("top", (0, 90, SIZE[0], SIZE[1])),
        ("left", (140, 0, SIZE[0], SIZE[1])),
        ("right", (0, 0, 150, SIZE[1])),
    ],
)
def test_a_cut_body_goes_on_mirrored_beyond_that_edge_only(edge: str, box: tuple[int, int, int, int]) -> None:
    figure = crop(drawn("standing", "print_tee").figure, box)
    appearance = decompose(person_from(figure))
    height, width = figure.matte.shape
    beyond = {"left": False, "top": False, "right": False, "bottom": False}
    for layer in appearance.layers.values():
        (x, y), (h, w) = layer.origin, layer.parts.shape
        out = {"left": x < 0, "top": y < 0, "right": x + w > width, "bottom": y + h > height}
        for name in (name for name, reached in out.items() if reached):
            beyond[name] = True
            outside = {
                "left": np.s_[:, : max(0, -x)],
                "top": np.s_[: max(0, -y)],
                "right": np.s_[:, width - x :],
                "bottom": np.s_[height - y :],
            }[name]
            assert layer.real[outside].max() == 0, "what the photo doesn't show is not real"
            inner, outer = _rows_about(layer.rgba, name, (x, y), (width, height), depth=3)
            np.testing.assert_array_equal(inner, outer)
    assert beyond == {name: name == edge for name in beyond}


def _rows_about(
    plane: np.ndarray, edge: str, origin: tuple[int, int], size: tuple[int, int], depth: int
) -> tuple[np.ndarray, np.ndarray]:
    """The pixels so many inside and outside of the photo's last row or column, which is the mirror."""
    axis = 1 if edge in ("left", "right") else 0
    last = 0 if edge in ("left", "top") else size[1 - axis] - 1
    sign = 1 if edge in ("left", "top") else -1
    at = last - origin[1 - axis]
    return plane.take(at + sign * depth, axis=axis), plane.take(at - sign * depth, axis=axis)


def test_a_whole_body_stays_within_the_photo() -> None:
    _, appearance = taken_apart("standing", "print_tee")
    for layer in appearance.layers.values():
        (x, y), (height, width) = layer.origin, layer.parts.shape
        assert 0 <= x < x + width <= SIZE[0]
        assert 0 <= y < y + height <= SIZE[1]


def test_a_hand_inside_the_photo_is_not_mirrored_where_the_body_is_cut() -> None:
    figure = crop(drawn("hand_on_hip", "print_tee").figure, (0, 0, SIZE[0], 250))
    appearance = decompose(person_from(figure))
    for name, layer in appearance.layers.items():
        if layer.carrier in ARMS[:1]:
            assert layer.origin[1] + layer.parts.shape[0] <= 250, name


def test_a_sleeve_is_opaque_where_the_trunk_below_it_ends(subject: Subject) -> None:
    person = subject.matte > 0.5
    rows, columns = np.nonzero(person & (subject.parsing == Part.UPPER))
    middle, end = int(columns.mean()), int(rows.mean())
    fading, right = np.zeros_like(person), np.zeros_like(person)
    fading[:end], right[:, middle:] = True, True
    shown = person & (subject.parsing == Part.UPPER) & right
    pieces = Pieces(shown, np.zeros_like(shown), shown)

    def cut(fading: np.ndarray | None) -> np.ndarray:
        layer = build_layer("left_arm", "left_arm", subject, pieces, feathered=True, beyond=NOTHING, fading=fading)
        assert layer is not None
        return on_photo(layer, layer.rgba)[:, middle + (subject.window[1].start or 0), 3].astype(float)

    share, last = cut(fading) / np.maximum(cut(None), 1), end + (subject.window[0].start or 0)
    assert share[last - 12] < 0.6, "fades where the trunk shows the same"
    assert share[last - 1] > 0.9, "nothing lies below any more"


def test_shade_beside_an_arm_goes_on_behind_it() -> None:
    rgb = np.full((80, 80, 3), (90, 140, 200), np.uint8)
    beside = np.zeros((80, 80), bool)
    beside[:, 30:40] = True
    filled, rgb[:, 30:] = rgb.copy(), (54, 84, 120)
    wanted = np.ones((80, 80), bool)
    wanted[:, 60:] = False
    out = _shaded_alike(filled, rgb, beside, 4.0, wanted)
    assert np.abs(out[40, 42].astype(int) - rgb[40, 42]).max() < 12
    np.testing.assert_array_equal(out[40, :5], filled[40, :5])
    np.testing.assert_array_equal(out[:, 60:], filled[:, 60:], "changes nothing else")
    np.testing.assert_array_equal(_shaded_alike(rgb, filled, beside, 4.0, wanted), rgb, "never brighter")
