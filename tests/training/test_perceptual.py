"""The parser read from its ONNX file into torch is the parser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch (the extra `neural`)")
onnx = pytest.importorskip("onnx", reason="the weights are read with onnx (the extra `neural`)")

import onnxruntime  # noqa: E402

from tryon_service.errors import ZooError  # noqa: E402
from tryon_service.perception.backends import PARSER_NETWORK  # noqa: E402
from tryon_service.perception.nets.parser_input import image_tensor  # noqa: E402
from tryon_service.renderers.nets.refine_input import LEVELS  # noqa: E402
from tryon_service.training.perceptual import Features, feature_loss, parser_from_onnx  # noqa: E402
from tryon_service.zoo.store import Store  # noqa: E402


@pytest.fixture(scope="module")
def path() -> Path:
    return Store().path(PARSER_NETWORK)


def test_logits_are_those_of_the_file(path: Path) -> None:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    width, height = (int(session.get_modelmeta().custom_metadata_map[side]) for side in ("width", "height"))
    rng = np.random.default_rng(0)
    image = rng.normal(0, 1, (1, 4, height, width)).astype(np.float32)
    pose = rng.random((1, 16, height // 4, width // 4), np.float32)
    (wanted,) = session.run(None, {"image": image, "pose": pose})
    parser = parser_from_onnx(path)
    with torch.no_grad():
        found = parser(torch.from_numpy(image), torch.from_numpy(pose)).numpy()
    assert np.abs(found - wanted).max() < 1e-3 * np.abs(wanted).max()
    assert not any(weight.requires_grad for weight in parser.parameters())


def test_features_see_what_the_parser_sees(path: Path) -> None:
    """Colours in the repairing network's unit become those of the parser, and gradients come through."""
    features = Features(parser_from_onnx(path))
    rgb = np.random.default_rng(1).integers(0, 256, (64, 48, 3)).astype(np.uint8)
    mask = np.ones((64, 48), np.float32)
    with torch.no_grad():
        wanted = features.parser.to_half(torch.from_numpy(image_tensor(rgb, mask)[None]))
    colours = torch.from_numpy(rgb.transpose(2, 0, 1)[None] / np.float32(LEVELS) - 1).requires_grad_(True)
    found = features(colours, torch.from_numpy(mask[None, None]), torch.zeros(1, 16, 16, 12))
    assert torch.allclose(found[0], wanted, atol=1e-4)
    assert [tuple(level.shape[2:]) for level in found] == [(32, 24), (16, 12), (8, 6)]
    others = [level.detach() + 1 for level in found]
    feature_loss(found, others).backward()
    assert colours.grad is not None
    assert float(colours.grad.abs().max()) > 0
    assert float(feature_loss(found, found).detach()) == 0


def test_another_network_is_refused(path: Path, tmp_path: Path) -> None:
    model = onnx.load(path)
    del model.graph.initializer[0]
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(ZooError, match=r"other\.onnx lacks to_half\.0"):
        parser_from_onnx(tmp_path / "other.onnx")
