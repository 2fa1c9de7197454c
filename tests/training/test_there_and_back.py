"""Drawn people go into other poses and come back: what must lie where it lay, and what counts as lost on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from tryon_service.analysis import Analyst
from tryon_service.appearance.decompose import decompose
from tryon_service.errors import InputError
from tryon_service.figures import OUTFITS, Figure, draw_figure
from tryon_service.perception.skeletons import Landmark
from tryon_service.poses.pose import Pose
from tryon_service.renderers.nets.refine_input import MULTIPLE, over_grey
from tryon_service.renderers.warp import WarpRenderer
from tryon_service.request import Product
from tryon_service.retarget.retarget import retarget
from tryon_service.training.limb_moves import ARM, BENT, LEG, with_limbs_moved
from tryon_service.training.photos import PhotoFile
from tryon_service.training.shards import SIDE, Sample
from tryon_service.training.stops import Stop
from tryon_service.training.there_and_back import as_drawn_once, seen_again, there_and_back
from tryon_service.types import Part, Person, Rendered, Size

TALL = (576, 768)
RENDERER = WarpRenderer()

MakePerson = Callable[[Figure], Person]


class Known:
    """An analyst who knows the true person behind each file name."""

    def __init__(self, folder: Path, **people: Person) -> None:
        self._people = people
        self.files = {name: PhotoFile(f"ccp/{name}", "ccp", folder / name) for name in people}
        for photo in self.files.values():
            photo.path.write_bytes(b"")

    def analyse_product(self, _data: bytes, name: str, *, size: Size, renderer: str) -> Product:
        assert size[1] >= SIDE
        return Product(decompose(self._people[name.removeprefix("ccp/")]), None, renderer, {})

    def renderer(self, _name: str) -> WarpRenderer:
        return RENDERER

    @property
    def analyst(self) -> Analyst:
        return cast(Analyst, self)


@pytest.fixture(scope="module")
def standing(person_of: MakePerson) -> Person:
    return person_of(draw_figure("standing", OUTFITS["print_tee"], TALL))


@pytest.fixture(scope="module")
def akimbo(person_of: MakePerson) -> Person:
    return person_of(draw_figure("hand_on_hip", OUTFITS["striped_long"], TALL, seed=1))


@pytest.fixture(scope="module")
def start(standing: Person) -> Stop:
    return Stop(decompose(standing))


@pytest.fixture(scope="module")
def samples(standing: Person, akimbo: Person, tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return list(islice(made(Known(tmp_path_factory.mktemp("made"), anna=standing), akimbo), 2))


def made(known: Known, other: Person) -> Iterator[Sample]:
    rng = np.random.default_rng(5)
    return there_and_back(known.analyst, known.files["anna"], [Pose.of(other)], rng)


def differing(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Levels by which pixels differ, H x W."""
    return np.abs(one.astype(int) - other).max(axis=2)


def test_the_own_pose_is_the_photo_itself(standing: Person, start: Stop) -> None:
    drawn = start.drawn(RENDERER, start.back_to(standing))
    inside = (standing.matte == 1) & (drawn.coverage > 0.99)
    assert inside.sum() > 0.9 * (standing.matte == 1).sum()
    assert differing(drawn.rgb, standing.photo.rgb)[inside].max() <= 1
    again = as_drawn_once(drawn, drawn)
    np.testing.assert_array_equal(over_grey(again.rgb, again.alpha), over_grey(drawn.rgb, drawn.alpha))


def test_what_an_arm_hid_on_the_way_is_not_real_and_the_rest_lands(standing: Person, start: Stop) -> None:
    bent = draw_figure("arm_bent_front", OUTFITS["print_tee"], TALL).keypoints
    there = start.moved(RENDERER, retarget(standing, bent, outline=start.outline))
    back = there.drawn(RENDERER, there.back_to(standing))
    garment = (standing.parsing == Part.UPPER) & (standing.matte == 1)
    hidden = garment & (there.person.parsing == Part.LEFT_ARM) & (there.person.matte == 1)
    assert hidden.sum() > 500
    assert (back.coverage[hidden] < 0.5).mean() > 0.9
    head = (standing.parsing == Part.FACE) & (standing.matte == 1)
    assert (back.coverage[head] > 0.99).mean() > 0.85
    assert np.percentile(differing(back.rgb, standing.photo.rgb)[head], 90) < 15
    sharp = as_drawn_once(back, start.drawn(RENDERER, start.back_to(standing)))
    assert np.percentile(differing(sharp.rgb, standing.photo.rgb)[head], 90) <= 1
    np.testing.assert_array_equal(sharp.rgb[hidden & (back.coverage < 0.5)], back.rgb[hidden & (back.coverage < 0.5)])


def test_the_way_back_undoes_scale_and_place(standing: Person, start: Stop) -> None:
    raised = draw_figure("one_arm_up", OUTFITS["print_tee"], TALL).keypoints
    target = retarget(standing, raised, outline=start.outline)
    assert target.scale < 0.98
    there = start.moved(RENDERER, target)
    assert there.scale == target.scale
    back = there.drawn(RENDERER, there.back_to(standing))
    legs = np.isin(standing.parsing, (Part.TROUSERS, Part.SHOES))
    assert ((back.alpha > 0.5) & legs).sum() > 0.97 * legs.sum()
    assert np.percentile(differing(back.rgb, standing.photo.rgb)[legs & (standing.matte == 1)], 90) < 25


