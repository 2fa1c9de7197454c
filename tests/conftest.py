"""Drawn figures with exactly known joints and masks, and one pipeline with the real networks."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest

from tryon_service.errors import ZooError
from tryon_service.figures import OUTFITS, Figure, draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.observability.logs import PACKAGE
from tryon_service.perception.perceive import matte_box
from tryon_service.pipeline import Pipeline
from tryon_service.types import Person, Photo

SIZE = (384, 512)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: much of the time tests wait for processes that they have started."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Tests share the machine, and small pictures gain nothing from threads."""
    cv2.setNumThreads(1)


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """Commands set up the process's logs, which is then the next test's process."""
    root, package = logging.getLogger(), logging.getLogger(PACKAGE)
    before = root.handlers[:], root.level, package.level, sys.excepthook, threading.excepthook
    yield
    if sys.excepthook is not before[3]:
        logging.captureWarnings(capture=False)
    root.handlers[:], sys.excepthook, threading.excepthook = before[0], before[3], before[4]
    root.setLevel(before[1])
    package.setLevel(before[2])


@pytest.fixture(scope="session")
def photos() -> Path:
    """The folder of real photos beside the repository."""
    folder = Path(__file__).parents[1] / "../shared/data"
    if not folder.is_dir():
        pytest.skip("no real photos in ../shared/data")
    return folder.resolve()


@pytest.fixture(scope="session")
def pipeline() -> Pipeline:
    """With the real networks; skips if they are neither in the zoo nor to be had."""
    made = Pipeline()
    try:
        made.networks("warp")
    except ZooError as error:
        pytest.skip(f"no networks: {error}")
    return made


@pytest.fixture(scope="session")
def product_png() -> bytes:
    """A product photo: a figure in a printed tee, standing."""
    return encode(draw_figure("standing", OUTFITS["print_tee"], SIZE).photo, "png")


@pytest.fixture(scope="session")
def shopper_png() -> bytes:
    """A shopper photo: another figure, hand on hip."""
    return encode(draw_figure("hand_on_hip", OUTFITS["striped_long"], SIZE, seed=1).photo, "png")


@pytest.fixture(scope="session")
def person_of() -> Callable[[Figure], Person]:
    """The true Person of a drawn figure, found by no network."""

    def person(figure: Figure) -> Person:
        height, width = figure.matte.shape
        photo = Photo(figure.photo, (width, height), hashlib.sha256(figure.photo.tobytes()).hexdigest())
        return Person(photo, figure.keypoints, figure.matte, figure.parsing, matte_box(figure.matte))

    return person
