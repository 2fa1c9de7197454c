"""A training run's settings, read from TOML and checked before anything starts."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
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
    """Of the parser. See recipes/parser.toml for what each setting means."""

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


@dataclass(frozen=True)
class RefineRecipe:
    """Of the repairing network. See recipes/refine.toml for what each setting means."""

    size: Size = (192, 256)
    seed: int = 1
    threads: int = 2
    workers: int = 1
    batch: int = 8
    minutes: float = 0.0
    epochs: int = 40
    crops: int = 1600
    smallest: float = 0.55
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    ema: float = 0.998
    structure: float = 1.0
    opacity: float = 0.2
    stillness: float = 0.05
    features: float = 0.15
    features_from: float = 0.1
    adversarial: float = 0.01
    matching: float = 0.05
    adversarial_from: float = 0.65
    discriminator_rate: float = 2e-4
    real: float = 0.2
    held: int = 64
    validate_every: int = 4


def read_recipe(path: Path | None = None) -> Recipe:
    """The parser's recipe in the file, or the one that comes with the package.

    Raises InputError("invalid_option") for a file that can't be read, an unknown setting or one out of range.
    """
    return parse_recipe(read_table(path, "parser.toml"))


def read_refine_recipe(path: Path | None = None) -> RefineRecipe:
    """The repairing network's, see read_recipe."""
    return parse_refine_recipe(read_table(path, "refine.toml"))


def parse_recipe(table: dict[str, Any]) -> Recipe:
    """Raises InputError("invalid_option"), see read_recipe."""
    check_names(table, Recipe)
    try:
        pairs = tuple((str(a), str(b)) for a, b in table.get("near_duplicates", {}).get("pairs", ()))
        stages = tuple(Stage((int(s["size"][0]), int(s["size"][1])), int(s["epochs"])) for s in table["stages"])
        recipe = Recipe(**{**table, "stages": stages, "near_duplicates": pairs})
        _check(recipe)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise InputError("invalid_option", f"{error}.", "recipe") from error
    return recipe


def parse_refine_recipe(table: dict[str, Any]) -> RefineRecipe:
    """Raises InputError("invalid_option"), see read_recipe."""
    check_names(table, RefineRecipe)
    try:
        width, height = (int(side) for side in table.get("size", RefineRecipe.size))
        recipe = RefineRecipe(**{**table, "size": (width, height)})
        _check_refine(recipe)
    except (TypeError, ValueError) as error:
        raise InputError("invalid_option", f"{error}.", "recipe") from error
    return recipe


def read_table(path: Path | None, shipped: str) -> dict[str, Any]:
    """The file's settings, or those of the recipe of this name that comes with the package. Raises InputError."""
    try:
        text = path.read_text() if path else resources.files(__package__).joinpath(f"recipes/{shipped}").read_text()
        return tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError("invalid_option", f"{path}: {error}.", "recipe") from error


def check_names(table: Mapping[str, Any], recipe: type[Any]) -> None:
    """Raises InputError("invalid_option") for settings that the recipe, a dataclass, doesn't have."""
    known = {field.name for field in fields(recipe)}
    if unknown := sorted(set(table) - known):
        raise InputError(
            "invalid_option", f"{', '.join(unknown)}: unknown; known are {', '.join(sorted(known))}.", "recipe"
        )


def _check(recipe: Recipe) -> None:
    """Raises ValueError naming the setting, its value and what is allowed."""
    if not recipe.stages:
        raise ValueError("stages: at least one is needed")
    for stage in recipe.stages:
        if stage.epochs < 1 or not _fits(stage.size):
            raise ValueError(f"stages: {stage} needs epochs >= 1 and sides that are multiples of 16, at least 32")
    check_wholes(recipe, (("validation", 1), ("threads", 1), ("workers", 0), ("batch", 2), ("validate_every", 1)))
    check_range(
        recipe,
        (
            ("learning_rate", 1.0),
            ("weight_decay", 1.0),
            ("ema", 1.0),
            ("dice", 10.0),
            ("self_training", 1.0),
            ("minutes", 1e6),
        ),
    )


def _check_refine(recipe: RefineRecipe) -> None:
    """Raises ValueError naming the setting, its value and what is allowed."""
    if not _fits(recipe.size):
        raise ValueError(f"size: {recipe.size}, sides must be multiples of 16, at least 32")
    wholes = ("threads", "epochs", "crops", "held", "validate_every")
    check_wholes(recipe, [*((name, 1) for name in wholes), ("workers", 0), ("batch", 2)])
    shares = ("learning_rate", "weight_decay", "ema", "features_from", "adversarial_from", "discriminator_rate", "real")
    weights = ("structure", "opacity", "stillness", "features", "adversarial", "matching")
    check_range(recipe, [*((n, 1.0) for n in shares), *((n, 100.0) for n in weights), ("minutes", 1e6)])
    if not 0.1 <= recipe.smallest <= 1:
        raise ValueError(f"smallest: {recipe.smallest}, must be between 0.1 and 1")


def _fits(size: Size) -> bool:
    return min(size) >= 32 and not any(side % 16 for side in size)


def check_wholes(recipe: object, settings: Iterable[tuple[str, int]]) -> None:
    """settings: names with their least values. Raises ValueError, as check_range does."""
    for name, low in settings:
        value = getattr(recipe, name)
        if not isinstance(value, int) or value < low:
            raise ValueError(f"{name}: {value!r}, must be a whole number of at least {low}")


def check_range(recipe: object, settings: Iterable[tuple[str, float]]) -> None:
    """settings: names with their largest values; the least is 0."""
    for name, high in settings:
        value = float(getattr(recipe, name))
        if not 0 <= value <= high:
            raise ValueError(f"{name}: {value}, must be between 0 and {high:g}")
