"""Signed links: valid exactly as made, in any order of parameters, and in no other way."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tryon_service.access.signing import expiry, sign_link, verify_link, version
from tryon_service.errors import AccessError
from tryon_service.keyring import Key, Keyring

RING = Keyring((Key("k1", bytes(range(32))),))
NOW = 1_700_000_000
PATH = "/v1/products/shirt-7/render"
PARAMETERS = {"pose": "name:standing", "w": "400", "v": "0123456789abcdef", "key": "aa", "exp": str(NOW + 60)}


def pairs(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True, strict_parsing=True)


def accepted(path: str, parameters: list[tuple[str, str]], ring: Keyring = RING, now: float = NOW) -> bool:
    try:
        verify_link(ring, path, parameters, now)
    except AccessError as error:
        return {"invalid_signature": False}[error.code]
    return True


SIGNED = pairs(sign_link(RING, PATH, PARAMETERS))


def test_valid_as_made_and_in_any_order() -> None:
    assert verify_link(RING, PATH, SIGNED, NOW) == PARAMETERS
    assert accepted(PATH, SIGNED[::-1])
    assert accepted(PATH, sorted(SIGNED, key=lambda pair: pair[1]))


@pytest.mark.parametrize(
    "path",
    [
        "/v1/products/shirt-8/render",
        "/v1/products/./shirt-7/render",
        "/v1/products/shirt-7/./render",
        "/v1/products/x/../shirt-7/render",
        "/v1/products/shirt-7/render/",
        "//v1/products/shirt-7/render",
        "/v1/products/shirt-7%2Frender",
        "/V1/products/shirt-7/render",
        "",
    ],
)
def test_another_path(path: str) -> None:
    assert not accepted(path, SIGNED)


@pytest.mark.parametrize("name", list(PARAMETERS))
def test_no_parameter_can_be_changed_dropped_emptied_or_doubled(name: str) -> None:
    others = [pair for pair in SIGNED if pair[0] != name]
    value = PARAMETERS[name]
    assert accepted(PATH, [*others, (name, value)])
    assert not accepted(PATH, others)
    assert not accepted(PATH, [*others, (name, "")])
    assert not accepted(PATH, [*others, (name, value + "0")])
    assert not accepted(PATH, [*others, (name, value), (name, value)])
    assert not accepted(PATH, [*others, (name, value), (name, "1")])
    assert not accepted(PATH, [*others, (name.upper(), value)])


def test_nothing_can_be_added() -> None:
    assert not accepted(PATH, [*SIGNED, ("fallback", "none")])
    assert not accepted(PATH, [*SIGNED, ("utm_source", "x")])


def test_the_signature_itself() -> None:
    unsigned, sig = SIGNED[:-1], SIGNED[-1][1]
    key_id, mac = sig.split(".")
    wrong = ["", ".", mac, key_id, f"{key_id}.", f".{mac}", f"k2.{mac}", f"{key_id}.{mac[:-1]}", f"{key_id}.{mac}=",
             f"{key_id}.{mac.swapcase()}", f"{key_id}.ü", f"{sig}.{mac}"]  # fmt: skip
    for value in wrong:
        assert not accepted(PATH, [*unsigned, ("sig", value)]), value
    assert not accepted(PATH, unsigned), "stripped"
    assert not accepted(PATH, [*SIGNED, ("sig", sig)]), "doubled"


def test_another_secret_a_rotated_one_and_one_that_is_gone() -> None:
    other = Keyring((Key("k1", bytes(32)),))
    new = Key("k2", bytes(32))
    assert not accepted(PATH, SIGNED, other)
    assert accepted(PATH, SIGNED, Keyring((new, *RING.keys)))
    assert not accepted(PATH, SIGNED, Keyring((new,)))
    assert sign_link(Keyring((new, *RING.keys)), PATH, PARAMETERS).rpartition("sig=")[2].startswith("k2.")


def test_expiry_is_a_moment() -> None:
    assert accepted(PATH, SIGNED, now=NOW + 59.9)
    assert not accepted(PATH, SIGNED, now=NOW + 60)
    assert not accepted(PATH, SIGNED, now=NOW + 1e9)


def test_unicode_counts_as_it_is_written() -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    path = f"/v1/products/{composed}/render"
    query = sign_link(RING, path, {**PARAMETERS, "pose": f"name:{composed} & =?#\u4e2d\n"})
    assert query.isascii()
    assert accepted(path, pairs(query))
    assert not accepted(path.replace(composed, decomposed), pairs(query))
    swapped = [(name, value.replace(composed, decomposed)) for name, value in pairs(query)]
    assert not accepted(path, swapped)


@given(st.dictionaries(st.text(min_size=1), st.text()), st.text())
def test_separators_in_values_never_let_one_link_pass_as_another(values: dict[str, str], path: str) -> None:
    """Whatever differs, once decoded, is refused; and what is the same is accepted."""
    writable = all(character.isprintable() for text in (*values, *values.values(), path) for character in text)
    values.pop("sig", None)
    if not writable:
        return
    values["exp"] = str(NOW + 60)
    signed = pairs(sign_link(RING, path, values))
    assert accepted(path, signed)
    joined = "&".join(f"{name}={value}" for name, value in sorted(values.items()))
    assert dict(signed[:-1]) == values
    assert not accepted(path, [("exp", str(NOW + 60)), ("x", joined), signed[-1]])
    assert not accepted(path + "\n", signed)


def test_links_made_close_together_are_the_same_and_live_long_enough() -> None:
    ends = {expiry(3600, NOW + second) for second in range(0, 1200, 7)}
    assert len(ends) <= 3
    for ttl in (1, 5, 60, 3600):
        for second in range(50):
            assert ttl * 5 // 6 < expiry(ttl, NOW + second) - (NOW + second) <= ttl


def test_version_changes_with_the_digest() -> None:
    assert version("ab" * 32) == "ab" * 8
    assert version("ab" * 32) != version("ac" * 32)
