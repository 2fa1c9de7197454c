"""Networks of plug-in backends: brought in by hand, known by their makers' digests, checked before they are read."""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from tests.perception.small_plug_ins import write_darkness
from tryon_service.cli import zoo as command
from tryon_service.cli.main import OK, USAGE, main
from tryon_service.errors import InputError, ZooError
from tryon_service.perception import plug_in_files, plug_ins
from tryon_service.perception.backends import CUT_OUTS as BACKENDS
from tryon_service.perception.plug_in_files import import_plug_in, is_published, load_weights, plug_in_file
from tryon_service.perception.plug_ins import CUT_OUTS, PLUG_INS
from tryon_service.zoo.manifest import zoo_folder
from tryon_service.zoo.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "zoo")


@pytest.fixture
def darkness(tmp_path: Path) -> Path:
    return write_darkness(tmp_path / "dark.onnx")


def change(monkeypatch: pytest.MonkeyPatch, name: str, **fields: Any) -> None:
    table = {**PLUG_INS, name: replace(PLUG_INS[name], **fields)}
    for module in (plug_ins, plug_in_files):
        monkeypatch.setattr(module, "PLUG_INS", MappingProxyType(table), raising=False)


def test_every_network_has_a_licence_a_card_and_a_choice() -> None:
    assert set(command.PLUGGED_IN) == set(PLUG_INS)
    assert set(BACKENDS.values()) == set(CUT_OUTS)
    assert not any("bria" in name for name in PLUG_INS)
    for name, found in PLUG_INS.items():
        assert found.licence
        card = (zoo_folder() / "cards" / f"{name}.md").read_text("utf-8")
        assert found.licence in card
        assert found.file.split(", ")[-1] in card


def test_a_file_of_ones_own_is_taken_without_its_makers_licence(store: Store, darkness: Path) -> None:
    network, said = import_plug_in("u2netp", darkness, store)
    assert (network.licence, network.commercial_use) == ("not stated", False)
    assert "differs from u2netp.onnx" in said[0]
    assert store.path("u2netp").read_bytes() == darkness.read_bytes()
    named, _ = import_plug_in("u2net", darkness, store, licence="ours", commercial_use=True)
    assert (named.licence, named.commercial_use) == ("ours", True)


