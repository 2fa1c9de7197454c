"""What every renderer promises, over every name in the registry. A new renderer is held to it without a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.renderers.small_generators import SIZES, blind_eyes, bring_in
from tryon_service import pipeline as _registered  # noqa: F401 - fills RENDERERS
from tryon_service.appearance.decompose import decompose
from tryon_service.cache import arrays
from tryon_service.errors import TryonError, ZooError
from tryon_service.evaluation.ssim import ssim
from tryon_service.figures import OUTFITS, Figure, draw_figure
from tryon_service.imaging.composite import composite
from tryon_service.renderers.base import GENERATED, RENDERERS, Renderer
from tryon_service.types import Keypoints, Person, Rendered, RenderInput, TargetPose

SIZE, OTHER_SIZE = (384, 512), (200, 260)


@pytest.fixture(scope="module", params=RENDERERS.names())
def renderer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    if request.param in SIZES:
        return small(request.param, tmp_path_factory.mktemp("generator"))
    try:
        return RENDERERS.create(request.param)
    except ZooError as error:
        pytest.skip(f"no weights: {error}")


def small(name: str, folder: Path) -> Any:
    """A generator with random weights. It draws noise, and nobody is looked for in that."""
    store = bring_in(name, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRYON_ZOO_DIR", str(store.root))
        made: Any = RENDERERS.create(name)
    made.eyes = blind_eyes()
    return made


@pytest.fixture(scope="module")
def own(renderer: Renderer, person_of: Callable[[Figure], Person]) -> RenderInput:
    """A drawn product at its own keypoints."""
    person = person_of(draw_figure("standing", OUTFITS["print_tee"], SIZE))
    appearance = decompose(person)
    return RenderInput(appearance, TargetPose(person.keypoints, turn=0.0, size=SIZE), renderer.prepare(appearance))


def posed(own: RenderInput, keypoints: Keypoints, **changes: object) -> RenderInput:
    return replace(own, target=replace(own.target, keypoints=keypoints, **changes))


def other_pose(own: RenderInput) -> RenderInput:
    """Another pose, in another frame."""
    smaller = own.target.keypoints.moved(0.6, (10.0, 5.0))
    bent = smaller.xyz + np.random.default_rng(7).normal(0, 6, smaller.xyz.shape).astype(np.float32)
    return posed(own, replace(smaller, xyz=bent.astype(np.float32)), turn=0.2, size=OTHER_SIZE)


def assert_sound(rendered: Rendered, inputs: RenderInput) -> None:
    width, height = inputs.target.size
    assert rendered.rgb.shape == (height, width, 3)
    assert rendered.rgb.dtype == np.uint8
    for name in ("alpha", "coverage"):
        values = getattr(rendered, name)
        assert values.shape == (height, width), name
        assert values.dtype == np.float32, name
        assert np.isfinite(values).all(), name
        assert values.min() >= 0, name
        assert values.max() <= 1, name
    assert rendered.parsing.shape == (height, width)
    assert rendered.parsing.dtype == np.uint8
    assert rendered.parsing.max() <= 14


def assert_equal(a: Rendered, b: Rendered) -> None:
    for name in ("rgb", "alpha", "coverage", "parsing"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


def test_info_bears_the_name_it_is_registered_under(renderer: Renderer) -> None:
    assert renderer.info.name in RENDERERS.names()
    assert renderer.info.batch_limit >= 1
    assert renderer.info.mark


def test_no_input_no_output(renderer: Renderer) -> None:
    assert renderer.render([]) == []


def test_one_sound_output_per_input_in_order(renderer: Renderer, own: RenderInput) -> None:
    batch = [own, other_pose(own)][: renderer.info.batch_limit] if renderer.info.batch_limit > 1 else [own]
    done = renderer.render(batch)
    assert len(done) == len(batch)
    for rendered, inputs in zip(done, batch, strict=True):
        assert_sound(rendered, inputs)
    assert_sound(renderer.render([other_pose(own)])[0], other_pose(own))


def test_a_batch_equals_single_calls(renderer: Renderer, own: RenderInput) -> None:
    if renderer.info.batch_limit < 2:
        pytest.skip("it takes one input per call")
    batch = [own, other_pose(own)]
    for together, inputs in zip(renderer.render(batch), batch, strict=True):
        assert_equal(together, renderer.render([inputs])[0])


def test_same_input_same_bytes(renderer: Renderer, own: RenderInput) -> None:
    inputs = other_pose(own)
    assert_equal(renderer.render([inputs])[0], renderer.render([inputs])[0])


def test_preparing_twice_gives_the_same_bytes(renderer: Renderer, own: RenderInput) -> None:
    again = replace(own, prepared=renderer.prepare(own.appearance))
    assert_equal(renderer.render([own])[0], renderer.render([again])[0])


def test_inputs_are_not_changed(renderer: Renderer, own: RenderInput) -> None:
    inputs = other_pose(own)
    before = [array.copy() for array in arrays(inputs)]
    renderer.render([inputs])
    for old, new in zip(before, arrays(inputs), strict=True):
        np.testing.assert_array_equal(old, new)


def test_its_own_pose_gives_the_photo_back(renderer: Renderer, own: RenderInput) -> None:
    if renderer.info.mark == GENERATED:
        pytest.skip("what it draws depends on its weights, and these are random")
    (rendered,) = renderer.render([own])
    person = own.appearance.person
    assert ssim(composite(rendered, own.appearance.background), person.photo.rgb, person.box) >= 0.95


def test_what_is_generated_is_not_called_real(renderer: Renderer, own: RenderInput) -> None:
    (rendered,) = renderer.render([own])
    assert (rendered.coverage.max() == 0) == (renderer.info.mark == GENERATED)


def render_or_refuse(renderer: Renderer, inputs: RenderInput) -> None:
    """A sound picture or one of our own errors; nothing else may come out."""
    try:
        (rendered,) = renderer.render([inputs])
    except TryonError:
        return
    assert_sound(rendered, inputs)


def examples(renderer: Renderer) -> settings:
    """Fewer of those that take long."""
    return settings(max_examples=3 if renderer.info.mark == GENERATED else 12, deadline=None, derandomize=True)


def test_random_poses_never_crash(renderer: Renderer, own: RenderInput) -> None:
    @examples(renderer)
    @given(seed=st.integers(0, 2**32 - 1), spread=st.floats(0, 2), turn=st.floats(-3.2, 3.2))
    def check(seed: int, spread: float, turn: float) -> None:
        pose_at_random(renderer, own, seed, spread, turn)

    check()


def pose_at_random(renderer: Renderer, own: RenderInput, seed: int, spread: float, turn: float) -> None:
    keypoints = own.target.keypoints
    rng = np.random.default_rng(seed)
    moved = keypoints.xyz + rng.normal(0, spread * 200, keypoints.xyz.shape)
    world = keypoints.world + rng.normal(0, spread * 0.3, keypoints.world.shape)
    seen = rng.random(33) > 0.2
    pose = Keypoints(moved.astype(np.float32), world.astype(np.float32), keypoints.visibility, seen)
    render_or_refuse(renderer, posed(own, pose, turn=turn, size=OTHER_SIZE))


@pytest.mark.parametrize(
    "place",
    [
        np.zeros_like,
        lambda xyz: np.full_like(xyz, 100.0),
        lambda xyz: xyz * [0.0, 1.0, 1.0],
        lambda xyz: xyz * [1.0, 0.0, 1.0],
        lambda xyz: xyz * [-1.0, 1.0, 1.0],
        lambda xyz: xyz[::-1],
        lambda xyz: xyz * 50.0,
        lambda xyz: xyz * 0.01,
        lambda xyz: xyz - 5000.0,
    ],
    ids=["origin", "one point", "a line down", "a line across", "mirrored", "shuffled", "huge", "tiny", "far outside"],
)
def test_degenerate_poses_never_crash(renderer: Renderer, own: RenderInput, place: object) -> None:
    keypoints = own.target.keypoints
    xyz = np.asarray(place(keypoints.xyz), np.float32)  # type: ignore[operator]
    flat = np.zeros_like(keypoints.world)
    for world in (keypoints.world, flat):
        render_or_refuse(
            renderer, posed(own, Keypoints(xyz, world, keypoints.visibility, keypoints.seen), size=OTHER_SIZE)
        )