def flat(value: int, coverage: float = 1.0) -> Rendered:
    shape = 60, 60
    return Rendered(
        np.full((*shape, 3), value, np.uint8),
        np.ones(shape, np.float32),
        np.full(shape, coverage, np.float32),
        np.full(shape, Part.UPPER, np.uint8),
    )


def test_only_what_came_back_to_its_place_is_taken_from_the_photo() -> None:
    photo, back = flat(100), flat(104)
    back.rgb[:, 30:] = 140
    back.coverage[:10] = 0.0
    got = as_drawn_once(back, photo)
    assert (got.rgb[20:, :20] == 100).all()
    assert (got.rgb[:, 30:] == 140).all()
    assert (got.rgb[:10, :20] == 104).all()
    assert (got.coverage[:10] == 0).all()


def test_a_thin_seam_stays() -> None:
    photo, back = flat(100), flat(100)
    back.rgb[:, 30] = 20
    assert (as_drawn_once(back, photo).rgb[:, 30] == 20).all()


def test_samples_fit_together(samples: list[Sample], standing: Person) -> None:
    assert len(samples) == 2
    for sample in samples:
        assert sample.rgb.shape == sample.target.shape == (SIDE, sample.alpha.shape[1], 3)
        assert sample.alpha.shape == sample.coverage.shape == sample.parsing.shape == sample.target_alpha.shape
        assert sample.alpha.shape[1] % MULTIPLE == 0
        assert sample.kind in ("other", "jitter")
        assert sample.hops in (2, 3)
        solid = sample.target_alpha == 255
        assert (sample.target[sample.target_alpha == 0] == 128).all()
        real = solid & (sample.alpha == 255) & (sample.coverage == 255)
        assert real.sum() > 0.5 * solid.sum()
        assert np.median(differing(sample.rgb, sample.target)[real]) <= 1
        nose = sample.xy[Landmark.NOSE].round().astype(int)
        assert sample.target_parsing[nose[1], nose[0]] == Part.FACE
        np.testing.assert_array_equal(sample.seen, standing.keypoints.seen)


def test_the_same_draw_gives_the_same_sample(
    samples: list[Sample], standing: Person, akimbo: Person, tmp_path: Path
) -> None:
    again = next(made(Known(tmp_path, anna=standing), akimbo))
    assert (again.kind, again.hops) == (samples[0].kind, samples[0].hops)
    np.testing.assert_array_equal(again.rgb, samples[0].rgb)


def test_small_photos_are_left_out(person_of: MakePerson, tmp_path: Path) -> None:
    known = Known(tmp_path, anna=person_of(draw_figure("standing", OUTFITS["print_tee"], (288, 384))))
    with pytest.raises(InputError, match="512 are needed") as caught:
        next(there_and_back(known.analyst, known.files["anna"], (), np.random.default_rng(0)))
    assert caught.value.code == "image_too_small"


def test_the_same_person_photographed_again(standing: Person, person_of: MakePerson, tmp_path: Path) -> None:
    again = person_of(draw_figure("hand_on_hip", OUTFITS["print_tee"], TALL))
    known = Known(tmp_path, anna=standing, again=again)
    sample = seen_again(known.analyst, known.files["anna"], known.files["again"])
    assert (sample.kind, sample.hops) == ("real", 1)
    both = (sample.alpha > 127) & (sample.target_alpha > 127)
    assert both.sum() > 0.9 * (sample.target_alpha > 127).sum()


def test_limbs_move_as_far_as_said(standing: Person) -> None:
    before = standing.keypoints
    for seed in range(20):
        after = with_limbs_moved(before, np.random.default_rng(seed))
        moved = np.zeros(2)
        for kind, (root, middle, end) in enumerate((("SHOULDER", "ELBOW", "WRIST"), ("HIP", "KNEE", "ANKLE"))):
            for side in ("LEFT", "RIGHT"):
                bones = [(Landmark[f"{side}_{a}"], Landmark[f"{side}_{b}"]) for a, b in ((root, middle), (middle, end))]
                least, most = (ARM, LEG)[kind]
                upper, outer = (turned(before.xy, after.xy, bone) for bone in bones)
                assert upper == pytest.approx(0, abs=0.1) or least - 0.1 <= upper <= most + 0.1
                assert outer <= (1 + BENT) * most + 0.1
                moved[kind] += upper
                for one, other in ((before.xy, after.xy), (before.world, after.world)):
                    for near, far in bones:
                        length, as_long = (np.linalg.norm(joints[far] - joints[near]) for joints in (one, other))
                        assert as_long == pytest.approx(length, rel=1e-4)
        assert moved.any()


def turned(before: np.ndarray, after: np.ndarray, bone: tuple[Landmark, Landmark]) -> float:
    """Degrees."""
    one, other = (np.arctan2(*(xy[bone[1]] - xy[bone[0]])) for xy in (before, after))
    return float(np.degrees(abs((one - other + np.pi) % (2 * np.pi) - np.pi)))
