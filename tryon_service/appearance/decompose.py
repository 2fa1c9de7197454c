"""A Person taken apart, and the background without it.

Six carriers move on their own: trunk, head, two arms, two legs (appearance/owners.py says whose each pixel is). Each
carries its attributes as layers (appearance/attributes.py), and each layer has its hidden part completed: the torso
behind an arm, the thigh under a hem, the leg behind the other.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np

from tryon_service.appearance import attributes
from tryon_service.appearance.armholes import armholes
from tryon_service.appearance.attributes import HEAD, TRUNK, Pieces
from tryon_service.appearance.hands import touched
from tryon_service.appearance.hidden import hidden_parts
from tryon_service.appearance.layers import build_layer
from tryon_service.appearance.limbs import LimbField, crossed_legs, fields_for, shared_rim
from tryon_service.appearance.masks import closed, disc, opened, union, widened, without_specks
from tryon_service.appearance.owners import arms_of, owners_of
from tryon_service.appearance.shadow import find_shadow
from tryon_service.appearance.subject import Subject
from tryon_service.appearance.visible import anchored_arms, hand_inside, visible_limbs
from tryon_service.imaging.complete import at_pixels, complete_background, nearest_known
from tryon_service.perception.runtime import default_threads, side_by_side
from tryon_service.retarget.rig import ARMS, LEGS, Rig, build_rig
from tryon_service.types import (
    Appearance,
    BoolArray,
    Float32Array,
    FloorShadow,
    Layer,
    Part,
    Person,
    UInt8Array,
)

CUT_MARGIN = 0.12
"""How far a body cut off by the photo's edge is continued, as a share of the photo's longer side."""
TRACE = 0.02
"""Matte above which a pixel still shows something of the person."""
HOLE_RIM = 0.010
"""Width of what is taken out round the person, as a share of the photo's longer side."""
SPECK = 0.004
"""Loose pieces of trunk and legs below this are leftovers of the split, in squared torso lengths."""
ARMPIT = 1.2
"""Along an arm's curve: up to here sleeve and trunk are one piece of cloth, and both show it."""
SLEEVE = 1.75
"""Up to here they share some of it along the arm's inner edge."""
SEWN = np.array([(1.0, 1.2), (ARMPIT, 0.09), (SLEEVE, 0.0)])
"""How far from the trunk an arm's pixels are the trunk's too, torso lengths, along the arm's curve."""
CHIN = 1.5
"""Height on the spine from which everything is the head's, hats and hoods too."""
OPAQUE = 0.97
"""Matte from which a pixel shows nothing of the background."""
CLEAR, OPEN = 0.2, 0.007
"""Matte below which the background is seen, and how wide the soft edge of a true gap is beside it, torso lengths."""
GAP = 0.015
"""Half the width up to which a gap between trunk and arm is taken for the matte's, torso lengths."""
CRACK = 0.02
"""Radius up to which a notch in what is completed behind an arm is closed, torso lengths."""
LOOSE = 0.035
"""Radius below which what sticks out of a body part beside a hand is none of it, torso lengths."""
EDGE = 0.008
"""How far beside an arm the body shows its shadow and mixed colours, torso lengths."""
NEAR = 0.08
"""How far beside an arm the body shows its nearness, torso lengths."""
STAIN = 0.025
"""How far beside an arm its colours may have spread, by shadow or a cut a little off, torso lengths."""
COLLAR = 0.05
"""How far the trunk goes on under face and hair, torso lengths."""


def decompose(person: Person) -> Appearance:
    """Take the product person apart. Depends on the product photo only: compute once and keep."""

    def scenery() -> tuple[UInt8Array, FloorShadow | None]:
        background = emptied(person)
        return background, find_shadow(person, background)

    with ThreadPoolExecutor(default_threads(), thread_name_prefix="tryon") as pool:
        behind = pool.submit(scenery)
        layers, anchored = _taken_apart(person, pool)
        background, shadow = behind.result()
    return Appearance(person, layers, background, anchored, shadow)


