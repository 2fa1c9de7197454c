"""The default PoseEstimator: BlazePose asked about the whole photo, about parts of it, and once more if in doubt."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tryon_service.errors import RefusedError
from tryon_service.perception.base import PoseEstimate
from tryon_service.perception.blazepose_networks import Landmarked, LandmarkNetwork, PersonDetector, Roi
from tryon_service.perception.headless import HeadlessFinder
from tryon_service.perception.people import Found, Window, main_person, second_look, side_windows, thumbnail, whole
from tryon_service.perception.runtime import LiteRtSession, side_by_side
from tryon_service.perception.skeletons import LIMBS, Landmark, mirrored
from tryon_service.types import Keypoints, Photo, Reason, Size, UInt8Array
from tryon_service.zoo.store import Store

DETECTOR, LANDMARKS = "blazepose-detector", "blazepose-landmark-full"
MIN_SCORE = 0.5
MIN_PRESENCE = 0.5
MAX_REGIONS = 6
"""Regions given to the landmark network for one photo; a crowd has more, and its main person is among the first."""

SECOND_LOOK_SCORE = 0.2
SECOND_LOOK_REGIONS = 12
SECOND_LOOK_PRESENCE = 0.9
SECOND_LOOK_TESTED = 3
SECOND_LOOK_GAIN = 1.5
SURE_PRESENCE, SURE_PLAUSIBILITY = 0.99, 0.25
"""Above both a find needs no further proof."""

# (overlap of masks at least, distance of joints in sides of the region at most) between a find and its mirror image.
# Headless product photos reach 0.95 and 0.011; 80 street walls and noise pictures stay below 0.9 or beyond 0.02.
_MIRROR_FIRST, _MIRROR_SECOND = (0.85, 0.03), (0.90, 0.015)
# Guesses at a body of which only a part is in the photo: (height of the hips, side of the region), in photo heights.
_GUESSES = ((0.12, 2.1), (0.2, 2.0), (0.9, 2.2))

MIN_TORSO = 0.7
"""Least length of a torso in thighs, MIN_HIPS least width of the hips in torsos, MIN_HIPS_OF_SHOULDERS in shoulders'
widths, as the picture shows them."""
MIN_HIPS, MIN_HIPS_OF_SHOULDERS = 0.15, 0.3

_JOINTS = sorted({joint for bone in LIMBS.values() for joint in bone})


@dataclass(frozen=True)
class Detection:
    """A person as the detector sees one. score: in [0, 1]; roi: where to look closer; tier: 0 seen in the whole photo,
    1 in a window of it."""

    score: float
    roi: Roi
    tier: int


class BlazePose:
    """33 landmarks, their 3D twins and a person mask. The networks are fetched by the zoo when this is made."""

    def __init__(self, store: Store | None = None, num_threads: int | None = None) -> None:
        store = store or Store()
        self.networks = tuple(store.manifest.network(name).id for name in (DETECTOR, LANDMARKS))
        self._detector = PersonDetector(LiteRtSession(store.path(DETECTOR), num_threads))
        self._landmarks = LandmarkNetwork(LiteRtSession(store.path(LANDMARKS), num_threads))
        self._headless = HeadlessFinder(self._landmarks)

    def estimate(self, photo: Photo) -> PoseEstimate:
        """See PoseEstimator."""
        size = (photo.rgb.shape[1], photo.rgb.shape[0])
        first = self._first_look(photo.rgb, size)
        sure = first and first.presence >= SURE_PRESENCE and plausibility(first, size) >= SURE_PLAUSIBILITY
        if first and sure and well_built(first.keypoints):
            main = first
        else:
            completed = self._headless.find(photo.rgb, first)
            main = completed or (first if first and sure else self._most_plausible(photo.rgb, size, first))
        return PoseEstimate(main.keypoints, main.mask_in(size), main.presence)

    def follow(self, photo: Photo, near: Keypoints) -> Keypoints:
        """See PoseEstimator. Unless somebody is seen there for sure, the whole photo is searched."""
        found = self._landmarks.locate(photo.rgb, Roi.of_body(near))
        sure = found.presence >= SURE_PRESENCE and well_built(found.keypoints)
        return found.keypoints if sure else self.estimate(photo).keypoints

    def _first_look(self, rgb: UInt8Array, size: Size) -> Landmarked | None:
        """The main one of the people whom both networks are sure of; None if there is nobody."""
        detections, ahead = self._detections(rgb, size)
        located: list[Landmarked] = []
        finds: list[Found] = []
        tried: list[Roi] = []
        for detection in detections:
            if len(tried) == MAX_REGIONS or any(detection.roi.close_to(roi) for roi in tried):
                continue
            tried.append(detection.roi)
            found = ahead if ahead and detection is detections[0] else self._landmarks.locate(rgb, detection.roi)
            if found.presence >= MIN_PRESENCE:
                mask = thumbnail(found.mask_in(size))
                finds.append(Found(mask, found.presence, detection.tier - detection.score, len(located)))
                located.append(found)
        return located[main_person(finds).index] if finds else None

    def _detections(self, rgb: UInt8Array, size: Size) -> tuple[list[Detection], Landmarked | None]:
        """What the detector is sure of, in the whole photo and then in its sides, and what the landmark network makes
        of the first in the whole photo, if any: it is looked at while the sides are searched."""

        def look(tier: int) -> tuple[list[Detection], Landmarked | None]:
            windows = side_windows(size) if tier else (whole(size),)
            found = [Detection(score, roi, tier) for score, roi in self._detect(rgb, windows, MIN_SCORE)]
            return found, None if tier or not found else self._landmarks.locate(rgb, found[0].roi)

        (first, ahead), (others, _) = side_by_side(look, (0, 1))
        return first + others, ahead

    def _most_plausible(self, rgb: UInt8Array, size: Size, first: Landmarked | None) -> Landmarked:
        """The best of a doubtful first find and the second look's, of those that prove real; else no_person."""
        proven = [first] if first and self._same_when_mirrored(rgb, first, *_MIRROR_FIRST) else []
        for found in self._second_look(rgb, size)[:SECOND_LOOK_TESTED]:
            if self._same_when_mirrored(rgb, found, *_MIRROR_SECOND):
                proven.append(found)
                break
        if not proven:
            raise RefusedError([Reason("no_person")])
        # Small people are as good as large ones; only what is clearly more of a body replaces a detected one.
        better = plausibility(proven[-1], size) > SECOND_LOOK_GAIN * plausibility(proven[0], size)
        return proven[-1] if better else proven[0]

    def _same_when_mirrored(self, rgb: UInt8Array, found: Landmarked, overlap: float, distance: float) -> bool:
        """Whether the mirrored photo gives the mirrored find: what is imagined into noise or walls does not."""
        height, width = rgb.shape[:2]
        (x, y), side = found.roi.centre, found.roi.side
        roi = Roi((width - 1 - x, y), side, -found.roi.angle)
        other = self._landmarks.locate(np.ascontiguousarray(rgb[:, ::-1]), roi)
        one, two = found.mask_in((width, height)) > 0.5, other.mask_in((width, height))[:, ::-1] > 0.5
        if other.presence < MIN_PRESENCE or (one & two).sum() < overlap * (one | two).sum():
            return False
        seen = found.keypoints.seen[_JOINTS]
        apart = np.linalg.norm(found.keypoints.xy - mirrored(other.keypoints, width).xy, axis=1)[_JOINTS]
        return bool(seen.any() and np.median(apart[seen]) <= distance * side)

    def _second_look(self, rgb: UInt8Array, size: Size) -> list[Landmarked]:
        """Bodies that the first look may have missed, as legs without a head or a face up close; most plausible first.

        Uncertain detections and guesses at where a cut-off body would be, each followed for two steps from the region
        to the better one that its landmarks suggest.
        """
        width, height = size
        rois = [roi for _, roi in self._detect(rgb, (whole(size), *second_look(size)), SECOND_LOOK_SCORE)]
        rois = rois[: SECOND_LOOK_REGIONS - len(_GUESSES)]
        rois += [Roi((width / 2, hips * height), side * height, 0.0) for hips, side in _GUESSES]
        found = [step for roi in rois for step in self._followed(rgb, roi)]
        return sorted(found, key=lambda landmarked: -plausibility(landmarked, size))

    def _followed(self, rgb: UInt8Array, roi: Roi) -> Iterable[Landmarked]:
        for _ in range(3):
            found = self._landmarks.locate(rgb, roi)
            if found.presence < MIN_PRESENCE:
                return
            if found.presence >= SECOND_LOOK_PRESENCE:
                yield found
            roi = found.next_roi

    def _detect(self, rgb: UInt8Array, windows: Sequence[Window], min_score: float) -> list[tuple[float, Roi]]:
        found = side_by_side(lambda window: self._detector.detect(rgb, window, min_score), windows)
        return sorted(itertools.chain.from_iterable(found), key=lambda pair: -pair[0])


