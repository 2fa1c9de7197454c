"""What every perception backend promises, over every name in the registries. A new one is held to it by itself.

Plug-ins run with small networks: those of rembg and Segment Anything through the packages themselves where they are
installed, those of detectron2 through a stand-in for its predictor. Real weights are tried in tests/perception.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.perception.small_plug_ins import (
    SeesDark,
    bring_in_cut_outs,
    bring_in_sam,
    fit_torchvision,
    two_tones,
)
from tryon_service.errors import RefusedError, ZooError
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.perception.backends import CUT_OUTS, MATTER, PARSER, POSE, SURFACE
from tryon_service.perception.base import PoseEstimate
from tryon_service.perception.pose_keypoint_rcnn import KeypointRcnn
from tryon_service.perception.surface_densepose import DensePose
from tryon_service.types import Keypoints, Part, Photo, UInt8Array

SIZE = (300, 400)
FIGURE = draw_figure("standing", OUTFITS["print_tee"], SIZE)
BODY = FIGURE.matte > 0.5
PLUGGED_IN = {"keypoint-rcnn", "densepose", "sam", *CUT_OUTS}


@dataclass(frozen=True)
class Scene:
    """A photo and the truth about the one person in it. name: what was done to it."""

    name: str
    photo: Photo
    estimate: PoseEstimate

    @property
    def shape(self) -> tuple[int, ...]:
        return self.photo.rgb.shape[:2]


def scene(name: str, rgb: UInt8Array, body: Any, keypoints: Keypoints) -> Scene:
    """Everything in it read-only, so that a backend that writes into its input fails."""
    rgb, mask = np.ascontiguousarray(rgb), np.ascontiguousarray(body, np.float32)
    xyz = keypoints.xyz.copy()
    for array in (rgb, mask, xyz):
        array.setflags(write=False)
    size = (rgb.shape[1], rgb.shape[0])
    return Scene(name, Photo(rgb, size, ""), PoseEstimate(replace(keypoints, xyz=xyz), mask, 1.0))


def scenes(plugged_in: bool) -> dict[str, Scene]:
    """The figure as it is, cut off, turned and tiny. Plugged-in networks see it in two tones, which theirs know."""
    rgb, truth = (two_tones(BODY) if plugged_in else FIGURE.photo), FIGURE.keypoints
    width, height = SIZE
    turned = truth.xyz.copy()
    turned[:, 0], turned[:, 1] = truth.xyz[:, 1], width - 1 - truth.xyz[:, 0]
    small = cv2.resize(rgb, (24, 32), interpolation=cv2.INTER_AREA)
    small_body = cv2.resize(BODY.astype(np.float32), (24, 32), interpolation=cv2.INTER_AREA) > 0.5
    made = (
        scene("whole", rgb, BODY, truth),
        scene("cropped", rgb[: height // 2, 30:], BODY[: height // 2, 30:], truth.moved(1.0, (-30.0, 0.0))),
        scene("turned", np.rot90(rgb), np.rot90(BODY), replace(truth, xyz=turned)),
        scene("tiny", small, small_body, truth.moved(24 / width)),
    )
    return {one.name: one for one in made}


NOBODY = scene("nobody", two_tones(np.zeros(SIZE[::-1], np.bool_)), np.zeros(SIZE[::-1]), FIGURE.keypoints)


def made(registry: Any, name: str, folder: Path, patch: pytest.MonkeyPatch) -> Any:
    """A backend by its name, a plug-in with a small network. Skips where what it runs on isn't there."""
    if name in CUT_OUTS:
        need("rembg", f"{name}: neither its mattes nor their edges were checked; the extra `rembg` has it")
        patch.setenv("TRYON_ZOO_DIR", str(bring_in_cut_outs(folder, CUT_OUTS[name]).root))
    if name == "sam":
        for package in ("torch", "safetensors", "segment_anything"):
            need(package, "sam: its mattes were not checked; the extra `sam` has it")
        fit_torchvision(patch)
        patch.setenv("TRYON_ZOO_DIR", str(bring_in_sam(folder).root))
    if registry in {POSE, SURFACE} and name in PLUGGED_IN:
        double: Any = object.__new__(KeypointRcnn if registry is POSE else DensePose)
        double.networks, double._find = (), SeesDark(FIGURE.keypoints, BODY).find
        return double
    try:
        return registry.create(name)
    except ZooError as error:
        pytest.skip(f"no networks: {error}")


def need(package: str, unchecked: str) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed. {unchecked}")


def backend_fixture(registry: Any) -> Callable[..., Any]:
    @pytest.fixture(scope="module", params=registry.names(), name=registry.kind)
    def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            yield request.param, made(registry, request.param, tmp_path_factory.mktemp("plug-in"), patch)

    return backend


pose, matter = backend_fixture(POSE), backend_fixture(MATTER)
parser, surface = backend_fixture(PARSER), backend_fixture(SURFACE)


def iou(one: Any, other: Any) -> float:
    return float((one & other).sum() / max((one | other).sum(), 1))


