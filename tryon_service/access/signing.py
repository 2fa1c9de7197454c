"""Signed links: a URL that shows one picture or photo to whoever has it, until it expires.

    /v1/products/{id}/render?pose=...&w=...&v=...&key=...&exp=...&sig=<key id>.<mac>
    /v1/products/{id}/photo?w=...&v=...&key=...&exp=...&sig=<key id>.<mac>

The HMAC covers the method, the decoded path and every parameter but sig, sorted: nothing can be added, taken away,
doubled or moved to another product. v is the start of the product's digest, so a changed product needs a new link; key
is the API key that the link was made with, which says whose product it is, and ends the link when it is revoked.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote, urlencode

from tryon_service.errors import AccessError
from tryon_service.keyring import Keyring

PURPOSE = "signed link"
SIGNATURE, EXPIRES, KEY, VERSION = "sig", "exp", "key", "v"
"""Names of the parameters that every link has."""
MAX_TTL = 3600
"""Seconds that a link may be valid."""
VERSION_CHARACTERS = 16
"""Of the product's digest: 64 bits, against mix-ups; the signature is what guards against forgery."""


def sign_link(keyring: Keyring, path: str, parameters: Mapping[str, str]) -> str:
    """The query string, percent-encoded, with the signature. path: decoded, as "/v1/products/shirt/render"."""
    key_id, key = keyring.key(PURPOSE)
    mac = _mac(key, path, parameters.items())
    return urlencode([*sorted(parameters.items()), (SIGNATURE, f"{key_id}.{mac}")], quote_via=quote)


def verify_link(keyring: Keyring, path: str, parameters: Sequence[tuple[str, str]], now: float) -> dict[str, str]:
    """The parameters without sig, if all is as it was signed. parameters: decoded, in any order, doubled ones too.

    Raises AccessError("invalid_signature").
    """
    values = dict(parameters)
    if len(values) < len(parameters):
        raise AccessError("invalid_signature", "A parameter is given twice.")
    key_id, _, mac = values.pop(SIGNATURE, "").partition(".")
    try:
        _, key = keyring.key(PURPOSE, key_id)
    except KeyError:
        raise AccessError("invalid_signature") from None
    if not hmac.compare_digest(_mac(key, path, values.items()).encode(), mac.encode("utf-8", "surrogateescape")):
        raise AccessError("invalid_signature")
    if not now < int(values[EXPIRES]):
        raise AccessError("invalid_signature", "The link has expired.")
    return values


def expiry(ttl: int, now: float) -> int:
    """When a link made now for ttl seconds expires: up to a sixth of ttl earlier, so that links made within that time
    are the same and share a cache."""
    return int(now) - int(now) % max(1, ttl // 6) + ttl


def version(digest: str) -> str:
    """What a link says of the product's digest."""
    return digest[:VERSION_CHARACTERS]


def _mac(key: bytes, path: str, parameters: Iterable[tuple[str, str]]) -> str:
    """base64url of HMAC-SHA256 over the canonical form, in which no character can be taken for a separator."""
    canonical = f"GET\n{quote(path)}\n{urlencode(sorted(parameters), quote_via=quote, safe='')}"
    mac = hmac.new(key, canonical.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")
