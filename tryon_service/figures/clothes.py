"""Garments: how an outfit is cut and drawn on a rig."""

from __future__ import annotations

import numpy as np

from tryon_service.figures.body import (
    FOREARM_PROFILE,
    SHIN_PROFILE,
    THIGH_PROFILE,
    UPPER_ARM_PROFILE,
    Profile,
    Rig,
    beyond,
    darker,
    lighter,
    shoulder_blade,
    trunk_outline,
    tube,
)
from tryon_service.figures.canvas import Canvas, Colour, Frame, Points, Shape, curve
from tryon_service.figures.cloth import Cloth
from tryon_service.figures.outfits import Outfit
from tryon_service.figures.poses import SIDES
from tryon_service.types import Part

_STRAIGHT_SHIN: Profile = ((0.0, 0.051, 0.049), (0.3, 0.052, 0.050), (1.0, 0.044, 0.044))
_HEM = {"t_shirt": 0.555, "long_sleeve": 0.545, "tank_top": 0.530}


def draw_shoe(canvas: Canvas, rig: Rig, side: str, outfit: Outfit) -> None:
    """A shoe seen from the front and a little from above."""
    ankle, toe = rig.point("ankle", side), rig.point("foot_index", side)
    s, sign = rig.scale, SIDES[side]
    along = (toe - ankle) / max(float(np.linalg.norm(toe - ankle)), 1e-3)
    out = sign * np.array([along[1], -along[0]], np.float32)
    front = toe + 0.012 * s * along
    outline = curve(
        [
            ankle - 0.010 * s * along + 0.036 * s * out,
            ankle + 0.45 * (toe - ankle) + 0.045 * s * out,
            front + 0.046 * s * out - 0.020 * s * along,
            front + 0.026 * s * out + 0.008 * s * along,
            front - 0.026 * s * out + 0.008 * s * along,
            front - 0.044 * s * out - 0.022 * s * along,
            ankle + 0.40 * (toe - ankle) - 0.040 * s * out,
            ankle - 0.010 * s * along - 0.036 * s * out,
        ],
        closed=True,
    )
    canvas.paint(canvas.shape([outline]), outfit.shoes, Part.SHOES, depth=0.034 * s, shadow=0.3)
    sole = curve(
        [
            front + (k * 0.046 * out - b * along) * s
            for k, b in ((-1, 0.020), (-0.5, -0.004), (0.5, -0.004), (1, 0.018))
        ],
        closed=False,
    )
    canvas.stroke(sole, lighter(outfit.shoes, 0.55), 0.010 * s, 0.9)
    canvas.stroke(sole - 0.008 * s * along, darker(outfit.shoes, 0.5), 0.0025 * s, 0.7)
    for share in (0.32, 0.48, 0.64):
        centre = ankle + share * (toe - ankle)
        lace = curve([centre - 0.020 * s * out, centre + 0.004 * s * along, centre + 0.020 * s * out], closed=False)
        canvas.stroke(lace, lighter(outfit.shoes, 0.5), 0.005 * s, 0.8)
        canvas.stroke(lace + np.array((0.0, 0.004 * s)), darker(outfit.shoes, 0.5), 0.002 * s, 0.6)


def _trousers(canvas: Canvas, rig: Rig, outfit: Outfit, cloth: Cloth) -> None:
    """Trousers, shorts or leggings: both legs and the hips in one piece."""
    s = rig.scale
    loose = {"trousers": 0.010, "shorts": 0.016, "leggings": 0.002}[outfit.bottom]
    outlines = [trunk_outline(rig, 0.36, 0.55, 0.008), _crotch(rig)]
    hems = []
    for side, sign in SIDES.items():
        hip, knee, ankle = (rig.point(name, side) for name in ("hip", "knee", "ankle"))
        outlines += tube(rig, hip, knee, THIGH_PROFILE, sign, widen=loose)[::2]
        if outfit.bottom == "shorts":
            hems.append((hip, hip + 0.62 * (knee - hip), 0.12))
        else:
            shin = SHIN_PROFILE if outfit.bottom == "leggings" else _STRAIGHT_SHIN
            outlines += tube(rig, knee, ankle, shin, sign, widen=loose)
            hems.append((knee, ankle + np.array((0.0, 0.012 * s)), 0.085))
    shape = canvas.shape(outlines, 0.006 * s)
    for start, end, half in hems:
        shape = shape.without(canvas.shape([beyond(rig, start, end, half)]))
    bump = cloth.folds(rig.frame(), shape, 0.4 if outfit.bottom == "leggings" else 0.9)
    canvas.paint(shape, cloth.weave(shape, outfit.bottom_colour), Part.TROUSERS, depth=0.075 * s, bump=bump)
    _trouser_seams(canvas, rig, outfit)
    for start, end, half in hems:
        _hem(canvas, rig, start, end, half, colour=outfit.bottom_colour)


