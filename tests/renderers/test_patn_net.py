"""PATN's generator against the published one, number by number."""

from __future__ import annotations

from typing import Any

import pytest

from tests.renderers.parity import TOLERANCE, full_shapes, parity

torch = pytest.importorskip("torch", reason="the network needs torch (the extra `neural`)")

from tryon_service.renderers.nets.patn_net import PatnConfig, PatnNet  # noqa: E402
from tryon_service.zoo.checkpoints import shapes  # noqa: E402

torch.set_num_threads(1)  # tests share the machine


def assert_close(found: Any, expected: Any) -> None:
    torch.testing.assert_close(found, expected, atol=TOLERANCE, rtol=0)


@torch.no_grad()
def test_every_published_number_is_reproduced() -> None:
    published = {name: torch.from_numpy(array) for name, array in parity("patn").items()}
    state = {name.removeprefix("sd/model."): value for name, value in published.items() if name.startswith("sd/")}
    net = PatnNet(PatnConfig.of(shapes(state))).eval()
    net.load_state_dict(state, strict=True)
    image, source, target = (published[f"in/{name}"] for name in ("image", "pose_src", "pose_tgt"))
    looks, poses = net.stream1_down(image), net.stream2_down(torch.cat([source, target], dim=1))
    assert_close(looks, published["mid/s1_down"])
    assert_close(poses, published["mid/s2_down"])
    for index, block in enumerate(net.att):
        looks, poses = block(looks, poses)
        if index == 0:
            assert_close(looks, published["mid/block0_s1"])
            assert_close(poses, published["mid/block0_s2"])
    assert_close(looks, published["mid/att_out"])
    assert_close(net(image, source, target), published["out/image"])


def test_names_and_shapes_at_full_size_are_the_published_ones() -> None:
    with torch.device("meta"):
        net = PatnNet()
    assert {f"model.{name}": shape for name, shape in shapes(net.state_dict()).items()} == full_shapes("patn")


def test_training_reaches_every_weight() -> None:
    net = PatnNet(PatnConfig(width=2))
    net(torch.rand(1, 3, 32, 24), torch.rand(1, 18, 32, 24), torch.rand(1, 18, 32, 24)).square().mean().backward()
    assert all(weight.grad is not None for weight in net.parameters())


def test_the_width_is_read_off_the_weights_and_checked() -> None:
    with torch.device("meta"):
        assert PatnConfig.of(shapes(PatnNet(PatnConfig(4)).state_dict())) == PatnConfig(4)
    assert PatnConfig.of({"stream1_down.1.weight": []}) == PatnConfig()
    with pytest.raises(ValueError, match="sizes"):
        PatnConfig(width=0)
