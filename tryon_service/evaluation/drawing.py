"""Pictures about pictures: skeletons, coloured parsings, contact sheets. All H x W x 3 uint8 RGB."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from tryon_service.perception.skeletons import BONES
from tryon_service.types import Float32Array, Keypoints, Size, UInt8Array

PALETTE: UInt8Array = np.array(
    [
        (0, 0, 0),
        (120, 80, 40),
        (255, 205, 170),
        (60, 130, 230),
        (20, 60, 130),
        (200, 60, 160),
        (240, 140, 200),
        (60, 160, 90),
        (250, 170, 60),
        (230, 100, 50),
        (250, 230, 90),
        (170, 150, 30),
        (130, 130, 130),
        (160, 90, 220),
        (255, 120, 120),
    ],
    np.uint8,
)
"""One RGB colour per Part, in its order."""

LEFT, RIGHT, MIDDLE, UNSEEN = (250, 140, 40), (40, 140, 250), (240, 240, 240), (128, 128, 128)
INK, PAPER, GREY = (30, 30, 30), (255, 255, 255), (200, 200, 200)
FONT = cv2.FONT_HERSHEY_SIMPLEX


def skeleton(picture: UInt8Array, keypoints: Keypoints) -> UInt8Array:
    """The stick figure over the picture: the person's left orange, right blue, what isn't seen thin and grey."""
    out = picture.copy()
    width = max(1, round(max(out.shape[:2]) / 300))
    for a, b in BONES:
        seen = bool(keypoints.seen[a] and keypoints.seen[b])
        colour = _side_colour(a.name, b.name) if seen else UNSEEN
        cv2.line(out, _pixel(keypoints.xy[a]), _pixel(keypoints.xy[b]), colour, width if seen else 1, cv2.LINE_AA)
    for point in keypoints.xy[keypoints.seen]:
        cv2.circle(out, _pixel(point), width + 1, PAPER, -1, cv2.LINE_AA)
    return out


def coloured(parsing: UInt8Array) -> UInt8Array:
    """A parsing (H x W Part ids) in PALETTE's colours."""
    return PALETTE[parsing]


def over_chequers(rgb: UInt8Array, alpha: Float32Array, square: int = 16) -> UInt8Array:
    """A cut-out over the usual chequered ground, which shows halos."""
    rows, cols = np.indices(alpha.shape)
    odd = (rows // square + cols // square) % 2 == 1
    ground = np.where(odd, 220, 160)[..., None]
    return np.asarray(np.round(rgb * alpha[..., None] + ground * (1 - alpha[..., None])), np.uint8)


def grey(values: Float32Array) -> UInt8Array:
    """H x W values in [0, 1] as a grey picture."""
    return np.repeat(np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)[..., None], 3, axis=2)


def rgb_of(picture: UInt8Array) -> UInt8Array:
    """The picture itself, or a transparent one (H x W x 4) over chequers."""
    if picture.shape[2] == 3:
        return picture
    return over_chequers(picture[..., :3], np.asarray(picture[..., 3] / 255, np.float32))


def fitted(picture: UInt8Array, size: Size) -> UInt8Array:
    """The whole picture in the middle of a white tile of `size`."""
    width, height = size
    scale = min(width / picture.shape[1], height / picture.shape[0])
    inner = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    tile = np.full((height, width, 3), PAPER, np.uint8)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    shrunk = cv2.resize(picture, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    tile[top : top + inner[1], left : left + inner[0]] = shrunk
    return tile


def note(size: Size, text: str) -> UInt8Array:
    """A grey tile with a few words in its middle, such as a refusal's code."""
    width, height = size
    tile = np.full((height, width, 3), GREY, np.uint8)
    words = text.replace("_", " ").split()
    for row, word in enumerate(words):
        (wide, tall), _ = cv2.getTextSize(word, FONT, 1.0, 1)
        scale = min(0.8 * width / max(wide, 1), 0.09 * height / max(tall, 1))
        x = round((width - wide * scale) / 2)
        y = round(height / 2 + (row - (len(words) - 1) / 2) * 2.0 * tall * scale)
        cv2.putText(tile, word, (x, y), FONT, scale, INK, 1, cv2.LINE_AA)
    return tile


def sheet(rows: Sequence[Sequence[UInt8Array]], gap: int = 4) -> UInt8Array:
    """Tiles of one size in rows, with white gaps."""
    height, width = rows[0][0].shape[:2]
    columns = max(len(row) for row in rows)
    out = np.full((len(rows) * (height + gap) - gap, columns * (width + gap) - gap, 3), PAPER, np.uint8)
    for r, row in enumerate(rows):
        for c, tile in enumerate(row):
            out[r * (height + gap) : r * (height + gap) + height, c * (width + gap) : c * (width + gap) + width] = tile
    return out


def _side_colour(a: str, b: str) -> tuple[int, int, int]:
    if a.startswith("LEFT") and b.startswith("LEFT"):
        return LEFT
    if a.startswith("RIGHT") and b.startswith("RIGHT"):
        return RIGHT
    return MIDDLE


def _pixel(point: Float32Array) -> tuple[int, int]:
    x, y = np.clip(np.nan_to_num(np.round(point)), -30000, 30000).astype(int)
    return int(x), int(y)