def _trouser_seams(canvas: Canvas, rig: Rig, outfit: Outfit) -> None:
    s, shade = rig.scale, darker(outfit.bottom_colour, 0.5)
    canvas.stroke(curve([rig.trunk(v, 0.0) for v in (0.45, 0.53, 0.60)], closed=False), shade, 0.004 * s, 0.5)
    for side, sign in SIDES.items():
        pocket = curve([rig.trunk(v, sign * x) for v, x in ((0.45, 0.10), (0.50, 0.14), (0.53, 0.165))], closed=False)
        canvas.stroke(pocket, shade, 0.0035 * s, 0.5)
        groin = curve([rig.trunk(v, sign * x) for v, x in ((0.60, 0.0), (0.565, 0.06), (0.545, 0.10))], closed=False)
        canvas.stroke(groin, shade, 0.006 * s, 0.25)
        if outfit.bottom != "shorts":
            knee = rig.point("knee", side)
            for k in (-0.030, 0.0, 0.032):
                ends = [knee + s * np.array((x, k + y)) for x, y in ((-0.035, 0.0), (0.0, 0.006), (0.030, -0.002))]
                canvas.stroke(curve(ends, closed=False), shade, 0.005 * s, 0.20)


def _hem(canvas: Canvas, rig: Rig, start: Points, end: Points, half: float, *, colour: Colour) -> None:
    """A line of stitches a finger's breadth before the end."""
    along = (end - start) / max(float(np.linalg.norm(end - start)), 1e-3)
    across = half * rig.scale * np.array([along[1], -along[0]], np.float32)
    seam = end - 0.016 * rig.scale * along
    # The line must end where the cloth does: half is generous, so it is shortened to the cloth's usual width.
    line = curve([seam - 0.5 * across, seam + 0.004 * rig.scale * along, seam + 0.5 * across], closed=False)
    canvas.stroke(line, darker(colour, 0.6), 0.0025 * rig.scale, 0.45)


def _crotch(rig: Rig) -> Points:
    return np.stack([rig.trunk(0.50, -0.15), rig.trunk(0.50, 0.15), rig.trunk(0.605, 0.06), rig.trunk(0.605, -0.06)])


def _skirt(canvas: Canvas, rig: Rig, outfit: Outfit, cloth: Cloth) -> None:
    shape = canvas.shape([_skirt_outline(rig, 0.38, 0.012, 1.1)], 0.006 * rig.scale)
    shape = shape.without(_below_knees(canvas, rig))
    bump = cloth.pleats(rig.frame(), shape)
    canvas.paint(shape, cloth.weave(shape, outfit.bottom_colour), Part.SKIRT, depth=0.12 * rig.scale, bump=bump)


def _skirt_edges(rig: Rig, reach: float) -> dict[str, Points]:
    """Each side's edge at a share of the thigh: it hangs from the hips and reaches both legs."""
    edges = {}
    for side, sign in SIDES.items():
        hip, knee = rig.point("hip", side), rig.point("knee", side)
        edges[side] = (hip + reach * (knee - hip) + (sign * 0.100 * rig.scale, 0.0)).astype(np.float32)
    return edges


def _skirt_outline(rig: Rig, top: float, widen: float, reach: float) -> Points:
    """From the waist over the hips down to a share of the thighs."""
    middle, hem = _skirt_edges(rig, 0.4), _skirt_edges(rig, reach)
    edges = []
    for side, sign in SIDES.items():
        waist, hip = rig.trunk(top, sign * (0.145 + widen)), rig.trunk(0.48, sign * (0.172 + widen))
        edges.append(curve([waist, hip, middle[side], hem[side]], closed=False))
    return np.concatenate([edges[0], edges[1][::-1]])


def _below_knees(canvas: Canvas, rig: Rig) -> Shape:
    """What a skirt's hem cuts off."""
    hem, far, s = _skirt_edges(rig, 0.80), _skirt_edges(rig, 1.6), rig.scale
    sag = (hem["left"] + hem["right"]) / 2 + (0, 0.012 * s)
    edge = curve(
        [hem["left"] + (0.1 * s, -0.02 * s), hem["left"], sag, hem["right"], hem["right"] - (0.1 * s, 0.02 * s)],
        closed=False,
    )
    return canvas.shape(
        [np.concatenate([edge, far["right"][None] - (0.1 * s, 0), far["left"][None] + (0.1 * s, 0)]).astype(np.float32)]
    )


def draw_bottom(canvas: Canvas, rig: Rig, outfit: Outfit, cloth: Cloth) -> None:
    """Trousers, shorts, leggings or skirt."""
    (_skirt if outfit.bottom == "skirt" else _trousers)(canvas, rig, outfit, cloth)


