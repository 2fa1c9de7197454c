"""One item, with the real pipeline: each kind of bad photo has its code, and the others of the card are used."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tryon_service.batch.catalogue import Card, CardPhoto
from tryon_service.batch.job import Item, analyse_card, read_card, render_item, unusable_row
from tryon_service.batch.keys import Recipe
from tryon_service.batch.poses import NamedPose
from tryon_service.batch.rows import Row
from tryon_service.batch.sources import open_photos
from tryon_service.errors import InputError, ZooError
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.pipeline import Pipeline, RenderRequest
from tryon_service.poses.house import house_pose
from tryon_service.types import Reason, Verdict

SMALL = (192, 256)
RECIPE = Recipe("warp")
STANDING = NamedPose("standing", house_pose("standing"))
Made = tuple[Row, bytes | None]


@pytest.fixture(scope="module")
def figure() -> bytes:
    return encode(draw_figure("standing", OUTFITS["print_tee"], SMALL).photo, "png")


@pytest.fixture
def photos(tmp_path: Path, figure: bytes) -> Path:
    (tmp_path / "good.png").write_bytes(figure)
    (tmp_path / "größe.png").write_bytes(figure)
    (tmp_path / "good as.jpg").write_bytes(figure)
    (tmp_path / "corrupt.png").write_bytes(figure[: len(figure) // 2])
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("no photo")
    bmp = io.BytesIO()
    Image.new("RGB", SMALL, "grey").save(bmp, "BMP")
    (tmp_path / "photo.bmp").write_bytes(bmp.getvalue())
    Image.new("RGB", SMALL, "grey").save(tmp_path / "nobody.png")
    return tmp_path


@pytest.fixture
def make(pipeline: Pipeline, photos: Path) -> Callable[..., Made]:
    def made(*files: str, recipe: Recipe = RECIPE) -> Made:
        card = Card(1, "shirt", tuple(CardPhoto(2 + i, file) for i, file in enumerate(files)), "contract 7")
        shots = analyse_card(pipeline, read_card(open_photos(str(photos)), card), recipe)
        return render_item(pipeline, Item(card, STANDING), shots, recipe)

    return made


def test_a_good_photo_becomes_the_services_own_picture(
    make: Callable[..., Made], pipeline: Pipeline, figure: bytes
) -> None:
    row, picture = make("good.png")
    assert row.status in ("rendered", "doubtful")
    result = pipeline.render(RenderRequest(STANDING.pose, (figure,), renderer="warp"))
    assert result.picture is not None
    assert picture == encode(result.picture, "jpeg", credit=result.credit, mark="compositeSynthetic")
    assert row.output == "shirt/standing.jpg"
    assert row.output_sha256 == hashlib.sha256(picture).hexdigest()
    with Image.open(io.BytesIO(picture)) as opened:
        assert opened.size == (row.width, row.height)
        assert b"compositeSynthetic" in opened.info["xmp"]
    assert row.weights == {network.name: network.sha256 for network in pipeline.networks("warp")}
    assert row.scores["quality"] == pytest.approx(result.verdict.scores["quality"], abs=1e-3)
    assert (row.photo_used, row.view, row.rights_confirmed) == ("good.png", "front", True)
    assert row.photos[0]["sha256"] == hashlib.sha256(figure).hexdigest()


@pytest.mark.parametrize(
    ("file", "status", "code"),
    [
        ("missing.jpg", "failed", "not_found"),
        ("corrupt.png", "failed", "truncated_image"),
        ("empty.jpg", "failed", "not_an_image"),
        ("text.jpg", "failed", "not_an_image"),
        ("photo.bmp", "failed", "unsupported_format"),
        ("../good.png", "failed", "blocked_url"),
        ("nobody.png", "refused", "no_model_in_product"),
    ],
)
def test_each_bad_photo_has_its_code_and_spoils_no_other(
    make: Callable[..., Made], file: str, status: str, code: str
) -> None:
    row, picture = make(file)
    assert (row.status, row.codes, picture, row.output) == (status, (code,), None, "")
    assert row.detail
    assert [photo["code"] for photo in row.photos] == [code]
    row, picture = make(file, "good.png")
    assert picture
    assert row.photo_used == "good.png"
    assert [photo["code"] for photo in row.photos] == [code, ""]


@pytest.mark.parametrize("file", ["größe.png", "good as.jpg"])
def test_names_dont_matter(make: Callable[..., Made], file: str) -> None:
    """Nor does an extension that lies."""
    assert make(file)[1] == make("good.png")[1]


def test_a_card_whose_every_photo_is_bad_says_all_of_it(make: Callable[..., Made]) -> None:
    row, _ = make("missing.jpg", "nobody.png", "empty.jpg")
    assert (row.status, row.codes) == ("refused", ("not_found", "no_model_in_product", "not_an_image"))


def test_options_reach_the_picture(make: Callable[..., Made]) -> None:
    row, picture = make("good.png", recipe=replace(RECIPE, format="png", size=(96, 128), background="transparent"))
    assert picture
    with Image.open(io.BytesIO(picture)) as opened:
        assert (opened.mode, opened.size) == ("RGBA", (96, 128))
    assert (row.output, row.width, row.height) == ("shirt/standing.png", 96, 128)


def test_the_weakest_verdict_is_the_recipes(
    make: Callable[..., Made], pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubtful = Verdict("doubtful", (Reason("blurred", "product"),))
    monkeypatch.setattr("tryon_service.pipeline.verdict.judge", lambda *_: doubtful)
    assert make("good.png")[0].status == "doubtful"
    row, picture = make("good.png", recipe=replace(RECIPE, min_verdict="accepted"))
    assert (row.status, row.codes, picture) == ("refused", ("blurred",), None)


def test_keys_change_with_what_makes_a_picture(make: Callable[..., Made], photos: Path, figure: bytes) -> None:
    key = make("good.png")[0].key
    assert make("größe.png")[0].key == key
    others = {
        make("good.png", "größe.png")[0].key,
        make("corrupt.png")[0].key,
        make("missing.jpg")[0].key,
        *(
            make("good.png", recipe=replace(RECIPE, **change))[0].key
            for change in (
                {"format": "png"},
                {"size": (96, 128)},
                {"background": "#ffffff"},
                {"min_verdict": "accepted"},
            )
        ),
    }
    assert len(others | {key}) == 8
    before = make("missing.jpg")[0].key
    (photos / "missing.jpg").write_bytes(figure)
    assert make("missing.jpg")[0].key == key != before


def test_what_is_our_own_fault_is_a_row_too(
    make: Callable[..., Made], monkeypatch: pytest.MonkeyPatch, pipeline: Pipeline
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    for step in ("render", "analyse_product"):
        with monkeypatch.context() as patch:
            patch.setattr(pipeline, step, broken)
            row, picture = make("good.png")
            assert (row.status, row.codes, picture) == ("failed", ("internal",), None)


def test_a_missing_network_is_no_items_fault(
    make: Callable[..., Made], monkeypatch: pytest.MonkeyPatch, pipeline: Pipeline
) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ZooError("network_missing")

    for step in ("render", "analyse_product"):
        with monkeypatch.context() as patch:
            patch.setattr(pipeline, step, missing)
            with pytest.raises(ZooError):
                make("good.png")


def test_a_card_that_cant_be_used_has_a_row_without_a_pose() -> None:
    card = Card(3, "a b", (CardPhoto(7, "1.jpg", columns={"price": "5"}),), "r", InputError("invalid_option", "Id."))
    row = unusable_row(card)
    assert (row.product_id, row.pose, row.status, row.codes) == ("a b", "", "failed", ("invalid_option",))
    assert [(photo["line"], photo["code"]) for photo in row.photos] == [(7, "invalid_option")]
    assert Row.from_columns(json.loads(json.dumps(row.columns()))) == row
