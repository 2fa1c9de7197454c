"""Head, face and hair, drawn in metres (x to the picture's right, up from the chin) in the head's own frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tryon_service.figures.body import Rig, darker, lighter
from tryon_service.figures.canvas import Canvas, Colour, Frame, Points, curve, disc
from tryon_service.figures.cloth import Cloth
from tryon_service.figures.outfits import Outfit
from tryon_service.figures.poses import FACE_POINTS
from tryon_service.perception.skeletons import Landmark
from tryon_service.types import Part

Outline = Sequence[tuple[float, float]]

_FACE_HALF: Outline = (
    (0.0, 0.0), (0.022, 0.003), (0.043, 0.020), (0.058, 0.048), (0.067, 0.080), (0.071, 0.115), (0.071, 0.150),
    (0.064, 0.190), (0.042, 0.222), (0.0, 0.232),
)  # fmt: skip
_SIDE_HALF: Outline = ((0.074, 0.075), (0.083, 0.120), (0.085, 0.165), (0.075, 0.212), (0.044, 0.240))
_CAP: Outline = (
    (-0.0745, 0.098), (-0.082, 0.130), (-0.083, 0.165), (-0.074, 0.212), (-0.044, 0.240), (0.0, 0.250),
    (0.044, 0.240), (0.074, 0.212), (0.083, 0.165), (0.082, 0.130), (0.0745, 0.098), (0.070, 0.125), (0.066, 0.156),
    (0.048, 0.178), (0.020, 0.190), (-0.022, 0.186), (-0.050, 0.172), (-0.067, 0.150), (-0.070, 0.125),
)  # fmt: skip
_CURTAIN: Outline = (
    (-0.086, 0.080), (-0.092, 0.130), (-0.090, 0.175), (-0.076, 0.218), (-0.044, 0.244), (0.0, 0.253),
    (0.044, 0.244), (0.076, 0.218), (0.090, 0.175), (0.092, 0.130), (0.086, 0.080), (0.066, 0.084), (0.069, 0.120),
    (0.058, 0.162), (0.012, 0.206), (-0.036, 0.188), (-0.062, 0.158), (-0.069, 0.120), (-0.066, 0.084),
)  # fmt: skip


@dataclass(frozen=True)
class HeadFrame:
    """Maps (x, up) in metres on the face to canvas pixels, following the head's tilt and the body's turn."""

    chin: Points
    right: Points
    up: Points
    scale: float
    turn: float

    @classmethod
    def of(cls, rig: Rig) -> HeadFrame:
        eyes = (rig.point("eye", "left") + rig.point("eye", "right")) / 2
        mouth = (rig.points[Landmark.MOUTH_LEFT] + rig.points[Landmark.MOUTH_RIGHT]) / 2
        up = (eyes - mouth) / max(float(np.linalg.norm(eyes - mouth)), 1e-3)
        right = np.array([-up[1], up[0]], np.float32)
        turn = float(np.radians(rig.pose.turn))
        ears = (rig.point("ear", "left") + rig.point("ear", "right")) / 2
        chin = ears - rig.scale * FACE_POINTS[Landmark.LEFT_EAR][1] * up
        return cls(chin, right, up, rig.scale, turn)

    def at(self, x: float, up: float, forward: float = 0.0) -> Points:
        """forward: metres the point lies in front of the plane through the ears."""
        across = x * np.cos(self.turn) + forward * np.sin(self.turn)
        return np.asarray(self.chin + self.scale * (across * self.right + up * self.up), np.float32)

    def surface(self, x: float, up: float) -> Points:
        """A point on the front of the face, which lies up to 9 cm in front of the ears."""
        return self.at(x, up, 0.09 * float(np.sqrt(max(0.0, 1 - (x / 0.085) ** 2))))

    def outline(self, half: Outline) -> Points:
        """A closed curve from its left half, top and bottom points on the middle line."""
        mirror = [(-x, up) for x, up in reversed(half) if x > 0]
        return curve([self.at(x, up) for x, up in (*half, *mirror)], closed=True)

    def closed(self, points: Outline) -> Points:
        return curve([self.surface(x, up) for x, up in points], closed=True)

    def line(self, points: Outline) -> Points:
        return curve([self.surface(x, up) for x, up in points], closed=False)


def draw_hair_behind(canvas: Canvas, rig: Rig, outfit: Outfit, cloth: Cloth) -> None:
    """What hangs behind neck and shoulders, or stands above the crown."""
    head = HeadFrame.of(rig)
    if outfit.hair_style == "short":
        return
    if outfit.hair_style == "bun":
        outline = disc(head.at(0.0, 0.262), 0.042 * rig.scale)
    else:
        length = -0.015 if outfit.hair_style == "bob" else -0.150
        flare = 0.098 if outfit.hair_style == "bob" else 0.112
        half = (
            (0.0, length),
            (0.06, length + 0.004),
            (flare, length + 0.03),
            (0.100, 0.06),
            *_SIDE_HALF[1:],
            (0.0, 0.250),
        )
        outline = head.outline(half)
    _paint_hair(canvas, head, [outline], outfit, cloth)


def _paint_hair(canvas: Canvas, head: HeadFrame, outlines: list[Points], outfit: Outfit, cloth: Cloth) -> None:
    shape = canvas.shape(outlines, 0.003 * head.scale)
    frame = Frame(head.chin, -head.up, head.scale)
    strands = cloth.strands(frame, shape)
    colour = np.asarray(outfit.hair, np.float32) * (1 + 0.30 * strands[:, :, None]) + 6 * strands[:, :, None]
    canvas.paint(shape, colour, Part.HAIR, depth=0.045 * head.scale, shadow=0.35)


def draw_head(canvas: Canvas, rig: Rig, outfit: Outfit, cloth: Cloth) -> None:
    """Head, face and the hair in front."""
    head, s, skin = HeadFrame.of(rig), rig.scale, outfit.skin
    for sign in (-1, 1):
        ear = curve(
            [
                head.at(sign * x, up)
                for x, up in ((0.066, 0.075), (0.078, 0.080), (0.084, 0.108), (0.080, 0.124), (0.068, 0.120))
            ],
            closed=True,
        )
        canvas.paint(canvas.shape([ear]), skin, Part.FACE, depth=0.010 * s, warmth=0.9, shadow=0.2)
        inner = curve(
            [head.at(sign * x, up) for x, up in ((0.073, 0.085), (0.079, 0.106), (0.074, 0.117))], closed=False
        )
        canvas.stroke(inner, darker(skin, 0.65), 0.004 * s, 0.5)
    canvas.paint(canvas.shape([head.outline(_FACE_HALF)]), skin, Part.FACE, depth=0.072 * s, warmth=0.7, shadow=0.65)
    _draw_shading(canvas, head, skin)
    for sign in (-1, 1):
        _draw_eye(canvas, head, sign, outfit)
    _draw_nose(canvas, head, skin)
    _draw_mouth(canvas, head, skin)
    curtain = outfit.hair_style in ("bob", "long")
    points = _CURTAIN if curtain else _CAP
    cap = curve([head.at(x, up, 0.03) for x, up in points], closed=True)
    _paint_hair(canvas, head, [cap], outfit, cloth)


def _draw_shading(canvas: Canvas, head: HeadFrame, skin: Colour) -> None:
    """Eye sockets, cheeks, forehead light and the shade below the lip."""
    s = head.scale
    for sign in (-1, 1):
        socket = head.closed(
            [
                (sign * x, up)
                for x, up in (
                    (0.012, 0.116),
                    (0.022, 0.130),
                    (0.048, 0.130),
                    (0.056, 0.114),
                    (0.040, 0.103),
                    (0.020, 0.104),
                )
            ]
        )
        canvas.blend([socket], darker(skin, 0.70), 0.42, 0.006 * s)
        canvas.blend([disc(head.surface(sign * 0.042, 0.076), 0.014 * s)], _blush(skin), 0.40, 0.009 * s)
        canvas.blend([disc(head.surface(sign * 0.040, 0.088), 0.009 * s)], lighter(skin, 0.5), 0.28, 0.006 * s)
        hollow = head.closed(
            [(sign * x, up) for x, up in ((0.050, 0.030), (0.062, 0.060), (0.060, 0.074), (0.046, 0.050))]
        )
        canvas.blend([hollow], darker(skin, 0.65), 0.25, 0.007 * s)
    canvas.blend([disc(head.surface(-0.008, 0.160), 0.022 * s)], lighter(skin, 0.5), 0.25, 0.014 * s)
    canvas.blend([disc(head.surface(0.0, 0.028), 0.010 * s)], darker(skin, 0.62), 0.40, 0.005 * s)
    canvas.blend([disc(head.surface(0.0, 0.013), 0.009 * s)], lighter(skin, 0.4), 0.25, 0.005 * s)


def _blush(skin: Colour) -> Colour:
    r, g, b = skin
    return min(255, int(r * 1.02)), int(g * 0.80), int(b * 0.80)


def _draw_eye(canvas: Canvas, head: HeadFrame, sign: int, outfit: Outfit) -> None:
    s = head.scale

    def own(points: Outline) -> Outline:
        return [(sign * x, up) for x, up in points]

    white = head.closed(
        own(
            (
                (0.0185, 0.1125),
                (0.024, 0.1175),
                (0.033, 0.1200),
                (0.042, 0.1180),
                (0.0475, 0.1140),
                (0.041, 0.1090),
                (0.032, 0.1075),
                (0.024, 0.1090),
            )
        )
    )
    canvas.blend([white], (238, 232, 228))
    iris = head.surface(sign * 0.033, 0.1142)
    canvas.blend([disc(iris, 0.0066 * s)], (84, 58, 40))
    canvas.blend([disc(iris, 0.0032 * s)], (16, 12, 12))
    canvas.blend([disc(iris - s * np.array((0.002, 0.0022)), 0.0015 * s)], (255, 255, 255), 0.95)
    lid = head.line(own(((0.0175, 0.1120), (0.024, 0.1182), (0.033, 0.1208), (0.042, 0.1188), (0.0495, 0.1140))))
    canvas.stroke(lid, (34, 24, 22), 0.0038 * s, 0.95)
    crease = head.line(own(((0.020, 0.1200), (0.032, 0.1260), (0.047, 0.1205))))
    canvas.stroke(crease, darker(outfit.skin, 0.55), 0.0022 * s, 0.6)
    lower = head.line(own(((0.021, 0.1100), (0.032, 0.1068), (0.044, 0.1100))))
    canvas.stroke(lower, darker(outfit.skin, 0.55), 0.0020 * s, 0.6)
    brow = head.closed(
        own(
            (
                (0.0135, 0.1320),
                (0.024, 0.1380),
                (0.042, 0.1400),
                (0.056, 0.1310),
                (0.042, 0.1360),
                (0.024, 0.1335),
                (0.0140, 0.1280),
            )
        )
    )
    canvas.blend([brow], darker(outfit.hair, 0.75), 0.85, 0.0010 * s)


def _draw_nose(canvas: Canvas, head: HeadFrame, skin: Colour) -> None:
    s = head.scale
    canvas.blend(
        [head.closed([(0.006, 0.118), (0.013, 0.100), (0.016, 0.078), (0.008, 0.080), (0.005, 0.100)])],
        darker(skin, 0.62),
        0.42,
        0.004 * s,
    )
    canvas.blend(
        [head.closed([(-0.006, 0.118), (-0.010, 0.100), (-0.014, 0.080), (-0.008, 0.084)])],
        darker(skin, 0.75),
        0.25,
        0.004 * s,
    )
    ridge = np.stack([head.at(0.0, 0.116, 0.094), head.at(-0.001, 0.098, 0.104), head.at(-0.001, 0.082, 0.114)])
    canvas.stroke(curve(ridge, closed=False), lighter(skin, 0.6), 0.006 * s, 0.30)
    canvas.blend([disc(head.at(-0.002, 0.080, 0.115), 0.006 * s)], lighter(skin, 0.6), 0.45, 0.003 * s)
    base = head.closed(
        [
            (-0.017, 0.073),
            (-0.008, 0.068),
            (0.0, 0.066),
            (0.008, 0.068),
            (0.018, 0.073),
            (0.008, 0.0625),
            (-0.008, 0.0625),
        ]
    )
    canvas.blend([base], darker(skin, 0.50), 0.60, 0.0025 * s)
    for sign in (-1, 1):
        nostril = head.closed(
            [(sign * x, up) for x, up in ((0.004, 0.0690), (0.008, 0.0715), (0.0115, 0.0690), (0.008, 0.0675))]
        )
        canvas.blend([nostril], darker(skin, 0.28), 0.85, 0.0008 * s)
        wing = head.line([(sign * x, up) for x, up in ((0.013, 0.082), (0.0175, 0.075), (0.0145, 0.0685))])
        canvas.stroke(wing, darker(skin, 0.58), 0.0028 * s, 0.55)


def _draw_mouth(canvas: Canvas, head: HeadFrame, skin: Colour) -> None:
    s = head.scale
    r, g, b = skin
    lips: Colour = (int(0.84 * r + 12), int(0.56 * g + 6), int(0.58 * b + 6))
    upper = head.closed(
        [
            (-0.026, 0.0455),
            (-0.010, 0.0515),
            (0.0, 0.0500),
            (0.010, 0.0515),
            (0.026, 0.0455),
            (0.010, 0.0440),
            (-0.010, 0.0440),
        ]
    )
    lower = head.closed(
        [
            (-0.025, 0.0450),
            (-0.010, 0.0440),
            (0.010, 0.0440),
            (0.025, 0.0450),
            (0.012, 0.0365),
            (0.0, 0.0348),
            (-0.012, 0.0365),
        ]
    )
    canvas.blend([upper], darker(lips, 0.84), 0.9, 0.0008 * s)
    canvas.blend([lower], lips, 0.9, 0.0008 * s)
    canvas.blend([disc(head.surface(-0.003, 0.0400), 0.0040 * s)], lighter(lips, 0.5), 0.4, 0.0025 * s)
    parting = head.line([(-0.027, 0.0462), (-0.012, 0.0442), (0.0, 0.0448), (0.012, 0.0442), (0.027, 0.0462)])
    canvas.stroke(parting, darker(lips, 0.42), 0.0024 * s, 0.85)
