"""Settings of the runs that train generators, read from TOML and checked before anything starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from tryon_service.errors import InputError
from tryon_service.retarget.pose_maps import ENCODINGS
from tryon_service.training.recipe import check_names, check_range, check_wholes, read_table

Pose = Literal["vector", "drawing"]


@dataclass(frozen=True)
class GeneratorRecipe:
    """Of ADGAN and PATN. See recipes/adgan.toml for what each setting means."""

    sizes: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    pose_encoding: str = "gaussian"
    seed: int = 1
    threads: int = 1
    workers: int = 1
    batch: int = 8
    minutes: float = 0.0
    epochs: int = 100
    pairs: int = 2000
    learning_rate: float = 1e-3
    decline_from: float = 0.5
    ema: float = 0.998
    bf16: bool = True
    checkpointing: bool = False
    inside: float = 2.0
    outside: float = 0.5
    perceptual: float = 2.0
    contextual: float = 0.02
    adversarial: float = 1.0
    adversarial_from: float = 0.0
    discriminator_width: int = 64
    discriminator_rate: float = 1e-3
    held: int = 64
    validate_every: int = 4


@dataclass(frozen=True)
class TeachingRecipe:
    """Of one person's networks. See recipes/pose2image.toml and pose2image-gan.toml for what each setting means."""

    pose: Pose = "vector"
    width: int = 64
    seed: int = 1
    threads: int = 1
    workers: int = 0
    batch: int = 32
    minutes: float = 0.0
    epochs: int = 200
    learning_rate: float = 2e-4
    decline_from: float = 0.5
    ema: float = 0.998
    difference: float = 1.0
    difference_least: float = 0.0
    difference_fall: float = 0.0
    adversarial: float = 0.0
    discriminator_rate: float = 1e-4
    real_labels: tuple[float, float] = (0.85, 1.0)
    made_labels: tuple[float, float] = (0.0, 0.15)
    sure_of_real: float = 0.65
    sure_of_made: float = 0.35
    validate_every: int = 10


R = TypeVar("R", GeneratorRecipe, TeachingRecipe)


def read_generator_recipe(name: str, path: Path | None = None) -> GeneratorRecipe:
    """The recipe in the file, or the one that comes with the package. name: "adgan" or "patn".

    Raises InputError("invalid_option") for a file that can't be read, an unknown setting or one out of range.
    """
    return parse_generator_recipe(read_table(path, f"{name}.toml"))


def read_teaching_recipe(name: str, path: Path | None = None) -> TeachingRecipe:
    """The same for "pose2image" and "pose2image-gan"."""
    return parse_teaching_recipe(read_table(path, f"{name}.toml"))


def parse_generator_recipe(table: Mapping[str, Any]) -> GeneratorRecipe:
    """Raises InputError("invalid_option"), see read_generator_recipe."""
    recipe = _parsed(table, GeneratorRecipe)
    wholes = ("threads", "batch", "epochs", "pairs", "discriminator_width", "held", "validate_every")
    shares = ("learning_rate", "decline_from", "ema", "adversarial_from", "discriminator_rate")
    weights = ("inside", "outside", "perceptual", "contextual", "adversarial")
    _check(recipe, wholes, shares, weights)
    if recipe.pose_encoding not in ENCODINGS:
        raise _unfit(f"pose_encoding: {recipe.pose_encoding!r}, must be one of {', '.join(ENCODINGS)}")
    if not all(isinstance(size, int) for size in recipe.sizes.values()):
        raise _unfit(f"sizes: {dict(recipe.sizes)}, must be whole numbers")
    return recipe


def parse_teaching_recipe(table: Mapping[str, Any]) -> TeachingRecipe:
    """Raises InputError("invalid_option"), see read_generator_recipe."""
    labels = {name: _range_of(name, table[name]) for name in ("real_labels", "made_labels") if name in table}
    recipe = _parsed({**table, **labels}, TeachingRecipe)
    wholes = ("width", "threads", "epochs", "validate_every")
    shares = ("learning_rate", "decline_from", "ema", "discriminator_rate", "sure_of_real", "sure_of_made")
    _check(recipe, wholes, shares, ("difference", "difference_least", "difference_fall", "adversarial"))
    try:
        check_wholes(recipe, [("batch", 2)])  # of one picture batch norms learn nothing
    except ValueError as error:
        raise _unfit(str(error)) from error
    if recipe.pose not in ("vector", "drawing"):
        raise _unfit(f"pose: {recipe.pose!r}, must be 'vector' or 'drawing'")
    return recipe


def _parsed(table: Mapping[str, Any], kind: type[R]) -> R:
    """Raises InputError("invalid_option") for an unknown setting, or one that is no number, text or switch as it
    should be."""
    check_names(table, kind)
    for known in fields(kind):
        value, usual = table.get(known.name), known.default
        if value is None or not isinstance(usual, bool | int | float | str):
            continue
        wanted = (int, float) if isinstance(usual, float) else type(usual)
        if not isinstance(value, wanted) or isinstance(value, bool) != isinstance(usual, bool):
            raise _unfit(f"{known.name}: {value!r}, must be like {usual!r}")
    if not isinstance(table.get("sizes", {}), Mapping):
        raise _unfit("sizes: must be a table")
    return kind(**table)


def _check(recipe: R, wholes: Sequence[str], shares: Sequence[str], weights: Sequence[str]) -> None:
    """wholes: names of whole numbers from 1; shares: from 0 to 1; weights: from 0 to 1000. Raises InputError."""
    try:
        check_wholes(recipe, [*((name, 1) for name in wholes), ("workers", 0)])
        ranges = [*((name, 1.0) for name in shares), *((name, 1000.0) for name in weights), ("minutes", 1e6)]
        check_range(recipe, ranges)
    except ValueError as error:
        raise _unfit(str(error)) from error


def _range_of(name: str, value: Any) -> tuple[float, float]:  # noqa: ANN401 - as TOML has it
    """Two numbers in [0, 1], the lower first. Raises InputError."""
    sound = isinstance(value, list) and len(value) == 2 and all(isinstance(end, int | float) for end in value)
    if not sound or not 0 <= value[0] <= value[1] <= 1:
        raise _unfit(f"{name}: {value!r}, must be two numbers between 0 and 1, the lower first")
    return float(value[0]), float(value[1])


def _unfit(detail: str) -> InputError:
    return InputError("invalid_option", f"{detail}.", "recipe")
