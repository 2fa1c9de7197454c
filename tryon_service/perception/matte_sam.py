"""Mattes by Segment Anything (Kirillov et al., 2023), prompted with what the pose says of the person: a box round the
mask and the joints that lie on it. Its mask is finished by the guided matte, which finds hair and edges in the photo.

With ViT-B some thirty seconds of a CPU for a photo: meant for machines with a GPU, which TRYON_DEVICE names.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tryon_service.devices import device
from tryon_service.errors import ZooError
from tryon_service.perception.base import PoseEstimate
from tryon_service.perception.matte_guided import GuidedMatter
from tryon_service.perception.mattes import person_pieces, person_window
from tryon_service.perception.plug_in_files import load_weights, plug_in_file
from tryon_service.perception.plug_ins import plug_in
from tryon_service.perception.skeletons import LIMBS, Landmark
from tryon_service.types import Float32Array, NetworkId, Photo, UInt8Array
from tryon_service.zoo.store import Store
from tryon_service.zoo.weights_file import read_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

NETWORK = "sam"
ROOM, BOX_MARGIN = 0.3, 0.03
"""Room around the person in what it is shown, and in the box that it is told, as shares of the person's height."""
_PROMPTS = (Landmark.NOSE, *sorted({joint for bone in LIMBS.values() for joint in bone}))
_CELLS_ALL, _WINDOW = 64, 14
"""Sides, in cells of 16 pixels, of what a block attends to: the whole picture or a window of it."""


class SamMatter:
    """Implements perception.base.Matter. The network is loaded at the first photo and may be shared by threads."""

    def __init__(self, store: Store | None = None) -> None:
        """Raises ZooError("network_missing") naming the extra or the zoo's entry that is missing,
        ZooError("network_mismatch") if the file has changed."""
        self._path, entry = plug_in_file(NETWORK, "matter", store)
        self.networks: tuple[NetworkId, ...] = (entry.id,)
        self._guided = GuidedMatter()
        self._lock = threading.Lock()
        self._net: Any = None

    def matte(self, photo: Photo, estimate: PoseEstimate) -> Float32Array:
        """See Matter. Raises ZooError("network_missing") if torchvision doesn't fit torch."""
        mask = np.zeros_like(estimate.mask)
        at = person_window(estimate, ROOM)
        if at is None:
            return mask
        points, box = prompts(estimate, at)
        mask[at] = person_pieces(self._segment(photo.rgb[at], points, box), estimate.mask[at])
        if not mask.any():
            return mask
        return self._guided.matte(photo, PoseEstimate(estimate.keypoints, mask, estimate.score))

    def _segment(self, rgb: UInt8Array, points: Float32Array, box: Float32Array) -> Float32Array:
        """H x W in [0, 1]. points: N x 2 on the subject, box: left, top, right, bottom, in pixels of rgb."""
        predictor = segment_anything().SamPredictor(
            self._open_once()
        )  # it holds one picture, so each photo has its own
        predictor.set_image(np.ascontiguousarray(rgb))
        labels = np.ones(len(points), np.int64)
        # Prompts as many as these leave no doubt which of several masks is meant.
        (logits,), _, _ = predictor.predict(
            point_coords=points if len(points) else None,
            point_labels=labels if len(points) else None,
            box=box,
            multimask_output=False,
            return_logits=True,
        )
        return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), np.float32)

    def _open_once(self) -> Any:  # noqa: ANN401 - a torch module
        with self._lock:
            if self._net is None:
                _, state = read_weights(self._path)
                net = build_sam(state)
                load_weights(net, NETWORK, self._path)
                self._net = net.to(device())
        return self._net


def prompts(estimate: PoseEstimate, at: tuple[slice, slice]) -> tuple[Float32Array, Float32Array]:
    """N x 2 points on the person and the box round them (left, top, right, bottom), in pixels of that window.

    Joints count that the network is fairly sure of and that lie on its own mask, so that none sits on a neighbour.
    """
    mask = estimate.mask[at] > 0.5
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    room = BOX_MARGIN * (rows[-1] - rows[0] + 1)
    box = np.array([columns[0] - room, rows[0] - room, columns[-1] + room, rows[-1] + room])
    box = np.clip(box, 0, [width - 1, height - 1] * 2)
    keypoints, joints = estimate.keypoints, list(_PROMPTS)
    points = keypoints.xy[joints] - np.array([at[1].start, at[0].start], np.float32)
    cell = np.clip(np.rint(points), 0, [width - 1, height - 1]).astype(np.int64)
    inside = np.all((points >= 0) & (points <= (width - 1, height - 1)), axis=1)
    good = inside & mask[cell[:, 1], cell[:, 0]] & (keypoints.visibility[joints] >= 0.5)
    return np.asarray(points[good], np.float32), np.asarray(box, np.float32)


def build_sam(state: Mapping[str, Tensor]) -> nn.Module:
    """The network of the sizes that these weights show, ViT-B, -L, -H or another. Raises KeyError or ValueError for
    weights that are of none."""
    segment_anything()
    from segment_anything.build_sam import _build_sam

    blocks = {int(found[1]) for name in state if (found := re.match(r"image_encoder\.blocks\.(\d+)\.", name))}
    width = int(state["image_encoder.pos_embed"].shape[-1])
    reach, head = zip(
        *(state[f"image_encoder.blocks.{block}.attn.rel_pos_h"].shape for block in sorted(blocks)), strict=True
    )
    if blocks != set(range(len(blocks))) or set(reach) - {2 * _CELLS_ALL - 1, 2 * _WINDOW - 1} or width % head[0]:
        raise ValueError(f"{len(blocks)} blocks of width {width} are no image encoder")
    return _build_sam(  # type: ignore[no-any-return]
        encoder_embed_dim=width,
        encoder_depth=len(blocks),
        encoder_num_heads=width // int(head[0]),
        encoder_global_attn_indexes=[block for block, rows in enumerate(reach) if rows == 2 * _CELLS_ALL - 1],
    )


def segment_anything() -> Any:  # noqa: ANN401 - a module without types
    """The package. Raises ZooError("network_missing") where torchvision, which it needs, doesn't fit torch."""
    try:
        import segment_anything as package
    except (ImportError, RuntimeError, OSError) as error:  # a torchvision made for another torch fails in any of these
        detail = (
            f"sam can't be loaded: torchvision doesn't fit torch ({error}). {plug_in(NETWORK).install} into a fresh "
        )
        detail += "environment, both from one index: torch for the CPU has a torchvision of its own."
        raise ZooError("network_missing", detail, "matter") from error
    return package
