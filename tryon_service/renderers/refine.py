"""The warp renderer's pictures, repaired by a small network: real pixels stay, what warping tears is drawn anew."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tryon_service.errors import ZooError
from tryon_service.perception.nets.parser_input import CLASSES
from tryon_service.perception.runtime import open_onnx
from tryon_service.renderers.base import RENDERERS, RendererInfo
from tryon_service.renderers.carriers import WarpAnalysis
from tryon_service.renderers.nets.refine_input import IMAGE_CHANNELS, POSE_CHANNELS, WORKING
from tryon_service.renderers.repair import Answer, repair
from tryon_service.renderers.warp import WarpRenderer
from tryon_service.types import Appearance, Float32Array, NetworkId, Rendered, RenderInput

NAME, NETWORK = "warp+refine", "refine"


class RefineRenderer:
    """Renders as WarpRenderer does and repairs the result. Safe to call from several threads.

    path: the ONNX file that training exports; networks: its id in results. Raises ZooError("network_mismatch") if the
    file is not a repairing network for what refine_input shows it.
    """

    def __init__(self, path: Path, networks: Sequence[NetworkId] = (), num_threads: int | None = None) -> None:
        self.info = RendererInfo(NAME, "compositeWithTrainedAlgorithmicMedia", networks=tuple(networks))
        self._warp = WarpRenderer()
        self._session = open_onnx(path, NETWORK, num_threads)
        _check(self._session, path.name)

    def prepare(self, appearance: Appearance) -> WarpAnalysis:
        return self._warp.prepare(appearance)

    def render(self, batch: Sequence[RenderInput]) -> list[Rendered]:
        rendered = self._warp.render(batch)
        return [repair(one, item.target.keypoints, self._run) for one, item in zip(rendered, batch, strict=True)]

    def _run(self, image: Float32Array, pose: Float32Array) -> Answer:
        fed = {"image": image[np.newaxis], "pose": pose[np.newaxis]}
        residual, blend, alpha = self._session.run(["residual", "blend", "alpha"], fed)
        return residual[0], blend[0], alpha[0]


def _check(session: Any, file: str) -> None:  # noqa: ANN401 - onnxruntime has no types
    """Raises ZooError("network_mismatch") unless it says that it was trained for what refine_input shows it."""
    said = session.get_modelmeta().custom_metadata_map
    expected = {"network": "tryon-refine", "classes": json.dumps(list(CLASSES)), "working": str(WORKING)}
    channels = {one.name: one.shape[1] for one in session.get_inputs()}
    if said != expected or channels != {"image": IMAGE_CHANNELS, "pose": POSE_CHANNELS}:
        raise ZooError("network_mismatch", f"{file} has other classes or channels: {said}, {channels}.", NETWORK)


@RENDERERS.register(NAME)
def _create() -> RefineRenderer:
    """Raises ZooError("network_missing") where the weights don't come with this installation."""
    from tryon_service.zoo.store import Store

    store = Store()
    if NETWORK not in store.manifest.networks:
        detail = f"This installation comes without the weights of {NAME}; the renderer warp needs none."
        raise ZooError("network_missing", detail, "renderer")
    return RefineRenderer(store.path(NETWORK), [store.manifest.network(NETWORK).id])
