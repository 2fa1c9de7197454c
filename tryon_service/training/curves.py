"""A run's curves as a picture, drawn with OpenCV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from tryon_service.training.pictures import write_png
from tryon_service.types import UInt8Array

PANEL = (640, 260)
"""(width, height) of one panel in pixels."""
_COLOURS = ((31, 119, 180), (214, 39, 40), (44, 160, 44), (148, 103, 189))
_EDGE = 48


def draw_curves(history: Sequence[Mapping[str, float]], panels: Sequence[Sequence[str]]) -> UInt8Array:
    """H x W x 3 uint8. history: one row an epoch, with "epoch"; panels: the figures drawn together in each."""
    return np.vstack([_panel(history, names) for names in panels])


def write_curves(path: Path, history: Sequence[Mapping[str, float]], panels: Sequence[Sequence[str]]) -> None:
    """draw_curves as a PNG, replaced whole."""
    write_png(path, draw_curves(history, panels))


def _panel(history: Sequence[Mapping[str, float]], names: Sequence[str]) -> UInt8Array:
    width, height = PANEL
    picture = np.full((height, width, 3), 255, np.uint8)
    cv2.rectangle(picture, (_EDGE, 16), (width - 12, height - 28), (200, 200, 200), 1)
    lines = {name: [(row["epoch"], row[name]) for row in history if name in row] for name in names}
    values = [value for line in lines.values() for _, value in line]
    if not values:
        return picture
    low, high = min(values), max(values)
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    last = max(row["epoch"] for row in history)
    for index, (name, line) in enumerate(lines.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        points = [
            (_EDGE + x / last * (width - 12 - _EDGE), height - 28 - (y - low) / (high - low) * (height - 44))
            for x, y in line
        ]
        if points:
            cv2.polylines(picture, [np.rint(points).astype(np.int32)], False, colour, 2, cv2.LINE_AA)
        latest = f"{name} {line[-1][1]:.3f}" if line else name
        cv2.putText(
            picture, latest, (_EDGE + 8 + 190 * index, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, 1, cv2.LINE_AA
        )
    for value, y in ((high, 26), (low, height - 30)):
        cv2.putText(picture, f"{value:.3g}", (4, y), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (80, 80, 80), 1, cv2.LINE_AA)
    cv2.putText(
        picture,
        f"epoch {last:g}",
        (width - 100, height - 10),
        cv2.FONT_HERSHEY_SIMPLEX,
        0.4,
        (80, 80, 80),
        1,
        cv2.LINE_AA,
    )
    return picture
