"""Which of a card's photos is used, on drawn figures and on a real shop's front and back photos."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tryon_service.choice import choose, mismatch, movement, view_name
from tryon_service.figures import Figure, crop, draw_figure
from tryon_service.perception.named_view import turned_round
from tryon_service.pipeline import Pipeline, Product, RenderRequest
from tryon_service.types import Keypoints, ViewName


def drawn(pose: str = "standing") -> Figure:
    return draw_figure(pose, size=(192, 256))


@pytest.fixture(scope="module")
def standing() -> Keypoints:
    return drawn().keypoints


def turned(keypoints: Keypoints, degrees: float) -> Keypoints:
    """The same picture of a body said to stand turned about the vertical, towards its own left."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    spin = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)
    return replace(keypoints, world=keypoints.world @ spin)


def hidden(keypoints: Keypoints, *joints: int) -> Keypoints:
    seen = keypoints.seen.copy()
    seen[list(joints)] = False
    return replace(keypoints, seen=seen)


@pytest.mark.parametrize(
    ("degrees", "name"), [(0, "front"), (-25, "front"), (45, "three_quarter"), (-90, "side"), (150, "back")]
)
def test_views_by_name(standing: Keypoints, degrees: float, name: ViewName) -> None:
    assert view_name(turned(standing, degrees)) == name


def test_the_nearest_view_is_chosen_and_named(standing: Keypoints) -> None:
    card = {0: standing, 1: turned_round(standing), 3: turned(standing, 50)}
    assert choose(card, standing).index == 0
    assert choose(card, turned(standing, 60)).index == 3
    chosen = choose(card, turned(standing, 165))
    assert (chosen.index, chosen.view, chosen.shopper_view) == (1, "back", "back")
    assert chosen.degrees_apart == pytest.approx(15, abs=0.1)


def test_of_two_views_the_one_whose_limbs_move_less(standing: Keypoints) -> None:
    raised, sideways = drawn("arms_raised").keypoints, drawn("arms_out").keypoints
    assert choose({0: standing, 1: sideways}, raised).index == 1
    assert choose({0: sideways, 1: standing}, standing).index == 1
    assert choose({0: standing, 1: standing}, standing).index == 0
    assert movement(standing, standing) == 0
    assert movement(standing, raised) > 45


def test_the_photo_that_shows_what_the_shopper_shows(standing: Keypoints) -> None:
    figure = drawn()
    half = crop(figure, (0, 0, 192, 140)).keypoints
    chosen = choose({0: half, 1: standing}, standing)
    assert (chosen.index, chosen.missing) == (1, ())
    assert choose({0: standing, 1: half}, half).index == 1
    alone = choose({0: half}, standing)
    assert {"left_knee", "right_ankle"} <= set(alone.missing)


def test_a_missing_joint_counts_as_much_as_ten_degrees(standing: Keypoints) -> None:
    assert mismatch(standing, standing) == 0
    assert mismatch(turned(standing, 30), standing) == pytest.approx(30, abs=0.1)
    assert mismatch(hidden(standing, 15, 16), standing) == pytest.approx(20)


def test_no_limb_in_common_moves_nothing(standing: Keypoints) -> None:
    assert movement(hidden(standing, *range(33)), standing) == 0


def _analysed(pipeline: Pipeline, photos: Path, name: str, view: ViewName) -> Product:
    return pipeline.analyse_product((photos / f"store/photos/{name}_{view}.jpg").read_bytes(), view=view)


@pytest.mark.parametrize("card", ["mt01"])
def test_a_shopper_from_behind_gets_the_back_photo(pipeline: Pipeline, photos: Path, card: str) -> None:
    shopper = pipeline.analyse_pose((photos / "store/photos/ms02_back.jpg").read_bytes())
    products = tuple(_analysed(pipeline, photos, card, view) for view in ("front", "back"))
    result = pipeline.render(RenderRequest(shopper, products))
    assert result.choice
    assert (result.product_used, result.choice.view, result.choice.shopper_view) == (1, "back", "back")
    assert result.verdict.status == "accepted"
    alone = pipeline.render(RenderRequest(shopper, products[:1]))
    assert alone.verdict.reasons[0].code == "back_view"


def test_trousers_from_behind_are_told_from_the_front(pipeline: Pipeline, photos: Path) -> None:
    poses = {
        index: pipeline.analyse_product((photos / f"store/photos/mp12_{side}.jpg").read_bytes()).person.keypoints
        for index, side in enumerate(("front", "back"))
    }
    shopper = drawn().keypoints
    assert choose(poses, shopper).index == 0
    assert choose(poses, turned_round(shopper)).index == 1
