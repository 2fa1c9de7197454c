"""Widget tokens: what a page may hold instead of an API key.

The store's backend mints one with its key for one page view: good for minutes, on one origin, for some products, a
number of times. The token says so itself, signed, and nothing is kept but how often it has been used.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import asdict, dataclass

from tryon_service.errors import AccessError, InputError
from tryon_service.keyring import Keyring

PREFIX = "tryonw."
PURPOSE = "widget token"
MAX_TTL = 600
"""Seconds that a token may be valid."""
MAX_USES = 1000
MAX_CHARACTERS = 4096
"""Of a token: a header line must hold it."""
MAC_BYTES = 32
ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
"""As browsers send it: lower case, no path, no slash at the end."""


@dataclass(frozen=True)
class WidgetToken:
    """key_id: the API key that minted it; products: ids, None for all of the store; expires: seconds since 1970."""

    id: str
    key_id: str
    origin: str
    products: tuple[str, ...] | None
    uses: int
    expires: int


def mint(
    keyring: Keyring, key_id: str, *, origin: str, products: tuple[str, ...] | None, uses: int, ttl: int, now: float
) -> tuple[WidgetToken, str]:
    """The token and its text. Raises InputError("invalid_option") naming the field."""
    if not ORIGIN.fullmatch(origin):
        raise InputError("invalid_option", "An origin looks like https://shop.example, in lower case.", "origin")
    if products is not None and not products:
        raise InputError("invalid_option", "Name at least one product, or all.", "product_ids")
    if not 1 <= uses <= MAX_USES:
        raise InputError("invalid_option", f"From 1 to {MAX_USES}.", "uses")
    if not 1 <= ttl <= MAX_TTL:
        raise InputError("invalid_option", f"From 1 to {MAX_TTL} seconds.", "ttl")
    token = WidgetToken(secrets.token_hex(12), key_id, origin, products, uses, int(now) + ttl)
    text = _written(keyring, token)
    if len(text) > MAX_CHARACTERS:
        raise InputError("invalid_option", "Too many for one token; name fewer, or all.", "product_ids")
    return token, text


def open_token(keyring: Keyring, text: str, now: float) -> WidgetToken:
    """Raises AccessError("unauthorized"); the detail says so where it is only too late."""
    token = _read(keyring, text)
    if token is None:
        raise AccessError("unauthorized")
    if not now < token.expires:
        raise AccessError("unauthorized", "The widget token has expired.")
    return token


def _written(keyring: Keyring, token: WidgetToken) -> str:
    secret_id, key = keyring.key(PURPOSE)
    payload = json.dumps({"secret": secret_id, **asdict(token)}, separators=(",", ":")).encode()
    return PREFIX + _encoded(_mac(key, payload) + payload)


def _encoded(blob: bytes) -> str:
    return base64.urlsafe_b64encode(blob).decode().rstrip("=")


def _read(keyring: Keyring, text: str) -> WidgetToken | None:
    """None for whatever we have not written."""
    encoded = text.removeprefix(PREFIX)
    if not text.startswith(PREFIX) or len(text) > MAX_CHARACTERS:
        return None
    try:
        blob = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        if _encoded(blob) != encoded:  # a token has one spelling
            return None
        mac, payload = blob[:MAC_BYTES], blob[MAC_BYTES:]
        fields = json.loads(payload)
        _, key = keyring.key(PURPOSE, fields.pop("secret"))
    except (binascii.Error, ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return None
    if not hmac.compare_digest(_mac(key, payload), mac):
        return None
    products = fields.pop("products")
    return WidgetToken(products=None if products is None else tuple(products), **fields)


def _mac(key: bytes, payload: bytes) -> bytes:
    return hmac.new(key, payload, hashlib.sha256).digest()
