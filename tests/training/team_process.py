"""One of several processes that train together, as torchrun starts them: team_process.py DATA OUT."""

from __future__ import annotations

import sys
from pathlib import Path

from tryon_service.training.generator_recipe import GeneratorRecipe
from tryon_service.training.generator_run import train_generator

RECIPE = GeneratorRecipe(
    sizes={"width": 4, "style": 32, "hidden": 8},
    workers=0,
    batch=4,
    epochs=2,
    pairs=8,
    validate_every=2,
    perceptual=0.0,
    adversarial=0.0,
)

if __name__ == "__main__":
    train_generator("adgan", Path(sys.argv[1]), Path(sys.argv[2]), RECIPE)
