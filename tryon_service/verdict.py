"""Knowing when not to: every way a picture can go wrong is measured against two limits, one for doubt, one for refusal.

Measures before rendering come from the two poses; measures after it from the rendered person itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tryon_service import quality
from tryon_service.imaging.sharpness import blur_effect
from tryon_service.imaging.skin import living_share
from tryon_service.perception.skeletons import LIMBS, Bone, Landmark
from tryon_service.poses.pose import Pose
from tryon_service.retarget.view import degrees_between, direction, projected_share, yaw
from tryon_service.types import BoolArray, Keypoints, Part, Person, Reason, Size, TargetPose, Verdict

NEVER = float("inf")
SIDE_VIEW = 50.0
"""Degrees from frontal, or from a straight back view, beyond which a product photo shows too little of the garment."""
VIEW_LIMITS = (38.0, 55.0)
"""Degrees between the two torsos about the vertical: doubtful above the first, refused above the second."""
BEND_LIMITS: Mapping[str, tuple[float, float]] = {
    "upper_arm": (75.0, 150.0),
    "forearm": (100.0, NEVER),
    "thigh": (28.0, 45.0),
    "shin": (32.0, 55.0),
    "torso": (16.0, 30.0),
}
"""Degrees a bone is turned in the picture."""
SHORTENING_LIMITS: Mapping[str, tuple[float, float]] = {
    "upper_arm": (2.6, NEVER),
    "forearm": (3.0, NEVER),
    "thigh": (1.5, 1.9),
    "shin": (1.5, 2.0),
}
"""How many times longer or shorter a bone should look than in the product photo; arms are clamped, seats refused."""
EDGE = 0.015
"""How sure a joint's place in or outside the frame must be, as a share of the person's height."""
HIDDEN_TURN = 20.0
"""Degrees that a limb hidden in the product photo may be asked to move."""
HIDDEN_LIMITS: Mapping[str, tuple[float, float]] = {
    "wrist": (0.75, NEVER),
    "elbow": (0.0, 0.75),
    "ankle": (0.4, 0.75),
    "joint": (0.0, 0.6),
}
"""How little the network may believe in a joint that the shopper photo hides."""
EXPOSED_LIMITS: Mapping[str, tuple[float, float]] = {
    "head": (0.03, 0.05),
    "neck": (0.04, 0.10),
    "torso": (0.05, 0.14),
    "upper_arm": (0.04, 0.10),
    "forearm": (0.04, 0.10),
    "hand": (0.04, 0.08),
    "thigh": (0.05, 0.14),
    "shin": (0.05, 0.14),
    "foot": (0.03, 0.06),
}
"""How far the product photo's cut may come into the picture, torso lengths: cloth and skin are continued beyond it, a
face or a hand can't be."""
OUTSIDE_LIMITS = (0.04, 0.10)
"""How far the pose may take a part out of the frame, torso lengths."""
DARK = 14.0
"""Mean of the person's colour values, 0 to 255, below which a photo is too dark to trust its pose."""
BLUR_LIMITS = {"product": (NEVER, 0.55), "shopper": (0.70, 0.80)}
"""Blur effect (imaging/sharpness.py) of the person: a card must be sharp, a shopper only recognisable."""
SCORE_LIMITS: Mapping[str, tuple[float, float]] = {
    "coverage": (0.80, 0.60),
    "limbs_whole": (0.85, 0.60),
    "pose_agreement": (0.80, 0.50),
}
"""Least scores of a finished picture."""
GARMENTS = (Part.UPPER, Part.OUTERWEAR, Part.DRESS, Part.SKIRT, Part.TROUSERS)
BARE = (Part.FACE, Part.LEFT_ARM, Part.RIGHT_ARM, Part.LEFT_LEG, Part.RIGHT_LEG, Part.TORSO_SKIN)
LIVING = 0.4
"""Share of a product person's bare parts that must have a colour skin can have: people score 0.57 to 1 on the shop and
studio photos, drawn mannequins in white, grey and black 0.02 to 0.27."""
MIN_GARMENT_SHARE = 0.08
"""Smallest share of a product person that garments may cover."""


@dataclass(frozen=True)
class _Finding:
    """A measured figure and its two limits; beyond the first it is a doubt, beyond the second a refusal.

    least: the limits are lower bounds, not upper ones.
    """

    reason: Reason
    limits: tuple[float, float]
    least: bool = False

    def broken(self, which: int) -> bool:
        value, limit = self.reason.value, self.limits[which]
        return value is not None and (value < limit if self.least else value > limit)

    def against(self, which: int) -> Reason:
        reason = self.reason
        return Reason(reason.code, reason.photo, reason.part, reason.value, self.limits[which])


