"""Recipes of generators are read and checked before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tryon_service.errors import InputError
from tryon_service.training.generator_recipe import (
    GeneratorRecipe,
    TeachingRecipe,
    parse_generator_recipe,
    parse_teaching_recipe,
    read_generator_recipe,
    read_teaching_recipe,
)


def test_the_recipes_that_come_with_the_package() -> None:
    adgan, patn = read_generator_recipe("adgan"), read_generator_recipe("patn")
    assert adgan.sizes == {"width": 64, "style": 512, "hidden": 256}
    assert patn.sizes == {"width": 64}
    assert adgan.contextual > patn.contextual == 0
    plain, critic = read_teaching_recipe("pose2image"), read_teaching_recipe("pose2image-gan")
    assert (plain.adversarial, critic.adversarial) == (0, 1)
    assert critic.real_labels == (0.85, 1.0)
    assert critic.made_labels == (0.0, 0.15)


def test_what_is_left_out_keeps_its_default(tmp_path: Path) -> None:
    assert parse_generator_recipe({}) == GeneratorRecipe()
    (tmp_path / "mine.toml").write_text('pose = "drawing"\nepochs = 3\n')
    assert read_teaching_recipe("pose2image", tmp_path / "mine.toml") == TeachingRecipe(pose="drawing", epochs=3)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"bath": 8}, "bath: unknown"),
        ({"batch": 0}, "batch"),
        ({"batch": 2.5}, "batch"),
        ({"ema": 1.5}, "ema"),
        ({"inside": -1}, "inside"),
        ({"bf16": "yes"}, "bf16"),
        ({"bf16": 1}, "bf16"),
        ({"pairs": True}, "pairs"),
        ({"learning_rate": "fast"}, "learning_rate"),
        ({"pose_encoding": "blobs"}, "must be one of impulse, gaussian"),
        ({"sizes": 64}, "sizes"),
        ({"sizes": {"width": 1.5}}, "sizes"),
    ],
)
def test_bad_settings_are_named(change: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        parse_generator_recipe(change)
    assert caught.value.field == "recipe"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"pose": "picture"}, "'vector' or 'drawing'"),
        ({"batch": 1}, "at least 2"),
        ({"real_labels": [1.0, 0.85]}, "real_labels"),
        ({"made_labels": 0.1}, "made_labels"),
        ({"sizes": {"width": 64}}, "sizes: unknown"),
        ({"difference": 1e4}, "difference"),
    ],
)
def test_bad_teaching_settings_are_named(change: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        parse_teaching_recipe(change)
    assert caught.value.field == "recipe"
