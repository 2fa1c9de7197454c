"""Mattes by the networks that rembg runs: whatever stands out in a picture is cut out.

They know no person in particular, so they are shown the estimate's person with some room around, and of what they cut
out only what that person is part of counts. rembg fetches networks by itself and checks them by MD5 if at all; here a
network of the zoo is opened, whose sha256 has been checked, and rembg's own way to files is never taken.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from tryon_service.errors import InputError
from tryon_service.perception.base import PoseEstimate
from tryon_service.perception.matte_guided import GuidedMatter
from tryon_service.perception.mattes import person_pieces, person_window
from tryon_service.perception.plug_in_files import plug_in_file
from tryon_service.perception.plug_ins import CUT_OUTS, plug_in
from tryon_service.perception.runtime import open_onnx
from tryon_service.types import Float32Array, NetworkId, Photo, UInt8Array
from tryon_service.zoo.store import Store

MARGIN = 0.15
"""Room around the person, as a share of their height."""
FINE_SIDE = 1024
"""Pixels that a network must see for its edges to be taken as they are; a coarser one's are found in the photo."""


class RembgMatter:
    """Implements perception.base.Matter. The network is opened at the first photo and may be shared by threads."""

    def __init__(self, network: str, store: Store | None = None, num_threads: int | None = None) -> None:
        """network: one of plug_ins.CUT_OUTS. num_threads: of one look at it.

        Raises InputError("invalid_option") for any other, ZooError("network_missing") naming the extra or the zoo's
        entry that is missing, ZooError("network_mismatch") if the file has changed.
        """
        if network not in CUT_OUTS:
            raise InputError("invalid_option", f"{network!r} is not one of {', '.join(CUT_OUTS)}.", "matter")
        self._name = network
        self._path, entry = plug_in_file(network, "matter", store)
        self.networks: tuple[NetworkId, ...] = (entry.id,)
        self._guided = GuidedMatter() if min(plug_in(network).input_size) < FINE_SIDE else None
        self._num_threads = num_threads
        self._lock = threading.Lock()
        self._session: Any = None

    def matte(self, photo: Photo, estimate: PoseEstimate) -> Float32Array:
        """See Matter. Raises ZooError("network_mismatch") if the file is no network of this kind."""
        alpha = np.zeros_like(estimate.mask)
        at = person_window(estimate, MARGIN)
        if at is None:
            return alpha
        alpha[at] = person_pieces(self._cut_out(photo.rgb[at]), estimate.mask[at])
        if self._guided and alpha.any():
            return self._guided.matte(photo, PoseEstimate(estimate.keypoints, alpha, estimate.score))
        return alpha

    def _cut_out(self, rgb: UInt8Array) -> Float32Array:
        """H x W in [0, 1]: what the network takes for the subject. It stretches whatever it finds over the whole range,
        so that something always is."""
        import PIL.Image

        session = self._open_once()
        with np.errstate(invalid="ignore"):  # of a blank answer rembg makes 0 / 0
            (mask,) = session.predict(PIL.Image.fromarray(rgb))
        return np.asarray(mask, np.float32) / np.float32(255)

    def _open_once(self) -> Any:  # noqa: ANN401 - rembg's class
        with self._lock:
            if self._session is None:
                network = open_onnx(self._path, self._name, self._num_threads)
                from rembg.sessions import sessions

                kind = sessions[self._name]
                # Its __init__ would look for the file elsewhere, and fetch it.
                session = kind.__new__(kind)
                session.model_name, session.inner_session = self._name, network
                self._session = session
        return self._session
