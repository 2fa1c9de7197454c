"""The contextual loss against its equations written out, and that its memory is that of a block."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch (the extra `neural`)")

from tryon_service.training.contextual import BANDWIDTH, NEAREST, contextual_loss, likeness  # noqa: E402

torch.set_num_threads(1)  # tests share the machine


def features(seed: int, height: int = 5, width: int = 7, channels: int = 6) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(2, channels, height, width)).astype(np.float32))


def by_the_equations(found: np.ndarray, wanted: np.ndarray) -> float:
    """Equations 1 to 4 of the paper, feature by feature."""
    made = [found[:, y, x] for y in range(found.shape[1]) for x in range(found.shape[2])]
    real = [wanted[:, y, x] for y in range(wanted.shape[1]) for x in range(wanted.shape[2])]
    middle = np.mean(real, axis=0)
    best = np.zeros(len(real))
    for one in made:
        a = (one - middle) / np.linalg.norm(one - middle)
        distance = np.array([1 - a @ (b - middle) / np.linalg.norm(b - middle) for b in real])
        weight = np.exp((1 - distance / (distance.min() + NEAREST)) / BANDWIDTH)
        best = np.maximum(best, weight / weight.sum())
    return float(best.mean())


def test_likeness_is_the_papers() -> None:
    found, wanted = features(0), features(1, 4, 6)
    expected = [by_the_equations(a, b) for a, b in zip(found.numpy(), wanted.numpy(), strict=True)]
    assert [float(likeness(a, b)) for a, b in zip(found, wanted, strict=True)] == pytest.approx(expected, abs=1e-5)
    assert float(contextual_loss(found, wanted)) == pytest.approx(-np.log(expected).mean(), abs=1e-5)


@pytest.mark.parametrize("block", [1, 8, 34, 35, 1000])
def test_blocks_change_neither_the_loss_nor_its_gradient(block: int) -> None:
    def loss_and_gradient(rows: int) -> tuple[float, torch.Tensor]:
        found = features(2).requires_grad_(True)
        loss = contextual_loss(found, features(3), rows)
        loss.backward()
        assert found.grad is not None
        return float(loss.detach()), found.grad

    (whole, gradient), (blocked, other) = loss_and_gradient(35), loss_and_gradient(block)
    assert blocked == pytest.approx(whole, abs=1e-6)
    assert torch.allclose(gradient, other, atol=1e-7)
    assert float(gradient.abs().max()) > 1e-5


def test_no_more_than_a_block_is_remembered() -> None:
    """What the graph holds for the gradient is as large as the features, however many comparisons were made."""
    found, wanted = features(4, 24, 24).requires_grad_(True), features(5, 24, 24)
    held: list[int] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        held.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        contextual_loss(found, wanted, block=16)
    assert max(held) < 16 * 24 * 24, "no matrix of a block is held, let alone one of all"


def test_moved_features_are_alike_and_others_are_not() -> None:
    wanted = features(6)
    moved = torch.roll(wanted, (2, 3), (2, 3))
    assert float(contextual_loss(moved, wanted)) < 0.05
    assert float(contextual_loss(features(7), wanted)) > 0.5
