"""A Person taken apart: trunk (torso, head, hair and what hangs from the hips), two arms, two legs, and the background.

Each layer carries its hidden part completed: the torso behind an arm, the thigh under a hem, the leg behind the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from tryon_service.appearance.hidden import hidden_parts
from tryon_service.appearance.limbs import fields_for
from tryon_service.appearance.masks import union, widened, window, without_specks
from tryon_service.appearance.owners import TRUNK, arms_of, owners_of
from tryon_service.appearance.subject import BORDER, Subject
from tryon_service.imaging.complete import complete_background, mirror_fill
from tryon_service.perception.skeletons import LIMBS, Landmark
from tryon_service.retarget.rig import ARMS, LEGS, build_rig, joint
from tryon_service.types import Appearance, BoolArray, Keypoints, Layer, Person, UInt8Array

CUT_MARGIN = 0.12
"""How far a body cut off by the photo's edge is continued, as a share of the photo's longer side."""
TRACE = 0.02
"""Matte above which a pixel still shows something of the person."""
HOLE_RIM = 0.010
"""Width of what is taken out round the person, as a share of the photo's longer side."""
SEAM = 0.8
"""Softness of the cuts between layers, sigma in pixels."""
SHARED = 0.72
"""Along an arm's curve: up to here, just inside the shoulder, trunk and arm show the same pixels."""
SPECK = 0.004
"""Loose pieces of trunk and legs below this are leftovers of the split, in squared torso lengths."""
STAIN = 0.025
"""How far beside an arm its colours may have spread, by shadow or a cut a little off, torso lengths."""
FOLD = 0.05
"""Width of the band of texture that is continued into hidden parts, torso lengths."""


def decompose(person: Person) -> Appearance:
    """Take the product person apart. Depends on the product photo only: compute once and keep."""
    subject = Subject.of(person)
    parts = _take_apart(subject, visible_limbs(person.keypoints, person.matte.shape))
    margin = _margin(person)
    layers = {name: _layer(name, subject, part, person.matte.shape, margin) for name, part in parts.items()}
    for name, layer in layers.items():
        whole = name in ARMS and _hand_inside(person, name)  # its mirror image would be a second hand
        layers[name] = _ending_at_the_edge(layer, margin, (True,) * 4 if whole else _uncut(person))
    background = emptied(person)
    return Appearance(person, layers, _padded(person.parsing, margin), margin, background)


def _take_apart(subject: Subject, shown: frozenset[str]) -> dict[str, _Pieces]:
    """Every layer's pieces, back to front. shown: the limbs to cut out."""
    rig = build_rig(subject.keypoints)
    arms = fields_for(rig, subject.keypoints, subject.matte, subject.torso, [n for n in ARMS if n in shown])
    owners = arms_of(subject, rig, arms)
    armless = np.where(union(owners, subject.matte.shape), np.float32(0), subject.matte)
    legs = fields_for(rig, subject.keypoints, armless, subject.torso, [n for n in LEGS if n in shown])
    owners = owners_of(subject, owners, legs)
    hidden = hidden_parts(subject, rig.spine, owners, arms | legs)
    arm_pixels = union({n: owners[n] for n in arms}, subject.matte.shape)
    shoulders = union({n: owners[n] & (f.t < SHARED) for n, f in arms.items()}, subject.matte.shape)
    slivers = widened(arm_pixels, 1)
    stained = widened(arm_pixels, round(STAIN * subject.torso))
    out = {}
    for name, owned in owners.items():
        own = owned if name in ARMS else owned & ~slivers
        own = own | shoulders if name == TRUNK else own
        sure = own & (subject.matte > 0.5) if name in ARMS else own & (subject.matte > 0.5) & ~stained
        behind = hidden[name] | (owned & ~own)
        body = without_specks(own | behind, SPECK * subject.torso**2)
        out[name] = _Pieces(own & body, behind & body, sure & body)
    return out


def emptied(person: Person) -> UInt8Array:
    """The photo with its person taken out and the hole completed, H x W x 3 uint8. A rim goes with the person, for the
    wisps and shadows that the matte misses."""
    rim = max(2, round(HOLE_RIM * max(person.matte.shape)))
    return complete_background(person.photo.rgb, widened(person.matte > TRACE, rim))


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


def _layer(name: str, subject: Subject, pieces: _Pieces, shape: tuple[int, ...], margin: int) -> Layer:
    """Colours completed behind the others and continued past the edge; alpha soft at the cuts. shape: the photo's."""
    rgb, alpha, real = np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    real[subject.window] = pieces.shown
    part = window(pieces.shown | pieces.hidden, BORDER)
    shown, hidden, matte, own = pieces.shown[part], pieces.hidden[part], subject.matte[part], subject.rgb[part]
    visible = shown & (matte > 0.5)
    if visible.any():
        sure = cv2.erode(pieces.sure[part].astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        filled = mirror_fill(own, sure if sure.any() else visible, hidden, FOLD * subject.torso)
        rgb[subject.window][part] = np.where(shown[..., None], own, filled)
        extent = cv2.GaussianBlur((shown | hidden).astype(np.float32), (0, 0), SEAM)
        extent = extent if name in ARMS else np.clip(extent * 2.0, 0.0, 1.0)
        alpha[subject.window][part] = extent * np.where(hidden, np.float32(1), matte)
    return Layer(name, _padded(rgb, margin), _padded(alpha, margin), np.pad(real, margin))
