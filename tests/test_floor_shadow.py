"""The shadow at the model's feet, through the whole pipeline."""

from __future__ import annotations

import numpy as np
import pytest

from tryon_service.appearance.masks import widened
from tryon_service.appearance.shadow import feet_of
from tryon_service.figures import OUTFITS, FigurePose, draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.pipeline import Job, Pipeline, Product, RenderRequest

SIZE = (384, 512)
WIDE = FigurePose(left_thigh=(15, 0), left_shin=(14, 0), right_thigh=(15, 0), right_shin=(14, 0))


@pytest.fixture(scope="module")
def product(pipeline: Pipeline, product_png: bytes) -> Product:
    return pipeline.analyse_product(product_png)


def posed(pipeline: Pipeline, product: Product, pose: FigurePose | str, **options: object) -> Job:
    shopper = encode(draw_figure(pose, OUTFITS["striped_long"], SIZE, seed=1).photo, "png")
    job = Job(RenderRequest(shopper, (product,), **options))  # type: ignore[arg-type]
    pipeline.run(job)
    assert job.picture is not None
    return job


def darkness(job: Job) -> np.ndarray:
    """H x W float in [0, 1]: how much darker the picture is than the empty studio, where the person isn't."""
    assert job.picture is not None
    assert job.rendered is not None
    assert job.product is not None
    empty = job.product.appearance.background.astype(float).mean(axis=2)
    dark = 1 - job.picture[..., :3].astype(float).mean(axis=2) / empty
    dark[widened(job.rendered.alpha > 0.02, 3)] = 0
    return np.clip(dark, 0, 1)


def test_the_shadow_goes_with_the_feet(pipeline: Pipeline, product: Product) -> None:
    assert product.appearance.shadow is not None
    job = posed(pipeline, product, WIDE)
    assert job.target is not None
    before, after = feet_of(product.person.keypoints), feet_of(job.target.keypoints)
    spread = after[0, 0] - after[1, 0]
    assert spread > 1.3 * (before[0, 0] - before[1, 0]), "the feet must have moved apart"
    dark = darkness(job)
    columns = np.arange(dark.shape[1])
    dark[: int(after[:, 1].min()) - 20] = 0
    for foot in after:
        near = np.abs(columns - foot[0]) < 0.3 * spread
        beside = dark[:, near]
        assert beside.max() > 0.06, "a shadow under every foot"
        centre = (beside.sum(axis=0) * columns[near]).sum() / beside.sum()
        assert abs(centre - foot[0]) < 0.2 * spread


def test_above_the_floor_the_studio_is_empty(pipeline: Pipeline, product: Product) -> None:
    job = posed(pipeline, product, "hand_on_hip")
    assert job.target is not None
    dark = darkness(job)
    knees = int(job.target.keypoints.xy[[25, 26], 1].max())
    assert np.percentile(dark[:knees], 99.5) < 0.04


def test_on_plain_colour_the_same_shadow_falls_and_on_nothing_none(pipeline: Pipeline, product: Product) -> None:
    studio, grey = (posed(pipeline, product, WIDE, background=kind) for kind in ("product", "#c0c0c0"))
    assert grey.picture is not None
    assert grey.picture[5, 5].tolist() == [192, 192, 192]
    outside = darkness(studio) > 0
    plain = np.where(outside, 1 - grey.picture.mean(axis=2) / 192, 0.0)
    assert plain.max() > 0.06
    assert np.abs(plain - darkness(studio)).max() < 0.05
    clear = posed(pipeline, product, WIDE, background="transparent")
    assert clear.picture is not None
    assert clear.rendered is not None
    assert clear.picture[..., 3][clear.rendered.alpha == 0].max() == 0
