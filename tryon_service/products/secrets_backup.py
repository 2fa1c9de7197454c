"""The API keys and the service's own secrets in a file for its owner only, apart from the products.

Keys are kept hashed there as here, with what was counted of their use. The secrets are not hidden: who has the file can
sign links and make pose tokens. Restoring never takes anything away: keys that are there stay, one that was revoked on
either side is revoked, and secrets that were lost come behind those that are there, so that links and tokens of both
are good.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tryon_service.access.access import KEYS_FILE
from tryon_service.access.database import Database
from tryon_service.errors import InputError, UnavailableError
from tryon_service.keyring import Key, Keyring
from tryon_service.settings import Settings

FORMAT, VERSION = "tryon secrets", 1
FIELD = "--secrets"
_SECRETS_FILE = "secrets"
_KEYS = ("id", "digest", "store", "scopes", "name", "created", "expires", "revoked")
_USAGE = ("day", "key", "route", "outcome", "count")

Row = Sequence[str | float | None]


@dataclass(frozen=True)
class Secrets:
    """keys, usage: rows of data/keys.db; secrets: those of the data folder, newest first, empty where it has none."""

    keys: tuple[Row, ...]
    usage: tuple[Row, ...]
    secrets: tuple[Key, ...]

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the data folder has. Raises UnavailableError, InputError where that has no keys and no secrets."""
        file = settings.data / _SECRETS_FILE
        keys: list[Row] = []
        usage: list[Row] = []
        try:
            secrets = Keyring.parse(file.read_text(), str(file)).keys if file.exists() else ()
            there = (settings.data / KEYS_FILE).exists()
        except OSError as error:
            raise UnavailableError("storage_unavailable", f"The secrets can't be read: {error.strerror}.") from error
        if there:
            with Database(settings.data / KEYS_FILE).connect() as connection:
                connection.execute("BEGIN")  # both tables of one moment
                keys = [tuple(row) for row in connection.execute(f"SELECT {', '.join(_KEYS)} FROM keys")]  # noqa: S608
                usage = [tuple(row) for row in connection.execute(f"SELECT {', '.join(_USAGE)} FROM usage")]  # noqa: S608
        if not keys and not secrets:
            raise InputError("invalid_option", "The data folder has no keys and no secrets.", FIELD)
        return cls(tuple(keys), tuple(usage), secrets)

    def write(self, path: Path) -> None:
        """A new file, readable by its owner only. Raises InputError("invalid_option")."""
        content = {
            "format": FORMAT,
            "version": VERSION,
            "secrets": _text(self.secrets),
            "keys": self.keys,
            "usage": self.usage,
        }
        check_new(path)
        try:
            _write_private(path, json.dumps(content, indent=1) + "\n")
        except OSError as error:
            raise InputError("invalid_option", f"{str(path)!r} can't be written: {error.strerror}.", FIELD) from error

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises InputError("invalid_option") for what write of this version didn't write."""
        try:
            content: Mapping[str, Any] = json.loads(path.read_text())
            if (content["format"], content["version"]) != (FORMAT, VERSION):
                detail = f"It is not a file of secrets of version {VERSION}."
                raise InputError("invalid_option", detail, FIELD)
            secrets = Keyring.parse(content["secrets"], FIELD).keys if content["secrets"] else ()
            keys, usage = tuple(map(tuple, content["keys"])), tuple(map(tuple, content["usage"]))
        except OSError as error:
            raise InputError("invalid_option", f"{str(path)!r} can't be read: {error.strerror}.", FIELD) from error
        except (ValueError, LookupError, TypeError):
            raise InputError("invalid_option", f"{str(path)!r} is cut short, or no file of secrets.", FIELD) from None
        if any(len(row) != len(_KEYS) for row in keys) or any(len(row) != len(_USAGE) for row in usage):
            raise InputError("invalid_option", f"{str(path)!r} is damaged.", FIELD)
        return cls(keys, usage, secrets)

    def restore(self, settings: Settings) -> None:
        """Into the data folder. Engines and gateways that run know restored secrets once they are started again.

        Raises UnavailableError, or InputError where a secret of the same id is there and is another.
        """
        file = settings.data / _SECRETS_FILE
        try:
            there = Keyring.parse(file.read_text(), str(file)).keys if file.exists() else ()
            secrets = _merged(there, self.secrets)
            settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            with Database(settings.data / KEYS_FILE).connect() as connection:
                connection.executemany(
                    f"INSERT INTO keys ({', '.join(_KEYS)}) VALUES ({', '.join('?' * len(_KEYS))}) "  # noqa: S608
                    "ON CONFLICT DO UPDATE SET revoked = coalesce(revoked, excluded.revoked)",
                    self.keys,
                )
                connection.executemany(
                    f"INSERT INTO usage ({', '.join(_USAGE)}) VALUES ({', '.join('?' * len(_USAGE))}) "  # noqa: S608
                    "ON CONFLICT DO UPDATE SET count = max(count, excluded.count)",
                    self.usage,
                )
            if secrets != there:
                _write_private(file, _text(secrets) + "\n")
        except OSError as error:
            detail = f"The secrets can't be written: {error.strerror}."
            raise UnavailableError("storage_unavailable", detail) from error


def check_new(path: Path) -> None:
    """Raises InputError("invalid_option") where a file can't be made, or is there already: it may be the only one."""
    if path.exists():
        raise InputError("invalid_option", f"{str(path)!r} is there already.", FIELD)
    if not path.parent.is_dir():
        raise InputError("invalid_option", f"There is no folder {str(path.parent)!r}.", FIELD)


def _merged(there: tuple[Key, ...], lost: tuple[Key, ...]) -> tuple[Key, ...]:
    known = {key.id: key for key in there}
    for key in lost:
        if key.id in known and known[key.id] != key:
            raise InputError("invalid_option", f"The secret {key.id!r} is there already, and is another.", FIELD)
    return there + tuple(key for key in lost if key.id not in known)


def _text(secrets: tuple[Key, ...]) -> str:
    return ",".join(f"{key.id}:{base64.b64encode(key.secret).decode()}" for key in secrets)


def _write_private(path: Path, text: str) -> None:
    """Whole and on the disk, or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # 0600
    try:
        with os.fdopen(handle, "w") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
