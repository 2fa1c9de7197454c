"""From masks to a Layer: hidden parts completed, alpha soft at the cuts, a body cut by the photo continued past it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from tryon_service.appearance.attributes import Pieces
from tryon_service.appearance.masks import widened, window
from tryon_service.appearance.subject import BORDER, Subject
from tryon_service.imaging.complete import at_pixels, nearest_known, texture_fill
from tryon_service.types import BoolArray, Float32Array, Layer, UInt8Array

SEAM = 0.8
"""Softness of the cuts between layers, sigma in pixels."""
STAIRS = 0.005
"""Sigma that takes the stairs out of a mask's outline, torso lengths."""
SHADE = 0.025
"""Over how much of the body beside it a completion's brightness is settled, sigma in torso lengths."""
MOST_SHADE = 0.5
MOST_TINT = 0.15
"""Most that it is darkened by, natural logarithm, and by how much one colour more than the others."""
NEAR = 8
"""Pixels beside a layer up to which its colours may show when it is drawn, by its soft outline and by resampling."""
FADE = 0.02
"""Sigma of the fade where a sleeve leaves the trunk, torso lengths."""


def build_layer(
    name: str,
    carrier: str,
    subject: Subject,
    pieces: Pieces,
    *,
    feathered: bool,
    beyond: Sequence[int],
    carried: BoolArray | None = None,
    fading: BoolArray | None = None,
) -> Layer | None:
    """None if nothing of it is to be seen.

    feathered: fade the cuts to nothing, as a limb over the trunk must; else they stay closed, half a pixel over their
    neighbours. carried: H x W, all that its carrier shows of the photo; since that moves as one, at its cuts the layer
    has the photo's own colours and no seam shows.
    beyond: pixels by which to continue it past the photo's left, top, right and bottom edge. fading: H x W, where its
    cuts fade over a wide band because the layer below shows the same there.
    """
    extent = pieces.shown | pieces.hidden
    part = window(extent, BORDER)
    shown, hidden, matte = pieces.shown[part], pieces.hidden[part], subject.matte[part]
    visible = shown & (matte > 0.5)
    if not visible.any():
        return None
    sure = cv2.erode(pieces.sure[part].astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    filled = texture_fill(subject.rgb[part], sure if sure.any() else visible, hidden, subject.torso)
    near = widened(extent[part], NEAR)
    own = shown if carried is None else shown | carried[part]
    filled = _shaded_alike(filled, subject.rgb[part], visible & ~sure, SHADE * subject.torso, near & ~own)
    rgb = np.where(own[..., None], subject.rgb[part], filled)
    soft = _outline(extent[part], hidden, max(STAIRS * subject.torso, SEAM))
    soft = soft if feathered else np.clip(soft * 2.0, 0.0, 1.0)
    if fading is not None:
        soft = np.minimum(soft, _fade(extent[part], matte, fading[part], FADE * subject.torso))
    alpha = soft * np.where(hidden, np.float32(1), matte)
    parts = at_pixels(subject.parsing[part], nearest_known(visible))
    rgba = np.dstack([rgb, np.round(alpha * 255).astype(np.uint8)])
    origin = (part[1].start + (subject.window[1].start or 0), part[0].start + (subject.window[0].start or 0))
    return _continued(Layer(name, carrier, origin, rgba, parts, shown.astype(np.uint8) * 255), subject, beyond)


def _shaded_alike(
    filled: UInt8Array, rgb: UInt8Array, beside: BoolArray, sigma: float, wanted: BoolArray
) -> UInt8Array:
    """What was completed, as bright as what is seen next to it: the shade beside an arm goes on behind it. beside:
    H x W, what is seen there without being a source of the completion; wanted: H x W, the only pixels to change."""
    step = np.log((rgb[beside].astype(np.float32) + 8) / (filled[beside] + np.float32(8)))
    grey = step.mean(axis=1, keepdims=True)
    shade = np.abs(step - grey).max(axis=1) < 2 * MOST_TINT  # what differs more is no shade but a thing
    step = np.clip(grey + np.clip(step - grey, -MOST_TINT, MOST_TINT), -MOST_SHADE, 0.0)
    sums = np.zeros((*beside.shape, 4), np.float32)  # of the steps, and of their weight
    sums[beside] = np.column_stack([step, np.ones(len(step), np.float32)]) * shade[:, None]
    sums = cv2.GaussianBlur(sums, (0, 0), sigma)
    chosen, out = sums[wanted], filled.copy()
    gain = np.exp(chosen[:, :3] / (chosen[:, 3:] + np.float32(0.02)))
    out[wanted] = np.clip(np.round(filled[wanted] * gain), 0, 255)
    return out


def _outline(extent: BoolArray, hidden: BoolArray, sigma: float) -> Float32Array:
    """The extent, H x W in [0, 1], with soft cuts; softer by what was completed, where no matte smooths its stairs."""
    cut, even = (cv2.GaussianBlur(extent.astype(np.float32), (0, 0), width) for width in (SEAM, sigma))
    return np.where(widened(hidden, 3), even, cut)


def _fade(extent: BoolArray, matte: Float32Array, fading: BoolArray, sigma: float) -> Float32Array:
    """1 outside the fading region; inside it 0 at a cut through the person, rising to 1 away from it."""
    uncut = (extent | (matte < 0.5)).astype(np.float32)
    ramp = np.clip(2.0 * cv2.GaussianBlur(uncut, (0, 0), max(sigma, 0.5)) - 1.0, 0.0, 1.0)
    inside = cv2.GaussianBlur(fading.astype(np.float32), (0, 0), max(sigma, 0.5))
    share = np.clip(2.0 * inside - 1.0, 0.0, 1.0)  # at its end nothing lies below any more
    return np.asarray(1.0 - share * (1.0 - ramp), np.float32)


def _continued(layer: Layer, subject: Subject, beyond: Sequence[int]) -> Layer:
    """The layer mirrored at those edges of the photo that it reaches."""
    (x, y), (height, width) = layer.origin, layer.parts.shape
    photo_width, photo_height = subject.photo_size
    touches = (x <= 0, y <= 0, x + width >= photo_width, y + height >= photo_height)
    left, top, right, bottom = (pixels if touch else 0 for pixels, touch in zip(beyond, touches, strict=True))
    if not (left or top or right or bottom):
        return layer

    def padded(array: np.ndarray) -> np.ndarray:
        return cv2.copyMakeBorder(array, top, bottom, left, right, cv2.BORDER_REFLECT_101)

    real = np.pad(layer.real, ((top, bottom), (left, right)))
    return replace(layer, origin=(x - left, y - top), rgba=padded(layer.rgba), parts=padded(layer.parts), real=real)
