"""A training run's settings, read from TOML and checked before anything starts."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

from tryon_service.errors import InputError
from tryon_service.types import Size


@dataclass(frozen=True)
class Stage:
    """size: (width, height) of the crops, multiples of 16; epochs: at least 1."""

    size: Size
    epochs: int


@dataclass(frozen=True)
class Recipe:
    """See recipes/parser.toml for what each setting means."""

    stages: tuple[Stage, ...]
    seed: int = 1
    validation: int = 100
    threads: int = 1
    workers: int = 1
    batch: int = 16
    minutes: float = 0.0
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    ema: float = 0.998
    dice: float = 0.6
    validate_every: int = 4
    self_training: float = 0.65
    near_duplicates: tuple[tuple[str, str], ...] = ()

    @property
    def epochs(self) -> int:
        return sum(stage.epochs for stage in self.stages)

    def stage_at(self, progress: float) -> Stage:
        """The stage in force when this share of the run, in [0, 1], is done: of its epochs, or by the clock of its
        minutes, which stages divide by epochs times pixels."""
        costs = [stage.epochs * (stage.size[0] * stage.size[1] if self.minutes else 1) for stage in self.stages]
        done = 0
        for stage, cost in zip(self.stages, costs, strict=True):
            done += cost
            if progress * sum(costs) < done * (1 - 1e-9):
                return stage
        return self.stages[-1]


def read_recipe(path: Path | None = None) -> Recipe:
    """The recipe in the file, or the one that comes with the package.

    Raises InputError("invalid_option") for a file that can't be read, an unknown setting or one out of range.
    """
    try:
        text = path.read_text() if path else resources.files(__package__).joinpath("recipes/parser.toml").read_text()
        return parse_recipe(tomllib.loads(text))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError("invalid_option", f"{path}: {error}.", "recipe") from error


def parse_recipe(table: dict[str, Any]) -> Recipe:
    """Raises InputError("invalid_option"), see read_recipe."""
    known = {field.name for field in fields(Recipe)}
    if unknown := sorted(set(table) - known):
        raise InputError(
            "invalid_option", f"{', '.join(unknown)}: unknown; known are {', '.join(sorted(known))}.", "recipe"
        )
    try:
        pairs = tuple((str(a), str(b)) for a, b in table.get("near_duplicates", {}).get("pairs", ()))
        stages = tuple(Stage((int(s["size"][0]), int(s["size"][1])), int(s["epochs"])) for s in table["stages"])
        recipe = Recipe(**{**table, "stages": stages, "near_duplicates": pairs})
        _check(recipe)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise InputError("invalid_option", f"{error}.", "recipe") from error
    return recipe


def _check(recipe: Recipe) -> None:
    """Raises ValueError naming the setting, its value and what is allowed."""
    if not recipe.stages:
        raise ValueError("stages: at least one is needed")
    for stage in recipe.stages:
        if stage.epochs < 1 or min(stage.size) < 32 or any(side % 16 for side in stage.size):
            raise ValueError(f"stages: {stage} needs epochs >= 1 and sides that are multiples of 16, at least 32")
    for name, low in (("validation", 1), ("threads", 1), ("workers", 0), ("batch", 2), ("validate_every", 1)):
        value = getattr(recipe, name)
        if not isinstance(value, int) or value < low:
            raise ValueError(f"{name}: {value!r}, must be a whole number of at least {low}")
    for name, high in (
        ("learning_rate", 1.0),
        ("weight_decay", 1.0),
        ("ema", 1.0),
        ("dice", 10.0),
        ("self_training", 1.0),
        ("minutes", 1e6),
    ):
        value = float(getattr(recipe, name))
        if not 0 <= value <= high:
            raise ValueError(f"{name}: {value}, must be between 0 and {high:g}")
