"""Surface maps by DensePose: which chart of the body's surface a pixel shows, and which place on it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tryon_service.perception.base import PoseEstimate, SurfaceMap
from tryon_service.perception.detectron import DENSEPOSE, Detection, Detector
from tryon_service.perception.plug_in_files import plug_in_file
from tryon_service.types import BoolArray, NetworkId, Photo, UInt8Array
from tryon_service.zoo.store import Store

CHARTS = 24


class DensePose:
    """Implements perception.base.SurfaceMapper."""

    def __init__(self, store: Store | None = None) -> None:
        """Raises ZooError("network_missing") naming what is to be built or the zoo's entry that is missing,
        ZooError("network_mismatch") if the file has changed."""
        path, entry = plug_in_file(DENSEPOSE, "surface", store)
        self.networks: tuple[NetworkId, ...] = (entry.id,)
        self._find = Detector(DENSEPOSE, path).find

    def map_surface(self, photo: Photo, estimate: PoseEstimate) -> SurfaceMap:
        """See SurfaceMapper."""
        return surface_of(photo.rgb, estimate.mask > 0.5, self._find)


def surface_of(rgb: UInt8Array, person: BoolArray, find: Callable[[UInt8Array], list[Detection]]) -> SurfaceMap:
    """The map of whoever covers most of `person` (H x W); all 0 if nobody covers any of it."""
    shape = person.shape
    maps = [placed(detection, shape) for detection in find(rgb)]
    covered = [int((found.parts[person] > 0).sum()) for found in maps]
    if not maps or max(covered) == 0:
        return SurfaceMap(np.zeros(shape, np.uint8), np.zeros((*shape, 2), np.float32))
    return maps[int(np.argmax(covered))]


def placed(detection: Detection, shape: tuple[int, ...]) -> SurfaceMap:
    """A detection's charts at their place in a photo of this (height, width); what lies outside is cut off."""
    parts, uv = np.zeros(shape, np.uint8), np.zeros((*shape, 2), np.float32)
    left, top = (int(edge) for edge in detection.box[:2])
    height, width = detection.parts.shape
    to = (
        slice(max(top, 0), max(min(top + height, shape[0]), 0)),
        slice(max(left, 0), max(min(left + width, shape[1]), 0)),
    )
    if to[0].start < to[0].stop and to[1].start < to[1].stop:
        at = slice(to[0].start - top, to[0].stop - top), slice(to[1].start - left, to[1].stop - left)
        parts[to] = np.where(detection.parts[at] <= CHARTS, detection.parts[at], 0)
        # The network's coordinates overshoot a little at the charts' rims.
        uv[to] = np.clip(np.nan_to_num(detection.uv[at]), 0, 1) * (parts[to] > 0)[..., np.newaxis]
    return SurfaceMap(parts, uv)
