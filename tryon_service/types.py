"""Frozen dataclasses for every arrow of the pipeline.

    bytes - decode -> Photo - perceive -> Person - decompose -> Appearance --+
    shopper Keypoints - retarget to this body -> TargetPose ------------------+-> renderer -> Rendered -> Verdict

Conventions, everywhere in the package: images are H x W x 3 uint8 RGB in sRGB; points are (x, y) in pixels, x to the
right, y down, with the centre of the top-left pixel at (0, 0); sizes are (width, height); left and right are the
person's own. Arrays inside these classes are read-only by agreement: nobody writes into them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

UInt8Array = NDArray[np.uint8]
Float32Array = NDArray[np.float32]
BoolArray = NDArray[np.bool_]
Int32Array = NDArray[np.int32]

Size = tuple[int, int]
"""(width, height) in pixels."""

PhotoRole = Literal["shopper", "product"]
VerdictStatus = Literal["accepted", "doubtful", "refused"]
ViewName = Literal["front", "three_quarter", "side", "back"]


class Part(IntEnum):
    """The fifteen attributes a person is taken apart into; the ids used in every parsing."""

    BACKGROUND = 0
    HAIR = 1
    FACE = 2
    UPPER = 3
    OUTERWEAR = 4
    DRESS = 5
    SKIRT = 6
    TROUSERS = 7
    LEFT_ARM = 8
    RIGHT_ARM = 9
    LEFT_LEG = 10
    RIGHT_LEG = 11
    SHOES = 12
    ACCESSORIES = 13
    TORSO_SKIN = 14


@dataclass(frozen=True)
class Credit:
    """IPTC authorship of a photo, the only metadata that survives from a product photo; empty strings where absent."""

    creator: str = ""
    copyright: str = ""
    credit: str = ""


@dataclass(frozen=True)
class Photo:
    """A decoded photo: upright, sRGB, without metadata.

    rgb: H x W x 3 uint8, possibly reduced from the file's size.
    size: (width, height) of the upright photo in the file; rgb is this size divided by a common factor.
    digest: hex sha256 of the file's bytes.
    """

    rgb: UInt8Array
    size: Size
    digest: str
    credit: Credit = Credit()

    @property
    def reduction(self) -> float:
        """Pixels of the file per pixel of rgb, >= 1."""
        return self.size[0] / float(self.rgb.shape[1])


@dataclass(frozen=True)
class Keypoints:
    """A pose: BlazePose's 33 landmarks (names and order in perception/skeletons.py).

    xyz: 33 x 3 float32; x, y in pixels of the photo it was found in (may lie outside), z in the same unit, relative to
        the hips' middle, negative towards the camera.
    world: 33 x 3 float32; metres, origin at the hips' middle, axes as above.
    visibility: 33 float32 in [0, 1]; what the network says, which is no proof (a hand in a pocket scores 0.9).
    seen: 33 bool; our own judgement: inside the frame, on this person's matte, in a limb of plausible length.
    """

    xyz: Float32Array
    world: Float32Array
    visibility: Float32Array
    seen: BoolArray

    @property
    def xy(self) -> Float32Array:
        """33 x 2 float32, (x, y) pixels."""
        return self.xyz[:, :2]

    def moved(self, scale: float, offset: tuple[float, float] = (0.0, 0.0)) -> Keypoints:
        """The same pose in a frame where x' = (x + 0.5) * scale - 0.5 + offset (pixel centres kept)."""
        xyz = self.xyz.copy()
        xyz[:, :2] = (xyz[:, :2] + 0.5) * scale - 0.5 + np.asarray(offset, np.float32)
        xyz[:, 2] *= scale
        return Keypoints(xyz.astype(np.float32), self.world, self.visibility, self.seen)


@dataclass(frozen=True)
class Person:
    """One photographed person.

    photo: the photo; every array below has the shape of photo.rgb.
    matte: H x W float32 in [0, 1]; the share of each pixel that is this person.
    parsing: H x W uint8 of Part ids.
    box: (left, top, right, bottom) pixels of the matte above one half, right and bottom exclusive.
    """

    photo: Photo
    keypoints: Keypoints
    matte: Float32Array
    parsing: UInt8Array
    box: tuple[int, int, int, int]


@dataclass(frozen=True)
class Layer:
    """One attribute cut out of the product photo, h x w pixels large.

    name: "upper", "hair", "left_hand" ... (appearance/attributes.py lists them).
    carrier: what it moves with: "trunk", "head", "left_arm", "right_arm", "left_leg" or "right_leg".
    origin: (x, y) of its top-left pixel in the photo; negative where a body cut off by the photo's edge is continued
        beyond it, so that a small turn doesn't show the cut.
    rgba: h x w x 4 uint8, straight alpha; colours decontaminated, and continued beyond alpha's edge so that resampling
        bleeds nothing.
    parts: h x w uint8 Part ids.
    real: h x w uint8; 255 where rgba is the photo's own pixel, 0 where it was completed.
    beside: the arm whose shade and nearness it shows, empty for most: such a layer fades as that arm moves away.
    over: the arm that it is drawn over though its carrier lies behind that arm, empty for most.
    """

    name: str
    carrier: str
    origin: tuple[int, int]
    rgba: UInt8Array
    parts: UInt8Array
    real: UInt8Array
    beside: str = ""
    over: str = ""


