"""What cards are good for: against figures that stand as they should, and photos that show nobody."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser

import numpy as np
import pytest

from tryon_service.errors import CODES, InputError, RefusedError
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.onboarding.advice import ADVICE, about, about_error
from tryon_service.onboarding.page import CardReport, page, report_of
from tryon_service.onboarding.suitability import CardFitness, PhotoFitness, dry_run, examine_card
from tryon_service.onboarding.table import text_table
from tryon_service.pipeline import Pipeline, RenderRequest
from tryon_service.poses.house import house_pose
from tryon_service.poses.pose import Pose
from tryon_service.types import Reason, Verdict

NAMES = ("standing", "arms_relaxed", "both_hands_on_hips", "legs_apart")


@pytest.fixture(scope="module")
def poses() -> Mapping[str, Pose]:
    return {name: house_pose(name) for name in NAMES}


@pytest.fixture(scope="module")
def blank_png() -> bytes:
    return encode(np.full((400, 300, 3), 200, np.uint8), "png")


@pytest.fixture(scope="module")
def card(pipeline: Pipeline, poses: Mapping[str, Pose], product_png: bytes, blank_png: bytes) -> CardFitness:
    """A blank photo, a file that isn't there, and a figure."""
    missing = InputError("invalid_option", "There is no file 'x.jpg'.", "photos[1]")
    return examine_card(pipeline, (blank_png, missing, product_png), (None, None, "front"), poses)


def test_the_photo_that_can_be_used_is_best(card: CardFitness) -> None:
    assert card.best is card.photos[2]
    assert card.best.view == "front"
    assert set(card.best.verdicts) == set(NAMES)
    assert card.best.verdicts["standing"].status == "accepted"
    assert [photo.error and photo.error.code for photo in card.photos] == [
        "no_model_in_product",
        "invalid_option",
        None,
    ]
    assert card.fixes[0].startswith("Photo 1: The product photo shows no person")
    assert "wears it" in card.fixes[0]
    assert card.fixes[1] == "Photo 2: There is no file 'x.jpg'."


def test_a_dry_run_says_what_the_pipeline_will(
    pipeline: Pipeline, poses: Mapping[str, Pose], product_png: bytes
) -> None:
    product = pipeline.analyse_product(product_png)
    for pose in poses.values():
        dry, real = dry_run(pipeline, product, pose), pipeline.render(RenderRequest(pose, (product_png,))).verdict
        if dry.status == "refused":
            assert (real.status, [one.code for one in real.reasons]) == ("refused", [one.code for one in dry.reasons])
        if dry.status == "doubtful":
            assert real.status != "accepted"


@pytest.mark.parametrize(
    ("stance", "grade", "fix"),
    [("arms_raised", "limited", "pose_too_different"), ("arm_bent_front", "poor", "limb_behind_body")],
)
def test_a_model_that_stands_badly_serves_less_and_is_told_why(
    pipeline: Pipeline, poses: Mapping[str, Pose], stance: str, grade: str, fix: str
) -> None:
    figure = encode(draw_figure(stance, OUTFITS["print_tee"], (384, 512)).photo, "png")
    card = examine_card(pipeline, (figure,), (None,), poses)
    assert (card.grade, card.fixes) == (grade, (ADVICE[fix],))


def of(*statuses: str, reasons: tuple[Reason, ...] = ()) -> PhotoFitness:
    verdicts = {
        f"pose{n}": Verdict(status, reasons if status != "accepted" else ()) for n, status in enumerate(statuses)
    }  # type: ignore[arg-type]
    return PhotoFitness(0, "front", verdicts)


@pytest.mark.parametrize(
    ("photos", "grade"),
    [
        ((of("accepted", "accepted", "refused", "refused"),), "good"),
        ((of("accepted", "doubtful", "refused", "refused"),), "limited"),
        ((of("doubtful", "refused"),), "limited"),
        ((of("refused", "refused"),), "poor"),
        ((of("refused", "refused"), of("accepted", "accepted")), "good"),
        ((PhotoFitness(0, None, {}, RefusedError([Reason("blurred", "product")])),), "unusable"),
    ],
)
def test_grades(photos: tuple[PhotoFitness, ...], grade: str) -> None:
    assert CardFitness(photos).grade == grade


def test_more_poses_without_doubt_win_and_then_the_first() -> None:
    sure, wide, same = of("accepted", "refused"), of("doubtful", "doubtful"), of("accepted", "refused")
    assert CardFitness((wide, sure, same)).best is sure


def test_what_hinders_most_is_told_first() -> None:
    refused = of("refused", reasons=(Reason("limb_behind_body", "product"),)).verdicts["pose0"]
    doubtful = of("doubtful", reasons=(Reason("body_cropped", "product"),)).verdicts["pose0"]
    photo = PhotoFitness(0, "front", {"a": doubtful, "b": doubtful, "c": doubtful, "d": refused})
    assert CardFitness((photo,)).fixes == (ADVICE["body_cropped"], ADVICE["limb_behind_body"])


def test_every_refusal_has_advice_in_a_shops_words() -> None:
    not_of_photos = {"unsupported_task", "renderer_unjudged"}
    refusals = {code for code, entry in CODES.items() if entry.http == 422} - not_of_photos
    assert refusals <= set(ADVICE) <= set(CODES)
    assert all(text.endswith(".") and "keypoint" not in text for text in ADVICE.values())
    assert about(Reason("joint_hidden", "product", "left_wrist")).startswith(
        "A joint that the pose needs can't be seen"
    )
    assert "(left wrist)" in about(Reason("joint_hidden", "product", "left_wrist"))
    assert about_error(InputError("invalid_option", "No.")) == "No."
    assert about_error(InputError("truncated_image")).startswith("The image file is incomplete")


class Page(HTMLParser):
    """Which elements there are, and what text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_has_every_card_and_needs_nothing_else(card: CardFitness) -> None:
    evil = "<script>alert(1)</script>\"'"
    reports = [
        report_of(2, "shirt-1", card, pictured=True),
        CardReport(3, evil, "unusable", None, "", (0, 0, 0), (), (evil,)),
    ]
    text = page(f"{evil}.csv", reports)
    found = Page(text)
    assert "script" not in {tag for tag, _ in found.tags}
    assert found.text.count(evil) >= 3
    images = [attributes for tag, attributes in found.tags if tag == "img"]
    assert len(images) == 1
    assert str(images[0]["src"]).startswith("data:image/jpeg;base64,/9j/")
    assert not re.search(r"(?:https?:)?//", re.sub(r"base64,[^\"]*", "", text)), "nothing is fetched"
    assert "default-src 'none'" in text
    assert "1 unusable" in found.text


def test_nothing_is_drawn_for_the_table(card: CardFitness) -> None:
    assert report_of(2, "a", card, pictured=False).picture == b""


def test_tables_are_even_and_tell_a_terminal_nothing() -> None:
    text = text_table(("id", "what"), [("a", "x\x1b[2J\ny"), ("longer", "z")])
    assert text.splitlines() == ["id      what", "a       x [2J y", "longer  z"]
