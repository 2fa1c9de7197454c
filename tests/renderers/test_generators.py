"""Weights on their way into the zoo and out again: published files, files of ours, and everything that isn't one."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from tests.renderers.parity import TOLERANCE, parity
from tryon_service.errors import InputError, ZooError
from tryon_service.renderers import generators
from tryon_service.renderers.generators import GENERATORS, import_weights, neural_installed, open_generator
from tryon_service.zoo.store import Store

torch = pytest.importorskip("torch", reason="weights need torch (the extra `neural`)")
pytest.importorskip("safetensors", reason="files of weights need safetensors (the extra `neural`)")

from tryon_service.renderers.nets.adgan_net import AdganConfig, AdganNet  # noqa: E402
from tryon_service.renderers.nets.patn_net import PatnConfig, PatnNet  # noqa: E402
from tryon_service.zoo.weights_file import Header, write_weights  # noqa: E402

torch.set_num_threads(1)  # tests share the machine

SMALL = AdganConfig(width=4, style=32, hidden=8)


@pytest.fixture
def zoo(tmp_path: Path) -> Store:
    return Store(tmp_path / "zoo")


def published() -> dict[str, Any]:
    """As ADGAN's code saves a generator: all of the VGG, statistics that nobody reads, a wrapper's prefix."""
    torch.manual_seed(0)
    state = dict(AdganNet(SMALL, whole_vgg=True).state_dict())
    for block in range(8):
        for layer in range(2):
            state[f"dec.model.0.model.{block}.model.{layer}.norm.running_mean"] = torch.zeros(16)
    return {f"module.{name}": value for name, value in state.items()}


def save(folder: Path, state: dict[str, Any], name: str = "latest.pth") -> Path:
    torch.save(state, folder / name)
    return folder / name


@torch.no_grad()
def drawn(net: Any) -> Any:
    torch.manual_seed(1)
    return net(torch.rand(1, 18, 32, 32), torch.rand(1, 3, 32, 32), torch.rand(1, 8, 32, 32))


def test_a_published_adgan_draws_the_same_from_the_zoo(tmp_path: Path, zoo: Store) -> None:
    state = published()
    network, done = import_weights("adgan", save(tmp_path, state), zoo, licence="as agreed", commercial_use=True)
    assert done == [
        "prefix 'module.' taken off",
        "16 running statistics left out",
        "14 weights of VGG19 behind conv4_1 left out",
    ]
    assert (network.licence, network.commercial_use) == ("as agreed", True)
    opened = open_generator("adgan", Store(zoo.root))
    assert opened.id == network.id
    assert opened.header.config == {"width": 4, "style": 32, "hidden": 8}
    assert opened.header.classes == ("background", "pants", "hair", "skirt", "face", "upper", "arm", "leg")
    assert opened.header.pose_encoding == "impulse"
    assert opened.header.origin.startswith("latest.pth, sha256 ")
    assert not opened.net.training
    original = AdganNet(SMALL, whole_vgg=True).eval()
    original.load_state_dict({name.removeprefix("module."): v for name, v in state.items() if "running" not in name})
    assert torch.equal(drawn(opened.net), drawn(original))


@torch.no_grad()
@pytest.mark.parametrize(
    ("name", "prefix", "inputs"),
    [("adgan", "module.", ("pose", "image", "sem")), ("patn", "", ("image", "pose_src", "pose_tgt"))],
)
def test_the_parity_weights_give_their_picture_from_the_zoo(
    tmp_path: Path, zoo: Store, name: str, prefix: str, inputs: tuple[str, ...]
) -> None:
    arrays = {key: torch.from_numpy(array) for key, array in parity(name).items()}
    state = {prefix + key.removeprefix("sd/"): value for key, value in arrays.items() if key.startswith("sd/")}
    import_weights(name, save(tmp_path, state), zoo)
    picture = open_generator(name, zoo).net(*(arrays[f"in/{key}"] for key in inputs))
    torch.testing.assert_close(picture, arrays["out/image"], atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize(
    ("missing", "extra", "words"),
    [
        ("fc.fc.bias", None, r"missing: fc\.fc\.bias"),
        ("enc_style.conv1.conv.weight", None, r"missing: enc_style\.conv1\.conv\.weight"),
        ("enc_style.vgg.19.bias", None, r"missing: enc_style\.vgg\.19\.bias"),
        (None, "dec.model.6.conv.weight", r"unknown: dec\.model\.6\.conv\.weight"),
        (None, "enc_style.vgg.36.weight", r"unknown: enc_style\.vgg\.36\.weight"),
    ],
)
def test_what_is_missing_or_too_much_is_named_and_nothing_is_added(
    tmp_path: Path, zoo: Store, missing: str | None, extra: str | None, words: str
) -> None:
    state = published()
    if missing:
        del state[f"module.{missing}"]
    if extra:
        state[f"module.{extra}"] = torch.zeros(1)
    with pytest.raises(InputError, match=rf"latest\.pth doesn't fit the network: .*{words}"):
        import_weights("adgan", save(tmp_path, state), zoo)
    assert "adgan" not in Store(zoo.root).manifest.networks


def test_weights_of_the_other_network_are_refused(tmp_path: Path, zoo: Store) -> None:
    with pytest.raises(InputError, match=r"missing: .* and \d+ more; unknown: "):
        import_weights("patn", save(tmp_path, published()), zoo)


def test_patn_is_read_with_its_statistics_of_old(tmp_path: Path, zoo: Store) -> None:
    state = {f"model.{name}": value for name, value in PatnNet(PatnConfig(2)).state_dict().items()}
    state["model.stream1_down.2.running_mean"] = torch.zeros(2)
    network, done = import_weights("patn", save(tmp_path, state), zoo)
    assert done == ["prefix 'model.' taken off", "1 running statistics left out"]
    opened = open_generator("patn", zoo)
    assert (opened.header.config, opened.header.classes) == ({"width": 2}, ())
    assert network.input_size == (176, 256)


def test_our_own_file_says_how_it_was_trained(tmp_path: Path, zoo: Store) -> None:
    path = tmp_path / "trained.safetensors"
    header = Header("patn", {"width": 2}, (), "gaussian", "trained on the shop's own pairs")
    write_weights(path, PatnNet(PatnConfig(2)).state_dict(), header)
    with pytest.raises(InputError, match="encoding gaussian, not impulse"):
        import_weights("patn", path, zoo, pose_encoding="impulse")
    _, done = import_weights("patn", path, zoo)
    assert done == []
    assert open_generator("patn", zoo).header == header


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (Header("adgan", {"width": 2}, (), "impulse", ""), "weights of adgan, not of patn"),
        (Header("patn", {"width": 2}, ("hair",), "impulse", ""), "has the classes hair"),
        (Header("patn", {"width": 2}, (), "smooth", ""), "encoding 'smooth'"),
        (Header("patn", {"height": 2}, (), "impulse", ""), "sizes that patn can't have"),
        (Header("patn", {"width": 0}, (), "impulse", ""), "sizes that patn can't have"),
        (Header("patn", {"width": 3}, (), "impulse", ""), "of another shape"),
    ],
)
def test_a_file_of_ours_for_something_else_is_refused(tmp_path: Path, zoo: Store, header: Header, words: str) -> None:
    path = tmp_path / "trained.safetensors"
    write_weights(path, PatnNet(PatnConfig(2)).state_dict(), header)
    with pytest.raises(InputError, match=words):
        import_weights("patn", path, zoo)


def test_other_weights_replace_only_when_told(tmp_path: Path, zoo: Store) -> None:
    first = save(tmp_path, dict(PatnNet(PatnConfig(2)).state_dict()), "first.pth")
    second = save(tmp_path, dict(PatnNet(PatnConfig(3)).state_dict()), "second.pth")
    import_weights("patn", first, zoo, pose_encoding="gaussian")
    with pytest.raises(InputError, match="already"):
        import_weights("patn", second, zoo)
    assert open_generator("patn", zoo).header.pose_encoding == "gaussian"
    import_weights("patn", second, zoo, replace=True)
    assert open_generator("patn", zoo).header.config == {"width": 3}


def test_absent_weights_name_the_entry_and_the_command(zoo: Store) -> None:
    for name in GENERATORS:
        with pytest.raises(ZooError, match=f"no {name}; 'tryon zoo import {name} FILE'") as caught:
            open_generator(name, zoo)
        assert caught.value.code == "network_missing"
    with pytest.raises(InputError, match="adgan, patn"):
        open_generator("gan", zoo)


def test_without_the_extra_it_is_named(tmp_path: Path, zoo: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(generators.importlib.util, "find_spec", lambda name: None if name == "torch" else real(name))
    assert not neural_installed()
    with pytest.raises(ZooError, match=r"adgan needs the extra neural: pip install 'tryon-service\[neural\]'"):
        open_generator("adgan", zoo)
    with pytest.raises(InputError, match=r"tryon-service\[neural\]"):
        import_weights("adgan", tmp_path / "x.pth", zoo)


def test_a_file_of_the_zoo_that_this_version_can_not_read_is_a_mismatch(
    tmp_path: Path, zoo: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_weights("patn", save(tmp_path, dict(PatnNet(PatnConfig(2)).state_dict())), zoo)
    monkeypatch.setattr("tryon_service.zoo.weights_file.FORMAT", 2)
    with pytest.raises(ZooError, match="format 1, this version reads 2") as caught:
        open_generator("patn", zoo)
    assert caught.value.code == "network_mismatch"


def test_every_generator_has_its_card(zoo: Store) -> None:
    for name in GENERATORS:
        assert (zoo.manifest.folder / "cards" / f"{name}.md").is_file()
