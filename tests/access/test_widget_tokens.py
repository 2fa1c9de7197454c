"""Widget tokens: what is minted is read again, and nothing else is."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tryon_service.access import widget_tokens
from tryon_service.access.widget_tokens import mint, open_token
from tryon_service.errors import AccessError, InputError
from tryon_service.keyring import Key, Keyring

RING = Keyring((Key("k1", bytes(range(32))),))
NOW = 1_700_000_000.0
TERMS = {"origin": "https://shop.example", "products": ("shirt", "dress"), "uses": 5, "ttl": 300}


def minted(ring: Keyring = RING, **changes: object) -> str:
    return mint(ring, "key1", now=NOW, **{**TERMS, **changes})[1]  # type: ignore[arg-type]


def detail(text: str, ring: Keyring = RING, now: float = NOW) -> str | None:
    """None if it is accepted, else what is said."""
    try:
        open_token(ring, text, now)
    except AccessError as error:
        return {"unauthorized": error.detail}[error.code]
    return None


def test_what_is_minted_is_read() -> None:
    token, text = mint(RING, "key1", now=NOW, **TERMS)  # type: ignore[arg-type]
    assert open_token(RING, text, NOW) == token
    assert (token.key_id, token.origin, token.products, token.uses) == ("key1", *list(TERMS.values())[:3])
    assert token.expires == NOW + 300
    assert text.startswith("tryonw.")
    assert minted() != text, "each has an id of its own"
    assert open_token(RING, minted(products=None), NOW).products is None


def test_it_ends() -> None:
    text = minted()
    assert detail(text, now=NOW + 299.9) is None
    assert detail(text, now=NOW + 300) == "The widget token has expired."


def test_every_changed_character_is_noticed() -> None:
    text = minted()
    for index in range(len("tryonw."), len(text)):  # the last one too, though some of its bits mean nothing
        changed = text[:index] + ("A" if text[index] != "A" else "B") + text[index + 1 :]
        assert detail(changed) == "", index
    assert detail(text[:-4]) == detail(text + "=") == ""
    assert detail(text.upper()) == ""


def test_a_payload_of_ones_own() -> None:
    blob = base64.urlsafe_b64decode(minted().removeprefix("tryonw.") + "==")
    fields = json.loads(blob[32:])
    assert "secret" in fields
    for change in ({"uses": 1000}, {"products": None}, {"secret": "k2"}, {"secret": None}, {"secret": []}):
        payload = json.dumps({**fields, **change}, separators=(",", ":")).encode()
        assert detail("tryonw." + base64.urlsafe_b64encode(blob[:32] + payload).decode().rstrip("=")) == ""
    for payload in (b"", b"[]", b"null", b"{}", b"\xff", b"[" * 3000):
        assert detail("tryonw." + base64.urlsafe_b64encode(blob[:32] + payload).decode()) == ""


@given(st.text() | st.text("ABCabc-_=", min_size=40).map(lambda text: "tryonw." + text))
def test_any_text_is_refused_alike(text: str) -> None:
    assert detail(text) == ""


def test_secrets_rotate() -> None:
    new = Key("k2", bytes(32))
    assert detail(minted(), Keyring((new, *RING.keys))) is None
    assert detail(minted(), Keyring((new,))) == ""
    assert detail(minted(), Keyring((Key("k1", bytes(32)),))) == ""


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        *[("origin", {"origin": text}) for text in (
            "", "null", "*", "shop.example", "https://shop.example/", "https://Shop.example", "https://a b",
            "ftp://shop.example", "https://shop.example\n", "https://user@shop.example", "https://shop.example:port",
        )],
        ("product_ids", {"products": ()}),
        ("product_ids", {"products": tuple(f"{index:0128}" for index in range(40))}),
        ("uses", {"uses": 0}),
        ("uses", {"uses": 1001}),
        ("ttl", {"ttl": 0}),
        ("ttl", {"ttl": 601}),
    ],
)  # fmt: skip
def test_limits_name_their_field(field: str, changes: dict[str, object]) -> None:
    with pytest.raises(InputError) as caught:
        minted(**changes)
    assert caught.value.field == field
    assert caught.value.code == "invalid_option"


@pytest.mark.parametrize("origin", ["http://localhost:3000", "https://shop.example:8443", "http://[::1]:80"])
def test_origins_as_browsers_write_them(origin: str) -> None:
    assert open_token(RING, minted(origin=origin), NOW).origin == origin


def test_a_token_fits_a_header() -> None:
    many = minted(products=tuple(f"product-{index:04}" for index in range(150)))
    assert len(many) <= widget_tokens.MAX_CHARACTERS < 8190
