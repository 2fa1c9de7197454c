"""TensorBoard's files are written where it is installed, and nothing breaks where it isn't."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch (the extra `neural`)")

from tryon_service.training import events
from tryon_service.training.events import Events


def test_without_tensorboard_it_says_so_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(events.importlib.util, "find_spec", lambda _: None)
    with caplog.at_level("INFO", logger="tryon_service.training"):
        writer = Events(tmp_path / "tensorboard", 0)
        writer.write({"epoch": 1.0, "loss": 0.5}, {"held": np.zeros((4, 4, 3), np.uint8)})
        writer.close()
    assert "pip install tensorboard" in caplog.text
    assert not (tmp_path / "tensorboard").exists()


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="needs TensorBoard")
@pytest.mark.filterwarnings("ignore")  # its own
def test_figures_and_pictures_can_be_read_back(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for begun, losses in ((0, (0.9, 0.8, 0.7)), (2, (0.6,))):
        writer = Events(tmp_path, begun)
        for epoch, loss in enumerate(losses, start=begun + 1):
            writer.write({"epoch": float(epoch), "loss": loss}, {"held": np.full((4, 6, 3), 9, np.uint8)})
        writer.close()
    found = EventAccumulator(str(tmp_path)).Reload()
    assert [(event.step, round(event.value, 3)) for event in found.Scalars("loss")] == [(1, 0.9), (2, 0.8), (3, 0.6)]
    assert (found.Images("held")[0].width, found.Images("held")[0].height) == (6, 4)
