"""Credentials: pose tokens, widget tokens, API keys and signed links. One that was changed is never believed."""

from __future__ import annotations

import atexit
import secrets
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl

from tests.fuzz.oracles import affordable, edited, outcome
from tryon_service.access import signing, widget_tokens
from tryon_service.access.keys import KeyStore
from tryon_service.keyring import Key, Keyring
from tryon_service.poses.house import house_pose
from tryon_service.poses.token import open_token, seal

NOW = 1_700_000_000.0
STORE = "shop"
PATH = "/v1/products/shirt/render"
PARAMETERS = {"pose": "name:standing", "w": "300", "v": "0123456789abcdef", "key": "k", "exp": str(int(NOW) + 60)}
SECONDS, MEGABYTES = 1.0, 32.0
WORDS = (
    b"tryonw.", b"tryon_", b"&sig=", b"&exp=9999999999", b"&w=301", b"%26", b"%00", b"%C3%A9", b"==",
    b"\0\xff\xff\x3d", b"\1\xff\xff\x41", b"\2\xff\xfe\0",
)  # fmt: skip


@cache
def _keyring() -> Keyring:
    """New in every process: what the corpus holds is a forgery by now."""
    return Keyring((Key("k2", secrets.token_bytes(32)), Key("k1", secrets.token_bytes(32))))


@cache
def _keys() -> KeyStore:
    folder = tempfile.TemporaryDirectory(prefix="tryon-fuzz-")
    atexit.register(folder.cleanup)
    return KeyStore(Path(folder.name) / "keys.db")


@cache
def _true() -> tuple[str, str, str, str]:
    """A pose token, a widget token, an API key and a link's query, each good."""
    pose = seal(house_pose("standing"), _keyring(), STORE, 60, NOW)
    minted = {"origin": "https://shop.example", "products": ("shirt",), "uses": 5, "ttl": 60, "now": NOW}
    _, widget = widget_tokens.mint(_keyring(), "k", **minted)  # type: ignore[arg-type]
    return pose, widget, _keys().create(STORE, ["render"])[1], signing.sign_link(_keyring(), PATH, PARAMETERS)


def seeds() -> Iterator[bytes]:
    for kind in range(4):
        yield bytes([kind])  # as it is
        yield bytes([kind, 0, 0, 40, 65])
        yield bytes([kind, 3, 0, 60, 0])
        yield bytes([kind, 0]) + (len(_true()[kind]) - 1).to_bytes(2, "big") + b"A"  # its last character
    yield bytes([4]) + b"k2.AAAA"
    yield bytes([5]) + b"tryonw.AAAA"
    yield bytes([6]) + b"tryon_0123_secret"
    yield bytes([7]) + b"exp=9999999999&key=k&sig=k2.AAAA"


def check(data: bytes) -> None:
    """The first byte says which kind, and whether the rest is a text or edits of a true one."""
    kind, rest = (data[0] if data else 0) % 8, data[1:]
    true = _true()[kind % 4]
    sent = rest.decode("latin-1") if kind >= 4 else edited(true.encode(), rest).decode("latin-1")  # as WSGI gives it
    with affordable(SECONDS, MEGABYTES):
        believed = _READERS[kind % 4](sent)
    # Of a link every spelling of the same parameters is the same.
    same = sorted(_parameters(sent)) == sorted(_parameters(true)) if kind % 4 == 3 else sent == true
    assert believed == same, "believed though changed" if believed else "a true one is refused"


def _pose(sent: str) -> bool:
    return outcome(lambda: open_token(sent, _keyring(), STORE, NOW), "invalid_pose") is not None


def _widget(sent: str) -> bool:
    return outcome(lambda: widget_tokens.open_token(_keyring(), sent, NOW), "unauthorized") is not None


def _key(sent: str) -> bool:
    return outcome(lambda: _keys().authenticate(sent), "unauthorized") is not None


def _link(sent: str) -> bool:
    given = _parameters(sent)
    return outcome(lambda: signing.verify_link(_keyring(), PATH, given, NOW), "invalid_signature") is not None


_READERS: tuple[Callable[[str], bool], ...] = (_pose, _widget, _key, _link)


def _parameters(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True, errors="replace")
