"""Reading arguments that name files, and writing files so that a half-written one is never seen."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path

from tryon_service.errors import InputError
from tryon_service.imaging.limits import DEFAULT_LIMITS

PHOTO_CODES = frozenset(
    {
        "not_an_image",
        "unsupported_format",
        "truncated_image",
        "too_many_pixels",
        "too_many_bytes",
        "too_many_frames",
        "image_too_small",
    }
)
"""Input codes about what is in a photo's file, which count as a refusal; the others are wrong usage."""


def read_photo(path: Path, field: str) -> bytes:
    """The file's bytes. Raises InputError: "invalid_option" for what isn't a readable file, "too_many_bytes"."""
    if not path.exists():
        raise InputError("invalid_option", f"There is no file {str(path)!r}.", field)
    if not path.is_file():
        raise InputError("invalid_option", f"{str(path)!r} is not a file.", field)
    size, limit = path.stat().st_size, DEFAULT_LIMITS.jpeg_bytes
    if size > limit:
        raise InputError(
            "too_many_bytes", f"It has {size / 1e6:.1f} MB; at most {limit / 1e6:.1f} MB are accepted.", field
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError("invalid_option", f"{str(path)!r} can't be read: {error.strerror}.", field) from error


def check_writable(path: Path | None, field: str) -> None:
    """Before any work: raises InputError("invalid_option") if a file can't be written there."""
    if path is None:
        return
    if path.is_dir():
        raise InputError("invalid_option", f"{str(path)!r} is a folder, a file name is needed.", field)
    if not path.parent.is_dir():
        raise InputError("invalid_option", f"There is no folder {str(path.parent)!r}.", field)
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise InputError("invalid_option", f"The folder {str(path.parent)!r} can't be written to.", field)


def make_folder(path: Path, field: str) -> None:
    """Raises InputError("invalid_option") if there can't be such a folder."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            "invalid_option", f"The folder {str(path)!r} can't be made: {error.strerror}.", field
        ) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise InputError("invalid_option", f"The folder {str(path)!r} can't be written to.", field)


def write_atomically(path: Path, data: bytes) -> None:
    """A temporary file beside it, synced, then renamed: readers see the old file or the whole new one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def write_json(path: Path, value: object) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, (text + "\n").encode())


def _umask() -> int:
    """Reading the mask means setting it; the command line is a single thread, so nobody sees the moment between."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
