"""Figures and pictures of a run as TensorBoard's event files, where TensorBoard is installed."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Mapping
from pathlib import Path

from tryon_service.types import UInt8Array

logger = logging.getLogger(__name__)


class Events:
    """Writes into a folder; without TensorBoard it writes nothing and says so once.

    epoch: how many are behind the run: later ones of an earlier attempt are taken back. writing: False for a process
    that leaves it to another.
    """

    def __init__(self, folder: Path, epoch: int, *, writing: bool = True) -> None:
        self._writer = None
        if not writing:
            return
        if importlib.util.find_spec("tensorboard") is None:
            logger.info("No TensorBoard files: pip install tensorboard, and a run that goes on writes them.")
            return
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=epoch + 1)

    def write(self, row: Mapping[str, float], pictures: Mapping[str, UInt8Array]) -> None:
        """row: figures by name, with "epoch"; pictures: H x W x 3 uint8 by name."""
        if self._writer is None:
            return
        epoch = int(row["epoch"])
        for name, value in row.items():
            if name != "epoch":
                self._writer.add_scalar(name, value, epoch)
        for name, picture in pictures.items():
            self._writer.add_image(name, picture, epoch, dataformats="HWC")
        self._writer.flush()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
