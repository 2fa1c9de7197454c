"""The teaching family: sizes as published, and a network that can learn a handful of frames by heart."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the networks need torch (the extra `neural`)")

from tryon_service.renderers.nets.teaching_nets import (  # noqa: E402
    SIDE,
    Critic,
    DrawingToImage,
    VectorToImage,
)
from tryon_service.renderers.pose_vector import POSE_NUMBERS  # noqa: E402

torch.set_num_threads(1)  # tests share the machine


def test_the_vectors_network_has_the_published_size() -> None:
    assert POSE_NUMBERS == 26
    assert sum(weight.numel() for weight in VectorToImage().parameters()) == 2_970_496


def test_shapes_and_ranges() -> None:
    picture = VectorToImage(8)(torch.rand(2, POSE_NUMBERS))
    assert picture.shape == DrawingToImage(8)(torch.rand(2, 3, SIDE, SIDE)).shape == (2, 3, SIDE, SIDE)
    assert float(picture.detach().abs().max()) <= 1
    assert Critic(8)(picture).shape == (2, 1, 4, 4)


@pytest.mark.parametrize("from_drawing", [False, True])
def test_it_learns_frames_by_heart(from_drawing: bool) -> None:
    torch.manual_seed(0)
    net = DrawingToImage(8) if from_drawing else VectorToImage(8)
    poses = torch.randn(4, 3, SIDE, SIDE) if from_drawing else torch.randn(4, POSE_NUMBERS)
    frames = torch.zeros(4, 3, SIDE, SIDE) - 0.5
    for index in range(4):
        frames[index, index % 3, 8 * index : 8 * index + 24, 16:48] = 0.8
    optimiser = torch.optim.Adam(net.parameters(), lr=4e-3, betas=(0.5, 0.999))
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = (net(poses) - frames).abs().mean()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.25 * losses[0]
