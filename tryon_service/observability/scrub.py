"""Takes out of a text what must not be in a log: keys, tokens, signatures, query strings, addresses of people.

Loggers are asked not to write such things; this is for the day when one does, be it in another library's exception.
A word is hidden because of what it looks like, so it is hidden whoever wrote it. Better one word too many than too few.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

HIDDEN = "[hidden]"

LONGEST = 16_000
"""Characters of a text that are looked at; the rest is cut off."""

SHORTEST_SECRET = 20
"""Characters; 16 random bytes have 22 in base64. Shorter secrets are hidden where a name announces them."""

_KNOWN = re.compile(r"\btryon_[A-Za-z0-9]+_[\w-]{20,}|\btryonw\.[\w.=-]{8,}|\b(?i:Bearer)\s+\S+|\b(?i:Basic)\s+\S{4,}")
"""What our own API keys and widget tokens begin with, and what follows an authentication scheme."""

_QUERY = re.compile(r"((?:[a-z]+://|/)[^\s?\"'<>]*)\?\S*", re.IGNORECASE)
_USER = re.compile(r"(://)[^/\s@]+@")
_BYTES = re.compile(r"""\bb(['"])(?:\\.|(?!\1).){16,}(?:\1|\Z)""", re.DOTALL)
_NAMED = re.compile(
    r"""\b((?:[\w-]*[_-])?(?:token|secret|password|passwd|authorization|api[_-]?key|cookie|signature)["']?\s*[=:]\s*["']?"""
    r"""|(?:pose|sig)=["']?)[^\s"',;&)\]}]+""",
    re.IGNORECASE,
)
_RUN = re.compile(rf"[A-Za-z0-9+/_-]{{{SHORTEST_SECRET},}}(?:={{1,2}})?")
_WORD = re.compile(r"(?:[A-Z]?(?=[a-z]*[aeiouy])[a-z]{3,})+\d{0,3}|[A-Z]*|[a-z]{1,2}|\d{1,6}")
"""A part of a name between underscores: words of three letters or more with a vowel, CAPITALS, a short word, a number.
Of random tokens of SHORTEST_SECRET characters fewer than one in ten thousand look like that, or are _SMALL."""
_SMALL = re.compile(r"[a-z_-]*")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_ADDRESS = re.compile(
    r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)|(?<![\w.:])(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{0,4}|[\d.]{7,15})(?![\w:])",
    re.IGNORECASE,
)


def scrub(text: str) -> str:
    """The text without anything that looks secret or personal, at most LONGEST characters of it."""
    if len(text) > LONGEST:
        text = re.sub(r"\S*\Z", "", text[:LONGEST]) + "[cut]"  # half a token is a secret too
    text = _BYTES.sub(f"b{HIDDEN}", text)
    text = _QUERY.sub(r"\1", text)
    text = _USER.sub(rf"\1{HIDDEN}@", text)
    text = scrub_known(text)
    text = _NAMED.sub(rf"\1{HIDDEN}", text)
    text = _RUN.sub(_hide_run, text)
    text = _MAIL.sub(HIDDEN, text)
    return _ADDRESS.sub(_hide_address, text)


def scrub_known(text: str) -> str:
    """Only what is certainly a credential: for fields that hold an id, which may look as random as a secret."""
    return _KNOWN.sub(HIDDEN, text)


def _hide_run(found: re.Match[str]) -> str:
    """Keeps what is made of words: names of modules and classes, paths of files."""
    run = found[0]
    if run.endswith("=") or "+" in run:
        return HIDDEN
    parts = run.split("/")
    if any(len(part) >= SHORTEST_SECRET and not _is_made_of_words(part) for part in parts):
        return HIDDEN
    return run


def _is_made_of_words(text: str) -> bool:
    return _SMALL.fullmatch(text) is not None or all(_WORD.fullmatch(word) for word in re.split(r"[_-]", text))


def _hide_address(found: re.Match[str]) -> str:
    """An address is somebody's, unless it is this machine's own."""
    try:
        address = ip_address(found[0])
    except ValueError:
        return found[0]
    return found[0] if address.is_loopback or address.is_unspecified else HIDDEN
