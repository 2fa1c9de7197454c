"""One sample to one training crop: framed, moved, recoloured, put before plain grounds, degraded as photos are.

Product photos differ from street photos in ways we can draw: half a body, no head, an even ground, other skin, other
cloth. Everything random comes from the generator passed in, so a crop is a function of sample, epoch and seed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from tryon_service.appearance.skin_tone import tinted_skin
from tryon_service.perception.nets.parser_input import CLASSES, Box, crop_matrix, image_tensor, pose_tensor, transformed
from tryon_service.training.dataset import IGNORE, OFF_PHOTO, Sample
from tryon_service.types import BoolArray, Float32Array, Size, UInt8Array

_ORDER = list(CLASSES)
SKIN = tuple(_ORDER.index(name) for name in ("face", "arm", "leg", "torso_skin"))
_CLOTH = tuple(
    _ORDER.index(name) for name in ("upper", "outerwear", "dress", "skirt", "trousers", "shoes", "accessories")
)


@dataclass(frozen=True)
class Crop:
    """rgb: H x W x 3; classes: H x W, OFF_PHOTO beyond the frame; mask: H x W float32; xy: 33 x 2; present: 33 bool."""

    rgb: UInt8Array
    classes: UInt8Array
    mask: Float32Array
    xy: Float32Array
    present: BoolArray

    def tensors(self) -> tuple[Float32Array, Float32Array, UInt8Array]:
        """The network's image and pose, and the classes to learn."""
        size = (self.rgb.shape[1], self.rgb.shape[0])
        classes = np.where(self.classes == OFF_PHOTO, np.uint8(IGNORE), self.classes)
        return image_tensor(self.rgb, self.mask), pose_tensor(self.xy, self.present, size), classes

    @property
    def person(self) -> UInt8Array:
        """H x W, 1 on everything of the photo that isn't known to be background."""
        return np.asarray((self.classes > 0) & (self.classes != OFF_PHOTO), np.uint8)


def training_crop(sample: Sample, size: Size, rng: np.random.Generator) -> Crop:
    """A crop of size (width, height) for learning."""
    frame = cut(sample, pick_cut(rng), rng)
    crop = taken(sample, frame, jittered(sample, frame, size, rng), size)
    rgb, person = crop.rgb, crop.person
    if rng.random() < 0.3:
        rgb = tinted_skin(rgb, np.isin(crop.classes, SKIN), float(rng.uniform(-1, 1)))
    if rng.random() < 0.4:
        rgb = recolour_cloth(rgb, crop.classes, rng)
    if rng.random() < 0.45:
        rgb = studio(rgb, person, rng)
    rgb = degrade(relight(rgb, rng), rng)
    rgb[crop.classes == OFF_PHOTO] = 0
    mask = spoiled_mask(crop.mask, person, rng)
    xy, present = spoiled_pose(crop.xy, crop.present, size, rng)
    return Crop(rgb, crop.classes, mask, xy, present)


def plain_crop(sample: Sample, size: Size) -> Crop:
    """The crop the parser makes when used: round the pose network's mask, nothing changed."""
    height, width = sample.mask.shape
    return taken(sample, (0.0, 0.0, float(width), float(height)), plain_matrix(sample, size), size)


def plain_matrix(sample: Sample, size: Size) -> Float32Array:
    """2 x 3 matrix from the sample to its plain_crop."""
    height, width = sample.mask.shape
    return crop_matrix(box_of(sample.mask > 127) or (0.0, 0.0, float(width), float(height)), size)


def studio_crop(sample: Sample, size: Size, rng: np.random.Generator) -> Crop:
    """As a product card shows it: cut to half a body or below the chin, a plain ground, nothing else changed."""
    frame = cut(sample, str(rng.choice(["upper", "lower", "headless", "middle"])), rng)
    inside = framed(sample.mask > 127, frame)
    box = box_of(inside) or frame
    crop = taken(sample, frame, crop_matrix(box, size), size)
    rgb = studio(crop.rgb, crop.person, rng)
    rgb[crop.classes == OFF_PHOTO] = 0
    return replace(crop, rgb=rgb)


def pick_cut(rng: np.random.Generator) -> str:
    """Which part of the body the photo shows."""
    return str(rng.choice(["whole", "upper", "lower", "headless", "middle"], p=[0.36, 0.26, 0.16, 0.1, 0.12]))


def cut(sample: Sample, kind: str, rng: np.random.Generator) -> Box:
    """The frame (left, top, right, bottom) in the sample's pixels that leaves this part of the body to be seen."""
    height, width = sample.mask.shape
    top, bottom = 0.0, float(height)
    if sample.present[[11, 12, 23, 24]].all():
        mouth, shoulders, hips, knees = (
            float(sample.xy[list(rows), 1].mean()) for rows in ((9, 10), (11, 12), (23, 24), (25, 26))
        )
        torso = max(hips - shoulders, 8.0)
        knees = knees if sample.present[[25, 26]].all() else hips + 0.9 * torso
        if kind in ("upper", "middle"):
            bottom = between(hips - 0.1 * torso, knees + 0.1 * torso, rng)
        if kind in ("headless", "middle"):
            top = between(mouth - 0.1 * torso, shoulders + 0.05 * torso, rng)
        if kind == "lower":
            top = between(shoulders + 0.55 * torso, hips, rng)
    top, bottom = max(top, 0.0), min(bottom, float(height))
    return (0.0, top, float(width), bottom) if bottom - top > 24 else (0.0, 0.0, float(width), float(height))


