"""A Person taken apart: trunk (torso, head, hair and what hangs from the hips), two arms, two legs, and the background.

Each layer carries its hidden part completed: the torso behind an arm, the thigh under a hem, the leg behind the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from tryon_service.appearance.limbs import LimbField, fields_for, main_piece, own_arms, own_legs, without_specks
from tryon_service.imaging.complete import complete_background, mirror_fill, nearest_known
from tryon_service.perception.foreground import decontaminate
from tryon_service.perception.skeletons import LIMBS, Landmark
from tryon_service.retarget.rig import ARMS, LEGS, build_rig, joint, middle
from tryon_service.types import Appearance, BoolArray, Float32Array, Keypoints, Layer, Part, Person, UInt8Array

TRUNK = "trunk"
LOWER = (Part.TROUSERS, Part.LEFT_LEG, Part.RIGHT_LEG, Part.SHOES)
HANGING = (Part.SKIRT, Part.DRESS)
CUT_MARGIN = 0.12
"""How far a body cut off by the photo's edge is continued, as a share of the photo's longer side."""
FAINT = 0.004
"""Alpha below which nothing shows."""
BORDER = 16
"""Pixels around a cut-out that are worked on with it."""
SEAM = 0.8
"""Softness of the cuts between layers, sigma in pixels."""
RIM = 0.012
"""How far the trunk is continued behind an arm that hangs at its side, and a leg behind the other; torso lengths."""
SHARED = 0.72
"""Along an arm's curve: up to here, just inside the shoulder, trunk and arm show the same pixels."""
TENDRIL = 0.015
"""Strips thinner than twice this beside an arm are leftovers, torso lengths."""
CROSSING = 1.5
"""Along an arm's curve: from here on, past the middle of the upper arm, it may cross in front of the torso."""
FOREARM = 2.4
"""Along an arm's curve: from here on it may hold something."""
SPECK = 0.004
"""Loose pieces of trunk and legs below this are leftovers of the split, in squared torso lengths."""
SMOOTH = 0.02
"""Sigma that rounds the outline of hidden parts, torso lengths."""
STAIN = 0.025
"""How far beside an arm its colours may have spread, by shadow or a cut a little off, torso lengths."""
FOLD = 0.05
"""Width of the band of texture that is continued into hidden parts, torso lengths."""


def decompose(person: Person) -> Appearance:
    """Take the product person apart. Depends on the product photo only: compute once and keep."""
    cut = _Cut.of(person)
    parts = _take_apart(cut, visible_limbs(person.keypoints, person.matte.shape))
    margin = _margin(person)
    layers = {name: _layer(name, cut, part, person.matte.shape, margin) for name, part in parts.items()}
    for name, layer in layers.items():
        whole = name in ARMS and _hand_inside(person, name)  # its mirror image would be a second hand
        layers[name] = _ending_at_the_edge(layer, margin, (True,) * 4 if whole else _uncut(person))
    background = complete_background(person.photo.rgb, _hole(person.matte))
    return Appearance(person, layers, _padded(person.parsing, margin), margin, background)


def _take_apart(cut: _Cut, shown: frozenset[str]) -> dict[str, _Pieces]:
    """For every layer the pixels it shows and the pixels it has behind others, back to front. shown: limbs to cut
    out."""
    rig = build_rig(cut.keypoints)
    arms = fields_for(rig, cut.keypoints, cut.matte, cut.torso, [n for n in ARMS if n in shown])
    owners = own_arms(cut.rgb, cut.matte, cut.parsing, arms, cut.torso)
    owners = _with_things_in_hand(owners, arms, cut)
    armless = np.where(_union(owners, cut.matte.shape), np.float32(0), cut.matte)
    legs = fields_for(rig, cut.keypoints, armless, cut.torso, [n for n in LEGS if n in shown])
    owners = _owners(cut, owners, legs)
    hidden = _hidden_parts(cut, owners, arms | legs)
    arm_pixels = _union({n: owners[n] for n in arms}, cut.matte.shape)
    shoulders = _union({n: owners[n] & (f.t < SHARED) for n, f in arms.items()}, cut.matte.shape)
    slivers = _widened(arm_pixels, 1)
    stained = _widened(arm_pixels, round(STAIN * cut.torso))
    out = {}
    for name, owned in owners.items():
        own = owned if name in ARMS else owned & ~slivers
        own = own | shoulders if name == TRUNK else own
        sure = own & (cut.matte > 0.5) if name in ARMS else own & (cut.matte > 0.5) & ~stained
        behind = hidden[name] | (owned & ~own)
        body = without_specks(own | behind, SPECK * cut.torso**2)
        out[name] = _Pieces(own & body, behind & body, sure & body)
    return out


