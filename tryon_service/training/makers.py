"""The processes that make samples: each has its own networks, one thread, and one photo at a time."""

from __future__ import annotations

import hashlib
import json
import logging
import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from tryon_service.analysis import Analyst
from tryon_service.confine import die_with
from tryon_service.errors import InputError, TryonError, UnavailableError
from tryon_service.poses.files import pose_from_json, pose_to_json
from tryon_service.poses.pose import Pose
from tryon_service.training.archives import write_whole
from tryon_service.training.photos import PhotoFile
from tryon_service.training.shards import Sample
from tryon_service.training.there_and_back import seen_again, there_and_back

Yield = tuple[list[Sample], Counter[str]]
"""What a photo gave, and the error codes of what it didn't give."""

logger = logging.getLogger(__name__)


@contextmanager
def maker_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """If the block is interrupted or fails, the processes end at once: they write nothing that could be left in half.

    Raises UnavailableError("internal") if one of them dies.
    """
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start, (os.getpid(),))
    try:
        yield pool
    except BrokenProcessPool as error:
        detail = "A process that makes samples has died, perhaps for want of memory. What is written is kept."
        raise UnavailableError("internal", detail) from error
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _start(parent: int) -> None:
    """Ctrl-C is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with(parent)
    cv2.setNumThreads(1)


@cache
def analyst() -> Analyst:
    """The process's own, which keeps no analysis."""
    return Analyst(cache_bytes=0)


def write_poses(pool: ProcessPoolExecutor, path: Path, photos: Sequence[PhotoFile]) -> None:
    """The poses of the people in these photos, one JSON file; photos without one are left out."""
    found = tqdm(pool.map(find_pose, photos), desc="finding poses", unit="photo", total=len(photos), disable=None)
    poses = {photo.name: pose_to_json(pose) for photo, pose in zip(photos, found, strict=True) if pose}
    write_whole(path, json.dumps(poses).encode())


@cache
def read_poses(path: Path) -> dict[str, Pose]:
    """By photo. Raises InputError("invalid_option") for a file that write_poses didn't write."""
    try:
        return {str(name): pose_from_json(value) for name, value in json.loads(path.read_bytes()).items()}
    except (OSError, ValueError, AttributeError, InputError) as error:
        raise InputError("invalid_option", f"{path.name} can't be read as poses: {error}", "--out") from error


def find_pose(photo: PhotoFile) -> Pose | None:
    try:
        return Pose.of(analyst().analyse_pose(photo.path.read_bytes(), photo.name))
    except TryonError:
        return None


def make_samples(poses: Path, per_photo: int, photo: PhotoFile) -> Yield:
    """There and back at most per_photo times, and once in the pose of the same person's other photo, if there is one.
    poses: write_poses's file. Raises InputError as read_poses does."""
    samples: list[Sample] = []
    failures: Counter[str] = Counter()
    others = [pose for name, pose in read_poses(poses).items() if name != photo.name]
    with failing(photo.name, failures):
        ways = there_and_back(analyst(), photo, others, np.random.default_rng(name_seed(photo.name)))
        for sample in islice(ways, per_photo):
            samples.append(sample)  # noqa: PERF402 - what was made before an error counts
        if not samples:
            failures["pose_too_different"] += 1
    if photo.again:
        with failing(photo.name, failures):
            samples.append(seen_again(analyst(), photo, photo.again))
    return samples, failures


@contextmanager
def failing(name: str, failures: Counter[str]) -> Iterator[None]:
    """One photo's failure, even one of our own, doesn't end a build of hours; it is counted and said."""
    try:
        yield
    except TryonError as error:
        failures[error.code] += 1
    except Exception:
        logger.exception("%s gives no sample", name)
        failures["internal"] += 1


def name_seed(name: str) -> int:
    """A number that looks random and follows from the name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
