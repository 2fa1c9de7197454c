"""The judges of ADGAN and PATN: what they see, what they answer, and what a picture learns from them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch", reason="the networks need torch (the extra `neural`)")

from tryon_service.renderers.nets.discriminators import (  # noqa: E402
    PairDiscriminator,
    person_discriminator,
    pose_discriminator,
)

torch.set_num_threads(1)  # tests share the machine


@pytest.mark.parametrize(("make", "beside"), [(pose_discriminator, 18), (person_discriminator, 3)])
def test_scores_are_a_map_at_a_quarter_of_the_size(make: Callable[[int], PairDiscriminator], beside: int) -> None:
    scores = make(4)(torch.rand(2, 3, 64, 44), torch.rand(2, beside, 64, 44))
    assert scores.shape == (2, 16, 16, 11)


def test_both_are_judged_and_the_picture_is_told_why() -> None:
    torch.manual_seed(0)
    judge = person_discriminator(4).eval()
    picture, other = torch.rand(1, 3, 32, 24, requires_grad=True), torch.rand(1, 3, 32, 24)
    scores = judge(picture, other)
    assert not torch.allclose(scores, judge(picture, other.flip(3)))
    assert not torch.allclose(scores, judge(picture.flip(3), other))
    (scores - 1).square().mean().backward()
    assert picture.grad is not None
    assert bool(picture.grad.any())


def test_judging_is_certain_only_outside_training() -> None:
    judge, pair = pose_discriminator(4), (torch.rand(1, 3, 32, 24), torch.rand(1, 18, 32, 24))
    assert not torch.equal(judge(*pair), judge(*pair)), "dropout"
    judge.eval()
    assert torch.equal(judge(*pair), judge(*pair))
