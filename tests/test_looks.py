"""Looks: which attribute comes from whom, and what becomes of one that nobody shows."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.renderers.small_generators import blind_eyes, bring_in
from tryon_service.appearance.labels import ADGAN
from tryon_service.appearance.look import ATTRIBUTES
from tryon_service.cli.main import build_parser
from tryon_service.cli.render import parse_lender
from tryon_service.errors import InputError, ZooError
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.pipeline import Job, Pipeline, RenderRequest
from tryon_service.poses.house import house_pose
from tryon_service.types import Part, Result
from tryon_service.zoo.store import default_root

SIZE = (288, 384)


def photo(pose: str, outfit: str) -> bytes:
    return encode(draw_figure(pose, OUTFITS[outfit], SIZE).photo, "png")


SHOPPER, TROUSERS, SKIRT = photo("hand_on_hip", "sport"), photo("standing", "print_tee"), photo("standing", "tee_skirt")


@pytest.fixture(scope="module")
def drawing(tmp_path_factory: pytest.TempPathFactory, pipeline: Pipeline) -> Iterator[Pipeline]:
    """With a small ADGAN whose weights are random, so that it draws noise, and nobody is looked for in that."""
    assert pipeline.pose, "skips where the networks are missing"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRYON_ZOO_MIRROR", str(default_root()))
        store = bring_in("adgan", tmp_path_factory.mktemp("zoo"))
        patch.setenv("TRYON_ZOO_DIR", str(store.root))
        made = Pipeline(renderer="adgan")
        made.renderer("adgan").eyes = blind_eyes()  # type: ignore[attr-defined]
        yield made


def run(pipeline: Pipeline, **changes: object) -> tuple[Job, Result]:
    job = Job(RenderRequest(SHOPPER, (TROUSERS, SKIRT), **changes))  # type: ignore[arg-type]
    return job, pipeline.run(job)


def test_attributes_come_from_several_photos(drawing: Pipeline) -> None:
    plain, _ = run(drawing)
    lent, result = run(drawing, look={"skirt": 1, "face": "shopper"})
    assert (plain.look, set(lent.look)) == ({}, {"skirt", "face"})
    np.testing.assert_array_equal(lent.look["skirt"], lent.products[1].prepared)
    assert plain.choice == lent.choice
    assert plain.rendered is not None
    assert lent.rendered is not None
    assert (plain.rendered.rgb != lent.rendered.rgb).any()
    assert result.renderer == "adgan"
    assert result.networks[-1].name == "adgan"
    assert "renderer_unjudged" in {reason.code for reason in result.verdict.reasons}
    assert result.verdict.status != "accepted"


@pytest.mark.parametrize(("look", "name"), [({"skirt": 0}, "product[0]"), ({"skirt": "shopper"}, "shopper")])
def test_an_attribute_that_its_photo_does_not_show_is_refused(
    look: dict[str, object], name: str, drawing: Pipeline
) -> None:
    job, result = run(drawing, look=look)
    assert (result.verdict.status, result.picture, job.rendered) == ("refused", None, None)
    (reason,) = result.verdict.reasons
    assert (reason.code, reason.photo, reason.part) == ("garment_not_visible", name, "skirt")
    assert reason.value is not None
    assert reason.limit is not None
    assert reason.value < reason.limit


def test_a_photo_that_lends_must_be_good(drawing: Pipeline) -> None:
    empty = encode(np.full((400, 300, 3), 200, np.uint8), "png")
    result = drawing.render(RenderRequest(SHOPPER, (TROUSERS, empty), look={"upper": 1}))
    assert [(one.code, one.photo) for one in result.verdict.reasons] == [("no_model_in_product", "product[1]")]


def test_renderers_that_do_not_decompose_take_no_look(pipeline: Pipeline) -> None:
    with pytest.raises(InputError, match="The renderer warp takes no Look") as caught:
        run(pipeline, renderer="warp", look={"upper": 1})
    assert caught.value.field == "look"


def test_without_its_weights_the_renderer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRYON_ZOO_DIR", str(tmp_path))
    with pytest.raises(ZooError, match="adgan") as caught:
        run(Pipeline(), renderer="adgan")
    assert caught.value.code == "network_missing"


@pytest.mark.parametrize(
    ("look", "words"),
    [
        ({"trousers": 0}, "'trousers' is not one of pants, hair"),
        ({"background": 0}, "'background' is not one of"),
        ({"upper": 2}, "upper can't come from 2: product photos count from 0 to 1"),
        ({"upper": -1}, "can't come from -1"),
        ({"upper": True}, "can't come from True"),
        ({"upper": "me"}, "can't come from 'me'"),
    ],
)
def test_nonsense_is_refused_by_name(look: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        RenderRequest(SHOPPER, (TROUSERS, SKIRT), look=look)  # type: ignore[arg-type]
    assert (caught.value.code, caught.value.field) == ("invalid_option", "look")


def test_a_pose_lends_nothing() -> None:
    with pytest.raises(InputError, match="A pose lends nothing"):
        RenderRequest(house_pose("contrapposto"), (TROUSERS,), look={"face": "shopper"})


def test_the_command_reads_looks() -> None:
    command = ["render", "--shopper", "me.jpg", "--product", "a.jpg", "--product", "b.jpg", "--out", "out.png"]
    args = build_parser().parse_args([*command, "--look", "upper=1", "face=shopper"])
    assert dict(args.look) == {"upper": 1, "face": "shopper"}
    assert dict(build_parser().parse_args(command).look) == {}
    for wrong in ("upper", "upper=", "=1", "upper=-1", "upper=1.5"):
        with pytest.raises(ArgumentTypeError, match="ATTRIBUTE=N"):
            parse_lender(wrong)
    assert set(ATTRIBUTES) == set(ADGAN) - {"background"}


def test_noise_is_never_a_picture(drawing: Pipeline) -> None:
    """Not even where the product photo shows no head, and a good picture might not be recognised either."""
    headless = encode(draw_figure("standing", OUTFITS["print_tee"], SIZE).photo[110:], "png")
    product = drawing.analyse_product(headless)
    assert not (product.person.parsing == Part.FACE).any()
    result = drawing.render(RenderRequest(SHOPPER, (product,)))
    assert (result.verdict.status, result.picture) == ("refused", None)
    assert result.verdict.scores["pose_agreement"] == 0.0
