"""Draw a dressed person in a known pose, with exact joints, part masks and alpha."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tryon_service.errors import InputError
from tryon_service.figures.body import Rig, draw_arm, draw_leg, draw_trunk, place
from tryon_service.figures.canvas import SUPERSAMPLING, Canvas, Colour
from tryon_service.figures.cloth import Cloth
from tryon_service.figures.clothes import draw_bottom, draw_shoe, draw_sleeve, draw_top
from tryon_service.figures.head import draw_hair_behind, draw_head
from tryon_service.figures.outfits import Outfit
from tryon_service.figures.poses import FigurePose, find_pose
from tryon_service.figures.studio import backdrop, develop, floor_shadow, matte_of, parsing_of
from tryon_service.perception.skeletons import Landmark
from tryon_service.types import BoolArray, Float32Array, Keypoints, Size, UInt8Array

Background = Colour | UInt8Array
"""A studio backdrop's colour, or an h x w x 3 uint8 RGB picture of the figure's size."""

STUDIO: Colour = (222, 220, 216)


@dataclass(frozen=True)
class Figure:
    """A drawn person and the truth about it.

    photo: H x W x 3 uint8 RGB; keypoints: exact, in the photo's pixels, seen where inside the frame;
    parsing: H x W uint8 of Part ids, 0 exactly where matte < 0.5; matte: H x W float32 in [0, 1].
    """

    photo: UInt8Array
    keypoints: Keypoints
    parsing: UInt8Array
    matte: Float32Array


def draw_figure(
    pose: FigurePose | str = "standing",
    outfit: Outfit | None = None,
    size: Size = (768, 1024),
    background: Background = STUDIO,
    seed: int = 0,
) -> Figure:
    """Draw one person from the front, fitted into (width, height) pixels. Same arguments, same bytes.

    seed: for folds, grain and noise. Raises InputError("invalid_option") for an unknown pose or unusable sizes.
    """
    rig = place(find_pose(pose), _checked(size))
    canvas = Canvas(_scene(background, size, rig))
    _draw_person(canvas, rig, outfit or Outfit(), Cloth(seed, rig.scale))
    matte = matte_of(canvas.labels)
    return Figure(develop(canvas.rgb, seed), _keypoints(rig, size), parsing_of(canvas.labels, matte), matte)


def _checked(size: Size) -> Size:
    if min(size) < 64 or max(size) > 4096:
        raise InputError("invalid_option", f"{size[0]}x{size[1]} is outside 64 to 4096 pixels.", "size")
    return size


def _scene(background: Background, size: Size, rig: Rig) -> UInt8Array:
    if isinstance(background, np.ndarray):
        if background.shape != (size[1], size[0], 3):
            raise InputError("invalid_option", f"The background is not {size[0]}x{size[1]} RGB.", "background")
        return background
    feet = rig.points[Landmark.LEFT_HEEL :] / SUPERSAMPLING
    return floor_shadow(backdrop(size, background), feet, rig.scale / SUPERSAMPLING)


def _far_first(rig: Rig, joint: str) -> tuple[str, str]:
    left, right = (rig.world[Landmark[f"{side}_{joint}"], 2] for side in ("LEFT", "RIGHT"))
    return ("left", "right") if left > right else ("right", "left")


def _draw_person(canvas: Canvas, rig: Rig, outfit: Outfit, cloth: Cloth) -> None:
    """Back to front; arms come last, as a front view never hides them behind the body."""
    legs = _far_first(rig, "KNEE")
    draw_hair_behind(canvas, rig, outfit, cloth)
    for side in legs:
        draw_leg(canvas, rig, side, outfit.skin)
        draw_shoe(canvas, rig, side, outfit)
    draw_trunk(canvas, rig, outfit.skin)
    if outfit.top != "dress":
        draw_bottom(canvas, rig, outfit, cloth)
    draw_top(canvas, rig, outfit, cloth)
    draw_head(canvas, rig, outfit, cloth)
    for side in _far_first(rig, "WRIST"):
        draw_arm(canvas, rig, side, outfit.skin)
        draw_sleeve(canvas, rig, side, outfit, cloth)


def _keypoints(rig: Rig, size: Size) -> Keypoints:
    scale = rig.scale / SUPERSAMPLING
    xyz = np.empty((33, 3), np.float32)
    xyz[:, :2] = (rig.points + 0.5) / SUPERSAMPLING - 0.5
    xyz[:, 2] = rig.world[:, 2] * scale
    return Keypoints(xyz, rig.world, np.ones(33, np.float32), _inside(xyz, size))


def _inside(xyz: Float32Array, size: Size) -> BoolArray:
    limit = np.asarray(size, np.float32) - 0.5
    return np.asarray(np.all((xyz[:, :2] >= -0.5) & (xyz[:, :2] < limit), axis=1))


def crop(figure: Figure, box: tuple[int, int, int, int]) -> Figure:
    """Cut out (left, top, right, bottom) pixels, right and bottom exclusive; joints outside are no longer seen.

    Raises InputError("invalid_option") when the box is empty or leaves the picture.
    """
    left, top, right, bottom = box
    height, width = figure.matte.shape
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise InputError("invalid_option", f"{box} is no part of {width}x{height}.", "box")
    window = slice(top, bottom), slice(left, right)
    moved = figure.keypoints.moved(1.0, (-left, -top))
    seen = figure.keypoints.seen & _inside(moved.xyz, (right - left, bottom - top))
    keypoints = Keypoints(moved.xyz, moved.world, seen.astype(np.float32), seen)
    return Figure(figure.photo[window].copy(), keypoints, figure.parsing[window].copy(), figure.matte[window].copy())


def waist_up(figure: Figure) -> Figure:
    """Cut just below the hips."""
    hips = figure.keypoints.xy[[Landmark.LEFT_HIP, Landmark.RIGHT_HIP], 1].max()
    knees = figure.keypoints.xy[[Landmark.LEFT_KNEE, Landmark.RIGHT_KNEE], 1].min()
    height, width = figure.matte.shape
    return crop(figure, (0, 0, width, min(height, int(hips + 0.15 * (knees - hips)))))


def headless(figure: Figure) -> Figure:
    """Cut at the neck, between chin and shoulders."""
    mouth = figure.keypoints.xy[[Landmark.MOUTH_LEFT, Landmark.MOUTH_RIGHT], 1].max()
    shoulders = figure.keypoints.xy[[Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER], 1].min()
    height, width = figure.matte.shape
    return crop(figure, (0, int(0.35 * mouth + 0.65 * shoulders), width, height))
