"""A rendered person over a background."""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.types import Rendered, Size, UInt8Array


def composite(rendered: Rendered, background: UInt8Array | None) -> UInt8Array:
    """The picture: H x W x 3 uint8 over background (same size), or H x W x 4 uint8 with straight alpha where it is
    None."""
    if background is None:
        alpha = np.round(rendered.alpha * 255).astype(np.uint8)
        return np.dstack([rendered.rgb, alpha])
    return np.asarray(cv2.blendLinear(rendered.rgb, background, rendered.alpha, 1.0 - rendered.alpha))


def plain_background(colour: tuple[int, int, int], size: Size) -> UInt8Array:
    """A background of one (r, g, b) colour; size (width, height)."""
    return np.full((size[1], size[0], 3), colour, np.uint8)


def reduced(picture: UInt8Array, size: Size) -> UInt8Array:
    """A picture as composite makes it, at a smaller size (width, height); the picture itself if that is its own."""
    if size == (picture.shape[1], picture.shape[0]):
        return picture
    if picture.shape[2] == 3:
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    # What nobody sees must not colour what is seen.
    alpha = picture[..., 3:].astype(np.float32) / 255
    small = cv2.resize(np.dstack([picture[..., :3] * alpha, alpha]), size, interpolation=cv2.INTER_AREA)
    rgb = small[..., :3] / np.maximum(small[..., 3:], 1 / 255)
    return np.asarray(np.rint(np.dstack([np.minimum(rgb, 255), small[..., 3:] * 255])), np.uint8)


def fitted_background(rgb: UInt8Array, size: Size) -> UInt8Array:
    """rgb scaled to cover size (width, height) and cut to it centrally."""
    height, width = rgb.shape[:2]
    scale = max(size[0] / width, size[1] / height)
    scaled_size = (max(size[0], round(width * scale)), max(size[1], round(height * scale)))
    scaled = cv2.resize(rgb, scaled_size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    left, top = (scaled.shape[1] - size[0]) // 2, (scaled.shape[0] - size[1]) // 2
    return np.ascontiguousarray(scaled[top : top + size[1], left : left + size[0]])