def _taken_apart(person: Person, pool: ThreadPoolExecutor) -> tuple[dict[str, Layer], frozenset[str]]:
    """The layers, and the limbs that are anchored."""
    subject = Subject.of(person)
    rig = build_rig(subject.keypoints)
    pieces, fields, contacts = _carried(subject, rig, visible_limbs(person.keypoints, person.matte.shape))
    trunk = pieces[TRUNK].shown | pieces[TRUNK].hidden

    def layers_of(carrier: str) -> list[Layer]:
        attributes_of = _attributes(carrier, pieces[carrier], subject, rig, fields)
        fading = (fields[carrier].t < ARMPIT) & trunk if carrier in ARMS else None
        return _layers(carrier, attributes_of, subject, _beyond(person, carrier), fading) + _contact_layers(
            carrier, contacts.get(carrier, {}), subject, _beyond(person, carrier)
        )

    layers = {layer.name: layer for group in pool.map(layers_of, pieces) for layer in group}
    shown = {name: pieces[name].shown for name in ARMS if name in pieces}
    layers |= {layer.name: layer for layer in armholes(subject, shown, fields)}
    return layers, anchored_arms(subject, fields, pieces) | crossed_legs(fields, subject.matte, subject.torso)


def _layers(
    carrier: str, shares: dict[str, Pieces], subject: Subject, beyond: list[int], fading: BoolArray | None
) -> list[Layer]:
    carried, soft = np.logical_or.reduce([share.shown for share in shares.values()]), carrier in ARMS
    made = [
        build_layer(name, carrier, subject, share, feathered=soft, carried=carried, beyond=beyond, fading=fading)
        for name, share in shares.items()
    ]
    return [layer for layer in made if layer]


def _contact_layers(carrier: str, contacts: dict[str, BoolArray], subject: Subject, beyond: list[int]) -> list[Layer]:
    """What shows the nearness of an arm (contacts, by arm), to be drawn over the carrier's other layers."""
    out = []
    for arm, mask in contacts.items():
        share = Pieces(mask, np.zeros_like(mask), mask)
        layer = build_layer(f"{carrier}_beside_{arm}", carrier, subject, share, feathered=False, beyond=beyond)
        if layer:
            out.append(replace(layer, beside=arm))
    return out


def _beyond(person: Person, carrier: str) -> list[int]:
    """Pixels by which to continue a carrier past the photo's left, top, right and bottom edge."""
    if carrier in ARMS and hand_inside(person, carrier):
        return [0] * 4  # its mirror image would be a second hand
    return [0 if ends else _margin(person) for ends in _uncut(person)]


def _carried(
    subject: Subject, rig: Rig, shown: frozenset[str]
) -> tuple[dict[str, Pieces], dict[str, LimbField], dict[str, dict[str, BoolArray]]]:
    """Every carrier's pieces, where the limbs lie, and by carrier and arm what shows an arm's nearness. shown: the
    limbs to cut out."""
    arms = fields_for(rig, subject.keypoints, subject.matte, subject.torso, [n for n in ARMS if n in shown])
    owners = arms_of(subject, rig, arms)
    armless = np.where(union(owners, subject.matte.shape), np.float32(0), subject.matte)
    legs = fields_for(rig, subject.keypoints, armless, subject.torso, [n for n in LEGS if n in shown])
    owners = owners_of(subject, owners, legs)
    legs = {name: field for name, field in legs.items() if name in owners}
    hidden = hidden_parts(subject, rig.spine, owners, arms | legs)
    out = _arm_pieces(subject, owners, hidden, arms) | _body_pieces(subject, owners, hidden, (arms, legs))
    contacts = {
        name: _contacts(owners[name] & (subject.matte > 0.5) & ~out[name].shown, owners, arms, subject.torso)
        for name in (TRUNK, *legs)
    }
    return _with_head(out, subject, _height(subject, rig)), arms | legs, contacts


