"""The service's own secrets: pose tokens are sealed and links and widget tokens signed with keys derived from them.

    keyring = Keyring.load(settings)
    key_id, key = keyring.key("pose token")          # the newest secret, for making things
    key_id, key = keyring.key("pose token", key_id)  # the one that a thing was made with; KeyError where it is gone

Rotation: put a new secret first and whatever is made from then on uses it, while what is out stays valid; take the old
one away and everything made with it is void at once.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tryon_service.errors import InputError, UnavailableError
from tryon_service.settings import Settings

SECRET_BYTES = 32
"""Length of a secret that we make, least length of one that is given, and length of every derived key."""
KEY_ID = re.compile(r"[A-Za-z0-9]{1,16}")
"""Short, and without the characters that tokens and URLs are cut at."""
VARIABLE = "TRYON_SECRETS"
SECRETS_FILE = "secrets"
"""In the data folder."""


@dataclass(frozen=True)
class Key:
    """A secret with the id that things made with it carry in the clear."""

    id: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True)
class Keyring:
    """Newest key first. Raises InputError("invalid_option") if empty, if two ids are the same or a secret is short."""

    keys: tuple[Key, ...]

    def __post_init__(self) -> None:
        ids = [key.id for key in self.keys]
        if not ids or len(set(ids)) < len(ids):
            raise InputError("invalid_option", "At least one key is needed, each with an id of its own.", VARIABLE)
        for key in self.keys:
            if not KEY_ID.fullmatch(key.id):
                raise InputError("invalid_option", "A key's id is 1 to 16 letters and digits.", VARIABLE)
            if len(key.secret) < SECRET_BYTES:
                raise InputError("invalid_option", f"Key {key.id} has less than {SECRET_BYTES} bytes.", VARIABLE)

    @classmethod
    def load(cls, settings: Settings) -> Keyring:
        """From the settings, else from SECRETS_FILE in the data folder, which is made where there is none."""
        if settings.secrets:
            return cls.parse(settings.secrets, VARIABLE)
        file = settings.data / SECRETS_FILE
        try:
            if not file.exists():
                _write_new(
                    file, f"{secrets.token_hex(4)}:{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"
                )
            return cls.parse(file.read_text(), str(file))
        except OSError as error:
            raise UnavailableError(
                "storage_unavailable", f"The secrets can't be kept in {file}: {error.strerror}."
            ) from None

    @classmethod
    def parse(cls, text: str, where: str) -> Keyring:
        """id:base64 of each key, separated by commas or line ends. where: names the source in errors."""
        keys = []
        for entry in re.split(r"[,\s]+", text.strip()):
            key_id, colon, secret = entry.partition(":")
            try:
                keys.append(Key(key_id, base64.b64decode(secret, validate=True)))
            except binascii.Error:
                colon = ""
            if not colon:  # never the entry itself: it is a secret
                raise InputError("invalid_option", f"Key {len(keys) or 1} is not written id:base64.", where) from None
        return cls(tuple(keys))

    def key(self, purpose: str, key_id: str | None = None) -> tuple[str, bytes]:
        """(id, 32 bytes) for one purpose only; key_id: None for the newest. Raises KeyError where there is no such id.

        Keys of different purposes tell nothing of each other.
        """
        found = self.keys[0] if key_id is None else next((key for key in self.keys if key.id == key_id), None)
        if found is None:
            raise KeyError(key_id)
        derive = HKDF(algorithm=SHA256(), length=SECRET_BYTES, salt=None, info=f"tryon/1/{purpose}".encode())
        return found.id, derive.derive(found.secret)


def _write_new(file: Path, text: str) -> None:
    """Write a private file whole, unless somebody else has just done so: then theirs stays."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".secrets-")  # 0600
    try:
        with os.fdopen(handle, "w") as out:
            out.write(text + "\n")
            out.flush()
            os.fsync(out.fileno())
        os.link(temporary, file)  # unlike a rename, never over what is there: gateway and engine start together
    except FileExistsError:
        pass
    finally:
        os.unlink(temporary)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
