"""The measures' reason codes and weights, and the quality they add up to."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

CODES: Mapping[str, str] = {
    "view": "view_mismatch",
    "arm_turn": "pose_too_different",
    "leg_turn": "pose_too_different",
    "lean": "pose_too_different",
    "arm_length": "pose_too_different",
    "leg_length": "pose_too_different",
    "shown": "joint_hidden",
    "unhidden": "limb_behind_body",
    "uncut": "body_cropped",
    "inside": "pose_too_different",
    "coverage": "garment_not_visible",
    "limbs_real": "limb_behind_body",
    "limbs_whole": "limb_behind_body",
    "pose_agreement": "pose_too_different",
    "pck": "pose_too_different",
    "one_piece": "limb_behind_body",
    "no_holes": "limb_behind_body",
    "clean_outline": "limb_behind_body",
    "clean_parts": "limb_behind_body",
    "no_seams": "garment_not_visible",
    "torso_whole": "garment_not_visible",
    "texture": "pose_too_different",
    "garment_area": "pose_too_different",
    "head_area": "pose_too_different",
    "limb_width": "pose_too_different",
}
"""Every measure, and the reason code for a picture that it speaks against most."""


@dataclass(frozen=True)
class Table:
    """A file of tables/. weights: by measure, not negative; intercept: the log odds of a flawless picture; threshold:
    least quality of an accepted one; renderer: digest of the renderer whose pictures were judged."""

    intercept: float
    weights: Mapping[str, float]
    threshold: float
    renderer: str

    def quality(self, measures: Mapping[str, float]) -> float:
        """Chance in [0, 1] that a picture is fit to be published; a measure that is missing counts as flawless."""
        return float(1.0 / (1.0 + np.exp(-self.log_odds(measures))))

    def log_odds(self, measures: Mapping[str, float]) -> float:
        return self.intercept - sum(self._losses(measures).values())

    def worst(self, measures: Mapping[str, float]) -> str:
        """The measure that costs the picture most."""
        losses = self._losses(measures)
        return max(losses, key=lambda name: losses[name])

    def needed(self, name: str, measures: Mapping[str, float]) -> float:
        """What the measure would have to be, all others as they are, for the picture to be accepted; at most 1."""
        missing = float(np.log(self.threshold / (1.0 - self.threshold))) - self.log_odds(measures)
        return float(np.clip(measures[name] + missing / max(self.weights[name], 1e-9), 0.0, 1.0))

    def _losses(self, measures: Mapping[str, float]) -> dict[str, float]:
        return {name: weight * (1.0 - measures.get(name, 1.0)) for name, weight in self.weights.items()}


@cache
def table(renderer: str) -> Table | None:
    """The committed table of the renderer with this name, read once; None while none of its pictures were judged."""
    file = files("tryon_service.quality") / "tables" / f"{renderer}.toml"
    return parse_table(file.read_text()) if file.is_file() else None


def parse_table(text: str) -> Table:
    values = tomllib.loads(text)
    unknown = set(values["weights"]) - set(CODES)
    if unknown:
        raise ValueError(f"the table weighs unknown measures: {', '.join(sorted(unknown))}")
    return Table(float(values["intercept"]), values["weights"], float(values["threshold"]), values["renderer"])
