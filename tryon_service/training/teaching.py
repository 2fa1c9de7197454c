"""Training the networks of one person: frames of a video in, checkpoints, curves, sheets and a file of weights out.

The plain networks learn from the difference of colours. The one with a critic follows Radford et al. (DCGAN, 2016) and
Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks" (2017), with what keeps so small a
generator from being outrun: soft labels (Salimans et al., 2016), a slower critic that rests while it is sure, and a
difference that counts less as time goes by.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from tryon_service.renderers.generators import GENERATORS, VECTOR
from tryon_service.renderers.nets.generator_input import HALF
from tryon_service.renderers.nets.teaching_nets import Critic, FramesConfig, NearestFrame
from tryon_service.training.archives import write_whole
from tryon_service.training.events import Events
from tryon_service.training.export import export_weights
from tryon_service.training.generator_figures import chosen
from tryon_service.training.generator_recipe import TeachingRecipe, read_teaching_recipe
from tryon_service.training.generator_samples import batches
from tryon_service.training.generator_training import BETAS
from tryon_service.training.loop import average, interruptible, level_then_down
from tryon_service.training.pictures import tiled, write_png
from tryon_service.training.portraits import PortraitSet
from tryon_service.training.run import TrainingRun, set_rate
from tryon_service.training.teaching_frames import Frames, drawn, figures_of, open_frames
from tryon_service.training.team import alone
from tryon_service.types import UInt8Array
from tryon_service.zoo.weights_file import Header

CURVES = (
    ("loss",),
    ("difference", "l1"),
    ("adversarial", "critic"),
    ("of_real", "of_made"),
    ("ssim", "gradient_energy"),
)
SHEET, COLUMNS = 16, 4
"""Held frames on a sheet, and how many of them side by side."""


class TeachingTraining(TrainingRun[TeachingRecipe]):
    """Network, its moving average, critic and both optimisers. frames: to learn from."""

    KEPT = ("net", "ema", "critic", "optimiser", "opponent")

    def __init__(
        self,
        name: str,
        recipe: TeachingRecipe,
        frames: Frames,
        about: Mapping[str, Any],
        device: torch.device | None = None,
    ) -> None:
        super().__init__(recipe, alone(device), about)
        self.frames = frames
        config, network = GENERATORS[name].nets[recipe.pose]()
        self.net = network(config(recipe.width)).to(self.device)
        self.ema = copy.deepcopy(self.net).eval().requires_grad_(requires_grad=False)
        self.critic = Critic(recipe.width).to(self.device)
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=recipe.learning_rate, betas=BETAS)
        self.opponent = torch.optim.Adam(self.critic.parameters(), lr=recipe.discriminator_rate, betas=BETAS)

    def train_epoch(self) -> dict[str, float]:
        """All frames once. Returns the mean of every loss, by name."""
        recipe, epoch = self.recipe, self.progress.epoch
        torch.manual_seed(recipe.seed * 100_003 + epoch)
        plan = batches(len(self.frames), len(self.frames), recipe.batch, [recipe.seed, epoch])
        # The frames are in memory already; what is loaded is which of them.
        loader = DataLoader(TensorDataset(torch.arange(len(self.frames))), batch_sampler=plan)
        self.net.train()
        return self.run_epoch(loader)

    def _step(self, batch: Sequence[Tensor], share: float) -> dict[str, float]:
        recipe = self.recipe
        fall = level_then_down(share, recipe.decline_from)
        set_rate(self.optimiser, recipe.learning_rate * fall)
        set_rate(self.opponent, recipe.discriminator_rate * fall)
        poses, real = self.frames.batch(batch[0].tolist(), self.device)
        made = self.net(poses)
        difference = functional.l1_loss(made, real)
        loss = self._weight() * difference
        values = {"difference": HALF * float(difference.detach())}
        if recipe.adversarial:
            values |= self._teach_critic(real, made.detach())
            self.critic.requires_grad_(requires_grad=False)
            fooled = self.critic(made)
            self.critic.requires_grad_(requires_grad=True)
            adversarial = functional.binary_cross_entropy_with_logits(fooled, torch.ones_like(fooled))
            values["adversarial"] = float(adversarial.detach())
            loss = loss + recipe.adversarial * adversarial
        values = self.finite({"loss": float(loss.detach())} | values)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.progress.step += 1
        average(self.ema, self.net, recipe.ema, self.progress.step)
        return values

    def _weight(self) -> float:
        """Of the difference in this epoch."""
        recipe = self.recipe
        return max(recipe.difference_least, recipe.difference - recipe.difference_fall * self.progress.epoch)

    def _teach_critic(self, real: Tensor, made: Tensor) -> dict[str, float]:
        """A step of the critic, unless it is sure of itself; its loss, and what it gives real and made frames."""
        recipe = self.recipe
        answers = self.critic(real), self.critic(made)
        labels = [
            torch.empty_like(answer).uniform_(*ends)
            for answer, ends in zip(answers, (recipe.real_labels, recipe.made_labels), strict=True)
        ]
        of_real, of_made = (float(answer.detach().sigmoid().mean()) for answer in answers)
        losses = [
            functional.binary_cross_entropy_with_logits(answer, label)
            for answer, label in zip(answers, labels, strict=True)
        ]
        loss = losses[0] + losses[1]
        if of_real < recipe.sure_of_real or of_made > recipe.sure_of_made:
            self.opponent.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self.opponent.step()
        return {"critic": float(loss.detach()), "of_real": of_real, "of_made": of_made}


def train_teaching(name: str, data: Path, out: Path, recipe: TeachingRecipe | None = None) -> Path:
    """Train "pose2image" or "pose2image-gan" on the frames of a video's dataset and write weights.safetensors into
    `out`; returns its path.

    `out` gets last.pt, best.pt (by SSIM on the frames held back), curves.png, sheets/ (real frames above, drawn ones
    below), tensorboard/ if that is installed, and figures.json with every held frame's figures. A run that was
    interrupted goes on when called again with the same folder. SIGINT and SIGTERM end it after the batch in hand.
    Raises InputError("invalid_option") for a dataset, recipe or checkpoint that doesn't fit, before training starts,
    and if the loss is no number any more.
    """
    recipe = recipe or read_teaching_recipe(name)
    torch.set_num_threads(recipe.threads)
    cv2.setNumThreads(1)
    people, train, held = open_frames(data, recipe.pose)
    (out / "sheets").mkdir(parents=True, exist_ok=True)
    about = {"network": name, "pose": recipe.pose, "dataset": people.digest}
    run = TeachingTraining(name, recipe, train, about)
    if (out / "last.pt").exists():
        run.resume(out / "last.pt")
    events = Events(out / "tensorboard", run.progress.epoch)
    try:
        with interruptible():
            while run.done() < 1:
                _epoch(run, held, out, events)
    finally:
        events.close()
    pictures = drawn(run.ema, held, run.device)
    header = Header(name, {"width": recipe.width}, (), recipe.pose, f"{_origin(people)}; {run.progress.epoch} epochs")
    return _finish(run.ema, header, pictures, held, out)


def train_nearest(data: Path, out: Path) -> Path:
    """The same for "nearest", which learns nothing: its weights are the frames and their poses."""
    people, train, held = open_frames(data, VECTOR)
    (out / "sheets").mkdir(parents=True, exist_ok=True)
    net = NearestFrame(FramesConfig(len(train)))
    net.frames, net.poses = torch.from_numpy(train.pictures), torch.from_numpy(train.poses)
    pictures = drawn(net, held, torch.device("cpu"))
    return _finish(net, Header("nearest", {"frames": len(train)}, (), VECTOR, _origin(people)), pictures, held, out)


def _epoch(run: TeachingTraining, held: Frames, out: Path, events: Events) -> None:
    row = run.train_epoch()
    progress = run.progress
    progress.epoch += 1
    row |= {"epoch": float(progress.epoch), "minutes": progress.seconds / 60}
    sheets: dict[str, UInt8Array] = {}
    if run.done() >= 1 or progress.epoch % run.recipe.validate_every == 0:
        pictures = drawn(run.ema, held, run.device)
        row |= figures_of(pictures, held)[0]
        sheets["held"] = _sheet(pictures, held)
        write_png(out / "sheets" / f"epoch_{progress.epoch:04d}.png", sheets["held"])
    run.record(row, out, CURVES, best="ssim")
    events.write(row, sheets)


def _finish(net: nn.Module, header: Header, pictures: UInt8Array, held: Frames, out: Path) -> Path:
    """Figures, a sheet and the weights; returns the path of these."""
    mean, frames = figures_of(pictures, held)
    write_whole(out / "figures.json", json.dumps({"mean": mean, "frames": frames}, indent=1).encode())
    write_png(out / "sheets" / "held.png", _sheet(pictures, held))
    return export_weights(net, out / "weights.safetensors", header)


def _sheet(pictures: UInt8Array, held: Frames) -> UInt8Array:
    """Pairs of a real frame and below it the drawn one, from all over the video's end."""
    pairs = list(zip(held.pictures, pictures, strict=True))
    return tiled([np.vstack(pair) for pair in chosen(pairs, SHEET)], COLUMNS)


def _origin(people: PortraitSet) -> str:
    return f"trained on {len(people.portraits('train'))} frames, dataset sha256 {people.digest}"
