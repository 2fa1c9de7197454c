"""Poses by detectron2's Keypoint R-CNN (He et al., "Mask R-CNN", 2017): COCO's 17 joints, on the picture only.

What the network doesn't know stays unknown. Hands, feet and the face's finer points are never seen (visibility 0; they
lie on the joint that they hang on). Depth is 0 throughout: a body is taken to stand flat, facing the camera or from
behind, so a photo from the side passes for a narrow one from the front. The mask is drawn from joints and colours
(drawn_mask.py); a matter with a network of its own makes more of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tryon_service.errors import RefusedError
from tryon_service.perception.base import PoseEstimate
from tryon_service.perception.detectron import KEYPOINT_RCNN, Detection, Detector
from tryon_service.perception.drawn_mask import draw_mask
from tryon_service.perception.people import Found, main_person, thumbnail
from tryon_service.perception.plug_in_files import plug_in_file
from tryon_service.perception.skeletons import LIMBS, Bone, Landmark
from tryon_service.types import BoolArray, Float32Array, Keypoints, NetworkId, Photo, Reason
from tryon_service.zoo.store import Store

COCO17: tuple[Landmark, ...] = (
    Landmark.NOSE,
    Landmark.LEFT_EYE,
    Landmark.RIGHT_EYE,
    Landmark.LEFT_EAR,
    Landmark.RIGHT_EAR,
    Landmark.LEFT_SHOULDER,
    Landmark.RIGHT_SHOULDER,
    Landmark.LEFT_ELBOW,
    Landmark.RIGHT_ELBOW,
    Landmark.LEFT_WRIST,
    Landmark.RIGHT_WRIST,
    Landmark.LEFT_HIP,
    Landmark.RIGHT_HIP,
    Landmark.LEFT_KNEE,
    Landmark.RIGHT_KNEE,
    Landmark.LEFT_ANKLE,
    Landmark.RIGHT_ANKLE,
)
"""COCO's joints in its order."""

MIN_SCORE = 0.7
"""Of somebody to count as found."""
DRAWN_SCORE = 0.05
"""Score of a joint from which detectron2 draws it; our one half."""

_HANGS_ON: dict[Landmark, Landmark] = {
    Landmark.LEFT_EYE_INNER: Landmark.LEFT_EYE,
    Landmark.LEFT_EYE_OUTER: Landmark.LEFT_EYE,
    Landmark.RIGHT_EYE_INNER: Landmark.RIGHT_EYE,
    Landmark.RIGHT_EYE_OUTER: Landmark.RIGHT_EYE,
    Landmark.MOUTH_LEFT: Landmark.NOSE,
    Landmark.MOUTH_RIGHT: Landmark.NOSE,
    Landmark.LEFT_PINKY: Landmark.LEFT_WRIST,
    Landmark.LEFT_INDEX: Landmark.LEFT_WRIST,
    Landmark.LEFT_THUMB: Landmark.LEFT_WRIST,
    Landmark.RIGHT_PINKY: Landmark.RIGHT_WRIST,
    Landmark.RIGHT_INDEX: Landmark.RIGHT_WRIST,
    Landmark.RIGHT_THUMB: Landmark.RIGHT_WRIST,
    Landmark.LEFT_HEEL: Landmark.LEFT_ANKLE,
    Landmark.LEFT_FOOT_INDEX: Landmark.LEFT_ANKLE,
    Landmark.RIGHT_HEEL: Landmark.RIGHT_ANKLE,
    Landmark.RIGHT_FOOT_INDEX: Landmark.RIGHT_ANKLE,
}
_SOURCE = np.array([COCO17.index(_HANGS_ON.get(landmark, landmark)) for landmark in Landmark])
_OWN = np.array([landmark not in _HANGS_ON for landmark in Landmark])

_SHOULDERS: Bone = (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER)
_METRES: dict[Bone, float] = {
    _SHOULDERS: 0.33,
    (Landmark.LEFT_SHOULDER, Landmark.LEFT_HIP): 0.48,
    (Landmark.RIGHT_SHOULDER, Landmark.RIGHT_HIP): 0.48,
    **{
        bone: {"upper_arm": 0.26, "forearm": 0.23, "thigh": 0.40, "shin": 0.39}[name.split("_", 1)[1]]
        for name, bone in LIMBS.items()
    },
}
"""Lengths of adults' bones as BlazePose has them: the metres that the rest of the package counts in."""