def test_a_published_file_is_known_by_its_digest(store: Store, darkness: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = "md5:" + hashlib.md5(darkness.read_bytes()).hexdigest()
    change(monkeypatch, "u2netp", digest=digest)
    network, said = import_plug_in("u2netp", darkness, store)
    assert (network.licence, network.commercial_use) == ("Apache-2.0", True)
    assert said == ["is u2netp.onnx as its makers publish it"]
    assert is_published(darkness, "sha256:" + hashlib.sha256(darkness.read_bytes()).hexdigest()[:6])
    assert not is_published(darkness, "sha256:000000")


def test_what_is_no_such_network_is_refused(store: Store, tmp_path: Path, darkness: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        import_plug_in("u2netp", tmp_path / "absent.onnx", store)
    (tmp_path / "noise.onnx").write_bytes(b"noise")
    with pytest.raises(InputError, match=r"noise\.onnx can't be read"):
        import_plug_in("u2netp", tmp_path / "noise.onnx", store)
    with pytest.raises(InputError, match=r"'bria-rmbg' is not one of .*u2netp"):
        import_plug_in("bria-rmbg", darkness, store)
    assert "u2netp" not in Store(store.root).manifest.networks
    with pytest.raises(InputError, match="where one picture should be"):
        import_plug_in("u2netp", zoo_folder() / "weights" / "parser.onnx", store)


def test_what_is_missing_is_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, found in PLUG_INS.items():
        change(monkeypatch, name, needs=("no_such_package",))
        with pytest.raises(ZooError) as caught:
            plug_in_file(name, "matter", store)
        assert caught.value.code == "network_missing"
        assert caught.value.detail == f"{name} needs no_such_package: {found.install}."
        change(monkeypatch, name, needs=())
        with pytest.raises(ZooError, match=f"'tryon zoo import {name} FILE' brings in") as caught:
            plug_in_file(name, "matter", store)
        assert caught.value.code == "network_missing"


def test_a_changed_file_is_never_handed_out(store: Store, darkness: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change(monkeypatch, "u2netp", needs=())
    import_plug_in("u2netp", darkness, store)
    path, network = plug_in_file("u2netp", "matter", Store(store.root))
    assert network.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ZooError) as caught:
        plug_in_file("u2netp", "matter", Store(store.root))
    assert caught.value.code == "network_mismatch"
    assert path.name in caught.value.detail


@pytest.fixture
def linear(monkeypatch: pytest.MonkeyPatch) -> Any:
    """keypoint-rcnn, were it a linear layer: how weights for torch travel doesn't depend on which they are of."""
    torch = pytest.importorskip("torch", reason="weights need torch (the extra `neural`)")
    pytest.importorskip("safetensors", reason="files of weights need safetensors (the extra `neural`)")
    change(monkeypatch, "keypoint-rcnn", needs=(), build=lambda _: torch.nn.Linear(3, 2))
    return torch.nn.Linear(3, 2)


def arrays(net: Any) -> dict[str, Any]:
    return {name: value.detach().numpy() for name, value in net.state_dict().items()}


@pytest.mark.parametrize("suffix", [".pkl", ".pth"])
def test_weights_travel_whole(store: Store, tmp_path: Path, linear: Any, suffix: str) -> None:
    import torch

    path, extra = tmp_path / f"model{suffix}", {"pixel_mean": np.zeros((3, 1, 1), np.float32)}
    if suffix == ".pkl":
        path.write_bytes(pickle.dumps({"model": {**arrays(linear), **extra}, "__author__": "us"}, protocol=2))
    else:
        torch.save({name: torch.from_numpy(value) for name, value in {**arrays(linear), **extra}.items()}, path)
    network, said = import_plug_in("keypoint-rcnn", path, store, licence="CC-BY-SA-3.0", commercial_use=True)
    assert said[1:] == ["1 levels and anchors left out"]
    net = torch.nn.Linear(3, 2)
    load_weights(net, "keypoint-rcnn", store.path("keypoint-rcnn"))
    assert torch.equal(net.weight, linear.weight)
    assert (network.licence, network.commercial_use) == ("CC-BY-SA-3.0", True)
    with pytest.raises(ZooError, match="holds weights of keypoint-rcnn, not of sam"):
        load_weights(net, "sam", store.path("keypoint-rcnn"))
    with pytest.raises(ZooError, match="doesn't fit the network"):
        load_weights(torch.nn.Linear(4, 2), "keypoint-rcnn", store.path("keypoint-rcnn"))


def test_weights_that_lack_or_add_something_are_refused(store: Store, tmp_path: Path, linear: Any) -> None:
    full = arrays(linear)
    cases = {
        "missing: bias": {"weight": full["weight"]},
        "unknown: more": {**full, "more": full["bias"]},
        "of another shape": {**full, "bias": np.zeros(3, np.float32)},
        "not finite": {**full, "bias": np.full(2, np.nan, np.float32)},
        "something other than arrays": {**full, "bias": "text"},
    }
    for words, state in cases.items():
        path = tmp_path / "model.pkl"
        path.write_bytes(pickle.dumps({"model": state}, protocol=2))
        with pytest.raises(InputError, match=words):
            import_plug_in("keypoint-rcnn", path, store)
    path.write_bytes(pickle.dumps({"model": print}))
    with pytest.raises(InputError, match="something other than arrays"):
        import_plug_in("keypoint-rcnn", path, store)
    assert "keypoint-rcnn" not in store.manifest.networks


def test_the_command_brings_in_and_lists(
    tmp_path: Path, darkness: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRYON_ZOO_DIR", str(tmp_path / "zoo"))
    assert main(["zoo", "import", "u2netp", str(darkness), "--licence", "ours"]) == OK
    assert "differs from u2netp.onnx" in capsys.readouterr().out
    assert main(["zoo", "list", "u2netp"]) == OK
    assert "ours, no commercial use" in capsys.readouterr().out
    assert main(["zoo", "import", "u2netp", str(darkness), "--pose-encoding", "impulse"]) == USAGE
    assert "shown no pose" in capsys.readouterr().err