def _with_things_in_hand(
    owners: dict[str, BoolArray], arms: Mapping[str, LimbField], cut: _Cut
) -> dict[str, BoolArray]:
    """What a hand holds goes with the hand: accessories that touch the lower part of a forearm."""
    things = (cut.parsing == Part.ACCESSORIES) & (cut.matte > 0.5) & ~_union(owners, cut.matte.shape)
    _, labels = cv2.connectedComponents(things.astype(np.uint8), connectivity=8)
    out = {}
    for name, mask in owners.items():
        held = np.unique(labels[_widened(mask & (arms[name].t > FOREARM), 3) & things])
        out[name] = mask | (np.isin(labels, held) & things)
        things = things & ~out[name]
    return out


def _widened(mask: BoolArray, pixels: int) -> BoolArray:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disc) > 0)


def _hole(matte: Float32Array) -> BoolArray:
    """What to take out of the photo: the person, and a rim for the wisps and shadows that the matte misses."""
    size = 2 * max(2, round(0.010 * max(matte.shape))) + 1
    return cv2.dilate((matte > 0.02).astype(np.uint8), np.ones((size, size), np.uint8)).astype(bool)


def torso_length(keypoints: Keypoints) -> float:
    """Pixels from the hips' middle to the shoulders' middle, never below half the shoulders' width."""
    hips = middle(keypoints, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
    neck = middle(keypoints, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER)
    width = joint(keypoints, Landmark.LEFT_SHOULDER) - joint(keypoints, Landmark.RIGHT_SHOULDER)
    return float(max(np.hypot(*(neck - hips)), np.hypot(*width) / 2, 4.0))


def visible_limbs(keypoints: Keypoints, shape: tuple[int, ...]) -> frozenset[str]:
    """Arms and legs of which the photo shows something: the bone next to the trunk reaches into the frame."""
    out = set()
    for name, bone in (
        ("left_arm", LIMBS["left_upper_arm"]),
        ("right_arm", LIMBS["right_upper_arm"]),
        ("left_leg", LIMBS["left_thigh"]),
        ("right_leg", LIMBS["right_thigh"]),
    ):
        start, end = (joint(keypoints, b) for b in bone)
        reached = start + 0.5 * (end - start)
        if (reached >= 0).all() and reached[0] < shape[1] and reached[1] < shape[0]:
            out.add(name)
    return frozenset(out)


@dataclass(frozen=True)
class _Cut:
    """The person being taken apart, cut to the window of the photo that it fills: all the work is done there.

    rgb: colours without the background's share; torso: its length in pixels; window: rows and columns of the photo.
    """

    rgb: UInt8Array
    matte: Float32Array
    parsing: UInt8Array
    keypoints: Keypoints
    torso: float
    window: tuple[slice, slice]

    @classmethod
    def of(cls, person: Person) -> _Cut:
        window = _window(person.matte > FAINT, BORDER)
        rgb, matte = person.photo.rgb[window], person.matte[window]
        moved = person.keypoints.moved(1.0, (-(window[1].start or 0), -(window[0].start or 0)))
        torso = torso_length(person.keypoints)
        return cls(decontaminate(rgb, matte), matte, person.parsing[window], moved, torso, window)


@dataclass(frozen=True)
class _Pieces:
    """A layer's share of the person, H x W bool each: what it shows, what it has behind other layers, and which of the
    shown pixels are surely its own, for the hidden ones to be completed from."""

    shown: BoolArray
    hidden: BoolArray
    sure: BoolArray


def _margin(person: Person) -> int:
    height, width = person.matte.shape
    return 0 if all(_uncut(person)) else min(round(CUT_MARGIN * max(height, width)), min(height, width) - 1)


def _padded(array: np.ndarray, margin: int) -> np.ndarray:
    """The array continued outwards by mirroring: where the photo's edge cuts the body, the body goes on."""
    return cv2.copyMakeBorder(array, margin, margin, margin, margin, cv2.BORDER_REFLECT_101) if margin else array


def _hand_inside(person: Person, arm: str) -> bool:
    height, width = person.matte.shape
    x, y = joint(person.keypoints, Landmark[f"{arm.split('_', maxsplit=1)[0].upper()}_WRIST"])
    return bool(0 <= x < width and 0 <= y < height)


def _ending_at_the_edge(layer: Layer, margin: int, sides: Sequence[bool]) -> Layer:
    """The layer without its mirror image beyond the given sides (left, top, right, bottom) of the photo."""
    left, top, right, bottom = (margin if ends else 0 for ends in sides)
    height, width = layer.alpha.shape
    kept = np.s_[top : height - bottom, left : width - right]
    alpha = np.zeros_like(layer.alpha)
    alpha[kept] = layer.alpha[kept]
    return replace(layer, alpha=alpha)


def _uncut(person: Person) -> tuple[bool, bool, bool, bool]:
    """Whether the person ends inside the photo on the left, top, right, bottom."""
    left, top, right, bottom = person.box
    height, width = person.matte.shape
    return left > 1, top > 1, right < width - 1, bottom < height - 1


def _union(masks: Mapping[str, BoolArray], shape: tuple[int, ...]) -> BoolArray:
    out = np.zeros(shape, bool)
    for mask in masks.values():
        out |= mask
    return out


def _owners(cut: _Cut, arms: dict[str, BoolArray], legs: dict[str, LimbField]) -> dict[str, BoolArray]:
    """Which layer shows at each pixel; together they cover the person and the soft rim around it, without overlap."""
    person = cut.matte > 0.5
    taken = _union(arms, person.shape)
    lower = _legwear(cut, person & ~taken)
    split = own_legs(cut.rgb, lower, legs)
    taken |= _union(split, person.shape)
    owners = {**split, TRUNK: person & ~taken, **arms}
    _give_tendrils_to_sleeves(owners, arms, cut)
    if not person.any():
        return owners
    rows, cols = nearest_known(person)
    return {name: mask[rows, cols] & (cut.matte > FAINT) for name, mask in owners.items()}


def _legwear(cut: _Cut, body: BoolArray) -> BoolArray:
    """What moves with the legs. Below the hips a person wears trousers or something that hangs round both legs, hardly
    ever both, so where the parsing sees patches of each, the larger one decides."""
    hips = joint(cut.keypoints, Landmark.LEFT_HIP), joint(cut.keypoints, Landmark.RIGHT_HIP)
    below = np.zeros(body.shape, bool)
    below[max(0, int(min(hips[0][1], hips[1][1]) - 0.1 * cut.torso)) :] = True
    worn = body & below
    trousers, hanging = worn & (cut.parsing == Part.TROUSERS), worn & np.isin(cut.parsing, HANGING)
    lower = np.isin(cut.parsing, LOWER) & body
    if trousers.sum() < hanging.sum():
        return np.asarray(lower & ~trousers, np.bool_)
    thighs = np.zeros(body.shape, bool)
    thighs[max(0, int(max(hips[0][1], hips[1][1]) + 0.15 * cut.torso)) :] = True
    coat = np.isin(cut.parsing, (Part.OUTERWEAR, Part.UPPER))
    return np.asarray(lower | hanging | (body & thighs & ~coat), np.bool_)


def _give_tendrils_to_sleeves(owners: dict[str, BoolArray], arms: dict[str, BoolArray], cut: _Cut) -> None:
    """Thin strips of trunk or leg along a sleeve are what the split left of a gap or a shadow; they go with the arm."""
    width = 2 * max(1, round(TENDRIL * cut.torso)) + 1
    opening = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    bare = np.isin(cut.parsing, (Part.LEFT_ARM, Part.RIGHT_ARM))
    for name, mask in arms.items():
        near = cv2.dilate((mask & ~bare).astype(np.uint8), opening, iterations=2) > 0
        for body in (TRUNK, *LEGS):
            if body in owners:
                solid = cv2.morphologyEx(owners[body].astype(np.uint8), cv2.MORPH_OPEN, opening) > 0
                thin = owners[body] & ~solid & near
                owners[body] = owners[body] & ~thin
                owners[name] = owners[name] | thin


def _hidden_parts(cut: _Cut, owners: dict[str, BoolArray], fields: dict[str, LimbField]) -> dict[str, BoolArray]:
    """Per layer the pixels that belong to it but lie behind another one."""
    person = cut.matte > 0.5
    arms = _union({n: m for n, m in owners.items() if n in ARMS}, person.shape) & person
    out = {}
    for name, owned in owners.items():
        covered = person & ~owned
        visible = owned & person
        if name == TRUNK:
            crossing = _union({n: m & (fields[n].t > CROSSING) for n, m in owners.items() if n in ARMS}, person.shape)
            behind = arms & _around_contact(visible, arms, RIM * cut.torso)
            behind |= crossing & person & _between(main_piece(visible), 0.6 * cut.torso, 0.45 * cut.torso)
            out[name] = behind & main_piece(visible | behind)
            continue
        field = fields[name]
        twin = owners.get(_twin(name), np.zeros_like(visible))
        out[name] = covered & twin & (field.q < 1.0) & (field.r < 1.1) & _lies_behind(name, cut.keypoints)
        if name in LEGS:
            under_hem = owners[TRUNK] & person & (field.r < 0.95) & (field.q < 1.0) & (field.t > 0.5) & (field.t < 3.0)
            behind = arms & (_between(visible, 0.4 * cut.torso, 0.45 * cut.torso) | _hull(visible & (field.t < 2.0)))
            behind &= field.r < 1.35
            beside = _around_contact(visible, arms, RIM * cut.torso) & (field.q < 1.15) & (field.r < 1.2)
            out[name] |= under_hem | behind | beside
    for name, mask in out.items():
        body = (owners[name] & person) | mask
        out[name] = mask & (cv2.GaussianBlur(body.astype(np.float32), (0, 0), SMOOTH * cut.torso) > 0.5)
    return out


def _twin(limb: str) -> str:
    side, kind = limb.split("_")
    return f"{'right' if side == 'left' else 'left'}_{kind}"


def _lies_behind(limb: str, keypoints: Keypoints) -> bool:
    """Whether the limb's far half is farther from the camera than its twin's."""

    def depth(name: str) -> float:
        side, kind = name.upper().split("_")
        ends = ("ELBOW", "WRIST") if kind == "ARM" else ("KNEE", "ANKLE")
        return float(sum(keypoints.world[Landmark[f"{side}_{end}"], 2] for end in ends))

    return depth(limb) > depth(_twin(limb))


def _around_contact(visible: BoolArray, cover: BoolArray, reach: float) -> BoolArray:
    """The part of cover within reach of where it touches visible; a gap of background between them is no contact."""
    contact = cover & (cv2.dilate(visible.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)
    size = 2 * max(1, round(reach)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return cover & (cv2.dilate(contact.astype(np.uint8), disc) > 0)


def _between(visible: BoolArray, widest: float, highest: float) -> BoolArray:
    """Pixels with visible ones on both sides of them in their row or in their column, across a gap no longer than
    given."""
    h, w = visible.shape
    rows = np.broadcast_to(np.arange(h)[:, None], (h, w))
    columns = np.broadcast_to(np.arange(w), (h, w))
    return (_gap(visible, rows, 0) <= highest) | (_gap(visible, columns, 1) <= widest)


def _hull(mask: BoolArray) -> BoolArray:
    """The convex hull of the mask's pixels."""
    out = np.zeros(mask.shape, np.uint8)
    ys, xs = np.nonzero(mask)
    if len(ys):
        cv2.fillConvexPoly(out, cv2.convexHull(np.stack([xs, ys], axis=1).astype(np.int32)), 1)
    return out > 0


def _gap(visible: BoolArray, position: np.ndarray, axis: int) -> np.ndarray:
    """Length of the gap a pixel lies in, along the axis; huge where it is open on one side."""
    before = np.maximum.accumulate(np.where(visible, position, -(10**6)), axis=axis)
    after = np.flip(np.minimum.accumulate(np.flip(np.where(visible, position, 10**6), axis), axis=axis), axis)
    return np.asarray(after - before)


def _layer(name: str, cut: _Cut, pieces: _Pieces, shape: tuple[int, ...], margin: int) -> Layer:
    """Colours completed behind the others and continued past the edge; alpha soft at the cuts. shape: the photo's."""
    rgb, alpha, real = np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    real[cut.window] = pieces.shown
    part = _window(pieces.shown | pieces.hidden, BORDER)
    shown, hidden, matte, own = pieces.shown[part], pieces.hidden[part], cut.matte[part], cut.rgb[part]
    visible = shown & (matte > 0.5)
    if visible.any():
        sure = cv2.erode(pieces.sure[part].astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        filled = mirror_fill(own, sure if sure.any() else visible, hidden, FOLD * cut.torso)
        rgb[cut.window][part] = np.where(shown[..., None], own, filled)
        extent = cv2.GaussianBlur((shown | hidden).astype(np.float32), (0, 0), SEAM)
        extent = extent if name in ARMS else np.clip(extent * 2.0, 0.0, 1.0)
        alpha[cut.window][part] = extent * np.where(hidden, np.float32(1), matte)
    return Layer(name, _padded(rgb, margin), _padded(alpha, margin), np.pad(real, margin))


def _window(mask: BoolArray, border: int) -> tuple[slice, slice]:
    """Rows and columns of the mask's bounding box, widened by border pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    top, left = max(0, int(rows[0]) - border), max(0, int(columns[0]) - border)
    return slice(top, int(rows[-1]) + border + 1), slice(left, int(columns[-1]) + border + 1)
