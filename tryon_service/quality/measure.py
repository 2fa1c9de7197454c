"""Scores of a finished picture, all that the verdict looks at."""

from __future__ import annotations

import numpy as np

from tryon_service.perception.skeletons import LIMBS, Bone, Landmark
from tryon_service.quality.flaws import GARMENTS, flaws
from tryon_service.quality.strain import strain
from tryon_service.retarget.view import degrees_between, direction
from tryon_service.types import Appearance, Float32Array, Keypoints, Person, Rendered, TargetPose

BONE_POINTS = 24
POSE_TOLERANCE = 15.0


def measure(
    rendered: Rendered, appearance: Appearance, target: TargetPose, found: Keypoints | None = None
) -> dict[str, float]:
    """Scores in [0, 1] of a finished picture, 1 is best.

    coverage: share of garment pixels that are the photo's own. limbs_whole: of the limb that is worst off, the share of
    its bone that lies on the person, against the same in the photo; a limb torn from what hides it has gaps.
    pose_agreement: share of limbs of a fresh pose estimate on the result (found) within POSE_TOLERANCE of the target's
    directions; pck: its joints within a fifth of the torso. Limbs that the product photo doesn't show are left out;
    without a fresh estimate so are both of these. The others are those of quality.strain and quality.flaws.
    """
    garment = np.isin(rendered.parsing, GARMENTS)
    scores = {"coverage": float(rendered.coverage[garment].mean()) if garment.any() else 0.0}
    scores |= strain(appearance.person.keypoints, target)
    scores |= flaws(rendered, appearance, target)
    shown = appearance.person.keypoints.seen
    limbs = [bone for bone in LIMBS.values() if shown[list(bone)].all()]
    kept = [share for bone in limbs if (share := _kept(rendered, appearance.person, target, bone)) is not None]
    if kept:
        scores["limbs_whole"] = min(kept)
    if found is not None and limbs:
        apart = [degrees_between(direction(target.keypoints, bone), direction(found, bone)) for bone in limbs]
        scores["pose_agreement"] = float(np.mean(np.array(apart) <= POSE_TOLERANCE))
        joints = sorted({joint for bone in limbs for joint in bone})
        torso = target.keypoints.xy[[Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]].mean(axis=0)
        torso = torso - target.keypoints.xy[[Landmark.LEFT_HIP, Landmark.RIGHT_HIP]].mean(axis=0)
        miss = np.linalg.norm(found.xy[joints] - target.keypoints.xy[joints], axis=1)
        scores["pck"] = float(np.mean(miss <= 0.2 * max(float(np.hypot(*torso)), 1.0)))
    return scores


def _kept(rendered: Rendered, product: Person, target: TargetPose, bone: Bone) -> float | None:
    """How much of the bone lies on the person, as a share of what did in the product photo; None if it isn't shown."""
    before = _covered(product.matte, product.keypoints, bone)
    after = _covered(rendered.alpha, target.keypoints, bone)
    return None if not before or after is None else min(1.0, after / before)


def _covered(alpha: Float32Array, keypoints: Keypoints, bone: Bone) -> float | None:
    """Share of the bone's points inside the frame that lie on the person; None if hardly any lie inside."""
    start, end = keypoints.xy[list(bone)]
    points = np.rint(start + np.linspace(0.0, 1.0, BONE_POINTS)[:, None] * (end - start)).astype(np.int64)
    height, width = alpha.shape
    inside = ((points >= 0) & (points < (width, height))).all(axis=1)
    if inside.sum() < BONE_POINTS // 3:
        return None
    x, y = points[inside].T
    return float((alpha[y, x] > 0.5).mean())
