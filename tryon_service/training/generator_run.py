"""Training a generator: a dataset of portraits in, checkpoints, curves, sheets, events and a file of weights out."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import torch

from tryon_service.errors import InputError
from tryon_service.renderers.generators import GENERATORS
from tryon_service.training.archives import write_whole
from tryon_service.training.events import Events
from tryon_service.training.export import export_weights
from tryon_service.training.generator_features import FeatureNetwork, ParserFeatures, VggFeatures, read_vgg
from tryon_service.training.generator_figures import chosen, judged
from tryon_service.training.generator_recipe import GeneratorRecipe, read_generator_recipe
from tryon_service.training.generator_samples import Pairs, unpacked
from tryon_service.training.generator_start import first_network
from tryon_service.training.generator_training import GeneratorTraining
from tryon_service.training.loop import interruptible
from tryon_service.training.pictures import write_png
from tryon_service.training.portraits import Pair, PortraitSet, open_portraits
from tryon_service.training.team import team
from tryon_service.types import UInt8Array
from tryon_service.zoo.weights_file import Header

logger = logging.getLogger(__name__)

CURVES = (
    ("inside", "outside"),
    ("perceptual", "contextual"),
    ("adversarial", "discriminator"),
    ("train_inside", "held_inside"),
    ("train_ssim", "held_ssim"),
)
SHEET = 6
"""Pairs on a sheet."""
MULTIPLE, LEAST = 8, 32
"""What sides of portraits are multiples of, and their least length: the networks halve them three times."""


def train_generator(
    name: str,
    data: Path,
    out: Path,
    recipe: GeneratorRecipe | None = None,
    *,
    vgg: Path | None = None,
    start: Path | None = None,
) -> Path:
    """Train "adgan" or "patn" on a dataset of portraits and write weights.safetensors into `out`; returns its path.

    vgg: a VGG19's weights, for the losses and for ADGAN's frozen branch; without it the losses look with the parser's
    encoder. start: weights to go on from. `out` gets last.pt, best.pt (by SSIM on pairs kept aside), curves.png,
    sheets/ of such pairs and of pairs trained on, tensorboard/ if that is installed, figures.json and the unpacked
    portraits. A run that was interrupted goes on from out/last.pt when called again with the same folder, and comes out
    as if it hadn't been. SIGINT and SIGTERM end it after the batch in hand by KeyboardInterrupt; at most the running
    epoch is lost. Under torchrun all processes share the work.

    Raises InputError("invalid_option") for a dataset, recipe, weights or checkpoint that doesn't fit, before training
    starts, and if the loss is no number any more or the GPU's memory doesn't do; ZooError if there is no parser.
    """
    recipe = recipe or read_generator_recipe(name)
    torch.set_num_threads(recipe.threads)
    cv2.setNumThreads(1)
    (out / "sheets").mkdir(parents=True, exist_ok=True)
    people = open_portraits(data)
    _check(people, name)
    with team() as all_of_us, interruptible():
        if recipe.batch % all_of_us.count:
            detail = f"batch: {recipe.batch} can't be divided among {all_of_us.count} processes."
            raise InputError("invalid_option", detail, "recipe")
        torch.manual_seed(recipe.seed)
        state = read_vgg(vgg) if vgg else None
        features = VggFeatures(state, vgg) if state and vgg else ParserFeatures()
        net, words = first_network(name, recipe, state, start)
        header = Header(
            name,
            GENERATORS[name].config_of(recipe.pose_encoding, net.state_dict()),
            GENERATORS[name].classes,
            recipe.pose_encoding,
            _origin(people, features, words),
        )
        run = GeneratorTraining(name, net, recipe, features, all_of_us, _about(header, people))
        if (out / "last.pt").exists():
            run.resume(out / "last.pt")
        _run(run, people, out, header)
    return out / "weights.safetensors"


def _check(people: PortraitSet, name: str) -> None:
    if not people.pairs("train"):
        raise InputError("invalid_option", "The dataset has no pairs on the side 'train'.", "dataset")
    size = people.size
    if min(size) < LEAST or any(side % MULTIPLE for side in size):
        detail = f"Its portraits are {size[0]}x{size[1]}; sides must be multiples of {MULTIPLE}, at least {LEAST}."
        raise InputError("invalid_option", detail, "dataset")
    if size != GENERATORS[name].size:
        usual = "x".join(map(str, GENERATORS[name].size))
        logger.warning("The portraits are %dx%d; the renderer draws %s, which these weights won't know.", *size, usual)


def _origin(people: PortraitSet, features: FeatureNetwork, words: str) -> str:
    width, height = people.size
    data = f"{len(people.pairs('train'))} pairs of {width}x{height} pixels, dataset sha256 {people.digest}"
    return "; ".join(filter(None, [f"trained on {data}", f"features of {features.origin}", words]))


def _about(header: Header, people: PortraitSet) -> dict[str, Any]:
    """What a checkpoint must agree with to be taken up. Its origin says whether the same options were given."""
    return {
        "network": header.network,
        "pose_encoding": header.pose_encoding,
        "dataset": people.digest,
        "origin": header.origin,
    }


def _run(run: GeneratorTraining, people: PortraitSet, out: Path, header: Header) -> None:
    recipe = run.recipe
    train, held = people.pairs("train"), chosen(people.pairs("held"), recipe.held)
    names = sorted({name for pair in (*train, *held) for name in (pair.source, pair.target)})
    portraits = unpacked(people, names, out, run.team)

    def shown(pairs: Sequence[Pair]) -> Pairs:
        return Pairs(portraits, pairs, recipe.pose_encoding)

    watch = Watch(run, {"train": shown(chosen(train, SHEET)), "held": shown(held)}, out, header)
    try:
        while run.done() < 1:
            row = run.train_epoch(shown(train))
            run.progress.epoch += 1
            if run.team.leads:
                watch.epoch(row)
        if run.team.leads:
            watch.write_weights()
    finally:
        watch.events.close()


class Watch:
    """What the leading process does after an epoch: figures, sheets, files. sides: pairs to look at, by side."""

    def __init__(self, run: GeneratorTraining, sides: Mapping[str, Pairs], out: Path, header: Header) -> None:
        self._run, self._out, self._header = run, out, header
        self._sides = {side: pairs for side, pairs in sides.items() if len(pairs)}
        self.events = Events(out / "tensorboard", run.progress.epoch, writing=run.team.leads)

    def epoch(self, losses: dict[str, float]) -> None:
        run, progress = self._run, self._run.progress
        row = losses | {"epoch": float(progress.epoch), "minutes": progress.seconds / 60}
        sheets: dict[str, UInt8Array] = {}
        if run.done() >= 1 or progress.epoch % run.recipe.validate_every == 0:
            for side, pairs in self._sides.items():
                figures, sheets[side] = judged(run.draw, run.ema, pairs, run.device, SHEET)
                row |= {f"{side}_{name}": value for name, value in figures.items()}
                write_png(self._out / "sheets" / f"epoch_{progress.epoch:04d}_{side}.png", sheets[side])
            write_whole(self._out / "figures.json", json.dumps(row, indent=1).encode())
            self.write_weights()
        run.record(row, self._out, CURVES, best="held_ssim")
        self.events.write(row, sheets)

    def write_weights(self) -> None:
        """The averaged weights, whole or not at all."""
        header = replace(self._header, origin=f"{self._header.origin}; {self._run.progress.epoch} epochs")
        export_weights(self._run.ema, self._out / "weights.safetensors", header)