def _contacts(
    rest: BoolArray, owners: dict[str, BoolArray], arms: dict[str, LimbField], torso: float
) -> dict[str, BoolArray]:
    """By arm, the part of rest that lies beside it."""
    out = {}
    for name in arms:
        out[name] = rest & widened(owners[name], max(2, round(NEAR * torso)))
        rest = rest & ~out[name]
    return out


def _arm_pieces(
    subject: Subject, owners: dict[str, BoolArray], hidden: dict[str, BoolArray], arms: dict[str, LimbField]
) -> dict[str, Pieces]:
    return {
        name: Pieces(owners[name], hidden[name] & ~owners[name], owners[name] & (subject.matte > 0.5)) for name in arms
    }


def _body_pieces(
    subject: Subject,
    owners: dict[str, BoolArray],
    hidden: dict[str, BoolArray],
    fields: tuple[dict[str, LimbField], dict[str, LimbField]],
) -> dict[str, Pieces]:
    """Trunk and legs. Beside an arm a rim, and beside a hand its shadow, is taken for hidden; at the shoulder the trunk
    shows the arm's pixels too, and at the thighs each leg the other's. fields: the arms' and the legs'."""
    (arms, legs), shape = fields, subject.matte.shape
    arm_pixels = union({n: owners[n] for n in arms}, shape)
    outer = widened(subject.matte < 0.5, max(1, round(GAP * subject.torso)))
    shoulders = {n: _shoulder(owners[n], f, subject) for n, f in arms.items()}
    rim = max(1, round(EDGE * subject.torso))
    alone = {n: owners[n] & (f.t > ARMPIT) & ~shoulders[n] for n, f in arms.items()}
    lost = widened(union(alone, shape), rim)
    lost &= ~_true_gaps(subject)  # nothing of an arm spreads over the background
    lost |= touched(subject, owners, arms)
    stained = widened(arm_pixels, round(STAIN * subject.torso))

    def piece(name: str) -> Pieces:
        owned = owners[name]
        own = owned & ~lost
        if name == TRUNK:
            own = own | (union(shoulders, shape) & ~outer)
        else:
            twins = union({n: owners[n] for n in legs if n != name}, shape)
            own = own | (twins & shared_rim(own, legs[name], subject.matte > 0.5, subject.torso))
        behind = (hidden[name] | _joining(owned & ~own, own | hidden[name], subject)) & ~own
        behind |= closed(own | behind, disc(CRACK * subject.torso)) & (arm_pixels | lost) & ~own & ~outer
        thin = _thin_gaps(subject, own, behind, arm_pixels)
        own, behind = own & ~thin, behind | thin
        body = without_specks(own | behind, SPECK * subject.torso**2)
        sure = own & body & (subject.matte > 0.5) & ~stained
        return Pieces(own & body, behind & body, sure)

    names = [*legs, TRUNK]
    return dict(zip(names, side_by_side(piece, names), strict=True))


