"""Completing what a photo never showed: cloth behind an arm, the studio behind a person.

All functions take H x W x 3 uint8 pictures and H x W bool masks, and return new pictures.
"""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.imaging.extend import at_pixels, nearest_known
from tryon_service.imaging.grain import grain_like
from tryon_service.imaging.patch_fill import texture_fill
from tryon_service.imaging.scenery import continue_scenery
from tryon_service.imaging.studio import Studio, fit_studio
from tryon_service.types import BoolArray, UInt8Array

__all__ = ["at_pixels", "complete_background", "nearest_known", "texture_fill"]

RIM = 0.005
"""How much wider than the person the hole in a plain studio is made, as a share of the photo's longer side: the
contact shadow along the outline is too narrow to be lifted."""


def complete_background(rgb: UInt8Array, person: BoolArray) -> UInt8Array:
    """The photo without its person.

    person: H x W bool; the pixels to replace, a little wider than the person. In a plain studio the shadow that the
    person throws on wall and floor goes too, and the grain stays; anywhere else the scene is continued sideways and
    every other pixel stays as it is.
    """
    if not person.any() or person.all():
        return rgb.copy()
    studio = fit_studio(rgb, person)
    return continue_scenery(rgb, person) if studio is None else _emptied_studio(rgb, person, studio)


def _emptied_studio(rgb: UInt8Array, person: BoolArray, studio: Studio) -> UInt8Array:
    """Behind the person the clean studio with the photo's grain; in the shadow the photo, brightened by what the studio
    is brighter."""
    size = (rgb.shape[1], rgb.shape[0])
    clean = cv2.resize(studio.clean, size, interpolation=cv2.INTER_LINEAR)
    lifted = rgb + cv2.resize((studio.clean - studio.photo) * studio.shadow[..., None], size)
    rim = 2 * max(round(RIM * max(size)), 1) + 1
    hole = cv2.blur(cv2.dilate(person.view(np.uint8), np.ones((rim, rim))).astype(np.float32), (rim, rim))
    hole = np.maximum(hole, person)
    left, top, width, height = cv2.boundingRect((hole > 0).view(np.uint8))
    at = np.s_[top : top + height, left : left + width]
    noisy, share = clean[at] + grain_like(rgb, ~person)[at], hole[at][..., None]
    lifted[at] = lifted[at] * (1 - share) + noisy * share
    return np.asarray(np.clip(np.round(lifted, out=lifted), 0, 255, out=lifted), np.uint8)
