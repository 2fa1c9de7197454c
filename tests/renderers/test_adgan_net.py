"""ADGAN's generator against the published one, number by number, and what a code may be made of."""

from __future__ import annotations

from typing import Any

import pytest

from tests.renderers.parity import TOLERANCE, full_shapes, parity

torch = pytest.importorskip("torch", reason="the network needs torch (the extra `neural`)")

from tryon_service.renderers.nets.adgan_net import ADAPTIVE, CLASSES, AdganConfig, AdganNet  # noqa: E402
from tryon_service.zoo.checkpoints import shapes  # noqa: E402

torch.set_num_threads(1)  # tests share the machine

SMALL = AdganConfig(width=4, style=32, hidden=8)
VGG_BEHIND = tuple(f"enc_style.vgg.{layer}." for layer in (21, 23, 25, 28, 30, 32, 34))


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    return {name: torch.from_numpy(array) for name, array in parity("adgan").items()}


@pytest.fixture(scope="module")
def whole(published: dict[str, Any]) -> AdganNet:
    """With every published weight, those of the VGG behind conv4_1 too."""
    state = weights(published)
    net = AdganNet(AdganConfig.of(shapes(state)), whole_vgg=True)
    net.load_state_dict(state, strict=True)
    return net.eval()


def weights(published: dict[str, Any]) -> dict[str, Any]:
    return {
        name.removeprefix("sd/"): value
        for name, value in published.items()
        if name.startswith("sd/") and ".running_" not in name
    }


def assert_close(found: Any, expected: Any) -> None:
    torch.testing.assert_close(found, expected, atol=TOLERANCE, rtol=0)


@torch.no_grad()
def test_every_published_number_is_reproduced(whole: AdganNet, published: dict[str, Any]) -> None:
    pose, image, parsing = (published[f"in/{name}"] for name in ("pose", "image", "sem"))
    code = whole.style(image, parsing)
    assert_close(code, published["mid/style_concat"])
    assert_close(whole.fc(code), published["mid/style_fc"])
    assert_close(whole.mlp(whole.fc(code)), published["mid/adain_params"])
    assert_close(whole.enc_content(pose), published["mid/content"])
    upper = CLASSES.index("upper")
    taps = whole.enc_style.taps(image * parsing[:, upper : upper + 1])
    assert_close(taps[0], published["mid/vgg_conv1_1_class5"])
    assert_close(taps[3], published["mid/vgg_conv4_1_class5"])
    assert_close(whole(pose, image, parsing), published["out/image"])


@torch.no_grad()
def test_without_the_unused_layers_the_picture_is_the_same_to_the_bit(
    whole: AdganNet, published: dict[str, Any]
) -> None:
    cut = AdganNet(whole.config).eval()
    cut.load_state_dict(
        {name: value for name, value in whole.state_dict().items() if not name.startswith(VGG_BEHIND)}, strict=True
    )
    inputs = [published[f"in/{name}"] for name in ("pose", "image", "sem")]
    assert torch.equal(cut(*inputs), whole(*inputs))


@torch.no_grad()
def test_a_kept_code_draws_the_same_picture(whole: AdganNet, published: dict[str, Any]) -> None:
    pose, image, parsing = (published[f"in/{name}"] for name in ("pose", "image", "sem"))
    code = whole.style(image, parsing).numpy().tobytes()  # as a cache would keep it
    kept = torch.frombuffer(bytearray(code), dtype=torch.float32).unflatten(0, (2, -1))
    assert torch.equal(whole.draw(pose, kept), whole(pose, image, parsing))


def test_names_and_shapes_at_full_size_are_the_published_ones() -> None:
    with torch.device("meta"):
        net = AdganNet(whole_vgg=True)
    expected = {name: shape for name, shape in full_shapes("adgan").items() if ".running_" not in name}
    assert shapes(net.state_dict()) == expected
    trained = [weight.numel() for weight in net.parameters() if weight.requires_grad]
    assert sum(trained) == 28_774_915, "all but the VGG, whose weights are frozen"


@torch.no_grad()
def test_a_slice_of_the_code_is_of_one_attribute_alone() -> None:
    """Changing the colours of the trousers changes their slice and no other: slices can come from several people."""
    torch.manual_seed(0)
    net = AdganNet(SMALL).eval()
    for layer in (net.enc_style.conv1, net.enc_style.model[1]):  # begin's weights hardly tell pictures apart
        torch.nn.init.normal_(getattr(layer, "conv", layer).weight)
    image, parsing = torch.rand(1, 3, 32, 24), torch.zeros(1, len(CLASSES), 32, 24)
    pants, upper = CLASSES.index("pants"), CLASSES.index("upper")
    parsing[:, upper, :16], parsing[:, pants, 16:] = 1, 1
    other = image.clone()
    other[:, :, 16:] = -1
    changed = (net.style(image, parsing) != net.style(other, parsing)).unflatten(1, (len(CLASSES), -1)).any(2)
    assert changed[0].nonzero().flatten().tolist() == [pants]


@torch.no_grad()
@pytest.mark.parametrize(("height", "width"), [(32, 24), (64, 44)])
def test_pictures_have_the_poses_size_and_stay_in_range(height: int, width: int) -> None:
    net = AdganNet(SMALL).eval()
    picture = net.draw(torch.rand(2, 18, height, width), torch.randn(2, SMALL.style))
    assert picture.shape == (2, 3, height, width)
    assert float(picture.abs().max()) <= 1


def test_training_reaches_every_weight_but_the_vgg() -> None:
    torch.manual_seed(0)
    net = AdganNet(SMALL)
    net(torch.rand(1, 18, 32, 24), torch.rand(1, 3, 32, 24), torch.ones(1, 8, 32, 24)).square().mean().backward()
    without = {name for name, weight in net.named_parameters() if weight.grad is None}
    assert without
    assert all(name.startswith("enc_style.vgg.") for name in without)


def test_sizes_are_read_off_the_weights_and_checked() -> None:
    with torch.device("meta"):
        assert AdganConfig.of(shapes(AdganNet(SMALL).state_dict())) == SMALL
    assert AdganConfig.of({"fc.fc.weight": [], "enc_style.conv1.conv.weight": [0, 3, 7, 7]}) == AdganConfig()
    for sizes in ({"width": 0}, {"style": 12}):
        with pytest.raises(ValueError, match="sizes"):
            AdganConfig(**sizes)
    assert ADAPTIVE == 16
