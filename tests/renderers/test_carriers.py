"""Where carriers go: the cloth of both legs is one piece down to where they part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tryon_service.appearance.decompose import decompose
from tryon_service.figures import POSES, Figure, draw_figure
from tryon_service.renderers.carriers import CROTCH, analyse
from tryon_service.renderers.warp import WarpRenderer
from tryon_service.retarget.retarget import retarget
from tryon_service.retarget.rig import LEGS, build_rig
from tryon_service.types import Appearance, Person, RenderInput

SIZE = (288, 384)
MakePerson = Callable[[Figure], Person]


def standing(degrees: float) -> Figure:
    """Legs each so many degrees from upright."""
    legs = {f"{side}_{bone}": (degrees, 0.0) for side in ("left", "right") for bone in ("thigh", "shin")}
    return draw_figure(replace(POSES["standing"], **legs), size=SIZE)


@pytest.fixture(scope="module")
def closed(person_of: MakePerson) -> Appearance:
    return decompose(person_of(standing(-6.0)))


def test_legs_part_where_the_photo_shows_something_between_them(closed: Appearance, person_of: MakePerson) -> None:
    assert analyse(closed).parting == CROTCH[1]
    apart = decompose(person_of(standing(4.0)))
    parting = analyse(apart).parting
    left, right = (build_rig(apart.person.keypoints).limbs[name] for name in LEGS)
    row = round(float(np.interp(parting, left.t, (left.points[:, 1] + right.points[:, 1]) / 2)))
    columns = slice(*sorted(round(float(np.interp(parting, leg.t, leg.points[:, 0]))) for leg in (left, right)))
    assert apart.person.matte[row + 3, columns].min() < 0.5 <= apart.person.matte[row - 8, columns].min()


@pytest.mark.parametrize("degrees", [14.0, 22.0])
def test_nothing_opens_above_where_legs_part(closed: Appearance, degrees: float) -> None:
    target = retarget(closed.person, standing(degrees).keypoints)
    alpha = WarpRenderer().render([RenderInput(closed, target)])[0].alpha
    rig = build_rig(target.keypoints, target.scale)
    left, right = (rig.limbs[name] for name in LEGS)
    above = (left.t > 1.0) & (left.t < 1.5)
    for share in np.linspace(0.0, 1.0, 21):
        x, y = np.round(left.points[above] * share + right.points[above] * (1 - share)).astype(int).T
        assert alpha[y, x].min() > 0.95
