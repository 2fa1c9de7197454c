"""A pose as a token that the shopper's browser keeps: encrypted, bound to one store, worthless after a day.

    <key's id>.<base64url of nonce and AES-GCM of expiry and pose>

The key's id is in the clear so that keys can be rotated; taking a key away from the keyring voids its tokens at once.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tryon_service.errors import InputError
from tryon_service.keyring import Keyring
from tryon_service.poses.pose import Pose

MAX_TTL = 86400
"""Seconds: the longest that a token is valid."""
PURPOSE = "pose token"
LONGEST = 4096
"""Characters of a token; longer ones are none of ours."""

_NONCE_BYTES = 12
_EXPIRY = struct.Struct(">Q")


def seal(pose: Pose, keyring: Keyring, store: str, ttl: int, now: float) -> str:
    """A token for this store. ttl: seconds from now, 1 to MAX_TTL; now: seconds since 1970; valid while the time is
    below int(now) + ttl. Raises InputError("invalid_option") for another ttl."""
    if not 1 <= ttl <= MAX_TTL:
        raise InputError("invalid_option", f"{ttl} is not from 1 to {MAX_TTL} seconds.", "ttl_seconds")
    key_id, key = keyring.key(PURPOSE)
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, _EXPIRY.pack(int(now) + ttl) + pose.pack(), store.encode())
    return f"{key_id}.{_encoded(nonce + sealed)}"


def open_token(token: str, keyring: Keyring, store: str, now: float) -> Pose:
    """The pose inside. Raises InputError: "invalid_pose" for what was not sealed for this store with a key that is
    still there, "expired_pose"."""
    key_id, _, text = token.partition(".")
    try:
        if len(token) > LONGEST:
            raise ValueError
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        if _encoded(raw) != text:  # a token has one spelling, so that counting its uses can't be got round
            raise ValueError
        _, key = keyring.key(PURPOSE, key_id)
        plain = AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], store.encode())
    except (KeyError, ValueError, binascii.Error, InvalidTag):
        raise InputError("invalid_pose", field="pose") from None
    if now >= _EXPIRY.unpack_from(plain)[0]:
        raise InputError("expired_pose", field="pose")
    return Pose.unpack(plain[_EXPIRY.size :])


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
