"""What is packed comes back exactly, and nothing else does."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tryon_service.packing import PackingError, pack, unpack
from tryon_service.types import Credit, Part, Photo, Reason, Verdict


def packed(value: object) -> np.ndarray:
    return np.frombuffer(b"".join(pack(value)), np.uint8).copy()


def same(one: object, other: object) -> bool:
    """Whether two trees have the same types, the same fields and the same bits in every array."""
    if isinstance(one, np.ndarray):
        assert isinstance(other, np.ndarray)
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if is_dataclass(one):
        return type(one) is type(other) and all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    if isinstance(one, dict):
        return isinstance(other, dict) and list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def cut_out() -> tuple[np.ndarray, np.ndarray]:
    """Colours, and an alpha that is empty but for one rectangle, with every kind of float in it."""
    alpha = np.zeros((300, 200), np.float32)
    alpha[40:90, 30:150] = np.random.default_rng(0).random((50, 120))
    alpha[40, 30], alpha[41, 31], alpha[42, 32] = np.nan, -0.0, np.inf
    rgb = np.random.default_rng(1).integers(0, 256, (300, 200, 3)).astype(np.uint8)
    return rgb, alpha


def test_a_tree_of_everything_comes_back() -> None:
    tree = {
        "layer": cut_out(),
        "photo": Photo(cut_out()[0], (200, 300), "digest", Credit("me")),
        "part": Part.HAIR,
        Part.FACE: (1, 2.5, -0.0, float("inf"), None, True, "größer"),
        "nested": [Verdict("doubtful", (Reason("blurred", value=0.3),), {"a": 1.0}), frozenset({"x"})],
        "arrays": (np.arange(6, dtype=np.int64).reshape(2, 3).T, np.array(3.5), np.zeros((0, 4)), np.bool_([1, 0])),
        "scalar": np.float32(0.1),
    }
    assert same(unpack(packed(tree)), tree)


def test_what_is_zero_takes_no_room() -> None:
    rgb, alpha = cut_out()
    assert len(packed((rgb, alpha, np.zeros_like(alpha)))) < rgb.nbytes + 50 * 120 * 4 + 2000


def test_an_array_in_two_places_is_kept_once_and_stays_one() -> None:
    array = np.random.default_rng(0).random((100, 100))
    data = packed((array, {"again": array}))
    assert len(data) < 1.1 * array.nbytes
    first, rest = unpack(data)
    assert rest["again"] is first


def test_empty_arrays_beside_others_are_not_mixed_up() -> None:
    arrays = (np.zeros((300, 300), np.float32), np.ones((300, 300), np.float32), np.zeros(0), np.ones(3))
    assert same(unpack(packed(arrays)), arrays)


@pytest.mark.parametrize("value", [object(), Fraction(1, 2), np.array(["text"]), np.array([object()]), {"a": {1j}}])
def test_what_can_not_be_read_back_is_not_packed(value: object) -> None:
    with pytest.raises(PackingError):
        pack(value)


@pytest.mark.parametrize(
    "name", ["os:system", "subprocess:Popen", "tryon_service.cli.main:main", "tryon_service.types"]
)
def test_a_file_can_not_name_what_is_built(name: str) -> None:
    data = packed(Credit())
    forged = data.tobytes().replace(b"tryon_service.types:Credit", name.encode())
    length = int.from_bytes(forged[:8], "little") + len(name) - len("tryon_service.types:Credit")
    with pytest.raises(PackingError, match="is not a class of this package"):
        unpack(np.frombuffer(length.to_bytes(8, "little") + forged[8:] + bytes(64), np.uint8))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
@example(bytes(7) + b"\x01" + b"0")  # longer, by its own account, than it is
@example(b"\x01" + bytes(7) + b"0")  # without what fills it up
@example(b"\x01" + bytes(7) + b"0" + bytes(55))
def test_any_bytes_are_a_tree_or_a_clear_error(data: bytes) -> None:
    try:
        tree = unpack(np.frombuffer(data, np.uint8))
    except PackingError:
        return
    assert len(data) >= 64
    assert repr(unpack(packed(tree))) == repr(tree)


@pytest.mark.parametrize("most", [0, 7, 8, 9, 63])
def test_what_is_cut_short_is_no_tree(most: int) -> None:
    with pytest.raises(PackingError):
        unpack(packed(7)[:most])
