"""Each code from a pair made to deserve it, and none from a pair that doesn't."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from unittest.mock import ANY

import cv2
import numpy as np
import pytest

from tryon_service import quality, verdict
from tryon_service.appearance.decompose import decompose
from tryon_service.figures import OUTFITS, Figure, crop, draw_figure, waist_up
from tryon_service.perception.skeletons import Landmark
from tryon_service.poses.pose import Pose
from tryon_service.renderers.warp import WarpRenderer
from tryon_service.retarget.retarget import retarget
from tryon_service.types import Keypoints, Person, Reason, Rendered, RenderInput, Verdict

SIZE = (288, 384)
TABLE = quality.table("warp")
MakePerson = Callable[[Figure], Person]


@pytest.fixture(scope="module")
def product(person_of: MakePerson) -> Person:
    return person_of(draw_figure("standing", OUTFITS["print_tee"], SIZE))


@pytest.fixture(scope="module")
def shopper(person_of: MakePerson) -> Person:
    return person_of(draw_figure("hand_on_hip", OUTFITS["striped_long"], SIZE))


def refusals(product: Person, shopper: Person) -> list[Reason]:
    return list(weigh(product, shopper)[0])


def weigh(
    product: Person, shopper: Person, anchored: frozenset[str] = frozenset()
) -> tuple[tuple[Reason, ...], tuple[Reason, ...]]:
    """(refusals, doubts) of a pair whose limbs, all but those anchored, follow the shopper's."""
    pose = Pose.of(shopper)
    return verdict.weigh(product, pose, retarget(product, pose.keypoints(), anchored=anchored))


def codes(reasons: Iterable[Reason]) -> set[str]:
    return {reason.code for reason in reasons}


def with_keypoints(person: Person, **changes: np.ndarray) -> Person:
    return replace(person, keypoints=replace(person.keypoints, **changes))


