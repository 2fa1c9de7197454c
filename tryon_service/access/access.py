"""Everything the gateway needs to tell callers apart: who it is, what they may do and how often."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tryon_service.access import signing, widget_tokens
from tryon_service.access.keys import KeyStore, Scope
from tryon_service.access.redis_client import connect
from tryon_service.access.usage import Usage
from tryon_service.access.uses import UseCounter, use_counter
from tryon_service.access.widget_tokens import WidgetToken
from tryon_service.errors import AccessError
from tryon_service.keyring import Keyring
from tryon_service.settings import Settings

if TYPE_CHECKING:
    from flask_limiter import Limiter
    from redis import Redis

Kind = Literal["key", "widget", "signed"]

KEYS_FILE = "keys.db"
"""In the data folder."""
RENDER: frozenset[str] = frozenset({"render"})


@dataclass(frozen=True)
class Caller:
    """Who calls. id: of the key or token, or of the key behind a link; key_id: the API key that answers for the call.

    products: the only ones it may use, None for all of the store; origin: the only one it may call from, None for any;
    token: the widget token, if that is what was sent.
    """

    store: str
    kind: Kind
    id: str
    key_id: str
    scopes: frozenset[str]
    products: frozenset[str] | None = None
    origin: str | None = None
    token: WidgetToken | None = None

    def require(self, scope: Scope, kinds: Sequence[Kind]) -> None:
        """Raises AccessError("forbidden")."""
        if self.kind not in kinds:
            raise AccessError("forbidden", f"It takes {' or '.join(WORDS[kind] for kind in kinds)}.")
        if scope not in self.scopes:
            raise AccessError("forbidden", f"It takes the scope {scope}.")

    def require_product(self, product_id: str | None, field: str = "product_id") -> None:
        """Raises AccessError("forbidden"). product_id: None for photos sent along, which only an API key may."""
        if product_id is None and self.kind != "key":
            raise AccessError("forbidden", "A widget token is for the store's own products only.", "product")
        if product_id is not None and self.products is not None and product_id not in self.products:
            raise AccessError("forbidden", "The widget token is for other products.", field)


WORDS: dict[Kind, str] = {"key": "an API key", "widget": "a widget token", "signed": "a signed link"}


@dataclass(frozen=True)
class Access:
    """keys, usage: what is kept of API keys; keyring: signs and seals; uses: of widget tokens; limiter: rate limits;
    redis: behind those two, None where they count in memory."""

    keys: KeyStore
    usage: Usage
    keyring: Keyring
    uses: UseCounter
    limiter: Limiter
    redis: Redis | None = None
    clock: Callable[[], float] = time.time

    @classmethod
    def open(cls, settings: Settings) -> Access:
        """Raises InputError for settings that can't be, UnavailableError where the data folder is not to be had."""
        from tryon_service.access.limits import rate_limiter  # loads Flask, which the command line can do without

        file, redis = settings.data / KEYS_FILE, connect(settings.redis_url)
        uses, limiter = use_counter(redis), rate_limiter(settings, redis)
        return cls(KeyStore(file), Usage(file), Keyring.load(settings), uses, limiter, redis)

    def close(self) -> None:
        """Write what has been counted and let go of Redis. May be called twice."""
        self.usage.close()
        if self.redis is not None:
            self.redis.close()

    def by_text(self, text: str, origin: str | None) -> Caller:
        """Who sends this API key or widget token. origin: as the browser says, None where there is none.

        Raises AccessError("unauthorized"), or "forbidden" for a token from another origin.
        """
        if not text.startswith(widget_tokens.PREFIX):
            key = self.keys.authenticate(text)
            return Caller(key.store, "key", key.id, key.id, key.scopes)
        token = widget_tokens.open_token(self.keyring, text, self.clock())
        key = self.keys.active(token.key_id)
        if origin != token.origin:
            raise AccessError("forbidden", "The widget token is for another origin.")
        products = None if token.products is None else frozenset(token.products)
        return Caller(key.store, "widget", token.id, key.id, RENDER, products, token.origin, token)

    def by_link(self, path: str, parameters: Sequence[tuple[str, str]]) -> Caller:
        """Who made this link. path and parameters: decoded. Raises AccessError("invalid_signature")."""
        values = signing.verify_link(self.keyring, path, parameters, self.clock())
        try:
            key = self.keys.active(values[signing.KEY])
        except AccessError as error:
            raise AccessError("invalid_signature", error.detail) from None
        return Caller(key.store, "signed", key.id, key.id, RENDER)
