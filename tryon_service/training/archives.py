"""Files that datasets are kept in: zips of PNGs with one JSON index, whole or not there, the same bytes each time.

Lossless, and reading one runs no code of the file's.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np

from tryon_service.errors import InputError
from tryon_service.types import UInt8Array

T = TypeVar("T")

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every file in a zip, so that the same contents give the same bytes."""


def write_archive(path: Path, pictures: Sequence[Mapping[str, UInt8Array]], index: str, value: object) -> str:
    """The hex sha256 of the zip, which appears whole or not at all.

    pictures: of each sample by name, H x W or H x W x 3 uint8 RGB; index: name of the JSON file; value: what it says.
    Raises ValueError for a value with NaN in it.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for number, named in enumerate(pictures):
            for name, picture in named.items():
                archive.writestr(zipfile.ZipInfo(_entry(number, name), EPOCH), _png(picture))
        archive.writestr(zipfile.ZipInfo(index, EPOCH), json.dumps(value, allow_nan=False))
    data = buffer.getvalue()
    write_whole(path, data)
    return hashlib.sha256(data).hexdigest()


def read_archive(path: Path, read: Callable[[zipfile.ZipFile], T]) -> T:
    """What read makes of the zip. Raises InputError("invalid_option") naming the file if that fails in any way."""
    try:
        with zipfile.ZipFile(path) as archive:
            return read(archive)
    except InputError:
        raise
    except Exception as error:  # a zip's, JSON's and PNG's readers raise a dozen kinds on damaged files
        raise unfit(f"{path.name} can't be read as a shard: {error}") from error


def read_index(archive: zipfile.ZipFile, index: str, version: int) -> Any:  # noqa: ANN401 - it is the caller's own
    """What the JSON file says. Raises InputError("invalid_option") if it is of another version."""
    value = json.loads(archive.read(index))
    if value["format"] != version:
        name = Path(archive.filename or "").name
        raise unfit(f"{name} has format {value['format']}, this version reads {version}")
    return value


def read_pictures(archive: zipfile.ZipFile, number: int, names: Sequence[str]) -> dict[str, UInt8Array]:
    """The sample's pictures by name. Whatever is wrong with it raises one of Python's own errors."""
    return {name: _picture(archive.read(_entry(number, name))) for name in names}


def check_digest(path: Path, digest: str) -> None:
    """Raises InputError("invalid_option") unless the file has this hex sha256."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unfit(f"The shard {path.name} can't be read: {error.strerror}") from error
    if found != digest:
        raise unfit(f"The shard {path.name} is truncated or was changed")


def write_whole(path: Path, data: bytes) -> None:
    """A temporary file beside it, flushed to disk, then renamed: readers see the old file or the whole new one."""
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def unfit(detail: str) -> InputError:
    """What is wrong with a dataset, as the error to raise."""
    return InputError("invalid_option", f"{detail}.", "dataset")


def _entry(number: int, name: str) -> str:
    return f"{number:03d}/{name}.png"


def _png(picture: UInt8Array) -> bytes:
    """H x W or H x W x 3 uint8 RGB."""
    plain = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".png", plain)[1])


def _picture(data: bytes) -> UInt8Array:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.dtype != np.uint8:
        raise ValueError("a PNG is damaged")
    return np.asarray(picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
