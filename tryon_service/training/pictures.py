"""Pictures that a run leaves behind: tiles side by side, written as PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from tryon_service.training.archives import write_whole
from tryon_service.types import UInt8Array


def tiled(tiles: Sequence[UInt8Array], columns: int) -> UInt8Array:
    """H x W x 3 uint8: the h x w x 3 tiles in rows of so many over white; a place is as large as the largest tile."""
    height, width = (max(tile.shape[axis] for tile in tiles) for axis in (0, 1))
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * height, min(columns, len(tiles)) * width, 3), 255, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = index // columns * height, index % columns * width
        sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return sheet


def write_png(path: Path, rgb: UInt8Array) -> None:
    """H x W x 3 uint8, replaced whole."""
    _, coded = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    write_whole(path, coded.tobytes())
