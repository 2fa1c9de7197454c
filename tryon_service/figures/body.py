"""The undressed body: its place in the picture, and the outlines of limbs, trunk, hands and feet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tryon_service.figures.canvas import SUPERSAMPLING, Canvas, Colour, Frame, Points, curve, disc
from tryon_service.figures.poses import HEAD_HEIGHT, SHOULDER_HALF, SIDES, FigurePose, landmarks_of
from tryon_service.perception.skeletons import Landmark
from tryon_service.types import Float32Array, Part, Size

Profile = Sequence[tuple[float, float, float]]
"""Rows of (share of the bone's length, metres of half-width on the outer side, on the inner side)."""

UPPER_ARM_PROFILE: Profile = (
    (0.0, 0.036, 0.042),
    (0.12, 0.043, 0.046),
    (0.25, 0.047, 0.048),
    (0.5, 0.044, 0.044),
    (0.8, 0.037, 0.038),
    (1.0, 0.036, 0.036),
)
FOREARM_PROFILE: Profile = (
    (0.0, 0.036, 0.036),
    (0.25, 0.041, 0.038),
    (0.6, 0.034, 0.032),
    (0.9, 0.0255, 0.025),
    (1.0, 0.025, 0.0245),
)
THIGH_PROFILE: Profile = (
    (0.0, 0.076, 0.074),
    (0.2, 0.079, 0.076),
    (0.6, 0.066, 0.062),
    (0.9, 0.052, 0.051),
    (1.0, 0.051, 0.049),
)
SHIN_PROFILE: Profile = (
    (0.0, 0.051, 0.049),
    (0.1, 0.049, 0.047),
    (0.3, 0.055, 0.053),
    (0.5, 0.048, 0.047),
    (0.8, 0.033, 0.033),
    (1.0, 0.034, 0.035),
)
TRUNK_PROFILE = (
    (-0.115, 0.052),
    (-0.085, 0.054),
    (-0.067, 0.074),
    (-0.054, 0.118),
    (-0.042, 0.156),
    (-0.020, 0.178),
    (0.030, 0.187),
    (0.090, 0.178),
    (0.170, 0.163),
    (0.270, 0.143),
    (0.330, 0.139),
    (0.400, 0.154),
    (0.480, 0.174),
    (0.540, 0.178),
)
"""(metres below the shoulders' middle, half-width in metres)."""


@dataclass(frozen=True)
class Rig:
    """A pose placed in the picture.

    points: 33 x 2 float32 in canvas pixels; depth: 33 float32 metres away from the camera; scale: canvas pixels per
    metre; world: 33 x 3 float32 metres.
    """

    pose: FigurePose
    points: Float32Array
    world: Float32Array
    scale: float

    @property
    def broadness(self) -> float:
        """How much of the trunk's width a turn leaves; its depth is about 0.6 of its width."""
        turn = np.radians(self.pose.turn)
        return float(np.hypot(np.cos(turn), 0.6 * np.sin(turn)))

    def point(self, name: str, side: str) -> Points:
        """A joint in canvas pixels, e.g. point("elbow", "left")."""
        joint: Points = self.points[Landmark[f"{side}_{name}".upper()]]
        return joint

    def middle(self, name: str) -> Points:
        """Half-way between the left and the right joint."""
        return (self.point(name, "left") + self.point(name, "right")) / 2

    def trunk(self, below: float, across: float) -> Points:
        """The trunk's point so many metres below the shoulders and to the picture's right of the spine."""
        top, bottom = self.middle("shoulder"), self.middle("hip")
        length = float(np.linalg.norm(bottom - top)) / self.scale
        share = float(np.clip(below / length, 0, 1))
        direction = (1 - share) * self._line("shoulder") + share * self._line("hip")
        spine = (bottom - top) / (length * self.scale)
        return top + self.scale * (below * spine + across * self.broadness * direction / np.linalg.norm(direction))

    def _line(self, joint: str) -> Points:
        step = self.point(joint, "left") - self.point(joint, "right")
        return step / max(float(np.linalg.norm(step)), 1e-3)

    def shrug(self, side: str) -> Points:
        """Canvas pixels by which the shoulder has moved from its place at rest."""
        return self.point("shoulder", side) - self.trunk(0.0, SIDES[side] * SHOULDER_HALF)

    def frame(self) -> Frame:
        """Surface coordinates of the trunk: v from the shoulders down."""
        return Frame.of_bone(self.middle("shoulder"), self.middle("hip"), self.scale)


def place(pose: FigurePose, size: Size) -> Rig:
    """Fit the posed figure into a picture of (width, height) pixels, feet near the lower edge."""
    world = landmarks_of(pose)
    crown = world[Landmark.NOSE, 1] - HEAD_HEIGHT + 0.05
    low, high = world[:, :2].min(0) - np.array((0.12, 0.10)), world[:, :2].max(0) + np.array((0.12, 0.03))
    low[1] = min(low[1], crown - 0.02)
    width, height = size
    scale = min(0.93 * width / (high[0] - low[0]), 0.93 * height / max(high[1] - low[1], 1.74))
    offset = np.array([width / 2 - scale * (low[0] + high[0]) / 2, 0.965 * height - scale * high[1]])
    points = (world[:, :2] * scale + offset) * SUPERSAMPLING + (SUPERSAMPLING - 1) / 2
    return Rig(pose, points.astype(np.float32), world, float(scale * SUPERSAMPLING))


def tube(rig: Rig, start: Points, end: Points, profile: Profile, side: int, *, widen: float = 0.0) -> list[Points]:
    """Outlines of a tapered limb with round ends. widen: metres added all round, for cloth."""
    along = (end - start) / max(float(np.linalg.norm(end - start)), 1e-3)
    outward = side * np.array([along[1], -along[0]], np.float32)
    rows = curve(profile, closed=False, steps=6)
    axis = start + rows[:, :1] * (end - start)
    outer = axis + rig.scale * (rows[:, 1:2] + widen) * outward
    inner = axis - rig.scale * (rows[:, 2:3] + widen) * outward
    ends = []
    for share, point in ((0, start), (-1, end)):
        wide, narrow = profile[share][1] + widen, profile[share][2] + widen
        ends.append(disc(point + rig.scale * (wide - narrow) / 2 * outward, rig.scale * (wide + narrow) / 2))
    return [np.concatenate([outer, inner[::-1]]), *ends]


def beyond(rig: Rig, start: Points, end: Points, half: float) -> Points:
    """What a hem cuts off: everything past `end`, up to so many metres to each side, with a slightly bowed edge."""
    along = (end - start) / max(float(np.linalg.norm(end - start)), 1e-3)
    across = half * rig.scale * np.array([along[1], -along[0]], np.float32)
    hem = curve([end - across, end + 0.006 * rig.scale * along, end + across], closed=False)
    far = 0.4 * rig.scale * along
    return np.concatenate([hem, [end + across + far, end - across + far]]).astype(np.float32)


def trunk_outline(rig: Rig, top: float, bottom: float, widen: float = 0.0, flare: float = 0.0) -> Points:
    """The trunk between two heights (metres below the shoulders). flare: metres added at the bottom."""
    table = np.asarray(TRUNK_PROFILE)
    heights = [top, *(v for v in table[:, 0] if top < v < bottom), bottom]
    edges: dict[str, list[Points]] = {name: [] for name in SIDES}
    for v in heights:
        half = float(np.interp(v, table[:, 0], table[:, 1])) + widen + flare * max(0.0, (v - 0.3) / 0.25)
        follow = float(np.interp(v, (-0.07, -0.04, 0.05, 0.15), (0, 1, 1, 0)))
        for name, side in SIDES.items():
            edges[name].append(rig.trunk(float(v), side * half) + follow * rig.shrug(name))
    return np.concatenate(
        [curve(edges["left"], closed=False, steps=5), curve(edges["right"], closed=False, steps=5)[::-1]]
    )


def draw_trunk(canvas: Canvas, rig: Rig, skin: Colour) -> None:
    """Neck, shoulders and trunk."""
    shape = canvas.shape([trunk_outline(rig, -0.115, 0.54)], 0.008 * rig.scale)
    canvas.paint(shape, skin, Part.TORSO_SKIN, depth=0.11 * rig.scale, warmth=0.7)
    collarbone = curve([rig.trunk(0.004, -0.11), rig.trunk(0.016, -0.06), rig.trunk(0.024, -0.02)], closed=False)
    twin = curve([rig.trunk(0.004, 0.11), rig.trunk(0.016, 0.06), rig.trunk(0.024, 0.02)], closed=False)
    shade = darker(skin, 0.72)
    for line in (collarbone, twin):
        canvas.stroke(line, shade, 0.005 * rig.scale, 0.35)


def draw_leg(canvas: Canvas, rig: Rig, side: str, skin: Colour) -> None:
    """A bare leg down to the ankle."""
    hip, knee, ankle = (rig.point(name, side) for name in ("hip", "knee", "ankle"))
    sign = SIDES[side]
    outlines = tube(rig, hip, knee, THIGH_PROFILE, sign)[::2] + tube(rig, knee, ankle, SHIN_PROFILE, sign)
    part = Part.LEFT_LEG if side == "left" else Part.RIGHT_LEG
    shape = canvas.shape(outlines, 0.008 * rig.scale)
    canvas.paint(shape, skin, part, depth=0.055 * rig.scale, warmth=0.7)
    cap = disc(knee, 0.026 * rig.scale)
    canvas.blend([cap], lighter(skin, 0.3), 0.25, 0.010 * rig.scale)
    below = disc(knee + np.array((0.0, 0.040 * rig.scale)), 0.020 * rig.scale)
    canvas.blend([below], darker(skin, 0.7), 0.28, 0.010 * rig.scale)


def shoulder_blade(rig: Rig, side: str) -> Points:
    """Where an arm's volume runs on into the trunk, from the shoulder's top inwards."""
    inwards = rig.middle("shoulder") - rig.point("shoulder", side)
    return disc(rig.point("shoulder", side) + 0.34 * inwards - np.array((0.0, 0.012 * rig.scale)), 0.060 * rig.scale)


def draw_arm(canvas: Canvas, rig: Rig, side: str, skin: Colour) -> None:
    """A bare arm with its hand."""
    shoulder, elbow, wrist = (rig.point(name, side) for name in ("shoulder", "elbow", "wrist"))
    sign = SIDES[side]
    part = Part.LEFT_ARM if side == "left" else Part.RIGHT_ARM
    outlines = tube(rig, shoulder, elbow, UPPER_ARM_PROFILE, sign) + tube(rig, elbow, wrist, FOREARM_PROFILE, sign)
    hand, gaps = _hand(rig, side)
    shape = canvas.shape(outlines + hand, 0.0012 * rig.scale, [shoulder_blade(rig, side)])
    canvas.paint(shape, skin, part, depth=0.036 * rig.scale, warmth=0.7, shadow=0.3)
    for gap in gaps:
        canvas.stroke(gap, darker(skin, 0.55), 0.0025 * rig.scale, 0.55)
    canvas.blend([disc(elbow, 0.015 * rig.scale)], darker(skin, 0.75), 0.22, 0.008 * rig.scale)


def _hand(rig: Rig, side: str) -> tuple[list[Points], list[Points]]:
    """Outlines of palm and fingers, and the lines between the fingers."""
    wrist, index, pinky, thumb = (rig.point(name, side) for name in ("wrist", "index", "pinky", "thumb"))
    s = rig.scale
    knuckles = (index - pinky) * 1.30
    across = knuckles / max(float(np.linalg.norm(knuckles)), 1e-3)
    centre = (index + pinky) / 2
    along = centre - wrist
    along = along / max(float(np.linalg.norm(along)), 1e-3)
    palm = curve(
        [
            wrist - 0.024 * s * across,
            wrist + 0.45 * (centre - wrist) - 0.034 * s * across,
            centre - 0.031 * s * across,
            centre + 0.031 * s * across,
            wrist + 0.5 * (centre - wrist) + 0.034 * s * across,
            wrist + 0.024 * s * across,
        ],
        closed=True,
    )
    outlines, gaps = [palm], []
    for share, length, spread in (
        (-0.78, 0.058, -0.10),
        (-0.26, 0.073, -0.03),
        (0.27, 0.078, 0.03),
        (0.79, 0.070, 0.09),
    ):
        base = centre + share * 0.030 * s * across - 0.012 * s * along
        tip = base + length * s * (along + spread * across)
        outlines += tube(rig, base, tip, ((0.0, 0.0088, 0.0088), (0.6, 0.0082, 0.0082), (1.0, 0.0064, 0.0064)), 1)
        gap = np.stack([base + 0.010 * s * along + 0.0085 * s * across, base + 0.040 * s * along + 0.0092 * s * across])
        gaps.append(gap.astype(np.float32))
    root = wrist + 0.25 * (centre - wrist) + 0.018 * s * across
    tip = thumb + 0.35 * (thumb - root)
    outlines += tube(rig, root, tip, ((0.0, 0.014, 0.014), (0.6, 0.0105, 0.0105), (1.0, 0.0078, 0.0078)), 1)
    return outlines, gaps[:-1]


def darker(colour: Colour, share: float) -> Colour:
    """A shade, reddish as shades of skin are."""
    r, g, b = colour
    return int(r * min(1.0, share * 1.08)), int(g * share), int(b * share)


def lighter(colour: Colour, share: float) -> Colour:
    """A tint: so much of the way to white."""
    r, g, b = (int(c + share * (255 - c)) for c in colour)
    return r, g, b