def _shoulder(arm: BoolArray, field: LimbField, subject: Subject) -> BoolArray:
    """What an arm shows that is the trunk's too: its root, and below the armpit cloth along its inner edge, ever
    narrower towards the sleeve's end."""
    skin = np.isin(subject.parsing, (Part.LEFT_ARM, Part.RIGHT_ARM))
    bare = widened(skin, round(STAIN * subject.torso)) & (field.t > ARMPIT)
    depth = cv2.distanceTransform((arm | (subject.matte < 0.5)).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    reach = np.interp(field.t, SEWN[:, 0], SEWN[:, 1]) * subject.torso
    return np.asarray(arm & ~bare & (depth < reach))


def _joining(lost: BoolArray, body: BoolArray, subject: Subject) -> BoolArray:
    """What was taken away from a body part and must be completed; cloth seen between fingers beyond it is let go."""
    return np.asarray(lost & opened(body | lost, disc(LOOSE * subject.torso)))


def _thin_gaps(subject: Subject, own: BoolArray, behind: BoolArray, arms: BoolArray) -> BoolArray:
    """H x W bool: where trunk or leg is half transparent beside an arm, though it goes on behind it."""
    solid = (own & (subject.matte > OPAQUE)) | behind
    bridged = closed(solid, disc(GAP * subject.torso)) & widened(arms, max(2, round(GAP * subject.torso)))
    return np.asarray(bridged & ~_true_gaps(subject) & (own | ~behind) & (subject.matte < OPAQUE) & ~arms)


def _true_gaps(subject: Subject) -> BoolArray:
    """H x W bool: background and its soft edges, however narrow."""
    return widened(subject.matte < CLEAR, max(1, round(OPEN * subject.torso)))


def _with_head(pieces: dict[str, Pieces], subject: Subject, height: Float32Array) -> dict[str, Pieces]:
    """Face, hair and what is worn above them move on their own, over the trunk, which goes on under them where they
    touch and where hair falls over the shoulders."""
    trunk = pieces[TRUNK]
    if not (subject.parsing > 0).any():
        return pieces
    nearest = at_pixels(subject.parsing, nearest_known(subject.parsing > 0))
    own = np.isin(nearest, (Part.FACE, Part.HAIR)) | (height > CHIN)
    head = Pieces(trunk.shown & own, trunk.hidden & own, trunk.sure & own)
    rest = trunk.within(~own)
    reach = max(2, round(COLLAR * subject.torso))
    inside = ~widened(subject.matte < OPAQUE, max(3, round(COLLAR * subject.torso)))  # nothing may peep out beside it
    under = widened(rest.shown, reach) & head.shown & inside
    return {**pieces, TRUNK: Pieces(rest.shown, rest.hidden | under, rest.sure), HEAD: head}


def _attributes(
    carrier: str, pieces: Pieces, subject: Subject, rig: Rig, fields: dict[str, LimbField]
) -> dict[str, Pieces]:
    """A carrier's layers, back to front."""
    if carrier == TRUNK:
        return attributes.garments(pieces, subject.parsing, subject.torso)
    if carrier == HEAD:
        return attributes.head(pieces, subject.parsing, _height(subject, rig), subject.torso)
    return attributes.limb(carrier, pieces, subject.parsing, fields[carrier].t, subject.torso)


def _height(subject: Subject, rig: Rig) -> Float32Array:
    """H x W: how far up the spine, 1 at the shoulders, continued straight on."""
    spine = rig.spine
    neck = spine.points[(len(spine.points) - 1) // 2]
    up = (spine.points[-1] - neck) / max(float(np.sum((spine.points[-1] - neck) ** 2)), 1.0)
    height, width = subject.matte.shape
    rows, columns = np.arange(height, dtype=np.float32) - neck[1], np.arange(width, dtype=np.float32) - neck[0]
    return np.asarray(1.0 + rows[:, None] * up[1] + columns * up[0], np.float32)


def emptied(person: Person) -> UInt8Array:
    """The photo with its person taken out and the hole completed, H x W x 3 uint8. A rim goes with the person, for the
    wisps and shadows that the matte misses."""
    rim = max(2, round(HOLE_RIM * max(person.matte.shape)))
    return complete_background(person.photo.rgb, widened(person.matte > TRACE, rim))


def _margin(person: Person) -> int:
    height, width = person.matte.shape
    return int(min(round(CUT_MARGIN * max(height, width)), min(height, width) - 1))


def _uncut(person: Person) -> tuple[bool, bool, bool, bool]:
    """Whether the person ends inside the photo on the left, top, right, bottom."""
    left, top, right, bottom = person.box
    height, width = person.matte.shape
    return left > 1, top > 1, right < width - 1, bottom < height - 1
