"""The renderer warp+refine: a tiny ONNX file stands in for the weights, and a zoo without them for their absence."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tryon_service.analysis import Analyst
from tryon_service.appearance.decompose import decompose
from tryon_service.cli.main import main
from tryon_service.errors import InputError, ZooError
from tryon_service.figures import OUTFITS, Figure, draw_figure
from tryon_service.perception.nets.parser_input import CLASSES
from tryon_service.pipeline import Pipeline, RenderRequest
from tryon_service.renderers.nets.refine_input import IMAGE_CHANNELS, POSE_CHANNELS, WORKING
from tryon_service.renderers.refine import NAME, RefineRenderer
from tryon_service.renderers.warp import WarpRenderer
from tryon_service.retarget.retarget import retarget
from tryon_service.types import Part, Person, RenderInput
from tryon_service.zoo.manifest import Manifest
from tryon_service.zoo.store import Store

SAID = {"network": "tryon-refine", "classes": json.dumps(list(CLASSES)), "working": str(WORKING)}


def write_network(path: Path, said: dict[str, str] = SAID, channels: int = IMAGE_CHANNELS, blend: float = 20.0) -> Path:
    """Adds the first three channels times 1/2 as residual everywhere, leaves the outline."""
    slices = {"start": [0], "three": [3], "one": [1], "axis": [1]}
    constants = [helper.make_tensor(name, TensorProto.INT64, [1], value) for name, value in slices.items()]
    numbers = {"half": 0.5, "nothing": 0.0, "blend_logit": blend}
    constants += [helper.make_tensor(name, TensorProto.FLOAT, [1], [value]) for name, value in numbers.items()]
    nodes = [
        helper.make_node("Slice", ["image", "start", "three", "axis"], ["colours"]),
        helper.make_node("Slice", ["image", "start", "one", "axis"], ["red"]),
        helper.make_node("Mul", ["colours", "half"], ["residual"]),
        helper.make_node("Mul", ["red", "nothing"], ["alpha"]),
        helper.make_node("Add", ["alpha", "blend_logit"], ["blend"]),
    ]
    kinds = {"image": channels, "pose": POSE_CHANNELS, "residual": 3, "blend": 1, "alpha": 1}
    values = [helper.make_tensor_value_info(k, TensorProto.FLOAT, [1, c, None, None]) for k, c in kinds.items()]
    graph = helper.make_graph(nodes, "tiny", values[:2], values[2:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, said)
    onnx.save(model, str(path))
    return path


@pytest.fixture(scope="module")
def posed(person_of: Callable[[Figure], Person]) -> RenderInput:
    appearance = decompose(person_of(draw_figure("hand_on_hip", OUTFITS["print_tee"], (288, 384))))
    target = retarget(appearance.person, draw_figure("one_arm_up", OUTFITS["print_tee"], (288, 384)).keypoints)
    return RenderInput(appearance, target)


def test_it_changes_what_the_warp_made_up_and_says_so(posed: RenderInput, tmp_path: Path) -> None:
    renderer = RefineRenderer(write_network(tmp_path / "refine.onnx"))
    assert renderer.info.name == NAME
    assert renderer.info.mark == "compositeWithTrainedAlgorithmicMedia"
    (plain,), (repaired,) = WarpRenderer().render([posed]), renderer.render([posed])
    changed = np.any(plain.rgb != repaired.rgb, axis=2)
    assert changed[(plain.coverage < 0.1) & (plain.alpha > 0.99)].mean() > 0.8
    assert changed[plain.alpha > 0.5].mean() < 0.5
    assert repaired.coverage[changed].mean() < plain.coverage[changed].mean()


def test_a_network_that_holds_back_leaves_the_warp_as_it_is(posed: RenderInput, tmp_path: Path) -> None:
    renderer = RefineRenderer(write_network(tmp_path / "refine.onnx", blend=-200.0))
    (plain,), (repaired,) = WarpRenderer().render([posed]), renderer.render([posed])
    for name in ("rgb", "alpha", "coverage", "parsing"):
        np.testing.assert_array_equal(getattr(repaired, name), getattr(plain, name), err_msg=name)


@pytest.mark.parametrize(
    "changes",
    [
        {"said": {**SAID, "classes": "[]"}},
        {"said": {**SAID, "working": "512"}},
        {"said": {**SAID, "network": "tryon-parser"}},
        {"said": {}},
        {"channels": IMAGE_CHANNELS + 1},
    ],
)
def test_another_network_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    path = write_network(tmp_path / "refine.onnx", **changes)  # type: ignore[arg-type]
    with pytest.raises(ZooError, match=r"refine\.onnx") as caught:
        RefineRenderer(path)
    assert caught.value.code == "network_mismatch"


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = write_network(tmp_path / "refine.onnx")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ZooError, match="can't be loaded"):
        RefineRenderer(path)


@pytest.fixture
def _no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest that doesn't list them, as before they are shipped."""
    manifest = Store().manifest
    without = {name: network for name, network in manifest.networks.items() if name != "refine"}
    monkeypatch.setattr("tryon_service.zoo.store.load_manifest", lambda: Manifest(manifest.folder, without))


def test_the_shipped_weights_repair_and_keep_faces(
    posed: RenderInput, pipeline: Pipeline, product_png: bytes, shopper_png: bytes
) -> None:
    """`pipeline` skips where there are no networks."""
    renderer = Analyst(renderer=NAME).renderer("")
    assert renderer.info.name == NAME
    (before,), (after,) = WarpRenderer().render([posed]), renderer.render([posed])
    changed = np.any(before.rgb != after.rgb, axis=2)
    assert changed.any()
    assert not changed[before.parsing == Part.FACE].any()
    result = Pipeline(renderer=NAME).render(RenderRequest(shopper_png, (product_png,)))
    assert result.renderer == NAME
    assert "refine" in [network.name for network in result.networks]


@pytest.mark.usefixtures("_no_weights")
def test_without_weights_pictures_come_from_the_warp_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        analyst = Analyst(renderer=NAME)
        assert analyst.renderer("").info.name == analyst.default_renderer == "warp"
    assert [NAME in record.getMessage() for record in caplog.records] == [True]
    with pytest.raises(ZooError, match=r"without the weights of warp\+refine") as caught:
        analyst.renderer(NAME)
    assert caught.value.code == "network_missing"


@pytest.mark.usefixtures("_no_weights")
def test_without_weights_the_report_names_the_warp(pipeline: Pipeline, product_png: bytes, shopper_png: bytes) -> None:
    """`pipeline` skips where there are no networks."""
    result = Pipeline(renderer=NAME).render(RenderRequest(shopper_png, (product_png,)))
    assert result.renderer == "warp"
    assert result.networks == pipeline.networks("warp")


@pytest.mark.usefixtures("_no_weights")
def test_the_settings_say_which_renderer_is_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRYON_RENDERER", NAME)
    assert main(["settings", "--changed"]) == 0
    shown = capsys.readouterr().out
    assert f"TRYON_RENDERER={NAME}" in shown
    assert "its weights are missing here: warp is used" in shown


def test_an_unknown_renderer_is_named() -> None:
    with pytest.raises(InputError, match=r"'magic' is not one of .*warp\+refine"):
        _ = Analyst(renderer="magic").default_renderer
