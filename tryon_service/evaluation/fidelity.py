"""Is it still the same garment? Colour difference and texture energy of each garment, between photo and result.

Only real pixels count: on the photo those that show the garment, on the result those that are the photo's own and not
completed. What an arm covers on one of the two still differs, so a boldly printed garment is never quite equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tryon_service.types import BoolArray, Float32Array, Part, Rendered, UInt8Array

GARMENTS = (Part.UPPER, Part.OUTERWEAR, Part.DRESS, Part.SKIRT, Part.TROUSERS)
REAL = 0.9
LEAST = 0.01
"""Smallest garment that is compared, as a share of the person's area, on the photo and on the result."""
BLUR = 1.0
"""Standard deviation of the Gaussian before the gradient, in pixels: noise and the JPEG's grain are no texture."""
INSIDE = 4
"""Pixels a place must be away from the garment's edge, where colours mix; the outline is no texture either."""

Lab = NDArray[np.float64]


@dataclass(frozen=True)
class Fidelity:
    """One garment. colour: CIEDE2000 of the mean colours; texture: gradient energy, result over photo."""

    colour: float
    texture: float


def ciede2000(a: Lab, b: Lab) -> NDArray[np.float64]:
    """Colour difference of CIELAB colours (... x 3: L in [0, 100], a, b), with all weights one.

    Equations 2 to 22 of Sharma, Wu, Dalal, "The CIEDE2000 color-difference formula" (2005); angles in degrees.
    """
    (l1, a1, b1), (l2, a2, b2) = np.moveaxis(a, -1, 0), np.moveaxis(b, -1, 0)
    mean_c = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7)))
    c1, c2 = np.hypot((1 + g) * a1, b1), np.hypot((1 + g) * a2, b2)
    h1 = np.degrees(np.arctan2(b1, (1 + g) * a1)) % 360
    h2 = np.degrees(np.arctan2(b2, (1 + g) * a2)) % 360
    grey = c1 * c2 == 0
    dh = np.where(grey, 0.0, (h2 - h1 + 180) % 360 - 180)
    dh = np.where(~grey & (h2 - h1 == 180), 180.0, dh)
    hue = np.where(grey, h1 + h2, _mean_hue(h1, h2))
    d_lightness, d_chroma = l2 - l1, c2 - c1
    d_hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(dh / 2))
    lightness, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    t = 1 - 0.17 * _cos(hue - 30) + 0.24 * _cos(2 * hue) + 0.32 * _cos(3 * hue + 6) - 0.20 * _cos(4 * hue - 63)
    s_l = 1 + 0.015 * (lightness - 50) ** 2 / np.sqrt(20 + (lightness - 50) ** 2)
    s_c = 1 + 0.045 * chroma
    s_h = 1 + 0.015 * chroma * t
    turn = 60 * np.exp(-(((hue - 275) / 25) ** 2))
    r_t = -2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7)) * np.sin(np.radians(turn))
    x, y, z = d_lightness / s_l, d_chroma / s_c, d_hue / s_h
    return np.asarray(np.sqrt(x**2 + y**2 + z**2 + r_t * y * z))


def fidelity(photo: UInt8Array, parsing: UInt8Array, rendered: Rendered, scale: float) -> Mapping[str, Fidelity]:
    """By garment name; only garments that photo and result both show enough of.

    photo: H x W x 3 uint8 RGB, parsing: H x W Part ids of what it shows. scale: pixels of the result per pixel of the
    photo; the larger picture is shrunk before textures are compared.
    """
    real = (rendered.alpha > REAL) & (rendered.coverage > REAL)
    people = np.count_nonzero(parsing), np.count_nonzero(rendered.parsing)
    before, after = _lab(photo), _lab(rendered.rgb)
    energies = _energy(photo, min(1.0, scale)), _energy(rendered.rgb, min(1.0, 1.0 / scale))
    found: dict[str, Fidelity] = {}
    for part in GARMENTS:
        masks = _inside(parsing == part), _inside(real & (rendered.parsing == part))
        if any(np.count_nonzero(mask) <= LEAST * area for mask, area in zip(masks, people, strict=True)):
            continue
        textures = [_mean(energy, mask) for energy, mask in zip(energies, masks, strict=True)]
        colours = before[masks[0]].mean(axis=0, dtype=np.float64), after[masks[1]].mean(axis=0, dtype=np.float64)
        found[part.name.lower()] = Fidelity(float(ciede2000(*colours)), textures[1] / max(textures[0], 1e-6))
    return found


def _mean_hue(h1: NDArray[np.float64], h2: NDArray[np.float64]) -> NDArray[np.float64]:
    """Equation 14: the middle of the shorter way round."""
    total = h1 + h2
    far = np.abs(h1 - h2) > 180
    return np.asarray(np.where(far, np.where(total < 360, total + 360, total - 360), total) / 2)


def _cos(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.cos(np.radians(degrees)))


def _lab(rgb: UInt8Array) -> Float32Array:
    return np.asarray(cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def _energy(rgb: UInt8Array, by: float) -> Float32Array:
    """Squared gradient of the lightness (0 to 255) after a Gaussian of BLUR, of the picture resized by a factor."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    if by < 1:
        grey = cv2.resize(grey, None, fx=by, fy=by, interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), BLUR)
    across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)
    return np.asarray(across**2 + down**2, np.float32)


def _inside(mask: BoolArray) -> BoolArray:
    """The garment without what lies near its edge; the frame's edge is none."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * INSIDE + 1, 2 * INSIDE + 1))
    return np.asarray(cv2.erode(mask.astype(np.uint8), disc, borderType=cv2.BORDER_REPLICATE) > 0)


def _mean(energy: Float32Array, mask: BoolArray) -> float:
    """Mean over a mask that may be larger than the energy's own picture."""
    size = energy.shape[1], energy.shape[0]
    return float(energy[cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0].mean())
