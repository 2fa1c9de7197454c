"""Which renderer made a picture: what the whole pipeline makes of a few drawn figures, coarse enough for any processor.

A digest of the source would change with every comment, and one of the exact pixels with every processor's last bit. So
labels carry the digest of a stored fingerprint, and the renderer of today is the same one if its own fingerprint
differs nowhere by more than TOLERANCE.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from tryon_service.evaluation.judging.forced import forced
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.pipeline import Pipeline, RenderRequest
from tryon_service.types import UInt8Array

SIZE = (288, 384)
BLOCK = 16
OUTFIT_NAMES = ("print_tee", "striped_long", "tee_skirt")
POSE_NAMES = ("hand_on_hip", "arms_out", "walking")
TOLERANCE = 3
"""Levels by which a block's mean may differ."""


@dataclass(frozen=True)
class Fingerprint:
    """blocks: N x h x w x 3 uint8, the block means of N renders; networks: sha256 of each network
    by its name."""

    blocks: UInt8Array
    networks: dict[str, str]

    @property
    def digest(self) -> str:
        words = json.dumps(self.networks, sort_keys=True).encode()
        return hashlib.sha256(self.blocks.tobytes() + words).hexdigest()[:16]

    def same_as(self, other: Fingerprint) -> bool:
        """Whether both come from the same renderer with the same networks."""
        if self.networks != other.networks or self.blocks.shape != other.blocks.shape:
            return False
        return int(np.abs(self.blocks.astype(np.int16) - other.blocks).max(initial=0)) <= TOLERANCE

    def write(self, path: Path) -> None:
        blocks = base64.b64encode(self.blocks.tobytes()).decode()
        value = {"shape": self.blocks.shape, "networks": self.networks, "blocks": blocks}
        path.write_text(json.dumps(value, indent=1) + "\n")


def read_fingerprint(path: Path) -> Fingerprint:
    value = json.loads(path.read_text())
    blocks = np.frombuffer(base64.b64decode(value["blocks"]), np.uint8).reshape(value["shape"])
    return Fingerprint(blocks, value["networks"])


def fingerprint(pipeline: Pipeline) -> Fingerprint:
    """Of this pipeline, from encoded photo to picture: perception has its share in every picture, the verdict none."""
    renderer = pipeline.default_renderer
    shoppers = [draw_figure(pose, OUTFITS["sport"], SIZE, seed=9) for pose in POSE_NAMES]
    people = [pipeline.analyse_pose(encode(shopper.photo, "png")) for shopper in shoppers]
    blocks = []
    for index, outfit in enumerate(OUTFIT_NAMES):
        photo = encode(draw_figure("standing", OUTFITS[outfit], SIZE, seed=index).photo, "png")
        product = pipeline.analyse_product(photo, renderer=renderer)
        requests = [RenderRequest(person, (product,), renderer=renderer) for person in people]
        blocks += [_block_means(forced(pipeline, request).picture) for request in requests]
    return Fingerprint(np.stack(blocks), {one.name: one.sha256 for one in pipeline.networks(renderer)})


def _block_means(picture: UInt8Array) -> UInt8Array:
    width, height = SIZE[0] // BLOCK, SIZE[1] // BLOCK
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
