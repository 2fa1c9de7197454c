"""Training the human parser: a folder of labelled photos in, checkpoints, curves and an ONNX file out."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from tryon_service.appearance.agreement import confusion, summary
from tryon_service.appearance.labelled import check_folder
from tryon_service.perception.base import PoseEstimator
from tryon_service.perception.nets.parser_input import CLASSES
from tryon_service.perception.nets.parser_net import ParserNet
from tryon_service.training.augment import Crop, plain_crop, studio_crop, training_crop
from tryon_service.training.dataset import Sample, load_samples, split, unlabelled_entries
from tryon_service.training.loop import average, decayed, interruptible, one_cycle
from tryon_service.training.losses import class_weights, parsing_loss
from tryon_service.training.pseudo import pseudo_labelled
from tryon_service.training.recipe import Recipe, Stage, read_recipe
from tryon_service.training.run import TrainingRun, set_rate
from tryon_service.training.team import alone
from tryon_service.types import Size

MERGED_CLASSES: dict[str, list[int]] = {
    name: [index] for index, name in enumerate(CLASSES) if name not in ("face", "arm", "leg", "torso_skin")
} | {"skin": [list(CLASSES).index(name) for name in ("face", "arm", "leg", "torso_skin")]}
"""The ten classes of the mean IoU, by the network's classes."""
CURVES = (("loss",), ("miou", "studio_miou"), ("person_iou", "studio_person_iou"))
RELABEL_EVERY = 8
"""Epochs after which photos without labels are given new ones."""


