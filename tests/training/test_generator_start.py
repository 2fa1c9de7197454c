"""Where a generator's first weights come from: nothing, a file of ours, a VGG19 that the user has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="training needs torch (the extra `neural`)")
pytest.importorskip("safetensors", reason="files of weights need safetensors (the extra `neural`)")
pytest.importorskip("onnx", reason="the parser's features are read with onnx (the extra `neural`)")

from tryon_service.appearance.labels import ADGAN  # noqa: E402
from tryon_service.errors import InputError  # noqa: E402
from tryon_service.renderers.nets.adgan_net import AdganConfig, AdganNet, vgg19  # noqa: E402
from tryon_service.training.generator_features import MEAN, STD, VggFeatures, read_vgg  # noqa: E402
from tryon_service.training.generator_recipe import GeneratorRecipe  # noqa: E402
from tryon_service.training.generator_start import first_network  # noqa: E402
from tryon_service.zoo.weights_file import Header, write_weights  # noqa: E402

torch.set_num_threads(1)  # tests share the machine

SIZES = {"width": 4, "style": 32, "hidden": 8}
RECIPE = GeneratorRecipe(sizes=SIZES)


def vgg_state(width: int = 4, seed: int = 0) -> dict[str, Any]:
    """As torchvision saves a VGG19, of another width."""
    torch.manual_seed(seed)
    layers = {f"features.{name}": value for name, value in vgg19(width, whole=True).state_dict().items()}
    return layers | {"classifier.0.weight": torch.zeros(2, 2), "classifier.0.bias": torch.zeros(2)}


def saved(path: Path, state: dict[str, Any]) -> Path:
    torch.save(state, path)
    return path


def test_a_vgg_of_torchvisions_layout_gives_its_features(tmp_path: Path) -> None:
    path = saved(tmp_path / "vgg19.pth", vgg_state())
    features = VggFeatures(read_vgg(path), path)
    assert not any(weight.requires_grad for weight in features.parameters())
    whole = vgg19(4, whole=True)
    whole.load_state_dict({k.removeprefix("features."): v for k, v in vgg_state().items() if "features" in k})
    picture = torch.rand(2, 3, 32, 24) * 2 - 1
    x = ((picture + 1) / 2 - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    wanted = []
    with torch.no_grad():
        for index, layer in enumerate(whole[:23]):
            x = layer(x)
            if index in (3, 13, 22):
                wanted.append(x)
        found = features(picture, torch.ones(2, 1, 32, 24), torch.zeros(2, 16, 8, 6))
    assert [tuple(level.shape[1:]) for level in wanted] == [(4, 32, 24), (16, 8, 6), (32, 4, 3)]
    for one, other in zip([*found.placed, *found.anywhere], wanted, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_a_vgg_that_isnt_one_is_refused_by_name(tmp_path: Path) -> None:
    state = vgg_state()
    del state["features.19.bias"]
    path = saved(tmp_path / "half.pth", state)
    with pytest.raises(InputError, match=r"half\.pth .*missing: features\.19\.bias"):
        VggFeatures(read_vgg(path), path)
    path = saved(tmp_path / "other.pth", {"conv.weight": torch.zeros(2)})
    with pytest.raises(InputError, match=r"other\.pth .*unknown: conv\.weight"):
        VggFeatures(read_vgg(path), path)


def test_adgans_branch_is_the_vgg(tmp_path: Path) -> None:
    state = read_vgg(saved(tmp_path / "vgg19.pth", vgg_state()))
    net, words = first_network("adgan", RECIPE, state)
    assert "the VGG19 that was given" in words
    for name, value in net.enc_style.vgg.state_dict().items():
        assert torch.equal(value, state[f"features.{name}"]), name
    assert not any(weight.requires_grad for weight in net.enc_style.vgg.parameters())
    with pytest.raises(InputError, match="width isn't that of the network, 8") as caught:
        first_network("adgan", replace(RECIPE, sizes=SIZES | {"width": 8}), state)
    assert caught.value.field == "vgg"


def test_without_a_vgg_it_says_so(caplog: pytest.LogCaptureFixture) -> None:
    net, words = first_network("adgan", RECIPE)
    assert words == "its VGG branch is random"
    assert "--vgg" in caplog.text
    assert not any(weight.requires_grad for weight in net.enc_style.vgg.parameters())


def test_the_code_is_heard_from_the_first_step() -> None:
    """Other clothes change the picture as they never would with the paper's first weights at this width."""
    spread = []
    for start in (lambda: first_network("adgan", RECIPE)[0], lambda: AdganNet(AdganConfig(**SIZES))):
        torch.manual_seed(0)
        net = start()
        pose, parsing = torch.rand(1, 18, 32, 32), torch.ones(1, len(ADGAN), 32, 32)
        with torch.no_grad():
            one, other = (net(pose, torch.full((1, 3, 32, 32), level), parsing) for level in (-1.0, 1.0))
        spread.append(float((one - other).abs().mean()))
    assert spread[0] > 1e-2 > 1e-4 > spread[1]


def test_weights_of_ours_are_gone_on_from(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    torch.manual_seed(3)
    before = AdganNet(AdganConfig(**SIZES))
    write_weights(path, before.state_dict(), Header("adgan", SIZES, tuple(ADGAN), "gaussian", "somewhere"))
    net, words = first_network("adgan", RECIPE, start=path)
    assert words == "begun from mine.safetensors (somewhere)"
    assert all(torch.equal(value, before.state_dict()[name]) for name, value in net.state_dict().items())
    learned = {name for name, weight in net.named_parameters() if weight.requires_grad}
    assert learned == {name for name, weight in before.named_parameters() if weight.requires_grad}
    with pytest.raises(InputError, match="encoding gaussian, not impulse"):
        first_network("adgan", replace(RECIPE, pose_encoding="impulse"), start=path)
    with pytest.raises(InputError, match="holds weights of adgan, not of patn"):
        first_network("patn", replace(RECIPE, sizes={"width": 4}), start=path)
    with pytest.raises(InputError, match="of another shape"):
        first_network("adgan", replace(RECIPE, sizes=SIZES | {"hidden": 16}), start=path)
