"""What moves together is split into garments, face, hair, hands and shoes, without loss and without scraps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from undressing import drawn, on_photo, taken_apart

from tryon_service.appearance import attributes
from tryon_service.appearance.attributes import GARMENTS, HAND_FROM, HEAD, TRUNK, Pieces
from tryon_service.types import Part

SHAPE = (100, 80)
TORSO = 50.0


def pieces_of(shown: np.ndarray, hidden: np.ndarray | None = None) -> Pieces:
    return Pieces(shown, np.zeros_like(shown) if hidden is None else hidden, shown)


def box(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[top:bottom, left:right] = True
    return mask


def assert_shared_out(parts: Mapping[str, Pieces], whole: Pieces) -> None:
    """Every pixel to one piece, none lost and none invented."""
    for name in ("shown", "hidden"):
        counts = np.sum([getattr(piece, name) for piece in parts.values()], axis=0)
        np.testing.assert_array_equal(counts, getattr(whole, name).astype(int), err_msg=name)


def test_the_trunk_is_split_by_garment() -> None:
    parsing = np.zeros(SHAPE, np.uint8)
    parsing[10:60, 20:60], parsing[60:90, 20:60] = Part.UPPER, Part.SKIRT
    parsing[10:60, 20:30] = parsing[10:60, 50:60] = Part.OUTERWEAR
    whole = pieces_of(parsing > 0)
    split = attributes.garments(whole, parsing, TORSO)
    assert list(split) == ["skirt", "upper", "outerwear"], "back to front"
    assert_shared_out(split, whole)
    for name, piece in split.items():
        assert np.isin(parsing[piece.shown], GARMENTS[name]).all()


def test_a_hem_goes_on_level_however_an_arm_cuts_it() -> None:
    rows, columns = np.indices(SHAPE)
    parsing = np.zeros(SHAPE, np.uint8)
    parsing[10:50, 10:70], parsing[50:90, 10:70] = Part.UPPER, Part.SKIRT
    hidden = (parsing > 0) & (columns < 10 + rows / 2)
    split = attributes.garments(pieces_of((parsing > 0) & ~hidden, hidden), parsing, TORSO)
    high, low = split["upper"].hidden, split["skirt"].hidden
    assert high[:46][hidden[:46]].mean() > 0.98
    assert low[56:][hidden[56:]].mean() > 0.98


def test_a_hidden_pixel_goes_to_the_nearest_garment() -> None:
    parsing = np.zeros(SHAPE, np.uint8)
    parsing[10:50, 20:60], parsing[50:90, 20:60] = Part.UPPER, Part.TROUSERS
    hidden = box(20, 80, 30, 40)
    whole = pieces_of((parsing > 0) & ~hidden, hidden)
    split = attributes.garments(whole, parsing, TORSO)
    assert split["upper"].hidden[20:49, 30:40].all()
    assert split["trousers"].hidden[52:80, 30:40].all()
    assert_shared_out(split, whole)


def test_a_scrap_of_another_garment_is_none() -> None:
    parsing = np.zeros(SHAPE, np.uint8)
    parsing[10:90, 20:60] = Part.DRESS
    parsing[40:44, 30:36] = Part.UPPER
    split = attributes.garments(pieces_of(parsing > 0), parsing, TORSO)
    assert list(split) == ["dress"]
    assert split["dress"].shown.sum() == (parsing > 0).sum()


def test_without_any_garment_the_trunk_is_one_piece() -> None:
    whole = pieces_of(box(10, 90, 20, 60))
    split = attributes.garments(whole, np.zeros(SHAPE, np.uint8), TORSO)
    assert len(split) == 1
    assert_shared_out(split, whole)


def test_only_hair_that_hangs_free_is_behind_the_shoulders() -> None:
    height = np.broadcast_to(np.linspace(2.0, 0.0, SHAPE[0], dtype=np.float32)[:, None], SHAPE)
    parsing = np.zeros(SHAPE, np.uint8)
    parsing[5:15, 25:55], parsing[15:40, 30:50] = Part.HAIR, Part.FACE
    parsing[15:46, 20:30] = parsing[15:80, 55:58] = Part.HAIR  # on the right over the cloth
    parsing[58:, 10:70] = np.where(parsing[58:, 10:70] == 0, Part.UPPER, parsing[58:, 10:70])
    parsing[46:58, 50:70] = np.where(parsing[46:58, 50:70] == 0, Part.UPPER, parsing[46:58, 50:70])
    head = np.isin(parsing, (Part.HAIR, Part.FACE))
    split = attributes.head(pieces_of(head), parsing, height, TORSO)
    assert_shared_out(split, pieces_of(head))
    behind = split["hair_behind"].shown
    assert behind[38:44, 22:28].mean() > 0.9
    assert not behind[46:, 55:58].any(), "what lies on the shirt stays in front of it"
    assert not behind[:15].any()
    assert split["face"].shown[20:35, 35:45].all()


@pytest.mark.parametrize("side", ["left", "right"])
def test_an_arm_and_its_hand_both_show_the_wrist(side: str) -> None:
    t = np.broadcast_to(np.linspace(0.0, 4.0, SHAPE[0], dtype=np.float32)[:, None], SHAPE)
    whole = pieces_of(box(10, 100, 30, 50))
    split = attributes.limb(f"{side}_arm", whole, np.zeros(SHAPE, np.uint8), t, TORSO)
    assert list(split) == [f"{side}_arm", f"{side}_hand"]
    arm, hand = (piece.shown for piece in split.values())
    np.testing.assert_array_equal(arm | hand, whole.shown)
    assert (arm & hand).any()
    assert t[hand].min() > HAND_FROM
    assert t[arm].max() < HAND_FROM + attributes.WRIST


def test_an_arm_without_a_hand_is_one_layer() -> None:
    t = np.full(SHAPE, 2.0, np.float32)
    split = attributes.limb("left_arm", pieces_of(box(10, 60, 30, 50)), np.zeros(SHAPE, np.uint8), t, TORSO)
    assert list(split) == ["left_arm"]


def test_a_shoe_is_cut_from_its_leg_where_the_parsing_sees_one() -> None:
    t = np.broadcast_to(np.linspace(1.0, 4.0, SHAPE[0], dtype=np.float32)[:, None], SHAPE)
    parsing = np.full(SHAPE, Part.TROUSERS, np.uint8)
    parsing[80:] = Part.SHOES
    parsing[5:12, 30:50] = Part.SHOES  # nonsense at the hip
    whole = pieces_of(box(5, 100, 30, 50))
    split = attributes.limb("left_leg", whole, parsing, t, TORSO)
    assert list(split) == ["left_shoe", "left_leg"], "the leg's hem lies over the shoe"
    assert_shared_out(split, whole)
    assert split["left_shoe"].shown[82:, 32:48].all()
    assert not split["left_shoe"].shown[:75].any()
    barefoot = attributes.limb("left_leg", whole, np.full(SHAPE, Part.LEFT_LEG, np.uint8), t, TORSO)
    assert list(barefoot) == ["left_leg"]


@pytest.mark.parametrize(
    ("outfit", "worn"),
    [
        ("print_tee", {"upper", "torso"}),
        ("tee_skirt", {"upper", "skirt", "torso"}),
        ("summer_dress", {"dress", "torso"}),
        ("tank_shorts", {"upper", "torso"}),
    ],
)
def test_a_drawn_outfit_becomes_its_garments(outfit: str, worn: set[str]) -> None:
    truth, appearance = taken_apart("legs_apart", outfit)
    layers = {name: one for name, one in appearance.layers.items() if not one.beside}
    assert {name for name, one in layers.items() if one.carrier == TRUNK} >= worn
    for name in worn - {"torso"}:
        shown = on_photo(layers[name], layers[name].real) > 0
        own = np.isin(truth.armless.parsing, GARMENTS[name])
        right = (shown & own).sum() / shown.sum()
        assert right > 0.93, name


def test_face_and_hair_are_the_heads() -> None:
    truth = drawn("standing", "tee_skirt")
    _, appearance = taken_apart("standing", "tee_skirt")
    head = {name for name, layer in appearance.layers.items() if layer.carrier == HEAD}
    assert {"face", "hair"} <= head <= {"face", "hair", "hair_behind"}
    shown = on_photo(appearance.layers["face"], appearance.layers["face"].real) > 0
    face = truth.figure.parsing == Part.FACE
    assert (shown & face).sum() / face.sum() > 0.97


def test_thigh_and_shorts_are_completed_each_from_its_own_cloth() -> None:
    shape = (100, 40)
    shown, hidden = np.zeros(shape, bool), np.zeros(shape, bool)
    shown[:, 5:25], hidden[:, 25:35] = True, True
    parsing = np.full(shape, Part.TROUSERS, np.uint8)
    parsing[50:] = Part.LEFT_LEG
    pieces = Pieces(shown, hidden, shown)
    layers = attributes.limb("left_leg", pieces, parsing, np.full(shape, 1.5, np.float32), 100.0)
    assert list(layers) == ["left_leg", "left_trousers"]
    np.testing.assert_array_equal(layers["left_leg"].shown | layers["left_trousers"].shown, shown)
    assert layers["left_trousers"].hidden[:45, 25:35].all()
    assert layers["left_leg"].hidden[55:, 25:35].all()
    assert not layers["left_trousers"].sure[50:].any()
    assert not layers["left_leg"].sure[:50].any()
    assert not any(layer.sure[50].any() or layer.sure[49].any() for layer in layers.values())
