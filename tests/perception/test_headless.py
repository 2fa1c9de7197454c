"""Bodies cut off by the photo's upper edge: what is drawn for the network, and what it finds in real shop photos."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tryon_service.errors import RefusedError
from tryon_service.figures import Figure, crop, draw_figure
from tryon_service.perception.headless import frontness, silhouette, trunk_of
from tryon_service.perception.pose_blazepose import BlazePose, well_built
from tryon_service.perception.skeletons import Landmark
from tryon_service.perception.stand_in import Facing, Trunk, continued
from tryon_service.types import Keypoints, Part, Photo

Load = Callable[[str], Photo]
HIPS = [Landmark.LEFT_HIP, Landmark.RIGHT_HIP]


def below_waist(figure: Figure) -> Figure:
    top = int(figure.keypoints.xy[HIPS, 1].min() - 0.09 * figure.matte.shape[0])
    height, width = figure.matte.shape
    return crop(figure, (0, top, width, height))


def test_silhouette_of_a_plain_photo_only() -> None:
    figure = draw_figure("standing", size=(300, 400), background=np.full((400, 300, 3), 250, np.uint8))
    body = silhouette(figure.photo)
    assert body is not None
    assert np.mean(body == (figure.matte > 0.5)) > 0.95
    street = np.random.default_rng(0).integers(0, 256, figure.photo.shape, np.uint8)
    assert silhouette(street) is None


@pytest.mark.parametrize("facing", ["front", "back"])
def test_the_drawn_part_leaves_the_photo_alone(facing: Facing) -> None:
    figure = below_waist(draw_figure("standing", size=(300, 400)))
    trunk = trunk_of(figure.keypoints)
    canvas, room = continued(figure.photo, figure.matte > 0.5, trunk, facing)
    np.testing.assert_array_equal(canvas[room:], figure.photo)
    x, y = trunk.hips
    head, neck = (int(y + room - up * trunk.scale) for up in (0.80, 0.6))
    background = canvas[0, 0].astype(int)
    assert np.abs(canvas[neck, int(x)] - background).max() > 10
    assert np.abs(canvas[head, int(x)] - background).max() > 10


def test_nothing_is_drawn_where_nothing_is_missing() -> None:
    figure = draw_figure("standing", size=(300, 400))
    canvas, room = continued(figure.photo, figure.matte > 0.5, Trunk((150.0, 200.0), (0.0, -1.0), 150.0), "front")
    assert room == 0
    np.testing.assert_array_equal(canvas, figure.photo)


def test_a_trunk_from_what_the_photo_shows(standing: Keypoints) -> None:
    for seen in (range(33), range(23, 33), range(23, 27)):
        shown = np.isin(np.arange(33), list(seen))
        trunk = trunk_of(Keypoints(standing.xyz, standing.world, standing.visibility, shown))
        assert trunk.hips == pytest.approx((150, 200))
        assert trunk.up == pytest.approx((0, -1))
        assert trunk.scale == pytest.approx(200, rel=0.05)


def test_knees_and_toes_tell_front_from_back(standing: Keypoints) -> None:
    xyz = standing.xyz.copy()
    xyz[[Landmark.LEFT_KNEE, Landmark.RIGHT_KNEE], 2] -= 30
    bent = Keypoints(xyz, standing.world, standing.visibility, standing.seen)
    behind = xyz.copy()
    behind[:, 2] *= -1
    away = Keypoints(behind, standing.world * (-1, 1, -1), standing.visibility, standing.seen)
    assert frontness([bent]) > 0 > frontness([away])


def test_a_folded_trunk_is_not_well_built(standing: Keypoints) -> None:
    assert well_built(standing)
    for joints, target in (((11, 12), 23), ((23, 24), 23)):
        xyz = standing.xyz.copy()
        xyz[list(joints), :2] = xyz[target, :2]
        assert not well_built(Keypoints(xyz, standing.world, standing.visibility, standing.seen))


# Found nowhere, on one shoe, from the wrong side or with shoulders at the hips before the missing part was drawn.
HARD = [
    "msh06_front",
    "msh10_front",
    "msh12_front",
    "wp02_front",
    "wp11_front",
    "wsh04_front",
    "wsh05_back",
    "mp11_back",
]


@pytest.mark.parametrize("name", HARD)
def test_legs_of_real_headless_photos(blazepose: BlazePose, load: Load, name: str) -> None:
    photo = load(f"store/photos/{name}.jpg")
    keypoints = blazepose.estimate(photo).keypoints
    height = photo.rgb.shape[0]
    hips, knees, ankles = (keypoints.xy[[i, i + 1], 1].mean() / height for i in (23, 25, 27))
    assert 0.12 < hips < 0.27
    assert 0.42 < knees < 0.62
    assert 0.75 < ankles < 0.97
    body = silhouette(photo.rgb)
    assert body is not None
    for joint in range(23, 29):
        x, y = np.rint(keypoints.xy[joint]).astype(int)
        assert body[y - 4 : y + 5, x - 4 : x + 5].any()
    across = keypoints.world[Landmark.LEFT_SHOULDER, 0] - keypoints.world[Landmark.RIGHT_SHOULDER, 0]
    assert (across < 0) == name.endswith("back")
    assert not keypoints.seen[:13].any()


def test_hips_of_a_dress_without_a_head_are_as_wide_as_hips(blazepose: BlazePose, load: Load) -> None:
    keypoints = blazepose.estimate(load("models/053228_0.jpg")).keypoints
    hips, shoulders = (float(np.hypot(*(keypoints.xy[i + 1] - keypoints.xy[i]))) for i in (23, 11))
    assert hips > 0.35 * shoulders


def test_trousers_alone_are_nobody(blazepose: BlazePose) -> None:
    figure = below_waist(draw_figure("standing", size=(480, 640), background=np.full((640, 480, 3), 255, np.uint8)))
    garment = figure.parsing == Part.TROUSERS
    rgb = np.where(garment[..., None], figure.photo, 255).astype(np.uint8)
    rgb = np.ascontiguousarray(rgb[int(np.flatnonzero(garment.any(axis=1))[0]) :])
    with pytest.raises(RefusedError) as caught:
        blazepose.estimate(Photo(rgb, (rgb.shape[1], rgb.shape[0]), ""))
    assert caught.value.code == "no_person"
