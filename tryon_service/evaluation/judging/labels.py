"""What judges said: the labels file of the repository, and how far two judges agree.

labels.csv holds names and words only, never pictures: product, shopper, set (calibration or check), judge1 and judge2
(each "yes" for publishable, or "no" and a defect, as in "no torn_arm"), renderer_digest.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from tryon_service.errors import InputError

Side = Literal["calibration", "check"]

DEFECTS = (
    "torn_arm",
    "torn_leg",
    "sliver",
    "seam",
    "stretched",
    "halo",
    "pose_wrong",
    "face",
    "hand",
    "background",
    "garment",
    "hole",
    "cut",
)
"""Words for what makes a picture unfit to be published."""


@dataclass(frozen=True)
class Label:
    """One picture: product and shopper are the photos' names without their suffixes."""

    product: str
    shopper: str
    set: Side
    judge1: str
    judge2: str
    renderer_digest: str

    def __post_init__(self) -> None:
        if self.set not in get_args(Side):
            raise InputError("invalid_option", f"{self.set!r} is not calibration or check.", "set")
        for word in (self.judge1, self.judge2):
            check_word(word)

    @property
    def votes(self) -> tuple[bool, bool]:
        """Whether each judge would publish it."""
        return self.judge1 == "yes", self.judge2 == "yes"

    @property
    def publishable(self) -> bool:
        """Both judges would publish it."""
        return all(self.votes)


def check_word(word: str) -> str:
    """The judge's word. Raises InputError("invalid_option") for anything but "yes" or "no <defect>"."""
    answer, _, defect = word.partition(" ")
    if word != "yes" and (answer != "no" or defect not in DEFECTS):
        raise InputError("invalid_option", f"{word!r} is not yes, or no and one of {', '.join(DEFECTS)}.", "judge")
    return word


def read_labels(path: Path) -> list[Label]:
    """Raises InputError("invalid_option") for a file with other columns or words."""
    with path.open(newline="") as file:
        rows = csv.DictReader(file)
        if rows.fieldnames != (names := [field.name for field in fields(Label)]):
            raise InputError("invalid_option", f"The columns of {path.name} are not {', '.join(names)}.", "labels")
        return [Label(**row) for row in rows]  # type: ignore[arg-type]  # checked by Label itself


def write_labels(path: Path, labels: Iterable[Label]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields(Label)])
        writer.writerows(sorted(astuple(label) for label in labels))


def read_judge(path: Path) -> dict[str, str]:
    """A judge's form, number -> word; the lines are "number,word" below a header. Lines without a word are left out."""
    with path.open(newline="") as file:
        return {row["number"]: check_word(row["word"].strip()) for row in csv.DictReader(file) if row["word"].strip()}


def kappa(votes: Sequence[tuple[bool, bool]]) -> float:
    """Agreement of two judges beyond chance, 1 is perfect. Cohen, "A coefficient of agreement for nominal scales"
    (1960)."""
    first, second = np.array(votes, float).T
    seen = float(np.mean(first == second))
    chance = float(first.mean() * second.mean() + (1 - first.mean()) * (1 - second.mean()))
    return (seen - chance) / (1 - chance) if chance < 1 else 1.0
