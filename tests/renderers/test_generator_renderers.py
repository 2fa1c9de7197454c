"""The renderers that draw: each shows its network what it was trained on, and what comes out is looked at anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.renderers.small_generators import SIZES, blind_eyes, bring_in
from tryon_service import pipeline as _registered  # noqa: F401 - fills RENDERERS
from tryon_service.errors import InputError, ZooError
from tryon_service.figures import OUTFITS, Figure, draw_figure
from tryon_service.packing import pack, unpack
from tryon_service.perception.skeletons import Landmark
from tryon_service.renderers import generated, generators
from tryon_service.renderers.base import RENDERERS
from tryon_service.renderers.generated import placed, portrait_of, target_frame
from tryon_service.renderers.generators import GENERATORS, NATIVE_SIZE, import_weights, open_generator
from tryon_service.renderers.nets.generator_input import one_hot, to_levels, to_picture
from tryon_service.renderers.pose_vector import pose_vector
from tryon_service.retarget.pose_maps import pose_maps
from tryon_service.types import Appearance, Person, RenderInput, TargetPose, UInt8Array
from tryon_service.zoo.store import Store

torch = pytest.importorskip("torch", reason="the networks need torch (the extra `neural`)")
pytest.importorskip("safetensors", reason="files of weights need safetensors (the extra `neural`)")

from tryon_service.renderers.adgan import AdganRenderer, mixed  # noqa: E402
from tryon_service.renderers.one_person import OnePersonRenderer  # noqa: E402
from tryon_service.renderers.patn import PatnRenderer  # noqa: E402
from tryon_service.zoo.weights_file import Header, write_weights  # noqa: E402

SIZE, CODE = (192, 256), SIZES["adgan"]["style"]


@pytest.fixture(scope="module")
def inputs(person_of: Callable[[Figure], Person]) -> RenderInput:
    product = person_of(draw_figure("standing", OUTFITS["print_tee"], SIZE))
    shopper = person_of(draw_figure("hand_on_hip", OUTFITS["sport"], SIZE))
    appearance = Appearance(product, {}, product.photo.rgb)
    return RenderInput(appearance, TargetPose(shopper.keypoints, turn=0.0, size=SIZE))


@pytest.fixture(scope="module")
def adgan(tmp_path_factory: pytest.TempPathFactory) -> AdganRenderer:
    store = bring_in("adgan", tmp_path_factory.mktemp("adgan"), "gaussian")
    return AdganRenderer(open_generator("adgan", store), blind_eyes())


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[UInt8Array]:
    """The portraits that were drawn."""
    drawn: list[UInt8Array] = []
    for module in ("adgan", "patn", "one_person"):
        path = f"tryon_service.renderers.{module}.placed"
        monkeypatch.setattr(path, lambda portrait, *rest: drawn.append(portrait) or placed(portrait, *rest))
    return drawn


@torch.no_grad()
def test_adgan_draws_what_its_network_does(adgan: AdganRenderer, inputs: RenderInput, seen: list[UInt8Array]) -> None:
    adgan.render([inputs])
    person = inputs.appearance.person
    frame, portrait = portrait_of(person, NATIVE_SIZE)
    shown = (to_levels(portrait), one_hot(frame.cut_mask(person.parsing)))
    joints = target_frame(inputs.target, NATIVE_SIZE).coco18(inputs.target.keypoints)
    maps = pose_maps("gaussian", joints, NATIVE_SIZE)
    drawn = adgan._net(*(torch.from_numpy(array[None]) for array in (maps, *shown)))[0]
    np.testing.assert_array_equal(seen[0], to_picture(drawn.numpy()))
    assert seen[0].shape == (256, 176, 3)


def test_the_code_is_kept_with_the_product_and_used(adgan: AdganRenderer, inputs: RenderInput) -> None:
    code = adgan.prepare(inputs.appearance)
    assert (code.shape, code.dtype) == ((CODE,), np.float32)
    packed = np.frombuffer(b"".join(bytes(piece) for piece in pack({"prepared": code})), np.uint8)
    np.testing.assert_array_equal(unpack(packed)["prepared"], code)
    fresh, kept, other = (
        adgan.render([replace(inputs, prepared=prepared)])[0].rgb for prepared in (None, code, -5 * code)
    )
    np.testing.assert_array_equal(fresh, kept)
    assert (kept != other).any()


def test_a_look_takes_slices_from_others() -> None:
    classes = ("background", "pants", "hair", "skirt")
    own, other = np.zeros(8, np.float32), np.arange(8, dtype=np.float32)
    np.testing.assert_array_equal(mixed(own, {"hair": other}, classes), [0, 0, 0, 0, 4, 5, 0, 0])
    np.testing.assert_array_equal(mixed(own, {"skirt": other}, classes), [0, 0, 2, 3, 0, 0, 6, 7])
    both = mixed(own, {"skirt": other, "pants": -other}, classes)
    np.testing.assert_array_equal(both, [0, 0, -2, -3, 0, 0, 6, 7])
    np.testing.assert_array_equal(mixed(own, {}, classes), own)
    assert not own.any(), "the product's own code is not changed"


def test_a_look_changes_the_picture(adgan: AdganRenderer, inputs: RenderInput) -> None:
    code = adgan.prepare(inputs.appearance)
    own = replace(inputs, prepared=code)
    plain, same, lent = (
        adgan.render([replace(own, look=look)])[0].rgb for look in ({}, {"upper": code}, {"upper": -5 * code})
    )
    np.testing.assert_array_equal(plain, same)
    assert (plain != lent).any()
    assert adgan.info.looks


@torch.no_grad()
@pytest.mark.parametrize("encoding", ["impulse", "gaussian"])
def test_patn_draws_from_both_poses(encoding: str, inputs: RenderInput, seen: list[UInt8Array], tmp_path: Path) -> None:
    generator = open_generator("patn", bring_in("patn", tmp_path, encoding))
    renderer = PatnRenderer(generator, blind_eyes())
    prepared = renderer.prepare(inputs.appearance)
    renderer.render([replace(inputs, prepared=prepared)])
    frame, portrait = portrait_of(inputs.appearance.person, NATIVE_SIZE)
    target = target_frame(inputs.target, NATIVE_SIZE).coco18(inputs.target.keypoints)
    source = frame.coco18(inputs.appearance.person.keypoints)
    maps = [pose_maps(encoding, joints, NATIVE_SIZE) for joints in (source, target)]
    drawn = generator.net(*(torch.from_numpy(array[None]) for array in (to_levels(portrait), *maps)))[0]
    np.testing.assert_array_equal(seen[0], to_picture(drawn.numpy()))
    assert not renderer.info.looks


def test_nearest_shows_the_frame_of_the_nearest_pose(
    inputs: RenderInput, seen: list[UInt8Array], tmp_path: Path
) -> None:
    frames = np.random.default_rng(1).integers(0, 256, (3, 64, 64, 3)).astype(np.uint8)
    own = pose_vector(target_frame(inputs.target, (64, 64)).points(inputs.target.keypoints.xy), (64, 64))
    poses = np.stack([own + 0.3, own + 0.01, -own])
    changes = {"frames": torch.from_numpy(frames), "poses": torch.from_numpy(poses)}
    renderer = OnePersonRenderer(open_generator("nearest", bring_in("nearest", tmp_path, **changes)), blind_eyes())
    assert renderer.prepare(inputs.appearance) is None
    renderer.render([inputs])
    np.testing.assert_array_equal(seen[0], frames[1])


@pytest.mark.parametrize("name", ["pose2image", "pose2image-gan"])
@pytest.mark.parametrize("encoding", ["vector", "drawing"])
def test_one_person_is_drawn_from_numbers_or_from_a_drawing(
    name: str, encoding: str, inputs: RenderInput, seen: list[UInt8Array], tmp_path: Path
) -> None:
    renderer = OnePersonRenderer(open_generator(name, bring_in(name, tmp_path, encoding)), blind_eyes())
    assert (renderer.info.name, renderer.info.native_size) == (name, (64, 64))
    xyz = inputs.target.keypoints.xyz.copy()
    xyz[Landmark.LEFT_WRIST] += 25
    moved = replace(inputs, target=replace(inputs.target, keypoints=replace(inputs.target.keypoints, xyz=xyz)))
    renderer.render([inputs, moved])
    assert seen[0].shape == (64, 64, 3)
    assert (seen[0] != seen[1]).any()


def test_where_nobody_is_recognised_all_that_is_drawn_counts(inputs: RenderInput) -> None:
    person = inputs.appearance.person
    frame, portrait = portrait_of(person, NATIVE_SIZE)
    rendered = placed(portrait, frame, blind_eyes())
    solid, drawn = rendered.alpha > 0.5, person.matte > 0.5
    assert (solid & drawn).sum() / (solid | drawn).sum() > 0.85
    assert not rendered.coverage.any()
    assert not rendered.parsing.any(), "nothing is known of its parts"
    apart = np.abs(rendered.rgb.astype(int) - person.photo.rgb)[person.matte == 1]
    assert apart.mean() < 12, "the picture lies where the person stood"


def test_a_drawn_person_is_found_where_it_was_drawn(inputs: RenderInput) -> None:
    try:
        eyes = generated.own_eyes()
    except ZooError as error:
        pytest.skip(f"no networks: {error}")
    person = inputs.appearance.person
    frame, portrait = portrait_of(person, NATIVE_SIZE)
    rendered = placed(portrait, frame, eyes)
    solid, drawn = rendered.alpha > 0.5, person.matte > 0.5
    assert (solid & drawn).sum() / (solid | drawn).sum() > 0.9
    assert {int(part) for part in np.unique(rendered.parsing)} >= {0, 1, 2, 3}


@pytest.mark.parametrize("name", SIZES)
def test_absent_weights_and_absent_torch_say_what_to_do(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRYON_ZOO_DIR", str(tmp_path))
    with pytest.raises(ZooError, match=f"'tryon zoo import {name} FILE'") as caught:
        RENDERERS.create(name)
    assert caught.value.code == "network_missing"
    monkeypatch.setattr(generators, "neural_installed", lambda: False)
    with pytest.raises(ZooError, match=rf"{name} needs the extra neural: pip install 'tryon-service\[neural\]'"):
        RENDERERS.create(name)


def test_the_registry_has_every_generator() -> None:
    assert set(GENERATORS) == set(SIZES) <= set(RENDERERS.names())


def test_there_are_no_published_weights_of_one_person(tmp_path: Path) -> None:
    torch.save({"layers.0.weight": torch.zeros(1)}, tmp_path / "x.pth")
    with pytest.raises(
        InputError, match=r"x\.pth is no file of weights of ours, the only ones there are of pose2image"
    ):
        import_weights("pose2image", tmp_path / "x.pth", Store(tmp_path / "zoo"))


@pytest.mark.parametrize(
    ("name", "header", "words"),
    [
        ("nearest", Header("nearest", {"frames": 2}, (), "drawing", ""), "encoding 'drawing', not one of vector"),
        ("nearest", Header("nearest", {"frames": 0}, (), "vector", ""), "sizes that nearest can't have"),
        ("nearest", Header("nearest", {"frames": 2}, (), "vector", ""), "pictures: poses"),
        ("pose2image", Header("pose2image", {"width": 0}, (), "vector", ""), "sizes that pose2image can't have"),
        ("pose2image-gan", Header("pose2image", {"width": 2}, (), "vector", ""), "weights of pose2image, not of"),
    ],
)
def test_files_of_one_person_are_checked(name: str, header: Header, words: str, tmp_path: Path) -> None:
    state = {
        "frames": torch.zeros(2, 64, 64, 3, dtype=torch.uint8),
        "poses": torch.zeros(2, 26, dtype=torch.uint8),
    }
    write_weights(tmp_path / "trained", state, header)
    with pytest.raises(InputError, match=words):
        import_weights(name, tmp_path / "trained", Store(tmp_path / "zoo"))
