"""What shows in a rendered person, against the product photo: measures of a picture, each in [0, 1] and 1 is best."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from tryon_service.perception.skeletons import LIMBS, Bone, Landmark
from tryon_service.quality.strain import alike
from tryon_service.types import Appearance, BoolArray, Float32Array, Keypoints, Part, Rendered, TargetPose, UInt8Array

GARMENTS = (Part.UPPER, Part.OUTERWEAR, Part.DRESS, Part.SKIRT, Part.TROUSERS)
HEAD = (Part.HAIR, Part.FACE)
TORSO = (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
FAR = 30_000.0
"""Pixels beyond which drawing doesn't reach."""
SOLID = 0.5
HEIGHT = 512
"""Larger pictures are measured at this height, so that the figures don't depend on their size."""
GRAIN = 0.0001
"""Share of the person's area below which a piece or a hole is grain."""
WINDOW = 0.02
"""Share of the person's area above which a hole is a gap beside an arm."""
FINE = 0.012
"""Half the width of what counts as a sliver or a crack, as a share of the person's height."""
LOOSE, HOLES, OUTLINE, PARTS = 0.002, 0.002, 0.01, 0.02
"""Shares of the person's area at which the measures of these have fallen to 1 / e."""
SEAM_STEP = 24.0
"""Grey levels by which a completed patch's rim stands out at which the measure of it has fallen to 1 / e."""


@dataclass(frozen=True)
class _View:
    """A person at working size, all H x W. person: bool; parsing: Part ids; grey: uint8; scale: of the original."""

    person: BoolArray
    parsing: UInt8Array
    grey: UInt8Array
    scale: float

    @classmethod
    def of(cls, rgb: UInt8Array, alpha: Float32Array, parsing: UInt8Array) -> _View:
        scale = min(1.0, HEIGHT / alpha.shape[0])
        return cls(
            _resized(alpha, scale) > SOLID,
            np.asarray(_resized(parsing, scale, cv2.INTER_NEAREST), np.uint8),
            np.asarray(_resized(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), scale), np.uint8),
            scale,
        )

    @property
    def area(self) -> int:
        return max(int(self.person.sum()), 1)


def _resized(array: np.ndarray, scale: float, interpolation: int = cv2.INTER_LINEAR) -> np.ndarray:
    height, width = array.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return array if scale == 1.0 else np.asarray(cv2.resize(array, size, interpolation=interpolation))


def flaws(rendered: Rendered, appearance: Appearance, target: TargetPose) -> dict[str, float]:
    """limbs_real: share of the photo's own pixels in the arm or leg that is worst off; one_piece, no_holes: of the
    person; clean_outline: how little of it is slivers and cracks, clean_parts: the same of every part on its own;
    no_seams: how little the rims of completed patches stand out; texture: fine detail of the garments;
    torso_whole: share of the space between shoulders and hips that the person fills; garment_area, head_area: as large
    as in the photo; limb_width: of the limb whose width has changed most.
    """
    person = appearance.person
    before = _View.of(person.photo.rgb, person.matte, person.parsing)
    after = _View.of(rendered.rgb, rendered.alpha, rendered.parsing)
    coverage = _resized(rendered.coverage, after.scale)
    scale = max(target.scale, 1e-3)
    worse = {
        "one_piece": (_loose, LOOSE),
        "no_holes": (_holes, HOLES),
        "clean_outline": (_fine_outline, OUTLINE),
        "clean_parts": (_fine_parts, PARTS),
    }
    return {
        **{name: _decay(measure(after) - measure(before), unit) for name, (measure, unit) in worse.items()},
        "torso_whole": _torso_filled(after, target.keypoints),
        "limbs_real": min(_real_shares(after, coverage), default=1.0),
        "no_seams": _decay(_seam_step(after, coverage), SEAM_STEP),
        "texture": alike(_detail(after), _detail(before)),
        "garment_area": _area_kept(after, before, GARMENTS, scale),
        "head_area": _area_kept(after, before, HEAD, scale),
        "limb_width": min(_widths_kept(after, before, person.keypoints, target), default=1.0),
    }


def _decay(value: float, unit: float) -> float:
    return float(np.exp(-max(value, 0.0) / unit))


def _pieces(mask: BoolArray) -> np.ndarray:
    """Areas of the connected pieces, largest first."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return np.sort(stats[1:, cv2.CC_STAT_AREA])[::-1]


def _loose(view: _View) -> float:
    """Share of the person's area in pieces that don't touch the largest one."""
    areas = _pieces(view.person)[1:]
    return float(areas[areas > GRAIN * view.area].sum() / view.area)


def _holes(view: _View) -> float:
    """Area of the small openings in the person, as a share of the person's; the large ones are gaps beside arms."""
    padded = np.pad(view.person, 1)
    holes = _pieces(~padded)[1:]
    return float(holes[(holes > GRAIN * view.area) & (holes < WINDOW * view.area)].sum() / view.area)


