"""Poses of people whom the photo's upper edge cuts off: headless tops, trousers from the waist down.

The landmark network is shown the photo with the missing part drawn above it (stand_in.py), first where the silhouette
suggests the hips, then where its own landmarks put them. A drawn body is no proof of a real one, and a drawn face
decides which side of the body is seen; so both are asked of the photo as it is, looked at in several ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tryon_service.perception.blazepose_networks import Landmarked, LandmarkNetwork, Roi
from tryon_service.perception.skeletons import LIMBS, MIRRORED, Landmark, mirrored
from tryon_service.perception.stand_in import Facing, Trunk, continued
from tryon_service.types import BoolArray, Float32Array, Keypoints, UInt8Array

_PLAIN = 12.0
"""Largest spread in grey levels, between the 10th and 90th percentile, of a border that counts as plain."""
_DISTINCT = 18
"""Grey levels by which a body differs from a plain background."""

# Metres of a body: hips' middle to the cut of a photo from the waist down and to the soles, the two bones of a leg,
# hips to shoulders, width of the waist, and side of the square the network likes to look at.
_CUT_ABOVE_HIPS, _LEG, _THIGH, _SHIN, _TORSO, _WAIST, _REGION = 0.18, 0.90, 0.42, 0.38, 0.50, 0.30, 2.2
# Shoulders to the cut of a photo from the neck down, width across both upper arms.
_CUT_ABOVE_SHOULDERS, _SHOULDERS_AND_ARMS = 0.08, 0.48

_STEPS = 2
"""Times the drawn part is moved to where the last landmarks put the body."""
_EXPLAINED = 0.6
_LOOKS = ((0.0, 2.2), (0.1, 2.4), (0.1, 2.1))
"""(metres below the hips, side in metres) of the regions in which the photo itself is looked at, and mirrored too."""
_APART = 0.12
"""Metres that bodies found with and without the drawn part may lie apart, in median over the joints."""
MIN_PROOF = 0.39
"""62 photos from the waist down reach 0.44; of 21 pairs of trousers cut out of such photos 20 stay below 0.35."""

_HIPS = [Landmark.LEFT_HIP, Landmark.RIGHT_HIP]
_SHOULDERS = [Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]
_KNEES = [Landmark.LEFT_KNEE, Landmark.RIGHT_KNEE]
_ANKLES = [Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE]
_HEELS = [Landmark.LEFT_HEEL, Landmark.RIGHT_HEEL]
_TOES = [Landmark.LEFT_FOOT_INDEX, Landmark.RIGHT_FOOT_INDEX]
_LEGS = [*_HIPS, *_KNEES, *_ANKLES]
_JOINTS = sorted({joint for bone in LIMBS.values() for joint in bone})


@dataclass(frozen=True)
class HeadlessFinder:
    """Finds the one person whom the upper edge of a photo cuts off."""

    network: LandmarkNetwork

    def find(self, rgb: UInt8Array, first: Landmarked | None = None) -> Landmarked | None:
        """The pose, its presence as far as the photo itself proves it; or None if the photo cuts
        nobody off above, proves no body, or is explained as well by `first`.

        rgb: H x W x 3; first: what was found without the drawn part, if anything.
        """
        body = _body(rgb, first)
        if body is None or not body[0].any():
            return None
        guesses = [_below_waist(body)]
        if body[-1].any():
            guesses.append(_below_neck(body))
        found = max((self._settled(rgb, body, guess) for guess in guesses), key=lambda one: explains(one, body))
        if first and explains(found, body) < _EXPLAINED:
            other = self._settled(rgb, body, trunk_of(first.keypoints))
            found = max(found, other, key=lambda one: explains(one, body))
        if first and explains(first, body) >= explains(found, body):
            return None
        looks = self._undrawn(rgb, trunk_of(found.keypoints))
        proof = _proof(found, looks)
        if proof < MIN_PROOF:
            return None
        facing: Facing = "front" if frontness([look.keypoints for look in looks]) > 0 else "back"
        return replace(self._look(rgb, body, trunk_of(found.keypoints), facing), presence=proof)

    def _settled(self, rgb: UInt8Array, body: BoolArray, trunk: Trunk) -> Landmarked:
        """What is found with the drawn part on this trunk, and then on the one that the landmarks suggest."""
        found = self._look(rgb, body, trunk, "front")
        for _ in range(_STEPS - 1):
            found = self._look(rgb, body, trunk_of(found.keypoints), "front")
        return found

    def _look(self, rgb: UInt8Array, body: BoolArray, trunk: Trunk, facing: Facing) -> Landmarked:
        canvas, room = continued(rgb, body, trunk, facing)
        x, y = trunk.hips
        found = self.network.locate(canvas, Roi((x, y + room), _REGION * trunk.scale, 0.0))
        return found.raised(room, (rgb.shape[1], rgb.shape[0]))

    def _undrawn(self, rgb: UInt8Array, trunk: Trunk) -> list[Landmarked]:
        """The photo as it is and its mirror image in several regions; landmarks in the photo's own pixels."""
        width = rgb.shape[1]
        flipped = np.ascontiguousarray(rgb[:, ::-1])
        looks = []
        for below, side in _LOOKS:
            x, y = trunk.hips[0], trunk.hips[1] + below * trunk.scale
            looks.append(self.network.locate(rgb, Roi((x, y), side * trunk.scale, 0.0)))
            look = self.network.locate(flipped, Roi((width - 1 - x, y), side * trunk.scale, 0.0))
            looks.append(replace(look, keypoints=mirrored(look.keypoints, width)))
        return looks


