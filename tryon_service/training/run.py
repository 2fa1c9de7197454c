"""What training runs have in common: a schedule by epochs or by the clock, one epoch, all that a checkpoint holds."""

from __future__ import annotations

import json
import logging
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader
from tqdm import tqdm

from tryon_service.errors import InputError
from tryon_service.training import checkpoint
from tryon_service.training.checkpoint import PARSER_CLASSES, Progress
from tryon_service.training.curves import write_curves
from tryon_service.training.team import Team, alone

logger = logging.getLogger(__name__)


class Schedule(Protocol):
    """Of any recipe. minutes: how long to train, or 0: so many epochs."""

    @property
    def seed(self) -> int: ...
    @property
    def minutes(self) -> float: ...
    @property
    def epochs(self) -> int: ...


R = TypeVar("R", bound=Schedule)
T = TypeVar("T")


class TrainingRun(ABC, Generic[R]):
    """A subclass makes `net`, its moving average `ema` and what else learns, lists in KEPT the names of the attributes
    that a checkpoint holds (networks and optimisers), and says in _step what one batch does.

    about: what a checkpoint must agree with to be taken up, see checkpoint.load.
    """

    KEPT: ClassVar[tuple[str, ...]] = ("net", "ema", "optimiser")
    net: nn.Module
    ema: nn.Module

    def __init__(self, recipe: R, team: Team | None = None, about: Mapping[str, Any] = PARSER_CLASSES) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.team = team or alone()
        self.device = self.team.device
        self.about = about
        self.progress = Progress()
        self.pieces = 1
        """In which a batch is taken: 1, or 2 after memory ran out."""

    @abstractmethod
    def _step(self, batch: Any, share: float) -> dict[str, float]:  # noqa: ANN401 - as the loader gives it
        """One batch. share: of the schedule that is behind us. Returns every loss by name."""

    def done(self) -> float:
        """Share of the schedule behind us, in [0, 1]: by the clock if the recipe gives minutes, else by epochs."""
        if self.recipe.minutes:
            return min(self.progress.seconds / (60 * self.recipe.minutes), 1.0)
        return min(self.progress.epoch / self.recipe.epochs, 1.0)

    def run_epoch(self, loader: DataLoader[Any], more: str = "") -> dict[str, float]:
        """Every batch of the loader, or as many as the clock leaves time for. Returns the mean of each loss, by name.
        more: said by the progress bar."""
        recipe, progress = self.recipe, self.progress
        rows: list[dict[str, float]] = []
        begun, before, start = time.perf_counter(), progress.seconds, self.done()
        hidden = None if self.team.leads else True
        bar = tqdm(loader, desc=f"epoch {progress.epoch + 1}{more}", leave=False, disable=hidden)
        for count, batch in enumerate(bar, start=1):
            share = self.done() if recipe.minutes else start + count / len(loader) / recipe.epochs
            rows.append(self._step(batch, share))
            # One clock for all processes, or some would stop before the others.
            spent = before + time.perf_counter() - begun
            progress.seconds = self.team.mean({"seconds": spent})["seconds"] if recipe.minutes else spent
            bar.set_postfix(loss=f"{rows[-1]['loss']:.3f}")
            if recipe.minutes and self.done() >= 1:
                break
        return {name: float(np.mean([row[name] for row in rows if name in row])) for name in rows[-1]}

    def finite(self, losses: Mapping[str, float]) -> dict[str, float]:
        """The losses, if all are numbers, to be asked before the step is taken. Raises InputError("invalid_option")
        naming the batch and the losses."""
        if not all(math.isfinite(value) for value in losses.values()):
            raise InputError(
                "invalid_option",
                f"The loss is no number any more in batch {self.progress.step}: {dict(losses)}. The last epoch is "
                "kept; try a lower learning_rate.",
                "recipe",
            )
        return dict(losses)

    def within_memory(self, attempt: Callable[[int], T]) -> T:
        """attempt(self.pieces); if CUDA runs out of memory, once more in two pieces, and all batches after it too.
        Raises InputError("invalid_option") with the figures if that isn't enough."""
        try:
            return attempt(self.pieces)
        except torch.cuda.OutOfMemoryError as error:
            if self.pieces == 2:
                raise self._too_large() from error
        # Outside the handler: the error's frames would hold on to the very tensors that are to go.
        self.pieces = 2
        torch.cuda.empty_cache()
        logger.warning("The GPU's memory is too small for a batch; from here on it is taken in two halves.")
        return self.within_memory(attempt)

    def _too_large(self) -> InputError:
        peak, whole = 0.0, 0.0
        if self.device.type == "cuda":
            peak = torch.cuda.max_memory_allocated(self.device) / 2**30
            whole = torch.cuda.get_device_properties(self.device).total_memory / 2**30
        detail = (
            f"Half a batch is still too large for the GPU: {peak:.1f} GiB of {whole:.1f} GiB were in use in batch "
            f"{self.progress.step}. The last epoch is kept; lower batch, or set checkpointing."
        )
        return InputError("invalid_option", detail, "recipe")

    def record(self, row: dict[str, float], out: Path, curves: Sequence[Sequence[str]], best: str) -> None:
        """An epoch is done: its row of figures goes into the history, the log and out/curves.png, the run into
        out/last.pt, and into out/best.pt too if the figure of that name was never so high."""
        progress = self.progress
        progress.history.append(row)
        logger.info("%s", json.dumps({key: round(value, 4) for key, value in row.items()}))
        if row.get(best, -1.0) > progress.best:
            progress.best = row[best]
            self.save(out / "best.pt")
        self.save(out / "last.pt")
        write_curves(out / "curves.png", progress.history, curves)

    def save(self, path: Path) -> None:
        kept = {name: getattr(self, name).state_dict() for name in self.KEPT}
        more = {"progress": asdict(self.progress), "torch_rng": torch.get_rng_state()}
        checkpoint.save(path, kept | more, self.about)

    def resume(self, path: Path) -> None:
        """Take up a run where its checkpoint left it. Raises InputError, see checkpoint.load."""
        state = checkpoint.load(path, self.net, self.about)
        for name in self.KEPT:
            getattr(self, name).load_state_dict(state[name])
        self.progress = Progress(**state["progress"])
        torch.set_rng_state(state["torch_rng"])


def set_rate(optimiser: Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate


def learned(net: nn.Module) -> list[Tensor]:
    """The parameters that are not frozen."""
    return [parameter for parameter in net.parameters() if parameter.requires_grad]


__all__ = ["Schedule", "TrainingRun", "learned", "set_rate"]