@pytest.mark.parametrize("kind", ["whole", "cropped", "turned", "tiny"])
def test_estimates_are_sound(pose: tuple[str, Any], kind: str) -> None:
    name, estimator = pose
    seen = scenes(name in PLUGGED_IN)[kind]
    if kind in {"turned", "tiny"} and refuses(estimator, seen.photo):
        return
    found = estimator.estimate(seen.photo)
    assert found.mask.shape == seen.shape
    assert found.mask.dtype == np.float32
    assert 0 <= found.mask.min() <= found.mask.max() <= 1
    assert 0 < found.score <= 1
    keypoints = found.keypoints
    for array, shape in ((keypoints.xyz, (33, 3)), (keypoints.world, (33, 3)), (keypoints.visibility, (33,))):
        assert array.shape == shape
        assert array.dtype == np.float32
        assert np.isfinite(array).all()
    assert keypoints.seen.dtype == np.bool_
    assert 0 <= keypoints.visibility.min() <= keypoints.visibility.max() <= 1
    inside = np.all((keypoints.xy >= -0.5) & (keypoints.xy < np.array(seen.shape[::-1]) - 0.5), axis=1)
    assert not (keypoints.seen & ~inside).any()
    again = estimator.estimate(seen.photo)
    assert np.array_equal(again.mask, found.mask)
    assert np.array_equal(again.keypoints.xyz, keypoints.xyz)


def refuses(estimator: Any, photo: Photo) -> bool:
    """Nobody is asked to find a person who lies down or is 32 pixels high."""
    try:
        estimator.estimate(photo)
    except RefusedError:
        return True
    return False


def test_joints_are_where_they_are(pose: tuple[str, Any]) -> None:
    """x before y, left the person's own, pixels' middles, depth none or true."""
    name, estimator = pose
    seen = scenes(name in PLUGGED_IN)["whole"]
    found, truth = estimator.estimate(seen.photo).keypoints, seen.estimate.keypoints
    joints = [11, 12, 13, 14, 23, 24, 25, 26, 27, 28]
    apart = np.hypot(*(found.xy - truth.xy)[joints].T)
    assert np.median(apart) < 0.02 * SIZE[1]
    assert found.world[11, 0] > found.world[12, 0]
    assert found.world[11, 1] < found.world[27, 1]
    followed = estimator.follow(seen.photo, truth)
    assert np.median(np.hypot(*(followed.xy - truth.xy)[joints].T)) < 0.02 * SIZE[1]


def test_nobody_is_no_person(pose: tuple[str, Any]) -> None:
    _, estimator = pose
    for look in (estimator.estimate, lambda photo: estimator.follow(photo, FIGURE.keypoints)):
        with pytest.raises(RefusedError) as caught:
            look(NOBODY.photo)
        assert caught.value.code == "no_person"


@pytest.mark.parametrize("kind", ["whole", "cropped", "turned", "tiny"])
def test_mattes_are_sound(matter: tuple[str, Any], kind: str) -> None:
    name, backend = matter
    seen = scenes(name in PLUGGED_IN)[kind]
    found = backend.matte(seen.photo, seen.estimate)
    assert found.shape == seen.shape
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert 0 <= found.min() <= found.max() <= 1
    assert np.array_equal(backend.matte(seen.photo, seen.estimate), found)
    if name != "sam":  # whose weights are random here
        assert iou(found > 0.5, seen.estimate.mask > 0.5) > (0.7 if kind == "tiny" else 0.9)


def test_no_mask_no_matte(matter: tuple[str, Any]) -> None:
    _, backend = matter
    assert not backend.matte(NOBODY.photo, NOBODY.estimate).any()


@pytest.mark.parametrize("kind", ["whole", "cropped", "turned", "tiny"])
def test_parsings_are_sound(parser: tuple[str, Any], kind: str) -> None:
    _, backend = parser
    seen = scenes(plugged_in=False)[kind]
    found = backend.parse(seen.photo, seen.estimate.keypoints, seen.estimate.mask)
    assert found.shape == seen.shape
    assert found.dtype == np.uint8
    assert found.max() <= max(Part)
    assert not found[seen.estimate.mask < 0.5].any()
    assert np.array_equal(backend.parse(seen.photo, seen.estimate.keypoints, seen.estimate.mask), found)


def test_nobody_has_no_parts(parser: tuple[str, Any]) -> None:
    _, backend = parser
    assert not backend.parse(NOBODY.photo, NOBODY.estimate.keypoints, NOBODY.estimate.mask).any()


@pytest.mark.parametrize("kind", ["whole", "cropped", "turned", "tiny"])
def test_surface_maps_are_sound(surface: tuple[str, Any], kind: str) -> None:
    name, backend = surface
    seen = scenes(name in PLUGGED_IN)[kind]
    found = backend.map_surface(seen.photo, seen.estimate)
    assert found.parts.shape == seen.shape
    assert found.parts.dtype == np.uint8
    assert found.parts.max() <= 24
    assert found.uv.shape == (*seen.shape, 2)
    assert found.uv.dtype == np.float32
    assert 0 <= found.uv.min() <= found.uv.max() <= 1
    assert not found.uv[found.parts == 0].any()
    assert iou(found.parts > 0, seen.estimate.mask > 0.5) > (0.7 if kind == "tiny" else 0.9)
    again = backend.map_surface(seen.photo, seen.estimate)
    assert np.array_equal(again.parts, found.parts)
    assert np.array_equal(again.uv, found.uv)


def test_nobody_has_no_surface(surface: tuple[str, Any]) -> None:
    _, backend = surface
    found = backend.map_surface(NOBODY.photo, NOBODY.estimate)
    assert not found.parts.any()
    assert not found.uv.any()