def check_product(person: Person) -> tuple[Reason, ...]:
    """Why nothing can be made of this product photo; empty if something can. The caller fills in which photo."""
    side = abs(np.degrees(yaw(person.keypoints)))
    reasons = []
    if SIDE_VIEW < side < 180.0 - SIDE_VIEW:
        reasons.append(Reason("side_view", value=float(side), limit=SIDE_VIEW))
    alive = _alive(person)
    if alive < LIVING:
        reasons.append(Reason("no_model_in_product", value=alive, limit=LIVING))
    blur = next(_blur(person, "product"))
    if blur.broken(1):
        reasons.append(blur.against(1))
    clothed = np.isin(person.parsing, GARMENTS).sum() / max(int((person.parsing > 0).sum()), 1)
    if clothed < MIN_GARMENT_SHARE:
        reasons.append(Reason("garment_not_visible", value=float(clothed), limit=MIN_GARMENT_SHARE))
    return tuple(reasons)


def _alive(person: Person) -> float:
    """How sure it is that somebody, and not a mannequin, wears the garment: the share of the bare parts in a colour
    that skin can have; 0 if the head lies in the frame and neither skin nor hair shows; 1 where nothing can be told."""
    bare = np.isin(person.parsing, BARE)
    if _inside(person, Landmark.NOSE, EDGE) and not (bare | (person.parsing == Part.HAIR)).any():
        return 0.0
    share = living_share(person.photo.rgb, bare)
    return 1.0 if share is None else share


def check_shopper(person: Person) -> tuple[tuple[Reason, ...], tuple[Reason, ...]]:
    """(why this photo's pose can't be trusted at all, why not fully); empty if nothing."""
    return _sorted((*_light(person), *_blur(person, "shopper")))


def weigh(product: Person, pose: Pose, target: TargetPose) -> tuple[tuple[Reason, ...], tuple[Reason, ...]]:
    """(why no picture can be made of this pair, what makes one doubtful though not impossible); empty if nothing."""
    refusals, doubts = _sorted(_findings(product, pose, target))
    return refusals, (*pose.doubts, *doubts)


def _sorted(findings: Iterable[_Finding]) -> tuple[tuple[Reason, ...], tuple[Reason, ...]]:
    """(refusals, doubts)."""
    found = list(findings)
    refusals, doubts = (tuple(f.against(which) for f in found if f.broken(which)) for which in (1, 0))
    return refusals, doubts


def judge(reasons: Sequence[Reason], scores: Mapping[str, float], fitted: quality.Table | None) -> Verdict:
    """The verdict on a finished picture: reasons are the doubts from before, scores the measures of `measure`.

    fitted: the table of the picture's renderer (quality/table.py); None where no pictures of it were judged by eye, and
    then the best that can be said of one is that it is doubtful. Below a limit's second bound a picture is refused.
    Without a doubt it is accepted if its quality says so.
    """
    refused, doubtful = _against_limits(scores, 1), _against_limits(scores, 0)
    if fitted is None:
        parts = {one.part for one in refused}
        doubtful = [*reasons, *(reason for reason in doubtful if reason.part not in parts), Reason("renderer_unjudged")]
    else:
        scores = {**scores, "quality": fitted.quality(scores)}
        doubtful = list(reasons)
        if scores["quality"] < fitted.threshold:
            name = fitted.worst(scores)
            doubtful.append(_on_score(name, scores, fitted.needed(name, scores)))
    if refused:
        return Verdict("refused", (*refused, *doubtful), scores)
    return Verdict("doubtful" if doubtful else "accepted", tuple(doubtful), scores)


def _against_limits(scores: Mapping[str, float], which: int) -> list[Reason]:
    """The scores below their first (0) or second (1) bounds."""
    return [
        _on_score(name, scores, limits[which])
        for name, limits in SCORE_LIMITS.items()
        if name in scores and scores[name] < limits[which]
    ]


def _on_score(name: str, scores: Mapping[str, float], limit: float) -> Reason:
    """The reason that a score below its limit is; of limbs_whole it names the limb."""
    part = (name == "limbs_whole" and quality.worst_limb(scores)) or name
    return Reason(quality.CODES[name], "product", part, scores[name], limit)


def _findings(product: Person, pose: Pose, target: TargetPose) -> Iterator[_Finding]:
    shopper = pose.keypoints()
    yield from _view(product.keypoints, shopper)
    needed = [name for name, bone in LIMBS.items() if _within(product, bone) and _shown(target, bone).any()]
    yield from _joints(product, pose, target)
    yield from _frame(target)
    for name in needed:
        if name not in target.kept:
            yield from _bend(name, product.keypoints, shopper, target)
    spine = degrees_between(_spine_direction(product.keypoints), _spine_direction(shopper))
    yield _Finding(Reason("pose_too_different", "shopper", "torso", spine), BEND_LIMITS["torso"])


def _light(shopper: Person) -> Iterator[_Finding]:
    brightness = float(np.mean(cv2.mean(shopper.photo.rgb, (shopper.matte > 0.5).astype(np.uint8))[:3]))
    yield _Finding(Reason("low_light", "shopper", "", brightness), (DARK, DARK), least=True)