def _fine_outline(view: _View) -> float:
    return _fine(view.person, view) / view.area


def _fine_parts(view: _View) -> float:
    """Of all parts together; strands of hair are left out, they are slivers by nature."""
    counts = np.bincount(view.parsing.ravel(), minlength=len(Part))
    parts = [part for part in Part if counts[part] and part not in (Part.BACKGROUND, Part.HAIR)]
    return sum(_fine(view.parsing == part, view) for part in parts) / view.area


def _fine(mask: BoolArray, view: _View) -> int:
    """Pixels of the mask in strips narrower than FINE allows, and of cracks in it as narrow."""
    left, top, width, height = cv2.boundingRect(view.person.astype(np.uint8))
    radius = max(1, round(FINE * height / 2))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    frame = np.s_[max(top - radius, 0) : top + height + radius, max(left - radius, 0) : left + width + radius]
    solid = mask[frame].astype(np.uint8)
    opened = cv2.morphologyEx(solid, cv2.MORPH_OPEN, disc)
    cracks = (cv2.morphologyEx(solid, cv2.MORPH_CLOSE, disc) != solid) & view.person[frame]
    return int(np.count_nonzero(solid != opened) + np.count_nonzero(cracks))


def _torso_filled(view: _View, keypoints: Keypoints) -> float:
    """1 where the frame shows nothing of the torso."""
    corners = keypoints.xy[[*TORSO]] * view.scale
    quad = np.zeros(view.person.shape, np.uint8)
    cv2.fillConvexPoly(quad, cv2.convexHull(np.rint(np.clip(corners, -FAR, FAR)).astype(np.int32)), 1)
    inside = view.person[quad > 0]
    return float(inside.mean()) if len(inside) else 1.0


def _real_shares(view: _View, coverage: Float32Array) -> Iterator[float]:
    for part in (Part.LEFT_ARM, Part.RIGHT_ARM, Part.LEFT_LEG, Part.RIGHT_LEG):
        real = coverage[view.parsing == part]
        if len(real) > 1e-3 * coverage.size:
            yield float(np.clip(real.mean(), 0.0, 1.0))


def _seam_step(view: _View, coverage: Float32Array) -> float:
    """How much stronger edges are along the rims of completed patches than on the person at large, grey levels."""
    along, down = cv2.Sobel(view.grey, cv2.CV_32F, 1, 0), cv2.Sobel(view.grey, cv2.CV_32F, 0, 1)
    edges = cv2.magnitude(along, down) / 4
    inside = cv2.erode(view.person.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    real = (coverage > SOLID).astype(np.uint8)
    rim = (cv2.morphologyEx(real, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0) & inside
    if rim.sum() < 0.002 * max(int(inside.sum()), 1):
        return 0.0
    return float(edges[rim].mean() - edges[inside].mean())


def _detail(view: _View) -> float:
    """Root mean square of the fine detail well inside the garments, grey levels."""
    cloth = cv2.erode(np.isin(view.parsing, GARMENTS).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    if not cloth.any():
        return 0.0
    grey = view.grey.astype(np.float32)
    return float(np.sqrt(np.mean((grey - cv2.GaussianBlur(grey, (0, 0), 1.5))[cloth] ** 2)))


def _area_kept(after: _View, before: _View, parts: tuple[Part, ...], scale: float) -> float:
    areas = [float(np.isin(view.parsing, parts).sum()) for view in (after, before)]
    if max(areas) <= 1e-3 * before.parsing.size:
        return 1.0
    return alike(areas[0] / (after.scale * scale) ** 2, areas[1] / before.scale**2)


def _widths_kept(after: _View, before: _View, product: Keypoints, target: TargetPose) -> Iterator[float]:
    """Of each forearm and shin shown, how alike its half-widths are."""
    depths = [cv2.distanceTransform(view.person.astype(np.uint8), cv2.DIST_L2, 3) for view in (before, after)]
    for name, bone in LIMBS.items():
        if name.endswith(("forearm", "shin")) and product.seen[list(bone)].all():
            old = _half_width(depths[0], product, bone, before.scale)
            new = _half_width(depths[1], target.keypoints, bone, after.scale)
            if old is not None and new is not None:
                yield alike(old / before.scale, new / (after.scale * max(target.scale, 1e-3)))


def _half_width(depth: np.ndarray, keypoints: Keypoints, bone: Bone, scale: float) -> float | None:
    """Median distance from points on the bone to the outline; None where hardly any lies inside the frame."""
    start, end = keypoints.xy[list(bone)].astype(np.float64) * scale
    x, y = np.rint(start + np.linspace(0.2, 0.8, 7)[:, None] * (end - start)).astype(np.int64).T
    height, width = depth.shape
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return float(np.median(depth[y[inside], x[inside]])) if inside.sum() > 3 else None
