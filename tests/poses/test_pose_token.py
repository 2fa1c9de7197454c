"""A token opens for its own store, in its time, with a key that is still there, and never otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tryon_service.errors import InputError
from tryon_service.keyring import Key, Keyring
from tryon_service.poses.house import house_pose, names
from tryon_service.poses.pose import Pose
from tryon_service.poses.token import MAX_TTL, open_token, seal

NOW = 1_700_000_000.25
OLD, NEW = Key("old", b"o" * 32), Key("new", b"n" * 32)
RING = Keyring((OLD,))


@pytest.fixture(scope="module")
def pose() -> Pose:
    return house_pose("walking")


@pytest.fixture(scope="module")
def token(pose: Pose) -> str:
    return seal(pose, RING, "shop", 600, NOW)


def code_of(token: str, keyring: Keyring = RING, store: str = "shop", now: float = NOW) -> str:
    with pytest.raises(InputError) as caught:
        open_token(token, keyring, store, now)
    assert caught.value.field == "pose"
    assert len(token) < 20 or token not in str(caught.value)
    return caught.value.code


def test_a_token_is_the_pose(pose: Pose, token: str) -> None:
    assert open_token(token, RING, "shop", NOW) == pose
    assert re.fullmatch(r"old\.[A-Za-z0-9_-]+", token), "fit for a URL"
    assert len(token) < 600


def test_nothing_of_the_pose_shows(pose: Pose, token: str) -> None:
    again = seal(pose, RING, "shop", 600, NOW)
    assert again[4:20] != token[4:20]
    assert {len(seal(house_pose(name), RING, "shop", 600, NOW)) for name in names()} == {len(token)}


@pytest.mark.parametrize("ttl", [1, 600, MAX_TTL])
def test_it_expires(pose: Pose, ttl: int) -> None:
    token = seal(pose, RING, "shop", ttl, NOW)
    end = int(NOW) + ttl
    assert open_token(token, RING, "shop", end - 0.001) == pose
    assert code_of(token, now=end) == "expired_pose"
    assert code_of(token, now=end + 1e9) == "expired_pose"


@pytest.mark.parametrize("ttl", [0, -1, MAX_TTL + 1])
def test_no_other_time_is_given(pose: Pose, ttl: int) -> None:
    with pytest.raises(InputError) as caught:
        seal(pose, RING, "shop", ttl, NOW)
    assert (caught.value.code, caught.value.field) == ("invalid_option", "ttl_seconds")


@pytest.mark.parametrize("store", ["", "Shop", "shop2", "sho"])
def test_another_store_gets_nothing(token: str, store: str) -> None:
    assert code_of(token, store=store) == "invalid_pose"


def test_keys_rotate_and_a_key_that_is_gone_voids_its_tokens(pose: Pose, token: str) -> None:
    both = Keyring((NEW, OLD))
    assert open_token(token, both, "shop", NOW) == pose
    assert seal(pose, both, "shop", 600, NOW).startswith("new.")
    assert code_of(token, keyring=Keyring((NEW,))) == "invalid_pose"
    assert code_of(token, keyring=Keyring((Key("old", b"x" * 32),))) == "invalid_pose"


@pytest.mark.parametrize(
    "change",
    [
        lambda token: "",
        lambda token: ".",
        lambda token: "old.",
        lambda token: "old",
        lambda token: token[4:],
        lambda token: "new." + token[4:],
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token + "=",
        lambda token: token + " ",
        lambda token: token + "." + token,
        lambda token: "old." + token,
        lambda token: token + "A" * 5000,
        lambda token: token.replace("old.", "old.\u00e9"),
        lambda token: "name:standing",
        lambda token: "\x00" * 100,
    ],
)
def test_what_is_no_token_is_invalid(token: str, change: Callable[[str], str]) -> None:
    assert code_of(change(token)) == "invalid_pose"


def test_every_changed_character_is_noticed(token: str) -> None:
    for place in range(len(token)):
        other = "B" if token[place] == "A" else "A"
        assert code_of(token[:place] + other + token[place + 1 :]) == "invalid_pose"


def test_a_key_for_another_purpose_opens_nothing(pose: Pose) -> None:
    class Mixed(Keyring):
        def key(self, purpose: str, key_id: str | None = None) -> tuple[str, bytes]:
            return super().key("url signature", key_id)

    assert code_of(seal(pose, Mixed((OLD,)), "shop", 600, NOW)) == "invalid_pose"
