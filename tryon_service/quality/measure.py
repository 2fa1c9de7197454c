"""Scores of a finished picture, all that the verdict looks at."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tryon_service.perception.skeletons import LIMBS, Landmark
from tryon_service.quality.flaws import GARMENTS, flaws
from tryon_service.quality.strain import strain
from tryon_service.retarget.curves import SAMPLES_PER_BONE, Points
from tryon_service.retarget.rig import Rig, build_rig
from tryon_service.retarget.view import degrees_between, direction
from tryon_service.types import Appearance, Float32Array, Keypoints, Person, Rendered, TargetPose

WHOLE = "whole_"
"""What the score of a single limb's wholeness begins with; the limb's name follows."""
ON_LIMB = 0.25
"""Share of a limb's middle line that must lie on the person in the product photo for it to say anything: below, the
joints are off."""
POSE_TOLERANCE = 15.0
"""Degrees."""
REAL_PIXELS = ("coverage", "limbs_real", "no_seams")
"""Measures of how much of a picture is the photo's own."""
STILL = 5.0
"""Degrees by which a limb may move and still be behind what hides it in the product photo."""


def measure(
    rendered: Rendered,
    appearance: Appearance,
    target: TargetPose,
    found: Keypoints | None = None,
    *,
    generated: bool = False,
) -> dict[str, float]:
    """Scores in [0, 1] of a finished picture, 1 is best.

    coverage: share of garment pixels that are the photo's own. whole_left_forearm and so on: the share of the limb's
    middle line that lies on the person; a limb torn from what hides it has gaps, and so has one that the matte lost.
    limbs_whole: the same of the limb that is worst off.
    pose_agreement: share of limbs of a fresh pose estimate on the result (found) within POSE_TOLERANCE of the target's
    directions; pck: its joints within a fifth of the torso. Limbs that the product photo doesn't show are left out;
    without a fresh estimate so are both of these. The others are those of quality.strain and quality.flaws.
    generated: nothing of the picture is the photo's own, and REAL_PIXELS, which could only say so, are left out.
    """
    garment = np.isin(rendered.parsing, GARMENTS)
    scores = {"coverage": float(rendered.coverage[garment].mean()) if garment.any() else 0.0}
    scores |= strain(appearance.person.keypoints, target)
    scores |= flaws(rendered, appearance, target)
    shown = appearance.person.keypoints.seen
    limbs = [bone for bone in LIMBS.values() if shown[list(bone)].all()]
    whole = _whole(rendered, appearance.person, target)
    if whole:
        scores |= {WHOLE + limb: share for limb, share in whole.items()} | {"limbs_whole": min(whole.values())}
    if found is not None and limbs:
        apart = [degrees_between(direction(target.keypoints, bone), direction(found, bone)) for bone in limbs]
        scores["pose_agreement"] = float(np.mean(np.array(apart) <= POSE_TOLERANCE))
        joints = sorted({joint for bone in limbs for joint in bone})
        torso = target.keypoints.xy[[Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]].mean(axis=0)
        torso = torso - target.keypoints.xy[[Landmark.LEFT_HIP, Landmark.RIGHT_HIP]].mean(axis=0)
        miss = np.linalg.norm(found.xy[joints] - target.keypoints.xy[joints], axis=1)
        scores["pck"] = float(np.mean(miss <= 0.2 * max(float(np.hypot(*torso)), 1.0)))
    return {name: score for name, score in scores.items() if not (generated and name in REAL_PIXELS)}


def worst_limb(scores: Mapping[str, float]) -> str:
    """The limb that limbs_whole speaks of, "" if the scores of single limbs are missing."""
    limbs = [name for name in LIMBS if WHOLE + name in scores]
    return min(limbs, key=lambda name: scores[WHOLE + name], default="")


def _whole(rendered: Rendered, product: Person, target: TargetPose) -> dict[str, float]:
    """By limb, how much of its middle line lies on the person, of one that stays as the photo has it as a share of what
    did there; limbs that either of them doesn't show are left out. The lines are those that the limbs are drawn along,
    round at the bends: in a photo that hides nothing of a limb all of its line lies on the person."""
    rigs = build_rig(product.keypoints), build_rig(target.keypoints, target.scale)
    out = {}
    for name, bone in LIMBS.items():
        if not product.keypoints.seen[list(bone)].all():
            continue
        before, after = (
            _covered(alpha, _middle_line(rig, name))
            for alpha, rig in zip((product.matte, rendered.alpha), rigs, strict=True)
        )
        if before is not None and after is not None and before >= ON_LIMB:
            moved = degrees_between(direction(product.keypoints, bone), direction(target.keypoints, bone))
            still = moved <= STILL or name in target.held | target.kept
            out[name] = min(1.0, after / before) if still else after
    return out


def _middle_line(rig: Rig, limb: str) -> Points:
    """Points along a limb's bone on its rig's curve, joints included; N x 2 (x, y) pixels."""
    side, bone = limb.split("_", maxsplit=1)
    carrier = f"{side}_{'arm' if bone.endswith('arm') else 'leg'}"
    first = (1 if bone in ("upper_arm", "thigh") else 2) * SAMPLES_PER_BONE
    return rig.limbs[carrier].points[first : first + SAMPLES_PER_BONE + 1]


def _covered(alpha: Float32Array, line: Points) -> float | None:
    """Share of the points inside the frame that lie on the person; None if hardly any lie inside."""
    points = np.rint(line).astype(np.int64)
    height, width = alpha.shape
    inside = ((points >= 0) & (points < (width, height))).all(axis=1)
    if inside.sum() < len(points) // 3:
        return None
    x, y = points[inside].T
    return float((alpha[y, x] > 0.5).mean())