def well_built(keypoints: Keypoints) -> bool:
    """Whether a trunk is in the photo and shaped like one: neither folded up against the legs, nor with the hips on one
    spot below wide shoulders. Both happen where the head is cut off."""
    xy = keypoints.xy
    shoulders, hips = (xy[[Landmark[f"LEFT_{name}"], Landmark[f"RIGHT_{name}"]]] for name in ("SHOULDER", "HIP"))
    if not keypoints.seen[[Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]].all():
        return False
    torso = float(np.linalg.norm(shoulders.mean(axis=0) - hips.mean(axis=0)))
    knees = xy[[Landmark.LEFT_KNEE, Landmark.RIGHT_KNEE]]
    thigh = float(np.linalg.norm(knees - hips, axis=1).max())
    across, below = (float(np.hypot(*(pair[1] - pair[0]))) for pair in (shoulders, hips))
    return torso >= MIN_TORSO * thigh and below >= min(MIN_HIPS * torso, MIN_HIPS_OF_SHOULDERS * across)


def plausibility(found: Landmarked, size: Size) -> float:
    """How well a find explains the photo, in [0, 1]: presence, joints in the frame that lie on the person's own mask,
    and a mask that covers much of the photo. size: the photo's (width, height)."""
    inside = found.keypoints.seen[_JOINTS]
    if inside.sum() < 4:
        return 0.0
    mask = found.mask_in(size) > 0.5
    at = found.keypoints.xy[_JOINTS][inside].astype(np.int64)
    on_mask = float(mask[at[:, 1], at[:, 0]].mean())
    return found.presence * on_mask * float(np.sqrt(mask.mean()))