def _blur(person: Person, role: str) -> Iterator[_Finding]:
    left, top, right, bottom = person.box
    effect = blur_effect(person.photo.rgb[top:bottom, left:right])
    yield _Finding(Reason("blurred", role, "", effect), BLUR_LIMITS[role])


def _view(product: Keypoints, shopper: Keypoints) -> Iterator[_Finding]:
    """Which of the three view codes fits: the shopper's own side or back view, or merely two different views."""
    apart = degrees_between(yaw(product), yaw(shopper))
    own = abs(float(np.degrees(yaw(shopper))))
    back = abs(float(np.degrees(yaw(product)))) > 90.0
    code = "view_mismatch"
    if own > 125.0 and not back:
        code = "back_view"
    elif 55.0 < own <= 125.0:
        code = "side_view"
    yield _Finding(Reason(code, "shopper", "torso", apart), VIEW_LIMITS)


def _inside(person: Person, landmark: Landmark, border: float) -> bool:
    """Whether the joint lies in the photo, at least border (a share of the person's height) away from its edge."""
    height, width = person.matte.shape
    return _in_frame(person.keypoints, landmark, (width, height), border * (person.box[3] - person.box[1]))


def _in_frame(keypoints: Keypoints, landmark: Landmark, size: Size, away: float) -> bool:
    """Whether the joint lies so many pixels away from the frame's edge, or outside by no more if that is negative."""
    x, y = keypoints.xy[landmark]
    return bool(away <= x < size[0] - away and away <= y < size[1] - away)


def _within(person: Person, bone: Bone) -> bool:
    """Whether the photo shows the bone: its middle and start lie inside the frame."""
    height, width = person.matte.shape
    start, end = person.keypoints.xy[list(bone)]
    points = np.stack([start, (start + end) / 2])
    return bool((points >= 0).all() and (points[:, 0] < width).all() and (points[:, 1] < height).all())


def _shown(target: TargetPose, landmarks: Sequence[int]) -> BoolArray:
    """Which joints come to lie inside the output frame."""
    xy = target.keypoints.xy[list(landmarks)]
    return np.asarray(((xy >= 0) & (xy < target.size)).all(axis=1))


def _joints(product: Person, pose: Pose, target: TargetPose) -> Iterator[_Finding]:
    """Joints that the product photo and the output frame show and the shopper photo cuts off (refused) or hides
    (doubtful, or refused if the network itself doesn't believe in them). Where only a hand is hidden, the model's
    forearm stays as it is."""
    keypoints, away = pose.keypoints(), -EDGE * pose.height
    for landmark in sorted({joint for bone in LIMBS.values() for joint in bone}):
        if not _inside(product, landmark, EDGE) or not _shown(target, [landmark])[0]:
            continue
        name = Landmark(landmark).name.lower()
        if not _in_frame(keypoints, landmark, pose.size, away):
            yield _Finding(Reason("body_cropped", "shopper", name, 1.0), (0.5, 0.5))
        elif not keypoints.seen[landmark]:
            doubt = 1.0 - float(keypoints.visibility[landmark])
            limits = HIDDEN_LIMITS.get(name.split("_")[1], HIDDEN_LIMITS["joint"])
            yield _Finding(Reason("joint_hidden", "shopper", name, doubt), limits)


def _frame(target: TargetPose) -> Iterator[_Finding]:
    """A cut by the product photo's edge must not show inside the picture, nor a limb leave it."""
    for part, depth in target.exposed.items():
        yield _Finding(Reason("body_cropped", "product", part, depth), EXPOSED_LIMITS[part.split("_", 1)[-1]])
    for part, beyond in target.outside.items():
        yield _Finding(Reason("pose_too_different", "shopper", part, beyond), OUTSIDE_LIMITS)


def _bend(name: str, product: Keypoints, shopper: Keypoints, target: TargetPose) -> Iterator[_Finding]:
    """How far a limb is really moved, and how far one should be that the product photo doesn't let move."""
    kind = name.split("_", 1)[1]
    bone = LIMBS[name]
    turn = degrees_between(direction(product, bone), direction(target.keypoints, bone))
    yield _Finding(Reason("pose_too_different", "shopper", name, turn), BEND_LIMITS[kind])
    shares = projected_share(product, bone), projected_share(target.keypoints, bone)
    times = max(shares) / max(min(shares), 0.05)
    yield _Finding(Reason("pose_too_different", "shopper", name, times), SHORTENING_LIMITS[kind])
    if name in target.held or not product.seen[list(bone)].all():
        asked = degrees_between(direction(product, bone), direction(shopper, bone))
        yield _Finding(Reason("limb_behind_body", "product", name, asked), (HIDDEN_TURN, 2 * HIDDEN_TURN))


def _spine_direction(keypoints: Keypoints) -> float:
    hips = keypoints.xy[[Landmark.LEFT_HIP, Landmark.RIGHT_HIP]].mean(axis=0)
    x, y = keypoints.xy[[Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]].mean(axis=0) - hips
    return float(np.arctan2(y, x))
