from __future__ import annotations

import multiprocessing
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tryon_service.engine.messages import Message, error_from, error_row, receive, send, unpack
from tryon_service.errors import CODES, InputError, RefusedError
from tryon_service.types import Reason

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.text(), st.dictionaries(st.text(), PLAIN), st.lists(st.binary(max_size=1000), max_size=5))
def test_what_is_sent_is_received(kind: str, head: dict[str, object], parts: list[bytes]) -> None:
    ours, theirs = multiprocessing.Pipe()
    with ours, theirs:
        send(ours, Message(kind, head, tuple(parts)))
        message = receive(theirs)
    assert message == Message(kind, head, tuple(parts))
    assert message.size == sum(map(len, parts))


@pytest.mark.parametrize(
    "data", [b"", b"1234", struct.pack("<Q", 5) + b"[1,2]", struct.pack("<Q", 99) + b"{}", b"\0" * 8]
)
def test_what_is_no_message_is_a_value_error(data: bytes) -> None:
    ours, theirs = multiprocessing.Pipe()
    with ours, theirs:
        ours.send_bytes(data)
        with pytest.raises(ValueError):  # noqa: PT011 - of json's, or ours
            receive(theirs)


@pytest.mark.parametrize("code", CODES)
def test_errors_keep_code_detail_and_field(code: str) -> None:
    error = error_from(error_row(InputError(code, "what exactly", "shopper")))
    assert (error.code, error.detail, error.field) == (code, "what exactly", "shopper")


def test_refusals_keep_their_reasons() -> None:
    reasons = [Reason("blurred", "shopper", "person", 0.8, 0.7), Reason("no_person", "product[1]")]
    error = error_from(error_row(RefusedError(reasons, "why")))
    assert isinstance(error, RefusedError)
    assert (error.reasons, error.detail) == (tuple(reasons), "why")


@pytest.mark.parametrize(
    "head", ["[]", "[1, {}, []]", '["a", [], []]', '["a", {}, [-1]]', '["a", {}, [3]]', '["a", {}, 7]', "[" * 5000]
)
def test_a_worker_that_was_taken_over_can_say_what_it_likes(head: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of json's, or ours
        unpack(struct.pack("<Q", len(head)) + head.encode() + b"12")


@pytest.mark.parametrize(
    "row", [{}, {"code": 1, "detail": "", "field": "", "reasons": []}, {"code": "no_person", "detail": "", "field": "",
            "reasons": [{"x": 1}]}, {"code": "no_person", "detail": "", "field": "", "reasons": 7}]
)  # fmt: skip
def test_an_error_that_is_none_is_our_own_fault(row: dict[str, object]) -> None:
    assert error_from(row).code == "internal"


def test_an_unknown_code_is_our_own_fault() -> None:
    assert error_from({"code": "nonsense", "detail": "", "field": "", "reasons": []}).code == "internal"
