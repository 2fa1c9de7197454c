"""Recipes are read and checked before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tryon_service.errors import InputError
from tryon_service.training.recipe import (
    Recipe,
    Stage,
    parse_recipe,
    parse_refine_recipe,
    read_recipe,
    read_refine_recipe,
)


def test_the_recipe_that_comes_with_the_package() -> None:
    recipe = read_recipe()
    assert recipe.stages[-1].size == (192, 256)
    assert ("0025", "1707") in recipe.near_duplicates


def test_stages_follow_epochs_or_the_clock() -> None:
    stages = (Stage((96, 128), 6), Stage((192, 256), 2))
    by_epochs = Recipe(stages)
    assert [by_epochs.stage_at(p).size[0] for p in (0, 0.74, 0.76, 1)] == [96, 96, 192, 192]
    by_clock = Recipe(stages, minutes=10)
    assert [by_clock.stage_at(p).size[0] for p in (0, 0.42, 0.44, 1)] == [96, 96, 192, 192]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"bath": 8}, "bath"),
        ({"batch": 0}, "batch"),
        ({"learning_rate": -1}, "learning_rate"),
        ({"stages": []}, "stages"),
        ({"stages": [{"size": [100, 128], "epochs": 1}]}, "multiples of 16"),
        ({"stages": [{"size": [96], "epochs": 1}]}, "index"),
    ],
)
def test_bad_settings_are_named(change: dict[str, object], word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        parse_recipe({"stages": [{"size": [96, 128], "epochs": 1}]} | change)
    assert caught.value.field == "recipe"


def test_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text("batch = = 3")
    for name in ("r.toml", "absent.toml"):
        with pytest.raises(InputError, match=name):
            read_recipe(tmp_path / name)


def test_the_refine_recipe_that_comes_with_the_package() -> None:
    recipe = read_refine_recipe()
    assert recipe.minutes > 0
    assert 0 < recipe.features_from < recipe.adversarial_from < 1


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"bath": 8}, "bath"),
        ({"batch": 1}, "batch"),
        ({"size": [100, 128]}, "multiples of 16"),
        ({"size": [96]}, "values to unpack"),
        ({"ema": 1.5}, "ema"),
        ({"adversarial": -1}, "adversarial"),
        ({"smallest": 0}, "smallest"),
        ({"crops": 2.5}, "crops"),
    ],
)
def test_bad_refine_settings_are_named(change: dict[str, object], word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        parse_refine_recipe(change)
    assert caught.value.field == "recipe"