def between(low: float, high: float, rng: np.random.Generator) -> float:
    """A number between two others; the lower one if a body bent double has them the wrong way round."""
    return float(rng.uniform(low, max(low, high)))


def framed(region: BoolArray, frame: Box) -> BoolArray:
    """The region inside the frame."""
    out = np.zeros_like(region)
    window = np.s_[round(frame[1]) : round(frame[3]), round(frame[0]) : round(frame[2])]
    out[window] = region[window]
    return out


def box_of(region: BoolArray) -> Box | None:
    """The box round a region's pixels, right and bottom exclusive; None if there are none."""
    columns, rows = np.flatnonzero(region.any(axis=0)), np.flatnonzero(region.any(axis=1))
    if not len(rows):
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def jittered(sample: Sample, frame: Box, size: Size, rng: np.random.Generator) -> Float32Array:
    """2 x 3 matrix from the sample to a crop round the person in the frame, moved, scaled, turned, perhaps flipped."""
    labelled = (sample.classes > 0) & (sample.classes != IGNORE)
    person = labelled if rng.random() < 0.5 and labelled.any() else sample.mask > 127
    box = box_of(framed(person, frame)) or frame
    matrix = np.vstack([crop_matrix(box, size), [0, 0, 1]])
    angle = math.radians(float(rng.normal(0, 5 if rng.random() < 0.8 else 14)))
    zoom, aspect = float(rng.uniform(0.85, 1.18)), float(rng.uniform(0.94, 1.06))
    flip = -1 if rng.random() < 0.5 else 1
    c, s = math.cos(angle) * zoom, math.sin(angle) * zoom
    middle = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
    turn = np.array([[c * aspect * flip, -s], [s * flip, c / aspect]])
    shift = middle - turn @ middle + rng.normal(0, 0.03, 2) * size
    return np.asarray((np.vstack([np.hstack([turn, shift[:, None]]), [0, 0, 1]]) @ matrix)[:2], np.float32)


def taken(sample: Sample, frame: Box, matrix: Float32Array, size: Size) -> Crop:
    """The crop; what lies outside the frame is black and OFF_PHOTO, and its joints absent."""
    left, top, right, bottom = (round(side) for side in frame)
    window = np.s_[top:bottom, left:right]
    matrix = matrix.copy()
    xy = transformed(sample.xy, matrix)
    matrix[:, 2] += matrix[:, :2] @ np.array([left, top], np.float32)
    rgb = cv2.warpAffine(sample.rgb[window], matrix, size, flags=cv2.INTER_LINEAR)
    mask = cv2.warpAffine(sample.mask[window], matrix, size, flags=cv2.INTER_LINEAR)
    classes = cv2.warpAffine(sample.classes[window], matrix, size, flags=cv2.INTER_NEAREST, borderValue=(OFF_PHOTO,))
    inside = np.all((sample.xy >= (left, top)) & (sample.xy <= (right - 1, bottom - 1)), axis=1)
    return Crop(
        np.asarray(rgb, np.uint8),
        np.asarray(classes, np.uint8),
        np.asarray(mask, np.float32) / np.float32(255),
        xy,
        sample.present & inside,
    )


def soft(region: UInt8Array | BoolArray | Float32Array, sigma: float) -> Float32Array:
    """H x W float32 in [0, 1]: the region with a soft edge."""
    return np.asarray(cv2.GaussianBlur(region.astype(np.float32), (0, 0), sigma), np.float32)


