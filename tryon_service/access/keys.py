"""API keys: `tryon_<id>_<secret>`, bound to a store, with scopes; only a hash of the secret is kept.

A key has 256 random bits, so one round of SHA-256 is as good as a slow hash: there is nothing to guess. Any number of
a store's keys may be valid at once, so a key is changed by making the next one, handing it out and revoking the first.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from tryon_service.access.database import Database
from tryon_service.errors import AccessError, InputError

Scope = Literal["render", "products", "admin"]
"""render: pictures, poses, links and widget tokens; products: put, read and remove; admin: what the store's staff does
to a product's parts. None includes another."""

PREFIX = "tryon_"
SECRET_BYTES = 32
STORE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
MAX_NAME = 100
"""Characters of a key's name."""
NO_DIGEST = "0" * 64
"""Compared with where there is no such key, so that an unknown id takes as long as a wrong secret."""


@dataclass(frozen=True)
class ApiKey:
    """What is known of a key; never its secret. Times are seconds since 1970, None for never."""

    id: str
    store: str
    scopes: frozenset[str]
    name: str
    created: float
    expires: float | None = None
    revoked: float | None = None

    def active(self, now: float) -> bool:
        return self.revoked is None and (self.expires is None or now < self.expires)


class KeyStore:
    """The keys of one data folder. A key revoked by any process is refused by all of them from the next call on."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._database = Database(path)
        self._clock = clock

    def create(
        self, store: str, scopes: Iterable[str], *, name: str = "", ttl: float | None = None
    ) -> tuple[ApiKey, str]:
        """The key and its text, which nothing can show a second time. ttl: seconds it is valid, None for always."""
        granted = frozenset(scopes)
        if not STORE_ID.fullmatch(store):
            raise InputError("invalid_option", "A store is 1 to 63 of a-z, 0-9 and -, not beginning with -.", "store")
        if not granted or granted - {*get_args(Scope)}:
            raise InputError("invalid_option", f"Scopes are {', '.join(get_args(Scope))}.", "scopes")
        if len(name) > MAX_NAME or not name.isprintable():
            raise InputError("invalid_option", f"A name is at most {MAX_NAME} printable characters.", "name")
        if ttl is not None and not 0 < ttl < float("inf"):
            raise InputError("invalid_option", "A key is valid for more than 0 seconds.", "ttl")
        now = self._clock()
        secret = secrets.token_urlsafe(SECRET_BYTES)
        key = ApiKey(secrets.token_hex(6), store, granted, name, now, None if ttl is None else now + ttl)
        row = (key.id, _digest(secret), store, " ".join(sorted(granted)), name, now, key.expires)
        with self._database.connect() as connection:
            connection.execute(
                "INSERT INTO keys (id, digest, store, scopes, name, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?)", row
            )
        return key, f"{PREFIX}{key.id}_{secret}"

    def list(self, store: str | None = None) -> list[ApiKey]:
        """Oldest first, revoked and expired ones too. store: None for all stores."""
        with self._database.connect() as connection:
            rows = connection.execute(
                "SELECT * FROM keys WHERE ?1 IS NULL OR store = ?1 ORDER BY created, id", (store,)
            ).fetchall()
        return [_key(row) for row in rows]

    def revoke(self, key_id: str) -> ApiKey:
        """From now on the key, and every widget token and link made with it, is refused. Repeating it changes nothing.

        Raises InputError("invalid_option") for an unknown id.
        """
        with self._database.connect() as connection:
            connection.execute("UPDATE keys SET revoked = ? WHERE id = ? AND revoked IS NULL", (self._clock(), key_id))
            row = connection.execute("SELECT * FROM keys WHERE id = ?", (key_id,)).fetchone()
        if row is None:
            raise InputError("invalid_option", f"There is no key {key_id!r}.", "id")
        return _key(row)

    def authenticate(self, text: str) -> ApiKey:
        """The key that the text is. Raises AccessError("unauthorized"), which doesn't say what was wrong."""
        key_id, _, secret = text.removeprefix(PREFIX).partition("_")
        row = self._row(key_id)
        matches = hmac.compare_digest(_digest(secret), NO_DIGEST if row is None else str(row["digest"]))
        if row is not None and matches and text.startswith(PREFIX) and _key(row).active(self._clock()):
            return _key(row)
        raise AccessError("unauthorized")

    def active(self, key_id: str) -> ApiKey:
        """The key that a token or link was made with, if it is still good. Raises AccessError("unauthorized")."""
        row = self._row(key_id)
        if row is not None and _key(row).active(self._clock()):
            return _key(row)
        raise AccessError("unauthorized", "The API key behind it is gone.")

    def _row(self, key_id: str) -> sqlite3.Row | None:
        with self._database.connect() as connection:
            row: sqlite3.Row | None = connection.execute("SELECT * FROM keys WHERE id = ?", (key_id,)).fetchone()
        return row


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _key(row: sqlite3.Row) -> ApiKey:
    scopes = frozenset(row["scopes"].split())
    return ApiKey(row["id"], row["store"], scopes, row["name"], row["created"], row["expires"], row["revoked"])