class Crops(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Training crops of one epoch; the same epoch and seed give the same crops."""

    def __init__(self, samples: Sequence[Sample], size: Size, seed: int, epoch: int) -> None:
        self._samples, self._size, self._seed, self._epoch = samples, size, seed, epoch

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        rng = np.random.default_rng([self._seed, self._epoch, index])
        return _tensors(training_crop(self._samples[index], self._size, rng))


def _tensors(crop: Crop) -> tuple[Tensor, Tensor, Tensor]:
    image, pose, classes = crop.tensors()
    return torch.from_numpy(image), torch.from_numpy(pose), torch.from_numpy(classes)


class ParserTraining(TrainingRun[Recipe]):
    """One run: network, its moving average, optimiser and progress, all of which a checkpoint holds."""

    weights: Tensor
    """13 float32, what each class counts: known when the samples are."""

    def __init__(self, recipe: Recipe, device: torch.device | None = None) -> None:
        super().__init__(recipe, alone(device))
        self.net = ParserNet().to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema = copy.deepcopy(self.net).eval().requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            decayed(self.net, recipe.weight_decay), lr=recipe.learning_rate, betas=(0.9, 0.98)
        )

    def train_epoch(self, samples: Sequence[Sample], stage: Stage) -> dict[str, float]:
        """One pass over the samples. Returns the mean loss."""
        recipe, progress = self.recipe, self.progress
        order = np.random.default_rng([recipe.seed, progress.epoch]).permutation(len(samples))
        crops = Crops([samples[i] for i in order], stage.size, recipe.seed, progress.epoch)
        loader = DataLoader(crops, recipe.batch, num_workers=recipe.workers, drop_last=len(samples) > recipe.batch)
        self.net.train()
        return self.run_epoch(loader, f", {stage.size[0]}x{stage.size[1]}")

    def _step(self, batch: Sequence[Tensor], share: float) -> dict[str, float]:
        set_rate(self.optimiser, self.recipe.learning_rate * one_cycle(share))
        image, pose, classes = (part.to(self.device, non_blocking=True) for part in batch)
        image = image.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16):
            logits = self.net(image, pose)
        loss = parsing_loss(logits.float(), classes.long(), self.weights, self.recipe.dice)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
        values = self.finite({"loss": float(loss.detach())})
        self.optimiser.step()
        self.progress.step += 1
        average(self.ema, self.net, self.recipe.ema, self.progress.step)
        return values


@torch.no_grad()
def validate(net: nn.Module, crops: Sequence[Crop], device: torch.device) -> dict[str, float]:
    """figures.summary over the crops at their own size."""
    matrix = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    for start in range(0, len(crops), 10):
        parts = [
            torch.stack(column).to(device) for column in zip(*map(_tensors, crops[start : start + 10]), strict=True)
        ]
        logits = functional.interpolate(net(parts[0], parts[1]).float(), size=parts[2].shape[1:], mode="bilinear")
        answer = logits.argmax(dim=1).to(torch.uint8).cpu().numpy()
        matrix += confusion(parts[2].cpu().numpy(), answer, len(CLASSES))
    return summary(matrix, list(CLASSES), MERGED_CLASSES)


def train_parser(
    data: Path,
    out: Path,
    recipe: Recipe | None = None,
    pose: PoseEstimator | None = None,
    unlabelled: Sequence[Path] = (),
) -> Path:
    """Train on a folder in CCP's form (appearance/labelled.py) and write parser.onnx into `out`; returns its path.

    unlabelled: folders of further photos, from which the network learns its own sure answers late in the run.
    A run that was interrupted goes on from out/last.pt when called again with the same folder. SIGINT and SIGTERM end
    it after the batch in hand by KeyboardInterrupt; at most the running epoch is lost.
    Raises InputError("invalid_option") for a folder, recipe or checkpoint that doesn't fit, before training starts.
    """
    from tryon_service.training.export import export_parser

    recipe = recipe or read_recipe()
    torch.set_num_threads(recipe.threads)
    cv2.setNumThreads(1)
    out.mkdir(parents=True, exist_ok=True)
    run = ParserTraining(recipe)
    last = out / "last.pt"
    if last.exists():
        run.resume(last)
    entries, table = check_folder(data)
    pose = pose or _default_pose()
    samples = load_samples(entries, table, pose, out / "cache.npz")
    further = load_samples(unlabelled_entries(unlabelled), table, pose, out / "unlabelled.npz") if unlabelled else []
    kept = set(split([s.name for s in samples], recipe.validation, recipe.near_duplicates, recipe.seed))
    train, held = [s for s in samples if s.name not in kept], [s for s in samples if s.name in kept]
    (out / "split.json").write_text(json.dumps({"validation": sorted(kept)}))
    with interruptible():
        _run(run, train, held, further, out)
    return export_parser(run.ema, out / "parser.onnx", recipe.stages[-1].size)


def _run(
    run: ParserTraining, train: Sequence[Sample], held: Sequence[Sample], further: Sequence[Sample], out: Path
) -> None:
    run.weights = class_weights(train).to(run.device)
    taught: list[Sample] = []
    known = run.recipe.stage_at(run.done()).size  # the size the network has learned last
    while run.done() < 1:
        stage = run.recipe.stage_at(run.done())
        late = bool(further) and run.done() >= run.recipe.self_training
        if late and (not taught or run.progress.epoch % RELABEL_EVERY == 0):
            taught = pseudo_labelled(run.ema, further, known, run.device)
        # A third of them an epoch, so that true labels stay by far the larger part.
        row = run.train_epoch([*train, *taught[run.progress.epoch % 3 :: 3]], stage)
        known = stage.size
        run.progress.epoch += 1
        row |= {"epoch": float(run.progress.epoch), "minutes": run.progress.seconds / 60}
        finished = run.done() >= 1
        if finished or run.progress.epoch % run.recipe.validate_every == 0:
            row |= _validated(run, held, stage.size)
        run.record(row, out, CURVES, best="miou")


def _validated(run: ParserTraining, held: Sequence[Sample], size: Size) -> dict[str, float]:
    """Figures of the averaged network on the photos kept aside, as they are and made studio-like ("studio_...")."""
    plain = validate(run.ema, [plain_crop(sample, size) for sample in held], run.device)
    studio = [studio_crop(s, size, np.random.default_rng([run.recipe.seed, i])) for i, s in enumerate(held)]
    return plain | {f"studio_{name}": value for name, value in validate(run.ema, studio, run.device).items()}


def _default_pose() -> PoseEstimator:
    from tryon_service.perception.backends import POSE

    return POSE.create("blazepose")


__all__ = ["ParserTraining", "train_parser", "validate"]