def recolour_cloth(rgb: UInt8Array, classes: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Some garments in other colours: brightness, channels exchanged, a dye."""
    value = rgb.astype(np.float32)
    for index in _CLOTH:
        region = classes == index
        if not region.any() or rng.random() < 0.4:
            continue
        dyed: Float32Array = value[..., rng.permutation(3)] if rng.random() < 0.5 else value
        dyed = np.asarray(255 * (dyed / 255) ** float(np.exp(rng.normal(0, 0.5))), np.float32)
        dyed *= rng.uniform(0.55, 1.15, 3).astype(np.float32)
        if rng.random() < 0.1:
            dyed = 255 - dyed
        value = np.asarray(value + (np.clip(dyed, 0, 255) - value) * soft(region, 0.7)[..., None], np.float32)
    return np.asarray(value, np.uint8)


def studio(rgb: UInt8Array, person: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """The person before a plain or gradient ground, sometimes with a floor or a soft shadow."""
    height, width = person.shape
    light = rng.uniform(150, 255) if rng.random() < 0.85 else rng.uniform(20, 150)
    colour = np.full(3, 255.0) if rng.random() < 0.3 else np.clip(light + rng.normal(0, 12, 3), 0, 255)
    ground = np.broadcast_to(colour, (height, width, 3)).astype(np.float32)
    if rng.random() < 0.5:
        down, across = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None]
        slope = rng.normal(0, 14, 2)
        ground = ground + (slope[0] * down + slope[1] * across)[..., None].astype(np.float32)
    if rng.random() < 0.25:
        row = int(height * rng.uniform(0.75, 1))
        ground = ground.copy()
        ground[row:] *= np.float32(rng.uniform(0.8, 1.05))
    if rng.random() < 0.3:
        moved = np.roll(person, rng.integers(-12, 13, 2), (0, 1))
        ground = ground * (1 - np.float32(rng.uniform(0.1, 0.45)) * soft(moved, float(rng.uniform(3, 9))))[..., None]
    # The label's edge lies on the street's colours; shrinking it a little keeps them out.
    kernel = np.ones((3, 3) if rng.random() < 0.6 else (1, 1), np.uint8)
    share = soft(np.asarray(cv2.erode(person, kernel), np.uint8), 0.8)[..., None]
    out = np.clip(ground, 0, 255) * (1 - share) + rgb * share
    return np.asarray(np.clip(out + rng.normal(0, rng.uniform(0.2, 2)), 0, 255), np.uint8)


def relight(rgb: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Exposure, contrast, white balance and gamma, one table a channel."""
    ramp = np.arange(256, dtype=np.float32) / 255
    gamma = float(np.exp(rng.normal(0, 0.2)))
    gain = float(np.exp(rng.normal(0, 0.15))) * np.exp(rng.normal(0, 0.06, 3))
    contrast = float(np.exp(rng.normal(0, 0.12)))
    curves = ((ramp[:, None] ** gamma) * gain - 0.5) * contrast + 0.5
    table = np.clip(curves * 255, 0, 255).astype(np.uint8)[None]
    out = np.asarray(cv2.LUT(rgb, table), np.uint8)
    if rng.random() < 0.1:
        grey = cv2.cvtColor(out, cv2.COLOR_RGB2GRAY)[..., None].astype(np.float32)
        keep = float(rng.uniform(0, 0.7))
        out = np.asarray(out * keep + grey * (1 - keep), np.uint8)
    return out


def degrade(rgb: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Blur, noise and JPEG, each now and then."""
    out = rgb
    if rng.random() < 0.15:
        out = np.asarray(cv2.GaussianBlur(out, (0, 0), float(rng.uniform(0.5, 1.6))), np.uint8)
    if rng.random() < 0.15:
        noise = rng.normal(0, rng.uniform(2, 9), out.shape[:2]).astype(np.float32)[..., None]
        out = np.asarray(np.clip(out + noise, 0, 255), np.uint8)
    if rng.random() < 0.2:
        _, coded = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 90))])
        out = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return out.copy()


def spoiled_mask(mask: Float32Array, person: UInt8Array, rng: np.random.Generator) -> Float32Array:
    """The mask as other backends might give it: sharper, thinner, fatter, with a piece missing, or absent."""
    choice = rng.random()
    if choice < 0.08:
        return np.zeros_like(mask)
    if choice < 0.3:  # a good matte in the place of the pose network's soft mask
        mask = soft(person, float(rng.uniform(0.6, 2)))
    if rng.random() < 0.25:
        mask = np.asarray(np.clip((mask - 0.5) * float(rng.uniform(1.5, 6)) + 0.5, 0, 1), np.float32)
    if rng.random() < 0.2:
        kernel = np.ones((int(rng.integers(2, 6)),) * 2, np.uint8)
        mask = np.asarray((cv2.erode if rng.random() < 0.5 else cv2.dilate)(mask, kernel), np.float32)
    if rng.random() < 0.15:
        height, width = mask.shape
        mask = mask.copy()
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        cv2.circle(mask, centre, int(rng.integers(4, height // 8)), float(rng.integers(2)), -1)
        mask = soft(mask, 1.5)
    return mask


def spoiled_pose(
    xy: Float32Array, present: BoolArray, size: Size, rng: np.random.Generator
) -> tuple[Float32Array, BoolArray]:
    """Landmarks as a pose network gets them wrong: off by a little or a lot, some missing, sometimes all of them."""
    if rng.random() < 0.05:
        return xy, np.zeros_like(present)
    spread = size[1] * (0.006 if rng.random() < 0.8 else 0.02)
    moved = xy + rng.normal(0, spread, xy.shape).astype(np.float32)
    if rng.random() < 0.15:  # one joint somewhere else altogether
        joint = int(rng.integers(11, 33))
        moved[joint] += rng.normal(0, 0.1 * size[1], 2).astype(np.float32)
    kept = present & (rng.random(33) > (0.03 if rng.random() < 0.8 else 0.2))
    return np.asarray(moved, np.float32), kept
