"""Every reason of a refusal is put into words that help, in English and Russian."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest
from flow_states import answered, problem
from open_shop import Visit, words
from steps import Shopper

pytestmark = pytest.mark.browser

Reason = dict[str, str]
OF_SHOPPER = (
    "no_person", "several_people", "person_too_small", "body_cropped", "joint_hidden", "back_view", "side_view",
    "view_mismatch", "pose_too_different", "low_light", "blurred",
)  # fmt: skip
OF_PRODUCT = ("limb_behind_body", "garment_not_visible", "no_model_in_product", "renderer_unjudged")
SHOWN = 3
"""Sentences at most."""
JOINTS: Sequence[tuple[str, Sequence[str], Mapping[str, str]]] = (
    ("body_cropped", ("left_ankle", "right_ankle"), {"en": "feet", "ru": "ступней"}),
    ("joint_hidden", ("left_wrist", "right_elbow"), {"en": "hands and arms", "ru": "кистей и рук"}),
)


def reason(code: str, photo: str = "shopper", part: str = "") -> Reason:
    return {"code": code, "photo": photo, "part": part}


def told(shopper: Shopper, photo: bytes, reasons: Sequence[Reason], title: str = "refusal.title") -> str:
    """All that the dialog says of these reasons."""
    with answered(shopper.page, "**/v1/poses", problem(422, reasons[0]["code"], reasons)):
        shopper.choose(photo)
        shopper.visit.until(
            f"a refusal for {reasons}",
            lambda: (
                shopper.visit.details("tryon:refused")[-1:]
                == [{"product": "star-tee", "codes": list(dict.fromkeys(one["code"] for one in reasons))}]
            ),
        )
        shopper.at(title)
    return str(shopper.dialog.inner_text())


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_reason_has_its_sentence(language: str, open_page: Callable[..., Visit], shopper: bytes) -> None:
    one = Shopper(open_page(f"/p/star-tee?lang={language}"), language=language)
    one.open()
    for start in range(0, len(OF_SHOPPER), SHOWN):
        codes = OF_SHOPPER[start : start + SHOWN]
        said = told(one, shopper, [reason(code) for code in codes])
        assert [code for code in codes if one.say(f"refusal.{code}") not in said] == []
    for code in OF_PRODUCT:
        said = told(one, shopper, [reason(code, "product")], "refusal.title.product")
        assert one.say(f"refusal.{code}") in said
    said = told(one, shopper, [reason("blurred", "product[0]")], "refusal.title.product")
    assert one.say("refusal.product") in said
    said = told(one, shopper, [reason("limb_behind_body", "product"), reason("low_light")])
    assert one.say("refusal.low_light") in said, "what the shopper can do something about comes first"
    assert one.say("refusal.limb_behind_body") not in said

    for code, parts, zones in JOINTS:
        said = told(one, shopper, [reason(code, part=part) for part in parts])
        assert one.say(f"refusal.{code}.joints", joints=zones[language]) in said
    said = told(one, shopper, [reason(code) for code in OF_SHOPPER])
    assert sum(one.say(f"refusal.{code}") in said for code in OF_SHOPPER) == SHOWN, "nobody corrects all at once"


def test_the_store_says_it_in_its_own_words(open_page: Callable[..., Visit], shopper: bytes) -> None:
    one = Shopper(open_page("/p/star-tee"))
    one.card.evaluate(
        "(card, texts) => { card.texts = texts; }",
        {"refusal.blurred": "A sharper one, please.", "result.title": 7, "refusal.title": "Almost!"},
    )
    one.words = {**words(), "refusal.title": "Almost!"}
    one.open()
    assert "A sharper one, please." in told(one, shopper, [reason("blurred")])
    one.press("dialog.back")
    one.at("choose.title")
