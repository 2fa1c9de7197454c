"""Our own human parser through onnxruntime: one crop round the person to fifteen parts at the photo's size.

The network (perception/nets) tells hair, garments and limbs apart and knows no left or right; the pose adds the sides.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tryon_service.errors import ZooError
from tryon_service.perception.nets.nearest_limb import nearest_side
from tryon_service.perception.nets.parser_input import (
    CLASSES,
    MEAN,
    SCALE,
    crop_matrix,
    cropped,
    image_tensor,
    pose_tensor,
    shown_joints,
    transformed,
)
from tryon_service.perception.runtime import default_threads, open_onnx, side_by_side
from tryon_service.types import BoolArray, Float32Array, Keypoints, NetworkId, Part, Photo, Size, UInt8Array

STRIDE = 2
"""The logits are at half the crop's size."""
_PART = np.array([int(part) for part in CLASSES.values()], np.uint8)
_SIDES = ((Part.LEFT_ARM, Part.RIGHT_ARM), (Part.LEFT_LEG, Part.RIGHT_LEG))


class OnnxParser:
    """Implements perception.base.Parser. The session is built at the first photo and may be shared by threads.

    path: the ONNX file; networks: its id in results. num_threads: threads of one look at the network. mirror: also look
    at the mirrored crop, side by side, and take the mean, which makes a photo and its mirror image agree.
    """

    def __init__(
        self, path: Path, networks: Sequence[NetworkId] = (), num_threads: int | None = None, *, mirror: bool = True
    ) -> None:
        self.networks = tuple(networks)
        self._path, self._mirror = path, mirror
        self._num_threads = num_threads or max(default_threads() // (2 if mirror else 1), 1)
        self._lock = threading.Lock()
        self._session: Any = None
        self._size: Size = (0, 0)

    def parse(self, photo: Photo, keypoints: Keypoints, matte: Float32Array) -> UInt8Array:
        """See Parser. Every pixel of matte >= 0.5 has a part other than the background.

        Raises ZooError("network_mismatch") if the file is not a parser of this package's classes.
        """
        return self.read(photo.rgb, keypoints, matte, person=matte >= 0.5)

    def read(
        self,
        rgb: UInt8Array,
        keypoints: Keypoints | None = None,
        mask: Float32Array | None = None,
        *,
        person: BoolArray | None = None,
    ) -> UInt8Array:
        """H x W uint8 of Part ids for an H x W x 3 photo.

        keypoints, mask: pose and a rough mask (H x W in [0, 1]) where known. person: the pixels that are the person;
        without it the network decides that too.
        """
        height, width = rgb.shape[:2]
        parts = np.zeros((height, width), np.uint8)
        logits, matrix = self.logits(rgb, keypoints, mask)
        region = _covered(matrix, self._size, (width, height)) if person is None else _bounds(person)
        if region is None:
            return parts
        left, top, right, bottom = region
        found = _winners(logits, matrix, region, first=0 if person is None else 1)
        if person is not None:
            found *= person[top:bottom, left:right]
        parts[top:bottom, left:right] = _PART[found]
        xy = keypoints.xy if keypoints is not None else np.full((33, 2), np.nan, np.float32)
        for sides in _SIDES:
            limb = parts == sides[0]
            if limb.any():
                parts[limb] = nearest_side(limb, xy, *sides)[limb]
        return parts

    def logits(
        self, rgb: UInt8Array, keypoints: Keypoints | None, mask: Float32Array | None
    ) -> tuple[Float32Array, Float32Array]:
        """13 x h x w float32 logits of the crop, and the 2 x 3 matrix from the photo's pixels to the crop's."""
        self._open_once()
        height, width = rgb.shape[:2]
        whole = (0.0, 0.0, float(width), float(height))
        solid = _bounds(mask > 0.5) if mask is not None else None
        matrix = crop_matrix(solid or whole, self._size)
        image = image_tensor(
            cropped(rgb, matrix, self._size),
            np.zeros(self._size[::-1], np.float32) if mask is None else cropped(mask, matrix, self._size),
        )
        pose = pose_tensor(*_joints(keypoints, matrix, rgb.shape), self._size)
        sides = [(image, pose), (image[..., ::-1], pose[..., ::-1])] if self._mirror else [(image, pose)]
        logits = side_by_side(self._run, sides)
        mean = (logits[0] + logits[1][..., ::-1]) / 2 if self._mirror else logits[0]
        return np.ascontiguousarray(mean, np.float32), matrix

    def _run(self, inputs: tuple[Float32Array, Float32Array]) -> Float32Array:
        image, pose = (np.ascontiguousarray(tensor[np.newaxis]) for tensor in inputs)
        (logits,) = self._session.run(None, {"image": image, "pose": pose})
        return np.asarray(logits[0], np.float32)

    def _open_once(self) -> None:
        with self._lock:
            if self._session is None:
                self._session, self._size = _open(self._path, self._num_threads)


def _open(path: Path, num_threads: int) -> tuple[Any, Size]:
    """The session and its crop size. Raises ZooError("network_mismatch")."""
    session = open_onnx(path, "parser", num_threads)
    said = session.get_modelmeta().custom_metadata_map
    try:
        size = (int(said["width"]), int(said["height"]))
        classes, levels = json.loads(said["classes"]), (float(said["mean"]), float(said["scale"]))
    except (KeyError, ValueError) as error:
        raise ZooError("network_mismatch", f"{path.name} doesn't say what it is: {error}.", "parser") from error
    if classes != list(CLASSES) or levels != (MEAN, SCALE):
        raise ZooError("network_mismatch", f"{path.name} has other classes or levels: {classes}, {levels}.", "parser")
    return session, size


def _joints(keypoints: Keypoints | None, matrix: Float32Array, shape: Sequence[int]) -> tuple[Float32Array, BoolArray]:
    """Landmarks in the crop, and which of them the network is shown."""
    if keypoints is None:
        return np.zeros((33, 2), np.float32), np.zeros(33, np.bool_)
    return transformed(keypoints.xy, matrix), shown_joints(keypoints.xy, keypoints.visibility, shape)


def _bounds(region: BoolArray) -> tuple[int, int, int, int] | None:
    """(left, top, right, bottom) of a region's pixels, right and bottom exclusive; None if there are none."""
    columns, rows = np.flatnonzero(region.any(axis=0)), np.flatnonzero(region.any(axis=1))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _covered(matrix: Float32Array, crop: Size, size: Size) -> tuple[int, int, int, int] | None:
    """The part of a photo of this size that the crop shows, as whole pixels."""
    corners = (np.array([[-0.5, -0.5], [crop[0] - 0.5, crop[1] - 0.5]]) - matrix[:, 2]) / matrix[0, 0]
    (left, top), (right, bottom) = np.rint(np.clip(corners + 0.5, 0, size)).astype(int)
    return (int(left), int(top), int(right), int(bottom)) if right > left and bottom > top else None


def _winners(logits: Float32Array, matrix: Float32Array, region: tuple[int, int, int, int], first: int) -> UInt8Array:
    """The class of the largest logit, not below `first`, at each of the photo's pixels of a region."""
    left, top, right, bottom = region
    scale = float(matrix[0, 0]) / STRIDE
    # Pixel centres: the crop's x is (x + 0.5) / STRIDE - 0.5 in the logits.
    shift = (matrix[:, 2] + 0.5) / STRIDE - 0.5 + scale * np.array([left, top])
    back = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)
    best = np.full((bottom - top, right - left), -np.inf, np.float32)
    found = np.zeros(best.shape, np.uint8)
    for index in range(first, len(logits)):
        level = cv2.warpAffine(
            logits[index],
            back,
            (right - left, bottom - top),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        # Indices grow, so the larger one is the later one; masked assignment would take five times as long.
        np.maximum(found, (level > best) * np.uint8(index), out=found)
        np.maximum(best, level, out=best)
    return found