class KeypointRcnn:
    """Implements perception.base.PoseEstimator."""

    def __init__(self, store: Store | None = None) -> None:
        """Raises ZooError("network_missing") naming what is to be built or the zoo's entry that is missing,
        ZooError("network_mismatch") if the file has changed."""
        path, entry = plug_in_file(KEYPOINT_RCNN, "pose", store)
        self.networks: tuple[NetworkId, ...] = (entry.id,)
        self._find = Detector(KEYPOINT_RCNN, path).find

    def estimate(self, photo: Photo) -> PoseEstimate:
        """See PoseEstimator."""
        return main_estimate(photo, self._find(photo.rgb))

    def follow(self, photo: Photo, near: Keypoints) -> Keypoints:
        """See PoseEstimator. The whole photo is searched, and whoever is nearest is meant."""
        return nearest_pose(self._find(photo.rgb), near, photo)


def main_estimate(photo: Photo, people: Sequence[Detection]) -> PoseEstimate:
    """The main one of these people. Raises RefusedError, see PoseEstimator."""
    estimates = []
    for person in people:
        if person.score >= MIN_SCORE:
            keypoints, scale = landmarks(person, photo)
            left, top, right, bottom = (float(edge) for edge in person.box)
            room = 0.05 * max(right - left, bottom - top)
            box = (left - room, top - room, right + room, bottom + room)
            mask = draw_mask(photo.rgb, keypoints.xy, keypoints.visibility >= 0.5, box, scale)
            estimates.append(PoseEstimate(keypoints, mask, person.score))
    finds = [
        Found(thumbnail(estimate.mask), estimate.score, -estimate.score, index)
        for index, estimate in enumerate(estimates)
    ]
    return estimates[main_person(finds).index]


def nearest_pose(people: Sequence[Detection], near: Keypoints, photo: Photo) -> Keypoints:
    """The pose whose joints are nearest to those. Raises RefusedError("no_person")."""
    poses = [landmarks(person, photo)[0] for person in people if person.score >= MIN_SCORE]
    if not poses:
        raise RefusedError([Reason("no_person")])
    apart = [float(np.hypot(*(pose.xy - near.xy)[list(COCO17)].T).mean()) for pose in poses]
    return poses[int(np.argmin(apart))]


def landmarks(person: Detection, photo: Photo) -> tuple[Keypoints, float]:
    """Our 33 landmarks of COCO's 17 joints, flat, and the body's scale in pixels per metre."""
    # COCO's coordinates count from the corner of the first pixel, ours from its middle.
    xy = (person.keypoints[:, :2] - 0.5)[_SOURCE]
    sure = np.clip(person.keypoints[:, 2] * (0.5 / DRAWN_SCORE), 0, 1)[_SOURCE]
    visibility = np.where(_OWN, sure, 0).astype(np.float32)
    scale = body_scale(xy, visibility >= 0.5, person)
    flat = np.zeros((len(xy), 1), np.float32)
    hips = xy[[Landmark.LEFT_HIP, Landmark.RIGHT_HIP]].mean(axis=0)
    height, width = photo.rgb.shape[:2]
    inside = np.all((xy >= 0) & (xy <= (width - 1, height - 1)), axis=1)
    keypoints = Keypoints(
        np.hstack([xy, flat]).astype(np.float32),
        np.hstack([(xy - hips) / scale, flat]).astype(np.float32),
        visibility,
        np.asarray(inside & _OWN, np.bool_),
    )
    return keypoints, scale


def body_scale(xy: Float32Array, known: BoolArray, person: Detection) -> float:
    """Pixels per metre. Bones look shorter as they point at the camera, never longer, so the upper ones of their ratios
    tell; a box without a bone is taken for a body of 1.7 m."""
    ratios = [
        float(np.hypot(*(xy[far] - xy[near]))) / metres
        for (near, far), metres in _METRES.items()
        if known[near] and known[far]
    ]
    if ratios and max(ratios) > 1:
        return float(np.percentile(ratios, 75))
    return max(float(person.box[3] - person.box[1]) / 1.7, 1.0)
