"""Generators that fit into a test: small, with random weights, brought into a zoo as anybody's weights are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tryon_service.errors import RefusedError
from tryon_service.perception.matte_guided import GuidedMatter
from tryon_service.perception.parse_skeleton import SkeletonParser
from tryon_service.renderers.generated import Eyes
from tryon_service.renderers.generators import GENERATORS, import_weights
from tryon_service.renderers.pose_vector import POSE_NUMBERS
from tryon_service.types import Keypoints, NetworkId, Photo, Reason
from tryon_service.zoo.store import Store

SIZES = {
    "adgan": {"width": 2, "style": 16, "hidden": 4},
    "patn": {"width": 2},
    "nearest": {"frames": 3},
    "pose2image": {"width": 4},
    "pose2image-gan": {"width": 4},
}


def bring_in(name: str, folder: Path, encoding: str | None = None, **changes: Any) -> Store:
    """A zoo in this folder with such a generator. encoding: of poses, default its first; changes: weights by name."""
    torch = pytest.importorskip("torch", reason="the networks need torch (the extra `neural`)")
    pytest.importorskip("safetensors", reason="files of weights need safetensors (the extra `neural`)")
    from tryon_service.zoo.weights_file import Header, write_weights

    torch.set_num_threads(1)  # tests share the machine
    torch.manual_seed(0)
    generator = GENERATORS[name]
    encoding = encoding or next(iter(generator.nets))
    config, net = generator.nets[encoding]()
    # As networks begin they draw next to nothing; with stronger weights they draw something.
    state = {
        key: 10 * value if value.ndim > 1 else value for key, value in net(config(**SIZES[name])).state_dict().items()
    }
    if name == "nearest":
        frames = np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3)).astype(np.uint8)
        state = {"frames": torch.from_numpy(frames), "poses": torch.rand(3, POSE_NUMBERS)}
    state.update(changes)
    sizes = {"frames": len(state["frames"])} if name == "nearest" else SIZES[name]
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(folder / "trained", state, Header(name, sizes, generator.classes, encoding, "a test"))
    store = Store(folder / "zoo")
    import_weights(name, folder / "trained", store)
    return store


class Blind:
    """A PoseEstimator that recognises nobody, so that no test waits for it to look for people in noise."""

    networks: tuple[NetworkId, ...] = ()

    def estimate(self, photo: Photo) -> Any:
        raise RefusedError([Reason("no_person")])

    def follow(self, photo: Photo, near: Keypoints) -> Keypoints:
        raise RefusedError([Reason("no_person")])


def blind_eyes() -> Eyes:
    return Eyes(Blind(), GuidedMatter(), SkeletonParser())
