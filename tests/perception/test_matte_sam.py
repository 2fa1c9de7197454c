"""Segment Anything as a matter: its prompts, sizes read from weights, and clear words where it can't be loaded.

The network is small and random here: shapes and coordinates are checked, not what it sees.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.perception.small_plug_ins import bring_in_sam, fit_torchvision
from tryon_service.errors import InputError, ZooError
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.perception.base import PoseEstimate
from tryon_service.perception.matte_sam import SamMatter, prompts, segment_anything
from tryon_service.perception.mattes import person_window
from tryon_service.perception.plug_in_files import import_plug_in
from tryon_service.perception.plug_ins import missing_packages, plug_in
from tryon_service.types import Photo
from tryon_service.zoo.store import Store

FIGURE = draw_figure("hand_on_hip", OUTFITS["print_tee"], (240, 320))
PHOTO = Photo(FIGURE.photo, (240, 320), "")
ESTIMATE = PoseEstimate(FIGURE.keypoints, FIGURE.matte, 1.0)


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("torch", "safetensors"):
        pytest.importorskip(name, reason=f"{name} is not installed, so sam was not checked (the extra `sam`)")
    fit_torchvision(monkeypatch)
    return pytest.importorskip("segment_anything", reason="not installed, so sam was not checked (the extra `sam`)")


def test_prompts_lie_on_the_person() -> None:
    at = person_window(ESTIMATE, 0.3)
    assert at is not None
    points, box = prompts(ESTIMATE, at)
    rows, columns = np.flatnonzero((FIGURE.matte > 0.5).any(axis=1)), np.flatnonzero((FIGURE.matte > 0.5).any(axis=0))
    corner = np.array([at[1].start, at[0].start])
    room = 0.03 * (rows[-1] - rows[0] + 1) + 1
    assert np.all(np.abs(box.reshape(2, 2) + corner - [(columns[0], rows[0]), (columns[-1], rows[-1])]) <= room)
    assert len(points) >= 10
    cells = np.rint(points + corner).astype(int)
    assert (FIGURE.matte[cells[:, 1], cells[:, 0]] > 0.5).all()


def test_joints_that_nobody_is_sure_of_prompt_nothing() -> None:
    at = person_window(ESTIMATE, 0.3)
    assert at is not None
    doubted = replace(FIGURE.keypoints, visibility=np.full(33, 0.2, np.float32))
    assert prompts(replace(ESTIMATE, keypoints=doubted), at)[0].shape == (0, 2)
    astray = FIGURE.keypoints.moved(1.0, (1000.0, 0.0))
    assert prompts(replace(ESTIMATE, keypoints=astray), at)[0].shape == (0, 2)


@pytest.mark.skipif(not missing_packages(plug_in("sam")), reason="all of sam's packages are installed")
def test_the_extra_is_named(tmp_path: Path) -> None:
    with pytest.raises(ZooError, match=r"sam needs .*: pip install 'tryon-service\[sam\]'") as caught:
        SamMatter(Store(tmp_path))
    assert caught.value.code == "network_missing"


def test_a_torchvision_that_does_not_fit_is_named(package: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("segment_anything", "torchvision"))]:
        monkeypatch.delitem(sys.modules, name)

    class Unfit:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "torchvision":
                raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(sys, "meta_path", [Unfit(), *sys.meta_path])
    with pytest.raises(ZooError, match=r"torchvision doesn't fit torch \(operator torchvision::nms"):
        segment_anything()


def test_the_prompts_reach_the_network_in_the_windows_pixels(
    package: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A predictor that answers with the box it is told: the mask must be that box, where the person is."""
    backend = SamMatter(bring_in_sam(tmp_path))

    class Told:
        def __init__(self, _: Any) -> None:
            pass

        def set_image(self, image: np.ndarray) -> None:
            self.shape = image.shape[:2]

        def predict(self, *, box: np.ndarray, **_: Any) -> tuple[np.ndarray, None, None]:
            left, top, right, bottom = np.rint(box).astype(int)
            logits = np.full((1, *self.shape), -20.0)
            logits[0, top:bottom, left:right] = 20
            return logits, None, None

    monkeypatch.setattr(package, "SamPredictor", Told)
    found: list[np.ndarray] = []
    monkeypatch.setattr(backend._guided, "matte", lambda _, estimate: found.append(estimate.mask) or estimate.mask)
    backend.matte(PHOTO, ESTIMATE)
    body = FIGURE.matte > 0.5
    inside = found[0] > 0.5
    assert (inside & body).sum() > 0.99 * body.sum()
    rows = np.flatnonzero(inside.any(axis=1))
    assert abs(rows[0] - np.flatnonzero(body.any(axis=1))[0]) <= 12


@pytest.mark.parametrize("blocks", [1, 3])
def test_sizes_come_from_the_weights(package: Any, tmp_path: Path, blocks: int) -> None:
    backend = SamMatter(bring_in_sam(tmp_path, blocks))
    encoder = backend._open_once().image_encoder
    assert len(encoder.blocks) == blocks
    assert [block.window_size for block in encoder.blocks] == [14] * (blocks - (blocks > 2)) + [0] * (blocks > 2)
    assert encoder.blocks[0].attn.num_heads == 2


def test_foreign_weights_are_refused(package: Any, tmp_path: Path) -> None:
    import torch

    torch.save({"weight": torch.ones(2)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"other\.pth doesn't show which network it is of"):
        import_plug_in("sam", tmp_path / "other.pth", Store(tmp_path / "zoo"))
