"""The repairing network: shapes, where it begins, what it may cost."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the network needs torch (the extra `neural`)")

from tryon_service.renderers.nets.refine_input import ALPHA, GREY, IMAGE_CHANNELS, LEVELS, POSE_CHANNELS, REAL  # noqa: E402
from tryon_service.renderers.nets.refine_net import RefineNet, surroundings  # noqa: E402


@pytest.mark.parametrize(("height", "width"), [(16, 16), (48, 32), (112, 64)])
def test_answers_have_the_pictures_size_whatever_it_is(height: int, width: int) -> None:
    image, pose = torch.rand(2, IMAGE_CHANNELS, height, width), torch.rand(2, POSE_CHANNELS, height // 4, width // 4)
    image[:, 3] = (image[:, 3] > 0.5).float()
    with torch.no_grad():
        residual, blend, alpha = RefineNet().eval()(image, pose)
    assert residual.shape == (2, 3, height, width)
    assert blend.shape == alpha.shape == (2, 1, height, width)
    opaque = image[:, 3:4] == 1
    assert float((residual * opaque).abs().max()) < 0.1, "an untrained network leaves alone what is there"


def test_it_is_small() -> None:
    assert 1.5e6 <= sum(weight.numel() for weight in RefineNet().parameters()) <= 2.5e6


def test_pixels_learn_apart() -> None:
    """The last step deals out single pixels: one pixel's answer can differ from its neighbours'."""
    torch.manual_seed(0)
    net = RefineNet().eval()
    torch.nn.init.normal_(net.head.weight, std=0.05)
    image, pose = torch.zeros(1, IMAGE_CHANNELS, 32, 32), torch.zeros(1, POSE_CHANNELS, 8, 8)
    image[:, ALPHA] = 1.0
    moved = image.clone()
    moved[0, 0, 9, 14] = 1.0
    with torch.no_grad():
        change = (net(moved, pose)[0] - net(image, pose)[0]).abs().sum(dim=(0, 1))
    assert float(change[9, 14]) > 0
    assert len(torch.unique(change[8:10, 14:16])) == 4


def test_holes_begin_with_the_colours_round_them() -> None:
    """A figure half red, half blue, a hole in each: they are filled with their own colour, the far ground with none."""
    colours, alpha = torch.zeros(1, 3, 64, 96), torch.zeros(1, 1, 64, 96)
    alpha[..., 8:56, 8:56] = 1
    alpha[..., 20:26, 14:20] = 0
    alpha[..., 20:26, 44:50] = 0
    colours[:, 0, :, :32], colours[:, 2, :, 32:] = 0.8, 0.6
    alpha[..., 60, 90] = 0.002
    found = surroundings(colours * alpha + (1 - alpha) * (GREY / LEVELS - 1), alpha)[0]
    assert torch.allclose(found[:, 23, 17], torch.tensor([0.8, 0.0, 0.0]), atol=0.1)
    assert torch.allclose(found[:, 23, 47], torch.tensor([0.0, 0.0, 0.6]), atol=0.1)
    assert float(found[:, :, 88:].abs().max()) < 0.61, "what hardly shows has no colour of its own"


def test_soft_edges_begin_as_they_are() -> None:
    """Only what grows is painted: an edge of any softness whose opacity stays keeps its colour over grey."""
    image, pose = torch.zeros(1, IMAGE_CHANNELS, 32, 32), torch.zeros(1, POSE_CHANNELS, 8, 8)
    image[:, ALPHA] = torch.linspace(0, 1, 32)
    image[:, REAL] = image[:, ALPHA]
    image[:, 0] = 0.8 * image[:, ALPHA]
    with torch.no_grad():
        residual, blend, alpha = RefineNet().eval()(image, pose)
    grown = (image[:, ALPHA] > 0.05) & (alpha[:, 0].abs() < 0.02)
    assert grown.any()
    assert float(((blend.sigmoid() * residual).abs().amax(dim=1) * grown).max()) < 0.06