def turned(keypoints: Keypoints, degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    x, y, z = keypoints.world.T
    return np.stack([c * x - s * z, y, s * x + c * z], axis=1).astype(np.float32)


def test_a_good_pair_has_nothing_against_it(product: Person, shopper: Person) -> None:
    assert refusals(product, shopper) == []
    assert verdict.check_product(product) == ()


@pytest.mark.parametrize(("degrees", "code"), [(90, "side_view"), (-80, "side_view"), (175, "back_view")])
def test_views(product: Person, shopper: Person, degrees: float, code: str) -> None:
    seen_so = with_keypoints(shopper, world=turned(shopper.keypoints, degrees))
    assert code in codes(refusals(product, seen_so))


def test_a_front_shopper_does_not_fit_a_back_photo(product: Person, shopper: Person) -> None:
    back = with_keypoints(product, world=turned(product.keypoints, 180))
    assert "view_mismatch" in codes(refusals(back, shopper))
    behind = with_keypoints(shopper, world=turned(shopper.keypoints, 180))
    assert not codes(refusals(back, behind)) & {"view_mismatch", "back_view", "side_view"}


def test_a_moderate_turn_is_a_doubt(product: Person, shopper: Person) -> None:
    turned_away = with_keypoints(shopper, world=turned(shopper.keypoints, 48))
    assert "view_mismatch" not in codes(refusals(product, turned_away))
    known = weigh(product, turned_away)[1]
    reason = next(r for r in known if r.code == "view_mismatch")
    assert reason.value is not None
    assert reason.limit is not None
    assert reason.value > reason.limit


def test_a_shopper_without_legs_only_fits_a_product_without(product: Person, person_of: MakePerson) -> None:
    half = person_of(waist_up(draw_figure("hand_on_hip", OUTFITS["striped_long"], SIZE)))
    reasons = refusals(product, half)
    assert "body_cropped" in codes(reasons)
    assert "left_ankle" in {reason.part for reason in reasons}
    half_product = person_of(waist_up(draw_figure("standing", OUTFITS["print_tee"], SIZE)))
    assert refusals(half_product, half) == []


def hiding(person: Person, joint: Landmark) -> Person:
    seen, visibility = person.keypoints.seen.copy(), person.keypoints.visibility.copy()
    seen[joint], visibility[joint] = False, 0.1
    return with_keypoints(person, seen=seen, visibility=visibility)


def test_a_joint_the_network_does_not_believe_in_is_hidden(product: Person, shopper: Person) -> None:
    for joint in (Landmark.LEFT_ELBOW, Landmark.RIGHT_ANKLE):
        reasons = refusals(product, hiding(shopper, joint))
        assert [(r.code, r.part) for r in reasons] == [("joint_hidden", joint.name.lower())]


def test_a_hidden_hand_is_a_doubt_and_no_refusal(product: Person, shopper: Person) -> None:
    hidden = hiding(shopper, Landmark.LEFT_WRIST)
    target = retarget(product, hidden.keypoints)
    refused, doubtful = verdict.weigh(product, Pose.of(hidden), target)
    assert refused == ()
    assert ("joint_hidden", "left_wrist") in {(r.code, r.part) for r in doubtful}
    assert target.kept == {"left_forearm"}, "the model's forearm stays as it is"


def test_an_arm_whose_hand_is_hidden_must_not_be_asked_to_move(product: Person, person_of: MakePerson) -> None:
    anchored = frozenset({"left_arm"})
    raised = person_of(draw_figure("arms_raised", OUTFITS["striped_long"], SIZE))
    for other, asked in ((raised, True), (person_of(draw_figure("standing", size=SIZE)), False)):
        target = retarget(product, other.keypoints, anchored=anchored)
        assert target.held == {"left_upper_arm", "left_forearm"}
        reasons, _ = verdict.weigh(product, Pose.of(other), target)
        assert bool({r.part for r in reasons if r.code == "limb_behind_body"} & target.held) == asked


def test_an_elbow_that_is_not_seen_is_a_doubt_however_sure_the_network(product: Person, shopper: Person) -> None:
    seen, visibility = shopper.keypoints.seen.copy(), shopper.keypoints.visibility.copy()
    seen[Landmark.LEFT_ELBOW], visibility[Landmark.LEFT_ELBOW] = False, 0.98
    lost = with_keypoints(shopper, seen=seen, visibility=visibility)
    refused, doubtful = weigh(product, lost)
    assert refused == ()
    assert ("joint_hidden", "left_elbow") in {(r.code, r.part) for r in doubtful}


def test_a_limb_is_doubted_for_how_far_it_is_really_moved(product: Person, person_of: MakePerson) -> None:
    """The arms are asked to turn by more than a right angle; held ones stay, and that alone is held against them."""
    raised = person_of(draw_figure("arms_raised", OUTFITS["striped_long"], SIZE))

    def reasons(anchored: frozenset[str]) -> set[tuple[str, str]]:
        refused, doubtful = weigh(product, raised, anchored)
        return {(r.code, r.part) for r in (*refused, *doubtful)}

    moved, held = reasons(frozenset()), reasons(frozenset({"left_arm"}))
    assert ("pose_too_different", "left_upper_arm") in moved
    assert ("pose_too_different", "left_upper_arm") not in held
    assert ("limb_behind_body", "left_upper_arm") in held
    assert ("pose_too_different", "right_upper_arm") in held


def test_a_headstand_is_too_different(product: Person, shopper: Person) -> None:
    xyz = shopper.keypoints.xyz.copy()
    xyz[:, 1] = SIZE[1] - xyz[:, 1]
    assert "pose_too_different" in codes(refusals(product, with_keypoints(shopper, xyz=xyz)))


def test_a_limb_hidden_in_the_product_photo_must_not_move_far(product: Person, person_of: MakePerson) -> None:
    seen = product.keypoints.seen.copy()
    seen[Landmark.LEFT_WRIST] = False
    hiding = with_keypoints(product, seen=seen)
    raised = person_of(draw_figure("arms_raised", OUTFITS["striped_long"], SIZE))
    assert ("limb_behind_body", "left_forearm") in {(r.code, r.part) for r in refusals(hiding, raised)}


def test_a_hand_cut_by_the_frame_must_not_come_into_the_picture(person_of: MakePerson) -> None:
    figure = draw_figure("standing", OUTFITS["print_tee"], SIZE)
    wrists = figure.keypoints.xy[[Landmark.LEFT_WRIST, Landmark.RIGHT_WRIST], 1].max()
    cut = person_of(crop(figure, (0, 0, SIZE[0], int(wrists) + 3)))
    spread = person_of(draw_figure("arm_bent_front", OUTFITS["striped_long"], SIZE))
    assert {r.part for r in refusals(cut, spread) if r.code == "body_cropped"} & {"left_hand", "right_hand"}
    assert not [r for r in refusals(cut, cut) if r.part.endswith("hand")]


def test_blur(product: Person, shopper: Person) -> None:
    def blurred(person: Person, sigma: float) -> Person:
        return replace(person, photo=replace(person.photo, rgb=cv2.GaussianBlur(person.photo.rgb, (0, 0), sigma)))

    assert "blurred" in {reason.code for reason in verdict.check_product(blurred(product, 2.5))}
    assert verdict.check_shopper(shopper) == ((), ())
    assert codes(verdict.check_shopper(blurred(shopper, 8))[0]) == {"blurred"}
    assert verdict.check_shopper(blurred(shopper, 0.7))[0] == ()


@pytest.mark.parametrize("plastic", [(232, 232, 230), (150, 150, 152), (40, 40, 42)])
def test_a_mannequin_is_no_model(person_of: MakePerson, plastic: tuple[int, int, int]) -> None:
    outfit = replace(OUTFITS["print_tee"], skin=plastic, hair=plastic)
    assert codes(verdict.check_product(person_of(draw_figure("standing", outfit, SIZE)))) == {"no_model_in_product"}


@pytest.mark.parametrize("skin", [(245, 214, 196), (224, 178, 150), (141, 85, 54), (74, 46, 34)])
def test_any_skin_is_a_models(person_of: MakePerson, skin: tuple[int, int, int]) -> None:
    outfit = replace(OUTFITS["print_tee"], skin=skin)
    assert verdict.check_product(person_of(draw_figure("standing", outfit, SIZE))) == ()


def test_nobody_in_the_clothes_is_no_model(product: Person) -> None:
    hollow = np.where(np.isin(product.parsing, verdict.GARMENTS), product.parsing, 0).astype(np.uint8)
    assert "no_model_in_product" in codes(verdict.check_product(replace(product, parsing=hollow)))


def test_a_black_and_white_photo_is_not_held_against_the_model(product: Person) -> None:
    grey = np.repeat(cv2.cvtColor(product.photo.rgb, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    assert verdict.check_product(replace(product, photo=replace(product.photo, rgb=grey))) == ()


def test_a_blurred_photo_makes_every_picture_doubtful(product: Person, shopper: Person) -> None:
    doubt = Reason("blurred", "shopper", "", 0.75, 0.70)
    pose = Pose.of(shopper, [doubt])
    refused, doubtful = verdict.weigh(product, pose, retarget(product, pose.keypoints()))
    assert refused == ()
    assert doubtful == (doubt, *weigh(product, shopper)[1])


def test_darkness(shopper: Person) -> None:
    night = replace(shopper, photo=replace(shopper.photo, rgb=(shopper.photo.rgb // 30).astype(np.uint8)))
    refused, _ = verdict.check_shopper(night)
    reason = next(reason for reason in refused if reason.code == "low_light")
    assert reason.value == pytest.approx(night.photo.rgb[night.matte > 0.5].mean(), abs=0.01)
    assert reason.limit == verdict.DARK


def test_a_product_from_the_side_or_without_garments(product: Person) -> None:
    aside = with_keypoints(product, world=turned(product.keypoints, 90))
    assert {r.code for r in verdict.check_product(aside)} == {"side_view"}
    naked = replace(product, parsing=np.where(product.parsing > 0, 14, 0).astype(np.uint8))
    assert "garment_not_visible" in {r.code for r in verdict.check_product(naked)}


def test_scores_of_the_identity_are_perfect(product: Person) -> None:
    appearance = decompose(product)
    target = retarget(product, product.keypoints)
    (rendered,) = WarpRenderer().render([RenderInput(appearance, target)])
    scores = quality.measure(rendered, appearance, target, product.keypoints)
    assert scores["pose_agreement"] == scores["pck"] == scores["limbs_whole"] == 1.0
    assert scores["coverage"] > 0.93
    assert verdict.judge((), scores, TABLE).status == "accepted"


def test_a_result_in_another_pose_or_without_cloth_is_refused(product: Person, shopper: Person) -> None:
    appearance = decompose(product)
    target = retarget(product, shopper.keypoints)
    flipped = replace(target.keypoints, xyz=target.keypoints.xyz * np.float32([1, -1, 1]))
    (rendered,) = WarpRenderer().render([RenderInput(appearance, target)])
    wrong_pose = verdict.judge((), quality.measure(rendered, appearance, target, flipped), TABLE)
    assert wrong_pose.status == "refused"
    assert wrong_pose.reasons[0].code == "pose_too_different"
    torn = rendered.alpha.copy()
    x, y = target.keypoints.xy[[13, 15]].mean(axis=0).astype(int)
    torn[y - 15 : y + 15, x - 15 : x + 15] = 0
    gap = quality.measure(replace(rendered, alpha=torn), appearance, target, target.keypoints)
    assert ("limb_behind_body", "left_forearm") in {(r.code, r.part) for r in verdict.judge((), gap, TABLE).reasons}
    invented = Rendered(rendered.rgb, rendered.alpha, rendered.coverage * 0.3, rendered.parsing)
    no_cloth = verdict.judge((), quality.measure(invented, appearance, target, target.keypoints), TABLE)
    assert (no_cloth.status, no_cloth.reasons[0].code) == ("refused", "garment_not_visible")


def test_a_doubt_before_rendering_makes_the_picture_doubtful() -> None:
    doubt = Reason("view_mismatch", "shopper", "torso", 42.0, 38.0)
    perfect = {"coverage": 1.0, "pose_agreement": 1.0}
    assert verdict.judge((), perfect, TABLE).status == "accepted"
    assert verdict.judge((doubt,), perfect, TABLE) == Verdict("doubtful", (doubt,), ANY)


def test_a_renderer_that_nobody_judged_is_never_trusted() -> None:
    perfect = {"coverage": 1.0, "limbs_whole": 1.0, "pose_agreement": 1.0}
    assert verdict.judge((), perfect, None) == Verdict("doubtful", (Reason("renderer_unjudged"),), perfect)
    poor = verdict.judge((), {**perfect, "pose_agreement": 0.2}, None)
    assert (poor.status, poor.reasons[0].code, poor.reasons[-1].code) == (
        "refused",
        "pose_too_different",
        "renderer_unjudged",
    )


def test_a_generated_picture_is_not_asked_how_much_of_it_is_real(product: Person) -> None:
    appearance = decompose(product)
    target = retarget(product, product.keypoints)
    nothing_real = Rendered(product.photo.rgb, product.matte, np.zeros_like(product.matte), product.parsing)
    scores = quality.measure(nothing_real, appearance, target, product.keypoints, generated=True)
    assert not {"coverage", "limbs_real", "no_seams"} & set(scores)
    assert verdict.judge((), scores, None).status == "doubtful"
    as_if_real = quality.measure(nothing_real, appearance, target, product.keypoints)
    assert verdict.judge((), as_if_real, None).status == "refused"
