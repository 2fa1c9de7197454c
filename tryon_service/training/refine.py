"""Training the repairing network: a there-and-back dataset in, checkpoints, curves, sheets and an ONNX file out."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from tryon_service.errors import InputError
from tryon_service.perception.backends import PARSER_NETWORK
from tryon_service.renderers.nets.refine_net import RefineNet
from tryon_service.training.archives import write_whole
from tryon_service.training.decoded import decoded
from tryon_service.training.discriminator import (
    PatchDiscriminator,
    discriminator_loss,
    generator_loss,
    matching_loss,
)
from tryon_service.training.loop import average, decayed, interruptible, one_cycle
from tryon_service.training.perceptual import Features, feature_loss, parser_from_onnx
from tryon_service.training.recipe import RefineRecipe, read_refine_recipe
from tryon_service.training.refine_crops import Planes, training_crop
from tryon_service.training.refine_figures import figures_of, judge, write_sheet
from tryon_service.training.refine_losses import (
    Batch,
    Repair,
    alpha_loss,
    pixel_loss,
    repaired,
    stillness_loss,
    structure_loss,
)
from tryon_service.training.run import TrainingRun, set_rate
from tryon_service.training.shards import Sample, open_dataset
from tryon_service.training.team import alone
from tryon_service.zoo.store import Store

CURVES = (
    ("loss", "pixel"),
    ("structure", "opacity", "features"),
    ("adversarial", "discriminator"),
    ("ssim_before", "ssim_after"),
    ("gradients_before", "gradients_after"),
    ("tears_closed", "better_on"),
)
SHEET = 8
"""Held-out samples on a sheet."""

_Tensors = tuple[Tensor, ...]


class Crops(Dataset[_Tensors]):
    """Training crops of one epoch, fields of Batch; the same epoch and seed give the same crops."""

    def __init__(self, samples: Sequence[Sample], order: Sequence[int], recipe: RefineRecipe, epoch: int) -> None:
        self._samples, self._order, self._recipe, self._epoch = samples, order, recipe, epoch

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, index: int) -> _Tensors:
        recipe = self._recipe
        rng = np.random.default_rng([recipe.seed, self._epoch, index])
        sample = self._samples[self._order[index]]
        crop = training_crop(sample, recipe.size, recipe.smallest, rng)
        parts = [torch.from_numpy(np.ascontiguousarray(getattr(crop, field.name))) for field in fields(Planes)]
        return *parts, torch.tensor(recipe.real if sample.kind == "real" else 1.0)


class RefineTraining(TrainingRun[RefineRecipe]):
    """One run: networks, the moving average, optimisers and progress, all of which a checkpoint holds."""

    KEPT = ("net", "ema", "discriminator", "optimiser", "opponent")

    def __init__(self, recipe: RefineRecipe, features: Features, device: torch.device | None = None) -> None:
        super().__init__(recipe, alone(device))
        self.features = _placed(features, self.device)
        self.net = _placed(RefineNet(), self.device)
        self.ema = copy.deepcopy(self.net).eval().requires_grad_(False)
        self.discriminator = _placed(PatchDiscriminator(), self.device)
        self.optimiser = torch.optim.AdamW(
            decayed(self.net, recipe.weight_decay), lr=recipe.learning_rate, betas=(0.9, 0.98)
        )
        self.opponent = torch.optim.AdamW(
            self.discriminator.parameters(), lr=recipe.discriminator_rate, betas=(0.5, 0.9), weight_decay=0.0
        )

    def train_epoch(self, samples: Sequence[Sample]) -> dict[str, float]:
        """recipe.crops samples drawn anew, or all of them. Returns the mean of every loss, by name."""
        recipe, progress = self.recipe, self.progress
        order = np.random.default_rng([recipe.seed, progress.epoch]).permutation(len(samples))[: recipe.crops]
        crops = Crops(samples, order.tolist(), recipe, progress.epoch)
        loader = DataLoader(crops, recipe.batch, num_workers=recipe.workers, drop_last=len(crops) > recipe.batch)
        self.net.train()
        return self.run_epoch(loader)

    def _step(self, parts: Sequence[Tensor], share: float) -> dict[str, float]:
        """One batch. share: of the schedule that is behind us. Returns every loss by name."""
        set_rate(self.optimiser, self.recipe.learning_rate * one_cycle(share))
        batch = self._batch(parts)
        with self._autocast():
            answers = self.net(batch.image, batch.pose)
        repair = repaired(batch, *(answer.float() for answer in answers))
        losses = self._losses(batch, repair, share)
        loss = sum(weight * value for weight, value in losses.values())
        assert isinstance(loss, Tensor)
        values = {"loss": float(loss.detach())} | {name: float(value.detach()) for name, (_, value) in losses.items()}
        self.finite(values)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        self.progress.step += 1
        average(self.ema, self.net, self.recipe.ema, self.progress.step)
        return values

    def _losses(self, batch: Batch, repair: Repair, share: float) -> dict[str, tuple[float, Tensor]]:
        """Weights and values of what counts at this share of the run."""
        recipe = self.recipe
        losses = {
            "pixel": (1.0, pixel_loss(batch, repair)),
            "structure": (recipe.structure, structure_loss(batch, repair)),
            "opacity": (recipe.opacity, alpha_loss(batch, repair)),
            "stillness": (recipe.stillness, stillness_loss(batch, repair)),
        }
        if recipe.features and share >= recipe.features_from:
            with self._autocast():
                # Both are seen with the true outline: a wrong one has a loss of its own.
                found = self.features(repair.colours, batch.truth_alpha, batch.pose)
                with torch.no_grad():
                    wanted = self.features(batch.truth, batch.truth_alpha, batch.pose)
            losses["features"] = recipe.features, feature_loss(found, wanted)
        if recipe.adversarial and share >= recipe.adversarial_from:
            losses |= self._against_discriminator(batch, repair)
        return losses

    def _against_discriminator(self, batch: Batch, repair: Repair) -> dict[str, tuple[float, Tensor]]:
        """One step of the discriminator, then what it says of the repair."""
        recipe, judge_of = self.recipe, self.discriminator
        real, fake = (
            torch.cat(pair, dim=1) for pair in ((batch.truth, batch.truth_alpha), (repair.colours, repair.alpha))
        )
        judge_of.requires_grad_(True)
        with self._autocast():
            loss = discriminator_loss(judge_of(real), judge_of(fake.detach()))
        self.opponent.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.opponent.step()
        judge_of.requires_grad_(False)
        with self._autocast():
            answers = judge_of(fake)
            with torch.no_grad():
                truths = judge_of(real)
        return {
            "adversarial": (recipe.adversarial, generator_loss(answers)),
            "matching": (recipe.matching, matching_loss(truths, answers)),
            "discriminator": (0.0, loss.detach()),
        }

    def _batch(self, parts: Sequence[Tensor]) -> Batch:
        image, *others = (part.to(self.device, non_blocking=True) for part in parts)
        return Batch(image.contiguous(memory_format=torch.channels_last), *others)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16)


def _placed(net: Any, device: torch.device) -> Any:  # noqa: ANN401 - any module, and the same one comes back
    return net.to(device).to(memory_format=torch.channels_last)


def train_refine(dataset: Path, out: Path, recipe: RefineRecipe | None = None, parser: Path | None = None) -> Path:
    """Train on a there-and-back dataset (training/shards.py) and write refine.onnx into `out`; returns its path.

    parser: the ONNX file whose encoder's features are compared, default the shipped one. `out` gets last.pt, best.pt
    (by SSIM), curves.png, sheets/ with held-out samples (input, output, truth), figures.json at the end, and the
    unpacked dataset. A run that was interrupted goes on from out/last.pt when called again with the same folder. SIGINT
    and SIGTERM end it after the batch in hand by KeyboardInterrupt; at most the running epoch is lost.
    Raises InputError("invalid_option") for a dataset, recipe or checkpoint that doesn't fit, before training starts,
    and if the loss is no number any more; ZooError if there is no parser.
    """
    from tryon_service.training.export import export_refine

    recipe = recipe or read_refine_recipe()
    torch.set_num_threads(recipe.threads)
    cv2.setNumThreads(1)
    out.mkdir(parents=True, exist_ok=True)
    run = RefineTraining(recipe, Features(parser_from_onnx(parser or Store().path(PARSER_NETWORK))))
    last = out / "last.pt"
    if last.exists():
        run.resume(last)
    listing = open_dataset(dataset)
    train, held = decoded(listing, "train", out), decoded(listing, "held", out)
    for name, samples in (("train", train), ("held", held)):
        if not samples:
            raise InputError("invalid_option", f"The dataset has no samples on the side {name!r}.", "dataset")
    with interruptible():
        _run(run, train, held, out)
        judged = [judge(run.ema, sample, run.device) for sample in tqdm(held, desc="judging", disable=None)]
    write_whole(out / "figures.json", json.dumps(figures_of(judged), indent=1).encode())
    return export_refine(run.ema, out / "refine.onnx")


def _run(run: RefineTraining, train: Sequence[Sample], held: Sequence[Sample], out: Path) -> None:
    # Spread over the whole side: neighbours are of one photo.
    chosen = [held[i] for i in np.unique(np.linspace(0, len(held) - 1, run.recipe.held).round().astype(int))]
    shown = [chosen[i] for i in np.unique(np.linspace(0, len(chosen) - 1, SHEET).round().astype(int))]
    (out / "sheets").mkdir(exist_ok=True)
    while run.done() < 1:
        row = run.train_epoch(train)
        run.progress.epoch += 1
        row |= {"epoch": float(run.progress.epoch), "minutes": run.progress.seconds / 60}
        if run.done() >= 1 or run.progress.epoch % run.recipe.validate_every == 0:
            row |= figures_of([judge(run.ema, sample, run.device) for sample in chosen]).get("held", {})
            write_sheet(out / "sheets" / f"epoch_{run.progress.epoch:04d}.png", run.ema, shown, run.device)
        run.record(row, out, CURVES, best="ssim_after")


__all__ = ["RefineTraining", "train_refine"]