@dataclass(frozen=True)
class FloorShadow:
    """A soft shadow in a plain studio.

    darkness: H x W float32 in [0, 1] over the product photo, 0 where it doesn't fall; wall: the same for what falls on
        the wall, which has the pose's outline and is right for that pose only.
    feet: 2 x 2 float32, (x, y) of the middles of the left and right sole; shin: its length in pixels.
    """

    darkness: Float32Array
    wall: Float32Array
    feet: Float32Array
    shin: float


@dataclass(frozen=True)
class Appearance:
    """A product Person decomposed; depends on the product photo only, so it is computed once and kept.

    layers: the cut-outs by name; those of one carrier back to front.
    background: H x W x 3 uint8; the photo with the person taken out and the hole completed.
    anchored: arms that can't be moved on their own, because their hand is in a pocket, behind the body or holds on to
        the other arm, and legs that cross.
    shadow: what the person casts on a plain floor, already taken out of the background; None where there is none.
    """

    person: Person
    layers: Mapping[str, Layer]
    background: UInt8Array
    anchored: frozenset[str] = frozenset()
    shadow: FloorShadow | None = None


@dataclass(frozen=True)
class TargetPose:
    """Where the model's joints go: the shopper's directions on the model's own bones.

    keypoints: in pixels of the output frame.
    turn: radians the torso turns about the vertical away from the product photo, positive towards the model's left
        (the picture's right when seen from the front).
    size: (width, height) of the output frame.
    scale: output pixels per pixel of the product photo, for everything that is not a bone's length (widths, hands).
    kept: names of limbs that keep the product photo's own pose because the shopper photo doesn't show them, or the
        product photo not where they begin.
    held: names of limbs that keep their place on the body because the product photo hides their hand, or in the picture
        because legs cross.
    head_turn: radians the head turns about the vertical away from the product photo, with the same sign as turn.
    exposed: by part ("torso", "left_hand" ...), how far inside the frame the photo's edge, which cuts the body there,
        would come to lie; in torso lengths. Parts whose cut stays outside are left out.
    outside: by part, how far what the photo shows whole would leave the frame; in torso lengths.
    """

    keypoints: Keypoints
    turn: float
    size: Size
    scale: float = 1.0
    kept: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()
    head_turn: float = 0.0
    exposed: Mapping[str, float] = field(default_factory=dict)
    outside: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RenderInput:
    """What a renderer gets: a decomposed product and a pose for it.

    prepared: the renderer's own product analysis. look: by attribute (the names of appearance/labels.ADGAN), the same
    analysis of another photo, which lends that attribute.
    """

    appearance: Appearance
    target: TargetPose
    prepared: Any = None
    look: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rendered:
    """What a renderer returns: the person alone, in the output frame.

    rgb: H x W x 3 uint8, not premultiplied.
    alpha: H x W float32 in [0, 1].
    coverage: H x W float32 in [0, 1]; the share of the person's pixel that is real and not completed or invented.
    parsing: H x W uint8 of Part ids carried along.
    """

    rgb: UInt8Array
    alpha: Float32Array
    coverage: Float32Array
    parsing: UInt8Array


@dataclass(frozen=True)
class Reason:
    """Why a picture is doubtful or refused. code is one of errors.CODES.

    photo: which photo ("shopper", "product", "product[1]" ...), empty for the result.
    part: joint, bone or garment concerned; value and limit: the measured figure and the bound it broke.
    """

    code: str
    photo: str = ""
    part: str = ""
    value: float | None = None
    limit: float | None = None


@dataclass(frozen=True)
class Verdict:
    status: VerdictStatus
    reasons: tuple[Reason, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class NetworkId:
    """Which weights had a hand in a result."""

    name: str
    sha256: str


@dataclass(frozen=True)
class ProductChoice:
    """Which of a card's photos was used, and why.

    index: its place on the card; view, shopper_view: how the two bodies stand; degrees_apart: between their torsos
    about the vertical, [0, 180]; movement: mean angle in degrees by which limbs had to turn; missing: joints that the
    shopper photo shows and this one doesn't.
    """

    index: int
    view: ViewName
    shopper_view: ViewName
    degrees_apart: float
    movement: float
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """A finished render. picture: H x W x 4 uint8 with straight alpha when the background is transparent, else
    H x W x 3 uint8; None if refused. choice: why product_used; None in a refusal that came before it."""

    picture: UInt8Array | None
    verdict: Verdict
    target: TargetPose | None
    product_used: int
    timings_ms: Mapping[str, float]
    renderer: str
    networks: tuple[NetworkId, ...]
    credit: Credit = Credit()
    choice: ProductChoice | None = None