def silhouette(rgb: UInt8Array) -> BoolArray | None:
    """H x W bool, what differs from a plain background; None if the photo's left and right borders aren't plain."""
    width = max(rgb.shape[1] // 100, 2)
    border = np.concatenate([rgb[:, :width].reshape(-1, 3), rgb[:, -width:].reshape(-1, 3)])
    low, middle, high = np.percentile(border, (10, 50, 90), axis=0)
    if float((high - low).max()) > _PLAIN:
        return None
    distance = np.abs(rgb.astype(np.int16) - middle.astype(np.int16)).max(axis=2)
    return np.asarray(distance > _DISTINCT, np.bool_)


def explains(found: Landmarked, body: BoolArray) -> float:
    """How well a find explains a silhouette (H x W), in [0, 1]: how much of the one its mask shares with the other,
    times the share of its bones that lie in the silhouette, as far as they lie in the photo."""
    height, width = body.shape
    mask = found.mask_in((width, height)) > 0.5
    shared = (mask & body).sum() / max(int((mask | body).sum()), 1)
    ends = found.keypoints.xy[[list(bone) for bone in LIMBS.values()]]
    steps = np.linspace(0.0, 1.0, 12)[:, None, None]
    points = np.rint(ends[:, 0] + steps * (ends[:, 1] - ends[:, 0])).reshape(-1, 2).astype(np.int64)
    x, y = points[((points >= 0) & (points < (width, height))).all(axis=1)].T
    return float(shared * body[y, x].mean()) if len(x) else 0.0


def frontness(poses: Sequence[Keypoints]) -> float:
    """Above 0 if a body is seen from the front, below 0 if from behind. poses: several estimates of one body.

    The network's own left and right is one sign and errs on one headless photo in ten; that knees bend forwards and
    that a camera above the feet sees toes below heels are two more. The weights come from 62 shop photos, the constant
    leans to the front, which is what most photos show.
    """
    signs = []
    for pose in poses:
        scale = trunk_of(pose).scale
        across = pose.world[_SHOULDERS[0]] - pose.world[_SHOULDERS[1]]
        across = 2 * across + pose.world[_HIPS[0]] - pose.world[_HIPS[1]]
        facing = across[0] / max(float(np.hypot(across[0], across[2])), 1e-6)
        ends = (pose.xyz[_HIPS, 2] + pose.xyz[_ANKLES, 2]) / 2
        bend = float((ends - pose.xyz[_KNEES, 2]).mean()) / scale
        drop = float((pose.xy[_TOES, 1] - pose.xy[_HEELS, 1]).mean()) / scale
        legs = 5.0 * bend + 3.0 * drop - 0.8 if pose.seen[_ANKLES].all() else 0.0
        signs.append(facing + legs)
    return float(np.mean(signs))


def trunk_of(keypoints: Keypoints) -> Trunk:
    """Where landmarks put the body: upright unless the shoulders are in the photo; sized by what is shown."""
    xy, inside = keypoints.xy.astype(np.float64), keypoints.seen
    hips, neck, knees, ankles = (xy[pair] for pair in (_HIPS, _SHOULDERS, _KNEES, _ANKLES))
    thighs, shins = np.linalg.norm(knees - hips, axis=1), np.linalg.norm(ankles - knees, axis=1)
    spine = neck.mean(axis=0) - hips.mean(axis=0)
    length = max(float(np.hypot(*spine)), 1.0)
    up = spine / length if inside[_SHOULDERS].all() else np.array([0.0, -1.0])
    if inside[_ANKLES].all():
        scale = (thighs + shins).max() / (_THIGH + _SHIN)
    elif inside[_KNEES].all():
        scale = thighs.max() / _THIGH
    else:
        scale = length / _TORSO
    x, y = hips.mean(axis=0)
    return Trunk((float(x), float(y)), (float(up[0]), float(up[1])), max(float(scale), 8.0))


def _body(rgb: UInt8Array, first: Landmarked | None) -> BoolArray | None:
    body = silhouette(rgb)
    if body is None and first:
        return np.asarray(first.mask_in((rgb.shape[1], rgb.shape[0])) > 0.5, np.bool_)
    return body


def _below_waist(body: BoolArray) -> Trunk:
    """Where the hips of a body cut at the waist would be: sized by its feet, or by its waist if those are cut off."""
    height = body.shape[0]
    left, right = _widest_run(body[: max(height // 50, 1)].mean(axis=0) > 0.5)
    bottom = int(np.flatnonzero(body.any(axis=1))[-1])
    scale = bottom / (_CUT_ABOVE_HIPS + _LEG) if bottom < height - 2 else (right - left) / _WAIST
    return Trunk(((left + right) / 2, _CUT_ABOVE_HIPS * scale), (0.0, -1.0), max(float(scale), 8.0))


def _below_neck(body: BoolArray) -> Trunk:
    """Where the hips of a body cut at the neck would be, sized by its shoulders."""
    height = body.shape[0]
    left, right = _widest_run(body[height // 8 : max(height // 4, height // 8 + 1)].mean(axis=0) > 0.5)
    scale = max((right - left) / _SHOULDERS_AND_ARMS, 8.0)
    return Trunk(((left + right) / 2, (_CUT_ABOVE_SHOULDERS + _TORSO) * scale), (0.0, -1.0), scale)


def _widest_run(row: BoolArray) -> tuple[int, int]:
    """First and past-the-last index of the longest run of true in a row; the whole row if there is none."""
    edges = np.flatnonzero(np.diff(row.astype(np.int8), prepend=0, append=0))
    if not len(edges):
        return 0, len(row)
    starts, ends = edges[::2], edges[1::2]
    widest = int(np.argmax(ends - starts))
    return int(starts[widest]), int(ends[widest])


def _proof(found: Landmarked, looks: Sequence[Landmarked]) -> float:
    """How sure it is, in [0, 1], that a body found with a drawn part is there without it: the mean presence over
    undrawn looks, 0 for those that put the legs, or else what the photo shows of the body, elsewhere, whichever side is
    called left."""
    scale = trunk_of(found.keypoints).scale
    seen = found.keypoints.seen
    shown = _LEGS if seen[_LEGS].all() else [joint for joint in _JOINTS if seen[joint]]
    if not shown:
        return 0.0
    swapped = [MIRRORED[joint] for joint in shown]
    body = found.keypoints.xy[shown]
    total = 0.0
    for look in looks:
        apart = min(_median_distance(body, look.keypoints.xy[order]) for order in (shown, swapped))
        total += look.presence if apart <= _APART * scale else 0.0
    return total / len(looks)


def _median_distance(one: Float32Array, other: Float32Array) -> float:
    return float(np.median(np.linalg.norm(one - other, axis=1)))
