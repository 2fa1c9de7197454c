"""OnnxParser's own work (crop, resampling, matte, sides) with a stand-in for the network, and its refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tryon_service.errors import ZooError
from tryon_service.figures import Figure, draw_figure
from tryon_service.perception.nets.parser_input import CLASSES, MEAN, SCALE
from tryon_service.perception.parse_onnx import STRIDE, OnnxParser
from tryon_service.types import Part, Photo

CROP = (96, 128)
ORDER = list(CLASSES)


class MaskReader:
    """Answers "upper" where the crop's mask is, "arm" where the crop is green, "hair" above row 8 and else nothing."""

    def __init__(self) -> None:
        self.images: list[np.ndarray] = []

    def run(self, outputs: None, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        image = inputs["image"]
        self.images.append(image)
        logits = np.zeros((len(image), len(ORDER), image.shape[2] // STRIDE, image.shape[3] // STRIDE), np.float32)
        halves = image.reshape(*image.shape[:2], image.shape[2] // 2, 2, image.shape[3] // 2, 2).mean(axis=(3, 5))
        rgb = halves[:, :3] * SCALE + MEAN
        logits[:, ORDER.index("background")] = -halves[:, 3]
        logits[:, ORDER.index("upper")] = halves[:, 3]
        logits[:, ORDER.index("arm")] = 3 * ((rgb[:, 1] > 200) & (rgb[:, 0] < 60))
        return [logits]


@pytest.fixture
def parser(monkeypatch: pytest.MonkeyPatch) -> OnnxParser:
    reader = MaskReader()
    monkeypatch.setattr("tryon_service.perception.parse_onnx._open", lambda path, threads: (reader, CROP))
    return OnnxParser(Path("unused.onnx"))


@pytest.fixture(scope="module")
def figure() -> Figure:
    return draw_figure("arms_out", size=(300, 400))


def photo_of(rgb: np.ndarray) -> Photo:
    return Photo(rgb, (rgb.shape[1], rgb.shape[0]), digest="")


def test_every_pixel_of_the_matte_gets_a_part(parser: OnnxParser, figure: Figure) -> None:
    found = parser.parse(photo_of(figure.photo), figure.keypoints, figure.matte)
    assert found.dtype == np.uint8
    assert found.shape == figure.matte.shape
    assert ((found > 0) == (figure.matte >= 0.5)).all()


def test_without_a_matte_the_network_decides(parser: OnnxParser, figure: Figure) -> None:
    found = parser.read(figure.photo, figure.keypoints, figure.matte) > 0
    true = figure.matte >= 0.5
    assert (found & true).sum() / (found | true).sum() > 0.93
    assert not parser.read(figure.photo).any()


def test_arms_get_their_side_from_the_pose(parser: OnnxParser, figure: Figure) -> None:
    rgb = figure.photo.copy()
    arms = np.isin(figure.parsing, (Part.LEFT_ARM, Part.RIGHT_ARM))
    rgb[arms] = (0, 255, 0)
    found = parser.parse(photo_of(rgb), figure.keypoints, figure.matte)
    for part in (Part.LEFT_ARM, Part.RIGHT_ARM):
        true = figure.parsing == part
        assert (found[true] == part).mean() > 0.7
    assert not (found[figure.parsing == Part.LEFT_ARM] == Part.RIGHT_ARM).any()


def test_an_empty_matte_gives_an_empty_parsing(parser: OnnxParser, figure: Figure) -> None:
    assert not parser.parse(photo_of(figure.photo), figure.keypoints, np.zeros_like(figure.matte)).any()


def test_a_mirrored_photo_gives_the_mirrored_parsing(parser: OnnxParser, figure: Figure) -> None:
    found = parser.read(figure.photo, None, figure.matte)
    flipped = parser.read(
        np.ascontiguousarray(figure.photo[:, ::-1]), None, np.ascontiguousarray(figure.matte[:, ::-1])
    )
    assert ((found > 0) == (flipped[:, ::-1] > 0)).mean() > 0.999


def test_a_file_that_is_no_network_is_refused(tmp_path: Path, figure: Figure) -> None:
    pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    path = tmp_path / "parser.onnx"
    path.write_bytes(b"not a network")
    with pytest.raises(ZooError) as caught:
        OnnxParser(path).parse(photo_of(figure.photo), figure.keypoints, figure.matte)
    assert caught.value.code == "network_mismatch"
    assert "parser.onnx" in caught.value.detail