def _neckline(canvas: Canvas, rig: Rig, outfit: Outfit) -> tuple[Shape, Points]:
    """The opening cut out of the top, and its rim."""
    deep, wide = {"tank_top": (0.085, 0.085), "dress": (0.075, 0.088)}.get(outfit.top, (0.028, 0.068))
    rim = curve(
        [
            rig.trunk(-0.052, -wide),
            rig.trunk(0.35 * deep, -0.80 * wide),
            rig.trunk(deep, 0.0),
            rig.trunk(0.35 * deep, 0.80 * wide),
            rig.trunk(-0.052, wide),
        ],
        closed=False,
    )
    hole = np.concatenate([rim, rig.trunk(-0.16, 0.12)[None], rig.trunk(-0.16, -0.12)[None]])
    return canvas.shape([hole]), rim


def _armholes(canvas: Canvas, rig: Rig) -> list[Shape]:
    """What a tank top leaves free at the shoulders."""
    holes = []
    for name, sign in SIDES.items():
        edge = [(-0.09, 0.118), (-0.02, 0.120), (0.06, 0.128), (0.125, 0.190), (0.05, 0.28)]
        points = [rig.trunk(v, sign * x) for v, x in edge]
        points.append(rig.trunk(-0.12, sign * 0.26) + 2 * rig.shrug(name))
        holes.append(canvas.shape([curve(points, closed=True)]))
    return holes


def draw_top(canvas: Canvas, rig: Rig, outfit: Outfit, cloth: Cloth) -> None:
    """The trunk's share of the top or dress; sleeves come with the arms."""
    s, dress = rig.scale, outfit.top == "dress"
    hem = _HEM.get(outfit.top, 0.0)
    opening, rim = _neckline(canvas, rig, outfit)
    if dress:
        shape = canvas.shape(
            [trunk_outline(rig, -0.085, 0.42, 0.006), _skirt_outline(rig, 0.36, 0.004, 1.1)], 0.004 * s
        )
        cuts = [opening, _below_knees(canvas, rig)]
    else:
        flare = 0.004 if outfit.top == "tank_top" else 0.010
        shape = canvas.shape([trunk_outline(rig, -0.085, 0.64, 0.006, flare)], 0.004 * s)
        cuts = [opening, canvas.shape([beyond(rig, rig.trunk(0.3, 0.0), rig.trunk(hem, 0.0), 0.35)])]
    if outfit.top == "tank_top":
        cuts += _armholes(canvas, rig)
    for part in cuts:
        shape = shape.without(part)
    frame = rig.frame()
    bump = cloth.folds(frame, shape, 1.0)
    if dress:
        bump = bump + cloth.pleats(frame, shape)
    colour = cloth.printed(frame, shape, outfit.top_colour, outfit.accent, outfit.pattern, chest=True)
    canvas.paint(shape, colour, outfit.top_part, depth=0.12 * s, bump=bump)
    canvas.stroke(rim, darker(outfit.top_colour, 0.94), 0.013 * s, 0.95)
    canvas.stroke(rim, darker(outfit.top_colour, 0.6), 0.0022 * s, 0.35)
    if not dress:
        _hem(canvas, rig, rig.trunk(0.3, 0.0), rig.trunk(hem, 0.0), 0.36, colour=outfit.top_colour)


def draw_sleeve(canvas: Canvas, rig: Rig, side: str, outfit: Outfit, cloth: Cloth) -> None:
    """The sleeve over an arm already drawn; tank tops have none."""
    if outfit.top == "tank_top":
        return
    shoulder, elbow, wrist = (rig.point(name, side) for name in ("shoulder", "elbow", "wrist"))
    s, sign = rig.scale, SIDES[side]
    long = outfit.top == "long_sleeve"
    share = {"t_shirt": 0.60, "dress": 0.42}.get(outfit.top, 0.95)
    loose = 0.008 if long else 0.012
    upper = [(t, a + loose * min(1.0, 0.4 + 2 * t), b + loose * min(1.0, 0.4 + 2 * t)) for t, a, b in UPPER_ARM_PROFILE]
    outlines = tube(rig, shoulder, elbow, upper, sign)
    if long:
        outlines += tube(rig, elbow, wrist, FOREARM_PROFILE, sign, widen=loose)
    start, stop = (elbow, wrist) if long else (shoulder, elbow)
    end = start + share * (stop - start)
    shape = canvas.shape(outlines, 0.004 * s, [shoulder_blade(rig, side)])
    shape = shape.without(canvas.shape([beyond(rig, start, end, 0.10)]))
    frame = Frame.of_limb(shoulder, elbow, wrist, s)
    colour = cloth.printed(frame, shape, outfit.top_colour, outfit.accent, outfit.pattern, chest=False)
    canvas.paint(shape, colour, outfit.top_part, depth=0.048 * s, bump=cloth.folds(frame, shape, 1.0), shadow=0.25)
    _hem(canvas, rig, start, end, 0.07 if long else 0.10, colour=outfit.top_colour)
