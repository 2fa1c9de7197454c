"""Repairing with networks of known behaviour: what may change does, and everything else keeps its bits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest

from tryon_service.errors import TryonError
from tryon_service.renderers.nets.refine_input import ALPHA, IMAGE_CHANNELS, MULTIPLE, POSE_CHANNELS, WORKING
from tryon_service.renderers.repair import Answer, Network, repair
from tryon_service.types import Float32Array, Keypoints, Part, Rendered

CLOTH, RED = (90, 120, 60), (200, 10, 10)
NOISE = 8
"""Levels of the cloth's grain, which a residual at a smaller size knows nothing of."""
SIZE = (300, 400)
FAR = 14
"""Pixels from a seam or a tear at which nothing changes in a picture of this size; four of the network's."""


def keypoints(width: int, height: int) -> Keypoints:
    rng = np.random.default_rng(1)
    xyz = (rng.random((33, 3)) * (width, height, 10)).astype(np.float32)
    return Keypoints(xyz, np.zeros((33, 3), np.float32), np.ones(33, np.float32), np.ones(33, np.bool_))


def drawn(width: int = SIZE[0], height: int = SIZE[1], part: Part = Part.UPPER) -> Rendered:
    """A block of noisy cloth, all of it real, with room around it."""
    rng = np.random.default_rng(0)
    alpha, parsing = np.zeros((height, width), np.float32), np.zeros((height, width), np.uint8)
    body = np.s_[height // 8 : height - height // 8, width // 4 : width - width // 4]
    alpha[body], parsing[body] = 1.0, part
    rgb = (rng.integers(-NOISE, NOISE, (height, width, 3)) + CLOTH).astype(np.uint8)
    return Rendered(rgb, alpha, alpha.copy(), parsing)


def answers(red: float = 20.0, more: float = 0.0) -> Network:
    """Wants everything red (red: logit of the blend), and more or less of the person (logits)."""
    goal = (np.array(RED, np.float32) / 127.5 - 1)[:, None, None]

    def network(image: Float32Array, pose: Float32Array) -> Answer:
        height, width = image.shape[1:]
        assert image.shape[0] == IMAGE_CHANNELS
        assert pose.shape == (POSE_CHANNELS, height // 4, width // 4)
        assert not height % MULTIPLE
        assert not width % MULTIPLE
        flat = np.ones((1, height, width), np.float32)
        return np.clip(goal - image[:3], -1, 1), red * flat, more * flat

    return network


NOTHING = answers(red=-200.0)
EVERYTHING = answers(more=20.0)


def unreached(image: Float32Array, pose: Float32Array) -> Answer:
    raise AssertionError("there was nothing to repair")


def assert_same(a: Rendered, b: Rendered) -> None:
    for field in fields(Rendered):
        np.testing.assert_array_equal(getattr(a, field.name), getattr(b, field.name), err_msg=field.name)


def with_patch(rendered: Rendered) -> tuple[slice, slice]:
    """Where a hand rested: cloth that was completed."""
    patch = np.s_[180:220, 130:170]
    rendered.coverage[patch] = 0.0
    return patch


def test_a_completed_patch_is_repaired_and_cloth_away_from_it_keeps_its_bits() -> None:
    rendered = drawn()
    with_patch(rendered)
    done = repair(rendered, keypoints(*SIZE), EVERYTHING)
    inner = np.s_[186:214, 136:164]
    assert np.abs(done.rgb[inner].astype(int) - RED).max() <= NOISE
    assert done.coverage[inner].max() == 0.0
    far = np.ones(rendered.alpha.shape, np.bool_)
    far[180 - FAR : 220 + FAR, 130 - FAR : 170 + FAR] = False
    np.testing.assert_array_equal(done.rgb[far], rendered.rgb[far])
    np.testing.assert_array_equal(done.coverage[far], rendered.coverage[far])
    np.testing.assert_array_equal(done.alpha, rendered.alpha)
    changed = np.any(done.rgb != rendered.rgb, axis=2)
    assert (done.coverage[changed] < 1.0).all()


def test_the_repair_fades_out_beside_the_patch() -> None:
    rendered = drawn()
    rendered.rgb[:] = CLOTH
    with_patch(rendered)
    red = repair(rendered, keypoints(*SIZE), EVERYTHING).rgb[200, 170 : 170 + FAR, 0].astype(int)
    assert (np.diff(red) <= 0).all()
    assert np.abs(np.diff(red)).max() < 60
    assert red[-1] == CLOTH[0]


@pytest.mark.parametrize("part", [Part.UPPER, Part.LEFT_ARM, Part.FACE, Part.SHOES])
def test_who_wants_nothing_changes_nothing(part: Part) -> None:
    rendered = drawn(part=part)
    with_patch(rendered)
    rendered.alpha[:, 150:153] *= 0.4
    rendered.alpha[200:203, 225:260] = 0.8
    assert_same(repair(rendered, keypoints(*SIZE), NOTHING), rendered)


def test_faces_are_never_touched() -> None:
    rendered = drawn(part=Part.FACE)
    with_patch(rendered)
    assert_same(repair(rendered, keypoints(*SIZE), EVERYTHING), rendered)


def test_a_soft_edge_of_a_face_between_cloth_is_not_closed() -> None:
    rendered, slit = torn()
    rendered.alpha[slit], rendered.parsing[slit] = 0.3, Part.FACE
    done = repair(rendered, keypoints(*SIZE), EVERYTHING)
    np.testing.assert_array_equal(done.rgb[slit], rendered.rgb[slit])
    np.testing.assert_array_equal(done.alpha[slit], rendered.alpha[slit])


def test_skin_is_blended_farther_than_cloth() -> None:
    changed = {}
    for part in (Part.UPPER, Part.LEFT_ARM):
        rendered = drawn(part=part)
        with_patch(rendered)
        changed[part] = np.count_nonzero(repair(rendered, keypoints(*SIZE), EVERYTHING).rgb != rendered.rgb)
    assert changed[Part.LEFT_ARM] > 1.3 * changed[Part.UPPER]


def test_a_limb_on_cloth_may_be_touched_up_along_its_edge_only() -> None:
    rendered = drawn()
    rendered.parsing[150:250, 140:160] = Part.LEFT_ARM
    changed = np.any(repair(rendered, keypoints(*SIZE), EVERYTHING).rgb != rendered.rgb, axis=2)
    assert changed[200, 138:140].all()
    assert not changed[150:250, 140 - 2 * FAR : 140 - FAR].any()
    hem = drawn()
    hem.parsing[200:][hem.parsing[200:] > 0] = Part.TROUSERS
    assert_same(repair(hem, keypoints(*SIZE), answers()), hem)


def torn() -> tuple[Rendered, tuple[slice, slice]]:
    """With a slit that opens to the side."""
    rendered = drawn()
    slit = np.s_[199:202, 100:225]
    for name in ("alpha", "coverage", "parsing"):
        getattr(rendered, name)[slit] = 0
    return rendered, slit


@pytest.mark.parametrize("open_below", [False, True])
def test_where_a_gap_narrows_it_is_no_tear(open_below: bool) -> None:
    """As between an arm and the waist, down to the armpit."""
    rendered = drawn()
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    gap = (np.abs(columns - 150) < (rows - 120) // 6) & ((rows < 300) | open_below)
    for name in ("alpha", "coverage", "parsing"):
        getattr(rendered, name)[gap] = 0
    done = repair(rendered, keypoints(*SIZE), answers(red=-200.0, more=20.0))
    np.testing.assert_array_equal(done.alpha[:280], rendered.alpha[:280])


def test_a_tear_is_closed_only_by_who_is_sure() -> None:
    rendered, slit = torn()
    done = repair(rendered, keypoints(*SIZE), EVERYTHING)
    assert done.alpha[slit].min() > 0.95
    assert (done.parsing[slit] == Part.UPPER).all()
    assert done.coverage[slit].max() < 0.05
    assert np.abs(done.rgb[200, 110:215].astype(int) - RED).max() <= 3
    outside = np.ones(rendered.alpha.shape, np.bool_)
    outside[slit] = False
    np.testing.assert_array_equal(done.alpha[outside], rendered.alpha[outside])
    np.testing.assert_array_equal(repair(rendered, keypoints(*SIZE), answers(more=0.4)).alpha, rendered.alpha)


def test_a_gap_as_wide_as_between_arm_and_waist_stays_open() -> None:
    rendered = drawn()
    rendered.alpha[150:250, 140:160] = 0.0
    rendered.parsing[150:250, 140:160] = 0
    np.testing.assert_array_equal(repair(rendered, keypoints(*SIZE), EVERYTHING).alpha, rendered.alpha)


def test_a_strip_beside_the_person_is_taken_away() -> None:
    rendered = drawn()
    rendered.alpha[100:300, 240:243] = 1.0
    rendered.parsing[100:300, 240:243] = Part.UPPER
    done = repair(rendered, keypoints(*SIZE), answers(red=-200.0, more=-20.0))
    assert done.alpha[105:295, 240:243].max() < 0.05
    assert not done.parsing[105:295, 240:243].any()
    np.testing.assert_array_equal(done.alpha[:, 80:220], rendered.alpha[:, 80:220])


@pytest.mark.parametrize("more", [20.0, -20.0])
def test_soft_and_slanting_edges_are_never_drawn_anew(more: float) -> None:
    rows, columns = np.mgrid[:400, :300].astype(np.float32)
    distance = np.minimum(columns - 60 - 0.2 * rows, 240 - columns)
    alpha = np.clip(distance / 9 + 0.5, 0, 1).astype(np.float32)
    parsing = np.where(alpha > 0.5, np.uint8(Part.UPPER), np.uint8(0))
    rendered = Rendered(np.full((400, 300, 3), CLOTH, np.uint8), alpha, np.ones_like(alpha), parsing)
    done = repair(rendered, keypoints(*SIZE), answers(more=more))
    inner = np.s_[10:-10]  # where the frame cuts the slant off there is a corner
    np.testing.assert_allclose(done.alpha[inner], alpha[inner], atol=1.5 / 255)
    np.testing.assert_array_equal(done.rgb[inner], rendered.rgb[inner])


@pytest.mark.parametrize("part", [Part.HAIR, Part.ACCESSORIES, Part.FACE])
def test_strands_straps_and_ears_keep_their_outline(part: Part) -> None:
    rendered = drawn(part=part)
    rendered.alpha[100:300, 240:243] = 1.0
    rendered.parsing[100:300, 240:243] = part
    rendered.alpha[100:300, 120:123] = 0.0
    rendered.parsing[100:300, 120:123] = 0
    for more in (20.0, -20.0):
        np.testing.assert_array_equal(repair(rendered, keypoints(*SIZE), answers(more=more)).alpha, rendered.alpha)


def test_nobody_and_somebody_whole_need_no_network() -> None:
    empty = drawn()
    empty.alpha[:] = 0.0
    whole = drawn()
    whole.alpha[:], whole.coverage[:], whole.parsing[:] = 1.0, 1.0, Part.DRESS
    for rendered in (empty, whole):
        assert repair(rendered, keypoints(*SIZE), unreached) is rendered


def test_the_input_is_not_written_to() -> None:
    rendered, _ = torn()
    with_patch(rendered)
    before = Rendered(*(getattr(rendered, field.name).copy() for field in fields(Rendered)))
    repair(rendered, keypoints(*SIZE), EVERYTHING)
    assert_same(rendered, before)


def broken(change: Callable[[Answer], Answer]) -> Network:
    return lambda image, pose: change(EVERYTHING(image, pose))


@pytest.mark.parametrize(
    "change",
    [
        lambda answer: (answer[0] * np.nan, *answer[1:]),
        lambda answer: (answer[0], answer[1] * np.inf, answer[2]),
        lambda answer: (answer[0], answer[1], np.where(answer[2] > 0, np.nan, answer[2])),
        lambda answer: (answer[0][:, 1:], *answer[1:]),
        lambda answer: (answer[0][:2], *answer[1:]),
    ],
)
def test_what_is_no_picture_is_refused_and_not_drawn(change: Callable[[Answer], Answer]) -> None:
    rendered = drawn()
    with_patch(rendered)
    with pytest.raises(TryonError) as caught:
        repair(rendered, keypoints(*SIZE), broken(change))
    assert caught.value.code == "internal"


@pytest.mark.parametrize("size", [(64, 64), (65, 97), (640, 64), (64, 640), (333, 517), (1001, 777), (200, 4096)])
@pytest.mark.parametrize("covered", [0.0, 1.0])
def test_any_size_and_coverage(size: tuple[int, int], covered: float) -> None:
    width, height = size
    rendered = drawn(width, height)
    rendered.coverage[:] *= covered
    done = repair(rendered, keypoints(*size), EVERYTHING)
    middle = done.rgb[height // 2, width // 2]
    if covered:
        np.testing.assert_array_equal(middle, rendered.rgb[height // 2, width // 2])
    else:
        np.testing.assert_allclose(middle, RED, atol=NOISE)
    assert done.rgb.dtype == np.uint8
    for name in ("alpha", "coverage"):
        assert getattr(done, name).dtype == np.float32
        assert 0 <= getattr(done, name).min() <= getattr(done, name).max() <= 1
    assert_same(repair(rendered, keypoints(*size), NOTHING), rendered)


@pytest.mark.parametrize("size", [(300, 400), (65, 97)])
def test_a_person_who_touches_every_edge_is_repaired_up_to_it(size: tuple[int, int]) -> None:
    rendered = drawn(*size)
    rendered.alpha[:], rendered.parsing[:], rendered.coverage[:] = 1.0, Part.UPPER, 0.0
    done = repair(rendered, keypoints(*size), EVERYTHING)
    np.testing.assert_allclose(done.rgb, np.broadcast_to(RED, done.rgb.shape), atol=NOISE + 3)
    assert not done.coverage.any()


def test_joints_that_lie_anywhere_or_nowhere_do_no_harm() -> None:
    rendered = drawn()
    with_patch(rendered)
    pose = keypoints(*SIZE)
    for value in (np.nan, np.inf, 1e9, -1e9):
        pose.xyz[:5] = value
        repair(rendered, pose, EVERYTHING)


def test_the_network_sees_the_person_at_its_working_height() -> None:
    seen: list[Float32Array] = []

    def look(image: Float32Array, pose: Float32Array) -> Answer:
        seen.append(image)
        return EVERYTHING(image, pose)

    rendered = drawn(768, 1024)
    rendered.coverage[:] = 0.0
    repair(rendered, keypoints(768, 1024), look)
    (image,) = seen
    assert image.shape[1] == WORKING
    np.testing.assert_allclose(image[:3, image[ALPHA] == 0], 128 / 127.5 - 1, atol=1e-6)
