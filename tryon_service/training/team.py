"""Several processes that train one network together: each has its share of a batch, gradients are their mean.

    torchrun --nproc-per-node 4 -m tryon_service train adgan --data pairs/ --out run/

Gradients are averaged here and not by DistributedDataParallel, which does so during the backward pass: several
networks learn in one step, and one process may have to take its share in two halves, of which the others know nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed

from tryon_service.errors import InputError


@dataclass(frozen=True)
class Team:
    """rank: which of the processes this is; count: how many there are; device: this one's."""

    rank: int
    count: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes files and speaks."""
        return self.rank == 0

    def share(self, batch: list[int]) -> list[int]:
        """This process's part of a batch; all parts are of one size, and what is left over is left out."""
        return batch[self.rank : len(batch) - len(batch) % self.count : self.count]

    def average_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Every gradient becomes the mean over the processes."""
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if self.count == 1 or not gradients:
            return
        joined = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(joined)
        joined /= self.count
        start = 0
        for gradient in gradients:
            gradient.copy_(joined[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()

    def wait(self) -> None:
        """Until all processes are here."""
        if self.count > 1:
            distributed.barrier()

    def mean(self, figures: Mapping[str, float]) -> dict[str, float]:
        """Figures that every process has, by the same names; all get the same answer."""
        if self.count == 1:
            return dict(figures)
        values = torch.tensor(list(figures.values()), dtype=torch.float64).float().to(self.device)
        distributed.all_reduce(values)
        return dict(zip(figures, (values / self.count).tolist(), strict=True))


def alone(device: torch.device | None = None) -> Team:
    """One process: on the GPU if there is one, unless a device is given."""
    return Team(0, 1, device or torch.device("cuda" if torch.cuda.is_available() else "cpu"))


@contextmanager
def team() -> Iterator[Team]:
    """The processes that torchrun started, or this one alone. Raises InputError("invalid_option") if there are more
    processes than GPUs, where there are GPUs."""
    count, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    if count == 1:
        yield alone()
        return
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if torch.cuda.is_available() and local >= torch.cuda.device_count():
        raise InputError(
            "invalid_option",
            f"Process {local + 1} finds {torch.cuda.device_count()} GPUs; start one process for each.",
            "--nproc-per-node",
        )
    device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Team(rank, count, device)
    finally:
        distributed.destroy_process_group()
