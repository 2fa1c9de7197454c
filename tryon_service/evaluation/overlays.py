"""What is seen in a product's photo, drawn for those who look after the cards: why a picture came out as it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np

from tryon_service.errors import InputError
from tryon_service.evaluation.drawing import FONT, INK, PAPER, coloured, fitted, over_chequers, sheet, skeleton
from tryon_service.types import Appearance, Part, UInt8Array

COLOUR = 0.55
"""How much of a part's colour lies over the photo."""
TILE = (240, 320)
"""Pixels of one layer in the sheet."""
CAPTION = 22
"""Pixels of height for a layer's name."""
COLUMNS = 6


def overlay(appearance: Appearance, kind: str) -> UInt8Array:
    """H x W x 3 uint8 RGB. kind: a key of KINDS. Raises InputError("invalid_option") for another one."""
    if kind not in KINDS:
        raise InputError("invalid_option", f"{kind!r} is not one of {', '.join(KINDS)}.", "kind")
    return KINDS[kind](appearance)


def pose(appearance: Appearance) -> UInt8Array:
    """The skeleton over the photo."""
    person = appearance.person
    return skeleton(person.photo.rgb, person.keypoints)


def parsing(appearance: Appearance) -> UInt8Array:
    """The parts of body and clothes over the photo, which stays as it is around the person."""
    person = appearance.person
    mixed = cv2.addWeighted(coloured(person.parsing), COLOUR, person.photo.rgb, 1.0 - COLOUR, 0.0)
    return np.where((person.parsing == Part.BACKGROUND)[..., None], person.photo.rgb, mixed)


def layers(appearance: Appearance) -> UInt8Array:
    """Every layer over chequers, in the order in which they are kept, and at last the ground without the person."""
    tiles = [
        _tile(over_chequers(layer.rgba[..., :3], (layer.rgba[..., 3] / 255).astype(np.float32)), name)
        for name, layer in appearance.layers.items()
    ]
    tiles.append(_tile(appearance.background, "background"))
    return sheet([tiles[start : start + COLUMNS] for start in range(0, len(tiles), COLUMNS)])


KINDS: Mapping[str, Callable[[Appearance], UInt8Array]] = MappingProxyType(
    {"pose": pose, "parsing": parsing, "layers": layers}
)


def _tile(picture: UInt8Array, name: str) -> UInt8Array:
    caption = np.full((CAPTION, TILE[0], 3), PAPER, np.uint8)
    cv2.putText(caption, name.replace("_", " "), (6, CAPTION - 7), FONT, 0.45, INK, 1, cv2.LINE_AA)
    return np.concatenate([fitted(picture, TILE), caption])
